//! Values become a score, and what the marked picture shows of it.

use super::doubts::Withheld;
use super::interpret::{FieldValue, Interpretation};
use super::render::{self, FieldVerdict, Text, Verdicts};
use crate::evaluation::{DrawnText, Outputs, VerdictColors};
use crate::imaging::overlay::Rgb;
use crate::scoring::{
    Bonus, FieldMarks, Graded, Question, Score, Scorer, SheetName, SheetValue, SheetValues, Table, Verdict, marks_for,
};
use crate::template::Template;

/// A scorer with what joins it to a template: built once for a folder's sheets, and never changed.
#[derive(Debug)]
pub struct SheetScoring {
    scorer: Scorer,
    /// One for each layout of the template.
    layouts: Vec<LayoutScoring>,
}

/// What joins a scorer to one layout.
#[derive(Debug)]
struct LayoutScoring {
    /// For each value that the scorer needs, where it comes from.
    inputs: Vec<Input>,
    /// One for each set of answers.
    drawings: Vec<Drawing>,
}

/// Where a value of the scorer comes from in a layout.
#[derive(Debug, Default)]
struct Input {
    /// The layout's fields that it joins; a layout that has none gives no answer.
    fields: Vec<usize>,
    /// The text that stands for blank in this layout, where the scorer knows another.
    own_blank: Option<String>,
}

impl Input {
    fn of(name: &str, all: &SheetValues, layout: &SheetValues) -> Self {
        let Some(value) = layout.get(name) else { return Self::default() };
        let known = all.get(name).and_then(SheetValue::blank);
        Self { fields: value.fields.clone(), own_blank: value.blank().filter(|own| Some(own) != known.as_ref()) }
    }
}

/// What a sheet earned.
#[derive(Debug, Clone, PartialEq)]
pub struct SheetScore {
    /// The score.
    pub score: Score,
    /// The values that it was made from, in the order of the scorer's needs.
    pub values: Vec<String>,
    /// For each of them: has one of its fields two marks or more?
    pub multi_marked: Vec<bool>,
}

/// How the verdicts of a set are drawn.
#[derive(Debug)]
struct Drawing {
    palette: Vec<Rgb>,
    /// Is a wrong answer that costs nothing drawn as neutral?
    has_neutral: bool,
    /// For each field of the template, the question that it answers and the bubbles that the key expects.
    fields: Vec<Option<Expected>>,
}

#[derive(Debug, Clone)]
struct Expected {
    question: usize,
    bubbles: Vec<bool>,
}

impl SheetScoring {
    /// Joins a scorer to the template for whose values it was built.
    pub fn new(scorer: Scorer, template: &Template) -> Self {
        let all = SheetValues::of_template(template);
        let layouts = template.layouts().map(|layout| {
            let values = SheetValues::of_layout(layout);
            LayoutScoring {
                inputs: scorer.needs().iter().map(|name| Input::of(name, &all, &values)).collect(),
                drawings: (0..scorer.sets()).map(|set| Drawing::of(&scorer, set, &values)).collect(),
            }
        });
        Self { layouts: layouts.collect(), scorer }
    }

    /// The scorer.
    pub fn scorer(&self) -> &Scorer {
        &self.scorer
    }

    /// Scores a sheet that has this layout. A question whose fields the layout lacks is not answered, nor is one with a field
    /// that is `withheld`. Which set of answers counts goes by what was read.
    pub fn score(
        &self,
        layout: usize,
        interpretation: &Interpretation,
        withheld: &Withheld,
        name: SheetName<'_>,
    ) -> SheetScore {
        let inputs = self.layouts.get(layout).map_or(&[][..], |layout| layout.inputs.as_slice());
        let value = |i: &usize| interpretation.fields.get(*i).map_or("", |field| field.value.as_str());
        let text = |input: &Input| {
            let text: String = input.fields.iter().map(value).collect();
            let is_blank = input.fields.is_empty() || input.own_blank.as_ref() == Some(&text);
            if is_blank { self.scorer.empty().to_owned() } else { text }
        };
        let mut values: Vec<String> = inputs.iter().map(text).collect();
        let set = self.scorer.set_of(&texts(&values), name);
        let is_multi_marked = |i: &usize| interpretation.fields.get(*i).is_some_and(FieldValue::is_multi_marked);
        let mut multi_marked: Vec<bool> = inputs.iter().map(|input| input.fields.iter().any(is_multi_marked)).collect();
        for ((input, value), multi_marked) in inputs.iter().zip(&mut values).zip(&mut multi_marked) {
            if withheld.has_any(&input.fields) {
                self.scorer.empty().clone_into(value);
                *multi_marked = false;
            }
        }
        let score = self.scorer.score_by(set, &texts(&values));
        SheetScore { score, values, multi_marked }
    }

    /// What the config wants done with the sheet's explanation table.
    pub fn outputs(&self, scored: &SheetScore) -> Option<&Outputs> {
        self.scorer.outputs(scored.score.set)
    }

    /// The explanation table.
    pub fn table(&self, scored: &SheetScore) -> Table {
        self.scorer.table(&scored.score, &texts(&scored.values))
    }

    /// What the marked picture shows.
    pub(super) fn verdicts(&self, layout: usize, scored: &SheetScore) -> Option<Verdicts<'_>> {
        let set = scored.score.set;
        let drawing = self.layouts.get(layout)?.drawings.get(set)?;
        let outputs = self.scorer.outputs(set)?;
        let questions = self.scorer.questions(set);
        let fields = match outputs.verdicts.enabled {
            true => drawing.fields.iter().map(|f| drawing.verdict(f.as_ref()?, questions, &scored.score)).collect(),
            false => Vec::new(),
        };
        let line = |text: &DrawnText, line: String| Text { line, position: text.position, size: text.size };
        let score = outputs.score.enabled.then(|| line(&outputs.score, scored.score.line(&outputs.score.format)));
        let summary =
            outputs.summary.enabled.then(|| line(&outputs.summary, scored.score.summary(&outputs.summary.format)));
        Some(Verdicts {
            palette: &drawing.palette,
            fields,
            texts: score.into_iter().chain(summary).collect(),
            bubble_texts: outputs.bubble_texts,
        })
    }
}

fn texts(values: &[String]) -> Vec<&str> {
    values.iter().map(String::as_str).collect()
}

impl Drawing {
    fn of(scorer: &Scorer, set: usize, values: &SheetValues) -> Self {
        let colors = scorer.outputs(set).map(|outputs| outputs.verdicts.colors);
        let colors = colors.unwrap_or(Outputs::default().verdicts.colors);
        let mut fields: Vec<Option<Expected>> = Vec::new();
        for (question, key) in scorer.questions(set).iter().enumerate() {
            let Some(value) = values.get(&key.name) else { continue };
            // A value with a code or a text in it has a verdict; no marks could be expected for it.
            let bubbles = match &value.marks {
                Some(marks) => expected(key, marks),
                None => vec![Vec::new(); value.fields.len()],
            };
            for (&field, bubbles) in value.fields.iter().zip(bubbles) {
                if fields.len() <= field {
                    fields.resize(field + 1, None);
                }
                fields[field] = Some(Expected { question, bubbles });
            }
        }
        Self { palette: palette(colors), has_neutral: colors.neutral.is_some(), fields }
    }

    /// How a field that answers a question is drawn.
    fn verdict<'s>(&self, expected: &'s Expected, questions: &[Question], score: &Score) -> Option<FieldVerdict<'s>> {
        let (question, graded) = (questions.get(expected.question)?, score.graded.get(expected.question)?);
        let expected = match graded.verdict {
            Verdict::Right => None,
            _ => Some((expected.bubbles.as_slice(), expected_ink(question, graded))),
        };
        Some(FieldVerdict { ink: self.ink(question, graded), expected })
    }

    /// The colour of what was marked.
    fn ink(&self, question: &Question, graded: &Graded) -> u8 {
        let costs_nothing = graded.delta.sign().is_eq();
        match graded.verdict {
            Verdict::Unmarked => expected_ink(question, graded),
            Verdict::Right if costs_nothing => render::NEUTRAL,
            Verdict::Right => render::CORRECT,
            Verdict::Wrong if question.bonus != Bonus::None => render::BONUS,
            Verdict::Wrong if costs_nothing && self.has_neutral => render::NEUTRAL,
            Verdict::Wrong | Verdict::Penalized => render::INCORRECT,
        }
    }
}

/// The colour of a bubble that the key expects.
fn expected_ink(question: &Question, graded: &Graded) -> u8 {
    match (question.bonus, graded.verdict) {
        (Bonus::ForAll, _) => render::BONUS,
        (Bonus::OnAttempt, Verdict::Wrong) => render::BONUS,
        (_, Verdict::Unmarked) => render::NEUTRAL,
        _ => render::CORRECT,
    }
}

/// For each field, the bubbles that are part of a right answer. Where an answer can be marked in more than one way, one
/// mark a field is what was meant.
fn expected(question: &Question, fields: &[FieldMarks]) -> Vec<Vec<bool>> {
    let mut expected: Vec<Vec<bool>> = fields.iter().map(|field| vec![false; field.bubbles.len()]).collect();
    for answer in question.rule.wanted() {
        let marks = marks_for(answer, fields, 1).or_else(|| marks_for(answer, fields, usize::MAX));
        for (to, from) in expected.iter_mut().zip(marks.into_iter().flatten()) {
            to.iter_mut().zip(from).for_each(|(to, from)| *to |= from);
        }
    }
    expected
}

/// The picture's colours with those that the evaluation states. OMRChecker's own defaults are as bright as a lamp; on
/// white paper a darker green and red are easier to see.
fn palette(colors: VerdictColors) -> Vec<Rgb> {
    let defaults = Outputs::default().verdicts.colors;
    let mut palette = render::PALETTE.to_vec();
    let stated = [
        (render::CORRECT, Some(colors.correct).filter(|&c| c != defaults.correct)),
        (render::INCORRECT, Some(colors.incorrect).filter(|&c| c != defaults.incorrect)),
        (render::BONUS, Some(colors.bonus).filter(|&c| c != defaults.bonus)),
        (render::NEUTRAL, colors.neutral),
    ];
    let (ink, color) = render::NO_QUESTION;
    palette[usize::from(ink)] = color;
    for (ink, color) in stated {
        if let (Some(place), Some(color)) = (palette.get_mut(usize::from(ink)), color) {
            let [r, g, b, _] = color.0;
            *place = [r, g, b];
        }
    }
    palette
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;
    use crate::evaluation::Evaluation;
    use crate::json::Document;

    const TEMPLATE: &str = r#"{"pageDimensions": [400, 400], "bubbleDimensions": [10, 10],
        "customLabels": {"n": ["n1", "n2"]}, "fieldBlocks": {
        "Q": {"fieldType": "QTYPE_MCQ4", "origin": [5, 5], "bubblesGap": 20, "labelsGap": 20, "fieldLabels": ["q1..4"]},
        "N": {"fieldType": "QTYPE_INT", "origin": [200, 5], "bubblesGap": 20, "labelsGap": 20, "fieldLabels": ["n1..2"]}}}"#;

    const EVALUATION: &str = r##"{"sourceType": "local",
        "options": {"questionsInOrder": ["q1..3", "n"], "answersInOrder": ["A", ["B", "C"], "D", "19"]},
        "markingSchemes": {"DEFAULT": {"correct": 1, "incorrect": 0, "unmarked": 0},
            "BONUS": {"questions": ["q3"], "marking": {"correct": 1, "incorrect": 1, "unmarked": 1}}},
        "outputsConfiguration": {
            "drawScore": {"enabled": true, "position": [7, 9]},
            "drawQuestionVerdicts": {"enabled": true, "drawAnswerGroups": {},
                "verdictColors": {"correct": "#010203", "neutral": null, "incorrect": "#FF0000", "bonus": "#00DDDD"},
                "verdictSymbolColors": {"positive": "k", "neutral": "k", "negative": "k", "bonus": "k"}}}}"##;

    fn scoring() -> SheetScoring {
        let document = |name: &str, text: &str| Document::parse(Path::new(name), text.to_owned()).unwrap();
        let (template, _) = Template::read(&document("template.json", TEMPLATE), &Config::default()).unwrap();
        let (evaluation, _) = Evaluation::from_document(&document("evaluation.json", EVALUATION)).unwrap();
        let values = SheetValues::of_template(&template);
        let built = Scorer::build(&evaluation, template.dialect, &values, false, &|_, _| Err(Vec::new())).unwrap();
        SheetScoring::new(built.scorer, &template)
    }

    /// A field's ink, and the bubbles that the key expects with theirs.
    type Drawn = Option<(u8, Option<(String, u8)>)>;

    /// The fields in template order, when they have these values.
    fn drawn(values: [&str; 6]) -> Vec<Drawn> {
        let scoring = scoring();
        let field =
            |value: &str| FieldValue { value: value.to_owned(), marked: Vec::new(), doubt: None, confidence: 1.0 };
        let interpretation = Interpretation { fields: values.map(field).to_vec(), ..Interpretation::default() };
        let scored = scoring.score(0, &interpretation, &Withheld::default(), SheetName::default());
        let verdicts = scoring.verdicts(0, &scored).unwrap();
        let row = |bubbles: &[bool]| bubbles.iter().map(|&b| if b { '#' } else { '.' }).collect();
        let shown = |field: &Option<FieldVerdict<'_>>| {
            field.as_ref().map(|f| (f.ink, f.expected.map(|(bubbles, ink)| (row(bubbles), ink))))
        };
        verdicts.fields.iter().map(shown).collect()
    }

    #[test]
    fn fields_have_the_colour_of_their_question() {
        use render::{BONUS, CORRECT, INCORRECT, NEUTRAL};
        let expected = |bubbles: &str, ink| Some((bubbles.to_owned(), ink));
        assert_eq!(
            drawn(["A", "D", "A", "C", "1", "8"]),
            [
                Some((CORRECT, None)),
                Some((INCORRECT, expected(".##.", CORRECT))),
                Some((BONUS, expected("...#", BONUS))),
                None,
                Some((INCORRECT, expected(".#........", CORRECT))),
                Some((INCORRECT, expected(".........#", CORRECT))),
            ]
        );
        let blank = drawn(["", "C", "", "", "1", "9"]);
        assert_eq!(blank[0], Some((NEUTRAL, expected("#...", NEUTRAL))));
        assert_eq!(blank[2], Some((BONUS, expected("...#", BONUS))));
        assert_eq!([&blank[1], &blank[4], &blank[5]], [&Some((CORRECT, None)); 3]);
    }

    #[test]
    fn colours_and_lines_are_those_of_the_evaluation() {
        let scoring = scoring();
        let scored = scoring.score(0, &Interpretation::default(), &Withheld::default(), SheetName::default());
        let verdicts = scoring.verdicts(0, &scored).unwrap();
        assert_eq!(verdicts.palette[usize::from(render::CORRECT)], [1, 2, 3]);
        let incorrect = usize::from(render::INCORRECT);
        assert_eq!(verdicts.palette[incorrect], render::PALETTE[incorrect]);
        assert_eq!(verdicts.texts.len(), 1);
        assert_eq!((verdicts.texts[0].line.as_str(), verdicts.texts[0].position), ("Score: 1.0", (7, 9)));
    }
}
