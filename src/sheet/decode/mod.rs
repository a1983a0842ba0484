//! The bytes of a file become an upright 8-bit gray picture (and a colour picture where a step needs one).
//!
//! The format is told by content, never by name. JPEG gray is the luma component itself, as OMRChecker has it; colour
//! pictures of other formats are weighted in integers by the formulas of its two generations ([`GrayRule`]).

pub mod fax;
pub mod jpeg;
mod library;
mod png;
pub mod scan;
pub mod tiff;
mod webp;

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, RgbImage};

use super::error::{Reason, SheetError};
use super::time_limit;
use crate::config;
use crate::deadline::Deadline;
use crate::geometry::Size;
use crate::imaging::colour::{Chroma, Coloured};
use crate::imaging::orient;

/// A sheet has at least this many pixels on each side; no bubble could be told in less.
const MIN_SHEET_SIDE: u32 = 32;

/// Sizes that are accepted, and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Pixels in all.
    pub max_pixels: u64,
    /// Pixels on the shorter side.
    pub min_side: u32,
    /// When the picture must be there.
    pub deadline: Deadline,
}

impl Default for Limits {
    /// The limits for sheets.
    fn default() -> Self {
        Self { max_pixels: config::Limits::default().max_pixels, min_side: MIN_SHEET_SIDE, deadline: Deadline::NEVER }
    }
}

impl Limits {
    /// The picture's size, if it is accepted.
    ///
    /// # Errors
    /// Too-large or too-small.
    pub fn accept(self, width: u32, height: u32) -> Result<Size, SheetError> {
        let size = Size::new(width, height);
        if size.pixels() > self.max_pixels {
            let detail = format!(
                "the picture claims {size} pixels; at most {} are read (`limits.max_pixels` in config.json)",
                self.max_pixels
            );
            return Err(SheetError::new(Reason::TooLarge, detail));
        }
        if width < self.min_side || height < self.min_side {
            let detail = format!("the picture has {size} pixels; a sheet has at least {} on each side", self.min_side);
            return Err(SheetError::new(Reason::TooSmall, detail));
        }
        Ok(size)
    }

    /// Checks what a picture of this size takes at `bytes_per_pixel` while it is decoded: three bytes for each pixel that is
    /// accepted, so that larger samples count as more pixels.
    fn accept_samples(self, size: Size, bytes_per_pixel: u64) -> Result<(), SheetError> {
        if size.pixels().saturating_mul(bytes_per_pixel) <= self.max_pixels.saturating_mul(3) {
            return Ok(());
        }
        let detail = format!(
            "the picture has {size} pixels of {bytes_per_pixel} bytes; three bytes for each of {} pixels are held \
             (`limits.max_pixels` in config.json); save it with 8 bits a colour",
            self.max_pixels
        );
        Err(SheetError::new(Reason::TooLarge, detail))
    }
}

/// What the later stages want of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Which colours are kept too.
    pub colour: WantedColour,
    /// How colours become gray.
    pub gray: GrayRule,
}

impl Wanted {
    /// Are any colours kept?
    const fn has_colour(self) -> bool {
        !matches!(self.colour, WantedColour::None)
    }
}

/// What is wanted of a picture's colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WantedColour {
    /// Nothing: a gray picture is enough.
    None,
    /// Red, green and blue, from which the gray is made, as OMRChecker does where a step looks at colours.
    First,
    /// Colours of any kind, beside the very gray that would be made without them.
    Beside,
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
    pub colour: Option<Coloured>,
}

/// Decodes `bytes` and applies the EXIF orientation.
///
/// # Errors
/// A reason among empty-file, not-an-image, truncated, corrupt, unsupported-format, too-large, too-small and time-limit.
pub fn decode(bytes: &[u8], wanted: Wanted, limits: Limits) -> Result<Decoded, SheetError> {
    let (decoded, orientation) = match Format::of(bytes)? {
        Format::Jpeg => jpeg::decode(bytes, wanted, limits)?,
        Format::Png => png::decode(bytes, wanted, limits)?,
        Format::Tiff => tiff::decode(bytes, wanted, limits)?,
        Format::Bmp => library::bmp(bytes, wanted, limits)?,
        Format::WebP => webp::decode(bytes, wanted, limits)?,
    };
    time_limit::check(limits.deadline)?;
    Ok(upright(decoded, orientation))
}

/// The picture as its orientation says that it is to be seen.
fn upright(decoded: Decoded, orientation: Orientation) -> Decoded {
    let gray = orient::upright(decoded.gray, orientation);
    let size = Size::new(gray.width(), gray.height());
    Decoded {
        gray,
        colour: decoded.colour.map(|colour| match colour {
            Coloured::Rgb(picture) => Coloured::Rgb(orient::upright(picture, orientation)),
            Coloured::Chroma(Chroma { planes, .. }) => {
                let planes = planes.map(|plane| orient::upright(plane, orientation));
                Coloured::Chroma(Chroma { size, planes })
            }
        }),
    }
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
            [b'%', b'P', b'D', b'F', ..] => {
                let detail = "the file is a PDF; its pages are read if its name ends in .pdf, as sheets only";
                Err(SheetError::new(Reason::UnsupportedFormat, detail))
            }
            [b'G', b'I', b'F', b'8', ..] => unsupported("a GIF"),
            [_, _, _, _, b'f', b't', b'y', b'p', ..] => unsupported("an HEIF, AVIF or video file"),
            _ => {
                let what = if std::str::from_utf8(&bytes[..bytes.len().min(256)]).is_ok() { "text" } else { "bytes" };
                let detail = format!(
                    "the file holds {what} and begins like no picture; expected JPEG, PNG, TIFF, BMP, WebP or PDF"
                );
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

/// A gray picture, with itself as its colours.
fn from_gray(gray: GrayImage, wanted: Wanted) -> Decoded {
    let colour = wanted.has_colour().then(|| Coloured::rgb(DynamicImage::ImageLuma8(gray.clone()).into_rgb8()));
    Decoded { gray, colour }
}

/// A colour picture with its gray.
fn from_rgb(rgb: RgbImage, wanted: Wanted) -> Decoded {
    let mut gray = GrayImage::new(rgb.width(), rgb.height());
    for (to, from) in gray.iter_mut().zip(rgb.as_raw().chunks_exact(3)) {
        *to = wanted.gray.of(from[0], from[1], from[2]);
    }
    Decoded { gray, colour: wanted.has_colour().then_some(Coloured::rgb(rgb)) }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{GrayAlphaImage, ImageFormat, Luma, LumaA, Rgb, RgbaImage};

    use super::*;

    const GRAY: Wanted = Wanted { colour: WantedColour::None, gray: GrayRule::Direct };
    const COLOUR: Wanted = Wanted { colour: WantedColour::First, gray: GrayRule::FromColour };

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
    fn png_of(kind: ::png::ColorType, depth: ::png::BitDepth, palette: Option<Vec<u8>>, rows: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = ::png::Encoder::new(&mut bytes, 40, 36);
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
        assert_eq!(both.colour.unwrap().into_rgb(&both.gray), colours());
    }

    #[test]
    fn colours_change_no_gray() {
        let formats = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Tiff, ImageFormat::Bmp, ImageFormat::WebP];
        for (format, rule) in formats.into_iter().flat_map(|f| [(f, GrayRule::Direct), (f, GrayRule::FromColour)]) {
            let (bytes, wanted) = (encoded(colours(), format), |colour| Wanted { colour, gray: rule });
            let both = decode(&bytes, wanted(WantedColour::Beside), Limits::default()).unwrap();
            let gray = decode(&bytes, wanted(WantedColour::None), Limits::default()).unwrap().gray;
            assert_eq!(both.gray, gray, "{format:?} {rule:?}");
            let alone =
                decode(&bytes, wanted(WantedColour::First), Limits::default()).unwrap().colour.unwrap().into_rgb(&gray);
            let beside = both.colour.unwrap().into_rgb(&gray);
            let off = beside.iter().zip(alone.iter()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            // A JPEG's chromas are shared by four pixels.
            assert!(off <= if format == ImageFormat::Jpeg { 8 } else { 2 }, "{format:?}: colours are off by {off}");
        }
        let gray = decode(
            &encoded(ramp(), ImageFormat::Jpeg),
            Wanted { colour: WantedColour::Beside, ..GRAY },
            Limits::default(),
        )
        .unwrap();
        assert_eq!(gray.colour.unwrap().into_rgb(&gray.gray).get_pixel(3, 3).0, [gray.gray.get_pixel(3, 3).0[0]; 3]);
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
        let back = gray(&png_of(::png::ColorType::Grayscale, ::png::BitDepth::One, None, &one_bit));
        assert_eq!((back.get_pixel(0, 0).0[0], back.get_pixel(1, 0).0[0]), (255, 0));

        let indices: Vec<u8> = (0..36).flat_map(|_| (0..40).map(|x| (x % 2) as u8)).collect();
        let palette = Some(vec![255, 0, 0, 0, 0, 255]);
        let back = gray(&png_of(::png::ColorType::Indexed, ::png::BitDepth::Eight, palette, &indices));
        assert_eq!(back.get_pixel(0, 0).0[0], ((9797 * 255) >> 15) as u8);
        assert_eq!(back.get_pixel(1, 0).0[0], ((3737 * 255) >> 15) as u8);

        let deep: Vec<u8> = (0..36 * 40).flat_map(|_| [0x12, 0xff]).collect();
        let back = gray(&png_of(::png::ColorType::Grayscale, ::png::BitDepth::Sixteen, None, &deep));
        assert!(back.iter().all(|&v| v == 0x12));

        let deep: Vec<u8> = (0..36 * 40).flat_map(|_| [0x80, 0x00, 0x40, 0x00, 0xff, 0xff]).collect();
        let back = gray(&png_of(::png::ColorType::Rgb, ::png::BitDepth::Sixteen, None, &deep));
        let g16 = (9797u64 * 0x8000 + 19234 * 0x4000 + 3737 * 0xffff + 16384) >> 15;
        assert!(back.iter().all(|&v| u64::from(v) == g16 >> 8));
    }

    #[test]
    fn a_colour_jpeg_gives_its_luma() {
        // Pure colours side by side: their chroma, at half size, is mixed, and the colours that come back are clipped.
        let strong = RgbImage::from_fn(40, 36, |x, y| Rgb(if (x + y) % 2 == 0 { [255, 0, 0] } else { [0, 255, 255] }));
        let mut bytes = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 95);
        encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_2);
        encoder.encode(strong.as_raw(), 40, 36, jpeg_encoder::ColorType::Rgb).unwrap();
        let luma = gray(&bytes);
        let both = decode(&bytes, COLOUR, Limits::default()).unwrap();
        let off = luma.iter().zip(both.gray.iter()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        // Gray that came from the colours would not differ at all.
        assert!(off >= 2, "off by {off}");
        let means = |p: &GrayImage| p.iter().map(|&v| f64::from(v)).sum::<f64>() / 1440.0;
        assert!((means(&luma) - (76.0 + 179.0) / 2.0).abs() < 3.0, "the luma of red and cyan, half each");
        assert_eq!(both.colour.unwrap().into_rgb(&luma).dimensions(), (40, 36));
    }

    #[test]
    fn cmyk_jpegs_are_read_through_their_colours() {
        // No ink is white, and black ink alone is black.
        for (ink, want) in [([0u8, 0, 0, 0], 255u8), ([0, 0, 0, 255], 0), ([255, 255, 255, 0], 0)] {
            let mut bytes = Vec::new();
            let cmyk: Vec<u8> = (0..40 * 36).flat_map(|_| ink).collect();
            let encoder = jpeg_encoder::Encoder::new(&mut bytes, 95);
            encoder.encode(&cmyk, 40, 36, jpeg_encoder::ColorType::Cmyk).unwrap();
            assert!(
                gray(&bytes).iter().all(|&v| v.abs_diff(want) < 6),
                "{ink:?}: {}",
                gray(&bytes).get_pixel(3, 3).0[0]
            );
        }
    }

    #[test]
    fn components_in_scans_of_their_own_are_read() {
        let mut bytes = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 95);
        // This encoder writes a scan for each component when it makes its own Huffman tables.
        encoder.set_optimized_huffman_tables(true);
        let soft = RgbImage::from_fn(64, 48, |x, y| Rgb([(x * 3) as u8, (y * 4) as u8, 128]));
        encoder.encode(soft.as_raw(), 64, 48, jpeg_encoder::ColorType::Rgb).unwrap();
        let scans = bytes.windows(2).filter(|w| w == &[0xff, 0xda]).count();
        assert_eq!(scans, 3, "the file is of the kind that this test is about");
        let read = gray(&bytes);
        for (x, y, p) in soft.enumerate_pixels() {
            let want = GrayRule::Direct.of(p.0[0], p.0[1], p.0[2]);
            assert!(read.get_pixel(x, y).0[0].abs_diff(want) < 8, "({x}, {y})");
        }
        assert_eq!(reason(&bytes[..bytes.len() * 2 / 3]), Reason::Truncated);
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
        let mut encoder = ::tiff::encoder::TiffEncoder::new(&mut bytes).unwrap();
        for _ in 0..2 {
            encoder.write_image::<::tiff::encoder::colortype::Gray8>(40, 36, ramp().as_raw()).unwrap();
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
