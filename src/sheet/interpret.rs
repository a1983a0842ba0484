//! Marks, codes and texts become values: of fields, of output columns; and what is doubtful about them.

use crate::template::{Field, FieldBlock, Template};

use super::error::Reason;
use super::judge::classic::Rules;
use super::judge::{FieldJudgement, Judgement};
use super::read::{CodeReading, FieldReading, Readings, TextReading};

/// What a sheet says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Interpretation {
    /// One entry a field, in template order.
    pub fields: Vec<FieldValue>,
    /// One value an output column, in output order.
    pub columns: Vec<String>,
    /// True when any field has more than one mark. Codes and texts are no marks.
    pub multi_marked: bool,
}

impl Interpretation {
    /// Doubts fields whose place or print is doubtful, by number, as far as their values are not doubted already.
    pub fn doubt_places(&mut self, fields: &[(usize, Reason)]) {
        for &(number, reason) in fields {
            if let Some(value) = self.fields.get_mut(number) {
                value.doubt = value.doubt.or(Some(Doubt { reason, confidence: 0.5 }));
            }
        }
    }
}

/// The value of one field.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldValue {
    /// The values of its marked bubbles joined, the text of its code, its text; or the block's empty value.
    pub value: String,
    /// One entry a bubble: is it marked? None for a field without bubbles.
    pub marked: Vec<bool>,
    /// Why a person should look at it, if one should.
    pub doubt: Option<Doubt>,
    /// How sure the reading is, 0 to 1.
    pub confidence: f64,
}

impl FieldValue {
    /// Has it more than one mark?
    pub fn is_multi_marked(&self) -> bool {
        self.marked.iter().filter(|&&marked| marked).count() > 1
    }
}

/// A doubt about a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Doubt {
    /// The kind.
    pub reason: Reason,
    /// 0 to 1: how sure the reading is. A broken rule has 0.5 at most. Text has the recogniser's own number; what was not found has 0.
    pub confidence: f64,
}

/// Reads the values of all fields and columns.
pub fn interpret(template: &Template, readings: &Readings, judgement: &Judgement, rules: Rules) -> Interpretation {
    let mut fields = Vec::with_capacity(judgement.fields.len());
    let mut multi_marked = false;
    for (i, (block, field)) in template.fields().enumerate() {
        let (Some(reading), Some(judged)) = (readings.fields.get(i), judgement.fields.get(i)) else { break };
        let value = match reading {
            FieldReading::Bubbles(_) => marked_value(block, field, judged, rules),
            FieldReading::Code(reading) => code_value(block, reading),
            FieldReading::Text(reading) => text_value(block, reading),
        };
        multi_marked |= value.is_multi_marked();
        fields.push(value);
    }
    let join = |indices: &[usize]| indices.iter().filter_map(|&i| fields.get(i)).map(|f| f.value.as_str()).collect();
    let columns = template.columns.iter().map(|column| join(&column.fields)).collect();
    Interpretation { fields, columns, multi_marked }
}

fn marked_value(block: &FieldBlock, field: &Field, judged: &FieldJudgement, rules: Rules) -> FieldValue {
    let values = field.bubbles.iter().zip(&judged.marked).filter(|(_, marked)| **marked);
    let count = judged.marked.iter().filter(|&&m| m).count();
    let is_blank = count == 0 || (rules.all_marked_is_blank && count > 1 && count == judged.marked.len());
    let value = match is_blank {
        true => block.empty_value.clone(),
        false => values.map(|(bubble, _)| bubble.value.as_str()).collect(),
    };
    let doubt = doubt(block, judged, rules);
    let confidence = doubt.map_or(judged.confidence, |doubt| doubt.confidence.min(judged.confidence));
    FieldValue { value, marked: judged.marked.clone(), doubt, confidence }
}

fn doubt(block: &FieldBlock, judged: &FieldJudgement, rules: Rules) -> Option<Doubt> {
    let count = judged.marked.iter().filter(|&&m| m).count();
    // Two marks of two bubbles are an answer of a kind, unless the dialect makes a blank of them.
    let least = if rules.all_marked_is_blank { 2 } else { 3 };
    if count >= least && count == judged.marked.len() {
        return Some(Doubt { reason: Reason::AllMarked, confidence: 0.5 });
    }
    if block.max_marks.is_some_and(|max| count > max as usize) {
        return Some(Doubt { reason: Reason::MultipleMarks, confidence: 0.5 });
    }
    judged.doubt.map(|reason| Doubt { reason, confidence: judged.confidence })
}

/// The value of a code. A block with one label takes OMRChecker's choice among the codes of its zone: the last in the
/// order of texts. Of several labels each takes the code at its place. Where there are fewer or more codes than labels,
/// nobody knows which is missing or surplus, so all labels are doubted.
fn code_value(block: &FieldBlock, reading: &CodeReading) -> FieldValue {
    let labels = block.fields.len();
    let mut codes: Vec<&str> = reading.codes.iter().map(String::as_str).collect();
    if labels == 1 {
        codes.sort_unstable_by(|a, b| b.cmp(a));
        // The same code printed twice is one answer.
        codes.dedup();
    }
    let value = codes.get(reading.place).copied();
    let doubt = match codes.len() {
        count if count < labels => {
            let confidence = if value.is_some() { 0.5 } else { 0.0 };
            Some(Doubt { reason: Reason::CodeNotFound, confidence })
        }
        count if count > labels => Some(Doubt { reason: Reason::MultipleMarks, confidence: 0.5 }),
        _ => None,
    };
    let confidence = doubt.map_or(1.0, |doubt| doubt.confidence);
    FieldValue { value: value.unwrap_or(&block.empty_value).to_owned(), marked: Vec::new(), doubt, confidence }
}

/// Text in which a word has less than this confidence is doubted. Clean print is read with 0.9 and more, and nearly all
/// slips of the recogniser are below.
const SURE_TEXT: f64 = 0.8;

/// The value of a text. What was read without confidence is a value all the same, so that the person who looks at the
/// doubt sees it.
fn text_value(block: &FieldBlock, reading: &TextReading) -> FieldValue {
    let (text, confidence) = match reading {
        TextReading::Blank => ("", None),
        TextReading::Unread => ("", Some(0.0)),
        TextReading::Words { text, confidence } => (text.as_str(), Some(*confidence)),
    };
    let doubt = confidence.filter(|c| text.is_empty() || *c < SURE_TEXT);
    let value = if text.is_empty() { &block.empty_value } else { text };
    FieldValue {
        value: value.to_owned(),
        marked: Vec::new(),
        doubt: doubt.map(|confidence| Doubt { reason: Reason::OcrUncertain, confidence }),
        confidence: confidence.unwrap_or(1.0),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::config::Config;
    use crate::dialect::Dialect;
    use crate::json::Document;

    /// A template of one zone with these labels, and `-` for empty.
    fn template(kind: &str, labels: &str) -> Template {
        let text = format!(
            r#"{{"templateDimensions": [100, 100], "bubbleDimensions": [4, 4], "preProcessors": [], "fieldBlocks": {{
                "Z": {{"fieldDetectionType": "{kind}", "origin": [5, 5], "fieldLabels": ["{labels}"], "emptyValue": "-",
                "labelsGap": 0, "scanZone": {{"dimensions": [9, 9],
                "margins": {{"top": 0, "right": 0, "bottom": 0, "left": 0}}}}}}}}}}"#
        );
        let document = Document::parse(Path::new("t.json"), text).unwrap();
        Template::read(&document, &Config::default()).unwrap().0
    }

    /// The values and doubts of a template's fields.
    fn values(template: &Template, fields: Vec<FieldReading>) -> Vec<(String, Option<(&'static str, f64)>)> {
        let judgement = Judgement { fields: vec![FieldJudgement::default(); fields.len()], ..Judgement::default() };
        let read = interpret(template, &Readings { fields, ..Readings::default() }, &judgement, Rules::of(Dialect::V2));
        assert!(!read.multi_marked);
        assert_eq!(read.columns, read.fields.iter().map(|f| f.value.clone()).collect::<Vec<_>>());
        let told = |f: FieldValue| (f.value, f.doubt.map(|d| (d.reason.as_str(), d.confidence)));
        read.fields.into_iter().map(told).collect()
    }

    fn codes(template: &Template, codes: &[&str]) -> Vec<(String, Option<(&'static str, f64)>)> {
        let codes: Arc<[String]> = codes.iter().map(ToString::to_string).collect();
        let places = 0..template.blocks[0].fields.len();
        values(template, places.map(|place| FieldReading::Code(CodeReading { codes: codes.clone(), place })).collect())
    }

    fn value(text: &str, doubt: Option<(&'static str, f64)>) -> (String, Option<(&'static str, f64)>) {
        (text.to_owned(), doubt)
    }

    #[test]
    fn one_label_has_the_last_code_and_a_doubt_about_others() {
        let one = template("BARCODE_QR", "code");
        assert_eq!(codes(&one, &["12"]), [value("12", None)]);
        assert_eq!(codes(&one, &["12", "12"]), [value("12", None)]);
        assert_eq!(codes(&one, &["12", "34", "12"]), [value("34", Some(("multiple-marks", 0.5)))]);
        assert_eq!(codes(&one, &[]), [value("-", Some(("code-not-found", 0.0)))]);
    }

    #[test]
    fn several_labels_have_a_code_each() {
        let two = template("BARCODE_QR", "c1..2");
        assert_eq!(codes(&two, &["b", "a"]), [value("b", None), value("a", None)]);
        assert_eq!(codes(&two, &["b", "b"]), [value("b", None), value("b", None)]);
        let missing = |confidence| Some(("code-not-found", confidence));
        assert_eq!(codes(&two, &["b"]), [value("b", missing(0.5)), value("-", missing(0.0))]);
        let surplus = Some(("multiple-marks", 0.5));
        assert_eq!(codes(&two, &["b", "a", "c"]), [value("b", surplus), value("a", surplus)]);
    }

    #[test]
    fn text_is_doubted_below_its_limit() {
        let one = template("OCR", "name");
        let words = |text: &str, confidence| TextReading::Words { text: text.to_owned(), confidence };
        let read = |reading| values(&one, vec![FieldReading::Text(reading)]).remove(0);
        let uncertain = |confidence| Some(("ocr-uncertain", confidence));
        assert_eq!(read(words("Zoë", 0.8)), value("Zoë", None));
        assert_eq!(read(words("Zoë", 0.79)), value("Zoë", uncertain(0.79)));
        assert_eq!(read(words("", 0.0)), value("-", uncertain(0.0)));
        assert_eq!(read(TextReading::Unread), value("-", uncertain(0.0)));
        assert_eq!(read(TextReading::Blank), value("-", None));
    }
}
