//! From scored sheets to statistics: which question of which set is which row of the table.

use std::collections::HashMap;

use num_rational::BigRational;

use super::{Outcome, Response, Statistics};
use crate::scoring::{SchemaVerdict, Score, Scorer};

/// The statistics of the sheets that one scorer scores.
#[derive(Debug)]
pub struct Collector {
    statistics: Statistics,
    /// For each set of answers, the row of each of its questions.
    rows: Vec<Vec<usize>>,
    count: usize,
}

impl Collector {
    /// For all questions of all sets: the default's in key order, then those that only conditional sets have.
    pub fn new(scorer: &Scorer) -> Self {
        let mut names: Vec<&str> = Vec::new();
        let mut index: HashMap<&str, usize> = HashMap::new();
        let mut rows = Vec::with_capacity(scorer.sets());
        for set in 0..scorer.sets() {
            let questions = scorer.questions(set).iter().map(|question| question.name.as_str());
            let row_of = |name| {
                *index.entry(name).or_insert_with(|| {
                    names.push(name);
                    names.len() - 1
                })
            };
            rows.push(questions.map(row_of).collect());
        }
        Self { count: names.len(), statistics: Statistics::new(names), rows }
    }

    /// Adds a sheet. `values` are those that the scorer needs; `multi_marked` tells of each whether a field of it has two
    /// marks or more, where that is known.
    pub fn add(&mut self, scorer: &Scorer, score: &Score, values: &[&str], multi_marked: Option<&[bool]>) {
        let deltas: Vec<BigRational> = score.graded.iter().map(|graded| graded.delta.exact()).collect();
        let mut responses: Vec<Option<Response<'_>>> = vec![None; self.count];
        let rows = self.rows.get(score.set).map_or(&[][..], Vec::as_slice);
        let graded = score.graded.iter().zip(&deltas).zip(scorer.questions(score.set)).zip(rows);
        for (((graded, delta), question), &row) in graded {
            let outcome = match graded.verdict.schema() {
                SchemaVerdict::Correct => Outcome::Correct,
                SchemaVerdict::Incorrect => Outcome::Incorrect,
                SchemaVerdict::Unmarked => Outcome::Unmarked,
            };
            let value = values.get(question.need()).copied().unwrap_or_default();
            let multi_marked = multi_marked.and_then(|flags| flags.get(question.need()).copied());
            if let Some(slot) = responses.get_mut(row) {
                *slot = Some(Response { value, multi_marked, outcome, delta });
            }
        }
        self.statistics.add(&responses);
    }

    /// The statistics so far.
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }
}
