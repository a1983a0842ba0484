//! The right answers of a question, in the three notations that all generations share.

use std::collections::HashSet;

use super::marking::Mark;
use crate::json::{Cursor, Kind};

const EXPECTED: &str = "an answer: a string such as `\"A\"`, two or more of them that are all right \
                        (`[\"A\", \"B\"]`), or answers with their marks (`[[\"A\", 1], [\"B\", \"1/2\"]]`)";

/// What is right, and what it earns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// One value is right.
    Standard(String),
    /// Each of these values is right; two or more, none empty.
    AnyOf(Vec<String>),
    /// Each of these values earns marks of its own, in place of its scheme's mark for a right answer.
    Weighted(Vec<Weighted>),
}

/// One value with its own mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weighted {
    /// The value, not empty.
    pub value: String,
    /// What it earns.
    pub mark: Mark,
    /// The mark as the file has it, which v1's explanation table repeats.
    pub written: Written,
}

/// How a mark was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// A JSON number.
    Number(String),
    /// A JSON string.
    Text(String),
}

impl Answer {
    /// Does it carry its own marks?
    pub fn is_weighted(&self) -> bool {
        matches!(self, Self::Weighted(_))
    }

    /// Reads one item of an answer list.
    pub(super) fn read(cursor: &Cursor<'_>) -> Option<Self> {
        match &cursor.value().kind {
            Kind::String(_) => read_value(cursor).map(Self::Standard),
            Kind::Array(items) => match items.as_slice() {
                [] => cursor.expected(EXPECTED),
                [first, ..] if matches!(first.kind, Kind::Array(_)) => read_weighted(cursor).map(Self::Weighted),
                [one] if matches!(one.kind, Kind::String(_)) => {
                    let message = format!("found {}, expected two or more answers", cursor.value().describe());
                    cursor.error_with_hint(message, "write a single answer without brackets");
                    None
                }
                _ => all(cursor.array()?.iter().map(read_value)).map(Self::AnyOf),
            },
            _ => cursor.expected(EXPECTED),
        }
    }
}

fn read_value(cursor: &Cursor<'_>) -> Option<String> {
    let value = cursor.string()?;
    if value.is_empty() {
        cursor.error("found an empty string, expected the value of a right answer");
        return None;
    }
    Some(value.to_owned())
}

fn read_weighted(cursor: &Cursor<'_>) -> Option<Vec<Weighted>> {
    let mut seen = HashSet::new();
    all(cursor.array()?.iter().map(|pair| {
        let [value, mark] = pair.tuple("a pair of an answer and its marks such as `[\"A\", 1]`")?;
        let written = match &mark.value().kind {
            Kind::Number { literal, .. } => Written::Number(literal.clone()),
            Kind::String(text) => Written::Text(text.clone()),
            // Not a mark, which the next line notes.
            _ => Written::Text(String::new()),
        };
        let (text, mark) = (read_value(&value), Mark::read(&mark));
        let text = text?;
        if !seen.insert(text.clone()) {
            value.warn(format!("the answer `{text}` has marks twice; the last ones count"), None);
        }
        Some(Weighted { value: text, mark: mark?, written })
    }))
}

/// All items, or nothing when one could not be read. Every item is looked at, so that each notes its own problems.
pub(super) fn all<T>(items: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    items.collect::<Vec<_>>().into_iter().collect()
}
