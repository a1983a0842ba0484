//! AutoRotate: which quarter turn makes the sheet upright? A reference picture, such as a printed arrow, is sought in all
//! four, and the turn in which it fits best is made.
//!
//! The picture is searched as it will be seen: at the processing size, after the turn. So a photo of a sheet that lies on
//! its side is resized once, after it was turned, and loses nothing against an upright one; OMRChecker resizes it first,
//! which squeezes one of its sides to half, and again after each turn.
//!
//! The reference is sought in several sizes, since a stamp in a photo is larger or smaller by the distance of the camera;
//! coarsely in all of the picture, then closely where each turn fits best.

use image::GrayImage;

use super::{LoadPicture, PrepareError, Raster};
use crate::geometry::{Rect, Size};
use crate::imaging::matching::{Matcher, Searched};
use crate::imaging::orient::{self, Turn};
use crate::imaging::resize;
use crate::imaging::sketch::Sketch;
use crate::sheet::error::{Reason, SheetError};
use crate::sheet::stages::{Drawn, Kind, Stages};
use crate::template::{AutoRotate, RotationThreshold};

/// Sizes of the reference that are sought, about 1: neighbours are near enough for a correlation to see them.
const SCALES: [f64; 9] = [1.0, 0.85, 1.18, 0.72, 1.39, 0.61, 1.64, 0.52, 1.93];
/// Sizes about the best of those.
const FINE_SCALES: [f64; 5] = [0.92, 0.96, 1.0, 1.04, 1.08];
/// The coarse search is done with at most this many pixels of a picture …
const COARSE_PIXELS: f64 = 110_000.0;
/// … but a reference keeps this many on its shorter side, or it has no shape.
const COARSE_SIDE: f64 = 10.0;
/// The close search is done with this many pixels on the reference's shorter side at most.
const FINE_SIDE: f64 = 48.0;
/// If the second-best turn fits as well as the best but for this, neither is sure. Noise moves a score by less.
const LEAST_LEAD: f64 = 0.03;
/// Without a threshold of the template, a best fit below this is no fit.
const LEAST_SCORE: f64 = 0.3;

/// The ways in which a sheet may lie, in the order of the turns that make it upright; of equal fits the first is taken.
const TURNS: [Turn; 4] = [Turn::None, Turn::ThreeQuarters, Turn::Half, Turn::Quarter];

/// Finds and makes the turn that a sheet needs.
pub(super) struct Rotator {
    reference: GrayImage,
    threshold: Option<RotationThreshold>,
    /// Size of the upright picture, for which the reference was made.
    processing_size: Size,
}

/// How well one way of lying fits.
struct Candidate {
    score: f64,
    scale: f64,
    /// Middle of the found place, as parts of the searched picture.
    middle: (f64, f64),
}

impl Rotator {
    /// Loads the reference.
    ///
    /// # Errors
    /// [`PrepareError`]: it cannot be loaded, or has no structure.
    pub fn prepare(options: &AutoRotate, processing_size: Size, load: LoadPicture<'_>) -> Result<Self, PrepareError> {
        let mut reference = load(&options.reference)?;
        if let Some(size) = options.marker_size {
            reference = resize::linear(&reference, size);
        }
        let unusable = |detail: String| PrepareError::Asset { path: options.reference.clone(), detail };
        if reference.iter().all(|v| Some(v) == reference.first()) {
            return Err(unusable(
                "AutoRotate's reference has one gray everywhere, so nothing can be found by it".into(),
            ));
        }
        let size = Size::new(reference.width(), reference.height());
        let least = SCALES.iter().fold(1.0f64, |least, s| least.min(*s));
        let fits = |side: u32, room: u32| f64::from(side) * least <= f64::from(room);
        if !fits(size.width, processing_size.width) || !fits(size.height, processing_size.height) {
            return Err(unusable(format!(
                "AutoRotate's reference has {size} pixels, which is larger than the sheet ({processing_size}); set \
                 `markerDimensions` to its size in the processing image"
            )));
        }
        Ok(Self { reference, threshold: options.threshold, processing_size })
    }

    /// Turns the picture and brings it to the processing size.
    ///
    /// # Errors
    /// orientation-uncertain: no turn fits well enough, or two do.
    pub fn apply(&self, raster: Raster, matcher: &mut Matcher, stages: &mut Stages) -> Result<Raster, SheetError> {
        let candidates = self.candidates(&raster.gray, matcher);
        let turn = self.chosen(&candidates)?;
        stages.record(Kind::Found, |most| Drawn {
            title: format!("AutoRotate: turned by {}°", turn.inverse().degrees()),
            notes: vec![format!("the reference fits with {}", scores(&candidates))],
            picture: Sketch::of(&orient::turned_back(raster.gray.clone(), turn), most).finish(),
        });
        Ok(raster.turned_back(turn).resized(self.processing_size))
    }

    /// Brings a picture that needs no turn to the processing size.
    pub fn keep(&self, raster: Raster) -> Raster {
        raster.resized(self.processing_size)
    }

    /// The turn that fits best, if it is sure.
    fn chosen(&self, candidates: &[Option<Candidate>; 4]) -> Result<Turn, SheetError> {
        let score = |i: usize| candidates[i].as_ref().map_or(0.0, |c| c.score);
        let best = (1..TURNS.len()).fold(0, |best, i| if score(i) > score(best) { i } else { best });
        let second = (0..TURNS.len()).filter(|&i| i != best).map(score).fold(0.0, f64::max);
        let goes_on = self.threshold.is_some_and(|t| t.passthrough);
        let least = self.threshold.map_or(LEAST_SCORE, |t| t.value);
        let found =
            |what: String| SheetError::new(Reason::OrientationUncertain, format!("{what} ({})", scores(candidates)));
        if score(best) < least && !goes_on {
            return Err(found(format!(
                "AutoRotate's reference fits with {:.2} at best, its threshold is {least}",
                score(best)
            )));
        }
        if score(best) >= least && score(best) - second < LEAST_LEAD {
            return Err(found("AutoRotate's reference fits two turns alike".to_owned()));
        }
        Ok(TURNS[best])
    }

    /// The best fit of each turn.
    fn candidates(&self, picture: &GrayImage, matcher: &mut Matcher) -> [Option<Candidate>; 4] {
        let shorter = f64::from(self.reference.width().min(self.reference.height()));
        let least = (COARSE_SIDE / shorter).min(1.0);
        let coarse = (COARSE_PIXELS / self.processing_size.pixels() as f64).sqrt().clamp(least, 1.0);
        let fine = (FINE_SIDE / shorter).clamp(coarse, 1.0);
        let mut found = [const { None }; 4];
        for quarter in [false, true] {
            let view = |share: f64| {
                let (width, height) = (self.processing_size.width, self.processing_size.height);
                let (width, height) = if quarter { (height, width) } else { (width, height) };
                mean_resized(picture, Size::new(scaled(width, share), scaled(height, share)))
            };
            let turns = || TURNS.into_iter().enumerate().filter(|(_, turn)| turn.is_sideways() == quarter);
            let (small, mut seen) = (view(coarse), view(fine));
            let mut searched = Searched::new(&small);
            // The largest comes first, so that the smaller ones find its transforms made.
            let mut scales = SCALES;
            scales.sort_by(|a, b| b.total_cmp(a));
            for scale in scales {
                for (i, turn) in turns() {
                    if matcher.deadline.has_passed() {
                        return found;
                    }
                    let stamp = self.stamp(turn, coarse * scale);
                    let Some(best) = matcher.best(&mut searched, &stamp) else { continue };
                    let score = f64::from(best.score);
                    if found[i].as_ref().is_none_or(|known: &Candidate| score > known.score) {
                        let middle = |at: i32, stamp: u32, all: u32| {
                            (f64::from(at) + f64::from(stamp) / 2.0) / f64::from(all.max(1))
                        };
                        let middle = (
                            middle(best.at.x, stamp.width(), small.width()),
                            middle(best.at.y, stamp.height(), small.height()),
                        );
                        found[i] = Some(Candidate { score, scale, middle });
                    }
                }
            }
            for (i, turn) in turns() {
                if let Some(candidate) = &mut found[i] {
                    candidate.score = self.close_score(&mut seen, turn, candidate, (coarse, fine), matcher);
                }
            }
        }
        found
    }

    /// The score near a candidate's place, in more detail and in sizes about its own.
    fn close_score(
        &self,
        seen: &mut GrayImage,
        turn: Turn,
        candidate: &Candidate,
        (coarse, fine): (f64, f64),
        matcher: &mut Matcher,
    ) -> f64 {
        let around = |middle: f64, all: u32, side: u32| {
            // The coarse place is right to a pixel or two, which are so many of these.
            let reach = 2.0 * fine / coarse + 2.0;
            let half = f64::from(side) * candidate.scale * fine * FINE_SCALES[4] / 2.0 + reach;
            ((middle * f64::from(all) - half).floor() as i32, (2.0 * half).ceil() as u32 + 1)
        };
        let upright = (self.reference.width(), self.reference.height());
        let (width, height) = if turn.is_sideways() { (upright.1, upright.0) } else { upright };
        let (x, wide) = around(candidate.middle.0, seen.width(), width);
        let (y, high) = around(candidate.middle.1, seen.height(), height);
        let mut near = Searched::within(seen, Rect::new(x, y, wide, high));
        let mut best: Option<f64> = None;
        for scale in FINE_SCALES.iter().rev() {
            let stamp = self.stamp(turn, fine * candidate.scale * scale);
            if let Some(found) = matcher.best(&mut near, &stamp) {
                best = Some(best.unwrap_or(-1.0).max(f64::from(found.score)));
            }
        }
        best.unwrap_or(candidate.score)
    }

    /// The reference as it lies in a picture that is turned like this.
    fn stamp(&self, turn: Turn, scale: f64) -> GrayImage {
        let size = Size::new(scaled(self.reference.width(), scale), scaled(self.reference.height(), scale));
        orient::turned(mean_resized(&self.reference, size), turn)
    }
}

/// How well the reference fits each turn, for a person.
fn scores(candidates: &[Option<Candidate>; 4]) -> String {
    let score = |i: usize| candidates[i].as_ref().map_or(0.0, |c| c.score);
    let all = TURNS.iter().enumerate().map(|(i, turn)| format!("{}°: {:.2}", turn.inverse().degrees(), score(i)));
    all.collect::<Vec<_>>().join(", ")
}

fn scaled(side: u32, factor: f64) -> u32 {
    (f64::from(side) * factor).round().max(1.0) as u32
}

/// A picture resized so that no pixel of it is left out: whole blocks become their means, and those are blended.
fn mean_resized(picture: &GrayImage, size: Size) -> GrayImage {
    let factor = |from: u32, to: u32| from / to.max(1);
    let factor = factor(picture.width(), size.width).min(factor(picture.height(), size.height));
    match factor {
        0 | 1 => resize::linear(picture, size),
        factor => resize::linear(&resize::shrunk(picture, factor), size),
    }
}

#[cfg(test)]
mod tests;
