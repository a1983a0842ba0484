//! The marked picture: the page as it was read, with what was read drawn on it.
//!
//! Marked bubbles have a thick green frame and their value beside it, blank ones a thin gray one, doubtful fields an
//! orange one with the value in orange. Where sheets are scored, the frames of questions have the colour of their
//! verdict instead, and the bubbles that the key expects have a frame of their own. The value sits on the bubble's corner,
//! so that the pen's ink stays visible.

use std::collections::HashMap;

use ab_glyph::FontRef;
use image::{DynamicImage, GrayImage};

use super::align::Placement;
use super::interpret::{FieldValue, Interpretation};
use super::stages::Drawn;
use crate::geometry::{Rect, Size};
use crate::imaging::coloured;
use crate::imaging::jpeg::Planes;
use crate::imaging::overlay::{self, EncodeError, Overlay, Palette, Rgb, Stamp};
use crate::imaging::sketch::Sketch;
use crate::template::{FieldBlock, FieldKind, Template};

/// Colours of marked, blank and doubtful bubbles, then of verdicts, then of lines of text.
pub(super) const PALETTE: [Rgb; 8] = [
    [0, 140, 50],
    [120, 150, 190],
    [230, 110, 0],
    [0, 150, 40],
    [215, 30, 30],
    [50, 90, 190],
    [0, 150, 170],
    [20, 20, 20],
];
const MARKED: u8 = 0;
const BLANK: u8 = 1;
const DOUBTFUL: u8 = 2;
pub(super) const CORRECT: u8 = 3;
pub(super) const INCORRECT: u8 = 4;
pub(super) const NEUTRAL: u8 = 5;
pub(super) const BONUS: u8 = 6;
const TEXT: u8 = 7;

/// The palette of sheets that are not scored.
const UNSCORED: &[Rgb] = PALETTE.split_at(3).0;

/// Marks in fields of scored sheets that answer no question: green would look like a verdict.
pub(super) const NO_QUESTION: (u8, Rgb) = (MARKED, [85, 90, 110]);

/// What the picture of a scored sheet shows besides.
pub(super) struct Verdicts<'s> {
    /// [`PALETTE`] with the colours that the evaluation states.
    pub palette: &'s [Rgb],
    /// The verdicts of fields that answer a question, in template order.
    pub fields: Vec<Option<FieldVerdict<'s>>>,
    /// Lines of text.
    pub texts: Vec<Text>,
    /// Are the values of marked bubbles written beside them?
    pub bubble_texts: bool,
}

impl<'s> Verdicts<'s> {
    /// The verdict of the field at this place of the template, if it answers a question.
    fn verdict(&self, field: usize) -> Option<&FieldVerdict<'s>> {
        self.fields.get(field).and_then(Option::as_ref)
    }
}

/// How a field's bubbles are drawn.
pub(super) struct FieldVerdict<'s> {
    /// Colour of what was marked.
    pub ink: u8,
    /// The bubbles that the key expects and their colour where they are blank, unless the answer is right: then other
    /// right answers would look as if something was missing.
    pub expected: Option<(&'s [bool], u8)>,
}

/// A line of text.
pub(super) struct Text {
    pub line: String,
    /// Its lower left corner.
    pub position: (i32, i32),
    /// OpenCV's font scale.
    pub size: f64,
}

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
        for block in template.layouts().flat_map(|layout| &layout.blocks) {
            let height = text_height(block, template.page_size);
            for bubble in block.fields.iter().flat_map(|f| &f.bubbles) {
                let key = (bubble.value.clone(), height);
                stamps.entry(key).or_insert_with(|| Stamp::new(&font, &bubble.value, height));
            }
        }
        Self { stamps }
    }
}

/// Letters are a little more than half as high as the bubble, and never too small to read when the whole page is looked
/// at.
fn text_height(block: &FieldBlock, page: Size) -> u32 {
    (block.bubble_size.height * 3 / 5).max(page.height / 110).clamp(10, 48)
}

/// What is drawn on a page.
pub(super) struct Drawing<'v> {
    overlay: Overlay,
    palette: Palette<'v>,
}

impl<'v> Drawing<'v> {
    /// Nothing, on a page of this size.
    pub fn plain(page: Size) -> Self {
        Self { overlay: Overlay::new(page), palette: Palette(UNSCORED) }
    }

    /// What was read. Boxes lie where `placements` has them, as in reading.
    pub fn of(
        page: &GrayImage,
        template: &Template,
        placements: &[Placement],
        interpretation: &Interpretation,
        verdicts: Option<&Verdicts<'v>>,
        lettering: &Lettering,
    ) -> Self {
        let mut overlay = Overlay::new(Size::new(page.width(), page.height()));
        let mut values = interpretation.fields.iter().enumerate();
        let has_texts = verdicts.is_none_or(|v| v.bubble_texts);
        for (i, block) in template.blocks.iter().enumerate() {
            let placement = placements.get(i).copied().unwrap_or_default();
            let height = text_height(block, template.page_size);
            if block.kind != FieldKind::Bubbles {
                let fields = values.by_ref().take(block.fields.len());
                let fields: Vec<_> = fields.map(|(i, value)| (value, verdicts.and_then(|v| v.verdict(i)))).collect();
                draw_zone(&mut overlay, placement.of(block.bounds), &block.empty_value, &fields, template.page_size);
                continue;
            }
            for field in &block.fields {
                let Some((index, value)) = values.next() else { break };
                let verdict = verdicts.and_then(|v| v.verdict(index));
                let frames = Frames::of(block, template.page_size, value.doubt.is_some(), verdict);
                for (b, (bubble, &marked)) in field.bubbles.iter().zip(&value.marked).enumerate() {
                    let Size { width, height: tall } = block.bubble_size;
                    let area = placement.of(Rect::new(bubble.x, bubble.y, width, tall));
                    let (thickness, ink) = frames.frame(b, marked);
                    overlay.outline(area, thickness, ink);
                    if marked
                        && has_texts
                        && let Some(stamp) = lettering.stamps.get(&(bubble.value.clone(), height))
                    {
                        place_text(&mut overlay, stamp, area, ink);
                    }
                }
            }
        }
        write_lines(&mut overlay, verdicts.map_or(&[], |v| v.texts.as_slice()));
        Self { overlay, palette: Palette(verdicts.map_or(UNSCORED, |v| v.palette)) }
    }

    /// Encodes the gray page with the drawing.
    ///
    /// # Errors
    /// [`EncodeError`]: the page is larger than the format holds.
    pub fn encode(&self, page: &GrayImage, format: PictureFormat) -> Result<Vec<u8>, EncodeError> {
        match format {
            PictureFormat::Png => overlay::to_png(page, &self.overlay, self.palette),
            PictureFormat::Jpeg => overlay::to_jpeg(page, &self.overlay, self.palette),
        }
    }

    /// Encodes the page in its own colours with the drawing.
    ///
    /// # Errors
    /// [`EncodeError`]: the page is larger than the format holds.
    pub fn encode_over(&self, page: &Planes, format: PictureFormat) -> Result<Vec<u8>, EncodeError> {
        match format {
            PictureFormat::Png => {
                coloured::to_png(&coloured::compose(&coloured::from_planes(page), &self.overlay, self.palette), None)
            }
            PictureFormat::Jpeg => coloured::marked_jpeg(page, &self.overlay, self.palette),
        }
    }
}

impl Drawing<'_> {
    /// The gray page with the drawing, as a stage picture.
    pub fn sketch(&self, page: &GrayImage, most: Size) -> Drawn {
        let colour = DynamicImage::from(page.clone()).into_rgb8();
        let picture = coloured::compose(&colour, &self.overlay, self.palette);
        Drawn { title: "marked".to_owned(), notes: Vec::new(), picture: Sketch::of_colour(&picture, most).finish() }
    }
}

/// Draws the outline of a zone without bubbles, and above it what was read there. The colour is that of the first field
/// that is doubted, else of the first verdict.
fn draw_zone(
    overlay: &mut Overlay,
    zone: Rect,
    empty: &str,
    fields: &[(&FieldValue, Option<&FieldVerdict<'_>>)],
    page: Size,
) {
    let is_read = fields.iter().any(|(value, _)| value.value != empty);
    let verdict = fields.iter().find_map(|(_, verdict)| *verdict);
    let ink = match verdict {
        _ if fields.iter().any(|(value, _)| value.doubt.is_some()) => DOUBTFUL,
        Some(verdict) => verdict.ink,
        None if is_read => MARKED,
        None => BLANK,
    };
    overlay.outline(zone, (page.height / 600).clamp(2, 6), ink);
    let Ok(font) = FontRef::try_from_slice(epaint_default_fonts::HACK_REGULAR) else { return };
    let height = (page.height / 60).clamp(12, 48);
    let mut texts: Vec<&str> = fields.iter().map(|(value, _)| value.value.as_str()).collect();
    // The labels of a text zone all have its text.
    texts.dedup();
    let text: String = texts.join(" | ").chars().take(LONGEST_TEXT).collect();
    if !text.is_empty() {
        let stamp = Stamp::new(&font, &text, height);
        // Zones lie near the page, whose sides fit 16 bits; a zone at its top has the text inside.
        let x = zone.x.clamp(0, page.width as i32 - 1);
        overlay.stamp(&stamp, x, (zone.y - stamp.size.height as i32).max(0), ink);
    }
}

/// Characters of a zone's text that are drawn; a code can hold thousands.
const LONGEST_TEXT: usize = 80;

/// The frames of a field's bubbles.
struct Frames<'f> {
    thick: u32,
    is_doubted: bool,
    verdict: Option<&'f FieldVerdict<'f>>,
}

impl<'f> Frames<'f> {
    fn of(block: &FieldBlock, page: Size, is_doubted: bool, verdict: Option<&'f FieldVerdict<'f>>) -> Self {
        // A twelfth of the bubble, and of a large page enough to be seen when it is looked at as a whole.
        let thick = (block.bubble_size.height / 12).max(page.height / 600).clamp(2, 6);
        Self { thick, is_doubted, verdict }
    }

    /// Thickness and colour of bubble `b`'s frame. A doubt shows in the blank bubbles of a question, since the marked
    /// ones show its verdict.
    fn frame(&self, b: usize, marked: bool) -> (u32, u8) {
        let ink = if self.is_doubted { DOUBTFUL } else { MARKED };
        if marked {
            return (self.thick, self.verdict.map_or(ink, |verdict| verdict.ink));
        }
        match self.verdict.and_then(|verdict| verdict.expected) {
            Some((expected, ink)) if expected.get(b) == Some(&true) => (self.thick.div_ceil(2).max(2), ink),
            _ => (1, if self.is_doubted { DOUBTFUL } else { BLANK }),
        }
    }
}

/// Height of a line of OpenCV's font scale 1: its capitals have 22 pixels, three fifths of this font's lines.
const LINE_HEIGHT: f64 = 36.0;

/// The part of a line above its base line.
const ABOVE_BASE: f64 = 0.8;

/// A line that reaches beyond the page is set smaller, never smaller than can be read.
const LEAST_LINE: u32 = 12;

fn write_lines(overlay: &mut Overlay, lines: &[Text]) {
    let Ok(font) = FontRef::try_from_slice(epaint_default_fonts::HACK_REGULAR) else { return };
    for Text { line, position: (x, y), size } in lines {
        // Sizes are 100 at most.
        let mut height = (LINE_HEIGHT * size).round().max(f64::from(LEAST_LINE)) as u32;
        let mut stamp = Stamp::new(&font, line, height);
        let room = i64::from(overlay.size().width) - i64::from(*x);
        if i64::from(stamp.size.width) > room {
            let fitting = i64::from(height) * room.max(0) / i64::from(stamp.size.width.max(1));
            height = u32::try_from(fitting).unwrap_or(0).max(LEAST_LINE);
            stamp = Stamp::new(&font, line, height);
        }
        let top = y - (f64::from(height) * ABOVE_BASE).round() as i32;
        overlay.stamp(&stamp, *x, top, TEXT);
    }
}

/// Puts a value at the top-right corner of its bubble, outside of the frame's middle, so that the ink stays visible.
fn place_text(overlay: &mut Overlay, stamp: &Stamp, bubble: Rect, ink: u8) {
    let x = bubble.x + bubble.width as i32 - stamp.size.width as i32 / 2;
    let y = bubble.y - stamp.size.height as i32 / 2;
    overlay.stamp(stamp, x, y.max(0), ink);
}
