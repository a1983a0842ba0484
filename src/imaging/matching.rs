//! Template matching by normalised correlation: where in a picture is this marker?
//!
//! The score of a place is Σ T′·I / √(ΣT′² · Σ(I−Ī)²), T′ the template minus its mean and Ī the mean of the window: 1 for
//! the template itself in any brightness and contrast, −1 for its negative (`TM_CCOEFF_NORMED` in OpenCV).
//!
//! Correlations come from Fourier transforms in `f32`, which are off by about 1e-5; they only choose the candidates. What
//! could be the best is computed again in integers, so the result does not depend on the way of computing.

use std::sync::Arc;

use image::GrayImage;
use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use super::pixels;
use crate::geometry::{PixelPoint, Rect, Size};

/// The best place of a template.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Match {
    /// From −1 to 1.
    pub score: f32,
    /// Where the template's top-left pixel lies, from the top-left pixel of the searched area.
    pub at: PixelPoint,
}

/// A picture, or a part of it, to search for several templates: it keeps its own transforms.
pub struct Searched<'a> {
    area: Area<'a>,
    /// Mean of the area. It is taken off before transforming, which keeps the numbers small.
    mean: f32,
    blocks: Option<Blocks>,
}

impl<'a> Searched<'a> {
    /// To search all of `img`.
    pub fn new(img: &'a GrayImage) -> Self {
        Self::within(img, Rect::new(0, 0, img.width(), img.height()))
    }

    /// To search the part of `rect` that lies in `img`.
    pub fn within(img: &'a GrayImage, rect: Rect) -> Self {
        let (x0, y0, x1, y1) = rect.clipped(Size::new(img.width(), img.height()));
        let stride = img.width() as usize;
        let (width, height) = ((x1 - x0) as usize, (y1 - y0) as usize);
        let raw = pixels(img).get(y0 as usize * stride + x0 as usize..).unwrap_or_default();
        let area = Area { raw, stride, width, height };
        let mean = super::stats::box_mean(img, rect) as f32;
        Self { area, mean, blocks: None }
    }
}

/// A rectangle of pixels in a picture.
#[derive(Clone, Copy)]
struct Area<'a> {
    /// From the first pixel on.
    raw: &'a [u8],
    stride: usize,
    width: usize,
    height: usize,
}

impl Area<'_> {
    /// Part of a row: `width` pixels from column `x` on.
    fn row(&self, y: usize, x: usize, width: usize) -> &[u8] {
        let start = y * self.stride + x;
        &self.raw[start..start + width]
    }
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
    planner: RealFftPlanner<f32>,
    line: Vec<f32>,
    template: Vec<Complex<f32>>,
    product: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
}

impl Default for Matcher {
    fn default() -> Self {
        Self {
            planner: RealFftPlanner::new(),
            line: Vec::new(),
            template: Vec::new(),
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
        let template = Template::new(template)?;
        let area = searched.area;
        if template.width > area.width || template.height > area.height {
            return None;
        }
        if template.squares == 0 {
            return Some(Match { score: 1.0, at: PixelPoint::new(0, 0) });
        }
        let mut scan = Scan::new(area, &template);
        let reusable = searched.blocks.as_ref().is_some_and(|blocks| blocks.suit(area, &template));
        match choose(area, &template) {
            Method::Direct if !reusable => {
                let mut line = vec![0.0; area.width - template.width + 1];
                for y in 0..=area.height - template.height {
                    scan.enter(y);
                    scan.direct(y, &mut line);
                    scan.judge(y, &line);
                }
            }
            Method::Transforms { length, step } if !reusable => {
                searched.blocks = Some(self.transform(searched, length, step)?);
                self.search_blocks(searched, &template, &mut scan)?;
            }
            _ => self.search_blocks(searched, &template, &mut scan)?,
        }
        scan.best
    }

    fn plans(&mut self, length: usize) -> (Arc<dyn RealToComplex<f32>>, Arc<dyn ComplexToReal<f32>>) {
        let (forward, inverse) = (self.planner.plan_fft_forward(length), self.planner.plan_fft_inverse(length));
        self.line.resize(length, 0.0);
        self.scratch.resize(forward.get_scratch_len().max(inverse.get_scratch_len()), Complex::default());
        (forward, inverse)
    }

    /// The transforms of the blocks. (`None` would mean buffers of a wrong length; the plans give the lengths.)
    fn transform(&mut self, searched: &Searched, length: usize, step: usize) -> Option<Blocks> {
        let area = searched.area;
        let (forward, _) = self.plans(length);
        let mut spectra = Vec::new();
        let rows = length / area.width;
        for start in (0..area.height).step_by(step) {
            let count = rows.min(area.height - start);
            for (i, line) in self.line.chunks_exact_mut(area.width).take(count).enumerate() {
                for (out, &v) in line.iter_mut().zip(area.row(start + i, 0, area.width)) {
                    *out = f32::from(v) - searched.mean;
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

    /// Correlates with every block and judges the rows in order.
    fn search_blocks(&mut self, searched: &Searched, template: &Template, scan: &mut Scan) -> Option<()> {
        let area = searched.area;
        let Some(blocks) = &searched.blocks else { return None };
        let (forward, inverse) = self.plans(blocks.length);
        self.line.fill(0.0);
        // The inverse transform multiplies by the length.
        let scale = 1.0 / blocks.length as f32;
        let rows = self.line.chunks_exact_mut(area.width).zip(template.raw.chunks_exact(template.width));
        for (line, row) in rows {
            for (out, &v) in line.iter_mut().zip(row) {
                *out = (f32::from(v) - template.mean as f32) * scale;
            }
        }
        self.template.resize(blocks.length / 2 + 1, Complex::default());
        self.product.resize(blocks.length / 2 + 1, Complex::default());
        forward.process_with_scratch(&mut self.line, &mut self.template, &mut self.scratch).ok()?;

        let last = area.height - template.height;
        for (i, spectrum) in blocks.spectra.iter().enumerate() {
            let start = i * blocks.step;
            let end = if i + 1 == blocks.spectra.len() { last + 1 } else { (start + blocks.step).min(last + 1) };
            if start >= end {
                break;
            }
            for ((out, a), b) in self.product.iter_mut().zip(spectrum).zip(&self.template) {
                *out = Complex::new(a.re * b.re + a.im * b.im, a.im * b.re - a.re * b.im);
            }
            // Both ends are real but for rounding.
            for end in [0, blocks.length / 2] {
                self.product[end].im = 0.0;
            }
            inverse.process_with_scratch(&mut self.product, &mut self.line, &mut self.scratch).ok()?;
            for (y, line) in (start..end).zip(self.line.chunks_exact(area.width)) {
                scan.enter(y);
                scan.judge(y, &line[..area.width - template.width + 1]);
            }
        }
        Some(())
    }
}

impl Blocks {
    /// Whether these blocks overlap enough for the template, and are not much longer than it needs.
    fn suit(&self, area: Area, template: &Template) -> bool {
        self.step + template.height <= self.length / area.width + 1
    }
}

/// The cheaper method by measured costs.
fn choose(area: Area, template: &Template) -> Method {
    /// Nanoseconds for a product and sum, and for an element of a transform per step (by halves).
    const PRODUCT: f64 = 0.07;
    const ELEMENT: f64 = 0.12;
    let (rows, columns) = (area.height - template.height + 1, area.width - template.width + 1);
    let direct = PRODUCT * rows as f64 * columns as f64 * template.raw.len() as f64;
    let mut best = (direct, Method::Direct);
    let least = template.height * area.width;
    for length in lengths(least.max(256), 2 * area.height * area.width + 512) {
        let step = (length / area.width + 1).saturating_sub(template.height);
        if step == 0 {
            continue;
        }
        let blocks = rows.div_ceil(step);
        // Each block forth and back, the template forth.
        let cost = ELEMENT * (2 * blocks + 1) as f64 * length as f64 * (length as f64).log2();
        if cost < best.0 {
            best = (cost, Method::Transforms { length, step });
        }
    }
    best.1
}

/// Even transform lengths between two bounds that are quick: powers of two, times 1, 3, 5 or 9.
fn lengths(least: usize, most: usize) -> impl Iterator<Item = usize> {
    (4..usize::BITS - 4)
        .flat_map(|power| [1usize, 3, 5, 9].map(|factor| factor << power))
        .filter(move |length| (least..=most).contains(length))
}

/// A template, and what its scores need.
struct Template<'a> {
    raw: &'a [u8],
    width: usize,
    height: usize,
    sum: u64,
    mean: f64,
    /// n·ΣT² − (ΣT)²: n times the sum of the squared deviations from the mean.
    squares: u128,
}

impl<'a> Template<'a> {
    fn new(img: &'a GrayImage) -> Option<Self> {
        let raw = pixels(img);
        if raw.is_empty() {
            return None;
        }
        let sum: u64 = raw.iter().map(|&v| u64::from(v)).sum();
        let squares = raw.iter().map(|&v| u64::from(v) * u64::from(v)).sum();
        Some(Self {
            raw,
            width: img.width() as usize,
            height: img.height() as usize,
            sum,
            mean: sum as f64 / raw.len() as f64,
            squares: deviations(raw.len(), sum, squares),
        })
    }
}

/// n·Σv² − (Σv)², which is never negative.
fn deviations(count: usize, sum: u64, squares: u64) -> u128 {
    count as u128 * u128::from(squares) - u128::from(sum) * u128::from(sum)
}

/// Walks down the rows of places with the sums of the windows at hand, and keeps the best place.
struct Scan<'a> {
    area: Area<'a>,
    template: &'a Template<'a>,
    /// Sums and sums of squares of each column of the area, over the rows of the windows.
    columns: Vec<u32>,
    column_squares: Vec<u32>,
    /// Sums of the windows of the row, and their summed squared deviations from the mean.
    sums: Vec<f32>,
    contrasts: Vec<f32>,
    best: Option<Match>,
}

/// How far the correlations of [`Matcher`] may be off, in units of the score.
const MARGIN: f32 = 2e-3;
/// Windows of one single value have less contrast than this, all others more.
const FLAT: f32 = 0.4;
/// Places that are looked at together.
const CHUNK: usize = 16;

impl<'a> Scan<'a> {
    fn new(area: Area<'a>, template: &'a Template<'a>) -> Self {
        let places = area.width - template.width + 1;
        let mut scan = Self {
            area,
            template,
            columns: vec![0; area.width],
            column_squares: vec![0; area.width],
            sums: vec![0.0; places],
            contrasts: vec![0.0; places],
            best: None,
        };
        for y in 0..template.height - 1 {
            scan.add_row(y);
        }
        scan
    }

    fn add_row(&mut self, y: usize) {
        let columns = self.columns.iter_mut().zip(&mut self.column_squares);
        for ((sum, squares), &v) in columns.zip(self.area.row(y, 0, self.area.width)) {
            let v = u32::from(v);
            *sum = sum.wrapping_add(v);
            *squares = squares.wrapping_add(v * v);
        }
    }

    fn replace_row(&mut self, old: usize, new: usize) {
        let columns = self.columns.iter_mut().zip(&mut self.column_squares);
        let rows = self.area.row(old, 0, self.area.width).iter().zip(self.area.row(new, 0, self.area.width));
        for ((sum, squares), (&old, &new)) in columns.zip(rows) {
            let (old, new) = (i32::from(old), i32::from(new));
            *sum = sum.wrapping_add_signed(new - old);
            *squares = squares.wrapping_add_signed((new - old) * (new + old));
        }
    }

    /// Computes the windows of row `y`; rows must be entered in order, each once.
    fn enter(&mut self, y: usize) {
        let (width, height) = (self.template.width, self.template.height);
        if y == 0 {
            self.add_row(height - 1);
        } else {
            self.replace_row(y - 1, y + height - 1);
        }
        let total = |line: &[u32]| line.iter().map(|&v| i64::from(v)).sum::<i64>();
        let mut sum = total(&self.columns[..width - 1]);
        let mut squares = total(&self.column_squares[..width - 1]);
        let share = 1.0 / (width * height) as f64;
        let leaving = self.columns.iter().zip(&self.column_squares);
        let entering = self.columns[width - 1..].iter().zip(&self.column_squares[width - 1..]);
        let places = self.sums.iter_mut().zip(&mut self.contrasts);
        for (((out, contrast), entering), leaving) in places.zip(entering).zip(leaving) {
            sum += i64::from(*entering.0);
            squares += i64::from(*entering.1);
            // Sums are far below 2^53, so the difference is right to a small fraction.
            let s = sum as f64;
            *out = s as f32;
            *contrast = (squares as f64 - s * s * share) as f32;
            sum -= i64::from(*leaving.0);
            squares -= i64::from(*leaving.1);
        }
    }

    /// The correlations of row `y`, with the template's mean taken off, by multiplying.
    fn direct(&self, y: usize, out: &mut [f32]) {
        let template = self.template;
        for (x, (out, &sum)) in out.iter_mut().zip(&self.sums).enumerate() {
            *out = (self.dot(x, y) as f64 - template.mean * f64::from(sum)) as f32;
        }
    }

    /// ΣT·I at a place.
    fn dot(&self, x: usize, y: usize) -> u64 {
        let rows = self.template.raw.chunks_exact(self.template.width).enumerate();
        rows.map(|(i, row)| dot(row, self.area.row(y + i, x, self.template.width))).sum()
    }

    /// Looks for better places in row `y`, given its correlations.
    fn judge(&mut self, y: usize, correlations: &[f32]) {
        // Template and window deviations, of which the square root of the product divides the correlation.
        let deviations = (self.template.squares as f64 / self.template.raw.len() as f64) as f32;
        for start in (0..correlations.len()).step_by(CHUNK) {
            let end = (start + CHUNK).min(correlations.len());
            let floor = self.best.map_or(-2.0, |best| best.score - MARGIN);
            if floor > 0.0 {
                // Without root and division, and for all places of the chunk at once.
                let factor = floor * floor * deviations;
                let pairs = correlations[start..end].iter().zip(&self.contrasts[start..end]);
                if !pairs.fold(false, |any, (&c, &contrast)| any | ((c > 0.0) & (c * c >= factor * contrast))) {
                    continue;
                }
            }
            for (x, &correlation) in (start..).zip(&correlations[start..end]) {
                self.consider(x, y, correlation, deviations);
            }
        }
    }

    fn consider(&mut self, x: usize, y: usize, correlation: f32, deviations: f32) {
        let flat = self.contrasts[x] < FLAT;
        let estimate = if flat { 0.0 } else { correlation / (self.contrasts[x] * deviations).sqrt() };
        if self.best.is_some_and(|best| estimate < best.score - MARGIN || flat && best.score >= 0.0) {
            return;
        }
        let score = if flat { 0.0 } else { self.exact_score(x, y) };
        if self.best.is_none_or(|best| score > best.score) {
            // Coordinates of pictures fit 31 bits.
            self.best = Some(Match { score, at: PixelPoint::new(x as i32, y as i32) });
        }
    }

    fn exact_score(&self, x: usize, y: usize) -> f32 {
        let template = self.template;
        let count = template.raw.len();
        let (mut sum, mut squares) = (0, 0);
        for y in y..y + template.height {
            let row = self.area.row(y, x, template.width);
            sum += row.iter().map(|&v| u32::from(v)).map(u64::from).sum::<u64>();
            squares += dot(row, row);
        }
        let window = deviations(count, sum, squares);
        if window == 0 {
            return 0.0;
        }
        // n·ΣTI − ΣT·ΣI, over n times the roots; all integers are exact, and below 2^127.
        let covariance = count as i128 * i128::from(self.dot(x, y)) - i128::from(template.sum) * i128::from(sum);
        (covariance as f64 / ((window as f64).sqrt() * (template.squares as f64).sqrt())).clamp(-1.0, 1.0) as f32
    }
}

/// Σ a·b. Pieces of up to 2^15 pixels fit 32 bits, which multiplies several pixels per instruction.
fn dot(a: &[u8], b: &[u8]) -> u64 {
    let piece = |(a, b): (&[u8], &[u8])| a.iter().zip(b).map(|(&a, &b)| u32::from(a) * u32::from(b)).sum::<u32>();
    a.chunks(1 << 15).zip(b.chunks(1 << 15)).map(piece).map(u64::from).sum()
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

    proptest! {
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
                searched.blocks = matcher.transform(&searched, length, step);
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
