//! Field blocks of the v2 family: bubbles of a named type, bar codes, text.

use std::collections::{BTreeMap, BTreeSet};

use super::super::columns::Labels;
use super::super::field_types::{self, DIRECTIONS, FieldType};
use super::super::filters::{check, optional, or};
use super::super::grid::{self, Spacing};
use super::super::values::{self, MAX_SIDE};
use super::super::{BlockAlignment, Field, FieldBlock, FieldKind};
use super::block_alignment;
use crate::geometry::{Rect, Size};
use crate::json::{Cursor, Fields, Unknown, nearest};
use crate::labels;

/// What a block takes from the template; `None` where that could not be read.
pub(super) struct BlockDefaults<'d> {
    pub page_size: Option<Size>,
    pub bubble_size: Option<Size>,
    pub empty_value: Option<&'d str>,
    pub offset: Option<(f64, f64)>,
    pub types: Option<&'d CustomTypes>,
    pub alignment: Option<BlockAlignment>,
}

/// `customBubbleFieldTypes` by name.
#[derive(Debug, Default)]
pub(super) struct CustomTypes(BTreeMap<String, FieldType>);

impl CustomTypes {
    /// Reads the types. One that has neither a custom nor a built-in name cannot be asked for; it is told and left out.
    pub fn read(cursor: &Cursor<'_>) -> Option<Self> {
        let mut types = BTreeMap::new();
        let mut whole = true;
        for (name, entry) in cursor.object()?.rest() {
            if !name.starts_with("CUSTOM_") && field_types::v2_type(name).is_none() {
                let hint = format!("rename it to `CUSTOM_{name}`");
                entry.warn(format!("no field block can use the type `{name}`"), Some(hint));
                continue;
            }
            match custom_type(&entry) {
                Some(custom) => drop(types.insert(name.to_owned(), custom)),
                None => whole = false,
            }
        }
        whole.then_some(Self(types))
    }

    /// The type with this name: a built-in one, unless the template defines it anew.
    fn find(&self, cursor: &Cursor<'_>) -> Option<FieldType> {
        let name = cursor.string()?;
        if let Some(found) = self.0.get(name).cloned().or_else(|| field_types::v2_type(name)) {
            return Some(found);
        }
        if let Some(v1) = field_types::v1_type(name) {
            let values = v1.values.iter().map(|v| format!("\"{v}\"")).collect::<Vec<_>>().join(", ");
            let custom = name.replace("QTYPE", "CUSTOM");
            let hint = format!(
                "add `\"{custom}\": {{\"bubbleValues\": [{values}], \"direction\": \"horizontal\"}}` to \
                 `customBubbleFieldTypes` and name that type here"
            );
            cursor.error_with_hint(format!("the type `{name}` exists in templates of v1 only"), hint);
            return None;
        }
        let known = || self.0.keys().map(String::as_str).chain(field_types::V2_NAMES);
        let hint = match nearest(name, known()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "known here: {}; own types stand in `customBubbleFieldTypes`",
                known().collect::<Vec<_>>().join(", ")
            ),
        };
        let message = match name.starts_with("CUSTOM_") {
            true => format!("the type `{name}` is not defined in `customBubbleFieldTypes`"),
            false => format!("found `{name}`, expected a built-in type or one whose name begins with `CUSTOM_`"),
        };
        cursor.error_with_hint(message, hint);
        None
    }
}

fn custom_type(cursor: &Cursor<'_>) -> Option<FieldType> {
    let fields = cursor.object()?;
    let values = fields.require("bubbleValues").and_then(|c| values::bubble_values(&c));
    let direction = fields.require("direction").and_then(|c| c.choice(&DIRECTIONS));
    fields.finish(Unknown::Refuse, &["bubbleValues", "direction"]);
    Some(FieldType { values: values?, direction: direction? })
}

/// Reads the template's own field blocks.
pub(super) fn field_blocks(
    cursor: &Cursor<'_>,
    defaults: &BlockDefaults<'_>,
    labels: &mut Labels,
) -> Option<Vec<FieldBlock>> {
    let blocks = read_blocks(cursor, defaults, labels)?;
    if blocks.iter().all(|block| block.fields.is_empty()) {
        cursor.warn("no field block has a field: every sheet gives an empty row", None);
    }
    Some(blocks)
}

/// Reads the field blocks of an object, of the template or of a conditional set.
pub(super) fn read_blocks(
    cursor: &Cursor<'_>,
    defaults: &BlockDefaults<'_>,
    labels: &mut Labels,
) -> Option<Vec<FieldBlock>> {
    let Some(object) = cursor.object() else { return labels.miss_block() };
    let entries = object.rest();
    let mut blocks = Vec::with_capacity(entries.len());
    for (name, entry) in &entries {
        blocks.extend(field_block(name, entry, defaults, labels));
    }
    (blocks.len() == entries.len()).then_some(blocks)
}

const COMMON_KEYS: [&str; 7] =
    ["fieldDetectionType", "origin", "fieldLabels", "labelsGap", "emptyValue", "bubbleFieldType", "alignment"];

const BUBBLE_KEYS: [&str; 5] = ["bubblesGap", "bubbleDimensions", "bubbleValues", "direction", "maxMarks"];

/// The values of `fieldDetectionType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Detection {
    Bubbles,
    Ocr,
    Barcode,
}

/// What every kind of block states.
struct Common<'d> {
    origin: Option<(f64, f64)>,
    list: Option<Vec<String>>,
    empty_value: Option<&'d str>,
    alignment: Option<BlockAlignment>,
}

fn field_block(
    name: &str,
    cursor: &Cursor<'_>,
    defaults: &BlockDefaults<'_>,
    labels: &mut Labels,
) -> Option<FieldBlock> {
    let Some(fields) = cursor.object() else { return labels.miss_block() };
    let kind = fields.require("fieldDetectionType").and_then(|c| {
        c.choice(&[
            ("BUBBLES_THRESHOLD", Detection::Bubbles),
            ("OCR", Detection::Ocr),
            ("BARCODE_QR", Detection::Barcode),
        ])
    });
    let list_cursor = fields.require("fieldLabels");
    let list = list_cursor.as_ref().and_then(labels::read_list);
    let list = labels.add_block(name, list_cursor.as_ref().unwrap_or(cursor), list);
    let origin = fields.require("origin").and_then(|c| origin(&c, defaults.offset));
    let empty_value = or(&fields, "emptyValue", defaults.empty_value, |c| c.string().map(Some)).flatten();
    let alignment = or(&fields, "alignment", defaults.alignment, |c| {
        let fields = c.object()?;
        let alignment = block_alignment(&fields, defaults.alignment);
        fields.finish(Unknown::Refuse, &["margins", "maxDisplacement", "maxMatchCount"]);
        alignment.map(Some)
    });
    let common = Common { origin, list, empty_value, alignment: alignment.flatten() };
    match kind {
        Some(Detection::Bubbles) => bubble_block(name, fields, common, defaults, labels),
        // Without its kind, nothing tells which keys a block may have.
        None => None,
        Some(kind) => zone_block(name, kind, fields, list_cursor, common, defaults),
    }
}

fn origin(cursor: &Cursor<'_>, offset: Option<(f64, f64)>) -> Option<(f64, f64)> {
    let [x, y] = cursor.tuple::<2>("`[x, y]` in pixels")?;
    let (x, y) = (x.number(0.0, MAX_SIDE as f64), y.number(0.0, MAX_SIDE as f64));
    let (dx, dy) = offset?;
    Some((x? + dx, y? + dy))
}

fn bubble_block(
    name: &str,
    fields: Fields<'_>,
    common: Common<'_>,
    defaults: &BlockDefaults<'_>,
    labels: &mut Labels,
) -> Option<FieldBlock> {
    let gap = |key| fields.require(key).and_then(|c| c.number(0.0, MAX_SIDE as f64));
    let (bubbles_gap, labels_gap) = (gap("bubblesGap"), gap("labelsGap"));
    let type_cursor = fields.require("bubbleFieldType");
    let field_type = type_cursor.and_then(|c| defaults.types?.find(&c));
    let bubble_size = or(&fields, "bubbleDimensions", defaults.bubble_size, |c| values::size(c).map(Some));
    tell_overridden(&fields, field_type.as_ref());
    let max_marks = values::max_marks(&fields);
    let cursor = fields.cursor().clone();
    fields.finish(Unknown::Refuse, &[COMMON_KEYS.as_slice(), &BUBBLE_KEYS].concat());

    let (list, field_type) = (common.list?, field_type?);
    let spacing = Spacing {
        origin: common.origin?,
        bubbles_gap: bubbles_gap?,
        labels_gap: labels_gap?,
        bubble_size: bubble_size??,
    };
    labels.count_bubbles(name, &cursor, list.len() * field_type.values.len())?;
    spacing.warn_of_slips(name, &cursor, list.len(), &field_type);
    let bounds = bounds(name, &cursor, &spacing, &list, &field_type, defaults.page_size?)?;
    Some(FieldBlock {
        name: name.to_owned(),
        kind: FieldKind::Bubbles,
        fields: spacing.fields(&list, &field_type),
        bounds,
        bubble_size: spacing.bubble_size,
        empty_value: common.empty_value?.to_owned(),
        max_marks: max_marks?,
        alignment: common.alignment?,
    })
}

/// A block's own `bubbleValues` and `direction` give way to those of its type; told when they differ.
fn tell_overridden(fields: &Fields<'_>, field_type: Option<&FieldType>) {
    let tell = |cursor: &Cursor<'_>, differs: bool| {
        if differs {
            let hint = "define a type with these in `customBubbleFieldTypes` and name it in `bubbleFieldType`";
            cursor.warn("has no effect beside `bubbleFieldType`, which decides it", Some(hint.to_owned()));
        }
        Some(())
    };
    check(fields, "bubbleValues", |c| {
        let values = values::bubble_values(c)?;
        tell(c, field_type.is_some_and(|t| t.values != values))
    });
    check(fields, "direction", |c| {
        let direction = c.choice(&DIRECTIONS)?;
        tell(c, field_type.is_some_and(|t| t.direction != direction))
    });
}

/// The box around a block's bubbles, whose size upstream rounds to hundredths before it compares it with the page.
fn bounds(
    name: &str,
    cursor: &Cursor<'_>,
    spacing: &Spacing,
    list: &[String],
    field_type: &FieldType,
    page: Size,
) -> Option<Rect> {
    let (width, height) = spacing.extent(list.len(), field_type.values.len(), field_type.direction);
    let hundredths = |v: f64| (v * 100.0).round_ties_even() / 100.0;
    let extent = (hundredths(width), hundredths(height));
    if !list.is_empty() && !grid::lies_on_page(spacing.origin, extent, page) {
        return grid::off_page(name, cursor, spacing.origin, extent, page);
    }
    Some(grid::covering(spacing.origin, extent))
}

/// A block whose fields all read one zone: a bar code or text.
fn zone_block(
    name: &str,
    detection: Detection,
    fields: Fields<'_>,
    list_cursor: Option<Cursor<'_>>,
    common: Common<'_>,
    defaults: &BlockDefaults<'_>,
) -> Option<FieldBlock> {
    let labels_gap = optional(&fields, "labelsGap", |c| c.number(0.0, MAX_SIDE as f64));
    let entries = list_cursor.map_or(0, |c| c.children().len());
    if entries > 1 && matches!(labels_gap, Some(None)) {
        fields.cursor().error_with_hint(
            "the key `labelsGap` is missing",
            "a block with more than one entry in `fieldLabels` must state it; `0` is fine here",
        );
    }
    let kind = if detection == Detection::Ocr {
        or(&fields, "bubbleFieldType", String::new(), |c| Some(alphabet(&defaults.types?.find(c)?))).map(FieldKind::Ocr)
    } else {
        check(&fields, "bubbleFieldType", Cursor::string);
        Some(FieldKind::Barcode)
    };
    let max_marks = values::max_marks(&fields);
    let zone = fields.require("scanZone").and_then(|c| scan_zone(&c, common.origin));
    if let (Some(zone), Some(page)) = (zone, defaults.page_size) {
        let (x0, y0, x1, y1) = zone.clipped(page);
        if x0 == x1 || y0 == y1 {
            fields.cursor().warn(
                format!("the zone lies wholly outside of the page of {page}: nothing can be read there"),
                Some("`origin` and `scanZone` are in pixels of `templateDimensions`".to_owned()),
            );
        }
    }
    fields.finish(Unknown::Refuse, &[COMMON_KEYS.as_slice(), &["scanZone", "maxMarks"]].concat());
    let (zone, kind) = (zone?, kind?);
    Some(FieldBlock {
        name: name.to_owned(),
        kind,
        fields: common.list?.into_iter().map(|label| Field { label, bubbles: Vec::new() }).collect(),
        bounds: zone,
        bubble_size: Size::new(zone.width, zone.height),
        empty_value: common.empty_value?.to_owned(),
        max_marks: max_marks?,
        alignment: common.alignment?,
    })
}

/// The characters of a type's values: what a text field of that type can hold.
fn alphabet(field_type: &FieldType) -> String {
    let characters: BTreeSet<char> = field_type.values.iter().flat_map(|v| v.chars()).collect();
    characters.into_iter().filter(|c| !c.is_whitespace() && !c.is_control()).collect()
}

/// The zone at the block's origin with its margins around. It may leave the page: upstream clips it.
fn scan_zone(cursor: &Cursor<'_>, block_origin: Option<(f64, f64)>) -> Option<Rect> {
    let fields = cursor.object()?;
    let size = fields.require("dimensions").and_then(|c| values::size(&c));
    let margins = fields.require("margins").and_then(|c| values::margins(&c));
    check(&fields, "origin", |c| {
        c.warn("has no effect: the zone begins at the block's `origin`", None);
        origin(c, Some((0.0, 0.0)))
    });
    fields.finish(Unknown::Refuse, &["dimensions", "margins", "origin"]);
    let (size, margins, (x, y)) = (size?, margins?, block_origin?);
    Some(Rect::new(
        (x - f64::from(margins.left)) as i32,
        (y - f64::from(margins.top)) as i32,
        size.width + margins.left + margins.right,
        size.height + margins.top + margins.bottom,
    ))
}
