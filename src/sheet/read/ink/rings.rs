//! Where and how large the printed outlines of a sheet's bubbles are, from the patches of blank ones.

use super::patch::{PER_BOX, Patch};

/// The outline of a bubble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A circle, an ellipse.
    Ellipse,
    /// A rectangle, a pair of brackets.
    Box,
}

impl Shape {
    /// How far a place, in boxes from the middle, lies out: 1 on the outline that touches the box.
    pub fn radius(self, x: f64, y: f64) -> f64 {
        match self {
            Self::Ellipse => (2.0 * x).hypot(2.0 * y),
            Self::Box => (2.0 * x).abs().max((2.0 * y).abs()),
        }
    }
}

/// The outlines of a sheet.
#[derive(Debug, Clone, PartialEq)]
pub struct Rings {
    /// Of all blocks.
    pub shape: Shape,
    /// Radius of the outline over half the box.
    pub scale: f64,
    /// For each block, how far the outlines lie from the boxes, in boxes; and how clearly they are seen.
    pub blocks: Vec<BlockRing>,
}

/// Where the outlines of a block lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BlockRing {
    /// In boxes to the right and downwards.
    pub shift: (f64, f64),
    /// Contrast of the weakest quadrant of the outline, in ink.
    pub evidence: f64,
}

const SCALES: [f64; 13] = [0.60, 0.66, 0.72, 0.78, 0.84, 0.90, 0.96, 1.02, 1.09, 1.16, 1.24, 1.32, 1.42];
const STEP: f64 = 0.06;
const STEPS: i32 = 6;

/// Finds the outlines. `prototypes` has the blank bubble of each block with the number of its bubbles; patches reach one
/// box around the middle.
pub fn find(prototypes: &[(Patch, usize)]) -> Rings {
    let mut best = (f64::NEG_INFINITY, Shape::Ellipse, 1.0);
    let mut kept: Vec<(f64, (i32, i32))> = Vec::new();
    for shape in [Shape::Ellipse, Shape::Box] {
        for scale in SCALES {
            let mask = Mask::of(shape, scale);
            let found: Vec<(f64, (i32, i32))> = prototypes.iter().map(|(patch, _)| mask.best(patch)).collect();
            let weights = prototypes.iter().map(|(_, count)| (*count as f64).sqrt());
            let total = found.iter().zip(weights).map(|((score, _), weight)| score * weight).sum::<f64>();
            if total > best.0 {
                best = (total, shape, scale);
                kept = found;
            }
        }
    }
    let (_, shape, scale) = best;
    let mask = Mask::of(shape, scale);
    let blocks = prototypes.iter().zip(&kept).map(|((patch, _), (_, at))| mask.settle(patch, *at)).collect();
    Rings { shape, scale, blocks }
}

/// The samples of an outline and of what lies beside it, by quadrant.
struct Mask {
    /// Offset of each sample from the middle, its quadrant and its weight.
    samples: Vec<(i32, i32, usize, f32)>,
}

impl Mask {
    fn of(shape: Shape, scale: f64) -> Self {
        let mut zones: Vec<(i32, i32, usize, usize)> = Vec::new();
        let reach = 22i32;
        for j in -reach..reach {
            for i in -reach..reach {
                let (x, y) = ((f64::from(i) + 0.5) / PER_BOX as f64, (f64::from(j) + 0.5) / PER_BOX as f64);
                let r = shape.radius(x, y);
                let zone = if (r - scale).abs() < 0.09 {
                    0
                } else if scale - 0.5 < r && r < scale - 0.2 {
                    1
                } else if scale + 0.16 < r && r < scale + 0.34 {
                    2
                } else {
                    continue;
                };
                let quadrant = usize::from(i >= 0) + 2 * usize::from(j >= 0);
                zones.push((i, j, quadrant, zone));
            }
        }
        let mut counts = [[0u32; 3]; 4];
        for (_, _, quadrant, zone) in &zones {
            counts[*quadrant][*zone] += 1;
        }
        let samples = zones.into_iter().map(|(i, j, quadrant, zone)| {
            let share = 1.0 / counts[quadrant][zone].max(1) as f32;
            (i, j, quadrant, if zone == 0 { share } else { -0.5 * share })
        });
        Self { samples: samples.collect() }
    }

    /// The contrast of each quadrant with the outline moved by (dx, dy) samples.
    fn quadrants(&self, patch: &Patch, dx: i32, dy: i32) -> [f64; 4] {
        let middle = patch.side as i32 / 2;
        let last = patch.side as i32 - 1;
        let mut sums = [0.0f32; 4];
        for &(i, j, quadrant, weight) in &self.samples {
            let (x, y) = ((middle + i + dx).clamp(0, last), (middle + j + dy).clamp(0, last));
            sums[quadrant] += weight * patch.ink[(y * patch.side as i32 + x) as usize];
        }
        sums.map(f64::from)
    }

    fn score(&self, patch: &Patch, (sx, sy): (i32, i32)) -> f64 {
        let moved = |s: i32| (f64::from(s) * STEP * PER_BOX as f64).round() as i32;
        let quadrants = self.quadrants(patch, moved(sx), moved(sy));
        let least = quadrants.iter().copied().fold(f64::INFINITY, f64::min);
        let mean = quadrants.iter().sum::<f64>() / 4.0;
        let far = (f64::from(sx) * STEP).powi(2) + (f64::from(sy) * STEP).powi(2);
        (0.5 * least + 0.5 * mean) * (1.0 - 0.25 * far / 0.13)
    }

    /// The best shift: every other place first, then around the best.
    fn best(&self, patch: &Patch) -> (f64, (i32, i32)) {
        let mut best = (f64::NEG_INFINITY, (0, 0));
        let mut look = |at: (i32, i32)| {
            let score = self.score(patch, at);
            if score > best.0 {
                best = (score, at);
            }
            best
        };
        for sy in (-STEPS..=STEPS).step_by(2) {
            for sx in (-STEPS..=STEPS).step_by(2) {
                look((sx, sy));
            }
        }
        let (_, (x, y)) = look((0, 0));
        for sy in (y - 1).max(-STEPS)..=(y + 1).min(STEPS) {
            for sx in (x - 1).max(-STEPS)..=(x + 1).min(STEPS) {
                look((sx, sy));
            }
        }
        look((0, 0))
    }

    /// The place between steps, and how clearly the outline is seen there.
    fn settle(&self, patch: &Patch, (sx, sy): (i32, i32)) -> BlockRing {
        let moved = |s: i32| (f64::from(s) * STEP * PER_BOX as f64).round() as i32;
        let least = self.quadrants(patch, moved(sx), moved(sy)).iter().copied().fold(f64::INFINITY, f64::min);
        if sx.abs() == STEPS || sy.abs() == STEPS {
            return BlockRing { shift: (0.0, 0.0), evidence: least.min(0.0) };
        }
        let peak = |a: f64, b: f64, c: f64| {
            let bend = a - 2.0 * b + c;
            if bend < 0.0 { (0.5 * (a - c) / bend).clamp(-0.5, 0.5) } else { 0.0 }
        };
        let here = self.score(patch, (sx, sy));
        let x = peak(self.score(patch, (sx - 1, sy)), here, self.score(patch, (sx + 1, sy)));
        let y = peak(self.score(patch, (sx, sy - 1)), here, self.score(patch, (sx, sy + 1)));
        BlockRing { shift: ((f64::from(sx) + x) * STEP, (f64::from(sy) + y) * STEP), evidence: least }
    }
}
