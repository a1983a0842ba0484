//! A run that a person stopped: what is done, and what is not.

use std::fmt;
use std::path::PathBuf;

use super::AnyFolder;
use crate::file_names::shown;
use crate::outputs;
use crate::outputs::paths::FolderPaths;

/// Where a run was stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// The folder that is not finished, if one was begun.
    within: Option<Unfinished>,
    /// Folders that were not begun.
    folders: usize,
    /// Their images.
    images: usize,
}

/// A folder that was begun and not finished.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Unfinished {
    folder: PathBuf,
    done: usize,
    images: usize,
    /// What became of those that are done.
    made: String,
}

impl Stop {
    /// Before folder `number` of the run was begun.
    pub(super) fn before(folders: &[AnyFolder<'_>], number: usize) -> Self {
        let left = folders.get(number..).unwrap_or_default();
        Self { within: None, folders: left.len(), images: left.iter().map(|folder| folder.images().len()).sum() }
    }

    /// When `done` sheets of folder `number` of the run had their rows.
    pub(super) fn reading(folders: &[AnyFolder<'_>], number: usize, done: usize) -> Self {
        Self::within(folders, number, done, |paths| {
            let partial = outputs::table::partial(&paths.on_disk(&paths.results()));
            format!("have their rows, in `{}` and its like", partial.display())
        })
    }

    /// When the layouts of `done` sheets of folder `number` of the run were drawn.
    pub(super) fn drawing(folders: &[AnyFolder<'_>], number: usize, done: usize) -> Self {
        Self::within(folders, number, done, |paths| {
            format!("were done, in `{}`", paths.on_disk(&paths.layouts()).display())
        })
    }

    fn within(
        folders: &[AnyFolder<'_>],
        number: usize,
        done: usize,
        made: impl FnOnce(&FolderPaths) -> String,
    ) -> Self {
        let within = folders.get(number).map(|folder| Unfinished {
            folder: shown(folder.dir()).join(""),
            done,
            images: folder.images().len(),
            made: made(folder.paths()),
        });
        Self { within, ..Self::before(folders, number + 1) }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stopped")?;
        if let Some(Unfinished { folder, done, images, made }) = &self.within {
            write!(f, " in `{}`: {done} of {images} images {made}; {} not", folder.display(), images - done)?;
        }
        if self.folders > 0 {
            let (one, other) = (if self.folders == 1 { "" } else { "s" }, if self.images == 1 { "" } else { "s" });
            write!(f, "; {} folder{one} with {} image{other} not begun", self.folders, self.images)?;
        }
        f.write_str("; --resume goes on from here")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_told() {
        let made = "have their rows, in `out/Results/Results.csv.partial` and its like".to_owned();
        let within = Some(Unfinished { folder: PathBuf::from("scans/"), done: 2, images: 5, made });
        let text = "stopped in `scans/`: 2 of 5 images have their rows, in `out/Results/Results.csv.partial` and its like; 3 not; \
                    --resume goes on from here";
        assert_eq!(Stop { within: within.clone(), folders: 0, images: 0 }.to_string(), text);
        assert!(
            Stop { within, folders: 1, images: 7 }.to_string().contains("; 3 not; 1 folder with 7 images not begun; ")
        );
        let before = Stop { within: None, folders: 2, images: 1 };
        assert_eq!(before.to_string(), "stopped; 2 folders with 1 image not begun; --resume goes on from here");
    }
}
