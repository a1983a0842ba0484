//! Sums over windows that slide over an area.

use super::{Area, Sample};
use crate::imaging::dispatch::wide;

/// The windows of a row of places: how much their pixels differ. They slide down row by row.
pub(super) struct Windows<'a, P> {
    area: Area<'a, P>,
    width: usize,
    height: usize,
    is_entered: bool,
    /// Sums and sums of squares of each column of the area, over the rows of the windows. Sums of pictures are far below
    /// 2^53, so all of them are exact.
    columns: Vec<f64>,
    column_squares: Vec<f64>,
    /// The same over windows.
    sums: Vec<f64>,
    squares: Vec<f64>,
    scratch: [Vec<f64>; 2],
    /// The summed squared deviations of each window from its mean.
    pub(super) contrasts: Vec<f32>,
}

impl<'a, P: Sample> Windows<'a, P> {
    /// Windows of a size, which must fit into the area and have pixels.
    pub(super) fn new(area: Area<'a, P>, width: usize, height: usize) -> Self {
        let (places, across) = (area.width - width + 1, area.width);
        let (columns, column_squares) = (vec![0.0; across], vec![0.0; across]);
        let (sums, squares) = (vec![0.0; places], vec![0.0; places]);
        let scratch = [vec![0.0; across], vec![0.0; across]];
        let contrasts = vec![0.0; places];
        Self { area, width, height, is_entered: false, columns, column_squares, sums, squares, scratch, contrasts }
    }

    /// Slides on to row `y`; rows must be entered in order, from 0 on, each once.
    pub(super) fn enter(&mut self, y: usize) {
        let row = |y: usize| self.area.row(y, 0, self.area.width);
        let (columns, squares) = (&mut self.columns, &mut self.column_squares);
        if self.is_entered {
            let (old, new) = (row(y - 1), row(y + self.height - 1));
            wide(|| replace(columns, squares, old, new));
        } else {
            (y..y + self.height).for_each(|i| wide(|| add(columns, squares, row(i))));
            self.is_entered = true;
        }
        slide(&self.columns, self.width, &mut self.scratch, &mut self.sums);
        slide(&self.column_squares, self.width, &mut self.scratch, &mut self.squares);
        let share = 1.0 / (self.width * self.height) as f64;
        wide(|| contrasts(&self.sums, &self.squares, share, &mut self.contrasts));
    }
}

#[inline(always)]
fn add<P: Sample>(columns: &mut [f64], column_squares: &mut [f64], row: &[P]) {
    for ((sum, squares), &v) in columns.iter_mut().zip(column_squares).zip(row) {
        let v: f64 = v.into();
        *sum += v;
        *squares += v * v;
    }
}

#[inline(always)]
fn replace<P: Sample>(columns: &mut [f64], column_squares: &mut [f64], old: &[P], new: &[P]) {
    for (((sum, squares), &old), &new) in columns.iter_mut().zip(column_squares).zip(old).zip(new) {
        let (old, new): (i32, i32) = (old.into(), new.into());
        *sum += f64::from(new - old);
        *squares += f64::from((new - old) * (new + old));
    }
}

#[inline(always)]
fn contrasts(sums: &[f64], squares: &[f64], share: f64, out: &mut [f32]) {
    for ((contrast, sum), squares) in out.iter_mut().zip(sums).zip(squares) {
        // The difference is right to a small fraction.
        *contrast = (squares - sum * sum * share) as f32;
    }
}

/// Sums of `width` neighbours from each place on. Sums of 1, 2, 4 … neighbours come from each other, and those of which
/// the width consists are added: no sum waits for the one before it, as it would in a sum that slides.
fn slide(values: &[f64], width: usize, scratch: &mut [Vec<f64>; 2], out: &mut [f64]) {
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
                wide(|| add_to(out, part));
            }
            done += length;
        }
        if done == width {
            return;
        }
        wide(|| add_far(sums, length, next));
        std::mem::swap(doubled, next);
        length *= 2;
    }
}

#[inline(always)]
fn add_to(out: &mut [f64], part: &[f64]) {
    out.iter_mut().zip(part).for_each(|(out, v)| *out += v);
}

/// Each value with the one so many places on, as long as there is one.
#[inline(always)]
fn add_far(values: &[f64], distance: usize, out: &mut [f64]) {
    let far = values.get(distance..).unwrap_or_default();
    for ((out, near), far) in out.iter_mut().zip(values).zip(far) {
        *out = near + far;
    }
}
