//! Every rule of scoring, with values computed by hand.

use std::path::Path;

use num_rational::BigRational;
use proptest::prelude::*;

use super::*;
use crate::config::Config;
use crate::dialect::Dialect;
use crate::evaluation::{Evaluation, KeyEntry, SetupProblem};
use crate::json::Document;
use crate::template::Template;

const V1: &str = r#""correct": 3, "incorrect": -1, "unmarked": 0"#;

/// Four questions of four bubbles, one (`z5`) of two with an empty value of its own, and a number of two digits.
fn template() -> Template {
    let text = r#"{"pageDimensions": [1000, 1000], "bubbleDimensions": [10, 10],
        "customLabels": {"n": ["n_1", "n_2"]},
        "fieldBlocks": {
            "Q": {"fieldType": "QTYPE_MCQ4", "origin": [50, 50], "bubblesGap": 20, "labelsGap": 20, "fieldLabels": ["q1..4"]},
            "Z": {"bubbleValues": ["A", "B"], "direction": "horizontal", "emptyValue": "-", "origin": [50, 300],
                  "bubblesGap": 20, "labelsGap": 20, "fieldLabels": ["z5"]},
            "N": {"fieldType": "QTYPE_INT", "emptyValue": "x", "origin": [50, 500], "bubblesGap": 20, "labelsGap": 20,
                  "fieldLabels": ["n_1..2"]}}}"#;
    let text = text.replace("n_1..2", "n_1\", \"n_2");
    let document = Document::parse(Path::new("template.json"), text).unwrap();
    Template::read(&document, &Config::default()).unwrap().0
}

fn evaluation(text: &str) -> Evaluation {
    let document = Document::parse(Path::new("evaluation.json"), text.to_owned()).unwrap();
    Evaluation::from_document(&document).unwrap_or_else(|e| panic!("{e}")).0
}

fn v1(key: &str, schemes: &str) -> Evaluation {
    let (questions, answers) = key.split_once("->").unwrap();
    evaluation(&format!(
        r#"{{"source_type": "custom", "options": {{"questions_in_order": [{questions}], "answers_in_order": [{answers}]}},
            "marking_schemes": {{{schemes}}}}}"#
    ))
}

fn v2(key: &str, schemes: &str, rest: &str) -> Evaluation {
    let (questions, answers) = key.split_once("->").unwrap();
    evaluation(&format!(
        r#"{{"sourceType": "local", "options": {{"questionsInOrder": [{questions}], "answersInOrder": [{answers}]}},
            "markingSchemes": {{{schemes}}}{rest}}}"#
    ))
}

fn no_picture(_: &Path, _: &[String]) -> Result<Vec<KeyEntry>, Vec<SetupProblem>> {
    Err(Vec::new())
}

fn build(evaluation: &Evaluation, diverts: bool) -> Result<Built, String> {
    let values = SheetValues::of_template(&template());
    Scorer::build(evaluation, Dialect::V1, &values, diverts, &no_picture)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

fn scorer(evaluation: &Evaluation) -> Scorer {
    build(evaluation, false).unwrap_or_else(|e| panic!("{e}")).scorer
}

/// Values by name; what is not named is blank.
fn score(scorer: &Scorer, values: &[(&str, &str)]) -> Score {
    scorer.score(&row(scorer, values), SheetName { file_name: "a.jpg", file_path: "in/a.jpg" })
}

fn row<'v>(scorer: &Scorer, values: &[(&str, &'v str)]) -> Vec<&'v str> {
    let value = |name: &String| values.iter().find(|(n, _)| n == name).map_or("", |(_, value)| *value);
    scorer.needs().iter().map(value).collect()
}

fn table(scorer: &Scorer, values: &[(&str, &str)]) -> Vec<String> {
    let table = scorer.table(&score(scorer, values), &row(scorer, values));
    let lines = std::iter::once(table.header.join("|"));
    lines.chain(table.rows.iter().map(|row| row.join("|"))).collect()
}

#[test]
fn right_wrong_and_blank() {
    let scorer = scorer(&v1(r#""q1..3" -> "A", "B", "C""#, &format!(r#""DEFAULT": {{{V1}}}"#)));
    let lines = table(&scorer, &[("q1", "A"), ("q2", "BC"), ("q3", "")]);
    assert_eq!(
        lines,
        [
            "Question|Marked|Answer(s)|Verdict|Delta|Score",
            "q1|A|A|Correct|3.0|3.0",
            "q2|BC|B|Incorrect|-1.0|2.0",
            "q3||C|Unmarked|0.0|2.0",
        ]
    );
}

#[test]
fn sums_are_exact_where_doubles_drift() {
    let marks = r#""DEFAULT": {"correct": "0.1", "incorrect": "-1/3", "unmarked": 0}"#;
    let scorer = scorer(&v1(r#""q1..3" -> "A", "A", "A""#, marks));
    assert_eq!(score(&scorer, &[("q1", "A"), ("q2", "A"), ("q3", "A")]).cell(), "0.3");
    assert_eq!(score(&scorer, &[("q1", "B"), ("q2", "B"), ("q3", "B")]).cell(), "-1.0");
    assert_eq!(score(&scorer, &[("q1", "B")]).cell(), "-0.3333333333333333");
    assert_eq!(score(&scorer, &[]).cell(), "0.0");
}

#[test]
fn several_and_weighted_answers_in_both_styles() {
    let key = r#""q1..3" -> ["A", "BC"], [["B", 2], ["C", "3/2"], ["D", -2]], "A""#;
    let values = [("q1", "BC"), ("q2", "C"), ("q3", "")];
    let marks = format!(r#""DEFAULT": {{{V1}}}, "S": {{"questions": ["q3"], "marking": {{{V1}}}}}"#);
    let lines = table(&scorer(&v1(key, &marks)), &values);
    assert_eq!(
        lines,
        [
            "Question|Marked|Answer(s)|Verdict|Delta|Score|Section",
            "q1|BC|['A', 'BC']|Correct-Bc|3.0|3.0|DEFAULT",
            "q2|C|[['B', 2], ['C', '3/2'], ['D', -2]]|Correct-C|1.5|4.5|Custom: {'correct': 3.0, 'incorrect': -1.0, \
             'unmarked': 0.0, 'correct-B': 2.0, 'correct-C': 1.5, 'correct-D': -2.0}",
            "q3||A|Unmarked|0.0|4.5|S",
        ]
    );
    let scorer = scorer(&v2(key, &format!(r#""DEFAULT": {{{V1}}}"#), ""));
    let lines = table(&scorer, &[("q1", "A"), ("q2", "D"), ("q3", "B")]);
    assert_eq!(
        lines,
        [
            "Marking Scheme|Question|Marked|Answer(s)|Verdict|Delta|Score",
            "DEFAULT|q1|A|['A', 'BC']|Correct (answer-match-A)|3.0|3.0",
            "Custom Weights: {'answer-match': 3.0, 'no-answer-match': -1.0, 'unmarked': 0.0, 'answer-match-B': 2.0, \
             'answer-match-C': 1.5, 'answer-match-D': -2.0}|q2|D|[['B', 2.0], ['C', 1.5], ['D', -2.0]]|Incorrect \
             (answer-match-D)|-2.0|1.0",
            "DEFAULT|q3|B|A|Incorrect (no-answer-match)|-1.0|0.0",
        ]
    );
    let counts = score(&scorer, &[("q1", "A"), ("q2", "D")]).counts();
    assert_eq!(counts, VerdictCounts { correct: 1, incorrect: 1, unmarked: 1 });
}

#[test]
fn of_two_marks_for_one_answer_the_last_counts() {
    let scorer = scorer(&v1(r#""q1" -> [["A", 1], ["B", 2], ["A", 5]]"#, &format!(r#""DEFAULT": {{{V1}}}"#)));
    assert_eq!(score(&scorer, &[("q1", "A")]).cell(), "5.0");
}

#[test]
fn blank_is_what_the_template_or_the_blocks_say() {
    let key = r#""q1", "z5", "n" -> "A", "A", "12""#;
    let scorer = scorer(&v1(key, r#""DEFAULT": {"correct": 4, "incorrect": -1, "unmarked": "1/2"}"#));
    let verdicts = |z5, n| {
        let score = score(&scorer, &[("q1", "A"), ("z5", z5), ("n", n)]);
        score.graded.iter().map(|g| g.verdict).collect::<Vec<_>>()
    };
    use Verdict::*;
    assert_eq!(verdicts("-", "xx"), [Right, Unmarked, Unmarked]);
    assert_eq!(verdicts("B", "x2"), [Right, Wrong, Wrong]);
    assert_eq!(verdicts("", "12"), [Right, Unmarked, Right]);
}

#[test]
fn an_answer_of_the_key_is_no_blank() {
    let scorer = scorer(&v1(r#""z5" -> "-""#, &format!(r#""DEFAULT": {{{V1}}}"#)));
    assert_eq!(score(&scorer, &[("z5", "-")]).cell(), "3.0");
}

#[test]
fn bonus_sections() {
    let section = |name: &str, question: &str, unmarked: u8| {
        format!(
            r#", "{name}": {{"questions": ["{question}"],
                "marking": {{"correct": 3, "incorrect": 3, "unmarked": {unmarked}}}}}"#
        )
    };
    let schemes =
        format!(r#""DEFAULT": {{{V1}}}{}{}"#, section("BONUS_ON_ATTEMPT", "q2", 0), section("BONUS_FOR_ALL", "q3", 3));
    let scorer = scorer(&v2(r#""q1..3" -> "A", "A", "A""#, &schemes, ""));
    assert_eq!(score(&scorer, &[]).cell(), "3.0");
    assert_eq!(score(&scorer, &[("q1", "B"), ("q2", "B"), ("q3", "B")]).cell(), "5.0");
    let bonus: Vec<Bonus> = scorer.questions(0).iter().map(|q| q.bonus).collect();
    assert_eq!(bonus, [Bonus::None, Bonus::OnAttempt, Bonus::ForAll]);
}

fn streaks(kind: &str) -> Scorer {
    let schemes = format!(
        r#""DEFAULT": {{{V1}}}, "S": {{"questions": ["q1..4"], "markingType": "{kind}",
            "marking": {{"correct": [1, 2, 4], "incorrect": [0, -1], "unmarked": 0}}}}"#
    );
    scorer(&v2(r#""q1..4", "z5" -> "A", "A", "A", "A", "A""#, &schemes, ""))
}

fn deltas(scorer: &Scorer, answers: [&str; 4]) -> Vec<String> {
    let values: Vec<(&str, &str)> = ["q1", "q2", "q3", "q4"].into_iter().zip(answers).collect();
    score(scorer, &values).graded.iter().take(4).map(|g| g.delta.rounded()).collect()
}

#[test]
fn streaks_of_verdicts() {
    let scorer = streaks("verdict_level_streak");
    assert_eq!(deltas(&scorer, ["A", "A", "A", "A"]), ["1.0", "2.0", "4.0", "4.0"]);
    assert_eq!(deltas(&scorer, ["A", "B", "B", "A"]), ["1.0", "0.0", "-1.0", "1.0"]);
    assert_eq!(deltas(&scorer, ["A", "", "A", "A"]), ["1.0", "0.0", "1.0", "2.0"]);
    let lines = table(&scorer, &[("q1", "A"), ("q2", "A"), ("z5", "A")]);
    assert!(lines[0].ends_with("|Score|Streak"), "{lines:?}");
    assert!(lines[2].ends_with("|1 -> 2") && lines[3].ends_with("|0 -> 0") && lines[5].ends_with("|6.0|"), "{lines:?}");
}

#[test]
fn streaks_of_sections_count_questions() {
    let scorer = streaks("section_level_streak");
    assert_eq!(deltas(&scorer, ["A", "A", "A", "A"]), ["1.0", "2.0", "4.0", "4.0"]);
    assert_eq!(deltas(&scorer, ["B", "A", "", "B"]), ["0.0", "2.0", "0.0", "-1.0"]);
}

fn with_sets(sets: &str) -> Evaluation {
    let schemes = format!(
        r#""DEFAULT": {{{V1}}}, "S": {{"questions": ["q1", "q2"],
            "marking": {{"correct": 10, "incorrect": 0, "unmarked": 0}}}}"#
    );
    v2(r#""q1..3" -> "A", "A", "A""#, &schemes, &format!(r#", "conditionalSets": [{sets}]"#))
}

fn set(name: &str, format: &str, regex: &str, key: &str, schemes: &str) -> String {
    let (questions, answers) = key.split_once("->").unwrap();
    format!(
        r#"{{"name": "{name}", "matcher": {{"formatString": "{format}", "matchRegex": "{regex}"}}, "evaluation": {{
            "sourceType": "local", "options": {{"questionsInOrder": [{questions}], "answersInOrder": [{answers}]}},
            "markingSchemes": {{"DEFAULT": {{"correct": 1, "incorrect": 0, "unmarked": 0}}{schemes}}}}}}}"#
    )
}

#[test]
fn a_set_starts_from_the_default_and_from_no_other_set() {
    let own = r#", "T": {"questions": ["q2"], "marking": {"correct": 100, "incorrect": 0, "unmarked": 0}}"#;
    let first = set("one", "{q4}", "A", r#""q2" -> "B""#, own);
    let second = set("two", "{q4}-{file_name}", "^B-a", r#""q4", "q1" -> "B", "C""#, "");
    let scorer = scorer(&with_sets(&format!("{first}, {second}")));
    let default = table(&scorer, &[("q1", "A"), ("q2", "A"), ("q3", "A"), ("q4", "C")]);
    assert_eq!(default[1..].iter().map(|l| l.split('|').next().unwrap()).collect::<Vec<_>>(), ["S", "S", "DEFAULT"]);
    assert!(default[3].ends_with("|3.0|23.0"), "{default:?}");
    let first = table(&scorer, &[("q1", "A"), ("q2", "B"), ("q3", "A"), ("q4", "A")]);
    assert_eq!(
        first,
        [
            "Marking Scheme|Question|Marked|Answer(s)|Verdict|Delta|Score|Set Mapping",
            "parent-S|q1|A|A|Correct (answer-match)|10.0|10.0|one",
            "T|q2|B|B|Correct (answer-match)|100.0|110.0|one",
            "DEFAULT|q3|A|A|Correct (answer-match)|1.0|111.0|one",
        ]
    );
    // Nothing of the first set: neither its answer to q2 nor its section.
    let second = table(&scorer, &[("q1", "C"), ("q2", "A"), ("q3", ""), ("q4", "B")]);
    assert_eq!(
        second[1..],
        [
            "parent-S|q1|C|C|Correct (answer-match)|10.0|10.0|two",
            "parent-S|q2|A|A|Correct (answer-match)|10.0|20.0|two",
            "DEFAULT|q3||A|Unmarked (unmarked)|0.0|20.0|two",
            "DEFAULT|q4|B|B|Correct (answer-match)|1.0|21.0|two",
        ]
    );
}

#[test]
fn the_first_set_that_fits_counts() {
    let sets = [set("one", "{q4}", "[AB]", "->", ""), set("two", "{file_path}", "in/", "->", "")].join(", ");
    let scorer = scorer(&with_sets(&sets));
    assert_eq!([("q4", "A"), ("q4", "C")].map(|value| score(&scorer, &[value]).set), [1, 2]);
    assert_eq!(scorer.set_names().collect::<Vec<_>>(), ["one", "two"]);
}

#[test]
fn what_does_not_fit_is_told_together() {
    let sets = [set("one", "{q44}", "A", r#""n_1" -> "1""#, ""), set("two", "{q4}", "A", r#""q1l" -> "A""#, "")];
    let errors = build(&with_sets(&sets.join(", ")), false).unwrap_err();
    for fragment in [
        "has `n_1`, and no sheet has a field or custom label of that name\n  hint: `n_1` is a part of the custom label `n`; use `n`",
        "has `q1l`, and no sheet has a field or custom label of that name\n  hint: did you mean `q1`?",
        "the `formatString` of the set `one` asks for `{q44}`, expected a field, a custom label",
        "hint: did you mean `q4`?",
    ] {
        assert!(errors.contains(fragment), "{errors}\nexpected: {fragment}");
    }
}

#[test]
fn slips_are_warnings() {
    let built = build(&v1(r#""q1..2" -> "A", "E""#, &format!(r#""DEFAULT": {{{V1}}}"#)), true).unwrap();
    let warnings: Vec<String> = built.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "evaluation.json: no marks give the answer `E` of `q2`",
            "evaluation.json: the answer key has no answer for `q3`, `q4`, which the sheets have",
        ]
    );
}

#[test]
fn a_key_may_need_two_marks_only_where_such_sheets_are_scored() {
    let schemes = format!(r#""DEFAULT": {{{V1}}}"#);
    let two = v1(r#""q1" -> ["A", "AB"]"#, &schemes);
    assert!(build(&two, false).is_ok());
    assert!(build(&two, true).unwrap_err().contains("the answer `AB` of `q1` needs more than one mark in a field"));
    // Two characters, but one mark in each of two fields.
    assert!(build(&v1(r#""n" -> "19""#, &schemes), true).is_ok());
}

#[test]
fn marks_that_cannot_be_added_up_are_refused() {
    let schemes =
        r#""DEFAULT": {"correct": "1/3", "incorrect": "1/9999999999999999999999999999999999999999", "unmarked": 0}"#;
    assert!(build(&v1(r#""q1" -> "A""#, schemes), false).unwrap_err().contains("so many digits"));
    let schemes = r#""DEFAULT": {"correct": 1e38, "incorrect": 0, "unmarked": 0}"#;
    assert!(build(&v1(r#""q1..4" -> "A", "A", "A", "A""#, schemes), false).unwrap_err().contains("so many digits"));
}

#[test]
fn lines_on_the_picture() {
    let scorer =
        scorer(&v1(r#""q1..3" -> "A", "A", "A""#, r#""DEFAULT": {"correct": "2/3", "incorrect": 0, "unmarked": 0}"#));
    let score = score(&scorer, &[("q1", "A"), ("q2", "B")]);
    let format = |text: &str| Format::parse(text).unwrap();
    assert_eq!(score.line(&format("Score: {score}")), "Score: 0.67");
    assert_eq!(score.line(&format("{score:.1f} p")), "0.7 p");
    assert_eq!(score.summary(&format("{correct}/{incorrect}/{unmarked}")), "1/1/1");
}

#[test]
fn a_row_of_results_is_scored_without_a_template() {
    let values = SheetValues::of_columns(["Roll", "q1", "q2"], "");
    let evaluation = v1(r#""q1..2" -> "A", "B""#, &format!(r#""DEFAULT": {{{V1}}}"#));
    let built = Scorer::build(&evaluation, Dialect::V1, &values, false, &no_picture).unwrap();
    assert_eq!(built.scorer.needs(), ["q1", "q2"]);
    assert_eq!(built.scorer.score(&["A", "A"], SheetName::default()).cell(), "2.0");
}

const MARKS: [&str; 7] = ["0", "1", "-1/3", "0.1", "2.5", "-7/30", "1e-9"];
const ANSWERS: [&str; 5] = ["A", "B", "C", "AB", ""];

prop_compose! {
    fn marks()(three in prop::array::uniform3(prop::sample::select(&MARKS[..]))) -> String {
        let [correct, incorrect, unmarked] = three;
        format!(r#""correct": "{correct}", "incorrect": "{incorrect}", "unmarked": "{unmarked}""#)
    }
}

prop_compose! {
    fn answers()(four in prop::array::uniform4(prop::sample::select(&ANSWERS[..]))) -> [&'static str; 4] { four }
}

fn exact(points: Points) -> BigRational {
    let (above, below) = points.fraction();
    BigRational::new(above.into(), below.into())
}

proptest! {
    #[test]
    fn the_score_is_the_exact_sum_of_the_deltas(default in marks(), own in marks(), given in answers()) {
        let schemes = format!(r#""DEFAULT": {{{default}}}, "S": {{"questions": ["q2..3"], "marking": {{{own}}}}}"#);
        let key = r#""q1..4" -> "A", ["B", "AB"], "C", [["A", "1/7"], ["B", "-0.3"]]"#;
        let scorer = scorer(&v1(key, &schemes));
        let values: Vec<(&str, &str)> = ["q1", "q2", "q3", "q4"].into_iter().zip(given).collect();
        let score = score(&scorer, &values);
        let sum = score.graded.iter().fold(BigRational::from_integer(0.into()), |sum, g| sum + exact(g.delta));
        prop_assert_eq!(&sum, &exact(score.total));
        prop_assert_eq!(score.graded.last().map(|g| exact(g.running)), Some(sum));
    }

    #[test]
    fn the_order_of_questions_changes_no_score(
        marks in marks(),
        given in answers(),
        order in Just(vec![0usize, 1, 2, 3]).prop_shuffle(),
    ) {
        let key = ["\"A\"", "[\"B\", \"AB\"]", "\"C\"", "[[\"A\", \"1/7\"], [\"B\", \"-0.3\"]]"];
        let of = |order: &[usize]| {
            let list = |item: &dyn Fn(usize) -> String| order.iter().map(|&i| item(i)).collect::<Vec<_>>().join(", ");
            let key = format!("{} -> {}", list(&|i| format!("\"q{}\"", i + 1)), list(&|i| key[i].to_owned()));
            let scorer = scorer(&v1(&key, &format!(r#""DEFAULT": {{{marks}}}"#)));
            let values: Vec<(&str, &str)> = ["q1", "q2", "q3", "q4"].into_iter().zip(given).collect();
            score(&scorer, &values).cell()
        };
        prop_assert_eq!(of(&[0, 1, 2, 3]), of(&order));
    }
}
