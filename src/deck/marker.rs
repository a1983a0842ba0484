//! The markers in the corners of a form: a black square frame with a figure inside.
//!
//! Frame, white ring and figure are of similar width, so that white is never far from black: OMRChecker's edge filter
//! (`applyErodeSubtract`) keeps only white within 10 px of black. Four figures make four markers that are told apart.

use image::{GrayImage, imageops};

use super::canvas::{Canvas, Ink};
use crate::geometry::{Point, Rect};

/// What a marker shows inside its frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkerFigure {
    /// A square on its corner.
    Diamond,
    /// A disc.
    Disc,
    /// An upright cross.
    Cross,
    /// A triangle.
    Triangle,
}

/// Outer edge of the black frame, as a part of the marker's width; white lies around it.
const FRAME: f64 = 0.86;
/// Width of the black frame.
const LINE: f64 = 0.15;
/// From the centre to the tips of the figure.
const REACH: f64 = 0.23;

impl MarkerFigure {
    /// Draws the marker with its centre at `centre`; `size` includes the white around the frame.
    pub fn draw(self, canvas: &mut Canvas, centre: Point, size: f64, ink: Ink) {
        let half = size * (FRAME - LINE) / 2.0;
        canvas.frame(centre, (half, half), size * LINE, ink);
        let reach = size * REACH;
        let around = (Point::new(centre.x - reach, centre.y - reach), Point::new(centre.x + reach, centre.y + reach));
        canvas.paint(around, ink, |p| reach * self.distance((p.x - centre.x) / reach, (p.y - centre.y) / reach));
    }

    /// Signed distance to the figure whose tips lie 1 from the centre.
    fn distance(self, x: f64, y: f64) -> f64 {
        match self {
            Self::Diamond => (x.abs() + y.abs() - 1.0) * std::f64::consts::FRAC_1_SQRT_2,
            Self::Disc => (x * x + y * y).sqrt() - 0.85,
            Self::Cross => (x.abs() - 1.0).max(y.abs() - 0.34).min((x.abs() - 0.34).max(y.abs() - 1.0)),
            // Two flanks of slope 2 that meet at the top, and the base. √5 makes the flanks' distance true.
            Self::Triangle => ((2.0 * x.abs() - y - 0.9) / 5.0_f64.sqrt()).max(y - 0.8),
        }
    }

    /// The marker's picture, as a template's pre-processor wants it: `width` × `width` pixels, black on white.
    pub fn picture(self, width: u32) -> GrayImage {
        let mut canvas = Canvas::new(Rect::new(0, 0, width, width), 1.0);
        let middle = f64::from(width) / 2.0;
        self.draw(&mut canvas, Point::new(middle, middle), f64::from(width), Ink::gray(0));
        imageops::grayscale(canvas.picture())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_white_outside_and_dark_in_frame_and_figure() {
        for figure in [MarkerFigure::Diamond, MarkerFigure::Disc, MarkerFigure::Cross, MarkerFigure::Triangle] {
            let picture = figure.picture(100);
            assert_eq!(picture.get_pixel(2, 50).0, [255], "{figure:?}: quiet zone");
            assert_eq!(picture.get_pixel(14, 50).0, [0], "{figure:?}: frame");
            assert_eq!(picture.get_pixel(50, 50).0, [0], "{figure:?}: figure");
            assert_eq!(picture.get_pixel(25, 25).0, [255], "{figure:?}: ring");
        }
    }

    #[test]
    fn the_figures_differ() {
        let [a, b] = [MarkerFigure::Diamond, MarkerFigure::Cross].map(|figure| figure.picture(60));
        assert!(a.pixels().zip(b.pixels()).filter(|(a, b)| a.0[0].abs_diff(b.0[0]) > 128).count() > 60);
    }
}
