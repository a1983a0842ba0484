//! Pre-processors of the v2 family, but for the markers.

use super::super::filters::{self, check, optional, or};
use super::super::values;
use super::super::{
    AutoRotate, CropPage, Interpolation, PagePolygon, PagePreparation, PageWarp, Preprocessor, RotationThreshold,
    WarpMethod,
};
use super::markers;
use crate::dialect::{Dialect, spelled};
use crate::json::{Cursor, Fields, Unknown};

type Reader = fn(&Cursor<'_>, &Cursor<'_>, Dialect) -> Option<Preprocessor>;

const PREPROCESSORS: [(&str, Reader); 8] = [
    ("AutoRotate", |_, options, _| auto_rotate(options)),
    ("Contrast", |_, options, dialect| filters::contrast(options, dialect)),
    ("CropOnMarkers", |step, options, _| markers::crop_on_markers(step, options)),
    ("CropPage", |_, options, dialect| crop_page(options, dialect)),
    ("FeatureBasedAlignment", |_, options, dialect| filters::feature_based_alignment(options, dialect)),
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

fn auto_rotate(options: &Cursor<'_>) -> Option<Preprocessor> {
    let fields = options.object()?;
    let reference = fields.require("referenceImage").and_then(|c| values::asset(&c));
    let marker_size = optional(&fields, "markerDimensions", values::size);
    let threshold = optional(&fields, "threshold", |c| {
        let fields = c.object()?;
        let value = fields.require("value").and_then(|c| c.number(0.0, 1.0));
        let passthrough = or(&fields, "passthrough", false, Cursor::bool);
        fields.finish(Unknown::Refuse, &["value", "passthrough"]);
        Some(RotationThreshold { value: value?, passthrough: passthrough? })
    });
    fields.finish(Unknown::Refuse, &["referenceImage", "markerDimensions", "threshold"]);
    let options = AutoRotate { reference: reference?, marker_size: marker_size?, threshold: threshold? };
    Some(Preprocessor::AutoRotate(options))
}

const METHODS: [(&str, WarpMethod); 4] = [
    ("PERSPECTIVE_TRANSFORM", WarpMethod::Perspective),
    ("HOMOGRAPHY", WarpMethod::Homography),
    ("REMAP_GRIDDATA", WarpMethod::Remap),
    ("DOC_REFINE", WarpMethod::DocRefine),
];

const FLAGS: [(&str, Interpolation); 3] = [
    ("INTER_LINEAR", Interpolation::Linear),
    ("INTER_CUBIC", Interpolation::Cubic),
    ("INTER_NEAREST", Interpolation::Nearest),
];

/// The tuning options that CropPage and every kind of CropOnMarkers have.
pub(super) const WARP_KEYS: [&str; 4] =
    ["warpMethod", "warpMethodFlag", "croppingUseBoundingBox", "croppingUseApproxPoly"];

/// Reads the tuning options of [`WARP_KEYS`], with the method that a step has if none is stated.
pub(super) fn page_warp(fields: &Fields<'_>, default: WarpMethod) -> Option<PageWarp> {
    let method = spelled(fields, "warpMethod").map_or(Some(default), |c| c.choice(&METHODS));
    let interpolation = spelled(fields, "warpMethodFlag").map_or(Some(Interpolation::Linear), |c| c.choice(&FLAGS));
    for key in ["croppingUseBoundingBox", "croppingUseApproxPoly"] {
        spelled(fields, key).map(|cursor| cursor.bool());
    }
    Some(PageWarp { method: method?, interpolation: interpolation? })
}

/// CropPage. A `morphKernel` of height 0 or 1 closes nothing, as upstream has it.
fn crop_page(options: &Cursor<'_>, dialect: Dialect) -> Option<Preprocessor> {
    const KEYS: [&str; 5] =
        ["morphKernel", "useColoredCanny", "maxPointsPerEdge", "processingImageShape", "tuningOptions"];
    let fields = options.object()?;
    let morph_kernel = or(&fields, "morphKernel", (10, 10), morph_kernel);
    let colored_canny = or(&fields, "useColoredCanny", false, Cursor::bool);
    let max_points_per_edge = optional(&fields, "maxPointsPerEdge", |c| {
        let [across, down] = c.tuple::<2>("`[upper and lower edge, left and right edge]`, 2 or more points each")?;
        let points = |c: &Cursor<'_>| c.number(2.0, f64::from(u32::MAX)).map(|v| v as u32);
        let (across, down) = (points(&across), points(&down));
        Some((across?, down?))
    });
    check(&fields, "processingImageShape", values::shape);
    let warp = or(&fields, "tuningOptions", PageWarp::PERSPECTIVE, |c| {
        let fields = c.object()?;
        let warp = page_warp(&fields, WarpMethod::Perspective);
        fields.finish(Unknown::Warn, &WARP_KEYS);
        warp
    });
    fields.finish(Unknown::Refuse, &KEYS);
    Some(Preprocessor::CropPage(CropPage {
        preparation: PagePreparation::CapTwice,
        polygon: if dialect == Dialect::V2Dev { PagePolygon::OneTolerance } else { PagePolygon::Ladder },
        morph_kernel: morph_kernel?,
        colored_canny: colored_canny?,
        warp: warp?,
        max_points_per_edge: max_points_per_edge?,
    }))
}

fn morph_kernel(cursor: &Cursor<'_>) -> Option<(u32, u32)> {
    match values::window(cursor, 0)? {
        (_, 0 | 1) => Some((1, 1)),
        (0, _) => cursor.expected("a kernel of width 1 or more"),
        kernel => Some(kernel),
    }
}
