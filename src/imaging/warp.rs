//! Perspective warps, bilinear.
//!
//! Source positions are rounded to 1/32 pixel; what lies outside of the source ([`Outside`]) is blended in. The arithmetic
//! is that of `cv2.warpPerspective` with `INTER_LINEAR`, so that readings agree to the gray level.

use image::{GrayImage, RgbImage};

use super::dispatch::wide_fn;
use super::{pixels, pixels_mut};
use crate::geometry::{Point, Quad, Size};

/// A projective map of the plane: the rows of a 3×3 matrix. Usually its last entry is 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Homography(pub [f64; 9]);

impl Homography {
    /// The map that moves nothing.
    pub const IDENTITY: Self = Self([1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);

    /// Takes places of a picture of size `from` to those of the same resized to `to`.
    pub fn resizing(from: Size, to: Size) -> Self {
        let scale = |from: u32, to: u32| f64::from(to) / f64::from(from.max(1));
        let (x, y) = (scale(from.width, to.width), scale(from.height, to.height));
        // Pixel centres: the edges of the pictures are half a pixel outside of them.
        Self([x, 0.0, (x - 1.0) / 2.0, 0.0, y, (y - 1.0) / 2.0, 0.0, 0.0, 1.0])
    }

    /// The map that takes the corners of `from` to those of `to`. `None` if three corners of a quad lie on a line.
    ///
    /// Corners are taken as `f32`, and products of two coordinates are rounded to it, as in OpenCV.
    pub fn from_quads(from: &Quad, to: &Quad) -> Option<Self> {
        let mut system = [[0.0; 9]; 8];
        for (i, (from, to)) in from.corners.iter().zip(&to.corners).enumerate() {
            let (x, y, u, v) = (from.x as f32, from.y as f32, to.x as f32, to.y as f32);
            let product = |a: f32, b: f32| f64::from(-a * b);
            let (fx, fy) = (f64::from(x), f64::from(y));
            system[i] = [fx, fy, 1.0, 0.0, 0.0, 0.0, product(x, u), product(y, u), f64::from(u)];
            system[i + 4] = [0.0, 0.0, 0.0, fx, fy, 1.0, product(x, v), product(y, v), f64::from(v)];
        }
        let [a, b, c, d, e, f, g, h] = solve(system)?;
        Some(Self([a, b, c, d, e, f, g, h, 1.0]))
    }

    /// The map back. `None` if there is none.
    pub fn inverse(&self) -> Option<Self> {
        let [a, b, c, d, e, f, g, h, i] = self.0;
        let determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
        if determinant == 0.0 || !determinant.is_finite() {
            return None;
        }
        let s = 1.0 / determinant;
        Some(Self([
            (e * i - f * h) * s,
            (c * h - b * i) * s,
            (b * f - c * e) * s,
            (f * g - d * i) * s,
            (a * i - c * g) * s,
            (c * d - a * f) * s,
            (d * h - e * g) * s,
            (b * g - a * h) * s,
            (a * e - b * d) * s,
        ]))
    }

    /// Where `p` goes. Points on the line that goes to infinity go to (0, 0).
    pub fn apply(&self, p: Point) -> Point {
        let [a, b, c, d, e, f, g, h, i] = self.0;
        let w = g * p.x + h * p.y + i;
        let scale = if w == 0.0 { 0.0 } else { 1.0 / w };
        Point::new((a * p.x + b * p.y + c) * scale, (d * p.x + e * p.y + f) * scale)
    }

    /// This map, then `next`.
    pub fn then(&self, next: &Self) -> Self {
        let entry = |i: usize| (0..3).map(|k| next.0[i / 3 * 3 + k] * self.0[k * 3 + i % 3]).sum();
        Self(std::array::from_fn(entry))
    }
}

/// Solves eight linear equations (coefficients and right side per row) by elimination with row pivots.
pub(super) fn solve(mut m: [[f64; 9]; 8]) -> Option<[f64; 8]> {
    /// Smaller pivots mean that the equations do not determine a map.
    const MIN_PIVOT: f64 = f64::EPSILON * 100.0;
    for i in 0..8 {
        let mut pivot = i;
        for j in i + 1..8 {
            if m[j][i].abs() > m[pivot][i].abs() {
                pivot = j;
            }
        }
        let size = m[pivot][i].abs();
        if size < MIN_PIVOT || size.is_nan() {
            return None;
        }
        m.swap(i, pivot);
        let row = m[i];
        let d = -1.0 / row[i];
        for other in &mut m[i + 1..] {
            let factor = other[i] * d;
            for (a, b) in other[i + 1..].iter_mut().zip(&row[i + 1..]) {
                *a += factor * b;
            }
        }
    }
    let mut x = [0.0; 8];
    for i in (0..8).rev() {
        let mut rest = m[i][8];
        for k in i + 1..8 {
            rest -= m[i][k] * x[k];
        }
        x[i] = rest / m[i][i];
    }
    x.iter().all(|v| v.is_finite()).then_some(x)
}

/// The picture moved by `map` (source to target positions), in a frame of `size`. `None` if the map has no inverse.
pub fn through(src: &GrayImage, map: &Homography, size: Size) -> Option<GrayImage> {
    let back = map.inverse()?;
    let mut dst = GrayImage::new(size.width, size.height);
    let (width, height) = (src.width() as usize, src.height() as usize);
    let source = Source::<1> { raw: pixels(src), width, height, outside: Outside::Black };
    warp(&[source], &back, &mut [pixels_mut(&mut dst)], size);
    Some(dst)
}

/// As [`through`], for a colour picture of three values a pixel, with a choice of what lies outside.
pub fn through_rgb(src: &RgbImage, map: &Homography, size: Size, outside: Outside) -> Option<RgbImage> {
    let back = map.inverse()?;
    let mut dst = RgbImage::new(size.width, size.height);
    let (width, height) = (src.width() as usize, src.height() as usize);
    let source = Source::<3> { raw: src.as_raw(), width, height, outside };
    warp(&[source], &back, &mut [&mut dst], size);
    Some(dst)
}

/// As [`through`], for two gray pictures of one size, with a choice of what lies outside. `None` also for other pictures.
pub fn through_pair(src: [&GrayImage; 2], map: &Homography, size: Size, outside: Outside) -> Option<[GrayImage; 2]> {
    let back = map.inverse()?;
    let (width, height) = src[0].dimensions();
    if src[1].dimensions() != (width, height) {
        return None;
    }
    let [mut first, mut second] = [0, 1].map(|_| GrayImage::new(size.width, size.height));
    let sources =
        src.map(|src| Source::<1> { raw: pixels(src), width: width as usize, height: height as usize, outside });
    warp(&sources, &back, &mut [pixels_mut(&mut first), pixels_mut(&mut second)], size);
    Some([first, second])
}

/// The map that makes the part of a picture within `corners` upright, and the size of its target, which is
/// [`Quad::upright_size`]. The centres of corner pixels go onto each other. `None` if the quad is degenerate, or far bigger than a
/// picture of size `source`.
pub fn upright_map(corners: &Quad, source: Size) -> Option<(Homography, Size)> {
    let size = corners.upright_size();
    if !is_possible(size, source) || corners.is_degenerate() {
        return None;
    }
    let (right, bottom) = (f64::from(size.width - 1), f64::from(size.height - 1));
    let target = Quad {
        corners: [Point::new(0.0, 0.0), Point::new(right, 0.0), Point::new(right, bottom), Point::new(0.0, bottom)],
    };
    Some((Homography::from_quads(corners, &target)?, size))
}

/// Can a part of a picture of size `source` come out as large as `size`? More is a mistake that should not cost memory.
pub fn is_possible(size: Size, source: Size) -> bool {
    /// A quad within a picture has no side longer than its width and height together; a rectangle drawn around it may be
    /// somewhat longer.
    const SIDES: u64 = 2;
    /// One that is seen obliquely becomes larger than it is seen, at most so many times the whole picture: of one with sides far
    /// apart, each as long as the picture, a page is not made.
    const PICTURES: u64 = 4;
    let side = SIDES * (u64::from(source.width) + u64::from(source.height));
    let pixels = PICTURES.saturating_mul(source.pixels());
    size.pixels() > 0 && size.pixels() <= pixels && u64::from(size.width.max(size.height)) <= side
}

/// Fractional bits of a source position.
const FRACTION_BITS: u32 = 5;
const ONE: i32 = 1 << FRACTION_BITS;
/// Longest piece of a row that is handled at once. Positions in a row are computed from the start of each piece; as that
/// shows in the last bit, it is the same number as in OpenCV.
const PIECE: usize = 64;

/// What there is outside of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside {
    /// Black.
    Black,
    /// The nearest of its pixels.
    Nearest,
}

/// Interleaved pixels of `C` channels.
struct Source<'a, const C: usize> {
    raw: &'a [u8],
    width: usize,
    height: usize,
    outside: Outside,
}

wide_fn! {
    /// Fills each of `dsts` with what `back` (target to source positions) finds in the source of the same number; all are of one
    /// size.
    fn warp[const C: usize, const N: usize](
        sources: &[Source<'_, C>; N],
        back: &Homography,
        dsts: &mut [&mut [u8]; N],
        size: Size,
    ) {
        let Some(first) = sources.first() else { return };
        if size.pixels() == 0 || sources.iter().any(|source| source.raw.is_empty()) {
            return;
        }
        // OpenCV's pieces get longer when there are fewer than 16 rows; here they are cut to the same starts.
        let start_every = PIECE.max(1024 / 16.min(size.height as usize));
        let (width, stride) = (size.width as usize, size.width as usize * C);
        let mut places = Places::NONE;
        for y in 0..size.height as usize {
            let mut x = 0;
            while x < width {
                let start = x / start_every * start_every;
                let count = PIECE.min(width - x);
                places.find(back, start, x - start, y);
                let is_inside = places.lie_inside(count, first.width, first.height);
                if is_inside {
                    places.prepare(count, first.width * C, C);
                }
                for n in 0..N {
                    let out = &mut dsts[n][y * stride + x * C..][..count * C];
                    if is_inside {
                        sources[n].sample_inside(&places, out);
                    } else {
                        sources[n].sample_anywhere(&places, out);
                    }
                }
                x += PIECE;
            }
        }
    }
}

impl<const C: usize> Source<'_, C> {
    /// For places of which some pixels may lie outside.
    #[inline(always)]
    fn sample_anywhere(&self, places: &Places, out: &mut [u8]) {
        for ((out, &x), &y) in out.chunks_exact_mut(C).zip(&places.x).zip(&places.y) {
            let (left, top) = (i64::from(x >> FRACTION_BITS), i64::from(y >> FRACTION_BITS));
            for (c, out) in out.iter_mut().enumerate() {
                let at = |dx: i64, dy: i64| i16::from(self.pixel(left + dx, top + dy, c));
                let fraction = |v: i32| (v & (ONE - 1)) as i16;
                *out = blend(at(0, 0), at(1, 0), at(0, 1), at(1, 1), fraction(x), fraction(y));
            }
        }
    }

    /// For places whose four pixels all lie inside: these are gathered first, then all are blended at once.
    #[inline(always)]
    #[allow(clippy::needless_range_loop)] // Adapters of iterators may be left outside of the wide version.
    fn sample_inside(&self, places: &Places, out: &mut [u8]) {
        let count = out.len() / C;
        // Rows from the second on lie at the same indices as those above them in the whole; of one length, both are checked by one
        // comparison.
        let below = &self.raw[self.width * C..];
        let above = &self.raw[..below.len()];
        // Neighbours from left to right, as the two bytes of a number.
        let (mut upper, mut lower) = ([0u16; PIECE], [0u16; PIECE]);
        for c in 0..C {
            for four in 0..PIECE / 4 {
                for i in 4 * four..4 * four + 4 {
                    let at = places.starts[i] as usize + c;
                    // Never so, as was checked; said here, four checks are one.
                    if at + C >= below.len() {
                        return;
                    }
                    upper[i] = u16::from_le_bytes([above[at], above[at + C]]);
                    lower[i] = u16::from_le_bytes([below[at], below[at + C]]);
                }
            }
            let mut blended = [0u8; PIECE];
            for i in 0..PIECE {
                let (above, below) = (upper[i], lower[i]);
                blended[i] = blend(
                    (above & 0xff) as i16,
                    (above >> 8) as i16,
                    (below & 0xff) as i16,
                    (below >> 8) as i16,
                    places.across[i],
                    places.down[i],
                );
            }
            match <&mut [u8; PIECE]>::try_from(&mut *out) {
                // A copy of known length is no call.
                Ok(out) if C == 1 => *out = blended,
                _ => {
                    for i in 0..count {
                        out[i * C + c] = blended[i];
                    }
                }
            }
        }
    }

    fn pixel(&self, x: i64, y: i64, channel: usize) -> u8 {
        match (usize::try_from(x), usize::try_from(y)) {
            (Ok(x), Ok(y)) if x < self.width && y < self.height => self.raw[(y * self.width + x) * C + channel],
            _ if self.outside == Outside::Black => 0,
            _ => {
                // A picture without pixels is not warped.
                let nearest = |at: i64, length: usize| at.clamp(0, length as i64 - 1) as usize;
                self.raw[(nearest(y, self.height) * self.width + nearest(x, self.width)) * C + channel]
            }
        }
    }
}

/// Blends the pixels top-left, top-right, bottom-left, bottom-right at the fractions across and down, in 1/32 pixel.
#[inline(always)]
fn blend(a: i16, b: i16, c: i16, d: i16, across: i16, down: i16) -> u8 {
    const BITS: u32 = FRACTION_BITS;
    let (top, bottom) = ((a << BITS) + (b - a) * across, (c << BITS) + (d - c) * across);
    // Twice a difference of 5 more bits, times a fraction with 10 more bits: what 16 bits of the product say is the share in 5 bits,
    // rounded down, as it would be by the shift at the end.
    let share = ((i32::from((bottom - top) << 1) * i32::from(down << 10)) >> 16) as i16;
    ((top + share + (1 << (BITS - 1))) >> BITS) as u8
}

/// Source positions of a piece of a row, in 1/32 pixel.
struct Places {
    x: [i32; PIECE],
    y: [i32; PIECE],
    /// The same, if they lie inside: indices of the pixels at their upper left, and how far they lie from there.
    starts: [u32; PIECE],
    across: [i16; PIECE],
    down: [i16; PIECE],
}

impl Places {
    const NONE: Self = Self { x: [0; PIECE], y: [0; PIECE], starts: [0; PIECE], across: [0; PIECE], down: [0; PIECE] };

    /// Positions of the target pixels (`start` + `offset` + 0…, `y`).
    #[inline(always)]
    fn find(&mut self, back: &Homography, start: usize, offset: usize, y: usize) {
        let m = &back.0;
        let at_start = |row: usize| m[row] * start as f64 + m[row + 1] * y as f64 + m[row + 2];
        let (x0, y0, w0) = (at_start(0), at_start(3), at_start(6));
        let offset = offset as i32;
        let ends = [offset, offset + PIECE as i32 - 1].map(|d| {
            let d = f64::from(d);
            (x0 + m[0] * d, y0 + m[3] * d, w0 + m[6] * d)
        });
        if are_tame(&ends) {
            for i in 0..PIECE {
                let d = f64::from(offset + i as i32);
                let scale = f64::from(ONE) / (w0 + m[6] * d);
                self.x[i] = rounded_small((x0 + m[0] * d) * scale);
                self.y[i] = rounded_small((y0 + m[3] * d) * scale);
            }
            return;
        }
        for i in 0..PIECE {
            let d = f64::from(offset + i as i32);
            let w = w0 + m[6] * d;
            let scale = if w == 0.0 { 0.0 } else { f64::from(ONE) / w };
            self.x[i] = rounded((x0 + m[0] * d) * scale);
            self.y[i] = rounded((y0 + m[3] * d) * scale);
        }
    }

    /// Do the first `count` places, and the pixels next to them, all lie in a picture of `width` × `height` pixels?
    #[inline(always)]
    fn lie_inside(&self, count: usize, width: usize, height: usize) -> bool {
        lie_inside(&self.x[..count], width) && lie_inside(&self.y[..count], height)
    }

    /// Fills in what is said of places inside, for rows of `stride` values of a picture of so many channels.
    #[inline(always)]
    fn prepare(&mut self, count: usize, stride: usize, channels: usize) {
        for i in 0..PIECE {
            // Not negative where it counts, as was checked; a picture has less than 2^32 values.
            let (x, y) = ((self.x[i] >> FRACTION_BITS) as u32, (self.y[i] >> FRACTION_BITS) as u32);
            self.starts[i] = y.wrapping_mul(stride as u32).wrapping_add(x.wrapping_mul(channels as u32));
        }
        let first = self.starts[0];
        self.starts[count..].fill(first);
        for i in 0..PIECE {
            self.across[i] = (self.x[i] & (ONE - 1)) as i16;
            self.down[i] = (self.y[i] & (ONE - 1)) as i16;
        }
    }
}

/// Do all places of a line, and the pixels next to them, lie in a picture of `length` pixels?
#[inline(always)]
fn lie_inside(line: &[i32], length: usize) -> bool {
    let (mut min, mut max) = (i32::MAX, i32::MIN);
    for &v in line {
        (min, max) = (min.min(v), max.max(v));
    }
    min >= 0 && ((max >> FRACTION_BITS) as usize) + 1 < length
}

/// Added to a number of 32 bits, this leaves no fractional bits, so that the addition rounds; and the low bits of the sum are
/// the integer. It takes one instruction for several values, where `round_ties_even` calls a function.
const SHIFT: f64 = 6_755_399_441_055_744.0; // 1.5 · 2^52

/// Do the places between two ends of a line, given as (x·w, y·w, w), all lie near? Between them w has no zero then, and no
/// place lies further away than both of them but for rounding, which is small as long as w does not change much.
#[inline(always)]
fn are_tame(ends: &[(f64, f64, f64); 2]) -> bool {
    const NEAR: f64 = 1_000_000.0;
    let [(x0, y0, a), (x1, y1, b)] = *ends;
    let least = a.abs().min(b.abs());
    let far = x0.abs().max(x1.abs()).max(y0.abs()).max(y1.abs());
    // What is no number is not tame.
    a * b > 0.0 && a.abs().max(b.abs()) < 2.0 * least && far < NEAR * least
}

/// Rounds a number of less than 2³¹ half to even.
#[inline(always)]
fn rounded_small(v: f64) -> i32 {
    (v + SHIFT).to_bits() as i32
}

/// Rounds half to even, saturating; what is no number becomes the least.
#[inline(always)]
fn rounded(v: f64) -> i32 {
    const LEAST: f64 = i32::MIN as f64;
    const LARGEST: f64 = i32::MAX as f64;
    // Comparisons that take one instruction; `max` and `min` take three.
    let v = if v > LEAST { v } else { LEAST };
    rounded_small(if v < LARGEST { v } else { LARGEST })
}

#[cfg(test)]
mod tests {
    use image::{Luma, Rgb};
    use imageproc::gray_image;
    use proptest::prelude::*;

    use super::*;
    use crate::imaging::arbitrary::picture;

    /// The part of the picture within `corners`, upright.
    fn perspective(src: &GrayImage, corners: &Quad) -> Option<GrayImage> {
        let (map, size) = upright_map(corners, Size::new(src.width(), src.height()))?;
        through(src, &map, size)
    }

    fn quad(corners: [(f64, f64); 4]) -> Quad {
        Quad { corners: corners.map(|(x, y)| Point::new(x, y)) }
    }

    /// Pixel by pixel.
    fn plain(src: &GrayImage, back: &Homography, size: Size) -> GrayImage {
        GrayImage::from_fn(size.width, size.height, |x, y| {
            let m = back.0;
            let (x, y) = (f64::from(x), f64::from(y));
            let d = m[6] * x + m[7] * y + m[8];
            let scale = if d == 0.0 { 0.0 } else { 32.0 / d };
            let place = |r: usize| ((m[r] * x + m[r + 1] * y + m[r + 2]) * scale).round_ties_even() as i32;
            let (u, v) = (place(0), place(3));
            let at = |dx: i32, dy: i32| {
                let (x, y) = ((u >> 5).saturating_add(dx), (v >> 5).saturating_add(dy));
                match (u32::try_from(x), u32::try_from(y)) {
                    (Ok(x), Ok(y)) => src.get_pixel_checked(x, y).map_or(0, |p| i32::from(p.0[0])),
                    _ => 0,
                }
            };
            let (fx, fy) = (u & 31, v & 31);
            let (top, bottom) = (at(0, 0) * (32 - fx) + at(1, 0) * fx, at(0, 1) * (32 - fx) + at(1, 1) * fx);
            Luma([((top * (32 - fy) + bottom * fy + 512) >> 10) as u8])
        })
    }

    #[test]
    fn an_upright_quad_is_cut_out() {
        let src = GrayImage::from_fn(6, 5, |x, y| Luma([(10 * y + x) as u8]));
        // The size is the distance of the corners, so the last column and row are left out, by a slight stretch.
        let cut = perspective(&src, &quad([(1.0, 1.0), (4.0, 1.0), (4.0, 4.0), (1.0, 4.0)])).unwrap();
        assert_eq!(cut, gray_image!(11, 13, 14; 26, 28, 29; 41, 43, 44));
    }

    #[test]
    fn outside_is_black_and_blended() {
        let src = gray_image!(100, 100; 100, 100);
        let map = Homography([1.0, 0.0, 0.5, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(through(&src, &map, Size::new(4, 2)).unwrap(), gray_image!(50, 100, 50, 0; 50, 100, 50, 0));
    }

    #[test]
    fn outside_may_be_the_nearest_pixel() {
        let src = RgbImage::from_fn(2, 2, |x, y| Rgb([50 + 100 * x as u8, 30 * y as u8, 9]));
        let map = Homography([1.0, 0.0, 2.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0]);
        let moved = through_rgb(&src, &map, Size::new(7, 5), Outside::Nearest).unwrap();
        for (x, y, p) in moved.enumerate_pixels() {
            assert_eq!(p, src.get_pixel(x.saturating_sub(2).min(1), y.saturating_sub(1).min(1)), "{x} {y}");
        }
    }

    #[test]
    fn degenerate_quads_have_no_picture() {
        let src = GrayImage::new(10, 10);
        assert_eq!(perspective(&src, &quad([(1.0, 1.0); 4])), None);
        assert_eq!(perspective(&src, &quad([(0.0, 0.0), (4.0, 4.0), (8.0, 8.0), (2.0, 2.0)])), None);
        assert_eq!(perspective(&src, &quad([(0.0, 0.0), (1e9, 0.0), (1e9, 1e9), (0.0, 1e9)])), None);
        assert_eq!(perspective(&src, &quad([(f64::NAN, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 4.0)])), None);
        // In a narrow picture: all sides as long as half of it, so that five times its pixels would come out.
        let narrow = GrayImage::new(20, 400);
        assert_eq!(perspective(&narrow, &quad([(0.0, 0.0), (19.0, 200.0), (19.0, 399.0), (0.0, 199.0)])), None);
        assert!(perspective(&narrow, &quad([(0.0, 0.0), (19.0, 20.0), (19.0, 399.0), (0.0, 380.0)])).is_some());
    }

    #[test]
    fn maps_take_corners_to_corners_and_back() {
        let from = quad([(10.0, 12.0), (90.0, 8.0), (95.0, 110.0), (5.0, 105.0)]);
        let to = quad([(0.0, 0.0), (80.0, 0.0), (80.0, 100.0), (0.0, 100.0)]);
        let map = Homography::from_quads(&from, &to).unwrap();
        let same = map.then(&map.inverse().unwrap());
        for (a, b) in from.corners.into_iter().zip(to.corners) {
            assert!(map.apply(a).distance(b) < 1e-9);
            assert!(same.apply(a).distance(a) < 1e-9);
        }
    }

    #[test]
    fn colour_channels_are_warped_alone() {
        let src = RgbImage::from_fn(9, 9, |x, y| Rgb([(x * 25) as u8, (y * 25) as u8, (x * y * 3) as u8]));
        let corners = quad([(0.0, 1.0), (8.5, 0.0), (8.0, 8.0), (-1.0, 7.0)]);
        let (map, size) = upright_map(&corners, Size::new(9, 9)).unwrap();
        let warped = through_rgb(&src, &map, size, Outside::Black).unwrap();
        for c in 0..3 {
            let channel = GrayImage::from_fn(9, 9, |x, y| Luma([src.get_pixel(x, y).0[c]]));
            let want = perspective(&channel, &corners).unwrap();
            assert!(want.enumerate_pixels().all(|(x, y, p)| p.0[0] == warped.get_pixel(x, y).0[c]));
        }
    }

    proptest! {
        #[test]
        fn fast_equals_plain(
            src in picture(80, 20), turn in -3.0..3.0f64, x in -30.0..30.0f64, px in -0.01..0.01f64, w in 0..150u32,
        ) {
            let (sin, cos) = turn.sin_cos();
            let map = Homography([cos, -sin, x, sin, cos, 3.0, px, 0.001, 1.0]);
            if let (Some(warped), Some(back)) = (through(&src, &map, Size::new(w, 30)), map.inverse()) {
                let differing = warped.iter().zip(plain(&src, &back, Size::new(w, 30)).iter()).filter(|(a, b)| a != b).count();
                // The two orders of addition may round a position differently.
                prop_assert!(differing <= 1);
            }
        }

        #[test]
        fn any_numbers_are_survived(src in picture(6, 6), m: [f64; 9], corners: [(f64, f64); 4], w in 0..70u32) {
            through(&src, &Homography(m), Size::new(w, 3));
            perspective(&src, &quad(corners));
        }
    }
}
