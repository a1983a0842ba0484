//! How the grays of bubbles are distributed, where thresholds part them, and which readings hang on a threshold.

use super::examine::Examined;
use crate::sheet::drawings::histogram;
use crate::sheet::stages::{Kind, Stage};

/// Grays of a row of the histogram.
const ROW: usize = 16;
const ROWS: usize = 256 / ROW;

/// A threshold this much higher or lower is tried.
const HIGHER: f64 = 1.1;
const LOWER: f64 = 0.9;

/// The ink of all sheets.
pub(super) struct Ink {
    /// Bubbles of each row of the histogram: blank, marked.
    pub rows: [(usize, usize); ROWS],
    /// Page thresholds of the sheets.
    pub pages: Vec<f64>,
    /// Thresholds of all fields.
    pub fields: Vec<f64>,
    /// Readings that another threshold would change, nearest first.
    pub flips: Vec<Flip>,
    grays: Vec<(f64, bool)>,
}

/// A bubble that a threshold a tenth higher or lower judges otherwise.
pub(super) struct Flip {
    /// The sheet's number.
    pub sheet: usize,
    pub field: String,
    pub bubble: String,
    pub mean: f64,
    pub threshold: f64,
    /// It is marked, and would not be by the lower threshold.
    pub is_marked: bool,
}

impl Flip {
    /// How near, in parts of the threshold.
    pub fn distance(&self) -> f64 {
        (self.mean - self.threshold).abs() / self.threshold.max(1.0)
    }
}

impl Ink {
    pub fn of(sheets: &[Examined]) -> Self {
        let mut ink =
            Self { rows: [(0, 0); ROWS], pages: Vec::new(), fields: Vec::new(), flips: Vec::new(), grays: Vec::new() };
        for (number, sheet) in sheets.iter().enumerate() {
            let Ok(seen) = &sheet.seen else { continue };
            if seen.fields.is_empty() {
                continue;
            }
            ink.pages.push(seen.page_threshold);
            for field in &seen.fields {
                ink.fields.push(field.threshold);
                for (bubble, mean) in &field.bubbles {
                    ink.add(*mean, field.threshold);
                    ink.flips.extend(flip(number, &field.label, bubble, *mean, field.threshold));
                }
            }
        }
        ink.flips.sort_by(|a, b| a.distance().total_cmp(&b.distance()));
        ink
    }

    fn add(&mut self, mean: f64, threshold: f64) {
        let is_marked = mean < threshold;
        // Means are 0 to 255.
        if let Some((blank, marked)) = self.rows.get_mut((mean as usize / ROW).min(ROWS - 1)) {
            *if is_marked { marked } else { blank } += 1;
        }
        self.grays.push((mean, is_marked));
    }

    /// The last panel of the picture.
    pub fn panel(&self) -> Stage {
        let drawn = histogram::of(&self.grays, &self.fields, &self.pages);
        Stage { kind: Kind::Thresholds, title: drawn.title, notes: drawn.notes, picture: drawn.picture }
    }
}

fn flip(sheet: usize, field: &str, bubble: &str, mean: f64, threshold: f64) -> Option<Flip> {
    let is_marked = mean < threshold;
    let other = if is_marked { mean < threshold * LOWER } else { mean < threshold * HIGHER };
    let flip = || Flip { sheet, field: field.to_owned(), bubble: bubble.to_owned(), mean, threshold, is_marked };
    (is_marked != other).then(flip)
}

/// The grays of a row of the histogram, both included.
pub(super) fn grays(row: usize) -> (usize, usize) {
    (row * ROW, row * ROW + ROW - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_flips_if_a_tenth_of_the_threshold_parts_it() {
        let flips = |mean: f64| flip(0, "q1", "A", mean, 100.0).map(|f| f.is_marked);
        assert_eq!([89.9, 90.0, 99.9].map(flips), [None, Some(true), Some(true)]);
        assert_eq!([100.0, 109.9, 110.1].map(flips), [Some(false), Some(false), None]);
    }
}
