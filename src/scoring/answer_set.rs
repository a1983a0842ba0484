//! The answers of one set and what they earn, and the judging of a sheet by them.

use crate::evaluation::Outputs;

use super::points::Points;
use super::{Graded, SchemaVerdict, Verdict};

/// Answers and schemes that are complete: nothing is looked up elsewhere.
#[derive(Debug)]
pub(super) struct AnswerSet {
    /// `None`: the default.
    pub name: Option<String>,
    pub questions: Vec<Question>,
    pub schemes: Vec<Scheme>,
    pub outputs: Outputs,
}

/// A question of the key.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The name of the value that answers it.
    pub name: String,
    /// What is right.
    pub rule: Rule,
    /// Does it give marks for wrong answers?
    pub bonus: Bonus,
    /// Index of its value among those that the scorer needs.
    pub(super) need: usize,
    /// The template's value of an unmarked field.
    pub(super) empty: String,
    /// Its value when all its fields are blank, where that tells blank from marked.
    pub(super) blank: Option<String>,
    /// Index into the set's schemes.
    pub(super) scheme: usize,
    /// The cells of explanation tables that are the same for every sheet.
    pub(super) answers_text: String,
    pub(super) scheme_text: String,
}

/// What is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// One answer.
    One(String),
    /// Any of these.
    AnyOf(Vec<String>),
    /// Each of these earns its own marks, in parts of the scorer's denominator. No answer stands there twice.
    Weighted(Vec<(String, i128)>),
}

impl Question {
    /// Index of its value among those that the scorer needs.
    pub fn need(&self) -> usize {
        self.need
    }
}

impl Rule {
    /// The answers of the key.
    pub fn answers(&self) -> impl Iterator<Item = &str> {
        let (one, any, weighted): (Option<&str>, &[String], &[(String, i128)]) = match self {
            Self::One(answer) => (Some(answer), &[], &[]),
            Self::AnyOf(answers) => (None, answers, &[]),
            Self::Weighted(answers) => (None, &[], answers),
        };
        let any = any.iter().map(String::as_str);
        one.into_iter().chain(any).chain(weighted.iter().map(|(answer, _)| answer.as_str()))
    }

    /// The answers that cost no marks.
    pub fn wanted(&self) -> impl Iterator<Item = &str> {
        let costs = |answer: &str| match self {
            Self::Weighted(answers) => answers.iter().any(|(other, mark)| other == answer && *mark < 0),
            _ => false,
        };
        self.answers().filter(move |answer| !costs(answer))
    }
}

/// Whom a section gives marks for wrong answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bonus {
    /// Nobody: it is no bonus.
    None,
    /// Everybody who answers.
    OnAttempt,
    /// Everybody.
    ForAll,
}

/// What the questions of a section earn, in parts of the scorer's denominator.
#[derive(Debug)]
pub(super) struct Scheme {
    pub name: String,
    pub streak: Streak,
    pub correct: Marks,
    pub incorrect: Marks,
    pub unmarked: Marks,
}

/// The marks along a streak; the last holds for all steps beyond.
#[derive(Debug)]
pub(super) struct Marks {
    pub first: i128,
    pub rest: Vec<i128>,
}

impl Marks {
    fn at(&self, step: usize) -> i128 {
        let beyond_first = step.checked_sub(1);
        *beyond_first.and_then(|i| self.rest.get(i).or(self.rest.last())).unwrap_or(&self.first)
    }

    pub fn all(&self) -> impl Iterator<Item = i128> {
        std::iter::once(self.first).chain(self.rest.iter().copied())
    }
}

/// What is counted along a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Streak {
    /// Nothing.
    None,
    /// Questions with the same verdict, without a break.
    OfVerdict,
    /// Questions of the section.
    OfSection,
}

/// Where a sheet is in a section.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    correct: usize,
    incorrect: usize,
    questions: usize,
}

impl Progress {
    /// Length of the streak of `verdict` before and after a question that has it. Another verdict breaks a streak, and
    /// blanks are none.
    fn of_verdict(&mut self, verdict: SchemaVerdict) -> (usize, usize) {
        let (before, after) = match verdict {
            SchemaVerdict::Correct => (self.correct, self.correct + 1),
            SchemaVerdict::Incorrect => (self.incorrect, self.incorrect + 1),
            SchemaVerdict::Unmarked => (0, 0),
        };
        (self.correct, self.incorrect) = match verdict {
            SchemaVerdict::Correct => (after, 0),
            SchemaVerdict::Incorrect => (0, after),
            SchemaVerdict::Unmarked => (0, 0),
        };
        (before, after)
    }

    fn of_section(&mut self) -> usize {
        self.questions += 1;
        self.questions - 1
    }
}

impl AnswerSet {
    /// Judges every question; the sum of the deltas comes last. `values` are those that the scorer needs.
    pub fn grade(&self, values: &[&str], below: i128) -> (Vec<Graded>, i128) {
        let mut progress = vec![Progress::default(); self.schemes.len()];
        let mut total = 0;
        let mut graded = Vec::with_capacity(self.questions.len());
        for question in &self.questions {
            let value = values.get(question.need).copied().unwrap_or(question.empty.as_str());
            let Some(scheme) = self.schemes.get(question.scheme) else { continue };
            let judged = question.judge(value);
            let verdict = judged.verdict();
            let (step, streak) = match scheme.streak {
                Streak::None => (0, None),
                Streak::OfVerdict => {
                    let (before, after) = progress[question.scheme].of_verdict(verdict.schema());
                    (before, Some((before, after)))
                }
                Streak::OfSection => (progress[question.scheme].of_section(), None),
            };
            let delta = match judged {
                Judged::Unmarked => scheme.unmarked.at(step),
                Judged::NoMatch => scheme.incorrect.at(step),
                Judged::Match(None) => scheme.correct.at(step),
                Judged::Match(Some(own)) => own,
            };
            // The build has made sure that no sum overflows.
            total += delta;
            let (delta, running) = (Points::new(delta, below), Points::new(total, below));
            graded.push(Graded { verdict, delta, running, streak });
        }
        (graded, total)
    }
}

/// How a value compares with the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judged {
    Unmarked,
    NoMatch,
    /// With the answer's own marks, if it has some.
    Match(Option<i128>),
}

impl Judged {
    fn verdict(self) -> Verdict {
        match self {
            Self::Unmarked => Verdict::Unmarked,
            Self::NoMatch => Verdict::Wrong,
            Self::Match(Some(own)) if own < 0 => Verdict::Penalized,
            Self::Match(_) => Verdict::Right,
        }
    }
}

impl Question {
    /// Compares text with text: `01` is not `1`. What the template says for blank is blank whatever the key has; what
    /// only a block says is an answer when the key has it.
    fn judge(&self, value: &str) -> Judged {
        if value == self.empty {
            return Judged::Unmarked;
        }
        let found = match &self.rule {
            Rule::One(answer) => (answer == value).then_some(None),
            Rule::AnyOf(answers) => answers.iter().any(|answer| answer == value).then_some(None),
            Rule::Weighted(answers) => answers.iter().find(|(answer, _)| answer == value).map(|(_, own)| Some(*own)),
        };
        match found {
            Some(own) => Judged::Match(own),
            None if self.blank.as_deref() == Some(value) => Judged::Unmarked,
            None => Judged::NoMatch,
        }
    }
}
