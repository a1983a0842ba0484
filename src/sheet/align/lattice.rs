//! How the boxes of a block lie on the bubbles that are printed. For alignment it is looked up once, on the reference picture.
//!
//! A template is measured by hand, and a gap that is off by a pixel is off by ten at the tenth bubble. Bubbles and the gaps
//! between them are a wave along each axis of the block: dark at bubbles, light between. The wave's phase and length that
//! fit best, near those of the template, are those of the print; where nothing but paper or text lies, no wave stands out
//! and the template is kept.

use image::GrayImage;

use crate::geometry::{Point, Rect};
use crate::template::FieldBlock;

/// Where a block's boxes lie on the print: the middle of the block is moved, distances from it are stretched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LatticeFit {
    /// The middle of the block's bubbles, in template pixels.
    pub middle: Point,
    /// To the right and downwards, in page pixels.
    pub shift: (f64, f64),
    /// Along x and y; 1: the template's gaps are the print's.
    pub stretch: (f64, f64),
    /// From a column and a row of printed bubbles to the next, in page pixels, on average; 0 where there is one alone.
    pub gaps: (f64, f64),
}

/// The gaps of a template are right within this part.
const MAX_STRETCH: f64 = 0.08;
const STRETCH_STEPS: i32 = 16;
/// Shifts are tried in these parts of a gap, up to a half of it: farther away, a bubble is its neighbour.
const SHIFT_STEPS: i32 = 32;
/// Samples of a gap.
const SAMPLES: u32 = 24;
/// The wave must stand out of the mean ink by this part, and by so much in gray levels.
const LEAST_PART: f64 = 0.1;
const LEAST_LEVELS: f64 = 1.5;
/// It must be that much better than the template's own, or the template is kept.
const LEAST_GAIN: f64 = 1.05;
/// How much a wave loses at the limits of shift and stretch, so that a flat optimum stays near the template.
const RELUCTANCE: f64 = 0.15;

impl LatticeFit {
    /// Finds the printed bubbles of a block on a page of the template's size.
    pub fn of(page: &GrayImage, block: &FieldBlock) -> Self {
        let bubbles = || block.fields.iter().flat_map(|field| &field.bubbles);
        let middles = |start: fn(&crate::template::Bubble) -> i32, side: u32| {
            let mut all: Vec<f64> = bubbles().map(|b| f64::from(start(b)) + f64::from(side) / 2.0).collect();
            all.sort_by(f64::total_cmp);
            all
        };
        let size = block.bubble_size;
        let (columns, rows) = (Axis::of(middles(|b| b.x, size.width)), Axis::of(middles(|b| b.y, size.height)));
        let middle = Point::new(columns.middle, rows.middle);
        let ink = Ink::of(page, block.bounds);
        let across = columns.fit(&ink.profile(page, block.bounds, columns.reach(), true));
        let down = rows.fit(&ink.profile(page, block.bounds, rows.reach(), false));
        let gaps = (columns.gap * across.1, rows.gap * down.1);
        Self { middle, shift: (across.0, down.0), stretch: (across.1, down.1), gaps }
    }
}

/// The places of bubbles along an axis.
struct Axis {
    /// Middles of the bubbles, evenly spaced; fewer than two if they are not.
    places: Vec<f64>,
    gap: f64,
    middle: f64,
}

impl Axis {
    /// From the sorted middles of all bubbles.
    fn of(all: Vec<f64>) -> Self {
        /// Rounding moves a bubble by a half.
        const EVEN: f64 = 1.5;
        let mut places = all;
        places.dedup_by(|b, a| (*b - *a).abs() <= EVEN);
        let (first, last) = (places.first().copied().unwrap_or(0.0), places.last().copied().unwrap_or(0.0));
        let gap = (last - first) / places.len().saturating_sub(1).max(1) as f64;
        let is_even = places.iter().enumerate().all(|(i, p)| (p - first - gap * i as f64).abs() <= EVEN);
        if !is_even {
            places.clear();
        }
        Self { places, gap, middle: (first + last) / 2.0 }
    }

    /// The part of the axis that is looked at.
    fn reach(&self) -> (f64, f64) {
        match (self.places.first(), self.places.last()) {
            (Some(first), Some(last)) => (first - 1.5 * self.gap, last + 1.5 * self.gap),
            _ => (0.0, 0.0),
        }
    }

    /// Shift and stretch by which the places fit the ink best.
    fn fit(&self, profile: &Profile) -> (f64, f64) {
        let kept = (0.0, 1.0);
        // With two bubbles, a wave's length is anyone's guess.
        if self.places.len() < 3 || self.gap < 4.0 {
            return kept;
        }
        let own = self.wave(profile, kept).unwrap_or(0.0);
        let (mut best, mut most) = (kept, own);
        let steps = || (-STRETCH_STEPS..=STRETCH_STEPS).flat_map(|s| (-SHIFT_STEPS..=SHIFT_STEPS).map(move |d| (s, d)));
        for (s, d) in steps() {
            let (s, d) = (f64::from(s) / f64::from(STRETCH_STEPS), f64::from(d) / f64::from(SHIFT_STEPS));
            let candidate = (d * self.gap / 2.0, 1.0 + s * MAX_STRETCH);
            let Some(wave) = self.wave(profile, candidate) else { continue };
            let wave = wave * (1.0 - RELUCTANCE * (s * s + d * d) / 2.0);
            if wave > most {
                (best, most) = (candidate, wave);
            }
        }
        let stands_out = most >= LEAST_LEVELS && most >= LEAST_PART * profile.mean();
        if stands_out && most >= LEAST_GAIN * own { best } else { kept }
    }

    /// How much more ink there is at the places than between them, in gray levels. `None` where the page ends.
    fn wave(&self, profile: &Profile, (shift, stretch): (f64, f64)) -> Option<f64> {
        let mut sum = 0.0;
        for place in &self.places {
            let middle = self.middle + shift + (place - self.middle) * stretch;
            for i in 0..SAMPLES {
                let part = (f64::from(i) + 0.5) / f64::from(SAMPLES) - 0.5;
                sum += profile.at(middle + part * self.gap * stretch)? * weight(part);
            }
        }
        Some(2.0 * sum / (self.places.len() as f64 * f64::from(SAMPLES)))
    }
}

/// What ink counts at a part of a gap from a bubble's middle, −0.5 to 0.5: for a bubble near it, more and more against one
/// towards the middle between bubbles. The curve is hollow on both sides, so that a ring, whose ink lies at its two edges,
/// counts most when it is centred. The mean is 0.
fn weight(part: f64) -> f64 {
    /// Within this part of half a gap nothing is against a bubble.
    const CORE: f64 = 0.4;
    /// The mean of the squares below, and what makes the deviation that of a cosine.
    const MEAN: f64 = 0.072;
    const SCALE: f64 = 6.9;
    let beyond = (2.0 * part.abs() - CORE).max(0.0);
    SCALE * (MEAN - beyond * beyond)
}

/// What is ink around a block.
#[derive(Debug, Clone, Copy)]
pub(in crate::sheet) struct Ink {
    /// The gray of the paper.
    pub paper: u8,
    /// Ink, in grays darker than the paper, counts up to this, so that a mark weighs no more than print.
    pub cap: u8,
}

/// Mean ink along an axis, by whole pixels from `start` on.
struct Profile {
    start: i64,
    ink: Vec<f64>,
}

impl Ink {
    /// From the grays of `area`.
    pub fn of(page: &GrayImage, area: Rect) -> Self {
        let mut histogram = [0u64; 256];
        let (x0, y0, x1, y1) = area.clipped(crate::geometry::Size::new(page.width(), page.height()));
        for row in page.rows().skip(y0 as usize).take((y1 - y0) as usize) {
            for p in row.skip(x0 as usize).take((x1 - x0) as usize) {
                histogram[usize::from(p.0[0])] += 1;
            }
        }
        let total: u64 = histogram.iter().sum();
        let percentile = |percent: u64| {
            let mut sum = 0;
            let found = (0..=255u8).zip(histogram).find(|(_, count)| {
                sum += count;
                sum * 100 >= total * percent
            });
            found.map_or(255, |(gray, _)| gray)
        };
        // More than a third of a block is paper, and more than an eighth of it is print or marks.
        let paper = percentile(75);
        Self { paper, cap: paper.saturating_sub(percentile(12)).max(1) }
    }

    /// Mean ink of each column (`across`) or row of a part of an axis, over the block's extent along the other.
    fn profile(&self, page: &GrayImage, area: Rect, (from, to): (f64, f64), across: bool) -> Profile {
        let along = |length: u32| (from.floor().max(0.0) as u32, (to.ceil().max(0.0) as u32).min(length));
        let (x0, y0, x1, y1) = area.clipped(crate::geometry::Size::new(page.width(), page.height()));
        let ((first, last), (other_first, other_last)) = match across {
            true => (along(page.width()), (y0, y1)),
            false => (along(page.height()), (x0, x1)),
        };
        let count = f64::from(other_last - other_first).max(1.0);
        let ink = |i: u32| {
            let grays = (other_first..other_last)
                .map(|j| page.get_pixel(if across { i } else { j }, if across { j } else { i }).0[0]);
            grays.map(|v| u64::from(self.paper.saturating_sub(v).min(self.cap))).sum::<u64>() as f64 / count
        };
        Profile { start: first.into(), ink: (first..last).map(ink).collect() }
    }
}

impl Profile {
    /// Between pixels by a straight line; `None` outside.
    fn at(&self, place: f64) -> Option<f64> {
        // Places are middles of boxes in pixel edges: the middle of the first pixel is at a half.
        let place = place - 0.5 - self.start as f64;
        if place.is_nan() || place < 0.0 {
            return None;
        }
        let (i, part) = (place as usize, place.fract());
        Some(self.ink.get(i)? * (1.0 - part) + self.ink.get(i + 1)? * part)
    }

    fn mean(&self) -> f64 {
        self.ink.iter().sum::<f64>() / self.ink.len().max(1) as f64
    }
}

#[cfg(test)]
mod tests;
