//! evaluation.json: the answer key and what answers earn. One model behind the shapes of all dialects.
//!
//! The shapes live in `v1` and `v2`; behind them nothing knows how a key was spelt. A loaded evaluation can be
//! trusted as far as its own file goes: every question of its key has an answer, sections share no question, marks are
//! exact, named files exist. What needs the template or the contents of those files is checked where they are known.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::dialect::Dialect;
use crate::digest::Digest;
use crate::json::{Document, DocumentError, Kind, Problem, Rules, Value};
use crate::matcher::Matcher;

mod answers;
mod colors;
pub mod key_csv;
mod literal;
mod marking;
mod outputs;
mod problem;
mod schemes;
mod source;
#[cfg(test)]
mod tests;
mod v1;
mod v2;

pub use answers::{Answer, Weighted, Written};
pub use marking::{Mark, MarkError};
pub use outputs::{DrawnText, DrawnVerdicts, Outputs, SymbolColors, VerdictColors};
pub use problem::SetupProblem;
pub(crate) use problem::shortened;
pub use schemes::{Marking, Marks, Schemes, Section, Series};
pub use source::{KeyEntry, KeySource};

/// How the sheets of a folder are scored.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Whose rules hold. `None`: the file is the same in v1 and v2-dev, so the template decides.
    pub dialect: Option<Dialect>,
    /// The evaluation's file.
    pub file: PathBuf,
    /// Of the file as it was read.
    pub sha256: Digest,
    /// The answer key.
    pub key: KeySource,
    /// What answers earn.
    pub schemes: Schemes,
    /// What is told and drawn.
    pub outputs: Outputs,
    /// Other evaluations for sheets that say so, in the order of the file: the first whose matcher fits counts. Their
    /// names differ.
    pub sets: Vec<ConditionalSet>,
}

/// An evaluation for some sheets: those of one booklet, of one room.
#[derive(Debug, Clone, PartialEq)]
pub struct ConditionalSet {
    /// The user's name for it.
    pub name: String,
    /// Which sheets it is for, by the values of fields and custom labels, `file_path` and `file_name`.
    pub matcher: Matcher,
    /// Answers that replace or extend those of [`Evaluation::key`]; `None`: there are none.
    pub key: Option<KeySource>,
    /// Its own schemes. Sections of [`Evaluation::schemes`] hold besides, for the questions that its sections do not
    /// name.
    pub schemes: Schemes,
    /// The evaluation's outputs with what the set changes in them.
    pub outputs: Outputs,
}

impl Evaluation {
    /// Reads and checks the file at `path`, for which `rules` hold. The problems beside the evaluation are warnings.
    ///
    /// # Errors
    /// [`DocumentError`], with every error of the file when it is JSON.
    pub fn load(path: &Path, rules: Rules) -> Result<(Self, Vec<Problem>), DocumentError> {
        Self::from_document(&Document::load(path, rules)?)
    }

    /// Reads and checks a document; the files that it names are sought beside [`Document::path`].
    ///
    /// # Errors
    /// [`DocumentError::Invalid`], with every error of the document.
    pub fn from_document(document: &Document) -> Result<(Self, Vec<Problem>), DocumentError> {
        let dialect = dialect_of(document.root());
        document.read(|cursor| match dialect {
            Some(Dialect::V2) => v2::read(&cursor, &v2::spelling::CAMEL),
            Some(Dialect::V2Dev) => v2::read(&cursor, &v2::spelling::SNAKE),
            Some(Dialect::V1) | None => v1::read(&cursor, dialect),
        })
    }

    /// The files that answers come from: those that decide scores besides the evaluation itself.
    pub fn key_files(&self) -> Vec<&PathBuf> {
        let keys = std::iter::once(&self.key).chain(self.sets.iter().filter_map(|set| set.key.as_ref()));
        keys.filter_map(KeySource::file).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Every picture that is an answer key: these are no sheets.
    pub fn asset_paths(&self) -> Vec<&PathBuf> {
        let keys = std::iter::once(&self.key).chain(self.sets.iter().filter_map(|set| set.key.as_ref()));
        keys.filter_map(KeySource::picture).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// Whose spelling a document has. `None`: v1 and v2-dev would write it alike, or it is spelt in no known way.
fn dialect_of(root: &Value) -> Option<Dialect> {
    let has = |value: &Value, keys: &[&str]| keys.iter().any(|key| value.get(key).is_some());
    if has(root, &["sourceType", "markingSchemes", "outputsConfiguration", "conditionalSets"]) {
        return Some(Dialect::V2);
    }
    match root.get("source_type").map(|value| &value.kind) {
        Some(Kind::String(source)) if source == "custom" => return Some(Dialect::V1),
        Some(Kind::String(source)) if source == "local" || source == "image_and_csv" => return Some(Dialect::V2Dev),
        _ => {}
    }
    let options = root.get("options");
    if options.is_some_and(|options| has(options, &["should_explain_scoring", "enable_evaluation_table_to_csv"])) {
        return Some(Dialect::V1);
    }
    let streaks = root.get("marking_schemes").is_some_and(|schemes| match &schemes.kind {
        Kind::Object(members) => members.iter().any(|member| has(&member.value, &["marking_type"])),
        _ => false,
    });
    (streaks || has(root, &["outputs_configuration", "conditional_sets"])).then_some(Dialect::V2Dev)
}
