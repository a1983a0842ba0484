//! Writes the links and copies of a folder.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Component, Path, PathBuf};

use tracing::{debug, info, warn};

use super::kept::{Gone, Kept};
use super::places::{Foreign, Places};
use super::{GroupingAction, Wish};
use crate::file_names::{STATE_FOLDER, shown};
use crate::images::Image;
use crate::outputs::OutputError;
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

/// Puts every sheet into its place; `wishes` are those of the sheets with these numbers, in input order. Of sheets that have `gone`
/// the copies that earlier runs made have the places, or `copies` elsewhere. Whatever lies there and is not omr's stays, and is told.
///
/// # Errors
/// [`OutputError`]: a place cannot be written. A sheet that is gone without a copy, or cannot be read any more, is told and left
/// out.
pub fn organize(
    folder: Grouped<'_>,
    wishes: Vec<(usize, Wish)>,
    gone: &[Gone],
    copies: &[PathBuf],
    ledger: &mut Ledger,
) -> Result<(), OutputError> {
    let organized = folder.paths.organized();
    let root = folder.paths.on_disk(&organized);
    // A link would lead out of the output folder, and what is written would lie where nobody asked for it.
    if fs::symlink_metadata(&root).is_ok_and(|metadata| !metadata.is_dir()) {
        warn!("no sheet is grouped: `{}` is a link or a file, not a folder; remove it", root.display());
        return Ok(());
    }
    let output = folder.paths.output();
    // What earlier runs put there gives way to what is put there now.
    let earlier = ledger.earlier_below(&organized);
    let mut known: HashMap<PathBuf, Foreign> = HashMap::new();
    let mut foreign = |below: &Path| {
        if let Some(&found) = known.get(below) {
            return found;
        }
        let place = organized.join(below);
        let found = match fs::symlink_metadata(output.join(&place)) {
            Err(_) => Foreign::Nothing,
            Ok(metadata) if metadata.is_dir() && has_only(output, &place, &earlier) => Foreign::Nothing,
            Ok(metadata) if metadata.is_dir() => Foreign::Folder,
            Ok(_) if earlier.contains(&place) => Foreign::Nothing,
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
    let name = |sheet: usize| folder.dir.join(folder.images.get(sheet).map_or_else(|| OsStr::new(""), Image::name));
    for (sheet, refusal) in &refused {
        warn!("`{}` is not in `{}`: {refusal}", name(*sheet).display(), organized.display());
    }
    let targets: HashMap<usize, PathBuf> =
        placed.iter().map(|placed| (placed.sheet, organized.join(&placed.path))).collect();
    let mut kept = Kept::set_aside(output, gone, &earlier, &targets, copies).map_err(OutputError::at(&root))?;
    make_way(&targets, &earlier, ledger).map_err(OutputError::at(&root))?;
    let gone: HashSet<usize> = gone.iter().map(|gone| gone.sheet).collect();
    // A page of a file is grouped by its marked picture: the file is that of other sheets, too.
    let picture = |image: &Image| folder.paths.pictures().join(folder.paths.picture(image.name()).name);
    ledger.announce(targets.values().cloned()).map_err(OutputError::at(&root))?;
    let mut writer = Writer {
        inputs: fs::canonicalize(shown(folder.dir)),
        partial: output.join(STATE_FOLDER).join(PARTIAL),
        has_links: true,
        target_folders: HashMap::new(),
    };
    let mut count = 0;
    for placed in &placed {
        let Some(sheet) = folder.images.get(placed.sheet) else { continue };
        let below = organized.join(&placed.path);
        let target = output.join(&below);
        let is_page = sheet.page_number().is_some();
        let image = if is_page { folder.paths.on_disk(&picture(sheet)) } else { folder.dir.join(sheet.file()) };
        let is_kept = kept.copy_of(placed.sheet).is_some();
        let has_file = image.is_file() && !(is_page && ledger.is_left_over(&picture(sheet)));
        let put = if kept.is_in_place(placed.sheet) {
            Ok(true)
        } else if is_kept {
            target
                .parent()
                .map_or(Ok(()), fs::create_dir_all)
                .and_then(|()| kept.put(placed.sheet, &target))
                .map(|()| true)
        } else if gone.contains(&placed.sheet) || !has_file {
            let what = if is_page { "the page has no marked picture" } else { "the file is gone" };
            warn!("`{}` is not in `{}`: {what}", name(placed.sheet).display(), organized.display());
            continue;
        } else {
            let action = if is_page { GroupingAction::Copy } else { placed.action };
            writer.put(sheet.file(), &image, &target, action, earlier.contains(&below))
        };
        match put {
            Ok(true) => {
                debug!("`{}` is grouped as `{}`", name(placed.sheet).display(), below.display());
                ledger.wrote([below]);
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
                let (name, path) = (name(placed.sheet), placed.path.display());
                warn!("`{}` is not in `{}`: `{path}`: {e}", name.display(), organized.display());
            }
            Err(e) => return Err(OutputError::at(&target)(e)),
        }
    }
    info!("`{}`: {count} sheet(s) grouped", organized.join("").display());
    Ok(())
}

/// Sets copies of sheets that have gone aside, since sheets are not grouped any more.
///
/// # Errors
/// [`OutputError`].
pub fn set_aside(folder: Grouped<'_>, gone: &[Gone], ledger: &Ledger) -> Result<(), OutputError> {
    let earlier = ledger.earlier_below(&folder.paths.organized());
    let output = folder.paths.output();
    Kept::set_aside(output, gone, &earlier, &HashMap::new(), &[]).map(drop).map_err(OutputError::at(output))
}

/// Is there nothing in a folder but `files`, all of them paths below the output folder?
fn has_only(output: &Path, folder: &Path, files: &HashSet<PathBuf>) -> bool {
    let Ok(entries) = fs::read_dir(output.join(folder)) else { return false };
    entries.into_iter().all(|entry| {
        entry.is_ok_and(|entry| {
            let below = folder.join(entry.file_name());
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => has_only(output, &below, files),
                Ok(_) => files.contains(&below),
                Err(_) => false,
            }
        })
    })
}

/// Removes those of the earlier files that lie where there must be a folder now, or in what must be a file.
fn make_way(targets: &HashMap<usize, PathBuf>, earlier: &HashSet<PathBuf>, ledger: &Ledger) -> io::Result<()> {
    let files: HashSet<&Path> = targets.values().map(PathBuf::as_path).collect();
    let folders: HashSet<&Path> = targets.values().flat_map(|target| target.ancestors().skip(1)).collect();
    let is_in_the_way =
        |path: &Path| folders.contains(path) || path.ancestors().skip(1).any(|folder| files.contains(folder));
    ledger.remove_earlier(|path| earlier.contains(path) && is_in_the_way(path))
}

/// Name in the state folder of a copy that is not whole yet.
const PARTIAL: &str = "copy.partial";

struct Writer {
    /// The real path of the sheets' folder.
    inputs: io::Result<PathBuf>,
    /// Where a copy grows that takes the place of an earlier one.
    partial: PathBuf,
    /// False once the file system has refused a link.
    has_links: bool,
    /// The real paths of folders below `organized/`.
    target_folders: HashMap<PathBuf, PathBuf>,
}

impl Writer {
    /// Puts a sheet at `target`, where nothing lies, or what an earlier run put there; false when the sheet cannot be read any more.
    fn put(
        &mut self,
        name: &OsStr,
        image: &Path,
        target: &Path,
        action: GroupingAction,
        is_replaced: bool,
    ) -> io::Result<bool> {
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
            if is_replaced {
                remove_if_there(target)?;
            }
            match symlink(&relative(from, &inputs.join(name)), target) {
                Ok(()) => return Ok(true),
                Err(e) if matches!(e.kind(), io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied) => {
                    warn!("`{}`: no link can be made here ({e}); sheets are copied instead", target.display());
                    self.has_links = false;
                }
                Err(e) => return Err(e),
            }
        }
        if !is_replaced {
            return copy(image, target);
        }
        // The earlier copy gives way to a whole one.
        remove_if_there(&self.partial)?;
        Ok(copy(image, &self.partial)? && fs::rename(&self.partial, target).map(|()| true)?)
    }
}

fn remove_if_there(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
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
