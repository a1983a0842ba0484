//! What a gray picture cannot tell: how colourful a pixel is.

use image::{GrayImage, RgbImage};

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
    fn grays_have_no_saturation_and_pure_colours_have_all() {
        let picture = RgbImage::from_vec(4, 1, vec![90, 90, 90, 255, 0, 0, 0, 0, 0, 200, 100, 150]).unwrap();
        // 100 of 200: 5222 twelfth-bit steps of a 255th, and the half is cut by the rounding of the reciprocal.
        assert_eq!(saturation(&picture).into_raw(), [0, 255, 0, 127]);
        assert_eq!(value_of(&Rgb([1u8, 9, 5]).0), 9);
    }
}
