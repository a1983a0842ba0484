//! Copies of sheets whose files have gone. Such a copy may be the last that there is of a sheet, so it is set aside in
//! `.omr/kept/` before places are settled anew, and taken from there when the sheet has its place.
//!
//! What was set aside stays until a run is finished: one that was stopped in between has lost nothing.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::digest::Digest;
use crate::file_names::STATE_FOLDER;
use crate::outputs::journal::Source;
use crate::outputs::ledger::Ledger;

/// Name of the folder in the state folder.
const KEPT: &str = "kept";

/// Sheets whose files have gone, by the numbers that they have in their folder, and copies of them.
#[derive(Debug)]
pub(super) struct Kept {
    copies: HashMap<usize, PathBuf>,
}

impl Kept {
    /// Sets aside what earlier runs copied below `organized` of the sheets that have `gone`. A copy is known by its content,
    /// since its place may have been settled otherwise.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_aside(output: &Path, organized: &Path, gone: &[(usize, Source)], ledger: &Ledger) -> io::Result<Self> {
        let mut copies = HashMap::new();
        if gone.is_empty() {
            return Ok(Self { copies });
        }
        let folder = folder_of(output);
        // The content of gone sheets, by size: only files of such a size have to be read.
        let mut sought: HashMap<u64, Vec<Digest>> = HashMap::new();
        for (_, source) in gone.iter().filter(|(_, source)| !place_of(&folder, source.sha256).is_file()) {
            sought.entry(source.stamp.bytes).or_default().push(source.sha256);
        }
        for copy in ledger.earlier_below(organized).map(|below| output.join(below)) {
            let Ok(metadata) = fs::symlink_metadata(&copy) else { continue };
            // A link is no copy.
            let Some(digests) = sought.get(&metadata.len()).filter(|_| metadata.is_file()) else { continue };
            let digest = Digest::of_file(&copy)?;
            if digests.contains(&digest) {
                fs::create_dir_all(&folder)?;
                fs::rename(&copy, place_of(&folder, digest))?;
            }
        }
        for (sheet, source) in gone {
            let place = place_of(&folder, source.sha256);
            if place.is_file() {
                copies.insert(*sheet, place);
            }
        }
        Ok(Self { copies })
    }

    /// The copy of a sheet that has gone.
    pub fn copy_of(&self, sheet: usize) -> Option<&Path> {
        self.copies.get(&sheet).map(PathBuf::as_path)
    }
}

/// Removes what was set aside, once everything has its place.
///
/// # Errors
/// What the system says.
pub fn forget_kept(output: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder_of(output)) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

fn folder_of(output: &Path) -> PathBuf {
    output.join(STATE_FOLDER).join(KEPT)
}

fn place_of(folder: &Path, content: Digest) -> PathBuf {
    folder.join(content.to_string())
}
