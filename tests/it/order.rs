//! The same input gives the same bytes, whatever the number of workers.

use crate::support::Workspace;

#[test]
fn any_number_of_workers_writes_the_same_bytes() {
    let workspace = Workspace::new();
    for sample in ["four-markers", "phone-photo", "plain", "nested"] {
        workspace.copy_sample(sample, &format!("in/{sample}"));
    }
    workspace.write("in/plain/broken.png", b"no picture");
    let mut trees = Vec::new();
    for workers in ["1", "2", "3", "8", "16"] {
        let output = format!("out{workers}");
        workspace.omr(&["-i", "in", "-o", &output, "--max-workers", workers]).succeeded();
        trees.push(workspace.tree(&output));
    }
    assert!(trees[0].len() > 20, "the run wrote {} files", trees[0].len());
    for tree in &trees[1..] {
        assert!(tree.keys().eq(trees[0].keys()));
        for (name, bytes) in tree {
            assert!(bytes == &trees[0][name], "{} differs", name.display());
        }
    }
}

#[test]
fn rows_are_in_code_point_order_and_a_second_run_changes_nothing() {
    let workspace = Workspace::new();
    workspace.copy_sample("plain", "in");
    let sheet = std::fs::read_dir(workspace.path("in"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| p.extension().is_some_and(|e| e == "png"))
        .expect("a PNG sheet in samples/plain");
    let bytes = std::fs::read(&sheet).unwrap();
    for name in ["img10.png", "img2.png", "B.png", "a.png", "é.png"] {
        workspace.write(format!("in/{name}"), &bytes);
    }
    workspace.omr(&["-i", "in", "-o", "out", "--max-workers", "4"]).succeeded();
    let ids: Vec<String> = workspace.csv("out/Results/Results.csv").iter().skip(1).map(|r| r[0].clone()).collect();
    let mut sorted = ids.clone();
    sorted.sort();
    assert_eq!(ids, sorted);
    assert!(ids.contains(&"é.png".to_owned()));
    let first = workspace.tree("out");
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    assert_eq!(first, workspace.tree("out"));
}

#[test]
fn files_of_an_earlier_run_go_and_foreign_files_stay() {
    let workspace = Workspace::new();
    workspace.copy_sample("plain", "in/a");
    workspace.copy_sample("plain", "in/b");
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    workspace.write("out/a/CheckedOMRs/mine.txt", "mine");
    std::fs::remove_dir_all(workspace.path("in/a")).unwrap();
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    let left: Vec<_> = workspace.tree("out").into_keys().filter(|p| p.starts_with("a")).collect();
    assert_eq!(left, [std::path::PathBuf::from("a/CheckedOMRs/mine.txt")]);
    assert!(workspace.path("out/b/Results/Results.csv").exists());
}
