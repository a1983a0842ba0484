//! TIFF: one page of it. `directory` knows which pages there are; `view` lets the library see any of them as the only one.
//!
//! What the library does not read is read here: fax data of all kinds (`super::fax`), palettes and shallow grays, colour JPEGs.
//! A page whose data are one JPEG goes to the decoder of such files, which tells damage.

pub mod directory;
mod packed;
mod view;

use std::io::Cursor;

use image::metadata::Orientation;
use image::{GrayImage, RgbImage};
use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult};

use self::directory::{Directory, Fault, Form, PagePlace, tag};
use self::packed::Piece;
use self::view::View;
use super::fax::{self, Coding, EncodingMode};
use super::{Decoded, Limits, Wanted, WantedColour, corrupt, from_gray, from_rgb, jpeg, library, truncated};
use crate::sheet::error::{Reason, SheetError};

/// Pages are counted so far to say how many there are.
const COUNTED: u32 = 10_000;

/// Meanings of samples, see [`tag::PHOTOMETRIC`].
mod meaning {
    pub const WHITE_IS_ZERO: u64 = 0;
    pub const BLACK_IS_ZERO: u64 = 1;
    pub const PALETTE: u64 = 3;
    pub const LUMA_AND_CHROMA: u64 = 6;
}

/// Kinds of packing, see [`tag::COMPRESSION`].
mod packing {
    pub const FAX_ROWS: u64 = 2;
    pub const FAX_3: u64 = 3;
    pub const FAX_4: u64 = 4;
    pub const JPEG: u64 = 7;
    pub const DEFLATE: [u64; 2] = [8, 32_946];
}

/// Decodes a TIFF of one page.
///
/// # Errors
/// It has several: reading the first alone would lose the others without a word. Else as [`page`].
pub fn decode(bytes: &[u8], wanted: Wanted, limits: Limits) -> Result<(Decoded, Orientation), SheetError> {
    let (form, pages) = match directory::pages(&mut Cursor::new(bytes), COUNTED) {
        Ok(found) => found,
        Err(fault) => return Err(told(&fault)),
    };
    match pages.as_slice() {
        [place] => page_at(bytes, form, *place, wanted, limits),
        pages => {
            let detail = format!(
                "the TIFF has {} pages, and its name tells of one; pages are read of files that end in .tif or .tiff",
                pages.len()
            );
            Err(SheetError::new(Reason::UnsupportedFormat, detail))
        }
    }
}

/// Decodes the page that lies at this place.
///
/// # Errors
/// A reason among truncated, corrupt, unsupported-format, too-large and too-small.
pub fn page(
    bytes: &[u8],
    place: PagePlace,
    wanted: Wanted,
    limits: Limits,
) -> Result<(Decoded, Orientation), SheetError> {
    let (form, _) = directory::header(&mut Cursor::new(bytes)).map_err(|fault| told(&fault))?;
    page_at(bytes, form, place, wanted, limits)
}

/// A fault as a reason.
pub fn told(fault: &Fault) -> SheetError {
    match fault {
        Fault::Cut => truncated(),
        Fault::TooMany(_) => {
            SheetError::new(Reason::TooLarge, format!("{fault} (`limits.max_pages` in config.json); split it"))
        }
        fault => corrupt(fault),
    }
}

fn page_at(
    bytes: &[u8],
    form: Form,
    place: PagePlace,
    wanted: Wanted,
    limits: Limits,
) -> Result<(Decoded, Orientation), SheetError> {
    let PagePlace::At(place) = place else {
        let detail = "the file refers to one more page, which is not there; scan or copy it again";
        return Err(SheetError::new(Reason::Corrupt, detail));
    };
    let mut file = Cursor::new(bytes);
    let directory = Directory::read(&mut file, form, place).map_err(|fault| told(&fault))?;
    let number = |tag| directory.number(tag);
    let side = |tag| number(tag).map(|side| u32::try_from(side).unwrap_or(u32::MAX));
    let (Some(width), Some(height)) = (side(tag::WIDTH), side(tag::HEIGHT)) else {
        return Err(corrupt(&"a page without a size"));
    };
    limits.accept(width, height)?;
    let orientation = number(tag::ORIENTATION).and_then(|number| Orientation::from_exif(u8::try_from(number).ok()?));
    let orientation = orientation.unwrap_or(Orientation::NoTransforms);
    let page = Page {
        bytes,
        form,
        place,
        width,
        height,
        means: number(tag::PHOTOMETRIC).unwrap_or(meaning::BLACK_IS_ZERO),
        samples: number(tag::SAMPLES).unwrap_or(1),
        bits: directory.numbers(&mut file, tag::BITS, 64).and_then(|bits| bits.first().copied()).unwrap_or(1),
        directory,
    };
    let decoded = match number_of(&page, tag::COMPRESSION) {
        packing::FAX_ROWS | packing::FAX_3 | packing::FAX_4 => page.fax(wanted)?,
        packing::JPEG => page.jpegs(wanted, limits)?,
        packing if packing::DEFLATE.contains(&packing) => page.deflated(wanted, limits)?,
        _ => page.by_library(wanted, limits)?,
    };
    Ok((decoded, orientation))
}

fn number_of(page: &Page<'_>, tag: u16) -> u64 {
    page.directory.number(tag).unwrap_or(1)
}

/// A page whose size is accepted.
struct Page<'b> {
    bytes: &'b [u8],
    form: Form,
    /// Where its directory lies.
    place: u64,
    directory: Directory,
    width: u32,
    height: u32,
    means: u64,
    samples: u64,
    bits: u64,
}

impl Page<'_> {
    /// The bytes of each strip, in order.
    fn strips(&self) -> Result<Vec<&[u8]>, SheetError> {
        let most = u64::from(self.height);
        let numbers = |tag| self.directory.numbers(&mut Cursor::new(self.bytes), tag, most);
        let Some(places) = numbers(tag::STRIP_OFFSETS) else {
            return Err(corrupt(&"a page without strips"));
        };
        // Fax machines of old leave out the length of a page's only strip.
        let lengths = numbers(tag::STRIP_BYTES).unwrap_or_else(|| vec![u64::MAX; places.len()]);
        let strip = |(&place, &length): (&u64, &u64)| {
            let start = usize::try_from(place).ok().filter(|&start| start < self.bytes.len())?;
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            self.bytes.get(start..start.saturating_add(length).min(self.bytes.len()))
        };
        let strips: Option<Vec<&[u8]>> = places.iter().zip(&lengths).map(strip).collect();
        strips.filter(|strips| strips.len() == places.len()).ok_or_else(truncated)
    }

    fn fax(&self, wanted: Wanted) -> Result<Decoded, SheetError> {
        if self.samples != 1 || self.bits != 1 {
            return Err(corrupt(&"fax data of more than one bit a pixel"));
        }
        let packing = number_of(self, tag::COMPRESSION);
        let is_two_dimensional = self.directory.number(tag::T4_OPTIONS).is_some_and(|options| options & 1 != 0);
        let coding = Coding {
            mode: match packing {
                packing::FAX_4 => EncodingMode::Group4,
                packing::FAX_3 if is_two_dimensional => EncodingMode::Group3_2D,
                _ => EncodingMode::Group3_1D,
            },
            is_aligned: packing == packing::FAX_ROWS,
            has_line_ends: packing == packing::FAX_3,
        };
        // Runs of the code are black or white by name; a zero is what the page takes it for.
        let black = if self.means == meaning::BLACK_IS_ZERO { 255 } else { 0 };
        let mut rows = fax::Rows::new(self.width, self.height, black);
        let per_strip = self.directory.number(tag::ROWS_PER_STRIP).unwrap_or(u64::MAX);
        let per_strip = u32::try_from(per_strip).unwrap_or(u32::MAX).max(1);
        let is_reversed = self.directory.number(tag::FILL_ORDER) == Some(2);
        for strip in self.strips()? {
            if is_reversed {
                let turned: Vec<u8> = strip.iter().map(|byte| byte.reverse_bits()).collect();
                rows.read(&turned, per_strip, coding)?;
            } else {
                rows.read(strip, per_strip, coding)?;
            }
        }
        Ok(from_gray(rows.finish()?, wanted))
    }

    /// A page whose strips or tiles are JPEGs. All go to the decoder of such files, which tells damage; strips of gray, or of luma and
    /// chroma, are the page's gray.
    fn jpegs(&self, wanted: Wanted, limits: Limits) -> Result<Decoded, SheetError> {
        let is_plain =
            matches!((self.means, self.samples), (meaning::BLACK_IS_ZERO, 1) | (meaning::LUMA_AND_CHROMA, 3));
        let pieces = self.pieces();
        if self.bits != 8 || !pieces.iter().all(Piece::is_jpeg) {
            return self.by_library(wanted, limits);
        }
        let tables = self.jpeg_tables();
        let is_strips = !self.is_tiled();
        if let ([only], true, true) = (pieces.as_slice(), is_plain, is_strips) {
            let (decoded, _) = jpeg::decode(&only.with_tables(&tables), wanted, limits)?;
            return match decoded.gray.dimensions() == (self.width, self.height) {
                true => Ok(decoded),
                false => Err(corrupt(&"the JPEG in a page has another size than the page")),
            };
        }
        let mut rows = Vec::new();
        for piece in &pieces {
            // A last strip may have few rows.
            let (gray, part) = (Wanted { colour: WantedColour::None, ..wanted }, Limits { min_side: 1, ..limits });
            match jpeg::decode(&piece.with_tables(&tables), gray, part) {
                Ok((decoded, _)) if decoded.gray.width() == self.width => rows.extend_from_slice(&decoded.gray),
                Ok(_) => {}
                Err(error) if error.reason == Reason::UnsupportedFormat => {}
                Err(error) => return Err(self.damaged(error)),
            }
        }
        let pixels = self.width as usize * self.height as usize;
        if is_plain && is_strips && wanted.colour == WantedColour::None && rows.len() >= pixels {
            rows.truncate(pixels);
            let gray = GrayImage::from_raw(self.width, self.height, rows).ok_or_else(truncated)?;
            return Ok(from_gray(gray, wanted));
        }
        self.by_library(wanted, limits)
    }

    fn is_tiled(&self) -> bool {
        self.directory.place_of(tag::TILE_BYTES).is_some()
    }

    /// What stands in the JPEGs of all strips: tables, in a JPEG of their own without a picture, of which the two ends are cut off.
    fn jpeg_tables(&self) -> Vec<u8> {
        const TABLES: u16 = 347;
        let tables = self.directory.numbers(&mut Cursor::new(self.bytes), TABLES, 1 << 16);
        let tables: Vec<u8> = tables.unwrap_or_default().into_iter().map(|byte| byte as u8).collect();
        let tables = tables.strip_prefix(&[0xff, 0xd8]).unwrap_or_default();
        tables.strip_suffix(&[0xff, 0xd9]).unwrap_or(tables).to_vec()
    }

    fn deflated(&self, wanted: Wanted, limits: Limits) -> Result<Decoded, SheetError> {
        let decoded = self.by_library(wanted, limits)?;
        // Eight times what they need: outer tiles are filled up.
        let pixels = u64::from(self.width) * u64::from(self.height);
        let most = pixels.saturating_mul(self.samples.saturating_mul(self.bits)).saturating_add(1 << 20);
        packed::check_deflated(&self.pieces(), most, limits.deadline)?;
        Ok(decoded)
    }

    /// Strips or tiles; no more than there are pixels.
    fn pieces(&self) -> Vec<Piece<'_>> {
        packed::pieces(&self.directory, self.bytes, u64::from(self.width) * u64::from(self.height))
    }

    fn by_library(&self, wanted: Wanted, limits: Limits) -> Result<Decoded, SheetError> {
        const PLANES_APART: u64 = 2;
        if self.samples > 1 && self.is_tiled() && self.directory.number(tag::PLANES) == Some(PLANES_APART) {
            return Err(unsupported("tiles of one colour each"));
        }
        self.unpacked(wanted, limits).map_err(|error| self.damaged(error))
    }

    /// Why a part of the page could not be read: what reads one takes data that end too soon for cut off.
    fn damaged(&self, error: SheetError) -> SheetError {
        match error.reason {
            Reason::Truncated if packed::are_whole(&self.pieces()) => {
                corrupt(&"a part of it ends before the picture does")
            }
            _ => error,
        }
    }

    fn unpacked(&self, wanted: Wanted, limits: Limits) -> Result<Decoded, SheetError> {
        let (place, bytes) = self.form.first_reference();
        let view = View::of(self.bytes).with(place, self.form.written(self.place, bytes));
        let is_shallow = self.samples == 1 && matches!(self.bits, 2 | 4);
        match self.means {
            // To the library indices are grays.
            meaning::PALETTE if self.samples == 1 && self.bits <= 8 => {
                let Some((place, width)) = self.directory.place_of(tag::PHOTOMETRIC) else {
                    return Err(corrupt(&"a palette that nothing tells of"));
                };
                let gray = self.form.written(meaning::BLACK_IS_ZERO, width);
                let indices = self.shallow(view.with(place, gray), limits, false)?;
                Ok(from_rgb(self.coloured(&indices)?, wanted))
            }
            meaning::BLACK_IS_ZERO | meaning::WHITE_IS_ZERO if is_shallow => {
                Ok(from_gray(self.shallow(view, limits, true)?, wanted))
            }
            meaning::LUMA_AND_CHROMA => self.luma_and_chroma(view, wanted, limits),
            _ => library::tiff(view, wanted, limits),
        }
    }

    /// All samples as the library has them.
    fn samples(&self, view: View<'_>, limits: Limits) -> Result<(ColorType, Vec<u8>), SheetError> {
        let mut memory = tiff::decoder::Limits::default();
        memory.decoding_buffer_size = usize::try_from(limits.max_pixels.saturating_mul(4)).unwrap_or(usize::MAX);
        memory.intermediate_buffer_size = memory.decoding_buffer_size;
        let mut decoder = Decoder::new(view).map_err(|e| broken(&e))?.with_limits(memory);
        let kind = decoder.colortype().map_err(|e| broken(&e))?;
        match decoder.read_image().map_err(|e| broken(&e))? {
            DecodingResult::U8(samples) => Ok((kind, samples)),
            _ => Err(unsupported("samples that are no whole numbers of 8 bits")),
        }
    }

    /// Pixels of up to 8 bits, a byte each: as they are, or stretched to the whole range.
    fn shallow(&self, view: View<'_>, limits: Limits, is_stretched: bool) -> Result<GrayImage, SheetError> {
        let (_, samples) = self.samples(view, limits)?;
        let (bits, width) = (self.bits as usize, self.width as usize);
        let row_bytes = (width * bits).div_ceil(8);
        let most = if bits >= 8 { 255 } else { (1u16 << bits) - 1 };
        let by = if is_stretched { (255 / most) as u8 } else { 1 };
        let mut picture = GrayImage::new(self.width, self.height);
        if !matches!(bits, 1 | 2 | 4 | 8) || samples.len() < row_bytes * self.height as usize {
            return Err(truncated());
        }
        for (to, from) in picture.chunks_exact_mut(width).zip(samples.chunks_exact(row_bytes)) {
            for (x, to) in to.iter_mut().enumerate() {
                let shift = 8 - bits - (x * bits) % 8;
                *to = ((u16::from(from[x * bits / 8]) >> shift) & most) as u8 * by;
            }
        }
        Ok(picture)
    }

    /// Indices become the colours that the page's palette has for them.
    fn coloured(&self, indices: &GrayImage) -> Result<RgbImage, SheetError> {
        let count = 1usize << self.bits;
        let map = self.directory.numbers(&mut Cursor::new(self.bytes), tag::COLOR_MAP, 3 * 256);
        let Some(map) = map.filter(|map| map.len() == 3 * count) else {
            return Err(corrupt(&"a page with a palette of another length than its pixels need"));
        };
        let colours = (0..count).map(|i| [0, 1, 2].map(|channel| (map[channel * count + i] >> 8) as u8));
        let colours: Vec<[u8; 3]> = colours.collect();
        let mut picture = RgbImage::new(self.width, self.height);
        for (to, &index) in picture.chunks_exact_mut(3).zip(indices.iter()) {
            to.copy_from_slice(&colours[usize::from(index) % count]);
        }
        Ok(picture)
    }

    /// Luma and chroma side by side, as the library leaves them.
    fn luma_and_chroma(&self, view: View<'_>, wanted: Wanted, limits: Limits) -> Result<Decoded, SheetError> {
        let (kind, samples) = self.samples(view, limits)?;
        if kind != ColorType::YCbCr(8) {
            return Err(unsupported("luma and chroma of more than 8 bits"));
        }
        let pixels = self.width as usize * self.height as usize;
        if samples.len() < 3 * pixels {
            return Err(truncated());
        }
        if wanted.colour == WantedColour::None {
            // As of a JPEG, gray is the luma itself.
            let luma = samples.chunks_exact(3).take(pixels).map(|pixel| pixel[0]).collect();
            let gray = GrayImage::from_raw(self.width, self.height, luma).ok_or_else(truncated)?;
            return Ok(from_gray(gray, wanted));
        }
        let mut rgb = RgbImage::new(self.width, self.height);
        for (to, from) in rgb.chunks_exact_mut(3).zip(samples.chunks_exact(3)) {
            to.copy_from_slice(&rgb_of([from[0], from[1], from[2]]));
        }
        let mut decoded = from_rgb(rgb, wanted);
        if wanted.colour == WantedColour::Beside {
            for (to, from) in decoded.gray.iter_mut().zip(samples.chunks_exact(3)) {
                *to = from[0];
            }
        }
        Ok(decoded)
    }
}

/// Red, green and blue of luma and chroma (ITU-T T.871, section 7).
fn rgb_of([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let (y, cb, cr) = (f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0);
    [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb].map(|value| value.round() as u8)
}

fn unsupported(what: &str) -> SheetError {
    SheetError::new(Reason::UnsupportedFormat, format!("a TIFF with {what}; save it as gray or RGB of 8 bits"))
}

fn broken(error: &tiff::TiffError) -> SheetError {
    match error {
        tiff::TiffError::IoError(_) => truncated(),
        tiff::TiffError::UnsupportedError(e) => SheetError::new(Reason::UnsupportedFormat, e.to_string()),
        tiff::TiffError::LimitsExceeded => {
            SheetError::new(Reason::TooLarge, "the picture needs more memory than allowed")
        }
        e => corrupt(e),
    }
}
