//! Fills in a printed form by hand.

use super::answers::Answers;
use super::canvas::Canvas;
use super::form::{Direction, Form, centre, direction, half_size};
use super::page::writing_box;
use super::pen::{self, Pen};
use super::random::Random;
use crate::geometry::Point;

/// Marks the bubbles of `answers` with `pen`, and writes the digits of vertical fields into the boxes above them.
pub fn fill(canvas: &mut Canvas, form: &Form, answers: &Answers, pen: &Pen, random: &mut Random) {
    let mut marks = answers.marks.iter();
    for block in &form.blocks {
        for (index, field) in block.fields.iter().enumerate() {
            let Some(marks) = marks.next() else {
                return;
            };
            let marked = marks.iter().filter_map(|mark| Some((mark.kind, field.bubbles.get(mark.bubble)?)));
            for (kind, bubble) in marked.clone() {
                pen::mark(canvas, centre(block, bubble.x, bubble.y), half_size(block), kind, pen, random);
            }
            let mut values = marked.map(|(_, bubble)| bubble.value.as_str());
            if let (Direction::Vertical, Some(value), None) = (direction(block), values.next(), values.next())
                && let (Some((middle, half)), Ok(digit)) = (writing_box(block, index), value.parse())
            {
                write_digit(canvas, middle, half, digit, pen, random);
            }
        }
    }
}

/// Writes something that looks like a name along a line.
pub fn sign(canvas: &mut Canvas, from: Point, width: f64, pen: &Pen, random: &mut Random) {
    let mut points = vec![from];
    let mut x = from.x;
    while x < from.x + width {
        let height = if random.below(4) == 0 { 18.0 } else { random.between(5.0, 10.0) };
        points.push(Point::new(x + 3.0, from.y - height));
        points.push(Point::new(x + random.between(4.0, 6.0), from.y - random.between(0.0, 2.0)));
        x += random.between(5.0, 9.0);
        if random.below(9) == 0 {
            canvas.curve(&points, 1.6, pen.ink);
            x += 8.0;
            points = vec![Point::new(x, from.y)];
        }
    }
    canvas.curve(&points, 1.6, pen.ink);
}

/// Strokes of handwritten digits in a box from (-1, -1) to (1, 1).
const DIGITS: [&[(f64, f64)]; 10] = [
    &[(0.1, -1.0), (-0.7, -0.4), (-0.7, 0.4), (-0.1, 1.0), (0.6, 0.5), (0.7, -0.4), (0.2, -1.0), (0.0, -0.9)],
    &[(-0.4, -0.5), (0.1, -1.0), (0.1, 1.0)],
    &[(-0.6, -0.6), (-0.1, -1.0), (0.5, -0.7), (0.4, -0.1), (-0.7, 1.0), (0.7, 0.9)],
    &[(-0.6, -0.9), (0.3, -1.0), (0.5, -0.5), (-0.1, -0.1), (0.6, 0.3), (0.4, 0.9), (-0.6, 0.9)],
    &[(0.3, 1.0), (0.2, -1.0), (-0.7, 0.3), (0.7, 0.3)],
    &[(0.6, -1.0), (-0.4, -1.0), (-0.5, -0.1), (0.3, -0.1), (0.6, 0.4), (0.2, 1.0), (-0.6, 0.9)],
    &[(0.5, -1.0), (-0.4, -0.3), (-0.6, 0.5), (-0.1, 1.0), (0.5, 0.6), (0.2, 0.1), (-0.5, 0.4)],
    &[(-0.6, -1.0), (0.6, -0.9), (0.0, 0.1), (-0.2, 1.0)],
    &[
        (0.5, -0.8),
        (-0.3, -0.9),
        (-0.4, -0.4),
        (0.4, 0.2),
        (0.4, 0.8),
        (-0.3, 0.9),
        (-0.5, 0.4),
        (0.3, -0.3),
        (0.5, -0.8),
    ],
    &[(0.5, -0.5), (0.0, -0.1), (-0.5, -0.5), (0.0, -1.0), (0.5, -0.8), (0.3, 1.0)],
];

fn write_digit(canvas: &mut Canvas, middle: Point, half: (f64, f64), digit: usize, pen: &Pen, random: &mut Random) {
    let Some(strokes) = DIGITS.get(digit) else {
        return;
    };
    let (dx, dy) = (random.normal(), random.normal());
    let size = random.between(0.55, 0.7);
    let place = |&(x, y): &(f64, f64)| {
        let (x, y) = (x + 0.06 * random.normal() - 0.12 * y, y + 0.06 * random.normal());
        Point::new(middle.x + dx + 0.8 * size * half.0 * x, middle.y + dy + size * half.1 * y)
    };
    let points: Vec<Point> = strokes.iter().map(place).collect();
    canvas.curve(&points, pen.line.min(2.2), pen.ink);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deck::answers::{MarkKind, Mix};
    use crate::deck::canvas::Fonts;
    use crate::deck::form::Outline;
    use crate::deck::page;
    use crate::geometry::{Rect, Size};
    use crate::template::{Bubble, Column, Field, FieldBlock, FieldKind};

    /// Thirty questions of four bubbles.
    fn form() -> Form {
        let field = |q: i32| {
            let bubble = |(i, value): (i32, &str)| Bubble { x: 80 + 40 * i, y: 40 + 36 * q, value: value.to_owned() };
            let bubbles = (0..).zip(["A", "B", "C", "D"]).map(bubble).collect();
            Field { label: format!("q{}", q + 1), bubbles }
        };
        let block = FieldBlock {
            name: "Questions".to_owned(),
            kind: FieldKind::Bubbles,
            fields: (0..30).map(field).collect(),
            bounds: Rect::new(80, 40, 146, 1070),
            bubble_size: Size::new(26, 26),
            empty_value: "-".to_owned(),
            max_marks: None,
            alignment: crate::template::BlockAlignment::default(),
        };
        Form {
            page: Size::new(300, 1160),
            paper: Rect::new(0, 0, 300, 1160),
            blocks: vec![block],
            columns: (0..30).map(|i| Column { name: format!("q{}", i + 1), fields: vec![i] }).collect(),
            markers: None,
            outline: Outline::Ellipse,
            bubble_tone: 125,
            texts: Vec::new(),
            rules: Vec::new(),
            figures: Vec::new(),
            zones: Vec::new(),
        }
    }

    const EVERYTHING: Mix = Mix { full: 2, partial: 1, tick: 1, cross: 1, double: 1, blank: 1 };

    fn filled(pen: &Pen, seed: u64) -> (Form, Answers, Canvas) {
        let form = form();
        let mut random = Random::new(seed);
        let answers = Answers::draw(&form, |_| &EVERYTHING, &mut random);
        let mut canvas = page::print(&form, &Fonts::new().unwrap(), 2.0);
        fill(&mut canvas, &form, &answers, pen, &mut random);
        (form, answers, canvas)
    }

    /// Mean gray of a bubble's box.
    fn mean(canvas: &Canvas, bubble: &Bubble) -> f64 {
        let places = (0..26 * 26).map(|i| Point::new(f64::from(i % 26) + 0.5, f64::from(i / 26) + 0.5));
        let grays = places.map(|p| {
            let at = Point::new(p.x + f64::from(bubble.x), p.y + f64::from(bubble.y));
            canvas.sample(at).iter().sum::<f64>() / 3.0
        });
        grays.sum::<f64>() / f64::from(26 * 26)
    }

    #[test]
    fn marked_bubbles_are_darker_than_blanks_with_every_pen() {
        for pen in [Pen::PENCIL, Pen::LIGHT_PENCIL, Pen::BLUE_BALLPOINT, Pen::BLACK_FELT] {
            let (form, answers, canvas) = filled(&pen, 7);
            let (mut darkest_blank, mut lightest_area, mut lightest_stroke) = (255.0_f64, 0.0_f64, 0.0_f64);
            for ((_, field), marks) in form.fields().zip(&answers.marks) {
                for (index, bubble) in field.bubbles.iter().enumerate() {
                    let gray = mean(&canvas, bubble);
                    match marks.iter().find(|mark| mark.bubble == index).map(|mark| mark.kind) {
                        None => darkest_blank = darkest_blank.min(gray),
                        Some(MarkKind::Full | MarkKind::Partial) => lightest_area = lightest_area.max(gray),
                        Some(MarkKind::Tick | MarkKind::Cross) => lightest_stroke = lightest_stroke.max(gray),
                    }
                }
            }
            assert!(lightest_area + 25.0 < darkest_blank, "{pen:?}: {lightest_area} and {darkest_blank}");
            assert!(lightest_stroke + 15.0 < darkest_blank, "{pen:?}: {lightest_stroke} and {darkest_blank}");
        }
    }

    #[test]
    fn the_same_seed_fills_the_same_sheet() {
        let sheets = [1, 1, 2].map(|seed| filled(&Pen::PENCIL, seed));
        assert_eq!(sheets[0].1, sheets[1].1);
        assert_eq!(sheets[0].2.picture(), sheets[1].2.picture());
        assert_ne!(sheets[0].2.picture(), sheets[2].2.picture());
    }

    #[test]
    fn strokes_stay_near_their_bubble() {
        let form = form();
        let mut canvas = page::print(&form, &Fonts::new().unwrap(), 2.0);
        let blank = canvas.clone();
        let mut answers = Answers { marks: vec![Vec::new(); 30], printed: Default::default() };
        answers.set(&form, "q10", &["B"]);
        fill(&mut canvas, &form, &answers, &Pen::BLACK_FELT, &mut Random::new(3));
        for (_, field) in form.fields() {
            for bubble in &field.bubbles {
                let changed = mean(&canvas, bubble) < mean(&blank, bubble) - 0.5;
                assert_eq!(changed, field.label == "q10" && bubble.value == "B", "{} {}", field.label, bubble.value);
            }
        }
    }
}
