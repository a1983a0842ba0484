//! Field labels and custom labels become output columns.
//!
//! A custom label joins fields into one column; those fields have no column of their own unless the template names them
//! among its output columns.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use super::{CustomLabel, FieldBlock};
use crate::json::{Cursor, nearest};
use crate::labels;

/// An output column: its name and the fields whose values it joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The header.
    pub name: String,
    /// Indices into the template's fields ([`super::Template::fields`] order) whose values are joined, in order.
    pub fields: Vec<usize>,
}

/// By what the columns of a template that does not list them are ordered. Ties keep the template's order: fields first,
/// custom labels after them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortBy {
    /// By [`labels::natural_key`]: `q2` before `q10`.
    Natural,
    /// By code points: `q10` before `q2`.
    CodePoints,
}

/// Which end the order begins at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortOrder {
    /// Smallest first.
    Ascending,
    /// Largest first; ties as in the template.
    Descending,
}

/// A template may have this many fields, and this many bubbles; one with more is a mistake, not a sheet.
const MAX_FIELDS: usize = 20_000;
const MAX_BUBBLES: usize = 200_000;

/// The labels that a template's blocks define, in template order.
#[derive(Debug, Default)]
pub(super) struct Labels {
    names: Vec<String>,
    // Looked up only; nothing walks it, so its order shows nowhere.
    index: HashMap<String, usize>,
    /// A block's labels could not be read: what is missing may stand there.
    incomplete: bool,
    bubbles: usize,
}

impl Labels {
    /// Takes the labels of the next block, read at `cursor`, and hands them back; notes the first that an earlier block
    /// has.
    pub fn add_block(&mut self, block: &str, cursor: &Cursor<'_>, list: Option<Vec<String>>) -> Option<Vec<String>> {
        let Some(list) = list else { return self.miss_block() };
        if self.names.len() + list.len() > MAX_FIELDS {
            cursor.error(format!("with the field block `{block}` the template has more than {MAX_FIELDS} fields"));
            return self.miss_block();
        }
        if let Some(twice) = list.iter().find(|label| self.index.contains_key(*label)) {
            cursor.error_with_hint(
                format!("the label `{twice}` of the field block `{block}` belongs to an earlier field block"),
                "every label stands in one field block, and once",
            );
        }
        list.iter().for_each(|label| warn_of_reserved(label, cursor));
        for label in &list {
            self.index.insert(label.clone(), self.names.len());
            self.names.push(label.clone());
        }
        Some(list)
    }

    /// The labels of blocks that were read before.
    pub fn of_blocks<'b>(blocks: impl Iterator<Item = &'b FieldBlock>) -> Self {
        let mut labels = Self::default();
        for field in blocks.flat_map(|block| &block.fields) {
            labels.bubbles += field.bubbles.len();
            labels.index.insert(field.label.clone(), labels.names.len());
            labels.names.push(field.label.clone());
        }
        labels
    }

    /// Adds the labels of another layout, as far as they are new.
    pub fn absorb(&mut self, other: &Self) {
        self.incomplete |= other.incomplete;
        for name in other.names.iter().filter(|name| !self.index.contains_key(*name)).cloned().collect::<Vec<_>>() {
            self.index.insert(name.clone(), self.names.len());
            self.names.push(name);
        }
    }

    /// Counts the bubbles of the next block; notes an error when there are too many.
    pub fn count_bubbles(&mut self, block: &str, cursor: &Cursor<'_>, count: usize) -> Option<()> {
        self.bubbles = self.bubbles.saturating_add(count);
        if self.bubbles <= MAX_BUBBLES {
            return Some(());
        }
        cursor.error(format!("with the field block `{block}` the template has more than {MAX_BUBBLES} bubbles"));
        None
    }

    /// Remembers that a block could not be read at all.
    pub fn miss_block<T>(&mut self) -> Option<T> {
        self.incomplete = true;
        None
    }

    /// Were the labels of every block read?
    pub fn is_complete(&self) -> bool {
        !self.incomplete
    }

    /// Notes the `wanted` labels that no block defines; false when there are any.
    fn check(&self, cursor: &Cursor<'_>, wanted: &[String], also: &[CustomLabel]) -> bool {
        if self.incomplete {
            return true;
        }
        let custom = |label: &str| also.iter().any(|c| c.name == label);
        let mut missing: Vec<&str> = wanted
            .iter()
            .map(String::as_str)
            .filter(|label| !self.index.contains_key(*label) && !custom(label))
            .collect();
        if missing.is_empty() {
            return true;
        }
        missing.sort_unstable();
        let known = self.names.iter().map(String::as_str).chain(also.iter().map(|c| c.name.as_str()));
        let hint = match nearest(missing[0], known) {
            Some(label) => format!("did you mean `{label}`?"),
            None => "labels are defined by the `fieldLabels` of the field blocks".to_owned(),
        };
        cursor.error_with_hint(format!("no field block defines {}", enumerate(&missing)), hint);
        false
    }
}

/// Columns that every table has before those of the template.
const RESERVED: [&str; 4] = ["file_id", "input_path", "output_path", "score"];

/// Warns of a label that becomes a second column of a name that every table has.
fn warn_of_reserved(label: &str, cursor: &Cursor<'_>) {
    if RESERVED.contains(&label) {
        let message = format!("the tables have a column `{label}` of their own, so it will stand in them twice");
        cursor.warn(message, Some("choose another label".to_owned()));
    }
}

/// A few names in backticks, and how many more there are.
fn enumerate(names: &[&str]) -> String {
    const SHOWN: usize = 8;
    let shown = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// `columns`, whose fields are counted among all `labels`, with the fields of the layout that has these blocks. A field
/// that the layout lacks is left out.
pub(super) fn for_layout(columns: &[Column], labels: &Labels, blocks: &[FieldBlock]) -> Vec<Column> {
    let fields = blocks.iter().flat_map(|block| &block.fields).enumerate();
    let places: HashMap<&str, usize> = fields.map(|(i, field)| (field.label.as_str(), i)).collect();
    let place = |i: &usize| labels.names.get(*i).and_then(|name| places.get(name.as_str())).copied();
    let column = |column: &Column| Column {
        name: column.name.clone(),
        fields: column.fields.iter().filter_map(place).collect(),
    };
    columns.iter().map(column).collect()
}

/// Labels, custom labels and which fields those use up.
#[derive(Debug)]
pub(super) struct Naming<'l> {
    labels: &'l Labels,
    custom: Vec<CustomLabel>,
    used: HashSet<String>,
}

impl<'l> Naming<'l> {
    /// Reads `customLabels`: every name with the labels that it joins.
    pub fn read(cursor: Option<Cursor<'_>>, labels: &'l Labels) -> Option<Self> {
        let mut naming = Self { labels, custom: Vec::new(), used: HashSet::new() };
        let Some(cursor) = cursor else { return Some(naming) };
        let mut whole = true;
        let entries = cursor.object()?.rest();
        for (name, entry) in &entries {
            match labels::read_list(entry) {
                Some(fields) => whole &= naming.add(name, entry, fields),
                None => whole = false,
            }
        }
        if whole {
            naming.drop_shadowed(&entries);
        }
        whole.then_some(naming)
    }

    fn add(&mut self, name: &str, entry: &Cursor<'_>, fields: Vec<String>) -> bool {
        let mut whole = self.labels.check(entry, &fields, &[]);
        if let Some(twice) = fields.iter().find(|label| self.used.contains(*label)) {
            entry.error_with_hint(
                format!("the field `{twice}` is already part of another custom label"),
                "a field belongs to one custom label at most",
            );
            whole = false;
        }
        warn_of_reserved(name, entry);
        if whole {
            self.used.extend(fields.iter().cloned());
            self.custom.push(CustomLabel { name: name.to_owned(), fields });
        }
        whole
    }

    /// A custom label may be called as one of its own fields. When it is called as a field that no custom label uses,
    /// one name stands for two values; the field's is the one that OMRChecker writes.
    fn drop_shadowed(&mut self, entries: &[(&str, Cursor<'_>)]) {
        let is_plain = |name: &str| self.labels.index.contains_key(name) && !self.used.contains(name);
        for (name, entry) in entries.iter().filter(|(name, _)| is_plain(name)) {
            entry.warn(
                format!("the custom label `{name}` has the name of a field that is not part of it, and is ignored"),
                Some(format!("the column `{name}` holds the field's value; rename the custom label to have both")),
            );
        }
        let kept = self.custom.iter().filter(|custom| !is_plain(&custom.name)).cloned().collect();
        self.custom = kept;
    }

    /// The columns that a template which lists none has.
    pub fn sorted(&self, by: SortBy, order: SortOrder) -> Vec<Column> {
        let plain = self.labels.names.iter().filter(|label| !self.used.contains(*label));
        let mut names: Vec<&str> =
            plain.map(String::as_str).chain(self.custom.iter().map(|c| c.name.as_str())).collect();
        sort(&mut names, by, order);
        names.into_iter().map(|name| self.column(name)).collect()
    }

    /// A column for each field, sorted as the output columns are.
    pub fn raw_sorted(&self, by: SortBy, order: SortOrder) -> Vec<Column> {
        let mut names: Vec<&str> = self.labels.names.iter().map(String::as_str).collect();
        sort(&mut names, by, order);
        names.into_iter().map(|name| self.raw_column(name)).collect()
    }

    /// A column for each field, in template order.
    pub fn raw(&self) -> Vec<Column> {
        self.labels.names.iter().map(|name| self.raw_column(name)).collect()
    }

    fn raw_column(&self, name: &str) -> Column {
        Column { name: name.to_owned(), fields: self.labels.index.get(name).copied().into_iter().collect() }
    }

    /// The columns that the template lists, read at `cursor`: each is a custom label or a field. A field that a custom
    /// label uses may be listed too; its column holds its own value.
    pub fn listed(&self, cursor: &Cursor<'_>, names: &[String]) -> Option<Vec<Column>> {
        if !self.labels.check(cursor, names, &self.custom) {
            return None;
        }
        self.warn_of_left_out(cursor, names);
        Some(names.iter().map(|name| self.column(name)).collect())
    }

    fn warn_of_left_out(&self, cursor: &Cursor<'_>, names: &[String]) {
        let listed: HashSet<&str> = names.iter().map(String::as_str).collect();
        let plain = self.labels.names.iter().filter(|label| !self.used.contains(*label));
        let all = plain.chain(self.custom.iter().map(|c| &c.name)).map(String::as_str);
        let left_out: Vec<&str> = all.filter(|name| !listed.contains(name)).collect();
        if !left_out.is_empty() {
            cursor.warn(
                format!("read, but not written, since no column is listed for it: {}", enumerate(&left_out)),
                None,
            );
        }
    }

    fn column(&self, name: &str) -> Column {
        let index = |label: &str| self.labels.index.get(label).copied();
        let fields = match self.custom.iter().find(|custom| custom.name == name) {
            Some(custom) => custom.fields.iter().filter_map(|label| index(label)).collect(),
            None => index(name).into_iter().collect(),
        };
        Column { name: name.to_owned(), fields }
    }

    /// The custom labels.
    pub fn into_custom(self) -> Vec<CustomLabel> {
        self.custom
    }
}

fn sort(names: &mut [&str], by: SortBy, order: SortOrder) {
    match (by, order) {
        (SortBy::Natural, SortOrder::Ascending) => names.sort_by_cached_key(|name| labels::natural_key(name)),
        (SortBy::Natural, SortOrder::Descending) => {
            names.sort_by_cached_key(|name| Reverse(labels::natural_key(name)));
        }
        (SortBy::CodePoints, SortOrder::Ascending) => names.sort(),
        (SortBy::CodePoints, SortOrder::Descending) => names.sort_by_key(|name| Reverse(*name)),
    }
}

/// Reads `idColumn`, which names one of the columns.
pub(super) fn id_column(cursor: &Cursor<'_>, columns: Option<&[Column]>) -> Option<String> {
    let name = cursor.string()?;
    // Without columns there is an error already, and nothing to compare with.
    let Some(columns) = columns else { return Some(name.to_owned()) };
    if columns.iter().any(|column| column.name == name) {
        return Some(name.to_owned());
    }
    let message = format!("found `{name}`, expected the name of an output column");
    match nearest(name, columns.iter().map(|column| column.name.as_str())) {
        Some(column) => cursor.error_with_hint(message, format!("did you mean `{column}`?")),
        None => cursor
            .error_with_hint(message, "the columns are the custom labels and the fields that no custom label joins"),
    }
    None
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::json::Document;

    fn document(text: &str) -> Document {
        Document::parse(Path::new("t.json"), text.to_owned()).unwrap()
    }

    fn labels_of(names: &[String]) -> Labels {
        let document = document("[]");
        let (labels, _) = document
            .read(|cursor| {
                let mut labels = Labels::default();
                labels.add_block("b", &cursor, Some(names.to_vec()));
                Some(labels)
            })
            .unwrap();
        labels
    }

    fn sorted(names: &[String], custom: &str, by: SortBy, order: SortOrder) -> Vec<Column> {
        let labels = labels_of(names);
        document(custom).read(|c| Some(Naming::read(Some(c), &labels)?.sorted(by, order))).unwrap().0
    }

    fn names(columns: &[Column]) -> Vec<&str> {
        columns.iter().map(|c| c.name.as_str()).collect()
    }

    fn strings(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn orders() {
        let labels = strings(&["q10", "q5_2", "q2", "q5_1", "a", "b", "7", "Roll"]);
        let custom = r#"{"q5": ["a"], "name": ["b"]}"#;
        let sorted =
            |by, order| sorted(&labels, custom, by, order).into_iter().map(|c| c.name).collect::<Vec<_>>().join(" ");
        // Ties (q5_2, q5_1, q5) stay in template order, the custom label last, in both directions.
        assert_eq!(sorted(SortBy::Natural, SortOrder::Ascending), "7 Roll name q2 q5_2 q5_1 q5 q10");
        assert_eq!(sorted(SortBy::Natural, SortOrder::Descending), "q10 q5_2 q5_1 q5 q2 name Roll 7");
        assert_eq!(sorted(SortBy::CodePoints, SortOrder::Ascending), "7 Roll name q10 q2 q5 q5_1 q5_2");
        assert_eq!(sorted(SortBy::CodePoints, SortOrder::Descending), "q5_2 q5_1 q5 q2 q10 name Roll 7");
    }

    #[test]
    fn names_of_the_tables_own_columns_are_told() {
        let document = document("[1]");
        let (_, warnings) =
            document.read(|cursor| Labels::default().add_block("Q", &cursor, Some(strings(&["q1", "score"])))).unwrap();
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].message.contains("`score`"), "{}", warnings[0].message);
    }

    #[test]
    fn a_custom_label_may_be_called_as_one_of_its_fields() {
        let columns = sorted(&strings(&["r1", "r2"]), r#"{"r1": ["r2", "r1"]}"#, SortBy::Natural, SortOrder::Ascending);
        assert_eq!(columns, [Column { name: "r1".to_owned(), fields: vec![1, 0] }]);
    }

    #[test]
    fn a_custom_label_called_as_a_foreign_field_is_ignored_with_a_warning() {
        let labels = labels_of(&strings(&["r1", "r2"]));
        let document = document(r#"{"r1": ["r2"]}"#);
        let (columns, warnings) = document
            .read(|c| Some(Naming::read(Some(c), &labels)?.sorted(SortBy::Natural, SortOrder::Ascending)))
            .unwrap();
        assert_eq!(columns, [Column { name: "r1".to_owned(), fields: vec![0] }]);
        assert!(warnings[0].message.contains("the custom label `r1`"), "{warnings:?}");
    }

    #[test]
    fn listed_columns_may_name_a_field_that_a_custom_label_uses() {
        let labels = labels_of(&strings(&["r1", "r2", "q1"]));
        let document = document(r#"{"roll": ["r1", "r2"]}"#);
        let (columns, warnings) =
            document.read(|c| Naming::read(Some(c.clone()), &labels)?.listed(&c, &strings(&["r2", "roll"]))).unwrap();
        assert_eq!(columns[0], Column { name: "r2".to_owned(), fields: vec![1] });
        assert_eq!(columns[1], Column { name: "roll".to_owned(), fields: vec![0, 1] });
        assert!(warnings[0].message.contains("`q1`"), "{warnings:?}");
    }

    #[test]
    fn what_a_block_that_cannot_be_read_may_define_is_not_called_missing() {
        let mut labels = labels_of(&strings(&["q1"]));
        assert!(labels.miss_block::<()>().is_none());
        let document = document(r#"{"roll": ["r1"]}"#);
        assert!(document.read(|c| Naming::read(Some(c), &labels).map(Naming::into_custom)).is_ok());
    }

    proptest! {
        /// Distinct keys: the order of blocks does not show in the columns.
        #[test]
        fn block_order_does_not_show(
            numbers in proptest::collection::hash_set(0u32..500, 1..30),
            seed in proptest::collection::vec(0u32..1000, 30),
        ) {
            let names_in_order: Vec<String> = numbers.iter().map(|n| format!("q{n}")).collect();
            let mut permuted: Vec<(u32, String)> = seed.into_iter().zip(names_in_order.clone()).collect();
            permuted.sort();
            let permuted: Vec<String> = permuted.into_iter().map(|(_, name)| name).collect();
            for by in [SortBy::Natural, SortBy::CodePoints] {
                for order in [SortOrder::Ascending, SortOrder::Descending] {
                    let (a, b) = (sorted(&names_in_order, "{}", by, order), sorted(&permuted, "{}", by, order));
                    prop_assert_eq!(names(&a), names(&b));
                }
            }
        }

        /// By default every field ends in exactly one column, whatever the custom labels join.
        #[test]
        fn every_field_has_one_column(
            count in 1usize..40,
            customs in proptest::collection::vec(0usize..6, 40),
        ) {
            let fields: Vec<String> = (1..=count).map(|n| format!("q{n}")).collect();
            let members = |group: usize| {
                let of_group = fields.iter().zip(&customs).filter(|(_, g)| **g == group);
                of_group.map(|(field, _)| format!("\"{field}\"")).collect::<Vec<_>>().join(", ")
            };
            // Group 0 stays plain.
            let custom: Vec<String> = (1..6).map(|group| format!("\"c{group}\": [{}]", members(group))).collect();
            let columns =
                sorted(&fields, &format!("{{{}}}", custom.join(", ")), SortBy::Natural, SortOrder::Ascending);
            let mut used: Vec<usize> = columns.iter().flat_map(|c| c.fields.clone()).collect();
            used.sort_unstable();
            prop_assert_eq!(used, (0..count).collect::<Vec<_>>());
        }
    }
}
