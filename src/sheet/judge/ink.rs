//! The judge by ink: how much ink each bubble has beyond what is printed there, beside the sheet's own full mark.
//!
//! What is known in advance is little: most bubbles are blank, those of one value are printed alike, full marks of one sheet
//! resemble each other. So the sheet tells its own numbers: the ink of a blank bubble of each value, that of a full mark, and
//! how much blank bubbles differ. From them a bubble has a score, 0 blank to 1 full, and the score a probability. A bubble
//! beside a clear mark needs more to be one, since residue and strays are commonest there.
//!
//! Whatever the probability says, some marks are never taken on trust: see [`Reason`].

use std::collections::HashMap;

use super::{FieldJudgement, Judgement, Scale};
use crate::sheet::error::{Reason, SheetDoubt};
use crate::sheet::read::{BubbleInk, Readings};
use crate::template::Template;

/// Levels are scores in hundredths.
const HUNDREDTHS: f64 = 100.0;

/// Decides which bubbles of a sheet are marked.
pub fn judge(readings: &Readings, template: &Template) -> Judgement {
    let mut glyphs: HashMap<&str, usize> = HashMap::new();
    let mut bubbles = Vec::new();
    let mut lengths = Vec::with_capacity(readings.fields.len());
    for ((_, field), reading) in template.fields().zip(&readings.fields) {
        let inks = reading.bubbles();
        for (bubble, reading) in field.bubbles.iter().zip(inks) {
            let next = glyphs.len();
            let glyph = *glyphs.entry(bubble.value.as_str()).or_insert(next);
            bubbles.push(Bubble { ink: reading.ink, glyph });
        }
        lengths.push(field.bubbles.len().min(inks.len()));
    }
    let sheet = Sheet::of(&bubbles, &lengths, glyphs.len(), readings.darkest);
    let threshold = sheet.alone() * HUNDREDTHS;
    let mut rest = sheet.scores.as_slice();
    let mut offsets = sheet.offsets.iter();
    let fields = lengths.iter().map(|&length| {
        let (own, others) = rest.split_at(length.min(rest.len()));
        rest = others;
        sheet.field(own, offsets.next().copied().unwrap_or(0.0))
    });
    let fields = fields.collect();
    Judgement { scale: Scale::Ink, page_threshold: threshold, fields, doubt: sheet.doubt() }
}

/// What was measured of a bubble, and a number for its value.
struct Bubble {
    ink: BubbleInk,
    glyph: usize,
}

/// The ink of a bubble beyond what blank ones of its value have.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Score {
    /// Mean ink, over that of a full mark.
    mean: f64,
    /// Ink of the darkest spot, over that of a full mark.
    peak: f64,
    /// The darker of both as it is, 0 paper to 1 black.
    ink: f64,
}

impl Score {
    /// 0 blank, 1 full.
    fn value(self) -> f64 {
        0.5 * (self.mean + self.peak)
    }
}

/// What a sheet tells of itself, and its scores.
struct Sheet {
    scores: Vec<Score>,
    /// For each field, how far its bubbles lie above the sheet's blank ones, over a full mark.
    offsets: Vec<f64>,
    /// Ink of a full mark.
    full: f64,
    /// How much blank bubbles differ, over a full mark: on the whole, and of their darkest spots.
    noise: f64,
    peak_noise: f64,
    /// Ink that nearly all bubbles have.
    floor: f64,
}

/// A full mark has this much ink at least, and this where the sheet has no clear marks to tell.
const LEAST_FULL: f64 = 0.12;
const FEW: f64 = 0.35;
/// Rounds in which blank bubbles and full marks tell each other apart.
const ROUNDS: usize = 3;
/// Bubbles with less than this part of a full mark are blank while the sheet's numbers are sought.
const BLANK: f64 = 0.35;
/// Letters differ in their ink by less; what is darker by more than the second is marked, however evenly.
const LETTERS: f64 = 0.25;
const MOST_LETTERS: f64 = 0.2;

/// Below this a sheet has no contrast; beyond these, blank bubbles differ too much, or the print fills them.
const LEAST_CONTRAST: f64 = 0.15;
const MOST_NOISE: f64 = 0.12;
const MOST_PRINT: f64 = 0.6;

impl Sheet {
    fn of(bubbles: &[Bubble], lengths: &[usize], glyphs: usize, darkest: f64) -> Self {
        let means: Vec<f64> = bubbles.iter().map(|b| b.ink.mean).collect();
        let peaks: Vec<f64> = bubbles.iter().map(|b| b.ink.peak).collect();
        let of_glyph: Vec<usize> = bubbles.iter().map(|b| b.glyph).collect();
        let floor = percentile(&means, 30.0);
        let prior = (0.85 * darkest).clamp(FEW, 0.8);
        let print = Print { of_glyph: &of_glyph, glyphs };
        let mut mean = print.without(&means, &print.first(&means));
        let mut peak = print.without(&peaks, &print.first(&peaks));
        let mut full = full_mark(&mean, floor, prior);
        for _ in 0..ROUNDS {
            let is_blank: Vec<bool> = mean.iter().map(|v| *v < BLANK * full).collect();
            if !is_blank.contains(&true) {
                break;
            }
            mean = print.without(&means, &print.of_blank(&means, &is_blank));
            peak = print.without(&peaks, &print.of_blank(&peaks, &is_blank));
            full = full_mark(&mean, floor, prior);
        }
        let marks: Vec<f64> = mean.iter().zip(&peak).filter(|(m, _)| **m > full / 2.0).map(|(_, p)| *p).collect();
        let full_peak = if marks.len() >= 5 { median(&marks).clamp(0.7 * full, 1.5 * full) } else { full };
        let mut offsets = Vec::with_capacity(lengths.len());
        let mut start = 0;
        for &length in lengths {
            let range = start..start + length;
            offsets.push(level_off(&mut mean[range.clone()], full) / full);
            level_off(&mut peak[range], full_peak);
            start += length;
        }
        let scores: Vec<Score> = mean
            .iter()
            .zip(&peak)
            .map(|(m, p)| Score { mean: m / full, peak: p / full_peak, ink: m.max(*p) })
            .collect();
        let blank = || scores.iter().filter(|s| s.mean < 0.2 && s.peak < 0.3);
        // Of a normal distribution, the standard deviation.
        let spread = |of: fn(&Score) -> f64| 1.4826 * median(&blank().map(|s| of(s).abs()).collect::<Vec<_>>());
        let (mean_noise, peak_noise) = (spread(|s| s.mean), spread(|s| s.peak));
        let noise = ((mean_noise + peak_noise) / 2.0).max(0.004);
        Self { scores, offsets, full, noise, peak_noise, floor }
    }

    /// The score from which on a bubble without a mark beside it is marked.
    fn alone(&self) -> f64 {
        (5.5 * self.noise).clamp(0.2, 0.4)
    }

    /// The score from which on a bubble is marked beside one that scores `other`, and how sharply that parts scores.
    fn threshold(&self, other: f64) -> (f64, f64) {
        let beside = (self.alone() + 0.05).max(0.5);
        let part = ((other - 0.25) / 0.35).clamp(0.0, 1.0);
        (self.alone() + (beside - self.alone()) * part, 5.0 + 3.0 * part)
    }

    /// How likely a score is a mark's, beside the largest other score of the field.
    fn probability(&self, score: f64, other: f64) -> f64 {
        let (threshold, steepness) = self.threshold(other);
        1.0 / (1.0 + (threshold / score.max(0.004)).powf(steepness))
    }

    /// Why no field of the sheet can be relied on.
    fn doubt(&self) -> Option<SheetDoubt> {
        if self.scores.is_empty() {
            return None;
        }
        let percent = |part: f64| part * 100.0;
        let detail = if self.full < LEAST_CONTRAST {
            format!("marks have {:.0} % of the darkness of ink, too little to be told from paper", percent(self.full))
        } else if self.noise > MOST_NOISE {
            format!("blank bubbles differ by {:.0} % of a full mark", percent(self.noise))
        } else if self.floor > MOST_PRINT {
            format!("what is printed in the bubbles fills {:.0} % of them with ink", percent(self.floor))
        } else {
            return None;
        };
        Some(SheetDoubt { reason: Reason::LowContrast, detail })
    }

    /// The verdict on a field whose bubbles lie `level` above the sheet's blank ones.
    fn field(&self, scores: &[Score], level: f64) -> FieldJudgement {
        let others = |i: usize| scores.iter().enumerate().filter(move |(j, _)| *j != i).map(|(_, s)| s.value());
        let probabilities: Vec<f64> = scores
            .iter()
            .enumerate()
            .map(|(i, score)| self.probability(score.value(), others(i).fold(f64::NEG_INFINITY, f64::max)))
            .collect();
        let best = scores.iter().map(|s| s.value()).fold(f64::NEG_INFINITY, f64::max);
        let marked: Vec<bool> = probabilities.iter().map(|p| *p > 0.5).collect();
        let sure = probabilities.iter().map(|p| p.max(1.0 - p)).product::<f64>();
        let least = if marked.contains(&true) { SURE } else { SURE_OF_BLANK };
        let doubt = self.reason(scores, &marked, level).or((sure < least).then_some(Reason::LowConfidence));
        FieldJudgement {
            levels: scores.iter().map(|s| s.value() * HUNDREDTHS).collect(),
            // What the bubbles beside the darkest one are judged by; that one is above it whenever it is marked.
            threshold: self.threshold(best).0 * HUNDREDTHS,
            marked,
            confidence: if doubt.is_some() { sure.min(DOUBTED) } else { sure },
            doubt,
        }
    }

    /// What speaks against a verdict, whatever the probabilities say.
    fn reason(&self, scores: &[Score], marked: &[bool], level: f64) -> Option<Reason> {
        if level < -UNEVEN {
            return Some(Reason::LowConfidence);
        }
        let best = scores.iter().map(|s| s.value()).fold(f64::NEG_INFINITY, f64::max);
        let has_mark = marked.contains(&true);
        let of_mark = |score: &Score| {
            if score.mean < SMALL {
                Some(Reason::PartialMark)
            } else if score.value() < best && score.value() < SECOND {
                Some(Reason::AmbiguousGap)
            } else {
                // A tick is dark where its stroke is; what is pale all over is faint.
                let reason = if score.peak > STROKE * score.mean { Reason::PartialMark } else { Reason::FaintMark };
                (score.ink < PALE && score.value() < FAINT).then_some(reason)
            }
        };
        let of_blank = |score: &Score| {
            let is_traced = match has_mark {
                true => score.value() > BESIDE,
                false => {
                    score.value() > (6.0 * self.noise).clamp(TRACE, 0.2)
                        || score.peak > (8.0 * self.peak_noise).clamp(SPOT, 0.4)
                }
            };
            // What is left of a mark is pale all over; a dot or a stroke is dark in one place.
            is_traced.then_some(if score.peak > 1.7 * score.mean { Reason::StrayInk } else { Reason::Residue })
        };
        let reasons = scores.iter().zip(marked);
        reasons.filter_map(|(score, marked)| if *marked { of_mark(score) } else { of_blank(score) }).next()
    }
}

/// A field that is less sure is doubted: one with a mark, and one without, whose traces are told besides.
const SURE: f64 = 0.985;
const SURE_OF_BLANK: f64 = 0.9;
/// One that is doubted is not surer than this.
const DOUBTED: f64 = 0.95;
/// All bubbles of a field are lighter than blank ones by this part of a full mark.
const UNEVEN: f64 = 0.6;
/// A mark with a smaller part of a full mark's ink is a dot, or a stroke.
const SMALL: f64 = 0.22;
/// A second mark that scores less may be residue or a stray.
const SECOND: f64 = 0.65;
/// A mark with less ink than this whose score is below the other may be what an eraser left.
const PALE: f64 = 0.32;
const FAINT: f64 = 0.55;
/// The darkest spot of a stroke is so many times as dark as its mean.
const STROKE: f64 = 1.35;
/// A blank bubble beside a mark that scores more may be one.
const BESIDE: f64 = 0.22;
/// Where a field has no mark, a bubble that scores more, or whose darkest spot does, has more than noise in it.
const TRACE: f64 = 0.085;
const SPOT: f64 = 0.12;

/// What bubbles of each value show when they are blank.
struct Print<'b> {
    of_glyph: &'b [usize],
    glyphs: usize,
}

impl Print<'_> {
    fn without(&self, values: &[f64], print: &[f64]) -> Vec<f64> {
        let print = |glyph: usize| print.get(glyph).copied().unwrap_or(0.0);
        values.iter().zip(self.of_glyph).map(|(value, &glyph)| value - print(glyph)).collect()
    }

    /// A first guess, before marks are known: the lower quarter of each value's bubbles is blank, whoever answered; unless that
    /// quarter is dark and uneven, which print is not: then the value was marked nearly everywhere.
    fn first(&self, values: &[f64]) -> Vec<f64> {
        let common = lower(values, 30.0);
        let groups = self.groups(values, |_| true);
        let guess = groups.iter().map(|group| {
            let own = lower(group, 25.0);
            let spread = lower(group, 60.0) - lower(group, 5.0);
            let is_marked = group.len() >= 6
                && own - common > 0.08
                && (spread > 0.3 * (own - common) || own - common > MOST_LETTERS);
            if is_marked { common } else { towards(own, common, group.len(), 6.0) }
        });
        guess.collect()
    }

    /// From the bubbles that are blank.
    fn of_blank(&self, values: &[f64], is_blank: &[bool]) -> Vec<f64> {
        let groups = self.groups(values, |i| is_blank.get(i).copied().unwrap_or(false));
        let common = median(&groups.concat());
        // Of few, a pale mark may be half.
        let own = |group: &[f64]| if group.len() < 6 { lower(group, 30.0) } else { median(group) };
        groups.iter().map(|group| towards(own(group), common, group.len(), 1.0)).collect()
    }

    fn groups(&self, values: &[f64], is_kept: impl Fn(usize) -> bool) -> Vec<Vec<f64>> {
        let mut groups = vec![Vec::new(); self.glyphs];
        for (i, (value, &glyph)) in values.iter().zip(self.of_glyph).enumerate() {
            if let Some(group) = groups.get_mut(glyph).filter(|_| is_kept(i)) {
                group.push(*value);
            }
        }
        groups
    }
}

/// A value's own number, drawn to the common one by the weight of `prior` bubbles.
fn towards(own: f64, common: f64, count: usize, prior: f64) -> f64 {
    let count = count as f64;
    common + ((own - common) * count / (count + prior)).clamp(-LETTERS, LETTERS)
}

/// The ink of a full mark of the sheet: the median of what is above half of it. `prior` where nothing is.
fn full_mark(ink: &[f64], floor: f64, prior: f64) -> f64 {
    let mut ranked = ink.to_vec();
    let count = ((ranked.len() as f64 * 0.03).ceil() as usize).clamp(1, ranked.len().max(1));
    if count < ranked.len() {
        ranked.select_nth_unstable_by(count, |a, b| b.total_cmp(a));
    }
    let top = median(ranked.get(..count).unwrap_or_default());
    let mut threshold = 0.5 * top.max(LEAST_FULL);
    let mut full = LEAST_FULL;
    if top < LEAST_FULL || ink.iter().filter(|v| **v > threshold).count() < 2 {
        full = prior;
    } else {
        for _ in 0..6 {
            let above: Vec<f64> = ink.iter().copied().filter(|v| *v > threshold).collect();
            if above.is_empty() {
                break;
            }
            full = median(&above).max(LEAST_FULL);
            threshold = full / 2.0;
        }
    }
    let (above, rest): (Vec<f64>, Vec<f64>) = ink.iter().partition(|v| **v > full / 2.0);
    let is_clear = above.len() >= 3 && percentile(&above, 20.0) > 2.0 * percentile(&rest, 99.0).max(0.02);
    if is_clear { full } else { full.max(FEW * (1.0 - floor)) }
}

/// Takes away what all bubbles of a field share, as paper and folds do, and gives how much that was.
fn level_off(values: &mut [f64], full: f64) -> f64 {
    // One bubble shares nothing.
    if values.len() < 2 {
        return 0.0;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = (sorted.len() / 2).max(1);
    let level = sorted.iter().take(half).sum::<f64>() / half as f64;
    if level < 0.3 * full {
        let share = level * half as f64 / (half as f64 + 1.0);
        values.iter_mut().for_each(|v| *v -= share);
    }
    level
}

fn median(values: &[f64]) -> f64 {
    percentile(values, 50.0)
}

/// Between sorted values by a straight line; 0 for none.
fn percentile(values: &[f64], percent: f64) -> f64 {
    let mut ranked = values.to_vec();
    let place = (ranked.len().saturating_sub(1)) as f64 * percent / 100.0;
    let (i, part) = (place as usize, place.fract());
    if i >= ranked.len() {
        return 0.0;
    }
    // No more is sorted than is looked at.
    let (_, &mut here, above) = ranked.select_nth_unstable_by(i, f64::total_cmp);
    let next = above.iter().copied().min_by(f64::total_cmp).unwrap_or(here);
    here + (next - here) * part
}

/// The value at or below a percentile; 0 for none.
fn lower(values: &[f64], percent: f64) -> f64 {
    let mut ranked = values.to_vec();
    let place = (ranked.len().saturating_sub(1)) as f64 * percent / 100.0;
    let i = place as usize;
    if i >= ranked.len() {
        return 0.0;
    }
    *ranked.select_nth_unstable_by(i, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::config::Config;
    use crate::json::Document;
    use crate::sheet::read::{BubbleReading, FieldReading};

    const FIELDS: usize = 20;

    /// A template of 20 questions with values A to D.
    fn template() -> Template {
        let text = r#"{"pageDimensions": [400, 900], "bubbleDimensions": [20, 20], "fieldBlocks": {
            "A": {"fieldType": "QTYPE_MCQ4", "origin": [20, 20], "bubblesGap": 40, "labelsGap": 40,
                  "fieldLabels": ["q1..20"]}}}"#;
        let document = Document::parse(Path::new("t.json"), text.to_owned()).unwrap();
        Template::read(&document, &Config::default()).unwrap().0
    }

    /// What blank bubbles show: the letters of A to D have different ink.
    const LETTERS: [f64; 4] = [0.05, 0.09, 0.07, 0.08];

    fn ink(mean: f64, peak: f64) -> BubbleInk {
        BubbleInk { mean, peak }
    }

    const FULL: BubbleInk = BubbleInk { mean: 0.6, peak: 0.65 };

    /// The verdicts on a sheet on which each bubble has what `ink_of` puts there, over its letter, and a little grain.
    fn judged(ink_of: impl Fn(usize, usize) -> BubbleInk) -> Judgement {
        let field = |i: usize| {
            let bubble = |j: usize| {
                let grain = ((i * 7 + j * 13) % 5) as f64 * 0.002;
                let (over, letter) = (ink_of(i, j), LETTERS[j] + grain);
                // Ink covers the letter in part.
                let mean = over.mean + letter * (1.0 - over.mean);
                let peak = (over.peak + 0.2 + grain).min(1.0).max(mean);
                BubbleReading { gray: 0.0, ink: BubbleInk { mean, peak } }
            };
            FieldReading::Bubbles((0..4).map(bubble).collect())
        };
        let readings = Readings { fields: (0..FIELDS).map(field).collect(), darkest: 0.3 };
        judge(&readings, &template())
    }

    fn marks(judgement: &Judgement, field: usize) -> String {
        judgement.fields[field].marked.iter().zip("ABCD".chars()).filter(|(m, _)| **m).map(|(_, c)| c).collect()
    }

    /// A mark in bubble i mod 4 of each field, but in field 9, where `other` says what stands in each.
    fn beside_full_marks(other: [BubbleInk; 4]) -> Judgement {
        judged(|i, j| {
            if i == 9 {
                other[j]
            } else if j == i % 4 {
                FULL
            } else {
                BubbleInk::default()
            }
        })
    }

    fn nine(other: [BubbleInk; 4]) -> (String, Option<&'static str>) {
        let judgement = beside_full_marks(other);
        assert_eq!(judgement.doubt, None);
        for i in (0..FIELDS).filter(|i| *i != 9) {
            assert_eq!(marks(&judgement, i), ["A", "B", "C", "D"][i % 4]);
            assert_eq!((judgement.fields[i].doubt, judgement.fields[i].confidence > 0.99), (None, true));
        }
        (marks(&judgement, 9), judgement.fields[9].doubt.map(Reason::as_str))
    }

    const NONE: BubbleInk = BubbleInk { mean: 0.0, peak: 0.0 };

    #[test]
    fn blank_full_and_double_are_no_doubts() {
        assert_eq!(nine([NONE; 4]), (String::new(), None));
        assert_eq!(nine([NONE, FULL, NONE, NONE]), ("B".to_owned(), None));
        assert_eq!(nine([FULL, NONE, FULL, NONE]), ("AC".to_owned(), None));
        assert_eq!(nine([NONE, NONE, NONE, ink(0.4, 0.45)]), ("D".to_owned(), None), "a light mark");
    }

    #[test]
    fn what_may_be_no_mark_is_doubted_whichever_way_it_is_read() {
        assert_eq!(nine([NONE, ink(0.05, 0.4), NONE, NONE]).1, Some("partial-mark"), "a dot");
        assert_eq!(nine([NONE, ink(0.03, 0.1), NONE, NONE]), (String::new(), Some("stray-ink")));
        assert_eq!(nine([NONE, ink(0.07, 0.07), NONE, NONE]), (String::new(), Some("residue")));
        assert_eq!(nine([NONE, ink(0.2, 0.22), NONE, NONE]).1, Some("faint-mark"));
        assert_eq!(nine([FULL, ink(0.17, 0.2), NONE, NONE]), ("A".to_owned(), Some("residue")));
        assert_eq!(nine([FULL, ink(0.33, 0.33), NONE, NONE]).1, Some("ambiguous-gap"));
    }

    #[test]
    fn a_sheet_without_marks_is_blank_whatever_its_letters() {
        let judgement = judged(|_, _| NONE);
        assert!((0..FIELDS).all(|i| marks(&judgement, i).is_empty() && judgement.fields[i].doubt.is_none()));
    }

    #[test]
    fn the_same_answer_everywhere_is_no_print() {
        // Pens are uneven.
        let uneven = |i: usize| ink(0.5 + 0.03 * (i % 5) as f64, 0.6);
        let judgement = judged(|i, j| if j == 2 { uneven(i) } else { NONE });
        assert!((0..FIELDS).all(|i| marks(&judgement, i) == "C"));
    }

    #[test]
    fn bubbles_full_of_print_have_no_contrast() {
        let judgement = judged(|_, _| ink(0.7, 0.8));
        assert_eq!(judgement.doubt.map(|doubt| doubt.reason), Some(Reason::LowContrast));
    }

    proptest! {
        /// Whatever is measured, every bubble has a verdict, and every field a confidence.
        #[test]
        fn ranks_are_those_of_sorted_values(values in prop::collection::vec(-1f64..1.0, 0..60), percent in 0f64..=100.0) {
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            let place = sorted.len().saturating_sub(1) as f64 * percent / 100.0;
            let get = |i: usize| sorted.get(i).copied();
            let here = get(place as usize).unwrap_or(0.0);
            let next = get(place as usize + 1).unwrap_or(here);
            prop_assert_eq!(percentile(&values, percent), here + (next - here) * place.fract());
            prop_assert_eq!(lower(&values, percent), here);
        }

        #[test]
        fn any_ink_is_judged(values in prop::collection::vec((0.0f64..1.0, 0.0f64..1.0), 80)) {
            let judgement = judged(|i, j| {
                let (mean, peak) = values[i * 4 + j];
                BubbleInk { mean, peak }
            });
            prop_assert_eq!(judgement.fields.len(), FIELDS);
            for field in &judgement.fields {
                prop_assert_eq!((field.levels.len(), field.marked.len()), (4, 4));
                prop_assert!((0.0..=1.0).contains(&field.confidence));
            }
        }

        /// The order of fields means nothing.
        #[test]
        fn fields_do_not_lean_on_their_neighbours(shift in 1usize..FIELDS) {
            let of = |i: usize, j: usize| match (i % 7, j == i % 4) {
                (0, _) => NONE,
                (3, true) => ink(0.2, 0.3),
                (_, true) => FULL,
                _ => NONE,
            };
            let plain = |shift: usize| {
                let field = |i: usize| {
                    let bubble = |j: usize| BubbleReading { gray: 0.0, ink: of((i + shift) % FIELDS, j) };
                    FieldReading::Bubbles((0..4).map(bubble).collect())
                };
                judge(&Readings { fields: (0..FIELDS).map(field).collect(), darkest: 0.3 }, &template())
            };
            let (still, moved) = (plain(0), plain(shift));
            for i in 0..FIELDS {
                prop_assert_eq!(&still.fields[(i + shift) % FIELDS].marked, &moved.fields[i].marked);
            }
        }
    }
}
