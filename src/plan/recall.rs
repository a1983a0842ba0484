//! What an earlier run knows is joined to what this one found: sheets whose files have since gone keep their rows, at their place
//! in input order, and so do folders.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use tracing::{info, warn};

use super::{FolderPlan, Plan, PlanError, root_of};
use crate::digest::Digest;
use crate::file_names::shown;
use crate::images::Image;
use crate::options::Options;
use crate::outputs::TableShape;
use crate::outputs::cells::Cells;
use crate::outputs::journal::{self, FolderLine, JournalError, Known};
use crate::outputs::paths::FolderPaths;
use crate::shard::Shard;

/// A folder of an earlier run of which nothing was found any more.
#[derive(Debug)]
pub struct GoneFolder {
    /// What its tables look like.
    pub line: FolderLine,
    /// Its sheets, in input order.
    pub images: Vec<Image>,
    /// Where everything went.
    pub paths: FolderPaths,
}

/// What an earlier run left cannot be joined.
#[derive(Debug, thiserror::Error)]
pub enum RecallError {
    /// Rows that do not fit the tables of this run.
    #[error(
        "`{}`: {sheets} sheet(s) that are not read now, since their files are gone or still written to, were read by a template with \
         other columns, so their rows do not fit the new tables; bring the files back, wait for them, say --prune to drop those that \
         are gone, or choose another --output",
        dir.display()
    )]
    Misfit {
        /// The folder.
        dir: PathBuf,
        /// So many.
        sheets: usize,
    },
    /// Another share of the sheets was read into the same output.
    #[error(
        "the output holds {}, and this run is {}; give each shard an --output of its own",
        share(*earlier),
        share(*now)
    )]
    OtherShard {
        /// The earlier run's.
        earlier: Option<Shard>,
        /// This run's.
        now: Option<Shard>,
    },
    /// Another input was read into the same output.
    #[error(
        "the output holds the results of `{}`, and those of `{}` would lie at the same place; name the same input, choose another \
         --output, or say --prune to drop what is there",
        was.display(), now.display()
    )]
    OtherInput {
        /// The input of the earlier run.
        was: PathBuf,
        /// That of this one.
        now: PathBuf,
    },
    /// The same folder had another place when it was the only input, or one of several.
    #[error(
        "the results of `{}` lie in `{}` and would now go to `{}`, since other inputs are named than before; name the same inputs, \
         or choose another --output",
        dir.display(), was.display(), now.display()
    )]
    Moved {
        /// The folder.
        dir: PathBuf,
        /// Its place, the output folder in front.
        was: PathBuf,
        /// The place that it would have.
        now: PathBuf,
    },
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

fn share(shard: Option<Shard>) -> String {
    shard.map_or_else(|| "all sheets".to_owned(), |shard| format!("shard {shard}"))
}

impl Plan {
    /// Joins what earlier runs `know`, if anything, and puts the journal in order where it has to be: gives what it holds then.
    ///
    /// # Errors
    /// [`PlanError::Recall`].
    pub fn join_known(&mut self, known: Option<&Known>, options: &Options) -> Result<Option<Known>, Vec<PlanError>> {
        let Some(known) = known else { return Ok(None) };
        if let Some(run) = known.run().filter(|run| run.shard != options.shard) {
            return Err(vec![RecallError::OtherShard { earlier: run.shard, now: options.shard }.into()]);
        }
        if !options.prune {
            let others = other_inputs(known, options);
            if !others.is_empty() {
                return Err(others.into_iter().map(PlanError::from).collect());
            }
        }
        self.recall(known, options).map_err(|errors| errors.into_iter().map(PlanError::from).collect::<Vec<_>>())?;
        // Sheets that no table has any more must not come back: pages that a file lost, files that could not be read.
        let images: HashMap<&Path, &[Image]> = self.all_images().collect();
        let has = |place: &Path, image: &Image| {
            let images = images.get(place).copied().unwrap_or_default();
            images.binary_search_by(|known| known.order().cmp(&image.order())).is_ok()
        };
        if known.all_images().all(|(place, image)| has(place, image)) && !known.is_untidy() {
            return Ok(None);
        }
        let tidied = journal::tidy(&options.output, known, has);
        tidied.map(Some).map_err(|error| vec![RecallError::from(error).into()])
    }

    /// Adds the sheets of earlier runs whose files were not found; with `--prune` they are left out.
    fn recall(&mut self, known: &Known, options: &Options) -> Result<(), Vec<RecallError>> {
        let mut misfits = Vec::new();
        let spared = if options.prune { self.inputs_without_images(known, options) } else { HashSet::new() };
        for plan in &mut self.folders {
            let mut gone = gone_from(plan, known);
            let name = shown(&plan.folder.dir).join("");
            let prunes = options.prune && !spared.contains(&plan.root);
            if prunes {
                let is_there = |image: &Image| plan.fresh.iter().any(|fresh| fresh.file() == image.file());
                let before = gone.len();
                gone.retain(is_there);
                if gone.len() < before {
                    let dropped = before - gone.len();
                    info!("`{}`: the rows of {dropped} sheet(s) whose files are gone are dropped", name.display());
                }
            }
            if gone.is_empty() {
                continue;
            }
            // How cells are written, and into which table, changes nothing in what is known.
            let shape = TableShape::of(&plan.context.template, plan.diverts_multi_marked(), Cells::default());
            let sheets = misfits_among(&gone, &plan.folder.place, &shape, known);
            if sheets > 0 {
                misfits.push(RecallError::Misfit { dir: name, sheets });
                continue;
            }
            let is_other = |(_, setting): (_, Digest)| setting != plan.setting.id;
            let stamp = |image: &&Image| known.stamp(&plan.folder.place, image.name());
            let others = gone.iter().filter(|image| stamp(image).is_some_and(is_other)).count();
            if others > 0 {
                warn!(
                    "`{}`: {others} sheet(s) that are not read now keep the rows that they had before template, config, evaluation, \
                     options or program changed",
                    name.display()
                );
            }
            let absent =
                gone.iter().filter(|image| !plan.fresh.iter().any(|fresh| fresh.file() == image.file())).count();
            if absent > 0 {
                info!("`{}`: {absent} sheet(s) whose files are gone keep their rows", name.display());
            }
            plan.gone = gone.iter().map(|image| image.name().to_owned()).collect();
            plan.folder.images.extend(gone);
            plan.folder.images.sort_by(|a, b| a.order().cmp(&b.order()));
            plan.paths =
                FolderPaths::of(&options.output, &plan.folder.place, plan.folder.images.iter().map(Image::name));
        }
        // A folder whose files are all left for the next run has no tables yet.
        self.folders.retain(|plan| !plan.folder.images.is_empty());
        if !misfits.is_empty() {
            return Err(misfits);
        }
        let found: HashSet<&Path> = self.folders.iter().map(|plan| plan.folder.place.as_path()).collect();
        for line in known.folders().filter(|line| !found.contains(line.place.as_path())) {
            let images: Vec<Image> = known.readable(&line.place).into_iter().cloned().collect();
            if images.is_empty() {
                continue;
            }
            let name = shown(&line.dir).join("");
            if let Some(moved) = self.folders.iter().find(|plan| plan.folder.dir == line.dir) {
                let [was, now] = [&line.place, &moved.folder.place].map(|place| options.output.join(place).join(""));
                return Err(vec![RecallError::Moved { dir: name, was, now }]);
            }
            let root = root_of(&line.place, &options.roots).0;
            if options.prune && !spared.contains(&root) {
                info!(
                    "`{}`: the folder is gone; the rows of its {} sheet(s) are dropped",
                    name.display(),
                    images.len()
                );
                continue;
            }
            let sheets = misfits_among(&images, &line.place, &line.shape, known);
            if sheets > 0 {
                misfits.push(RecallError::Misfit { dir: name, sheets });
                continue;
            }
            info!("`{}`: the folder is gone; its {} sheet(s) keep their rows", name.display(), images.len());
            let paths = FolderPaths::of(&options.output, &line.place, images.iter().map(Image::name));
            let mut line = FolderLine { root, ..line.clone() };
            // How cells are written is asked for now.
            line.shape.cells = Cells::of(options.safe_cells);
            self.gone.push(GoneFolder { line, images, paths });
        }
        if misfits.is_empty() { Ok(()) } else { Err(misfits) }
    }

    /// The inputs in which nothing was found, though earlier runs read sheets of them: more often they are not there, as a disk that
    /// is not mounted, than empty. Tells of each.
    fn inputs_without_images(&self, known: &Known, options: &Options) -> HashSet<usize> {
        let has_images = |plan: &&FolderPlan| !plan.folder.images.is_empty() || !plan.fresh.is_empty();
        let found: HashSet<usize> = self.folders.iter().filter(has_images).map(|plan| plan.root).collect();
        let read = known.folders().map(|line| root_of(&line.place, &options.roots).0);
        let spared: HashSet<usize> = read.filter(|root| !found.contains(root)).collect();
        let told = options.roots.iter().enumerate().filter(|(number, _)| spared.contains(number));
        for (_, root) in told {
            let name = shown(&root.dir).join("");
            warn!(
                "`{}`: --prune drops nothing of this input, since no image was found in it; if that is right, name it no more",
                name.display()
            );
        }
        // One that is named no more is meant to go.
        spared.into_iter().filter(|&number| number < options.roots.len()).collect()
    }

    /// The images of each place, those that are read and those that are kept.
    fn all_images(&self) -> impl Iterator<Item = (&Path, &[Image])> {
        let found = self.folders.iter().map(|plan| (plan.folder.place.as_path(), plan.folder.images.as_slice()));
        found.chain(self.gone.iter().map(|gone| (gone.line.place.as_path(), gone.images.as_slice())))
    }
}

/// The inputs at whose places the results of others lie: sheets of theirs would be taken for those of these inputs. One that was moved
/// is the same where it is called as before.
fn other_inputs(known: &Known, options: &Options) -> Vec<RecallError> {
    let lines = known.folders().filter(|line| !known.images(&line.place).is_empty());
    let with_sheets: HashSet<usize> = lines.map(|line| root_of(&line.place, &options.roots).0).collect();
    let earlier = known.run().map(|run| run.inputs.as_slice()).unwrap_or_default();
    let others = options.roots.iter().enumerate().filter_map(|(number, root)| {
        let was = earlier.iter().find(|input| input.place == root.place)?;
        let is_moved = was.dir == root.dir && !was.real.exists();
        let is_same = is_moved || shown(&root.dir).canonicalize().is_ok_and(|real| real == was.real);
        (with_sheets.contains(&number) && !is_same).then_some((was, root))
    });
    let named = |path: &Path| shown(path).join("");
    let told = others.map(|(was, now)| {
        if was.dir != now.dir {
            return RecallError::OtherInput { was: named(&was.dir), now: named(&now.dir) };
        }
        // Both are called alike.
        let real = shown(&now.dir).canonicalize().unwrap_or_else(|_| now.dir.clone());
        RecallError::OtherInput { was: named(&was.real), now: named(&real) }
    });
    told.collect()
}

/// How many of these sheets of a folder were read by a template with other columns than its tables have now.
fn misfits_among(sheets: &[Image], place: &Path, shape: &TableShape, known: &Known) -> usize {
    let fits = |image: &&Image| {
        let setting = known.stamp(place, image.name()).map(|(_, setting)| setting);
        let then = setting.and_then(|setting| known.folder_by(place, &setting)).map(|line| &line.shape);
        then.is_some_and(|then| (&then.columns, &then.labels) == (&shape.columns, &shape.labels))
    };
    sheets.iter().filter(|image| !fits(image)).count()
}

/// The sheets of a folder that an earlier run could read, and whose files were not found. Of a file that is there, pages that it
/// no longer has are none of them.
fn gone_from(plan: &FolderPlan, known: &Known) -> Vec<Image> {
    let files: HashSet<&OsStr> = plan.folder.images.iter().map(Image::file).collect();
    let readable = known.readable(&plan.folder.place).into_iter();
    readable.filter(|image| !files.contains(image.file())).cloned().collect()
}
