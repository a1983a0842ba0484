//! The page with the template drawn on it: blocks with their names, fields with their labels, bubbles, zones of codes and
//! text; and where blocks were moved to, if they were.

use image::GrayImage;

use super::super::stages::Drawn;
use crate::geometry::{Point, Rect, Size};
use crate::imaging::sketch::{Sketch, text_size};
use crate::sheet::align::{Alignment, Placement};
use crate::template::{Field, FieldBlock, FieldKind, Template};

const BLOCK: [u8; 3] = [0, 80, 190];
const BUBBLE: [u8; 3] = [0, 150, 40];
const LABEL: [u8; 3] = [150, 60, 0];
const ZONE: [u8; 3] = [150, 30, 170];
/// The template's own place of what was moved.
const LEFT: [u8; 3] = [150, 165, 190];
const MOVED: [u8; 3] = [215, 30, 30];

/// Space between a frame and what is written beside it, in pixels of the page.
const GAP: i32 = 4;

/// The page with the template on it, at most as large as `most`. `name`: that of the conditional set whose layout it is.
pub fn on_page(page: &GrayImage, template: &Template, alignment: &Alignment, name: Option<&str>, most: Size) -> Drawn {
    let mut sketch = Sketch::large(page, most);
    let mut notes: Vec<String> = name.map(|name| format!("layout of the conditional set {name}")).into_iter().collect();
    for (i, block) in template.blocks.iter().enumerate() {
        let placement = alignment.placements.get(i).copied().unwrap_or_default();
        let moved = shift(block, placement);
        draw_block(&mut sketch, block, placement, moved);
        if let Some((x, y)) = moved {
            let guess = if alignment.uncertain.contains(&i) { ", a guess from other blocks" } else { "" };
            notes.push(format!("{}: moved by ({x:+}, {y:+}) px{guess}", block.name));
        }
    }
    Drawn { title: "the template on the page".to_owned(), notes, picture: sketch.finish() }
}

/// By how many pixels a block was moved, if it was: at its middle.
fn shift(block: &FieldBlock, placement: Placement) -> Option<(i32, i32)> {
    let there = placement.of(block.bounds);
    let shift = (there.x.saturating_sub(block.bounds.x), there.y.saturating_sub(block.bounds.y));
    (placement != Placement::default() && shift != (0, 0)).then_some(shift)
}

fn draw_block(sketch: &mut Sketch, block: &FieldBlock, placement: Placement, moved: Option<(i32, i32)>) {
    let size = sketch.size();
    // In pixels of the picture: to be read when all of it is looked at, and no larger than what is named.
    let name_height = (size.height / 75).clamp(11, 40);
    let own = (f64::from(block.bubble_size.height) * sketch.scale() * 0.55) as u32;
    let label_height = own.clamp(8, name_height.max(8));
    let thickness = (size.height / 700).clamp(1, 4) as i32;
    if block.kind != FieldKind::Bubbles {
        sketch.outline(block.bounds, 2 * thickness, if moved.is_some() { LEFT } else { ZONE });
        if moved.is_some() {
            sketch.outline(placement.of(block.bounds), 2 * thickness, ZONE);
        }
        let labels: Vec<&str> = block.fields.iter().map(|field| field.label.as_str()).collect();
        let text = format!("{} ({}): {}", block.name, kind(&block.kind), labels.join(", "));
        write_above(sketch, &text, block.bounds, name_height, ZONE);
        return;
    }
    let Size { width, height } = block.bubble_size;
    for bubble in block.fields.iter().flat_map(|field| &field.bubbles) {
        let area = Rect::new(bubble.x, bubble.y, width, height);
        match moved {
            None => sketch.outline(placement.of(area), thickness, BUBBLE),
            Some(_) => {
                sketch.outline(area, thickness, LEFT);
                sketch.outline(placement.of(area), thickness, MOVED);
            }
        }
    }
    let mut frame = block.bounds;
    let label = (f64::from(label_height) / sketch.scale()) as i32;
    for field in &block.fields {
        let Some((at, is_above)) = label_place(block, field) else { continue };
        let wide = (f64::from(text_size(&field.label, label_height).width) / sketch.scale()) as i32;
        // Beside the first bubble of a row, above that of a column.
        let (x, y) = match is_above {
            true => (at.x.saturating_add(width as i32 / 2 - wide / 2), at.y.saturating_sub(label + GAP)),
            false => (at.x.saturating_sub(wide + GAP), at.y.saturating_add(height as i32 / 2 - label / 2)),
        };
        sketch.text(&field.label, Point::new(f64::from(x), f64::from(y)), label_height, LABEL);
        frame = around(frame, Rect::new(x, y, wide.max(0) as u32, label.max(0) as u32));
    }
    let frame = around(frame, block.bounds).moved(-GAP, -GAP);
    let frame = Rect { width: frame.width + 2 * GAP as u32, height: frame.height + 2 * GAP as u32, ..frame };
    sketch.outline(frame, thickness, BLOCK);
    let text = match moved {
        Some((x, y)) => format!("{} ({x:+}, {y:+})", block.name),
        None => block.name.clone(),
    };
    write_above(sketch, &text, frame, name_height, BLOCK);
}

fn kind(kind: &FieldKind) -> &'static str {
    match kind {
        FieldKind::Bubbles => "bubbles",
        FieldKind::Barcode => "code",
        FieldKind::Ocr(_) => "text",
    }
}

fn write_above(sketch: &mut Sketch, text: &str, area: Rect, height: u32, ink: [u8; 3]) {
    let above = f64::from(height) * 1.1 / sketch.scale();
    sketch.text(text, Point::new(f64::from(area.x), f64::from(area.y) - above), height, ink);
}

/// The first bubble of a field, and whether its label belongs above it: the field is a column.
fn label_place(block: &FieldBlock, field: &Field) -> Option<(Rect, bool)> {
    let first = field.bubbles.first()?;
    let is_column = field.bubbles.get(1).is_some_and(|second| second.x == first.x);
    Some((Rect::new(first.x, first.y, block.bubble_size.width, block.bubble_size.height), is_column))
}

/// The smallest box around two. Both lie on or near the page.
fn around(a: Rect, b: Rect) -> Rect {
    let end = |from: i32, length: u32| i64::from(from) + i64::from(length);
    let (x, y) = (a.x.min(b.x), a.y.min(b.y));
    let width = end(a.x, a.width).max(end(b.x, b.width)) - i64::from(x);
    let height = end(a.y, a.height).max(end(b.y, b.height)) - i64::from(y);
    Rect::new(x, y, u32::try_from(width).unwrap_or(0), u32::try_from(height).unwrap_or(0))
}
