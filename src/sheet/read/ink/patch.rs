//! The page as ink is measured on it, and a square of ink around a bubble.

use std::borrow::Cow;

use image::GrayImage;

use super::white::White;
use crate::imaging::dispatch::wide_fn;
use crate::imaging::resize;

/// Samples of a [`Patch`] to a box, along each side.
pub const PER_BOX: usize = 20;

/// A page from which ink is cut.
#[derive(Debug)]
pub struct InkPage<'p> {
    page: Cow<'p, GrayImage>,
    white: White,
    /// Pixels of the sheet's page to one of `page`.
    shrunk: u32,
}

/// A square grid of ink around a bubble's middle, 0 (paper) to 1 (black), row by row, in parts of its box.
#[derive(Debug, Clone, PartialEq)]
pub struct Patch {
    /// Samples along each side.
    pub side: usize,
    /// The samples.
    pub ink: Vec<f32>,
}

/// Pixels whose ink is found at once.
const LANES: usize = 16;

impl<'p> InkPage<'p> {
    /// Of a page whose bubbles have `size`. Large bubbles are measured on a smaller page: more pixels tell no more.
    pub fn of(page: &'p GrayImage, size: (u32, u32)) -> Self {
        let shrunk = (size.0.min(size.1) / PER_BOX as u32).max(1);
        let white = White::of(page, size);
        let page = if shrunk > 1 { Cow::Owned(resize::shrunk(page, shrunk)) } else { Cow::Borrowed(page) };
        Self { page, white, shrunk }
    }

    /// Pixels of the sheet's page, along each side, to one that ink is cut from.
    pub fn shrunk(&self) -> u32 {
        self.shrunk
    }

    /// Appends the ink, 0 to 255, of `size` pixels from `corner` on, row by row; these are pixels of the page that is sampled,
    /// each of which is [`Self::shrunk`] of the sheet's. Beyond the page lies what is at its edge.
    pub fn cut(&self, corner: (i64, i64), size: (usize, usize), ink: &mut Vec<u8>) {
        self.cut_in_rows(corner, size, size.0, ink);
    }

    /// [`Self::cut`] with rows of `stride` places, at least as many as there are pixels across. What stands behind a row's pixels
    /// means nothing.
    pub fn cut_in_rows(
        &self,
        (left, top): (i64, i64),
        (width, height): (usize, usize),
        stride: usize,
        ink: &mut Vec<u8>,
    ) {
        let (columns, rows) = (i64::from(self.page.width()), i64::from(self.page.height()));
        let (start, stride) = (ink.len(), stride.max(width));
        if columns == 0 || rows == 0 || width == 0 || height == 0 {
            ink.resize(start + stride * height, 0);
            return;
        }
        let f = f64::from(self.shrunk);
        let at = |v: i64| (v as f64 + 0.5) * f - 0.5;
        let (right, bottom) = (left + width as i64 - 1, top + height as i64 - 1);
        // White is smooth over a bubble: straight lines between places in thirds are enough.
        let thirds =
            |from: i64, to: i64| [0, 1, 2, 3].map(|i| (at(from) + (at(to) - at(from)) * f64::from(i) / 3.0) as f32);
        let lines = Lines { white: self.white.grid(thirds(left, right), thirds(top, bottom)), width, height };
        // Whole groups of pixels are read and written, beyond the row's end, too: what follows overwrites it.
        let across = width.next_multiple_of(LANES);
        let mut grays = vec![0u8; across * height + LANES];
        let raw = self.page.as_raw();
        let is_inside = left >= 0 && right < columns && top >= 0 && bottom < rows;
        let from = raw.get((top * columns + left).max(0) as usize..).filter(|_| is_inside).unwrap_or_default();
        let page_width = columns as usize;
        if from.len() >= page_width * (height - 1) + across {
            gather(from, page_width, &mut grays, across);
        } else {
            for (j, line) in grays.chunks_exact_mut(across).take(height).enumerate() {
                let row = (top + j as i64).clamp(0, rows - 1) * columns;
                for (i, gray) in line[..width].iter_mut().enumerate() {
                    *gray = raw[(row + (left + i as i64).clamp(0, columns - 1)) as usize];
                }
            }
        }
        ink.resize(start + stride * height + LANES, 0);
        ink_of_rows(&lines, &grays, across, &mut ink[start..], stride);
        ink.truncate(start + stride * height);
    }
}

/// A window in which paper is laid by straight lines between four places across and four down, in thirds.
struct Lines {
    white: [[f32; 4]; 4],
    width: usize,
    height: usize,
}

/// 0 to 15.
const LANE: [f32; LANES] = {
    let (mut lanes, mut i) = ([0.0; LANES], 0);
    while i < LANES {
        lanes[i] = i as f32;
        i += 1;
    }
    lanes
};

/// Floats from this one on, up to its double, are whole numbers.
const WHOLE: f32 = 8_388_608.0;

wide_fn! {
    /// Copies rows of whole groups of pixels from a page. Each lies in another part of the memory: a loop that does nothing else
    /// waits for many of them at once.
    fn gather(page: &[u8], page_width: usize, rows: &mut [u8], across: usize) {
        for (j, row) in rows.chunks_exact_mut(across).enumerate() {
            // Beyond the last row there are some places more.
            let from = page.get(j * page_width..).unwrap_or_default();
            for (to, from) in row.as_chunks_mut::<LANES>().0.iter_mut().zip(from.as_chunks::<LANES>().0) {
                *to = *from;
            }
        }
    }
}

wide_fn! {
    /// The ink of grays, whose rows are `across` long, in rows of `stride`; both reach [`LANES`] beyond the window. In each row
    /// grays are multiplied by what its paper says where the thirds meet; between, lines lead from one to the next.
    fn ink_of_rows(lines: &Lines, grays: &[u8], across: usize, ink: &mut [u8], stride: usize) {
        let Lines { white, width, height } = lines;
        // The first column or row of each third, and how fast it is passed.
        let third = |k: usize| (k * (width - 1)).div_ceil(3).min(*width);
        let speed = |count: usize| 3.0 / (count as f32 - 1.0).max(1.0);
        // The first pixels of the thirds, and the end.
        let thirds = [0, third(1), third(2), *width];
        let (fast, speed) = (speed(*height), speed(*width));
        for j in 0..*height {
            let down = j as f32 * fast;
            let k = (down as usize).min(2);
            let v = down - k as f32;
            let (above, below) = (white[k], white[k + 1]);
            let mut knots = [0.0f32; 4];
            for c in 0..4 {
                knots[c] = 255.0 / (above[c] * (1.0 - v) + below[c] * v);
            }
            let (grays, ink) = (&grays[j * across..], &mut ink[j * stride..]);
            for c in 0..3 {
                let from = thirds[c];
                let end = from + (thirds[c + 1] - from).next_multiple_of(LANES);
                let slope = (knots[c + 1] - knots[c]) * speed;
                let first = knots[c] + (knots[c + 1] - knots[c]) * (from as f32 * speed - c as f32);
                let (grays, _) = grays[from..end].as_chunks::<LANES>();
                let (ink, _) = ink[from..end].as_chunks_mut::<LANES>();
                for group in 0..ink.len().min(grays.len()) {
                    let (grays, ink) = (&grays[group], &mut ink[group]);
                    let passed = (group * LANES) as f32;
                    for i in 0..LANES {
                        // From 0 to 255, cut to a whole number: the nearest one, or that below.
                        let value = (255.0 - f32::from(grays[i]) * (first + slope * (passed + LANE[i]))).max(0.0);
                        let near = value + WHOLE;
                        ink[i] = (near.to_bits() - u32::from(near - WHOLE > value)) as u8;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::imaging::arbitrary::picture;

    /// Pixel by pixel.
    fn plainly(page: &InkPage, (left, top): (i64, i64), (width, height): (usize, usize)) -> Vec<u8> {
        let f = f64::from(page.shrunk);
        let at = |v: i64| (v as f64 + 0.5) * f - 0.5;
        let thirds = |from: i64, count: usize| {
            let (from, to) = (at(from), at(from + count as i64 - 1));
            [0, 1, 2, 3].map(|i| (from + (to - from) * f64::from(i) / 3.0) as f32)
        };
        let grid = page.white.grid(thirds(left, width), thirds(top, height));
        let speed = |count: usize| 3.0 / (count as f32 - 1.0).max(1.0);
        let (columns, rows) = (i64::from(page.page.width()), i64::from(page.page.height()));
        let mut ink = Vec::new();
        for j in 0..height {
            let down = j as f32 * speed(height);
            let k = (down as usize).min(2);
            let v = down - k as f32;
            let knots: [f32; 4] = std::array::from_fn(|c| 255.0 / (grid[k][c] * (1.0 - v) + grid[k + 1][c] * v));
            for i in 0..width {
                let starts = [0, 1, 2].map(|c: usize| (c * (width - 1)).div_ceil(3).min(width));
                let c = if i >= starts[2] { 2 } else { usize::from(i >= starts[1]) };
                let slope = (knots[c + 1] - knots[c]) * speed(width);
                let first = knots[c] + (knots[c + 1] - knots[c]) * (starts[c] as f32 * speed(width) - c as f32);
                let x = (left + i as i64).clamp(0, columns - 1) as u32;
                let y = (top + j as i64).clamp(0, rows - 1) as u32;
                let gray = f32::from(page.page.get_pixel(x, y).0[0]);
                ink.push((255.0 - gray * (first + slope * (i - starts[c]) as f32)).max(0.0) as u8);
            }
        }
        ink
    }

    proptest! {
        #[test]
        fn groups_of_pixels_are_pixels(
            picture in picture(60, 50),
            size in (1u32..45, 1u32..45),
            corner in (-40i64..70, -40i64..60),
            window in (1usize..60, 1usize..40),
            behind in 0usize..20,
        ) {
            let page = InkPage::of(&picture, size);
            prop_assume!(!page.page.is_empty());
            let want = plainly(&page, corner, window);
            let mut found = vec![7; 3];
            page.cut(corner, window, &mut found);
            prop_assert_eq!(&found[3..], &want);
            let mut rows = Vec::new();
            page.cut_in_rows(corner, window, window.0 + behind, &mut rows);
            for (found, want) in rows.chunks(window.0 + behind).zip(want.chunks(window.0)) {
                prop_assert_eq!(&found[..window.0], want);
            }
            prop_assert_eq!(rows.len(), (window.0 + behind) * window.1);
        }
    }
}
