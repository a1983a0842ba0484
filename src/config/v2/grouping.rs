//! The shape of `outputs.fileGrouping`. OMRChecker's schema wants some keys of its rules in snake case; both spellings are
//! read for all.

use std::collections::HashSet;

use super::super::grouping::default_pattern;
use super::super::{Collision, FileGrouping, GroupingAction, GroupingRule};
use crate::dialect::spelled;
use crate::json::{Cursor, Unknown};
use crate::matcher::{Matcher, read_names};

/// Reads the whole of it; `None` inside when it is not enabled.
pub(super) fn read(cursor: &Cursor<'_>) -> Option<Option<FileGrouping>> {
    let fields = cursor.object()?;
    let enabled = fields.get("enabled").map_or(Some(false), |c| c.bool());
    let pattern = spelled(&fields, "defaultPattern").map_or(Some(default_pattern()), |c| destination(&c));
    let entries = fields.get("rules").map_or(Some(Vec::new()), |c| c.array());
    fields.finish(Unknown::Refuse, &["enabled", "defaultPattern", "rules"]);
    let mut seen = Seen::default();
    let rules = entries.and_then(|entries| {
        let rules: Vec<_> = entries.iter().map(|entry| rule(entry, &mut seen)).collect();
        rules.into_iter().collect::<Option<Vec<(i64, GroupingRule)>>>()
    });
    let file = cursor.file().to_path_buf();
    let (enabled, default_pattern, mut rules) = (enabled?, pattern?, rules?);
    rules.sort_by_key(|(priority, _)| *priority);
    let rules = rules.into_iter().map(|(_, rule)| rule).collect();
    Some(enabled.then_some(FileGrouping { file, default_pattern, rules }))
}

/// What the rules before have.
#[derive(Default)]
struct Seen {
    priorities: HashSet<i64>,
    names: HashSet<String>,
}

fn rule(cursor: &Cursor<'_>, seen: &mut Seen) -> Option<(i64, GroupingRule)> {
    const KEYS: [&str; 6] = ["name", "priority", "destinationPattern", "matcher", "action", "collisionStrategy"];
    let fields = cursor.object()?;
    let name = fields.require("name").and_then(|c| {
        let name = c.string()?.to_owned();
        if !seen.names.insert(name.clone()) {
            c.error_with_hint(
                format!("a rule named `{name}` already stands above"),
                "give each rule a name of its own",
            );
            return None;
        }
        Some(name)
    });
    let priority = fields.require("priority").and_then(|c| {
        let priority = c.integer(0, i64::from(i32::MAX))?;
        if !seen.priorities.insert(priority) {
            c.error_with_hint(
                format!("the priority `{priority}` belongs to an earlier rule"),
                "give each rule a priority of its own; the smallest comes first",
            );
            return None;
        }
        Some(priority)
    });
    let pattern = spelled(&fields, KEYS[2]);
    if pattern.is_none() {
        cursor.error(format!("the key `{}` is missing", KEYS[2]));
    }
    let destination = pattern.and_then(|c| destination(&c));
    let matcher = fields.require("matcher").and_then(|c| Matcher::read_by(&c, spelled));
    let action = fields.get("action").map_or(Some(GroupingAction::Symlink), |c| {
        c.choice(&[("symlink", GroupingAction::Symlink), ("copy", GroupingAction::Copy)])
    });
    let collision = spelled(&fields, KEYS[5]).map_or(Some(Collision::Skip), |c| {
        c.choice(&[("skip", Collision::Skip), ("increment", Collision::Increment), ("overwrite", Collision::Overwrite)])
    });
    fields.finish(Unknown::Refuse, &KEYS);
    let rule = GroupingRule {
        name: name?,
        matcher: matcher?,
        destination: destination?,
        action: action?,
        collision: collision?,
    };
    Some((priority?, rule))
}

/// A pattern: a path below `organized/`.
fn destination(cursor: &Cursor<'_>) -> Option<crate::matcher::Format> {
    let text = cursor.string()?;
    if text.split(['/', '\\']).any(|part| part == "..") || text.starts_with(['/', '\\']) {
        cursor.error_with_hint(
            format!("found `{text}`, which leads out of `organized/`"),
            "write a path below `organized/`, such as `{roll}/{original_name}`",
        );
        return None;
    }
    if text.trim().is_empty() {
        return cursor.expected("a path such as `{roll}/{original_name}`");
    }
    read_names(cursor)
}
