//! What a window of a certain size shows: a strip with texts, and below it the picture as large as it can be.

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};

use super::View;
use crate::geometry::{Point, Size};
use crate::imaging::sketch::{Sketch, wrapped};

/// Around the picture.
const GROUND: [u8; 3] = [72, 76, 82];
const HEADING_INK: [u8; 3] = [0, 60, 140];
const NOTE_INK: [u8; 3] = [50, 50, 50];

/// Heights of letters, in pixels.
const HEADING: u32 = 18;
const NOTE: u32 = 15;
/// Around the texts, in pixels.
const MARGIN: u32 = 4;
/// Texts take at most this part of the window's height: the picture is the point.
const STRIP_PART: u32 = 4;

/// Pixels for a window.
#[derive(Debug)]
pub struct Canvas {
    /// Width × height.
    pub size: Size,
    /// Row by row, 0x00RRGGBB.
    pub pixels: Vec<u32>,
}

impl Canvas {
    /// Nothing but the ground.
    pub fn empty(size: Size) -> Self {
        Self::from_picture(&RgbImage::from_pixel(size.width, size.height, Rgb(GROUND)))
    }

    /// A view at this size.
    pub fn of(view: &View<'_>, size: Size) -> Self {
        let mut whole = RgbImage::from_pixel(size.width, size.height, Rgb(GROUND));
        let texts = strip(view, size);
        let top = texts.as_ref().map_or(0, RgbImage::height);
        if let Some(texts) = texts {
            imageops::replace(&mut whole, &texts, 0, 0);
        }
        let room = Size::new(size.width, size.height.saturating_sub(top));
        let picture = Size::new(view.picture.width(), view.picture.height());
        if room.width > 0 && room.height > 0 && picture.width > 0 && picture.height > 0 {
            let fit = filling(picture, room);
            let x = (room.width - fit.width) / 2;
            let y = top + (room.height - fit.height) / 2;
            // When it makes a picture smaller, this filter weighs all pixels of the large one, so that no thin line is lost.
            let scaled = imageops::resize(view.picture, fit.width, fit.height, FilterType::Triangle);
            imageops::replace(&mut whole, &scaled, x.into(), y.into());
        }
        Self::from_picture(&whole)
    }

    fn from_picture(picture: &RgbImage) -> Self {
        let pixels = picture.pixels().map(|Rgb([r, g, b])| u32::from_be_bytes([0, *r, *g, *b])).collect();
        Self { size: Size::new(picture.width(), picture.height()), pixels }
    }
}

/// The largest size of the shape `size` that fits `room`, at least 1 × 1.
fn filling(size: Size, room: Size) -> Size {
    let share = |room: u32, side: u32| f64::from(room) / f64::from(side);
    let scale = share(room.width, size.width).min(share(room.height, size.height));
    let side = |side: u32, room: u32| ((f64::from(side) * scale).round() as u32).clamp(1, room);
    Size::new(side(size.width, room.width), side(size.height, room.height))
}

/// The heading and as many notes as have room; `None` in a window that is too small for them.
fn strip(view: &View<'_>, size: Size) -> Option<RgbImage> {
    let line = |height: u32| height + height / 5;
    let width = size.width.checked_sub(2 * MARGIN)?;
    let heading = wrapped(view.heading, HEADING, width);
    let heading_height = heading.len() as u32 * line(HEADING);
    let room = (size.height / STRIP_PART).checked_sub(2 * MARGIN + heading_height)?;
    let mut notes: Vec<String> = view.notes.iter().flat_map(|note| wrapped(note, NOTE, width)).collect();
    let most_notes = (room / line(NOTE)) as usize;
    if notes.len() > most_notes {
        let more = notes.len() - most_notes.saturating_sub(1);
        notes.truncate(most_notes.saturating_sub(1));
        if most_notes > 0 {
            notes.push(format!("… and {more} more lines"));
        }
    }
    let height = 2 * MARGIN + heading_height + notes.len() as u32 * line(NOTE);
    let mut sketch = Sketch::blank(Size::new(size.width, height));
    let at = |down: u32| Point::new(f64::from(MARGIN), f64::from(MARGIN + down));
    for (i, text) in heading.iter().enumerate() {
        sketch.text(text, at(i as u32 * line(HEADING)), HEADING, HEADING_INK);
    }
    for (i, note) in notes.iter().enumerate() {
        sketch.text(note, at(heading_height + i as u32 * line(NOTE)), NOTE, NOTE_INK);
    }
    Some(sketch.finish())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RED: u32 = 0x00ff_0000;

    fn view<'v>(picture: &'v RgbImage, notes: &'v [String]) -> View<'v> {
        View { title: "t", heading: "heading", notes, picture }
    }

    /// First and last column and row of red pixels.
    fn red(canvas: &Canvas) -> (usize, usize, usize, usize) {
        let width = canvas.size.width as usize;
        let at: Vec<(usize, usize)> =
            canvas.pixels.iter().enumerate().filter(|(_, p)| **p == RED).map(|(i, _)| (i % width, i / width)).collect();
        let range = |values: Vec<usize>| (*values.iter().min().unwrap(), *values.iter().max().unwrap());
        let ((x0, x1), (y0, y1)) = (range(at.iter().map(|p| p.0).collect()), range(at.iter().map(|p| p.1).collect()));
        (x0, x1, y0, y1)
    }

    #[test]
    fn the_picture_fills_what_the_texts_leave_and_keeps_its_shape() {
        let picture = RgbImage::from_pixel(50, 100, Rgb([255, 0, 0]));
        let canvas = Canvas::of(&view(&picture, &[]), Size::new(400, 400));
        let (x0, x1, y0, y1) = red(&canvas);
        let (width, height) = (x1 - x0 + 1, y1 - y0 + 1);
        assert_eq!((height, y1), (400 - y0, 399));
        assert!(y0 > HEADING as usize && y0 < 100, "{y0}");
        assert!((2 * width).abs_diff(height) <= 1, "{width} × {height}");
        assert!(x0.abs_diff(399 - x1) <= 1, "{x0} {x1}");
    }

    #[test]
    fn notes_take_a_fourth_at_most() {
        let picture = RgbImage::from_pixel(10, 10, Rgb([255, 0, 0]));
        let notes = vec!["a note that is long enough to be broken into several lines".to_owned(); 30];
        let canvas = Canvas::of(&view(&picture, &notes), Size::new(300, 400));
        let (_, _, top, _) = red(&canvas);
        assert!((40..=150).contains(&top), "{top}");
    }

    #[test]
    fn a_long_heading_is_broken() {
        let picture = RgbImage::new(10, 10);
        let heading = "scan-001.jpg 2 of 8 what is searched";
        let height = |width: u32| {
            let view = View { heading, ..view(&picture, &[]) };
            strip(&view, Size::new(width, 600)).unwrap().height()
        };
        assert!(height(200) >= height(600) + HEADING, "{} {}", height(200), height(600));
    }

    #[test]
    fn thin_lines_are_still_there_when_the_picture_is_small() {
        let picture = RgbImage::from_fn(1000, 1000, |x, _| Rgb([if x == 500 { 0 } else { 255 }; 3]));
        let canvas = Canvas::of(&view(&picture, &[]), Size::new(90, 90));
        let darkest = canvas.pixels.iter().filter(|&&p| p != 0x0048_4c52).map(|p| p & 0xff).min();
        assert!(darkest.is_some_and(|gray| gray < 250), "{darkest:?}");
    }

    proptest! {
        #[test]
        fn any_size_of_window_and_picture_can_be_shown(w in 0..600u32, h in 0..600u32, pw in 0..300u32, ph in 0..300u32) {
            let picture = RgbImage::new(pw, ph);
            let notes = ["one".to_owned(), "two words".to_owned()];
            let canvas = Canvas::of(&view(&picture, &notes), Size::new(w, h));
            prop_assert_eq!(canvas.pixels.len(), (w * h) as usize);
        }
    }
}
