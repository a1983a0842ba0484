//! The mean gray of each bubble.

use image::GrayImage;

use crate::geometry::Rect;
use crate::imaging::stats;
use crate::sheet::align::Placement;
use crate::template::{Field, FieldBlock};

/// Measures the mean gray of the whole box of each of a field's bubbles, in bubble order. The boxes lie where
/// `placement` has them; what lies outside of the page is left out.
pub(super) fn means(page: &GrayImage, block: &FieldBlock, field: &Field, placement: Placement) -> Vec<f64> {
    let size = block.bubble_size;
    let boxes = field.bubbles.iter().map(|b| placement.of(Rect::new(b.x, b.y, size.width, size.height)));
    boxes.map(|b| stats::box_mean(page, b)).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use image::{GrayImage, Luma};

    use crate::config::Config;
    use crate::deadline::Deadline;
    use crate::json::Document;
    use crate::sheet::align::Placement;
    use crate::sheet::read::{Readings, ink, measure};
    use crate::template::Template;

    fn template() -> Template {
        let text = r#"{"pageDimensions": [60, 40], "bubbleDimensions": [4, 2], "fieldBlocks": {
            "A": {"bubbleValues": ["x", "y"], "direction": "horizontal", "origin": [2, 3], "bubblesGap": 10,
                  "labelsGap": 8, "fieldLabels": ["a1..2"]},
            "B": {"bubbleValues": ["z"], "direction": "vertical", "origin": [40, 3], "bubblesGap": 1, "labelsGap": 1,
                  "fieldLabels": ["b"]}}}"#;
        let document = Document::parse(Path::new("t.json"), text.to_owned()).unwrap();
        Template::read(&document, &Config::default()).unwrap().0
    }

    fn read(page: &GrayImage, placements: &[Placement]) -> Readings {
        let ink = ink::measure(page, &template(), placements);
        measure(page, &ink, &template(), placements, (None, Deadline::NEVER)).unwrap()
    }

    #[test]
    fn each_bubble_is_the_mean_of_its_whole_box() {
        // A page whose gray is 2·x + y: the mean of a 4×2 box is that of its middle, 1.5 px right and 0.5 px down.
        let page = GrayImage::from_fn(60, 40, |x, y| Luma([(2 * x + y) as u8]));
        let readings = read(&page, &[]);
        let mean = |x: f64, y: f64| 2.0 * (x + 1.5) + y + 0.5;
        let want =
            [vec![mean(2.0, 3.0), mean(12.0, 3.0)], vec![mean(2.0, 11.0), mean(12.0, 11.0)], vec![mean(40.0, 3.0)]];
        assert_eq!(readings.fields.iter().map(|f| f.grays().collect()).collect::<Vec<Vec<_>>>(), want);
    }

    #[test]
    fn a_shift_moves_its_block_alone() {
        let page = GrayImage::from_fn(60, 40, |x, y| Luma([(2 * x + y) as u8]));
        let (still, moved) = (read(&page, &[]), read(&page, &[Placement::default(), Placement::shifted(3.0, 0.0)]));
        let grays = |read: &Readings, i: usize| read.fields[i].grays().collect::<Vec<_>>();
        assert_eq!((grays(&still, 0), grays(&still, 1)), (grays(&moved, 0), grays(&moved, 1)));
        assert_eq!(grays(&moved, 2)[0], grays(&still, 2)[0] + 6.0);
    }
}
