//! `fileGrouping`: which sheets are put together in which folders when they have been read.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::matcher::{Format, Matcher, Piece};

/// Where sheets are put, as links or copies, once they are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileGrouping {
    /// The config's file.
    pub file: PathBuf,
    /// Where a sheet is put that no rule is for. Default `ungrouped/{original_name}`.
    pub default_pattern: Format,
    /// The rules, by priority: the first that is for a sheet counts.
    pub rules: Vec<GroupingRule>,
}

/// Where some sheets are put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupingRule {
    /// The user's name for it.
    pub name: String,
    /// Which sheets it is for.
    pub matcher: Matcher,
    /// Where they are put: a path below `organized/`, with the names of values in braces.
    pub destination: Format,
    /// What is put there. Default a link.
    pub action: GroupingAction,
    /// What becomes of a sheet whose place is taken. Default: it is left out.
    pub collision: Collision,
}

/// What file grouping puts into a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum GroupingAction {
    /// A relative symbolic link to the sheet's file.
    Symlink,
    /// A copy of the sheet's file.
    Copy,
}

/// What becomes of a sheet whose place an earlier one has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Collision {
    /// It is put nowhere.
    Skip,
    /// It is put beside it, under the same name with `_001` to `_9998` added.
    Increment,
    /// It takes the place.
    Overwrite,
}

/// `ungrouped/{original_name}`.
pub(super) fn default_pattern() -> Format {
    let name = Piece::Value { name: "original_name".to_owned(), decimals: None };
    Format { pieces: vec![Piece::Text("ungrouped/".to_owned()), name] }
}
