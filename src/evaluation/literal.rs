//! Reads the part of Python's notation that answer keys use: lists of texts and numbers, such as
//! `['A', 'B']` or `[["A", 1], ["B", '1/2']]`.
//!
//! Texts stand in single or double quotes; a backslash before a quote or a backslash stands for the character after
//! it. Lists are in brackets or, as Python's tuples, in parentheses; a comma may follow the last item. Nothing is
//! evaluated: a number is the text that was written.

/// A list, a text or a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Literal {
    List(Vec<Literal>),
    Text(String),
    Number(String),
}

/// Answers nest two deep.
const MAX_DEPTH: usize = 3;

/// Reads `text`.
///
/// # Errors
/// What was found and expected, for a message.
pub(super) fn parse(text: &str) -> Result<Literal, String> {
    let mut reader = Reader { rest: text };
    let value = reader.value(0)?;
    reader.skip_blanks();
    match reader.rest {
        "" => Ok(value),
        rest => Err(format!("found `{}` after the list, expected its end", head(rest))),
    }
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn value(&mut self, depth: usize) -> Result<Literal, String> {
        self.skip_blanks();
        match self.rest.chars().next() {
            Some('[') => self.list(']', depth).map(Literal::List),
            Some('(') => self.list(')', depth).map(Literal::List),
            Some(quote @ ('\'' | '"')) => self.text(quote).map(Literal::Text),
            Some(c) if c.is_ascii_digit() || "+-.".contains(c) => Ok(Literal::Number(self.number())),
            Some(_) => Err(format!("found `{}`, expected a text in quotes, a number or a list", head(self.rest))),
            None => Err("the list is not closed".to_owned()),
        }
    }

    fn list(&mut self, close: char, depth: usize) -> Result<Vec<Literal>, String> {
        if depth == MAX_DEPTH {
            return Err("lists are nested too deep".to_owned());
        }
        self.rest = &self.rest[1..];
        let mut items = Vec::new();
        loop {
            self.skip_blanks();
            if let Some(rest) = self.rest.strip_prefix(close) {
                self.rest = rest;
                return Ok(items);
            }
            items.push(self.value(depth + 1)?);
            self.skip_blanks();
            match self.rest.strip_prefix(',') {
                Some(rest) => self.rest = rest,
                None if self.rest.starts_with(close) => {}
                None if self.rest.is_empty() => return Err("the list is not closed".to_owned()),
                None => return Err(format!("found `{}`, expected `,` or `{close}`", head(self.rest))),
            }
        }
    }

    fn text(&mut self, quote: char) -> Result<String, String> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            if c == quote {
                self.rest = &self.rest[at + 1..];
                return Ok(text);
            }
            match c {
                '\\' => match chars.next() {
                    Some((_, c @ ('\\' | '\'' | '"'))) => text.push(c),
                    Some((_, c)) => return Err(format!("found `\\{c}` in a text, expected a quote after `\\`")),
                    None => break,
                },
                c => text.push(c),
            }
        }
        Err(format!("a text lacks its closing `{quote}`"))
    }

    /// What looks like a number or a fraction; whether it is one, marks decide.
    fn number(&mut self) -> String {
        let is_part = |c: char| c.is_ascii_digit() || "+-./eE".contains(c);
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at(end);
        self.rest = rest;
        number.to_owned()
    }
}

/// The first characters of a text, for a message.
fn head(text: &str) -> String {
    text.chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(t: &str) -> Literal {
        Literal::Text(t.to_owned())
    }

    #[test]
    fn lists_texts_and_numbers() {
        let number = |t: &str| Literal::Number(t.to_owned());
        assert_eq!(parse("['A', \"B\"]"), Ok(Literal::List(vec![text("A"), text("B")])));
        let pairs = vec![
            Literal::List(vec![text("A"), number("1")]),
            Literal::List(vec![text("it's"), number("-0.5")]),
            Literal::List(vec![text("\\"), text("1/2")]),
        ];
        assert_eq!(parse(r#" [["A",1], ("it's" , -0.5), ['\\', '1/2'],] "#), Ok(Literal::List(pairs)));
        assert_eq!(parse(r"['it\'s']"), Ok(Literal::List(vec![text("it's")])));
        assert_eq!(parse("[]"), Ok(Literal::List(vec![])));
    }

    #[test]
    fn what_is_no_list_says_why() {
        for (given, expected) in [
            ("['A'", "the list is not closed"),
            ("['A", "a text lacks its closing `'`"),
            ("['A\\", "a text lacks its closing `'`"),
            ("['A' 'B']", "found `'B']`, expected `,` or `]`"),
            ("[A]", "found `A]`, expected a text in quotes, a number or a list"),
            ("['A'] x", "found `x` after the list, expected its end"),
            ("[[[[1]]]]", "lists are nested too deep"),
            ("['\\n']", "found `\\n` in a text, expected a quote after `\\`"),
        ] {
            assert_eq!(parse(given), Err(expected.to_owned()), "{given}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[\\[\\]()'\",\\\\aé1. -]{0,30}") {
            let _ = parse(&text);
        }
    }
}
