//! Where the answer key comes from: the file itself, a CSV, or a picture of a filled sheet.

use std::path::{Path, PathBuf};

use super::answers::{Answer, all};
use crate::json::{Cursor, Fields};
use crate::labels;

/// The answer key, as far as evaluation.json tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// In the file, in key order; no question stands there twice.
    Local(Vec<KeyEntry>),
    /// In a CSV, which existed when the evaluation was loaded.
    Csv {
        /// The CSV.
        path: PathBuf,
        /// A picture that is named beside it. It is not needed, and it is no sheet.
        picture: Option<PathBuf>,
    },
    /// On a picture, which existed when the evaluation was loaded, and is no sheet.
    Picture {
        /// The picture.
        path: PathBuf,
        /// The questions to take from it, in key order.
        questions: Vec<String>,
    },
}

/// A question with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEntry {
    /// The label of a field or a custom label.
    pub question: String,
    /// What is right.
    pub answer: Answer,
}

impl KeySource {
    /// The file that its answers come from.
    pub fn file(&self) -> Option<&PathBuf> {
        match self {
            Self::Local(_) => None,
            Self::Csv { path, .. } | Self::Picture { path, .. } => Some(path),
        }
    }

    /// The picture that it names.
    pub fn picture(&self) -> Option<&PathBuf> {
        match self {
            Self::Local(_) => None,
            Self::Csv { picture, .. } => picture.as_ref(),
            Self::Picture { path, .. } => Some(path),
        }
    }
}

/// How a dialect spells the keys of `options`.
pub(super) struct OptionKeys {
    pub questions: &'static str,
    pub answers: &'static str,
    pub csv: &'static str,
    pub picture: &'static str,
}

/// Reads a key that stands in the file.
pub(super) fn read_local(options: &Fields<'_>, keys: &OptionKeys) -> Option<KeySource> {
    let questions = options.require(keys.questions);
    let place = options.require(keys.answers);
    let questions = questions.and_then(|c| labels::read_list(&c));
    let answers = place.as_ref().and_then(|c| {
        let items = c.array()?;
        let answers = all(items.iter().map(Answer::read));
        Some((items.len(), answers))
    });
    let (questions, (count, answers)) = (questions?, answers?);
    if questions.len() != count {
        let message = format!("the number of answers is {count}, expected {}, one for each question", questions.len());
        if let Some(place) = place {
            place.error_with_hint(
                message,
                format!("compare with `{}`: a range counts as all its labels", keys.questions),
            );
        }
        return None;
    }
    let entries = questions.into_iter().zip(answers?).map(|(question, answer)| KeyEntry { question, answer });
    Some(KeySource::Local(entries.collect()))
}

/// Reads a key that is in other files. `picture_expected`: the dialect announces the picture by its source type, so
/// that a missing CSV is no surprise.
pub(super) fn read_files(options: &Fields<'_>, keys: &OptionKeys, picture_expected: bool) -> Option<KeySource> {
    let csv_place = options.require(keys.csv);
    let picture_place = options.get(keys.picture);
    let questions_place = options.get(keys.questions);
    if let (Some(picture), None) = (&picture_place, &questions_place) {
        picture.error(format!("needs `{}`: the questions to take from the picture", keys.questions));
    }
    let csv = csv_place.as_ref().and_then(resolve);
    let picture = picture_place.as_ref().map(resolve);
    let questions = questions_place.as_ref().map(labels::read_list);
    let (csv_place, csv) = (csv_place?, csv?);
    let Some(picture) = picture else {
        return match csv.is_file() {
            true => Some(KeySource::Csv { path: csv, picture: None }),
            false => {
                csv_place.error(format!("found {} `{}`, expected the answer key", what_is_at(&csv), csv.display()));
                None
            }
        };
    };
    let (picture, questions, picture_place) = (picture?, questions??, picture_place?);
    match (csv.is_file(), picture.is_file()) {
        (true, found) => {
            if !found {
                let message = format!("found {} `{}`; it is not needed", what_is_at(&picture), picture.display());
                picture_place.warn(message, Some("the answer key is read from the CSV".to_owned()));
            }
            Some(KeySource::Csv { path: csv, picture: Some(picture) })
        }
        (false, true) => {
            if !picture_expected {
                let message = format!("found {} `{}`", what_is_at(&csv), csv.display());
                csv_place.warn(message, Some(format!("the answer key is read from `{}`", picture.display())));
            }
            Some(KeySource::Picture { path: picture, questions })
        }
        (false, false) => {
            let (csv, picture) = (csv.display(), picture.display());
            csv_place.error(format!("found neither `{csv}` nor `{picture}`, expected one of them as the answer key"));
            None
        }
    }
}

/// What stands where a file was expected, for "found …".
fn what_is_at(path: &Path) -> &'static str {
    if path.is_dir() { "a folder at" } else { "no file" }
}

/// A path that is relative to the evaluation's folder.
fn resolve(cursor: &Cursor<'_>) -> Option<PathBuf> {
    let text = cursor.string()?;
    if text.is_empty() {
        return cursor.expected("a path");
    }
    cursor.named_file()
}
