//! An exam form with four markers, scanned: v1, CropOnMarkers.

use super::SampleFile;
use super::folder::{Folder, Hand};
use super::layout::{Block, Layout, Values};
use crate::deck::DeckError;
use crate::deck::answers::Mix;
use crate::deck::camera::Scanner;
use crate::deck::encode::{self, Tone};
use crate::deck::form::{Markers, Outline};
use crate::deck::marker::MarkerFigure;
use crate::deck::pen::Pen;
use crate::dialect::Dialect;
use crate::geometry::Size;

/// Three quarters of the paper's size in page pixels: its aspect ratio is kept, so markers stay square.
const CONFIG: &str = r#"{
  "dimensions": {
    "processing_width": 804,
    "processing_height": 1095
  },
  "outputs": {
    "save_detections": true,
    "show_image_level": 0,
    "max_parallel_workers": 4
  }
}
"#;

const PREPROCESSORS: &str = r#"[
  {
    "name": "CropOnMarkers",
    "options": {
      "relativePath": "omr_marker.png",
      "sheetToMarkerWidthRatio": 17
    }
  }
]"#;

/// The form.
pub(super) fn layout() -> Layout {
    let digits = |name, x, labels| Block {
        name,
        values: Values::Digit,
        origin: (x, 290),
        bubbles_gap: 36,
        labels_gap: 40,
        labels,
    };
    let choices = |name, x, labels| Block {
        name,
        values: Values::FourChoices,
        origin: (x, 750),
        bubbles_gap: 42,
        labels_gap: 50,
        labels,
    };
    Layout {
        dialect: Dialect::V1,
        page: Size::new(960, 1320),
        margin: (56, 70),
        bubble: Size::new(26, 26),
        empty_value: "",
        blocks: vec![
            digits("Roll_number", 80, &["roll1..7"]),
            digits("Question_21", 440, &["q21_1", "q21_2"]),
            digits("Question_22", 572, &["q22_1", "q22_2"]),
            digits("Question_23", 704, &["q23_1", "q23_2"]),
            digits("Question_24", 836, &["q24_1", "q24_2"]),
            choices("Questions_1_to_10", 110, &["q1..10"]),
            choices("Questions_11_to_20", 420, &["q11..20"]),
            choices("Questions_25_to_34", 730, &["q25..34"]),
        ],
        custom_labels: vec![
            ("Roll", vec!["roll1..7"]),
            ("q21", vec!["q21_1", "q21_2"]),
            ("q22", vec!["q22_1", "q22_2"]),
            ("q23", vec!["q23_1", "q23_2"]),
            ("q24", vec!["q24_1", "q24_2"]),
        ],
        output_columns: vec![],
        id_column: "Roll",
        processing_shape: None,
        preprocessors: PREPROCESSORS.to_owned(),
        markers: Some(Markers { size: 60.0, figures: [MarkerFigure::Diamond; 4] }),
        outline: Outline::Ellipse,
        texts: vec![
            (66.0, 46.0, 38.0, "Entrance Examination"),
            (66.0, 92.0, 19.0, "Fill each bubble completely. Use a pencil or a blue or black pen."),
            (66.0, 152.0, 19.0, "Name"),
            (620.0, 152.0, 19.0, "Signature"),
        ],
        rules: vec![(126.0, 160.0, 430.0), (710.0, 160.0, 190.0)],
        ..Layout::EMPTY
    }
}

/// Three scans: pencil, ball-point pen with a double mark, light pencil.
pub(super) fn folder() -> Result<Vec<SampleFile>, DeckError> {
    let mut folder = Folder::new("four-markers", &layout())?;
    folder.add("config.json", CONFIG.as_bytes().to_vec());
    folder.add("omr_marker.png", encode::png(&MarkerFigure::Diamond.picture(120))?);

    let scanner =
        Scanner { size: Size::new(1072, 1460), turn: 0.006, shift: (3.0, -4.0), white: 250.0, noise: 2.0, blur: 1 };
    let with_strays = Mix { full: 80, partial: 4, tick: 0, cross: 8, double: 0, blank: 8 };
    let sheets: [(&str, Hand, Scanner, Tone); 3] = [
        ("scan-001.jpg", Hand { seed: 101, pen: Pen::PENCIL, mix: Mix::CAREFUL, changes: &[] }, scanner, Tone::Gray),
        (
            "scan-002.jpg",
            Hand {
                seed: 102,
                pen: Pen::BLUE_BALLPOINT,
                mix: with_strays,
                changes: &[("q7", &["A", "C"]), ("q23_1", &[]), ("q23_2", &[])],
            },
            Scanner { turn: -0.009, shift: (-5.0, 2.0), ..scanner },
            Tone::Colour,
        ),
        (
            "scan-003.jpg",
            Hand { seed: 103, pen: Pen::LIGHT_PENCIL, mix: Mix::CAREFUL, changes: &[] },
            Scanner { turn: 0.002, shift: (2.0, 6.0), white: 247.0, ..scanner },
            Tone::Gray,
        ),
    ];
    for (path, hand, scanner, tone) in sheets {
        let mut sheet = folder.fill(hand);
        let picture = scanner.shoot(&sheet.canvas, &mut sheet.random);
        folder.add_sheet(path, sheet, encode::jpeg(&picture, tone, 82)?);
    }
    folder.finish()
}
