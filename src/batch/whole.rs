//! The whole of several shards: their sheets, which other runs have read, in one output folder.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use tracing::info;

use super::BatchError;
use super::duplicates::RunIds;
use super::rows::{FolderRows, RowsDone};
use super::summary::Counts;
use super::{grouped, places};
use crate::cli::TableFormat;
use crate::file_names::shown;
use crate::images::Image;
use crate::outputs::done::Written;
use crate::outputs::grouping::{self, Grouped};
use crate::outputs::journal::{EndLine, FolderLine, Journal, Known, Line};
use crate::outputs::ledger::{self, Ledger};
use crate::outputs::lock::OutputLock;
use crate::outputs::paths::FolderPaths;
use crate::outputs::{self, OutputError, sheet_files};

/// The output folder of a shard, which belongs to the others.
#[derive(Debug)]
pub struct ShardOutput {
    /// Where it lies.
    pub output: PathBuf,
    /// What it holds.
    pub known: Known,
}

/// A folder of the whole.
#[derive(Debug)]
pub struct WholeFolder {
    /// What its tables look like.
    pub line: FolderLine,
    /// Its sheets in input order, each with the index of its shard.
    pub sheets: Vec<(Image, usize)>,
}

/// What is wanted of the whole besides its CSV tables.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The formats of its tables.
    pub also: Vec<TableFormat>,
    /// A list of all that was read and written.
    pub manifest: bool,
}

/// Writes the folders, and a journal that begins with these lines: a run over all sheets can go on with it.
///
/// # Errors
/// [`BatchError`].
pub fn write(
    output: &Path,
    lock: &OutputLock,
    lines: impl Iterator<Item = Line>,
    shards: &[ShardOutput],
    folders: &[WholeFolder],
    end: EndLine,
    wanted: &Wanted,
) -> Result<Counts, BatchError> {
    let mut ledger = places::begin(output, lock)?;
    let journal = Journal::begin(output).map_err(OutputError::at(output))?;
    let note = |line: &Line| journal.append(line).map_err(OutputError::at(journal.path()));
    for line in lines {
        note(&line)?;
    }
    let all_paths: Vec<FolderPaths> = folders
        .iter()
        .map(|folder| FolderPaths::of(output, &folder.line.place, folder.sheets.iter().map(|(image, _)| image.name())))
        .collect();
    all_paths.iter().try_for_each(|paths| places::try_tables(paths, &wanted.also, &mut ledger, output))?;
    let ledger = Mutex::new(ledger);
    let mut ids = RunIds::default();
    let mut total = Counts::default();
    for (folder, paths) in folders.iter().zip(&all_paths) {
        let line = &folder.line;
        let ids = ids.of_template(&line.template);
        let rows = FolderRows::open(line, paths, folder.sheets.len(), ids, &ledger, &wanted.also)?;
        let mut made: HashSet<PathBuf> = HashSet::new();
        for (i, (image, index)) in folder.sheets.iter().enumerate() {
            let Some(shard) = shards.get(*index) else { continue };
            let Some(mut sheet) = shard.known.sheet(line, image.name())? else { continue };
            // Sheets of other shards may have come beside it.
            let called: Vec<Written> = sheet.done.files.iter().map(|file| called_now(file, image, paths)).collect();
            copy_files(shard, &sheet.done.files, &called, paths, &ledger, &mut made)?;
            sheet.done.files = called;
            let (input, done) = (sheet.input.clone(), sheet.done.clone());
            note(&Line::Sheet(Box::new(sheet)))?;
            rows.write(i, image, &input, done)?;
        }
        journal.sync().map_err(OutputError::at(journal.path()))?;
        let RowsDone { counts, wishes } = rows.finish()?;
        if line.is_grouped {
            let images: Vec<Image> = folder.sheets.iter().map(|(image, _)| image.clone()).collect();
            let whole = Grouped { paths, dir: &line.dir, images: &images };
            outputs::try_folders(paths, &[paths.organized()])?;
            let known = |sheet: usize, image: &Image| match folder
                .sheets
                .get(sheet)
                .and_then(|(_, index)| shards.get(*index))
            {
                Some(shard) => shard.known.sheet(line, image.name()),
                None => Ok(None),
            };
            let copies = copies(shards, &paths.organized());
            grouped::group(whole, true, wishes, known, |_| true, &copies, &mut ledger.lock())?;
        }
        info!("`{}`: {counts}", shown(&line.dir).join("").display());
        total += counts;
    }
    note(&Line::End(end))?;
    journal.sync().map_err(OutputError::at(journal.path()))?;
    super::finish_outputs(output, ledger.into_inner(), wanted.manifest)?;
    grouping::forget_kept(output, false).map_err(OutputError::at(output))?;
    Ok(total)
}

/// What shards have grouped of a folder: the last copies, perhaps, of sheets whose files have gone.
fn copies(shards: &[ShardOutput], organized: &Path) -> Vec<PathBuf> {
    let of_shard = |shard: &ShardOutput| {
        let below = ledger::written_below(&shard.output).into_iter().filter(|path| path.starts_with(organized));
        below.map(|path| shard.output.join(path)).chain(grouping::all_kept(&shard.output)).collect::<Vec<_>>()
    };
    shards.iter().flat_map(of_shard).collect()
}

/// A file about a sheet under the name that it has in the whole.
fn called_now(file: &Written, image: &Image, paths: &FolderPaths) -> Written {
    Written { path: paths.called_now(image.name(), &file.path), bytes: file.bytes }
}

/// Copies the files about a sheet to what they are `called` in the whole.
fn copy_files(
    shard: &ShardOutput,
    files: &[Written],
    called: &[Written],
    paths: &FolderPaths,
    ledger: &Mutex<Ledger>,
    made: &mut HashSet<PathBuf>,
) -> Result<(), BatchError> {
    let announced = ledger.lock().announce(called.iter().map(|file| file.path.clone()));
    announced.map_err(OutputError::at(paths.output()))?;
    for (file, called) in files.iter().zip(called) {
        let to = paths.on_disk(&called.path);
        if !made.insert(to.clone()) {
            return Err(BatchError::Twice { path: to });
        }
        if let Some(folder) = to.parent().filter(|folder| !made.contains(*folder)) {
            std::fs::create_dir_all(folder).map_err(OutputError::at(folder))?;
            made.insert(folder.to_path_buf());
        }
        let path = shard.output.join(&file.path);
        if path.exists() && !file.lies_at(&path) {
            return Err(BatchError::Lost {
                path,
                source: std::io::Error::other("it has not the size that was written"),
            });
        }
        match sheet_files::copy(&path, &to) {
            Ok(written) => written?,
            Err(source) => return Err(BatchError::Lost { path, source }),
        }
    }
    Ok(())
}
