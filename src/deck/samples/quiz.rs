//! The form that most small samples share: a seat number and 26 questions on a page of 620 × 760.

use super::layout::{Block, Layout, Values};
use crate::deck::camera::Scanner;
use crate::dialect::Dialect;
use crate::geometry::Size;

/// White around the page. With it the paper is as large as [`SHAPE`].
pub const MARGIN: u32 = 45;

/// `processingImageShape` in which a page pixel is a pixel: height and width of the paper.
pub const SHAPE: (u32, u32) = (850, 710);

/// A scan of the paper without turn or shift, its white burnt out so that files stay small.
pub const SCANNER: Scanner =
    Scanner { size: Size::new(852, 1020), turn: 0.0, shift: (0.0, 0.0), white: 262.0, noise: 1.6, blur: 1 };

/// A v2 form with this heading and no pre-processors.
pub fn layout(title: &'static str) -> Layout {
    Layout {
        dialect: Dialect::V2,
        page: Size::new(620, 760),
        margin: (MARGIN, MARGIN),
        blocks: blocks(),
        custom_labels: vec![("Seat", vec!["seat1..3"])],
        output_columns: vec!["Seat", "q1..26"],
        processing_shape: Some(SHAPE),
        texts: vec![
            (64.0, 64.0, 28.0, title),
            (64.0, 98.0, 17.0, "Fill the bubble of the right answer."),
            (64.0, 136.0, 17.0, "Name"),
            (68.0, 690.0, 17.0, "Good luck!"),
        ],
        rules: vec![(116.0, 144.0, 220.0)],
        ..Layout::EMPTY
    }
}

fn blocks() -> Vec<Block> {
    vec![
        seat((78, 232)),
        questions("Questions_1_to_9", (258, 194), &["q1..9"]),
        questions("Questions_10_to_18", (452, 194), &["q10..18"]),
        questions("Questions_19_to_22", (258, 576), &["q19..22"]),
        questions("Questions_23_to_26", (452, 576), &["q23..26"]),
    ]
}

/// Three digits, the first bubble at `origin`.
pub const fn seat(origin: (i32, i32)) -> Block {
    Block { name: "Seat_number", values: Values::Digit, origin, bubbles_gap: 30, labels_gap: 38, labels: &["seat1..3"] }
}

/// Questions of four choices, one below the other.
pub const fn questions(name: &'static str, origin: (i32, i32), labels: &'static [&'static str]) -> Block {
    Block { name, values: Values::FourChoices, origin, bubbles_gap: 30, labels_gap: 36, labels }
}
