//! The shape of template.json of the v2 family: `templateDimensions`, `fieldDetectionType`, `outputColumns` as an
//! object. The older member spells tuning options in snake case; both spellings are read for both.

mod blocks;
mod markers;
mod preprocessors;
mod sets;

use std::path::PathBuf;

use self::blocks::{BlockDefaults, CustomTypes, field_blocks};
use super::columns::{Column, Labels, Naming, SortBy, SortOrder, for_layout, id_column};
use super::filters::{check, optional, or};
use super::values::{self, MAX_SIDE};
use super::{BlockAlignment, Margins, Template};
use crate::dialect::{Dialect, refuse_clashing_keys};
use crate::geometry::Size;
use crate::json::{Cursor, Fields, Kind, Unknown};
use crate::labels;

const KEYS: [&str; 16] = [
    "templateDimensions",
    "bubbleDimensions",
    "preProcessors",
    "fieldBlocks",
    "processingImageShape",
    "outputImageShape",
    "fieldBlocksOffset",
    "emptyValue",
    "customLabels",
    "customBubbleFieldTypes",
    "outputColumns",
    "alignment",
    "conditionalSets",
    "sortFiles",
    "output",
    "idColumn",
];

/// The search grows with the square of it, and a block that lies farther away is on another form.
const MAX_DISPLACEMENT: f64 = 250.0;

/// What images are resized to before pre-processing, unless the template states it.
const PROCESSING_SIZE: Size = Size::new(650, 900);

/// Reads a whole template.
pub(super) fn template(cursor: &Cursor<'_>, dialect: Dialect) -> Option<Template> {
    let fields = cursor.object()?;
    refuse_clashing_keys(cursor);
    let page_size = fields.require("templateDimensions").and_then(|c| values::size_cut(&c));
    let bubble_size = fields.require("bubbleDimensions").and_then(|c| values::size(&c));
    let processing_size = or(&fields, "processingImageShape", PROCESSING_SIZE, values::shape);
    let output_size = optional(&fields, "outputImageShape", values::shape);
    let offset = or(&fields, "fieldBlocksOffset", (0.0, 0.0), offset);
    let empty_value = or(&fields, "emptyValue", "", Cursor::string);
    let preprocessors = fields.require("preProcessors").and_then(|c| preprocessors::read(&c, dialect));
    let types = or(&fields, "customBubbleFieldTypes", CustomTypes::default(), CustomTypes::read);
    let alignment = optional(&fields, "alignment", alignment).map(Option::unwrap_or_default);
    let mut labels = Labels::default();
    let defaults = BlockDefaults {
        page_size,
        bubble_size,
        empty_value,
        offset,
        types: types.as_ref(),
        alignment: alignment.as_ref().map(|alignment| alignment.blocks),
    };
    let blocks = match fields.require("fieldBlocks") {
        Some(cursor) => field_blocks(&cursor, &defaults, &mut labels),
        None => labels.miss_block(),
    };
    // Columns are the same for all layouts of a template, so labels are those of all.
    let sets = match fields.get("conditionalSets") {
        Some(cursor) => sets::read(&cursor, &defaults, blocks.as_deref(), &mut labels),
        None => Some(Vec::new()),
    };
    let naming = Naming::read(fields.get("customLabels"), &labels);
    let (columns, raw_columns) = match columns(fields.get("outputColumns"), naming.as_ref()) {
        Some((columns, raw)) => (Some(columns), Some(raw)),
        None => (None, None),
    };
    let certain = columns.as_deref().filter(|_| labels.is_complete());
    let id_column = optional(&fields, "idColumn", |c| id_column(c, certain));
    check(&fields, "sortFiles", sort_files);
    check(&fields, "output", Cursor::bool);
    fields.finish(Unknown::Refuse, &KEYS);
    let (blocks, columns, raw_columns) = (blocks?, columns?, raw_columns?);
    let mut template = Template {
        dialect,
        file: cursor.file().to_path_buf(),
        sha256: cursor.sha256(),
        page_size: page_size?,
        processing_size: Some(processing_size?),
        output_size: output_size?,
        preprocessors: preprocessors?,
        columns: for_layout(&columns, &labels, &blocks),
        raw_columns: for_layout(&raw_columns, &labels, &blocks),
        blocks,
        empty_value: empty_value?.to_owned(),
        custom_labels: naming?.into_custom(),
        alignment_reference: alignment?.reference,
        id_column: id_column?,
        sets: Vec::new(),
    };
    template.sets = sets::layouts(sets?, &template, [&columns, &raw_columns], &labels)?;
    Some(template)
}

/// `[dx, dy]`, whole pixels of either sign.
fn offset(cursor: &Cursor<'_>) -> Option<(f64, f64)> {
    let [dx, dy] = cursor.tuple::<2>("`[dx, dy]`, whole pixels")?;
    let (dx, dy) = (dx.integer(-MAX_SIDE, MAX_SIDE), dy.integer(-MAX_SIDE, MAX_SIDE));
    Some((dx? as f64, dy? as f64))
}

/// How `outputColumns` orders the columns that it does not list.
#[derive(Debug, Clone, Copy, PartialEq)]
enum SortType {
    Sorted(SortBy),
    /// `CUSTOM`: as listed; without a list by code points.
    Custom,
}

/// The output columns, and those of single fields.
fn columns(cursor: Option<Cursor<'_>>, naming: Option<&Naming<'_>>) -> Option<(Vec<Column>, Vec<Column>)> {
    let sorted = |by, order| Some((naming?.sorted(by, order), naming?.raw_sorted(by, order)));
    let Some(cursor) = cursor else { return sorted(SortBy::Natural, SortOrder::Ascending) };
    if matches!(cursor.value().kind, Kind::Array(_)) {
        cursor.error_with_hint(
            "found an array, expected an object",
            "write the list as `{\"sortType\": \"CUSTOM\", \"customOrder\": […]}`",
        );
        return None;
    }
    let fields = cursor.object()?;
    let sort_type = or(&fields, "sortType", SortType::Sorted(SortBy::Natural), |c| {
        c.choice(&[
            ("ALPHANUMERIC", SortType::Sorted(SortBy::Natural)),
            ("ALPHABETICAL", SortType::Sorted(SortBy::CodePoints)),
            ("CUSTOM", SortType::Custom),
        ])
    });
    let order = or(&fields, "sortOrder", SortOrder::Ascending, |c| {
        c.choice(&[("ASC", SortOrder::Ascending), ("DESC", SortOrder::Descending)])
    });
    let list_cursor = fields.get("customOrder");
    let listed = or(&fields, "customOrder", Vec::new(), labels::read_list);
    fields.finish(Unknown::Refuse, &["customOrder", "sortType", "sortOrder"]);
    let (sort_type, order, listed) = (sort_type?, order?, listed?);
    match (list_cursor, sort_type) {
        (Some(list), SortType::Sorted(_)) if !listed.is_empty() => {
            list.error_with_hint(
                "found a list of columns beside a `sortType` that sorts them",
                "set `sortType` to `CUSTOM`, or remove `customOrder`",
            );
            None
        }
        (Some(list), SortType::Custom) if !listed.is_empty() => Some((naming?.listed(&list, &listed)?, naming?.raw())),
        (_, SortType::Sorted(by)) => sorted(by, order),
        (_, SortType::Custom) => sorted(SortBy::CodePoints, order),
    }
}

/// The template's `alignment`.
#[derive(Debug, Default)]
struct Alignment {
    /// Without it, the rest has no effect.
    reference: Option<PathBuf>,
    blocks: BlockAlignment,
}

fn alignment(cursor: &Cursor<'_>) -> Option<Alignment> {
    let fields = cursor.object()?;
    let reference = optional(&fields, "referenceImage", values::asset);
    let blocks = block_alignment(&fields, Some(BlockAlignment::default()));
    check(&fields, "anchorWindowSize", |c| values::window(c, 1));
    fields.finish(
        Unknown::Refuse,
        &["referenceImage", "margins", "maxDisplacement", "maxMatchCount", "anchorWindowSize"],
    );
    Some(Alignment { reference: reference?, blocks: blocks? })
}

/// Reads the part of `alignment` that a block may state too; what it does not state is taken from `defaults`, which is
/// `None` where that could not be read.
fn block_alignment(fields: &Fields<'_>, defaults: Option<BlockAlignment>) -> Option<BlockAlignment> {
    let margins: Option<Option<Margins>> = optional(fields, "margins", values::margins);
    let max_displacement = optional(fields, "maxDisplacement", |c| c.number(0.0, MAX_DISPLACEMENT));
    check(fields, "maxMatchCount", |c| c.integer(0, i64::from(i32::MAX)));
    let (margins, max_displacement, defaults) = (margins?, max_displacement?, defaults?);
    Some(BlockAlignment {
        margins: margins.unwrap_or(defaults.margins),
        max_displacement: max_displacement.map_or(defaults.max_displacement, |v| v as u32),
    })
}

/// OMRChecker's schema wants mappings of files and says nothing about them, and its program refuses them: there are none
/// to follow. What the key is for is done by file grouping.
fn sort_files(cursor: &Cursor<'_>) -> Option<()> {
    let fields = cursor.object()?;
    let enabled = fields.require("enabled").and_then(|c| c.bool());
    fields.get("fileMappings");
    fields.finish(Unknown::Refuse, &["enabled", "fileMappings"]);
    if enabled? {
        let hint = "write `\"outputs\": {\"fileGrouping\": {\"enabled\": true, \"defaultPattern\": \
                    \"{roll}/{original_name}\"}}` into config.json for links to the sheets in a folder for each `roll`";
        cursor.warn("sheets are not sorted by this key, which no OMRChecker applies", Some(hint.to_owned()));
    }
    Some(())
}
