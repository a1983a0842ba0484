//! A person with a pen: marks of each kind in a bubble.
//!
//! Lines are as wide as pens are beside a bubble of about 5 mm, whatever the page's pixels are.

use super::mixture::{Filled, Kind};
use crate::deck::canvas::{Canvas, Ink};
use crate::deck::random::Random;
use crate::geometry::Point;

/// Someone's pen and habits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hand {
    /// What the pen is called in the table.
    pub name: &'static str,
    /// Ink of a stroke.
    ink: Ink,
    /// Width of its line, as a part of half a bubble.
    line: f64,
    /// Deviation of marks from the bubble's middle, as a part of its half size.
    stray: f64,
    /// How far marks reach, as a part of the bubble.
    reach: f64,
    habit: Habit,
    /// How ragged the ends of lines are, as a part of half a bubble.
    ragged: f64,
    /// From line to line of a scribble, in widths of the line.
    gap: f64,
}

/// How someone fills a bubble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Habit {
    /// To and fro.
    Zigzag,
    /// Round and round.
    Spiral,
    /// To and fro, then across.
    Hatch,
}

/// Names of the pens.
pub const PENS: [&str; 5] = ["pencil", "soft-pencil", "blue-ball", "black-ball", "marker"];

type Spot = (f64, f64);

impl Hand {
    /// Draws a person.
    pub fn draw(random: &mut Random) -> Self {
        let name = PENS[random.below(PENS.len())];
        let ((low, high), opacity, grain, line) = match name {
            "pencil" => (([50, 50, 54], [66, 66, 70]), (0.86, 0.95), (0.08, 0.24), (0.18, 0.24)),
            "soft-pencil" => (([38, 38, 42], [52, 52, 56]), (0.86, 0.96), (0.15, 0.35), (0.24, 0.32)),
            "blue-ball" => (([22, 36, 118], [44, 66, 150]), (0.9, 0.98), (0.03, 0.14), (0.13, 0.18)),
            "black-ball" => (([20, 20, 24], [40, 40, 44]), (0.88, 0.97), (0.03, 0.14), (0.13, 0.18)),
            _ => (([16, 16, 20], [36, 34, 40]), (0.93, 0.99), (0.0, 0.05), (0.32, 0.44)),
        };
        let t = random.unit();
        let colour = std::array::from_fn(|c| (f64::from(low[c]) + (f64::from(high[c]) - f64::from(low[c])) * t) as u8);
        let mut pick = |(low, high): (f64, f64)| random.between(low, high);
        let ink = Ink { colour, opacity: pick(opacity), grain: pick(grain) };
        let (line, stray, reach) = (pick(line), pick((0.03, 0.12)), pick((0.84, 1.06)));
        let (ragged, gap) = (pick((0.03, 0.14)), pick((0.75, 1.0)));
        let habit = [Habit::Zigzag, Habit::Spiral, Habit::Hatch][random.below(3)];
        Self { name, ink, line, stray, reach, habit, ragged, gap }
    }

    /// Fills in a field. `bubbles` are the middles and half sizes of its bubbles.
    pub fn fill(&self, canvas: &mut Canvas, filled: &Filled, bubbles: &[(Point, (f64, f64))], random: &mut Random) {
        if let Some(&(at, half)) = filled.erased.and_then(|i| bubbles.get(i)) {
            self.erased(canvas, at, half, random);
        }
        for &(at, half) in filled.marked.iter().filter_map(|&i| bubbles.get(i)) {
            let place = Place::near(at, half, self.stray, random);
            match filled.kind {
                Kind::Light => self.light(canvas, &place, random),
                Kind::Tick => self.tick(canvas, &place, random),
                Kind::Cross => self.cross(canvas, &place, random),
                Kind::Partial => self.partial(canvas, &place, random),
                Kind::Dot => self.dot(canvas, &place, random),
                _ => self.full(canvas, &place, random),
            }
        }
    }

    /// The ink with a pressure of its own.
    fn pressed(&self, random: &mut Random) -> Ink {
        Ink { opacity: (self.ink.opacity * random.between(0.94, 1.04)).min(0.99), ..self.ink }
    }

    fn full(&self, canvas: &mut Canvas, place: &Place, random: &mut Random) {
        let ink = self.pressed(random);
        let gap = self.gap * self.line;
        let reach = self.reach * random.between(0.94, 1.05) - self.line / 2.0;
        let slope = random.between(-1.2, 1.2);
        let width = self.line * place.short();
        match self.habit {
            Habit::Zigzag => {
                canvas.stroke(
                    &place.all(zigzag((-reach, reach), reach, slope, (gap, self.ragged), random)),
                    width,
                    ink,
                );
            }
            Habit::Spiral => canvas.stroke(&place.all(spiral(reach, gap, random)), width, ink),
            Habit::Hatch => {
                let once = Ink { opacity: 0.85 * ink.opacity, ..ink };
                for slope in [slope, slope + 1.2] {
                    canvas.stroke(
                        &place.all(zigzag((-reach, reach), reach, slope, (1.1 * gap, self.ragged), random)),
                        width,
                        once,
                    );
                }
            }
        }
    }

    /// One layer of pale ink without gaps, so that every place of it is as dark as any.
    fn light(&self, canvas: &mut Canvas, place: &Place, random: &mut Random) {
        /// Share of light that the ink takes. With its grain, 0.12 of it at most, never less than 0.35.
        const DARKNESS: (f64, f64) = (0.41, 0.53);
        const GRAY: u8 = 64;
        let darkness = random.between(DARKNESS.0, DARKNESS.1);
        let opacity = darkness / (1.0 - f64::from(GRAY) / 255.0);
        let ink = Ink { colour: [GRAY, GRAY, GRAY + 3], opacity, grain: random.between(0.02, 0.12) };
        let line = self.line.max(0.22);
        let reach = (self.reach - line / 2.0).min(0.92);
        let slope = random.between(-1.2, 1.2);
        let path = zigzag((-reach, reach), reach, slope, (0.7 * line, 0.04), random);
        canvas.stroke(&place.all(path), line * place.short(), ink);
    }

    fn partial(&self, canvas: &mut Canvas, place: &Place, random: &mut Random) {
        let ink = self.pressed(random);
        let reach = self.reach.min(0.95) - self.line / 2.0;
        let end = random.between(-0.02, 0.35);
        // From any of the four sides.
        let (flip, turn) = (if random.below(2) == 0 { 1.0 } else { -1.0 }, random.below(2) == 0);
        let path = zigzag((-reach, end), reach, random.between(-0.25, 0.25), (0.9 * self.line, self.ragged), random);
        let path = path.into_iter().map(|(x, y)| if turn { (y * flip, x) } else { (x, y * flip) }).collect();
        canvas.stroke(&place.all(path), self.line * place.short(), ink);
    }

    /// Width of a single stroke: it is pressed harder than a scribble.
    fn firm(&self, random: &mut Random) -> f64 {
        self.line.max(0.19) * random.between(1.0, 1.3)
    }

    fn tick(&self, canvas: &mut Canvas, place: &Place, random: &mut Random) {
        let (ink, line) = (self.pressed(random), self.firm(random));
        let mut near = |x: f64, y: f64| (x + 0.09 * random.normal(), y + 0.09 * random.normal());
        let path = vec![near(-0.7, -0.05), near(-0.2, 0.68), near(0.5, -0.35), near(1.0, -1.0)];
        canvas.curve(&place.all(path), 1.1 * line * place.short(), ink);
    }

    fn cross(&self, canvas: &mut Canvas, place: &Place, random: &mut Random) {
        let (ink, line) = (self.pressed(random), self.firm(random));
        let mut near = |x: f64, y: f64| (x + 0.08 * random.normal(), y + 0.08 * random.normal());
        let (down, up) = (vec![near(-0.78, -0.78), near(0.78, 0.8)], vec![near(-0.78, 0.78), near(0.82, -0.8)]);
        canvas.stroke(&place.all(down), line * place.short(), ink);
        canvas.stroke(&place.all(up), line * place.short(), ink);
    }

    /// A dot of 0.2 to 0.32 of the bubble's short side, its line included.
    fn dot(&self, canvas: &mut Canvas, place: &Place, random: &mut Random) {
        let radius = random.between(0.2, 0.32);
        let (x, y) = (random.between(-0.35, 0.35), random.between(-0.35, 0.35));
        let at = place.at((x, y));
        let r = radius * place.short();
        canvas.disc(at, (r, r * random.between(0.8, 1.0)), self.pressed(random));
    }

    /// A pencil mark after the eraser: strokes of a tenth of their ink, smeared.
    fn erased(&self, canvas: &mut Canvas, at: Point, half: (f64, f64), random: &mut Random) {
        let place = Place::near(at, half, self.stray, random);
        let ghost = Ink { colour: [70, 70, 74], opacity: random.between(0.05, 0.16), grain: 0.6 };
        let reach = 0.85;
        let path = zigzag((-reach, reach), reach, random.between(-1.2, 1.2), (0.3, 0.1), random);
        canvas.stroke(&place.all(path), 0.24 * place.short(), ghost);
        let smear = Ink { opacity: random.between(0.02, 0.07), ..ghost };
        let radius = random.between(0.8, 1.2);
        canvas.disc(
            place.at((0.1 * random.normal(), 0.1 * random.normal())),
            (radius * half.0, radius * half.1),
            smear,
        );
    }
}

/// A bubble as a hand finds it: half sizes of 1 around the middle.
struct Place {
    middle: Point,
    half: (f64, f64),
}

impl Place {
    fn near(middle: Point, half: (f64, f64), stray: f64, random: &mut Random) -> Self {
        let (dx, dy) = (stray * random.normal() * half.0, stray * random.normal() * half.1);
        Self { middle: Point::new(middle.x + dx, middle.y + dy), half }
    }

    fn at(&self, (x, y): Spot) -> Point {
        Point::new(self.middle.x + x * self.half.0, self.middle.y + y * self.half.1)
    }

    fn all(&self, path: Vec<Spot>) -> Vec<Point> {
        path.into_iter().map(|spot| self.at(spot)).collect()
    }

    const fn short(&self) -> f64 {
        self.half.0.min(self.half.1)
    }
}

/// Lines to and fro inside of a disc of radius `reach`, across it from `from` to `to`, `gap` apart, with ragged ends; turned by a slope.
fn zigzag((from, to): Spot, reach: f64, slope: f64, (gap, ragged): (f64, f64), random: &mut Random) -> Vec<Spot> {
    let along = 1.0 / (1.0 + slope * slope).sqrt();
    let (ux, uy) = (along, slope * along);
    let gap = gap.max(0.05);
    let mut spots = Vec::new();
    let (mut across, mut side) = (from, 1.0);
    while across < to + gap / 2.0 {
        let a = across.min(to);
        let chord = (reach * reach - a * a).max(0.01).sqrt() + random.between(-ragged, ragged);
        for end in [-side * chord, side * chord] {
            spots.push((ux * end - uy * a, uy * end + ux * a));
        }
        side = -side;
        across += gap * random.between(0.8, 1.05);
    }
    spots
}

/// Round and round from the middle to `reach`, `gap` further out at each turn.
fn spiral(reach: f64, gap: f64, random: &mut Random) -> Vec<Spot> {
    /// Twelve places of a turn, without a sine: machines round it differently.
    const HALF: f64 = 0.5;
    const ROOT: f64 = 0.866_025_403_784_438_6;
    const TURN: [Spot; 12] = [
        (1.0, 0.0),
        (ROOT, HALF),
        (HALF, ROOT),
        (0.0, 1.0),
        (-HALF, ROOT),
        (-ROOT, HALF),
        (-1.0, 0.0),
        (-ROOT, -HALF),
        (-HALF, -ROOT),
        (0.0, -1.0),
        (HALF, -ROOT),
        (ROOT, -HALF),
    ];
    let gap = gap.max(0.05);
    let start = random.below(12);
    let steps = (12.0 * reach / gap) as usize + 12;
    let spots = (0..steps).map(|i| {
        let (x, y) = TURN[(start + i) % 12];
        let r = (gap * i as f64 / 12.0).min(reach) * random.between(0.95, 1.03);
        (x * r, y * r)
    });
    spots.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Rect;

    /// Share of light that is taken within `reach` half sizes of a bubble of 40 × 40 around (50, 50), for a field of `kind`.
    fn darkness(kind: Kind, seed: u64, reach: f64) -> f64 {
        let mut canvas = Canvas::new(Rect::new(0, 0, 100, 100), 1.0);
        let mut random = Random::new(seed);
        let hand = Hand { stray: 0.0, ..Hand::draw(&mut random) };
        let (marked, erased) = if kind == Kind::Erased { (vec![], Some(0)) } else { (vec![0], None) };
        let filled = Filled { kind, marked, erased, value: String::new() };
        hand.fill(&mut canvas, &filled, &[(Point::new(50.0, 50.0), (20.0, 20.0))], &mut random);
        let near = canvas
            .picture()
            .enumerate_pixels()
            .filter(|(x, y, _)| (f64::from(*x) - 49.5).hypot(f64::from(*y) - 49.5) < 20.0 * reach);
        let lights: Vec<f64> = near.map(|(.., p)| 1.0 - f64::from(p.0[1]) / 255.0).collect();
        lights.iter().sum::<f64>() / lights.len() as f64
    }

    #[test]
    fn full_and_light_marks_are_as_dark_as_they_should_be() {
        for seed in 0..200 {
            let (full, light) = (darkness(Kind::Full, seed, 0.7), darkness(Kind::Light, seed, 0.6));
            assert!(full > 0.5, "{seed}: a full mark of {full}");
            assert!((0.345..0.6).contains(&light), "{seed}: a light mark of {light}");
            let residue = darkness(Kind::Erased, seed, 0.8);
            assert!((0.01..0.2).contains(&residue), "{seed}: a residue of {residue}");
        }
    }

    #[test]
    fn strokes_and_dots_cover_what_they_should() {
        for seed in 0..200 {
            for kind in [Kind::Tick, Kind::Cross] {
                let dark = darkness(kind, seed, 1.0);
                assert!((0.06..0.75).contains(&dark), "{seed}: {} of {dark}", kind.name());
            }
            let partial = darkness(Kind::Partial, seed, 0.9);
            assert!((0.25..0.8).contains(&partial), "{seed}: a partial mark of {partial}");
            // A third of the bubble across is a ninth of its area.
            let dot = darkness(Kind::Dot, seed, 1.0);
            assert!((0.01..0.12).contains(&dot), "{seed}: a dot of {dot}");
        }
    }
}
