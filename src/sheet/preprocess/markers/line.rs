//! A dark line, or a row of dashes that makes one: its outer or inner edge is taken.
//!
//! The zone is prepared as OMRChecker does (spec v2 7.6), which joins dashes, and the largest outline is looked at. What
//! is the line in it is told row by row (column by column, for a line across): rows that are as wide as most, around a
//! middle that runs straight or slightly bowed. So a blob that hangs on the line is no part of it, pieces that a gap
//! parted come together again, a bent line keeps its bend, and slanted ends their slant. Where it ends is told by the
//! picture itself ([`ends`]). A line that is much shorter than its zone's box, or goes on beyond its zone, is none: the
//! page's corners would be in the wrong place.

use image::GrayImage;

use super::super::PrepareError;
use super::blob::{self, Contrast};
use super::ends;
use crate::geometry::{Point, Rect, Size};
use crate::imaging::cutting::part;
use crate::imaging::stats::median;
use crate::imaging::{contours, tone};
use crate::template::{BlobTuning, LineEdge, Side};

/// Rows count as the line's when their width is within these parts of the usual one.
const WIDTHS: (f64, f64) = (0.5, 1.5);

/// A line has at least this part of its zone's box's length.
const LEAST_LENGTH: f64 = 0.75;

/// A zone without room for the ends of its line, as its length in parts of the box's, wants a line that passes through.
const NO_ROOM: f64 = 1.02;

/// A line is looked at beyond its zone by this part of its box's length, either way.
const LOOK_BEYOND: f64 = 0.06;

/// The course of a line is drawn out as a bow when so much of its box's length is seen, or else straight.
const SURE_BOW: f64 = 0.9;

/// What is narrower is the trace of an edge.
const LEAST_WIDTH: f64 = 3.0;

/// The end of an edge is where it leaves its course by more than so many pixels.
const OFF_COURSE: f64 = 1.5;

/// The course of an edge near its end is taken from this part of its length.
const END_PART: f64 = 0.15;

/// A line with its tuning.
#[derive(Debug)]
pub struct Line {
    tuning: BlobTuning,
    side: Side,
    edge: LineEdge,
    /// True when it runs down the page.
    upright: bool,
    expected_length: f64,
    gamma: Box<[u8; 256]>,
}

/// An edge of a line: its ends, clockwise around the page, and points between them.
pub type FoundEdge = ([Point; 2], Vec<Point>);

impl Line {
    /// A line along a side of the page in a zone of `area`, whose box has the size `expected`. `gamma_low` is the
    /// config's, 0 to 1.
    ///
    /// # Errors
    /// The zone has no room for the blur.
    pub fn new(
        tuning: BlobTuning,
        (side, edge): (Side, LineEdge),
        expected: Size,
        area: Rect,
        gamma_low: f64,
    ) -> Result<Self, PrepareError> {
        blob::has_room(&tuning, area)?;
        let upright = matches!(side, Side::Left | Side::Right);
        let expected_length = f64::from(if upright { expected.height } else { expected.width });
        let gamma = Box::new(tone::gamma_table(1.0 / gamma_low));
        Ok(Self { tuning, side, edge, upright, expected_length, gamma })
    }

    /// The edge in the part of a sheet that lies in `area`, in pixels of that part, or why there is none.
    pub fn find(&self, sheet: &GrayImage, area: Rect) -> Result<FoundEdge, String> {
        let patch = part(sheet, area);
        let prepared = self.searched(&patch);
        let (beyond, before) = self.beyond(sheet, area);
        // From here on the line runs down.
        let upright = |picture: GrayImage| if self.upright { picture } else { transposed(&picture) };
        let (patch, prepared, beyond) = (upright(patch), upright(prepared), upright(beyond));
        let outlines = blob::outlines(&prepared);
        let rows: Vec<Rows> = outlines.iter().map(|outline| Rows::of(outline)).collect();
        let mut problem = None;
        for i in 0..rows.len() {
            let others = rows.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, rows)| rows);
            match self.checked(&patch, (&beyond, before), &rows[i], others) {
                Ok(edges) => return Ok(self.chosen(edges)),
                Err(what) => problem = problem.or(Some(what)),
            }
        }
        Err(format!(
            "{}, expected a dark line of about {:.0} px below gray {} (`lineThreshold`), dashes joined by `lineKernel`; check \
             that it is on the sheet and whole, and the zone's `origin`, `dimensions` and `margins`",
            problem.unwrap_or_else(|| "nothing dark is there".to_owned()),
            self.expected_length,
            self.tuning.threshold
        ))
    }

    /// The part of the sheet in `area` with some more along the line, and how much of that comes before the area.
    fn beyond(&self, sheet: &GrayImage, area: Rect) -> (GrayImage, f64) {
        let (w, h) = sheet.dimensions();
        let start = if self.upright { area.y } else { area.x }.max(0);
        let end = if self.upright { h } else { w };
        let more = (LOOK_BEYOND * self.expected_length).clamp(0.0, f64::from(end)) as i32;
        let before = more.min(start);
        let longer = (before as u32).saturating_add(more as u32);
        let larger = match self.upright {
            true => Rect::new(area.x, start - before, area.width, area.height.saturating_add(longer)),
            false => Rect::new(start - before, area.y, area.width.saturating_add(longer), area.height),
        };
        (part(sheet, larger), f64::from(before))
    }

    /// The picture in which outlines are sought: dark parts joined, paper cut off.
    pub fn searched(&self, patch: &GrayImage) -> GrayImage {
        let mut work = blob::blurred(patch, &self.tuning);
        blob::brighten(&mut work);
        tone::apply(&mut work, &self.gamma);
        // Twice, as OMRChecker does: the threshold also cuts what the first stretch made lighter.
        let tuning = blob::for_ink_of(&work, &self.tuning);
        blob::cap_and_stretch(&mut work, &tuning);
        blob::cap_and_stretch(&mut work, &tuning);
        blob::joined(&work, &self.tuning)
    }

    /// The two edges of a line that begins with `rows`, if it is one. `beyond` is the patch with more rows, so many of
    /// them before it.
    fn checked<'r>(
        &self,
        patch: &GrayImage,
        beyond: (&GrayImage, f64),
        rows: &Rows,
        others: impl Iterator<Item = &'r Rows>,
    ) -> Result<[Edge; 2], String> {
        let mut line = Trace::of(rows).ok_or("a dark area of no even width")?;
        for other in others {
            let longer = line.with(other);
            let off = |trace: &Trace| (trace.length() - self.expected_length).abs();
            if let Some(longer) = longer.filter(|longer| off(longer) < off(&line)) {
                line = longer;
            }
        }
        let (w, h) = (patch.width() as i32, patch.height() as i32);
        let at_side = line.runs.iter().filter(|(_, run)| run.0 <= 0 || run.1 >= w - 1).count();
        if 2 * at_side > line.runs.len() {
            return Err("a dark area along the edge of the zone".to_owned());
        }
        let mut edges = line.edges();
        let top = edges[0].top.y.min(edges[1].top.y);
        let bottom = edges[0].bottom.y.max(edges[1].bottom.y);
        let (mut cut_above, mut cut_below) = (top < 1.0, bottom > f64::from(h) - 2.0);
        // Without room for its ends a zone wants a line that goes through.
        let goes_through = cut_above && cut_below && f64::from(h) <= NO_ROOM * self.expected_length;
        let mut length = line.length();
        let true_ends = if goes_through { None } else { self.true_ends(&line, beyond) };
        if let Some((first, last)) = true_ends.filter(|ends| ends.0 < bottom && ends.1 > top) {
            length = last - first + 1.0;
            edges.iter_mut().for_each(|edge| edge.reach((first, last), line.middle_at((first + last) / 2.0)));
            let (_, moved) = self.moved();
            (cut_above, cut_below) = (first - moved < 0.5, last - moved > f64::from(h) - 1.5);
        }
        if length < LEAST_LENGTH * self.expected_length {
            return Err(format!("a line of {length:.0} px"));
        }
        let pixels = line.runs.iter().flat_map(|&(y, run)| (run.0..=run.1).map(move |x| (x, y)));
        let contrast = Contrast::of(patch, pixels);
        if !contrast.is_ink() {
            return Err(format!("a line of gray {} on paper of {}", contrast.ink, contrast.paper));
        }
        if !goes_through && (cut_above || cut_below) {
            return Err(format!("a line of {length:.0} px that is cut off by the edge of the zone"));
        }
        Ok(edges)
    }

    /// How far joining moves a line that runs down, to the right and down: windows of even size do.
    fn moved(&self) -> (f64, f64) {
        let moved = |side: u32| if side.is_multiple_of(2) { f64::from(blob::ITERATIONS) } else { 0.0 };
        let (kernel_w, kernel_h) = self.tuning.kernel;
        if self.upright { (moved(kernel_w), moved(kernel_h)) } else { (moved(kernel_h), moved(kernel_w)) }
    }

    /// First and last row of the line's ink, in rows of the patch. `None` if the picture does not tell.
    fn true_ends(&self, line: &Trace, (beyond, before): (&GrayImage, f64)) -> Option<(f64, f64)> {
        let (across, down) = self.moved();
        let (first, last) = (f64::from(line.runs.first()?.0), f64::from(line.runs.last()?.0));
        let course = match line.length() >= SURE_BOW * self.expected_length {
            true => Bow::fitted(&line.runs)?,
            false => Bow::straight(&line.runs)?,
        };
        let off = before - down;
        let middle = |y: f64| course.at(y - off) - across;
        let (first, last) = ends::of_line(beyond, middle, line.usual_width, (first + off, last + off))?;
        Some((first - off, last - off))
    }

    /// The edge that the template asks for, turned back and put in order.
    fn chosen(&self, [left, right]: [Edge; 2]) -> FoundEdge {
        let first_edge = matches!(
            (self.side, self.edge),
            (Side::Left | Side::Top, LineEdge::Outer) | (Side::Right | Side::Bottom, LineEdge::Inner)
        );
        let edge = if first_edge { left } else { right };
        let back = |p: Point| if self.upright { p } else { Point::new(p.y, p.x) };
        let (top, bottom) = (back(edge.top), back(edge.bottom));
        let ends = match self.side {
            Side::Top | Side::Right => [top, bottom],
            Side::Bottom | Side::Left => [bottom, top],
        };
        (ends, edge.points.into_iter().map(back).collect())
    }
}

/// The ends, clockwise around the page, of the edge that a line filling `place` would give.
pub fn edge_of_box(side: Side, edge: LineEdge, place: Rect) -> [Point; 2] {
    let (left, top) = (f64::from(place.x), f64::from(place.y));
    let (right, bottom) = (left + f64::from(place.width), top + f64::from(place.height));
    let outer = edge == LineEdge::Outer;
    let (x, y) = match side {
        Side::Left => (if outer { left } else { right }, 0.0),
        Side::Right => (if outer { right } else { left }, 0.0),
        Side::Top => (0.0, if outer { top } else { bottom }),
        Side::Bottom => (0.0, if outer { bottom } else { top }),
    };
    match side {
        Side::Top => [Point::new(left, y), Point::new(right, y)],
        Side::Right => [Point::new(x, top), Point::new(x, bottom)],
        Side::Bottom => [Point::new(right, y), Point::new(left, y)],
        Side::Left => [Point::new(x, bottom), Point::new(x, top)],
    }
}

fn transposed(picture: &GrayImage) -> GrayImage {
    GrayImage::from_fn(picture.height(), picture.width(), |x, y| *picture.get_pixel(y, x))
}

/// First and last column of a run.
type Run = (i32, i32);

fn width(run: Run) -> f64 {
    f64::from(run.1 - run.0 + 1)
}

fn middle(run: Run) -> f64 {
    (f64::from(run.0) + f64::from(run.1)) / 2.0
}

/// The rows of an outline with their runs.
struct Rows(Vec<(i32, Vec<Run>)>);

impl Rows {
    fn of(outline: &[crate::geometry::PixelPoint]) -> Self {
        let (top, rows) = contours::runs(outline);
        Self((top..).zip(rows).collect())
    }

    fn all(&self) -> impl Iterator<Item = (i32, Run)> {
        self.0.iter().flat_map(|(y, runs)| runs.iter().map(move |run| (*y, *run)))
    }
}

/// A line: the run of each of its rows, from the top.
struct Trace {
    runs: Vec<(i32, Run)>,
    /// Runs around its middle, of any smaller width: its ends may be slanted.
    partial: Vec<(i32, Run)>,
    usual_width: f64,
}

impl Trace {
    fn of(rows: &Rows) -> Option<Self> {
        let single: Vec<(i32, Run)> = rows
            .0
            .iter()
            .filter(|(_, runs)| runs.len() == 1)
            .filter_map(|(y, runs)| Some((*y, *runs.first()?)))
            .collect();
        let usual_width = median(single.iter().map(|(_, run)| width(*run)))?;
        let as_wide = |run: Run| (WIDTHS.0 * usual_width..=WIDTHS.1 * usual_width).contains(&width(run));
        if usual_width < LEAST_WIDTH {
            return None;
        }
        let even: Vec<(i32, Run)> = single.iter().copied().filter(|(_, run)| as_wide(*run)).collect();
        let bow = Bow::through(&even, usual_width)?;
        Some(Self::along(&bow, rows.all(), usual_width)).filter(|trace| trace.runs.len() >= 3)
    }

    /// All runs around a middle.
    fn along(bow: &Bow, runs: impl Iterator<Item = (i32, Run)>, usual_width: f64) -> Self {
        let mut trace = Self { runs: Vec::new(), partial: Vec::new(), usual_width };
        for (y, run) in runs {
            if (middle(run) - bow.at(f64::from(y))).abs() > usual_width.max(3.0) || width(run) > WIDTHS.1 * usual_width
            {
                continue;
            }
            let list = if width(run) >= WIDTHS.0 * usual_width { &mut trace.runs } else { &mut trace.partial };
            // One run for each row; of two, the nearer.
            match list.last_mut() {
                Some(last) if last.0 == y => {
                    if (middle(run) - bow.at(f64::from(y))).abs() < (middle(last.1) - bow.at(f64::from(y))).abs() {
                        last.1 = run;
                    }
                }
                _ => list.push((y, run)),
            }
        }
        trace
    }

    /// This line and another piece of it, if `other` is one: beyond one of its ends, as wide, and on its course.
    fn with(&self, other: &Rows) -> Option<Self> {
        let straight = Bow::straight(&self.runs)?;
        let piece = Self::along(&straight, other.all(), self.usual_width);
        // Not a speck, and nothing that only crosses the line.
        if piece.length() < self.usual_width.max(3.0) || 10 * piece.runs.len() < 7 * other.0.len() {
            return None;
        }
        let (first, last) = (self.runs.first()?.0, self.runs.last()?.0);
        let (mut runs, mut partial) = (self.runs.clone(), self.partial.clone());
        let beyond = |y: i32| y < first || y > last;
        runs.extend(piece.runs.iter().filter(|(y, _)| beyond(*y)));
        partial.extend(piece.partial.iter().filter(|(y, _)| beyond(*y)));
        runs.sort_unstable();
        partial.sort_unstable();
        (runs.len() > self.runs.len()).then_some(Self { runs, partial, usual_width: self.usual_width })
    }

    /// Column of its middle near a row.
    fn middle_at(&self, y: f64) -> f64 {
        let nearest = self.runs.iter().min_by(|a, b| (f64::from(a.0) - y).abs().total_cmp(&(f64::from(b.0) - y).abs()));
        nearest.map_or(0.0, |(_, run)| middle(*run))
    }

    /// Rows from the first to the last.
    fn length(&self) -> f64 {
        match (self.runs.first(), self.runs.last()) {
            (Some(first), Some(last)) => f64::from(last.0 - first.0 + 1),
            _ => 0.0,
        }
    }

    /// The left and the right edge.
    fn edges(&self) -> [Edge; 2] {
        [|run: Run| run.0, |run: Run| run.1].map(|side| {
            let points = |runs: &[(i32, Run)]| -> Vec<Point> {
                runs.iter().map(|(y, run)| Point::new(f64::from(side(*run)), f64::from(*y))).collect()
            };
            let (even, mut all) = (points(&self.runs), points(&self.partial));
            all.extend(&even);
            all.sort_by(|a, b| a.y.total_cmp(&b.y));
            let near_end = ((END_PART * even.len() as f64) as usize).max(5).min(even.len());
            let (upper, lower) = (&even[..near_end], &even[even.len() - near_end..]);
            let (top_course, bottom_course) = (course(upper), course(lower));
            let top = end(&top_course, upper, all.iter());
            let bottom = end(&bottom_course, lower, all.iter().rev());
            Edge { top, bottom, top_course, bottom_course, points: even }
        })
    }
}

/// One edge of a line that runs down.
struct Edge {
    top: Point,
    bottom: Point,
    /// Where it runs near its ends.
    top_course: Straight,
    bottom_course: Straight,
    points: Vec<Point>,
}

impl Edge {
    /// Lets it end where the middle of its line does, which at half its length has the column `middle`: ends are square.
    fn reach(&mut self, (first, last): (f64, f64), middle: f64) {
        let place = |course: &Straight, y: f64, off: f64| {
            let y = y - course.slope * off;
            Point::new(course.at(y), y)
        };
        // How far it lies to the right of the middle.
        let half = (first + last) / 2.0;
        let nearest = self.points.iter().min_by(|a, b| (a.y - half).abs().total_cmp(&(b.y - half).abs()));
        let off = nearest.map_or(0.0, |p| p.x - middle);
        self.top = place(&self.top_course, first, off);
        self.bottom = place(&self.bottom_course, last, off);
        self.points.retain(|p| p.y >= self.top.y && p.y <= self.bottom.y);
    }
}

/// The straight course of points near an end.
fn course(near_end: &[Point]) -> Straight {
    let as_runs: Vec<(f64, f64)> = near_end.iter().map(|p| (p.y, p.x)).collect();
    Straight::through(&as_runs)
}

/// Where an edge ends: the first of `points`, seen from outside, that is on the course of those near the end.
fn end<'p>(course: &Straight, near_end: &[Point], mut points: impl Iterator<Item = &'p Point>) -> Point {
    let first = points.find(|p| (course.at(p.y) - p.x).abs() <= OFF_COURSE).or(near_end.first());
    first.map_or(Point::new(0.0, 0.0), |p| Point::new(course.at(p.y), p.y))
}

/// The straight course x(y) = base + slope·(y − y0) that fits best.
struct Straight {
    y0: f64,
    base: f64,
    slope: f64,
}

impl Straight {
    fn through(points: &[(f64, f64)]) -> Self {
        let count = (points.len() as f64).max(1.0);
        let y0 = points.iter().map(|p| p.0).sum::<f64>() / count;
        let base = points.iter().map(|p| p.1).sum::<f64>() / count;
        let (rise, square) = points
            .iter()
            .fold((0.0, 0.0), |(rise, square), p| (rise + (p.0 - y0) * (p.1 - base), square + (p.0 - y0).powi(2)));
        Self { y0, base, slope: if square > 0.0 { rise / square } else { 0.0 } }
    }

    fn at(&self, y: f64) -> f64 {
        self.base + self.slope * (y - self.y0)
    }
}

/// The middle of a line: a straight course and a bow.
struct Bow {
    straight: Straight,
    /// Half the length, in which the bow is measured, and how far it is off at either end.
    half: f64,
    bow: f64,
    level: f64,
}

impl Bow {
    fn straight(runs: &[(i32, Run)]) -> Option<Self> {
        let points: Vec<(f64, f64)> = runs.iter().map(|(y, run)| (f64::from(*y), middle(*run))).collect();
        (!points.is_empty()).then(|| Self { straight: Straight::through(&points), half: 1.0, bow: 0.0, level: 0.0 })
    }

    /// Fits a parabola to middles; twice those that are off by more than the line's width are left out.
    fn through(runs: &[(i32, Run)], usual_width: f64) -> Option<Self> {
        let mut kept = runs.to_vec();
        for _ in 0..2 {
            let bow = Self::fitted(&kept)?;
            let near: Vec<(i32, Run)> = kept
                .iter()
                .copied()
                .filter(|(y, run)| (middle(*run) - bow.at(f64::from(*y))).abs() <= usual_width.max(3.0))
                .collect();
            if near.len() == kept.len() || 2 * near.len() < runs.len() {
                break;
            }
            kept = near;
        }
        Self::fitted(&kept)
    }

    fn fitted(runs: &[(i32, Run)]) -> Option<Self> {
        let mut fit = Self::straight(runs)?;
        fit.half = runs.iter().map(|(y, _)| (f64::from(*y) - fit.straight.y0).abs()).fold(1.0, f64::max);
        // What is left, over t² less its mean: a good fit where points lie evenly, as rows do.
        let t2 = |y: i32| ((f64::from(y) - fit.straight.y0) / fit.half).powi(2);
        let mean = runs.iter().map(|(y, _)| t2(*y)).sum::<f64>() / runs.len() as f64;
        let (product, square) = runs.iter().fold((0.0, 0.0), |(product, square), (y, run)| {
            let t = t2(*y) - mean;
            (product + t * (middle(*run) - fit.straight.at(f64::from(*y))), square + t * t)
        });
        (fit.bow, fit.level) = if square > 1e-9 { (product / square, mean) } else { (0.0, 0.0) };
        Some(fit)
    }

    fn at(&self, y: f64) -> f64 {
        let t = (y - self.straight.y0) / self.half;
        self.straight.at(y) + self.bow * (t * t - self.level)
    }
}

#[cfg(test)]
mod tests {
    use image::Luma;
    use proptest::prelude::*;

    use super::*;
    use crate::imaging::arbitrary::picture;
    use crate::imaging::blur;

    fn line(side: Side, edge: LineEdge, length: u32) -> Line {
        let tuning = BlobTuning { kernel: (2, 10), threshold: 180.0, blur: None };
        Line::new(tuning, (side, edge), Size::new(length, length), Rect::new(0, 0, 90, 460), 0.7).unwrap()
    }

    /// In all of a zone, a left line's outer edge.
    fn found(patch: &GrayImage) -> Result<FoundEdge, String> {
        line(Side::Left, LineEdge::Outer, 400).find(patch, whole(patch))
    }

    fn whole(patch: &GrayImage) -> Rect {
        Rect::new(0, 0, patch.width(), patch.height())
    }

    /// Paper with ink where `ink` says so.
    fn zone(ink: impl Fn(f64, f64) -> bool) -> GrayImage {
        GrayImage::from_fn(90, 460, |x, y| Luma([if ink(f64::from(x), f64::from(y)) { 40 } else { 235 }]))
    }

    fn is_dash(y: f64) -> bool {
        y.rem_euclid(20.0) < 9.0
    }

    /// The outer edge of a left line: from the bottom to the top.
    #[track_caller]
    fn has_edge(patch: &GrayImage, bottom: (f64, f64), top: (f64, f64)) {
        let ([last, first], points) = line(Side::Left, LineEdge::Outer, 400).find(patch, whole(patch)).unwrap();
        assert!(last.distance(Point::new(bottom.0, bottom.1)) < 4.5, "bottom {last:?} for {bottom:?}");
        assert!(first.distance(Point::new(top.0, top.1)) < 4.5, "top {first:?} for {top:?}");
        assert!((last.x - bottom.0).abs() < 2.5 && (first.x - top.0).abs() < 2.5, "{last:?} {first:?}");
        assert!(points.iter().all(|p| p.y >= first.y - 3.0 && p.y <= last.y + 3.0));
    }

    // The kernel of even size moves ink by 3 px to the right and down in its three rounds, as in OMRChecker.
    const MOVED: f64 = 3.0;

    #[test]
    fn dashes_are_one_line() {
        let patch = zone(|x, y| (30.0..42.0).contains(&x) && (20.0..429.0).contains(&y) && is_dash(y));
        has_edge(&patch, (30.0 + MOVED, 428.0 + MOVED), (30.0 + MOVED, 20.0 + MOVED));
    }

    #[test]
    fn every_side_gives_the_edge_that_is_asked_for() {
        let down = zone(|x, y| (30.0..42.0).contains(&x) && (20.0..429.0).contains(&y));
        let across = transposed(&down);
        for (side, patch, first_is_low) in [
            (Side::Left, &down, false),
            (Side::Right, &down, true),
            (Side::Top, &across, true),
            (Side::Bottom, &across, false),
        ] {
            for edge in [LineEdge::Outer, LineEdge::Inner] {
                let ([first, last], _) = line(side, edge, 400).find(patch, whole(patch)).unwrap();
                let upright = matches!(side, Side::Left | Side::Right);
                let (along, off) = if upright { (last.y - first.y, first.x) } else { (last.x - first.x, first.y) };
                assert_eq!(along > 0.0, first_is_low, "{side:?}");
                let low = matches!(side, Side::Left | Side::Top) == (edge == LineEdge::Outer);
                let want = if low { 31.0 } else { 43.0 };
                assert!((off - want).abs() <= 4.0, "{side:?} {edge:?}: {off} for {want}");
            }
        }
    }

    #[test]
    fn a_slanted_line_keeps_its_slant_and_ends() {
        let patch = zone(|x, y| (30.0..42.0).contains(&(x - 0.04 * y)) && (20.0..429.0).contains(&(y + 0.04 * x)));
        has_edge(&patch, (30.0 + 17.0 + MOVED, 427.0 + MOVED), (30.8 + MOVED, 19.0 + MOVED));
    }

    #[test]
    fn a_blob_on_the_line_is_left_out() {
        let rod = |x: f64, y: f64| (40.0..52.0).contains(&x) && (20.0..429.0).contains(&y);
        let blob = |x: f64, y: f64| (x - 36.0).powi(2) + (y - 200.0).powi(2) < 300.0;
        has_edge(&zone(|x, y| rod(x, y) || blob(x, y)), (40.0 + MOVED, 428.0 + MOVED), (40.0 + MOVED, 20.0 + MOVED));
        // At its very end.
        let blob = |x: f64, y: f64| (x - 46.0).powi(2) + (y - 30.0).powi(2) < 600.0;
        let ([_, first], _) = found(&zone(|x, y| rod(x, y) || blob(x, y))).unwrap();
        assert!((first.x - 43.0).abs() < 2.5, "{first:?}");
    }

    #[test]
    fn a_broken_line_is_put_together() {
        let patch =
            zone(|x, y| (30.0..42.0).contains(&x) && (20.0..429.0).contains(&y) && !(150.0..220.0).contains(&y));
        has_edge(&patch, (30.0 + MOVED, 428.0 + MOVED), (30.0 + MOVED, 20.0 + MOVED));
    }

    #[test]
    fn text_beyond_the_end_is_left_out() {
        let patch = zone(|x, y| {
            let rod = (30.0..42.0).contains(&x) && (60.0..460.0 - 30.0).contains(&y);
            rod || ((28.0..34.0).contains(&x) && (10.0..16.0).contains(&y))
        });
        let ([_, first], _) = line(Side::Left, LineEdge::Outer, 370).find(&patch, whole(&patch)).unwrap();
        assert!((first.y - 63.0).abs() < 4.0, "{first:?}");
    }

    #[test]
    fn a_bowed_line_keeps_its_bow() {
        let bow = |y: f64| 14.0 * (std::f64::consts::PI * (y - 20.0) / 409.0).sin();
        let patch = zone(|x, y| (30.0..42.0).contains(&(x - bow(y))) && (20.0..429.0).contains(&y));
        let ([last, first], points) = line(Side::Left, LineEdge::Outer, 400).find(&patch, whole(&patch)).unwrap();
        assert!((last.x - 33.0).abs() < 3.0 && (first.x - 33.0).abs() < 3.0, "{first:?} {last:?}");
        let middle = points.iter().find(|p| p.y == 227.0).unwrap();
        assert!((middle.x - 47.0).abs() < 3.0, "{middle:?}");
    }

    #[test]
    fn shadows_blur_and_noise_do_not_matter() {
        let plain = zone(|x, y| (30.0..42.0).contains(&x) && (20.0..429.0).contains(&y) && is_dash(y));
        let mut shaded = blur::gaussian(&plain, (7, 7), 1.5);
        for (x, y, p) in shaded.enumerate_pixels_mut() {
            let shade = 1.0 - 0.45 * f64::from(y) / 460.0 - 0.1 * f64::from(x) / 90.0;
            let noise = f64::from((x * 37 + y * 101 + x * y) % 13) - 6.0;
            p.0[0] = (f64::from(p.0[0]) * shade + noise).clamp(0.0, 255.0) as u8;
        }
        let ([last, first], _) = line(Side::Left, LineEdge::Outer, 400).find(&shaded, whole(&shaded)).unwrap();
        assert!((first.y - 23.0).abs() < 6.0 && (last.y - 431.0).abs() < 6.0, "{first:?} {last:?}");
        assert!((first.x - 32.0).abs() < 4.0 && (last.x - 32.0).abs() < 4.0, "{first:?} {last:?}");
    }

    #[test]
    fn dim_and_faint_lines_keep_their_ends() {
        let plain = zone(|x, y| (30.0..42.0).contains(&x) && (20.0..429.0).contains(&y) && is_dash(y));
        for (factor, base) in [(0.3, 0.0), (0.5, 0.0), (0.5, 120.0)] {
            let mut patch = plain.clone();
            patch.iter_mut().for_each(|v| *v = (f64::from(*v) * factor + base) as u8);
            has_edge(&patch, (30.0 + MOVED, 428.0 + MOVED), (30.0 + MOVED, 20.0 + MOVED));
        }
    }

    #[test]
    fn dashes_that_go_on_beyond_the_zone_are_told() {
        let sheet =
            GrayImage::from_fn(90, 560, |x, y| Luma([if (30..42).contains(&x) && y % 20 < 9 { 40 } else { 235 }]));
        // The zone's edges lie in gaps.
        let problem = line(Side::Left, LineEdge::Outer, 400).find(&sheet, Rect::new(0, 51, 90, 445)).unwrap_err();
        assert!(problem.contains("cut off by the edge of the zone"), "{problem}");
        let whole = GrayImage::from_fn(90, 560, |x, y| match (60..=480).contains(&y) {
            true => *sheet.get_pixel(x, y),
            false => Luma([235]),
        });
        assert!(line(Side::Left, LineEdge::Outer, 400).find(&whole, Rect::new(0, 51, 90, 445)).is_ok());
    }

    #[test]
    fn what_is_no_line_is_told() {
        let find = |patch: &GrayImage| line(Side::Left, LineEdge::Outer, 400).find(patch, whole(patch)).unwrap_err();
        assert!(find(&zone(|_, _| false)).contains("nothing dark is there"));
        let short = find(&zone(|x, y| (30.0..42.0).contains(&x) && (20.0..200.0).contains(&y)));
        assert!(short.contains("a line of 18") && short.contains("about 400 px"), "{short}");
        assert!(find(&zone(|x, _| x < 30.0)).contains("expected a dark line of about 400 px"));
        let cut = found(&zone(|x, y| (30.0..42.0).contains(&x) && y > 60.0));
        assert!(cut.unwrap_err().contains("expected a dark line of about 400 px"));
        let noise = GrayImage::from_fn(90, 460, |x, y| Luma([150 - ((x * 31 + y * 17 + x * y) % 9) as u8]));
        assert!(line(Side::Left, LineEdge::Outer, 400).find(&noise, whole(&noise)).is_err());
        assert!(found(&GrayImage::new(0, 0)).is_err());
    }

    #[test]
    fn boxes_have_edges_clockwise() {
        let place = Rect::new(10, 20, 5, 100);
        let p = Point::new;
        assert_eq!(edge_of_box(Side::Left, LineEdge::Outer, place), [p(10.0, 120.0), p(10.0, 20.0)]);
        assert_eq!(edge_of_box(Side::Right, LineEdge::Inner, place), [p(10.0, 20.0), p(10.0, 120.0)]);
        assert_eq!(edge_of_box(Side::Top, LineEdge::Outer, place), [p(10.0, 20.0), p(15.0, 20.0)]);
        assert_eq!(edge_of_box(Side::Bottom, LineEdge::Outer, place), [p(15.0, 120.0), p(10.0, 120.0)]);
    }

    proptest! {
        #[test]
        fn any_patch_is_survived(patch in picture(12, 40), w in 1..30u32, h in 1..90u32, threshold in 0.0..255.0f64) {
            for side in [Side::Left, Side::Bottom] {
                let tuning = BlobTuning { kernel: (w, h), threshold, blur: None };
                let line = Line { tuning, expected_length: 3.0, ..line(side, LineEdge::Inner, 9) };
                let _ = line.find(&patch, whole(&patch));
            }
        }
    }
}
