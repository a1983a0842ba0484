//! The samples are read right: every answer and every score of every sheet.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Workspace, samples_dir};

/// Folders of samples/ that hold an answers.csv.
pub const ANSWER_FILES: usize = 20;

/// Sheets in them.
pub const SHEETS: usize = 55;

#[test]
fn every_answer_of_every_sample_is_right() {
    let workspace = Workspace::new();
    let samples = samples_dir();
    let run = workspace.omr(&["-i", samples.to_str().unwrap(), "-o", "out"]).succeeded();
    // One sheet has a double mark in a folder that diverts such sheets.
    let line = format!("{SHEETS} images = {} read + 1 diverted + 0 unreadable", SHEETS - 1);
    assert!(run.stderr().contains(&line), "{}", run.stderr());
    let (mut folders, mut sheets) = (0, 0);
    for entry in fs::read_dir(&samples).unwrap() {
        let folder = entry.unwrap().path();
        if folder.join("answers.csv").exists() {
            folders += 1;
            sheets += check_folder(&folder, &workspace.path("out").join(folder.file_name().unwrap()));
        }
    }
    assert_eq!((folders, sheets), (ANSWER_FILES, SHEETS));
}

/// The sheet flat and bent is the same sheet, filled in alike, and reads alike.
#[test]
fn a_bent_page_has_the_answers_of_the_flat_one() {
    let folder = |bow| omr::deck::samples::bent_page(bow, 17).unwrap();
    let flat = folder(0.0);
    let paths = |files: &[omr::deck::samples::SampleFile]| files.iter().map(|f| f.path.clone()).collect::<Vec<_>>();
    assert_eq!(paths(&flat), ["bent/template.json", "bent/sheet.jpg", "bent/answers.csv"]);
    let workspace = Workspace::new();
    for (name, bow) in [("flat", 0.0), ("one", 0.01), ("two", 0.02), ("three", 0.03)] {
        let bent = folder(bow);
        assert_eq!(paths(&flat), paths(&bent));
        assert_eq!((&flat[0], &flat[2]), (&bent[0], &bent[2]));
        assert_eq!(flat[1] == bent[1], bow == 0.0);
        for file in &bent {
            workspace.write(Path::new("in").join(name).join(&file.path), &file.bytes);
        }
    }
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    for name in ["flat", "one", "two", "three"] {
        let read =
            check_folder(&workspace.path("in").join(name).join("bent"), &workspace.path("out").join(name).join("bent"));
        assert_eq!(read, 1, "{name}");
    }
}

/// The template of the OCR folder is one that omr knows, whether or not this machine can read it.
#[test]
fn the_ocr_folder_is_well_formed() {
    let workspace = Workspace::new();
    for file in omr::deck::samples::ocr_fields().unwrap() {
        workspace.write(&file.path, &file.bytes);
    }
    let run = workspace.omr(&["check", "ocr"]);
    let told = run.stderr();
    assert!(run.code() == 0 || told.contains("needs the program tesseract"), "{told}");
    let answers = workspace.csv("ocr/answers.csv");
    assert_eq!(answers[0][..3], ["file", "number", "group"]);
    assert_eq!(answers[1][..3], ["scan-1.jpg", "4072931", "MARIGOLD"]);
}

/// Compares a folder's answers with the results; returns the number of sheets.
pub fn check_folder(folder: &Path, out: &Path) -> usize {
    let mut results = BTreeMap::new();
    collect_results(out, Path::new(""), &mut results);
    let mut reader = csv::Reader::from_path(folder.join("answers.csv")).unwrap();
    let header = reader.headers().unwrap().clone();
    let mut sheets = 0;
    for record in reader.records() {
        let record = record.unwrap();
        let file = &record[0];
        let row = results.remove(Path::new(file)).unwrap_or_else(|| panic!("{}: no row for {file}", folder.display()));
        for (column, want) in header.iter().zip(record.iter()).skip(1) {
            assert_eq!(row.get(column).map(String::as_str), Some(want), "{}/{file}: {column}", folder.display());
        }
        sheets += 1;
    }
    assert!(results.is_empty(), "{}: rows without answers: {:?}", folder.display(), results.keys());
    sheets
}

/// A row by its columns.
pub type Row = BTreeMap<String, String>;

/// The rows of all sheets that were read below `dir`, by the sheet's path.
pub fn collect_results(dir: &Path, below: &Path, rows: &mut BTreeMap<PathBuf, Row>) {
    // A sheet that is diverted for its multiple marks was read all the same.
    for table in ["Results/Results.csv", "Manual/MultiMarkedFiles.csv"] {
        let results = dir.join(table);
        if !results.exists() {
            continue;
        }
        let mut reader = csv::Reader::from_path(results).unwrap();
        let header = reader.headers().unwrap().clone();
        for record in reader.records() {
            let record = record.unwrap();
            let row: Row = header.iter().map(str::to_owned).zip(record.iter().map(str::to_owned)).collect();
            rows.insert(below.join(&record[0]), row);
        }
    }
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if entry.file_type().unwrap().is_dir() && !matches!(name.to_str(), Some("Results" | "Manual" | "CheckedOMRs")) {
            collect_results(&entry.path(), &below.join(name), rows);
        }
    }
}
