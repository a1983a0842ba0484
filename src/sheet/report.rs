//! What a sheet leaves behind: a light row, and a picture.

use super::Scoring;
use super::error::Reason;
use super::interpret::{Doubt, FieldValue};
use super::score::SheetScore;
use crate::imaging::orient::Turn;
use crate::scoring::Table;
use crate::template::{Field, Template};

/// A sheet that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct SheetReport {
    /// The number of its layout among those of the template; 0: the template's own.
    pub layout: usize,
    /// One value an output column, in output order.
    pub columns: Vec<String>,
    /// True when any field has more than one mark.
    pub multi_marked: bool,
    /// Doubts: about the whole sheet first, then about fields, in template order.
    pub doubts: Vec<FieldDoubt>,
    /// What it earned, if sheets are scored.
    pub score: Option<ScoreReport>,
    /// The marked picture, encoded, if it was asked for.
    pub picture: Option<Vec<u8>>,
    /// How the sheet lay; it was turned back before it was read.
    pub turn: Turn,
    /// The marked picture in the page's own colours, encoded, where the config asks for it.
    pub coloured: Option<Vec<u8>>,
}

/// A doubtful field, or a doubt about the whole sheet.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldDoubt {
    /// The template's label; empty where the whole sheet is meant.
    pub field: String,
    /// The output column it lands in; empty when it lands in none.
    pub column: String,
    /// What was read; a line of detail where the whole sheet is meant.
    pub value: String,
    /// Why it is doubted.
    pub doubt: Doubt,
}

impl FieldDoubt {
    /// A doubt about a field, the `index`-th of its template, and about what was read of it.
    pub(super) fn of_field(template: &Template, index: usize, field: &Field, read: &FieldValue, doubt: Doubt) -> Self {
        let column = template.column_of(index).map_or(String::new(), |column| column.name.clone());
        Self { field: field.label.clone(), column, value: read.value.clone(), doubt }
    }

    /// A doubt about the whole sheet.
    pub(super) fn of_sheet(reason: Reason, detail: String) -> Self {
        Self { field: String::new(), column: String::new(), value: detail, doubt: Doubt { reason, confidence: 0.0 } }
    }
}

/// What a sheet earned, as it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreReport {
    /// The score's cell.
    pub cell: String,
    /// The explanation table to write, if one is asked for.
    pub exported: Option<Table>,
    /// The explanation table to log, if that is asked for.
    pub explained: Option<Table>,
    /// What each question earned, if it is kept.
    pub grades: Option<SheetScore>,
}

impl ScoreReport {
    pub(super) fn of(scoring: Scoring<'_>, scored: SheetScore) -> Self {
        let by = scoring.by;
        let asked = |what: fn(&crate::evaluation::Outputs) -> bool| {
            by.outputs(&scored).is_some_and(what).then(|| by.table(&scored))
        };
        Self {
            cell: scored.score.cell(),
            exported: asked(|outputs| outputs.export_csv),
            explained: asked(|outputs| outputs.explain),
            grades: scoring.keeps_grades.then_some(scored),
        }
    }
}
