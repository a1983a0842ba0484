//! What earlier runs wrote, so that files which this run does not write again can be removed, and nothing else is.
//!
//! `<output>/.omr/written` holds paths below the output folder. A run first announces what it may write, and replaces the
//! list by what it wrote at its end: a run that is stopped leaves a list that names too much, never too little.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Component, Path, PathBuf};

use crate::file_names::STATE_FOLDER;

/// The list of files that omr wrote into an output folder.
#[derive(Debug)]
pub struct Ledger {
    output: PathBuf,
    /// What earlier runs wrote.
    earlier: HashSet<PathBuf>,
    written: Vec<PathBuf>,
    file: BufWriter<File>,
    /// Held for as long as this run writes here.
    lock: File,
}

/// Name of the list in the state folder.
const LIST: &str = "written";

/// The files that earlier runs wrote into the output folder `output`, as paths below it; none if it is no such folder.
pub fn written_below(output: &Path) -> HashSet<PathBuf> {
    fs::read(output.join(STATE_FOLDER).join(LIST)).map(|bytes| entries(&bytes)).unwrap_or_default()
}

fn entries(bytes: &[u8]) -> HashSet<PathBuf> {
    bytes.split(|&b| b == 0).filter(|entry| !entry.is_empty()).filter_map(decode).collect()
}

impl Ledger {
    /// Opens the list of an output folder, which must exist.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(output: &Path) -> io::Result<Self> {
        let folder = output.join(STATE_FOLDER);
        fs::create_dir_all(&folder)?;
        let lock = lock(&folder)?;
        let path = folder.join(LIST);
        let earlier = match fs::read(&path) {
            Ok(bytes) => entries(&bytes),
            Err(e) if e.kind() == io::ErrorKind::NotFound => HashSet::new(),
            Err(e) => return Err(e),
        };
        let file = BufWriter::new(OpenOptions::new().create(true).append(true).open(path)?);
        Ok(Self { output: output.to_path_buf(), earlier, written: Vec::new(), file, lock })
    }

    /// Notes files that may be written, as paths below the output folder, before the first of them is. A file that lies
    /// there and is not omr's is not noted: should the run be stopped before it is overwritten, it must stay.
    ///
    /// # Errors
    /// What the system says.
    pub fn announce(&mut self, paths: impl IntoIterator<Item = PathBuf>) -> io::Result<()> {
        for path in paths {
            if !self.earlier.contains(&path) && !self.output.join(&path).exists() {
                write_entry(&mut self.file, &path)?;
            }
        }
        self.file.flush()
    }

    /// Keeps those files of earlier runs that `are_to_stay`: they are none of this run's concern.
    pub fn keep(&mut self, are_to_stay: impl Fn(&Path) -> bool) {
        self.written.extend(self.earlier.iter().filter(|path| are_to_stay(path)).cloned());
    }

    /// Removes those files of earlier runs that `are_to_go`, and folders that this leaves empty, before this run writes.
    ///
    /// # Errors
    /// What the system says; a file that is gone already is none.
    pub fn remove_earlier(&self, are_to_go: impl Fn(&Path) -> bool) -> io::Result<()> {
        remove(&self.output, self.earlier.iter().filter(|path| are_to_go(path)).cloned().collect())
    }

    /// Notes files that were written.
    pub fn wrote(&mut self, paths: impl IntoIterator<Item = PathBuf>) {
        self.written.extend(paths);
    }

    /// Removes what earlier runs wrote and this one did not, and folders that this leaves empty; then replaces the list.
    ///
    /// # Errors
    /// What the system says; a file that is gone already is none.
    pub fn finish(self) -> io::Result<()> {
        let Self { output, mut earlier, written, file, lock } = self;
        drop(file);
        for path in &written {
            earlier.remove(path);
        }
        remove(&output, earlier.into_iter().collect())?;
        let folder = output.join(STATE_FOLDER);
        let mut fresh = tempfile::NamedTempFile::new_in(&folder)?;
        let mut writer = BufWriter::new(fresh.as_file_mut());
        for path in &written {
            write_entry(&mut writer, path)?;
        }
        writer.flush()?;
        drop(writer);
        fresh.persist(folder.join(LIST)).map_err(|e| e.error)?;
        drop(lock);
        Ok(())
    }
}

/// Removes files below `output`, links and not what they lead to, with folders that this leaves empty.
fn remove(output: &Path, mut stale: Vec<PathBuf>) -> io::Result<()> {
    stale.sort();
    for path in &stale {
        match fs::remove_file(output.join(path)) {
            Ok(()) => remove_empty_folders(output, path),
            Err(e) if e.kind() == io::ErrorKind::NotFound => remove_empty_folders(output, path),
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Makes sure that no other run writes into the same output folder. The system takes the lock back when the process ends,
/// however it ends.
fn lock(folder: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => {
            let message =
                "another run of omr is writing into this output folder; wait for it, or choose another --output";
            Err(io::Error::new(io::ErrorKind::WouldBlock, message))
        }
        // Some network file systems have no locks: writing there is as safe as it was.
        Err(fs::TryLockError::Error(_)) => Ok(file),
    }
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
    fn one_run_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let first = Ledger::open(dir.path()).unwrap();
        assert!(Ledger::open(dir.path()).unwrap_err().to_string().contains("another run"));
        first.finish().unwrap();
        Ledger::open(dir.path()).unwrap();
    }

    #[test]
    fn entries_never_lead_out_of_the_folder() {
        assert_eq!(decode(b"../x"), None);
        assert_eq!(decode(b"/etc/passwd"), None);
        assert_eq!(decode(b"a/b"), Some(PathBuf::from("a/b")));
    }
}
