//! v1's search for four markers: the scale that fits best anywhere serves all four quadrants (spec v1 5.3).

use image::GrayImage;

use super::super::super::Scratch;
use super::super::super::error::{Reason, SheetError};
use super::super::{LoadPicture, PrepareError};
use super::picture::{check_sizes, filtered, fitting, scales, visible};
use super::sighting::{Seen, Sighting};
use crate::geometry::{Point, Rect, Size};
use crate::imaging::matching::{Hunt, Marker};
use crate::imaging::resize;
use crate::template::CropOnMarkers;

/// Names of the quadrants, in the order of the corners of a quad.
const CORNERS: [&str; 4] = ["top-left", "top-right", "bottom-right", "bottom-left"];

/// The marker at the scales that are tried, filtered beforehand.
pub struct OneScale {
    markers: Vec<Marker>,
    min_score: f32,
    max_variation: f32,
}

impl OneScale {
    /// Loads, filters and scales the marker. `processing_size` is that of the picture that it is searched in; `ratio` divides its
    /// width.
    ///
    /// # Errors
    /// A picture that cannot be loaded, scales to nothing, or is larger than the searched one at every scale.
    pub fn prepare(
        options: &CropOnMarkers,
        (marker_file, ratio, max_variation): (&std::path::Path, Option<f64>, f64),
        processing_size: Size,
        load: LoadPicture<'_>,
    ) -> Result<Self, PrepareError> {
        let picture = load(marker_file)?;
        let size = match ratio {
            Some(ratio) => resize::by_width(&picture, f64::from(processing_size.width) / ratio.trunc().max(1.0)),
            None => Size::new(picture.width(), picture.height()),
        };
        // By height, the width following: OMRChecker's order of cutting to whole pixels.
        let scaled = |percent: u32| {
            let height = f64::from(size.height) * f64::from(percent) / 100.0;
            resize::by_height(size, height)
        };
        let sizes: Vec<Size> = scales(options).map(scaled).collect();
        let fitting = fitting(&sizes, processing_size);
        if fitting.is_empty() && !sizes.is_empty() {
            let detail = format!(
                "the marker has {size} pixels and is larger than the processing image ({processing_size}) at every scale; \
                 check `sheetToMarkerWidthRatio` and the rescale range"
            );
            return Err(PrepareError::Asset { path: marker_file.to_path_buf(), detail });
        }
        check_sizes(size, &fitting, marker_file)?;
        let marker = filtered(&resize::linear(&picture, size), options.apply_erode_subtract, false);
        let markers = fitting.into_iter().map(|size| resize::linear(&marker, size)).collect();
        Ok(Self {
            markers: Marker::series(visible(markers, marker_file)?),
            min_score: options.min_matching_threshold as f32,
            max_variation: max_variation as f32,
        })
    }

    /// The centres of the four markers, or which one is missing. What was seen in each quadrant is added to `sightings`.
    ///
    /// # Errors
    /// marker-not-found.
    pub fn find(
        &self,
        searched: &GrayImage,
        scratch: &mut Scratch,
        sightings: &mut Vec<Sighting<'_>>,
    ) -> Result<[Point; 4], SheetError> {
        let mut hunt = Hunt::new(searched, &self.markers);
        let best = hunt.best(&mut scratch.matcher).filter(|best| best.place.score > 0.0);
        let Some((best, marker)) = best.and_then(|best| Some((best, self.markers.get(best.marker)?.picture()))) else {
            return Err(SheetError::new(Reason::MarkerNotFound, "nothing in the picture resembles the marker"));
        };
        let anywhere = best.place;
        // The upper quadrants take a third of the height: the search of OMRChecker, which templates are tuned for.
        let (w, h) = searched.dimensions();
        let (right, lower) = (w / 2, h / 3);
        // Sides are within the limit of pixels, so the casts keep their values.
        let quadrants = [
            Rect::new(0, 0, right, lower),
            Rect::new(right as i32, 0, w - right, lower),
            Rect::new(right as i32, lower as i32, w - right, h - lower),
            Rect::new(0, lower as i32, right, h - lower),
        ];
        let mut centres = [Point::new(0.0, 0.0); 4];
        for (i, quadrant) in quadrants.into_iter().enumerate() {
            let found = hunt.best_in(quadrant, best.marker, &mut scratch.matcher);
            let score = found.map_or(0.0, |m| m.score);
            let place = found.map(|m| Rect::new(m.at.x, m.at.y, marker.width(), marker.height()));
            let is_alike = (anywhere.score - score).abs() < self.max_variation;
            let is_found = found.is_some() && score >= self.min_score && is_alike;
            let seen = Seen::of_box(place);
            sightings.push(Sighting { label: CORNERS[i], area: quadrant, score: Some(score), seen, is_found });
            let Some(found) = found.filter(|m| m.score >= self.min_score) else {
                return Err(missing(i, score, self.min_score, quadrant));
            };
            let variation = (anywhere.score - found.score).abs();
            if variation >= self.max_variation {
                let detail = format!(
                    "the {} marker fits with {score:.2}, the best one with {:.2}: they may differ by less than \
                     {} (`max_matching_variation`)",
                    CORNERS[i], anywhere.score, self.max_variation
                );
                return Err(SheetError::new(Reason::MarkerNotFound, detail));
            }
            let (half_w, half_h) = (f64::from(marker.width()) / 2.0, f64::from(marker.height()) / 2.0);
            centres[i] = Point::new(f64::from(found.at.x) + half_w, f64::from(found.at.y) + half_h);
        }
        Ok(centres)
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
