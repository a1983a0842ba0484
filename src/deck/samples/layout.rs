//! A template from which both its JSON and its printed form are made.

use crate::deck::DeckError;
use crate::deck::figure::Figure;
use crate::deck::form::{Form, Markers, Outline, Print, PrintedZone, Text};
use crate::dialect::Dialect;
use crate::geometry::{Point, Rect, Size};
use crate::labels;
use crate::template::{BlockAlignment, Bubble, Column, Field, FieldBlock, FieldKind};

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
    /// `idColumn`; empty for none.
    pub id_column: &'static str,
    /// `processingImageShape` (v2), height and width.
    pub processing_shape: Option<(u32, u32)>,
    /// The array of pre-processors as JSON; empty for none.
    pub preprocessors: String,
    /// `alignment` (v2) as JSON; empty for none.
    pub alignment: &'static str,
    /// `conditionalSets` (v2).
    pub conditional_sets: Vec<ConditionalSet>,
    /// Printed markers.
    pub markers: Option<Markers>,
    /// The outline of bubbles.
    pub outline: Outline,
    /// Heading and other text: left end, type size, text.
    pub texts: Vec<(f64, f64, f64, &'static str)>,
    /// Lines to write on: left end and length.
    pub rules: Vec<(f64, f64, f64)>,
    /// Dots, bars and what else is printed for the reader to find.
    pub figures: Vec<Figure>,
}

/// Other field blocks for sheets on which some fields read as stated.
#[derive(Debug, Clone)]
pub struct ConditionalSet {
    /// Its name.
    pub name: &'static str,
    /// Text in which `{label}` stands for the value of a field or column.
    pub format: &'static str,
    /// The set holds where this expression is found in that text.
    pub regex: &'static str,
    /// All blocks of such a sheet.
    pub blocks: Vec<Block>,
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
    /// No bubbles: a zone of this size and these margins on all sides, in which each sheet has a text printed (v2).
    Printed(Print, Size, u32),
}

impl Block {
    /// A block of one field without bubbles, printed at `origin`.
    pub const fn zone(
        name: &'static str,
        print: Print,
        origin: (i32, i32),
        (size, margins): (Size, u32),
        labels: &'static [&'static str],
    ) -> Self {
        Self { name, values: Values::Printed(print, size, margins), origin, bubbles_gap: 0, labels_gap: 0, labels }
    }
}

impl Values {
    /// The values in bubble order.
    pub const fn list(self) -> &'static [&'static str] {
        match self {
            Self::Digit => &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
            Self::FourChoices => &["A", "B", "C", "D"],
            Self::FiveChoices => &["A", "B", "C", "D", "E"],
            Self::Own(values) => values,
            Self::Printed(..) => &[],
        }
    }
}

impl Layout {
    /// A v1 page without anything, to start from.
    pub const EMPTY: Self = Self {
        dialect: Dialect::V1,
        page: Size::new(0, 0),
        margin: (0, 0),
        bubble: Size::new(24, 24),
        empty_value: "",
        blocks: Vec::new(),
        custom_labels: Vec::new(),
        output_columns: Vec::new(),
        id_column: "",
        processing_shape: None,
        preprocessors: String::new(),
        alignment: "",
        conditional_sets: Vec::new(),
        markers: None,
        outline: Outline::Ellipse,
        texts: Vec::new(),
        rules: Vec::new(),
        figures: Vec::new(),
    };

    /// The sheet of paper in page coordinates.
    pub const fn paper(&self) -> Rect {
        let (x, y) = self.margin;
        Rect::new(-(x as i32), -(y as i32), self.page.width + 2 * x, self.page.height + 2 * y)
    }

    /// The printed form.
    ///
    /// # Errors
    /// [`DeckError::Label`] if a field string is none.
    pub fn form(&self) -> Result<Form, DeckError> {
        self.form_with(&self.blocks)
    }

    /// The printed form with other blocks than the layout's own: those of a conditional set.
    ///
    /// # Errors
    /// As [`Layout::form`].
    pub fn form_with(&self, own: &[Block]) -> Result<Form, DeckError> {
        let blocks = own.iter().map(|block| self.block(block)).collect::<Result<Vec<_>, _>>()?;
        let labels: Vec<&str> = blocks.iter().flat_map(|b| &b.fields).map(|field| field.label.as_str()).collect();
        let columns = self.columns(&labels)?;
        Ok(Form {
            page: self.page,
            paper: self.paper(),
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
            figures: self.figures.clone(),
            zones: own.iter().filter_map(zone).collect(),
        })
    }

    fn block(&self, block: &Block) -> Result<FieldBlock, DeckError> {
        let values = block.values.list();
        let labels = expand(block.labels)?;
        if let Values::Printed(print, size, margins) = block.values {
            return Ok(self.zone_block(block, labels, print, size, margins));
        }
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
            alignment: BlockAlignment::default(),
        })
    }

    fn zone_block(&self, block: &Block, labels: Vec<String>, print: Print, size: Size, margins: u32) -> FieldBlock {
        let ((x, y), reach) = (block.origin, margins as i32);
        let bounds = Rect::new(x - reach, y - reach, size.width + 2 * margins, size.height + 2 * margins);
        FieldBlock {
            name: block.name.to_owned(),
            kind: match print {
                Print::Code(_) => FieldKind::Barcode,
                Print::Letters => FieldKind::Ocr(String::new()),
            },
            fields: labels.into_iter().map(|label| Field { label, bubbles: Vec::new() }).collect(),
            bounds,
            bubble_size: Size::new(bounds.width, bounds.height),
            empty_value: self.empty_value.to_owned(),
            max_marks: None,
            alignment: BlockAlignment::default(),
        }
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

/// Where a block without bubbles is printed. Its labels share the zone, so the first stands for all.
fn zone(block: &Block) -> Option<PrintedZone> {
    let (Values::Printed(print, size, _), (x, y)) = (block.values, block.origin) else { return None };
    let label = (*block.labels.first()?).to_owned();
    Some(PrintedZone { label, area: Rect::new(x, y, size.width, size.height), print })
}

/// All labels that field strings name.
fn expand(strings: &[&str]) -> Result<Vec<String>, DeckError> {
    let mut all = Vec::new();
    for text in strings {
        all.extend(labels::expand(text)?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(output_columns: Vec<&'static str>) -> Layout {
        let block =
            |name, values, origin, labels| Block { name, values, origin, bubbles_gap: 30, labels_gap: 40, labels };
        Layout {
            dialect: Dialect::V1,
            page: Size::new(500, 600),
            margin: (20, 30),
            bubble: Size::new(20, 24),
            empty_value: "",
            blocks: vec![
                block("digits", Values::Digit, (10, 50), &["q2_1", "q2_2"]),
                block("choices", Values::FourChoices, (200, 50), &["q1", "q3..4"]),
            ],
            custom_labels: vec![("q2", vec!["q2_1", "q2_2"])],
            output_columns,
            ..Layout::EMPTY
        }
    }

    #[test]
    fn a_zone_has_its_margins_around_and_no_bubbles() {
        let mut layout = layout(Vec::new());
        layout.blocks.push(Block::zone("code", Print::Letters, (300, 400), (Size::new(90, 30), 8), &["serial"]));
        let form = layout.form().unwrap();
        assert_eq!(form.blocks[2].bounds, Rect::new(292, 392, 106, 46));
        assert_eq!(
            (form.blocks[2].kind.clone(), form.blocks[2].fields[0].bubbles.len()),
            (FieldKind::Ocr(String::new()), 0)
        );
        let zone = PrintedZone { label: "serial".to_owned(), area: Rect::new(300, 400, 90, 30), print: Print::Letters };
        assert_eq!(form.zones, [zone]);
    }

    #[test]
    fn bubbles_stand_where_the_template_says() {
        let form = layout(Vec::new()).form().unwrap();
        assert_eq!(form.paper, Rect::new(-20, -30, 540, 660));
        let last = |block: usize, field: usize| form.blocks[block].fields[field].bubbles.last().unwrap();
        assert_eq!((last(0, 1).x, last(0, 1).y, last(0, 1).value.as_str()), (50, 320, "9"));
        assert_eq!((last(1, 2).x, last(1, 2).y, last(1, 2).value.as_str()), (290, 130, "D"));
        assert_eq!(form.blocks[0].bounds, Rect::new(10, 50, 60, 294));
        assert_eq!(form.blocks[1].bounds, Rect::new(200, 50, 110, 104));
    }

    #[test]
    fn columns_are_sorted_by_number_or_as_listed() {
        let names = |output_columns: Vec<&'static str>| {
            let columns = layout(output_columns).form().unwrap().columns;
            columns.into_iter().map(|column| (column.name, column.fields)).collect::<Vec<_>>()
        };
        let column = |name: &str, fields: &[usize]| (name.to_owned(), fields.to_vec());
        let [q1, q2, q3, q4] = [column("q1", &[2]), column("q2", &[0, 1]), column("q3", &[3]), column("q4", &[4])];
        assert_eq!(names(Vec::new()), [q1.clone(), q2, q3.clone(), q4.clone()]);
        assert_eq!(names(vec!["q3..4", "q1"]), [q3, q4, q1]);
    }
}
