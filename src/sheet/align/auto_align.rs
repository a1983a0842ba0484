//! v1's `auto_align`: a horizontal shift for each block, found from the ink at its left and right edges.
//!
//! The method is OMRChecker's (spec v1 6.2): the page is reduced to its tall dark things, and a block moves towards the
//! side where its edge is white while the other edge is dark, a stride at a time.

use image::GrayImage;

use super::Placement;
use crate::config::{AutoAlign, Thresholds};
use crate::geometry::Rect;
use crate::imaging::sketch::Sketch;
use crate::imaging::{clahe, morphology, stats, tone};
use crate::sheet::stages::{Drawn, Kind, Stages};
use crate::template::Template;

/// A strip of the working image whose mean exceeds this gray is taken to hold ink.
const INK_MEAN: f64 = 100.0;

/// The place of each block, which is moved to the left or right; in the order of the template's blocks.
pub fn placements(
    page: &GrayImage,
    template: &Template,
    options: AutoAlign,
    numbers: &Thresholds,
    stages: &mut Stages,
) -> Vec<Placement> {
    let tall_ink = tall_ink(page, numbers.gamma_low);
    stages.record(Kind::Searched, |most| {
        let picture = Sketch::of(&tall_ink, most).finish();
        Drawn { title: "auto_align: what is compared".to_owned(), notes: Vec::new(), picture }
    });
    let shift = |bounds| f64::from(block_shift(&tall_ink, bounds, options));
    template.blocks.iter().map(|block| Placement::shifted(shift(block.bounds), 0.0)).collect()
}

/// White where the page has something dark that is at least as tall as a bubble column, black elsewhere.
fn tall_ink(page: &GrayImage, gamma_low: f64) -> GrayImage {
    let mut work = clahe::clahe(page, 5.0, (8, 8));
    tone::apply(&mut work, &tone::gamma_table(1.0 / gamma_low));
    tone::cap(&mut work, 220);
    tone::stretch(&mut work, tone::Flat::Black);
    let mut work = morphology::open(&work, (2, 10), 3);
    tone::cap(&mut work, 200);
    tone::stretch(&mut work, tone::Flat::Black);
    let mut table = [0u8; 256];
    for (gray, to) in (0..=255u8).zip(&mut table) {
        *to = if 255 - gray > 60 { 255 } else { 0 };
    }
    tone::apply(&mut work, &table);
    morphology::erode(&work, (5, 5), 2)
}

fn block_shift(ink: &GrayImage, block: Rect, options: AutoAlign) -> i32 {
    // All are at most 100 by validation.
    let (columns, reach, stride) = (options.match_columns, options.thickness as i32, options.stride as i32);
    let width = block.width as i32;
    let mut shift = 0;
    for _ in 0..options.max_steps {
        let left = Rect::new(block.x + shift - reach, block.y, columns, block.height);
        let right = Rect::new(block.x + shift - columns as i32 + width + reach, block.y, columns, block.height);
        // A strip that begins left of the page is empty upstream, whatever part of it lies on the page.
        let holds_ink = |strip: Rect| strip.x >= 0 && stats::box_mean(ink, strip) > INK_MEAN;
        match (holds_ink(left), holds_ink(right)) {
            (true, false) => shift -= stride,
            (false, true) => shift += stride,
            _ => break,
        }
    }
    shift
}

#[cfg(test)]
mod tests {
    use image::Luma;

    use super::*;

    /// A working image: white (ink) in these columns, for all rows.
    fn ink(columns: std::ops::Range<u32>) -> GrayImage {
        GrayImage::from_fn(100, 50, |x, _| Luma([if columns.contains(&x) { 255 } else { 0 }]))
    }

    const BLOCK: Rect = Rect::new(30, 5, 40, 30);

    #[test]
    fn a_block_moves_to_the_side_that_has_ink_at_its_edge() {
        let options = AutoAlign::default();
        // The strips are 5 columns wide and reach 3 px beyond the block: 27 to 31 and 68 to 72.
        assert_eq!(block_shift(&ink(0..0), BLOCK, options), 0, "no ink");
        assert_eq!(block_shift(&ink(0..100), BLOCK, options), 0, "ink at both edges");
        // Ink from 20 to 29 lies under the left strip; after 5 steps the strip of 22 to 26 is still inside, and it goes
        // on until less than 101/255 of the strip is ink: 1 of 5 columns, at 16 to 20.
        assert_eq!(block_shift(&ink(20..30), BLOCK, options), -11);
        assert_eq!(block_shift(&ink(70..80), BLOCK, options), 11);
    }

    #[test]
    fn steps_are_counted() {
        let options = AutoAlign { max_steps: 3, stride: 2, ..AutoAlign::default() };
        assert_eq!(block_shift(&ink(20..30), BLOCK, options), -6);
    }
}
