//! The ink inside a printed outline: how much there is on average, and at the darkest spot.
//!
//! All bubbles of a block have the same size and lie alike beside the pixels, so the outline is laid over the pixels once a
//! block: each pixel counts by its part inside.

use std::ops::{AddAssign, SubAssign};

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
    /// The first pixel of the window around the outline and its spots, beside the whole part of the bubble's middle.
    first: (i32, i32),
    /// Pixels of the window, across and down.
    size: (usize, usize),
    /// Places in a row of the window: pixels across, and what is left to whole groups.
    stride: usize,
    /// In the window's rows from the outline's first to its last, each pixel's parts inside, of [`PLACES`]².
    shares: Vec<u8>,
    /// All parts inside.
    all_shares: u64,
    /// In each row of the outline, from which place of the window to before which one spots that begin there have their middle
    /// inside.
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
    sums: Vec<u16>,
    large_sums: Vec<u32>,
    levels: Vec<u8>,
}

/// Places of a row that are worked on at once.
const GROUP: usize = 16;
/// Levels that are looked at at once.
const LEVELS: usize = 128;

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
        let odd = |side: f64| ((side * SPOT - 1.0) / 2.0).round().max(0.0) as usize * 2 + 1;
        let spot = (odd(size.0), odd(size.1));
        let (rim_x, rim_y) = (spot.0 / 2, spot.1 / 2);
        let (wide, tall) = (width + 2 * rim_x, height + 2 * rim_y);
        let stride = wide.next_multiple_of(GROUP);
        let is_inside = |x: f64, y: f64| outline.contains((x - part.0) / size.0, (y - part.1) / size.1);
        let mut shares = vec![0u8; height * stride];
        let mut inside = Vec::with_capacity(height);
        for (j, shares) in (0..).zip(shares.chunks_exact_mut(stride)) {
            let y = f64::from(top + j);
            let shares = &mut shares[rim_x..rim_x + width];
            for k in 0..PLACES {
                let y = y + place(k);
                let (from, to) = run(width as i32 * PLACES, |i| {
                    is_inside(f64::from(left + i.div_euclid(PLACES)) + place(i.rem_euclid(PLACES)), y)
                });
                add_run(shares, from, to);
            }
            let (from, to) = run(width as i32, |i| is_inside(f64::from(left + i), y));
            inside.push((from as usize, to as usize));
        }
        let all_shares = shares.iter().map(|&share| u64::from(share)).sum();
        let count = inside.iter().map(|(from, to)| to - from).sum();
        let first = (left - rim_x as i32, top - rim_y as i32);
        Self { first, size: (wide, tall), stride, shares, all_shares, inside, count, spot }
    }

    /// Measures the bubble whose middle has this whole part.
    pub fn measure(&self, page: &InkPage, middle: (i32, i32), buffers: &mut Buffers) -> BubbleInk {
        let first = (i64::from(middle.0) + i64::from(self.first.0), i64::from(middle.1) + i64::from(self.first.1));
        let Buffers { ink, sums, large_sums, levels } = buffers;
        ink.clear();
        page.cut_in_rows(first, self.size, self.stride, ink);
        let outline = ink.get(self.spot.1 / 2 * self.stride..).unwrap_or_default();
        let sum = weighed(outline, &self.shares);
        let mean = sum as f64 / self.all_shares.max(1) as f64 / DARK;
        // Sums of small spots fit 16 bits.
        match self.spot.0 * self.spot.1 {
            ..=256 => spots(self, ink, sums, levels),
            _ => spots(self, ink, large_sums, levels),
        }
        BubbleInk { mean, peak: darkest(levels, (self.count as f64 * DARKEST).max(1.0)) }
    }
}

/// Where place `k` of a pixel's side lies beside the pixel's middle.
fn place(k: i32) -> f64 {
    (f64::from(k) + 0.5) / f64::from(PLACES) - 0.5
}

/// From which of `count` places in a row to before which one they are inside: they are one run, and most of all places.
fn run(count: i32, is_inside: impl Fn(i32) -> bool) -> (i32, i32) {
    let from = (0..count).find(|&i| is_inside(i)).unwrap_or(count);
    let to = (from..count).rev().find(|&i| is_inside(i)).map_or(from, |last| last + 1);
    (from, to)
}

/// Adds to each pixel's share the places from `from` to before `to`, of [`PLACES`] a pixel.
fn add_run(shares: &mut [u8], from: i32, to: i32) {
    for (i, share) in (0..).step_by(PLACES as usize).zip(shares) {
        *share += (to.min(i + PLACES) - from.max(i)).max(0) as u8;
    }
}

wide_fn! {
    /// The sum of ink times shares.
    fn weighed(ink: &[u8], shares: &[u8]) -> u64 {
        let mut all = 0;
        // Shares are 16 at most: the sum of so many products fits 32 bits.
        for (ink, shares) in ink.chunks(1 << 16).zip(shares.chunks(1 << 16)) {
            let ink = &ink[..shares.len().min(ink.len())];
            let mut sum = 0;
            for i in 0..ink.len() {
                sum += i32::from(ink[i]) * i32::from(shares[i]);
            }
            all += u64::from(sum.unsigned_abs());
        }
        all
    }
}

/// A sum of ink.
trait Sum: Copy + From<u8> + AddAssign + SubAssign {
    /// Its mean over an area, rounded.
    fn mean(self, area: Area) -> u8;
}

/// Pixels of a spot.
#[derive(Clone, Copy)]
struct Area {
    pixels: u32,
    reciprocal: f32,
}

impl Sum for u16 {
    #[inline(always)]
    fn mean(self, area: Area) -> u8 {
        // Areas are odd, so no mean lies in the middle between whole numbers, nor closer to it than floats of this size are
        // exact. From 2^23 on floats are whole numbers: the sum is rounded, its last byte is the mean.
        (f32::from(self) * area.reciprocal + 8_388_608.0).to_bits() as u8
    }
}

impl Sum for u32 {
    #[inline(always)]
    fn mean(self, area: Area) -> u8 {
        ((self + area.pixels / 2) / area.pixels) as u8
    }
}

wide_fn! {
    /// The means of the spots around the places inside. Each is the sum of its columns, which are kept from row to row.
    fn spots[T: Sum](disc: &Disc, ink: &[u8], sums: &mut Vec<T>, levels: &mut Vec<u8>) {
        let Disc { stride, inside, count, spot, .. } = disc;
        let pixels = spot.0 * spot.1;
        let area = Area { pixels: pixels as u32, reciprocal: 1.0 / pixels as f32 };
        // Whole groups are read and written, beyond the ends of rows, too; what follows overwrites it.
        sums.clear();
        sums.resize(stride + GROUP, T::from(0));
        levels.resize(count.next_multiple_of(LEVELS) + GROUP, 0);
        let rows = || ink.chunks_exact(*stride).map(|row| row.as_chunks::<GROUP>().0);
        for row in rows().take(spot.1 - 1) {
            for (sums, row) in sums.as_chunks_mut::<GROUP>().0.iter_mut().zip(row) {
                let mut all = *sums;
                for i in 0..GROUP {
                    all[i] += T::from(row[i]);
                }
                *sums = all;
            }
        }
        let mut done = 0;
        for ((above, below), &(from, to)) in rows().zip(rows().skip(spot.1 - 1)).zip(inside) {
            for (sums, row) in sums.as_chunks_mut::<GROUP>().0.iter_mut().zip(below) {
                let mut all = *sums;
                for i in 0..GROUP {
                    all[i] += T::from(row[i]);
                }
                *sums = all;
            }
            for group in (0..to - from).step_by(GROUP) {
                let mut total = [T::from(0); GROUP];
                for k in 0..spot.0 {
                    let sums = &sums[from + group + k..][..GROUP];
                    for i in 0..GROUP {
                        total[i] += sums[i];
                    }
                }
                let levels = &mut levels[done + group..][..GROUP];
                for i in 0..GROUP {
                    levels[i] = total[i].mean(area);
                }
            }
            done += to - from;
            for (sums, row) in sums.as_chunks_mut::<GROUP>().0.iter_mut().zip(above) {
                let mut all = *sums;
                for i in 0..GROUP {
                    all[i] -= T::from(row[i]);
                }
                *sums = all;
            }
        }
        levels.truncate(count.next_multiple_of(LEVELS));
        levels[*count..].fill(0);
    }
}

/// The highest level.
const DARK: f64 = 255.0;

/// The mean of the `count` highest levels, over the highest that there can be. Zeros after the last do no harm.
fn darkest(levels: &[u8], count: f64) -> f64 {
    let (groups, _) = levels.as_chunks::<LEVELS>();
    // So many levels reach a whole number of them as `count` itself.
    let (level, above, beyond) = highest(groups, count.ceil() as u64);
    let level = f64::from(level);
    let sum = beyond as f64 + above as f64 * level;
    // Where there are fewer levels than asked for, the last ones are 0.
    (sum + (count - above as f64) * level) / count / DARK
}

wide_fn! {
    /// The highest level that `count` levels reach, how many are higher, and what those have beyond it.
    fn highest(levels: &[[u8; LEVELS]], count: u64) -> (u8, u64, u64) {
        // Bit by bit.
        let mut level = 0u8;
        for bit in (0..8).rev() {
            let higher = level | 1 << bit;
            if reach(levels, higher) >= count {
                level = higher;
            }
        }
        let mut beyond = 0;
        for levels in levels {
            // A sum of so many fits 16 bits.
            let mut sum = 0u16;
            for higher in levels {
                sum += u16::from(higher.saturating_sub(level));
            }
            beyond += u64::from(sum);
        }
        let above = if level < u8::MAX { reach(levels, level + 1) } else { 0 };
        (level, above, beyond)
    }
}

/// How many levels are at least so high.
#[inline(always)]
fn reach(levels: &[[u8; LEVELS]], least: u8) -> u64 {
    let mut all = 0;
    for levels in levels {
        // A count of so many fits a byte.
        let mut count = 0u8;
        for &level in levels {
            count += u8::from(level >= least);
        }
        all += u64::from(count);
    }
    all
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
            let page = page(&pixels);
            let page = InkPage::of(&page, (width, height));
            let size = (f64::from(width), f64::from(height));
            let part = (f64::from(part.0) / 8.0, f64::from(part.1) / 8.0);
            let found = Disc::of(outline, size, part).measure(&page, (40, 39), &mut Buffers::default());
            let want = plainly(&page, outline, size, (40.0 + part.0, 39.0 + part.1));
            // Paper is laid over a window by straight lines, and spots are counted in 256 steps.
            prop_assert!((found.mean - want.mean).abs() < 0.03, "{found:?} {want:?}");
            prop_assert!((found.peak - want.peak).abs() < 0.03, "{found:?} {want:?}");
        }
    }

    proptest! {
        #[test]
        fn sums_of_rows_are_sums_of_squares(
            ink in prop::collection::vec(any::<u8>(), 2000),
            (width, height) in (4u32..20, 4u32..20),
            scale in (0.5f64..1.2, 0.5f64..1.2),
            is_box in any::<bool>(),
        ) {
            let outline = Outline { shape: if is_box { Shape::Box } else { Shape::Ellipse }, scale };
            let disc = Disc::of(outline, (f64::from(width), f64::from(height)), (0.25, 0.5));
            let ink: Vec<u8> = ink.into_iter().cycle().take(disc.stride * disc.size.1).collect();
            let (mut levels, mut others) = (Vec::new(), Vec::new());
            spots(&disc, &ink, &mut Vec::<u16>::new(), &mut levels);
            spots(&disc, &ink, &mut Vec::<u32>::new(), &mut others);
            let mut want = Vec::new();
            for (j, &(from, to)) in disc.inside.iter().enumerate() {
                for i in from..to {
                    let rows = (j..j + disc.spot.1).map(|j| &ink[j * disc.stride + i..][..disc.spot.0]);
                    let sum: usize = rows.flatten().map(|&ink| usize::from(ink)).sum();
                    let area = disc.spot.0 * disc.spot.1;
                    want.push(((sum + area / 2) / area) as u8);
                }
            }
            prop_assert_eq!(&levels[..disc.count], &want);
            prop_assert_eq!(levels, others);
            let outline = &ink[disc.spot.1 / 2 * disc.stride..];
            let sum: u64 = outline.iter().zip(&disc.shares).map(|(&a, &b)| u64::from(a) * u64::from(b)).sum();
            prop_assert_eq!(weighed(outline, &disc.shares), sum);
        }

        #[test]
        fn the_darkest_are_the_highest(levels in prop::collection::vec(any::<u8>(), 1..900), part in 0.0f64..1.0) {
            let count = (levels.len() as f64 * part).max(1.0);
            let mut sorted = levels.clone();
            sorted.sort_unstable_by(|a, b| b.cmp(a));
            let counted = sorted.iter().enumerate().map(|(i, &v)| f64::from(v) * (count - i as f64).clamp(0.0, 1.0));
            let want = counted.sum::<f64>() / count / 255.0;
            let mut levels = levels;
            levels.resize(levels.len().next_multiple_of(LEVELS), 0);
            prop_assert!((darkest(&levels, count) - want).abs() < 1e-12);
        }
    }

    #[test]
    fn means_of_spots_are_rounded_exactly() {
        for side in [1u32, 3, 5, 9, 15] {
            let area = Area { pixels: side * side, reciprocal: 1.0 / (side * side) as f32 };
            for sum in 0..=255 * area.pixels {
                let want = ((sum + area.pixels / 2) / area.pixels) as u8;
                assert_eq!((sum as u16).mean(area), want, "{sum} of {}", area.pixels);
            }
        }
    }

    #[test]
    fn a_bubble_beyond_the_page_is_paper() {
        let page = GrayImage::from_pixel(50, 50, Luma([90]));
        let page = InkPage::of(&page, (20, 20));
        let disc = Disc::of(Outline::UNKNOWN, (20.0, 20.0), (0.0, 0.0));
        for middle in [(-500, 20), (20, 70), (i32::MIN / 2, i32::MAX / 2)] {
            assert_eq!(disc.measure(&page, middle, &mut Buffers::default()), BubbleInk::default());
        }
    }
}
