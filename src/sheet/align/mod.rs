//! Where the blocks of the template lie on this page, found before anything is read.
//!
//! [`auto_align`] is v1's `auto_align`, which looks at a block's edges; [`by_reference`] is the v2 family's `alignment`,
//! which compares the page with a reference picture, on which [`lattice`] has found the printed bubbles. Nothing is drawn
//! into the page that is read.

pub mod auto_align;
pub mod by_reference;
pub mod lattice;
pub mod reference_page;

use crate::geometry::{Point, Rect};

/// Where a block lies on the page: how its boxes are moved from their places in the template.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placement {
    /// The point about which distances are scaled, in template pixels.
    pub middle: Point,
    /// How far that point has moved, in page pixels to the right and downwards.
    pub shift: (f64, f64),
    /// The rows of the matrix that distances from it are multiplied by.
    pub linear: [f64; 4],
}

impl Default for Placement {
    /// As the template has it.
    fn default() -> Self {
        Self::shifted(0.0, 0.0)
    }
}

impl Placement {
    /// Moved as a whole, in page pixels to the right and downwards.
    pub const fn shifted(x: f64, y: f64) -> Self {
        Self { middle: Point::new(0.0, 0.0), shift: (x, y), linear: [1.0, 0.0, 0.0, 1.0] }
    }

    /// The box at its place on the page; its size stays.
    pub fn of(&self, area: Rect) -> Rect {
        let (width, height) = (f64::from(area.width) / 2.0, f64::from(area.height) / 2.0);
        let (x, y) = (f64::from(area.x) + width - self.middle.x, f64::from(area.y) + height - self.middle.y);
        let [a, b, c, d] = self.linear;
        let (x, y) = (a * x + b * y + self.middle.x + self.shift.0, c * x + d * y + self.middle.y + self.shift.1);
        // Saturating: pages are far smaller.
        Rect { x: (x - width).round() as i32, y: (y - height).round() as i32, ..area }
    }
}

/// The places of a sheet's blocks.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Alignment {
    /// One entry a block, in template order; blocks that are missing lie as the template has them.
    pub placements: Vec<Placement>,
    /// Blocks, by index, whose own print did not tell where they lie, so that the place is a guess from other blocks.
    pub uncertain: Vec<usize>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_move_with_their_block() {
        let area = Rect::new(10, 20, 5, 4);
        assert_eq!(Placement::default().of(area), area);
        assert_eq!(Placement::shifted(3.0, -30.0).of(area), Rect::new(13, -10, 5, 4));
        // The middle of the box is 10 to the right of the block's and 20 below it.
        let stretched = Placement { middle: Point::new(2.5, 2.0), shift: (1.0, 0.0), linear: [1.1, 0.05, 0.0, 0.9] };
        assert_eq!(stretched.of(area), Rect::new(13, 18, 5, 4));
    }
}
