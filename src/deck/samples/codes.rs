//! Forms with printed texts beside the bubbles, each sheet with its own: v2, BARCODE_QR and OCR fields.
//!
//! The folder of OCR fields is made for tests and is no sample: it cannot be read on a machine without tesseract.

use super::SampleFile;
use super::folder::{Folder, Hand, Imprint};
use super::four_corners;
use super::layout::{Block, Layout};
use super::quiz;
use crate::deck::DeckError;
use crate::deck::answers::Mix;
use crate::deck::camera::Scanner;
use crate::deck::code::Symbology;
use crate::deck::encode::{self, Tone};
use crate::deck::form::{Markers, Print};
use crate::deck::marker::MarkerFigure;
use crate::deck::pen::Pen;
use crate::geometry::Size;

/// A QR code names the student, a bar code the paper.
pub(super) fn codes() -> Layout {
    let qr = Print::Code(Symbology::Qr);
    let bars = Print::Code(Symbology::Code128);
    printed(
        "Chemistry, Spring Term",
        vec!["student", "paper", "q1..26"],
        vec![
            Block::zone("Student", qr, (80, 220), (Size::new(100, 100), 14), &["student"]),
            Block::zone("Paper", bars, (350, 84), (Size::new(210, 44), 12), &["paper"]),
        ],
    )
}

/// A number and a name in ruled boxes.
pub(super) fn letters() -> Layout {
    printed(
        "Entrance Card",
        vec!["number", "group", "q1..26"],
        vec![
            Block::zone("Number", Print::Letters, (76, 214), (Size::new(116, 30), 5), &["number"]),
            Block::zone("Group", Print::Letters, (400, 96), (Size::new(170, 30), 5), &["group"]),
        ],
    )
}

/// The shared form with these zones instead of the seat number.
fn printed(title: &'static str, columns: Vec<&'static str>, zones: Vec<Block>) -> Layout {
    let base = quiz::layout(title);
    let questions = base.blocks.into_iter().skip(1);
    Layout {
        blocks: zones.into_iter().chain(questions).collect(),
        custom_labels: Vec::new(),
        output_columns: columns,
        preprocessors: format!("[\n{}\n]", four_corners::step()),
        markers: Some(Markers { size: f64::from(four_corners::SIZE), figures: [MarkerFigure::Diamond; 4] }),
        ..base
    }
}

/// Two scans with codes.
pub(super) fn folder() -> Result<Vec<SampleFile>, DeckError> {
    scans(
        "qr-code",
        &codes(),
        [
            (881, &[("student", "student:2041-7731"), ("paper", "20260417")]),
            (882, &[("student", "https://example.org/s/1187"), ("paper", "K-17/B")]),
        ],
    )
}

/// Two scans with letters and digits.
pub(super) fn ocr() -> Result<Vec<SampleFile>, DeckError> {
    scans(
        "ocr",
        &letters(),
        [(891, &[("number", "4072931"), ("group", "MARIGOLD")]), (892, &[("number", "5186407"), ("group", "HEATHER")])],
    )
}

fn scans(name: &'static str, layout: &Layout, sheets: [(u64, Imprint); 2]) -> Result<Vec<SampleFile>, DeckError> {
    let mut folder = Folder::new(name, layout)?;
    folder.add("omr_marker.png", encode::png(&MarkerFigure::Diamond.picture(101))?);
    let scanners = [
        Scanner { turn: 0.005, shift: (2.0, -3.0), ..quiz::SCANNER },
        Scanner { turn: -0.007, shift: (-4.0, 3.0), white: 252.0, ..quiz::SCANNER },
    ];
    let files = ["scan-1.jpg", "scan-2.jpg"];
    for (((seed, imprint), scanner), path) in sheets.into_iter().zip(scanners).zip(files) {
        let hand = Hand { seed, pen: Pen::PENCIL, mix: Mix::CAREFUL, changes: &[] };
        let mut sheet = folder.fill_imprinted(imprint, hand)?;
        let picture = scanner.shoot(&sheet.canvas, &mut sheet.random);
        folder.add_sheet(path, sheet, encode::jpeg(&picture, Tone::Gray, 80)?);
    }
    folder.finish()
}
