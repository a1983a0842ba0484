//! Values that the template shapes share: sizes, kernels, margins, paths of pictures.

use std::path::PathBuf;

use super::Margins;
use super::filters::optional;
use crate::geometry::Size;
use crate::json::{Cursor, Fields, Unknown};

/// No page or picture may be larger: an A0 sheet at 600 dots per inch has 28,087 pixels.
pub(super) const MAX_SIDE: i64 = 32_767;

/// No filter window may be larger: it would take in a whole page.
const MAX_KERNEL: i64 = 999;

/// `[width, height]`, whole pixels, 1 or more. A whole number written with a point (`25.0`) is one; OMRChecker takes it,
/// and any fraction, for a bubble's box and then fails on every sheet.
pub(super) fn size(cursor: &Cursor<'_>) -> Option<Size> {
    let [width, height] = cursor.tuple::<2>("`[width, height]`, whole pixels")?;
    let side = |c: &Cursor<'_>| c.integer(1, MAX_SIDE).map(|v| v as u32);
    let (width, height) = (side(&width), side(&height));
    Some(Size::new(width?, height?))
}

/// `[width, height]` in pixels, 1 or more; what stands behind the point is cut off.
pub(super) fn size_cut(cursor: &Cursor<'_>) -> Option<Size> {
    let [width, height] = cursor.tuple::<2>("`[width, height]` in pixels")?;
    let (width, height) = (side_cut(&width), side_cut(&height));
    Some(Size::new(width?, height?))
}

/// `[height, width]` in pixels: the v2 family names a shape by its rows first.
pub(super) fn shape(cursor: &Cursor<'_>) -> Option<Size> {
    let [height, width] = cursor.tuple::<2>("`[height, width]` in pixels")?;
    let (height, width) = (side_cut(&height), side_cut(&width));
    Some(Size::new(width?, height?))
}

fn side_cut(cursor: &Cursor<'_>) -> Option<u32> {
    cursor.number(1.0, MAX_SIDE as f64).map(|v| v as u32)
}

/// Width and height of a window, whole numbers from `min`.
pub(super) fn window(cursor: &Cursor<'_>, min: i64) -> Option<(u32, u32)> {
    let [width, height] = cursor.tuple::<2>("`[width, height]`, whole pixels")?;
    let side = |c: &Cursor<'_>| c.integer(min, MAX_KERNEL).map(|v| v as u32);
    let (width, height) = (side(&width), side(&height));
    Some((width?, height?))
}

/// Notes an error when a window size is even: blurs have a middle pixel.
pub(super) fn odd(cursor: &Cursor<'_>, size: u32) -> Option<u32> {
    if size % 2 == 1 {
        return Some(size);
    }
    let hint = format!("write {} or {}", size.saturating_sub(1).max(1), size + 1);
    cursor.error_with_hint(format!("found `{size}`, expected an odd size"), hint);
    None
}

/// One whole, odd window size.
pub(super) fn odd_size(cursor: &Cursor<'_>) -> Option<u32> {
    let size = cursor.integer(1, MAX_KERNEL)? as u32;
    odd(cursor, size)
}

/// Two whole, odd window sizes.
pub(super) fn odd_window(cursor: &Cursor<'_>) -> Option<(u32, u32)> {
    let [width, height] = cursor.tuple::<2>("`[width, height]`, odd whole pixels")?;
    let (width, height) = (odd_size(&width), odd_size(&height));
    Some((width?, height?))
}

/// `{top, right, bottom, left}`, all four.
pub(super) fn margins(cursor: &Cursor<'_>) -> Option<Margins> {
    const KEYS: [&str; 4] = ["top", "right", "bottom", "left"];
    let fields = cursor.object()?;
    let [top, right, bottom, left] =
        KEYS.map(|key| fields.require(key).and_then(|c| c.integer(0, MAX_SIDE)).map(|v| v as u32));
    fields.finish(Unknown::Refuse, &KEYS);
    Some(Margins { top: top?, right: right?, bottom: bottom?, left: left? })
}

/// The place of a picture that the template names, seen from the template's folder. Whether it is there is settled when
/// it is loaded.
pub(super) fn asset(cursor: &Cursor<'_>) -> Option<PathBuf> {
    let relative = cursor.string()?;
    if relative.trim().is_empty() {
        return cursor.expected("the path of a picture, relative to the template's folder");
    }
    cursor.named_file()
}

/// Reads `maxMarks`, which both dialects have.
pub(super) fn max_marks(fields: &Fields<'_>) -> Option<Option<u32>> {
    optional(fields, "maxMarks", |c| c.integer(1, i64::from(u32::MAX)).map(|v| v as u32))
}

/// Reads the values of a field's bubbles.
pub(super) fn bubble_values(cursor: &Cursor<'_>) -> Option<Vec<String>> {
    let items = cursor.array()?;
    if items.is_empty() {
        return cursor.expected("an array of one string or more");
    }
    let values: Vec<Option<&str>> = items.iter().map(Cursor::string).collect();
    values.into_iter().map(|value| value.map(str::to_owned)).collect()
}

/// Reads the range and number of marker scales, each with its default. Scales go down from the range's upper end in
/// whole percents, so there must be a percent for each step.
pub(super) fn rescale(
    range: (Option<Cursor<'_>>, (u32, u32)),
    steps: (Option<Cursor<'_>>, u32),
    options: &Cursor<'_>,
) -> Option<((u32, u32), u32)> {
    /// Ten times the marker's size is far beyond what fits a sheet.
    const MAX_PERCENT: f64 = 1000.0;
    let low_high = match &range.0 {
        Some(cursor) => cursor.tuple::<2>("`[lowest, highest]` in percent").and_then(|[low, high]| {
            let percent = |c: &Cursor<'_>| c.number(0.0, MAX_PERCENT).map(|v| v as u32);
            let (low, high) = (percent(&low), percent(&high));
            Some((low?, high?))
        }),
        None => Some(range.1),
    };
    let count = match &steps.0 {
        Some(cursor) => cursor.number(1.0, MAX_PERCENT).map(|v| v as u32),
        None => Some(steps.1),
    };
    let ((low, high), count) = (low_high?, count?);
    let place = range.0.as_ref().or(steps.0.as_ref()).unwrap_or(options);
    if high <= low {
        place.error(format!(
            "found a range of marker scales from {low} to {high} percent, expected it to end above its start"
        ));
        return None;
    }
    if (high - low) / count == 0 {
        let message =
            format!("found {count} steps for marker scales from {low} to {high} percent, expected a percent for each");
        place.error_with_hint(message, "widen the range or lower the number of steps");
        return None;
    }
    Some(((low, high), count))
}
