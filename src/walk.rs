//! Finds folders and images in input order, and settles which template, config and evaluation each folder has.
//!
//! A folder's own file wins, else the nearest one above counts. Each file is parsed once, where it lies. Only names are
//! kept of the images. Every document of the tree is read before the walk gives up, so that one run shows all mistakes.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::{info, warn};

use crate::config::{Config, Limits};
use crate::evaluation::Evaluation;
use crate::file_names::{
    DOCUMENTS, IMAGE_EXTENSIONS, PAGED_EXTENSIONS, STATE_FOLDER, UNREAD_EXTENSIONS, as_cell, extension, shown, tidy,
};
use crate::images::{Image, Stamp};
use crate::json::{DocumentError, Problem};
use crate::links::Fence;
use crate::options::{Options, Root, Task};
use crate::outputs::journal::{PageCount, PageCounts};
use crate::outputs::ledger;
use crate::pages;
use crate::reach::Reach;
use crate::report_mark;
use crate::template::Template;

/// A template with the config that was in force where it was found: that config governs how its sheets are read.
#[derive(Debug)]
pub struct GovernedTemplate {
    /// The template.
    pub template: Arc<Template>,
    /// The config that governs it.
    pub config: Arc<Config>,
}

/// The files of a template that is named by itself or by its folder, and of the config that governs it: the named one, else the
/// one beside the template, if there is one.
pub fn template_files(template: &Path, config: Option<&Path>) -> (PathBuf, Option<PathBuf>) {
    let template = if template.is_dir() { template.join("template.json") } else { template.to_path_buf() };
    let beside = || Some(template.with_file_name("config.json")).filter(|path| path.is_file());
    let config = config.map(Path::to_path_buf).or_else(beside);
    (template, config)
}

impl GovernedTemplate {
    /// Loads a template and the config that governs it, the default one if there is none; warnings are told. The template's
    /// pictures may lie within `reach`.
    ///
    /// # Errors
    /// Either document cannot be read, or has errors.
    pub fn load(template: &Path, config: Option<&Path>, reach: Reach) -> Result<Self, DocumentError> {
        let config = Arc::new(config.map(|path| told(Config::load(path))).transpose()?.unwrap_or_default());
        let template = Arc::new(told(Template::load(template, &config, reach))?);
        Ok(Self { template, config })
    }
}

/// Takes a loaded document and tells its warnings.
///
/// # Errors
/// As loaded.
pub fn told<T>(loaded: Result<(T, Vec<Problem>), DocumentError>) -> Result<T, DocumentError> {
    let (value, warnings) = loaded?;
    for warning in warnings {
        warn!("{warning}");
    }
    Ok(value)
}

/// A folder with images.
#[derive(Debug)]
pub struct Folder {
    /// The folder as reached from the input root as typed.
    pub dir: PathBuf,
    /// Its place under the output folder.
    pub place: PathBuf,
    /// Its images, in input order.
    pub images: Vec<Image>,
    /// Its template, own or inherited.
    pub template: Arc<GovernedTemplate>,
    /// The config in force here, own or inherited.
    pub config: Arc<Config>,
    /// The evaluation in force here, own or inherited.
    pub evaluation: Option<Arc<Evaluation>>,
    /// What links among its images may lead to.
    pub fence: Arc<Fence>,
}

/// What the walk found.
#[derive(Debug, Default)]
pub struct Walked {
    /// Folders with images, in input order.
    pub folders: Vec<Folder>,
    /// Folders without images and sub-folders.
    pub empty: Vec<PathBuf>,
}

/// Why a tree cannot be processed.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// A document is wrong.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// An input is not there, or is no folder.
    #[error("the input `{}` {what}", path.display())]
    Input {
        /// The input as typed.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A folder could not be listed: its sheets would be lost.
    #[error("the folder `{}` cannot be listed: {source}", path.display())]
    Unlistable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A document is a link out of the input.
    #[error(
        "`{}` is a link to `{}`, which lies outside of the input; copy it here, or say --follow-links",
        path.display(), target.display()
    )]
    LinkedDocument {
        /// The link.
        path: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// Links between the folders of the input make too many ways.
    #[error(
        "more than {most} folders are reached by way of links, the next one is `{}`; do the links lead in circles?",
        path.display()
    )]
    Links {
        /// The folder.
        path: PathBuf,
        /// So many may be.
        most: usize,
    },
    /// A folder has images and no template.
    #[error(
        "the folder `{}` has {images} image(s), but no template.json here or in a folder above; \
         put one there or say --template FILE",
        path.display()
    )]
    NoTemplate {
        /// The folder.
        path: PathBuf,
        /// How many images it has.
        images: usize,
    },
}

/// Walks all roots.
///
/// # Errors
/// Everything that is wrong with the trees and their documents.
pub fn walk(options: &Options) -> Result<Walked, Vec<WalkError>> {
    let output = options.output.canonicalize().ok();
    let is_unscored = options.task == Task::DrawLayout;
    let reach = Reach::allowing(options.setup.allow_outside);
    let fence = match options.setup.follow_links {
        true => Fence::None,
        false => Fence::around(options.roots.iter().map(|root| shown(&root.dir))),
    };
    let counts = if options.resume { PageCounts::noted(&options.output) } else { PageCounts::default() };
    let mut walker = Walker { output, is_unscored, reach, fence: Arc::new(fence), counts, ..Walker::default() };
    let top = walker.top(options);
    for root in &options.roots {
        walker.root(root, &top);
    }
    walker.finish()
}

/// What a folder inherits.
#[derive(Clone)]
struct Inherited {
    template: Option<Arc<GovernedTemplate>>,
    config: Arc<Config>,
    evaluation: Option<Arc<Evaluation>>,
    /// The template above could not be read: its own errors say enough.
    is_below_a_broken_template: bool,
    /// `--template`, until a root has taken it.
    named_template: Option<PathBuf>,
}

/// A folder with images, before it is known which of them are marker or key pictures.
struct Candidate {
    dir: PathBuf,
    place: PathBuf,
    images: Vec<OsString>,
    /// They were named one by one: whatever they are called, their content says what they are.
    is_chosen: bool,
    here: Inherited,
}

#[derive(Default)]
struct Walker {
    output: Option<PathBuf>,
    /// Nothing is scored: evaluations do not count.
    is_unscored: bool,
    /// Where the files that documents name may lie.
    reach: Reach,
    /// What links may lead to.
    fence: Arc<Fence>,
    /// Folders that were entered by way of links.
    linked: usize,
    candidates: Vec<Candidate>,
    empty: Vec<PathBuf>,
    /// Pictures that templates and evaluations name: these are no sheets, wherever they lie.
    assets: Vec<PathBuf>,
    /// Files whose pages earlier runs have counted.
    counts: PageCounts,
    /// Files that earlier runs wrote into output folders which lie in the tree.
    written: HashSet<PathBuf>,
    errors: Vec<WalkError>,
}

impl Walker {
    /// What holds above every root: the files named on the command line, else the defaults.
    fn top(&mut self, options: &Options) -> Inherited {
        let setup = &options.setup;
        let config = setup.config.as_deref().and_then(|path| self.accept(Config::load(path))).unwrap_or_default();
        let named = setup.template.as_deref().map(|template| template_files(template, None).0);
        // Also where every folder has its own: who names one means it to count.
        let missing = named.as_ref().and_then(|path| Some((path.clone(), path.metadata().err()?)));
        let is_missing = missing.is_some();
        self.errors.extend(missing.map(|(path, source)| DocumentError::Unreadable { path, source }.into()));
        Inherited {
            template: None,
            evaluation: setup.evaluation.as_deref().and_then(|path| self.evaluation(path, &config)),
            config: Arc::new(config),
            is_below_a_broken_template: is_missing,
            named_template: named.filter(|_| !is_missing),
        }
    }

    /// Takes a loaded document: warnings are told, errors kept.
    fn accept<T>(&mut self, loaded: Result<(T, Vec<Problem>), DocumentError>) -> Option<T> {
        told(loaded).map_err(|error| self.errors.push(error.into())).ok()
    }

    fn template(&mut self, path: &Path, here: &mut Inherited) {
        let template = self.accept(Template::load(path, &here.config, self.reach)).map(Arc::new);
        here.is_below_a_broken_template = template.is_none();
        here.template = template.map(|template| {
            self.assets.extend(template.asset_paths().into_iter().cloned());
            Arc::new(GovernedTemplate { template, config: here.config.clone() })
        });
    }

    fn evaluation(&mut self, path: &Path, config: &Config) -> Option<Arc<Evaluation>> {
        let rules = config.limits.rules(self.reach);
        if self.is_unscored {
            // Only its pictures count, which are no sheets; whether it is right is no matter now.
            if let Ok((evaluation, _)) = Evaluation::load(path, rules) {
                self.assets.extend(evaluation.asset_paths().into_iter().cloned());
            }
            return None;
        }
        let evaluation = self.accept(Evaluation::load(path, rules))?;
        self.assets.extend(evaluation.asset_paths().into_iter().cloned());
        Some(Arc::new(evaluation))
    }

    fn root(&mut self, root: &Root, top: &Inherited) {
        let dir = shown(&root.dir);
        let what = match dir.metadata() {
            Ok(metadata) if metadata.is_dir() => {
                return self.folder(&root.dir, root, top, &mut Vec::new(), false);
            }
            Ok(_) => "is not a folder".to_owned(),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => "does not exist".to_owned(),
            Err(e) => format!("cannot be read: {e}"),
        };
        self.errors.push(WalkError::Input { path: dir.to_path_buf(), what });
    }

    /// Visits a folder and those below it. `above` holds the real paths of the folders on the way here, so that a link
    /// to one of them is not followed for ever. `by_link`: one of them is a link.
    fn folder(&mut self, dir: &Path, root: &Root, inherited: &Inherited, above: &mut Vec<PathBuf>, by_link: bool) {
        let below = dir.strip_prefix(&root.dir).unwrap_or(dir);
        let place = &tidy(&root.place.join(below));
        let listing = shown(dir).canonicalize().and_then(|real| {
            let listing = match &root.chosen {
                None => Listing::of(shown(dir))?,
                Some(chosen) => Listing::chosen(shown(dir), chosen.within(below)),
            };
            Ok((real, listing))
        });
        let (real, mut listing) = match listing {
            Ok(found) => found,
            Err(source) => return self.errors.push(WalkError::Unlistable { path: shown(dir).to_path_buf(), source }),
        };
        if above.contains(&real) {
            warn!("`{}` is a link to a folder above it; it is not followed again", dir.display());
            return;
        }
        if self.output.as_ref() == Some(&real) {
            info!("`{}` is the output folder; it is not read as input", dir.display());
            return;
        }
        if by_link && !self.may_enter_another(dir) {
            return;
        }
        self.leave_out_links(dir, &mut listing);
        let here = self.documents(dir, &listing, inherited);
        self.images(dir, place, &mut listing, here.clone());
        above.push(real);
        for name in &listing.folders {
            let path = dir.join(name);
            let is_link = by_link || path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
            self.folder(&path, root, &here, above, is_link);
        }
        above.pop();
    }

    /// Links to folders that lie outside of the input are not followed.
    fn leave_out_links(&self, dir: &Path, listing: &mut Listing) {
        let before = listing.folders.len();
        listing.folders.retain(|name| self.fence.leads_out(&dir.join(name)).is_none());
        let left_out = before - listing.folders.len();
        if left_out > 0 {
            warn!(
                "`{}` has {left_out} link(s) to folders outside of the input; they are not followed unless you say --follow-links",
                shown(dir).display()
            );
        }
    }

    /// Counts a folder that was reached by way of a link. A few links to each other make more ways than anybody can walk.
    fn may_enter_another(&mut self, dir: &Path) -> bool {
        const MAX_LINKED: usize = 10_000;
        self.linked += 1;
        if self.linked == MAX_LINKED + 1 {
            self.errors.push(WalkError::Links { path: dir.to_path_buf(), most: MAX_LINKED });
        }
        self.linked <= MAX_LINKED
    }

    /// May the document at `path` be read? One that is a link out of the input is an error: without it the folder's sheets
    /// would be read by other rules than its owner sees there.
    fn is_within(&mut self, path: &Path) -> bool {
        let Some(target) = self.fence.leads_out(path) else { return true };
        self.errors.push(WalkError::LinkedDocument { path: path.to_path_buf(), target });
        false
    }

    /// What holds in a folder, its own documents taken into account.
    fn documents(&mut self, dir: &Path, listing: &Listing, inherited: &Inherited) -> Inherited {
        let mut here = inherited.clone();
        let named_template = here.named_template.take();
        if listing.has_config {
            let path = dir.join("config.json");
            if self.is_within(&path)
                && let Some(config) = self.accept(Config::load(&path))
            {
                here.config = Arc::new(config);
                if here.template.is_some() && !listing.has_template {
                    warn!(
                        "`{}` changes what is written for this folder; how its sheets are read is settled by the \
                         config of the inherited template",
                        path.display()
                    );
                }
            }
        }
        if listing.has_template {
            let path = dir.join("template.json");
            if self.is_within(&path) {
                self.template(&path, &mut here);
            } else {
                (here.template, here.is_below_a_broken_template) = (None, true);
            }
        } else if let Some(path) = named_template {
            self.template(&path, &mut here);
        }
        if listing.has_evaluation
            && self.is_within(&dir.join("evaluation.json"))
            && let Some(evaluation) = self.evaluation(&dir.join("evaluation.json"), &here.config)
        {
            here.evaluation = Some(evaluation);
        }
        here
    }

    /// Notes the images of a folder, results of earlier runs left out. Takes their names out of the listing.
    fn images(&mut self, dir: &Path, place: &Path, listing: &mut Listing, here: Inherited) {
        if listing.holds_state {
            self.written.extend(ledger::written_below(shown(dir)).into_iter().map(|path| dir.join(path)));
        }
        let mut images = std::mem::take(&mut listing.images);
        let listed = images.len();
        let is_report = |name: &OsString| name == report_mark::DEFAULT_NAME && report_mark::is_report(&dir.join(name));
        let is_written = |name: &OsString| !self.written.is_empty() && self.written.contains(&dir.join(name));
        images.retain(|name| !is_written(name) && !is_report(name));
        let results = listed - images.len();
        if results > 0 {
            warn!("`{}` holds {results} picture(s) that omr wrote; they are not read as sheets", shown(dir).display());
        }
        if listing.unread > 0 {
            warn!(
                "`{}` has {} file(s) of a kind that is not read ({}); convert them to JPEG, PNG, TIFF or PDF",
                shown(dir).display(),
                listing.unread,
                UNREAD_EXTENSIONS.join(", ")
            );
        }
        if listed == 0 && listing.folders.is_empty() {
            let is_written_to = || self.written.iter().any(|path| path.parent() == Some(dir));
            if !is_written_to() {
                self.empty.push(shown(dir).to_path_buf());
            }
        }
        if !images.is_empty() {
            let (dir, place, is_chosen) = (dir.to_path_buf(), place.to_path_buf(), listing.is_chosen);
            self.candidates.push(Candidate { dir, place, images, is_chosen, here });
        }
    }

    /// Leaves out the pictures that documents name, and gives every folder that still has images its template.
    fn finish(mut self) -> Result<Walked, Vec<WalkError>> {
        // Real paths are compared, but asked for only where a name fits: a folder may have a hundred thousand images.
        let names: HashSet<OsString> = self.assets.iter().filter_map(|p| p.file_name().map(OsStr::to_owned)).collect();
        let real: HashSet<PathBuf> = self.assets.iter().filter_map(|p| p.canonicalize().ok()).collect();
        let is_asset = |dir: &Path, name: &OsString| {
            names.contains(name) && dir.join(name).canonicalize().is_ok_and(|path| real.contains(&path))
        };
        let mut folders = Vec::with_capacity(self.candidates.len());
        for Candidate { dir, place, mut images, is_chosen, here } in self.candidates {
            images.retain(|name| !is_asset(&dir, name));
            if images.is_empty() {
                continue;
            }
            match here.template {
                Some(template) => {
                    let Inherited { config, evaluation, .. } = here;
                    let limits = &config.limits;
                    let images = images
                        .into_iter()
                        .flat_map(|name| {
                            // What lies outside of the input is not looked into: its row says so.
                            match self.fence.leads_out(&dir.join(&name)) {
                                Some(_) => vec![Image::whole(name)],
                                None => images_of(&dir, &place, name, is_chosen, limits, &self.counts),
                            }
                        })
                        .collect();
                    let fence = self.fence.clone();
                    folders.push(Folder { dir, place, images, template, config, evaluation, fence });
                }
                None if here.is_below_a_broken_template => {}
                None => {
                    let path = shown(&dir).to_path_buf();
                    self.errors.push(WalkError::NoTemplate { path, images: images.len() });
                }
            }
        }
        if self.errors.is_empty() { Ok(Walked { folders, empty: self.empty }) } else { Err(self.errors) }
    }
}

/// The image in a file of the folder `dir`, at `place` under the output folder; or its pages, if it is of a kind that may have
/// several, and has. They are not counted again in a file that `counts` knows.
fn images_of(
    dir: &Path,
    place: &Path,
    name: OsString,
    is_chosen: bool,
    limits: &Limits,
    counts: &PageCounts,
) -> Vec<Image> {
    let may_have_pages = is_chosen || extension(&name).is_some_and(|e| PAGED_EXTENSIONS.contains(&e.as_str()));
    if !may_have_pages {
        return vec![Image::whole(name)];
    }
    let file = shown(dir).join(&name);
    match counts.of(place, &name) {
        Some(&PageCount { ref input, stamp, pages })
            if pages <= limits.max_pages
                && stamp.bytes <= limits.max_file_bytes
                && *input == as_cell(&tidy(&dir.join(&name)))
                && file.metadata().is_ok_and(|found| Stamp::of(&found) == stamp) =>
        {
            Image::pages(&name, pages, stamp)
        }
        _ => pages::images_of(&file, name, limits),
    }
}

/// What lies in a folder, sorted by name in code-point order.
#[derive(Default)]
struct Listing {
    images: Vec<OsString>,
    folders: Vec<OsString>,
    has_template: bool,
    has_config: bool,
    has_evaluation: bool,
    /// It holds omr's own state: an earlier run wrote its results here.
    holds_state: bool,
    /// Its images were named one by one.
    is_chosen: bool,
    unread: usize,
}

impl Listing {
    /// What is chosen of a folder: files of any name, and folders; documents as they lie there.
    fn chosen(dir: &Path, (files, folders): (Vec<OsString>, Vec<OsString>)) -> Self {
        let [has_template, has_config, has_evaluation] = DOCUMENTS.map(|name| dir.join(name).is_file());
        let images = files.into_iter().filter(|name| !DOCUMENTS.iter().any(|document| name == document)).collect();
        let holds_state = dir.join(STATE_FOLDER).is_dir();
        Self { images, folders, has_template, has_config, has_evaluation, holds_state, is_chosen: true, unread: 0 }
    }

    fn of(dir: &Path) -> std::io::Result<Self> {
        let mut listing = Self::default();
        for entry in std::fs::read_dir(dir)? {
            let entry = entry?;
            let name = entry.file_name();
            // A link counts as what it leads to. One that leads nowhere stays a file: its row says what is wrong.
            let mut kind = entry.file_type()?;
            if kind.is_symlink()
                && let Ok(target) = entry.path().metadata()
            {
                kind = target.file_type();
            }
            if kind.is_dir() {
                if name == STATE_FOLDER {
                    listing.holds_state = true;
                } else {
                    listing.folders.push(name);
                }
            } else if kind.is_file() || kind.is_symlink() {
                listing.file(name);
            } else if extension(&name).is_some_and(|e| IMAGE_EXTENSIONS.contains(&e.as_str())) {
                warn!("`{}` is no file but a pipe or a device; it is not read", entry.path().display());
            }
        }
        // They are held until the end of the run.
        listing.images.shrink_to_fit();
        // Byte order of UTF-8 is code-point order.
        listing.images.sort_unstable_by(|a, b| a.as_encoded_bytes().cmp(b.as_encoded_bytes()));
        listing.folders.sort_unstable_by(|a, b| a.as_encoded_bytes().cmp(b.as_encoded_bytes()));
        Ok(listing)
    }

    fn file(&mut self, name: OsString) {
        match name.to_str() {
            Some("template.json") => self.has_template = true,
            Some("config.json") => self.has_config = true,
            Some("evaluation.json") => self.has_evaluation = true,
            _ => {
                let is_one_of = |list: &[&str]| extension(&name).is_some_and(|e| list.contains(&e.as_str()));
                if is_one_of(&IMAGE_EXTENSIONS) {
                    self.images.push(name);
                } else if is_one_of(&UNREAD_EXTENSIONS) {
                    self.unread += 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_by_code_point() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["img10.png", "img2.png", "B.png", "a.png", "é.png", "notes.txt"] {
            std::fs::write(dir.path().join(name), b"").unwrap();
        }
        let listing = Listing::of(dir.path()).unwrap();
        assert_eq!(listing.images, ["B.png", "a.png", "img10.png", "img2.png", "é.png"]);
    }
}
