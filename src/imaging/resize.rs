//! Bilinear resizing in fixed point.
//!
//! Two source pixels per axis are blended with weights of 11 fractional bits; there is no smoothing when shrinking.
//! The cut of the low bits between the passes makes single pixels up to 0.8 gray levels darker than exact bilinear.
//! That is the arithmetic of `cv2.resize(…, INTER_LINEAR)`, including its exception: a picture that is halved in both
//! directions gets the rounded mean of each 2×2 block instead.

use image::{GrayImage, RgbImage};

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
    let area = u64::from(factor) * u64::from(factor);
    let mut sums = vec![0u64; width];
    let rows = pixels(src).chunks_exact(src.width() as usize);
    let mut out = pixels_mut(&mut dst).chunks_exact_mut(width);
    for (y, row) in rows.enumerate() {
        for (sum, block) in sums.iter_mut().zip(row.chunks_exact(step)) {
            *sum += block.iter().map(|&v| u64::from(v)).sum::<u64>();
        }
        if (y + 1) % step == 0 {
            let Some(out) = out.next() else { break };
            for (out, sum) in out.iter_mut().zip(&mut sums) {
                *out = ((*sum + area / 2) / area) as u8;
                *sum = 0;
            }
        }
    }
    dst
}

/// The size of `img` scaled to `width` with its aspect ratio kept: both sides cut to whole pixels, the height computed
/// from the uncut width.
pub fn by_width(img: &GrayImage, width: f64) -> Size {
    let (w, h) = (f64::from(img.width()), f64::from(img.height()));
    Size::new(width as u32, (h * width / w) as u32)
}

/// The size of `img` scaled to `height` with its aspect ratio kept, as [`by_width`].
pub fn by_height(img: &GrayImage, height: f64) -> Size {
    let (w, h) = (f64::from(img.width()), f64::from(img.height()));
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

/// The rounded mean of each 2×2 block.
fn halve<const C: usize>(src: &[u8], width: usize, dst: &mut [u8], target_width: usize) {
    for (rows, out) in src.chunks_exact(2 * width * C).zip(dst.chunks_exact_mut(target_width * C)) {
        let (upper, lower) = rows.split_at(width * C);
        for ((out, a), b) in out.chunks_exact_mut(C).zip(upper.chunks_exact(2 * C)).zip(lower.chunks_exact(2 * C)) {
            for c in 0..C {
                let sum = u16::from(a[c]) + u16::from(a[c + C]) + u16::from(b[c]) + u16::from(b[c + C]);
                out[c] = ((sum + 2) >> 2) as u8;
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

/// The general case. Each needed source row is blended horizontally once, into one of two buffers.
fn blend<const C: usize>(src: &[u8], from: Size, dst: &mut [u8], to: Size) {
    let stride = from.width as usize * C;
    let last_row = i64::from(from.height) - 1;
    let columns: Vec<_> = taps(from.width, to.width, Ends::Moved)
        .map(|tap| {
            let at = tap.at as usize * C;
            // The right neighbour of the last pixel has no weight; any readable place will do.
            let next = if at + C < stride { at + C } else { at };
            (at, next, tap.near, tap.far)
        })
        .collect();
    let fill = |buffer: &mut [i32], row: usize| {
        let source = &src[row * stride..(row + 1) * stride];
        for (out, &(at, next, near, far)) in buffer.chunks_exact_mut(C).zip(&columns) {
            let (a, b) = (&source[at..at + C], &source[next..next + C]);
            for c in 0..C {
                // The later pass wants the sum without its four low bits.
                out[c] = (i32::from(a[c]) * near + i32::from(b[c]) * far) >> 4;
            }
        }
    };

    let width = to.width as usize * C;
    let mut buffers = [vec![0; width], vec![0; width]];
    let mut holds = [usize::MAX; 2];
    for (tap, out) in taps(from.height, to.height, Ends::Repeated).zip(dst.chunks_exact_mut(width)) {
        let rows = [tap.at.clamp(0, last_row) as usize, (tap.at + 1).clamp(0, last_row) as usize];
        if holds[0] != rows[0] && holds[1] == rows[0] {
            buffers.swap(0, 1);
            holds.swap(0, 1);
        }
        for i in 0..2 {
            if i == 1 && rows[1] == rows[0] {
                break;
            }
            if holds[i] != rows[i] {
                fill(&mut buffers[i], rows[i]);
                holds[i] = rows[i];
            }
        }
        let [first, second] = &buffers;
        let second = if rows[1] == rows[0] { first } else { second };
        for ((out, &a), &b) in out.iter_mut().zip(first).zip(second) {
            let sum = ((a * tap.near) >> 16) + ((b * tap.far) >> 16);
            *out = ((sum + 2) >> 2).clamp(0, 255) as u8;
        }
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
        let src = RgbImage::from_fn(7, 5, |x, y| Rgb([(x * 30) as u8, (y * 50) as u8, (x * y * 8) as u8]));
        let dst = linear_rgb(&src, Size::new(4, 6));
        for c in 0..3 {
            let channel = GrayImage::from_fn(7, 5, |x, y| image::Luma([src.get_pixel(x, y).0[c]]));
            let want = linear(&channel, Size::new(4, 6));
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

    #[test]
    fn helper_sizes_are_cut_to_whole_pixels() {
        let img = GrayImage::new(400, 301);
        assert_eq!(by_width(&img, 39.18), Size::new(39, 29));
        assert_eq!(by_height(&img, 30.0), Size::new(39, 30));
        assert_eq!(by_width(&GrayImage::new(0, 0), 10.0), Size::new(10, 0));
    }

    proptest! {
        #[test]
        fn fast_equals_plain(src in picture(20, 20), w in 0..45u32, h in 0..45u32) {
            let size = Size::new(w, h);
            prop_assume!(src.dimensions() != (w, h) && src.dimensions() != (2 * w, 2 * h));
            prop_assert_eq!(linear(&src, size), plain(&src, size));
        }
    }
}
