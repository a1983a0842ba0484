//! Which files are the scans: those that were named, and the images of folders that were, in input order.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::DoctorError;
use crate::file_names::{IMAGE_EXTENSIONS, extension};
use crate::template::Template;

/// The scans in the order in which they were named; those of a folder by name. Pictures that the template names are no
/// scans, unless one is named itself.
///
/// # Errors
/// All that was named and is not there, and folders without a scan.
pub(super) fn find(named: &[PathBuf], template: &Template) -> Result<Vec<PathBuf>, Vec<DoctorError>> {
    let assets: Vec<PathBuf> = template.asset_paths().into_iter().filter_map(|path| path.canonicalize().ok()).collect();
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for path in named {
        match in_place(path, &assets) {
            Ok(scans) => found.extend(scans),
            Err(what) => errors.push(DoctorError::Scans { path: path.clone(), what }),
        }
    }
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}

fn in_place(path: &Path, assets: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
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
    let is_asset = |scan: &PathBuf| scan.canonicalize().is_ok_and(|real| assets.contains(&real));
    let scans: Vec<PathBuf> = names.into_iter().map(|name| path.join(name)).filter(|scan| !is_asset(scan)).collect();
    match scans.is_empty() {
        true => {
            Err("has no scans: no images but those that the template names; sub-folders are named themselves".into())
        }
        false => Ok(scans),
    }
}
