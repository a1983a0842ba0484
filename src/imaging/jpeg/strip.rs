//! Sixteen rows of a picture as planes of a JPEG: luma, and both chromas at half the size, with what is drawn over it.

use image::{GrayImage, RgbImage};

use super::transform::{LANES, ROW};
use super::{BLOCK, UNIT};
use crate::geometry::Size;
use crate::imaging::colour::{chroma_of, luma_of, ycbcr};
use crate::imaging::overlay::{Overlay, Palette, Rgb};
use crate::imaging::pixels;

/// Units whose luma blocks of one row are transformed together.
pub const UNITS: usize = LANES / 2;

/// Chroma of what has no colour.
const NEUTRAL: u8 = 128;

/// A picture to be encoded, with no side of 0.
#[derive(Clone, Copy)]
pub enum Picture<'a> {
    /// A page without colours.
    Gray(&'a GrayImage),
    /// One in its own colours.
    Colour(&'a RgbImage),
    /// One in its own colours, already as planes.
    Planes(&'a Planes),
}

/// A colour picture as a JPEG has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Planes {
    /// Its luma.
    pub luma: GrayImage,
    /// Cb and Cr, at half the width and half the height of the luma, rounded up.
    pub chroma: [GrayImage; 2],
}

impl Planes {
    /// The size of the chromas beside a luma of this size.
    pub fn chroma_size(luma: Size) -> Size {
        Size::new(luma.width.div_ceil(2), luma.height.div_ceil(2))
    }
}

impl Picture<'_> {
    /// Width and height.
    pub fn size(&self) -> (u32, u32) {
        match self {
            Self::Gray(page) => page.dimensions(),
            Self::Colour(page) => page.dimensions(),
            Self::Planes(page) => page.luma.dimensions(),
        }
    }

    /// Does it own the pixels that its size promises?
    pub fn is_whole(&self) -> bool {
        let (width, height) = self.size();
        let pixels = u64::from(width) * u64::from(height);
        match self {
            Self::Gray(page) => page.as_raw().len() as u64 >= pixels,
            Self::Colour(page) => page.as_raw().len() as u64 >= 3 * pixels,
            Self::Planes(Planes { luma, chroma }) => {
                let half = Planes::chroma_size(Size::new(width, height));
                let is_half = |plane: &GrayImage| plane.dimensions() == (half.width, half.height);
                luma.as_raw().len() as u64 >= pixels && chroma.iter().all(is_half)
            }
        }
    }
}

/// The planes, in groups of [`UNITS`] units. What lies beyond the picture repeats its last pixels.
///
/// They are filled row by row: a group by itself would take its pixels from sixteen places of memory that no processor
/// foresees.
pub struct Strip {
    width: usize,
    height: usize,
    luma: Vec<[u8; ROW]>,
    /// In each row of a group, Cb of its units, then Cr. Only filled where `coloured` says so.
    chroma: Vec<[u8; ROW]>,
    /// For each unit: does it have a colour?
    coloured: Vec<[bool; UNITS]>,
}

impl Strip {
    /// For a picture of this size.
    pub fn new((width, height): (u32, u32)) -> Self {
        let (width, height) = (width as usize, height as usize);
        let groups = width.div_ceil(ROW);
        Self {
            width,
            height,
            luma: vec![[0; ROW]; groups * UNIT],
            chroma: vec![[NEUTRAL; ROW]; groups * BLOCK],
            coloured: vec![[false; UNITS]; groups],
        }
    }

    /// Which units of each group have a colour; those beyond the picture are left out.
    pub fn groups(&self) -> impl Iterator<Item = &[bool]> {
        let units = self.width.div_ceil(UNIT);
        let count = move |group: usize| units.saturating_sub(group * UNITS).min(UNITS);
        self.coloured.iter().enumerate().map(move |(group, coloured)| &coloured[..count(group)])
    }

    /// Eight rows of luma of a group: its upper half (0) or its lower one (1).
    #[inline(always)]
    pub fn luma(&self, group: usize, half: usize) -> [&[u8; ROW]; BLOCK] {
        rows(&self.luma, self.coloured.len(), group, half * BLOCK)
    }

    /// The rows of chroma of a group.
    #[inline(always)]
    pub fn chroma(&self, group: usize) -> [&[u8; ROW]; BLOCK] {
        rows(&self.chroma, self.coloured.len(), group, 0)
    }

    /// Takes the rows from `top` on; below the last one, that is repeated.
    #[inline(always)]
    pub fn load(&mut self, picture: Picture<'_>, drawing: &Drawing<'_>, top: usize) {
        match picture {
            Picture::Gray(page) => self.load_gray(page, drawing, top),
            Picture::Colour(page) => self.load_colour(page, drawing, top),
            Picture::Planes(page) => self.load_planes(page, drawing, top),
        }
    }

    fn load_gray(&mut self, page: &GrayImage, drawing: &Drawing<'_>, top: usize) {
        let (groups, last) = (self.coloured.len(), self.height.saturating_sub(1));
        for (row, line) in self.luma.chunks_exact_mut(groups.max(1)).enumerate() {
            let from = (top + row).min(last) * self.width;
            filled(line.as_flattened_mut(), pixels(page).get(from..from + self.width).unwrap_or_default());
        }
        for (group, coloured) in self.coloured.iter_mut().enumerate() {
            *coloured = drawing.units(group, top);
            for unit in (0..UNITS).filter(|&unit| coloured[unit]) {
                let spot = Spot { unit, group, groups, top, last };
                drawing.over_gray(spot, &mut self.luma, &mut self.chroma);
            }
        }
    }

    fn load_planes(&mut self, page: &Planes, drawing: &Drawing<'_>, top: usize) {
        self.load_gray(&page.luma, drawing, top);
        let (groups, last) = (self.coloured.len(), self.height.saturating_sub(1));
        for (row, line) in self.chroma.chunks_exact_mut(groups.max(1)).enumerate() {
            for (group, line) in line.iter_mut().enumerate() {
                for (plane, out) in page.chroma.iter().zip(line.chunks_exact_mut(ROW / 2)) {
                    let width = plane.width() as usize;
                    let y = (top / 2 + row).min(plane.height().saturating_sub(1) as usize);
                    let from = y * width + group * ROW / 2;
                    filled(out, pixels(plane).get(from..(y + 1) * width).unwrap_or_default());
                }
            }
        }
        for (group, coloured) in self.coloured.iter_mut().enumerate() {
            for unit in (0..UNITS).filter(|&unit| coloured[unit]) {
                drawing.over_chroma(Spot { unit, group, groups, top, last }, &mut self.chroma);
            }
            *coloured = [true; UNITS];
        }
    }

    #[inline(always)]
    fn load_colour(&mut self, page: &RgbImage, drawing: &Drawing<'_>, top: usize) {
        let (width, groups, last) = (self.width, self.coloured.len(), self.height.saturating_sub(1));
        let (pixels, _) = page.as_raw().as_chunks::<3>();
        self.coloured.fill([true; UNITS]);
        for (pair, chroma) in self.chroma.chunks_exact_mut(groups.max(1)).enumerate() {
            let luma = self.luma.get_mut(2 * pair * groups..2 * (pair + 1) * groups).unwrap_or_default();
            let (upper, lower) = luma.split_at_mut(groups);
            let rows = [0, 1].map(|i| (top + 2 * pair + i).min(last));
            for (group, ((upper, lower), chroma)) in upper.iter_mut().zip(lower).zip(chroma).enumerate() {
                let drawn = drawing.units(group, top);
                let mut changed = [[[0; 3]; ROW]; 2];
                let lines = [0, 1].map(|i| {
                    let from = rows[i] * width;
                    pixels.get(from + group * ROW..from + width).unwrap_or_default()
                });
                let [first, second] = &mut changed;
                let lines = [
                    drawing.over_colour(lines[0], (group, rows[0]), &drawn, first),
                    drawing.over_colour(lines[1], (group, rows[1]), &drawn, second),
                ];
                convert(lines, [upper, lower], chroma);
            }
        }
    }
}

#[inline(always)]
fn rows(plane: &[[u8; ROW]], groups: usize, group: usize, top: usize) -> [&[u8; ROW]; BLOCK] {
    std::array::from_fn(|row| plane.get((top + row) * groups + group).unwrap_or(&[NEUTRAL; ROW]))
}

/// Two rows of colours become two of luma and one of both chromas.
#[inline(always)]
fn convert(lines: [&[Rgb; ROW]; 2], luma: [&mut [u8; ROW]; 2], chroma: &mut [u8; ROW]) {
    // Each step is a loop of its own, over whole arrays of one kind: that is what compilers turn into vectors.
    let mut planes = [[[0u8; ROW]; 2]; 3];
    let [reds, greens, blues] = &mut planes;
    for (((line, red), green), blue) in lines.into_iter().zip(&mut *reds).zip(&mut *greens).zip(&mut *blues) {
        for x in 0..ROW {
            [red[x], green[x], blue[x]] = line[x];
        }
    }
    for (((luma, red), green), blue) in luma.into_iter().zip(&*reds).zip(&*greens).zip(&*blues) {
        for x in 0..ROW {
            luma[x] = luma_of(red[x].into(), green[x].into(), blue[x].into());
        }
    }
    let mut sums = [[0; ROW / 2]; 3];
    for (sums, [upper, lower]) in sums.iter_mut().zip(&planes) {
        for (x, sum) in sums.iter_mut().enumerate() {
            // Pairs of bytes as numbers of 16 bits need not be moved to be summed.
            let [above, below] = [upper, lower].map(|row| u16::from_le_bytes([row[2 * x], row[2 * x + 1]]));
            *sum = (above & 255) + (above >> 8) + (below & 255) + (below >> 8);
        }
    }
    let (all_cb, all_cr) = chroma.split_at_mut(ROW / 2);
    for x in 0..ROW / 2 {
        [all_cb[x], all_cr[x]] = chroma_of(sums[0][x], sums[1][x], sums[2][x]);
    }
}

/// Copies what there is and repeats the last of it.
#[inline(always)]
fn filled<T: Copy>(line: &mut [T], from: &[T]) {
    let count = from.len().min(line.len());
    let (head, tail) = line.split_at_mut(count);
    head.copy_from_slice(&from[..count]);
    if let Some(&last) = from.last() {
        tail.fill(last);
    }
}

/// A unit in a strip.
#[derive(Clone, Copy)]
struct Spot {
    /// Its place in its group.
    unit: usize,
    /// The group's place among so many.
    group: usize,
    groups: usize,
    /// The page's row with which the strip begins, and its last one.
    top: usize,
    last: usize,
}

impl Spot {
    /// The unit's place in the page's row of units.
    fn across(self) -> usize {
        self.group * UNITS + self.unit
    }

    /// The page's row that a row of the strip shows.
    fn row(self, row: usize) -> usize {
        (self.top + row).min(self.last)
    }
}

/// What is drawn over a page, in the colours of the format.
pub struct Drawing<'a> {
    overlay: &'a Overlay,
    /// The colour of each number of the overlay; `None` where the page shows.
    colours: [Option<Rgb>; 256],
    luma: [u8; 256],
    /// Cb and, 16 bits higher, Cr for each number, less those of no colour. Sums of them are right modulo 2³².
    chroma: [u32; 256],
}

impl<'a> Drawing<'a> {
    pub fn new(overlay: &'a Overlay, palette: Palette<'_>) -> Self {
        let mut new = Self { overlay, colours: [None; 256], luma: [0; 256], chroma: [0; 256] };
        for number in 0..=255 {
            let Some(colour) = palette.colour(number) else { continue };
            let number = usize::from(number);
            let [y, cb, cr] = ycbcr(colour);
            new.colours[number] = Some(colour);
            new.luma[number] = y;
            new.chroma[number] = both(cb, cr).wrapping_sub(both(NEUTRAL, NEUTRAL));
        }
        new
    }

    /// On which units of a group something may be drawn.
    fn units(&self, group: usize, top: usize) -> [bool; UNITS] {
        std::array::from_fn(|unit| self.overlay.is_drawn(group * UNITS + unit, top / UNIT))
    }

    /// Draws on the luma of a unit and sets its chroma.
    fn over_gray(&self, spot: Spot, luma: &mut [[u8; ROW]], chroma: &mut [[u8; ROW]]) {
        let Spot { unit, group, groups, .. } = spot;
        let mut sums = [[4 * both(NEUTRAL, NEUTRAL); BLOCK]; BLOCK];
        for (row, line) in luma.iter_mut().skip(group).step_by(groups).enumerate().take(UNIT) {
            let numbers = self.numbers(spot.across(), spot.row(row));
            if numbers == [0; UNIT] {
                continue;
            }
            for (x, (to, &number)) in line[unit * UNIT..].iter_mut().zip(&numbers).enumerate() {
                let number = usize::from(number);
                if self.colours[number].is_some() {
                    *to = self.luma[number];
                }
                let sum = &mut sums[row / 2][x / 2];
                *sum = sum.wrapping_add(self.chroma[number]);
            }
        }
        for (line, sums) in chroma.iter_mut().skip(group).step_by(groups).zip(&sums) {
            for (i, sum) in sums.iter().enumerate() {
                // The means of four.
                let mean = |sum: u32| ((sum + 2) / 4) as u8;
                line[unit * BLOCK + i] = mean(sum & 0xffff);
                line[ROW / 2 + unit * BLOCK + i] = mean(sum >> 16);
            }
        }
    }

    /// Draws on the chroma of a unit: each of its pixels stands for four of the page, of which some are drawn on.
    fn over_chroma(&self, spot: Spot, chroma: &mut [[u8; ROW]]) {
        let Spot { unit, group, groups, .. } = spot;
        for (y, line) in chroma.iter_mut().skip(group).step_by(groups).enumerate() {
            let numbers = [0, 1].map(|i| self.numbers(spot.across(), spot.row(2 * y + i)));
            if numbers == [[0; UNIT]; 2] {
                continue;
            }
            for x in 0..BLOCK {
                let four = [numbers[0][2 * x], numbers[0][2 * x + 1], numbers[1][2 * x], numbers[1][2 * x + 1]];
                for (plane, at) in [(0, unit * BLOCK + x), (16, ROW / 2 + unit * BLOCK + x)] {
                    let own = u32::from(line[at]);
                    let of = |number: u8| match self.colours[usize::from(number)] {
                        Some(_) => {
                            (self.chroma[usize::from(number)].wrapping_add(both(NEUTRAL, NEUTRAL)) >> plane) & 255
                        }
                        None => own,
                    };
                    line[at] = ((four.into_iter().map(of).sum::<u32>() + 2) / 4) as u8;
                }
            }
        }
    }

    /// A row of a group of which the page has `line`, with what is drawn on it and with repeated pixels beyond the page,
    /// made in `changed`, unless the page's own pixels do.
    #[inline(always)]
    fn over_colour<'l>(
        &self,
        line: &'l [Rgb],
        (group, y): (usize, usize),
        drawn: &[bool; UNITS],
        changed: &'l mut [Rgb; ROW],
    ) -> &'l [Rgb; ROW] {
        if let Some(line) = line.first_chunk().filter(|_| *drawn == [false; UNITS]) {
            return line;
        }
        filled(changed, line);
        for unit in (0..UNITS).filter(|&unit| drawn[unit]) {
            for (to, number) in changed[unit * UNIT..].iter_mut().zip(self.numbers(group * UNITS + unit, y)) {
                *to = self.colours[usize::from(number)].unwrap_or(*to);
            }
        }
        changed
    }

    /// A row of a unit of the overlay; beyond its edge the last number is repeated.
    fn numbers(&self, across: usize, y: usize) -> [u8; UNIT] {
        let span = self.overlay.span(across, y);
        if let Ok(numbers) = span.try_into() {
            return numbers;
        }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::geometry::Rect;
    use crate::imaging::arbitrary;

    const PALETTE: Palette<'_> = Palette(&[[200, 30, 30], [20, 60, 220]]);

    /// Luma and both chromas of a pixel; the last ones are repeated beyond the page.
    fn plain(page: &GrayImage, overlay: &Overlay, x: usize, y: usize) -> [u8; 3] {
        let (x, y) = (x.min(page.width() as usize - 1), y.min(page.height() as usize - 1));
        let number = overlay.span(x / UNIT, y).get(x % UNIT).copied().unwrap_or(0);
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
            let (drawing, mut strip) = (Drawing::new(&overlay, PALETTE), Strip::new(page.dimensions()));
            for top in (0..height).step_by(UNIT) {
                strip.load(Picture::Gray(&page), &drawing, top);
                for x in 0..width.next_multiple_of(UNIT) {
                    for y in 0..UNIT {
                        let [luma, ..] = plain(&page, &overlay, x, top + y);
                        // Beyond the page, what is drawn at its edge may be repeated or not.
                        prop_assert!(strip.luma(x / ROW, y / BLOCK)[y % BLOCK][x % ROW] == luma || x >= width);
                    }
                    let is_coloured = strip.groups().nth(x / ROW).unwrap()[x % ROW / UNIT];
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

        #[test]
        fn a_colourful_page_has_its_colours_and_what_is_drawn(
            gray in arbitrary::picture(140, 20),
            frame in (-9i32..150, -9i32..40, 1u32..40, 1u32..40),
        ) {
            prop_assume!(!gray.is_empty());
            let page = RgbImage::from_fn(gray.width(), gray.height(), |x, y| {
                let v = gray.get_pixel(x, y).0[0];
                image::Rgb([v, v.rotate_left(3), if x % 3 == 0 { 255 } else { v.reverse_bits() }])
            });
            let mut overlay = Overlay::new(Size::new(page.width(), page.height()));
            overlay.outline(Rect::new(frame.0, frame.1, frame.2, frame.3), 3, 1);
            let drawing = Drawing::new(&overlay, PALETTE);
            let (width, height) = (page.width() as usize, page.height() as usize);
            let colour = |x: usize, y: usize| {
                let (x, y) = (x.min(width - 1), y.min(height - 1));
                let number = overlay.span(x / UNIT, y).get(x % UNIT).copied().unwrap_or(0);
                PALETTE.colour(number).unwrap_or(page.get_pixel(x as u32, y as u32).0).map(f64::from)
            };
            let mut strip = Strip::new(page.dimensions());
            for top in (0..height).step_by(UNIT) {
                strip.load(Picture::Colour(&page), &drawing, top);
                for x in 0..width {
                    for y in 0..UNIT {
                        let [r, g, b] = colour(x, top + y);
                        let want = 0.299 * r + 0.587 * g + 0.114 * b;
                        let found = f64::from(strip.luma(x / ROW, y / BLOCK)[y % BLOCK][x % ROW]);
                        prop_assert!((found - want).abs() <= 0.53, "{} {}: {} {}", x, y, found, want);
                    }
                }
                for x in 0..width / 2 {
                    for (y, row) in strip.chroma(2 * x / ROW).iter().enumerate() {
                        let at = |i, j| colour(2 * x + i, top + 2 * y + j);
                        let four = [at(0, 0), at(1, 0), at(0, 1), at(1, 1)];
                        let [r, g, b] = [0, 1, 2].map(|k| four.iter().map(|c| c[k]).sum::<f64>() / 4.0);
                        let wanted = [
                            128.0 - 0.168_735_9 * r - 0.331_264_1 * g + 0.5 * b,
                            128.0 + 0.5 * r - 0.418_687_6 * g - 0.081_312_4 * b,
                        ];
                        for (plane, want) in wanted.into_iter().enumerate() {
                            let found = f64::from(row[plane * ROW / 2 + x % (ROW / 2)]);
                            prop_assert!((found - want.min(255.0)).abs() <= 0.54, "{} {}: {} {}", x, y, found, want);
                        }
                    }
                }
            }
        }

        #[test]
        fn grays_stay_grays(v in any::<u8>()) {
            prop_assert_eq!(luma_of(v.into(), v.into(), v.into()), v);
            prop_assert_eq!(chroma_of(4 * u16::from(v), 4 * u16::from(v), 4 * u16::from(v)), [NEUTRAL; 2]);
        }
    }
}
