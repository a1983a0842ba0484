//! The mark by which a report's picture is known as such: it is no sheet, and may be replaced by the next report.

use std::io::Read;
use std::path::Path;

/// Who made the picture, as it stands in the file.
pub const MAKER: &str = "omr doctor";

/// The name of a report's picture, if none is given.
pub const DEFAULT_NAME: &str = "doctor.png";

/// The mark stands within so many bytes, before the picture's data.
const HEAD: u64 = 4096;

/// Is the file at `path` the picture of a report? A file that cannot be read is none.
pub fn is_report(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head));
    read.is_ok() && head.windows(MAKER.len()).any(|part| part == MAKER.as_bytes())
}

#[cfg(test)]
mod tests {
    use image::RgbImage;

    use super::*;
    use crate::imaging::coloured;

    #[test]
    fn a_picture_says_who_made_it() {
        let folder = tempfile::tempdir().unwrap();
        let picture = RgbImage::new(40, 30);
        for (name, maker) in [("a", Some(MAKER)), ("b", None)] {
            for bytes in [coloured::to_png(&picture, maker).unwrap(), coloured::to_jpeg(&picture, maker).unwrap()] {
                let path = folder.path().join(name);
                std::fs::write(&path, &bytes).unwrap();
                assert_eq!(is_report(&path), maker.is_some());
                assert_eq!(image::load_from_memory(&bytes).unwrap().width(), 40);
            }
        }
        assert!(!is_report(&folder.path().join("none")));
    }
}
