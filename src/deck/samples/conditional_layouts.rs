//! A test in two versions whose questions stand at different places: v2, `conditionalSets` of the template, chosen by a bubble
//! on the sheet. The set lists all blocks, under the names and with the labels of the template's own.

use super::SampleFile;
use super::folder::{Folder, Hand};
use super::four_corners;
use super::layout::{Block, ConditionalSet, Layout, Values};
use super::quiz::{self, questions, seat};
use crate::deck::DeckError;
use crate::deck::answers::Mix;
use crate::deck::camera::Scanner;
use crate::deck::encode::{self, Tone};
use crate::deck::form::Markers;
use crate::deck::marker::MarkerFigure;
use crate::deck::pen::Pen;

/// The version of the test; it stands at the same place in both.
const VERSION: Block = Block {
    name: "Version",
    values: Values::FourChoices,
    origin: (452, 194),
    bubbles_gap: 30,
    labels_gap: 36,
    labels: &["set"],
};

/// The form of version A, and of sheets without a version.
pub(super) fn layout() -> Layout {
    Layout {
        blocks: vec![
            VERSION,
            seat((78, 232)),
            questions("Part_1", (258, 194), &["q1..9"]),
            questions("Part_2", (452, 290), &["q10..15"]),
            questions("Part_3", (258, 576), &["q16..19"]),
        ],
        output_columns: vec!["Seat", "set", "q1..19"],
        conditional_sets: vec![ConditionalSet {
            name: "Version B",
            format: "{set}",
            regex: "^B$",
            blocks: vec![
                VERSION,
                seat((494, 400)),
                questions("Part_1", (114, 290), &["q1..9"]),
                questions("Part_2", (298, 290), &["q10..15"]),
                questions("Part_3", (298, 576), &["q16..19"]),
            ],
        }],
        preprocessors: format!("[\n{}\n]", four_corners::step()),
        markers: Some(Markers { size: f64::from(four_corners::SIZE), figures: [MarkerFigure::Cross; 4] }),
        ..quiz::layout("Latin, Two Versions")
    }
}

/// One sheet of version A, two of version B.
pub(super) fn folder() -> Result<Vec<SampleFile>, DeckError> {
    let layout = layout();
    let mut folder = Folder::new("conditional-layouts", &layout)?;
    folder.add("omr_marker.png", encode::png(&MarkerFigure::Cross.picture(101))?);
    let sheets = [
        ("sheet-1.jpg", false, Hand { seed: 941, pen: Pen::PENCIL, mix: Mix::CAREFUL, changes: &[("set", &["A"])] }),
        (
            "sheet-2.jpg",
            true,
            Hand { seed: 942, pen: Pen::BLUE_BALLPOINT, mix: Mix::CAREFUL, changes: &[("set", &["B"])] },
        ),
        ("sheet-3.jpg", true, Hand { seed: 943, pen: Pen::PENCIL, mix: Mix::CAREFUL, changes: &[("set", &["B"])] }),
    ];
    let own = folder.print(layout.form()?);
    let set = match layout.conditional_sets.first() {
        Some(set) => folder.print(layout.form_with(&set.blocks)?),
        None => folder.print(layout.form()?),
    };
    for (path, of_set, hand) in sheets {
        let mut sheet = folder.fill_on(if of_set { &set } else { &own }, hand);
        let scanner = Scanner { turn: if of_set { -0.006 } else { 0.004 }, shift: (-2.0, 3.0), ..quiz::SCANNER };
        let picture = scanner.shoot(&sheet.canvas, &mut sheet.random);
        folder.add_sheet(path, sheet, encode::jpeg(&picture, Tone::Gray, 78)?);
    }
    folder.finish()
}
