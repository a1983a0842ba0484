//! Polygons of pixels: convex hull, simplification, smallest rectangle around.
//!
//! Coordinates are those of pictures: within ±2^29, so that products of differences fit 64 bits.

use crate::geometry::{PixelPoint, Point};

/// Twice the signed area of the triangle a, b, c; positive if the turn at b is clockwise on the screen.
fn cross(a: PixelPoint, b: PixelPoint, c: PixelPoint) -> i64 {
    let d = |p: PixelPoint| (i64::from(p.x) - i64::from(a.x), i64::from(p.y) - i64::from(a.y));
    let ((bx, by), (cx, cy)) = (d(b), d(c));
    bx * cy - by * cx
}

/// The corners of the convex hull, clockwise on the screen.
///
/// They start at the rightmost (of these the lowest) point and go over the lower side. But if their places in `points`
/// then go round in one direction, as they do for an outline, they start at the one that comes first in `points`
/// (ascending) or last (descending). The order matters: [`approximate`] depends on where a polygon starts.
pub fn convex_hull(points: &[PixelPoint]) -> Vec<PixelPoint> {
    let sorted = places(points);
    let (Some(&left), Some(&right)) = (sorted.first(), sorted.last()) else {
        return Vec::new();
    };
    if sorted.len() == 1 {
        return vec![left.point];
    }
    let lowest = sorted.iter().fold(left, |best, p| if p.point.y > best.point.y { *p } else { best });
    let highest = sorted.iter().fold(left, |best, p| if p.point.y < best.point.y { *p } else { best });
    let mut hull = half_hull(sorted.iter().rev().map(|p| {
        let late = p.point < lowest.point || (p.point == right.point && p.point != lowest.point);
        (p.point, if late { p.last } else { p.first })
    }));
    hull.extend(half_hull(sorted.iter().map(|p| {
        let late = p.point < highest.point && p.point != left.point;
        (p.point, if late { p.last } else { p.first })
    })));
    let start = start_of_round(&hull);
    hull.rotate_left(start);
    hull.into_iter().map(|(p, _)| p).collect()
}

/// A point, and where it comes first and last in a list. An outline passes the tip of a spur one pixel wide once, but the
/// rest of the spur twice. Which of the two places counts for the start of the hull is arbitrary; [`convex_hull`] makes
/// the choice of OpenCV, which scans the points from both sides and keeps the place it sees last.
#[derive(Clone, Copy)]
struct Place {
    point: PixelPoint,
    first: usize,
    last: usize,
}

/// The different points, by x and y.
fn places(points: &[PixelPoint]) -> Vec<Place> {
    let mut places: Vec<Place> = points.iter().zip(0..).map(|(&point, i)| Place { point, first: i, last: i }).collect();
    places.sort_unstable_by_key(|p| (p.point, p.first));
    places.dedup_by(|later, kept| {
        let same = later.point == kept.point;
        if same {
            kept.last = later.last;
        }
        same
    });
    places
}

/// The corners of one side of the hull, from one end to the other, without the last end, which begins the other side.
fn half_hull(points: impl Iterator<Item = (PixelPoint, usize)>) -> Vec<(PixelPoint, usize)> {
    let mut hull: Vec<(PixelPoint, usize)> = Vec::new();
    for p in points {
        while let [.., a, b] = hull[..]
            && cross(a.0, b.0, p.0) <= 0
        {
            hull.pop();
        }
        hull.push(p);
    }
    hull.pop();
    hull
}

/// Where to start so that the places in the outline ascend or descend throughout; 0 if that cannot be.
fn start_of_round(hull: &[(PixelPoint, usize)]) -> usize {
    if hull.len() < 3 {
        return 0;
    }
    let next = |i: usize| if i + 1 < hull.len() { i + 1 } else { 0 };
    let breaks = |ascending: bool| {
        let mut at = (0..hull.len()).filter(move |&i| (hull[i].1 < hull[next(i)].1) != ascending);
        (at.next(), at.next())
    };
    match (breaks(true), breaks(false)) {
        ((Some(wrap), None), _) | (_, (Some(wrap), None)) => next(wrap),
        _ => 0,
    }
}

/// A closed polygon with fewer corners that stays within `epsilon` pixels, by Douglas and Peucker's method.
///
/// The polygon is split at two far points, found by going three times to the point furthest from the last one. Corners
/// that remain on a straight line (sloping, within `epsilon`/√2) are removed in the end. This follows OpenCV's choice of
/// split points, of ties and of the first corner.
pub fn approximate(points: &[PixelPoint], epsilon: f64) -> Vec<PixelPoint> {
    let tolerance = epsilon * epsilon;
    let count = points.len();
    if count == 0 {
        return Vec::new();
    }
    let (mut at, mut offset, mut largest) = (0, 0, 0);
    for _ in 0..3 {
        at = (at + offset) % count;
        largest = 0;
        for i in 1..count {
            let distance = squared_distance(points[at], points[(at + i) % count]);
            if distance > largest {
                (largest, offset) = (distance, i);
            }
        }
    }
    // A NaN is no tolerance to split by.
    if largest as f64 <= tolerance || tolerance.is_nan() {
        return vec![points[at]];
    }

    let far = (at + offset) % count;
    let mut kept = Vec::new();
    // Pieces of the polygon from one corner to another, the next one last.
    let mut pieces = vec![(far, at), (at, far)];
    while let Some((start, end)) = pieces.pop() {
        let length = (end + count - start) % count;
        let (from, to) = (points[start], points[end]);
        let mut split = (0, start);
        for i in (1..length).map(|i| (start + i) % count) {
            let distance = cross(from, to, points[i]).abs();
            if distance > split.0 {
                split = (distance, i);
            }
        }
        let (distance, at) = split;
        if distance as f64 * distance as f64 > tolerance * squared_distance(from, to) as f64 {
            pieces.extend([(at, end), (start, at)]);
        } else {
            kept.push(from);
        }
    }
    drop_straight_corners(&mut kept, tolerance);
    kept
}

/// One pass around the polygon that drops corners on straight lines, down to two corners.
fn drop_straight_corners(polygon: &mut Vec<PixelPoint>, tolerance: f64) {
    let count = polygon.len();
    let Some(&last) = polygon.last() else { return };
    let (mut left, mut write, mut read) = (count, 0, 0);
    let mut next = |polygon: &[PixelPoint]| {
        let p = polygon[read];
        read = (read + 1) % count;
        p
    };
    let mut previous = last;
    let mut corner = next(polygon);
    let mut step = 0;
    // The pass goes on in the polygon that it changes: what it reads after a full turn may be new already.
    while step < count && left > 2 {
        let end = next(polygon);
        let (dx, dy) = (delta(previous.x, end.x), delta(previous.y, end.y));
        let (px, py) = (delta(previous.x, corner.x), delta(previous.y, corner.y));
        let (ex, ey) = (delta(corner.x, end.x), delta(corner.y, end.y));
        let distance = (px * dy - py * dx).abs() as f64;
        let straight = distance * distance <= 0.5 * tolerance * (dx * dx + dy * dy) as f64;
        if straight && dx != 0 && dy != 0 && px * ex + py * ey >= 0 {
            left -= 1;
            previous = end;
            polygon[write] = previous;
            corner = next(polygon);
            step += 1;
        } else {
            previous = corner;
            polygon[write] = previous;
            corner = end;
        }
        write = (write + 1) % count;
        step += 1;
    }
    polygon.truncate(left);
}

fn delta(a: i32, b: i32) -> i64 {
    i64::from(b) - i64::from(a)
}

fn squared_distance(a: PixelPoint, b: PixelPoint) -> i64 {
    let (dx, dy) = (delta(a.x, b.x), delta(a.y, b.y));
    dx * dx + dy * dy
}

/// True for four corners with nearly right angles: |cos| below 0.35 (about 20° off) at the second, third and fourth.
pub fn is_rectangle(points: &[PixelPoint]) -> bool {
    const MAX_COSINE: f64 = 0.35;
    let &[a, b, c, d] = points else { return false };
    [(a, b, c), (b, c, d), (c, d, a)].into_iter().all(|(before, at, after)| {
        let (ux, uy) = (delta(at.x, before.x) as f64, delta(at.y, before.y) as f64);
        let (vx, vy) = (delta(at.x, after.x) as f64, delta(at.y, after.y) as f64);
        // The small addend keeps coinciding corners from dividing by 0.
        let cosine = (ux * vx + uy * vy) / ((ux * ux + uy * uy) * (vx * vx + vy * vy) + 1e-10).sqrt();
        cosine.abs() < MAX_COSINE
    })
}

/// A rectangle that may be turned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TurnedRect {
    /// Its middle.
    pub centre: Point,
    /// Length of the side that is turned by `angle` from the x axis, in pixels.
    pub width: f64,
    /// Length of the other side, in pixels.
    pub height: f64,
    /// In degrees, clockwise on the screen, above 0 and up to 90.
    pub angle: f64,
}

impl TurnedRect {
    /// Length of the shorter side, in pixels.
    pub fn short_side(&self) -> f64 {
        self.width.min(self.height)
    }

    /// The four corners, clockwise on the screen: for a small angle bottom-left, top-left, top-right, bottom-right.
    /// Computed in `f32`, as lengths and angle are.
    pub fn corners(&self) -> [Point; 4] {
        let radians = f64::from(self.angle as f32) * std::f64::consts::PI / 180.0;
        let (cos, sin) = (radians.cos() as f32 * 0.5, radians.sin() as f32 * 0.5);
        let (x, y) = (self.centre.x as f32, self.centre.y as f32);
        let (width, height) = (self.width as f32, self.height as f32);
        let first = (x - sin * height - cos * width, y + cos * height - sin * width);
        let second = (x + sin * height - cos * width, y - cos * height - sin * width);
        let opposite = |(u, v): (f32, f32)| (2.0 * x - u, 2.0 * y - v);
        [first, second, opposite(first), opposite(second)].map(|(x, y)| Point::new(f64::from(x), f64::from(y)))
    }
}

/// The rectangle of smallest area around the points; one of its sides lies on an edge of their convex hull. `None` for
/// no points.
///
/// Four calipers turn around the hull, each step onto the next edge that one of them meets. Lengths are computed in
/// `f32`, because corners that are cut to whole pixels depend on it; of equal areas the last one counts.
pub fn min_area_rect(points: &[PixelPoint]) -> Option<TurnedRect> {
    let hull = convex_hull(points);
    match hull[..] {
        [] => None,
        [only] => Some(TurnedRect { centre: only.into(), width: 0.0, height: 0.0, angle: 90.0 }),
        [a, b] => {
            let (a, b) = (Point::from(a), Point::from(b));
            let centre = Point::new((a.x + b.x) / 2.0, (a.y + b.y) / 2.0);
            let angle = (b.y - a.y).atan2(b.x - a.x).to_degrees();
            Some(upright(TurnedRect { centre, width: a.distance(b), height: 0.0, angle }))
        }
        _ => Some(upright(turn_calipers(&hull))),
    }
}

/// The calipers of [`min_area_rect`], for a hull of at least three corners.
fn turn_calipers(hull: &[PixelPoint]) -> TurnedRect {
    let next = |i: usize| if i + 1 < hull.len() { i + 1 } else { 0 };
    let edge = |i: usize| (delta(hull[i].x, hull[next(i)].x), delta(hull[i].y, hull[next(i)].y));
    let extreme = |key: fn(PixelPoint) -> i32| {
        (0..hull.len()).fold(0, |best, i| if key(hull[i]) < key(hull[best]) { i } else { best })
    };
    // The corners that the calipers lie on: above, right, below, left (before they turn).
    let mut on = [extreme(|p| p.y), extreme(|p| -p.x), extreme(|p| -p.y), extreme(|p| p.x)];
    // The direction of the upper caliper; `left`, `top` and the lengths belong to the best rectangle.
    let mut best = (f32::MAX, [1.0f32, 0.0], 0.0f32, 0.0f32, hull[on[3]], hull[on[0]]);
    for _ in 0..hull.len() {
        // The edges turned to the direction of the upper one; the first that the calipers meet has all others on its right.
        let turned = |caliper: usize| {
            let (x, y) = edge(on[caliper]);
            [(x, y), (y, -x), (-x, -y), (-y, x)][caliper]
        };
        let mut meets = 0;
        for other in 1..4 {
            let (a, b) = (turned(other), turned(meets));
            if a.0 * b.1 - a.1 * b.0 > 0 {
                meets = other;
            }
        }
        let (x, y) = (turned(meets).0 as f32, turned(meets).1 as f32);
        let inverse = (1.0 / (f64::from(x) * f64::from(x) + f64::from(y) * f64::from(y)).sqrt()) as f32;
        let [a, b] = [x * inverse, y * inverse];
        on[meets] = next(on[meets]);

        let [top, right, bottom, left] = on.map(|i| hull[i]);
        let between = |from: PixelPoint, to: PixelPoint| (delta(from.x, to.x) as f32, delta(from.y, to.y) as f32);
        let (across, down) = (between(left, right), between(top, bottom));
        let width = across.0 * a + across.1 * b;
        let height = -down.0 * b + down.1 * a;
        if width * height <= best.0 {
            best = (width * height, [a, b], width, height, left, top);
        }
    }

    let (_, [a, b], width, height, left, top) = best;
    // The corner where the left and the upper caliper cross.
    let c1 = a * left.x as f32 + left.y as f32 * b;
    let c2 = -b * top.x as f32 + top.y as f32 * a;
    let scale = 1.0 / (a * a + b * b);
    let corner = ((c1 * a - c2 * b) * scale, (a * c2 + b * c1) * scale);
    let (across, down) = ((a * width, b * width), (-b * height, a * height));
    let length = |(x, y): (f32, f32)| (f64::from(x) * f64::from(x) + f64::from(y) * f64::from(y)).sqrt() as f32;
    TurnedRect {
        centre: Point::new(
            f64::from(corner.0 + (across.0 + down.0) * 0.5),
            f64::from(corner.1 + (across.1 + down.1) * 0.5),
        ),
        width: f64::from(length(across)),
        height: f64::from(length(down)),
        angle: f64::from(degrees(across.0, across.1) as f32),
    }
}

/// Direction of a vector, in degrees; rounded to `f32` in radians first, as OpenCV does.
fn degrees(x: f32, y: f32) -> f64 {
    let radians = f64::from(y).atan2(f64::from(x)) as f32;
    f64::from(radians) * 180.0 / std::f64::consts::PI
}

/// The same rectangle, described with an angle above 0 and up to 90.
fn upright(rect: TurnedRect) -> TurnedRect {
    // Up to 180: both ends of a side are alike.
    let angle = rect.angle.rem_euclid(180.0);
    match angle {
        0.0 => TurnedRect { width: rect.height, height: rect.width, angle: 90.0, ..rect },
        a if a > 90.0 => TurnedRect { width: rect.height, height: rect.width, angle: a - 90.0, ..rect },
        a => TurnedRect { angle: a, ..rect },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::imaging::contours;

    fn points<const N: usize>(points: [(i32, i32); N]) -> Vec<PixelPoint> {
        points.map(|(x, y)| PixelPoint::new(x, y)).to_vec()
    }

    #[test]
    fn the_hull_drops_what_lies_inside_and_between() {
        let outline = points([(0, 0), (0, 2), (0, 4), (2, 3), (4, 4), (4, 0), (2, 0)]);
        // The places descend around the hull, so it starts with the last one of the outline.
        assert_eq!(convex_hull(&outline), points([(4, 0), (4, 4), (0, 4), (0, 0)]));
        let mixed = points([(4, 4), (0, 0), (4, 0), (2, 2), (0, 4)]);
        assert_eq!(convex_hull(&mixed), points([(4, 4), (0, 4), (0, 0), (4, 0)]));
    }

    #[test]
    fn hulls_of_few_points() {
        assert_eq!(convex_hull(&[]), []);
        assert_eq!(convex_hull(&points([(3, 3), (3, 3)])), points([(3, 3)]));
        assert_eq!(convex_hull(&points([(1, 1), (2, 2), (3, 3)])), points([(3, 3), (1, 1)]));
    }

    #[test]
    fn a_wobbly_rectangle_becomes_its_corners() {
        let outline = points([(0, 0), (0, 50), (1, 100), (60, 101), (120, 100), (119, 40), (120, 0), (50, 1)]);
        let corners = approximate(&outline, 5.0);
        assert_eq!(corners.len(), 4);
        assert!(is_rectangle(&corners));
        assert_eq!(approximate(&outline, 500.0).len(), 1);
        assert_eq!(approximate(&outline, 0.0), {
            let at = outline.iter().position(|p| *p == approximate(&outline, 0.0)[0]).unwrap();
            [&outline[at..], &outline[..at]].concat()
        });
    }

    #[test]
    fn a_slanted_quad_is_no_rectangle() {
        assert!(is_rectangle(&points([(0, 0), (100, 10), (90, 110), (-10, 100)])));
        assert!(!is_rectangle(&points([(0, 0), (100, 0), (150, 100), (50, 100)])));
        assert!(!is_rectangle(&points([(0, 0), (100, 0), (100, 100)])));
    }

    #[test]
    fn the_smallest_rectangle_lies_on_an_edge() {
        let rect = min_area_rect(&points([(50, 60), (600, 40), (620, 850), (40, 830)])).unwrap();
        let mut corners = rect.corners().map(|p| (p.x as i32, p.y as i32));
        corners.sort_unstable();
        assert_eq!(corners, [(20, 54), (40, 864), (600, 40), (620, 849)]);
        let flat = min_area_rect(&points([(1, 1), (1, 5)])).unwrap();
        assert_eq!((flat.width, flat.height, flat.angle), (4.0, 0.0, 90.0));
        assert_eq!(min_area_rect(&[]), None);
    }

    fn cloud() -> impl Strategy<Value = Vec<PixelPoint>> {
        proptest::collection::vec((-20..20i32, -20..20i32).prop_map(|(x, y)| PixelPoint::new(x, y)), 0..40)
    }

    proptest! {
        #[test]
        fn the_hull_holds_all_points_and_turns_one_way(cloud in cloud()) {
            let hull = convex_hull(&cloud);
            prop_assert_eq!(hull.is_empty(), cloud.is_empty());
            for i in 0..hull.len() {
                let (a, b) = (hull[i], hull[(i + 1) % hull.len()]);
                prop_assert!(cloud.iter().all(|p| cross(a, b, *p) >= 0));
                prop_assert!(hull.len() < 3 || cross(a, b, hull[(i + 2) % hull.len()]) > 0);
            }
        }

        #[test]
        fn approximations_keep_corners_of_the_polygon(cloud in cloud(), epsilon in prop_oneof![0.0..30.0, any::<f64>()]) {
            let corners = approximate(&cloud, epsilon);
            prop_assert!(corners.iter().all(|p| cloud.contains(p)));
            prop_assert_eq!(corners.is_empty(), cloud.is_empty());
        }

        #[test]
        fn the_smallest_rectangle_holds_all_points(cloud in cloud()) {
            prop_assume!(!cloud.is_empty());
            let rect = min_area_rect(&cloud).unwrap();
            let corners = rect.corners();
            for p in &cloud {
                for i in 0..4 {
                    let (a, b) = (corners[i], corners[(i + 1) % 4]);
                    let side = (b.x - a.x) * (f64::from(p.y) - a.y) - (b.y - a.y) * (f64::from(p.x) - a.x);
                    prop_assert!(side >= -1e-3);
                }
            }
            prop_assert!(rect.width * rect.height >= contours::area(&convex_hull(&cloud)) - 1e-3);
            prop_assert!(rect.angle > 0.0 && rect.angle <= 90.0);
        }
    }
}
