//! Measures every bubble of the page. Numbers only: what they mean is decided in [`super::threshold`].

use image::GrayImage;

use crate::geometry::Rect;
use crate::imaging::stats;
use crate::template::Template;

/// The measured bubbles of a sheet.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Readings {
    /// One entry a field, in template order.
    pub fields: Vec<FieldReading>,
}

/// The measured bubbles of one field.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FieldReading {
    /// Mean gray of each bubble's box, 0 (black) to 255 (white), in bubble order.
    pub means: Vec<f64>,
}

/// Measures the mean gray of each bubble's whole box. `shifts` moves the boxes of a block to the right, in pixels, one
/// number a block. What lies outside of the page is left out.
pub fn measure(page: &GrayImage, template: &Template, shifts: &[i32]) -> Readings {
    let mut fields = Vec::new();
    for (i, block) in template.blocks.iter().enumerate() {
        let shift = shifts.get(i).copied().unwrap_or(0);
        let size = block.bubble_size;
        for field in &block.fields {
            let boxes = field.bubbles.iter().map(|b| Rect::new(b.x, b.y, size.width, size.height).moved(shift, 0));
            fields.push(FieldReading { means: boxes.map(|b| stats::box_mean(page, b)).collect() });
        }
    }
    Readings { fields }
}
