//! The codes in a zone, in reading order.
//!
//! The zone is looked at as it is; then, while codes are missing, with its surroundings and more contrast, enlarged, and
//! with black and white swapped. The number of looks and the size of an enlarged picture are limited, so a missing code
//! cannot hold up a run. Blank paper is not looked at.

use std::sync::Arc;

use image::{GrayImage, Luma, imageops};

use super::one_line;
use super::zone::{self, Tones};
use crate::geometry::{Rect, Size};
use crate::imaging::symbols::{self, Symbol};
use crate::imaging::{resize, tone};

/// The codes that the label of a block can stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeReading {
    /// The texts of all codes in the block's zone, in reading order: from top to bottom, codes beside each other from left
    /// to right. None is empty.
    pub codes: Arc<[String]>,
    /// The number of the label in its block, from 0.
    pub place: usize,
}

/// Paper around a picture that is decoded, in pixels: decoders want a quiet zone, and codes at an edge have none.
const QUIET: u32 = 16;

/// How often a zone is enlarged. Modules of less than two pixels are found when they are larger.
const ENLARGED: [u32; 2] = [2, 3];

/// A picture is not enlarged beyond this many pixels: one that large has modules that are large enough.
const MAX_ENLARGED: u64 = 1_300_000;

/// The codes of a zone, for each of a block's `labels`.
pub(super) fn codes(page: &GrayImage, zone: Rect, labels: usize) -> Vec<CodeReading> {
    let symbols = if labels > 0 { in_reading_order(search(page, zone, labels)) } else { Vec::new() };
    let codes: Arc<[String]> = symbols.into_iter().map(|s| s.text).collect();
    (0..labels).map(|place| CodeReading { codes: codes.clone(), place }).collect()
}

/// Does the zone hold a code?
pub(super) fn is_there(page: &GrayImage, zone: Rect) -> bool {
    !search(page, zone, 1).is_empty()
}

/// Looks at the zone in one way after the other until there are as many symbols as labels. Places are those of the page.
fn search(page: &GrayImage, zone: Rect, labels: usize) -> Vec<Symbol> {
    let mut found: Vec<Symbol> = Vec::new();
    let Some(view) = View::of(page, zone) else { return found };
    // Where the zone is blank, a code has at most its edge in it.
    if view.tones.is_flat() {
        return found;
    }
    let mut look = |view: &View| {
        for symbol in symbols::find(&view.framed()) {
            let symbol = Symbol { text: one_line(&symbol.text), bounds: view.on_page(symbol.bounds) };
            let is_new = !found.iter().any(|known| symbols::overlap(known.bounds, symbol.bounds));
            if !symbol.text.is_empty() && is_new && holds_centre(zone, symbol.bounds) {
                found.push(symbol);
            }
        }
        found.len() >= labels
    };
    if look(&view) {
        return found;
    }
    // A part of the code, or of the quiet zone around it, may lie beyond the zone's edge.
    let Some(wide) = View::of(page, zone::grown(zone, zone.width.max(zone.height) / 4)) else { return found };
    let wide = wide.stretched();
    if look(&wide) {
        return found;
    }
    for factor in ENLARGED {
        if let Some(large) = wide.enlarged(factor)
            && look(&large)
        {
            return found;
        }
    }
    look(&wide.inverted());
    found
}

fn holds_centre(zone: Rect, bounds: Rect) -> bool {
    let holds = |start: i32, side: u32, at: i32, length: u32| {
        let twice = 2 * i64::from(at) + i64::from(length);
        (2 * i64::from(start)..2 * (i64::from(start) + i64::from(side))).contains(&twice)
    };
    holds(zone.x, zone.width, bounds.x, bounds.width) && holds(zone.y, zone.height, bounds.y, bounds.height)
}

/// Symbols from top to bottom; those that share at least half of the lower one's height with the topmost of a row are of
/// that row, from left to right.
fn in_reading_order(mut symbols: Vec<Symbol>) -> Vec<Symbol> {
    let key = |s: &Symbol| (2 * i64::from(s.bounds.y) + i64::from(s.bounds.height), s.bounds.x);
    symbols.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.text.cmp(&b.text)));
    let mut ordered = Vec::with_capacity(symbols.len());
    while let Some(first) = symbols.first().map(|s| s.bounds) {
        let is_beside = |s: &Symbol| {
            let ends = |r: Rect| (i64::from(r.y), i64::from(r.y) + i64::from(r.height));
            let ((a0, a1), (b0, b1)) = (ends(first), ends(s.bounds));
            2 * (a1.min(b1) - a0.max(b0)) >= (a1 - a0).min(b1 - b0)
        };
        let (mut row, rest): (Vec<_>, Vec<_>) = symbols.into_iter().partition(is_beside);
        row.sort_by_key(|s| s.bounds.x);
        ordered.extend(row);
        symbols = rest;
    }
    ordered
}

/// A part of the page as a picture of its own.
struct View {
    picture: GrayImage,
    tones: Tones,
    /// Place of the picture's top-left pixel on the page.
    origin: (i32, i32),
    /// Pixels of the picture for one of the page.
    scale: u32,
}

impl View {
    /// The part of `area` that lies on the page; `None` if there is none.
    fn of(page: &GrayImage, area: Rect) -> Option<Self> {
        let (picture, origin) = zone::cut(page, area)?;
        Some(Self { tones: Tones::of(&picture), picture, origin, scale: 1 })
    }

    /// The picture with paper around.
    fn framed(&self) -> GrayImage {
        let (width, height) = self.picture.dimensions();
        let paper = Luma([self.tones.paper]);
        let mut framed = GrayImage::from_pixel(width + 2 * QUIET, height + 2 * QUIET, paper);
        imageops::replace(&mut framed, &self.picture, QUIET.into(), QUIET.into());
        framed
    }

    /// The place on the page of a box of [`View::framed`].
    fn on_page(&self, bounds: Rect) -> Rect {
        let scale = self.scale.max(1);
        let place = |at: i32, origin: i32| origin + (at - QUIET as i32).div_euclid(scale as i32);
        Rect::new(
            place(bounds.x, self.origin.0),
            place(bounds.y, self.origin.1),
            bounds.width.div_ceil(scale),
            bounds.height.div_ceil(scale),
        )
    }

    /// With the darkest tone black and the brightest white.
    fn stretched(mut self) -> Self {
        if !self.tones.is_flat() {
            tone::apply(&mut self.picture, &tone::stretch_table(self.tones.ink, self.tones.bright));
            self.tones = Tones::of(&self.picture);
        }
        self
    }

    /// `factor` times as large, unless that is too large.
    fn enlarged(&self, factor: u32) -> Option<Self> {
        let (width, height) = self.picture.dimensions();
        let size = Size::new(width.checked_mul(factor)?, height.checked_mul(factor)?);
        (size.pixels() <= MAX_ENLARGED).then(|| Self {
            picture: resize::linear(&self.picture, size),
            tones: self.tones,
            origin: self.origin,
            scale: self.scale * factor,
        })
    }

    /// With black and white swapped.
    fn inverted(mut self) -> Self {
        self.picture.pixels_mut().for_each(|p| p.0[0] = 255 - p.0[0]);
        self.tones = Tones::of(&self.picture);
        self
    }
}

#[cfg(test)]
mod tests {
    use image::imageops::FilterType;
    use proptest::prelude::*;

    use super::*;
    use crate::imaging::arbitrary::picture;
    use crate::imaging::symbols::drawn::{code_39, page, qr};

    fn texts(page: &GrayImage, zone: Rect, labels: usize) -> Vec<String> {
        codes(page, zone, labels)[0].codes.to_vec()
    }

    #[test]
    fn a_code_is_read_however_it_was_printed() {
        let upright = page((400, 400), &[(&qr("paper 12", 4), (150, 140))]);
        let zone = Rect::new(120, 110, 160, 160);
        let turned = [imageops::rotate90(&upright), imageops::rotate180(&upright), imageops::rotate270(&upright)];
        let faint = |p: &GrayImage| GrayImage::from_fn(400, 400, |x, y| Luma([150 + p.get_pixel(x, y).0[0] / 6]));
        let swapped = |p: &GrayImage| GrayImage::from_fn(400, 400, |x, y| Luma([255 - p.get_pixel(x, y).0[0]]));
        let blurred = imageops::blur(&upright, 1.4);
        for picture in turned.iter().chain([&upright, &faint(&upright), &swapped(&upright), &blurred]) {
            assert_eq!(texts(picture, Rect::new(100, 100, 200, 200), 1), ["paper 12"]);
        }
        let small = imageops::resize(&upright, 160, 160, FilterType::Triangle);
        assert_eq!(texts(&small, Rect::new(50, 46, 60, 60), 1), ["paper 12"]);
        assert_eq!(texts(&upright, zone, 1), ["paper 12"]);
    }

    #[test]
    fn a_code_belongs_to_the_zone_that_holds_its_centre() {
        // 21 modules of 4 px: from (100, 100) to (183, 183).
        let sheet = page((400, 300), &[(&qr("edge", 4), (100, 100))]);
        assert_eq!(texts(&sheet, Rect::new(120, 80, 150, 150), 1), ["edge"], "cut at its left");
        assert_eq!(texts(&sheet, Rect::new(150, 80, 150, 150), 1), [""; 0], "its centre is outside");
        let at_corner = page((300, 300), &[(&qr("edge", 4), (0, 0))]);
        assert_eq!(texts(&at_corner, Rect::new(-30, -20, 150, 150), 1), ["edge"], "partly off the page");
    }

    #[test]
    fn a_damaged_code_and_blank_paper_have_none() {
        let mut damaged = qr("damaged", 4);
        for (x, y, pixel) in damaged.enumerate_pixels_mut() {
            if (20..64).contains(&x) && y > 10 {
                pixel.0[0] = 255;
            }
        }
        let sheet = page((300, 300), &[(&damaged, (100, 100))]);
        assert_eq!(texts(&sheet, Rect::new(80, 80, 130, 130), 1), [""; 0]);
        assert_eq!(texts(&page((50, 50), &[]), Rect::new(0, 0, 50, 50), 1), [""; 0]);
        assert_eq!(texts(&GrayImage::new(0, 0), Rect::new(0, 0, 50, 50), 1), [""; 0]);
    }

    #[test]
    fn codes_are_read_from_top_to_bottom_and_left_to_right() {
        let (a, b, c) = (qr("a", 4), qr("b", 4), code_39("12", 2, 40));
        let sheet = page((500, 400), &[(&a, (300, 40)), (&b, (60, 60)), (&c, (60, 220))]);
        let readings = codes(&sheet, Rect::new(0, 0, 500, 400), 3);
        assert_eq!(readings[0].codes.to_vec(), ["b", "a", "12"]);
        assert_eq!(readings.iter().map(|r| r.place).collect::<Vec<_>>(), [0, 1, 2]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn any_zone_is_survived(
            img in picture(60, 60), x in any::<i32>(), y in -80..80i32, w in 0..200u32, h in any::<u32>(), labels in 0..4usize,
        ) {
            for x in [x, x % 64] {
                prop_assert_eq!(codes(&img, Rect::new(x, y, w, h), labels).len(), labels);
            }
        }
    }
}
