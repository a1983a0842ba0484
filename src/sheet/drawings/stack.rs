//! The stage pictures of a sheet side by side in one picture, numbered, each with its title and what was found.

use image::{RgbImage, imageops};

use super::super::stages::Stage;
use crate::geometry::{Point, Size};
use crate::imaging::coloured;
use crate::imaging::overlay::EncodeError;
use crate::imaging::sketch::{Sketch, text_size, wrapped};

/// So many pictures stand side by side.
const COLUMNS: usize = 4;
/// Space around each picture, in pixels.
const MARGIN: u32 = 12;
/// Heights of titles and of notes, in pixels.
const TITLE: u32 = 26;
const NOTE: u32 = 18;
/// Lines of notes under a title; what is left over is told by number.
const MOST_NOTES: usize = 14;
/// Words of notes are broken into lines of the picture's width, which is taken to be at least this.
const LEAST_WIDTH: u32 = 360;

const TITLE_INK: [u8; 3] = [0, 60, 140];
const NOTE_INK: [u8; 3] = [50, 50, 50];

/// A stage picture with the texts above it.
struct Cell<'s> {
    title: String,
    notes: Vec<String>,
    picture: &'s RgbImage,
    size: Size,
}

impl<'s> Cell<'s> {
    fn of(number: usize, stage: &'s Stage) -> Self {
        let width = stage.picture.width().max(LEAST_WIDTH);
        let mut notes: Vec<String> = stage.notes.iter().flat_map(|note| wrapped(note, NOTE, width)).collect();
        if notes.len() > MOST_NOTES {
            let more = notes.len() - (MOST_NOTES - 1);
            notes.truncate(MOST_NOTES - 1);
            notes.push(format!("… and {more} more lines"));
        }
        let title = format!("{number}  {}", stage.title);
        let height = line(TITLE) + notes.len() as u32 * line(NOTE) + MARGIN + stage.picture.height();
        let width = width.max(text_size(&title, TITLE).width);
        Self { title, notes, picture: &stage.picture, size: Size::new(width, height) }
    }
}

/// From a line to the next.
const fn line(height: u32) -> u32 {
    height + height / 4
}

/// The stack of these pictures; `None` if there are none.
pub fn stack<'s>(stages: impl Iterator<Item = &'s Stage>) -> Option<RgbImage> {
    let cells: Vec<Cell<'_>> = stages.enumerate().map(|(i, stage)| Cell::of(i + 1, stage)).collect();
    let rows: Vec<&[Cell<'_>]> = cells.chunks(COLUMNS).collect();
    let row_width = |row: &&[Cell<'_>]| row.iter().map(|cell| cell.size.width + MARGIN).sum::<u32>() + MARGIN;
    let row_height = |row: &[Cell<'_>]| row.iter().map(|cell| cell.size.height).max().unwrap_or(0) + MARGIN;
    let width = rows.iter().map(row_width).max()?;
    let height = rows.iter().map(|row| row_height(row)).sum::<u32>() + MARGIN;
    let mut sketch = Sketch::blank(Size::new(width, height));
    let mut places = Vec::with_capacity(cells.len());
    let mut y = MARGIN;
    for row in rows {
        let mut x = MARGIN;
        for cell in row {
            let at = |down: u32| Point::new(f64::from(x), f64::from(y + down));
            sketch.text(&cell.title, at(0), TITLE, TITLE_INK);
            for (i, note) in cell.notes.iter().enumerate() {
                sketch.text(note, at(line(TITLE) + i as u32 * line(NOTE)), NOTE, NOTE_INK);
            }
            places.push((x, y + cell.size.height - cell.picture.height()));
            x += cell.size.width + MARGIN;
        }
        y += row_height(row);
    }
    let mut picture = sketch.finish();
    for (cell, (x, y)) in cells.iter().zip(places) {
        imageops::replace(&mut picture, cell.picture, x.into(), y.into());
    }
    Some(picture)
}

/// The stack as a JPEG; `None` if there are no pictures.
///
/// # Errors
/// [`EncodeError`]: the stack is larger than the format holds.
pub fn encoded<'s>(stages: impl Iterator<Item = &'s Stage>) -> Result<Option<Vec<u8>>, EncodeError> {
    stack(stages).map(|picture| coloured::to_jpeg(&picture, None)).transpose()
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::super::super::stages::Kind;
    use super::*;

    fn stage(title: &str, notes: &[&str], colour: [u8; 3]) -> Stage {
        Stage {
            kind: Kind::Step,
            title: title.to_owned(),
            notes: notes.iter().map(|&note| note.to_owned()).collect(),
            picture: RgbImage::from_pixel(200, 100, Rgb(colour)),
        }
    }

    #[test]
    fn every_picture_is_there_in_order() {
        let colours: Vec<[u8; 3]> = (0..6).map(|i| [40 * i, 0, 200]).collect();
        let stages: Vec<Stage> = colours.iter().map(|&colour| stage("s", &["found"], colour)).collect();
        let picture = stack(stages.iter()).unwrap();
        let firsts: Vec<(u32, u32)> = colours
            .iter()
            .map(|colour| picture.enumerate_pixels().find(|(_, _, p)| p.0 == *colour).map(|(x, y, _)| (x, y)).unwrap())
            .collect();
        assert!(firsts[..4].windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 == w[1].1), "{firsts:?}");
        assert!(firsts[4].1 > firsts[0].1 + 100 && firsts[4].0 == firsts[0].0, "{firsts:?}");
        for colour in colours {
            assert_eq!(picture.pixels().filter(|p| p.0 == colour).count(), 200 * 100);
        }
    }

    #[test]
    fn no_pictures_make_no_stack() {
        assert_eq!(stack(std::iter::empty()), None);
    }

    #[test]
    fn many_notes_are_counted() {
        let many: Vec<&str> = vec!["word"; 40];
        let stages = [stage("s", &many, [0, 0, 0])];
        let cell = Cell::of(1, &stages[0]);
        assert_eq!((cell.notes.len(), cell.notes[13].as_str()), (14, "… and 27 more lines"));
    }
}
