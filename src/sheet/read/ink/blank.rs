//! The blank bubble of a block: what its bubbles show where nobody has marked them, and the samples that it was made from.
//!
//! A few bubbles tell, spread so that all four ends of the block are among them: they also tell whether the block's outermost
//! lines are printed where the template has them. Samples are pixels of the page, cut out without interpolation; their ink is
//! a byte, 0 paper to 255 black. The blank bubble is the mean of those that are neither marked nor without print.

use super::patch::{InkPage, PER_BOX, Patch};
use crate::geometry::Rect;
use crate::sheet::align::Placement;
use crate::template::FieldBlock;

/// Bubbles that are sampled in a block, at most.
const MOST_SAMPLES: usize = 16;
/// By their ink, bubbles between these parts of a block's are blank and printed; and in blocks whose fields have one or two
/// bubbles.
const BLANK: (f64, f64) = (0.15, 0.55);
const BLANK_OF_FEW: (f64, f64) = (0.1, 0.4);
/// The part of the samples, at each place, that marks on neighbours do not reach.
const UNTOUCHED: f64 = 0.65;
/// Places less than this apart are one line, in pixels: gaps may be broken numbers.
const ONE_LINE: i32 = 2;

/// The blank bubble of a block.
#[derive(Debug, Clone, PartialEq)]
pub struct Blank {
    /// Ink up to a box away from the middle of the bubble's box.
    pub patch: Patch,
    /// Number of bubbles of the block.
    pub count: usize,
    /// Size of a bubble's box (width × height), in pixels of the page.
    pub size: (u32, u32),
    /// What it was made from.
    pub samples: Samples,
    /// Between which parts of the samples, by their ink, blank ones are.
    part: (f64, f64),
}

/// The surroundings of some bubbles of a block, two boxes wide and high.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Samples {
    /// Pixels across and down.
    pub width: usize,
    /// See `width`.
    pub height: usize,
    /// The middle of a bubble's box in a sample, in its pixels (pixel middles are whole numbers).
    pub middle: (f64, f64),
    /// Which bubbles they are.
    pub chosen: Vec<Chosen>,
    /// Ink, 0 to 255: one sample after the other, row by row.
    pub ink: Vec<u8>,
}

/// A bubble that was sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chosen {
    /// The number of its field in the block.
    pub field: usize,
    /// Its number in the field.
    pub bubble: usize,
    /// Which ends of the block it lies at.
    pub ends: Ends,
}

/// The outermost lines of a block that a bubble belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ends {
    /// In the first column.
    pub left: bool,
    /// In the last column.
    pub right: bool,
    /// In the first row.
    pub top: bool,
    /// In the last row.
    pub bottom: bool,
}

impl Samples {
    /// The ink of each sample, row by row.
    pub fn each(&self) -> impl Iterator<Item = &[u8]> {
        self.ink.chunks_exact((self.width * self.height).max(1))
    }
}

impl Blank {
    /// That of a block whose boxes lie where `placement` has them.
    pub fn of(page: &InkPage, block: &FieldBlock, placement: Placement) -> Self {
        Self::beside(page, block, placement, (0.0, 0.0))
    }

    /// The same as if all boxes lay so many pixels of the page to the right and downwards.
    pub fn beside(page: &InkPage, block: &FieldBlock, placement: Placement, by: (f64, f64)) -> Self {
        let chosen = choose(block);
        let size = (block.bubble_size.width, block.bubble_size.height);
        let places: Vec<(f64, f64)> = chosen
            .iter()
            .filter_map(|c| block.fields.get(c.field)?.bubbles.get(c.bubble))
            .map(|b| middle(placement.of(Rect::new(b.x, b.y, size.0, size.1))))
            .map(|(x, y)| (x + by.0, y + by.1))
            .collect();
        let samples = Samples { chosen, ..cut(page, size, &places) };
        let count = block.fields.iter().map(|field| field.bubbles.len()).sum::<usize>();
        let of_few = block.fields.iter().all(|field| field.bubbles.len() <= 2);
        let part = if of_few { BLANK_OF_FEW } else { BLANK };
        let patch = patch_of(&samples, part, (f64::from(size.0), f64::from(size.1)), page.shrunk());
        Self { patch, count, size, samples, part }
    }
}

impl Blank {
    /// What [`rings::find`](super::rings::find) goes by.
    pub fn seen(&self) -> (&Patch, usize, (u32, u32)) {
        (&self.patch, self.count, self.size)
    }

    /// The blank bubble of some of the samples, cut from a page that is `shrunk`; `None` if they are fewer than two.
    pub fn of_some(&self, is_of: impl Fn(&Chosen) -> bool, shrunk: u32) -> Option<Patch> {
        let Samples { width, height, middle, .. } = self.samples;
        let mut some = Samples { width, height, middle, chosen: Vec::new(), ink: Vec::new() };
        for (chosen, ink) in self.samples.chosen.iter().zip(self.samples.each()).filter(|(chosen, _)| is_of(chosen)) {
            some.chosen.push(*chosen);
            some.ink.extend_from_slice(ink);
        }
        let size = (f64::from(self.size.0), f64::from(self.size.1));
        (some.chosen.len() >= 2).then(|| patch_of(&some, self.part, size, shrunk))
    }
}

/// The middle of a box, in pixels of the page (pixel middles are whole numbers).
pub fn middle(area: Rect) -> (f64, f64) {
    let at = |from: i32, side: u32| f64::from(from) + (f64::from(side) - 1.0) / 2.0;
    (at(area.x, area.width), at(area.y, area.height))
}

/// Cuts out the surroundings of boxes of `size` by their middles, in pixels of the page.
pub fn cut(page: &InkPage, size: (u32, u32), middles: &[(f64, f64)]) -> Samples {
    let f = f64::from(page.shrunk());
    let side = |length: u32| (2.0 * f64::from(length) / f).round().max(2.0) as usize;
    let (width, height) = (side(size.0), side(size.1));
    let half = ((width as f64 - 1.0) / 2.0, (height as f64 - 1.0) / 2.0);
    let mut ink = Vec::with_capacity(width * height * middles.len());
    let mut off = (0.0, 0.0);
    for &(x, y) in middles {
        // Beyond any page there is nothing but its edge.
        let at = |v: f64, half: f64| ((v + 0.5) / f - 0.5 - half).clamp(-1e6, 1e6);
        let (x, y) = (at(x, half.0), at(y, half.1));
        let (left, top) = (x.round(), y.round());
        off = (off.0 + x - left, off.1 + y - top);
        page.cut((left as i64, top as i64), (width, height), &mut ink);
    }
    let count = middles.len().max(1) as f64;
    let middle = (half.0 + off.0 / count, half.1 + off.1 / count);
    Samples { width, height, middle, chosen: Vec::new(), ink }
}

/// The bubbles to sample: all of a small block; else corners, places on each side and some within.
fn choose(block: &FieldBlock) -> Vec<Chosen> {
    let all: Vec<(i32, i32, usize, usize)> = block
        .fields
        .iter()
        .enumerate()
        .flat_map(|(f, field)| field.bubbles.iter().enumerate().map(move |(b, bubble)| (bubble.x, bubble.y, f, b)))
        .collect();
    let ends = |of: fn(&(i32, i32, usize, usize)) -> i32| {
        let places = all.iter().map(of);
        (places.clone().min().unwrap_or(0), places.max().unwrap_or(0))
    };
    let ((left, right), (top, bottom)) = (ends(|b| b.0), ends(|b| b.1));
    let chosen = |&(x, y, field, bubble): &(i32, i32, usize, usize)| Chosen {
        field,
        bubble,
        ends: Ends {
            left: x.saturating_sub(left) < ONE_LINE,
            right: right.saturating_sub(x) < ONE_LINE,
            top: y.saturating_sub(top) < ONE_LINE,
            bottom: bottom.saturating_sub(y) < ONE_LINE,
        },
    };
    if all.len() <= MOST_SAMPLES {
        return all.iter().map(chosen).collect();
    }
    /// In thirds of the block's width and height.
    const WISHED: [(i64, i64); MOST_SAMPLES] = [
        (0, 0),
        (3, 3),
        (3, 0),
        (0, 3),
        (1, 0),
        (2, 3),
        (0, 2),
        (3, 1),
        (2, 0),
        (1, 3),
        (0, 1),
        (3, 2),
        (1, 1),
        (2, 2),
        (2, 1),
        (1, 2),
    ];
    let mut is_taken = vec![false; all.len()];
    for (u, v) in WISHED {
        let at = |from: i32, to: i32, thirds: i64| i64::from(from) + (i64::from(to) - i64::from(from)) * thirds / 3;
        let (x, y) = (at(left, right, u), at(top, bottom, v));
        let far = |i: &usize| (i64::from(all[*i].0) - x).abs() + (i64::from(all[*i].1) - y).abs();
        if let Some(i) = (0..all.len()).filter(|&i| !is_taken[i]).min_by_key(far) {
            is_taken[i] = true;
        }
    }
    all.iter().zip(is_taken).filter(|(_, is_taken)| *is_taken).map(|(bubble, _)| chosen(bubble)).collect()
}

/// The mean of the samples whose bubbles have neither the least nor the most ink, on the grid of a [`Patch`] of one box around
/// the middle; at each place that of those with least. A mean of blank ones, and no percentile of all: where bubbles of a
/// block lie a line's thickness apart, outlines grow pale in it and do not vanish.
fn patch_of(samples: &Samples, (from, to): (f64, f64), size: (f64, f64), shrunk: u32) -> Patch {
    let side = 2 * PER_BOX;
    let area = samples.width * samples.height;
    let count = samples.chosen.len();
    if count == 0 || area == 0 {
        return Patch { side, ink: vec![0.0; side * side] };
    }
    // The box is the middle half of a sample.
    let (rows, columns) =
        (samples.height / 4..samples.height.div_ceil(4) * 3, samples.width / 4..samples.width.div_ceil(4) * 3);
    let inked = |sample: &[u8]| -> u32 {
        let lines = sample.chunks_exact(samples.width).take(rows.end).skip(rows.start);
        lines.flat_map(|line| line.get(columns.clone())).flatten().map(|&ink| u32::from(ink)).sum()
    };
    let mut order: Vec<(u32, &[u8])> = samples.each().map(|sample| (inked(sample), sample)).collect();
    order.sort_by_key(|(inked, _)| *inked);
    let last = order.len().saturating_sub(1) as f64;
    let (first, last) = ((last * from).round() as usize, (last * to) as usize);
    let mut kept: Vec<Vec<u8>> = order[first.min(last)..=last].iter().map(|(_, sample)| sample.to_vec()).collect();
    let counted = ((kept.len() as f64 * UNTOUCHED).ceil() as usize).clamp(1, kept.len());
    let mut layer = vec![0u16; area];
    // The least of what is left first, whole layers at a time, which is fast.
    for done in 0..counted {
        let (head, tail) = kept.split_at_mut(done + 1);
        let Some(least) = head.last_mut() else { break };
        for other in tail {
            for (a, b) in least.iter_mut().zip(other.iter_mut()) {
                (*a, *b) = ((*a).min(*b), (*a).max(*b));
            }
        }
        layer.iter_mut().zip(least.iter()).for_each(|(sum, &ink)| *sum += u16::from(ink));
    }
    let full = 255.0 * counted as f32;
    let f = f64::from(shrunk);
    let place = |i: usize, middle: f64, box_side: f64, count: usize| {
        let v = middle + (i as f64 - (side as f64 - 1.0) / 2.0) * box_side / f / PER_BOX as f64;
        let v = v.clamp(0.0, count as f64 - 1.0);
        let k = (v as usize).min(count.saturating_sub(2));
        (k, (k + 1).min(count - 1), (v - k as f64) as f32)
    };
    let columns: Vec<_> = (0..side).map(|i| place(i, samples.middle.0, size.0, samples.width)).collect();
    let mut ink = Vec::with_capacity(side * side);
    for j in 0..side {
        let (upper, lower, v) = place(j, samples.middle.1, size.1, samples.height);
        for &(left, right, u) in &columns {
            let get = |x: usize, y: usize| f32::from(layer[y * samples.width + x]);
            let above = get(left, upper) * (1.0 - u) + get(right, upper) * u;
            let below = get(left, lower) * (1.0 - u) + get(right, lower) * u;
            ink.push((above * (1.0 - v) + below * v) / full);
        }
    }
    Patch { side, ink }
}
