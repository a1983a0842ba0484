//! Pictures become files.

use std::io::Cursor;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{GrayImage, ImageFormat, RgbImage, imageops};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use super::DeckError;
use super::camera::Picture;

/// Whether a picture is stored with its colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Three colours.
    Colour,
    /// 8-bit gray.
    Gray,
}

/// A JPEG file of the given quality, 1 to 100.
///
/// # Errors
/// [`DeckError::Jpeg`] if the picture is wider or higher than a JPEG can be.
pub fn jpeg(picture: &RgbImage, tone: Tone, quality: u8) -> Result<Vec<u8>, DeckError> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality);
    // One interleaved scan with half the colour resolution, as cameras and scanners write it. Optimised Huffman tables
    // would be a little smaller, but make this encoder write a scan per colour.
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    let side = |pixels: u32| u16::try_from(pixels).map_err(|_| DeckError::TooLarge { pixels });
    let (width, height) = (side(picture.width())?, side(picture.height())?);
    match tone {
        Tone::Colour => encoder.encode(picture.as_raw(), width, height, ColorType::Rgb)?,
        Tone::Gray => encoder.encode(imageops::grayscale(picture).as_raw(), width, height, ColorType::Luma)?,
    }
    Ok(bytes)
}

/// A JPEG file of a picture, of the given quality, 1 to 100.
///
/// # Errors
/// As [`jpeg`].
pub fn jpeg_picture(picture: &Picture, quality: u8) -> Result<Vec<u8>, DeckError> {
    match picture {
        Picture::Colour(colour) => jpeg(colour, Tone::Colour, quality),
        Picture::Gray(gray) => {
            let mut bytes = Vec::new();
            let side = |pixels: u32| u16::try_from(pixels).map_err(|_| DeckError::TooLarge { pixels });
            let (width, height) = (side(gray.width())?, side(gray.height())?);
            Encoder::new(&mut bytes, quality).encode(gray.as_raw(), width, height, ColorType::Luma)?;
            Ok(bytes)
        }
    }
}

/// A PNG file of a picture, written fast rather than small: noise does not shrink.
///
/// # Errors
/// As [`png()`].
pub fn png_picture(picture: &Picture) -> Result<Vec<u8>, DeckError> {
    let mut bytes = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Sub);
    match picture {
        Picture::Gray(gray) => gray.write_with_encoder(encoder)?,
        Picture::Colour(colour) => colour.write_with_encoder(encoder)?,
    }
    Ok(bytes)
}

/// A gray PNG file.
///
/// # Errors
/// [`DeckError::Png`], which does not happen in memory.
pub fn png(picture: &GrayImage) -> Result<Vec<u8>, DeckError> {
    let mut bytes = Vec::new();
    picture.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_decode_to_their_pictures() {
        let picture = RgbImage::from_fn(40, 30, |x, _| image::Rgb([100 + x as u8; 3]));
        let gray = imageops::grayscale(&picture);
        assert_eq!(image::load_from_memory(&png(&gray).unwrap()).unwrap().to_luma8(), gray);
        for tone in [Tone::Gray, Tone::Colour] {
            let decoded = image::load_from_memory(&jpeg(&picture, tone, 95).unwrap()).unwrap().to_luma8();
            let differences: Vec<u8> =
                decoded.pixels().zip(gray.pixels()).map(|(a, b)| a.0[0].abs_diff(b.0[0])).collect();
            assert!(differences.iter().all(|&d| d < 6), "{tone:?}: {differences:?}");
        }
    }

    #[test]
    fn a_picture_too_wide_for_jpeg_is_an_error() {
        let wide = RgbImage::new(70_000, 1);
        assert!(matches!(jpeg(&wide, Tone::Gray, 80), Err(DeckError::TooLarge { pixels: 70_000 })));
    }
}
