//! From scored sheets to statistics: which question of which set is which row of the table.

use std::collections::HashMap;

use super::{Outcome, Response, Statistics};
use crate::scoring::{SchemaVerdict, Score, Scorer};

/// The rows of the table of questions that one scorer's sheets feed.
#[derive(Debug, Clone)]
pub struct Questions {
    names: Vec<String>,
    /// For each set of answers, the row of each of its questions.
    rows: Vec<Vec<usize>>,
}

impl Questions {
    /// All questions of all sets: the default's in key order, then those that only conditional sets have.
    pub fn of(scorer: &Scorer) -> Self {
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
        Self { names: names.into_iter().map(str::to_owned).collect(), rows }
    }

    /// Their names, a row each.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// What a sheet says to each row; `None` where its set has no such question. `values` are those that the scorer needs;
    /// `multi_marked` tells of each whether a field of it has two marks or more, where that is known.
    pub fn responses(
        &self,
        scorer: &Scorer,
        score: &Score,
        values: &[&str],
        multi_marked: Option<&[bool]>,
    ) -> Vec<Option<Response>> {
        let mut responses: Vec<Option<Response>> = vec![None; self.names.len()];
        let rows = self.rows.get(score.set).map_or(&[][..], Vec::as_slice);
        for ((graded, question), &row) in score.graded.iter().zip(scorer.questions(score.set)).zip(rows) {
            let outcome = match graded.verdict.schema() {
                SchemaVerdict::Correct => Outcome::Correct,
                SchemaVerdict::Incorrect => Outcome::Incorrect,
                SchemaVerdict::Unmarked => Outcome::Unmarked,
            };
            let value = values.get(question.need()).copied().unwrap_or_default().to_owned();
            let multi_marked = multi_marked.and_then(|flags| flags.get(question.need()).copied());
            if let Some(slot) = responses.get_mut(row) {
                *slot = Some(Response { value, multi_marked, outcome, delta: graded.delta.exact() });
            }
        }
        responses
    }
}

/// The statistics of the sheets that one scorer scores.
#[derive(Debug)]
pub struct Collector {
    statistics: Statistics,
    questions: Questions,
}

impl Collector {
    /// For all questions of all sets.
    pub fn new(scorer: &Scorer) -> Self {
        let questions = Questions::of(scorer);
        Self { statistics: Statistics::new(questions.names().iter().cloned()), questions }
    }

    /// Adds a sheet, as [`Questions::responses`] takes it.
    pub fn add(&mut self, scorer: &Scorer, score: &Score, values: &[&str], multi_marked: Option<&[bool]>) {
        self.statistics.add(&self.questions.responses(scorer, score, values, multi_marked));
    }

    /// The statistics so far.
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }
}
