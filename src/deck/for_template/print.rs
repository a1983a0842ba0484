//! Prints the form of a template in any of several looks: the bubbles, what stands beside them where there is room, and what
//! the template's steps look for.

use super::mixture::{Filled, Kind};
use super::stationery::{Look, PrintedMark, Stationery};
use crate::deck::DeckError;
use crate::deck::canvas::{Anchor, Canvas, Fonts, Ink};
use crate::deck::code::Symbology;
use crate::deck::form::{Direction, centre, direction, half_size};
use crate::deck::random::Random;
use crate::geometry::{Point, Rect};
use crate::template::{FieldBlock, FieldKind, Template};

/// Black of the printer: toner reflects a little.
const PRINT: Ink = Ink::gray(30);
/// Lines and small text.
const FAINT: Ink = Ink::gray(110);

/// How bubbles are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outline {
    /// A circle, whatever the box.
    Circle,
    /// An ellipse that fills the box.
    Ellipse,
    /// The box.
    Square,
    /// Its left and right side with short arms.
    Bracket,
    /// A letter and nothing around it.
    Letter,
    /// An ellipse in a colour that scanners drop.
    DropOut,
}

impl Outline {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Circle, Self::Ellipse, Self::Square, Self::Bracket, Self::Letter, Self::DropOut];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Circle => "circle",
            Self::Ellipse => "ellipse",
            Self::Square => "square",
            Self::Bracket => "bracket",
            Self::Letter => "letter",
            Self::DropOut => "drop-out",
        }
    }
}

/// A look of a form.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Style {
    /// Around bubbles.
    pub outline: Outline,
    /// Colour of outlines and letters.
    pub colour: [u8; 3],
    /// Width of the outline, as a part of the bubble's short side.
    pub line: f64,
    /// Size of the print over that of the template's box.
    pub scale: f64,
    /// Are values printed inside?
    pub letters: bool,
}

impl Style {
    /// Draws a look with this outline.
    pub fn draw(outline: Outline, random: &mut Random) -> Self {
        const DROPPED: [[u8; 3]; 4] = [[246, 150, 140], [250, 190, 120], [150, 214, 168], [156, 196, 240]];
        let gray = random.between(40.0, 165.0) as u8;
        let colour = if outline == Outline::DropOut { DROPPED[random.below(4)] } else { [gray; 3] };
        let letters = outline == Outline::Letter || random.below(3) > 0;
        Self { outline, colour, line: random.between(0.035, 0.085), scale: random.between(0.84, 1.14), letters }
    }

    /// A few words about it, for deck.json.
    pub fn describe(&self) -> String {
        let [r, g, b] = self.colour;
        let letters = if self.letters { "letters" } else { "no letters" };
        format!("{} rgb({r},{g},{b}), {:.2} of the box, {letters}", self.outline.name(), self.scale)
    }

    const fn ink(&self) -> Ink {
        Ink { colour: self.colour, opacity: 1.0, grain: 0.0 }
    }
}

/// Prints the form of `template` at `scale` pixels per page pixel.
pub fn print(template: &Template, stationery: &Stationery, style: &Style, fonts: &Fonts, scale: f64) -> Canvas {
    let mut canvas = Canvas::new(stationery.paper, scale);
    let page = Rect::new(0, 0, template.page_size.width, template.page_size.height);
    match &stationery.reference {
        Some(picture) => {
            let corner = Point::new(f64::from(page.width), f64::from(page.height));
            canvas.lay(picture, (Point::new(0.0, 0.0), corner), Ink::gray(0));
        }
        None => print_form(&mut canvas, template, stationery, style, fonts),
    }
    for mark in &stationery.marks {
        if stationery.reference.is_some() {
            // The picture of the page shows a part of it.
            wipe(&mut canvas, mark);
        }
        print_mark(&mut canvas, mark);
    }
    canvas
}

/// Prints what is a sheet's own: codes and texts in zones.
///
/// # Errors
/// [`DeckError::Code`], which does not happen with the texts that are drawn.
pub fn imprint(canvas: &mut Canvas, template: &Template, filled: &[Filled], fonts: &Fonts) -> Result<(), DeckError> {
    for ((block, _), filled) in template.fields().zip(filled).filter(|(_, filled)| filled.kind == Kind::Printed) {
        let Rect { x, y, width, height } = block.bounds;
        // The zone has its margins in it, and a code wants white around it.
        let (in_x, in_y) = (width / 7, height / 7);
        let area = Rect::new(
            x.saturating_add(in_x as i32),
            y.saturating_add(in_y as i32),
            (width - 2 * in_x).max(1),
            (height - 2 * in_y).max(1),
        );
        match block.kind {
            FieldKind::Barcode => {
                let symbology = if width > 2 * height { Symbology::Code128 } else { Symbology::Qr };
                symbology.modules(&filled.value)?.draw(canvas, area, PRINT);
            }
            _ => {
                let (w, h) = (f64::from(area.width), f64::from(area.height));
                let middle = Point::new(f64::from(area.x) + w / 2.0, f64::from(area.y) + h / 2.0);
                let size = (1.2 * h).min(w / (0.62 * filled.value.chars().count().max(1) as f64));
                canvas.text(&fonts.fixed, middle, Anchor::Middle, size, &filled.value, PRINT);
            }
        }
    }
    Ok(())
}

/// Boxes that nothing else may be printed over, in page coordinates: left, top, right, bottom.
struct Taken(Vec<[f64; 4]>);

impl Taken {
    fn is_free(&self, [left, top, right, bottom]: [f64; 4]) -> bool {
        self.0.iter().all(|&[l, t, r, b]| right <= l || left >= r || bottom <= t || top >= b)
    }

    /// Takes a box if it is free.
    fn take(&mut self, place: [f64; 4]) -> bool {
        let free = self.is_free(place);
        if free {
            self.0.push(place);
        }
        free
    }
}

fn print_form(canvas: &mut Canvas, template: &Template, stationery: &Stationery, style: &Style, fonts: &Fonts) {
    let paper = stationery.paper;
    let (left, top) = (f64::from(paper.x), f64::from(paper.y));
    let (right, bottom) = (left + f64::from(paper.width), top + f64::from(paper.height));
    let (page_w, page_h) = (f64::from(template.page_size.width), f64::from(template.page_size.height));
    // Beyond the page nothing is printed but marks.
    let (left, top, right, bottom) = (left.max(0.0), top.max(0.0), right.min(page_w), bottom.min(page_h));
    const FAR: f64 = 1e9;
    let mut taken =
        Taken(vec![[-FAR, -FAR, left, FAR], [right, -FAR, FAR, FAR], [-FAR, -FAR, FAR, top], [-FAR, bottom, FAR, FAR]]);
    let small = 0.012 * page_w;
    taken.0.extend(stationery.marks.iter().map(|mark| {
        [mark.low.x - 2.0 * small, mark.low.y - 2.0 * small, mark.high.x + 2.0 * small, mark.high.y + 2.0 * small]
    }));
    taken.0.extend(template.blocks.iter().map(|block| {
        let Rect { x, y, width, height } = block.bounds;
        let (x, y) = (f64::from(x), f64::from(y));
        let more = 0.22 * f64::from(block.bubble_size.width.min(block.bubble_size.height));
        [x - more, y - more, x + f64::from(width) + more, y + f64::from(height) + more]
    }));
    for block in &template.blocks {
        print_labels(canvas, block, &mut taken, fonts);
        print_caption(canvas, block, &mut taken, fonts);
        let size = 2.0 * style.scale.min(room(block));
        for bubble in block.fields.iter().flat_map(|field| &field.bubbles) {
            let at = centre(block, bubble.x, bubble.y);
            let (rx, ry) = half_size(block);
            print_bubble(canvas, at, (rx * size / 2.0, ry * size / 2.0), &bubble.value, style, fonts);
        }
    }
    print_heading(canvas, template, &mut taken, fonts);
}

/// How much larger than its box a bubble of this block may be printed without touching the next.
fn room(block: &FieldBlock) -> f64 {
    let (w, h) = (f64::from(block.bubble_size.width), f64::from(block.bubble_size.height));
    let bubbles: Vec<_> = block.fields.iter().flat_map(|field| &field.bubbles).take(400).collect();
    let mut room = f64::INFINITY;
    for (i, a) in bubbles.iter().enumerate() {
        for b in bubbles.iter().skip(i + 1) {
            let (dx, dy) = (f64::from((a.x - b.x).abs()), f64::from((a.y - b.y).abs()));
            // Two boxes part as soon as they part in one direction.
            room = room.min((dx / w).max(dy / h));
        }
    }
    (0.92 * room).max(0.5)
}

fn print_bubble(canvas: &mut Canvas, at: Point, (rx, ry): (f64, f64), value: &str, style: &Style, fonts: &Fonts) {
    let ink = style.ink();
    let short = rx.min(ry);
    let line = (2.0 * short * style.line).max(0.8);
    let inset = |r: f64| (r - line / 2.0).max(1.0);
    match style.outline {
        Outline::Circle => canvas.ring(at, (inset(short), inset(short)), line, ink),
        Outline::Ellipse | Outline::DropOut => canvas.ring(at, (inset(rx), inset(ry)), line, ink),
        Outline::Square => canvas.frame(at, (inset(rx), inset(ry)), line, ink),
        Outline::Bracket => {
            for side in [-1.0, 1.0] {
                let x = at.x + side * inset(rx);
                let arm = x - side * 0.35 * rx;
                let path = [(arm, -1.0), (x, -1.0), (x, 1.0), (arm, 1.0)];
                canvas.stroke(&path.map(|(x, y)| Point::new(x, at.y + y * inset(ry))), line, ink);
            }
        }
        Outline::Letter => {}
    }
    if style.letters {
        let letters = value.chars().count().max(1) as f64;
        let grown = if style.outline == Outline::Letter { 1.6 } else { 1.15 };
        let size = grown * ry.min(2.2 * rx / letters);
        canvas.text(&fonts.fixed, at, Anchor::Middle, size, value, ink);
    }
}

/// Numbers of questions to the left of their bubbles, names of digits above them.
fn print_labels(canvas: &mut Canvas, block: &FieldBlock, taken: &mut Taken, fonts: &Fonts) {
    let (rx, ry) = half_size(block);
    let short = rx.min(ry);
    for field in &block.fields {
        let Some(first) = field.bubbles.first() else { continue };
        let at = centre(block, first.x, first.y);
        let label = short_label(&field.label);
        let (size, letters) = (1.35 * short, label.chars().count() as f64);
        let width = 0.55 * size * letters;
        let (end, place) = match direction(block) {
            Direction::Horizontal => {
                let end = at.x - 1.5 * rx;
                (Some(end), [end - width, at.y - 0.5 * size, end, at.y + 0.5 * size])
            }
            Direction::Vertical => {
                let y = at.y - 2.6 * ry;
                (None, [at.x - width / 2.0, y - 0.5 * size, at.x + width / 2.0, y + 0.5 * size])
            }
        };
        if taken.take(place) {
            let y = (place[1] + place[3]) / 2.0;
            match end {
                Some(end) => canvas.text(&fonts.text, Point::new(end, y), Anchor::Right, size, label, PRINT),
                None => canvas.text(&fonts.text, Point::new(at.x, y), Anchor::Middle, size, label, PRINT),
            }
        }
    }
}

/// The block's name above it.
fn print_caption(canvas: &mut Canvas, block: &FieldBlock, taken: &mut Taken, fonts: &Fonts) {
    let (_, ry) = half_size(block);
    let (x, y) = (f64::from(block.bounds.x), f64::from(block.bounds.y));
    let text = block.name.replace('_', " ");
    let size = 1.5 * ry;
    let width = 0.52 * size * text.chars().count() as f64;
    for lines in [1.3, 2.9] {
        let middle = y - lines * size - 0.3 * ry;
        if taken.take([x, middle - 0.6 * size, x + width, middle + 0.6 * size]) {
            canvas.text(&fonts.text, Point::new(x, middle), Anchor::Left, size, &text, PRINT);
            return;
        }
    }
}

/// A heading, an instruction and a line for the name, where the page is empty.
fn print_heading(canvas: &mut Canvas, template: &Template, taken: &mut Taken, fonts: &Fonts) {
    let width = f64::from(template.page_size.width);
    let left = 0.09 * width;
    let lines = [(0.035, "Answer Sheet"), (0.018, "Fill the bubble of your answer completely."), (0.018, "Name")];
    let mut y = 0.03 * width;
    for (size, text) in lines {
        let size = size * width;
        // Down the upper third of the page until there is room.
        for _ in 0..40 {
            let place = [left, y - 0.7 * size, left + 0.5 * size * text.len() as f64, y + 0.7 * size];
            if taken.take(place) {
                canvas.text(&fonts.text, Point::new(left, y), Anchor::Left, size, text, PRINT);
                if text == "Name" {
                    let (from, to) = (left + 4.0 * size, left + 18.0 * size);
                    if taken.is_free([from, y - 0.7 * size, to, y + 0.8 * size]) {
                        let line = [Point::new(from, y + 0.6 * size), Point::new(to, y + 0.6 * size)];
                        canvas.stroke(&line, 0.0016 * width, FAINT);
                    }
                }
                break;
            }
            y += 0.01 * width;
        }
        y += 1.7 * size;
    }
}

fn print_mark(canvas: &mut Canvas, mark: &PrintedMark) {
    let (low, high) = (mark.low, mark.high);
    let middle = Point::new((low.x + high.x) / 2.0, (low.y + high.y) / 2.0);
    let half = ((high.x - low.x) / 2.0, (high.y - low.y) / 2.0);
    match &mark.look {
        Look::Picture(picture) => canvas.lay(picture, (low, high), PRINT),
        Look::Dot => canvas.disc(middle, half, PRINT),
        Look::Bar => canvas.block(middle, half, PRINT),
        Look::Ell { line, right, lower } => {
            // What lies between the arms is cut out of the whole box.
            let inner = Point::new(
                if *right { high.x - line.0 } else { low.x + line.0 },
                if *lower { high.y - line.1 } else { low.y + line.1 },
            );
            let (across, down) = (if *right { -1.0 } else { 1.0 }, if *lower { -1.0 } else { 1.0 });
            canvas.paint((low, high), PRINT, |p| {
                let from_box = ((p.x - middle.x).abs() - half.0).max((p.y - middle.y).abs() - half.1);
                from_box.max(((p.x - inner.x) * across).min((p.y - inner.y) * down))
            });
        }
    }
}

/// Paints white around a mark.
fn wipe(canvas: &mut Canvas, mark: &PrintedMark) {
    let (w, h) = (mark.high.x - mark.low.x, mark.high.y - mark.low.y);
    let more = 0.15 * w.min(h);
    canvas.wipe(Point::new(mark.low.x - more, mark.low.y - more), Point::new(mark.high.x + more, mark.high.y + more));
}

/// What is printed beside a question: its number where its label ends with one.
fn short_label(label: &str) -> &str {
    let prefix = label.trim_end_matches(|c: char| c.is_ascii_digit());
    if prefix.len() == label.len() { label } else { &label[prefix.len()..] }
}
