//! CropOnMarkers: finds printed marks and straightens the page by them.
//!
//! A kind of mark is a detector that answers one question about a part of the picture: where is it? The rest is the
//! same for all: each zone is searched, its points are put beside the places where the template has them, and
//! [`straighten`] makes the page. A file for each kind; v1's search for four markers at one scale stands apart, since its
//! quadrants depend on each other.

mod blob;
mod dot;
mod ends;
mod l_shape;
mod line;
mod one_scale;
mod picture;
mod sighting;
mod zone;

use image::GrayImage;

use self::dot::Dot;
use self::l_shape::LShape;
use self::line::Line;
use self::one_scale::OneScale;
use self::picture::Picture;
use self::sighting::{Seen, Sighting};
use super::super::Scratch;
use super::super::error::{Reason, SheetError};
use super::super::stages::{Kind, Stages};
use super::super::time_limit;
use super::straighten::{self, Edge, Extra, PagePoints};
use super::{LoadPicture, PrepareError, Raster};
use crate::geometry::{Point, Quad, Rect, Size};
use crate::imaging::cutting::part;
use crate::template::{
    CropOnMarkers, Mark, MarkerAnchor, MarkerPlace, MarkerSearch, MarkerZone, MarkerZones, PageWarp, WarpMethod,
};

/// The marks of a step, with all that does not depend on the sheet done beforehand.
pub struct MarkerFinder {
    search: Search,
    apply_erode_subtract: bool,
}

enum Search {
    OneScale(OneScale),
    Zones { zones: Vec<Zone>, warp: PageWarp, cropping: bool },
}

struct Zone {
    label: String,
    place: MarkerPlace,
    area: Rect,
    detector: Detector,
    /// Where its points belong; `None`: the template does not say where the zone is.
    target: Option<Found>,
    max_points: Option<u32>,
}

enum Detector {
    Picture(Picture, MarkerAnchor),
    Dot(Dot, MarkerAnchor),
    Line(Line),
    LShape(LShape),
}

/// What a zone gives.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// A point.
    Point(Point),
    /// The edge of a line: its ends, clockwise around the page, and points between them.
    Line {
        /// First and last.
        ends: [Point; 2],
        /// In any order.
        points: Vec<Point>,
    },
}

impl MarkerSearch {
    /// The size that the search works at, where the template states one.
    pub(super) fn processing_size(&self) -> Option<Size> {
        match self {
            Self::OneScale { .. } => None,
            Self::Zones(zones) => Some(zones.processing_size),
        }
    }
}

impl MarkerFinder {
    /// Loads and scales the markers. `processing_size` is the template's or config's, the base of v1's marker width;
    /// `gamma_low` is the config's, for lines.
    ///
    /// # Errors
    /// A marker picture that cannot be loaded or scales to nothing; a zone outside of the picture.
    pub fn prepare(
        options: &CropOnMarkers,
        processing_size: Size,
        gamma_low: f64,
        load: LoadPicture<'_>,
    ) -> Result<Self, PrepareError> {
        let search = match &options.search {
            MarkerSearch::OneScale { marker, sheet_to_marker_width_ratio, max_matching_variation } => {
                let how = (marker.as_path(), *sheet_to_marker_width_ratio, *max_matching_variation);
                Search::OneScale(OneScale::prepare(options, how, processing_size, load)?)
            }
            MarkerSearch::Zones(MarkerZones { processing_size, zones, warp, cropping }) => {
                let prepared = zones.iter().map(|zone| Zone::prepare(zone, options, *processing_size, gamma_low, load));
                let zones: Vec<Zone> = prepared.collect::<Result<_, _>>()?;
                let somewhere = Found::Point(Point::new(0.0, 0.0));
                if corners(zones.iter().map(|zone| (zone.place, &somewhere))).is_none() {
                    return Err(PrepareError::Impossible("a page needs four corners".to_owned()));
                }
                if let (Some(targets), true) = (targets(&zones), warp.method != WarpMethod::Perspective)
                    && !straighten::is_convex(&targets)
                {
                    return Err(PrepareError::Impossible(
                        "the marker zones do not lie around a page: check their `origin`s".to_owned(),
                    ));
                }
                Search::Zones { zones, warp: *warp, cropping: *cropping }
            }
        };
        Ok(Self { search, apply_erode_subtract: options.apply_erode_subtract })
    }

    /// Finds the marks and straightens the picture by them. What was searched and seen goes to `stages`.
    ///
    /// # Errors
    /// marker-not-found.
    pub fn apply(&self, raster: Raster, scratch: &mut Scratch, stages: &mut Stages) -> Result<Raster, SheetError> {
        let mut sightings = Vec::new();
        let straightened =
            self.find(&raster.gray, scratch, &mut sightings, stages).and_then(|(page, warp, cropping)| {
                straighten::straighten(&raster, &page, warp, cropping).ok_or_else(no_page)
            });
        let failure = straightened.as_ref().err().map(ToString::to_string);
        let kind = if failure.is_some() { Kind::Failure } else { Kind::Found };
        stages.record(kind, |most| sighting::sketch(&raster.gray, &sightings, failure.as_deref(), most));
        straightened
    }

    /// Finds the marks and puts them together.
    fn find<'f>(
        &'f self,
        sheet: &GrayImage,
        scratch: &mut Scratch,
        sightings: &mut Vec<Sighting<'f>>,
        stages: &mut Stages,
    ) -> Result<(PagePoints, PageWarp, bool), SheetError> {
        let searched = || picture::searched(sheet, self.apply_erode_subtract);
        let size = Size::new(sheet.width(), sheet.height());
        match &self.search {
            Search::OneScale(markers) => {
                let searched = searched();
                let all = Rect::new(0, 0, size.width, size.height);
                stages.record(Kind::Searched, |most| sighting::searched(size, &[(all, searched.clone())], most));
                let corners = Quad { corners: markers.find(&searched, scratch, sightings)? };
                let page = PagePoints { corners, targets: None, edges: Default::default(), more: Vec::new() };
                Ok((page, PageWarp::PERSPECTIVE, true))
            }
            Search::Zones { zones, warp, cropping } => {
                let has_pictures = zones.iter().any(|zone| matches!(zone.detector, Detector::Picture(..)));
                let searched = if has_pictures { searched() } else { GrayImage::default() };
                stages.record(Kind::Searched, |most| {
                    let parts: Vec<_> = zones.iter().map(|zone| (zone.area, zone.searched(sheet, &searched))).collect();
                    sighting::searched(size, &parts, most)
                });
                let mut found = Vec::with_capacity(zones.len());
                for zone in zones {
                    time_limit::check(scratch.deadline)?;
                    found.push(zone.find(sheet, &searched, scratch, sightings)?);
                }
                Ok((page_points(zones, found)?, *warp, *cropping))
            }
        }
    }
}

fn no_page() -> SheetError {
    let detail = "the marks that were found do not span a page; check that none is covered or cut off";
    SheetError::new(Reason::MarkerNotFound, detail)
}

/// Puts together what the zones gave.
fn page_points(zones: &[Zone], found: Vec<Found>) -> Result<PagePoints, SheetError> {
    let all = zones.iter().map(|zone| zone.place).zip(&found);
    let corners = corners(all).ok_or_else(no_page)?;
    let targets = targets(zones);
    if let Some(targets) = &targets {
        resembles(&corners, targets)?;
        if straighten::is_convex(targets) {
            let by_lines = sides_of_lines(zones);
            lines_are_whole(&corners, targets, by_lines)?;
        }
    }
    let mut edges: [Edge; 4] = Default::default();
    let mut more = Vec::new();
    for (zone, found) in zones.iter().zip(found) {
        let max_points = zone.max_points;
        match (zone.place, found, &zone.target) {
            (MarkerPlace::Side(side), Found::Line { points, .. }, _) => {
                edges[side as usize] = Edge { points, max_points };
            }
            (MarkerPlace::Extra, Found::Point(found), Some(Found::Point(target))) if targets.is_some() => {
                more.push(Extra::Point { found, target: *target });
            }
            (MarkerPlace::Extra, Found::Line { ends, points }, Some(Found::Line { ends: places, .. }))
                if targets.is_some() =>
            {
                more.push(Extra::Line { ends, targets: *places, edge: Edge { points, max_points } });
            }
            _ => {}
        }
    }
    Ok(PagePoints { corners, targets, edges, more })
}

/// The corners of a page from what its zones gave. `None` if one is missing.
fn corners<'f>(found: impl Iterator<Item = (MarkerPlace, &'f Found)>) -> Option<Quad> {
    let mut corners = [None; 4];
    for (place, found) in found {
        match (place, found) {
            (MarkerPlace::Corner(corner), Found::Point(point)) => corners[corner as usize] = Some(*point),
            (MarkerPlace::Side(side), found) => {
                let [first, last] = match found {
                    Found::Line { ends, .. } => *ends,
                    Found::Point(point) => [*point; 2],
                };
                let first_corner = side as usize;
                corners[first_corner] = Some(first);
                corners[(first_corner + 1) % 4] = Some(last);
            }
            _ => {}
        }
    }
    let [a, b, c, d] = corners;
    Some(Quad { corners: [a?, b?, c?, d?] })
}

/// Where the corners belong, if all zones say so.
fn targets(zones: &[Zone]) -> Option<Quad> {
    let known: Option<Vec<_>> = zones.iter().map(|zone| Some((zone.place, zone.target.as_ref()?))).collect();
    corners(known?.into_iter())
}

/// Which sides of the page are a line's: top, right, bottom, left.
fn sides_of_lines(zones: &[Zone]) -> [bool; 4] {
    let mut sides = [false; 4];
    for zone in zones {
        if let (MarkerPlace::Side(side), Detector::Line(_)) = (zone.place, &zone.detector) {
            sides[side as usize] = true;
        }
    }
    sides
}

/// Checks that lines are as long as their zones say, beside the opposite side and the page's other direction: a line whose
/// end is covered or faded is as straight as a whole one, and would move each row of the page a little. A camera that
/// looks from aside shortens a side, too; then nobody knows, and [`CropPage`](crate::template::Preprocessor) before this
/// step takes that away.
fn lines_are_whole(corners: &Quad, targets: &Quad, by_lines: [bool; 4]) -> Result<(), SheetError> {
    /// Whole lines of scans and of cropped photos stay below this; a fifteenth of a page is two rows of bubbles.
    const MAX_BESIDE: f64 = 1.06;
    /// A page is seen from above or below more often, and templates are measured by hand.
    const MAX_ASPECT: f64 = 1.2;
    const NAMES: [&str; 4] = ["upper", "right", "lower", "left"];
    let length = |quad: &Quad, i: usize| quad.corners[i].distance(quad.corners[(i + 1) % 4]);
    let scale = |i: usize| length(corners, i) / length(targets, i);
    let doubted = |detail: String| {
        Err(SheetError::new(
            Reason::MarkerNotFound,
            format!(
                "{detail}; check that the line is whole, that the `dimensions` of the zones are those of the print, and that \
                 a photo is straightened first (`CropPage`)"
            ),
        ))
    };
    for i in (0..4).filter(|&i| by_lines[i]) {
        let (own, other) = (scale(i), scale((i + 2) % 4));
        // Boxes are often drawn by eye, longer than their lines: sides of one length make a page, too.
        let lengths = length(corners, i) / length(corners, (i + 2) % 4);
        let apart = |ratio: f64| ratio.max(1.0 / ratio);
        let ratio = apart(own / other).min(apart(lengths));
        if ratio.is_nan() || ratio > MAX_BESIDE {
            let percent = (ratio - 1.0) * 100.0;
            return doubted(format!("the {} line differs from the opposite side by {percent:.0} %", NAMES[i]));
        }
        let across = (scale((i + 1) % 4) + scale((i + 3) % 4)) / 2.0;
        let along = (own + other) / 2.0;
        let ratio = (along / across).max(across / along);
        if ratio.is_nan() || ratio > MAX_ASPECT {
            let (is, should) = (along * 100.0, across * 100.0);
            return doubted(format!(
                "the {} line has {is:.0} % of the length that its zone says, the page across {should:.0} %",
                NAMES[i]
            ));
        }
    }
    Ok(())
}

/// Checks that the found corners make a shape like that of the zones: a mark that was mistaken for another makes a page
/// that no camera sees. A photo from aside turns right angles by 20° and shortens the far side by a third.
fn resembles(corners: &Quad, targets: &Quad) -> Result<(), SheetError> {
    const MAX_TURN: f64 = 30.0;
    const MAX_RATIO: f64 = 2.0;
    const NAMES: [&str; 4] = ["top-left", "top-right", "bottom-right", "bottom-left"];
    if !straighten::is_convex(targets) {
        return Ok(());
    }
    let angle = |quad: &Quad, i: usize| {
        let (before, at, after) = (quad.corners[(i + 3) % 4], quad.corners[i], quad.corners[(i + 1) % 4]);
        let direction = |p: Point| (p.y - at.y).atan2(p.x - at.x).to_degrees();
        (direction(before) - direction(after)).rem_euclid(360.0)
    };
    for (i, name) in NAMES.iter().enumerate() {
        let (is, should) = (angle(corners, i), angle(targets, i));
        if (is - should).is_nan() || (is - should).abs() > MAX_TURN {
            let detail = format!(
                "the marks that were found make no page: the {name} corner has {is:.0}°, about {should:.0}° were \
                 expected; check that no mark is covered and nothing else lies in a zone"
            );
            return Err(SheetError::new(Reason::MarkerNotFound, detail));
        }
    }
    let scale = |i: usize| {
        let length = |quad: &Quad| quad.corners[i].distance(quad.corners[(i + 1) % 4]);
        length(corners) / length(targets)
    };
    for (a, b, sides) in [(0, 2, "upper and lower"), (1, 3, "left and right")] {
        let ratio = (scale(a) / scale(b)).max(scale(b) / scale(a));
        if ratio.is_nan() || ratio > MAX_RATIO {
            let detail = format!(
                "the marks that were found make no page: its {sides} sides differ {ratio:.1} times more than expected; \
                 check that no mark is covered and nothing else lies in a zone"
            );
            return Err(SheetError::new(Reason::MarkerNotFound, detail));
        }
    }
    Ok(())
}

impl Zone {
    fn prepare(
        zone: &MarkerZone,
        options: &CropOnMarkers,
        processing_size: Size,
        gamma_low: f64,
        load: LoadPicture<'_>,
    ) -> Result<Self, PrepareError> {
        let named = |error: PrepareError| match error {
            PrepareError::Impossible(what) => {
                PrepareError::Impossible(format!("the marker zone `{}` {what}", zone.label))
            }
            other => other,
        };
        let area = zone::search_area(zone, processing_size);
        zone::lies_inside(area, processing_size).map_err(named)?;
        let expected = zone.expected_size();
        let mut max_points = None;
        let detector = match &zone.mark {
            Mark::Picture { reference, size, anchor } => {
                Detector::Picture(Picture::prepare(reference, *size, options, area, load).map_err(named)?, *anchor)
            }
            Mark::Dot { anchor, tuning } => Detector::Dot(Dot::new(*tuning, area).map_err(named)?, *anchor),
            Mark::Line { side, edge, tuning, max_points: most } => {
                max_points = *most;
                Detector::Line(Line::new(*tuning, (*side, *edge), expected, area, gamma_low).map_err(named)?)
            }
            Mark::LShape(tuning) => Detector::LShape(LShape::new(*tuning)),
        };
        let target = zone.origin.map(|(x, y)| {
            let place = Rect::new(x, y, expected.width, expected.height);
            match &zone.mark {
                Mark::Picture { anchor, .. } | Mark::Dot { anchor, .. } => Found::Point(anchor_point(*anchor, place)),
                Mark::LShape(_) => Found::Point(anchor_point(MarkerAnchor::TopLeft, place)),
                Mark::Line { side, edge, .. } => {
                    Found::Line { ends: line::edge_of_box(*side, *edge, place), points: Vec::new() }
                }
            }
        });
        Ok(Self { label: zone.label.clone(), place: zone.place, area, detector, target, max_points })
    }

    /// `sheet` is the picture, `searched` what markers' pictures are sought in. What was seen is added to `sightings`.
    fn find<'z>(
        &'z self,
        sheet: &GrayImage,
        searched: &GrayImage,
        scratch: &mut Scratch,
        sightings: &mut Vec<Sighting<'z>>,
    ) -> Result<Found, SheetError> {
        let patch = || part(sheet, self.area);
        let moved = |p: Point| Point::new(p.x + f64::from(self.area.x), p.y + f64::from(self.area.y));
        let mut score = None;
        let found = match &self.detector {
            Detector::Picture(picture, anchor) => picture.find(searched, self.area, scratch).map(|(found, fits)| {
                score = Some(fits);
                Found::Point(anchor_point(*anchor, found))
            }),
            Detector::Dot(dot, anchor) => {
                dot.find(&patch()).map(|found| Found::Point(moved(anchor_point(*anchor, found))))
            }
            Detector::Line(line) => line.find(sheet, self.area).map(|(ends, points)| Found::Line {
                ends: ends.map(moved),
                points: points.into_iter().map(moved).collect(),
            }),
            Detector::LShape(shape) => shape.find(&patch()).map(|corner| Found::Point(moved(corner))),
        };
        let seen = found.as_ref().map_or(Seen::Nothing, |found| Seen::Mark(found.clone()));
        sightings.push(Sighting { label: &self.label, area: self.area, score, seen, is_found: found.is_ok() });
        found.map_err(|what| {
            let Rect { x, y, width, height } = self.area;
            let detail = format!(
                "`{}` was not found: {what} (searched {width}×{height} px from ({x}, {y}) of the processing image)",
                self.label
            );
            SheetError::new(Reason::MarkerNotFound, detail)
        })
    }
}

impl Zone {
    /// The zone as it is searched; for a marker's picture, out of `searched`.
    fn searched(&self, sheet: &GrayImage, searched: &GrayImage) -> GrayImage {
        let patch = || part(sheet, self.area);
        match &self.detector {
            Detector::Picture(..) => part(searched, self.area),
            Detector::Dot(dot, _) => dot.searched(&patch()),
            Detector::Line(line) => line.searched(&patch()),
            Detector::LShape(shape) => shape.searched(&patch()),
        }
    }
}

fn anchor_point(anchor: MarkerAnchor, found: Rect) -> Point {
    let (left, top) = (f64::from(found.x), f64::from(found.y));
    let (right, bottom) = (left + f64::from(found.width), top + f64::from(found.height));
    match anchor {
        MarkerAnchor::Center => Point::new(((left + right) / 2.0).floor(), ((top + bottom) / 2.0).floor()),
        MarkerAnchor::TopLeft => Point::new(left, top),
        MarkerAnchor::TopRight => Point::new(right, top),
        MarkerAnchor::BottomRight => Point::new(right, bottom),
        MarkerAnchor::BottomLeft => Point::new(left, bottom),
    }
}

#[cfg(test)]
mod tests;
