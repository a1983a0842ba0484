//! PNG, row by row, so that a colour picture is never held when its gray is wanted.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{GrayImage, RgbImage};

use super::{Decoded, Limits, Wanted, corrupt, gray_of_16, orientation_of, truncated};
use crate::geometry::Size;
use crate::imaging::colour::Coloured;
use crate::sheet::error::{Reason, SheetError};
use crate::sheet::time_limit;

/// Decodes a PNG of any colour type and depth.
pub fn decode(bytes: &[u8], wanted: Wanted, limits: Limits) -> Result<(Decoded, Orientation), SheetError> {
    let fail = |e: ::png::DecodingError| match &e {
        ::png::DecodingError::IoError(io) if io.kind() == std::io::ErrorKind::UnexpectedEof => truncated(),
        ::png::DecodingError::LimitsExceeded => {
            SheetError::new(Reason::TooLarge, "the PNG needs more memory than allowed")
        }
        _ if !bytes.windows(4).rev().take(64).any(|w| w == b"IEND") => truncated(),
        _ => corrupt(&e),
    };
    let mut decoder = ::png::Decoder::new(Cursor::new(bytes));
    // Rows are taken one by one, so the decoder needs memory for a few rows and the ancillary chunks.
    decoder.set_limits(::png::Limits { bytes: 64 << 20 });
    decoder.set_transformations(::png::Transformations::EXPAND);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let header = decoder.read_header_info().map_err(fail)?;
    let size = limits.accept(header.width, header.height)?;
    let mut reader = decoder.read_info().map_err(fail)?;
    let (kind, depth) = reader.output_color_type();
    let orientation = orientation_of(reader.info().exif_metadata.as_deref());
    let layout = Samples { channels: kind.samples(), wide: depth == ::png::BitDepth::Sixteen };
    let mut sink = RowSink::new(size, layout, wanted)?;
    if reader.info().interlaced {
        let bytes_per_row = reader.output_line_size(size.width).ok_or_else(truncated)?;
        limits.accept_samples(size, layout.bytes())?;
        let mut whole = vec![0; reader.output_buffer_size().ok_or_else(truncated)?];
        reader.next_frame(&mut whole).map_err(fail)?;
        for row in whole.chunks_exact(bytes_per_row) {
            sink.row(row);
        }
    } else {
        let mut rows = 0u32;
        while let Some(row) = reader.next_row().map_err(fail)? {
            sink.row(row.data());
            rows += 1;
            if rows.is_multiple_of(ROWS_BETWEEN_LOOKS) {
                time_limit::check(limits.deadline)?;
            }
        }
    }
    Ok((sink.finish()?, orientation))
}

/// So often the time is looked at.
const ROWS_BETWEEN_LOOKS: u32 = 64;

/// Channels of a pixel and whether each takes two bytes (big-endian).
#[derive(Debug, Clone, Copy)]
struct Samples {
    channels: usize,
    wide: bool,
}

impl Samples {
    /// Bytes of a pixel.
    const fn bytes(self) -> u64 {
        self.channels as u64 * if self.wide { 2 } else { 1 }
    }
}

/// Takes rows of any colour type and keeps gray, and colour where it is wanted. Alpha is dropped, not blended.
struct RowSink {
    size: Size,
    layout: Samples,
    wanted: Wanted,
    gray: Vec<u8>,
    colour: Option<Vec<u8>>,
}

impl RowSink {
    fn new(size: Size, layout: Samples, wanted: Wanted) -> Result<Self, SheetError> {
        // Within the limit of pixels, which fits any address space that can run this.
        let pixels = size.pixels() as usize;
        let mut gray = Vec::new();
        let mut colour = Vec::new();
        let no_memory = |_| SheetError::new(Reason::TooLarge, "there is no memory for a picture of this size");
        // Reserved, not filled: a file that claims much and holds little costs little.
        gray.try_reserve_exact(pixels).map_err(no_memory)?;
        if wanted.has_colour() {
            colour.try_reserve_exact(pixels * 3).map_err(no_memory)?;
        }
        Ok(Self { size, layout, wanted, gray, colour: wanted.has_colour().then_some(colour) })
    }

    fn row(&mut self, row: &[u8]) {
        let Samples { channels, wide } = self.layout;
        let rule = self.wanted.gray;
        let sample = |pixel: &[u8], i: usize| u16::from_be_bytes([pixel[2 * i], pixel[2 * i + 1]]);
        let is_gray = channels <= 2;
        match (is_gray, wide) {
            (true, false) if channels == 1 => self.gray.extend_from_slice(&row[..self.size.width as usize]),
            // The high byte of 16-bit gray is its first.
            (true, _) => self.gray.extend(row.chunks_exact(channels * if wide { 2 } else { 1 }).map(|p| p[0])),
            (false, false) => self.gray.extend(row.chunks_exact(channels).map(|p| rule.of(p[0], p[1], p[2]))),
            (false, true) => self
                .gray
                .extend(row.chunks_exact(channels * 2).map(|p| gray_of_16(sample(p, 0), sample(p, 1), sample(p, 2)))),
        }
        if let Some(colour) = &mut self.colour {
            let step = if wide { 2 } else { 1 };
            let of = if is_gray { [0, 0, 0] } else { [0, step, 2 * step] };
            for pixel in row.chunks_exact(channels * step) {
                colour.extend(of.map(|i| pixel[i]));
            }
        }
    }

    fn finish(self) -> Result<Decoded, SheetError> {
        let Size { width, height } = self.size;
        let gray = GrayImage::from_raw(width, height, self.gray).ok_or_else(truncated)?;
        let colour = match self.colour {
            Some(colour) => Some(RgbImage::from_raw(width, height, colour).ok_or_else(truncated)?),
            None => None,
        };
        Ok(Decoded { gray, colour: colour.map(Coloured::rgb) })
    }
}
