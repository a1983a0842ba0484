//! Where and how large the printed outlines of a sheet's bubbles are, from the blank bubble of each block.
//!
//! An outline is the same on both sides of its middle, and so are few other things near a bubble: letters are not, neighbours
//! are where the search does not reach. So the middle is found first, whatever the outline's shape: the blank bubble is
//! folded about each possible middle, onto one quadrant, and where most ink meets its mirrors lie the candidates. In the
//! folded quadrant (`Fold`) ellipses and boxes of all widths and heights are compared by sums along its rows. Blocks of one
//! bubble size have one outline, that of the best sum over a few of them; with it each block is measured for itself.
//!
//! All is done on the grid of [`Patch`], in ink: nothing depends on the size of the page.

use std::sync::LazyLock;

use super::patch::{PER_BOX, Patch};

/// The outline of a bubble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A circle, an ellipse.
    Ellipse,
    /// A rectangle, a pair of brackets.
    Box,
}

/// An outline: its shape and its size over that of the box.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outline {
    /// Its shape.
    pub shape: Shape,
    /// Its width and height, in boxes.
    pub scale: (f64, f64),
}

impl Outline {
    /// The box's own ellipse, where nothing is known.
    pub const UNKNOWN: Self = Self { shape: Shape::Ellipse, scale: (1.0, 1.0) };

    /// Does a place, in boxes from the middle, lie inside?
    pub fn contains(self, x: f64, y: f64) -> bool {
        let (x, y) = (2.0 * x / self.scale.0, 2.0 * y / self.scale.1);
        match self.shape {
            Shape::Ellipse => x * x + y * y < 1.0,
            Shape::Box => x.abs().max(y.abs()) < 1.0,
        }
    }

    /// How far a place, in boxes from the middle, lies out: 1 on the outline.
    pub fn radius(self, x: f64, y: f64) -> f64 {
        let (x, y) = (2.0 * x / self.scale.0, 2.0 * y / self.scale.1);
        match self.shape {
            Shape::Ellipse => x.hypot(y),
            Shape::Box => x.abs().max(y.abs()),
        }
    }
}

/// The outlines of a sheet's blocks.
#[derive(Debug, Clone, PartialEq)]
pub struct Rings {
    /// One entry a block.
    pub blocks: Vec<BlockRing>,
}

/// The outline of a block's bubbles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BlockRing {
    /// Its shape and size.
    pub outline: Outline,
    /// How far it lies from the boxes, in boxes to the right and downwards.
    pub shift: (f64, f64),
    /// Contrast of its weakest quadrant, in ink: 0 and less where none is seen.
    pub evidence: f64,
    /// Ink of the darkest sample of the blank bubble.
    pub darkest: f64,
}

/// An outline is seen with this contrast at least.
const LEAST_EVIDENCE: f64 = 0.03;
/// And with this part of what is darkest in a blank bubble; for places beside the box more, by the square of the distance.
const LEAST_PART: f64 = 0.12;
const FAR: f64 = 4.0;

impl BlockRing {
    /// Is there an outline at its place? Where letters alone are printed, the paper around them looks like one, too, but a pale
    /// one beside them; and the farther it lies from the boxes, the less likely it is.
    pub fn is_seen(&self) -> bool {
        let far = self.shift.0.powi(2) + self.shift.1.powi(2);
        self.evidence > LEAST_EVIDENCE.max(LEAST_PART * self.darkest) * (1.0 + FAR * far)
    }
}

impl Rings {
    /// Is the outline seen of any of these blocks?
    pub fn is_seen_in(&self, blocks: &[usize]) -> bool {
        blocks.iter().any(|&i| self.blocks.get(i).is_some_and(BlockRing::is_seen))
    }

    /// Where the bubbles of each block lie beside their boxes: where its outline is seen, else where the others' are.
    pub fn shifts(&self) -> Vec<(f64, f64)> {
        let usual = self.usual_shift();
        self.blocks.iter().map(|ring| if ring.is_seen() { ring.shift } else { usual }).collect()
    }

    /// The median shift of the blocks whose outlines are seen, in boxes; none where no outline is.
    pub fn usual_shift(&self) -> (f64, f64) {
        let median = |of: fn(&BlockRing) -> f64| {
            let mut all: Vec<f64> = self.blocks.iter().filter(|ring| ring.is_seen()).map(of).collect();
            all.sort_by(f64::total_cmp);
            let get = |i: usize| all.get(i).copied().unwrap_or(0.0);
            let (low, high) = (get(all.len().saturating_sub(1) / 2), get(all.len() / 2));
            // Of two in the middle, the one that says that the boxes are right.
            if low.abs() < high.abs() { low } else { high }
        };
        (median(|ring| ring.shift.0), median(|ring| ring.shift.1))
    }
}

/// How far outlines are sought from the middle of the box, in samples: a step less than half a usual gap.
const REACH: i32 = 10;
/// Sides of outlines, in boxes.
const SCALES: [f64; 12] = [0.45, 0.53, 0.62, 0.72, 0.82, 0.92, 1.02, 1.14, 1.28, 1.44, 1.62, 1.80];
/// An outline is not more oblong than its box by more than this: what is, is a letter or a neighbour.
const OBLONG: f64 = 1.8;
/// Half the thickness of a line, and the zones of paper within and beyond it, over the outline's size.
const LINE: f64 = 0.10;
const WITHIN: (f64, f64) = (0.55, 0.28);
const BEYOND: (f64, f64) = (0.20, 0.40);
/// What outlines count that are unlike the box, by the square of the logarithm of their size over its, and of the width of it
/// over the height; and boxes, which fit parts of an ellipse.
const UNLIKELY_SIZE: f64 = 0.8;
const UNLIKELY_SIDES: f64 = 0.5;
const BOX: f64 = 0.92;
/// So many blocks of a bubble size tell its outline, and so many middles of each are compared.
const TELLING: usize = 4;
const MIDDLES: usize = 5;

/// Finds the outlines. `blanks` has, of each block, its blank bubble within one box, the number of its bubbles and the size of
/// its boxes.
pub fn find(blanks: &[(&Patch, usize, (u32, u32))]) -> Rings {
    let mut sizes: Vec<(u32, u32)> = blanks.iter().map(|(_, _, size)| *size).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let nothing = BlockRing { outline: Outline::UNKNOWN, shift: (0.0, 0.0), evidence: 0.0, darkest: 0.0 };
    let mut blocks = vec![nothing; blanks.len()];
    for size in sizes {
        let mut members: Vec<usize> = (0..blanks.len()).filter(|&i| blanks[i].2 == size).collect();
        // Large blocks first; among equals, those all over the page.
        members.sort_by_key(|&i| (std::cmp::Reverse(blanks[i].1), i));
        let telling = members.len().min(TELLING);
        let middles: Vec<Vec<Fold>> = members.iter().map(|&i| Fold::best(blanks[i].0)).collect();
        let spread = (0..telling).map(|k| k * members.len() / telling);
        let chosen: Vec<&[Fold]> = spread.map(|k| middles[k].as_slice()).collect();
        let weights: Vec<f32> =
            (0..telling).map(|k| (blanks[members[k * members.len() / telling]].1 as f32).sqrt()).collect();
        let model = best_model(&chosen, &weights);
        let mask = Mask::of(model.outline);
        let settled = |i: usize, folds: &[Fold]| mask.settle(blanks[i].0, starts(folds));
        let mut found: Vec<Settled> = members.iter().zip(&middles).map(|(&i, folds)| settled(i, folds)).collect();
        // Blocks lie alike: the clearest tells where the others are looked for, too.
        if let Some(clearest) = found.iter().max_by(|a, b| a.least.total_cmp(&b.least)).map(|clearest| clearest.at) {
            for (&i, found) in members.iter().zip(&mut found) {
                let near = mask.settle(blanks[i].0, std::iter::once(clearest));
                if near.score > found.score {
                    *found = near;
                }
            }
        }
        for (&i, found) in members.iter().zip(found) {
            blocks[i] = found.in_outline(model.outline, blanks[i].0);
        }
    }
    Rings { blocks }
}

/// Finds where an outline lies in a blank bubble.
pub fn place(patch: &Patch, outline: Outline) -> BlockRing {
    Mask::of(outline).settle(patch, starts(&Fold::best(patch))).in_outline(outline, patch)
}

/// The middles of folds, in samples from that of the box.
fn starts(folds: &[Fold]) -> impl Iterator<Item = (i32, i32)> {
    folds.iter().map(|fold| (fold.at.0.div_euclid(2), fold.at.1.div_euclid(2)))
}

/// Where a search has ended.
#[derive(Debug, Clone, Copy)]
struct Settled {
    /// In samples from the middle of the box.
    at: (i32, i32),
    /// The same in boxes, between samples.
    shift: (f64, f64),
    score: f32,
    /// Contrast of the weakest quadrant there.
    least: f32,
}

impl Settled {
    const NOWHERE: Self = Self { at: (0, 0), shift: (0.0, 0.0), score: f32::MIN, least: 0.0 };

    fn in_outline(self, outline: Outline, blank: &Patch) -> BlockRing {
        let darkest = f64::from(blank.ink.iter().fold(0.0f32, |a, &b| a.max(b)));
        BlockRing { outline, shift: self.shift, evidence: f64::from(self.least), darkest }
    }
}

/// The outline with the largest sum of contrasts.
fn best_model(blocks: &[&[Fold]], weights: &[f32]) -> &'static Model {
    let total = |model: &Model| -> f32 {
        let best = |folds: &[Fold]| folds.iter().map(|fold| model.score(fold)).fold(f32::MIN, f32::max).max(-1.0);
        blocks.iter().zip(weights).map(|(folds, weight)| best(folds) * weight).sum()
    };
    let mut best = (f32::MIN, &MODELS[0]);
    for model in MODELS.iter() {
        let score = total(model);
        if score > best.0 {
            best = (score, model);
        }
    }
    best.1
}

/// Samples along each side of a quadrant.
const QUADRANT: usize = PER_BOX;

/// A blank bubble, folded onto one quadrant about a middle.
#[derive(Debug, Clone)]
struct Fold {
    /// Twice the middle's distance from that of the box, in samples: half samples are middles, too.
    at: (i32, i32),
    /// For each row of the quadrant, from the middle outwards, the sums of the second least ink of its four mirrors: the one
    /// less, since one quadrant may be spoilt, and two show what a letter has on one side alone.
    sums: [[f32; QUADRANT + 1]; QUADRANT],
    /// Part of the sums that counts: far middles are less likely.
    weight: f32,
}

impl Fold {
    /// The middles about which a patch is most like its mirrors.
    fn best(patch: &Patch) -> Vec<Self> {
        let half = coarse(patch);
        // About the middle of a pair of columns, and of rows: every sum of two indices is a middle.
        let reach = REACH - 1;
        let middle = HALF as i32 - 1;
        let mut found: Vec<(f32, (i32, i32))> = Vec::new();
        let mut table = [[f32::MIN; (2 * REACH + 1) as usize]; (2 * REACH + 1) as usize];
        for sx in -reach..=reach {
            // Fold columns.
            let mut columns = [[0.0f32; NEAR]; HALF];
            for (to, from) in columns.iter_mut().zip(&half) {
                for (u, to) in to.iter_mut().enumerate() {
                    let sum = middle + sx;
                    let right = (sum + 1).div_euclid(2) + u as i32 + i32::from(sum.rem_euclid(2) == 0);
                    let left = sum - right;
                    let get = |i: i32| from[i.clamp(0, HALF as i32 - 1) as usize];
                    *to = if left < 0 || right >= HALF as i32 { 0.0 } else { get(left).min(get(right)) };
                }
            }
            for sy in -reach..=reach {
                let sum = middle + sy;
                let mut total = 0.0;
                for v in 0..NEAR {
                    let below = (sum + 1).div_euclid(2) + v as i32 + i32::from(sum.rem_euclid(2) == 0);
                    let above = sum - below;
                    if above < 0 || below >= HALF as i32 {
                        break;
                    }
                    let (a, b) = (&columns[above as usize], &columns[below as usize]);
                    total += a.iter().zip(b).map(|(a, b)| a.min(*b)).sum::<f32>();
                }
                table[(sy + REACH) as usize][(sx + REACH) as usize] = total * weight(sx, sy);
            }
        }
        for sy in -reach..=reach {
            for sx in -reach..=reach {
                let get = |dx: i32, dy: i32| table[(sy + dy + REACH) as usize][(sx + dx + REACH) as usize];
                let here = get(0, 0);
                let around = [(-1, 0), (0, -1), (-1, -1), (1, -1)].iter().all(|&(x, y)| get(x, y) < here)
                    && [(1, 0), (0, 1), (1, 1), (-1, 1)].iter().all(|&(x, y)| get(x, y) <= here);
                if around {
                    found.push((here, (sx, sy)));
                }
            }
        }
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        found.truncate(MIDDLES);
        // Coarse samples are two of the patch: their half steps are one.
        found.iter().map(|&(_, (sx, sy))| Self::about(patch, (2 * sx, 2 * sy))).collect()
    }

    fn about(patch: &Patch, at: (i32, i32)) -> Self {
        let side = patch.side as i32;
        let pair = |twice: i32, k: usize| {
            // The indices of the k-th sample on both sides of the middle.
            let sum = side - 1 + twice;
            let high = sum.div_euclid(2) + 1 + k as i32;
            ((sum - high).clamp(0, side - 1), high.clamp(0, side - 1))
        };
        let mut sums = [[0.0f32; QUADRANT + 1]; QUADRANT];
        for (v, sums) in sums.iter_mut().enumerate() {
            let (above, below) = pair(at.1, v);
            let mut sum = 0.0;
            for u in 0..QUADRANT {
                let (left, right) = pair(at.0, u);
                let get = |x: i32, y: i32| patch.ink.get((y * side + x) as usize).copied().unwrap_or(0.0);
                let (a, b, c, d) = (get(left, above), get(right, above), get(left, below), get(right, below));
                let (low, high) = (a.min(b), a.max(b));
                let (other_low, other_high) = (c.min(d), c.max(d));
                sum += low.max(other_low).min(high.min(other_high));
                sums[u + 1] = sum;
            }
        }
        Self { at, sums, weight: weight(at.0 / 2, at.1 / 2) }
    }
}

/// Samples along each side of a coarse patch: pairs of samples, two by two.
const HALF: usize = PER_BOX;

/// Coarse samples on each side of a middle that tell whether it is one: what lies farther away is another bubble.
const NEAR: usize = 8;

fn coarse(patch: &Patch) -> [[f32; HALF]; HALF] {
    let get = |x: usize, y: usize| patch.ink.get(y * patch.side + x).copied().unwrap_or(0.0);
    std::array::from_fn(|j| {
        std::array::from_fn(|i| {
            let (x, y) = (2 * i, 2 * j);
            0.25 * (get(x, y) + get(x + 1, y) + get(x, y + 1) + get(x + 1, y + 1))
        })
    })
}

/// What a middle counts that is so many samples away.
fn weight(sx: i32, sy: i32) -> f32 {
    let (x, y) = (sx as f32 / PER_BOX as f32, sy as f32 / PER_BOX as f32);
    (1.0 - 1.9 * (x * x + y * y)).max(0.2)
}

/// An outline with the ends of its zones in each row of a quadrant.
#[derive(Debug)]
struct Model {
    outline: Outline,
    /// Ends of the paper within, the line, and the paper beyond: from and to, by row.
    zones: [[(u8, u8); QUADRANT]; 3],
    /// What a sample of each zone counts.
    shares: [f32; 3],
    /// How likely it is, beside the others.
    weight: f32,
}

static MODELS: LazyLock<Vec<Model>> = LazyLock::new(|| {
    let mut models = Vec::new();
    for shape in [Shape::Ellipse, Shape::Box] {
        for sy in SCALES {
            for sx in SCALES {
                if sx / sy <= OBLONG && sy / sx <= OBLONG {
                    models.push(Model::of(Outline { shape, scale: (sx, sy) }));
                }
            }
        }
    }
    models
});

impl Model {
    fn of(outline: Outline) -> Self {
        let (sx, sy) = outline.scale;
        let size = sx.min(sy);
        // The samples of row v that lie within the outline widened by this part of its size.
        let within = |by: f64| -> [u8; QUADRANT] {
            std::array::from_fn(|v| {
                let (rx, ry) = (sx + by * size, sy + by * size);
                let y = (v as f64 + 0.5) * 2.0 / PER_BOX as f64;
                if y >= ry || rx <= 0.0 {
                    return 0;
                }
                let x = match outline.shape {
                    Shape::Ellipse => rx * (1.0 - (y / ry).powi(2)).sqrt(),
                    Shape::Box => rx,
                };
                ((x * PER_BOX as f64 / 2.0).round() as usize).min(QUADRANT) as u8
            })
        };
        let zone = |from: f64, to: f64| {
            let (from, to) = (within(from), within(to));
            std::array::from_fn(|v| (from[v].min(to[v]), to[v]))
        };
        let inner = zone(-WITHIN.0, -WITHIN.1);
        let line = zone(-LINE, LINE);
        let outer = zone(BEYOND.0, BEYOND.1);
        let counts =
            [inner, line, outer].map(|zone: [(u8, u8); QUADRANT]| zone.iter().map(|(a, b)| u32::from(b - a)).sum());
        let shares = shares(counts);
        let size = 0.5 * (sx * sy).ln();
        let weight = (1.0 - UNLIKELY_SIZE * size * size - UNLIKELY_SIDES * (sx / sy).ln().powi(2)).max(0.1);
        let weight = if outline.shape == Shape::Box { weight * BOX } else { weight } as f32;
        Self { outline, zones: [inner, line, outer], shares, weight }
    }

    /// The contrast of the outline in a folded blank bubble.
    fn score(&self, fold: &Fold) -> f32 {
        let sum = |zone: usize| -> f32 {
            let rows = self.zones[zone].iter().zip(&fold.sums);
            rows.map(|(&(a, b), sums)| sums[usize::from(b)] - sums[usize::from(a)]).sum::<f32>() * self.shares[zone]
        };
        (sum(0) + sum(1) + sum(2)) * fold.weight * self.weight
    }
}

/// What a sample counts, by the number of samples within the outline, on it and beyond it: so that the sum is the contrast of
/// the line to the paper on both sides, or on that which lies within reach.
fn shares([within, line, beyond]: [u32; 3]) -> [f32; 3] {
    let share = |part: f32, count: u32| if count > 0 { part / count as f32 } else { 0.0 };
    match (within, beyond) {
        (0, 0) => [0.0; 3],
        (0, _) => [0.0, share(1.0, line), share(-1.0, beyond)],
        (_, 0) => [share(-1.0, within), share(1.0, line), 0.0],
        _ => [share(-0.5, within), share(1.0, line), share(-0.5, beyond)],
    }
}

/// The samples of an outline and of what lies beside it.
struct Mask {
    /// Offset from the middle of each sample of the first quadrant, and its weight; the others are its mirrors.
    samples: Vec<(i32, i32, f32)>,
}

impl Mask {
    fn of(outline: Outline) -> Self {
        let (sx, sy) = outline.scale;
        let size = sx.min(sy);
        let grown = |by: f64| Outline { shape: outline.shape, scale: (sx + by * size, sy + by * size) };
        let limits = [-WITHIN.0, -WITHIN.1, -LINE, LINE, BEYOND.0, BEYOND.1].map(grown);
        let zone_of = |x: f64, y: f64| {
            let within = limits.map(|limit| limit.radius(x, y) < 1.0);
            match within {
                [false, true, ..] => Some(0),
                [.., false, true, _, _] => Some(1),
                [.., false, true] => Some(2),
                _ => None,
            }
        };
        let mut samples: Vec<(i32, i32, usize)> = Vec::new();
        let mut counts = [0u32; 3];
        for j in 0..QUADRANT as i32 + 2 {
            for i in 0..QUADRANT as i32 + 2 {
                let at = |i: i32| (f64::from(i) + 0.5) / PER_BOX as f64;
                if let Some(zone) = zone_of(at(i), at(j)) {
                    counts[zone] += 1;
                    samples.push((i, j, zone));
                }
            }
        }
        let shares = shares(counts);
        Self { samples: samples.into_iter().map(|(i, j, zone)| (i, j, shares[zone])).collect() }
    }

    /// The contrast of each quadrant with the outline moved by (dx, dy) samples; beyond the patch lies what is at its edge.
    fn contrasts(&self, patch: &Patch, dx: i32, dy: i32) -> [f32; 4] {
        let last = patch.side as i32 - 1;
        let (x0, y0) = (patch.side as i32 / 2 + dx, patch.side as i32 / 2 + dy);
        let mut contrasts = [0.0f32; 4];
        // A sample and its mirrors, right and left, below and above: four sums that do not wait for each other.
        for &(i, j, weight) in &self.samples {
            let (right, left) = ((x0 + i).clamp(0, last), (x0 - 1 - i).clamp(0, last));
            let row = |y: i32| {
                let start = y.clamp(0, last) as usize * patch.side;
                patch.ink.get(start..start + patch.side).unwrap_or_default()
            };
            let (below, above) = (row(y0 + j), row(y0 - 1 - j));
            let ink = |row: &[f32], x: i32| row.get(x as usize).map_or(0.0, |ink| ink * weight);
            let four = [ink(below, right), ink(below, left), ink(above, right), ink(above, left)];
            for (contrast, ink) in contrasts.iter_mut().zip(four) {
                *contrast += ink;
            }
        }
        contrasts
    }

    fn score(&self, patch: &Patch, dx: i32, dy: i32) -> (f32, f32) {
        let contrasts = self.contrasts(patch, dx, dy);
        let least = contrasts.iter().copied().fold(f32::MAX, f32::min);
        let mean = contrasts.iter().sum::<f32>() / 4.0;
        (0.5 * (least + mean) * weight(dx, dy), least)
    }

    /// The contrast of the weakest quadrant between samples, the patch taken to change evenly from one to the next. At a whole
    /// sample, half of one away, thin lines fall beside the zone of two quadrants.
    fn least_between(&self, patch: &Patch, at: (i32, i32), (x, y): (f64, f64)) -> f32 {
        let steps = |part: f64| {
            let share = part.abs() as f32;
            [(0, 1.0 - share), (if part < 0.0 { -1 } else { 1 }, share)]
        };
        let mut contrasts = [0.0f32; 4];
        for ((dx, of_x), (dy, of_y)) in steps(x).into_iter().flat_map(|x| steps(y).map(|y| (x, y))) {
            let four = self.contrasts(patch, at.0 + dx, at.1 + dy);
            contrasts.iter_mut().zip(four).for_each(|(sum, contrast)| *sum += contrast * of_x * of_y);
        }
        contrasts.into_iter().fold(f32::MAX, f32::min)
    }

    /// The place of the outline: from each middle uphill to the best sample, and from the best of these between samples by a
    /// parabola. One at the rim of the search is none.
    fn settle(&self, patch: &Patch, starts: impl Iterator<Item = (i32, i32)>) -> Settled {
        let mut known: Vec<((i32, i32), (f32, f32))> = Vec::with_capacity(32);
        let mut score = |at: (i32, i32)| match known.iter().find(|(other, _)| *other == at) {
            Some((_, score)) => *score,
            None => {
                let score = self.score(patch, at.0, at.1);
                known.push((at, score));
                score
            }
        };
        let mut best: Option<((i32, i32), (f32, f32))> = None;
        for mut at in starts {
            const STEPS: usize = 4;
            for _ in 0..STEPS {
                let (x, y) = at;
                let around = [(x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)];
                let next = around.into_iter().max_by(|a, b| score(*a).0.total_cmp(&score(*b).0)).unwrap_or(at);
                if score(next).0 <= score(at).0 {
                    break;
                }
                at = next;
            }
            if best.is_none_or(|(_, other)| score(at).0 > other.0) {
                best = Some((at, score(at)));
            }
        }
        let Some((at, (here, least))) = best else { return Settled::NOWHERE };
        if at.0.abs() >= REACH || at.1.abs() >= REACH {
            return Settled { least: least.min(0.0), ..Settled::NOWHERE };
        }
        let peak = |a: f32, c: f32| {
            let bend = a - 2.0 * here + c;
            if bend < 0.0 { f64::from(0.5 * (a - c) / bend).clamp(-0.5, 0.5) } else { 0.0 }
        };
        let x = peak(score((at.0 - 1, at.1)).0, score((at.0 + 1, at.1)).0);
        let y = peak(score((at.0, at.1 - 1)).0, score((at.0, at.1 + 1)).0);
        let boxes = |samples: i32, part: f64| (f64::from(samples) + part) / PER_BOX as f64;
        let least = self.least_between(patch, at, (x, y));
        Settled { at, shift: (boxes(at.0, x), boxes(at.1, y)), score: here, least }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIDE: usize = 2 * PER_BOX;

    /// A patch with ink where `ink` says so, in boxes from the middle.
    fn patch(ink: impl Fn(f64, f64) -> f32) -> Patch {
        let place = |i: usize| (i as f64 - (SIDE as f64 - 1.0) / 2.0) / PER_BOX as f64;
        Patch { side: SIDE, ink: (0..SIDE * SIDE).map(|s| ink(place(s % SIDE), place(s / SIDE))).collect() }
    }

    /// An outline a tenth of a box thick.
    fn outlined(outline: Outline, (dx, dy): (f64, f64), dark: f32) -> Patch {
        let (sx, sy) = outline.scale;
        let grown = |by: f64| Outline { scale: (sx + by, sy + by), ..outline };
        patch(|x, y| {
            let (x, y) = (x - dx, y - dy);
            if grown(0.1).radius(x, y) < 1.0 && grown(-0.1).radius(x, y) >= 1.0 { dark } else { 0.0 }
        })
    }

    fn found(patch: &Patch) -> BlockRing {
        find(&[(patch, 40, (20, 20))]).blocks[0]
    }

    fn ellipse(x: f64, y: f64) -> Outline {
        Outline { shape: Shape::Ellipse, scale: (x, y) }
    }

    #[test]
    fn a_circle_is_found_with_its_size_and_place() {
        let ring = found(&outlined(ellipse(1.0, 1.0), (0.15, -0.1), 0.6));
        assert_eq!(ring.outline.shape, Shape::Ellipse);
        assert!((ring.outline.scale.0 - 1.0).abs() < 0.11 && (ring.outline.scale.1 - 1.0).abs() < 0.11, "{ring:?}");
        assert!((ring.shift.0 - 0.15).abs() < 0.03 && (ring.shift.1 + 0.1).abs() < 0.03, "{ring:?}");
        assert!(ring.evidence > 0.3, "{ring:?}");
    }

    #[test]
    fn a_faint_line_half_a_sample_away_is_seen() {
        // Its size lies between two that are compared, its place between two samples each way, and its ink is faint: two quadrants
        // had a sixth of its contrast at the nearest sample.
        let (x, sides) = (0.765_322_523_784_04, 0.880_710_589_824_648_8);
        let ring = found(&outlined(ellipse(x, x * sides), (-0.325_794_864_866_230_55, -0.323_604_844_708_405_9), 0.2));
        assert!(ring.is_seen() && ring.evidence > 0.1, "{ring:?}");
    }

    #[test]
    fn a_box_is_told_from_an_ellipse() {
        let drawn = Outline { shape: Shape::Box, scale: (1.14, 0.92) };
        let ring = found(&outlined(drawn, (0.0, 0.05), 0.5));
        assert_eq!(ring.outline, drawn);
    }

    #[test]
    fn letters_alone_are_no_outline() {
        // Many letters over each other.
        let letter = patch(|x, y| 0.6 * (-(x * x + y * y) / 0.04).exp() as f32);
        assert!(!found(&letter).is_seen(), "{:?}", found(&letter));
        assert!(!found(&patch(|_, _| 0.0)).is_seen());
        assert!(!found(&patch(|_, _| 0.7)).is_seen());
    }

    #[test]
    fn blocks_share_their_outline_and_have_their_own_place() {
        let shifts = [(0.0, 0.0), (0.3, 0.0), (-0.2, 0.25)];
        let patches: Vec<Patch> = shifts.iter().map(|&by| outlined(ellipse(0.9, 1.15), by, 0.4)).collect();
        let rings = find(&patches.iter().map(|patch| (patch, 20, (18, 24))).collect::<Vec<_>>());
        for (ring, by) in rings.blocks.iter().zip(shifts) {
            assert_eq!(ring.outline, rings.blocks[0].outline);
            assert!((ring.shift.0 - by.0).abs() < 0.05 && (ring.shift.1 - by.1).abs() < 0.05, "{ring:?}");
        }
    }

    #[test]
    fn a_block_without_print_lies_as_the_others_do() {
        let (seen, nothing) = (outlined(ellipse(1.0, 1.0), (0.2, 0.1), 0.5), patch(|_, _| 0.0));
        let rings = find(&[(&seen, 20, (20, 20)), (&nothing, 20, (20, 20))]);
        assert_eq!(rings.shifts(), vec![rings.blocks[0].shift; 2]);
        assert_eq!(find(&[]).shifts(), vec![]);
    }

    proptest! {
        #[test]
        fn quadrants_are_mirrors(
            ink in prop::collection::vec(0f32..1.0, SIDE * SIDE),
            scale in (0.45f64..1.8, 0.45f64..1.8),
            is_box in any::<bool>(),
            (dx, dy) in (-12i32..12, -12i32..12),
        ) {
            let mask = Mask::of(Outline { shape: if is_box { Shape::Box } else { Shape::Ellipse }, scale });
            let patch = Patch { side: SIDE, ink };
            let found = mask.contrasts(&patch, dx, dy);
            for (q, contrast) in found.into_iter().enumerate() {
                let mirrored = |i: i32, is: bool| if is { -1 - i } else { i };
                let sum: f32 = mask.samples.iter().map(|&(i, j, weight)| {
                    let x = (SIDE as i32 / 2 + dx + mirrored(i, q % 2 == 1)).clamp(0, SIDE as i32 - 1) as usize;
                    let y = (SIDE as i32 / 2 + dy + mirrored(j, q / 2 == 1)).clamp(0, SIDE as i32 - 1) as usize;
                    patch.ink[y * SIDE + x] * weight
                }).sum();
                prop_assert_eq!(contrast, sum);
            }
        }

        #[test]
        fn any_outline_is_found_within_a_twentieth_of_a_box(
            x in 0.65f64..1.3, sides in 0.8f64..1.25, dx in -0.35f64..0.35, dy in -0.35f64..0.35, dark in 0.2f32..0.9,
        ) {
            let ring = found(&outlined(ellipse(x, x * sides), (dx, dy), dark));
            prop_assert!(ring.is_seen(), "{ring:?}");
            let off = (ring.shift.0 - dx).abs().max((ring.shift.1 - dy).abs());
            prop_assert!(off < 0.05, "{ring:?}");
        }
    }
}
