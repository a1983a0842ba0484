//! Answer keys of the scored samples, and the scores that follow from them.
//!
//! The arithmetic is fractions of machine integers, on purpose apart from the program's own evaluation: the samples
//! check that one.

use std::fmt;

use crate::deck::DeckError;

/// A fraction; `below` is positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fraction {
    above: i64,
    below: i64,
}

/// What is right in a question.
#[derive(Debug, Clone, Copy)]
pub enum Right {
    /// One value.
    One(&'static str),
    /// Each of these values.
    Any(&'static [&'static str]),
    /// Each of these values, with a mark of its own.
    Weighted(&'static [(&'static str, Fraction)]),
}

/// What answers earn.
#[derive(Debug, Clone, Copy)]
pub struct Marks {
    /// A right one.
    pub correct: Fraction,
    /// A wrong one.
    pub incorrect: Fraction,
    /// None.
    pub unmarked: Fraction,
}

/// Questions with marks of their own.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    /// Its name.
    pub name: &'static str,
    /// Its questions.
    pub questions: &'static [&'static str],
    /// What they earn.
    pub marks: Marks,
}

/// A key with its marks.
#[derive(Debug, Clone)]
pub struct Key {
    /// Questions, which are output columns, and what is right in them.
    pub answers: Vec<(String, Right)>,
    /// What questions earn that are in no section.
    pub default: Marks,
    /// The sections; no question is in two of them.
    pub sections: Vec<Section>,
}

impl Fraction {
    /// Nothing.
    pub const ZERO: Self = Self::whole(0);

    /// A whole number.
    pub const fn whole(number: i64) -> Self {
        Self { above: number, below: 1 }
    }

    /// `above` / `below`; the latter is positive.
    pub const fn of(above: i64, below: i64) -> Self {
        Self { above, below }
    }

    fn plus(self, other: Self) -> Self {
        let (above, below) = (self.above * other.below + other.above * self.below, self.below * other.below);
        let (mut divisor, mut rest) = (below, above.abs());
        while rest != 0 {
            (divisor, rest) = (rest, divisor % rest);
        }
        Self { above: above / divisor, below: below / divisor }
    }

    /// As scores are printed: the nearest double, in its shortest form, with at least one decimal.
    pub fn score(self) -> String {
        format!("{:?}", self.above as f64 / self.below as f64)
    }
}

/// As evaluation files write marks.
impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.below {
            1 => write!(f, "{}", self.above),
            below => write!(f, "{}/{below}", self.above),
        }
    }
}

impl Right {
    /// The values that are right.
    pub fn values(&self) -> Vec<&'static str> {
        match self {
            Self::One(value) => vec![*value],
            Self::Any(values) => values.to_vec(),
            Self::Weighted(values) => values.iter().map(|(value, _)| *value).collect(),
        }
    }
}

impl Key {
    /// For questions with one right answer each.
    pub fn plain(questions: Vec<String>, answers: &[&'static str], default: Marks, sections: Vec<Section>) -> Self {
        let answers = questions.into_iter().zip(answers.iter().map(|&answer| Right::One(answer))).collect();
        Self { answers, default, sections }
    }

    /// The sum of what a sheet's values earn. `value` finds the value of a question; no mark is an empty text.
    pub fn score<'v>(&self, value: impl Fn(&str) -> Option<&'v str>) -> Fraction {
        let earned = self.answers.iter().map(|(question, right)| {
            let section = self.sections.iter().find(|section| section.questions.contains(&question.as_str()));
            let marks = section.map_or(self.default, |section| section.marks);
            let value = value(question).unwrap_or_default();
            match right {
                _ if value.is_empty() => marks.unmarked,
                Right::Weighted(weights) => {
                    weights.iter().find(|(right, _)| *right == value).map_or(marks.incorrect, |(_, mark)| *mark)
                }
                _ if right.values().contains(&value) => marks.correct,
                _ => marks.incorrect,
            }
        });
        earned.fold(Fraction::ZERO, Fraction::plus)
    }

    /// The key as a CSV without header: a question and its answer in each row.
    pub fn csv(&self) -> Result<Vec<u8>, DeckError> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for (question, right) in &self.answers {
            let answer = match right {
                Right::One(value) => (*value).to_owned(),
                Right::Any(values) => values.join(","),
                Right::Weighted(weights) => {
                    let pairs: Vec<String> =
                        weights.iter().map(|(value, mark)| format!("['{value}', '{mark}']")).collect();
                    format!("[{}]", pairs.join(", "))
                }
            };
            writer.write_record([question, &answer])?;
        }
        writer.into_inner().map_err(|error| csv::Error::from(error.into_error()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKS: Marks =
        Marks { correct: Fraction::whole(1), incorrect: Fraction::of(-1, 3), unmarked: Fraction::ZERO };

    const WEIGHTS: [(&str, Fraction); 2] = [("A", Fraction::whole(2)), ("C", Fraction::of(1, 2))];

    fn key() -> Key {
        let hard = Marks { correct: Fraction::of(5, 2), incorrect: Fraction::ZERO, unmarked: Fraction::of(-1, 4) };
        let right = [Right::One("A"), Right::Any(&["B", "D"]), Right::Weighted(&WEIGHTS), Right::One("07")];
        Key {
            answers: ["q1", "q2", "q3", "q4"].map(str::to_owned).into_iter().zip(right).collect(),
            default: MARKS,
            sections: vec![Section { name: "HARD", questions: &["q4"], marks: hard }],
        }
    }

    #[test]
    fn scores_by_hand() {
        let cases = [
            (["A", "D", "C", "07"], "5.0"),                // 1 + 1 + 1/2 + 5/2
            (["B", "BD", "A", "7"], "1.3333333333333333"), // −1/3 − 1/3 + 2 + 0
            (["", "", "", ""], "-0.25"),
            (["C", "C", "D", "70"], "-1.0"), // −1/3 three times
        ];
        for (values, expected) in cases {
            let value = |question: &str| values.iter().zip(["q1", "q2", "q3", "q4"]).find(|(_, q)| *q == question);
            assert_eq!(key().score(|q| value(q).map(|(v, _)| *v)).score(), expected, "{values:?}");
        }
    }

    #[test]
    fn a_key_as_csv() {
        let text = "q1,A\nq2,\"B,D\"\nq3,\"[['A', '2'], ['C', '1/2']]\"\nq4,07\n";
        assert_eq!(String::from_utf8(key().csv().unwrap()).unwrap(), text);
    }
}
