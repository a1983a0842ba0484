//! One sample folder while it is made.

use std::collections::BTreeMap;

use super::SampleFile;
use super::json;
use super::key::Key;
use super::layout::Layout;
use crate::deck::DeckError;
use crate::deck::answers::{Answers, Mix};
use crate::deck::canvas::{Canvas, Fonts};
use crate::deck::fill;
use crate::deck::form::Form;
use crate::deck::page;
use crate::deck::pen::Pen;
use crate::deck::random::Random;
use crate::geometry::Point;
use crate::template::FieldBlock;

/// Pixels of the printed sheet per page pixel: enough that no camera below sees the print's own pixels.
const PRINT_SCALE: f64 = 2.0;

/// A folder of sheets of one form.
#[derive(Debug)]
pub struct Folder {
    name: &'static str,
    fonts: Fonts,
    printed: Printed,
    files: Vec<SampleFile>,
    rows: Vec<Row>,
}

/// A form and what comes out of the printer.
#[derive(Debug)]
pub struct Printed {
    /// What stands where on this paper.
    pub form: Form,
    /// The paper before anyone writes on it.
    pub blank: Canvas,
}

/// A row of the table of answers.
#[derive(Debug)]
struct Row {
    file: String,
    /// In folders with a key.
    score: Option<String>,
    columns: Vec<String>,
}

/// A sheet that someone filled in, and what draws its picture.
#[derive(Debug)]
pub struct FilledSheet {
    /// The paper.
    pub canvas: Canvas,
    /// Continues the sheet's own random numbers.
    pub random: Random,
    columns: Vec<String>,
}

/// How a sheet is filled in.
#[derive(Debug, Clone, Copy)]
pub struct Hand {
    /// Draws answers and strokes.
    pub seed: u64,
    /// The pen.
    pub pen: Pen,
    /// What happens in questions; digits are always marked.
    pub mix: Mix,
    /// What is marked instead of what was drawn.
    pub changes: Changes,
}

/// Labels of fields without bubbles with the texts that are printed there.
pub type Imprint = &'static [(&'static str, &'static str)];

/// Labels with the values that are marked in them.
pub type Changes = &'static [(&'static str, &'static [&'static str])];

impl Printed {
    fn new(form: Form, fonts: &Fonts) -> Self {
        let blank = page::print(&form, fonts, PRINT_SCALE);
        Self { form, blank }
    }
}

impl Folder {
    /// A folder with the layout's template.json.
    pub fn new(name: &'static str, layout: &Layout) -> Result<Self, DeckError> {
        let (form, fonts) = (layout.form()?, Fonts::new()?);
        let printed = Printed::new(form, &fonts);
        let mut folder = Self { name, fonts, printed, files: Vec::new(), rows: Vec::new() };
        folder.add("template.json", json::template(layout).into_bytes());
        Ok(folder)
    }

    /// The form of the layout, as it comes out of the printer.
    pub const fn printed(&self) -> &Printed {
        &self.printed
    }

    /// Another form of this folder's sheets: displaced, or of a conditional set. It has the same columns.
    pub fn print(&self, form: Form) -> Printed {
        Printed::new(form, &self.fonts)
    }

    /// Adds a file that is no sheet.
    pub fn add(&mut self, path: &str, bytes: Vec<u8>) {
        self.files.push(SampleFile { path: format!("{}/{path}", self.name), bytes });
    }

    /// Fills in a sheet.
    pub fn fill(&self, hand: Hand) -> FilledSheet {
        self.fill_after(&self.printed, hand, |_, _| {})
    }

    /// Fills in a sheet of another form.
    pub fn fill_on(&self, printed: &Printed, hand: Hand) -> FilledSheet {
        self.fill_after(printed, hand, |_, _| {})
    }

    /// Fills in a sheet that has texts of its own printed in its zones.
    ///
    /// # Errors
    /// [`DeckError::Code`] for a text that a code cannot say.
    pub fn fill_imprinted(&self, imprint: Imprint, hand: Hand) -> Result<FilledSheet, DeckError> {
        let form = &self.printed.form;
        let mut imprints = BTreeMap::new();
        imprints.extend(imprint.iter().map(|&(label, text)| (label.to_owned(), text.to_owned())));
        let mut printed = Printed { form: form.clone(), blank: self.printed.blank.clone() };
        let imprints = Answers { marks: Vec::new(), printed: imprints };
        page::imprint(&mut printed.blank, &self.fonts, form, &imprints)?;
        Ok(self.fill_after(&printed, hand, |answers, _| answers.printed = imprints.printed))
    }

    /// Fills in a sheet by someone who knows this share of the key's answers. What was drawn as blank stays so.
    pub fn fill_knowing(&self, hand: Hand, key: &Key, share: f64) -> FilledSheet {
        self.fill_after(&self.printed, hand, |answers, random| {
            for (question, right) in &key.answers {
                let values = right.values();
                let (known, choice) = (random.between(0.0, 1.0) < share, random.below(values.len()));
                let column = self.printed.form.columns.iter().find(|column| column.name == *question);
                let (true, Some(column), Some(value)) = (known, column, values.get(choice)) else {
                    continue;
                };
                self.mark(answers, &column.fields, value);
            }
        })
    }

    /// Marks a value in the fields of a column: a digit in each, or the whole where there is one.
    fn mark(&self, answers: &mut Answers, fields: &[usize], value: &str) {
        let mut parts: Vec<String> = value.chars().map(String::from).collect();
        if fields.len() == 1 {
            parts = vec![value.to_owned()];
        }
        for (&index, part) in fields.iter().zip(&parts) {
            let blank = answers.marks.get(index).is_none_or(Vec::is_empty);
            if let (false, Some((_, field))) = (blank, self.printed.form.fields().nth(index)) {
                answers.set(&self.printed.form, &field.label, &[part]);
            }
        }
    }

    /// Fills in a sheet; `think` comes between what is drawn and the hand's changes.
    fn fill_after(
        &self,
        Printed { form, blank }: &Printed,
        hand: Hand,
        think: impl FnOnce(&mut Answers, &mut Random),
    ) -> FilledSheet {
        let mut random = Random::new(hand.seed);
        let mix = |block: &FieldBlock| {
            let digits = block.fields.first().is_some_and(|field| field.bubbles.len() == 10);
            if digits { &Mix::ALWAYS } else { &hand.mix }
        };
        let mut answers = Answers::draw(form, mix, &mut random);
        think(&mut answers, &mut random);
        for (label, values) in hand.changes {
            answers.set(form, label, values);
        }
        let mut canvas = blank.clone();
        fill::fill(&mut canvas, form, &answers, &hand.pen, &mut random);
        if let Some((from, to)) = form.rules.first() {
            let width = (to.x - from.x) * random.between(0.45, 0.8);
            fill::sign(&mut canvas, Point::new(from.x + 12.0, from.y - 4.0), width, &hand.pen, &mut random);
        }
        FilledSheet { canvas, random, columns: answers.columns(form) }
    }

    /// Adds the picture of a sheet and its row of answers.
    pub fn add_sheet(&mut self, path: &str, sheet: FilledSheet, bytes: Vec<u8>) {
        self.add(path, bytes);
        self.rows.push(Row { file: path.to_owned(), score: None, columns: sheet.columns });
    }

    /// Adds the picture of a sheet and its row of answers with the score that the key gives.
    pub fn add_scored_sheet(&mut self, path: &str, sheet: FilledSheet, bytes: Vec<u8>, key: &Key) {
        self.add(path, bytes);
        let value = |name: &str| {
            let column = self.printed.form.columns.iter().position(|column| column.name == name)?;
            sheet.columns.get(column).map(String::as_str)
        };
        let score = Some(key.score(value).score());
        self.rows.push(Row { file: path.to_owned(), score, columns: sheet.columns });
    }

    /// All files, the table of answers last.
    pub fn finish(mut self) -> Result<Vec<SampleFile>, DeckError> {
        let scored = self.rows.iter().any(|row| row.score.is_some());
        let mut header = vec!["file"];
        header.extend(scored.then_some("score"));
        header.extend(self.printed.form.columns.iter().map(|column| column.name.as_str()));
        let mut writer = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
        writer.write_record(header)?;
        for row in &self.rows {
            writer.write_record(std::iter::once(&row.file).chain(&row.score).chain(&row.columns))?;
        }
        let bytes = writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
        self.add("answers.csv", bytes);
        Ok(self.files)
    }
}
