//! `alignment` of the v2 family: each block is compared with a reference picture of the form, and read where its print has
//! moved to.
//!
//! A block with its margins is cut into tiles of about a bubble and a half. For every displacement, each tile of the
//! reference is correlated with the sheet; what speaks for a displacement is added up, and the one with the most is the
//! block's shift: coarsely first, then in full detail. A mark that one of the pictures has and the other has not takes away
//! the voice of its own tile and no more, and a correlation does not care how dark a copy is. OMRChecker averages the four
//! SIFT matches that are nearest to the block's corner, among them matches of a mark with another mark.
//!
//! A sheet is rigid paper: the shifts of its blocks lie on an affine map. A block that the others contradict, or whose own
//! print says too little, is placed by them, and its fields are doubted; so are those of a block that lies
//! elsewhere when the page is laid onto the reference as a whole. On the reference itself, the boxes are put onto
//! the printed bubbles ([`super::lattice`]): what the template and the reference disagree about is no shift of the sheet.

use std::path::Path;

use image::GrayImage;

use super::lattice::LatticeFit;
use super::{Alignment, Placement};
use crate::geometry::{PixelPoint, Point, Rect, Size};
use crate::imaging::correlation::{Peak, Surface};
use crate::imaging::registration::Reference;
use crate::imaging::robust::{Model, Pair};
use crate::imaging::{resize, stats};
use crate::sheet::Scratch;
use crate::sheet::error::{Reason, SheetError};
use crate::sheet::page::Page;
use crate::sheet::preprocess::{LoadPicture, PrepareError, Raster, Steps};
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
/// So many found blocks can contradict another.
const LEAST_BLOCKS: usize = 4;

/// Aligns the blocks of a template with a reference picture.
pub struct BlockAligner {
    /// The reference page, and copies of it, each half as large as the one before.
    pages: Vec<GrayImage>,
    blocks: Vec<BlockPlan>,
    /// The reference page as a whole, if it has enough print; a second opinion on where blocks lie.
    whole: Option<Reference>,
}

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
    x: f64,
    y: f64,
    evidence: f32,
    is_certain: bool,
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
        let raster = Raster { gray: load(reference)?, colour: None };
        let raster = steps.apply(raster, false, &mut Scratch::default()).map_err(|e| PrepareError::Asset {
            path: reference.to_path_buf(),
            detail: format!("the template's own steps fail on the picture to align with: {e}"),
        })?;
        let page = Page::of(raster, template.page_size, false).gray;
        let plans: Vec<BlockPlan> = template.blocks.iter().map(|b| BlockPlan::new(b, &page)).collect();
        let deepest = plans.iter().map(|plan| plan.coarsest).max().unwrap_or(0);
        let moves = plans.iter().any(|plan| plan.reach > 0);
        let whole = if moves { Reference::new(&page) } else { None };
        let pages = halved(page, deepest);
        let blocks = plans.into_iter().zip(&template.blocks);
        let blocks = blocks.map(|(plan, block)| plan.with_tiles(&pages, block)).collect();
        Ok(Self { pages, blocks, whole })
    }

    /// The place of each block of a page, which must have the template's size.
    ///
    /// # Errors
    /// alignment-failed: not one block's print was found.
    pub fn align(&self, page: &GrayImage) -> Result<Alignment, SheetError> {
        let sheet = halved(page.clone(), self.pages.len().saturating_sub(1));
        let moving = || self.blocks.iter().enumerate().filter(|(_, block)| block.reach > 0);
        let mut found: Vec<Option<Found>> = vec![None; self.blocks.len()];
        for (i, block) in moving() {
            found[i] = block.find(&self.pages, &sheet, (0.0, 0.0), None);
        }
        let certain: Vec<usize> = moving().map(|(i, _)| i).filter(|&i| is_certain(found[i])).collect();
        if certain.is_empty() && moving().next().is_some() {
            let best = found.iter().flatten().map(|f| f.evidence).fold(0.0, f32::max);
            let names: Vec<&str> = moving().map(|(_, block)| block.name.as_str()).collect();
            return Err(SheetError::new(
                Reason::AlignmentFailed,
                format!(
                    "no block's print lies within maxDisplacement of its place in the reference picture; \
                     the best agrees by {best:.2} (blocks {})",
                    names.join(", ")
                ),
            ));
        }
        let mut alignment =
            Alignment { placements: vec![Placement::default(); self.blocks.len()], uncertain: Vec::new() };
        let paper = Paper::of(certain.iter().filter_map(|&i| Some((self.blocks[i].middle(), found[i]?))).collect());
        // Where the page as a whole takes the reference's places, if that can be told.
        let whole = self.whole.as_ref().and_then(|whole| whole.register(page, Model::Affine).ok());
        let whole = whole.and_then(|found| found.map.inverse());
        // Blocks that lie here and there on rigid paper have been taken for others.
        let contradictory = certain.len() >= LEAST_BLOCKS && !paper.is_sure;
        for (i, block) in moving() {
            let expected = paper.shift_at(block.middle());
            let agrees = |f: &Found| {
                let limit = block.half_bubble();
                !paper.is_sure || (f.x - expected.0).abs().max((f.y - expected.1).abs()) <= limit
            };
            let own = found[i].filter(|f| f.is_certain && agrees(f));
            let own = own.or_else(|| {
                let near = block.find(&self.pages, &sheet, expected, Some(FINE_RADIUS))?;
                (near.is_certain && agrees(&near)).then_some(near)
            });
            let (x, y) = own.map_or(expected, |f| (f.x, f.y));
            alignment.placements[i] = block.placement((x, y), paper.linear());
            // Print that has moved by a gap looks like the bubble beside it; the page as a whole does not.
            let is_elsewhere = whole.as_ref().is_some_and(|map| {
                let (from, limit) = (block.middle(), block.half_bubble());
                let to = map.apply(from);
                (to.x - from.x - x).abs().max((to.y - from.y - y).abs()) > limit
            });
            if block.has_bubbles && (own.is_none() || is_elsewhere || contradictory) {
                alignment.uncertain.push(i);
            }
        }
        Ok(alignment)
    }
}

fn is_certain(found: Option<Found>) -> bool {
    found.is_some_and(|f| f.is_certain)
}

/// A picture and copies of it, each half as large as the one before: `count` of them.
fn halved(page: GrayImage, count: usize) -> Vec<GrayImage> {
    let mut pages = vec![page];
    for i in 0..count {
        let half = resize::shrunk(&pages[i], 2);
        pages.push(half);
    }
    pages
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

    fn with_tiles(mut self, pages: &[GrayImage], block: &FieldBlock) -> Self {
        if let Some(page) = pages.first().filter(|_| self.reach > 0) {
            let marks = self.marks(page, block);
            self.tiles =
                (0..=self.coarsest).zip(pages).map(|(level, page)| self.tiles_of(page, level, &marks)).collect();
        }
        self
    }

    /// The bubbles that are marked on the reference itself: a quarter of the range darker than most of the block's.
    fn marks(&self, page: &GrayImage, block: &FieldBlock) -> Vec<Rect> {
        const DARKER: f64 = 48.0;
        let here = self.placement((0.0, 0.0), [1.0, 0.0, 0.0, 1.0]);
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

    fn middle(&self) -> Point {
        let half = |start: i32, length: u32| f64::from(start) + f64::from(length) / 2.0;
        Point::new(half(self.area.x, self.area.width), half(self.area.y, self.area.height))
    }

    /// The place of the boxes when the print's middle has moved by `shift`, and the paper is turned and stretched by `paper`.
    fn placement(&self, shift: (f64, f64), paper: [f64; 4]) -> Placement {
        let LatticeFit { middle, shift: own, stretch } = self.lattice;
        let [a, b, c, d] = paper;
        let area = self.middle();
        // The shift was found for the middle of the area, margins included.
        let (x, y) = (middle.x - area.x + own.0, middle.y - area.y + own.1);
        let moved = ((a - 1.0) * x + b * y + shift.0 + own.0, c * x + (d - 1.0) * y + shift.1 + own.1);
        let linear = [a * stretch.0, b * stretch.1, c * stretch.0, d * stretch.1];
        Placement { middle, shift: moved, linear }
    }

    /// Searches from coarse to fine around `start` (in page pixels). `radius` is that of a search near a place that is
    /// known otherwise; `None`: all that may be reached.
    fn find(&self, pages: &[GrayImage], sheet: &[GrayImage], start: (f64, f64), near: Option<u32>) -> Option<Found> {
        let (mut x, mut y) = start;
        let mut first: Option<(f32, bool)> = None;
        for level in (0..=self.coarsest).rev() {
            let scale = f64::from(1u32 << level);
            let radius = match (first, near) {
                (Some(_), _) => FINE_RADIUS,
                (None, Some(near)) => near,
                (None, None) => self.reach.div_ceil(1 << level),
            };
            let tiles = self.tiles.get(level)?;
            let from = ((x / scale).round(), (y / scale).round());
            let (sum, count) = evidence(pages.get(level)?, tiles, sheet.get(level)?, from, radius);
            // Half a tile away is another place.
            let apart = (LEAST_TILE / 4).max(radius / 3);
            let Peak { x: dx, y: dy, score, rival, on_rim } = sum.peak(apart)?;
            (x, y) = ((from.0 + dx) * scale, (from.1 + dy) * scale);
            if first.is_none() {
                let (score, rival) = (score / count, rival / count);
                let is_certain = match near {
                    None => score >= LEAST_EVIDENCE && score - rival >= LEAST_LEAD && !on_rim,
                    Some(_) => score >= LEAST_EVIDENCE_NEAR && !on_rim,
                };
                first = Some((score, is_certain));
            }
        }
        let (evidence, is_certain) = first?;
        Some(Found { x, y, evidence, is_certain })
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

/// What the tiles say for each displacement about `from`, added up, and how many they are.
fn evidence(reference: &GrayImage, tiles: &[Rect], sheet: &GrayImage, from: (f64, f64), radius: u32) -> (Surface, f32) {
    let mut sum = Surface::flat(radius);
    for &tile in tiles {
        // Within the page and its side on both sides.
        let at = PixelPoint::new(tile.x + from.0 as i32, tile.y + from.1 as i32);
        sum.add_evidence(&Surface::of(reference, tile, sheet, at, radius), 1.0);
    }
    (sum, tiles.len().max(1) as f32)
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
    /// Takes a place of the template to that on the sheet; `None`: there are too few blocks, or they lie on a line.
    map: Option<crate::imaging::warp::Homography>,
    /// The median shift.
    median: (f64, f64),
    /// Do enough blocks agree to contradict one?
    is_sure: bool,
}

impl Paper {
    fn of(blocks: Vec<(Point, Found)>) -> Self {
        /// Blocks may be off the common map by this many page pixels: paper that is not quite flat.
        const TOLERANCE: f64 = 4.0;
        let median = (median(blocks.iter().map(|(_, f)| f.x)), median(blocks.iter().map(|(_, f)| f.y)));
        let pairs: Vec<Pair> =
            blocks.iter().map(|&(from, f)| Pair { from, to: Point::new(from.x + f.x, from.y + f.y) }).collect();
        // A turn or a stretch of more than a tenth would move blocks farther than any print reaches.
        let is_near = |map: &crate::imaging::warp::Homography| {
            let [a, b, _, d, e, ..] = map.0;
            (a - 1.0).abs().max(b.abs()).max(d.abs()).max((e - 1.0).abs()) < 0.1
        };
        let fit = Model::Affine.fit(&pairs, TOLERANCE, is_near);
        let is_sure = fit.as_ref().is_some_and(|fit| fit.count() >= LEAST_BLOCKS && 3 * fit.count() >= 2 * pairs.len());
        Self { map: fit.filter(|_| is_sure).map(|fit| fit.map), median, is_sure }
    }

    /// The rows of the matrix by which the paper is turned and stretched.
    fn linear(&self) -> [f64; 4] {
        self.map.as_ref().map_or([1.0, 0.0, 0.0, 1.0], |map| [map.0[0], map.0[1], map.0[3], map.0[4]])
    }

    fn shift_at(&self, p: Point) -> (f64, f64) {
        match &self.map {
            Some(map) => {
                let q = map.apply(p);
                (q.x - p.x, q.y - p.y)
            }
            None => self.median,
        }
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
