//! The codes in a zone, in reading order.
//!
//! The zone is looked at as it is; then, while codes are missing, with its surroundings and more contrast, enlarged, and
//! with black and white swapped. Every look costs a few milliseconds, and there is a fixed number of them, so a missing
//! code cannot hold up a run. Blank paper is not looked at.

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
const MAX_ENLARGED: u64 = 3_000_000;

/// The codes of a zone, for each of a block's `labels`.
pub(super) fn codes(page: &GrayImage, zone: Rect, labels: usize) -> Vec<CodeReading> {
    let symbols = if labels > 0 { in_reading_order(search(page, zone, labels)) } else { Vec::new() };
    let codes: Arc<[String]> = symbols.into_iter().map(|s| s.text).collect();
    (0..labels).map(|place| CodeReading { codes: codes.clone(), place }).collect()
}

/// Looks at the zone in one way after the other until there are as many symbols as labels. Places are those of the page.
fn search(page: &GrayImage, zone: Rect, labels: usize) -> Vec<Symbol> {
    let mut found: Vec<Symbol> = Vec::new();
    let Some(view) = View::of(page, zone) else { return found };
    // Where the zone is blank, a code has at most its edge in it.
    if view.tones.is_blank() {
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

    /// With the ink black and the paper white.
    fn stretched(mut self) -> Self {
        if !self.tones.is_blank() {
            tone::apply(&mut self.picture, &tone::stretch_table(self.tones.ink, self.tones.paper));
            self.tones = Tones { ink: 0, paper: 255 };
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
