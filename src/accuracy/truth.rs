//! truth.csv: what stands on each sheet, as `omr deck` or another tool wrote it.

use std::collections::HashMap;
use std::path::Path;

use super::{AccuracyError, Names};
use crate::deck::for_template::truth::Manifest;

/// Columns that must be there; others are ignored.
const NEEDED: [&str; 6] = ["file", "field", "column", "part", "kind", "value"];

/// One field of one sheet. Texts are numbers of [`Truth::names`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TruthField {
    /// Its label.
    pub label: u32,
    /// The output column that it lands in.
    pub column: u32,
    /// Its place in the column, from 1.
    pub part: u32,
    /// What was done with it.
    pub kind: u32,
    /// What became of its sheet; empty where the table does not say.
    pub degradation: u32,
    /// What a person reads.
    pub value: u32,
}

/// A deck's truth.
#[derive(Debug, Default)]
pub struct Truth {
    /// All texts.
    pub names: Names,
    /// Sheets in the order of the table, each with its fields.
    pub sheets: Vec<(u32, Vec<TruthField>)>,
    /// Values of the bubbles and the empty value of each label, where they are known.
    pub alphabets: HashMap<u32, (Vec<String>, String)>,
}

impl Truth {
    /// Reads a table, and deck.json beside it if it is there.
    ///
    /// # Errors
    /// [`AccuracyError`] with line and column.
    pub fn load(path: &Path) -> Result<Self, AccuracyError> {
        let fail = |e: csv::Error| AccuracyError::table(path, &e);
        let mut reader = csv::Reader::from_path(path).map_err(fail)?;
        let header = reader.headers().map_err(fail)?.clone();
        let find = |name: &str| header.iter().position(|column| column == name);
        let mut places = [0; NEEDED.len()];
        for (place, name) in places.iter_mut().zip(NEEDED) {
            *place = find(name).ok_or_else(|| AccuracyError::Cell {
                path: path.to_path_buf(),
                line: 1,
                column: name.to_owned(),
                what: "this column is missing".to_owned(),
            })?;
        }
        let degradation = find("degradation");
        let mut truth = Self::default();
        let mut sheets: HashMap<u32, usize> = HashMap::new();
        for record in reader.records() {
            let record = record.map_err(fail)?;
            let cell = |place: usize| record.get(place).unwrap_or_default();
            let [file, label, column, part, kind, value] = places.map(cell);
            let line = record.position().map_or(0, csv::Position::line);
            let problem = |column: &str, what: String| AccuracyError::Cell {
                path: path.to_path_buf(),
                line,
                column: column.to_owned(),
                what,
            };
            for (name, text) in [("file", file), ("field", label), ("kind", kind)] {
                if text.is_empty() {
                    return Err(problem(name, "this cell is empty".to_owned()));
                }
            }
            let part = match part {
                "" => 1,
                part => part
                    .parse()
                    .map_err(|_| problem("part", format!("found `{part}`, expected a whole number from 1")))?,
            };
            let names = &mut truth.names;
            let field = TruthField {
                label: names.of(label),
                column: names.of(column),
                part,
                kind: names.of(kind),
                degradation: names.of(degradation.map_or("", cell)),
                value: names.of(value),
            };
            let file = names.of(file);
            let sheet = *sheets.entry(file).or_insert_with(|| {
                truth.sheets.push((file, Vec::new()));
                truth.sheets.len() - 1
            });
            let fields = &mut truth.sheets[sheet].1;
            // Rows of a sheet are few; a label twice would be compared twice.
            if fields.iter().any(|other| other.label == field.label) {
                return Err(problem("field", format!("the field `{label}` of this sheet is there twice")));
            }
            fields.push(field);
        }
        truth.learn_alphabets(path);
        Ok(truth)
    }

    /// Values of bubbles: from deck.json, else those that the table shows in the same column.
    fn learn_alphabets(&mut self, path: &Path) {
        if let Some(manifest) = Manifest::load(path.parent().unwrap_or(Path::new(""))) {
            for field in manifest.fields {
                // A field without bubbles is printed, and can be read as anything.
                if !field.values.is_empty() {
                    self.alphabets.insert(self.names.of(&field.label), (field.values, field.empty));
                }
            }
            return;
        }
        let mut of_columns: HashMap<u32, Vec<String>> = HashMap::new();
        let mut empties: HashMap<u32, u32> = HashMap::new();
        for field in self.sheets.iter().flat_map(|(_, fields)| fields) {
            match self.names.text(field.kind) {
                "double" | "printed" => {}
                "blank" => {
                    empties.insert(field.label, field.value);
                }
                _ => {
                    let values = of_columns.entry(field.column).or_default();
                    let value = self.names.text(field.value);
                    if !values.iter().any(|other| other == value) {
                        values.push(value.to_owned());
                    }
                }
            }
        }
        of_columns.values_mut().for_each(|values| values.sort_unstable());
        for field in self.sheets.iter().flat_map(|(_, fields)| fields) {
            let values = of_columns.get(&field.column).cloned().unwrap_or_default();
            let empty = empties.get(&field.label).map_or("", |&value| self.names.text(value));
            self.alphabets.entry(field.label).or_insert_with(|| (values, empty.to_owned()));
        }
    }
}
