//! Solid figures by which a page is found: dots, bars, L-shapes, and a stamp that fits one way only.

use image::{GrayImage, imageops};

use super::canvas::{Canvas, Ink};
use crate::geometry::{Point, Rect};

/// A figure in page coordinates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Figure {
    /// A disc.
    Dot {
        /// Its middle.
        centre: Point,
        /// Its radius.
        radius: f64,
    },
    /// A filled rectangle: the thick line of a form's edge.
    Bar(Rect),
    /// Two arms of an L around a corner of the page, both outside of it.
    Ell {
        /// The corner between the arms, on the side where they face each other.
        inner: Point,
        /// Which way the arms run from the outer corner: 1 or -1 along x and along y.
        towards: (f64, f64),
        /// Length of an arm, measured outside.
        arm: f64,
        /// Thickness of an arm.
        line: f64,
    },
    /// A flag on its pole; it looks different after every turn.
    Flag(Rect),
}

impl Figure {
    /// Draws the figure.
    pub fn draw(&self, canvas: &mut Canvas, ink: Ink) {
        match *self {
            Self::Dot { centre, radius } => canvas.disc(centre, (radius, radius), ink),
            Self::Bar(area) => fill(canvas, area_of(area), ink, |_| f64::NEG_INFINITY),
            // What lies between the arms is cut out of the whole box.
            Self::Ell { inner, towards: (right, down), .. } => {
                fill(canvas, self.bounds(), ink, |p| ((p.x - inner.x) * right).min((p.y - inner.y) * down));
            }
            Self::Flag(area) => {
                let (low, high) = area_of(area);
                let (width, height) = (high.x - low.x, high.y - low.y);
                let pole = 0.2 * width;
                let foot = Point::new(low.x + 0.62 * width, high.y);
                fill(canvas, (low, Point::new(low.x + pole, high.y)), ink, |_| f64::NEG_INFINITY);
                fill(canvas, (Point::new(low.x, high.y - 0.16 * height), foot), ink, |_| f64::NEG_INFINITY);
                // The cloth: a triangle from the pole's top to the right.
                let (half, middle) = (0.3 * height, low.y + 0.3 * height);
                let slope = half / (width - pole);
                let true_length = (1.0 + slope * slope).sqrt();
                let cloth = (Point::new(low.x + pole - 0.5, low.y), Point::new(high.x, low.y + 2.0 * half));
                fill(canvas, cloth, ink, |p| ((p.y - middle).abs() - slope * (high.x - p.x)) / true_length);
            }
        }
    }

    /// Opposite corners of the box around it: least and greatest coordinates.
    pub fn bounds(&self) -> (Point, Point) {
        match *self {
            Self::Dot { centre, radius } => {
                (Point::new(centre.x - radius, centre.y - radius), Point::new(centre.x + radius, centre.y + radius))
            }
            Self::Bar(area) | Self::Flag(area) => area_of(area),
            Self::Ell { inner, towards: (right, down), arm, line } => {
                let range = |at: f64, way: f64| {
                    let outer = at - way * line;
                    let tip = outer + way * arm;
                    (outer.min(tip), outer.max(tip))
                };
                let ((left, right), (top, bottom)) = (range(inner.x, right), range(inner.y, down));
                (Point::new(left, top), Point::new(right, bottom))
            }
        }
    }

    /// Its picture, black on white, `scale` pixels per page pixel, with a white rim of `rim` page pixels.
    pub fn picture(&self, rim: f64, scale: f64) -> GrayImage {
        let (low, high) = self.bounds();
        let (x, y) = ((low.x - rim).floor(), (low.y - rim).floor());
        let (width, height) = ((high.x + rim - x).ceil(), (high.y + rim - y).ceil());
        let mut canvas = Canvas::new(Rect::new(x as i32, y as i32, width as u32, height as u32), scale);
        self.draw(&mut canvas, Ink::gray(0));
        imageops::grayscale(canvas.picture())
    }
}

fn area_of(area: Rect) -> (Point, Point) {
    let (left, top) = (f64::from(area.x), f64::from(area.y));
    (Point::new(left, top), Point::new(left + f64::from(area.width), top + f64::from(area.height)))
}

/// Fills the part of a box where `outside` is negative.
fn fill(canvas: &mut Canvas, (low, high): (Point, Point), ink: Ink, outside: impl Fn(Point) -> f64) {
    let middle = Point::new((low.x + high.x) / 2.0, (low.y + high.y) / 2.0);
    let half = ((high.x - low.x) / 2.0, (high.y - low.y) / 2.0);
    let from_box = |p: Point| ((p.x - middle.x).abs() - half.0).max((p.y - middle.y).abs() - half.1);
    canvas.paint((low, high), ink, |p| from_box(p).max(outside(p)));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Black pixels of a figure on a canvas of 60 × 60 that begins at (-10, -10).
    fn black(figure: Figure) -> Vec<(i32, i32)> {
        let mut canvas = Canvas::new(Rect::new(-10, -10, 60, 60), 1.0);
        figure.draw(&mut canvas, Ink::gray(0));
        let picture = canvas.picture();
        let dark = picture.enumerate_pixels().filter(|(.., pixel)| pixel.0[0] < 128);
        dark.map(|(x, y, _)| (x as i32 - 10, y as i32 - 10)).collect()
    }

    fn mean(points: &[(i32, i32)]) -> (f64, f64) {
        let count = points.len() as f64;
        let sum = |part: fn(&(i32, i32)) -> i32| points.iter().map(|p| f64::from(part(p)) + 0.5).sum::<f64>() / count;
        (sum(|p| p.0), sum(|p| p.1))
    }

    #[test]
    fn a_dot_lies_around_its_centre() {
        let dot = black(Figure::Dot { centre: Point::new(20.0, 12.0), radius: 8.0 });
        let (x, y) = mean(&dot);
        assert!((x - 20.0).abs() < 0.01 && (y - 12.0).abs() < 0.01, "{x} {y}");
        // Pixels whose centres lie within 8 of a corner between pixels.
        assert_eq!(dot.len(), 208);
    }

    #[test]
    fn a_bar_is_its_rectangle() {
        let bar = black(Figure::Bar(Rect::new(3, -5, 4, 30)));
        assert_eq!(bar.len(), 4 * 30);
        assert!(bar.iter().all(|&(x, y)| (3..7).contains(&x) && (-5..25).contains(&y)));
    }

    #[test]
    fn an_ell_leaves_the_page_white() {
        for (right, down) in [(1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0), (1.0, -1.0)] {
            let (inner, arm, line) = (Point::new(20.0, 20.0), 24.0, 6.0);
            let figure = Figure::Ell { inner, towards: (right, down), arm, line };
            let ell = black(figure);
            assert_eq!(ell.len(), 24 * 6 + 18 * 6, "{right} {down}");
            for (x, y) in ell {
                let (u, v) = ((f64::from(x) + 0.5 - 20.0) * right, (f64::from(y) + 0.5 - 20.0) * down);
                assert!(u.min(v) < 0.0 && u.min(v) > -6.0 && u.max(v) < 18.0, "{right} {down}: {u} {v}");
            }
        }
    }

    #[test]
    fn a_flag_fits_one_way_only() {
        let picture = Figure::Flag(Rect::new(0, 0, 40, 40)).picture(0.0, 1.0);
        let turns = [
            imageops::rotate90(&picture),
            imageops::rotate180(&picture),
            imageops::rotate270(&picture),
            imageops::flip_horizontal(&picture),
        ];
        for turned in turns {
            let differing = picture.pixels().zip(turned.pixels()).filter(|(a, b)| a.0[0].abs_diff(b.0[0]) > 128);
            assert!(differing.count() > 400);
        }
    }

    #[test]
    fn a_picture_has_its_rim() {
        let picture = Figure::Bar(Rect::new(5, 7, 10, 20)).picture(4.0, 2.0);
        assert_eq!(picture.dimensions(), (36, 56));
        assert_eq!((picture.get_pixel(7, 9).0, picture.get_pixel(8, 8).0), ([255], [0]));
    }
}
