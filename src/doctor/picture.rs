//! The report as one picture: the first sheets with the template's boxes and the print beside them, sheets that failed, and
//! the histogram of ink.

use std::path::Path;

use image::{GrayImage, RgbImage};

use super::examine::{Examined, Seen};
use super::ink::Ink;
use super::offsets::{self, BlockReport, Verdict};
use crate::file_names::extension;
use crate::geometry::{Point, Rect, Size};
use crate::imaging::coloured;
use crate::imaging::overlay::EncodeError;
use crate::imaging::sketch::{Sketch, text_size};
use crate::report_mark::MAKER;
use crate::sheet::drawings::stack;
use crate::sheet::print::PrintFit;
use crate::sheet::stages::{Kind, Stage};
use crate::sheet::{SheetContext, Turn};
use crate::template::{FieldBlock, FieldKind};

/// Panels of sheets that were read, and of sheets that failed.
const READ: usize = 5;
const FAILED: usize = 3;
/// A panel's picture is at most this large.
const PANEL: Size = Size::new(900, 1280);

const BOX: [u8; 3] = [90, 130, 220];
const PRINT: [u8; 3] = [200, 0, 120];
const FITS: [u8; 3] = [0, 150, 60];
const OFF: [u8; 3] = [215, 30, 30];
const UNSURE: [u8; 3] = [200, 120, 0];

/// Arrows are drawn so many times as long as the offset.
const ENLARGED: f64 = 8.0;

/// Counts the panels of sheets.
#[derive(Debug, Default)]
pub(super) struct Room {
    read: usize,
    failed: usize,
}

impl Room {
    /// Counts a sheet. Does it have a panel?
    pub fn has_room_for(&mut self, sheet: &Examined) -> bool {
        let (count, most) = if sheet.seen.is_ok() { (&mut self.read, READ) } else { (&mut self.failed, FAILED) };
        *count += 1;
        *count <= most
    }
}

/// The picture.
pub(super) fn of(context: &SheetContext, sheets: &[Examined], blocks: &[BlockReport], ink: &Ink) -> RgbImage {
    let read = sheets.iter().filter_map(|sheet| Some((sheet, sheet.seen.as_ref().ok()?)));
    let read = read.take(READ).filter_map(|(sheet, seen)| panel(context, sheet, seen, blocks));
    let failed = sheets.iter().filter_map(|sheet| failed_panel(sheet, sheet.seen.as_ref().err()?)).take(FAILED);
    let stages: Vec<Stage> = read.chain(failed).chain(std::iter::once(ink.panel())).collect();
    stack::stack(stages.iter()).unwrap_or_default()
}

/// The picture as a file: a JPEG if it is named so, else a PNG. It says who made it.
pub(super) fn encode(picture: &RgbImage, path: &Path) -> Result<Vec<u8>, EncodeError> {
    let extension = path.file_name().and_then(extension);
    match extension.as_deref() {
        Some("jpg" | "jpeg") => coloured::to_jpeg(picture, Some(MAKER)),
        _ => coloured::to_png(picture, Some(MAKER)),
    }
}

fn panel(context: &SheetContext, sheet: &Examined, seen: &Seen, blocks: &[BlockReport]) -> Option<Stage> {
    let page = seen.page.as_ref()?;
    // Paler, so that what is drawn stands out.
    let pale = GrayImage::from_fn(page.width(), page.height(), |x, y| {
        image::Luma([96 + (u16::from(page.get_pixel(x, y).0[0]) * 159 / 255) as u8])
    });
    let mut sketch = Sketch::of(&pale, PANEL);
    let template = context.layout(seen.layout);
    let drawn = || template.blocks.iter().zip(&seen.blocks).filter(|(block, _)| block.kind == FieldKind::Bubbles);
    for (block, there) in drawn() {
        draw_boxes(&mut sketch, block, there.print.as_ref());
    }
    // Above all boxes.
    for (block, there) in drawn() {
        let key = offsets::key(context, seen.layout, block);
        let report = blocks.iter().find(|report| report.key == key);
        draw_offset(&mut sketch, block, there.print.as_ref(), report);
    }
    let legend = "blue: the template's boxes; crosses: middles of the print; arrows and numbers: from box to print, arrows 8 \
                  times as long";
    let mut notes = vec![legend.to_owned()];
    if seen.turn != Turn::None {
        notes.push(format!("lay turned clockwise by {}°", seen.turn.degrees()));
    }
    notes.extend(context.layout_name(seen.layout).map(|name| format!("layout of the set {name}")));
    Some(Stage { kind: Kind::Layout, title: file_name(sheet), notes, picture: sketch.finish() })
}

fn failed_panel(sheet: &Examined, error: &crate::sheet::SheetError) -> Option<Stage> {
    let failure = sheet.failure.as_ref();
    let notes = vec![format!("FAILED  {error}")];
    // Of a file that is no picture there is nothing to see.
    let picture = failure.map_or_else(|| Sketch::blank(Size::new(600, 40)).finish(), |stage| stage.picture.clone());
    Some(Stage { kind: Kind::Failure, title: file_name(sheet), notes, picture })
}

fn file_name(sheet: &Examined) -> String {
    sheet.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn boxes(block: &FieldBlock) -> impl Iterator<Item = Rect> {
    let Size { width, height } = block.bubble_size;
    block.fields.iter().flat_map(|field| &field.bubbles).map(move |b| Rect::new(b.x, b.y, width, height))
}

fn colour(print: &PrintFit, report: Option<&BlockReport>) -> [u8; 3] {
    let differs = |report: &BlockReport| report.contrary.iter().any(|(_, shift)| *shift == print.shift);
    match report.map(|report| report.verdict) {
        _ if !print.is_clear() => UNSURE,
        _ if report.is_some_and(differs) => OFF,
        Some(Verdict::Fits) => FITS,
        Some(Verdict::Move(..)) => OFF,
        _ => UNSURE,
    }
}

fn draw_boxes(sketch: &mut Sketch, block: &FieldBlock, print: Option<&PrintFit>) {
    for area in boxes(block) {
        sketch.outline(area, 1, BOX);
    }
    let Some(print) = print.filter(|print| print.is_clear()) else { return };
    for area in boxes(block) {
        let middle = print.place(area);
        // Middles of pixels are whole in a sketch.
        let middle = Point::new(middle.x - 0.5, middle.y - 0.5);
        let arm = (f64::from(area.width.min(area.height)) / 6.0).max(1.0);
        sketch.line(Point::new(middle.x - arm, middle.y), Point::new(middle.x + arm, middle.y), 1, PRINT);
        sketch.line(Point::new(middle.x, middle.y - arm), Point::new(middle.x, middle.y + arm), 1, PRINT);
    }
}

fn draw_offset(sketch: &mut Sketch, block: &FieldBlock, print: Option<&PrintFit>, report: Option<&BlockReport>) {
    let Rect { x, y, width, height } = block.bounds;
    // Beyond this part of a bubble's side an arrow is more than a speck.
    let speck = f64::from(block.bubble_size.width.min(block.bubble_size.height)) / 20.0;
    let ink = print.map_or(UNSURE, |print| colour(print, report));
    let told = match print.filter(|print| print.is_clear()) {
        Some(print) => format!("{:+.1} {:+.1}", print.shift.0, print.shift.1),
        None => "not clear".to_owned(),
    };
    // Neighbours stand close: the name above takes the block's own width, and the numbers stand within it, under the arrow.
    let room = (f64::from(width) + f64::from(block.bubble_size.width)) * sketch.scale();
    let name = fitted(&block.name, room);
    let above = Point::new(f64::from(x), f64::from(y) - f64::from(name.1 + 5) / sketch.scale());
    let (numbers, letters) = (text_size(&told, fitted(&told, room).1), fitted(&told, room).1);
    let within = Point::new(
        f64::from(x) + f64::from(width) / 2.0 - f64::from(numbers.width) / 2.0 / sketch.scale(),
        f64::from(y) + f64::from(height) / 2.0 + 10.0 / sketch.scale(),
    );
    sketch.text(&name.0, above, name.1, ink);
    // Numbers are never cut.
    sketch.text(&told, within, letters, ink);
    let Some(print) = print.filter(|print| print.is_clear()) else { return };
    sketch.outline(block.bounds, 1, ink);
    let (dx, dy) = print.shift;
    if dx.hypot(dy) >= speck {
        let middle = print.middle;
        sketch.arrow(middle, Point::new(middle.x + dx * ENLARGED, middle.y + dy * ENLARGED), 12.0, 3, ink);
    }
}

/// A text and the height of letters at which it fits, the smallest that can be read; cut where that is not enough.
fn fitted(text: &str, room: f64) -> (String, u32) {
    const LARGEST: u32 = 18;
    const SMALLEST: u32 = 12;
    let fits = |text: &str, height: u32| f64::from(text_size(text, height).width) <= room;
    if let Some(height) = (SMALLEST..=LARGEST).rev().find(|&height| fits(text, height)) {
        return (text.to_owned(), height);
    }
    let mut cut: Vec<char> = text.chars().collect();
    while cut.len() > 6 && !fits(&format!("{}…", cut.iter().collect::<String>()), SMALLEST) {
        cut.pop();
    }
    (format!("{}…", cut.iter().collect::<String>()), SMALLEST)
}
