//! Every file of the fuzz corpora is given to its target: what was found once stays mended.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::changes::{self, Dice};
use crate::mutations;

#[path = "../../fuzz/targets.rs"]
mod targets;

/// The files of a corpus, in order.
fn files(name: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(bytes).is_ok()
}

/// Gives the files of a corpus to its target, and says how many there were.
fn replay(name: &str, target: fn(&[u8])) -> usize {
    let files = files(name);
    for file in &files {
        // Shown where it fails.
        eprintln!("{}", file.display());
        target(&fs::read(file).unwrap());
    }
    files.len()
}

/// A target's name, what it does, and how many files it has at least.
type Target = (&'static str, fn(&[u8]), usize);

/// All of them.
const TARGETS: [Target; 6] = [
    ("template", targets::template, 20),
    ("config", targets::config, 5),
    ("evaluation", targets::evaluation, 5),
    ("key_csv", targets::key_csv, 5),
    ("decode", targets::decode, 20),
    ("pages", targets::pages, 3),
];

#[test]
fn corpora_are_replayed() {
    for (name, target, least) in TARGETS {
        let found = replay(name, target);
        assert!(found >= least, "{name}: {found} files, expected {least} or more");
    }
}

/// What a fuzzer does, without one: a few changes of each file, more with `OMR_MUTATIONS`.
#[test]
fn corpora_are_changed_at_random() {
    let count = mutations::count(8);
    for (kind, (name, target, _)) in TARGETS.into_iter().enumerate() {
        let files = files(name);
        for (number, file) in files.iter().enumerate() {
            let original = fs::read(file).unwrap();
            for i in 0..count {
                let seed = (kind * 1_000 + number) * 1_000_000 + i;
                let mut dice = Dice::new(seed as u64);
                let other = fs::read(&files[(number + 1 + i) % files.len()]).unwrap();
                let bytes = match i % 4 {
                    0 if is_json(&original) && is_json(&other) => changes::crossed(&original, &other, &mut dice),
                    0..3 if is_json(&original) => changes::changed_values(&original, &mut dice),
                    _ => changes::changed(&original, &mut dice),
                };
                let start = Instant::now();
                let tried = std::panic::catch_unwind(|| target(&bytes));
                assert!(tried.is_ok(), "{} with seed {seed}: {:?}", file.display(), String::from_utf8_lossy(&bytes));
                let took = start.elapsed();
                assert!(took < Duration::from_secs(30), "{} with seed {seed}: took {took:?}", file.display());
            }
        }
    }
}
