//! The place about which a picture mirrors itself.

use super::patch::Patch;
use super::shapes::Found;

/// Around an outline, this part of its size is looked at too.
const RIM: f64 = 0.12;

/// Half the width and height of what is looked at around an outline, in page pixels.
fn window(size: (u32, u32), outline: &Found) -> (f64, f64) {
    let half = |side: u32, scale: f64| f64::from(side) * (scale / 2.0 + RIM);
    (half(size.0, outline.size.0), half(size.1, outline.size.1))
}

/// From a rough place to one between pixels, in page pixels from the box's middle; and how well the patch mirrors itself
/// there, along x and y.
pub(super) fn refine(patch: &Patch, size: (u32, u32), coarse: &Found) -> ((f64, f64), (f64, f64)) {
    let window = window(size, coarse);
    let (x, like_x) = along(patch, coarse.shift, window, f64::from(size.0), true);
    let (y, like_y) = along(patch, coarse.shift, window, f64::from(size.1), false);
    ((x, y), (like_x, like_y))
}

/// Mirrors below this tell nothing.
const LEAST_MIRROR: f64 = 0.6;

/// The place along x (`across`) or y of a patch of some of the bubbles, near that of all; `None` if it has no mirror there.
pub(super) fn of_line(patch: &Patch, size: (u32, u32), near: &Found, across: bool) -> Option<f64> {
    let window = window(size, near);
    let side = f64::from(if across { size.0 } else { size.1 });
    let (place, mirrored) = along(patch, near.shift, window, side, across);
    (mirrored >= LEAST_MIRROR).then_some(place)
}

/// How much two patches of the same size are alike around a place: their correlation, −1 to 1; and how many times the ink of
/// the first the second has.
pub(super) fn alike(a: &Patch, b: &Patch, size: (u32, u32), near: &Found) -> (f64, f64) {
    let (hx, hy) = window(size, near);
    let (hx, hy) = (hx.floor() as i64, hy.floor() as i64);
    let window = (-hy..=hy).flat_map(|y| (-hx..=hx).map(move |x| (near.shift.0 + x as f64, near.shift.1 + y as f64)));
    let pairs: Vec<(f64, f64)> = window.map(|(x, y)| (f64::from(a.at(x, y)), f64::from(b.at(x, y)))).collect();
    let count = pairs.len().max(1) as f64;
    let mean = pairs.iter().fold((0.0, 0.0), |sum, p| (sum.0 + p.0 / count, sum.1 + p.1 / count));
    let sums = pairs.iter().fold((0.0, 0.0, 0.0), |(ab, aa, bb), p| {
        let (u, v) = (p.0 - mean.0, p.1 - mean.1);
        (ab + u * v, aa + u * u, bb + v * v)
    });
    let alike = if sums.1 * sums.2 > 1e-12 { sums.0 / (sums.1 * sums.2).sqrt() } else { 0.0 };
    (alike, mean.1 / mean.0.max(1e-6))
}

/// The mirror along x (`across`) or y near the place.
fn along(patch: &Patch, place: (f64, f64), window: (f64, f64), side: f64, across: bool) -> (f64, f64) {
    let (here, there) = if across { (place.0, place.1) } else { (place.1, place.0) };
    let (half, band) = if across { window } else { (window.1, window.0) };
    let (length, other_length) = if across { (patch.width, patch.height) } else { (patch.height, patch.width) };
    let middle = (length as f64 - 1.0) / 2.0;
    let other_middle = (other_length as f64 - 1.0) / 2.0;
    let first = (other_middle + there - band).ceil().max(0.0) as usize;
    let last = ((other_middle + there + band).floor().max(0.0) as usize).min(other_length.saturating_sub(1));
    let get = |i: usize, j: usize| if across { patch.ink[j * patch.width + i] } else { patch.ink[i * patch.width + j] };
    // Twice the mirror's place is a whole number.
    let centre = (2.0 * (middle + here)).round() as i64;
    let reach = (side / 12.0 + 1.5).ceil() as i64 * 2;
    let score = |twice: i64| -> Option<f64> {
        let from = ((twice as f64 / 2.0) - half).ceil().max(0.0) as i64;
        let (mut xy, mut sum, mut squares, mut count) = (0.0f64, 0.0f64, 0.0f64, 0.0f64);
        for i in from..=twice - from {
            let k = twice - i;
            if i < 0 || k < 0 || i >= length as i64 || k >= length as i64 {
                return None;
            }
            for j in first..=last {
                let (a, b) = (f64::from(get(i as usize, j)), f64::from(get(k as usize, j)));
                xy += a * b;
                sum += a;
                squares += a * a;
                count += 1.0;
            }
        }
        let (product, deviation) = (xy - sum * sum / count, squares - sum * sum / count);
        (count > 0.0).then(|| if deviation > 1e-9 { product / deviation } else { 0.0 })
    };
    let scores: Vec<(i64, f64)> =
        (centre - reach..=centre + reach).filter_map(|twice| Some((twice, score(twice)?))).collect();
    let Some(&(best, most)) = scores.iter().reduce(|a, b| if b.1 > a.1 { b } else { a }) else { return (here, 0.0) };
    let near = |d: i64| scores.iter().find(|(twice, _)| *twice == best + d).map(|(_, s)| *s);
    let part = match (near(-1), near(1)) {
        (Some(before), Some(after)) => {
            let curvature = before - 2.0 * most + after;
            if curvature < -1e-9 { (0.5 * (before - after) / curvature).clamp(-0.5, 0.5) } else { 0.0 }
        }
        _ => 0.0,
    };
    ((best as f64 + part) / 2.0 - middle, most)
}
