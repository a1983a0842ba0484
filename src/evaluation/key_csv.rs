//! An answer key in a CSV: a question and its answer a row, without a header.
//!
//! An answer is plain (`C`), a list of answers that are all right (`"D,E"` or `"['D', 'E']"`), or a list of answers with
//! their marks (`"[['A', 1], ['B', '1/2']]"`). Blanks around questions and answers say nothing in any dialect; in the
//! v2 family all spaces of an answer are dropped, as OMRChecker does it there. A question is one label: ranges are not
//! expanded.

use std::collections::HashMap;
use std::path::Path;

use super::answers::{Answer, Weighted, Written};
use super::literal::{self, Literal};
use super::problem::SetupProblem;
use super::source::KeyEntry;
use crate::dialect::Dialect;
use crate::file_content::{self, ReadError};

/// A key may have this many bytes: that of a thousand questions has a hundredth of it.
const MAX_BYTES: u64 = 4 << 20;

/// A key as the CSV has it, each entry with its line.
pub type KeyRows = Vec<(KeyEntry, u64)>;

/// Reads the key at `path` by the rules of `dialect`.
///
/// # Errors
/// Everything that is wrong with the file.
pub fn load(path: &Path, dialect: Dialect) -> Result<KeyRows, Vec<SetupProblem>> {
    match file_content::read(path, MAX_BYTES) {
        Ok(bytes) => parse(path, &bytes, dialect),
        Err(ReadError::Io(e)) => Err(vec![SetupProblem::new(path, format!("the answer key cannot be read: {e}"))]),
        Err(ReadError::TooLong) => {
            let message = format!("the answer key has more than {MAX_BYTES} bytes");
            let hint = "a key has a row for each question; is this the key?";
            Err(vec![SetupProblem::new(path, message).hint(hint)])
        }
    }
}

/// Reads a key from the content of its file; `path` is only named in messages.
///
/// # Errors
/// As [`load`].
pub fn parse(path: &Path, bytes: &[u8], dialect: Dialect) -> Result<KeyRows, Vec<SetupProblem>> {
    let rows = read_rows(path, bytes)?;
    let mut lines: HashMap<String, u64> = HashMap::new();
    let mut key = Vec::with_capacity(rows.len());
    let mut problems = Vec::new();
    for row in &rows {
        match read_entry(row, dialect) {
            Ok(entry) => {
                if let Some(first) = lines.insert(entry.question.clone(), row.line) {
                    let message = format!("the question `{}` stands on line {first} already", entry.question);
                    problems.push(SetupProblem::new(path, message).at_line(Some(row.line)).hint("keep one of the two"));
                }
                key.push((entry, row.line));
            }
            Err(Mistake { message, hint }) => {
                let problem = SetupProblem::new(path, message).at_line(Some(row.line));
                problems.push(match hint {
                    Some(hint) => problem.hint(hint),
                    None => problem,
                });
            }
        }
    }
    if key.is_empty() && problems.is_empty() {
        problems.push(SetupProblem::new(path, "found no rows, expected a question and its answer in each"));
    }
    if problems.is_empty() { Ok(key) } else { Err(problems) }
}

/// A row that says something.
struct Row {
    line: u64,
    cells: Vec<String>,
}

fn read_rows(path: &Path, bytes: &[u8]) -> Result<Vec<Row>, Vec<SetupProblem>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let mut rows = Vec::new();
    let mut problems = Vec::new();
    for record in reader.records() {
        match record {
            Ok(record) => {
                let line = record.position().map_or(0, csv::Position::line);
                let cells: Vec<String> = record.iter().map(|cell| cell.trim().to_owned()).collect();
                if cells.iter().any(|cell| !cell.is_empty()) {
                    rows.push(Row { line, cells });
                }
            }
            Err(e) => {
                let line = e.position().map(csv::Position::line);
                let problem = SetupProblem::new(path, "found bytes that are not UTF-8").at_line(line);
                problems.push(problem.hint("save the file as UTF-8"));
            }
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    drop_index(&mut rows);
    Ok(rows)
}

/// A table saved by pandas begins each row with its number. OMRChecker passes over that column.
fn drop_index(rows: &mut [Row]) {
    let is_number = |cell: &str| !cell.is_empty() && cell.bytes().all(|b| b.is_ascii_digit());
    if rows.iter().all(|row| row.cells.len() == 3 && is_number(&row.cells[0])) {
        rows.iter_mut().for_each(|row| drop(row.cells.remove(0)));
    }
}

/// What is wrong with a row.
struct Mistake {
    message: String,
    hint: Option<&'static str>,
}

impl Mistake {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }
}

fn read_entry(row: &Row, dialect: Dialect) -> Result<KeyEntry, Mistake> {
    let (question, answer) = match row.cells.as_slice() {
        [question, answer] => (question, answer),
        [question] => {
            return Err(Mistake::new(format!("found `{question}` alone, expected a question and its answer")));
        }
        cells => {
            let message = format!("found {} cells, expected two: a question and its answer", cells.len());
            let hint = Some("put an answer with commas into double quotes, without a blank before them: `q1,\"A,B\"`");
            return Err(Mistake { message, hint });
        }
    };
    if question.is_empty() {
        return Err(Mistake::new(format!("found the answer `{answer}` without a question")));
    }
    if answer.is_empty() {
        return Err(Mistake::new(format!("found no answer for `{question}`")));
    }
    let question = question.clone();
    Ok(KeyEntry { answer: read_answer(answer, dialect)?, question })
}

fn read_answer(text: &str, dialect: Dialect) -> Result<Answer, Mistake> {
    let clean = |text: &str| match dialect {
        Dialect::V1 => text.trim().to_owned(),
        Dialect::V2Dev | Dialect::V2 => text.trim().replace(' ', ""),
    };
    if text.starts_with('[') {
        let wrong = |why: String| Mistake { message: format!("the answer `{text}`: {why}"), hint: Some(LIST_HINT) };
        let list = literal::parse(text).map_err(wrong)?;
        return of_literal(list, &clean).map_err(|why| wrong(why.to_owned()));
    }
    if text.contains(',') {
        return any_of(text.split(',').map(clean).collect())
            .map_err(|why| Mistake::new(format!("the answer `{text}`: {why}")));
    }
    Ok(Answer::Standard(clean(text)))
}

const LIST_HINT: &str = "write `['A', 'B']` for answers that are all right, `[['A', 1], ['B', '1/2']]` for answers \
                         with their marks";

fn of_literal(list: Literal, clean: &impl Fn(&str) -> String) -> Result<Answer, &'static str> {
    let Literal::List(items) = list else { return Err("expected a list") };
    if items.iter().any(|item| matches!(item, Literal::List(_))) {
        let pairs = items.into_iter().map(|item| weighted(item, clean)).collect::<Result<_, _>>()?;
        return Ok(Answer::Weighted(pairs));
    }
    let texts = items.into_iter().map(|item| match item {
        Literal::Text(text) => Ok(clean(&text)),
        _ => Err("expected texts in quotes"),
    });
    any_of(texts.collect::<Result<_, _>>()?)
}

fn any_of(answers: Vec<String>) -> Result<Answer, &'static str> {
    if answers.iter().any(String::is_empty) {
        return Err("one of its answers is empty");
    }
    if answers.len() < 2 {
        return Err("expected two or more answers; write a single one without brackets");
    }
    Ok(Answer::AnyOf(answers))
}

fn weighted(item: Literal, clean: &impl Fn(&str) -> String) -> Result<Weighted, &'static str> {
    const PAIR: &str = "expected each item to be an answer and its marks";
    let Literal::List(pair) = item else { return Err(PAIR) };
    let [Literal::Text(value), mark] = pair.as_slice() else { return Err(PAIR) };
    let (text, written) = match mark {
        Literal::Text(text) => (text, Written::Text(text.clone())),
        Literal::Number(text) => (text, Written::Number(text.clone())),
        Literal::List(_) => return Err(PAIR),
    };
    let mark = text.parse().map_err(|_| "the marks are no number and no fraction")?;
    match clean(value) {
        value if value.is_empty() => Err("one of its answers is empty"),
        value => Ok(Weighted { value, mark, written }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str, dialect: Dialect) -> Vec<(String, Answer, u64)> {
        let key = parse(Path::new("key.csv"), text.as_bytes(), dialect);
        let key = key.unwrap_or_else(|problems| panic!("{problems:?}"));
        key.into_iter().map(|(entry, line)| (entry.question, entry.answer, line)).collect()
    }

    fn answer(cell: &str, dialect: Dialect) -> Answer {
        read(&format!("q1,\"{}\"\n", cell.replace('"', "\"\"")), dialect).remove(0).1
    }

    fn errors(text: &str) -> String {
        let problems = parse(Path::new("key.csv"), text.as_bytes(), Dialect::V1).unwrap_err();
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    fn any(answers: &[&str]) -> Answer {
        Answer::AnyOf(answers.iter().map(|&a| a.to_owned()).collect())
    }

    #[test]
    fn rows_of_every_shape() {
        let text = "\u{feff}q1,C\r\n\r\n   \n q2 , E \nq3,\"D,E\"\nq1..3,\"A\"";
        let standard = |a: &str| Answer::Standard(a.to_owned());
        let expected = [
            ("q1", standard("C"), 1),
            ("q2", standard("E"), 4),
            ("q3", any(&["D", "E"]), 5),
            // Not a range: a key names its questions one by one.
            ("q1..3", standard("A"), 6),
        ];
        let expected: Vec<_> = expected.into_iter().map(|(q, a, line)| (q.to_owned(), a, line)).collect();
        assert_eq!(read(text, Dialect::V1), expected);
    }

    #[test]
    fn lists_in_pythons_notation() {
        assert_eq!(answer("['A', \"B\"]", Dialect::V2), any(&["A", "B"]));
        let Answer::Weighted(weighted) = answer("[['A', '1'], ['B', 0.5], ['C', -2], ['D', '1/3']]", Dialect::V1)
        else {
            panic!("not weighted")
        };
        let shown: Vec<String> = weighted.iter().map(|w| format!("{} {}", w.value, w.mark)).collect();
        assert_eq!(shown, ["A 1", "B 1/2", "C -2", "D 1/3"]);
        assert_eq!(weighted[0].written, Written::Text("1".to_owned()));
        assert_eq!(weighted[2].written, Written::Number("-2".to_owned()));
    }

    #[test]
    fn blanks_around_answers_say_nothing_and_v2_drops_all() {
        assert_eq!(answer(" New York , Rome ", Dialect::V1), any(&["New York", "Rome"]));
        assert_eq!(answer(" New York , Rome ", Dialect::V2), any(&["NewYork", "Rome"]));
        assert_eq!(answer("[' A B', 'C']", Dialect::V2Dev), any(&["AB", "C"]));
    }

    #[test]
    fn a_column_of_row_numbers_is_passed_over() {
        let read = read("0,q1,A\n1,q2,B\n", Dialect::V1);
        assert_eq!(read[1], ("q2".to_owned(), Answer::Standard("B".to_owned()), 2));
    }

    #[test]
    fn all_mistakes_are_told_together() {
        let text =
            "q1\nq2,\n,A\nq3,A,B\nq4,\"A,\"\nq5,['A']\nq6,\"['A', 1]\"\nq7,\"[['A', 'x']]\"\nq8,\"['A'\"\nq9,A\nq9,B\n";
        let errors = errors(text);
        for fragment in [
            "key.csv:1: found `q1` alone, expected a question and its answer",
            "key.csv:2: found no answer for `q2`",
            "key.csv:3: found the answer `A` without a question",
            "key.csv:4: found 3 cells, expected two: a question and its answer\n  hint: put an answer with commas",
            "key.csv:5: the answer `A,`: one of its answers is empty",
            "key.csv:6: the answer `['A']`: expected two or more answers",
            "key.csv:7: the answer `['A', 1]`: expected texts in quotes\n  hint: write `['A', 'B']`",
            "key.csv:8: the answer `[['A', 'x']]`: the marks are no number and no fraction",
            "key.csv:9: the answer `['A'`: the list is not closed",
            "key.csv:11: the question `q9` stands on line 10 already",
        ] {
            assert!(errors.contains(fragment), "{errors}\nexpected: {fragment}");
        }
        assert_eq!(errors.matches("key.csv:").count(), 10, "{errors}");
    }

    #[test]
    fn files_without_rows_or_letters() {
        assert!(errors("\n \n").contains("key.csv: found no rows"));
        let problems = parse(Path::new("key.csv"), b"q1,A\nq2,\xff\n", Dialect::V1).unwrap_err();
        assert_eq!(problems[0].line, Some(2));
    }

    proptest! {
        #[test]
        fn no_file_makes_it_panic(bytes in "[q12A,\"'\\[\\]\n ]{0,60}") {
            let _ = parse(Path::new("key.csv"), bytes.as_bytes(), Dialect::V1);
        }
    }
}
