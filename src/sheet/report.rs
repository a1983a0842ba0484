//! What a sheet leaves behind: a light row, and a picture.

use super::Scoring;
use super::crop::View;
use super::error::Reason;
use super::interpret::Doubt;
use super::score::SheetScore;
use crate::imaging::orient::Turn;
use crate::scoring::Table;

/// A sheet that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct SheetReport {
    /// The number of its layout among those of the template; 0: the template's own.
    pub layout: usize,
    /// One value an output column, in output order; with `--strict` without those of doubtful fields.
    pub columns: Vec<String>,
    /// True when any field has more than one mark; with `--strict`, any that is not doubtful.
    pub multi_marked: bool,
    /// Doubts: about the whole sheet first, then about fields, in template order.
    pub doubts: Vec<FieldDoubt>,
    /// How sure the reading of each field is, 0 to 1, in the order of its layout.
    pub confidences: Vec<f64>,
    /// The value of the template's `idColumn`, if it has one, and it is neither empty nor doubtful.
    pub id: Option<String>,
    /// The recogniser gave no answer about a text, which another time it might.
    pub is_unanswered: bool,
    /// Pictures of the doubtful fields, if pictures were asked for.
    pub crops: Vec<Crop>,
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
    /// Where on the page a person looks at it; `None` where the whole sheet is meant.
    pub view: Option<View>,
}

impl FieldDoubt {
    /// A doubt about the whole sheet; line breaks in `detail` become spaces, so that a row stays a line.
    pub fn of_sheet(reason: Reason, detail: &str) -> Self {
        let value = detail.replace(['\n', '\r'], " ");
        let doubt = Doubt { reason, confidence: 0.0 };
        Self { field: String::new(), column: String::new(), value, doubt, view: None }
    }

    /// Is the whole sheet meant?
    pub fn is_of_sheet(&self) -> bool {
        self.view.is_none()
    }
}

/// A picture of a doubtful field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crop {
    /// The template's label of the field.
    pub field: String,
    /// The picture, a PNG.
    pub png: Vec<u8>,
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
