//! What is wrong with an answer key or with what it is used for, found when the files are put together.

use std::fmt;
use std::path::{Path, PathBuf};

/// One thing wrong, or worth knowing. Its `Display` is `file:line: what was found, what was expected`, with a hint on a
/// line of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupProblem {
    /// The file to be mended.
    pub file: PathBuf,
    /// The line, from 1, where one can be told.
    pub line: Option<u64>,
    /// What was found and what was expected.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl SetupProblem {
    /// A problem with a file as a whole.
    pub fn new(file: &Path, message: impl Into<String>) -> Self {
        Self { file: file.to_path_buf(), line: None, message: message.into(), hint: None }
    }

    /// The same at a line.
    #[must_use]
    pub fn at_line(self, line: Option<u64>) -> Self {
        Self { line, ..self }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl fmt::Display for SetupProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        write!(f, " {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// A list of names that fits on a line.
pub(crate) fn shortened<S: AsRef<str>>(names: &[S]) -> String {
    const SHOWN: usize = 5;
    let shown = names.iter().take(SHOWN).map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
