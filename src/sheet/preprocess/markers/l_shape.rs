//! Two bars that meet in a right angle; the inner corner is taken.
//!
//! OMRChecker's method (spec v2 7.6): the largest dark area within limits, and the point of its outline that lies deepest
//! within its hull.

use image::GrayImage;

use super::blob::{self, Contrast};
use crate::geometry::{PixelPoint, Point};
use crate::imaging::{blur, contours, edges, morphology, polygon};
use crate::template::LTuning;

/// The inner corner lies this much of the hull's extent within it, or it is a dent. A thin L of equal bars has 0.5, one
/// whose bars are half as wide as long 0.25.
const LEAST_DEPTH: f64 = 0.1;

/// An L-shape with its tuning.
#[derive(Debug)]
pub struct LShape {
    tuning: LTuning,
}

impl LShape {
    /// An L-shape.
    pub fn new(tuning: LTuning) -> Self {
        Self { tuning }
    }

    /// The picture in which outlines are sought: white where something dark is.
    pub fn searched(&self, patch: &GrayImage) -> GrayImage {
        let LTuning { kernel, iterations, .. } = self.tuning;
        let mut work = blur::gaussian(patch, (5, 5), 0.0);
        let bound = imageproc::contrast::otsu_level(&work);
        for v in work.iter_mut() {
            *v = if *v > bound { 0 } else { 255 };
        }
        morphology::close(&morphology::open(&work, kernel, iterations), kernel, iterations)
    }

    /// The inner corner, or why there is none.
    pub fn find(&self, patch: &GrayImage) -> Result<Point, String> {
        let LTuning { min_area, max_area, .. } = self.tuning;
        let work = self.searched(patch);
        let mut found: Vec<(f64, Vec<PixelPoint>)> = contours::find_external(&edges::canny(&work, 50, 150))
            .into_iter()
            .map(|outline| (contours::area(&outline), outline))
            .collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        let largest = found.first().map(|(area, _)| *area);
        let mut problem = match largest {
            None => "nothing dark is there".to_owned(),
            Some(area) => format!("the largest dark area has {area:.0} px²"),
        };
        for (area, outline) in
            found.iter().filter(|(area, _)| (min_area..=max_area).contains(area)).take(blob::CANDIDATES)
        {
            match checked(patch, outline) {
                Ok(corner) => return Ok(corner),
                Err(what) => problem = format!("a dark area of {area:.0} px² {what}"),
            }
        }
        Err(format!(
            "{problem}, expected an L-shape of {min_area} to {max_area} px² (`minMarkerArea`, `maxMarkerArea`); check that it \
             is on the sheet and whole, and the zone's `origin` and `margins`"
        ))
    }
}

fn checked(patch: &GrayImage, outline: &[PixelPoint]) -> Result<Point, String> {
    let (w, h) = (patch.width() as i32, patch.height() as i32);
    if outline.iter().any(|p| p.x <= 0 || p.y <= 0 || p.x >= w - 1 || p.y >= h - 1) {
        return Err("reaches the edge of the zone".to_owned());
    }
    let (top, rows) = contours::runs(outline);
    let inside =
        (top..).zip(&rows).flat_map(|(y, runs)| runs.iter().flat_map(move |r| (r.0..=r.1).map(move |x| (x, y))));
    let contrast = Contrast::of(patch, inside);
    if !contrast.is_ink() {
        return Err(format!("has gray {} on paper of {}", contrast.ink, contrast.paper));
    }
    inner_corner(outline).ok_or_else(|| "has no inner corner".to_owned())
}

/// The point of an outline that lies deepest within its hull, if that is deep enough for the corner of an L.
fn inner_corner(outline: &[PixelPoint]) -> Option<Point> {
    let hull = polygon::convex_hull(outline);
    let extent =
        hull.iter().flat_map(|&a| hull.iter().map(move |&b| Point::from(a).distance(b.into()))).fold(0.0, f64::max);
    // The hull's corners in the outline's order; between two of them the outline dips into the hull.
    let on_hull: Vec<usize> = (0..outline.len()).filter(|&i| hull.contains(&outline[i])).collect();
    let mut deepest = (0.0, None);
    for (k, &start) in on_hull.iter().enumerate() {
        let end = on_hull[(k + 1) % on_hull.len()];
        let count = (end + outline.len() - start) % outline.len();
        let (a, b) = (Point::from(outline[start]), Point::from(outline[end]));
        let length = a.distance(b);
        for step in 1..count {
            let p = Point::from(outline[(start + step) % outline.len()]);
            let depth = match length {
                0.0 => p.distance(a),
                _ => ((b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x)).abs() / length,
            };
            if depth > deepest.0 {
                deepest = (depth, Some(p));
            }
        }
    }
    deepest.1.filter(|_| deepest.0 >= LEAST_DEPTH * extent)
}

#[cfg(test)]
mod tests {
    use image::Luma;
    use proptest::prelude::*;

    use super::*;
    use crate::imaging::arbitrary::picture;

    fn shape() -> LShape {
        LShape { tuning: LTuning { kernel: (5, 5), iterations: 2, min_area: 500.0, max_area: 50_000.0 } }
    }

    /// An L whose inner corner is at (x, y), with bars of `length` beyond it and of `thickness`; `sx` and `sy` tell where it
    /// opens to. Turned by `degrees`.
    fn l(x: f64, y: f64, (sx, sy): (f64, f64), length: f64, thickness: f64, degrees: f64) -> GrayImage {
        let (sin, cos) = degrees.to_radians().sin_cos();
        GrayImage::from_fn(120, 110, |px, py| {
            let (dx, dy) = (f64::from(px) - x, f64::from(py) - y);
            let (u, v) = (sx * (dx * cos + dy * sin), sy * (dy * cos - dx * sin));
            let bar =
                |along: f64, across: f64| (-thickness..length).contains(&along) && (-thickness..0.0).contains(&across);
            Luma([if bar(u, v) || bar(v, u) { 40 } else { 230 - (px / 4) as u8 }])
        })
    }

    #[test]
    fn every_orientation_has_its_inner_corner() {
        for toward in [(1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0), (1.0, -1.0)] {
            for (length, thickness) in [(40.0, 12.0), (28.0, 16.0)] {
                for degrees in [0.0, 4.0, -6.0] {
                    let found = shape().find(&l(60.0, 55.0, toward, length, thickness, degrees)).unwrap();
                    assert!(found.distance(Point::new(60.0, 55.0)) < 4.0, "{toward:?} {degrees}: {found:?}");
                }
            }
        }
    }

    #[test]
    fn specks_and_noise_do_not_matter() {
        let mut patch = l(60.0, 55.0, (1.0, 1.0), 40.0, 12.0, 0.0);
        for (x, y, p) in patch.enumerate_pixels_mut() {
            let noise = ((x * 37 + y * 101 + x * y) % 23) as u8;
            p.0[0] = if (x % 31, y % 29) == (3, 5) { 20 } else { p.0[0].saturating_sub(noise) };
        }
        assert!(shape().find(&patch).unwrap().distance(Point::new(60.0, 55.0)) < 4.0);
    }

    #[test]
    fn what_is_no_l_is_told() {
        let square = GrayImage::from_fn(120, 110, |x, y| {
            Luma([if (30..80).contains(&x) && (30..80).contains(&y) { 20 } else { 230 }])
        });
        assert!(shape().find(&square).unwrap_err().contains("no inner corner"));
        let even = GrayImage::from_pixel(120, 110, Luma([230]));
        assert!(shape().find(&even).is_err());
        let noise = GrayImage::from_fn(120, 110, |x, y| Luma([200 - ((x / 9 * 31 + y / 9 * 17) % 9) as u8]));
        assert!(shape().find(&noise).is_err());
        let cut = l(60.0, 10.0, (1.0, 1.0), 40.0, 12.0, 0.0);
        // What is left of it may do; a wrong corner may not.
        assert!(
            shape().find(&cut).is_ok_and(|p| p.distance(Point::new(60.0, 10.0)) < 4.0) || shape().find(&cut).is_err()
        );
        let small = shape().find(&l(60.0, 55.0, (1.0, 1.0), 12.0, 8.0, 0.0)).unwrap_err();
        assert!(small.contains("expected an L-shape of 500 to 50000 px²"), "{small}");
    }

    proptest! {
        #[test]
        fn any_patch_is_survived(patch in picture(14, 14), w in 1..30u32, iterations in 0..50u32) {
            let tuning = LTuning { kernel: (w, 3), iterations, min_area: 0.0, max_area: 1e9 };
            let _ = LShape { tuning }.find(&patch);
        }
    }
}
