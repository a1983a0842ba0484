//! Answer sheets whose answers are known: a form is printed, filled in by hand and photographed, all in memory.
//!
//! The way of a sheet, a file for each step:
//! [`form`] (what stands where) → [`page`] (print, with [`figure`]s and [`code`]s) → [`answers`] (what is marked: the
//! truth) → [`fill`] with a [`pen`] → [`camera`] (scanner or phone) → [`encode`]. [`samples`] makes the folders under `samples/` that way.
//!
//! Everything is drawn from seeds by [`random`] and nothing depends on time, place or order of work, so the same seeds
//! give the same bytes.

pub mod answers;
pub mod camera;
pub mod canvas;
pub mod code;
pub mod encode;
pub mod figure;
pub mod fill;
pub mod for_template;
pub mod form;
pub mod marker;
pub mod page;
pub mod pen;
pub mod random;
pub mod samples;

/// Why a deck could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DeckError {
    /// A font inside the program is broken.
    #[error("a built-in font cannot be read")]
    Font,
    /// Labels of a layout.
    #[error(transparent)]
    Label(#[from] crate::labels::LabelError),
    /// The paper has no area in the picture.
    #[error("three corners of the paper lie on a line")]
    Corners,
    /// A picture beyond the limits of JPEG.
    #[error("a picture of {pixels} pixels a side is too large for a JPEG file")]
    TooLarge {
        /// Its width or height.
        pixels: u32,
    },
    /// The JPEG encoder failed.
    #[error("a JPEG file could not be encoded")]
    Jpeg(#[from] jpeg_encoder::EncodingError),
    /// The PNG encoder failed.
    #[error("a PNG file could not be encoded")]
    Png(#[from] image::ImageError),
    /// A text beyond what a code can say.
    #[error("`{text}` cannot be printed as a {code}")]
    Code {
        /// The text.
        text: String,
        /// The name of the code.
        code: &'static str,
    },
    /// A CSV could not be written.
    #[error("the table of answers could not be written")]
    Csv(#[from] csv::Error),
}
