//! What a run wrote about each sheet: values, doubts, and confidences if it was asked for them.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::AccuracyError;
use crate::file_names::as_cell;
use crate::outputs::paths::places_with_results;
use crate::sheet::Reason;

/// Columns of Results.csv and MultiMarkedFiles.csv before the values.
const HEAD: usize = 4;

/// The places of a table's columns by name. They are looked up only.
type Columns = Arc<HashMap<String, usize>>;

/// What a run says about a sheet.
#[derive(Debug, Default)]
pub struct Sheet {
    /// Its row of values with the names of their columns; `None`: it was not read.
    pub row: Option<(Columns, csv::StringRecord)>,
    /// Is there a doubt about the whole sheet?
    pub is_doubted: bool,
    /// Labels of the fields with a doubt of their own.
    pub doubted: HashSet<String>,
    /// Confidences by label.
    pub confidences: Option<(Columns, Vec<Option<f64>>)>,
}

impl Sheet {
    /// The value in a column; `None`: the sheet was not read, or there is no such column.
    pub fn value(&self, column: &str) -> Option<&str> {
        let (columns, record) = self.row.as_ref()?;
        record.get(*columns.get(column)?)
    }

    /// The confidence of a field.
    pub fn confidence(&self, label: &str) -> Option<f64> {
        let (columns, values) = self.confidences.as_ref()?;
        values.get(*columns.get(label)?).copied().flatten()
    }
}

/// A tree of results.
#[derive(Debug, Default)]
pub struct Results {
    /// Sheets by their paths below the input, with slashes.
    pub sheets: HashMap<String, Sheet>,
    /// Is there a Confidence.csv beside every Results.csv?
    pub has_confidences: bool,
}

impl Results {
    /// Reads all tables below an output folder.
    ///
    /// # Errors
    /// [`AccuracyError`]: a table is missing, or is not what a run writes.
    pub fn load(root: &Path) -> Result<Self, AccuracyError> {
        let places = places_with_results(root)
            .map_err(|(path, e)| AccuracyError::Folder { path, what: format!("cannot be read: {e}") })?;
        if places.is_empty() {
            let what = "no Results/Results.csv here or below; --results wants the output folder of a run".to_owned();
            return Err(AccuracyError::Folder { path: root.to_path_buf(), what });
        }
        let mut results = Self { sheets: HashMap::new(), has_confidences: true };
        for place in &places {
            results.add(root, place)?;
        }
        Ok(results)
    }

    fn add(&mut self, root: &Path, place: &Path) -> Result<(), AccuracyError> {
        let folder = root.join(place);
        let (tables, manual) = (folder.join("Results"), folder.join("Manual"));
        let sheet_of = |file_id: &str| as_cell(&place.join(file_id));
        for path in [tables.join("Results.csv"), manual.join("MultiMarkedFiles.csv")] {
            self.add_rows(&path, &sheet_of)?;
        }
        let errors = manual.join("ErrorFiles.csv");
        read(&errors, &["file_id"], |record, places| {
            self.new_sheet(sheet_of(cell(record, places[0])), Sheet::default(), &errors, record)
        })?;
        let review = manual.join("Review.csv");
        read(&review, &["file_id", "field", "reason"], |record, places| {
            let name = sheet_of(cell(record, places[0]));
            let sheet = self.sheets.get_mut(&name).ok_or_else(|| no_row(&review, record, &name))?;
            match cell(record, places[1]) {
                // Two sheets with one id are no doubt about what was read of either.
                "" => sheet.is_doubted |= cell(record, places[2]) != Reason::DuplicateId.as_str(),
                label => {
                    sheet.doubted.insert(label.to_owned());
                }
            }
            Ok(())
        })?;
        let confidence = tables.join("Confidence.csv");
        if !confidence.is_file() {
            self.has_confidences = false;
            return Ok(());
        }
        self.add_confidences(&confidence, &sheet_of)
    }

    fn add_rows(&mut self, path: &Path, sheet_of: &dyn Fn(&str) -> String) -> Result<(), AccuracyError> {
        let columns = columns(path, HEAD)?;
        read(path, &["file_id"], |record, places| {
            let row = Some((Arc::clone(&columns), record.clone()));
            self.new_sheet(sheet_of(cell(record, places[0])), Sheet { row, ..Sheet::default() }, path, record)
        })
    }

    fn new_sheet(
        &mut self,
        name: String,
        sheet: Sheet,
        path: &Path,
        record: &csv::StringRecord,
    ) -> Result<(), AccuracyError> {
        if self.sheets.contains_key(&name) {
            return Err(wrong(path, record, "file_id", format!("the sheet `{name}` has a row already")));
        }
        self.sheets.insert(name, sheet);
        Ok(())
    }

    fn add_confidences(&mut self, path: &Path, sheet_of: &dyn Fn(&str) -> String) -> Result<(), AccuracyError> {
        let columns = columns(path, 0)?;
        read(path, &["file_id"], |record, places| {
            let name = sheet_of(cell(record, places[0]));
            let sheet = self.sheets.get_mut(&name).ok_or_else(|| no_row(path, record, &name))?;
            let mut values = vec![None; record.len()];
            for (label, &place) in columns.iter().filter(|(name, _)| !is_head(name)) {
                let text = cell(record, place);
                if text.is_empty() {
                    continue;
                }
                let value = text.parse::<f64>().ok().filter(|v| (0.0..=1.0).contains(v));
                let problem = || wrong(path, record, label, format!("found `{text}`, expected a number from 0 to 1"));
                values[place] = Some(value.ok_or_else(problem)?);
            }
            sheet.confidences = Some((Arc::clone(&columns), values));
            Ok(())
        })
    }
}

/// Columns that tell which sheet a row is about.
fn is_head(name: &str) -> bool {
    ["file_id", "input_path", "output_path", "score"].contains(&name)
}

/// The places of a table's columns from the one numbered `first`, by name.
fn columns(path: &Path, first: usize) -> Result<Columns, AccuracyError> {
    let fail = |e: csv::Error| AccuracyError::table(path, &e);
    let mut reader = csv::Reader::from_path(path).map_err(fail)?;
    let header = reader.headers().map_err(fail)?;
    Ok(Arc::new(header.iter().enumerate().skip(first).map(|(i, name)| (name.to_owned(), i)).collect()))
}

/// Hands over the rows of a table with the places of the columns `wanted`.
fn read(
    path: &Path,
    wanted: &[&str],
    mut row: impl FnMut(&csv::StringRecord, &[usize]) -> Result<(), AccuracyError>,
) -> Result<(), AccuracyError> {
    let fail = |e: csv::Error| AccuracyError::table(path, &e);
    let mut reader = csv::Reader::from_path(path).map_err(fail)?;
    let header = reader.headers().map_err(fail)?.clone();
    let place = |name: &&str| {
        header.iter().position(|column| column == *name).ok_or_else(|| AccuracyError::Cell {
            path: path.to_path_buf(),
            line: 1,
            column: (*name).to_owned(),
            what: "this column is missing".to_owned(),
        })
    };
    let places = wanted.iter().map(place).collect::<Result<Vec<_>, _>>()?;
    for record in reader.records() {
        row(&record.map_err(fail)?, &places)?;
    }
    Ok(())
}

fn cell(record: &csv::StringRecord, place: usize) -> &str {
    record.get(place).unwrap_or_default()
}

fn wrong(path: &Path, record: &csv::StringRecord, column: &str, what: String) -> AccuracyError {
    let line = record.position().map_or(0, csv::Position::line);
    AccuracyError::Cell { path: path.to_path_buf(), line, column: column.to_owned(), what }
}

fn no_row(path: &Path, record: &csv::StringRecord, name: &str) -> AccuracyError {
    wrong(
        path,
        record,
        "file_id",
        format!("the sheet `{name}` has no row in Results.csv, MultiMarkedFiles.csv or ErrorFiles.csv"),
    )
}
