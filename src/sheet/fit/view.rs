//! What the sampled bubbles of a block say about its place, in plain numbers.

use image::GrayImage;

use super::cells::{self, CELLS, Cells, SIDE};
use crate::geometry::Rect;
use crate::sheet::align::Placement;
use crate::sheet::read::ink::InkPage;
use crate::sheet::read::ink::blank::{self, Blank, Chosen};
use crate::sheet::read::ink::rings::BlockRing;
use crate::template::FieldBlock;

/// A block of bubbles on a page, with what the reader by ink has found of it.
#[derive(Debug, Clone, Copy)]
pub struct Printed<'s> {
    /// The block.
    pub block: &'s FieldBlock,
    /// The number of its first field among all fields of the template.
    pub first_field: usize,
    /// Where its boxes lie.
    pub placement: Placement,
    /// The page that ink is sampled from, in bubbles of its size.
    pub page: &'s InkPage<'s>,
    /// Its blank bubble.
    pub blank: &'s Blank,
    /// Where its outlines are.
    pub ring: &'s BlockRing,
}

impl Printed<'_> {
    /// The middle of a sampled bubble's box on the page, in pixels.
    pub fn middle(&self, chosen: Chosen) -> Option<(f64, f64)> {
        let bubble = self.block.fields.get(chosen.field)?.bubbles.get(chosen.bubble)?;
        let (width, height) = self.blank.size;
        Some(blank::middle(self.placement.of(Rect::new(bubble.x, bubble.y, width, height))))
    }

    /// Where lines of dirt run through its bubbles: numbers of fields among all of the template.
    pub fn fields_with_streaks(&self, page: &GrayImage) -> Vec<usize> {
        let crossed = super::streak::crossed(page, self.block, self.placement, self.ring);
        let mut fields: Vec<usize> = crossed.into_iter().map(|(field, _)| self.first_field + field).collect();
        fields.dedup();
        fields
    }
}

/// A side of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Its first column.
    Left,
    /// Its last column.
    Right,
    /// Its first row.
    Top,
    /// Its last row.
    Bottom,
}

impl End {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Left, Self::Right, Self::Top, Self::Bottom];

    /// The one across the block.
    pub fn opposite(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
            Self::Top => Self::Bottom,
            Self::Bottom => Self::Top,
        }
    }

    /// Is the bubble in this outermost line?
    pub fn has(self, chosen: &Chosen) -> bool {
        match self {
            Self::Left => chosen.ends.left,
            Self::Right => chosen.ends.right,
            Self::Top => chosen.ends.top,
            Self::Bottom => chosen.ends.bottom,
        }
    }
}

/// What a block's samples say.
#[derive(Debug, Clone)]
pub struct View {
    /// What a blank bubble looks like, coarsely.
    pub typical: Cells,
    /// How much the block's bubbles look alike: the median of their correlation with `typical`.
    pub likeness: f64,
    /// Spread of ink around a bubble, of the median bubble: 0 where nothing is printed.
    pub spread: f64,
    /// Samples with a mark inside their box, and with more ink beside it than in it.
    pub marks: (usize, usize),
    /// For each of the samples: is nothing printed at its place that is printed at the others'?
    pub absent: Vec<bool>,
}

/// By their ink, samples between these parts are blank and printed.
const BLANK: (f64, f64) = (0.15, 0.6);
/// A bubble is absent that is less like the typical one than this slope, and has no ink for a mark: less than so many times the
/// median bubble's.
const ABSENT: f32 = 0.45;
const MARKED: f32 = 1.5;
/// Ink in a box that is a mark's, and beside boxes.
const MARK: (f32, f32) = (0.2, 0.1);
/// Bubbles end within this radius, and their surroundings begin, in half boxes.
const WITHIN: f64 = 1.0;
const BESIDE: f64 = 1.3;

impl View {
    /// Of a block's samples.
    pub fn of(printed: &Printed) -> Self {
        let all = cells::of(&printed.blank.samples);
        let mut order: Vec<(f32, usize)> = all.iter().enumerate().map(|(i, c)| (cells::spread(c).0, i)).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        let count = order.len();
        let first = ((count as f64 * BLANK.0).round() as usize).min(count.saturating_sub(1));
        let last = ((count as f64 * BLANK.1).ceil() as usize).clamp(first.saturating_add(1).min(count), count);
        let kept = order.get(first..last).unwrap_or_default();
        let typical: Cells =
            std::array::from_fn(|c| kept.iter().map(|&(_, i)| all[i][c]).sum::<f32>() / kept.len().max(1) as f32);
        let alike: Vec<(f32, f32)> = all.iter().map(|cells| cells::alike(cells, &typical)).collect();
        let ring = printed.ring;
        let place = |i: usize| (i as f64 - (SIDE as f64 - 1.0) / 2.0) / (SIDE as f64 / 2.0);
        let at = |i: usize| (place(i % SIDE), place(i / SIDE));
        let is_own = zone(|i| ring.outline.radius(at(i).0 - ring.shift.0, at(i).1 - ring.shift.1) < 1.25);
        let is_within = zone(|i| (2.0 * at(i).0).hypot(2.0 * at(i).1) < WITHIN);
        let is_beside = zone(|i| (2.0 * at(i).0).hypot(2.0 * at(i).1) > BESIDE);
        let inks: Vec<f32> = all.iter().map(|cells| mean(cells, &is_own)).collect();
        let usual = median(inks.iter().copied());
        let absent =
            alike.iter().zip(&inks).map(|((slope, _), ink)| *slope < ABSENT && *ink < MARKED * usual).collect();
        let mut marks = (0, 0);
        for cells in &all {
            let (within, beside) = (mean(cells, &is_within), mean(cells, &is_beside));
            if within > MARK.0 && within > beside {
                marks.0 += 1;
            } else if beside > MARK.1 && beside > within {
                marks.1 += 1;
            }
        }
        Self {
            typical,
            likeness: f64::from(median(alike.iter().map(|(_, likeness)| *likeness))),
            spread: f64::from(median(all.iter().map(|cells| cells::spread(cells).1 / 255.0))),
            marks,
            absent,
        }
    }
}

fn zone(is_in: impl Fn(usize) -> bool) -> [bool; CELLS] {
    std::array::from_fn(is_in)
}

/// Mean ink of some cells, 0 to 1.
fn mean(cells: &Cells, zone: &[bool; CELLS]) -> f32 {
    let inside = || cells.iter().zip(zone).filter(|(_, is_in)| **is_in).map(|(ink, _)| *ink);
    inside().sum::<f32>() / inside().count().max(1) as f32 / 255.0
}

fn median(values: impl Iterator<Item = f32>) -> f32 {
    let mut values: Vec<f32> = values.collect();
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
