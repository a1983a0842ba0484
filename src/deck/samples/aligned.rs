//! Sheets that are laid over a picture of the blank form: v2, `alignment` for blocks that a printer moved, and
//! FeatureBasedAlignment for scans without markers and without the paper's edges.

use super::SampleFile;
use super::folder::{Folder, Hand};
use super::layout::Layout;
use super::quiz;
use crate::deck::DeckError;
use crate::deck::answers::Mix;
use crate::deck::camera::Scanner;
use crate::deck::encode::{self, Tone};
use crate::deck::pen::Pen;
use crate::deck::random::Random;
use crate::geometry::{Rect, Size};

/// The page, which the blank form's picture shows.
const PAGE: Rect = Rect::new(0, 0, 620, 760);

const ALIGNMENT: &str = r#"{
  "referenceImage": "blank.jpg",
  "margins": { "top": 20, "right": 20, "bottom": 20, "left": 20 },
  "maxDisplacement": 14
}"#;

const PREPROCESSORS: &str = r#"[
  {
    "name": "FeatureBasedAlignment",
    "options": {
      "reference": "blank.jpg",
      "maxFeatures": 1000,
      "goodMatchPercent": 0.15,
      "2d": true
    }
  }
]"#;

/// Where the printer put the blocks of each sheet, in the order of the form.
const SHIFTS: [(&str, [(i32, i32); 5]); 2] = [
    ("scan-1.jpg", [(4, -8), (-5, 7), (8, 8), (0, -9), (9, 3)]),
    ("scan-2.jpg", [(-9, 6), (8, 7), (-3, -9), (9, 5), (0, 0)]),
];

/// The parts of the paper that were scanned: larger, smaller and elsewhere than the page.
const PARTS: [(&str, Rect, f64); 3] = [
    ("scan-1.jpg", Rect::new(-16, -12, 644, 790), 0.012),
    ("scan-2.jpg", Rect::new(14, 4, 601, 737), -0.009),
    ("scan-3.jpg", Rect::new(-22, 8, 632, 775), 0.02),
];

/// The form whose blocks move.
pub(super) fn blocks() -> Layout {
    Layout {
        margin: (0, 0),
        processing_shape: Some((PAGE.height, PAGE.width)),
        alignment: ALIGNMENT,
        ..quiz::layout("Parents' Evening Survey")
    }
}

/// The form without anything to find it by.
pub(super) fn features() -> Layout {
    Layout {
        processing_shape: Some((PAGE.height, PAGE.width)),
        preprocessors: PREPROCESSORS.to_owned(),
        ..quiz::layout("Course Evaluation")
    }
}

/// Two scans of sheets whose blocks are displaced, each by itself.
pub(super) fn template_alignment() -> Result<Vec<SampleFile>, DeckError> {
    let mut folder = Folder::new("template-alignment", &blocks())?;
    let blank = blank(&folder)?;
    folder.add("blank.jpg", blank);
    let scanner = Scanner { size: Size::new(806, 988), turn: 0.0008, shift: (1.0, -1.0), ..quiz::SCANNER };
    for ((path, shifts), seed) in SHIFTS.into_iter().zip(921..) {
        let printed = folder.print(folder.printed().form.displaced(&shifts));
        let pen = if seed == 921 { Pen::PENCIL } else { Pen::BLUE_BALLPOINT };
        let mut sheet = folder.fill_on(&printed, Hand { seed, pen, mix: Mix::CAREFUL, changes: &[] });
        let picture = scanner.shoot(&sheet.canvas, &mut sheet.random);
        folder.add_sheet(path, sheet, encode::jpeg(&picture, Tone::Gray, 80)?);
    }
    folder.finish()
}

/// Three scans of other parts of the paper, turned.
pub(super) fn feature_alignment() -> Result<Vec<SampleFile>, DeckError> {
    let mut folder = Folder::new("feature-alignment", &features())?;
    let blank = blank(&folder)?;
    folder.add("blank.jpg", blank);
    for ((path, part, turn), seed) in PARTS.into_iter().zip(931..) {
        let scanner = Scanner { size: Size::new(731, 896), turn, white: 266.0, noise: 1.2, ..quiz::SCANNER };
        let pen = if seed == 932 { Pen::BLACK_FELT } else { Pen::PENCIL };
        let mut sheet = folder.fill(Hand { seed, pen, mix: Mix::CAREFUL, changes: &[] });
        let picture = scanner.shoot_part(&sheet.canvas, part, &mut sheet.random);
        folder.add_sheet(path, sheet, encode::jpeg(&picture, Tone::Gray, 73)?);
    }
    folder.finish()
}

/// A clean scan of the blank page.
fn blank(folder: &Folder) -> Result<Vec<u8>, DeckError> {
    let size = Size::new(PAGE.width, PAGE.height);
    let scanner = Scanner { size, white: 266.0, noise: 0.0, blur: 0, ..quiz::SCANNER };
    let picture = scanner.shoot_part(&folder.printed().blank, PAGE, &mut Random::new(0));
    encode::jpeg(&picture, Tone::Gray, 85)
}
