//! Where each block of the template is printed, by all sheets together.
//!
//! Sheets differ by a pixel or two in how their page was cut out; the median is the template's own error. A sheet that lies
//! elsewhere than the rest is told. Where blocks are aligned with a reference picture, the template's error is what shows on
//! that picture: what differs from sheet to sheet is taken care of.

use super::examine::Examined;
use super::neighbours;
use crate::geometry::Point;
use crate::sheet::SheetContext;
use crate::sheet::print::PrintFit;
use crate::template::{FieldBlock, FieldKind};

/// Which block of a template: that of its own layout, or of a conditional set that has it for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockKey {
    /// The number of the set; `None`: the template's own.
    pub set: Option<usize>,
    /// The block's name.
    pub name: String,
}

/// A block with what the sheets say of it.
#[derive(Debug, Clone)]
pub(super) struct BlockReport {
    pub key: BlockKey,
    /// The name of the set.
    pub set_name: Option<String>,
    /// Sheets on which it has bubbles to find, and those on which the place of the print is clear.
    pub sheets: usize,
    pub clear: usize,
    /// The print beside the template, in page pixels; median of the clear sheets.
    pub offset: Option<(f64, f64)>,
    /// Median distance from it, along x and y.
    pub spread: (f64, f64),
    /// The print beside where it was read; median.
    pub unread: Option<(f64, f64)>,
    /// Was it moved on any sheet before it was read?
    pub is_aligned: bool,
    /// The offset is that on the reference picture.
    pub by_reference: bool,
    /// Gaps of the print over those of the template, median.
    pub stretch: (f64, f64),
    /// Sheets by number that contradict the median, with their own offsets.
    pub contrary: Vec<(usize, (f64, f64))>,
    /// The middle of its boxes, in template pixels.
    pub middle: Point,
    /// The print beside where the other blocks of the layout say that it is, if they say so.
    pub apart: Option<(f64, f64)>,
    /// Where the print lies if it was taken for its neighbour's: told where the offset is a large part of a gap.
    pub otherwise: Option<(f64, f64)>,
    pub verdict: Verdict,
}

/// What is to be done about a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It fits.
    Fits,
    /// Its origin is to be moved by whole pixels.
    Move(i64, i64),
    /// The sheets disagree.
    Scattered,
    /// No sheet shows clearly where its bubbles are printed.
    Unclear,
}

impl Verdict {
    /// What an offset and its spread over the sheets ask for. `least`: so much is left alone.
    fn of(offset: Option<(f64, f64)>, spread: (f64, f64), least: f64) -> Self {
        let Some((x, y)) = offset else { return Self::Unclear };
        // The sheets must agree better than what is to be mended, and where nothing is, than what is left alone.
        if spread.0.max(spread.1) > (x.hypot(y) / 3.0).max(least) {
            Self::Scattered
        } else if x.abs().max(y.abs()) < least {
            Self::Fits
        } else {
            Self::Move(x.round() as i64, y.round() as i64)
        }
    }
}

/// Boxes are measured by hand, and pages cut out by marks that a scanner blurs: an offset below this part of a bubble's
/// shorter side, or below this many pixels, changes no reading and is left alone.
const LEFT_ALONE: f64 = 1.0 / 12.0;
const LEAST: f64 = 1.0;

/// The blocks of all layouts that have bubbles, in template order.
pub(super) fn of_blocks(context: &SheetContext, sheets: &[Examined]) -> Vec<BlockReport> {
    let mut reports: Vec<BlockReport> = Vec::new();
    for layout in 0..=context.template.sets.len() {
        for block in &context.layout(layout).blocks {
            let key = key(context, layout, block);
            let is_known = reports.iter().any(|report| report.key == key);
            if block.kind == FieldKind::Bubbles && !block.fields.is_empty() && !is_known {
                reports.push(of_block(context, sheets, key, block));
            }
        }
    }
    neighbours::compare(&mut reports);
    reports
}

/// A set's layout has the template's own blocks but for those that it replaces.
pub(super) fn key(context: &SheetContext, layout: usize, block: &FieldBlock) -> BlockKey {
    let own = context.template.blocks.iter().any(|own| own == block);
    BlockKey { set: if own { None } else { layout.checked_sub(1) }, name: block.name.clone() }
}

fn of_block(context: &SheetContext, sheets: &[Examined], block_key: BlockKey, block: &FieldBlock) -> BlockReport {
    let mut fits: Vec<(usize, PrintFit, (f64, f64))> = Vec::new();
    let mut seen = 0;
    let mut is_aligned = false;
    for (i, sheet) in sheets.iter().enumerate() {
        let Ok(sheet) = &sheet.seen else { continue };
        let blocks = context.layout(sheet.layout).blocks.iter().zip(&sheet.blocks);
        let Some((_, there)) = blocks.into_iter().find(|(b, _)| key(context, sheet.layout, b) == block_key) else {
            continue;
        };
        seen += 1;
        is_aligned |= there.read_at != (0.0, 0.0);
        if let Some(print) = there.print.filter(PrintFit::is_clear) {
            fits.push((i, print, there.read_at));
        }
    }
    let reference = context.reference_page().and_then(|page| PrintFit::of(page, block)).filter(PrintFit::is_clear);
    let has_reference = context.reference_page().is_some();
    let along = |value: &dyn Fn(&PrintFit, (f64, f64)) -> f64| median(fits.iter().map(|(_, f, at)| value(f, *at)));
    let by_sheets = along(&|f, _| f.shift.0).zip(along(&|f, _| f.shift.1));
    let offset = if has_reference { reference.map(|fit| fit.shift).or(by_sheets) } else { by_sheets };
    let unread = along(&|f, at| f.shift.0 - at.0).zip(along(&|f, at| f.shift.1 - at.1));
    let centre = by_sheets.unwrap_or_default();
    let spread = (
        along(&|f, _| (f.shift.0 - centre.0).abs()).unwrap_or(0.0),
        along(&|f, _| (f.shift.1 - centre.1).abs()).unwrap_or(0.0),
    );
    let stretch = match (has_reference, reference) {
        (true, Some(fit)) => fit.stretch,
        _ => (along(&|f, _| f.stretch.0).unwrap_or(1.0), along(&|f, _| f.stretch.1).unwrap_or(1.0)),
    };
    let least = (f64::from(block.bubble_size.width.min(block.bubble_size.height)) * LEFT_ALONE).max(LEAST);
    let is_contrary = |shift: (f64, f64)| {
        let far = |d: f64, spread: f64| d.abs() > (3.0 * spread).max(2.0 * least);
        far(shift.0 - centre.0, spread.0) || far(shift.1 - centre.1, spread.1)
    };
    let contrary = fits.iter().filter(|(_, fit, _)| !has_reference && is_contrary(fit.shift));
    let contrary = contrary.map(|(i, fit, _)| (*i, fit.shift)).collect();
    // A reference is one picture.
    let spread_of_sheets = if reference.is_some() { (0.0, 0.0) } else { spread };
    let gaps = block.gaps();
    // Sheets that were aligned by the reference must show their print where they were read, or it says nothing of them.
    let is_contradicted =
        has_reference && seen > 0 && unread.is_none_or(|(x, y): (f64, f64)| x.abs().max(y.abs()) > 2.0 * least);
    let verdict = match offset {
        Some(offset) if is_contradicted || is_half_a_gap(offset, gaps) => {
            match Verdict::of(Some(offset), spread_of_sheets, least) {
                Verdict::Move(..) => Verdict::Unclear,
                other => other,
            }
        }
        _ => Verdict::of(offset, spread_of_sheets, least),
    };
    let set_name = block_key.set.and_then(|set| context.layout_name(set + 1)).map(str::to_owned);
    BlockReport {
        key: block_key,
        set_name,
        sheets: seen,
        clear: fits.len(),
        offset,
        spread,
        unread,
        is_aligned,
        by_reference: reference.is_some(),
        stretch,
        contrary,
        middle: middle(block),
        apart: None,
        otherwise: offset.and_then(|offset| otherwise(offset, gaps)),
        verdict,
    }
}

fn middle(block: &FieldBlock) -> Point {
    let along = |from: i32, side: u32| f64::from(from) + f64::from(side) / 2.0;
    Point::new(along(block.bounds.x, block.bounds.width), along(block.bounds.y, block.bounds.height))
}

/// Is the print so near to half a gap away that nobody knows whose it is?
fn is_half_a_gap(offset: (f64, f64), gaps: (f64, f64)) -> bool {
    const NEARLY: f64 = 0.42;
    let is_near = |offset: f64, gap: f64| gap > 0.0 && offset.abs() > NEARLY * gap;
    is_near(offset.0, gaps.0) || is_near(offset.1, gaps.1)
}

/// The offset to the other side, where it is such a part of a gap that the print may be that of the neighbour.
fn otherwise(offset: (f64, f64), gaps: (f64, f64)) -> Option<(f64, f64)> {
    const LARGE: f64 = 0.25;
    let other = |offset: f64, gap: f64| match gap > 0.0 && offset.abs() > LARGE * gap {
        true => offset - gap.copysign(offset),
        false => offset,
    };
    let there = (other(offset.0, gaps.0), other(offset.1, gaps.1));
    (there != offset).then_some(there)
}

/// The middle value; of an even number the mean of both.
pub(super) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    Some(if sorted.len() % 2 == 1 { upper } else { (upper + sorted.get(middle.checked_sub(1)?)?) / 2.0 })
}

/// The offset that most blocks share, if they do: then the page is cut out elsewhere than the template has it.
pub(super) fn common(reports: &[BlockReport]) -> Option<(f64, f64)> {
    /// So many blocks make a page, and so near to each other, in page pixels.
    const BLOCKS: usize = 3;
    const NEAR: f64 = 1.5;
    let moved: Vec<(f64, f64)> = reports
        .iter()
        .filter(|report| matches!(report.verdict, Verdict::Move(..)))
        .filter_map(|report| report.offset)
        .collect();
    let all = reports.iter().filter(|report| report.offset.is_some()).count();
    let middle = (median(moved.iter().map(|o| o.0))?, median(moved.iter().map(|o| o.1))?);
    let near = moved.iter().filter(|o| (o.0 - middle.0).abs() <= NEAR && (o.1 - middle.1).abs() <= NEAR).count();
    (near >= BLOCKS && near * 4 >= all * 3).then_some(middle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_is_between_two() {
        let of = |values: &[f64]| median(values.iter().copied());
        assert_eq!(
            (of(&[]), of(&[3.0]), of(&[5.0, 1.0, 3.0]), of(&[4.0, 1.0])),
            (None, Some(3.0), Some(3.0), Some(2.5))
        );
    }

    #[test]
    fn a_large_part_of_a_gap_may_lie_to_the_other_side() {
        let gaps = (30.0, 40.0);
        assert_eq!(otherwise((6.0, -4.0), gaps), None);
        assert_eq!(otherwise((-10.0, -4.0), gaps), Some((20.0, -4.0)));
        assert_eq!(otherwise((0.0, 21.0), (0.0, 40.0)), Some((0.0, -19.0)));
        assert!(is_half_a_gap((1.0, 17.5), gaps) && !is_half_a_gap((10.0, 13.0), gaps));
        assert!(!is_half_a_gap((25.0, 0.0), (0.0, 0.0)), "one bubble alone has no neighbour");
    }

    #[test]
    fn sheets_that_disagree_make_no_fit_and_no_move() {
        let of = |offset, spread| Verdict::of(Some(offset), spread, 1.5);
        assert_eq!(of((0.0, 0.0), (8.0, 0.1)), Verdict::Scattered);
        assert_eq!(of((9.0, 0.0), (8.0, 0.1)), Verdict::Scattered);
        assert_eq!(of((1.2, -0.4), (0.3, 0.3)), Verdict::Fits);
        assert_eq!(of((6.4, -3.6), (1.0, 0.3)), Verdict::Move(6, -4));
        assert_eq!(Verdict::of(None, (0.0, 0.0), 1.5), Verdict::Unclear);
    }

    #[test]
    fn a_page_is_off_when_nearly_all_blocks_are_off_alike() {
        let block = |offset: (f64, f64), verdict| BlockReport {
            key: BlockKey { set: None, name: String::new() },
            set_name: None,
            sheets: 1,
            clear: 1,
            offset: Some(offset),
            spread: (0.0, 0.0),
            unread: None,
            is_aligned: false,
            by_reference: false,
            stretch: (1.0, 1.0),
            contrary: Vec::new(),
            middle: Point::new(0.0, 0.0),
            apart: None,
            otherwise: None,
            verdict,
        };
        let off = |x: f64| block((x, -3.0), Verdict::Move(x as i64, -3));
        let fits = || block((0.0, 0.0), Verdict::Fits);
        assert_eq!(common(&[off(-3.0), off(-3.5), off(-2.5), off(-3.0)]), Some((-3.0, -3.0)));
        assert_eq!(common(&[off(-3.0), off(-3.0), off(-3.0), fits(), fits()]), None);
        assert_eq!(common(&[off(-3.0), off(3.0), off(9.0), off(-9.0)]), None);
    }
}
