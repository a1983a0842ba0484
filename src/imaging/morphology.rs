//! Erosion and dilation with rectangles.
//!
//! Both take the same window, columns x − ⌊w/2⌋ … x − ⌊w/2⌋ + w − 1 and rows alike, which is not reflected for the
//! dilation; places outside of the picture are ignored. So with even sizes a closing moves its content by one pixel to
//! the right and down. That shift is part of the page corners that templates were measured against.

use image::GrayImage;

use super::dispatch::wide_fn;
use super::{pixels, pixels_mut};

/// The smallest value in a window of `kernel` (width, height) pixels, `iterations` times over.
///
/// A side of 0 counts as 1. The cost per pixel does not depend on the kernel's height, and on its width only by its
/// logarithm; iterations are free.
pub fn erode(src: &GrayImage, kernel: (u32, u32), iterations: u32) -> GrayImage {
    let mut img = src.clone();
    extreme::<false>(&mut img, kernel, iterations);
    img
}

/// The largest value in a window, as [`erode`].
pub fn dilate(src: &GrayImage, kernel: (u32, u32), iterations: u32) -> GrayImage {
    let mut img = src.clone();
    extreme::<true>(&mut img, kernel, iterations);
    img
}

/// Erosions, then as many dilations: removes bright details.
pub fn open(src: &GrayImage, kernel: (u32, u32), iterations: u32) -> GrayImage {
    let mut img = erode(src, kernel, iterations);
    extreme::<true>(&mut img, kernel, iterations);
    img
}

/// Dilations, then as many erosions: removes dark details.
pub fn close(src: &GrayImage, kernel: (u32, u32), iterations: u32) -> GrayImage {
    let mut img = dilate(src, kernel, iterations);
    extreme::<false>(&mut img, kernel, iterations);
    img
}

/// The darkest of four closings along lines through each pixel: along x, along y and both diagonals. What is as long as a line
/// in any direction keeps its gray; what is shorter in all of them vanishes.
///
/// Lines reach `reach_x` pixels to both sides along x, `reach_y` along y, and the lesser number of steps along the diagonals.
/// Places outside of the picture are ignored.
pub fn close_along_lines(src: &GrayImage, reach_x: u32, reach_y: u32) -> GrayImage {
    let (width, height) = (src.width() as usize, src.height() as usize);
    if width == 0 || height == 0 {
        return src.clone();
    }
    let most = src.width().max(src.height());
    let (reach_x, reach_y) = (reach_x.min(most) as usize, reach_y.min(most) as usize);
    let diagonal = reach_x.min(reach_y);
    // A frame around the picture, so that a step in any direction is a step along the buffer.
    let frame = Frame { width, height, rim: reach_x.max(reach_y) };
    let stride = frame.stride() as isize;
    let mut darkest: Option<Vec<u8>> = None;
    for (step, reach) in [(1, reach_x), (stride, reach_y), (stride + 1, diagonal), (stride - 1, diagonal)] {
        let lighter = frame.along::<true>(pixels(src), step, reach);
        let closed = frame.along::<false>(&lighter, step, reach);
        match &mut darkest {
            None => darkest = Some(closed),
            Some(all) => all.iter_mut().zip(&closed).for_each(|(all, &v)| *all = v.min(*all)),
        }
    }
    let closed = darkest.and_then(|all| GrayImage::from_raw(src.width(), src.height(), all));
    closed.unwrap_or_else(|| src.clone())
}

/// A picture with a rim of neutral pixels.
struct Frame {
    width: usize,
    height: usize,
    rim: usize,
}

impl Frame {
    fn stride(&self) -> usize {
        self.width + 2 * self.rim
    }

    /// The extreme value on the line through each pixel: `reach` steps back and forth. Lines of 1, 2, 4, … pixels, each from
    /// two of the previous length.
    fn along<const LARGEST: bool>(&self, raw: &[u8], step: isize, reach: usize) -> Vec<u8> {
        let (stride, step) = (self.stride(), step.unsigned_abs());
        let size = 2 * reach + 1;
        // Rows above and below as far as a line reaches, and one more: a diagonal leaves the last row sideways.
        let rows = self.height + 2 * self.rim + 2;
        let mut line = vec![neutral(LARGEST); stride * rows];
        let start = (self.rim + 1) * stride + self.rim;
        for (row, out) in raw.chunks_exact(self.width).zip(line[start..].chunks_mut(stride)) {
            out[..self.width].copy_from_slice(row);
        }
        // Afterwards the line that starts at i lies at i.
        let mut longer = line.clone();
        let mut length = 1;
        while length < size {
            let further = length.min(size - length);
            better_of::<LARGEST>(&line, line.get(further * step..).unwrap_or_default(), &mut longer);
            std::mem::swap(&mut line, &mut longer);
            length += further;
        }
        let back = reach * step;
        let mut out = Vec::with_capacity(raw.len());
        for y in 0..self.height {
            let first = start + y * stride - back;
            out.extend_from_slice(&line[first..first + self.width]);
        }
        out
    }
}

wide_fn! {
    /// The larger or the smaller value of each two.
    fn better_of[const LARGEST: bool](a: &[u8], b: &[u8], out: &mut [u8]) {
        let count = out.len().min(a.len()).min(b.len());
        let (a, b, out) = (&a[..count], &b[..count], &mut out[..count]);
        for i in 0..count {
            out[i] = better::<LARGEST>(a[i], b[i]);
        }
    }
}

/// How far a window reaches from its pixel along an axis.
#[derive(Clone, Copy)]
struct Reach {
    before: usize,
    after: usize,
}

impl Reach {
    /// `iterations` windows of `size` pixels one after the other are one window: the reaches add up. Beyond the length of
    /// the axis there is nothing to meet.
    fn new(size: u32, iterations: u32, length: u32) -> Self {
        let size = u64::from(size.max(1));
        let cut = |reach: u64| (reach * u64::from(iterations)).min(u64::from(length.saturating_sub(1))) as usize;
        Self { before: cut(size / 2), after: cut((size - 1) / 2) }
    }

    fn size(self) -> usize {
        self.before + 1 + self.after
    }
}

/// The value that loses against every other.
const fn neutral(largest: bool) -> u8 {
    if largest { u8::MIN } else { u8::MAX }
}

/// The larger, or the smaller one.
#[inline(always)]
fn better<const LARGEST: bool>(a: u8, b: u8) -> u8 {
    if LARGEST { a.max(b) } else { a.min(b) }
}

/// The extreme value of the window around each pixel, in place.
fn extreme<const LARGEST: bool>(img: &mut GrayImage, kernel: (u32, u32), iterations: u32) {
    let columns = Reach::new(kernel.0, iterations, img.width());
    let rows = Reach::new(kernel.1, iterations, img.height());
    let width = img.width() as usize;
    let raw = pixels_mut(img);
    if raw.is_empty() {
        return;
    }
    if columns.size() > 1 {
        along_rows::<LARGEST>(raw, width, columns);
    }
    if rows.size() > 1 {
        along_columns::<LARGEST>(raw, width, rows);
    }
}

wide_fn! {
    /// Windows of 1, 2, 4, … pixels, each from two of the previous size; the last step overlaps. These few passes over a row
    /// work on whole vectors and beat the constant three steps per pixel of [`along_columns`], which here would not.
    fn along_rows[const LARGEST: bool](raw: &mut [u8], width: usize, reach: Reach) {
        let Reach { before, after } = reach;
        let full = before + 1 + after;
        // A window that starts at i lies at i, as far as it is whole. Lines are filled up, so that loops over them have no rest.
        let line = (before + width + after).next_multiple_of(PART);
        let (mut window, mut wider) = (vec![neutral(LARGEST); line + full], vec![neutral(LARGEST); line + full]);
        for row in raw.chunks_exact_mut(width) {
            window[..before].fill(neutral(LARGEST));
            window[before..before + width].copy_from_slice(row);
            window[before + width..].fill(neutral(LARGEST));
            let mut size = 1;
            while size < full {
                let step = size.min(full - size);
                let (here, further) = (&window[..line], &window[step..step + line]);
                let out = &mut wider[..line];
                for x in 0..line {
                    out[x] = better::<LARGEST>(here[x], further[x]);
                }
                std::mem::swap(&mut window, &mut wider);
                size += step;
            }
            row.copy_from_slice(&window[..width]);
        }
    }
}

/// Lines are as long as some of these.
const PART: usize = 128;

/// Joins each value with the other at its place.
#[inline(always)]
fn join<const LARGEST: bool>(into: &mut [u8], other: &[u8]) {
    let other = &other[..into.len()];
    for x in 0..into.len() {
        into[x] = better::<LARGEST>(into[x], other[x]);
    }
}

wide_fn! {
    /// Van Herk's and Gil and Werman's method with whole rows in place of pixels: rows are taken in blocks of the window's
    /// height, so that each window is the end of a block and the start of the next. The ends are kept per block, the start
    /// grows with the rows: three steps per pixel for any height.
    fn along_columns[const LARGEST: bool](raw: &mut [u8], width: usize, reach: Reach) {
        let height = raw.len() / width;
        let Reach { before, after } = reach;
        let size = before + 1 + after;
        // The first window starts `before` rows above the picture.
        let mut ends = vec![neutral(LARGEST); size * width];
        let known = (size - before).min(height);
        ends[before * width..(before + known) * width].copy_from_slice(&raw[..known * width]);
        let mut start = vec![neutral(LARGEST); width];
        let mut block = 0;
        while block < height {
            for i in (1..size).rev() {
                let (upper, lower) = ends.split_at_mut(i * width);
                join::<LARGEST>(&mut upper[(i - 1) * width..], &lower[..width]);
            }
            start.fill(neutral(LARGEST));
            for i in 0..size.min(height - block) {
                let end = &mut ends[i * width..(i + 1) * width];
                let y = block + i;
                // The row below this window is not overwritten yet. It is the window's place in the next block.
                let out = &mut raw[y * width..(y + 1) * width];
                for x in 0..width {
                    out[x] = better::<LARGEST>(end[x], start[x]);
                }
                let below = y + 1 + after;
                if below < height {
                    let row = &raw[below * width..(below + 1) * width];
                    end.copy_from_slice(row);
                    join::<LARGEST>(&mut start, row);
                } else {
                    end.fill(neutral(LARGEST));
                }
            }
            block += size;
        }
    }
}

#[cfg(test)]
mod tests {
    use image::Luma;
    use imageproc::gray_image;
    use proptest::prelude::*;

    use super::*;
    use crate::imaging::arbitrary::picture;

    fn plain(src: &GrayImage, (kw, kh): (u32, u32), iterations: u32, better: fn(u8, u8) -> u8) -> GrayImage {
        (0..iterations).fold(src.clone(), |img, _| {
            GrayImage::from_fn(img.width(), img.height(), |x, y| {
                let places = (0..kh as i32).flat_map(|j| (0..kw as i32).map(move |i| (i, j)));
                let values = places.filter_map(|(i, j)| {
                    let x = u32::try_from(x as i32 - kw as i32 / 2 + i).ok()?;
                    let y = u32::try_from(y as i32 - kh as i32 / 2 + j).ok()?;
                    img.get_pixel_checked(x, y).map(|p| p.0[0])
                });
                Luma([values.reduce(better).unwrap()])
            })
        })
    }

    #[test]
    fn an_even_window_reaches_further_to_the_left() {
        assert_eq!(erode(&gray_image!(9, 9, 1, 9, 9), (2, 1), 1), gray_image!(9, 9, 1, 1, 9));
        assert_eq!(erode(&gray_image!(9, 9, 1, 9, 9), (4, 1), 1), gray_image!(9, 1, 1, 1, 1));
    }

    #[test]
    fn an_even_closing_moves_its_content() {
        let inside = |x: u32, y: u32, x0, x1, y0, y1| (x0..=x1).contains(&x) && (y0..=y1).contains(&y);
        let draw = |x0, x1, y0, y1| {
            GrayImage::from_fn(60, 60, |x, y| Luma([if inside(x, y, x0, x1, y0, y1) { 255 } else { 0 }]))
        };
        assert_eq!(close(&draw(15, 34, 20, 39), (10, 10), 1), draw(16, 35, 21, 40));
    }

    #[test]
    fn opening_removes_bright_details() {
        let src = gray_image!(1, 8, 1, 1, 8, 8, 8, 1);
        assert_eq!(open(&src, (3, 1), 1), gray_image!(1, 1, 1, 1, 8, 8, 8, 1));
    }

    proptest! {
        #[test]
        fn fast_equals_plain(src in picture(25, 25), w in 1..9u32, h in 1..9u32, iterations in 0..4u32) {
            prop_assert_eq!(erode(&src, (w, h), iterations), plain(&src, (w, h), iterations, u8::min));
            prop_assert_eq!(dilate(&src, (w, h), iterations), plain(&src, (w, h), iterations, u8::max));
        }

        #[test]
        fn any_kernel_gives_a_picture(src in picture(6, 6), w: u32, h: u32, iterations: u32) {
            close(&src, (w, h), iterations);
            open(&src, (w, 0), 2);
        }
    }

    /// The darkest of closings along lines, from the definition.
    fn closed_along_lines_plainly(img: &GrayImage, reach_x: i32, reach_y: i32) -> GrayImage {
        let (width, height) = (img.width() as i32, img.height() as i32);
        let lies_in = |x: i32, y: i32| (0..width).contains(&x) && (0..height).contains(&y);
        let diagonal = reach_x.min(reach_y);
        let lines = [(1, 0, reach_x), (0, 1, reach_y), (1, 1, diagonal), (-1, 1, diagonal)];
        let on_line = |x: i32, y: i32, (dx, dy, reach): (i32, i32, i32)| {
            (-reach..=reach).map(move |k| (x + k * dx, y + k * dy)).filter(move |&(x, y)| lies_in(x, y))
        };
        let gray = |x: i32, y: i32| img.get_pixel(x as u32, y as u32).0[0];
        GrayImage::from_fn(img.width(), img.height(), |x, y| {
            let closed = lines.map(|line| {
                let lighter = |(x, y)| on_line(x, y, line).map(|(x, y)| gray(x, y)).max();
                on_line(x as i32, y as i32, line).filter_map(lighter).min()
            });
            image::Luma([closed.into_iter().flatten().min().unwrap()])
        })
    }

    proptest! {
        #[test]
        fn lines_through_a_buffer_are_lines_through_the_picture(
            (width, height, grays) in (1u32..14, 1u32..14)
                .prop_flat_map(|(w, h)| (Just(w), Just(h), prop::collection::vec(any::<u8>(), (w * h) as usize))),
            reach in (0u32..9, 0u32..9),
        ) {
            let img = GrayImage::from_raw(width, height, grays).unwrap();
            let plain = closed_along_lines_plainly(&img, reach.0 as i32, reach.1 as i32);
            prop_assert_eq!(close_along_lines(&img, reach.0, reach.1), plain);
        }
    }
}
