//! `conditionalSets`: layouts for some sheets of a template. OMRChecker checks the key and reads no sheet by it.
//!
//! A set's field blocks are added to those of the template; a block of the same name takes the place of the template's.
//! What comes out is a whole layout, so that nothing after this file puts layouts together.

use super::super::columns::{Column, Labels, for_layout};
use super::super::{FieldBlock, LayoutSet, Template};
use super::blocks::{BlockDefaults, read_blocks};
use crate::json::{Cursor, Unknown, nearest};
use crate::matcher::Matcher;

/// All layouts of a template together may have this many fields and bubbles; one with more is a mistake.
const MAX_PARTS: usize = 1_000_000;

/// A set as it stands in the file, its blocks put together with those of the template.
pub(super) struct SetShape<'d> {
    name: &'d str,
    matcher: Matcher,
    matcher_cursor: Cursor<'d>,
    blocks: Vec<FieldBlock>,
}

/// Reads all sets. `base` has the template's own blocks, if they could be read; `labels` theirs, to which those of the
/// sets are added.
pub(super) fn read<'d>(
    cursor: &Cursor<'d>,
    defaults: &BlockDefaults<'_>,
    base: Option<&[FieldBlock]>,
    labels: &mut Labels,
) -> Option<Vec<SetShape<'d>>> {
    let entries = cursor.array()?;
    let mut names: Vec<&str> = Vec::new();
    let mut shapes = Vec::with_capacity(entries.len());
    let mut parts = 0usize;
    for entry in &entries {
        let Some(shape) = read_set(entry, defaults, base.unwrap_or_default(), labels, &mut names) else { continue };
        parts = parts.saturating_add(shape.blocks.iter().map(weight).sum());
        if parts > MAX_PARTS {
            entry.error(format!("with this set the layouts have more than {MAX_PARTS} fields and bubbles together"));
            return None;
        }
        shapes.push(shape);
    }
    (shapes.len() == entries.len()).then_some(shapes)
}

fn weight(block: &FieldBlock) -> usize {
    block.fields.iter().map(|field| 1 + field.bubbles.len()).sum()
}

fn read_set<'d>(
    set: &Cursor<'d>,
    defaults: &BlockDefaults<'_>,
    base: &[FieldBlock],
    labels: &mut Labels,
    names: &mut Vec<&'d str>,
) -> Option<SetShape<'d>> {
    let Some(fields) = set.object() else { return labels.miss_block() };
    let name = fields.require("name").and_then(|c| {
        let name = c.string()?;
        if names.contains(&name) {
            c.error_with_hint(format!("a set named `{name}` already stands above"), "give each set a name of its own");
            return None;
        }
        names.push(name);
        Some(name)
    });
    let matcher_cursor = fields.require("matcher");
    let matcher = matcher_cursor.as_ref().and_then(Matcher::read);
    let blocks = match fields.require("fieldBlocks") {
        Some(cursor) => layout_blocks(&cursor, defaults, base, labels),
        None => labels.miss_block(),
    };
    fields.finish(Unknown::Refuse, &["name", "matcher", "fieldBlocks"]);
    Some(SetShape { name: name?, matcher: matcher?, matcher_cursor: matcher_cursor?, blocks: blocks? })
}

/// The blocks of a set's layout: the template's in their order, those that the set replaces in their places, then the
/// set's others.
fn layout_blocks(
    cursor: &Cursor<'_>,
    defaults: &BlockDefaults<'_>,
    base: &[FieldBlock],
    labels: &mut Labels,
) -> Option<Vec<FieldBlock>> {
    let replaced: Vec<&str> = cursor.children().into_iter().filter_map(|(key, _)| key).collect();
    let kept = base.iter().filter(|block| !replaced.contains(&block.name.as_str()));
    let mut own_labels = Labels::of_blocks(kept);
    let own = read_blocks(cursor, defaults, &mut own_labels);
    labels.absorb(&own_labels);
    let mut own = own?;
    if own.is_empty() {
        cursor.warn("names no field block: sheets of this set are read like all others", None);
    }
    let mut blocks = Vec::with_capacity(base.len() + own.len());
    for block in base {
        match own.iter().position(|new| new.name == block.name) {
            Some(i) => blocks.push(own.remove(i)),
            None => blocks.push(block.clone()),
        }
    }
    blocks.extend(own);
    Some(blocks)
}

/// Makes layouts of the sets: each is `base` with its own blocks, and `columns` and `raw_columns`, whose fields are
/// counted among all `labels`, with its own fields.
pub(super) fn layouts(
    shapes: Vec<SetShape<'_>>,
    base: &Template,
    [columns, raw_columns]: [&[Column]; 2],
    labels: &Labels,
) -> Option<Vec<LayoutSet>> {
    if let Some(first) = shapes.first()
        && shapes.len().saturating_mul(columns.len().max(1)) > MAX_PARTS
    {
        let (sets, columns) = (shapes.len(), columns.len());
        first
            .matcher_cursor
            .error(format!("{sets} layouts of {columns} columns have more than {MAX_PARTS} cells together"));
        return None;
    }
    let mut sets = Vec::with_capacity(shapes.len());
    let mut whole = true;
    for SetShape { name, matcher, matcher_cursor, blocks } in shapes {
        whole &= names_are_known(&matcher, &matcher_cursor, base);
        let layout = Template {
            columns: for_layout(columns, labels, &blocks),
            raw_columns: for_layout(raw_columns, labels, &blocks),
            blocks,
            ..base.clone()
        };
        sets.push(LayoutSet { name: name.to_owned(), matcher, layout });
    }
    whole.then_some(sets)
}

/// Is every name of the matcher a value that the template's own blocks give? Only these are read before a set is chosen.
fn names_are_known(matcher: &Matcher, cursor: &Cursor<'_>, base: &Template) -> bool {
    let Err(unknown) = matcher.bind(|name| base.layout_key(name)) else { return true };
    let format = cursor.below(&["formatString"]);
    let cursor = format.as_ref().unwrap_or(cursor);
    for name in unknown {
        let message = format!(
            "asks for `{{{name}}}`, expected a field of the template's own blocks, a custom label, `{{file_name}}` or \
             `{{file_path}}`"
        );
        let fields = base.fields().map(|(_, field)| field.label.as_str());
        let known = fields.chain(base.custom_labels.iter().map(|label| label.name.as_str()));
        let known = known.chain(["file_name", "file_path"]);
        match nearest(&name, known) {
            Some(near) => cursor.error_with_hint(message, format!("did you mean `{near}`?")),
            None => cursor.error_with_hint(message, "the template's own blocks are read before a set is chosen"),
        }
    }
    false
}
