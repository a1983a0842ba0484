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
            canvas.stroke(&points, 1.6, pen.ink);
            x += 8.0;
            points = vec![Point::new(x, from.y)];
        }
    }
    canvas.stroke(&points, 1.6, pen.ink);
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
    canvas.stroke(&points, pen.line.min(2.2), pen.ink);
}
