//! What a sheet is read from: a file of its folder, or a page of a file that has several.

use std::ffi::{OsStr, OsString};
use std::fs::Metadata;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::os_names;
use crate::sheet::SheetError;

/// An image of a folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Image {
    #[serde(with = "os_names::os_string")]
    name: OsString,
    /// Nearly all images are files of their own: they do not pay for pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    page: Option<Box<Page>>,
    /// Not part of what it is.
    #[serde(skip)]
    uncounted: Option<Box<Uncounted>>,
}

impl PartialEq for Image {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.page) == (&other.name, &other.page)
    }
}

impl Eq for Image {}

/// A file whose pages could not be counted.
#[derive(Debug, Clone)]
struct Uncounted {
    /// What it was then.
    stamp: Stamp,
    why: SheetError,
}

/// A page of a file with several.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Page {
    #[serde(with = "os_names::os_string")]
    file: OsString,
    number: u32,
    /// So many pages the file has.
    of: u32,
    /// Not part of what it is.
    #[serde(skip)]
    stamp: Option<Stamp>,
}

impl PartialEq for Page {
    fn eq(&self, other: &Self) -> bool {
        (&self.file, self.number) == (&other.file, other.number)
    }
}

impl Eq for Page {}

/// What tells without reading it that a file is most likely the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Size.
    pub bytes: u64,
    /// Modification time: seconds since 1970 and nanoseconds; `None` where the system has none.
    pub modified: Option<(i64, u32)>,
}

/// A file as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its size and modification time.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// Of its content.
    pub sha256: Digest,
}

impl Stamp {
    /// Of a file.
    pub fn of(metadata: &Metadata) -> Self {
        let since = |time: std::time::SystemTime| match time.duration_since(std::time::UNIX_EPOCH) {
            Ok(after) => (i64::try_from(after.as_secs()).unwrap_or(i64::MAX), after.subsec_nanos()),
            Err(before) => {
                let before = before.duration();
                (-i64::try_from(before.as_secs()).unwrap_or(i64::MAX), before.subsec_nanos())
            }
        };
        Self { bytes: metadata.len(), modified: metadata.modified().ok().map(since) }
    }
}

impl Image {
    /// A file with one picture.
    pub fn whole(name: impl Into<OsString>) -> Self {
        Self { name: name.into(), page: None, uncounted: None }
    }

    /// A file whose pages could not be counted, for this reason, and what it was then.
    pub fn uncounted(name: impl Into<OsString>, stamp: Stamp, why: SheetError) -> Self {
        Self { uncounted: Some(Box::new(Uncounted { stamp, why })), ..Self::whole(name) }
    }

    /// The `count` pages of a file, called `scan.pdf-p001` and so on; the file itself if it has one. `stamp`: what the file was when
    /// they were counted.
    pub fn pages(file: &OsStr, count: u32, stamp: Stamp) -> Vec<Self> {
        if count <= 1 {
            return vec![Self::whole(file)];
        }
        let page = |number| {
            let mut name = file.to_owned();
            name.push(format!("-p{number:03}"));
            let page = Page { file: file.to_owned(), number, of: count, stamp: Some(stamp) };
            Self { name, page: Some(Box::new(page)), uncounted: None }
        };
        (1..=count).map(page).collect()
    }

    /// What its file was when its pages were counted, where that is known.
    pub fn stamp(&self) -> Option<Stamp> {
        self.page.as_ref().and_then(|page| page.stamp)
    }

    /// Why the pages of its file could not be counted, if they could not, and the file is still what it was then.
    pub fn why_uncounted(&self, now: Stamp) -> Option<&SheetError> {
        self.uncounted.as_ref().filter(|uncounted| uncounted.stamp == now).map(|uncounted| &uncounted.why)
    }

    /// What it is called: the column `file_id`, and what is written about it.
    pub fn name(&self) -> &OsStr {
        &self.name
    }

    /// The name of its file in its folder.
    pub fn file(&self) -> &OsStr {
        self.page.as_ref().map_or(&self.name, |page| &page.file)
    }

    /// What it is sorted by in its folder: the name of its file by code point, then its page.
    pub fn order(&self) -> (&[u8], u32) {
        (self.file().as_encoded_bytes(), self.page_number().unwrap_or_default())
    }

    /// Its page, counted from 1, where its file has several.
    pub fn page_number(&self) -> Option<u32> {
        self.page.as_ref().map(|page| page.number)
    }

    /// How many pages its file has, where it has several.
    pub fn pages_of_file(&self) -> Option<u32> {
        self.page.as_ref().map(|page| page.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_named_by_their_number() {
        let stamp = Stamp { bytes: 1, modified: None };
        let pages = Image::pages(OsStr::new("scan.pdf"), 1234, stamp);
        let page = &pages[2];
        assert_eq!(
            (page.name(), page.file(), page.page_number(), page.pages_of_file(), page.stamp()),
            ("scan.pdf-p003".as_ref(), "scan.pdf".as_ref(), Some(3), Some(1234), Some(stamp))
        );
        assert_eq!((pages.len(), pages[1233].name()), (1234, "scan.pdf-p1234".as_ref()));
        let whole = Image::whole("a.jpg");
        assert_eq!(Image::pages(OsStr::new("a.jpg"), 1, stamp), std::slice::from_ref(&whole));
        assert_eq!((whole.name(), whole.file(), whole.page_number()), ("a.jpg".as_ref(), "a.jpg".as_ref(), None));
    }
}
