//! Measures every field of the page: grays and ink of bubbles, texts of codes, recognised text. Numbers and texts only: what they
//! mean is decided in [`super::judge`] and [`super::interpret`]. A file for each kind of field.

mod barcode;
mod bubbles;
pub mod ink;
mod ocr;
mod zone;

use image::GrayImage;

pub use self::barcode::CodeReading;
pub use self::ink::{BubbleInk, SheetInk};
pub use self::ocr::TextReading;
use super::error::SheetError;
use super::time_limit;
use crate::deadline::Deadline;
use crate::sheet::align::Placement;
use crate::template::{FieldKind, Template};
use crate::tesseract::Tesseract;

/// What was read of a sheet.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Readings {
    /// One entry a field, in template order.
    pub fields: Vec<FieldReading>,
    /// Ink of the darkest sample of the sheet's blank bubble, 0 to 1.
    pub darkest: f64,
}

impl Readings {
    /// Did the recogniser give no answer about a text?
    pub fn is_unanswered(&self) -> bool {
        self.fields.iter().any(|field| matches!(field, FieldReading::Text(TextReading::Unread)))
    }
}

/// What was read of one field.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldReading {
    /// Its bubbles, in bubble order.
    Bubbles(Vec<BubbleReading>),
    /// The codes in its zone.
    Code(CodeReading),
    /// The text in its zone.
    Text(TextReading),
}

impl FieldReading {
    /// Its bubbles; none where it has no bubbles.
    pub fn bubbles(&self) -> &[BubbleReading] {
        match self {
            Self::Bubbles(bubbles) => bubbles,
            Self::Code(_) | Self::Text(_) => &[],
        }
    }

    /// The grays of its bubbles; none where it has no bubbles.
    pub fn grays(&self) -> impl Iterator<Item = f64> {
        self.bubbles().iter().map(|bubble| bubble.gray)
    }
}

/// What was measured of a bubble.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct BubbleReading {
    /// Mean gray of its box, 0 (black) to 255 (white).
    pub gray: f64,
    /// Its ink.
    pub ink: BubbleInk,
}

/// Reads all fields. The boxes and zones of a block lie where `placements` has it, one entry a block. What lies outside of
/// the page is left out. `ink` is the ink of these bubbles. A template with text fields needs a `recogniser`; without one they are unread.
///
/// # Errors
/// time-limit.
pub fn measure(
    page: &GrayImage,
    ink: &SheetInk,
    template: &Template,
    placements: &[Placement],
    (recogniser, deadline): (Option<&Tesseract>, Deadline),
) -> Result<Readings, SheetError> {
    let mut fields = Vec::new();
    let mut inks = ink.fields.iter();
    for (i, block) in template.blocks.iter().enumerate() {
        time_limit::check(deadline)?;
        let placement = placements.get(i).copied().unwrap_or_default();
        let zone = placement.of(block.bounds);
        match &block.kind {
            FieldKind::Bubbles => {
                for field in &block.fields {
                    let grays = bubbles::means(page, block, field, placement);
                    let inks = inks.next().into_iter().flatten();
                    let bubbles = grays.into_iter().zip(inks).map(|(gray, &ink)| BubbleReading { gray, ink });
                    fields.push(FieldReading::Bubbles(bubbles.collect()));
                }
            }
            FieldKind::Barcode => {
                let readings = barcode::codes(page, zone, block.fields.len());
                fields.extend(readings.into_iter().map(FieldReading::Code));
            }
            FieldKind::Ocr(alphabet) => {
                let reading = ocr::text(page, zone, alphabet, recogniser);
                fields.extend(block.fields.iter().map(|_| FieldReading::Text(reading.clone())));
            }
        }
    }
    Ok(Readings { fields, darkest: ink.darkest })
}

/// How many of a template's zones for codes hold one on this page; `None` if it has no such zone.
pub fn zones_with_codes(page: &GrayImage, template: &Template) -> Option<usize> {
    let mut zones = template.blocks.iter().filter(|block| block.kind == FieldKind::Barcode).peekable();
    zones.peek()?;
    Some(zones.filter(|block| barcode::is_there(page, block.bounds)).count())
}

/// A text as the value of a cell: it stays one line, whatever was printed. Every run of white space and control
/// characters becomes one space, those at the ends go.
fn one_line(text: &str) -> String {
    let is_gap = |c: char| c.is_whitespace() || c.is_control();
    text.split(is_gap).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_line() {
        assert_eq!(one_line("  01\u{1d}21 \r\n Zoë\t "), "01 21 Zoë");
        assert_eq!(one_line("\n\u{0}"), "");
    }
}
