//! Where has a patch of one picture gone in another? Normalised correlation at every displacement within a radius.
//!
//! The score is that of [`super::matching`]: 1 for the same structure in any brightness and contrast. There one template
//! is sought in a whole picture; here many small patches are, each near a known place, and all scores are kept, because
//! the evidence of several patches is added before it is judged.

use image::GrayImage;

use super::dispatch::wide_fn;
use super::pixels;
use crate::geometry::{PixelPoint, Rect, Size};

/// The scores of a patch at every whole displacement up to a radius.
#[derive(Debug, Clone, PartialEq)]
pub struct Surface {
    radius: u32,
    /// Row after row from (−radius, −radius) on; −1 where the patch would leave the picture.
    scores: Vec<f32>,
}

/// The highest point of a surface.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Peak {
    /// Displacement to the right, in pixels; between whole ones by a parabola through the neighbours.
    pub x: f64,
    /// Displacement downwards.
    pub y: f64,
    /// The score at the nearest whole displacement.
    pub score: f32,
    /// The highest score that is farther away than the asked distance; −1 if there is none.
    pub rival: f32,
    /// Is the highest score at the rim of the surface, so that a higher one may lie beyond?
    pub on_rim: bool,
}

impl Surface {
    /// A surface of zeros.
    pub fn flat(radius: u32) -> Self {
        let side = 2 * radius as usize + 1;
        Self { radius, scores: vec![0.0; side * side] }
    }

    /// The scores of the part `patch` of `reference` in `searched`, displaced by up to `radius` from the place where its
    /// top-left pixel lies at `at`. A patch that does not lie in `reference`, or is without contrast, scores 0 wherever it
    /// lies in `searched`.
    pub fn of(reference: &GrayImage, patch: Rect, searched: &GrayImage, at: PixelPoint, radius: u32) -> Self {
        let mut surface = Self::flat(radius);
        let (width, height) = (patch.width as usize, patch.height as usize);
        let template = Block::of(reference, patch);
        let reach = i64::from(radius);
        let (left, top) = (i64::from(at.x) - reach, i64::from(at.y) - reach);
        let around = Around::of(searched, (left, top), width as u64 + 2 * u64::from(radius), height, radius);
        let side = 2 * radius as usize + 1;
        let products = template.as_ref().map(|template| around.products(template, width, side)).unwrap_or_default();
        let deviation = template.as_ref().map_or(0.0, |t| t.deviation);
        for (i, score) in surface.scores.iter_mut().enumerate() {
            let (dx, dy) = (i % side, i / side);
            let Some((x, y)) = around.place(dx, dy, width, height) else {
                *score = -1.0;
                continue;
            };
            let (Some(template), Some(product)) = (&template, products.get(y + x * around.places_down(height))) else {
                continue;
            };
            let (sum, squares) = around.sums(x, y, width, height);
            let count = (width * height) as f64;
            let there = squares - sum * sum / count;
            // Less than that is a difference of a level in a single pixel.
            if deviation < 1.0 || there < 1.0 {
                continue;
            }
            let product = *product as f64 - template.sum * sum / count;
            *score = (product / (deviation * there).sqrt()) as f32;
        }
        surface
    }

    /// Adds what speaks for each displacement: the scores above 0, times `weight`. Scores below 0 say no more against a
    /// displacement than a 0 does, so that a patch in which something was drawn cannot outvote others. Both surfaces must
    /// have the same radius.
    pub fn add_evidence(&mut self, other: &Self, weight: f32) {
        for (sum, score) in self.scores.iter_mut().zip(&other.scores) {
            *sum += score.max(0.0) * weight;
        }
    }

    /// The highest score and its place; the first in raster order among equal ones. A rival is at least `apart` pixels
    /// away in a direction. `None` if there is nothing above 0.
    pub fn peak(&self, apart: u32) -> Option<Peak> {
        let side = 2 * self.radius as usize + 1;
        let mut best = 0;
        for (i, score) in self.scores.iter().enumerate() {
            if *score > self.scores[best] {
                best = i;
            }
        }
        let score = *self.scores.get(best)?;
        if score.is_nan() || score <= 0.0 {
            return None;
        }
        let (x, y) = (best % side, best / side);
        let rival = self.scores.iter().enumerate().filter(|(i, _)| {
            let distance = (i % side).abs_diff(x).max((i / side).abs_diff(y));
            distance >= apart.max(1) as usize
        });
        let rival = rival.map(|(_, s)| *s).fold(-1.0, f32::max);
        let at = |x: usize, y: usize| self.scores.get(y * side + x).copied().filter(|s| *s > -1.0);
        let across = if x > 0 && x + 1 < side { vertex(at(x - 1, y), score, at(x + 1, y)) } else { 0.0 };
        let down = if y > 0 && y + 1 < side { vertex(at(x, y - 1), score, at(x, y + 1)) } else { 0.0 };
        let reach = f64::from(self.radius);
        let on_rim = self.radius > 0 && (x == 0 || y == 0 || x + 1 == side || y + 1 == side);
        Some(Peak { x: x as f64 - reach + across, y: y as f64 - reach + down, score, rival, on_rim })
    }
}

/// Where the parabola through three heights at −1, 0 and 1 is highest, given that the middle one is: −0.5 to 0.5.
fn vertex(before: Option<f32>, here: f32, after: Option<f32>) -> f64 {
    let (Some(before), Some(after)) = (before, after) else { return 0.0 };
    let curvature = before - 2.0 * here + after;
    if curvature < -1e-6 { f64::from(0.5 * (before - after) / curvature).clamp(-0.5, 0.5) } else { 0.0 }
}

/// The pixels of a patch.
struct Block {
    values: Vec<i16>,
    sum: f64,
    /// Sum of squared deviations from the mean.
    deviation: f64,
}

impl Block {
    fn of(img: &GrayImage, patch: Rect) -> Option<Self> {
        let (x0, y0, x1, y1) = patch.clipped(Size::new(img.width(), img.height()));
        if (x1 - x0, y1 - y0) != (patch.width, patch.height) || patch.width == 0 || patch.height == 0 {
            return None;
        }
        let rows = pixels(img).chunks_exact(img.width() as usize).skip(y0 as usize).take(patch.height as usize);
        let values: Vec<i16> = rows.flat_map(|row| &row[x0 as usize..x1 as usize]).map(|&v| i16::from(v)).collect();
        let (sum, squares) = values.iter().fold((0u64, 0u64), |(s, q), &v| (s + v as u64, q + v as u64 * v as u64));
        let (sum, squares) = (sum as f64, squares as f64);
        let deviation = squares - sum * sum / values.len() as f64;
        Some(Self { values, sum, deviation })
    }
}

/// The surroundings of a patch's place: pixels, and sums over all rectangles that begin at the first.
struct Around {
    values: Vec<i16>,
    /// (width + 1) × (height + 1) sums of values, and of their squares.
    sums: Vec<(u64, u64)>,
    width: usize,
    height: usize,
    /// Pixels of the wished area that lie outside of the picture, to the left and above.
    missing: (usize, usize),
}

impl Around {
    fn of(img: &GrayImage, (left, top): (i64, i64), wide: u64, patch_height: usize, radius: u32) -> Self {
        let high = patch_height as i64 + 2 * i64::from(radius);
        let clip = |v: i64, max: u32| v.clamp(0, i64::from(max)) as usize;
        let (x0, x1) = (clip(left, img.width()), clip(left + wide as i64, img.width()));
        let (y0, y1) = (clip(top, img.height()), clip(top + high, img.height()));
        let (width, height) = (x1 - x0, y1 - y0);
        let mut values = Vec::with_capacity(width * height);
        let mut sums = vec![(0, 0); (width + 1) * (height + 1)];
        let rows = pixels(img).chunks_exact((img.width() as usize).max(1)).skip(y0).take(height);
        for (y, row) in rows.enumerate() {
            let (mut sum, mut squares) = (0, 0);
            for (x, &v) in row[x0..x1].iter().enumerate() {
                values.push(i16::from(v));
                sum += u64::from(v);
                squares += u64::from(v) * u64::from(v);
                let above = sums[y * (width + 1) + x + 1];
                sums[(y + 1) * (width + 1) + x + 1] = (above.0 + sum, above.1 + squares);
            }
        }
        let missing = ((x0 as i64 - left).max(0) as usize, (y0 as i64 - top).max(0) as usize);
        Self { values, sums, width, height, missing }
    }

    /// The first pixel of the patch displaced to column `dx` and row `dy` of the surface; `None` if it leaves the picture.
    fn place(&self, dx: usize, dy: usize, width: usize, height: usize) -> Option<(usize, usize)> {
        let (x, y) = (dx.checked_sub(self.missing.0)?, dy.checked_sub(self.missing.1)?);
        (x + width <= self.width && y + height <= self.height).then_some((x, y))
    }

    fn sums(&self, x: usize, y: usize, width: usize, height: usize) -> (f64, f64) {
        let at = |x: usize, y: usize| self.sums[y * (self.width + 1) + x];
        let (a, b, c, d) = (at(x, y), at(x + width, y), at(x, y + height), at(x + width, y + height));
        ((d.0 + a.0 - b.0 - c.0) as f64, (d.1 + a.1 - b.1 - c.1) as f64)
    }

    /// How many rows a patch of this height can begin at.
    fn places_down(&self, height: usize) -> usize {
        (self.height + 1).saturating_sub(height)
    }

    /// Sums of products with a patch of `width` columns at all places where it lies inside: down each column of places, one
    /// column after the other, at most `most` columns.
    fn products(&self, patch: &Block, width: usize, most: usize) -> Vec<u64> {
        let height = patch.values.len() / width.max(1);
        let (across, down) = ((self.width + 1).saturating_sub(width).min(most), self.places_down(height));
        let mut products = vec![0; across * down];
        if products.is_empty() {
            return products;
        }
        // A strip as wide as the patch, without the pixels beside it: in it, the windows of a column of places are lines of
        // pixels that begin a row apart, and as long as the patch.
        let mut strip = Vec::with_capacity(width * self.height);
        for (x, out) in products.chunks_exact_mut(down).enumerate() {
            strip.clear();
            self.values.chunks_exact(self.width).for_each(|row| strip.extend_from_slice(&row[x..x + width]));
            dots(&strip, width, &patch.values, out);
        }
        products
    }
}

wide_fn! {
    /// The sums of products of `patch` with the lines of the strip that begin `step` pixels apart.
    fn dots(strip: &[i16], step: usize, patch: &[i16], out: &mut [u64]) {
        for (window, out) in strip.windows(patch.len()).step_by(step).zip(out) {
            *out = dot(window, patch);
        }
    }
}

/// Sum of products of pixels. Pieces of up to 2^14 pixels fit 32 bits, which lets the compiler multiply many at a time.
#[inline(always)]
fn dot(a: &[i16], b: &[i16]) -> u64 {
    let pieces = a.chunks(1 << 14).zip(b.chunks(1 << 14));
    pieces.map(|(a, b)| a.iter().zip(b).map(|(&a, &b)| i32::from(a) * i32::from(b)).sum::<i32>() as u64).sum()
}

#[cfg(test)]
mod tests {
    use image::Luma;
    use proptest::prelude::*;

    use super::*;
    use crate::imaging::arbitrary::picture;

    /// A blob that is highest at (x, y), which may lie between pixels.
    fn blob(x: f64, y: f64) -> GrayImage {
        GrayImage::from_fn(60, 50, |px, py| {
            let (dx, dy) = (f64::from(px) - x, f64::from(py) - y);
            Luma([(200.0 * (-(dx * dx + 1.5 * dy * dy) / 30.0).exp()) as u8])
        })
    }

    #[test]
    fn a_displacement_is_found_between_pixels() {
        let patch = Rect::new(20, 15, 20, 20);
        let surface = Surface::of(&blob(30.0, 25.0), patch, &blob(33.3, 22.6), PixelPoint::new(20, 15), 6);
        let peak = surface.peak(3).unwrap();
        assert!((peak.x - 3.3).abs() < 0.1 && (peak.y + 2.4).abs() < 0.1, "{peak:?}");
        assert!(peak.score > 0.98 && !peak.on_rim);
        let near = Surface::of(&blob(30.0, 25.0), patch, &blob(33.3, 22.6), PixelPoint::new(20, 15), 3);
        assert!(near.peak(3).unwrap().on_rim);
    }

    #[test]
    fn a_stripe_pattern_has_a_rival() {
        let stripes = GrayImage::from_fn(60, 50, |x, _| Luma([if x % 8 < 3 { 0 } else { 200 }]));
        let surface = Surface::of(&stripes, Rect::new(20, 15, 16, 16), &stripes, PixelPoint::new(20, 15), 10);
        let peak = surface.peak(4).unwrap();
        assert!(peak.rival > 0.999 && peak.score > 0.999);
    }

    #[test]
    fn evidence_is_what_lies_above_0() {
        let mut sum = Surface::flat(1);
        let other = Surface { radius: 1, scores: vec![-1.0, -0.5, 0.0, 0.25, 1.0, 0.5, 0.0, 0.0, -0.1] };
        sum.add_evidence(&other, 2.0);
        assert_eq!(sum.scores, [0.0, 0.0, 0.0, 0.5, 2.0, 1.0, 0.0, 0.0, 0.0]);
    }

    /// The score by its definition.
    fn plain(reference: &GrayImage, patch: Rect, searched: &GrayImage, x: i64, y: i64) -> f64 {
        let inside = |img: &GrayImage, x: i64, y: i64| {
            x >= 0
                && y >= 0
                && x + i64::from(patch.width) <= i64::from(img.width())
                && y + i64::from(patch.height) <= i64::from(img.height())
        };
        if !inside(searched, x, y) {
            return -1.0;
        }
        if !inside(reference, patch.x.into(), patch.y.into()) {
            return 0.0;
        }
        let values = |img: &GrayImage, x: i64, y: i64| -> Vec<f64> {
            let places = (0..patch.height).flat_map(|j| (0..patch.width).map(move |i| (i, j)));
            places
                .map(|(i, j)| f64::from(img.get_pixel((x + i64::from(i)) as u32, (y + i64::from(j)) as u32).0[0]))
                .collect()
        };
        let (a, b) = (values(reference, patch.x.into(), patch.y.into()), values(searched, x, y));
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
        let (ma, mb) = (mean(&a), mean(&b));
        let sum = |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(&b).map(|(a, b)| f(a - ma, b - mb)).sum::<f64>();
        let (aa, bb) = (sum(&|a, _| a * a), sum(&|_, b| b * b));
        if aa < 1.0 || bb < 1.0 { 0.0 } else { sum(&|a, b| a * b) / (aa * bb).sqrt() }
    }

    proptest! {
        #[test]
        fn fast_equals_plain(
            reference in picture(12, 12), searched in picture(14, 14),
            x in -3..12i32, y in -3..12i32, width in 1..8u32, height in 1..8u32, ax in -4..15i32, ay in -4..15i32,
            radius in 0..5u32,
        ) {
            let patch = Rect::new(x, y, width, height);
            let surface = Surface::of(&reference, patch, &searched, PixelPoint::new(ax, ay), radius);
            let side = 2 * radius as i64 + 1;
            for (i, score) in surface.scores.iter().enumerate() {
                let (dx, dy) = (i as i64 % side - i64::from(radius), i as i64 / side - i64::from(radius));
                let want = plain(&reference, patch, &searched, i64::from(ax) + dx, i64::from(ay) + dy);
                prop_assert!((f64::from(*score) - want).abs() < 1e-5, "{} {}: {} {}", dx, dy, score, want);
            }
        }

        #[test]
        fn no_place_panics(
            x in any::<i32>(), y in any::<i32>(), ax in any::<i32>(), ay in any::<i32>(), width in 0..9u32, height in 0..9u32,
        ) {
            let img = blob(30.0, 20.0);
            let surface = Surface::of(&img, Rect::new(x, y, width, height), &img, PixelPoint::new(ax, ay), 2);
            surface.peak(1);
        }
    }
}
