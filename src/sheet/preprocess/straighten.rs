//! Found points of a page become the upright page, by any of the warp methods.
//!
//! CropPage and every kind of CropOnMarkers end here: they find points, this makes the page. All methods are anchored in the
//! four true corners. OMRChecker takes the smallest rectangle around them, which leaves the trapezoid of a photo as it
//! is; and it places points along an edge by their share of its length in the picture, which is not their share of it
//! on paper when the camera looked from aside. Here shares are measured after the corners are straightened.

use image::{GrayImage, RgbImage};

use super::Raster;
use crate::geometry::{Point, Quad, Size};
use crate::imaging::fit::{self, Pair};
use crate::imaging::remap::{self, Mesh};
use crate::imaging::spline::ThinPlate;
use crate::imaging::warp::{self, Homography};
use crate::template::{Interpolation, PageWarp, WarpMethod};

/// So many points are taken of an edge, unless the template says fewer.
const POINTS_PER_EDGE: u32 = 24;

/// What was found of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct PagePoints {
    /// Its corners in the picture.
    pub corners: Quad,
    /// Where the corners belong, in pixels of some frame; `None`: wherever they span an upright page of their size.
    pub targets: Option<Quad>,
    /// Its edges, between the corners, as far as they were seen: top, right, bottom, left.
    pub edges: [Edge; 4],
    /// Further points and edges.
    pub more: Vec<Extra>,
}

/// Points of an edge, in any order. Without any, it is straight.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Edge {
    /// In the picture.
    pub points: Vec<Point>,
    /// At most so many are taken, with both ends.
    pub max_points: Option<u32>,
}

/// Something beside the corners and edges, with the place where it belongs in the frame of [`PagePoints::targets`].
#[derive(Debug, Clone, PartialEq)]
pub enum Extra {
    /// A point.
    Point {
        /// In the picture.
        found: Point,
        /// In the frame.
        target: Point,
    },
    /// A line.
    Line {
        /// Its ends in the picture.
        ends: [Point; 2],
        /// Its ends in the frame.
        targets: [Point; 2],
        /// What lies between.
        edge: Edge,
    },
}

/// The upright page. `cropping`: its corners become the picture's; otherwise the picture keeps its size and the corners
/// come to their targets (not by four corners alone, as in OMRChecker). `None` if the points span no page.
pub fn straighten(raster: &Raster, page: &PagePoints, warp: PageWarp, cropping: bool) -> Option<Raster> {
    let source = Size::new(raster.gray.width(), raster.gray.height());
    if !is_convex(&page.corners) {
        return None;
    }
    match warp.method {
        WarpMethod::Perspective => by_corners(raster, &page.corners, warp.interpolation),
        WarpMethod::DocRefine => by_edges(raster, page, warp.interpolation),
        WarpMethod::Homography | WarpMethod::Remap => {
            let targets = page.targets.unwrap_or_else(|| upright(&page.corners));
            let mut pairs = pairs(page, &targets)?;
            let size = match (page.targets, cropping) {
                (None, _) => page.corners.upright_size(),
                (Some(_), true) => crop(&mut pairs)?,
                (Some(_), false) => source,
            };
            if !is_possible(size, source) {
                return None;
            }
            match warp.method {
                WarpMethod::Homography => by_homography(raster, &pairs, size, warp.interpolation),
                _ => by_spline(raster, &pairs, size, warp.interpolation),
            }
        }
    }
}

/// True when the corners go round the page clockwise and none lies within the others.
pub fn is_convex(quad: &Quad) -> bool {
    let c = quad.corners;
    (0..4).all(|i| {
        let (a, b, d) = (c[i], c[(i + 1) % 4], c[(i + 2) % 4]);
        (b.x - a.x) * (d.y - b.y) - (b.y - a.y) * (d.x - b.x) > 0.0
    })
}

/// An upright page as large as the corners are apart.
fn upright(corners: &Quad) -> Quad {
    let size = corners.upright_size();
    rectangle(f64::from(size.width.saturating_sub(1)), f64::from(size.height.saturating_sub(1)))
}

fn rectangle(right: f64, bottom: f64) -> Quad {
    let points = [(0.0, 0.0), (right, 0.0), (right, bottom), (0.0, bottom)];
    Quad { corners: points.map(|(x, y)| Point::new(x, y)) }
}

/// Sizes that are no mistake: [`warp::perspective`] has the same bound.
fn is_possible(size: Size, source: Size) -> bool {
    let most = 2 * (u64::from(source.width) + u64::from(source.height));
    size.pixels() > 0 && u64::from(size.width.max(size.height)) <= most
}

/// `PERSPECTIVE_TRANSFORM`.
fn by_corners(raster: &Raster, corners: &Quad, interpolation: Interpolation) -> Option<Raster> {
    if interpolation == Interpolation::Linear {
        let gray = warp::perspective(&raster.gray, corners)?;
        let colour = raster.colour.as_ref().and_then(|colour| warp::perspective_rgb(colour, corners));
        return Some(Raster { gray, colour });
    }
    let size = corners.upright_size();
    if !is_possible(size, Size::new(raster.gray.width(), raster.gray.height())) {
        return None;
    }
    let map = Homography::from_quads(corners, &upright(corners))?;
    through(raster, &map, size, interpolation)
}

/// `HOMOGRAPHY`. Points may be wrong by themselves, a speck in place of a dot: those that the others outvote are left out.
fn by_homography(raster: &Raster, pairs: &[Pair], size: Size, interpolation: Interpolation) -> Option<Raster> {
    /// Part of the page's diagonal that a right point may be off: about 3 px of a page of 650×900.
    const TOLERANCE: f64 = 0.003;
    let diagonal = f64::from(size.width).hypot(f64::from(size.height));
    let map = fit::robust_homography(pairs, (TOLERANCE * diagonal).max(2.0))?;
    through(raster, &map, size, interpolation)
}

fn through(raster: &Raster, map: &Homography, size: Size, interpolation: Interpolation) -> Option<Raster> {
    if interpolation == Interpolation::Linear {
        let gray = warp::through(&raster.gray, map, size)?;
        let colour = raster.colour.as_ref().and_then(|colour| warp::through_rgb(colour, map, size));
        return Some(Raster { gray, colour });
    }
    let back = map.inverse()?;
    Some(remapped(raster, size, interpolation, |y, row| {
        for (x, place) in (0..).zip(row) {
            *place = back.apply(Point::new(f64::from(x), f64::from(y)));
        }
    }))
}

/// `REMAP_GRIDDATA`: the perspective that fits best, and a thin-plate spline for what it leaves. So a flat page is exact
/// between its points and beyond, and only the paper's bend is guessed.
fn by_spline(raster: &Raster, pairs: &[Pair], size: Size, interpolation: Interpolation) -> Option<Raster> {
    let back = fit::homography(pairs)?.inverse()?;
    let left = pairs.iter().map(|pair| {
        let at = back.apply(pair.to);
        (pair.to, Point::new(pair.from.x - at.x, pair.from.y - at.y))
    });
    let bend = ThinPlate::through(left)?;
    let mesh = Mesh::new(size, |p| {
        let (at, moved) = (back.apply(p), bend.at(p));
        Point::new(at.x + moved.x, at.y + moved.y)
    });
    Some(remapped(raster, size, interpolation, |y, row| mesh.row(y, row)))
}

/// `DOC_REFINE`: corners are straightened, then each row is stretched between the left and the right edge and each column
/// between the upper and the lower one.
fn by_edges(raster: &Raster, page: &PagePoints, interpolation: Interpolation) -> Option<Raster> {
    let size = page.corners.upright_size();
    if size.width < 2 || size.height < 2 || !is_possible(size, Size::new(raster.gray.width(), raster.gray.height())) {
        return None;
    }
    let frame = upright(&page.corners);
    let map = Homography::from_quads(&page.corners, &frame)?;
    let back = map.inverse()?;
    let [tl, tr, br, bl] = frame.corners;
    let profile = |edge: &Edge, from: Point, to: Point, count: u32| {
        profile(edge.points.iter().map(|p| map.apply(*p)), from, to, count as usize)
    };
    // Sideways of its direction, an edge's offset is down for the upper and lower ones, to the left for the others.
    let [top, right, bottom, left] = &page.edges;
    let top = profile(top, tl, tr, size.width);
    let bottom = profile(bottom, bl, br, size.width);
    let left = profile(left, tl, bl, size.height);
    let right = profile(right, tr, br, size.height);
    let (last_x, last_y) = (tr.x, bl.y);
    let between = |a: f64, b: f64, part: f64| a + (b - a) * part;
    Some(remapped(raster, size, interpolation, |y, row| {
        let (left, right) = (-left[y as usize], last_x - right[y as usize]);
        let down = f64::from(y) / last_y;
        for ((x, place), (top, bottom)) in (0..).zip(row).zip(top.iter().zip(&bottom)) {
            let across = f64::from(x) / last_x;
            let straight = Point::new(between(left, right, across), between(*top, last_y + bottom, down));
            *place = back.apply(straight);
        }
    }))
}

fn remapped(
    raster: &Raster,
    size: Size,
    interpolation: Interpolation,
    mut positions: impl FnMut(u32, &mut [Point]),
) -> Raster {
    let interpolation = match interpolation {
        Interpolation::Nearest => remap::Interpolation::Nearest,
        Interpolation::Linear => remap::Interpolation::Linear,
        Interpolation::Cubic => remap::Interpolation::Cubic,
    };
    let gray: GrayImage = remap::gray(&raster.gray, size, interpolation, &mut positions);
    let colour: Option<RgbImage> =
        raster.colour.as_ref().map(|colour| remap::rgb(colour, size, interpolation, &mut positions));
    Raster { gray, colour }
}

/// All points of a page with the places where they belong: corners, points of edges, further ones.
fn pairs(page: &PagePoints, targets: &Quad) -> Option<Vec<Pair>> {
    let map = Homography::from_quads(&page.corners, targets)?;
    let back = map.inverse()?;
    let corner = |i: usize| (page.corners.corners[i], targets.corners[i]);
    let mut pairs: Vec<Pair> = (0..4).map(|i| corner(i)).map(|(from, to)| Pair { from, to, weight: 1.0 }).collect();
    for (i, edge) in page.edges.iter().enumerate() {
        let ((_, from), (_, to)) = (corner(i), corner((i + 1) % 4));
        pairs.extend(edge_pairs(edge, [from, to], [from, to], &map, &back));
    }
    for extra in &page.more {
        match extra {
            Extra::Point { found, target } => pairs.push(Pair { from: *found, to: *target, weight: 1.0 }),
            Extra::Line { ends, targets, edge } => {
                let straight = ends.map(|end| map.apply(end));
                for (from, to) in ends.iter().zip(targets) {
                    pairs.push(Pair { from: *from, to: *to, weight: 1.0 });
                }
                pairs.extend(edge_pairs(edge, straight, *targets, &map, &back));
            }
        }
    }
    Some(pairs)
}

/// Points between the ends of an edge. `ends` are its ends on the straightened page, `targets` the places where they
/// belong. Together they weigh as much as two corners: a long edge must not outweigh a dot.
fn edge_pairs<'a>(
    edge: &Edge,
    ends: [Point; 2],
    targets: [Point; 2],
    map: &Homography,
    back: &'a Homography,
) -> impl Iterator<Item = Pair> + use<'a> {
    let most = edge.max_points.unwrap_or(POINTS_PER_EDGE).min(POINTS_PER_EDGE);
    let inner = if edge.points.is_empty() { 0 } else { most.saturating_sub(2) as usize };
    // As dense as pixels, so that noise is smoothed alike whatever is taken.
    let dense = (ends[0].distance(ends[1]).min(1e5) as usize).max(inner + 2);
    let offsets = match inner {
        0 => Vec::new(),
        _ => profile(edge.points.iter().map(|p| map.apply(*p)), ends[0], ends[1], dense),
    };
    let (along, sideways) = directions(ends);
    let length = ends[0].distance(ends[1]);
    (1..=inner).map(move |i| {
        let share = i as f64 / (inner + 1) as f64;
        let offset = offsets.get((share * (dense - 1) as f64).round() as usize).copied().unwrap_or(0.0);
        let (a, s) = (share * length, offset);
        let straight =
            Point::new(ends[0].x + along.x * a + sideways.x * s, ends[0].y + along.y * a + sideways.y * s);
        let to = Point::new(
            targets[0].x + (targets[1].x - targets[0].x) * share,
            targets[0].y + (targets[1].y - targets[0].y) * share,
        );
        Pair { from: back.apply(straight), to, weight: 2.0 / inner as f64 }
    })
}

/// The unit vector from one end to the other, and the one to its right (a quarter turn clockwise on the screen).
fn directions([from, to]: [Point; 2]) -> (Point, Point) {
    let length = from.distance(to).max(f64::MIN_POSITIVE);
    let along = Point::new((to.x - from.x) / length, (to.y - from.y) / length);
    (along, Point::new(-along.y, along.x))
}

/// How far an edge lies to the right of the straight line between its ends, in pixels, at `count` even places from one
/// end to the other. Between points it is straight; it is smoothed over 2 % of its length, which leaves any bend that
/// paper makes. Points that stick out further than 10 % of the length belong to something else.
fn profile(points: impl Iterator<Item = Point>, from: Point, to: Point, count: usize) -> Vec<f64> {
    const STICKS_OUT: f64 = 0.1;
    const SMOOTHED: f64 = 0.02;
    let length = from.distance(to);
    let last = count.saturating_sub(1);
    let mut sums = vec![(0.0, 0u32); count];
    let (along, sideways) = directions([from, to]);
    for p in points {
        let (dx, dy) = (p.x - from.x, p.y - from.y);
        let place = (dx * along.x + dy * along.y) / length * last as f64;
        let offset = dx * sideways.x + dy * sideways.y;
        // The ends are known; NaN is no place.
        if place > 0.0 && place < last as f64 && offset.abs() <= STICKS_OUT * length {
            let bin = &mut sums[(place.round() as usize).clamp(1, last.saturating_sub(1).max(1)).min(last)];
            *bin = (bin.0 + offset, bin.1 + 1);
        }
    }
    let mut offsets = vec![0.0; count];
    let (mut known, mut value) = (0, 0.0);
    for i in 1..count {
        let next = match sums[i] {
            (sum, n) if n > 0 && i < last => sum / f64::from(n),
            _ if i == last => 0.0,
            _ => continue,
        };
        for j in known..=i {
            let share = (j - known) as f64 / (i - known) as f64;
            offsets[j] = value + (next - value) * share;
        }
        (known, value) = (i, next);
    }
    smoothed(&offsets, (SMOOTHED * count as f64 / 2.0) as usize)
}

/// The mean of each value with up to `reach` on either side, always as many on both: so the ends stay, and straight slopes.
fn smoothed(values: &[f64], reach: usize) -> Vec<f64> {
    let mut sums = Vec::with_capacity(values.len() + 1);
    sums.push(0.0);
    for v in values {
        sums.push(sums[sums.len() - 1] + v);
    }
    (0..values.len())
        .map(|i| {
            let reach = reach.min(i).min(values.len() - 1 - i);
            (sums[i + reach + 1] - sums[i - reach]) / (2 * reach + 1) as f64
        })
        .collect()
}

/// Moves the targets so that their box begins at (0, 0), and gives its size in whole pixels.
fn crop(pairs: &mut [Pair]) -> Option<Size> {
    let least = |value: fn(Point) -> f64| pairs.iter().map(|pair| value(pair.to)).fold(f64::INFINITY, f64::min);
    let (left, top) = (least(|p| p.x), least(|p| p.y));
    let (width, height) = (-least(|p| -p.x) - left, -least(|p| -p.y) - top);
    if !width.is_finite() || !height.is_finite() {
        return None;
    }
    for pair in pairs {
        pair.to = Point::new(pair.to.x - left, pair.to.y - top);
    }
    Some(Size::new(width as u32, height as u32))
}
