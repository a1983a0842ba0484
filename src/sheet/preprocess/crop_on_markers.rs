//! CropOnMarkers with four custom markers: finds the same printed picture in four places and straightens the page by
//! them.
//!
//! OMRChecker's searches (spec v1 5.3, spec v2 7.6), by normalised correlation over a few scales. v1 takes the scale
//! that fits best anywhere and wants it in every quadrant; the v2 family looks in a zone for each corner, each with its
//! own scale. The page is straightened by the four points themselves, in both. Lines and boxes that OMRChecker draws
//! into the searched picture are left out: they are no part of the sheet.

use std::path::Path;

use image::GrayImage;

use super::super::Scratch;
use super::super::error::{Reason, SheetError};
use super::{LoadPicture, PrepareError, Raster};
use crate::geometry::{Point, Quad, Rect, Size};
use crate::imaging::matching::{Match, Searched};
use crate::imaging::{blur, morphology, resize, tone, warp};
use crate::template::{CropOnMarkers, Margins, MarkerAnchor, MarkerSearch, MarkerZone};

/// Names of the corners, in the order of [`Quad::corners`].
const CORNERS: [&str; 4] = ["top-left", "top-right", "bottom-right", "bottom-left"];

/// A marker has at least this many pixels on each side when it is searched: smaller ones resemble any letter.
const MIN_SIDE: u32 = 5;

/// What "erode-subtract" subtracts: the darkest pixel of a 5×5 window, five times over.
const ERODE: ((u32, u32), u32) = ((5, 5), 5);

/// The markers of a template, scaled and filtered beforehand.
pub struct MarkerFinder {
    min_score: f32,
    /// Search in the picture minus its erosion. OMRChecker's switch acts on the marker as named and on the sheet the
    /// other way round; templates are tuned for that.
    erode_sheet: bool,
    search: Search,
}

enum Search {
    OneScale { markers: Vec<Scaled>, max_variation: f32 },
    Zones(Box<[Zone; 4]>),
}

/// A marker at one scale.
struct Scaled {
    marker: GrayImage,
}

struct Zone {
    area: Rect,
    markers: Vec<Scaled>,
    anchor: MarkerAnchor,
}

impl MarkerSearch {
    /// The size that the search works at, where the template states one.
    pub(super) fn processing_size(&self) -> Option<Size> {
        match self {
            Self::OneScale { .. } => None,
            Self::Zones { processing_size, .. } => Some(*processing_size),
        }
    }
}

impl MarkerFinder {
    /// Loads and scales the markers. `processing_size` is the template's or config's, the base of v1's marker width.
    ///
    /// # Errors
    /// A marker picture that cannot be loaded or scales to nothing; a zone outside of the picture.
    pub fn prepare(
        options: &CropOnMarkers,
        processing_size: Size,
        load: LoadPicture<'_>,
    ) -> Result<Self, PrepareError> {
        let search = match &options.search {
            MarkerSearch::OneScale { marker: marker_file, sheet_to_marker_width_ratio, max_matching_variation } => {
                let picture = load(marker_file)?;
                let size = match sheet_to_marker_width_ratio {
                    Some(ratio) => {
                        resize::by_width(&picture, f64::from(processing_size.width) / ratio.trunc().max(1.0))
                    }
                    None => Size::new(picture.width(), picture.height()),
                };
                let marker = filtered(&resize::linear(&picture, size), options.apply_erode_subtract, false);
                let markers = scales(options)
                    .map(|percent| {
                        // By height, the width following: OMRChecker's order of cutting to whole pixels.
                        let height = f64::from(marker.height()) * f64::from(percent) / 100.0;
                        Scaled { marker: resize::linear(&marker, resize::by_height(&marker, height)) }
                    })
                    .collect();
                Search::OneScale {
                    markers: visible(markers, marker_file)?,
                    max_variation: *max_matching_variation as f32,
                }
            }
            MarkerSearch::Zones { processing_size, zones } => {
                let mut prepared = Vec::with_capacity(4);
                for (corner, zone) in zones.iter().enumerate() {
                    prepared.push(Zone::prepare(corner, zone, options, *processing_size, load)?);
                }
                let four: Result<[Zone; 4], _> = prepared.try_into();
                let four = four.map_err(|_| PrepareError::Impossible("four markers are needed".to_owned()))?;
                Search::Zones(Box::new(four))
            }
        };
        Ok(Self {
            min_score: options.min_matching_threshold as f32,
            erode_sheet: !options.apply_erode_subtract,
            search,
        })
    }

    /// Finds the markers and straightens the picture by them.
    ///
    /// # Errors
    /// marker-not-found.
    pub fn apply(&self, raster: Raster, scratch: &mut Scratch) -> Result<Raster, SheetError> {
        let mut searched = raster.gray.clone();
        if self.erode_sheet {
            subtract_erosion(&mut searched);
        }
        tone::stretch(&mut searched, tone::Flat::Black);
        let corners = match &self.search {
            Search::OneScale { markers, max_variation } => {
                self.find_by_one_scale(&searched, markers, *max_variation, scratch)?
            }
            Search::Zones(zones) => self.find_in_zones(&searched, zones, scratch)?,
        };
        let quad = Quad { corners };
        let gray = warp::perspective(&raster.gray, &quad)
            .ok_or_else(|| SheetError::new(Reason::MarkerNotFound, "the markers that were found do not span a page"))?;
        let colour = raster.colour.and_then(|colour| warp::perspective_rgb(&colour, &quad));
        Ok(Raster { gray, colour })
    }

    fn find_by_one_scale(
        &self,
        searched: &GrayImage,
        markers: &[Scaled],
        max_variation: f32,
        scratch: &mut Scratch,
    ) -> Result<[Point; 4], SheetError> {
        let mut whole = Searched::new(searched);
        let mut best: Option<(Match, &Scaled)> = None;
        for scaled in markers {
            let Some(found) = scratch.matcher.best(&mut whole, &scaled.marker) else { continue };
            if found.score > best.map_or(0.0, |(m, _)| m.score) {
                best = Some((found, scaled));
            }
        }
        let Some((anywhere, scaled)) = best else {
            return Err(SheetError::new(Reason::MarkerNotFound, "nothing in the picture resembles the marker"));
        };
        // The upper quadrants take a third of the height: the search of OMRChecker, which templates are tuned for.
        let (w, h) = searched.dimensions();
        let (right, lower) = (w / 2, h / 3);
        // Sides are at most MAX_PIXELS, so the casts keep their values.
        let quadrants = [
            Rect::new(0, 0, right, lower),
            Rect::new(right as i32, 0, w - right, lower),
            Rect::new(right as i32, lower as i32, w - right, h - lower),
            Rect::new(0, lower as i32, right, h - lower),
        ];
        let mut centres = [Point::new(0.0, 0.0); 4];
        for (i, quadrant) in quadrants.into_iter().enumerate() {
            let found = find_in(searched, quadrant, &scaled.marker, scratch);
            let score = found.map_or(0.0, |m| m.score);
            let Some(found) = found.filter(|m| m.score >= self.min_score) else {
                return Err(missing(i, score, self.min_score, quadrant));
            };
            let variation = (anywhere.score - found.score).abs();
            if variation >= max_variation {
                let detail = format!(
                    "the {} marker fits with {score:.2}, the best one with {:.2}: they may differ by less than \
                     {max_variation} (`max_matching_variation`)",
                    CORNERS[i], anywhere.score
                );
                return Err(SheetError::new(Reason::MarkerNotFound, detail));
            }
            let (half_w, half_h) = (f64::from(scaled.marker.width()) / 2.0, f64::from(scaled.marker.height()) / 2.0);
            centres[i] = Point::new(f64::from(found.at.x) + half_w, f64::from(found.at.y) + half_h);
        }
        Ok(centres)
    }

    fn find_in_zones(
        &self,
        searched: &GrayImage,
        zones: &[Zone; 4],
        scratch: &mut Scratch,
    ) -> Result<[Point; 4], SheetError> {
        let mut points = [Point::new(0.0, 0.0); 4];
        for (i, zone) in zones.iter().enumerate() {
            let mut region = Searched::within(searched, zone.area);
            let mut best: Option<(Match, &Scaled)> = None;
            for scaled in &zone.markers {
                let Some(found) = scratch.matcher.best(&mut region, &scaled.marker) else { continue };
                if best.is_none_or(|(m, _)| found.score > m.score) {
                    best = Some((found, scaled));
                }
            }
            let score = best.map_or(0.0, |(m, _)| m.score);
            let Some((found, scaled)) = best.filter(|(m, _)| m.score >= self.min_score) else {
                return Err(missing(i, score, self.min_score, zone.area));
            };
            let (x, y) = (zone.area.x + found.at.x, zone.area.y + found.at.y);
            points[i] = anchor_point(zone.anchor, Rect::new(x, y, scaled.marker.width(), scaled.marker.height()));
        }
        Ok(points)
    }
}

impl Zone {
    fn prepare(
        corner: usize,
        zone: &MarkerZone,
        options: &CropOnMarkers,
        processing_size: Size,
        load: LoadPicture<'_>,
    ) -> Result<Self, PrepareError> {
        let picture = load(&zone.reference)?;
        let area = search_area(corner, zone, processing_size);
        let inside = area.x >= 0
            && area.y >= 0
            && i64::from(area.x) + i64::from(area.width) <= i64::from(processing_size.width)
            && i64::from(area.y) + i64::from(area.height) <= i64::from(processing_size.height);
        if !inside {
            return Err(PrepareError::Impossible(format!(
                "the zone of the {} marker ({}, {}) {}×{} leaves the processing image of {processing_size}; make its \
                 `margins` smaller or move its `origin`",
                CORNERS[corner], area.x, area.y, area.width, area.height
            )));
        }
        // OMRChecker drops the first row and column of the marker's picture.
        let (w, h) = picture.dimensions();
        let rest = cut(&picture, Rect::new(1, 1, w.saturating_sub(1), h.saturating_sub(1)));
        if rest.is_empty() {
            let detail = "the marker's picture is too small".to_owned();
            return Err(PrepareError::Asset { path: zone.reference.clone(), detail });
        }
        let marker = filtered(&resize::linear(&rest, zone.marker_size), options.apply_erode_subtract, true);
        let scaled = |percent: u32| {
            let side = |length: u32| (f64::from(length) * f64::from(percent) / 100.0) as u32;
            let size = Size::new(side(marker.width()), side(marker.height()));
            Scaled { marker: resize::linear(&marker, size) }
        };
        let markers = visible(scales(options).map(scaled).collect(), &zone.reference)?;
        if !markers.iter().any(|m| m.marker.width() <= area.width && m.marker.height() <= area.height) {
            return Err(PrepareError::Impossible(format!(
                "the {} marker is larger than its zone of {}×{} px at every scale; check `markerDimensions` and the \
                 zone's `margins`",
                CORNERS[corner], area.width, area.height
            )));
        }
        Ok(Self { area, markers, anchor: zone.anchor })
    }
}

/// Where a corner's marker is sought. What the template does not state is the middle of the corner's quadrant, with
/// margins that reach its edges.
fn search_area(corner: usize, zone: &MarkerZone, picture: Size) -> Rect {
    let (w, h) = (f64::from(picture.width), f64::from(picture.height));
    let (half_w, half_h) = ((w / 2.0).floor(), (h / 2.0).floor());
    let (marker_w, marker_h) = (f64::from(zone.marker_size.width), f64::from(zone.marker_size.height));
    let (left, right) = if corner == 0 || corner == 3 { (1.0, half_w) } else { (half_w, w) };
    let (top, bottom) = if corner < 2 { (1.0, half_h) } else { (half_h, h) };
    let middle = |from: f64, to: f64, length: f64| ((from + to - length) / 2.0).floor();
    let (x, y) = match zone.origin {
        Some((x, y)) => (f64::from(x), f64::from(y)),
        None => (middle(left, right, marker_w), middle(top, bottom, marker_h)),
    };
    let (box_w, box_h) = match zone.dimensions {
        Some(size) => (f64::from(size.width), f64::from(size.height)),
        None => (marker_w, marker_h),
    };
    let [above, beside, below, before] = match zone.margins {
        Some(Margins { top, right, bottom, left }) => [top, right, bottom, left].map(f64::from),
        None => {
            let (across, down) = ((right - left - marker_w) / 2.0 - 1.0, (bottom - top - marker_h) / 2.0 - 1.0);
            [down, across, down, across]
        }
    };
    // Each bound is cut towards zero on its own.
    let (x0, y0) = ((x - before).trunc(), (y - above).trunc());
    let (x1, y1) = ((x + box_w + beside).trunc(), (y + box_h + below).trunc());
    Rect::new(x0 as i32, y0 as i32, (x1 - x0).max(0.0) as u32, (y1 - y0).max(0.0) as u32)
}

/// The scales to try in percent, the largest first, the lowest bound left out.
fn scales(options: &CropOnMarkers) -> impl Iterator<Item = u32> {
    let (low, high) = options.rescale_range;
    let step = (high.saturating_sub(low) / options.rescale_steps.max(1)).max(1);
    (low + 1..=high).rev().step_by(step as usize)
}

/// The scales at which a marker can be told from plain paper: it has pixels, and they differ. One without contrast would
/// fit everywhere.
fn visible(markers: Vec<Scaled>, picture: &Path) -> Result<Vec<Scaled>, PrepareError> {
    let has_contrast = |marker: &GrayImage| {
        let (min, max) = tone::min_max(marker);
        max > min && marker.width().min(marker.height()) >= MIN_SIDE
    };
    let kept: Vec<Scaled> = markers.into_iter().filter(|m| has_contrast(&m.marker)).collect();
    if kept.is_empty() {
        let detail = format!(
            "the marker has no contrast or less than {MIN_SIDE} px at every scale; check the picture, the marker's size \
             and its rescale range"
        );
        return Err(PrepareError::Asset { path: picture.to_path_buf(), detail });
    }
    Ok(kept)
}

/// The marker as it is compared: blurred, stretched and, if asked for, reduced to what is lighter than its
/// surroundings.
fn filtered(marker: &GrayImage, erode_subtract: bool, stretch_again: bool) -> GrayImage {
    let mut marker = blur::gaussian(marker, (5, 5), 0.0);
    tone::stretch(&mut marker, tone::Flat::Black);
    if erode_subtract {
        subtract_erosion(&mut marker);
        if stretch_again {
            tone::stretch(&mut marker, tone::Flat::Black);
        }
    }
    marker
}

fn subtract_erosion(picture: &mut GrayImage) {
    let (kernel, iterations) = ERODE;
    let eroded = morphology::erode(picture, kernel, iterations);
    for (to, from) in picture.iter_mut().zip(eroded.as_raw()) {
        // The minimum of a window is never above its centre.
        *to -= from;
    }
}

fn find_in(searched: &GrayImage, area: Rect, marker: &GrayImage, scratch: &mut Scratch) -> Option<Match> {
    let mut found = scratch.matcher.best(&mut Searched::within(searched, area), marker)?;
    found.at.x += area.x;
    found.at.y += area.y;
    Some(found)
}

/// A copy of the part of a picture that lies in `area`.
fn cut(picture: &GrayImage, area: Rect) -> GrayImage {
    let (x0, y0, x1, y1) = area.clipped(Size::new(picture.width(), picture.height()));
    image::imageops::crop_imm(picture, x0, y0, x1 - x0, y1 - y0).to_image()
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

fn missing(corner: usize, score: f32, needed: f32, area: Rect) -> SheetError {
    let detail = format!(
        "the {} marker was not found: the best match has {score:.2}, {needed:.2} is needed (searched {}×{} px from \
         ({}, {}) of the processing image)",
        CORNERS[corner], area.width, area.height, area.x, area.y
    );
    SheetError::new(Reason::MarkerNotFound, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(range: (u32, u32), steps: u32) -> CropOnMarkers {
        CropOnMarkers {
            search: MarkerSearch::OneScale {
                marker: "m.png".into(),
                sheet_to_marker_width_ratio: None,
                max_matching_variation: 0.41,
            },
            min_matching_threshold: 0.3,
            rescale_range: range,
            rescale_steps: steps,
            apply_erode_subtract: true,
        }
    }

    #[test]
    fn scales_go_down_from_the_highest_and_leave_out_the_lowest() {
        let of = |range, steps| scales(&options(range, steps)).collect::<Vec<_>>();
        assert_eq!(of((35, 100), 10), [100, 94, 88, 82, 76, 70, 64, 58, 52, 46, 40]);
        assert_eq!(of((85, 115), 5), [115, 109, 103, 97, 91]);
        assert_eq!(of((50, 50), 5), Vec::<u32>::new());
        assert_eq!(of((98, 100), 10), [100, 99]);
    }

    #[test]
    fn zones_without_numbers_are_the_quadrants() {
        let zone = MarkerZone {
            reference: "m.png".into(),
            marker_size: Size::new(40, 40),
            origin: None,
            dimensions: None,
            margins: None,
            anchor: MarkerAnchor::Center,
        };
        let size = Size::new(650, 900);
        // Top-left: x from 1 to 325; the middle is at (1 + 325 − 40) div 2 = 143, margins (324 − 40)/2 − 1 = 141. And y
        // from 1 to 450: the middle at 205, margins 203.5.
        assert_eq!(search_area(0, &zone, size), Rect::new(2, 1, 322, 447));
        let bottom_right = search_area(2, &zone, size);
        assert!(bottom_right.x >= 325 && bottom_right.y >= 450);
        assert!(
            bottom_right.x as u32 + bottom_right.width <= 650 && bottom_right.y as u32 + bottom_right.height <= 900
        );
    }

    #[test]
    fn zones_take_what_the_template_states() {
        let zone = MarkerZone {
            reference: "m.png".into(),
            marker_size: Size::new(40, 40),
            origin: Some((10, 20)),
            dimensions: Some(Size::new(50, 30)),
            margins: Some(Margins { top: 1, right: 2, bottom: 3, left: 4 }),
            anchor: MarkerAnchor::Center,
        };
        assert_eq!(search_area(1, &zone, Size::new(650, 900)), Rect::new(6, 19, 56, 34));
    }

    #[test]
    fn anchors_are_points_of_the_box() {
        let found = Rect::new(10, 20, 5, 7);
        assert_eq!(anchor_point(MarkerAnchor::Center, found), Point::new(12.0, 23.0));
        assert_eq!(anchor_point(MarkerAnchor::BottomRight, found), Point::new(15.0, 27.0));
    }
}
