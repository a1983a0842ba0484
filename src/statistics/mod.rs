//! Item statistics: how hard each question was, what was marked in it, and how well it sorts those who know from those
//! who do not; and how reliable the whole test is. docs/statistics.md explains them to the reader of the tables.
//!
//! Sheets come one by one and are not kept: each question has a few sums and a count for every value that was marked
//! in it. The sums are whole numbers over a common denominator, so they are exact and the order of the sheets does not
//! matter; only the last division is a floating-point one. A statistic without a value (nothing varies, no sheets) is
//! an empty cell.

mod collect;
mod sums;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use num_rational::BigRational;
use serde::{Deserialize, Serialize};

pub use self::collect::{Collector, Questions};
use self::sums::{Divided, Moments};

/// Header of [`Statistics::items`].
pub const ITEMS_HEADER: [&str; 10] = [
    "question",
    "sheets",
    "right",
    "share_right",
    "blank",
    "multi_marked",
    "options",
    "mean_delta",
    "point_biserial",
    "item_rest",
];

/// Header of [`Statistics::batch`].
pub const BATCH_HEADER: [&str; 2] = ["name", "value"];

/// What became of a question on a sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Answered right.
    Correct,
    /// Answered, not right.
    Incorrect,
    /// Left blank.
    Unmarked,
}

/// A question on a scored sheet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// What was read.
    pub value: String,
    /// Were two or more bubbles of a field marked? `None`: the caller cannot tell, as from a table of results alone.
    pub multi_marked: Option<bool>,
    /// Was it right?
    pub outcome: Outcome,
    /// What it earned; exact, as `numerator/denominator`.
    #[serde(with = "exact")]
    pub delta: BigRational,
}

mod exact {
    use num_rational::BigRational;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(number: &BigRational, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(number)
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<BigRational, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The statistics of a batch while its sheets come in.
#[derive(Debug, Clone)]
pub struct Statistics {
    questions: Vec<Question>,
    sheets: u64,
    totals: Moments,
    /// Lowest and highest total.
    range: Option<(i128, i128)>,
    /// Marks and totals are numerators over this denominator.
    unit: i128,
    scale: Scale,
    /// A sum left its range: what needs sums of marks has no value any more.
    overflown: bool,
    /// The deltas of the sheet at hand; kept for its memory.
    fractions: Vec<(i128, i128)>,
}

/// The sums of one question.
#[derive(Debug, Clone, Default)]
struct Question {
    name: String,
    sheets: u64,
    right: u64,
    blank: u64,
    /// `None` from the first sheet on that could not tell.
    multi_marked: Option<u64>,
    options: BTreeMap<String, u64>,
    deltas: Moments,
    /// The totals of the sheets that have the question, by whether it was right.
    totals: Divided,
    /// The same without what the question earned itself.
    rests: Divided,
}

/// Do questions earn the same one mark when they are right, and nothing else?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    /// Nothing has earned a mark yet.
    Open,
    /// This numerator for every right answer, 0 for all others.
    RightOrWrong(i128),
    /// There are other marks.
    Graded,
}

impl Statistics {
    /// For the questions with these names, in the order of the table.
    pub fn new<S: Into<String>>(questions: impl IntoIterator<Item = S>) -> Self {
        let question = |name: S| Question { name: name.into(), multi_marked: Some(0), ..Question::default() };
        Self {
            questions: questions.into_iter().map(question).collect(),
            sheets: 0,
            totals: Moments::default(),
            range: None,
            unit: 1,
            scale: Scale::Open,
            overflown: false,
            fractions: Vec::new(),
        }
    }

    /// Adds a sheet. The responses stand in the order of the questions; `None` for a question that the sheet's set of
    /// questions does not have, and for those beyond the end of the slice. The sheet's total is the sum of the deltas.
    pub fn add(&mut self, responses: &[Option<Response>]) {
        self.sheets += 1;
        for (question, response) in self.questions.iter_mut().zip(responses) {
            if let Some(response) = response {
                question.count(response);
            }
        }
        if !self.overflown {
            self.overflown = self.add_marks(responses).is_none();
        }
    }

    /// Did the marks need more than 128 bits? Then what is computed from them is left empty.
    pub fn is_overflown(&self) -> bool {
        self.overflown
    }

    /// The table of questions, a row each; the columns are [`ITEMS_HEADER`].
    pub fn items(&self) -> Vec<Vec<String>> {
        self.questions.iter().map(|question| self.item(question)).collect()
    }

    /// Names and values of the whole batch; the columns are [`BATCH_HEADER`].
    pub fn batch(&self) -> Vec<Vec<String>> {
        let (lowest, highest) = self.range.filter(|_| !self.overflown).unzip();
        let in_marks = |numerator: Option<i128>| decimal(numerator.map(|n| n as f64 / self.unit as f64));
        [
            ("sheets", self.sheets.to_string()),
            ("questions", self.questions.len().to_string()),
            ("mean", decimal(self.mean(&self.totals))),
            ("standard_deviation", decimal(self.standard_deviation())),
            ("minimum", in_marks(lowest)),
            ("maximum", in_marks(highest)),
            ("kr20", decimal(self.kr20())),
            ("cronbach_alpha", decimal(self.cronbach_alpha())),
        ]
        .map(|(name, value)| vec![name.to_owned(), value])
        .to_vec()
    }

    fn item(&self, question: &Question) -> Vec<String> {
        let share = (question.sheets > 0).then(|| question.right as f64 / question.sheets as f64);
        let options: Vec<String> = question.options.iter().map(|(value, count)| format!("{value}:{count}")).collect();
        let correlation = |sums: &Divided| decimal(if self.overflown { None } else { sums.point_biserial() });
        vec![
            question.name.clone(),
            question.sheets.to_string(),
            question.right.to_string(),
            decimal(share),
            question.blank.to_string(),
            question.multi_marked.map(|count| count.to_string()).unwrap_or_default(),
            options.join(" "),
            decimal(self.mean(&question.deltas)),
            correlation(&question.totals),
            correlation(&question.rests),
        ]
    }

    /// The part of [`Statistics::add`] that can leave the range of numbers.
    fn add_marks(&mut self, responses: &[Option<Response>]) -> Option<()> {
        let mut fractions = std::mem::take(&mut self.fractions);
        fractions.clear();
        let mut unit = self.unit;
        for response in responses.iter().take(self.questions.len()).flatten() {
            let delta = &response.delta;
            let (above, below) = (delta.numer().try_into().ok()?, delta.denom().try_into().ok()?);
            unit = common_multiple(unit, below)?;
            fractions.push((above, below));
        }
        self.refine(unit)?;

        let mut total: i128 = 0;
        for (above, below) in &mut fractions {
            *above = above.checked_mul(unit / *below)?;
            total = total.checked_add(*above)?;
        }
        self.totals.add(total)?;
        self.range = Some(self.range.map_or((total, total), |(low, high)| (low.min(total), high.max(total))));

        let asked = self.questions.iter_mut().zip(responses).filter_map(|(q, response)| Some((q, response.as_ref()?)));
        for ((question, response), &(delta, _)) in asked.zip(&fractions) {
            let right = response.outcome == Outcome::Correct;
            question.deltas.add(delta)?;
            question.totals.add(total, right)?;
            question.rests.add(total.checked_sub(delta)?, right)?;
            self.scale = self.scale.with(delta, right);
        }
        self.fractions = fractions;
        Some(())
    }

    /// Goes over to the denominator `unit`, a multiple of the present one.
    fn refine(&mut self, unit: i128) -> Option<()> {
        let factor = unit / self.unit;
        if factor == 1 {
            return Some(());
        }
        self.unit = unit;
        self.totals.scale(factor)?;
        if let Some((low, high)) = self.range {
            self.range = Some((low.checked_mul(factor)?, high.checked_mul(factor)?));
        }
        if let Scale::RightOrWrong(mark) = self.scale {
            self.scale = Scale::RightOrWrong(mark.checked_mul(factor)?);
        }
        for question in &mut self.questions {
            question.deltas.scale(factor)?;
            question.totals.scale(factor)?;
            question.rests.scale(factor)?;
        }
        Some(())
    }

    fn mean(&self, numerators: &Moments) -> Option<f64> {
        let known = !self.overflown && numerators.count > 0;
        known.then(|| numerators.sum as f64 / numerators.count as f64 / self.unit as f64)
    }

    /// Of the totals: sqrt(Σ(t − mean)² / n), the population's, not an estimate from a part of it.
    fn standard_deviation(&self) -> Option<f64> {
        if self.overflown || self.sheets == 0 {
            return None;
        }
        let spread = self.totals.spread()?;
        Some((spread as f64).sqrt() / self.sheets as f64 / self.unit as f64)
    }

    /// Formula 20 of Kuder and Richardson (1937): k/(k − 1) · (1 − Σ p(1 − p) / variance of the number of right
    /// answers), p being the share of right answers to a question.
    fn kr20(&self) -> Option<f64> {
        let Scale::RightOrWrong(mark) = self.scale else { return None };
        // A total is `mark` for each right answer, and both variances are taken n² times, so that they are whole.
        let mut variances: i128 = 0;
        for question in &self.questions {
            let wrong = self.sheets.checked_sub(question.right)?;
            variances = variances.checked_add(i128::from(question.right).checked_mul(i128::from(wrong))?)?;
        }
        self.consistency(variances.checked_mul(mark)?.checked_mul(mark)?)
    }

    /// Cronbach's alpha (1951): k/(k − 1) · (1 − Σ variance of a question's deltas / variance of the totals).
    fn cronbach_alpha(&self) -> Option<f64> {
        let mut variances: i128 = 0;
        for question in &self.questions {
            variances = variances.checked_add(question.deltas.spread()?)?;
        }
        self.consistency(variances)
    }

    /// k/(k − 1) · (1 − `variances` / variance of the totals). Only where every sheet has every question.
    fn consistency(&self, variances: i128) -> Option<f64> {
        let whole = self.questions.iter().all(|question| question.sheets == self.sheets);
        let spread = self.totals.spread()?;
        if self.overflown || !whole || self.questions.len() < 2 || spread == 0 {
            return None;
        }
        let k = self.questions.len() as f64;
        Some(k / (k - 1.0) * (spread.checked_sub(variances)? as f64 / spread as f64))
    }
}

impl Question {
    /// Counts what needs no marks.
    fn count(&mut self, response: &Response) {
        self.sheets += 1;
        self.multi_marked = self.multi_marked.zip(response.multi_marked).map(|(n, multi)| n + u64::from(multi));
        match response.outcome {
            Outcome::Correct => self.right += 1,
            Outcome::Incorrect => {}
            Outcome::Unmarked => {
                self.blank += 1;
                return;
            }
        }
        match self.options.get_mut(&response.value) {
            Some(count) => *count += 1,
            None => drop(self.options.insert(response.value.clone(), 1)),
        }
    }
}

impl Scale {
    /// After one more delta.
    fn with(self, delta: i128, right: bool) -> Self {
        match self {
            _ if !right && delta == 0 => self,
            Self::Open if right && delta > 0 => Self::RightOrWrong(delta),
            Self::RightOrWrong(mark) if right && delta == mark => self,
            _ => Self::Graded,
        }
    }
}

/// The least common multiple of two positive numbers.
fn common_multiple(a: i128, b: i128) -> Option<i128> {
    let (mut divisor, mut rest) = (a, b);
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    a.checked_mul(b / divisor)
}

/// With four decimals; nothing for no value.
fn decimal(value: Option<f64>) -> String {
    let Some(value) = value else { return String::new() };
    let text = format!("{value:.4}");
    if text == "-0.0000" { "0.0000".to_owned() } else { text }
}
