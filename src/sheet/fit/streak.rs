//! Lines that run through a column or a row of bubbles and on through the white between and beyond them: dirt on a
//! scanner's glass, a fold, a stroke of the pen. In a bubble such a line looks like a mark; in the white it can be told.
//!
//! Between neighbouring bubbles, and twice beyond the last ones, the page is cut across the column. A line is dark where
//! many cuts in a row are dark at the same place, and light on both sides. Only the inner part of the bubbles is looked
//! at: their outlines may reach into the white.

use image::GrayImage;

use crate::geometry::Rect;
use crate::sheet::align::Placement;
use crate::sheet::read::ink::rings::BlockRing;
use crate::template::FieldBlock;

/// Cuts in a row that a line must be seen in; all of them where there are fewer.
const CUTS: usize = 6;
/// A line is narrower than this part of the box, and at least this much darker than the paper on both sides, in parts of its
/// gray and in levels.
const WIDTH: f64 = 0.22;
const DARKER: (u32, i32) = (12, 10);
/// How far from the middle of a bubble lines matter, in parts of its outline.
const INNER: f64 = 0.3;
/// The part of the bubbles between dark cuts in whose middle the line is seen, too: it is not in those that are marked.
const INSIDE: f64 = 0.5;
/// The white between bubbles must be this wide: in pixels, and in parts of the box.
const LEAST_WHITE: (f64, f64) = (6.0, 0.12);
/// The first cut beyond the last bubble of a block without neighbours, and the distance of the second from the first; in boxes.
const BEYOND: (f64, f64) = (0.75, 0.35);

/// The bubbles of a block, by number of field and of bubble, that a line runs through; in order of fields.
pub fn crossed(page: &GrayImage, block: &FieldBlock, placement: Placement, ring: &BlockRing) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for across in [Axis::X, Axis::Y] {
        Lanes { page, block, placement, ring, across }.crossed(&mut found);
    }
    found.sort_unstable();
    found.dedup();
    found
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Axis {
    X,
    Y,
}

/// The columns of a block (`across` is X) or its rows.
struct Lanes<'m> {
    page: &'m GrayImage,
    block: &'m FieldBlock,
    placement: Placement,
    ring: &'m BlockRing,
    across: Axis,
}

/// A bubble of a lane: its place along it, its field and its number there.
type Member = (i32, usize, usize);

impl Lanes<'_> {
    fn crossed(&self, found: &mut Vec<(usize, usize)>) {
        let mut lanes: Vec<(i32, Vec<Member>)> = Vec::new();
        for (f, field) in self.block.fields.iter().enumerate() {
            for (b, bubble) in field.bubbles.iter().enumerate() {
                let (across, along) = self.turned(bubble.x, bubble.y);
                let member = (along, f, b);
                // Places a pixel apart are one: gaps may be broken numbers.
                match lanes.iter_mut().rev().find(|(place, _)| place.abs_diff(across) <= 1) {
                    Some((_, members)) => members.push(member),
                    None => lanes.push((across, vec![member])),
                }
            }
        }
        for (place, members) in &mut lanes {
            members.sort_unstable();
            self.look(*place, members, found);
        }
    }

    /// Across and along the lanes.
    fn turned<T>(&self, x: T, y: T) -> (T, T) {
        match self.across {
            Axis::X => (x, y),
            Axis::Y => (y, x),
        }
    }

    fn look(&self, place: i32, members: &[Member], found: &mut Vec<(usize, usize)>) {
        // Without outlines nothing tells how much of the white they take.
        if !self.ring.is_seen() {
            return;
        }
        let size = self.block.bubble_size;
        let (side, length) = self.turned(f64::from(size.width), f64::from(size.height));
        let scale = self.turned(self.ring.outline.scale.0, self.ring.outline.scale.1);
        let Some(cuts) = cuts(members, length, scale.1) else { return };
        let wanted = CUTS.min(cuts.len());
        let middle = |along: f64| self.middle(f64::from(place) + side / 2.0, along);
        let apart = ((side * WIDTH).round() as i64).max(3);
        let reach = (side * scale.0 * INNER) as i64;
        // A page is no larger; what a cut shows is looked at from the middle of the lane.
        let from = middle(cuts[cuts.len() / 2]).0.round() as i64 - reach;
        let count = (2 * reach + 1).clamp(0, 4096) as usize;
        let dark_in = |cut: f64, rows: i64| -> Option<Vec<bool>> {
            let along = middle(cut).1.round() as i64;
            let mut dark = vec![true; count];
            for row in 0..rows {
                for (i, dark) in dark.iter_mut().enumerate() {
                    let at = from + i as i64;
                    let here = self.gray(at, along + row)?;
                    let beside = self.gray(at - apart, along + row)?.min(self.gray(at + apart, along + row)?);
                    *dark &= beside - here >= DARKER.1.max(beside / DARKER.0 as i32);
                }
            }
            Some(dark)
        };
        let widened = |dark: &[bool]| -> Vec<bool> {
            let get = |i: usize| dark.get(i).copied().unwrap_or(false);
            (0..count).map(|i| get(i) || get(i + 1) || (i > 0 && get(i - 1))).collect()
        };
        // A line that is long enough is met twice running by every so-manieth cut: nearly all lanes end here.
        let step = (wanted / 2).max(1);
        let mut before: Option<Vec<bool>> = None;
        let may_be = cuts.iter().step_by(step).any(|&cut| {
            let now = dark_in(cut, 1).map(|dark| widened(&dark));
            let both = before.as_ref().zip(now.as_ref());
            let is_met = both.is_some_and(|(a, b)| a.iter().zip(b).any(|(a, b)| *a && *b));
            before = now;
            is_met
        });
        if !may_be {
            return;
        }
        let dark: Vec<Option<Vec<bool>>> = cuts.iter().map(|&cut| dark_in(cut, 2).map(|dark| widened(&dark))).collect();
        let inside: Vec<Option<Vec<bool>>> = members
            .iter()
            .map(|member| dark_in(f64::from(member.0) + length / 2.0, 1).map(|dark| widened(&dark)))
            .collect();
        let mut is_met = vec![false; cuts.len()];
        for i in 0..count {
            let is_dark = |cut: usize| dark[cut].as_ref().is_some_and(|dark| dark[i]);
            let mut start = 0usize;
            for cut in 0..=cuts.len() {
                if cut == cuts.len() || !is_dark(cut) {
                    // Bubble k lies between cuts k + 1 and k + 2: it is dark there, too, or marked all over.
                    let between = members.len().min(start.saturating_sub(1))..members.len().min(cut.saturating_sub(2));
                    let between = inside.get(between).unwrap_or_default();
                    let seen = between.iter().filter(|dark| dark.as_ref().is_some_and(|dark| dark[i])).count();
                    if cut - start >= wanted && seen as f64 >= INSIDE * between.len() as f64 {
                        is_met[start..cut].fill(true);
                    }
                    start = cut + 1;
                }
            }
        }
        // The first two cuts lie before the first bubble.
        for (k, (_, field, bubble)) in members.iter().enumerate() {
            if is_met.get(k + 1) == Some(&true) && is_met.get(k + 2) == Some(&true) {
                found.push((*field, *bubble));
            }
        }
    }

    /// Where a place of the lane lies on the page, across and along.
    fn middle(&self, across: f64, along: f64) -> (f64, f64) {
        let (x, y) = self.turned(across, along);
        let size = self.block.bubble_size;
        // As boxes are placed: a box about the place.
        let corner = |v: f64, side: u32| (v - f64::from(side) / 2.0).round().clamp(-1e9, 1e9) as i32;
        let area = Rect::new(corner(x, size.width), corner(y, size.height), size.width, size.height);
        let placed = self.placement.of(area);
        let shift = self.ring.shift;
        let at = |from: i32, side: u32, shift: f64| f64::from(from) + f64::from(side) * (0.5 + shift);
        self.turned(at(placed.x, size.width, shift.0), at(placed.y, size.height, shift.1))
    }

    fn gray(&self, across: i64, along: i64) -> Option<i32> {
        let (x, y) = self.turned(across, along);
        let (x, y) = (u32::try_from(x).ok()?, u32::try_from(y).ok()?);
        let inside = x < self.page.width() && y < self.page.height();
        inside.then(|| i32::from(self.page.get_pixel(x, y).0[0]))
    }
}

/// Where to cut a lane, along it: two cuts before its first bubble, one between neighbours, two after the last. `None` where
/// bubbles leave no white between them.
fn cuts(members: &[Member], length: f64, scale: f64) -> Option<Vec<f64>> {
    let size = length * scale.max(1.0);
    let middle = |member: &Member| f64::from(member.0) + length / 2.0;
    let (first, last) = (middle(members.first()?), middle(members.last()?));
    let mut cuts = Vec::with_capacity(members.len() + 3);
    let mut beyond = BEYOND.0 * size;
    for pair in members.windows(2) {
        let (a, b) = (middle(&pair[0]), middle(&pair[1]));
        if b - a - size < LEAST_WHITE.0.max(LEAST_WHITE.1 * length) {
            return None;
        }
        beyond = beyond.min((b - a) / 2.0);
        cuts.push((a + b) / 2.0);
    }
    let far = beyond + BEYOND.1 * length;
    let mut all = vec![first - far, first - beyond];
    all.append(&mut cuts);
    all.extend([last + beyond, last + far]);
    Some(all)
}
