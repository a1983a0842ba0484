//! Pictures through any map, with a choice of interpolation.
//!
//! [`super::warp`] moves pictures by perspective maps with the exact integer arithmetic that readings were tuned with. Here the
//! map may be any function, and grays are blended in `f32`. Places outside of the source are black and are blended in.

use image::{GrayImage, RgbImage};

use super::{pixels, pixels_mut};
use crate::geometry::{Point, Size};

/// How a gray between pixels is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interpolation {
    /// The nearest pixel.
    Nearest,
    /// 2×2 pixels, each by its nearness.
    Linear,
    /// 4×4 pixels by Keys' cubic kernel with a = −0.75, as OpenCV has it: sharper, and it may overshoot.
    Cubic,
}

/// A picture of `size`: pixel (x, y) is what `src` shows at the place that `positions` gives for it. `positions` is
/// called for each row with its number and the places to fill in.
pub fn gray(
    src: &GrayImage,
    size: Size,
    interpolation: Interpolation,
    positions: impl FnMut(u32, &mut [Point]),
) -> GrayImage {
    let mut dst = GrayImage::new(size.width, size.height);
    let source = Source::<1> { raw: pixels(src), width: src.width() as usize, height: src.height() as usize };
    source.fill(pixels_mut(&mut dst), size, interpolation, positions);
    dst
}

/// As [`gray`], for a colour picture.
pub fn rgb(
    src: &RgbImage,
    size: Size,
    interpolation: Interpolation,
    positions: impl FnMut(u32, &mut [Point]),
) -> RgbImage {
    let mut dst = RgbImage::new(size.width, size.height);
    let source = Source::<3> { raw: src.as_raw(), width: src.width() as usize, height: src.height() as usize };
    source.fill(&mut dst, size, interpolation, positions);
    dst
}

/// A smooth map, known at every 8th pixel across and down, and linear between. A page that bends by 3 % of its width of
/// 1000 px deviates from it by less than 1/100 px, and a costly map is asked for 1/64 of the pixels.
pub struct Mesh {
    columns: usize,
    nodes: Vec<Point>,
}

impl Mesh {
    const STEP: u32 = 8;

    /// The map for pictures of `size`.
    pub fn new(size: Size, map: impl Fn(Point) -> Point) -> Self {
        let count = |length: u32| length.div_ceil(Self::STEP) as usize + 1;
        let (columns, rows) = (count(size.width), count(size.height));
        let place = |i: usize| i as f64 * f64::from(Self::STEP);
        let nodes = (0..rows).flat_map(|row| (0..columns).map(move |column| Point::new(place(column), place(row))));
        Self { columns, nodes: nodes.map(map).collect() }
    }

    /// Where the pixels of a row go.
    pub fn row(&self, y: u32, out: &mut [Point]) {
        let step = f64::from(Self::STEP);
        let (row, down) = ((y / Self::STEP) as usize, f64::from(y % Self::STEP) / step);
        let between = |a: Point, b: Point, part: f64| Point::new(a.x + (b.x - a.x) * part, a.y + (b.y - a.y) * part);
        let node = |column: usize| {
            let at = |row: usize| self.nodes.get(row * self.columns + column).copied().unwrap_or(Point::new(0.0, 0.0));
            between(at(row), at(row + 1), down)
        };
        for (column, piece) in out.chunks_mut(Self::STEP as usize).enumerate() {
            let (left, right) = (node(column), node(column + 1));
            for (i, place) in piece.iter_mut().enumerate() {
                *place = between(left, right, i as f64 / step);
            }
        }
    }
}

/// Interleaved pixels of `C` channels.
struct Source<'a, const C: usize> {
    raw: &'a [u8],
    width: usize,
    height: usize,
}

impl<const C: usize> Source<'_, C> {
    fn fill(
        &self,
        dst: &mut [u8],
        size: Size,
        interpolation: Interpolation,
        mut positions: impl FnMut(u32, &mut [Point]),
    ) {
        if self.raw.is_empty() || size.pixels() == 0 {
            return;
        }
        let mut places = vec![Point::new(0.0, 0.0); size.width as usize];
        for (y, row) in (0..).zip(dst.chunks_exact_mut(size.width as usize * C)) {
            positions(y, &mut places);
            for (out, &place) in row.chunks_exact_mut(C).zip(&places) {
                match interpolation {
                    Interpolation::Nearest => self.nearest(place, out),
                    Interpolation::Linear => self.blend::<2>(place, out, |f| [1.0 - f, f]),
                    Interpolation::Cubic => self.blend::<4>(place, out, cubic_weights),
                }
            }
        }
    }

    fn nearest(&self, place: Point, out: &mut [u8]) {
        // A cast of a float saturates, and NaN becomes 0.
        let (x, y) = (place.x.round() as i64, place.y.round() as i64);
        for (c, out) in out.iter_mut().enumerate() {
            *out = self.pixel_or_black(x, y, c);
        }
    }

    /// The weighted sum of N×N pixels around a place.
    fn blend<const N: usize>(&self, place: Point, out: &mut [u8], weights: impl Fn(f32) -> [f32; N]) {
        let (left, top) = (place.x.floor(), place.y.floor());
        let (across, down) = (weights((place.x - left) as f32), weights((place.y - top) as f32));
        let before = N as i64 / 2 - 1;
        let (x0, y0) = ((left as i64).saturating_sub(before), (top as i64).saturating_sub(before));
        let fits = |start: i64, length: usize| usize::try_from(start).ok().filter(|s| s.saturating_add(N) <= length);
        if let (Some(x), Some(y)) = (fits(x0, self.width), fits(y0, self.height)) {
            for (c, out) in out.iter_mut().enumerate() {
                let mut sum = 0.0;
                for (row, weight) in down.iter().enumerate() {
                    let at = ((y + row) * self.width + x) * C + c;
                    let line = across.iter().enumerate().map(|(i, w)| w * f32::from(self.raw[at + i * C]));
                    sum += weight * line.sum::<f32>();
                }
                *out = sum.round().clamp(0.0, 255.0) as u8;
            }
            return;
        }
        for (c, out) in out.iter_mut().enumerate() {
            let mut sum = 0.0;
            for (row, weight) in (0..).zip(&down) {
                for (column, w) in (0..).zip(&across) {
                    let pixel = self.pixel_or_black(x0.saturating_add(column), y0.saturating_add(row), c);
                    sum += weight * w * f32::from(pixel);
                }
            }
            *out = sum.round().clamp(0.0, 255.0) as u8;
        }
    }

    fn pixel_or_black(&self, x: i64, y: i64, channel: usize) -> u8 {
        match (usize::try_from(x), usize::try_from(y)) {
            (Ok(x), Ok(y)) if x < self.width && y < self.height => self.raw[(y * self.width + x) * C + channel],
            _ => 0,
        }
    }
}

/// Weights of the four pixels around a place that lies `f` after the second. Keys: Cubic convolution interpolation for
/// digital image processing, 1981.
fn cubic_weights(f: f32) -> [f32; 4] {
    const A: f32 = -0.75;
    let far = |d: f32| ((A * d - 5.0 * A) * d + 8.0 * A) * d - 4.0 * A;
    let near = |d: f32| ((A + 2.0) * d - (A + 3.0)) * d * d + 1.0;
    let [first, second, third] = [far(f + 1.0), near(f), near(1.0 - f)];
    [first, second, third, 1.0 - first - second - third]
}

#[cfg(test)]
mod tests {
    use image::{Luma, Rgb};
    use imageproc::gray_image;
    use proptest::prelude::*;

    use super::*;
    use crate::imaging::arbitrary::picture;

    const ALL: [Interpolation; 3] = [Interpolation::Nearest, Interpolation::Linear, Interpolation::Cubic];

    fn moved(src: &GrayImage, interpolation: Interpolation, dx: f64, dy: f64) -> GrayImage {
        let size = Size::new(src.width(), src.height());
        gray(src, size, interpolation, |y, row| {
            for (x, place) in (0..).zip(row) {
                *place = Point::new(f64::from(x) + dx, f64::from(y) + dy);
            }
        })
    }

    #[test]
    fn whole_steps_move_pixels_and_the_rest_is_black() {
        let src = gray_image!(10, 20, 30; 40, 50, 60);
        for interpolation in ALL {
            assert_eq!(moved(&src, interpolation, 0.0, 0.0), src);
            assert_eq!(moved(&src, interpolation, 1.0, 1.0), gray_image!(50, 60, 0; 0, 0, 0), "{interpolation:?}");
        }
    }

    #[test]
    fn half_steps_blend() {
        let src = gray_image!(0, 0, 100, 100, 0, 0);
        assert_eq!(moved(&src, Interpolation::Nearest, 0.4, 0.0), src);
        assert_eq!(moved(&src, Interpolation::Linear, 0.5, 0.0), gray_image!(0, 50, 100, 50, 0, 0));
        // Keys' weights at one half: −3/32, 19/32, 19/32, −3/32.
        assert_eq!(moved(&src, Interpolation::Cubic, 0.5, 0.0), gray_image!(0, 50, 119, 50, 0, 0));
    }

    #[test]
    fn colour_channels_are_moved_alone() {
        let src = RgbImage::from_fn(9, 9, |x, y| Rgb([(x * 25) as u8, (y * 25) as u8, (x * y * 3) as u8]));
        for interpolation in ALL {
            let positions = |y: u32, row: &mut [Point]| {
                for (x, place) in (0..).zip(row) {
                    *place = Point::new(f64::from(x) * 0.9 - 0.3, f64::from(y) + 0.4 * f64::from(x));
                }
            };
            let warped = rgb(&src, Size::new(12, 9), interpolation, positions);
            for c in 0..3 {
                let channel = GrayImage::from_fn(9, 9, |x, y| Luma([src.get_pixel(x, y).0[c]]));
                let want = gray(&channel, Size::new(12, 9), interpolation, positions);
                assert!(want.enumerate_pixels().all(|(x, y, p)| p.0[0] == warped.get_pixel(x, y).0[c]));
            }
        }
    }

    #[test]
    fn a_mesh_follows_a_bent_page() {
        let map = |p: Point| Point::new(p.x + 2.0, p.y + 30.0 * (p.x / 1000.0 * std::f64::consts::PI).sin());
        let mesh = Mesh::new(Size::new(1000, 50), map);
        let mut row = vec![Point::new(0.0, 0.0); 1000];
        mesh.row(37, &mut row);
        for (x, place) in row.into_iter().enumerate() {
            assert!(place.distance(map(Point::new(x as f64, 37.0))) < 0.01);
        }
    }

    proptest! {
        #[test]
        fn any_place_is_survived(src in picture(6, 6), x: f64, y: f64, which in 0..3usize) {
            gray(&src, Size::new(3, 2), ALL[which], |_, row| row.fill(Point::new(x, y)));
        }

        #[test]
        fn grays_stay_within_those_around(src in picture(9, 9), dx in -12.0..12.0f64, dy in -12.0..12.0f64) {
            let max = src.iter().copied().max().unwrap_or(0);
            let warped = moved(&src, Interpolation::Linear, dx, dy);
            prop_assert!(warped.iter().all(|v| *v <= max));
        }
    }
}
