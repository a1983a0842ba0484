//! Marking schemes: what right, wrong and blank answers earn, for all questions and for sections of them.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use super::answers::all;
use super::marking::Mark;
use super::problem::shortened;
use super::source::KeySource;
use crate::json::{Cursor, Fields, Kind, Unknown, nearest};
use crate::labels;

/// The scheme of the questions that are in no section.
const DEFAULT: &str = "DEFAULT";
/// A section whose name begins like this means to give marks for wrong answers.
const BONUS: &str = "BONUS";
const VERDICTS: [&str; 3] = ["correct", "incorrect", "unmarked"];

/// Every scheme of an evaluation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schemes {
    /// `DEFAULT`: for every question that is in no section.
    pub default: Marks<Mark>,
    /// The sections in the order of the file; no question is in two of them.
    pub sections: Vec<Section>,
}

/// Questions with marks of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The user's name for it.
    pub name: String,
    /// Its questions; there may be none.
    pub questions: Vec<String>,
    /// What they earn.
    pub marking: Marking,
}

/// What the questions of a section earn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Marking {
    /// `default`: the same for every question.
    Plain(Marks<Mark>),
    /// `verdict_level_streak`: depends on how many questions before it had the same verdict without a break.
    VerdictStreak(Marks<Series>),
    /// `section_level_streak`: depends on its place among the section's questions.
    SectionStreak(Marks<Series>),
}

/// One value for each verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marks<T> {
    /// For a right answer.
    pub correct: T,
    /// For a wrong answer.
    pub incorrect: T,
    /// For no answer.
    pub unmarked: T,
}

/// The marks along a streak: one or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    first: Mark,
    rest: Vec<Mark>,
}

impl Section {
    /// Was it named as a bonus, so that marks for wrong answers are no slip?
    pub fn is_bonus(&self) -> bool {
        self.name.starts_with(BONUS)
    }
}

impl Series {
    /// The mark at `step` of a streak, from 0. The last one holds for all steps beyond the list, where OMRChecker would
    /// give the sheet up.
    pub fn at(&self, step: usize) -> &Mark {
        let beyond_first = step.checked_sub(1);
        beyond_first.and_then(|i| self.rest.get(i).or(self.rest.last())).unwrap_or(&self.first)
    }

    /// Number of steps that have a mark of their own.
    pub fn steps(&self) -> usize {
        1 + self.rest.len()
    }

    fn marks(&self) -> impl Iterator<Item = &Mark> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    /// Reads one mark, which holds for every step, or a list.
    fn read(cursor: &Cursor<'_>) -> Option<Self> {
        if !matches!(cursor.value().kind, Kind::Array(_)) {
            return Some(Self { first: Mark::read(cursor)?, rest: Vec::new() });
        }
        let mut marks = all(cursor.array()?.iter().map(Mark::read))?.into_iter();
        let Some(first) = marks.next() else { return cursor.expected("a mark or a list of marks") };
        Some(Self { first, rest: marks.collect() })
    }
}

/// The key's questions as far as the file names them, to check sections against. The value tells whether the answer
/// carries its own marks.
pub(super) type KnownQuestions<'k> = HashMap<&'k str, bool>;

/// The questions of `keys`, a later key overriding an earlier one; `None` when one of them is in another file.
pub(super) fn known_questions<'k>(keys: &[&'k KeySource]) -> Option<KnownQuestions<'k>> {
    let mut known = HashMap::new();
    for key in keys {
        match key {
            KeySource::Local(entries) => {
                known.extend(entries.iter().map(|e| (e.question.as_str(), e.answer.is_weighted())));
            }
            KeySource::Picture { questions, .. } => known.extend(questions.iter().map(|q| (q.as_str(), false))),
            KeySource::Csv { .. } => return None,
        }
    }
    Some(known)
}

/// Reads the object of all schemes. `marking_type` is the key of a section's kind of marking, in dialects that have it.
pub(super) fn read(
    cursor: &Cursor<'_>,
    marking_type: Option<&str>,
    known: Option<&KnownQuestions<'_>>,
) -> Option<Schemes> {
    let fields = cursor.object()?;
    let default = require_default(&fields).and_then(|c| read_marks(&c, DEFAULT, Mark::read, Mark::is_positive));
    let mut owners = HashMap::new();
    let sections = fields.rest().into_iter().map(|(name, place)| {
        let section = read_section(name, &place, marking_type);
        if let Some((section, questions_place)) = &section {
            check_questions(section, questions_place, &mut owners, known);
        }
        section.map(|(section, _)| section)
    });
    let sections = all(sections);
    Some(Schemes { default: default?, sections: sections? })
}

/// The default scheme. One that is nearly named so is not read as a section, which it has not the shape of.
fn require_default<'d>(fields: &Fields<'d>) -> Option<Cursor<'d>> {
    let found = fields.get(DEFAULT);
    if found.is_none() {
        let message = format!("the key `{DEFAULT}` is missing");
        match nearest(DEFAULT, fields.cursor().value().keys()) {
            Some(other) => {
                // Asked for, so that it is no section.
                fields.get(other);
                fields.cursor().error_with_hint(message, format!("is `{other}` meant to be `{DEFAULT}`?"));
            }
            None => fields.cursor().error(message),
        }
    }
    found
}

/// A section's kind of marking, as its file names it.
#[derive(Debug, Clone, Copy)]
enum Type {
    Plain,
    VerdictStreak,
    SectionStreak,
}

fn read_section<'d>(name: &str, cursor: &Cursor<'d>, marking_type: Option<&str>) -> Option<(Section, Cursor<'d>)> {
    let fields = cursor.object()?;
    let place = fields.require("questions");
    let questions = place.as_ref().and_then(read_questions);
    let kind = match marking_type.and_then(|key| fields.get(key)) {
        None => Some(Type::Plain),
        Some(c) => c.choice(&[
            ("default", Type::Plain),
            ("verdict_level_streak", Type::VerdictStreak),
            ("section_level_streak", Type::SectionStreak),
        ]),
    };
    let marking = fields.require("marking").zip(kind).and_then(|(c, kind)| match kind {
        Type::Plain => {
            let read = |c: &Cursor<'_>| read_plain(c, marking_type);
            read_marks(&c, name, read, Mark::is_positive).map(Marking::Plain)
        }
        Type::VerdictStreak | Type::SectionStreak => {
            let marks = read_marks(&c, name, Series::read, |series| series.marks().any(Mark::is_positive))?;
            if let Some(questions) = &questions {
                warn_of_short_lists(&c, &marks, kind, questions.len());
            }
            Some(if matches!(kind, Type::VerdictStreak) {
                Marking::VerdictStreak(marks)
            } else {
                Marking::SectionStreak(marks)
            })
        }
    });
    let known: Vec<&str> = ["questions", "marking"].into_iter().chain(marking_type).collect();
    fields.finish(Unknown::Refuse, &known);
    Some((Section { name: name.to_owned(), questions: questions?, marking: marking? }, place?))
}

/// A list of field strings, or a single one.
fn read_questions(cursor: &Cursor<'_>) -> Option<Vec<String>> {
    let Kind::String(text) = &cursor.value().kind else { return labels::read_list(cursor) };
    match labels::expand(text) {
        Ok(questions) => Some(questions),
        Err(error) => {
            cursor.error(error.to_string());
            None
        }
    }
}

/// One mark. A list would be possible where the dialect has streaks, so there the message tells how.
fn read_plain(cursor: &Cursor<'_>, marking_type: Option<&str>) -> Option<Mark> {
    if let (Kind::Array(_), Some(key)) = (&cursor.value().kind, marking_type) {
        cursor.error_with_hint(
            format!("found {}, expected one mark", cursor.value().describe()),
            format!("a list needs `\"{key}\": \"verdict_level_streak\"` in its section"),
        );
        return None;
    }
    Mark::read(cursor)
}

fn read_marks<T>(
    cursor: &Cursor<'_>,
    scheme: &str,
    read: impl Fn(&Cursor<'_>) -> Option<T>,
    is_positive: impl Fn(&T) -> bool,
) -> Option<Marks<T>> {
    let fields = cursor.object()?;
    let [correct, incorrect, unmarked] = VERDICTS.map(|key| {
        let place = fields.require(key)?;
        let value = read(&place)?;
        if key == "incorrect" && is_positive(&value) && !scheme.starts_with(BONUS) {
            place.warn(
                format!("found {}: a wrong answer in `{scheme}` raises the score", place.value().describe()),
                Some(format!("for a bonus, begin the section's name with `{BONUS}`")),
            );
        }
        Some(value)
    });
    fields.finish(Unknown::Refuse, &VERDICTS);
    Some(Marks { correct: correct?, incorrect: incorrect?, unmarked: unmarked? })
}

/// A streak may grow as long as its section.
fn warn_of_short_lists(cursor: &Cursor<'_>, marks: &Marks<Series>, kind: Type, questions: usize) {
    // Blanks are no streak of a verdict, so their list needs no length there.
    let unmarked = matches!(kind, Type::SectionStreak).then_some(("unmarked", &marks.unmarked));
    for (key, series) in [("correct", &marks.correct), ("incorrect", &marks.incorrect)].into_iter().chain(unmarked) {
        if (2..questions).contains(&series.steps()) {
            cursor.warn(
                format!("`{key}` lists {} marks for {questions} questions", series.steps()),
                Some("the last mark of the list holds for longer streaks".to_owned()),
            );
        }
    }
}

/// Each question in one section, and every one of them in the key.
fn check_questions(
    section: &Section,
    place: &Cursor<'_>,
    owners: &mut HashMap<String, String>,
    known: Option<&KnownQuestions<'_>>,
) {
    let mut taken: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for question in &section.questions {
        match owners.entry(question.clone()) {
            Entry::Occupied(owner) => taken.entry(owner.get().clone()).or_default().push(question),
            Entry::Vacant(free) => {
                free.insert(section.name.clone());
            }
        }
    }
    for (owner, questions) in taken {
        place.error(format!("{} already in section `{owner}`, expected each question in one section", are(&questions)));
    }
    let Some(known) = known else { return };
    let missing: Vec<&str> =
        section.questions.iter().map(String::as_str).filter(|question| !known.contains_key(question)).collect();
    if let Some(first) = missing.first() {
        let message = format!("the answer key has no {}", shortened(&missing));
        // Of two names that are equally near, the same one on every run.
        let mut candidates: Vec<&str> = known.keys().copied().collect();
        candidates.sort_unstable();
        match nearest(first, candidates) {
            Some(near) => place.error_with_hint(message, format!("the nearest question of the key is `{near}`")),
            None => place.error(message),
        }
    }
    let weighted: Vec<&str> = section
        .questions
        .iter()
        .map(String::as_str)
        .filter(|question| known.get(question).copied().unwrap_or(false))
        .collect();
    if !weighted.is_empty() {
        place.warn(format!("the marks of the answers to {} count instead of `correct`", shortened(&weighted)), None);
    }
}

/// The names as the subject of a sentence.
fn are(names: &[&str]) -> String {
    format!("{} {}", shortened(names), if names.len() == 1 { "is" } else { "are" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_mark_of_a_series_holds() {
        let mark = |text: &str| text.parse::<Mark>().unwrap();
        let series = Series { first: mark("1"), rest: vec![mark("2"), mark("4")] };
        let at: Vec<String> = [0, 1, 2, 3, usize::MAX].map(|step| series.at(step).to_string()).to_vec();
        assert_eq!(at, ["1", "2", "4", "4", "4"]);
        let single = Series { first: mark("3"), rest: vec![] };
        assert_eq!((single.at(0), single.at(9)), (&mark("3"), &mark("3")));
    }
}
