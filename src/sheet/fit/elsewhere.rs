//! Print that lies where the template has none: between its lines, or farther off at one end of a block than at the other.

use super::view::{End, Printed};
use crate::sheet::read::ink::blank::Blank;
use crate::sheet::read::ink::rings::{self, BlockRing, Rings};

/// How clearly outlines are seen.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Evidence {
    /// Mean contrast of the outlines, by bubbles.
    pub contrast: f64,
    /// The part of the bubbles whose outlines are clearly seen close to their place.
    pub clear: f64,
}

/// An outline is clear with this contrast, and close to its place up to this shift, in boxes.
const CLEAR: f64 = 0.05;
const CLOSE: f64 = 0.3;

impl Evidence {
    /// That of the outlines of blocks with so many bubbles.
    pub fn of(blocks: impl Iterator<Item = (usize, BlockRing)>) -> Self {
        let (mut all, mut contrast, mut clear) = (0.0, 0.0, 0.0);
        for (count, ring) in blocks {
            let count = count as f64;
            all += count;
            contrast += count * ring.evidence.max(0.0);
            clear += if ring.evidence > CLEAR && far(ring.shift) < CLOSE { count } else { 0.0 };
        }
        let all = f64::max(all, 1.0);
        Self { contrast: contrast / all, clear: clear / all }
    }
}

/// How far a shift moves anything along an axis, in boxes.
pub fn far((x, y): (f64, f64)) -> f64 {
    x.abs().max(y.abs())
}

/// The best evidence of outlines half a gap to the right, half a gap downwards, or both.
pub fn between_lines(blocks: &[Printed]) -> Evidence {
    let halves = [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0)];
    let all = halves.map(|(x, y)| {
        let blanks: Vec<Blank> = blocks
            .iter()
            .map(|printed| {
                // A column alone has no gap: then so many boxes.
                let half = |gap: f64, side: u32| if gap > 0.0 { gap / 2.0 } else { 0.8 * f64::from(side) };
                let (gaps, size) = (printed.block.gaps(), printed.blank.size);
                let by = (x * half(gaps.0, size.0), y * half(gaps.1, size.1));
                Blank::beside(printed.page, printed.block, printed.placement, by)
            })
            .collect();
        let Rings { blocks: rings } = rings::find(&blanks.iter().map(Blank::seen).collect::<Vec<_>>());
        Evidence::of(blanks.iter().map(|blank| blank.count).zip(rings))
    });
    all.into_iter().fold(Evidence::default(), |a, b| if b.contrast > a.contrast { b } else { a })
}

/// How far from those of the whole block the outlines of its ends lie, in boxes along an axis, the farthest of those that are
/// seen.
pub fn farthest_end(printed: &Printed) -> f64 {
    let ends = End::ALL.iter().filter_map(|end| {
        let part = printed.blank.of_some(|chosen| end.has(chosen), printed.page.shrunk())?;
        let ring = rings::place(&part, printed.ring.outline);
        let own = printed.ring.shift;
        (ring.evidence > CLEAR).then(|| far((ring.shift.0 - own.0, ring.shift.1 - own.1)))
    });
    ends.fold(0.0, f64::max)
}
