//! Local white: how light the paper is at each place of the page, so that ink can be told from shadow.
//!
//! The page is shrunk to cells of a fifth of a bubble. A small closing takes away letters and outlines. Then each place is closed
//! along lines in four directions, nearly two bubbles long: a mark is surrounded by paper in every direction and vanishes in
//! each of them, while the edge of a shadow, a fold, a tinted row or column runs on in one of them and stays. So the darkest of
//! the four is the paper's own tone. A mean smooths it.

use image::GrayImage;

use crate::imaging::{blur, morphology, resize};

/// Cells to a bubble's short side.
const CELLS: u32 = 5;
/// Side of the small closing, in cells.
const PRINT: u32 = 3;
/// Lengths of the lines, in bubbles.
const LINE: f64 = 1.8;
/// Marks in bubbles that are more oblong are surrounded by paper in one direction at least.
const OBLONG: u32 = 8;
/// The mean reaches so many cells to each side.
const MEAN: u32 = 2;
/// Darker paper than this is taken to be this dark: ink has no meaning there.
const LEAST: f32 = 8.0;

/// The white of a page.
#[derive(Debug, Clone)]
pub struct White {
    cells: Vec<f32>,
    width: usize,
    height: usize,
    /// Cells to a pixel of the page.
    scale: f32,
}

impl White {
    /// Of a page whose bubbles have `size` (width × height, in pixels).
    pub fn of(page: &GrayImage, (wide, tall): (u32, u32)) -> Self {
        let factor = (wide.min(tall) / CELLS).clamp(1, page.width().min(page.height()).max(1));
        let small = resize::shrunk(page, factor);
        let without_print = morphology::close(&small, (PRINT, PRINT), 1);
        let longest = wide.min(tall).saturating_mul(OBLONG);
        let reach = |side: u32| (LINE * f64::from(side.min(longest)) / f64::from(factor) / 2.0).round() as u32;
        let paper = morphology::close_along_lines(&without_print, reach(wide), reach(tall));
        let smooth = blur::box_mean(&paper, MEAN);
        Self {
            cells: smooth.iter().map(|&v| f32::from(v).max(LEAST)).collect(),
            width: small.width() as usize,
            height: small.height() as usize,
            scale: 1.0 / factor as f32,
        }
    }

    /// The gray of the paper at places of the page, row by row: where these columns cross these rows. Pixel middles are whole
    /// numbers.
    pub fn grid(&self, xs: [f32; 4], ys: [f32; 4]) -> [[f32; 4]; 4] {
        let place = |v: f32, count: usize| {
            let v = ((v + 0.5) * self.scale - 0.5).clamp(0.0, count as f32 - 1.0);
            let i = (v as usize).min(count.saturating_sub(2));
            (i, (i + 1).min(count - 1), v - i as f32)
        };
        let mut columns = [(0, 0, 0.0); 4];
        for (column, x) in columns.iter_mut().zip(xs) {
            *column = place(x, self.width);
        }
        let mut grid = [[0.0; 4]; 4];
        for (row, y) in grid.iter_mut().zip(ys) {
            let (above, below, v) = place(y, self.height);
            let cells = |j: usize| &self.cells[j * self.width..(j + 1) * self.width];
            let (above, below) = (cells(above), cells(below));
            for (white, (left, right, u)) in row.iter_mut().zip(columns) {
                let above = above[left] * (1.0 - u) + above[right] * u;
                let below = below[left] * (1.0 - u) + below[right] * u;
                *white = above * (1.0 - v) + below * v;
            }
        }
        grid
    }
}

#[cfg(test)]
mod tests {
    use image::Luma;

    use super::*;

    const SIZE: (u32, u32) = (20, 20);

    fn white(gray: impl Fn(u32, u32) -> u8) -> White {
        White::of(&GrayImage::from_fn(200, 200, |x, y| Luma([gray(x, y)])), SIZE)
    }

    impl White {
        fn at(&self, x: f32, y: f32) -> f32 {
            self.grid([x; 4], [y; 4])[2][1]
        }
    }

    fn is_mark(x: u32, y: u32) -> bool {
        (90..112).contains(&x) && (90..112).contains(&y)
    }

    #[test]
    fn a_mark_is_no_paper() {
        let white = white(|x, y| if is_mark(x, y) { 40 } else { 220 });
        assert!((white.at(100.0, 100.0) - 220.0).abs() < 2.0, "{}", white.at(100.0, 100.0));
    }

    #[test]
    fn the_edge_of_a_shadow_is_paper_on_both_sides() {
        for slope in [0, 1, 2] {
            let white = white(|x, y| if x * 3 > 300 + slope * y { 110 } else { 220 });
            let edge = 100.0 + slope as f32 * 100.0 / 3.0;
            assert!(
                (white.at(edge - 10.0, 100.0) - 220.0).abs() < 16.0,
                "slope {slope}: {}",
                white.at(edge - 10.0, 100.0)
            );
            assert!(
                (white.at(edge + 10.0, 100.0) - 110.0).abs() < 16.0,
                "slope {slope}: {}",
                white.at(edge + 10.0, 100.0)
            );
        }
    }

    #[test]
    fn a_tinted_row_is_paper() {
        let white = white(|_, y| if (88..114).contains(&y) { 190 } else { 230 });
        assert!((white.at(100.0, 101.0) - 190.0).abs() < 6.0, "{}", white.at(100.0, 101.0));
        let marked = self::white(|x, y| match (is_mark(x, y), (84..118).contains(&y)) {
            (true, _) => 50,
            (false, true) => 190,
            _ => 230,
        });
        assert!((marked.at(100.0, 100.0) - 190.0).abs() < 8.0, "{}", marked.at(100.0, 100.0));
    }
}
