//! What lies outside: files that templates name, links out of the input, cells that come from elsewhere.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::{Workspace, samples_dir};

#[test]
fn a_template_names_files_below_its_folder_only() {
    let workspace = Workspace::new();
    workspace.copy_sample("four-markers", "form/in");
    let template = fs::read_to_string(workspace.path("form/in/template.json")).unwrap();
    fs::rename(workspace.path("form/in/omr_marker.png"), workspace.path("form/omr_marker.png")).unwrap();
    let absolute = workspace.path("form/omr_marker.png");
    symlink("../omr_marker.png", workspace.path("form/in/linked.png")).unwrap();
    for name in ["../omr_marker.png", absolute.to_str().unwrap(), "linked.png", "sub/../../omr_marker.png"] {
        fs::create_dir_all(workspace.path("form/in/sub")).unwrap();
        workspace.write("form/in/template.json", template.replace("omr_marker.png", name));
        for arguments in [
            ["-i", "form/in", "-o", "out"].as_slice(),
            &["check", "form/in"],
            &["doctor", "--template", "form/in", "form/in/scan-001.jpg", "--picture", "out.png"],
            &["deck", "--template", "form/in", "--sheets", "1", "-o", "deck"],
        ] {
            let run = workspace.omr(arguments);
            assert_eq!(run.code(), 1, "{name} {arguments:?}: {}", run.stderr());
            for part in ["form/in/template.json:", "relativePath`", "lies outside of the folder", "--allow-outside"] {
                assert!(run.stderr().contains(part), "{name}: {}\nexpected: {part}", run.stderr());
            }
        }
        workspace.omr(&["-i", "form/in", "-o", "out", "--allow-outside", "--no-pictures"]).succeeded();
        assert_eq!(workspace.csv("out/Results/Results.csv").len(), 4, "{name}");
        let doctor =
            ["doctor", "--template", "form/in", "form/in/scan-001.jpg", "--picture", "out.png", "--allow-outside"];
        workspace.omr(&doctor).succeeded();
    }
}

#[test]
fn a_key_lies_below_the_folder_of_its_evaluation() {
    let workspace = Workspace::new();
    workspace.copy_sample("scored-csv", "in");
    fs::rename(workspace.path("in/answer_key.csv"), workspace.path("answer_key.csv")).unwrap();
    let evaluation = fs::read_to_string(workspace.path("in/evaluation.json")).unwrap();
    workspace.write("in/evaluation.json", evaluation.replace("answer_key.csv", "../answer_key.csv"));
    let run = workspace.omr(&["-i", "in", "-o", "out"]);
    assert_eq!(run.code(), 1);
    for part in
        ["in/evaluation.json:", "answer_key_csv_path`", "`in/../answer_key.csv` lies outside", "--allow-outside"]
    {
        assert!(run.stderr().contains(part), "{}\nexpected: {part}", run.stderr());
    }
    workspace.omr(&["-i", "in", "-o", "out", "--allow-outside"]).succeeded();
    let rescore = ["rescore", "--results", "out", "--evaluation", "in/evaluation.json", "-o", "out2"];
    assert_eq!(workspace.omr(&rescore).code(), 1);
    workspace.omr(&[&rescore[..], &["--allow-outside"]].concat()).succeeded();
}

#[test]
fn links_out_of_the_input_are_followed_only_when_asked() {
    let workspace = Workspace::new();
    workspace.copy_sample("plain", "real/in");
    workspace.copy_sample("plain", "elsewhere");
    // The input itself may be a link, and a link within it leads where it may.
    symlink("real/in", workspace.path("in")).unwrap();
    symlink("page-1.png", workspace.path("real/in/within.png")).unwrap();
    symlink("../../elsewhere/page-1.png", workspace.path("real/in/without.png")).unwrap();
    symlink("../../elsewhere", workspace.path("real/in/folder")).unwrap();
    symlink("../../elsewhere", workspace.path("real/in/another")).unwrap();
    let run = workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    assert!(run.stderr().contains("`in` has 2 link(s) to folders outside of the input"), "{}", run.stderr());
    let results: Vec<String> =
        workspace.csv("out/Results/Results.csv").iter().skip(1).map(|row| row[0].clone()).collect();
    assert_eq!(results, ["page-1.png", "page-2.jpg", "page-3.png", "within.png"]);
    let errors = workspace.csv("out/Manual/Review.csv");
    let row = errors.iter().find(|row| row[0] == "without.png").unwrap();
    assert_eq!(row[5], "changed-while-read");
    assert!(row[4].contains("outside of the input") && row[4].contains("--follow-links"), "{}", row[4]);
    assert!(!workspace.path("out/folder").exists());

    workspace.omr(&["-i", "in", "-o", "out2", "--follow-links"]).succeeded();
    assert_eq!(workspace.csv("out2/Results/Results.csv").len(), 6);
    assert_eq!(workspace.csv("out2/folder/Results/Results.csv").len(), 4);
    // With both as inputs, the link leads within.
    workspace.omr(&["-i", "in", "elsewhere", "-o", "out3"]).succeeded();
    assert_eq!(workspace.csv("out3/in/folder/Results/Results.csv").len(), 4);
}

#[test]
fn documents_that_are_links_out_of_the_input_are_told() {
    for name in ["template.json", "evaluation.json", "config.json"] {
        let workspace = Workspace::new();
        workspace.copy_sample("scored-csv", "in");
        workspace.write("config.json", "{}");
        for document in ["template.json", "evaluation.json"] {
            fs::copy(samples_dir().join("scored-csv").join(document), workspace.path(document)).unwrap();
        }
        // Beside a linked evaluation stands no key, so its link is only looked at.
        let _absent = fs::remove_file(workspace.path("in").join(name));
        symlink(format!("../{name}"), workspace.path("in").join(name)).unwrap();
        let run = workspace.omr(&["-i", "in", "-o", "out"]);
        assert_eq!(run.code(), 1, "{}", run.stderr());
        let message = format!("`in/{name}` is a link to `");
        assert!(run.stderr().contains(&message) && run.stderr().contains("--follow-links"), "{}", run.stderr());
        workspace.omr(&["-i", "in", "-o", "out", "--follow-links"]).succeeded();
    }
}

#[test]
fn links_that_lead_in_circles_end() {
    let workspace = Workspace::new();
    workspace.copy_sample("plain", "in");
    for level in 0..20 {
        fs::create_dir(workspace.path(format!("in/{level:02}"))).unwrap();
    }
    for level in 0..19 {
        for name in ["a", "b"] {
            symlink(format!("../{:02}", level + 1), workspace.path(format!("in/{level:02}/{name}"))).unwrap();
        }
    }
    let run = workspace.omr(&["check", "in"]);
    assert_eq!(run.code(), 1);
    assert!(run.stderr().contains("more than 10000 folders are reached by way of links"), "{}", run.stderr());
}

#[test]
fn safe_cells_are_no_formulas() {
    let workspace = Workspace::new();
    workspace.copy_sample("plain", "in");
    for name in ["=1+1.png", "-2.png", "+3.png", "@4.png", "\"=5.png", "\t6.png"] {
        fs::copy(samples_dir().join("plain/page-1.png"), workspace.path("in").join(name)).unwrap();
    }
    workspace.write("in/=broken.png", b"nothing");
    workspace.omr(&["-i", "in", "-o", "asis"]).succeeded();
    workspace.omr(&["-i", "in", "-o", "safe", "--safe-cells"]).succeeded();
    let tables = ["Results/Results.csv", "Results/Confidence.csv", "Manual/ErrorFiles.csv", "Manual/Review.csv"];
    let mut marked = 0;
    for table in tables {
        let (asis, safe) = (workspace.csv(format!("asis/{table}")), workspace.csv(format!("safe/{table}")));
        assert_eq!(asis.len(), safe.len());
        for (asis, safe) in asis.iter().zip(&safe).skip(1) {
            let is_formula = |cell: &str| cell.trim_start_matches('"').starts_with(['=', '+', '-', '@', '\t']);
            if is_formula(&asis[0]) {
                assert_eq!(safe[0], format!("'{}", asis[0]));
                marked += 1;
            } else {
                assert_eq!(safe[0], asis[0]);
            }
            // What omr writes itself is the same: values of bubbles (a blank is `-`), scores, confidences.
            assert_eq!(asis[2..], safe[2..]);
        }
    }
    assert!(marked >= 14, "{marked}");
    assert!(
        workspace.csv("safe/Results/Results.csv").iter().any(|row| row[4..].iter().any(|cell| cell.starts_with('-')))
    );
}
