//! Pre-processors of the v2 family, but for the markers.

use super::super::filters::{self, check, or};
use super::super::values::{self, unsupported};
use super::super::{CropPage, PagePolygon, PagePreparation, Preprocessor};
use super::markers;
use crate::dialect::{Dialect, spelled};
use crate::json::{Cursor, Fields, Unknown};

type Reader = fn(&Cursor<'_>, &Cursor<'_>, Dialect) -> Option<Preprocessor>;

const PREPROCESSORS: [(&str, Reader); 8] = [
    ("AutoRotate", |step, options, _| auto_rotate(step, options)),
    ("Contrast", |_, options, dialect| filters::contrast(options, dialect)),
    ("CropOnMarkers", |step, options, _| markers::crop_on_markers(step, options)),
    ("CropPage", crop_page),
    ("FeatureBasedAlignment", filters::feature_based_alignment),
    ("GaussianBlur", |_, options, dialect| filters::gaussian_blur(options, dialect)),
    ("Levels", |_, options, dialect| filters::levels(options, dialect)),
    ("MedianBlur", |_, options, dialect| filters::median_blur(options, dialect)),
];

/// Reads the steps in order.
pub(super) fn read(cursor: &Cursor<'_>, dialect: Dialect) -> Option<Vec<Preprocessor>> {
    let steps = cursor.array()?;
    let read: Vec<Option<Preprocessor>> = steps.iter().map(|step| preprocessor(step, dialect)).collect();
    read.into_iter().collect()
}

fn preprocessor(step: &Cursor<'_>, dialect: Dialect) -> Option<Preprocessor> {
    let fields = step.object()?;
    let name = fields.require("name").and_then(|c| c.choice(&PREPROCESSORS));
    let options = fields.require("options");
    fields.finish(Unknown::Refuse, &["name", "options"]);
    name?(step, &options?, dialect)
}

fn auto_rotate(step: &Cursor<'_>, options: &Cursor<'_>) -> Option<Preprocessor> {
    let fields = options.object()?;
    let reference = fields.require("referenceImage").and_then(|c| values::asset(&c));
    check(&fields, "markerDimensions", values::size);
    check(&fields, "threshold", |c| {
        let fields = c.object()?;
        let value = fields.require("value").and_then(|c| c.number(0.0, 1.0));
        check(&fields, "passthrough", Cursor::bool);
        fields.finish(Unknown::Refuse, &["value", "passthrough"]);
        value
    });
    fields.finish(Unknown::Refuse, &["referenceImage", "markerDimensions", "threshold"]);
    Some(unsupported(step, "AutoRotate", vec![reference?]))
}

/// How control points become the upright page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WarpMethod {
    Perspective,
    Homography,
    RemapGriddata,
    DocRefine,
}

impl WarpMethod {
    /// As templates spell it.
    pub fn name(self) -> &'static str {
        METHODS.iter().find(|(_, method)| *method == self).map_or("", |(name, _)| name)
    }
}

const METHODS: [(&str, WarpMethod); 4] = [
    ("PERSPECTIVE_TRANSFORM", WarpMethod::Perspective),
    ("HOMOGRAPHY", WarpMethod::Homography),
    ("REMAP_GRIDDATA", WarpMethod::RemapGriddata),
    ("DOC_REFINE", WarpMethod::DocRefine),
];

/// The tuning options that CropPage and every kind of CropOnMarkers have.
pub(super) const WARP_KEYS: [&str; 4] =
    ["warpMethod", "warpMethodFlag", "croppingUseBoundingBox", "croppingUseApproxPoly"];

/// Reads the tuning options of [`WARP_KEYS`]. The outer `None` is a problem, the inner one "not given".
pub(super) fn warp_method(fields: &Fields<'_>) -> Option<Option<WarpMethod>> {
    let method = match spelled(fields, "warpMethod") {
        Some(cursor) => cursor.choice(&METHODS).map(Some),
        None => Some(None),
    };
    if let Some(cursor) = spelled(fields, "warpMethodFlag") {
        let linear = cursor.choice(&[("INTER_LINEAR", true), ("INTER_CUBIC", false), ("INTER_NEAREST", false)]);
        if linear == Some(false) {
            cursor.warn("not applied yet: pages are straightened with `INTER_LINEAR`", None);
        }
    }
    for key in ["croppingUseBoundingBox", "croppingUseApproxPoly"] {
        spelled(fields, key).map(|cursor| cursor.bool());
    }
    method
}

/// CropPage. A `morphKernel` of height 0 or 1 closes nothing, as upstream has it.
fn crop_page(step: &Cursor<'_>, options: &Cursor<'_>, dialect: Dialect) -> Option<Preprocessor> {
    const KEYS: [&str; 5] =
        ["morphKernel", "useColoredCanny", "maxPointsPerEdge", "processingImageShape", "tuningOptions"];
    let fields = options.object()?;
    let morph_kernel = or(&fields, "morphKernel", (10, 10), morph_kernel);
    let colored_canny = or(&fields, "useColoredCanny", false, Cursor::bool);
    check(&fields, "maxPointsPerEdge", |c| {
        let [a, b] = c.tuple::<2>("two numbers")?;
        let (a, b) = (a.number(0.0, f64::MAX), b.number(0.0, f64::MAX));
        Some((a?, b?))
    });
    check(&fields, "processingImageShape", values::shape);
    let method = or(&fields, "tuningOptions", None, |c| {
        let fields = c.object()?;
        let method = warp_method(&fields);
        fields.finish(Unknown::Warn, &WARP_KEYS);
        method
    });
    fields.finish(Unknown::Refuse, &KEYS);
    let options = CropPage {
        preparation: PagePreparation::CapTwice,
        polygon: if dialect == Dialect::V2Dev { PagePolygon::OneTolerance } else { PagePolygon::Ladder },
        morph_kernel: morph_kernel?,
        colored_canny: colored_canny?,
    };
    match method? {
        None | Some(WarpMethod::Perspective) => Some(Preprocessor::CropPage(options)),
        Some(method) => Some(unsupported(step, format!("CropPage {}", method.name()), Vec::new())),
    }
}

fn morph_kernel(cursor: &Cursor<'_>) -> Option<(u32, u32)> {
    match values::window(cursor, 0)? {
        (_, 0 | 1) => Some((1, 1)),
        (0, _) => cursor.expected("a kernel of width 1 or more"),
        kernel => Some(kernel),
    }
}
