//! Which are the scans: the files that were named, and the images of folders that were, in input order; of files with several
//! pages, their pages.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use tracing::warn;

use super::DoctorError;
use crate::config::Limits;
use crate::file_names::{IMAGE_EXTENSIONS, extension};
use crate::images::Image;
use crate::pages;
use crate::report_mark;

/// A scan: a file, or a page of one.
pub(super) struct Scanned {
    pub dir: PathBuf,
    pub image: Image,
}

impl Scanned {
    /// The file that it is in.
    pub fn file(&self) -> PathBuf {
        self.dir.join(self.image.file())
    }

    /// What it is called.
    pub fn shown(&self) -> PathBuf {
        self.dir.join(self.image.name())
    }

    fn all_in(file: &Path, limits: &Limits) -> impl Iterator<Item = Self> {
        let dir = file.parent().unwrap_or(Path::new("")).to_path_buf();
        let name = file.file_name().unwrap_or_default().to_owned();
        pages::images_of(file, name, limits).into_iter().map(move |image| Self { dir: dir.clone(), image })
    }
}

/// The scans in the order in which they were named, each once; those of a folder by name. `no_scans` (real paths) and pictures
/// of earlier reports are none, unless they are named themselves.
///
/// # Errors
/// All that was named and is not there; or that there is no scan at all.
pub(super) fn find(named: &[PathBuf], no_scans: &[PathBuf], limits: &Limits) -> Result<Vec<Scanned>, Vec<DoctorError>> {
    let (mut found, mut errors) = (Vec::<PathBuf>::new(), Vec::new());
    let mut known: HashSet<PathBuf> = HashSet::new();
    let mut empty = Vec::new();
    for path in named {
        match in_place(path, no_scans) {
            Ok(scans) if scans.is_empty() => empty.push(path),
            Ok(scans) => {
                found.extend(scans.into_iter().filter(|scan| scan.canonicalize().is_ok_and(|real| known.insert(real))))
            }
            Err(what) => errors.push(DoctorError::Scans { path: path.clone(), what }),
        }
    }
    for path in empty {
        let what = "has no scans: no images but those that the template names; sub-folders are named themselves";
        match found.is_empty() {
            true => errors.push(DoctorError::Scans { path: path.clone(), what: what.to_owned() }),
            false => warn!("`{}` {what}", path.display()),
        }
    }
    if errors.is_empty() {
        Ok(found.iter().flat_map(|file| Scanned::all_in(file, limits)).collect())
    } else {
        Err(errors)
    }
}

fn in_place(path: &Path, no_scans: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let metadata = path.metadata().map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => "does not exist".to_owned(),
        _ => format!("cannot be read: {e}"),
    })?;
    if !metadata.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let fail = |e: std::io::Error| format!("cannot be listed: {e}");
    let mut names: Vec<OsString> = Vec::new();
    for entry in fs::read_dir(path).map_err(fail)? {
        let name = entry.map_err(fail)?.file_name();
        if extension(&name).is_some_and(|e| IMAGE_EXTENSIONS.contains(&e.as_str())) && !path.join(&name).is_dir() {
            names.push(name);
        }
    }
    names.sort_unstable_by(|a, b| a.as_encoded_bytes().cmp(b.as_encoded_bytes()));
    let is_other =
        |scan: &PathBuf| report_mark::is_report(scan) || scan.canonicalize().is_ok_and(|real| no_scans.contains(&real));
    Ok(names.into_iter().map(|name| path.join(name)).filter(|scan| !is_other(scan)).collect())
}
