//! A fresh folder, the program in it, and what it said.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder of its own for one test; the program runs in it.
pub struct Workspace {
    dir: tempfile::TempDir,
}

impl Workspace {
    /// An empty folder.
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A path in the folder.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file, with the folders it lies in.
    pub fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, content).expect("a file");
    }

    /// Copies a folder of samples/ to `to`.
    pub fn copy_sample(&self, sample: &str, to: &str) {
        copy_tree(&samples_dir().join(sample), &self.path(to));
    }

    /// Copies a folder of this one.
    pub fn copy(&self, from: &str, to: &str) {
        copy_tree(&self.path(from), &self.path(to));
    }

    /// Runs `omr` here.
    pub fn omr(&self, args: &[&str]) -> Run {
        self.omr_with(args, &[])
    }

    /// Runs `omr` here, with these variables in its environment.
    pub fn omr_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Run {
        Run::from(self.command(args).envs(variables.iter().copied()).output().expect("omr runs"))
    }

    /// `omr` here, without a display.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_omr"));
        command.args(args).current_dir(self.dir.path()).env("NO_COLOR", "1").env("COLUMNS", "100");
        command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
        command
    }

    /// The rows of a CSV file, the header first.
    pub fn csv(&self, name: impl AsRef<Path>) -> Vec<Vec<String>> {
        let path = self.path(name);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(&path).expect("a CSV file");
        reader.records().map(|r| r.expect("a row").iter().map(str::to_owned).collect()).collect()
    }

    /// Every file below `name` with its content, `.omr/` left out.
    pub fn tree(&self, name: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(&self.path(name), Path::new(""), &mut files);
        files
    }
}

fn collect(dir: &Path, below: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(dir).expect("a folder") {
        let entry = entry.expect("an entry");
        let name = below.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            if entry.file_name() != ".omr" {
                collect(&entry.path(), &name, files);
            }
        } else {
            files.insert(name, fs::read(entry.path()).expect("a file"));
        }
    }
}

/// Where the samples lie.
pub fn samples_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

/// Copies a folder with all that is in it.
pub fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

/// What a run left.
pub struct Run {
    output: Output,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self { output }
    }
}

impl Run {
    /// The exit status.
    pub fn code(&self) -> i32 {
        self.output.status.code().expect("an exit status, not a signal")
    }

    /// What it said on stderr.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// What it printed on stdout.
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    /// Exit status, stdout and stderr in one text, durations and rates blanked.
    pub fn transcript(&self) -> String {
        let stderr = self.stderr();
        let lines = stderr.lines().map(without_rates).map(|l| l.trim_end().to_owned()).collect::<Vec<_>>().join("\n");
        let stdout = without_durations(&self.stdout());
        format!("exit {}\n--- stdout\n{stdout}--- stderr\n{lines}\n", self.code())
    }

    /// Asserts that the run succeeded.
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code(), 0, "{}", self.stderr());
        self
    }
}

/// A summary without its numbers of seconds and sheets in a second.
fn without_durations(stdout: &str) -> String {
    let durations = regex::Regex::new(r#"("seconds"|"sheets_per_second"):[0-9.e-]+"#).expect("a pattern");
    durations.replace_all(stdout, "$1:…").into_owned()
}

/// A line without its numbers of seconds and sheets/s, which differ from run to run.
fn without_rates(line: &str) -> String {
    match line.find("sheets/s") {
        Some(_) => line.rsplit_once(';').map_or(line, |(counts, _)| counts).to_owned() + "; … sheets/s",
        None => line.to_owned(),
    }
}
