//! What can be looked at: pictures of the layout, and stage pictures.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::sheets::{mark, page, png};
use crate::support::{Workspace, samples_dir};

const TEMPLATE: &str = r#"{
  "pageDimensions": [200, 300], "bubbleDimensions": [16, 16],
  "fieldBlocks": {
    "Q": { "fieldType": "QTYPE_MCQ4", "origin": [20, 20], "bubblesGap": 40, "labelsGap": 40, "fieldLabels": ["q1..4"] }
  }
}"#;

const CONFIG: &str = r#"{"dimensions": {"processing_width": 200, "processing_height": 300}}"#;

fn workspace() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("in/template.json", TEMPLATE);
    workspace.write("in/config.json", CONFIG);
    workspace.write("in/a.png", png(&page("A B C D")));
    workspace.write("in/b.png", png(&page("D . AC D")));
    workspace
}

fn config(level: u8) -> String {
    CONFIG.replace("}}", &format!(r#"}}, "outputs": {{"save_image_level": {level}}}}}"#))
}

/// The files below a folder, by name.
fn files(workspace: &Workspace, folder: &str) -> BTreeSet<String> {
    workspace.tree(folder).into_keys().map(|path| path.to_string_lossy().into_owned()).collect()
}

#[test]
fn the_layout_is_drawn_on_each_page_and_nothing_else_is_written() {
    let workspace = workspace();
    workspace.write("in/evaluation.json", "{ this is not looked at");
    let run = workspace.omr(&["-i", "in", "-o", "out", "--set-layout"]).succeeded();
    assert!(run.stderr().contains("2 images: 2 layouts drawn, 0 without a page"), "{}", run.stderr());
    assert_eq!(files(&workspace, "out"), ["Layout/a.png.png", "Layout/b.png.png"].map(str::to_owned).into());
    let picture = image::open(workspace.path("out/Layout/a.png.png")).unwrap().into_rgb8();
    assert_eq!(picture.dimensions(), (200, 300));
    // Each bubble has its frame, and nothing is drawn inside it.
    for (row, bubble) in (0..4).flat_map(|row| (0..4).map(move |bubble| (row, bubble))) {
        let (x, y) = (20 + 40 * bubble, 20 + 40 * row);
        for corner in [(x, y), (x + 15, y), (x, y + 15), (x + 15, y + 15)] {
            let [red, green, blue] = picture.get_pixel(corner.0, corner.1).0;
            assert!(green > red + 50 && green > blue + 50, "no frame at {corner:?}");
        }
        let inside = picture.get_pixel(x + 8, y + 8).0;
        assert_eq!(inside, if row == bubble { [0; 3] } else { [255; 3] });
    }
    for (other, output) in [("--setLayout", "long"), ("-l", "short")] {
        workspace.omr(&["--inputDir", "in", "--outputDir", output, other]).succeeded();
        assert_eq!(workspace.tree(output), workspace.tree("out"), "{other}");
    }
    workspace.omr(&["-i", "in", "-o", "mode", "--outputMode", "setLayout"]).succeeded();
    assert_eq!(workspace.tree("mode"), workspace.tree("out"));
    assert_eq!(workspace.omr(&["-i", "in", "-o", "o", "--set-layout", "--outputMode", "moderation"]).code(), 2);
    assert_eq!(workspace.omr(&["-i", "in", "-o", "o", "--set-layout", "--statistics"]).code(), 2);
    assert_eq!(workspace.omr(&["-i", "in", "-o", "o", "--outputMode", "setLayout", "--statistics"]).code(), 2);
}

#[test]
fn results_and_layouts_leave_each_other_alone() {
    let workspace = workspace();
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    let read = workspace.tree("out");
    workspace.omr(&["-i", "in", "-o", "out", "--set-layout"]).succeeded();
    let mut both = workspace.tree("out");
    assert_eq!(both.len(), read.len() + 2);
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    assert_eq!(workspace.tree("out"), both);
    // A sheet that is gone loses its picture when layouts are drawn again, and its row when sheets are read again.
    std::fs::remove_file(workspace.path("in/b.png")).unwrap();
    workspace.omr(&["-i", "in", "-o", "out", "--set-layout"]).succeeded();
    assert!(both.remove(Path::new("Layout/b.png.png")).is_some());
    assert_eq!(workspace.tree("out"), both);
}

#[test]
fn a_sheet_without_a_page_shows_what_was_searched() {
    let workspace = workspace();
    workspace.copy_sample("four-dots", "dots");
    // A page without dots, and no picture at all.
    workspace.write("dots/scan-3.png", png(&page("A B C D")));
    workspace.write("dots/scan-4.png", b"not a picture");
    let run = workspace.omr(&["-i", "dots", "-o", "out", "--set-layout"]).succeeded();
    assert!(run.stderr().contains("4 images: 2 layouts drawn, 2 without a page"), "{}", run.stderr());
    assert!(run.stderr().contains("scan-3.png`: marker-not-found"), "{}", run.stderr());
    let names = ["scan-1.jpg", "scan-2.jpg", "scan-3.png"].map(|name| format!("Layout/{name}.png"));
    assert_eq!(files(&workspace, "out"), names.into());
    let red = |name: &str| {
        let picture = image::open(workspace.path("out/Layout").join(name)).unwrap().into_rgb8();
        picture.pixels().filter(|p| p.0 == [215, 30, 30]).count()
    };
    assert!(red("scan-3.png.png") > 100, "the zone that failed is framed red");
    assert_eq!(red("scan-1.jpg.png"), 0);
    let before = workspace.tree("out");
    let named = ["-i", "dots", "-o", "out", "--set-layout", "--template", "in/template.json"];
    workspace.omr(&named).succeeded();
    assert_eq!(workspace.tree("out"), before, "the folder's own template counts");
}

#[test]
fn pictures_are_the_same_for_any_number_of_workers() {
    let workspace = workspace();
    workspace.write("in/config.json", config(6));
    for i in 0..6u8 {
        let mut sheet = page("A B C D");
        mark(&mut sheet, 0, 1, 40 * i);
        workspace.write(format!("in/{i}.png"), png(&sheet));
    }
    for workers in ["1", "2", "8"] {
        workspace.omr(&["-i", "in", "-o", workers, "--max-workers", workers, "--set-layout"]).succeeded();
        workspace.omr(&["-i", "in", "-o", workers, "--max-workers", workers]).succeeded();
    }
    let one = workspace.tree("1");
    assert_eq!(one.keys().filter(|path| path.starts_with("CheckedOMRs/stack")).count(), 8);
    assert_eq!(one.keys().filter(|path| path.starts_with("Layout")).count(), 8);
    assert!(one == workspace.tree("2") && one == workspace.tree("8"));
}

#[test]
fn each_level_adds_pictures_and_changes_no_reading() {
    let workspace = workspace();
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    let plain = workspace.tree("out");
    let mut sizes = Vec::new();
    for level in 1..=6 {
        workspace.write("in/config.json", config(level));
        workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
        let mut now = workspace.tree("out");
        let stacks: Vec<PathBuf> = now.keys().filter(|path| path.starts_with("CheckedOMRs/stack")).cloned().collect();
        // That of the level before is gone.
        let names = ["a", "b"].map(|stem| PathBuf::from(format!("CheckedOMRs/stack/{stem}_{level}_stack.jpg")));
        assert_eq!(stacks, names);
        stacks.iter().for_each(|stack| drop(now.remove(stack)));
        assert_eq!(now, plain, "level {level}");
        let stack = image::open(workspace.path("out").join(&stacks[0])).unwrap();
        sizes.push(u64::from(stack.width()) * u64::from(stack.height()));
    }
    // A sheet without pre-processors has nothing to show of a search.
    assert!(sizes[0] == sizes[1] && sizes[1] < sizes[2] && sizes[2] < sizes[3], "{sizes:?}");
    assert!(sizes[3] == sizes[4] && sizes[4] < sizes[5], "{sizes:?}");
    workspace.write("in/config.json", CONFIG);
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    assert_eq!(workspace.tree("out"), plain);
}

#[test]
fn stages_of_an_unreadable_sheet_show_how_far_it_came() {
    let workspace = Workspace::new();
    workspace.copy_sample("phone-photo", "in");
    workspace.write("in/photos/desk-4.png", png(&page("A B C D")));
    workspace.write("in/photos/desk-5.png", b"no picture");
    workspace.write("in/photos/desk-1.png", png(&page("A B C D")));
    let config = std::fs::read_to_string(samples_dir().join("phone-photo/config.json")).unwrap();
    let mut config: serde_json::Value = serde_json::from_str(&config).unwrap();
    config["outputs"]["save_image_level"] = 6.into();
    workspace.write("in/config.json", config.to_string());
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    let stacks = files(&workspace, "out/photos/CheckedOMRs/stack");
    // Two images share a stem: their stacks have their whole names. What is no picture has none.
    let names = ["desk-1.jpg", "desk-1.png", "desk-2", "desk-3", "desk-4"].map(|name| format!("{name}_6_stack.jpg"));
    assert_eq!(stacks, names.into());
    let size = |name: &str| {
        let stack = image::open(workspace.path("out/photos/CheckedOMRs/stack").join(name)).unwrap();
        u64::from(stack.width()) * u64::from(stack.height())
    };
    assert!(size("desk-4_6_stack.jpg") < size("desk-2_6_stack.jpg"));
}

#[test]
fn a_run_without_pictures_has_the_same_rows() {
    let workspace = workspace();
    workspace.omr(&["-i", "in", "-o", "drawn"]).succeeded();
    workspace.omr(&["-i", "in", "-o", "bare", "--no-pictures"]).succeeded();
    let (drawn, bare) = (files(&workspace, "drawn"), files(&workspace, "bare"));
    let is_picture = |name: &&String| name.starts_with("CheckedOMRs/");
    assert_eq!(drawn.iter().filter(is_picture).count(), 2);
    assert_eq!(bare.iter().filter(is_picture).count(), 0);
    assert_eq!(workspace.csv("drawn/Results/Results.csv"), workspace.csv("bare/Results/Results.csv"));
    // Where a run with pictures was, they go.
    workspace.omr(&["-i", "in", "-o", "drawn", "--no-pictures"]).succeeded();
    assert_eq!(files(&workspace, "drawn").iter().filter(is_picture).count(), 0);
}

#[test]
fn timings_tell_the_cost_of_each_part() {
    let workspace = workspace();
    let told = workspace.omr(&["-i", "in", "-o", "out", "--timings"]).succeeded().stderr();
    let row = |name: &str| {
        let line = told.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name} in {told}"));
        line[name.len()..].split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    for part in ["decode", "page", "ink and fit", "encode", "write files"] {
        assert_eq!(row(part)[0], "2", "{part}: both sheets");
    }
    assert_eq!(row("a sheet")[3..], ["100.0", "%"]);
    let shares: f64 =
        told.lines().filter_map(|line| line.strip_suffix(" %")?.split_whitespace().last()?.parse::<f64>().ok()).sum();
    assert!((199.0..201.0).contains(&shares), "the parts are all of it: {told}");
    assert_eq!(workspace.omr(&["-i", "in", "-o", "other"]).succeeded().stderr().matches("decode").count(), 0);
}
