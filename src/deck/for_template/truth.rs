//! What a deck tells about itself: truth.csv, a row for each field of each sheet, and deck.json, what it was made from.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::degradation::Degradation;
use super::mixture::Filled;
use super::{MakeError, Request};
use crate::template::Template;

/// The columns of truth.csv.
pub const HEADER: [&str; 10] =
    ["file", "field", "column", "part", "kind", "degradation", "value", "detail", "pen", "print"];

/// The file beside truth.csv.
pub const MANIFEST: &str = "deck.json";

/// The truth about one sheet.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// Its path below the deck, with slashes.
    pub file: String,
    /// What became of it.
    pub degradation: Degradation,
    /// What it was filled in with.
    pub pen: &'static str,
    /// The look of its print.
    pub print: String,
    /// Its fields, in template order.
    pub filled: Vec<Filled>,
}

/// truth.csv while it grows.
pub struct TruthTable {
    path: PathBuf,
    writer: csv::Writer<fs::File>,
    /// Label, output column and place in it, of each field.
    fields: Vec<(String, String, String)>,
}

impl TruthTable {
    /// Begins a table.
    ///
    /// # Errors
    /// [`MakeError::File`].
    pub fn create(path: &Path, template: &Template) -> Result<Self, MakeError> {
        let file = fs::File::create(path).map_err(MakeError::at(path))?;
        let mut writer = csv::Writer::from_writer(file);
        writer.write_record(HEADER).map_err(|e| MakeError::at(path)(e.into()))?;
        let fields = template.fields().enumerate().map(|(i, (_, field))| {
            let (column, part) = place(template, i).unwrap_or_default();
            (field.label.clone(), column, part)
        });
        Ok(Self { path: path.to_path_buf(), writer, fields: fields.collect() })
    }

    /// Adds the rows of a sheet.
    ///
    /// # Errors
    /// [`MakeError::File`].
    pub fn add(&mut self, sheet: &Sheet) -> Result<(), MakeError> {
        for ((label, column, part), filled) in self.fields.iter().zip(&sheet.filled) {
            let (kind, degradation) = (filled.kind.name(), sheet.degradation.name());
            let (value, detail) = (filled.value.as_str(), filled.detail());
            let row =
                [&sheet.file, label, column, part, kind, degradation, value, detail, sheet.pen, sheet.print.as_str()];
            self.writer.write_record(row).map_err(|e| MakeError::at(&self.path)(e.into()))?;
        }
        Ok(())
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// [`MakeError::File`].
    pub fn finish(mut self) -> Result<(), MakeError> {
        self.writer.flush().map_err(MakeError::at(&self.path))
    }
}

/// The output column of a field, and which part of it the field is, from 1. A column of its own goes before a joined one.
fn place(template: &Template, field: usize) -> Option<(String, String)> {
    let own = template.columns.iter().find(|column| column.fields == [field]);
    let column = own.or_else(|| template.column_of(field))?;
    let part = column.fields.iter().position(|&i| i == field)? + 1;
    Some((column.name.clone(), part.to_string()))
}

/// deck.json.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Its version; what tells a deck from any other folder.
    pub omr_deck: u32,
    /// Seed of the deck.
    #[serde(default)]
    pub seed: u64,
    /// Number of sheets.
    #[serde(default)]
    pub sheets: usize,
    /// What happens in fields, as on the command line.
    #[serde(default)]
    pub mix: String,
    /// Names of degradations.
    #[serde(default)]
    pub degradations: Vec<String>,
    /// Looks of the print: `circle-1` in truth.csv is the first.
    #[serde(default)]
    pub prints: Vec<String>,
    /// Fields in template order.
    #[serde(default)]
    pub fields: Vec<ManifestField>,
}

/// A field in deck.json.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManifestField {
    /// Its label.
    pub label: String,
    /// The value of a blank.
    pub empty: String,
    /// The values of its bubbles, in order.
    pub values: Vec<String>,
}

impl Manifest {
    /// What a deck is made from.
    pub fn of(request: &Request, template: &Template, prints: Vec<String>) -> Self {
        let fields = template.fields().map(|(block, field)| ManifestField {
            label: field.label.clone(),
            empty: block.empty_value.clone(),
            values: field.bubbles.iter().map(|bubble| bubble.value.clone()).collect(),
        });
        Self {
            omr_deck: 1,
            seed: request.seed,
            sheets: request.sheets,
            mix: request.mix.to_string(),
            degradations: request.degradations.iter().map(|d| d.name().to_owned()).collect(),
            prints,
            fields: fields.collect(),
        }
    }

    /// The one in a folder; `None` where there is none that can be read.
    pub fn load(folder: &Path) -> Option<Self> {
        let text = fs::read_to_string(folder.join(MANIFEST)).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Does a folder hold a deck?
    pub fn is_at(folder: &Path) -> bool {
        Self::load(folder).is_some()
    }

    /// Writes it.
    ///
    /// # Errors
    /// [`MakeError::File`].
    pub fn write(&self, folder: &Path) -> Result<(), MakeError> {
        let path = folder.join(MANIFEST);
        let text = serde_json::to_string_pretty(self).map_err(|e| MakeError::at(&path)(e.into()))?;
        fs::write(&path, text + "\n").map_err(MakeError::at(&path))
    }
}
