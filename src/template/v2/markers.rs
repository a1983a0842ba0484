//! CropOnMarkers of the v2 family. Four custom markers are applied; dots, lines and L-shapes are checked only.

use std::collections::HashSet;
use std::path::PathBuf;

use super::super::filters::{check, optional, or};
use super::super::values::{self, MAX_SIDE, unsupported};
use super::super::{CropOnMarkers, Margins, MarkerAnchor, MarkerSearch, MarkerZone, Preprocessor};
use super::preprocessors::{WARP_KEYS, WarpMethod, warp_method};
use crate::dialect::spelled;
use crate::geometry::Size;
use crate::json::{Cursor, Fields, Kind, Unknown};

/// What a type of CropOnMarkers looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marks {
    /// Pictures of markers.
    Pictures,
    /// L-shaped marks.
    Ls,
    /// Dots and lines.
    DotsAndLines,
}

/// A type of CropOnMarkers: its name, its zones, and what stands in them.
#[derive(Debug, Clone, Copy)]
struct MarkerType {
    name: &'static str,
    zones: &'static [&'static str],
    marks: Marks,
}

const FOUR_MARKERS: [&str; 4] = ["topLeftMarker", "topRightMarker", "bottomRightMarker", "bottomLeftMarker"];
const L_MARKERS: [&str; 4] = ["topLeftLMarker", "topRightLMarker", "bottomRightLMarker", "bottomLeftLMarker"];
const FOUR_DOTS: [&str; 4] = ["topLeftDot", "topRightDot", "bottomRightDot", "bottomLeftDot"];

const fn marker_type(name: &'static str, zones: &'static [&'static str], marks: Marks) -> (&'static str, MarkerType) {
    (name, MarkerType { name, zones, marks })
}

const TYPES: [(&str, MarkerType); 6] = [
    marker_type("FOUR_MARKERS", &FOUR_MARKERS, Marks::Pictures),
    marker_type("L_MARKERS", &L_MARKERS, Marks::Ls),
    marker_type("ONE_LINE_TWO_DOTS", &["leftLine", "topRightDot", "bottomRightDot"], Marks::DotsAndLines),
    marker_type("TWO_DOTS_ONE_LINE", &["rightLine", "topLeftDot", "bottomLeftDot"], Marks::DotsAndLines),
    marker_type("TWO_LINES", &["leftLine", "rightLine"], Marks::DotsAndLines),
    marker_type("FOUR_DOTS", &FOUR_DOTS, Marks::DotsAndLines),
];

/// The names that `zonePreset` may have.
const PRESETS: [&str; 15] = [
    FOUR_MARKERS[0],
    FOUR_MARKERS[1],
    FOUR_MARKERS[2],
    FOUR_MARKERS[3],
    L_MARKERS[0],
    L_MARKERS[1],
    L_MARKERS[2],
    L_MARKERS[3],
    FOUR_DOTS[0],
    FOUR_DOTS[1],
    FOUR_DOTS[2],
    FOUR_DOTS[3],
    "leftLine",
    "rightLine",
    "CUSTOM",
];

/// Which point each corner's marker gives (top-left, top-right, bottom-right, bottom-left), by `defaultSelector`.
const SELECTORS: [(&str, [MarkerAnchor; 4]); 5] = {
    use MarkerAnchor::{BottomLeft as BL, BottomRight as BR, Center, TopLeft as TL, TopRight as TR};
    [
        ("CENTERS", [Center, Center, Center, Center]),
        ("INNER_WIDTHS", [TR, TL, BL, BR]),
        ("INNER_HEIGHTS", [BL, BR, TR, TL]),
        ("INNER_CORNERS", [BR, BL, TL, TR]),
        ("OUTER_CORNERS", [TL, TR, BR, BL]),
    ]
};

/// A zone's own `selector`; those without a point are for lines and L-shapes.
const ZONE_SELECTORS: [(&str, Option<MarkerAnchor>); 8] = [
    ("SELECT_CENTER", Some(MarkerAnchor::Center)),
    ("SELECT_TOP_LEFT", Some(MarkerAnchor::TopLeft)),
    ("SELECT_TOP_RIGHT", Some(MarkerAnchor::TopRight)),
    ("SELECT_BOTTOM_RIGHT", Some(MarkerAnchor::BottomRight)),
    ("SELECT_BOTTOM_LEFT", Some(MarkerAnchor::BottomLeft)),
    ("LINE_INNER_EDGE", None),
    ("LINE_OUTER_EDGE", None),
    ("L_INNER_CORNER", None),
];

/// Reads CropOnMarkers of any type.
pub(super) fn crop_on_markers(step: &Cursor<'_>, options: &Cursor<'_>) -> Option<Preprocessor> {
    let fields = options.object()?;
    let processing_size = fields.require("processingImageShape").and_then(|c| values::shape(&c));
    // Without its type, nothing tells which keys the step may have.
    let of_type = fields.require("type").and_then(|c| c.choice(&TYPES))?;
    fields.get_any(&["croppingEnabled", "enableCropping"]).map(|c| c.bool());
    let selector = or(&fields, "defaultSelector", SELECTORS[0].1, |c| default_selector(c, of_type));
    let zones = zones(&fields, of_type);
    let step = match of_type.marks {
        Marks::Pictures => four_markers(step, &fields, processing_size, selector, zones),
        _ => checked_only(step, &fields, of_type, zones),
    };
    let own: &[&str] = match of_type.marks {
        Marks::Pictures => &["referenceImage", "markerDimensions"],
        _ => &[],
    };
    let common = ["type", "processingImageShape", "croppingEnabled", "defaultSelector", "scanZones", "tuningOptions"];
    fields.finish(Unknown::Refuse, &[common.as_slice(), own, of_type.zones].concat());
    step
}

fn default_selector(cursor: &Cursor<'_>, of_type: MarkerType) -> Option<[MarkerAnchor; 4]> {
    let selector = cursor.choice(&SELECTORS)?;
    if of_type.marks == Marks::Ls && selector != SELECTORS[0].1 {
        return cursor.expected("`CENTERS`, the only one that `L_MARKERS` have");
    }
    Some(selector)
}

/// A zone as the template describes it.
#[derive(Clone, Default)]
struct Zone<'d> {
    origin: Option<(i32, i32)>,
    dimensions: Option<Size>,
    margins: Option<Margins>,
    /// The point of a marker that is taken, and where the template says so.
    anchor: Option<MarkerAnchor>,
    reference: Option<PathBuf>,
    marker_size: Option<Size>,
    /// Where it stands, for problems that show only beside the rest.
    cursor: Option<Cursor<'d>>,
}

/// The zones of a type in its order; `None` for one that the template leaves out. Option keys win over `scanZones`.
fn zones<'d>(fields: &Fields<'d>, of_type: MarkerType) -> Option<Vec<Option<Zone<'d>>>> {
    let scanned = or(fields, "scanZones", Vec::new(), |c| scan_zones(c, of_type));
    let by_key: Vec<Option<Option<Zone<'d>>>> =
        of_type.zones.iter().map(|key| optional(fields, key, |c| zone(c, of_type))).collect();
    let (scanned, by_key) = (scanned?, by_key.into_iter().collect::<Option<Vec<_>>>()?);
    let named = of_type.zones.iter().zip(by_key);
    let zones =
        named.map(|(name, own)| own.or_else(|| scanned.iter().find(|(n, _)| n == name).map(|(_, z)| z.clone())));
    Some(zones.collect())
}

const ZONE_KEYS: [&str; 9] = [
    "origin",
    "dimensions",
    "margins",
    "selector",
    "customOptions",
    "label",
    "scannerType",
    "maxPoints",
    "selectorMargins",
];

fn zone<'d>(cursor: &Cursor<'d>, of_type: MarkerType) -> Option<Zone<'d>> {
    let fields = cursor.object()?;
    let origin = fields.require("origin").and_then(|c| {
        let [x, y] = c.tuple::<2>("`[x, y]`, whole pixels")?;
        let (x, y) = (x.integer(0, MAX_SIDE), y.integer(0, MAX_SIDE));
        Some((x? as i32, y? as i32))
    });
    let dimensions = match of_type.marks {
        Marks::DotsAndLines => fields.require("dimensions").and_then(|c| values::size(&c)).map(Some),
        _ => optional(&fields, "dimensions", values::size),
    };
    let margins = fields.require("margins").and_then(|c| values::margins(&c));
    let anchor = optional(&fields, "selector", |c| zone_selector(c, of_type));
    let custom = or(&fields, "customOptions", (None, None), |c| custom_options(c, of_type));
    check(&fields, "label", Cursor::string);
    check(&fields, "scannerType", Cursor::string);
    check(&fields, "maxPoints", |c| c.integer(0, i64::from(i32::MAX)));
    check(&fields, "selectorMargins", values::margins);
    fields.finish(Unknown::Refuse, &ZONE_KEYS);
    let (reference, marker_size) = custom?;
    Some(Zone {
        origin: Some(origin?),
        dimensions: dimensions?,
        margins: Some(margins?),
        anchor: anchor?.flatten(),
        reference,
        marker_size,
        cursor: Some(cursor.clone()),
    })
}

fn zone_selector(cursor: &Cursor<'_>, of_type: MarkerType) -> Option<Option<MarkerAnchor>> {
    let anchor = cursor.choice(&ZONE_SELECTORS)?;
    if of_type.marks == Marks::Pictures && anchor.is_none() {
        return cursor.expected("`SELECT_CENTER` or a corner, as `SELECT_TOP_LEFT`: a marker has no edges");
    }
    Some(anchor)
}

/// Reads `customOptions`: a marker of a zone's own. For other types upstream looks at nothing in it.
fn custom_options(cursor: &Cursor<'_>, of_type: MarkerType) -> Option<(Option<PathBuf>, Option<Size>)> {
    let fields = cursor.object()?;
    if of_type.marks != Marks::Pictures {
        return Some((None, None));
    }
    let reference = optional(&fields, "referenceImage", values::asset);
    let marker_size = optional(&fields, "markerDimensions", values::size);
    fields.finish(Unknown::Refuse, &["referenceImage", "markerDimensions"]);
    Some((reference?, marker_size?))
}

/// Reads `scanZones`: zones by preset name. Labels, which default to the preset's name, must differ.
fn scan_zones<'d>(cursor: &Cursor<'d>, of_type: MarkerType) -> Option<Vec<(&'static str, Zone<'d>)>> {
    let mut seen = HashSet::new();
    let mut zones = Vec::new();
    let mut whole = true;
    for item in cursor.array()? {
        match scan_zone(&item, of_type) {
            Some((preset, zone)) => {
                let label = item.value().get("zoneDescription").and_then(|d| d.get("label"));
                let label = match label.map(|l| &l.kind) {
                    Some(Kind::String(label)) => label.as_str(),
                    _ => preset,
                };
                if !seen.insert(label.to_owned()) {
                    item.error_with_hint(
                        format!("the zone `{label}` is described twice"),
                        "give each a `label` of its own",
                    );
                    whole = false;
                }
                zones.push((preset, zone));
            }
            None => whole = false,
        }
    }
    whole.then_some(zones)
}

fn scan_zone<'d>(item: &Cursor<'d>, of_type: MarkerType) -> Option<(&'static str, Zone<'d>)> {
    let fields = item.object()?;
    let preset = fields.require("zonePreset").and_then(|c| {
        let preset = c.choice(&PRESETS.map(|name| (name, name)))?;
        if of_type.marks == Marks::Pictures && !of_type.zones.contains(&preset) {
            c.warn(format!("has no effect: `{}` has no zone `{preset}`", of_type.name), None);
        }
        Some(preset)
    });
    let zone = fields.require("zoneDescription").and_then(|c| zone(&c, of_type));
    let custom = or(&fields, "customOptions", (None, None), |c| custom_options(c, of_type));
    fields.finish(Unknown::Refuse, &["zonePreset", "zoneDescription", "customOptions"]);
    let ((reference, marker_size), zone) = (custom?, zone?);
    let reference = reference.or(zone.reference);
    let marker_size = marker_size.or(zone.marker_size);
    Some((preset?, Zone { reference, marker_size, ..zone }))
}

/// Options of FOUR_MARKERS beside the zones.
fn four_markers(
    step: &Cursor<'_>,
    fields: &Fields<'_>,
    processing_size: Option<Size>,
    selector: Option<[MarkerAnchor; 4]>,
    zones: Option<Vec<Option<Zone<'_>>>>,
) -> Option<Preprocessor> {
    let reference = fields.require("referenceImage").and_then(|c| values::asset(&c));
    let marker_size = fields.require("markerDimensions").and_then(|c| values::size(&c));
    let tuning = match fields.get("tuningOptions") {
        Some(cursor) => marker_tuning(&cursor),
        None => Some(MarkerTuning::default()),
    };
    let (reference, marker_size, processing_size) = (reference?, marker_size?, processing_size?);
    let (selector, zones, tuning) = (selector?, zones?, tuning?);
    let mut corners = zones.into_iter().zip(selector).map(|(zone, anchor)| {
        let zone = zone.unwrap_or_default();
        let cursor = zone.cursor.unwrap_or_else(|| step.clone());
        let corner = MarkerZone {
            reference: zone.reference.unwrap_or_else(|| reference.clone()),
            marker_size: zone.marker_size.unwrap_or(marker_size),
            origin: zone.origin,
            dimensions: zone.dimensions,
            margins: zone.margins,
            anchor: zone.anchor.unwrap_or(anchor),
        };
        lies_in_image(&cursor, &corner, processing_size).then_some(corner)
    });
    let (tl, tr, br, bl) = (corners.next()?, corners.next()?, corners.next()?, corners.next()?);
    let zones = Box::new([tl?, tr?, br?, bl?]);
    match tuning.method {
        WarpMethod::Perspective | WarpMethod::Homography => Some(Preprocessor::CropOnMarkers(CropOnMarkers {
            search: MarkerSearch::Zones { processing_size, zones },
            min_matching_threshold: tuning.min_matching_threshold,
            rescale_range: tuning.rescale_range,
            rescale_steps: tuning.rescale_steps,
            apply_erode_subtract: tuning.apply_erode_subtract,
        })),
        method => {
            let assets = zones.iter().map(|zone| zone.reference.clone()).collect();
            Some(unsupported(step, format!("CropOnMarkers FOUR_MARKERS {}", method.name()), assets))
        }
    }
}

/// Notes an error when a zone that is fully described reaches beyond the image: no sheet could be read.
fn lies_in_image(cursor: &Cursor<'_>, zone: &MarkerZone, image: Size) -> bool {
    let (Some((x, y)), Some(margins)) = (zone.origin, zone.margins) else { return true };
    let size = zone.dimensions.unwrap_or(zone.marker_size);
    let (left, top) = (i64::from(x) - i64::from(margins.left), i64::from(y) - i64::from(margins.top));
    let right = i64::from(x) + i64::from(size.width) + i64::from(margins.right);
    let bottom = i64::from(y) + i64::from(size.height) + i64::from(margins.bottom);
    let inside = left >= 0 && top >= 0 && right <= i64::from(image.width) && bottom <= i64::from(image.height);
    if !inside {
        cursor.error_with_hint(
            format!(
                "the marker zone with its margins spans {left} to {right} across and {top} to {bottom} down, \
                 expected it inside the {image} image"
            ),
            "zones are in pixels of this step's `processingImageShape`",
        );
    }
    inside
}

/// Tuning options of FOUR_MARKERS.
struct MarkerTuning {
    rescale_range: (u32, u32),
    rescale_steps: u32,
    min_matching_threshold: f64,
    apply_erode_subtract: bool,
    method: WarpMethod,
}

impl Default for MarkerTuning {
    fn default() -> Self {
        Self {
            rescale_range: (85, 115),
            rescale_steps: 5,
            min_matching_threshold: 0.3,
            apply_erode_subtract: true,
            method: WarpMethod::Perspective,
        }
    }
}

const MARKER_TUNING: [&str; 4] =
    ["markerRescaleRange", "markerRescaleSteps", "minMatchingThreshold", "applyErodeSubtract"];

fn marker_tuning(cursor: &Cursor<'_>) -> Option<MarkerTuning> {
    let default = MarkerTuning::default();
    let fields = cursor.object()?;
    let rescale = values::rescale(
        (spelled(&fields, MARKER_TUNING[0]), default.rescale_range),
        (spelled(&fields, MARKER_TUNING[1]), default.rescale_steps),
        cursor,
    );
    let threshold =
        spelled(&fields, MARKER_TUNING[2]).map_or(Some(default.min_matching_threshold), |c| c.number(0.0, 1.0));
    let erode = spelled(&fields, MARKER_TUNING[3]).map_or(Some(default.apply_erode_subtract), |c| c.bool());
    let method = warp_method(&fields);
    fields.finish(Unknown::Refuse, &[MARKER_TUNING.as_slice(), &WARP_KEYS].concat());
    let (rescale_range, rescale_steps) = rescale?;
    Some(MarkerTuning {
        rescale_range,
        rescale_steps,
        min_matching_threshold: threshold?,
        apply_erode_subtract: erode?,
        method: method?.unwrap_or(default.method),
    })
}

/// Dots, lines and L-shapes: their zones and tuning options are checked, and that is all yet.
fn checked_only(
    step: &Cursor<'_>,
    fields: &Fields<'_>,
    of_type: MarkerType,
    zones: Option<Vec<Option<Zone<'_>>>>,
) -> Option<Preprocessor> {
    check(fields, "tuningOptions", |c| match of_type.marks {
        Marks::Ls => l_tuning(c),
        _ => dot_and_line_tuning(c),
    });
    let zones = zones?;
    // Upstream lets L-shapes do without zones when there are `scanZones`.
    let may_lack = of_type.marks == Marks::Ls && fields.get("scanZones").is_some();
    let named = of_type.zones.iter().zip(&zones);
    let missing: Vec<String> = named.filter(|(_, zone)| zone.is_none()).map(|(name, _)| format!("`{name}`")).collect();
    if !missing.is_empty() && !may_lack {
        let message = format!("`{}` needs the zones {}", of_type.name, missing.join(", "));
        fields.cursor().error_with_hint(message, "describe each by its key, or in `scanZones`");
        return None;
    }
    Some(unsupported(step, format!("CropOnMarkers {}", of_type.name), Vec::new()))
}

fn l_tuning(cursor: &Cursor<'_>) -> Option<()> {
    const KEYS: [&str; 4] = ["morphKernelSize", "morphIterations", "minMarkerArea", "maxMarkerArea"];
    let fields = cursor.object()?;
    spelled(&fields, KEYS[0]).and_then(|c| values::window(&c, 1));
    spelled(&fields, KEYS[1]).and_then(|c| c.integer(0, 1000));
    spelled(&fields, KEYS[2]).and_then(|c| c.number(0.0, f64::MAX));
    spelled(&fields, KEYS[3]).and_then(|c| c.number(0.0, f64::MAX));
    warp_method(&fields);
    fields.finish(Unknown::Refuse, &[KEYS.as_slice(), &WARP_KEYS].concat());
    Some(())
}

fn dot_and_line_tuning(cursor: &Cursor<'_>) -> Option<()> {
    const KEYS: [&str; 6] =
        ["dotKernel", "lineKernel", "dotThreshold", "lineThreshold", "dotBlurKernel", "lineBlurKernel"];
    let fields = cursor.object()?;
    for key in [KEYS[0], KEYS[1]] {
        spelled(&fields, key).and_then(|c| values::window(&c, 1));
    }
    for key in [KEYS[2], KEYS[3]] {
        spelled(&fields, key).and_then(|c| c.number(0.0, 255.0));
    }
    for key in [KEYS[4], KEYS[5]] {
        spelled(&fields, key).and_then(|c| values::odd_window(&c));
    }
    warp_method(&fields);
    fields.finish(Unknown::Refuse, &[KEYS.as_slice(), &WARP_KEYS].concat());
    Some(())
}
