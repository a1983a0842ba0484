//! File grouping: once a folder is read, links to its sheets or copies of them, put together by what the sheets say, below
//! `organized/`. The sheets themselves are never touched: nothing is moved, and nothing is written through a link.
//!
//! [`Grouping`] says where a sheet is wished to be, while sheets are read; `places` settles, in input order, who has which
//! place; `organize` writes. So the same sheets give the same tree for any number of workers.

mod destination;
mod kept;
mod organize;
mod places;

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::{Collision, FileGrouping, GroupingAction};
use crate::evaluation::SetupProblem;
use crate::json::nearest;
use crate::matcher::{BoundFormat, BoundMatcher, Format};
use crate::template::Column;

pub use self::kept::{Gone, all_kept, forget_kept};
pub use self::organize::{Grouped, organize, set_aside};

/// File grouping whose names are settled for the sheets of a folder.
#[derive(Debug, Clone)]
pub struct Grouping {
    rules: Vec<Rule>,
    default_pattern: BoundFormat<Key>,
}

#[derive(Debug, Clone)]
struct Rule {
    matcher: BoundMatcher<Key>,
    destination: BoundFormat<Key>,
    action: GroupingAction,
    collision: Collision,
}

/// What a name in a pattern stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    FilePath,
    FileName,
    FileStem,
    IsMultiMarked,
    Score,
    /// Index of an output column.
    Column(usize),
}

/// The names that stand for something besides output columns.
const BUILT_IN: [(&str, Key); 6] = [
    ("file_path", Key::FilePath),
    ("file_name", Key::FileName),
    ("file_stem", Key::FileStem),
    ("original_name", Key::FileName),
    ("is_multi_marked", Key::IsMultiMarked),
    ("score", Key::Score),
];

/// What patterns may ask of a sheet.
#[derive(Debug, Clone, Copy)]
pub struct GroupedSheet<'s> {
    /// The image's name.
    pub image: &'s OsStr,
    /// Its path, as in the column `input_path`.
    pub path: &'s str,
    /// The score's cell in its row.
    pub score: &'s str,
    /// Any field has more than one mark.
    pub multi_marked: bool,
    /// One value an output column; none of a sheet that could not be read.
    pub columns: &'s [String],
}

/// Where a sheet is wished to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// The path below `organized/`.
    #[serde(with = "crate::os_names::below")]
    destination: PathBuf,
    action: GroupingAction,
    collision: Collision,
}

impl Grouping {
    /// Settles the names of patterns and matchers for sheets with these output columns.
    ///
    /// # Errors
    /// Every name that stands for nothing, with what to do.
    pub fn bind(grouping: &FileGrouping, columns: &[Column], is_scored: bool) -> Result<Self, Vec<SetupProblem>> {
        let mut binding = Binding { grouping, columns, is_scored, problems: Vec::new() };
        let default_pattern = binding.format("`defaultPattern`", &grouping.default_pattern);
        let rules = grouping.rules.iter().map(|rule| {
            let place = |key: &str| format!("the `{key}` of the rule `{}`", rule.name);
            let destination = binding.format(&place("destinationPattern"), &rule.destination);
            let matcher = rule.matcher.bind(|name| binding.key(name));
            let matcher = matcher.map_err(|unknown| binding.refuse(&place("formatString"), &unknown)).ok();
            let (action, collision) = (rule.action, rule.collision);
            Some(Rule { matcher: matcher?, destination: destination?, action, collision })
        });
        let rules: Vec<Option<Rule>> = rules.collect();
        match (default_pattern, rules.into_iter().collect::<Option<Vec<Rule>>>()) {
            (Some(default_pattern), Some(rules)) => Ok(Self { rules, default_pattern }),
            _ => Err(binding.problems),
        }
    }

    /// Where a sheet is wished to be: by the first rule that is for it, else by the default pattern. Under the latter no
    /// sheet is left out.
    pub fn wish(&self, sheet: GroupedSheet<'_>) -> Wish {
        let name = sheet.image.to_string_lossy();
        let value = |key: &Key| sheet.value(*key, &name);
        let rule = self.rules.iter().find(|rule| rule.matcher.fits(value));
        let (pattern, action, collision) = match rule {
            Some(rule) => (&rule.destination, rule.action, rule.collision),
            None => (&self.default_pattern, GroupingAction::Symlink, Collision::Increment),
        };
        // A value is one name: only paths have folders in them.
        let text = pattern.fill(|key| match key {
            Key::FilePath => value(key),
            _ => Cow::Owned(value(key).replace('/', "_")),
        });
        Wish { destination: destination::clean(&text, &name), action, collision }
    }
}

impl GroupedSheet<'_> {
    fn value<'v>(&'v self, key: Key, name: &'v str) -> Cow<'v, str> {
        Cow::Borrowed(match key {
            Key::FilePath => self.path,
            Key::FileName => name,
            Key::FileStem => match name.rsplit_once('.') {
                Some((stem, _)) if !stem.is_empty() => stem,
                _ => name,
            },
            // As Python writes it.
            Key::IsMultiMarked => ["False", "True"][usize::from(self.multi_marked)],
            Key::Score => self.score,
            Key::Column(i) => self.columns.get(i).map_or("", String::as_str),
        })
    }
}

/// The names of a grouping on their way to keys.
struct Binding<'b> {
    grouping: &'b FileGrouping,
    columns: &'b [Column],
    is_scored: bool,
    problems: Vec<SetupProblem>,
}

impl Binding<'_> {
    fn key(&self, name: &str) -> Option<Key> {
        let built_in = BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, key)| *key);
        let column = || self.columns.iter().position(|column| column.name == name).map(Key::Column);
        built_in.filter(|key| *key != Key::Score || self.is_scored).or_else(column)
    }

    fn format(&mut self, place: &str, format: &Format) -> Option<BoundFormat<Key>> {
        let bound = BoundFormat::bind(format, |name| self.key(name));
        bound.map_err(|unknown| self.refuse(place, &unknown)).ok()
    }

    fn refuse(&mut self, place: &str, unknown: &[String]) {
        for name in unknown {
            let mut message = format!("{place} in `outputs.fileGrouping` asks for `{{{name}}}`");
            let known = BUILT_IN.iter().map(|(name, _)| *name).chain(self.columns.iter().map(|c| c.name.as_str()));
            let hint = if name == "score" {
                message.push_str(", but these sheets are not scored");
                "put an evaluation.json beside the sheets, or do without `{score}`".to_owned()
            } else {
                message.push_str(", expected an output column of the template or a name of its own");
                match nearest(name, known) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => {
                        let names = BUILT_IN.map(|(name, _)| format!("`{name}`")).join(", ");
                        format!("names of its own are {names}")
                    }
                }
            };
            self.problems.push(SetupProblem::new(&self.grouping.file, message).hint(hint));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;
    use crate::json::Document;

    fn grouping(text: &str, is_scored: bool) -> Result<Grouping, String> {
        let text = format!(r#"{{"outputs": {{"fileGrouping": {{"enabled": true, {text}}}}}}}"#);
        let document = Document::parse(Path::new("config.json"), text).unwrap();
        let (config, _) = Config::read(&document).map_err(|e| e.to_string())?;
        let columns: Vec<Column> =
            ["roll", "q1"].iter().map(|name| Column { name: (*name).to_owned(), fields: Vec::new() }).collect();
        let told = |problems: Vec<SetupProblem>| problems.iter().map(|p| format!("{p}\n")).collect::<String>();
        Grouping::bind(&config.outputs.grouping.unwrap(), &columns, is_scored).map_err(told)
    }

    fn wish(grouping: &Grouping, columns: [&str; 2]) -> String {
        let columns = columns.map(str::to_owned);
        let sheet = GroupedSheet {
            image: OsStr::new("a.b.jpg"),
            path: "in/x/a.b.jpg",
            score: "1.5",
            multi_marked: true,
            columns: &columns,
        };
        let wish = grouping.wish(sheet);
        format!("{} {:?} {:?}", wish.destination.display(), wish.action, wish.collision)
    }

    const RULES: &str = r#""defaultPattern": "rest/{file_path}", "rules": [
        {"name": "late", "priority": 9, "destination_pattern": "late/{file_stem}",
         "matcher": {"format_string": "{roll}", "match_regex": "^7"}, "action": "copy"},
        {"name": "early", "priority": 1, "destinationPattern": "{q1}/{score}", "collisionStrategy": "overwrite",
         "matcher": {"formatString": "{roll}-{is_multi_marked}", "matchRegex": "77-True"}}]"#;

    #[test]
    fn the_first_rule_by_priority_that_fits_counts() {
        let grouping = grouping(RULES, true).unwrap();
        assert_eq!(wish(&grouping, ["77", "A/B"]), "A_B/1.5.jpg Symlink Overwrite");
        assert_eq!(wish(&grouping, ["78", ""]), "late/a.b.jpg Copy Skip");
        assert_eq!(wish(&grouping, ["1", ""]), "rest/in/x/a.b.jpg Symlink Increment");
    }

    #[test]
    fn names_that_stand_for_nothing_are_told_together() {
        let error = grouping(&RULES.replace("{roll}", "{rol}"), false).unwrap_err();
        for fragment in [
            "config.json: the `destinationPattern` of the rule `early` in `outputs.fileGrouping` asks for `{score}`, but",
            "the `formatString` of the rule `late` in `outputs.fileGrouping` asks for `{rol}`, expected an output column",
            "hint: did you mean `roll`?",
        ] {
            assert!(error.contains(fragment), "{error}\nexpected: {fragment}");
        }
        assert!(grouping(r#""defaultPattern": "{zzzzzzzz}""#, true).unwrap_err().contains("`is_multi_marked`"));
    }
}
