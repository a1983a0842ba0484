//! Cells that come from outside: names of files, texts and codes that were read on sheets, details of what is wrong with them.
//!
//! A spreadsheet takes a cell for a formula by its first character, and a formula can send what stands beside it elsewhere.
//! CSV has no way to say that a cell is text, so `--safe-cells` puts a `'` before such a cell, which spreadsheets show as
//! text. What omr itself writes (scores, confidences, values of bubbles) stays as it is: a score of -3 is a number.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::scoring;
use crate::template::{FieldKind, Template};

/// How cells from outside are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Cells {
    /// As they are.
    #[default]
    AsTheyAre,
    /// With a `'` before what a spreadsheet would take for a formula.
    Safe,
}

impl Cells {
    /// What a flag `--safe-cells` means.
    pub const fn of(safe: bool) -> Self {
        if safe { Self::Safe } else { Self::AsTheyAre }
    }

    /// A cell from outside as it is written.
    pub fn outside(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Safe if begins_like_a_formula(text) => Cow::Owned(format!("'{text}")),
            _ => Cow::Borrowed(text),
        }
    }
}

impl Cells {
    /// The rows of an explanation table as they are written.
    pub fn explanation(self, table: &scoring::Table) -> Cow<'_, [Vec<String>]> {
        if self == Self::AsTheyAre {
            return Cow::Borrowed(&table.rows);
        }
        let cell = |(name, text): (&&str, &String)| match *name {
            "Delta" | "Score" => text.clone(),
            _ => self.outside(text).into_owned(),
        };
        table.rows.iter().map(|row| table.header.iter().zip(row).map(cell).collect()).collect()
    }
}

/// Where the values of a template are not those of bubbles, which the template lists, but what stands on sheets.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Texts {
    /// Numbers of output columns.
    pub columns: BTreeSet<usize>,
    /// Labels of fields.
    pub labels: BTreeSet<String>,
}

impl Texts {
    /// Those of a template, whatever the layout.
    pub fn of(template: &Template) -> Self {
        let mut found = Self::default();
        for layout in template.layouts() {
            let texts: Vec<bool> = layout.fields().map(|(block, _)| block.kind != FieldKind::Bubbles).collect();
            let is_text = |field: &usize| texts.get(*field).is_some_and(|&is_text| is_text);
            let labels = layout.fields().zip(&texts).filter(|(_, is_text)| **is_text);
            found.labels.extend(labels.map(|((_, field), _)| field.label.clone()));
            let columns = (0..).zip(&layout.columns).filter(|(_, column)| column.fields.iter().any(is_text));
            found.columns.extend(columns.map(|(number, _)| number));
        }
        found
    }
}

/// Would a spreadsheet take this for a formula? Quotes and blanks before it do not help: some programs pass over them.
/// The characters are those of OWASP's page on CSV injection, with their full-width forms.
fn begins_like_a_formula(text: &str) -> bool {
    const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
    const BLANKS: [char; 3] = ['\t', '\r', '\n'];
    let begun = text.trim_start_matches(['"', '\'', ' ', '\u{a0}', '\u{feff}']);
    text.starts_with(BLANKS) || begun.starts_with(FORMULA) || begun.starts_with(BLANKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_like_a_formula_gets_a_quote() {
        let formulas =
            ["=1+1", "+1", "-x.jpg", "@SUM(A1)", "\tx", "\r=x", "\"=1", "'=1", " =1", "＝1", "\"'@a", "\n=1"];
        for text in formulas {
            assert_eq!(Cells::Safe.outside(text), format!("'{text}"));
            assert_eq!(Cells::AsTheyAre.outside(text), text);
        }
        for text in ["", "a=1", "scan-1.jpg", "1-2", "'quoted'", "\"", "ü", "(=1)"] {
            assert_eq!(Cells::Safe.outside(text), text);
        }
    }
}
