//! A coarse look at the surroundings of bubbles: ten cells across and down, each a fifth of the box, which forgive print that
//! lies a line's thickness off.

use crate::imaging::dispatch::wide_fn;
use crate::sheet::read::ink::blank::Samples;

/// Cells along each side.
pub const SIDE: usize = 10;
/// Cells of a sample.
pub const CELLS: usize = SIDE * SIDE;

/// The mean ink of each cell, 0 to 255, row by row.
pub type Cells = [f32; CELLS];

/// The cells of each sample.
pub fn of(samples: &Samples) -> Vec<Cells> {
    let cell = |i: usize, count: usize| i * SIDE / count.max(1);
    let mut counts = [0.0f32; CELLS];
    for y in 0..samples.height {
        for x in 0..samples.width {
            counts[cell(y, samples.height) * SIDE + cell(x, samples.width)] += 1.0;
        }
    }
    let columns: Vec<usize> = (0..samples.width).map(|x| cell(x, samples.width)).collect();
    let rows: Vec<usize> = (0..samples.height).map(|y| cell(y, samples.height)).collect();
    let mut sums = vec![0u32; samples.width];
    samples
        .each()
        .map(|sample| {
            let mut cells = [0u32; CELLS];
            let mut lines = sample.chunks_exact(samples.width.max(1));
            for band in rows.chunk_by(|a, b| a == b) {
                // The rows of a line of cells are added column by column first.
                sums.fill(0);
                lines.by_ref().take(band.len()).for_each(|line| add(&mut sums, line));
                let Some(row) = band.first().and_then(|&y| cells.get_mut(y * SIDE..(y + 1) * SIDE)) else { continue };
                for (sum, &column) in sums.iter().zip(&columns) {
                    row[column] += sum;
                }
            }
            std::array::from_fn(|i| cells[i] as f32 / counts[i].max(1.0))
        })
        .collect()
}

wide_fn! {
    fn add(sums: &mut [u32], line: &[u8]) {
        let line = &line[..sums.len().min(line.len())];
        for i in 0..line.len() {
            sums[i] += u32::from(line[i]);
        }
    }
}

/// Mean and spread of cells.
pub fn spread(cells: &Cells) -> (f32, f32) {
    let mean = cells.iter().sum::<f32>() / CELLS as f32;
    let squares = cells.iter().map(|c| (c - mean) * (c - mean)).sum::<f32>() / CELLS as f32;
    (mean, squares.sqrt())
}

/// Slope and correlation of `cells` beside `of`.
pub fn alike(cells: &Cells, of: &Cells) -> (f32, f32) {
    let ((mean, own), (other_mean, other)) = (spread(cells), spread(of));
    let product = cells.iter().zip(of).map(|(a, b)| (a - mean) * (b - other_mean)).sum::<f32>() / CELLS as f32;
    (product / (other * other).max(1.0), product / (own * other).max(1.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn cells_are_means(ink in prop::collection::vec(any::<u8>(), 2000), width in 1usize..40, height in 1usize..25) {
            let samples = Samples { width, height, ink: ink[..width * height * 2].to_vec(), ..Samples::default() };
            for (sample, cells) in samples.each().zip(of(&samples)) {
                for (c, cell) in cells.into_iter().enumerate() {
                    let is_in = |i: &usize| (i / width * SIDE / height, i % width * SIDE / width) == (c / SIDE, c % SIDE);
                    let all: Vec<u32> = (0..width * height).filter(is_in).map(|i| u32::from(sample[i])).collect();
                    prop_assert_eq!(cell, all.iter().sum::<u32>() as f32 / (all.len() as f32).max(1.0));
                }
            }
        }
    }
}
