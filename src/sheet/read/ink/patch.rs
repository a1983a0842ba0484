//! Ink around a bubble: samples of the page against its local white, on a grid of twentieths of the box.

use image::GrayImage;

use super::white::White;
use crate::imaging::resize;

/// Samples to a box, along each side.
pub const PER_BOX: usize = 20;

/// A page from which ink is sampled.
#[derive(Debug)]
pub struct InkPage {
    page: GrayImage,
    white: White,
    /// Pixels of the sheet's page to one of `page`.
    shrunk: u32,
}

/// A square grid of ink around a bubble's middle, 0 (paper) to 1 (black), row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Patch {
    /// Samples along each side.
    pub side: usize,
    /// The samples.
    pub ink: Vec<f32>,
}

impl InkPage {
    /// Of a page whose bubbles have `size`. Large bubbles are sampled from a smaller page, so that no pixel is passed over.
    pub fn of(page: &GrayImage, size: (u32, u32)) -> Self {
        let shrunk = (size.0.min(size.1) / PER_BOX as u32).max(1);
        Self { white: White::of(page, size), page: resize::shrunk(page, shrunk), shrunk }
    }

    /// Pixels of the sheet's page to one of this.
    pub fn shrunk(&self) -> u32 {
        self.shrunk
    }

    /// The ink within `reach` boxes around a middle, in pixels of the sheet's page (pixel middles are whole numbers), of a
    /// bubble of this size. Beyond the page lies what is at its edge.
    pub fn patch(&self, middle: (f64, f64), size: (f64, f64), reach: f64) -> Patch {
        let side = (2.0 * reach * PER_BOX as f64).round().max(1.0) as usize;
        let mut ink = Vec::with_capacity(side * side);
        let step = (size.0 / PER_BOX as f64, size.1 / PER_BOX as f64);
        let first = (side as f64 - 1.0) / 2.0;
        let (x0, y0) = (middle.0 - first * step.0, middle.1 - first * step.1);
        let (x1, y1) = (middle.0 + first * step.0, middle.1 + first * step.1);
        // White is smooth over a bubble: a plane through its corners and middle lines is not, a grid of 3 × 3 is.
        let white = |x: f64, y: f64| self.white.at(x as f32, y as f32);
        let xs = [x0, middle.0, x1];
        let ys = [y0, middle.1, y1];
        let grid: [[f32; 3]; 3] = ys.map(|y| xs.map(|x| white(x, y)));
        let between = |t: f64| {
            let t = t * 2.0;
            let i = if t >= 1.0 { 1 } else { 0 };
            (i, (t - i as f64) as f32)
        };
        let (width, height) = (self.page.width() as usize, self.page.height() as usize);
        if width == 0 || height == 0 {
            return Patch { side, ink: vec![0.0; side * side] };
        }
        let raw = self.page.as_raw();
        let f = f64::from(self.shrunk);
        let place = |v: f64, count: usize| {
            let v = ((v + 0.5) / f - 0.5).clamp(0.0, count as f64 - 1.0);
            let i = v as usize;
            (i, (i + 1).min(count - 1), (v - i as f64) as f32)
        };
        let columns: Vec<(usize, usize, f32, usize, f32)> = (0..side)
            .map(|i| {
                let (a, b, u) = place(x0 + i as f64 * step.0, width);
                let (c, w) = between(i as f64 / (side as f64 - 1.0).max(1.0));
                (a, b, u, c, w)
            })
            .collect();
        for j in 0..side {
            let (a, b, v) = place(y0 + j as f64 * step.1, height);
            let (upper, lower) = (&raw[a * width..(a + 1) * width], &raw[b * width..(b + 1) * width]);
            let (r, t) = between(j as f64 / (side as f64 - 1.0).max(1.0));
            let line: [f32; 3] = std::array::from_fn(|c| grid[r][c] * (1.0 - t) + grid[r + 1][c] * t);
            for &(left, right, u, c, w) in &columns {
                let above = f32::from(upper[left]) * (1.0 - u) + f32::from(upper[right]) * u;
                let under = f32::from(lower[left]) * (1.0 - u) + f32::from(lower[right]) * u;
                let gray = above * (1.0 - v) + under * v;
                let paper = line[c] * (1.0 - w) + line[c + 1] * w;
                ink.push((1.0 - gray / paper).clamp(0.0, 1.0));
            }
        }
        Patch { side, ink }
    }

    /// The ink of a window of this page's pixels, row by row. Beyond the page lies paper.
    pub fn window(&self, first: (i32, i32), (wide, tall): (usize, usize), ink: &mut Vec<f32>) {
        ink.clear();
        ink.resize(wide * tall, 0.0);
        let f = self.shrunk as f32;
        // White is smooth over a bubble: from its corners and middles, by straight lines.
        let far = |first: i32, side: usize| {
            let at = |part: f32| (first as f32 + part * (side as f32 - 1.0) + 0.5) * f - 0.5;
            [at(0.0), at(0.5), at(1.0)]
        };
        let (xs, ys) = (far(first.0, wide), far(first.1, tall));
        let grid = ys.map(|y| xs.map(|x| 1.0 / self.white.at(x, y)));
        let (width, height) = (self.page.width() as usize, self.page.height() as usize);
        // The part of the window that lies on the page.
        let from = (-first.0).clamp(0, wide as i32) as usize;
        let to = (width as i64 - i64::from(first.0)).clamp(from as i64, wide as i64) as usize;
        let half = (wide as f32 - 1.0).max(1.0) / 2.0;
        let middle = (wide / 2).clamp(from, to);
        for (j, out) in ink.chunks_exact_mut(wide).enumerate() {
            let y = i64::from(first.1) + j as i64;
            if y < 0 || y >= height as i64 || from == to {
                continue;
            }
            let start = y as usize * width + (i64::from(first.0) + from as i64) as usize;
            let row = &self.page.as_raw()[start..start + to - from];
            let t = j as f32 / (tall as f32 - 1.0).max(1.0) * 2.0;
            let (r, t) = if t >= 1.0 { (1, t - 1.0) } else { (0, t) };
            let line: [f32; 3] = std::array::from_fn(|c| grid[r][c] * (1.0 - t) + grid[r + 1][c] * t);
            let (left, right) = out[from..to].split_at_mut(middle - from);
            let (row_left, row_right) = row.split_at(middle - from);
            fill(left, row_left, line[0], (line[1] - line[0]) / half, from as f32);
            fill(right, row_right, line[1], (line[2] - line[1]) / half, middle as f32 - half);
        }
    }
}

/// Ink of a row of grays whose paper is `1 / (light + step · place)`.
fn fill(out: &mut [f32], row: &[u8], light: f32, step: f32, first: f32) {
    for (i, (out, &gray)) in out.iter_mut().zip(row).enumerate() {
        *out = (1.0 - f32::from(gray) * (light + step * (first + i as f32))).clamp(0.0, 1.0);
    }
}

impl Patch {
    /// The place of sample (i, j) in boxes from the middle.
    pub fn place(&self, i: usize) -> f64 {
        (i as f64 - (self.side as f64 - 1.0) / 2.0) / PER_BOX as f64
    }
}
