//! Where a block is printed beside the other blocks: when a whole page is cut out a little off or too large, all of its blocks
//! are off with it, and what one of them differs by is the template's own mistake.

use super::offsets::{BlockReport, median};
use crate::geometry::Point;
use crate::imaging::robust::{Model, Pair};

/// Blocks that tell how a page lies agree within this many page pixels …
const TOLERANCE: f64 = 1.0;
/// … and are at least so many, beside the three that any map goes through.
const LEAST: usize = 4;

/// Notes for every block how far its print lies from where the other blocks of its layout say.
pub(super) fn compare(reports: &mut [BlockReport]) {
    let apart: Vec<_> = (0..reports.len()).map(|i| apart(reports, i)).collect();
    for (report, apart) in reports.iter_mut().zip(apart) {
        report.apart = apart;
    }
}

fn apart(reports: &[BlockReport], i: usize) -> Option<(f64, f64)> {
    let own = reports.get(i)?;
    let offset = own.offset?;
    let is_beside = |other: &BlockReport| other.key.set.is_none() || other.key.set == own.key.set;
    let others = reports.iter().enumerate().filter(|(j, other)| *j != i && is_beside(other));
    let pairs: Vec<Pair> = others
        .filter_map(|(_, other)| {
            let (x, y) = other.offset?;
            Some(Pair { from: other.middle, to: Point::new(other.middle.x + x, other.middle.y + y) })
        })
        .collect();
    let (x, y) = expected(&pairs, own.middle)?;
    Some((offset.0 - x, offset.1 - y))
}

/// The offset at a place, by those of other places: by a map that they agree with, else by what most have. `None` for fewer
/// than two.
fn expected(pairs: &[Pair], at: Point) -> Option<(f64, f64)> {
    if let Some(fit) = Model::Affine.fit(pairs, TOLERANCE, |_| true)
        && fit.count() >= LEAST
        && fit.count() * 4 >= pairs.len() * 3
    {
        let there = fit.map.apply(at);
        return Some((there.x - at.x, there.y - at.y));
    }
    if pairs.len() < 2 {
        return None;
    }
    let along = |of: fn(&Pair) -> f64| median(pairs.iter().map(of));
    along(|pair| pair.to.x - pair.from.x).zip(along(|pair| pair.to.y - pair.from.y))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(x: f64, y: f64, offset: (f64, f64)) -> Pair {
        Pair { from: Point::new(x, y), to: Point::new(x + offset.0, y + offset.1) }
    }

    #[test]
    fn a_page_that_is_too_large_moves_all_its_blocks() {
        let stretched = |x: f64, y: f64| pair(x, y, (-x / 500.0, -y / 400.0));
        let mut pairs: Vec<Pair> = [(100.0, 100.0), (500.0, 100.0), (100.0, 800.0), (500.0, 800.0), (300.0, 400.0)]
            .map(|(x, y)| stretched(x, y))
            .into();
        // One that is off by itself has no say.
        pairs.push(pair(300.0, 600.0, (9.0, -9.0)));
        let (x, y) = expected(&pairs, Point::new(500.0, 400.0)).unwrap();
        assert!((x + 1.0).abs() < 0.01 && (y + 1.0).abs() < 0.01, "({x}, {y})");
    }

    #[test]
    fn few_blocks_tell_by_what_most_have() {
        let pairs = [pair(0.0, 0.0, (-1.0, 2.0)), pair(0.0, 50.0, (-1.0, 2.0)), pair(0.0, 90.0, (7.0, 2.0))];
        assert_eq!(expected(&pairs, Point::new(10.0, 10.0)), Some((-1.0, 2.0)));
        assert_eq!(expected(&pairs[..1], Point::new(10.0, 10.0)), None);
    }
}
