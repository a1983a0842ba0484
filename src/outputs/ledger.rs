//! What earlier runs wrote, so that files which this run does not write again can be removed, and nothing else is.
//!
//! `<output>/.omr/written` holds a path below the output folder a line. A run first adds what it is about to write, and
//! replaces the list at its end: a run that is stopped leaves a list that names too much, never too little.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Component, Path, PathBuf};

use super::STATE_FOLDER;

/// The list of files that omr wrote into an output folder.
#[derive(Debug)]
pub struct Ledger {
    output: PathBuf,
    earlier: HashSet<PathBuf>,
    now: Vec<PathBuf>,
    file: BufWriter<File>,
}

impl Ledger {
    /// Opens the list of an output folder, which must exist.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(output: &Path) -> io::Result<Self> {
        let folder = output.join(STATE_FOLDER);
        fs::create_dir_all(&folder)?;
        let path = folder.join("written");
        let earlier = match fs::read(&path) {
            Ok(bytes) => bytes.split(|&b| b == 0).filter(|line| !line.is_empty()).filter_map(decode).collect(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => HashSet::new(),
            Err(e) => return Err(e),
        };
        let file = BufWriter::new(OpenOptions::new().create(true).append(true).open(path)?);
        Ok(Self { output: output.to_path_buf(), earlier, now: Vec::new(), file })
    }

    /// Notes files that are about to be written, as paths below the output folder.
    ///
    /// # Errors
    /// What the system says.
    pub fn will_write(&mut self, paths: impl IntoIterator<Item = PathBuf>) -> io::Result<()> {
        for path in paths {
            if !self.earlier.contains(&path) {
                write_entry(&mut self.file, &path)?;
            }
            self.now.push(path);
        }
        self.file.flush()
    }

    /// Takes back files that were not written after all: what an earlier run left in their places is removed.
    pub fn did_not_write(&mut self, paths: &HashSet<PathBuf>) {
        self.now.retain(|path| !paths.contains(path));
    }

    /// Removes what earlier runs wrote and this one did not, and folders that this leaves empty; then replaces the list.
    ///
    /// # Errors
    /// What the system says; a file that is gone already is none.
    pub fn finish(self) -> io::Result<()> {
        let Self { output, mut earlier, now, file } = self;
        drop(file);
        for path in &now {
            earlier.remove(path);
        }
        let mut stale: Vec<PathBuf> = earlier.into_iter().collect();
        stale.sort();
        for path in &stale {
            match fs::remove_file(output.join(path)) {
                Ok(()) => remove_empty_folders(&output, path),
                Err(e) if e.kind() == io::ErrorKind::NotFound => remove_empty_folders(&output, path),
                Err(e) => return Err(e),
            }
        }
        let folder = output.join(STATE_FOLDER);
        let mut fresh = tempfile::NamedTempFile::new_in(&folder)?;
        let mut writer = BufWriter::new(fresh.as_file_mut());
        for path in now.iter().filter(|path| output.join(path).exists()) {
            write_entry(&mut writer, path)?;
        }
        writer.flush()?;
        drop(writer);
        fresh.persist(folder.join("written")).map_err(|e| e.error)?;
        Ok(())
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
        ledger.will_write(names.iter().map(PathBuf::from)).unwrap();
        names.iter().for_each(|name| write(output, name));
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
    }

    #[test]
    fn a_stopped_run_is_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let output = dir.path();
        let mut stopped = Ledger::open(output).unwrap();
        stopped.will_write([PathBuf::from("a/1.png")]).unwrap();
        write(output, "a/1.png");
        drop(stopped);
        run(output, &["a/2.png"]);
        assert!(!output.join("a/1.png").exists() && output.join("a/2.png").exists());
    }

    #[test]
    fn what_was_announced_and_not_written_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let output = dir.path();
        run(output, &["a/1.csv", "a/2.csv"]);
        let mut ledger = Ledger::open(output).unwrap();
        ledger.will_write(["a/1.csv", "a/2.csv"].map(PathBuf::from)).unwrap();
        ledger.did_not_write(&HashSet::from([PathBuf::from("a/2.csv")]));
        ledger.finish().unwrap();
        assert!(output.join("a/1.csv").exists() && !output.join("a/2.csv").exists());
    }

    #[test]
    fn entries_never_lead_out_of_the_folder() {
        assert_eq!(decode(b"../x"), None);
        assert_eq!(decode(b"/etc/passwd"), None);
        assert_eq!(decode(b"a/b"), Some(PathBuf::from("a/b")));
    }
}
