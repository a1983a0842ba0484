//! Pens, and how their marks look in a bubble.

use super::answers::MarkKind;
use super::canvas::{Canvas, Ink};
use super::random::Random;
use crate::geometry::Point;

/// What a sheet is filled in with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pen {
    /// The ink of one stroke.
    pub ink: Ink,
    /// Width of its line in page pixels.
    pub line: f64,
    /// How far marks stray from the middle of the bubble, as a part of its half size.
    pub stray: f64,
}

impl Pen {
    /// A soft pencil, pressed well.
    pub const PENCIL: Self =
        Self { ink: Ink { colour: [56, 56, 60], opacity: 0.74, grain: 0.45 }, line: 2.6, stray: 0.10 };
    /// A hard pencil, pressed lightly: clearly there, and clearly paler than the others.
    pub const LIGHT_PENCIL: Self =
        Self { ink: Ink { colour: [104, 104, 108], opacity: 0.6, grain: 0.4 }, line: 2.6, stray: 0.10 };
    /// A blue ball-point pen.
    pub const BLUE_BALLPOINT: Self =
        Self { ink: Ink { colour: [28, 44, 138], opacity: 0.9, grain: 0.12 }, line: 1.9, stray: 0.12 };
    /// A black felt-tip pen.
    pub const BLACK_FELT: Self =
        Self { ink: Ink { colour: [22, 22, 26], opacity: 0.95, grain: 0.05 }, line: 3.4, stray: 0.08 };
}

/// Least width of a tick's or cross's line, as a part of the bubble's half size.
const FIRM: f64 = 0.36;

/// A point inside a bubble of half size 1.
type Spot = (f64, f64);

/// Marks the bubble with its centre at `centre`; `half` is half the size of its box.
pub fn mark(canvas: &mut Canvas, centre: Point, half: (f64, f64), kind: MarkKind, pen: &Pen, random: &mut Random) {
    let (dx, dy) = (pen.stray * random.normal() * half.0, pen.stray * random.normal() * half.1);
    let centre = Point::new(centre.x + dx, centre.y + dy);
    let place = |(x, y): Spot| Point::new(centre.x + x * half.0, centre.y + y * half.1);
    let points = |spots: Vec<Spot>| spots.into_iter().map(place).collect::<Vec<Point>>();
    // Lines that lie side by side and leave little white in between.
    let gap = 1.1 * pen.line / half.0.min(half.1);
    // Single strokes are pressed harder than scribbles, and thin pens go over them again.
    let firm = (1.4 * pen.line).max(FIRM * half.0.min(half.1));
    match kind {
        MarkKind::Full => {
            canvas.curve(&points(rim(random)), pen.line, pen.ink);
            // Twice over, the second time across the first.
            let slope = random.between(-0.6, 0.6);
            canvas.stroke(&points(zigzag(-0.78, 0.78, slope, gap, random)), pen.line, pen.ink);
            canvas.stroke(&points(zigzag(-0.78, 0.78, slope + 0.5, gap, random)), pen.line, pen.ink);
        }
        MarkKind::Partial => {
            let end = random.between(0.2, 0.35);
            let slope = random.between(-0.4, 0.4);
            canvas.stroke(&points(zigzag(-0.8, end, slope, gap, random)), pen.line, pen.ink);
            canvas.stroke(&points(zigzag(-0.8, end, slope + 0.2, gap, random)), pen.line, pen.ink);
        }
        MarkKind::Tick => {
            let mut spot = |x: f64, y: f64| (x + 0.08 * random.normal(), y + 0.08 * random.normal());
            let tick = vec![spot(-0.8, -0.05), spot(-0.2, 0.7), spot(0.95, -0.9)];
            canvas.stroke(&points(tick), 1.25 * firm, pen.ink);
        }
        MarkKind::Cross => {
            let mut spot = |x: f64, y: f64| (x + 0.07 * random.normal(), y + 0.07 * random.normal());
            let (down, up) = (vec![spot(-0.8, -0.8), spot(0.8, 0.8)], vec![spot(-0.8, 0.8), spot(0.85, -0.8)]);
            canvas.stroke(&points(down), firm, pen.ink);
            canvas.stroke(&points(up), firm, pen.ink);
        }
    }
}

/// A wobbly line around the bubble, just inside of its rim.
fn rim(random: &mut Random) -> Vec<Spot> {
    // Eight directions; whole turns need no sine that way.
    const DIAGONAL: f64 = std::f64::consts::FRAC_1_SQRT_2;
    const TURN: [Spot; 8] = [
        (1.0, 0.0),
        (DIAGONAL, DIAGONAL),
        (0.0, 1.0),
        (-DIAGONAL, DIAGONAL),
        (-1.0, 0.0),
        (-DIAGONAL, -DIAGONAL),
        (0.0, -1.0),
        (DIAGONAL, -DIAGONAL),
    ];
    let start = random.below(TURN.len());
    let spots = (0..=TURN.len()).map(|i| TURN[(start + i) % TURN.len()]);
    spots
        .map(|(x, y)| {
            let reach = random.between(0.72, 0.88);
            (x * reach, y * reach)
        })
        .collect()
}

/// Strokes to and fro between the left and the right rim of the disc, from `from` to `to` across them.
fn zigzag(from: f64, to: f64, slope: f64, gap: f64, random: &mut Random) -> Vec<Spot> {
    let along = 1.0 / (1.0 + slope * slope).sqrt();
    let (ux, uy) = (along, slope * along);
    let mut spots = Vec::new();
    let mut across = from;
    let mut side = 1.0;
    while across < to {
        // Half the chord of a disc a little smaller than the bubble, so that the line's width stays inside of it.
        let chord = (0.64 - across * across).max(0.02).sqrt() + random.between(-0.06, 0.08);
        let reach = side * chord;
        spots.push((ux * reach - uy * across, uy * reach + ux * across));
        side = -side;
        across += gap * random.between(0.75, 1.1);
    }
    spots
}
