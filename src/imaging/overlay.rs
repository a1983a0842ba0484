//! A gray page with a few colours drawn on it, kept as what it is: the gray picture, and a plane of colour numbers.
//!
//! A marked page has millions of gray pixels and a few thousand coloured ones. Keeping them apart costs a byte a pixel
//! instead of three, lets a PNG be written with a palette, and a JPEG with chroma that is constant nearly everywhere.

use ab_glyph::{Font, FontRef, PxScale, ScaleFont};
use image::GrayImage;

use super::dispatch::wide;
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
#[derive(Debug, Clone)]
pub struct Overlay {
    size: Size,
    numbers: Vec<u8>,
    /// Squares of [`TILE`] pixels that may hold a number other than 0, row after row; the others cost nothing to compose.
    touched: Vec<bool>,
}

/// Sides in pixels of the squares in which an overlay knows where something is drawn.
pub const TILE: usize = 16;

impl Overlay {
    /// Nothing drawn yet.
    pub fn new(size: Size) -> Self {
        let pixels = size.pixels() as usize;
        let tiles = (size.width as usize).div_ceil(TILE) * (size.height as usize).div_ceil(TILE);
        Self { size, numbers: vec![0; pixels], touched: vec![false; tiles] }
    }

    /// The page's size.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Tiles in a row.
    fn across(&self) -> usize {
        (self.size.width as usize).div_ceil(TILE)
    }

    /// May something be drawn on a tile? Tiles are counted from the left and from the top; there are none beyond the page.
    pub fn is_drawn(&self, across: usize, down: usize) -> bool {
        across < self.across() && self.touched.get(down * self.across() + across) == Some(&true)
    }

    /// The colour numbers of a tile in row `y` of the page: fewer than [`TILE`] at its right edge, none beyond it.
    pub fn span(&self, across: usize, y: usize) -> &[u8] {
        let width = self.size.width as usize;
        let from = (across * TILE).min(width);
        let to = (from + TILE).min(width);
        self.numbers.get(y * width + from..y * width + to).unwrap_or_default()
    }

    /// The parts of row `y` on which something may be drawn: where they begin, and their colour numbers.
    pub fn spans(&self, y: usize) -> impl Iterator<Item = (usize, &[u8])> {
        let down = y / TILE;
        let drawn = (0..self.across()).filter(move |&across| self.is_drawn(across, down));
        drawn.map(move |across| (across * TILE, self.span(across, y)))
    }

    fn touch(&mut self, (x0, y0, x1, y1): (u32, u32, u32, u32)) {
        if x0 >= x1 || y0 >= y1 {
            return;
        }
        let across = self.across();
        for down in y0 as usize / TILE..(y1 as usize).div_ceil(TILE) {
            self.touched[down * across..][x0 as usize / TILE..(x1 as usize).div_ceil(TILE)].fill(true);
        }
    }

    fn fill(&mut self, area: Rect, number: u8) {
        let (x0, y0, x1, y1) = area.clipped(self.size);
        for y in y0..y1 {
            let start = y as usize * self.size.width as usize;
            self.numbers[start + x0 as usize..start + x1 as usize].fill(number);
        }
        self.touch((x0, y0, x1, y1));
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
        let (x0, y0, x1, y1) = area.clipped(self.size);
        for py in y0..y1 {
            let from = (i64::from(py) - i64::from(y)) as usize * stamp.size.width as usize;
            let start = py as usize * self.size.width as usize;
            for px in x0..x1 {
                let shade = stamp.shades[from + (i64::from(px) - i64::from(x)) as usize];
                let number = if shade == 0 { PLATE } else { PLATE + ink * SHADES + shade };
                self.numbers[start + px as usize] = number;
            }
        }
        self.touch((x0, y0, x1, y1));
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
    wide(|| gray_places(pixels(page), grays - 1, &mut places));
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

/// The places of grays among `last` + 1 of them, 1 to 256, from black to white.
#[inline(always)]
fn gray_places(grays: &[u8], last: u16, places: &mut [u8]) {
    for (place, &gray) in places.iter_mut().zip(grays) {
        // Both at most 255, so this fits 16 bits, and what follows is the division by 255.
        let sum = u16::from(gray) * last.min(255) + 127;
        *place = ((sum + 1 + (sum >> 8)) >> 8) as u8;
    }
}

#[cfg(test)]
mod tests {
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
