//! `alignment` of the v2 family: each block is compared with a reference picture of the form, and read where its print has
//! moved to.
//!
//! A block with its margins is cut into tiles of about a bubble and a half. For every displacement, each tile of the
//! reference is correlated with the sheet; what speaks for a displacement is added up, and the one with the most is the
//! block's shift: coarsely first, then in full detail. A mark that one of the pictures has and the other has not takes away
//! the voice of its own tile and no more, and a correlation does not care how dark a copy is. OMRChecker averages the four
//! SIFT matches that are nearest to the block's corner, among them matches of a mark with another mark.
//!
//! Rows of bubbles look the same a gap further on. So the search starts from where the whole page, laid onto the reference,
//! has a block, and what is found is compared with the places a gap away: numbers, frames and the ends of rows tell them
//! apart. A sheet is rigid paper: the displacements of most blocks lie on an affine map, and what they lead by together
//! tells whether it is the right one. A block that the others contradict, or whose own print says too little, is placed by
//! them; its fields are doubted unless print is found there. Blocks that were displaced each for itself are
//! believed by their own lead. On the reference itself, the boxes are put onto
//! the printed bubbles ([`super::lattice`]): what the template and the reference disagree about is no shift of the sheet.

use std::path::Path;

use image::GrayImage;

use super::lattice::LatticeFit;
use super::reference_page::{ReferencePage, SheetPage};
use super::{Alignment, Placement};
use crate::deadline::Deadline;
use crate::geometry::{PixelPoint, Point, Rect, Size};
use crate::imaging::correlation::{Peak, Surface};
use crate::imaging::robust::{Model, Pair};
use crate::imaging::stats;
use crate::imaging::warp::Homography;
use crate::sheet::error::{Reason, SheetError};
use crate::sheet::preprocess::{LoadPicture, PrepareError, Steps};
use crate::sheet::time_limit;
use crate::template::{FieldBlock, Template};

/// The coarse search is done on a copy on which the radius is at most this many pixels …
const COARSE_RADIUS: u32 = 8;
/// … as long as a bubble keeps this many.
const COARSE_BUBBLE: u32 = 4;
/// Radius of each finer search, which starts from twice a place that was right to half a pixel.
const FINE_RADIUS: u32 = 2;
/// Least side of a tile in pixels of the copy, and its side in bubbles.
const LEAST_TILE: u32 = 16;
const TILE_BUBBLES: f64 = 1.5;
/// A tile of the reference whose grays deviate less than this is paper.
const LEAST_DEVIATION: f64 = 4.0;
/// A block's print is found when its tiles agree this well on average …
const LEAST_EVIDENCE: f32 = 0.2;
/// … and by so much better than anywhere else.
const LEAST_LEAD: f32 = 0.02;
/// A place that the other blocks suggest needs less.
const LEAST_EVIDENCE_NEAR: f32 = 0.12;
/// So much better must a block's print agree than a gap away to be believed for itself, and so much, on average, the
/// blocks that lie on one map. Numbers beside the bubbles and the ends of the rows give a block 0.05 to 0.25, one in the
/// midst of more rows about 0; a gap off, the same is lost.
const LEAST_LEAD_ALONE: f32 = 0.05;
const LEAST_COMMON_LEAD: f32 = 0.03;
/// A block that is taken for its neighbour is led back over this many gaps at most.
const MAX_GAPS: u32 = 4;
/// So many found blocks can contradict another.
const LEAST_BLOCKS: usize = 4;

/// Aligns the blocks of a template with a reference picture.
pub struct BlockAligner {
    reference: ReferencePage,
    /// What is compared for the blocks of each layout.
    layouts: Vec<Vec<BlockPlan>>,
}

/// The blocks of one layout.
struct Blocks<'a>(&'a [BlockPlan]);

/// What is compared for a block.
struct BlockPlan {
    name: String,
    /// The block with its margins, within the page.
    area: Rect,
    /// The largest shift; 0: it is read where the template has it.
    reach: u32,
    /// The coarsest copy that is compared: how often the page is halved.
    coarsest: usize,
    bubble: Size,
    /// The tiles with print for each copy, up to the coarsest.
    tiles: Vec<Vec<Rect>>,
    /// How its boxes lie on the print of the reference.
    lattice: LatticeFit,
    /// A block of bubbles, whose fields can be doubted; else a zone, whose reading tells by itself.
    has_bubbles: bool,
}

/// Where a block lies by its own print.
#[derive(Debug, Clone, Copy)]
struct Found {
    /// From where the search's base takes it.
    place: Shift,
    /// Mean correlation of its tiles, on the coarsest copy.
    evidence: f32,
    /// Is there no other such place within reach?
    is_certain: bool,
    /// See [`Search::lead`].
    lead: f32,
}

impl Found {
    /// Is there print that lies at one place and no other within reach?
    fn has_print(&self) -> bool {
        self.evidence >= LEAST_EVIDENCE && (self.is_certain || self.is_told())
    }

    /// Does the print tell the place from those a gap away?
    fn is_told(&self) -> bool {
        self.evidence >= LEAST_EVIDENCE && self.lead >= LEAST_LEAD_ALONE
    }
}

/// What a block's place is believed by.
struct Trust {
    /// The blocks that lie on one map agree with it better than with one that is a gap away.
    paper_is_told: bool,
    /// The median of the places that are told by their own print, if most blocks have such a place and it is near that.
    common: Option<Shift>,
    /// The page as a whole was laid onto the reference.
    has_whole: bool,
}

impl Trust {
    fn holds(&self, block: &BlockPlan, found: &Found, paper: &Paper) -> bool {
        if self.paper_is_told {
            return paper.agrees(block, found);
        }
        // Blocks of one sheet that seem to lie more than maxDisplacement apart have been taken for their neighbours.
        let own = found.is_told() && self.common.is_some_and(|common| block.reaches(found.place.from(common)));
        // The page may tell where there are too few blocks to ask, unless the block's own print is against it.
        let by_page = self.has_whole
            && !paper.is_sure
            && found.place.far() <= block.half_bubble()
            && found.lead > -LEAST_LEAD_ALONE;
        own || by_page
    }
}

impl BlockAligner {
    /// Loads the reference, and brings it to the page as a sheet is.
    ///
    /// # Errors
    /// [`PrepareError`]: it cannot be loaded, or the template's steps fail on it.
    pub fn prepare(
        template: &Template,
        reference: &Path,
        steps: &Steps,
        load: LoadPicture<'_>,
    ) -> Result<Self, PrepareError> {
        let page = ReferencePage::load(template, reference, steps, load)?;
        let plan = |layout: &Template| layout.blocks.iter().map(|b| BlockPlan::new(b, &page)).collect();
        let mut layouts: Vec<Vec<BlockPlan>> = template.layouts().map(plan).collect();
        let moving = layouts.iter().flatten().filter(|plan| plan.reach > 0);
        let deepest = moving.map(|plan| plan.coarsest).max();
        let reference = ReferencePage::new(page, deepest);
        for (plans, layout) in layouts.iter_mut().zip(template.layouts()) {
            for (plan, block) in plans.iter_mut().zip(&layout.blocks) {
                plan.find_tiles(&reference.pages, block);
            }
        }
        Ok(Self { reference, layouts })
    }

    /// The page of the reference picture, at the template's size.
    pub fn reference_page(&self) -> Option<&GrayImage> {
        self.reference.pages.first()
    }

    /// The place of each block of a layout (by number; 0 is the template's own) on a page, which must have the template's
    /// size.
    ///
    /// # Errors
    /// alignment-failed: not one block's print was found; time-limit.
    pub fn align(&self, layout: usize, sheet: &SheetPage<'_>) -> Result<Alignment, SheetError> {
        let blocks = self.layouts.get(layout).map_or(&[][..], Vec::as_slice);
        Blocks(blocks).align(&self.reference, sheet)
    }
}

impl Blocks<'_> {
    fn align(&self, reference: &ReferencePage, sheet: &SheetPage<'_>) -> Result<Alignment, SheetError> {
        let mut alignment = Alignment { placements: vec![Placement::default(); self.0.len()], uncertain: Vec::new() };
        if self.moving().next().is_none() {
            return Ok(alignment);
        }
        let whole = sheet.whole(reference);
        let (pages, base) = (sheet.pages(reference), whole.unwrap_or(Homography::IDENTITY));
        let mut search = Search { reference: &reference.pages, sheet: pages, base };
        let (mut found, mut paper) = self.find(&search, sheet.deadline())?;
        if paper.is_sure && self.moving().any(|(_, block)| paper.shift_at(block.middle()).far() > block.half_bubble()) {
            // The paper lies elsewhere: what it does as a whole is no displacement of a block.
            search.base = paper.onto(&search.base);
            (found, paper) = self.find(&search, sheet.deadline())?;
        }
        let trust = self.trust(&found, &paper, whole.is_some());
        let mut has_print = false;
        for (i, block) in self.moving() {
            let expected = paper.shift_at(block.middle());
            let own = found[i].filter(|f| paper.agrees(block, f) && f.has_print());
            let own = own.or_else(|| {
                let near = search.find(block, expected, Some(FINE_RADIUS))?;
                (near.is_certain && paper.agrees(block, &near)).then_some(near)
            });
            let own = own.or_else(|| found[i].filter(Found::is_told));
            has_print |= own.is_some();
            let place = own.map_or(expected, |f| f.place);
            alignment.placements[i] = block.placement(place, &search.base, paper.linear());
            if block.has_bubbles && !own.is_some_and(|f| trust.holds(block, &f, &paper)) {
                alignment.uncertain.push(i);
            }
        }
        if !has_print {
            let best = found.iter().flatten().map(|f| f.evidence).fold(0.0, f32::max);
            let names: Vec<&str> = self.moving().map(|(_, block)| block.name.as_str()).collect();
            return Err(SheetError::new(
                Reason::AlignmentFailed,
                format!(
                    "no block's print lies within maxDisplacement of its place in the reference picture; \
                     the best agrees by {best:.2} (blocks {})",
                    names.join(", ")
                ),
            ));
        }
        Ok(alignment)
    }

    /// The blocks that may be displaced, with their numbers.
    fn moving(&self) -> impl Iterator<Item = (usize, &BlockPlan)> {
        self.0.iter().enumerate().filter(|(_, block)| block.reach > 0)
    }

    /// What makes a place believed on this page.
    fn trust(&self, found: &[Option<Found>], paper: &Paper, has_whole: bool) -> Trust {
        let all = || self.moving().filter_map(|(i, block)| Some((block, found.get(i).copied().flatten()?)));
        let (sum, count) = all()
            .filter(|(block, f)| paper.agrees(block, f))
            .fold((0.0, 0u32), |(sum, count), (_, f)| (sum + f.lead, count + 1));
        let paper_is_told = paper.is_sure && sum >= LEAST_COMMON_LEAD * count as f32;
        let told = || all().filter(|(_, f)| f.is_told());
        let common = Shift { x: median(told().map(|(_, f)| f.place.x)), y: median(told().map(|(_, f)| f.place.y)) };
        let within = told().filter(|(block, f)| block.reaches(f.place.from(common))).count();
        Trust { paper_is_told, common: (2 * within > all().count()).then_some(common), has_whole }
    }

    /// Where each block lies by its own print, and what the blocks have in common.
    fn find(&self, search: &Search<'_>, deadline: Deadline) -> Result<(Vec<Option<Found>>, Paper), SheetError> {
        let mut found: Vec<Option<Found>> = vec![None; self.0.len()];
        for (i, block) in self.moving() {
            time_limit::check(deadline)?;
            found[i] = search.find(block, Shift::NONE, None);
        }
        let places =
            self.moving().filter_map(|(i, block)| Some((block.middle(), found[i].filter(Found::has_print)?.place)));
        // Paper is not quite flat: half of what a box may be off.
        let tolerance = self.moving().map(|(_, block)| block.half_bubble() / 2.0).fold(f64::INFINITY, f64::min);
        let paper = Paper::of(places.collect(), tolerance);
        Ok((found, paper))
    }
}

/// How far a map moves a place.
fn shift(map: &Homography, p: Point) -> Shift {
    let q = map.apply(p);
    Shift { x: q.x - p.x, y: q.y - p.y }
}

/// A displacement to the right and downwards, in page pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Shift {
    x: f64,
    y: f64,
}

impl Shift {
    const NONE: Self = Self { x: 0.0, y: 0.0 };

    fn plus(self, other: Self) -> Self {
        Self { x: self.x + other.x, y: self.y + other.y }
    }

    /// From another displacement to this.
    fn from(self, other: Self) -> Self {
        Self { x: self.x - other.x, y: self.y - other.y }
    }

    /// The greater of how far it goes in either direction.
    fn far(self) -> f64 {
        self.x.abs().max(self.y.abs())
    }
}

impl BlockPlan {
    fn new(block: &FieldBlock, reference: &GrayImage) -> Self {
        let page = Size::new(reference.width(), reference.height());
        let margins = block.alignment.margins;
        // Sides of pages and margins are far below 2^30.
        let grown = Rect::new(
            block.bounds.x.saturating_sub_unsigned(margins.left),
            block.bounds.y.saturating_sub_unsigned(margins.top),
            block.bounds.width.saturating_add(margins.left).saturating_add(margins.right),
            block.bounds.height.saturating_add(margins.top).saturating_add(margins.bottom),
        );
        let (x0, y0, x1, y1) = grown.clipped(page);
        let area = Rect::new(x0 as i32, y0 as i32, x1 - x0, y1 - y0);
        let reach = block.alignment.max_displacement.min(page.width.max(page.height));
        let has_bubbles = block.fields.iter().any(|field| !field.bubbles.is_empty());
        // A zone has no bubbles to go by.
        let bubble = if has_bubbles { block.bubble_size } else { Size::new(LEAST_TILE, LEAST_TILE) };
        let mut coarsest = 0;
        while reach >> coarsest > COARSE_RADIUS && bubble.width.min(bubble.height) >> (coarsest + 1) >= COARSE_BUBBLE {
            coarsest += 1;
        }
        let lattice = LatticeFit::of(reference, block);
        Self { name: block.name.clone(), area, reach, coarsest, bubble, tiles: Vec::new(), lattice, has_bubbles }
    }

    /// Chooses what is compared, on each of the reference's pages.
    fn find_tiles(&mut self, pages: &[GrayImage], block: &FieldBlock) {
        if let Some(page) = pages.first().filter(|_| self.reach > 0) {
            let marks = self.marks(page, block);
            self.tiles =
                (0..=self.coarsest).zip(pages).map(|(level, page)| self.tiles_of(page, level, &marks)).collect();
        }
    }

    /// The bubbles that are marked on the reference itself: a quarter of the range darker than most of the block's.
    fn marks(&self, page: &GrayImage, block: &FieldBlock) -> Vec<Rect> {
        const DARKER: f64 = 48.0;
        let here = self.placement(Shift::NONE, &Homography::IDENTITY, [1.0, 0.0, 0.0, 1.0]);
        let size = block.bubble_size;
        let bubbles = block.fields.iter().flat_map(|field| &field.bubbles);
        let boxes: Vec<Rect> = bubbles.map(|b| here.of(Rect::new(b.x, b.y, size.width, size.height))).collect();
        let means: Vec<f64> = boxes.iter().map(|&area| stats::box_mean(page, area)).collect();
        let blank = median(means.iter().copied());
        boxes.into_iter().zip(means).filter(|(_, mean)| *mean < blank - DARKER).map(|(area, _)| area).collect()
    }

    /// The tiles of the area that have print, on the copy halved `level` times. Those in which the reference is marked are
    /// left out if half of all remain: a mark of the reference looks like any mark of the sheet.
    fn tiles_of(&self, page: &GrayImage, level: usize, marks: &[Rect]) -> Vec<Rect> {
        let bubble = f64::from(self.bubble.width.max(self.bubble.height)) / f64::from(1u32 << level);
        let side = ((bubble * TILE_BUBBLES / 8.0).round() as u32 * 8).max(LEAST_TILE);
        let area =
            Rect::new(self.area.x >> level, self.area.y >> level, self.area.width >> level, self.area.height >> level);
        let mut tiles = Vec::new();
        for y in (0..area.height).step_by(side as usize) {
            for x in (0..area.width).step_by(side as usize) {
                let (width, height) = (side.min(area.width - x), side.min(area.height - y));
                // Narrow remains match anything.
                if width < LEAST_TILE / 2 || height < LEAST_TILE / 2 {
                    continue;
                }
                let tile = Rect::new(area.x + x as i32, area.y + y as i32, width, height);
                if deviation(page, tile) >= LEAST_DEVIATION {
                    tiles.push(tile);
                }
            }
        }
        let is_marked = |tile: &Rect| marks.iter().any(|mark| overlap(*tile, mark_at(*mark, level)));
        let unmarked: Vec<Rect> = tiles.iter().copied().filter(|tile| !is_marked(tile)).collect();
        if 2 * unmarked.len() >= tiles.len() { unmarked } else { tiles }
    }

    /// Farther off, a box holds less of its bubble than of what is beside it; in page pixels.
    fn half_bubble(&self) -> f64 {
        f64::from(self.bubble.width.min(self.bubble.height).max(4)) / 2.0
    }

    /// May the block be displaced as far as this? Half a bubble more is given, for paper that is not flat.
    fn reaches(&self, displacement: Shift) -> bool {
        displacement.far() <= f64::from(self.reach) + self.half_bubble()
    }

    fn middle(&self) -> Point {
        let half = |start: i32, length: u32| f64::from(start) + f64::from(length) / 2.0;
        Point::new(half(self.area.x, self.area.width), half(self.area.y, self.area.height))
    }

    /// The place of the boxes when the print's middle lies `place` from where `base` takes it, and displacements grow by
    /// `growth` − 1 with the distance from there.
    fn placement(&self, place: Shift, base: &Homography, growth: [f64; 4]) -> Placement {
        let LatticeFit { middle, shift: own, stretch, .. } = self.lattice;
        let [a, b, _, c, d, ..] = base.0;
        let [e, f, g, h] = growth;
        // Displacements are added to where the base takes a place.
        let [a, b, c, d] = [a + e - 1.0, b + f, c + g, d + h - 1.0];
        let area = self.middle();
        let shift = shift(base, area).plus(place);
        // The shift was found for the middle of the area, margins included.
        let (x, y) = (middle.x - area.x + own.0, middle.y - area.y + own.1);
        let moved = ((a - 1.0) * x + b * y + shift.x + own.0, c * x + (d - 1.0) * y + shift.y + own.1);
        let linear = [a * stretch.0, b * stretch.1, c * stretch.0, d * stretch.1];
        Placement { middle, shift: moved, linear }
    }
}

/// A page that is compared with the reference; both with their copies.
struct Search<'a> {
    reference: &'a [GrayImage],
    sheet: &'a [GrayImage],
    /// Where places of the reference are expected on the page; displacements are counted from there.
    base: Homography,
}

impl Search<'_> {
    /// Searches for a block from coarse to fine around a displacement. `near` is the radius of a search about a place that
    /// is known otherwise; `None`: all that may be reached, and on by whole gaps as long as that is clearly better.
    fn find(&self, block: &BlockPlan, start: Shift, near: Option<u32>) -> Option<Found> {
        let mut place = start;
        let mut first: Option<(f32, bool)> = None;
        for level in (0..=block.coarsest).rev() {
            let radius = match (first, near) {
                (Some(_), _) => FINE_RADIUS,
                (None, Some(near)) => near,
                (None, None) => block.reach.div_ceil(1 << level),
            };
            let (Peak { score, rival, on_rim, .. }, at) = self.peak(block, level, place, radius)?;
            place = at;
            if first.is_none() {
                let is_certain = match near {
                    None => score >= LEAST_EVIDENCE && score - rival >= LEAST_LEAD && !on_rim,
                    Some(_) => score >= LEAST_EVIDENCE_NEAR && !on_rim,
                };
                first = Some((score, is_certain));
            }
        }
        let (evidence, is_certain) = first?;
        let (mut lead, mut better) = self.lead(block, place)?;
        for _ in 0..MAX_GAPS {
            if near.is_some() || lead > -LEAST_LEAD_ALONE {
                break;
            }
            place = self.peak(block, 0, better, FINE_RADIUS)?.1;
            (lead, better) = self.lead(block, place)?;
        }
        Some(Found { place, evidence, is_certain, lead })
    }

    /// By how much a block's print agrees better with a displacement than with those that are a gap away, and the best of
    /// these: what tells a bubble from its neighbour is the print beside them. `None` if nothing agrees there.
    fn lead(&self, block: &BlockPlan, at: Shift) -> Option<(f32, Shift)> {
        /// The search about a place must not reach the neighbouring one.
        const LEAST_GAP: f64 = 3.0 * FINE_RADIUS as f64;
        let gaps = block.lattice.gaps;
        // Several gaps away too: a place may be better than its neighbours, and another be the right one.
        let along = (-(MAX_GAPS as i32)..=MAX_GAPS as i32).map(f64::from);
        let steps: Vec<Shift> =
            along.flat_map(|n| [Shift { x: n * gaps.0, y: 0.0 }, Shift { x: 0.0, y: n * gaps.1 }]).collect();
        let steps = || steps.iter().filter(|step| step.far() >= LEAST_GAP);
        let is_coarse = block.coarsest > 0 && steps().all(|step| step.far() >= 2.0 * LEAST_GAP);
        let look = |at| self.peak(block, usize::from(is_coarse), at, FINE_RADIUS);
        let (here, _) = look(at)?;
        let beside = steps().filter_map(|step| look(at.plus(*step)));
        let best = beside.max_by(|(a, _), (b, _)| a.score.total_cmp(&b.score));
        // Nothing beside it agrees at all, or there is nothing to confuse it with.
        Some(best.map_or((here.score, at), |(peak, place)| (here.score - peak.score, place)))
    }

    /// The best displacement within a radius (in pixels of the copy halved `level` times) of another; the scores are means
    /// over the tiles.
    fn peak(&self, block: &BlockPlan, level: usize, from: Shift, radius: u32) -> Option<(Peak, Shift)> {
        let (tiles, reference, sheet) = (block.tiles.get(level)?, self.reference.get(level)?, self.sheet.get(level)?);
        let scale = f64::from(1u32 << level);
        let mut sum = Surface::flat(radius);
        // A tile lies at whole pixels; what that has moved it by, on average, is no displacement.
        let mut rounded = Shift::NONE;
        for &tile in tiles {
            let half = (f64::from(tile.width) / 2.0, f64::from(tile.height) / 2.0);
            let middle = Point::new((f64::from(tile.x) + half.0) * scale, (f64::from(tile.y) + half.1) * scale);
            let to = self.base.apply(middle);
            let (x, y) = ((to.x + from.x) / scale - half.0, (to.y + from.y) / scale - half.1);
            let at = PixelPoint::new(x.round() as i32, y.round() as i32);
            rounded = rounded.plus(Shift { x: f64::from(at.x) - x, y: f64::from(at.y) - y });
            sum.add_evidence(&Surface::of(reference, tile, sheet, at, radius), 1.0);
        }
        // Half a tile away is another place.
        let apart = (LEAST_TILE / 4).max(radius / 3);
        let count = tiles.len().max(1) as f64;
        let peak = sum.peak(apart)?;
        let (x, y) = (peak.x + rounded.x / count, peak.y + rounded.y / count);
        let place = Shift { x: from.x + x * scale, y: from.y + y * scale };
        let mean = |score: f32| score / count as f32;
        Some((Peak { score: mean(peak.score), rival: mean(peak.rival), ..peak }, place))
    }
}

/// A box of the page on the copy halved `level` times.
fn mark_at(mark: Rect, level: usize) -> Rect {
    Rect::new(mark.x >> level, mark.y >> level, mark.width >> level, mark.height >> level)
}

fn overlap(a: Rect, b: Rect) -> bool {
    let apart = |a: i32, a_length: u32, b: i32, b_length: u32| {
        i64::from(a) + i64::from(a_length) <= i64::from(b) || i64::from(b) + i64::from(b_length) <= i64::from(a)
    };
    !apart(a.x, a.width, b.x, b.width) && !apart(a.y, a.height, b.y, b.height)
}

/// Standard deviation of the grays in a box that lies in the picture.
fn deviation(img: &GrayImage, area: Rect) -> f64 {
    let (x0, y0, x1, y1) = area.clipped(Size::new(img.width(), img.height()));
    let (mut sum, mut squares, mut count) = (0u64, 0u64, 0u64);
    for row in img.rows().skip(y0 as usize).take((y1 - y0) as usize) {
        for p in row.skip(x0 as usize).take((x1 - x0) as usize) {
            let v = u64::from(p.0[0]);
            (sum, squares, count) = (sum + v, squares + v * v, count + 1);
        }
    }
    let mean = sum as f64 / count.max(1) as f64;
    (squares as f64 / count.max(1) as f64 - mean * mean).max(0.0).sqrt()
}

/// How the whole sheet lies, by the blocks that were found.
struct Paper {
    /// Takes a place of the template to that on the sheet, as far as the search's base does not; `None`: there are too few
    /// blocks, or they lie on a line.
    map: Option<Homography>,
    /// The median displacement.
    median: Shift,
    /// Do enough blocks agree to contradict one?
    is_sure: bool,
}

impl Paper {
    /// From places and their displacements. `tolerance`: blocks may be off the common map by this many page pixels.
    fn of(blocks: Vec<(Point, Shift)>, tolerance: f64) -> Self {
        let median = Shift { x: median(blocks.iter().map(|(_, s)| s.x)), y: median(blocks.iter().map(|(_, s)| s.y)) };
        let pairs: Vec<Pair> =
            blocks.iter().map(|&(from, s)| Pair { from, to: Point::new(from.x + s.x, from.y + s.y) }).collect();
        // A turn or a stretch of more than a tenth would move blocks farther than any print reaches.
        let is_near = |map: &Homography| {
            let [a, b, _, d, e, ..] = map.0;
            (a - 1.0).abs().max(b.abs()).max(d.abs()).max((e - 1.0).abs()) < 0.1
        };
        let fit = Model::Affine.fit(&pairs, tolerance, is_near);
        let is_sure = fit.as_ref().is_some_and(|fit| fit.count() >= LEAST_BLOCKS && 3 * fit.count() >= 2 * pairs.len());
        Self { map: fit.filter(|_| is_sure).map(|fit| fit.map), median, is_sure }
    }

    /// The rows of the matrix by which displacements grow, and 1.
    fn linear(&self) -> [f64; 4] {
        self.map.as_ref().map_or([1.0, 0.0, 0.0, 1.0], |map| [map.0[0], map.0[1], map.0[3], map.0[4]])
    }

    fn shift_at(&self, p: Point) -> Shift {
        self.map.as_ref().map_or(self.median, |map| shift(map, p))
    }

    /// Does nothing that is sure speak against where a block was found?
    fn agrees(&self, block: &BlockPlan, found: &Found) -> bool {
        let expected = self.shift_at(block.middle());
        !self.is_sure || found.place.from(expected).far() <= block.half_bubble()
    }

    /// The base of a search with the displacements added.
    fn onto(&self, base: &Homography) -> Homography {
        let Some(map) = &self.map else { return *base };
        let mut sum = base.0;
        for ((sum, map), still) in sum.iter_mut().zip(map.0).zip(Homography::IDENTITY.0).take(6) {
            *sum += map - still;
        }
        Homography(sum)
    }
}

/// The middle value, the lower one of two; 0 of none.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests;
