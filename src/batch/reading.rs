//! A worker's side of a folder: a sheet is recalled from an earlier run, or read, and what it leaves behind is saved and noted;
//! then its rows wait for their turn.

use std::ffi::OsStr;
use std::path::PathBuf;

use parking_lot::Mutex;
use tracing::{debug, info, warn};

use super::ordered::Ordered;
use super::rows::FolderRows;
use super::sources::Sources;
use super::timings::Timings;
use super::{BatchError, isolation, places, renamed};
use crate::digest::Digest;
use crate::file_names::{as_cell, tidy};
use crate::images::Image;
use crate::imaging::overlay::EncodeError;
use crate::options::Options;
use crate::outputs::cells::Cells;
use crate::outputs::confidence::ConfidenceColumns;
use crate::outputs::crops::CropNames;
use crate::outputs::done::{Done, Outcome, Written};
use crate::outputs::grouping::GroupedSheet;
use crate::outputs::journal::{FolderLine, Journal, Known, Line, SheetLine, Source, Stamp};
use crate::outputs::ledger::Ledger;
use crate::outputs::sheet_files::SheetFiles;
use crate::outputs::{self, OutputError};
use crate::plan::FolderPlan;
use crate::scoring::{SheetNames, Table};
use crate::sheet::drawings::stack;
use crate::sheet::stages::Stage;
use crate::sheet::{
    self, Crop, Levels, Pictures, Reason, Request, Scoring, Scratch, SheetError, SheetReport, SheetScore, Stages, Turn,
    clock::Part,
};
use crate::statistics::Questions;

/// One folder while its workers run.
pub struct FolderJob<'a> {
    pub plan: &'a FolderPlan,
    /// What its tables look like.
    pub line: &'a FolderLine,
    pub options: &'a Options,
    pub sources: Sources,
    /// Names of crops go there as they are made; they are known by no other way.
    pub ledger: &'a Mutex<Ledger>,
    pub journal: &'a Journal,
    /// What an earlier run knows, if this one goes on with it.
    pub known: Option<&'a Known>,
    pub timings: Option<&'a Mutex<Timings>>,
    pub rows: FolderRows<'a>,
    pub sink: Ordered<(Done, Told)>,
    pub confidences: ConfidenceColumns,
    pub crop_names: CropNames,
    /// The questions of its statistics, if they are made.
    pub questions: Option<Questions>,
}

/// What is told of a sheet beside its rows, when it is its turn.
#[derive(Default)]
pub struct Told {
    /// The column `input_path`.
    input: String,
    /// It was read by an earlier run.
    is_recalled: bool,
    /// How the sheet lay.
    turn: Turn,
    /// The number of the sheet's layout.
    layout: usize,
    /// The explanation table that is logged.
    explained: Option<Table>,
}

impl FolderJob<'_> {
    /// Has a sheet done and noted, by whatever way. Gives its stage pictures for the window, if there is one.
    ///
    /// # Errors
    /// [`BatchError`]: an output cannot be written, or the journal cannot be used.
    pub fn sheet(
        &self,
        i: usize,
        image: &Image,
        scratch: &mut Scratch,
        is_shown: bool,
    ) -> Result<Vec<Stage>, BatchError> {
        let path = self.path(image);
        let input = as_cell(&tidy(&path));
        if let Some(known) = self.known
            && let Some(line) = known.sheet(self.line, image.name())?
            && let Some(recalled) = self.recall(line, &path, &input)?
        {
            let told = Told { input: recalled.input, is_recalled: true, ..Told::default() };
            self.sink.push(i, (recalled.done, told), |i, (done, told)| self.release(i, done, told))?;
            return Ok(Vec::new());
        }
        let config = &self.plan.folder.config;
        let shown = if is_shown { config.outputs.show_image_level } else { 0 };
        let levels = Levels { saved: config.outputs.save_image_level, shown };
        let mut stages = Stages::of(levels, config.display_size.width);
        scratch.clock.turn(self.timings.is_some());
        self.read(i, image, path, input, scratch, &mut stages)?;
        if let (Some(timings), Some(spent)) = (self.timings, scratch.clock.lap()) {
            timings.lock().add(&spent);
        }
        Ok(stages.shown().collect())
    }

    fn path(&self, image: &Image) -> PathBuf {
        self.plan.folder.dir.join(image.file())
    }

    /// What an earlier run left of a sheet, if that is what this run would make of it.
    fn recall(&self, line: SheetLine, path: &std::path::Path, input: &str) -> Result<Option<SheetLine>, BatchError> {
        if self.plan.gone.contains(line.image.name()) {
            let (line, is_other) = renamed::renamed(line, &self.plan.paths);
            if is_other {
                self.note(line.clone())?;
            }
            return Ok(Some(line));
        }
        let is_as_before = line.setting == self.plan.setting.id && line.input == input;
        let Some(source) = line.source.filter(|_| is_as_before && !line.done.may_be_otherwise()) else {
            return Ok(None);
        };
        let lies_there = |file: &Written| file.lies_at(&self.plan.paths.on_disk(&file.path));
        if !line.done.files.iter().all(lies_there) || self.is_named_otherwise(&line) {
            return Ok(None);
        }
        let found = match std::fs::metadata(path) {
            Ok(found) => Stamp::of(&found),
            // It has gone since it was listed: its row stays, as those of all files that have.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Some(line)),
            Err(_) => return Ok(None),
        };
        if found == source.stamp {
            return Ok(Some(line));
        }
        // Copied or touched, and perhaps the same: its content decides.
        let digest = || match line.image.page_number() {
            None => Digest::of_file(path).ok(),
            // Of a file with pages once for all of them.
            Some(_) => Some(self.sources.open(&self.plan.folder.dir, &line.image).ok()?.source().ok()?.sha256),
        };
        if found.bytes != source.stamp.bytes || digest() != Some(source.sha256) {
            return Ok(None);
        }
        let line = SheetLine { source: Some(Source { stamp: found, ..source }), ..line };
        self.note(line.clone())?;
        Ok(Some(line))
    }

    /// Would a file about it be called otherwise now, since another sheet has come or gone?
    fn is_named_otherwise(&self, line: &SheetLine) -> bool {
        let (paths, name) = (&self.plan.paths, line.image.name());
        let (crops, picture) = (paths.crops_of(name), paths.picture(name).name);
        let level = self.plan.folder.config.outputs.save_image_level;
        let now = [
            paths.pictures().join(&picture),
            paths.coloured().join(&picture),
            paths.explanation(name),
            paths.stack(name, level),
        ];
        line.done.files.iter().any(|file| !file.path.starts_with(&crops) && !now.contains(&file.path))
    }

    fn note(&self, line: SheetLine) -> Result<(), OutputError> {
        self.journal.append(&Line::Sheet(Box::new(line))).map_err(OutputError::at(self.journal.path()))
    }

    fn read(
        &self,
        i: usize,
        image: &Image,
        path: PathBuf,
        input: String,
        scratch: &mut Scratch,
        stages: &mut Stages,
    ) -> Result<(), BatchError> {
        let name = image.name();
        let pictures = places::saves_pictures(self.plan).then(|| Pictures {
            format: self.plan.paths.picture(name).format,
            in_colour: places::saves_coloured(self.plan),
        });
        let mut source = None;
        let read = isolation::with_buffers(scratch, |scratch| {
            let folder = &self.plan.folder;
            scratch.begin(&folder.config.limits);
            scratch.clock.begin(Part::File);
            let opened = self.sources.open(&folder.dir, image)?;
            source = Some(opened.source()?);
            let (scan, names) = (opened.scan(&self.plan.context, scratch.picture)?, SheetNames::of(name, &path));
            let keeps_grades = self.questions.is_some();
            let scoring = self.plan.scoring.as_deref().map(|by| Scoring { by, keeps_grades });
            let request = Request { scoring, pictures, doubts: self.options.doubts };
            sheet::process(&scan, &self.plan.context, names.name(), request, scratch, stages)
        });
        scratch.clock.begin(Part::Write);
        let mut files = SheetFiles::of(&self.plan.paths, name);
        self.stack(image, stages, &mut files)?;
        let mut told = Told { input, ..Told::default() };
        let (mut id, mut responses, mut is_unanswered) = (None, None, false);
        let outcome = match read {
            Ok(report) => {
                let SheetReport { layout, columns, multi_marked, doubts, confidences, crops, score, .. } = report;
                let SheetReport { picture, coloured, turn, is_unanswered: unanswered, .. } = report;
                (told.turn, told.layout, id, is_unanswered) = (turn, layout, report.id, unanswered);
                self.crop(&crops, &mut files)?;
                picture.map_or(Ok(()), |bytes| files.save_picture(&bytes))?;
                coloured.map_or(Ok(()), |bytes| files.save_coloured(&bytes))?;
                let score = score.map(|score| -> Result<String, OutputError> {
                    score
                        .exported
                        .map_or(Ok(()), |table| files.save_explanation(&table, Cells::of(self.options.safe_cells)))?;
                    told.explained = score.explained;
                    responses = score.grades.and_then(|grades| self.responses(&grades));
                    Ok(score.cell)
                });
                let score = score.transpose()?;
                let doubts = doubts.into_iter().map(Into::into).collect();
                let confidences = self.confidences.cells(layout, &confidences).collect();
                Outcome::Read { columns, multi_marked, doubts, confidences, score }
            }
            Err(error) => Outcome::Failed(error),
        };
        // A page is grouped by its marked picture, and called by it.
        let picture = image.page_number().map(|_| self.plan.paths.picture(name).name);
        let called = picture.as_deref().unwrap_or(name);
        let grouped = || grouped_sheet(called, &told.input, &outcome, self.plan);
        let wish = self.plan.grouping.as_ref().map(|grouping| grouping.wish(grouped()));
        let done = Done { outcome, id, is_unanswered, responses, wish, files: files.written() };
        self.note(SheetLine {
            place: self.plan.folder.place.clone(),
            image: image.clone(),
            input: told.input.clone(),
            source,
            setting: self.plan.setting.id,
            done: done.clone(),
        })?;
        Ok(self.sink.push(i, (done, told), |i, (done, told)| self.release(i, done, told))?)
    }

    /// Saves the crops of a sheet's doubtful fields.
    fn crop(&self, crops: &[Crop], files: &mut SheetFiles<'_>) -> Result<(), OutputError> {
        if crops.is_empty() {
            return Ok(());
        }
        let names = files.crops(&self.crop_names, crops);
        let output = &self.options.output;
        self.ledger.lock().announce(names.iter().cloned()).map_err(OutputError::at(output))?;
        files.save_crops(names, crops)
    }

    /// Saves a sheet's stage pictures, if they are wanted and there are any.
    fn stack(&self, image: &Image, stages: &Stages, files: &mut SheetFiles<'_>) -> Result<(), OutputError> {
        if !places::saves_stacks(self.plan) {
            return Ok(());
        }
        let encoded = isolation::isolated(|| {
            let failed = |e: EncodeError| SheetError::new(Reason::InternalError, e.to_string());
            stack::encoded(stages.saved()).map_err(failed)
        });
        match encoded {
            Ok(Some(bytes)) => files.save_stack(self.plan.folder.config.outputs.save_image_level, &bytes),
            Ok(None) => Ok(()),
            Err(error) => {
                let file = self.path(image);
                warn!(file = %file.display(), "`{}`: no stage pictures: {error}", image.name().display());
                Ok(())
            }
        }
    }

    /// What a sheet says to the statistics.
    fn responses(&self, grades: &SheetScore) -> Option<Vec<Option<crate::statistics::Response>>> {
        let (questions, scoring) = self.questions.as_ref().zip(self.plan.scoring.as_deref())?;
        let values: Vec<&str> = grades.values.iter().map(String::as_str).collect();
        Some(questions.responses(scoring.scorer(), &grades.score, &values, Some(&grades.multi_marked)))
    }

    /// Writes the rows of a sheet whose turn it is.
    fn release(&self, i: usize, done: Done, told: Told) -> Result<(), OutputError> {
        let Some(image) = self.plan.folder.images.get(i) else { return Ok(()) };
        let path = self.plan.folder.dir.join(image.name());
        let file = path.display();
        match &done.outcome {
            _ if told.is_recalled => debug!(file = %file, "`{file}`: read by an earlier run"),
            Outcome::Read { columns, score, .. } => {
                if told.turn != Turn::None {
                    let degrees = told.turn.degrees();
                    debug!(file = %file, degrees, "`{file}`: lay turned clockwise by {degrees}°");
                }
                if let Some(layout) = self.plan.context.layout_name(told.layout) {
                    debug!(file = %file, layout, "`{file}`: has the layout of the conditional set `{layout}`");
                }
                debug!(file = %file, "`{file}`: {}", columns.join(" "));
                if let (Some(table), Some(score)) = (told.explained, score) {
                    info!(file = %file, score, "`{file}`: score {score}{table}");
                }
            }
            Outcome::Failed(error) => {
                warn!(file = %file, reason = error.reason.as_str(), "`{file}`: {error}");
            }
        }
        self.rows.write(i, image, &told.input, done)
    }
}

/// What patterns may ask of a sheet, as its row has it.
fn grouped_sheet<'s>(image: &'s OsStr, path: &'s str, outcome: &'s Outcome, plan: &FolderPlan) -> GroupedSheet<'s> {
    match outcome {
        Outcome::Read { columns, multi_marked, score, .. } => {
            let is_diverted = *multi_marked && plan.diverts_multi_marked();
            let score = score.as_deref().filter(|_| !is_diverted).unwrap_or(outputs::NOT_SCORED);
            GroupedSheet { image, path, score, multi_marked: *multi_marked, columns }
        }
        Outcome::Failed(_) => {
            GroupedSheet { image, path, score: outputs::NOT_SCORED, multi_marked: false, columns: &[] }
        }
    }
}
