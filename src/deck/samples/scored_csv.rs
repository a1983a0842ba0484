//! An exam that is scored by a key in a CSV: v1, marks as fractions, a section, the scoring explained in the log.

use image::imageops;

use super::SampleFile;
use super::folder::{Folder, Hand};
use super::json;
use super::key::{Fraction, Key, Marks, Right, Section};
use super::layout::{Block, Layout, Values};
use crate::deck::DeckError;
use crate::deck::answers::Mix;
use crate::deck::camera::Scanner;
use crate::deck::encode;
use crate::deck::form::Outline;
use crate::deck::pen::Pen;
use crate::dialect::Dialect;
use crate::geometry::Size;
use crate::labels;

/// Questions with a number as their answer: guessing costs more, and they earn more.
const NUMBERS: Section = Section {
    name: "NUMBERS",
    questions: &["q19", "q20"],
    marks: Marks { correct: Fraction::of(5, 2), incorrect: Fraction::of(-1, 2), unmarked: Fraction::ZERO },
};

const DEFAULT: Marks = Marks { correct: Fraction::whole(1), incorrect: Fraction::of(-1, 3), unmarked: Fraction::ZERO };

/// Of question 7, where one answer is the whole truth and another half of it.
const WEIGHTS: [(&str, Fraction); 2] = [("A", Fraction::whole(2)), ("C", Fraction::of(1, 2))];

/// The form.
pub(super) fn layout() -> Layout {
    let digits =
        |name, origin, labels| Block { name, values: Values::Digit, origin, bubbles_gap: 28, labels_gap: 40, labels };
    let choices = |name, x, labels| Block {
        name,
        values: Values::FourChoices,
        origin: (x, 214),
        bubbles_gap: 36,
        labels_gap: 36,
        labels,
    };
    Layout {
        dialect: Dialect::V1,
        page: Size::new(700, 940),
        margin: (0, 0),
        bubble: Size::new(24, 24),
        empty_value: "",
        blocks: vec![
            digits("Roll_number", (70, 236), &["roll1..4"]),
            choices("Questions_1_to_9", 300, &["q1..9"]),
            choices("Questions_10_to_18", 516, &["q10..18"]),
            digits("Question_19", (300, 636), &["q19_1", "q19_2"]),
            digits("Question_20", (516, 636), &["q20_1", "q20_2"]),
        ],
        custom_labels: vec![
            ("Roll", vec!["roll1..4"]),
            ("q19", vec!["q19_1", "q19_2"]),
            ("q20", vec!["q20_1", "q20_2"]),
        ],
        output_columns: vec!["Roll", "q1..20"],
        processing_shape: None,
        preprocessors: String::new(),
        markers: None,
        outline: Outline::Ellipse,
        texts: vec![
            (56.0, 48.0, 32.0, "Chemistry, Paper 2"),
            (56.0, 86.0, 17.0, "A wrong answer costs a third of a mark. Questions 19 and 20: mark two digits."),
            (56.0, 128.0, 17.0, "Name"),
        ],
        rules: vec![(112.0, 136.0, 320.0)],
        ..Layout::EMPTY
    }
}

/// A plain answer, two right answers, answers with weights, numbers with a zero in front.
fn key() -> Result<Key, DeckError> {
    let mut key = Key::plain(
        labels::expand("q1..20")?,
        &["C", "A", "D", "B", "B", "A", "A", "C", "D", "D", "B", "C", "A", "A", "C", "B", "D", "C", "07", "42"],
        DEFAULT,
        vec![NUMBERS],
    );
    for (question, right) in &mut key.answers {
        match question.as_str() {
            "q4" => *right = Right::Any(&["B", "D"]),
            "q7" => *right = Right::Weighted(&WEIGHTS),
            _ => {}
        }
    }
    Ok(key)
}

fn evaluation(key: &Key) -> String {
    format!(
        r#"{{
  "source_type": "csv",
  "options": {{
    "answer_key_csv_path": "answer_key.csv",
    "should_explain_scoring": true
  }},
  "marking_schemes": {}
}}
"#,
        json::schemes(&key.default, &key.sections, 2)
    )
}

/// Three scans.
pub(super) fn folder() -> Result<Vec<SampleFile>, DeckError> {
    let key = key()?;
    let mut folder = Folder::new("scored-csv", &layout())?;
    folder.add("evaluation.json", evaluation(&key).into_bytes());
    folder.add("answer_key.csv", key.csv()?);
    // White is burnt out, so that PNGs stay small.
    let scanner =
        Scanner { size: Size::new(700, 940), turn: 0.0, shift: (0.0, 0.0), white: 266.0, noise: 1.2, blur: 0 };
    let sheets: [(&str, Hand, f64); 3] = [
        (
            "paper-01.png",
            Hand { seed: 501, pen: Pen::BLACK_FELT, mix: Mix::CAREFUL, changes: &[("q4", &["D"]), ("q7", &["A"])] },
            0.9,
        ),
        (
            "paper-02.png",
            Hand { seed: 502, pen: Pen::PENCIL, mix: Mix::CAREFUL, changes: &[("q7", &["C"]), ("q11", &["B", "C"])] },
            0.7,
        ),
        (
            "paper-03.png",
            Hand {
                seed: 503,
                pen: Pen::BLUE_BALLPOINT,
                mix: Mix::CAREFUL,
                changes: &[("q7", &["B"]), ("q20_1", &[]), ("q20_2", &[])],
            },
            0.3,
        ),
    ];
    for (path, hand, share) in sheets {
        let mut sheet = folder.fill_knowing(hand, &key, share);
        let picture = scanner.shoot(&sheet.canvas, &mut sheet.random);
        folder.add_scored_sheet(path, sheet, encode::png(&imageops::grayscale(&picture))?, &key);
    }
    folder.finish()
}
