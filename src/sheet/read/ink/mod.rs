//! Two numbers for each bubble, both of ink inside the printed outline: how much there is on average, which tells a faint
//! full mark, and how much at the darkest spot, which tells a dot, a tick or a cross.

mod disc;
mod patch;
pub mod rings;
mod white;

use image::GrayImage;

pub use self::disc::BubbleInk;
use self::disc::{Buffers, Disc};
pub use self::patch::{InkPage, PER_BOX, Patch};
use self::rings::{BlockRing, Rings, Shape};
use crate::geometry::{Rect, Size};
use crate::sheet::align::Placement;
use crate::template::{FieldBlock, FieldKind, Template};

/// The ink of a sheet.
#[derive(Debug, Clone, PartialEq)]
pub struct SheetInk {
    /// One entry a field with bubbles, in template order: that of its bubbles.
    pub fields: Vec<Vec<BubbleInk>>,
    /// The outlines; `None`: the sheet shows none.
    pub rings: Rings,
    /// Darkest sample of the blank bubble.
    pub darkest: f64,
}

/// Bubbles of a block that make its blank bubble.
const PROTOTYPE: usize = 24;
/// The share of them that is blank, at least: the sample at this part of the sorted ink is that of a blank bubble.
const BLANK_PART: f64 = 0.4;
/// An outline is seen with this contrast at least.
pub const LEAST_EVIDENCE: f64 = 0.03;
/// How far inside the outline ink is measured, and how far out where none is seen; in half boxes.
const INSIDE: f64 = 0.12;
const WITHOUT_RING: f64 = 0.8;
/// Measures all bubbles. Boxes lie where `placements` has them.
pub fn measure(page: &GrayImage, template: &Template, placements: &[Placement]) -> SheetInk {
    let blocks: Vec<(&FieldBlock, Placement)> = template
        .blocks
        .iter()
        .enumerate()
        .filter(|(_, block)| block.kind == FieldKind::Bubbles)
        .map(|(i, block)| (block, placements.get(i).copied().unwrap_or_default()))
        .collect();
    let mut sizes: Vec<(u32, u32)> = blocks.iter().map(|(b, _)| (b.bubble_size.width, b.bubble_size.height)).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let pages: Vec<InkPage> = sizes.iter().map(|&size| InkPage::of(page, size)).collect();
    let page_of = |block: &FieldBlock| {
        let size = (block.bubble_size.width, block.bubble_size.height);
        &pages[sizes.iter().position(|s| *s == size).unwrap_or(0)]
    };
    let prototypes: Vec<(Patch, usize)> =
        blocks.iter().map(|&(block, placement)| prototype(page_of(block), block, placement)).collect();
    let rings = rings::find(&prototypes);
    let blocks_with_rings = settled(&rings);
    let mut fields = Vec::new();
    let is_seen = rings.blocks.iter().any(|ring| ring.evidence > LEAST_EVIDENCE);
    let (shape, radius) = match is_seen {
        true => (rings.shape, rings.scale - INSIDE),
        false => (Shape::Ellipse, WITHOUT_RING),
    };
    let mut buffers = Buffers::default();
    for (&(block, placement), ring) in blocks.iter().zip(&blocks_with_rings) {
        let ink = page_of(block);
        let f = f64::from(ink.shrunk());
        let Size { width, height } = block.bubble_size;
        let size = (f64::from(width) / f, f64::from(height) / f);
        // In pixels of the ink page, pixel middles being whole numbers.
        let middle = |x: i32, y: i32| {
            let area = placement.of(Rect::new(x, y, width, height));
            let at = |from: i32, side: u32, shift: f64| {
                (f64::from(from) + f64::from(side) / 2.0 + shift * f64::from(side)) / f - 0.5
            };
            (at(area.x, width, ring.0), at(area.y, height, ring.1))
        };
        let mut discs: Vec<((i32, i32), Disc)> = Vec::new();
        for field in &block.fields {
            let mut bubbles = Vec::with_capacity(field.bubbles.len());
            for bubble in &field.bubbles {
                let (x, y) = middle(bubble.x, bubble.y);
                let (whole, part) = (parts(x), parts(y));
                let place = (whole.1, part.1);
                let at = match discs.iter().position(|(other, _)| *other == place) {
                    Some(at) => at,
                    None => {
                        let part = (f64::from(place.0) / PARTS, f64::from(place.1) / PARTS);
                        discs.push((place, Disc::of(shape, radius, size, part)));
                        discs.len() - 1
                    }
                };
                bubbles.push(discs[at].1.measure(ink, (whole.0, part.0), &mut buffers));
            }
            fields.push(bubbles);
        }
    }
    let darkest = prototypes.iter().flat_map(|(patch, _)| patch.ink.iter()).fold(0.0f32, |a, &b| a.max(b));
    SheetInk { fields, rings, darkest: f64::from(darkest) }
}

/// Outlines are laid over the pixels to an eighth of a pixel.
const PARTS: f64 = 8.0;

/// The whole part of a place, and what is left of it in eighths.
fn parts(place: f64) -> (i32, i32) {
    let all = (place * PARTS).round();
    let whole = (all / PARTS).floor();
    (whole as i32, (all - whole * PARTS) as i32)
}

/// The shift of each block: its own where its outlines are seen, else the median of the others.
fn settled(rings: &Rings) -> Vec<(f64, f64)> {
    let seen: Vec<&BlockRing> = rings.blocks.iter().filter(|ring| ring.evidence > LEAST_EVIDENCE).collect();
    let median = |of: fn(&BlockRing) -> f64| {
        let mut all: Vec<f64> = seen.iter().map(|ring| of(ring)).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or(0.0)
    };
    let usual = (median(|ring| ring.shift.0), median(|ring| ring.shift.1));
    rings.blocks.iter().map(|ring| if ring.evidence > LEAST_EVIDENCE { ring.shift } else { usual }).collect()
}

/// The middle of a bubble and its size, in pixels of the page.
fn middle(block: &FieldBlock, placement: Placement, x: i32, y: i32) -> ((f64, f64), (f64, f64)) {
    let (width, height) = (block.bubble_size.width, block.bubble_size.height);
    let area = placement.of(Rect::new(x, y, width, height));
    let at = |from: i32, side: u32| f64::from(from) + (f64::from(side) - 1.0) / 2.0;
    ((at(area.x, width), at(area.y, height)), (f64::from(width), f64::from(height)))
}

/// The blank bubble of a block, and how many bubbles it has.
fn prototype(page: &InkPage, block: &FieldBlock, placement: Placement) -> (Patch, usize) {
    let all: Vec<_> = block.fields.iter().flat_map(|field| &field.bubbles).collect();
    let step = (all.len() / PROTOTYPE).max(1);
    // A step that is no divisor of a field's length meets every value.
    let chosen = (0..all.len()).step_by(step).take(PROTOTYPE + 8);
    let patches: Vec<Patch> = chosen
        .map(|i| {
            let (middle, size) = middle(block, placement, all[i].x, all[i].y);
            page.patch(middle, size, 1.0)
        })
        .collect();
    let side = 2 * PER_BOX;
    let mut column = vec![0.0f32; patches.len()];
    let ink = (0..side * side)
        .map(|s| {
            for (to, patch) in column.iter_mut().zip(&patches) {
                *to = patch.ink[s];
            }
            let place = ((column.len() as f64 - 1.0).max(0.0) * BLANK_PART) as usize;
            if column.is_empty() {
                return 0.0;
            }
            *column.select_nth_unstable_by(place, f32::total_cmp).1
        })
        .collect();
    (Patch { side, ink }, all.len())
}
