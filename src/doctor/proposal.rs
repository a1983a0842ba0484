//! The template with other origins: the user's own text, in which a few numbers are replaced and every other byte is kept.

use super::offsets::{BlockKey, BlockReport, Verdict};
use super::{DoctorError, Subject};
use crate::json::{Document, DocumentError, Kind, Value};
use crate::template::Template;

/// A block whose origin is moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Move {
    /// The block.
    pub key: BlockKey,
    /// To the right and downwards, in page pixels.
    pub by: (i64, i64),
}

/// A block that was moved, with its origin as written before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moved {
    /// The block.
    pub key: BlockKey,
    /// `[x, y]` as in the template.
    pub from: [String; 2],
    /// `[x, y]` as proposed.
    pub to: [String; 2],
}

/// A proposed template.
#[derive(Debug)]
pub(super) struct Proposal {
    /// The document.
    pub text: String,
    /// What differs.
    pub moved: Vec<Moved>,
    /// Blocks that ought to be moved and cannot be, with the reason.
    pub stuck: Vec<(BlockKey, String)>,
    /// Why the document is no template, if it is none.
    pub problem: Option<String>,
}

impl Proposal {
    /// The proposal that follows from the blocks' offsets; `None` if nothing is to be moved.
    pub(super) fn of(subject: &Subject, blocks: &[BlockReport]) -> Result<Option<Self>, DoctorError> {
        let moves = blocks.iter().filter_map(|block| match block.verdict {
            Verdict::Move(x, y) => Some(Move { key: block.key.clone(), by: (x, y) }),
            _ => None,
        });
        let moves: Vec<Move> = moves.collect();
        if moves.is_empty() {
            return Ok(None);
        }
        let document = Document::load(&subject.template, subject.rules)?;
        // A block that would leave the page must not keep the others where they are.
        let alone = |step: &Move| {
            let (text, ..) = edit(&document, std::slice::from_ref(step));
            usable(&document, text, subject).is_ok()
        };
        let (moves, beyond): (Vec<Move>, Vec<Move>) = moves.into_iter().partition(alone);
        let (text, moved, mut stuck) = edit(&document, &moves);
        let reason = "it would make no template, for the block would leave the page or lie on what it must not";
        stuck.extend(beyond.into_iter().map(|step| (step.key, reason.to_owned())));
        let problem = usable(&document, text.clone(), subject).err().map(|e| e.to_string());
        let mark = if starts_with_mark(subject) { "\u{feff}" } else { "" };
        Ok(Some(Self { text: format!("{mark}{text}"), moved, stuck, problem }))
    }
}

/// Does the file begin with a byte-order mark, which the document's text is without?
fn starts_with_mark(subject: &Subject) -> bool {
    std::fs::read(&subject.template).is_ok_and(|bytes| bytes.starts_with("\u{feff}".as_bytes()))
}

fn usable(document: &Document, text: String, subject: &Subject) -> Result<(), DocumentError> {
    let document = Document::parse_by(document.path(), text, subject.rules)?;
    Template::read(&document, &subject.governed.config).map(|_| ())
}

/// The document's text with the origins of blocks moved; and the blocks that could not be.
fn edit(document: &Document, moves: &[Move]) -> (String, Vec<Moved>, Vec<(BlockKey, String)>) {
    let (mut moved, mut stuck) = (Vec::new(), Vec::new());
    // Position, length and new text of each number.
    let mut edits: Vec<(usize, usize, String)> = Vec::new();
    for Move { key, by } in moves {
        match numbers(document.root(), key).and_then(|[x, y]| Ok([shifted(x, by.0)?, shifted(y, by.1)?])) {
            Ok([x, y]) => {
                moved.push(Moved {
                    key: key.clone(),
                    from: [x.old.clone(), y.old.clone()],
                    to: [x.new.clone(), y.new.clone()],
                });
                edits.extend([x, y].map(|number| (number.at, number.old.len(), number.new)));
                for [x, y] in repeated(document.root(), key) {
                    let again = shifted(x, by.0).ok().zip(shifted(y, by.1).ok());
                    edits.extend(again.into_iter().flat_map(|(x, y)| [x, y]).map(|n| (n.at, n.old.len(), n.new)));
                }
            }
            Err(reason) => stuck.push((key.clone(), reason)),
        }
    }
    // From the end, so that positions before stay.
    edits.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
    let mut text = document.text().to_owned();
    for (at, length, new) in edits {
        if text.get(at..at + length).is_some() {
            text.replace_range(at..at + length, &new);
        }
    }
    (text, moved, stuck)
}

/// A number of the document and what takes its place.
struct Number {
    at: usize,
    old: String,
    new: String,
}

/// The two numbers of a block's origin.
fn numbers<'d>(root: &'d Value, key: &BlockKey) -> Result<[&'d Value; 2], String> {
    let layout = match key.set {
        None => Some(root),
        Some(set) => match root.get("conditionalSets").map(|sets| &sets.kind) {
            Some(Kind::Array(sets)) => sets.get(set),
            _ => None,
        },
    };
    let origin = layout.and_then(|l| l.get("fieldBlocks")).and_then(|b| b.get(&key.name)).and_then(|b| b.get("origin"));
    match origin.map(|origin| &origin.kind) {
        Some(Kind::Array(items)) => match items.as_slice() {
            [x, y] => Ok([x, y]),
            _ => Err("its origin is not two numbers".to_owned()),
        },
        _ => Err("its origin was not found in the document".to_owned()),
    }
}

/// The origins of sets that repeat the template's own block, which are one with it.
fn repeated<'d>(root: &'d Value, key: &BlockKey) -> Vec<[&'d Value; 2]> {
    let own = root.get("fieldBlocks").and_then(|blocks| blocks.get(&key.name));
    let (None, Some(own), Some(Kind::Array(sets))) = (key.set, own, root.get("conditionalSets").map(|sets| &sets.kind))
    else {
        return Vec::new();
    };
    let is_repeated = |set: &Value| {
        set.get("fieldBlocks").and_then(|blocks| blocks.get(&key.name)).is_some_and(|block| says_the_same(block, own))
    };
    let repeated = sets.iter().enumerate().filter(|(_, set)| is_repeated(set));
    repeated.filter_map(|(i, _)| numbers(root, &BlockKey { set: Some(i), ..key.clone() }).ok()).collect()
}

/// Are two values equal, wherever they stand?
fn says_the_same(a: &Value, b: &Value) -> bool {
    match (&a.kind, &b.kind) {
        (Kind::Number { value: a, .. }, Kind::Number { value: b, .. }) => a == b,
        (Kind::Array(a), Kind::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| says_the_same(a, b)),
        (Kind::Object(a), Kind::Object(b)) => {
            let found = |key: &str| b.iter().rev().find(|member| member.key == key);
            a.len() == b.len() && a.iter().all(|m| found(&m.key).is_some_and(|o| says_the_same(&m.value, &o.value)))
        }
        (a, b) => a == b,
    }
}

fn shifted(value: &Value, by: i64) -> Result<Number, String> {
    let Kind::Number { value: number, literal } = &value.kind else {
        return Err("its origin is not two numbers".to_owned());
    };
    // A millionth of a pixel is what is left of a sum of decimals.
    let sum = ((number + by as f64) * 1e6).round() / 1e6;
    if sum < 0.0 {
        return Err(format!("its origin would be {sum}: beyond the page"));
    }
    let new = if by == 0 { literal.clone() } else { sum.to_string() };
    Ok(Number { at: value.at, old: literal.clone(), new })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn document(text: &str) -> Document {
        Document::parse(Path::new("template.json"), text.to_owned()).unwrap()
    }

    fn own(name: &str, by: (i64, i64)) -> Move {
        Move { key: BlockKey { set: None, name: name.to_owned() }, by }
    }

    #[test]
    fn only_the_numbers_of_the_origin_change() {
        let text = "{\t\"fieldBlocks\" :\r\n {\"A é\": { \"origin\" :[ 100 ,\n 20.5], \"labelsGap\": 100},\
                    \"B\":{\"origin\":[1e2,7]}  } }\n\n";
        let (edited, moved, stuck) = edit(&document(text), &[own("A é", (6, -4)), own("B", (-3, 0))]);
        let want = text.replace("100 ,", "106 ,").replace("20.5", "16.5").replace("1e2", "97");
        assert_eq!(edited, want);
        assert_eq!(moved.len(), 2);
        assert!(stuck.is_empty());
    }

    #[test]
    fn a_set_has_blocks_of_its_own() {
        let text = r#"{"fieldBlocks": {"A": {"origin": [10, 10]}}, "conditionalSets": [
            {"name": "x", "fieldBlocks": {"B": {"origin": [1, 1]}}}, {"name": "y", "fieldBlocks": {"A": {"origin": [20, 30]}}}]}"#;
        let key = BlockKey { set: Some(1), name: "A".to_owned() };
        let (edited, ..) = edit(&document(text), &[Move { key, by: (1, 2) }]);
        assert_eq!(edited, text.replace("[20, 30]", "[21, 32]"));
    }

    #[test]
    fn a_set_that_repeats_a_block_is_moved_with_it() {
        let text = r#"{"fieldBlocks": {"A": {"origin": [10, 10], "labelsGap": 5}}, "conditionalSets": [
            {"fieldBlocks": {"A": {"labelsGap": 5.0, "origin": [10,10]}}}, {"fieldBlocks": {"A": {"origin": [10, 10]}}}]}"#;
        let (edited, ..) = edit(&document(text), &[own("A", (2, 0))]);
        let want = text.replacen("[10, 10]", "[12, 10]", 1).replace("[10,10]", "[12,10]");
        assert_eq!(edited, want);
    }

    #[test]
    fn of_a_key_written_twice_the_last_counts() {
        let text = r#"{"fieldBlocks": {"A": {"origin": [10, 10], "origin": [50, 60]}}}"#;
        let (edited, ..) = edit(&document(text), &[own("A", (1, 1))]);
        assert_eq!(edited, text.replace("[50, 60]", "[51, 61]"));
    }

    #[test]
    fn what_cannot_be_moved_is_told() {
        let text = r#"{"fieldBlocks": {"A": {"origin": [3, 10]}, "B": {"origin": 7}}}"#;
        let (edited, moved, stuck) = edit(&document(text), &[own("A", (-4, 0)), own("B", (1, 1)), own("C", (1, 1))]);
        assert_eq!((edited.as_str(), moved.len(), stuck.len()), (text, 0, 3));
    }
}
