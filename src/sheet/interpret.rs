//! Marks become values: of fields, of output columns; and what is doubtful about them.

use crate::template::{FieldBlock, Template};

use super::error::Reason;
use super::read::{FieldReading, Readings};
use super::threshold::{FieldJudgement, Judgement, Rules};

/// What a sheet says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Interpretation {
    /// One entry a field, in template order.
    pub fields: Vec<FieldValue>,
    /// One value an output column, in output order.
    pub columns: Vec<String>,
    /// True when any field has more than one mark.
    pub multi_marked: bool,
}

/// The value of one field.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldValue {
    /// The values of its marked bubbles joined, or the block's empty value.
    pub value: String,
    /// One entry a bubble: is it marked?
    pub marked: Vec<bool>,
    /// Why a person should look at it, if one should.
    pub doubt: Option<Doubt>,
}

/// A doubt about a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Doubt {
    /// The kind.
    pub reason: Reason,
    /// 0 to 1. The classic judge has no calibrated numbers: it gives 0.5 to a broken rule, and to a gray near the
    /// threshold from 0.5 (at it) to 1.
    pub confidence: f64,
}

/// A mean within this many gray levels of its threshold is too near to call: another scan of the same sheet may fall on
/// the other side. Noise and resampling move a mean by less than that.
const NEAR_THRESHOLD: f64 = 3.0;

/// Reads the values of all fields and columns.
pub fn interpret(template: &Template, readings: &Readings, judgement: &Judgement, rules: Rules) -> Interpretation {
    let mut fields = Vec::with_capacity(judgement.fields.len());
    let mut multi_marked = false;
    for (i, (block, field)) in template.fields().enumerate() {
        let (Some(reading), Some(judged)) = (readings.fields.get(i), judgement.fields.get(i)) else { break };
        let values = field.bubbles.iter().zip(&judged.marked).filter(|(_, marked)| **marked);
        let count = judged.marked.iter().filter(|&&m| m).count();
        multi_marked |= count > 1;
        let is_blank = count == 0 || (rules.all_marked_is_blank && count > 1 && count == judged.marked.len());
        let value = match is_blank {
            true => block.empty_value.clone(),
            false => values.map(|(bubble, _)| bubble.value.as_str()).collect(),
        };
        let doubt = doubt(block, reading, judged, rules);
        fields.push(FieldValue { value, marked: judged.marked.clone(), doubt });
    }
    let join = |indices: &[usize]| indices.iter().filter_map(|&i| fields.get(i)).map(|f| f.value.as_str()).collect();
    let columns = template.columns.iter().map(|column| join(&column.fields)).collect();
    Interpretation { fields, columns, multi_marked }
}

fn doubt(block: &FieldBlock, reading: &FieldReading, judged: &FieldJudgement, rules: Rules) -> Option<Doubt> {
    let count = judged.marked.iter().filter(|&&m| m).count();
    // Two marks of two bubbles are an answer of a kind, unless the dialect makes a blank of them.
    let least = if rules.all_marked_is_blank { 2 } else { 3 };
    if count >= least && count == judged.marked.len() {
        return Some(Doubt { reason: Reason::AllMarked, confidence: 0.5 });
    }
    if block.max_marks.is_some_and(|max| count > max as usize) {
        return Some(Doubt { reason: Reason::MultipleMarks, confidence: 0.5 });
    }
    let nearest = reading.means.iter().map(|m| (m - judged.threshold).abs()).fold(f64::INFINITY, f64::min);
    let confidence = 0.5 + 0.5 * nearest / NEAR_THRESHOLD;
    (nearest < NEAR_THRESHOLD).then_some(Doubt { reason: Reason::AmbiguousGap, confidence })
}
