//! `omr deck` and `omr accuracy`: a form and a scanner are certified before the day of the exam. Arguments become a request,
//! what was found becomes an exit status.

use std::io::Write;
use std::time::Instant;

use tracing::info;

use crate::accuracy::{self, AccuracyError};
use crate::cli::{AccuracyArgs, DeckArgs, FailOnAccuracy, SummaryFormat, WorkersArg};
use crate::config::MAX_WORKERS;
use crate::deck::for_template::degradation::Degradation;
use crate::deck::for_template::mixture::Mix;
use crate::deck::for_template::print::Outline;
use crate::deck::for_template::{self, MakeError, Request};
use crate::exit::Exit;
use crate::options::{UsageError, cores};
use crate::plan::PlanError;
use crate::reach::Reach;

/// Why a form could not be certified.
#[derive(Debug, thiserror::Error)]
pub enum CertifyError {
    /// The command line asks for something impossible.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// The deck could not be made.
    #[error(transparent)]
    Make(#[from] MakeError),
    /// The results could not be compared.
    #[error(transparent)]
    Accuracy(#[from] AccuracyError),
    /// stdout is closed.
    #[error("stdout cannot be written: {0}")]
    Stdout(#[from] std::io::Error),
}

impl CertifyError {
    /// Everything that went wrong, each with its own text.
    pub fn messages(&self) -> Vec<String> {
        match self {
            Self::Make(MakeError::Plan(error)) => PlanError::messages(error),
            other => vec![other.to_string()],
        }
    }

    /// The exit status that goes with it.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) | Self::Make(MakeError::NotADeck(_) | MakeError::OverTemplate(_)) => Exit::Usage,
            Self::Make(_) | Self::Accuracy(_) | Self::Stdout(_) => Exit::Failed,
        }
    }
}

/// Makes a deck.
///
/// # Errors
/// [`CertifyError`].
pub fn deck(args: &DeckArgs) -> Result<Exit, CertifyError> {
    let start = Instant::now();
    let mix = match &args.mix {
        Some(text) => text.parse::<Mix>().map_err(|what| UsageError(format!("--mix {text}: {what}")))?,
        None => Mix::default(),
    };
    let request = Request {
        template: args.template.clone(),
        config: args.config.clone(),
        output: args.output.clone(),
        sheets: args.sheets as usize,
        seed: args.seed,
        mix,
        degradations: names("--degrade", &args.degrade, &Degradation::ALL, Degradation::name)?,
        outlines: names("--print", &args.print, &Outline::ALL, Outline::name)?,
        form: args.form.clone(),
        reach: Reach::allowing(args.allow_outside),
        workers: match args.max_workers {
            WorkersArg::Count(count) => count,
            WorkersArg::Auto => cores().min(MAX_WORKERS),
        },
    };
    let made = for_template::make(&request)?;
    let seconds = start.elapsed().as_secs_f64();
    let (sheets, fields, output) = (made.sheets, made.fields, args.output.display());
    info!(
        "{sheets} sheet(s) with {fields} fields in `{output}`; {seconds:.1} s, {:.1} sheets/s",
        sheets as f64 / seconds
    );
    info!(
        "next: omr --input {output} --output RESULTS, then omr accuracy --truth {output}/truth.csv --results RESULTS"
    );
    Ok(Exit::Finished)
}

/// A list of names with commas, each known and there once.
fn names<T: Copy + PartialEq>(
    option: &str,
    text: &str,
    known: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<Vec<T>, UsageError> {
    let mut found = Vec::new();
    for part in text.split(',').map(str::trim) {
        let Some(&item) = known.iter().find(|item| name(**item) == part) else {
            let known: Vec<&str> = known.iter().map(|item| name(*item)).collect();
            return Err(UsageError(format!("{option}: `{part}` is unknown; known are {}", known.join(", "))));
        };
        if found.contains(&item) {
            return Err(UsageError(format!("{option}: `{part}` is there twice")));
        }
        found.push(item);
    }
    Ok(found)
}

/// Compares results with a deck's truth and prints what came out.
///
/// # Errors
/// [`CertifyError`].
pub fn accuracy(args: &AccuracyArgs) -> Result<Exit, CertifyError> {
    let report = accuracy::compare(&args.truth, &args.results)?;
    let text = match args.summary {
        Some(SummaryFormat::Json) => report.to_json() + "\n",
        None => report.to_string(),
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    let failed = args.fail_on == Some(FailOnAccuracy::Silent) && report.total().silent > 0;
    Ok(if failed { Exit::Unsatisfied } else { Exit::Finished })
}
