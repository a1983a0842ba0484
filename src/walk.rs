//! Finds folders and images in input order, and settles which template, config and evaluation each folder has.
//!
//! A folder's own file wins, else the nearest one above counts. Each file is parsed once, where it lies. Only names are
//! kept of the images. Every document of the tree is read before the walk gives up, so that one run shows all mistakes.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::warn;

use crate::config::Config;
use crate::evaluation::Evaluation;
use crate::json::{DocumentError, Problem};
use crate::options::{Options, Root};
use crate::outputs::STATE_FOLDER;
use crate::template::Template;

/// File name extensions of images, in lower case. What the file holds is told by its content.
pub const IMAGE_EXTENSIONS: [&str; 7] = ["png", "jpg", "jpeg", "tif", "tiff", "bmp", "webp"];

/// Extensions of scans that are not read; a folder that holds some says so.
const UNREAD_EXTENSIONS: [&str; 5] = ["pdf", "heic", "heif", "gif", "jp2"];

/// A template with the config that was in force where it was found: that config governs how its sheets are read.
#[derive(Debug)]
pub struct GovernedTemplate {
    /// The template.
    pub template: Arc<Template>,
    /// The config that governs it.
    pub config: Arc<Config>,
}

/// A folder with images.
#[derive(Debug)]
pub struct Folder {
    /// The folder as reached from the input root as typed.
    pub dir: PathBuf,
    /// Its place under the output folder.
    pub place: PathBuf,
    /// Names of its images, in input order.
    pub images: Vec<OsString>,
    /// Its template, own or inherited.
    pub template: Arc<GovernedTemplate>,
    /// The config in force here, own or inherited.
    pub config: Arc<Config>,
    /// The evaluation in force here, own or inherited.
    pub evaluation: Option<Arc<Evaluation>>,
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
    let mut walker = Walker { output: options.output.canonicalize().ok(), ..Walker::default() };
    let top = walker.top(options);
    for root in &options.roots {
        walker.root(root, &top);
    }
    if walker.errors.is_empty() { Ok(walker.found) } else { Err(walker.errors) }
}

/// What a folder inherits.
#[derive(Clone)]
struct Inherited {
    template: Option<Arc<GovernedTemplate>>,
    config: Arc<Config>,
    evaluation: Option<Arc<Evaluation>>,
    is_below_a_broken_template: bool,
}

#[derive(Default)]
struct Walker {
    output: Option<PathBuf>,
    found: Walked,
    errors: Vec<WalkError>,
}

impl Walker {
    /// What holds above every root: the files named on the command line, else the defaults.
    fn top(&mut self, options: &Options) -> Inherited {
        let setup = &options.setup;
        let config = setup.config.as_deref().and_then(|p| self.accept(Config::load(p))).unwrap_or_default();
        let config = Arc::new(config);
        let template = setup.template.as_deref().and_then(|p| self.accept(Template::load(p, &config)));
        let template = template.map(|t| Arc::new(GovernedTemplate { template: Arc::new(t), config: config.clone() }));
        let evaluation = setup.evaluation.as_deref().and_then(|p| self.accept(Evaluation::load(p)));
        let is_below_a_broken_template = setup.template.is_some() && template.is_none();
        Inherited { template, config, evaluation: evaluation.map(Arc::new), is_below_a_broken_template }
    }

    /// Takes a loaded document: warnings are told, errors kept.
    fn accept<T>(&mut self, loaded: Result<(T, Vec<Problem>), DocumentError>) -> Option<T> {
        match loaded {
            Ok((value, warnings)) => {
                for warning in warnings {
                    warn!("{warning}");
                }
                Some(value)
            }
            Err(error) => {
                self.errors.push(error.into());
                None
            }
        }
    }

    fn root(&mut self, root: &Root, top: &Inherited) {
        let shown = if root.dir.as_os_str().is_empty() { Path::new(".") } else { &root.dir };
        let what = match shown.metadata() {
            Ok(metadata) if metadata.is_dir() => return self.folder(&root.dir, &root.place, top, &mut Vec::new()),
            Ok(_) => "is not a folder".to_owned(),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => "does not exist".to_owned(),
            Err(e) => format!("cannot be read: {e}"),
        };
        self.errors.push(WalkError::Input { path: shown.to_path_buf(), what });
    }

    /// Visits a folder and those below it. `above` holds the real paths of the folders on the way here, so that a link
    /// to one of them is not followed for ever.
    fn folder(&mut self, dir: &Path, place: &Path, inherited: &Inherited, above: &mut Vec<PathBuf>) {
        let real_dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
        let listing = real_dir.canonicalize().and_then(|real| Ok((real, Listing::of(real_dir)?)));
        let (real, listing) = match listing {
            Ok(found) => found,
            Err(source) => return self.errors.push(WalkError::Unlistable { path: real_dir.to_path_buf(), source }),
        };
        if above.contains(&real) {
            warn!("`{}` is a link to a folder above it; it is not followed again", dir.display());
            return;
        }
        if self.output.as_ref() == Some(&real) || listing.is_output {
            tracing::info!("`{}` holds results of omr; it is not read as input", dir.display());
            return;
        }
        let here = self.documents(dir, &listing, inherited);
        let images = self.images(dir, listing.images, &here);
        if listing.unread > 0 {
            warn!(
                "`{}` has {} file(s) of a kind that is not read ({}); convert them to JPEG, PNG or TIFF",
                real_dir.display(),
                listing.unread,
                UNREAD_EXTENSIONS.join(", ")
            );
        }
        if images.is_empty() && listing.folders.is_empty() {
            self.found.empty.push(real_dir.to_path_buf());
        }
        if !images.is_empty() {
            self.take(dir, place, images, &here);
        }
        above.push(real);
        for name in listing.folders {
            self.folder(&dir.join(&name), &place.join(&name), &here, above);
        }
        above.pop();
    }

    /// What holds in a folder, its own documents taken into account.
    fn documents(&mut self, dir: &Path, listing: &Listing, inherited: &Inherited) -> Inherited {
        let mut here = inherited.clone();
        if listing.has_config {
            let path = dir.join("config.json");
            if let Some(config) = self.accept(Config::load(&path)) {
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
            let template = self.accept(Template::load(&dir.join("template.json"), &here.config)).map(Arc::new);
            here.is_below_a_broken_template = template.is_none();
            here.template =
                template.map(|template| Arc::new(GovernedTemplate { template, config: here.config.clone() }));
        }
        if listing.has_evaluation {
            let path = dir.join("evaluation.json");
            if let Some(evaluation) = self.accept(Evaluation::load(&path)) {
                here.evaluation = Some(Arc::new(evaluation));
            }
        }
        here
    }

    /// The images that are sheets: not those that the template or evaluation in force names.
    fn images(&self, dir: &Path, names: Vec<OsString>, here: &Inherited) -> Vec<OsString> {
        let mut assets: Vec<&PathBuf> = Vec::new();
        if let Some(governed) = &here.template {
            assets.extend(governed.template.asset_paths());
        }
        let key_pictures = here.evaluation.as_ref().map(|e| e.asset_paths()).unwrap_or_default();
        assets.extend(&key_pictures);
        // Real paths are compared, but asked for only where a name fits: a folder may have a hundred thousand images.
        let asset_names: HashSet<&OsStr> = assets.iter().filter_map(|p| p.file_name()).collect();
        let real_assets: HashSet<PathBuf> = assets.iter().filter_map(|p| p.canonicalize().ok()).collect();
        let is_asset = |name: &OsString| {
            asset_names.contains(name.as_os_str())
                && dir.join(name).canonicalize().is_ok_and(|real| real_assets.contains(&real))
        };
        names.into_iter().filter(|name| !is_asset(name)).collect()
    }

    fn take(&mut self, dir: &Path, place: &Path, images: Vec<OsString>, here: &Inherited) {
        let Some(template) = &here.template else {
            // Below a template that is broken, its own errors say enough.
            if !here.is_below_a_broken_template {
                self.errors.push(WalkError::NoTemplate { path: dir.to_path_buf(), images: images.len() });
            }
            return;
        };
        self.found.folders.push(Folder {
            dir: dir.to_path_buf(),
            place: place.to_path_buf(),
            images,
            template: template.clone(),
            config: here.config.clone(),
            evaluation: here.evaluation.clone(),
        });
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
    is_output: bool,
    unread: usize,
}

impl Listing {
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
                    listing.is_output = true;
                } else {
                    listing.folders.push(name);
                }
            } else if kind.is_file() || kind.is_symlink() {
                listing.file(name);
            }
        }
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

/// The extension of a file name in lower case. `.png` alone is one: OMRChecker reads such files.
pub fn extension(name: &OsStr) -> Option<String> {
    let text = name.to_string_lossy();
    text.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_told_in_any_case() {
        assert_eq!(extension(OsStr::new("a.PnG")).as_deref(), Some("png"));
        assert_eq!(extension(OsStr::new(".jpg")).as_deref(), Some("jpg"));
        assert_eq!(extension(OsStr::new("png")), None);
    }

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
