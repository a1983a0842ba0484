//! FeatureBasedAlignment: lays the sheet onto a reference picture of the same form.
//!
//! How the map is found is told in [`crate::imaging::registration`]. OMRChecker matches ORB features; what it reads is the
//! bar here, not its pixels, so `maxFeatures`, `goodMatchPercent` and `matcherType`, which tune its matching, have no
//! counterpart. As there, the step leaves the stretched picture at the reference's size, black where the sheet ends.

use image::GrayImage;

use super::{LoadPicture, PrepareError, Raster};
use crate::geometry::Size;
use crate::imaging::registration::{Reference, Support};
use crate::imaging::robust::Model;
use crate::imaging::warp::{self, Homography};
use crate::imaging::{resize, tone};
use crate::sheet::error::{Reason, SheetError};
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
    pub fn apply(&self, mut raster: Raster) -> Result<Raster, SheetError> {
        tone::stretch(&mut raster.gray, tone::Flat::Keep);
        let size = self.reference.size();
        let found = if (raster.gray.width(), raster.gray.height()) == (size.width, size.height) {
            self.reference.register(&raster.gray, self.model)
        } else {
            self.reference.register(&resize::linear(&raster.gray, size), self.model)
        };
        let map = found.map(|found| between_sizes(&raster.gray, size).then(&found.map)).map_err(failure)?;
        let unmoved =
            || SheetError::new(Reason::AlignmentFailed, "FeatureBasedAlignment found a map without a way back");
        Ok(Raster {
            gray: warp::through(&raster.gray, &map, size).ok_or_else(unmoved)?,
            colour: match raster.colour {
                Some(colour) => Some(warp::through_rgb(&colour, &map, size).ok_or_else(unmoved)?),
                None => None,
            },
        })
    }
}

/// Takes points of a picture to those of the same resized.
fn between_sizes(from: &GrayImage, to: Size) -> Homography {
    let scale = |from: u32, to: u32| f64::from(to) / f64::from(from.max(1));
    let (x, y) = (scale(from.width(), to.width), scale(from.height(), to.height));
    // Pixel centres: the edges of the pictures are half a pixel outside of them.
    Homography([x, 0.0, (x - 1.0) / 2.0, 0.0, y, (y - 1.0) / 2.0, 0.0, 0.0, 1.0])
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
