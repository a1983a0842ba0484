//! The picture of a marker, found by normalised correlation at a few scales.
//!
//! OMRChecker's search (spec v1 5.3, spec v2 7.6). Lines and boxes that it draws into the searched picture are left
//! out: they are no part of the sheet.

use std::path::Path;

use image::GrayImage;

use super::super::super::Scratch;
use super::super::{LoadPicture, PrepareError};
use crate::geometry::{Rect, Size};
use crate::imaging::cutting::part;
use crate::imaging::matching::{Hunt, Marker};
use crate::imaging::{blur, morphology, resize, tone};
use crate::template::CropOnMarkers;

/// A marker has at least this many pixels on each side when it is searched: smaller ones resemble any letter.
const MIN_SIDE: u32 = 5;

/// What "erode-subtract" subtracts: the darkest pixel of a 5×5 window, five times over.
const ERODE: ((u32, u32), u32) = ((5, 5), 5);

/// A marker at the scales that are tried, filtered beforehand.
pub struct Picture {
    scales: Vec<Marker>,
    min_score: f32,
}

impl Picture {
    /// Loads, filters and scales a marker for a zone of `area`.
    ///
    /// # Errors
    /// A picture that cannot be loaded, shows nothing, or is larger than the zone at every scale.
    pub fn prepare(
        reference: &Path,
        size: Size,
        options: &CropOnMarkers,
        area: Rect,
        load: LoadPicture<'_>,
    ) -> Result<Self, PrepareError> {
        let picture = load(reference)?;
        // OMRChecker drops the first row and column of the marker's picture.
        let (w, h) = picture.dimensions();
        let rest = part(&picture, Rect::new(1, 1, w.saturating_sub(1), h.saturating_sub(1)));
        if rest.is_empty() {
            let detail = "the marker's picture is too small".to_owned();
            return Err(PrepareError::Asset { path: reference.to_path_buf(), detail });
        }
        let scaled = |percent: u32| {
            let side = |length: u32| (f64::from(length) * f64::from(percent) / 100.0) as u32;
            Size::new(side(size.width), side(size.height))
        };
        let sizes: Vec<Size> = scales(options).map(scaled).collect();
        let fitting = fitting(&sizes, Size::new(area.width, area.height));
        if fitting.is_empty() && !sizes.is_empty() {
            return Err(PrepareError::Impossible(format!(
                "is smaller ({}×{} px) than its marker at every scale; check `markerDimensions` and the zone's `margins`",
                area.width, area.height
            )));
        }
        check_sizes(size, &fitting, reference)?;
        let marker = filtered(&resize::linear(&rest, size), options.apply_erode_subtract, true);
        let markers = fitting.into_iter().map(|size| resize::linear(&marker, size)).collect();
        let scales = Marker::series(visible(markers, reference)?);
        Ok(Self { scales, min_score: options.min_matching_threshold as f32 })
    }

    /// The box of the marker within `area` of the searched picture (see [`searched`]) with its correlation, or why there is
    /// none.
    pub fn find(&self, searched: &GrayImage, area: Rect, scratch: &mut Scratch) -> Result<(Rect, f32), String> {
        let region = part(searched, area);
        let best = Hunt::new(&region, &self.scales).best(&mut scratch.matcher);
        let score = best.map_or(0.0, |found| found.place.score);
        let best = best.and_then(|found| Some((found.place, self.scales.get(found.marker)?.picture())));
        match best.filter(|(m, _)| m.score >= self.min_score) {
            Some((found, marker)) => {
                let place = Rect::new(area.x + found.at.x, area.y + found.at.y, marker.width(), marker.height());
                Ok((place, found.score))
            }
            None => Err(format!(
                "the best match has {score:.2}, {:.2} is needed (`minMatchingThreshold`); check that the marker is on the \
                 sheet and whole, and `markerDimensions`",
                self.min_score
            )),
        }
    }
}

/// The picture that markers are searched in. OMRChecker's switch acts on the marker as named and on the sheet the other
/// way round; templates are tuned for that.
pub fn searched(sheet: &GrayImage, apply_erode_subtract: bool) -> GrayImage {
    let mut searched = sheet.clone();
    if !apply_erode_subtract {
        subtract_erosion(&mut searched);
    }
    tone::stretch(&mut searched, tone::Flat::Black);
    searched
}

/// The scales to try in percent, the largest first, the lowest bound left out.
pub(super) fn scales(options: &CropOnMarkers) -> impl Iterator<Item = u32> {
    let (low, high) = options.rescale_range;
    let step = (high.saturating_sub(low) / options.rescale_steps.max(1)).max(1);
    (low + 1..=high).rev().step_by(step as usize)
}

/// The sizes of a marker that fit into what it is searched in. The others are found nowhere, and need not be made.
pub(super) fn fitting(sizes: &[Size], searched: Size) -> Vec<Size> {
    let fits = |size: &&Size| size.width <= searched.width && size.height <= searched.height;
    sizes.iter().filter(fits).copied().collect()
}

/// Refuses a marker that has too many pixels, as it is named or at all its scales together.
pub(super) fn check_sizes(named: Size, scaled: &[Size], picture: &Path) -> Result<(), PrepareError> {
    /// A marker has some ten thousand pixels, and ten scales.
    const MOST_PIXELS: u64 = 64 << 20;
    let all = scaled.iter().fold(0u64, |sum, size| sum.saturating_add(size.pixels()));
    if named.pixels() <= MOST_PIXELS && all <= MOST_PIXELS {
        return Ok(());
    }
    let detail = format!(
        "the marker has {named} pixels, and {all} at all its scales; at most {MOST_PIXELS} are searched; check the \
         marker's size and its rescale range and steps"
    );
    Err(PrepareError::Asset { path: picture.to_path_buf(), detail })
}

/// The scales at which a marker can be told from plain paper: it has pixels, and they differ. One without contrast would
/// fit everywhere.
pub(super) fn visible(markers: Vec<GrayImage>, picture: &Path) -> Result<Vec<GrayImage>, PrepareError> {
    let has_contrast = |marker: &GrayImage| {
        let (min, max) = tone::min_max(marker);
        max > min && marker.width().min(marker.height()) >= MIN_SIDE
    };
    let kept: Vec<GrayImage> = markers.into_iter().filter(has_contrast).collect();
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
pub(super) fn filtered(marker: &GrayImage, erode_subtract: bool, stretch_again: bool) -> GrayImage {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::MarkerSearch;

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

    fn prepared(ratio: f64, processing_size: Size, range: (u32, u32)) -> Result<(), String> {
        let load = |_: &Path| Ok(GrayImage::from_fn(20, 30, |x, y| image::Luma([(x * y) as u8])));
        let options = options(range, 100);
        let marker = (Path::new("m.png"), Some(ratio), 0.41);
        let prepared = super::super::one_scale::OneScale::prepare(&options, marker, processing_size, &load);
        match prepared {
            Ok(_) => Ok(()),
            Err(PrepareError::Asset { detail, .. }) => Err(detail),
            Err(_) => Err("another error".to_owned()),
        }
    }

    #[test]
    fn markers_of_any_size_are_made_ready_soon_or_refused() {
        assert_eq!(prepared(17.0, Size::new(666, 820), (35, 100)), Ok(()));
        // As wide as the page: the largest are left out, those that are made are not compared at each displacement.
        assert_eq!(prepared(1.0, Size::new(2000, 2000), (10, 100)), Ok(()));
        let refused = |ratio, size, range| prepared(ratio, size, range).unwrap_err();
        assert!(refused(1.0, Size::new(2000, 3000), (10, 100)).contains("pixels"), "all scales together");
        assert!(refused(1.0, Size::new(32_767, 2000), (1, 2)).contains("pixels"), "the marker as it is named");
        assert!(refused(1.0, Size::new(500, 100), (90, 100)).contains("larger than the processing image"));
    }
}
