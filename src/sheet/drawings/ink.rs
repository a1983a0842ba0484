//! The page with what was judged of each bubble, its field's threshold and the verdict.

use image::GrayImage;

use super::super::stages::Drawn;
use crate::geometry::{Point, Rect, Size};
use crate::imaging::sketch::Sketch;
use crate::sheet::align::Placement;
use crate::sheet::interpret::Interpretation;
use crate::sheet::judge::{Judgement, Scale};
use crate::template::Template;

const MARKED: [u8; 3] = [0, 140, 50];
const BLANK: [u8; 3] = [70, 100, 160];
const DOUBTFUL: [u8; 3] = [220, 100, 0];
const THRESHOLD: [u8; 3] = [150, 30, 170];

/// Letters are this high at least, in pixels of the picture.
const LEAST_LETTERS: u32 = 9;

/// The page with a frame around each bubble and its level in it; beside each field its threshold.
pub fn on_page(
    page: &GrayImage,
    template: &Template,
    placements: &[Placement],
    judgement: &Judgement,
    interpretation: &Interpretation,
    most: Size,
) -> Drawn {
    let sign = match judgement.scale {
        Scale::Gray => '<',
        Scale::Ink => '>',
    };
    let mut sketch = Sketch::large(page, most);
    let thickness = (sketch.size().height / 600).clamp(1, 3) as i32;
    let mut fields = judgement.fields.iter().zip(&interpretation.fields);
    for (i, block) in template.blocks.iter().enumerate() {
        let placement = placements.get(i).copied().unwrap_or_default();
        let Size { width, height } = block.bubble_size;
        // A third of the bubble: what is below it can be seen.
        let letters = ((f64::from(height) * sketch.scale() / 3.0) as u32).max(LEAST_LETTERS);
        let line = f64::from(letters) / sketch.scale();
        for field in &block.fields {
            let Some((judged, value)) = fields.next() else { break };
            let mut last: Option<Rect> = None;
            for ((bubble, level), marked) in field.bubbles.iter().zip(&judged.levels).zip(&judged.marked) {
                let area = placement.of(Rect::new(bubble.x, bubble.y, width, height));
                let ink = match (value.doubt, marked) {
                    (Some(_), _) => DOUBTFUL,
                    (None, true) => MARKED,
                    (None, false) => BLANK,
                };
                sketch.outline(area, if *marked { 2 * thickness } else { thickness }, ink);
                let bottom = f64::from(area.y) + f64::from(height) - line;
                sketch.text(&format!("{level:.0}"), Point::new(f64::from(area.x), bottom), letters, ink);
                last = last.filter(|last| (last.x, last.y) > (area.x, area.y)).or(Some(area));
            }
            if let Some(area) = last {
                let is_column = field.bubbles.windows(2).all(|pair| pair[0].x == pair[1].x) && field.bubbles.len() > 1;
                let (x, y) = (f64::from(area.x), f64::from(area.y));
                // Beside the last bubble of a row, below that of a column.
                let place = match is_column {
                    true => Point::new(x, y + f64::from(height) + 1.0),
                    false => Point::new(x + f64::from(width) + 2.0, y),
                };
                sketch.text(&format!("{sign}{:.0}", judged.threshold), place, letters, THRESHOLD);
            }
        }
    }
    let notes = vec![format!(
        "in each box its {}; green where marked; beside each field its threshold",
        judgement.scale.legend()
    )];
    Drawn { title: "ink".to_owned(), notes, picture: sketch.finish() }
}
