//! `omr rescore`: an earlier run by another evaluation, from tables to tables.

use std::path::{Path, PathBuf};

use crate::support::{Workspace, copy_tree};

/// Sample folders that bring an evaluation.
const SCORED: [&str; 3] = ["booklet-sets", "scored-csv", "scored-picture"];

#[test]
fn a_run_scored_again_by_its_own_evaluation_is_the_same_run() {
    let workspace = Workspace::new();
    for sample in SCORED {
        workspace.copy_sample(sample, &format!("{sample}/in"));
        same_scores(&workspace, sample, &format!("{sample}/in"));
    }
}

/// Runs `input`, scores the results again, and compares all tables. The evaluation and template are those of `input`.
fn same_scores(workspace: &Workspace, name: &str, input: &str) {
    let (out, again) = (format!("{name}/out"), format!("{name}/again"));
    workspace.omr(&["-q", "-i", input, "-o", &out, "--statistics"]).succeeded();
    let (evaluation, template) = (format!("{input}/evaluation.json"), format!("{input}/template.json"));
    let mut args = vec!["rescore", "--results", &out, "--evaluation", &evaluation, "--template", &template];
    let config = format!("{input}/config.json");
    if workspace.path(&config).exists() {
        args.extend(["--config", &config]);
    }
    args.extend(["--output", &again, "--statistics"]);
    let run = workspace.omr(&args).succeeded();
    assert!(run.stderr().contains(" 0 moved"), "{name}: {}", run.stderr());
    let tables = |root: &str| -> Vec<(PathBuf, Vec<u8>)> {
        let is_compared = |path: &Path| {
            let differs = ["Items.csv", "Moved.csv"].iter().any(|name| path.ends_with(name));
            path.extension().is_some_and(|e| e == "csv") && !differs
        };
        workspace.tree(root).into_iter().filter(|(path, _)| is_compared(path)).collect()
    };
    let (before, after) = (tables(&out), tables(&again));
    assert!(before.len() >= 5, "{name}: {} tables", before.len());
    assert_eq!(
        before.iter().map(|t| &t.0).collect::<Vec<_>>(),
        after.iter().map(|t| &t.0).collect::<Vec<_>>(),
        "{name}"
    );
    for ((path, before), (_, after)) in before.iter().zip(&after) {
        assert_eq!(String::from_utf8_lossy(before), String::from_utf8_lossy(after), "{name}: {}", path.display());
    }
}

/// The reference cases that lie beside a developer's checkout.
fn reference() -> Option<PathBuf> {
    let named = std::env::var_os("OMR_REFERENCE").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference");
    named.or(Some(beside)).filter(|path| path.is_dir())
}

/// Scored cases whose template this version reads.
const SCORED_REFERENCE_CASES: [&str; 8] = [
    "v1/answer-key__using-csv",
    "v1/community__UmarFarootAPS",
    "v1/sample4",
    "v1/sample5",
    "v2/3-answer-key__bonus-marking",
    "v2/3-answer-key__conditional-sets",
    "v2/3-answer-key__using-image",
    "v2/3-answer-key__weighted-answers",
];

#[test]
fn real_runs_score_the_same_again() {
    let Some(reference) = reference() else {
        eprintln!("skipped: the reference cases are not here");
        return;
    };
    let workspace = Workspace::new();
    let mut found = 0;
    for case in SCORED_REFERENCE_CASES {
        let inputs = reference.join(case).join("inputs");
        assert!(inputs.join("evaluation.json").exists(), "{case}");
        let name = case.replace('/', "-");
        copy_tree(&inputs, &workspace.path(format!("{name}/in")));
        same_scores(&workspace, &name, &format!("{name}/in"));
        found += 1;
    }
    assert_eq!(found, SCORED_REFERENCE_CASES.len());
}

#[test]
fn another_key_moves_sheets_and_says_whom() {
    let workspace = Workspace::new();
    workspace.copy_sample("scored-csv", "in");
    workspace.omr(&["-q", "-i", "in", "-o", "out"]).succeeded();
    let evaluation = std::fs::read_to_string(workspace.path("in/evaluation.json")).unwrap();
    let key = std::fs::read_to_string(workspace.path("in/answer_key.csv")).unwrap();
    workspace.write("new/evaluation.json", evaluation);
    workspace.write("new/answer_key.csv", key.replacen("q1,C", "q1,A", 1).replacen("\"q1\",\"C\"", "\"q1\",\"A\"", 1));
    let args = ["rescore", "--results", "out", "--evaluation", "new/evaluation.json", "--output", "again"];
    let run = workspace.omr(&args).succeeded();
    let moved = workspace.csv("again/Results/Moved.csv");
    // paper-02 answered A, which was wrong: −1/3 becomes 1. paper-03 answered C: 1 becomes −1/3. paper-01 has no answer.
    assert_eq!(moved[1], ["paper-02.png", "11.5", "12.833333333333334"]);
    assert_eq!(moved[2][..2], ["paper-03.png", "6.833333333333333"]);
    assert_eq!(moved.len(), 3);
    assert!(run.stderr().contains("3 sheet(s) scored again, 2 moved"), "{}", run.stderr());
    assert!(run.stderr().contains("without --template"), "{}", run.stderr());
}

#[test]
fn what_rescore_cannot_do_it_says() {
    let workspace = Workspace::new();
    workspace.copy_sample("scored-picture", "in");
    workspace.omr(&["-q", "-i", "in", "-o", "out"]).succeeded();
    let transcript = |args: &[&str]| {
        let run = workspace.omr(args);
        format!("$ omr {}\n{}\n", args.join(" "), run.transcript())
    };
    let text = [
        transcript(&["rescore", "--results", "out", "--evaluation", "in/evaluation.json", "--output", "again"]),
        transcript(&["rescore", "--results", "in", "--evaluation", "in/evaluation.json", "--output", "again"]),
        transcript(&["rescore", "--results", "out", "--evaluation", "missing.json", "--output", "again"]),
        transcript(&["rescore", "--results", "out", "--evaluation", "in/evaluation.json", "--output", "out"]),
    ];
    insta::assert_snapshot!(text.concat());
}

#[test]
fn statistics_are_written_when_asked_for_and_go_when_not() {
    let workspace = Workspace::new();
    workspace.copy_sample("scored-csv", "in");
    workspace.omr(&["-q", "-i", "in", "-o", "out", "--statistics"]).succeeded();
    let items = workspace.csv("out/Results/Items.csv");
    assert_eq!(items.len(), 21, "a row for each of 20 questions");
    // q3: all three sheets have D, which is right.
    let q3 = items.iter().find(|row| row[0] == "q3").unwrap();
    assert_eq!(q3[1..7], ["3", "3", "1.0000", "0", "0", "D:3"]);
    let batch = workspace.csv("out/Results/Statistics.csv");
    let value = |name: &str| batch.iter().find(|row| row[0] == name).map(|row| row[1].clone());
    // (21 + 11.5 + 6.8333)/3
    assert_eq!(value("mean").as_deref(), Some("13.1111"));
    workspace.omr(&["-q", "-i", "in", "-o", "out"]).succeeded();
    assert!(!workspace.path("out/Results/Items.csv").exists());
}
