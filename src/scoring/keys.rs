//! Answer keys, from wherever they are.

use std::path::{Path, PathBuf};

use crate::dialect::Dialect;
use crate::evaluation::{KeyEntry, KeySource, SetupProblem, key_csv};

/// An answer key with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedKey {
    /// The file that the answers stand in.
    pub file: PathBuf,
    /// The answers in key order; no question stands there twice.
    pub entries: Vec<KeyEntry>,
    /// The line of each entry, where the file has one a question.
    pub lines: Vec<u64>,
}

/// Reads the values of questions from a picture of a filled sheet.
pub type ReadPicture<'r> = &'r dyn Fn(&Path, &[String]) -> Result<Vec<KeyEntry>, Vec<SetupProblem>>;

impl LoadedKey {
    /// Loads the key that `source` tells; `evaluation` is the file that names it.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn load(
        source: &KeySource,
        evaluation: &Path,
        dialect: Dialect,
        read_picture: ReadPicture<'_>,
    ) -> Result<Self, Vec<SetupProblem>> {
        match source {
            KeySource::Local(entries) => {
                Ok(Self { file: evaluation.to_path_buf(), entries: entries.clone(), lines: Vec::new() })
            }
            KeySource::Csv { path, .. } => {
                let (entries, lines) = key_csv::load(path, dialect)?.into_iter().unzip();
                Ok(Self { file: path.clone(), entries, lines })
            }
            KeySource::Picture { path, questions } => {
                Ok(Self { file: path.clone(), entries: read_picture(path, questions)?, lines: Vec::new() })
            }
        }
    }

    /// Line of entry number `i`, if it has one.
    pub fn line(&self, i: usize) -> Option<u64> {
        self.lines.get(i).copied()
    }
}
