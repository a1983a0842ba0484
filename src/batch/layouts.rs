//! `--set-layout`: every page with its template drawn on it, as `Layout/<image name>.png`. No table is written and nothing
//! scored. Where there is a display, each is shown as soon as it is written.

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
use super::viewing::{ToWindow, Viewer};
use super::{BatchError, Ended, Stop, isolation, pool, progress_bar, read_file};
use crate::file_names::{as_cell, shown, tidy};
use crate::imaging::coloured;
use crate::imaging::overlay::EncodeError;
use crate::options::Options;
use crate::outputs::paths::is_layout;
use crate::outputs::{self, Filed, OutputError};
use crate::plan::{FolderPlan, Plan};
use crate::scoring::SheetName;
use crate::sheet::preview::{self, NoPage};
use crate::sheet::stages::{Kind, Stage};
use crate::sheet::{Reason, Scratch, SheetError};
use crate::window::Answer;

/// Draws every sheet's layout, unless it is stopped. Called on the main thread.
///
/// # Errors
/// [`BatchError`].
pub fn run(plan: &Plan, options: &Options, bars: &MultiProgress) -> Result<Ended, BatchError> {
    let output = options.output.as_path();
    isolation::quieten_panics();
    let mut ledger = outputs::open_root(output)?;
    // What a run has read stays, and so do its tables.
    ledger.keep(|path| !is_layout(path));
    for folder in &plan.folders {
        outputs::try_folders(&folder.paths, &[folder.paths.layouts()])?;
    }
    let mut viewer = Viewer::of_layouts(plan);
    let stopped = AtomicBool::new(false);
    let mut summary = Summary::default();
    for (number, folder) in plan.folders.iter().enumerate() {
        if stopped.load(Ordering::Relaxed) {
            return Ok(Ended::Stopped(Stop::before(plan, number)));
        }
        ledger.announce(pictures(folder).map(|(_, path)| path)).map_err(OutputError::at(output))?;
        let (counts, unwritten) = draw_folder(folder, bars, &mut viewer, &stopped)?;
        if stopped.load(Ordering::Relaxed) && !counts.tally() {
            return Ok(Ended::Stopped(Stop::drawing(plan, number, counts.accounted())));
        }
        ledger.wrote(pictures(folder).filter(|(i, _)| !unwritten.contains(i)).map(|(_, path)| path));
        summary.total += counts;
        let name = shown(&folder.folder.dir).join("").to_string_lossy().into_owned();
        summary.folders.push(FolderSummary { folder: name, counts });
    }
    ledger.finish().map_err(OutputError::at(output))?;
    Ok(Ended::Finished(summary))
}

/// The pictures of a folder with the numbers of their sheets, below the output folder.
fn pictures(plan: &FolderPlan) -> impl Iterator<Item = (usize, PathBuf)> {
    plan.folder.images.iter().enumerate().map(|(i, image)| (i, plan.paths.layout(image)))
}

/// Draws the sheets of a folder. Gives the counts, which do not tally if it was stopped, and the numbers of those without a
/// picture.
fn draw_folder(
    plan: &FolderPlan,
    bars: &MultiProgress,
    viewer: &mut Viewer,
    stopped: &AtomicBool,
) -> Result<(Counts, HashSet<usize>), BatchError> {
    let images = plan.folder.images.len();
    let name = shown(&plan.folder.dir).join("");
    let job = LayoutJob {
        plan,
        next: AtomicUsize::new(0),
        failed: AtomicBool::new(false),
        stopped,
        sink: Ordered::default(),
        counts: Mutex::new(Counts { images, ..Counts::default() }),
        unwritten: Mutex::new(HashSet::new()),
        failure: Mutex::new(None),
        bar: bars.add(progress_bar(images, &name)),
    };
    let (to_window, slides) = viewer.connect().unzip();
    let workers = if to_window.is_some() { 1 } else { plan.workers.count };
    pool(plan)?.in_place_scope(|scope| {
        for _ in 0..workers {
            let to_window = to_window.clone();
            scope.spawn(|_| job.work(to_window));
        }
        // The workers' ends alone keep the window waiting.
        drop(to_window);
        if let Some(slides) = slides {
            viewer.serve(slides, stopped);
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
    /// A person wants no further sheet to be begun.
    stopped: &'a AtomicBool,
    /// Why sheets have no page, told in input order.
    sink: Ordered<Option<SheetError>>,
    counts: Mutex<Counts>,
    unwritten: Mutex<HashSet<usize>>,
    failure: Mutex<Option<OutputError>>,
    bar: ProgressBar,
}

impl LayoutJob<'_> {
    /// A worker's life: the next sheet, until there is none, an output failed or a person stops it.
    fn work(&self, mut to_window: Option<ToWindow>) {
        let mut scratch = Scratch::default();
        while !self.failed.load(Ordering::Relaxed) && !self.stopped.load(Ordering::Relaxed) {
            let i = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(image) = self.plan.folder.images.get(i) else { break };
            let drawn = self.sheet(i, image, &mut scratch).unwrap_or_else(|error| {
                self.failed.store(true, Ordering::Relaxed);
                self.failure.lock().get_or_insert(error);
                None
            });
            self.bar.inc(1);
            if let (Some(window), Some(stage)) = (&to_window, drawn) {
                match window.show(image.to_string_lossy().into_owned(), vec![stage]) {
                    Answer::GoOn => {}
                    Answer::Stop => self.stopped.store(true, Ordering::Relaxed),
                    Answer::Closed => to_window = None,
                }
            }
        }
    }

    /// Draws a sheet and writes what was drawn, and gives it back.
    fn sheet(&self, i: usize, image: &OsStr, scratch: &mut Scratch) -> Result<Option<Stage>, OutputError> {
        let path = self.plan.folder.dir.join(image);
        let drawn = isolation::isolated(|| {
            let bytes = read_file(&path)?;
            let (file_name, file_path) = (image.to_string_lossy(), as_cell(&tidy(&path)));
            let name = SheetName { file_name: &file_name, file_path: &file_path };
            let (picture, error) = match preview::page_with_layout(&bytes, &self.plan.context, name, scratch) {
                Ok(picture) => (Some(picture), None),
                Err(NoPage { error, picture }) => (picture, Some(error)),
            };
            Ok((picture.map(|picture| Ok((encoded(&picture)?, picture))).transpose()?, error))
        });
        let (picture, error) = drawn.unwrap_or_else(|error| (None, Some(error)));
        let picture = match picture {
            Some((bytes, picture)) => {
                let path = self.plan.paths.on_disk(&self.plan.paths.layout(image));
                std::fs::write(&path, bytes).map_err(OutputError::at(path))?;
                Some(picture)
            }
            None => {
                self.unwritten.lock().insert(i);
                None
            }
        };
        let stage = picture.map(|picture| to_be_shown(picture, error.as_ref()));
        if error.as_ref().is_some_and(|error| error.reason == Reason::InternalError) {
            *scratch = Scratch::default();
        }
        self.sink.push(i, error, |i, error| {
            if let Some(error) = &error {
                let path = self.plan.folder.dir.join(&self.plan.folder.images[i]);
                warn!("`{}`: {error}", path.display());
            }
            self.counts.lock().add(if error.is_some() { Filed::Unreadable } else { Filed::Read }, 0);
            Ok::<(), OutputError>(())
        })?;
        Ok(stage)
    }
}

/// What was drawn, with the words for a window. A sheet without a page has the reason in its picture.
fn to_be_shown(picture: RgbImage, error: Option<&SheetError>) -> Stage {
    let (kind, title) = match error {
        None => (Kind::Layout, "the template on the page"),
        Some(_) => (Kind::Failure, "no page"),
    };
    Stage { kind, title: title.to_owned(), notes: Vec::new(), picture }
}

fn encoded(picture: &RgbImage) -> Result<Vec<u8>, SheetError> {
    coloured::to_png(picture).map_err(|e: EncodeError| SheetError::new(Reason::InternalError, e.to_string()))
}
