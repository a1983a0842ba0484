//! Image operations that know no template: each is a free function on 8-bit pictures.
//!
//! Gray pictures are [`image::GrayImage`], points and boxes come from [`crate::geometry`]. Nothing here opens a file,
//! prints, or fails: a picture without pixels, a kernel bigger than the picture or a degenerate quad has a stated result.
//!
//! Bubbles are read by comparing means that may differ by less than a gray level, so every operation follows the
//! integer or `f32` arithmetic of the programs that existing templates were tuned with (OMRChecker on OpenCV), down to
//! the rounding. Where an operation is not exact, its documentation says so. The fast versions are checked in the tests
//! against slow, plain ones.

pub mod blur;
pub mod clahe;
pub mod colour;
pub mod coloured;
pub mod contours;
pub mod correlation;
pub mod cutting;
pub mod dispatch;
pub mod edges;
pub mod fit;
pub mod jpeg;
pub mod matching;
pub mod morphology;
pub mod orient;
pub mod overlay;
pub mod png;
pub mod polygon;
pub mod registration;
pub mod remap;
pub mod resize;
pub mod robust;
pub mod sketch;
pub mod spline;
pub mod stats;
pub mod symbols;
pub mod tone;
pub mod warp;

use image::GrayImage;

/// The pixels of a picture, row after row. (A picture may own a longer buffer than it uses.)
fn pixels(img: &GrayImage) -> &[u8] {
    let raw = img.as_raw().as_slice();
    raw.get(..img.width() as usize * img.height() as usize).unwrap_or(raw)
}

/// As [`pixels`], to write to.
fn pixels_mut(img: &mut GrayImage) -> &mut [u8] {
    let len = img.width() as usize * img.height() as usize;
    let raw: &mut [u8] = img;
    let len = len.min(raw.len());
    &mut raw[..len]
}

/// Index `i` of a line of `len` pixels, mirrored at both ends without repeating the edge pixel (…2 1 | 0 1 2…), as
/// often as needed. A line of one pixel is that pixel everywhere; `len` must not be 0.
fn mirrored(i: i64, len: usize) -> usize {
    let last = len as i64 - 1;
    if last <= 0 {
        return 0;
    }
    let i = i.rem_euclid(2 * last);
    (if i > last { 2 * last - i } else { i }) as usize
}

#[cfg(test)]
pub(crate) mod arbitrary {
    //! Random pictures for the property tests.

    use image::GrayImage;
    use proptest::prelude::*;

    /// Pictures of up to `max_width` × `max_height` pixels, also without any.
    pub fn picture(max_width: u32, max_height: u32) -> impl Strategy<Value = GrayImage> {
        valued(max_width, max_height, 0..=255)
    }

    /// As [`picture`], with few different values, so that equal neighbours are common.
    pub fn flat_picture(max_width: u32, max_height: u32) -> impl Strategy<Value = GrayImage> {
        valued(max_width, max_height, 0..=3)
    }

    /// Pictures of zeros and 255s.
    pub fn mask(max_width: u32, max_height: u32) -> impl Strategy<Value = GrayImage> {
        valued(max_width, max_height, 0..=1).prop_map(|mut img| {
            img.iter_mut().for_each(|v| *v *= 255);
            img
        })
    }

    fn valued(
        max_width: u32,
        max_height: u32,
        values: std::ops::RangeInclusive<u8>,
    ) -> impl Strategy<Value = GrayImage> {
        (0..=max_width, 0..=max_height).prop_flat_map(move |(w, h)| {
            proptest::collection::vec(values.clone(), (w * h) as usize)
                .prop_map(move |raw| GrayImage::from_raw(w, h, raw).unwrap())
        })
    }
}
