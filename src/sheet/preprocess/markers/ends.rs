//! Where a line truly begins and ends.
//!
//! The outline of a prepared zone ends where the joined blob fades: a bright or blurred end lies above a threshold that was
//! made for the rest, and dashes are lost. Here the ink along the line's course is compared with the paper beside it, row
//! by row, and a row is ink when it is at least half as dark as the line is thereabouts. So the ends do not move with the
//! light, and blur leaves them where they are. From the last piece that is surely the line's the next ones are followed
//! as far as they come at the gaps of a row of dashes, whatever the zone's limits: a line that goes on beyond its zone is
//! told by that.

use image::GrayImage;

use crate::imaging::stats::median;

/// A row is ink from this part of the usual darkness near it: what blur makes of a sharp edge.
const HALF: f64 = 0.5;

/// The usual darkness is taken from this part of the line's length, either way.
const NEAR: f64 = 0.1;

/// Where the line is not darker than its paper by this part, nothing is said about its ends.
const LEAST_DARKNESS: f64 = 0.1;

/// From so many pieces on a line is a row of dashes.
const LEAST_DASHES: usize = 4;

/// The next dash comes within this many usual gaps.
const LONGEST_GAP: f64 = 1.6;

/// Lengths of a dash, in parts of the usual one. A speck is shorter, a frame or a shadow longer.
const LENGTHS: (f64, f64) = (0.4, 1.8);

/// Pixels between a line and the paper beside it, and the paper's width.
const BESIDE: (f64, f64) = (2.0, 3.0);

/// First and last row of a line that runs down, in rows of `picture` (parts of a pixel count, from the middle of the
/// first row of ink to that of the last). `middle` is its course, x of a row; `width` is its width, in pixels; `seen` the
/// first and last row that are known to be of the line. `None`: it is too faint to say.
pub fn of_line(picture: &GrayImage, middle: impl Fn(f64) -> f64, width: f64, seen: (f64, f64)) -> Option<(f64, f64)> {
    let darkness = darkness(picture, middle, width);
    let last_row = darkness.len().checked_sub(1)?;
    let row = |y: f64| (y.round().max(0.0) as usize).min(last_row);
    let (first, last) = (row(seen.0), row(seen.1));
    let level: Vec<f64> = {
        let reach = ((NEAR * (last - first.min(last)) as f64) as usize).max(3);
        (0..=last_row)
            .map(|y| {
                let y = y.clamp(first, last.max(first));
                let near = &darkness[y.saturating_sub(reach).max(first)..=(y + reach).min(last.max(first))];
                HALF * near.iter().copied().fold(0.0, f64::max)
            })
            .collect()
    };
    if level[first] < HALF * LEAST_DARKNESS || level[last] < HALF * LEAST_DARKNESS {
        return None;
    }
    let pieces = pieces(&darkness, &level);
    let own: Vec<usize> = (0..pieces.len()).filter(|&i| pieces[i].1 >= first && pieces[i].0 <= last).collect();
    let (usual_length, usual_gap) = match own.len() {
        0 => return None,
        count if count < LEAST_DASHES => (None, 0.0),
        _ => {
            let length = median(own.iter().map(|&i| length(pieces[i])))?;
            (Some(length), median(own.windows(2).map(|pair| gap(pieces[pair[0]], pieces[pair[1]])))?)
        }
    };
    let is_dash = |i: usize| {
        usual_length.is_none_or(|usual| (LENGTHS.0 * usual..=LENGTHS.1 * usual).contains(&length(pieces[i])))
    };
    let follows = |a: usize, b: usize| {
        usual_length.is_some() && is_dash(b) && gap(pieces[a.min(b)], pieces[a.max(b)]) <= LONGEST_GAP * usual_gap + 1.0
    };
    let mut top = own.iter().copied().find(|&i| is_dash(i))?;
    while top > 0 && follows(top, top - 1) {
        top -= 1;
    }
    let mut bottom = own.iter().rev().copied().find(|&i| is_dash(i))?;
    while bottom + 1 < pieces.len() && follows(bottom, bottom + 1) {
        bottom += 1;
    }
    let crossing = |inside: usize, outside: Option<usize>| {
        let outside = outside.filter(|&y| y <= last_row)?;
        let (a, b, level) = (darkness[outside], darkness[inside], level[inside]);
        Some(((b - level) / (b - a).max(1e-9)).clamp(0.0, 1.0))
    };
    let (y0, y1) = (pieces[top].0, pieces[bottom].1);
    // Half the way to the next row is the edge of a sharp line's last pixel.
    let beyond_top = crossing(y0, y0.checked_sub(1)).unwrap_or(0.5) - 0.5;
    let beyond_bottom = crossing(y1, Some(y1 + 1)).unwrap_or(0.5) - 0.5;
    Some((y0 as f64 - beyond_top, y1 as f64 + beyond_bottom))
}

/// How much darker than the paper beside it the middle half of the line is, in parts of that paper, for each row.
fn darkness(picture: &GrayImage, middle: impl Fn(f64) -> f64, width: f64) -> Vec<f64> {
    let mean = |y: u32, from: f64, to: f64| {
        let (from, to) = (from.round().max(0.0), to.round().min(f64::from(picture.width()) - 1.0));
        if from > to || from.is_nan() {
            return None;
        }
        let (from, to) = (from as u32, to as u32);
        let sum: u32 = (from..=to).map(|x| u32::from(picture.get_pixel(x, y).0[0])).sum();
        Some(f64::from(sum) / f64::from(to - from + 1))
    };
    let rows: Vec<f64> = (0..picture.height())
        .map(|y| {
            let (x, half) = (middle(f64::from(y)), width / 2.0);
            let (near, far) = (half + BESIDE.0, half + BESIDE.0 + BESIDE.1 - 1.0);
            // Beside the page it may be dark, and print may be beside the line: the lighter side is paper.
            let paper = mean(y, x - far, x - near).into_iter().chain(mean(y, x + near, x + far)).fold(0.0, f64::max);
            let ink = mean(y, x - half / 2.0, x + half / 2.0);
            ink.filter(|_| paper >= 1.0).map_or(0.0, |ink| (paper - ink) / paper)
        })
        .collect();
    // A little noise is no gap.
    (0..rows.len())
        .map(|y| {
            let near = &rows[y.saturating_sub(1)..(y + 2).min(rows.len())];
            near.iter().sum::<f64>() / near.len() as f64
        })
        .collect()
}

/// First and last row of each run of ink.
fn pieces(darkness: &[f64], level: &[f64]) -> Vec<(usize, usize)> {
    let mut pieces: Vec<(usize, usize)> = Vec::new();
    for (y, _) in darkness.iter().zip(level).enumerate().filter(|(_, (is, level))| is >= level) {
        match pieces.last_mut() {
            Some(piece) if piece.1 + 1 == y => piece.1 = y,
            _ => pieces.push((y, y)),
        }
    }
    pieces
}

fn length(piece: (usize, usize)) -> f64 {
    (piece.1 + 1 - piece.0) as f64
}

/// Rows between a piece and one below it.
fn gap(upper: (usize, usize), lower: (usize, usize)) -> f64 {
    lower.0.saturating_sub(upper.1 + 1) as f64
}

#[cfg(test)]
mod tests {
    use image::Luma;
    use proptest::prelude::*;

    use super::*;
    use crate::imaging::arbitrary::picture;
    use crate::imaging::blur;

    /// A line of 10 px around x = 30 with ink in these rows.
    fn line(ink: impl Fn(u32) -> bool) -> GrayImage {
        GrayImage::from_fn(60, 300, |x, y| Luma([if (25..35).contains(&x) && ink(y) { 40 } else { 235 }]))
    }

    fn ends(picture: &GrayImage, seen: (f64, f64)) -> (f64, f64) {
        of_line(picture, |_| 29.5, 10.0, seen).unwrap()
    }

    #[track_caller]
    fn are_near(found: (f64, f64), first: f64, last: f64, by: f64) {
        assert!((found.0 - first).abs() <= by && (found.1 - last).abs() <= by, "{found:?} for {first} and {last}");
    }

    #[test]
    fn ends_stay_in_any_light_and_blur() {
        let sharp = line(|y| (20..=279).contains(&y));
        are_near(ends(&sharp, (40.0, 250.0)), 20.0, 279.0, 0.2);
        are_near(ends(&blur::gaussian(&sharp, (13, 13), 3.0), (40.0, 250.0)), 20.0, 279.0, 0.8);
        for (factor, base) in [(0.4, 0.0), (0.4, 150.0)] {
            let mut other = sharp.clone();
            other.iter_mut().for_each(|v| *v = (f64::from(*v) * factor + base) as u8);
            are_near(ends(&other, (40.0, 250.0)), 20.0, 279.0, 0.4);
        }
    }

    #[test]
    fn lost_dashes_are_followed() {
        let dashes = line(|y| (20..=276).contains(&y) && (y - 20) % 16 < 9);
        are_near(ends(&dashes, (70.0, 200.0)), 20.0, 268.0, 0.3);
        // A shadow dims the upper ones: they are judged by their neighbours.
        let mut faint = dashes.clone();
        for (_, y, v) in faint.enumerate_pixels_mut() {
            let part = f64::from(y.min(150)) / 150.0;
            v.0[0] = (235.0 - (235.0 - f64::from(v.0[0])) * (0.35 + 0.65 * part)) as u8;
        }
        are_near(ends(&faint, (20.0, 200.0)), 20.0, 268.0, 0.6);
    }

    #[test]
    fn what_is_no_dash_is_not_followed() {
        // A speck, and a bar behind two gaps.
        let picture = line(|y| ((60..=244).contains(&y) && (y - 60) % 16 < 9) || (49..=50).contains(&y) || y > 265);
        are_near(ends(&picture, (60.0, 244.0)), 60.0, 244.0, 0.3);
    }

    #[test]
    fn a_line_too_faint_has_no_ends() {
        let blank = GrayImage::from_pixel(60, 300, Luma([200]));
        assert_eq!(of_line(&blank, |_| 29.5, 10.0, (20.0, 200.0)), None);
        assert_eq!(of_line(&GrayImage::new(0, 0), |_| 29.5, 10.0, (20.0, 200.0)), None);
    }

    proptest! {
        #[test]
        fn any_picture_is_survived(
            patch in picture(12, 40), x in -30.0..40.0f64, slope in -3.0..3.0f64, width in 0.0..50.0f64,
            a in -50.0..90.0f64, b in -50.0..90.0f64,
        ) {
            if let Some((first, last)) = of_line(&patch, |y| x + slope * y, width, (a, b)) {
                prop_assert!(first.is_finite() && last.is_finite());
            }
        }
    }
}
