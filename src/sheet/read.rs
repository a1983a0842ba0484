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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use image::Luma;

    use super::*;
    use crate::config::Config;
    use crate::json::Document;

    fn template() -> Template {
        let text = r#"{"pageDimensions": [60, 40], "bubbleDimensions": [4, 2], "fieldBlocks": {
            "A": {"bubbleValues": ["x", "y"], "direction": "horizontal", "origin": [2, 3], "bubblesGap": 10,
                  "labelsGap": 8, "fieldLabels": ["a1..2"]},
            "B": {"bubbleValues": ["z"], "direction": "vertical", "origin": [40, 3], "bubblesGap": 1, "labelsGap": 1,
                  "fieldLabels": ["b"]}}}"#;
        let document = Document::parse(Path::new("t.json"), text.to_owned()).unwrap();
        Template::read(&document, &Config::default()).unwrap().0
    }

    #[test]
    fn each_bubble_is_the_mean_of_its_whole_box() {
        // A page whose gray is 2·x + y: the mean of a 4×2 box is that of its middle, 1.5 px right and 0.5 px down.
        let page = GrayImage::from_fn(60, 40, |x, y| Luma([(2 * x + y) as u8]));
        let readings = measure(&page, &template(), &[]);
        let mean = |x: f64, y: f64| 2.0 * (x + 1.5) + y + 0.5;
        let want =
            [vec![mean(2.0, 3.0), mean(12.0, 3.0)], vec![mean(2.0, 11.0), mean(12.0, 11.0)], vec![mean(40.0, 3.0)]];
        assert_eq!(readings.fields.iter().map(|f| f.means.clone()).collect::<Vec<_>>(), want);
    }

    #[test]
    fn a_shift_moves_its_block_alone() {
        let page = GrayImage::from_fn(60, 40, |x, y| Luma([(2 * x + y) as u8]));
        let (still, moved) = (measure(&page, &template(), &[]), measure(&page, &template(), &[0, 3]));
        assert_eq!(still.fields[..2], moved.fields[..2]);
        assert_eq!(moved.fields[2].means[0], still.fields[2].means[0] + 6.0);
    }
}
