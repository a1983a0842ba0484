//! The page: the straightened picture at the size that the template's coordinates refer to.

use image::{GrayImage, RgbImage};

use super::preprocess::Raster;
use crate::geometry::Size;
use crate::imaging::orient::Turn;
use crate::imaging::tone;

/// A page.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Its grays, stretched over the whole range.
    pub gray: GrayImage,
    /// Its own colours, if they are kept.
    pub colour: Option<RgbImage>,
}

impl Page {
    /// The page of `size`, width × height in pixels, that a straightened picture shows.
    pub fn of(raster: Raster, size: Size, keeps_colour: bool) -> Self {
        let colour = raster.colour.filter(|_| keeps_colour);
        let Raster { mut gray, colour } = Raster { gray: raster.gray, colour }.resized(size);
        tone::stretch(&mut gray, tone::Flat::Keep);
        Self { gray, colour }
    }

    /// A page of the same size of a sheet that lies turned like this, turned back.
    pub fn turned_back(&self, turn: Turn) -> Self {
        let size = Size::new(self.gray.width(), self.gray.height());
        let raster = Raster { gray: self.gray.clone(), colour: self.colour.clone() };
        let Raster { gray, colour } = raster.turned_back(turn).resized(size);
        Self { gray, colour }
    }
}
