//! The perspective map that fits many points.
//!
//! Least squares bend the whole map towards one wrong point. So where points can outvote each other, those that a map
//! through four of them explains are found first (Fischler and Bolles: Random sample consensus, 1981), and only they are
//! fitted. Samples are drawn by a fixed sequence: the same points always give the same map.

use super::warp::{Homography, solve};
use crate::geometry::{Point, Quad};

/// A point, where it belongs, and how much it counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// Where it is.
    pub from: Point,
    /// Where it belongs.
    pub to: Point,
    /// Weight of its squared error, above 0.
    pub weight: f64,
}

/// The map that takes all points as close as possible to where they belong: the weighted sum of squared distances there
/// is least. `None` for fewer than four points, or if they do not determine a map.
///
/// A start from the linear equations in coordinates of mean 0 and mean distance √2 (Hartley: In defense of the eight-point
/// algorithm, 1997), then Gauss-Newton steps on the distances.
pub fn homography(pairs: &[Pair]) -> Option<Homography> {
    if pairs.len() < 4 {
        return None;
    }
    let (from, to) = (Frame::of(pairs.iter().map(|p| p.from))?, Frame::of(pairs.iter().map(|p| p.to))?);
    let scaled: Vec<Pair> =
        pairs.iter().map(|p| Pair { from: from.to_unit(p.from), to: to.to_unit(p.to), weight: p.weight }).collect();
    let mut map = linear(&scaled)?;
    let mut error = total(&map, &scaled);
    for _ in 0..10 {
        let Some(next) = improved(&map, &scaled) else { break };
        let next_error = total(&next, &scaled);
        if next_error.is_nan() || next_error >= error {
            break;
        }
        (map, error) = (next, next_error);
    }
    let map = from.unit().then(&map).then(&to.unit().inverse()?);
    let scale = map.0[8];
    let map = Homography(map.0.map(|v| v / scale));
    map.0.iter().all(|v| v.is_finite()).then_some(map)
}

/// As [`homography`], over the points that agree within `tolerance` (of where they belong), if there is a majority of at
/// least five that does. Where nothing can be outvoted, all points count.
pub fn robust_homography(pairs: &[Pair], tolerance: f64) -> Option<Homography> {
    let all = homography(pairs);
    let agrees = |map: &Homography, pair: &Pair| map.apply(pair.from).distance(pair.to) <= tolerance;
    if pairs.len() < 6 || all.is_some_and(|map| pairs.iter().all(|pair| agrees(&map, pair))) {
        return all;
    }
    let mut best: Option<(usize, f64, Homography)> = None;
    for sample in Samples::of(pairs.len()) {
        let quad = |point: fn(&Pair) -> Point| Quad { corners: sample.map(|i| point(&pairs[i])) };
        let Some(map) = Homography::from_quads(&quad(|p| p.from), &quad(|p| p.to)) else { continue };
        let errors = pairs.iter().map(|p| map.apply(p.from).distance(p.to));
        let (count, sum) = errors.filter(|e| *e <= tolerance).fold((0, 0.0), |(n, sum), e| (n + 1, sum + e));
        if best.is_none_or(|(most, least, _)| count > most || (count == most && sum < least)) {
            best = Some((count, sum, map));
        }
    }
    let Some((count, _, map)) = best.filter(|(count, ..)| *count >= 5 && 2 * count > pairs.len()) else { return all };
    let kept: Vec<Pair> = pairs.iter().filter(|pair| agrees(&map, pair)).copied().collect();
    debug_assert_eq!(kept.len(), count);
    homography(&kept).or(all)
}

/// Four different indices at a time: all there are, if few; else a fixed pseudo-random choice.
struct Samples {
    count: usize,
    left: usize,
    /// `None`: random ones.
    next: Option<[usize; 4]>,
    state: u64,
}

impl Samples {
    /// At most so many samples are tried. With a third of the points wrong, one in five samples is right.
    const MOST: usize = 500;

    fn of(count: usize) -> Self {
        let all = (0..4).fold(1usize, |product, i| product.saturating_mul(count.saturating_sub(i))) / 24;
        let few = all <= Self::MOST;
        Self { count, left: all.min(Self::MOST), next: few.then_some([0, 1, 2, 3]), state: 0x9E37_79B9_7F4A_7C15 }
    }

    /// Marsaglia's xorshift, 2003.
    fn random(&mut self) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 33) as usize % self.count
    }
}

impl Iterator for Samples {
    type Item = [usize; 4];

    fn next(&mut self) -> Option<[usize; 4]> {
        self.left = self.left.checked_sub(1)?;
        if let Some(sample) = self.next {
            let mut after = sample;
            if let Some(i) = (0..4).rev().find(|&i| after[i] + (4 - i) < self.count) {
                after[i] += 1;
                (i + 1..4).for_each(|j| after[j] = after[j - 1] + 1);
            }
            self.next = Some(after);
            return Some(sample);
        }
        let mut sample = [0; 4];
        for i in 0..4 {
            loop {
                let drawn = self.random();
                if !sample[..i].contains(&drawn) {
                    sample[i] = drawn;
                    break;
                }
            }
        }
        Some(sample)
    }
}

/// Where points lie and how far apart.
struct Frame {
    centre: Point,
    scale: f64,
}

impl Frame {
    fn of(points: impl Iterator<Item = Point> + Clone) -> Option<Self> {
        let count = points.clone().count() as f64;
        let sum = points.clone().fold((0.0, 0.0), |(x, y), p| (x + p.x, y + p.y));
        let centre = Point::new(sum.0 / count, sum.1 / count);
        let mean = points.map(|p| p.distance(centre)).sum::<f64>() / count;
        let scale = std::f64::consts::SQRT_2 / mean;
        (scale.is_finite() && scale > 0.0).then_some(Self { centre, scale })
    }

    fn to_unit(&self, p: Point) -> Point {
        Point::new((p.x - self.centre.x) * self.scale, (p.y - self.centre.y) * self.scale)
    }

    fn unit(&self) -> Homography {
        let (s, c) = (self.scale, self.centre);
        Homography([s, 0.0, -s * c.x, 0.0, s, -s * c.y, 0.0, 0.0, 1.0])
    }
}

fn total(map: &Homography, pairs: &[Pair]) -> f64 {
    pairs.iter().map(|p| p.weight * map.apply(p.from).distance(p.to).powi(2)).sum()
}

/// The normal equations of weighted rows of eight coefficients and a right side.
fn least_squares(rows: impl Iterator<Item = (f64, [f64; 9])>) -> Option<[f64; 8]> {
    let mut system = [[0.0; 9]; 8];
    for (weight, row) in rows {
        for (i, line) in system.iter_mut().enumerate() {
            for (entry, value) in line.iter_mut().zip(row) {
                *entry += weight * row[i] * value;
            }
        }
    }
    solve(system)
}

/// The map whose denominator at the middle is 1, from the equations without fractions.
fn linear(pairs: &[Pair]) -> Option<Homography> {
    let rows = pairs.iter().flat_map(|&Pair { from: Point { x, y }, to: Point { x: u, y: v }, weight }| {
        [
            (weight, [x, y, 1.0, 0.0, 0.0, 0.0, -x * u, -y * u, u]),
            (weight, [0.0, 0.0, 0.0, x, y, 1.0, -x * v, -y * v, v]),
        ]
    });
    let [a, b, c, d, e, f, g, h] = least_squares(rows)?;
    Some(Homography([a, b, c, d, e, f, g, h, 1.0]))
}

/// One Gauss-Newton step.
fn improved(map: &Homography, pairs: &[Pair]) -> Option<Homography> {
    let rows = pairs.iter().flat_map(|&Pair { from: Point { x, y }, to, weight }| {
        let w = 1.0 / (map.0[6] * x + map.0[7] * y + map.0[8]);
        let at = map.apply(Point::new(x, y));
        [
            (weight, [x * w, y * w, w, 0.0, 0.0, 0.0, -x * at.x * w, -y * at.x * w, to.x - at.x]),
            (weight, [0.0, 0.0, 0.0, x * w, y * w, w, -x * at.y * w, -y * at.y * w, to.y - at.y]),
        ]
    });
    let step = least_squares(rows)?;
    let mut next = *map;
    next.0.iter_mut().zip(step).for_each(|(v, d)| *v += d);
    Some(next)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TRUE: Homography = Homography([1.1, 0.08, 12.0, -0.05, 0.95, 30.0, 1e-4, -5e-5, 1.0]);

    fn pair(x: f64, y: f64) -> Pair {
        let from = Point::new(x, y);
        Pair { from, to: TRUE.apply(from), weight: 1.0 }
    }

    fn grid(n: u32) -> Vec<Pair> {
        (0..n * n).map(|i| pair(f64::from(i % n) * 90.0, f64::from(i / n) * 120.0)).collect()
    }

    /// How far two maps are apart on a page of 700×900.
    fn apart(a: &Homography, b: &Homography) -> f64 {
        [(0.0, 0.0), (700.0, 0.0), (700.0, 900.0), (0.0, 900.0), (350.0, 450.0)]
            .map(|(x, y)| a.apply(Point::new(x, y)).distance(b.apply(Point::new(x, y))))
            .into_iter()
            .fold(0.0, f64::max)
    }

    #[test]
    fn exact_points_give_the_exact_map() {
        for pairs in [grid(2), grid(3), grid(8)] {
            assert!(apart(&homography(&pairs).unwrap(), &TRUE) < 1e-6);
            assert!(apart(&robust_homography(&pairs, 3.0).unwrap(), &TRUE) < 1e-6);
        }
    }

    #[test]
    fn four_points_are_the_quad() {
        let pairs = grid(2);
        let corner = |point: fn(&Pair) -> Point| Quad { corners: [0, 1, 3, 2].map(|i| point(&pairs[i])) };
        let exact = Homography::from_quads(&corner(|p| p.from), &corner(|p| p.to)).unwrap();
        assert!(apart(&homography(&pairs).unwrap(), &exact) < 1e-3);
    }

    #[test]
    fn small_errors_cancel_out() {
        let mut pairs = grid(8);
        for (i, pair) in pairs.iter_mut().enumerate() {
            let (dx, dy) = ([-1.0, 1.0][i % 2], [-1.0, 1.0][i / 2 % 2]);
            (pair.to.x, pair.to.y) = (pair.to.x + dx, pair.to.y + dy);
        }
        assert!(apart(&robust_homography(&pairs, 3.0).unwrap(), &TRUE) < 1.0);
    }

    #[test]
    fn a_wrong_point_is_outvoted() {
        for n in [3, 5, 12] {
            let mut pairs = grid(n);
            for i in 0..pairs.len() / 6 {
                pairs[i * 5 + 1].to.x += 60.0 + 10.0 * i as f64;
            }
            assert!(apart(&homography(&pairs).unwrap(), &TRUE) > 5.0, "{n}: least squares are bent");
            assert!(apart(&robust_homography(&pairs, 3.0).unwrap(), &TRUE) < 1e-6, "{n}");
        }
    }

    #[test]
    fn of_five_points_none_is_outvoted() {
        let mut pairs = grid(3);
        pairs.truncate(5);
        pairs[4].to.x += 20.0;
        assert_eq!(robust_homography(&pairs, 3.0), homography(&pairs));
    }

    #[test]
    fn weights_count() {
        let mut pairs = grid(3);
        pairs[4].to.x += 20.0;
        pairs[4].weight = 1e-9;
        assert!(apart(&homography(&pairs).unwrap(), &TRUE) < 1e-3);
    }

    #[test]
    fn few_or_coinciding_points_determine_nothing() {
        assert_eq!(homography(&grid(2)[..3]), None);
        assert_eq!(homography(&[pair(3.0, 4.0); 9]), None);
        let on_a_line: Vec<Pair> = (0..9).map(|i| pair(f64::from(i), 2.0 * f64::from(i))).collect();
        assert!(homography(&on_a_line).is_none_or(|map| map.0.iter().all(|v| v.is_finite())));
    }

    #[test]
    fn samples_are_different_and_all() {
        let all: Vec<_> = Samples::of(6).collect();
        assert_eq!((all.len(), all[0], all[14]), (15, [0, 1, 2, 3], [2, 3, 4, 5]));
        let some: Vec<_> = Samples::of(100).collect();
        assert_eq!(some.len(), Samples::MOST);
        assert!(some.iter().all(|s| (0..4).all(|i| s[i] < 100 && !s[..i].contains(&s[i]))));
    }

    proptest! {
        #[test]
        fn any_points_are_survived(points in proptest::collection::vec(any::<(f64, f64, f64, f64)>(), 0..9), tolerance: f64) {
            let pairs: Vec<Pair> = points
                .into_iter()
                .map(|(a, b, c, d)| Pair { from: Point::new(a, b), to: Point::new(c, d), weight: 1.0 })
                .collect();
            robust_homography(&pairs, tolerance);
        }
    }
}
