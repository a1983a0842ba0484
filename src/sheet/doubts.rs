//! Everything that is doubtful of a sheet comes together here, after its values are known and before its columns are joined
//! and scored: doubts of values, of the places of blocks, of what its layout was chosen by, of the reading as a whole.
//!
//! [`gather`] leaves each field with one doubt at most and with the confidence that is written; rows, what `--strict` leaves
//! out, and crops all follow from that, so that none of them can tell another story. What was read is never changed.

use super::align::Alignment;
use super::crop::View;
use super::error::{Reason, SheetDoubt};
use super::interpret::{Doubt, FieldValue, Interpretation};
use super::layout::ChoosingField;
use super::report::FieldDoubt;
use crate::template::Template;

/// What is to become of doubts.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct DoubtPolicy {
    /// `--review-below`: fields whose reading is less sure are doubted, too. 0 to 1; 0: none.
    pub review_below: f64,
    /// `--strict`: the values of doubtful fields are left out of results and scores.
    pub strict: bool,
}

/// Where a block's place is a guess, or the sheet's reading is doubtful as a whole, no reading of a field is surer than this:
/// as likely wrong as right.
const HARDLY: f64 = 0.5;

/// What is doubtful of a sheet besides its fields, which carry their own doubts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Doubts {
    /// About the whole sheet.
    sheet: Vec<SheetDoubt>,
    /// About what its layout was chosen by, as far as the layout's own reading does not tell.
    choice: Vec<FieldDoubt>,
    /// Is every field doubtful?
    all: bool,
}

/// The doubt of a field by itself: that of its value, or that its block's place is a guess.
pub(super) fn own_doubt(value: &FieldValue, alignment: &Alignment, block: usize) -> Option<Doubt> {
    let is_guessed = alignment.uncertain.contains(&block);
    value.doubt.or(is_guessed.then_some(Doubt { reason: Reason::AlignmentFailed, confidence: HARDLY }))
}

/// The doubt of a reading with this confidence that has no other.
fn low_confidence(confidence: f64, policy: DoubtPolicy) -> Option<Doubt> {
    (confidence < policy.review_below).then_some(Doubt { reason: Reason::LowConfidence, confidence })
}

/// A number as a confidence; what is none is not sure at all.
fn confidence(number: f64) -> f64 {
    if number.is_nan() { 0.0 } else { number.clamp(0.0, 1.0) }
}

/// Brings together what is doubtful. Afterwards each field of `interpretation`, which was read by `template`, has its doubt, be
/// it its value's, its block's or that of its confidence, and its confidence, which is no more than those of all doubts about it.
pub fn gather(
    template: &Template,
    interpretation: &mut Interpretation,
    alignment: &Alignment,
    (sheet, chosen_by): (Vec<SheetDoubt>, Vec<ChoosingField>),
    policy: DoubtPolicy,
) -> Doubts {
    for ((block, _), value) in template.numbered_fields().zip(&mut interpretation.fields) {
        value.confidence = confidence(value.confidence);
        let own = own_doubt(value, alignment, block);
        value.doubt = own.or_else(|| low_confidence(value.confidence, policy));
        if let Some(doubt) = value.doubt {
            value.confidence = value.confidence.min(confidence(doubt.confidence));
        }
    }
    let doubtful = chosen_by.into_iter().filter_map(|by| {
        let doubt = by.doubt.or_else(|| low_confidence(confidence(by.confidence), policy))?;
        let ChoosingField { field, column, value, view, .. } = by;
        Some(FieldDoubt { field, column, value, doubt, view: Some(view) })
    });
    let choice: Vec<FieldDoubt> = doubtful.collect();
    let all = !sheet.is_empty() || !choice.is_empty();
    if all {
        interpretation.fields.iter_mut().for_each(|value| value.confidence = value.confidence.min(HARDLY));
    }
    for value in &mut interpretation.fields {
        // One confidence, whichever table has it.
        value.doubt = value.doubt.map(|doubt| Doubt { confidence: value.confidence, ..doubt });
    }
    let is_told = |label: &str| {
        let mut fields = template.fields().zip(&interpretation.fields);
        fields.any(|((_, field), value)| field.label == label && value.doubt.is_some())
    };
    let choice = choice.into_iter().filter(|row| !is_told(&row.field)).collect();
    Doubts { sheet, choice, all }
}

impl Doubts {
    /// A row for each doubt: about the whole sheet first, then about fields, in template order.
    pub fn rows(&self, template: &Template, interpretation: &Interpretation, alignment: &Alignment) -> Vec<FieldDoubt> {
        let sheet = self.sheet.iter().map(|doubt| FieldDoubt::of_sheet(doubt.reason, &doubt.detail));
        let fields = template.numbered_fields().zip(&interpretation.fields).enumerate();
        let fields = fields.filter_map(|(i, ((block_number, field), value))| {
            let (doubt, block) = (value.doubt?, template.blocks.get(block_number)?);
            let placement = alignment.placements.get(block_number).copied().unwrap_or_default();
            Some(FieldDoubt {
                field: field.label.clone(),
                column: template.column_of(i).map_or(String::new(), |column| column.name.clone()),
                value: value.value.clone(),
                doubt,
                view: Some(View::of(block, field, placement)),
            })
        });
        sheet.chain(self.choice.iter().cloned()).chain(fields).collect()
    }

    /// The fields whose values are left out.
    pub fn withheld(&self, interpretation: &Interpretation, policy: DoubtPolicy) -> Withheld {
        match policy.strict {
            true => Withheld(interpretation.fields.iter().map(|value| self.all || value.doubt.is_some()).collect()),
            false => Withheld::default(),
        }
    }

    /// The value of the template's `idColumn`, unless it is blank or doubtful.
    pub fn id(&self, template: &Template, interpretation: &Interpretation) -> Option<String> {
        let name = template.id_column.as_ref()?;
        let place = template.columns.iter().position(|column| column.name == *name)?;
        let fields = &template.columns.get(place)?.fields;
        let id = interpretation.columns.get(place)?;
        let is_doubtful = |i: &usize| interpretation.fields.get(*i).is_none_or(|value| value.doubt.is_some());
        let is_blank = id.is_empty() || *id == blank(&empty_values(template), fields);
        (!self.all && !is_blank && !fields.iter().any(is_doubtful)).then(|| id.clone())
    }
}

/// The value of each field without a mark, in template order.
fn empty_values(template: &Template) -> Vec<&str> {
    template.fields().map(|(block, _)| block.empty_value.as_str()).collect()
}

/// The text of a column whose fields are all blank.
fn blank(empty_values: &[&str], fields: &[usize]) -> String {
    fields.iter().filter_map(|&i| empty_values.get(i)).copied().collect()
}

/// Which fields' values are left out of results and scores: by number, in template order; nothing without `--strict`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Withheld(Vec<bool>);

impl Withheld {
    /// Is one of these fields withheld? Then what joins them is blank: a half of an id is a wrong id.
    pub fn has_any(&self, fields: &[usize]) -> bool {
        fields.iter().any(|&i| self.has(i))
    }

    fn has(&self, field: usize) -> bool {
        self.0.get(field).copied().unwrap_or_default()
    }

    /// The output columns without what is withheld, and whether a field that is written has more than one mark.
    pub fn written(&self, template: &Template, interpretation: Interpretation) -> (Vec<String>, bool) {
        let Interpretation { fields, mut columns, multi_marked } = interpretation;
        if self.0.is_empty() {
            return (columns, multi_marked);
        }
        let empty_values = empty_values(template);
        for (text, column) in columns.iter_mut().zip(&template.columns) {
            if self.has_any(&column.fields) {
                *text = blank(&empty_values, &column.fields);
            }
        }
        let multi_marked = fields.iter().enumerate().any(|(i, value)| !self.has(i) && value.is_multi_marked());
        (columns, multi_marked)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;
    use crate::json::Document;

    const STRICT: DoubtPolicy = DoubtPolicy { review_below: 0.0, strict: true };

    /// Two digits that make an id, two questions.
    fn template() -> Template {
        let text = r#"{"pageDimensions": [400, 400], "bubbleDimensions": [10, 10], "emptyValue": "-", "idColumn": "id",
            "customLabels": {"id": ["d1..2"]}, "outputColumns": ["id", "d2", "q1", "q2"], "fieldBlocks": {
            "D": {"fieldType": "QTYPE_INT", "origin": [5, 5], "bubblesGap": 20, "labelsGap": 20, "fieldLabels": ["d1..2"]},
            "Q": {"fieldType": "QTYPE_MCQ4", "origin": [5, 250], "bubblesGap": 20, "labelsGap": 20,
                  "fieldLabels": ["q1..2"], "emptyValue": "none"}}}"#;
        let document = Document::parse(Path::new("t.json"), text.to_owned()).unwrap();
        Template::read(&document, &Config::default()).unwrap().0
    }

    fn doubt(reason: Reason, confidence: f64) -> Option<Doubt> {
        Some(Doubt { reason, confidence })
    }

    /// Fields with these values and confidences; those below 0.5 are ambiguous.
    fn read(template: &Template, fields: [(&str, f64); 4]) -> Interpretation {
        let fields = fields.map(|(value, confidence)| FieldValue {
            value: value.to_owned(),
            marked: vec![true; value.len()],
            doubt: (confidence < 0.5).then_some(Doubt { reason: Reason::AmbiguousGap, confidence }),
            confidence,
        });
        let text = |i: &usize| fields[*i].value.as_str();
        let columns = template.columns.iter().map(|column| column.fields.iter().map(text).collect()).collect();
        let multi_marked = fields.iter().any(FieldValue::is_multi_marked);
        Interpretation { fields: fields.to_vec(), columns, multi_marked }
    }

    fn nothing_else() -> (Vec<SheetDoubt>, Vec<ChoosingField>) {
        (Vec::new(), Vec::new())
    }

    fn upside_down() -> (Vec<SheetDoubt>, Vec<ChoosingField>) {
        let detail = "another way\nfits".to_owned();
        (vec![SheetDoubt { reason: Reason::OrientationUncertain, detail }], Vec::new())
    }

    fn told(rows: &[FieldDoubt]) -> Vec<(&str, &str, &str, &str, f64)> {
        let row = |row: &'_ FieldDoubt| (row.doubt.reason.as_str(), row.doubt.confidence);
        let told = rows.iter().map(|r| (r.field.as_str(), r.column.as_str(), r.value.as_str(), row(r).0, row(r).1));
        told.collect()
    }

    #[test]
    fn each_field_has_one_doubt_and_the_least_confidence() {
        let template = template();
        let mut value = read(&template, [("1", 0.99), ("2", 0.4), ("A", f64::NAN), ("B", 7.0)]);
        let alignment = Alignment { placements: Vec::new(), uncertain: vec![0] };
        let policy = DoubtPolicy { review_below: 0.999, strict: false };
        let doubts = gather(&template, &mut value, &alignment, nothing_else(), policy);
        let rows = doubts.rows(&template, &value, &alignment);
        assert_eq!(
            told(&rows),
            [
                ("d1", "id", "1", "alignment-failed", 0.5),
                ("d2", "id", "2", "ambiguous-gap", 0.4),
                ("q1", "q1", "A", "low-confidence", 0.0),
            ]
        );
        assert_eq!(value.fields.iter().map(|f| f.confidence).collect::<Vec<_>>(), [0.5, 0.4, 0.0, 1.0]);
        assert!(rows.iter().all(|row| !row.is_of_sheet()));
        assert_eq!(doubts.withheld(&value, policy), Withheld::default());
    }

    #[test]
    fn the_limit_itself_is_sure_enough() {
        let template = template();
        let mut value = read(&template, [("1", 0.9), ("2", 1.0), ("A", 0.8999), ("B", 1.0)]);
        let policy = DoubtPolicy { review_below: 0.9, strict: false };
        gather(&template, &mut value, &Alignment::default(), nothing_else(), policy);
        let doubted: Vec<bool> = value.fields.iter().map(|f| f.doubt.is_some()).collect();
        assert_eq!(doubted, [false, false, true, false]);
        let policy = DoubtPolicy { review_below: 1.0, strict: false };
        gather(&template, &mut value, &Alignment::default(), nothing_else(), policy);
        assert_eq!(value.fields[0].doubt, doubt(Reason::LowConfidence, 0.9));
        assert_eq!(value.fields[1].doubt, None);
    }

    #[test]
    fn strict_leaves_out_whole_columns_and_their_marks() {
        let template = template();
        let mut value = read(&template, [("1", 0.4), ("2", 1.0), ("AB", 0.1), ("B", 1.0)]);
        let doubts = gather(&template, &mut value, &Alignment::default(), nothing_else(), STRICT);
        let withheld = doubts.withheld(&value, STRICT);
        assert_eq!([[0, 1], [1, 3], [2, 3]].map(|fields| withheld.has_any(&fields)), [true, false, true]);
        assert_eq!(doubts.rows(&template, &value, &Alignment::default())[1].value, "AB");
        // The column of the second digit alone is as sure as before.
        let (columns, multi_marked) = withheld.written(&template, value.clone());
        assert_eq!((columns, multi_marked), (["--", "2", "none", "B"].map(str::to_owned).to_vec(), false));
        let (columns, multi_marked) = Withheld::default().written(&template, value);
        assert_eq!((columns, multi_marked), (["12", "2", "AB", "B"].map(str::to_owned).to_vec(), true));
    }

    #[test]
    fn a_doubt_about_the_sheet_is_one_about_every_field_and_one_row() {
        let template = template();
        let mut value = read(&template, [("1", 1.0), ("2", 0.4), ("A", 1.0), ("B", 0.8)]);
        let policy = DoubtPolicy { review_below: 0.7, strict: true };
        let doubts = gather(&template, &mut value, &Alignment::default(), upside_down(), policy);
        let rows = doubts.rows(&template, &value, &Alignment::default());
        assert_eq!(
            told(&rows),
            [("", "", "another way fits", "orientation-uncertain", 0.0), ("d2", "id", "2", "ambiguous-gap", 0.4)]
        );
        assert_eq!(value.fields.iter().map(|f| f.confidence).collect::<Vec<_>>(), [0.5, 0.4, 0.5, 0.5]);
        let (columns, _) = doubts.withheld(&value, policy).written(&template, value);
        assert_eq!(columns, ["--", "-", "none", "none"]);
    }

    #[test]
    fn a_doubt_about_what_chose_the_layout_is_one_about_every_field() {
        let template = template();
        let by = |field: &str, doubt: Option<Doubt>, confidence: f64| ChoosingField {
            field: field.to_owned(),
            column: String::new(),
            value: "B".to_owned(),
            doubt,
            confidence,
            view: View::of(&template.blocks[0], &template.blocks[0].fields[0], Default::default()),
        };
        let sure = [("1", 1.0), ("2", 0.4), ("A", 1.0), ("B", 1.0)];
        let gathered = |chosen_by: Vec<ChoosingField>, review_below: f64| {
            let mut value = read(&template, sure);
            let policy = DoubtPolicy { review_below, strict: true };
            let doubts = gather(&template, &mut value, &Alignment::default(), (Vec::new(), chosen_by), policy);
            let rows = doubts.rows(&template, &value, &Alignment::default());
            let rows: Vec<String> = rows.iter().map(|r| format!("{} {}", r.field, r.doubt.reason)).collect();
            (rows, value.fields[0].confidence, doubts.withheld(&value, policy).has(3))
        };
        let own = "d2 ambiguous-gap".to_owned();
        assert_eq!(gathered(vec![by("set", None, 0.6)], 0.0), (vec![own.clone()], 1.0, false));
        assert_eq!(
            gathered(vec![by("set", None, 0.6)], 0.7),
            (vec!["set low-confidence".to_owned(), own.clone()], 0.5, true)
        );
        let unsure = doubt(Reason::AmbiguousGap, 0.4);
        // A field that has its row needs no second.
        assert_eq!(gathered(vec![by("d2", unsure, 0.4)], 0.0), (vec![own], 0.5, true));
    }

    #[test]
    fn an_id_is_neither_blank_nor_doubtful() {
        let template = template();
        let id = |fields: [(&str, f64); 4], others: (Vec<SheetDoubt>, Vec<ChoosingField>)| {
            let mut value = read(&template, fields);
            let doubts = gather(&template, &mut value, &Alignment::default(), others, DoubtPolicy::default());
            doubts.id(&template, &value)
        };
        let sure = |d1, d2| [(d1, 1.0), (d2, 1.0), ("A", 0.1), ("B", 1.0)];
        assert_eq!(id(sure("1", "2"), nothing_else()).as_deref(), Some("12"));
        assert_eq!(id(sure("1", "-"), nothing_else()).as_deref(), Some("1-"));
        assert_eq!(id(sure("-", "-"), nothing_else()), None);
        assert_eq!(id(sure("1", "2"), upside_down()), None);
        assert_eq!(id([("1", 1.0), ("2", 0.4), ("A", 1.0), ("B", 1.0)], nothing_else()), None);
        let unnamed = Template { id_column: None, ..template.clone() };
        let value = read(&unnamed, sure("1", "2"));
        assert_eq!(Doubts::default().id(&unnamed, &value), None);
    }
}
