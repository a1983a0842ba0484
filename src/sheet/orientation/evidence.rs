//! How well a page fits its template when the sheet lies upright, and when it is turned by each quarter.
//!
//! A page is looked at in four ways: with the template's bubbles where they are, and where they would be had the sheet
//! been turned by one, two or three quarters before the page was straightened. Where bubbles really are, all places look
//! alike (a ring, a bracket, a letter) and there is more ink in them than between them. Where they are not, there is
//! whatever the page happens to have. Both are measured for each place, without knowing how a bubble is printed:
//!
//! - likeness: correlation of the place with the prototype of all places, its 40th percentile, which marks do not reach;
//! - contrast: ink in the place against ink around it that belongs to no other bubble.
//!
//! Two ways are compared by those of their places that they do not have in common, so that a form which is nearly the
//! same upside down is told by the few bubbles that are not. The lead is judged against the scatter of the places:
//! on scanned and photographed forms of many kinds it is six standard errors and more, except where nothing is printed at
//! all.

use image::GrayImage;

use crate::geometry::Size;
use crate::imaging::dispatch::wide_fn;
use crate::imaging::orient::Turn;
use crate::template::Template;

/// Samples on each side of a place. They span two boxes across and down: the box and half a box on each side.
const SIDE: usize = 12;
const SAMPLES: usize = SIDE * SIDE;

/// Samples this far from the middle, in half boxes, still belong to the bubble: rings are often printed larger than boxes.
const REACH: f32 = 1.3;

/// Places that are looked at; more would bring nothing but time.
const MOST_PLACES: usize = 192;

/// Two places are the same when neither coordinate differs by more than this, in half boxes.
const SAME: f32 = 0.5;

/// What contrast counts beside likeness.
const CONTRAST_WEIGHT: f32 = 0.4;

/// Spread of samples, in parts of black, below which they are plain paper or noise.
const FAINT: f32 = 0.02;

/// Ink, in parts of black, below which there is no contrast to speak of.
const FAINT_INK: f32 = 0.05;

/// At least this part of a place's surroundings must be free of other bubbles to say anything about contrast.
const LEAST_SURROUNDINGS: f32 = 0.5;

/// A bubble's box by its middle and half its sides, in page pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Place {
    x: f32,
    y: f32,
    half_width: f32,
    half_height: f32,
}

impl Place {
    /// Where the place is on a page of `size` whose sheet lay turned: the turned page is stretched to the same size.
    fn turned(self, turn: Turn, size: Size) -> Self {
        let (width, height) = (size.width as f32, size.height as f32);
        let Self { x, y, half_width, half_height } = self;
        let sideways =
            |x, y| Self { x, y, half_width: half_height * width / height, half_height: half_width * height / width };
        match turn {
            Turn::None => self,
            Turn::Quarter => sideways(width - y * width / height, x * height / width),
            Turn::Half => Self { x: width - x, y: height - y, ..self },
            Turn::ThreeQuarters => sideways(y * width / height, height - x * height / width),
        }
    }

    /// Do both stand for the same spot of the page?
    fn is_same(&self, other: &Self) -> bool {
        (self.x - other.x).abs() < SAME * self.half_width.min(other.half_width)
            && (self.y - other.y).abs() < SAME * self.half_height.min(other.half_height)
    }

    /// Does the bubble reach the point (x, y)?
    fn reaches(&self, x: f32, y: f32) -> bool {
        (x - self.x).abs() < REACH * self.half_width && (y - self.y).abs() < REACH * self.half_height
    }
}

/// Where sample `i` lies, in half boxes from the middle, before any turn.
const fn offset(i: usize) -> (f32, f32) {
    const fn along(i: usize) -> f32 {
        (i as f32 + 0.5) / SIDE as f32 * 4.0 - 2.0
    }
    (along(i % SIDE), along(i / SIDE))
}

/// The samples that belong to the bubble itself, and how many they are.
const INSIDE: ([bool; SAMPLES], u32) = {
    let (mut inside, mut count, mut i) = ([false; SAMPLES], 0, 0);
    while i < SAMPLES {
        let (x, y) = offset(i);
        inside[i] = x < REACH && x > -REACH && y < REACH && y > -REACH;
        count += inside[i] as u32;
        i += 1;
    }
    (inside, count)
};

/// Where a place is sampled: each sample is the mean of four points, those where two columns of the page cross two rows.
#[derive(Debug, Clone, PartialEq)]
struct Taps {
    /// Two columns after the other for each sample along a row of the page.
    columns: [usize; 2 * SIDE],
    /// Two rows after the other for each sample along a column.
    rows: [usize; 2 * SIDE],
    /// Are the samples' rows columns of the page?
    is_sideways: bool,
}

/// The places of the bubbles of all layouts that a template has, made ready to be looked for on pages.
#[derive(Debug, Clone, PartialEq)]
pub struct Form(Vec<Places>);

impl Form {
    /// The bubbles of a template and its conditional sets.
    pub fn of(template: &Template) -> Self {
        let mut layouts: Vec<Places> = Vec::new();
        for places in template.layouts().map(Places::of).filter(|places| !places.surroundings.is_empty()) {
            if !layouts.contains(&places) {
                layouts.push(places);
            }
        }
        Self(layouts)
    }

    /// True when there are bubbles, and those of every layout lie the same way after this turn, so that they cannot tell it.
    pub fn looks_the_same(&self, turn: Turn) -> bool {
        !self.0.is_empty() && self.0.iter().all(|places| places.look_the_same(turn))
    }

    /// True when there are bubbles, and those of no layout lie the same way after any turn.
    pub fn tells_every_turn(&self) -> bool {
        let same = |places: &Places| Turn::TURNED.into_iter().any(|turn| places.look_the_same(turn));
        !self.0.is_empty() && !self.0.iter().any(same)
    }

    /// Weighs how a page fits, which has the template's page size, by the layout that it fits best, however it lies. `None`
    /// if there is no bubble to look for.
    pub fn weigh(&self, page: &GrayImage) -> Option<Evidence> {
        let mut best: Option<Evidence> = None;
        for places in &self.0 {
            let evidence = places.weigh(page)?;
            if evidence.is_clear() {
                return Some(evidence);
            }
            if best.as_ref().is_none_or(|best| evidence.best_fit > best.best_fit) {
                best = Some(evidence);
            }
        }
        best
    }
}

/// The places of one layout's bubbles.
#[derive(Debug, Clone, PartialEq)]
struct Places {
    page: Size,
    /// For each of [`Turn::ALL`], the samples of each place.
    taps: [Vec<Taps>; 4],
    /// One a place: the samples around it that belong to no bubble.
    surroundings: Vec<[bool; SAMPLES]>,
    /// For each of [`Turn::TURNED`].
    apart: [Apart; 3],
}

/// The places in which upright and one turn differ, as indices of places.
#[derive(Debug, Clone, PartialEq, Default)]
struct Apart {
    /// Places where a turned page has no bubble.
    upright: Vec<usize>,
    /// Turned places where an upright page has no bubble.
    turned: Vec<usize>,
}

impl Places {
    fn of(template: &Template) -> Self {
        let mut all = Vec::new();
        for (block, field) in template.fields() {
            let (width, height) = (block.bubble_size.width as f32, block.bubble_size.height as f32);
            let middle = |corner: i32, length: f32| corner as f32 + length / 2.0;
            all.extend(field.bubbles.iter().filter(|_| width > 0.0 && height > 0.0).map(|bubble| Place {
                x: middle(bubble.x, width),
                y: middle(bubble.y, height),
                half_width: width / 2.0,
                half_height: height / 2.0,
            }));
        }
        let page = template.page_size;
        let places: Vec<Place> = sample(all.len()).into_iter().map(|i| all[i]).collect();
        let surroundings = places.iter().map(|place| surroundings(place, &all)).collect();
        let apart = Turn::TURNED.map(|turn| {
            let turned: Vec<Place> = all.iter().map(|place| place.turned(turn, page)).collect();
            let without = |places: &[Place], others: &[Place]| {
                let lonely = |place: &Place| !others.iter().any(|other| place.is_same(other));
                places.iter().enumerate().filter(|(_, place)| lonely(place)).map(|(i, _)| i).collect()
            };
            let turned_places: Vec<Place> = places.iter().map(|place| place.turned(turn, page)).collect();
            Apart { upright: without(&places, &turned), turned: without(&turned_places, &all) }
        });
        let taps =
            Turn::ALL.map(|turn| places.iter().map(|place| taps(place.turned(turn, page), turn, page)).collect());
        Self { page, taps, surroundings, apart }
    }

    fn look_the_same(&self, turn: Turn) -> bool {
        let index = Turn::TURNED.iter().position(|&t| t == turn);
        index.is_some_and(|i| self.apart[i].upright.is_empty() || self.apart[i].turned.is_empty())
    }

    fn weigh(&self, page: &GrayImage) -> Option<Evidence> {
        if page.dimensions() != (self.page.width, self.page.height) || self.surroundings.is_empty() {
            return None;
        }
        let measured = self.taps.each_ref().map(|taps| self.measure(page, taps));
        let scores = measured.each_ref().map(|places| places.iter().map(|place| place.score()).collect::<Vec<f32>>());
        let leads = std::array::from_fn(|i| {
            let Apart { upright, turned } = &self.apart[i];
            if upright.is_empty() || turned.is_empty() {
                return None;
            }
            let (here, there) = (&scores[0], &scores[i + 1]);
            let mean = |scores: &[f32], of: &[usize]| of.iter().map(|&p| scores[p]).sum::<f32>() / of.len() as f32;
            let error = variance(here) / upright.len() as f32 + variance(there) / turned.len() as f32;
            let lead = mean(here, upright) - mean(there, turned);
            Some(Lead { lead, errors: lead / (error + LEAST_VARIANCE).sqrt() })
        });
        let count = self.surroundings.len() as f32;
        let fits = scores.each_ref().map(|scores| scores.iter().sum::<f32>() / count);
        Some(Evidence {
            fit: fits[0],
            best_fit: fits.into_iter().fold(f32::MIN, f32::max),
            fit_error: (variance(&scores[0]) / count + LEAST_VARIANCE).sqrt(),
            consistency: consistency(&measured[0]),
            leads,
        })
    }

    /// Likeness and contrast of each place, whose samples are given.
    fn measure(&self, page: &GrayImage, taps: &[Taps]) -> Vec<Measured> {
        let mut inks = vec![[0; SAMPLES]; taps.len()];
        inks_of(page.as_raw(), page.width() as usize, taps, &mut inks);
        let prototype = prototype(&inks);
        let mut measured = vec![Measured { likeness: 0.0, contrast: 0.0 }; inks.len()];
        compare(&prototype, &inks, &self.surroundings, &mut measured);
        measured
    }
}

/// What was measured of one place; each number is within −1 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Measured {
    likeness: f32,
    contrast: f32,
}

impl Measured {
    fn score(self) -> f32 {
        self.likeness + CONTRAST_WEIGHT * self.contrast
    }
}

/// Mean likeness over its spread. Places of text or of nothing look alike by chance, each in its own way; those of bubbles
/// all do.
fn consistency(places: &[Measured]) -> f32 {
    /// Keeps a page without any print from dividing by nothing.
    const LEAST_SPREAD: f32 = 0.003;
    let likeness: Vec<f32> = places.iter().map(|place| place.likeness).collect();
    likeness.iter().sum::<f32>() / likeness.len().max(1) as f32 / (variance(&likeness).sqrt() + LEAST_SPREAD)
}

/// Added to a variance: places never scatter so little that a lead of 1 in 100 means something.
const LEAST_VARIANCE: f32 = 1e-5;

/// Indices of at most [`MOST_PLACES`] of `count` things, spread without any regular step, which could fall on one column
/// of every block: those with the smallest values of a multiplicative hash (Knuth, TAOCP vol. 3, 6.4).
fn sample(count: usize) -> Vec<usize> {
    let mut indices: Vec<usize> = (0..count).collect();
    if count > MOST_PLACES {
        indices.sort_by_key(|&i| (i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        indices.truncate(MOST_PLACES);
        indices.sort_unstable();
    }
    indices
}

/// The samples around a place that belong to no bubble.
fn surroundings(place: &Place, all: &[Place]) -> [bool; SAMPLES] {
    let near: Vec<&Place> = all
        .iter()
        .filter(|other| {
            (other.x - place.x).abs() < 2.0 * place.half_width + REACH * other.half_width
                && (other.y - place.y).abs() < 2.0 * place.half_height + REACH * other.half_height
        })
        .collect();
    std::array::from_fn(|i| {
        let (dx, dy) = offset(i);
        let (x, y) = (place.x + dx * place.half_width, place.y + dy * place.half_height);
        !INSIDE.0[i] && !near.iter().any(|other| other.reaches(x, y))
    })
}

/// The samples of a place, which is turned already, on a page of `size`; the samples turn with it. Each is the mean of
/// four points, the middles of its quarters; those beyond the page are taken from its edge.
fn taps(place: Place, turn: Turn, size: Size) -> Taps {
    /// A quarter of a sample's width, in half boxes.
    const QUARTER: f32 = 1.0 / SIDE as f32;
    // Casts of floats saturate.
    let index = |v: f32, length: u32| (v as u32).min(length.saturating_sub(1)) as usize;
    let points = |middle: f32, half: f32, length: u32, sign: f32| {
        std::array::from_fn(|i| {
            let u = sign * offset(i / 2).0;
            let v = if i % 2 == 0 { u - QUARTER } else { u + QUARTER };
            index(middle + v * half, length)
        })
    };
    // Along x, along y, of the page.
    let signs = match turn {
        Turn::None => (1.0, 1.0),
        Turn::Quarter => (-1.0, 1.0),
        Turn::Half => (-1.0, -1.0),
        Turn::ThreeQuarters => (1.0, -1.0),
    };
    Taps {
        columns: points(place.x, place.half_width, size.width, signs.0),
        rows: points(place.y, place.half_height, size.height, signs.1),
        is_sideways: matches!(turn, Turn::Quarter | Turn::ThreeQuarters),
    }
}

wide_fn! {
    /// Ink at the samples of places, 0 (paper) to 255 (black): darkness against the place's own white, the gray that 15 % of
    /// the samples exceed.
    fn inks_of(page: &[u8], width: usize, taps: &[Taps], inks: &mut [[u8; SAMPLES]]) {
        /// Darker places are black, whatever they hold.
        const DARKEST_WHITE: u8 = 16;
        for (taps, ink) in taps.iter().zip(inks) {
            let mut samples = [0u8; SAMPLES];
            for j in 0..SIDE {
                let row = |y: usize| page.get(y * width..(y + 1) * width).unwrap_or_default();
                let (upper, lower) = (row(taps.rows[2 * j]), row(taps.rows[2 * j + 1]));
                let mut sums = [0u16; 2 * SIDE];
                for (sum, &x) in sums.iter_mut().zip(&taps.columns) {
                    if x < upper.len() && x < lower.len() {
                        *sum = u16::from(upper[x]) + u16::from(lower[x]);
                    }
                }
                for i in 0..SIDE {
                    let at = if taps.is_sideways { i * SIDE + j } else { j * SIDE + i };
                    samples[at] = ((sums[2 * i] + sums[2 * i + 1]) / 4) as u8;
                }
            }
            // The lightest gray that more than 15 % reach, bit by bit.
            let mut white = 0u8;
            for bit in (0..8).rev() {
                let lighter = white | 1 << bit;
                // There are less than 256 samples.
                let mut count = 0u8;
                for sample in samples {
                    count += u8::from(sample >= lighter);
                }
                if usize::from(count) > SAMPLES * 15 / 100 {
                    white = lighter;
                }
            }
            let white = white.max(DARKEST_WHITE);
            // Divided once: the quotient below fits a byte, as nothing is lighter than white.
            let scale = (255 << 16) / u32::from(white);
            for i in 0..SAMPLES {
                ink[i] = 255 - ((u32::from(samples[i].min(white)) * scale) >> 16) as u8;
            }
        }
    }
}

wide_fn! {
    /// What most places have in common, sample by sample: the 40th percentile, so that marks, which fewer places have, do not
    /// show.
    fn prototype(inks: &[[u8; SAMPLES]]) -> [u8; SAMPLES] {
        const PERCENT: usize = 40;
        // Counts of places fit a byte.
        const { assert!(MOST_PLACES < 256) };
        let most = (inks.len() * PERCENT / 100).min(255) as u8;
        // The darkest ink that no more have less than, bit by bit.
        let mut values = [0u8; SAMPLES];
        for bit in (0..8).rev() {
            let mut darker = values;
            for value in &mut darker {
                *value |= 1 << bit;
            }
            let mut counts = [0u8; SAMPLES];
            for ink in inks {
                for i in 0..SAMPLES {
                    counts[i] += u8::from(ink[i] < darker[i]);
                }
            }
            for i in 0..SAMPLES {
                values[i] = if counts[i] <= most { darker[i] } else { values[i] };
            }
        }
        values
    }
}

wide_fn! {
    /// Compares places with a prototype and with what is around them.
    fn compare(
        prototype: &[u8; SAMPLES],
        inks: &[[u8; SAMPLES]],
        surroundings: &[[bool; SAMPLES]],
        measured: &mut [Measured],
    ) {
        let likeness = Likeness::to(prototype);
        for ((ink, around), measured) in inks.iter().zip(surroundings).zip(measured) {
            *measured = Measured { likeness: likeness.of(ink), contrast: contrast(ink, around) };
        }
    }
}

/// Correlation with a prototype, −1 to 1; that of plain paper with anything is about 0. Sums are whole numbers.
struct Likeness<'p> {
    prototype: &'p [u8; SAMPLES],
    sum: u32,
    spread: f32,
}

impl<'p> Likeness<'p> {
    #[inline(always)]
    fn to(prototype: &'p [u8; SAMPLES]) -> Self {
        let (sum, spread) = spread(prototype);
        Self { prototype, sum, spread }
    }

    #[inline(always)]
    fn of(&self, ink: &[u8; SAMPLES]) -> f32 {
        let (sum, spread) = spread(ink);
        covariance(ink, sum, self.prototype, self.sum) / (spread * self.spread)
    }
}

/// The sum of ink, and the root of the sum of the squares of its deviations from the mean in parts of black, with what is faint
/// added.
#[inline(always)]
fn spread(ink: &[u8; SAMPLES]) -> (u32, f32) {
    let mut sum = 0u32;
    for &ink in ink {
        sum += u32::from(ink);
    }
    // √SAMPLES is SIDE.
    (sum, covariance(ink, sum, ink, sum).sqrt() + FAINT * SIDE as f32)
}

/// The sum of the products of deviations from the means, in parts of black, given the sums.
#[inline(always)]
fn covariance(a: &[u8; SAMPLES], sum_a: u32, b: &[u8; SAMPLES], sum_b: u32) -> f32 {
    let mut products = 0i32;
    for i in 0..SAMPLES {
        products += i32::from(a[i]) * i32::from(b[i]);
    }
    let products = i64::from(products) * SAMPLES as i64 - i64::from(sum_a) * i64::from(sum_b);
    products as f32 / (SAMPLES as f32 * 255.0 * 255.0)
}

/// Ink in the place against ink around it, −1 to 1; 0 where too little around it is free.
#[inline(always)]
fn contrast(ink: &[u8; SAMPLES], around: &[bool; SAMPLES]) -> f32 {
    let (inside, count) = INSIDE;
    let (mut within, mut outside, mut free) = (0u32, 0u32, 0u32);
    for i in 0..SAMPLES {
        within += u32::from(ink[i]) * u32::from(inside[i]);
        outside += u32::from(ink[i]) * u32::from(around[i]);
        free += u32::from(around[i]);
    }
    if (free as f32) < LEAST_SURROUNDINGS * (SAMPLES as u32 - count) as f32 {
        return 0.0;
    }
    let mean = |sum: u32, count: u32| sum as f32 / (255.0 * count.max(1) as f32);
    let (inside, outside) = (mean(within, count), mean(outside, free));
    (inside - outside) / (inside + outside + FAINT_INK)
}

fn variance(values: &[f32]) -> f32 {
    let count = values.len().max(1) as f32;
    let mean = values.iter().sum::<f32>() / count;
    values.iter().map(|v| (v - mean) * (v - mean)).sum::<f32>() / count
}

/// By how much upright fits better than a turn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lead {
    /// Difference of the mean scores of the places that they do not share, −2.8 to 2.8.
    pub lead: f32,
    /// The same in standard errors.
    pub errors: f32,
}

/// How a page fits, upright and turned.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// Mean score of the upright places, −1.4 to 1.4; about 0 where nothing fits.
    pub fit: f32,
    /// The same of the way in which the page fits best.
    best_fit: f32,
    /// Standard error of `fit`.
    pub fit_error: f32,
    /// Mean likeness of the upright places over its spread.
    pub consistency: f32,
    /// For each of [`Turn::TURNED`]; `None` where the template is the same that way.
    pub leads: [Option<Lead>; 3],
}

impl Evidence {
    /// A lead of this many standard errors, and of this much, is beyond chance.
    const CLEAR: Lead = Lead { lead: 0.03, errors: 4.0 };

    /// Below this many standard errors, another way fits as well. Little more, or every sheet of a form with few bubbles would
    /// be doubted.
    const OPEN_ERRORS: f32 = 0.5;

    /// Below this consistency, places look alike by chance: pages of text reach 0.9, the palest forms seldom fall below 1.
    const LEAST_CONSISTENCY: f32 = 1.1;

    /// True when the places look alike because the same is printed in them. A sheet is turned for no less: text that
    /// happens to fill the boxes of a page that lies upside down must not.
    pub fn is_print(&self) -> bool {
        self.consistency >= Self::LEAST_CONSISTENCY
    }

    /// True when upright leads clearly against every turn that can be told.
    pub fn is_clear(&self) -> bool {
        let clear = |l: &Lead| l.lead >= Self::CLEAR.lead && l.errors >= Self::CLEAR.errors;
        self.leads.iter().flatten().all(clear)
    }

    /// The turn that leads most clearly against upright, if one does beyond chance; of two that lead alike, as those of a symmetric
    /// form do, the smaller.
    pub fn turned(&self) -> Option<Turn> {
        /// Errors of rounding in a lead that is counted in errors of chance.
        const ALIKE: f32 = 0.01;
        let against = |l: &Lead| l.lead <= -Self::CLEAR.lead && l.errors <= -Self::CLEAR.errors;
        let leads = Turn::TURNED.into_iter().zip(self.leads).filter_map(|(turn, lead)| Some((turn, lead?)));
        let clearer = |best: (Turn, Lead), next: (Turn, Lead)| {
            if next.1.errors < best.1.errors - ALIKE { next } else { best }
        };
        leads.filter(|(_, l)| against(l)).reduce(clearer).map(|(turn, _)| turn)
    }

    /// The turns that fit about as well as upright or better.
    pub fn rivals(&self) -> Vec<Turn> {
        let leads = Turn::TURNED.into_iter().zip(self.leads).filter_map(|(turn, lead)| Some((turn, lead?)));
        leads.filter(|(_, l)| l.errors < Self::OPEN_ERRORS).map(|(turn, _)| turn).collect()
    }

    /// True when this page fits beyond chance better than `other`, both taken upright.
    pub fn beats(&self, other: &Self) -> bool {
        let error = self.fit_error.hypot(other.fit_error).max(f32::MIN_POSITIVE);
        let lead = self.fit - other.fit;
        lead >= Self::CLEAR.lead && lead / error >= Self::CLEAR.errors
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::Path;

    use image::Luma;
    use proptest::prelude::*;

    use super::*;
    use crate::config::Config;
    use crate::imaging::{orient, resize};
    use crate::json::Document;

    /// A page of 400×520 with rows of five bubbles of 20×20, and a column of digits that only one side has.
    pub const FORM: &str = r#"{"pageDimensions": [400, 520], "bubbleDimensions": [20, 20], "fieldBlocks": {
        "Q": {"fieldType": "QTYPE_MCQ5", "origin": [60, 150], "bubblesGap": 40, "labelsGap": 34, "fieldLabels": ["q1..10"]},
        "R": {"fieldType": "QTYPE_INT", "origin": [310, 60], "bubblesGap": 30, "labelsGap": 34, "fieldLabels": ["r1..2"]}}}"#;

    /// The same upside down: one block in the middle of the page.
    pub const SYMMETRIC: &str = r#"{"pageDimensions": [400, 520], "bubbleDimensions": [20, 20], "fieldBlocks": {
        "Q": {"fieldType": "QTYPE_MCQ5", "origin": [110, 97], "bubblesGap": 40, "labelsGap": 34, "fieldLabels": ["q1..10"]}}}"#;

    pub fn template(text: &str) -> Template {
        let document = Document::parse(Path::new("t.json"), text.to_owned()).unwrap();
        Template::read(&document, &Config::default()).unwrap().0
    }

    /// Paper of gray 235 with a ring of gray `ring` around every bubble; each `marked`-th is filled.
    pub fn print(template: &Template, ring: u8, marked: usize) -> GrayImage {
        let size = template.page_size;
        let mut page = GrayImage::from_pixel(size.width, size.height, Luma([235]));
        let bubbles = template.fields().flat_map(|(block, field)| field.bubbles.iter().map(|b| (b, block.bubble_size)));
        for (i, (bubble, size)) in bubbles.enumerate() {
            let (half_w, half_h) = (size.width as f32 / 2.0, size.height as f32 / 2.0);
            for y in 0..size.height {
                for x in 0..size.width {
                    let (u, v) = ((x as f32 + 0.5 - half_w) / half_w, (y as f32 + 0.5 - half_h) / half_h);
                    let r = u.hypot(v);
                    let gray = match r {
                        r if r > 1.0 => continue,
                        r if r > 0.85 => ring,
                        _ if i % marked == 1 => 70,
                        _ => continue,
                    };
                    page.put_pixel(bubble.x as u32 + x, bubble.y as u32 + y, Luma([gray]));
                }
            }
        }
        page
    }

    /// The page of a sheet that lies turned: turned, and stretched to the page's size.
    pub fn lying(page: &GrayImage, turn: Turn) -> GrayImage {
        resize::linear(&orient::turned(page.clone(), turn), Size::new(page.width(), page.height()))
    }

    #[test]
    fn an_upright_page_is_clear_and_a_turned_one_names_its_turn() {
        let template = template(FORM);
        let form = Form::of(&template);
        // From plain black rings to rings that are hardly darker than the paper.
        for ring in [60, 150, 215] {
            let page = print(&template, ring, 9);
            assert!(form.weigh(&page).unwrap().is_clear(), "rings of gray {ring}");
            for turn in Turn::TURNED {
                let evidence = form.weigh(&lying(&page, turn)).unwrap();
                assert_eq!((evidence.is_clear(), evidence.turned()), (false, Some(turn)), "rings of gray {ring}");
            }
        }
    }

    #[test]
    fn marks_alone_tell_when_no_ring_is_printed() {
        let template = template(FORM);
        let (form, page) = (Form::of(&template), print(&template, 235, 5));
        assert!(form.weigh(&page).unwrap().is_clear());
        assert_eq!(form.weigh(&lying(&page, Turn::Half)).unwrap().turned(), Some(Turn::Half));
    }

    #[test]
    fn text_in_the_boxes_is_no_print_of_bubbles() {
        let template = template(FORM);
        let mut page = GrayImage::from_pixel(400, 520, Luma([235]));
        // Strokes of changing lengths along the rows of the block, and nothing elsewhere.
        for (i, x) in (55..250).step_by(7).enumerate() {
            for row in 0..10u32 {
                for y in 0..(3 + (i as u32 * 5 + row * 7) % 13) {
                    page.put_pixel(x, 153 + 34 * row + y, Luma([40]));
                }
            }
        }
        let form = Form::of(&template);
        let evidence = form.weigh(&page).unwrap();
        assert!(!evidence.is_print(), "{evidence:?}");
        assert!(form.weigh(&print(&template, 215, 9)).unwrap().is_print(), "hardly visible rings are print");
    }

    #[test]
    fn a_page_with_nothing_printed_fits_every_way_alike() {
        let template = template(FORM);
        let page = GrayImage::from_pixel(400, 520, Luma([235]));
        let evidence = Form::of(&template).weigh(&page).unwrap();
        assert!(!evidence.is_clear());
        assert_eq!((evidence.turned(), evidence.rivals()), (None, Turn::TURNED.to_vec()));
    }

    #[test]
    fn a_symmetric_form_is_no_evidence_of_the_turn_that_it_survives() {
        let template = template(SYMMETRIC);
        let form = Form::of(&template);
        assert!(form.looks_the_same(Turn::Half) && !form.looks_the_same(Turn::Quarter));
        let page = print(&template, 100, 9);
        let evidence = form.weigh(&lying(&page, Turn::Half)).unwrap();
        assert!(evidence.is_clear(), "upside down looks upright: {evidence:?}");
        assert_eq!(form.weigh(&lying(&page, Turn::Quarter)).unwrap().turned(), Some(Turn::Quarter));
    }

    #[test]
    fn many_bubbles_are_sampled_without_a_step() {
        let indices = sample(5000);
        assert_eq!(indices.len(), MOST_PLACES);
        // Of 5 columns each has its share.
        let counts = (0..5).map(|column| indices.iter().filter(|&&i| i % 5 == column).count());
        counts.for_each(|count| assert!((30..75).contains(&count), "{count} of {MOST_PLACES}"));
        assert_eq!(sample(3), [0, 1, 2]);
    }

    proptest! {
        #[test]
        fn samples_lie_where_the_place_does(
            picture in crate::imaging::arbitrary::picture(70, 60),
            (x, y, half_width, half_height) in (-20f32..80.0, -20f32..80.0, 0.5f32..20.0, 0.5f32..20.0),
        ) {
            prop_assume!(!picture.is_empty());
            let place = Place { x, y, half_width, half_height };
            let size = Size::new(picture.width(), picture.height());
            for turn in Turn::ALL {
                let mut inks = [[0; SAMPLES]];
                inks_of(picture.as_raw(), picture.width() as usize, &[taps(place, turn, size)], &mut inks);
                let quarter = 1.0 / SIDE as f32;
                let gray = |x: f32, y: f32| {
                    let (x, y) = ((x as u32).min(size.width - 1), (y as u32).min(size.height - 1));
                    u32::from(picture.get_pixel(x, y).0[0])
                };
                let samples: Vec<u8> = (0..SAMPLES).map(|i| {
                    let (u, v) = offset(i);
                    let (u, v) = match turn {
                        Turn::None => (u, v),
                        Turn::Quarter => (-v, u),
                        Turn::Half => (-u, -v),
                        Turn::ThreeQuarters => (v, -u),
                    };
                    let xs = [u - quarter, u + quarter].map(|u| x + u * half_width);
                    let ys = [v - quarter, v + quarter].map(|v| y + v * half_height);
                    (ys.iter().flat_map(|&y| xs.map(|x| gray(x, y))).sum::<u32>() / 4) as u8
                }).collect();
                let mut sorted = samples.clone();
                sorted.sort_unstable_by(|a, b| b.cmp(a));
                let white = u32::from(sorted[SAMPLES * 15 / 100].max(16));
                let ink = |&v: &u8| 255 - ((u32::from(v).min(white) * ((255 << 16) / white)) >> 16) as u8;
                prop_assert_eq!(inks[0].to_vec(), samples.iter().map(ink).collect::<Vec<u8>>());
            }
        }

        #[test]
        fn the_prototype_is_a_percentile(seed in prop::collection::vec(any::<u8>(), 997), count in 1usize..=MOST_PLACES) {
            let inks: Vec<[u8; SAMPLES]> =
                (0..count).map(|k| std::array::from_fn(|i| seed[(k * SAMPLES + i) % seed.len()])).collect();
            let found = prototype(&inks);
            for i in 0..SAMPLES {
                let mut sorted: Vec<u8> = inks.iter().map(|ink| ink[i]).collect();
                sorted.sort_unstable();
                prop_assert_eq!(found[i], sorted[count * 40 / 100]);
            }
            // Correlation as it is defined.
            let mean = |ink: &[u8; SAMPLES]| ink.iter().map(|&v| f64::from(v)).sum::<f64>() / SAMPLES as f64;
            let product = |a: &[u8; SAMPLES], b: &[u8; SAMPLES]| {
                let (of_a, of_b) = (mean(a), mean(b));
                let products = a.iter().zip(b).map(|(&a, &b)| (f64::from(a) - of_a) * (f64::from(b) - of_b));
                products.sum::<f64>() / 255.0 / 255.0
            };
            let spread = |ink| product(ink, ink).sqrt() + f64::from(FAINT) * SIDE as f64;
            let want = product(&inks[0], &found) / (spread(&inks[0]) * spread(&found));
            prop_assert!((f64::from(Likeness::to(&found).of(&inks[0])) - want).abs() < 1e-5);
        }

        /// Whatever the boxes and the page: no panic, and numbers.
        #[test]
        fn any_geometry_gives_numbers(
            (width, height) in (1u32..60, 1u32..60),
            boxes in proptest::collection::vec((0u32..60, 0u32..60), 1..20),
            (box_width, box_height) in (1u32..40, 1u32..40),
            gray in 0u8..=255,
        ) {
            let mut template = template(FORM);
            template.page_size = Size::new(width, height);
            template.blocks.truncate(1);
            let block = &mut template.blocks[0];
            block.bubble_size = Size::new(box_width, box_height);
            block.fields.truncate(1);
            block.fields[0].bubbles = boxes
                .iter()
                .map(|&(x, y)| crate::template::Bubble { x: x as i32 - 20, y: y as i32, value: String::new() })
                .collect();
            let page = GrayImage::from_fn(width, height, |x, y| Luma([gray.wrapping_add((x * y) as u8)]));
            let evidence = Form::of(&template).weigh(&page).unwrap();
            prop_assert!(evidence.fit.is_finite() && evidence.fit_error.is_finite());
            prop_assert!(evidence.leads.iter().flatten().all(|l| l.lead.is_finite() && l.errors.is_finite()));
        }
    }
}
