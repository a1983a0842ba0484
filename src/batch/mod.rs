//! Runs a plan: folders one after the other, the sheets of a folder in parallel, rows in input order.
//!
//! Workers take the next sheet one at a time (`hand_out`), so that at most as many results wait for their turn as there are
//! workers, unless one sheet is much slower than the others. A worker reads, decodes and judges a sheet, encodes and saves
//! its picture, and hands a light outcome to the ordered sink. One worker is the same path.

mod duplicates;
mod hand_out;
pub(crate) mod isolation;
pub mod layouts;
mod ordered;
mod stop;
pub mod summary;
pub mod timings;
mod viewing;

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use indicatif::MultiProgress;
use parking_lot::Mutex;
use tracing::{debug, info, warn};

use self::duplicates::{Ids, RunIds};
use self::ordered::Ordered;
pub use self::stop::Stop;
use self::summary::{Counts, FolderSummary, Summary};
use self::timings::Timings;
use self::viewing::{Viewer, shows_stages};
use crate::file_names::{IMAGE_EXTENSIONS, as_cell, extension, shown, tidy};
use crate::images::Image;
use crate::imaging::overlay::EncodeError;
use crate::options::Options;
use crate::outputs::grouping::{self, Grouped, GroupedSheet, Wish};
use crate::outputs::ledger::Ledger;
use crate::outputs::paths::{ORGANIZED, is_layout};
use crate::outputs::{self, Filed, FolderTables, Outcome, OutputError};
use crate::plan::{FolderPlan, Plan};
use crate::scoring::{SheetNames, Table};
use crate::sheet::drawings::stack;
use crate::sheet::stages::Stage;
use crate::sheet::{
    self, Crop, Levels, Pictures, Reason, Request, Scoring, Scratch, SheetError, SheetReport, SheetScore, Stages, Turn,
    clock::Part,
};
use crate::statistics::Collector;

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

/// Tries all places of a plan, so that one that cannot be written is found before the first sheet.
fn open_outputs(plan: &Plan, output: &Path) -> Result<Ledger, OutputError> {
    let mut ledger = outputs::open_root(output)?;
    // Pictures of the layout are looked at beside the results.
    ledger.keep(is_layout);
    // Links to sheets lie among the grouped ones. They go first, so that nothing can be written through them.
    let is_image = |path: &Path| {
        path.file_name().and_then(extension).is_some_and(|extension| IMAGE_EXTENSIONS.contains(&extension.as_str()))
    };
    let is_grouped = |path: &Path| is_image(path) && path.components().any(|part| part.as_os_str() == ORGANIZED);
    ledger.remove_earlier(is_grouped).map_err(OutputError::at(output))?;
    for folder in &plan.folders {
        let tables = outputs::table_files_and_partials(&folder.paths);
        ledger.announce(tables).map_err(OutputError::at(output))?;
        outputs::try_places(&folder.paths, &places_besides(folder))?;
        if saves_pictures(folder) {
            outputs::try_crops(&folder.paths)?;
        }
    }
    Ok(ledger)
}

/// The folders that a folder's outputs besides its tables need, below the output folder.
fn places_besides(plan: &FolderPlan) -> Vec<PathBuf> {
    let paths = &plan.paths;
    let pictures = saves_pictures(plan).then(|| paths.pictures());
    let coloured = saves_coloured(plan).then(|| paths.coloured());
    let explanations = saves_explanations(plan).then(|| paths.explanations());
    let stacks = saves_stacks(plan).then(|| paths.stacks());
    let grouped = plan.grouping.is_some().then(|| paths.organized());
    [pictures, coloured, explanations, stacks, grouped].into_iter().flatten().collect()
}

fn saves_coloured(plan: &FolderPlan) -> bool {
    saves_pictures(plan) && plan.folder.config.outputs.colored_outputs
}

fn saves_pictures(plan: &FolderPlan) -> bool {
    plan.folder.config.outputs.save_detections
}

fn saves_stacks(plan: &FolderPlan) -> bool {
    plan.folder.config.outputs.save_image_level > 0
}

fn saves_explanations(plan: &FolderPlan) -> bool {
    plan.scoring.as_ref().is_some_and(|scoring| scoring.scorer().exports_tables())
}

/// How a run ended that did not fail.
#[derive(Debug)]
pub enum Ended {
    /// Every sheet is done.
    Finished(Summary),
    /// A person stopped it. What was made of the sheets that were begun is on disk, rows of an unfinished folder in `.partial`
    /// files.
    Stopped(Stop),
}

/// Reads every sheet of the plan, unless it is stopped. Called on the main thread.
///
/// # Errors
/// [`BatchError`]. Rows that were finished before it are on disk, in `.partial` files.
pub fn run(plan: &Plan, options: &Options, bars: &MultiProgress) -> Result<Ended, BatchError> {
    let output = options.output.as_path();
    isolation::quieten_panics();
    let mut ledger = Mutex::new(open_outputs(plan, output)?);
    let mut viewer = Viewer::of_stages(plan);
    let stopped = AtomicBool::new(false);
    let mut ids = RunIds::default();
    let timings = options.timings.then(|| Mutex::new(Timings::default()));
    let mut summary = Summary::default();
    for (number, folder) in plan.folders.iter().enumerate() {
        if stopped.load(Ordering::Relaxed) {
            // The list of what was written goes on naming what earlier runs wrote: the next run decides about it.
            return Ok(Ended::Stopped(Stop::before(plan, number)));
        }
        let sheet_files =
            || picture_files(folder).chain(explanation_files(folder)).chain(stack_files(folder)).map(|(_, path)| path);
        ledger.get_mut().announce(sheet_files()).map_err(OutputError::at(output))?;
        let ids = ids.of_template(&folder.context.template.file);
        let of_run = OfRun { options, ledger: &ledger, ids, timings: timings.as_ref() };
        let done = match run_folder(folder, of_run, bars, &mut viewer, &stopped)? {
            FolderEnded::Finished(done) => done,
            FolderEnded::Stopped { read } => return Ok(Ended::Stopped(Stop::reading(plan, number, read))),
        };
        let ledger = ledger.get_mut();
        ledger.wrote(done.tables);
        ledger.wrote(picture_files(folder).filter(|(i, _)| !done.unreadable.contains(i)).map(|(_, path)| path));
        ledger.wrote(explanation_files(folder).filter(|(i, _)| !done.unexplained.contains(i)).map(|(_, path)| path));
        ledger.wrote(stack_files(folder).filter(|(i, _)| !done.unstacked.contains(i)).map(|(_, path)| path));
        if folder.grouping.is_some() {
            let (paths, dir, images) = (&folder.paths, folder.folder.dir.as_path(), &folder.folder.images);
            grouping::organize(Grouped { paths, dir, images }, done.wishes, ledger)?;
        }
        summary.total += done.counts;
        let name = shown(&folder.folder.dir).join("").to_string_lossy().into_owned();
        summary.folders.push(FolderSummary { folder: name, counts: done.counts });
    }
    ledger.into_inner().finish().map_err(OutputError::at(output))?;
    summary.timings = timings.map(|timings| Box::new(timings.into_inner()));
    Ok(Ended::Finished(summary))
}

/// The marked pictures of a folder with the numbers of their sheets, below the output folder.
fn picture_files(plan: &FolderPlan) -> impl Iterator<Item = (usize, PathBuf)> {
    let images = plan.folder.images.iter().enumerate().filter(|_| saves_pictures(plan));
    images.flat_map(|(i, image)| {
        let name = plan.paths.picture(image.name()).name;
        let coloured = saves_coloured(plan).then(|| plan.paths.coloured().join(&name));
        std::iter::once(plan.paths.pictures().join(&name)).chain(coloured).map(move |path| (i, path))
    })
}

/// The explanation tables of a folder with the numbers of their sheets, below the output folder.
fn explanation_files(plan: &FolderPlan) -> impl Iterator<Item = (usize, PathBuf)> {
    let images = plan.folder.images.iter().enumerate().filter(|_| saves_explanations(plan));
    images.map(|(i, image)| (i, plan.paths.explanation(image.name())))
}

/// The stage pictures of a folder with the numbers of their sheets, below the output folder.
fn stack_files(plan: &FolderPlan) -> impl Iterator<Item = (usize, PathBuf)> {
    let level = plan.folder.config.outputs.save_image_level;
    let images = plan.folder.images.iter().enumerate().filter(|_| saves_stacks(plan));
    images.map(move |(i, image)| (i, plan.paths.stack(image.name(), level)))
}

/// How a folder ended that did not fail.
enum FolderEnded {
    Finished(Box<FolderDone>),
    /// So many of its sheets were read, and not all.
    Stopped {
        read: usize,
    },
}

/// A folder that was read.
struct FolderDone {
    counts: Counts,
    /// The tables that were written, below the output folder.
    tables: Vec<PathBuf>,
    /// Numbers of the sheets that could not be read.
    unreadable: HashSet<usize>,
    /// Numbers of the sheets without an explanation table: unreadable, or of a set that asks for none.
    unexplained: HashSet<usize>,
    /// Numbers of the sheets without stage pictures: no picture could be decoded.
    unstacked: HashSet<usize>,
    /// Where each sheet is wished to be, if sheets are grouped.
    wishes: Vec<Wish>,
}

/// What the folders of a run share.
struct OfRun<'r> {
    options: &'r Options,
    /// Names of crops go there as they are made; they are known by no other way.
    ledger: &'r Mutex<Ledger>,
    /// Those of the folder's template.
    ids: &'r mut Ids,
    /// What the parts of sheets cost, where that is wanted.
    timings: Option<&'r Mutex<Timings>>,
}

fn run_folder(
    plan: &FolderPlan,
    of_run: OfRun<'_>,
    bars: &MultiProgress,
    viewer: &mut Viewer,
    stopped: &AtomicBool,
) -> Result<FolderEnded, BatchError> {
    let images = &plan.folder.images;
    let name = shown(&plan.folder.dir).join("");
    let start = Instant::now();
    let OfRun { options, ledger, ids, timings } = of_run;
    let job = FolderJob {
        plan,
        options,
        ledger,
        ids: Mutex::new(ids),
        timings,
        tables: FolderTables::open(
            plan.paths.clone(),
            &plan.context.template,
            plan.folder.config.outputs.filter_out_multimarked_files,
        )?,
        sink: Ordered::default(),
        counts: Mutex::new(Counts { images: images.len(), ..Counts::default() }),
        unreadable: Mutex::new(HashSet::new()),
        unexplained: Mutex::new(HashSet::new()),
        unstacked: Mutex::new(HashSet::new()),
        wishes: Mutex::new(Vec::new()),
        statistics: plan
            .scoring
            .as_deref()
            .filter(|_| options.statistics)
            .map(|by| Mutex::new(Collector::new(by.scorer()))),
    };
    let viewer = Some(viewer).filter(|_| shows_stages(plan));
    let sheet = |i, image: &Image, scratch: &mut Scratch, is_shown| job.sheet(i, image, scratch, is_shown);
    hand_out::hand_out(plan, viewer, stopped, bars, sheet)?;
    let read = job.counts.lock().accounted();
    if stopped.load(Ordering::Relaxed) && read < images.len() {
        return Ok(FolderEnded::Stopped { read });
    }
    let mut tables = Vec::from(job.tables.finish()?);
    if let Some(collector) = &job.statistics {
        tables.extend(outputs::write_statistics(&plan.paths, collector.lock().statistics())?);
    }
    let counts = job.counts.into_inner();
    if !counts.tally() {
        warn!("`{}`: the counts do not tally, which is a mistake in omr: {counts}", name.display());
    }
    let seconds = start.elapsed().as_secs_f64();
    info!("`{}`: {counts}; {:.1} sheets/s", name.display(), images.len() as f64 / seconds.max(1e-9));
    let (unreadable, unexplained) = (job.unreadable.into_inner(), job.unexplained.into_inner());
    let (unstacked, wishes) = (job.unstacked.into_inner(), job.wishes.into_inner());
    Ok(FolderEnded::Finished(Box::new(FolderDone { counts, tables, unreadable, unexplained, unstacked, wishes })))
}

/// What is told of a sheet beside its rows, when it is its turn.
#[derive(Default)]
struct Told {
    /// How the sheet lay.
    turn: Turn,
    /// The number of the sheet's layout.
    layout: usize,
    /// The explanation table that is logged.
    explained: Option<Table>,
    /// What each question earned, for statistics.
    grades: Option<SheetScore>,
    /// What identifies the sheet, for sure.
    id: Option<String>,
}

/// One folder while its workers run.
struct FolderJob<'a> {
    plan: &'a FolderPlan,
    options: &'a Options,
    ledger: &'a Mutex<Ledger>,
    /// Fed in input order.
    ids: Mutex<&'a mut Ids>,
    timings: Option<&'a Mutex<Timings>>,
    tables: FolderTables,
    sink: Ordered<(Outcome, Told)>,
    counts: Mutex<Counts>,
    unreadable: Mutex<HashSet<usize>>,
    unexplained: Mutex<HashSet<usize>>,
    unstacked: Mutex<HashSet<usize>>,
    /// Fed in input order, if sheets are grouped.
    wishes: Mutex<Vec<Wish>>,
    /// Fed in input order, if it is asked for and sheets are scored.
    statistics: Option<Mutex<Collector>>,
}

impl FolderJob<'_> {
    /// Reads a sheet and writes what it leaves behind. Gives its stage pictures for the window, if there is one.
    fn sheet(&self, i: usize, image: &Image, scratch: &mut Scratch, is_shown: bool) -> Result<Vec<Stage>, OutputError> {
        let config = &self.plan.folder.config;
        let shown = if is_shown { config.outputs.show_image_level } else { 0 };
        let levels = Levels { saved: config.outputs.save_image_level, shown };
        let mut stages = Stages::of(levels, config.display_size.width);
        scratch.clock.turn(self.timings.is_some());
        self.read(i, image, scratch, &mut stages)?;
        if let (Some(timings), Some(spent)) = (self.timings, scratch.clock.lap()) {
            timings.lock().add(&spent);
        }
        Ok(stages.shown().collect())
    }

    fn read(&self, i: usize, image: &Image, scratch: &mut Scratch, stages: &mut Stages) -> Result<(), OutputError> {
        let (name, path) = (image.name(), self.plan.folder.dir.join(image.file()));
        let pictures = saves_pictures(self.plan)
            .then(|| Pictures { format: self.plan.paths.picture(name).format, in_colour: saves_coloured(self.plan) });
        let read = isolation::with_buffers(scratch, |scratch| {
            scratch.clock.begin(Part::File);
            let (bytes, names) = (read_file(&path)?, SheetNames::of(name, &path));
            let keeps_grades = self.statistics.is_some();
            let scoring = self.plan.scoring.as_deref().map(|by| Scoring { by, keeps_grades });
            let request = Request { scoring, pictures, doubts: self.options.doubts };
            sheet::process(&bytes, &self.plan.context, names.name(), request, scratch, stages)
        });
        scratch.clock.begin(Part::Write);
        self.stack(i, name, stages)?;
        let mut told = Told::default();
        let outcome = match read {
            Ok(report) => {
                let SheetReport { layout, columns, multi_marked, doubts, confidences, id, crops, score, .. } = report;
                let SheetReport { picture, coloured, turn, .. } = report;
                (told.turn, told.id) = (turn, id);
                self.crop(name, &crops)?;
                if let Some(bytes) = picture {
                    self.tables.save_picture(name, &bytes)?;
                }
                if let Some(bytes) = coloured {
                    self.tables.save_coloured(name, &bytes)?;
                }
                told.layout = layout;
                let exported = score.as_ref().and_then(|score| score.exported.as_ref());
                self.explain(i, name, exported)?;
                let cell = score.map(|score| {
                    (told.explained, told.grades) = (score.explained, score.grades);
                    score.cell
                });
                Outcome::Read { columns, multi_marked, doubts, layout, confidences, score: cell }
            }
            Err(error) => {
                self.explain(i, name, None)?;
                Outcome::Failed(error)
            }
        };
        self.sink.push(i, (outcome, told), |i, (outcome, told)| self.release(i, outcome, told))
    }

    /// Saves the crops of a sheet's doubtful fields.
    fn crop(&self, image: &OsStr, crops: &[Crop]) -> Result<(), OutputError> {
        if crops.is_empty() {
            return Ok(());
        }
        let files = self.tables.crop_files(image, crops);
        let output = &self.options.output;
        self.ledger.lock().announce(files.iter().cloned()).map_err(OutputError::at(output))?;
        self.tables.save_crops(image, &files, crops)?;
        self.ledger.lock().wrote(files);
        Ok(())
    }

    /// Saves a sheet's stage pictures, or notes that there are none.
    fn stack(&self, i: usize, image: &OsStr, stages: &Stages) -> Result<(), OutputError> {
        if !saves_stacks(self.plan) {
            return Ok(());
        }
        let level = self.plan.folder.config.outputs.save_image_level;
        let encoded = isolation::isolated(|| {
            let failed = |e: EncodeError| SheetError::new(Reason::InternalError, e.to_string());
            stack::encoded(stages.saved()).map_err(failed)
        });
        match encoded {
            Ok(Some(bytes)) => return self.tables.save_stack(image, level, &bytes),
            Ok(None) => {}
            Err(error) => warn!("`{}`: no stage pictures: {error}", image.display()),
        }
        self.unstacked.lock().insert(i);
        Ok(())
    }

    /// Writes a sheet's explanation table, or notes that there is none.
    fn explain(&self, i: usize, image: &OsStr, table: Option<&Table>) -> Result<(), OutputError> {
        match table {
            Some(table) => self.tables.save_explanation(image, table)?,
            None if saves_explanations(self.plan) => {
                self.unexplained.lock().insert(i);
            }
            None => {}
        }
        Ok(())
    }

    /// Adds a sheet to the statistics.
    fn count(&self, grades: Option<SheetScore>) {
        if let (Some(collector), Some(scoring), Some(grades)) = (&self.statistics, &self.plan.scoring, grades) {
            let values: Vec<&str> = grades.values.iter().map(String::as_str).collect();
            collector.lock().add(scoring.scorer(), &grades.score, &values, Some(&grades.multi_marked));
        }
    }

    /// Writes the rows of a sheet whose turn it is.
    fn release(&self, i: usize, mut outcome: Outcome, told: Told) -> Result<(), OutputError> {
        let image = &self.plan.folder.images[i];
        let (name, path) = (image.name(), self.plan.folder.dir.join(image.file()));
        if let (Outcome::Read { doubts, .. }, Some(id)) = (&mut outcome, told.id) {
            let file = as_cell(&self.plan.folder.place.join(name));
            if let Some(doubt) = self.ids.lock().take(id, file) {
                let about_sheet = doubts.iter().take_while(|doubt| doubt.is_of_sheet()).count();
                doubts.insert(about_sheet, doubt);
            }
        }
        let filed = self.tables.record(name, &path, &outcome)?;
        if let Some(grouping) = &self.plan.grouping {
            self.wishes.lock().push(grouping.wish(grouped_sheet(name, &as_cell(&tidy(&path)), &outcome, filed)));
        }
        let doubts = match &outcome {
            Outcome::Read { columns, doubts, score, .. } => {
                if told.turn != Turn::None {
                    debug!("`{}`: lay turned clockwise by {}°", path.display(), told.turn.degrees());
                }
                if let Some(layout) = self.plan.context.layout_name(told.layout) {
                    debug!("`{}`: has the layout of the conditional set `{layout}`", path.display());
                }
                debug!("`{}`: {}", path.display(), columns.join(" "));
                self.count(told.grades);
                if let (Some(table), Some(score)) = (told.explained, score) {
                    info!("`{}`: score {score}{table}", path.display());
                }
                doubts.len()
            }
            Outcome::Failed(error) => {
                warn!("`{}`: {error}", path.display());
                self.unreadable.lock().insert(i);
                0
            }
        };
        self.counts.lock().add(filed, doubts);
        Ok(())
    }
}

/// What patterns may ask of a sheet, as its row has it.
fn grouped_sheet<'s>(image: &'s OsStr, path: &'s str, outcome: &'s Outcome, filed: Filed) -> GroupedSheet<'s> {
    match outcome {
        Outcome::Read { columns, multi_marked, score, .. } => {
            let score = score.as_deref().filter(|_| filed == Filed::Read).unwrap_or(outputs::NOT_SCORED);
            GroupedSheet { image, path, score, multi_marked: *multi_marked, columns }
        }
        Outcome::Failed(_) => {
            GroupedSheet { image, path, score: outputs::NOT_SCORED, multi_marked: false, columns: &[] }
        }
    }
}

/// Reads a sheet's file.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, SheetError> {
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
