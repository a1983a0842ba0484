//! One form with six kinds of printed marks around it: v2, CropOnMarkers by dots, lines and L-shapes.

use super::SampleFile;
use super::folder::{Folder, Hand};
use super::layout::Layout;
use super::marks::{crop_on, marks};
use super::quiz;
use crate::deck::DeckError;
use crate::deck::answers::Mix;
use crate::deck::camera::Scanner;
use crate::deck::encode::{self, Tone};
use crate::deck::pen::Pen;
use crate::geometry::Size;

/// A folder of this kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// The folder.
    name: &'static str,
    /// Heading of the form.
    title: &'static str,
    /// `type` of CropOnMarkers.
    of_type: &'static str,
    /// Its zones.
    keys: &'static [&'static str],
    /// Tuning options.
    tuning: &'static str,
    /// Seeds of its sheets begin here.
    seed: u64,
}

/// All folders.
pub(super) const KINDS: [Kind; 6] = [
    Kind {
        name: "four-dots",
        title: "Geography Quiz",
        of_type: "FOUR_DOTS",
        keys: &["topLeftDot", "topRightDot", "bottomRightDot", "bottomLeftDot"],
        tuning: "",
        seed: 801,
    },
    Kind {
        name: "two-dots-one-line",
        title: "Road Safety Test",
        of_type: "TWO_DOTS_ONE_LINE",
        keys: &["rightLine", "topLeftDot", "bottomLeftDot"],
        tuning: "",
        seed: 811,
    },
    Kind {
        name: "one-line-two-dots",
        title: "Music Theory, Grade 2",
        of_type: "ONE_LINE_TWO_DOTS",
        keys: &["leftLine", "topRightDot", "bottomRightDot"],
        tuning: "",
        seed: 821,
    },
    Kind {
        name: "two-lines",
        title: "Spelling Bee, Round 1",
        of_type: "TWO_LINES",
        keys: &["leftLine", "rightLine"],
        tuning: "",
        seed: 831,
    },
    // The kernel of lines stands upright by default; these lie.
    Kind {
        name: "two-lines-horizontal",
        title: "Chess Puzzles",
        of_type: "TWO_LINES_HORIZONTAL",
        keys: &["topLine", "bottomLine"],
        tuning: r#"{ "lineKernel": [10, 2] }"#,
        seed: 841,
    },
    Kind {
        name: "l-markers",
        title: "First Aid Course",
        of_type: "L_MARKERS",
        keys: &["topLeftLMarker", "topRightLMarker", "bottomRightLMarker", "bottomLeftLMarker"],
        tuning: r#"{ "warpMethod": "HOMOGRAPHY" }"#,
        seed: 851,
    },
];

/// The form.
pub(super) fn layout(kind: &Kind) -> Layout {
    let base = quiz::layout(kind.title);
    let marks = marks(kind.keys, base.page);
    Layout {
        preprocessors: crop_on(kind.of_type, &marks, base.paper(), kind.tuning),
        figures: marks.iter().map(|mark| mark.figure).collect(),
        ..base
    }
}

/// Two scans: pencil, and a pen with a double mark on paper that shows its grain.
pub(super) fn folder(kind: &Kind) -> Result<Vec<SampleFile>, DeckError> {
    let mut folder = Folder::new(kind.name, &layout(kind))?;
    let seed = kind.seed;
    let sheets: [(&str, Hand, Scanner); 2] = [
        (
            "scan-1.jpg",
            Hand { seed, pen: Pen::PENCIL, mix: Mix::CAREFUL, changes: &[] },
            Scanner { turn: 0.006, shift: (3.0, -4.0), ..quiz::SCANNER },
        ),
        (
            "scan-2.jpg",
            Hand { seed: seed + 1, pen: Pen::BLUE_BALLPOINT, mix: Mix::CAREFUL, changes: &[("q20", &["A", "C"])] },
            Scanner { size: Size::new(900, 1077), turn: -0.008, shift: (-4.0, 3.0), white: 251.0, ..quiz::SCANNER },
        ),
    ];
    for (path, hand, scanner) in sheets {
        let mut sheet = folder.fill(hand);
        let picture = scanner.shoot(&sheet.canvas, &mut sheet.random);
        folder.add_sheet(path, sheet, encode::jpeg(&picture, Tone::Gray, 80)?);
    }
    folder.finish()
}
