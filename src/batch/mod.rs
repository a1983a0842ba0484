//! Runs a plan: folders one after the other, the sheets of a folder in parallel, rows in input order.
//!
//! Workers take the next sheet one at a time (`hand_out`), so that at most as many results wait for their turn as there are
//! workers, unless one sheet is much slower than the others. A worker (`reading`) recalls a sheet from an earlier run, or reads
//! it, saves its pictures, notes it in the journal, and hands a light outcome to the ordered sink, which writes its rows (`rows`).
//! One worker is the same path.

mod begun;
mod duplicates;
mod grouped;
mod hand_out;
pub(crate) mod isolation;
pub mod layouts;
mod ordered;
mod places;
mod reading;
mod renamed;
mod rows;
mod sheet_file;
pub(crate) mod sources;
mod stop;
pub mod summary;
pub mod timings;
mod viewing;
pub mod whole;

use std::path::{Path, PathBuf};

use indicatif::MultiProgress;
use parking_lot::Mutex;
use tracing::info;

use self::duplicates::RunIds;
use self::ordered::Ordered;
use self::reading::FolderJob;
use self::rows::{FolderRows, RowsDone};
use self::sources::Sources;
pub use self::stop::Stop;
use self::summary::{Counts, FolderSummary, Summary};
use self::timings::Timings;
use self::viewing::{Viewer, shows_stages};
use crate::file_names::shown;
use crate::images::Image;
use crate::options::Options;
use crate::outputs::confidence::ConfidenceColumns;
use crate::outputs::crops::CropNames;
use crate::outputs::grouping::{self, Grouped};
use crate::outputs::journal::{EndLine, FolderLine, Journal, JournalError, Known, Line};
use crate::outputs::ledger::Ledger;
use crate::outputs::lock::OutputLock;
use crate::outputs::manifest::{self, ManifestError};
use crate::outputs::paths::FolderPaths;
use crate::outputs::{self, OutputError};
use crate::plan::recall::GoneFolder;
use crate::plan::{FolderPlan, Plan};
use crate::sheet::Scratch;
use crate::signals::StopRequest;
use crate::statistics::Questions;

/// Why a run could not be finished.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// An output could not be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// What an earlier run noted cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A file of a shard could not be read.
    #[error("`{}` cannot be copied: {source}; run its shard again with --resume", path.display())]
    Lost {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Two shards have a file of this name, about different sheets.
    #[error(
        "`{}` was written about two sheets, one of which has gone from one shard while another came to the other; run all shards \
         again with --resume --prune, or without --resume",
        path.display()
    )]
    Twice {
        /// Where both would go.
        path: PathBuf,
    },
    /// The threads could not be started.
    #[error("the workers cannot be started: {0}")]
    Workers(#[from] rayon::ThreadPoolBuildError),
}

/// How a run ended that did not fail.
#[derive(Debug)]
pub enum Ended {
    /// Every sheet is done.
    Finished,
    /// A person or the system stopped it. What was made of the sheets that were begun is on disk and in the journal, rows of an
    /// unfinished folder in `.partial` files.
    Stopped(Stop),
}

/// What a run works with besides its plan.
#[derive(Clone, Copy)]
pub struct Means<'r> {
    /// What was asked for.
    pub options: &'r Options,
    /// The output folder's lock.
    pub lock: &'r OutputLock,
    /// What earlier runs know, if this one goes on with them.
    pub known: Option<&'r Known>,
    /// Whether it was asked to stop.
    pub stop: &'r StopRequest,
    /// Where progress is shown.
    pub bars: &'r MultiProgress,
}

/// Reads every sheet of the plan, unless it is stopped. Called on the main thread. What became of its images is added to `summary`,
/// however it ends.
///
/// # Errors
/// [`BatchError`]. Sheets that were finished before it are in the journal, and their rows in `.partial` files.
pub fn run(plan: &Plan, means: Means<'_>, summary: &mut Summary) -> Result<Ended, BatchError> {
    let folders = in_input_order(plan);
    let ended = run_folders(plan, &folders, means, summary);
    // Images of folders that were not begun were found, too.
    for folder in folders.get(summary.folders.len()..).unwrap_or_default() {
        let counts = Counts { images: folder.images().len(), ..Counts::default() };
        let folder = shown(folder.dir()).join("").to_string_lossy().into_owned();
        summary.add(FolderSummary { folder, counts, ..FolderSummary::default() });
    }
    ended
}

fn run_folders(
    plan: &Plan,
    folders: &[AnyFolder<'_>],
    means: Means<'_>,
    summary: &mut Summary,
) -> Result<Ended, BatchError> {
    let Means { options, lock, known, stop, .. } = means;
    let output = options.output.as_path();
    isolation::quieten_panics();
    if stop.is_made() {
        // Nothing was begun: what earlier runs left stays as it is.
        return Ok(Ended::Stopped(Stop::before(folders, 0)));
    }
    let ledger = Mutex::new(places::open(plan, options, lock)?);
    let journal = begun::begin(plan, means).map_err(OutputError::at(outputs::journal::file_of(output)))?;
    let mut viewer = Viewer::of_stages(plan);
    let mut ids = RunIds::default();
    let timings = options.timings.then(|| Mutex::new(Timings::default()));
    for (number, folder) in folders.iter().enumerate() {
        if stop.is_made() {
            // The list of what was written goes on naming what earlier runs wrote: the next run decides about it.
            return Ok(Ended::Stopped(Stop::before(folders, number)));
        }
        let of_run = OfRun { means, ledger: &ledger, journal: &journal, timings: timings.as_ref() };
        let (line, paths, images) = match folder {
            AnyFolder::Found(plan) => (begun::line_of(plan, options), &plan.paths, &plan.folder.images),
            AnyFolder::Gone(gone) => (gone.line.clone(), &gone.paths, &gone.images),
        };
        let ids = ids.of_template(&line.template);
        let rows = FolderRows::open(&line, paths, images.len(), ids, &ledger, &options.also)?;
        let RowsDone { counts, wishes } = match folder {
            AnyFolder::Found(plan) => match read_folder(plan, &line, rows, &of_run, &mut viewer, summary)? {
                FolderEnded::Finished(done) => done,
                FolderEnded::Stopped { read } => {
                    journal.sync().map_err(OutputError::at(journal.path()))?;
                    return Ok(Ended::Stopped(Stop::reading(folders, number, read)));
                }
            },
            AnyFolder::Gone(gone) => recall_folder(gone, rows, known, summary)?,
        };
        let known = |_, image: &Image| known.map_or(Ok(None), |known| known.sheet(&line, image.name()));
        let is_recalled = |image: &Image| match folder {
            AnyFolder::Found(plan) => plan.gone.contains(image.name()),
            AnyFolder::Gone(_) => true,
        };
        let all = Grouped { paths, dir: &line.dir, images };
        grouped::group(all, line.is_grouped, wishes, known, is_recalled, &[], &mut ledger.lock())?;
        if let Some(FolderSummary { folder, pace, .. }) = summary.folders.last() {
            let Counts { images, read, diverted, unreadable, doubts } = counts;
            let rate = pace.sheets_per_second;
            info!(folder, images, read, diverted, unreadable, doubts, "`{folder}`: {counts}; {rate:.1} sheets/s");
        }
    }
    let end = Line::End(EndLine { sheets: summary.total.images });
    journal.append(&end).and_then(|()| journal.sync()).map_err(OutputError::at(journal.path()))?;
    places::leave_no_empty(plan, output);
    finish_outputs(output, ledger.into_inner(), options.manifest)?;
    let forgets = !options.resume || options.prune;
    grouping::forget_kept(output, forgets).map_err(OutputError::at(output))?;
    summary.timings = timings.map(|timings| Box::new(timings.into_inner()));
    Ok(Ended::Finished)
}

/// Removes what earlier runs wrote and this one did not, and writes the manifest if one is wanted.
fn finish_outputs(output: &Path, mut ledger: Ledger, manifest: bool) -> Result<(), BatchError> {
    if manifest {
        let path = PathBuf::from(manifest::NAME);
        ledger.announce([path.clone(), outputs::table::partial(&path)]).map_err(OutputError::at(output))?;
        ledger.wrote([path]);
    }
    ledger.finish().map_err(OutputError::at(output))?;
    if manifest {
        manifest::write(output)?;
    }
    Ok(())
}

/// A folder of a run.
pub enum AnyFolder<'p> {
    /// Its sheets are read, or recalled.
    Found(&'p FolderPlan),
    /// It was not found any more: its sheets are recalled.
    Gone(&'p GoneFolder),
}

impl AnyFolder<'_> {
    /// What folders are sorted by, to stand in input order: see [`FolderLine::order`].
    fn order(&self) -> (usize, &Path) {
        match self {
            Self::Found(plan) => (plan.root, &plan.folder.place),
            Self::Gone(gone) => gone.line.order(),
        }
    }

    /// The folder as reached from the input root as typed.
    fn dir(&self) -> &Path {
        match self {
            Self::Found(plan) => &plan.folder.dir,
            Self::Gone(gone) => &gone.line.dir,
        }
    }

    fn paths(&self) -> &FolderPaths {
        match self {
            Self::Found(plan) => &plan.paths,
            Self::Gone(gone) => &gone.paths,
        }
    }

    fn images(&self) -> &[Image] {
        match self {
            Self::Found(plan) => &plan.folder.images,
            Self::Gone(gone) => &gone.images,
        }
    }
}

/// The folders of a plan; those that have gone at their place in input order.
fn in_input_order(plan: &Plan) -> Vec<AnyFolder<'_>> {
    let mut folders: Vec<AnyFolder<'_>> = plan.folders.iter().map(AnyFolder::Found).collect();
    if !plan.gone.is_empty() {
        folders.extend(plan.gone.iter().map(AnyFolder::Gone));
        folders.sort_by(|a, b| a.order().cmp(&b.order()));
    }
    folders
}

/// How a folder ended that did not fail.
enum FolderEnded {
    Finished(RowsDone),
    /// So many of its sheets were read, and not all.
    Stopped {
        read: usize,
    },
}

/// What the folders of a run share.
struct OfRun<'r> {
    means: Means<'r>,
    ledger: &'r Mutex<Ledger>,
    journal: &'r Journal,
    /// What the parts of sheets cost, where that is wanted.
    timings: Option<&'r Mutex<Timings>>,
}

fn read_folder<'r>(
    plan: &'r FolderPlan,
    line: &'r FolderLine,
    rows: FolderRows<'r>,
    of_run: &OfRun<'r>,
    viewer: &mut Viewer,
    summary: &mut Summary,
) -> Result<FolderEnded, BatchError> {
    let OfRun { means: Means { options, known, stop, bars, .. }, ledger, journal, timings } = *of_run;
    ledger.lock().announce(places::files_about_sheets(plan)).map_err(OutputError::at(&options.output))?;
    if let Some(known) = known {
        renamed::rename(plan, line, known, ledger)?;
    }
    let labels: Vec<&str> = line.shape.labels.iter().map(String::as_str).collect();
    let scoring = plan.scoring.as_deref().filter(|_| options.statistics);
    let job = FolderJob {
        plan,
        line,
        options,
        sources: Sources::new(plan.folder.config.limits, plan.folder.fence.clone()),
        ledger,
        journal,
        known,
        timings,
        rows,
        sink: Ordered::default(),
        confidences: ConfidenceColumns::of(&plan.context.template, &labels),
        crop_names: CropNames::of(&labels),
        questions: scoring.map(|scoring| Questions::of(scoring.scorer())),
    };
    let viewer = Some(viewer).filter(|_| shows_stages(plan));
    let sheet = |i, image: &Image, scratch: &mut Scratch, is_shown| job.sheet(i, image, scratch, is_shown);
    let handed = hand_out::hand_out(plan, viewer, stop, bars, sheet);
    summary.add(job.rows.summary());
    handed?;
    let read = job.rows.accounted();
    if stop.is_made() && read < plan.folder.images.len() {
        return Ok(FolderEnded::Stopped { read });
    }
    // Tables that lie in their places name sheets that the journal has.
    journal.sync().map_err(OutputError::at(journal.path()))?;
    Ok(FolderEnded::Finished(job.rows.finish()?))
}

/// Writes the tables of a folder that was not found any more.
fn recall_folder(
    gone: &GoneFolder,
    rows: FolderRows<'_>,
    known: Option<&Known>,
    summary: &mut Summary,
) -> Result<RowsDone, BatchError> {
    for (i, image) in gone.images.iter().enumerate() {
        if let Some(line) = known.map(|known| known.sheet(&gone.line, image.name())).transpose()?.flatten() {
            rows.write(i, image, &line.input, line.done)?;
        }
    }
    summary.add(rows.summary());
    Ok(rows.finish()?)
}
