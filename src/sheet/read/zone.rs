//! A zone of the page as a picture of its own, and how dark its ink is.

use image::{GrayImage, imageops};

use crate::geometry::{Rect, Size};

/// A zone whose darkest part is less than this much darker than its paper is blank, in gray levels. Noise and the
/// structure of paper are weaker; the faintest print that can be read is stronger.
const LEAST_CONTRAST: u8 = 24;

/// The part of `area` that lies on the page, and the place of its top-left pixel; `None` if there is none.
pub(super) fn cut(page: &GrayImage, area: Rect) -> Option<(GrayImage, (i32, i32))> {
    let (x0, y0, x1, y1) = area.clipped(Size::new(page.width(), page.height()));
    if x0 == x1 || y0 == y1 {
        return None;
    }
    // Pages have fewer than 2^15 pixels a side.
    Some((imageops::crop_imm(page, x0, y0, x1 - x0, y1 - y0).to_image(), (x0 as i32, y0 as i32)))
}

/// `area` with `reach` pixels more on each side.
pub(super) fn grown(area: Rect, reach: u32) -> Rect {
    let reach = reach.min(i32::MAX as u32);
    let (x, y) = (area.x.saturating_sub(reach as i32), area.y.saturating_sub(reach as i32));
    let more = reach.saturating_mul(2);
    Rect::new(x, y, area.width.saturating_add(more), area.height.saturating_add(more))
}

/// The grays of a zone's ink and paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tones {
    /// One pixel in 500 is darker.
    pub ink: u8,
    /// The gray of the paper: one pixel in 4 is brighter.
    pub paper: u8,
    /// One pixel in 500 is brighter.
    pub bright: u8,
}

impl Tones {
    /// The tones of a picture; of one without pixels, all white.
    pub fn of(picture: &GrayImage) -> Self {
        let mut counts = [0usize; 256];
        picture.pixels().for_each(|p| counts[usize::from(p.0[0])] += 1);
        let total: usize = counts.iter().sum();
        let gray_after = |pixels: usize| {
            let mut below = 0;
            let gray = counts.iter().position(|&count| {
                below += count;
                below > pixels
            });
            gray.map_or(255, |gray| gray as u8)
        };
        let last = |part: usize| total - total / part - usize::from(total > 0);
        Self { ink: gray_after(total / 500), paper: gray_after(last(4)), bright: gray_after(last(500)) }
    }

    /// True when there are no two tones: neither dark on light nor light on dark.
    pub fn is_flat(self) -> bool {
        self.bright.saturating_sub(self.ink) < LEAST_CONTRAST
    }

    /// True when nothing is printed or written on the paper.
    pub fn is_blank(self) -> bool {
        self.paper.saturating_sub(self.ink) < LEAST_CONTRAST
    }
}

#[cfg(test)]
mod tests {
    use image::Luma;

    use super::*;

    #[test]
    fn a_zone_is_cut_at_the_page() {
        let page = GrayImage::from_fn(10, 8, |x, y| Luma([(10 * y + x) as u8]));
        let (cut, origin) = cut(&page, Rect::new(-3, 6, 5, 9)).unwrap();
        assert_eq!((cut.dimensions(), origin, cut.get_pixel(1, 0).0[0]), ((2, 2), (0, 6), 61));
        assert_eq!(super::cut(&page, Rect::new(10, 0, 5, 5)), None);
        assert_eq!(super::cut(&page, Rect::new(-5, 0, 5, 5)), None);
    }

    #[test]
    fn growing_stays_in_range() {
        assert_eq!(grown(Rect::new(5, 6, 10, 20), 3), Rect::new(2, 3, 16, 26));
        grown(Rect::new(i32::MIN, i32::MAX, u32::MAX, 0), u32::MAX);
    }

    #[test]
    fn thin_print_counts_and_noise_does_not() {
        let mut page = GrayImage::from_fn(100, 100, |x, y| Luma([225 + ((x * 7 + y * 13) % 20) as u8]));
        assert!(Tones::of(&page).is_blank());
        (0..30).for_each(|x| page.put_pixel(x, 50, Luma([150])));
        let tones = Tones::of(&page);
        assert!(!tones.is_blank() && tones.ink <= 225 && tones.paper >= 235, "{tones:?}");
        assert!(Tones::of(&GrayImage::new(0, 0)).is_blank());
    }
}
