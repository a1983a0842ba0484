//! Outlines of the areas of a black and white picture.

use image::GrayImage;

use super::pixels;
use crate::geometry::PixelPoint;

/// All outlines of the 8-connected non-zero pixels: outer borders and borders of holes, by Suzuki and Abe's border
/// following; the last found one (in a raster scan) comes first.
///
/// Of straight and diagonal runs only the ends are kept. Outer borders start at the topmost, then leftmost pixel and go
/// down first; borders of holes consist of the pixels around the hole, start at the first one that has the hole to its
/// right and go the other way round. Pixels outside of the picture count as zero.
///
/// Suzuki and Abe: Topological structural analysis of digitized binary images by border following, 1985.
pub fn find(img: &GrayImage) -> Vec<Vec<PixelPoint>> {
    Tracer::new(img).all(Borders::All)
}

/// As [`find`], but only the outer borders of areas that do not lie in a hole of another area.
pub fn find_external(img: &GrayImage) -> Vec<Vec<PixelPoint>> {
    Tracer::new(img).all(Borders::Outermost)
}

/// Area inside of a closed outline through the centres of its pixels, in square pixels.
pub fn area(points: &[PixelPoint]) -> f64 {
    let doubled: i64 = edges(points)
        .map(|(a, b)| i64::from(a.x) * i64::from(b.y) - i64::from(a.y) * i64::from(b.x))
        .fold(0, i64::wrapping_add);
    // Exact for all pictures: far below 2^53.
    doubled.unsigned_abs() as f64 * 0.5
}

/// Length of a closed outline, in pixels; each edge is measured in `f32`.
pub fn perimeter(points: &[PixelPoint]) -> f64 {
    edges(points)
        .map(|(a, b)| {
            let (dx, dy) = (b.x as f32 - a.x as f32, b.y as f32 - a.y as f32);
            f64::from((dx * dx + dy * dy).sqrt())
        })
        .sum()
}

/// The columns of each row that lie in or on a closed outline, as runs of first and last column in order, for the rows
/// from the outline's first on; returned with the number of that row. The outline goes in steps of chains as [`find`]
/// gives them: straight or diagonal. Where it crosses itself, what is enclosed twice is outside.
pub fn runs(outline: &[PixelPoint]) -> (i32, Vec<Vec<(i32, i32)>>) {
    let (Some(top), Some(bottom)) = (outline.iter().map(|p| p.y).min(), outline.iter().map(|p| p.y).max()) else {
        return (0, Vec::new());
    };
    let count = (i64::from(bottom) - i64::from(top) + 1) as usize;
    // Crossings of the rows' middles, and pixels of the outline itself.
    let mut crossings: Vec<Vec<i32>> = vec![Vec::new(); count];
    let mut spans: Vec<Vec<(i32, i32)>> = vec![Vec::new(); count];
    let row = |y: i32| (i64::from(y) - i64::from(top)) as usize;
    for (a, b) in edges(outline) {
        let (upper, lower) = if a.y <= b.y { (a, b) } else { (b, a) };
        if upper.y == lower.y {
            spans[row(a.y)].push((a.x.min(b.x), a.x.max(b.x)));
            continue;
        }
        let (run, rise) = (i64::from(lower.x) - i64::from(upper.x), i64::from(lower.y) - i64::from(upper.y));
        for y in upper.y..=lower.y {
            let x = i64::from(upper.x) + run * (i64::from(y) - i64::from(upper.y)) / rise;
            spans[row(y)].push((x as i32, x as i32));
            if y < lower.y {
                crossings[row(y)].push(x as i32);
            }
        }
    }
    let merged = spans.into_iter().zip(crossings).map(|(mut spans, mut crossings)| {
        crossings.sort_unstable();
        spans.extend(crossings.chunks_exact(2).map(|pair| (pair[0], pair[1])));
        spans.sort_unstable();
        let mut runs: Vec<(i32, i32)> = Vec::new();
        for (first, last) in spans {
            match runs.last_mut() {
                Some(run) if i64::from(first) <= i64::from(run.1) + 1 => run.1 = run.1.max(last),
                _ => runs.push((first, last)),
            }
        }
        runs
    });
    (top, merged.collect())
}

/// The edges of a closed outline, the closing one first.
fn edges(points: &[PixelPoint]) -> impl Iterator<Item = (PixelPoint, PixelPoint)> {
    points.last().into_iter().chain(points).zip(points).map(|(a, b)| (*a, *b))
}

#[derive(Clone, Copy, PartialEq)]
enum Borders {
    All,
    Outermost,
}

/// Not part of any area.
const EMPTY: u8 = 0;
/// Part of an area, on no border yet.
const AREA: u8 = 1;
/// On a border that was followed.
const BORDER: u8 = 2;
/// On a border that was followed, and with an empty pixel to its right that was seen from it: the scan leaves the area.
const EXIT: u8 = 3;

/// The eight neighbours, counter-clockwise from the right one.
const STEPS: [(i32, i32); 8] = [(1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1)];

/// A copy of the picture with a frame of empty pixels, in which borders are marked.
struct Tracer {
    marks: Vec<u8>,
    stride: usize,
}

impl Tracer {
    fn new(img: &GrayImage) -> Self {
        let width = img.width() as usize;
        let stride = width + 2;
        let mut marks = vec![EMPTY; stride * (img.height() as usize + 2)];
        if width > 0 {
            for (row, from) in marks.chunks_exact_mut(stride).skip(1).zip(pixels(img).chunks_exact(width)) {
                for (mark, &v) in row[1..].iter_mut().zip(from) {
                    *mark = u8::from(v != 0);
                }
            }
        }
        Self { marks, stride }
    }

    fn all(mut self, borders: Borders) -> Vec<Vec<PixelPoint>> {
        let mut found = Vec::new();
        let rows = self.marks.len() / self.stride;
        for y in 1..rows.saturating_sub(1) {
            let row = y * self.stride;
            let mut x = 1;
            let mut previous = EMPTY;
            // Whether the last border pixel to the left, if any, belongs to an area that goes on from there.
            let mut inside = false;
            while x < self.stride {
                let mark = self.marks[row + x];
                if mark == previous {
                    if mark == EMPTY {
                        x += self.empty_run(row + x, self.stride - x);
                    } else {
                        x += 1;
                    }
                    continue;
                }
                if previous == EMPTY && mark == AREA {
                    if borders == Borders::All || !inside {
                        found.push(self.follow(row + x, Start::Outer));
                    }
                } else if mark == EMPTY && previous != EXIT && borders == Borders::All {
                    found.push(self.follow(row + x - 1, Start::Hole));
                }
                previous = self.marks[row + x];
                if previous >= BORDER {
                    inside = previous == BORDER;
                }
                x += 1;
            }
        }
        found.reverse();
        found
    }

    /// Length of the run of empty pixels from `at` on (at least one), at most `limit`.
    fn empty_run(&self, at: usize, limit: usize) -> usize {
        const CHUNK: usize = 16;
        let run = &self.marks[at..at + limit];
        let whole = run.chunks_exact(CHUNK).take_while(|c| c.iter().fold(0, |any, m| any | m) == EMPTY).count() * CHUNK;
        whole + run[whole..].iter().take(CHUNK).take_while(|m| **m == EMPTY).count()
    }

    /// Follows the border that `start` (an index into the marks) lies on.
    fn follow(&mut self, start: usize, kind: Start) -> Vec<PixelPoint> {
        let stride = self.stride as isize;
        let offsets = STEPS.map(|(dx, dy)| dy as isize * stride + dx as isize);
        // The frame keeps every neighbour of an area pixel within the marks.
        let neighbour = |at: usize, direction: usize| at.wrapping_add_signed(offsets[direction & 7]);
        let mut point = PixelPoint::new((start % self.stride) as i32 - 1, (start / self.stride) as i32 - 1);

        // The pixel where the border will arrive from: the first area pixel clockwise from the empty one next to `start`.
        let empty = match kind {
            Start::Outer => 4,
            Start::Hole => 0,
        };
        let Some(first) = (1..8).map(|turn| (empty + 8 - turn) & 7).find(|&d| self.marks[neighbour(start, d)] != EMPTY)
        else {
            self.marks[start] = EXIT;
            return vec![point];
        };
        let last = neighbour(start, first);

        let mut points = Vec::new();
        let mut at = start;
        let mut from = first;
        let mut heading = first ^ 4;
        loop {
            // Counter-clockwise from where we came.
            let mut to = from + 1;
            while self.marks[neighbour(at, to)] == EMPTY {
                to += 1;
            }
            to &= 7;
            // Direction 0 (right) was passed over as empty: it lies between `from` and `to`.
            if to.wrapping_sub(1) < from {
                self.marks[at] = EXIT;
            } else if self.marks[at] == AREA {
                self.marks[at] = BORDER;
            }
            if to != heading {
                points.push(point);
                heading = to;
            }
            let next = neighbour(at, to);
            let (dx, dy) = STEPS[to];
            point = PixelPoint::new(point.x + dx, point.y + dy);
            if next == start && at == last {
                return points;
            }
            at = next;
            from = (to + 4) & 7;
        }
    }
}

/// On which side of the start pixel the empty pixel lies.
#[derive(Clone, Copy)]
enum Start {
    /// To its left: the border between an area and what surrounds it.
    Outer,
    /// To its right: the border between an area and a hole in it.
    Hole,
}

#[cfg(test)]
mod tests {
    use imageproc::gray_image;
    use proptest::prelude::*;

    use super::*;
    use crate::imaging::arbitrary::mask;

    fn points<const N: usize>(points: [(i32, i32); N]) -> Vec<PixelPoint> {
        points.map(|(x, y)| PixelPoint::new(x, y)).to_vec()
    }

    #[test]
    fn a_rectangle_is_its_corners_going_down_first() {
        let img = gray_image!(0, 0, 0, 0, 0; 0, 9, 9, 9, 0; 0, 9, 9, 9, 0; 0, 9, 9, 9, 0);
        let found = find(&img);
        assert_eq!(found, [points([(1, 1), (1, 3), (3, 3), (3, 1)])]);
        assert_eq!((area(&found[0]), perimeter(&found[0])), (4.0, 8.0));
    }

    #[test]
    fn the_hole_comes_before_its_ring_and_later_areas_first() {
        let img = gray_image!(
            1, 1, 1, 0, 0;
            1, 0, 1, 0, 0;
            1, 1, 1, 0, 1
        );
        assert_eq!(
            find(&img),
            [points([(4, 2)]), points([(0, 1), (1, 0), (2, 1), (1, 2)]), points([(0, 0), (0, 2), (2, 2), (2, 0)])]
        );
        assert_eq!(find_external(&img).len(), 2);
    }

    #[test]
    fn an_area_in_a_hole_is_not_external() {
        let img = gray_image!(
            1, 1, 1, 1, 1;
            1, 0, 0, 0, 1;
            1, 0, 1, 0, 1;
            1, 0, 0, 0, 1;
            1, 1, 1, 1, 1
        );
        assert_eq!(find(&img).len(), 3);
        assert_eq!(find_external(&img), [points([(0, 0), (0, 4), (4, 4), (4, 0)])]);
    }

    #[test]
    fn runs_fill_an_outline() {
        let ring = gray_image!(
            0, 9, 9, 9, 0, 0;
            9, 0, 0, 0, 9, 0;
            9, 0, 9, 0, 0, 9;
            0, 9, 0, 9, 0, 9;
            0, 9, 0, 9, 9, 9
        );
        let outer = find_external(&ring).pop().unwrap();
        assert_eq!(
            runs(&outer),
            (0, vec![vec![(1, 3)], vec![(0, 4)], vec![(0, 5)], vec![(1, 1), (3, 5)], vec![(1, 1), (3, 5)]])
        );
        assert_eq!(runs(&points([(3, 7)])), (7, vec![vec![(3, 3)]]));
        assert_eq!(runs(&[]), (0, vec![]));
    }

    proptest! {
        #[test]
        fn runs_hold_their_area(img in mask(14, 14)) {
            for outline in find_external(&img) {
                let (top, rows) = runs(&outline);
                let has = |x: i32, y: i32| rows.get((y - top) as usize).is_some_and(|runs| runs.iter().any(|r| r.0 <= x && x <= r.1));
                prop_assert!(outline.iter().all(|p| has(p.x, p.y)));
                // Every pixel of the outline's area that is set lies in a run.
                let filled: i32 = rows.iter().flatten().map(|r| r.1 - r.0 + 1).sum();
                prop_assert!(f64::from(filled) >= area(&outline));
            }
        }

        #[test]
        fn outlines_run_through_set_pixels(img in mask(14, 14)) {
            let found = find(&img);
            prop_assert!(found.iter().flatten().all(|p| img.get_pixel(p.x as u32, p.y as u32).0[0] != 0));
            prop_assert_eq!(found.is_empty(), img.iter().all(|v| *v == 0));
            let outermost = find_external(&img);
            prop_assert!(outermost.iter().all(|outline| found.contains(outline)));
        }

        #[test]
        fn every_area_has_one_outer_border(img in mask(14, 14)) {
            // Holes are 4-connected areas of zeros apart from the one around everything.
            let framed = GrayImage::from_fn(img.width() + 2, img.height() + 2, |x, y| {
                let p = img.get_pixel_checked(x.wrapping_sub(1), y.wrapping_sub(1));
                p.copied().unwrap_or(image::Luma([0]))
            });
            let (areas, holes) = (count_areas(&framed, 255, &STEPS), count_areas(&framed, 0, &STEPS_4) - 1);
            prop_assert_eq!(find(&img).len(), areas + holes);
        }
    }

    const STEPS_4: [(i32, i32); 4] = [(1, 0), (0, -1), (-1, 0), (0, 1)];

    /// Number of areas of a value that are connected by the given steps.
    fn count_areas(img: &GrayImage, value: u8, steps: &[(i32, i32)]) -> usize {
        let mut left = img.clone();
        let mut count = 0;
        for (x, y, p) in img.enumerate_pixels() {
            if p.0[0] != value || left.get_pixel(x, y).0[0] != value {
                continue;
            }
            count += 1;
            let mut open = vec![(x, y)];
            while let Some((x, y)) = open.pop() {
                for (dx, dy) in steps {
                    let (x, y) = (x.wrapping_add_signed(*dx), y.wrapping_add_signed(*dy));
                    if let Some(p) = left.get_pixel_mut_checked(x, y)
                        && p.0[0] == value
                    {
                        p.0[0] = 1;
                        open.push((x, y));
                    }
                }
            }
        }
        count
    }
}
