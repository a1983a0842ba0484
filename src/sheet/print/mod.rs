//! Where the bubbles of a block are printed, beside where the template has its boxes.
//!
//! A block's bubbles all look alike. Their surroundings, laid over each other, give the picture of one bubble from which
//! marks are left out and letters are blurred (`patch`); where an outline of about the bubble's size fits that picture
//! best is where the bubbles are printed (`shapes`), and the place about which the picture mirrors itself tells it to a
//! part of a pixel (`mirror`). The method asks nothing of the shape but that it is the same on both sides of its middle,
//! and needs no neighbours: a single row or column is measured like a grid.
//!
//! The same, done for each column and row alone, tells whether the gaps of the template are those of the print.

mod mirror;
mod patch;
mod shapes;

use image::GrayImage;

use self::patch::{Ink, Patch};
use super::align::lattice::LatticeFit;
use crate::geometry::{Point, Rect};
use crate::imaging::stats;
use crate::template::FieldBlock;

/// Where a block's bubbles are printed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PrintFit {
    /// The middle of the block's bubbles, in template pixels.
    pub middle: Point,
    /// How far the print lies from the boxes there, in page pixels to the right and downwards.
    pub shift: (f64, f64),
    /// From bubble to bubble along x and y, the print's gap over the template's; 1 where that cannot be told.
    pub stretch: (f64, f64),
    /// How much the mean bubble looks like a printed outline, −1 to 1.
    pub likeness: f64,
    /// What the choice went by.
    pub total: f64,
    /// By how much that is more than anywhere else within reach.
    pub lead: f64,
    /// How much the mean bubble mirrors itself along x and y, −1 to 1.
    pub mirrored: (f64, f64),
    /// Is there print in the outermost columns and rows? If not, the block may have been taken for its neighbours.
    pub has_both_ends: bool,
}

/// A fit is clear with at least this likeness, this lead and this much of a mirror. With 440 blocks of 28 real forms and
/// 2673 shifts of them, 98 % are clear, of which 1 % are wrong by a pixel or more.
const CLEAR_LIKENESS: f64 = 0.5;
const CLEAR_LEAD: f64 = 0.06;
const CLEAR_MIRROR: f64 = 0.5;

impl PrintFit {
    /// Is there one place, and no other within reach, at which bubbles are printed?
    pub fn is_clear(&self) -> bool {
        let mirrored = self.mirrored.0.min(self.mirrored.1);
        self.has_both_ends && self.likeness >= CLEAR_LIKENESS && self.lead >= CLEAR_LEAD && mirrored >= CLEAR_MIRROR
    }

    /// The middle of the bubble that is printed for a box, in page pixels.
    pub fn place(&self, area: Rect) -> Point {
        let (x, y) = Stretch { middle: self.middle, shift: self.shift, stretch: self.stretch }.of(area);
        Point::new(x + f64::from(area.width) / 2.0, y + f64::from(area.height) / 2.0)
    }

    /// Finds the printed bubbles of a block on a page of the template's size. `None` for blocks without bubbles, and
    /// where nothing is printed.
    pub fn of(page: &GrayImage, block: &FieldBlock) -> Option<Self> {
        let boxes = Boxes::of(block)?;
        let ink = Ink::of(page, block.bounds);
        let still = Stretch { middle: boxes.middle, shift: (0.0, 0.0), stretch: (1.0, 1.0) };
        let mut best = measure(page, &boxes, &ink, still);
        let better = |found: &Self, best: &Option<Self>| best.is_none_or(|fit| found.total > fit.total + CLEARLY);
        // Gaps that are off blur the mean bubble: with the gaps of its own lines it is sharper.
        if let Some(fit) = best
            && boxes.far((1.0, 1.0), fit.stretch) >= BLURRED
        {
            let start = Stretch { middle: boxes.middle, shift: fit.shift, stretch: fit.stretch };
            best = measure(page, &boxes, &ink, start).filter(|found| found.total >= fit.total).or(best);
        }
        // Gaps that are off by half a bubble at the ends leave no mean bubble, but a wave.
        let lattice = LatticeFit::of(page, block);
        let is_another = best.is_none_or(|fit| {
            let apart = (fit.shift.0 - lattice.shift.0).hypot(fit.shift.1 - lattice.shift.1);
            apart > 2.0 * BLURRED || boxes.far(fit.stretch, lattice.stretch) > 2.0 * BLURRED
        });
        if is_another {
            let start = Stretch { middle: lattice.middle, shift: lattice.shift, stretch: lattice.stretch };
            best = measure(page, &boxes, &ink, start).filter(|found| better(found, &best)).or(best);
        }
        best
    }
}

/// So much more must speak for another start.
const CLEARLY: f64 = 0.03;
/// Ends of a block that are off by so many page pixels blur its mean bubble.
const BLURRED: f64 = 1.5;

/// The boxes of a block's bubbles.
struct Boxes {
    boxes: Vec<Rect>,
    size: (u32, u32),
    middle: Point,
    /// From the middle to the outermost boxes.
    half: (f64, f64),
    /// From column to column and row to row, at the least; 0 where there is one alone.
    gaps: (f64, f64),
}

impl Boxes {
    fn of(block: &FieldBlock) -> Option<Self> {
        let size = block.bubble_size;
        let bubbles = || block.fields.iter().flat_map(|field| &field.bubbles);
        let boxes: Vec<Rect> = bubbles().map(|b| Rect::new(b.x, b.y, size.width, size.height)).collect();
        if boxes.is_empty() || size.width == 0 || size.height == 0 {
            return None;
        }
        let along = |start: fn(&Rect) -> i32| {
            let places = || boxes.iter().map(start);
            let ends = places().min().zip(places().max()).map_or((0.0, 0.0), |(a, b)| (f64::from(a), f64::from(b)));
            ((ends.0 + ends.1) / 2.0, (ends.1 - ends.0) / 2.0)
        };
        let ((x, half_x), (y, half_y)) = (along(|b| b.x), along(|b| b.y));
        let middle = Point::new(x + f64::from(size.width) / 2.0, y + f64::from(size.height) / 2.0);
        Some(Self { boxes, size: (size.width, size.height), middle, half: (half_x, half_y), gaps: block.gaps() })
    }

    /// How far two stretches are apart at the block's ends, in page pixels.
    fn far(&self, a: (f64, f64), b: (f64, f64)) -> f64 {
        ((a.0 - b.0).abs() * self.half.0).max((a.1 - b.1).abs() * self.half.1)
    }

    /// How far the print is sought, in parts of a bubble's width and height: up to half a gap, for farther away a bubble is
    /// its neighbour, which only the block's ends can tell.
    fn reach(&self) -> (f64, f64) {
        /// Where there is no neighbour, and at most.
        const ALONE: f64 = 0.75;
        const MOST: f64 = 1.5;
        let reach = |gap: f64, side: u32| if gap > 0.0 { (gap / 2.0 / f64::from(side)).min(MOST) } else { ALONE };
        (reach(self.gaps.0, self.size.0), reach(self.gaps.1, self.size.1))
    }
}

/// How boxes are moved before they are looked at: about the block's middle.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Stretch {
    middle: Point,
    shift: (f64, f64),
    stretch: (f64, f64),
}

impl Stretch {
    /// The top-left corner of a box at its place.
    fn of(&self, area: Rect) -> (f64, f64) {
        let along = |start: i32, side: u32, middle: f64, shift: f64, stretch: f64| {
            let half = f64::from(side) / 2.0;
            (f64::from(start) + half - middle) * stretch + middle + shift - half
        };
        (
            along(area.x, area.width, self.middle.x, self.shift.0, self.stretch.0),
            along(area.y, area.height, self.middle.y, self.shift.1, self.stretch.1),
        )
    }
}

/// What marks say of the place counts by this part of what print says.
const MARKS: f32 = 0.4;

fn measure(page: &GrayImage, boxes: &Boxes, ink: &Ink, start: Stretch) -> Option<PrintFit> {
    let places: Vec<(f64, f64)> = boxes.boxes.iter().map(|&b| start.of(b)).collect();
    let (size, reach, gaps) = (boxes.size, boxes.reach(), boxes.gaps);
    let all = Patch::mean(page, &places, size, reach, &ink.of_marks())?;
    let all = shapes::Surface::of(&all, size, reach, gaps);
    // With the place nearly known, marks can be told from print.
    let rough = *all.peaks(&all, 0.0).first()?;
    let blank = patch::unmarked(page, &places, size, rough.shift, ink);
    let pick = |kept: &[usize]| kept.iter().filter_map(|&i| places.get(i).copied()).collect::<Vec<_>>();
    let patch = Patch::mean(page, &pick(&blank), size, reach, ink)?;
    let surface = shapes::Surface::of(&patch, size, reach, gaps);
    let peaks = surface.peaks(&all, MARKS).into_iter().map(|peak| {
        let (fine, mirrored) = mirror::refine(&patch, size, &peak);
        let total = peak.total * (0.5 + 0.5 * mirrored.0.min(mirrored.1).max(0.0));
        (total, peak, fine, mirrored)
    });
    let mut peaks: Vec<_> = peaks.collect();
    peaks.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (total, peak, fine, mirrored) = *peaks.first()?;
    let apart = |other: &(f64, f64)| {
        (other.0 - fine.0).abs() > f64::from(size.0) / 3.0 || (other.1 - fine.1).abs() > f64::from(size.1) / 3.0
    };
    let rival = peaks.iter().find(|(_, _, other, _)| apart(other)).map_or(0.0, |rival| rival.0);
    let near = shapes::Found { shift: fine, ..peak };
    let lines = |across: bool| {
        // Distance of a column or row from the middle, and where its print lies beside the boxes there.
        let along = |area: &Rect| if across { area.x } else { area.y };
        let mut groups: Vec<(i32, Vec<usize>)> = Vec::new();
        for &i in &blank {
            let Some(place) = boxes.boxes.get(i).map(along) else { continue };
            match groups.iter_mut().find(|(other, _)| *other == place) {
                Some((_, members)) => members.push(i),
                None => groups.push((place, vec![i])),
            }
        }
        let (side, middle) = if across { (size.0, boxes.middle.x) } else { (size.1, boxes.middle.y) };
        let lines = groups.iter().filter_map(|(place, members)| {
            let patch = Patch::mean(page, &pick(members), size, reach, ink)?;
            let found = mirror::of_line(&patch, size, &near, across)?;
            Some((f64::from(*place) + f64::from(side) / 2.0 - middle, found))
        });
        slope(&lines.collect::<Vec<_>>())
    };
    let ends = Ends { page, boxes, ink, places: &places, patch: &patch, near: &near };
    let gap = (ends.gaps_off(start.stretch.0, true), ends.gaps_off(start.stretch.1, false));
    Some(PrintFit {
        middle: start.middle,
        shift: (start.shift.0 + fine.0 + gap.0.unwrap_or(0.0), start.shift.1 + fine.1 + gap.1.unwrap_or(0.0)),
        stretch: (start.stretch.0 + lines(true), start.stretch.1 + lines(false)),
        likeness: peak.likeness,
        total,
        lead: total - rival,
        mirrored,
        has_both_ends: gap.0.is_some() && gap.1.is_some(),
    })
}

/// The ends of a block, which tell whether it was taken for its neighbours.
struct Ends<'m> {
    page: &'m GrayImage,
    boxes: &'m Boxes,
    ink: &'m Ink,
    places: &'m [(f64, f64)],
    /// The mean bubble, and where it was found in it.
    patch: &'m Patch,
    near: &'m shapes::Found,
}

impl Ends<'_> {
    /// How far the print lies from where it was found, if that is a gap away: a gap where the outermost line of boxes lies on
    /// paper, and there is print a gap beyond that of the other end. Print beyond both ends is that of other blocks.
    ///
    /// `None` where an outermost line lies on paper and the other end does not tell why.
    fn gaps_off(&self, stretch: f64, across: bool) -> Option<f64> {
        /// A line this much like the block's mean bubble is print; one less like it, with less than this part of its ink, is
        /// none. A mark is unlike it too, but has more ink.
        const PRINT: f64 = 0.6;
        const PAPER: (f64, f64) = (0.5, 0.5);
        let (gap, along) = match across {
            true => (self.boxes.gaps.0 * stretch, (|b: &Rect| b.x) as fn(&Rect) -> i32),
            false => (self.boxes.gaps.1 * stretch, (|b: &Rect| b.y) as fn(&Rect) -> i32),
        };
        let all = || self.boxes.boxes.iter().map(along);
        let (first, last) = (all().min()?, all().max()?);
        if gap <= 0.0 || first == last {
            return Some(0.0);
        }
        let like = |line: i32, by: f64| {
            let members = self.places.iter().zip(all()).filter(|(_, place)| *place == line);
            let moved = |&(x, y): &(f64, f64)| if across { (x + by, y) } else { (x, y + by) };
            let members: Vec<(f64, f64)> = members.map(|(place, _)| moved(place)).collect();
            let patch = Patch::mean(self.page, &members, self.boxes.size, self.boxes.reach(), self.ink);
            patch.map_or((0.0, 0.0), |patch| mirror::alike(self.patch, &patch, self.boxes.size, self.near))
        };
        let is_print = |line: i32, by: f64| like(line, by).0 >= PRINT;
        let is_paper = |line: i32| {
            let (alike, ink) = like(line, 0.0);
            alike <= PAPER.0 && ink <= PAPER.1
        };
        match (is_paper(first), is_paper(last)) {
            (false, false) => Some(0.0),
            (true, false) if is_print(last, gap) && is_print(first, gap) => Some(gap),
            (false, true) if is_print(first, -gap) && is_print(last, -gap) => Some(-gap),
            _ => None,
        }
    }
}

/// The slope of a line through points (Theil and Sen: the median of the slopes between all pairs, so that a third of the
/// points may be anywhere); 0 for fewer than three.
fn slope(points: &[(f64, f64)]) -> f64 {
    if points.len() < 3 {
        return 0.0;
    }
    let pairs = points.iter().enumerate().flat_map(|(i, a)| points.iter().take(i).map(move |b| (a, b)));
    let slopes = pairs.filter(|(a, b)| (a.0 - b.0).abs() > 1.0).map(|(a, b)| (a.1 - b.1) / (a.0 - b.0));
    stats::median(slopes).unwrap_or(0.0).clamp(-0.1, 0.1)
}

#[cfg(test)]
mod tests;
