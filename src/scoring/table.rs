//! Explanation tables: what each question of a sheet earned and why, in the words of OMRChecker's generations.

use std::fmt;

use super::answer_set::{AnswerSet, Question, Rule, Scheme, Streak};
use super::points::{Points, nearest_to_mark, python_float};
use super::{Graded, SchemaVerdict, Score, Scorer, Verdict};
use crate::dialect::Dialect;
use crate::evaluation::{Answer, Written};

/// Whose words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    V1,
    V2,
}

impl Style {
    pub fn of(dialect: Dialect) -> Self {
        match dialect {
            Dialect::V1 => Self::V1,
            Dialect::V2Dev | Dialect::V2 => Self::V2,
        }
    }

    /// The names of a match and of none.
    fn verdicts(self) -> (&'static str, &'static str) {
        match self {
            Self::V1 => ("correct", "incorrect"),
            Self::V2 => ("answer-match", "no-answer-match"),
        }
    }
}

/// A table of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The names of its columns.
    pub header: Vec<&'static str>,
    /// One row a question, in key order.
    pub rows: Vec<Vec<String>>,
}

impl Scorer {
    /// The table of a sheet: `values` are those that `score` was made from.
    pub fn table(&self, score: &Score, values: &[&str]) -> Table {
        let Some(set) = self.sets.get(score.set) else { return Table { header: Vec::new(), rows: Vec::new() } };
        let columns = Columns::of(set, self.style);
        let graded = set.questions.iter().zip(&score.graded);
        let rows = graded.map(|(question, graded)| {
            let value = values.get(question.need).copied().unwrap_or_default();
            columns.row(set, question, graded, value)
        });
        Table { header: columns.header(), rows: rows.collect() }
    }
}

/// Which columns a set's tables have.
struct Columns {
    style: Style,
    has_scheme: bool,
    has_set: bool,
    has_streak: bool,
}

impl Columns {
    fn of(set: &AnswerSet, style: Style) -> Self {
        let has_sections = set.schemes.len() > 1;
        let has_weights = set.questions.iter().any(|q| matches!(q.rule, Rule::Weighted(_)));
        Self {
            style,
            has_scheme: has_sections || (has_weights && style == Style::V2),
            has_set: set.name.is_some(),
            has_streak: set.schemes.iter().any(|scheme| scheme.streak == Streak::OfVerdict),
        }
    }

    fn header(&self) -> Vec<&'static str> {
        self.arrange(
            ["Question", "Marked", "Answer(s)", "Verdict", "Delta", "Score"],
            if self.style == Style::V1 { "Section" } else { "Marking Scheme" },
            "Set Mapping",
            "Streak",
        )
    }

    fn row(&self, set: &AnswerSet, question: &Question, graded: &Graded, value: &str) -> Vec<String> {
        let streak = graded.streak.map_or(String::new(), |(before, after)| format!("{before} -> {after}"));
        let cells = [
            question.name.clone(),
            value.to_owned(),
            question.answers_text.clone(),
            verdict_text(question, graded.verdict, value, self.style),
            graded.delta.rounded(),
            graded.running.rounded(),
        ];
        self.arrange(cells, question.scheme_text.clone(), set.name.clone().unwrap_or_default(), streak)
    }

    fn arrange<T>(&self, cells: [T; 6], scheme: T, set: T, streak: T) -> Vec<T> {
        let mut row = Vec::with_capacity(9);
        let mut scheme = self.has_scheme.then_some(scheme);
        if self.style == Style::V2 {
            row.extend(scheme.take());
        }
        row.extend(cells);
        row.extend(scheme);
        row.extend(self.has_set.then_some(set));
        row.extend(self.has_streak.then_some(streak));
        row
    }
}

/// The verdict as the generations name it. A match of one answer among several names the answer.
fn verdict_text(question: &Question, verdict: Verdict, value: &str, style: Style) -> String {
    let (a_match, no_match) = style.verdicts();
    let name = match verdict {
        Verdict::Unmarked => "unmarked".to_owned(),
        Verdict::Wrong => no_match.to_owned(),
        Verdict::Right | Verdict::Penalized => match question.rule {
            Rule::One(_) => a_match.to_owned(),
            Rule::AnyOf(_) | Rule::Weighted(_) => format!("{a_match}-{value}"),
        },
    };
    match style {
        Style::V1 => title_case(&name),
        Style::V2 => {
            let schema = match verdict.schema() {
                SchemaVerdict::Correct => "Correct",
                SchemaVerdict::Incorrect => "Incorrect",
                SchemaVerdict::Unmarked => "Unmarked",
            };
            format!("{schema} ({name})")
        }
    }
}

/// Each run of letters with a capital first and small ones after it, as Python's `title`.
fn title_case(text: &str) -> String {
    let mut after_letter = false;
    let mut title = String::with_capacity(text.len());
    for c in text.chars() {
        match after_letter {
            true => title.extend(c.to_lowercase()),
            false => title.extend(c.to_uppercase()),
        }
        after_letter = c.is_alphabetic();
    }
    title
}

/// The right answers, lists in Python's notation. v1 shows marks as they were written, the v2 family as floats.
pub(super) fn answers_text(answer: &Answer, style: Style) -> String {
    match answer {
        Answer::Standard(answer) => answer.clone(),
        Answer::AnyOf(answers) => list(answers.iter().map(|answer| python_text(answer))),
        Answer::Weighted(weighted) => list(weighted.iter().map(|w| {
            let mark = match (style, &w.written) {
                (Style::V1, Written::Text(text)) => python_text(text),
                (Style::V1, Written::Number(number)) if number.parse::<i128>().is_ok() => number.clone(),
                _ => nearest_to_mark(&w.mark).map_or_else(|| w.mark.to_string(), python_float),
            };
            list([python_text(&w.value), mark].into_iter())
        })),
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// The name of a question's scheme; of a question whose answers have their own marks, all marks.
pub(super) fn scheme_text(scheme: &Scheme, rule: &Rule, below: i128, style: Style) -> String {
    let Rule::Weighted(answers) = rule else { return scheme.name.clone() };
    let (a_match, no_match) = style.verdicts();
    let entry = |name: &str, mark: i128| format!("{}: {}", python_text(name), Points::new(mark, below).text());
    let mut entries = vec![
        entry(a_match, scheme.correct.first),
        entry(no_match, scheme.incorrect.first),
        entry("unmarked", scheme.unmarked.first),
    ];
    entries.extend(answers.iter().map(|(answer, mark)| entry(&format!("{a_match}-{answer}"), *mark)));
    let title = if style == Style::V1 { "Custom" } else { "Custom Weights" };
    format!("{title}: {{{}}}", entries.join(", "))
}

/// A text in quotes, as Python shows it: single ones, unless it has single ones and no double ones in it.
fn python_text(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut shown = String::from(quote);
    for c in text.chars() {
        if c == '\\' || c == quote {
            shown.push('\\');
        }
        shown.push(c);
    }
    shown.push(quote);
    shown
}

/// A cell of a log has this many characters at most: the marks of weighted answers would push all else off the screen.
const MAX_LOGGED: usize = 30;

fn cut(cell: &str) -> String {
    match cell.char_indices().nth(MAX_LOGGED) {
        Some(_) => cell.chars().take(MAX_LOGGED - 1).chain(['…']).collect(),
        None => cell.to_owned(),
    }
}

/// Columns side by side, for a log.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = self.header.iter().map(|name| (*name).to_owned()).collect();
        let rows = self.rows.iter().map(|row| row.iter().map(|cell| cut(cell)).collect());
        let rows: Vec<Vec<String>> = std::iter::once(header).chain(rows).collect();
        let widest = |i| rows.iter().filter_map(|row| row.get(i)).map(|cell: &String| cell.chars().count()).max();
        let widths: Vec<usize> = (0..self.header.len()).map(|i| widest(i).unwrap_or(0)).collect();
        for row in &rows {
            let padded: Vec<String> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}")).collect();
            write!(f, "\n  {}", padded.join("  ").trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_as_python_writes_them() {
        for (text, title) in [("correct-BC", "Correct-Bc"), ("correct-01", "Correct-01"), ("correct-1a", "Correct-1A")]
        {
            assert_eq!(title_case(text), title);
        }
    }

    #[test]
    fn a_logged_table_is_aligned_and_fits_the_screen() {
        let rows = vec![vec!["q1".to_owned(), "A".to_owned()], vec!["x".repeat(40), "B".to_owned()]];
        let shown = Table { header: vec!["Question", "Marked"], rows }.to_string();
        let wide = "x".repeat(MAX_LOGGED - 1);
        let blank = " ".repeat(MAX_LOGGED - 2);
        let expected = format!("\n  Question{}  Marked\n  q1{blank}  A\n  {wide}…  B", &blank[6..]);
        assert_eq!(shown, expected);
    }

    #[test]
    fn texts_in_quotes() {
        assert_eq!(python_text("A"), "'A'");
        assert_eq!(python_text("it's"), "\"it's\"");
        assert_eq!(python_text("'\""), "'\\'\"'");
    }
}
