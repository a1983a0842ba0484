//! Zones instead of bubbles: codes, and text by a program that may be missing, hang or fail.

use std::io::Cursor;

use image::{DynamicImage, GrayImage, ImageFormat, Luma, imageops};
use qrcode::QrCode;

use crate::support::Workspace;

fn png(page: GrayImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageLuma8(page).write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// A page of 400×500 with a QR code at (240, 60), modules of 4 px; without one for no text.
fn page(code: &str) -> GrayImage {
    let mut page = GrayImage::from_pixel(400, 500, Luma([255]));
    page.put_pixel(0, 499, Luma([0]));
    if !code.is_empty() {
        let qr = QrCode::new(code).unwrap();
        let (side, colors) = (qr.width() as u32, qr.to_colors());
        let module = |x: u32, y: u32| colors[(y / 4 * side + x / 4) as usize].select(0u8, 255);
        let picture = GrayImage::from_fn(4 * side, 4 * side, |x, y| Luma([module(x, y)]));
        imageops::overlay(&mut page, &picture, 240, 60);
    }
    page
}

fn template(kind: &str, more: &str) -> String {
    format!(
        r#"{{"templateDimensions": [400, 500], "processingImageShape": [500, 400], "bubbleDimensions": [10, 10],
        "preProcessors": [], "fieldBlocks": {{
        "Q": {{"fieldDetectionType": "BUBBLES_THRESHOLD", "bubbleFieldType": "QTYPE_MCQ4", "origin": [20, 300],
            "bubblesGap": 20, "labelsGap": 20, "fieldLabels": ["q1"]}},
        "Z": {{"fieldDetectionType": "{kind}", "origin": [230, 50], "fieldLabels": ["zone"], "emptyValue": "none"{more},
            "scanZone": {{"dimensions": [130, 130], "margins": {{"top": 20, "right": 20, "bottom": 20, "left": 20}}}}}}}}}}"#
    )
}

const EVALUATION: &str = r#"{"sourceType": "local", "options": {"questionsInOrder": ["zone"],
    "answersInOrder": ["booklet B"]}, "markingSchemes": {"DEFAULT": {"correct": 2, "incorrect": -1, "unmarked": 0}}}"#;

#[test]
fn codes_are_values_and_are_scored() {
    let workspace = Workspace::new();
    workspace.write("in/template.json", template("BARCODE_QR", ""));
    workspace.write("in/evaluation.json", EVALUATION);
    for (name, code) in [("a", "booklet B"), ("b", "booklet \u{e4}\n2"), ("c", "")] {
        workspace.write(format!("in/{name}.png"), png(page(code)));
    }
    workspace.omr(&["--input", "in", "--output", "out"]).succeeded();
    let rows = workspace.csv("out/Results/Results.csv");
    let read: Vec<_> = rows.iter().map(|r| [&r[0], &r[3], r.last().unwrap()].map(String::as_str)).collect();
    let score = |row: usize| rows[row][3].parse::<f64>().unwrap();
    assert_eq!(read.iter().map(|r| r[2]).collect::<Vec<_>>(), ["zone", "booklet B", "booklet \u{e4} 2", "none"]);
    assert_eq!((score(1), score(2)), (2.0, -1.0));
    let doubts = workspace.csv("out/Manual/Review.csv");
    let of_zone: Vec<_> = doubts.iter().filter(|r| r[2] == "zone").map(|r| [r[0].as_str(), &r[4], &r[5]]).collect();
    assert_eq!(of_zone, [["c.png", "none", "code-not-found"]]);
    assert_eq!(workspace.csv("out/Manual/MultiMarkedFiles.csv").len(), 1);
}

/// A program named `tesseract` that says this when it is asked for its version and languages, and for text.
#[cfg(unix)]
fn fake(workspace: &Workspace, text: &str) {
    let script = format!(
        "#!/bin/sh\ncase $1 in\n--version) echo 'tesseract 5.3.0';;\n--list-langs) echo eng;;\n*) {text};;\nesac\n"
    );
    workspace.write("bin/script", script);
    // Copied by another process: a file that is open for writing in this one, or in a child of it, cannot be run.
    let (from, to) = (workspace.path("bin/script"), workspace.path("bin/tesseract"));
    let mut copy = std::process::Command::new("sh");
    copy.args(["-c", "cp \"$1\" \"$2\" && chmod 755 \"$2\"", "sh"]).arg(from).arg(to);
    let status = copy.status().unwrap();
    assert!(status.success());
}

/// A run over one sheet with something in its zone, with the fake program or none on the PATH.
#[cfg(unix)]
fn run(text: Option<&str>) -> (Workspace, crate::support::Run) {
    let workspace = Workspace::new();
    workspace.write("in/template.json", template("OCR", r#", "bubbleFieldType": "QTYPE_INT""#));
    workspace.write("in/a.png", png(page("something")));
    let path = match text {
        Some(text) => {
            fake(&workspace, text);
            format!("{}:/usr/bin:/bin", workspace.path("bin").display())
        }
        None => workspace.path("nothing").display().to_string(),
    };
    let run = workspace.omr_with(&["--input", "in", "--output", "out"], &[("PATH", &path)]);
    (workspace, run)
}

#[cfg(unix)]
fn value_and_doubt(workspace: &Workspace) -> (String, Option<(String, String)>) {
    let rows = workspace.csv("out/Results/Results.csv");
    let doubts = workspace.csv("out/Manual/Review.csv");
    let doubt = doubts.iter().find(|r| r[2] == "zone").map(|r| (r[5].clone(), r[6].clone()));
    (rows[1].last().unwrap().clone(), doubt)
}

#[cfg(unix)]
#[test]
fn text_is_what_the_program_says() {
    let table = r"cat >/dev/null; printf 'level\tpage\n5\t1\t1\t1\t1\t1\t0\t0\t9\t9\t95\t40 7\n'";
    let (workspace, run) = run(Some(table));
    let run = run.succeeded();
    assert!(run.stderr().contains("tesseract 5.3.0"), "{}", run.stderr());
    assert_eq!(value_and_doubt(&workspace), ("407".to_owned(), None));
}

#[cfg(unix)]
#[test]
fn a_program_that_fails_costs_its_field_alone() {
    let uncertain = || Some(("ocr-uncertain".to_owned(), "0.000".to_owned()));
    for text in ["echo 'out of order' >&2; exit 1", "exec <&-; exit 0", "echo nonsense", "kill -9 $$", "exec sleep 60"]
    {
        let (workspace, run) = run(Some(text));
        let run = run.succeeded();
        assert_eq!(value_and_doubt(&workspace), ("none".to_owned(), uncertain()), "{text}");
        assert!(run.stderr().contains("tesseract"), "{}", run.stderr());
    }
}

#[cfg(unix)]
#[test]
fn a_text_without_an_answer_is_asked_for_again_by_the_next_run() {
    let (workspace, run) = run(Some("exit 1"));
    run.succeeded();
    assert_eq!(value_and_doubt(&workspace).0, "none");
    let path = format!("{}:/usr/bin:/bin", workspace.path("bin").display());
    let resume = || workspace.omr_with(&["-i", "in", "-o", "out", "--resume"], &[("PATH", &path)]).succeeded();
    fake(&workspace, r"cat >/dev/null; printf 'level\tpage\n5\t1\t1\t1\t1\t1\t0\t0\t9\t9\t95\t407\n'");
    resume();
    assert_eq!(value_and_doubt(&workspace), ("407".to_owned(), None));
    // What was answered is not asked for again.
    fake(&workspace, "exit 1");
    resume();
    assert_eq!(value_and_doubt(&workspace), ("407".to_owned(), None));
}

#[cfg(unix)]
#[test]
fn a_missing_program_is_told_before_the_first_sheet() {
    let (workspace, run) = run(None);
    assert_eq!(run.code(), 1);
    let said = run.stderr();
    assert!(said.contains("tesseract-ocr") && said.contains("template.json"), "{said}");
    assert!(!workspace.path("out/Results/Results.csv").exists());
}

#[cfg(unix)]
#[test]
fn check_tells_what_reads_text() {
    let workspace = Workspace::new();
    workspace.write("in/template.json", template("OCR", ""));
    workspace.write("in/a.png", png(page("")));
    fake(&workspace, "exit 1");
    let path = format!("{}:/usr/bin:/bin", workspace.path("bin").display());
    let run = workspace.omr_with(&["check", "in"], &[("PATH", &path)]).succeeded();
    assert!(run.stdout().contains("tesseract 5.3.0 ("), "{}", run.stdout());
}
