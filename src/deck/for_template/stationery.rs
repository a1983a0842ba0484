//! The sheet of paper that a template's pre-processors want: how large it is around the page, what is printed on it for them
//! to find, and how it may lie in a picture so that they can still straighten it.
//!
//! All is in page coordinates. What cannot be printed is told here, before anything is written.

use std::path::Path;

use image::GrayImage;

use super::MakeError;
use crate::config::Config;
use crate::geometry::{Point, Rect, Size};
use crate::template::{
    CropOnMarkers, LineEdge, Mark, MarkerAnchor, MarkerPlace, MarkerSearch, MarkerZone, MarkerZones, Preprocessor,
    Side, Template, WarpMethod,
};

/// A sheet of paper around the page of a template.
#[derive(Debug, Clone)]
pub struct Stationery {
    /// The sheet.
    pub paper: Rect,
    /// What is printed for the template's steps to find.
    pub marks: Vec<PrintedMark>,
    /// How it may lie in a picture.
    pub pose: Pose,
    /// Pictures of these files are the page's print, instead of bubbles that are drawn.
    pub reference: Option<GrayImage>,
}

/// Something that is printed for a step to find.
#[derive(Debug, Clone)]
pub struct PrintedMark {
    /// Its least coordinates.
    pub low: Point,
    /// Its greatest coordinates.
    pub high: Point,
    /// What it looks like.
    pub look: Look,
}

/// What a mark looks like.
#[derive(Debug, Clone)]
pub enum Look {
    /// A picture.
    Picture(GrayImage),
    /// A filled ellipse.
    Dot,
    /// A filled box.
    Bar,
    /// Two arms along the box's sides, of this thickness across and down, that meet in one of its corners.
    Ell {
        /// Thickness of the upright and of the lying arm.
        line: (f64, f64),
        /// Is the corner the box's right one?
        right: bool,
        /// Is it the lower one?
        lower: bool,
    },
}

/// How a sheet may lie in its picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pose {
    /// The paper fills the picture, and no place of it is further off than this share of its width.
    Fills(f64),
    /// Anything around the paper; its edges are found.
    OnGround,
}

/// A template made for scans tolerates so much of a bubble's short side without any step.
const TOLERATED: f64 = 0.10;
/// Where sheets are laid onto a reference, they may be off by this share of the width.
const BY_REFERENCE: f64 = 0.012;
/// Marks that are sought in whole quadrants may be off by this share.
const BY_QUADRANT: f64 = 0.03;
/// The paper is at most so many times as wide or high as the page.
const MOST_PAPER: f64 = 5.0;
/// Part of a zone's margins that a sheet may use up.
const OF_MARGIN: f64 = 0.6;

impl Stationery {
    /// The stationery of `template`, which `config` governs. `form` is a picture of the page as it is printed, where the
    /// user brought one.
    ///
    /// # Errors
    /// [`MakeError::Unsupported`], [`MakeError::Picture`].
    pub fn of(template: &Template, config: &Config, form: Option<GrayImage>) -> Result<Self, MakeError> {
        let mut crops = Vec::new();
        let mut pages = 0;
        let mut reference = template.alignment_reference.clone();
        for step in &template.preprocessors {
            match step {
                Preprocessor::CropPage(_) if crops.is_empty() => pages += 1,
                Preprocessor::CropPage(_) => return unsupported("CropPage after CropOnMarkers"),
                Preprocessor::CropOnMarkers(options) => crops.push(options),
                Preprocessor::FeatureBasedAlignment(options) => reference = Some(options.reference.clone()),
                Preprocessor::AutoRotate(_) if form.is_none() => {
                    return unsupported(
                        "AutoRotate: the template does not say where its reference picture is printed; say --form PICTURE \
                         with a scan of the blank form",
                    );
                }
                _ => {}
            }
        }
        if crops.len() > 1 || pages > 1 {
            return unsupported("more than one step of CropPage or of CropOnMarkers");
        }
        let aligns_features =
            template.preprocessors.iter().any(|p| matches!(p, Preprocessor::FeatureBasedAlignment(_)));
        if aligns_features && (pages > 0 || !crops.is_empty()) {
            return unsupported("FeatureBasedAlignment together with CropPage or CropOnMarkers");
        }
        let reference = match (form, reference) {
            (Some(form), _) => Some(form),
            (None, Some(path)) => Some(load(&path)?),
            (None, None) => None,
        };
        let page = template.page_size;
        let (paper, marks, slack) = match crops.first() {
            Some(options) => match &options.search {
                MarkerSearch::OneScale { marker, sheet_to_marker_width_ratio, .. } => {
                    let picture = load(marker)?;
                    one_scale(page, config.processing_size, picture, *sheet_to_marker_width_ratio, options)?
                }
                MarkerSearch::Zones(zones) => in_zones(page, zones)?,
            },
            None => {
                let slack = if aligns_features { BY_REFERENCE } else { unaided(template) };
                (Rect::new(0, 0, page.width, page.height), Vec::new(), slack)
            }
        };
        let pose = if pages > 0 { Pose::OnGround } else { Pose::Fills(slack) };
        Ok(Self { paper, marks, pose, reference })
    }
}

/// How far a sheet may be off, as a share of its width, where nothing straightens it.
fn unaided(template: &Template) -> f64 {
    let sides = template.blocks.iter().filter(|block| block.fields.iter().any(|field| !field.bubbles.is_empty()));
    let short = sides.map(|block| block.bubble_size.width.min(block.bubble_size.height)).min().unwrap_or(10);
    TOLERATED * f64::from(short) / f64::from(template.page_size.width.max(1))
}

type Printed = (Rect, Vec<PrintedMark>, f64);

/// v1: four pictures centred on the page's corners. Their width is a share of the paper's, which has the shape of the
/// processing image so that they are not squeezed there.
fn one_scale(
    page: Size,
    processing: Size,
    picture: GrayImage,
    ratio: Option<f64>,
    options: &CropOnMarkers,
) -> Result<Printed, MakeError> {
    /// Between a marker's centre and the edge of the paper, in markers.
    const AWAY: f64 = 1.0;
    let (own_width, own_height) = (f64::from(picture.width().max(1)), f64::from(picture.height().max(1)));
    let ratio = ratio.map_or(f64::from(processing.width) / own_width, |ratio| ratio.trunc().max(1.0));
    if ratio <= 2.0 * AWAY + 1.0 {
        return unsupported("CropOnMarkers with markers as wide as a third of the sheet");
    }
    let (low, high) = options.rescale_range;
    let scale = 100.0_f64.clamp(f64::from(low), f64::from(high)) / 100.0;
    let (page_w, page_h) = (f64::from(page.width), f64::from(page.height));
    let shape = f64::from(processing.height) / f64::from(processing.width);
    // The paper grows until there is room for the markers on all sides.
    let mut paper_w = page_w * ratio / (ratio - 2.0 * AWAY * scale);
    for _ in 0..40 {
        let marker_h = scale * paper_w / ratio * own_height / own_width;
        let needed = (page_h + 2.0 * AWAY * marker_h) / shape;
        if needed <= paper_w {
            break;
        }
        paper_w = needed;
    }
    if paper_w.is_nan() || paper_w > MOST_PAPER * page_w {
        return unsupported("CropOnMarkers with markers that leave no room for the page");
    }
    let paper_h = paper_w * shape;
    let (beside, above) = ((paper_w - page_w) / 2.0, (paper_h - page_h) / 2.0);
    let marker = (scale * paper_w / ratio, scale * paper_w / ratio * own_height / own_width);
    let paper = Rect::new(
        -beside.round() as i32,
        -above.round() as i32,
        paper_w.round().max(1.0) as u32,
        paper_h.round().max(1.0) as u32,
    );
    let corners = [(0.0, 0.0), (page_w, 0.0), (page_w, page_h), (0.0, page_h)];
    let marks = corners.map(|(x, y)| PrintedMark {
        low: Point::new(x - marker.0 / 2.0, y - marker.1 / 2.0),
        high: Point::new(x + marker.0 / 2.0, y + marker.1 / 2.0),
        look: Look::Picture(picture.clone()),
    });
    let room = (beside - marker.0 / 2.0).min(above - marker.1 / 2.0) / paper_w;
    Ok((paper, marks.to_vec(), (0.8 * room).clamp(0.002, BY_QUADRANT)))
}

/// The v2 family: each mark in its zone of the processing image, which the paper fills.
fn in_zones(page: Size, zones: &MarkerZones) -> Result<Printed, MakeError> {
    let frame = zones.processing_size;
    let mut placed = Vec::new();
    for zone in &zones.zones {
        placed.push(place(zone, frame)?);
    }
    let corners: Vec<Point> =
        placed.iter().filter(|p| p.zone.place != MarkerPlace::Extra).flat_map(|p| p.points.clone()).collect();
    let crops = zones.cropping || zones.warp.method == WarpMethod::Perspective;
    let has_ells = placed.iter().any(|p| matches!(p.zone.mark, Mark::LShape(_)));
    if has_ells && !crops {
        return unsupported("L-shapes with `croppingEnabled: false`");
    }
    let bounds = |value: fn(&Point) -> f64| {
        let values = corners.iter().map(value);
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
    };
    let ((left, right), (top, bottom)) = match crops {
        true => (bounds(|p| p.x), bounds(|p| p.y)),
        false => ((0.0, f64::from(frame.width)), (0.0, f64::from(frame.height))),
    };
    if !(right - left >= 1.0 && bottom - top >= 1.0) {
        return unsupported("marker zones that span no page");
    }
    let (page_w, page_h) = (f64::from(page.width), f64::from(page.height));
    let scale = (page_w / (right - left), page_h / (bottom - top));
    if f64::from(frame.width) * scale.0 > MOST_PAPER * page_w || f64::from(frame.height) * scale.1 > MOST_PAPER * page_h
    {
        return unsupported("marker zones that are so close together that the page is a small part of the sheet");
    }
    let to_page = |p: Point| Point::new((p.x - left) * scale.0, (p.y - top) * scale.1);
    let middle = Point::new(page_w / 2.0, page_h / 2.0);
    let marks = placed.iter().map(|placed| {
        let points: Vec<Point> = placed.points.iter().map(|p| to_page(*p)).collect();
        let (mut low, mut high) = (to_page(placed.low), to_page(placed.high));
        // Hand-measured zones are off by some pixels; what is printed stands exactly on the page's corners.
        if crops && placed.zone.place != MarkerPlace::Extra {
            let count = points.len().max(1) as f64;
            let off = |value: fn(&Point) -> f64, middle: f64, size: f64| {
                let nearest = |v: f64| if v < middle { 0.0 } else { size };
                points.iter().map(|p| nearest(value(p)) - value(p)).sum::<f64>() / count
            };
            let (dx, dy) = (off(|p| p.x, middle.x, page_w), off(|p| p.y, middle.y, page_h));
            low = Point::new(low.x + dx, low.y + dy);
            high = Point::new(high.x + dx, high.y + dy);
        }
        let look = match &placed.look {
            Look::Ell { line, right, lower } => {
                Look::Ell { line: (line.0 * scale.0, line.1 * scale.1), right: *right, lower: *lower }
            }
            look => look.clone(),
        };
        PrintedMark { low, high, look }
    });
    let marks = marks.collect();
    let origin = to_page(Point::new(0.0, 0.0));
    let paper = Rect::new(
        origin.x.round() as i32,
        origin.y.round() as i32,
        (f64::from(frame.width) * scale.0).round().max(1.0) as u32,
        (f64::from(frame.height) * scale.1).round().max(1.0) as u32,
    );
    let slack = zones.zones.iter().map(|zone| match zone.margins {
        Some(m) => {
            let least = m.top.min(m.right).min(m.bottom).min(m.left);
            OF_MARGIN * f64::from(least) / f64::from(frame.width)
        }
        None => BY_QUADRANT,
    });
    // A mark must stay on the picture, too.
    let edge = placed.iter().map(|p| {
        let (right, bottom) = (f64::from(frame.width) - p.high.x, f64::from(frame.height) - p.high.y);
        0.8 * p.low.x.min(p.low.y).min(right).min(bottom) / f64::from(frame.width)
    });
    let slack = slack.chain(edge).fold(BY_QUADRANT, f64::min).max(0.0);
    Ok((paper, marks, slack))
}

/// A mark in its zone: its box, and the points that the step takes of it, in pixels of the processing image.
struct Placed<'z> {
    zone: &'z MarkerZone,
    low: Point,
    high: Point,
    points: Vec<Point>,
    look: Look,
}

fn place<'z>(zone: &'z MarkerZone, frame: Size) -> Result<Placed<'z>, MakeError> {
    /// Dots are not wider, and lines not thicker, than this share of the processing image: boxes of zones are often drawn
    /// larger than their marks.
    const LARGEST_DOT: f64 = 0.05;
    const THICKEST: f64 = 0.02;
    let size = zone.expected_size();
    let (mut w, mut h) = (f64::from(size.width), f64::from(size.height));
    let (frame_w, frame_h) = (f64::from(frame.width), f64::from(frame.height));
    let (x, y) = match (zone.origin, zone.place) {
        (Some((x, y)), _) => (f64::from(x), f64::from(y)),
        // Anywhere in the quadrant will do: a mark's width from the edges.
        (None, MarkerPlace::Corner(corner)) => {
            let (right, lower) = (corner.is_right(), corner.is_lower());
            let at = |far: bool, frame: f64, length: f64| if far { frame - 2.0 * length } else { length };
            (at(right, frame_w, w), at(lower, frame_h, h))
        }
        (None, _) => return unsupported(&format!("the marker zone `{}` without an `origin`", zone.label)),
    };
    let low = Point::new(x, y);
    let boxed = |low: Point, w: f64, h: f64| (low, Point::new(low.x + w, low.y + h));
    let anchored = |anchor: MarkerAnchor, w: f64, h: f64| {
        let (right, lower) = match anchor {
            MarkerAnchor::Center => (0.5, 0.5),
            MarkerAnchor::TopLeft => (0.0, 0.0),
            MarkerAnchor::TopRight => (1.0, 0.0),
            MarkerAnchor::BottomRight => (1.0, 1.0),
            MarkerAnchor::BottomLeft => (0.0, 1.0),
        };
        Point::new(right * w, lower * h)
    };
    let placed = |(low, high), points, look| Placed { zone, low, high, points, look };
    Ok(match &zone.mark {
        Mark::Picture { reference, size, anchor } => {
            let (own_w, own_h) = (f64::from(size.width), f64::from(size.height));
            let (target, own) = (anchored(*anchor, w, h), anchored(*anchor, own_w, own_h));
            let low = Point::new(x + target.x - own.x, y + target.y - own.y);
            let point = Point::new(x + target.x, y + target.y);
            placed(boxed(low, own_w, own_h), vec![point], Look::Picture(load(reference)?))
        }
        Mark::Dot { anchor, .. } => {
            let target = anchored(*anchor, w, h);
            let most = LARGEST_DOT * frame_w;
            (w, h) = (w.min(most), h.min(most));
            let own = anchored(*anchor, w, h);
            let low = Point::new(x + target.x - own.x, y + target.y - own.y);
            placed(boxed(low, w, h), vec![Point::new(x + target.x, y + target.y)], Look::Dot)
        }
        Mark::Line { side, edge, .. } => {
            let (right, bottom) = (x + w, y + h);
            let most = (THICKEST * frame_w).max(4.0);
            // The far edge gives way, so that the edge which is taken stays.
            let outer = *edge == LineEdge::Outer;
            let (low, high) = match side {
                Side::Left if outer => (low, Point::new(x + w.min(most), bottom)),
                Side::Left => (Point::new(right - w.min(most), y), Point::new(right, bottom)),
                Side::Right if outer => (Point::new(right - w.min(most), y), Point::new(right, bottom)),
                Side::Right => (low, Point::new(x + w.min(most), bottom)),
                Side::Top if outer => (low, Point::new(right, y + h.min(most))),
                Side::Top => (Point::new(x, bottom - h.min(most)), Point::new(right, bottom)),
                Side::Bottom if outer => (Point::new(x, bottom - h.min(most)), Point::new(right, bottom)),
                Side::Bottom => (low, Point::new(right, y + h.min(most))),
            };
            let points = match (side, outer) {
                (Side::Left, true) | (Side::Right, false) => vec![low, Point::new(low.x, high.y)],
                (Side::Left, false) | (Side::Right, true) => vec![Point::new(high.x, low.y), high],
                (Side::Top, true) | (Side::Bottom, false) => vec![low, Point::new(high.x, low.y)],
                (Side::Top, false) | (Side::Bottom, true) => vec![Point::new(low.x, high.y), high],
            };
            placed((low, high), points, Look::Bar)
        }
        Mark::LShape(_) => {
            let MarkerPlace::Corner(corner) = zone.place else {
                return unsupported(&format!("the marker zone `{}`: an L-shape that is no corner", zone.label));
            };
            let (right, lower) = (corner.is_right(), corner.is_lower());
            let line = (0.32 * w, 0.32 * h);
            let inner = Point::new(
                if right { x + w - line.0 } else { x + line.0 },
                if lower { y + h - line.1 } else { y + line.1 },
            );
            placed(boxed(low, w, h), vec![inner], Look::Ell { line, right, lower })
        }
    })
}

/// Reads a picture that the template or the user names.
pub fn load(path: &Path) -> Result<GrayImage, MakeError> {
    let failed = |what: String| MakeError::Picture { path: path.to_path_buf(), what };
    let bytes = std::fs::read(path).map_err(|e| failed(format!("cannot be read: {e}")))?;
    let decoded =
        image::load_from_memory(&bytes).map_err(|e| failed(format!("is no picture that can be read: {e}")))?;
    Ok(decoded.into_luma8())
}

fn unsupported<T>(what: &str) -> Result<T, MakeError> {
    Err(MakeError::Unsupported(what.to_owned()))
}
