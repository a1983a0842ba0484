//! The ink of a sheet: what is not paper, wherever it is light or dark.
//!
//! The paper's tone is estimated at each place (`white.rs`). The surroundings of a block's bubbles, laid over each other, show
//! its blank bubble ([`blank`]), whose outline tells where the bubbles are printed ([`rings`]). Inside of it two numbers are
//! measured for each bubble (`disc.rs`): the mean ink tells a pale full mark, that of the darkest spot a dot, a tick or a cross.

pub mod blank;
mod disc;
mod patch;
pub mod rings;
mod white;

use image::GrayImage;

use self::blank::Blank;
pub use self::disc::BubbleInk;
use self::disc::{Buffers, Disc};
pub use self::patch::{InkPage, PER_BOX, Patch};
use self::rings::{Outline, Rings};
use crate::geometry::{Rect, Size};
use crate::sheet::align::Placement;
use crate::template::{FieldBlock, FieldKind, Template};

/// The ink of a sheet.
#[derive(Debug)]
pub struct SheetInk<'p> {
    /// One entry a field with bubbles, in template order: that of its bubbles.
    pub fields: Vec<Vec<BubbleInk>>,
    /// The outline of each block with bubbles.
    pub rings: Rings,
    /// The blank bubble of each block with bubbles.
    pub blanks: Vec<Blank>,
    /// The pages that ink was cut from, and which of them each block with bubbles was.
    pub pages: Vec<InkPage<'p>>,
    /// See `pages`.
    pub page_of: Vec<usize>,
    /// Ink of the darkest sample of a blank bubble, 0 to 1.
    pub darkest: f64,
}

/// How far inside the outline ink is measured, and how far out where none is seen; in half boxes.
const INSIDE: f64 = 0.12;
const WITHOUT_RING: f64 = 0.8;

/// Measures all bubbles. Boxes lie where `placements` has them.
pub fn measure<'p>(page: &'p GrayImage, template: &Template, placements: &[Placement]) -> SheetInk<'p> {
    let blocks: Vec<(&FieldBlock, Placement)> = template
        .blocks
        .iter()
        .enumerate()
        .filter(|(_, block)| block.kind == FieldKind::Bubbles)
        .map(|(i, block)| (block, placements.get(i).copied().unwrap_or_default()))
        .collect();
    let size_of = |block: &FieldBlock| (block.bubble_size.width, block.bubble_size.height);
    let mut sizes: Vec<(u32, u32)> = blocks.iter().map(|(block, _)| size_of(block)).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let pages: Vec<InkPage<'_>> = sizes.iter().map(|&size| InkPage::of(page, size)).collect();
    let number = |block: &FieldBlock| sizes.iter().position(|size| *size == size_of(block)).unwrap_or(0);
    let page_of: Vec<usize> = blocks.iter().map(|(block, _)| number(block)).collect();
    let placed = || blocks.iter().zip(&page_of).filter_map(|(block, &number)| Some((block, pages.get(number)?)));
    let blanks: Vec<Blank> = placed().map(|(&(block, placement), page)| Blank::of(page, block, placement)).collect();
    let rings = rings::find(&blanks.iter().map(Blank::seen).collect::<Vec<_>>());
    let alike = |size: (u32, u32)| -> Vec<usize> {
        blocks.iter().enumerate().filter(|(_, (other, _))| size_of(other) == size).map(|(i, _)| i).collect()
    };
    let mut buffers = Buffers::default();
    let mut fields = Vec::new();
    for ((&(block, placement), page), (ring, shift)) in placed().zip(rings.blocks.iter().zip(rings.shifts())) {
        let outline = match ring.outline {
            // Bubbles of one size have one outline, if any block shows it.
            Outline { shape, scale: (x, y) } if rings.is_seen_in(&alike(size_of(block))) => {
                Outline { shape, scale: (x - INSIDE, y - INSIDE) }
            }
            _ => Outline { scale: (WITHOUT_RING, WITHOUT_RING), ..Outline::UNKNOWN },
        };
        fields.extend(block_fields(page, block, placement, outline, shift, &mut buffers));
    }
    let darkest = blanks.iter().flat_map(|blank| blank.patch.ink.iter()).fold(0.0f32, |a, &b| a.max(b));
    SheetInk { fields, rings, blanks, pages, page_of, darkest: f64::from(darkest) }
}

/// Measures the bubbles of a block inside of `outline`, which lies `shift` boxes beside the boxes.
fn block_fields(
    page: &InkPage,
    block: &FieldBlock,
    placement: Placement,
    outline: Outline,
    shift: (f64, f64),
    buffers: &mut Buffers,
) -> Vec<Vec<BubbleInk>> {
    let f = f64::from(page.shrunk());
    let Size { width, height } = block.bubble_size;
    let size = (f64::from(width) / f, f64::from(height) / f);
    // In pixels of the ink page, pixel middles being whole numbers.
    let middle = |x: i32, y: i32| {
        let area = placement.of(Rect::new(x, y, width, height));
        let at = |from: i32, side: u32, shift: f64| {
            (f64::from(from) + f64::from(side) / 2.0 + shift * f64::from(side)) / f - 0.5
        };
        (at(area.x, width, shift.0), at(area.y, height, shift.1))
    };
    // A block without broken gaps has one; a large bubble, a few.
    let mut discs: Vec<((i32, i32), Disc)> = Vec::new();
    let mut fields = Vec::with_capacity(block.fields.len());
    for field in &block.fields {
        let mut bubbles = Vec::with_capacity(field.bubbles.len());
        for bubble in &field.bubbles {
            let (x, y) = middle(bubble.x, bubble.y);
            let ((left, across), (top, down)) = (parts(x), parts(y));
            if !discs.iter().any(|(place, _)| *place == (across, down)) {
                let part = (f64::from(across) / PARTS, f64::from(down) / PARTS);
                discs.push(((across, down), Disc::of(outline, size, part)));
            }
            let disc = discs.iter().find(|(place, _)| *place == (across, down));
            bubbles.push(disc.map_or(BubbleInk::default(), |(_, disc)| disc.measure(page, (left, top), buffers)));
        }
        fields.push(bubbles);
    }
    fields
}

/// Outlines are laid over the pixels to an eighth of a pixel.
const PARTS: f64 = 8.0;

/// The whole part of a place, and what is left of it in eighths.
fn parts(place: f64) -> (i32, i32) {
    let all = (place * PARTS).round();
    let whole = (all / PARTS).floor();
    (whole as i32, (all - whole * PARTS) as i32)
}
