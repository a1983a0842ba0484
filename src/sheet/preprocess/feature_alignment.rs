//! FeatureBasedAlignment: lays the sheet onto a reference picture of the same form.
//!
//! How the map is found is told in [`crate::imaging::registration`]. OMRChecker matches ORB features; what it reads is the
//! bar here, not its pixels, so `maxFeatures`, `goodMatchPercent` and `matcherType`, which tune its matching, have no
//! counterpart. As there, the step leaves the stretched picture at the reference's size, black where the sheet ends.

use image::GrayImage;

use super::{LoadPicture, PrepareError, Raster};
use crate::geometry::{Point, Size};
use crate::imaging::registration::{Reference, Registration, Support};
use crate::imaging::robust::Model;
use crate::imaging::sketch::Sketch;
use crate::imaging::warp::{self, Homography};
use crate::imaging::{resize, tone};
use crate::sheet::error::{Reason, SheetError};
use crate::sheet::stages::{Drawn, Kind, Stages};
use crate::template::{AlignmentModel, FeatureBasedAlignment};

/// Lays sheets onto a reference.
pub(super) struct Aligner {
    reference: Reference,
    model: Model,
}

impl Aligner {
    /// Loads the reference and chooses what of it is sought in each sheet. `size` is the size that the step works at.
    ///
    /// # Errors
    /// [`PrepareError`]: the reference cannot be loaded, or has too little print.
    pub fn prepare(options: &FeatureBasedAlignment, size: Size, load: LoadPicture<'_>) -> Result<Self, PrepareError> {
        let mut picture = resize::linear(&load(&options.reference)?, size);
        tone::stretch(&mut picture, tone::Flat::Keep);
        let reference = Reference::new(&picture).ok_or_else(|| PrepareError::Asset {
            path: options.reference.clone(),
            detail: format!(
                "FeatureBasedAlignment finds too little print in its reference, resized to {size}; take a picture of the \
                 whole blank form, or a larger processing size"
            ),
        })?;
        let model = match options.model {
            AlignmentModel::Affine => Model::Affine,
            AlignmentModel::Homography => Model::Homography,
        };
        Ok(Self { reference, model })
    }

    /// Lays the sheet onto the reference.
    ///
    /// # Errors
    /// alignment-failed: too little of the reference was found.
    pub fn apply(&self, mut raster: Raster, stages: &mut Stages) -> Result<Raster, SheetError> {
        tone::stretch(&mut raster.gray, tone::Flat::Keep);
        let size = self.reference.size();
        let found = if (raster.gray.width(), raster.gray.height()) == (size.width, size.height) {
            self.reference.register(&raster.gray, self.model)
        } else {
            self.reference.register(&resize::linear(&raster.gray, size), self.model)
        };
        let Registration { map, support } = found.map_err(failure)?;
        let from = Size::new(raster.gray.width(), raster.gray.height());
        let map = Homography::resizing(from, size).then(&map);
        stages.record(Kind::Found, |most| found_place(&raster.gray, &map, size, support, most));
        let unmoved =
            || SheetError::new(Reason::AlignmentFailed, "FeatureBasedAlignment found a map without a way back");
        Ok(Raster {
            gray: warp::through(&raster.gray, &map, size).ok_or_else(unmoved)?,
            colour: raster.colour.map(|colour| colour.through(&map, size)),
            unfiltered: match raster.unfiltered {
                Some(gray) => Some(warp::through(&gray, &map, size).ok_or_else(unmoved)?),
                None => None,
            },
        })
    }
}

/// The sheet with the outline of the reference where it was found.
fn found_place(sheet: &GrayImage, map: &Homography, reference: Size, support: Support, most: Size) -> Drawn {
    const OUTLINE: [u8; 3] = [0, 150, 40];
    let Support { sought, agreeing, rms } = support;
    let mut sketch = Sketch::of(sheet, most);
    if let Some(back) = map.inverse() {
        let (right, bottom) = (f64::from(reference.width) - 1.0, f64::from(reference.height) - 1.0);
        let corners = [(0.0, 0.0), (right, 0.0), (right, bottom), (0.0, bottom)];
        sketch.shape(&corners.map(|(x, y)| back.apply(Point::new(x, y))), 3, OUTLINE);
    }
    let notes = vec![format!("{agreeing} of {sought} details of the reference are where it says, within {rms:.2} px")];
    Drawn { title: "FeatureBasedAlignment: where the reference lies".to_owned(), notes, picture: sketch.finish() }
}

fn failure(support: Support) -> SheetError {
    let Support { sought, agreeing, .. } = support;
    SheetError::new(
        Reason::AlignmentFailed,
        format!(
            "FeatureBasedAlignment finds {agreeing} of {sought} details of the reference where the rest of the sheet has \
             them, which is too few or too near together; is this the same form, whole and upright?"
        ),
    )
}

#[cfg(test)]
mod tests;
