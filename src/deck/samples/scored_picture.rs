//! A test whose key is a picture of a sheet that the teacher filled in: v2, no CSV.

use super::SampleFile;
use super::folder::{Folder, Hand};
use super::json;
use super::key::{Fraction, Key, Marks};
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
use crate::labels;

const DEFAULT: Marks = Marks { correct: Fraction::whole(2), incorrect: Fraction::of(-2, 3), unmarked: Fraction::ZERO };

/// What the teacher marks.
const ANSWERS: [&str; 20] =
    ["B", "A", "E", "D", "C", "C", "A", "B", "E", "D", "D", "B", "A", "C", "E", "B", "C", "D", "A", "E"];

/// Each marker is sought where it is printed and 25 px around: that far it moves in a scan.
const PREPROCESSORS: &str = r#"[
  {
    "name": "CropOnMarkers",
    "options": {
      "type": "FOUR_MARKERS",
      "processingImageShape": [740, 800],
      "referenceImage": "omr_marker.png",
      "markerDimensions": [50, 50],
      "topLeftMarker": {
        "origin": [25, 25],
        "margins": { "top": 25, "right": 25, "bottom": 25, "left": 25 }
      },
      "topRightMarker": {
        "origin": [725, 25],
        "margins": { "top": 25, "right": 25, "bottom": 25, "left": 25 }
      },
      "bottomRightMarker": {
        "origin": [725, 665],
        "margins": { "top": 25, "right": 25, "bottom": 25, "left": 25 }
      },
      "bottomLeftMarker": {
        "origin": [25, 665],
        "margins": { "top": 25, "right": 25, "bottom": 25, "left": 25 }
      },
      "tuningOptions": {
        "markerRescaleRange": [85, 115],
        "markerRescaleSteps": 5
      }
    }
  }
]"#;

/// The CSV is not there, so the picture is read.
const SOURCE: &str = r#"{
  "sourceType": "image_and_csv",
  "options": {
    "answerKeyCsvPath": "answer_key.csv",
    "answerKeyImagePath": "answer_key.jpg",
    "questionsInOrder": ["q1..20"]
  },
  "markingSchemes": "#;

/// The form.
pub(super) fn layout() -> Layout {
    let choices = |name, x, labels| Block {
        name,
        values: Values::FiveChoices,
        origin: (x, 200),
        bubbles_gap: 34,
        labels_gap: 36,
        labels,
    };
    Layout {
        dialect: Dialect::V2,
        page: Size::new(700, 640),
        margin: (50, 50),
        bubble: Size::new(24, 24),
        empty_value: "",
        blocks: vec![
            Block {
                name: "Seat_number",
                values: Values::Digit,
                origin: (64, 222),
                bubbles_gap: 32,
                labels_gap: 40,
                labels: &["seat1..3"],
            },
            choices("Questions_1_to_10", 258, &["q1..10"]),
            choices("Questions_11_to_20", 500, &["q11..20"]),
        ],
        custom_labels: vec![("Seat", vec!["seat1..3"])],
        output_columns: vec!["Seat", "q1..20"],
        processing_shape: Some((740, 800)),
        preprocessors: PREPROCESSORS.to_owned(),
        markers: Some(Markers { size: 50.0, figures: [MarkerFigure::Disc; 4] }),
        outline: Outline::Ellipse,
        texts: vec![
            (52.0, 32.0, 28.0, "Driving Theory, Test 7"),
            (52.0, 68.0, 17.0, "One answer per question. A wrong one costs two thirds of a mark."),
            (52.0, 108.0, 17.0, "Name"),
        ],
        rules: vec![(106.0, 116.0, 300.0)],
        ..Layout::EMPTY
    }
}

/// The filled key sheet, which is no sheet of the batch, and three scans.
pub(super) fn folder() -> Result<Vec<SampleFile>, DeckError> {
    let key = Key::plain(labels::expand("q1..20")?, &ANSWERS, DEFAULT, Vec::new());
    let mut folder = Folder::new("scored-picture", &layout())?;
    let evaluation = format!("{SOURCE}{}\n}}\n", json::schemes(&key.default, &key.sections, 2));
    folder.add("evaluation.json", evaluation.into_bytes());
    folder.add("omr_marker.png", encode::png(&MarkerFigure::Disc.picture(101))?);

    let scanner =
        Scanner { size: Size::new(960, 888), turn: 0.005, shift: (2.0, -3.0), white: 249.0, noise: 2.0, blur: 1 };
    let teacher = Hand {
        seed: 601,
        pen: Pen::BLACK_FELT,
        mix: Mix::ALWAYS,
        changes: &[("seat1", &[]), ("seat2", &[]), ("seat3", &[])],
    };
    let mut sheet = folder.fill_knowing(teacher, &key, 1.0);
    let picture = scanner.shoot(&sheet.canvas, &mut sheet.random);
    folder.add("answer_key.jpg", encode::jpeg(&picture, Tone::Gray, 80)?);

    let sheets: [(&str, Hand, f64, Scanner); 3] = [
        (
            "seat-001.jpg",
            Hand { seed: 602, pen: Pen::PENCIL, mix: Mix::CAREFUL, changes: &[] },
            0.85,
            Scanner { turn: -0.006, shift: (-3.0, 2.0), ..scanner },
        ),
        (
            "seat-002.jpg",
            Hand { seed: 603, pen: Pen::BLUE_BALLPOINT, mix: Mix::CAREFUL, changes: &[("q6", &["C", "D"])] },
            0.6,
            Scanner { turn: 0.008, ..scanner },
        ),
        (
            "seat-003.jpg",
            Hand { seed: 604, pen: Pen::PENCIL, mix: Mix::CAREFUL, changes: &[] },
            0.05,
            Scanner { turn: 0.001, shift: (4.0, 4.0), white: 247.0, ..scanner },
        ),
    ];
    for (path, hand, share, scanner) in sheets {
        let mut sheet = folder.fill_knowing(hand, &key, share);
        let picture = scanner.shoot(&sheet.canvas, &mut sheet.random);
        folder.add_scored_sheet(path, sheet, encode::jpeg(&picture, Tone::Gray, 80)?, &key);
    }
    folder.finish()
}
