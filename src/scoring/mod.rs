//! What a sheet's values earn. No picture is needed: the names of the values and their texts are enough, so a row of
//! Results.csv can be scored again.
//!
//! [`Scorer::build`] puts an evaluation, its answer keys and the names of a sheet's values together, once, before the
//! first sheet, and finds there what does not fit. [`Scorer::score`] then judges a sheet. All points of a scorer are
//! whole numbers over one denominator ([`Points`]), so a score is the exact sum of its deltas.

mod answer_set;
mod build;
mod keys;
mod points;
mod table;
#[cfg(test)]
mod tests;
mod values;

use std::ffi::OsStr;
use std::path::Path;

use crate::evaluation::Outputs;
use crate::file_names::{as_cell, tidy};
use crate::matcher::{BoundMatcher, Format, Piece};

use self::answer_set::AnswerSet;
pub use self::answer_set::{Bonus, Question, Rule};
pub use self::build::Built;
pub use self::keys::{LoadedKey, ReadPicture};
pub use self::points::{Points, python_float};
pub use self::table::Table;
pub use self::values::{FieldMarks, SheetValue, SheetValues, marks_for};

/// An evaluation that is ready to score sheets.
#[derive(Debug)]
pub struct Scorer {
    /// The names of the values that it needs, which [`Scorer::score`] takes in this order.
    needs: Vec<String>,
    /// The default, then the conditional sets in the order of the file.
    sets: Vec<AnswerSet>,
    /// Tells which of the conditional sets is for a sheet; one for each of them.
    matchers: Vec<BoundMatcher<Source>>,
    /// Makes a point out of so many parts.
    below: i128,
    style: table::Style,
    /// A value that is no answer.
    empty: String,
}

/// What a name in a matcher stands for.
#[derive(Debug, Clone, Copy)]
enum Source {
    /// Index into [`Scorer::needs`].
    Value(usize),
    FilePath,
    FileName,
}

/// What a matcher may ask for besides a sheet's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SheetName<'a> {
    /// The image's name.
    pub file_name: &'a str,
    /// The image's path, as in the column `input_path`.
    pub file_path: &'a str,
}

/// The names of an image, kept for the time in which its sheet is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetNames {
    file_name: String,
    file_path: String,
}

impl SheetNames {
    /// Of the image `name` in the file at `path`, as the columns `file_id` and `input_path` have them.
    pub fn of(name: &OsStr, path: &Path) -> Self {
        let file_name = name.to_string_lossy().into_owned();
        Self { file_name, file_path: as_cell(&tidy(path)) }
    }

    /// To be handed on.
    pub fn name(&self) -> SheetName<'_> {
        SheetName { file_name: &self.file_name, file_path: &self.file_path }
    }
}

/// How a sheet was scored.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Which answers were used: 0 for the default, else a conditional set, counted from 1.
    pub set: usize,
    /// One entry a question of the set, in key order.
    pub graded: Vec<Graded>,
    /// The sum of all deltas.
    pub total: Points,
}

/// What one question earned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Graded {
    /// What the answer is.
    pub verdict: Verdict,
    /// What it adds to the score.
    pub delta: Points,
    /// The score up to this question.
    pub running: Points,
    /// Length of the streak of its verdict before and after it, in sections that count streaks of verdicts.
    pub streak: Option<(usize, usize)>,
}

/// What an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The one right answer, or one of several.
    Right,
    /// Not an answer of the key.
    Wrong,
    /// No answer.
    Unmarked,
    /// An answer of the key that costs marks: it counts as wrong.
    Penalized,
}

/// The three verdicts that marking schemes know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SchemaVerdict {
    /// Counts as right.
    Correct,
    /// Counts as wrong.
    Incorrect,
    /// No answer.
    Unmarked,
}

impl Verdict {
    /// What it counts as.
    pub fn schema(self) -> SchemaVerdict {
        match self {
            Self::Right => SchemaVerdict::Correct,
            Self::Wrong | Self::Penalized => SchemaVerdict::Incorrect,
            Self::Unmarked => SchemaVerdict::Unmarked,
        }
    }
}

/// How many questions of a sheet have each verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VerdictCounts {
    /// Right answers.
    pub correct: usize,
    /// Wrong answers.
    pub incorrect: usize,
    /// No answers.
    pub unmarked: usize,
}

impl Scorer {
    /// The names of the values that a sheet is scored by: questions, and what matchers ask for.
    pub fn needs(&self) -> &[String] {
        &self.needs
    }

    /// A value that is no answer: the empty value of the template.
    pub fn empty(&self) -> &str {
        &self.empty
    }

    /// The questions of a set, in key order: what [`Score::graded`] goes with. Set 0 is the default.
    pub fn questions(&self, set: usize) -> &[Question] {
        self.sets.get(set).map_or(&[], |set| &set.questions)
    }

    /// The names of the conditional sets, in the order of the file.
    pub fn set_names(&self) -> impl Iterator<Item = &str> {
        self.sets.iter().filter_map(|set| set.name.as_deref())
    }

    /// Number of sets, the default included.
    pub fn sets(&self) -> usize {
        self.sets.len()
    }

    /// The outputs of a set.
    pub fn outputs(&self, set: usize) -> Option<&Outputs> {
        self.sets.get(set).map(|set| &set.outputs)
    }

    /// Does any set write explanation tables?
    pub fn exports_tables(&self) -> bool {
        self.sets.iter().any(|set| set.outputs.export_csv)
    }

    /// Scores a sheet. `values` are those of [`Scorer::needs`], in that order; a missing one is no answer.
    pub fn score(&self, values: &[&str], sheet: SheetName<'_>) -> Score {
        self.score_by(self.set_of(values, sheet), values)
    }

    /// Scores a sheet by a set of answers, `values` as in [`Scorer::score`].
    pub fn score_by(&self, set: usize, values: &[&str]) -> Score {
        // There is always a default set.
        let (graded, total) = self.sets.get(set).map(|set| set.grade(values, self.below)).unwrap_or_default();
        Score { set, graded, total: Points::new(total, self.below) }
    }

    /// The first set that is for the sheet, else the default; `values` as in [`Scorer::score`].
    pub fn set_of(&self, values: &[&str], sheet: SheetName<'_>) -> usize {
        let value = |source: &Source| match source {
            Source::Value(i) => values.get(*i).copied().unwrap_or_default(),
            Source::FilePath => sheet.file_path,
            Source::FileName => sheet.file_name,
        };
        self.matchers.iter().position(|matcher| matcher.fits(value)).map_or(0, |i| i + 1)
    }
}

impl Score {
    /// The text of the score cell.
    pub fn cell(&self) -> String {
        self.total.text()
    }

    /// Counts its verdicts.
    pub fn counts(&self) -> VerdictCounts {
        let mut counts = VerdictCounts::default();
        for graded in &self.graded {
            match graded.verdict.schema() {
                SchemaVerdict::Correct => counts.correct += 1,
                SchemaVerdict::Incorrect => counts.incorrect += 1,
                SchemaVerdict::Unmarked => counts.unmarked += 1,
            }
        }
        counts
    }

    /// `drawScore`'s text: `{score}` has two decimals at most.
    pub fn line(&self, format: &Format) -> String {
        fill(format, |_, decimals| match decimals {
            Some(decimals) => format!("{:.*}", usize::from(decimals), self.total.nearest()),
            None => self.total.rounded(),
        })
    }

    /// `drawAnswersSummary`'s text.
    pub fn summary(&self, format: &Format) -> String {
        let counts = self.counts();
        fill(format, |name, decimals| {
            let count = match name {
                "correct" => counts.correct,
                "incorrect" => counts.incorrect,
                _ => counts.unmarked,
            };
            match decimals {
                Some(decimals) => format!("{:.*}", usize::from(decimals), count as f64),
                None => count.to_string(),
            }
        })
    }
}

fn fill(format: &Format, value: impl Fn(&str, Option<u8>) -> String) -> String {
    let pieces = format.pieces.iter().map(|piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Value { name, decimals } => value(name, *decimals),
    });
    pieces.collect()
}
