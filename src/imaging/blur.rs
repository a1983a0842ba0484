//! Smoothing: Gaussian blur with integer weights, means over boxes, and the median.

use image::GrayImage;

use super::dispatch::wide_fn;
use super::{mirrored, pixels, pixels_mut};

/// Gaussian blur with a kernel of (width, height) pixels, both odd.
///
/// Separable, with whole weights and one rounding at the end: ⌊(Σ kx·ky·p + S/2) / S⌋, S the total of the products.
/// Beyond the border the picture is mirrored without its edge pixel. With a `sigma` of 0 or less it follows from each
/// size; a size of 0 follows from `sigma`. Even sizes are taken as the next odd one.
pub fn gaussian(src: &GrayImage, kernel: (u32, u32), sigma: f64) -> GrayImage {
    let (columns, rows) = (weights(kernel.0, sigma, src.width()), weights(kernel.1, sigma, src.height()));
    if columns.len() == 1 && rows.len() == 1 || pixels(src).is_empty() {
        return src.clone();
    }
    let sum: u32 = columns.iter().sum::<u32>() * rows.iter().sum::<u32>();
    let shift = sum.trailing_zeros();

    let (width, height) = (src.width() as usize, src.height() as usize);
    let reach = rows.len() / 2;
    let mut line = Line::new(width, columns.len() / 2);
    // Blurred rows, the one of source row y at y modulo the kernel height. A row mirrored at the border lies less than a
    // kernel height away from the row being made, so it is still there (or already there).
    let slots = rows.len().min(height);
    let mut blurred = vec![0u16; slots * width];
    let mut ready = 0;
    let mut sums = vec![0u32; width];
    let mut dst = GrayImage::new(src.width(), src.height());
    for (y, out) in pixels_mut(&mut dst).chunks_exact_mut(width).enumerate() {
        while ready < height.min(y + reach + 1) {
            line.mirror(&pixels(src)[ready * width..(ready + 1) * width]);
            let slot = ready % slots * width;
            blur_row(&line.padded, &columns, &mut blurred[slot..slot + width]);
            ready += 1;
        }
        let row = |i: usize| {
            let slot = mirrored(y as i64 + i as i64 - reach as i64, height) % slots * width;
            &blurred[slot..slot + width]
        };
        match rows[..] {
            [1, 2, 1] if sum <= 16 => three_rows([row(0), row(1), row(2)], shift, out),
            // 16·16·255 + 128 still fits 16 bits.
            [1, 4, 6, 4, 1] if sum <= 256 => five_rows([row(0), row(1), row(2), row(3), row(4)], shift, out),
            _ => {
                sums.fill(sum / 2);
                for (i, &weight) in rows.iter().enumerate() {
                    for (sum, &v) in sums.iter_mut().zip(row(i)) {
                        *sum += u32::from(v) * weight;
                    }
                }
                for (out, sum) in out.iter_mut().zip(&sums) {
                    *out = (sum >> shift) as u8;
                }
            }
        }
    }
    dst
}

wide_fn! {
    /// Blurred rows times 1 2 1, divided by a power of 2 and rounded; sums fit 16 bits.
    fn three_rows(rows: [&[u16]; 3], shift: u32, out: &mut [u8]) {
        let width = out.len();
        let (a, b, c) = (&rows[0][..width], &rows[1][..width], &rows[2][..width]);
        let half = 1 << shift >> 1;
        for x in 0..width {
            out[x] = ((a[x] + 2 * b[x] + c[x] + half) >> shift) as u8;
        }
    }
}

wide_fn! {
    /// Blurred rows times 1 4 6 4 1, as [`three_rows`].
    fn five_rows(rows: [&[u16]; 5], shift: u32, out: &mut [u8]) {
        let width = out.len();
        let (a, b, c) = (&rows[0][..width], &rows[1][..width], &rows[2][..width]);
        let (d, e) = (&rows[3][..width], &rows[4][..width]);
        let half = 1 << shift >> 1;
        for x in 0..width {
            out[x] = ((a[x] + e[x] + 4 * (b[x] + d[x]) + 6 * c[x] + half) >> shift) as u8;
        }
    }
}

wide_fn! {
    /// One row, with the pixels beyond both ends, times the weights. The total of the weights is at most 256, so 16 bits
    /// are enough.
    fn blur_row(padded: &[u8], weights: &[u32], out: &mut [u16]) {
        let width = out.len();
        match *weights {
            [1, 2, 1] => {
                let (a, b, c) = (&padded[..width], &padded[1..][..width], &padded[2..][..width]);
                for x in 0..width {
                    out[x] = u16::from(a[x]) + 2 * u16::from(b[x]) + u16::from(c[x]);
                }
            }
            [1, 4, 6, 4, 1] => {
                let (a, b, c) = (&padded[..width], &padded[1..][..width], &padded[2..][..width]);
                let (d, e) = (&padded[3..][..width], &padded[4..][..width]);
                for x in 0..width {
                    let (outer, inner) = (u16::from(a[x]) + u16::from(e[x]), u16::from(b[x]) + u16::from(d[x]));
                    out[x] = outer + 4 * inner + 6 * u16::from(c[x]);
                }
            }
            _ => {
                out.fill(0);
                for i in 0..weights.len() {
                    let (shifted, weight) = (&padded[i..i + width], weights[i] as u16);
                    for x in 0..width {
                        out[x] += u16::from(shifted[x]) * weight;
                    }
                }
            }
        }
    }
}

/// A row of pixels with as many more at both ends as a kernel reaches.
struct Line {
    padded: Vec<u8>,
    reach: usize,
    /// For each place before and after the row, the index it repeats.
    outside: Vec<(usize, usize)>,
}

impl Line {
    fn new(width: usize, reach: usize) -> Self {
        let places = (0..reach).chain(reach + width..2 * reach + width);
        let outside = places.map(|at| (at, mirrored(at as i64 - reach as i64, width))).collect();
        Self { padded: vec![0; width + 2 * reach], reach, outside }
    }

    fn mirror(&mut self, row: &[u8]) {
        self.padded[self.reach..self.reach + row.len()].copy_from_slice(row);
        for &(at, from) in &self.outside {
            self.padded[at] = row[from];
        }
    }
}

/// The weights of one axis; their total is a power of two of at most 256.
///
/// For sizes up to 7 and no sigma they are the binomial ones (7: a fixed list). Otherwise exp(−i²/2σ²), normalised and
/// brought to 8 fractional bits from the outside in, each rounding error carried on to the next weight; the centre
/// takes what is missing from 256.
fn weights(size: u32, sigma: f64, length: u32) -> Vec<u32> {
    let size = if size == 0 && sigma > 0.0 { (6.0 * sigma + 1.0).round_ties_even() as u32 } else { size } | 1;
    if length <= 1 {
        // All pixels that the kernel meets are the same one.
        return vec![1];
    }
    // `sigma` may be NaN, which counts as none.
    let sigma = if sigma > 0.0 {
        sigma
    } else {
        match size {
            1 => return vec![1],
            3 => return vec![1, 2, 1],
            5 => return vec![1, 4, 6, 4, 1],
            7 => return vec![2, 7, 14, 18, 14, 7, 2],
            _ => 0.3 * (f64::from(size - 1) * 0.5 - 1.0) + 0.8,
        }
    };
    let half = size / 2;
    // Beyond forty sigmas a weight is 0 in any precision; this bounds the work for absurd sizes.
    let half = if f64::from(half) > 40.0 * sigma { (40.0 * sigma).ceil() as u32 } else { half };
    let outer: Vec<f64> = (1..=half).rev().map(|i| (-0.5 * (f64::from(i) / sigma).powi(2)).exp()).collect();
    let total = 2.0 * outer.iter().sum::<f64>() + 1.0;
    let mut error = 0.0;
    let mut side: Vec<u32> = outer
        .iter()
        .map(|k| {
            let wanted = 256.0 * k / total + error;
            let weight = wanted.round_ties_even();
            error = wanted - weight;
            weight as u32
        })
        .collect();
    let centre = 256u32.saturating_sub(2 * side.iter().sum::<u32>());
    let mirror: Vec<u32> = side.iter().rev().copied().collect();
    side.push(centre);
    side.extend(mirror);
    side
}

/// The mean of the pixels up to `reach` away, which is at most 127: along each row, cut to a whole gray, then along each column.
/// Beyond the border its pixels are repeated.
pub fn box_mean(src: &GrayImage, reach: u32) -> GrayImage {
    let mut dst = GrayImage::new(src.width(), src.height());
    if !pixels(src).is_empty() && reach > 0 {
        means(pixels(src), pixels_mut(&mut dst), src.width() as usize, reach.min(127) as usize);
        return dst;
    }
    src.clone()
}

wide_fn! {
    fn means(src: &[u8], dst: &mut [u8], width: usize, reach: usize) {
        let size = 2 * reach + 1;
        // Sums are at most 255 · size, for which the rounded reciprocal divides exactly.
        let reciprocal = (1u32 << 24).div_ceil(size as u32);
        let height = src.len() / width;
        let mut padded = vec![0u8; width + 2 * reach];
        let mut sums = vec![0u16; width];
        let mut along = vec![0u8; src.len()];
        for (row, out) in src.chunks_exact(width).zip(along.chunks_exact_mut(width)) {
            padded[..reach].fill(row[0]);
            padded[reach..reach + width].copy_from_slice(row);
            padded[reach + width..].fill(row[width - 1]);
            sums.fill(0);
            for k in 0..size {
                let shifted = &padded[k..k + width];
                for i in 0..width {
                    sums[i] += u16::from(shifted[i]);
                }
            }
            for i in 0..width {
                out[i] = ((u32::from(sums[i]) * reciprocal) >> 24) as u8;
            }
        }
        for (y, out) in dst.chunks_exact_mut(width).enumerate() {
            sums.fill(0);
            for k in 0..size {
                let row = (y + k).saturating_sub(reach).min(height - 1);
                let row = &along[row * width..(row + 1) * width];
                for i in 0..width {
                    sums[i] += u16::from(row[i]);
                }
            }
            for i in 0..width {
                out[i] = ((u32::from(sums[i]) * reciprocal) >> 24) as u8;
            }
        }
    }
}

/// Median of the `k`×`k` pixels around each pixel; the border pixels are repeated outwards. `k` is odd (an even one is
/// taken as the next odd); 0 and 1 change nothing.
pub fn median(src: &GrayImage, k: u32) -> GrayImage {
    let k = if k == 0 { 1 } else { k | 1 };
    if k == 1 || pixels(src).is_empty() {
        return src.clone();
    }
    let mut dst = GrayImage::new(src.width(), src.height());
    match k {
        3 => median_of_9(pixels(src), pixels_mut(&mut dst), src.width() as usize),
        5 => median_of_25(pixels(src), pixels_mut(&mut dst), src.width() as usize),
        _ => median_by_histogram(pixels(src), pixels_mut(&mut dst), src.width() as usize, k as usize / 2),
    }
    dst
}

/// (smaller, larger)
fn sorted(a: u8, b: u8) -> (u8, u8) {
    (a.min(b), a.max(b))
}

fn middle(a: u8, b: u8, c: u8) -> u8 {
    a.min(b).max(a.max(b).min(c))
}

/// Row `y` of the picture, the border rows repeated.
fn repeated_row(src: &[u8], width: usize, y: isize) -> &[u8] {
    let last = (src.len() / width) as isize - 1;
    let y = y.clamp(0, last) as usize;
    &src[y * width..(y + 1) * width]
}

/// 3×3: each column of three is sorted; the median is the middle one of the largest of the three minima, the middle of
/// the three middles and the smallest of the three maxima.
fn median_of_9(src: &[u8], dst: &mut [u8], width: usize) {
    let mut columns = [const { Vec::new() }; 3];
    columns.iter_mut().for_each(|c| c.resize(width + 2, 0));
    for (y, out) in dst.chunks_exact_mut(width).enumerate() {
        let row = |dy: isize| repeated_row(src, width, y as isize + dy);
        let [low, mid, high] = &mut columns;
        let places = low[1..].iter_mut().zip(&mut mid[1..]).zip(&mut high[1..]);
        for (((low, mid), high), ((&a, &b), &c)) in places.zip(row(-1).iter().zip(row(0)).zip(row(1))) {
            let (a, b) = sorted(a, b);
            let (b, c) = sorted(b, c);
            let (a, b) = sorted(a, b);
            (*low, *mid, *high) = (a, b, c);
        }
        for c in &mut columns {
            (c[0], c[width + 1]) = (c[1], c[width]);
        }
        let [low, mid, high] = &columns;
        for (x, out) in out.iter_mut().enumerate() {
            let (low, mid, high) = (&low[x..x + 3], &mid[x..x + 3], &high[x..x + 3]);
            *out = middle(
                low[0].max(low[1]).max(low[2]),
                middle(mid[0], mid[1], mid[2]),
                high[0].min(high[1]).min(high[2]),
            );
        }
    }
}

/// Pixels that [`median_of_25`] handles together. Enough for the compiler to keep the loop over them and to turn it into
/// vector instructions; it unrolls a loop over 16, and then misses that.
const LANES: usize = 64;
type Lanes = [u8; LANES];

/// Puts the smaller values into `v[i]`, the larger into `v[j]`.
fn exchange<const N: usize>(v: &mut [Lanes; N], i: usize, j: usize) {
    let Ok([low, high]) = v.get_disjoint_mut([i, j]) else { return };
    for (low, high) in low.iter_mut().zip(high) {
        (*low, *high) = sorted(*low, *high);
    }
}

/// Sorts five values.
const SORT_5: [(usize, usize); 9] = [(0, 3), (1, 4), (0, 2), (1, 3), (0, 1), (2, 4), (1, 2), (3, 4), (2, 3)];

/// 5×5: the columns are sorted (once for the five windows that share them), then the five values of each rank. In such a
/// table the value at rank i, place j has at least (i+1)(j+1)−1 others not above and (5−i)(5−j)−1 not below it, which
/// leaves 13 of the 25 as possible medians and as many left out on both sides; the median is the middle one of these.
fn median_of_25(src: &[u8], dst: &mut [u8], width: usize) {
    const POSSIBLE: [(usize, usize); 13] =
        [(0, 3), (0, 4), (1, 2), (1, 3), (1, 4), (2, 1), (2, 2), (2, 3), (3, 0), (3, 1), (3, 2), (4, 0), (4, 1)];
    let padded = width.next_multiple_of(LANES) + 4 + LANES;
    let mut ranks = [const { Vec::new() }; 5];
    ranks.iter_mut().for_each(|r| r.resize(padded, 0));
    for (y, out) in dst.chunks_exact_mut(width).enumerate() {
        let rows: [&[u8]; 5] = std::array::from_fn(|i| repeated_row(src, width, y as isize + i as isize - 2));
        for x in (0..width).step_by(LANES) {
            let count = LANES.min(width - x);
            let mut column = [[0; LANES]; 5];
            for (lanes, row) in column.iter_mut().zip(rows) {
                lanes[..count].copy_from_slice(&row[x..x + count]);
            }
            SORT_5.iter().for_each(|&(i, j)| exchange(&mut column, i, j));
            for (rank, lanes) in ranks.iter_mut().zip(column) {
                rank[x + 2..x + 2 + LANES].copy_from_slice(&lanes);
            }
        }
        for rank in &mut ranks {
            let (first, last) = (rank[2], rank[width + 1]);
            rank[..2].fill(first);
            rank[width + 2..width + 4].fill(last);
        }
        for (x, out) in (0..).step_by(LANES).zip(out.chunks_mut(LANES)) {
            let table: [[Lanes; 5]; 5] = std::array::from_fn(|i| {
                let mut row = [[0; LANES]; 5];
                for (j, lanes) in row.iter_mut().enumerate() {
                    lanes.copy_from_slice(&ranks[i][x + j..x + j + LANES]);
                }
                SORT_5.iter().for_each(|&(i, j)| exchange(&mut row, i, j));
                row
            });
            let median = middle_of_13(POSSIBLE.map(|(i, j)| table[i][j]));
            out.copy_from_slice(&median[..out.len()]);
        }
    }
}

/// The median of 13 values by throwing away: of eight values neither the smallest nor the largest can be it. One of the
/// five others takes the place of the smallest; of these seven again neither can be it, and so on until three are left.
fn middle_of_13(mut v: [Lanes; 13]) -> Lanes {
    for (count, next) in (4..=8).rev().zip(8..) {
        extremes_outside(&mut v, count);
        v[0] = v[next];
    }
    extremes_outside(&mut v, 3);
    v[1]
}

/// Moves the smallest of the first `count` values to their start and the largest to their end.
fn extremes_outside(v: &mut [Lanes; 13], count: usize) {
    for i in 0..count / 2 {
        exchange(v, i, count - 1 - i);
    }
    for i in 1..count.div_ceil(2) {
        exchange(v, 0, i);
    }
    for i in count / 2..count - 1 {
        exchange(v, i, count - 1);
    }
}

/// Any size: a histogram of the window slides along the row, together with the median and the number of values below it.
fn median_by_histogram(src: &[u8], dst: &mut [u8], width: usize, reach: usize) {
    let height = src.len() / width;
    // Further out there are only repeated border pixels, which are counted instead of visited.
    let middle = (2 * reach as u64 + 1) * (2 * reach as u64 + 1) / 2;
    let times = |i: usize, len: usize, at: usize| -> u64 {
        // How often the window around `at` meets index `i` of a line of `len` pixels.
        let (first, last) = (at.saturating_sub(reach), (at + reach).min(len - 1));
        let before = if i == 0 { reach.saturating_sub(at) } else { 0 };
        let after = if i == len - 1 { (at + reach).saturating_sub(len - 1) } else { 0 };
        u64::from(first <= i && i <= last) + before as u64 + after as u64
    };
    for (y, out) in dst.chunks_exact_mut(width).enumerate() {
        let rows: Vec<(&[u8], u64)> = (y.saturating_sub(reach)..(y + reach + 1).min(height))
            .map(|i| (&src[i * width..(i + 1) * width], times(i, height, y)))
            .collect();
        let mut histogram = [0u64; 256];
        let mut below = 0;
        let mut median = 0u8;
        for x in 0..reach.min(width - 1) + 1 {
            let columns = times(x, width, 0);
            rows.iter().for_each(|(row, n)| histogram[usize::from(row[x])] += n * columns);
        }
        for (x, out) in out.iter_mut().enumerate() {
            if x > 0 {
                let (leaves, enters) = ((x - 1).saturating_sub(reach), (x + reach).min(width - 1));
                for (row, n) in &rows {
                    let (leaving, entering) = (row[leaves], row[enters]);
                    histogram[usize::from(leaving)] -= n;
                    histogram[usize::from(entering)] += n;
                    below = below + if entering < median { *n } else { 0 } - if leaving < median { *n } else { 0 };
                }
            }
            while below > middle {
                median -= 1;
                below -= histogram[usize::from(median)];
            }
            while below + histogram[usize::from(median)] <= middle {
                below += histogram[usize::from(median)];
                median += 1;
            }
            *out = median;
        }
    }
}

#[cfg(test)]
mod tests {
    use imageproc::gray_image;
    use proptest::prelude::*;

    use super::*;
    use crate::imaging::arbitrary::picture;

    fn plain_gaussian(src: &GrayImage, kernel: (u32, u32), sigma: f64) -> GrayImage {
        let (columns, rows) = (weights(kernel.0, sigma, src.width()), weights(kernel.1, sigma, src.height()));
        let total = u64::from(columns.iter().sum::<u32>() * rows.iter().sum::<u32>());
        GrayImage::from_fn(src.width(), src.height(), |x, y| {
            let mut sum = total / 2;
            for (j, b) in rows.iter().enumerate() {
                for (i, a) in columns.iter().enumerate() {
                    let at = |i: usize, v: u32, n: usize, len: u32| {
                        mirrored(i64::from(v) + i as i64 - (n / 2) as i64, len as usize) as u32
                    };
                    let p = src.get_pixel(at(i, x, columns.len(), src.width()), at(j, y, rows.len(), src.height()));
                    sum += u64::from(a * b) * u64::from(p.0[0]);
                }
            }
            image::Luma([(sum / total) as u8])
        })
    }

    fn plain_median(src: &GrayImage, k: i64) -> GrayImage {
        GrayImage::from_fn(src.width(), src.height(), |x, y| {
            let at = |v: u32, d: i64, len: u32| (i64::from(v) + d).clamp(0, i64::from(len) - 1) as u32;
            let offsets = -(k / 2)..=k / 2;
            let mut window: Vec<u8> = offsets
                .clone()
                .flat_map(|dy| offsets.clone().map(move |dx| (dx, dy)))
                .map(|(dx, dy)| src.get_pixel(at(x, dx, src.width()), at(y, dy, src.height())).0[0])
                .collect();
            window.sort_unstable();
            image::Luma([window[window.len() / 2]])
        })
    }

    #[test]
    fn three_by_three_mirrors_without_the_edge() {
        let src = gray_image!(0, 0, 0; 0, 160, 0; 0, 0, 0);
        assert_eq!(gaussian(&src, (3, 3), 0.0), gray_image!(40, 40, 40; 40, 40, 40; 40, 40, 40));
        let src = gray_image!(160, 0, 0; 0, 0, 0; 0, 0, 0);
        assert_eq!(gaussian(&src, (3, 3), 0.0), gray_image!(40, 20, 0; 20, 10, 0; 0, 0, 0));
    }

    #[test]
    fn weights_are_those_of_the_formula() {
        assert_eq!(weights(3, 1.0, 9), [70, 116, 70]);
        assert_eq!(weights(5, 2.0, 9), [39, 57, 64, 57, 39]);
        assert_eq!(weights(9, 0.0, 9), [4, 13, 30, 51, 60, 51, 30, 13, 4]);
        assert_eq!(weights(0, 1.0, 9).len(), 7);
    }

    #[test]
    fn the_median_repeats_the_border() {
        let src = gray_image!(9, 1, 1; 1, 5, 1; 1, 1, 7);
        assert_eq!(median(&src, 3), gray_image!(5, 1, 1; 1, 1, 1; 1, 1, 5));
    }

    proptest! {
        #[test]
        fn means_are_those_of_another_implementation(src in picture(30, 20), reach in 0..9u32) {
            prop_assert_eq!(box_mean(&src, reach), imageproc::filter::box_filter(&src, reach, reach));
        }

        #[test]
        fn fast_gaussian_equals_plain(
            src in picture(40, 14), w in 0..12u32, h in 0..12u32, sigma in prop_oneof![Just(0.0), 0.1..5.0],
        ) {
            prop_assert_eq!(gaussian(&src, (w, h), sigma), plain_gaussian(&src, (w, h), sigma));
            for k in [3, 5] {
                prop_assert_eq!(gaussian(&src, (k, k), 0.0), plain_gaussian(&src, (k, k), 0.0));
            }
        }

        #[test]
        fn fast_median_equals_plain(src in picture(150, 8), half in 0..9u32) {
            prop_assert_eq!(median(&src, 3), plain_median(&src, 3));
            prop_assert_eq!(median(&src, 5), plain_median(&src, 5));
            prop_assert_eq!(median(&src, 2 * half + 1), plain_median(&src, i64::from(2 * half + 1)));
        }

        #[test]
        fn any_numbers_give_a_picture(src in picture(6, 6), w: u32, h: u32, sigma: f64) {
            // Weights of sizes that sigma cannot bound are not worth the wait.
            prop_assume!(sigma < 1000.0 && (sigma > 0.0 || w.max(h) < 1000));
            gaussian(&src, (w, h), sigma);
            median(&src, w);
        }
    }
}
