//! Writes a layout's template.json and the schemes of evaluation.json, in the order and with the line breaks that a person
//! would choose.

use std::fmt::Write;

use super::key::{Marks, Section};
use super::layout::{Block, ConditionalSet, Layout, Values};
use crate::deck::form::Print;
use crate::dialect::Dialect;

/// The template of a layout. v1 and v2 spell it differently; v2-dev is spelt as v2 here.
pub fn template(layout: &Layout) -> String {
    let mut members: Vec<String> = Vec::new();
    let page = if layout.dialect == Dialect::V1 { "pageDimensions" } else { "templateDimensions" };
    members.push(format!("{page:?}: [{}, {}]", layout.page.width, layout.page.height));
    members.push(format!("\"bubbleDimensions\": [{}, {}]", layout.bubble.width, layout.bubble.height));
    if let Some((height, width)) = layout.processing_shape {
        members.push(format!("\"processingImageShape\": [{height}, {width}]"));
    }
    if !layout.empty_value.is_empty() {
        members.push(format!("\"emptyValue\": {:?}", layout.empty_value));
    }
    let steps = if layout.preprocessors.is_empty() { "[]" } else { &layout.preprocessors };
    members.push(format!("\"preProcessors\": {}", indented(steps)));
    if !layout.alignment.is_empty() {
        members.push(format!("\"alignment\": {}", indented(layout.alignment)));
    }
    if !layout.custom_labels.is_empty() {
        let labels = layout.custom_labels.iter().map(|(name, fields)| format!("    {name:?}: {}", list(fields)));
        members.push(format!("\"customLabels\": {{\n{}\n  }}", joined(labels)));
    }
    if !layout.output_columns.is_empty() {
        members.push(match layout.dialect {
            Dialect::V1 => format!("\"outputColumns\": {}", list(&layout.output_columns)),
            Dialect::V2Dev | Dialect::V2 => format!(
                "\"outputColumns\": {{\n    \"sortType\": \"CUSTOM\",\n    \"customOrder\": {}\n  }}",
                list(&layout.output_columns)
            ),
        });
    }
    if !layout.id_column.is_empty() {
        members.push(format!("\"idColumn\": {:?}", layout.id_column));
    }
    members.push(format!("\"fieldBlocks\": {}", blocks(layout.dialect, &layout.blocks)));
    if !layout.conditional_sets.is_empty() {
        let sets = layout.conditional_sets.iter().map(|set| conditional_set(layout.dialect, set));
        members.push(format!("\"conditionalSets\": [\n{}\n  ]", joined(sets)));
    }
    format!("{{\n{}\n}}\n", joined(members.iter().map(|member| format!("  {member}"))))
}

/// An object of field blocks, itself a member at the first level.
fn blocks(dialect: Dialect, blocks: &[Block]) -> String {
    let blocks = blocks.iter().map(|b| format!("    {:?}: {}", b.name, block(dialect, b)));
    format!("{{\n{}\n  }}", joined(blocks))
}

fn conditional_set(dialect: Dialect, set: &ConditionalSet) -> String {
    let ConditionalSet { name, format, regex, .. } = set;
    let matcher = format!("{{ \"formatString\": {format:?}, \"matchRegex\": {regex:?} }}");
    let blocks = blocks(dialect, &set.blocks).replace('\n', "\n    ");
    format!("    {{\n      \"name\": {name:?},\n      \"matcher\": {matcher},\n      \"fieldBlocks\": {blocks}\n    }}")
}

fn block(dialect: Dialect, block: &Block) -> String {
    if let Values::Printed(print, size, margins) = block.values {
        let kind = match print {
            Print::Code(_) => "BARCODE_QR",
            Print::Letters => "OCR",
        };
        return format!(
            r#"{{
      "fieldDetectionType": "{kind}",
      "origin": [{}, {}],
      "scanZone": {{
        "dimensions": [{}, {}],
        "margins": {}
      }},
      "fieldLabels": {}
    }}"#,
            block.origin.0,
            block.origin.1,
            size.width,
            size.height,
            margin([margins; 4]),
            list(block.labels)
        );
    }
    let built_in = match block.values {
        Values::Digit => Some("QTYPE_INT"),
        Values::FourChoices => Some("QTYPE_MCQ4"),
        Values::FiveChoices => Some("QTYPE_MCQ5"),
        Values::Own(_) | Values::Printed(..) => None,
    };
    let mut text = String::from("{\n");
    let mut line = |key: &str, value: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "      {key:?}: {value},");
    };
    match (dialect, built_in) {
        (Dialect::V1, Some(name)) => line("fieldType", format!("{name:?}")),
        (Dialect::V2Dev | Dialect::V2, Some(name)) => {
            line("fieldDetectionType", "\"BUBBLES_THRESHOLD\"".to_owned());
            line("bubbleFieldType", format!("{name:?}"));
        }
        (_, None) => {
            line("bubbleValues", list(block.values.list()));
            line("direction", "\"horizontal\"".to_owned());
        }
    }
    line("origin", format!("[{}, {}]", block.origin.0, block.origin.1));
    line("bubblesGap", block.bubbles_gap.to_string());
    line("labelsGap", block.labels_gap.to_string());
    let _ = write!(text, "      \"fieldLabels\": {}\n    }}", list(block.labels));
    text
}

/// An object of marking schemes whose first line is indented by `indent` blanks.
pub fn schemes(default: &Marks, sections: &[Section], indent: usize) -> String {
    let mut lines = vec![format!("  \"DEFAULT\": {}", marks(default))];
    lines.extend(sections.iter().map(|section| {
        let (questions, marks) = (list(section.questions), marks(&section.marks));
        format!("  {:?}: {{\n    \"questions\": {questions},\n    \"marking\": {marks}\n  }}", section.name)
    }));
    let blanks = " ".repeat(indent);
    format!("{{\n{}\n}}", joined(lines.into_iter())).replace('\n', &format!("\n{blanks}"))
}

fn marks(marks: &Marks) -> String {
    let Marks { correct, incorrect, unmarked } = marks;
    format!("{{ \"correct\": \"{correct}\", \"incorrect\": \"{incorrect}\", \"unmarked\": \"{unmarked}\" }}")
}

/// Strings without quotes or control characters, as all names of the samples are, look alike in Rust and JSON.
pub fn list(strings: &[&str]) -> String {
    let quoted: Vec<String> = strings.iter().map(|text| format!("{text:?}")).collect();
    format!("[{}]", quoted.join(", "))
}

/// An object of margins: above, to the right, below, to the left.
pub fn margin([top, right, bottom, left]: [u32; 4]) -> String {
    format!("{{ \"top\": {top}, \"right\": {right}, \"bottom\": {bottom}, \"left\": {left} }}")
}

fn joined(lines: impl Iterator<Item = String>) -> String {
    lines.collect::<Vec<_>>().join(",\n")
}

/// Moves all lines but the first two columns to the right.
fn indented(json: &str) -> String {
    json.trim().replace('\n', "\n  ")
}
