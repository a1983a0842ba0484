//! A template from which both its JSON and its printed form are made.

use super::super::DeckError;
use super::super::form::{Form, Markers, Outline, Text};
use crate::dialect::Dialect;
use crate::geometry::{Point, Rect, Size};
use crate::labels;
use crate::template::{Bubble, Column, Field, FieldBlock, FieldKind};

/// A template with what is printed beside its bubbles.
#[derive(Debug, Clone)]
pub struct Layout {
    /// The spelling of the template.
    pub dialect: Dialect,
    /// Size of the page.
    pub page: Size,
    /// White between the page and the edge of the paper, left and right, above and below.
    pub margin: (u32, u32),
    /// Size of a bubble.
    pub bubble: Size,
    /// Value of a field without a mark.
    pub empty_value: &'static str,
    /// Field blocks.
    pub blocks: Vec<Block>,
    /// Custom labels with their field strings.
    pub custom_labels: Vec<(&'static str, Vec<&'static str>)>,
    /// Output columns as field strings; empty for the natural order.
    pub output_columns: Vec<&'static str>,
    /// `processingImageShape` (v2), height and width.
    pub processing_shape: Option<(u32, u32)>,
    /// The array of pre-processors as JSON.
    pub preprocessors: &'static str,
    /// Printed markers.
    pub markers: Option<Markers>,
    /// The outline of bubbles.
    pub outline: Outline,
    /// Heading and other text: left end, type size, text.
    pub texts: Vec<(f64, f64, f64, &'static str)>,
    /// Lines to write on: left end and length.
    pub rules: Vec<(f64, f64, f64)>,
}

/// A field block.
#[derive(Debug, Clone)]
pub struct Block {
    /// Its name, also printed above it.
    pub name: &'static str,
    /// What its bubbles mean.
    pub values: Values,
    /// Top-left pixel of its first bubble.
    pub origin: (i32, i32),
    /// Pixels from bubble to bubble.
    pub bubbles_gap: i32,
    /// Pixels from field to field.
    pub labels_gap: i32,
    /// Its labels as field strings.
    pub labels: &'static [&'static str],
}

/// What the bubbles of a field mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// `QTYPE_INT`.
    Digit,
    /// `QTYPE_MCQ4`.
    FourChoices,
    /// `QTYPE_MCQ5`.
    FiveChoices,
    /// Values of the block's own, side by side (v1).
    Own(&'static [&'static str]),
}

impl Values {
    /// The values in bubble order.
    pub const fn list(self) -> &'static [&'static str] {
        match self {
            Self::Digit => &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
            Self::FourChoices => &["A", "B", "C", "D"],
            Self::FiveChoices => &["A", "B", "C", "D", "E"],
            Self::Own(values) => values,
        }
    }
}

impl Layout {
    /// The printed form.
    ///
    /// # Errors
    /// [`DeckError::Label`] if a field string is none.
    pub fn form(&self) -> Result<Form, DeckError> {
        let blocks = self.blocks.iter().map(|block| self.block(block)).collect::<Result<Vec<_>, _>>()?;
        let labels: Vec<&str> = blocks.iter().flat_map(|b| &b.fields).map(|field| field.label.as_str()).collect();
        let columns = self.columns(&labels)?;
        let (x, y) = self.margin;
        Ok(Form {
            page: self.page,
            paper: Rect::new(-(x as i32), -(y as i32), self.page.width + 2 * x, self.page.height + 2 * y),
            blocks,
            columns,
            markers: self.markers,
            outline: self.outline,
            bubble_tone: 125,
            texts: self
                .texts
                .iter()
                .map(|&(x, y, size, text)| Text { at: Point::new(x, y), size, text: text.to_owned() })
                .collect(),
            rules: self.rules.iter().map(|&(x, y, length)| (Point::new(x, y), Point::new(x + length, y))).collect(),
        })
    }

    fn block(&self, block: &Block) -> Result<FieldBlock, DeckError> {
        let values = block.values.list();
        let labels = expand(block.labels)?;
        let (x, y) = block.origin;
        let vertical = block.values == Values::Digit;
        let place = |field: usize, bubble: usize| {
            let (along, across) = (bubble as i32 * block.bubbles_gap, field as i32 * block.labels_gap);
            if vertical { (x + across, y + along) } else { (x + along, y + across) }
        };
        let (last_x, last_y) = place(labels.len().saturating_sub(1), values.len().saturating_sub(1));
        let bounds = Rect::new(x, y, (last_x - x) as u32 + self.bubble.width, (last_y - y) as u32 + self.bubble.height);
        let field = |(field, label): (usize, String)| {
            let bubble = |(bubble, value): (usize, &&str)| {
                let (x, y) = place(field, bubble);
                Bubble { x, y, value: (*value).to_owned() }
            };
            Field { label, bubbles: values.iter().enumerate().map(bubble).collect() }
        };
        Ok(FieldBlock {
            name: block.name.to_owned(),
            kind: FieldKind::Bubbles,
            fields: labels.into_iter().enumerate().map(field).collect(),
            bounds,
            bubble_size: self.bubble,
            empty_value: self.empty_value.to_owned(),
            max_marks: None,
        })
    }

    /// Output columns: as listed, or plain labels and then custom labels, sorted by prefix and number.
    fn columns(&self, labels: &[&str]) -> Result<Vec<Column>, DeckError> {
        let position = |label: &String| labels.iter().position(|l| l == label);
        let mut custom = Vec::new();
        for (name, fields) in &self.custom_labels {
            custom.push(Column {
                name: (*name).to_owned(),
                fields: expand(fields)?.iter().filter_map(position).collect(),
            });
        }
        let consumed = |i: usize| custom.iter().any(|column| column.fields.contains(&i));
        let plain = labels.iter().enumerate().filter(|(i, _)| !consumed(*i));
        let mut columns: Vec<Column> =
            plain.map(|(i, label)| Column { name: (*label).to_owned(), fields: vec![i] }).collect();
        columns.extend(custom);
        if self.output_columns.is_empty() {
            columns.sort_by_key(|column| labels::natural_key(&column.name));
            return Ok(columns);
        }
        let listed = expand(&self.output_columns)?;
        Ok(listed.iter().filter_map(|name| columns.iter().find(|column| column.name == *name).cloned()).collect())
    }
}

/// All labels that field strings name.
fn expand(strings: &[&str]) -> Result<Vec<String>, DeckError> {
    let mut all = Vec::new();
    for text in strings {
        all.extend(labels::expand(text)?);
    }
    Ok(all)
}
