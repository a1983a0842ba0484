//! Contrast limited adaptive histogram equalisation.

use image::GrayImage;

use super::{mirrored, pixels, pixels_mut};

/// Equalises the histogram of each of (columns, rows) `tiles`, with no bin above `clip` times the mean bin (no limit for
/// a `clip` of 0 or less), and blends the curves of the four nearest tiles at each pixel.
///
/// If the picture cannot be cut into equal tiles, it is extended to the right and at the bottom, mirrored without the edge
/// pixel; a side that could be cut is then extended by a whole pixel per tile. A tile count of 0 counts as 1.
pub fn clahe(src: &GrayImage, clip: f64, tiles: (u32, u32)) -> GrayImage {
    let mut dst = GrayImage::new(src.width(), src.height());
    let input = pixels(src);
    if input.is_empty() {
        return dst;
    }
    let width = src.width() as usize;
    let height = input.len() / width;
    // More tiles than pixels would only repeat the mirrored picture.
    let (columns, rows) = (tile_count(tiles.0, width), tile_count(tiles.1, height));
    let extended = !width.is_multiple_of(columns) || !height.is_multiple_of(rows);
    let side = |length: usize, count: usize| (length + if extended { count - length % count } else { 0 }) / count;
    let (tile_width, tile_height) = (side(width, columns), side(height, rows));

    let mut curves = Vec::with_capacity(columns * rows);
    for ty in 0..rows {
        for tx in 0..columns {
            let mut histogram = [0u32; 256];
            for y in ty * tile_height..(ty + 1) * tile_height {
                let y = mirrored(y as i64, height);
                let row = &input[y * width..(y + 1) * width];
                let (start, end) = (tx * tile_width, (tx + 1) * tile_width);
                row[start.min(width)..end.min(width)].iter().for_each(|&v| histogram[usize::from(v)] += 1);
                for x in start.max(width)..end {
                    histogram[usize::from(row[mirrored(x as i64, width)])] += 1;
                }
            }
            curves.push(curve(histogram, tile_width * tile_height, clip));
        }
    }

    let across: Vec<Between> = (0..width).map(|x| Between::new(x, tile_width, columns)).collect();
    for (y, (out, row)) in pixels_mut(&mut dst).chunks_exact_mut(width).zip(input.chunks_exact(width)).enumerate() {
        let down = Between::new(y, tile_height, rows);
        let (upper, lower) = (&curves[down.first * columns..], &curves[down.second * columns..]);
        for ((out, &v), at) in out.iter_mut().zip(row).zip(&across) {
            let blend = |line: &[[u8; 256]]| {
                let value = |tile: usize| f32::from(line[tile][usize::from(v)]);
                value(at.first) * at.near + value(at.second) * at.far
            };
            *out = (blend(upper) * down.near + blend(lower) * down.far).round_ties_even() as u8;
        }
    }
    dst
}

/// At least one tile, and no tile without a pixel.
fn tile_count(wanted: u32, length: usize) -> usize {
    (wanted as usize).clamp(1, length.max(1))
}

/// The two tiles whose centres a pixel lies between along an axis, and their weights.
struct Between {
    first: usize,
    second: usize,
    near: f32,
    far: f32,
}

impl Between {
    fn new(at: usize, tile: usize, count: usize) -> Self {
        let position = at as f32 * (1.0 / tile as f32) - 0.5;
        let floor = position.floor();
        let far = position - floor;
        // Before the first centre the first tile counts alone, as the float to integer cast saturates at 0.
        let (first, second) = (floor as usize, (floor + 1.0) as usize);
        Self { first: first.min(count - 1), second: second.min(count - 1), near: 1.0 - far, far }
    }
}

/// The equalising curve of one tile of `count` pixels.
fn curve(mut histogram: [u32; 256], count: usize, clip: f64) -> [u8; 256] {
    if clip > 0.0 {
        let limit = ((clip * count as f64 / 256.0) as u32).max(1);
        let mut excess = 0;
        for bin in &mut histogram {
            excess += bin.saturating_sub(limit);
            *bin = limit.min(*bin);
        }
        let (share, rest) = (excess / 256, excess as usize % 256);
        histogram.iter_mut().for_each(|bin| *bin += share);
        let step = 256usize.checked_div(rest).unwrap_or(1);
        histogram.iter_mut().step_by(step).take(rest).for_each(|bin| *bin += 1);
    }
    let scale = 255.0 / count as f32;
    let mut total = 0;
    histogram.map(|bin| {
        total += bin;
        (total as f32 * scale).round_ties_even() as u8
    })
}

#[cfg(test)]
mod tests {
    use image::Luma;
    use proptest::prelude::*;

    use super::*;
    use crate::imaging::arbitrary::picture;

    #[test]
    fn one_tile_without_limit_equalises_the_histogram() {
        let src = GrayImage::from_fn(4, 1, |x, _| Luma([x as u8 * 2 + 100]));
        let want = GrayImage::from_fn(4, 1, |x, _| Luma([[64, 128, 191, 255][x as usize]]));
        assert_eq!(clahe(&src, 0.0, (1, 1)), want);
    }

    #[test]
    fn what_is_clipped_is_spread_from_the_first_bin_on() {
        let mut histogram = [0; 256];
        histogram[10] = 100;
        // The limit is 5·100/256 = 1, so 99 of 100 counts go to the bins 0, 2, 4, …
        let curve = curve(histogram, 100, 5.0);
        assert_eq!((curve[0], curve[1], curve[2]), (3, 3, 5));
        assert_eq!(curve[255], 255);
    }

    proptest! {
        #[test]
        fn any_numbers_give_a_picture(src in picture(9, 9), clip: f64, tiles: (u32, u32), few in (0..12u32, 0..12u32)) {
            clahe(&src, clip, tiles);
            clahe(&src, 5.0, few);
        }
    }
}
