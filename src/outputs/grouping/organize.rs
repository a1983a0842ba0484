//! Writes the links and copies of a folder.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Component, Path, PathBuf};

use tracing::{debug, info, warn};

use super::kept::Kept;
use super::places::{Foreign, Placed, Places};
use super::{GroupingAction, Wish};
use crate::file_names::shown;
use crate::images::Image;
use crate::outputs::OutputError;
use crate::outputs::journal::Source;
use crate::outputs::ledger::Ledger;
use crate::outputs::paths::FolderPaths;

/// A folder whose sheets are grouped.
#[derive(Debug, Clone, Copy)]
pub struct Grouped<'f> {
    /// Where its outputs go.
    pub paths: &'f FolderPaths,
    /// The folder as reached from the input root as typed.
    pub dir: &'f Path,
    /// Its sheets, in input order.
    pub images: &'f [Image],
}

/// Puts every sheet into its place; `wishes` are those of the sheets with these numbers, in input order. What earlier runs put there
/// goes first, but for copies of the sheets that have `gone`. Whatever else lies there stays, and is told.
///
/// # Errors
/// [`OutputError`]: a place cannot be written. A sheet that is gone without a copy, or cannot be read any more, is told and left
/// out.
pub fn organize(
    folder: Grouped<'_>,
    wishes: Vec<(usize, Wish)>,
    gone: &[(usize, Source)],
    ledger: &mut Ledger,
) -> Result<(), OutputError> {
    let organized = folder.paths.organized();
    let root = folder.paths.on_disk(&organized);
    // A link would lead out of the output folder, and what is written would lie where nobody asked for it.
    if fs::symlink_metadata(&root).is_ok_and(|metadata| !metadata.is_dir()) {
        warn!("no sheet is grouped: `{}` is a link or a file, not a folder; remove it", root.display());
        return Ok(());
    }
    let kept = Kept::set_aside(folder.paths.output(), &organized, gone, ledger).map_err(OutputError::at(&root))?;
    ledger.remove_earlier(|path| path.starts_with(&organized)).map_err(OutputError::at(&root))?;
    let mut known: HashMap<PathBuf, Foreign> = HashMap::new();
    let mut foreign = |below: &Path| {
        if let Some(&found) = known.get(below) {
            return found;
        }
        let found = match fs::symlink_metadata(root.join(below)) {
            Err(_) => Foreign::Nothing,
            Ok(metadata) if metadata.is_dir() => Foreign::Folder,
            Ok(_) => Foreign::Other,
        };
        known.insert(below.to_path_buf(), found);
        found
    };
    let mut places = Places::default();
    for (i, wish) in wishes {
        places.take(i, wish, &mut foreign);
    }
    let (placed, refused) = places.finish();
    // A page of a file is grouped by its marked picture: the file is that of other sheets, too.
    let picture = |image: &Image| folder.paths.pictures().join(folder.paths.picture(image.name()).name);
    let file = |sheet: usize| {
        let image = folder.images.get(sheet)?;
        Some(match image.page_number() {
            None => kept.copy_of(sheet).map_or_else(|| folder.dir.join(image.file()), Path::to_path_buf),
            Some(_) => folder.paths.on_disk(&picture(image)),
        })
    };
    for (sheet, refusal) in &refused {
        if let Some(image) = file(*sheet) {
            warn!("`{}` is not in `{}`: {refusal}", image.display(), organized.display());
        }
    }
    let below = |placed: &Placed| organized.join(&placed.path);
    ledger.announce(placed.iter().map(below)).map_err(OutputError::at(&root))?;
    let mut writer =
        Writer { inputs: fs::canonicalize(shown(folder.dir)), has_links: true, target_folders: HashMap::new() };
    let mut count = 0;
    for placed in &placed {
        let Some((sheet, image)) = folder.images.get(placed.sheet).zip(file(placed.sheet)) else { continue };
        let is_page = sheet.page_number().is_some();
        if !image.is_file() || (is_page && ledger.is_left_over(&picture(sheet))) {
            let what = if is_page { "the page has no marked picture" } else { "the file is gone" };
            warn!("`{}` is not in `{}`: {what}", folder.dir.join(sheet.name()).display(), organized.display());
            continue;
        }
        let target = root.join(&placed.path);
        let is_copied = is_page || kept.copy_of(placed.sheet).is_some();
        let action = if is_copied { GroupingAction::Copy } else { placed.action };
        match writer.put(sheet.file(), &image, &target, action) {
            Ok(true) => {
                debug!("`{}` is grouped as `{}`", image.display(), below(placed).display());
                ledger.wrote([below(placed)]);
                count += 1;
            }
            Ok(false) => {}
            // A name that this file system does not hold, or takes for another sheet's, is the fault of one sheet's values.
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::InvalidFilename
                        | io::ErrorKind::InvalidInput
                        | io::ErrorKind::AlreadyExists
                        | io::ErrorKind::NotADirectory
                ) =>
            {
                warn!("`{}` is not in `{}`: `{}`: {e}", image.display(), organized.display(), placed.path.display());
            }
            Err(e) => return Err(OutputError::at(&target)(e)),
        }
    }
    info!("`{}`: {count} sheet(s) grouped", organized.join("").display());
    Ok(())
}

struct Writer {
    /// The real path of the sheets' folder.
    inputs: io::Result<PathBuf>,
    /// False once the file system has refused a link.
    has_links: bool,
    /// The real paths of folders below `organized/`.
    target_folders: HashMap<PathBuf, PathBuf>,
}

impl Writer {
    /// Puts a sheet at `target`, where nothing lies; false when the sheet cannot be read any more.
    fn put(&mut self, name: &OsStr, image: &Path, target: &Path, action: GroupingAction) -> io::Result<bool> {
        let folder = target.parent().unwrap_or(target);
        fs::create_dir_all(folder)?;
        if action == GroupingAction::Symlink
            && self.has_links
            && let Ok(inputs) = &self.inputs
        {
            let from = match self.target_folders.get(folder) {
                Some(real) => real,
                None => {
                    let real = fs::canonicalize(folder)?;
                    self.target_folders.entry(folder.to_path_buf()).or_insert(real)
                }
            };
            match symlink(&relative(from, &inputs.join(name)), target) {
                Ok(()) => return Ok(true),
                Err(e) if matches!(e.kind(), io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied) => {
                    warn!("`{}`: no link can be made here ({e}); sheets are copied instead", target.display());
                    self.has_links = false;
                }
                Err(e) => return Err(e),
            }
        }
        copy(image, target)
    }
}

/// Copies into a new file: one that has come to lie there meanwhile is not written to, nor through.
fn copy(image: &Path, target: &Path) -> io::Result<bool> {
    let mut from = match File::open(image) {
        Ok(file) => file,
        Err(e) => {
            warn!("`{}` cannot be copied: {e}", image.display());
            return Ok(false);
        }
    };
    let mut to = OpenOptions::new().write(true).create_new(true).open(target)?;
    io::copy(&mut from, &mut to)?;
    Ok(true)
}

#[cfg(unix)]
fn symlink(to: &Path, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, at)
}

#[cfg(windows)]
fn symlink(to: &Path, at: &Path) -> io::Result<()> {
    // The privilege for links is rare there, and its lack has a code of its own.
    std::os::windows::fs::symlink_file(to, at).map_err(|_| io::ErrorKind::Unsupported.into())
}

#[cfg(not(any(unix, windows)))]
fn symlink(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The way from the folder `from` to `to`, both of them real paths; `to` itself where there is none.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let (from_parts, to_parts): (Vec<_>, Vec<_>) = (from.components().collect(), to.components().collect());
    let common = from_parts.iter().zip(&to_parts).take_while(|(a, b)| a == b).count();
    if common == 0 {
        return to.to_path_buf();
    }
    let up = from_parts[common..].iter().map(|_| Component::ParentDir);
    up.chain(to_parts[common..].iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_between_folders() {
        let way = |from: &str, to: &str| relative(Path::new(from), Path::new(to)).display().to_string();
        assert_eq!(way("/a/out/organized/A", "/a/in/x.jpg"), "../../../in/x.jpg");
        assert_eq!(way("/a", "/a/b/x.jpg"), "b/x.jpg");
        assert_eq!(way("/a/b", "/x.jpg"), "../../x.jpg");
        assert_eq!(way("a", "b/x.jpg"), "b/x.jpg");
    }

    #[test]
    fn nothing_is_copied_over_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| dir.path().join(name));
        fs::write(&a, b"new").unwrap();
        fs::write(&b, b"old").unwrap();
        assert_eq!(copy(&a, &b).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&b).unwrap(), b"old");
        assert!(!copy(&dir.path().join("gone"), &dir.path().join("c")).unwrap());
        assert!(!dir.path().join("c").exists());
    }
}
