//! What a sheet is decoded from: a file, or what was taken out of a file with pages.

use std::sync::Arc;

use image::DynamicImage;
use image::metadata::Orientation;

use super::tiff::directory::PagePlace;
use super::{Decoded, Limits, Wanted, decode, from_gray, from_rgb, jpeg, tiff, upright};
use crate::sheet::error::SheetError;

/// What a sheet is decoded from. It can be decoded again.
#[derive(Debug, Clone)]
pub enum Scan {
    /// The bytes of a picture's file, of any format that is read.
    File(Vec<u8>),
    /// A page of a TIFF, whose bytes are shared by all its pages.
    TiffPage {
        /// The whole file.
        file: Arc<Vec<u8>>,
        /// Where the page lies in it.
        place: PagePlace,
    },
    /// A JPEG that lies on a page. What it says itself of its orientation does not count there.
    Jpeg {
        /// The bytes of the JPEG.
        bytes: Vec<u8>,
        /// How it lies on the page.
        lies: Orientation,
    },
    /// The pixels of a page, 8-bit gray or RGB.
    Pixels {
        /// The pixels.
        picture: DynamicImage,
        /// How they lie on the page.
        lies: Orientation,
    },
}

impl Scan {
    /// Decodes what the later stages want.
    ///
    /// # Errors
    /// As [`decode`].
    pub fn decode(&self, wanted: Wanted, limits: Limits) -> Result<Decoded, SheetError> {
        let (decoded, orientation) = match self {
            Self::File(bytes) => return decode(bytes, wanted, limits),
            Self::TiffPage { file, place } => tiff::page(file, *place, wanted, limits)?,
            Self::Jpeg { bytes, lies } => (jpeg::decode(bytes, wanted, limits)?.0, *lies),
            Self::Pixels { picture, lies } => {
                limits.accept(picture.width(), picture.height())?;
                let decoded = match picture {
                    DynamicImage::ImageLuma8(gray) => from_gray(gray.clone(), wanted),
                    picture => from_rgb(picture.to_rgb8(), wanted),
                };
                (decoded, *lies)
            }
        };
        Ok(upright(decoded, orientation))
    }
}

impl From<Vec<u8>> for Scan {
    fn from(bytes: Vec<u8>) -> Self {
        Self::File(bytes)
    }
}
