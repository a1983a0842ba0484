//! Names of the pictures of doubtful fields, decided before the first sheet is read.
//!
//! A person who has a row of Review.csv finds its picture without a list: `Manual/Review/<image name>/<field>.png`. What some
//! file systems cannot hold in a name becomes `_`, and no two fields of a template share a name, whatever the case of its
//! letters.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;

use super::paths::with_suffix;

/// What the pictures' names end in.
const EXTENSION: &str = ".png";

/// The pictures' names by label.
#[derive(Debug, Default)]
pub struct CropNames {
    /// Of the labels whose picture is not simply called `<label>.png`.
    others: HashMap<String, OsString>,
}

impl CropNames {
    /// Names the pictures of fields with these labels, in template order, each once: the first of those that would share a
    /// name keeps it, the next has `-2` added.
    pub fn of<'l>(labels: &[&'l str]) -> Self {
        let plain = |label: &'l str| simple_name(label).to_string_lossy().to_lowercase();
        // A name with a number gives way to a field that is called so.
        let own: HashSet<String> = labels.iter().map(|label| plain(label)).collect();
        let mut given: HashMap<String, usize> = HashMap::new();
        let mut numbered: HashSet<String> = HashSet::new();
        let mut others = HashMap::new();
        for label in labels {
            let count = given.entry(plain(label)).or_insert(0);
            *count += 1;
            let mut name = simple_name(label);
            if *count > 1 {
                loop {
                    name = with_suffix(safe(label).as_ref(), &format!("-{count}{EXTENSION}"));
                    let key = name.to_string_lossy().to_lowercase();
                    if !own.contains(&key) && numbered.insert(key) {
                        break;
                    }
                    *count += 1;
                }
            }
            if name.to_str().and_then(|name| name.strip_suffix(EXTENSION)) != Some(*label) {
                others.insert((*label).to_owned(), name);
            }
        }
        Self { others }
    }

    /// The name of the picture of the field with this label.
    pub fn name(&self, label: &str) -> OsString {
        self.others.get(label).cloned().unwrap_or_else(|| simple_name(label))
    }
}

fn simple_name(label: &str) -> OsString {
    with_suffix(safe(label).as_ref(), EXTENSION)
}

/// The label without what leads out of a folder, or what some file systems do not hold.
fn safe(label: &str) -> String {
    let safe = |c: char| match c {
        '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*' => '_',
        c if c.is_control() => '_',
        c => c,
    };
    label.chars().map(safe).collect()
}

#[cfg(test)]
mod tests {
    use std::path::{Component, Path};

    use proptest::prelude::*;

    use super::*;

    fn names(labels: &[&str]) -> Vec<String> {
        let names = CropNames::of(labels);
        labels.iter().map(|label| names.name(label).into_string().unwrap()).collect()
    }

    #[test]
    fn a_picture_is_called_as_its_field() {
        assert_eq!(names(&["q1", "roll 3", "Größe", ".."]), ["q1.png", "roll 3.png", "Größe.png", "...png"]);
        assert_eq!(names(&["a/b", "..\\x", "w:\"?*\n"]), ["a_b.png", ".._x.png", "w_____.png"]);
    }

    #[test]
    fn no_two_fields_share_a_name() {
        assert_eq!(
            names(&["a/b", "a:b", "a_b", "A_B", "a_b-2", "a?b"]),
            ["a_b.png", "a_b-3.png", "a_b-4.png", "A_B-5.png", "a_b-2.png", "a_b-6.png"]
        );
        let long = ["é".repeat(200), "é".repeat(201)];
        let cut = names(&[&long[0], &long[1]]);
        assert!(cut.iter().all(|name| name.len() <= 255) && cut[0] != cut[1], "{cut:?}");
    }

    proptest! {
        #[test]
        fn every_label_has_a_name_of_its_own_in_the_folder(labels in proptest::collection::hash_set("([.aA_-]|[/:2]|\\PC){0,4}", 1..12)) {
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            let names = names(&labels);
            for name in &names {
                let parts: Vec<_> = Path::new(name).components().collect();
                prop_assert!(matches!(parts.as_slice(), [Component::Normal(_)]), "{name}");
            }
            let distinct: HashSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
            prop_assert_eq!(distinct.len(), names.len());
        }
    }
}
