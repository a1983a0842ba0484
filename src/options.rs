//! What the user typed becomes what the program does: roots with their places under the output folder, or a complaint.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::cli::{FailOn, LockPolicy, LogFormat, SetupArgs, SummaryFormat, TableFormat, WorkersArg};
use crate::config::OutputMode;
use crate::file_names::{shown, tidy};
use crate::inputs::{self, Chosen, Gathered};
use crate::shard::Shard;
use crate::sheet::DoubtPolicy;

/// The settings of a run.
#[derive(Debug, Clone)]
pub struct Options {
    /// The trees to read, in order.
    pub roots: Vec<Root>,
    /// The output folder.
    pub output: PathBuf,
    /// What is done on each sheet, and how many at a time.
    pub setup: SetupArgs,
    /// What the run is for.
    pub task: Task,
    /// Layouts are shown in a window, where there is a display.
    pub shows_layouts: bool,
    /// `--outputMode`, which wins over every config.
    pub mode: Option<OutputMode>,
    /// What makes a finished run exit with 3.
    pub fail_on: Vec<FailOn>,
    /// What becomes of doubts.
    pub doubts: DoubtPolicy,
    /// Save no pictures, whatever the configs say.
    pub no_pictures: bool,
    /// Measure what each part of the work costs.
    pub timings: bool,
    /// Write item statistics.
    pub statistics: bool,
    /// What each table is written as beside its CSV, without repetitions.
    pub also: Vec<TableFormat>,
    /// How things are said on stderr.
    pub log_format: LogFormat,
    /// Make cells from outside harmless for spreadsheets.
    pub safe_cells: bool,
    /// How the counts are printed to stdout.
    pub summary: Option<SummaryFormat>,
    /// Go on with what an earlier run left.
    pub resume: bool,
    /// Drop the rows of sheets whose files are gone.
    pub prune: bool,
    /// Images that were written to in this time are left for the next run; zero: none.
    pub settle: Duration,
    /// What to do while another run writes into the output folder.
    pub lock: LockPolicy,
    /// The share of the sheets that is read, if not all.
    pub shard: Option<Shard>,
    /// Write a list of all that was read and written, with digests.
    pub manifest: bool,
}

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// To read the sheets.
    Read,
    /// To draw the template on each page.
    DrawLayout,
}

/// One `--input`, or all files that were named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// The folder as typed, without `.` components.
    pub dir: PathBuf,
    /// Its place under the output folder: empty for a single root, else its last component.
    pub place: PathBuf,
    /// Only these files of it and of the folders below it; `None`: all that there is.
    pub chosen: Option<Arc<Chosen>>,
}

/// A command line that asks for something impossible. Exit status 2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// Gives every input its place under the output folder.
///
/// # Errors
/// [`UsageError`]: two inputs would share a place, or results would be written into an input.
pub fn roots(inputs: &[PathBuf], output: &Path) -> Result<Vec<Root>, UsageError> {
    let inputs = inputs::gathered(inputs);
    let mut roots: Vec<Root> = Vec::with_capacity(inputs.len());
    for Gathered { dir: input, chosen } in &inputs {
        let place = if inputs.len() == 1 { PathBuf::new() } else { last_component(input)? };
        if let Some(other) = roots.iter().find(|r| r.place == place) {
            return Err(UsageError(format!(
                "the inputs `{}` and `{}` would both be written to `{}`; give them different names or run them \
                 one after the other with different --output folders",
                shown(&other.dir).display(),
                shown(input).display(),
                output.join(&place).display()
            )));
        }
        roots.push(Root { dir: input.clone(), place, chosen: chosen.clone() });
    }
    for place in roots.iter().map(|root| output.join(&root.place)).chain([output.to_path_buf()]) {
        if let Some(root) = roots.iter().find(|root| is_same_folder(&root.dir, &place)) {
            return Err(UsageError(format!(
                "the results would be written into the input `{}`; give --output a folder of its own",
                shown(&root.dir).display()
            )));
        }
    }
    Ok(roots)
}

/// The same folder by name, or by where the names lead.
fn is_same_folder(a: &Path, b: &Path) -> bool {
    let real = |path: &Path| shown(path).canonicalize();
    tidy(a) == tidy(b) || matches!((real(a), real(b)), (Ok(a), Ok(b)) if a == b)
}

fn last_component(input: &Path) -> Result<PathBuf, UsageError> {
    let typed = tidy(input);
    let resolved = || shown(input).canonicalize().ok().and_then(|p| p.file_name().map(PathBuf::from));
    typed.file_name().map(PathBuf::from).or_else(resolved).ok_or_else(|| {
        let message = format!("the input `{}` has no name that its results could go under", input.display());
        UsageError(message)
    })
}

impl Options {
    /// The number of sheets read at a time in a folder whose config asks for `configured`.
    pub fn workers(&self, configured: Option<usize>) -> usize {
        const DEFAULT: usize = 4;
        const MAX: usize = 16;
        match self.setup.max_workers {
            Some(WorkersArg::Count(count)) => count,
            Some(WorkersArg::Auto) => cores().min(MAX),
            None => configured.unwrap_or(DEFAULT),
        }
    }
}

/// The formats that were asked for, each once.
pub fn distinct(mut formats: Vec<TableFormat>) -> Vec<TableFormat> {
    formats.sort_unstable();
    formats.dedup();
    formats
}

/// Cores that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(inputs: &[&str], output: &str) -> Result<Vec<String>, UsageError> {
        let inputs: Vec<PathBuf> = inputs.iter().map(PathBuf::from).collect();
        Ok(roots(&inputs, Path::new(output))?.iter().map(|r| r.place.display().to_string()).collect())
    }

    #[test]
    fn one_input_is_the_output_folder_itself_several_have_their_own() {
        assert_eq!(places(&["a/b"], "out").unwrap(), [""]);
        assert_eq!(places(&["a/b/", "./c"], "out").unwrap(), ["b", "c"]);
    }

    #[test]
    fn inputs_that_would_mix_are_refused() {
        assert!(places(&["a/x", "b/x"], "out").unwrap_err().0.contains("different names"));
        assert!(places(&["./out/"], "out").unwrap_err().0.contains("into the input `out`"));
        assert!(places(&["monday", "tuesday"], ".").unwrap_err().0.contains("into the input `monday`"));
    }
}
