//! The only writer: CSV tables that grow in input order, files about sheets saved by the workers, grouped sheets, and what a
//! later run needs to know.

pub mod also;
pub mod cells;
pub mod confidence;
pub mod crops;
pub mod done;
pub mod grouping;
pub mod journal;
mod jsonl;
pub mod ledger;
pub mod lock;
pub mod manifest;
pub mod paths;
pub mod sheet_files;
pub mod table;
mod xlsx;

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use self::cells::{Cells, Texts};
use self::done::{DoubtRow, Outcome};
use self::ledger::Ledger;
use self::lock::OutputLock;
use self::paths::FolderPaths;
use self::table::Table;
use crate::cli::TableFormat;
use crate::file_names::{STATE_FOLDER, as_cell};
use crate::statistics::{self, Statistics};
use crate::template::Template;

/// Score of a sheet when nothing is scored.
const NO_SCORE: &str = "0";

/// Score cell of a row that is not in Results.csv.
pub const NOT_SCORED: &str = "NA";

/// An output could not be written: the run cannot go on.
#[derive(Debug, thiserror::Error)]
#[error("`{}` cannot be written: {source}", path.display())]
pub struct OutputError {
    /// The file or folder.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl OutputError {
    /// For use with `map_err`.
    pub fn at(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        |source| Self { path, source }
    }
}

/// Where an image's row went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filed {
    /// Results.csv.
    Read,
    /// MultiMarkedFiles.csv.
    Diverted,
    /// ErrorFiles.csv.
    Unreadable,
}

/// What the tables of a folder look like: all that has to be known to write them, besides the sheets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableShape {
    /// Names of the output columns.
    pub columns: Vec<String>,
    /// Labels of the fields: the columns of Confidence.csv.
    pub labels: Vec<String>,
    /// Do multi-marked sheets go to a table of their own?
    pub diverts_multi_marked: bool,
    /// How cells from outside are written.
    #[serde(default)]
    pub cells: Cells,
    /// Where texts or codes stand.
    #[serde(default)]
    pub texts: Texts,
}

impl TableShape {
    /// For sheets that are read by this template.
    pub fn of(template: &Template, diverts_multi_marked: bool, cells: Cells) -> Self {
        let columns = template.columns.iter().map(|column| column.name.clone()).collect();
        let labels = template.labels().into_iter().map(str::to_owned).collect();
        Self { columns, labels, diverts_multi_marked, cells, texts: Texts::of(template) }
    }
}

/// The open tables of one folder.
pub struct FolderTables {
    paths: FolderPaths,
    columns: usize,
    divert_multi_marked: bool,
    /// How cells from outside are written.
    cells: Cells,
    /// Where texts or codes stand.
    texts: Texts,
    results: Table,
    confidence: Table,
    errors: Table,
    multi_marked: Table,
    review: Table,
}

/// Names of the tables below `Manual/`.
const ERRORS: &str = "ErrorFiles.csv";
const MULTI_MARKED: &str = "MultiMarkedFiles.csv";
const REVIEW: &str = "Review.csv";

/// The tables below `Manual/`.
pub const MANUAL_TABLES: [&str; 3] = [ERRORS, MULTI_MARKED, REVIEW];

/// Opens the list of what omr wrote into an output folder, which is locked.
///
/// # Errors
/// [`OutputError`].
pub fn open_ledger(output: &Path, _lock: &OutputLock) -> Result<Ledger, OutputError> {
    Ledger::open(output).map_err(OutputError::at(output.join(STATE_FOLDER)))
}

/// Makes sure that the outputs of a folder can be written, by creating the beginnings of its tables and the folders
/// `besides`, which are below the output folder. The tables come in the formats `also`, too.
///
/// # Errors
/// [`OutputError`].
pub fn try_places(paths: &FolderPaths, besides: &[PathBuf], also: &[TableFormat]) -> Result<(), OutputError> {
    let tables = ["Results", "Manual"].map(|name| paths.place().join(name));
    try_folders(paths, &tables)?;
    try_folders(paths, besides)?;
    for table in table_files(paths) {
        let path = paths.on_disk(&table);
        if let Some(path) = also::files(&path, also).chain([path.clone()]).find(|path| path.is_dir()) {
            return Err(OutputError { path, source: io::ErrorKind::IsADirectory.into() });
        }
        let path = table::partial(&path);
        std::fs::File::create(&path).map_err(OutputError::at(path))?;
    }
    Ok(())
}

/// Makes sure that the folder of crops can be made, and leaves none that is empty.
///
/// # Errors
/// [`OutputError`].
pub fn try_crops(paths: &FolderPaths) -> Result<(), OutputError> {
    let folder = paths.crops();
    try_folders(paths, std::slice::from_ref(&folder))?;
    // It stays where an earlier run has left crops.
    let _has_files = std::fs::remove_dir(paths.on_disk(&folder));
    Ok(())
}

/// Creates folders, which are below the output folder.
///
/// # Errors
/// [`OutputError`].
pub fn try_folders(paths: &FolderPaths, folders: &[PathBuf]) -> Result<(), OutputError> {
    for folder in folders {
        let path = paths.on_disk(folder);
        std::fs::create_dir_all(&path).map_err(OutputError::at(path))?;
    }
    Ok(())
}

/// The files that a folder's tables become, below the output folder.
fn table_files(paths: &FolderPaths) -> [PathBuf; 5] {
    [paths.results(), paths.confidence(), paths.manual(ERRORS), paths.manual(MULTI_MARKED), paths.manual(REVIEW)]
}

/// The files that a folder's tables become, in the formats `also`, too, and those that they grow in, below the output folder.
pub fn table_files_and_partials(paths: &FolderPaths, also: &[TableFormat]) -> Vec<PathBuf> {
    let tables = table_files(paths).into_iter().chain(statistics_files(paths));
    let files = tables.flat_map(|csv| also::files(&csv, also).chain([csv.clone()]).collect::<Vec<_>>());
    files.flat_map(|path| [table::partial(&path), path]).collect()
}

/// Saves the picture of the layout on the page of the image named `image`. Called by workers, in any order.
///
/// # Errors
/// [`OutputError`].
pub fn save_layout(paths: &FolderPaths, image: &OsStr, bytes: &[u8]) -> Result<(), OutputError> {
    let path = paths.on_disk(&paths.layout(image));
    std::fs::write(&path, bytes).map_err(OutputError::at(path))
}

/// Writes the item statistics of a folder, in the formats `also`, too, and says which files they are, below the output folder.
///
/// # Errors
/// [`OutputError`].
pub fn write_statistics(
    paths: &FolderPaths,
    statistics: &Statistics,
    also: &[TableFormat],
) -> Result<Vec<PathBuf>, OutputError> {
    let [items, batch] = statistics_files(paths);
    let write = |below: &Path, header: &[&str], rows: &[Vec<String>]| {
        let path = paths.on_disk(below);
        let table = Table::create(path.clone(), header).map_err(OutputError::at(&path))?;
        rows.iter().try_for_each(|row| table.append(row)).map_err(OutputError::at(&path))?;
        finish(table, below, also)
    };
    let mut files = write(&items, &statistics::ITEMS_HEADER, &statistics.items())?;
    files.extend(write(&batch, &statistics::BATCH_HEADER, &statistics.batch())?);
    if statistics.is_overflown() {
        tracing::warn!("the marks of `{}` are too fine for exact statistics; some cells are empty", items.display());
    }
    Ok(files)
}

/// Puts a table in its place, `below` the output folder, and says which files it became there.
fn finish(table: Table, below: &Path, also: &[TableFormat]) -> Result<Vec<PathBuf>, OutputError> {
    let written = table.finish(also)?;
    Ok(written.iter().filter_map(|path| path.file_name()).map(|name| below.with_file_name(name)).collect())
}

fn statistics_files(paths: &FolderPaths) -> [PathBuf; 2] {
    ["Items.csv", "Statistics.csv"].map(|name| paths.place().join("Results").join(name))
}

impl FolderTables {
    /// Opens the tables of a folder. Its places must have been tried.
    ///
    /// # Errors
    /// [`OutputError`].
    pub fn open(paths: FolderPaths, shape: &TableShape) -> Result<Self, OutputError> {
        let names = shape.columns.iter().map(String::as_str);
        let header: Vec<&str> = ["file_id", "input_path", "output_path", "score"].into_iter().chain(names).collect();
        let review = ["file_id", "input_path", "field", "column", "value", "reason", "confidence"];
        let confidence: Vec<&str> = std::iter::once("file_id").chain(shape.labels.iter().map(String::as_str)).collect();
        let open = |below: PathBuf, header: &[&str]| {
            let path = paths.on_disk(&below);
            Table::create(path.clone(), header).map_err(OutputError::at(path))
        };
        Ok(Self {
            results: open(paths.results(), &header)?,
            confidence: open(paths.confidence(), &confidence)?,
            errors: open(paths.manual(ERRORS), &header)?,
            multi_marked: open(paths.manual(MULTI_MARKED), &header)?,
            review: open(paths.manual(REVIEW), &review)?,
            columns: shape.columns.len(),
            divert_multi_marked: shape.diverts_multi_marked,
            cells: shape.cells,
            texts: shape.texts.clone(),
            paths,
        })
    }

    /// Writes the rows of the image named `image`, whose `input_path` is `input`. Called in input order.
    ///
    /// # Errors
    /// [`OutputError`].
    pub fn record(&self, image: &OsStr, input: &str, outcome: &Outcome) -> Result<Filed, OutputError> {
        let outside = |text: &str| self.cells.outside(text).into_owned();
        let (file_id, input) = (outside(&image.to_string_lossy()), outside(input));
        let row = |output: &Path, score: &str, values: &mut dyn Iterator<Item = String>| {
            let mut cells = vec![file_id.clone(), input.clone(), outside(&as_cell(output)), score.to_owned()];
            cells.extend(values);
            cells
        };
        match outcome {
            Outcome::Read { columns, multi_marked, doubts, confidences, score } => {
                let value = |(i, value): (usize, &String)| match self.texts.columns.contains(&i) {
                    true => outside(value),
                    false => value.clone(),
                };
                let values = &mut columns.iter().enumerate().map(value);
                let filed = if *multi_marked && self.divert_multi_marked {
                    let output = self.paths.manual("MultiMarkedFiles").join(image);
                    self.append(
                        &self.multi_marked,
                        self.paths.manual(MULTI_MARKED),
                        &row(&output, NOT_SCORED, values),
                    )?;
                    Filed::Diverted
                } else {
                    let output = self.paths.pictures().join(self.paths.picture(image).name);
                    self.append(
                        &self.results,
                        self.paths.results(),
                        &row(&output, score.as_deref().unwrap_or(NO_SCORE), values),
                    )?;
                    let cells: Vec<&String> = std::iter::once(&file_id).chain(confidences).collect();
                    self.append(&self.confidence, self.paths.confidence(), &cells)?;
                    Filed::Read
                };
                for doubt in doubts {
                    let DoubtRow { field, column, value, reason, confidence } = doubt;
                    let is_outside = field.is_empty() || self.texts.labels.contains(field);
                    let value = if is_outside { self.cells.outside(value) } else { value.as_str().into() };
                    let cells = [file_id.as_str(), &input, field, column, &*value, reason.as_str(), confidence];
                    self.append(&self.review, self.paths.manual(REVIEW), &cells)?;
                }
                Ok(filed)
            }
            Outcome::Failed(error) => {
                let output = self.paths.manual("ErrorFiles").join(image);
                let empty = &mut std::iter::repeat_n(String::new(), self.columns);
                self.append(&self.errors, self.paths.manual(ERRORS), &row(&output, NOT_SCORED, empty))?;
                let detail = self.cells.outside(&error.detail);
                let cells = [file_id.as_str(), &input, "", "", &*detail, error.reason.as_str(), "0.000"];
                self.append(&self.review, self.paths.manual(REVIEW), &cells)?;
                Ok(Filed::Unreadable)
            }
        }
    }

    fn append<S: AsRef<[u8]>>(&self, table: &Table, below: PathBuf, cells: &[S]) -> Result<(), OutputError> {
        table.append(cells).map_err(OutputError::at(self.paths.on_disk(&below)))
    }

    /// Puts the tables in their places, in the formats `also`, too, and says which files they are, below the output folder.
    ///
    /// # Errors
    /// [`OutputError`].
    pub fn finish(self, also: &[TableFormat]) -> Result<Vec<PathBuf>, OutputError> {
        let tables = [self.results, self.confidence, self.errors, self.multi_marked, self.review];
        let mut files = Vec::new();
        for (table, below) in tables.into_iter().zip(table_files(&self.paths)) {
            files.extend(finish(table, &below, also)?);
        }
        Ok(files)
    }
}
