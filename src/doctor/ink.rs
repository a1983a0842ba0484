//! How the levels of bubbles are distributed, where thresholds part them, and which readings hang on a threshold.

use super::examine::{BubbleSeen, Examined, FieldSeen};
use crate::sheet::drawings::histogram;
use crate::sheet::judge::Scale;
use crate::sheet::stages::{Kind, Stage};

/// Rows of the histogram.
const ROWS: usize = 16;

/// A threshold this much higher or lower is tried.
const HIGHER: f64 = 1.1;
const LOWER: f64 = 0.9;

/// The ink of all sheets.
pub(super) struct Ink {
    /// What levels and thresholds are.
    pub scale: Scale,
    /// Bubbles of each row of the histogram: blank, marked.
    pub rows: [(usize, usize); ROWS],
    /// Page thresholds of the sheets.
    pub pages: Vec<f64>,
    /// Thresholds of all fields.
    pub fields: Vec<f64>,
    /// Readings that another threshold would change, nearest first.
    pub flips: Vec<Flip>,
    levels: Vec<(f64, bool)>,
}

/// A bubble that a threshold a tenth higher or lower judges otherwise.
pub(super) struct Flip {
    /// The sheet's number.
    pub sheet: usize,
    pub field: String,
    pub bubble: String,
    pub level: f64,
    pub threshold: f64,
    /// It is marked, and would not be by the other threshold.
    pub is_marked: bool,
}

impl Flip {
    /// How near, in parts of the threshold.
    pub fn distance(&self) -> f64 {
        (self.level - self.threshold).abs() / self.threshold.max(1.0)
    }
}

impl Ink {
    pub fn of(sheets: &[Examined]) -> Self {
        let mut ink = Self {
            scale: Scale::default(),
            rows: [(0, 0); ROWS],
            pages: Vec::new(),
            fields: Vec::new(),
            flips: Vec::new(),
            levels: Vec::new(),
        };
        for (number, sheet) in sheets.iter().enumerate() {
            let Ok(seen) = &sheet.seen else { continue };
            if seen.fields.is_empty() {
                continue;
            }
            // One judge judges all sheets.
            ink.scale = seen.scale;
            ink.pages.push(seen.page_threshold);
            for field in &seen.fields {
                ink.fields.push(field.threshold);
                for bubble in &field.bubbles {
                    ink.add(bubble.level, bubble.is_marked);
                    ink.flips.extend(flip(ink.scale, number, field, bubble));
                }
            }
        }
        ink.flips.sort_by(|a, b| a.distance().total_cmp(&b.distance()));
        ink
    }

    fn add(&mut self, level: f64, is_marked: bool) {
        // A level below 0 is cast to 0.
        if let Some((blank, marked)) = self.rows.get_mut((level as usize / row(self.scale)).min(ROWS - 1)) {
            *if is_marked { marked } else { blank } += 1;
        }
        self.levels.push((level, is_marked));
    }

    /// The last panel of the picture.
    pub fn panel(&self) -> Stage {
        let drawn = histogram::of(self.scale, &self.levels, &self.fields, &self.pages);
        Stage { kind: Kind::Thresholds, title: drawn.title, notes: drawn.notes, picture: drawn.picture }
    }
}

fn flip(scale: Scale, sheet: usize, field: &FieldSeen, bubble: &BubbleSeen) -> Option<Flip> {
    let flips =
        [LOWER, HIGHER].iter().any(|by| scale.is_marked(bubble.level, field.threshold * by) != bubble.is_marked);
    let flip = || Flip {
        sheet,
        field: field.label.clone(),
        bubble: bubble.value.clone(),
        level: bubble.level,
        threshold: field.threshold,
        is_marked: bubble.is_marked,
    };
    flips.then(flip)
}

/// Levels of a row of the histogram.
fn row(scale: Scale) -> usize {
    scale.end() as usize / ROWS
}

/// The levels of a row of the histogram, both included.
pub(super) fn levels(scale: Scale, number: usize) -> (usize, usize) {
    let row = row(scale);
    (number * row, number * row + row - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_flips_if_a_tenth_of_the_threshold_parts_it() {
        let field = FieldSeen { label: "q1".to_owned(), threshold: 100.0, bubbles: Vec::new() };
        let flips = |level: f64| {
            let bubble = BubbleSeen { value: "A".to_owned(), level, is_marked: level < 100.0 };
            flip(Scale::Gray, 0, &field, &bubble).map(|f| f.is_marked)
        };
        assert_eq!([89.9, 90.0, 99.9].map(flips), [None, Some(true), Some(true)]);
        assert_eq!([100.0, 109.9, 110.1].map(flips), [Some(false), Some(false), None]);
    }
}
