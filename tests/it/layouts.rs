//! Layouts chosen by a code on the sheet or by its file's name, from the files to the files.

use crate::sheets::{mark, page, png};
use crate::support::Workspace;

/// Block `S` holds the code. Set B has other questions in the place of block `Q`; set N adds a block.
const TEMPLATE: &str = r#"{
  "templateDimensions": [200, 300], "bubbleDimensions": [16, 16], "processingImageShape": [300, 200], "preProcessors": [],
  "customLabels": { "sum": ["q1", "q9"] },
  "fieldBlocks": {
    "S": { "fieldDetectionType": "BUBBLES_THRESHOLD", "bubbleFieldType": "QTYPE_MCQ4", "origin": [20, 20],
           "bubblesGap": 40, "labelsGap": 40, "fieldLabels": ["set"] },
    "Q": { "fieldDetectionType": "BUBBLES_THRESHOLD", "bubbleFieldType": "QTYPE_MCQ4", "origin": [20, 60],
           "bubblesGap": 40, "labelsGap": 40, "fieldLabels": ["q1..2"] }
  },
  "conditionalSets": [
    { "name": "booklet B", "matcher": { "formatString": "set {set}", "matchRegex": "^set B$" }, "fieldBlocks": {
      "Q": { "fieldDetectionType": "BUBBLES_THRESHOLD", "bubbleFieldType": "QTYPE_MCQ4", "origin": [20, 140],
             "bubblesGap": 40, "labelsGap": 40, "fieldLabels": ["q2", "q10", "q9"] } } },
    { "name": "named", "matcher": { "formatString": "{file_name}", "matchRegex": "^extra-" }, "fieldBlocks": {
      "X": { "fieldDetectionType": "BUBBLES_THRESHOLD", "bubbleFieldType": "QTYPE_MCQ4", "origin": [20, 220],
             "bubblesGap": 40, "labelsGap": 40, "fieldLabels": ["x"] } } }
  ]
}"#;

fn workspace() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("in/template.json", TEMPLATE);
    // Rows of bubbles from the top: set, q1, q2, then B's q2, q10, q9 (x of `named` is the row of q9).
    for (name, answers) in [
        ("a.png", "A B C . . ."),
        ("b.png", "B A A D C B"),
        ("blank.png", ". B C . . ."),
        ("extra-c.png", "C B D . . A"),
    ] {
        workspace.write(format!("in/{name}"), png(&page(answers)));
    }
    workspace
}

#[test]
fn each_sheet_is_read_by_its_layout_into_the_same_columns() {
    let workspace = workspace();
    let run = workspace.omr(&["-i", "in", "-o", "out", "-v"]).succeeded();
    let rows = workspace.csv("out/Results/Results.csv");
    assert_eq!(rows[0][4..], ["q2", "q10", "set", "sum", "x"]);
    let values: Vec<String> = rows[1..].iter().map(|row| format!("{} {}", row[0], row[4..].join(","))).collect();
    assert_eq!(values, ["a.png C,,A,B,", "b.png D,C,B,B,", "blank.png C,,,B,", "extra-c.png D,,C,B,A"]);
    let stderr = run.stderr();
    assert!(stderr.contains("b.png`: has the layout of the conditional set `booklet B`"), "{stderr}");
    assert!(stderr.contains("extra-c.png`: has the layout of the conditional set `named`"), "{stderr}");
    assert_eq!(stderr.matches("has the layout").count(), 2);
    let check = workspace.omr(&["check", "in"]).succeeded();
    assert!(check.stdout().contains("layouts   booklet B, named and the template's own"), "{}", check.stdout());
}

#[test]
fn a_doubt_about_the_code_stays_when_the_layout_has_no_code() {
    let workspace = workspace();
    let without_code = TEMPLATE.replacen(
        r#""fieldBlocks": {
      "Q": {"#,
        r#""fieldBlocks": {
      "S": { "fieldDetectionType": "BUBBLES_THRESHOLD", "bubbleFieldType": "QTYPE_MCQ4", "origin": [20, 100],
             "bubblesGap": 40, "labelsGap": 40, "fieldLabels": ["other"] },
      "Q": {"#,
        1,
    );
    assert_ne!(without_code, TEMPLATE);
    workspace.write("in/template.json", without_code);
    // The code is B, but its last bubble holds what an eraser may have left.
    let mut doubtful = page("B A A D C B");
    mark(&mut doubtful, 0, 3, 190);
    workspace.write("in/d.png", png(&doubtful));
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    let review = workspace.csv("out/Manual/Review.csv");
    let told: Vec<&[String]> =
        review.iter().filter(|row| row[0] == "d.png" && row[2] == "set").map(|r| &r[2..6]).collect();
    assert_eq!(told, [["set", "set", "B", "residue"]], "{review:?}");
}

#[test]
fn scores_go_by_the_values_of_the_layout() {
    let workspace = workspace();
    let evaluation = r#"{"sourceType": "local",
        "options": {"questionsInOrder": ["q2", "q10", "sum"], "answersInOrder": ["C", "C", "B"]},
        "markingSchemes": {"DEFAULT": {"correct": 1, "incorrect": -1, "unmarked": 0}}}"#;
    workspace.write("in/evaluation.json", evaluation);
    let run = workspace.omr(&["-i", "in", "-o", "out", "--statistics"]).succeeded();
    assert!(!run.stderr().contains("no marks give"), "{}", run.stderr());
    let scores: Vec<String> = workspace.csv("out/Results/Results.csv").iter().skip(1).map(|r| r[3].clone()).collect();
    // The template's own layout has no q10: not answered.
    assert_eq!(scores, ["2.0", "1.0", "2.0", "0.0"]);
}

#[test]
fn pictures_show_the_layout_that_was_read() {
    let workspace = workspace();
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    let picture = |name: &str| image::open(workspace.path(format!("out/CheckedOMRs/{name}"))).unwrap().into_rgb8();
    // The frame of the first bubble of row 3 (B's q2) is drawn on B's sheet alone.
    let is_coloured = |name: &str| {
        let pixel = picture(name).get_pixel(20, 148).0;
        pixel.iter().max().unwrap() - pixel.iter().min().unwrap() > 30
    };
    assert!(is_coloured("b.png") && !is_coloured("a.png"));
}

#[test]
fn mistakes_in_sets_stop_the_run_before_the_first_sheet() {
    let workspace = workspace();
    workspace.write("in/template.json", TEMPLATE.replace("{set}", "{sett}").replace("[20, 220]", "[190, 220]"));
    let run = workspace.omr(&["-i", "in", "-o", "out"]);
    assert_eq!(run.code(), 1);
    assert!(run.stderr().contains("conditionalSets[1]"), "{}", run.stderr());
    assert!(!workspace.path("out").exists());
}
