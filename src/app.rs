//! Arguments → plan → batch → summary → exit status.

use std::io::Write;
use std::time::Instant;

use indicatif::MultiProgress;
use tracing::{info, warn};

use crate::batch::{
    self, BatchError, Ended,
    summary::{Counts, Summary},
};
use crate::certify::{self, CertifyError};
use crate::cli::{CheckArgs, Cli, Command, DoctorArgs, FailOn, RescoreArgs, RunArgs, SummaryFormat};
use crate::config::OutputMode;
use crate::doctor::{self, DoctorError};
use crate::exit::Exit;
use crate::file_names::shown;
use crate::logging;
use crate::options::{self, Options, Task, UsageError};
use crate::plan::{Plan, PlanError};
use crate::rescore::{self, RescoreError};
use crate::sheet::DoubtPolicy;

/// Why the program could not do its job.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The command line asks for something impossible.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// The run cannot start: all reasons.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Plan(Vec<PlanError>),
    /// The run could not be finished.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// An earlier run could not be scored again.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Rescore(Vec<RescoreError>),
    /// A template could not be examined.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Doctor(Vec<DoctorError>),
    /// A deck could not be made or compared.
    #[error(transparent)]
    Certify(#[from] CertifyError),
    /// stdout is closed.
    #[error("stdout cannot be written: {0}")]
    Stdout(#[from] std::io::Error),
}

impl AppError {
    /// Everything that went wrong, each with its own text.
    pub fn messages(&self) -> Vec<String> {
        match self {
            Self::Plan(errors) => errors.iter().flat_map(PlanError::messages).collect(),
            Self::Certify(error) => error.messages(),
            Self::Rescore(errors) => errors.iter().map(ToString::to_string).collect(),
            Self::Doctor(errors) => errors.iter().map(ToString::to_string).collect(),
            other => vec![other.to_string()],
        }
    }

    /// The exit status that goes with it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Certify(error) => error.exit(),
            Self::Plan(_) | Self::Batch(_) | Self::Rescore(_) | Self::Doctor(_) | Self::Stdout(_) => Exit::Failed,
        }
    }
}

/// Does what the command line says.
///
/// # Errors
/// [`AppError`].
pub fn run(cli: Cli) -> Result<Exit, AppError> {
    match cli.command {
        Some(Command::Check(args)) => {
            logging::start(args.talk);
            check(args)
        }
        Some(Command::Rescore(args)) => {
            logging::start(args.talk);
            Ok(rescore(args)?)
        }
        Some(Command::Doctor(args)) => {
            logging::start(args.talk);
            doctor(args)
        }
        Some(Command::Deck(args)) => {
            logging::start(args.talk);
            Ok(certify::deck(&args)?)
        }
        Some(Command::Accuracy(args)) => {
            logging::start(args.talk);
            Ok(certify::accuracy(&args)?)
        }
        None => {
            let bars = logging::start(cli.run.talk);
            main_job(cli.run, &bars)
        }
    }
}

fn main_job(args: RunArgs, bars: &MultiProgress) -> Result<Exit, AppError> {
    let start = Instant::now();
    let (task, mode) = task(&args)?;
    let options = Options {
        roots: options::roots(&args.input, &args.output)?,
        output: args.output,
        setup: args.setup,
        task,
        shows_layouts: !args.talk.quiet,
        mode,
        fail_on: args.fail_on,
        doubts: DoubtPolicy { review_below: args.review_below.unwrap_or_default(), strict: args.strict },
        no_pictures: args.no_pictures,
        timings: args.timings,
        statistics: args.statistics,
        summary: args.summary,
    };
    let plan = Plan::prepare(&options).map_err(AppError::Plan)?;
    tell_empty(&plan);
    if let Some(reason) = plan.why_one_by_one() {
        info!("{reason}");
    }
    tell_recogniser(&plan);
    let ended = match options.task {
        Task::Read => batch::run(&plan, &options, bars)?,
        Task::DrawLayout => batch::layouts::run(&plan, &options, bars)?,
    };
    let summary = match ended {
        Ended::Finished(summary) => summary,
        Ended::Stopped(stop) => {
            warn!("{stop}");
            return Ok(Exit::Stopped);
        }
    };
    let seconds = start.elapsed().as_secs_f64();
    let rate = summary.total.images as f64 / seconds.max(1e-9);
    match options.task {
        Task::Read => info!("{}; {seconds:.1} s, {rate:.1} sheets/s", summary.total),
        Task::DrawLayout => {
            let Counts { images, read, unreadable, .. } = summary.total;
            info!("{images} images: {read} layouts drawn, {unreadable} without a page; {seconds:.1} s");
        }
    }
    if let Some(reason) = plan.why_no_speed_up() {
        info!("{reason}");
    }
    if let Some(timings) = &summary.timings {
        // Asked for, so told also with --quiet. With stderr closed there is nobody to tell.
        let _closed = bars.suspend(|| write!(std::io::stderr(), "{timings}"));
    }
    if options.summary == Some(SummaryFormat::Json) {
        print_json(&summary)?;
    }
    Ok(exit_of(&summary, &options.fail_on))
}

/// What the run is for, and the output mode. Options of OMRChecker that have no effect here are told.
fn task(args: &RunArgs) -> Result<(Task, Option<OutputMode>), UsageError> {
    if args.auto_align {
        warn!("--autoAlign has no effect, as in OMRChecker; set `alignment_params.auto_align` in config.json");
    }
    let task = if args.set_layout { Task::DrawLayout } else { Task::Read };
    match args.output_mode.as_deref() {
        None => Ok((task, None)),
        Some("setLayout") if asks_for_results(args) => Err(UsageError(
            "--outputMode setLayout reads nothing: leave out --statistics, --summary, --fail-on, --review-below, \
             --strict, --no-pictures and --timings"
                .to_owned(),
        )),
        Some("setLayout") => Ok((Task::DrawLayout, None)),
        Some(mode) if task == Task::DrawLayout => Err(UsageError(format!(
            "--set-layout draws the layout, whatever --outputMode {mode} writes; leave one out"
        ))),
        Some("default" | "csv") => Ok((task, Some(OutputMode::Default))),
        Some("moderation") => Ok((task, Some(OutputMode::Moderation))),
        Some(mode) => {
            let message = format!("--outputMode {mode} is unknown; use `default`, `moderation` or `setLayout`");
            Err(UsageError(message))
        }
    }
}

/// Does it ask for what only a run that reads sheets has?
fn asks_for_results(args: &RunArgs) -> bool {
    let of_doubts = args.review_below.is_some() || args.strict;
    let of_pictures = args.no_pictures || args.timings;
    of_doubts || of_pictures || args.statistics || args.summary.is_some() || !args.fail_on.is_empty()
}

fn tell_empty(plan: &Plan) {
    for folder in &plan.empty {
        info!("`{}` has no images and no sub-folders", folder.display());
    }
    if plan.folders.is_empty() {
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

fn print_json(summary: &Summary) -> Result<(), AppError> {
    let text = serde_json::to_string(summary).map_err(std::io::Error::from)?;
    writeln!(std::io::stdout().lock(), "{text}")?;
    Ok(())
}

/// `omr rescore`: an earlier run by another evaluation, and who moved.
fn rescore(args: RescoreArgs) -> Result<Exit, AppError> {
    let moves = rescore::run(&args).map_err(AppError::Rescore)?;
    info!("{moves}");
    Ok(Exit::Finished)
}

/// `omr doctor`: what a person needs to mend a template, on stdout and in one picture.
fn doctor(args: DoctorArgs) -> Result<Exit, AppError> {
    let examined = doctor::run(&args).map_err(AppError::Doctor)?;
    std::io::stdout().lock().write_all(examined.text.as_bytes())?;
    Ok(if examined.read == 0 { Exit::Unsatisfied } else { Exit::Finished })
}

/// `omr check`: all that a run would find out before its first sheet, listed on stdout.
fn check(args: CheckArgs) -> Result<Exit, AppError> {
    let options = Options {
        roots: options::roots(&args.input, &args.output)?,
        output: args.output,
        setup: args.setup,
        task: Task::Read,
        shows_layouts: false,
        mode: None,
        fail_on: Vec::new(),
        doubts: DoubtPolicy::default(),
        no_pictures: false,
        timings: false,
        statistics: false,
        summary: None,
    };
    let plan = Plan::prepare(&options).map_err(AppError::Plan)?;
    tell_empty(&plan);
    let mut out = std::io::stdout().lock();
    for folder in &plan.folders {
        let template = &folder.context.template;
        writeln!(out, "{}", shown(&folder.folder.dir).join("").display())?;
        writeln!(out, "  sheets    {}", folder.folder.images.len())?;
        writeln!(out, "  template  {} ({})", template.file.display(), template.dialect)?;
        writeln!(out, "  columns   {}", template.columns.len())?;
        if let Some(recogniser) = folder.context.recogniser() {
            writeln!(out, "  text      {recogniser}")?;
        }
        if !template.sets.is_empty() {
            let names: Vec<&str> = template.sets.iter().map(|set| set.name.as_str()).collect();
            writeln!(out, "  layouts   {} and the template's own", names.join(", "))?;
        }
        if let (Some(scoring), Some(evaluation)) = (&folder.scoring, &folder.folder.evaluation) {
            let questions = scoring.scorer().questions(0).len();
            writeln!(out, "  scoring   {} ({questions} questions)", evaluation.file.display())?;
        }
        writeln!(out, "  workers   {}", folder.workers.count)?;
        writeln!(out, "  output    {}", options.output.join(&folder.folder.place).display())?;
    }
    writeln!(out, "{} sheet(s) in {} folder(s)", plan.images(), plan.folders.len())?;
    for reason in [plan.why_one_by_one(), plan.why_no_speed_up()].into_iter().flatten() {
        info!("{reason}");
    }
    Ok(Exit::Finished)
}
