//! Template matching from coarse to fine: what a full search finds, at a small part of its cost.
//!
//! The picture and the markers are made smaller by the same factors. On the smallest copies every place is scored; where
//! the score is too low for any of the places that it stands for, none of them is looked at. The others are scored on the
//! next larger copies, and what remains in full detail, in integers.
//!
//! How much of its score a marker keeps on a smaller copy is measured when it is made ready, at every displacement that one
//! place of the copy stands for ([`Level::kept`]); a place is given up if it has clearly less than that part of the best
//! known score. So the better the best place, the fewer others are looked at. Where nothing fits well, too many places
//! are left, or a marker has only fine structure, every place is looked at.

use std::cell::Cell;

use image::GrayImage;

use super::sums::Windows;
use super::{Area, FLAT, MARGIN, Match, Matcher, Sample, Searched, Spectra, Template};
use crate::geometry::{PixelPoint, Rect, Size};
use crate::imaging::dispatch::wide_fn;
use crate::imaging::pixels;

/// Factors of the smallest copy, the largest that a marker bears is taken.
const FACTORS: [u32; 9] = [16, 12, 9, 8, 6, 5, 4, 3, 2];
/// A copy keeps at least this many pixels on a marker's shorter side, and has at most so many on its longer one.
const LEAST_SIDE: u32 = 4;
const MOST_SIDE: u32 = 4000;
/// A marker bears a copy on which it keeps this part of its score; the second is tried if there is none by the first.
const LEAST_KEPT: [f32; 2] = [0.6, 0.5];
/// A place may have this part of what a marker keeps: print and noise around a marker and in it change the score on a
/// copy, too. On scans, photos and copies they take less than a fifth.
const ALLOWED: f32 = 0.75;
/// Around the best place, places that are so near are looked at whatever a copy says of them.
const NEAR: i64 = 2;
/// Scores that are not above this are no find: then all places are looked at.
const POOR: f32 = 0.3;
/// Nanoseconds that the search for a marker may take for each pixel that the full one looks at, which takes two to three times
/// as long; and those of one place's score, and of it for each pixel of the marker.
const BUDGET: f64 = 2.0;
const SCORE: f64 = 30.0;
/// Products of pixels that are few.
const FEW: f64 = 1e6;
const SCORE_PIXEL: f64 = 0.08;

/// A copy of a picture: means of blocks in quarters of a gray level.
#[derive(Debug, Clone, PartialEq)]
struct Copy {
    raw: Vec<u16>,
    width: usize,
}

/// A template with smaller copies, made ready to be searched.
#[derive(Debug, Clone, PartialEq)]
pub struct Marker {
    picture: GrayImage,
    /// From coarse to fine, without the picture itself. None: every place is looked at.
    levels: Vec<Level>,
}

/// A smaller copy of a marker.
#[derive(Debug, Clone, PartialEq)]
struct Level {
    /// Pixels of the marker to one of the copy.
    factor: u32,
    copy: Copy,
    /// The score of the marker on this copy at the worst of the displacements that one place stands for.
    kept: f32,
}

impl Marker {
    /// Makes a template ready.
    pub fn new(picture: GrayImage) -> Self {
        let (side, longer) = (picture.width().min(picture.height()), picture.width().max(picture.height()));
        let bearable = || FACTORS.into_iter().filter(|factor| side / factor >= LEAST_SIDE && longer <= MOST_SIDE);
        let coarsest = |least| bearable().find_map(|factor| Level::new(&picture, factor, least));
        let mut levels: Vec<Level> = LEAST_KEPT.into_iter().find_map(coarsest).into_iter().collect();
        let mut factor = levels.first().map_or(1, |level| finer(level.factor));
        while factor > 1 {
            levels.extend(Level::new(&picture, factor, LEAST_KEPT[1]));
            factor = finer(factor);
        }
        Self { picture, levels }
    }

    /// The template in full detail.
    pub fn picture(&self) -> &GrayImage {
        &self.picture
    }
}

/// The factor of the copy that follows one of this factor; 1: the picture itself.
fn finer(factor: u32) -> u32 {
    match factor {
        f if f % 3 == 0 && f > 3 => f / 3,
        f if f % 2 == 0 => f / 2,
        _ => 1,
    }
}

impl Level {
    fn new(marker: &GrayImage, factor: u32, least: f32) -> Option<Self> {
        let (width, height) = (marker.width() / factor * factor, marker.height() / factor * factor);
        // As if the marker went on at its edges, so that it can be displaced.
        let half = factor / 2;
        let at = |i: u32, length: u32| i.saturating_sub(half).min(length - 1);
        let canvas = GrayImage::from_fn(width + 2 * half, height + 2 * half, |x, y| {
            *marker.get_pixel(at(x, marker.width()), at(y, marker.height()))
        });
        let displaced = |(dx, dy): (u32, u32)| {
            let bounds = (dx, dy, dx + width, dy + height);
            Copy::of(Area::within(pixels(&canvas), canvas.width() as usize, bounds), factor)
        };
        let copy = displaced((half, half));
        let template = Template::new(&copy.raw, copy.width)?;
        let last = 2 * half;
        let corners = [(0, 0), (last, 0), (0, last), (last, last)];
        let all = (0..=last).flat_map(|dy| (0..=last).map(move |dx| (dx, dy)));
        let mut kept = 1.0f32;
        // The corners first: they tell at once that a copy will not do.
        for displacement in corners.into_iter().chain(all) {
            kept = kept.min(template.score(displaced(displacement).area(), 0, 0));
            if kept < least {
                return None;
            }
        }
        Some(Self { factor, copy, kept })
    }

    /// Below this score a place is given up.
    fn floor(&self, known: Option<Found>) -> f32 {
        known.map(|f| f.place.score).filter(|score| *score > POOR).map_or(-2.0, |score| ALLOWED * self.kept * score)
    }
}

impl Copy {
    /// Of blocks of `factor` × `factor` pixels; those at the right and at the bottom are of what there is.
    fn of(area: Area<u8>, factor: u32) -> Self {
        let step = factor.max(1) as usize;
        let width = area.width.div_ceil(step);
        let mut raw = vec![0; width * area.height.div_ceil(step)];
        if raw.is_empty() {
            return Self { raw, width };
        }
        let mut columns = vec![0u32; area.width];
        for (top, out) in (0..).step_by(step).zip(raw.chunks_exact_mut(width)) {
            columns.fill(0);
            let bottom = (top + step).min(area.height);
            for y in top..bottom {
                add_row(area.row(y, 0, area.width), &mut columns);
            }
            mean_blocks(&columns, step, bottom - top, out);
        }
        Self { raw, width }
    }

    fn area(&self) -> Area<'_, u16> {
        let height = self.raw.len().checked_div(self.width).unwrap_or(0);
        Area { raw: &self.raw, stride: self.width, width: self.width, height }
    }
}

wide_fn! {
    fn add_row(row: &[u8], columns: &mut [u32]) {
        columns.iter_mut().zip(row).for_each(|(sum, &v)| *sum += u32::from(v));
    }
}

wide_fn! {
    /// The means of blocks of `step` columns, which are sums of so many rows.
    fn mean_blocks(columns: &[u32], step: usize, rows: usize, out: &mut [u16]) {
        let share = 4.0 / (rows * step) as f32;
        match step {
            2 => blocks::<2>(columns, share, out),
            3 => blocks::<3>(columns, share, out),
            4 => blocks::<4>(columns, share, out),
            5 => blocks::<5>(columns, share, out),
            6 => blocks::<6>(columns, share, out),
            8 => blocks::<8>(columns, share, out),
            9 => blocks::<9>(columns, share, out),
            12 => blocks::<12>(columns, share, out),
            _ => blocks::<16>(columns, share, out),
        }
        if let (Some(out), rest @ 1..) = (out.last_mut(), columns.len() % step) {
            let sum = columns[columns.len() - rest..].iter().sum::<u32>();
            *out = (sum as f32 * (4.0 / (rows * rest) as f32) + 0.5) as u16;
        }
    }
}

#[inline(always)]
fn blocks<const N: usize>(columns: &[u32], share: f32, out: &mut [u16]) {
    for (out, block) in out.iter_mut().zip(columns.as_chunks::<N>().0) {
        *out = (block.iter().sum::<u32>() as f32 * share + 0.5) as u16;
    }
}

/// All of a picture.
fn whole(picture: &GrayImage) -> Area<'_, u8> {
    let (width, height) = picture.dimensions();
    Area::within(pixels(picture), width as usize, (0, 0, width, height))
}

/// The best place in a search for several markers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// Which marker it is.
    pub marker: usize,
    /// Its score and place, from the top-left pixel of the picture.
    pub place: Match,
}

impl Found {
    /// A higher score, or the same of an earlier marker, or of that at an earlier place in raster order.
    fn is_better(&self, other: Option<Self>) -> bool {
        let Some(other) = other else { return true };
        let order = |f: &Self| (f.marker, f.place.at.y, f.place.at.x);
        self.place.score > other.place.score || self.place.score == other.place.score && order(self) < order(&other)
    }
}

/// Places of a marker's top-left pixel: inclusive bounds, in pixels of a picture or a copy.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Places {
    x: (u32, u32),
    y: (u32, u32),
}

impl Places {
    /// Those within a part of the picture. `None` if the marker does not fit.
    fn of(marker: &GrayImage, (x0, y0, x1, y1): (u32, u32, u32, u32)) -> Option<Self> {
        let range = |from: u32, to: u32, side: u32| {
            let last = to.checked_sub(side)?;
            (side > 0 && from <= last).then_some((from, last))
        };
        Some(Self { x: range(x0, x1, marker.width())?, y: range(y0, y1, marker.height())? })
    }

    /// The places of a copy that stand for these: each for those nearer than half a pixel of the copy.
    fn shrunk(self, factor: u32) -> Self {
        let range = |(a, b): (u32, u32)| ((a + factor / 2) / factor, (b + factor / 2) / factor);
        Self { x: range(self.x), y: range(self.y) }
    }

    fn count(self) -> usize {
        (self.x.1 - self.x.0 + 1) as usize * (self.y.1 - self.y.0 + 1) as usize
    }
}

/// The scores of the coarsest copy of a marker at all places of the picture; of a marker without copies, its own.
struct Surface {
    width: usize,
    scores: Vec<f32>,
    /// The highest of each row.
    rows: Vec<f32>,
}

/// A search for markers in one picture: its copies and coarse scores are made when they are asked for, and kept.
pub struct Hunt<'a> {
    picture: &'a GrayImage,
    markers: &'a [Marker],
    copies: Vec<(u32, Copy, Spectra)>,
    /// The picture itself, once every place of it was looked at.
    searched: Searched<'a>,
    /// For each marker that was sought.
    surfaces: Vec<Option<Surface>>,
}

impl<'a> Hunt<'a> {
    /// For some markers in a picture.
    pub fn new(picture: &'a GrayImage, markers: &'a [Marker]) -> Self {
        let surfaces = markers.iter().map(|_| None).collect();
        Self { picture, markers, copies: Vec::new(), searched: Searched::new(picture), surfaces }
    }

    /// The best place of the best of the markers: as if each were sought with [`Matcher::best`] and the first of the best
    /// were taken. `None` if no marker fits into the picture.
    pub fn best(&mut self, matcher: &mut Matcher) -> Option<Found> {
        let all = Rect::new(0, 0, self.picture.width(), self.picture.height());
        self.best_of(0..self.markers.len(), all, matcher)
    }

    /// The best place of one marker in a part of the picture.
    pub fn best_in(&mut self, area: Rect, marker: usize, matcher: &mut Matcher) -> Option<Match> {
        // There are more parts: scores of all places serve them all.
        self.prepare_whole(marker, matcher);
        self.best_of(marker..marker + 1, area, matcher).map(|found| found.place)
    }

    fn best_of(&mut self, numbers: std::ops::Range<usize>, area: Rect, matcher: &mut Matcher) -> Option<Found> {
        let markers = self.markers;
        let numbers: Vec<usize> = numbers.filter(|&i| i < markers.len()).collect();
        let bounds = area.clipped(Size::new(self.picture.width(), self.picture.height()));
        let mut best = None;
        for &number in &numbers {
            let Some(places) = Places::of(&markers[number].picture, bounds) else { continue };
            self.prepare(number, matcher);
            if let Some(descent) = self.descent(number, places) {
                descent.greedily(&mut best);
            }
        }
        self.climb(&numbers, bounds, &mut best);
        let mut part = None;
        for &number in &numbers {
            let Some(places) = Places::of(&markers[number].picture, bounds) else { continue };
            if self.descent(number, places).is_some_and(|descent| descent.all(&mut best).is_some()) {
                continue;
            }
            let (x0, y0, x1, y1) = bounds;
            let area = Rect::new(x0 as i32, y0 as i32, x1 - x0, y1 - y0);
            let searched = match (area.width, area.height) == self.picture.dimensions() {
                true => &mut self.searched,
                false => part.get_or_insert_with(|| Searched::within(self.picture, area)),
            };
            let known = best.map_or(-2.0, |best| best.place.score);
            if let Some(mut place) = matcher.best_above(searched, &markers[number].picture, known) {
                place.at = PixelPoint::new(place.at.x + area.x, place.at.y + area.y);
                keep_better(Found { marker: number, place }, &mut best);
            }
        }
        self.climb(&numbers, bounds, &mut best);
        best
    }

    /// Goes on from the best place as long as a near one, of any size of marker about the same middle, is better.
    fn climb(&self, numbers: &[usize], bounds: (u32, u32, u32, u32), best: &mut Option<Found>) {
        while let Some(from) = *best {
            let side = |number: usize| self.markers.get(number).map_or((0, 0), |marker| marker.picture.dimensions());
            let (width, height) = side(from.marker);
            for &number in numbers {
                let Some(marker) = self.markers.get(number).filter(|marker| !marker.levels.is_empty()) else {
                    continue;
                };
                let Some(places) = Places::of(&marker.picture, bounds) else { continue };
                let near = |at: i32, own: u32, other: u32, (least, most): (u32, u32)| {
                    let middle = i64::from(at) + (i64::from(own) - i64::from(other)) / 2;
                    let range = (middle - NEAR).max(least.into())..=(middle + NEAR).min(most.into());
                    // Within a picture.
                    range.map(|v| v as u32)
                };
                let (w, h) = side(number);
                let rows = near(from.place.at.y, height, h, places.y);
                let all = rows.flat_map(|y| near(from.place.at.x, width, w, places.x).map(move |x| (x, y)));
                finest(whole(self.picture), (marker, number), all, best);
            }
            if *best == Some(from) {
                return;
            }
        }
    }

    /// Makes what the search for a marker needs.
    fn prepare(&mut self, number: usize, matcher: &mut Matcher) {
        let Some(marker) = self.markers.get(number) else { return };
        // In a small part of a sheet, multiplying everywhere takes less time than copies do.
        let pixels = f64::from(self.picture.width()) * f64::from(self.picture.height());
        if pixels * (marker.picture.len() as f64) < FEW {
            return;
        }
        for level in &marker.levels {
            if !self.copies.iter().any(|(factor, ..)| *factor == level.factor) {
                self.copies.push((level.factor, Copy::of(whole(self.picture), level.factor), Default::default()));
            }
        }
        let Some(level) = marker.levels.first() else { return };
        if self.surfaces[number].is_none()
            && let Some((_, copy, spectra)) = self.copies.iter_mut().find(|(factor, ..)| *factor == level.factor)
        {
            self.surfaces[number] = Surface::of(copy.area(), spectra, level.copy.area(), matcher);
        }
    }

    /// For a marker without copies, scores all places.
    fn prepare_whole(&mut self, number: usize, matcher: &mut Matcher) {
        let markers = self.markers;
        if let (Some(Marker { picture, levels }), Some(None)) = (markers.get(number), self.surfaces.get(number))
            && levels.is_empty()
        {
            let Searched { area, spectra } = &mut self.searched;
            self.surfaces[number] = Surface::of(*area, spectra, whole(picture), matcher);
        }
    }

    fn descent(&self, number: usize, places: Places) -> Option<Descent<'_>> {
        let surface = self.surfaces.get(number)?.as_ref()?;
        Some(Descent { hunt: self, marker: self.markers.get(number)?, number, places, surface })
    }

    /// The copy of a factor; made beforehand.
    fn copy(&self, factor: u32) -> Option<Area<'_, u16>> {
        self.copies.iter().find(|(f, ..)| *f == factor).map(|(_, copy, _)| copy.area())
    }
}

fn keep_better(found: Found, best: &mut Option<Found>) {
    if found.is_better(*best) {
        *best = Some(found);
    }
}

impl Surface {
    /// Scores a marker everywhere. `None` if it does not fit.
    fn of<P: Sample>(area: Area<P>, spectra: &mut Spectra, marker: Area<P>, matcher: &mut Matcher) -> Option<Self> {
        let template = Template::new(marker.raw, marker.width)?;
        let (width, height) =
            (area.width.checked_sub(template.width)? + 1, area.height.checked_sub(template.height)? + 1);
        let (mut scores, mut rows) = (Vec::with_capacity(width * height), Vec::with_capacity(height));
        let mut windows = Windows::new(area, template.width, template.height);
        let deviations = template.deviations();
        let mut row = vec![0.0; width];
        matcher.correlate(area, spectra, &template, |y, line| {
            windows.enter(y);
            rows.push(score_row(line, &windows.contrasts, deviations, &mut row));
            scores.extend_from_slice(&row);
        })?;
        (deviations > 0.0).then_some(Self { width, scores, rows })
    }

    /// The places in a block whose score is not below a floor, if they are not more than so many.
    fn above(&self, floor: f32, places: Places, most: usize) -> Option<Vec<(u32, u32)>> {
        let mut found = Vec::new();
        for (y, row) in self.rows(places, |most| most >= floor) {
            for (x, score) in (places.x.0..).zip(row) {
                if *score >= floor {
                    found.push((x, y));
                }
            }
            if found.len() > most {
                return None;
            }
        }
        Some(found)
    }

    fn highest(&self, places: Places) -> (u32, u32) {
        let best = Cell::new(f32::NEG_INFINITY);
        let mut at = (places.x.0, places.y.0);
        for (y, row) in self.rows(places, |most| most > best.get()) {
            for (x, score) in (places.x.0..).zip(row) {
                if *score > best.get() {
                    best.set(*score);
                    at = (x, y);
                }
            }
        }
        at
    }

    /// The rows of a block of places, those whose highest score is asked for.
    fn rows(&self, places: Places, is_asked: impl Fn(f32) -> bool) -> impl Iterator<Item = (u32, &[f32])> {
        let columns = places.x.0 as usize..=places.x.1 as usize;
        let rows = self.scores.chunks_exact(self.width.max(1)).zip(&self.rows).enumerate();
        let rows = rows.skip(places.y.0 as usize).take((places.y.1 - places.y.0 + 1) as usize);
        rows.filter_map(move |(y, (row, most))| Some((y as u32, row.get(columns.clone())?)).filter(|_| is_asked(*most)))
    }
}

wide_fn! {
    /// Makes scores of a row's correlations, and tells the highest.
    fn score_row(correlations: &[f32], contrasts: &[f32], deviations: f32, out: &mut [f32]) -> f32 {
        for ((out, correlation), contrast) in out.iter_mut().zip(correlations).zip(contrasts) {
            let score = correlation / (contrast * deviations).sqrt();
            *out = if *contrast < FLAT { 0.0 } else { score };
        }
        let higher = |a: f32, b: f32| if b > a { b } else { a };
        let (eights, rest) = out.as_chunks::<8>();
        let mut most = [f32::NEG_INFINITY; 8];
        for eight in eights {
            for (most, v) in most.iter_mut().zip(eight) {
                *most = higher(*most, *v);
            }
        }
        most.iter().chain(rest).fold(f32::NEG_INFINITY, |a, b| higher(a, *b))
    }
}

/// Scores a marker at some places of the picture and keeps the best.
fn finest(
    picture: Area<u8>,
    (marker, number): (&Marker, usize),
    places: impl Iterator<Item = (u32, u32)>,
    best: &mut Option<Found>,
) {
    let Some(template) = Template::new(pixels(&marker.picture), marker.picture.width() as usize) else { return };
    for (x, y) in places {
        let score = template.score(picture, x as usize, y as usize);
        let place = Match { score, at: PixelPoint::new(x as i32, y as i32) };
        keep_better(Found { marker: number, place }, best);
    }
}

/// The way down for one marker.
struct Descent<'h> {
    hunt: &'h Hunt<'h>,
    marker: &'h Marker,
    number: usize,
    places: Places,
    surface: &'h Surface,
}

impl Descent<'_> {
    /// Follows the best place of each copy down to a first good one.
    fn greedily(&self, best: &mut Option<Found>) -> Option<()> {
        let mut factor = self.marker.levels.first().map_or(1, |level| level.factor);
        let mut at = self.surface.highest(self.places.shrunk(factor));
        for level in self.marker.levels.iter().skip(1) {
            let template = Template::new(&level.copy.raw, level.copy.width)?;
            let area = self.hunt.copy(level.factor)?;
            let mut highest = f32::NEG_INFINITY;
            for (x, y) in self.children(at, factor, level.factor) {
                let score = template.score(area, x as usize, y as usize);
                if score > highest {
                    (highest, at) = (score, (x, y));
                }
            }
            factor = level.factor;
        }
        finest(whole(self.hunt.picture), (self.marker, self.number), self.children(at, factor, 1), best);
        Some(())
    }

    /// Looks at all places that may be better than the best known. `None`: there are too many.
    fn all(&self, best: &mut Option<Found>) -> Option<()> {
        let (mut factor, floor) = match self.marker.levels.first() {
            Some(level) => (level.factor, level.floor(*best)),
            // These scores are right but for rounding.
            None => (1, best.map_or(-2.0, |best| best.place.score - 2.0 * MARGIN)),
        };
        let most = |level: Option<&Level>, factor: u32| {
            let (pixels, finer) = level.map_or((self.marker.picture.len(), 1), |l| (l.copy.raw.len(), l.factor));
            let children = (factor / finer).pow(2).max(1);
            let cost = (SCORE + SCORE_PIXEL * pixels as f64) * f64::from(children);
            (BUDGET * self.places.count() as f64 / cost) as usize + 16
        };
        let mut found =
            self.surface.above(floor, self.places.shrunk(factor), most(self.marker.levels.get(1), factor))?;
        for level in self.marker.levels.iter().skip(1) {
            let template = Template::new(&level.copy.raw, level.copy.width)?;
            let area = self.hunt.copy(level.factor)?;
            let floor = level.floor(*best);
            let mut below = self.all_children(&found, factor, level.factor);
            below.retain(|&(x, y)| template.score(area, x as usize, y as usize) >= floor);
            (found, factor) = (below, level.factor);
        }
        let places = if factor == 1 { found } else { self.all_children(&found, factor, 1) };
        if places.len() > most(None, 1) {
            return None;
        }
        finest(whole(self.hunt.picture), (self.marker, self.number), places.into_iter(), best);
        Some(())
    }

    /// The places of a finer copy that a place stands for.
    fn children(&self, (x, y): (u32, u32), factor: u32, finer: u32) -> impl Iterator<Item = (u32, u32)> + use<> {
        let within = self.places.shrunk(finer);
        let range = |at: u32, (least, most): (u32, u32)| {
            let (at, half) = (at * factor, factor / 2);
            at.saturating_sub(half).div_ceil(finer).max(least)..=((at + half) / finer).min(most)
        };
        let columns = range(x, within.x);
        range(y, within.y).flat_map(move |y| columns.clone().map(move |x| (x, y)))
    }

    /// Those of several places, in raster order, each once.
    fn all_children(&self, places: &[(u32, u32)], factor: u32, finer: u32) -> Vec<(u32, u32)> {
        let mut all: Vec<_> = places.iter().flat_map(|&at| self.children(at, factor, finer)).collect();
        all.sort_unstable_by_key(|&(x, y)| (y, x));
        all.dedup();
        all
    }
}

impl std::fmt::Debug for Hunt<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hunt").field("markers", &self.markers.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use image::Luma;
    use image::imageops::crop_imm;
    use proptest::prelude::*;

    use super::*;
    use crate::imaging::arbitrary::{flat_picture, picture};

    /// A ring with a dot in it, `side` pixels wide, on white.
    fn ring(side: u32) -> GrayImage {
        let middle = f64::from(side - 1) / 2.0;
        GrayImage::from_fn(side, side, |x, y| {
            let part = (f64::from(x) - middle).hypot(f64::from(y) - middle) / (f64::from(side) / 2.0);
            Luma([if part < 0.35 || (0.65..0.95).contains(&part) { 20 } else { 240 }])
        })
    }

    /// Print-like bars of many lengths on paper, with noise.
    fn print(width: u32, height: u32, mut seed: u32) -> GrayImage {
        let mut next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed >> 16
        };
        let mut img = GrayImage::from_fn(width, height, |_, _| Luma([225 + (next() % 20) as u8]));
        for _ in 0..width * height / 300 {
            let (x, y, w, h) = (next() % width, next() % height, 1 + next() % 14, 1 + next() % 5);
            let gray = (next() % 120) as u8;
            for (x, y) in (y..(y + h).min(height)).flat_map(|y| (x..(x + w).min(width)).map(move |x| (x, y))) {
                img.put_pixel(x, y, Luma([gray]));
            }
        }
        img
    }

    /// Lays a marker into a picture, with another contrast.
    fn paste(img: &mut GrayImage, marker: &GrayImage, x: u32, y: u32, darkest: u8) {
        for (i, j, p) in marker.enumerate_pixels() {
            let gray = darkest + (u32::from(p.0[0]) * u32::from(235 - darkest) / 255) as u8;
            img.put_pixel(x + i, y + j, Luma([gray]));
        }
    }

    /// What [`Matcher::best`] finds of all markers.
    fn plain(img: &GrayImage, area: Rect, markers: &[Marker]) -> Option<Found> {
        let mut matcher = Matcher::default();
        let mut best: Option<Found> = None;
        for (i, marker) in markers.iter().enumerate() {
            let Some(mut place) = matcher.best(&mut Searched::within(img, area), marker.picture()) else { continue };
            place.at = PixelPoint::new(place.at.x + area.x, place.at.y + area.y);
            if best.is_none_or(|best| place.score > best.place.score) {
                best = Some(Found { marker: i, place });
            }
        }
        best
    }

    #[test]
    fn a_copy_is_of_the_means_of_blocks() {
        let img = GrayImage::from_raw(5, 3, vec![0, 1, 2, 3, 9, 10, 20, 30, 40, 50, 7, 8, 9, 10, 11]).unwrap();
        let copy = Copy::of(whole(&img), 2);
        // Quarters of a gray level: (0 + 1 + 10 + 20) / 4 = 7.75.
        assert_eq!((copy.width, copy.raw), (3, vec![31, 75, 118, 30, 38, 44]));
        assert!(Copy::of(whole(&GrayImage::new(0, 3)), 2).raw.is_empty());
    }

    #[test]
    fn large_shapes_bear_small_copies_and_fine_structure_does_not() {
        let factors = |picture: GrayImage| Marker::new(picture).levels.iter().map(|l| l.factor).collect::<Vec<_>>();
        assert_eq!(factors(ring(60)), [6, 2]);
        assert!(factors(ring(6)).is_empty());
        assert!(factors(GrayImage::from_fn(40, 40, |x, y| Luma([if (x + y) % 2 == 0 { 0 } else { 255 }]))).is_empty());
        assert!(factors(GrayImage::from_pixel(40, 40, Luma([7]))).is_empty());
        assert!(factors(GrayImage::new(0, 9)).is_empty());
    }

    #[test]
    fn the_right_size_at_the_right_place() {
        let markers: Vec<Marker> = [48, 40, 33, 27, 22, 18].map(|side| Marker::new(ring(side))).to_vec();
        let mut img = print(400, 500, 5);
        paste(&mut img, markers[3].picture(), 301, 98, 30);
        let found = Hunt::new(&img, &markers).best(&mut Matcher::default()).unwrap();
        assert_eq!((found.marker, found.place.at), (3, PixelPoint::new(301, 98)));
        assert!(found.place.score > 0.99);
        assert_eq!(Some(found), plain(&img, Rect::new(0, 0, 400, 500), &markers));
    }

    #[test]
    fn parts_of_the_picture_are_searched_alone() {
        let markers = [Marker::new(ring(33))];
        let mut img = print(300, 300, 9);
        let hunt_in = |img: &GrayImage, area| Hunt::new(img, &markers).best_in(area, 0, &mut Matcher::default());
        paste(&mut img, markers[0].picture(), 40, 51, 90);
        paste(&mut img, markers[0].picture(), 180, 203, 30);
        for (area, x, y) in [(Rect::new(0, 0, 150, 150), 40, 51), (Rect::new(101, 103, 900, 900), 180, 203)] {
            assert_eq!(hunt_in(&img, area).map(|m| m.at), Some(PixelPoint::new(x, y)));
        }
        // A marker that reaches out of the part is not in it, and a part that is too small has none.
        let cut_off = hunt_in(&img, Rect::new(0, 0, 72, 150)).unwrap();
        assert!(cut_off.at.x + 33 <= 72 && cut_off.score < 0.9);
        assert_eq!(hunt_in(&img, Rect::new(0, 0, 32, 300)), None);
        assert_eq!(hunt_in(&GrayImage::new(0, 0), Rect::new(-5, 7, 32, 300)), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_marker_among_print_is_found_as_by_the_full_search(
            seed: u32, side in 12..60u32, which in 0..3usize, x in 0.0..1.0f64, y in 0.0..1.0f64, darkest in 0..150u8,
            across in 0..40u32,
        ) {
            let sides = [side + side / 8, side, side - side / 8];
            let markers: Vec<Marker> = sides.iter().map(|&side| Marker::new(ring(side))).collect();
            let (width, height) = (90 + across, 120 - across);
            let mut img = print(width, height, seed);
            let marker = markers[which].picture();
            let at = |part: f64, room: u32| (part * f64::from(room)) as u32;
            paste(&mut img, marker, at(x, width - marker.width()), at(y, height - marker.height()), darkest);
            let found = Hunt::new(&img, &markers).best(&mut Matcher::default());
            prop_assert_eq!(found, plain(&img, Rect::new(0, 0, width, height), &markers));
        }

        #[test]
        fn any_picture_has_the_score_of_the_place(
            img in prop_oneof![picture(70, 70), flat_picture(70, 70)],
            pictures in proptest::collection::vec(prop_oneof![picture(30, 30), flat_picture(30, 30)], 0..4),
            x in -9..40i32, y in -9..40i32, width in 0..50u32, height in 0..50u32,
        ) {
            let markers: Vec<Marker> = pictures.into_iter().map(Marker::new).collect();
            let mut hunt = Hunt::new(&img, &markers);
            let (all, area) = (Rect::new(0, 0, img.width(), img.height()), Rect::new(x, y, width, height));
            let best = hunt.best(&mut Matcher::default());
            // What is no find is that of the full search.
            let full = plain(&img, all, &markers);
            prop_assert_eq!(best.is_some(), full.is_some());
            if let (Some(best), Some(full)) = (best, full) {
                prop_assert!(best.place.score <= full.place.score);
                prop_assert!(best == full || best.place.score > POOR);
                let marker = markers[best.marker].picture();
                let at = best.place.at;
                let window = crop_imm(&img, at.x as u32, at.y as u32, marker.width(), marker.height()).to_image();
                let there = Matcher::default().best(&mut Searched::new(&window), marker).unwrap();
                prop_assert_eq!(there.score, best.place.score);
            }
            for i in 0..markers.len() {
                hunt.best_in(area, i, &mut Matcher::default());
            }
        }
    }
}
