//! The v1 shape of template.json: `pageDimensions`, `fieldType`, `outputColumns` as an array.

use super::columns::{Labels, Naming, SortBy, SortOrder, id_column};
use super::field_types::{self, DIRECTIONS, FieldType};
use super::filters::{self, optional, or};
use super::grid::{self, Spacing};
use super::values::{self, MAX_SIDE};
use super::{
    BlockAlignment, CropOnMarkers, CropPage, FieldBlock, FieldKind, MarkerSearch, PagePolygon, PagePreparation,
    PageWarp, Preprocessor, Template,
};
use crate::dialect::Dialect;
use crate::geometry::{Rect, Size};
use crate::json::{Cursor, Fields, Unknown};
use crate::labels;

const KEYS: [&str; 8] = [
    "pageDimensions",
    "bubbleDimensions",
    "emptyValue",
    "preProcessors",
    "fieldBlocks",
    "customLabels",
    "outputColumns",
    "idColumn",
];

const BLOCK_KEYS: [&str; 10] = [
    "origin",
    "bubblesGap",
    "labelsGap",
    "fieldLabels",
    "fieldType",
    "bubbleValues",
    "direction",
    "emptyValue",
    "bubbleDimensions",
    "maxMarks",
];

/// Reads a whole template.
pub(super) fn template(cursor: &Cursor<'_>) -> Option<Template> {
    let fields = cursor.object()?;
    let page_size = fields.require("pageDimensions").and_then(|c| values::size(&c));
    let bubble_size = fields.require("bubbleDimensions").and_then(|c| values::size(&c));
    let empty_value = or(&fields, "emptyValue", "", Cursor::string);
    let preprocessors = or(&fields, "preProcessors", Vec::new(), preprocessors);
    let mut labels = Labels::default();
    let defaults = BlockDefaults { page_size, bubble_size, empty_value };
    let blocks = match fields.require("fieldBlocks") {
        Some(cursor) => field_blocks(&cursor, &defaults, &mut labels),
        None => labels.miss_block(),
    };
    let naming = Naming::read(fields.get("customLabels"), &labels);
    let listed = or(&fields, "outputColumns", Vec::new(), labels::read_list);
    let by_number = (SortBy::Natural, SortOrder::Ascending);
    let raw_columns = match (&naming, &listed) {
        (Some(naming), Some(listed)) if listed.is_empty() => Some(naming.raw_sorted(by_number.0, by_number.1)),
        (Some(naming), Some(_)) => Some(naming.raw()),
        _ => None,
    };
    let columns = match (&naming, listed) {
        (Some(naming), Some(listed)) if listed.is_empty() => Some(naming.sorted(by_number.0, by_number.1)),
        (Some(naming), Some(listed)) => fields.get("outputColumns").and_then(|c| naming.listed(&c, &listed)),
        _ => None,
    };
    // Only a whole list of columns can tell whether an `idColumn` is right.
    let certain = columns.as_deref().filter(|_| labels.is_complete());
    let id_column = optional(&fields, "idColumn", |c| id_column(c, certain));
    fields.finish(Unknown::Refuse, &KEYS);
    Some(Template {
        dialect: Dialect::V1,
        file: cursor.file().to_path_buf(),
        sha256: cursor.sha256(),
        page_size: page_size?,
        processing_size: None,
        output_size: None,
        preprocessors: preprocessors?,
        blocks: blocks?,
        empty_value: empty_value?.to_owned(),
        custom_labels: naming?.into_custom(),
        columns: columns?,
        raw_columns: raw_columns?,
        alignment_reference: None,
        id_column: id_column?,
        sets: Vec::new(),
    })
}

/// What a block takes from the template; `None` where that could not be read.
struct BlockDefaults<'d> {
    page_size: Option<Size>,
    bubble_size: Option<Size>,
    empty_value: Option<&'d str>,
}

fn field_blocks(cursor: &Cursor<'_>, defaults: &BlockDefaults<'_>, labels: &mut Labels) -> Option<Vec<FieldBlock>> {
    let Some(object) = cursor.object() else { return labels.miss_block() };
    let entries = object.rest();
    let mut blocks = Vec::with_capacity(entries.len());
    for (name, entry) in &entries {
        blocks.extend(field_block(name, entry, defaults, labels));
    }
    let whole = blocks.len() == entries.len();
    if whole && blocks.iter().all(|block| block.fields.is_empty()) {
        cursor.error_with_hint("no field block has a field", "name the fields of each block in its `fieldLabels`");
        return None;
    }
    whole.then_some(blocks)
}

fn field_block(
    name: &str,
    cursor: &Cursor<'_>,
    defaults: &BlockDefaults<'_>,
    labels: &mut Labels,
) -> Option<FieldBlock> {
    let Some(fields) = cursor.object() else { return labels.miss_block() };
    let origin = fields.require("origin").and_then(|c| origin(&c));
    let gap = |key| fields.require(key).and_then(|c| c.number(0.0, MAX_SIDE as f64));
    let (bubbles_gap, labels_gap) = (gap("bubblesGap"), gap("labelsGap"));
    let list_cursor = fields.require("fieldLabels");
    let list = list_cursor.as_ref().and_then(labels::read_list);
    let list = labels.add_block(name, list_cursor.as_ref().unwrap_or(cursor), list);
    let field_type = field_type(&fields);
    let empty_value = or(&fields, "emptyValue", defaults.empty_value, |c| c.string().map(Some));
    let bubble_size = or(&fields, "bubbleDimensions", defaults.bubble_size, |c| values::size(c).map(Some));
    let max_marks = values::max_marks(&fields);
    fields.finish(Unknown::Warn, &BLOCK_KEYS);

    let (list, field_type) = (list?, field_type?);
    let spacing =
        Spacing { origin: origin?, bubbles_gap: bubbles_gap?, labels_gap: labels_gap?, bubble_size: bubble_size?? };
    labels.count_bubbles(name, cursor, list.len() * field_type.values.len())?;
    spacing.warn_of_slips(name, cursor, list.len(), &field_type);
    let bounds = bounds(name, cursor, &spacing, &list, &field_type, defaults.page_size?)?;
    Some(FieldBlock {
        name: name.to_owned(),
        kind: FieldKind::Bubbles,
        fields: spacing.fields(&list, &field_type),
        bounds,
        bubble_size: spacing.bubble_size,
        empty_value: empty_value??.to_owned(),
        max_marks: max_marks?,
        alignment: BlockAlignment::default(),
    })
}

fn origin(cursor: &Cursor<'_>) -> Option<(f64, f64)> {
    let [x, y] = cursor.tuple::<2>("`[x, y]`, whole pixels")?;
    let (x, y) = (x.integer(0, MAX_SIDE), y.integer(0, MAX_SIDE));
    Some((x? as f64, y? as f64))
}

/// The box of a block, cut to whole pixels; notes a problem when it does not lie on the page.
fn bounds(
    name: &str,
    cursor: &Cursor<'_>,
    spacing: &Spacing,
    list: &[String],
    field_type: &FieldType,
    page: Size,
) -> Option<Rect> {
    let (width, height) = spacing.extent(list.len(), field_type.values.len(), field_type.direction);
    let extent = (width.trunc(), height.trunc());
    if !list.is_empty() && !grid::lies_on_page(spacing.origin, extent, page) {
        return grid::off_page(name, cursor, spacing.origin, extent, page);
    }
    let (x, y) = spacing.origin;
    Some(Rect::new(x as i32, y as i32, extent.0 as u32, extent.1 as u32))
}

/// A block states `fieldType`, or both `bubbleValues` and `direction`; with `fieldType`, one of those two may change it.
fn field_type(fields: &Fields<'_>) -> Option<FieldType> {
    let built_in = optional(fields, "fieldType", |c| {
        let found = c.string()?;
        match field_types::v1_type(found) {
            Some(known) => Some(known),
            // Tells the names and the nearest.
            None => c.choice(&field_types::V1_NAMES.map(|name| (name, ()))).and(None),
        }
    });
    let values = optional(fields, "bubbleValues", values::bubble_values);
    let direction = optional(fields, "direction", |c| c.choice(&DIRECTIONS));
    match (built_in?, values?, direction?) {
        (Some(_), Some(_), Some(_)) => {
            let hint = "remove `fieldType`: the other two say all there is to say";
            fields
                .cursor()
                .error_with_hint("found `fieldType`, `bubbleValues` and `direction`, expected two at most", hint);
            None
        }
        (Some(built_in), values, direction) => Some(FieldType {
            values: values.unwrap_or(built_in.values),
            direction: direction.unwrap_or(built_in.direction),
        }),
        (None, Some(values), Some(direction)) => Some(FieldType { values, direction }),
        (None, values, direction) => {
            let lacking = match (values, direction) {
                (Some(_), _) => "the key `direction` is missing beside `bubbleValues`",
                (_, Some(_)) => "the key `bubbleValues` is missing beside `direction`",
                _ => "found neither `fieldType` nor `bubbleValues` and `direction`",
            };
            let hint = format!("state `fieldType` ({}), or both others", field_types::V1_NAMES.join(", "));
            fields.cursor().error_with_hint(lacking, hint);
            None
        }
    }
}

type Reader = fn(&Cursor<'_>) -> Option<Preprocessor>;

const PREPROCESSORS: [(&str, Reader); 6] = [
    ("CropOnMarkers", crop_on_markers),
    ("CropPage", crop_page),
    ("FeatureBasedAlignment", |options| filters::feature_based_alignment(options, Dialect::V1)),
    ("GaussianBlur", |options| filters::gaussian_blur(options, Dialect::V1)),
    ("Levels", |options| filters::levels(options, Dialect::V1)),
    ("MedianBlur", |options| filters::median_blur(options, Dialect::V1)),
];

fn preprocessors(cursor: &Cursor<'_>) -> Option<Vec<Preprocessor>> {
    let steps = cursor.array()?;
    let read: Vec<Option<Preprocessor>> = steps.iter().map(preprocessor).collect();
    read.into_iter().collect()
}

fn preprocessor(step: &Cursor<'_>) -> Option<Preprocessor> {
    let fields = step.object()?;
    let name = fields.require("name").and_then(|c| c.choice(&PREPROCESSORS));
    let options = fields.require("options");
    fields.finish(Unknown::Warn, &["name", "options"]);
    name?(&options?)
}

fn crop_page(options: &Cursor<'_>) -> Option<Preprocessor> {
    let fields = options.object()?;
    let morph_kernel = or(&fields, "morphKernel", (10, 10), |c| values::window(c, 1));
    fields.finish(Unknown::Refuse, &["morphKernel"]);
    Some(Preprocessor::CropPage(CropPage {
        preparation: PagePreparation::BlurAndKeep,
        polygon: PagePolygon::OneTolerance,
        morph_kernel: morph_kernel?,
        colored_canny: false,
        warp: PageWarp::PERSPECTIVE,
        max_points_per_edge: None,
    }))
}

const MARKER_KEYS: [&str; 7] = [
    "relativePath",
    "sheetToMarkerWidthRatio",
    "marker_rescale_range",
    "marker_rescale_steps",
    "min_matching_threshold",
    "max_matching_variation",
    "apply_erode_subtract",
];

fn crop_on_markers(options: &Cursor<'_>) -> Option<Preprocessor> {
    let fields = options.object()?;
    let marker = fields.require("relativePath").and_then(|c| values::asset(&c));
    let ratio = optional(&fields, "sheetToMarkerWidthRatio", |c| c.number(1.0, MAX_SIDE as f64));
    let rescale = values::rescale(
        (fields.get("marker_rescale_range"), (35, 100)),
        (fields.get("marker_rescale_steps"), 10),
        options,
    );
    let min_matching_threshold = or(&fields, "min_matching_threshold", 0.3, |c| c.number(0.0, 1.0));
    let max_matching_variation = or(&fields, "max_matching_variation", 0.41, |c| c.number(0.0, 2.0));
    let apply_erode_subtract = or(&fields, "apply_erode_subtract", true, Cursor::bool);
    fields.finish(Unknown::Refuse, &MARKER_KEYS);
    let (rescale_range, rescale_steps) = rescale?;
    Some(Preprocessor::CropOnMarkers(CropOnMarkers {
        search: MarkerSearch::OneScale {
            marker: marker?,
            sheet_to_marker_width_ratio: ratio?,
            max_matching_variation: max_matching_variation?,
        },
        min_matching_threshold: min_matching_threshold?,
        rescale_range,
        rescale_steps,
        apply_erode_subtract: apply_erode_subtract?,
    }))
}
