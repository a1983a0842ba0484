//! The colours of a picture on its way to the page.
//!
//! Steps make one gray picture of another, because readings go by every rounding in between. Colours are for people: they
//! stay as they were decoded, beside the map to where the steps have come, and are sampled once, at the end.

use std::sync::Arc;

use image::{GrayImage, RgbImage};

use crate::geometry::{Point, Size};
use crate::imaging::colour::{Coloured, Space};
use crate::imaging::jpeg::Planes;
use crate::imaging::orient::Turn;
use crate::imaging::remap::{self, Interpolation};
use crate::imaging::resize;
use crate::imaging::warp::{self, Homography, Outside};

/// A decoded colour picture, and how it is seen from the raster that steps have made.
#[derive(Debug, Clone, PartialEq)]
pub struct Colours {
    decoded: Arc<Coloured>,
    /// Takes places of the decoded picture to those of the raster.
    map: Homography,
    /// The raster's.
    size: Size,
    /// The map is more than a change of size.
    is_moved: bool,
}

impl Colours {
    /// As they were decoded.
    pub fn new(decoded: Coloured) -> Self {
        let size = Size::new(decoded.picture.width(), decoded.picture.height());
        Self { decoded: decoded.into(), map: Homography::IDENTITY, size, is_moved: false }
    }

    /// Those of a raster that is resized to `size`.
    pub fn resized(self, size: Size) -> Self {
        let map = self.map.then(&Homography::resizing(self.size, size));
        Self { map, size, ..self }
    }

    /// Those of a raster that was turned back.
    pub fn turned_back(self, turn: Turn) -> Self {
        if turn == Turn::None {
            return self;
        }
        let (right, bottom) = (f64::from(self.size.width) - 1.0, f64::from(self.size.height) - 1.0);
        let map = match turn.inverse() {
            Turn::None => Homography::IDENTITY,
            Turn::Quarter => Homography([0.0, -1.0, bottom, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]),
            Turn::Half => Homography([-1.0, 0.0, right, 0.0, -1.0, bottom, 0.0, 0.0, 1.0]),
            Turn::ThreeQuarters => Homography([0.0, 1.0, 0.0, -1.0, 0.0, right, 0.0, 0.0, 1.0]),
        };
        let size = if turn.is_sideways() { Size::new(self.size.height, self.size.width) } else { self.size };
        self.through(&map, size)
    }

    /// Those of a raster that was moved by `map`, in a frame of `size`.
    pub fn through(self, map: &Homography, size: Size) -> Self {
        Self { map: self.map.then(map), size, is_moved: true, ..self }
    }

    /// Those of a raster of `size` whose pixels `positions` finds in the one before, row by row.
    pub fn remapped(
        &self,
        size: Size,
        interpolation: Interpolation,
        mut positions: impl FnMut(u32, &mut [Point]),
    ) -> Self {
        let Some(back) = self.map.inverse() else { return self.clone().resized(size) };
        let picture = remap::rgb(&self.decoded.picture, size, interpolation, |y, row| {
            positions(y, row);
            row.iter_mut().for_each(|place| *place = back.apply(*place));
        });
        Self::new(Coloured { picture, space: self.decoded.space })
    }

    /// What lies outside of the decoded picture: chromas of 0 would be a colour.
    fn outside(&self) -> Outside {
        match self.decoded.space {
            Space::Rgb => Outside::Black,
            Space::YCbCr => Outside::Nearest,
        }
    }

    /// The raster's picture in its own colours, given its luma: they are sampled at half the size, as a JPEG has them.
    pub fn planes(&self, luma: GrayImage) -> Planes {
        // The middle of a half pixel is that of the two by two that it stands for.
        let halved = Homography([0.5, 0.0, -0.25, 0.0, 0.5, -0.25, 0.0, 0.0, 1.0]);
        let size = Planes::chroma_size(self.size);
        let sampled = warp::through_rgb(&self.decoded.picture, &self.map.then(&halved), size, Outside::Nearest);
        // A map without a way back shows nothing.
        let sampled =
            Coloured { picture: sampled.unwrap_or(RgbImage::new(size.width, size.height)), space: self.decoded.space };
        Planes { luma, chroma: sampled.chroma() }
    }

    /// The colour picture of the raster, red, green and blue.
    pub fn picture(&self) -> RgbImage {
        let decoded = &self.decoded.picture;
        let picture = match self.is_moved {
            true => warp::through_rgb(decoded, &self.map, self.size, self.outside()),
            false => None,
        };
        let picture = picture.unwrap_or_else(|| resize::linear_rgb(decoded, self.size));
        Coloured { picture, space: self.decoded.space }.into_rgb()
    }
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;
    use crate::imaging::orient;

    fn picture() -> RgbImage {
        RgbImage::from_fn(60, 41, |x, y| Rgb([(4 * x) as u8, (6 * y) as u8, (2 * x + 2 * y) as u8]))
    }

    fn colours() -> Colours {
        Colours::new(Coloured::rgb(picture()))
    }

    fn furthest(a: &RgbImage, b: &RgbImage) -> u8 {
        assert_eq!(a.dimensions(), b.dimensions());
        a.iter().zip(b.iter()).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
    }

    #[test]
    fn a_resized_picture_is_resized_exactly() {
        assert_eq!(colours().picture(), picture());
        let size = Size::new(33, 50);
        assert_eq!(colours().resized(size).picture(), resize::linear_rgb(&picture(), size));
    }

    #[test]
    fn turns_are_those_of_pictures() {
        for turn in Turn::ALL {
            let turned = colours().turned_back(turn).picture();
            assert_eq!(furthest(&turned, &orient::turned_back(picture(), turn)), 0, "{turn:?}");
        }
    }

    #[test]
    fn one_sampling_is_as_good_as_many() {
        let map = Homography([1.1, 0.05, -3.0, -0.04, 0.95, 2.0, 0.0, 0.0, 1.0]);
        let sizes = [Size::new(60, 41), Size::new(90, 62), Size::new(80, 60)];
        let mut step_by_step = resize::linear_rgb(&picture(), sizes[1]);
        step_by_step = warp::through_rgb(&step_by_step, &map, sizes[2], Outside::Black).unwrap();
        step_by_step = resize::linear_rgb(&step_by_step, sizes[0]);
        let at_once = colours().resized(sizes[1]).through(&map, sizes[2]).resized(sizes[0]).picture();
        // Within: at the edge black is blended in.
        for (x, y, p) in at_once.enumerate_pixels().filter(|(x, y, _)| (6..54).contains(x) && (6..35).contains(y)) {
            let other = step_by_step.get_pixel(x, y);
            assert!(p.0.iter().zip(&other.0).all(|(a, b)| a.abs_diff(*b) < 8), "{x} {y}: {p:?} {other:?}");
        }
    }

    #[test]
    fn remapped_places_are_those_of_the_raster() {
        let half = colours().resized(Size::new(30, 20));
        let same = half.remapped(Size::new(30, 20), Interpolation::Linear, |y, row| {
            for (x, place) in (0..).zip(row) {
                *place = Point::new(f64::from(x), f64::from(y));
            }
        });
        assert!(furthest(&same.picture(), &half.picture()) <= 4);
    }
}
