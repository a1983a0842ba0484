//! Marks as exact fractions: `0.1` is one tenth and `-2/3` is two thirds less, whatever is added to them.
//!
//! OMRChecker turns every mark into a double, so its sums drift; here a mark keeps the value that was written.

use std::fmt;
use std::str::FromStr;

use num_rational::BigRational;

use crate::json::{Cursor, Kind};

/// A mark may need this many digits above or below the line. Exams need three; a text with more is a mistake, and an
/// exponent of a million must not fill the memory.
const MAX_DIGITS: usize = 40;

const EXPECTED: &str = "a number such as `4` or `-0.25`, or a fraction of whole numbers such as `-1/3`";

/// What an answer adds to the score, exactly.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark(BigRational);

/// Why a text is no mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MarkError {
    /// Neither a number nor a fraction.
    #[error("expected {EXPECTED}")]
    Shape,
    /// A fraction with nothing to divide by.
    #[error("expected a fraction that does not divide by 0")]
    ZeroDenominator,
    /// More digits than anyone means.
    #[error("expected at most {MAX_DIGITS} digits")]
    TooLong,
}

impl Mark {
    /// The value.
    pub fn exact(&self) -> &BigRational {
        &self.0
    }

    /// Does it raise the score?
    pub fn is_positive(&self) -> bool {
        self.0 > zero()
    }

    /// Does it lower the score?
    pub fn is_negative(&self) -> bool {
        self.0 < zero()
    }

    /// Reads a JSON number, by the text it was written as, or a string.
    pub(super) fn read(cursor: &Cursor<'_>) -> Option<Self> {
        let text = match &cursor.value().kind {
            Kind::Number { literal, .. } => literal,
            Kind::String(text) => text,
            _ => return cursor.expected(EXPECTED),
        };
        match text.parse() {
            Ok(mark) => Some(mark),
            Err(error) => {
                cursor.error(format!("found {}, {error}", cursor.value().describe()));
                None
            }
        }
    }
}

fn zero() -> BigRational {
    BigRational::from_integer(0.into())
}

impl Default for Mark {
    fn default() -> Self {
        Self(zero())
    }
}

/// A whole number, or a fraction in lowest terms: what [`Mark::from_str`] reads back to the same value.
impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Mark {
    type Err = MarkError;

    /// Reads `p/q` of whole numbers, or a decimal number with an optional exponent. A sign may stand in front, blanks
    /// around the whole.
    fn from_str(text: &str) -> Result<Self, MarkError> {
        let text = text.trim();
        let (sign, rest) = match text.strip_prefix('-') {
            Some(rest) => ("-", rest),
            None => ("", text.strip_prefix('+').unwrap_or(text)),
        };
        let (above, below) = match rest.split_once('/') {
            Some((above, below)) => (digits(above)?.to_owned(), digits(below)?.to_owned()),
            None => decimal(rest)?,
        };
        let (above, below) = (above.trim_start_matches('0'), below.trim_start_matches('0'));
        if below.is_empty() {
            return Err(MarkError::ZeroDenominator);
        }
        if above.len() > MAX_DIGITS || below.len() > MAX_DIGITS {
            return Err(MarkError::TooLong);
        }
        let above = if above.is_empty() { "0" } else { above };
        format!("{sign}{above}/{below}").parse().map(Self).map_err(|_| MarkError::Shape)
    }
}

/// `text`, when it is digits and nothing else.
fn digits(text: &str) -> Result<&str, MarkError> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(MarkError::Shape);
    }
    Ok(text)
}

/// Numerator and denominator of a decimal number without sign: digits, a point among or around them, an exponent.
fn decimal(text: &str) -> Result<(String, String), MarkError> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{part}");
    digits(&all)?;
    let (negative, exponent) = match exponent.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, exponent.strip_prefix('+').unwrap_or(exponent)),
    };
    // Zeros at the end of the part after the point say nothing, and zero is zero whatever its exponent.
    let part = part.trim_end_matches('0');
    let all = format!("{whole}{part}");
    let exponent: i64 = digits(exponent)?.parse().unwrap_or(i64::MAX / 2);
    if all.bytes().all(|b| b == b'0') {
        return Ok(("0".to_owned(), "1".to_owned()));
    }
    let places = i64::try_from(part.len()).unwrap_or(i64::MAX / 4);
    let shift = if negative { -exponent } else { exponent } - places;
    let zeros = usize::try_from(shift.unsigned_abs()).unwrap_or(usize::MAX);
    if zeros > MAX_DIGITS {
        return Err(MarkError::TooLong);
    }
    let zeros = "0".repeat(zeros);
    Ok(if shift < 0 { (all, format!("1{zeros}")) } else { (all + &zeros, "1".to_owned()) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn printed(text: &str) -> Result<String, MarkError> {
        text.parse::<Mark>().map(|mark| mark.to_string())
    }

    #[test]
    fn numbers_and_fractions_are_exact() {
        let cases = [
            ("0.1", "1/10"),
            ("-2/3", "-2/3"),
            ("1/3", "1/3"),
            ("+2", "2"),
            (" 4/6 ", "2/3"),
            ("-0", "0"),
            ("0/7", "0"),
            ("1.50", "3/2"),
            (".5", "1/2"),
            ("5.", "5"),
            ("25e-1", "5/2"),
            ("1.5E2", "150"),
            ("007", "7"),
            ("0e999999999999999999999", "0"),
        ];
        for (text, expected) in cases {
            assert_eq!(printed(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_mark() {
        for text in ["", " ", "-", "abc1", "1.5/2", "1/2/3", "1 /2", "1/ 2", "1/-2", "--1", "1e", "e5", ".", "1_000"] {
            assert_eq!(printed(text), Err(MarkError::Shape), "{text}");
        }
        for text in ["1/0", "0/0", "-1/000"] {
            assert_eq!(printed(text), Err(MarkError::ZeroDenominator), "{text}");
        }
        let long = "9".repeat(MAX_DIGITS + 1);
        for text in ["1e41", "1e-999999999999999999999", "1e9999999999", long.as_str(), &format!("1/{long}")] {
            assert_eq!(printed(text), Err(MarkError::TooLong), "{text}");
        }
    }

    #[test]
    fn signs() {
        let mark = |text: &str| text.parse::<Mark>().unwrap();
        assert!(mark("1/3").is_positive() && !mark("1/3").is_negative());
        assert!(mark("-0.5").is_negative() && !mark("-0.5").is_positive());
        assert!(!Mark::default().is_negative() && !Mark::default().is_positive());
    }

    proptest! {
        #[test]
        fn a_fraction_prints_back_to_the_same_value(above in any::<i64>(), below in 1..i64::MAX) {
            let mark: Mark = format!("{above}/{below}").parse().unwrap();
            prop_assert_eq!(mark.exact(), &BigRational::new(above.into(), below.into()));
            prop_assert_eq!(mark.to_string().parse::<Mark>().unwrap(), mark);
        }

        #[test]
        fn a_decimal_is_its_digits_over_a_power_of_ten(digits in any::<i32>(), places in 0usize..9) {
            let scaled: Mark = format!("{digits}e-{places}").parse().unwrap();
            let below = 10i64.pow(u32::try_from(places).unwrap());
            prop_assert_eq!(scaled.exact(), &BigRational::new(digits.into(), below.into()));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[-+0-9./eE a]{0,50}") {
            let _ = text.parse::<Mark>();
        }
    }
}
