//! Bilinear resizing in fixed point.
//!
//! Two source pixels per axis are blended with weights of 11 fractional bits; there is no smoothing when shrinking.
//! The cut of the low bits between the passes makes single pixels up to 0.8 gray levels darker than exact bilinear.
//! That is the arithmetic of `cv2.resize(…, INTER_LINEAR)`, including its exception: a picture that is halved in both
//! directions gets the rounded mean of each 2×2 block instead.

use image::{GrayImage, RgbImage};

use super::dispatch::wide_fn;
use super::{pixels, pixels_mut};
use crate::geometry::Size;

/// Weights are whole numbers of 1/2048.
const WEIGHT_ONE: f32 = 2048.0;

/// `src` resized to `size`, bilinear. A copy if the size is the same; if there is nothing to read or to write, black.
pub fn linear(src: &GrayImage, size: Size) -> GrayImage {
    let from = Size::new(src.width(), src.height());
    if from == size {
        return src.clone();
    }
    let mut dst = GrayImage::new(size.width, size.height);
    scale::<1>(pixels(src), from, pixels_mut(&mut dst), size);
    dst
}

/// As [`linear`], for each channel of a colour picture.
pub fn linear_rgb(src: &RgbImage, size: Size) -> RgbImage {
    let from = Size::new(src.width(), src.height());
    if from == size {
        return src.clone();
    }
    let mut dst = RgbImage::new(size.width, size.height);
    scale::<3>(src.as_raw(), from, &mut dst, size);
    dst
}

/// The means of blocks of `factor` × `factor` pixels, rounded; blocks that are not whole at the right and the bottom are
/// left out. A copy for a factor of 0 or 1.
pub fn shrunk(src: &GrayImage, factor: u32) -> GrayImage {
    if factor <= 1 {
        return src.clone();
    }
    let mut dst = GrayImage::new(src.width() / factor, src.height() / factor);
    let (width, step) = (dst.width() as usize, factor as usize);
    if width == 0 {
        return dst;
    }
    let blocks = Blocks { src: pixels(src), stride: src.width() as usize, width, side: step };
    match step {
        2 => halve::<1>(blocks.src, blocks.stride, pixels_mut(&mut dst), width),
        ..=MOST_SUMMED => mean_blocks(&blocks, pixels_mut(&mut dst)),
        _ => mean_large_blocks(&blocks, pixels_mut(&mut dst)),
    }
    dst
}

/// Source pixels and the length of their rows, blocks to a row, and the side of a block.
struct Blocks<'a> {
    src: &'a [u8],
    stride: usize,
    width: usize,
    side: usize,
}

/// Sums of so many pixels fit 16 bits.
const MOST_SUMMED: usize = 257;

wide_fn! {
    /// [`shrunk`] by up to [`MOST_SUMMED`]: sums down the columns first, of all columns at once.
    fn mean_blocks(blocks: &Blocks<'_>, dst: &mut [u8]) {
        let Blocks { src, stride, width, side } = *blocks;
        let area = (side * side) as u32;
        let mut sums = vec![0u16; width * side];
        for (rows, out) in src.chunks_exact(stride * side).zip(dst.chunks_exact_mut(width)) {
            sums.fill(0);
            for row in rows.chunks_exact(stride) {
                let row = &row[..sums.len()];
                for i in 0..sums.len() {
                    sums[i] += u16::from(row[i]);
                }
            }
            for i in 0..width {
                let mut sum = area / 2;
                for &column in &sums[i * side..(i + 1) * side] {
                    sum += u32::from(column);
                }
                out[i] = (sum / area) as u8;
            }
        }
    }
}

/// [`shrunk`] for blocks of any size.
fn mean_large_blocks(blocks: &Blocks<'_>, dst: &mut [u8]) {
    let Blocks { src, stride, width, side } = *blocks;
    let area = side as u64 * side as u64;
    let mut sums = vec![0u64; width];
    for (rows, out) in src.chunks_exact(stride * side).zip(dst.chunks_exact_mut(width)) {
        sums.fill(0);
        for row in rows.chunks_exact(stride) {
            for (sum, block) in sums.iter_mut().zip(row.chunks_exact(side)) {
                *sum += block.iter().map(|&v| u64::from(v)).sum::<u64>();
            }
        }
        for (out, sum) in out.iter_mut().zip(&sums) {
            *out = ((*sum + area / 2) / area) as u8;
        }
    }
}

/// The size of `img` scaled to `width` with its aspect ratio kept: both sides cut to whole pixels, the height computed
/// from the uncut width.
pub fn by_width(img: &GrayImage, width: f64) -> Size {
    let (w, h) = (f64::from(img.width()), f64::from(img.height()));
    Size::new(width as u32, (h * width / w) as u32)
}

/// `size` scaled to `height` with its aspect ratio kept, as [`by_width`].
pub fn by_height(size: Size, height: f64) -> Size {
    let (w, h) = (f64::from(size.width), f64::from(size.height));
    Size::new((w * height / h) as u32, height as u32)
}

/// Resizes interleaved pixels of `C` channels.
fn scale<const C: usize>(src: &[u8], from: Size, dst: &mut [u8], to: Size) {
    if from.pixels() == 0 || to.pixels() == 0 {
        return;
    }
    let halves = |source: u32, target: u32| u64::from(source) == 2 * u64::from(target);
    if halves(from.width, to.width) && halves(from.height, to.height) {
        halve::<C>(src, from.width as usize, dst, to.width as usize);
    } else {
        blend::<C>(src, from, dst, to);
    }
}

wide_fn! {
    /// The rounded mean of each 2×2 block of rows of `stride` pixels; a last column or row of half blocks is left out.
    fn halve[const C: usize](src: &[u8], stride: usize, dst: &mut [u8], width: usize) {
        for (rows, out) in src.chunks_exact(2 * stride * C).zip(dst.chunks_exact_mut(width * C)) {
            let (upper, lower) = (&rows[..2 * width * C], &rows[stride * C..][..2 * width * C]);
            for i in 0..width {
                for c in 0..C {
                    let at = 2 * i * C + c;
                    let (a, b) = (u16::from(upper[at]), u16::from(upper[at + C]));
                    out[i * C + c] = ((a + b + u16::from(lower[at]) + u16::from(lower[at + C]) + 2) >> 2) as u8;
                }
            }
        }
    }
}

/// Where a target index reads: `at` and `at + 1` with weights of 1/2048.
struct Tap {
    at: i64,
    near: i32,
    far: i32,
}

/// How far a tap outside of the line is treated.
#[derive(Clone, Copy, PartialEq)]
enum Ends {
    /// Outside taps are moved to the end pixel with full weight.
    Moved,
    /// Taps keep place and weights, and the reader repeats the end pixel.
    Repeated,
}

/// The taps of all indices of an axis. Positions are computed in `f64` and rounded to `f32` once.
fn taps(source: u32, target: u32, ends: Ends) -> impl Iterator<Item = Tap> {
    let step = 1.0 / (f64::from(target) / f64::from(source));
    (0..target).map(move |i| {
        let position = ((f64::from(i) + 0.5) * step - 0.5) as f32;
        let mut at = position.floor() as i64;
        let mut far = position - position.floor();
        if ends == Ends::Moved {
            let last = i64::from(source) - 1;
            if at < 0 || at >= last {
                (at, far) = (at.clamp(0, last), 0.0);
            }
        }
        let weight = |w: f32| (w * WEIGHT_ONE).round_ties_even() as i32;
        Tap { at, near: weight(1.0 - far), far: weight(far) }
    })
}

/// Values that are gathered, and then blended, at once.
const PIECE: usize = 64;

/// Source rows of which pixels are gathered at once.
const TOGETHER: usize = 4;

/// How the pixels of a row are blended: for each target value where the first of its two source values lies, and the
/// weights of both. The lists are filled up to whole pieces.
struct Columns {
    /// Target values.
    count: usize,
    at: Vec<u32>,
    near: Vec<i16>,
    far: Vec<i16>,
}

impl Columns {
    /// `None` for a source of one column, which has no second pixel.
    fn new<const C: usize>(source: u32, target: u32) -> Option<Self> {
        let before_last = i64::from(source.checked_sub(2)?);
        let count = target as usize * C;
        let filled = count.next_multiple_of(PIECE);
        let [mut near, mut far] = [0, 1].map(|_| Vec::with_capacity(filled));
        let mut all_at = Vec::with_capacity(filled);
        for Tap { at, near: near_weight, far: far_weight } in taps(source, target, Ends::Moved) {
            // The last pixel is read as the second of its pair.
            let (at, near_weight, far_weight) =
                if at > before_last { (before_last, 0, near_weight) } else { (at, near_weight, far_weight) };
            for c in 0..C as u32 {
                all_at.push(at as u32 * C as u32 + c);
                // Weights are at most 2048.
                near.push(near_weight as i16);
                far.push(far_weight as i16);
            }
        }
        all_at.resize(filled, 0);
        near.resize(filled, 0);
        far.resize(filled, 0);
        Some(Self { count, at: all_at, near, far })
    }
}

/// The general case.
fn blend<const C: usize>(src: &[u8], from: Size, dst: &mut [u8], to: Size) {
    match Columns::new::<C>(from.width, to.width) {
        Some(columns) => blend_rows::<C>(src, from.height, &columns, dst, to.height),
        None => {
            // A column is as wide as two alike.
            let doubled: Vec<u8> = src.chunks_exact(C).flat_map(|pixel| [pixel, pixel].concat()).collect();
            blend::<C>(&doubled, Size::new(2, from.height), dst, to);
        }
    }
}

/// How a target row is blended: which two of the needed source rows, and their weights.
struct Blend {
    places: [usize; 2],
    near: i32,
    far: i32,
}

/// The source rows that target rows need, in order, and how each target row is blended.
fn needed_rows(height: u32, target_height: u32) -> (Vec<usize>, Vec<Blend>) {
    let last = i64::from(height) - 1;
    let mut needed: Vec<usize> = Vec::new();
    let targets = taps(height, target_height, Ends::Repeated).map(|Tap { at, near, far }| {
        let places = [at, at + 1].map(|row| {
            let row = row.clamp(0, last) as usize;
            if needed.last().is_none_or(|&last| last < row) {
                needed.push(row);
            }
            // Rows follow each other, so it is one of the last two.
            needed.len() - if needed.last() == Some(&row) { 1 } else { 2 }
        });
        Blend { places, near, far }
    });
    let targets = targets.collect();
    (needed, targets)
}

wide_fn! {
    /// Each needed source row is blended horizontally once, some of them together, into buffers of which the oldest are used again.
    fn blend_rows[const C: usize](src: &[u8], height: u32, columns: &Columns, dst: &mut [u8], target_height: u32) {
        let (stride, width) = (src.len() / height as usize, columns.at.len());
        let (needed, targets) = needed_rows(height, target_height);
        let mut side_by_side = vec![[0u8; TOGETHER]; stride];
        let mut blended = vec![0i16; 2 * TOGETHER * width];
        let mut ready = 0;
        for (Blend { places, near, far }, out) in targets.into_iter().zip(dst.chunks_exact_mut(columns.count)) {
            while ready <= places[1] {
                let mut rows = [&src[..stride]; TOGETHER];
                for k in 0..TOGETHER {
                    let row = needed[(ready + k).min(needed.len() - 1)];
                    rows[k] = &src[row * stride..(row + 1) * stride];
                }
                lay_side_by_side(rows, &mut side_by_side);
                let half = ready / TOGETHER % 2 * TOGETHER * width;
                blend_along::<C>(&side_by_side, columns, &mut blended[half..half + TOGETHER * width]);
                ready += TOGETHER;
            }
            let first = &blended[places[0] % (2 * TOGETHER) * width..][..width];
            let second = &blended[places[1] % (2 * TOGETHER) * width..][..width];
            blend_down(first, second, near, far, out);
        }
    }
}

#[inline(always)]
fn lay_side_by_side(rows: [&[u8]; TOGETHER], out: &mut [[u8; TOGETHER]]) {
    let (a, b) = (&rows[0][..out.len()], &rows[1][..out.len()]);
    let (c, d) = (&rows[2][..out.len()], &rows[3][..out.len()]);
    for i in 0..out.len() {
        out[i] = [a[i], b[i], c[i], d[i]];
    }
}

/// Blends rows horizontally, without the four low bits of the sums, which the later pass leaves out. The sums are at most
/// 255 · 2049 / 16, which fits 16 bits. First the pairs are gathered, then all are blended at once.
#[inline(always)]
fn blend_along<const C: usize>(rows: &[[u8; TOGETHER]], columns: &Columns, out: &mut [i16]) {
    let width = columns.at.len();
    let mut start = 0;
    while start < width {
        let at = &columns.at[start..start + PIECE];
        let (near, far) = (&columns.near[start..start + PIECE], &columns.far[start..start + PIECE]);
        let mut pairs = [[0u32; 2]; PIECE];
        for four in 0..PIECE / 4 {
            for i in 4 * four..4 * four + 4 {
                let at = at[i] as usize;
                // Never so: places lie within a row.
                if at + C >= rows.len() {
                    return;
                }
                pairs[i] = [u32::from_le_bytes(rows[at]), u32::from_le_bytes(rows[at + C])];
            }
        }
        for k in 0..TOGETHER {
            let out = &mut out[k * width + start..][..PIECE];
            for i in 0..PIECE {
                let (a, b) = ((pairs[i][0] >> (8 * k) & 0xff) as i32, (pairs[i][1] >> (8 * k) & 0xff) as i32);
                out[i] = ((a * i32::from(near[i]) + b * i32::from(far[i])) >> 4) as i16;
            }
        }
        start += PIECE;
    }
}

/// Blends two rows of sums into target values.
#[inline(always)]
fn blend_down(first: &[i16], second: &[i16], near: i32, far: i32, out: &mut [u8]) {
    let (first, second) = (&first[..out.len()], &second[..out.len()]);
    for i in 0..out.len() {
        // The upper halves of products of 16 bits.
        let sum = ((i32::from(first[i]) * near) >> 16) as i16 + ((i32::from(second[i]) * far) >> 16) as i16;
        out[i] = ((sum + 2) >> 2) as u8;
    }
}

#[cfg(test)]
mod tests {
    use image::Rgb;
    use imageproc::gray_image;
    use proptest::prelude::*;

    use super::*;
    use crate::imaging::arbitrary::picture;

    /// Pixel by pixel, without buffers.
    fn plain(src: &GrayImage, size: Size) -> GrayImage {
        let (w, h) = src.dimensions();
        if w == 0 || h == 0 || size.pixels() == 0 {
            return GrayImage::new(size.width, size.height);
        }
        let columns: Vec<_> = taps(w, size.width, Ends::Moved).collect();
        let rows: Vec<_> = taps(h, size.height, Ends::Repeated).collect();
        GrayImage::from_fn(size.width, size.height, |x, y| {
            let (column, row) = (&columns[x as usize], &rows[y as usize]);
            let line = |y: i64| {
                let y = y.clamp(0, i64::from(h) - 1) as u32;
                let at = |x: i64| i32::from(src.get_pixel(x.clamp(0, i64::from(w) - 1) as u32, y).0[0]);
                at(column.at) * column.near + at(column.at + 1) * column.far
            };
            let (a, b) = (line(row.at) >> 4, line(row.at + 1) >> 4);
            ((((a * row.near) >> 16) + ((b * row.far) >> 16) + 2) >> 2).clamp(0, 255).to_le_bytes()[..1]
                .try_into()
                .map(image::Luma)
                .unwrap()
        })
    }

    #[test]
    fn halving_takes_the_rounded_mean_of_blocks() {
        let src = gray_image!(0, 1, 10, 20; 0, 1, 30, 41);
        assert_eq!(linear(&src, Size::new(2, 1)), gray_image!(1, 25));
    }

    #[test]
    fn enlarging_blends_neighbours_and_repeats_the_edge() {
        assert_eq!(linear(&gray_image!(0, 100), Size::new(4, 1)), gray_image!(0, 25, 75, 100));
        assert_eq!(linear(&gray_image!(0; 100), Size::new(1, 4)), gray_image!(0; 25; 75; 100));
    }

    #[test]
    fn colour_channels_are_resized_alone() {
        let src = RgbImage::from_fn(70, 5, |x, y| Rgb([(x * 30) as u8, (y * 50) as u8, (x * y * 8) as u8]));
        let dst = linear_rgb(&src, Size::new(43, 6));
        for c in 0..3 {
            let channel = GrayImage::from_fn(70, 5, |x, y| image::Luma([src.get_pixel(x, y).0[c]]));
            let want = linear(&channel, Size::new(43, 6));
            assert!(want.enumerate_pixels().all(|(x, y, p)| p.0[0] == dst.get_pixel(x, y).0[c]));
        }
    }

    #[test]
    fn shrinking_takes_the_means_of_whole_blocks() {
        let src = gray_image!(1, 2, 10, 20, 9; 3, 5, 30, 41, 9; 7, 7, 7, 7, 7);
        assert_eq!(shrunk(&src, 2), gray_image!(3, 25));
        assert_eq!(shrunk(&src, 1), src);
        assert_eq!(shrunk(&src, 4).dimensions(), (1, 0));
        assert_eq!(shrunk(&src, 9).dimensions(), (0, 0));
    }

    proptest! {
        #[test]
        fn means_of_blocks_are_exact(src in picture(70, 40), factor in 2..20u32) {
            let small = shrunk(&src, factor);
            prop_assert_eq!(small.dimensions(), (src.width() / factor, src.height() / factor));
            for (x, y, p) in small.enumerate_pixels() {
                let block = image::imageops::crop_imm(&src, x * factor, y * factor, factor, factor).to_image();
                let sum: u32 = block.iter().map(|&v| u32::from(v)).sum();
                prop_assert_eq!(u32::from(p.0[0]), (sum + factor * factor / 2) / (factor * factor));
            }
        }
    }

    #[test]
    fn blocks_may_be_larger_than_any_picture_needs() {
        let src = GrayImage::from_fn(600, 300, |x, _| image::Luma([if x < 300 { 254 } else { 255 }]));
        assert_eq!(shrunk(&src, 300), gray_image!(254, 255));
        assert_eq!(shrunk(&src, 257).dimensions(), (2, 1));
    }

    #[test]
    fn helper_sizes_are_cut_to_whole_pixels() {
        let img = GrayImage::new(400, 301);
        assert_eq!(by_width(&img, 39.18), Size::new(39, 29));
        assert_eq!(by_height(Size::new(400, 301), 30.0), Size::new(39, 30));
        assert_eq!(by_width(&GrayImage::new(0, 0), 10.0), Size::new(10, 0));
    }

    proptest! {
        #[test]
        fn fast_equals_plain(src in picture(90, 20), w in 0..200u32, h in 0..45u32) {
            let size = Size::new(w, h);
            prop_assume!(src.dimensions() != (w, h) && src.dimensions() != (2 * w, 2 * h));
            prop_assert_eq!(linear(&src, size), plain(&src, size));
        }
    }
}
