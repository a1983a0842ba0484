//! What a gray picture cannot tell: the colours of a picture in the two ways in which they are stored, what leads from one to
//! the other, and how colourful a pixel is.

use image::{GrayImage, Luma, RgbImage};

use super::dispatch::wide_fn;
use super::{pixels, pixels_mut};
use crate::geometry::Size;

/// The colours of a picture as they were decoded.
#[derive(Debug, Clone, PartialEq)]
pub enum Coloured {
    /// Red, green and blue of each pixel.
    Rgb(RgbImage),
    /// What there is beside a gray picture that is the luma.
    Chroma(Chroma),
}

/// The two chromas of a picture (JFIF's Cb and Cr).
#[derive(Debug, Clone, PartialEq)]
pub struct Chroma {
    /// Width × height of the picture, which is that of its luma.
    pub size: Size,
    /// Cb and Cr, both of one size: that of the picture, or a smaller one, so that each of their pixels stands for an equal part.
    pub planes: [GrayImage; 2],
}

impl Coloured {
    /// Of red, green and blue.
    pub fn rgb(picture: RgbImage) -> Self {
        Self::Rgb(picture)
    }

    /// Width × height in pixels.
    pub fn size(&self) -> Size {
        match self {
            Self::Rgb(picture) => Size::new(picture.width(), picture.height()),
            Self::Chroma(chroma) => chroma.size,
        }
    }

    /// Red, green and blue; `luma` is the gray picture that these are the colours of.
    pub fn into_rgb(self, luma: &GrayImage) -> RgbImage {
        match self {
            Self::Rgb(picture) => picture,
            Self::Chroma(Chroma { planes, .. }) => rgb_of(luma, &planes),
        }
    }
}

/// The chromas of what has no colour.
pub fn no_chroma(size: Size) -> [GrayImage; 2] {
    [0, 1].map(|_| GrayImage::from_pixel(size.width, size.height, Luma([128])))
}

/// Red, green and blue of a picture of this luma, with chromas of which each pixel stands for an equal part of it. Black if
/// there are none.
pub fn rgb_of(luma: &GrayImage, chroma: &[GrayImage; 2]) -> RgbImage {
    let mut picture = RgbImage::new(luma.width(), luma.height());
    let [cb, cr] = chroma;
    let (width, height) = (luma.width() as usize, luma.height() as usize);
    let (across, down) = (cb.width() as usize, cb.height() as usize);
    if across * down == 0 || cb.dimensions() != cr.dimensions() || width * height == 0 {
        return picture;
    }
    let columns: Vec<usize> = (0..width).map(|x| x * across / width).collect();
    let rows = pixels(luma).chunks_exact(width).zip(picture.chunks_exact_mut(3 * width));
    for (y, (luma, out)) in rows.enumerate() {
        let from = y * down / height * across;
        let (cb, cr) = (&pixels(cb)[from..from + across], &pixels(cr)[from..from + across]);
        for ((pixel, &y), &x) in out.chunks_exact_mut(3).zip(luma).zip(&columns) {
            pixel.copy_from_slice(&rgb_of_pixel(y, cb[x], cr[x]));
        }
    }
    picture
}

/// JFIF's conversion, in 14 fractional bits.
#[inline(always)]
fn rgb_of_pixel(luma: u8, cb: u8, cr: u8) -> [u8; 3] {
    let [y, cb, cr] = [luma, cb, cr].map(i32::from);
    let (cb, cr) = (cb - 128, cr - 128);
    let luma = (y << 14) + (1 << 13);
    let value = |sum: i32| (sum >> 14).clamp(0, 255) as u8;
    [value(luma + 22970 * cr), value(luma - 5638 * cb - 11700 * cr), value(luma + 29032 * cb)]
}

/// The chromas of each pixel of a picture.
pub fn chromas(picture: &RgbImage) -> [GrayImage; 2] {
    let [mut cb, mut cr] = [0, 1].map(|_| GrayImage::new(picture.width(), picture.height()));
    to_chroma(picture.as_raw(), pixels_mut(&mut cb), pixels_mut(&mut cr));
    [cb, cr]
}

wide_fn! {
    fn to_chroma(picture: &[u8], cb: &mut [u8], cr: &mut [u8]) {
        let (picture, _) = picture.as_chunks::<3>();
        let count = picture.len().min(cb.len()).min(cr.len());
        for i in 0..count {
            let [r, g, b] = picture[i];
            [cb[i], cr[i]] = chroma_of(4 * r as u16, 4 * g as u16, 4 * b as u16);
        }
    }
}

/// JFIF's luma of a colour, with 7 binary places between.
#[inline(always)]
pub fn luma_of(r: u16, g: u16, b: u16) -> u8 {
    let [r, g, b] = [r, g, b].map(|v| (v as i16 - 128) << 7);
    let part = |v: i16, share: i32| ((i32::from(v) * share) >> 16) as i16;
    // 0.299, 0.5 + 0.087 and 0.114 of 2¹⁶, together 1: grays stay what they are.
    let sum = part(r, 19_595) + (g >> 1) + part(g, 5_702) + part(b, 7_471);
    (((sum + 64) >> 7) + 128) as u8
}

/// JFIF's Cb and Cr of the mean of four colours, given by their sums, with 7 binary places between.
#[inline(always)]
pub fn chroma_of(r: u16, g: u16, b: u16) -> [u8; 2] {
    let [r, g, b] = [r, g, b].map(|sum| (sum << 5) as i16);
    let part = |v: i16, share: i32| ((i32::from(v) * share) >> 16) as i16;
    // 0.1687, 0.3313, 0.4187 and 0.0813 of 2¹⁶: in gray they cancel to the half of the third.
    let cb = (b >> 1) + part(r, -11_058) + part(g, -21_710);
    let cr = (r >> 1) + part(g, -27_439) + part(b, -5_329);
    [cb, cr].map(|v| (((v + 64) >> 7) + 128).clamp(0, 255) as u8)
}

/// JFIF's conversion of a colour, as near as bytes can be.
pub fn ycbcr([r, g, b]: [u8; 3]) -> [u8; 3] {
    let [r, g, b] = [r, g, b].map(f64::from);
    let y = 0.299 * r + 0.587 * g + 0.114 * b;
    let cb = 128.0 - 0.168_735_9 * r - 0.331_264_1 * g + 0.5 * b;
    let cr = 128.0 + 0.5 * r - 0.418_687_6 * g - 0.081_312_4 * b;
    [y, cb, cr].map(|v| v.round().clamp(0.0, 255.0) as u8)
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
        let [cb, cr] = chromas(&colours).map(GrayImage::into_raw);
        assert_eq!((cb, cr), (vec![128, 85, 255], vec![128, 255, 107]));
    }

    #[test]
    fn luma_and_chroma_become_colours() {
        let plane = |values: [u8; 4]| GrayImage::from_vec(4, 1, values.to_vec()).unwrap();
        let chroma = Chroma { size: Size::new(4, 1), planes: [plane([128, 85, 44, 255]), plane([128, 255, 21, 255])] };
        let colours = Coloured::Chroma(chroma).into_rgb(&plane([77, 76, 150, 255]));
        // Gray, pure red and pure green, each nearly, and what is too bright.
        assert_eq!(colours.into_raw(), [77, 77, 77, 254, 0, 0, 0, 255, 1, 255, 121, 255]);
    }

    #[test]
    fn each_pixel_of_chroma_stands_for_an_equal_part() {
        let luma = GrayImage::from_pixel(5, 2, Luma([100]));
        let plane = |values: [u8; 3]| GrayImage::from_vec(3, 1, values.to_vec()).unwrap();
        let colours = rgb_of(&luma, &[plane([128; 3]), plane([128, 178, 228])]);
        let reds: Vec<u8> = colours.pixels().map(|p| p.0[0]).collect();
        assert_eq!(reds, [100, 100, 170, 170, 240, 100, 100, 170, 170, 240]);
        assert_eq!(rgb_of(&luma, &[GrayImage::new(0, 0), GrayImage::new(0, 0)]), RgbImage::new(5, 2));
    }

    #[test]
    fn grays_have_no_saturation_and_pure_colours_have_all() {
        let picture = RgbImage::from_vec(4, 1, vec![90, 90, 90, 255, 0, 0, 0, 0, 0, 200, 100, 150]).unwrap();
        // 100 of 200: 5222 twelfth-bit steps of a 255th, and the half is cut by the rounding of the reciprocal.
        assert_eq!(saturation(&picture).into_raw(), [0, 255, 0, 127]);
        assert_eq!(value_of(&Rgb([1u8, 9, 5]).0), 9);
    }
}
