//! Every place of a large picture: looked at on a smaller copy, and in full detail around the best place of that.
//!
//! A picture with more pixels shows a marker in more of them, not better. So what is looked at of a larger one is no more than of
//! one with [`MOST`], and takes no longer.

use image::GrayImage;

use super::marker::SmallCopy;
use super::{Area, Match, Matcher, Spectra};
use crate::geometry::PixelPoint;
use crate::imaging::pixels;

/// Pixels of a picture that is looked at as it is: A4 at 200 dots per inch.
const MOST: u64 = 1 << 22;
/// A marker keeps this many pixels on its shorter side.
const LEAST_SIDE: u32 = 8;

/// How many pixels of a picture become one, along each side, when a marker is sought at all places. Sizes are width × height.
pub(super) fn factor((width, height): (u32, u32), marker: (u32, u32)) -> u32 {
    let pixels = u64::from(width) * u64::from(height);
    let wanted = (1..).find(|factor: &u32| pixels <= MOST * u64::from(factor.pow(2))).unwrap_or(1);
    wanted.min(marker.0.min(marker.1) / LEAST_SIDE).max(1)
}

/// A smaller copy of a part of a picture, and its transforms.
pub(super) struct Reduced {
    factor: u32,
    picture: GrayImage,
    spectra: Spectra,
}

impl Reduced {
    /// Of an area, each pixel the mean of `factor` × `factor`.
    pub(super) fn of(area: Area<u8>, factor: u32) -> Self {
        Self { factor, picture: copy(area, factor), spectra: Spectra::default() }
    }

    pub(super) const fn factor(&self) -> u32 {
        self.factor
    }

    /// About where a marker fits best, from the area's top-left pixel, in its pixels: off by no more than half the factor and
    /// one. `None`: no place has a score that is above `least` by much, or the marker does not fit.
    pub(super) fn best(&mut self, marker: &GrayImage, least: f32, matcher: &mut Matcher) -> Option<PixelPoint> {
        let marker = copy(whole(marker), self.factor);
        let Match { at, .. } = matcher.best_above(whole(&self.picture), &mut self.spectra, &marker, least)?;
        Some(PixelPoint::new(at.x * self.factor as i32, at.y * self.factor as i32))
    }
}

/// All of a picture.
pub(super) fn whole(picture: &GrayImage) -> Area<'_, u8> {
    let (width, height) = picture.dimensions();
    Area::within(pixels(picture), width as usize, (0, 0, width, height))
}

fn copy(area: Area<u8>, factor: u32) -> GrayImage {
    let SmallCopy { raw, width } = SmallCopy::of(area, factor);
    let height = raw.len().checked_div(width).unwrap_or(0);
    let grays = raw.into_iter().map(|quarters| (quarters / 4) as u8).collect();
    // Of a picture, whose sides fit.
    GrayImage::from_raw(width as u32, height as u32, grays).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::coarse::tests::{paste, print, ring};
    use super::*;

    #[test]
    fn no_more_is_looked_at_than_a_marker_bears() {
        assert_eq!(factor((2048, 2048), (64, 64)), 1);
        assert_eq!(factor((2048, 2049), (64, 64)), 2);
        assert_eq!(factor((5400, 7400), (64, 64)), 4);
        assert_eq!(factor((5400, 7400), (64, 17)), 2);
        assert_eq!(factor((5400, 7400), (64, 7)), 1);
        assert_eq!(factor((u32::MAX, 1), (900, 900)), 32);
    }

    proptest! {
        #[test]
        fn the_place_is_off_by_less_than_what_is_looked_at(
            seed: u32, factor in 2..6u32, side in 48..90u32, x in 0..70u32, y in 0..60u32, darkest in 0..120u8,
        ) {
            let marker = ring(side);
            let mut img = print(161, 150, seed);
            let (x, y) = (x.min(161 - side), y.min(150 - side));
            paste(&mut img, &marker, x, y, darkest);
            let about = Reduced::of(whole(&img), factor).best(&marker, -2.0, &mut Matcher::default()).unwrap();
            let off = |about: i32, at: u32| about.abs_diff(at as i32);
            prop_assert!(off(about.x, x).max(off(about.y, y)) <= factor / 2 + 1, "{about:?} is not ({x}, {y})");
        }
    }
}
