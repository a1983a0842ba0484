//! Small sheets made by hand: rows of four bubbles, 40 pixels apart.

use image::{DynamicImage, GrayImage, ImageFormat, Luma};

/// The template of such sheets, of five rows.
pub const TEMPLATE: &str = r#"{
  "pageDimensions": [200, 300], "bubbleDimensions": [16, 16],
  "fieldBlocks": {
    "Q": { "fieldType": "QTYPE_MCQ4", "origin": [20, 20], "bubblesGap": 40, "labelsGap": 40, "fieldLabels": ["q1..5"] }
  }
}"#;

/// The config that keeps their size.
pub const CONFIG: &str = r#"{ "dimensions": { "processing_width": 200, "processing_height": 300 }, "outputs": {} }"#;

/// A page of 200×300 pixels with these answers: one word a row, `.` for no mark.
pub fn page(answers: &str) -> GrayImage {
    let mut page = GrayImage::from_pixel(200, 300, Luma([255]));
    for (row, answer) in answers.split(' ').enumerate() {
        for letter in answer.bytes().filter(|&b| b != b'.') {
            mark(&mut page, row as u32, u32::from(letter - b'A'), 20);
        }
    }
    page
}

/// Fills a bubble with a gray.
pub fn mark(page: &mut GrayImage, row: u32, bubble: u32, gray: u8) {
    for (x, y) in (0..16).flat_map(|y| (0..16).map(move |x| (x, y))) {
        page.put_pixel(20 + 40 * bubble + x, 20 + 40 * row + y, Luma([gray]));
    }
}

/// The bytes of a PNG.
pub fn png(picture: &(impl Clone + Into<DynamicImage>)) -> Vec<u8> {
    encoded(picture, ImageFormat::Png)
}

/// The bytes of a file of this format.
pub fn encoded(picture: &(impl Clone + Into<DynamicImage>), format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture: DynamicImage = picture.clone().into();
    picture.write_to(&mut bytes, format).expect("an encoder");
    bytes.into_inner()
}
