//! TIFF and BMP, and any other picture, by way of the `image` crate.

use std::io::{BufRead, Cursor, Seek};

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageError};

use super::{Decoded, Limits, Wanted, corrupt, from_gray, from_rgb, gray_of_16, truncated};
use crate::imaging::colour::Coloured;
use crate::sheet::error::{Reason, SheetError};

/// Decodes the first page of a TIFF.
pub fn tiff(file: impl BufRead + Seek, wanted: Wanted, limits: Limits) -> Result<Decoded, SheetError> {
    let decoder = image::codecs::tiff::TiffDecoder::new(file).map_err(|e| broken(&e))?;
    decode(decoder, wanted, limits)
}

/// Decodes a BMP.
pub fn bmp(bytes: &[u8], wanted: Wanted, limits: Limits) -> Result<(Decoded, Orientation), SheetError> {
    let decoder = image::codecs::bmp::BmpDecoder::new(Cursor::new(bytes)).map_err(|e| broken(&e))?;
    decode(decoder, wanted, limits).map(|decoded| (decoded, Orientation::NoTransforms))
}

/// A fault of the library as a reason.
pub fn broken(error: &ImageError) -> SheetError {
    match error {
        ImageError::IoError(_) => truncated(),
        ImageError::Unsupported(e) => SheetError::new(Reason::UnsupportedFormat, e.to_string()),
        ImageError::Limits(_) => SheetError::new(Reason::TooLarge, "the picture needs more memory than allowed"),
        e => corrupt(e),
    }
}

/// Decodes a picture whose size, with its samples, is accepted.
pub fn decode(mut decoder: impl ImageDecoder, wanted: Wanted, limits: Limits) -> Result<Decoded, SheetError> {
    let (width, height) = decoder.dimensions();
    let size = limits.accept(width, height)?;
    limits.accept_samples(size, u64::from(decoder.color_type().bytes_per_pixel()))?;
    let mut memory = image::Limits::no_limits();
    // The samples, and as much again for what the decoder needs beside them.
    memory.max_alloc = Some(decoder.total_bytes().saturating_mul(2).saturating_add(64 << 20));
    decoder.set_limits(memory).map_err(|e| broken(&e))?;
    Ok(match DynamicImage::from_decoder(decoder).map_err(|e| broken(&e))? {
        DynamicImage::ImageLuma8(gray) => from_gray(gray, wanted),
        DynamicImage::ImageRgb8(rgb) => from_rgb(rgb, wanted),
        DynamicImage::ImageLuma16(wide) => {
            let mut gray = GrayImage::new(wide.width(), wide.height());
            for (to, from) in gray.iter_mut().zip(wide.as_raw()) {
                *to = (from >> 8) as u8;
            }
            from_gray(gray, wanted)
        }
        DynamicImage::ImageRgb16(wide) => {
            let mut gray = GrayImage::new(wide.width(), wide.height());
            for (to, from) in gray.iter_mut().zip(wide.as_raw().chunks_exact(3)) {
                *to = gray_of_16(from[0], from[1], from[2]);
            }
            let colour = wanted.has_colour().then(|| Coloured::rgb(DynamicImage::ImageRgb16(wide).into_rgb8()));
            Decoded { gray, colour }
        }
        // Alpha is dropped as in PNG; floating-point pictures are cut to 8 bits by the library.
        DynamicImage::ImageLumaA8(pair) => {
            let gray = pair.pixels().map(|p| p.0[0]).collect();
            let gray = GrayImage::from_raw(width, height, gray).ok_or_else(truncated)?;
            from_gray(gray, wanted)
        }
        other => from_rgb(other.into_rgb8(), wanted),
    })
}
