//! What was seen where a mark was sought, for a person who looks for the reason of a wrong page.

use image::{GrayImage, imageops};

use super::super::super::stages::Drawn;
use super::Found;
use crate::geometry::{Point, Rect, Size};
use crate::imaging::sketch::Sketch;

/// A place that was searched.
#[derive(Debug, Clone, PartialEq)]
pub struct Sighting<'z> {
    /// The mark's name.
    pub label: &'z str,
    /// The part of the picture that was searched.
    pub area: Rect,
    /// How well the best place fits, −1 to 1; `None`: marks of this kind have no such number.
    pub score: Option<f32>,
    /// What was seen.
    pub seen: Seen,
    /// Is it the mark?
    pub is_found: bool,
}

/// What was seen in a place.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// The best place of a marker, good enough or not.
    Box(Rect),
    /// The point or line that is taken.
    Mark(Found),
    /// Nothing.
    Nothing,
}

impl Seen {
    /// A box, if there is one.
    pub fn of_box(found: Option<Rect>) -> Self {
        found.map_or(Self::Nothing, Self::Box)
    }
}

const AREA: [u8; 3] = [90, 130, 200];
const MARK: [u8; 3] = [0, 150, 40];
const MISSING: [u8; 3] = [215, 30, 30];

/// The picture with what was seen; what is not the mark is red. `failure`: why the step failed, if it did.
pub fn sketch(picture: &GrayImage, sightings: &[Sighting<'_>], failure: Option<&str>, most: Size) -> Drawn {
    const LETTERS: u32 = 18;
    let mut sketch = Sketch::of(picture, most);
    for sighting in sightings {
        let (area, ink) = if sighting.is_found { (AREA, MARK) } else { (MISSING, MISSING) };
        sketch.outline(sighting.area, 2, area);
        match &sighting.seen {
            Seen::Box(found) => sketch.outline(*found, 3, ink),
            Seen::Mark(Found::Point(point)) => sketch.cross(*point, 12, 3, ink),
            Seen::Mark(Found::Line { ends, .. }) => {
                sketch.line(ends[0], ends[1], 3, ink);
                ends.iter().for_each(|end| sketch.cross(*end, 8, 3, ink));
            }
            Seen::Nothing => {}
        }
        let score = sighting.score.map_or(String::new(), |score| format!(" {score:.2}"));
        let corner = Point::new(f64::from(sighting.area.x) + 4.0, f64::from(sighting.area.y) + 4.0);
        sketch.text(&format!("{}{score}", sighting.label), corner, LETTERS, ink);
    }
    let places = format!("places in the processing image, {}×{} px", picture.width(), picture.height());
    let mut notes: Vec<String> = std::iter::once(places).chain(sightings.iter().map(Sighting::line)).collect();
    notes.extend(failure.map(str::to_owned));
    let title = if failure.is_some() { "CropOnMarkers failed" } else { "CropOnMarkers: the marks" };
    Drawn { title: title.to_owned(), notes, picture: sketch.finish() }
}

/// The parts of a picture in which marks are sought, as they are searched; the rest is gray.
pub fn searched(picture: Size, parts: &[(Rect, GrayImage)], most: Size) -> Drawn {
    const REST: u8 = 128;
    let mut all = GrayImage::from_pixel(picture.width, picture.height, image::Luma([REST]));
    for (area, part) in parts {
        imageops::replace(&mut all, part, i64::from(area.x.max(0)), i64::from(area.y.max(0)));
    }
    let title = "CropOnMarkers: what is searched".to_owned();
    Drawn { title, notes: Vec::new(), picture: Sketch::of(&all, most).finish() }
}

impl Sighting<'_> {
    /// One line for a report.
    fn line(&self) -> String {
        let score = self.score.map_or(String::new(), |score| format!(", fits with {score:.2}"));
        match &self.seen {
            Seen::Box(Rect { x, y, width, height }) => {
                format!("{}: {width}×{height} px at ({x}, {y}){score}", self.label)
            }
            Seen::Mark(Found::Point(p)) => format!("{}: at ({:.1}, {:.1}){score}", self.label, p.x, p.y),
            Seen::Mark(Found::Line { ends: [a, b], .. }) => {
                format!("{}: from ({:.1}, {:.1}) to ({:.1}, {:.1})", self.label, a.x, a.y, b.x, b.y)
            }
            Seen::Nothing => format!("{}: not found", self.label),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_that_failed_is_told_apart() {
        let sighting = |x, seen: Seen| {
            let is_found = seen != Seen::Nothing;
            Sighting { label: "left", area: Rect::new(x, 10, 90, 80), score: None, seen, is_found }
        };
        let point = Found::Point(Point::new(70.0, 70.0));
        let sightings = [sighting(10, Seen::Mark(point)), sighting(100, Seen::Nothing)];
        let picture = GrayImage::from_pixel(200, 100, image::Luma([255]));
        let drawn = sketch(&picture, &sightings, Some("gone"), Size::new(200, 100));
        assert_eq!(drawn.notes[1..], ["left: at (70.0, 70.0)", "left: not found", "gone"]);
        let count = |colour| drawn.picture.pixels().filter(|p| p.0 == colour).count();
        assert!(count(AREA) > 400 && count(MISSING) > 400 && count(MARK) > 60);
    }

    #[test]
    fn searched_parts_lie_in_their_places() {
        let part = GrayImage::from_pixel(10, 10, image::Luma([255]));
        let drawn = searched(Size::new(50, 40), &[(Rect::new(20, 15, 10, 10), part)], Size::new(50, 40));
        assert_eq!((drawn.picture.get_pixel(20, 15).0, drawn.picture.get_pixel(19, 15).0), ([255; 3], [128; 3]));
    }
}
