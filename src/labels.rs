//! Field labels and ranges of them: `roll`, `q1..20`, `q1...20`.

use std::collections::HashSet;

use crate::json::Cursor;

/// A range and a list may name this many labels; a template with more is a mistake, not a sheet.
const MAX_RANGE: u64 = 10_000;

/// All lists of a document may name this many labels together.
const MAX_LABELS: usize = 200_000;

/// Why a field string names no labels.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// Nothing between the quotes.
    #[error("found an empty label, expected a name or a range such as `q1..20`")]
    Empty,
    /// A dot that is no range.
    #[error("found `{0}`, expected a name without dots or a range such as `q1..20` (letters, number, dots, number)")]
    Shape(String),
    /// A range that runs backwards or stands still.
    #[error("the range `{text}` must end above its start: {start} is not less than {end}")]
    Backwards {
        /// The range as written.
        text: String,
        /// Its first number.
        start: u64,
        /// Its last number.
        end: u64,
    },
    /// A range of too many labels.
    #[error("the range `{0}` names more than {MAX_RANGE} labels")]
    TooLong(String),
}

/// The labels that a field string names. A text without a dot names itself. A range is a prefix without digits and
/// dots, a number, two or three dots, and a larger number: `q1..3` names q1, q2 and q3. Leading zeros are dropped, as
/// OMRChecker does: `q01..03` names the same three.
///
/// # Errors
/// [`LabelError`], which tells what was found and expected.
pub fn expand(text: &str) -> Result<Vec<String>, LabelError> {
    if text.is_empty() {
        return Err(LabelError::Empty);
    }
    if !text.contains('.') {
        return Ok(vec![text.to_owned()]);
    }
    let shape = || LabelError::Shape(text.to_owned());
    let digits_at = text.find(|c: char| c.is_ascii_digit() || c == '.').ok_or_else(shape)?;
    let (prefix, rest) = text.split_at(digits_at);
    let (start, rest) = leading_number(rest).ok_or_else(shape)?;
    let rest = rest.strip_prefix("...").or_else(|| rest.strip_prefix("..")).ok_or_else(shape)?;
    let (end, rest) = leading_number(rest).ok_or_else(shape)?;
    if prefix.is_empty() || !rest.is_empty() {
        return Err(shape());
    }
    if start >= end {
        return Err(LabelError::Backwards { text: text.to_owned(), start, end });
    }
    if end - start >= MAX_RANGE {
        return Err(LabelError::TooLong(text.to_owned()));
    }
    Ok((start..=end).map(|n| format!("{prefix}{n}")).collect())
}

/// The number that `text` begins with, and what follows it.
fn leading_number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

/// Reads an array of field strings and expands it. A label that the list names twice is a problem, as is a string that
/// is no label.
pub fn read_list(cursor: &Cursor<'_>) -> Option<Vec<String>> {
    let mut labels: Vec<String> = Vec::new();
    let mut seen: HashSet<String> = HashSet::new();
    let mut whole = true;
    if !cursor.counts_labels(0, MAX_LABELS) {
        cursor.error(format!("with the lists before this one the file names more than {MAX_LABELS} labels"));
        return None;
    }
    for item in cursor.array()? {
        let Some(text) = item.string() else {
            whole = false;
            continue;
        };
        match expand(text) {
            Ok(expanded) if (labels.len() + expanded.len()) as u64 > MAX_RANGE => {
                item.error(format!("with `{text}` the list names more than {MAX_RANGE} labels"));
                return None;
            }
            Ok(expanded) if !item.counts_labels(expanded.len(), MAX_LABELS) => {
                item.error(format!("with `{text}` the lists of this file name more than {MAX_LABELS} labels"));
                return None;
            }
            Ok(expanded) => {
                if let Some(twice) = expanded.iter().find(|label| seen.contains(*label)) {
                    item.error(format!("the label `{twice}` of `{text}` is already in this list"));
                    whole = false;
                }
                seen.extend(expanded.iter().cloned());
                labels.extend(expanded);
            }
            Err(error) => {
                item.error(error.to_string());
                whole = false;
            }
        }
    }
    whole.then_some(labels)
}

/// The key of OMRChecker's natural order: the first run of non-digits, then the number right after it (0 if there is
/// none). `q5_1` gives ("q", 5), `roll` ("roll", 0); a label of digits alone gives ("", the number).
pub fn natural_key(label: &str) -> (String, u128) {
    let rest = match label.find(|c: char| !c.is_ascii_digit()) {
        Some(start) => &label[start..],
        None => return (String::new(), label.parse().unwrap_or(u128::MAX)),
    };
    let prefix_end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
    let (prefix, digits) = rest.split_at(prefix_end);
    let digits_end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let number = if digits_end == 0 { 0 } else { digits[..digits_end].parse().unwrap_or(u128::MAX) };
    (prefix.to_owned(), number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_and_names() {
        assert_eq!(expand("roll").unwrap(), ["roll"]);
        assert_eq!(expand("q1..3").unwrap(), ["q1", "q2", "q3"]);
        assert_eq!(expand("q_09...11").unwrap(), ["q_9", "q_10", "q_11"]);
        assert_eq!(expand("q1d1").unwrap(), ["q1d1"]);
    }

    #[test]
    fn what_is_no_range() {
        for text in ["a.b", "1..5", "q1d1..3", "q1....3", "q1..", "..3", "q1..3x", "q1.5", "q1..99999999999999999999"] {
            assert!(matches!(expand(text), Err(LabelError::Shape(_))), "{text}: {:?}", expand(text));
        }
        assert_eq!(expand(""), Err(LabelError::Empty));
        assert!(matches!(expand("q3..3"), Err(LabelError::Backwards { .. })));
        assert!(matches!(expand("q1..10001"), Err(LabelError::TooLong(_))));
    }

    #[test]
    fn natural_keys() {
        assert_eq!(natural_key("q5_1"), ("q".to_owned(), 5));
        assert_eq!(natural_key("roll"), ("roll".to_owned(), 0));
        assert_eq!(natural_key("1a2"), ("a".to_owned(), 2));
        assert_eq!(natural_key("12"), (String::new(), 12));
    }

    proptest! {
        #[test]
        fn a_range_names_every_number_once(start in 0u64..5000, length in 1u64..500) {
            let labels = expand(&format!("q{start}..{}", start + length)).unwrap();
            prop_assert_eq!(labels.len() as u64, length + 1);
            for (i, label) in labels.iter().enumerate() {
                prop_assert_eq!(label, &format!("q{}", start + i as u64));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "[a-zé.0-9]{0,12}") {
            let _ = (expand(&text), natural_key(&text));
        }
    }
}
