//! Every rule of a template with the message that tells it.

use std::path::{Path, PathBuf};

use super::*;
use crate::json::Severity;

fn load(text: &str) -> Result<(Template, Vec<Problem>), DocumentError> {
    Template::read(&Document::parse(Path::new("in/template.json"), text.to_owned()).unwrap())
}

/// Where the published sample folders are, when they are at hand.
fn reference_folder() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference");
    let folder = std::env::var_os("OMR_REFERENCE").map_or(beside, PathBuf::from);
    folder.is_dir().then_some(folder)
}

/// Every file called `name` below `folder`.
fn find(folder: &Path, name: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find(&path, name, found);
        } else if path.file_name().is_some_and(|n| n == name) {
            found.push(path);
        }
    }
}

#[test]
fn every_published_document_loads() {
    let Some(folder) = reference_folder() else {
        eprintln!("skipped: the published samples are not at hand (set OMR_REFERENCE)");
        return;
    };
    let mut cases = 0;
    for (generation, family) in [("v1", [Dialect::V1].as_slice()), ("v2", &[Dialect::V2, Dialect::V2Dev])] {
        for case in std::fs::read_dir(folder.join(generation)).unwrap() {
            cases += 1;
            let inputs = case.unwrap().path().join("inputs");
            let (mut templates, mut configs) = (Vec::new(), Vec::new());
            find(&inputs, "template.json", &mut templates);
            find(&inputs, "config.json", &mut configs);
            assert!(!templates.is_empty(), "{}", inputs.display());
            for path in templates {
                let (template, warnings) = Template::load(&path).unwrap_or_else(|error| panic!("{error}"));
                assert!(family.contains(&template.dialect), "{}: {}", path.display(), template.dialect);
                warnings.iter().for_each(|warning| eprintln!("{warning}"));
            }
            for path in configs {
                let (_, warnings) = crate::config::Config::load(&path).unwrap_or_else(|error| panic!("{error}"));
                warnings.iter().for_each(|warning| eprintln!("{warning}"));
            }
        }
    }
    assert_eq!(cases, 33);
}
