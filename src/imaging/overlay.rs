//! A gray page with a few colours drawn on it, kept as what it is: the gray picture, and colour numbers where it is drawn on.
//!
//! A marked page has millions of gray pixels and a few thousand coloured ones. Keeping them apart costs little more than a
//! byte a pixel instead of three, lets a PNG be written with a palette, and a JPEG with chroma that is constant nearly
//! everywhere.

use ab_glyph::{Font, FontRef, PxScale, ScaleFont};
use image::GrayImage;

use super::dispatch::wide_fn;
use super::jpeg::{self, Picture};
use super::pixels;
use super::png::{self, Pixels};
use crate::geometry::{Rect, Size};

/// An 8-bit colour: red, green, blue.
pub type Rgb = [u8; 3];

/// Levels of a text pixel between its white plate and its colour.
const SHADES: u8 = 4;

/// The colours that can be drawn: each in `SHADES` steps from nearly white to full, so that text has soft edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Palette<'c>(pub &'c [Rgb]);

impl Palette<'_> {
    /// The colour of an overlay number; `None` for 0, which is the page itself.
    pub fn colour(self, number: u8) -> Option<Rgb> {
        if number == PLATE {
            return Some([255; 3]);
        }
        let i = number.checked_sub(PLATE + 1)?;
        let full = self.0.get(usize::from(i / SHADES))?;
        let strength = u16::from(i % SHADES) + 1;
        let of_white = |c: u8| 255 - (u16::from(255 - c) * strength / u16::from(SHADES)) as u8;
        Some(full.map(of_white))
    }

    /// How many overlay numbers there are, 0 and the plate included.
    pub fn numbers(self) -> u8 {
        PLATE + 1 + self.0.len() as u8 * SHADES
    }
}

/// The overlay number of a white plate under text.
const PLATE: u8 = 1;

/// The overlay number of colour `ink` at full strength.
const fn full(ink: u8) -> u8 {
    PLATE + (ink + 1) * SHADES
}

/// What is drawn over a page: a colour number for each pixel, 0 where the page shows.
///
/// Numbers are kept for the tiles on which something is drawn: most of a page has none, and costs neither memory nor the
/// time to clear it and to look at it.
#[derive(Debug, Clone)]
pub struct Overlay {
    size: Size,
    /// For each tile of the page, row after row, its place among `tiles` plus 1, or 0 if nothing is drawn there.
    places: Vec<u32>,
    tiles: Vec<[[u8; TILE]; TILE]>,
}

/// Sides in pixels of the squares in which an overlay knows where something is drawn.
pub const TILE: usize = 16;

impl Overlay {
    /// Nothing drawn yet.
    pub fn new(size: Size) -> Self {
        let count = (size.width as usize).div_ceil(TILE) * (size.height as usize).div_ceil(TILE);
        Self { size, places: vec![0; count], tiles: Vec::new() }
    }

    /// The page's size.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Tiles in a row.
    fn across(&self) -> usize {
        (self.size.width as usize).div_ceil(TILE)
    }

    fn tile(&self, across: usize, down: usize) -> Option<&[[u8; TILE]; TILE]> {
        let place = self.places.get(down * self.across() + across).filter(|_| across < self.across())?;
        self.tiles.get((*place as usize).checked_sub(1)?)
    }

    /// Is something drawn on a tile? Tiles are counted from the left and from the top; there are none beyond the page.
    pub fn is_drawn(&self, across: usize, down: usize) -> bool {
        self.tile(across, down).is_some()
    }

    /// The colour numbers of a tile in row `y` of the page: fewer than [`TILE`] at its right edge, none where nothing is
    /// drawn.
    pub fn span(&self, across: usize, y: usize) -> &[u8] {
        let Some(tile) = self.tile(across, y / TILE).filter(|_| y < self.size.height as usize) else { return &[] };
        // The tile is on the page.
        let count = (self.size.width as usize - across * TILE).min(TILE);
        &tile[y % TILE][..count]
    }

    /// The parts of row `y` of the page on which something may be drawn: where they begin, and their colour numbers.
    pub fn spans(&self, y: usize) -> impl Iterator<Item = (usize, &[u8])> {
        (0..self.across()).map(move |across| (across * TILE, self.span(across, y))).filter(|(_, span)| !span.is_empty())
    }

    /// Hands out the numbers of `area` to be changed: from where on they stand, row and part by part.
    fn change(&mut self, area: Rect, mut part: impl FnMut(u32, u32, &mut [u8])) {
        let (x0, y0, x1, y1) = area.clipped(self.size);
        if x0 == x1 || y0 == y1 {
            return;
        }
        let tile = TILE as u32;
        let across = self.across();
        for (top, left) in
            (y0 / tile..y1.div_ceil(tile)).flat_map(|y| (x0 / tile..x1.div_ceil(tile)).map(move |x| (y, x)))
        {
            let place = &mut self.places[top as usize * across + left as usize];
            if *place == 0 {
                self.tiles.push([[0; TILE]; TILE]);
                // A page of 65,535 pixels a side has fewer tiles by far than this can count.
                *place = self.tiles.len() as u32;
            }
            let numbers = &mut self.tiles[*place as usize - 1];
            let (from, to) = (x0.max(left * tile), x1.min((left + 1) * tile));
            for y in y0.max(top * tile)..y1.min((top + 1) * tile) {
                let row = &mut numbers[y as usize % TILE];
                part(from, y, &mut row[(from - left * tile) as usize..(to - left * tile) as usize]);
            }
        }
    }

    fn fill(&mut self, area: Rect, number: u8) {
        self.change(area, |_, _, numbers| numbers.fill(number));
    }

    /// Draws the outline of `area`, `thickness` pixels wide, inwards, in colour `ink`.
    pub fn outline(&mut self, area: Rect, thickness: u32, ink: u8) {
        let t = thickness.min(area.width).min(area.height);
        let (right, bottom) = (area.x + (area.width - t) as i32, area.y + (area.height - t) as i32);
        for side in [
            Rect::new(area.x, area.y, area.width, t),
            Rect::new(area.x, bottom, area.width, t),
            Rect::new(area.x, area.y, t, area.height),
            Rect::new(right, area.y, t, area.height),
        ] {
            self.fill(side, full(ink));
        }
    }

    /// Draws a stamp with its top-left pixel at (x, y) in colour `ink`, on a white plate.
    pub fn stamp(&mut self, stamp: &Stamp, x: i32, y: i32, ink: u8) {
        let area = Rect::new(x, y, stamp.size.width, stamp.size.height);
        self.change(area, |px, py, numbers| {
            let from = (i64::from(py) - i64::from(y)) as usize * stamp.size.width as usize;
            let shades = &stamp.shades[from + (i64::from(px) - i64::from(x)) as usize..];
            for (number, &shade) in numbers.iter_mut().zip(shades) {
                *number = if shade == 0 { PLATE } else { PLATE + ink * SHADES + shade };
            }
        });
    }
}

/// A text ready to be drawn many times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Width and height in pixels, a margin of 1 included.
    pub size: Size,
    /// 0 (plate) to [`SHADES`] (full colour) for each pixel.
    shades: Vec<u8>,
}

impl Stamp {
    /// Sets `text` in `font`, `height` pixels from the top of the tallest letter to the bottom of the lowest.
    pub fn new(font: &FontRef<'_>, text: &str, height: u32) -> Self {
        let scaled = font.as_scaled(PxScale::from(height.max(1) as f32));
        let mut pen = 1.0f32;
        let mut glyphs = Vec::new();
        for c in text.chars() {
            let mut glyph = scaled.scaled_glyph(c);
            glyph.position = ab_glyph::point(pen, 1.0 + scaled.ascent());
            pen += scaled.h_advance(glyph.id);
            glyphs.push(glyph);
        }
        // Texts are bubble values and labels: their widths fit a u32 by far.
        let size = Size::new((pen.ceil() as u32).saturating_add(1).min(4096), height + 2);
        let mut shades = vec![0u8; size.pixels() as usize];
        for glyph in glyphs {
            let Some(outline) = font.outline_glyph(glyph) else { continue };
            let corner = outline.px_bounds().min;
            outline.draw(|gx, gy, coverage| {
                let (x, y) = (corner.x as i64 + i64::from(gx), corner.y as i64 + i64::from(gy));
                let inside = (0..i64::from(size.width)).contains(&x) && (0..i64::from(size.height)).contains(&y);
                if inside {
                    let at = y as usize * size.width as usize + x as usize;
                    let shade = (coverage.clamp(0.0, 1.0) * f32::from(SHADES)).round() as u8;
                    shades[at] = shades[at].max(shade);
                }
            });
        }
        Self { size, shades }
    }
}

/// Why a picture could not be encoded.
#[derive(Debug, thiserror::Error)]
#[error("the picture cannot be encoded: {0}")]
pub struct EncodeError(pub(super) String);

/// Quality of marked pictures: text and thin lines stay clean, and an A4 page takes some 300 kB.
pub(super) const JPEG_QUALITY: u8 = 85;

/// Encodes the page with its overlay as a JPEG with subsampled colour.
///
/// # Errors
/// A side of no or over 65,535 pixels.
pub fn to_jpeg(page: &GrayImage, overlay: &Overlay, palette: Palette<'_>) -> Result<Vec<u8>, EncodeError> {
    let refused = || EncodeError(format!("{}×{} px is no size for a JPEG", page.width(), page.height()));
    jpeg::encode(Picture::Gray(page), overlay, palette, JPEG_QUALITY, None).ok_or_else(refused)
}

/// Encodes the page with its overlay as a PNG with a palette. The palette's places that the overlay does not need
/// hold grays, so grays are rounded to about 1 part in 230: a picture for the eye.
///
/// # Errors
/// What the encoder says.
pub fn to_png(page: &GrayImage, overlay: &Overlay, palette: Palette<'_>) -> Result<Vec<u8>, EncodeError> {
    let colours = palette.numbers() - 1;
    let grays = u16::from(255 - colours) + 1;
    let mut list = Vec::with_capacity(768);
    for place in 0..grays {
        let gray = ((place * 255 + (grays - 1) / 2) / (grays - 1)) as u8;
        list.extend([gray; 3]);
    }
    for number in 1..palette.numbers() {
        list.extend(palette.colour(number).unwrap_or_default());
    }
    let mut places = vec![0; pixels(page).len()];
    gray_places(pixels(page), grays - 1, &mut places);
    let width = page.width() as usize;
    for (y, line) in places.chunks_exact_mut(width.max(1)).enumerate() {
        for (x, numbers) in overlay.spans(y) {
            for (to, &number) in line.iter_mut().skip(x).zip(numbers) {
                if number > 0 {
                    // At most 255: the grays' places and the numbers share the byte.
                    *to = (grays - 1) as u8 + number;
                }
            }
        }
    }
    png::encode(Size::new(page.width(), page.height()), Pixels::Places(&places, &list), None)
}

wide_fn! {
    /// The places of grays among `last` + 1 of them, 1 to 256, from black to white.
    fn gray_places(grays: &[u8], last: u16, places: &mut [u8]) {
        for (place, &gray) in places.iter_mut().zip(grays) {
            // Both at most 255, so this fits 16 bits, and what follows is the division by 255.
            let sum = u16::from(gray) * last.min(255) + 127;
            *place = ((sum + 1 + (sum >> 8)) >> 8) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RED_AND_BLUE: Palette<'_> = Palette(&[[255, 0, 0], [0, 0, 255]]);

    fn page() -> GrayImage {
        GrayImage::from_fn(40, 30, |x, y| image::Luma([(x * 5 + y) as u8]))
    }

    #[test]
    fn outlines_are_drawn_inwards_and_cut_at_the_edge() {
        let mut overlay = Overlay::new(Size::new(8, 6));
        overlay.outline(Rect::new(5, -1, 6, 4), 1, 0);
        let drawn: Vec<String> = (0..6)
            .map(|y| overlay.spans(y).flat_map(|(_, row)| row).map(|&n| if n > 0 { '#' } else { '.' }).collect())
            .collect();
        assert_eq!(drawn, [".....#..", ".....#..", ".....###", "........", "........", "........"]);
        assert_eq!(overlay.span(0, 6), [0; 0], "below the page");
    }

    #[test]
    fn a_jpeg_shows_the_page_and_the_colours() {
        let mut overlay = Overlay::new(Size::new(40, 30));
        overlay.outline(Rect::new(8, 8, 16, 16), 8, 1);
        let bytes = to_jpeg(&page(), &overlay, RED_AND_BLUE).unwrap();
        let back = image::load_from_memory(&bytes).unwrap().into_rgb8();
        let blue = back.get_pixel(16, 16).0;
        assert!(blue[2] > 200 && blue[0] < 60 && blue[1] < 60, "{blue:?}");
        let gray = back.get_pixel(2, 2).0;
        assert!(gray.iter().all(|c| c.abs_diff(12) < 12), "{gray:?}");
    }

    #[test]
    fn a_png_is_the_page_but_for_rounding() {
        let mut overlay = Overlay::new(Size::new(40, 30));
        overlay.outline(Rect::new(8, 8, 16, 16), 2, 0);
        let bytes = to_png(&page(), &overlay, RED_AND_BLUE).unwrap();
        let back = image::load_from_memory(&bytes).unwrap().into_rgb8();
        assert_eq!(back.get_pixel(8, 8).0, [255, 0, 0]);
        for (x, y, p) in page().enumerate_pixels() {
            if !(8..24).contains(&x) || !(8..24).contains(&y) {
                assert!(back.get_pixel(x, y).0.iter().all(|c| c.abs_diff(p.0[0]) <= 1), "({x}, {y})");
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_drawn_is_where_it_was_drawn(
            (width, height) in (0u32..70, 0u32..50),
            frames in proptest::collection::vec((-20i32..80, -20i32..60, 0u32..50, 0u32..50, 0u32..9, 0u8..2), 0..4),
            (x, y, ink) in (-20i32..80, -20i32..60, 0u8..2),
        ) {
            let stamp = Stamp { size: Size::new(5, 3), shades: (0..15).map(|i| i % 5).collect() };
            let mut overlay = Overlay::new(Size::new(width, height));
            let mut plain = vec![vec![0; width as usize]; height as usize];
            let mut set = |x: i32, y: i32, number: u8| {
                if let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y))
                    && let Some(to) = plain.get_mut(y).and_then(|row: &mut Vec<u8>| row.get_mut(x))
                {
                    *to = number;
                }
            };
            for &(x, y, width, height, thickness, ink) in &frames {
                overlay.outline(Rect::new(x, y, width, height), thickness, ink);
                for (i, j) in (0..height).flat_map(|j| (0..width).map(move |i| (i, j))) {
                    let inside = i.min(width - 1 - i).min(j).min(height - 1 - j);
                    if inside < thickness {
                        set(x + i as i32, y + j as i32, full(ink));
                    }
                }
            }
            overlay.stamp(&stamp, x, y, ink);
            for (i, &shade) in stamp.shades.iter().enumerate() {
                let number = if shade == 0 { PLATE } else { PLATE + ink * SHADES + shade };
                set(x + i as i32 % 5, y + i as i32 / 5, number);
            }
            for (y, row) in plain.iter().enumerate() {
                let mut found = vec![0; row.len()];
                for (x, numbers) in overlay.spans(y) {
                    found[x..x + numbers.len()].copy_from_slice(numbers);
                    prop_assert!(overlay.is_drawn(x / TILE, y / TILE));
                }
                prop_assert_eq!(&found, row, "row {}", y);
            }
        }
    }

    #[test]
    fn grays_have_the_nearest_place() {
        let grays: Vec<u8> = (0..=255).collect();
        for last in 0..=255u16 {
            let mut places = [0; 256];
            gray_places(&grays, last, &mut places);
            for (&gray, &place) in grays.iter().zip(&places) {
                assert_eq!(u16::from(place), (u16::from(gray) * last + 127) / 255, "{gray} of {last}");
            }
        }
    }

    #[test]
    fn text_is_dark_on_a_plate() {
        let font = FontRef::try_from_slice(epaint_default_fonts::HACK_REGULAR).unwrap();
        let stamp = Stamp::new(&font, "AB", 12);
        assert_eq!(stamp.size.height, 14);
        assert!(stamp.shades.contains(&SHADES) && stamp.shades.contains(&0));
        assert_eq!(stamp, Stamp::new(&font, "AB", 12));
    }
}
