//! Puts an evaluation, its answer keys and a sheet's values together. What does not fit is found here, all of it, before
//! a sheet is read.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::answer_set::{AnswerSet, Bonus, Marks, Question, Rule, Scheme, Streak};
use super::keys::{LoadedKey, ReadPicture};
use super::points::{common_denominator, parts_of};
use super::table::{self, Style};
use super::values::{SheetValues, marks_for};
use super::{Scorer, Source};
use crate::dialect::Dialect;
use crate::evaluation::{
    self, Answer, ConditionalSet, Evaluation, KeyEntry, Mark, Marking, Schemes, Section, Series, SetupProblem,
    shortened,
};
use crate::json::nearest;
use crate::matcher::BoundMatcher;

/// The scheme of the questions that are in no section.
const DEFAULT: &str = "DEFAULT";

/// A scorer, and what a person should know about it.
#[derive(Debug)]
pub struct Built {
    /// The scorer.
    pub scorer: Scorer,
    /// What may be a slip.
    pub warnings: Vec<SetupProblem>,
}

impl Scorer {
    /// Makes an evaluation ready for sheets with these values. `template_dialect` decides where the evaluation is
    /// spelt as more than one dialect spells it; `diverts_multi_marked`: sheets with a multi-marked field are not
    /// scored, so no answer may need one; `read_picture` reads a key that is a picture.
    ///
    /// # Errors
    /// All that is wrong with the keys, and with how they fit the evaluation and the values.
    pub fn build(
        evaluation: &Evaluation,
        template_dialect: Dialect,
        values: &SheetValues,
        diverts_multi_marked: bool,
        read_picture: ReadPicture<'_>,
    ) -> Result<Built, Vec<SetupProblem>> {
        let dialect = evaluation.dialect.unwrap_or(match template_dialect {
            Dialect::V1 => Dialect::V1,
            Dialect::V2Dev | Dialect::V2 => Dialect::V2Dev,
        });
        let keys = Keys::load(evaluation, dialect, read_picture);
        let mut builder = Builder {
            evaluation,
            values,
            diverts_multi_marked,
            style: Style::of(dialect),
            below: 1,
            needs: Needs::default(),
            problems: keys.problems,
            warnings: Vec::new(),
        };
        for key in keys.default.iter().chain(keys.sets.iter().flatten()) {
            builder.check_key(key);
        }
        // Without the default key, questions would seem to be missing that are not.
        let Some(default) = keys.default else { return Err(builder.problems) };
        let plans = builder.plans(&default, &keys.sets);
        let matchers = evaluation.sets.iter().filter_map(|set| builder.matcher(set)).collect();
        builder.find_denominator(&plans);
        let sets: Vec<AnswerSet> = plans.iter().filter_map(|plan| builder.answer_set(plan)).collect();
        builder.warn_of_unanswered(&plans);
        if !builder.problems.is_empty() {
            return Err(builder.problems);
        }
        let Builder { needs: Needs { names, .. }, below, style, warnings, .. } = builder;
        let empty = values.empty().to_owned();
        Ok(Built { scorer: Scorer { needs: names, sets, matchers, below, style, empty }, warnings })
    }
}

/// The keys of an evaluation, as far as they could be loaded.
struct Keys {
    default: Option<LoadedKey>,
    /// One entry a conditional set.
    sets: Vec<Option<LoadedKey>>,
    problems: Vec<SetupProblem>,
}

impl Keys {
    fn load(evaluation: &Evaluation, dialect: Dialect, read_picture: ReadPicture<'_>) -> Self {
        let mut problems = Vec::new();
        let mut load = |source| match LoadedKey::load(source, &evaluation.file, dialect, read_picture) {
            Ok(key) => Some(key),
            Err(found) => {
                problems.extend(found);
                None
            }
        };
        let default = load(&evaluation.key);
        let sets = evaluation.sets.iter().map(|set| set.key.as_ref().and_then(&mut load)).collect();
        Self { default, sets, problems }
    }
}

/// The values that a scorer needs.
#[derive(Default)]
struct Needs {
    names: Vec<String>,
    index: HashMap<String, usize>,
}

impl Needs {
    fn index_of(&mut self, name: &str) -> usize {
        if let Some(&i) = self.index.get(name) {
            return i;
        }
        self.index.insert(name.to_owned(), self.names.len());
        self.names.push(name.to_owned());
        self.names.len() - 1
    }
}

/// A set with its answers and sections complete, its marks still as written.
struct SetPlan<'a> {
    set: Option<&'a ConditionalSet>,
    schemes: &'a Schemes,
    outputs: &'a evaluation::Outputs,
    entries: Vec<Entry<'a>>,
    sections: Vec<SectionPlan<'a>>,
}

/// An answer and where it stands.
#[derive(Clone, Copy)]
struct Entry<'a> {
    entry: &'a KeyEntry,
    file: &'a Path,
    line: Option<u64>,
}

struct SectionPlan<'a> {
    name: String,
    questions: Vec<&'a str>,
    marking: &'a Marking,
}

struct Builder<'a> {
    evaluation: &'a Evaluation,
    values: &'a SheetValues,
    diverts_multi_marked: bool,
    style: Style,
    below: i128,
    needs: Needs,
    problems: Vec<SetupProblem>,
    warnings: Vec<SetupProblem>,
}

impl<'a> Builder<'a> {
    /// Every question of a key is a value of the sheet.
    fn check_key(&mut self, key: &LoadedKey) {
        let unknown = key.entries.iter().enumerate().filter(|(_, entry)| self.values.get(&entry.question).is_none());
        let unknown: Vec<(usize, &str)> = unknown.map(|(i, entry)| (i, entry.question.as_str())).collect();
        let Some(&(i, first)) = unknown.first() else { return };
        let names: Vec<&str> = unknown.iter().map(|(_, name)| *name).collect();
        let message =
            format!("the answer key has {}, and no sheet has a field or custom label of that name", shortened(&names));
        let problem = SetupProblem::new(&key.file, message).at_line(key.line(i));
        self.problems.push(match self.values.hint(first) {
            Some(hint) => problem.hint(hint),
            None => problem,
        });
    }

    /// The default and every conditional set. Each set starts from the default; none knows another.
    fn plans(&mut self, default: &'a LoadedKey, sets: &'a [Option<LoadedKey>]) -> Vec<SetPlan<'a>> {
        let evaluation = self.evaluation;
        let mut plans = vec![SetPlan {
            set: None,
            schemes: &evaluation.schemes,
            outputs: &evaluation.outputs,
            entries: entries(default),
            sections: evaluation.schemes.sections.iter().map(|s| SectionPlan::of(s, s.name.clone())).collect(),
        }];
        for (set, key) in evaluation.sets.iter().zip(sets) {
            // A key that could not be loaded has told why; without it, questions would seem to be missing.
            if set.key.is_some() && key.is_none() {
                continue;
            }
            plans.push(SetPlan {
                set: Some(set),
                schemes: &set.schemes,
                outputs: &set.outputs,
                entries: merged(entries(default), key.as_ref().map(entries).unwrap_or_default()),
                sections: inherited(&set.schemes.sections, &evaluation.schemes.sections),
            });
        }
        for plan in &plans {
            self.check_sections(plan);
        }
        plans
    }

    /// Every question of a section has an answer.
    fn check_sections(&mut self, plan: &SetPlan<'_>) {
        let known: HashSet<&str> = plan.entries.iter().map(|e| e.entry.question.as_str()).collect();
        for section in &plan.sections {
            let missing: Vec<&str> = section.questions.iter().copied().filter(|q| !known.contains(q)).collect();
            let Some(first) = missing.first() else { continue };
            let of_set = plan.set.map_or(String::new(), |set| format!(" of the set `{}`", set.name));
            let message = format!(
                "the section `{}`{of_set} names {}, which the answer key lacks",
                section.name,
                shortened(&missing)
            );
            let problem = SetupProblem::new(&self.evaluation.file, message);
            let candidates = plan.entries.iter().map(|e| e.entry.question.as_str());
            self.problems.push(match nearest(first, candidates) {
                Some(near) => problem.hint(format!("the nearest question of the key is `{near}`")),
                None => problem,
            });
        }
    }

    fn matcher(&mut self, set: &ConditionalSet) -> Option<BoundMatcher<Source>> {
        let bound = set.matcher.bind(|name| match name {
            "file_path" => Some(Source::FilePath),
            "file_name" => Some(Source::FileName),
            name => self.values.get(name).map(|_| Source::Value(self.needs.index_of(name))),
        });
        match bound {
            Ok(matcher) => Some(matcher),
            Err(unknown) => {
                unknown.iter().for_each(|name| self.refuse_matcher_name(set, name));
                None
            }
        }
    }

    fn refuse_matcher_name(&mut self, set: &ConditionalSet, name: &str) {
        let message = format!(
            "the `formatString` of the set `{}` asks for `{{{name}}}`, expected a field, a custom label, `{{file_name}}` \
             or `{{file_path}}`",
            set.name
        );
        let problem = SetupProblem::new(&self.evaluation.file, message);
        self.problems.push(match self.values.hint(name) {
            Some(hint) => problem.hint(hint),
            None => problem,
        });
    }

    /// The smallest denominator that all marks can be written with.
    fn find_denominator(&mut self, plans: &[SetPlan<'_>]) {
        let mut below = Some(1);
        for mark in plans.iter().flat_map(SetPlan::marks) {
            below = below.and_then(|below| common_denominator(below, mark));
        }
        match below {
            Some(below) => self.below = below,
            None => self.refuse_marks(),
        }
    }

    fn refuse_marks(&mut self) {
        let message = "the marks have so many digits that they cannot be added up exactly";
        let problem = SetupProblem::new(&self.evaluation.file, message);
        let problem = problem.hint("write fractions (`1/3`) instead of long decimals, and numbers below a billion");
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// The set with its marks in parts of the common denominator.
    fn answer_set(&mut self, plan: &SetPlan<'_>) -> Option<AnswerSet> {
        let schemes = self.schemes(plan);
        let places: HashMap<&str, usize> = plan
            .sections
            .iter()
            .enumerate()
            .flat_map(|(i, section)| section.questions.iter().map(move |&question| (question, i + 1)))
            .collect();
        let questions: Option<Vec<Question>> = plan
            .entries
            .iter()
            .map(|entry| {
                let place = places.get(entry.entry.question.as_str()).copied().unwrap_or(0);
                self.question(entry, place, schemes.as_ref()?)
            })
            .collect();
        let set = schemes.zip(questions).map(|(schemes, questions)| AnswerSet {
            name: plan.set.map(|set| set.name.clone()),
            questions,
            schemes,
            outputs: plan.outputs.clone(),
        });
        match set {
            Some(set) if set.fits() => Some(set),
            _ => {
                // A question is also missing when its value is, which has been told.
                if self.problems.is_empty() {
                    self.refuse_marks();
                }
                None
            }
        }
    }

    fn schemes(&self, plan: &SetPlan<'_>) -> Option<Vec<Scheme>> {
        let plain = |mark: &Mark| Some(Marks { first: parts_of(mark, self.below)?, rest: Vec::new() });
        let series = |series: &Series| {
            let rest = (1..series.steps()).map(|step| parts_of(series.at(step), self.below)).collect::<Option<_>>();
            Some(Marks { first: parts_of(series.at(0), self.below)?, rest: rest? })
        };
        let default = &plan.schemes.default;
        let mut schemes = vec![scheme(DEFAULT.to_owned(), Streak::None, default, plain)?];
        for SectionPlan { name, marking, .. } in &plan.sections {
            schemes.push(match marking {
                Marking::Plain(marks) => scheme(name.clone(), Streak::None, marks, plain)?,
                Marking::VerdictStreak(marks) => scheme(name.clone(), Streak::OfVerdict, marks, series)?,
                Marking::SectionStreak(marks) => scheme(name.clone(), Streak::OfSection, marks, series)?,
            });
        }
        Some(schemes)
    }

    fn question(&mut self, entry: &Entry<'_>, place: usize, schemes: &[Scheme]) -> Option<Question> {
        let KeyEntry { question, answer } = entry.entry;
        let value = self.values.get(question)?;
        let scheme = schemes.get(place)?;
        let rule = match answer {
            Answer::Standard(answer) => Rule::One(answer.clone()),
            Answer::AnyOf(answers) => Rule::AnyOf(answers.clone()),
            Answer::Weighted(weighted) => {
                let mut answers: Vec<(String, i128)> = Vec::with_capacity(weighted.len());
                for weighted in weighted {
                    let own = parts_of(&weighted.mark, self.below)?;
                    match answers.iter_mut().find(|(value, _)| *value == weighted.value) {
                        Some(earlier) => earlier.1 = own,
                        None => answers.push((weighted.value.clone(), own)),
                    }
                }
                Rule::Weighted(answers)
            }
        };
        self.check_marks(entry, &rule);
        Some(Question {
            name: question.clone(),
            bonus: if place == 0 { Bonus::None } else { scheme.bonus() },
            need: self.needs.index_of(question),
            empty: self.values.empty().to_owned(),
            blank: value.blank(),
            scheme: place,
            answers_text: table::answers_text(answer, self.style),
            scheme_text: table::scheme_text(scheme, &rule, self.below, self.style),
            rule,
        })
    }

    /// Can sheets give the answers of the key at all, and as rows that are scored?
    fn check_marks(&mut self, entry: &Entry<'_>, rule: &Rule) {
        let question = &entry.entry.question;
        let ways = self.values.get(question).map(|value| value.ways()).unwrap_or_default();
        if ways.is_empty() {
            return;
        }
        for answer in rule.answers() {
            let is_marked = |most| ways.iter().any(|fields| marks_for(answer, fields, most).is_some());
            if is_marked(1) {
                continue;
            }
            let is_possible = is_marked(usize::MAX);
            let problem = |message| SetupProblem::new(entry.file, message).at_line(entry.line);
            if is_possible && self.diverts_multi_marked {
                let message = format!(
                    "the answer `{answer}` of `{question}` needs more than one mark in a field, but the config diverts such sheets"
                );
                let hint =
                    "set `filter_out_multimarked_files` (`filterOutMultimarkedFiles`) to false, or change the answer";
                push_once(&mut self.problems, problem(message).hint(hint));
            } else if !is_possible {
                let message = format!("no marks give the answer `{answer}` of `{question}`");
                push_once(&mut self.warnings, problem(message));
            }
        }
    }

    /// Questions of the template that have no answer in any set: those whose names begin as OMRChecker's do.
    fn warn_of_unanswered(&mut self, plans: &[SetPlan<'_>]) {
        let answered: HashSet<&str> =
            plans.iter().flat_map(|p| &p.entries).map(|e| e.entry.question.as_str()).collect();
        let is_unanswered =
            |name: &&str| name.starts_with('q') && !answered.contains(name) && !self.needs.index.contains_key(*name);
        let unanswered: Vec<&str> = self.values.names().filter(is_unanswered).collect();
        if !unanswered.is_empty() {
            let message = format!("the answer key has no answer for {}, which the sheets have", shortened(&unanswered));
            self.warnings.push(SetupProblem::new(&self.evaluation.file, message));
        }
    }
}

fn push_once(problems: &mut Vec<SetupProblem>, problem: SetupProblem) {
    if !problems.contains(&problem) {
        problems.push(problem);
    }
}

fn entries(key: &LoadedKey) -> Vec<Entry<'_>> {
    let entry = |(i, entry)| Entry { entry, file: &key.file, line: key.line(i) };
    key.entries.iter().enumerate().map(entry).collect()
}

/// The default's questions in their order, with the set's answers in place of theirs, then the set's own questions.
fn merged<'a>(default: Vec<Entry<'a>>, own: Vec<Entry<'a>>) -> Vec<Entry<'a>> {
    let mut merged = default;
    let places: HashMap<&str, usize> = merged.iter().enumerate().map(|(i, e)| (e.entry.question.as_str(), i)).collect();
    for entry in own {
        match places.get(entry.entry.question.as_str()) {
            Some(&i) => merged[i] = entry,
            None => merged.push(entry),
        }
    }
    merged
}

/// A set's own sections, then those of the default for the questions that its own do not name.
fn inherited<'a>(own: &'a [Section], default: &'a [Section]) -> Vec<SectionPlan<'a>> {
    let taken: HashSet<&str> = own.iter().flat_map(|s| &s.questions).map(String::as_str).collect();
    let mut sections: Vec<SectionPlan<'a>> = own.iter().map(|s| SectionPlan::of(s, s.name.clone())).collect();
    for parent in default {
        let mut section = SectionPlan::of(parent, format!("parent-{}", parent.name));
        section.questions.retain(|question| !taken.contains(question));
        if !section.questions.is_empty() {
            sections.push(section);
        }
    }
    sections
}

impl<'a> SectionPlan<'a> {
    fn of(section: &'a Section, name: String) -> Self {
        Self { name, questions: section.questions.iter().map(String::as_str).collect(), marking: &section.marking }
    }
}

impl SetPlan<'_> {
    /// Every mark that a sheet may earn.
    fn marks(&self) -> Vec<&Mark> {
        let default = &self.schemes.default;
        let mut marks = vec![&default.correct, &default.incorrect, &default.unmarked];
        for section in &self.sections {
            match section.marking {
                Marking::Plain(own) => marks.extend([&own.correct, &own.incorrect, &own.unmarked]),
                Marking::VerdictStreak(own) | Marking::SectionStreak(own) => {
                    let series = [&own.correct, &own.incorrect, &own.unmarked];
                    marks.extend(series.iter().flat_map(|series| (0..series.steps()).map(|step| series.at(step))));
                }
            }
        }
        for entry in &self.entries {
            if let Answer::Weighted(weighted) = &entry.entry.answer {
                marks.extend(weighted.iter().map(|w| &w.mark));
            }
        }
        marks
    }
}

impl AnswerSet {
    /// Do all sums of its marks fit?
    fn fits(&self) -> bool {
        let largest = |question: &Question| {
            let scheme = self.schemes.get(question.scheme)?;
            let own = match &question.rule {
                Rule::Weighted(answers) => answers.as_slice(),
                _ => &[],
            };
            let marks = [&scheme.correct, &scheme.incorrect, &scheme.unmarked].into_iter().flat_map(Marks::all);
            marks.chain(own.iter().map(|(_, mark)| *mark)).map(i128::unsigned_abs).max()
        };
        let sum = self.questions.iter().try_fold(0u128, |sum, question| sum.checked_add(largest(question)?));
        sum.is_some_and(|sum| i128::try_from(sum).is_ok())
    }
}

impl Scheme {
    fn bonus(&self) -> Bonus {
        match (self.streak, self.incorrect.first, self.unmarked.first) {
            (Streak::OfVerdict, _, _) | (_, ..=0, _) | (_, _, ..0) => Bonus::None,
            (_, _, 0) => Bonus::OnAttempt,
            (_, _, 1..) => Bonus::ForAll,
        }
    }
}

fn scheme<T>(
    name: String,
    streak: Streak,
    marks: &evaluation::Marks<T>,
    parts: impl Fn(&T) -> Option<Marks>,
) -> Option<Scheme> {
    let evaluation::Marks { correct, incorrect, unmarked } = marks;
    Some(Scheme { name, streak, correct: parts(correct)?, incorrect: parts(incorrect)?, unmarked: parts(unmarked)? })
}
