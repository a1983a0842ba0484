//! Codes drawn for tests, by encoders that know nothing of the decoders.

use image::{GrayImage, Luma, imageops};
use qrcode::{EcLevel, QrCode};

/// A QR code with modules of `module` pixels, without a quiet zone.
pub fn qr(text: &str, module: u32) -> GrayImage {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).unwrap();
    let side = code.width() as u32;
    let colors = code.to_colors();
    GrayImage::from_fn(side * module, side * module, |x, y| {
        let dark = colors[((y / module) * side + x / module) as usize] == qrcode::Color::Dark;
        Luma([if dark { 0 } else { 255 }])
    })
}

/// Code 39 (ISO/IEC 16388) of some characters: for each, which of its nine bars and spaces are wide.
const CODE_39: [(char, &str); 6] = [
    ('*', "010010100"),
    ('0', "000110100"),
    ('1', "100100001"),
    ('2', "001100001"),
    ('A', "100001001"),
    ('B', "001001001"),
];

/// A Code 39 symbol, narrow bars `narrow` pixels wide, without a quiet zone.
pub fn code_39(text: &str, narrow: u32, height: u32) -> GrayImage {
    let mut row = Vec::new();
    for c in format!("*{text}*").chars() {
        let wide = CODE_39.iter().find(|(known, _)| *known == c).unwrap().1;
        for (i, element) in wide.chars().enumerate() {
            let length = if element == '1' { 3 * narrow } else { narrow };
            row.extend((0..length).map(|_| if i % 2 == 0 { 0u8 } else { 255 }));
        }
        // The gap between characters.
        row.extend((0..narrow).map(|_| 255));
    }
    GrayImage::from_fn(row.len() as u32, height, |x, _| Luma([row[x as usize]]))
}

/// A white page with pictures on it.
pub fn page(size: (u32, u32), pictures: &[(&GrayImage, (i64, i64))]) -> GrayImage {
    let mut page = GrayImage::from_pixel(size.0, size.1, Luma([255]));
    for (picture, (x, y)) in pictures {
        imageops::overlay(&mut page, *picture, *x, *y);
    }
    page
}
