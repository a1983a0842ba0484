//! The shape of v1's evaluation.json.

use super::schemes::{self, known_questions};
use super::source::{self, OptionKeys};
use super::{Evaluation, Outputs};
use crate::dialect::Dialect;
use crate::json::{Cursor, Fields, Unknown, nearest};

const KEYS: [&str; 3] = ["source_type", "options", "marking_schemes"];
const EXPLAIN: &str = "should_explain_scoring";
const EXPORT: &str = "enable_evaluation_table_to_csv";
const OPTIONS: OptionKeys = OptionKeys {
    questions: "questions_in_order",
    answers: "answers_in_order",
    csv: "answer_key_csv_path",
    picture: "answer_key_image_path",
};

#[derive(Clone, Copy)]
enum Source {
    Custom,
    Csv,
}

/// Reads the whole document. `dialect` is v1's, or none where the spelling leaves it open.
pub(super) fn read(cursor: &Cursor<'_>, dialect: Option<Dialect>) -> Option<Evaluation> {
    let fields = cursor.object()?;
    let [source, options, schemes] = KEYS.map(|key| require(&fields, key));
    let source = source.and_then(|c| c.choice(&[("custom", Source::Custom), ("csv", Source::Csv)]));
    let options = options.zip(source).and_then(|(c, source)| read_options(&c, source));
    let known = options.as_ref().and_then(|(key, _)| known_questions(&[key]));
    let schemes = schemes.and_then(|c| schemes::read(&c, None, known.as_ref()));
    fields.finish(Unknown::Warn, &KEYS);
    let (file, sha256) = (cursor.file().to_path_buf(), cursor.sha256());
    let (key, outputs) = options?;
    Some(Evaluation { dialect, file, sha256, key, schemes: schemes?, outputs, sets: Vec::new() })
}

/// The value of `key`. Unknown keys are only warned of here, so an error about a missing one must itself tell which
/// of them was meant.
fn require<'d>(fields: &Fields<'d>, key: &str) -> Option<Cursor<'d>> {
    let found = fields.get(key);
    if found.is_none() {
        let message = format!("the key `{key}` is missing");
        let others = fields.cursor().value().keys().filter(|other| !KEYS.contains(other));
        match nearest(key, others) {
            Some(other) => fields.cursor().error_with_hint(message, format!("is `{other}` meant to be `{key}`?")),
            None => fields.cursor().error(message),
        }
    }
    found
}

fn read_options(cursor: &Cursor<'_>, source: Source) -> Option<(super::KeySource, Outputs)> {
    let fields = cursor.object()?;
    let flag = |key| fields.get(key).map_or(Some(false), |c| c.bool());
    let (explain, export_csv) = (flag(EXPLAIN), flag(EXPORT));
    let (key, known) = match source {
        Source::Custom => (source::read_local(&fields, &OPTIONS), [OPTIONS.questions, OPTIONS.answers].as_slice()),
        Source::Csv => {
            let known = [OPTIONS.csv, OPTIONS.picture, OPTIONS.questions].as_slice();
            (source::read_files(&fields, &OPTIONS, false), known)
        }
    };
    fields.finish(Unknown::Refuse, &[known, &[EXPLAIN, EXPORT]].concat());
    Some((key?, Outputs { explain: explain?, export_csv: export_csv?, ..Outputs::default() }))
}
