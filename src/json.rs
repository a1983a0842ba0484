//! Reads a JSON document and keeps what a person needs to mend it: the file, the line and column of every value, the
//! key path, and every problem found, reported together.
//!
//! Syntax is `serde_json`'s. Its raw values borrow from the text, so a value's position is the distance between the
//! two; no second parser is needed. Shapes are read through [`Cursor`] and [`Fields`], which note a [`Problem`]
//! instead of returning an error: a document is read to its end, and one run of the program shows all that is wrong.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::digest::Digest;
use crate::file_content::{self, ReadError};
use crate::reach::{self, Reach};

/// Arrays and objects may be nested this deep unless a config says otherwise. The deepest shape that OMRChecker knows has 9
/// levels.
pub const DEFAULT_DEPTH: usize = 64;

/// A document may have this many bytes. A template of thousands of fields has a twentieth of it; parsed, a document takes up to
/// fifty times its bytes.
pub const MAX_BYTES: u64 = 4 << 20;

/// So many errors, and so many warnings, are told of one document; of the others, how many there are.
const MAX_TOLD: usize = 100;

/// What holds for documents besides their shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Arrays and objects may be nested this deep.
    pub max_depth: usize,
    /// Where the files that a document names may lie.
    pub reach: Reach,
}

impl Default for Rules {
    fn default() -> Self {
        Self { max_depth: DEFAULT_DEPTH, reach: Reach::Folder }
    }
}

/// A JSON text with its parsed value.
#[derive(Debug)]
pub struct Document {
    path: PathBuf,
    sha256: Digest,
    text: String,
    root: Value,
    rules: Rules,
}

/// A JSON value and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// Byte offset of the value's first character in the document.
    pub at: usize,
    /// The value itself.
    pub kind: Kind,
}

/// What a JSON value is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, with the text it was written as (exact arithmetic needs that).
    Number {
        /// The nearest double.
        value: f64,
        /// The literal as written.
        literal: String,
    },
    /// A string, unescaped.
    String(String),
    /// An array.
    Array(Vec<Value>),
    /// An object, in the order of the file; of a key written twice, the last stays.
    Object(Vec<Member>),
}

/// One key of an object with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The key, unescaped.
    pub key: String,
    /// Byte offset of the key's opening quote.
    pub at: usize,
    /// The value.
    pub value: Value,
}

/// Why a document could not be used: all its problems.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The file could not be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is too large for what it should be.
    #[error("{}: has more than {MAX_BYTES} bytes, which no template, config or evaluation needs", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// The file is not JSON.
    #[error("{}:{line}:{column}: not valid JSON: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// The file is JSON, but not what was expected.
    #[error("{}", list_problems(problems))]
    Invalid {
        /// Every error in the document, in the order of the file.
        problems: Vec<Problem>,
    },
}

fn list_problems(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Does a problem stop the run?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The document cannot be used.
    Error,
    /// The document can be used; the person should know.
    Warning,
}

/// One thing wrong with a document. Its `Display` is `file:line:column: key: what was found, what was expected`, with
/// a hint on a line of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Error or warning.
    pub severity: Severity,
    /// The file.
    pub path: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Where in the document: `fieldBlocks.Roll.origin[1]`; empty for the document itself.
    pub key: String,
    /// What was found and what was expected.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.path.display(), self.line, self.column)?;
        if !self.key.is_empty() {
            write!(f, "`{}`: ", self.key)?;
        }
        f.write_str(&self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl Document {
    /// Reads and parses the file at `path`, for which `rules` hold.
    ///
    /// # Errors
    /// [`DocumentError::Unreadable`], [`DocumentError::TooLong`] or [`DocumentError::Syntax`].
    pub fn load(path: &Path, rules: Rules) -> Result<Self, DocumentError> {
        let bytes = file_content::read(path, MAX_BYTES).map_err(|error| match error {
            ReadError::Io(source) => DocumentError::Unreadable { path: path.to_path_buf(), source },
            ReadError::TooLong => DocumentError::TooLong { path: path.to_path_buf() },
        })?;
        let text = String::from_utf8(bytes).map_err(|e| {
            let before = String::from_utf8_lossy(&e.as_bytes()[..e.utf8_error().valid_up_to()]).into_owned();
            let (line, column) = line_and_column(&before, before.len());
            let message = "a byte that is not UTF-8 (save the file as UTF-8)".to_owned();
            DocumentError::Syntax { path: path.to_path_buf(), line, column, message }
        })?;
        Self::parse_by(path, text, rules)
    }

    /// Parses `text` by the default rules; `path` is only named in messages. A byte-order mark at the start is passed over.
    ///
    /// # Errors
    /// [`DocumentError::Syntax`].
    pub fn parse(path: &Path, text: String) -> Result<Self, DocumentError> {
        Self::parse_by(path, text, Rules::default())
    }

    /// Parses `text` by `rules`.
    ///
    /// # Errors
    /// As [`Document::parse`].
    pub fn parse_by(path: &Path, text: String, rules: Rules) -> Result<Self, DocumentError> {
        let sha256 = Digest::of(text.as_bytes());
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        let syntax = |at: usize, message: String| {
            let (line, column) = line_and_column(&text, at);
            DocumentError::Syntax { path: path.to_path_buf(), line, column, message }
        };
        let raw: &RawValue = serde_json::from_str(&text).map_err(|e| syntax(offset_of(&text, &e), plain(&e)))?;
        let parser = Parser { text: &text, max_depth: rules.max_depth };
        let root = parser.value(raw, 0).map_err(|(at, message)| syntax(at, message))?;
        Ok(Self { path: path.to_path_buf(), sha256, text, root, rules })
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Of the bytes that were parsed, whatever the file holds by now.
    pub fn sha256(&self) -> Digest {
        self.sha256
    }

    /// The text, without a byte-order mark: what positions count in.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The whole value.
    pub fn root(&self) -> &Value {
        &self.root
    }

    /// Reads the document with `shape`, collecting every problem.
    ///
    /// # Errors
    /// [`DocumentError::Invalid`] with all errors when there is one; else the value and the warnings.
    pub fn read<T>(&self, shape: impl FnOnce(Cursor<'_>) -> Option<T>) -> Result<(T, Vec<Problem>), DocumentError> {
        let problems = Problems {
            document: self,
            list: RefCell::new(Vec::new()),
            counts: Default::default(),
            labels: Cell::new(0),
            expressions: Cell::new(0),
        };
        let value = shape(Cursor { value: &self.root, path: KeyPath::default(), problems: &problems });
        let untold = [Severity::Error, Severity::Warning].map(|severity| problems.untold(severity));
        let mut list = problems.list.into_inner();
        list.sort_by_key(|p| (p.line, p.column));
        list.extend(untold.into_iter().flatten());
        let (errors, warnings): (Vec<_>, Vec<_>) = list.into_iter().partition(|p| p.severity == Severity::Error);
        match value {
            Some(value) if errors.is_empty() => Ok((value, warnings)),
            None if errors.is_empty() => Err(DocumentError::Invalid { problems: vec![self.unexplained()] }),
            _ => Err(DocumentError::Invalid { problems: errors }),
        }
    }
}

impl Document {
    /// For a shape that gave up without a word, so that no document is ever refused in silence.
    fn unexplained(&self) -> Problem {
        Problem {
            severity: Severity::Error,
            path: self.path.clone(),
            line: 1,
            column: 1,
            key: String::new(),
            message: "the document cannot be used; this message is a mistake in omr, please report it".to_owned(),
            hint: None,
        }
    }
}

/// Line and column (both from 1, the column in characters) of a byte offset.
fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// Byte offset of a `serde_json` error, which counts lines and byte columns.
fn offset_of(text: &str, error: &serde_json::Error) -> usize {
    let line_start: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let mut at = (line_start + error.column().saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The error's text without the position, which is told apart from it.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

struct Parser<'a> {
    text: &'a str,
    max_depth: usize,
}

type Raws<'a> = Vec<&'a RawValue>;
type RawMembers<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

impl<'a> Parser<'a> {
    fn value(&self, raw: &'a RawValue, depth: usize) -> Result<Value, (usize, String)> {
        let source = raw.get();
        let at = source.as_ptr() as usize - self.text.as_ptr() as usize;
        if depth > self.max_depth {
            let message =
                format!("more than {} levels of arrays and objects (`limits.max_json_depth`)", self.max_depth);
            return Err((at, message));
        }
        let fail = |e: serde_json::Error| (at + offset_of(source, &e), plain(&e));
        let mut reader = serde_json::Deserializer::from_str(source);
        let kind = match source.as_bytes().first() {
            Some(b'{') => {
                let members = reader.deserialize_map(MembersVisitor).map_err(fail)?;
                let mut kept: Vec<Member> = Vec::with_capacity(members.len());
                for (key, raw) in members {
                    let value = self.value(raw, depth + 1)?;
                    kept.push(Member { at: self.key_before(value.at), key: key.into_owned(), value });
                }
                Kind::Object(kept)
            }
            Some(b'[') => {
                let items = reader.deserialize_seq(ItemsVisitor).map_err(fail)?;
                Kind::Array(items.into_iter().map(|raw| self.value(raw, depth + 1)).collect::<Result<_, _>>()?)
            }
            Some(b'"') => Kind::String(serde_json::from_str(source).map_err(fail)?),
            Some(b't') => Kind::Bool(true),
            Some(b'f') => Kind::Bool(false),
            Some(b'n') => Kind::Null,
            _ => Kind::Number { value: serde_json::from_str(source).map_err(fail)?, literal: source.to_owned() },
        };
        Ok(Value { at, kind })
    }

    /// Offset of the opening quote of the key whose value begins at `value_at`. Quotes inside the key are escaped,
    /// and what stands between key and value is white space and a colon.
    fn key_before(&self, value_at: usize) -> usize {
        let bytes = self.text.as_bytes();
        let Some(close) = bytes[..value_at].iter().rposition(|&b| b == b'"') else { return value_at };
        let mut at = close;
        while let Some(quote) = bytes[..at].iter().rposition(|&b| b == b'"') {
            let slashes = bytes[..quote].iter().rev().take_while(|&&b| b == b'\\').count();
            if slashes % 2 == 0 {
                return quote;
            }
            at = quote;
        }
        close
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = RawMembers<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry::<String, &'de RawValue>()? {
            members.push((Cow::Owned(member.0), member.1));
        }
        Ok(members)
    }
}

struct ItemsVisitor;

impl<'de> Visitor<'de> for ItemsVisitor {
    type Value = Raws<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(items)
    }
}

struct Problems<'d> {
    document: &'d Document,
    list: RefCell<Vec<Problem>>,
    /// How many errors and warnings were noted, told or not.
    counts: [Cell<usize>; 2],
    /// How many labels its ranges were expanded to.
    labels: Cell<usize>,
    /// How many expressions it has.
    expressions: Cell<usize>,
}

impl Problems<'_> {
    /// Counts one, and says whether it is still told: a hostile document may have a million.
    fn counts(&self, severity: Severity) -> bool {
        let count = &self.counts[severity as usize];
        count.set(count.get() + 1);
        count.get() <= MAX_TOLD
    }

    /// A word for those that are not told.
    fn untold(&self, severity: Severity) -> Option<Problem> {
        let more = self.counts[severity as usize].get().checked_sub(MAX_TOLD).filter(|&more| more > 0)?;
        let kind = if severity == Severity::Error { "errors" } else { "warnings" };
        let message = format!("{more} more {kind} are not listed");
        let last = self.list.borrow().iter().map(|problem| (problem.line, problem.column)).max();
        let (line, column) = last.unwrap_or((1, 1));
        let path = self.document.path.clone();
        Some(Problem { severity, path, line, column, key: String::new(), message, hint: None })
    }
}

/// The way from the document to a value, shared by all cursors below it.
#[derive(Debug, Clone, Default)]
struct KeyPath(Option<Rc<(KeyPath, Step)>>);

#[derive(Debug, Clone)]
enum Step {
    Key(String),
    Index(usize),
}

impl KeyPath {
    fn child(&self, step: Step) -> Self {
        Self(Some(Rc::new((self.clone(), step))))
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(node) = &self.0 else { return Ok(()) };
        let (parent, step) = node.as_ref();
        parent.fmt(f)?;
        match step {
            Step::Index(i) => write!(f, "[{i}]"),
            Step::Key(key) if parent.0.is_none() => f.write_str(key),
            Step::Key(key) => write!(f, ".{key}"),
        }
    }
}

/// A place in a document: its value, its key path, and where problems are noted.
#[derive(Clone)]
pub struct Cursor<'d> {
    value: &'d Value,
    path: KeyPath,
    problems: &'d Problems<'d>,
}

impl<'d> Cursor<'d> {
    /// The value here.
    pub fn value(&self) -> &'d Value {
        self.value
    }

    /// The file's path.
    pub fn file(&self) -> &'d Path {
        &self.problems.document.path
    }

    /// Of the document's bytes.
    pub fn sha256(&self) -> Digest {
        self.problems.document.sha256
    }

    /// The place of the file named here, seen from the document's folder; a problem where it may not lie there. Whether it is
    /// there is settled when it is loaded.
    pub fn named_file(&self) -> Option<PathBuf> {
        let name = self.string()?;
        let path = reach::beside(self.file(), name);
        if self.problems.document.rules.reach == Reach::Folder && reach::leads_out(self.file(), &path) {
            self.error_with_hint(
                format!("`{}` lies outside of the folder of this file", path.display()),
                "put a copy beside this file and name that, or say --allow-outside if it is meant",
            );
            return None;
        }
        Some(path)
    }

    /// Counts one more expression of the document, and says how many there are.
    pub fn count_expression(&self) -> usize {
        let expressions = &self.problems.expressions;
        expressions.set(expressions.get() + 1);
        expressions.get()
    }

    /// Counts labels that a list of the document names. False when all its lists together name more than `most`: a range of ten
    /// bytes may name thousands.
    pub fn counts_labels(&self, count: usize, most: usize) -> bool {
        let labels = &self.problems.labels;
        labels.set(labels.get().saturating_add(count));
        labels.get() <= most
    }

    /// Where the value begins, as `line:column`, both from 1.
    pub fn place(&self) -> String {
        let (line, column) = line_and_column(&self.problems.document.text, self.value.at);
        format!("{line}:{column}")
    }

    /// The values directly below: of an object with their keys, of an array without. Nothing is noted, so a rule that
    /// looks at a whole document can walk it beside the shapes.
    pub fn children(&self) -> Vec<(Option<&'d str>, Cursor<'d>)> {
        match &self.value.kind {
            Kind::Object(members) => {
                members.iter().map(|m| (Some(m.key.as_str()), self.at(&m.value, Step::Key(m.key.clone())))).collect()
            }
            Kind::Array(items) => {
                items.iter().enumerate().map(|(i, value)| (None, self.at(value, Step::Index(i)))).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The value at the end of a way of keys. Nothing is noted and nothing counts as read.
    pub fn below(&self, keys: &[&str]) -> Option<Cursor<'d>> {
        keys.iter()
            .try_fold(self.clone(), |cursor, key| Some(cursor.at(cursor.value.get(key)?, Step::Key((*key).to_owned()))))
    }

    fn note(&self, severity: Severity, at: usize, path: &KeyPath, message: String, hint: Option<String>) {
        if !self.problems.counts(severity) {
            return;
        }
        let (line, column) = line_and_column(&self.problems.document.text, at);
        let (path_text, message) = (shortened(path.to_string()), shortened(message));
        let file = self.problems.document.path.clone();
        self.problems.list.borrow_mut().push(Problem {
            severity,
            path: file,
            line,
            column,
            key: path_text,
            message,
            hint,
        });
    }

    /// Notes an error here, in free words.
    pub fn error(&self, message: impl Into<String>) {
        self.note(Severity::Error, self.value.at, &self.path, message.into(), None);
    }

    /// Notes an error here with a hint.
    pub fn error_with_hint(&self, message: impl Into<String>, hint: impl Into<String>) {
        self.note(Severity::Error, self.value.at, &self.path, message.into(), Some(hint.into()));
    }

    /// Notes a warning here, with a hint where there is one.
    pub fn warn(&self, message: impl Into<String>, hint: Option<String>) {
        self.note(Severity::Warning, self.value.at, &self.path, message.into(), hint);
    }

    /// Notes that the value here is not what was expected.
    pub fn expected<T>(&self, expected: &str) -> Option<T> {
        self.error(format!("found {}, expected {expected}", self.value.describe()));
        None
    }

    /// The members of an object; notes a problem when it is none.
    pub fn object(&self) -> Option<Fields<'d>> {
        let Kind::Object(members) = &self.value.kind else { return self.expected("an object") };
        let fields = Fields { cursor: self.clone(), members, used: members.iter().map(|_| Cell::new(false)).collect() };
        let last: HashMap<&str, usize> = members.iter().enumerate().map(|(i, m)| (m.key.as_str(), i)).collect();
        for (i, member) in members.iter().enumerate() {
            if last.get(member.key.as_str()) != Some(&i) {
                fields.used[i].set(true);
                let message = format!("the key `{}` is written twice; the last one counts", member.key);
                self.note(Severity::Warning, member.at, &self.path, message, None);
            }
        }
        Some(fields)
    }

    /// The items of an array; notes a problem when it is none.
    pub fn array(&self) -> Option<Vec<Cursor<'d>>> {
        let Kind::Array(items) = &self.value.kind else { return self.expected("an array") };
        Some(items.iter().enumerate().map(|(i, value)| self.at(value, Step::Index(i))).collect())
    }

    /// The items of an array of exactly `N` items; `expected` says what they are.
    pub fn tuple<const N: usize>(&self, expected: &str) -> Option<[Cursor<'d>; N]> {
        let Kind::Array(items) = &self.value.kind else { return self.expected(expected) };
        if items.len() != N {
            self.error(format!("found an array of {}, expected {expected}", items.len()));
            return None;
        }
        let cursors: Vec<_> = items.iter().enumerate().map(|(i, v)| self.at(v, Step::Index(i))).collect();
        cursors.try_into().ok()
    }

    fn at(&self, value: &'d Value, step: Step) -> Cursor<'d> {
        Cursor { value, path: self.path.child(step), problems: self.problems }
    }

    /// A string.
    pub fn string(&self) -> Option<&'d str> {
        match &self.value.kind {
            Kind::String(s) => Some(s),
            _ => self.expected("a string"),
        }
    }

    /// `true` or `false`.
    pub fn bool(&self) -> Option<bool> {
        match self.value.kind {
            Kind::Bool(b) => Some(b),
            _ => self.expected("`true` or `false`"),
        }
    }

    /// A number from `min` to `max`, both included.
    pub fn number(&self, min: f64, max: f64) -> Option<f64> {
        match self.value.kind {
            Kind::Number { value, .. } if (min..=max).contains(&value) => Some(value),
            _ => self.expected(&range_text("a number", min, max)),
        }
    }

    /// A whole number from `min` to `max`, both included. `2.0` is one, as JSON schemas have it.
    pub fn integer(&self, min: i64, max: i64) -> Option<i64> {
        match self.value.kind {
            // Doubles hold every integer of this range exactly, so the comparison and the cast lose nothing.
            Kind::Number { value, .. } if value.fract() == 0.0 && value >= min as f64 && value <= max as f64 => {
                Some(value as i64)
            }
            _ => self.expected(&range_text("a whole number", min as f64, max as f64)),
        }
    }

    /// One of a few strings.
    pub fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Option<T> {
        let names = || choices.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let Kind::String(found) = &self.value.kind else { return self.expected(&format!("one of {}", names())) };
        if let Some((_, value)) = choices.iter().find(|(name, _)| name == found) {
            return Some(*value);
        }
        let message = format!("found `{found}`, expected one of {}", names());
        match nearest(found, choices.iter().map(|(name, _)| *name)) {
            Some(name) => self.error_with_hint(message, format!("did you mean `{name}`?")),
            None => self.error(message),
        }
        None
    }
}

/// A text of a message; names in it may be as long as the document.
fn shortened(text: String) -> String {
    const LONGEST: usize = 2000;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn range_text(what: &str, min: f64, max: f64) -> String {
    const FAR: f64 = 1e9;
    match (min > -FAR, max < FAR) {
        (true, true) => format!("{what} from {min} to {max}"),
        (true, false) => format!("{what}, {min} or more"),
        (false, true) => format!("{what}, {max} or less"),
        (false, false) => what.to_owned(),
    }
}

impl Value {
    /// The value in a few words, for "found …".
    pub fn describe(&self) -> String {
        match &self.kind {
            Kind::Null => "`null`".to_owned(),
            Kind::Bool(b) => format!("`{b}`"),
            Kind::Number { literal, .. } => format!("`{literal}`"),
            Kind::String(s) if s.chars().count() > 40 => {
                format!("the string `{}…`", s.chars().take(40).collect::<String>())
            }
            Kind::String(s) => format!("the string `{s}`"),
            Kind::Array(items) => format!("an array of {}", items.len()),
            Kind::Object(_) => "an object".to_owned(),
        }
    }

    /// The member of an object with this key (the last, if it stands there twice); `None` for all else.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match &self.kind {
            Kind::Object(members) => members.iter().rev().find(|m| m.key == key).map(|m| &m.value),
            _ => None,
        }
    }

    /// The keys of an object, in order; none for all else.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let members = match &self.kind {
            Kind::Object(members) => members.as_slice(),
            _ => &[],
        };
        members.iter().map(|m| m.key.as_str())
    }
}

/// The candidate that `found` was most likely meant to be: at most a third of its letters differ.
pub fn nearest<'c>(found: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    /// No key that was meant for a known one is longer, and comparing takes time by both lengths.
    const LONGEST: usize = 100;
    if found.len() > LONGEST {
        return None;
    }
    let simple = |s: &str| s.to_lowercase().replace(['_', '-', ' '], "");
    let wanted = simple(found);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|c| (strsim::osa_distance(&wanted, &simple(c)), c))
        .filter(|(distance, c)| *distance * 3 <= c.chars().count().max(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, c)| c)
}

/// What to do about a key that no shape asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// OMRChecker refuses it: an error.
    Refuse,
    /// OMRChecker ignores it: a warning.
    Warn,
}

/// The members of an object while a shape takes what it knows.
pub struct Fields<'d> {
    cursor: Cursor<'d>,
    members: &'d [Member],
    used: Vec<Cell<bool>>,
}

impl<'d> Fields<'d> {
    /// The object itself.
    pub fn cursor(&self) -> &Cursor<'d> {
        &self.cursor
    }

    /// The value of `key`, if it is there.
    pub fn get(&self, key: &str) -> Option<Cursor<'d>> {
        let i = self.members.iter().rposition(|m| m.key == key)?;
        self.used[i].set(true);
        Some(self.cursor.at(&self.members[i].value, Step::Key(key.to_owned())))
    }

    /// The value of the first of `keys` that is there: spellings of one notion.
    pub fn get_any(&self, keys: &[&str]) -> Option<Cursor<'d>> {
        let found: Vec<_> = keys.iter().filter_map(|key| self.get(key)).collect();
        found.into_iter().next()
    }

    /// The value of `key`; notes a problem when it is not there.
    pub fn require(&self, key: &str) -> Option<Cursor<'d>> {
        let found = self.get(key);
        if found.is_none() {
            self.cursor.error(format!("the key `{key}` is missing"));
        }
        found
    }

    /// Every member that is left, in the order of the file: for objects whose keys are the user's own names.
    pub fn rest(&self) -> Vec<(&'d str, Cursor<'d>)> {
        let left = self.members.iter().zip(&self.used).filter(|(_, used)| !used.replace(true));
        left.map(|(m, _)| (m.key.as_str(), self.cursor.at(&m.value, Step::Key(m.key.clone())))).collect()
    }

    /// Reports the members that nothing asked for. `known` are the keys that could have been meant.
    pub fn finish(self, unknown: Unknown, known: &[&str]) {
        for (member, used) in self.members.iter().zip(&self.used) {
            if used.get() {
                continue;
            }
            let hint = match nearest(&member.key, known.iter().copied()) {
                Some(key) => format!("did you mean `{key}`?"),
                None => format!("known here: {}", known.join(", ")),
            };
            let (severity, message) = match unknown {
                Unknown::Refuse => (Severity::Error, format!("the key `{}` is unknown", member.key)),
                Unknown::Warn => (Severity::Warning, format!("the key `{}` is unknown and ignored", member.key)),
            };
            self.cursor.note(severity, member.at, &self.cursor.path, message, Some(hint));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        Document::parse(Path::new("t.json"), text.to_owned()).unwrap()
    }

    #[test]
    fn positions_are_those_of_the_text() {
        let doc = document("{\n  \"a\": [1,\n   {\"b\\\"c\": true}]\n}");
        let a = doc.root().get("a").unwrap();
        let Kind::Array(items) = &a.kind else { panic!("an array") };
        let Kind::Object(members) = &items[1].kind else { panic!("an object") };
        assert_eq!(line_and_column(&doc.text, a.at), (2, 8));
        assert_eq!(line_and_column(&doc.text, members[0].at), (3, 5));
        assert_eq!(members[0].key, "b\"c");
        assert_eq!(line_and_column(&doc.text, members[0].value.at), (3, 13));
    }

    #[test]
    fn all_problems_are_reported_together_in_file_order() {
        let doc = document(r#"{"gap": "x", "size": [1], "sise": 2, "mode": "fats"}"#);
        let error = doc
            .read(|c| {
                let fields = c.object()?;
                let mode = fields.get("mode").and_then(|c| c.choice(&[("fast", 1), ("slow", 2)]));
                let size = fields.get("size").and_then(|c| c.tuple::<2>("[width, height]"));
                let gap = fields.get("gap").and_then(|c| c.number(0.0, 10.0));
                fields.finish(Unknown::Refuse, &["gap", "size", "mode"]);
                Some((mode?, size?.len(), gap?))
            })
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "t.json:1:9: `gap`: found the string `x`, expected a number from 0 to 10\n\
             t.json:1:22: `size`: found an array of 1, expected [width, height]\n\
             t.json:1:27: the key `sise` is unknown\n  hint: did you mean `size`?\n\
             t.json:1:46: `mode`: found `fats`, expected one of `fast`, `slow`\n  hint: did you mean `fast`?"
        );
    }

    #[test]
    fn a_syntax_error_names_its_place() {
        let error = Document::parse(Path::new("t.json"), "{\n  \"a\": 1,\n}".to_owned()).unwrap_err();
        assert_eq!(error.to_string(), "t.json:3:1: not valid JSON: key must be a string");
    }

    #[test]
    fn nesting_beyond_the_limit_is_an_error_not_a_crash() {
        let text = "[".repeat(100_000) + &"]".repeat(100_000);
        let error = Document::parse(Path::new("t.json"), text).unwrap_err();
        assert!(error.to_string().contains("more than 64 levels"), "{error}");
    }

    #[test]
    fn a_key_written_twice_counts_once_and_is_told() {
        let doc = document(r#"{"a": 1, "a": 2}"#);
        let (value, warnings) = doc
            .read(|c| {
                let fields = c.object()?;
                let value = fields.get("a")?.integer(0, 9);
                fields.finish(Unknown::Refuse, &["a"]);
                value
            })
            .unwrap();
        assert_eq!(value, 2);
        assert_eq!(warnings.len(), 1);
    }

    #[test]
    fn integers_may_be_written_with_a_point_and_booleans_are_none() {
        let doc = document("[2.0, 2.5, true]");
        let (values, _) = doc.read(|c| Some(c.array()?.len())).unwrap();
        assert_eq!(values, 3);
        let read = |i: usize| doc.read(|c| c.array()?[i].integer(0, 9)).map(|(v, _)| v).ok();
        assert_eq!((read(0), read(1), read(2)), (Some(2), None, None));
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        assert_eq!(document("\u{feff}[]").root().at, 0);
    }
}
