//! What a sheet leaves behind once it is done: the cells of its rows, and the files that were written about it. The journal
//! keeps it, and the tables are made of it, whether it was read just now or by an earlier run.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::confidence;
use super::grouping::Wish;
use crate::os_names;
use crate::sheet::{FieldDoubt, Reason, SheetError};
use crate::statistics::Response;

/// A sheet that is done. Light enough to wait for its turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// What its rows say.
    pub outcome: Outcome,
    /// What identifies it, for sure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The recogniser of text gave no answer about a field, which another time it might.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_unanswered: bool,
    /// What each question earned, for statistics, if they are made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub responses: Option<Vec<Option<Response>>>,
    /// Where it is wished to be, if sheets are grouped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wish: Option<Wish>,
    /// What was written about it besides its rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Written>,
}

/// A file that was written about a sheet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Below the output folder.
    #[serde(with = "os_names::below")]
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
}

impl Written {
    /// Does it lie there, with the size that it was written with?
    pub fn lies_at(&self, place: &Path) -> bool {
        place.symlink_metadata().is_ok_and(|found| found.is_file() && found.len() == self.bytes)
    }
}

/// What became of an image: the cells of its rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was read.
    Read {
        /// One value an output column.
        columns: Vec<String>,
        /// Any field has more than one mark.
        multi_marked: bool,
        /// Doubts about the sheet and its fields.
        doubts: Vec<DoubtRow>,
        /// How sure the reading of each label is: a cell a column of Confidence.csv.
        confidences: Vec<String>,
        /// The score's cell, if sheets are scored.
        score: Option<String>,
    },
    /// It could not be read.
    Failed(SheetError),
}

impl Done {
    /// Could it be otherwise if the same file were read again? A file that changed or was gone, a time limit, a recogniser
    /// without an answer, a mistake in the program: those are tried again by the next run.
    pub fn may_be_otherwise(&self) -> bool {
        let passes = [Reason::ChangedWhileRead, Reason::TimeLimit, Reason::InternalError];
        self.is_unanswered || matches!(&self.outcome, Outcome::Failed(error) if passes.contains(&error.reason))
    }
}

/// What a row of Review.csv says of a sheet that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoubtRow {
    /// The template's label; empty where the whole sheet is meant.
    pub field: String,
    /// The output column it lands in; empty when it lands in none.
    pub column: String,
    /// What was read; a line of detail where the whole sheet is meant.
    pub value: String,
    /// Why it is doubted.
    pub reason: Reason,
    /// The cell that says how sure the reading is.
    pub confidence: String,
}

impl DoubtRow {
    /// Is the whole sheet meant?
    pub fn is_of_sheet(&self) -> bool {
        self.field.is_empty()
    }
}

impl From<FieldDoubt> for DoubtRow {
    fn from(doubt: FieldDoubt) -> Self {
        let FieldDoubt { field, column, value, doubt, .. } = doubt;
        Self { field, column, value, reason: doubt.reason, confidence: confidence::cell::<3>(doubt.confidence) }
    }
}

#[cfg(test)]
mod tests {
    use num_rational::BigRational;

    use super::*;
    use crate::statistics;

    fn without_files(outcome: Outcome) -> Done {
        Done { outcome, id: None, is_unanswered: false, responses: None, wish: None, files: Vec::new() }
    }

    #[test]
    fn it_comes_back_from_json_as_it_was() {
        let response = Response {
            value: "A".to_owned(),
            multi_marked: Some(false),
            outcome: statistics::Outcome::Correct,
            delta: BigRational::new(1.into(), 3.into()),
        };
        let doubt = FieldDoubt::of_sheet(Reason::DuplicateId, "has the id `1`");
        let read = Done {
            outcome: Outcome::Read {
                columns: vec!["007".to_owned(), String::new()],
                multi_marked: true,
                doubts: vec![doubt.into()],
                confidences: vec!["0.5000".to_owned()],
                score: Some("-1/3".to_owned()),
            },
            id: Some("007".to_owned()),
            is_unanswered: true,
            responses: Some(vec![None, Some(response)]),
            wish: None,
            files: vec![Written { path: PathBuf::from("CheckedOMRs/a.jpg"), bytes: 12 }],
        };
        let failed = Outcome::Failed(SheetError::new(Reason::Truncated, "the file ends"));
        for done in [read, without_files(failed)] {
            let text = serde_json::to_string(&done).unwrap();
            assert_eq!(serde_json::from_str::<Done>(&text).unwrap(), done, "{text}");
        }
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        let of = |reason| without_files(Outcome::Failed(SheetError::new(reason, "x")));
        assert!(of(Reason::ChangedWhileRead).may_be_otherwise() && of(Reason::InternalError).may_be_otherwise());
        assert!(!of(Reason::Corrupt).may_be_otherwise() && !of(Reason::PageNotFound).may_be_otherwise());
        assert!(Done { is_unanswered: true, ..of(Reason::Corrupt) }.may_be_otherwise());
    }
}
