//! Maps of the plane from point pairs of which some are wrong: random sample consensus, then least squares.
//!
//! Samples of as few pairs as determine a map are drawn (Fischler and Bolles 1981); the map whose pairs' squared errors,
//! each cut at the square of the tolerance, have the smallest sum wins (MSAC, Torr and Zisserman 2000), and is then fitted
//! to its inliers until they change no more. The generator has a fixed seed, so equal pairs give equal maps.

use super::warp::Homography;
use crate::geometry::Point;

/// A point of one picture and where it lies in another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// In the one.
    pub from: Point,
    /// In the other.
    pub to: Point,
}

/// What kind of map is sought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// Parallels stay parallel: six numbers, three pairs.
    Affine,
    /// Lines stay lines: eight numbers, four pairs.
    Homography,
}

/// A map and the pairs that agree with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// Takes `from` to `to`.
    pub map: Homography,
    /// One entry a pair: is it within the tolerance?
    pub inliers: Vec<bool>,
    /// Root of the inliers' mean squared error, in pixels.
    pub rms: f64,
}

impl Fit {
    /// Number of pairs that agree.
    pub fn count(&self) -> usize {
        self.inliers.iter().filter(|&&inlier| inlier).count()
    }
}

/// Samples are drawn until it is this sure that one of them was without a wrong pair.
const CONFIDENCE: f64 = 0.9999;
/// No more samples than this are drawn.
const MAX_SAMPLES: usize = 1500;
/// Rounds of least squares at most.
const MAX_ROUNDS: usize = 12;

impl Model {
    /// The number of pairs that determine a map.
    pub const fn least(self) -> usize {
        match self {
            Self::Affine => 3,
            Self::Homography => 4,
        }
    }

    /// The map that most pairs agree with, an error of `tolerance` pixels in `to` allowed, among those that `is_possible`
    /// lets pass. `None` if there is no such map.
    pub fn fit(self, pairs: &[Pair], tolerance: f64, is_possible: impl Fn(&Homography) -> bool) -> Option<Fit> {
        let least = self.least();
        if pairs.len() < least {
            return None;
        }
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        let mut best: Option<(f64, Homography)> = None;
        let mut wanted = MAX_SAMPLES;
        let mut drawn = 0;
        while drawn < wanted {
            drawn += 1;
            let sample = random.sample(pairs, least);
            let Some(map) = self.least_squares(&sample).filter(&is_possible) else { continue };
            let cost = cost(&map, pairs, tolerance);
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                let share = within(&map, pairs, tolerance).filter(|&w| w).count() as f64 / pairs.len() as f64;
                wanted = wanted.min(samples(share, least));
                best = Some((cost, map));
            }
        }
        let (mut least_cost, mut map) = best?;
        for _ in 0..MAX_ROUNDS {
            let inliers: Vec<Pair> =
                pairs.iter().zip(within(&map, pairs, tolerance)).filter(|(_, w)| *w).map(|(p, _)| *p).collect();
            let Some(next) = self.least_squares(&inliers).filter(&is_possible) else { break };
            let cost = cost(&next, pairs, tolerance);
            if cost >= least_cost {
                break;
            }
            (least_cost, map) = (cost, next);
        }
        let inliers: Vec<bool> = within(&map, pairs, tolerance).collect();
        let squares: Vec<f64> =
            pairs.iter().zip(&inliers).filter(|(_, i)| **i).map(|(p, _)| square_error(&map, p)).collect();
        let rms = (squares.iter().sum::<f64>() / squares.len().max(1) as f64).sqrt();
        Some(Fit { map, inliers, rms })
    }

    /// The map with the smallest sum of squared errors over all pairs. `None` if they do not determine one.
    ///
    /// Coordinates are centred and scaled first (Hartley 1997). A homography's equations are weighted by the denominators
    /// of the round before, which makes their errors those of the picture.
    pub fn least_squares(self, pairs: &[Pair]) -> Option<Homography> {
        if pairs.len() < self.least() {
            return None;
        }
        let (from, to) = (Frame::around(pairs.iter().map(|p| p.from))?, Frame::around(pairs.iter().map(|p| p.to))?);
        let normal: Vec<(Point, Point)> = pairs.iter().map(|p| (from.inward(p.from), to.inward(p.to))).collect();
        let inner = match self {
            Self::Affine => affine(&normal)?,
            Self::Homography => homography(&normal)?,
        };
        let map = from.map().then(&inner).then(&to.map().inverse()?);
        map.0.iter().all(|v| v.is_finite()).then_some(map)
    }
}

/// Squared distance between where a pair's point goes and where it should.
fn square_error(map: &Homography, pair: &Pair) -> f64 {
    let p = map.apply(pair.from);
    let (dx, dy) = (p.x - pair.to.x, p.y - pair.to.y);
    dx * dx + dy * dy
}

fn within<'p>(map: &Homography, pairs: &'p [Pair], tolerance: f64) -> impl Iterator<Item = bool> + 'p {
    let (map, limit) = (*map, tolerance * tolerance);
    pairs.iter().map(move |pair| square_error(&map, pair) <= limit)
}

fn cost(map: &Homography, pairs: &[Pair], tolerance: f64) -> f64 {
    let limit = tolerance * tolerance;
    pairs.iter().map(|pair| square_error(map, pair)).map(|e| if e < limit { e } else { limit }).sum()
}

/// How many samples of `least` pairs make it sure that one has inliers only, when `share` of all pairs are.
fn samples(share: f64, least: usize) -> usize {
    let good = share.powi(least as i32);
    if good >= 1.0 {
        return 1;
    }
    let count = (1.0 - CONFIDENCE).ln() / (1.0 - good).ln();
    if count.is_finite() { count.ceil().min(MAX_SAMPLES as f64) as usize } else { MAX_SAMPLES }
}

/// Where coordinates are centred, and by how much they are scaled.
struct Frame {
    centre: Point,
    scale: f64,
}

impl Frame {
    /// Around points: their mean, and a mean distance of √2. `None` if they are one point.
    fn around(points: impl Iterator<Item = Point> + Clone) -> Option<Self> {
        let count = points.clone().count() as f64;
        let (x, y) = points.clone().fold((0.0, 0.0), |(x, y), p| (x + p.x, y + p.y));
        let centre = Point::new(x / count, y / count);
        let mean = points.map(|p| p.distance(centre)).sum::<f64>() / count;
        let scale = std::f64::consts::SQRT_2 / mean;
        (scale.is_finite() && mean > 0.0).then_some(Self { centre, scale })
    }

    fn inward(&self, p: Point) -> Point {
        Point::new((p.x - self.centre.x) * self.scale, (p.y - self.centre.y) * self.scale)
    }

    fn map(&self) -> Homography {
        let Self { centre, scale: s } = self;
        Homography([*s, 0.0, -centre.x * s, 0.0, *s, -centre.y * s, 0.0, 0.0, 1.0])
    }
}

fn affine(pairs: &[(Point, Point)]) -> Option<Homography> {
    let mut sums = Normal::<3>::default();
    let mut right = [[0.0; 3]; 2];
    for (p, q) in pairs {
        let row = [p.x, p.y, 1.0];
        sums.add(row, 0.0, 1.0);
        for (right, value) in right.iter_mut().zip([q.x, q.y]) {
            right.iter_mut().zip(row).for_each(|(r, v)| *r += v * value);
        }
    }
    let [a, b, c] = solve(sums.matrix, right[0])?;
    let [d, e, f] = solve(sums.matrix, right[1])?;
    Some(Homography([a, b, c, d, e, f, 0.0, 0.0, 1.0]))
}

fn homography(pairs: &[(Point, Point)]) -> Option<Homography> {
    /// Rounds of weighting.
    const ROUNDS: usize = 3;
    let mut map: Option<Homography> = None;
    for _ in 0..ROUNDS {
        let mut sums = Normal::<8>::default();
        for (p, q) in pairs {
            let denominator = map.map_or(1.0, |m| m.0[6] * p.x + m.0[7] * p.y + 1.0);
            let weight = 1.0 / (denominator * denominator);
            sums.add([p.x, p.y, 1.0, 0.0, 0.0, 0.0, -p.x * q.x, -p.y * q.x], q.x, weight);
            sums.add([0.0, 0.0, 0.0, p.x, p.y, 1.0, -p.x * q.y, -p.y * q.y], q.y, weight);
        }
        let [a, b, c, d, e, f, g, h] = solve(sums.matrix, sums.right)?;
        map = Some(Homography([a, b, c, d, e, f, g, h, 1.0]));
    }
    map
}

/// The normal equations of a least-squares problem.
struct Normal<const N: usize> {
    matrix: [[f64; N]; N],
    right: [f64; N],
}

impl<const N: usize> Default for Normal<N> {
    fn default() -> Self {
        Self { matrix: [[0.0; N]; N], right: [0.0; N] }
    }
}

impl<const N: usize> Normal<N> {
    /// Adds the equation row · unknowns = value.
    fn add(&mut self, row: [f64; N], value: f64, weight: f64) {
        for ((line, right), a) in self.matrix.iter_mut().zip(&mut self.right).zip(row) {
            line.iter_mut().zip(row).for_each(|(sum, b)| *sum += weight * a * b);
            *right += weight * a * value;
        }
    }
}

/// Solves linear equations by elimination with row pivots. `None` if they do not determine the unknowns.
fn solve<const N: usize>(mut a: [[f64; N]; N], mut b: [f64; N]) -> Option<[f64; N]> {
    /// Coordinates are about 1, so a smaller pivot is rounding.
    const MIN_PIVOT: f64 = 1e-10;
    for i in 0..N {
        let pivot = (i..N).fold(i, |best, j| if a[j][i].abs() > a[best][i].abs() { j } else { best });
        let size = a[pivot][i].abs();
        if size.is_nan() || size < MIN_PIVOT {
            return None;
        }
        a.swap(i, pivot);
        b.swap(i, pivot);
        let row = a[i];
        for j in i + 1..N {
            let factor = a[j][i] / row[i];
            a[j].iter_mut().zip(row).for_each(|(v, r)| *v -= factor * r);
            b[j] -= factor * b[i];
        }
    }
    let mut x = [0.0; N];
    for i in (0..N).rev() {
        let rest: f64 = (i + 1..N).map(|k| a[i][k] * x[k]).sum();
        x[i] = (b[i] - rest) / a[i][i];
    }
    x.iter().all(|v| v.is_finite()).then_some(x)
}

/// Marsaglia's xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound.max(1)
    }

    /// `count` different pairs; there must be as many.
    fn sample(&mut self, pairs: &[Pair], count: usize) -> Vec<Pair> {
        let mut chosen: Vec<usize> = Vec::with_capacity(count);
        while chosen.len() < count.min(pairs.len()) {
            let i = self.below(pairs.len());
            if !chosen.contains(&i) {
                chosen.push(i);
            }
        }
        chosen.into_iter().filter_map(|i| pairs.get(i).copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TILTED: Homography = Homography([1.02, -0.03, 14.0, 0.025, 0.98, -7.0, 1.5e-5, -2e-5, 1.0]);
    const SHEARED: Homography = Homography([1.02, -0.03, 14.0, 0.05, 0.97, -7.0, 0.0, 0.0, 1.0]);

    /// Pairs of a grid over 1000×1400 under `map`; every third one is wrong, and the others are off by up to half a pixel.
    fn pairs(map: &Homography, spoilt: bool) -> Vec<Pair> {
        let mut random = Random(7);
        let mut noise = |range: usize| random.below(1000) as f64 / 1000.0 * range as f64 - range as f64 / 2.0;
        let points = (0..8).flat_map(|i| (0..6).map(move |j| Point::new(f64::from(j) * 200.0, f64::from(i) * 200.0)));
        points
            .enumerate()
            .map(|(i, from)| {
                let (p, range) = (map.apply(from), if spoilt && i % 3 == 0 { 400 } else { 1 });
                let off = if spoilt { (noise(range), noise(range)) } else { (0.0, 0.0) };
                Pair { from, to: Point::new(p.x + off.0, p.y + off.1) }
            })
            .collect()
    }

    fn farthest(a: &Homography, b: &Homography) -> f64 {
        let corners = [(0.0, 0.0), (1000.0, 0.0), (1000.0, 1400.0), (0.0, 1400.0)].map(|(x, y)| Point::new(x, y));
        corners.iter().map(|&p| a.apply(p).distance(b.apply(p))).fold(0.0, f64::max)
    }

    #[test]
    fn exact_pairs_give_the_map() {
        let found = Model::Affine.least_squares(&pairs(&SHEARED, false)).unwrap();
        assert!(farthest(&found, &SHEARED) < 1e-6);
        let found = Model::Homography.least_squares(&pairs(&TILTED, false)).unwrap();
        assert!(farthest(&found, &TILTED) < 1e-6);
    }

    #[test]
    fn a_third_of_wrong_pairs_does_no_harm() {
        for (model, map) in [(Model::Affine, SHEARED), (Model::Homography, TILTED)] {
            let fit = model.fit(&pairs(&map, true), 2.0, |_| true).unwrap();
            assert!(farthest(&fit.map, &map) < 0.6, "{model:?}: {}", farthest(&fit.map, &map));
            assert!((32..=34).contains(&fit.count()), "{model:?}: {}", fit.count());
            assert!(fit.rms < 0.5);
            assert_eq!(model.fit(&pairs(&map, true), 2.0, |_| true), Some(fit), "the same again");
        }
    }

    #[test]
    fn maps_that_are_not_possible_are_not_found() {
        assert_eq!(Model::Affine.fit(&pairs(&SHEARED, true), 2.0, |_| false), None);
    }

    #[test]
    fn points_on_a_line_or_too_few_give_none() {
        let line: Vec<Pair> = (0..9)
            .map(|i| Point::new(f64::from(i) * 10.0, f64::from(i) * 20.0))
            .map(|p| Pair { from: p, to: p })
            .collect();
        for model in [Model::Affine, Model::Homography] {
            assert_eq!(model.least_squares(&line), None);
            assert_eq!(model.fit(&line, 1.0, |_| true), None);
            assert_eq!(model.fit(&line[..2], 1.0, |_| true), None);
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(points in proptest::collection::vec(proptest::array::uniform4(-1e9..1e9f64), 0..12)) {
            let pairs: Vec<Pair> =
                points.iter().map(|&[a, b, c, d]| Pair { from: Point::new(a, b), to: Point::new(c, d) }).collect();
            for model in [Model::Affine, Model::Homography] {
                if let Some(fit) = model.fit(&pairs, 3.0, |_| true) {
                    prop_assert!(fit.map.0.iter().all(|v| v.is_finite()));
                }
            }
        }
    }
}
