//! A coarse look at the surroundings of bubbles: ten cells across and down, each a fifth of the box, which forgive print that
//! lies a line's thickness off.

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
    samples
        .each()
        .map(|sample| {
            let mut sums = [0u32; CELLS];
            for (y, line) in sample.chunks_exact(samples.width.max(1)).enumerate() {
                let row = &mut sums[cell(y, samples.height) * SIDE..][..SIDE];
                for (&ink, &column) in line.iter().zip(&columns) {
                    row[column] += u32::from(ink);
                }
            }
            std::array::from_fn(|i| sums[i] as f32 / counts[i].max(1.0))
        })
        .collect()
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
