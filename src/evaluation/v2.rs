//! The shape of the v2 family's evaluation.json. v2-dev writes the same in snake_case; the words of either are in
//! [`spelling`].

mod outputs;
pub(super) mod spelling;

use std::collections::HashSet;

use self::spelling::Spelling;
use super::answers::all;
use super::schemes::{self, KnownQuestions, known_questions};
use super::source;
use super::{ConditionalSet, Evaluation, KeySource, Matcher, Outputs, Schemes};
use crate::json::{Cursor, Fields, Kind, Unknown};
use crate::matcher::{Format, read_format};

#[derive(Clone, Copy)]
enum Source {
    Local,
    Csv,
    ImageAndCsv,
}

const SOURCES: [(&str, Source); 3] =
    [("local", Source::Local), ("csv", Source::Csv), ("image_and_csv", Source::ImageAndCsv)];

/// Reads the whole document.
pub(super) fn read(cursor: &Cursor<'_>, words: &Spelling) -> Option<Evaluation> {
    let fields = cursor.object()?;
    let key = read_key(&fields, words, read_required_options);
    let known = key.as_ref().and_then(|key| known_questions(&[key]));
    let schemes = read_schemes(&fields, words, known.as_ref());
    let outputs = read_outputs(&fields, words, &Outputs::default());
    let sets = match fields.get(words.sets) {
        None => Some(Vec::new()),
        Some(c) => read_sets(&c, words, key.as_ref(), outputs.as_ref().unwrap_or(&Outputs::default())),
    };
    fields.finish(Unknown::Refuse, &[words.source_type, "options", words.schemes, words.outputs, words.sets]);
    Some(Evaluation {
        dialect: Some(words.dialect),
        file: cursor.file().to_path_buf(),
        sha256: cursor.sha256(),
        key: key?,
        schemes: schemes?,
        outputs: outputs?,
        sets: sets?,
    })
}

/// The key by its source type; `read_options` reads `options` for it.
fn read_key<T>(
    fields: &Fields<'_>,
    words: &Spelling,
    read_options: impl Fn(&Fields<'_>, Source, &Spelling) -> Option<T>,
) -> Option<T> {
    let source = fields.require(words.source_type);
    let options = fields.require("options");
    let source = source.and_then(|c| c.choice(&SOURCES))?;
    let options = options?.object()?;
    let key = read_options(&options, source, words);
    let keys = &words.options;
    let known: &[&str] = match source {
        Source::Local => &[keys.questions, keys.answers],
        Source::Csv | Source::ImageAndCsv => &[keys.csv, keys.picture, keys.questions],
    };
    options.finish(Unknown::Refuse, known);
    key
}

fn read_required_options(options: &Fields<'_>, source: Source, words: &Spelling) -> Option<KeySource> {
    match source {
        Source::Local => source::read_local(options, &words.options),
        Source::Csv => source::read_files(options, &words.options, false),
        Source::ImageAndCsv => source::read_files(options, &words.options, true),
    }
}

/// A set may leave its answers out, but not half of them.
fn read_set_options(options: &Fields<'_>, source: Source, words: &Spelling) -> Option<Option<KeySource>> {
    let keys = &words.options;
    let absent = |key| options.get(key).is_none();
    if matches!(source, Source::Local) && absent(keys.questions) && absent(keys.answers) {
        return Some(None);
    }
    read_required_options(options, source, words).map(Some)
}

fn read_schemes(fields: &Fields<'_>, words: &Spelling, known: Option<&KnownQuestions<'_>>) -> Option<Schemes> {
    schemes::read(&fields.require(words.schemes)?, Some(words.marking_type), known)
}

/// The outputs with what the document says about them, over `base`.
fn read_outputs(fields: &Fields<'_>, words: &Spelling, base: &Outputs) -> Option<Outputs> {
    match fields.get(words.outputs) {
        None => Some(base.clone()),
        Some(c) => outputs::read(&c, words, base),
    }
}

fn read_sets(
    cursor: &Cursor<'_>,
    words: &Spelling,
    default_key: Option<&KeySource>,
    base: &Outputs,
) -> Option<Vec<ConditionalSet>> {
    let mut names = HashSet::new();
    all(cursor.array()?.iter().map(|item| {
        let fields = item.object()?;
        let name = fields.require("name").and_then(|c| {
            let name = c.string()?;
            if !names.insert(name) {
                c.error(format!("a set named `{name}` already stands above, expected a name of its own"));
                return None;
            }
            Some(name.to_owned())
        });
        let matcher = fields.require("matcher").and_then(|c| Matcher::read(&c));
        let evaluation = fields.require("evaluation").and_then(|c| {
            let fields = c.object()?;
            let key = read_key(&fields, words, read_set_options);
            // Sections are checked only when every question is known, here and in the default's key.
            let keys: Option<Vec<&KeySource>> =
                default_key.zip(key.as_ref()).map(|(default, own)| std::iter::once(default).chain(own).collect());
            let known = keys.and_then(|keys| known_questions(&keys));
            let schemes = read_schemes(&fields, words, known.as_ref());
            let outputs = read_outputs(&fields, words, base);
            fields.finish(Unknown::Refuse, &[words.source_type, "options", words.schemes, words.outputs]);
            Some((key?, schemes?, outputs?))
        });
        fields.finish(Unknown::Refuse, &["name", "matcher", "evaluation"]);
        let (key, schemes, outputs) = evaluation?;
        Some(ConditionalSet { name: name?, matcher: matcher?, key, schemes, outputs })
    }))
}

/// A format that knows only some names.
fn read_format_of(cursor: &Cursor<'_>, known: &[&str]) -> Option<Format> {
    let format = read_format(cursor)?;
    let unknown: Vec<&str> = format.names().filter(|name| !known.contains(name)).collect();
    for name in &unknown {
        let braced = known.iter().map(|name| format!("`{{{name}}}`")).collect::<Vec<_>>().join(", ");
        cursor.error(format!("found `{{{name}}}`, expected no values but {braced}"));
    }
    unknown.is_empty().then_some(format)
}

/// `null` where a value may be left open.
fn is_null(cursor: &Cursor<'_>) -> bool {
    matches!(cursor.value().kind, Kind::Null)
}
