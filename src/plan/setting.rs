//! All that decides how the sheets of a folder are read, in digests: a later run reads a sheet again where any of it has changed.
//! Documents are known by the bytes that were parsed, whatever happened to the files since; files that they name by what these had
//! just before they were read.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::config::{Config, OutputMode};
use crate::digest::Digest;
use crate::options::Options;
use crate::outputs::journal::{Document, Setting};
use crate::sheet::SheetContext;
use crate::walk::Folder;

/// Digests of the files that documents name, each taken once.
#[derive(Debug, Default)]
pub struct Settings {
    digests: HashMap<PathBuf, Digest>,
    /// The name under which each template was first met, by its real path.
    templates: HashMap<PathBuf, PathBuf>,
}

impl Settings {
    /// Takes the digests of the files that the documents of a folder name. It must be called before these are read: what is noted of
    /// one that is replaced meanwhile is older than what was read, so that a later run sees the difference.
    pub fn look_at(&mut self, folder: &Folder) {
        folder.template.template.asset_paths().into_iter().for_each(|path| _ = self.digest(path));
        let keys = folder.evaluation.iter().flat_map(|evaluation| evaluation.key_files());
        keys.for_each(|path| _ = self.digest(path));
    }

    /// What the sheets of a folder are read by.
    pub fn of(&mut self, folder: &Folder, context: &SheetContext, mode: OutputMode, options: &Options) -> Setting {
        let governed = &folder.template;
        // The same file may govern how sheets are read, or only what is written of them: what it is for counts, too.
        let template = &governed.template;
        let mut documents = vec![Document::new("template", &template.file, template.sha256)];
        let config =
            |role, config: &Config| config.file.as_ref().map(|file| Document::new(role, &file.path, file.sha256));
        documents.extend(config("config of the template", &governed.config));
        documents.extend(config("config", &folder.config));
        documents.extend(template.asset_paths().into_iter().map(|path| self.named("picture", path)));
        if let Some(evaluation) = &folder.evaluation {
            documents.push(Document::new("evaluation", &evaluation.file, evaluation.sha256));
            documents.extend(evaluation.key_files().into_iter().map(|path| self.named("key", path)));
        }
        let mut seen = HashSet::new();
        documents.retain(|document| seen.insert((document.role.clone(), document.path.clone())));
        let omr = env!("CARGO_PKG_VERSION").to_owned();
        let options = options_of(options, mode, context, folder.evaluation.is_some());
        let digest = |document: &Document| format!("{} {} {}", document.role, document.sha256, document.path.display());
        let digests: Vec<String> = documents.iter().map(digest).collect();
        let parts = [omr.as_str(), options.as_str()].into_iter().chain(digests.iter().map(String::as_str));
        let id = Digest::of_parts(parts.map(str::as_bytes));
        Setting { id, omr, options, documents }
    }

    /// One name for all links to a template: the first under which it was met.
    pub fn template(&mut self, file: &Path) -> PathBuf {
        let real = fs::canonicalize(file).unwrap_or_else(|_| file.to_path_buf());
        self.templates.entry(real).or_insert_with(|| file.to_path_buf()).clone()
    }

    /// A file that a document names.
    fn named(&mut self, role: &str, path: &Path) -> Document {
        Document::new(role, path, self.digest(path))
    }

    /// One that cannot be read is as good as empty, so that it is seen to differ next time.
    fn digest(&mut self, path: &Path) -> Digest {
        let of_file = || Digest::of_file(path).unwrap_or_else(|_| Digest::of(b""));
        *self.digests.entry(path.to_path_buf()).or_insert_with(of_file)
    }
}

/// What the command line changes of a sheet's rows and files, in words.
fn options_of(options: &Options, mode: OutputMode, context: &SheetContext, is_scored: bool) -> String {
    let mut words = Vec::new();
    words.extend(options.setup.reader.map(|reader| format!("reader {reader:?}")));
    words.extend((mode != OutputMode::default()).then(|| format!("mode {mode:?}")));
    words.extend((options.doubts.review_below > 0.0).then(|| format!("review below {}", options.doubts.review_below)));
    words.extend(options.doubts.strict.then(|| "strict".to_owned()));
    words.extend(options.setup.follow_links.then(|| "follow links".to_owned()));
    words.extend(options.safe_cells.then(|| "safe cells".to_owned()));
    words.extend(options.no_pictures.then(|| "no pictures".to_owned()));
    words.extend((options.statistics && is_scored).then(|| "statistics".to_owned()));
    words.extend(context.recogniser().map(|recogniser| format!("text by {recogniser}")));
    words.join(", ")
}
