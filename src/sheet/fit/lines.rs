//! A sheet that lies a whole column or row off: its bubbles are where others should be, but for those of one outermost line of
//! each block, which are missing, while print goes on a line beyond the opposite one.

use super::cells;
use super::view::{End, Printed, View};
use crate::sheet::read::ink::blank;

/// The part of a line's sampled bubbles that is absent, or found beyond the block, for the line to be so.
const MOST: f64 = 0.75;
/// What lies beyond is print of the block if it is this much like its bubbles: slope and correlation.
const ALIKE: (f32, f32) = (0.5, 0.6);

/// Is this outermost line of the block missing on the sheet, and goes its print on beyond the opposite one? `None` where the
/// block has no print to tell by.
pub fn is_shifted(printed: &Printed, view: &View, end: End) -> Option<bool> {
    Some(is_missing(printed, view, end)? && goes_on(printed, view, end.opposite()))
}

/// Is this outermost line of the block missing on the sheet? `None` where the block has no print to miss.
fn is_missing(printed: &Printed, view: &View, end: End) -> Option<bool> {
    let gap = gap(printed, end);
    if gap <= 0.0 || !printed.ring.is_seen() {
        return None;
    }
    let at_end = printed.blank.samples.chosen.iter().zip(&view.absent).filter(|(chosen, _)| end.has(chosen));
    let (count, absent) = at_end.fold((0, 0), |(n, k), (_, absent)| (n + 1, k + usize::from(*absent)));
    (count > 0).then_some(absent as f64 >= MOST * count as f64)
}

/// Are bubbles of the block printed a line beyond this end of it?
fn goes_on(printed: &Printed, view: &View, end: End) -> bool {
    let gap = gap(printed, end);
    let by = match end {
        End::Left => (-gap, 0.0),
        End::Right => (gap, 0.0),
        End::Top => (0.0, -gap),
        End::Bottom => (0.0, gap),
    };
    let at_end = printed.blank.samples.chosen.iter().filter(|chosen| end.has(chosen));
    let places: Vec<(f64, f64)> =
        at_end.filter_map(|&chosen| printed.middle(chosen)).map(|(x, y)| (x + by.0, y + by.1)).collect();
    let seen = cells::of(&blank::cut(printed.page, printed.blank.size, &places));
    let is_alike = |cells: &&cells::Cells| {
        let (slope, likeness) = cells::alike(cells, &view.typical);
        slope > ALIKE.0 && likeness > ALIKE.1
    };
    !seen.is_empty() && seen.iter().filter(is_alike).count() as f64 >= MOST * seen.len() as f64
}

/// From line to line towards an end, in pixels; 0 where there is one alone.
fn gap(printed: &Printed, end: End) -> f64 {
    let (x, y) = printed.block.gaps();
    match end {
        End::Left | End::Right => x,
        End::Top | End::Bottom => y,
    }
}
