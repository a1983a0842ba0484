//! What a sheet leaves behind: a light row, and a picture.

use super::interpret::Doubt;

/// A sheet that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct SheetReport {
    /// One value an output column, in output order.
    pub columns: Vec<String>,
    /// True when any field has more than one mark.
    pub multi_marked: bool,
    /// Doubtful fields, in template order.
    pub doubts: Vec<FieldDoubt>,
    /// The marked picture, encoded, if it was asked for.
    pub picture: Option<Vec<u8>>,
}

/// A doubtful field.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldDoubt {
    /// The template's label.
    pub field: String,
    /// The output column it lands in; empty when it lands in none.
    pub column: String,
    /// What was read.
    pub value: String,
    /// Why it is doubted.
    pub doubt: Doubt,
}
