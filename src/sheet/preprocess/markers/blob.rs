//! Dark areas of a zone: what dots and lines have in common.

use image::GrayImage;

use super::super::PrepareError;
use crate::geometry::{PixelPoint, Rect};
use crate::imaging::{blur, contours, edges, morphology, tone};
use crate::template::BlobTuning;

/// Canny thresholds of OMRChecker.
const CANNY: (i32, i32) = (55, 185);

/// Dark parts are joined by a window, so many times over.
pub const ITERATIONS: u32 = 3;

/// Only so many of a zone's largest areas are looked at.
pub const CANDIDATES: usize = 8;

/// Ink is darker than paper by this part of the paper's gray. Noise and shadows without a sharp edge differ by less, and
/// after a stretch they would be as black as ink.
const LEAST_CONTRAST: f64 = 0.2;

/// … and by so many gray levels, on paper that is almost black.
const LEAST_LEVELS: f64 = 16.0;

/// Thresholds are meant for paper as light as this, which scanners and well lit photos give.
const LIT_PAPER: u8 = 235;

/// A threshold lies at least this part of the way from ink to paper: below it, blurred or faint ink is lost piece by piece.
const LEAST_WAY: f64 = 0.4;

/// A mark covers more of its zone than this.
const INK: f64 = 0.01;

/// Checks that a zone has room for its blur.
///
/// # Errors
/// It has not; the message goes on after the zone's name.
pub fn has_room(tuning: &BlobTuning, area: Rect) -> Result<(), PrepareError> {
    match tuning.blur {
        Some((w, h)) if w > area.width || h > area.height => Err(PrepareError::Impossible(format!(
            "has {}×{} px with its margins, less than its blur kernel of {w}×{h}",
            area.width, area.height
        ))),
        _ if area.width == 0 || area.height == 0 => Err(PrepareError::Impossible("has no pixels".to_owned())),
        _ => Ok(()),
    }
}

/// The patch, blurred if that is asked for.
pub fn blurred(patch: &GrayImage, tuning: &BlobTuning) -> GrayImage {
    match tuning.blur {
        Some(kernel) => blur::gaussian(patch, kernel, 0.0),
        None => patch.clone(),
    }
}

/// Lightens a patch whose paper is dim, as if it had been lit well: a fixed threshold would take the paper for ink. Others
/// are left as they are.
pub fn brighten(patch: &mut GrayImage) {
    let paper = quantile(&histogram(patch), 0.75);
    if (1..LIT_PAPER).contains(&paper) {
        let gain = f64::from(LIT_PAPER) / f64::from(paper);
        patch.iter_mut().for_each(|v| *v = (f64::from(*v) * gain).min(255.0) as u8);
    }
}

/// The tuning with a threshold that the ink of this patch does not exceed.
pub fn for_ink_of(patch: &GrayImage, tuning: &BlobTuning) -> BlobTuning {
    let histogram = histogram(patch);
    let (ink, paper) = (f64::from(quantile(&histogram, INK)), f64::from(quantile(&histogram, 0.75)));
    let is_ink = paper - ink >= (LEAST_CONTRAST * paper).max(LEAST_LEVELS);
    let least = if is_ink { ink + LEAST_WAY * (paper - ink) } else { 0.0 };
    BlobTuning { threshold: tuning.threshold.max(least), ..*tuning }
}

/// The gray of the darkest ink of a patch that is no speck.
pub fn darkest_ink(patch: &GrayImage) -> u8 {
    quantile(&histogram(patch), INK)
}

fn histogram(patch: &GrayImage) -> [u32; 256] {
    let mut histogram = [0u32; 256];
    patch.iter().for_each(|&v| histogram[usize::from(v)] += 1);
    histogram
}

/// Cuts grays above the threshold and stretches the rest.
pub fn cap_and_stretch(patch: &mut GrayImage, tuning: &BlobTuning) {
    tone::cap(patch, tuning.threshold as u8);
    tone::stretch(patch, tone::Flat::Keep);
}

/// Joins the dark parts that are near each other, as if the patch lay on paper as light as its lightest pixel: with white
/// around it, windows of even size would bring in a white border.
pub fn joined(patch: &GrayImage, tuning: &BlobTuning) -> GrayImage {
    let (kernel_w, kernel_h) = tuning.kernel;
    // Further than the windows reach there is nothing to join.
    let (across, down) = (2 * kernel_w, 2 * kernel_h);
    let (w, h) = patch.dimensions();
    let mut padded = GrayImage::from_pixel(w + 2 * across, h + 2 * down, image::Luma([tone::min_max(patch).1]));
    image::imageops::replace(&mut padded, patch, i64::from(across), i64::from(down));
    // The lightest of the darkest pixels of windows: OMRChecker's opening of bright parts.
    let joined = morphology::open(&padded, tuning.kernel, ITERATIONS);
    image::imageops::crop_imm(&joined, across, down, w, h).to_image()
}

/// Outlines of the dark areas of a prepared patch, the largest first; of equal ones the one that was found first.
///
/// Those of their edges come first, as in OMRChecker. Where an edge has a gap, its outline runs around the edge in place
/// of the area; so the outlines of all that is clearly darker than paper follow.
pub fn outlines(prepared: &GrayImage) -> Vec<Vec<PixelPoint>> {
    /// A step from paper to this gray is the least that makes a strong edge.
    const DARKER: u8 = 255 - (CANNY.1 / 4) as u8;
    let (darkest, lightest) = tone::min_max(prepared);
    if darkest == lightest {
        return Vec::new();
    }
    let mut areas = prepared.clone();
    areas.iter_mut().for_each(|v| *v = if *v < DARKER { 255 } else { 0 });
    let mut outlines: Vec<_> = largest(contours::find(&edges::canny(prepared, CANNY.0, CANNY.1))).collect();
    outlines.extend(largest(contours::find_external(&areas)));
    outlines
}

fn largest(outlines: Vec<Vec<PixelPoint>>) -> impl Iterator<Item = Vec<PixelPoint>> {
    let mut outlines: Vec<(f64, Vec<PixelPoint>)> =
        outlines.into_iter().map(|outline| (contours::area(&outline), outline)).collect();
    outlines.sort_by(|a, b| b.0.total_cmp(&a.0));
    outlines.into_iter().take(CANDIDATES).map(|(_, outline)| outline)
}

/// How dark ink is, compared with the paper of its patch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contrast {
    /// Gray that a quarter of the patch exceeds.
    pub paper: u8,
    /// Gray that three quarters of the area exceed: gaps between dashes are part of a line.
    pub ink: u8,
}

impl Contrast {
    /// Of the pixels of `patch` in `area`.
    pub fn of(patch: &GrayImage, area: impl Iterator<Item = (i32, i32)>) -> Self {
        let paper = quantile(&histogram(patch), 0.75);
        let mut histogram = [0u32; 256];
        for (x, y) in area {
            if let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y))
                && let Some(pixel) = patch.get_pixel_checked(x, y)
            {
                histogram[usize::from(pixel.0[0])] += 1;
            }
        }
        Self { paper, ink: quantile(&histogram, 0.25) }
    }

    /// True when this can be ink on paper.
    pub fn is_ink(self) -> bool {
        let (paper, ink) = (f64::from(self.paper), f64::from(self.ink));
        paper - ink >= (LEAST_CONTRAST * paper).max(LEAST_LEVELS)
    }
}

/// The gray below which a part of the pixels lies; 255 for none.
fn quantile(histogram: &[u32; 256], part: f64) -> u8 {
    let total: u32 = histogram.iter().sum();
    let mut sum = 0;
    for (gray, count) in (0..=255).zip(histogram) {
        sum += count;
        if sum > 0 && f64::from(sum) >= part * f64::from(total) {
            return gray;
        }
    }
    255
}

#[cfg(test)]
mod tests {
    use image::Luma;

    use super::*;

    #[test]
    fn noise_is_no_ink() {
        let patch = GrayImage::from_fn(20, 20, |x, y| Luma([150 + ((x * 7 + y * 13) % 11) as u8]));
        let all = || (0..20).flat_map(|y| (0..20).map(move |x| (x, y)));
        assert!(!Contrast::of(&patch, all()).is_ink());
        let inked = GrayImage::from_fn(20, 20, |x, y| if x < 5 && y < 5 { Luma([40]) } else { *patch.get_pixel(x, y) });
        assert!(Contrast::of(&inked, all().filter(|(x, y)| *x < 5 && *y < 5)).is_ink());
        assert!(!Contrast::of(&inked, std::iter::empty()).is_ink());
    }

    #[test]
    fn joining_fills_gaps_that_the_windows_span() {
        let dashes = GrayImage::from_fn(9, 60, |x, y| Luma([if (3..6).contains(&x) && y % 12 < 6 { 0 } else { 255 }]));
        let tuning = BlobTuning { kernel: (1, 3), threshold: 180.0, blur: None };
        let joined = joined(&dashes, &tuning);
        assert!((6..48).all(|y| joined.get_pixel(4, y).0[0] == 0));
        assert!((0..60).all(|y| joined.get_pixel(0, y).0[0] == 255));
    }

    #[test]
    fn zones_need_room_for_their_blur() {
        let tuning = BlobTuning { kernel: (5, 5), threshold: 150.0, blur: Some((9, 9)) };
        assert!(has_room(&tuning, Rect::new(0, 0, 9, 9)).is_ok());
        assert!(has_room(&tuning, Rect::new(0, 0, 8, 9)).is_err());
        assert!(has_room(&BlobTuning { blur: None, ..tuning }, Rect::new(0, 0, 0, 9)).is_err());
    }
}
