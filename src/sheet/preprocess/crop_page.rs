//! CropPage: finds the paper as the largest rectangle in the picture's edges and straightens it.
//!
//! OMRChecker's method (spec v1 5.2, spec v2 7.5): edges of a picture whose white is cut off and whose print is closed
//! away; the hulls of the five largest contours; the first one that is a rectangle is the page.

use image::{GrayImage, RgbImage};

use super::super::error::{Reason, SheetError};
use super::Raster;
use crate::geometry::{PixelPoint, Quad};
use crate::imaging::{blur, colour, contours, edges, morphology, polygon, tone, warp};
use crate::template::{CropPage, PagePolygon, PagePreparation};

/// A page covers at least this many square pixels of the processing image, whatever its size. OMRChecker's number.
pub(super) const MIN_AREA: f64 = 80_000.0;

/// Only so many of the largest hulls are looked at. OMRChecker's number.
const CANDIDATES: usize = 5;

/// Canny thresholds of both generations.
const CANNY: (i32, i32) = (55, 185);

/// Tolerances of the v2 polygon search, as parts of the hull's short side.
const LADDER: [f64; 9] = [0.05, 0.08, 0.10, 0.12, 0.16, 0.20, 0.28, 0.40, 0.50];

/// Finds the page and straightens the picture by its corners.
///
/// # Errors
/// page-not-found.
pub fn apply(raster: Raster, options: &CropPage) -> Result<Raster, SheetError> {
    let raster = match options.preparation {
        PagePreparation::BlurAndKeep => {
            let mut gray = blur::gaussian(&raster.gray, (3, 3), 0.0);
            tone::stretch(&mut gray, tone::Flat::Black);
            Raster { gray, colour: raster.colour }
        }
        PagePreparation::CapTwice => raster,
    };
    let corners = page_corners(&raster, options)?;
    let quad = Quad::from_unordered(corners.map(Into::into));
    let gray = warp::perspective(&raster.gray, &quad).ok_or_else(|| {
        let detail = "the outline that was found has no upright corners: the page is turned by about 45°";
        SheetError::new(Reason::PageNotFound, detail)
    })?;
    let colour = raster.colour.and_then(|colour| warp::perspective_rgb(&colour, &quad));
    Ok(Raster { gray, colour })
}

/// The corners of the paper.
fn page_corners(raster: &Raster, options: &CropPage) -> Result<[PixelPoint; 4], SheetError> {
    let hulls = largest_hulls(contours::find(&page_edges(raster, options)));
    let found = first_page(&hulls, options);
    // An outline larger than the rectangle that was found is most likely the paper's own, broken by a shadow. On a
    // coloured desk the paper can be told from it in another way.
    let is_largest = found.as_ref().is_some_and(|(area, _)| hulls.first().is_none_or(|(largest, _)| area >= largest));
    let by_colour = match (&raster.colour, options.colored_canny && !is_largest) {
        (Some(colour), true) => first_page(&largest_hulls(contours::find_external(&uncoloured(colour))), options),
        _ => None,
    };
    match [found, by_colour].into_iter().flatten().max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((_, corners)) => Ok(corners),
        None => Err(not_found(raster, hulls.first().map_or(0.0, |(area, _)| *area))),
    }
}

fn not_found(raster: &Raster, largest: f64) -> SheetError {
    let (width, height) = raster.gray.dimensions();
    let percent = |area: f64| 100.0 * area / (f64::from(width) * f64::from(height));
    let detail = format!(
        "no rectangle of paper found: the largest outline covers {:.0} % of the picture, a page needs {:.0} % and four \
         right angles; if the scan is the page itself, leave CropPage out of the template",
        percent(largest),
        percent(MIN_AREA)
    );
    SheetError::new(Reason::PageNotFound, detail)
}

/// White where the picture has hardly any colour, compared with the rest of it: the paper on a coloured desk, also where
/// a shadow lies on it. The bound is Otsu's; small specks and bridges are opened away.
fn uncoloured(colour: &RgbImage) -> GrayImage {
    let mut mask = blur::gaussian(&colour::saturation(colour), (5, 5), 0.0);
    let bound = imageproc::contrast::otsu_level(&mask);
    for v in mask.iter_mut() {
        *v = if *v <= bound { 255 } else { 0 };
    }
    morphology::open(&mask, (15, 15), 1)
}

/// The edges among which the page's outline is sought.
fn page_edges(raster: &Raster, options: &CropPage) -> GrayImage {
    let mut work = raster.gray.clone();
    tone::stretch(&mut work, tone::Flat::Keep);
    if options.preparation == PagePreparation::CapTwice {
        tone::cap(&mut work, 210);
        tone::stretch(&mut work, tone::Flat::Keep);
    }
    if let (true, Some(colour)) = (options.colored_canny, &raster.colour) {
        blacken_coloured(&mut work, colour);
        return edges::canny(&work, CANNY.0, CANNY.1);
    }
    tone::cap(&mut work, 200);
    tone::stretch(&mut work, tone::Flat::Keep);
    let work = morphology::close(&work, options.morph_kernel, 1);
    edges::canny(&work, CANNY.0, CANNY.1)
}

/// Makes everything black that is not nearly white paper: saturation above 40 of 255 or value below 180 of 255, in
/// OpenCV's 8-bit HSV.
fn blacken_coloured(gray: &mut GrayImage, picture: &RgbImage) {
    const MAX_SATURATION: u8 = 40;
    const MIN_VALUE: u8 = 180;
    let saturation = colour::saturation(picture);
    for ((to, from), &saturation) in gray.iter_mut().zip(picture.as_raw().chunks_exact(3)).zip(saturation.as_raw()) {
        if colour::value_of(from) < MIN_VALUE || saturation > MAX_SATURATION {
            *to = 0;
        }
    }
}

/// A hull with its area in square pixels.
type Hull = (f64, Vec<PixelPoint>);

/// Hulls of the largest outlines, the largest first.
fn largest_hulls(outlines: Vec<Vec<PixelPoint>>) -> Vec<Hull> {
    let hulls = outlines.iter().map(|outline| polygon::convex_hull(outline));
    let mut hulls: Vec<Hull> = hulls.map(|hull| (contours::area(&hull), hull)).collect();
    hulls.sort_by(|a, b| b.0.total_cmp(&a.0));
    hulls.truncate(CANDIDATES);
    hulls
}

/// The first hull that is large enough and a rectangle, with its area.
fn first_page(hulls: &[Hull], options: &CropPage) -> Option<(f64, [PixelPoint; 4])> {
    let large = hulls.iter().filter(|(area, _)| *area >= MIN_AREA);
    large.filter_map(|(area, hull)| Some((*area, corners(hull, options)?))).next()
}

/// The four corners of a hull, if it is a rectangle.
fn corners(hull: &[PixelPoint], options: &CropPage) -> Option<[PixelPoint; 4]> {
    match options.polygon {
        PagePolygon::OneTolerance => {
            let polygon = polygon::approximate(hull, 0.025 * contours::perimeter(hull));
            rectangle(&polygon)
        }
        PagePolygon::Ladder => corners_by_ladder(hull),
    }
}

fn rectangle(polygon: &[PixelPoint]) -> Option<[PixelPoint; 4]> {
    let corners: [PixelPoint; 4] = polygon.try_into().ok()?;
    polygon::is_rectangle(&corners).then_some(corners)
}

/// v2: coarser and coarser polygons until one is a rectangle. After three that have four corners but no right angles
/// the next is taken as it is.
fn corners_by_ladder(hull: &[PixelPoint]) -> Option<[PixelPoint; 4]> {
    let side = polygon::min_area_rect(hull)?.short_side();
    let mut crooked = 0;
    for tolerance in LADDER {
        let polygon = polygon::approximate(hull, tolerance * side);
        if polygon.len() < 4 {
            return None;
        }
        if crooked == 3 {
            return polygon.try_into().ok();
        }
        if let Some(corners) = rectangle(&polygon) {
            return Some(corners);
        }
        crooked += usize::from(polygon.len() == 4);
    }
    None
}
