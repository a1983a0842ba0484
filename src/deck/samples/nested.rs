//! Two classes that inherit one v2 template, with a marker of its own in each corner; one class has its own config.

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

/// Class b wants sheets with double marks in a table of their own.
const CLASS_B_CONFIG: &str = r#"{
  "outputs": {
    "filterOutMultimarkedFiles": true,
    "saveImageLevel": 0
  },
  "processing": {
    "maxParallelWorkers": 2
  }
}
"#;

/// Each marker is sought where it is printed and 25 px around: that far it moves in a scan.
const PREPROCESSORS: &str = r#"[
  {
    "name": "CropOnMarkers",
    "options": {
      "type": "FOUR_MARKERS",
      "processingImageShape": [1000, 800],
      "referenceImage": "marker-top-left.png",
      "markerDimensions": [50, 50],
      "topLeftMarker": {
        "origin": [25, 25],
        "margins": { "top": 25, "right": 25, "bottom": 25, "left": 25 }
      },
      "topRightMarker": {
        "origin": [725, 25],
        "margins": { "top": 25, "right": 25, "bottom": 25, "left": 25 },
        "customOptions": { "referenceImage": "marker-top-right.png" }
      },
      "bottomRightMarker": {
        "origin": [725, 925],
        "margins": { "top": 25, "right": 25, "bottom": 25, "left": 25 },
        "customOptions": { "referenceImage": "marker-bottom-right.png" }
      },
      "bottomLeftMarker": {
        "origin": [25, 925],
        "margins": { "top": 25, "right": 25, "bottom": 25, "left": 25 },
        "customOptions": { "referenceImage": "marker-bottom-left.png" }
      },
      "tuningOptions": {
        "markerRescaleRange": [85, 115],
        "markerRescaleSteps": 5
      }
    }
  }
]"#;

/// Top-left, top-right, bottom-right, bottom-left.
const FIGURES: [(MarkerFigure, &str); 4] = [
    (MarkerFigure::Diamond, "marker-top-left.png"),
    (MarkerFigure::Disc, "marker-top-right.png"),
    (MarkerFigure::Cross, "marker-bottom-right.png"),
    (MarkerFigure::Triangle, "marker-bottom-left.png"),
];

/// The form.
pub(super) fn layout() -> Layout {
    let choices = |name, origin, labels| Block {
        name,
        values: Values::FourChoices,
        origin,
        bubbles_gap: 36,
        labels_gap: 36,
        labels,
    };
    Layout {
        dialect: Dialect::V2,
        page: Size::new(700, 900),
        margin: (50, 50),
        bubble: Size::new(24, 24),
        empty_value: "",
        blocks: vec![
            Block {
                name: "Seat_number",
                values: Values::Digit,
                origin: (70, 214),
                bubbles_gap: 32,
                labels_gap: 40,
                labels: &["seat1..4"],
            },
            choices("Part_A", (312, 214), &["a1..9"]),
            choices("Part_B", (526, 214), &["b1..9"]),
            choices("Part_C", (110, 614), &["c1..7"]),
            choices("Part_D", (318, 614), &["d1..7"]),
            choices("Part_E", (526, 614), &["e1..7"]),
        ],
        custom_labels: vec![("Seat", vec!["seat1..4"])],
        output_columns: vec!["Seat", "a1..9", "b1..9", "c1..7", "d1..7", "e1..7"],
        processing_shape: Some((1000, 800)),
        preprocessors: PREPROCESSORS.to_owned(),
        markers: Some(Markers { size: 50.0, figures: FIGURES.map(|(figure, _)| figure) }),
        outline: Outline::Ellipse,
        texts: vec![
            (50.0, 34.0, 30.0, "Weekly Vocabulary Test"),
            (50.0, 72.0, 17.0, "Fill the bubble of the right translation."),
            (50.0, 116.0, 17.0, "Name"),
        ],
        rules: vec![(104.0, 124.0, 300.0)],
        ..Layout::EMPTY
    }
}

/// Two sheets of each class.
pub(super) fn folder() -> Result<Vec<SampleFile>, DeckError> {
    let mut folder = Folder::new("nested", &layout())?;
    for (figure, path) in FIGURES {
        folder.add(path, encode::png(&figure.picture(101))?);
    }
    folder.add("class-b/config.json", CLASS_B_CONFIG.as_bytes().to_vec());

    let scanner =
        Scanner { size: Size::new(1000, 1250), turn: 0.004, shift: (-2.0, 3.0), white: 249.0, noise: 2.0, blur: 1 };
    let sheets: [(&str, Hand, Scanner); 4] = [
        ("class-a/sheet-01.jpg", Hand { seed: 401, pen: Pen::PENCIL, mix: Mix::CAREFUL, changes: &[] }, scanner),
        (
            "class-a/sheet-02.jpg",
            Hand { seed: 402, pen: Pen::BLUE_BALLPOINT, mix: Mix::CAREFUL, changes: &[] },
            Scanner { turn: -0.007, shift: (4.0, -3.0), ..scanner },
        ),
        (
            "class-b/sheet-01.jpg",
            Hand { seed: 403, pen: Pen::BLACK_FELT, mix: Mix::CAREFUL, changes: &[] },
            Scanner { turn: 0.008, shift: (0.0, 5.0), ..scanner },
        ),
        (
            "class-b/sheet-02.jpg",
            Hand { seed: 404, pen: Pen::PENCIL, mix: Mix::CAREFUL, changes: &[("b3", &["A", "D"])] },
            Scanner { turn: -0.003, ..scanner },
        ),
    ];
    for (path, hand, scanner) in sheets {
        let mut sheet = folder.fill(hand);
        let picture = scanner.shoot(&sheet.canvas, &mut sheet.random);
        folder.add_sheet(path, sheet, encode::jpeg(&picture, Tone::Gray, 80)?);
    }
    folder.finish()
}
