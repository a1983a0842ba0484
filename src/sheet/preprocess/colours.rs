//! The colours of a picture on its way to the page.
//!
//! Steps make one gray picture of another, because readings go by every rounding in between. Colours are for people: they
//! stay as they were decoded, beside the map to where the steps have come, and are sampled once, at the end.

use std::sync::Arc;

use image::{GrayImage, RgbImage};

use crate::geometry::{Point, Size};
use crate::imaging::colour::{self, Chroma, Coloured};
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
        let size = decoded.size();
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
        Self::new(match &*self.decoded {
            Coloured::Rgb(picture) => Coloured::Rgb(remap::rgb(picture, size, interpolation, |y, row| {
                positions(y, row);
                row.iter_mut().for_each(|place| *place = back.apply(*place));
            })),
            Coloured::Chroma(chroma) => {
                let (width, height) = chroma.planes[0].dimensions();
                let back = back.then(&Homography::resizing(chroma.size, Size::new(width, height)));
                let (right, bottom) = (f64::from(width) - 1.0, f64::from(height) - 1.0);
                let planes = chroma.planes.each_ref().map(|plane| {
                    remap::gray(plane, size, interpolation, |y, row| {
                        positions(y, row);
                        // Chromas of 0, as there are outside, would be a colour.
                        row.iter_mut().for_each(|place| {
                            let Point { x, y } = back.apply(*place);
                            *place = Point::new(x.min(right).max(0.0), y.min(bottom).max(0.0));
                        });
                    })
                });
                Coloured::Chroma(Chroma { size, planes })
            }
        })
    }

    /// The raster's picture in its own colours, given its luma: they are sampled at half the size, as a JPEG has them.
    pub fn planes(&self, luma: GrayImage) -> Planes {
        // The middle of a half pixel is that of the two by two that it stands for.
        let halved = Homography([0.5, 0.0, -0.25, 0.0, 0.5, -0.25, 0.0, 0.0, 1.0]);
        let size = Planes::chroma_size(self.size);
        let map = self.map.then(&halved);
        let chroma = match &*self.decoded {
            Coloured::Rgb(picture) => {
                warp::through_rgb(picture, &map, size, Outside::Nearest).map(|picture| colour::chromas(&picture))
            }
            Coloured::Chroma(chroma) => sampled(chroma, &map, size),
        };
        // A map without a way back shows nothing.
        Planes { luma, chroma: chroma.unwrap_or_else(|| colour::no_chroma(size)) }
    }

    /// The colour picture of the raster, red, green and blue, given its luma.
    pub fn picture(&self, luma: &GrayImage) -> RgbImage {
        match &*self.decoded {
            Coloured::Rgb(decoded) => {
                let picture = match self.is_moved {
                    true => warp::through_rgb(decoded, &self.map, self.size, Outside::Black),
                    false => None,
                };
                picture.unwrap_or_else(|| resize::linear_rgb(decoded, self.size))
            }
            Coloured::Chroma(chroma) => {
                let chroma = sampled(chroma, &self.map, self.size);
                colour::rgb_of(luma, &chroma.unwrap_or_else(|| colour::no_chroma(self.size)))
            }
        }
    }
}

/// Chromas seen by `map`, which takes places of their picture to those of one of `size`.
fn sampled(chroma: &Chroma, map: &Homography, size: Size) -> Option<[GrayImage; 2]> {
    let own = Size::new(chroma.planes[0].width(), chroma.planes[0].height());
    let map = Homography::resizing(own, chroma.size).then(map);
    // Chromas of 0, as black has them by itself, would be a colour.
    warp::through_pair(chroma.planes.each_ref(), &map, size, Outside::Nearest)
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

    /// Colours know their own luma.
    fn gray() -> GrayImage {
        GrayImage::new(0, 0)
    }

    fn furthest(a: &RgbImage, b: &RgbImage) -> u8 {
        assert_eq!(a.dimensions(), b.dimensions());
        a.iter().zip(b.iter()).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
    }

    #[test]
    fn a_resized_picture_is_resized_exactly() {
        assert_eq!(colours().picture(&gray()), picture());
        let size = Size::new(33, 50);
        assert_eq!(colours().resized(size).picture(&gray()), resize::linear_rgb(&picture(), size));
    }

    #[test]
    fn turns_are_those_of_pictures() {
        for turn in Turn::ALL {
            let turned = colours().turned_back(turn).picture(&gray());
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
        let at_once = colours().resized(sizes[1]).through(&map, sizes[2]).resized(sizes[0]).picture(&gray());
        // Within: at the edge black is blended in.
        for (x, y, p) in at_once.enumerate_pixels().filter(|(x, y, _)| (6..54).contains(x) && (6..35).contains(y)) {
            let other = step_by_step.get_pixel(x, y);
            assert!(p.0.iter().zip(&other.0).all(|(a, b)| a.abs_diff(*b) < 8), "{x} {y}: {p:?} {other:?}");
        }
    }

    #[test]
    fn chromas_go_the_way_of_colours() {
        let map = Homography([1.1, 0.05, -3.0, -0.04, 0.95, 2.0, 0.0, 0.0, 1.0]);
        let halves = Homography([0.5, 0.0, -0.25, 0.0, 0.5, -0.25, 0.0, 0.0, 1.0]);
        let small =
            warp::through_pair(colour::chromas(&picture()).each_ref(), &halves, Size::new(30, 21), Outside::Nearest)
                .unwrap();
        for planes in [colour::chromas(&picture()), small] {
            let chroma = Colours::new(Coloured::Chroma(Chroma { size: Size::new(60, 41), planes }));
            let same = |y: u32, row: &mut [Point]| {
                for (x, place) in (0..).zip(row) {
                    *place = Point::new(f64::from(x), f64::from(y));
                }
            };
            let way = |colours: Colours| {
                let moved = colours.resized(Size::new(90, 62)).through(&map, Size::new(80, 60)).turned_back(Turn::Half);
                [
                    moved.planes(gray()).chroma,
                    moved.remapped(Size::new(80, 60), Interpolation::Linear, same).planes(gray()).chroma,
                ]
            };
            for (one, other) in way(chroma).iter().flatten().zip(way(colours()).iter().flatten()) {
                assert_eq!(one.dimensions(), (40, 30));
                // Within: at the edges of the picture one is black outside.
                let within = one.enumerate_pixels().filter(|(x, y, _)| (4..34).contains(x) && (4..24).contains(y));
                for (x, y, p) in within {
                    let other = other.get_pixel(x, y).0[0];
                    assert!(p.0[0].abs_diff(other) <= 4, "{x} {y}: {} {other}", p.0[0]);
                }
            }
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
        assert!(furthest(&same.picture(&gray()), &half.picture(&gray())) <= 4);
    }
}
