//! File grouping: links and copies by what sheets say; inputs stay as they are.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::sheets::{page, png};
use crate::support::Workspace;

const TEMPLATE: &str = r#"{
  "templateDimensions": [200, 300], "bubbleDimensions": [16, 16], "processingImageShape": [300, 200], "preProcessors": [],
  "fieldBlocks": {
    "Q": { "fieldDetectionType": "BUBBLES_THRESHOLD", "bubbleFieldType": "QTYPE_MCQ4", "origin": [20, 20],
           "bubblesGap": 40, "labelsGap": 40, "fieldLabels": ["room", "q1"] }
  }
}"#;

const RULES: &str = r#""rules": [
    {"name": "doubles", "priority": 1, "destinationPattern": "doubles/{original_name}", "action": "copy",
     "matcher": {"formatString": "{is_multi_marked}", "matchRegex": "True"}},
    {"name": "rooms", "priority": 2, "destinationPattern": "room {room}/answer {q1}", "collisionStrategy": "increment",
     "matcher": {"formatString": "{room}", "matchRegex": "[A-C]"}}]"#;

fn config(members: &str) -> String {
    format!(r#"{{"outputs": {{"fileGrouping": {{"enabled": true, {members}}}}}}}"#)
}

fn workspace() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("in/template.json", TEMPLATE);
    workspace.write("in/config.json", config(RULES));
    for (i, answers) in ["A B", "B C", "A B", "D A", "A AB", "A B", ". ."].iter().enumerate() {
        workspace.write(format!("in/sub/sheet-{i}.png"), png(&page(answers)));
    }
    workspace.write("in/sub/broken.png", b"no picture");
    workspace
}

/// What lies below a folder: for links, where they lead as written.
fn listing(root: &Path) -> BTreeMap<PathBuf, String> {
    fn walk(root: &Path, dir: &Path, found: &mut BTreeMap<PathBuf, String>) {
        for entry in fs::read_dir(dir).expect("a folder") {
            let path = entry.expect("an entry").path();
            let metadata = fs::symlink_metadata(&path).expect("metadata");
            let name = path.strip_prefix(root).expect("below").to_path_buf();
            if metadata.is_dir() {
                walk(root, &path, found);
            } else if metadata.is_symlink() {
                let target = fs::read_link(&path).expect("a link");
                assert!(target.is_relative(), "{} leads to {}", name.display(), target.display());
                found.insert(name, format!("-> {}", target.display()));
            } else {
                found.insert(name, format!("{} bytes", metadata.len()));
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(root, root, &mut found);
    found
}

fn names(listing: &BTreeMap<PathBuf, String>) -> Vec<String> {
    listing.iter().map(|(name, what)| format!("{} {}", name.display(), &what[..2])).collect()
}

#[test]
fn sheets_are_linked_and_copied_by_what_they_say() {
    let workspace = workspace();
    let inputs = workspace.tree("in");
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    let organized = workspace.path("out/sub/organized");
    let found = listing(&organized);
    let size = inputs[Path::new("sub/sheet-4.png")].len().to_string();
    assert_eq!(
        names(&found),
        [
            &format!("doubles/sheet-4.png {}", &size[..2]),
            "room A/answer B.png ->",
            "room A/answer B_001.png ->",
            "room A/answer B_002.png ->",
            "room B/answer C.png ->",
            "ungrouped/broken.png ->",
            "ungrouped/sheet-3.png ->",
            "ungrouped/sheet-6.png ->",
        ]
    );
    assert_eq!(found[Path::new("room A/answer B_001.png")], "-> ../../../../in/sub/sheet-2.png");
    for name in found.keys() {
        assert!(organized.join(name).is_file(), "{} leads nowhere", name.display());
    }
    assert_eq!(fs::read(organized.join("room B/answer C.png")).unwrap(), inputs[Path::new("sub/sheet-1.png")]);
    assert_eq!(workspace.tree("in"), inputs, "inputs are as they were");
}

#[test]
fn any_number_of_workers_makes_the_same_tree() {
    let workspace = workspace();
    for i in 10..40 {
        workspace.write(format!("in/sub/more-{i}.png"), png(&page(["A B", "B C", "C A"][i % 3])));
    }
    let trees = ["1", "2", "8"].map(|workers| {
        let out = format!("out{workers}");
        workspace.omr(&["-i", "in", "-o", &out, "--max-workers", workers]).succeeded();
        fs::remove_dir_all(workspace.path(format!("{out}/.omr"))).unwrap();
        listing(&workspace.path(&out))
    });
    assert!(trees[0].len() > 70);
    assert_eq!(trees[0], trees[1]);
    assert_eq!(trees[0], trees[2]);
}

#[test]
fn a_later_run_removes_what_it_does_not_put_there_and_nothing_else() {
    let workspace = workspace();
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    let first = listing(&workspace.path("out/sub/organized"));
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    assert_eq!(listing(&workspace.path("out/sub/organized")), first, "running twice changes nothing");

    let inputs = workspace.tree("in");
    workspace.write("out/sub/organized/room A/mine.txt", "mine");
    workspace.write("out/sub/organized/room C/answer B.png", "a foreign file");
    fs::remove_file(workspace.path("in/sub/sheet-2.png")).unwrap();
    workspace.write("in/sub/sheet-7.png", png(&page("C B")));
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    let found = listing(&workspace.path("out/sub/organized"));
    assert_eq!(found[Path::new("room A/mine.txt")], "4 bytes");
    assert_eq!(found[Path::new("room C/answer B.png")], "14 bytes");
    assert_eq!(found[Path::new("room C/answer B_001.png")], "-> ../../../../in/sub/sheet-7.png");
    assert_eq!(found[Path::new("room A/answer B_001.png")], "-> ../../../../in/sub/sheet-5.png");
    assert!(!found.contains_key(Path::new("room A/answer B_002.png")));

    workspace.write("in/config.json", "{}");
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    assert_eq!(names(&listing(&workspace.path("out/sub/organized"))), ["room A/mine.txt 4 ", "room C/answer B.png 14"]);
    assert_eq!(workspace.tree("in")[Path::new("sub/sheet-0.png")], inputs[Path::new("sub/sheet-0.png")]);
}

#[test]
fn copies_of_sheets_that_have_gone_stay_at_the_place_that_one_run_gives_them() {
    let rules = RULES.replace(r#""collisionStrategy""#, r#""action": "copy", "collisionStrategy""#);
    let with_all = workspace();
    with_all.write("in/config.json", config(&rules));
    // Sheets with the same answers are told by a speck.
    let speck = |x: u32| {
        let mut sheet = page("A B");
        sheet.put_pixel(x, 290, image::Luma([180]));
        png(&sheet)
    };
    with_all.write("in/sub/sheet-1a.png", speck(20));
    with_all.write("in/sub/sheet-2.png", speck(30));
    with_all.omr(&["-i", "in", "-o", "out"]).succeeded();
    let want = listing(&with_all.path("out/sub/organized"));
    assert_eq!(want.keys().filter(|name| name.starts_with("room A")).count(), 4, "{want:?}");

    let workspace = workspace();
    workspace.write("in/config.json", config(&rules));
    workspace.write("in/sub/sheet-2.png", speck(30));
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    // The copies of two sheets are the last that there are of them; a new sheet takes the place that one of them had.
    let gone = ["sheet-2.png", "sheet-4.png"].map(|name| {
        let path = workspace.path(format!("in/sub/{name}"));
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(path).unwrap();
        bytes
    });
    workspace.write("in/sub/sheet-1a.png", speck(20));
    for round in ["the first", "the second"] {
        workspace.omr(&["-i", "in", "-o", "out", "--resume"]).succeeded();
        assert_eq!(listing(&workspace.path("out/sub/organized")), want, "{round} run that goes on");
        assert!(!workspace.path("out/.omr/kept").exists());
    }
    assert!(fs::read(workspace.path("out/sub/organized/room A/answer B_002.png")).unwrap() == gone[0]);
    assert!(fs::read(workspace.path("out/sub/organized/doubles/sheet-4.png")).unwrap() == gone[1]);

    // A run that was ended after copies were set aside.
    let (kept, copy) = (workspace.path("out/.omr/kept"), workspace.path("out/sub/organized/doubles/sheet-4.png"));
    fs::create_dir(&kept).unwrap();
    fs::rename(copy, kept.join(sha256(&gone[1]))).unwrap();
    workspace.omr(&["-i", "in", "-o", "out", "--resume"]).succeeded();
    assert_eq!(listing(&workspace.path("out/sub/organized")), want);

    workspace.omr(&["-i", "in", "-o", "out", "--resume", "--prune"]).succeeded();
    assert_eq!(listing(&workspace.path("out/sub/organized")).len(), want.len() - 2, "what is dropped goes");
}

/// Sheets that are copied by their answers, one a place.
fn copied(sheets: &[(&str, &str)]) -> Workspace {
    let workspace = Workspace::new();
    workspace.write("in/template.json", TEMPLATE);
    workspace.write(
        "in/config.json",
        config(
            r#""rules": [{"name": "all", "priority": 1, "destinationPattern": "{room}", "action": "copy",
            "collisionStrategy": "skip", "matcher": {"formatString": "{room}", "matchRegex": "."}}]"#,
        ),
    );
    for (name, answers) in sheets {
        workspace.write(format!("in/{name}"), png(&page(answers)));
    }
    workspace
}

const RESUME: [&str; 5] = ["-i", "in", "-o", "out", "--resume"];

#[test]
fn a_copy_whose_sheet_has_gone_waits_until_there_is_a_place_for_it() {
    let workspace = copied(&[("b.png", "A B")]);
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    let copy = fs::read(workspace.path("in/b.png")).unwrap();
    fs::remove_file(workspace.path("in/b.png")).unwrap();
    // Another sheet comes first, and has the place.
    workspace.write("in/a.png", png(&page("A C")));
    workspace.omr(&RESUME).succeeded();
    let place = workspace.path("out/organized/A.png");
    assert!(fs::read(&place).unwrap() == fs::read(workspace.path("in/a.png")).unwrap());
    // Nothing is grouped for a while.
    let rules = fs::read_to_string(workspace.path("in/config.json")).unwrap();
    workspace.write("in/config.json", rules.replace("true", "false"));
    workspace.omr(&RESUME).succeeded();
    assert!(!place.exists());
    workspace.write("in/config.json", rules);
    // The place is free again.
    workspace.write("in/a.png", png(&page("B C")));
    workspace.omr(&RESUME).succeeded();
    assert!(fs::read(&place).unwrap() == copy);
    assert!(!workspace.path("out/.omr/kept").exists());
}

#[test]
fn a_sheet_that_is_being_written_anew_is_not_copied_under_its_old_row() {
    let workspace = copied(&[("a.png", "A B"), ("b.png", "B B")]);
    let hour_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    for name in ["in/a.png", "in/b.png"] {
        fs::File::options().write(true).open(workspace.path(name)).unwrap().set_modified(hour_ago).unwrap();
    }
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    let tree = workspace.tree("out/organized");
    workspace.write("in/a.png", &png(&page("C C"))[..300]);
    workspace.omr(&[&RESUME[..], &["--settle", "600"]].concat()).succeeded();
    assert!(workspace.tree("out/organized") == tree);
}

#[cfg(unix)]
#[test]
fn what_lies_behind_a_link_is_not_touched() {
    for link in ["organized", "organized/r A"] {
        let workspace = copied(&[("a.png", "A B"), ("b.png", "A C")]);
        let rules = fs::read_to_string(workspace.path("in/config.json")).unwrap();
        workspace
            .write("in/config.json", rules.replace("\"{room}\", \"action", "\"r {room}/{original_name}\", \"action"));
        workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
        assert!(workspace.path("out/organized/r A/b.png").is_file());
        fs::remove_file(workspace.path("in/b.png")).unwrap();
        // Somebody moves copies to another disk.
        let (place, elsewhere) = (workspace.path(format!("out/{link}")), workspace.path("elsewhere"));
        fs::rename(&place, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &place).unwrap();
        let before = workspace.tree("elsewhere");
        for _ in 0..2 {
            workspace.omr(&RESUME).succeeded();
            assert!(workspace.tree("elsewhere") == before, "{link}");
        }
    }
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn places_that_are_taken_are_left_or_replaced_in_input_order() {
    let workspace = workspace();
    let skip = RULES.replace("increment", "skip");
    workspace.write("in/config.json", config(&skip));
    let run = workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    let found = listing(&workspace.path("out/sub/organized/room A"));
    assert_eq!(found.into_values().collect::<Vec<_>>(), ["-> ../../../../in/sub/sheet-0.png"]);
    assert!(run.stderr().contains("sheet-5.png` is not in `sub/organized`: an earlier sheet has"), "{}", run.stderr());
    workspace.write("in/config.json", config(&skip.replace("skip", "overwrite")));
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    let found = listing(&workspace.path("out/sub/organized/room A"));
    assert_eq!(found.into_values().collect::<Vec<_>>(), ["-> ../../../../in/sub/sheet-5.png"]);
}

#[test]
fn links_are_valid_wherever_the_folders_lie() {
    let workspace = workspace();
    let (input, output) = (workspace.path("in"), workspace.path("far/away/out"));
    workspace.omr(&["-i", "in/../in", "-o", output.to_str().unwrap()]).succeeded();
    workspace.omr(&["-i", input.to_str().unwrap(), "-o", "./near"]).succeeded();
    for root in [output, workspace.path("near")] {
        let organized = root.join("sub/organized");
        let found = listing(&organized);
        assert_eq!(found.len(), 8);
        assert!(found.keys().all(|name| organized.join(name).is_file()));
    }
}

#[test]
fn nothing_is_written_through_a_folder_that_is_a_link() {
    let workspace = workspace();
    fs::create_dir_all(workspace.path("elsewhere")).unwrap();
    fs::create_dir_all(workspace.path("out/sub/organized")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(workspace.path("elsewhere"), workspace.path("out/sub/organized/room A")).unwrap();
    let run = workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    assert_eq!(fs::read_dir(workspace.path("elsewhere")).unwrap().count(), 0);
    assert!(run.stderr().contains("`room A` cannot be a file and a folder"), "{}", run.stderr());
}

#[test]
fn mistakes_are_told_before_the_first_sheet() {
    let workspace = workspace();
    for (members, fragment) in [
        (RULES.replace("{room}\",", "{rom}\","), "in/config.json: the `formatString` of the rule `rooms`"),
        (RULES.replace("answer {q1}", "{score}"), "but these sheets are not scored"),
        (RULES.replace("\"copy\"", "\"move\""), "expected one of `symlink`, `copy`"),
        (r#""defaultPattern": "../{original_name}""#.to_owned(), "leads out of `organized/`"),
    ] {
        workspace.write("in/config.json", config(&members));
        let run = workspace.omr(&["-i", "in", "-o", "out"]);
        assert_eq!(run.code(), 1, "{members}");
        assert!(run.stderr().contains(fragment), "{}\nexpected: {fragment}", run.stderr());
        assert!(!workspace.path("out").exists(), "{members}");
    }
    workspace.write("in/config.json", config(RULES));
    workspace.write("in/organized/x.png", png(&page("A B")));
    workspace.write("in/y.png", png(&page("A B")));
    let run = workspace.omr(&["-i", "in", "-o", "out"]);
    assert_eq!(run.code(), 1);
    assert!(run.stderr().contains("hint: give that folder another name than `organized`"), "{}", run.stderr());
}
