//! Values that the template shapes share: sizes, kernels, margins, paths of pictures.

use std::path::{Component, Path, PathBuf};

use super::{Margins, Preprocessor, Unsupported};
use crate::geometry::Size;
use crate::json::{Cursor, Unknown};

/// No page or picture may be larger: an A0 sheet at 600 dots per inch has 28,087 pixels.
pub(super) const MAX_SIDE: i64 = 32_767;

/// No filter window may be larger, and no bubble or gap has a reason to be.
const MAX_KERNEL: i64 = 999;

/// `[width, height]`, whole pixels, 1 or more.
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

/// The size of a bubble's box. OMRChecker allows a fraction here and then fails on every sheet; a whole number written
/// with a point is fine.
pub(super) fn bubble_size(cursor: &Cursor<'_>) -> Option<Size> {
    size(cursor)
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
    Some(beside(cursor.file(), relative))
}

/// `relative`, seen from the folder of `file`, without `.` components. `..` stays, since what is before it may be a
/// link.
fn beside(file: &Path, relative: &str) -> PathBuf {
    let folder = file.parent().unwrap_or(Path::new(""));
    folder.join(relative).components().filter(|c| *c != Component::CurDir).collect()
}

/// A step that is checked, but not applied yet.
pub(super) fn unsupported(cursor: &Cursor<'_>, name: impl Into<String>, assets: Vec<PathBuf>) -> Preprocessor {
    Preprocessor::Unsupported(Unsupported { name: name.into(), place: cursor.place(), assets })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_sought_beside_the_template() {
        for (file, relative, path) in [
            ("in/template.json", "marker.jpg", "in/marker.jpg"),
            ("in/./template.json", "./a/./marker.jpg", "in/a/marker.jpg"),
            ("in/template.json", "../marker.jpg", "in/../marker.jpg"),
            ("template.json", "marker.jpg", "marker.jpg"),
            ("in/template.json", "/m/marker.jpg", "/m/marker.jpg"),
        ] {
            assert_eq!(beside(Path::new(file), relative), Path::new(path));
        }
    }
}
