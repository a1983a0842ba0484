//! What the program says and how it exits: each command's exit status, stdout and stderr under one snapshot, so that
//! wording is reviewed like code. `INSTA_UPDATE=always cargo test` rewrites the snapshots.

use insta::assert_snapshot;

use crate::support::Workspace;

/// A template of one small block.
const TEMPLATE: &str = r#"{
  "pageDimensions": [100, 100],
  "bubbleDimensions": [10, 10],
  "fieldBlocks": {
    "Q": { "fieldType": "QTYPE_MCQ4", "origin": [5, 5], "bubblesGap": 20, "labelsGap": 20, "fieldLabels": ["q1..2"] }
  }
}"#;

#[test]
fn help() {
    assert_snapshot!(Workspace::new().omr(&["--help"]).transcript());
}

#[test]
fn version() {
    assert_eq!(Workspace::new().omr(&["--version"]).stdout(), concat!("omr ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn a_run_over_a_sample() {
    let workspace = Workspace::new();
    workspace.copy_sample("plain", "in");
    assert_snapshot!(workspace.omr(&["-i", "in", "-o", "out", "--summary", "json", "--max-workers", "1"]).transcript());
}

#[test]
fn a_quiet_run_says_nothing() {
    let workspace = Workspace::new();
    workspace.copy_sample("plain", "in");
    assert_eq!(workspace.omr(&["-q", "-i", "in", "-o", "out"]).transcript(), "exit 0\n--- stdout\n--- stderr\n\n");
}

#[test]
fn check_lists_what_a_run_would_do_and_writes_nothing() {
    let workspace = Workspace::new();
    workspace.copy_sample("nested", "in");
    assert_snapshot!(workspace.omr(&["check", "in", "--max-workers", "1"]).transcript());
    assert!(!workspace.path("outputs").exists());
}

#[test]
fn all_problems_of_all_documents_are_told_before_the_first_sheet() {
    let workspace = Workspace::new();
    workspace.write("in/a/template.json", TEMPLATE.replace("QTYPE_MCQ4", "QTYPE_MQC4").replace("q1..2", "q2..1"));
    workspace.write("in/a/x.png", "");
    workspace.write("in/b/template.json", "{ \"pageDimensions\": [100, 100],\n }");
    workspace.write("in/b/config.json", r#"{"outputs": {"max_paralel_workers": 4, "show_image_level": 9}}"#);
    workspace.write("in/b/x.png", "");
    let run = workspace.omr(&["-i", "in", "-o", "out"]);
    assert_snapshot!(run.transcript());
    assert!(!workspace.path("out").exists());
}

#[test]
fn a_tree_without_a_template() {
    let workspace = Workspace::new();
    workspace.write("in/a/x.png", "");
    assert_snapshot!(workspace.omr(&["-i", "in", "-o", "out"]).transcript());
}

#[test]
fn a_missing_marker_picture() {
    let workspace = Workspace::new();
    let markers = r#""preProcessors": [{"name": "CropOnMarkers", "options": {"relativePath": "marker.png"}}],"#;
    workspace.write("in/template.json", TEMPLATE.replacen('{', &format!("{{\n  {markers}"), 1));
    workspace.write("in/x.png", "");
    assert_snapshot!(workspace.omr(&["-i", "in", "-o", "out"]).transcript());
}

#[test]
fn nothing_to_do() {
    let workspace = Workspace::new();
    std::fs::create_dir_all(workspace.path("in/empty")).unwrap();
    assert_snapshot!(workspace.omr(&["-i", "in", "-o", "out"]).transcript());
}

#[test]
fn wrong_use() {
    let workspace = Workspace::new();
    workspace.write("a/x/template.json", TEMPLATE);
    workspace.write("b/x/template.json", TEMPLATE);
    let transcript = |args: &[&str]| format!("$ omr {}\n{}\n", args.join(" "), workspace.omr(args).transcript());
    let text = [
        transcript(&["--max-workers", "17"]),
        transcript(&["-i", "a/x", "b/x", "-o", "out"]),
        transcript(&["-i", "a", "-o", "./a"]),
        transcript(&["-i", "missing"]),
        transcript(&["--inptu", "a"]),
        transcript(&["-i", "a/x/template.json"]),
    ];
    assert_snapshot!(text.concat());
}

#[test]
fn several_inputs_have_their_own_folders() {
    let workspace = Workspace::new();
    workspace.copy_sample("plain", "monday");
    workspace.copy_sample("plain", "tuesday");
    workspace.omr(&["-i", "monday", "tuesday", "-o", "out"]).succeeded();
    let rows = workspace.csv("out/tuesday/Results/Results.csv");
    assert!(rows[1][1].starts_with("tuesday/"), "{:?}", rows[1]);
    assert!(rows[1][2].starts_with("tuesday/CheckedOMRs/"), "{:?}", rows[1]);
    assert!(workspace.path("out/monday/Results/Results.csv").exists());
}

#[test]
fn a_template_from_the_command_line_serves_scans_that_bring_none() {
    let workspace = Workspace::new();
    workspace.copy_sample("plain", "in");
    std::fs::create_dir_all(workspace.path("form")).unwrap();
    std::fs::rename(workspace.path("in/template.json"), workspace.path("form/template.json")).unwrap();
    if workspace.path("in/config.json").exists() {
        std::fs::rename(workspace.path("in/config.json"), workspace.path("form/config.json")).unwrap();
    }
    workspace.omr(&["-i", "in", "-o", "out", "--template", "form/template.json"]).succeeded();
    assert!(workspace.csv("out/Results/Results.csv").len() > 1);
}

#[test]
fn a_full_or_forbidden_output_is_told_at_once() {
    let workspace = Workspace::new();
    workspace.copy_sample("plain", "in");
    workspace.write("out", "a file, not a folder");
    let run = workspace.omr(&["-i", "in", "-o", "out"]);
    assert_eq!(run.code(), 1);
    assert!(run.stderr().contains("`out` cannot be written"), "{}", run.stderr());
}
