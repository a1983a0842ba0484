//! Template matching from coarse to fine: what a full search finds, at a small part of its cost. It can be another place only
//! where a picture takes from a copy of its best place more than [`ALLOWED`] grants, and then one with a good score.
//!
//! The picture and the markers are made smaller by the same factors. On the smallest copies every place is scored; where
//! the score is too low for any of the places that it stands for, none of them is looked at. The others are scored on the
//! next larger copies, and what remains in full detail, in integers.
//!
//! How much of its score a marker keeps on a smaller copy is measured when it is made ready, at every displacement that one
//! place of the copy stands for ([`super::marker`]); a place is given up if it has clearly less than that part of the best
//! known score. So the better the best place, the fewer others are looked at. Where nothing fits well, too many places
//! are left, or a marker has only fine structure, every place is looked at.

use std::cell::{Cell, OnceCell};

use image::GrayImage;

use super::marker::{Level, Marker, SmallCopy};
use super::reduced::{self, Reduced, whole};
use super::sums::{Integrals, Windows};
use super::{Area, FLAT, KeptSpectrum, MARGIN, Match, Matcher, Sample, Searched, Spectra, Template, strip_width};
use crate::geometry::{PixelPoint, Rect, Size};
use crate::imaging::dispatch::wide_fn;
use crate::imaging::pixels;

/// A place may have this part of what a marker keeps: print and noise around a marker and in it change the score on a
/// copy, too. On scans, photos and copies they take less than a fifth.
const ALLOWED: f32 = 0.75;
/// Around the best place, places that are so near are looked at whatever a copy says of them.
const NEAR: i64 = 2;
/// Scores that are not above this are no find: then all places are looked at.
const POOR: f32 = 0.3;
/// Nanoseconds that the search for a marker may take for each pixel that the full one looks at, which takes two to three times
/// as long.
const BUDGET: f64 = 2.0;
/// Nanoseconds of one place's score, and what each pixel of the marker adds.
const SCORE: f64 = 30.0;
const SCORE_PIXEL: f64 = 0.08;
/// Products of pixels that are few.
const FEW: f64 = 1e6;
/// For fewer places than this no copy is made.
const FEW_PLACES: usize = 100;

impl Level {
    /// Below this score a place is given up.
    fn floor(&self, known: Option<Found>) -> f32 {
        known.map(|f| f.place.score).filter(|score| *score > POOR).map_or(-2.0, |score| ALLOWED * self.kept * score)
    }
}

/// A marker that is sought, and where.
#[derive(Clone, Copy)]
struct Sought<'h> {
    number: usize,
    marker: &'h Marker,
    /// In the picture.
    places: Places,
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

    /// The places of a level's copy that stand for these: each for as many as its factor says, about the middle of a pixel of
    /// the copy.
    fn on(self, level: &Level) -> Self {
        let range = |(a, b): (u32, u32), offset: u32| {
            let at = |v: u32| (v + offset + level.factor / 2) / level.factor;
            (at(a), at(b))
        };
        Self { x: range(self.x, level.offset.0), y: range(self.y, level.offset.1) }
    }

    /// Row after row.
    fn all(self) -> impl Iterator<Item = (u32, u32)> {
        (self.y.0..=self.y.1).flat_map(move |y| (self.x.0..=self.x.1).map(move |x| (x, y)))
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
    copies: Vec<SmallPicture>,
    /// The picture itself, once every place of it was looked at.
    searched: Searched<'a>,
    /// For each marker that was sought.
    surfaces: Vec<Option<Surface>>,
}

/// A copy of the searched picture, once it is made, and its transforms.
struct SmallPicture {
    factor: u32,
    copy: OnceCell<SmallCopy>,
    spectra: Spectra,
    integrals: Option<Integrals>,
}

impl<'a> Hunt<'a> {
    /// For some markers in a picture.
    pub fn new(picture: &'a GrayImage, markers: &'a [Marker]) -> Self {
        let mut factors: Vec<u32> = markers.iter().flat_map(|m| &m.levels).map(|level| level.factor).collect();
        factors.sort_unstable();
        factors.dedup();
        let unmade =
            |factor| SmallPicture { factor, copy: OnceCell::new(), spectra: Spectra::default(), integrals: None };
        Self {
            picture,
            markers,
            copies: factors.into_iter().map(unmade).collect(),
            searched: Searched::new(picture),
            surfaces: markers.iter().map(|_| None).collect(),
        }
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
        self.best_of(marker..marker.saturating_add(1), area, matcher).map(|found| found.place)
    }

    fn best_of(&mut self, numbers: std::ops::Range<usize>, area: Rect, matcher: &mut Matcher) -> Option<Found> {
        let markers = self.markers;
        let bounds = area.clipped(Size::new(self.picture.width(), self.picture.height()));
        let fitting = |number: usize| {
            let marker = markers.get(number)?;
            Some(Sought { number, marker, places: Places::of(&marker.picture, bounds)? })
        };
        let mut sought: Vec<Sought> = numbers.filter_map(fitting).collect();
        let mut best = None;
        for &one in &sought {
            if matcher.deadline.has_passed() {
                return best;
            }
            self.prepare(one.number, matcher);
            if let Some(descent) = self.descent(one) {
                descent.greedily(&mut best);
            }
        }
        self.climb(&sought, &mut best);
        // That of the best place first: a better place spares the others work.
        sought.sort_by_key(|one| best.is_none_or(|best| best.marker != one.number));
        let (mut part, mut reduced) = (None, None);
        for &one in &sought {
            if matcher.deadline.has_passed() {
                return best;
            }
            self.prepare(one.number, matcher);
            if self.descent(one).is_some_and(|descent| descent.all(&mut best).is_some()) {
                continue;
            }
            let factor = reduced::factor(self.picture.dimensions(), one.marker.picture.dimensions());
            if factor > 1 {
                if reduced.as_ref().is_none_or(|copy: &Reduced| copy.factor() != factor) {
                    let area = Area::within(pixels(self.picture), self.picture.width() as usize, bounds);
                    reduced = Some(Reduced::of(area, factor));
                }
                if let Some(copy) = &mut reduced {
                    self.by_copy(one, copy, (bounds.0, bounds.1), &mut best, matcher);
                }
                continue;
            }
            let (x0, y0, x1, y1) = bounds;
            let area = Rect::new(x0 as i32, y0 as i32, x1 - x0, y1 - y0);
            let searched = match (area.width, area.height) == self.picture.dimensions() {
                true => &mut self.searched,
                false => part.get_or_insert_with(|| Searched::within(self.picture, area)),
            };
            let known = best.map_or(-2.0, |best| best.place.score);
            let Searched { area: all, spectra } = searched;
            if let Some(mut place) = matcher.best_above(*all, spectra, &one.marker.picture, known) {
                place.at = PixelPoint::new(place.at.x + area.x, place.at.y + area.y);
                keep_better(Found { marker: one.number, place }, &mut best);
            }
        }
        self.climb(&sought, &mut best);
        best
    }

    /// Looks at all places of a part of the picture, which begins at `corner`, on a smaller copy of it, and then at those about
    /// the best.
    fn by_copy(
        &self,
        Sought { number, marker, places }: Sought<'_>,
        copy: &mut Reduced,
        corner: (u32, u32),
        best: &mut Option<Found>,
        matcher: &mut Matcher,
    ) {
        let known = best.map(|best| best.place.score).filter(|score| *score > 0.0);
        let least = known.map_or(-2.0, |known| ALLOWED * known);
        let Some(about) = copy.best(&marker.picture, least, matcher) else { return };
        let off = copy.factor() / 2 + 1;
        let range = |from: u32, at: i32, (least, most): (u32, u32)| {
            // Within a picture; blocks at its end may be of fewer pixels.
            let at = (from + at as u32).min(most);
            at.saturating_sub(off).max(least)..=(at + off).min(most)
        };
        let columns = range(corner.0, about.x, places.x);
        let all = range(corner.1, about.y, places.y).flat_map(|y| columns.clone().map(move |x| (x, y)));
        finest(whole(self.picture), (marker, number), all, best);
    }

    /// Goes on from the best place as long as a near one, of any size of marker about the same middle, is better.
    fn climb(&self, sought: &[Sought], best: &mut Option<Found>) {
        while let Some(from) = *best {
            let side = |number: usize| self.markers.get(number).map_or((0, 0), |marker| marker.picture.dimensions());
            let (width, height) = side(from.marker);
            for &Sought { number, marker, places } in sought.iter().filter(|one| !one.marker.levels.is_empty()) {
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

    /// Forgets the scores of other markers where these would be too many together.
    fn make_room(&mut self, scores: usize) {
        const MOST: usize = 1 << 25;
        let kept: usize = self.surfaces.iter().flatten().map(|surface| surface.scores.len()).sum();
        if kept + scores > MOST {
            self.surfaces.iter_mut().for_each(|surface| *surface = None);
        }
    }

    /// Makes what the search for a marker needs, unless it is there.
    fn prepare(&mut self, number: usize, matcher: &mut Matcher) {
        if let (Some(level), Some(None)) =
            (self.markers.get(number).and_then(|marker| marker.levels.first()), self.surfaces.get(number))
        {
            let side = |pixels: u32| (pixels / level.factor) as usize;
            self.make_room(side(self.picture.width()) * side(self.picture.height()));
        }
        let (Some(marker), Some(surface @ None)) = (self.markers.get(number), self.surfaces.get_mut(number)) else {
            return;
        };
        // In a small part of a sheet, multiplying everywhere takes less time than copies do.
        let pixels = f64::from(self.picture.width()) * f64::from(self.picture.height());
        if pixels * (marker.picture.len() as f64) < FEW {
            return;
        }
        if let Some(level) = marker.levels.first()
            && let Some(small) = self.copies.iter_mut().find(|small| small.factor == level.factor)
        {
            let SmallPicture { factor, copy, spectra, integrals } = small;
            let area = copy.get_or_init(|| SmallCopy::of(whole(self.picture), *factor)).area();
            let integrals = Integrals::bear::<u16>(level.copy.raw.len())
                .then(|| &*integrals.get_or_insert_with(|| Integrals::of(area)));
            *surface = Surface::of(area, (spectra, integrals), (level.copy.area(), &level.spectrum), matcher);
        }
    }

    /// For a marker without copies, scores all places; not of a picture so large that it is searched in strips.
    fn prepare_whole(&mut self, number: usize, matcher: &mut Matcher) {
        if let (Some(marker), Some(surface @ None)) = (self.markers.get(number), self.surfaces.get_mut(number))
            && marker.levels.is_empty()
        {
            let Searched { area, spectra } = &mut self.searched;
            let template = Template::new(pixels(&marker.picture), marker.picture.width() as usize);
            if template.is_some_and(|template| strip_width(*area, &template).is_some()) {
                return;
            }
            *surface = Surface::of(*area, (spectra, None), (whole(&marker.picture), &marker.spectrum), matcher);
        }
    }

    fn descent<'h>(&'h self, sought: Sought<'h>) -> Option<Descent<'h>> {
        let surface = self.surfaces.get(sought.number)?.as_ref()?;
        Some(Descent { hunt: self, sought, surface })
    }

    /// Is there a copy of a factor already?
    fn has_copy(&self, factor: u32) -> bool {
        self.copies.iter().any(|small| small.factor == factor && small.copy.get().is_some())
    }

    /// The copy of a factor.
    fn copy(&self, factor: u32) -> Option<Area<'_, u16>> {
        let small = self.copies.iter().find(|small| small.factor == factor)?;
        Some(small.copy.get_or_init(|| SmallCopy::of(whole(self.picture), factor)).area())
    }
}

fn keep_better(found: Found, best: &mut Option<Found>) {
    if found.is_better(*best) {
        *best = Some(found);
    }
}

impl Surface {
    /// Scores a marker everywhere. `None` if it does not fit.
    fn of<P: Sample>(
        area: Area<P>,
        (spectra, integrals): (&mut Spectra, Option<&Integrals>),
        (marker, kept): (Area<P>, &KeptSpectrum),
        matcher: &mut Matcher,
    ) -> Option<Self> {
        let template = Template::new(marker.raw, marker.width)?;
        let (width, height) =
            (area.width.checked_sub(template.width)? + 1, area.height.checked_sub(template.height)? + 1);
        let (mut scores, mut rows) = (Vec::with_capacity(width * height), Vec::with_capacity(height));
        let deviations = template.deviations();
        let mut judge = |line: &[f32], contrasts: &[f32]| {
            let start = scores.len();
            scores.resize(start + width, 0.0);
            rows.push(score_row(line, contrasts, deviations, &mut scores[start..]));
        };
        match integrals {
            Some(integrals) => {
                let mut contrasts = vec![0.0; width];
                matcher.correlate(area, spectra, &template, Some(kept), |y, line| {
                    integrals.contrasts(y, (template.width, template.height), &mut contrasts);
                    judge(line, &contrasts);
                })?;
            }
            None => {
                let mut windows = Windows::new(area, template.width, template.height);
                matcher.correlate(area, spectra, &template, Some(kept), |y, line| {
                    windows.enter(y);
                    judge(line, &windows.contrasts);
                })?;
            }
        }
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

    /// The highest place in each quarter of a block.
    fn highest(&self, places: Places) -> impl Iterator<Item = (u32, u32)> {
        let halves = |(least, most): (u32, u32)| {
            let middle = least + (most - least) / 2;
            [Some((least, middle)), (middle < most).then_some((middle + 1, most))].into_iter().flatten()
        };
        halves(places.y).flat_map(move |y| {
            halves(places.x).map(move |x| {
                let best = Cell::new(f32::NEG_INFINITY);
                let mut at = (x.0, y.0);
                for (y, row) in self.rows(Places { x, y }, |most| most > best.get()) {
                    for (x, score) in (x.0..).zip(row) {
                        if *score > best.get() {
                            best.set(*score);
                            at = (x, y);
                        }
                    }
                }
                at
            })
        })
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
    sought: Sought<'h>,
    surface: &'h Surface,
}

impl Descent<'_> {
    /// Follows the best places of the first copy down to a first good one.
    fn greedily(&self, best: &mut Option<Found>) {
        let Sought { number, marker, places } = self.sought;
        let first = marker.levels.first();
        for at in self.surface.highest(first.map_or(places, |level| places.on(level))) {
            let mut here = self.pixels(at, first);
            for level in marker.levels.iter().skip(1) {
                // A copy costs more than a few places of the picture do.
                if !self.hunt.has_copy(level.factor) {
                    continue;
                }
                let (Some(area), Some(places)) = (self.hunt.copy(level.factor), here) else { continue };
                let Some(template) = Template::new(&level.copy.raw, level.copy.width) else { continue };
                let mut highest = None;
                for (x, y) in places.on(level).all() {
                    let score = template.score(area, x as usize, y as usize);
                    if highest.is_none_or(|(most, _)| score > most) {
                        highest = Some((score, (x, y)));
                    }
                }
                here = highest.and_then(|(_, at)| self.pixels(at, Some(level)));
            }
            if let Some(places) = here {
                finest(whole(self.hunt.picture), (marker, number), places.all(), best);
            }
        }
    }

    /// Looks at all places that may be better than the best known. `None`: there are too many.
    fn all(&self, best: &mut Option<Found>) -> Option<()> {
        let Sought { number, marker, places } = self.sought;
        let mut level = marker.levels.first();
        // Without copies, scores are right but for rounding.
        let exact = || best.map_or(-2.0, |best| best.place.score - 2.0 * MARGIN);
        let floor = level.map_or_else(exact, |level| level.floor(*best));
        let factor = reduced::factor(self.hunt.picture.dimensions(), marker.picture.dimensions());
        let looked_at = places.count() as f64 / f64::from(factor).powi(2);
        let most = |level: Option<&Level>, next: Option<&Level>| {
            let (pixels, finer) = next.map_or((marker.picture.len(), 1), |l| (l.copy.raw.len(), l.factor));
            let children = (level.map_or(1, |level| level.factor) / finer).pow(2).max(1);
            let cost = (SCORE + SCORE_PIXEL * pixels as f64) * f64::from(children);
            (BUDGET * looked_at / cost) as usize + 16
        };
        let begin = level.map_or(places, |level| places.on(level));
        let mut found = self.surface.above(floor, begin, most(level, marker.levels.get(1)))?;
        for next in marker.levels.iter().skip(1) {
            if found.is_empty() {
                return Some(());
            }
            if found.len() < FEW_PLACES && !self.hunt.has_copy(next.factor) {
                continue;
            }
            if found.len() > most(level, Some(next)) {
                return None;
            }
            let template = Template::new(&next.copy.raw, next.copy.width)?;
            let area = self.hunt.copy(next.factor)?;
            let floor = next.floor(*best);
            let mut below = self.below(&found, level, |places| places.on(next));
            below.retain(|&(x, y)| template.score(area, x as usize, y as usize) >= floor);
            (found, level) = (below, Some(next));
        }
        if found.len() > most(level, None) {
            return None;
        }
        let places = self.below(&found, level, |places| places);
        finest(whole(self.hunt.picture), (marker, number), places.into_iter(), best);
        Some(())
    }

    /// The places of the marker in the picture that a place of a copy stands for; `None`: they are not looked for.
    fn pixels(&self, (x, y): (u32, u32), level: Option<&Level>) -> Option<Places> {
        let ((across, down), factor) = level.map_or(((0, 0), 1), |level| (level.offset, level.factor));
        let range = |at: u32, offset: u32, (least, most): (u32, u32)| {
            let first = (at * factor).saturating_sub(factor / 2 + offset).max(least);
            let last = (at * factor + factor - 1).checked_sub(factor / 2 + offset)?.min(most);
            (first <= last).then_some((first, last))
        };
        let places = self.sought.places;
        Some(Places { x: range(x, across, places.x)?, y: range(y, down, places.y)? })
    }

    /// The finer places below several places of a copy, in raster order, each once.
    fn below(&self, found: &[(u32, u32)], level: Option<&Level>, finer: impl Fn(Places) -> Places) -> Vec<(u32, u32)> {
        let below = found.iter().filter_map(|&at| self.pixels(at, level));
        let mut all: Vec<_> = below.flat_map(|places| finer(places).all()).collect();
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
pub(super) mod tests {
    use image::Luma;
    use image::imageops::crop_imm;
    use proptest::prelude::*;

    use super::*;
    use crate::imaging::arbitrary::{flat_picture, picture};

    /// A ring with a dot in it, `side` pixels wide, on white.
    pub(in crate::imaging::matching) fn ring(side: u32) -> GrayImage {
        let middle = f64::from(side - 1) / 2.0;
        GrayImage::from_fn(side, side, |x, y| {
            let part = (f64::from(x) - middle).hypot(f64::from(y) - middle) / (f64::from(side) / 2.0);
            Luma([if part < 0.35 || (0.65..0.95).contains(&part) { 20 } else { 240 }])
        })
    }

    /// Print-like bars of many lengths on paper, with noise.
    pub(in crate::imaging::matching) fn print(width: u32, height: u32, mut seed: u32) -> GrayImage {
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
    pub(in crate::imaging::matching) fn paste(img: &mut GrayImage, marker: &GrayImage, x: u32, y: u32, darkest: u8) {
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
    fn what_is_kept_of_a_marker_serves_pictures_of_any_size() {
        let markers = Marker::series([44, 40, 36, 12].map(ring).to_vec());
        let mut matcher = Matcher::default();
        for (width, height, which) in [(300, 400, 1), (300, 400, 0), (217, 161, 2), (300, 401, 3)] {
            let mut img = print(width, height, width + which as u32);
            paste(&mut img, markers[which].picture(), 91, 64, 40);
            let found = Hunt::new(&img, &markers).best(&mut matcher);
            assert_eq!(found.map(|f| (f.marker, f.place.at)), Some((which, PixelPoint::new(91, 64))));
            assert_eq!(found, plain(&img, Rect::new(0, 0, width, height), &markers));
        }
    }

    #[test]
    fn a_large_picture_is_looked_at_on_a_copy_and_the_place_is_exact() {
        // So wide that no smaller copies of it are prepared, in a picture of more than four million pixels.
        let markers = [Marker::new(ring(521))];
        assert!(markers[0].levels.is_empty());
        let mut img = GrayImage::from_pixel(3001, 1501, Luma([230]));
        paste(&mut img, markers[0].picture(), 1779, 863, 90);
        paste(&mut img, &ring(300), 401, 200, 30);
        let mut hunt = Hunt::new(&img, &markers);
        let found = hunt.best(&mut Matcher::default()).unwrap();
        assert_eq!(found.place.at, PixelPoint::new(1779, 863));
        assert!(found.place.score > 0.99);
        let part = hunt.best_in(Rect::new(1501, 501, 9000, 9000), 0, &mut Matcher::default());
        assert_eq!(part.map(|m| m.at), Some(PixelPoint::new(1779, 863)));
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
            let markers = Marker::series(sides.iter().map(|&side| ring(side)).collect());
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
            let markers = Marker::series(pictures);
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
