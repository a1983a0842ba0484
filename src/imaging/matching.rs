//! Template matching by normalised correlation: where in a picture is this marker?
//!
//! The score of a place is Σ T′·I / √(ΣT′² · Σ(I−Ī)²), T′ the template minus its mean and Ī the mean of the window: 1 for
//! the template itself in any brightness and contrast, −1 for its negative (`TM_CCOEFF_NORMED` in OpenCV).
//!
//! Correlations come from Fourier transforms in `f32`, which are off by about 1e-5; they only choose the candidates. What
//! could be the best is computed again in integers, so the result does not depend on the way of computing.
//!
//! [`Matcher::best`] looks at every place of an area. [`Hunt`] finds the same at a small part of its cost, from coarse to
//! fine.

mod coarse;
mod marker;
mod reduced;
mod sums;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use image::GrayImage;
use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

pub use self::coarse::{Found, Hunt};
pub use self::marker::Marker;
use self::sums::Windows;
use super::dispatch::wide_fn;
use super::pixels;
use crate::deadline::Deadline;
use crate::geometry::{PixelPoint, Rect, Size};

/// The best place of a template.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Match {
    /// From −1 to 1.
    pub score: f32,
    /// Where the template's top-left pixel lies, from the top-left pixel of the searched area.
    pub at: PixelPoint,
}

/// A pixel of a picture or of a smaller copy of it.
trait Sample: Copy + Default + Into<f32> + Into<f64> + Into<u32> {
    /// The highest value.
    const MOST: u32;
}

impl Sample for u8 {
    const MOST: u32 = 255;
}

/// Quarters of a gray level.
impl Sample for u16 {
    const MOST: u32 = 4 * 255;
}

/// A picture, or a part of it, to search for several templates: it keeps its own transforms.
pub struct Searched<'a> {
    area: Area<'a, u8>,
    spectra: Spectra,
}

impl<'a> Searched<'a> {
    /// To search all of `img`.
    pub fn new(img: &'a GrayImage) -> Self {
        Self::within(img, Rect::new(0, 0, img.width(), img.height()))
    }

    /// To search the part of `rect` that lies in `img`.
    pub fn within(img: &'a GrayImage, rect: Rect) -> Self {
        let bounds = rect.clipped(Size::new(img.width(), img.height()));
        let area = Area::within(pixels(img), img.width() as usize, bounds);
        Self { area, spectra: Spectra::default() }
    }
}

/// A rectangle of pixels in a picture.
#[derive(Clone, Copy)]
struct Area<'a, P> {
    /// From the first pixel on.
    raw: &'a [P],
    stride: usize,
    width: usize,
    height: usize,
}

impl<'a, P: Sample> Area<'a, P> {
    /// The part from (x0, y0) to (x1, y1) of a picture, which must lie in it.
    fn within(raw: &'a [P], stride: usize, (x0, y0, x1, y1): (u32, u32, u32, u32)) -> Self {
        let raw = raw.get(y0 as usize * stride + x0 as usize..).unwrap_or_default();
        Self { raw, stride, width: (x1 - x0) as usize, height: (y1 - y0) as usize }
    }

    /// Part of a row: `width` pixels from column `x` on.
    fn row(&self, y: usize, x: usize, width: usize) -> &'a [P] {
        let start = y * self.stride + x;
        &self.raw[start..start + width]
    }

    /// All rows, and so many columns of them.
    fn columns(&self, x: usize, width: usize) -> Self {
        Self { raw: &self.raw[x..], width, ..*self }
    }

    fn mean(&self) -> f64 {
        let rows =
            (0..self.height).map(|y| self.row(y, 0, self.width).iter().map(|&v| Into::<f64>::into(v)).sum::<f64>());
        rows.sum::<f64>() / (self.width * self.height).max(1) as f64
    }
}

/// The transforms of an area, once they are made.
#[derive(Default)]
struct Spectra {
    /// Mean of the area. It is taken off before transforming, which keeps the numbers small.
    mean: f32,
    blocks: Option<Blocks>,
}

/// The area cut into overlapping blocks of whole rows, each transformed as one long line. A template laid out with the
/// same row length then correlates by lines; where it would stick out to the right, it meets the next row's pixels, and
/// these places are not looked at.
struct Blocks {
    /// Length of the transforms.
    length: usize,
    /// Rows from one block to the next.
    step: usize,
    spectra: Vec<Vec<Complex<f32>>>,
}

/// Elements. A longer transform takes more memory than can be kept for each length: 20 bytes an element.
const LONG: usize = 1 << 20;

/// How a template is searched in an area.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Method {
    /// Multiply and add at every place.
    Direct,
    /// Transforms of this length, in blocks that begin this many rows apart.
    Transforms { length: usize, step: usize },
}

/// Finds templates. Keeps transform plans and buffers between searches, so each worker should have its own.
pub struct Matcher {
    /// When a search that takes several tries is given up, with what it has.
    pub deadline: Deadline,
    planner: RealFftPlanner<f32>,
    /// The last long one.
    long: Option<Plans>,
    /// Transforms of templates that are sought in many pictures, by their names.
    kept: HashMap<u64, Spectrum>,
    line: Vec<f32>,
    product: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
}

/// How transforms of a length are made, forth and back.
#[derive(Clone)]
struct Plans {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
}

impl Plans {
    fn of(length: usize, planner: &mut RealFftPlanner<f32>) -> Self {
        Self { forward: planner.plan_fft_forward(length), inverse: planner.plan_fft_inverse(length) }
    }
}

impl Default for Matcher {
    fn default() -> Self {
        Self {
            deadline: Deadline::NEVER,
            planner: RealFftPlanner::new(),
            long: None,
            kept: HashMap::new(),
            line: Vec::new(),
            product: Vec::new(),
            scratch: Vec::new(),
        }
    }
}

impl std::fmt::Debug for Matcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Matcher").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Searched<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Area { width, height, .. } = self.area;
        f.debug_struct("Searched").field("width", &width).field("height", &height).finish_non_exhaustive()
    }
}

impl Matcher {
    /// The place where `template` fits best, the first one in raster order among equal scores. `None` if it is larger
    /// than the area in any direction, or has no pixels.
    ///
    /// A place without contrast scores 0; a template without contrast scores 1 at the first place. When several sizes
    /// are searched in one area, the largest should come first: smaller ones reuse its transforms.
    pub fn best(&mut self, searched: &mut Searched, template: &GrayImage) -> Option<Match> {
        self.best_above(searched.area, &mut searched.spectra, template, -2.0)
    }

    /// As [`Matcher::best`], if its score is not below `least`; otherwise it may be any place or `None`, and it is found
    /// sooner.
    fn best_above(&mut self, area: Area<u8>, spectra: &mut Spectra, template: &GrayImage, least: f32) -> Option<Match> {
        let template = Template::new(pixels(template), template.width() as usize)?;
        if template.width > area.width || template.height > area.height {
            return None;
        }
        if template.squares == 0 {
            return Some(Match { score: 1.0, at: PixelPoint::new(0, 0) });
        }
        if let Some(width) = strip_width(area, &template) {
            return self.best_by_strips(area, width, &template, least);
        }
        let mut scan = Scan::new(area, &template, least);
        self.correlate(area, spectra, &template, None, |y, line| scan.judge(y, line))?;
        scan.best
    }

    /// As [`Matcher::best_above`], in strips of this width that overlap by the template's. Their transforms are short, and not kept:
    /// those of a large area would take many times its own memory.
    fn best_by_strips(&mut self, area: Area<u8>, width: usize, template: &Template<u8>, least: f32) -> Option<Match> {
        let mut best: Option<Match> = None;
        for x in (0..=area.width - template.width).step_by(width - template.width + 1) {
            if best.is_some() && self.deadline.has_passed() {
                break;
            }
            let strip = area.columns(x, width.min(area.width - x));
            let floor = best.map_or(least, |best| best.score.max(least));
            let mut scan = Scan::new(strip, template, floor);
            self.correlate(strip, &mut Spectra::default(), template, None, |y, line| scan.judge(y, line))?;
            let Some(Match { score, at }) = scan.best else { continue };
            let found = Match { score, at: PixelPoint::new(at.x + x as i32, at.y) };
            // Among equals the first in raster order, whatever its strip.
            let is_first = |best: Match| (found.at.y, found.at.x) < (best.at.y, best.at.x);
            if best.is_none_or(|best| score > best.score || score == best.score && is_first(best)) {
                best = Some(found);
            }
        }
        best
    }

    /// Hands out the correlations of all places row by row: Σ T′·I, at each place of the row. (`None` would mean buffers of
    /// a wrong length; the plans give the lengths.) A template that is sought in many pictures has a place where its own
    /// transform is kept.
    fn correlate<P: Sample>(
        &mut self,
        area: Area<P>,
        spectra: &mut Spectra,
        template: &Template<P>,
        kept: Option<&KeptSpectrum>,
        mut row: impl FnMut(usize, &[f32]),
    ) -> Option<()> {
        let reusable = spectra.blocks.as_ref().is_some_and(|blocks| blocks.suit(area, template));
        match choose(area, template, kept.is_some()) {
            Method::Direct if !reusable => {
                let weights = template.weights();
                let mut lines = Lines::new(area, template.height);
                let mut out = vec![0.0; area.width - template.width + 1];
                for y in 0..=area.height - template.height {
                    lines.correlate(y, &weights, template.width, &mut out);
                    row(y, &out);
                }
                Some(())
            }
            method => {
                if let Method::Transforms { length, step } = method
                    && !reusable
                {
                    spectra.mean = area.mean() as f32;
                    spectra.blocks = Some(self.transform(area, spectra.mean, length, step)?);
                }
                self.search_blocks(area, spectra.blocks.as_ref()?, template, kept, row)
            }
        }
    }

    fn plans(&mut self, length: usize) -> Plans {
        let plans = if length <= LONG {
            Plans::of(length, &mut self.planner)
        } else {
            match self.long.take().filter(|plans| plans.forward.len() == length) {
                Some(plans) => plans,
                None => Plans::of(length, &mut RealFftPlanner::new()),
            }
        };
        self.long = (length > LONG).then(|| plans.clone());
        self.line.resize(length, 0.0);
        self.scratch.resize(plans.forward.get_scratch_len().max(plans.inverse.get_scratch_len()), Complex::default());
        plans
    }

    /// The transforms of the blocks, `mean` taken off.
    fn transform<P: Sample>(&mut self, area: Area<P>, mean: f32, length: usize, step: usize) -> Option<Blocks> {
        let Plans { forward, .. } = self.plans(length);
        let mut spectra = Vec::new();
        let rows = length / area.width;
        for start in (0..area.height).step_by(step) {
            let count = rows.min(area.height - start);
            for (i, line) in self.line.chunks_exact_mut(area.width).take(count).enumerate() {
                for (out, &v) in line.iter_mut().zip(area.row(start + i, 0, area.width)) {
                    *out = Into::<f32>::into(v) - mean;
                }
            }
            self.line[count * area.width..].fill(0.0);
            let mut spectrum = forward.make_output_vec();
            forward.process_with_scratch(&mut self.line, &mut spectrum, &mut self.scratch).ok()?;
            spectra.push(spectrum);
            if start + rows >= area.height {
                break;
            }
        }
        Some(Blocks { length, step, spectra })
    }

    /// Correlates with every block and hands out the rows in order.
    fn search_blocks<P: Sample>(
        &mut self,
        area: Area<P>,
        blocks: &Blocks,
        template: &Template<P>,
        kept: Option<&KeptSpectrum>,
        mut row: impl FnMut(usize, &[f32]),
    ) -> Option<()> {
        let (length, width) = (blocks.length, area.width);
        let kept = kept.filter(|_| length <= KeptSpectrum::MOST_LENGTH);
        let known = kept.and_then(|kept| self.kept.remove(&kept.0)).filter(|known| known.is_of(length, width));
        let spectrum = known.unwrap_or_else(|| self.spectrum(template, length, width));
        let Plans { inverse, .. } = self.plans(length);
        self.product.resize(length / 2 + 1, Complex::default());
        let last = area.height - template.height;
        for (i, block) in blocks.spectra.iter().enumerate() {
            let start = i * blocks.step;
            let end = if i + 1 == blocks.spectra.len() { last + 1 } else { (start + blocks.step).min(last + 1) };
            if start >= end {
                break;
            }
            multiply(block, &spectrum.values, &mut self.product);
            // Both ends are real but for rounding.
            for end in [0, length / 2] {
                self.product[end].im = 0.0;
            }
            inverse.process_with_scratch(&mut self.product, &mut self.line, &mut self.scratch).ok()?;
            for (y, line) in (start..end).zip(self.line.chunks_exact(width)) {
                row(y, &line[..width - template.width + 1]);
            }
        }
        if let Some(kept) = kept {
            self.kept.insert(kept.0, spectrum);
        }
        Some(())
    }

    /// The transform of a template laid out in rows of a width. (Empty if the buffers had a wrong length.)
    fn spectrum<P: Sample>(&mut self, template: &Template<P>, length: usize, width: usize) -> Spectrum {
        let Plans { forward, .. } = self.plans(length);
        self.line.fill(0.0);
        // The inverse transform multiplies by the length.
        let scale = 1.0 / length as f32;
        let weights = template.weights();
        let rows = self.line.chunks_exact_mut(width).zip(weights.chunks_exact(template.width));
        for (line, row) in rows {
            for (out, weight) in line.iter_mut().zip(row) {
                *out = weight * scale;
            }
        }
        let mut values = forward.make_output_vec();
        if forward.process_with_scratch(&mut self.line, &mut values, &mut self.scratch).is_err() {
            values.clear();
        }
        Spectrum { length, width, values }
    }
}

/// A name under which a [`Matcher`] keeps the transform of a template from picture to picture. It lasts no longer than the matcher,
/// so that a run over many folders, each with markers of its own, does not gather those of all.
#[derive(Debug, Clone)]
struct KeptSpectrum(u64);

impl KeptSpectrum {
    /// Longer ones would take more memory than they are worth.
    const MOST_LENGTH: usize = 1 << 17;
}

impl Default for KeptSpectrum {
    fn default() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The transform of a template.
#[derive(Debug, Clone)]
struct Spectrum {
    length: usize,
    /// Of the rows in which the template is laid out.
    width: usize,
    values: Vec<Complex<f32>>,
}

impl Spectrum {
    fn is_of(&self, length: usize, width: usize) -> bool {
        (self.length, self.width) == (length, width)
    }
}

wide_fn! {
    /// Products of one spectrum with the conjugate of another.
    fn multiply(a: &[Complex<f32>], b: &[Complex<f32>], out: &mut [Complex<f32>]) {
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            *out = Complex::new(a.re * b.re + a.im * b.im, a.im * b.re - a.re * b.im);
        }
    }
}

impl Blocks {
    /// Whether these blocks overlap enough for the template, and are not much longer than it needs.
    fn suit<P>(&self, area: Area<P>, template: &Template<P>) -> bool {
        self.step + template.height <= self.length / area.width + 1
    }
}

/// The cheaper method by measured costs. `kept`: the template's transform is at hand, and others will be sought.
fn choose<P>(area: Area<P>, template: &Template<P>, kept: bool) -> Method {
    /// Nanoseconds for a product and sum, and for an element of a transform per step (by halves).
    const PRODUCT: f64 = 0.07;
    const ELEMENT: f64 = 0.12;
    let (rows, columns) = (area.height - template.height + 1, area.width - template.width + 1);
    let direct = PRODUCT * rows as f64 * columns as f64 * template.raw.len() as f64;
    let mut best = (direct, Method::Direct);
    let least = template.height * area.width;
    let most = if kept { KeptSpectrum::MOST_LENGTH.max(2 * least) } else { LONG.max(4 * least) };
    for length in lengths(least.max(256), (2 * area.height * area.width + 512).min(most)) {
        let step = (length / area.width + 1).saturating_sub(template.height);
        if step == 0 {
            continue;
        }
        let blocks = rows.div_ceil(step);
        // Each block forth and back, the template forth.
        let transforms = if kept { blocks } else { 2 * blocks + 1 };
        let cost = ELEMENT * transforms as f64 * length as f64 * (length as f64).log2();
        if cost < best.0 {
            best = (cost, Method::Transforms { length, step });
        }
    }
    best.1
}

/// The width of the strips in which a large area is searched; `None`: it is searched as a whole.
fn strip_width<P>(area: Area<P>, template: &Template<P>) -> Option<usize> {
    let width = (LONG / 2 / template.height).max(2 * template.width);
    (area.width * area.height > LONG && width < area.width).then_some(width)
}

/// Even transform lengths between two bounds that are quick: powers of two, times 1, 3, 5 or 9.
fn lengths(least: usize, most: usize) -> impl Iterator<Item = usize> {
    (4..usize::BITS - 4)
        .flat_map(|power| [1usize, 3, 5, 9].map(|factor| factor << power))
        .filter(move |length| (least..=most).contains(length))
}

/// Rows of an area as numbers, the last ones that were asked for.
struct Lines<'a, P> {
    area: Area<'a, P>,
    /// A ring of so many rows.
    ring: Vec<f32>,
    count: usize,
    /// Rows of the area that have entered.
    entered: usize,
}

impl<'a, P: Sample> Lines<'a, P> {
    fn new(area: Area<'a, P>, count: usize) -> Self {
        Self { area, ring: vec![0.0; count * area.width], count, entered: 0 }
    }

    /// The correlations of row `y` with weights of this width. Rows must be asked for in order.
    fn correlate(&mut self, y: usize, weights: &[f32], width: usize, out: &mut [f32]) {
        let across = self.area.width;
        while self.entered < y + self.count {
            let slot = self.entered % self.count;
            let row = &mut self.ring[slot * across..(slot + 1) * across];
            for (out, &v) in row.iter_mut().zip(self.area.row(self.entered, 0, across)) {
                *out = v.into();
            }
            self.entered += 1;
        }
        out.fill(0.0);
        for (i, weights) in weights.chunks_exact(width).enumerate() {
            let slot = (y + i) % self.count;
            add_products(&self.ring[slot * across..(slot + 1) * across], weights, out);
        }
    }
}

wide_fn! {
    /// Adds the correlation of a row with the weights, four at a time, so that the sums are fetched and stored less often.
    fn add_products(row: &[f32], weights: &[f32], out: &mut [f32]) {
        let count = out.len();
        let (fours, rest) = weights.as_chunks::<4>();
        for (i, w) in fours.iter().enumerate() {
            let at = |j: usize| &row[4 * i + j..4 * i + j + count];
            let (a, b, c, d) = (at(0), at(1), at(2), at(3));
            for ((((out, a), b), c), d) in out.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                *out += (a * w[0] + b * w[1]) + (c * w[2] + d * w[3]);
            }
        }
        for (i, w) in rest.iter().enumerate() {
            let start = 4 * fours.len() + i;
            for (out, a) in out.iter_mut().zip(&row[start..start + count]) {
                *out += a * w;
            }
        }
    }
}

/// A template, and what its scores need.
struct Template<'a, P> {
    raw: &'a [P],
    width: usize,
    height: usize,
    sum: u64,
    mean: f64,
    /// n·ΣT² − (ΣT)²: n times the sum of the squared deviations from the mean.
    squares: u128,
}

impl<'a, P: Sample> Template<'a, P> {
    /// Of whole rows of pixels. `None` if there are none.
    fn new(raw: &'a [P], width: usize) -> Option<Self> {
        let height = raw.len().checked_div(width)?;
        if height == 0 {
            return None;
        }
        let value = |v: &P| u64::from(Into::<u32>::into(*v));
        let sum: u64 = raw.iter().map(value).sum();
        let squares = raw.iter().map(|v| value(v) * value(v)).sum();
        let mean = sum as f64 / raw.len() as f64;
        Some(Self { raw, width, height, sum, mean, squares: deviations(raw.len(), sum, squares) })
    }

    /// The pixels, their mean taken off.
    fn weights(&self) -> Vec<f32> {
        self.raw.iter().map(|&v| Into::<f32>::into(v) - self.mean as f32).collect()
    }

    /// The sum of the squared deviations from the mean.
    fn deviations(&self) -> f32 {
        (self.squares as f64 / self.raw.len() as f64) as f32
    }

    /// The score at a place of an area, in which the window must lie whole. 0 for a window without contrast.
    fn score(&self, area: Area<P>, x: usize, y: usize) -> f32 {
        let count = self.raw.len();
        let Moments { sum, squares, product } = moments(self, area, x, y);
        let window = deviations(count, sum, squares);
        if window == 0 || self.squares == 0 {
            return 0.0;
        }
        // n·ΣTI − ΣT·ΣI, over n times the roots; all integers are exact, and below 2^127.
        let covariance = count as i128 * i128::from(product) - i128::from(self.sum) * i128::from(sum);
        (covariance as f64 / ((window as f64).sqrt() * (self.squares as f64).sqrt())).clamp(-1.0, 1.0) as f32
    }
}

/// Sums over a window: of its pixels, of their squares, and of their products with a template.
struct Moments {
    sum: u64,
    squares: u64,
    product: u64,
}

fn moments<P: Sample>(template: &Template<P>, area: Area<P>, x: usize, y: usize) -> Moments {
    let start = y * area.stride + x;
    let end = start + (template.height - 1) * area.stride + template.width;
    let window = &area.raw[start..end];
    let [sum, squares, product] = sums_of_products(template.raw, window, template.width, area.stride);
    Moments { sum, squares, product }
}

wide_fn! {
    /// Sums of pixels, of their squares and of their products with a template. A row's sums fit 32 bits for pictures of 66 000
    /// pixels across, and smaller copies of 4000.
    fn sums_of_products[P: Sample](template: &[P], window: &[P], width: usize, stride: usize) -> [u64; 3] {
        let mut all = [0u64; 3];
        for (row, window) in template.chunks_exact(width).zip(window.chunks(stride)) {
            let mut sums = [0u32; 3];
            for (&t, &v) in row.iter().zip(window) {
                let (t, v): (u32, u32) = (t.into(), v.into());
                sums[0] += v;
                sums[1] += v * v;
                sums[2] += t * v;
            }
            for (all, sum) in all.iter_mut().zip(sums) {
                *all += u64::from(sum);
            }
        }
        all
    }
}

/// n·Σv² − (Σv)², which is never negative.
fn deviations(count: usize, sum: u64, squares: u64) -> u128 {
    count as u128 * u128::from(squares) - u128::from(sum) * u128::from(sum)
}

/// Keeps the best place while the correlations of the rows of places come by.
struct Scan<'a> {
    area: Area<'a, u8>,
    template: &'a Template<'a, u8>,
    windows: Windows<'a, u8>,
    /// Scores below do not matter.
    least: f32,
    best: Option<Match>,
}

wide_fn! {
    /// The first place from `start` on, by chunks, near which the square of a positive correlation is not below its contrast
    /// times the factor.
    fn next_above(correlations: &[f32], contrasts: &[f32], start: usize, factor: f32) -> Option<usize> {
        let chunks = correlations[start..].chunks(CHUNK).zip(contrasts[start..].chunks(CHUNK));
        for (i, (correlations, contrasts)) in chunks.enumerate() {
            let mut most = [-1.0f32; CHUNK];
            for ((most, c), contrast) in most.iter_mut().zip(correlations).zip(contrasts) {
                // Without root and division, and for all places of the chunk at once.
                let c = if *c > 0.0 { *c } else { 0.0 };
                *most = c * c - factor * contrast;
            }
            if most.iter().fold(false, |any, most| any | (*most >= 0.0)) {
                return Some(start + i * CHUNK);
            }
        }
        None
    }
}

/// How far the correlations of [`Matcher`] may be off, in units of the score.
const MARGIN: f32 = 2e-3;
/// Windows of one single value have less contrast than this, all others more.
const FLAT: f32 = 0.4;
/// Places that are looked at together.
const CHUNK: usize = 32;

impl<'a> Scan<'a> {
    fn new(area: Area<'a, u8>, template: &'a Template<'a, u8>, least: f32) -> Self {
        Self { area, template, windows: Windows::new(area, template.width, template.height), least, best: None }
    }

    /// Looks for better places in row `y`, given its correlations. Rows must come in order.
    fn judge(&mut self, y: usize, correlations: &[f32]) {
        self.windows.enter(y);
        // Template and window deviations, of which the square root of the product divides the correlation.
        let deviations = self.template.deviations();
        let mut start = 0;
        while start < correlations.len() {
            let floor = self.floor();
            if floor > 0.0 {
                let factor = floor * floor * deviations;
                let contrasts = &self.windows.contrasts;
                match next_above(correlations, contrasts, start, factor) {
                    Some(next) => start = next,
                    None => return,
                }
            }
            let end = (start + CHUNK).min(correlations.len());
            for (x, &correlation) in (start..).zip(&correlations[start..end]) {
                self.consider(x, y, correlation, deviations);
            }
            start = end;
        }
    }

    /// A place whose score seems to be below is not the best.
    fn floor(&self) -> f32 {
        self.best.map_or(-2.0, |best| best.score).max(self.least) - MARGIN
    }

    fn consider(&mut self, x: usize, y: usize, correlation: f32, deviations: f32) {
        let contrast = self.windows.contrasts[x];
        let flat = contrast < FLAT;
        let estimate = if flat { 0.0 } else { correlation / (contrast * deviations).sqrt() };
        if estimate < self.floor() || flat && self.best.is_some_and(|best| best.score >= 0.0) {
            return;
        }
        let score = if flat { 0.0 } else { self.template.score(self.area, x, y) };
        if self.best.is_none_or(|best| score > best.score) {
            // Coordinates of pictures fit 31 bits.
            self.best = Some(Match { score, at: PixelPoint::new(x as i32, y as i32) });
        }
    }
}

#[cfg(test)]
mod tests {
    use image::Luma;
    use image::imageops::crop_imm;
    use proptest::prelude::*;

    use super::*;
    use crate::imaging::arbitrary::{flat_picture, picture};

    /// All scores, in floating point from the definition.
    fn plain(img: &GrayImage, template: &GrayImage) -> Vec<(f64, PixelPoint)> {
        let (w, h) = template.dimensions();
        let centred = |img: &GrayImage| -> Vec<f64> {
            let mean = img.iter().map(|v| f64::from(*v)).sum::<f64>() / f64::from(w * h);
            img.iter().map(|v| f64::from(*v) - mean).collect()
        };
        let t = centred(template);
        let flat = |img: &GrayImage| img.iter().all(|v| *v == img.as_raw()[0]);
        let mut scores = Vec::new();
        for y in 0..=img.height() - h {
            for x in 0..=img.width() - w {
                let window = crop_imm(img, x, y, w, h).to_image();
                let i = centred(&window);
                let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
                let score = match (flat(template), flat(&window)) {
                    (true, _) => 1.0,
                    (_, true) => 0.0,
                    _ => product(&t, &i) / (product(&t, &t) * product(&i, &i)).sqrt(),
                };
                scores.push((score, PixelPoint::new(x as i32, y as i32)));
            }
        }
        scores
    }

    fn noise(width: u32, height: u32, mut seed: u32) -> GrayImage {
        GrayImage::from_fn(width, height, |_, _| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Luma([(seed >> 24) as u8])
        })
    }

    #[test]
    fn a_cut_out_is_found_where_it_was() {
        let img = noise(200, 150, 1);
        for (x, y, w, h) in [(120, 60, 30, 20), (0, 0, 9, 40), (170, 110, 30, 40), (3, 5, 190, 140)] {
            let template = crop_imm(&img, x, y, w, h).to_image();
            let found = Matcher::default().best(&mut Searched::new(&img), &template).unwrap();
            assert_eq!(found, Match { score: 1.0, at: PixelPoint::new(x as i32, y as i32) });
        }
    }

    #[test]
    fn the_first_of_equal_places_is_found() {
        let tile = noise(20, 20, 7);
        let img = GrayImage::from_fn(200, 200, |x, y| *tile.get_pixel(x % 20, y % 20));
        let template = crop_imm(&tile, 3, 4, 12, 12).to_image();
        let found = Matcher::default().best(&mut Searched::new(&img), &template).unwrap();
        assert_eq!(found.at, PixelPoint::new(3, 4));
    }

    #[test]
    fn only_the_given_part_is_searched() {
        let img = noise(100, 100, 3);
        let template = crop_imm(&img, 60, 70, 15, 15).to_image();
        let mut part = Searched::within(&img, Rect::new(50, 60, 500, 500));
        let found = Matcher::default().best(&mut part, &template).unwrap();
        assert_eq!(found, Match { score: 1.0, at: PixelPoint::new(10, 10) });
    }

    #[test]
    fn templates_without_contrast_or_too_large() {
        let img = noise(30, 30, 5);
        let mut matcher = Matcher::default();
        let mut best = |w, h| matcher.best(&mut Searched::new(&img), &GrayImage::new(w, h));
        assert_eq!(best(5, 5), Some(Match { score: 1.0, at: PixelPoint::new(0, 0) }));
        assert_eq!(best(31, 5), None);
        assert_eq!(best(5, 31), None);
        assert_eq!(best(0, 0), None);
        let flat = GrayImage::from_pixel(9, 9, Luma([200]));
        let found = matcher.best(&mut Searched::new(&flat), &noise(3, 3, 1));
        assert_eq!(found, Some(Match { score: 0.0, at: PixelPoint::new(0, 0) }));
    }

    #[test]
    fn large_areas_are_searched_in_strips() {
        let img = GrayImage::new(16_383, 365);
        let area = Searched::new(&img).area;
        let width = |side| strip_width(area, &Template::new(noise(side, side, 1).as_raw(), side as usize).unwrap());
        assert_eq!([width(20), width(300), width(365)], [None, Some(1747), Some(1436)]);
    }

    proptest! {
        #[test]
        fn strips_find_what_a_whole_area_has(
            img in prop_oneof![picture(60, 20), flat_picture(60, 20)],
            template in prop_oneof![picture(9, 9), flat_picture(9, 9)],
            wider in 0usize..8,
        ) {
            let mut matcher = Matcher::default();
            let whole = matcher.best(&mut Searched::new(&img), &template);
            let area = Searched::new(&img).area;
            let sought = Template::new(pixels(&template), template.width() as usize).filter(|sought| sought.squares > 0);
            if let (Some(whole), Some(sought)) = (whole, sought) {
                for least in [-2.0, whole.score] {
                    let found = matcher.best_by_strips(area, sought.width + wider, &sought, least);
                    prop_assert_eq!(found, Some(whole));
                }
            }
        }

        #[test]
        fn the_best_place_equals_the_plain_one(
            img in prop_oneof![picture(40, 40), flat_picture(40, 40)],
            templates in proptest::collection::vec(prop_oneof![picture(12, 12), flat_picture(12, 12)], 1..4),
            transforms in any::<bool>(),
        ) {
            let mut matcher = Matcher::default();
            let mut searched = Searched::new(&img);
            if transforms && !img.is_empty() {
                // Blocks for the largest template, which the search will then use.
                let rows = 12.min(searched.area.height);
                let length = (img.width() as usize * (rows + 3)).next_multiple_of(2);
                let step = length / searched.area.width + 1 - rows;
                let mean = searched.area.mean() as f32;
                let blocks = matcher.transform(searched.area, mean, length, step);
                searched.spectra = Spectra { mean, blocks };
            }
            for template in &templates {
                let found = matcher.best(&mut searched, template);
                let (w, h) = template.dimensions();
                if w == 0 || h == 0 || w > img.width() || h > img.height() {
                    prop_assert_eq!(found, None);
                    continue;
                }
                let (found, scores) = (found.unwrap(), plain(&img, template));
                let most = scores.iter().map(|(score, _)| *score).fold(-2.0, f64::max);
                prop_assert!((f64::from(found.score) - most).abs() < 1e-6);
                let first = scores.iter().find(|(score, _)| *score > most - 1e-7).unwrap().1;
                prop_assert!((first.y, first.x) <= (found.at.y, found.at.x));
                let at = scores.iter().find(|(_, at)| *at == found.at).unwrap();
                prop_assert!((at.0 - most).abs() < 1e-6);
            }
        }
    }
}
