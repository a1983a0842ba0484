//! The ink inside a printed outline: how much there is on average, and at the darkest spot.
//!
//! All bubbles of a block have the same size and lie alike beside the pixels, so the outline is laid over the pixels once a
//! block: each pixel counts by its part inside.

use super::InkPage;
use super::rings::Outline;
use crate::imaging::dispatch::wide_fn;

/// The part of the outline's area that is the darkest spot.
const DARKEST: f64 = 0.06;
/// Spots are means over this part of the box, along each side.
const SPOT: f64 = 0.25;
/// A pixel's part inside is found from so many places along each side of it.
const PLACES: i32 = 4;

/// The ink of a bubble, 0 (paper) to 1 (black).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct BubbleInk {
    /// Mean inside the outline.
    pub mean: f64,
    /// Mean of the darkest spots inside the outline.
    pub peak: f64,
}

/// An outline laid over pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct Disc {
    /// The first pixel of the window around the outline, beside the whole part of the bubble's middle.
    first: (i32, i32),
    /// Pixels of the outline, across and down.
    size: (usize, usize),
    /// Each pixel's share of the mean.
    shares: Vec<f32>,
    /// In each row, from which pixel to before which one pixels' middles are inside.
    inside: Vec<(usize, usize)>,
    /// Pixels whose middle is inside.
    count: usize,
    /// Sides of a spot, odd.
    spot: (usize, usize),
}

/// Rows of numbers that are filled again for each bubble.
#[derive(Debug, Default)]
pub struct Buffers {
    ink: Vec<u8>,
    sums: Vec<u32>,
    row: Vec<u32>,
}

impl Disc {
    /// An outline of a box of `size` pixels of the ink page, whose middle lies `part` of a pixel beside a pixel's middle.
    pub fn of(outline: Outline, size: (f64, f64), part: (f64, f64)) -> Self {
        let ends = |part: f64, side: f64, scale: f64| {
            let reach = (scale * side / 2.0).max(0.5);
            ((part - reach).round() as i32, (part + reach).round() as i32)
        };
        let (left, right) = ends(part.0, size.0, outline.scale.0);
        let (top, bottom) = ends(part.1, size.1, outline.scale.1);
        let (width, height) = ((right - left + 1).max(1) as usize, (bottom - top + 1).max(1) as usize);
        let is_inside = |x: f64, y: f64| outline.contains((x - part.0) / size.0, (y - part.1) / size.1);
        let mut shares = Vec::with_capacity(width * height);
        let mut inside = Vec::with_capacity(height);
        for j in 0..height as i32 {
            let y = f64::from(top + j);
            let mut run: Option<(usize, usize)> = None;
            for i in 0..width as i32 {
                let x = f64::from(left + i);
                let place = |k: i32| (f64::from(k) + 0.5) / f64::from(PLACES) - 0.5;
                let places = (0..PLACES * PLACES).filter(|k| is_inside(x + place(k % PLACES), y + place(k / PLACES)));
                shares.push(places.count() as f32);
                if is_inside(x, y) {
                    let (from, _) = run.unwrap_or((i as usize, 0));
                    run = Some((from, i as usize + 1));
                }
            }
            inside.push(run.unwrap_or((0, 0)));
        }
        let all: f32 = shares.iter().sum();
        shares.iter_mut().for_each(|share| *share /= all.max(1.0));
        let count = inside.iter().map(|(from, to)| to - from).sum();
        let odd = |side: f64| ((side * SPOT - 1.0) / 2.0).round().max(0.0) as usize * 2 + 1;
        Self { first: (left, top), size: (width, height), shares, inside, count, spot: (odd(size.0), odd(size.1)) }
    }

    /// Measures the bubble whose middle has this whole part.
    pub fn measure(&self, page: &InkPage, middle: (i32, i32), buffers: &mut Buffers) -> BubbleInk {
        let (width, height) = self.size;
        let (rim_x, rim_y) = (self.spot.0 / 2, self.spot.1 / 2);
        let (wide, tall) = (width + 2 * rim_x, height + 2 * rim_y);
        let first = (middle.0 + self.first.0 - rim_x as i32, middle.1 + self.first.1 - rim_y as i32);
        buffers.ink.clear();
        page.cut((first.0.into(), first.1.into()), (wide, tall), &mut buffers.ink);
        let rows = || buffers.ink.chunks_exact(wide);
        let outline = rows().skip(rim_y).zip(self.shares.chunks_exact(width));
        let mean: f32 = outline.map(|(ink, shares)| dot(&ink[rim_x..rim_x + width], shares)).sum();
        let mut levels = [0u32; LEVELS];
        buffers.sums.resize(wide, 0);
        buffers.row.resize(width, 0);
        spots(buffers, &self.inside, self.spot, &mut levels);
        let mean = f64::from(mean) / (LEVELS - 1) as f64;
        BubbleInk { mean, peak: darkest(&levels, (self.count as f64 * DARKEST).max(1.0)) }
    }
}

wide_fn! {
    /// Counts the means of spots around the places inside: each is the sum of its rows, then of its columns.
    fn spots(buffers: &mut Buffers, inside: &[(usize, usize)], spot: (usize, usize), levels: &mut [u32; LEVELS]) {
        let Buffers { ink, sums, row } = buffers;
        let wide = sums.len();
        let area = (spot.0 * spot.1).max(1) as u32;
        // Sums are below 2^32 / area, for which the rounded reciprocal divides exactly.
        let reciprocal = (1u64 << 44).div_ceil(u64::from(area));
        for (j, &(from, to)) in inside.iter().enumerate() {
            if from == to {
                continue;
            }
            sums.fill(0);
            for line in ink[j * wide..(j + spot.1) * wide].chunks_exact(wide) {
                for i in 0..wide {
                    sums[i] += u32::from(line[i]);
                }
            }
            let out = &mut row[from..to];
            out.fill(area / 2);
            for k in 0..spot.0 {
                let sums = &sums[from + k..to + k];
                for i in 0..out.len() {
                    out[i] += sums[i];
                }
            }
            for &sum in out.iter() {
                levels[((u64::from(sum) * reciprocal) >> 44) as usize & (LEVELS - 1)] += 1;
            }
        }
    }
}

/// Steps that the ink of spots is counted in.
const LEVELS: usize = 256;

/// The mean of the `count` highest levels, over the highest that there is.
fn darkest(levels: &[u32; LEVELS], count: f64) -> f64 {
    let (mut left, mut sum) = (count, 0.0);
    for (level, &n) in levels.iter().enumerate().rev() {
        let taken = f64::from(n).min(left);
        sum += taken * level as f64;
        left -= taken;
        if left <= 0.0 {
            break;
        }
    }
    sum / (count - left).max(1.0) / (LEVELS - 1) as f64
}

/// The sum of products. Eight sums at a time, which the compiler turns into vectors.
fn dot(a: &[u8], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a8.remainder().iter().zip(b8.remainder()).map(|(a, b)| f32::from(*a) * b).sum();
    for (a, b) in a8.zip(b8) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += f32::from(*a) * b;
        }
    }
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma};
    use proptest::prelude::*;

    use super::super::rings::Shape;
    use super::*;

    /// A page that is white at its rim, so that paper is 255 all over: what is measured is 1 − gray/255.
    fn page(pixels: &[u8]) -> GrayImage {
        GrayImage::from_fn(80, 80, |x, y| {
            let inside = (36..44).contains(&x) && (36..44).contains(&y);
            Luma([if inside { pixels[((y - 36) * 8 + x - 36) as usize] } else { 255 }])
        })
    }

    /// The same from the definitions, pixel by pixel.
    fn plainly(page: &InkPage, outline: Outline, size: (f64, f64), middle: (f64, f64)) -> BubbleInk {
        let ink = |x: i32, y: i32| {
            let mut one = Vec::new();
            page.cut((x.into(), y.into()), (1, 1), &mut one);
            f64::from(one[0]) / 255.0
        };
        let is_inside = |x: f64, y: f64| outline.contains((x - middle.0) / size.0, (y - middle.1) / size.1);
        let (mut sum, mut area, mut spots) = (0.0, 0.0, Vec::new());
        let odd = |side: f64| ((side * SPOT - 1.0) / 2.0).round().max(0.0) as i32;
        let (rx, ry) = (odd(size.0), odd(size.1));
        for y in 20..60 {
            for x in 20..60 {
                let place = |k: i32| (f64::from(k) + 0.5) / f64::from(PLACES) - 0.5;
                let part = (0..PLACES * PLACES)
                    .filter(|k| is_inside(f64::from(x) + place(k % PLACES), f64::from(y) + place(k / PLACES)))
                    .count() as f64;
                sum += part * ink(x, y);
                area += part;
                if is_inside(f64::from(x), f64::from(y)) {
                    let around = (-ry..=ry).flat_map(|j| (-rx..=rx).map(move |i| (i, j)));
                    let count = f64::from((2 * rx + 1) * (2 * ry + 1));
                    spots.push(around.map(|(i, j)| ink(x + i, y + j)).sum::<f64>() / count);
                }
            }
        }
        spots.sort_by(|a, b| b.total_cmp(a));
        let count = (spots.len() as f64 * DARKEST).max(1.0);
        let peak = (0..spots.len()).map(|i| spots[i] * (count - i as f64).clamp(0.0, 1.0)).sum::<f64>() / count;
        BubbleInk { mean: sum / area, peak }
    }

    proptest! {
        #[test]
        fn rows_of_pixels_measure_what_the_definitions_say(
            pixels in prop::collection::vec(any::<u8>(), 64),
            (width, height) in (4u32..30, 4u32..30),
            scale in (0.5f64..1.2, 0.5f64..1.2),
            part in (0i32..8, 0i32..8),
            is_box in any::<bool>(),
        ) {
            let outline = Outline { shape: if is_box { Shape::Box } else { Shape::Ellipse }, scale };
            let page = InkPage::of(&page(&pixels), (width, height));
            let size = (f64::from(width), f64::from(height));
            let part = (f64::from(part.0) / 8.0, f64::from(part.1) / 8.0);
            let found = Disc::of(outline, size, part).measure(&page, (40, 39), &mut Buffers::default());
            let want = plainly(&page, outline, size, (40.0 + part.0, 39.0 + part.1));
            // Paper is laid over a window by straight lines, and spots are counted in 256 steps.
            prop_assert!((found.mean - want.mean).abs() < 0.03, "{found:?} {want:?}");
            prop_assert!((found.peak - want.peak).abs() < 0.03, "{found:?} {want:?}");
        }
    }

    #[test]
    fn a_bubble_beyond_the_page_is_paper() {
        let page = InkPage::of(&GrayImage::from_pixel(50, 50, Luma([90])), (20, 20));
        let disc = Disc::of(Outline::UNKNOWN, (20.0, 20.0), (0.0, 0.0));
        for middle in [(-500, 20), (20, 70), (i32::MIN / 2, i32::MAX / 2)] {
            assert_eq!(disc.measure(&page, middle, &mut Buffers::default()), BubbleInk::default());
        }
    }
}
