//! Opens the files of sheets. A file with pages is read once and shared by the workers while its pages are handed out.

use std::ffi::OsString;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use super::sheet_file::{self, ReadFile};
use crate::config::Limits;
use crate::digest::Digest;
use crate::images::{Image, Stamp};
use crate::links::Fence;
use crate::outputs::journal::Source;
use crate::pages::{Kind, PagedFile, Resolution, only_page};
use crate::sheet::decode::Limits as PictureLimits;
use crate::sheet::{Reason, Scan, SheetContext, SheetError};

/// So many files with pages are held at a time: the one that is handed out, and the one before it, which slow workers may
/// still ask for.
const HELD: usize = 2;

/// The files of a folder.
#[derive(Default)]
pub struct Sources {
    /// What a file may have.
    limits: Limits,
    /// What its links may lead to.
    fence: Arc<Fence>,
    /// Files with pages by name, the latest last.
    held: Mutex<Vec<(OsString, Arc<Shared>)>>,
}

/// A file with pages, opened by whoever asks first.
type Shared = OnceLock<Result<Paged, SheetError>>;

/// A file with pages as it was read.
struct Paged {
    source: Source,
    file: Result<PagedFile, SheetError>,
}

/// The file of a sheet, in memory.
pub struct Opened {
    kept: Kept,
    /// So many pages a file may have.
    most: u32,
}

enum Kept {
    /// A file of its own.
    Whole { source: Source, bytes: Vec<u8> },
    /// A file of its own whose pages could not be counted when it was listed.
    Uncounted { source: Source, why: SheetError },
    /// A page of a file with several.
    Page { file: Arc<Shared>, number: u32 },
}

impl Sources {
    /// For a folder whose files may have so much, and whose links may lead so far.
    pub fn new(limits: Limits, fence: Arc<Fence>) -> Self {
        Self { limits, fence, held: Mutex::default() }
    }

    /// Opens the file of an image in the folder `dir`.
    ///
    /// # Errors
    /// The file is gone, too large, changes, or is another one than was listed.
    pub fn open(&self, dir: &Path, image: &Image) -> Result<Opened, SheetError> {
        let path = dir.join(image.file());
        let Some(number) = image.page_number() else {
            let (source, bytes) = self.read(&path)?;
            let kept = match image.why_uncounted(source.stamp) {
                Some(why) => Kept::Uncounted { source, why: why.clone() },
                None => Kept::Whole { source, bytes },
            };
            return Ok(Opened { kept, most: self.limits.max_pages });
        };
        let file = self.held(image);
        file.get_or_init(|| self.open_paged(&path, image.stamp())).as_ref().map_err(Clone::clone)?;
        Ok(Opened { kept: Kept::Page { file, number }, most: self.limits.max_pages })
    }

    fn open_paged(&self, path: &Path, counted: Option<Stamp>) -> Result<Paged, SheetError> {
        let (source, bytes) = self.read(path)?;
        let changed = || SheetError::new(Reason::ChangedWhileRead, "the file has changed since its pages were counted");
        if counted.is_some_and(|counted| counted != source.stamp) {
            return Err(changed());
        }
        let kind = Kind::of(&bytes).ok_or_else(changed);
        let file = kind.and_then(|kind| PagedFile::open(kind, bytes, self.limits.max_pages));
        Ok(Paged { source, file })
    }

    fn read(&self, path: &Path) -> Result<(Source, Vec<u8>), SheetError> {
        let ReadFile { bytes, stamp } = sheet_file::read(path, &self.limits, &self.fence)?;
        Ok((Source { stamp, sha256: Digest::of(&bytes) }, bytes))
    }

    /// The place of a file with pages, whether it is open yet or not.
    fn held(&self, image: &Image) -> Arc<Shared> {
        let mut held = self.held.lock();
        if let Some((_, file)) = held.iter().find(|(name, _)| name == image.file()) {
            return Arc::clone(file);
        }
        if held.len() >= HELD {
            held.remove(0);
        }
        let file = Arc::<Shared>::default();
        held.push((image.file().to_owned(), Arc::clone(&file)));
        file
    }
}

impl Opened {
    /// What the file is.
    ///
    /// # Errors
    /// None that [`Sources::open`] has not told.
    pub fn source(&self) -> Result<Source, SheetError> {
        match &self.kept {
            Kept::Whole { source, .. } | Kept::Uncounted { source, .. } => Ok(*source),
            Kept::Page { file, .. } => Ok(paged(file)?.source),
        }
    }

    /// What the sheet is decoded from, for a picture that may have so much.
    ///
    /// # Errors
    /// What is wrong with the file, or with the page.
    pub fn scan(self, context: &SheetContext, limits: PictureLimits) -> Result<Scan, SheetError> {
        let resolution = Resolution::for_page(context.template.page_size);
        match self.kept {
            Kept::Uncounted { why, .. } => Err(why),
            Kept::Whole { bytes, .. } => only_page(bytes, resolution, self.most, limits),
            Kept::Page { file, number } => {
                paged(&file)?.file.as_ref().map_err(Clone::clone)?.scan(number, resolution, limits)
            }
        }
    }
}

fn paged(file: &Shared) -> Result<&Paged, SheetError> {
    let closed = || SheetError::new(Reason::InternalError, "a file with pages that nobody has opened");
    file.get().ok_or_else(closed)?.as_ref().map_err(Clone::clone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, OutputMode};
    use crate::json::Document;
    use crate::template::Template;

    #[test]
    fn a_file_that_has_changed_since_its_pages_were_counted_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.tif");
        // Two directories of one entry each, without a picture.
        let directory = |next: u32| [&[1, 0, 0, 1, 3, 0, 1, 0, 0, 0, 1, 0, 0, 0][..], &next.to_le_bytes()].concat();
        let bytes = [b"II*\0\x08\0\0\0".to_vec(), directory(26), directory(0)].concat();
        std::fs::write(&path, &bytes).unwrap();
        let images = crate::pages::images_of(&path, "a.tif".into(), &Limits::default());
        assert_eq!(images.len(), 2);
        let sources = Sources::default();
        let first = sources.open(dir.path(), &images[0]).unwrap().source().unwrap();
        assert_eq!(first.sha256, Digest::of(&bytes));
        // It is read once.
        std::fs::write(&path, [bytes, vec![0]].concat()).unwrap();
        assert_eq!(sources.open(dir.path(), &images[1]).unwrap().source().unwrap(), first);
        let error = Sources::default().open(dir.path(), &images[1]).err().unwrap();
        assert_eq!(error.reason, Reason::ChangedWhileRead);
    }

    #[test]
    fn why_pages_were_not_counted_is_told_as_long_as_the_file_is_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.pdf");
        std::fs::write(&path, b"%PDF-1.4").unwrap();
        let stamp = Stamp::of(&path.metadata().unwrap());
        let late = SheetError::new(Reason::TimeLimit, "the pages of the file were not found within 5 s");
        let image = Image::uncounted("a.pdf", stamp, late.clone());
        let scan = || {
            let opened = Sources::default().open(dir.path(), &image).unwrap();
            // A run that goes on knows the file again.
            assert_eq!(opened.source().unwrap().sha256, Digest::of(&std::fs::read(&path).unwrap()));
            opened.scan(&context(), PictureLimits::default())
        };
        assert_eq!(scan().unwrap_err(), late);
        // Another file, which may well be one that can be read.
        std::fs::write(&path, b"no PDF any more").unwrap();
        assert!(matches!(scan(), Ok(Scan::File(bytes)) if bytes == b"no PDF any more"));
    }

    fn context() -> SheetContext {
        let text = r#"{"pageDimensions": [200, 300], "bubbleDimensions": [16, 16], "fieldBlocks": {
            "Q": {"fieldType": "QTYPE_MCQ4", "origin": [20, 20], "bubblesGap": 40, "labelsGap": 40, "fieldLabels": ["q1"]}}}"#;
        let document = Document::parse(Path::new("template.json"), text.to_owned()).unwrap();
        let config = Config::default();
        let (template, _) = Template::read(&document, &config).unwrap();
        let no_picture = |_: &Path| unreachable!("the template names none");
        SheetContext::prepare(Arc::new(template), &config, OutputMode::Default, &no_picture).unwrap()
    }
}
