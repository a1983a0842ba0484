//! Copies of sheets whose files have gone. Such a copy may be the last that there is of a sheet: one that lies where its sheet is
//! wished to be stays there, any other waits in `.omr/kept/`, under the digest of its content, until its sheet has a place.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::digest::Digest;
use crate::file_names::STATE_FOLDER;
use crate::images::Source;

/// Name of the folder in the state folder.
const KEPT: &str = "kept";
/// Name in it of a copy that is not whole yet.
const PARTIAL: &str = "partial";

/// A sheet whose file has gone, or is another than the one that was read.
#[derive(Debug, Clone, Copy)]
pub struct Gone {
    /// Its number in its folder.
    pub sheet: usize,
    /// What the file was when it was read, if that is known.
    pub source: Option<Source>,
}

/// What is kept of the sheets that have gone, by the numbers that they have in their folder.
#[derive(Debug)]
pub(super) struct Kept {
    folder: PathBuf,
    sheets: HashMap<usize, Digest>,
    in_place: HashSet<usize>,
}

impl Kept {
    /// Finds copies of the sheets that have gone, by their content, and sets those aside that do not lie where they are wished to
    /// be. `earlier` are files that earlier runs put below the output folder, by `targets` the sheets have their places there;
    /// `others` are copies elsewhere, which stay where they are.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_aside(
        output: &Path,
        gone: &[Gone],
        earlier: &HashSet<PathBuf>,
        targets: &HashMap<usize, PathBuf>,
        others: &[PathBuf],
    ) -> io::Result<Self> {
        let mut kept = Self { folder: folder_of(output), sheets: HashMap::new(), in_place: HashSet::new() };
        let mut sought: HashMap<u64, HashSet<Digest>> = HashMap::new();
        for (sheet, source) in gone.iter().filter_map(|gone| Some((gone.sheet, gone.source?))) {
            let target = targets.get(&sheet).filter(|target| earlier.contains(*target));
            let target = target.map(|target| output.join(target));
            if target.is_some_and(|target| has_content(&target, source.stamp.bytes, source.sha256)) {
                kept.in_place.insert(sheet);
                continue;
            }
            kept.sheets.insert(sheet, source.sha256);
            if !kept.place_of(source.sha256).is_file() {
                sought.entry(source.stamp.bytes).or_default().insert(source.sha256);
            }
        }
        if sought.is_empty() {
            return Ok(kept);
        }
        let stay: HashSet<&PathBuf> = kept.in_place.iter().filter_map(|sheet| targets.get(sheet)).collect();
        let own = earlier.iter().map(|below| (output.join(below), !stay.contains(below)));
        for (copy, is_moved) in own.chain(others.iter().map(|other| (other.clone(), false))) {
            let Ok(metadata) = fs::symlink_metadata(&copy) else { continue };
            // A link is no copy.
            let Some(digests) = sought.get_mut(&metadata.len()).filter(|_| metadata.is_file()) else { continue };
            let Ok(digest) = Digest::of_file(&copy) else { continue };
            if !digests.remove(&digest) {
                continue;
            }
            fs::create_dir_all(&kept.folder)?;
            let place = kept.place_of(digest);
            if is_moved {
                fs::rename(&copy, place)?;
            } else {
                kept.copy_whole(&copy, &place)?;
            }
        }
        Ok(kept)
    }

    /// Does a copy of the sheet lie where it is wished to be?
    pub fn is_in_place(&self, sheet: usize) -> bool {
        self.in_place.contains(&sheet)
    }

    /// The copy of a sheet that was set aside.
    pub fn copy_of(&self, sheet: usize) -> Option<PathBuf> {
        self.sheets.get(&sheet).map(|&content| self.place_of(content)).filter(|place| place.is_file())
    }

    /// Moves the copy of a sheet to its place; if other sheets have the same content, it is copied, and theirs stays.
    pub fn put(&mut self, sheet: usize, target: &Path) -> io::Result<()> {
        let Some(content) = self.sheets.remove(&sheet) else { return Ok(()) };
        let place = self.place_of(content);
        if self.sheets.values().any(|other| *other == content) {
            return self.copy_whole(&place, target);
        }
        fs::rename(place, target)
    }

    /// In one step: half a copy is none.
    fn copy_whole(&self, from: &Path, to: &Path) -> io::Result<()> {
        let partial = self.folder.join(PARTIAL);
        fs::copy(from, &partial)?;
        fs::rename(partial, to)
    }

    fn place_of(&self, content: Digest) -> PathBuf {
        self.folder.join(content.to_string())
    }
}

fn has_content(file: &Path, bytes: u64, sha256: Digest) -> bool {
    fs::symlink_metadata(file).is_ok_and(|metadata| metadata.is_file() && metadata.len() == bytes)
        && Digest::of_file(file).is_ok_and(|digest| digest == sha256)
}

/// Removes what was set aside: all of it, or the folder alone if it holds nothing any more. A sheet that has no place may get one
/// another time.
///
/// # Errors
/// What the system says.
pub fn forget_kept(output: &Path, all: bool) -> io::Result<()> {
    let folder = folder_of(output);
    // Half a copy is none.
    let _ = fs::remove_file(folder.join(PARTIAL));
    match if all { fs::remove_dir_all(folder) } else { fs::remove_dir(folder) } {
        Err(e) if !matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty) => Err(e),
        _ => Ok(()),
    }
}

/// All copies that wait below an output folder.
pub fn all_kept(output: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder_of(output)).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_name() != PARTIAL).map(|entry| entry.path()).collect()
}

fn folder_of(output: &Path) -> PathBuf {
    output.join(STATE_FOLDER).join(KEPT)
}
