//! JPEG: read here where it is of the kinds that scanners and cameras write, else by a library. Coded data are checked
//! unless headers are such that only a library understands them (more scans than any encoder writes, damaged tables).
//!
//! Here the gray is the luma component itself, to the pixel as libjpeg has it, and chroma is not made into pixels where
//! nobody wants it. `file` goes from marker to marker and keeps what becomes of each component; `headers` are what the file says
//! of itself, `huffman` its tables, `codes` its bits. `scans` walks over a scan, whose blocks are read by `sequential` or
//! `progressive`, and `inverse` makes pixels of them. By steps that look at colours gray is made of red, green and blue: that
//! takes a library.

mod codes;
mod fault;
mod file;
mod headers;
mod huffman;
mod inverse;
mod library;
mod progressive;
mod scans;
mod sequential;
#[cfg(test)]
mod tests;

use image::metadata::Orientation;

pub use self::headers::frame;

use self::fault::Fault;
use self::file::{Keep, MAX_SCANS, Picture};
use super::{Decoded, Limits, Wanted, WantedColour, corrupt, from_gray, orientation_of, truncated};
use crate::geometry::Size;
use crate::imaging::colour::{Chroma, Coloured};
use crate::imaging::resize;
use crate::sheet::error::{Reason, SheetError};
use crate::sheet::time_limit;

/// Decodes a JPEG of any kind.
///
/// # Errors
/// Damage and cuts are told and not painted over.
pub fn decode(bytes: &[u8], wanted: Wanted, limits: Limits) -> Result<(Decoded, Orientation), SheetError> {
    let keep = match wanted.colour {
        WantedColour::None => Keep::Luma,
        WantedColour::Beside => Keep::Everything,
        // From which gray is made.
        WantedColour::First => Keep::Nothing,
    };
    let go_on = || time_limit::check(limits.deadline).map_err(Failure::Sheet);
    if keep != Keep::Nothing {
        let accept = |width, height| limits.accept(width, height).map(drop).map_err(Failure::Sheet);
        let read = file::read(bytes, keep, accept, go_on);
        if let Some(picture) = read.map_err(|failure| failure.told(bytes))? {
            return decoded(picture, wanted);
        }
    }
    if let Some(kind) = headers::unreadable_kind(bytes) {
        let detail = format!("a JPEG of a kind that is not read: {kind}; save it as a usual JPEG or as PNG");
        return Err(SheetError::new(Reason::UnsupportedFormat, detail));
    }
    few_scans(bytes)?;
    let decoded = library::decode(bytes, wanted, limits)?;
    // A library reads nearly any bytes as some picture, and a picture that is not the sheet's would be read as its
    // answers. The walk comes second: by now the size is accepted.
    time_limit::check(limits.deadline)?;
    file::read(bytes, Keep::Nothing, |_, _| Ok(()), go_on).map_err(|failure| failure.told(bytes))?;
    Ok(decoded)
}

/// Refuses a file of more than [`MAX_SCANS`], which a library would walk over one by one.
fn few_scans(bytes: &[u8]) -> Result<(), SheetError> {
    if headers::scans(bytes).take(MAX_SCANS + 1).count() <= MAX_SCANS {
        return Ok(());
    }
    let detail =
        format!("a JPEG of more than {MAX_SCANS} scans, which no camera or scanner writes; save it as a usual JPEG");
    Err(SheetError::new(Reason::UnsupportedFormat, detail))
}

/// Why nothing was read.
enum Failure {
    Sheet(SheetError),
    Coded(Fault),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Coded(fault)
    }
}

impl Failure {
    fn told(self, bytes: &[u8]) -> SheetError {
        match self {
            Self::Sheet(error) => error,
            Self::Coded(Fault::Cut) => truncated(),
            Self::Coded(Fault::Damaged(_)) if !has_end_marker(bytes) => truncated(),
            Self::Coded(Fault::Damaged(what)) => corrupt(&what),
        }
    }
}

/// True when the last bytes hold the JPEG end marker; cameras may add a little behind it.
fn has_end_marker(bytes: &[u8]) -> bool {
    /// Cameras put a few words behind it, some of them a block of the disk.
    const TAIL: usize = 4096;
    bytes[bytes.len().saturating_sub(TAIL)..].windows(2).any(|pair| pair == [0xff, 0xd9])
}

/// A picture by its planes.
fn decoded(picture: Picture<'_>, wanted: Wanted) -> Result<(Decoded, Orientation), SheetError> {
    let orientation = orientation_of(picture.exif);
    let damaged = || corrupt(&"a picture without luma");
    let mut planes = picture.planes.into_iter();
    let gray = planes.next().ok_or_else(damaged)?;
    let (Some(cb), Some(cr)) = (planes.next(), planes.next()) else {
        return Ok((from_gray(gray, wanted), orientation));
    };
    // Files may store the two in different sizes.
    let cr =
        if cr.dimensions() == cb.dimensions() { cr } else { resize::linear(&cr, Size::new(cb.width(), cb.height())) };
    let chroma = Chroma { size: Size::new(gray.width(), gray.height()), planes: [cb, cr] };
    Ok((Decoded { gray, colour: Some(Coloured::Chroma(chroma)) }, orientation))
}
