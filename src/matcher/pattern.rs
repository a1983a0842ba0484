//! Matchers are written for Python's `re`; here they are made into expressions of the `regex` crate.
//!
//! Most of the notation is common. What Python reads as plain characters and `regex` as operators is escaped: `&&`,
//! `--`, `~~` and `[` inside of a class, `\<` and `\>`. Python's `\Z` is the end of the text. What `regex` lacks, look
//! around and references to groups, is refused when the matcher is compiled.

use regex::{Regex, RegexBuilder};

/// An expression in Python's notation, compiled. Two are equal that are written alike.
#[derive(Debug, Clone)]
pub struct Pattern {
    written: String,
    regex: Regex,
}

impl Pattern {
    /// Compiles Python's `pattern`, if that takes no more than so many bytes.
    ///
    /// # Errors
    /// What `regex` does not know, on one line.
    pub fn compile(pattern: &str, most: usize) -> Result<Self, String> {
        let compiled = RegexBuilder::new(&translate(pattern)).size_limit(most).build();
        let regex = compiled.map_err(|e| last_line(&e))?;
        Ok(Self { written: pattern.to_owned(), regex })
    }

    /// Is it found anywhere in `text`?
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        &self.written
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for Pattern {}

/// A compiler's complaint on one line: its last, which says what is wrong.
fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut chars = pattern.chars().peekable();
    // The place in a class, if in one: how many characters of it have passed.
    let mut class: Option<usize> = None;
    while let Some(c) = chars.next() {
        match (c, class) {
            ('\\', _) => {
                match chars.next() {
                    Some('Z') if class.is_none() => out.push_str("\\z"),
                    Some(c @ ('<' | '>')) => out.push(c),
                    Some(c) => out.extend(['\\', c]),
                    None => out.push('\\'),
                }
                class = class.map(|n| n + 1);
            }
            ('[', None) => {
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                class = Some(0);
            }
            (']', Some(0)) => {
                out.push_str("\\]");
                class = Some(1);
            }
            (']', Some(_)) => {
                out.push(']');
                class = None;
            }
            ('[', Some(n)) => {
                out.push_str("\\[");
                class = Some(n + 1);
            }
            (c @ ('&' | '~' | '-'), Some(n)) => {
                out.push(c);
                if chars.next_if_eq(&c).is_some() {
                    out.extend(['\\', c]);
                }
                class = Some(n + 1);
            }
            (c, n) => {
                out.push(c);
                class = n.map(|n| n + 1);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LARGE: usize = 10 << 20;

    #[test]
    fn pythons_notation_means_what_it_means_there() {
        for (pattern, text, found) in [
            ("A", "SET A", true),
            ("^A$", "SET A", false),
            (r"A\Z", "BA", true),
            (r"\<A\>", "<A>", true),
            ("[[A]", "[", true),
            ("[]A]", "]", true),
            ("[a&&b]", "&", true),
            ("[^]]", "]", false),
            (r"[\]&]x", "]x", true),
            ("(?i)set (?P<n>[0-9])", "SET 4", true),
        ] {
            assert_eq!(Pattern::compile(pattern, LARGE).unwrap().is_match(text), found, "{pattern}");
        }
    }

    #[test]
    fn what_regex_lacks_is_refused() {
        for pattern in ["(?=A)", r"(A)\1", "(?<!A)B", "(", "["] {
            assert!(Pattern::compile(pattern, LARGE).is_err(), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn no_pattern_makes_it_panic(pattern in "[\\[\\]\\\\^&~Za()<*-]{0,20}") {
            let _ = Pattern::compile(&pattern, LARGE);
        }
    }
}
