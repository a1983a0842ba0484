//! What is marked on a sheet, and what that means: the known truth.

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
}

impl Answers {
    /// Draws the answers of one sheet; `mix` says what happens in the fields of a block.
    pub fn draw<'m>(form: &Form, mix: impl Fn(&FieldBlock) -> &'m Mix, random: &mut Random) -> Self {
        let marks = form.fields().map(|(block, field)| draw_field(field.bubbles.len(), mix(block), random)).collect();
        Self { marks }
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
    /// the other, or the block's empty value.
    pub fn values(&self, form: &Form) -> Vec<String> {
        let value = |(block, field): (&FieldBlock, &crate::template::Field), marks: &Vec<Mark>| {
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
