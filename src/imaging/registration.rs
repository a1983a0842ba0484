//! Which map takes a sheet onto a reference of the same form? Coarse to fine, by patches of the reference.
//!
//! On a small copy, patches of print are sought in a wide neighbourhood by normalised correlation; a robust fit
//! ([`super::robust`]) makes a first map of those that agree. The sheet is then laid onto the reference by it, and smaller
//! details are sought in a narrow neighbourhood, between pixels, until a page of about a thousand pixels is compared.
//!
//! Correlated patches were preferred to corner features with descriptors because a form repeats its corners: a hundred
//! equal bubbles have equal descriptors, while a patch of an eighth of the page is told by its surroundings, and at finer
//! steps the bubble next to it is out of reach. Patches bear marks, copies of copies and light; and the same patches that
//! give the map count how much of the form agrees with it, so that another form is noticed.
//!
//! What lies at an angle or scale beyond the neighbourhood is found by trying some turns and scales of the small copy, when
//! the upright one does not agree.

use image::GrayImage;

use super::correlation::Surface;
use super::robust::{Fit, Model, Pair};
use super::warp::{self, Homography};
use super::{pixels, pixels_mut, resize};
use crate::geometry::{PixelPoint, Point, Rect, Size};

/// A reference picture, made ready to lay sheets onto.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    size: Size,
    /// From coarse to fine.
    levels: Vec<Level>,
}

/// The reference at a size.
#[derive(Debug, Clone, PartialEq)]
struct Level {
    /// Pixels of the reference to a pixel.
    factor: u32,
    /// Bright print on dark paper: what a warp leaves empty is black, and should look like paper.
    picture: GrayImage,
    patches: Vec<Rect>,
    /// How far a patch is sought.
    radius: u32,
}

/// How a sheet lies on a reference.
#[derive(Debug, Clone, PartialEq)]
pub struct Registration {
    /// Takes points of the sheet to points of the reference.
    pub map: Homography,
    /// What speaks for it.
    pub support: Support,
}

/// How much of a reference was found in a sheet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Support {
    /// Patches of the reference that were sought.
    pub sought: usize,
    /// Those found where the map says.
    pub agreeing: usize,
    /// Root of the mean squared distance of these from there, in pixels of the reference.
    pub rms: f64,
}

/// The coarsest copy has at most this many pixels on its longer side: a patch is then an eighth of the page.
const COARSE_SIDE: u32 = 240;
/// The finest copy has about this many: a tenth of its pixel is a twentieth of a millimetre on A4.
const FINE_SIDE: u32 = 1100;
/// Side of a patch; a multiple of 8, which correlates fastest.
const PATCH: u32 = 32;
/// Patches are chosen one a cell; this many cells along the longer side at most.
const CELLS: u32 = 12;
/// How far the coarse search goes, as a part of the longer side.
const REACH: f64 = 0.1;
/// A coarse patch and a fine one count when they correlate as well as this. Marks and blur take a third of it at most.
const COARSE_SCORE: f32 = 0.4;
const FINE_SCORE: f32 = 0.5;
/// A coarse patch whose second best place is nearly as good as the best says nothing.
const DISTINCT: f32 = 0.03;
/// Pairs may be off by this many pixels of the copy.
const COARSE_TOLERANCE: f64 = 1.5;
const FINE_TOLERANCE: f64 = 1.5;
/// Least number of patches that must agree, and least part of those sought. Chance agrees in a twentieth; a form with
/// another text between the same title and frames in about half.
const LEAST_AGREEING: usize = 8;
const LEAST_SHARE: f64 = 0.3;
/// The coarse search is content with this share and tries no turns.
const CONTENT_SHARE: f64 = 0.4;
/// The agreeing patches must span this part of the print in both directions, or the rest would be guessed.
const LEAST_SPAN: f64 = 0.5;
/// Turns in degrees and scales that the coarse search tries; its own reach bridges what lies between.
const TURNS: [f64; 6] = [0.0, -7.0, 7.0, -14.0, 14.0, 180.0];
const SCALES: [f64; 4] = [1.0, 0.85, 1.18, 0.7];

impl Reference {
    /// Makes a picture ready. `None` if it has too little print to align by.
    pub fn new(picture: &GrayImage) -> Option<Self> {
        let size = Size::new(picture.width(), picture.height());
        let longer = size.width.max(size.height);
        let finest = (longer + FINE_SIDE / 2).checked_div(FINE_SIDE)?.max(1);
        let mut factor = longer.div_ceil(COARSE_SIDE).max(finest);
        let mut levels = vec![Level::new(picture, factor, None)];
        while factor > finest {
            let next = factor.div_ceil(3).max(finest);
            levels.push(Level::new(picture, next, Some(factor)));
            factor = next;
        }
        let enough = levels.iter().all(|level| level.patches.len() >= LEAST_AGREEING);
        enough.then_some(Self { size, levels })
    }

    /// Size of the reference.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Lays a sheet onto the reference.
    ///
    /// # Errors
    /// What was found, when it is too little to be the same form.
    pub fn register(&self, sheet: &GrayImage, model: Model) -> Result<Registration, Support> {
        let nothing = Support { sought: 0, agreeing: 0, rms: 0.0 };
        let (coarse, finer) = self.levels.split_first().ok_or(nothing)?;
        let mut map = self.first_map(coarse, sheet).ok_or(Support { sought: coarse.patches.len(), ..nothing })?;
        // A small picture has one level, which must bear the final map too.
        let finer = if finer.is_empty() { std::slice::from_ref(coarse) } else { finer };
        let mut support = nothing;
        for (i, level) in finer.iter().enumerate() {
            let is_last = i + 1 == finer.len();
            let found = level.pairs(&copy(sheet, level.factor), &map, FINE_SCORE, -2.0);
            // The first maps are affine: they stand on few pairs.
            let model = if is_last { model } else { Model::Affine };
            let tolerance = FINE_TOLERANCE * f64::from(level.factor);
            let sought = level.within(sheet, &map);
            let fit = model.fit(&found, tolerance, |map| self.is_possible(map));
            let fit = fit.ok_or(Support { sought, agreeing: 0, rms: 0.0 })?;
            support = Support { sought, agreeing: fit.count(), rms: fit.rms };
            if is_last && !level.is_supported(&fit, &found, sought) {
                return Err(support);
            }
            map = fit.map;
        }
        let map = map.inverse().ok_or(support)?;
        Ok(Registration { map, support })
    }

    /// A map from the reference to the sheet that a part of the coarse patches agrees with.
    fn first_map(&self, level: &Level, sheet: &GrayImage) -> Option<Homography> {
        let sheet_size = Size::new(sheet.width(), sheet.height());
        let sheet = copy(sheet, level.factor);
        let mut best: Option<(usize, Homography)> = None;
        for (turn, scale) in SCALES.iter().flat_map(|scale| TURNS.iter().map(move |turn| (turn, scale))) {
            let guess = about_centres(self.size, sheet_size, turn.to_radians(), *scale);
            let found = level.pairs(&sheet, &guess, COARSE_SCORE, DISTINCT);
            let tolerance = COARSE_TOLERANCE * f64::from(level.factor);
            let Some(fit) = Model::Affine.fit(&found, tolerance, |map| self.is_possible(map)) else { continue };
            if best.as_ref().is_none_or(|(count, _)| fit.count() > *count) {
                best = Some((fit.count(), fit.map));
            }
            if fit.count() >= LEAST_AGREEING.max((CONTENT_SHARE * level.patches.len() as f64) as usize) {
                break;
            }
        }
        best.map(|(_, map)| map)
    }

    /// Does the map take the reference to something that a scan or photo of it may look like? Not if it is flipped, far
    /// smaller or larger, squeezed, or far larger at one end than at the other.
    fn is_possible(&self, map: &Homography) -> bool {
        let (right, bottom) = (f64::from(self.size.width), f64::from(self.size.height));
        let corners = [(0.0, 0.0), (right, 0.0), (right, bottom), (0.0, bottom)];
        let mut scales = (f64::INFINITY, 0.0f64);
        for (x, y) in corners {
            let Some((long, short)) = stretch(map, Point::new(x, y)) else { return false };
            if !(short > 0.4 && long < 2.5 && long < 1.4 * short) {
                return false;
            }
            scales = (scales.0.min(short), scales.1.max(long));
        }
        scales.1 < 2.0 * scales.0
    }
}

/// The map from the middle of a picture of size `from` to that of `to`, turned and scaled.
fn about_centres(from: Size, to: Size, turn: f64, scale: f64) -> Homography {
    let half = |size: Size| ((f64::from(size.width) - 1.0) / 2.0, (f64::from(size.height) - 1.0) / 2.0);
    let ((fx, fy), (tx, ty)) = (half(from), half(to));
    let (s, c) = (turn.sin() * scale, turn.cos() * scale);
    Homography([c, -s, tx - c * fx + s * fy, s, c, ty - s * fx - c * fy, 0.0, 0.0, 1.0])
}

/// By how much lengths grow at a point, in the directions where they grow most and least. `None` where the map flips or
/// reaches infinity.
fn stretch(map: &Homography, p: Point) -> Option<(f64, f64)> {
    let [a, b, _, d, e, _, g, h, i] = map.0;
    let w = g * p.x + h * p.y + i;
    if w.is_nan() || w <= 0.0 {
        return None;
    }
    let q = map.apply(p);
    let (a, b, d, e) = ((a - g * q.x) / w, (b - h * q.x) / w, (d - g * q.y) / w, (e - h * q.y) / w);
    let determinant = a * e - b * d;
    let squares = a * a + b * b + d * d + e * e;
    let root = (squares * squares - 4.0 * determinant * determinant).max(0.0).sqrt();
    let (long, short) = (((squares + root) / 2.0).sqrt(), ((squares - root).max(0.0) / 2.0).sqrt());
    (determinant > 0.0 && long.is_finite()).then_some((long, short))
}

/// A smaller copy with bright print on dark paper.
fn copy(picture: &GrayImage, factor: u32) -> GrayImage {
    let mut small = resize::shrunk(picture, factor);
    pixels_mut(&mut small).iter_mut().for_each(|v| *v = 255 - *v);
    small
}

impl Level {
    /// `coarser` is the factor of the level before; `None` for the first.
    fn new(picture: &GrayImage, factor: u32, coarser: Option<u32>) -> Self {
        let picture = copy(picture, factor);
        let longer = picture.width().max(picture.height());
        let radius = match coarser {
            None => (f64::from(longer) * REACH) as u32,
            // A map is right to the tolerance within its print, and may be off by twice as much at its ends.
            Some(coarser) => (2.0 * COARSE_TOLERANCE * f64::from(coarser) / f64::from(factor)).ceil() as u32,
        };
        let patches = patches(&picture, PATCH.max(longer / CELLS));
        Self { factor, picture, patches, radius }
    }

    /// Takes points of this level to points of the whole picture.
    fn up(&self) -> Homography {
        let f = f64::from(self.factor);
        let offset = (f - 1.0) / 2.0;
        Homography([f, 0.0, offset, 0.0, f, offset, 0.0, 0.0, 1.0])
    }

    fn centre(&self, patch: Rect) -> Point {
        let middle = |start: i32, length: u32| f64::from(start) + (f64::from(length) - 1.0) / 2.0;
        Point::new(middle(patch.x, patch.width), middle(patch.y, patch.height))
    }

    /// Where the patches are found near where `map`, from the whole reference to the whole sheet, has them. `sheet` is the
    /// copy of this level.
    fn pairs(&self, sheet: &GrayImage, map: &Homography, least_score: f32, distinct: f32) -> Vec<Pair> {
        let up = self.up();
        let Some(down) = up.inverse() else { return Vec::new() };
        let size = Size::new(self.picture.width(), self.picture.height());
        let here = up.then(map).then(&down).inverse();
        let Some(laid) = here.and_then(|back| warp::through(sheet, &back, size)) else { return Vec::new() };
        let pair = |&patch: &Rect| {
            let at = PixelPoint::new(patch.x, patch.y);
            let peak = Surface::of(&self.picture, patch, &laid, at, self.radius).peak(PATCH / 8)?;
            let is_clear = peak.score >= least_score && peak.score - peak.rival >= distinct && !peak.on_rim;
            let from = self.centre(patch);
            let to = Point::new(from.x + peak.x, from.y + peak.y);
            is_clear.then(|| Pair { from: up.apply(from), to: map.apply(up.apply(to)) })
        };
        self.patches.iter().filter_map(pair).collect()
    }

    /// How many patches lie within the sheet.
    fn within(&self, sheet: &GrayImage, map: &Homography) -> usize {
        let (width, height) = (f64::from(sheet.width()), f64::from(sheet.height()));
        let up = self.up();
        let lies_within = |&&patch: &&Rect| {
            let p = map.apply(up.apply(self.centre(patch)));
            p.x >= 0.0 && p.y >= 0.0 && p.x < width && p.y < height
        };
        self.patches.iter().filter(lies_within).count()
    }

    /// Do enough patches agree, and do they span the print?
    fn is_supported(&self, fit: &Fit, pairs: &[Pair], sought: usize) -> bool {
        let agreeing = pairs.iter().zip(&fit.inliers).filter(|(_, agrees)| **agrees).map(|(pair, _)| pair.from);
        let up = self.up();
        let span = |points: &mut dyn Iterator<Item = Point>| {
            let (mut least, mut most) = ((f64::INFINITY, f64::INFINITY), (f64::NEG_INFINITY, f64::NEG_INFINITY));
            for p in points {
                least = (least.0.min(p.x), least.1.min(p.y));
                most = (most.0.max(p.x), most.1.max(p.y));
            }
            (most.0 - least.0, most.1 - least.1)
        };
        let all = span(&mut self.patches.iter().map(|&patch| up.apply(self.centre(patch))));
        let covered = span(&mut { agreeing });
        let count = fit.count();
        count >= LEAST_AGREEING
            && count as f64 >= LEAST_SHARE * sought as f64
            && covered.0 >= LEAST_SPAN * all.0
            && covered.1 >= LEAST_SPAN * all.1
    }
}

/// The patch with the most corners in each cell, if it has enough of them. An edge alone would be found anywhere along
/// itself, so what counts is the contrast in the direction where it is less: the smaller eigenvalue of the structure tensor
/// (Shi and Tomasi 1994).
fn patches(picture: &GrayImage, cell: u32) -> Vec<Rect> {
    /// Least mean square of the slope, in gray levels a pixel: what print keeps that is hardly seen.
    const LEAST_SLOPE: f64 = 4.0;
    /// Patches with far less contrast than the best are smudges.
    const LEAST_PART: f64 = 0.02;
    const STEP: u32 = PATCH / 4;
    let tensor = Tensor::of(picture);
    let (width, height) = picture.dimensions();
    let mut chosen = Vec::new();
    for top in (0..height).step_by(cell as usize) {
        for left in (0..width).step_by(cell as usize) {
            let mut best: Option<(f64, Rect)> = None;
            let (rows, columns) =
                ((top..top + cell).step_by(STEP as usize), (left..left + cell).step_by(STEP as usize));
            for (y, x) in rows.flat_map(|y| columns.clone().map(move |x| (y, x))) {
                if x + PATCH > width || y + PATCH > height {
                    continue;
                }
                let slope = tensor.lesser(x as usize, y as usize);
                if best.as_ref().is_none_or(|(most, _)| slope > *most) {
                    best = Some((slope, Rect::new(x as i32, y as i32, PATCH, PATCH)));
                }
            }
            chosen.extend(best.filter(|(slope, _)| *slope >= LEAST_SLOPE));
        }
    }
    let most = chosen.iter().map(|(slope, _)| *slope).fold(0.0, f64::max);
    chosen.into_iter().filter(|(slope, _)| *slope >= LEAST_PART * most).map(|(_, patch)| patch).collect()
}

/// Sums of products of slopes over all rectangles that begin at the first pixel.
struct Tensor {
    sums: Vec<[i64; 3]>,
    stride: usize,
}

impl Tensor {
    fn of(picture: &GrayImage) -> Self {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let raw = pixels(picture);
        let stride = width + 1;
        let mut sums = vec![[0; 3]; stride * (height + 1)];
        for y in 0..height {
            let mut line = [0i64; 3];
            for x in 0..width {
                let at = |x: usize, y: usize| i64::from(raw[y * width + x]);
                let dx = (at((x + 1).min(width - 1), y) - at(x.saturating_sub(1), y)) / 2;
                let dy = (at(x, (y + 1).min(height - 1)) - at(x, y.saturating_sub(1))) / 2;
                let above = sums[y * stride + x + 1];
                for ((line, product), (sum, above)) in line
                    .iter_mut()
                    .zip([dx * dx, dx * dy, dy * dy])
                    .zip(sums[(y + 1) * stride + x + 1].iter_mut().zip(above))
                {
                    *line += product;
                    *sum = above + *line;
                }
            }
        }
        Self { sums, stride }
    }

    /// The smaller eigenvalue of the mean tensor of the patch at (x, y), which must lie in the picture.
    fn lesser(&self, x: usize, y: usize) -> f64 {
        let side = PATCH as usize;
        let at = |x: usize, y: usize| self.sums[y * self.stride + x];
        let (a, b, c, d) = (at(x, y), at(x + side, y), at(x, y + side), at(x + side, y + side));
        let [xx, xy, yy] = [0, 1, 2].map(|i| (d[i] + a[i] - b[i] - c[i]) as f64 / (side * side) as f64);
        (xx + yy - ((xx - yy) * (xx - yy) + 4.0 * xy * xy).sqrt()) / 2.0
    }
}

#[cfg(test)]
mod tests;
