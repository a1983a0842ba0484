//! Every sample sheet, turned: it is read right, or a person is told.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::samples::{ANSWER_FILES, Row, SHEETS, collect_results};
use crate::support::{Workspace, samples_dir};
use crate::turning::turn_file;

/// A sheet with what stands on it.
struct Sheet {
    /// Its path below the samples.
    path: PathBuf,
    answers: Row,
}

/// The sheets of all samples.
fn sheets() -> Vec<Sheet> {
    let mut sheets = Vec::new();
    let mut folders = 0;
    for entry in fs::read_dir(samples_dir()).unwrap() {
        let folder = entry.unwrap().path();
        let Ok(mut reader) = csv::Reader::from_path(folder.join("answers.csv")) else { continue };
        folders += 1;
        let header = reader.headers().unwrap().clone();
        for record in reader.records().map(Result::unwrap) {
            let answers = header.iter().zip(record.iter()).skip(1).map(|(c, v)| (c.to_owned(), v.to_owned()));
            let path = Path::new(folder.file_name().unwrap()).join(&record[0]);
            sheets.push(Sheet { path, answers: answers.collect() });
        }
    }
    assert_eq!((folders, sheets.len()), (ANSWER_FILES, SHEETS));
    sheets
}

/// The sheets that `table` of any folder below `dir` has a row about; of Review.csv the rows about whole sheets.
fn named_in(table: &str, dir: &Path, below: &Path, named: &mut HashSet<PathBuf>) {
    if let Ok(mut reader) = csv::Reader::from_path(dir.join("Manual").join(table)) {
        let rows: Vec<BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
        let of_sheet = |row: &&BTreeMap<String, String>| row.get("field").is_none_or(String::is_empty);
        named.extend(rows.iter().filter(of_sheet).map(|row| below.join(&row["file_id"])));
    }
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            named_in(table, &entry.path(), &below.join(entry.file_name()), named);
        }
    }
}

/// Turns every sheet of every sample, reads them, and tells which were not read right and which a person was not told of.
fn read_turned(quarters: u32) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let workspace = Workspace::new();
    workspace.copy_sample(".", "in");
    let sheets = sheets();
    for sheet in &sheets {
        turn_file(&workspace.path("in").join(&sheet.path), quarters).unwrap();
    }
    workspace.omr(&["-q", "-i", "in", "-o", "out"]).succeeded();
    let (mut rows, mut told) = (BTreeMap::new(), HashSet::new());
    collect_results(&workspace.path("out"), Path::new(""), &mut rows);
    named_in("ErrorFiles.csv", &workspace.path("out"), Path::new(""), &mut told);
    named_in("Review.csv", &workspace.path("out"), Path::new(""), &mut told);
    let is_right = |sheet: &Sheet| {
        let row = rows.get(&sheet.path);
        sheet.answers.iter().all(|(column, want)| row.and_then(|row| row.get(column)) == Some(want))
    };
    let not_right: Vec<PathBuf> = sheets.iter().filter(|s| !is_right(s)).map(|s| s.path.clone()).collect();
    let silent = not_right.iter().filter(|path| !told.contains(*path)).cloned().collect();
    (not_right, silent)
}

#[test]
fn every_sample_sheet_is_read_right_however_it_lies() {
    let mut not_right = 0;
    for quarters in 1..=3 {
        let (wrong, silent) = read_turned(quarters);
        assert_eq!(silent, Vec::<PathBuf>::new(), "read wrong without a word, turned by {}°", 90 * quarters);
        not_right += wrong.len();
    }
    // 99 of 100 turned sheets at least.
    assert!(not_right * 100 <= SHEETS * 3, "{not_right} of {} turned sheets are not read right", SHEETS * 3);
}
