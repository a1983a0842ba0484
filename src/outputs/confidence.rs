//! Confidences as cells: a column for each field of a template, whichever of its layouts a sheet has.

use std::collections::HashMap;

use crate::template::Template;

/// Where each layout's fields stand among the columns.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfidenceColumns {
    /// For each layout, the number of the field in each column; `None`: the layout has no such field.
    layouts: Vec<Vec<Option<usize>>>,
}

impl ConfidenceColumns {
    /// For columns with these `labels`, which are those of the template.
    pub fn of(template: &Template, labels: &[&str]) -> Self {
        let places = |layout: &Template| -> Vec<Option<usize>> {
            let fields: HashMap<&str, usize> =
                layout.fields().enumerate().map(|(i, (_, field))| (field.label.as_str(), i)).collect();
            labels.iter().map(|label| fields.get(label).copied()).collect()
        };
        Self { layouts: template.layouts().map(places).collect() }
    }

    /// The cells of a sheet that has this layout, whose fields have these confidences; empty for fields that it lacks.
    pub fn cells<'c>(&'c self, layout: usize, confidences: &'c [f64]) -> impl Iterator<Item = String> + 'c {
        let places = self.layouts.get(layout).map_or(&[][..], Vec::as_slice);
        let value = |place: &Option<usize>| place.and_then(|i| confidences.get(i));
        places.iter().map(move |place| value(place).map_or(String::new(), |&value| cell::<4>(value)))
    }
}

/// A confidence, 0 to 1, with this many digits, up to 9, rounded down: only what is 1 is written as 1.
pub fn cell<const DIGITS: u32>(confidence: f64) -> String {
    let one = 10u32.saturating_pow(DIGITS);
    // A number that was meant to have fewer digits may lie below it by a rounding error.
    let parts = (confidence * f64::from(one) + 1e-6).floor();
    // Between 0 and 10^DIGITS.
    let parts = (parts.max(0.0) as u32).min(if confidence < 1.0 { one - 1 } else { one });
    format!("{}.{:0width$}", parts / one, parts % one, width = DIGITS as usize)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::config::Config;
    use crate::json::Document;

    #[test]
    fn only_one_is_one() {
        for (confidence, text) in [
            (1.0, "1.0000"),
            (0.999_96, "0.9999"),
            (1.0 - f64::EPSILON, "0.9999"),
            (0.29, "0.2900"),
            (0.57, "0.5700"),
            (0.123_45, "0.1234"),
            (0.0, "0.0000"),
            (-3.0, "0.0000"),
            (7.0, "1.0000"),
            (f64::NAN, "0.0000"),
        ] {
            assert_eq!(cell::<4>(confidence), text, "{confidence}");
        }
        assert_eq!(cell::<3>(0.9996), "0.999");
    }

    proptest! {
        #[test]
        fn a_cell_is_never_more_than_its_confidence(confidence in 0.0..=1.0f64) {
            let written: f64 = cell::<4>(confidence).parse().unwrap();
            prop_assert!(written <= confidence + 1e-9 && confidence < written + 1.001e-4, "{} {}", written, confidence);
        }

        #[test]
        fn what_has_four_digits_is_written_as_it_is(parts in 0..=10_000u32) {
            prop_assert_eq!(cell::<4>(f64::from(parts) / 10_000.0), format!("{}.{:04}", parts / 10_000, parts % 10_000));
        }
    }

    #[test]
    fn each_layout_has_its_fields_in_the_columns_of_all() {
        let block = |labels: &str| {
            format!(
                r#"{{"fieldDetectionType": "BUBBLES_THRESHOLD", "bubbleFieldType": "QTYPE_MCQ4", "origin": [5, 5],
                    "bubblesGap": 9, "labelsGap": 9, "fieldLabels": [{labels}]}}"#
            )
        };
        let text = format!(
            r#"{{"templateDimensions": [100, 100], "bubbleDimensions": [4, 4], "preProcessors": [],
                "fieldBlocks": {{"Q": {}}}, "conditionalSets": [{{"name": "B",
                "matcher": {{"formatString": "{{q1}}", "matchRegex": "B"}}, "fieldBlocks": {{"Q": {}}}}}]}}"#,
            block(r#""q2", "q1""#),
            block(r#""q1", "q3""#)
        );
        let document = Document::parse(Path::new("t.json"), text).unwrap();
        let (template, _) = Template::read(&document, &Config::default()).unwrap();
        let labels = template.labels();
        assert_eq!(labels, ["q2", "q1", "q3"]);
        let columns = ConfidenceColumns::of(&template, &labels);
        let cells = |layout| columns.cells(layout, &[0.5, 1.0]).collect::<Vec<_>>();
        assert_eq!(cells(0), ["0.5000", "1.0000", ""]);
        assert_eq!(cells(1), ["", "0.5000", "1.0000"]);
    }
}
