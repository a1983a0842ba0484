//! Which sheets something is for: a text filled with a sheet's values, and an expression that is sought in it.
//!
//! Conditional sets of evaluations and templates and the rules of file grouping all choose sheets in this way. A
//! [`Matcher`] that was read can be trusted: its expression is compiled. What its names stand for is settled once, by
//! [`Matcher::bind`], so that no sheet looks a name up.

mod format;
mod pattern;

pub use self::format::{Format, FormatError, Piece};
pub use self::pattern::Pattern;

use crate::json::{Cursor, Fields, Unknown};

const KEYS: [&str; 2] = ["formatString", "matchRegex"];

/// Tells by a sheet's values whether something is for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matcher {
    /// `formatString`: a text with the names of values in braces.
    pub format: Format,
    /// `matchRegex`: sought anywhere in the filled text.
    pub pattern: Pattern,
}

impl Matcher {
    /// Reads a matcher whose keys are in camel case, as they are in evaluations and templates of every generation.
    pub fn read(cursor: &Cursor<'_>) -> Option<Self> {
        Self::read_by(cursor, |fields, key| fields.get(key))
    }

    /// Reads a matcher; `find` knows how its keys may be spelt.
    pub fn read_by<'d>(cursor: &Cursor<'d>, find: impl Fn(&Fields<'d>, &str) -> Option<Cursor<'d>>) -> Option<Self> {
        let fields = cursor.object()?;
        let [format, pattern] = KEYS.map(|key| {
            let found = find(&fields, key);
            if found.is_none() {
                cursor.error(format!("the key `{key}` is missing"));
            }
            found
        });
        let format = format.and_then(|c| read_names(&c));
        let pattern = pattern.and_then(|c| read_pattern(&c));
        fields.finish(Unknown::Refuse, &KEYS);
        Some(Self { format: format?, pattern: pattern? })
    }

    /// Settles what the names of the format stand for.
    ///
    /// # Errors
    /// The names that stand for nothing, as `settle` tells by `None`.
    pub fn bind<K>(&self, settle: impl FnMut(&str) -> Option<K>) -> Result<BoundMatcher<K>, Vec<String>> {
        Ok(BoundMatcher { text: BoundFormat::bind(&self.format, settle)?, pattern: self.pattern.clone() })
    }
}

/// A matcher whose names are settled as keys `K`.
#[derive(Debug, Clone)]
pub struct BoundMatcher<K> {
    text: BoundFormat<K>,
    pattern: Pattern,
}

impl<K> BoundMatcher<K> {
    /// Is it for the sheet whose values `value` gives?
    pub fn fits<V: AsRef<str>>(&self, value: impl Fn(&K) -> V) -> bool {
        match self.text.parts.as_slice() {
            [Part::Text(text)] => self.pattern.is_match(text),
            [Part::Value(key)] => self.pattern.is_match(value(key).as_ref()),
            _ => self.pattern.is_match(&self.text.fill(value)),
        }
    }

    /// What its names stand for.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.text.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Value(key) => Some(key),
        })
    }
}

/// A format whose names are settled as keys `K`.
#[derive(Debug, Clone)]
pub struct BoundFormat<K> {
    parts: Vec<Part<K>>,
}

#[derive(Debug, Clone)]
enum Part<K> {
    Text(String),
    Value(K),
}

impl<K> BoundFormat<K> {
    /// Settles what the names of a format stand for.
    ///
    /// # Errors
    /// The names that stand for nothing, as `settle` tells by `None`.
    pub fn bind(format: &Format, mut settle: impl FnMut(&str) -> Option<K>) -> Result<Self, Vec<String>> {
        let mut parts = Vec::with_capacity(format.pieces.len());
        let mut unknown = Vec::new();
        for piece in &format.pieces {
            match piece {
                Piece::Text(text) => parts.push(Part::Text(text.clone())),
                Piece::Value { name, .. } => match settle(name) {
                    Some(key) => parts.push(Part::Value(key)),
                    None => unknown.push(name.clone()),
                },
            }
        }
        if unknown.is_empty() { Ok(Self { parts }) } else { Err(unknown) }
    }

    /// The text with these values.
    pub fn fill<V: AsRef<str>>(&self, value: impl Fn(&K) -> V) -> String {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(own) => text.push_str(own),
                Part::Value(key) => text.push_str(value(key).as_ref()),
            }
        }
        text
    }
}

/// Reads a format of plain names.
pub fn read_names(cursor: &Cursor<'_>) -> Option<Format> {
    let format = read_format(cursor)?;
    if format.pieces.iter().any(|piece| matches!(piece, Piece::Value { decimals: Some(_), .. })) {
        cursor.error("asks for a number of decimals, expected names alone: the values of a sheet are texts");
        return None;
    }
    Some(format)
}

/// Reads a format.
pub fn read_format(cursor: &Cursor<'_>) -> Option<Format> {
    match Format::parse(cursor.string()?) {
        Ok(format) => Some(format),
        Err(error) => {
            let message = format!("{error}, expected a text with names in braces such as `{{q21}}`");
            cursor.error_with_hint(message, "write `{{` or `}}` for a brace that stands for itself");
            None
        }
    }
}

fn read_pattern(cursor: &Cursor<'_>) -> Option<Pattern> {
    /// A document may have this many expressions.
    const MOST: usize = 1000;
    /// The first of a document may be large when they are compiled, the others not: all together they must fit into memory.
    const LARGE: (usize, usize) = (16, 10 << 20);
    const SMALL: usize = 512 << 10;
    let text = cursor.string()?;
    let number = cursor.count_expression();
    if number > MOST {
        cursor.error(format!("the file has more than {MOST} expressions"));
        return None;
    }
    match Pattern::compile(text, if number <= LARGE.0 { LARGE.1 } else { SMALL }) {
        Ok(pattern) => Some(pattern),
        Err(why) => {
            cursor.error_with_hint(
                format!("found `{text}`, which cannot be used: {why}"),
                "look-around (`(?=…)`, `(?!…)`) and references (`\\1`) are not known here",
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::json::Document;

    fn read(text: &str) -> Result<Matcher, String> {
        let document = Document::parse(Path::new("m.json"), text.to_owned()).unwrap();
        document.read(|cursor| Matcher::read(&cursor)).map(|(m, _)| m).map_err(|e| e.to_string())
    }

    fn fits(format: &str, pattern: &str) -> bool {
        let text = format!(r#"{{"formatString": "{format}", "matchRegex": "{pattern}"}}"#);
        let bound = read(&text).unwrap().bind(|name| name.strip_prefix('v').map(str::to_owned)).unwrap();
        bound.fits(String::clone)
    }

    #[test]
    fn the_expression_is_sought_in_the_filled_text() {
        assert!(fits("set {vA}-{vB}", "A-B$"));
        assert!(!fits("{vA}", "B"));
        assert!(fits("{vA}", "^A$") && fits("x", "x") && fits("", "^$"));
    }

    #[test]
    fn names_that_stand_for_nothing_are_handed_back() {
        let matcher = read(r#"{"formatString": "{a}{vB}{c}", "matchRegex": ""}"#).unwrap();
        let unknown = matcher.bind(|name| name.strip_prefix('v').map(str::to_owned)).unwrap_err();
        assert_eq!(unknown, ["a", "c"]);
    }

    #[test]
    fn what_is_no_matcher() {
        for (text, fragment) in [
            (r"{}", "the key `matchRegex` is missing"),
            (r#"{"formatString": "{", "matchRegex": ""}"#, "`formatString`: the brace `{` has no partner"),
            (r#"{"formatString": "{a:.2f}", "matchRegex": ""}"#, "asks for a number of decimals"),
            (
                r#"{"formatString": "", "matchRegex": "(?=A)"}"#,
                "`matchRegex`: found `(?=A)`, which cannot be used: look-around",
            ),
            (r#"{"formatString": "", "matchRegex": "", "x": 1}"#, "the key `x` is unknown"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(fragment), "{error}\nexpected: {fragment}");
        }
    }
}
