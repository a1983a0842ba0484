//! `omr doctor`: offsets, proposals, and what it leaves alone.

use std::fs;
use std::path::Path;

use crate::samples::check_folder;
use crate::support::{Run, Workspace, samples_dir};

/// The line of a block in the report.
fn line<'r>(report: &'r str, block: &str) -> &'r str {
    let is_line = |line: &&str| line.trim_start().starts_with(&format!("{block} "));
    report.lines().find(is_line).unwrap_or_else(|| panic!("no line of {block} in\n{report}"))
}

/// The move that a report proposes for a block; `None`: it fits.
fn moved(report: &str, block: &str) -> Option<(i32, i32)> {
    let (_, by) = line(report, block).split_once("move by (")?;
    let (x, y) = by.trim_end_matches(')').split_once(", ").unwrap();
    Some((x.parse().unwrap(), y.parse().unwrap()))
}

fn proposals(run: &Run) -> usize {
    run.stdout().matches("move by (").count()
}

/// Replaces the origin `from` of a template by `to`.
fn shift(workspace: &Workspace, template: &str, from: &str, to: &str) {
    let text = fs::read_to_string(workspace.path(template)).unwrap();
    assert_eq!(text.matches(from).count(), 1, "{from} in {text}");
    workspace.write(template, text.replace(from, to));
}

#[test]
fn a_shifted_block_is_named_and_the_proposal_reads_right() {
    let workspace = Workspace::new();
    workspace.copy_sample("plain", "form");
    let template = "form/template.json";
    let right = fs::read_to_string(workspace.path(template)).unwrap();
    // The block lies (6, -4) px from where it is printed.
    shift(&workspace, template, "[430, 290]", "[436, 286]");
    let before = workspace.tree("form");
    let run = workspace.omr(&["doctor", "--template", "form", "form", "--write", "-q"]).succeeded();
    let report = run.stdout();
    let (x, y) = moved(&report, "Yes_or_no").unwrap();
    assert!((x + 6).abs() <= 1 && (y - 4).abs() <= 1, "{report}");
    assert_eq!(proposals(&run), 1, "{report}");
    assert!(line(&report, "Membership_number").ends_with("fits"), "{report}");

    let mut after = workspace.tree("form");
    let proposed = after.remove(Path::new("template.proposed.json")).unwrap();
    assert_eq!(after, before, "nothing else in the folder changes");
    let proposed = String::from_utf8(proposed).unwrap();
    let want = right.replace("[430, 290]", &format!("[{}, {}]", 436 + x, 286 + y));
    assert_eq!(proposed, want, "every byte but the origin's is kept");
    assert!(workspace.path("doctor.png").is_file());

    workspace.write(template, proposed);
    workspace.omr(&["-i", "form", "-o", "out", "-q"]).succeeded();
    assert_eq!(check_folder(&workspace.path("form"), &workspace.path("out")), 3);
    let run = workspace.omr(&["doctor", "--template", template, "form/page-1.png", "-q"]).succeeded();
    assert!(run.stdout().contains("nothing: every block lies where it is printed"), "{}", run.stdout());
}

#[test]
fn a_page_that_is_cut_out_a_little_off_does_not_hide_the_shift_of_a_block() {
    // Down and to the right, this page's blocks are all printed by up to 1.5 px beside their boxes.
    let mut compared = 0;
    for (from, to, block) in [
        ("[730, 750]", "[736, 746]", "Questions_25_to_34"),
        ("[420, 750]", "[426, 746]", "Questions_11_to_20"),
        ("[836, 290]", "[842, 286]", "Question_24"),
    ] {
        let workspace = Workspace::new();
        workspace.copy_sample("four-markers", "form");
        shift(&workspace, "form/template.json", from, to);
        let run = workspace.omr(&["doctor", "--template", "form", "form/scan-001.jpg", "-q"]).succeeded();
        let report = run.stdout();
        assert_eq!(proposals(&run), 1, "{report}");
        assert!(moved(&report, block).is_some(), "{report}");
        let (_, apart) = report.split_once("beside the other blocks it is off by (").unwrap();
        let (x, y) = apart.split_once(") px").unwrap().0.split_once(", ").unwrap();
        let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
        assert!((x + 6.0).abs() < 1.0 && (y - 4.0).abs() < 1.0, "{block}: {report}");
        compared += 1;
    }
    assert_eq!(compared, 3);
}

#[test]
fn a_block_a_third_of_a_gap_off_reads_right_by_the_proposal() {
    let workspace = Workspace::new();
    workspace.copy_sample("plain", "form");
    shift(&workspace, "form/template.json", "[430, 290]", "[417, 302]");
    let run = workspace.omr(&["doctor", "--template", "form", "form", "--write", "-q"]).succeeded();
    assert!(run.stdout().contains("becomes `"), "values are read otherwise: {}", run.stdout());
    let proposed = fs::read(workspace.path("form/template.proposed.json")).unwrap();
    workspace.write("form/template.json", proposed);
    workspace.omr(&["-i", "form", "-o", "out", "-q"]).succeeded();
    check_folder(&workspace.path("form"), &workspace.path("out"));
}

#[test]
fn a_block_of_a_conditional_set_is_mended_in_its_set() {
    let workspace = Workspace::new();
    workspace.copy_sample("conditional-layouts", "form");
    let text = fs::read_to_string(workspace.path("form/template.json")).unwrap();
    let (own, sets) = text.split_once("\"conditionalSets\"").unwrap();
    let at = sets.find("\"origin\": [").unwrap() + "\"origin\": [".len();
    let end = at + sets[at..].find(']').unwrap();
    let numbers: Vec<i32> = sets[at..end].split(',').map(|n| n.trim().parse().unwrap()).collect();
    let origin = |x: i32, y: i32| format!("{own}\"conditionalSets\"{}{x}, {y}{}", &sets[..at], &sets[end..]);
    workspace.write("form/template.json", origin(numbers[0] - 6, numbers[1] + 4));
    let run = workspace.omr(&["doctor", "--template", "form", "form", "--write", "-q"]).succeeded();
    assert_eq!(proposals(&run), 1, "{}", run.stdout());
    let proposed = fs::read_to_string(workspace.path("form/template.proposed.json")).unwrap();
    let near = (-1..=1).flat_map(|dx| (-1..=1).map(move |dy| (dx, dy)));
    let mut near = near.map(|(dx, dy)| origin(numbers[0] + dx, numbers[1] + dy));
    assert!(near.any(|text| text == proposed), "{}", run.stdout());
}

/// Folders of samples/ with the scans that are read, their sheets, and whether the page is cut out at lines: their edges lie
/// 3 px beside the corners that the form is drawn from, so blocks are off by up to that, to the left and up.
const FOLDERS: [(&str, &str, usize, bool); 21] = [
    ("auto-rotate", "", 4, false),
    ("booklet-sets", "", 4, false),
    ("conditional-layouts", "", 3, false),
    ("curved-page", "", 3, true),
    ("feature-alignment", "", 3, false),
    ("four-dots", "", 2, false),
    ("four-markers", "", 3, false),
    ("l-markers", "", 2, false),
    ("nested", "class-a", 2, false),
    ("nested", "class-b", 2, false),
    ("one-line-two-dots", "", 2, true),
    ("phone-photo", "photos", 3, false),
    ("plain", "", 3, false),
    ("qr-code", "", 2, false),
    ("scored-csv", "", 3, false),
    ("scored-picture", "", 3, false),
    ("template-alignment", "", 2, false),
    ("turned", "", 3, false),
    ("two-dots-one-line", "", 2, true),
    ("two-lines", "", 2, true),
    ("two-lines-horizontal", "", 2, true),
];

#[test]
fn only_samples_that_are_cut_out_at_lines_have_proposals() {
    let workspace = Workspace::new();
    let mut sheets = 0;
    for (folder, below, count, is_off) in FOLDERS {
        let dir = samples_dir().join(folder);
        let (template, scans) = (dir.display().to_string(), dir.join(below).display().to_string());
        let run = workspace.omr(&["doctor", "--template", &template, &scans, "-q"]).succeeded();
        let report = run.stdout();
        assert!(report.contains(&format!("{count} read, 0 failed")), "{folder}: {report}");
        assert_eq!(proposals(&run) > 0, is_off, "{folder}: {report}");
        for by in report.split("move by (").skip(1) {
            let by: Vec<i32> = by.split(')').next().unwrap().split(", ").map(|n| n.parse().unwrap()).collect();
            assert!(by.iter().all(|by| (-4..=-1).contains(by)), "{folder}: {report}");
        }
        assert!(!report.contains("not clear"), "{folder}: {report}");
        sheets += count;
    }
    assert_eq!(sheets, 55);
}

#[test]
fn a_sheet_that_fails_is_told_with_its_reason() {
    let workspace = Workspace::new();
    workspace.copy_sample("four-markers", "form");
    let page = fs::read(workspace.path("form/scan-001.jpg")).unwrap();
    workspace.write("scans/a.jpg", &page);
    workspace.write("scans/b.jpg", &page[..page.len() / 2]);
    let blank = image::GrayImage::from_pixel(600, 800, image::Luma([255]));
    blank.save(workspace.path("scans/c.png")).unwrap();
    let run = workspace.omr(&["doctor", "--template", "form", "scans", "--picture", "look.jpg", "-q"]).succeeded();
    let report = run.stdout();
    assert!(report.contains("1 read, 2 failed"), "{report}");
    assert!(report.contains("scans/b.jpg  FAILED  truncated"), "{report}");
    assert!(report.contains("scans/c.png  FAILED  marker-not-found"), "{report}");
    assert!(fs::read(workspace.path("look.jpg")).unwrap().starts_with(&[0xff, 0xd8]));
    let run = workspace.omr(&["doctor", "--template", "form", "scans/b.jpg", "scans/c.png", "-q"]);
    assert_eq!(run.code(), 3, "{}", run.stderr());
}

#[test]
fn reports_take_the_place_of_reports_and_are_no_sheets() {
    let workspace = Workspace::new();
    workspace.copy_sample("plain", "form");
    let report = ["doctor", "--template", "form", "form", "form/page-1.png", "--picture", "form/doctor.png"];
    for _ in 0..2 {
        let run = workspace.omr(&report).succeeded();
        assert!(run.stdout().contains("3 read"), "each sheet once, the picture never: {}", run.stdout());
    }
    workspace.omr(&["-i", "form", "-o", "out", "-q"]).succeeded();
    assert_eq!(check_folder(&workspace.path("form"), &workspace.path("out")), 3);

    // A sheet of that name that no report made is read.
    fs::copy(workspace.path("form/page-1.png"), workspace.path("form/doctor.png")).unwrap();
    workspace.omr(&["-i", "form", "-o", "out", "-q"]).succeeded();
    assert_eq!(workspace.csv("out/Results/Results.csv").len(), 1 + 4);

    // A proposal is not written over the template that it is for, and an old one is told from a new one.
    let template = fs::read(workspace.path("form/template.json")).unwrap();
    workspace.write("form/template.proposed.json", &template);
    fs::remove_file(workspace.path("form/doctor.png")).unwrap();
    let run = workspace.omr(&["doctor", "--template", "form", "form", "--write"]).succeeded();
    assert!(run.stdout().contains("template.proposed.json is of an earlier report"), "{}", run.stdout());
    workspace.write("form/x.proposed.json", &template);
    workspace.omr(&["doctor", "--template", "form/x.proposed.json", "form", "--write"]).succeeded();
    assert_eq!(fs::read(workspace.path("form/x.proposed.json")).unwrap(), template);
}

#[test]
fn what_is_not_there_is_told_and_nothing_is_written() {
    let workspace = Workspace::new();
    workspace.copy_sample("plain", "form");
    fs::create_dir(workspace.path("empty")).unwrap();
    let before = workspace.tree("");
    for (args, code, told) in [
        (vec!["doctor", "--template", "form"], 2, "required"),
        (vec!["doctor", "form"], 2, "--template"),
        (vec!["doctor", "--template", "form", "nowhere.png", "empty"], 1, "`nowhere.png` does not exist"),
        (vec!["doctor", "--template", "form", "empty"], 1, "`empty` has no scans"),
        (vec!["doctor", "--template", "empty", "form"], 1, "template.json"),
        (vec!["doctor", "--template", "form", "form", "--picture", "form/page-1.png"], 1, "is one of the scans"),
        (vec!["doctor", "--template", "form", "form", "--picture", "form/template.json"], 1, "belongs to the template"),
        (vec!["doctor", "--template", "form", "form", "--picture", "nowhere/x.png"], 1, "cannot be written"),
        (vec!["doctor", "--template", "form", "form", "--picture", "form/answers.csv"], 1, "not made by omr doctor"),
    ] {
        let run = workspace.omr(&args);
        assert_eq!(run.code(), code, "{args:?}: {}", run.stderr());
        assert!(run.stderr().contains(told), "{args:?}: {}", run.stderr());
    }
    assert_eq!(workspace.tree(""), before);
}
