//! The bytes of a sheet's file: what was listed, as long as it may be.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::config::Limits;
use crate::file_content::{self, ReadError};
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
    let grows = || {
        let detail =
            "the file was written to while it was read; run again when it is whole (--settle leaves fresh files alone)";
        changed(detail.to_owned())
    };
    let most = limits.max_file_bytes;
    let bytes = file_content::read_open(&mut file, stamp.bytes, most).map_err(|error| match error {
        ReadError::TooLong if stamp.bytes > most => {
            let found = stamp.bytes;
            let detail =
                format!("the file has {found} bytes; at most {most} are read (`limits.max_file_bytes` in config.json)");
            SheetError::new(Reason::TooLarge, detail)
        }
        ReadError::TooLong => grows(),
        ReadError::Io(e) => gone(e),
    })?;
    if bytes.len() as u64 != stamp.bytes || Stamp::of(&file.metadata().map_err(gone)?) != stamp {
        return Err(grows());
    }
    Ok(ReadFile { bytes, stamp })
}
