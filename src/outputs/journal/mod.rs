//! The journal of an output folder, `<output>/.omr/journal`: every sheet that is done, with all that its rows need. A later run
//! makes the same tables of it without reading those sheets again, and shards are put together by it.
//!
//! A line is written at once when its sheet is done, after the files about the sheet; so whatever ends the program, a line that
//! is whole is true. What follows the last whole line is cut off when the journal is opened again.
//!
//! Sync: the journal goes to disk at the end of each folder, before the folder's tables take their place, and at the end of the
//! run. A power failure can cost what was done since; files about sheets are compared by size before they are trusted.

mod known;
mod line;
mod pages;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

pub use self::known::{JournalError, Known};
pub use self::line::{Document, EndLine, FolderLine, InputLine, Line, RunLine, Setting, SheetLine, Source, Stamp};
pub use self::pages::{PageCount, PageCounts};
use super::{OutputError, table};
use crate::file_names::STATE_FOLDER;
use crate::images::Image;

/// Name of the journal in the state folder.
const NAME: &str = "journal";

/// Where the journal of an output folder lies.
pub fn file_of(output: &Path) -> PathBuf {
    output.join(STATE_FOLDER).join(NAME)
}

/// How the journal of an output folder begins, if there is one.
pub fn begun(output: &Path) -> Option<RunLine> {
    let mut line = String::new();
    io::BufRead::read_line(&mut io::BufReader::new(File::open(file_of(output)).ok()?), &mut line).ok()?;
    match serde_json::from_str(&line).ok()? {
        Line::Run(run) => Some(run),
        _ => None,
    }
}

/// Removes the journal: the tables are made anew, by other means.
///
/// # Errors
/// [`OutputError`].
pub fn forget(output: &Path) -> Result<(), OutputError> {
    let path = file_of(output);
    match fs::remove_file(&path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(OutputError::at(path)(e)),
        _ => Ok(()),
    }
}

/// A journal that grows.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: Mutex<File>,
}

impl Journal {
    /// Begins a journal; what an earlier run noted is gone. The state folder must exist, and be locked.
    ///
    /// # Errors
    /// What the system says.
    pub fn begin(output: &Path) -> io::Result<Self> {
        let path = file_of(output);
        let file = File::create(&path)?;
        Ok(Self { path, file: Mutex::new(file) })
    }

    /// Goes on with the journal of an earlier run, of which `known` is what it holds.
    ///
    /// # Errors
    /// What the system says.
    pub fn go_on(output: &Path, known: &Known) -> io::Result<Self> {
        let path = file_of(output);
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        file.set_len(known.length())?;
        Ok(Self { path, file: Mutex::new(file) })
    }

    /// Writes a line.
    ///
    /// # Errors
    /// What the system says; then the journal is as if nothing had been written.
    pub fn append(&self, line: &Line) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        table::append_whole(&mut self.file.lock(), &bytes)
    }

    /// Has the system put all lines on disk.
    ///
    /// # Errors
    /// What the system says.
    pub fn sync(&self) -> io::Result<()> {
        self.file.lock().sync_data()
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Writes the journal anew, in one step, with what is still of use: of each folder, setting and sheet the last line, if the sheet
/// `is_kept`. Gives what it holds then.
///
/// # Errors
/// [`JournalError`].
pub fn tidy(output: &Path, known: &Known, is_kept: impl Fn(&Path, &Image) -> bool) -> Result<Known, JournalError> {
    let path = file_of(output);
    let next = path.with_extension("next");
    let failed = |source| JournalError::Unreadable { path: path.clone(), source };
    let mut to = io::BufWriter::new(File::create(&next).map_err(failed)?);
    known.copy(&mut to, is_kept)?;
    to.flush().map_err(failed)?;
    to.get_ref().sync_data().map_err(failed)?;
    fs::rename(&next, &path).map_err(failed)?;
    Known::of(output)
}
