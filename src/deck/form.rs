//! What a blank form shows and where: the bubbles of a template and what is printed around them.

use super::code::Symbology;
use super::figure::Figure;
use super::marker::MarkerFigure;
use crate::geometry::{Point, Rect, Size};
use crate::template::{Column, Field, FieldBlock, Template};

/// A form that can be printed and filled in.
#[derive(Debug, Clone)]
pub struct Form {
    /// Size of the page that all coordinates refer to.
    pub page: Size,
    /// The sheet of paper, in page coordinates. Larger than the page where markers stand in the page's corners.
    pub paper: Rect,
    /// The bubbles.
    pub blocks: Vec<FieldBlock>,
    /// Output columns in output order.
    pub columns: Vec<Column>,
    /// Markers centred on the page's corners.
    pub markers: Option<Markers>,
    /// The outline that is printed around a bubble.
    pub outline: Outline,
    /// Gray level of outlines and of the values inside them.
    pub bubble_tone: u8,
    /// Headings and other text.
    pub texts: Vec<Text>,
    /// Lines to write on, from the first to the second point.
    pub rules: Vec<(Point, Point)>,
    /// What else is printed for the reader to find: dots, bars, L-shapes, stamps.
    pub figures: Vec<Figure>,
    /// Where fields without bubbles are printed, each sheet with a text of its own.
    pub zones: Vec<PrintedZone>,
}

/// Where the text of a field without bubbles is printed, and in what form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrintedZone {
    /// The field's label.
    pub label: String,
    /// The zone without its margins, in page pixels.
    pub area: Rect,
    /// What the text becomes.
    pub print: Print,
}

/// What a text becomes on paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Print {
    /// Bars or squares.
    Code(Symbology),
    /// Letters and digits of equal width, as high as the zone allows.
    Letters,
}

/// Four printed markers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Markers {
    /// Their width and height, with the white around them, in page pixels.
    pub size: f64,
    /// Top-left, top-right, bottom-right, bottom-left.
    pub figures: [MarkerFigure; 4],
}

/// What is printed around a bubble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outline {
    /// A circle or ellipse that fills the bubble's box.
    Ellipse,
    /// The bubble's box.
    Box,
}

/// A line of text; `at` is its left end at half the height of its capitals.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// Where it begins.
    pub at: Point,
    /// Type size in page pixels.
    pub size: f64,
    /// What it says.
    pub text: String,
}

/// Which way the bubbles of a field go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Side by side: a question.
    Horizontal,
    /// One below the other: a digit.
    Vertical,
}

impl Form {
    /// The bare form of a template: its page is the whole paper, nothing is printed but blocks and bubbles.
    pub fn from_template(template: &Template) -> Self {
        Self {
            page: template.page_size,
            paper: Rect::new(0, 0, template.page_size.width, template.page_size.height),
            blocks: template.blocks.clone(),
            columns: template.columns.clone(),
            markers: None,
            outline: Outline::Ellipse,
            bubble_tone: 110,
            texts: Vec::new(),
            rules: Vec::new(),
            figures: Vec::new(),
            zones: Vec::new(),
        }
    }

    /// The form as a printer lays it that moves every block by itself: block i by the i-th shift, in page pixels. Blocks
    /// without a shift stay; so do texts, markers and figures.
    #[must_use]
    pub fn displaced(&self, shifts: &[(i32, i32)]) -> Self {
        let mut form = self.clone();
        for (block, &(dx, dy)) in form.blocks.iter_mut().zip(shifts) {
            block.bounds = block.bounds.moved(dx, dy);
            for bubble in block.fields.iter_mut().flat_map(|field| &mut field.bubbles) {
                bubble.x += dx;
                bubble.y += dy;
            }
        }
        form
    }

    /// All fields with their blocks, in the order that [`Column::fields`] counts.
    pub fn fields(&self) -> impl Iterator<Item = (&FieldBlock, &Field)> {
        self.blocks.iter().flat_map(|block| block.fields.iter().map(move |field| (block, field)))
    }
}

/// The direction of a block's fields; a field of one bubble counts as a question.
pub fn direction(block: &FieldBlock) -> Direction {
    let first_two = block.fields.iter().find_map(|field| Some((field.bubbles.first()?, field.bubbles.get(1)?)));
    match first_two {
        Some((a, b)) if (b.y - a.y).abs() > (b.x - a.x).abs() => Direction::Vertical,
        _ => Direction::Horizontal,
    }
}

/// Centre of a block's bubble box whose top-left pixel is (x, y).
pub fn centre(block: &FieldBlock, x: i32, y: i32) -> Point {
    let size = block.bubble_size;
    Point::new(f64::from(x) + f64::from(size.width) / 2.0, f64::from(y) + f64::from(size.height) / 2.0)
}

/// Half the width and height of a block's bubble boxes.
pub fn half_size(block: &FieldBlock) -> (f64, f64) {
    (f64::from(block.bubble_size.width) / 2.0, f64::from(block.bubble_size.height) / 2.0)
}
