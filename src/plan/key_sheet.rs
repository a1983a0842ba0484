//! Makes an evaluation ready for a template's sheets; reads the answer key where it is a picture of a filled sheet.
//!
//! The picture goes through the reader that sheets go through. Its values become the key of every sheet, so what would
//! be a doubt in a sheet is an error here.

use std::path::Path;
use std::sync::Arc;

use super::{Built, Evaluation, Scorer, SetupProblem, SheetContext, SheetScoring, SheetValues};
use crate::evaluation::{Answer, KeyEntry};
use crate::file_content;
use crate::pages::Resolution;
use crate::scoring::SheetNames;
use crate::sheet::interpret::Interpretation;
use crate::sheet::{self, Scratch};
use crate::template::Template;

/// A scorer joined to its template, and what a person should know about it.
pub(super) fn scoring(
    evaluation: &Evaluation,
    context: &SheetContext,
    diverts_multi_marked: bool,
) -> Result<(Arc<SheetScoring>, Vec<SetupProblem>), Vec<SetupProblem>> {
    let Built { scorer, warnings } = build(evaluation, context, diverts_multi_marked)?;
    Ok((Arc::new(SheetScoring::new(scorer, &context.template)), warnings))
}

/// A scorer for the values of a template's sheets.
///
/// # Errors
/// All that does not fit.
pub fn build(
    evaluation: &Evaluation,
    context: &SheetContext,
    diverts_multi_marked: bool,
) -> Result<Built, Vec<SetupProblem>> {
    let values = SheetValues::of_template(&context.template);
    let read_picture = |path: &Path, questions: &[String]| read_key(path, questions, context);
    Scorer::build(evaluation, context.template.dialect, &values, diverts_multi_marked, &read_picture)
}

/// Reads the answers to `questions` from the picture at `path`.
fn read_key(path: &Path, questions: &[String], context: &SheetContext) -> Result<Vec<KeyEntry>, Vec<SetupProblem>> {
    let fail = |message: String| vec![SetupProblem::new(path, message)];
    let bytes =
        file_content::read(path, context.limits.max_file_bytes).map_err(|e| fail(format!("the answer key {e}")))?;
    let mut scratch = Scratch::default();
    scratch.begin(&context.limits);
    let resolution = Resolution::for_page(context.template.page_size);
    let scan = crate::pages::only_page(bytes, resolution, context.limits.max_pages, scratch.picture)
        .map_err(|e| fail(format!("no answers can be read from the answer key: {e}")))?;
    let names = SheetNames::of(path.file_name().unwrap_or_default(), path);
    let (layout, read, doubts) = sheet::read_values(&scan, context, names.name(), &mut scratch)
        .map_err(|e| fail(format!("no answers can be read from the answer key: {e}")))?;
    if !doubts.is_empty() {
        let told = doubts.into_iter().map(|doubt| {
            let message = format!("the answer key is doubtful as a whole ({}): {}", doubt.reason, doubt.detail);
            SetupProblem::new(path, message).hint("scan the key again, or write it as CSV")
        });
        return Err(told.collect());
    }
    let Some(layout) = context.template.layouts().nth(layout) else { return Ok(Vec::new()) };
    let values = SheetValues::of_layout(layout);
    let mut problems = Vec::new();
    let mut entries = Vec::with_capacity(questions.len());
    for question in questions {
        match read_answer(question, &read, layout, &values) {
            Ok(answer) => entries.push(KeyEntry { question: question.clone(), answer: Answer::Standard(answer) }),
            Err(found) => problems.extend(found.into_iter().map(|message| {
                let hint = "mark the key clearly, or write it as CSV";
                SetupProblem::new(path, message).hint(hint)
            })),
        }
    }
    if problems.is_empty() { Ok(entries) } else { Err(problems) }
}

/// The answer to a question; else what is wrong with it. A question that the key's layout lacks has an answer that stands
/// for nothing: the scorer refuses it, with the nearest name.
fn read_answer(
    question: &str,
    read: &Interpretation,
    layout: &Template,
    values: &SheetValues,
) -> Result<String, Vec<String>> {
    let Some(value) = values.get(question) else { return Ok(String::new()) };
    let fields: Vec<_> = value.fields.iter().filter_map(|&i| read.fields.get(i).map(|field| (i, field))).collect();
    let text: String = fields.iter().map(|(_, field)| field.value.as_str()).collect();
    if is_empty(&text, values.empty()) || value.blank().is_some_and(|blank| blank == text) {
        return Err(vec![format!("the answer to `{question}` is empty in this answer key, expected a mark")]);
    }
    let doubts = fields.iter().filter_map(|(i, field)| {
        let doubt = field.doubt?;
        let (_, label) = layout.fields().nth(*i)?;
        let label = &label.label;
        Some(format!(
            "the field `{label}` of this answer key is doubtful ({}): read as `{}`",
            doubt.reason, field.value
        ))
    });
    let doubts: Vec<String> = doubts.collect();
    if doubts.is_empty() { Ok(text) } else { Err(doubts) }
}

/// An answer with a blank in it has no use as a key, if blanks can be told at all.
fn is_empty(answer: &str, empty: &str) -> bool {
    answer.is_empty() || (!empty.is_empty() && answer.contains(empty))
}
