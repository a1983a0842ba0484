//! Paper that does not lie flat: it rises from the desk along one axis, as a page near the fold of a book does.
//!
//! The paper is bent, not stretched, so lengths along it are kept. It is seen from a point above the desk: what stands
//! higher appears farther from the point below the eye, by the share `height / (eye − height)`. Seen from straight above,
//! lines across the bend keep to their places and those along it bow outward; seen from the side, all bow one way.

use crate::geometry::{Point, Rect};

/// Along which axis the height changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// From the left to the right edge: top and bottom edges are seen bowed.
    Across,
    /// From the top to the bottom edge: left and right edges are seen bowed.
    Down,
}

/// The height of the paper along its axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Highest in the middle, down at both ends.
    Arch,
    /// Down at the start, rising ever steeper to the end.
    Rising,
}

/// How a sheet of paper is bent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Curl {
    /// Along which axis the height changes.
    pub axis: Axis,
    /// How it changes.
    pub profile: Profile,
    /// The greatest height, as a share of the paper's width. 0.03 is a page that would not be pressed flat.
    pub amplitude: f64,
    /// Where the eye is: right of the paper's middle, below it, and above the desk, as shares of the paper's width. Above
    /// the desk it must be higher than the paper.
    pub eye: (f64, f64, f64),
}

/// A bent sheet, measured.
#[derive(Debug, Clone)]
pub struct BentSheet {
    curl: Curl,
    paper: Rect,
    /// The profile at equal steps along the paper.
    stations: Vec<Station>,
}

/// A place along the axis.
#[derive(Debug, Clone, Copy)]
struct Station {
    /// Where it is seen on the desk, along the axis.
    seen: f64,
    /// Its height.
    height: f64,
    /// Change of height per length along the desk.
    slope: f64,
}

/// Steps along the paper: at 3 % of its width, straight pieces between them are off by a thousandth of a pixel.
const STEPS: usize = 256;
/// How much darker paper is that is turned away from the light, per unit of slope.
const SHADING: f64 = 0.5;

impl Profile {
    /// Height, as a share of the greatest, at the share `t` of the way.
    fn height(self, t: f64) -> f64 {
        match self {
            Self::Arch => 4.0 * t * (1.0 - t),
            Self::Rising => t * t,
        }
    }
}

impl Curl {
    /// Bends a sheet that covers `paper` in page coordinates.
    pub fn bend(self, paper: Rect) -> BentSheet {
        let width = f64::from(paper.width);
        let (length, middle, eye) = match self.axis {
            Axis::Across => (width, f64::from(paper.x) + width / 2.0, self.eye.0),
            Axis::Down => (f64::from(paper.height), f64::from(paper.y) + f64::from(paper.height) / 2.0, self.eye.1),
        };
        let (eye, above) = (middle + eye * width, self.eye.2 * width);
        let step = length / STEPS as f64;
        let heights: Vec<f64> =
            (0..=STEPS).map(|i| self.amplitude * width * self.profile.height(i as f64 / STEPS as f64)).collect();
        // Where each place lies on the desk: a step along the paper is the longest side of a right triangle.
        let mut along = vec![0.0];
        let mut slopes = Vec::new();
        for pair in heights.windows(2) {
            let rise = pair[1] - pair[0];
            let run = (step * step - rise * rise).max(1e-9).sqrt();
            along.push(along.last().copied().unwrap_or_default() + run);
            slopes.push(rise / run);
        }
        slopes.extend(slopes.last().copied());
        let whole = along.last().copied().unwrap_or_default();
        let places = along.iter().zip(heights).zip(slopes);
        let stations = places.map(|((&at, height), slope)| {
            let at = middle - whole / 2.0 + at;
            Station { seen: eye + (at - eye) * above / (above - height), height, slope }
        });
        BentSheet { curl: self, paper, stations: stations.collect() }
    }
}

impl BentSheet {
    /// The place on the paper, in page coordinates, that is seen where the desk's `at` would be; with it how much of the
    /// light it gets. Beyond the ends the paper goes on level.
    pub fn flatten(&self, at: Point) -> (Point, f64) {
        let Rect { x, y, width, height } = self.paper;
        let (left, top) = (f64::from(x), f64::from(y));
        let (width, height) = (f64::from(width), f64::from(height));
        let (along, start, length) = match self.curl.axis {
            Axis::Across => (at.x, left, width),
            Axis::Down => (at.y, top, height),
        };
        let (t, station) = self.find(along);
        let (ex, ey, above) = self.curl.eye;
        let above = above * width;
        let shrink = (above - station.height) / above;
        let across = |seen: f64, middle: f64, eye: f64| {
            let eye = middle + eye * width;
            eye + (seen - eye) * shrink
        };
        let paper = match self.curl.axis {
            Axis::Across => Point::new(start + t * length, across(at.y, top + height / 2.0, ey)),
            Axis::Down => Point::new(across(at.x, left + width / 2.0, ex), start + t * length),
        };
        (paper, 1.0 - SHADING * station.slope)
    }

    /// The share of the way along the paper that is seen at `along`, and its station. Shares beyond 0 and 1 lie outside.
    fn find(&self, along: f64) -> (f64, Station) {
        let stations = &self.stations;
        let next = stations.partition_point(|station| station.seen <= along).clamp(1, stations.len() - 1);
        let (a, b) = (stations[next - 1], stations[next]);
        let t = (along - a.seen) / (b.seen - a.seen);
        let part = t.clamp(0.0, 1.0);
        let mix = |a: f64, b: f64| a + (b - a) * part;
        let between = Station { seen: along, height: mix(a.height, b.height), slope: mix(a.slope, b.slope) };
        ((next as f64 - 1.0 + t) / STEPS as f64, between)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAPER: Rect = Rect::new(-50, -20, 700, 900);

    /// Where a place of the paper is seen, found by search: the inverse of what is tested.
    fn seen(bent: &BentSheet, place: Point) -> Point {
        let mut at = place;
        for _ in 0..60 {
            let (found, _) = bent.flatten(at);
            at = Point::new(at.x + place.x - found.x, at.y + place.y - found.y);
        }
        at
    }

    fn curl(axis: Axis, amplitude: f64, eye: (f64, f64, f64)) -> BentSheet {
        Curl { axis, profile: Profile::Arch, amplitude, eye }.bend(PAPER)
    }

    #[test]
    fn flat_paper_is_seen_where_it_is() {
        let bent = curl(Axis::Down, 0.0, (0.4, -0.3, 1.2));
        for (x, y) in [(-50.0, -20.0), (300.0, 410.0), (650.0, 880.0), (700.0, 950.0)] {
            let (at, light) = bent.flatten(Point::new(x, y));
            assert!(at.distance(Point::new(x, y)) < 1e-6 && light == 1.0, "{at:?}");
        }
    }

    #[test]
    fn the_amplitude_is_the_greatest_displacement_seen_at_a_slant_of_one_to_one() {
        // The eye is as far to the right as it is above the desk, and so far that it sees all places alike.
        let (amplitude, far) = (0.03, 1000.0);
        let bent = curl(Axis::Down, amplitude, (far, 0.0, far));
        let middle = Point::new(300.0, 430.0);
        let moved = seen(&bent, middle);
        assert!((middle.x - moved.x - amplitude * 700.0).abs() < 0.1, "{moved:?}");
        assert!((middle.y - moved.y).abs() < 0.1);
        // The ends lie on the desk.
        let corner = Point::new(-50.0, -20.0);
        let moved = seen(&bent, corner);
        assert!((corner.x - moved.x).abs() < 0.1, "{moved:?}");
    }

    #[test]
    fn from_above_the_sides_bow_outward() {
        let bent = curl(Axis::Down, 0.02, (0.0, 0.0, 1.0));
        for (edge, outward) in [(-50.0, -1.0), (650.0, 1.0)] {
            let moved = seen(&bent, Point::new(edge, 430.0));
            // Half the width, times 2 in 98.
            assert!((outward * (moved.x - edge) - 350.0 * 2.0 / 98.0).abs() < 0.1, "{moved:?}");
        }
        let bent = curl(Axis::Across, 0.02, (0.0, 0.0, 1.0));
        let moved = seen(&bent, Point::new(300.0, -20.0));
        assert!((moved.y + 20.0 + 450.0 * 2.0 / 98.0).abs() < 0.1, "{moved:?}");
    }

    #[test]
    fn paper_is_bent_and_not_stretched() {
        let amplitude = 0.05;
        let bent = curl(Axis::Down, amplitude, (0.0, 0.0, 1000.0));
        let (top, bottom) = (seen(&bent, Point::new(300.0, -20.0)), seen(&bent, Point::new(300.0, 880.0)));
        // The chord of a flat arc of length s and height a is s − 8a²/3s.
        let height = amplitude * 700.0;
        let chord = 900.0 - 8.0 * height * height / (3.0 * 900.0);
        assert!((bottom.y - top.y - chord).abs() < 0.1, "{}", bottom.y - top.y);
    }
}
