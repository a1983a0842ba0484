//! Prints a blank form.

use super::DeckError;
use super::answers::Answers;
use super::canvas::{Anchor, Canvas, Fonts, Ink};
use super::form::{Direction, Form, Markers, Outline, Print, PrintedZone, centre, direction, half_size};
use crate::geometry::{Point, Rect};
use crate::template::{FieldBlock, FieldKind};

/// Black of the printer: toner reflects a little.
const PRINT: Ink = Ink::gray(32);
/// Frames and small rules are lighter than text, so that they do not compete with marks.
const FRAME: Ink = Ink::gray(120);
/// Between a block's bubbles and its frame.
const PADDING: f64 = 12.0;

/// Prints `form` at `scale` pixels per page pixel.
pub fn print(form: &Form, fonts: &Fonts, scale: f64) -> Canvas {
    let mut canvas = Canvas::new(form.paper, scale);
    for text in &form.texts {
        canvas.text(&fonts.text, text.at, Anchor::Left, text.size, &text.text, PRINT);
    }
    for &(from, to) in &form.rules {
        canvas.stroke(&[from, to], 1.4, FRAME);
    }
    for block in &form.blocks {
        match block.kind {
            FieldKind::Bubbles => print_block(&mut canvas, fonts, form, block),
            FieldKind::Barcode | FieldKind::Ocr(_) => print_zone(&mut canvas, fonts, block),
        }
    }
    for figure in &form.figures {
        figure.draw(&mut canvas, PRINT);
    }
    if let Some(markers) = form.markers {
        print_markers(&mut canvas, form, markers);
    }
    canvas
}

/// Prints what is this sheet's own: codes and letters in the zones of fields without bubbles.
///
/// # Errors
/// [`DeckError::Code`] for a text that a code cannot say.
pub fn imprint(canvas: &mut Canvas, fonts: &Fonts, form: &Form, answers: &Answers) -> Result<(), DeckError> {
    for PrintedZone { label, area, print } in &form.zones {
        let Some(text) = answers.printed.get(label) else {
            continue;
        };
        match print {
            Print::Code(symbology) => symbology.modules(text)?.draw(canvas, *area, PRINT),
            Print::Letters => {
                let (width, height) = (f64::from(area.width), f64::from(area.height));
                let middle = Point::new(f64::from(area.x) + width / 2.0, f64::from(area.y) + height / 2.0);
                // A letter of this font is six tenths of its type size wide.
                let size = (1.3 * height).min(width / (0.62 * text.chars().count().max(1) as f64));
                canvas.text(&fonts.fixed, middle, Anchor::Middle, size, text, PRINT);
            }
        }
    }
    Ok(())
}

/// The box above a digit's column in which the digit is written by hand.
pub fn writing_box(block: &FieldBlock, field: usize) -> Option<(Point, (f64, f64))> {
    let first = block.fields.get(field)?.bubbles.first()?;
    let (rx, ry) = half_size(block);
    let top = centre(block, first.x, first.y);
    Some((Point::new(top.x, top.y - 2.0 * ry - 16.0), (rx + 3.0, ry + 3.0)))
}

fn print_block(canvas: &mut Canvas, fonts: &Fonts, form: &Form, block: &FieldBlock) {
    let Rect { x, y, width, height } = block.bounds;
    let (left, top) = (f64::from(x), f64::from(y));
    let (right, bottom) = (left + f64::from(width), top + f64::from(height));
    let (rx, ry) = half_size(block);
    // Room inside the frame for what stands beside the bubbles: numbers of questions, boxes above digits.
    let (before, above) = match direction(block) {
        Direction::Horizontal => (2.0 * rx + 16.0, 0.0),
        Direction::Vertical => (0.0, 2.0 * ry + 16.0),
    };
    let (left, top) = (left - PADDING - before, top - PADDING - above);
    let middle = Point::new((left + right + PADDING) / 2.0, (top + bottom + PADDING) / 2.0);
    canvas.frame(middle, (middle.x - left, middle.y - top), 1.4, FRAME);
    canvas.text(&fonts.text, Point::new(left + 2.0, top - 12.0), Anchor::Left, 17.0, &caption(block), PRINT);

    for (index, field) in block.fields.iter().enumerate() {
        match direction(block) {
            Direction::Horizontal => {
                if let Some(first) = field.bubbles.first() {
                    let at = centre(block, first.x, first.y);
                    let at = Point::new(at.x - rx - 12.0, at.y);
                    canvas.text(&fonts.text, at, Anchor::Right, ry * 1.5, short_label(&field.label), PRINT);
                }
            }
            Direction::Vertical => {
                if let Some((middle, half)) = writing_box(block, index) {
                    canvas.frame(middle, half, 1.2, FRAME);
                }
            }
        }
        for bubble in &field.bubbles {
            let at = centre(block, bubble.x, bubble.y);
            let ink = Ink::gray(form.bubble_tone);
            // The line lies inside of the box.
            match form.outline {
                Outline::Ellipse => canvas.ring(at, (rx - 0.8, ry - 0.8), 1.4, ink),
                Outline::Box => canvas.frame(at, (rx - 0.8, ry - 0.8), 1.4, ink),
            }
            let size = 1.15 * ry.min(2.2 * rx / bubble.value.chars().count().max(1) as f64);
            canvas.text(&fonts.fixed, at, Anchor::Middle, size, &bubble.value, ink);
        }
    }
}

/// The caption of a zone and, for text, a ruled box just outside of it.
fn print_zone(canvas: &mut Canvas, fonts: &Fonts, block: &FieldBlock) {
    let Rect { x, y, width, height } = block.bounds;
    let half = (f64::from(width) / 2.0, f64::from(height) / 2.0);
    let middle = Point::new(f64::from(x) + half.0, f64::from(y) + half.1);
    if matches!(block.kind, FieldKind::Ocr(_)) {
        canvas.frame(middle, (half.0 + 4.0, half.1 + 4.0), 1.4, FRAME);
    }
    let above = Point::new(middle.x - half.0 + 2.0, middle.y - half.1 - 14.0);
    canvas.text(&fonts.text, above, Anchor::Left, 17.0, &caption(block), PRINT);
}

fn print_markers(canvas: &mut Canvas, form: &Form, markers: Markers) {
    let (right, bottom) = (f64::from(form.page.width), f64::from(form.page.height));
    let corners = [(0.0, 0.0), (right, 0.0), (right, bottom), (0.0, bottom)];
    for ((x, y), figure) in corners.into_iter().zip(markers.figures) {
        figure.draw(canvas, Point::new(x, y), markers.size, PRINT);
    }
}

/// A block's name as a heading: underscores are blanks.
fn caption(block: &FieldBlock) -> String {
    block.name.replace('_', " ")
}

/// What is printed beside a question: its number where its label ends with one.
fn short_label(label: &str) -> &str {
    let prefix = label.trim_end_matches(|c: char| c.is_ascii_digit());
    if prefix.len() == label.len() { label } else { &label[prefix.len()..] }
}
