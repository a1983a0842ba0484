//! A page that does not lie flat under an overhead camera: v2, TWO_LINES with DOC_REFINE, which follows the lines' bends.
//!
//! The camera sees paper only. It stands to the right, as far from the left line as it is high: the left line bows by as much
//! as the paper is high, the right line by half of that.

use super::SampleFile;
use super::folder::{Folder, Hand};
use super::layout::Layout;
use super::marks::{Mark, crop_on, marks};
use super::quiz;
use crate::deck::DeckError;
use crate::deck::answers::Mix;
use crate::deck::camera::{Axis, Curl, Phone, Profile};
use crate::deck::encode::{self, Tone};
use crate::deck::pen::Pen;
use crate::geometry::{Point, Rect, Size};

/// White around the page: more than the camera sees, also of a bent page.
const MARGIN: u32 = 100;

/// What the camera sees of a flat page: a page pixel is a pixel of the step.
const SEEN: Rect = Rect::new(-50, -45, 720, 850);

/// Pixels of the photo per page pixel.
const SCALE: f64 = 1.2;

/// How a photo of a folder is taken.
#[derive(Debug, Clone, Copy)]
struct Shot {
    path: &'static str,
    hand: Hand,
    /// How far the left line bows, as a share of the page's width; 0 is flat.
    bow: f64,
    profile: Profile,
}

/// The form. The bend moves all to the left, so lines are sought farther to that side.
pub(super) fn layout() -> Layout {
    let base = quiz::layout("Biology, Chapter 4");
    let marks = marks(&["leftLine", "rightLine"], base.page);
    let figures = marks.iter().map(|mark| mark.figure).collect();
    let margins = [[25, 14, 25, 42], [25, 24, 25, 22]];
    let marks: Vec<Mark> = marks.into_iter().zip(margins).map(|(mark, margins)| Mark { margins, ..mark }).collect();
    Layout {
        margin: (MARGIN, MARGIN),
        processing_shape: Some((SEEN.height, SEEN.width)),
        preprocessors: crop_on("TWO_LINES", &marks, SEEN, r#"{ "warpMethod": "DOC_REFINE" }"#),
        figures,
        ..base
    }
}

/// The same sheet flat and bent twice.
pub(super) fn folder() -> Result<Vec<SampleFile>, DeckError> {
    let hand = Hand { seed: 861, pen: Pen::PENCIL, mix: Mix::CAREFUL, changes: &[] };
    photos(
        "curved-page",
        &[
            Shot { path: "bent.jpg", hand, bow: 0.03, profile: Profile::Arch },
            Shot { path: "flat.jpg", hand, bow: 0.0, profile: Profile::Arch },
            Shot { path: "rising.jpg", hand, bow: 0.012, profile: Profile::Rising },
        ],
    )
}

/// A folder with one photo, `sheet.jpg`, of a sheet whose left line bows by `bow`, drawn from `seed`.
pub(super) fn bent(bow: f64, seed: u64) -> Result<Vec<SampleFile>, DeckError> {
    let hand = Hand { seed, pen: Pen::PENCIL, mix: Mix::CAREFUL, changes: &[] };
    photos("bent", &[Shot { path: "sheet.jpg", hand, bow, profile: Profile::Arch }])
}

fn photos(name: &'static str, shots: &[Shot]) -> Result<Vec<SampleFile>, DeckError> {
    let layout = layout();
    let mut folder = Folder::new(name, &layout)?;
    let paper = layout.paper();
    // Shares of the page's width become shares of the paper's.
    let share = f64::from(layout.page.width) / f64::from(paper.width);
    // The lines are a part of the bend, which is a parabola over the whole paper: they bow by the square of that part.
    let part = f64::from(layout.page.height) / f64::from(paper.height);
    for &Shot { path, hand, bow, profile } in shots {
        // Half a parabola, from its foot to its top, bows by a quarter of its height.
        let whole = match profile {
            Profile::Arch => 1.0,
            Profile::Rising => 4.0,
        };
        let eye = (1.5 * share, 0.0, 2.0 * share);
        let curl = Curl { axis: Axis::Down, profile, amplitude: bow * whole / (part * part) * share, eye };
        let phone = Phone {
            size: Size::new((f64::from(SEEN.width) * SCALE) as u32, (f64::from(SEEN.height) * SCALE) as u32),
            corners: corners(paper),
            desk: [90, 90, 90],
            white: [240, 240, 240],
            slope: (0.04, -0.03),
            shade: None,
            noise: 1.6,
            blur: 1,
            curl: (bow != 0.0).then_some(curl),
        };
        let mut sheet = folder.fill(hand);
        let picture = phone.shoot(&sheet.canvas, &mut sheet.random)?;
        folder.add_sheet(path, sheet, encode::jpeg(&picture, Tone::Gray, 72)?);
    }
    folder.finish()
}

/// Where the paper's corners would be in the photo: outside of it, and a little out of square.
fn corners(paper: Rect) -> [Point; 4] {
    let (left, top) = (f64::from(paper.x), f64::from(paper.y));
    let (right, bottom) = (left + f64::from(paper.width), top + f64::from(paper.height));
    let seen =
        [(left + 3.0, top - 2.0), (right - 2.0, top + 4.0), (right + 4.0, bottom - 1.0), (left - 2.0, bottom + 3.0)];
    seen.map(|(x, y)| Point::new((x - f64::from(SEEN.x)) * SCALE, (y - f64::from(SEEN.y)) * SCALE))
}
