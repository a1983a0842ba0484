//! A part of a page as a picture of its own.

use image::GrayImage;

use super::overlay::EncodeError;
use super::pixels;
use super::png::{self, Pixels};
use crate::geometry::{Rect, Size};

/// A part with more pixels is not enlarged: it is large enough to be seen, and would take much memory.
const MOST_ENLARGED: u64 = 1 << 20;

/// The part of `area` that lies on the page; a picture without pixels if there is none.
pub fn part(page: &GrayImage, area: Rect) -> GrayImage {
    let (x0, y0, x1, y1) = area.clipped(Size::new(page.width(), page.height()));
    let (width, height) = (x1 - x0, y1 - y0);
    let mut raw = Vec::with_capacity(width as usize * height as usize);
    if width > 0 {
        let rows = pixels(page).chunks_exact(page.width() as usize).skip(y0 as usize).take(height as usize);
        rows.for_each(|row| raw.extend_from_slice(&row[x0 as usize..x1 as usize]));
    }
    // As many pixels as rows and columns say.
    GrayImage::from_raw(width, height, raw).unwrap_or_default()
}

/// The part of `area` that lies on the page, each pixel as a square of `scale` × `scale`, which is 1 or more; `None` if there
/// is no such part. A part of over a million pixels keeps its size.
pub fn cut(page: &GrayImage, area: Rect, scale: u32) -> Option<GrayImage> {
    let (x0, y0, x1, y1) = area.clipped(Size::new(page.width(), page.height()));
    let size = Size::new(x1 - x0, y1 - y0);
    if size.pixels() == 0 {
        return None;
    }
    if scale <= 1 || size.pixels() > MOST_ENLARGED {
        return Some(part(page, area));
    }
    let (width, height) = (size.width.checked_mul(scale)?, size.height.checked_mul(scale)?);
    Some(GrayImage::from_fn(width, height, |x, y| *page.get_pixel(x0 + x / scale, y0 + y / scale)))
}

/// Encodes a gray picture as a PNG of 8 bits, unchanged.
///
/// # Errors
/// What the encoder says.
pub fn to_png(picture: &GrayImage) -> Result<Vec<u8>, EncodeError> {
    png::encode(Size::new(picture.width(), picture.height()), Pixels::Gray(picture.as_raw()), None)
}

#[cfg(test)]
mod tests {
    use image::Luma;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_cut_is_unchanged() {
        let page = GrayImage::from_fn(9, 7, |x, y| Luma([(20 * y + x) as u8]));
        let part = cut(&page, Rect::new(7, -2, 5, 4), 1).unwrap();
        assert_eq!((part.dimensions(), part.as_raw().as_slice()), ((2, 2), &[7, 8, 27, 28][..]));
        for area in [Rect::new(9, 0, 3, 3), Rect::new(0, 7, 3, 3), Rect::new(2, 2, 0, 3)] {
            assert!(super::part(&page, area).is_empty());
        }
        let large = cut(&page, Rect::new(8, 6, 5, 4), 3).unwrap();
        assert_eq!((large.dimensions(), large.as_raw().iter().all(|&gray| gray == 128)), ((3, 3), true));
        let decoded = image::load_from_memory(&to_png(&page).unwrap()).unwrap();
        assert_eq!(decoded.into_luma8(), page);
    }

    proptest! {
        #[test]
        fn any_box_is_cut_at_the_page(
            x in any::<i32>(), y in any::<i32>(), width in any::<u32>(), height in any::<u32>(), near in any::<bool>(),
        ) {
            let page = GrayImage::new(30, 20);
            let area = if near { Rect::new(x % 40, y % 30, width % 40, height % 30) } else { Rect::new(x, y, width, height) };
            let shares = |from: i32, side: u32, room: i64| {
                let (from, to) = (i64::from(from), i64::from(from) + i64::from(side));
                (to.min(room) - from.max(0)).max(0)
            };
            let (across, down) = (shares(area.x, area.width, 30), shares(area.y, area.height, 20));
            let part = cut(&page, area, 2);
            prop_assert_eq!(part.is_none(), across == 0 || down == 0);
            if let Some(part) = part {
                prop_assert_eq!((i64::from(part.width()), i64::from(part.height())), (2 * across, 2 * down));
            }
        }
    }
}
