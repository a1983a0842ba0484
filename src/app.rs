//! Arguments → plan → batch → summary → exit status.

use std::io::Write;
use std::time::Duration;

use indicatif::MultiProgress;
use tracing::{info, warn};

use crate::certify::{self, CertifyError};
use crate::cli::{CheckArgs, Cli, Command, DoctorArgs, LockPolicy, MergeArgs, RescoreArgs, RunArgs, ShardArg};
use crate::config::OutputMode;
use crate::doctor::{self, DoctorError};
use crate::exit::Exit;
use crate::file_names::shown;
use crate::inputs::{self, InputError};
use crate::job::{self, JobError};
use crate::logging;
use crate::merge::{self, MergeError};
use crate::options::{self, Options, Task, UsageError};
use crate::plan::Plan;
use crate::rescore::{self, RescoreError};
use crate::shard::{self, Shard};
use crate::sheet::DoubtPolicy;
use crate::signals::StopRequest;
use crate::watch;

/// Why the program could not do its job.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The command line asks for something impossible.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// An input that a list names is not there.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A run could not do its job.
    #[error(transparent)]
    Job(#[from] JobError),
    /// An earlier run could not be scored again.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Rescore(Vec<RescoreError>),
    /// Shards could not be put together.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// A template could not be examined.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Doctor(Vec<DoctorError>),
    /// A deck could not be made or compared.
    #[error(transparent)]
    Certify(#[from] CertifyError),
    /// stdout is closed.
    #[error("stdout cannot be written: {0}")]
    Stdout(#[from] std::io::Error),
    /// The system lets nobody listen.
    #[error("SIGINT and SIGTERM cannot be listened to: {0}")]
    Signals(std::io::Error),
}

impl AppError {
    /// Everything that went wrong, each with its own text.
    pub fn messages(&self) -> Vec<String> {
        match self {
            Self::Job(error) => error.messages(),
            Self::Certify(error) => error.messages(),
            Self::Rescore(errors) => errors.iter().map(ToString::to_string).collect(),
            Self::Merge(error) => error.messages(),
            Self::Doctor(errors) => errors.iter().map(ToString::to_string).collect(),
            other => vec![other.to_string()],
        }
    }

    /// The exit status that goes with it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Certify(error) => error.exit(),
            Self::Input(_)
            | Self::Job(_)
            | Self::Rescore(_)
            | Self::Doctor(_)
            | Self::Merge(_)
            | Self::Stdout(_)
            | Self::Signals(_) => Exit::Failed,
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
        Some(Command::Merge(args)) => {
            logging::start(args.talk);
            merge(args)
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
    let (task, mode) = task(&args)?;
    let options = Options {
        roots: options::roots(&inputs::named(&args.input)?, &args.output)?,
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
        also: options::distinct(args.also),
        log_format: args.talk.log_format,
        safe_cells: args.safe_cells,
        summary: args.summary,
        resume: args.resume || args.watch,
        prune: args.prune,
        settle: args.settle.unwrap_or(if args.watch { WATCHED_SETTLE } else { Duration::ZERO }),
        lock: args.lock.unwrap_or(if args.watch { LockPolicy::Wait } else { LockPolicy::Fail }),
        shard: args.shard.map(shard).transpose()?,
        manifest: args.manifest,
    };
    if !options.resume && (options.prune || !options.settle.is_zero()) {
        let option = if options.prune { "--prune" } else { "--settle" };
        let message = format!("{option} is for runs that go on with what is there: say --resume (or --watch), too");
        return Err(UsageError(message).into());
    }
    let stop = StopRequest::listen().map_err(AppError::Signals)?;
    Ok(if args.watch { watch::run(&options, bars, &stop)? } else { job::once(&options, bars, &stop)? })
}

/// A file that is being written grows within this time, as scanners and copies go.
const WATCHED_SETTLE: Duration = Duration::from_secs(2);

/// The share that the command line or the environment names.
fn shard(arg: ShardArg) -> Result<Shard, UsageError> {
    let shard = match arg {
        ShardArg::Of(shard) => return Ok(shard),
        ShardArg::Auto(count) => shard::from_environment(count, |name| std::env::var(name).ok()),
    };
    shard.map_err(UsageError)
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
             --strict, --no-pictures, --timings, --also, --resume, --prune, --watch, --shard and --manifest"
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
    let of_pictures = args.no_pictures || args.timings || !args.also.is_empty();
    let of_runs = args.resume || args.prune || args.watch || args.shard.is_some() || args.manifest;
    of_doubts || of_pictures || of_runs || args.statistics || args.summary.is_some() || !args.fail_on.is_empty()
}

/// `omr rescore`: an earlier run by another evaluation, and who moved.
fn rescore(args: RescoreArgs) -> Result<Exit, AppError> {
    let moves = rescore::run(&args).map_err(AppError::Rescore)?;
    info!("{moves}");
    Ok(Exit::Finished)
}

/// `omr merge`: the output folders of all shards become one.
fn merge(args: MergeArgs) -> Result<Exit, AppError> {
    let total = merge::run(&args)?;
    info!("{total}");
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
        roots: options::roots(&inputs::named(&args.input)?, &args.output)?,
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
        also: Vec::new(),
        log_format: args.talk.log_format,
        safe_cells: false,
        summary: None,
        resume: false,
        prune: false,
        settle: Duration::ZERO,
        lock: LockPolicy::Fail,
        shard: None,
        manifest: false,
    };
    let plan = Plan::prepare(&options).map_err(JobError::Plan)?;
    job::tell_empty(&plan);
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
