//! A page in its own colours with colours drawn on it: the picture that [`super::overlay`] makes of a gray page, for pages
//! that are colourful everywhere, and so in full colour.

use image::RgbImage;

use super::colour;
use super::jpeg::{self, Picture, Planes};
use super::overlay::{EncodeError, JPEG_QUALITY, Overlay, Palette};
use super::png::{self, Pixels};
use crate::geometry::Size;

/// The page with what is drawn over it. Where the two differ in size, what both have is drawn.
pub fn compose(page: &RgbImage, overlay: &Overlay, palette: Palette<'_>) -> RgbImage {
    let mut picture = page.clone();
    let width = page.width() as usize;
    for (y, line) in picture.chunks_exact_mut(3 * width.max(1)).enumerate() {
        for (x, numbers) in overlay.spans(y) {
            let pixels = line.get_mut(3 * x..).unwrap_or_default().chunks_exact_mut(3);
            for (pixel, &number) in pixels.zip(numbers) {
                if let Some(colour) = palette.colour(number) {
                    pixel.copy_from_slice(&colour);
                }
            }
        }
    }
    picture
}

/// The page in red, green and blue; where a picture has four luma values for each chroma, they share it.
pub fn from_planes(page: &Planes) -> RgbImage {
    colour::rgb_of(&page.luma, &page.chroma)
}

/// Encodes the page with its overlay as a JPEG with subsampled colour.
///
/// # Errors
/// A side of no or over 65,535 pixels.
pub fn marked_jpeg(page: &Planes, overlay: &Overlay, palette: Palette<'_>) -> Result<Vec<u8>, EncodeError> {
    jpeg_of(Picture::Planes(page), overlay, palette, None)
}

/// Encodes a picture as a JPEG with subsampled colour, with a comment if there is one.
///
/// # Errors
/// A side of no or over 65,535 pixels, a comment of over 65,533 bytes.
pub fn to_jpeg(picture: &RgbImage, comment: Option<&str>) -> Result<Vec<u8>, EncodeError> {
    jpeg_of(Picture::Colour(picture), &Overlay::new(Size::new(0, 0)), Palette(&[]), comment)
}

fn jpeg_of(
    picture: Picture<'_>,
    overlay: &Overlay,
    palette: Palette<'_>,
    comment: Option<&str>,
) -> Result<Vec<u8>, EncodeError> {
    let (width, height) = picture.size();
    let refused = || EncodeError(format!("{width}×{height} px is no size for a JPEG"));
    jpeg::encode(picture, overlay, palette, JPEG_QUALITY, comment).ok_or_else(refused)
}

/// Encodes a picture as a PNG of 8 bits a channel, unchanged, with a comment if there is one.
///
/// # Errors
/// What the encoder says.
pub fn to_png(picture: &RgbImage, comment: Option<&str>) -> Result<Vec<u8>, EncodeError> {
    png::encode(Size::new(picture.width(), picture.height()), Pixels::Colour(picture.as_raw()), comment)
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;
    use crate::geometry::Rect;

    fn page() -> RgbImage {
        RgbImage::from_fn(40, 30, |x, y| Rgb([(x * 5) as u8, (y * 7) as u8, 90]))
    }

    fn composed() -> RgbImage {
        let mut overlay = Overlay::new(Size::new(40, 30));
        overlay.outline(Rect::new(8, 8, 16, 16), 2, 0);
        compose(&page(), &overlay, Palette(&[[255, 0, 0]]))
    }

    #[test]
    fn the_page_keeps_its_colours_beside_the_drawing() {
        let back = image::load_from_memory(&to_png(&composed(), None).unwrap()).unwrap().into_rgb8();
        for (x, y, pixel) in back.enumerate_pixels() {
            let is_inside = |from, to| (from..to).contains(&x) && (from..to).contains(&y);
            let is_frame = is_inside(8, 24) && !is_inside(10, 22);
            assert_eq!(*pixel, if is_frame { Rgb([255, 0, 0]) } else { *page().get_pixel(x, y) }, "({x}, {y})");
        }
    }

    #[test]
    fn a_jpeg_shows_the_colours_of_the_page() {
        let back = image::load_from_memory(&to_jpeg(&composed(), None).unwrap()).unwrap().into_rgb8();
        let (found, drawn) = (back.get_pixel(36, 2).0, page().get_pixel(36, 2).0);
        assert!(found.iter().zip(drawn).all(|(a, b)| a.abs_diff(b) < 30), "{found:?} for {drawn:?}");
    }

    #[test]
    fn a_drawing_of_another_size_and_an_empty_page_are_no_trouble() {
        let mut overlay = Overlay::new(Size::new(3, 2));
        overlay.outline(Rect::new(0, 0, 3, 2), 2, 0);
        let drawn = compose(&page(), &overlay, Palette(&[[255, 0, 0]]));
        assert_eq!((drawn.get_pixel(2, 1).0, drawn.get_pixel(3, 1)), ([255, 0, 0], page().get_pixel(3, 1)));
        assert!(to_jpeg(&RgbImage::new(0, 0), None).is_err());
    }
}
