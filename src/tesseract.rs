//! Text recognition by the program `tesseract`, which is not a part of omr: the one place where a process is started.
//!
//! It is looked for before the first sheet, and only for a template that has a text field. Each zone is one call: the
//! picture goes in through a pipe, the words come out through another, nothing is written to a disk. A call has a time
//! limit, and whatever the process does (hang, fail, print nonsense, close its pipes), the answer is a [`Failure`].

use std::ffi::OsString;
use std::fmt;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use image::GrayImage;
use tracing::warn;

/// The program's name on the PATH.
const PROGRAM: &str = "tesseract";

/// A zone takes some 100 ms; a busy machine may need hundreds of times as long, a hung process never ends. What is not read
/// within it is the one thing in a sheet's row that a clock decides.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// After so many zones in a row without an answer in time, the program is taken for hung and is not asked any more.
const MOST_TIMEOUTS: usize = 3;

/// No answer is longer; what follows is thrown away.
const MAX_ANSWER: u64 = 1 << 20;

/// The program, ready to be asked.
#[derive(Debug, Clone)]
pub struct Tesseract {
    program: PathBuf,
    version: String,
    time_limit: Duration,
    /// Zones without an answer in time since the last one that had an answer.
    timeouts: Arc<AtomicUsize>,
    /// A failure was told: a program that fails, fails on every zone, and Review.csv has them all.
    has_told: Arc<AtomicBool>,
}

/// Why text cannot be recognised in this run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{what}; reading text (`fieldDetectionType` `OCR`) needs the program tesseract with its English data: install the \
     package `tesseract-ocr` (Debian, Ubuntu) or `tesseract` (Fedora, Homebrew), or take the OCR field blocks out of the \
     template"
)]
pub struct Missing {
    what: String,
}

/// Why the text of one zone could not be recognised.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The process could not be started.
    #[error("tesseract cannot be started: {0}")]
    Start(String),
    /// The process was ended, because it took too long.
    #[error("tesseract gave no answer within {0:?}")]
    TimeLimit(Duration),
    /// The process failed.
    #[error("tesseract failed: {0}")]
    Failed(String),
    /// The answer is no table of words.
    #[error("tesseract gave an answer that is no table of words")]
    Answer,
}

/// What stands in a zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Recognised {
    /// The words, joined by spaces; empty if there is none.
    pub text: String,
    /// The lowest confidence of a word, 0 to 1; 0 if there is none.
    pub confidence: f64,
}

/// What a zone is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// A line of text.
    Line,
    /// One letter or digit.
    Character,
}

impl Tesseract {
    /// Looks for the program on the PATH and asks for its version and languages.
    ///
    /// # Errors
    /// [`Missing`]: it is not there, or does not work.
    pub fn find() -> Result<Self, Missing> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        match program_in(&path) {
            Some(program) => Self::at(&program),
            None => Err(Missing { what: "`tesseract` was not found on the PATH".to_owned() }),
        }
    }

    /// The program at this path.
    ///
    /// # Errors
    /// [`Missing`]: it does not work.
    pub fn at(program: &Path) -> Result<Self, Missing> {
        let missing = |what: String| Missing { what: format!("`{}` {what}", program.display()) };
        let ask = |argument: &str| {
            let mut command = Command::new(program);
            command.arg(argument);
            run(command, Vec::new(), TIME_LIMIT).map_err(|failure| missing(format!("does not work: {failure}")))
        };
        // Version 4 and later print it to stdout, version 3 to stderr.
        let answer = ask("--version")?;
        let first = [&answer.out, &answer.err].into_iter().find_map(|text| text.lines().find(|l| !l.trim().is_empty()));
        let version = first.and_then(|line| line.trim().strip_prefix("tesseract ")).unwrap_or_default();
        // 3.x has another recogniser, without the word list's confidences.
        let major: u32 = version.trim_start_matches('v').split('.').next().and_then(|n| n.parse().ok()).unwrap_or(0);
        if major < 4 {
            return Err(missing(format!(
                "is not tesseract 4 or later (it calls itself `{}`)",
                first.unwrap_or_default()
            )));
        }
        let languages = ask("--list-langs")?;
        if !languages.out.lines().any(|line| line.trim() == "eng") {
            return Err(missing("has no English data (`eng`)".to_owned()));
        }
        Ok(Self::new(program.to_owned(), version.to_owned(), TIME_LIMIT))
    }

    fn new(program: PathBuf, version: String, time_limit: Duration) -> Self {
        Self { program, version, time_limit, timeouts: Arc::default(), has_told: Arc::default() }
    }

    /// Tells of the run's first failure.
    fn tell(&self, failure: &Failure) {
        if !self.has_told.swap(true, Ordering::Relaxed) {
            warn!("{failure}; fields that it does not read are empty and stand in Review.csv as ocr-uncertain");
        }
    }

    /// Recognises the text of a picture: dark letters on white, some 30 px high, with white around. `alphabet` are the only
    /// characters that can stand there; empty: any.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn recognise(&self, picture: &GrayImage, layout: Layout, alphabet: &str) -> Result<Recognised, Failure> {
        if self.timeouts.load(Ordering::Relaxed) >= MOST_TIMEOUTS {
            return Err(Failure::TimeLimit(self.time_limit));
        }
        let answer = self.ask(picture, layout, alphabet);
        match &answer {
            Err(Failure::TimeLimit(_)) => drop(self.timeouts.fetch_add(1, Ordering::Relaxed)),
            _ => self.timeouts.store(0, Ordering::Relaxed),
        }
        answer.inspect_err(|failure| self.tell(failure))
    }

    fn ask(&self, picture: &GrayImage, layout: Layout, alphabet: &str) -> Result<Recognised, Failure> {
        let mut command = Command::new(&self.program);
        // One thread a process: the sheets are what runs side by side.
        command.env("OMP_THREAD_LIMIT", "1");
        let mode = match layout {
            Layout::Line => "7",
            Layout::Character => "10",
        };
        command.args(["stdin", "stdout", "-l", "eng", "--dpi", "300", "--psm", mode]);
        if !alphabet.is_empty() {
            command.arg("-c").arg(format!("tessedit_char_whitelist={alphabet}"));
        }
        // Words are spelt as they stand there, not as a dictionary would have them: they are names and numbers.
        command.args(["-c", "load_system_dawg=0", "-c", "load_freq_dawg=0", "tsv"]);
        let answer = run(command, portable_graymap(picture), self.time_limit)?;
        words(&answer.out).ok_or(Failure::Answer)
    }
}

impl fmt::Display for Tesseract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tesseract {} ({})", self.version, self.program.display())
    }
}

/// The first program of this name in the folders of a PATH.
fn program_in(path: &OsString) -> Option<PathBuf> {
    let name = format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(path)
        .filter(|dir| !dir.as_os_str().is_empty())
        .map(|dir| dir.join(&name))
        .find(|p| p.is_file())
}

/// What a process printed.
struct Printed {
    out: String,
    err: String,
}

/// Runs a process with `input` on its stdin. It is ended when it has not finished within `limit`.
fn run(mut command: Command, input: Vec<u8>, limit: Duration) -> Result<Printed, Failure> {
    let deadline = Instant::now() + limit;
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|e| Failure::Start(e.to_string()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A process that does not want its input closes the pipe; its answer and exit status tell the rest.
        detached(move || drop(stdin.write_all(&input)));
    }
    // The pipes are read on threads of their own that nobody waits for: a process can leave them open to a child of its
    // own, and then they end when that one does.
    let out = child.stdout.take().map(collected);
    let err = child.stderr.take().map(collected);
    let received = |pipe: Option<Receiver<Vec<u8>>>| {
        let left = deadline.saturating_duration_since(Instant::now());
        pipe.and_then(|pipe| pipe.recv_timeout(left).ok()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    };
    let (Some(out), Some(err)) = (received(out), received(err)) else {
        end(&mut child);
        return Err(Failure::TimeLimit(limit));
    };
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(Printed { out, err }),
            Ok(Some(status)) => {
                let said = err.lines().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
                return Err(Failure::Failed(format!("{said} ({status})")));
            }
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(1)),
            Ok(None) => {
                end(&mut child);
                return Err(Failure::TimeLimit(limit));
            }
            Err(e) => {
                end(&mut child);
                return Err(Failure::Failed(e.to_string()));
            }
        }
    }
}

/// Ends a process. One that has just ended by itself cannot be ended, which is as well.
fn end(child: &mut Child) {
    drop(child.kill());
    drop(child.wait());
}

/// Runs `work` on a thread that nobody waits for. Without a thread, the work is not done and its pipe is closed.
fn detached(work: impl FnOnce() + Send + 'static) {
    drop(thread::Builder::new().name("tesseract pipe".to_owned()).spawn(work));
}

/// All that comes out of a pipe.
fn collected(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    detached(move || {
        let mut bytes = Vec::new();
        let limited = pipe.by_ref().take(MAX_ANSWER).read_to_end(&mut bytes);
        // The rest is read and thrown away, so that the process can finish.
        if limited.is_ok() && bytes.len() as u64 == MAX_ANSWER {
            drop(std::io::copy(&mut pipe, &mut std::io::sink()));
        }
        drop(sender.send(bytes));
    });
    receiver
}

/// The picture as binary PGM: the cheapest format that the program reads.
fn portable_graymap(picture: &GrayImage) -> Vec<u8> {
    let mut bytes = format!("P5\n{} {}\n255\n", picture.width(), picture.height()).into_bytes();
    bytes.extend(picture.pixels().map(|p| p.0[0]));
    bytes
}

/// Columns of the table: the kind of its line (5 is a word), the confidence in percent, the text.
const LEVEL: usize = 0;
const CONFIDENCE: usize = 10;
const TEXT: usize = 11;
const WORD: &str = "5";

/// The words of a table; `None` if it is none.
fn words(table: &str) -> Option<Recognised> {
    let mut lines = table.lines();
    lines.next().filter(|header| header.starts_with("level\t"))?;
    let mut texts = Vec::new();
    let mut confidence = 1.0f64;
    for line in lines {
        let cells: Vec<&str> = line.splitn(TEXT + 1, '\t').collect();
        if cells.get(LEVEL) != Some(&WORD) {
            continue;
        }
        let percent: f64 = cells.get(CONFIDENCE)?.trim().parse().ok()?;
        let text = cells.get(TEXT).map_or("", |text| text.trim());
        if !text.is_empty() {
            texts.push(text);
            confidence = confidence.min((percent / 100.0).clamp(0.0, 1.0));
        }
    }
    let confidence = if texts.is_empty() { 0.0 } else { confidence };
    Some(Recognised { text: texts.join(" "), confidence })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext
1\t1\t0\t0\t0\t0\t0\t0\t200\t70\t-1\t
5\t1\t1\t1\t1\t1\t20\t20\t60\t30\t96.5\tROLL
5\t1\t1\t1\t1\t2\t90\t20\t60\t30\t71.25\t12 7
5\t1\t1\t1\t1\t3\t90\t20\t60\t30\t5\t \n";

    #[test]
    fn words_are_joined_and_the_weakest_counts() {
        let want = Recognised { text: "ROLL 12 7".to_owned(), confidence: 0.7125 };
        assert_eq!(words(TABLE), Some(want));
        let none = Recognised { text: String::new(), confidence: 0.0 };
        assert_eq!(words(TABLE.lines().take(2).collect::<Vec<_>>().join("\n").as_str()), Some(none));
        assert_eq!(words(""), None);
        assert_eq!(words("a word\n"), None);
        assert_eq!(words(&TABLE.replace("96.5", "much")), None);
    }

    #[test]
    fn a_program_is_looked_for_in_the_order_of_the_path() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (dir.path().join("a"), dir.path().join("b"));
        [&first, &second].into_iter().for_each(|d| std::fs::create_dir(d).unwrap());
        let path = std::env::join_paths([&first, &second]).unwrap();
        assert_eq!(program_in(&path), None);
        let program = second.join(format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX));
        std::fs::write(&program, "").unwrap();
        assert_eq!(program_in(&path), Some(program));
    }

    /// A program that is a shell script.
    #[cfg(unix)]
    fn script(text: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join(PROGRAM);
        // Written by another process: a process that another test starts meanwhile would inherit this one's open file,
        // and a file that is open for writing cannot be run.
        let mut writer = Command::new("sh");
        writer.args(["-c", "printf '%s' \"$1\" > \"$2\" && chmod 755 \"$2\"", "sh"]);
        let status = writer.arg(format!("#!/bin/sh\n{text}\n")).arg(&program).status().unwrap();
        assert!(status.success());
        (dir, program)
    }

    /// What a script makes of a picture that is larger than a pipe holds.
    #[cfg(unix)]
    fn recognised(text: &str) -> Result<Recognised, Failure> {
        let (_dir, program) = script(text);
        let time_limit = Duration::from_millis(500);
        let tesseract = Tesseract::new(program, "5".to_owned(), time_limit);
        tesseract.recognise(&GrayImage::new(600, 400), Layout::Line, "0123456789")
    }

    #[cfg(unix)]
    #[test]
    fn whatever_the_process_does_is_an_answer() {
        let start = Instant::now();
        let header = TABLE.lines().next().unwrap();
        let read = recognised(&format!(
            "cat >/dev/null\nprintf '{header}\\n5\\t1\\t1\\t1\\t1\\t1\\t0\\t0\\t9\\t9\\t90\\t42\\n'"
        ));
        assert_eq!(read, Ok(Recognised { text: "42".to_owned(), confidence: 0.9 }));
        let limit = Duration::from_millis(500);
        assert_eq!(recognised("exec sleep 30"), Err(Failure::TimeLimit(limit)));
        // The shell is ended, its child keeps the pipes.
        assert_eq!(recognised("sleep 3; true"), Err(Failure::TimeLimit(limit)));
        // The pipes are closed, and the process goes on.
        assert_eq!(recognised("exec >&- 2>&- <&-; exec sleep 30"), Err(Failure::TimeLimit(limit)));
        let failed = |text: &str| match recognised(text) {
            Err(Failure::Failed(said)) => said,
            other => panic!("{other:?}"),
        };
        assert!(failed("echo 'no data' >&2; exit 3").starts_with("no data ("));
        assert!(failed("exit 1").starts_with("it said nothing ("));
        assert_eq!(recognised("echo hello"), Err(Failure::Answer));
        assert_eq!(recognised("exit 0"), Err(Failure::Answer));
        assert_eq!(recognised("head -c 3000000 /dev/zero"), Err(Failure::Answer));
        assert!(start.elapsed() < Duration::from_secs(20));
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_is_no_tesseract_is_told_before_the_run() {
        let at = |text: &str| {
            let (_dir, program) = script(text);
            Tesseract::at(&program).map(|t| t.version).map_err(|missing| missing.to_string())
        };
        let versions = "case $1 in --version) echo 'tesseract 5.3.0';; *)";
        assert_eq!(at(&format!("{versions} echo 'List (1):'; echo eng;; esac")), Ok("5.3.0".to_owned()));
        let no_data = at(&format!("{versions} echo osd;; esac")).unwrap_err();
        assert!(no_data.contains("no English data") && no_data.contains("install the package"), "{no_data}");
        let old = at("echo 'tesseract 3.04'").unwrap_err();
        assert!(old.contains("`tesseract 3.04`"), "{old}");
        assert!(at("exit 9").unwrap_err().contains("does not work"));
        assert!(Tesseract::at(Path::new("/no/such/program")).unwrap_err().to_string().contains("cannot be started"));
    }
}
