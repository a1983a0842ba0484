//! Sums over windows that slide over an area.

use super::{Area, Sample};
use crate::imaging::dispatch::wide_fn;

/// The windows of a row of places: how much their pixels differ. They slide down row by row.
pub(super) struct Windows<'a, P> {
    area: Area<'a, P>,
    height: usize,
    is_entered: bool,
    sums: Sums,
    /// The summed squared deviations of each window from its mean.
    pub(super) contrasts: Vec<f32>,
}

/// The sums of the windows: of most sizes they fit 32 bits, of which twice as many are added at once.
enum Sums {
    Narrow(Of<u32>),
    Wide(Of<f64>),
}

/// Sums as whole numbers.
trait Number: Copy + Default {
    fn of(value: u32) -> Self;
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn real(self) -> f64;
}

impl Number for u32 {
    fn of(value: u32) -> Self {
        value
    }

    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }

    fn minus(self, other: Self) -> Self {
        self.wrapping_sub(other)
    }

    fn real(self) -> f64 {
        f64::from(self)
    }
}

/// Sums of pictures are far below 2^53, so all of them are exact.
impl Number for f64 {
    fn of(value: u32) -> Self {
        Self::from(value)
    }

    fn plus(self, other: Self) -> Self {
        self + other
    }

    fn minus(self, other: Self) -> Self {
        self - other
    }

    fn real(self) -> f64 {
        self
    }
}

/// Sums of pixels and of their squares.
struct Of<N> {
    width: usize,
    /// Of each column of the area, over the rows of the windows.
    columns: [Vec<N>; 2],
    /// Of each window.
    windows: [Vec<N>; 2],
    scratch: [Vec<N>; 2],
}

impl<'a, P: Sample> Windows<'a, P> {
    /// Windows of a size, which must fit into the area and have pixels.
    pub(super) fn new(area: Area<'a, P>, width: usize, height: usize) -> Self {
        let most = u64::from(P::MOST) * u64::from(P::MOST) * (width * height) as u64;
        let sums = if most <= u64::from(u32::MAX) {
            Sums::Narrow(Of::new(area.width, width))
        } else {
            Sums::Wide(Of::new(area.width, width))
        };
        Self { area, height, is_entered: false, sums, contrasts: vec![0.0; area.width - width + 1] }
    }

    /// Slides on to row `y`; rows must be entered in order, from 0 on, each once.
    pub(super) fn enter(&mut self, y: usize) {
        let row = |y: usize| self.area.row(y, 0, self.area.width);
        let (new, old) = if self.is_entered {
            (y + self.height - 1..y + self.height, Some(row(y - 1)))
        } else {
            (y..y + self.height, None)
        };
        self.is_entered = true;
        match &mut self.sums {
            Sums::Narrow(sums) => sums.slide(new.map(row), old, self.height, &mut self.contrasts),
            Sums::Wide(sums) => sums.slide(new.map(row), old, self.height, &mut self.contrasts),
        }
    }
}

impl<N: Number> Of<N> {
    fn new(across: usize, width: usize) -> Self {
        let both = |count: usize| [vec![N::default(); count], vec![N::default(); count]];
        Self { width, columns: both(across), windows: both(across - width + 1), scratch: both(across) }
    }

    fn slide<'r, P: Sample + 'r>(
        &mut self,
        new: impl Iterator<Item = &'r [P]>,
        old: Option<&[P]>,
        height: usize,
        contrasts: &mut [f32],
    ) {
        let [columns, squares] = &mut self.columns;
        new.for_each(|row| add(columns, squares, row));
        if let Some(row) = old {
            subtract(columns, squares, row);
        }
        for (columns, windows) in self.columns.iter().zip(&mut self.windows) {
            add_neighbours(columns, self.width, &mut self.scratch, windows);
        }
        let share = 1.0 / (self.width * height) as f64;
        let [sums, squares] = &self.windows;
        deviations(sums, squares, share, contrasts);
    }
}

/// Sums over all rectangles that begin at the first pixel, of pixels and of their squares, modulo 2^32: the sums of windows
/// of any size, if these fit 32 bits. For several sizes of windows they cost less than [`Windows`].
pub(super) struct Integrals {
    /// Row after row from that above the first pixel on, each with a 0 before it.
    sums: Vec<u32>,
    squares: Vec<u32>,
    width: usize,
}

impl Integrals {
    pub(super) fn of<P: Sample>(area: Area<P>) -> Self {
        let (width, rows) = (area.width + 1, area.height + 1);
        let (mut sums, mut squares) = (vec![0; width * rows], vec![0; width * rows]);
        for y in 0..area.height {
            let (above, below) = sums[y * width..].split_at_mut(width);
            let (squares_above, squares_below) = squares[y * width..].split_at_mut(width);
            let (mut sum, mut square) = (0u32, 0u32);
            for (i, &v) in area.row(y, 0, area.width).iter().enumerate() {
                let v: u32 = v.into();
                sum = sum.wrapping_add(v);
                square = square.wrapping_add(v * v);
                below[i + 1] = sum;
                squares_below[i + 1] = square;
            }
            add_to(&mut below[..width], above);
            add_to(&mut squares_below[..width], squares_above);
        }
        Self { sums, squares, width }
    }

    /// Do sums of windows of so many pixels fit?
    pub(super) fn bear<P: Sample>(pixels: usize) -> bool {
        u64::from(P::MOST) * u64::from(P::MOST) * pixels as u64 <= u64::from(u32::MAX)
    }

    /// The contrasts of the windows of a size that begin in row `y`, as those of [`Windows`].
    pub(super) fn contrasts(&self, y: usize, (width, height): (usize, usize), out: &mut [f32]) {
        let share = 1.0 / (width * height) as f64;
        let rows = |all: &'_ [u32]| -> Option<[std::ops::Range<usize>; 2]> {
            let (top, bottom) = (y * self.width, (y + height) * self.width);
            (bottom + self.width <= all.len()).then_some([top..top + self.width, bottom..bottom + self.width])
        };
        let Some([top, bottom]) = rows(&self.sums) else { return };
        let sums = [&self.sums[top.clone()], &self.sums[bottom.clone()]];
        let squares = [&self.squares[top], &self.squares[bottom]];
        contrasts_between(sums, squares, width, share, out);
    }
}

wide_fn! {
    fn contrasts_between(sums: [&[u32]; 2], squares: [&[u32]; 2], width: usize, share: f64, out: &mut [f32]) {
        let count = out.len();
        let [a, b, c, d] = [&sums[0][..count], &sums[0][width..][..count], &sums[1][..count], &sums[1][width..][..count]];
        let [e, f, g, h] =
            [&squares[0][..count], &squares[0][width..][..count], &squares[1][..count], &squares[1][width..][..count]];
        for i in 0..count {
            let sum = f64::from(d[i].wrapping_sub(b[i]).wrapping_sub(c[i]).wrapping_add(a[i]));
            let square = f64::from(h[i].wrapping_sub(f[i]).wrapping_sub(g[i]).wrapping_add(e[i]));
            out[i] = (square - sum * sum * share) as f32;
        }
    }
}

wide_fn! {
    fn add[N: Number, P: Sample](columns: &mut [N], squares: &mut [N], row: &[P]) {
        for ((sum, square), &v) in columns.iter_mut().zip(squares).zip(row) {
            let v: u32 = v.into();
            (*sum, *square) = (sum.plus(N::of(v)), square.plus(N::of(v * v)));
        }
    }
}

wide_fn! {
    fn subtract[N: Number, P: Sample](columns: &mut [N], squares: &mut [N], row: &[P]) {
        for ((sum, square), &v) in columns.iter_mut().zip(squares).zip(row) {
            let v: u32 = v.into();
            (*sum, *square) = (sum.minus(N::of(v)), square.minus(N::of(v * v)));
        }
    }
}

wide_fn! {
    fn deviations[N: Number](sums: &[N], squares: &[N], share: f64, out: &mut [f32]) {
        for ((out, sum), square) in out.iter_mut().zip(sums).zip(squares) {
            let sum = sum.real();
            // The difference is right to a small fraction.
            *out = (square.real() - sum * sum * share) as f32;
        }
    }
}

/// Sums of `width` neighbours from each place on. Sums of 1, 2, 4 … neighbours come from each other, and those of which
/// the width consists are added: no sum waits for the one before it, as it would in a sum that slides.
fn add_neighbours<N: Number>(values: &[N], width: usize, scratch: &mut [Vec<N>; 2], out: &mut [N]) {
    let [doubled, next] = scratch;
    let count = out.len();
    let (mut length, mut done) = (1, 0);
    loop {
        let sums = if length == 1 { values } else { doubled.as_slice() };
        if width & length != 0 {
            let part = &sums[done..done + count];
            if done == 0 {
                out.copy_from_slice(part);
            } else {
                add_to(out, part);
            }
            done += length;
        }
        if done == width {
            return;
        }
        add_far(sums, length, next);
        std::mem::swap(doubled, next);
        length *= 2;
    }
}

wide_fn! {
    fn add_to[N: Number](out: &mut [N], part: &[N]) {
        out.iter_mut().zip(part).for_each(|(out, v)| *out = out.plus(*v));
    }
}

wide_fn! {
    /// Each value with the one so many places on, as long as there is one.
    fn add_far[N: Number](values: &[N], distance: usize, out: &mut [N]) {
        let far = values.get(distance..).unwrap_or_default();
        for ((out, near), far) in out.iter_mut().zip(values).zip(far) {
            *out = near.plus(*far);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::imaging::arbitrary::picture;
    use crate::imaging::pixels;

    /// The summed squared deviations by their definition.
    fn plain(area: Area<u8>, x: usize, y: usize, width: usize, height: usize) -> f64 {
        let values: Vec<f64> = (y..y + height).flat_map(|y| area.row(y, x, width)).map(|&v| f64::from(v)).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        values.iter().map(|v| (v - mean) * (v - mean)).sum()
    }

    proptest! {
        #[test]
        fn windows_are_those_of_the_definition(
            img in picture(30, 20), width in 1..31usize, height in 1..21usize, is_narrow in any::<bool>(),
        ) {
            let size = (0, 0, img.width(), img.height());
            let area = Area::within(pixels(&img), img.width() as usize, size);
            if width > area.width || height > area.height {
                return Ok(());
            }
            let mut windows = Windows::new(area, width, height);
            let integrals = Integrals::of(area);
            let mut contrasts = vec![0.0; windows.contrasts.len()];
            if !is_narrow {
                windows.sums = Sums::Wide(Of::new(area.width, width));
            }
            for y in 0..=area.height - height {
                windows.enter(y);
                integrals.contrasts(y, (width, height), &mut contrasts);
                prop_assert_eq!(&contrasts, &windows.contrasts);
                for (x, contrast) in windows.contrasts.iter().enumerate() {
                    let want = plain(area, x, y, width, height);
                    prop_assert!((f64::from(*contrast) - want).abs() <= 1e-6 * want + 0.01);
                }
            }
        }
    }
}
