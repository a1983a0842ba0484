//! A dark dot of any shape.
//!
//! OMRChecker takes the largest outline of the zone (spec v2 7.6), whatever it is. Here it must be ink, compact and whole:
//! noise on an empty zone, a rule that passes through and a dot that is cut off are no dots, and a page that is
//! straightened by one of them would be read wrong.

use image::GrayImage;

use super::super::PrepareError;
use super::blob::{self, Contrast};
use crate::geometry::{PixelPoint, Rect};
use crate::imaging::contours;
use crate::template::BlobTuning;

/// An outline that fills less of its box is a scribble or a bent line.
const LEAST_FILLED: f64 = 0.3;

/// A dot that is longer is a line.
const LONGEST: f64 = 6.0;

/// A dot is at least this part as dark as the darkest ink of its zone: gray bars and letters beside it are no dots.
const LEAST_DARK: f64 = 0.5;

/// A dot with its tuning.
#[derive(Debug)]
pub struct Dot {
    tuning: BlobTuning,
}

impl Dot {
    /// A dot in a zone of `area`.
    ///
    /// # Errors
    /// The zone has no room for the blur.
    pub fn new(tuning: BlobTuning, area: Rect) -> Result<Self, PrepareError> {
        blob::has_room(&tuning, area)?;
        Ok(Self { tuning })
    }

    /// The picture in which outlines are sought: dark parts joined, paper cut off.
    pub fn searched(&self, patch: &GrayImage) -> GrayImage {
        let mut work = blob::joined(&blob::blurred(patch, &self.tuning), &self.tuning);
        blob::brighten(&mut work);
        let tuning = blob::for_ink_of(&work, &self.tuning);
        blob::cap_and_stretch(&mut work, &tuning);
        work
    }

    /// The dot's box in the patch, or why there is none.
    pub fn find(&self, patch: &GrayImage) -> Result<Rect, String> {
        let outlines = blob::outlines(&self.searched(patch));
        let mut problem = None;
        for outline in &outlines {
            match checked(patch, outline) {
                Ok(found) => return Ok(found),
                Err(what) => problem = problem.or(Some(what)),
            }
        }
        let problem = problem.unwrap_or_else(|| "nothing dark is there".to_owned());
        let threshold = self.tuning.threshold;
        Err(format!(
            "{problem}, expected a dark dot below gray {threshold} (`dotThreshold`); check that it is on the sheet and whole, \
             and the zone's `origin` and `margins`"
        ))
    }
}

/// The box of an outline, if it is a dot's.
fn checked(patch: &GrayImage, outline: &[PixelPoint]) -> Result<Rect, String> {
    let least = |value: fn(&PixelPoint) -> i32| outline.iter().map(value).min().unwrap_or(0);
    let (left, top, right, bottom) = (least(|p| p.x), least(|p| p.y), -least(|p| -p.x), -least(|p| -p.y));
    // Within a picture, so nothing overflows.
    let (width, height) = ((right - left + 1) as u32, (bottom - top + 1) as u32);
    let found = Rect::new(left, top, width, height);
    let here = format!("a dark area of {width}×{height} px");
    let (w, h) = (patch.width() as i32, patch.height() as i32);
    if left <= 0 || top <= 0 || right >= w - 1 || bottom >= h - 1 {
        return Err(format!("{here} reaches the edge of the zone"));
    }
    let (long, short) = (f64::from(width.max(height)), f64::from(width.min(height)));
    let filled = contours::area(outline) / ((f64::from(width) - 1.0) * (f64::from(height) - 1.0)).max(1.0);
    if short < 3.0 || long > LONGEST * short || filled < LEAST_FILLED {
        return Err(format!("{here} is no dot"));
    }
    let inside = (top + 1..bottom).flat_map(|y| (left + 1..right).map(move |x| (x, y)));
    let contrast = Contrast::of(patch, inside);
    if !contrast.is_ink() {
        return Err(format!("{here} has gray {} on paper of {}", contrast.ink, contrast.paper));
    }
    let darkest = blob::darkest_ink(patch);
    let darkness = |gray: u8| f64::from(contrast.paper) - f64::from(gray);
    if darkness(contrast.ink) < LEAST_DARK * darkness(darkest) {
        return Err(format!("{here} has gray {} beside ink of {darkest}", contrast.ink));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use image::Luma;
    use proptest::prelude::*;

    use super::*;
    use crate::imaging::arbitrary::picture;
    use crate::imaging::blur;

    fn dot() -> Dot {
        Dot { tuning: BlobTuning { kernel: (5, 5), threshold: 150.0, blur: None } }
    }

    /// A zone of paper with a black disc of this centre and radius.
    fn disc(x: i32, y: i32, radius: i32, more: impl Fn(i32, i32) -> Option<u8>) -> GrayImage {
        GrayImage::from_fn(80, 70, |px, py| {
            let (px, py) = (px as i32, py as i32);
            let inside = (px - x).pow(2) + (py - y).pow(2) <= radius * radius;
            Luma([if inside { 30 } else { more(px, py).unwrap_or(235) }])
        })
    }

    fn centre(found: Rect) -> (i32, i32) {
        (found.x + found.width as i32 / 2, found.y + found.height as i32 / 2)
    }

    #[track_caller]
    fn is_near(patch: &GrayImage, x: i32, y: i32) {
        let found = centre(dot().find(patch).unwrap());
        assert!((found.0 - x).abs() <= 1 && (found.1 - y).abs() <= 1, "{found:?} for ({x}, {y})");
    }

    #[test]
    fn dots_of_all_sizes_are_found() {
        for radius in [3, 5, 9, 20] {
            is_near(&disc(37, 30, radius, |_, _| None), 37, 30);
        }
    }

    #[test]
    fn a_dot_among_specks() {
        // Further than the windows join.
        let speck = |x: i32, y: i32| {
            let far = (x - 45).abs() > 24 || (y - 33).abs() > 24;
            (far && (x % 20) / 2 == 4 && (y % 16) / 3 == 2).then_some(60)
        };
        is_near(&disc(45, 33, 8, speck), 45, 33);
    }

    #[test]
    fn a_rule_through_the_zone_is_no_dot() {
        is_near(&disc(45, 40, 7, |_, y| (4..8).contains(&y).then_some(20)), 45, 40);
        let only = disc(-99, 0, 1, |_, y| (30..34).contains(&y).then_some(20));
        assert!(dot().find(&only).unwrap_err().contains("reaches the edge"));
    }

    #[test]
    fn a_dot_in_a_shadow() {
        is_near(&disc(30, 35, 7, |x, _| Some(230 - x as u8)), 30, 35);
        is_near(&disc(30, 35, 7, |x, y| Some(((230 - y) - (x * x) / 60).max(70) as u8)), 30, 35);
    }

    #[test]
    fn a_blurred_dot_and_a_dark_picture() {
        let blurred = blur::gaussian(&disc(36, 31, 7, |_, _| None), (9, 9), 2.0);
        is_near(&blurred, 36, 31);
        let mut dark = disc(36, 31, 7, |_, _| None);
        dark.iter_mut().for_each(|v| *v = *v / 3 + 5);
        is_near(&dark, 36, 31);
    }

    #[test]
    fn a_gray_bar_beside_a_dot_is_no_dot() {
        for factor in [1.0, 0.5, 0.3] {
            let bar = |x: i32, y: i32| ((30..70).contains(&x) && (10..22).contains(&y)).then_some(155);
            let mut patch = disc(30, 50, 6, bar);
            patch.iter_mut().for_each(|v| *v = (f64::from(*v) * factor) as u8);
            is_near(&patch, 30, 50);
        }
    }

    #[test]
    fn an_empty_zone_has_no_dot() {
        for level in [60, 140, 250] {
            let even = GrayImage::from_pixel(60, 60, Luma([level]));
            assert!(dot().find(&even).is_err());
            let noise = GrayImage::from_fn(60, 60, |x, y| Luma([level - ((x * 31 + y * 17 + x * y) % 9) as u8]));
            assert!(dot().find(&noise).is_err(), "{level}");
        }
        assert!(dot().find(&GrayImage::new(0, 0)).is_err());
    }

    #[test]
    fn a_dot_that_is_cut_off_is_told() {
        let problem = dot().find(&disc(2, 30, 8, |_, _| None)).unwrap_err();
        assert!(problem.contains("reaches the edge of the zone") && problem.contains("dotThreshold"), "{problem}");
    }

    proptest! {
        #[test]
        fn any_patch_is_survived(patch in picture(12, 12), w in 1..40u32, h in 1..40u32, threshold in 0.0..255.0f64) {
            let _ = Dot { tuning: BlobTuning { kernel: (w, h), threshold, blur: Some((3, 3)) } }.find(&patch);
        }
    }
}
