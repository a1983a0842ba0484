//! A page in its own colours with colours drawn on it: the picture that [`super::overlay`] makes of a gray page, for pages
//! that are colourful everywhere, and so in full colour.

use image::RgbImage;

use super::overlay::{EncodeError, JPEG_QUALITY, Overlay, Palette};

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

/// Comments of JPEGs stand in an application segment of this number, which no common format uses.
const COMMENT_SEGMENT: u8 = 11;

/// Encodes a picture as a JPEG with subsampled colour, with a comment if there is one.
///
/// # Errors
/// A side of no or over 65,535 pixels.
pub fn to_jpeg(picture: &RgbImage, comment: Option<&str>) -> Result<Vec<u8>, EncodeError> {
    let refused = || EncodeError(format!("{}×{} px is no size for a JPEG", picture.width(), picture.height()));
    let (width, height) = (u16::try_from(picture.width()), u16::try_from(picture.height()));
    let (Ok(width), Ok(height)) = (width, height) else { return Err(refused()) };
    let mut bytes = Vec::with_capacity(picture.as_raw().len() / 12);
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, JPEG_QUALITY);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_2);
    if let Some(comment) = comment {
        encoder
            .add_app_segment(COMMENT_SEGMENT, comment.as_bytes().to_vec())
            .map_err(|e| EncodeError(e.to_string()))?;
    }
    let encoded = encoder.encode(picture.as_raw(), width, height, jpeg_encoder::ColorType::Rgb);
    encoded.map_err(|e| EncodeError(e.to_string()))?;
    Ok(bytes)
}

/// Encodes a picture as a PNG of 8 bits a channel, unchanged, with a comment if there is one.
///
/// # Errors
/// What the encoder says.
pub fn to_png(picture: &RgbImage, comment: Option<&str>) -> Result<Vec<u8>, EncodeError> {
    let fail = |e: png::EncodingError| EncodeError(e.to_string());
    let mut bytes = Vec::with_capacity(picture.as_raw().len() / 3);
    let mut encoder = png::Encoder::new(&mut bytes, picture.width(), picture.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    if let Some(comment) = comment {
        encoder.add_text_chunk("Software".to_owned(), comment.to_owned()).map_err(fail)?;
    }
    let mut writer = encoder.write_header().map_err(fail)?;
    writer.write_image_data(picture.as_raw()).map_err(fail)?;
    writer.finish().map_err(fail)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;
    use crate::geometry::{Rect, Size};

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
