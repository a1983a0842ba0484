//! Tone curves: every change of a pixel that depends on its value alone, as a table of 256 entries.

use image::GrayImage;

#[cfg(target_arch = "x86_64")]
use super::dispatch::{self, wide_fn};
use super::{pixels, pixels_mut};

/// What [`stretch`] makes of a picture of one single value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flat {
    /// All 0, as OMRChecker v1.
    Black,
    /// Unchanged, as OMRChecker v2.
    Keep,
}

/// Smallest and largest value; (0, 0) for a picture without pixels.
pub fn min_max(img: &GrayImage) -> (u8, u8) {
    let raw = pixels(img);
    if raw.is_empty() {
        return (0, 0);
    }
    raw.iter().fold((255, 0), |(min, max), &v| (v.min(min), v.max(max)))
}

/// Stretches the values so that the smallest becomes 0 and the largest 255 (see [`stretch_table`]).
pub fn stretch(img: &mut GrayImage, flat: Flat) {
    match min_max(img) {
        (0, 255) => {}
        (min, max) if min < max => stretch_between(pixels_mut(img), min, max),
        (0, _) => {}
        _ if flat == Flat::Keep => {}
        _ => pixels_mut(img).fill(0),
    }
}

/// Applies [`stretch_table`].
fn stretch_between(pixels: &mut [u8], min: u8, max: u8) {
    // Several at once where the processor multiplies and adds in one step; it would be costly to imitate that.
    #[cfg(target_arch = "x86_64")]
    if dispatch::has_avx2() {
        let (scale, shift) = stretch_line(min, max);
        return stretch_by(pixels, scale, shift);
    }
    replace(pixels, &stretch_table(min, max));
}

#[cfg(target_arch = "x86_64")]
wide_fn! {
    /// The formula of [`stretch_table`], for pixels of which the least becomes 0 and the largest 255.
    fn stretch_by(pixels: &mut [u8], scale: f32, shift: f32) {
        /// Leaves no fractional bits, so that the addition rounds, and the low bits of the sum are the integer.
        const ROUNDED: f32 = 12_582_912.0; // 1.5 · 2^23
        for v in pixels {
            *v = (f32::from(*v).mul_add(scale, shift) + ROUNDED).to_bits() as u8;
        }
    }
}

/// Scale and shift of [`stretch_table`].
fn stretch_line(min: u8, max: u8) -> (f32, f32) {
    let scale = 255.0 * (1.0 / f64::from(max - min));
    (scale as f32, (-f64::from(min) * scale) as f32)
}

/// The table of [`stretch`]: out = rint(v·scale + shift) with scale = 255/(max − min) and shift = −min·scale rounded to
/// `f32`, and one fused multiply-add. All 0 unless min < max; values outside of min…max are cut to 0…255.
pub fn stretch_table(min: u8, max: u8) -> [u8; 256] {
    if min >= max {
        return [0; 256];
    }
    let (scale, shift) = stretch_line(min, max);
    table(|v| f32::from(v).mul_add(scale, shift).round_ties_even() as u8)
}

/// Truncates: values above `at` become `at`.
pub fn cap(img: &mut GrayImage, at: u8) {
    pixels_mut(img).iter_mut().for_each(|v| *v = at.min(*v));
}

/// A picture stretched ([`stretch`], flat ones kept), then truncated at each of `caps` and stretched again. What each change meets
/// follows from the changes before it, so that all are made part by part, where the processor still has the pixels at hand.
pub fn stretched_at_caps(src: &GrayImage, caps: &[u8]) -> GrayImage {
    /// Pixels of a part.
    const PART: usize = 4096;
    enum Change {
        Cap(u8),
        Stretch(u8, u8),
    }
    let (mut min, mut max) = min_max(src);
    let mut changes = Vec::new();
    for cap in std::iter::once(None).chain(caps.iter().copied().map(Some)) {
        if let Some(cap) = cap {
            (min, max) = (min.min(cap), max.min(cap));
            changes.push(Change::Cap(cap));
        }
        if min < max && (min, max) != (0, 255) {
            changes.push(Change::Stretch(min, max));
            (min, max) = (0, 255);
        }
    }
    let mut dst = GrayImage::new(src.width(), src.height());
    for (from, to) in pixels(src).chunks(PART).zip(pixels_mut(&mut dst).chunks_mut(PART)) {
        to.copy_from_slice(from);
        for change in &changes {
            match *change {
                Change::Cap(cap) => to.iter_mut().for_each(|v| *v = cap.min(*v)),
                Change::Stretch(min, max) => stretch_between(to, min, max),
            }
        }
    }
    dst
}

/// Levels: 0 up to `low`, 255 from `high` on (both 0…1, cut to whole gray levels), between them
/// trunc(255·((v−lo)/(hi−lo))^(1/gamma)). A gamma of 0 makes everything between black.
pub fn levels_table(low: f64, high: f64, gamma: f64) -> [u8; 256] {
    let (lo, hi) = ((255.0 * low).trunc(), (255.0 * high).trunc());
    let exponent = 1.0 / gamma;
    table(|v| match f64::from(v) {
        v if v <= lo => 0,
        v if v >= hi => 255,
        v => (((v - lo) / (hi - lo)).powf(exponent) * 255.0) as u8,
    })
}

/// trunc(255·(v/255)^exponent). Callers with a gamma pass its reciprocal.
pub fn gamma_table(exponent: f64) -> [u8; 256] {
    table(|v| ((f64::from(v) / 255.0).powf(exponent) * 255.0) as u8)
}

/// Contrast: |alpha·v + beta| in `f32`, rounded half to even and cut to 255.
pub fn contrast_table(alpha: f64, beta: f64) -> [u8; 256] {
    let (alpha, beta) = (alpha as f32, beta as f32);
    table(|v| (f32::from(v) * alpha + beta).abs().round_ties_even() as u8)
}

/// Alpha and beta for [`contrast_table`] that stretch the histogram after cutting half of `clip_percentage` per cent of
/// the pixels from each end. (1, 0), which changes nothing, when no two gray levels are left.
pub fn auto_contrast(img: &GrayImage, clip_percentage: f64) -> (f64, f64) {
    let mut cumulative = [0u64; 256];
    for &v in pixels(img) {
        cumulative[usize::from(v)] += 1;
    }
    for v in 1..256 {
        cumulative[v] += cumulative[v - 1];
    }
    // Counts are far below 2^53.
    let total = cumulative[255] as f64;
    let clip = clip_percentage * total / 200.0;
    let low = cumulative.iter().position(|&count| count as f64 >= clip);
    let high = cumulative.iter().rposition(|&count| (count as f64) < total - clip);
    match (low, high) {
        (Some(low), Some(high)) if low < high => {
            let alpha = 255.0 / (high - low) as f64;
            (alpha, -(low as f64) * alpha)
        }
        _ => (1.0, 0.0),
    }
}

/// Replaces each value by its entry in `table`.
pub fn apply(img: &mut GrayImage, table: &[u8; 256]) {
    replace(pixels_mut(img), table);
}

fn replace(pixels: &mut [u8], table: &[u8; 256]) {
    pixels.iter_mut().for_each(|v| *v = table[usize::from(*v)]);
}

/// A table from a function. Float to integer casts in it saturate, and NaN becomes 0.
fn table(f: impl Fn(u8) -> u8) -> [u8; 256] {
    let mut table = [0; 256];
    for (v, out) in (0..=255).zip(&mut table) {
        *out = f(v);
    }
    table
}

#[cfg(test)]
mod tests {
    use imageproc::gray_image;
    use proptest::prelude::*;

    use super::*;
    use crate::imaging::arbitrary::{flat_picture, picture};

    #[test]
    fn stretching_reaches_both_ends() {
        let mut img = gray_image!(10, 20, 30; 15, 25, 10);
        stretch(&mut img, Flat::Black);
        assert_eq!(img, gray_image!(0, 128, 255; 64, 191, 0));
    }

    #[test]
    fn stretching_is_that_of_the_table() {
        for (min, max) in (0..=255u8).flat_map(|min| (min..=255).map(move |max| (min, max))) {
            let mut img = GrayImage::from_fn(256, 1, |x, _| image::Luma([(x as u8).clamp(min, max)]));
            let mut want = img.clone();
            if min < max {
                apply(&mut want, &stretch_table(min, max));
            }
            stretch(&mut img, Flat::Keep);
            assert_eq!(img, want, "{min} {max}");
        }
    }

    #[test]
    fn a_flat_picture_turns_black_or_stays() {
        let mut img = gray_image!(7, 7);
        stretch(&mut img, Flat::Keep);
        assert_eq!(img, gray_image!(7, 7));
        stretch(&mut img, Flat::Black);
        assert_eq!(img, gray_image!(0, 0));
    }

    #[test]
    fn stretching_rounds_once() {
        // Without the fused multiply-add this entry is 43.
        assert_eq!(stretch_table(1, 37)[7], 42);
    }

    #[test]
    fn levels_cut_both_ends() {
        let table = levels_table(0.2, 0.8, 1.0);
        assert_eq!((table[51], table[52], table[203], table[204]), (0, 1, 253, 255));
        assert_eq!(levels_table(0.0, 1.0, 0.0)[254], 0);
    }

    #[test]
    fn gamma_keeps_the_ends() {
        let table = gamma_table(1.0 / 0.7);
        assert_eq!((table[0], table[128], table[255]), (0, 95, 255));
    }

    #[test]
    fn contrast_is_absolute_and_cut() {
        let table = contrast_table(1.75, -35.0);
        assert_eq!((table[0], table[20], table[22], table[255]), (35, 0, 4, 255));
    }

    #[test]
    fn auto_contrast_spans_the_histogram() {
        let mut img = GrayImage::from_fn(10, 10, |x, _| image::Luma([if x < 5 { 50 } else { 200 }]));
        assert_eq!(auto_contrast(&img, 1.0), (255.0 / 149.0, -50.0 * (255.0 / 149.0)));
        cap(&mut img, 50);
        assert_eq!(auto_contrast(&img, 1.0), (1.0, 0.0));
    }

    proptest! {
        #[test]
        fn changes_made_together_are_those_made_one_by_one(
            src in picture(90, 60), range in (0u8..200, 1u8..=255), caps in proptest::collection::vec(any::<u8>(), 0..3),
        ) {
            let mut src = src;
            src.iter_mut().for_each(|v| *v = range.0 + (*v).min(range.1.min(255 - range.0)));
            let mut one_by_one = src.clone();
            stretch(&mut one_by_one, Flat::Keep);
            for &at in &caps {
                cap(&mut one_by_one, at);
                stretch(&mut one_by_one, Flat::Keep);
            }
            prop_assert_eq!(stretched_at_caps(&src, &caps), one_by_one);
        }
    }

    proptest! {
        #[test]
        fn stretched_pictures_stay_as_they_are(mut img in prop_oneof![picture(8, 8), flat_picture(8, 8)]) {
            stretch(&mut img, Flat::Black);
            let (min, max) = min_max(&img);
            prop_assert!(min == 0 && (max == 0 || max == 255));
            let once = img.clone();
            stretch(&mut img, Flat::Keep);
            prop_assert_eq!(img, once);
        }

        #[test]
        fn any_numbers_make_a_table(a in any::<f64>(), b in any::<f64>(), c in any::<f64>(), img in picture(4, 4)) {
            levels_table(a, b, c);
            gamma_table(a);
            contrast_table(a, b);
            auto_contrast(&img, a);
        }
    }
}
