//! From the text of a filled pattern to a path that can only lie below `organized/`.

use std::path::PathBuf;

use crate::file_names::{IMAGE_EXTENSIONS, extension};

/// Bytes that file systems hold in a name.
const LONGEST: usize = 255;

/// Bytes kept free for a number that may be added: `_9998`.
const NUMBER: usize = 5;

/// What a sheet is called when nothing is left of its name.
const NAMELESS: &str = "sheet";

/// The path that `text` means for the image `original`, below `organized/`.
///
/// Parts are split at `/`. In each, what some file systems cannot hold (`< > : " | ? * \` and control characters) becomes
/// `_`, runs of `_` become one, and `_` and blanks at its ends go; parts that are empty or dots alone are left out. The
/// file has the original's extension, unless it has one of an image already.
pub(super) fn clean(text: &str, original: &str) -> PathBuf {
    let mut parts: Vec<String> = text.split('/').map(clean_part).filter(|part| !part.is_empty()).collect();
    let own = extension(original.as_ref());
    let is_image = |name: &str| extension(name.as_ref()).is_some_and(|e| IMAGE_EXTENSIONS.contains(&e.as_str()));
    let name = match parts.pop() {
        // An extension alone is what is left when the values before it are empty.
        Some(name) if !(is_image(&name) && name.rfind('.') == Some(0)) => name,
        _ => clean_part(original),
    };
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if is_image(&name) => (stem.to_owned(), extension.to_owned()),
        _ => {
            let written = original.rsplit_once('.').map(|(_, e)| clean_part(e)).filter(|e| !e.is_empty());
            (name, written.or(own).unwrap_or_default())
        }
    };
    let stem = if stem.is_empty() { NAMELESS.to_owned() } else { stem };
    let extension = cut(&extension, 16);
    let mut file = cut(&stem, LONGEST - NUMBER - 1 - extension.len()).to_owned();
    if !extension.is_empty() {
        file = format!("{file}.{extension}");
    }
    parts.iter().map(|part| cut(part, LONGEST)).chain([file.as_str()]).collect()
}

/// The path with a number added to the file's stem: `_001`.
pub(super) fn numbered(path: &std::path::Path, number: u32) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let numbered = match name.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}_{number:03}.{extension}"),
        None => format!("{name}_{number:03}"),
    };
    path.with_file_name(numbered)
}

fn clean_part(part: &str) -> String {
    let mut clean = String::with_capacity(part.len());
    for c in part.chars() {
        let c = match c {
            '<' | '>' | ':' | '"' | '|' | '?' | '*' | '\\' | '/' => '_',
            c if c.is_control() => '_',
            c => c,
        };
        if c != '_' || !clean.ends_with('_') {
            clean.push(c);
        }
    }
    let trimmed = clean.trim_matches(|c: char| c == '_' || c.is_whitespace());
    if trimmed.chars().all(|c| c == '.') { String::new() } else { trimmed.to_owned() }
}

/// The beginning of `text` that has at most `most` bytes.
fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use std::path::{Component, Path};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_cleaned_part_by_part() {
        for (text, expected) in [
            ("A/x.jpg", "A/x.jpg"),
            ("set: <A>/a?b*c", "set_ _A/a_b_c.JPG"),
            ("__a__b__/ _c_ ", "a_b/c.JPG"),
            ("//a///b.png", "a/b.png"),
            ("../../etc/passwd", "etc/passwd.JPG"),
            ("a/./../b", "a/b.JPG"),
            (".._/x", "x.JPG"),
            ("C:\\x\\y", "C_x_y.JPG"),
            ("score 5.0", "score 5.0.JPG"),
            ("a/.png", "a/photo_1.JPG"),
            ("", "photo_1.JPG"),
            ("roll/", "roll.JPG"),
            ("a\0b\n", "a_b.JPG"),
        ] {
            assert_eq!(clean(text, "photo_1.JPG"), Path::new(expected), "{text:?}");
        }
        assert_eq!(clean("", "__.png"), Path::new("sheet.png"));
        assert_eq!([clean("x", ".png"), clean("", ".png")], ["x.png", "sheet.png"].map(PathBuf::from));
    }

    #[test]
    fn long_names_are_cut_and_keep_their_extension() {
        let path = clean(&format!("{0}/{0}", "é".repeat(300)), "a.jpeg");
        let lengths: Vec<usize> = path.iter().map(std::ffi::OsStr::len).collect();
        assert_eq!(lengths, [254, 249]);
        assert!(numbered(&path, 9998).file_name().unwrap().len() <= 255);
        assert!(path.to_string_lossy().ends_with(".jpeg"));
    }

    #[test]
    fn numbers_stand_before_the_extension() {
        assert_eq!(numbered(Path::new("a/b.c.jpg"), 7), Path::new("a/b.c_007.jpg"));
        assert_eq!(numbered(Path::new("a/b"), 9998), Path::new("a/b_9998"));
    }

    proptest! {
        #[test]
        fn no_text_leads_out_of_the_folder(
            text in "([./\\\\ _:~a]|\\PC|[\0-\u{1f}]){0,40}",
            // A file's name, which has no slash.
            original in "([. _a]|[^/\\p{C}]){0,12}",
            number in 1u32..9999,
        ) {
            let path = clean(&text, &original);
            for path in [&path, &numbered(&path, number)] {
                prop_assert!(path.components().count() > 0);
                prop_assert!(path.components().all(|c| matches!(c, Component::Normal(_))), "{path:?}");
                // What is read back from its text is the same path: no part hides a separator.
                prop_assert_eq!(path.components().count(), path.to_string_lossy().split('/').count());
                prop_assert!(path.iter().all(|part| part.len() <= LONGEST));
            }
        }
    }
}
