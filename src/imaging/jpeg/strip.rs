//! Sixteen rows of a picture as planes of a JPEG: luma, and both chromas at half the size, with what is drawn over it.

use image::GrayImage;

use super::transform::{LANES, ROW};
use super::{BLOCK, UNIT};
use crate::imaging::overlay::{Overlay, Palette};
use crate::imaging::pixels;

/// Units whose luma blocks of one row are transformed together.
pub const UNITS: usize = LANES / 2;

/// Chroma of what has no colour.
const NEUTRAL: u8 = 128;

/// The planes. Their rows are filled up to whole groups of [`UNITS`] units, up to whole units by repeating the last pixel.
pub struct Strip {
    width: usize,
    height: usize,
    luma: Vec<u8>,
    /// In each row of a group, Cb of its units, then Cr. Only filled where `coloured` says so.
    chroma: Vec<u8>,
    /// For each unit: does it have a colour?
    coloured: Vec<bool>,
}

impl Strip {
    /// For a picture of this size, neither side 0.
    pub fn new(width: usize, height: usize) -> Self {
        let groups = width.div_ceil(ROW);
        Self {
            width,
            height,
            luma: vec![0; groups * ROW * UNIT],
            chroma: vec![NEUTRAL; groups * ROW * BLOCK],
            coloured: vec![false; groups * UNITS],
        }
    }

    fn stride(&self) -> usize {
        self.width.div_ceil(ROW) * ROW
    }

    /// The number of groups.
    pub fn groups(&self) -> usize {
        self.width.div_ceil(ROW)
    }

    /// Which units of a group have a colour; those beyond the picture are left out.
    pub fn units(&self, group: usize) -> &[bool] {
        let end = self.width.div_ceil(UNIT).min((group + 1) * UNITS);
        self.coloured.get(group * UNITS..end).unwrap_or_default()
    }

    /// Eight rows of luma of a group: its upper half (0) or its lower one (1).
    #[inline(always)]
    pub fn luma(&self, group: usize, half: usize) -> [&[u8; ROW]; BLOCK] {
        rows(&self.luma, self.stride(), group, half * BLOCK)
    }

    /// Eight rows of chroma of a group.
    #[inline(always)]
    pub fn chroma(&self, group: usize) -> [&[u8; ROW]; BLOCK] {
        rows(&self.chroma, self.stride(), group, 0)
    }

    /// Takes the rows from `top` on of a gray page; below its last row, that is repeated.
    pub fn load_gray(&mut self, page: &GrayImage, drawing: &Drawing<'_>, top: usize) {
        self.coloured.fill(false);
        let (width, stride) = (self.width, self.stride());
        for (row, line) in self.luma.chunks_exact_mut(stride).enumerate() {
            let y = (top + row).min(self.height - 1);
            line[..width].copy_from_slice(&pixels(page)[y * width..][..width]);
            let last = line[width - 1];
            line[width..].fill(last);
        }
        let down = top / UNIT;
        for (across, coloured) in self.coloured.iter_mut().enumerate().take(width.div_ceil(UNIT)) {
            *coloured = drawing.overlay.is_drawn(across, down);
            if *coloured {
                let luma = &mut self.luma[across * UNIT..];
                let chroma = &mut self.chroma[across / UNITS * ROW + across % UNITS * BLOCK..];
                drawing.over_gray((across, down), self.height - 1, stride, luma, chroma);
            }
        }
    }
}

#[inline(always)]
fn rows(plane: &[u8], stride: usize, group: usize, top: usize) -> [&[u8; ROW]; BLOCK] {
    std::array::from_fn(|row| {
        let from = (top + row) * stride + group * ROW;
        plane.get(from..from + ROW).and_then(|row| row.try_into().ok()).unwrap_or(&[NEUTRAL; ROW])
    })
}

/// What is drawn over a page, in the colours of the format.
pub struct Drawing<'a> {
    overlay: &'a Overlay,
    /// Luma for each number of the overlay; `None` where the page shows.
    luma: [Option<u8>; 256],
    /// Cb and, 16 bits higher, Cr for each number, less those of no colour. Sums of them are right modulo 2³².
    chroma: [u32; 256],
}

impl<'a> Drawing<'a> {
    pub fn new(overlay: &'a Overlay, palette: Palette<'_>) -> Self {
        let (mut luma, mut chroma) = ([None; 256], [0; 256]);
        for number in 0..=255 {
            let Some(colour) = palette.colour(number) else { continue };
            let [y, cb, cr] = ycbcr(colour);
            luma[usize::from(number)] = Some(y);
            chroma[usize::from(number)] = both(cb, cr).wrapping_sub(both(NEUTRAL, NEUTRAL));
        }
        Self { overlay, luma, chroma }
    }

    /// Draws on the luma of a unit that begins with `luma`, and sets its chroma. `last` is the page's last row.
    fn over_gray(
        &self,
        (across, down): (usize, usize),
        last: usize,
        stride: usize,
        luma: &mut [u8],
        chroma: &mut [u8],
    ) {
        let mut sums = [[4 * both(NEUTRAL, NEUTRAL); BLOCK]; BLOCK];
        for (row, line) in luma.chunks_mut(stride).enumerate().take(UNIT) {
            let numbers = self.numbers(across, (down * UNIT + row).min(last));
            if numbers == [0; UNIT] {
                continue;
            }
            for (x, (to, &number)) in line.iter_mut().zip(&numbers).enumerate() {
                let number = usize::from(number);
                *to = self.luma[number].unwrap_or(*to);
                let sum = &mut sums[row / 2][x / 2];
                *sum = sum.wrapping_add(self.chroma[number]);
            }
        }
        for (line, sums) in chroma.chunks_mut(stride).zip(&sums) {
            for (i, sum) in sums.iter().enumerate() {
                // The means of four.
                let mean = |sum: u32| ((sum + 2) / 4) as u8;
                if let Some(cb) = line.get_mut(i) {
                    *cb = mean(sum & 0xffff);
                }
                if let Some(cr) = line.get_mut(ROW / 2 + i) {
                    *cr = mean(sum >> 16);
                }
            }
        }
    }

    /// A row of a unit of the overlay; beyond its edge the last number is repeated.
    fn numbers(&self, across: usize, y: usize) -> [u8; UNIT] {
        let span = self.overlay.span(across, y);
        let mut numbers = [span.last().copied().unwrap_or(0); UNIT];
        for (to, &number) in numbers.iter_mut().zip(span) {
            *to = number;
        }
        numbers
    }
}

fn both(cb: u8, cr: u8) -> u32 {
    u32::from(cb) | u32::from(cr) << 16
}

/// JFIF's conversion of a colour.
fn ycbcr([r, g, b]: [u8; 3]) -> [u8; 3] {
    let [r, g, b] = [r, g, b].map(f64::from);
    let y = 0.299 * r + 0.587 * g + 0.114 * b;
    let cb = 128.0 - 0.168_735_9 * r - 0.331_264_1 * g + 0.5 * b;
    let cr = 128.0 + 0.5 * r - 0.418_687_6 * g - 0.081_312_4 * b;
    [y, cb, cr].map(|v| v.round().clamp(0.0, 255.0) as u8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::geometry::{Rect, Size};
    use crate::imaging::arbitrary;

    const PALETTE: Palette<'_> = Palette(&[[200, 30, 30], [20, 60, 220]]);

    /// Luma and both chromas of a pixel; the last ones are repeated beyond the page.
    fn plain(page: &GrayImage, overlay: &Overlay, x: usize, y: usize) -> [u8; 3] {
        let (x, y) = (x.min(page.width() as usize - 1), y.min(page.height() as usize - 1));
        let number = overlay.span(x / UNIT, y)[x % UNIT];
        PALETTE.colour(number).map_or([page.get_pixel(x as u32, y as u32).0[0], 128, 128], ycbcr)
    }

    proptest! {
        #[test]
        fn a_strip_has_the_page_and_what_is_drawn(
            page in arbitrary::picture(150, 40),
            frame in (-9i32..150, -9i32..40, 1u32..40, 1u32..40),
            ink in 0u8..2,
        ) {
            prop_assume!(!page.is_empty());
            let mut overlay = Overlay::new(Size::new(page.width(), page.height()));
            overlay.outline(Rect::new(frame.0, frame.1, frame.2, frame.3), 3, ink);
            let (width, height) = (page.width() as usize, page.height() as usize);
            let mut strip = Strip::new(width, height);
            for top in (0..height).step_by(UNIT) {
                strip.load_gray(&page, &Drawing::new(&overlay, PALETTE), top);
                for x in 0..width.next_multiple_of(UNIT) {
                    let is_coloured = strip.units(x / ROW)[x % ROW / UNIT];
                    for y in 0..UNIT {
                        let row = strip.luma(x / ROW, y / BLOCK)[y % BLOCK];
                        let [luma, ..] = plain(&page, &overlay, x, top + y);
                        // Beyond the page, what is drawn at its edge may be repeated or not.
                        prop_assert!(row[x % ROW] == luma || x >= width);
                    }
                    for (plane, y) in [(0, 0), (1, 3), (0, 7), (1, 7)] {
                        let pixels = [(0, 0), (1, 0), (0, 1), (1, 1)];
                        let pixel = |(i, j)| plain(&page, &overlay, x / 2 * 2 + i, top + 2 * y + j)[plane + 1];
                        let mean = (pixels.map(|at| u16::from(pixel(at))).iter().sum::<u16>() + 2) / 4;
                        let found = strip.chroma(x / ROW)[y][plane * ROW / 2 + x % ROW / 2];
                        prop_assert!(is_coloured || mean == 128);
                        prop_assert!(!is_coloured || u16::from(found) == mean, "{} {} {} {}", x, y, found, mean);
                    }
                }
            }
        }
    }
}
