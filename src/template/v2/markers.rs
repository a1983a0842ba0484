//! CropOnMarkers of the v2 family: its types, which are sets of zones, and the options of the marks in them.

use std::collections::HashSet;
use std::path::PathBuf;

use super::super::filters::{check, optional, or};
use super::super::values::{self, MAX_SIDE};
use super::super::{
    BlobTuning, Corner, CropOnMarkers, LTuning, LineEdge, Margins, Mark, MarkerAnchor, MarkerPlace, MarkerSearch,
    MarkerZone, MarkerZones, PageWarp, Preprocessor, Side, WarpMethod,
};
use super::preprocessors::{WARP_KEYS, page_warp};
use crate::dialect::spelled;
use crate::geometry::Size;
use crate::json::{Cursor, Fields, Unknown};

/// What a type of CropOnMarkers looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
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
    family: Family,
}

const FOUR_MARKERS: [&str; 4] = ["topLeftMarker", "topRightMarker", "bottomRightMarker", "bottomLeftMarker"];
const L_MARKERS: [&str; 4] = ["topLeftLMarker", "topRightLMarker", "bottomRightLMarker", "bottomLeftLMarker"];
const FOUR_DOTS: [&str; 4] = ["topLeftDot", "topRightDot", "bottomRightDot", "bottomLeftDot"];

const fn marker_type(name: &'static str, zones: &'static [&'static str], family: Family) -> (&'static str, MarkerType) {
    (name, MarkerType { name, zones, family })
}

/// OMRChecker's schema refuses `TWO_LINES_HORIZONTAL`, which its program knows.
const TYPES: [(&str, MarkerType); 7] = [
    marker_type("FOUR_MARKERS", &FOUR_MARKERS, Family::Pictures),
    marker_type("L_MARKERS", &L_MARKERS, Family::Ls),
    marker_type("ONE_LINE_TWO_DOTS", &["leftLine", "topRightDot", "bottomRightDot"], Family::DotsAndLines),
    marker_type("TWO_DOTS_ONE_LINE", &["rightLine", "topLeftDot", "bottomLeftDot"], Family::DotsAndLines),
    marker_type("TWO_LINES", &["leftLine", "rightLine"], Family::DotsAndLines),
    marker_type("TWO_LINES_HORIZONTAL", &["topLine", "bottomLine"], Family::DotsAndLines),
    marker_type("FOUR_DOTS", &FOUR_DOTS, Family::DotsAndLines),
];

/// What a zone holds, as its preset says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Picture(Corner),
    L(Corner),
    Dot(Corner),
    Line(Side),
    /// `CUSTOM`: told by `scannerType`.
    Custom,
}

/// A preset: the name that `zonePreset` may have, and what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Preset {
    name: &'static str,
    kind: Kind,
}

const fn preset(name: &'static str, kind: Kind) -> (&'static str, Preset) {
    (name, Preset { name, kind })
}

const PRESETS: [(&str, Preset); 17] = {
    use Corner::{BottomLeft, BottomRight, TopLeft, TopRight};
    [
        preset(FOUR_MARKERS[0], Kind::Picture(TopLeft)),
        preset(FOUR_MARKERS[1], Kind::Picture(TopRight)),
        preset(FOUR_MARKERS[2], Kind::Picture(BottomRight)),
        preset(FOUR_MARKERS[3], Kind::Picture(BottomLeft)),
        preset(L_MARKERS[0], Kind::L(TopLeft)),
        preset(L_MARKERS[1], Kind::L(TopRight)),
        preset(L_MARKERS[2], Kind::L(BottomRight)),
        preset(L_MARKERS[3], Kind::L(BottomLeft)),
        preset(FOUR_DOTS[0], Kind::Dot(TopLeft)),
        preset(FOUR_DOTS[1], Kind::Dot(TopRight)),
        preset(FOUR_DOTS[2], Kind::Dot(BottomRight)),
        preset(FOUR_DOTS[3], Kind::Dot(BottomLeft)),
        preset("leftLine", Kind::Line(Side::Left)),
        preset("rightLine", Kind::Line(Side::Right)),
        preset("topLine", Kind::Line(Side::Top)),
        preset("bottomLine", Kind::Line(Side::Bottom)),
        preset("CUSTOM", Kind::Custom),
    ]
};

impl Preset {
    /// What a zone of this preset stands for, if it is one of its type's own.
    fn place(self) -> MarkerPlace {
        match self.kind {
            Kind::Picture(corner) | Kind::L(corner) | Kind::Dot(corner) => MarkerPlace::Corner(corner),
            Kind::Line(side) => MarkerPlace::Side(side),
            Kind::Custom => MarkerPlace::Extra,
        }
    }

    /// True when a type of this family can look for it.
    fn is_of(self, family: Family) -> bool {
        match self.kind {
            Kind::Picture(_) => family == Family::Pictures,
            Kind::L(_) => family == Family::Ls,
            Kind::Dot(_) | Kind::Line(_) | Kind::Custom => family == Family::DotsAndLines,
        }
    }
}

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

/// A zone's own `selector`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Selector {
    Point(MarkerAnchor),
    Edge(LineEdge),
    InnerCorner,
}

const ZONE_SELECTORS: [(&str, Selector); 8] = [
    ("SELECT_CENTER", Selector::Point(MarkerAnchor::Center)),
    ("SELECT_TOP_LEFT", Selector::Point(MarkerAnchor::TopLeft)),
    ("SELECT_TOP_RIGHT", Selector::Point(MarkerAnchor::TopRight)),
    ("SELECT_BOTTOM_RIGHT", Selector::Point(MarkerAnchor::BottomRight)),
    ("SELECT_BOTTOM_LEFT", Selector::Point(MarkerAnchor::BottomLeft)),
    ("LINE_INNER_EDGE", Selector::Edge(LineEdge::Inner)),
    ("LINE_OUTER_EDGE", Selector::Edge(LineEdge::Outer)),
    ("L_INNER_CORNER", Selector::InnerCorner),
];

/// What the options say of all zones.
struct Common {
    processing_size: Size,
    selector: [MarkerAnchor; 4],
    tuning: Tuning,
    /// `referenceImage` and `markerDimensions`; other types than FOUR_MARKERS have none.
    picture: Option<(PathBuf, Size)>,
}

/// Reads CropOnMarkers of any type.
pub(super) fn crop_on_markers(step: &Cursor<'_>, options: &Cursor<'_>) -> Option<Preprocessor> {
    let fields = options.object()?;
    let processing_size = fields.require("processingImageShape").and_then(|c| values::shape(&c));
    // Without its type, nothing tells which keys the step may have.
    let of_type = fields.require("type").and_then(|c| c.choice(&TYPES))?;
    let cropping = cropping(&fields, of_type);
    let selector = or(&fields, "defaultSelector", SELECTORS[0].1, |c| default_selector(c, of_type));
    let tuning = or(&fields, "tuningOptions", Tuning::of(of_type), |c| tuning(c, of_type));
    let picture = match of_type.family {
        Family::Pictures => {
            let reference = fields.require("referenceImage").and_then(|c| values::asset(&c));
            let size = fields.require("markerDimensions").and_then(|c| values::size(&c));
            reference.zip(size).map(Some)
        }
        _ => Some(None),
    };
    let scanned = or(&fields, "scanZones", Vec::new(), |c| scan_zones(c, of_type));
    let by_key: Vec<Option<Option<Zone<'_>>>> =
        of_type.zones.iter().map(|key| optional(&fields, key, |c| zone_of_key(c, key, of_type))).collect();
    let zones = by_key.into_iter().collect::<Option<Vec<_>>>().zip(scanned);
    let zones = zones.and_then(|(by_key, scanned)| put_together(&fields, of_type, by_key, scanned));
    let own: &[&str] = match of_type.family {
        Family::Pictures => &["referenceImage", "markerDimensions"],
        _ => &[],
    };
    let names = ["type", "processingImageShape", "croppingEnabled", "defaultSelector", "scanZones", "tuningOptions"];
    fields.finish(Unknown::Refuse, &[names.as_slice(), own, of_type.zones].concat());

    let (processing_size, selector, tuning) = (processing_size?, selector?, tuning?);
    let common = Common { processing_size, selector, tuning, picture: picture? };
    let marks: Vec<Option<MarkerZone>> = zones?.into_iter().map(|zone| zone.settle(step, &common)).collect();
    let zones = marks.into_iter().collect::<Option<Vec<_>>>()?;
    let Common { tuning: Tuning { pictures, warp, .. }, .. } = common;
    Some(Preprocessor::CropOnMarkers(CropOnMarkers {
        search: MarkerSearch::Zones(MarkerZones { processing_size, zones, warp, cropping: cropping? }),
        min_matching_threshold: pictures.min_matching_threshold,
        rescale_range: pictures.rescale_range,
        rescale_steps: pictures.rescale_steps,
        apply_erode_subtract: pictures.apply_erode_subtract,
    }))
}

/// Reads `croppingEnabled`, in v2-dev `enableCropping`. OMRChecker looks at it for dots and lines.
fn cropping(fields: &Fields<'_>, of_type: MarkerType) -> Option<bool> {
    let Some(cursor) = fields.get_any(&["croppingEnabled", "enableCropping"]) else { return Some(true) };
    let cropping = cursor.bool()?;
    if !cropping && of_type.family != Family::DotsAndLines {
        cursor.warn(format!("has no effect: `{}` always crops", of_type.name), None);
        return Some(true);
    }
    Some(cropping)
}

fn default_selector(cursor: &Cursor<'_>, of_type: MarkerType) -> Option<[MarkerAnchor; 4]> {
    let selector = cursor.choice(&SELECTORS)?;
    if of_type.family == Family::Ls && selector != SELECTORS[0].1 {
        return cursor.expected("`CENTERS`, the only one that `L_MARKERS` have");
    }
    Some(selector)
}

/// A zone as the template describes it.
#[derive(Clone)]
struct Zone<'d> {
    label: String,
    kind: Kind,
    place: MarkerPlace,
    description: Description,
    custom: Custom,
    /// Where it stands, for problems that show only beside the rest; `None` for a zone that the template leaves out.
    cursor: Option<Cursor<'d>>,
}

/// What a zone says beside its name.
#[derive(Clone, Default)]
struct Description {
    origin: Option<(i32, i32)>,
    dimensions: Option<Size>,
    margins: Option<Margins>,
    selector: Option<Selector>,
    max_points: Option<u32>,
}

/// What a zone changes of the step's options (`customOptions`).
#[derive(Clone, Default)]
struct Custom {
    reference: Option<PathBuf>,
    marker_size: Option<Size>,
    dot: BlobChange,
    line: BlobChange,
}

impl Custom {
    /// These changes, and those of `other` where there are none.
    fn or(self, other: Self) -> Self {
        Self {
            reference: self.reference.or(other.reference),
            marker_size: self.marker_size.or(other.marker_size),
            dot: self.dot.or(other.dot),
            line: self.line.or(other.line),
        }
    }
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

fn zone_of_key<'d>(cursor: &Cursor<'d>, key: &'static str, of_type: MarkerType) -> Option<Zone<'d>> {
    let (description, custom) = description(cursor, of_type)?;
    let (_, preset) = PRESETS.iter().find(|(name, _)| *name == key)?;
    Some(Zone {
        label: key.to_owned(),
        kind: preset.kind,
        place: preset.place(),
        description,
        custom,
        cursor: Some(cursor.clone()),
    })
}

fn description(cursor: &Cursor<'_>, of_type: MarkerType) -> Option<(Description, Custom)> {
    let fields = cursor.object()?;
    let origin = fields.require("origin").and_then(|c| {
        let [x, y] = c.tuple::<2>("`[x, y]`, whole pixels")?;
        let (x, y) = (x.integer(0, MAX_SIDE), y.integer(0, MAX_SIDE));
        Some((x? as i32, y? as i32))
    });
    let dimensions = match of_type.family {
        Family::DotsAndLines => fields.require("dimensions").and_then(|c| values::size(&c)).map(Some),
        _ => optional(&fields, "dimensions", values::size),
    };
    let margins = fields.require("margins").and_then(|c| values::margins(&c));
    let selector = optional(&fields, "selector", |c| zone_selector(c, of_type));
    let custom = or(&fields, "customOptions", Custom::default(), |c| custom_options(c, of_type));
    check(&fields, "label", Cursor::string);
    check(&fields, "scannerType", Cursor::string);
    let max_points = optional(&fields, "maxPoints", |c| c.integer(0, i64::from(i32::MAX)).map(|v| v as u32));
    if let Some(c) = fields.get("selectorMargins") {
        values::margins(&c);
        c.warn("has no effect, as in OMRChecker", None);
    }
    fields.finish(Unknown::Refuse, &ZONE_KEYS);
    let (origin, margins) = (Some(origin?), Some(margins?));
    let description =
        Description { origin, dimensions: dimensions?, margins, selector: selector?, max_points: max_points? };
    Some((description, custom?))
}

fn zone_selector(cursor: &Cursor<'_>, of_type: MarkerType) -> Option<Selector> {
    let selector = cursor.choice(&ZONE_SELECTORS)?;
    if of_type.family == Family::Pictures && !matches!(selector, Selector::Point(_)) {
        return cursor.expected("`SELECT_CENTER` or a corner, as `SELECT_TOP_LEFT`: a marker has no edges");
    }
    Some(selector)
}

/// Reads `customOptions`: a marker of a zone's own, or tuning options of its own dot or line.
fn custom_options(cursor: &Cursor<'_>, of_type: MarkerType) -> Option<Custom> {
    let fields = cursor.object()?;
    let mut custom = Custom::default();
    match of_type.family {
        Family::Pictures => {
            let reference = optional(&fields, "referenceImage", values::asset);
            let marker_size = optional(&fields, "markerDimensions", values::size);
            fields.finish(Unknown::Refuse, &["referenceImage", "markerDimensions"]);
            (custom.reference, custom.marker_size) = (reference?, marker_size?);
        }
        Family::Ls => {}
        Family::DotsAndLines => {
            let (dot, line) = (blob_change(&fields, DOT_KEYS), blob_change(&fields, LINE_KEYS));
            fields.finish(Unknown::Warn, &[DOT_KEYS, LINE_KEYS].concat());
            (custom.dot, custom.line) = (dot?, line?);
        }
    }
    Some(custom)
}

/// Reads `scanZones`: zones by preset name. Labels, which default to the preset's name, must differ.
fn scan_zones<'d>(cursor: &Cursor<'d>, of_type: MarkerType) -> Option<Vec<Zone<'d>>> {
    let mut seen = HashSet::new();
    let mut zones = Vec::new();
    let mut whole = true;
    for item in cursor.array()? {
        match scan_zone(&item, of_type) {
            Some(zone) => {
                if !seen.insert(zone.0.label.clone()) {
                    item.error_with_hint(
                        format!("the zone `{}` is described twice", zone.0.label),
                        "give each a `label` of its own",
                    );
                    whole = false;
                }
                if zone.1 {
                    zones.push(zone.0);
                }
            }
            None => whole = false,
        }
    }
    whole.then_some(zones)
}

/// A zone of `scanZones`, and whether its type looks for what it holds.
fn scan_zone<'d>(item: &Cursor<'d>, of_type: MarkerType) -> Option<(Zone<'d>, bool)> {
    let fields = item.object()?;
    let preset = fields.require("zonePreset").and_then(|c| {
        let preset = c.choice(&PRESETS)?;
        if !preset.is_of(of_type.family) {
            c.warn(format!("has no effect: `{}` has no zone `{}`", of_type.name, preset.name), None);
        }
        Some(preset)
    });
    let described = fields.require("zoneDescription");
    let read = described.as_ref().and_then(|c| description(c, of_type));
    let custom = or(&fields, "customOptions", Custom::default(), |c| custom_options(c, of_type));
    fields.finish(Unknown::Refuse, &["zonePreset", "zoneDescription", "customOptions"]);
    let (preset, described, (description, own), custom) = (preset?, described?, read?, custom?);
    let label = described.below(&["label"]).map_or(Some(preset.name), |c| c.string())?.to_owned();
    let kind = match preset.kind {
        Kind::Custom if of_type.family == Family::DotsAndLines => custom_kind(&described, &description)?,
        kind => kind,
    };
    let is_own = label == preset.name && of_type.zones.contains(&preset.name);
    let place = if is_own { preset.place() } else { MarkerPlace::Extra };
    let zone = Zone { label, kind, place, description, custom: custom.or(own), cursor: Some(described) };
    Some((zone, preset.is_of(of_type.family)))
}

/// What a `CUSTOM` zone holds. A line runs along the long side of its zone's box; which edges are inner and outer is
/// settled beside the others (see [`Zone::settle`]).
fn custom_kind(described: &Cursor<'_>, description: &Description) -> Option<Kind> {
    let Some(scanner) = described.below(&["scannerType"]) else {
        described.error_with_hint(
            "a `CUSTOM` zone does not say what it holds",
            "add `\"scannerType\": \"PATCH_DOT\"` or `\"PATCH_LINE\"`",
        );
        return None;
    };
    let is_line = scanner.choice(&[("PATCH_DOT", false), ("PATCH_LINE", true)])?;
    let upright = description.dimensions.is_none_or(|size| size.height >= size.width);
    Some(match (is_line, upright) {
        (false, _) => Kind::Dot(Corner::TopLeft),
        (true, true) => Kind::Line(Side::Left),
        (true, false) => Kind::Line(Side::Top),
    })
}

/// The zones of a type in its order, then further ones. Option keys win over `scanZones`.
fn put_together<'d>(
    fields: &Fields<'d>,
    of_type: MarkerType,
    by_key: Vec<Option<Zone<'d>>>,
    mut scanned: Vec<Zone<'d>>,
) -> Option<Vec<Zone<'d>>> {
    // OMRChecker lets L-shapes do without zones when there are `scanZones`, and custom markers always.
    let may_lack = match of_type.family {
        Family::Pictures => true,
        Family::Ls => fields.get("scanZones").is_some(),
        Family::DotsAndLines => false,
    };
    let (mut zones, mut missing) = (Vec::new(), Vec::new());
    for (name, by_key) in of_type.zones.iter().zip(by_key) {
        let at = scanned.iter().position(|zone| zone.place != MarkerPlace::Extra && zone.label == *name);
        let by_preset = at.map(|at| scanned.remove(at));
        let Some((_, preset)) = PRESETS.iter().find(|(preset, _)| preset == name) else { continue };
        match by_key.or(by_preset) {
            Some(zone) => zones.push(zone),
            None if may_lack => zones.push(Zone {
                label: (*name).to_owned(),
                kind: preset.kind,
                place: preset.place(),
                description: Description::default(),
                custom: Custom::default(),
                cursor: None,
            }),
            None => missing.push(format!("`{name}`")),
        }
    }
    if !missing.is_empty() {
        let message = format!("`{}` needs the zones {}", of_type.name, missing.join(", "));
        fields.cursor().error_with_hint(message, "describe each by its key, or in `scanZones`");
        return None;
    }
    zones.append(&mut scanned);
    Some(zones)
}

impl Zone<'_> {
    /// The zone with everything that the step says of all. `step` is the place of problems of a zone that has none.
    fn settle(self, step: &Cursor<'_>, common: &Common) -> Option<MarkerZone> {
        let Self { label, kind, place, description, custom, cursor } = self;
        let cursor = cursor.as_ref().unwrap_or(step);
        let Description { origin, dimensions, margins, selector, max_points } = description;
        let mark = match kind {
            Kind::Picture(corner) => {
                let (reference, size) = common.picture.clone()?;
                let anchor = match selector {
                    Some(Selector::Point(anchor)) => anchor,
                    _ => common.selector[corner as usize],
                };
                let (reference, size) = (custom.reference.unwrap_or(reference), custom.marker_size.unwrap_or(size));
                Mark::Picture { reference, size, anchor }
            }
            Kind::L(_) => {
                if matches!(selector, Some(Selector::Point(_) | Selector::Edge(_))) {
                    cursor.warn("the `selector` has no effect: an L-shape gives its inner corner", None);
                }
                Mark::LShape(common.tuning.l)
            }
            // OMRChecker's presets of dots bring a selector, which `defaultSelector` does not change.
            Kind::Dot(_) | Kind::Custom => {
                let anchor = match selector {
                    None => MarkerAnchor::Center,
                    Some(Selector::Point(anchor)) => anchor,
                    Some(_) => {
                        return cursor.expected("the `selector` `SELECT_CENTER` or a corner: a dot has no edges");
                    }
                };
                Mark::Dot { anchor, tuning: custom.dot.on(common.tuning.dot) }
            }
            Kind::Line(side) => {
                let edge = match selector {
                    None => LineEdge::Outer,
                    Some(Selector::Edge(edge)) => edge,
                    Some(_) => {
                        return cursor.expected("the `selector` `LINE_OUTER_EDGE` or `LINE_INNER_EDGE` for a line");
                    }
                };
                let side = if place == MarkerPlace::Extra { nearer_side(side, &description, common) } else { side };
                let tuning = custom.line.on(common.tuning.line);
                // 0 would be no line at all; both ends are always taken.
                Mark::Line { side, edge, tuning, max_points: max_points.map(|most| most.max(2)) }
            }
        };
        let by_corners = matches!(common.tuning.warp.method, WarpMethod::Perspective | WarpMethod::DocRefine);
        if place == MarkerPlace::Extra && by_corners {
            let message = format!("the zone `{label}` adds points that this `warpMethod` does not take");
            cursor.warn(message, Some("use `HOMOGRAPHY` or `REMAP_GRIDDATA`".to_owned()));
        }
        let zone = MarkerZone { label, place, mark, origin, dimensions, margins };
        lies_in_image(cursor, &zone, common.processing_size).then_some(zone)
    }
}

/// The side of the page that a further line runs along: of the two that it is parallel to, the nearer one.
fn nearer_side(side: Side, description: &Description, common: &Common) -> Side {
    let (Some((x, y)), Some(size)) = (description.origin, description.dimensions) else { return side };
    let whole = common.processing_size;
    let (x, y) = (i64::from(x) * 2 + i64::from(size.width), i64::from(y) * 2 + i64::from(size.height));
    match side {
        Side::Left | Side::Right if x <= i64::from(whole.width) => Side::Left,
        Side::Left | Side::Right => Side::Right,
        Side::Top | Side::Bottom if y <= i64::from(whole.height) => Side::Top,
        Side::Top | Side::Bottom => Side::Bottom,
    }
}

/// Notes an error when a zone that is fully described reaches beyond the image: no sheet could be read.
fn lies_in_image(cursor: &Cursor<'_>, zone: &MarkerZone, image: Size) -> bool {
    let (Some((x, y)), Some(margins)) = (zone.origin, zone.margins) else { return true };
    let size = zone.expected_size();
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

/// The tuning options of a type, with those that it does not have at their defaults.
#[derive(Clone, Copy)]
struct Tuning {
    pictures: PictureTuning,
    dot: BlobTuning,
    line: BlobTuning,
    l: LTuning,
    warp: PageWarp,
}

/// Tuning options of FOUR_MARKERS.
#[derive(Clone, Copy)]
struct PictureTuning {
    rescale_range: (u32, u32),
    rescale_steps: u32,
    min_matching_threshold: f64,
    apply_erode_subtract: bool,
}

impl Tuning {
    /// The defaults of a type.
    fn of(of_type: MarkerType) -> Self {
        let method = default_method(of_type);
        Self {
            pictures: PictureTuning {
                rescale_range: (85, 115),
                rescale_steps: 5,
                min_matching_threshold: 0.3,
                apply_erode_subtract: true,
            },
            dot: BlobTuning { kernel: (5, 5), threshold: 150.0, blur: None },
            line: BlobTuning { kernel: (2, 10), threshold: 180.0, blur: None },
            l: LTuning { kernel: (5, 5), iterations: 2, min_area: 500.0, max_area: 50_000.0 },
            warp: PageWarp { method, ..PageWarp::PERSPECTIVE },
        }
    }
}

fn default_method(of_type: MarkerType) -> WarpMethod {
    if of_type.family == Family::Ls { WarpMethod::Homography } else { WarpMethod::Perspective }
}

fn tuning(cursor: &Cursor<'_>, of_type: MarkerType) -> Option<Tuning> {
    let mut tuning = Tuning::of(of_type);
    let fields = cursor.object()?;
    let own = match of_type.family {
        Family::Pictures => {
            let pictures = picture_tuning(&fields, cursor, tuning.pictures);
            (PICTURE_KEYS.as_slice(), pictures.map(|pictures| tuning.pictures = pictures))
        }
        Family::Ls => (L_KEYS.as_slice(), l_tuning(&fields, tuning.l).map(|l| tuning.l = l)),
        Family::DotsAndLines => {
            let (dot, line) = (blob_change(&fields, DOT_KEYS), blob_change(&fields, LINE_KEYS));
            let both = dot.zip(line).map(|(dot, line)| {
                (tuning.dot, tuning.line) = (dot.on(tuning.dot), line.on(tuning.line));
            });
            (BLOB_KEYS.as_slice(), both)
        }
    };
    let warp = page_warp(&fields, default_method(of_type));
    fields.finish(Unknown::Refuse, &[own.0, &WARP_KEYS].concat());
    own.1?;
    Some(Tuning { warp: warp?, ..tuning })
}

const PICTURE_KEYS: [&str; 4] =
    ["markerRescaleRange", "markerRescaleSteps", "minMatchingThreshold", "applyErodeSubtract"];

fn picture_tuning(fields: &Fields<'_>, cursor: &Cursor<'_>, default: PictureTuning) -> Option<PictureTuning> {
    let rescale = values::rescale(
        (spelled(fields, PICTURE_KEYS[0]), default.rescale_range),
        (spelled(fields, PICTURE_KEYS[1]), default.rescale_steps),
        cursor,
    );
    let threshold =
        spelled(fields, PICTURE_KEYS[2]).map_or(Some(default.min_matching_threshold), |c| c.number(0.0, 1.0));
    let erode = spelled(fields, PICTURE_KEYS[3]).map_or(Some(default.apply_erode_subtract), |c| c.bool());
    let (rescale_range, rescale_steps) = rescale?;
    let (min_matching_threshold, apply_erode_subtract) = (threshold?, erode?);
    Some(PictureTuning { rescale_range, rescale_steps, min_matching_threshold, apply_erode_subtract })
}

const L_KEYS: [&str; 4] = ["morphKernelSize", "morphIterations", "minMarkerArea", "maxMarkerArea"];

fn l_tuning(fields: &Fields<'_>, default: LTuning) -> Option<LTuning> {
    let kernel = spelled(fields, L_KEYS[0]).map_or(Some(default.kernel), |c| values::window(&c, 1));
    let iterations =
        spelled(fields, L_KEYS[1]).map_or(Some(default.iterations), |c| c.integer(0, 1000).map(|v| v as u32));
    let min_area = spelled(fields, L_KEYS[2]).map_or(Some(default.min_area), |c| c.number(0.0, f64::MAX));
    let max_area = spelled(fields, L_KEYS[3]).map_or(Some(default.max_area), |c| c.number(0.0, f64::MAX));
    let tuning = LTuning { kernel: kernel?, iterations: iterations?, min_area: min_area?, max_area: max_area? };
    if tuning.max_area < tuning.min_area {
        fields.cursor().error(format!(
            "found `maxMarkerArea` {} below `minMarkerArea` {}, expected room for a marker",
            tuning.max_area, tuning.min_area
        ));
        return None;
    }
    Some(tuning)
}

const DOT_KEYS: [&str; 3] = ["dotKernel", "dotThreshold", "dotBlurKernel"];
const LINE_KEYS: [&str; 3] = ["lineKernel", "lineThreshold", "lineBlurKernel"];
const BLOB_KEYS: [&str; 6] = [DOT_KEYS[0], DOT_KEYS[1], DOT_KEYS[2], LINE_KEYS[0], LINE_KEYS[1], LINE_KEYS[2]];

/// Tuning options of dots or lines that are stated.
#[derive(Debug, Clone, Copy, Default)]
struct BlobChange {
    kernel: Option<(u32, u32)>,
    threshold: Option<f64>,
    blur: Option<(u32, u32)>,
}

impl BlobChange {
    fn on(self, base: BlobTuning) -> BlobTuning {
        BlobTuning {
            kernel: self.kernel.unwrap_or(base.kernel),
            threshold: self.threshold.unwrap_or(base.threshold),
            blur: self.blur.or(base.blur),
        }
    }

    fn or(self, other: Self) -> Self {
        Self {
            kernel: self.kernel.or(other.kernel),
            threshold: self.threshold.or(other.threshold),
            blur: self.blur.or(other.blur),
        }
    }
}

fn blob_change(fields: &Fields<'_>, [kernel, threshold, blur]: [&str; 3]) -> Option<BlobChange> {
    let kernel = spelled(fields, kernel).map_or(Some(None), |c| values::window(&c, 1).map(Some));
    let threshold = spelled(fields, threshold).map_or(Some(None), |c| c.number(0.0, 255.0).map(Some));
    let blur = spelled(fields, blur).map_or(Some(None), |c| values::odd_window(&c).map(Some));
    Some(BlobChange { kernel: kernel?, threshold: threshold?, blur: blur? })
}
