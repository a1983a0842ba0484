//! A test in two booklets that ask in different order: v2, a conditional set for each, chosen by a bubble on the sheet.
//!
//! The listening part is the same for all: its section stands in the evaluation that the sets start from, which also
//! holds for a sheet without a booklet. Only booklet A has a misprint to make up for, so a set that kept something of
//! the set before it would give wrong scores.

use super::SampleFile;
use super::folder::{Folder, Hand};
use super::json;
use super::key::{Fraction, Key, Marks, Section};
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

/// Without a booklet the answers to the reading part mean nothing.
const NOTHING: Marks = Marks { correct: Fraction::ZERO, incorrect: Fraction::ZERO, unmarked: Fraction::ZERO };

const READING: Marks = Marks { correct: Fraction::whole(1), incorrect: Fraction::of(-1, 4), unmarked: Fraction::ZERO };

const LISTENING: Section = Section {
    name: "LISTENING",
    questions: &["q13", "q14", "q15", "q16"],
    marks: Marks { correct: Fraction::of(3, 2), incorrect: Fraction::of(-1, 2), unmarked: Fraction::ZERO },
};

const MISPRINT: Section = Section {
    name: "BONUS_MISPRINT",
    questions: &["q4"],
    marks: Marks { correct: Fraction::whole(1), incorrect: Fraction::whole(1), unmarked: Fraction::whole(1) },
};

const BOOKLET_A: [&str; 12] = ["A", "C", "D", "B", "B", "A", "C", "D", "A", "D", "C", "B"];
/// The questions of booklet A from the last to the first.
const BOOKLET_B: [&str; 12] = ["B", "C", "D", "A", "D", "C", "A", "B", "B", "D", "C", "A"];
const LISTENING_ANSWERS: [&str; 4] = ["D", "A", "C", "B"];

/// Each marker is sought where it is printed and 25 px around: that far it moves in a scan.
const PREPROCESSORS: &str = r#"[
  {
    "name": "CropOnMarkers",
    "options": {
      "type": "FOUR_MARKERS",
      "processingImageShape": [830, 800],
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
        "origin": [725, 755],
        "margins": { "top": 25, "right": 25, "bottom": 25, "left": 25 }
      },
      "bottomLeftMarker": {
        "origin": [25, 755],
        "margins": { "top": 25, "right": 25, "bottom": 25, "left": 25 }
      },
      "tuningOptions": {
        "markerRescaleRange": [85, 115],
        "markerRescaleSteps": 5
      }
    }
  }
]"#;

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
        page: Size::new(700, 730),
        margin: (50, 50),
        bubble: Size::new(24, 24),
        empty_value: "",
        blocks: vec![
            Block {
                name: "Seat_number",
                values: Values::Digit,
                origin: (70, 300),
                bubbles_gap: 32,
                labels_gap: 40,
                labels: &["seat1..4"],
            },
            choices("Booklet", (312, 190), &["set"]),
            choices("Reading_1_to_6", (312, 286), &["q1..6"]),
            choices("Reading_7_to_12", (526, 286), &["q7..12"]),
            choices("Listening_13_to_16", (312, 562), &["q13..16"]),
        ],
        custom_labels: vec![("Seat", vec!["seat1..4"])],
        id_column: "Seat",
        output_columns: vec!["Seat", "set", "q1..16"],
        processing_shape: Some((830, 800)),
        preprocessors: PREPROCESSORS.to_owned(),
        markers: Some(Markers { size: 50.0, figures: [MarkerFigure::Diamond; 4] }),
        outline: Outline::Ellipse,
        texts: vec![
            (52.0, 34.0, 30.0, "French, Level B1"),
            (52.0, 72.0, 17.0, "Mark the letter of your booklet first."),
            (52.0, 116.0, 17.0, "Name"),
        ],
        rules: vec![(106.0, 124.0, 300.0)],
        ..Layout::EMPTY
    }
}

/// The key of a booklet, or of none.
fn key(reading: &[&'static str], default: Marks, sections: Vec<Section>) -> Result<Key, DeckError> {
    let answers = [reading, &LISTENING_ANSWERS].concat();
    Ok(Key::plain(labels::expand("q1..16")?, &answers, default, sections))
}

fn evaluation() -> String {
    let answers = json::list(&[BOOKLET_A.as_slice(), &LISTENING_ANSWERS].concat());
    let schemes = json::schemes(&NOTHING, &[LISTENING], 2);
    let (a, b) = (json::schemes(&READING, &[MISPRINT], 8), json::schemes(&READING, &[], 8));
    let answers_of_b = json::list(&BOOKLET_B);
    format!(
        r#"{{
  "sourceType": "local",
  "options": {{
    "questionsInOrder": ["q1..16"],
    "answersInOrder": {answers}
  }},
  "markingSchemes": {schemes},
  "outputsConfiguration": {{
    "shouldExplainScoring": true,
    "shouldExportExplanationCsv": true,
    "drawScore": {{
      "enabled": true,
      "position": [484, 620],
      "scoreFormatString": "No set: {{score}}",
      "size": 0.8
    }}
  }},
  "conditionalSets": [
    {{
      "name": "Booklet A",
      "matcher": {{ "formatString": "{{set}}", "matchRegex": "^A$" }},
      "evaluation": {{
        "sourceType": "local",
        "options": {{ "questionsInOrder": [], "answersInOrder": [] }},
        "markingSchemes": {a},
        "outputsConfiguration": {{
          "drawScore": {{ "enabled": true, "position": [484, 620], "scoreFormatString": "A: {{score}}" }}
        }}
      }}
    }},
    {{
      "name": "Booklet B",
      "matcher": {{ "formatString": "{{set}}", "matchRegex": "^B$" }},
      "evaluation": {{
        "sourceType": "local",
        "options": {{
          "questionsInOrder": ["q1..12"],
          "answersInOrder": {answers_of_b}
        }},
        "markingSchemes": {b},
        "outputsConfiguration": {{
          "drawScore": {{ "enabled": true, "position": [484, 620], "scoreFormatString": "B: {{score}}" }}
        }}
      }}
    }}
  ]
}}
"#
    )
}

/// A sheet of booklet A, two of booklet B, and one on which the booklet was forgotten.
pub(super) fn folder() -> Result<Vec<SampleFile>, DeckError> {
    let a = key(&BOOKLET_A, READING, vec![LISTENING, MISPRINT])?;
    let b = key(&BOOKLET_B, READING, vec![LISTENING])?;
    let none = key(&BOOKLET_A, NOTHING, vec![LISTENING])?;
    let mut folder = Folder::new("booklet-sets", &layout())?;
    folder.add("evaluation.json", evaluation().into_bytes());
    folder.add("omr_marker.png", encode::png(&MarkerFigure::Diamond.picture(101))?);

    let scanner =
        Scanner { size: Size::new(960, 996), turn: -0.004, shift: (-2.0, 3.0), white: 249.0, noise: 2.0, blur: 1 };
    let sheets: [(&str, Hand, &Key, f64, Scanner); 4] = [
        (
            "sheet-01.jpg",
            Hand {
                seed: 701,
                pen: Pen::BLUE_BALLPOINT,
                mix: Mix::CAREFUL,
                changes: &[("set", &["A"]), ("q4", &["C"])],
            },
            &a,
            0.8,
            scanner,
        ),
        (
            "sheet-02.jpg",
            Hand { seed: 702, pen: Pen::PENCIL, mix: Mix::CAREFUL, changes: &[("set", &["B"]), ("q4", &["C"])] },
            &b,
            0.9,
            Scanner { turn: 0.007, shift: (4.0, -3.0), ..scanner },
        ),
        (
            "sheet-03.jpg",
            Hand {
                seed: 703,
                pen: Pen::BLACK_FELT,
                mix: Mix::CAREFUL,
                changes: &[("set", &["B"]), ("q9", &["B", "D"])],
            },
            &b,
            0.6,
            Scanner { turn: -0.008, shift: (0.0, 5.0), ..scanner },
        ),
        (
            "sheet-04.jpg",
            Hand { seed: 704, pen: Pen::PENCIL, mix: Mix::CAREFUL, changes: &[("set", &[])] },
            &none,
            0.7,
            Scanner { turn: 0.003, ..scanner },
        ),
    ];
    for (path, hand, key, share, scanner) in sheets {
        let mut sheet = folder.fill_knowing(hand, key, share);
        let picture = scanner.shoot(&sheet.canvas, &mut sheet.random);
        folder.add_scored_sheet(path, sheet, encode::jpeg(&picture, Tone::Gray, 80)?, key);
    }
    folder.finish()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::evaluation::Evaluation;
    use crate::json::Document;

    #[test]
    fn the_evaluation_is_one_without_warnings() {
        let document = Document::parse(Path::new("evaluation.json"), evaluation()).unwrap();
        let (evaluation, problems) = Evaluation::from_document(&document).unwrap();
        assert_eq!(problems.len(), 0);
        assert_eq!(evaluation.dialect, Some(Dialect::V2));
        assert_eq!(evaluation.sets.len(), 2);
    }

    #[test]
    fn booklet_b_asks_in_reverse() {
        let reversed: Vec<&str> = BOOKLET_A.into_iter().rev().collect();
        assert_eq!(reversed, BOOKLET_B);
    }
}
