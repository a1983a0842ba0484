//! The bytes of a file become an upright 8-bit gray picture (and a colour picture where a step needs one).
//!
//! The format is told by content, never by name. JPEG gray is the luma component itself, as OMRChecker has it; colour
//! pictures of other formats are weighted in integers by the formulas of its two generations ([`GrayRule`]).

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageError, RgbImage};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;

use super::error::{Reason, SheetError};
use crate::geometry::Size;
use crate::imaging::orient;

/// A picture may have this many pixels: 20 times an A4 page at 300 dpi. Beyond it lie mistakes and attacks.
pub const MAX_PIXELS: u64 = 180_000_000;

/// A sheet has at least this many pixels on each side; no bubble could be told in less.
const MIN_SHEET_SIDE: u32 = 32;

/// Sizes that are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Pixels in all.
    pub max_pixels: u64,
    /// Pixels on the shorter side.
    pub min_side: u32,
}

impl Default for Limits {
    /// The limits for sheets.
    fn default() -> Self {
        Self { max_pixels: MAX_PIXELS, min_side: MIN_SHEET_SIDE }
    }
}

impl Limits {
    /// The picture's size, if it is accepted.
    fn accept(self, width: u32, height: u32) -> Result<Size, SheetError> {
        let size = Size::new(width, height);
        if size.pixels() > self.max_pixels {
            let millions = self.max_pixels / 1_000_000;
            let detail = format!("the picture claims {size} pixels; at most {millions} million are read");
            return Err(SheetError::new(Reason::TooLarge, detail));
        }
        if width < self.min_side || height < self.min_side {
            let detail = format!("the picture has {size} pixels; a sheet has at least {} on each side", self.min_side);
            return Err(SheetError::new(Reason::TooSmall, detail));
        }
        Ok(size)
    }
}

/// What the later stages want of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Keep the colours too.
    pub colour: bool,
    /// How colours become gray.
    pub gray: GrayRule,
}

/// The two ways in which OMRChecker turns a colour into gray; they differ by one level at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrayRule {
    /// Decoding straight to gray: (9797·R + 19234·G + 3737·B) >> 15.
    Direct,
    /// Decoding to colour first (`coloredOutputsEnabled`): (9798·R + 19235·G + 3735·B + 2¹⁴) >> 15.
    FromColour,
}

impl GrayRule {
    /// Weights of red, green and blue, and what is added before the shift by 15.
    const fn weights(self) -> [u32; 4] {
        match self {
            Self::Direct => [9797, 19234, 3737, 0],
            Self::FromColour => [9798, 19235, 3735, 1 << 14],
        }
    }

    /// Gray of an 8-bit colour.
    fn of(self, r: u8, g: u8, b: u8) -> u8 {
        let [wr, wg, wb, add] = self.weights();
        // The weights add up to 2¹⁵, so the result fits a byte.
        ((wr * u32::from(r) + wg * u32::from(g) + wb * u32::from(b) + add) >> 15) as u8
    }
}

/// Gray of a 16-bit colour: 16-bit gray with rounding, then its high byte.
fn gray_of_16(r: u16, g: u16, b: u16) -> u8 {
    let sum = 9797 * u32::from(r) + 19234 * u32::from(g) + 3737 * u32::from(b) + 16384;
    (sum >> 23).min(255) as u8
}

/// A decoded picture, upright.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// 8-bit gray.
    pub gray: GrayImage,
    /// The same picture in colour, if it was wanted.
    pub colour: Option<RgbImage>,
}

/// Decodes `bytes` and applies the EXIF orientation.
///
/// # Errors
/// A reason among empty-file, not-an-image, truncated, corrupt, unsupported-format, too-large and too-small.
pub fn decode(bytes: &[u8], wanted: Wanted, limits: Limits) -> Result<Decoded, SheetError> {
    let (decoded, orientation) = match Format::of(bytes)? {
        Format::Jpeg => jpeg(bytes, wanted, limits)?,
        Format::Png => png(bytes, wanted, limits)?,
        Format::Tiff => {
            single_page(bytes)?;
            let decoder = image::codecs::tiff::TiffDecoder::new(Cursor::new(bytes)).map_err(|e| broken(&e))?;
            through_image(decoder, wanted, limits)?
        }
        Format::Bmp => {
            let decoder = image::codecs::bmp::BmpDecoder::new(Cursor::new(bytes)).map_err(|e| broken(&e))?;
            through_image(decoder, wanted, limits)?
        }
        Format::WebP => {
            let decoder = image::codecs::webp::WebPDecoder::new(Cursor::new(bytes)).map_err(|e| broken(&e))?;
            through_image(decoder, wanted, limits)?
        }
    };
    Ok(Decoded {
        gray: orient::upright(decoded.gray, orientation),
        colour: decoded.colour.map(|colour| orient::upright(colour, orientation)),
    })
}

/// The kinds of files that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Jpeg,
    Png,
    Tiff,
    Bmp,
    WebP,
}

impl Format {
    fn of(bytes: &[u8]) -> Result<Self, SheetError> {
        let unsupported = |name: &str| {
            let detail = format!("the file is {name}, which is not read; convert it to JPEG, PNG or TIFF");
            Err(SheetError::new(Reason::UnsupportedFormat, detail))
        };
        match bytes {
            [] => Err(SheetError::new(Reason::EmptyFile, "the file has no bytes")),
            [0xff, 0xd8, ..] => Ok(Self::Jpeg),
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Ok(Self::Png),
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Ok(Self::Tiff),
            [b'B', b'M', _, _, _, _, _, _, _, _, ..] => Ok(Self::Bmp),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Ok(Self::WebP),
            [b'%', b'P', b'D', b'F', ..] => unsupported("a PDF"),
            [b'G', b'I', b'F', b'8', ..] => unsupported("a GIF"),
            [_, _, _, _, b'f', b't', b'y', b'p', ..] => unsupported("an HEIF, AVIF or video file"),
            _ => {
                let what = if std::str::from_utf8(&bytes[..bytes.len().min(256)]).is_ok() { "text" } else { "bytes" };
                let detail =
                    format!("the file holds {what} and begins like no picture; expected JPEG, PNG, TIFF, BMP or WebP");
                Err(SheetError::new(Reason::NotAnImage, detail))
            }
        }
    }
}

fn corrupt(error: &impl ToString) -> SheetError {
    SheetError::new(Reason::Corrupt, format!("the picture's data are damaged: {}", error.to_string()))
}

fn truncated() -> SheetError {
    SheetError::new(Reason::Truncated, "the file ends before the picture does; copy or scan it again")
}

fn orientation_of(exif: Option<&[u8]>) -> Orientation {
    exif.and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms)
}

/// A buffer for `samples` bytes, or too-large when there is no memory for it.
fn buffer(samples: usize) -> Result<Vec<u8>, SheetError> {
    let mut buffer = Vec::new();
    buffer
        .try_reserve_exact(samples)
        .map_err(|_| SheetError::new(Reason::TooLarge, "there is no memory for a picture of this size"))?;
    buffer.resize(samples, 0);
    Ok(buffer)
}

// ---- JPEG ----------------------------------------------------------------------------------------------------------

/// Decodes strictly first, so that damage is told and not painted over. Some cameras leave stray bytes between the
/// headers, which only the lenient mode passes over; it is used for them when the file has its end marker.
fn jpeg(bytes: &[u8], wanted: Wanted, limits: Limits) -> Result<(Decoded, Orientation), SheetError> {
    match jpeg_with(bytes, wanted, limits, true) {
        Err(JpegFailure::Decoder(e)) if is_header_complaint(&e) && has_end_marker(bytes) => {
            jpeg_with(bytes, wanted, limits, false).map_err(|e| e.told(bytes))
        }
        result => result.map_err(|e| e.told(bytes)),
    }
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

/// True when the last bytes hold the JPEG end marker; cameras may add a little behind it.
fn has_end_marker(bytes: &[u8]) -> bool {
    const TAIL: usize = 4096;
    bytes[bytes.len().saturating_sub(TAIL)..].windows(2).any(|pair| pair == [0xff, 0xd9])
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
    let colour = wanted.colour || !luma_is_there;
    decoder.set_options(options.jpeg_set_out_colorspace(if colour { ColorSpace::RGB } else { ColorSpace::Luma }));
    let samples = decoder.output_buffer_size().ok_or_else(damaged)?;
    let mut pixels = buffer(samples).map_err(JpegFailure::Sheet)?;
    decoder.decode_into(&mut pixels).map_err(JpegFailure::Decoder)?;
    let orientation = orientation_of(decoder.exif().map(Vec::as_slice));
    let decoded = if colour {
        let rgb = RgbImage::from_raw(size.width, size.height, pixels).ok_or_else(damaged)?;
        from_rgb(rgb, wanted)
    } else {
        let gray = GrayImage::from_raw(size.width, size.height, pixels).ok_or_else(damaged)?;
        Decoded { gray, colour: None }
    };
    Ok((decoded, orientation))
}

fn from_rgb(rgb: RgbImage, wanted: Wanted) -> Decoded {
    let mut gray = GrayImage::new(rgb.width(), rgb.height());
    for (to, from) in gray.iter_mut().zip(rgb.as_raw().chunks_exact(3)) {
        *to = wanted.gray.of(from[0], from[1], from[2]);
    }
    Decoded { gray, colour: wanted.colour.then_some(rgb) }
}

// ---- PNG -----------------------------------------------------------------------------------------------------------

fn png(bytes: &[u8], wanted: Wanted, limits: Limits) -> Result<(Decoded, Orientation), SheetError> {
    let fail = |e: png::DecodingError| match &e {
        png::DecodingError::IoError(io) if io.kind() == std::io::ErrorKind::UnexpectedEof => truncated(),
        png::DecodingError::LimitsExceeded => {
            SheetError::new(Reason::TooLarge, "the PNG needs more memory than allowed")
        }
        _ if !bytes.windows(4).rev().take(64).any(|w| w == b"IEND") => truncated(),
        _ => corrupt(&e),
    };
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    // Rows are taken one by one, so the decoder needs memory for a few rows and the ancillary chunks.
    decoder.set_limits(png::Limits { bytes: 64 << 20 });
    decoder.set_transformations(png::Transformations::EXPAND);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let header = decoder.read_header_info().map_err(fail)?;
    let size = limits.accept(header.width, header.height)?;
    let mut reader = decoder.read_info().map_err(fail)?;
    let (kind, depth) = reader.output_color_type();
    let orientation = orientation_of(reader.info().exif_metadata.as_deref());
    let layout = Samples { channels: kind.samples(), wide: depth == png::BitDepth::Sixteen };
    let mut sink = RowSink::new(size, layout, wanted)?;
    if reader.info().interlaced {
        let bytes_per_row = reader.output_line_size(size.width).ok_or_else(truncated)?;
        let mut whole = buffer(reader.output_buffer_size().ok_or_else(truncated)?)?;
        reader.next_frame(&mut whole).map_err(fail)?;
        for row in whole.chunks_exact(bytes_per_row) {
            sink.row(row);
        }
    } else {
        while let Some(row) = reader.next_row().map_err(fail)? {
            sink.row(row.data());
        }
    }
    Ok((sink.finish()?, orientation))
}

/// Channels of a pixel and whether each takes two bytes (big-endian).
#[derive(Debug, Clone, Copy)]
struct Samples {
    channels: usize,
    wide: bool,
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
        // At most MAX_PIXELS, which fits any address space that can run this.
        let pixels = size.pixels() as usize;
        let mut gray = Vec::new();
        let mut colour = Vec::new();
        let no_memory = |_| SheetError::new(Reason::TooLarge, "there is no memory for a picture of this size");
        // Reserved, not filled: a file that claims much and holds little costs little.
        gray.try_reserve_exact(pixels).map_err(no_memory)?;
        if wanted.colour {
            colour.try_reserve_exact(pixels * 3).map_err(no_memory)?;
        }
        Ok(Self { size, layout, wanted, gray, colour: wanted.colour.then_some(colour) })
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
        Ok(Decoded { gray, colour })
    }
}

// ---- TIFF, BMP, WebP -----------------------------------------------------------------------------------------------

/// Refuses a TIFF of several pages: reading the first alone would lose the others without a word.
fn single_page(bytes: &[u8]) -> Result<(), SheetError> {
    let mut decoder = tiff::decoder::Decoder::new(Cursor::new(bytes)).map_err(|e| match e {
        tiff::TiffError::IoError(_) => truncated(),
        e => corrupt(&e),
    })?;
    let mut pages = 1;
    while decoder.more_images() && pages < 10_000 {
        if decoder.next_image().is_err() {
            break;
        }
        pages += 1;
    }
    if pages > 1 {
        let detail = format!("the TIFF has {pages} pages; files with one page are read (split it into single pages)");
        return Err(SheetError::new(Reason::UnsupportedFormat, detail));
    }
    Ok(())
}

fn broken(error: &ImageError) -> SheetError {
    match error {
        ImageError::IoError(_) => truncated(),
        ImageError::Unsupported(e) => SheetError::new(Reason::UnsupportedFormat, e.to_string()),
        ImageError::Limits(_) => SheetError::new(Reason::TooLarge, "the picture needs more memory than allowed"),
        e => corrupt(e),
    }
}

fn through_image(
    mut decoder: impl ImageDecoder,
    wanted: Wanted,
    limits: Limits,
) -> Result<(Decoded, Orientation), SheetError> {
    let (width, height) = decoder.dimensions();
    limits.accept(width, height)?;
    let mut memory = image::Limits::no_limits();
    // Four 16-bit channels of the largest picture, and what the decoder needs beside it.
    memory.max_alloc = Some(limits.max_pixels * 8 + (64 << 20));
    decoder.set_limits(memory).map_err(|e| broken(&e))?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let decoded = match DynamicImage::from_decoder(decoder).map_err(|e| broken(&e))? {
        DynamicImage::ImageLuma8(gray) => {
            let colour = wanted.colour.then(|| DynamicImage::ImageLuma8(gray.clone()).into_rgb8());
            Decoded { gray, colour }
        }
        DynamicImage::ImageRgb8(rgb) => from_rgb(rgb, wanted),
        DynamicImage::ImageLuma16(wide) => {
            let mut gray = GrayImage::new(wide.width(), wide.height());
            for (to, from) in gray.iter_mut().zip(wide.as_raw()) {
                *to = (from >> 8) as u8;
            }
            let colour = wanted.colour.then(|| DynamicImage::ImageLuma8(gray.clone()).into_rgb8());
            Decoded { gray, colour }
        }
        DynamicImage::ImageRgb16(wide) => {
            let mut gray = GrayImage::new(wide.width(), wide.height());
            for (to, from) in gray.iter_mut().zip(wide.as_raw().chunks_exact(3)) {
                *to = gray_of_16(from[0], from[1], from[2]);
            }
            let colour = wanted.colour.then(|| DynamicImage::ImageRgb16(wide).into_rgb8());
            Decoded { gray, colour }
        }
        // Alpha is dropped as in PNG; floating-point pictures are cut to 8 bits by the library.
        DynamicImage::ImageLumaA8(pair) => {
            let gray = pair.pixels().map(|p| p.0[0]).collect();
            let gray = GrayImage::from_raw(width, height, gray).ok_or_else(truncated)?;
            let colour = wanted.colour.then(|| DynamicImage::ImageLuma8(gray.clone()).into_rgb8());
            Decoded { gray, colour }
        }
        other => from_rgb(other.into_rgb8(), wanted),
    };
    Ok((decoded, orientation))
}

#[cfg(test)]
mod tests {
    use image::{GrayAlphaImage, ImageFormat, Luma, LumaA, Rgb, RgbaImage};

    use super::*;

    const GRAY: Wanted = Wanted { colour: false, gray: GrayRule::Direct };
    const COLOUR: Wanted = Wanted { colour: true, gray: GrayRule::FromColour };

    fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.into().write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn ramp() -> GrayImage {
        GrayImage::from_fn(40, 36, |x, y| Luma([(x * 5 + y) as u8]))
    }

    fn colours() -> RgbImage {
        RgbImage::from_fn(40, 36, |x, y| Rgb([(x * 6) as u8, (y * 7) as u8, ((x + y) * 3) as u8]))
    }

    fn gray(bytes: &[u8]) -> GrayImage {
        decode(bytes, GRAY, Limits::default()).unwrap().gray
    }

    fn reason(bytes: &[u8]) -> Reason {
        decode(bytes, GRAY, Limits::default()).unwrap_err().reason
    }

    /// A PNG made by hand: any colour type and depth.
    fn png_of(kind: png::ColorType, depth: png::BitDepth, palette: Option<Vec<u8>>, rows: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 40, 36);
        encoder.set_color(kind);
        encoder.set_depth(depth);
        if let Some(palette) = palette {
            encoder.set_palette(palette);
        }
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(rows).unwrap();
        writer.finish().unwrap();
        bytes
    }

    #[test]
    fn gray_pictures_come_through_unchanged() {
        for format in [ImageFormat::Png, ImageFormat::Tiff, ImageFormat::Bmp, ImageFormat::WebP] {
            let picture: DynamicImage = ramp().into();
            // WebP holds colours only.
            let picture = if format == ImageFormat::WebP { picture.into_rgb8().into() } else { picture };
            let back = gray(&encoded(picture, format));
            let off = back.iter().zip(ramp().iter()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            assert!(off <= u8::from(format == ImageFormat::WebP), "{format:?}: off by {off}");
        }
    }

    #[test]
    fn colours_become_gray_by_the_two_formulas() {
        let bytes = encoded(colours(), ImageFormat::Png);
        let direct = gray(&bytes);
        let both = decode(&bytes, COLOUR, Limits::default()).unwrap();
        for (x, y, p) in colours().enumerate_pixels() {
            let [r, g, b] = p.0.map(u32::from);
            assert_eq!(u32::from(direct.get_pixel(x, y).0[0]), (9797 * r + 19234 * g + 3737 * b) >> 15);
            assert_eq!(u32::from(both.gray.get_pixel(x, y).0[0]), (9798 * r + 19235 * g + 3735 * b + 16384) >> 15);
        }
        assert_eq!(both.colour.unwrap(), colours());
    }

    #[test]
    fn alpha_is_dropped_and_not_blended() {
        let faint = GrayAlphaImage::from_fn(40, 36, |x, y| LumaA([(x * 5 + y) as u8, (x * y) as u8]));
        assert_eq!(gray(&encoded(faint, ImageFormat::Png)), ramp());
        let clear = RgbaImage::from_fn(40, 36, |x, y| {
            let Rgb([r, g, b]) = *colours().get_pixel(x, y);
            image::Rgba([r, g, b, 7])
        });
        assert_eq!(gray(&encoded(clear, ImageFormat::Png)), gray(&encoded(colours(), ImageFormat::Png)));
    }

    #[test]
    fn shallow_and_deep_pngs() {
        let one_bit: Vec<u8> = (0..36).flat_map(|_| [0b1010_1010u8; 5]).collect();
        let back = gray(&png_of(png::ColorType::Grayscale, png::BitDepth::One, None, &one_bit));
        assert_eq!((back.get_pixel(0, 0).0[0], back.get_pixel(1, 0).0[0]), (255, 0));

        let indices: Vec<u8> = (0..36).flat_map(|_| (0..40).map(|x| (x % 2) as u8)).collect();
        let palette = Some(vec![255, 0, 0, 0, 0, 255]);
        let back = gray(&png_of(png::ColorType::Indexed, png::BitDepth::Eight, palette, &indices));
        assert_eq!(back.get_pixel(0, 0).0[0], ((9797 * 255) >> 15) as u8);
        assert_eq!(back.get_pixel(1, 0).0[0], ((3737 * 255) >> 15) as u8);

        let deep: Vec<u8> = (0..36 * 40).flat_map(|_| [0x12, 0xff]).collect();
        let back = gray(&png_of(png::ColorType::Grayscale, png::BitDepth::Sixteen, None, &deep));
        assert!(back.iter().all(|&v| v == 0x12));

        let deep: Vec<u8> = (0..36 * 40).flat_map(|_| [0x80, 0x00, 0x40, 0x00, 0xff, 0xff]).collect();
        let back = gray(&png_of(png::ColorType::Rgb, png::BitDepth::Sixteen, None, &deep));
        let g16 = (9797u64 * 0x8000 + 19234 * 0x4000 + 3737 * 0xffff + 16384) >> 15;
        assert!(back.iter().all(|&v| u64::from(v) == g16 >> 8));
    }

    #[test]
    fn a_colour_jpeg_gives_its_luma() {
        let bytes = encoded(colours(), ImageFormat::Jpeg);
        let luma = gray(&bytes);
        let both = decode(&bytes, COLOUR, Limits::default()).unwrap();
        let off = luma.iter().zip(both.gray.iter()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        // Where no colour is clipped the two ways differ by rounding; this picture has strong colours.
        assert!(off < 30, "off by {off}");
        assert_eq!(both.colour.unwrap().dimensions(), (40, 36));
    }

    #[test]
    fn cmyk_jpegs_are_read_through_their_colours() {
        let mut bytes = Vec::new();
        let cmyk: Vec<u8> = (0..40 * 36).flat_map(|_| [255u8, 255, 255, 255]).collect();
        let encoder = jpeg_encoder::Encoder::new(&mut bytes, 95);
        encoder.encode(&cmyk, 40, 36, jpeg_encoder::ColorType::Cmyk).unwrap();
        let page = gray(&bytes);
        let first = page.get_pixel(3, 3).0[0];
        assert!(page.iter().all(|&v| v.abs_diff(first) < 4), "one colour becomes one gray");
    }

    #[test]
    fn progressive_jpegs_are_read() {
        let mut bytes = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 95);
        encoder.set_progressive(true);
        encoder.encode(ramp().as_raw(), 40, 36, jpeg_encoder::ColorType::Luma).unwrap();
        let off = gray(&bytes).iter().zip(ramp().iter()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert!(off < 12, "off by {off}");
    }

    #[test]
    fn exif_orientation_is_applied() {
        let mut bytes = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 100);
        // A TIFF header and one entry: orientation (0x0112), short, 1 value: 6, a quarter turn to the right.
        let exif = [b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".as_slice()].concat();
        encoder.add_exif_metadata(&exif).unwrap();
        encoder.encode(ramp().as_raw(), 40, 36, jpeg_encoder::ColorType::Luma).unwrap();
        let upright = gray(&bytes);
        assert_eq!(upright.dimensions(), (36, 40));
        // What was stored at the bottom left is seen at the top left.
        assert!(upright.get_pixel(0, 0).0[0].abs_diff(ramp().get_pixel(0, 35).0[0]) < 8);
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        assert_eq!(reason(b""), Reason::EmptyFile);
        assert_eq!(reason(b"hello"), Reason::NotAnImage);
        assert_eq!(reason(&[0xde, 0xad, 0xbe, 0xef, 0]), Reason::NotAnImage);
        assert_eq!(reason(b"%PDF-1.7"), Reason::UnsupportedFormat);
        assert_eq!(reason(&encoded(GrayImage::new(31, 100), ImageFormat::Png)), Reason::TooSmall);
        let few = Limits { max_pixels: 1000, ..Limits::default() };
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Tiff, ImageFormat::Bmp] {
            let error = decode(&encoded(ramp(), format), GRAY, few).unwrap_err();
            assert_eq!(error.reason, Reason::TooLarge, "{format:?}");
        }
    }

    #[test]
    fn a_tiff_of_two_pages_is_told() {
        let mut bytes = Cursor::new(Vec::new());
        let mut encoder = tiff::encoder::TiffEncoder::new(&mut bytes).unwrap();
        for _ in 0..2 {
            encoder.write_image::<tiff::encoder::colortype::Gray8>(40, 36, ramp().as_raw()).unwrap();
        }
        let error = decode(&bytes.into_inner(), GRAY, Limits::default()).unwrap_err();
        assert_eq!(error.reason, Reason::UnsupportedFormat);
        assert!(error.detail.contains("2 pages"), "{}", error.detail);
    }

    #[test]
    fn every_cut_picture_fails_politely() {
        let noisy = GrayImage::from_fn(64, 64, |x, y| Luma([(x * x * 31 + y * y * 17 + x * y) as u8]));
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Tiff, ImageFormat::Bmp, ImageFormat::WebP] {
            let picture: DynamicImage = noisy.clone().into();
            let picture = if format == ImageFormat::WebP { picture.into_rgb8().into() } else { picture };
            let whole = encoded(picture, format);
            // The last bytes of some formats are padding or an end marker: without them the picture is still whole.
            let needed = whole.len() - 16;
            for length in (0..needed).step_by(needed / 97 + 1) {
                let result = decode(&whole[..length], GRAY, Limits::default());
                assert!(result.is_err(), "{format:?} cut to {length} of {} bytes was read", whole.len());
            }
        }
    }
}
