//! A run that a person stopped: what is read, and what is not.

use std::fmt;
use std::path::PathBuf;

use crate::file_names::shown;
use crate::outputs;
use crate::plan::Plan;

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
    read: usize,
    images: usize,
    /// Where the rows of its sheets are.
    partial: PathBuf,
}

impl Stop {
    /// Before folder `number` of the plan was begun.
    pub(super) fn before(plan: &Plan, number: usize) -> Self {
        let left = plan.folders.get(number..).unwrap_or_default();
        let images = left.iter().map(|folder| folder.folder.images.len()).sum();
        Self { within: None, folders: left.len(), images }
    }

    /// When `read` sheets of folder `number` of the plan had their rows.
    pub(super) fn within(plan: &Plan, number: usize, read: usize) -> Self {
        let within = plan.folders.get(number).map(|folder| Unfinished {
            folder: shown(&folder.folder.dir).join(""),
            read,
            images: folder.folder.images.len(),
            partial: outputs::table::partial(&folder.paths.on_disk(&folder.paths.results())),
        });
        Self { within, ..Self::before(plan, number + 1) }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stopped")?;
        if let Some(Unfinished { folder, read, images, partial }) = &self.within {
            let left = images - read;
            let (folder, partial) = (folder.display(), partial.display());
            write!(
                f,
                " in `{folder}`: {read} of {images} images have their rows, in `{partial}` and its like; {left} not"
            )?;
        }
        if self.folders > 0 {
            let (one, other) = (if self.folders == 1 { "" } else { "s" }, if self.images == 1 { "" } else { "s" });
            write!(f, "; {} folder{one} with {} image{other} not begun", self.folders, self.images)?;
        }
        f.write_str("; run it again to read all")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_told() {
        let partial = PathBuf::from("out/Results/Results.csv.partial");
        let within = Some(Unfinished { folder: PathBuf::from("scans/"), read: 2, images: 5, partial });
        let text = "stopped in `scans/`: 2 of 5 images have their rows, in `out/Results/Results.csv.partial` and its like; 3 not; \
                    run it again to read all";
        assert_eq!(Stop { within: within.clone(), folders: 0, images: 0 }.to_string(), text);
        assert!(
            Stop { within, folders: 1, images: 7 }.to_string().contains("; 3 not; 1 folder with 7 images not begun; ")
        );
        let before = Stop { within: None, folders: 2, images: 1 };
        assert_eq!(before.to_string(), "stopped; 2 folders with 1 image not begun; run it again to read all");
    }
}
