//! Does what is printed on a sheet lie where the template has it? A form of another kind, a sheet that lies a row too low, a
//! scan that is stretched or cut are read without an error, and wrongly: their print tells.
//!
//! All sheets pay for a coarse look at the bubbles that made the blank ones ([`view`]), and for the white between them
//! ([`streak`]). Only where that is not as it should be the page is looked at again ([`lines`], [`elsewhere`]). Where nothing is
//! printed nothing is said, unless marks lie beside the boxes. The evidence grew out of decks that were moved, stretched, cut,
//! mirrored and read by other templates; real forms, of which many have pale or odd outlines, set the limits.
//!
//! A pure function of the page and of what was found on it; `doubts.rs` decides what becomes of a doubt.

pub mod cells;
pub mod elsewhere;
pub mod lines;
pub mod streak;
pub mod view;

use image::GrayImage;

use self::elsewhere::Evidence;
use self::view::{End, Printed, View};
use super::align::Placement;
use super::error::{Reason, SheetDoubt};
use super::read::ink::SheetInk;
use crate::template::{FieldKind, Template};

/// What print says about the place of a sheet and its fields.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fit {
    /// Why the whole sheet is doubted.
    pub sheet: Option<SheetDoubt>,
    /// Doubtful fields, by number among all fields of the template, in order.
    pub fields: Vec<(usize, Reason)>,
}

/// Below this contrast no outline is seen on a sheet to speak of; from `SEEN` on there is print to go by.
const UNSEEN: f64 = 0.03;
const SEEN: f64 = 0.04;
/// Outlines between the lines of the template speak with this contrast, so many times that at its lines, for this part of the
/// bubbles.
const BETWEEN: (f64, f64, f64) = (0.05, 1.6, 0.5);
/// Bubbles of a sheet look alike, even where they are pale or drawn oddly; where anything is printed, which is so from this
/// spread of ink on.
const ALIKE: f64 = 0.38;
const PRINTED: f64 = 0.025;
/// Marks beside boxes that are none by chance, and how many times those in boxes.
const MARKS: (usize, usize) = (5, 2);
/// So many times more marks in boxes than beside them tell that the boxes are right.
const MARKS_IN_BOXES: usize = 4;
/// A block lies elsewhere whose outlines are seen with this contrast, this far from where the others have theirs, or that far
/// from its boxes; or those of one of its ends this far from its own.
const OUTLINED: f64 = 0.05;
const BESIDE_OTHERS: f64 = 0.3;
const BESIDE_BOXES: f64 = 0.4;
const END_OFF: f64 = 0.25;
/// The ends of a block are looked at whose bubbles look less alike.
const UNLIKE_AT_ENDS: f64 = 0.85;
/// A block has lost its print whose outlines are paler than the first where the others' are darker than the second.
const LOST: (f64, f64) = (0.02, 0.1);

/// Compares what is printed on a page with its template. `ink` is what was measured with the boxes at `placements`.
pub fn check(page: &GrayImage, template: &Template, placements: &[Placement], ink: &SheetInk) -> Fit {
    let mut blocks = Vec::new();
    let mut first_field = 0;
    let mut found = ink.blanks.iter().zip(&ink.rings.blocks).zip(&ink.page_of);
    for (i, block) in template.blocks.iter().enumerate() {
        if block.kind == FieldKind::Bubbles
            && let Some(((blank, ring), &number)) = found.next()
            && let Some(ink_page) = ink.pages.get(number)
            && blank.count > 0
        {
            let placement = placements.get(i).copied().unwrap_or_default();
            blocks.push(Printed { block, first_field, placement, page: ink_page, blank, ring });
        }
        first_field += block.fields.len();
    }
    if blocks.is_empty() {
        return Fit::default();
    }
    let views: Vec<View> = blocks.iter().map(View::of).collect();
    let usual = ink.rings.usual_shift();
    let standing: Vec<Standing> = blocks.iter().zip(&views).map(|(b, v)| Standing::of(b, v, &blocks, usual)).collect();
    let sheet = of_sheet(&blocks, &views, &standing);
    let mut fields = Vec::new();
    for (printed, standing) in blocks.iter().zip(&standing) {
        let all = printed.first_field..printed.first_field + printed.block.fields.len();
        if matches!(standing, Standing::Elsewhere | Standing::Lost) {
            fields.extend(all.map(|field| (field, Reason::LayoutShifted)));
        } else {
            fields.extend(printed.fields_with_streaks(page).into_iter().map(|field| (field, Reason::StrayInk)));
        }
    }
    Fit { sheet, fields }
}

/// How the print of a block lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// At its place.
    Fits,
    /// No outline is seen.
    Unseen,
    /// Seen, but away from the boxes, or at one end of the block.
    Elsewhere,
    /// Not there, where other blocks of the same bubble have it.
    Lost,
}

impl Standing {
    fn of(printed: &Printed, view: &View, all: &[Printed], usual_shift: (f64, f64)) -> Self {
        let ring = printed.ring;
        if printed.blank.count < FEWEST_OF_BLOCK {
            return Self::Unseen;
        }
        if ring.evidence > OUTLINED {
            let beside_others = (ring.shift.0 - usual_shift.0, ring.shift.1 - usual_shift.1);
            let is_off = elsewhere::far(beside_others) >= BESIDE_OTHERS
                || elsewhere::far(ring.shift) >= BESIDE_BOXES
                || (view.likeness < UNLIKE_AT_ENDS && elsewhere::farthest_end(printed) >= END_OFF)
                || End::ALL.into_iter().any(|end| lines::is_shifted(printed, view, end) == Some(true));
            return if is_off { Self::Elsewhere } else { Self::Fits };
        }
        let mut others: Vec<f64> = all
            .iter()
            .filter(|other| other.blank.size == printed.blank.size)
            .map(|other| other.ring.evidence)
            .collect();
        others.sort_by(f64::total_cmp);
        let usual = others.get(others.len() / 2).copied().unwrap_or(0.0);
        if ring.evidence < LOST.0 && usual > LOST.1 && view.likeness < UNLIKE_AT_ENDS {
            return Self::Lost;
        }
        if ring.is_seen() && elsewhere::far(ring.shift) < BESIDE_BOXES { Self::Fits } else { Self::Unseen }
    }
}

/// In a block of fewer bubbles, marks alone may look like outlines.
const FEWEST_OF_BLOCK: usize = 10;
/// Fewer bubbles of a sheet do not tell: a third of them may be marked, and what is left is no pattern.
const FEWEST: usize = 20;

/// The doubt about the whole sheet.
fn of_sheet(blocks: &[Printed], views: &[View], standing: &[Standing]) -> Option<SheetDoubt> {
    if blocks.iter().map(|printed| printed.blank.count).sum::<usize>() < FEWEST {
        return None;
    }
    let doubt = |reason: Reason, detail: String| Some(SheetDoubt { reason, detail });
    if let Some(end) = shifted_by_a_line(blocks, views) {
        let detail = match end {
            End::Left => {
                "the first column of bubbles is missing and there is one more after the last: the sheet lies a \
                          column too far right"
            }
            End::Right => {
                "the last column of bubbles is missing and there is one more before the first: the sheet lies a \
                           column too far left"
            }
            End::Top => {
                "the first row of bubbles is missing and there is one more after the last: the sheet lies a row too \
                         low"
            }
            End::Bottom => {
                "the last row of bubbles is missing and there is one more before the first: the sheet lies a row \
                            too high"
            }
        };
        return doubt(Reason::LayoutShifted, detail.to_owned());
    }
    let here = Evidence::of(blocks.iter().map(|printed| (printed.blank.count, *printed.ring)));
    let total = blocks.iter().map(|printed| printed.blank.count).sum::<usize>().max(1) as f64;
    let part = |is: &dyn Fn(&Standing) -> bool| {
        let of = blocks.iter().zip(standing).filter(|(_, standing)| is(standing)).map(|(b, _)| b.blank.count);
        of.sum::<usize>() as f64 / total
    };
    let fitting = part(&|standing| *standing == Standing::Fits);
    let mean =
        |of: fn(&View) -> f64| blocks.iter().zip(views).map(|(b, v)| b.blank.count as f64 * of(v)).sum::<f64>() / total;
    let (likeness, spread) = (mean(|view| view.likeness), mean(|view| view.spread));
    let marks = views.iter().fold((0, 0), |sum, view| (sum.0 + view.marks.0, sum.1 + view.marks.1));
    let are_marks_in_boxes = marks.0 >= MARKS.1 * marks.1;
    if !are_marks_in_boxes {
        let there = elsewhere::between_lines(blocks);
        if there.contrast >= BETWEEN.0 && there.contrast > BETWEEN.1 * here.contrast && there.clear >= BETWEEN.2 {
            let detail = "bubbles are printed between the places where the template has them".to_owned();
            return doubt(Reason::LayoutShifted, detail);
        }
    }
    if here.contrast >= SEEN && fitting < 0.5 {
        let detail = format!(
            "only {:.0} % of the bubbles are printed where the template has them: the sheet may be stretched, moved, or of \
             another form",
            100.0 * fitting
        );
        return doubt(Reason::LayoutShifted, detail);
    }
    if here.contrast < UNSEEN {
        if spread >= PRINTED && likeness < ALIKE && marks.0 < MARKS_IN_BOXES * marks.1.max(1) {
            let detail = "what is printed at the places of the bubbles looks like no bubbles: check that it is the template's \
                          form";
            return doubt(Reason::TemplateMismatch, detail.to_owned());
        }
        if marks.1 >= MARKS.0 && marks.1 > MARKS.1 * marks.0 {
            let detail = format!("{} bubbles have ink beside them, {} have a mark inside", marks.1, marks.0);
            return doubt(Reason::LayoutShifted, detail);
        }
    }
    None
}

/// The end at which most blocks miss a line while their print goes on beyond the other.
fn shifted_by_a_line(blocks: &[Printed], views: &[View]) -> Option<End> {
    End::ALL.into_iter().find(|&end| {
        let told: Vec<bool> =
            blocks.iter().zip(views).filter_map(|(printed, view)| lines::is_shifted(printed, view, end)).collect();
        2 * told.iter().filter(|is_shifted| **is_shifted).count() > told.len()
    })
}

#[cfg(test)]
mod tests;
