//! The lines of a journal: JSON objects of one entry each, whose key is the kind of line.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::images::Image;
pub use crate::images::{Source, Stamp};
use crate::os_names;
use crate::outputs::TableShape;
use crate::outputs::done::Done;
use crate::shard::Shard;

/// A line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Line {
    /// A run begins.
    Run(RunLine),
    /// What sheets are read by, named by its digest in the lines of folders and sheets.
    Setting(Setting),
    /// A folder of the run.
    Folder(FolderLine),
    /// A sheet that is done.
    Sheet(Box<SheetLine>),
    /// The run that began last has all its sheets.
    End(EndLine),
}

/// A run begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunLine {
    /// Version of the program.
    pub omr: String,
    /// Its share of the sheets, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// Its inputs.
    #[serde(default)]
    pub inputs: Vec<InputLine>,
    /// Digest of the names of all images that the walk found, whatever the share.
    pub listing: Digest,
    /// Digest of what the sheets of all folders are read by, whatever the share.
    pub settings: Digest,
}

/// An input of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputLine {
    /// Its place under the output folder.
    #[serde(with = "os_names::below")]
    pub place: PathBuf,
    /// As typed.
    #[serde(with = "os_names::path")]
    pub dir: PathBuf,
    /// Where it lay, whatever it was called by.
    #[serde(with = "os_names::path")]
    pub real: PathBuf,
}

/// The run has all its sheets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndLine {
    /// So many.
    pub sheets: usize,
}

/// All that decides how a sheet is read, besides its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Of all of the following.
    pub id: Digest,
    /// Version of the program.
    pub omr: String,
    /// Options of the command line that change what is read or written.
    pub options: String,
    /// Template, config, evaluation, and the files that these name.
    pub documents: Vec<Document>,
}

/// A file that decides how sheets are read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Document {
    /// What it is for.
    pub role: String,
    /// As typed or named.
    #[serde(with = "os_names::path")]
    pub path: PathBuf,
    /// Of its content.
    pub sha256: Digest,
}

impl Document {
    /// The file at `path`, which is for `role`.
    pub fn new(role: &str, path: &Path, sha256: Digest) -> Self {
        Self { role: role.to_owned(), path: path.to_path_buf(), sha256 }
    }
}

/// A folder: what its tables look like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderLine {
    /// The number of its input among those of the command line.
    pub root: usize,
    /// Its place under the output folder.
    #[serde(with = "os_names::below")]
    pub place: PathBuf,
    /// Its path below its input root.
    #[serde(with = "os_names::path")]
    pub below: PathBuf,
    /// The folder as reached from the input root as typed.
    #[serde(with = "os_names::path")]
    pub dir: PathBuf,
    /// What its sheets are read by.
    pub setting: Digest,
    /// The template whose sheets must differ in their ids: folders that share one have the same.
    #[serde(with = "os_names::path")]
    pub template: PathBuf,
    /// Its tables.
    pub shape: TableShape,
    /// Names of the questions, if item statistics are made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub questions: Option<Vec<String>>,
    /// Its sheets are grouped.
    #[serde(default)]
    pub is_grouped: bool,
}

impl FolderLine {
    /// What folders are sorted by, to stand in input order.
    pub fn order(&self) -> (usize, &Path) {
        (self.root, &self.place)
    }
}

/// A sheet that is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SheetLine {
    /// Place of its folder under the output folder.
    #[serde(with = "os_names::below")]
    pub place: PathBuf,
    /// Its image.
    pub image: Image,
    /// The column `input_path`.
    pub input: String,
    /// The file as it was read; `None`: it could not be.
    pub source: Option<Source>,
    /// What it was read by.
    pub setting: Digest,
    /// What it left behind.
    pub done: Done,
}
