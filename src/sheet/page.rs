//! The page: the straightened picture at the size that the template's coordinates refer to.

use image::{GrayImage, RgbImage};

use super::preprocess::{Colours, Raster};
use crate::geometry::Size;
use crate::imaging::colour::Coloured;
use crate::imaging::orient::Turn;
use crate::imaging::tone;

/// A page.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Its grays, stretched over the whole range.
    pub gray: GrayImage,
    /// Its own colours, if they are kept.
    pub colour: Option<RgbImage>,
    /// Its grays before filters changed them, stretched by their own range; `None`: no filter did.
    pub(super) unfiltered: Option<GrayImage>,
}

impl Page {
    /// The page of `size`, width × height in pixels, that a straightened picture shows.
    pub fn of(mut raster: Raster, size: Size, keeps_colour: bool) -> Self {
        raster.colour.take_if(|_| !keeps_colour);
        let Raster { mut gray, colour, mut unfiltered } = raster.resized(size);
        let colour = colour.map(|colour| colour.picture());
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
        let Page { gray, colour, unfiltered } = self.clone();
        let raster = Raster { gray, colour: colour.map(|colour| Colours::new(Coloured::rgb(colour))), unfiltered };
        let Raster { gray, colour, unfiltered } = raster.turned_back(turn).resized(size);
        Self { gray, colour: colour.map(|colour| colour.picture()), unfiltered }
    }
}
