//! The program under watch: how long it took, the most memory that it had, and whether it came to its end.

use std::fs::{self, File};
use std::io::{Read, Seek};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What was seen of a run.
pub struct Seen {
    /// The exit status; `None`: a signal ended it, or it did not end in time.
    pub code: Option<i32>,
    /// It was stopped for it took too long.
    pub hung: bool,
    /// What it said on stderr.
    pub stderr: String,
    /// The most memory that it had, in bytes, looked at every few milliseconds.
    pub peak: u64,
    /// How long it took.
    pub took: Duration,
}

impl Seen {
    /// Runs `command` to its end, or stops it after `most`.
    pub fn run(mut command: Command, most: Duration) -> Self {
        let mut said = tempfile::tempfile().expect("a temporary file");
        let stderr: Stdio = said.try_clone().map(File::into).expect("a file");
        let start = Instant::now();
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).spawn().expect("the program runs");
        let (mut peak, mut hung) = (0, false);
        let status = loop {
            peak = peak.max(resident(child.id()).unwrap_or(0));
            if let Some(status) = child.try_wait().expect("a status") {
                break status;
            }
            if start.elapsed() > most {
                hung = true;
                child.kill().expect("it can be stopped");
            }
            thread::sleep(Duration::from_millis(3));
        };
        let took = start.elapsed();
        let mut bytes = Vec::new();
        said.rewind().and_then(|()| said.read_to_end(&mut bytes)).expect("what it said");
        Self { code: status.code(), hung, stderr: String::from_utf8_lossy(&bytes).into_owned(), peak, took }
    }

    /// Asserts that it ended as it should, whatever it was given: with a status of its own, without a panic, in time, within
    /// so many MiB.
    pub fn is_well(&self, what: &str, mib: u64) {
        let Self { code, hung, stderr, peak, took } = self;
        assert!(!hung, "{what}: did not end within {took:?}: {stderr}");
        assert!(matches!(code, Some(0 | 1 | 3)), "{what}: ended with {code:?}: {stderr}");
        assert!(!stderr.contains("panicked") && !stderr.contains("a mistake in omr"), "{what}: {stderr}");
        assert!(*peak < mib << 20, "{what}: took {} MiB", peak >> 20);
    }
}

/// The most memory that a process has had so far, in bytes.
fn resident(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
}
