//! The generations of OMRChecker whose files are read.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use crate::json::{Cursor, Fields};

/// Whose spelling and rules a document follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dialect {
    /// OMRChecker v1: `pageDimensions`, `threshold_params`, `source_type: custom`.
    V1,
    /// The older OMRChecker v2: templates in camelCase, config and evaluation in snake_case.
    V2Dev,
    /// The newest OMRChecker v2: camelCase everywhere.
    V2,
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1 => "v1",
            Self::V2Dev => "v2-dev",
            Self::V2 => "v2",
        })
    }
}

/// A key in snake case: `minGapTwoBubbles` becomes `min_gap_two_bubbles`, `topLeftLMarker` `top_left_l_marker`. The v2
/// family spells one notion in both ways.
pub fn snake_case(key: &str) -> String {
    let chars: Vec<char> = key.chars().collect();
    let mut snake = String::with_capacity(key.len() + 4);
    for (i, &c) in chars.iter().enumerate() {
        if c.is_ascii_uppercase() && i > 0 {
            let before = chars[i - 1];
            let next_is_lower = chars.get(i + 1).is_some_and(char::is_ascii_lowercase);
            let starts_word = before.is_ascii_lowercase() || before.is_ascii_digit();
            if starts_word || (before.is_ascii_uppercase() && next_is_lower) {
                snake.push('_');
            }
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

/// The value of a key that the v2 family spells in camel case or in snake case. When both are there,
/// [`refuse_clashing_keys`] tells it.
pub fn spelled<'d>(fields: &Fields<'d>, key: &str) -> Option<Cursor<'d>> {
    fields.get_any(&[key, &snake_case(key)])
}

/// Notes every pair of keys in one object that differ only in spelling style (`MCQ_1` and `mcq_1`), the user's own
/// names included, in the whole document: OMRChecker v2 refuses them.
pub fn refuse_clashing_keys(cursor: &Cursor<'_>) {
    let mut seen: HashMap<String, &str> = HashMap::new();
    for (key, child) in cursor.children() {
        if let Some(key) = key {
            match seen.entry(snake_case(key)) {
                Entry::Occupied(first) if *first.get() != key => child.error_with_hint(
                    format!("the keys `{}` and `{key}` differ only in case and underscores", first.get()),
                    "rename one of them, or remove it if both mean the same",
                ),
                Entry::Occupied(_) => {}
                Entry::Vacant(slot) => {
                    slot.insert(key);
                }
            }
        }
        refuse_clashing_keys(&child);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::json::Document;

    #[test]
    fn snake_case_parts_words() {
        for (key, snake) in [
            ("minGapTwoBubbles", "min_gap_two_bubbles"),
            ("topLeftLMarker", "top_left_l_marker"),
            ("MCQ_1", "mcq_1"),
            ("q5A", "q5_a"),
            ("ABCdef", "ab_cdef"),
            ("Ünder", "ünder"),
        ] {
            assert_eq!(snake_case(key), snake);
        }
    }

    #[test]
    fn clashes_are_found_at_every_depth_and_name_both_keys() {
        let text = r#"{"a": [{"Aa": 1, "aA": 2, "AA": 3}], "b": {"MCQ_1": 1, "mcq_1": 2}}"#;
        let document = Document::parse(Path::new("t.json"), text.to_owned()).unwrap();
        let error = document.read(|c| {
            refuse_clashing_keys(&c);
            Some(())
        });
        let message = error.unwrap_err().to_string();
        // `aA` is a_a in snake case; `Aa` and `AA` are both aa.
        assert!(message.contains("the keys `Aa` and `AA` differ"), "{message}");
        assert!(message.contains("the keys `MCQ_1` and `mcq_1` differ"), "{message}");
        assert_eq!(message.matches("differ only").count(), 2);
    }
}
