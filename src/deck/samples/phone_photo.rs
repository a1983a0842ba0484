//! A quiz photographed on a desk: v1, CropPage and then CropOnMarkers, the photos in a folder of their own.

use super::SampleFile;
use super::folder::{Folder, Hand};
use super::layout::{Block, Layout, Values};
use crate::deck::DeckError;
use crate::deck::answers::Mix;
use crate::deck::camera::{Phone, Shade};
use crate::deck::encode::{self, Tone};
use crate::deck::form::{Markers, Outline};
use crate::deck::marker::MarkerFigure;
use crate::deck::pen::Pen;
use crate::dialect::Dialect;
use crate::geometry::{Point, Size};

/// The photos' aspect ratio, so that pages keep theirs.
const CONFIG: &str = r#"{
  "dimensions": {
    "processing_width": 900,
    "processing_height": 1200
  },
  "outputs": {
    "save_detections": true
  }
}
"#;

const PREPROCESSORS: &str = r#"[
  {
    "name": "CropPage",
    "options": {
      "morphKernel": [10, 10]
    }
  },
  {
    "name": "CropOnMarkers",
    "options": {
      "relativePath": "omr_marker.png",
      "sheetToMarkerWidthRatio": 16
    }
  }
]"#;

/// The form.
pub(super) fn layout() -> Layout {
    let choices = |name, origin, labels| Block {
        name,
        values: Values::FiveChoices,
        origin,
        bubbles_gap: 38,
        labels_gap: 36,
        labels,
    };
    Layout {
        dialect: Dialect::V1,
        page: Size::new(720, 960),
        margin: (60, 60),
        bubble: Size::new(24, 24),
        empty_value: "",
        blocks: vec![
            Block {
                name: "Student_ID",
                values: Values::Digit,
                origin: (80, 232),
                bubbles_gap: 32,
                labels_gap: 40,
                labels: &["id1..5"],
            },
            choices("Questions_1_to_9", (430, 232), &["q1..9"]),
            choices("Questions_10_to_16", (120, 646), &["q10..16"]),
            choices("Questions_17_to_23", (430, 646), &["q17..23"]),
        ],
        custom_labels: vec![("StudentID", vec!["id1..5"])],
        output_columns: vec![],
        processing_shape: None,
        preprocessors: PREPROCESSORS.to_owned(),
        markers: Some(Markers { size: 60.0, figures: [MarkerFigure::Disc; 4] }),
        outline: Outline::Ellipse,
        texts: vec![
            (56.0, 36.0, 32.0, "Physics Quiz"),
            (56.0, 74.0, 17.0, "One answer per question. Keep the corners free."),
            (56.0, 120.0, 17.0, "Name"),
        ],
        rules: vec![(112.0, 128.0, 380.0)],
        ..Layout::EMPTY
    }
}

/// Three photos: even light, a soft shadow, seen from one side.
pub(super) fn folder() -> Result<Vec<SampleFile>, DeckError> {
    let mut folder = Folder::new("phone-photo", &layout())?;
    folder.add("config.json", CONFIG.as_bytes().to_vec());
    folder.add("omr_marker.png", encode::png(&MarkerFigure::Disc.picture(120))?);

    let corners = |places: [(f64, f64); 4]| places.map(|(x, y)| Point::new(x, y));
    let phone = Phone {
        size: Size::new(1200, 1600),
        corners: corners([(165.0, 168.0), (1046.0, 140.0), (1102.0, 1404.0), (112.0, 1416.0)]),
        desk: [112, 78, 52],
        white: [232, 228, 218],
        slope: (0.10, -0.06),
        shade: None,
        noise: 2.4,
        blur: 1,
        curl: None,
    };
    let thick = Mix { full: 84, partial: 0, tick: 4, cross: 6, double: 0, blank: 6 };
    let sheets: [(&str, Hand, Phone); 3] = [
        (
            "photos/desk-1.jpg",
            Hand { seed: 201, pen: Pen::BLUE_BALLPOINT, mix: Mix::CAREFUL, changes: &[] },
            phone.clone(),
        ),
        (
            "photos/desk-2.jpg",
            Hand { seed: 202, pen: Pen::BLACK_FELT, mix: thick, changes: &[("q12", &["B", "E"])] },
            Phone {
                corners: corners([(142.0, 214.0), (1012.0, 176.0), (1086.0, 1420.0), (150.0, 1474.0)]),
                desk: [64, 66, 72],
                white: [228, 226, 224],
                slope: (-0.08, 0.05),
                shade: Some(Shade { at: Point::new(760.0, 900.0), towards: (0.8, 0.6), width: 420.0, depth: 0.16 }),
                ..phone.clone()
            },
        ),
        (
            "photos/desk-3.jpg",
            Hand { seed: 203, pen: Pen::PENCIL, mix: Mix::CAREFUL, changes: &[] },
            Phone {
                corners: corners([(230.0, 212.0), (1010.0, 252.0), (1082.0, 1378.0), (96.0, 1420.0)]),
                desk: [96, 70, 50],
                white: [236, 232, 224],
                slope: (0.05, 0.12),
                ..phone
            },
        ),
    ];
    for (path, hand, phone) in sheets {
        let mut sheet = folder.fill(hand);
        let picture = phone.shoot(&sheet.canvas, &mut sheet.random)?;
        folder.add_sheet(path, sheet, encode::jpeg(&picture, Tone::Colour, 82)?);
    }
    folder.finish()
}
