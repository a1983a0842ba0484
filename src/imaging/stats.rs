//! Means and deviations, rounded where the thresholds built on them expect it.

use image::GrayImage;

use super::pixels;
use crate::geometry::{Rect, Size};

/// Mean gray value of the part of `area` that lies in the picture; 0 if there is none.
///
/// The integer sum is multiplied by the reciprocal of the count: a constant 200 in a box of 7×7 gives
/// 199.99999999999997, and so it does in OpenCV.
pub fn box_mean(img: &GrayImage, area: Rect) -> f64 {
    let (x0, y0, x1, y1) = area.clipped(Size::new(img.width(), img.height()));
    if x0 == x1 || y0 == y1 {
        return 0.0;
    }
    let (x0, x1) = (x0 as usize, x1 as usize);
    let rows = pixels(img).chunks_exact(img.width() as usize).skip(y0 as usize).take((y1 - y0) as usize);
    let sum: u64 = rows.map(|row| row_sum(&row[x0..x1])).sum();
    // Exact: sums of pictures are far below 2^53.
    sum as f64 * (1.0 / (f64::from(y1 - y0) * (x1 - x0) as f64))
}

/// Sum of a row. Pieces of up to 2^16 pixels fit 32 bits, which adds several pixels per instruction.
fn row_sum(row: &[u8]) -> u64 {
    row.chunks(1 << 16).map(|piece| u64::from(piece.iter().map(|&v| u32::from(v)).sum::<u32>())).sum()
}

/// Population standard deviation; 0 for no values.
pub fn std(values: &[f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let count = values.len() as f64;
    let mean = pairwise_sum(values) / count;
    let squares: Vec<f64> = values.iter().map(|v| (v - mean) * (v - mean)).collect();
    (pairwise_sum(&squares) / count).sqrt()
}

/// Population standard deviation, rounded half to even to two decimals; 0 for no values.
pub fn rounded_std(values: &[f64]) -> f64 {
    (std(values) * 100.0).round_ties_even() / 100.0
}

/// Sum in the order of NumPy, so that a deviation next to a rounding boundary falls on the same side: eight
/// interleaved running sums for up to 128 values, halves for more.
fn pairwise_sum(values: &[f64]) -> f64 {
    const LANES: usize = 8;
    const BLOCK: usize = 128;
    match values.len() {
        n if n < LANES => values.iter().sum(),
        n if n <= BLOCK => {
            let (lanes, rest) = values.as_chunks::<LANES>();
            let mut r = [0.0; LANES];
            for (i, chunk) in lanes.iter().enumerate() {
                for (sum, v) in r.iter_mut().zip(chunk) {
                    *sum = if i == 0 { *v } else { *sum + v };
                }
            }
            let sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
            rest.iter().fold(sum, |sum, v| sum + v)
        }
        n => {
            let half = n / 2 - (n / 2) % LANES;
            pairwise_sum(&values[..half]) + pairwise_sum(&values[half..])
        }
    }
}

/// The value in the middle; of an even number of values the upper of the two. `None` if there is none.
pub fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use image::Luma;
    use imageproc::gray_image;
    use proptest::prelude::*;

    use super::*;
    use crate::imaging::arbitrary::picture;

    #[test]
    fn the_median_is_the_upper_middle() {
        assert_eq!(median([].into_iter()), None);
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), Some(2.0));
        assert_eq!(median([4.0, 1.0, 3.0, 2.0].into_iter()), Some(3.0));
    }

    #[test]
    fn the_mean_is_a_product_with_the_reciprocal() {
        let img = GrayImage::from_pixel(9, 9, Luma([200]));
        assert_eq!(box_mean(&img, Rect::new(1, 1, 7, 7)), 199.99999999999997);
    }

    #[test]
    fn boxes_are_cut_at_the_picture() {
        let img = gray_image!(10, 20; 30, 40);
        assert_eq!(box_mean(&img, Rect::new(-3, -3, 4, 4)), 10.0);
        assert_eq!(box_mean(&img, Rect::new(1, 0, 50, 50)), 30.0);
        assert_eq!(box_mean(&img, Rect::new(2, 0, 5, 5)), 0.0);
        assert_eq!(box_mean(&GrayImage::new(0, 0), Rect::new(0, 0, 1, 1)), 0.0);
    }

    #[test]
    fn deviations_have_two_decimals() {
        assert_eq!(rounded_std(&[]), 0.0);
        assert_eq!(rounded_std(&[5.0]), 0.0);
        assert_eq!(rounded_std(&[1.0, 2.0, 4.0]), 1.25);
    }

    proptest! {
        #[test]
        fn the_mean_equals_the_plain_one(
            img in picture(9, 9), x in -5..12i32, y in -5..12i32, w in 0..12u32, h in 0..12u32,
        ) {
            let inside = |(px, py): (u32, u32)| {
                let (dx, dy) = (px as i32 - x, py as i32 - y);
                dx >= 0 && dy >= 0 && dx < w as i32 && dy < h as i32
            };
            let values: Vec<f64> =
                img.enumerate_pixels().filter(|(x, y, _)| inside((*x, *y))).map(|(_, _, p)| f64::from(p.0[0])).collect();
            let want = if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 };
            prop_assert!((box_mean(&img, Rect::new(x, y, w, h)) - want).abs() < 1e-9);
        }

        #[test]
        fn the_deviation_equals_the_plain_one(values in proptest::collection::vec(0.0..255.0, 1..400)) {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64;
            prop_assert!((rounded_std(&values) - variance.sqrt()).abs() < 0.005 + 1e-9);
        }
    }
}
