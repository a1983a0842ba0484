//! The main job: one run over all that is there, from the plan to the exit status.

use std::io::Write;
use std::time::Instant;

use indicatif::MultiProgress;
use tracing::{info, warn};

use crate::batch::{
    self, BatchError, Ended, Means,
    summary::{Counts, Pace, Status, Summary},
};
use crate::cli::{FailOn, SummaryFormat};
use crate::exit::Exit;
use crate::logging;
use crate::options::{Options, Task};
use crate::outputs::journal::{self, Known};
use crate::outputs::lock::OutputLock;
use crate::plan::recall::RecallError;
use crate::plan::{Plan, PlanError};
use crate::signals::StopRequest;

/// Why a run could not do its job.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// It cannot start: all reasons.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Plan(Vec<PlanError>),
    /// It could not be finished.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// stdout is closed.
    #[error("stdout cannot be written: {0}")]
    Stdout(#[from] std::io::Error),
}

impl JobError {
    /// Everything that went wrong, each with its own text.
    pub fn messages(&self) -> Vec<String> {
        match self {
            Self::Plan(errors) => errors.iter().flat_map(PlanError::messages).collect(),
            other => vec![other.to_string()],
        }
    }
}

/// One run over all that is there.
///
/// # Errors
/// [`JobError`].
pub fn once(options: &Options, bars: &MultiProgress, stop: &StopRequest) -> Result<Exit, JobError> {
    let Some((mut plan, lock)) = begin(options, stop)? else { return Ok(stop.exit()) };
    if !options.resume && options.shard.is_some() {
        // A share that is read into the output of another one would take its place.
        let begun = journal::begun(&options.output).filter(|begun| begun.shard != options.shard);
        if let Some(begun) = begun {
            let error = RecallError::OtherShard { earlier: begun.shard, now: options.shard };
            return Err(JobError::Plan(vec![error.into()]));
        }
    }
    let known = options.resume.then(|| Known::of(&options.output)).transpose().map_err(BatchError::from)?;
    run(&mut plan, Means { options, lock: &lock, known: known.as_ref(), stop, bars })
}

/// Makes a plan and takes the output's lock; `None` if it was asked to stop while it waited for that.
///
/// # Errors
/// [`JobError`].
pub fn begin(options: &Options, stop: &StopRequest) -> Result<Option<(Plan, OutputLock)>, JobError> {
    let plan = Plan::prepare(options).map_err(JobError::Plan)?;
    let lock = OutputLock::take(&options.output, options.lock, stop).map_err(BatchError::from)?;
    let Some(lock) = lock else { return Ok(None) };
    // Files may have come and gone meanwhile.
    let plan = if lock.has_waited { Plan::prepare(options).map_err(JobError::Plan)? } else { plan };
    Ok(Some((plan, lock)))
}

/// Runs a plan, and tells what came of it.
///
/// # Errors
/// [`JobError`].
pub fn run(plan: &mut Plan, means: Means<'_>) -> Result<Exit, JobError> {
    let start = Instant::now();
    let Means { options, stop, bars, .. } = means;
    // An input that is empty is more often one that is not there, as a disk that is not mounted.
    let found_nothing = plan.found == 0 && plan.unsettled == 0;
    let spared;
    let (options, means) = if options.prune && found_nothing {
        warn!("--prune drops nothing, since no image was found at all; if that is right, remove the output folder");
        spared = Options { prune: false, ..options.clone() };
        (&spared, Means { options: &spared, ..means })
    } else {
        (options, means)
    };
    let known = plan.join_known(means.known, options).map_err(JobError::Plan)?;
    let means = Means { known: known.as_ref().or(means.known), ..means };
    if let Some(shard) = options.shard {
        plan.keep_share(shard, options);
        info!("shard {shard}: {} of {} image(s)", plan.images(), plan.found);
    }
    tell_empty(plan);
    if let Some(reason) = plan.why_one_by_one() {
        info!("{reason}");
    }
    tell_recogniser(plan);
    let mut summary = Summary::default();
    let has_nothing = found_nothing && plan.gone.is_empty();
    if options.task == Task::Read && has_nothing {
        info!("what earlier runs wrote stays as it is");
    }
    let ended = match options.task {
        Task::Read if has_nothing => Ok(Ended::Finished),
        Task::Read => batch::run(plan, means, &mut summary),
        Task::DrawLayout => batch::layouts::run(plan, means, &mut summary),
    };
    summary.status = match &ended {
        Ok(Ended::Finished) => Status::Finished,
        Ok(Ended::Stopped(_)) => Status::Stopped,
        Err(_) => Status::Failed,
    };
    summary.pace = Pace::of(summary.total.accounted(), start.elapsed());
    match &ended {
        Ok(Ended::Finished) => {
            tell_end(&summary, options.task);
            if let Some(reason) = plan.why_no_speed_up() {
                info!("{reason}");
            }
            if let Some(timings) = &summary.timings {
                logging::tell_asked(bars, options.log_format, &timings.to_string());
            }
        }
        Ok(Ended::Stopped(stopped)) => warn!("{stopped}"),
        // What went wrong is told last, by the caller.
        Err(_) => {}
    }
    if options.summary == Some(SummaryFormat::Json) {
        print_json(&summary)?;
    }
    Ok(match ended? {
        Ended::Finished => exit_of(&summary, &options.fail_on),
        Ended::Stopped(_) => stop.exit(),
    })
}

/// The last line of a run that finished.
fn tell_end(summary: &Summary, task: Task) {
    let Summary { total, pace: Pace { seconds, sheets_per_second: rate }, .. } = summary;
    let &Counts { images, read, diverted, unreadable, doubts } = total;
    match task {
        Task::Read => {
            let text = format!("{total}; {seconds:.1} s, {rate:.1} sheets/s");
            info!(images, read, diverted, unreadable, doubts, seconds, "{text}");
        }
        Task::DrawLayout => {
            info!("{images} images: {read} layouts drawn, {unreadable} without a page; {seconds:.1} s");
        }
    }
}

/// Tells where there is nothing to read.
pub fn tell_empty(plan: &Plan) {
    for folder in &plan.empty {
        info!("`{}` has no images and no sub-folders", folder.display());
    }
    if plan.unsettled > 0 {
        info!("{} file(s) were written to a moment ago; they are left for the next run", plan.unsettled);
    }
    if plan.found == 0 && plan.unsettled == 0 {
        warn!("there is nothing to read: no images were found");
    }
}

/// What recognises text: its version decides what is read.
fn tell_recogniser(plan: &Plan) {
    if let Some(recogniser) = plan.folders.iter().find_map(|folder| folder.context.recogniser()) {
        info!("text fields are read by {recogniser}");
    }
}

fn exit_of(summary: &Summary, fail_on: &[FailOn]) -> Exit {
    let total = summary.total;
    let nothing_read = total.images > 0 && total.unreadable == total.images;
    let failed = fail_on.iter().any(|what| match what {
        FailOn::Error => total.unreadable > 0,
        FailOn::Review => total.unreadable > 0 || total.doubts > 0,
    });
    if nothing_read || failed { Exit::Unsatisfied } else { Exit::Finished }
}

fn print_json(summary: &Summary) -> Result<(), JobError> {
    let text = serde_json::to_string(summary).map_err(std::io::Error::from)?;
    writeln!(std::io::stdout().lock(), "{text}")?;
    Ok(())
}
