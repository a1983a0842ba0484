//! The page as ink is measured on it, and a square of ink around a bubble.

use image::GrayImage;

use super::white::White;
use crate::imaging::dispatch::wide_fn;
use crate::imaging::resize;

/// Samples of a [`Patch`] to a box, along each side.
pub const PER_BOX: usize = 20;

/// A page from which ink is cut.
#[derive(Debug)]
pub struct InkPage {
    page: GrayImage,
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

impl InkPage {
    /// Of a page whose bubbles have `size`. Large bubbles are measured on a smaller page: more pixels tell no more.
    pub fn of(page: &GrayImage, size: (u32, u32)) -> Self {
        let shrunk = (size.0.min(size.1) / PER_BOX as u32).max(1);
        Self { white: White::of(page, size), page: resize::shrunk(page, shrunk), shrunk }
    }

    /// Pixels of the sheet's page, along each side, to one that ink is cut from.
    pub fn shrunk(&self) -> u32 {
        self.shrunk
    }

    /// Appends the ink, 0 to 255, of `size` pixels from `corner` on, row by row; these are pixels of the page that is sampled,
    /// each of which is [`Self::shrunk`] of the sheet's. Beyond the page lies what is at its edge.
    pub fn cut(&self, (left, top): (i64, i64), (width, height): (usize, usize), ink: &mut Vec<u8>) {
        let (columns, rows) = (i64::from(self.page.width()), i64::from(self.page.height()));
        if columns == 0 || rows == 0 {
            ink.resize(ink.len() + width * height, 0);
            return;
        }
        let f = f64::from(self.shrunk);
        let at = |v: i64| (v as f64 + 0.5) * f - 0.5;
        let (right, bottom) = (left + width as i64 - 1, top + height as i64 - 1);
        // White is smooth over a bubble: straight lines between places in thirds are enough.
        let thirds = |from: i64, to: i64| [0, 1, 2, 3].map(|i| at(from) + (at(to) - at(from)) * f64::from(i) / 3.0);
        let (xs, ys) = (thirds(left, right), thirds(top, bottom));
        let grid = ys.map(|y| xs.map(|x| self.white.at(x as f32, y as f32)));
        // The first column or row of each third, and how fast it is passed.
        let third = |k: usize, count: usize| (k * (count - 1)).div_ceil(3).min(count);
        let speed = |count: usize| 3.0 / (count as f32 - 1.0).max(1.0);
        // The first pixels of the thirds, and the end.
        let thirds = [0, third(1, width), third(2, width), width];
        let raw = self.page.as_raw();
        let start = ink.len();
        ink.resize(start + width * height, 0);
        let mut edge = vec![0u8; width];
        let is_inside = left >= 0 && right < columns;
        for (j, line) in ink[start..].chunks_exact_mut(width.max(1)).enumerate() {
            let down = j as f32 * speed(height);
            let k = (down as usize).min(2);
            let v = down - k as f32;
            let knots: [f32; 4] = std::array::from_fn(|c| 255.0 / (grid[k][c] * (1.0 - v) + grid[k + 1][c] * v));
            let row = (top + j as i64).clamp(0, rows - 1) * columns;
            let grays = if is_inside {
                &raw[(row + left) as usize..(row + right + 1) as usize]
            } else {
                for (i, gray) in edge.iter_mut().enumerate() {
                    *gray = raw[(row + (left + i as i64).clamp(0, columns - 1)) as usize];
                }
                &edge
            };
            ink_of(grays, &knots, &thirds, speed(width), line);
        }
    }
}

wide_fn! {
    /// A row of ink. `knots` are what grays are multiplied by where the thirds meet; between, lines lead from one to the next.
    fn ink_of(grays: &[u8], knots: &[f32; 4], thirds: &[usize; 4], speed: f32, ink: &mut [u8]) {
        for c in 0..3 {
            let (from, to) = (thirds[c], thirds[c + 1]);
            let slope = (knots[c + 1] - knots[c]) * speed;
            let first = knots[c] + (knots[c + 1] - knots[c]) * (from as f32 * speed - c as f32);
            let (grays, ink) = (&grays[from..to], &mut ink[from..to]);
            for i in 0..ink.len() {
                // From 0 to 255.
                let value = (255.0 - f32::from(grays[i]) * (first + slope * i as i32 as f32)).max(0.0);
                ink[i] = value as i32 as u8;
            }
        }
    }
}
