//! Sheets that went through the scanner the wrong way round: v2 with AutoRotate and a printed stamp, and v1 with nothing that
//! tells the way but the form itself.

use image::{RgbImage, imageops};

use super::SampleFile;
use super::folder::{Folder, Hand};
use super::four_corners;
use super::layout::Layout;
use super::quiz;
use crate::deck::DeckError;
use crate::deck::answers::Mix;
use crate::deck::camera::Scanner;
use crate::deck::encode::{self, Tone};
use crate::deck::figure::Figure;
use crate::deck::form::Markers;
use crate::deck::marker::MarkerFigure;
use crate::deck::pen::Pen;
use crate::dialect::Dialect;
use crate::geometry::{Rect, Size};

/// The stamp, at the top right of the form.
const STAMP: Figure = Figure::Flag(Rect::new(520, 46, 40, 44));
/// White around the stamp in its reference picture.
const RIM: u32 = 6;

/// A coarser scan than elsewhere: there are many of them.
const SCANNER: Scanner = Scanner { size: Size::new(740, 886), white: 266.0, noise: 1.0, ..quiz::SCANNER };

/// Processing sizes of the form's aspect ratio.
const CONFIG: &str = r#"{
  "dimensions": {
    "processing_width": 710,
    "processing_height": 850
  }
}
"#;

const V1_PREPROCESSORS: &str = r#"[
  {
    "name": "CropOnMarkers",
    "options": {
      "relativePath": "omr_marker.png",
      "sheetToMarkerWidthRatio": 14
    }
  }
]"#;

/// The form with the stamp.
pub(super) fn stamped() -> Layout {
    let rotate = format!(
        r#"  {{
    "name": "AutoRotate",
    "options": {{
      "referenceImage": "stamp.png",
      "markerDimensions": [{}, {}],
      "threshold": {{ "value": 0.6, "passthrough": false }}
    }}
  }}"#,
        40 + 2 * RIM,
        44 + 2 * RIM
    );
    Layout {
        preprocessors: format!("[\n{rotate},\n{}\n]", four_corners::step()),
        markers: Some(Markers { size: f64::from(four_corners::SIZE), figures: [MarkerFigure::Disc; 4] }),
        figures: vec![STAMP],
        ..quiz::layout("Bicycle Test")
    }
}

/// The form without it.
pub(super) fn unmarked() -> Layout {
    Layout {
        dialect: Dialect::V1,
        processing_shape: None,
        preprocessors: V1_PREPROCESSORS.to_owned(),
        markers: Some(Markers { size: f64::from(four_corners::SIZE), figures: [MarkerFigure::Disc; 4] }),
        ..quiz::layout("History, Unit 7")
    }
}

/// Four scans with a stamp, one for each way round.
pub(super) fn auto_rotate() -> Result<Vec<SampleFile>, DeckError> {
    let mut folder = Folder::new("auto-rotate", &stamped())?;
    folder.add("omr_marker.png", encode::png(&MarkerFigure::Disc.picture(101))?);
    folder.add("stamp.png", encode::png(&STAMP.picture(f64::from(RIM), 2.0))?);
    let turns = [("000.jpg", 0), ("090.jpg", 1), ("180.jpg", 2), ("270.jpg", 3)];
    scans(&mut folder, 901, &turns)?;
    folder.finish()
}

/// Three scans, each turned another way.
pub(super) fn by_itself() -> Result<Vec<SampleFile>, DeckError> {
    let mut folder = Folder::new("turned", &unmarked())?;
    folder.add("config.json", CONFIG.as_bytes().to_vec());
    folder.add("omr_marker.png", encode::png(&MarkerFigure::Disc.picture(101))?);
    scans(&mut folder, 911, &[("090.jpg", 1), ("180.jpg", 2), ("270.jpg", 3)])?;
    folder.finish()
}

/// Adds a sheet for each file, turned clockwise by so many quarters.
fn scans(folder: &mut Folder, seed: u64, turns: &[(&str, u32)]) -> Result<(), DeckError> {
    let pens = [Pen::PENCIL, Pen::BLUE_BALLPOINT, Pen::BLACK_FELT, Pen::PENCIL];
    for ((&(path, quarters), pen), seed) in turns.iter().zip(pens).zip(seed..) {
        let lean = if quarters % 2 == 0 { 0.005 } else { -0.004 };
        let scanner = Scanner { turn: lean, shift: (2.0, -3.0), ..SCANNER };
        let mut sheet = folder.fill(Hand { seed, pen, mix: Mix::CAREFUL, changes: &[] });
        let picture = turned(&scanner.shoot(&sheet.canvas, &mut sheet.random), quarters);
        folder.add_sheet(path, sheet, encode::jpeg(&picture, Tone::Gray, 76)?);
    }
    Ok(())
}

/// The picture turned clockwise by so many quarters.
fn turned(picture: &RgbImage, quarters: u32) -> RgbImage {
    match quarters % 4 {
        0 => picture.clone(),
        1 => imageops::rotate90(picture),
        2 => imageops::rotate180(picture),
        _ => imageops::rotate270(picture),
    }
}
