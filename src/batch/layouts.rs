//! `--set-layout`: every page with its template drawn on it, as `Layout/<image name>.png`. No table is written and nothing
//! scored. Where there is a display, each is shown as soon as it is written.

use std::collections::HashSet;
use std::path::PathBuf;

use image::RgbImage;
use indicatif::MultiProgress;
use parking_lot::Mutex;
use tracing::{info, warn};

use super::ordered::Ordered;
use super::summary::{Counts, FolderSummary, Summary};
use super::viewing::Viewer;
use super::{AnyFolder, BatchError, Ended, Means, Stop, hand_out, isolation, sources::Sources};
use crate::file_names::shown;
use crate::images::Image;
use crate::imaging::coloured;
use crate::imaging::overlay::EncodeError;
use crate::outputs::paths::is_layout;
use crate::outputs::{self, Filed, OutputError};
use crate::plan::{FolderPlan, Plan};
use crate::scoring::SheetNames;
use crate::sheet::preview::{self, NoPage};
use crate::sheet::stages::{Kind, Stage};
use crate::sheet::{Reason, Scratch, SheetError};
use crate::signals::StopRequest;

/// Draws every sheet's layout, unless it is stopped. Called on the main thread. Those that were drawn are counted as read.
///
/// # Errors
/// [`BatchError`].
pub fn run(plan: &Plan, means: Means<'_>, summary: &mut Summary) -> Result<Ended, BatchError> {
    let Means { options, lock, stop, bars, .. } = means;
    let output = options.output.as_path();
    isolation::quieten_panics();
    let mut ledger = outputs::open_ledger(output, lock)?;
    // What a run has read stays, and so do its tables.
    ledger.keep(|path| !is_layout(path));
    for folder in &plan.folders {
        outputs::try_folders(&folder.paths, &[folder.paths.layouts()])?;
    }
    let mut viewer = if options.shows_layouts { Viewer::of_layouts(plan) } else { Viewer::none() };
    let folders: Vec<AnyFolder<'_>> = plan.folders.iter().map(AnyFolder::Found).collect();
    for (number, folder) in plan.folders.iter().enumerate() {
        if stop.is_made() {
            return Ok(Ended::Stopped(Stop::before(&folders, number)));
        }
        ledger.announce(pictures(folder).map(|(_, path)| path)).map_err(OutputError::at(output))?;
        let (counts, unwritten) = draw_folder(folder, bars, &mut viewer, stop)?;
        if stop.is_made() && !counts.tally() {
            return Ok(Ended::Stopped(Stop::drawing(&folders, number, counts.accounted())));
        }
        ledger.wrote(pictures(folder).filter(|(i, _)| !unwritten.contains(i)).map(|(_, path)| path));
        let folder = shown(&folder.folder.dir).join("").to_string_lossy().into_owned();
        summary.add(FolderSummary { folder, counts, ..FolderSummary::default() });
    }
    ledger.finish().map_err(OutputError::at(output))?;
    Ok(Ended::Finished)
}

/// The pictures of a folder with the numbers of their sheets, below the output folder.
fn pictures(plan: &FolderPlan) -> impl Iterator<Item = (usize, PathBuf)> {
    plan.folder.images.iter().enumerate().map(|(i, image)| (i, plan.paths.layout(image.name())))
}

/// Draws the sheets of a folder. Gives the counts, which do not tally if it was stopped, and the numbers of those without a
/// picture.
fn draw_folder(
    plan: &FolderPlan,
    bars: &MultiProgress,
    viewer: &mut Viewer,
    stop: &StopRequest,
) -> Result<(Counts, HashSet<usize>), BatchError> {
    let images = plan.folder.images.len();
    let name = shown(&plan.folder.dir).join("");
    let job = LayoutJob {
        plan,
        sources: Sources::new(plan.folder.config.limits, plan.folder.fence.clone()),
        sink: Ordered::default(),
        counts: Mutex::new(Counts { images, ..Counts::default() }),
        unwritten: Mutex::new(HashSet::new()),
    };
    let sheet = |i, image: &Image, scratch: &mut Scratch, _| Ok(job.sheet(i, image, scratch)?.into_iter().collect());
    hand_out::hand_out(plan, Some(viewer), stop, bars, sheet)?;
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
    sources: Sources,
    /// Why sheets have no page, told in input order.
    sink: Ordered<Option<SheetError>>,
    counts: Mutex<Counts>,
    unwritten: Mutex<HashSet<usize>>,
}

impl LayoutJob<'_> {
    /// Draws a sheet and writes what was drawn, and gives it back.
    fn sheet(&self, i: usize, image: &Image, scratch: &mut Scratch) -> Result<Option<Stage>, OutputError> {
        let path = self.plan.folder.dir.join(image.file());
        let drawn = isolation::with_buffers(scratch, |scratch| {
            let folder = &self.plan.folder;
            scratch.begin(&folder.config.limits);
            let scan = self.sources.open(&folder.dir, image)?.scan(&self.plan.context, scratch.picture)?;
            let names = SheetNames::of(image.name(), &path);
            let drawn = preview::page_with_layout(&scan, &self.plan.context, names.name(), scratch);
            let (picture, error) = match drawn {
                Ok(picture) => (Some(picture), None),
                Err(NoPage { error, picture }) => (picture, Some(error)),
            };
            Ok((picture.map(|picture| Ok((encoded(&picture)?, picture))).transpose()?, error))
        });
        let (picture, error) = drawn.unwrap_or_else(|error| (None, Some(error)));
        let picture = match picture {
            Some((bytes, picture)) => {
                outputs::save_layout(&self.plan.paths, image.name(), &bytes)?;
                Some(picture)
            }
            None => {
                self.unwritten.lock().insert(i);
                None
            }
        };
        let stage = picture.map(|picture| to_be_shown(picture, error.as_ref()));
        self.sink.push(i, error, |i, error| {
            if let Some(error) = &error {
                let path = self.plan.folder.dir.join(self.plan.folder.images[i].name());
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
    coloured::to_png(picture, None).map_err(|e: EncodeError| SheetError::new(Reason::InternalError, e.to_string()))
}
