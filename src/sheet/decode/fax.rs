//! Fax data (ITU-T T.4 and T.6), as TIFF and PDF hold them: black and white in runs.

pub use hayro_ccitt::EncodingMode;
use hayro_ccitt::{DecodeError, DecodeSettings, Decoder, DecoderContext};
use image::GrayImage;

use super::{corrupt, truncated};
use crate::sheet::error::SheetError;

/// How rows are coded.
#[derive(Debug, Clone, Copy)]
pub struct Coding {
    /// Group 4, or group 3 in one or two dimensions.
    pub mode: EncodingMode,
    /// Each row begins with a whole byte.
    pub is_aligned: bool,
    /// Rows may end with a mark of their own.
    pub has_line_ends: bool,
}

/// A picture of `width` columns that is filled from above.
pub struct Rows {
    picture: GrayImage,
    done: u32,
    black: u8,
}

impl Rows {
    /// A picture of this size, not yet read; runs that are black in the code become `black`, 0 or 255, and white its opposite.
    pub fn new(width: u32, height: u32, black: u8) -> Self {
        Self { picture: GrayImage::from_pixel(width, height, image::Luma([!black])), done: 0, black }
    }

    /// Reads the next `rows` rows, fewer if the picture is full.
    ///
    /// # Errors
    /// Not all of them are there.
    pub fn read(&mut self, data: &[u8], rows: u32, coding: Coding) -> Result<(), SheetError> {
        let rows = rows.min(self.picture.height() - self.done);
        if rows == 0 {
            return Ok(());
        }
        let settings = DecodeSettings {
            columns: self.picture.width(),
            rows,
            end_of_block: true,
            end_of_line: coding.has_line_ends,
            rows_are_byte_aligned: coding.is_aligned,
            encoding: coding.mode,
            strict: true,
        };
        let end = self.done + rows;
        let read = hayro_ccitt::decode(data, self, &mut DecoderContext::new(settings));
        match (self.done >= end, read) {
            (true, _) => Ok(()),
            (false, Ok(_) | Err(DecodeError::UnexpectedEof)) => Err(truncated()),
            (false, Err(error)) => Err(corrupt(&format!("fax data end after {} rows: {error}", self.done))),
        }
    }

    /// The picture.
    ///
    /// # Errors
    /// It is not full.
    pub fn finish(self) -> Result<GrayImage, SheetError> {
        if self.done == self.picture.height() { Ok(self.picture) } else { Err(truncated()) }
    }
}

impl Decoder for Rows {
    fn push_row(&mut self, changes: &[u32]) {
        if self.done >= self.picture.height() {
            return;
        }
        let width = self.picture.width() as usize;
        let start = self.done as usize * width;
        if let Some(row) = self.picture.get_mut(start..start + width) {
            for run in changes.chunks(2) {
                let from = (run[0] as usize).min(width);
                let to = run.get(1).map_or(width, |&to| (to as usize).min(width));
                if let Some(run) = row.get_mut(from..to) {
                    run.fill(self.black);
                }
            }
        }
        self.done += 1;
    }
}
