//! What is marked on a sheet, and what that means: the known truth.

use std::collections::BTreeMap;

use super::form::Form;
use super::random::Random;
use crate::template::{Column, FieldBlock};

/// The shape of a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MarkKind {
    /// The whole bubble, scribbled over.
    Full,
    /// Most of one side of the bubble.
    Partial,
    /// A tick.
    Tick,
    /// A cross.
    Cross,
}

/// One marked bubble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Its index in the field.
    pub bubble: usize,
    /// How it is marked.
    pub kind: MarkKind,
}

/// Relative frequencies of what happens to a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mix {
    /// One full mark.
    pub full: u32,
    /// One partial mark.
    pub partial: u32,
    /// One tick.
    pub tick: u32,
    /// One cross.
    pub cross: u32,
    /// Two full marks. Fields of two bubbles get one: what both marks of two mean differs between dialects.
    pub double: u32,
    /// Nothing.
    pub blank: u32,
}

impl Mix {
    /// One full mark in every field: names and numbers that must be there.
    pub const ALWAYS: Self = Self { full: 1, partial: 0, tick: 0, cross: 0, double: 0, blank: 0 };
    /// A careful person who leaves a few questions out.
    pub const CAREFUL: Self = Self { full: 92, partial: 0, tick: 0, cross: 0, double: 0, blank: 8 };
}

/// What is marked in every field of a form, in the order of [`Form::fields`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// Marks per field, by rising bubble index.
    pub marks: Vec<Vec<Mark>>,
    /// What the printer puts into the zones of fields without bubbles, by label.
    pub printed: BTreeMap<String, String>,
}

impl Answers {
    /// Draws the answers of one sheet; `mix` says what happens in the fields of a block.
    pub fn draw<'m>(form: &Form, mix: impl Fn(&FieldBlock) -> &'m Mix, random: &mut Random) -> Self {
        let marks = form.fields().map(|(block, field)| draw_field(field.bubbles.len(), mix(block), random)).collect();
        Self { marks, printed: BTreeMap::new() }
    }

    /// Replaces what is marked in the field `label` by full marks on the bubbles of `values`. A label or a value that
    /// the form does not have changes nothing.
    pub fn set(&mut self, form: &Form, label: &str, values: &[&str]) {
        for ((_, field), marks) in form.fields().zip(&mut self.marks) {
            if field.label == label {
                let marked = field.bubbles.iter().enumerate().filter(|(_, b)| values.contains(&b.value.as_str()));
                *marks = marked.map(|(bubble, _)| Mark { bubble, kind: MarkKind::Full }).collect();
            }
        }
    }

    /// The right value of every field, in the order of [`Form::fields`]: the values of the marked bubbles, one after
    /// the other, or the block's empty value; what is printed, in a field without bubbles.
    pub fn values(&self, form: &Form) -> Vec<String> {
        let value = |(block, field): (&FieldBlock, &crate::template::Field), marks: &Vec<Mark>| {
            if let Some(text) = self.printed.get(&field.label) {
                return text.clone();
            }
            if marks.is_empty() {
                return block.empty_value.clone();
            }
            marks.iter().filter_map(|mark| field.bubbles.get(mark.bubble)).map(|b| b.value.as_str()).collect()
        };
        form.fields().zip(&self.marks).map(|(field, marks)| value(field, marks)).collect()
    }

    /// The right content of every output column.
    pub fn columns(&self, form: &Form) -> Vec<String> {
        let values = self.values(form);
        let join = |column: &Column| column.fields.iter().filter_map(|&i| values.get(i)).map(String::as_str).collect();
        form.columns.iter().map(join).collect()
    }
}

fn draw_field(bubbles: usize, mix: &Mix, random: &mut Random) -> Vec<Mark> {
    if bubbles == 0 {
        return Vec::new();
    }
    let first = random.below(bubbles);
    let one = |kind| vec![Mark { bubble: first, kind }];
    let weights = [mix.full, mix.partial, mix.tick, mix.cross, mix.double];
    let total: u32 = weights.iter().sum::<u32>() + mix.blank;
    let mut ticket = random.below(total as usize) as u32;
    let outcome = weights.iter().position(|&weight| {
        let hit = ticket < weight;
        ticket = ticket.saturating_sub(weight);
        hit
    });
    match outcome {
        Some(0) => one(MarkKind::Full),
        Some(1) => one(MarkKind::Partial),
        Some(2) => one(MarkKind::Tick),
        Some(3) => one(MarkKind::Cross),
        Some(_) if bubbles < 3 => one(MarkKind::Full),
        Some(_) => {
            let second = (first + 1 + random.below(bubbles - 1)) % bubbles;
            let (low, high) = (first.min(second), first.max(second));
            [low, high].map(|bubble| Mark { bubble, kind: MarkKind::Full }).to_vec()
        }
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deck::form::Outline;
    use crate::geometry::{Rect, Size};
    use crate::template::{Bubble, Field, FieldKind};

    /// Two digits and a yes-or-no question; the digits make one column.
    fn form() -> Form {
        let field = |label: &str, values: &[&str]| {
            let bubble = |value: &&str| Bubble { x: 0, y: 0, value: (*value).to_owned() };
            Field { label: label.to_owned(), bubbles: values.iter().map(bubble).collect() }
        };
        let block = |name: &str, empty: &str, fields: Vec<Field>| FieldBlock {
            name: name.to_owned(),
            kind: FieldKind::Bubbles,
            fields,
            bounds: Rect::new(0, 0, 10, 10),
            bubble_size: Size::new(10, 10),
            empty_value: empty.to_owned(),
            max_marks: None,
            alignment: crate::template::BlockAlignment::default(),
        };
        Form {
            page: Size::new(100, 100),
            paper: Rect::new(0, 0, 100, 100),
            blocks: vec![
                block("digits", "_", vec![field("d1", &["0", "1", "2"]), field("d2", &["0", "1", "2"])]),
                block("choice", "", vec![field("yes", &["Y", "N"])]),
            ],
            columns: vec![
                Column { name: "yes".to_owned(), fields: vec![2] },
                Column { name: "number".to_owned(), fields: vec![0, 1] },
            ],
            markers: None,
            outline: Outline::Box,
            bubble_tone: 0,
            texts: Vec::new(),
            rules: Vec::new(),
            figures: Vec::new(),
            zones: Vec::new(),
        }
    }

    #[test]
    fn every_field_has_a_value_and_columns_join_them() {
        let form = form();
        let mut answers = Answers { marks: vec![Vec::new(); 3], printed: BTreeMap::new() };
        assert_eq!(answers.values(&form), ["_", "_", ""]);
        assert_eq!(answers.columns(&form), ["", "__"]);
        answers.set(&form, "d2", &["2"]);
        answers.set(&form, "yes", &["N"]);
        answers.set(&form, "no such label", &["N"]);
        assert_eq!(answers.columns(&form), ["N", "_2"]);
    }

    #[test]
    fn double_marks_are_read_in_bubble_order() {
        let form = form();
        let mut answers = Answers { marks: vec![Vec::new(); 3], printed: BTreeMap::new() };
        answers.set(&form, "d1", &["2", "0"]);
        assert_eq!(answers.values(&form), ["02", "_", ""]);
    }

    #[test]
    fn what_is_printed_is_the_value_of_its_field() {
        let form = form();
        let mut answers = Answers { marks: vec![Vec::new(); 3], printed: BTreeMap::new() };
        answers.printed.insert("yes".to_owned(), "K-17".to_owned());
        assert_eq!(answers.values(&form), ["_", "_", "K-17"]);
    }

    #[test]
    fn drawn_doubles_are_two_bubbles_in_order_and_never_both_of_two() {
        let form = form();
        let doubles = Mix { full: 0, partial: 0, tick: 0, cross: 0, double: 1, blank: 0 };
        for seed in 0..50 {
            let answers = Answers::draw(&form, |_| &doubles, &mut Random::new(seed));
            assert!(answers.marks[..2].iter().all(|m| m.len() == 2 && m[0].bubble < m[1].bubble), "{answers:?}");
            assert_eq!(answers.marks[2].len(), 1);
        }
    }

    #[test]
    fn a_mix_is_followed() {
        let form = form();
        let mix = Mix { full: 3, partial: 0, tick: 0, cross: 0, double: 0, blank: 1 };
        let mut random = Random::new(9);
        let sheets = (0..1000).map(|_| Answers::draw(&form, |_| &mix, &mut random));
        let blank = sheets.flat_map(|answers| answers.marks).filter(Vec::is_empty).count();
        assert!((650..850).contains(&blank), "{blank} of 3000");
        let nothing = Mix { full: 0, ..mix };
        assert!(Answers::draw(&form, |_| &nothing, &mut random).marks.iter().all(Vec::is_empty));
    }
}
