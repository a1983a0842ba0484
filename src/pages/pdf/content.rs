//! What a page shows, if that is one picture that covers it.
//!
//! The content of a scanned page sets a matrix and draws a picture. What else scanners and text recognition write changes
//! nothing that is seen: marks in the content, a clip that is the page itself, white below the picture, text that is
//! invisible or under it. Anything else makes the page one that is drawn.

use hayro_syntax::content::TypedIter;
use hayro_syntax::content::ops::TypedInstruction as Op;
use hayro_syntax::object::{Array, Dict, Name, Number, Object, Stream};
use hayro_syntax::page::Page;
use image::metadata::Orientation;

use super::{is_name, unpacking};

/// Contents with more bytes than this, packed, draw more than a picture.
const MOST_PACKED: usize = 1 << 20;

/// And with more than this, unpacked.
const MOST_UNPACKED: u64 = 32 << 20;

/// Sides of picture and page may differ by this share of the page: paper sizes are rounded to points, pictures to pixels.
const SIDE_SLACK: f64 = 0.01;

/// Pixels of a picture may be this much wider than high, or higher than wide: scans are stretched a little onto papers of other
/// proportions, and are taken as they were scanned. Beyond it lie fax machines, whose pixels are twice as high as wide.
const PIXEL_SLACK: f64 = 0.25;

/// (a, b, c, d, e, f): x' = a·x + c·y + e, y' = b·x + d·y + f.
type Matrix = [f64; 6];

/// The matrix that applies `first`, then `then`.
fn after(then: Matrix, first: Matrix) -> Matrix {
    let ([a, b, c, d, e, f], [p, q, r, s, t, u]) = (then, first);
    [a * p + c * q, b * p + d * q, a * r + c * s, b * r + d * s, a * t + c * u + e, b * t + d * u + f]
}

/// The place of the corners of a rectangle: left, top, right, bottom.
fn bounds(m: Matrix, [x0, y0, x1, y1]: [f64; 4]) -> [f64; 4] {
    let corners = [(x0, y0), (x0, y1), (x1, y0), (x1, y1)];
    let placed = corners.map(|(x, y)| (m[0] * x + m[2] * y + m[4], m[1] * x + m[3] * y + m[5]));
    let start = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
    placed.iter().fold(start, |b, &(x, y)| [b[0].min(x), b[1].min(y), b[2].max(x), b[3].max(y)])
}

/// The one picture of a page.
pub struct OnePicture<'a> {
    /// Its data.
    pub stream: Stream<'a>,
    /// How it lies on the page as that is seen.
    pub lies: Orientation,
    /// What a stencil would be filled with is black, and below it is paper.
    pub is_black_on_paper: bool,
}

/// The one picture that a page shows, if there is such.
pub fn one_picture<'a>(page: &Page<'a>) -> Option<OnePicture<'a>> {
    if shows_annotations(page) {
        return None;
    }
    let content = content(page)?;
    let shown = Reading::of(page, &content)?;
    let (width, height) = page.render_dimensions();
    let (width, height) = (f64::from(width), f64::from(height));
    let slack = SIDE_SLACK * width.max(height);
    // From the unit square, in which pictures lie with their top up, to the page as it is seen, from its top left corner.
    let m = after(page.initial_transform(true).as_coeffs(), shown.matrix);
    let [left, top, right, bottom] = bounds(m, [0.0, 0.0, 1.0, 1.0]);
    let is_near = |a: f64, b: f64| (a - b).abs() <= slack;
    if !(is_near(left, 0.0) && is_near(top, 0.0) && is_near(right, width) && is_near(bottom, height)) {
        return None;
    }
    let lies = lies(m, slack)?;
    let side = |key: &str| shown.stream.dict().get::<u32>(key.as_bytes()).filter(|&side| side > 0).map(f64::from);
    let (columns, rows) = (side("Width")?, side("Height")?);
    let (across, down) = if is_sideways(lies) { (rows, columns) } else { (columns, rows) };
    let proportion = (right - left) / across / ((bottom - top) / down);
    if (proportion - 1.0).abs() > PIXEL_SLACK {
        return None;
    }
    Some(OnePicture { stream: shown.stream, lies, is_black_on_paper: shown.is_black && !shown.has_ground })
}

/// How a picture lies whose unit square is placed by `m`; `None` if it lies askew.
fn lies(m: Matrix, slack: f64) -> Option<Orientation> {
    let [a, b, c, d, ..] = m;
    // Along the picture's rows, and down its columns, as the page is seen.
    let (along, down) = ((a, b), (-c, -d));
    if b.abs() <= slack && c.abs() <= slack {
        Some(match (along.0 > 0.0, down.1 > 0.0) {
            (true, true) => Orientation::NoTransforms,
            (false, false) => Orientation::Rotate180,
            (false, true) => Orientation::FlipHorizontal,
            (true, false) => Orientation::FlipVertical,
        })
    } else if a.abs() <= slack && d.abs() <= slack {
        Some(match (along.1 > 0.0, down.0 > 0.0) {
            (true, false) => Orientation::Rotate90,
            (false, true) => Orientation::Rotate270,
            (true, true) => Orientation::Rotate90FlipH,
            (false, false) => Orientation::Rotate270FlipH,
        })
    } else {
        None
    }
}

fn is_sideways(lies: Orientation) -> bool {
    matches!(
        lies,
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
    )
}

/// Does anything lie on the page that is no link?
fn shows_annotations(page: &Page<'_>) -> bool {
    let Some(annotations) = page.raw().get::<Array<'_>>(b"Annots".as_slice()) else { return false };
    annotations.iter::<Dict<'_>>().any(|annotation| {
        let kind = annotation.get::<Name<'_>>(b"Subtype".as_slice());
        !kind.is_some_and(|kind| is_name(&kind, &["Link", "Popup"]))
    })
}

/// Does the page show a picture or a form that the file does not have?
pub fn shows_what_is_lost(page: &Page<'_>) -> bool {
    let Some(content) = content(page) else { return false };
    let mut operations = TypedIter::new(&content);
    while let Some(operation) = operations.next() {
        if let Op::XObject(name) = operation
            && page.resources().get_x_object(name.0).is_none()
        {
            return true;
        }
    }
    false
}

/// The content of a page. It is not kept with the page: some have a picture in it.
fn content(page: &Page<'_>) -> Option<Vec<u8>> {
    let unpacked = |stream: &Stream<'_>| {
        let raw = stream.raw_data();
        if raw.len() > MOST_PACKED {
            return None;
        }
        if unpacking::at_most(stream) > MOST_UNPACKED {
            unpacking::size(stream, MOST_UNPACKED).ok()?;
        }
        stream.decoded_data().ok().map(std::borrow::Cow::into_owned)
    };
    if let Some(stream) = page.raw().get::<Stream<'_>>(b"Contents".as_slice()) {
        return unpacked(&stream);
    }
    let mut content = Vec::new();
    for stream in page.raw().get::<Array<'_>>(b"Contents".as_slice())?.iter::<Stream<'_>>() {
        content.extend(unpacked(&stream)?);
        content.push(b'\n');
        if content.len() as u64 > MOST_UNPACKED {
            return None;
        }
    }
    Some(content)
}

/// What the content has drawn.
struct Reading<'a> {
    stream: Stream<'a>,
    /// Where the unit square of the picture goes, in the page's own units.
    matrix: Matrix,
    is_black: bool,
    /// Something else lies below the picture.
    has_ground: bool,
}

/// What of the state of drawing matters.
#[derive(Clone, Copy)]
struct State {
    matrix: Matrix,
    is_black: bool,
    is_text_invisible: bool,
}

impl<'a> Reading<'a> {
    fn of(page: &Page<'a>, content: &[u8]) -> Option<Self> {
        let (width, height) = page.render_dimensions();
        let slack = SIDE_SLACK * f64::from(width.max(height));
        let whole = page.initial_transform(true).as_coeffs();
        let covers = |m: Matrix, rectangle: [f64; 4]| {
            let [left, top, right, bottom] = bounds(after(whole, m), rectangle);
            left <= slack
                && top <= slack
                && right >= f64::from(width) - slack
                && bottom >= f64::from(height) - slack
                && lies(after(whole, m), f64::EPSILON).is_some()
        };
        let mut state = State { matrix: [1.0, 0.0, 0.0, 1.0, 0.0, 0.0], is_black: true, is_text_invisible: false };
        let mut saved: Vec<State> = Vec::new();
        let mut found: Option<(Stream<'a>, State)> = None;
        let mut has_ground = false;
        // The path that is being made: rectangles only, or anything.
        let (mut rectangles, mut has_lines, mut clips): (Vec<[f64; 4]>, bool, bool) = (Vec::new(), false, false);
        let mut operations = TypedIter::new(content);
        while let Some(operation) = operations.next() {
            match operation {
                Op::SaveState(_) if saved.len() < 64 => saved.push(state),
                Op::RestoreState(_) => state = saved.pop().unwrap_or(state),
                Op::Transform(m) => {
                    let m = [m.0, m.1, m.2, m.3, m.4, m.5].map(|number| number.as_f64());
                    state.matrix = after(state.matrix, m);
                }
                Op::LineWidth(_) | Op::LineCap(_) | Op::LineJoin(_) | Op::MiterLimit(_) | Op::DashPattern(_) => {}
                Op::RenderingIntent(_) | Op::FlatnessTolerance(_) => {}
                Op::SetGraphicsState(name) => {
                    let set = page.resources().get_ext_g_state(name.0);
                    if !set.is_some_and(|set| is_plain(&set)) {
                        return None;
                    }
                }
                Op::StrokeColorDeviceGray(_) | Op::StrokeColorDeviceRgb(_) | Op::StrokeColorCmyk(_) => {}
                Op::ColorSpaceStroke(_) | Op::StrokeColor(_) | Op::StrokeColorNamed(_) => {}
                Op::NonStrokeColorDeviceGray(gray) => state.is_black = gray.0.as_f64() == 0.0,
                Op::NonStrokeColorDeviceRgb(rgb) => {
                    state.is_black = [rgb.0, rgb.1, rgb.2].iter().all(|channel| channel.as_f64() == 0.0);
                }
                Op::NonStrokeColorCmyk(cmyk) => {
                    let ink = [cmyk.0, cmyk.1, cmyk.2, cmyk.3].map(|channel| channel.as_f64());
                    state.is_black = ink == [0.0, 0.0, 0.0, 1.0];
                }
                Op::ColorSpaceNonStroke(_) | Op::NonStrokeColor(_) | Op::NonStrokeColorNamed(_) => {
                    state.is_black = false;
                }
                Op::RectPath(r) => {
                    let [x, y, w, h] = [r.0, r.1, r.2, r.3].map(|number| number.as_f64());
                    rectangles.push([x, y, x + w, y + h]);
                }
                Op::MoveTo(_) | Op::LineTo(_) | Op::CubicTo(_) | Op::CubicStartTo(_) | Op::CubicEndTo(_) => {
                    has_lines = true;
                }
                Op::ClosePath(_) => {}
                Op::ClipNonZero(_) | Op::ClipEvenOdd(_) => clips = true,
                Op::EndPath(_) => {
                    if clips {
                        match rectangles.as_slice() {
                            [rectangle] if !has_lines && covers(state.matrix, *rectangle) => {}
                            _ => return None,
                        }
                    }
                    rectangles.clear();
                    (has_lines, clips) = (false, false);
                }
                Op::StrokePath(_)
                | Op::CloseAndStrokePath(_)
                | Op::FillPathNonZero(_)
                | Op::FillPathNonZeroCompatibility(_)
                | Op::FillPathEvenOdd(_)
                | Op::FillAndStrokeNonZero(_)
                | Op::FillAndStrokeEvenOdd(_)
                | Op::CloseFillAndStrokeNonZero(_)
                | Op::CloseFillAndStrokeEvenOdd(_) => {
                    if found.is_some() || clips {
                        return None;
                    }
                    has_ground = true;
                    rectangles.clear();
                    has_lines = false;
                }
                Op::XObject(name) => {
                    let stream = page.resources().get_x_object(name.0)?;
                    let kind = stream.dict().get::<Name<'_>>(b"Subtype".as_slice())?;
                    if found.is_some() || !is_name(&kind, &["Image"]) {
                        return None;
                    }
                    found = Some((stream, state));
                }
                Op::TextRenderingMode(mode) => state.is_text_invisible = mode.0.as_i64() == 3,
                Op::ShowText(_) | Op::NextLineAndShowText(_) | Op::ShowTextWithParameters(_) | Op::ShowTexts(_) => {
                    if !state.is_text_invisible {
                        if found.is_some() {
                            return None;
                        }
                        has_ground = true;
                    }
                }
                Op::CharacterSpacing(_)
                | Op::WordSpacing(_)
                | Op::HorizontalScaling(_)
                | Op::TextLeading(_)
                | Op::TextFont(_)
                | Op::TextRise(_)
                | Op::BeginText(_)
                | Op::EndText(_)
                | Op::NextLine(_)
                | Op::NextLineAndSetLeading(_)
                | Op::SetTextMatrix(_)
                | Op::NextLineUsingLeading(_) => {}
                // What belongs to a layer may be hidden.
                Op::BeginMarkedContentWithProperties(mark) if is_name(mark.0, &["OC"]) => return None,
                Op::MarkedContentPoint(_)
                | Op::MarkedContentPointWithProperties(_)
                | Op::BeginMarkedContent(_)
                | Op::BeginMarkedContentWithProperties(_)
                | Op::EndMarkedContent(_)
                | Op::BeginCompatibility(_)
                | Op::EndCompatibility(_) => {}
                _ => return None,
            }
        }
        let (stream, state) = found?;
        Some(Self { stream, matrix: state.matrix, is_black: state.is_black, has_ground })
    }
}

/// Does a graphics state leave a picture as it is?
fn is_plain(state: &Dict<'_>) -> bool {
    let is_one = |key: &str| state.get::<Number>(key.as_bytes()).is_none_or(|alpha| alpha.as_f64() == 1.0);
    let is_named = |key: &str, names: &[&str]| match state.get::<Object<'_>>(key.as_bytes()) {
        None | Some(Object::Null(_)) => true,
        Some(Object::Name(name)) => is_name(&name, names),
        Some(_) => false,
    };
    let is_absent = |key: &str| !state.contains_key(key.as_bytes());
    is_one("ca")
        && is_one("CA")
        && is_named("SMask", &["None"])
        && is_named("BM", &["Normal", "Compatible"])
        && is_named("TR2", &["Default"])
        && is_absent("TR")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrices_tell_how_a_picture_lies() {
        // Pictures lie in the unit square with their top up; the page is seen from its top left corner.
        let seen = |m: Matrix| lies(after([1.0, 0.0, 0.0, -1.0, 0.0, 100.0], m), 1.0);
        assert_eq!(seen([100.0, 0.0, 0.0, 100.0, 0.0, 0.0]), Some(Orientation::NoTransforms));
        assert_eq!(seen([-100.0, 0.0, 0.0, -100.0, 100.0, 100.0]), Some(Orientation::Rotate180));
        assert_eq!(seen([0.0, -100.0, 100.0, 0.0, 0.0, 100.0]), Some(Orientation::Rotate90));
        assert_eq!(seen([0.0, 100.0, -100.0, 0.0, 100.0, 0.0]), Some(Orientation::Rotate270));
        assert_eq!(seen([-100.0, 0.0, 0.0, 100.0, 100.0, 0.0]), Some(Orientation::FlipHorizontal));
        assert_eq!(seen([70.0, 70.0, -70.0, 70.0, 0.0, 0.0]), None);
    }
}
