//! Every file of the fuzz corpora is given to its target: what was found once stays mended.

use std::fs;
use std::path::Path;

#[path = "../../fuzz/targets.rs"]
mod targets;

/// Gives the files of a corpus to its target, and says how many there were.
fn replay(name: &str, target: fn(&[u8])) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in &files {
        // Shown where it fails.
        println!("{}", file.display());
        target(&fs::read(file).unwrap());
    }
    files.len()
}

#[test]
fn corpora_are_replayed() {
    type Target = (&'static str, fn(&[u8]), usize);
    let targets: [Target; 6] = [
        ("template", targets::template, 20),
        ("config", targets::config, 5),
        ("evaluation", targets::evaluation, 5),
        ("key_csv", targets::key_csv, 5),
        ("decode", targets::decode, 20),
        ("pages", targets::pages, 3),
    ];
    for (name, target, least) in targets {
        let found = replay(name, target);
        assert!(found >= least, "{name}: {found} files, expected {least} or more");
    }
}
