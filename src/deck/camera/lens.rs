//! From places in a picture to places on the paper: a perspective map.

use crate::geometry::{Point, Rect};

/// A projective map of the plane, as a 3×3 matrix by rows.
#[derive(Debug, Clone, Copy)]
pub struct Lens {
    matrix: [[f64; 3]; 3],
}

impl Lens {
    /// The map from a picture in which the corners of `paper` lie at `corners` (top-left, top-right, bottom-right,
    /// bottom-left) to page coordinates. `None` if three corners lie on a line.
    ///
    /// The map of the unit square onto a quad has a closed form: P. Heckbert, "Fundamentals of Texture Mapping and
    /// Image Warping" (1989), section 2.2.3. It is inverted here.
    pub fn onto_paper(paper: Rect, corners: [Point; 4]) -> Option<Self> {
        let [p0, p1, p2, p3] = corners;
        let (dx1, dx2, dx3) = (p1.x - p2.x, p3.x - p2.x, p0.x - p1.x + p2.x - p3.x);
        let (dy1, dy2, dy3) = (p1.y - p2.y, p3.y - p2.y, p0.y - p1.y + p2.y - p3.y);
        let denominator = dx1 * dy2 - dx2 * dy1;
        if denominator.abs() < 1e-9 {
            return None;
        }
        let g = (dx3 * dy2 - dx2 * dy3) / denominator;
        let h = (dx1 * dy3 - dx3 * dy1) / denominator;
        let square_to_quad = [
            [p1.x - p0.x + g * p1.x, p3.x - p0.x + h * p3.x, p0.x],
            [p1.y - p0.y + g * p1.y, p3.y - p0.y + h * p3.y, p0.y],
            [g, h, 1.0],
        ];
        let quad_to_square = adjugate(square_to_quad);
        let (width, height) = (f64::from(paper.width), f64::from(paper.height));
        let [u, v, w] = quad_to_square;
        let (x, y) = (f64::from(paper.x), f64::from(paper.y));
        let matrix =
            [std::array::from_fn(|i| width * u[i] + x * w[i]), std::array::from_fn(|i| height * v[i] + y * w[i]), w];
        // A determinant of zero: three corners on a line.
        (w[0] * p0.x + w[1] * p0.y + w[2]).is_normal().then_some(Self { matrix })
    }

    /// The map as a matrix by rows; it is applied to (x, y, 1).
    pub const fn matrix(&self) -> [[f64; 3]; 3] {
        self.matrix
    }

    /// Where a place of the picture lies in page coordinates.
    pub fn see(&self, at: Point) -> Point {
        let [x, y, w] = self.matrix.map(|row| row[0] * at.x + row[1] * at.y + row[2]);
        Point::new(x / w, y / w)
    }
}

/// The inverse of a matrix times its determinant, which does not matter in a projective map.
fn adjugate(m: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let minor = |r: usize, c: usize| {
        let (r1, r2, c1, c2) = ((r + 1) % 3, (r + 2) % 3, (c + 1) % 3, (c + 2) % 3);
        m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
    };
    std::array::from_fn(|r| std::array::from_fn(|c| minor(c, r)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_of_the_picture_are_corners_of_the_paper() {
        let corners =
            [Point::new(100.0, 80.0), Point::new(640.0, 130.0), Point::new(700.0, 900.0), Point::new(60.0, 850.0)];
        let lens = Lens::onto_paper(Rect::new(-10, -20, 320, 440), corners).unwrap();
        let paper = [(-10.0, -20.0), (310.0, -20.0), (310.0, 420.0), (-10.0, 420.0)];
        for (corner, (x, y)) in corners.into_iter().zip(paper) {
            assert!(lens.see(corner).distance(Point::new(x, y)) < 1e-9, "{corner:?}");
        }
        // Diagonals stay straight lines: they cross at the middle of the paper.
        let [a, b, c, d] = corners;
        let cross = |p: Point, q: Point| p.x * q.y - p.y * q.x;
        let (r, s) = (Point::new(c.x - a.x, c.y - a.y), Point::new(d.x - b.x, d.y - b.y));
        let t = cross(Point::new(b.x - a.x, b.y - a.y), s) / cross(r, s);
        let middle = lens.see(Point::new(a.x + t * r.x, a.y + t * r.y));
        assert!(middle.distance(Point::new(150.0, 200.0)) < 1e-9, "{middle:?}");
    }

    #[test]
    fn corners_on_a_line_are_no_paper() {
        let on_a_line = [0.0, 1.0, 2.0, 3.0].map(|v| Point::new(v, v));
        assert!(Lens::onto_paper(Rect::new(0, 0, 10, 10), on_a_line).is_none());
    }
}
