//! `omr rescore`: an earlier run's tables, scored again by another evaluation. No picture of a sheet is read: the rows of
//! Results.csv hold the values, and the files that are named hold the rest.
//!
//! Without a template it is not known which values of a field stand for blank where a block states its own, and what
//! can be marked; a key that is a picture cannot be read. The run says so where it matters.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::{info, warn};

use crate::cli::{LockPolicy, RescoreArgs};
use crate::config::OutputMode;
use crate::dialect::Dialect;
use crate::evaluation::{Evaluation, SetupProblem};
use crate::json::{DocumentError, Rules};
use crate::outputs::cells::Cells;
use crate::outputs::journal;
use crate::outputs::lock::OutputLock;
use crate::outputs::paths::{FolderPaths, places_with_results};
use crate::outputs::sheet_files::SheetFiles;
use crate::outputs::table::Table;
use crate::outputs::{self, OutputError};
use crate::plan::{self, PlanError};
use crate::reach::Reach;
use crate::scoring::{Built, Scorer, SheetName, SheetValues, python_float};
use crate::sheet::SheetContext;
use crate::signals::StopRequest;
use crate::statistics::Collector;
use crate::walk::{GovernedTemplate, told};

/// Columns of Results.csv before the values.
const HEAD: [&str; 4] = ["file_id", "input_path", "output_path", "score"];

/// Why an earlier run cannot be scored again.
#[derive(Debug, thiserror::Error)]
pub enum RescoreError {
    /// The evaluation, template or config is wrong.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The template cannot be made ready.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The evaluation does not fit the results.
    #[error("{0}")]
    Scoring(SetupProblem),
    /// The results are not what a run writes.
    #[error("`{}`: {what}", path.display())]
    Results {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// An output could not be written.
    #[error(transparent)]
    Output(#[from] OutputError),
}

/// Who moved.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Moves {
    /// Sheets that were scored again.
    pub sheets: usize,
    /// Those whose score is another now.
    pub moved: usize,
    /// The largest change, with its sign.
    pub largest: f64,
}

impl fmt::Display for Moves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sheets, moved, largest } = self;
        write!(f, "{sheets} sheet(s) scored again, {moved} moved")?;
        if *moved > 0 {
            write!(f, "; the largest change is {}", python_float((largest * 1e6).round() / 1e6))?;
        }
        Ok(())
    }
}

/// Scores an earlier run again and writes the tables of a run, with `Results/Moved.csv` beside them.
///
/// # Errors
/// All that is wrong with the files named, or the first thing that could not be read or written.
pub fn run(args: &RescoreArgs) -> Result<Moves, Vec<RescoreError>> {
    let one = |error: RescoreError| vec![error];
    let reach = Reach::allowing(args.allow_outside);
    let evaluation = told(Evaluation::load(&args.evaluation, Rules { reach, ..Rules::default() }))
        .map_err(RescoreError::from)
        .map_err(one)?;
    let context =
        args.template.as_deref().map(|path| template(path, args.config.as_deref(), reach)).transpose().map_err(one)?;
    if context.is_none() {
        info!("without --template a value counts as blank when it is empty; empty values of blocks are not known");
    }
    let same = matches!((args.results.canonicalize(), args.output.canonicalize()), (Ok(a), Ok(b)) if a == b);
    if same {
        let what = "is also the output folder; give --output a folder of its own".to_owned();
        return Err(one(RescoreError::Results { path: args.results.clone(), what }));
    }
    let unlisted = |(path, e): (PathBuf, std::io::Error)| {
        one(RescoreError::Results { path, what: format!("cannot be read: {e}") })
    };
    let places = places_with_results(&args.results).map_err(unlisted)?;
    if places.is_empty() {
        let what = "no Results/Results.csv here or below; --results wants the output folder of a run".to_owned();
        return Err(one(RescoreError::Results { path: args.results.clone(), what }));
    }
    let mut scorers = Scorers { evaluation: &evaluation, context: context.as_ref(), built: HashMap::new() };
    let mut folders = Vec::new();
    for place in places {
        folders.push(Folder::load(args, place, &mut scorers)?);
    }
    let failed = |e: OutputError| one(e.into());
    // Nobody asks a rescoring to stop while it waits: it does not wait.
    let lock = OutputLock::take(&args.output, LockPolicy::Fail, &StopRequest::default()).map_err(failed)?;
    let Some(lock) = lock else { return Ok(Moves::default()) };
    // What a run noted here is not what these tables say.
    journal::forget(&args.output).map_err(failed)?;
    let mut ledger = outputs::open_ledger(&args.output, &lock).map_err(failed)?;
    let mut moves = Moves::default();
    for folder in folders {
        let written = folder.write(args, &mut moves, &mut ledger).map_err(one)?;
        ledger.wrote(written);
    }
    ledger.finish().map_err(|e| one(OutputError::at(&args.output)(e).into()))?;
    Ok(moves)
}

fn template(path: &Path, config: Option<&Path>, reach: Reach) -> Result<SheetContext, RescoreError> {
    Ok(plan::ready(&GovernedTemplate::load(path, config, reach)?, OutputMode::Default)?)
}

/// One scorer for all folders with the same columns.
struct Scorers<'a> {
    evaluation: &'a Evaluation,
    context: Option<&'a SheetContext>,
    built: HashMap<Vec<String>, Arc<Scorer>>,
}

impl Scorers<'_> {
    fn for_columns(&mut self, columns: &[String]) -> Result<Arc<Scorer>, Vec<RescoreError>> {
        if let Some(scorer) = self.built.get(columns) {
            return Ok(Arc::clone(scorer));
        }
        let built = match self.context {
            Some(context) => plan::key_sheet::build(self.evaluation, context, false),
            None => {
                let values = SheetValues::of_columns(columns.iter().map(String::as_str), "");
                let dialect = self.evaluation.dialect.unwrap_or(Dialect::V1);
                let no_picture = |path: &Path, _: &[String]| {
                    let problem = SetupProblem::new(path, "the answer key is a picture of a filled sheet");
                    Err(vec![problem.hint("say --template FILE, so that it can be read")])
                };
                Scorer::build(self.evaluation, dialect, &values, false, &no_picture)
            }
        };
        let problems = |found: Vec<SetupProblem>| found.into_iter().map(RescoreError::Scoring).collect::<Vec<_>>();
        let Built { scorer, warnings } = built.map_err(problems)?;
        warnings.iter().for_each(|warning| warn!("{warning}"));
        let scorer = Arc::new(scorer);
        self.built.insert(columns.to_vec(), Arc::clone(&scorer));
        Ok(scorer)
    }
}

/// A folder of an earlier run.
struct Folder {
    place: PathBuf,
    header: Vec<String>,
    scorer: Arc<Scorer>,
    /// For each value that the scorer needs, its column.
    needs: Vec<usize>,
}

impl Folder {
    fn load(args: &RescoreArgs, place: PathBuf, scorers: &mut Scorers<'_>) -> Result<Self, Vec<RescoreError>> {
        let path = results_file(&args.results, &place);
        let fail = |what: String| vec![RescoreError::Results { path: path.clone(), what }];
        let mut reader = reader(&path).map_err(|e| vec![e])?;
        let header: Vec<String> =
            reader.headers().map_err(|e| fail(e.to_string()))?.iter().map(str::to_owned).collect();
        if header.len() < HEAD.len() || header.iter().zip(HEAD).any(|(found, want)| found != want) {
            return Err(fail(format!("found the columns {}…, expected {} first", header.join(","), HEAD.join(","))));
        }
        let scorer = scorers.for_columns(&header[HEAD.len()..])?;
        let mut needs = Vec::new();
        let mut missing = Vec::new();
        for name in scorer.needs() {
            match header.iter().skip(HEAD.len()).position(|column| column == name) {
                Some(i) => needs.push(i + HEAD.len()),
                None => missing.push(format!("`{name}`")),
            }
        }
        if !missing.is_empty() {
            let what = "the evaluation asks for values that the results do not have as columns";
            return Err(fail(format!("{what}: {}", missing.join(", "))));
        }
        Ok(Self { place, header, scorer, needs })
    }

    /// Writes the folder's tables; the paths are those below the output folder.
    fn write(
        &self,
        args: &RescoreArgs,
        moves: &mut Moves,
        ledger: &mut outputs::ledger::Ledger,
    ) -> Result<Vec<PathBuf>, RescoreError> {
        let from = args.results.join(&self.place);
        let names = sheet_names(&from)?;
        let paths = FolderPaths::of(&args.output, &self.place, names.iter().map(OsString::as_os_str));
        let moved = self.place.join("Results").join("Moved.csv");
        let mut written = outputs::table_files_and_partials(&paths, &[]);
        written.push(moved.clone());
        if self.scorer.exports_tables() {
            written.extend(names.iter().map(|name| paths.explanation(name)));
        }
        ledger.announce(written).map_err(OutputError::at(&args.output))?;
        let explanations = self.scorer.exports_tables().then(|| paths.explanations());
        outputs::try_places(&paths, explanations.as_slice(), &[])?;

        let mut done = vec![paths.results(), moved.clone()];
        let open = |below: &Path, header: &[&str]| {
            let path = paths.on_disk(below);
            Table::create(path.clone(), header).map_err(OutputError::at(path))
        };
        let header: Vec<&str> = self.header.iter().map(String::as_str).collect();
        let (results, moved_table) = (open(&paths.results(), &header)?, open(&moved, &["file_id", "old", "new"])?);
        let mut collector = args.statistics.then(|| Collector::new(&self.scorer));
        let source = results_file(&args.results, &self.place);
        for record in reader(&source)?.records() {
            let record = record.map_err(|e| RescoreError::Results { path: source.clone(), what: e.to_string() })?;
            let cell = |at: usize| record.get(at).unwrap_or_default();
            let values: Vec<&str> = self.needs.iter().map(|&at| cell(at)).collect();
            let score = self.scorer.score(&values, SheetName { file_name: cell(0), file_path: cell(1) });
            let (old, new) = (cell(3), score.cell());
            let row: Vec<&str> = (0..self.header.len()).map(|at| if at == 3 { &new } else { cell(at) }).collect();
            results.append(&row).map_err(OutputError::at(paths.on_disk(&paths.results())))?;
            if moves.count(old, &new) {
                moved_table.append(&[cell(0), old, &new]).map_err(OutputError::at(paths.on_disk(&moved)))?;
            }
            if let Some(collector) = &mut collector {
                collector.add(&self.scorer, &score, &values, None);
            }
            if self.scorer.outputs(score.set).is_some_and(|outputs| outputs.export_csv) {
                let mut files = SheetFiles::of(&paths, cell(0).as_ref());
                files.save_explanation(&self.scorer.table(&score, &values), Cells::AsTheyAre)?;
                done.extend(files.written().into_iter().map(|file| file.path));
            }
        }
        results.finish(&[])?;
        moved_table.finish(&[])?;
        if let Some(collector) = &collector {
            done.extend(outputs::write_statistics(&paths, collector.statistics(), &[])?);
        }
        // Sheets that were diverted or not read keep their rows as they are, and all how sure they were read.
        let manual = outputs::MANUAL_TABLES.map(|name| (from.join("Manual").join(name), paths.manual(name)));
        let confidence = (from.join("Results").join("Confidence.csv"), paths.confidence());
        for (source, below) in manual.into_iter().chain([confidence]) {
            let target = paths.on_disk(&below);
            let left_over = crate::outputs::table::partial(&target);
            fs::remove_file(&left_over).map_err(OutputError::at(left_over.clone()))?;
            if source.is_file() {
                fs::copy(&source, &target).map_err(OutputError::at(target))?;
                done.push(below);
            }
        }
        Ok(done)
    }
}

impl Moves {
    /// Counts a sheet; did it move?
    fn count(&mut self, old: &str, new: &str) -> bool {
        self.sheets += 1;
        let change = match (old.parse::<f64>(), new.parse::<f64>()) {
            (Ok(old), Ok(new)) => new - old,
            _ => 0.0,
        };
        let moved = change != 0.0 || (old.parse::<f64>().is_err() && old != new);
        self.moved += usize::from(moved);
        if change.abs() > self.largest.abs() {
            self.largest = change;
        }
        moved
    }
}

fn results_file(results: &Path, place: &Path) -> PathBuf {
    results.join(place).join("Results").join("Results.csv")
}

fn reader(path: &Path) -> Result<csv::Reader<fs::File>, RescoreError> {
    csv::ReaderBuilder::new()
        .from_path(path)
        .map_err(|e| RescoreError::Results { path: path.to_path_buf(), what: format!("cannot be read: {e}") })
}

/// The names of all images of a folder: those of Results.csv first, in its order. Explanation tables are named by them.
fn sheet_names(from: &Path) -> Result<Vec<OsString>, RescoreError> {
    let results = from.join("Results").join("Results.csv");
    let others = ["ErrorFiles.csv", "MultiMarkedFiles.csv"].map(|name| from.join("Manual").join(name));
    let mut names = Vec::new();
    for path in std::iter::once(results).chain(others.into_iter().filter(|path| path.is_file())) {
        for record in reader(&path)?.records() {
            let record = record.map_err(|e| RescoreError::Results { path: path.clone(), what: e.to_string() })?;
            names.push(record.get(0).unwrap_or_default().into());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_are_counted_by_number_and_not_by_text() {
        let mut moves = Moves::default();
        assert!(!moves.count("5", "5.0"));
        assert!(moves.count("0", "-1.5"));
        assert!(moves.count("2.0", "3.0"));
        assert!(moves.count("NA", "3.0"));
        assert_eq!(moves, Moves { sheets: 4, moved: 3, largest: -1.5 });
        assert_eq!(moves.to_string(), "4 sheet(s) scored again, 3 moved; the largest change is -1.5");
    }
}
