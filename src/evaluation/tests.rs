//! Whole documents: what each shape becomes, and the message for every mistake.

use std::fs;

use proptest::prelude::*;

use super::*;
use crate::json::{Rules, Severity};
use crate::matcher::Piece;

/// A folder with a key as CSV and as picture, and a folder where a file may be expected.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("key.csv"), "q1,A\n").unwrap();
    fs::write(folder.path().join("key.png"), "").unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    folder
}

fn read_in(folder: &Path, text: &str) -> Result<(Evaluation, Vec<Problem>), DocumentError> {
    let path = folder.join("evaluation.json");
    fs::write(&path, text).unwrap();
    Evaluation::load(&path, Rules::default())
}

/// The evaluation and the texts of its warnings.
fn load(text: &str) -> (Evaluation, Vec<String>) {
    let folder = folder();
    match read_in(folder.path(), text) {
        Ok((evaluation, warnings)) => {
            assert!(warnings.iter().all(|w| w.severity == Severity::Warning));
            (evaluation, warnings.iter().map(ToString::to_string).collect())
        }
        Err(error) => panic!("{text}\n{error}"),
    }
}

fn errors(text: &str) -> String {
    let folder = folder();
    match read_in(folder.path(), text) {
        Ok(_) => panic!("{text}\nwas read without an error"),
        Err(error) => error.to_string(),
    }
}

const PLAIN: &str = r#"{"correct": 1, "incorrect": "-1/3", "unmarked": 0}"#;

/// v1 with a key of its own. `DEFAULT` may be followed by sections.
fn v1(options: &str, sections: &str) -> String {
    format!(
        r#"{{"source_type": "custom", "options": {{{options}}}, "marking_schemes": {{"DEFAULT": {PLAIN}{sections}}}}}"#
    )
}

/// v1 with a key in other files.
fn v1_csv(options: &str) -> String {
    format!(
        r#"{{"source_type": "csv", "options": {{"should_explain_scoring": true, {options}}}, "marking_schemes": {{"DEFAULT": {PLAIN}}}}}"#
    )
}

const TWO: &str = r#""questions_in_order": ["q1..2"], "answers_in_order": ["A", "B"]"#;
const TWO_CAMEL: &str = r#""questionsInOrder": ["q1..2"], "answersInOrder": ["A", "B"]"#;

/// v2 with a key of its own, sections, and further members.
fn v2(sections: &str, more: &str) -> String {
    format!(
        r#"{{"sourceType": "local", "options": {{{TWO_CAMEL}}}, "markingSchemes": {{"DEFAULT": {PLAIN}{sections}}}{more}}}"#
    )
}

/// v2 with one conditional set whose evaluation has these options and sections.
fn set(source: &str, options: &str, sections: &str) -> String {
    v2("", &format!(r#", "conditionalSets": [{}]"#, one_set("A", source, options, sections)))
}

fn one_set(name: &str, source: &str, options: &str, sections: &str) -> String {
    format!(
        r#"{{"name": "{name}", "matcher": {{"formatString": "{{q2}}", "matchRegex": "A"}},
            "evaluation": {{"sourceType": "{source}", "options": {{{options}}},
                            "markingSchemes": {{"DEFAULT": {PLAIN}{sections}}}}}}}"#
    )
}

/// v2 with outputs.
fn outputs(members: &str) -> String {
    v2("", &format!(r#", "outputsConfiguration": {{{members}}}"#))
}

fn mark(text: &str) -> Mark {
    text.parse().unwrap()
}

fn standard(value: &str) -> Answer {
    Answer::Standard(value.to_owned())
}

#[test]
fn a_v1_key_of_its_own() {
    let (evaluation, warnings) = load(&v1(
        r#""questions_in_order": ["roll", "q1..3"],
           "answers_in_order": ["19", ["A", "AB"], [["A", 0.1], ["B", "-1/2"]], "C"],
           "enable_evaluation_table_to_csv": true"#,
        r#", "S": {"questions": ["q3"], "marking": {"correct": "4", "incorrect": -1, "unmarked": 0}}"#,
    ));
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!(evaluation.dialect, Some(Dialect::V1));
    let KeySource::Local(entries) = &evaluation.key else { panic!("a local key") };
    let questions: Vec<&str> = entries.iter().map(|e| e.question.as_str()).collect();
    assert_eq!(questions, ["roll", "q1", "q2", "q3"]);
    assert_eq!(entries[0].answer, standard("19"));
    assert_eq!(entries[1].answer, Answer::AnyOf(vec!["A".to_owned(), "AB".to_owned()]));
    let weighted = |value: &str, exact, written| Weighted { value: value.to_owned(), mark: mark(exact), written };
    let (number, text) = (Written::Number("0.1".to_owned()), Written::Text("-1/2".to_owned()));
    assert_eq!(entries[2].answer, Answer::Weighted(vec![weighted("A", "1/10", number), weighted("B", "-1/2", text)]));
    assert_eq!(evaluation.schemes.default.incorrect, mark("-1/3"));
    let section = &evaluation.schemes.sections[0];
    assert_eq!((section.name.as_str(), section.questions.as_slice()), ("S", ["q3".to_owned()].as_slice()));
    // The table may be exported without being logged.
    assert!(evaluation.outputs.export_csv && !evaluation.outputs.explain);
    assert!(evaluation.outputs.verdicts.enabled);
    assert_eq!(evaluation.asset_paths(), Vec::<&PathBuf>::new());
}

#[test]
fn a_section_may_name_its_questions_in_one_string() {
    let section = r#", "S": {"questions": "q1..2", "marking": {"correct": 2, "incorrect": 0, "unmarked": 0}}"#;
    for text in [v1(TWO, section), v2(section, "")] {
        assert_eq!(load(&text).0.schemes.sections[0].questions, ["q1", "q2"]);
    }
}

#[test]
fn a_key_in_other_files() {
    let folder = folder();
    let (csv, picture) = (folder.path().join("key.csv"), folder.path().join("key.png"));
    let key = |options: &str| read_in(folder.path(), &v1_csv(options)).map(|(evaluation, _)| evaluation);

    let alone = key(r#""answer_key_csv_path": "key.csv", "enable_evaluation_table_to_csv": true"#).unwrap();
    assert_eq!(alone.key, KeySource::Csv { path: csv.clone(), picture: None });
    assert!(alone.outputs.export_csv);

    let both = r#""answer_key_csv_path": "key.csv", "answer_key_image_path": "key.png", "questions_in_order": ["q1"]"#;
    let both = key(both).unwrap();
    assert_eq!(both.key, KeySource::Csv { path: csv, picture: Some(picture.clone()) });
    assert_eq!(both.asset_paths(), [&picture]);

    let other =
        r#""answer_key_csv_path": "no.csv", "answer_key_image_path": "key.png", "questions_in_order": ["q1..2"]"#;
    let other = key(other).unwrap();
    assert_eq!(
        other.key,
        KeySource::Picture { path: picture.clone(), questions: vec!["q1".to_owned(), "q2".to_owned()] }
    );
    assert_eq!(other.asset_paths(), [&picture]);
}

#[test]
fn the_dialect_is_told_by_the_keys() {
    let camel_csv = format!(
        r#"{{"sourceType": "csv", "options": {{"answerKeyCsvPath": "key.csv"}}, "markingSchemes": {{"DEFAULT": {PLAIN}}}}}"#
    );
    let snake = |source: &str, options: &str, more: &str| {
        format!(
            r#"{{"source_type": "{source}", "options": {{{options}}}, "marking_schemes": {{"DEFAULT": {PLAIN}{more}}}}}"#
        )
    };
    let csv = r#""answer_key_csv_path": "key.csv""#;
    let streak = r#", "S": {"questions": ["q1"], "marking_type": "default",
                            "marking": {"correct": 1, "incorrect": 0, "unmarked": 0}}"#;
    let cases = [
        (v1(TWO, ""), Some(Dialect::V1)),
        (snake("csv", &format!(r#"{csv}, "should_explain_scoring": false"#), ""), Some(Dialect::V1)),
        (snake("csv", &format!(r#"{csv}, "enable_evaluation_table_to_csv": false"#), ""), Some(Dialect::V1)),
        (snake("csv", csv, ""), None),
        (snake("csv", csv, streak), Some(Dialect::V2Dev)),
        (snake("local", TWO, ""), Some(Dialect::V2Dev)),
        (snake("image_and_csv", csv, ""), Some(Dialect::V2Dev)),
        (v2("", ""), Some(Dialect::V2)),
        (camel_csv, Some(Dialect::V2)),
    ];
    for (text, expected) in cases {
        assert_eq!(load(&text).0.dialect, expected, "{text}");
    }
    let outputs = format!(
        r#"{{"source_type": "csv", "options": {{{csv}}}, "outputs_configuration": {{"should_explain_scoring": true}},
            "marking_schemes": {{"DEFAULT": {PLAIN}}}}}"#
    );
    let (evaluation, _) = load(&outputs);
    assert_eq!((evaluation.dialect, evaluation.outputs.explain), (Some(Dialect::V2Dev), true));
}

#[test]
fn streaks_have_lists_in_both_spellings() {
    let marking = r#""marking": {"correct": [1, "3/2", 2], "incorrect": -1, "unmarked": 0}"#;
    let camel =
        |kind: &str| v2(&format!(r#", "S": {{"questions": ["q1..2"], "markingType": "{kind}", {marking}}}"#), "");
    let snake = format!(
        r#"{{"source_type": "local", "options": {{{TWO}}}, "marking_schemes": {{"DEFAULT": {PLAIN},
            "S": {{"questions": ["q1..2"], "marking_type": "verdict_level_streak", {marking}}}}}}}"#
    );
    for text in [camel("verdict_level_streak"), snake] {
        let (evaluation, warnings) = load(&text);
        assert_eq!(warnings, Vec::<String>::new());
        let Marking::VerdictStreak(marks) = &evaluation.schemes.sections[0].marking else { panic!("a streak") };
        assert_eq!([0, 1, 2, 9].map(|step| marks.correct.at(step).clone()), ["1", "3/2", "2", "2"].map(mark));
        assert_eq!(marks.incorrect.at(5), &mark("-1"));
    }
    let (evaluation, _) = load(&camel("section_level_streak"));
    assert!(matches!(evaluation.schemes.sections[0].marking, Marking::SectionStreak(_)));
}

#[test]
fn sets_start_from_the_defaults_and_leak_nothing() {
    let set = |name: &str, members: &str| {
        format!(
            r#"{{"name": "{name}", "matcher": {{"formatString": "{{q1}}-{{file_name}}", "matchRegex": "^{name}"}},
                "evaluation": {{"sourceType": "local", "options": {{}}, "markingSchemes": {{"DEFAULT": {PLAIN}}},
                                "outputsConfiguration": {{{members}}}}}}}"#
        )
    };
    let first = set("A", r#""drawScore": {"enabled": true, "position": [5, 6]}, "shouldExplainScoring": false"#);
    let second = set("B", r#""drawScore": {"enabled": false}"#);
    let picture = r#"{"name": "C", "matcher": {"formatString": "", "matchRegex": ""}, "evaluation": {
        "sourceType": "image_and_csv", "markingSchemes": {"DEFAULT": {"correct": 1, "incorrect": 0, "unmarked": 0}},
        "options": {"answerKeyCsvPath": "no.csv", "answerKeyImagePath": "key.png", "questionsInOrder": ["q1"]}}}"#;
    let text = v2(
        "",
        &format!(
            r#", "conditionalSets": [{first}, {second}, {picture}],
               "outputsConfiguration": {{"shouldExplainScoring": true,
                                         "drawScore": {{"enabled": false, "size": 3, "scoreFormatString": "{{score:.1f}}"}}}}"#
        ),
    );
    let (evaluation, warnings) = load(&text);
    assert_eq!(warnings, Vec::<String>::new());
    let [a, b, c] = evaluation.sets.as_slice() else { panic!("three sets") };
    assert_eq!((a.key.as_ref(), a.matcher.pattern.as_str()), (None, "^A"));
    assert_eq!(a.matcher.format.names().collect::<Vec<_>>(), ["q1", "file_name"]);
    let score = Piece::Value { name: "score".to_owned(), decimals: Some(1) };
    assert_eq!((a.outputs.score.enabled, a.outputs.score.position, a.outputs.score.size), (true, (5, 6), 3.0));
    assert_eq!(a.outputs.score.format.pieces, [score]);
    assert_eq!((a.outputs.explain, b.outputs.explain), (false, true));
    assert_eq!((b.outputs.score.enabled, b.outputs.score.position), (false, (200, 200)));
    assert_eq!(c.outputs, evaluation.outputs);
    let assets = evaluation.asset_paths();
    assert_eq!(assets.len(), 1);
    assert!(assets[0].ends_with("key.png"));
}

#[test]
fn verdicts_may_be_coloured() {
    let text = outputs(
        r##""drawQuestionVerdicts": {"enabled": true,
            "verdictColors": {"correct": "lime", "neutral": null, "incorrect": "#f00", "bonus": "#00dddd80"},
            "verdictSymbolColors": {"positive": "k", "neutral": "k", "negative": "w", "bonus": "tab:blue"},
            "drawAnswerGroups": {"enabled": false, "colorSequence": ["red", "green", "blue", "gray"]}},
            "drawDetectedBubbleTexts": {"enabled": false}"##,
    );
    let outputs = load(&text).0.outputs;
    assert_eq!(outputs.verdicts.colors.bonus.0, [0, 0xdd, 0xdd, 0x80]);
    assert_eq!(outputs.verdicts.colors.neutral, None);
    assert_eq!(outputs.verdicts.symbols.negative.0, [255; 4]);
    assert_eq!(outputs.verdicts.group_colors[1].0, [0, 128, 0, 255]);
    assert!(!outputs.verdicts.groups && !outputs.bubble_texts);
}

#[test]
fn what_is_only_warned_of() {
    let positive = r#"{"correct": 1, "incorrect": 1, "unmarked": 0}"#;
    let section = |name: &str| format!(r#", "{name}": {{"questions": ["q1"], "marking": {positive}}}"#);
    let weighted = r#""questions_in_order": ["q1"], "answers_in_order": [[["A", 1], ["A", 2]]]"#;
    let streak = r#", "S": {"questions": ["q1..9"], "markingType": "section_level_streak",
                            "marking": {"correct": [1, 2], "incorrect": 0, "unmarked": [0, 1]}}"#;
    let nine = format!(
        r#"{{"sourceType": "csv", "options": {{"answerKeyCsvPath": "key.csv"}},
            "markingSchemes": {{"DEFAULT": {PLAIN}{streak}}}}}"#
    );
    let image = r#""answer_key_image_path": "no.png", "questions_in_order": ["q1"], "answer_key_csv_path": "key.csv""#;
    let csv = r#""answer_key_image_path": "key.png", "questions_in_order": ["q1"], "answer_key_csv_path": "no.csv""#;
    let unknown = v1(TWO, "").replacen('{', r#"{"sets": 1, "#, 1);
    let cases = [
        (unknown, "the key `sets` is unknown and ignored"),
        (v1(TWO, &section("S")), "a wrong answer in `S` raises the score\n  hint: for a bonus, begin"),
        (v1(weighted, ""), "the answer `A` has marks twice"),
        (v1(weighted, &section("BONUS")), "the marks of the answers to `q1` count instead of `correct`"),
        (nine.clone(), "`correct` lists 2 marks for 9 questions\n  hint: the last mark"),
        (nine, "`unmarked` lists 2 marks for 9 questions"),
        (v1_csv(image), "no.png`; it is not needed"),
        (v1_csv(csv), "no.csv`\n  hint: the answer key is read from `"),
    ];
    for (text, fragment) in cases {
        let warnings = load(&text).1;
        assert!(warnings.iter().any(|w| w.contains(fragment)), "{text}\n{warnings:#?}\nexpected: {fragment}");
    }
    assert_eq!(load(&v1(TWO, &section("BONUS_1"))).1, Vec::<String>::new());
    let announced = format!(
        r#"{{"sourceType": "image_and_csv", "markingSchemes": {{"DEFAULT": {PLAIN}}},
            "options": {{"answerKeyCsvPath": "no.csv", "answerKeyImagePath": "key.png", "questionsInOrder": ["q1"]}}}}"#
    );
    assert_eq!(load(&announced).1, Vec::<String>::new());
}

/// Every mistake in a document's own shape, with a part of its message.
fn mistakes() -> Vec<(String, &'static str)> {
    let answers = |items: &str| v1(&format!(r#""questions_in_order": ["q1"], "answers_in_order": [{items}]"#), "");
    let correct = |mark: &str| v1(TWO, "").replacen(r#""correct": 1"#, &format!(r#""correct": {mark}"#), 1);
    let section = |members: &str| format!(r#", "S": {{{members}}}"#);
    let marking = format!(r#""marking": {PLAIN}"#);
    let sections = |a: &str, b: &str| {
        format!(r#", "A": {{"questions": [{a}], {marking}}}, "B": {{"questions": [{b}], {marking}}}"#)
    };
    let verdicts = |members: &str| outputs(&format!(r#""drawQuestionVerdicts": {{{members}}}"#));
    let colors = |members: &str| verdicts(&format!(r#""enabled": false, "verdictColors": {{{members}}}"#));
    let csv = r#""answer_key_csv_path": "key.csv""#;
    vec![
        // The document.
        ("[]".to_owned(), "found an array of 0, expected an object"),
        ("{}".to_owned(), "the key `source_type` is missing"),
        ("{}".to_owned(), "the key `marking_schemes` is missing"),
        (
            v1(TWO, "").replace("marking_schemes", "marking_scheme"),
            "is `marking_scheme` meant to be `marking_schemes`?",
        ),
        (
            v1(TWO, "").replace("custom", "costum"),
            "found `costum`, expected one of `custom`, `csv`\n  hint: did you mean `custom`?",
        ),
        (v2("", "").replace("local", "custom"), "expected one of `local`, `csv`, `image_and_csv`"),
        (v2("", "").replace(r#""sourceType": "local", "#, ""), "the key `sourceType` is missing"),
        (
            v2("", r#", "conditionalSet": []"#),
            "the key `conditionalSet` is unknown\n  hint: did you mean `conditionalSets`?",
        ),
        (v2("", r#", "outputs_configuration": {}"#), "did you mean `outputsConfiguration`?"),
        (v2("", "").replace("questionsInOrder", "questions_in_order"), "did you mean `questionsInOrder`?"),
        // The key in the file.
        (v1(r#""answers_in_order": []"#, ""), "the key `questions_in_order` is missing"),
        (v1(r#""questions_in_order": []"#, ""), "the key `answers_in_order` is missing"),
        (v1(&format!(r#"{TWO}, "answer_key_csv_path": "k""#), ""), "the key `answer_key_csv_path` is unknown"),
        (v1(&format!(r#"{TWO}, "should_explain_scoring": 1"#), ""), "found `1`, expected `true` or `false`"),
        (
            v1(r#""questions_in_order": ["q1..3"], "answers_in_order": ["A"]"#, ""),
            "the number of answers is 1, expected 3, one for each question\n  hint: compare with `questions_in_order`",
        ),
        (
            v1(r#""questions_in_order": ["q1..3", "q2"], "answers_in_order": []"#, ""),
            "the label `q2` of `q2` is already in this list",
        ),
        (v1(r#""questions_in_order": ["q3..1"], "answers_in_order": []"#, ""), "must end above its start"),
        (
            v1(r#""questions_in_order": "q1", "answers_in_order": []"#, ""),
            "`options.questions_in_order`: found the string `q1`, expected an array",
        ),
        // Answers.
        (answers(r#""""#), "`options.answers_in_order[0]`: found an empty string"),
        (answers("[]"), "found an array of 0, expected an answer"),
        (answers(r#"["A"]"#), "expected two or more answers\n  hint: write a single answer without brackets"),
        (answers(r#"["A", ""]"#), "`options.answers_in_order[0][1]`: found an empty string"),
        (answers(r#"["A", ["B", 1]]"#), "found an array of 2, expected a string"),
        (answers("7"), "found `7`, expected an answer"),
        (answers("[7]"), "found `7`, expected a string"),
        (answers(r#"[["A", 1], "B"]"#), "found the string `B`, expected a pair"),
        (answers(r#"[["A"]]"#), "found an array of 1, expected a pair"),
        (answers(r#"[["", 1]]"#), "found an empty string"),
        (answers(r#"[["A", "x"]]"#), "`options.answers_in_order[0][0][1]`: found the string `x`, expected a number"),
        (answers(r#"[["A", null]]"#), "found `null`, expected a number such as"),
        // Marks.
        (
            correct(r#""abc1""#),
            "`marking_schemes.DEFAULT.correct`: found the string `abc1`, expected a number such as `4`",
        ),
        (correct(r#""1/0""#), "found the string `1/0`, expected a fraction that does not divide by 0"),
        (correct(r#""1.5/2""#), "found the string `1.5/2`, expected a number"),
        (correct("1e300"), "found `1e300`, expected at most 40 digits"),
        (correct("true"), "found `true`, expected a number"),
        (correct("[1]"), "found an array of 1, expected a number"),
        // Schemes.
        (
            v1(TWO, "").replace("DEFAULT", "DEFAUT"),
            "the key `DEFAULT` is missing\n  hint: is `DEFAUT` meant to be `DEFAULT`?",
        ),
        (v1(TWO, "").replacen(r#", "unmarked": 0"#, "", 1), "`marking_schemes.DEFAULT`: the key `unmarked` is missing"),
        (
            v1(TWO, "").replacen("unmarked", "unmark", 1),
            "the key `unmark` is unknown\n  hint: did you mean `unmarked`?",
        ),
        (v1(TWO, &section(&marking)), "`marking_schemes.S`: the key `questions` is missing"),
        (v1(TWO, &section(r#""questions": ["q1"]"#)), "the key `marking` is missing"),
        (
            v1(TWO, &section(&format!(r#""questions": ["q1"], {marking}, "marking_typ": 1"#))),
            "the key `marking_typ` is unknown",
        ),
        (v1(TWO, &section(&format!(r#""questions": ["q1", "q1"], {marking}"#))), "is already in this list"),
        (v1(TWO, &section(&format!(r#""questions": "a.b", {marking}"#))), "found `a.b`, expected a name without dots"),
        (v1(TWO, &section(&format!(r#""questions": 3, {marking}"#))), "found `3`, expected an array"),
        (
            v1(TWO, &sections(r#""q1""#, r#""q1..2""#)),
            "`marking_schemes.B.questions`: `q1` is already in section `A`, expected each question in one section",
        ),
        (
            v1(TWO, &section(&format!(r#""questions": ["Q1", "x"], {marking}"#))),
            "the answer key has no `Q1`, `x`\n  hint: the nearest question of the key is `q1`",
        ),
        (v1(TWO, &section(&format!(r#""questions": ["r11..18"], {marking}"#))), "`r15` and 3 more"),
        (
            v2(&section(&format!(r#""questions": ["q1"], {marking}, "markingType": "streak""#)), ""),
            "expected one of `default`, `verdict_level_streak`, `section_level_streak`",
        ),
        (
            v2(&section(r#""questions": ["q1"], "marking": {"correct": [1, 2], "incorrect": 0, "unmarked": 0}"#), ""),
            "found an array of 2, expected one mark\n  hint: a list needs `\"markingType\": \"verdict_level_streak\"`",
        ),
        (
            v2(
                &section(
                    r#""questions": ["q1"], "markingType": "verdict_level_streak", "marking": {"correct": [], "incorrect": 0, "unmarked": 0}"#,
                ),
                "",
            ),
            "found an array of 0, expected a mark or a list of marks",
        ),
        (
            v2(
                &section(
                    r#""questions": ["q1"], "markingType": "verdict_level_streak", "marking": {"correct": [1, "x"], "incorrect": 0, "unmarked": 0}"#,
                ),
                "",
            ),
            "`markingSchemes.S.marking.correct[1]`: found the string `x`",
        ),
        // The key in other files.
        (v1_csv(r#""questions_in_order": ["q1"]"#), "the key `answer_key_csv_path` is missing"),
        (v1_csv(r#""answer_key_csv_path": """#), "found the string ``, expected a path"),
        (v1_csv(r#""answer_key_csv_path": "no.csv""#), "`options.answer_key_csv_path`: found no file `"),
        (v1_csv(r#""answer_key_csv_path": "no.csv""#), "no.csv`, expected the answer key"),
        (v1_csv(r#""answer_key_csv_path": "sub""#), "found a folder at `"),
        (v1_csv(&format!(r#"{csv}, "answer_key_image_path": "key.png""#)), "needs `questions_in_order`"),
        (v1_csv(&format!(r#"{csv}, "answers_in_order": []"#)), "the key `answers_in_order` is unknown"),
        (
            v1_csv(
                r#""answer_key_csv_path": "no.csv", "answer_key_image_path": "no.png", "questions_in_order": ["q1"]"#,
            ),
            "found neither `",
        ),
        (
            v1_csv(
                r#""answer_key_csv_path": "no.csv", "answer_key_image_path": "key.png", "questions_in_order": ["q1", "q1"]"#,
            ),
            "is already in this list",
        ),
        // Conditional sets.
        (v2("", r#", "conditionalSets": {}"#), "found an object, expected an array"),
        (v2("", r#", "conditionalSets": [{}]"#), "`conditionalSets[0]`: the key `matcher` is missing"),
        (v2("", r#", "conditionalSets": [{"matcher": {}}]"#), "the key `matchRegex` is missing"),
        (
            v2("", r#", "conditionalSets": [{"evaluation": {}}]"#),
            "`conditionalSets[0].evaluation`: the key `markingSchemes` is missing",
        ),
        (
            v2(
                "",
                &format!(
                    r#", "conditionalSets": [{}, {}]"#,
                    one_set("A", "local", "", ""),
                    one_set("A", "local", "", "")
                ),
            ),
            "`conditionalSets[1].name`: a set named `A` already stands above",
        ),
        (
            set("local", r#""questionsInOrder": ["q1"]"#, ""),
            "`conditionalSets[0].evaluation.options`: the key `answersInOrder` is missing",
        ),
        (set("local", r#""answersInOrder": ["A"]"#, ""), "the key `questionsInOrder` is missing"),
        (set("csv", "", ""), "the key `answerKeyCsvPath` is missing"),
        (
            set(
                "local",
                "",
                r#", "S": {"questions": ["q3"], "marking": {"correct": 1, "incorrect": 0, "unmarked": 0}}"#,
            ),
            "the answer key has no `q3`",
        ),
        (
            set("local", "", "").replace("{q2}", "{q2"),
            "the brace `{` has no partner, expected a text with names in braces such as `{q21}`\n  hint: write `{{` or `}}`",
        ),
        (set("local", "", "").replace("{q2}", "{}"), "`{}` names no value"),
        (set("local", "", "").replace("{q2}", "{q2!r}"), "`{q2!r}` is more than a name"),
        (set("local", "", "").replace("{q2}", "{q2:.1f}"), "asks for a number of decimals"),
        // Outputs.
        (outputs(r#""shouldExplainScorin": true"#), "did you mean `shouldExplainScoring`?"),
        (
            outputs(r#""drawScore": {"position": [1, 2]}"#),
            "`outputsConfiguration.drawScore`: the key `enabled` is missing",
        ),
        (
            outputs(r#""drawScore": {"enabled": true}"#),
            "the key `position` is missing\n  hint: it is required when `enabled` is `true`",
        ),
        (
            outputs(r#""drawAnswersSummary": {"enabled": true}"#),
            "`outputsConfiguration.drawAnswersSummary`: the key `position` is missing",
        ),
        (
            outputs(r#""drawScore": {"enabled": false, "position": [1]}"#),
            "found an array of 1, expected a position [x, y]",
        ),
        (outputs(r#""drawScore": {"enabled": false, "position": [1.5, 2]}"#), "found `1.5`, expected a whole number"),
        (outputs(r#""drawScore": {"enabled": false, "size": 0}"#), "found `0`, expected a number above 0"),
        (
            outputs(r#""drawScore": {"enabled": false, "scoreFormatString": "{total}"}"#),
            "found `{total}`, expected no values but `{score}`",
        ),
        (
            outputs(r#""drawAnswersSummary": {"enabled": false, "answersSummaryFormatString": "{score}"}"#),
            "expected no values but `{correct}`, `{incorrect}`, `{unmarked}`",
        ),
        (outputs(r#""drawDetectedBubbleTexts": {}"#), "the key `enabled` is missing"),
        (verdicts(r#""enabled": true"#), "the key `verdictColors` is missing"),
        (verdicts(r#""enabled": true"#), "the key `drawAnswerGroups` is missing"),
        (colors(r#""correct": "lime""#), "the key `bonus` is missing"),
        (
            colors(r#""correct": "grene""#),
            "found the string `grene`, expected a colour such as `#00ff00`, `#0f0`, or a name such as `green`\n  hint: did you mean `green`?",
        ),
        (colors(r##""correct": "#12345""##), "hint: any colour can be written as `#rrggbb`"),
        (colors(r#""correct": null"#), "found `null`, expected a string"),
        (verdicts(r#""enabled": false, "verdictSymbolColors": {"positive": "k"}"#), "the key `negative` is missing"),
        (
            verdicts(r#""enabled": false, "drawAnswerGroups": {"colorSequence": ["k"]}"#),
            "found an array of 1, expected four colours",
        ),
    ]
}

#[test]
fn every_mistake_has_its_message() {
    for (text, fragment) in mistakes() {
        let errors = errors(&text);
        assert!(errors.contains(fragment), "{text}\n{errors}\nexpected: {fragment}");
    }
}

#[test]
fn v2_dev_wants_the_format_of_what_it_draws() {
    let text = format!(
        r#"{{"source_type": "local", "options": {{{TWO}}}, "marking_schemes": {{"DEFAULT": {PLAIN}}},
            "outputs_configuration": {{"draw_score": {{"enabled": true, "position": [1, 2]}}}}}}"#
    );
    assert!(errors(&text).contains("`outputs_configuration.draw_score`: the key `score_format_string` is missing"));
}

#[test]
fn all_mistakes_of_a_document_are_told_together() {
    let text = v1(r#""questions_in_order": ["q1", "q1"], "answers_in_order": ["", []]"#, r#", "S": {}"#)
        .replacen("-1/3", "1/0", 1);
    let errors = errors(&text);
    assert_eq!(errors.lines().filter(|line| line.contains("evaluation.json:1:")).count(), 6, "{errors}");
}

/// The evaluations of the reference cases, which lie beside the checkout or where `OMR_REFERENCE` says.
#[test]
fn real_evaluations_load() {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference");
    let root = std::env::var_os("OMR_REFERENCE").map_or_else(beside, PathBuf::from);
    if !root.is_dir() {
        eprintln!("skipped: no reference cases at {}", root.display());
        return;
    }
    let mut folders = vec![root];
    let mut loaded = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name == "evaluation.json") {
                if let Err(error) = Evaluation::load(&path, Rules::default()) {
                    panic!("{error}");
                }
                loaded += 1;
            }
        }
    }
    assert_eq!(loaded, 14);
}

/// Replaces the `index`th value of a document, counted from the outside; tells how many were passed.
fn replace_value(value: &mut serde_json::Value, index: usize, by: &serde_json::Value) -> usize {
    if index == 0 {
        *value = by.clone();
        return 1;
    }
    let mut passed = 1;
    let children: Vec<&mut serde_json::Value> = match value {
        serde_json::Value::Array(items) => items.iter_mut().collect(),
        serde_json::Value::Object(members) => members.values_mut().collect(),
        _ => Vec::new(),
    };
    for child in children {
        if passed > index {
            break;
        }
        passed += replace_value(child, index - passed, by);
    }
    passed
}

proptest! {
    /// A document with any value replaced is read or refused, never a crash.
    #[test]
    fn no_document_makes_it_panic(
        case in any::<prop::sample::Index>(),
        at in 0usize..60,
        by in prop::sample::select(vec![
            "null", "[]", "{}", "\"\"", "1e308", "-1", "true", "[[\"A\", 1]]", "\"q1..9\"", "[[]]", "\"1/0\"", "\"é\"",
        ]),
    ) {
        let texts = mistakes();
        let mut value: serde_json::Value = serde_json::from_str(&texts[case.index(texts.len())].0).unwrap();
        replace_value(&mut value, at, &serde_json::from_str(by).unwrap());
        let document = Document::parse(Path::new("evaluation.json"), value.to_string()).unwrap();
        let _ = Evaluation::from_document(&document);
    }
}
