//! `--manifest`: whoever computes the digests again finds the same, of everything that went in and came out; and the manifest of
//! a run does not depend on how it came about.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use image::{GrayImage, ImageFormat};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::paged::{Pdf, Picture};
use crate::sheets::{CONFIG, TEMPLATE, encoded, page, png};
use crate::support::Workspace;

const EVALUATION: &str = r#"{"source_type": "custom",
  "options": {"questions_in_order": ["q1..5"], "answers_in_order": ["A", "B", "C", "D", "A"]},
  "marking_schemes": {"DEFAULT": {"correct": "1", "incorrect": "0", "unmarked": "0"}}}"#;

/// Two folders with sheets, one of them doubtful, a file of two pages and one that is no picture.
fn workspace() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("in/template.json", TEMPLATE);
    workspace.write("in/config.json", CONFIG);
    workspace.write("in/evaluation.json", EVALUATION);
    for (i, answers) in ["A B C D A", "D C B A D", "B . AB C A", "A A A A A", "C D A B ."].into_iter().enumerate() {
        workspace.write(format!("in/{}/sheet-{i}.png", if i % 2 == 0 { "a" } else { "b" }), png(&page(answers)));
    }
    let picture = |page: &GrayImage| Picture::jpeg(page, encoded(page, ImageFormat::Jpeg));
    let pages = [picture(&page("A B C D A")), picture(&page("A B C D B"))];
    workspace.write("in/b/pages.pdf", Pdf::of_pictures(&pages, 200, 300));
    workspace.write("in/b/text.png", b"no picture");
    workspace
}

const OPTIONS: [&str; 5] = ["--manifest", "--statistics", "--review-below", "1", "-q"];

fn run(workspace: &Workspace, output: &str, more: &[&str]) {
    workspace.omr(&[&["-i", "in", "-o", output][..], &OPTIONS, more].concat()).succeeded();
}

fn manifest(workspace: &Workspace, output: &str) -> String {
    fs::read_to_string(workspace.path(output).join("manifest.json")).unwrap()
}

/// The digest of a file, by the library alone.
fn sha256(path: &Path) -> String {
    let digest = Sha256::digest(fs::read(path).unwrap());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The members of a list: what they are called, and what is said of them.
fn entries<'m>(manifest: &'m Value, list: &str) -> Vec<(&'m str, &'m Value)> {
    let entries = manifest[list].as_array().unwrap();
    entries.iter().map(|entry| (entry["path"].as_str().unwrap(), entry)).collect()
}

#[test]
fn digests_are_those_of_all_files_that_went_in_and_came_out() {
    let workspace = workspace();
    run(&workspace, "out", &[]);
    let manifest: Value = serde_json::from_str(&manifest(&workspace, "out")).unwrap();
    let names = |list: &str| entries(&manifest, list).iter().map(|(path, _)| (*path).to_owned()).collect::<Vec<_>>();
    let agree = |list: &str, folder: &str| {
        for (path, entry) in entries(&manifest, list) {
            let file = workspace.path(folder).join(path);
            assert_eq!(entry["sha256"], sha256(&file), "{path}");
            if list != "documents" {
                assert_eq!(entry["bytes"], file.metadata().unwrap().len(), "{path}");
            }
        }
    };
    // Images in input order, each once: a file with pages, too, and what could not be read.
    let images = ["a/sheet-0.png", "a/sheet-2.png", "a/sheet-4.png"];
    let more = ["b/pages.pdf", "b/sheet-1.png", "b/sheet-3.png", "b/text.png"];
    assert_eq!(names("inputs"), images.iter().chain(&more).map(|name| format!("in/{name}")).collect::<Vec<_>>());
    agree("inputs", "");
    agree("documents", "");
    let roles =
        entries(&manifest, "documents").into_iter().map(|(path, entry)| (entry["role"].as_str().unwrap(), path));
    let want = [
        ("config", "in/config.json"),
        ("config of the template", "in/config.json"),
        ("evaluation", "in/evaluation.json"),
        ("template", "in/template.json"),
    ];
    assert_eq!(roles.collect::<Vec<_>>(), want);
    // All that was written, and nothing else; of every kind there is one.
    let written: BTreeSet<String> = names("outputs").into_iter().collect();
    assert_eq!(written.len(), names("outputs").len());
    let tree = workspace.tree("out").into_keys().map(|path| path.to_str().unwrap().to_owned());
    assert_eq!(written, tree.filter(|path| path != "manifest.json").collect());
    for kind in ["Results/Results.csv", "Results/Items.csv", "CheckedOMRs/pages.pdf-p002.jpg", "Manual/Review/"] {
        assert!(written.iter().any(|path| path.contains(kind)), "{kind}: {written:?}");
    }
    agree("outputs", "out");
}

#[test]
fn a_manifest_hangs_on_nothing_but_what_was_read_and_how() {
    let workspace = workspace();
    run(&workspace, "out", &["--max-workers", "1"]);
    run(&workspace, "other", &["--max-workers", "3"]);
    let whole = manifest(&workspace, "out");
    assert_eq!(manifest(&workspace, "other"), whole);
    let same = |name: &str, bytes: &[u8]| {
        let before = fs::read(workspace.path(name)).unwrap();
        workspace.write(name, bytes);
        run(&workspace, "other", &[]);
        workspace.write(name, before);
        manifest(&workspace, "other") == whole
    };
    assert!(same("in/template.json", TEMPLATE.as_bytes()));
    // A blank more changes no reading, and is another document.
    assert!(!same("in/template.json", format!("{TEMPLATE} ").as_bytes()));
    assert!(!same("in/b/text.png", b"no picture."));
    run(&workspace, "other", &["--strict"]);
    assert_ne!(manifest(&workspace, "other"), whole);
    // One that is not asked for any more is not left behind.
    workspace.omr(&["-q", "-i", "in", "-o", "other"]).succeeded();
    assert!(!workspace.path("other/manifest.json").exists());
}

#[test]
fn the_manifest_of_shards_that_were_put_together_is_that_of_one_run() {
    let workspace = workspace();
    run(&workspace, "whole", &[]);
    let whole = manifest(&workspace, "whole");
    let mut shares = BTreeSet::new();
    for number in 1..=3 {
        run(&workspace, &format!("shard-{number}"), &["--shard", &format!("{number}/3")]);
        let shard: Value = serde_json::from_str(&manifest(&workspace, &format!("shard-{number}"))).unwrap();
        assert!(!shard["shard"].is_null());
        shares.extend(entries(&shard, "inputs").into_iter().map(|(path, _)| path.to_owned()));
    }
    assert_eq!(shares.len(), 7, "the shards have all inputs between them");
    workspace.omr(&["merge", "--manifest", "-o", "merged", "shard-2", "shard-3", "shard-1"]).succeeded();
    assert_eq!(manifest(&workspace, "merged"), whole);
    // Without being asked it makes none.
    workspace.omr(&["merge", "-o", "plain", "shard-2", "shard-3", "shard-1"]).succeeded();
    assert!(!workspace.path("plain/manifest.json").exists());
}

#[test]
fn a_run_that_goes_on_has_the_manifest_of_one_run() {
    let workspace = workspace();
    let all = [
        ("in/a/sheet-2.png", fs::read(workspace.path("in/a/sheet-2.png")).unwrap()),
        ("in/b/pages.pdf", fs::read(workspace.path("in/b/pages.pdf")).unwrap()),
        ("in/b/text.png", fs::read(workspace.path("in/b/text.png")).unwrap()),
    ];
    run(&workspace, "whole", &[]);
    let whole = manifest(&workspace, "whole");
    // Some sheets are not there yet; the first run need not have been asked for a manifest.
    all.iter().for_each(|(name, _)| fs::remove_file(workspace.path(name)).unwrap());
    workspace.write("in/b/text.png", png(&page("A B C D A")));
    run(&workspace, "begun", &[]);
    assert_ne!(manifest(&workspace, "begun"), whole);
    let without: Vec<&str> = OPTIONS.into_iter().filter(|option| *option != "--manifest").collect();
    workspace.omr(&[&["-i", "in", "-o", "unasked"][..], &without].concat()).succeeded();
    all.iter().for_each(|(name, bytes)| workspace.write(name, bytes));
    for output in ["begun", "unasked"] {
        run(&workspace, output, &["--resume"]);
        assert_eq!(manifest(&workspace, output), whole, "{output}");
        // And once more, when there is nothing to do.
        run(&workspace, output, &["--resume"]);
        assert_eq!(manifest(&workspace, output), whole, "{output}, again");
    }
}

#[cfg(unix)]
#[test]
fn what_is_not_opened_has_no_digest() {
    let workspace = workspace();
    workspace.write("elsewhere.png", png(&page("A B C D A")));
    std::os::unix::fs::symlink(workspace.path("elsewhere.png"), workspace.path("in/a/link.png")).unwrap();
    run(&workspace, "out", &[]);
    let manifest: Value = serde_json::from_str(&manifest(&workspace, "out")).unwrap();
    let link = entries(&manifest, "inputs").into_iter().find(|(path, _)| *path == "in/a/link.png").unwrap().1;
    assert!(link["bytes"].is_null() && link["sha256"].is_null(), "{link}");
}
