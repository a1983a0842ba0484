//! A run on several machines: its shards, put together, are what one run writes.

use std::fs;

use crate::support::{Workspace, samples_dir};

/// All samples, some of them several times, so that every shard has sheets.
fn workspace() -> Workspace {
    let workspace = Workspace::new();
    let mut copied = 0;
    for entry in fs::read_dir(samples_dir()).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            let name = entry.file_name().into_string().unwrap();
            workspace.copy_sample(&name, &format!("in/{name}"));
            copied += 1;
        }
    }
    assert_eq!(copied, 20, "samples were found");
    workspace
}

fn shard(workspace: &Workspace, number: usize, count: usize, more: &[&str]) {
    let (shard, output) = (format!("{number}/{count}"), format!("shard-{number}"));
    let args = [&["-q", "-i", "in", "--statistics", "-o", &output, "--shard", &shard][..], more].concat();
    workspace.omr(&args).succeeded();
}

#[test]
fn eight_shards_are_one_run() {
    let workspace = workspace();
    // A group of links and copies, whose places hang on all sheets of the folder.
    workspace.write(
        "in/booklet-sets/config.json",
        r#"{"outputs": {"fileGrouping": {"enabled": true, "rules": [
            {"name": "seats", "priority": 1, "destinationPattern": "all/sheet", "action": "copy", "collisionStrategy": "increment",
             "matcher": {"formatString": "{Seat}", "matchRegex": "."}}]}}}"#,
    );
    // Two sheets with one id.
    fs::copy(workspace.path("in/four-markers/scan-001.jpg"), workspace.path("in/four-markers/scan-004.jpg")).unwrap();
    workspace.omr(&["-q", "-i", "in", "--statistics", "-o", "whole"]).succeeded();
    let whole = workspace.tree("whole");
    let review = String::from_utf8_lossy(&whole[std::path::Path::new("four-markers/Manual/Review.csv")]).into_owned();
    assert!(review.contains("duplicate-id"), "the case is one in which sheets meet: {review}");
    const COUNT: usize = 8;
    for number in 1..=COUNT {
        shard(&workspace, number, COUNT, &[]);
    }
    let shards: Vec<String> = (1..=COUNT).rev().map(|number| format!("shard-{number}")).collect();
    let args: Vec<&str> =
        ["merge", "--output", "merged"].into_iter().chain(shards.iter().map(String::as_str)).collect();
    workspace.omr(&args).succeeded();
    let merged = workspace.tree("merged");
    assert_eq!(merged.keys().collect::<Vec<_>>(), whole.keys().collect::<Vec<_>>());
    for (name, bytes) in &whole {
        assert!(merged[name] == *bytes, "`{}` differs", name.display());
    }
    // A run over all sheets goes on with what was put together.
    let run = workspace.omr(&["-v", "-i", "in", "--statistics", "-o", "merged", "--resume"]).succeeded();
    let recalled = run.stderr().lines().filter(|line| line.contains("read by an earlier run")).count();
    assert_eq!(recalled, 56, "{}", run.stderr());
    assert!(workspace.tree("merged") == whole);
}

/// Which sheet has the id of which hangs on the order of the folders, those that have gone included.
#[test]
fn folders_that_have_gone_keep_their_place_in_every_shard() {
    let workspace = Workspace::new();
    for name in ["b", "c", "d"] {
        workspace.copy_sample("four-markers", &format!("in/forms/{name}"));
    }
    let template = workspace.path("in/forms/b/template.json");
    for name in ["template.json", "config.json", "omr_marker.png"] {
        fs::copy(template.with_file_name(name), workspace.path(format!("in/{name}"))).unwrap();
        for folder in ["b", "c", "d"] {
            fs::remove_file(workspace.path(format!("in/forms/{folder}/{name}"))).unwrap();
        }
    }
    let all = |more: &[&str]| {
        workspace.omr(&[&["-q", "-i", "in", "--statistics", "-o", "whole"][..], more].concat()).succeeded();
        (1..=3).for_each(|number| shard(&workspace, number, 3, more));
    };
    all(&[]);
    ["b", "c"].iter().for_each(|folder| fs::remove_dir_all(workspace.path(format!("in/forms/{folder}"))).unwrap());
    workspace.copy("in/forms/d", "in/forms/a");
    all(&["--resume"]);
    let whole = workspace.tree("whole");
    let doubts = |folder: &str| workspace.csv(format!("whole/forms/{folder}/Manual/Review.csv")).len();
    assert!(doubts("a") < doubts("b") && doubts("b") == doubts("d"), "each later folder has the ids of the first");
    workspace.omr(&["merge", "-q", "-o", "merged", "shard-1", "shard-2", "shard-3"]).succeeded();
    assert!(workspace.tree("merged") == whole);
}

#[test]
fn sheets_that_have_gone_keep_rows_and_copies_in_every_shard() {
    let workspace = Workspace::new();
    for root in ["a", "b", "c"] {
        workspace.copy_sample("plain", root);
        workspace.write(
            format!("{root}/config.json"),
            r#"{"outputs": {"fileGrouping": {"enabled": true, "rules": [
                {"name": "all", "priority": 1, "destinationPattern": "all/{original_name}", "action": "copy",
                 "collisionStrategy": "increment", "matcher": {"formatString": "{original_name}", "matchRegex": "."}}]}}}"#,
        );
    }
    let all = |inputs: &[&str], more: &[&str]| {
        let run = |output: &str, shard: &[&str]| {
            workspace.omr(&[&["-q", "-o", output, "-i"][..], inputs, more, shard].concat()).succeeded();
        };
        run("whole", &[]);
        run("shard-1", &["--shard", "1/2"]);
        run("shard-2", &["--shard", "2/2"]);
    };
    all(&["a", "b", "c"], &[]);
    let before = workspace.tree("whole");
    assert!(before.keys().filter(|name| name.to_str().unwrap().contains("organized")).count() >= 6, "{before:?}");
    // An input is named no more, and of another the sheets are gone.
    fs::remove_file(workspace.path("b/page-1.png")).unwrap();
    fs::remove_dir_all(workspace.path("c")).unwrap();
    all(&["a", "b"], &["--resume"]);
    assert!(workspace.tree("whole") == before);
    workspace.omr(&["merge", "-q", "-o", "merged", "shard-1", "shard-2"]).succeeded();
    let merged = workspace.tree("merged");
    assert_eq!(merged.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    assert!(merged == before);
}

#[test]
fn sheets_that_have_gone_before_a_template_was_edited_keep_their_rows_in_every_shard() {
    let workspace = Workspace::new();
    workspace.copy_sample("plain", "in");
    workspace.copy_sample("plain", "in/again");
    let all = |more: &[&str]| {
        workspace.omr(&[&["-q", "-i", "in", "--statistics", "-o", "whole"][..], more].concat()).succeeded();
        (1..=2).for_each(|number| shard(&workspace, number, 2, more));
    };
    all(&[]);
    fs::remove_file(workspace.path("in/page-1.png")).unwrap();
    let template = fs::read_to_string(workspace.path("in/template.json")).unwrap();
    workspace.write("in/template.json", format!("{template} "));
    all(&["--resume"]);
    let whole = workspace.tree("whole");
    assert!(workspace.csv("whole/Results/Results.csv").iter().any(|row| row[0] == "page-1.png"));
    workspace.omr(&["merge", "-q", "-o", "merged", "shard-1", "shard-2"]).succeeded();
    assert!(workspace.tree("merged") == whole);
}

#[test]
fn shards_that_do_not_belong_together_are_refused() {
    let workspace = Workspace::new();
    workspace.copy_sample("plain", "in");
    workspace.copy_sample("plain", "in/again");
    (1..=2).for_each(|number| shard(&workspace, number, 2, &[]));
    let merge = |shards: &[&str]| {
        let run = workspace.omr(&[&["merge", "-o", "merged"][..], shards].concat());
        assert_eq!(run.code(), 1, "{}", run.stderr());
        assert!(!workspace.path("merged").exists());
        run.stderr()
    };
    let told = merge(&["shard-1"]);
    assert!(told.contains("of 2 shards these are missing: 2"), "{told}");
    let told = merge(&["shard-1", "shard-2", "shard-1"]);
    assert!(told.contains("shard 1/2 is there twice"), "{told}");
    workspace.omr(&["-q", "-i", "in", "-o", "plain"]).succeeded();
    let told = merge(&["shard-1", "shard-2", "plain", "in"]);
    assert!(
        told.contains("`plain` holds a run over all sheets") && told.contains("`in` is no output folder of omr"),
        "{told}"
    );
    // A shard that did not finish.
    let journal = workspace.path("shard-2/.omr/journal");
    let whole = fs::read_to_string(&journal).unwrap();
    fs::write(
        &journal,
        whole.lines().filter(|line| !line.starts_with("{\"end\"")).map(|l| format!("{l}\n")).collect::<String>(),
    )
    .unwrap();
    let told = merge(&["shard-1", "shard-2"]);
    assert!(told.contains("shard 2/2 in `shard-2` is not finished"), "{told}");
    // One that was read with another option, by another template, over other images.
    shard(&workspace, 2, 2, &["--strict"]);
    let told = merge(&["shard-1", "shard-2"]);
    assert!(told.contains("with different options, `` and `strict`"), "{told}");
    let template = fs::read_to_string(workspace.path("in/template.json")).unwrap();
    workspace.write("in/template.json", format!("{template} "));
    workspace.write("in/again/template.json", &template);
    shard(&workspace, 2, 2, &[]);
    let told = merge(&["shard-1", "shard-2"]);
    assert!(told.contains("by different contents of `in/template.json`"), "{told}");
    workspace.write("in/template.json", &template);
    workspace.copy("in/again", "in/more");
    shard(&workspace, 2, 2, &[]);
    let told = merge(&["shard-1", "shard-2"]);
    assert!(told.contains("did not find the same images"), "{told}");
    // One output holds one share.
    let run = workspace.omr(&["-i", "in", "-o", "shard-2", "--shard", "1/2", "--resume"]);
    assert_eq!(run.code(), 1);
    assert!(run.stderr().contains("the output holds shard 2/2, and this run is shard 1/2"), "{}", run.stderr());
}

#[test]
fn the_environment_names_the_shard() {
    let workspace = Workspace::new();
    workspace.copy_sample("plain", "in");
    let auto = |variables: &[(&str, &str)]| {
        workspace.omr_with(
            &["-i", "in", "-o", variables.first().map_or("out", |(name, _)| name), "--shard", "auto"],
            variables,
        )
    };
    let run = auto(&[("SLURM_ARRAY_TASK_ID", "1"), ("SLURM_ARRAY_TASK_COUNT", "8")]).succeeded();
    assert!(run.stderr().contains("shard 2/8: "), "{}", run.stderr());
    let run = auto(&[("JOB_COMPLETION_INDEX", "0"), ("OMR_SHARD_COUNT", "3")]).succeeded();
    assert!(run.stderr().contains("shard 1/3: "), "{}", run.stderr());
    let run = auto(&[("SLURM_ARRAY_TASK_ID", "1")]);
    assert_eq!(run.code(), 2);
    assert!(
        run.stderr().contains("`SLURM_ARRAY_TASK_ID` is set and `SLURM_ARRAY_TASK_COUNT` is not"),
        "{}",
        run.stderr()
    );
}
