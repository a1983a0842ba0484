//! The marked picture: the page as it was read, with what was read drawn on it.
//!
//! Marked bubbles have a thick green frame and their value beside it, blank ones a thin gray one, doubtful fields an
//! orange one with the value in orange. The value sits on the bubble's corner, so that the pen's ink stays visible.

use std::collections::HashMap;

use ab_glyph::FontRef;
use image::GrayImage;

use super::interpret::Interpretation;
use crate::geometry::{Rect, Size};
use crate::imaging::overlay::{self, EncodeError, Overlay, Palette, Stamp};
use crate::template::{FieldBlock, Template};

/// Colours of marked, blank and doubtful bubbles.
const PALETTE: Palette = Palette(&[[0, 140, 50], [120, 150, 190], [230, 110, 0]]);
const MARKED: u8 = 0;
const BLANK: u8 = 1;
const DOUBTFUL: u8 = 2;

/// The file formats of marked pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureFormat {
    /// For `.png` sheets.
    Png,
    /// For all others.
    Jpeg,
}

/// Texts of a template's bubble values, set once for all sheets.
pub struct Lettering {
    stamps: HashMap<(String, u32), Stamp>,
}

impl Lettering {
    /// Sets the values of all bubbles.
    pub fn of(template: &Template) -> Self {
        let mut stamps = HashMap::new();
        // The font is part of the program; without it pictures would have frames and no letters.
        let Ok(font) = FontRef::try_from_slice(epaint_default_fonts::HACK_REGULAR) else {
            return Self { stamps };
        };
        for block in &template.blocks {
            let height = text_height(block);
            for bubble in block.fields.iter().flat_map(|f| &f.bubbles) {
                let key = (bubble.value.clone(), height);
                stamps.entry(key).or_insert_with(|| Stamp::new(&font, &bubble.value, height));
            }
        }
        Self { stamps }
    }
}

/// Letters are half as high as the bubble, and never too small to read.
fn text_height(block: &FieldBlock) -> u32 {
    (block.bubble_size.height / 2).clamp(9, 40)
}

/// Draws what was read and encodes the picture. `shifts` moves the boxes of a block to the right, as in reading.
///
/// # Errors
/// [`EncodeError`]: the page is larger than the format holds.
pub fn render(
    page: &GrayImage,
    template: &Template,
    shifts: &[i32],
    interpretation: &Interpretation,
    lettering: &Lettering,
    format: PictureFormat,
) -> Result<Vec<u8>, EncodeError> {
    let mut overlay = Overlay::new(Size::new(page.width(), page.height()));
    let mut values = interpretation.fields.iter();
    for (i, block) in template.blocks.iter().enumerate() {
        let shift = shifts.get(i).copied().unwrap_or(0);
        let height = text_height(block);
        // A twelfth of the bubble, so that frames look alike on small and large pages.
        let thick = (block.bubble_size.height / 12).clamp(2, 6);
        for field in &block.fields {
            let Some(value) = values.next() else { break };
            let ink = if value.doubt.is_some() { DOUBTFUL } else { MARKED };
            for (bubble, &marked) in field.bubbles.iter().zip(&value.marked) {
                let Size { width, height: tall } = block.bubble_size;
                let area = Rect::new(bubble.x, bubble.y, width, tall).moved(shift, 0);
                match (marked, value.doubt.is_some()) {
                    (false, false) => overlay.outline(area, 1, BLANK),
                    (false, true) => overlay.outline(area, 1, DOUBTFUL),
                    (true, _) => {
                        overlay.outline(area, thick, ink);
                        if let Some(stamp) = lettering.stamps.get(&(bubble.value.clone(), height)) {
                            place_text(&mut overlay, stamp, area, ink);
                        }
                    }
                }
            }
        }
    }
    match format {
        PictureFormat::Png => overlay::to_png(page, &overlay, PALETTE),
        PictureFormat::Jpeg => overlay::to_jpeg(page, &overlay, PALETTE),
    }
}

/// Puts a value at the top-right corner of its bubble, outside of the frame's middle, so that the ink stays visible.
fn place_text(overlay: &mut Overlay, stamp: &Stamp, bubble: Rect, ink: u8) {
    let x = bubble.x + bubble.width as i32 - stamp.size.width as i32 / 2;
    let y = bubble.y - stamp.size.height as i32 / 2;
    overlay.stamp(stamp, x, y.max(0), ink);
}
