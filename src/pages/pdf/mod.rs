//! PDF. A page that is one picture is taken out as it was scanned (`embedded`, by what `content` says of the page and `samples`
//! makes of the data); any other is drawn (`render`). `packed` looks at what a library unpacks to open the file, `claims` at what data
//! ask for before it gives it to them, and `unpacking` at how long they become.

mod claims;
mod content;
mod embedded;
mod packed;
mod render;
mod samples;
mod unpacking;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hayro_syntax::object::{Dict, Name, Number};
use hayro_syntax::{DecryptionError, LoadPdfError, Pdf, PdfData};

use super::{Resolution, guard};
use crate::deadline::Deadline;
use crate::sheet::decode::Limits;
use crate::sheet::decode::scan::Scan;
use crate::sheet::{Reason, SheetError, time_limit};

/// The pages of a file are found within this time. Ten thousand take a tenth of a second. No sheet's time holds there: what is
/// found is shared by all sheets of the file, and its folder is listed before any of them has begun.
const FIND: Duration = Duration::from_secs(5);

/// A PDF, in memory.
pub struct PdfFile {
    bytes: Arc<Vec<u8>>,
    pdf: Arc<Pdf>,
    /// Pages that were found.
    found: u32,
    /// Why there is one page more, which was not found.
    lost: Option<SheetError>,
    /// Pages that took too long: whoever works on them may go on for ever.
    late: Arc<AtomicU32>,
}

/// Of a file with so many pages that take too long, no other is tried.
const MOST_LATE: u32 = 2;

impl fmt::Debug for PdfFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PdfFile({} pages)", self.len())
    }
}

impl PdfFile {
    /// Opens a PDF of at most `most` pages. One that is encrypted with an empty password is read.
    ///
    /// # Errors
    /// It has no page that can be found, too many, or a password.
    pub fn open(bytes: Arc<Vec<u8>>, most: u32) -> Result<Self, SheetError> {
        let late = || format!("the pages of the file were not found within {} s; it was given up", FIND.as_secs());
        guard::room(Deadline::after(FIND))?;
        guard::until(Deadline::after(FIND), late, move || {
            packed::check(&bytes)?;
            let is_cut = is_cut(&bytes);
            let pdf = Pdf::new(PdfData::from(Arc::clone(&bytes))).map_err(|error| unreadable(error, is_cut))?;
            let found = u32::try_from(pdf.pages().len()).unwrap_or(u32::MAX);
            let lost = lost(&pdf, found, is_cut);
            match (found, lost) {
                (0, Some(lost)) => Err(lost),
                (0, None) => Err(SheetError::new(Reason::Corrupt, "the PDF has no pages")),
                (found, _) if found > most => {
                    let detail = format!(
                        "the file has {found} pages, and at most {most} are read (`limits.max_pages` in config.json); split it"
                    );
                    Err(SheetError::new(Reason::TooLarge, detail))
                }
                (found, lost) => Ok(Self { bytes, pdf: Arc::new(pdf), found, lost, late: Arc::default() }),
            }
        })
    }

    /// How many pages it has.
    pub fn len(&self) -> u32 {
        self.found + u32::from(self.lost.is_some())
    }

    /// What the sheet on a page is decoded from; counted from 1. It may take half of the sheet's time: what is made of the page
    /// has yet to be read.
    ///
    /// # Errors
    /// Why there is none.
    pub fn scan(&self, number: u32, resolution: Resolution, limits: Limits) -> Result<Scan, SheetError> {
        if number > self.found
            && let Some(lost) = &self.lost
        {
            return Err(lost.clone());
        }
        if self.late.load(Ordering::Relaxed) >= MOST_LATE {
            let detail = format!("{MOST_LATE} other pages of the file took too long, so this one was not tried");
            return Err(SheetError::new(Reason::TimeLimit, detail));
        }
        time_limit::check(limits.deadline)?;
        guard::room(limits.deadline.half())?;
        let (pdf, bytes, index) = (Arc::clone(&self.pdf), Arc::clone(&self.bytes), number as usize - 1);
        let half = limits.deadline.half();
        // It is not the page's fault if its file took the time.
        let has_all_its_time = limits.deadline.left().is_none_or(|left| left >= half.allowed());
        let late = || {
            let allowed = limits.deadline.allowed().as_secs_f64();
            format!(
                "no picture was made of the page within half of the {allowed} s that a sheet may take \
                 (`limits.seconds_per_sheet` in config.json); look at the page, or allow more"
            )
        };
        let taken = guard::until(half, late, move || {
            let missing = || SheetError::new(Reason::Corrupt, "the page is not where it was");
            if let Some(scan) = embedded::scan(pdf.pages().get(index).ok_or_else(missing)?, limits)? {
                return Ok(scan);
            }
            // Opened anew: what is unpacked of a page to draw it would be kept with the file for all others.
            let pdf = Pdf::new(PdfData::from(bytes)).map_err(|error| unreadable(error, false))?;
            render::scan(pdf.pages().get(index).ok_or_else(missing)?, resolution, limits)
        });
        if has_all_its_time && taken.as_ref().is_err_and(|error| error.reason == Reason::TimeLimit) {
            self.late.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }
}

/// Does the file end before its end mark? Zeros behind it, as tapes and disks leave them, do not count.
fn is_cut(bytes: &[u8]) -> bool {
    const TAIL: usize = 2048;
    let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    !bytes[end.saturating_sub(TAIL)..end].windows(5).any(|bytes| bytes == b"%%EOF")
}

fn unreadable(error: LoadPdfError, is_cut: bool) -> SheetError {
    let (reason, detail) = match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => {
            (Reason::Encrypted, "the PDF opens with a password only; save it without one")
        }
        LoadPdfError::Decryption(DecryptionError::UnsupportedAlgorithm) => {
            (Reason::Encrypted, "the PDF is encrypted in a way that is not read; save it without encryption")
        }
        LoadPdfError::Decryption(_) => (Reason::Corrupt, "what the PDF says of its encryption is damaged"),
        LoadPdfError::Invalid if is_cut => (Reason::Truncated, "the file ends before the PDF does; copy it again"),
        LoadPdfError::Invalid => (Reason::Corrupt, "the file begins like a PDF, and no page can be found in it"),
    };
    SheetError::new(reason, detail)
}

/// Why pages are missing, if any are: a reader finds those that are there, and the others must not be lost without a word.
fn lost(pdf: &Pdf, found: u32, is_cut: bool) -> Option<SheetError> {
    if is_cut {
        let detail = format!("the file ends before the PDF does; {found} page(s) were found, others may be lost");
        return Some(SheetError::new(Reason::Truncated, detail));
    }
    let root: Dict<'_> = pdf.xref().get(pdf.xref().root_id())?;
    let count = root.get::<Dict<'_>>(&b"Pages"[..])?.get::<Number>(&b"Count"[..])?.as_i64();
    (count > i64::from(found)).then(|| {
        let detail = format!("the PDF says that it has {count} pages, and {found} were found; the others are lost");
        SheetError::new(Reason::Corrupt, detail)
    })
}

/// A name's text.
fn is_name(name: &Name<'_>, any: &[&str]) -> bool {
    any.iter().any(|text| text.as_bytes() == name.as_ref())
}
