//! Texts with places for values, in the notation of Python's `str.format`: `Score: {score}`.
//!
//! Names stand for themselves. Attributes, indexes and conversions reach into Python's objects, of which there are none
//! here; of the format specifications only a number of decimals (`{score:.1f}`) is read.

/// A text with places for values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    /// Its parts, in order.
    pub pieces: Vec<Piece>,
}

/// A part of a [`Format`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Stands as it is.
    Text(String),
    /// Is replaced by a value.
    Value {
        /// Whose value.
        name: String,
        /// Digits after the point, where the format says so.
        decimals: Option<u8>,
    },
}

/// Why a text is no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// A brace without its partner.
    #[error("the brace `{0}` has no partner")]
    LoneBrace(char),
    /// Braces around nothing or around a number.
    #[error("`{{{0}}}` names no value")]
    NoName(String),
    /// Python's reach into objects.
    #[error("`{{{0}}}` is more than a name")]
    NotPlain(String),
    /// More names than any text needs; each is filled for each sheet.
    #[error("the text has more than {MAX_NAMES} names")]
    Long,
}

/// A format may have this many names.
const MAX_NAMES: usize = 1000;

impl Format {
    /// Parses `text`; `{{` and `}}` stand for braces.
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let brace = if rest[at..].starts_with('{') { '{' } else { '}' };
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                plain.push(brace);
                rest = after;
                continue;
            }
            if brace == '}' {
                return Err(FormatError::LoneBrace('}'));
            }
            let end = rest.find(['{', '}']).ok_or(FormatError::LoneBrace('{'))?;
            if rest[end..].starts_with('{') {
                return Err(FormatError::LoneBrace('{'));
            }
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(value(&rest[..end])?);
            if pieces.len() > 2 * MAX_NAMES {
                return Err(FormatError::Long);
            }
            rest = &rest[end + 1..];
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Self { pieces })
    }

    /// The names of its values, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Value { name, .. } => Some(name.as_str()),
        })
    }
}

/// What stands between two braces.
fn value(inside: &str) -> Result<Piece, FormatError> {
    let (name, specification) = match inside.split_once(':') {
        Some((name, specification)) => (name, Some(specification)),
        None => (inside, None),
    };
    if name.is_empty() || name.bytes().all(|b| b.is_ascii_digit()) {
        return Err(FormatError::NoName(inside.to_owned()));
    }
    let not_plain = || FormatError::NotPlain(inside.to_owned());
    if name.contains(['.', '[', '!']) {
        return Err(not_plain());
    }
    let decimals = match specification {
        None | Some("") => None,
        Some(text) => Some(
            text.strip_prefix('.')
                .and_then(|t| t.strip_suffix('f'))
                .and_then(|t| t.parse().ok())
                .filter(|&digits| digits <= 20)
                .ok_or_else(not_plain)?,
        ),
    };
    Ok(Piece::Value { name: name.to_owned(), decimals })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_values_and_braces() {
        let text = |t: &str| Piece::Text(t.to_owned());
        let value = |name: &str, decimals| Piece::Value { name: name.to_owned(), decimals };
        let pieces = |t: &str| Format::parse(t).map(|f| f.pieces);
        assert_eq!(pieces("Score: {score}"), Ok(vec![text("Score: "), value("score", None)]));
        assert_eq!(pieces("{{{a b}}}!"), Ok(vec![text("{"), value("a b", None), text("}!")]));
        assert_eq!(pieces("{score:.1f}"), Ok(vec![value("score", Some(1))]));
        assert_eq!(pieces(""), Ok(vec![]));
        let format = Format::parse("{a}-{b}-{a}").unwrap();
        assert_eq!(format.names().collect::<Vec<_>>(), ["a", "b", "a"]);
    }

    #[test]
    fn what_is_no_format() {
        for text in ["{", "}", "a{b", "{a{b}}", "{{}"] {
            assert!(matches!(Format::parse(text), Err(FormatError::LoneBrace(_))), "{text}");
        }
        for text in ["{}", "{0}", "{:.1f}"] {
            assert!(matches!(Format::parse(text), Err(FormatError::NoName(_))), "{text}");
        }
        for text in ["{a.b}", "{a[0]}", "{a!r}", "{a:>5}", "{a:.99f}"] {
            assert!(matches!(Format::parse(text), Err(FormatError::NotPlain(_))), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[{}a:.1fé!]{0,20}") {
            let _ = Format::parse(&text);
        }
    }
}
