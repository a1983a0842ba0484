//! The bytes of a sheet's file: what was listed, as long as it may be.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use crate::config::Limits;
use crate::links::Fence;
use crate::outputs::journal::Stamp;
use crate::sheet::{Reason, SheetError};

/// A file as it was read.
pub struct ReadFile {
    /// Its content.
    pub bytes: Vec<u8>,
    /// Its size and modification time.
    pub stamp: Stamp,
}

/// Reads a sheet's file, for which `limits` hold. A link that leads over the `fence` is not followed.
///
/// # Errors
/// changed-while-read or too-large.
pub fn read(path: &Path, limits: &Limits, fence: &Fence) -> Result<ReadFile, SheetError> {
    let changed = |detail: String| SheetError::new(Reason::ChangedWhileRead, detail);
    let gone = |e: io::Error| changed(format!("the file was listed, but cannot be read: {e}"));
    if let Some(real) = fence.leads_out(path) {
        let real = real.display();
        return Err(changed(format!(
            "a link to `{real}`, which lies outside of the input, so it was not read; say --follow-links if it is meant"
        )));
    }
    // Opening a pipe would wait for somebody who writes into it.
    if !fs::metadata(path).map_err(gone)?.is_file() {
        return Err(changed("what was listed as a file is none now".to_owned()));
    }
    let mut file = File::open(path).map_err(gone)?;
    let stamp = Stamp::of(&file.metadata().map_err(gone)?);
    let most = limits.max_file_bytes;
    if stamp.bytes > most {
        let found = stamp.bytes;
        let detail =
            format!("the file has {found} bytes; at most {most} are read (`limits.max_file_bytes` in config.json)");
        return Err(SheetError::new(Reason::TooLarge, detail));
    }
    let mut bytes = Vec::new();
    // One more than its size, so that a file that stays as it is is read without asking for memory twice.
    let wished = usize::try_from(stamp.bytes).unwrap_or(usize::MAX).saturating_add(1);
    bytes.try_reserve_exact(wished).map_err(|_| gone(io::ErrorKind::OutOfMemory.into()))?;
    Read::by_ref(&mut file).take(most).read_to_end(&mut bytes).map_err(gone)?;
    if bytes.len() as u64 != stamp.bytes || Stamp::of(&file.metadata().map_err(gone)?) != stamp {
        let detail =
            "the file was written to while it was read; run again when it is whole (--settle leaves fresh files alone)";
        return Err(changed(detail.to_owned()));
    }
    Ok(ReadFile { bytes, stamp })
}
