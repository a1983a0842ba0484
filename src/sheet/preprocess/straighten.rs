//! Found points of a page become the upright page, by any of the warp methods.
//!
//! CropPage and every kind of CropOnMarkers end here: they find points, this makes the page. All methods are anchored in the
//! four true corners. OMRChecker takes the smallest rectangle around them, which leaves the trapezoid of a photo as it
//! is; and it places points along an edge by their share of its length in the picture, which is not their share of it
//! on paper when the camera looked from aside. Here shares are measured after the corners are straightened.

use image::GrayImage;

use super::Raster;
use crate::geometry::{Point, Quad, Size};
use crate::imaging::fit::{self, Pair};
use crate::imaging::remap::{self, Mesh};
use crate::imaging::spline::ThinPlate;
use crate::imaging::warp::{self, Homography, Outside};
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
            if !warp::is_possible(size, source) {
                return None;
            }
            match warp.method {
                WarpMethod::Homography => by_homography(raster, &pairs, size, warp.interpolation),
                _ => by_spline(raster, page, &pairs, size, warp.interpolation),
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

/// `PERSPECTIVE_TRANSFORM`.
fn by_corners(raster: &Raster, corners: &Quad, interpolation: Interpolation) -> Option<Raster> {
    let (map, size) = warp::upright_map(corners, Size::new(raster.gray.width(), raster.gray.height()))?;
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
        let colour = raster.colour.clone().map(|colour| colour.through(map, size));
        let (gray, unfiltered) = match &raster.unfiltered {
            None => (warp::through(&raster.gray, map, size)?, None),
            Some(unfiltered) => {
                let [gray, unfiltered] = warp::through_pair([&raster.gray, unfiltered], map, size, Outside::Black)?;
                (gray, Some(unfiltered))
            }
        };
        return Some(Raster { gray, colour, unfiltered });
    }
    let back = map.inverse()?;
    Some(remapped(raster, size, interpolation, |y, row| {
        for (x, place) in (0..).zip(row) {
            *place = back.apply(Point::new(f64::from(x), f64::from(y)));
        }
    }))
}

/// `REMAP_GRIDDATA`: a map of the whole page, and a thin-plate spline for what it leaves at the points. The map is the
/// perspective that fits best, or, where edges were seen, what they tell (see [`Sheet`]): a bend runs through from one
/// edge to the other, where a spline would flatten it. So a flat or evenly curled page is right between its points and
/// beyond them, and only the rest is guessed.
fn by_spline(
    raster: &Raster,
    page: &PagePoints,
    pairs: &[Pair],
    size: Size,
    interpolation: Interpolation,
) -> Option<Raster> {
    let back = fit::homography(pairs)?.inverse()?;
    let sheet = match page.edges.iter().any(|edge| !edge.points.is_empty()) {
        true => Some(Sheet::of(page)?),
        false => None,
    };
    // The first four are the corners.
    let corners: [Point; 4] = pairs.get(..4)?.iter().map(|pair| pair.to).collect::<Vec<_>>().try_into().ok()?;
    let to_sheet = Homography::from_quads(&Quad { corners }, &upright(&page.corners))?;
    let base = |p: Point| sheet.as_ref().map_or_else(|| back.apply(p), |sheet| sheet.seen_at(to_sheet.apply(p)));
    let left = pairs.iter().map(|pair| {
        let at = base(pair.to);
        (pair.to, Point::new(pair.from.x - at.x, pair.from.y - at.y))
    });
    let bend = ThinPlate::through(left)?;
    let mesh = Mesh::new(size, |p| {
        let (at, moved) = (base(p), bend.at(p));
        Point::new(at.x + moved.x, at.y + moved.y)
    });
    Some(remapped(raster, size, interpolation, |y, row| mesh.row(y, row)))
}

/// `DOC_REFINE`: what the four edges tell.
fn by_edges(raster: &Raster, page: &PagePoints, interpolation: Interpolation) -> Option<Raster> {
    let size = page.corners.upright_size();
    if !warp::is_possible(size, Size::new(raster.gray.width(), raster.gray.height())) {
        return None;
    }
    let sheet = Sheet::of(page)?;
    Some(remapped(raster, size, interpolation, |y, row| {
        for (x, place) in (0..).zip(row) {
            *place = sheet.seen_at(Point::new(f64::from(x), f64::from(y)));
        }
    }))
}

/// A page between four edges: its corners are straightened, then each row is stretched between the left and the right edge
/// and each column between the upper and the lower one.
struct Sheet {
    back: Homography,
    last: Point,
    /// How far the edges lie from the straight page's: down for the upper and lower one, to the left for the others.
    top: Vec<f64>,
    right: Vec<f64>,
    bottom: Vec<f64>,
    left: Vec<f64>,
}

impl Sheet {
    /// `None` if the corners span no page.
    fn of(page: &PagePoints) -> Option<Self> {
        let size = page.corners.upright_size();
        if size.width < 2 || size.height < 2 || size.width.max(size.height) > 1 << 20 {
            return None;
        }
        let frame = upright(&page.corners);
        let map = Homography::from_quads(&page.corners, &frame)?;
        let [tl, tr, br, bl] = frame.corners;
        let profile = |edge: &Edge, from: Point, to: Point, count: u32| {
            profile(edge.points.iter().map(|p| map.apply(*p)), from, to, count as usize)
        };
        let [top, right, bottom, left] = &page.edges;
        Some(Self {
            back: map.inverse()?,
            last: br,
            top: profile(top, tl, tr, size.width),
            right: profile(right, tr, br, size.height),
            bottom: profile(bottom, bl, br, size.width),
            left: profile(left, tl, bl, size.height),
        })
    }

    /// Where the picture shows a place of the page, in pixels of its upright size.
    fn seen_at(&self, p: Point) -> Point {
        let between = |a: f64, b: f64, part: f64| a + (b - a) * part;
        let at = |edge: &[f64], place: f64| {
            let place = place.clamp(0.0, edge.len().saturating_sub(1) as f64);
            let value = |i: usize| edge.get(i).or(edge.last()).copied().unwrap_or(0.0);
            between(value(place as usize), value(place as usize + 1), place.fract())
        };
        let (across, down) = (p.x / self.last.x, p.y / self.last.y);
        let (left, right) = (-at(&self.left, p.y), self.last.x - at(&self.right, p.y));
        let (top, bottom) = (at(&self.top, p.x), self.last.y + at(&self.bottom, p.x));
        self.back.apply(Point::new(between(left, right, across), between(top, bottom, down)))
    }
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
    let colour = raster.colour.as_ref().map(|colour| colour.remapped(size, interpolation, &mut positions));
    let unfiltered = raster.unfiltered.as_ref().map(|gray| remap::gray(gray, size, interpolation, &mut positions));
    Raster { gray, colour, unfiltered }
}

/// All points of a page with the places where they belong: corners, points of edges, further ones.
fn pairs(page: &PagePoints, targets: &Quad) -> Option<Vec<Pair>> {
    let map = Homography::from_quads(&page.corners, targets)?;
    let back = map.inverse()?;
    let corner = |i: usize| (page.corners.corners[i], targets.corners[i]);
    let mut pairs: Vec<Pair> = (0..4).map(corner).map(|(from, to)| Pair { from, to, weight: 1.0 }).collect();
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
        let straight = Point::new(ends[0].x + along.x * a + sideways.x * s, ends[0].y + along.y * a + sideways.y * s);
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
    for (i, sum) in sums.into_iter().enumerate().skip(1) {
        let next = match sum {
            (sum, n) if n > 0 && i < last => sum / f64::from(n),
            _ if i == last => 0.0,
            _ => continue,
        };
        for (step, offset) in offsets[known..=i].iter_mut().enumerate() {
            *offset = value + (next - value) * step as f64 / (i - known) as f64;
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

#[cfg(test)]
mod tests {
    use image::Luma;
    use proptest::prelude::*;

    use super::*;

    const SIZE: Size = Size::new(400, 520);

    /// A page with a grid of dots every 40 px, as it was printed.
    fn is_ink(x: f64, y: f64) -> bool {
        (x - (x / 40.0).round() * 40.0).hypot(y - (y / 40.0).round() * 40.0) < 5.0
    }

    /// Photographs the page: `seen` tells which place of the page a pixel shows.
    fn photo(seen: impl Fn(f64, f64) -> Point) -> Raster {
        let gray = GrayImage::from_fn(500, 640, |x, y| {
            let at = |dx: f64, dy: f64| {
                let p = seen(f64::from(x) + dx, f64::from(y) + dy);
                let inside = (-0.5..=400.0).contains(&p.x) && (-0.5..=520.0).contains(&p.y);
                if inside && !is_ink(p.x, p.y) { 240.0 } else { 20.0 }
            };
            let four: f64 =
                [(-0.25, -0.25), (0.25, -0.25), (-0.25, 0.25), (0.25, 0.25)].iter().map(|(a, b)| at(*a, *b)).sum();
            Luma([(four / 4.0) as u8])
        });
        Raster { gray, colour: None, unfiltered: None }
    }

    fn p(x: f64, y: f64) -> Point {
        Point::new(x, y)
    }

    /// How far the dots of a straightened page are from where they were printed, at most, in pixels. Dots on the rim count
    /// no more than half and are left out.
    fn furthest_off(page: &GrayImage, scale: (f64, f64)) -> f64 {
        let mut furthest: f64 = 0.0;
        for (i, j) in (1..10).flat_map(|i| (1..13).map(move |j| (i, j))) {
            let (x, y) = (f64::from(i) * 40.0 * scale.0, f64::from(j) * 40.0 * scale.1);
            let (mut sum, mut cx, mut cy) = (0.0, 0.0, 0.0);
            for (dx, dy) in (-14..=14).flat_map(|dx| (-14..=14).map(move |dy| (dx, dy))) {
                let (px, py) = (x.round() as i64 + dx, y.round() as i64 + dy);
                let value = match (u32::try_from(px), u32::try_from(py)) {
                    (Ok(px), Ok(py)) => page.get_pixel_checked(px, py).map_or(0, |v| v.0[0]),
                    _ => 0,
                };
                let ink = f64::from(240u8.saturating_sub(value));
                (sum, cx, cy) = (sum + ink, cx + ink * px as f64, cy + ink * py as f64);
            }
            if sum == 0.0 {
                return f64::INFINITY;
            }
            furthest = furthest.max((cx / sum - x).hypot(cy / sum - y));
        }
        furthest
    }

    /// The corners of a page that a camera sees from aside, and the map from picture to page.
    fn from_aside() -> (Quad, Homography) {
        let corners = Quad { corners: [p(60.0, 50.0), p(430.0, 80.0), p(470.0, 600.0), p(20.0, 570.0)] };
        (corners, Homography::from_quads(&corners, &rectangle(400.0, 520.0)).unwrap())
    }

    fn flat(corners: Quad, targets: Option<Quad>) -> PagePoints {
        PagePoints { corners, targets, edges: Default::default(), more: Vec::new() }
    }

    fn warp(method: WarpMethod, interpolation: Interpolation) -> PageWarp {
        PageWarp { method, interpolation }
    }

    const METHODS: [WarpMethod; 4] =
        [WarpMethod::Perspective, WarpMethod::Homography, WarpMethod::Remap, WarpMethod::DocRefine];
    const FLAGS: [Interpolation; 3] = [Interpolation::Nearest, Interpolation::Linear, Interpolation::Cubic];

    #[test]
    fn every_method_straightens_a_flat_page() {
        let (corners, map) = from_aside();
        let raster = photo(|x, y| map.apply(p(x, y)));
        for method in METHODS {
            for flag in FLAGS {
                let page = straighten(&raster, &flat(corners, None), warp(method, flag), true).unwrap().gray;
                let scale = (f64::from(page.width() - 1) / 400.0, f64::from(page.height() - 1) / 520.0);
                let off = furthest_off(&page, scale);
                assert!(off < 0.7, "{method:?} {flag:?}: {off}");
            }
        }
    }

    /// A page whose upper and lower edges bow by `bow` px, and the points of its edges as they are seen.
    fn curled(bow: f64) -> (Raster, PagePoints) {
        let bend = |x: f64| bow * (std::f64::consts::PI * x / 400.0).sin();
        let (left, top) = (50.0, 60.0);
        let raster = photo(|x, y| p(x - left, y - top - bend(x - left)));
        let edge = |points: Vec<Point>| Edge { points, max_points: None };
        let across = |y: f64| (0..=100).map(|i| f64::from(i) * 4.0).map(|x| p(x + left, y + top + bend(x))).collect();
        let corners = rectangle(400.0, 520.0).corners.map(|c| p(c.x + left, c.y + top));
        let edges = [edge(across(0.0)), Edge::default(), edge(across(520.0)), Edge::default()];
        (raster, PagePoints { corners: Quad { corners }, targets: None, edges, more: Vec::new() })
    }

    #[test]
    fn a_curled_page_comes_out_straight() {
        // 3 % of its width, upwards and downwards.
        for bow in [12.0, -12.0] {
            let (raster, points) = curled(bow);
            for method in [WarpMethod::DocRefine, WarpMethod::Remap] {
                let page = straighten(&raster, &points, warp(method, Interpolation::Linear), true).unwrap().gray;
                let off = furthest_off(&page, (399.0 / 400.0, 519.0 / 520.0));
                assert!(off < 1.0, "{method:?}: {off}");
            }
            let by_corners = straighten(&raster, &points, PageWarp::PERSPECTIVE, true).unwrap().gray;
            assert!(furthest_off(&by_corners, (1.0, 1.0)) > 3.0, "corners alone leave the bow");
        }
    }

    #[test]
    fn targets_give_the_page_its_frame() {
        let (corners, map) = from_aside();
        let raster = photo(|x, y| map.apply(p(x, y)));
        let targets = Quad { corners: rectangle(400.0, 520.0).corners.map(|c| p(c.x + 30.0, c.y + 40.0)) };
        let page = flat(corners, Some(targets));
        for method in [WarpMethod::Homography, WarpMethod::Remap] {
            let cropped = straighten(&raster, &page, warp(method, Interpolation::Linear), true).unwrap().gray;
            assert_eq!(cropped.dimensions(), (SIZE.width, SIZE.height));
            assert!(furthest_off(&cropped, (1.0, 1.0)) < 0.7);
            let whole = straighten(&raster, &page, warp(method, Interpolation::Linear), false).unwrap().gray;
            assert_eq!(whole.dimensions(), raster.gray.dimensions());
            let moved = image::imageops::crop_imm(&whole, 30, 40, 400, 520).to_image();
            assert!(furthest_off(&moved, (1.0, 1.0)) < 0.7);
        }
    }

    #[test]
    fn further_points_outvote_a_wrong_one() {
        let (corners, map) = from_aside();
        let raster = photo(|x, y| map.apply(p(x, y)));
        let back = map.inverse().unwrap();
        let mut page = flat(corners, Some(rectangle(400.0, 520.0)));
        for (x, y) in [(200.0, 0.0), (0.0, 260.0), (400.0, 260.0), (200.0, 520.0), (120.0, 130.0)] {
            page.more.push(Extra::Point { found: back.apply(p(x, y)), target: p(x, y) });
        }
        if let Some(Extra::Point { found, .. }) = page.more.last_mut() {
            found.x += 40.0;
        }
        let straight = straighten(&raster, &page, warp(WarpMethod::Homography, Interpolation::Linear), true).unwrap();
        assert!(furthest_off(&straight.gray, (1.0, 1.0)) < 0.7);
    }

    #[test]
    fn a_further_line_bends_the_page_between() {
        let (raster, mut points) = curled(12.0);
        points.targets = Some(rectangle(400.0, 520.0));
        // Only the middle is known to bow: edges are straight.
        points.edges = Default::default();
        let bend = |x: f64| 12.0 * (std::f64::consts::PI * x / 400.0).sin();
        let at = |x: f64| p(x + 50.0, 260.0 + 60.0 + bend(x));
        points.more.push(Extra::Line {
            ends: [at(0.0), at(400.0)],
            targets: [p(0.0, 260.0), p(400.0, 260.0)],
            edge: Edge { points: (0..=50).map(|i| at(f64::from(i) * 8.0)).collect(), max_points: Some(12) },
        });
        let page = straighten(&raster, &points, warp(WarpMethod::Remap, Interpolation::Linear), true).unwrap().gray;
        let middle = image::imageops::crop_imm(&page, 0, 230, 400, 60).to_image();
        // The dots of one row are level: their darkest rows agree.
        let darkest = |x: u32| {
            (0..60).min_by_key(|y| (0..9).map(|i| u32::from(middle.get_pixel(x - 4 + i, *y).0[0])).sum::<u32>())
        };
        let rows: Vec<u32> = (1..10).filter_map(|i| darkest(i * 40)).collect();
        assert!(rows.iter().max().unwrap() - rows.iter().min().unwrap() <= 3, "{rows:?}");
    }

    #[test]
    fn points_that_span_no_page_give_none() {
        let raster = photo(p);
        let crossed = Quad { corners: [p(0.0, 0.0), p(100.0, 100.0), p(100.0, 0.0), p(0.0, 100.0)] };
        for method in METHODS {
            for corners in [crossed, Quad { corners: [p(5.0, 5.0); 4] }, Quad { corners: [p(f64::NAN, 0.0); 4] }] {
                assert!(straighten(&raster, &flat(corners, None), warp(method, Interpolation::Linear), true).is_none());
            }
        }
    }

    #[test]
    fn profiles_follow_points_and_pass_over_what_sticks_out() {
        let points = (1..100).map(|x| p(f64::from(x), f64::from(x) * 0.1)).chain([p(50.0, 90.0), p(f64::NAN, 0.0)]);
        let offsets = profile(points, p(0.0, 0.0), p(100.0, 0.0), 101);
        assert_eq!((offsets.len(), offsets[0], offsets[100]), (101, 0.0, 0.0));
        assert!((offsets[50] - 5.0).abs() < 1e-9 && (offsets[20] - 2.0).abs() < 1e-9);
        assert_eq!(profile(std::iter::empty(), p(0.0, 0.0), p(9.0, 9.0), 5), [0.0; 5]);
    }

    proptest! {
        #[test]
        fn any_geometry_is_survived(
            corners: [(f64, f64); 4], targets: Option<[(f64, f64); 4]>, points: [(f64, f64); 5], which in 0..4usize,
        ) {
            let raster = Raster { gray: GrayImage::new(9, 7), colour: None, unfiltered: None };
            let quad = |c: [(f64, f64); 4]| Quad { corners: c.map(|(x, y)| p(x, y)) };
            let edge = Edge { points: points.iter().map(|&(x, y)| p(x, y)).collect(), max_points: Some(7) };
            let page = PagePoints {
                corners: quad(corners),
                targets: targets.map(quad),
                edges: [edge.clone(), Edge::default(), edge.clone(), edge],
                more: vec![Extra::Point { found: p(points[0].0, 1.0), target: p(points[1].0, 2.0) }],
            };
            straighten(&raster, &page, warp(METHODS[which], FLAGS[which % 3]), targets.is_some());
        }

        #[test]
        fn small_geometry_is_survived(
            corners: [(i8, i8); 4], targets: [(i8, i8); 4], points: [(i8, i8); 5], which in 0..4usize, crops: bool,
        ) {
            let raster = Raster { gray: GrayImage::new(90, 70), colour: None, unfiltered: None };
            let point = |(x, y): (i8, i8)| p(f64::from(x), f64::from(y));
            let edge = Edge { points: points.map(point).to_vec(), max_points: None };
            let page = PagePoints {
                corners: Quad { corners: corners.map(point) },
                targets: Some(Quad { corners: targets.map(point) }),
                edges: [edge.clone(), Edge::default(), edge.clone(), edge],
                more: Vec::new(),
            };
            straighten(&raster, &page, warp(METHODS[which], FLAGS[which % 3]), crops);
        }
    }
}
