//! CropPage: finds the paper as the largest rectangle in the picture's edges and straightens it.
//!
//! OMRChecker's method (spec v1 5.2, spec v2 7.5): edges of a picture whose white is cut off and whose print is closed
//! away; the hulls of the five largest contours; the first one that is a rectangle is the page.

use image::{GrayImage, RgbImage};

use super::super::error::{Reason, SheetError};
use super::Raster;
use crate::dialect::Dialect;
use crate::geometry::{PixelPoint, Quad};
use crate::imaging::{blur, contours, edges, morphology, polygon, tone, warp};
use crate::template::CropPage;

/// A page covers at least this many square pixels of the processing image, whatever its size. OMRChecker's number.
const MIN_AREA: f64 = 80_000.0;

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
    let raster = match options.rules {
        // v1 keeps the blur and the stretch in what it reads from.
        Dialect::V1 => {
            let mut gray = blur::gaussian(&raster.gray, (3, 3), 0.0);
            tone::stretch(&mut gray, tone::Flat::Black);
            Raster { gray, colour: raster.colour }
        }
        Dialect::V2Dev | Dialect::V2 => raster,
    };
    let hulls = candidates(&page_edges(&raster, options));
    let not_found = |detail: String| SheetError::new(Reason::PageNotFound, detail);
    let Some(largest) = hulls.first() else {
        return Err(not_found("no edges in the picture: is it blank?".to_owned()));
    };
    let size = raster.gray.dimensions();
    let total = f64::from(size.0) * f64::from(size.1);
    let corners = hulls.iter().filter(|hull| contours::area(hull) >= MIN_AREA).find_map(|hull| corners(hull, options));
    let Some(corners) = corners else {
        let share = 100.0 * contours::area(largest) / total;
        let needed = 100.0 * MIN_AREA / total;
        return Err(not_found(format!(
            "no rectangle of paper found: the largest outline covers {share:.0} % of the picture, a page needs \
             {needed:.0} % and four right angles; if the scan is the page itself, leave CropPage out of the template"
        )));
    };
    let quad = Quad::from_unordered(corners.map(Into::into));
    let straight = |gray: &GrayImage| warp::perspective(gray, &quad);
    let gray = straight(&raster.gray).ok_or_else(|| {
        not_found("the outline that was found has no upright corners: the page is turned by about 45°".to_owned())
    })?;
    let colour = raster.colour.and_then(|colour| warp::perspective_rgb(&colour, &quad));
    Ok(Raster { gray, colour })
}

/// The edges among which the page's outline is sought.
fn page_edges(raster: &Raster, options: &CropPage) -> GrayImage {
    let mut work = raster.gray.clone();
    tone::stretch(&mut work, tone::Flat::Keep);
    if options.rules != Dialect::V1 {
        tone::cap(&mut work, 210);
        tone::stretch(&mut work, tone::Flat::Keep);
    }
    if let (true, Some(colour)) = (options.colored_canny, &raster.colour) {
        blacken_coloured(&mut work, colour);
        return edges::canny(&work, CANNY.0, CANNY.1);
    }
    tone::cap(&mut work, 200);
    tone::stretch(&mut work, tone::Flat::Keep);
    if options.rules == Dialect::V1 || options.morph_kernel.1 > 1 {
        work = morphology::close(&work, options.morph_kernel, 1);
    }
    edges::canny(&work, CANNY.0, CANNY.1)
}

/// Makes everything black that is not nearly white paper: saturation above 40 of 255 or value below 180 of 255, in
/// OpenCV's 8-bit HSV.
fn blacken_coloured(gray: &mut GrayImage, colour: &RgbImage) {
    const MAX_SATURATION: u32 = 40;
    const MIN_VALUE: u32 = 180;
    for (to, from) in gray.iter_mut().zip(colour.as_raw().chunks_exact(3)) {
        let value = u32::from(from[0].max(from[1]).max(from[2]));
        let spread = value - u32::from(from[0].min(from[1]).min(from[2]));
        // Fixed point with 12 fractional bits: the reciprocal of the value is rounded, then the product.
        let saturation = if value == 0 { 0 } else { (spread * ((255 * 4096 + value / 2) / value) + 2048) >> 12 };
        if value < MIN_VALUE || saturation > MAX_SATURATION {
            *to = 0;
        }
    }
}

/// Hulls of the largest outlines, the largest first.
fn candidates(edges: &GrayImage) -> Vec<Vec<PixelPoint>> {
    let mut hulls: Vec<(f64, Vec<PixelPoint>)> = contours::find(edges)
        .iter()
        .map(|contour| polygon::convex_hull(contour))
        .map(|hull| (contours::area(&hull), hull))
        .collect();
    hulls.sort_by(|a, b| b.0.total_cmp(&a.0));
    hulls.into_iter().take(CANDIDATES).map(|(_, hull)| hull).collect()
}

/// The four corners of a hull, if it is a rectangle.
fn corners(hull: &[PixelPoint], options: &CropPage) -> Option<[PixelPoint; 4]> {
    match options.rules {
        Dialect::V1 | Dialect::V2Dev => {
            let polygon = polygon::approximate(hull, 0.025 * contours::perimeter(hull));
            rectangle(&polygon)
        }
        Dialect::V2 => corners_by_ladder(hull),
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
