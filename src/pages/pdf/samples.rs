//! Samples of a picture in a PDF (ISO 32000-1, sections 8.6 and 8.9) become 8-bit gray or RGB.

use hayro_syntax::object::stream::ImageColorSpace;
use hayro_syntax::object::{Array, Dict, Name, Object, Stream, String};
use image::{DynamicImage, GrayImage, RgbImage};

use super::{is_name, unpacking};
use crate::sheet::{Reason, SheetError};

/// What samples mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// From black to white.
    Gray,
    /// Red, green and blue.
    Rgb,
}

/// The colours of a picture. Profiles are passed over: what was scanned is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Colours {
    /// What samples mean, or a palette's entries.
    pub kind: Kind,
    /// A palette: samples are its indices.
    palette: Option<Vec<u8>>,
}

impl Colours {
    /// Plain gray.
    pub const GRAY: Self = Self { kind: Kind::Gray, palette: None };

    /// The colours that a picture's dictionary names; `None` if it names none, or such as are not made here.
    pub fn of(dict: &Dict<'_>) -> Option<Self> {
        let space = dict.get::<Object<'_>>(b"ColorSpace".as_slice()).or_else(|| dict.get(b"CS".as_slice()))?;
        if let Object::Array(parts) = &space {
            let mut parts = parts.iter::<Object<'_>>();
            if let Some(Object::Name(name)) = parts.next()
                && is_name(&name, &["Indexed", "I"])
            {
                let kind = kind_of(&parts.next()?)?;
                let _last = parts.next()?;
                let palette = match parts.next()? {
                    Object::String(text) => String::as_bytes(&text).to_vec(),
                    Object::Stream(stream) => table(&stream)?,
                    _ => return None,
                };
                return Some(Self { kind, palette: Some(palette) });
            }
        }
        kind_of(&space).map(|kind| Self { kind, palette: None })
    }

    /// The colours that data tell themselves.
    pub fn of_data(space: ImageColorSpace) -> Option<Self> {
        let kind = match space {
            ImageColorSpace::Gray => Kind::Gray,
            ImageColorSpace::Rgb => Kind::Rgb,
            ImageColorSpace::Cmyk | ImageColorSpace::Unknown(_) => return None,
        };
        Some(Self { kind, palette: None })
    }

    /// Samples of a pixel.
    pub fn components(&self) -> u8 {
        if self.palette.is_none() && self.kind == Kind::Rgb { 3 } else { 1 }
    }

    /// Samples are indices.
    pub fn is_indexed(&self) -> bool {
        self.palette.is_some()
    }
}

/// A palette in a stream of its own: 256 colours at most.
fn table(stream: &Stream<'_>) -> Option<Vec<u8>> {
    const MOST: u64 = 1 << 16;
    unpacking::size(stream, MOST).ok()?;
    stream.decoded_data().ok().map(std::borrow::Cow::into_owned)
}

fn kind_of(space: &Object<'_>) -> Option<Kind> {
    let (name, second) = match space {
        Object::Name(name) => (name.clone(), None),
        Object::Array(parts) => {
            let mut parts: Array<'_> = parts.clone();
            let mut all = std::mem::take(&mut parts).iter::<Object<'_>>();
            let Some(Object::Name(name)) = all.next() else { return None };
            (name, all.next())
        }
        _ => return None,
    };
    if is_name(&name, &["DeviceGray", "G", "CalGray"]) {
        return Some(Kind::Gray);
    }
    if is_name(&name, &["DeviceRGB", "RGB", "CalRGB"]) {
        return Some(Kind::Rgb);
    }
    match second {
        Some(Object::Stream(profile)) if is_name(&name, &["ICCBased"]) => {
            let other = profile.dict().get::<Name<'_>>(b"Alternate".as_slice());
            let is_usual = other.is_none_or(|other| is_name(&other, &["DeviceGray", "DeviceRGB", "CalGray", "CalRGB"]));
            match profile.dict().get::<u32>(b"N".as_slice()) {
                Some(1) if is_usual => Some(Kind::Gray),
                Some(3) if is_usual => Some(Kind::Rgb),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Unpacked samples of a picture, rows padded to whole bytes.
pub struct Samples<'s> {
    /// The data.
    pub data: &'s [u8],
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Bits of a sample.
    pub bits: u8,
    /// What they mean.
    pub colours: &'s Colours,
    /// The largest is black.
    pub is_inverted: bool,
}

impl Samples<'_> {
    /// The picture; `None` of a depth that is not read here.
    ///
    /// # Errors
    /// Rows are missing.
    pub fn picture(&self) -> Result<Option<DynamicImage>, SheetError> {
        let (width, bits) = (self.width as usize, usize::from(self.bits));
        if !matches!(bits, 1 | 2 | 4 | 8 | 16) {
            return Ok(None);
        }
        let per_row = width * usize::from(self.colours.components());
        let row_bytes = (per_row * bits).div_ceil(8);
        if row_bytes == 0 || self.data.len() / row_bytes < self.height as usize {
            let detail = "the data of the page's picture end before its last row";
            return Err(SheetError::new(Reason::Truncated, detail));
        }
        let rows = self.data.chunks_exact(row_bytes).take(self.height as usize);
        let mut bytes = Vec::with_capacity(per_row * self.height as usize);
        let is_stretched = !self.colours.is_indexed();
        for row in rows {
            match bits {
                8 => bytes.extend_from_slice(row),
                16 => bytes.extend(row.chunks_exact(2).map(|pair| pair[0])),
                _ => bytes.extend(shallow(row, bits, is_stretched).take(per_row)),
            }
        }
        if self.is_inverted {
            bytes.iter_mut().for_each(|byte| *byte = !*byte);
        }
        let picture = match (&self.colours.palette, self.colours.kind) {
            (None, Kind::Gray) => GrayImage::from_raw(self.width, self.height, bytes).map(DynamicImage::ImageLuma8),
            (None, Kind::Rgb) => RgbImage::from_raw(self.width, self.height, bytes).map(DynamicImage::ImageRgb8),
            (Some(palette), Kind::Gray) => {
                let gray = |index: u8| palette.get(usize::from(index)).copied().unwrap_or(0);
                let bytes = bytes.into_iter().map(gray).collect();
                GrayImage::from_raw(self.width, self.height, bytes).map(DynamicImage::ImageLuma8)
            }
            (Some(palette), Kind::Rgb) => {
                let colour = |index: u8| {
                    let at = usize::from(index) * 3;
                    [0, 1, 2].map(|channel| palette.get(at + channel).copied().unwrap_or(0))
                };
                let bytes = bytes.into_iter().flat_map(colour).collect();
                RgbImage::from_raw(self.width, self.height, bytes).map(DynamicImage::ImageRgb8)
            }
        };
        Ok(picture)
    }
}

/// Samples of 1, 2 or 4 bits, as they are or stretched to the whole range.
fn shallow(row: &[u8], bits: usize, is_stretched: bool) -> impl Iterator<Item = u8> {
    let most = (1u8 << bits) - 1;
    let by = if is_stretched { 255 / most } else { 1 };
    row.iter().flat_map(move |&byte| (0..8 / bits).map(move |i| ((byte >> (8 - bits - i * bits)) & most) * by))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gray(data: &[u8], width: u32, bits: u8, is_inverted: bool) -> Vec<u8> {
        let height = 2;
        let samples = Samples { data, width, height, bits, colours: &Colours::GRAY, is_inverted };
        samples.picture().unwrap().unwrap().into_luma8().into_raw()
    }

    #[test]
    fn samples_of_all_depths_become_grays() {
        assert_eq!(gray(&[0b1010_0000, 0b0110_0000], 3, 1, false), [255, 0, 255, 0, 255, 255]);
        assert_eq!(gray(&[0b1010_0000, 0b0110_0000], 3, 1, true), [0, 255, 0, 255, 0, 0]);
        assert_eq!(gray(&[0b0001_1011, 0b1100_0000], 2, 2, false), [0, 85, 255, 0]);
        assert_eq!(gray(&[0x0f, 0x80, 0xff, 0x10], 3, 4, false), [0, 255, 136, 255, 255, 17]);
        assert_eq!(gray(&[1, 2], 1, 8, false), [1, 2]);
        assert_eq!(gray(&[1, 99, 2, 99], 1, 16, false), [1, 2]);
    }

    #[test]
    fn indices_are_looked_up_and_missing_rows_told() {
        let colours = Colours { kind: Kind::Rgb, palette: Some(vec![1, 2, 3, 4, 5, 6]) };
        let samples = |data| Samples { data, width: 2, height: 1, bits: 4, colours: &colours, is_inverted: false };
        let picture = samples(&[0x10]).picture().unwrap().unwrap().into_rgb8().into_raw();
        assert_eq!(picture, [4, 5, 6, 1, 2, 3]);
        assert_eq!(samples(&[]).picture().unwrap_err().reason, Reason::Truncated);
    }
}
