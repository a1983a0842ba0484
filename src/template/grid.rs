//! Gaps become bubble places.
//!
//! Coordinates are added up in doubles, one gap at a time, and rounded half to even only when a bubble is placed. A
//! product of index and gap would differ in the last digit, and then in a pixel.

use super::field_types::{Direction, FieldType};
use super::{Bubble, Field};
use crate::geometry::{Rect, Size};
use crate::json::Cursor;

/// Where a block's bubbles begin and how far apart they are, in page pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spacing {
    /// Top-left corner of the first bubble's box.
    pub origin: (f64, f64),
    /// From one bubble of a field to the next.
    pub bubbles_gap: f64,
    /// From one field to the next.
    pub labels_gap: f64,
    /// The box of each bubble.
    pub bubble_size: Size,
}

impl Spacing {
    /// The fields named `labels` with their bubbles.
    pub fn fields(&self, labels: &[String], field_type: &FieldType) -> Vec<Field> {
        let mut lead = self.origin;
        let mut fields = Vec::with_capacity(labels.len());
        for label in labels {
            let mut at = lead;
            let mut bubbles = Vec::with_capacity(field_type.values.len());
            for value in &field_type.values {
                bubbles.push(Bubble { x: pixel(at.0), y: pixel(at.1), value: value.clone() });
                match field_type.direction {
                    Direction::Horizontal => at.0 += self.bubbles_gap,
                    Direction::Vertical => at.1 += self.bubbles_gap,
                }
            }
            fields.push(Field { label: label.clone(), bubbles });
            match field_type.direction {
                Direction::Horizontal => lead.1 += self.labels_gap,
                Direction::Vertical => lead.0 += self.labels_gap,
            }
        }
        fields
    }

    /// Warns of what cannot be meant, and would be read all the same: bubbles that lie on each other, or share a value.
    pub fn warn_of_slips(&self, name: &str, cursor: &Cursor<'_>, fields: usize, field_type: &FieldType) {
        let values = &field_type.values;
        let on_each_other = |key: &str, what: &str| {
            let message = format!("the gap is 0, so all {what} of the field block `{name}` lie on each other");
            cursor.warn(message, Some(format!("set `{key}` to the distance between them, in page pixels")));
        };
        if self.bubbles_gap == 0.0 && values.len() > 1 {
            on_each_other("bubblesGap", "bubbles of a field");
        }
        if self.labels_gap == 0.0 && fields > 1 {
            on_each_other("labelsGap", "fields");
        }
        if let Some(twice) = values.iter().enumerate().find(|(i, value)| values[..*i].contains(value)) {
            let message = format!("two bubbles of a field have the value `{}`: they cannot be told apart", twice.1);
            cursor.warn(message, None);
        }
    }

    /// Width and height of a block of `fields` fields with `values` bubbles each, before any rounding.
    pub fn extent(&self, fields: usize, values: usize, direction: Direction) -> (f64, f64) {
        let along = self.bubbles_gap * values.saturating_sub(1) as f64;
        let across = self.labels_gap * fields.saturating_sub(1) as f64;
        let (dx, dy) = match direction {
            Direction::Horizontal => (along, across),
            Direction::Vertical => (across, along),
        };
        (dx + f64::from(self.bubble_size.width), dy + f64::from(self.bubble_size.height))
    }
}

/// Half to even, as OMRChecker rounds. Blocks lie on the page, so the cast loses nothing.
fn pixel(coordinate: f64) -> i32 {
    coordinate.round_ties_even() as i32
}

/// The smallest rectangle of whole pixels that covers a box.
pub(super) fn covering(origin: (f64, f64), extent: (f64, f64)) -> Rect {
    let (left, top) = (origin.0.floor(), origin.1.floor());
    let (right, bottom) = ((origin.0 + extent.0).ceil(), (origin.1 + extent.1).ceil());
    Rect::new(left as i32, top as i32, (right - left) as u32, (bottom - top) as u32)
}

/// Does the box lie on the page and end before its last column and row? One that reaches the edge does not: both
/// generations of OMRChecker refuse it.
pub(super) fn lies_on_page(origin: (f64, f64), extent: (f64, f64), page: Size) -> bool {
    origin.0 >= 0.0
        && origin.1 >= 0.0
        && origin.0 + extent.0 < f64::from(page.width)
        && origin.1 + extent.1 < f64::from(page.height)
}

/// Notes that a block reaches beyond the page.
pub(super) fn off_page<T>(
    name: &str,
    cursor: &Cursor<'_>,
    origin: (f64, f64),
    extent: (f64, f64),
    page: Size,
) -> Option<T> {
    cursor.error_with_hint(
        format!(
            "the field block `{name}` spans {} to {} across and {} to {} down, expected it inside the {page} page",
            origin.0,
            origin.0 + extent.0,
            origin.1,
            origin.1 + extent.1,
        ),
        "a block must end before the page's right and bottom edge: check `origin`, the gaps and the number of labels",
    );
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spacing(origin: (f64, f64), bubbles_gap: f64, labels_gap: f64) -> Spacing {
        Spacing { origin, bubbles_gap, labels_gap, bubble_size: Size::new(10, 8) }
    }

    fn kind(values: &[&str], direction: Direction) -> FieldType {
        FieldType { values: values.iter().map(ToString::to_string).collect(), direction }
    }

    fn places(spacing: &Spacing, labels: usize, field_type: &FieldType) -> Vec<Vec<(i32, i32)>> {
        let labels: Vec<String> = (0..labels).map(|i| format!("q{i}")).collect();
        let fields = spacing.fields(&labels, field_type);
        fields.iter().map(|f| f.bubbles.iter().map(|b| (b.x, b.y)).collect()).collect()
    }

    #[test]
    fn bubbles_run_along_and_fields_across() {
        let ab = ["A", "B"];
        let down = places(&spacing((5.0, 7.0), 20.0, 30.0), 2, &kind(&ab, Direction::Vertical));
        assert_eq!(down, [[(5, 7), (5, 27)], [(35, 7), (35, 27)]]);
        let right = places(&spacing((5.0, 7.0), 20.0, 30.0), 2, &kind(&ab, Direction::Horizontal));
        assert_eq!(right, [[(5, 7), (25, 7)], [(5, 37), (25, 37)]]);
    }

    #[test]
    fn halves_round_to_even() {
        let row = places(&spacing((0.5, 0.0), 1.0, 0.0), 1, &kind(&["A", "B", "C", "D"], Direction::Horizontal));
        assert_eq!(row, [[(0, 0), (2, 0), (2, 0), (4, 0)]]);
    }

    #[test]
    fn gaps_are_added_up_not_multiplied() {
        // 0.1 added 25 times is 2.500000000000001 and rounds to 3; 25 × 0.1 is 2.5 and would round to 2.
        let values: Vec<String> = (0..26).map(|i| i.to_string()).collect();
        let field_type = FieldType { values, direction: Direction::Horizontal };
        let row = places(&spacing((0.0, 0.0), 0.1, 0.0), 1, &field_type);
        let sum = (0..25).fold(0.0f64, |sum, _| sum + 0.1);
        assert_eq!(row[0][25].0, sum.round_ties_even() as i32);
        assert_ne!(sum, 2.5);
    }

    #[test]
    fn an_extent_ends_with_the_last_box() {
        let spacing = spacing((0.0, 0.0), 20.5, 30.0);
        assert_eq!(spacing.extent(3, 4, Direction::Horizontal), (71.5, 68.0));
        assert_eq!(spacing.extent(3, 4, Direction::Vertical), (70.0, 69.5));
        assert_eq!(spacing.extent(0, 1, Direction::Vertical), (10.0, 8.0));
    }

    #[test]
    fn reaching_the_edge_is_off_the_page() {
        let page = Size::new(100, 50);
        assert!(lies_on_page((10.0, 10.0), (89.0, 39.0), page));
        assert!(!lies_on_page((10.0, 10.0), (90.0, 39.0), page));
        assert!(!lies_on_page((10.0, 10.0), (89.0, 40.0), page));
        assert!(!lies_on_page((-1.0, 10.0), (9.0, 9.0), page));
        assert_eq!(covering((1.5, 2.0), (3.0, 4.5)), Rect::new(1, 2, 4, 5));
    }
}
