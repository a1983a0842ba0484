//! What a gray picture cannot tell: how colourful a pixel is. And the two ways in which colours are stored.

use image::{GrayImage, RgbImage};

use super::dispatch::wide_fn;

/// What the three values of a pixel are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// Red, green, blue.
    Rgb,
    /// Luma and the two chromas of JFIF.
    YCbCr,
}

/// A colour picture as it was decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Coloured {
    /// Three values a pixel.
    pub picture: RgbImage,
    /// What they are.
    pub space: Space,
}

impl Coloured {
    /// Of red, green and blue.
    pub fn rgb(picture: RgbImage) -> Self {
        Self { picture, space: Space::Rgb }
    }

    /// The two chromas.
    pub fn chroma(&self) -> [GrayImage; 2] {
        let (width, height) = self.picture.dimensions();
        let [mut cb, mut cr] = [0, 1].map(|_| GrayImage::new(width, height));
        match self.space {
            Space::Rgb => to_chroma(&self.picture, &mut cb, &mut cr),
            Space::YCbCr => {
                for ((pixel, cb), cr) in self.picture.as_raw().chunks_exact(3).zip(cb.iter_mut()).zip(cr.iter_mut()) {
                    (*cb, *cr) = (pixel[1], pixel[2]);
                }
            }
        }
        [cb, cr]
    }

    /// Red, green and blue.
    pub fn into_rgb(mut self) -> RgbImage {
        if self.space == Space::YCbCr {
            to_rgb(&mut self.picture);
        }
        self.picture
    }
}

/// JFIF's conversion, in 14 fractional bits.
fn to_chroma(picture: &[u8], cb: &mut [u8], cr: &mut [u8]) {
    for ((pixel, cb), cr) in picture.chunks_exact(3).zip(cb).zip(cr) {
        let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(i32::from);
        let value = |sum: i32| (128 + ((sum + (1 << 13)) >> 14)).clamp(0, 255) as u8;
        *cb = value(-2765 * r - 5427 * g + 8192 * b);
        *cr = value(8192 * r - 6860 * g - 1332 * b);
    }
}

wide_fn! {
    /// JFIF's conversion, in 14 fractional bits.
    fn to_rgb(picture: &mut [u8]) {
        for pixel in picture.chunks_exact_mut(3) {
            let [y, cb, cr] = [pixel[0], pixel[1], pixel[2]].map(i32::from);
            let (cb, cr) = (cb - 128, cr - 128);
            let luma = (y << 14) + (1 << 13);
            let value = |sum: i32| (sum >> 14).clamp(0, 255) as u8;
            pixel[0] = value(luma + 22970 * cr);
            pixel[1] = value(luma - 5638 * cb - 11700 * cr);
            pixel[2] = value(luma + 29032 * cb);
        }
    }
}

/// Saturation of each pixel, 0 (gray) to 255 (a pure colour): (max − min)/max of its channels, in OpenCV's 8-bit fixed
/// point (`COLOR_BGR2HSV`). Black has saturation 0.
pub fn saturation(picture: &RgbImage) -> GrayImage {
    let mut out = GrayImage::new(picture.width(), picture.height());
    for (to, from) in out.iter_mut().zip(picture.as_raw().chunks_exact(3)) {
        let value = u32::from(value_of(from));
        let spread = value - u32::from(from.iter().copied().min().unwrap_or(0));
        // 12 fractional bits: the reciprocal of the value is rounded, then the product; at most 255. Black has no spread.
        let reciprocal = (255 * 4096 + value / 2) / value.max(1);
        *to = ((spread * reciprocal + 2048) >> 12) as u8;
    }
    out
}

/// Value (HSV) of a pixel: its strongest channel.
pub fn value_of(pixel: &[u8]) -> u8 {
    pixel.iter().copied().max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    #[test]
    fn colours_have_chroma() {
        let colours = RgbImage::from_vec(3, 1, vec![77, 77, 77, 255, 0, 0, 0, 0, 255]).unwrap();
        let [cb, cr] = Coloured::rgb(colours).chroma().map(GrayImage::into_raw);
        assert_eq!((cb, cr), (vec![128, 85, 255], vec![128, 255, 107]));
        let stored = RgbImage::from_vec(1, 1, vec![1, 2, 3]).unwrap();
        let [cb, cr] = Coloured { picture: stored, space: Space::YCbCr }.chroma().map(GrayImage::into_raw);
        assert_eq!((cb, cr), (vec![2], vec![3]));
    }

    #[test]
    fn luma_and_chroma_become_colours() {
        let stored = RgbImage::from_vec(4, 1, vec![77, 128, 128, 76, 85, 255, 150, 44, 21, 255, 255, 255]).unwrap();
        let colours = Coloured { picture: stored, space: Space::YCbCr }.into_rgb();
        // Gray, pure red and pure green, each nearly, and what is too bright.
        assert_eq!(colours.into_raw(), [77, 77, 77, 254, 0, 0, 0, 255, 1, 255, 121, 255]);
    }

    #[test]
    fn grays_have_no_saturation_and_pure_colours_have_all() {
        let picture = RgbImage::from_vec(4, 1, vec![90, 90, 90, 255, 0, 0, 0, 0, 0, 200, 100, 150]).unwrap();
        // 100 of 200: 5222 twelfth-bit steps of a 255th, and the half is cut by the rounding of the reciprocal.
        assert_eq!(saturation(&picture).into_raw(), [0, 255, 0, 127]);
        assert_eq!(value_of(&Rgb([1u8, 9, 5]).0), 9);
    }
}
