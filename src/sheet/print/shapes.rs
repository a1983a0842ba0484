//! Outlines of bubbles, compared with the mean patch of a block at every place within reach.
//!
//! The patch is scaled so that the template's box has [`SIDE`] samples each way, whatever its size and proportions. The
//! outlines are an ellipse and a box, hollow and filled, in several widths and heights: templates state sizes roughly.

use super::patch::Patch;

/// Samples of a box's side.
const SIDE: f64 = 12.0;
/// Widths and heights of outlines over those of the box.
const SCALES: [f64; 9] = [0.64, 0.74, 0.86, 0.98, 1.1, 1.24, 1.4, 1.56, 1.74];
/// So many outlines are tried at every place, and so many places are handed on.
const CLOSER: usize = 24;
const PEAKS: usize = 6;
const LARGEST: f64 = SCALES[SCALES.len() - 1];
/// Half the thickness of a drawn line, and how far around an outline is looked, in samples.
const LINE: f64 = 0.9;
const AROUND: f64 = 2.0;

/// A place where an outline fits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// From the box's middle, in page pixels.
    pub shift: (f64, f64),
    /// Correlation, −1 to 1.
    pub likeness: f64,
    /// The same with what another patch says.
    pub total: f64,
    /// Width and height over those of the box.
    pub size: (f64, f64),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    Ring,
    Frame,
    Disk,
    Block,
}

/// A patch at the outlines' scale.
struct Samples {
    width: usize,
    height: usize,
    ink: Vec<f32>,
    /// Places that are tried go from −reach to reach.
    reach: (i32, i32),
}

impl Samples {
    fn of(patch: &Patch, size: (u32, u32), reach: (f64, f64)) -> Self {
        let largest = LARGEST * SIDE / 2.0 + AROUND;
        let steps = |reach: f64| (reach * SIDE).floor().max(0.0) as i32;
        let reach = (steps(reach.0), steps(reach.1));
        let side = |reach: i32| 2 * (reach as usize + largest.ceil() as usize) + 1;
        let (width, height) = (side(reach.0), side(reach.1));
        let (sx, sy) = (f64::from(size.0) / SIDE, f64::from(size.1) / SIDE);
        // Each sample is the mean of a cell.
        let parts = |s: f64| (s.ceil() as usize).clamp(1, 8);
        let (nx, ny) = (parts(sx), parts(sy));
        let mut ink = Vec::with_capacity(width * height);
        for j in 0..height {
            for i in 0..width {
                let (x, y) = (i as f64 - (width / 2) as f64, j as f64 - (height / 2) as f64);
                let mut sum = 0.0;
                for b in 0..ny {
                    for a in 0..nx {
                        let part = |k: usize, n: usize| (k as f64 + 0.5) / n as f64 - 0.5;
                        sum += patch.at((x + part(a, nx)) * sx, (y + part(b, ny)) * sy);
                    }
                }
                ink.push(sum / (nx * ny) as f32);
            }
        }
        Self { width, height, ink, reach }
    }
}

/// Drawn outline: weights over a window, less their mean, and of length 1.
struct Model {
    half: (i32, i32),
    weights: Vec<f32>,
    size: (f64, f64),
}

impl Model {
    fn of(shape: Shape, size: (f64, f64)) -> Self {
        let radius = (size.0 * SIDE / 2.0, size.1 * SIDE / 2.0);
        let half = ((radius.0 + AROUND).round() as i32, (radius.1 + AROUND).round() as i32);
        let mut weights = Vec::new();
        for y in -half.1..=half.1 {
            for x in -half.0..=half.0 {
                let (x, y) = (f64::from(x).abs(), f64::from(y).abs());
                // The line lies just inside of the outline.
                let distance = match shape {
                    Shape::Ring | Shape::Disk => ellipse_distance((x, y), radius),
                    Shape::Frame | Shape::Block => {
                        let (dx, dy) = (x - radius.0, y - radius.1);
                        if dx > 0.0 && dy > 0.0 { dx.hypot(dy) } else { dx.max(dy) }
                    }
                };
                weights.push(match shape {
                    Shape::Ring | Shape::Frame => {
                        let d = distance / LINE;
                        (-d * d).exp()
                    }
                    Shape::Disk | Shape::Block => (0.5 - distance / 2.0).clamp(0.0, 1.0),
                } as f32);
            }
        }
        let mean = weights.iter().sum::<f32>() / weights.len() as f32;
        weights.iter_mut().for_each(|w| *w -= mean);
        let length = weights.iter().map(|w| w * w).sum::<f32>().sqrt().max(1e-6);
        weights.iter_mut().for_each(|w| *w /= length);
        Self { half, weights, size }
    }

    /// Correlation with the samples around a place.
    fn score(&self, samples: &Samples, (x, y): (i32, i32)) -> f32 {
        let (cx, cy) = ((samples.width / 2) as i32 + x, (samples.height / 2) as i32 + y);
        let row_length = 2 * self.half.0 as usize + 1;
        let (mut product, mut sum, mut squares) = (0.0f32, 0.0f32, 0.0f32);
        for (j, row) in self.weights.chunks_exact(row_length).enumerate() {
            let start = (cy - self.half.1 + j as i32) as usize * samples.width + (cx - self.half.0) as usize;
            let Some(there) = samples.ink.get(start..start + row_length) else { return -1.0 };
            for (w, v) in row.iter().zip(there) {
                product += w * v;
                sum += v;
                squares += v * v;
            }
        }
        let deviation = (squares - sum * sum / self.weights.len() as f32).max(0.0).sqrt();
        // Ink of a hundredth on average is no print.
        if deviation < 0.01 * (self.weights.len() as f32).sqrt() { 0.0 } else { product / deviation }
    }
}

/// Signed distance from an ellipse, nearly: negative inside.
fn ellipse_distance((x, y): (f64, f64), (rx, ry): (f64, f64)) -> f64 {
    let (u, v) = (x / rx, y / ry);
    let rho = u.hypot(v);
    let slope = (u / rx).hypot(v / ry);
    if slope < 1e-9 { -rx.min(ry) } else { (rho - 1.0) * rho / slope }
}

/// How much a patch looks like the best outline at each place within reach.
pub(super) struct Surface {
    reach: (i32, i32),
    size: (u32, u32),
    /// Row after row: the score, and the width and height of the outline over those of the box.
    scores: Vec<(f32, (f64, f64))>,
}

impl Surface {
    /// `gaps`: no outline is larger than from one bubble to the next; 0: there is no next.
    pub fn of(patch: &Patch, size: (u32, u32), reach: (f64, f64), gaps: (f64, f64)) -> Self {
        let samples = Samples::of(patch, size, reach);
        let side = 2 * samples.reach.0 as usize + 1;
        let places = side * (2 * samples.reach.1 as usize + 1);
        let place = |i: usize| ((i % side) as i32 - samples.reach.0, (i / side) as i32 - samples.reach.1);
        let models = models(size, gaps);
        // Every other place of every other row tells which outlines are worth a closer look.
        let rough = (0..places).filter(|&i| place(i).0 % 2 == 0 && place(i).1 % 2 == 0);
        let rough: Vec<usize> = rough.collect();
        let mut ranked: Vec<(f32, &Model)> = models
            .iter()
            .map(|model| (rough.iter().map(|&i| model.score(&samples, place(i))).fold(-1.0, f32::max), model))
            .collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut scores = vec![(-1.0f32, (1.0, 1.0)); places];
        for (_, model) in ranked.iter().take(CLOSER) {
            for (i, best) in scores.iter_mut().enumerate() {
                let score = model.score(&samples, place(i));
                if score > best.0 {
                    *best = (score, model.size);
                }
            }
        }
        Self { reach: samples.reach, size, scores }
    }

    /// The places that fit better than all around them, best first, a few. `other` says how much another patch looks like an
    /// outline there, which counts by `weight`.
    pub fn peaks(&self, other: &Self, weight: f32) -> Vec<Found> {
        let side = 2 * self.reach.0 as usize + 1;
        let place = |i: usize| ((i % side) as i32 - self.reach.0, (i / side) as i32 - self.reach.1);
        let total = |i: usize| -> f32 {
            let own = self.scores.get(i).map_or(-1.0, |s| s.0);
            own + weight * other.scores.get(i).map_or(0.0, |s| s.0).max(0.0)
        };
        let mut order: Vec<usize> = (0..self.scores.len()).collect();
        order.sort_by(|&a, &b| total(b).total_cmp(&total(a)));
        let mut kept: Vec<usize> = Vec::new();
        for i in order {
            let near = |&k: &usize| {
                let (a, b) = (place(i), place(k));
                f64::from((a.0 - b.0).abs().max((a.1 - b.1).abs())) < SIDE / 3.0
            };
            if !kept.iter().any(near) {
                kept.push(i);
            }
            if kept.len() == PEAKS {
                break;
            }
        }
        let pixels = |steps: i32, side: u32| f64::from(steps) * f64::from(side) / SIDE;
        let found = |&i: &usize| {
            let (x, y) = place(i);
            let (likeness, size) = *self.scores.get(i)?;
            let shift = (pixels(x, self.size.0), pixels(y, self.size.1));
            Some(Found { shift, likeness: f64::from(likeness), total: f64::from(total(i)), size })
        };
        kept.iter().filter_map(found).collect()
    }
}

fn models(size: (u32, u32), gaps: (f64, f64)) -> Vec<Model> {
    /// Bubbles that touch are seen as wide as the gap.
    const TOUCHING: f64 = 1.04;
    let fits =
        |scale: f64, side: u32, gap: f64| gap <= 0.0 || scale * f64::from(side) <= gap * TOUCHING || scale <= 1.0;
    let mut models = Vec::new();
    for shape in [Shape::Ring, Shape::Frame, Shape::Disk, Shape::Block] {
        for sx in SCALES {
            for sy in SCALES {
                let is_solid = matches!(shape, Shape::Disk | Shape::Block);
                // A spot within a bubble is its letter.
                let is_letter = is_solid && sx.min(sy) < 0.8;
                let (width, height) = (sx * f64::from(size.0), sy * f64::from(size.1));
                let is_lean = (width / height).max(height / width) > 2.5 && (sx / sy).max(sy / sx) > 1.5;
                if !is_letter && !is_lean && fits(sx, size.0, gaps.0) && fits(sy, size.1, gaps.1) {
                    models.push(Model::of(shape, (sx, sy)));
                }
            }
        }
    }
    models
}
