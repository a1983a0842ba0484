//! What the program knows of file names: which are images, how paths are tidied and shown.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// The folder below an output folder in which omr keeps its own state.
pub const STATE_FOLDER: &str = ".omr";

/// The documents of a folder: they say how its sheets are read.
pub const DOCUMENTS: [&str; 3] = ["template.json", "config.json", "evaluation.json"];

/// Extensions of images, in lower case. What a file holds is told by its content.
pub const IMAGE_EXTENSIONS: [&str; 8] = ["png", "jpg", "jpeg", "tif", "tiff", "bmp", "webp", "pdf"];

/// Extensions of files that may have several pages, in lower case.
pub const PAGED_EXTENSIONS: [&str; 3] = ["tif", "tiff", "pdf"];

/// Extensions of scans that are not read; a folder that holds some says so.
pub const UNREAD_EXTENSIONS: [&str; 4] = ["heic", "heif", "gif", "jp2"];

/// The extension of a file name in lower case. `.png` alone is one: OMRChecker reads such files.
pub fn extension(name: &OsStr) -> Option<String> {
    let text = name.to_string_lossy();
    text.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase())
}

/// The path without `.` components and doubled separators; `..` stays. The current folder is the empty path.
pub fn tidy(path: &Path) -> PathBuf {
    path.components().filter(|c| *c != Component::CurDir).collect()
}

/// A tidy folder as it is shown and opened: `.` for the current one, which is an empty path.
pub fn shown(dir: &Path) -> &Path {
    if dir.as_os_str().is_empty() { Path::new(".") } else { dir }
}

/// A path as a CSV cell: `/` between components, U+FFFD for what is not UTF-8.
pub fn as_cell(path: &Path) -> String {
    let text = path.to_string_lossy();
    if std::path::MAIN_SEPARATOR == '/' { text.into_owned() } else { text.replace(std::path::MAIN_SEPARATOR, "/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_told_in_any_case() {
        assert_eq!(extension(OsStr::new("a.PnG")).as_deref(), Some("png"));
        assert_eq!(extension(OsStr::new(".jpg")).as_deref(), Some("jpg"));
        assert_eq!(extension(OsStr::new("png")), None);
    }

    #[test]
    fn paths_are_tidied_textually() {
        assert_eq!(tidy(Path::new("./in//a/../b/.")), Path::new("in/a/../b"));
        assert_eq!(shown(&tidy(Path::new("."))), Path::new("."));
    }
}
