//! A page that is more than one picture is drawn, as a viewer shows it, on white.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hayro::hayro_interpret::{InterpreterSettings, InterpreterWarning};
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings};
use hayro_syntax::page::Page;
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, RgbImage};

use super::{claims, content};
use crate::pages::Resolution;
use crate::sheet::decode::Limits;
use crate::sheet::decode::scan::Scan;
use crate::sheet::{Reason, SheetError};

/// Draws a page, as large as `resolution` has it, or as pictures may be if that is less.
///
/// # Errors
/// Its content is damaged, or asks for more than any sheet has.
pub fn scan(page: &Page<'_>, resolution: Resolution, limits: Limits) -> Result<Scan, SheetError> {
    claims::check(page, limits)?;
    if content::shows_what_is_lost(page) {
        let detail = "the page shows a picture or a form that is not in the file; copy or scan it again";
        return Err(SheetError::new(Reason::Corrupt, detail));
    }
    if page.raw().contains_key(b"Contents".as_slice()) && page.page_stream().is_none() {
        return Err(SheetError::new(Reason::Corrupt, "what is drawn on the page cannot be unpacked"));
    }
    let has_lost_picture = Arc::new(AtomicBool::new(false));
    let lost = Arc::clone(&has_lost_picture);
    let settings = InterpreterSettings {
        warning_sink: Arc::new(move |warning| match warning {
            InterpreterWarning::ImageDecodeFailure => lost.store(true, Ordering::Relaxed),
            other => tracing::debug!("a page of a PDF: {other:?}"),
        }),
        ..InterpreterSettings::default()
    };
    let (width, height) = page.render_dimensions();
    let scale = f32::from(resolution.longer_side) / width.max(height).max(1.0);
    let scale = scale.min(largest_scale((width, height), limits.max_pixels));
    // The library cuts to whole pixels, of which there is at least one.
    let of_side = |side: f32| (side * scale).round().max(1.0) + 0.25;
    let size = PixmapSettings { x_scale: of_side(width) / width, y_scale: of_side(height) / height, bg_color: WHITE };
    let pixmap = hayro::render(page, &RenderCache::new(), &settings, &RenderSettings::default(), &size);
    if has_lost_picture.load(Ordering::Relaxed) {
        return Err(SheetError::new(Reason::Corrupt, "a picture on the page cannot be read"));
    }
    let (width, height) = (u32::from(pixmap.width()), u32::from(pixmap.height()));
    let pixels = pixmap.data_as_u8_slice();
    let is_gray = pixels.chunks_exact(4).all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]);
    let picture = if is_gray {
        let gray = pixels.chunks_exact(4).map(|pixel| pixel[0]).collect();
        GrayImage::from_raw(width, height, gray).map(DynamicImage::ImageLuma8)
    } else {
        let rgb = pixels.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
        RgbImage::from_raw(width, height, rgb).map(DynamicImage::ImageRgb8)
    };
    let picture = picture.ok_or_else(|| SheetError::new(Reason::InternalError, "a drawn page without pixels"))?;
    Ok(Scan::Pixels { picture, lies: Orientation::NoTransforms })
}

/// The largest scale at which a page of this size has at most so many pixels, however its sides are rounded.
fn largest_scale((width, height): (f32, f32), most: u64) -> f32 {
    /// Single precision must not add a pixel.
    const SURE: f64 = 1.0 - 1e-6;
    let (width, height) = (f64::from(width).max(1.0), f64::from(height).max(1.0));
    // The solution of (width · scale + ½) (height · scale + ½) = most.
    let (area, half) = (width * height, (width + height) / 4.0);
    let scale = ((half * half + area * (most as f64 - 0.25)).max(0.0).sqrt() - half) / area;
    (scale.max(0.0) * SURE) as f32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pages_are_drawn_as_large_as_they_may_be(
            (width, height) in (50f32..5000.0, 50f32..5000.0), most in 10_000u64..200_000_000,
        ) {
            let scale = largest_scale((width, height), most);
            let side = |side: f32| u64::from((side * scale).round() as u32);
            prop_assert!(side(width) * side(height) <= most);
            // A row and a column more would be too many.
            prop_assert!((side(width) + 2) * (side(height) + 2) > most);
        }
    }
}
