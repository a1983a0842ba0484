//! The page: the straightened picture at the size that the template's coordinates refer to.

use image::GrayImage;

use super::preprocess::Raster;
use crate::geometry::Size;
use crate::imaging::jpeg::Planes;
use crate::imaging::orient::{self, Turn};
use crate::imaging::{resize, tone};

/// A page.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Its grays, stretched over the whole range.
    pub gray: GrayImage,
    /// The page in its own colours, as far as filters left the gray picture alone, if they are kept.
    pub colour: Option<Planes>,
    /// Its grays before filters changed them, stretched by their own range; `None`: no filter did.
    pub(super) unfiltered: Option<GrayImage>,
}

impl Page {
    /// The page of `size`, width × height in pixels, that a straightened picture shows.
    pub fn of(mut raster: Raster, size: Size, keeps_colour: bool) -> Self {
        raster.colour.take_if(|_| !keeps_colour);
        let Raster { mut gray, colour, mut unfiltered } = raster.resized(size);
        let colour = colour.map(|colour| colour.planes(unfiltered.as_ref().unwrap_or(&gray).clone()));
        for gray in std::iter::once(&mut gray).chain(&mut unfiltered) {
            tone::stretch(gray, tone::Flat::Keep);
        }
        Self { gray, colour, unfiltered }
    }

    /// The grays that ink is measured by: those before filters.
    pub fn inked(&self) -> &GrayImage {
        self.unfiltered.as_ref().unwrap_or(&self.gray)
    }

    /// A page of the same size of a sheet that lies turned like this, turned back.
    pub fn turned_back(&self, turn: Turn) -> Self {
        let size = Size::new(self.gray.width(), self.gray.height());
        let half = Planes::chroma_size(size);
        let turned = |plane: &GrayImage, size: Size| resize::linear(&orient::turned_back(plane.clone(), turn), size);
        Self {
            gray: turned(&self.gray, size),
            colour: self.colour.as_ref().map(|Planes { luma, chroma: [cb, cr] }| Planes {
                luma: turned(luma, size),
                chroma: [turned(cb, half), turned(cr, half)],
            }),
            unfiltered: self.unfiltered.as_ref().map(|gray| turned(gray, size)),
        }
    }
}
