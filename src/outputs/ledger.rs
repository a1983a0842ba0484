//! What earlier runs wrote, so that files which this run does not write again can be removed, and nothing else is.
//!
//! `<output>/.omr/written` holds paths below the output folder. A run first announces what it may write, and replaces the
//! list by what it wrote at its end: a run that is stopped leaves a list that names too much, never too little.
//!
//! What this run wrote goes to `<output>/.omr/written.next` at once, so that a run of a million sheets holds none of their
//! names here.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Component, Path, PathBuf};

use tracing::warn;

use crate::file_content;
use crate::file_names::STATE_FOLDER;

/// The list of files that omr wrote into an output folder.
#[derive(Debug)]
pub struct Ledger {
    output: PathBuf,
    /// What earlier runs wrote, and this one has not written yet.
    earlier: HashSet<PathBuf>,
    /// The list as it stands if this run is stopped.
    file: BufWriter<File>,
    /// The list that takes its place.
    next: BufWriter<File>,
    /// Why `next` could not be written, told at the end: until then the other list says enough.
    failure: Option<io::Error>,
}

/// Name of the list in the state folder.
const LIST: &str = "written";

/// Name of the list that takes its place.
const NEXT: &str = "written.next";

/// A list may have this many bytes: a million sheets with ten files each, of names as long as they mostly are, have half of them.
const MOST_LISTED: u64 = 1 << 30;

/// The files that earlier runs wrote into the output folder `output`, as paths below it; none if it is no such folder. It may be
/// any folder of an input, with what somebody else put in it: a list that is no file is not opened.
pub fn written_below(output: &Path) -> HashSet<PathBuf> {
    let path = output.join(STATE_FOLDER).join(LIST);
    let Ok(metadata) = path.metadata() else { return HashSet::new() };
    let read = match metadata.is_file() {
        true => file_content::read(&path, MOST_LISTED).map_err(|error| error.to_string()),
        false => Err("is no file".to_owned()),
    };
    read.map(|bytes| entries(&bytes)).unwrap_or_else(|why| {
        warn!("`{}`, the list of what earlier runs wrote there, {why}; it is left out", path.display());
        HashSet::new()
    })
}

/// The list without what follows its last zero, which is half of an entry: a run was ended while it wrote it.
fn whole(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|&b| b == 0).map_or(0, |last| last + 1);
    bytes.get(..end).unwrap_or_default()
}

fn entries(bytes: &[u8]) -> HashSet<PathBuf> {
    whole(bytes).split(|&b| b == 0).filter(|entry| !entry.is_empty()).filter_map(decode).collect()
}

impl Ledger {
    /// Opens the list of an output folder, which must exist and be locked.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(output: &Path) -> io::Result<Self> {
        let folder = output.join(STATE_FOLDER);
        fs::create_dir_all(&folder)?;
        let path = folder.join(LIST);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(e) => return Err(e),
        };
        let bytes = whole(&bytes);
        let earlier = entries(bytes);
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        file.set_len(bytes.len() as u64)?;
        let file = BufWriter::new(file);
        let next = BufWriter::new(File::create(folder.join(NEXT))?);
        Ok(Self { output: output.to_path_buf(), earlier, file, next, failure: None })
    }

    /// Notes files that may be written, as paths below the output folder, before the first of them is. A file that lies
    /// there and is not omr's is not noted: should the run be stopped before it is overwritten, it must stay.
    ///
    /// # Errors
    /// What the system says.
    pub fn announce(&mut self, paths: impl IntoIterator<Item = PathBuf>) -> io::Result<()> {
        let mut places = Places { output: &self.output, may_hold: HashMap::new() };
        for path in paths {
            if !self.earlier.contains(&path) && !places.has(&path) {
                write_entry(&mut self.file, &path)?;
            }
        }
        self.file.flush()
    }

    /// Keeps those files of earlier runs that `are_to_stay`: they are none of this run's concern.
    pub fn keep(&mut self, are_to_stay: impl Fn(&Path) -> bool) {
        let kept: Vec<PathBuf> = self.earlier.iter().filter(|path| are_to_stay(path)).cloned().collect();
        self.wrote(kept);
    }

    /// Removes those files of earlier runs that `are_to_go`, and folders that this leaves empty, before this run writes.
    ///
    /// # Errors
    /// What the system says; a file that is gone already is none.
    pub fn remove_earlier(&self, are_to_go: impl Fn(&Path) -> bool) -> io::Result<()> {
        remove(&self.output, self.earlier.iter().filter(|path| are_to_go(path)).cloned().collect())
    }

    /// The files of earlier runs below a folder, all as paths below the output folder, that this run has not written. What would
    /// be reached by way of a link is none of them.
    pub fn earlier_below(&self, folder: &Path) -> HashSet<PathBuf> {
        let mut folders = Folders::of(&self.output);
        self.earlier.iter().filter(|path| path.starts_with(folder) && folders.hold(path)).cloned().collect()
    }

    /// Was this file written by an earlier run, and not again by this one?
    pub fn is_left_over(&self, path: &Path) -> bool {
        self.earlier.contains(path)
    }

    /// Notes files that were written.
    pub fn wrote(&mut self, paths: impl IntoIterator<Item = PathBuf>) {
        for path in paths {
            self.earlier.remove(&path);
            if self.failure.is_none() {
                self.failure = write_entry(&mut self.next, &path).err();
            }
        }
    }

    /// Removes what earlier runs wrote and this one did not, and folders that this leaves empty; then replaces the list.
    ///
    /// # Errors
    /// What the system says; a file that is gone already is none.
    pub fn finish(self) -> io::Result<()> {
        let Self { output, earlier, file, mut next, failure } = self;
        drop(file);
        failure.map_or(Ok(()), Err)?;
        next.flush()?;
        drop(next);
        remove(&output, earlier.into_iter().collect())?;
        let folder = output.join(STATE_FOLDER);
        fs::rename(folder.join(NEXT), folder.join(LIST))?;
        Ok(())
    }
}

/// Tells which files lie below an output folder. Mostly its folders are new: one look at a folder without files spares a
/// look for each of its hundred thousand files to come, which on a network disk are a minute.
struct Places<'o> {
    output: &'o Path,
    /// Folders that were looked at.
    may_hold: HashMap<PathBuf, bool>,
}

impl Places<'_> {
    fn has(&mut self, path: &Path) -> bool {
        let Some(folder) = path.parent() else { return self.output.join(path).exists() };
        let may_hold = match self.may_hold.get(folder) {
            Some(&known) => known,
            None => *self.may_hold.entry(folder.to_path_buf()).or_insert(may_hold_files(&self.output.join(folder))),
        };
        may_hold && self.output.join(path).exists()
    }
}

/// Has the folder anything but folders, or can that not be told?
fn may_hold_files(folder: &Path) -> bool {
    match fs::read_dir(folder) {
        Ok(mut entries) => entries.any(|entry| !entry.and_then(|e| e.file_type()).is_ok_and(|kind| kind.is_dir())),
        Err(e) => e.kind() != io::ErrorKind::NotFound,
    }
}

/// Tells what lies in an output folder itself: somebody may have put a link in the place of one of its folders.
struct Folders<'o> {
    output: &'o Path,
    real: Option<PathBuf>,
    /// Folders that were looked at.
    known: HashMap<PathBuf, bool>,
}

impl<'o> Folders<'o> {
    fn of(output: &'o Path) -> Self {
        Self { output, real: fs::canonicalize(output).ok(), known: HashMap::new() }
    }

    /// Is a path below the output folder reached without a link?
    fn hold(&mut self, path: &Path) -> bool {
        let (Some(folder), Some(real)) = (path.parent(), &self.real) else { return true };
        if let Some(&known) = self.known.get(folder) {
            return known;
        }
        // What is not there is reached by no link.
        let holds = fs::canonicalize(self.output.join(folder)).map_or(true, |found| found == real.join(folder));
        self.known.insert(folder.to_path_buf(), holds);
        holds
    }
}

/// Removes files below `output`, links and not what they lead to, with folders that this leaves empty. A folder of that name
/// is nothing that omr wrote, and neither is what lies behind a link.
fn remove(output: &Path, mut stale: Vec<PathBuf>) -> io::Result<()> {
    stale.sort();
    let mut folders = Folders::of(output);
    for path in &stale {
        if !folders.hold(path) {
            continue;
        }
        let file = output.join(path);
        match fs::remove_file(&file) {
            Ok(()) => remove_empty_folders(output, path),
            Err(e) if e.kind() == io::ErrorKind::NotFound => remove_empty_folders(output, path),
            Err(_) if file.symlink_metadata().is_ok_and(|found| found.is_dir()) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Removes the folders of a removed file as far as they are empty, never the output folder itself.
fn remove_empty_folders(output: &Path, path: &Path) {
    for folder in path.ancestors().skip(1).take_while(|f| !f.as_os_str().is_empty()) {
        if fs::remove_dir(output.join(folder)).is_err() {
            break;
        }
    }
}

/// Entries end with a zero byte: the one byte that no file name has.
fn write_entry(to: &mut impl Write, path: &Path) -> io::Result<()> {
    to.write_all(path.as_os_str().as_encoded_bytes())?;
    to.write_all(&[0])
}

/// A path of the list; `None` for one that would lead out of the output folder.
fn decode(bytes: &[u8]) -> Option<PathBuf> {
    #[cfg(unix)]
    let path = {
        use std::os::unix::ffi::OsStrExt;
        PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
    };
    #[cfg(not(unix))]
    let path = PathBuf::from(std::str::from_utf8(bytes).ok()?);
    path.components().all(|c| matches!(c, Component::Normal(_))).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(output: &Path, name: &str) {
        let path = output.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"x").unwrap();
    }

    fn run(output: &Path, names: &[&str]) {
        let mut ledger = Ledger::open(output).unwrap();
        ledger.announce(names.iter().map(PathBuf::from)).unwrap();
        names.iter().for_each(|name| write(output, name));
        ledger.wrote(names.iter().map(PathBuf::from));
        ledger.finish().unwrap();
    }

    #[test]
    fn what_a_run_does_not_write_again_is_removed_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let output = dir.path();
        write(output, "a/mine.txt");
        run(output, &["a/1.png", "b/c/2.png"]);
        run(output, &["a/3.png"]);
        assert!(output.join("a/mine.txt").exists() && output.join("a/3.png").exists());
        assert!(!output.join("a/1.png").exists() && !output.join("b").exists());
        assert_eq!(written_below(output), HashSet::from([PathBuf::from("a/3.png")]));
    }

    #[test]
    fn what_was_announced_and_not_written_again_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let output = dir.path();
        run(output, &["a/1.png", "a/2.png"]);
        let mut ledger = Ledger::open(output).unwrap();
        ledger.announce(["a/1.png", "a/2.png"].map(PathBuf::from)).unwrap();
        ledger.wrote([PathBuf::from("a/2.png")]);
        ledger.finish().unwrap();
        assert!(!output.join("a/1.png").exists() && output.join("a/2.png").exists());
    }

    #[test]
    fn a_stopped_run_is_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let output = dir.path();
        let mut stopped = Ledger::open(output).unwrap();
        stopped.announce([PathBuf::from("a/1.png")]).unwrap();
        write(output, "a/1.png");
        drop(stopped);
        run(output, &["a/2.png"]);
        assert!(!output.join("a/1.png").exists() && output.join("a/2.png").exists());
    }

    #[test]
    fn a_foreign_file_in_the_place_of_a_picture_that_is_not_made_stays() {
        let dir = tempfile::tempdir().unwrap();
        let output = dir.path();
        write(output, "a/1.png");
        for _ in 0..2 {
            let mut ledger = Ledger::open(output).unwrap();
            ledger.announce([PathBuf::from("a/1.png")]).unwrap();
            ledger.finish().unwrap();
        }
        assert!(output.join("a/1.png").exists());
    }

    #[test]
    fn a_foreign_file_beside_new_ones_is_not_noted_and_a_foreign_folder_is_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let output = dir.path();
        write(output, "a/1.png");
        fs::create_dir_all(output.join("b/2.png")).unwrap();
        let paths = || ["a/1.png", "a/3.png", "b/2.png", "c/4.png"].map(PathBuf::from);
        let mut stopped = Ledger::open(output).unwrap();
        stopped.announce(paths()).unwrap();
        drop(stopped);
        assert!(!written_below(output).contains(Path::new("a/1.png")));
        assert!(written_below(output).contains(Path::new("a/3.png")));
        run(output, &["d/5.png"]);
        assert!(output.join("a/1.png").is_file() && output.join("b/2.png").is_dir());
    }

    #[test]
    fn a_list_that_was_begun_and_not_finished_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let output = dir.path();
        run(output, &["a/1.png"]);
        let mut stopped = Ledger::open(output).unwrap();
        stopped.wrote([PathBuf::from("a/2.png")]);
        drop(stopped);
        run(output, &["a/1.png"]);
        assert_eq!(written_below(output), HashSet::from([PathBuf::from("a/1.png")]));
        assert!(!output.join(STATE_FOLDER).join(NEXT).exists());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_list_that_is_no_file_is_not_waited_for_and_has_an_end() {
        let dir = tempfile::tempdir().unwrap();
        let output = dir.path();
        run(output, &["a/1.png"]);
        let list = output.join(STATE_FOLDER).join(LIST);
        fs::remove_file(&list).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &list).unwrap();
        assert_eq!(written_below(output), HashSet::new());
        fs::remove_file(&list).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&list).status().unwrap().success());
        assert_eq!(written_below(output), HashSet::new());
        fs::remove_file(&list).unwrap();
        // It says that it is longer than any, and has nothing in it.
        File::create(&list).unwrap().set_len(MOST_LISTED + 1).unwrap();
        assert_eq!(written_below(output), HashSet::new());
    }

    #[test]
    fn entries_never_lead_out_of_the_folder() {
        assert_eq!(decode(b"../x"), None);
        assert_eq!(decode(b"/etc/passwd"), None);
        assert_eq!(decode(b"a/b"), Some(PathBuf::from("a/b")));
    }
}
