//! A baseline JPEG encoder for marked pages: gray nearly everywhere, a few colours drawn on it.
//!
//! Why not a library: the pure Rust encoders transform and code the two chroma planes of the whole page, and encoding was
//! the largest part of a sheet's cost. Here the chroma of a block without colours costs four bits, and all else is done
//! for sixteen blocks at once. Pages in their own colours come here, too. The format is ITU T.81 with
//! JFIF: 4:2:0, one interleaved scan, the example quantisation and Huffman tables of its annex K (`tables.rs`).
//!
//! Sixteen rows at a time go from pixels to planes (`strip.rs`), from planes to quantised coefficients (`transform.rs`), and
//! from those to bytes (`entropy.rs`).

mod entropy;
mod strip;
mod tables;
mod transform;

pub use self::entropy::has_ff;
use self::entropy::{Bits, Component};
use self::strip::{Drawing, Strip, UNITS};
pub use self::strip::{Picture, Planes};
use self::tables::{CHROMA, LUMA, scaled};
pub use self::tables::{CHROMA_AC, CHROMA_DC, HuffmanSpec, LUMA_AC, LUMA_DC, ZIGZAG};
use self::transform::{Coefficients, Quantiser, Room, lane, transform};
use super::dispatch::wide_fn;
use super::overlay::{Overlay, Palette, TILE};

/// Sides of a block, and of the square of luma blocks that share one block of each chroma.
const BLOCK: usize = 8;
const UNIT: usize = 2 * BLOCK;
// What is drawn is looked up unit by unit.
const _: () = assert!(UNIT == TILE);

/// Encodes a picture of 1 to 65,535 pixels a side with what is drawn on it. `quality` is from 1 to 100 in the scale of the
/// Independent JPEG Group, the comment has up to 65,533 bytes. `None` for a side or a comment out of range.
pub fn encode(
    picture: Picture<'_>,
    overlay: &Overlay,
    palette: Palette<'_>,
    quality: u8,
    comment: Option<&str>,
) -> Option<Vec<u8>> {
    let (width, height) = picture.size();
    let (columns, rows) = (u16::try_from(width).ok()?, u16::try_from(height).ok()?);
    if columns == 0 || rows == 0 || !picture.is_whole() || comment.is_some_and(|comment| comment.len() > 65_533) {
        return None;
    }
    let tables = [scaled(&LUMA, quality), scaled(&CHROMA, quality)];
    let mut out = headers(columns, rows, &tables, comment);
    out.reserve(usize::from(columns) * usize::from(rows) / 6);
    let drawing = Drawing::new(overlay, palette);
    let mut coder = Coder::new(&tables);
    let mut strip = Strip::new(picture.size());
    for top in (0..usize::from(rows)).step_by(UNIT) {
        write_rows(&mut coder, &mut strip, picture, &drawing, top);
        coder.bits.drain(&mut out);
    }
    coder.bits.finish(&mut out);
    out.extend([0xff, 0xd9]);
    Some(out)
}

fn headers(width: u16, height: u16, tables: &[[u16; 64]; 2], comment: Option<&str>) -> Vec<u8> {
    let mut out = vec![0xff, 0xd8];
    let mut segment = |marker: u8, body: &[u8]| {
        out.extend([0xff, marker]);
        // Bodies are a few hundred bytes, and comments no longer than fits.
        out.extend((body.len() as u16 + 2).to_be_bytes());
        out.extend_from_slice(body);
    };
    segment(0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
    if let Some(comment) = comment {
        segment(0xfe, comment.as_bytes());
    }
    for (i, table) in tables.iter().enumerate() {
        let mut body = vec![i as u8];
        // Values are at most 255 by construction.
        body.extend(ZIGZAG.iter().map(|&place| table[usize::from(place)] as u8));
        segment(0xdb, &body);
    }
    let ([h1, h0], [w1, w0]) = (height.to_be_bytes(), width.to_be_bytes());
    segment(0xc0, &[8, h1, h0, w1, w0, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1]);
    for (id, spec) in [(0x00, &LUMA_DC), (0x10, &LUMA_AC), (0x01, &CHROMA_DC), (0x11, &CHROMA_AC)] {
        let mut body = vec![id];
        body.extend(spec.counts);
        body.extend_from_slice(spec.symbols);
        segment(0xc4, &body);
    }
    segment(0xda, &[3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0]);
    out
}

wide_fn! {
    /// Writes sixteen rows from `top` on.
    fn write_rows(coder: &mut Coder, strip: &mut Strip, picture: Picture<'_>, drawing: &Drawing<'_>, top: usize) {
        strip.load(picture, drawing, top);
        // Held here, so that the bits that wait stay in registers.
        let mut bits = std::mem::replace(&mut coder.bits, Bits::new());
        for (group, units) in strip.groups().enumerate() {
            let [upper, lower, chroma] = &mut coder.blocks;
            transform(strip.luma(group, 0), &coder.quantisers[0], &mut coder.room, upper);
            transform(strip.luma(group, 1), &coder.quantisers[0], &mut coder.room, lower);
            if units.contains(&true) {
                transform(strip.chroma(group), &coder.quantisers[1], &mut coder.room, chroma);
            }
            for (i, &is_coloured) in units.iter().enumerate() {
                coder.unit(i, is_coloured, &mut bits);
            }
        }
        coder.bits = bits;
    }
}

/// Writes the scan.
struct Coder {
    bits: Bits,
    luma: Component,
    chroma: Component,
    quantisers: [Quantiser; 2],
    room: Room,
    /// The blocks of a group of units: the upper row of luma, the lower one, and both chromas.
    blocks: [Coefficients; 3],
    /// The last means of Y, Cb and Cr.
    last: [i16; 3],
}

impl Coder {
    fn new(tables: &[[u16; 64]; 2]) -> Self {
        Self {
            bits: Bits::new(),
            luma: Component::new(&LUMA_DC, &LUMA_AC),
            chroma: Component::new(&CHROMA_DC, &CHROMA_AC),
            quantisers: [Quantiser::new(&tables[0]), Quantiser::new(&tables[1])],
            room: Room::NEW,
            blocks: [Coefficients::NONE; 3],
            last: [0; 3],
        }
    }

    /// Four luma blocks and one of each chroma.
    #[inline(always)]
    fn unit(&mut self, i: usize, is_coloured: bool, bits: &mut Bits) {
        let [upper, lower, chroma] = &self.blocks;
        let [y, cb, cr] = &mut self.last;
        for (blocks, i) in [(upper, 2 * i), (upper, 2 * i + 1), (lower, 2 * i), (lower, 2 * i + 1)] {
            *y = self.luma.block(blocks, lane(i), *y, bits);
        }
        for (last, i) in [(cb, i), (cr, UNITS + i)] {
            if is_coloured {
                *last = self.chroma.block(chroma, lane(i), *last, bits);
            } else {
                self.chroma.zero(*last, bits);
                *last = 0;
            }
        }
    }
}
#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma, RgbImage};
    use proptest::prelude::*;

    use super::*;
    use crate::geometry::{Rect, Size};

    const COLOURS: Palette<'_> = Palette(&[[200, 30, 30], [20, 60, 220]]);

    fn overlay(page: &GrayImage) -> Overlay {
        Overlay::new(Size::new(page.width(), page.height()))
    }

    fn decoded(bytes: &[u8]) -> RgbImage {
        image::load_from_memory_with_format(bytes, image::ImageFormat::Jpeg).unwrap().into_rgb8()
    }

    /// Root of the mean squared difference between a page and its decoded picture.
    fn error(page: &GrayImage, picture: &RgbImage) -> f64 {
        let squares = page.pixels().zip(picture.pixels()).map(|(a, b)| (f64::from(a.0[0]) - f64::from(b.0[1])).powi(2));
        (squares.sum::<f64>() / f64::from(page.width() * page.height())).sqrt()
    }

    #[test]
    fn a_page_comes_back_nearly_as_it_was() {
        let page = GrayImage::from_fn(301, 203, |x, y| Luma([((x / 3) ^ (y / 2)) as u8]));
        let bytes = encode(Picture::Gray(&page), &overlay(&page), COLOURS, 95, None).unwrap();
        assert!(error(&page, &decoded(&bytes)) < 6.0);
        let flat = GrayImage::from_pixel(33, 17, Luma([201]));
        let back = decoded(&encode(Picture::Gray(&flat), &overlay(&flat), COLOURS, 85, None).unwrap());
        assert!(back.pixels().all(|p| p.0 == [201; 3]), "one gray stays that gray");
    }

    #[test]
    fn colours_are_where_they_were_drawn() {
        let page = GrayImage::from_pixel(100, 80, Luma([230]));
        let mut drawn = overlay(&page);
        drawn.outline(Rect::new(20, 20, 30, 30), 10, 1);
        let back = decoded(&encode(Picture::Gray(&page), &drawn, COLOURS, 90, None).unwrap());
        let [r, g, b] = back.get_pixel(25, 25).0;
        assert!(r < 60 && g < 100 && b > 180, "{r} {g} {b}");
        assert!(back.get_pixel(90, 70).0.iter().all(|c| c.abs_diff(230) < 3));
        assert!(back.get_pixel(35, 35).0.iter().all(|c| c.abs_diff(230) < 12), "inside of the frame");
    }

    #[test]
    fn sides_out_of_range_are_refused() {
        let empty = GrayImage::new(0, 5);
        assert_eq!(encode(Picture::Gray(&empty), &overlay(&empty), COLOURS, 85, None), None);
        let wide = GrayImage::new(65_536, 1);
        assert_eq!(encode(Picture::Gray(&wide), &overlay(&wide), COLOURS, 85, None), None);
    }

    proptest! {
        #[test]
        fn any_page_is_decoded_by_another_decoder(
            page in crate::imaging::arbitrary::picture(70, 70),
            quality in 1u8..=100,
            spot in (0i32..70, 0i32..70, 1u32..40, 1u32..40),
        ) {
            let mut drawn = overlay(&page);
            drawn.outline(Rect::new(spot.0, spot.1, spot.2, spot.3), 2, 0);
            match encode(Picture::Gray(&page), &drawn, COLOURS, quality, None) {
                None => prop_assert!(page.is_empty()),
                Some(bytes) => prop_assert_eq!(decoded(&bytes).dimensions(), page.dimensions()),
            }
        }

        #[test]
        fn the_best_quality_loses_little(page in crate::imaging::arbitrary::picture(60, 60)) {
            if !page.is_empty() {
                let bytes = encode(Picture::Gray(&page), &overlay(&page), COLOURS, 100, None).unwrap();
                prop_assert!(error(&page, &decoded(&bytes)) < 1.5);
            }
        }
    }
}
