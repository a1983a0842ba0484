//! Who has which place below `organized/`: settled in input order, before anything is written.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::destination::numbered;
use super::{Collision, GroupingAction, Wish};

/// The largest number that is added to a name whose place is taken.
const MAX_NUMBER: u32 = 9998;

/// A sheet and the place that it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    /// The number of the sheet in its folder.
    pub sheet: usize,
    /// The path below `organized/`.
    pub path: PathBuf,
    pub action: GroupingAction,
}

/// Why a sheet has no place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// An earlier sheet has it.
    Taken(PathBuf),
    /// A later sheet has it.
    Replaced(PathBuf),
    /// Something lies there that omr did not write.
    Foreign(PathBuf),
    /// A file lies where a folder would have to be, or the other way round.
    Blocked(PathBuf),
}

/// What lies at a path below `organized/` that omr did not write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Foreign {
    Nothing,
    Folder,
    /// A file, a link, whatever is no folder.
    Other,
}

/// The places that are taken.
#[derive(Default)]
pub(super) struct Places {
    placed: Vec<Option<Placed>>,
    /// For each file, its index in `placed`.
    files: HashMap<PathBuf, usize>,
    folders: HashSet<PathBuf>,
    /// For each name that was numbered, the number that is tried next.
    next: HashMap<PathBuf, u32>,
    refused: Vec<(usize, Refusal)>,
}

impl Places {
    /// Gives sheet number `sheet` its place. Called in input order.
    pub fn take(&mut self, sheet: usize, wish: Wish, foreign: &mut impl FnMut(&Path) -> Foreign) {
        let Wish { destination, action, collision } = wish;
        let is_blocked = |folder: &Path, foreign: &mut dyn FnMut(&Path) -> Foreign| {
            self.files.contains_key(folder) || foreign(folder) == Foreign::Other
        };
        let blocked = folders_of(&destination).find(|folder| is_blocked(folder, foreign));
        if let Some(folder) = blocked {
            self.refused.push((sheet, Refusal::Blocked(folder.to_path_buf())));
            return;
        }
        let mut path = destination.clone();
        loop {
            let refusal = if self.folders.contains(&path) || foreign(&path) == Foreign::Folder {
                Refusal::Blocked(path.clone())
            } else if foreign(&path) == Foreign::Other {
                Refusal::Foreign(path.clone())
            } else if let Some(&earlier) = self.files.get(&path) {
                if collision == Collision::Overwrite {
                    if let Some(loser) = self.placed.get_mut(earlier).and_then(Option::take) {
                        self.refused.push((loser.sheet, Refusal::Replaced(path.clone())));
                    }
                    break;
                }
                Refusal::Taken(path.clone())
            } else {
                break;
            };
            let number = self.next.entry(destination.clone()).or_insert(1);
            if collision != Collision::Increment || *number > MAX_NUMBER {
                self.refused.push((sheet, refusal));
                return;
            }
            path = numbered(&destination, *number);
            *number += 1;
        }
        self.folders.extend(folders_of(&path).map(Path::to_path_buf));
        self.files.insert(path.clone(), self.placed.len());
        self.placed.push(Some(Placed { sheet, path, action }));
    }

    /// The places in the order in which they were taken, and the sheets that have none, in input order.
    pub fn finish(mut self) -> (Vec<Placed>, Vec<(usize, Refusal)>) {
        self.refused.sort_by_key(|(sheet, _)| *sheet);
        (self.placed.into_iter().flatten().collect(), self.refused)
    }
}

/// The folders that a path lies in, below `organized/`.
fn folders_of(path: &Path) -> impl Iterator<Item = &Path> {
    path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty())
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Taken(path) => write!(f, "an earlier sheet has the place `{}`", path.display()),
            Self::Replaced(path) => write!(f, "a later sheet has the place `{}`", path.display()),
            Self::Foreign(path) => write!(f, "a file that omr did not write lies at `{}`", path.display()),
            Self::Blocked(path) => write!(f, "`{}` cannot be a file and a folder", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes places for `wishes` in order; a path that begins with `foreign` holds a file, with `dir` a folder.
    fn settle(collision: Collision, wishes: &[&str]) -> (Vec<String>, Vec<String>) {
        let mut places = Places::default();
        let mut foreign = |path: &Path| match path.file_name().unwrap().to_str().unwrap() {
            name if name.starts_with("foreign") => Foreign::Other,
            name if name.starts_with("dir") => Foreign::Folder,
            _ => Foreign::Nothing,
        };
        for (i, wish) in wishes.iter().enumerate() {
            let wish = Wish { destination: wish.into(), action: GroupingAction::Symlink, collision };
            places.take(i, wish, &mut foreign);
        }
        let (placed, refused) = places.finish();
        let placed = placed.iter().map(|p| format!("{} {}", p.sheet, p.path.display())).collect();
        (placed, refused.iter().map(|(sheet, why)| format!("{sheet} {why}")).collect())
    }

    #[test]
    fn the_three_strategies() {
        let wishes = ["a/x.png", "a/x.png", "a/x_001.png", "a/x.png"];
        let (placed, refused) = settle(Collision::Skip, &wishes);
        assert_eq!(placed, ["0 a/x.png", "2 a/x_001.png"]);
        assert_eq!(refused[1], "3 an earlier sheet has the place `a/x.png`");
        let (placed, refused) = settle(Collision::Increment, &wishes);
        assert_eq!(placed, ["0 a/x.png", "1 a/x_001.png", "2 a/x_001_001.png", "3 a/x_002.png"]);
        assert_eq!(refused.len(), 0);
        let (placed, refused) = settle(Collision::Overwrite, &wishes);
        assert_eq!(placed, ["2 a/x_001.png", "3 a/x.png"]);
        assert_eq!(refused[0], "0 a later sheet has the place `a/x.png`");
    }

    #[test]
    fn files_and_folders_do_not_mix() {
        let (placed, refused) = settle(Collision::Increment, &["a.png", "a.png/b.png", "c.png/d.png", "c.png"]);
        assert_eq!(placed, ["0 a.png", "2 c.png/d.png", "3 c_001.png"]);
        assert_eq!(refused, ["1 `a.png` cannot be a file and a folder"]);
    }

    #[test]
    fn what_omr_did_not_write_stays() {
        for collision in [Collision::Skip, Collision::Overwrite] {
            let (placed, refused) = settle(collision, &["foreign.png", "foreign/x.png", "dir.png", "dir/x.png"]);
            assert_eq!((placed, refused.len()), (vec!["3 dir/x.png".to_owned()], 3), "{collision:?}");
        }
        let (placed, _) = settle(Collision::Increment, &["dir.png"]);
        assert_eq!(placed, Vec::<String>::new(), "the numbered names are foreign too");
    }

    #[test]
    fn numbers_end() {
        let wishes = vec!["x.png"; 10_001];
        let (placed, refused) = settle(Collision::Increment, &wishes);
        assert_eq!((placed.len(), refused.len()), (9_999, 2));
        assert_eq!(placed.last().unwrap(), "9998 x_9998.png");
    }
}
