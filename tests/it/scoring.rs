//! Scores, explanation tables and answer keys, from the files to the files.

use image::{GrayImage, ImageFormat, Luma};

use crate::sheets::{CONFIG, TEMPLATE};
use crate::support::Workspace;

const MARKING: &str = r#""marking_schemes": { "DEFAULT": { "correct": "1", "incorrect": "-1/3", "unmarked": 0 } }"#;

/// A sheet with these answers: one word a question, `.` for no mark.
fn sheet(answers: &str) -> Vec<u8> {
    let mut page = GrayImage::from_pixel(200, 300, Luma([255]));
    for (q, answer) in answers.split(' ').enumerate() {
        for letter in answer.bytes().filter(|&b| b != b'.') {
            let (x0, y0) = (20 + 40 * u32::from(letter - b'A'), 20 + 40 * q as u32);
            for (x, y) in (0..16).flat_map(|y| (0..16).map(move |x| (x, y))) {
                page.put_pixel(x0 + x, y0 + y, Luma([20]));
            }
        }
    }
    let mut bytes = std::io::Cursor::new(Vec::new());
    page.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn workspace(evaluation: &str, sheets: &[(&str, &str)]) -> Workspace {
    let workspace = Workspace::new();
    workspace.write("in/template.json", TEMPLATE);
    workspace.write("in/config.json", CONFIG);
    workspace.write("in/evaluation.json", evaluation);
    for (name, answers) in sheets {
        workspace.write(format!("in/{name}"), sheet(answers));
    }
    workspace
}

fn with_csv(options: &str) -> String {
    format!(r#"{{ "source_type": "csv", "options": {{ "answer_key_csv_path": "key.csv"{options} }}, {MARKING} }}"#)
}

const EXPORT: &str = r#", "enable_evaluation_table_to_csv": true"#;
const KEY: &str = "q1,A\nq2, B\nq3,\"C,D\"\nq4,\"[['A', '1/2'], ['B', -2]]\"\nq5,AB\n";

/// File names with their scores.
fn scores(workspace: &Workspace, table: &str) -> Vec<(String, String)> {
    workspace.csv(table).into_iter().skip(1).map(|row| (row[0].clone(), row[3].clone())).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

#[test]
fn a_key_from_csv() {
    let sheets = [("a.png", "A B D A AB"), ("b.png", "B B . B A"), ("c.png", ". . . . .")];
    let workspace = workspace(&with_csv(EXPORT), &sheets);
    workspace.write("in/key.csv", KEY);
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    // 1 + 1 + 1 + 1/2 + 1, and -1/3 + 1 + 0 - 2 - 1/3.
    let expected = pairs(&[("a.png", "4.5"), ("b.png", "-1.6666666666666667"), ("c.png", "0.0")]);
    assert_eq!(scores(&workspace, "out/Results/Results.csv"), expected);
    let table = std::fs::read_to_string(workspace.path("out/Evaluation/b_evaluation.csv")).unwrap();
    insta::assert_snapshot!(table);
}

#[test]
fn tables_of_sheets_that_share_a_stem_and_of_runs_that_ask_for_none() {
    let workspace = workspace(&with_csv(EXPORT), &[("a.png", "A . . . ."), ("a.PNG", "B . . . .")]);
    workspace.write("in/key.csv", KEY);
    workspace.write("in/b.jpg", "no picture");
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    let tables = || {
        let tree = workspace.tree("out").into_keys();
        tree.filter(|p| p.starts_with("Evaluation")).map(|p| p.display().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(tables(), ["Evaluation/a.PNG_evaluation.csv", "Evaluation/a.png_evaluation.csv"]);
    // A sheet that can no longer be read leaves no table of the run before.
    workspace.write("in/a.PNG", "");
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    assert_eq!(tables(), ["Evaluation/a.png_evaluation.csv"]);
    workspace.write("in/evaluation.json", with_csv(""));
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    assert!(tables().is_empty());
}

#[test]
fn a_diverted_sheet_has_its_table_and_no_score() {
    let workspace = workspace(&with_csv(EXPORT), &[("a.png", "AB B C A A")]);
    workspace.write("in/key.csv", KEY.replace("q5,AB", "q5,A"));
    workspace.write("in/config.json", CONFIG.replace("{}", r#"{"filter_out_multimarked_files": true}"#));
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    assert_eq!(scores(&workspace, "out/Manual/MultiMarkedFiles.csv"), pairs(&[("a.png", "NA")]));
    assert_eq!(workspace.csv("out/Evaluation/a_evaluation.csv").len(), 6);
}

fn with_picture() -> String {
    let options =
        r#""answer_key_csv_path": "none.csv", "answer_key_image_path": "key.png", "questions_in_order": ["q1..4"]"#;
    format!(r#"{{ "source_type": "csv", "options": {{ {options} }}, {MARKING} }}"#)
}

#[test]
fn a_key_from_a_picture_which_is_no_sheet() {
    let workspace =
        workspace(&with_picture(), &[("a.png", "A B C D ."), ("b.png", "A B . A ."), ("key.png", "A B C D .")]);
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    let expected = pairs(&[("a.png", "4.0"), ("b.png", "1.6666666666666667")]);
    assert_eq!(scores(&workspace, "out/Results/Results.csv"), expected);
}

#[test]
fn a_key_picture_that_leaves_an_answer_open() {
    let workspace = workspace(&with_picture(), &[("a.png", "A B C D ."), ("key.png", "A . ABCD D .")]);
    let run = workspace.omr(&["-i", "in", "-o", "out"]);
    insta::assert_snapshot!(run.transcript());
    assert!(!workspace.path("out").exists());
}

#[test]
fn all_mistakes_of_a_key_are_told_before_the_first_sheet() {
    let workspace = workspace(&with_csv(""), &[("a.png", "A B C D .")]);
    workspace.write("in/key.csv", "q1,A\nq2\nq1,B\nq3,A,B\n");
    insta::assert_snapshot!("mistakes_in_a_key", workspace.omr(&["-i", "in", "-o", "out"]).transcript());
    workspace.write("in/key.csv", "q1,A\nq22,B\nq3,E\n");
    insta::assert_snapshot!("a_key_for_another_template", workspace.omr(&["-i", "in", "-o", "out"]).transcript());
}

#[test]
fn explanations_are_logged_in_input_order() {
    let sheets: Vec<(String, String)> = (0..9).map(|i| (format!("{i}.png"), "A B C A .".to_owned())).collect();
    let sheets: Vec<(&str, &str)> = sheets.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let workspace = workspace(&with_csv(r#", "should_explain_scoring": true"#), &sheets);
    workspace.write("in/key.csv", KEY);
    let log = workspace.omr(&["-i", "in", "-o", "out", "--max-workers", "4"]).succeeded().stderr();
    let order: Vec<&str> = log.lines().filter(|l| l.contains("score ")).collect();
    let expected: Vec<String> = (0..9).map(|i| format!(" INFO `in/{i}.png`: score 3.5")).collect();
    assert_eq!(order, expected);
    assert!(log.contains("\n  Question  Marked  Answer(s)"), "{log}");
}
