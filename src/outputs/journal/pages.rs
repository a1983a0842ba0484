//! How many pages files had when earlier runs read them, so that a file that is still the same is not opened to count them.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Stamp;
use crate::images::Image;
use crate::os_names;

/// Counts of pages, by place and name of their files.
type Counts = HashMap<PathBuf, HashMap<OsString, PageCount>>;

/// What a file was, and how many pages it had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageCount {
    /// The column `input_path`.
    pub input: String,
    /// Size and time.
    pub stamp: Stamp,
    /// So many.
    pub pages: u32,
}

/// What is known of the pages of files. The journal is looked into when the first file is asked for; what cannot be used there is
/// passed over, since files can be counted anew.
#[derive(Debug, Default)]
pub struct PageCounts {
    journal: Option<PathBuf>,
    counts: OnceCell<Counts>,
}

/// A line of the journal; only those of sheets count.
#[derive(Deserialize)]
struct Entry {
    sheet: Option<SheetKey>,
}

/// A sheet's line as far as its page goes.
#[derive(Deserialize)]
struct SheetKey {
    #[serde(with = "os_names::below")]
    place: PathBuf,
    image: Image,
    input: String,
    source: Option<Stamp>,
    done: DoneKey,
}

#[derive(Deserialize)]
struct DoneKey {
    outcome: OutcomeKey,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum OutcomeKey {
    Read(IgnoredAny),
    Failed(IgnoredAny),
}

impl PageCounts {
    /// What the journal of an output folder knows.
    pub fn noted(output: &Path) -> Self {
        Self { journal: Some(super::file_of(output)), counts: OnceCell::new() }
    }

    /// What is known of a file.
    pub fn of(&self, place: &Path, file: &OsStr) -> Option<&PageCount> {
        let journal = self.journal.as_deref()?;
        self.counts.get_or_init(|| read(journal)).get(place)?.get(file)
    }
}

fn read(journal: &Path) -> Counts {
    let mut counts = Counts::new();
    let Ok(file) = File::open(journal) else { return counts };
    let mut reader = BufReader::with_capacity(1 << 18, file);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
        if let Ok(Entry { sheet: Some(SheetKey { place, image, input, source: Some(stamp), done }) }) =
            serde_json::from_slice(&line)
        {
            let count = match (image.pages_of_file(), done.outcome) {
                (Some(count), _) => Some(count),
                // A file that could not be read may be one whose pages could not be counted.
                (None, OutcomeKey::Read(_)) => Some(1),
                (None, OutcomeKey::Failed(_)) => None,
            };
            let known = counts.entry(place).or_default();
            match count {
                Some(pages) => known.insert(image.file().to_owned(), PageCount { input, stamp, pages }),
                None => known.remove(image.file()),
            };
        }
        line.clear();
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::outputs::done::{Done, Outcome};
    use crate::outputs::journal::{EndLine, Journal, Line, SheetLine, Source};
    use crate::sheet::{Reason, SheetError};

    #[test]
    fn pages_are_known_of_files_that_were_read() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(".omr")).unwrap();
        let journal = Journal::begin(dir.path()).unwrap();
        let stamp = |bytes| Stamp { bytes, modified: Some((7, 0)) };
        let note = |image: Image, bytes, outcome: Outcome| {
            let done = Done { outcome, id: None, is_unanswered: false, responses: None, wish: None, files: Vec::new() };
            let (place, setting) = (PathBuf::from("a"), Digest::of(b""));
            let source = Some(Source { stamp: stamp(bytes), sha256: setting });
            let line = SheetLine { place, image, input: "in/a".to_owned(), source, setting, done };
            journal.append(&Line::Sheet(Box::new(line))).unwrap();
        };
        let failed = || Outcome::Failed(SheetError::new(Reason::Corrupt, "x"));
        let (columns, doubts, confidences) = (Vec::new(), Vec::new(), Vec::new());
        let read = Outcome::Read { columns, multi_marked: false, doubts, confidences, score: None };
        for image in Image::pages("many.pdf".as_ref(), 3, stamp(10)) {
            note(image, 10, failed());
        }
        note(Image::whole("one.pdf"), 20, read.clone());
        note(Image::whole("lost.pdf"), 30, failed());
        note(Image::whole("broken.pdf"), 40, read);
        note(Image::whole("broken.pdf"), 41, failed());
        journal.append(&Line::End(EndLine { sheets: 6 })).unwrap();
        let counts = PageCounts::noted(dir.path());
        let of = |place: &str, file: &str| {
            counts.of(place.as_ref(), file.as_ref()).map(|count| (count.input.as_str(), count.stamp, count.pages))
        };
        assert_eq!(of("a", "many.pdf"), Some(("in/a", stamp(10), 3)));
        assert_eq!(of("a", "one.pdf"), Some(("in/a", stamp(20), 1)));
        assert_eq!([of("a", "lost.pdf"), of("a", "broken.pdf"), of("b", "one.pdf")], [None; 3]);
        assert_eq!(PageCounts::default().of("a".as_ref(), "one.pdf".as_ref()), None);
    }
}
