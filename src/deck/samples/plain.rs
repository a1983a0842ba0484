//! A survey whose scans are the page itself: v1 without pre-processors, its own values and output columns.

use image::imageops;

use super::SampleFile;
use super::folder::{Folder, Hand};
use super::layout::{Block, Layout, Values};
use crate::deck::DeckError;
use crate::deck::answers::Mix;
use crate::deck::camera::Scanner;
use crate::deck::encode::{self, Tone};
use crate::deck::form::Outline;
use crate::deck::pen::Pen;
use crate::dialect::Dialect;
use crate::geometry::Size;

/// The form.
pub(super) fn layout() -> Layout {
    Layout {
        dialect: Dialect::V1,
        page: Size::new(800, 1060),
        margin: (0, 0),
        bubble: Size::new(26, 26),
        empty_value: "-",
        blocks: vec![
            Block {
                name: "Membership_number",
                values: Values::Digit,
                origin: (80, 290),
                bubbles_gap: 34,
                labels_gap: 40,
                labels: &["roll1..6"],
            },
            Block {
                name: "Yes_or_no",
                values: Values::Own(&["Y", "N"]),
                origin: (430, 290),
                bubbles_gap: 40,
                labels_gap: 40,
                labels: &["yn1..8"],
            },
            Block {
                name: "From_1_(poor)_to_5_(very_good)",
                values: Values::Own(&["1", "2", "3", "4", "5"]),
                origin: (130, 740),
                bubbles_gap: 44,
                labels_gap: 44,
                labels: &["rate1..5"],
            },
        ],
        custom_labels: vec![("Roll", vec!["roll1..6"])],
        output_columns: vec!["Roll", "rate1..5", "yn1..8"],
        processing_shape: None,
        preprocessors: String::new(),
        markers: None,
        outline: Outline::Box,
        texts: vec![
            (68.0, 80.0, 36.0, "Library Survey"),
            (68.0, 126.0, 18.0, "Your answers help us to choose books and opening hours."),
            (68.0, 180.0, 18.0, "Name (optional)"),
            (514.0, 303.0, 17.0, "I come every week"),
            (514.0, 343.0, 17.0, "I borrow books"),
            (514.0, 383.0, 17.0, "I borrow music"),
            (514.0, 423.0, 17.0, "I read newspapers here"),
            (514.0, 463.0, 17.0, "I work here"),
            (514.0, 503.0, 17.0, "I use the computers"),
            (514.0, 543.0, 17.0, "I come with children"),
            (514.0, 583.0, 17.0, "I attend readings"),
            (372.0, 753.0, 17.0, "Choice of books"),
            (372.0, 797.0, 17.0, "Opening hours"),
            (372.0, 841.0, 17.0, "Rooms"),
            (372.0, 885.0, 17.0, "Advice"),
            (372.0, 929.0, 17.0, "Events"),
        ],
        rules: vec![(210.0, 188.0, 400.0)],
        ..Layout::EMPTY
    }
}

/// Two PNGs and a JPEG.
pub(super) fn folder() -> Result<Vec<SampleFile>, DeckError> {
    let mut folder = Folder::new("plain", &layout())?;
    // White is burnt out, so that PNGs stay small.
    let scanner =
        Scanner { size: Size::new(800, 1060), turn: 0.0, shift: (0.0, 0.0), white: 266.0, noise: 1.2, blur: 0 };
    let crosses = Mix { full: 0, partial: 0, tick: 0, cross: 90, double: 0, blank: 10 };
    let sheets: [(&str, Hand, Scanner); 3] = [
        ("page-1.png", Hand { seed: 301, pen: Pen::BLACK_FELT, mix: Mix::CAREFUL, changes: &[] }, scanner),
        (
            "page-2.jpg",
            Hand { seed: 302, pen: Pen::BLUE_BALLPOINT, mix: Mix::CAREFUL, changes: &[] },
            Scanner { size: Size::new(1200, 1590), turn: 0.0008, white: 250.0, noise: 2.0, blur: 1, ..scanner },
        ),
        ("page-3.png", Hand { seed: 303, pen: Pen::BLACK_FELT, mix: crosses, changes: &[] }, scanner),
    ];
    for (path, hand, scanner) in sheets {
        let mut sheet = folder.fill(hand);
        let picture = scanner.shoot(&sheet.canvas, &mut sheet.random);
        let bytes = if path.ends_with(".png") {
            encode::png(&imageops::grayscale(&picture))?
        } else {
            encode::jpeg(&picture, Tone::Colour, 80)?
        };
        folder.add_sheet(path, sheet, bytes);
    }
    folder.finish()
}
