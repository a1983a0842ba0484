//! A template made ready to be searched from coarse to fine: what it looks like on smaller copies of a picture.
//!
//! A marker lies anywhere on the blocks of a copy, so one place of the copy stands for as many displacements as its blocks have
//! pixels. A [`Level`] is the mean of the marker at all of them, which is near to each; how well it fits the marker at the
//! worst displacement is measured when it is made ready ([`Level::kept`]).

use image::GrayImage;

use super::{Area, KeptSpectrum, Sample, Template};
use crate::imaging::dispatch::wide_fn;
use crate::imaging::pixels;

/// Factors of the smallest copy, the largest that a marker bears is taken.
const FACTORS: [u32; 9] = [16, 12, 9, 8, 6, 5, 4, 3, 2];
/// A copy keeps at least this many pixels on a marker's shorter side. One with more than so many on its longer side is sought
/// without: what a copy keeps is measured at hundreds of displacements, and such a marker would take seconds before the first sheet.
const LEAST_SIDE: u32 = 4;
const MOST_SIDE: u32 = 512;
/// A marker bears a copy on which it keeps this part of its score; the second is tried if there is none by the first.
const LEAST_KEPT: [f32; 2] = [0.6, 0.5];

/// A template with smaller copies, made ready to be searched.
#[derive(Debug, Clone)]
pub struct Marker {
    pub(super) picture: GrayImage,
    /// From coarse to fine, without the picture itself. None: every place is looked at.
    pub(super) levels: Vec<Level>,
    /// Of the picture.
    pub(super) spectrum: KeptSpectrum,
}

/// A marker on a smaller copy.
#[derive(Debug, Clone)]
pub(super) struct Level {
    /// Pixels of the marker to one of the copy.
    pub(super) factor: u32,
    pub(super) copy: SmallCopy,
    /// Where the copy begins in the marker, of which a part of a block is left over.
    pub(super) offset: (u32, u32),
    /// The score of the marker on this copy at the worst of the displacements that one place stands for.
    pub(super) kept: f32,
    /// Of the copy.
    pub(super) spectrum: KeptSpectrum,
}

/// A copy of a picture: means of blocks in quarters of a gray level.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SmallCopy {
    pub(super) raw: Vec<u16>,
    pub(super) width: usize,
}

/// What a search is thought to cost, in nanoseconds for each pixel of the picture.
mod cost {
    /// To score a place of a copy; to make a pixel of it ready for that, and to look at a pixel of the picture for it.
    pub const PLACE: f64 = 3.0;
    pub const COPIED: f64 = 2.0;
    pub const SEEN: f64 = 0.25;
}

impl Marker {
    /// Makes a template ready.
    pub fn new(picture: GrayImage) -> Self {
        let coarsest = bearable(&picture).into_iter().next();
        Self::beginning(picture, coarsest)
    }

    /// Makes templates ready that are sought in one picture: it is copied at two sizes at most.
    pub fn series(pictures: Vec<GrayImage>) -> Vec<Self> {
        let bearable: Vec<Vec<Level>> = pictures.iter().map(bearable).collect();
        // The coarsest that is allowed.
        let chosen = |levels: &[Level], allowed: (u32, u32)| {
            levels.iter().position(|level| level.factor == allowed.0 || level.factor == allowed.1)
        };
        let per_copy = |factor: u32| f64::from(factor * factor).recip();
        let cost = |allowed: (u32, u32)| {
            let places = bearable.iter().map(|levels| {
                let level = chosen(levels, allowed).and_then(|i| levels.get(i));
                cost::PLACE * level.map_or(1.0, |level| per_copy(level.factor))
            });
            let copies = if allowed.0 == allowed.1 { vec![allowed.0] } else { vec![allowed.0, allowed.1] };
            let made = copies.into_iter().map(|factor| cost::SEEN + cost::COPIED * per_copy(factor));
            places.sum::<f64>() + made.sum::<f64>()
        };
        let pairs = FACTORS.iter().enumerate().flat_map(|(i, a)| FACTORS[i..].iter().map(move |b| (*a, *b)));
        let allowed = pairs.min_by(|a, b| cost(*a).total_cmp(&cost(*b))).unwrap_or_default();
        let begun = |(picture, mut levels): (GrayImage, Vec<Level>)| {
            let level = chosen(&levels, allowed).map(|i| levels.swap_remove(i));
            Self::beginning(picture, level)
        };
        pictures.into_iter().zip(bearable).map(begun).collect()
    }

    /// Goes on from the coarsest level.
    fn beginning(picture: GrayImage, coarsest: Option<Level>) -> Self {
        let mut levels: Vec<Level> = coarsest.into_iter().collect();
        let mut factor = levels.first().map_or(1, |level| finer(level.factor));
        while factor > 1 {
            levels.extend(Level::new(&picture, factor, LEAST_KEPT[1]));
            factor = finer(factor);
        }
        Self { picture, levels, spectrum: KeptSpectrum::default() }
    }

    /// The template in full detail.
    pub fn picture(&self) -> &GrayImage {
        &self.picture
    }
}

/// The copies that a marker bears, the coarsest first.
fn bearable(picture: &GrayImage) -> Vec<Level> {
    let (side, longer) = (picture.width().min(picture.height()), picture.width().max(picture.height()));
    let by = |least: f32| -> Vec<Level> {
        let factors = FACTORS.into_iter().filter(|factor| side / factor >= LEAST_SIDE && longer <= MOST_SIDE);
        factors.filter_map(|factor| Level::new(picture, factor, least)).collect()
    };
    let levels = LEAST_KEPT.into_iter().map(by).find(|levels| !levels.is_empty());
    levels.unwrap_or_default()
}

/// The factor of the copy that follows one of this factor; 1: the picture itself.
fn finer(factor: u32) -> u32 {
    if factor > 2 { factor.div_ceil(2) } else { 1 }
}

impl Level {
    fn new(marker: &GrayImage, factor: u32, least: f32) -> Option<Self> {
        let view = View::new(marker, factor);
        let last = factor - 1;
        let fits = |copy: &SmallCopy, displaced: (u32, u32)| {
            let template = Template::new(&copy.raw, copy.width)?;
            Some(template.score(view.displaced(displaced).area(), 0, 0))
        };
        // Corners and middles tell at once that a copy will not do.
        let mut some = vec![0, last / 2, last];
        some.dedup();
        let some: Vec<_> = some.iter().flat_map(|&dy| some.iter().map(move |&dx| (dx, dy))).collect();
        let copy = SmallCopy::mean(some.iter().map(|&displaced| view.displaced(displaced)))?;
        let all = (0..factor).flat_map(|dy| (0..factor).map(move |dx| (dx, dy)));
        let mut kept = 1.0f32;
        for displaced in some.into_iter().chain(all) {
            kept = kept.min(fits(&copy, displaced)?);
            if kept < least {
                return None;
            }
        }
        Some(Self { factor, copy, offset: view.offset, kept, spectrum: KeptSpectrum::default() })
    }
}

/// A marker as it may lie on the blocks of a copy.
struct View {
    /// The marker, as if it went on at its edges, so that it can be displaced.
    canvas: GrayImage,
    /// Of the copy.
    size: (u32, u32),
    factor: u32,
    /// Where it begins in the marker, but for the displacement.
    offset: (u32, u32),
}

impl View {
    /// A marker, as far as it has whole blocks.
    fn new(marker: &GrayImage, factor: u32) -> Self {
        let size = (marker.width() / factor, marker.height() / factor);
        let offset = ((marker.width() - size.0 * factor) / 2, (marker.height() - size.1 * factor) / 2);
        // The blocks begin at offset + half − (displacement), see `displaced`.
        let rim = factor - 1 - factor / 2;
        let at = |i: u32, start: u32, length: u32| (i + start).saturating_sub(rim).min(length - 1);
        let canvas = GrayImage::from_fn(size.0 * factor + factor - 1, size.1 * factor + factor - 1, |x, y| {
            *marker.get_pixel(at(x, offset.0, marker.width()), at(y, offset.1, marker.height()))
        });
        Self { canvas, size, factor, offset }
    }

    /// The copy of the marker, lying so many of the displacements from 0 to factor − 1 to the right and down.
    fn displaced(&self, (dx, dy): (u32, u32)) -> SmallCopy {
        let (x, y) = (self.factor - 1 - dx, self.factor - 1 - dy);
        let bounds = (x, y, x + self.size.0 * self.factor, y + self.size.1 * self.factor);
        SmallCopy::of(Area::within(pixels(&self.canvas), self.canvas.width() as usize, bounds), self.factor)
    }
}

impl SmallCopy {
    /// Of blocks of `factor` × `factor` pixels; those at the right and at the bottom are of what there is.
    pub(super) fn of(area: Area<u8>, factor: u32) -> Self {
        let step = factor.max(1) as usize;
        let width = area.width.div_ceil(step);
        let mut raw = vec![0; width * area.height.div_ceil(step)];
        if raw.is_empty() {
            return Self { raw, width };
        }
        let mut columns = vec![0u32; area.width];
        for (top, out) in (0..).step_by(step).zip(raw.chunks_exact_mut(width)) {
            columns.fill(0);
            let bottom = (top + step).min(area.height);
            for y in top..bottom {
                add_row(area.row(y, 0, area.width), &mut columns);
            }
            mean_blocks(&columns, step, bottom - top, out);
        }
        Self { raw, width }
    }

    /// The mean of copies of one size in equal contrast, stretched to all grays. `None` if there is no contrast in it.
    fn mean(copies: impl Iterator<Item = Self>) -> Option<Self> {
        let mut width = 0;
        let mut sum: Vec<f64> = Vec::new();
        for copy in copies {
            let count = copy.raw.len();
            width = copy.width;
            sum.resize(count, 0.0);
            let values: Vec<f64> = copy.raw.iter().map(|&v| f64::from(v)).collect();
            let mean = values.iter().sum::<f64>() / count as f64;
            let length = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>().sqrt();
            if length > 0.0 {
                sum.iter_mut().zip(values).for_each(|(sum, v)| *sum += (v - mean) / length);
            }
        }
        let (least, most) = sum.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &v| (a.min(v), b.max(v)));
        if most.is_nan() || most - least <= 1e-9 {
            return None;
        }
        let scale = f64::from(u16::MOST) / (most - least);
        Some(Self { width, raw: sum.iter().map(|v| ((v - least) * scale).round() as u16).collect() })
    }

    pub(super) fn area(&self) -> Area<'_, u16> {
        let height = self.raw.len().checked_div(self.width).unwrap_or(0);
        Area { raw: &self.raw, stride: self.width, width: self.width, height }
    }
}

wide_fn! {
    fn add_row(row: &[u8], columns: &mut [u32]) {
        columns.iter_mut().zip(row).for_each(|(sum, &v)| *sum += u32::from(v));
    }
}

wide_fn! {
    /// The means of blocks of `step` columns, which are sums of so many rows.
    fn mean_blocks(columns: &[u32], step: usize, rows: usize, out: &mut [u16]) {
        let share = 4.0 / (rows * step) as f32;
        match step {
            2 => blocks::<2>(columns, share, out),
            3 => blocks::<3>(columns, share, out),
            4 => blocks::<4>(columns, share, out),
            5 => blocks::<5>(columns, share, out),
            6 => blocks::<6>(columns, share, out),
            8 => blocks::<8>(columns, share, out),
            9 => blocks::<9>(columns, share, out),
            12 => blocks::<12>(columns, share, out),
            16 => blocks::<16>(columns, share, out),
            _ => {
                for (out, block) in out.iter_mut().zip(columns.chunks_exact(step)) {
                    *out = (block.iter().sum::<u32>() as f32 * share + 0.5) as u16;
                }
            }
        }
        if let (Some(out), rest @ 1..) = (out.last_mut(), columns.len() % step) {
            let sum = columns[columns.len() - rest..].iter().sum::<u32>();
            *out = (sum as f32 * (4.0 / (rows * rest) as f32) + 0.5) as u16;
        }
    }
}

#[inline(always)]
fn blocks<const N: usize>(columns: &[u32], share: f32, out: &mut [u16]) {
    for (out, block) in out.iter_mut().zip(columns.as_chunks::<N>().0) {
        *out = (block.iter().sum::<u32>() as f32 * share + 0.5) as u16;
    }
}

#[cfg(test)]
mod tests {
    use image::Luma;
    use proptest::prelude::*;

    use super::super::coarse::tests::ring;
    use super::*;
    use crate::imaging::arbitrary::picture;

    fn whole(img: &GrayImage) -> Area<'_, u8> {
        Area::within(pixels(img), img.width() as usize, (0, 0, img.width(), img.height()))
    }

    #[test]
    fn a_copy_is_of_the_means_of_blocks() {
        let img = GrayImage::from_raw(5, 3, vec![0, 1, 2, 3, 9, 10, 20, 30, 40, 50, 7, 8, 9, 10, 11]).unwrap();
        let copy = SmallCopy::of(whole(&img), 2);
        // Quarters of a gray level: (0 + 1 + 10 + 20) / 4 = 7.75.
        assert_eq!((copy.width, copy.raw), (3, vec![31, 75, 118, 30, 38, 44]));
        assert!(SmallCopy::of(whole(&GrayImage::new(0, 3)), 2).raw.is_empty());
    }

    #[test]
    fn a_mean_of_copies_is_theirs_in_equal_contrast() {
        let copy = |raw: Vec<u16>| SmallCopy { raw, width: 2 };
        let mean = |copies: Vec<SmallCopy>| SmallCopy::mean(copies.into_iter());
        assert_eq!(
            mean(vec![copy(vec![10, 12, 12, 10]), copy(vec![0, 0, 900, 900])]),
            Some(copy(vec![0, 510, 1020, 510]))
        );
        assert_eq!(mean(vec![copy(vec![7, 7, 7, 7])]), None);
        assert_eq!(mean(Vec::new()), None);
    }

    #[test]
    fn large_shapes_bear_small_copies_and_fine_structure_does_not() {
        let factors = |picture: GrayImage| Marker::new(picture).levels.iter().map(|l| l.factor).collect::<Vec<_>>();
        assert_eq!(factors(ring(60)), [6, 3, 2]);
        assert!(factors(ring(6)).is_empty());
        assert!(factors(GrayImage::from_fn(40, 40, |x, y| Luma([if (x + y) % 2 == 0 { 0 } else { 255 }]))).is_empty());
        assert!(factors(GrayImage::from_pixel(40, 40, Luma([7]))).is_empty());
        assert!(factors(GrayImage::new(0, 9)).is_empty());
    }

    #[test]
    fn a_series_begins_on_two_copies_at_most() {
        let series = Marker::series((16..90).step_by(3).map(ring).collect());
        let mut factors: Vec<u32> = series.iter().filter_map(|m| m.levels.first()).map(|l| l.factor).collect();
        factors.dedup();
        factors.sort_unstable();
        factors.dedup();
        assert_eq!(factors.len(), 2, "{factors:?}");
        assert!(Marker::series(Vec::new()).is_empty());
    }

    proptest! {
        #[test]
        fn a_level_fits_its_marker_wherever_it_lies(
            marker in prop_oneof![(12..40u32).prop_map(ring), picture(25, 25)], factor in 2..6u32, x in 8..20u32, y in 8..20u32,
        ) {
            if marker.width().min(marker.height()) < LEAST_SIDE * factor {
                return Ok(());
            }
            let Some(level) = Level::new(&marker, factor, 0.3) else { return Ok(()) };
            // The marker at (x, y), going on at its edges.
            let at = |i: u32, start: u32, length: u32| i.saturating_sub(start).min(length - 1);
            let sheet = GrayImage::from_fn(marker.width() + 40, marker.height() + 40, |i, j| {
                *marker.get_pixel(at(i, x, marker.width()), at(j, y, marker.height()))
            });
            let template = Template::new(&level.copy.raw, level.copy.width).unwrap();
            let place = |v: u32, offset: u32| ((v + offset + factor / 2) / factor) as usize;
            let score = template.score(SmallCopy::of(whole(&sheet), factor).area(), place(x, level.offset.0), place(y, level.offset.1));
            prop_assert!(score >= level.kept - 1e-6, "{} {}", score, level.kept);
        }
    }
}
