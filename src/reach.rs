//! Which files a document may name: those below its own folder, wherever links lead, unless a person allows others.
//!
//! A template comes from elsewhere as often as its scans do, and what it names is opened, shown and copied: a marker at
//! `../../home/somebody/card.png` is no marker.

use std::path::{Component, Path, PathBuf};

/// Where the files that a document names may lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// Below the document's folder.
    #[default]
    Folder,
    /// Anywhere: `--allow-outside`.
    Anywhere,
}

impl Reach {
    /// What a flag `--allow-outside` means.
    pub const fn allowing(outside: bool) -> Self {
        if outside { Self::Anywhere } else { Self::Folder }
    }
}

/// `relative`, seen from the folder of the document `file`, without `.` components. `..` stays, since what is before it
/// may be a link.
pub fn beside(file: &Path, relative: &str) -> PathBuf {
    let folder = file.parent().unwrap_or(Path::new(""));
    folder.join(relative).components().filter(|c| *c != Component::CurDir).collect()
}

/// Does `path`, which the document `file` names, lead out of the document's folder? Links count as what they lead to. Of a
/// file that is not there its name decides.
pub fn leads_out(file: &Path, path: &Path) -> bool {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match (folder.canonicalize(), path.canonicalize()) {
        (Ok(folder), Ok(real)) => !real.starts_with(folder),
        _ => climbs_out(file.parent().unwrap_or(Path::new("")), path),
    }
}

/// The same by names alone.
fn climbs_out(folder: &Path, path: &Path) -> bool {
    let Ok(below) = path.strip_prefix(folder) else { return true };
    let mut depth = 0i64;
    below.components().any(|component| {
        match component {
            Component::Normal(_) => depth += 1,
            Component::ParentDir => depth -= 1,
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return true,
        }
        depth < 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_sought_beside_the_document() {
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

    #[test]
    fn names_that_climb_out_are_told() {
        let out = |file: &str, relative: &str| leads_out(Path::new(file), &beside(Path::new(file), relative));
        for (file, relative) in [("no/t.json", "../a.png"), ("no/t.json", "/a.png"), ("no/t.json", "b/../../a.png")] {
            assert!(out(file, relative), "{file} {relative}");
        }
        for (file, relative) in [("no/t.json", "a.png"), ("t.json", "a/b/../c.png"), ("no/t.json", "b/../a.png")] {
            assert!(!out(file, relative), "{file} {relative}");
        }
        // A folder of the same name elsewhere, which is entered from above, lies below all the same.
        assert!(out("no/t.json", "../no/a.png"), "by names alone it climbs");
    }

    #[cfg(unix)]
    #[test]
    fn links_count_as_what_they_lead_to() {
        let dir = tempfile::tempdir().unwrap();
        let (form, other) = (dir.path().join("form"), dir.path().join("form-2"));
        for folder in [&form, &other] {
            std::fs::create_dir(folder).unwrap();
            std::fs::write(folder.join("m.png"), b"").unwrap();
        }
        std::os::unix::fs::symlink(other.join("m.png"), form.join("link.png")).unwrap();
        std::os::unix::fs::symlink(form.join("m.png"), form.join("own.png")).unwrap();
        std::os::unix::fs::symlink(&form, dir.path().join("link")).unwrap();
        let document = form.join("template.json");
        for (name, is_out) in [("m.png", false), ("own.png", false), ("link.png", true), ("../form-2/m.png", true)] {
            assert_eq!(leads_out(&document, &beside(&document, name)), is_out, "{name}");
        }
        // The folder may be reached by a link, and entered from above.
        let document = dir.path().join("link/template.json");
        assert!(!leads_out(&document, &beside(&document, "m.png")));
        assert!(!leads_out(&document, &beside(&document, "../form/m.png")));
    }
}
