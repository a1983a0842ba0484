//! What becomes of doubts: `--strict`, `--review-below`, Confidence.csv, crops, sheets with one id.

use std::path::{Path, PathBuf};

use crate::sheets::{page, png};
use crate::support::{Workspace, samples_dir};

/// An id of two letters and two questions, a row each; two marks in one of them are a doubt. The page ends where they do.
const TEMPLATE: &str = r#"{
  "templateDimensions": [200, 300], "bubbleDimensions": [16, 16], "processingImageShape": [300, 200], "preProcessors": [],
  "emptyValue": "-", "idColumn": "id", "customLabels": { "id": ["d1", "d2"] },
  "outputColumns": { "sortType": "CUSTOM", "customOrder": ["id", "q1", "q/2"] },
  "fieldBlocks": {
    "D": { "fieldDetectionType": "BUBBLES_THRESHOLD", "bubbleFieldType": "QTYPE_MCQ4", "origin": [20, 20], "maxMarks": 1,
           "bubblesGap": 40, "labelsGap": 40, "fieldLabels": ["d1..2"] },
    "Q": { "fieldDetectionType": "BUBBLES_THRESHOLD", "bubbleFieldType": "QTYPE_MCQ4", "origin": [20, 100], "maxMarks": 1,
           "bubblesGap": 40, "labelsGap": 40, "fieldLabels": ["q1", "q/2"] }
  }
}"#;

const CLEAR: &str = "A B C D";
const DOUBLE_ID: &str = "AC B C D";
const DOUBLE_QUESTIONS: &str = ". . AB BD";

fn workspace(sheets: &[(&str, &str)]) -> Workspace {
    let workspace = Workspace::new();
    workspace.write("in/template.json", TEMPLATE);
    for (name, answers) in sheets {
        workspace.write(format!("in/{name}"), png(&page(answers)));
    }
    workspace
}

/// File, and values.
fn values(workspace: &Workspace, table: &str) -> Vec<String> {
    let rows = workspace.csv(table);
    rows[1..].iter().map(|row| format!("{} {} {}", row[0], row[3], row[4..].join(","))).collect()
}

/// File, field, column, value, and reason.
fn review(workspace: &Workspace, output: &str) -> Vec<String> {
    let rows = workspace.csv(format!("{output}/Manual/Review.csv"));
    rows[1..].iter().map(|row| format!("{} {}", row[0], row[2..6].join(","))).collect()
}

fn crops(workspace: &Workspace, output: &str) -> Vec<PathBuf> {
    let tree = workspace.tree(output);
    tree.into_keys().filter(|path| path.parent().and_then(Path::parent) == Some(Path::new("Manual/Review"))).collect()
}

const MIXED: [(&str, &str); 3] = [("a.png", CLEAR), ("c.png", DOUBLE_ID), ("d.png", DOUBLE_QUESTIONS)];

#[test]
fn strict_leaves_doubtful_columns_empty_in_results_scores_and_the_filter() {
    let workspace = workspace(&MIXED);
    workspace.write("in/config.json", r#"{"outputs": {"filterOutMultimarkedFiles": true}}"#);
    let evaluation = r#"{"sourceType": "local", "options": {"questionsInOrder": ["id", "q1"], "answersInOrder": ["AB", "C"]},
        "markingSchemes": {"DEFAULT": {"correct": 1, "incorrect": -1, "unmarked": 0}}}"#;
    workspace.write("in/evaluation.json", evaluation);
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    assert_eq!(values(&workspace, "out/Results/Results.csv"), ["a.png 2.0 AB,C,D"]);
    assert_eq!(values(&workspace, "out/Manual/MultiMarkedFiles.csv"), ["c.png NA ACB,C,D", "d.png NA --,AB,BD"]);
    workspace.omr(&["-i", "in", "-o", "strict", "--strict"]).succeeded();
    // Of the id that has one doubtful letter nothing is left, and it is no wrong answer.
    assert_eq!(
        values(&workspace, "strict/Results/Results.csv"),
        ["a.png 2.0 AB,C,D", "c.png 1.0 --,C,D", "d.png 0.0 --,-,-"]
    );
    assert_eq!(values(&workspace, "strict/Manual/MultiMarkedFiles.csv"), [""; 0]);
    let doubts = ["c.png d1,id,AC,multiple-marks", "d.png q1,q1,AB,multiple-marks", "d.png q/2,q/2,BD,multiple-marks"];
    assert_eq!(review(&workspace, "strict"), doubts);
    assert_eq!(review(&workspace, "out"), doubts);
}

#[test]
fn confidences_stand_beside_results_sheet_by_sheet() {
    let workspace = workspace(&MIXED);
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    let rows = workspace.csv("out/Results/Confidence.csv");
    assert_eq!(rows[0], ["file_id", "d1", "d2", "q1", "q/2"]);
    let results = workspace.csv("out/Results/Results.csv");
    assert!(rows.iter().map(|row| &row[0]).eq(results.iter().map(|row| &row[0])));
    let confidence = |row: usize, column: usize| rows[row][column].parse::<f64>().unwrap();
    assert!(rows[1..].iter().flat_map(|row| &row[1..]).all(|cell| cell.len() == 6), "{rows:?}");
    assert!(confidence(2, 1) < confidence(2, 2) && confidence(3, 3) < confidence(1, 3), "{rows:?}");
    // A table for the sheets of Results.csv alone.
    workspace.write("in/config.json", r#"{"outputs": {"filterOutMultimarkedFiles": true}}"#);
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    assert_eq!(workspace.csv("out/Results/Confidence.csv").len(), 2);
    workspace.write(
        "key.json",
        r#"{"sourceType": "local", "options": {"questionsInOrder": ["q1"], "answersInOrder": ["C"]},
        "markingSchemes": {"DEFAULT": {"correct": 1, "incorrect": 0, "unmarked": 0}}}"#,
    );
    workspace.omr(&["rescore", "--results", "out", "--evaluation", "key.json", "-o", "again"]).succeeded();
    let bytes = |name: &str| std::fs::read(workspace.path(name)).unwrap();
    assert_eq!(bytes("again/Results/Confidence.csv"), bytes("out/Results/Confidence.csv"));
}

#[test]
fn every_doubtful_field_has_its_picture() {
    let workspace = workspace(&MIXED);
    for (output, workers) in [("out1", "1"), ("out2", "2"), ("out8", "8")] {
        workspace.omr(&["-i", "in", "-o", output, "--max-workers", workers, "--strict"]).succeeded();
    }
    let named = ["c.png/d1.png", "d.png/q1.png", "d.png/q_2.png"].map(|name| Path::new("Manual/Review").join(name));
    assert_eq!(crops(&workspace, "out1"), named);
    assert_eq!(workspace.tree("out1"), workspace.tree("out2"));
    assert_eq!(workspace.tree("out1"), workspace.tree("out8"));
    // Four bubbles 40 px apart with one around them, twice as large: A and C are filled.
    let crop = image::open(workspace.path("out1").join(&named[0])).unwrap().into_luma8();
    assert_eq!(crop.dimensions(), (2 * (3 * 40 + 3 * 16), 2 * 3 * 16));
    let dark: Vec<bool> = (0..4).map(|bubble| crop.get_pixel(2 * (16 + 40 * bubble + 8), 48).0[0] < 100).collect();
    assert_eq!(dark, [true, false, true, false]);
}

#[test]
fn pictures_of_doubts_that_are_gone_go_too() {
    let workspace = workspace(&MIXED);
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    assert_eq!(crops(&workspace, "out").len(), 3);
    workspace.write("out/Manual/Review/d.png/notes.txt", "mine");
    workspace.write("in/c.png", png(&page(CLEAR)));
    workspace.write("in/d.png", png(&page(". . A BD")));
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    assert_eq!(
        crops(&workspace, "out"),
        ["d.png/notes.txt", "d.png/q_2.png"].map(|name| Path::new("Manual/Review").join(name))
    );
    assert!(!workspace.path("out/Manual/Review/c.png").exists());
    std::fs::remove_file(workspace.path("out/Manual/Review/d.png/notes.txt")).unwrap();
    workspace.write("in/config.json", r#"{"outputs": {"saveDetections": false}}"#);
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    assert!(!workspace.path("out/Manual/Review").exists());
    assert_eq!(review(&workspace, "out").len(), 2);
}

#[test]
fn a_place_for_pictures_of_doubts_that_cannot_be_written_is_found_before_the_first_sheet() {
    let workspace = workspace(&MIXED);
    workspace.write("out/Manual/Review", "a file");
    let run = workspace.omr(&["-i", "in", "-o", "out"]);
    assert_eq!(run.code(), 1);
    assert!(run.stderr().contains("out/Manual/Review` cannot be written"), "{}", run.stderr());
    assert!(!workspace.path("out/CheckedOMRs/a.png").exists());
}

#[test]
fn a_later_sheet_with_the_same_id_is_told() {
    // b is a's twin; e has b's id, but not for sure; f has none.
    let workspace = workspace(&[
        ("a.png", CLEAR),
        ("b.png", CLEAR),
        ("e.png", DOUBLE_ID),
        ("f.png", ". . C D"),
        ("g.png", ". . C D"),
    ]);
    workspace.write("in/x/a.png", png(&page("B B C D")));
    workspace.write("in/x/b.png", png(&page("A B A A")));
    workspace.write("in/y/a.png", png(&page(CLEAR)));
    workspace.write("in/y/template.json", TEMPLATE);
    for (output, workers) in [("out", "1"), ("out8", "8")] {
        workspace.omr(&["-i", "in", "-o", output, "--max-workers", workers, "--strict"]).succeeded();
    }
    assert_eq!(workspace.tree("out"), workspace.tree("out8"));
    let twin = "has the id `AB`, which `a.png` has, too; one of them was read wrong, marked wrong or scanned twice";
    assert_eq!(
        review(&workspace, "out"),
        [format!("b.png ,,{twin},duplicate-id"), "e.png d1,id,AC,multiple-marks".to_owned()]
    );
    assert_eq!(review(&workspace, "out/x"), [format!("b.png ,,{twin},duplicate-id")]);
    assert_eq!(review(&workspace, "out/y"), [""; 0]);
    // It is none about the reading.
    assert_eq!(values(&workspace, "out/Results/Results.csv")[1], "b.png 0 AB,C,D");
    let confidences = workspace.csv("out/Results/Confidence.csv");
    assert_eq!(confidences[1][1..], confidences[2][1..]);
    assert_eq!(
        workspace.omr(&["-i", "in/y", "-o", "none", "--fail-on", "review", "--template", "in/template.json"]).code(),
        0
    );
    assert_eq!(workspace.omr(&["-i", "in/x", "in/y", "-o", "two", "--template", "in/template.json"]).code(), 0);
    // Each of these folders has a template of its own again.
    assert_eq!(review(&workspace, "two/y"), [""; 0]);
    workspace.write("z/late.png", png(&page(CLEAR)));
    workspace.omr(&["-i", "in/x", "z", "-o", "two", "--template", "in/template.json"]).succeeded();
    assert!(review(&workspace, "two/z")[0].contains("`x/b.png`"), "{:?}", review(&workspace, "two/z"));
}

#[test]
fn where_the_layout_is_open_no_field_is_sure() {
    let workspace = Workspace::new();
    let block = |y: u32, labels: &str| {
        format!(
            r#"{{ "fieldDetectionType": "BUBBLES_THRESHOLD", "bubbleFieldType": "QTYPE_MCQ4", "origin": [20, {y}],
                "bubblesGap": 40, "labelsGap": 40, "fieldLabels": ["{labels}"] }}"#
        )
    };
    let template = format!(
        r#"{{ "templateDimensions": [200, 300], "bubbleDimensions": [16, 16], "processingImageShape": [300, 200],
            "preProcessors": [], "fieldBlocks": {{ "S": {}, "Q": {} }}, "conditionalSets": [
            {{ "name": "B", "matcher": {{ "formatString": "{{set}}", "matchRegex": "B" }},
               "fieldBlocks": {{ "Q": {} }} }}] }}"#,
        block(20, "set"),
        block(60, "q1..2"),
        block(140, "q2..3"),
    );
    workspace.write("in/template.json", template);
    for (name, answers) in [("a.png", "A B C . . ."), ("b.png", "B . . A D ."), ("open.png", ". B C . . .")] {
        workspace.write(format!("in/{name}"), png(&page(answers)));
    }
    workspace.omr(&["-i", "in", "-o", "out", "--strict"]).succeeded();
    let results = values(&workspace, "out/Results/Results.csv");
    assert_eq!(results, ["a.png 0 B,C,,A", "b.png 0 ,A,D,B", "open.png 0 ,,,"]);
    let doubts = review(&workspace, "out");
    assert!(doubts.len() == 1 && doubts[0].ends_with(",template-mismatch"), "{doubts:?}");
    let confidences = workspace.csv("out/Results/Confidence.csv");
    assert_eq!(confidences[0], ["file_id", "set", "q1", "q2", "q3"]);
    let is_empty = |row: usize| confidences[row].iter().map(String::is_empty).collect::<Vec<_>>();
    assert_eq!(is_empty(1), [false, false, false, false, true]);
    assert_eq!(is_empty(2), [false, false, true, false, false]);
    assert_eq!(confidences[3][1..], ["0.5000", "0.5000", "0.5000", ""]);
}

#[test]
fn accuracy_tells_how_far_confidences_can_be_trusted() {
    let workspace = Workspace::new();
    let template = samples_dir().join("plain");
    let template = template.to_str().unwrap();
    let mix = "full=60,blank=30,partial=10";
    workspace
        .omr(&["deck", "--template", template, "-o", "deck", "--sheets", "6", "--mix", mix, "--degrade", "office"])
        .succeeded();
    workspace.omr(&["-i", "deck", "-o", "out", "--review-below", "0.5"]).succeeded();
    let text = workspace.omr(&["accuracy", "--truth", "deck/truth.csv", "--results", "out"]).succeeded().stdout();
    assert!(!text.contains("which these results do not have"), "{text}");
    assert!(text.lines().any(|line| line.starts_with("confidence ")), "{text}");
    assert!(text.lines().any(|line| line.starts_with("--review-below ")), "{text}");
    let run = workspace.omr(&["accuracy", "--truth", "deck/truth.csv", "--results", "out", "--summary", "json"]);
    let summary: serde_json::Value = serde_json::from_str(&run.succeeded().stdout()).unwrap();
    let fields: u64 =
        summary["reliability"].as_array().unwrap().iter().map(|row| row["fields"].as_u64().unwrap()).sum();
    assert_eq!(summary["total"]["fields"].as_u64(), Some(fields), "{summary}");
}

#[test]
fn limits_that_are_no_confidence_are_wrong_use() {
    let workspace = workspace(&MIXED);
    for limit in ["1.01", "-0.1", "NaN", "much"] {
        let run = workspace.omr(&["-i", "in", "-o", "out", &format!("--review-below={limit}")]);
        assert_eq!(run.code(), 2, "{limit}");
        assert!(run.stderr().contains("expected a number from 0 to 1"), "{}", run.stderr());
    }
    for drawing in [["--set-layout", "--strict"], ["--outputMode=setLayout", "--strict"]] {
        let args: Vec<&str> = ["-i", "in", "-o", "out"].into_iter().chain(drawing).collect();
        assert_eq!(workspace.omr(&args).code(), 2, "{drawing:?}");
    }
    assert!(!workspace.path("out").exists());
}

/// The page of the docs about doubts has a line for every reason that there is.
#[test]
fn every_reason_is_explained() {
    let page = include_str!("../../docs/doubts.md");
    let mut names = std::collections::BTreeSet::new();
    for reason in omr::sheet::Reason::ALL {
        assert!(names.insert(reason.as_str()), "{reason} is there twice");
        let lines: Vec<&str> =
            page.lines().filter(|line| line.starts_with('|') && line.contains(&format!("`{reason}`"))).collect();
        assert_eq!(lines.len(), 1, "{reason}");
    }
}

/// Templates of both generations.
#[test]
fn a_sample_sheet_that_was_scanned_twice_is_told() {
    for (sample, sheet, again) in
        [("four-markers", "scan-001.jpg", "twice.jpg"), ("booklet-sets", "sheet-01.jpg", "twice.jpg")]
    {
        let workspace = Workspace::new();
        workspace.copy_sample(sample, "in");
        std::fs::copy(workspace.path("in").join(sheet), workspace.path("in").join(again)).unwrap();
        workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
        let doubts = review(&workspace, "out");
        let told: Vec<&String> = doubts.iter().filter(|doubt| doubt.ends_with(",duplicate-id")).collect();
        assert!(told.len() == 1 && told[0].contains(&format!("`{sheet}`")), "{sample}: {doubts:?}");
        assert!(told[0].starts_with(again), "{sample}: {doubts:?}");
    }
}
