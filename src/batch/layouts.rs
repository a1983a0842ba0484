//! `--set-layout`: every page with its template drawn on it, as `Layout/<image name>.png`. No table is written and nothing
//! scored.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use image::RgbImage;
use indicatif::{MultiProgress, ProgressBar};
use parking_lot::Mutex;
use tracing::{info, warn};

use super::ordered::Ordered;
use super::summary::{Counts, FolderSummary, Summary};
use super::{BatchError, isolation, pool, progress_bar, read_file};
use crate::file_names::{as_cell, shown, tidy};
use crate::imaging::coloured;
use crate::imaging::overlay::EncodeError;
use crate::options::Options;
use crate::outputs::paths::is_layout;
use crate::outputs::{self, Filed, OutputError};
use crate::plan::{FolderPlan, Plan};
use crate::scoring::SheetName;
use crate::sheet::preview::{self, NoPage};
use crate::sheet::{Reason, Scratch, SheetError};

/// Draws every sheet's layout.
///
/// # Errors
/// [`BatchError`].
pub fn run(plan: &Plan, options: &Options, bars: &MultiProgress) -> Result<Summary, BatchError> {
    let output = options.output.as_path();
    isolation::quieten_panics();
    let mut ledger = outputs::open_root(output)?;
    // What a run has read stays, and so do its tables.
    ledger.keep(|path| !is_layout(path));
    for folder in &plan.folders {
        outputs::try_folders(&folder.paths, &[folder.paths.layouts()])?;
    }
    let mut summary = Summary::default();
    for folder in &plan.folders {
        ledger.announce(pictures(folder).map(|(_, path)| path)).map_err(OutputError::at(output))?;
        let (counts, unwritten) = draw_folder(folder, bars)?;
        ledger.wrote(pictures(folder).filter(|(i, _)| !unwritten.contains(i)).map(|(_, path)| path));
        summary.total += counts;
        let name = shown(&folder.folder.dir).join("").to_string_lossy().into_owned();
        summary.folders.push(FolderSummary { folder: name, counts });
    }
    ledger.finish().map_err(OutputError::at(output))?;
    Ok(summary)
}

/// The pictures of a folder with the numbers of their sheets, below the output folder.
fn pictures(plan: &FolderPlan) -> impl Iterator<Item = (usize, PathBuf)> {
    plan.folder.images.iter().enumerate().map(|(i, image)| (i, plan.paths.layout(image)))
}

/// Draws the sheets of a folder. Gives the counts, and the numbers of those without a picture.
fn draw_folder(plan: &FolderPlan, bars: &MultiProgress) -> Result<(Counts, HashSet<usize>), BatchError> {
    let images = plan.folder.images.len();
    let name = shown(&plan.folder.dir).join("");
    let job = LayoutJob {
        plan,
        next: AtomicUsize::new(0),
        failed: AtomicBool::new(false),
        sink: Ordered::default(),
        counts: Mutex::new(Counts { images, ..Counts::default() }),
        unwritten: Mutex::new(HashSet::new()),
        failure: Mutex::new(None),
        bar: bars.add(progress_bar(images, &name)),
    };
    pool(plan)?.scope(|scope| {
        for _ in 0..plan.workers.count {
            scope.spawn(|_| job.work());
        }
    });
    job.bar.finish_and_clear();
    if let Some(error) = job.failure.into_inner() {
        return Err(error.into());
    }
    let counts = job.counts.into_inner();
    info!(
        "`{}`: {} of {images} layouts drawn in `{}`",
        name.display(),
        counts.read,
        plan.paths.on_disk(&plan.paths.layouts()).display()
    );
    Ok((counts, job.unwritten.into_inner()))
}

/// One folder while its workers draw.
struct LayoutJob<'a> {
    plan: &'a FolderPlan,
    next: AtomicUsize,
    failed: AtomicBool,
    /// Why sheets have no page, told in input order.
    sink: Ordered<Option<SheetError>>,
    counts: Mutex<Counts>,
    unwritten: Mutex<HashSet<usize>>,
    failure: Mutex<Option<OutputError>>,
    bar: ProgressBar,
}

impl LayoutJob<'_> {
    /// A worker's life: the next sheet, until there is none or an output failed.
    fn work(&self) {
        let mut scratch = Scratch::default();
        while !self.failed.load(Ordering::Relaxed) {
            let i = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(image) = self.plan.folder.images.get(i) else { break };
            if let Err(error) = self.sheet(i, image, &mut scratch) {
                self.failed.store(true, Ordering::Relaxed);
                self.failure.lock().get_or_insert(error);
            }
            self.bar.inc(1);
        }
    }

    fn sheet(&self, i: usize, image: &OsStr, scratch: &mut Scratch) -> Result<(), OutputError> {
        let path = self.plan.folder.dir.join(image);
        let drawn = isolation::isolated(|| {
            let bytes = read_file(&path)?;
            let (file_name, file_path) = (image.to_string_lossy(), as_cell(&tidy(&path)));
            let name = SheetName { file_name: &file_name, file_path: &file_path };
            let (picture, error) = match preview::page_with_layout(&bytes, &self.plan.context, name, scratch) {
                Ok(picture) => (Some(picture), None),
                Err(NoPage { error, picture }) => (picture, Some(error)),
            };
            Ok((picture.map(|picture| encoded(&picture)).transpose()?, error))
        });
        let (picture, error) = drawn.unwrap_or_else(|error| (None, Some(error)));
        match picture {
            Some(bytes) => {
                let path = self.plan.paths.on_disk(&self.plan.paths.layout(image));
                std::fs::write(&path, bytes).map_err(OutputError::at(path))?;
            }
            None => {
                self.unwritten.lock().insert(i);
            }
        }
        if error.as_ref().is_some_and(|error| error.reason == Reason::InternalError) {
            *scratch = Scratch::default();
        }
        self.sink.push(i, error, |i, error| {
            if let Some(error) = &error {
                let path = self.plan.folder.dir.join(&self.plan.folder.images[i]);
                warn!("`{}`: {error}", path.display());
            }
            self.counts.lock().add(if error.is_some() { Filed::Unreadable } else { Filed::Read }, 0);
            Ok(())
        })
    }
}

fn encoded(picture: &RgbImage) -> Result<Vec<u8>, SheetError> {
    coloured::to_png(picture).map_err(|e: EncodeError| SheetError::new(Reason::InternalError, e.to_string()))
}
