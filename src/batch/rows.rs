//! The rows of one folder, written in input order: what a sheet left behind becomes cells, counts, statistics and wishes. It is the
//! same whether the sheet was read just now, by an earlier run, or on another machine.

use std::path::PathBuf;
use std::time::Instant;

use parking_lot::Mutex;
use tracing::warn;

use super::duplicates::Ids;
use super::summary::{Counts, FolderSummary, Pace, Reasons};
use crate::cli::TableFormat;
use crate::file_names::{as_cell, shown};
use crate::images::Image;
use crate::outputs::done::{Done, Outcome};
use crate::outputs::grouping::Wish;
use crate::outputs::journal::FolderLine;
use crate::outputs::ledger::Ledger;
use crate::outputs::paths::FolderPaths;
use crate::outputs::{self, FolderTables, OutputError};
use crate::statistics::Statistics;

/// A folder whose rows are being written. Fed in input order.
pub struct FolderRows<'r> {
    paths: FolderPaths,
    place: PathBuf,
    tables: FolderTables,
    /// Those of the folder's template.
    ids: Mutex<&'r mut Ids>,
    /// Names of what was written go there.
    ledger: &'r Mutex<Ledger>,
    /// What the tables come as, beside CSV.
    also: &'r [TableFormat],
    /// The folder as reached from the input root as typed.
    dir: PathBuf,
    start: Instant,
    counts: Mutex<Counts>,
    reasons: Mutex<Reasons>,
    wishes: Mutex<Vec<(usize, Wish)>>,
    statistics: Option<Mutex<Statistics>>,
}

/// What a folder's rows come to.
pub struct RowsDone {
    /// What became of its images.
    pub counts: Counts,
    /// The numbers of its sheets, and where they are wished to be, if sheets are grouped.
    pub wishes: Vec<(usize, Wish)>,
}

impl<'r> FolderRows<'r> {
    /// Opens the tables of a folder with so many images, which come in the formats `also`, too. Its places must have been tried.
    ///
    /// # Errors
    /// [`OutputError`].
    pub fn open(
        line: &FolderLine,
        paths: &FolderPaths,
        images: usize,
        ids: &'r mut Ids,
        ledger: &'r Mutex<Ledger>,
        also: &'r [TableFormat],
    ) -> Result<Self, OutputError> {
        Ok(Self {
            tables: FolderTables::open(paths.clone(), &line.shape)?,
            paths: paths.clone(),
            place: line.place.clone(),
            ids: Mutex::new(ids),
            ledger,
            also,
            dir: line.dir.clone(),
            start: Instant::now(),
            reasons: Mutex::default(),
            counts: Mutex::new(Counts { images, ..Counts::default() }),
            wishes: Mutex::new(Vec::new()),
            statistics: line.questions.as_ref().map(|names| Mutex::new(Statistics::new(names.iter().cloned()))),
        })
    }

    /// Writes the rows of the sheet number `i`. `input` is its `input_path`.
    ///
    /// # Errors
    /// [`OutputError`].
    pub fn write(&self, i: usize, image: &Image, input: &str, done: Done) -> Result<(), OutputError> {
        let Done { mut outcome, id, responses, wish, files, .. } = done;
        if let (Outcome::Read { doubts, .. }, Some(id)) = (&mut outcome, id) {
            let file = as_cell(&self.place.join(image.name()));
            if let Some(doubt) = self.ids.lock().take(id, file) {
                let about_sheet = doubts.iter().take_while(|doubt| doubt.is_of_sheet()).count();
                doubts.insert(about_sheet, doubt.into());
            }
        }
        let filed = self.tables.record(image.name(), input, &outcome)?;
        self.ledger.lock().wrote(files.into_iter().map(|file| file.path));
        self.wishes.lock().extend(wish.map(|wish| (i, wish)));
        if let (Some(statistics), Some(responses)) = (&self.statistics, responses) {
            statistics.lock().add(&responses);
        }
        let doubts = if let Outcome::Read { doubts, .. } = &outcome { doubts.len() } else { 0 };
        self.counts.lock().add(filed, doubts);
        self.reasons.lock().add(&outcome);
        Ok(())
    }

    /// Images that have their rows.
    pub fn accounted(&self) -> usize {
        self.counts.lock().accounted()
    }

    /// What became of the folder's images so far.
    pub fn summary(&self) -> FolderSummary {
        let counts = *self.counts.lock();
        FolderSummary {
            folder: shown(&self.dir).join("").to_string_lossy().into_owned(),
            counts,
            reasons: self.reasons.lock().clone(),
            pace: Pace::of(counts.accounted(), self.start.elapsed()),
        }
    }

    /// Puts the tables in their places.
    ///
    /// # Errors
    /// [`OutputError`].
    pub fn finish(self) -> Result<RowsDone, OutputError> {
        let mut tables = self.tables.finish(self.also)?;
        if let Some(statistics) = &self.statistics {
            tables.extend(outputs::write_statistics(&self.paths, &statistics.lock(), self.also)?);
        }
        self.ledger.lock().wrote(tables);
        let counts = self.counts.into_inner();
        if !counts.tally() {
            warn!("`{}`: the counts do not tally, which is a mistake in omr: {counts}", self.place.display());
        }
        Ok(RowsDone { counts, wishes: self.wishes.into_inner() })
    }
}
