//! Field labels and custom labels become output columns.

/// An output column: its name and the fields whose values it joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The header.
    pub name: String,
    /// Indices into the template's fields ([`super::Template::fields`] order) whose values are joined, in order.
    pub fields: Vec<usize>,
}
