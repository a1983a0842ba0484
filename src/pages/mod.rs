//! Files with pages, TIFF and PDF: how many pages one has, and what a sheet is decoded from on each of them.
//!
//! Pages are counted before the first sheet, and taken out one at a time while sheets are read; no page is kept decoded. A page
//! that is damaged or missing costs that page: it is counted, and says why when it is asked for. Whatever a library makes of
//! a PDF runs under `guard`. Nothing here writes, or knows a template: a page is asked for at a [`Resolution`].

mod guard;
mod pdf;

use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use crate::config::Limits;
use crate::file_content;
use crate::geometry::Size;
use crate::images::{Image, Stamp};
use crate::sheet::decode::Limits as PictureLimits;
use crate::sheet::decode::scan::Scan;
use crate::sheet::decode::tiff::directory::{self, Fault, PagePlace};
use crate::sheet::decode::tiff::told;
use crate::sheet::{Reason, SheetError};

/// The kinds of files with pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// TIFF or BigTIFF.
    Tiff,
    /// PDF.
    Pdf,
}

impl Kind {
    /// So many first bytes tell of which kind a file is.
    pub const TOLD_BY: usize = 1024;

    /// The kind of a file, told by its first bytes. What stands in front of a PDF's header is passed over, as readers of PDF do.
    pub fn of(start: &[u8]) -> Option<Self> {
        match start {
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(Self::Tiff),
            // A picture may hold any words.
            [0xff, 0xd8, ..] | [0x89, b'P', ..] | [b'B', b'M', ..] | [b'R', b'I', b'F', b'F', ..] => None,
            start => {
                let start = &start[..start.len().min(Self::TOLD_BY)];
                start.windows(5).any(|bytes| bytes == b"%PDF-").then_some(Self::Pdf)
            }
        }
    }
}

/// How large a page is made that is drawn, not scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolution {
    /// Pixels of its longer side.
    longer_side: u16,
}

impl Resolution {
    /// An A4 page at 150 dpi has this many pixels on its longer side.
    const LEAST: u32 = 1754;
    /// And at 300 dpi.
    const MOST: u32 = 3508;

    /// So many pixels on the longer side, of which there is at least one.
    pub fn of_longer_side(pixels: u16) -> Self {
        Self { longer_side: pixels.max(1) }
    }

    /// For sheets whose template has this page size: twice its longer side, within what A4 has at 150 and 300 dpi; the
    /// template's own size where that is larger.
    pub fn for_page(size: Size) -> Self {
        let side = size.width.max(size.height);
        let wanted = side.saturating_mul(2).clamp(Self::LEAST, Self::MOST).max(side);
        Self { longer_side: u16::try_from(wanted).unwrap_or(u16::MAX) }
    }
}

/// The images of a file of a folder: itself, or its pages where it has several. A file whose pages cannot be counted stays one
/// image, which says why when it is read.
pub fn images_of(file: &Path, name: std::ffi::OsString, limits: &Limits) -> Vec<Image> {
    match count(file, limits) {
        Some((Ok(pages), stamp)) => Image::pages(&name, pages, stamp),
        Some((Err(why), stamp)) => vec![Image::uncounted(name, stamp, why)],
        None => vec![Image::whole(name)],
    }
}

/// How many pages a file has that is of a kind with pages, or why they cannot be counted, and what the file was then. `None` of
/// other files, and of those that cannot be read or are too long: whoever reads them says so.
fn count(path: &Path, limits: &Limits) -> Option<(Result<u32, SheetError>, Stamp)> {
    let mut file = File::open(path).ok()?;
    let metadata =
        file.metadata().ok().filter(|metadata| metadata.is_file() && metadata.len() <= limits.max_file_bytes)?;
    let mut start = [0; Kind::TOLD_BY];
    let begun = read_up_to(&mut file, &mut start)?;
    let pages = match Kind::of(&start[..begun])? {
        // Directories are short and lie anywhere.
        Kind::Tiff => match directory::pages(&mut BufReader::with_capacity(512, file), limits.max_pages) {
            Ok((_, pages)) => Ok(u32::try_from(pages.len()).ok()?),
            Err(Fault::Io(_)) => return None,
            Err(fault) => Err(told(&fault)),
        },
        Kind::Pdf => {
            let bytes = file_content::read(path, limits.max_file_bytes).ok()?;
            pdf::PdfFile::open(Arc::new(bytes), limits.max_pages).map(|file| file.len())
        }
    };
    Some((pages, Stamp::of(&metadata)))
}

fn read_up_to(file: &mut File, buffer: &mut [u8]) -> Option<usize> {
    let mut done = 0;
    while done < buffer.len() {
        match file.read(&mut buffer[done..]).ok()? {
            0 => break,
            count => done += count,
        }
    }
    Some(done)
}

/// What the sheet in a file of its own, with at most so many pages, is decoded from: a picture, or a file with pages that has
/// one, whose picture may have so much.
///
/// # Errors
/// It has several pages; else as [`PagedFile::scan`].
pub fn only_page(bytes: Vec<u8>, resolution: Resolution, most: u32, limits: PictureLimits) -> Result<Scan, SheetError> {
    match Kind::of(&bytes) {
        Some(Kind::Pdf) => {}
        // Of a TIFF with one page the decoder finds it itself.
        Some(Kind::Tiff) => {
            let pages = directory::pages(&mut Cursor::new(bytes.as_slice()), most).map_err(|e| told(&e));
            return match pages {
                Err(error) if error.reason == Reason::TooLarge => Err(error),
                _ => Ok(Scan::File(bytes)),
            };
        }
        None => return Ok(Scan::File(bytes)),
    }
    let file = PagedFile::open(Kind::Pdf, bytes, most)?;
    if file.len() > 1 {
        let pages = file.len();
        let detail = format!(
            "the PDF has {pages} pages, which were not counted when it was listed: they are, in files named .pdf; run again"
        );
        return Err(SheetError::new(Reason::UnsupportedFormat, detail));
    }
    file.scan(1, resolution, limits)
}

/// A file with pages, in memory.
#[derive(Debug)]
pub enum PagedFile {
    /// A TIFF: all its bytes, and where its pages lie.
    Tiff(Arc<Vec<u8>>, Vec<PagePlace>),
    /// A PDF.
    Pdf(pdf::PdfFile),
}

impl PagedFile {
    /// Opens a file of this kind with at most so many pages.
    ///
    /// # Errors
    /// A reason among truncated, corrupt, encrypted, too-large and time-limit.
    pub fn open(kind: Kind, bytes: Vec<u8>, most: u32) -> Result<Self, SheetError> {
        let bytes = Arc::new(bytes);
        match kind {
            Kind::Tiff => {
                let (_, pages) = directory::pages(&mut Cursor::new(bytes.as_slice()), most).map_err(|e| told(&e))?;
                Ok(Self::Tiff(bytes, pages))
            }
            Kind::Pdf => Ok(Self::Pdf(pdf::PdfFile::open(bytes, most)?)),
        }
    }

    /// How many pages it has.
    pub fn len(&self) -> u32 {
        match self {
            Self::Tiff(_, pages) => u32::try_from(pages.len()).unwrap_or(u32::MAX),
            Self::Pdf(file) => file.len(),
        }
    }

    /// It has none, which no file has that was opened.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the sheet on the page `number`, counted from 1, is decoded from. Its picture may have so much.
    ///
    /// # Errors
    /// The page is not there, or a reason of its own.
    pub fn scan(&self, number: u32, resolution: Resolution, limits: PictureLimits) -> Result<Scan, SheetError> {
        if number == 0 || number > self.len() {
            let detail = format!("the file had a page {number} when it was listed, and now has {}", self.len());
            return Err(SheetError::new(Reason::ChangedWhileRead, detail));
        }
        match self {
            Self::Tiff(bytes, pages) => {
                let place = pages.get(number as usize - 1).copied().unwrap_or(PagePlace::Lost);
                Ok(Scan::TiffPage { file: Arc::clone(bytes), place })
            }
            Self::Pdf(file) => file.scan(number, resolution, limits),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_content() {
        assert_eq!(Kind::of(b"II*\0...."), Some(Kind::Tiff));
        assert_eq!(Kind::of(b"MM\0+...."), Some(Kind::Tiff));
        assert_eq!(Kind::of(b"%PDF-1.7"), Some(Kind::Pdf));
        assert_eq!(Kind::of(b"\xef\xbb\xbf\n%PDF-1.4"), Some(Kind::Pdf));
        assert_eq!(Kind::of(b"\xff\xd8\xff\xe1%PDF-1.4"), None);
        assert_eq!(Kind::of(&[vec![b' '; Kind::TOLD_BY], b"%PDF-1.4".to_vec()].concat()), None);
        assert_eq!(Kind::of(b""), None);
    }

    #[test]
    fn drawn_pages_are_made_fit_for_the_template() {
        let side = |w, h| Resolution::for_page(Size::new(w, h)).longer_side;
        assert_eq!(side(300, 400), 1754);
        assert_eq!(side(1000, 1400), 2800);
        assert_eq!(side(2480, 3508), 3508);
        assert_eq!(side(5000, 3000), 5000);
        assert_eq!(side(100_000, 3000), u16::MAX);
    }
}
