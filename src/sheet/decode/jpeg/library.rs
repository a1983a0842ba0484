//! Kinds of JPEG that are rare on sheets, and colours from which the gray is made: by zune-jpeg, and by jpeg-decoder for the
//! one kind that zune-jpeg reads wrong without a word.

use image::metadata::Orientation;
use image::{GrayImage, RgbImage};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;

use super::super::{Decoded, Limits, Wanted, WantedColour, corrupt, from_gray, from_rgb, orientation_of, truncated};
use super::has_end_marker;
use super::headers::{BASELINE, EXTENDED, START_OF_SCAN};
use crate::imaging::colour::{Chroma, Coloured};
use crate::sheet::error::{Reason, SheetError};

/// Decodes a JPEG of any kind. It is decoded strictly first, so that damage is told and not painted over. Some cameras leave
/// stray bytes between the headers, which only the lenient mode passes over; it is used for them when the file has its end
/// marker.
pub fn decode(bytes: &[u8], wanted: Wanted, limits: Limits) -> Result<(Decoded, Orientation), SheetError> {
    if has_separate_scans(bytes) {
        return by_second_decoder(bytes, wanted, limits);
    }
    match jpeg_with(bytes, wanted, limits, true) {
        Err(JpegFailure::Decoder(e)) if is_header_complaint(&e) && has_end_marker(bytes) => {
            jpeg_with(bytes, wanted, limits, false)
        }
        result => result,
    }
    .map_err(|e| e.told(bytes))
}

enum JpegFailure {
    Sheet(SheetError),
    Decoder(DecodeErrors),
}

impl JpegFailure {
    fn told(self, bytes: &[u8]) -> SheetError {
        match self {
            Self::Sheet(error) => error,
            Self::Decoder(DecodeErrors::ExhaustedData | DecodeErrors::IoErrors(_)) => truncated(),
            Self::Decoder(DecodeErrors::Unsupported(scheme)) => {
                SheetError::new(Reason::UnsupportedFormat, format!("a JPEG of a kind that is not read: {scheme:?}"))
            }
            Self::Decoder(_) if !has_end_marker(bytes) => truncated(),
            Self::Decoder(error) => corrupt(&error),
        }
    }
}

fn is_header_complaint(error: &DecodeErrors) -> bool {
    error.to_string().contains("Extra bytes between headers")
}

fn jpeg_with(
    bytes: &[u8],
    wanted: Wanted,
    limits: Limits,
    strict: bool,
) -> Result<(Decoded, Orientation), JpegFailure> {
    // The size is checked below, with a reason; the decoder's own limit only has to be no smaller.
    let side = usize::from(u16::MAX);
    let options = DecoderOptions::default().set_max_width(side).set_max_height(side).set_strict_mode(strict);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(JpegFailure::Decoder)?;
    let damaged = || JpegFailure::Sheet(corrupt(&"no picture size in the headers"));
    let (width, height) = decoder.dimensions().ok_or_else(damaged)?;
    // JPEG sides are 16-bit numbers.
    let size = limits.accept(width as u32, height as u32).map_err(JpegFailure::Sheet)?;
    let luma_is_there = matches!(decoder.input_colorspace(), Some(ColorSpace::YCbCr | ColorSpace::Luma));
    let out = match wanted.colour {
        _ if !luma_is_there => ColorSpace::RGB,
        WantedColour::None => ColorSpace::Luma,
        WantedColour::First => ColorSpace::RGB,
        WantedColour::Beside if decoder.input_colorspace() == Some(ColorSpace::Luma) => ColorSpace::Luma,
        WantedColour::Beside => ColorSpace::YCbCr,
    };
    decoder.set_options(options.jpeg_set_out_colorspace(out));
    let samples = decoder.output_buffer_size().ok_or_else(damaged)?;
    // Zeroed pages cost nothing before they are written: a header that claims much costs little.
    let mut pixels = vec![0; samples];
    decoder.decode_into(&mut pixels).map_err(JpegFailure::Decoder)?;
    let orientation = orientation_of(decoder.exif().map(Vec::as_slice));
    let decoded = match out {
        ColorSpace::RGB => from_rgb(RgbImage::from_raw(size.width, size.height, pixels).ok_or_else(damaged)?, wanted),
        ColorSpace::YCbCr => {
            // The luma is the gray that would be decoded alone.
            let plane = |k: usize| {
                let values = pixels.chunks_exact(3).map(|pixel| pixel[k]).collect();
                GrayImage::from_raw(size.width, size.height, values).ok_or_else(damaged)
            };
            let chroma = Chroma { size, planes: [plane(1)?, plane(2)?] };
            Decoded { gray: plane(0)?, colour: Some(Coloured::Chroma(chroma)) }
        }
        _ => from_gray(GrayImage::from_raw(size.width, size.height, pixels).ok_or_else(damaged)?, wanted),
    };
    Ok((decoded, orientation))
}

/// True for a sequential JPEG whose first scan does not hold all components. zune-jpeg 0.5 reads such files to wrong
/// pixels and reports success.
fn has_separate_scans(bytes: &[u8]) -> bool {
    let mut components = None;
    let mut rest = bytes.get(2..).unwrap_or_default();
    while let [0xff, marker, tail @ ..] = rest {
        let (marker, tail) = (*marker, tail);
        if marker == 0xff {
            // Fill bytes may stand before a marker.
            rest = &rest[1..];
            continue;
        }
        let [high, low, ..] = tail else { return false };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        match marker {
            BASELINE | EXTENDED => components = tail.get(7).copied(),
            START_OF_SCAN => return components.zip(tail.get(2).copied()).is_some_and(|(all, scan)| scan < all),
            _ => {}
        }
        rest = tail.get(length..).unwrap_or_default();
    }
    false
}

fn by_second_decoder(bytes: &[u8], wanted: Wanted, limits: Limits) -> Result<(Decoded, Orientation), SheetError> {
    let fail = |e: jpeg_decoder::Error| match e {
        jpeg_decoder::Error::Io(_) => truncated(),
        _ if !has_end_marker(bytes) => truncated(),
        jpeg_decoder::Error::Unsupported(what) => {
            SheetError::new(Reason::UnsupportedFormat, format!("a JPEG of a kind that is not read: {what:?}"))
        }
        e => corrupt(&e),
    };
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    decoder.read_info().map_err(fail)?;
    let info = decoder.info().ok_or_else(truncated)?;
    let size = limits.accept(u32::from(info.width), u32::from(info.height))?;
    let pixels = decoder.decode().map_err(fail)?;
    if !has_end_marker(bytes) {
        return Err(truncated());
    }
    let orientation = orientation_of(decoder.exif_data());
    let rgb = match info.pixel_format {
        jpeg_decoder::PixelFormat::RGB24 => pixels,
        // Adobe's CMYK is stored inverted: what is left of each ink.
        jpeg_decoder::PixelFormat::CMYK32 => {
            let through = |ink: u8, black: u8| (u16::from(ink) * u16::from(black) / 255) as u8;
            pixels.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]].map(|ink| through(ink, p[3]))).collect()
        }
        jpeg_decoder::PixelFormat::L8 | jpeg_decoder::PixelFormat::L16 => {
            return Err(corrupt(&"one component in several scans"));
        }
    };
    let rgb = RgbImage::from_raw(size.width, size.height, rgb).ok_or_else(truncated)?;
    Ok((from_rgb(rgb, wanted), orientation))
}
