//! `omr accuracy`: the results of a deck beside its truth.
//!
//! A field is *reported* when it has a row in Review.csv or its sheet has a doubt as a whole. A field that is wrong and not
//! reported is *silent*: the worst that can happen. A dot is too small to be sure of; either reading of it is right, but one
//! that is not reported counts as silent.

pub mod bound;
pub mod parts;
mod report;
pub mod results;
pub mod truth;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use tracing::warn;

use self::parts::Part;
pub use self::report::{Counts, Report};
use self::results::{Results, Sheet};
use self::truth::{Truth, TruthField};

/// Why results could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum AccuracyError {
    /// A table cannot be read.
    #[error("`{}` cannot be read: {what}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A cell is not what it should be.
    #[error("`{}`, line {line}, column `{column}`: {what}", path.display())]
    Cell {
        /// The file.
        path: PathBuf,
        /// The line of the file, from 1.
        line: u64,
        /// The name of the column.
        column: String,
        /// What is wrong.
        what: String,
    },
    /// A folder is not that of a run.
    #[error("`{}`: {what}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

impl AccuracyError {
    fn table(path: &Path, error: &csv::Error) -> Self {
        Self::Table { path: path.to_path_buf(), what: error.to_string() }
    }
}

/// Texts that come again and again, each once.
#[derive(Debug, Default)]
pub struct Names {
    texts: Vec<String>,
    // Looked up only.
    numbers: HashMap<String, u32>,
}

impl Names {
    /// The number of a text.
    pub fn of(&mut self, text: &str) -> u32 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        // A file with more texts than that does not fit into memory.
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.texts.push(text.to_owned());
        self.numbers.insert(text.to_owned(), number);
        number
    }

    /// The text of a number that [`Names::of`] gave.
    pub fn text(&self, number: u32) -> &str {
        self.texts.get(number as usize).map_or("", String::as_str)
    }
}

/// Confidences at which the tables are cut.
const BINS: [f64; 13] = [0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.985, 0.99, 0.995, 0.998, 0.999, 0.9995];

/// Compares the results below `results` with the truth.
///
/// # Errors
/// [`AccuracyError`]: a file that is not what it should be, or a sheet of the truth that the results do not know.
pub fn compare(truth_file: &Path, results_root: &Path) -> Result<Report, AccuracyError> {
    let truth = Truth::load(truth_file)?;
    let results = Results::load(results_root)?;
    let mut report = Report::new(BINS.len(), results.has_confidences);
    let missing: Vec<&str> = truth
        .sheets
        .iter()
        .map(|(file, _)| truth.names.text(*file))
        .filter(|file| !results.sheets.contains_key(*file))
        .collect();
    if let Some(first) = missing.first() {
        let what = format!(
            "{} of the {} sheet(s) in `{}` are in no table here, the first is `{first}`; --results wants the output folder \
             that belongs to the deck, and `file` is the sheet's path below the deck",
            missing.len(),
            truth.sheets.len(),
            truth_file.display()
        );
        return Err(AccuracyError::Folder { path: results_root.to_path_buf(), what });
    }
    let unknown = results.sheets.len().saturating_sub(truth.sheets.len());
    if unknown > 0 {
        warn!("{unknown} sheet(s) of the results are not in the truth and do not count");
    }
    for (file, fields) in &truth.sheets {
        if let Some(sheet) = results.sheets.get(truth.names.text(*file)) {
            let degradation = fields.first().map_or("", |field| truth.names.text(field.degradation));
            report.add_sheet(degradation, sheet.row.is_none(), sheet.is_doubted);
            add_fields(&truth, fields, sheet, &mut report);
        }
    }
    Ok(report)
}

/// One field as it was read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// Is the reading right?
    pub is_right: bool,
    /// Was it reported?
    pub is_reported: bool,
    /// Is it a dot, which must be reported?
    pub must_be_reported: bool,
    /// Its confidence.
    pub confidence: Option<f64>,
}

impl Judged {
    /// The worst that can happen.
    pub const fn is_silent(self) -> bool {
        !self.is_reported && (!self.is_right || self.must_be_reported)
    }
}

fn add_fields(truth: &Truth, fields: &[TruthField], sheet: &Sheet, report: &mut Report) {
    let text = |number| truth.names.text(number);
    if sheet.row.is_none() {
        fields.iter().for_each(|field| report.add_unread(text(field.kind), text(field.degradation)));
        return;
    }
    let mut joined: BTreeMap<u32, Vec<&TruthField>> = BTreeMap::new();
    for field in fields {
        // A column of the field's own says most: in moderation mode every field has one.
        match sheet.value(text(field.label)) {
            Some(reading) => judge(truth, field, Some(reading), sheet, report),
            None => joined.entry(field.column).or_default().push(field),
        }
    }
    for (column, mut fields) in joined {
        let Some(reading) = sheet.value(text(column)) else {
            report.not_written += fields.len() as u64;
            continue;
        };
        fields.sort_by_key(|field| field.part);
        let no_values = (Vec::new(), String::new());
        let parts: Vec<Part<'_>> = fields
            .iter()
            .map(|field| {
                let alphabet = truth.alphabets.get(&field.label);
                let empty = alphabet.unwrap_or(&no_values).1.as_str();
                Part {
                    values: alphabet.map(|(values, _)| values.as_slice()),
                    empty,
                    right: right_readings(truth, field, empty),
                    reported: sheet.is_doubted || sheet.doubted.contains(text(field.label)),
                }
            })
            .collect();
        match parts::part(reading, &parts) {
            Some(parting) => {
                let all_right = parting.texts.iter().zip(&parts).all(|(text, part)| part.right.contains(text));
                report.guessed += if parting.is_sure || all_right { 0 } else { 1 };
                for (field, reading) in fields.iter().zip(parting.texts) {
                    judge(truth, field, Some(reading), sheet, report);
                }
            }
            None => {
                report.guessed += 1;
                fields.iter().for_each(|field| judge(truth, field, None, sheet, report));
            }
        }
    }
}

/// All readings of a field that are right.
fn right_readings<'t>(truth: &'t Truth, field: &TruthField, empty: &'t str) -> Vec<&'t str> {
    let (kind, value) = (truth.names.text(field.kind), truth.names.text(field.value));
    let mut right = vec![value];
    if value == empty || value.is_empty() || kind == "dot" {
        right.extend([empty, ""]);
    }
    right
}

/// Counts one field. A reading of `None` is known to be wrong.
fn judge(truth: &Truth, field: &TruthField, reading: Option<&str>, sheet: &Sheet, report: &mut Report) {
    let label = truth.names.text(field.label);
    let kind = truth.names.text(field.kind);
    let empty = truth.alphabets.get(&field.label).map_or("", |(_, empty)| empty.as_str());
    let judged = Judged {
        is_right: reading.is_some_and(|reading| right_readings(truth, field, empty).contains(&reading)),
        is_reported: sheet.is_doubted || sheet.doubted.contains(label),
        must_be_reported: kind == "dot",
        confidence: sheet.confidence(label),
    };
    report.add_field(kind, truth.names.text(field.degradation), judged, &BINS);
}

#[cfg(test)]
mod tests;
