//! `omr deck` and `omr accuracy`: decks are read right where anyone would read them right, and are what they say.

use std::collections::BTreeMap;

use crate::support::{Workspace, samples_dir};

fn deck(workspace: &Workspace, sample: &str, output: &str, more: &[&str]) {
    let template = samples_dir().join(sample);
    let fixed = ["deck", "--template", template.to_str().unwrap(), "--output", output];
    let args: Vec<&str> = fixed.iter().chain(more).copied().collect();
    workspace.omr(&args).succeeded();
}

fn summary(workspace: &Workspace, deck: &str, results: &str) -> serde_json::Value {
    let truth = format!("{deck}/truth.csv");
    let run = workspace.omr(&["accuracy", "--truth", &truth, "--results", results, "--summary", "json"]).succeeded();
    serde_json::from_str(&run.stdout()).unwrap()
}

/// Full, blank and double fields on good scans: whoever draws beside the template's places, or writes another truth than he
/// drew, is found here. v1 and v2, nothing to straighten by, markers, dots, lines, L-shapes, a desk, references, codes.
#[test]
fn clean_decks_are_read_without_an_error() {
    let workspace = Workspace::new();
    let samples = [
        "plain",
        "four-markers",
        "phone-photo",
        "nested",
        "four-dots",
        "two-lines-horizontal",
        "one-line-two-dots",
        "l-markers",
        "feature-alignment",
        "template-alignment",
        "qr-code",
        "conditional-layouts",
    ];
    for sample in samples {
        let (deck_dir, out) = (format!("decks/{sample}"), format!("out/{sample}"));
        let mix = ["--sheets", "3", "--mix", "full=60,blank=30,double=10", "--degrade", "scanner"];
        deck(&workspace, sample, &deck_dir, &mix);
        workspace.omr(&["-i", &deck_dir, "-o", &out]).succeeded();
        let summary = summary(&workspace, &deck_dir, &out);
        let total = &summary["total"];
        assert!(total["fields"].as_u64().unwrap() >= 3 * 10, "{sample}: {total}");
        assert_eq!(total["right"], total["fields"], "{sample}: {summary}");
        assert_eq!(summary["fields_not_written"], 0, "{sample}");
    }
}

/// The same template, its form as a picture: a scan of the blank form takes the place of bubbles that are drawn.
#[test]
fn a_scan_of_the_blank_form_is_printed() {
    let workspace = Workspace::new();
    deck(&workspace, "four-dots", "blank", &["--sheets", "1", "--mix", "blank=1", "--degrade", "office"]);
    let form = workspace.path("blank/office/sheet-00001.jpg");
    let mix = ["--sheets", "4", "--mix", "full=3,blank=1", "--degrade", "scanner", "--form", form.to_str().unwrap()];
    deck(&workspace, "four-dots", "deck", &mix);
    workspace.omr(&["-i", "deck", "-o", "out"]).succeeded();
    let summary = summary(&workspace, "deck", "out");
    assert_eq!(summary["total"]["right"], summary["total"]["fields"], "{summary}");
}

/// Every kind and degradation, and the same bytes for any number of workers.
#[test]
fn a_deck_depends_on_its_seed_alone() {
    let workspace = Workspace::new();
    for (output, more) in [
        ("one", ["--max-workers", "1", "--seed", "7"]),
        ("two", ["--max-workers", "3", "--seed", "7"]),
        ("other", ["--max-workers", "3", "--seed", "8"]),
    ] {
        let more: Vec<&str> = ["--sheets", "9"].into_iter().chain(more).collect();
        deck(&workspace, "phone-photo", output, &more);
    }
    let [one, two, other] = ["one", "two", "other"].map(|name| workspace.tree(name));
    assert_eq!(one, two);
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    assert_ne!(one, other);
    // template, config, marker, manifest, truth; the ninth sheet is a scanner's again.
    assert_eq!(one.len(), 5 + 9);
    assert_eq!(one.keys().filter(|path| path.starts_with("scanner")).count(), 2);
}

/// Truth has a row for each field of each sheet that is there, and its kinds come as often as the mix says.
#[test]
fn truth_lists_every_field_of_every_sheet() {
    let workspace = Workspace::new();
    deck(&workspace, "plain", "deck", &["--sheets", "24", "--degrade", "compressed", "--mix", "full=1,blank=1"]);
    let rows = workspace.csv("deck/truth.csv");
    assert_eq!(rows[0], omr::deck::for_template::truth::HEADER);
    let mut sheets: BTreeMap<&str, usize> = BTreeMap::new();
    let mut blank = 0;
    for row in &rows[1..] {
        *sheets.entry(&row[0]).or_default() += 1;
        assert!(["full", "blank"].contains(&row[4].as_str()));
        assert_eq!(row[4] == "blank", row[6] == "-");
        blank += usize::from(row[4] == "blank");
    }
    assert_eq!(sheets.len(), 24);
    assert!(sheets.keys().all(|sheet| workspace.path("deck").join(sheet).is_file()));
    let fields = rows.len() - 1;
    assert!(sheets.values().all(|&n| n == fields / 24));
    let deviation = (fields as f64 / 4.0).sqrt();
    assert!((blank as f64 - fields as f64 / 2.0).abs() < 4.5 * deviation, "{blank} of {fields}");
}

#[test]
fn an_earlier_deck_is_replaced_and_nothing_else() {
    let workspace = Workspace::new();
    deck(&workspace, "plain", "deck", &["--sheets", "6", "--degrade", "scanner,office"]);
    workspace.write("deck/office/notes.txt", "mine");
    deck(&workspace, "plain", "deck", &["--sheets", "2", "--degrade", "scanner"]);
    let files = workspace.tree("deck");
    assert_eq!(files.keys().filter(|path| path.starts_with("scanner")).count(), 2);
    assert_eq!(files.keys().filter(|path| path.starts_with("office")).count(), 1);
    let run = workspace.omr(&["deck", "--template", "deck", "--output", "deck", "--sheets", "1"]);
    assert_eq!((run.code(), workspace.tree("deck")), (2, files));
    workspace.write("mine/thesis.txt", "do not touch");
    let template = samples_dir().join("plain");
    let run = workspace.omr(&["deck", "--template", template.to_str().unwrap(), "--output", "mine", "--sheets", "1"]);
    assert_eq!((run.code(), workspace.tree("mine").len()), (2, 1));
    assert!(run.stderr().contains("is not empty and holds no deck"), "{}", run.stderr());
}

#[test]
fn mistakes_are_told_before_anything_is_written() {
    let workspace = Workspace::new();
    let template = |sample: &str| samples_dir().join(sample).to_str().unwrap().to_owned();
    let (plain, rotate) = (template("plain"), template("auto-rotate"));
    for (args, code, what) in [
        (vec!["--template", &plain, "--mix", "half=1"], 2, "known are full, light, blank"),
        (vec!["--template", &plain, "--degrade", "scaner"], 2, "known are scanner, office, photocopy"),
        (vec!["--template", &plain, "--print", "circle,circle"], 2, "is there twice"),
        (vec!["--template", &rotate], 1, "say --form PICTURE"),
        (vec!["--template", "nowhere.json"], 1, "nowhere.json"),
        (vec!["--template", &plain, "--form", "nothing.png"], 1, "nothing.png"),
    ] {
        let args: Vec<&str> = ["deck", "--output", "deck", "--sheets", "1"].into_iter().chain(args).collect();
        let run = workspace.omr(&args);
        assert_eq!(run.code(), code, "{args:?}: {}", run.stderr());
        assert!(run.stderr().contains(what), "{args:?}: {}", run.stderr());
        assert!(!workspace.path("deck").exists(), "{args:?}");
    }
}

#[test]
fn silent_errors_can_fail_a_script() {
    let workspace = Workspace::new();
    deck(&workspace, "plain", "deck", &["--sheets", "2", "--degrade", "scanner", "--mix", "full=1"]);
    workspace.omr(&["-i", "deck", "-o", "out"]).succeeded();
    let args = ["accuracy", "--truth", "deck/truth.csv", "--results", "out", "--fail-on", "silent"];
    workspace.omr(&args).succeeded();
    let results = std::fs::read_to_string(workspace.path("out/scanner/Results/Results.csv")).unwrap();
    let wrong = results.replacen("\"Y\"", "\"N\"", 1);
    assert_ne!(results, wrong);
    workspace.write("out/scanner/Results/Results.csv", wrong);
    let run = workspace.omr(&args);
    assert_eq!(run.code(), 3, "{}", run.stderr());
    assert!(run.stdout().starts_with("kind"));
    assert_eq!(workspace.omr(&["accuracy", "--truth", "no.csv", "--results", "out"]).code(), 1);
}
