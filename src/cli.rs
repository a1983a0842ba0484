//! What can be typed. Its meaning is settled in [`crate::options`].

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::shard::Shard;

const EXAMPLES: &str = "\
Examples:
  omr --input scans --output results                  read scans/ and its sub-folders
  omr --input scans --output results --max-workers 8  with 8 sheets at a time
  omr -i monday tuesday -o results                    two trees, side by side under results/
  omr --input scans --template form/template.json     one template for scans that bring none
  omr -i scan.pdf --template form -o results          the pages of a file
  omr check scans                                     what a run would do, without reading a sheet
  omr doctor --template form scans/1.jpg              where a template does not fit its sheets
  omr rescore --results results --evaluation new.json --output results2
  omr deck --template form -o deck --sheets 200       sheets of a form whose answers are known
  omr accuracy --truth deck/truth.csv --results out   fields read right, reported, silently wrong

A folder brings its own template.json, config.json and evaluation.json, or inherits them from the folder above.
Files made for OMRChecker v1 and v2 are read as they are.

Exit status: 0 finished, every image is accounted for; 1 could not start or finish; 2 bad usage;
3 not one image could be read, or what --fail-on names happened; 130 stopped by a person, 143 by SIGTERM.";

/// Reads folders of scanned or photographed answer sheets and writes the answers as CSV.
#[derive(Debug, Parser)]
#[command(name = "omr", version, about, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What else than the main job is to be done.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The main job.
    #[command(flatten)]
    pub run: RunArgs,
}

/// Commands beside the main job.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Find out all that a run would find out before its first sheet, and list what it would do
    Check(CheckArgs),
    /// Score an earlier run again by another evaluation, without reading a picture of a sheet
    Rescore(RescoreArgs),
    /// Show what a person needs to mend a template: where bubbles are printed beside its boxes, ink and thresholds
    Doctor(DoctorArgs),
    /// Make sheets of a template, filled in and photographed, with the truth of every field
    Deck(DeckArgs),
    /// Put the output folders of all shards of a run together, as if it had been one
    Merge(MergeArgs),
    /// Compare the results of a deck with its truth: what was right, what was reported, what was silently wrong
    Accuracy(AccuracyArgs),
}

/// Arguments of the main job.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Folders with sheets, sub-folders included; or files; or `-`: a list of them on stdin, one a line
    #[arg(short, long, alias = "inputDir", value_name = "PATH", num_args = 1.., default_value = "inputs")]
    pub input: Vec<PathBuf>,
    /// Folder for the results
    #[arg(short, long, alias = "outputDir", value_name = "DIR", default_value = "outputs")]
    pub output: PathBuf,
    /// What the run does on each sheet and how many at a time
    #[command(flatten)]
    pub setup: SetupArgs,
    /// Exit with 3 when an image could not be read (error) or a doubt was noted (review)
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    pub fail_on: Vec<FailOn>,
    /// Note a doubt about every field whose confidence, as Results/Confidence.csv has it, is below X, from 0 to 1
    #[arg(long, value_name = "X", value_parser = parse_confidence)]
    pub review_below: Option<f64>,
    /// Leave the values of doubtful fields empty in results and scores; Manual/Review.csv has what was read
    #[arg(long)]
    pub strict: bool,
    /// Put a `'` before file names and texts that a spreadsheet would take for a formula
    #[arg(long)]
    pub safe_cells: bool,
    /// Write item statistics to Results/Items.csv and Results/Statistics.csv
    #[arg(long)]
    pub statistics: bool,
    /// Save no pictures: no marked sheets, no crops of doubtful fields, no stages
    #[arg(long)]
    pub no_pictures: bool,
    /// Tell on stderr what each part of the work cost: processor time per sheet, and its share
    #[arg(long)]
    pub timings: bool,
    /// Go on where an earlier run into the same output stopped: read what is new or changed, keep the rows of all else
    #[arg(long)]
    pub resume: bool,
    /// With --resume: drop the rows of sheets whose files are gone
    #[arg(long)]
    pub prune: bool,
    /// With --resume: leave files alone that were written to in the last so many seconds [default: 0; with --watch: 2]
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    pub settle: Option<Duration>,
    /// While another run writes into the same output: stop, or wait for it [default: fail; with --watch: wait]
    #[arg(long, value_name = "WHAT")]
    pub lock: Option<LockPolicy>,
    /// Stay, and read new files as they come, until stopped; what is known is not read again, as with --resume
    #[arg(long)]
    pub watch: bool,
    /// Read one of N shares of the sheets; `auto`: which one, a Slurm array or a Kubernetes indexed job tells
    #[arg(long, value_name = "I/N|auto", value_parser = parse_shard)]
    pub shard: Option<ShardArg>,
    /// Write manifest.json to the output: digests of all inputs, templates and outputs
    #[arg(long)]
    pub manifest: bool,
    /// Write each CSV table also as JSON lines (jsonl) or as an Excel workbook (xlsx)
    #[arg(long, value_name = "FORMAT", value_delimiter = ',')]
    pub also: Vec<TableFormat>,
    /// Print the counts of the run, its reasons and its durations to stdout
    #[arg(long, value_name = "FORMAT")]
    pub summary: Option<SummaryFormat>,
    /// Write no results: draw the template on each page, as `Layout/<image name>.png`, and show it where there is a display
    #[arg(long, alias = "setLayout", short_alias = 'l', conflicts_with_all = ["statistics", "safe_cells", "fail_on", "summary", "review_below", "strict", "no_pictures", "timings", "also", "resume", "prune", "watch", "shard", "manifest"])]
    pub set_layout: bool,
    /// How much is said on stderr
    #[command(flatten)]
    pub talk: TalkArgs,
    #[arg(long = "outputMode", hide = true, value_name = "MODE")]
    pub(crate) output_mode: Option<String>,
    #[arg(short = 'a', long = "autoAlign", hide = true)]
    pub(crate) auto_align: bool,
}

/// Arguments of `omr check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Folders with sheets; or files; or `-`: a list of them on stdin, one a line
    #[arg(value_name = "PATH", default_value = "inputs")]
    pub input: Vec<PathBuf>,
    /// Folder that the results would go to
    #[arg(short, long, value_name = "DIR", default_value = "outputs")]
    pub output: PathBuf,
    /// What the run would do on each sheet and how many at a time
    #[command(flatten)]
    pub setup: SetupArgs,
    /// How much is said on stderr
    #[command(flatten)]
    pub talk: TalkArgs,
}

/// Arguments of `omr rescore`.
#[derive(Debug, Args)]
pub struct RescoreArgs {
    /// Output folder of the earlier run
    #[arg(long, value_name = "DIR")]
    pub results: PathBuf,
    /// Evaluation to score by
    #[arg(long, value_name = "FILE")]
    pub evaluation: PathBuf,
    /// Template of the sheets: tells blank from marked where blocks have empty values of their own, and reads a key that
    /// is a picture
    #[arg(long, value_name = "FILE")]
    pub template: Option<PathBuf>,
    /// Config that governs the template, for a key that is a picture
    #[arg(long, value_name = "FILE", requires = "template")]
    pub config: Option<PathBuf>,
    /// Let the template and the evaluation name files outside of their folders
    #[arg(long)]
    pub allow_outside: bool,
    /// Folder for the new results
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Write item statistics to Results/Items.csv and Results/Statistics.csv
    #[arg(long)]
    pub statistics: bool,
    /// How much is said on stderr
    #[command(flatten)]
    pub talk: TalkArgs,
}

/// Arguments of `omr merge`.
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// Output folders of the shards 1 to N, in any order
    #[arg(value_name = "OUT", required = true)]
    pub shards: Vec<PathBuf>,
    /// Folder for the whole
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Write each CSV table also as JSON lines (jsonl) or as an Excel workbook (xlsx)
    #[arg(long, value_name = "FORMAT", value_delimiter = ',')]
    pub also: Vec<TableFormat>,
    /// Write manifest.json to the output: digests of all inputs, templates and outputs
    #[arg(long)]
    pub manifest: bool,
    /// How much is said on stderr
    #[command(flatten)]
    pub talk: TalkArgs,
}

/// Arguments of `omr doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// The template, or a folder with template.json
    #[arg(long, value_name = "DIR|FILE")]
    pub template: PathBuf,
    /// Config that governs the template [default: config.json beside it]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Let the template name pictures outside of its folder
    #[arg(long)]
    pub allow_outside: bool,
    /// Filled sheets: pictures, or folders of pictures (without their sub-folders)
    #[arg(value_name = "SCAN|FOLDER", required = true)]
    pub scans: Vec<PathBuf>,
    /// Where the picture goes; a PNG, or a JPEG if it is named so
    #[arg(long, value_name = "FILE", default_value = crate::report_mark::DEFAULT_NAME)]
    pub picture: PathBuf,
    /// Write the proposed template to template.proposed.json beside the template
    #[arg(long)]
    pub write: bool,
    /// How much is said
    #[command(flatten)]
    pub talk: TalkArgs,
}

/// Arguments of `omr deck`.
#[derive(Debug, Args)]
pub struct DeckArgs {
    /// template.json, or the folder that it lies in
    #[arg(long, value_name = "FILE|DIR")]
    pub template: PathBuf,
    /// Config that governs the template [default: config.json beside it]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Let the template name pictures outside of its folder
    #[arg(long)]
    pub allow_outside: bool,
    /// Folder for the deck: new, empty, or an earlier deck
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Number of sheets
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub sheets: u32,
    /// What everything is drawn from: the same seed makes the same deck
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// Shares of what happens in fields; what is not named does not
    /// [default: full=60,light=10,blank=18,double=3,tick=3,cross=3,partial=1.5,erased=1,dot=0.5]
    #[arg(long, value_name = "KIND=SHARE,…")]
    pub mix: Option<String>,
    /// What becomes of the sheets, in turn
    #[arg(
        long,
        value_name = "NAME,…",
        default_value = "scanner,office,photocopy,phone,shadow,turned,blurred,compressed"
    )]
    pub degrade: String,
    /// How bubbles are printed: some of circle, ellipse, square, bracket, letter, drop-out
    #[arg(long, value_name = "NAME,…", default_value = "circle,ellipse,square,bracket,letter,drop-out")]
    pub print: String,
    /// Scan of the blank form, which is printed instead of drawn bubbles
    #[arg(long, value_name = "PICTURE", conflicts_with = "print")]
    pub form: Option<PathBuf>,
    /// Sheets made at a time, 1 to 16, or `auto` for one per core
    #[arg(long, value_name = "N|auto", value_parser = parse_workers, default_value = "auto")]
    pub max_workers: WorkersArg,
    /// How much is said on stderr
    #[command(flatten)]
    pub talk: TalkArgs,
}

/// Arguments of `omr accuracy`.
#[derive(Debug, Args)]
pub struct AccuracyArgs {
    /// The deck's truth.csv
    #[arg(long, value_name = "FILE")]
    pub truth: PathBuf,
    /// Output folder of the run that read the deck
    #[arg(long, value_name = "DIR")]
    pub results: PathBuf,
    /// Print JSON instead of tables
    #[arg(long, value_name = "FORMAT")]
    pub summary: Option<SummaryFormat>,
    /// Exit with 3 when a field is silently wrong
    #[arg(long, value_name = "WHAT")]
    pub fail_on: Option<FailOnAccuracy>,
    /// How much is said on stderr
    #[command(flatten)]
    pub talk: TalkArgs,
}

/// What makes `omr accuracy` exit with 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOnAccuracy {
    /// A field that is wrong and not reported
    Silent,
}

/// What is done on each sheet, and how many at a time.
#[derive(Debug, Clone, Args)]
pub struct SetupArgs {
    /// Sheets read at a time, 1 to 16, or `auto` for one per core [default: the config's, else 4]
    #[arg(long, value_name = "N|auto", value_parser = parse_workers)]
    pub max_workers: Option<WorkersArg>,
    /// Template for folders that have none and inherit none
    #[arg(long, value_name = "FILE")]
    pub template: Option<PathBuf>,
    /// Config for folders that have none and inherit none
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Evaluation for folders that have none and inherit none
    #[arg(long, value_name = "FILE")]
    pub evaluation: Option<PathBuf>,
    /// Let templates and evaluations name files outside of their folders
    #[arg(long)]
    pub allow_outside: bool,
    /// Follow links that lead out of the input
    #[arg(long)]
    pub follow_links: bool,
    /// Who decides which bubbles are marked [default: the config's, else ink]
    #[arg(long, value_name = "JUDGE")]
    pub reader: Option<ReaderArg>,
}

/// `--reader`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReaderArg {
    /// The ink beyond what is printed, beside the paper around it
    Ink,
    /// OMRChecker's thresholds on mean grays
    Classic,
}

/// How much is said on stderr.
#[derive(Debug, Clone, Copy, Args)]
pub struct TalkArgs {
    /// Say nothing unless the run fails
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more: a line for every sheet
    #[arg(short, long)]
    pub verbose: bool,
    /// How it is said: as lines for people, or as one JSON object a line and no progress bar
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
    #[arg(short = 'd', long = "debug", hide = true)]
    pub(crate) debug: bool,
}

impl Cli {
    /// How much is said on stderr, and how.
    pub const fn talk(&self) -> TalkArgs {
        match &self.command {
            Some(Command::Check(args)) => args.talk,
            Some(Command::Rescore(args)) => args.talk,
            Some(Command::Merge(args)) => args.talk,
            Some(Command::Doctor(args)) => args.talk,
            Some(Command::Deck(args)) => args.talk,
            Some(Command::Accuracy(args)) => args.talk,
            None => self.run.talk,
        }
    }
}

/// What makes a finished run exit with 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// An image that could not be read
    Error,
    /// A doubt in Review.csv
    Review,
}

/// What to do while another run writes into the same output folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LockPolicy {
    /// Stop at once.
    #[default]
    Fail,
    /// Wait until it has ended.
    Wait,
}

/// `--shard`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShardArg {
    /// This one.
    Of(Shard),
    /// The one that the environment names; of so many, where it is said.
    Auto(Option<u32>),
}

/// How things are said on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object a line
    Json,
}

/// What a table is written as, beside its CSV.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum TableFormat {
    /// JSON lines
    Jsonl,
    /// An Excel workbook
    Xlsx,
}

/// How the counts of the run are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SummaryFormat {
    /// One JSON object
    Json,
}

/// `--max-workers`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkersArg {
    /// So many.
    Count(usize),
    /// One per core.
    Auto,
}

fn parse_confidence(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| "expected a number from 0 to 1".to_owned())
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    // A year: beyond it lie mistakes.
    let most = Duration::from_secs(366 * 24 * 3600);
    seconds.filter(|&seconds| seconds <= most).ok_or_else(|| "expected a number of seconds, 0 or more".to_owned())
}

fn parse_shard(text: &str) -> Result<ShardArg, String> {
    if text == "auto" {
        return Ok(ShardArg::Auto(None));
    }
    if let Some(count) = text.strip_prefix("auto/") {
        let count = format!("1/{count}").parse::<Shard>().map(|shard| shard.count);
        return count.map(|count| ShardArg::Auto(Some(count)));
    }
    text.parse().map(ShardArg::Of)
}

fn parse_workers(text: &str) -> Result<WorkersArg, String> {
    if text == "auto" {
        return Ok(WorkersArg::Auto);
    }
    match text.parse() {
        Ok(count @ 1..=16) => Ok(WorkersArg::Count(count)),
        _ => Err("expected a number from 1 to 16, or `auto`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn omrcheckers_spellings_are_understood() {
        let cli = Cli::parse_from(["omr", "--inputDir", "a", "b", "--outputDir", "c", "-d", "-a"]);
        assert_eq!(cli.run.input, [PathBuf::from("a"), PathBuf::from("b")]);
        assert_eq!(cli.run.output, PathBuf::from("c"));
        assert!(cli.run.talk.debug && cli.run.auto_align);
    }

    #[test]
    fn confidences_are_0_to_1() {
        assert_eq!(["0", "1", "0.985", "1e-3"].map(parse_confidence), [0.0, 1.0, 0.985, 0.001].map(Ok));
        for wrong in ["1.01", "-0.1", "NaN", "inf", "98%", "", "0,9"] {
            assert!(parse_confidence(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn workers_are_1_to_16_or_auto() {
        assert_eq!(parse_workers("16"), Ok(WorkersArg::Count(16)));
        assert_eq!(parse_workers("auto"), Ok(WorkersArg::Auto));
        for wrong in ["0", "17", "-1", "4.0", "", "all"] {
            assert!(parse_workers(wrong).is_err(), "{wrong}");
        }
    }
}
