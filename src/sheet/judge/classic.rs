//! The classic judge: OMRChecker's family of thresholds on mean grays. Plain numbers in, marks out.
//!
//! A field's own means are sorted and parted at their widest gap. Where no gap is wide enough to be trusted, the page's
//! threshold decides, found the same way among all means of the page. The three generations share this idea and differ
//! in the details that [`Rules`] names (spec v1 6.3–6.5, spec v2 9.3–9.5 and 11.3).

use crate::config::Thresholds;
use crate::dialect::Dialect;
use crate::imaging::stats;

use super::{FieldJudgement, Judgement, Scale};
use crate::sheet::error::Reason;
use crate::sheet::read::{FieldReading, Readings};

/// In what the generations differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// The page's gap is taken between the means this many places below and above.
    pub page_window: usize,
    /// What decides where a field's own gap is too narrow.
    pub narrow_gap: NarrowGap,
    /// How the deviations of the fields are parted.
    pub deviations: Deviations,
    /// A field of two or more bubbles, all marked, is blank.
    pub all_marked_is_blank: bool,
}

/// What decides in a field whose own gap is too narrow to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NarrowGap {
    /// v1: the page's threshold if the field's deviation is small, else the field's own (255 if it has no gap at all).
    PageIfEven,
    /// v2-dev: as v1, but the page's threshold also if the field has no gap at all.
    PageIfEvenOrNoGap,
    /// v2: the page's threshold.
    Page,
}

/// How the threshold of the fields' deviations is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deviations {
    /// v1: rounded to 2 decimals, with the gap and the fallback that are meant for grays.
    RoundedWithGrayNumbers,
    /// v2 family: unrounded, with numbers of their own.
    WithOwnNumbers,
}

impl Rules {
    /// The rules of a dialect.
    pub const fn of(dialect: Dialect) -> Self {
        match dialect {
            Dialect::V1 => Self {
                page_window: 2,
                narrow_gap: NarrowGap::PageIfEven,
                deviations: Deviations::RoundedWithGrayNumbers,
                all_marked_is_blank: false,
            },
            Dialect::V2Dev => Self {
                page_window: 2,
                narrow_gap: NarrowGap::PageIfEvenOrNoGap,
                deviations: Deviations::WithOwnNumbers,
                all_marked_is_blank: false,
            },
            Dialect::V2 => Self {
                page_window: 1,
                narrow_gap: NarrowGap::Page,
                deviations: Deviations::WithOwnNumbers,
                all_marked_is_blank: true,
            },
        }
    }
}

/// The threshold of a field that has no gap at all, in v1: everything darker than white is marked.
const NO_GAP: f64 = 255.0;

/// A mean within this many gray levels of its threshold is too near to call: another scan of the same sheet may fall on
/// the other side. Noise and resampling move a mean by less than that.
const NEAR_THRESHOLD: f64 = 3.0;

/// Decides which bubbles are marked: those whose mean lies below the threshold of their field.
pub fn judge(readings: &Readings, numbers: &Thresholds, rules: Rules) -> Judgement {
    let mut all: Vec<f64> = readings.fields.iter().flat_map(FieldReading::grays).collect();
    let page_threshold = widest_gap(&mut all, rules.page_window, numbers.min_jump, numbers.page_threshold);
    let deviation = |means: &[f64]| match rules.deviations {
        Deviations::RoundedWithGrayNumbers => stats::rounded_std(means),
        Deviations::WithOwnNumbers => stats::std(means),
    };
    let (least_gap, fallback) = match rules.deviations {
        Deviations::RoundedWithGrayNumbers => (numbers.min_jump, numbers.page_threshold),
        Deviations::WithOwnNumbers => (numbers.min_jump_std, numbers.page_threshold_std),
    };
    let grays: Vec<Vec<f64>> = readings.fields.iter().map(|field| field.grays().collect()).collect();
    let deviations: Vec<f64> = grays.iter().map(|means| deviation(means)).collect();
    // Fields without bubbles have no deviation that could count.
    let bubbled = grays.iter().zip(&deviations).filter(|(means, _)| !means.is_empty());
    let mut counted: Vec<f64> = bubbled.map(|(_, d)| *d).collect();
    let deviation_threshold = widest_gap(&mut counted, 1, least_gap, fallback);
    let judge_field = |means: &[f64], deviation: f64| {
        let is_even = deviation < deviation_threshold;
        let threshold = field_threshold(means, page_threshold, is_even, numbers, rules);
        let nearest = means.iter().map(|mean| (mean - threshold).abs()).fold(f64::INFINITY, f64::min);
        FieldJudgement {
            levels: means.to_vec(),
            threshold,
            marked: means.iter().map(|&mean| mean < threshold).collect(),
            confidence: (0.5 + 0.5 * nearest / NEAR_THRESHOLD).min(1.0),
            doubt: (nearest < NEAR_THRESHOLD).then_some(Reason::AmbiguousGap),
        }
    };
    let fields = grays.iter().zip(&deviations).map(|(means, &d)| judge_field(means, d)).collect();
    Judgement { scale: Scale::Gray, page_threshold, fields, doubt: None }
}

/// Sorts `values` and finds the widest gap between the values `window` places below and above; the threshold is its
/// middle. `fallback` when no gap is wider than `least_gap`. Of equal gaps the darkest counts.
fn widest_gap(values: &mut [f64], window: usize, least_gap: f64, fallback: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let (mut best, mut threshold) = (least_gap, fallback);
    for i in window..values.len().saturating_sub(window) {
        let gap = values[i + window] - values[i - window];
        if gap > best {
            best = gap;
            threshold = values[i - window] + gap / 2.0;
        }
    }
    threshold
}

/// The threshold of one field. `is_even`: its deviation is below the page's threshold of deviations.
fn field_threshold(means: &[f64], page: f64, is_even: bool, numbers: &Thresholds, rules: Rules) -> f64 {
    let mut sorted = means.to_vec();
    sorted.sort_by(f64::total_cmp);
    // v2 takes a page threshold of 0 for "not known".
    let page = if rules.narrow_gap == NarrowGap::Page && page == 0.0 { numbers.page_threshold } else { page };
    if sorted.len() < 3 {
        let gap = sorted.last().zip(sorted.first()).map_or(0.0, |(last, first)| last - first);
        let is_gap = sorted.len() == 2 && gap >= numbers.min_gap_two_bubbles;
        return if is_gap { (sorted[0] + sorted[1]) / 2.0 } else { page };
    }
    let (mut best, mut own) = match rules.narrow_gap {
        NarrowGap::Page => (0.0, page),
        NarrowGap::PageIfEven | NarrowGap::PageIfEvenOrNoGap => (numbers.min_jump, NO_GAP),
    };
    for i in 1..sorted.len() - 1 {
        let gap = sorted[i + 1] - sorted[i - 1];
        if gap > best {
            best = gap;
            own = sorted[i - 1] + gap / 2.0;
        }
    }
    if best >= numbers.min_jump + numbers.confident_surplus {
        return own;
    }
    match rules.narrow_gap {
        NarrowGap::Page => page,
        NarrowGap::PageIfEven if is_even => page,
        NarrowGap::PageIfEvenOrNoGap if is_even || own == NO_GAP => page,
        NarrowGap::PageIfEven | NarrowGap::PageIfEvenOrNoGap => own,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sheet::read::BubbleReading;

    fn readings(fields: &[&[f64]]) -> Readings {
        let bubbles = |means: &[f64]| means.iter().map(|&gray| BubbleReading { gray, ..Default::default() }).collect();
        let fields = fields.iter().map(|means| FieldReading::Bubbles(bubbles(means))).collect();
        Readings { fields, ..Default::default() }
    }

    fn marks(fields: &[&[f64]], dialect: Dialect) -> Vec<String> {
        let judged = judge(&readings(fields), &Thresholds::default(), Rules::of(dialect));
        let text = |f: &FieldJudgement| f.marked.iter().map(|&m| if m { '#' } else { '.' }).collect();
        judged.fields.iter().map(text).collect()
    }

    #[test]
    fn the_page_threshold_is_the_middle_of_the_widest_gap() {
        let mut values = [90.0, 100.0, 95.0, 200.0, 210.0, 205.0];
        // Sorted 90 95 100 200 205 210, window 2: the widest of 200−90, 205−95, … stands first at 90…205.
        assert_eq!(widest_gap(&mut values, 2, 25.0, 200.0), 147.5);
        assert_eq!(widest_gap(&mut values, 1, 25.0, 200.0), 147.5);
        assert_eq!(widest_gap(&mut [100.0, 110.0, 120.0], 1, 25.0, 200.0), 200.0);
        assert_eq!(widest_gap(&mut [], 2, 25.0, 100.0), 100.0);
    }

    #[test]
    fn a_clear_field_is_parted_by_its_own_gap() {
        for dialect in [Dialect::V1, Dialect::V2Dev, Dialect::V2] {
            assert_eq!(marks(&[&[210.0, 90.0, 205.0, 208.0]], dialect), [".#.."], "{dialect}");
        }
    }

    #[test]
    fn two_bubbles_need_a_gap_of_their_own() {
        for dialect in [Dialect::V1, Dialect::V2Dev, Dialect::V2] {
            assert_eq!(marks(&[&[180.0, 150.0]], dialect), [".#"], "a gap of 30, {dialect}");
            assert_eq!(marks(&[&[180.0, 151.0]], dialect), ["##"], "both are darker than the page's 200, {dialect}");
            assert_eq!(marks(&[&[220.0, 210.0]], dialect), [".."], "{dialect}");
        }
    }

    #[test]
    fn one_bubble_is_judged_by_the_page() {
        for dialect in [Dialect::V1, Dialect::V2Dev, Dialect::V2] {
            assert_eq!(marks(&[&[199.9], &[200.0]], dialect), ["#", "."], "{dialect}");
        }
    }

    #[test]
    fn an_uneven_field_without_a_gap_is_where_the_dialects_part() {
        // Three fields with hardly any deviation, and one whose means climb in steps of 12: it is uneven, but no two
        // steps together are wider than 25.
        let even: &[f64] = &[230.0, 231.0, 232.0, 233.0];
        let climbing: &[f64] = &[100.0, 112.0, 124.0, 136.0, 148.0, 160.0, 172.0, 184.0, 196.0, 208.0, 220.0, 232.0];
        let fields = [even, even, even, climbing];
        // The deviations are .. and 41: their gap exceeds 25 in v1, 15 in v2-dev.
        assert_eq!(marks(&fields, Dialect::V1)[3], "############", "v1 keeps 255");
        // The page's widest gap over two places is 148−100: its threshold is 124. Over one place no gap exceeds 25.
        assert_eq!(marks(&fields, Dialect::V2Dev)[3], "##..........", "v2-dev falls back to the page");
        assert_eq!(marks(&fields, Dialect::V2)[3], "#########...", "v2 falls back to the page, with 200");
    }

    #[test]
    fn the_mark_test_is_strict() {
        let judged = judge(&readings(&[&[200.0, 200.0, 200.0]]), &Thresholds::default(), Rules::of(Dialect::V1));
        assert_eq!((judged.fields[0].threshold, &judged.fields[0].marked), (200.0, &vec![false; 3]));
        assert_eq!((judged.fields[0].confidence, judged.fields[0].doubt), (0.5, Some(Reason::AmbiguousGap)));
    }

    proptest! {
        #[test]
        fn the_order_of_bubbles_does_not_matter(
            mut means in prop::collection::vec(0.0f64..255.0, 0..12),
            dialect in prop::sample::select(vec![Dialect::V1, Dialect::V2Dev, Dialect::V2]),
        ) {
            let forward = judge(&readings(&[&means]), &Thresholds::default(), Rules::of(dialect));
            means.reverse();
            let mut backward = judge(&readings(&[&means]), &Thresholds::default(), Rules::of(dialect));
            backward.fields[0].marked.reverse();
            // The deviation is summed in another order, which can only matter on the last bit.
            prop_assert_eq!(&forward.fields[0].marked, &backward.fields[0].marked);
        }

        #[test]
        fn a_darker_bubble_than_a_marked_one_is_marked(
            means in prop::collection::vec(0.0f64..255.0, 1..12),
            dialect in prop::sample::select(vec![Dialect::V1, Dialect::V2Dev, Dialect::V2]),
        ) {
            let judged = judge(&readings(&[&means]), &Thresholds::default(), Rules::of(dialect));
            let marked = &judged.fields[0].marked;
            for i in 0..means.len() {
                for j in 0..means.len() {
                    prop_assert!(!(marked[i] && means[j] < means[i] && !marked[j]));
                }
            }
        }
    }
}
