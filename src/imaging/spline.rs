//! A smooth field through scattered points.

use crate::geometry::Point;

/// A thin-plate spline: of all smooth fields that have the given values at the given points the one that bends least
/// (Duchon 1977; Bookstein: Principal warps, 1989).
///
/// OMRChecker interpolates in triangles by cubic pieces (Clough and Tocher). That is defined inside of the points' hull
/// alone, which cuts bubbles off whose page reaches a little beyond its marks, and its bends sit where triangles happen
/// to meet. This one has no seams, goes on beyond the hull, and asks for no triangulation, which points on one line do
/// not have.
pub struct ThinPlate {
    centres: Vec<Point>,
    weights: Vec<Point>,
    /// Value at (0, 0), and what is added per pixel across and down.
    plane: [Point; 3],
}

impl ThinPlate {
    /// The spline with `value` at each `place`. Places nearer than half a pixel to an earlier one are left out. `None` for
    /// fewer than three places, or if all lie on a line.
    ///
    /// The cost grows with the third power of their number: 200 take some milliseconds.
    pub fn through(points: impl IntoIterator<Item = (Point, Point)>) -> Option<Self> {
        const NEAR: f64 = 0.5;
        let (mut centres, mut values): (Vec<Point>, Vec<Point>) = (Vec::new(), Vec::new());
        for (place, value) in points {
            if centres.iter().all(|c| c.distance(place) >= NEAR) {
                centres.push(place);
                values.push(value);
            }
        }
        let count = centres.len();
        if count < 3 {
            return None;
        }
        // Kernel, then 1 x y; two right sides.
        let side = count + 3;
        let mut system = vec![vec![0.0; side + 2]; side];
        for i in 0..count {
            for j in 0..count {
                system[i][j] = kernel(centres[i], centres[j]);
            }
            for (k, v) in [1.0, centres[i].x, centres[i].y].into_iter().enumerate() {
                (system[i][count + k], system[count + k][i]) = (v, v);
            }
            (system[i][side], system[i][side + 1]) = (values[i].x, values[i].y);
        }
        let solved = solve(system)?;
        let (weights, plane) = solved.split_at(count);
        Some(Self { centres, weights: weights.to_vec(), plane: plane.try_into().ok()? })
    }

    /// The field's value at a place.
    pub fn at(&self, place: Point) -> Point {
        let [base, across, down] = self.plane;
        let mut value =
            Point::new(base.x + across.x * place.x + down.x * place.y, base.y + across.y * place.x + down.y * place.y);
        for (centre, weight) in self.centres.iter().zip(&self.weights) {
            let k = kernel(*centre, place);
            (value.x, value.y) = (value.x + weight.x * k, value.y + weight.y * k);
        }
        value
    }
}

/// r² ln r², with 0 at the centre.
fn kernel(a: Point, b: Point) -> f64 {
    let squared = (a.x - b.x).powi(2) + (a.y - b.y).powi(2);
    if squared == 0.0 { 0.0 } else { squared * squared.ln() }
}

/// Solves equations with two right sides by elimination with row pivots. `None` if they determine nothing.
fn solve(mut rows: Vec<Vec<f64>>) -> Option<Vec<Point>> {
    let count = rows.len();
    let largest = rows.iter().flatten().fold(0.0, |max: f64, v| max.max(v.abs()));
    for i in 0..count {
        let size = |row: &Vec<f64>| row[i].abs();
        let pivot = (i..count).fold(i, |best, j| if size(&rows[j]) > size(&rows[best]) { j } else { best });
        rows.swap(i, pivot);
        let (done, rest) = rows.split_at_mut(i + 1);
        let row = &done[i];
        if row[i].is_nan() || row[i].abs() <= largest * 1e-15 {
            return None;
        }
        for other in rest {
            let factor = other[i] / row[i];
            if factor != 0.0 {
                for (a, b) in other[i..].iter_mut().zip(&row[i..]) {
                    *a -= factor * b;
                }
            }
        }
    }
    let mut solved = vec![Point::new(0.0, 0.0); count];
    for i in (0..count).rev() {
        let row = &rows[i];
        let (mut x, mut y) = (row[count], row[count + 1]);
        for (known, factor) in solved[i + 1..].iter().zip(&row[i + 1..count]) {
            (x, y) = (x - factor * known.x, y - factor * known.y);
        }
        solved[i] = Point::new(x / row[i], y / row[i]);
    }
    solved.iter().all(|p| p.x.is_finite() && p.y.is_finite()).then_some(solved)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn grid(step: usize) -> impl Iterator<Item = Point> {
        (0..=800).step_by(step).flat_map(move |x| (0..=1000).step_by(step).map(move |y| Point::new(x as f64, y as f64)))
    }

    #[test]
    fn it_passes_through_its_points() {
        let field = |p: Point| Point::new((p.x / 90.0).sin() * 20.0, p.y * 0.1 + (p.x * p.y).sqrt());
        let spline = ThinPlate::through(grid(100).map(|p| (p, field(p)))).unwrap();
        for p in grid(100) {
            assert!(spline.at(p).distance(field(p)) < 1e-6);
        }
    }

    #[test]
    fn it_follows_a_smooth_field_between_its_points() {
        // A page whose middle is lifted by 3 % of its width.
        let field = |p: Point| Point::new(0.0, 24.0 * (p.x / 800.0 * std::f64::consts::PI).sin());
        let spline = ThinPlate::through(grid(100).map(|p| (p, field(p)))).unwrap();
        for p in grid(17).filter(|p| p.y > 50.0 && p.y < 950.0) {
            assert!(spline.at(p).distance(field(p)) < 0.3, "{p:?}");
        }
    }

    #[test]
    fn planes_are_exact_everywhere() {
        let field = |p: Point| Point::new(3.0 + 0.5 * p.x - 0.2 * p.y, p.y - 7.0);
        let places = [(0.0, 0.0), (100.0, 10.0), (20.0, 90.0), (70.0, 60.0), (70.2, 60.1)];
        let places = places.map(|(x, y)| Point::new(x, y));
        let spline = ThinPlate::through(places.map(|p| (p, field(p)))).unwrap();
        for p in [Point::new(50.0, 50.0), Point::new(-300.0, 900.0)] {
            assert!(spline.at(p).distance(field(p)) < 1e-6);
        }
    }

    #[test]
    fn places_on_a_line_determine_nothing() {
        let line = (0..5).map(|i| (Point::new(f64::from(i) * 10.0, f64::from(i) * 20.0), Point::new(1.0, 2.0)));
        assert!(ThinPlate::through(line).is_none());
        assert!(ThinPlate::through([(Point::new(0.0, 0.0), Point::new(1.0, 2.0)); 7]).is_none());
    }

    proptest! {
        #[test]
        fn any_points_are_survived(points in proptest::collection::vec(any::<(f64, f64, f64, f64)>(), 0..9)) {
            let spline = ThinPlate::through(points.iter().map(|&(a, b, c, d)| (Point::new(a, b), Point::new(c, d))));
            if let Some(spline) = spline {
                spline.at(Point::new(1.0, 2.0));
            }
        }
    }
}
