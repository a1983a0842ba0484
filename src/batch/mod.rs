//! Runs a plan: folders one after the other, the sheets of a folder in parallel, rows in input order.
//!
//! Each folder has a pool of its own. Its workers take the next sheet from a shared counter, one at a time, so that at
//! most as many results wait for their turn as there are workers, unless one sheet is much slower than the others. A
//! worker reads, decodes and judges a sheet, encodes and saves its picture, and hands a light outcome to the ordered
//! sink. One worker is the same path.

mod isolation;
mod ordered;
pub mod summary;

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use parking_lot::Mutex;
use tracing::{debug, info, warn};

use self::ordered::Ordered;
use self::summary::{Counts, FolderSummary, Summary};
use crate::options::tidy;
use crate::outputs::ledger::Ledger;
use crate::outputs::{self, FolderTables, Outcome, OutputError, STATE_FOLDER, paths::as_cell};
use crate::plan::{FolderPlan, Plan};
use crate::scoring::{SheetName, Table};
use crate::sheet::{self, Reason, Scoring, Scratch, SheetError, SheetReport};

/// A file may have this many bytes: no picture within the pixel limit needs more.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// Why a run could not be finished.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// An output could not be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The threads could not be started.
    #[error("the workers cannot be started: {0}")]
    Workers(#[from] rayon::ThreadPoolBuildError),
}

/// Creates the output folders of a whole plan, so that a place that cannot be written is found before the first sheet.
///
/// # Errors
/// [`OutputError`].
pub fn open_outputs(plan: &Plan, output: &Path) -> Result<Ledger, OutputError> {
    fs::create_dir_all(output).map_err(OutputError::at(output))?;
    for folder in &plan.folders {
        outputs::create_folders(&folder.paths, saves_pictures(folder), saves_explanations(folder))?;
    }
    Ledger::open(output).map_err(OutputError::at(output.join(STATE_FOLDER)))
}

fn saves_pictures(plan: &FolderPlan) -> bool {
    plan.folder.config.outputs.save_detections
}

fn saves_explanations(plan: &FolderPlan) -> bool {
    plan.scoring.as_ref().is_some_and(|scoring| scoring.scorer().exports_tables())
}

/// Reads every sheet of the plan.
///
/// # Errors
/// [`BatchError`]. Rows that were finished before it are on disk, in `.partial` files.
pub fn run(plan: &Plan, output: &Path, bars: &MultiProgress) -> Result<Summary, BatchError> {
    isolation::quieten_panics();
    let mut ledger = open_outputs(plan, output)?;
    let state = output.join(STATE_FOLDER);
    let mut summary = Summary::default();
    for folder in &plan.folders {
        ledger.will_write(files_of(folder)).map_err(OutputError::at(&state))?;
        let (counts, unexplained) = run_folder(folder, bars)?;
        ledger.did_not_write(&unexplained);
        summary.total += counts;
        let name = folder.folder.dir.join("").to_string_lossy().into_owned();
        let name = if name.is_empty() { ".".to_owned() } else { name };
        summary.folders.push(FolderSummary { folder: name, counts });
    }
    ledger.finish().map_err(OutputError::at(&state))?;
    Ok(summary)
}

/// Every file that a folder's outputs may consist of, below the output folder.
fn files_of(plan: &FolderPlan) -> Vec<PathBuf> {
    let mut files = Vec::from(outputs::table_files(&plan.paths));
    if saves_pictures(plan) {
        let pictures = plan.paths.pictures();
        let images = plan.folder.images.iter().enumerate();
        files.extend(images.map(|(i, image)| pictures.join(plan.paths.picture(i, image).name)));
    }
    if saves_explanations(plan) {
        let images = plan.folder.images.iter().enumerate();
        files.extend(images.map(|(i, image)| plan.paths.explanation(i, image)));
    }
    files
}

/// Reads the sheets of a folder. The explanation tables that were not written come last: a sheet may be unreadable, or
/// of a set that asks for none.
fn run_folder(plan: &FolderPlan, bars: &MultiProgress) -> Result<(Counts, HashSet<PathBuf>), BatchError> {
    let images = &plan.folder.images;
    let shown = plan.folder.dir.join("");
    let start = Instant::now();
    let job = FolderJob {
        plan,
        tables: FolderTables::open(plan.paths.clone(), &plan.folder)?,
        next: AtomicUsize::new(0),
        failed: AtomicBool::new(false),
        sink: Ordered::default(),
        counts: Mutex::new(Counts { images: images.len(), ..Counts::default() }),
        failure: Mutex::new(None),
        unexplained: Mutex::new(HashSet::new()),
        bar: bars.add(progress_bar(images.len(), &shown)),
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(plan.workers.count)
        .thread_name(|i| format!("sheet-{i}"))
        .build()?;
    pool.scope(|scope| {
        for _ in 0..plan.workers.count {
            scope.spawn(|_| job.work());
        }
    });
    job.bar.finish_and_clear();
    if let Some(error) = job.failure.into_inner() {
        return Err(error.into());
    }
    job.tables.finish()?;
    let counts = job.counts.into_inner();
    if !counts.tally() {
        warn!("`{}`: the counts do not tally, which is a mistake in omr: {counts}", shown.display());
    }
    let seconds = start.elapsed().as_secs_f64();
    info!("`{}`: {counts}; {:.1} sheets/s", shown.display(), images.len() as f64 / seconds.max(1e-9));
    Ok((counts, job.unexplained.into_inner()))
}

fn progress_bar(images: usize, folder: &Path) -> ProgressBar {
    let template = "{msg} {wide_bar} {pos}/{len} {per_sec} {eta} left";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(images as u64).with_style(style).with_message(folder.display().to_string())
}

/// One folder while its workers run.
struct FolderJob<'a> {
    plan: &'a FolderPlan,
    tables: FolderTables,
    next: AtomicUsize,
    failed: AtomicBool,
    /// Outcomes, with the explanation tables that are logged.
    sink: Ordered<(Outcome, Option<Table>)>,
    counts: Mutex<Counts>,
    failure: Mutex<Option<OutputError>>,
    unexplained: Mutex<HashSet<PathBuf>>,
    bar: ProgressBar,
}

impl FolderJob<'_> {
    /// A worker's life: the next sheet, until there is none or an output failed.
    fn work(&self) {
        let images = &self.plan.folder.images;
        let mut scratch = Scratch::default();
        while !self.failed.load(Ordering::Relaxed) {
            let i = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(image) = images.get(i) else { break };
            if let Err(error) = self.sheet(i, image, &mut scratch) {
                self.failed.store(true, Ordering::Relaxed);
                self.failure.lock().get_or_insert(error);
            }
            self.bar.inc(1);
        }
    }

    fn sheet(&self, i: usize, image: &OsStr, scratch: &mut Scratch) -> Result<(), OutputError> {
        let picture = saves_pictures(self.plan).then(|| self.plan.paths.picture(i, image).format);
        let read = isolation::isolated(|| {
            let path = self.plan.folder.dir.join(image);
            let bytes = read_file(&path)?;
            let (file_name, file_path) = (image.to_string_lossy(), as_cell(&tidy(&path)));
            let name = SheetName { file_name: &file_name, file_path: &file_path };
            let scoring = self.plan.scoring.as_deref().map(|by| Scoring { by, name });
            sheet::process(&bytes, &self.plan.context, scoring, picture, scratch)
        });
        let mut explained = None;
        let outcome = match read {
            Ok(SheetReport { columns, multi_marked, doubts, score, picture }) => {
                if let Some(bytes) = picture {
                    self.tables.save_picture(i, image, &bytes)?;
                }
                let exported = score.as_ref().and_then(|score| score.exported.as_ref());
                self.explain(i, image, exported)?;
                let cell = score.map(|score| {
                    explained = score.explained;
                    score.cell
                });
                Outcome::Read { columns, multi_marked, doubts, score: cell }
            }
            Err(error) => {
                if error.reason == Reason::InternalError {
                    // A sheet that ended half-way may have left anything in the buffers.
                    *scratch = Scratch::default();
                }
                self.explain(i, image, None)?;
                Outcome::Failed(error)
            }
        };
        self.sink.push(i, (outcome, explained), |i, (outcome, explained)| self.release(i, outcome, explained))
    }

    /// Writes a sheet's explanation table, or notes that there is none.
    fn explain(&self, i: usize, image: &OsStr, table: Option<&Table>) -> Result<(), OutputError> {
        match table {
            Some(table) => self.tables.save_explanation(i, image, table)?,
            None if saves_explanations(self.plan) => {
                self.unexplained.lock().insert(self.plan.paths.explanation(i, image));
            }
            None => {}
        }
        Ok(())
    }

    /// Writes the rows of a sheet whose turn it is.
    fn release(&self, i: usize, outcome: Outcome, explained: Option<Table>) -> Result<(), OutputError> {
        let image = &self.plan.folder.images[i];
        let path = self.plan.folder.dir.join(image);
        let filed = self.tables.record(i, image, &outcome)?;
        let doubts = match &outcome {
            Outcome::Read { columns, doubts, score, .. } => {
                debug!("`{}`: {}", path.display(), columns.join(" "));
                if let (Some(table), Some(score)) = (explained, score) {
                    info!("`{}`: score {score}{table}", path.display());
                }
                doubts.len()
            }
            Outcome::Failed(error) => {
                warn!("`{}`: {error}", path.display());
                0
            }
        };
        self.counts.lock().add(filed, doubts);
        Ok(())
    }
}

/// Reads a sheet's file.
fn read_file(path: &Path) -> Result<Vec<u8>, SheetError> {
    let gone = |e: std::io::Error| {
        SheetError::new(Reason::ChangedWhileRead, format!("the file was listed, but cannot be read: {e}"))
    };
    let size = fs::metadata(path).map_err(gone)?.len();
    if size > MAX_FILE_BYTES {
        let detail = format!("the file has {size} bytes; at most {MAX_FILE_BYTES} are read");
        return Err(SheetError::new(Reason::TooLarge, detail));
    }
    fs::read(path).map_err(gone)
}
