//! Nothing is lost: whatever ends a run, what it has finished is whole on disk, and a run that goes on ends with the files of one
//! that was never interrupted.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::paged::{Pdf, Picture};
use crate::sheets::{page, png};
use crate::support::Workspace;

const TEMPLATE: &str = r#"{
  "templateDimensions": [200, 300], "bubbleDimensions": [16, 16], "processingImageShape": [300, 200], "preProcessors": [],
  "idColumn": "q1",
  "fieldBlocks": {
    "Q": { "fieldDetectionType": "BUBBLES_THRESHOLD", "bubbleFieldType": "QTYPE_MCQ4", "origin": [20, 20],
           "bubblesGap": 40, "labelsGap": 40, "fieldLabels": ["q1", "q2"] }
  }
}"#;

const ANSWERS: [&str; 6] = ["A B", "B C", "AB D", "D A", ". C", "C AB"];

/// A folder `in/` with so many small sheets and some files that cannot be read, in two folders. The ids repeat, so that doubts of
/// one sheet hang on others; pictures, crops and statistics are made.
fn workspace(sheets: usize) -> Workspace {
    let workspace = Workspace::new();
    workspace.write("in/template.json", TEMPLATE);
    workspace.write(
        "in/evaluation.json",
        r#"{"sourceType": "local", "options": {"questionsInOrder": ["q1", "q2"], "answersInOrder": ["A", "B"]},
            "markingSchemes": {"DEFAULT": {"correct": "3", "incorrect": "-1/3", "unmarked": "0"}}}"#,
    );
    for i in 0..sheets {
        let folder = if i % 3 == 0 { "in/b" } else { "in/a" };
        workspace.write(format!("{folder}/sheet-{i:04}.png"), png(&page(ANSWERS[i % ANSWERS.len()])));
    }
    workspace.write("in/a/broken.png", b"no picture");
    workspace
}

const RUN: [&str; 8] = ["-q", "-i", "in", "--statistics", "--max-workers", "2", "-o", "out"];

fn resumed() -> Vec<&'static str> {
    RUN.into_iter().chain(["--resume"]).collect()
}

/// What one uninterrupted run over `in/` writes.
fn reference(workspace: &Workspace) -> BTreeMap<PathBuf, Vec<u8>> {
    workspace.omr(&["-q", "-i", "in", "--statistics", "-o", "reference"]).succeeded();
    let tree = workspace.tree("reference");
    fs::remove_dir_all(workspace.path("reference")).unwrap();
    tree
}

/// Asserts that two trees are the same, and names what differs.
fn assert_same(got: &BTreeMap<PathBuf, Vec<u8>>, want: &BTreeMap<PathBuf, Vec<u8>>, after: &str) {
    let names = |tree: &BTreeMap<PathBuf, Vec<u8>>| tree.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(got), names(want), "{after}");
    for (name, bytes) in want {
        assert!(got[name] == *bytes, "{after}: `{}` differs", name.display());
    }
}

/// Asserts that the tables that lie below `out/` have whole rows only, finished or not.
fn assert_rows_are_whole(workspace: &Workspace) {
    fn tables(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if entry.file_type().unwrap().is_dir() {
                tables(&path, found);
            } else if path.to_string_lossy().contains(".csv") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    if workspace.path("out").exists() {
        tables(&workspace.path("out"), &mut found);
    }
    for path in found {
        let bytes = fs::read(&path).unwrap();
        // A table that was only just made may be empty.
        assert!(bytes.is_empty() || bytes.ends_with(b"\"\n"), "`{}` ends within a row", path.display());
        let mut reader = csv::ReaderBuilder::new().from_reader(bytes.as_slice());
        reader.records().for_each(|row| drop(row.unwrap_or_else(|e| panic!("`{}`: {e}", path.display()))));
    }
}

fn spawn(workspace: &Workspace, args: &[&str]) -> Child {
    workspace.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// Waits until the file has a row besides its header.
fn wait_for_rows(path: &Path) {
    let start = Instant::now();
    while fs::read(path).map_or(0, |bytes| bytes.iter().filter(|&&b| b == b'\n').count()) < 2 {
        assert!(start.elapsed() < Duration::from_secs(60), "no row in `{}`", path.display());
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn fifty_kills_at_random_moments_lose_nothing() {
    const KILLS: usize = 50;
    let workspace = workspace(240);
    let want = reference(&workspace);
    let start = Instant::now();
    workspace.omr(&RUN).succeeded();
    let whole = start.elapsed();
    fs::remove_dir_all(workspace.path("out")).unwrap();
    let mut state = 20_261_126u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / f64::from(1u32 << 24)
    };
    let mut within = 0;
    let mut kill = |args: &[&str]| {
        let mut child = spawn(&workspace, args);
        std::thread::sleep(whole.mul_f64(random()));
        within += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_rows_are_whole(&workspace);
    };
    for number in 0..KILLS {
        kill(&RUN);
        // Now and then the run that goes on is killed as well.
        if number % 4 == 3 {
            kill(&resumed());
        }
        workspace.omr(&resumed()).succeeded();
        assert_same(&workspace.tree("out"), &want, &format!("kill {number}"));
        fs::remove_dir_all(workspace.path("out")).unwrap();
    }
    assert!(within >= KILLS / 3, "only {within} of {KILLS} kills met a run");
}

#[test]
fn a_run_that_is_asked_to_stop_finishes_what_is_in_flight() {
    let workspace = workspace(600);
    let want = reference(&workspace);
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let mut child = spawn(&workspace, &RUN);
        wait_for_rows(&workspace.path("out/a/Results/Results.csv.partial"));
        signal(&child, name);
        assert_eq!(child.wait().unwrap().code(), Some(code), "SIG{name}");
        assert_rows_are_whole(&workspace);
        let rows = fs::read_to_string(workspace.path("out/a/Results/Results.csv.partial")).unwrap().lines().count();
        assert!((2..400).contains(&rows), "{rows}");
        let again = workspace.omr(&["-v", "-i", "in", "--statistics", "-o", "out", "--resume"]).succeeded();
        let recalled = again.stderr().lines().filter(|line| line.contains("read by an earlier run")).count();
        assert!(recalled + 1 >= rows, "{recalled} of {rows} rows were not read again");
        assert_same(&workspace.tree("out"), &want, name);
        fs::remove_dir_all(workspace.path("out")).unwrap();
    }
}

#[test]
fn asked_twice_it_stops_at_once() {
    let workspace = workspace(2000);
    let mut child = spawn(&workspace, &RUN);
    wait_for_rows(&workspace.path("out/a/Results/Results.csv.partial"));
    let start = Instant::now();
    signal(&child, "INT");
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_rows_are_whole(&workspace);
}

#[test]
fn a_folder_that_grows_is_read_where_it_is_new() {
    let workspace = workspace(12);
    workspace.omr(&RUN).succeeded();
    workspace.write("in/a/sheet-0000a.png", png(&page("C C")));
    workspace.write("in/c/first.png", png(&page("D D")));
    let run = workspace.omr(&["-v", "-i", "in", "--statistics", "-o", "out", "--resume"]).succeeded();
    let recalled = run.stderr().lines().filter(|line| line.contains("read by an earlier run")).count();
    assert_eq!(recalled, 13, "{}", run.stderr());
    let want = reference(&workspace);
    assert_same(&workspace.tree("out"), &want, "new sheets");
    // Nothing is new: nothing is said, and nothing changes.
    let run = workspace.omr(&resumed()).succeeded();
    assert_eq!((run.stdout(), run.stderr()), (String::new(), String::new()));
    assert_same(&workspace.tree("out"), &want, "nothing new");
}

#[test]
fn what_changed_is_read_again_and_what_was_only_touched_is_not() {
    let workspace = workspace(6);
    workspace.omr(&RUN).succeeded();
    // The same size, another content; the same content, another time.
    let old = fs::read(workspace.path("in/a/sheet-0001.png")).unwrap();
    workspace.write("in/a/sheet-0001.png", png(&page("D D")));
    let sheet = fs::read(workspace.path("in/a/sheet-0002.png")).unwrap();
    workspace.write("in/a/sheet-0002.png", sheet);
    assert_ne!(fs::read(workspace.path("in/a/sheet-0001.png")).unwrap(), old);
    let again = ["-v", "-i", "in", "--statistics", "-o", "out", "--resume"];
    let recalled = |run: &crate::support::Run| {
        let lines = run.stderr();
        let lines = lines.lines().filter(|line| line.contains("read by an earlier run"));
        lines.map(|line| line.rsplit('/').next().unwrap().split('`').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let run = workspace.omr(&again).succeeded();
    let want = ["broken.png", "sheet-0002.png", "sheet-0004.png", "sheet-0005.png", "sheet-0000.png", "sheet-0003.png"];
    assert_eq!(recalled(&run), want, "{}", run.stderr());
    assert_same(&workspace.tree("out"), &reference(&workspace), "a changed sheet");
    // A picture that someone removed is made again.
    fs::remove_file(workspace.path("out/a/CheckedOMRs/sheet-0004.png")).unwrap();
    assert_eq!(recalled(&workspace.omr(&again).succeeded()).len(), 6);
    // Another template: all is read again.
    workspace.write("in/template.json", TEMPLATE.replace("[16, 16]", "[15, 15]"));
    assert!(recalled(&workspace.omr(&again).succeeded()).is_empty());
    assert_same(&workspace.tree("out"), &reference(&workspace), "another template");
    // Another option: so too.
    let strict: Vec<&str> = again.into_iter().chain(["--strict"]).collect();
    assert!(recalled(&workspace.omr(&strict).succeeded()).is_empty());
}

#[test]
fn rows_of_files_that_have_gone_stay_until_they_are_pruned() {
    let workspace = workspace(12);
    let all = reference(&workspace);
    workspace.omr(&RUN).succeeded();
    fs::remove_file(workspace.path("in/a/sheet-0004.png")).unwrap();
    fs::remove_dir_all(workspace.path("in/b")).unwrap();
    let run = workspace.omr(&["-i", "in", "--statistics", "-o", "out", "--resume"]).succeeded();
    assert!(run.stderr().contains("`in/a/`: 1 sheet(s) whose files are gone keep their rows"), "{}", run.stderr());
    assert!(run.stderr().contains("`in/b/`: the folder is gone; its 4 sheet(s) keep their rows"), "{}", run.stderr());
    assert_same(&workspace.tree("out"), &all, "gone files");
    workspace.omr(&[&resumed()[..], &["--prune"]].concat()).succeeded();
    let left = reference(&workspace);
    assert_same(&workspace.tree("out"), &left, "pruned");
    workspace.omr(&resumed()).succeeded();
    assert_same(&workspace.tree("out"), &left, "they do not come back");
}

#[test]
fn an_input_without_a_sheet_has_nothing_dropped() {
    let workspace = workspace(6);
    workspace.omr(&RUN).succeeded();
    let before = workspace.tree("out");
    fs::rename(workspace.path("in"), workspace.path("away")).unwrap();
    fs::create_dir(workspace.path("in")).unwrap();
    let run = workspace.omr(&["-i", "in", "--statistics", "-o", "out", "--resume", "--prune"]).succeeded();
    assert!(run.stderr().contains("--prune drops nothing"), "{}", run.stderr());
    assert_same(&workspace.tree("out"), &before, "nothing was found");
    fs::remove_dir(workspace.path("in")).unwrap();
    fs::rename(workspace.path("away"), workspace.path("in")).unwrap();
    workspace.omr(&resumed()).succeeded();
    assert_same(&workspace.tree("out"), &before, "the input is back");
}

#[test]
fn another_input_is_not_taken_for_the_one_whose_results_lie_there() {
    let workspace = workspace(6);
    workspace.omr(&RUN).succeeded();
    let before = workspace.tree("out");
    workspace.copy("in", "other");
    let run = workspace.omr(&["-i", "other", "--statistics", "-o", "out", "--resume"]);
    assert_eq!(run.code(), 1, "{}", run.stderr());
    assert!(run.stderr().contains("holds the results of `in/`, and those of `other/`"), "{}", run.stderr());
    // Of a list, the folder that holds all.
    let run = workspace.omr(&["-i", "in/a/sheet-0001.png", "-o", "out", "--resume", "--template", "in/template.json"]);
    assert_eq!(run.code(), 1, "{}", run.stderr());
    assert!(run.stderr().contains("those of `in/a/` would lie at the same place"), "{}", run.stderr());
    assert_same(&workspace.tree("out"), &before, "refused");
    // Nor one that is called by the same name elsewhere.
    workspace.copy("in", "elsewhere/in");
    let run = Command::new(env!("CARGO_BIN_EXE_omr"))
        .args(["-i", "in", "-o", "../out", "--resume"])
        .current_dir(workspace.path("elsewhere"))
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(1), "{}", String::from_utf8_lossy(&run.stderr));
    assert_same(&workspace.tree("out"), &before, "refused elsewhere");
    // The same folder by another name is the same, from wherever it is called.
    let run = Command::new(env!("CARGO_BIN_EXE_omr"))
        .args(["-q", "-i", "../in", "--statistics", "-o", "../out", "--resume"])
        .current_dir(workspace.path("elsewhere"))
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
    workspace.omr(&["-q", "-i", "./in/../in", "--statistics", "-o", "out", "--resume"]).succeeded();
    assert_eq!(workspace.tree("out").len(), before.len());
    workspace.omr(&["-q", "-i", "other", "--statistics", "-o", "out", "--resume", "--prune"]).succeeded();
    let rows = fs::read_to_string(workspace.path("out/a/Results/Results.csv")).unwrap();
    assert!(rows.contains("other/a/sheet-0001.png") && !rows.contains("in/a/"), "{rows}");
}

#[test]
fn one_of_several_inputs_without_a_sheet_has_nothing_dropped() {
    let workspace = workspace(6);
    workspace.copy("in", "more");
    let run = |more: &[&str]| {
        workspace.omr(&[&["-i", "in", "more", "--statistics", "-o", "out"][..], more].concat()).succeeded()
    };
    run(&[]);
    let before = workspace.tree("out");
    fs::remove_dir_all(workspace.path("more/a")).unwrap();
    fs::remove_dir_all(workspace.path("more/b")).unwrap();
    let told = run(&["--resume", "--prune"]).stderr();
    assert!(told.contains("`more/`: --prune drops nothing of this input"), "{told}");
    assert_same(&workspace.tree("out"), &before, "nothing was found in one");
    // Of one that is named no more, all is dropped.
    workspace.copy("in", "other");
    workspace.omr(&["-q", "-i", "in", "other", "--statistics", "-o", "out", "--resume", "--prune"]).succeeded();
    assert!(!workspace.tree("out").keys().any(|path| path.starts_with("more")));
}

#[test]
fn a_folder_whose_results_would_lie_elsewhere_is_told() {
    let workspace = workspace(3);
    workspace.copy("in", "more");
    workspace.omr(&RUN).succeeded();
    let before = workspace.tree("out");
    let run = workspace.omr(&["-i", "in", "more", "--statistics", "-o", "out", "--resume"]);
    assert_eq!(run.code(), 1);
    assert!(run.stderr().contains("and would now go to `out/in/"), "{}", run.stderr());
    assert_same(&workspace.tree("out"), &before, "refused");
}

#[test]
fn rows_of_gone_files_that_fit_no_more_are_not_dropped_unasked() {
    let workspace = workspace(6);
    workspace.omr(&RUN).succeeded();
    fs::remove_file(workspace.path("in/a/sheet-0004.png")).unwrap();
    workspace.write("in/template.json", TEMPLATE.replace("\"q1\", \"q2\"", "\"q1\", \"q2\", \"q3\""));
    let before = workspace.tree("out");
    let run = workspace.omr(&resumed());
    assert_eq!(run.code(), 1);
    assert!(
        run.stderr().contains("`in/a/`: 1 sheet(s) that are not read now") && run.stderr().contains("--prune"),
        "{}",
        run.stderr()
    );
    assert_same(&workspace.tree("out"), &before, "refused");
    // Nor are they taken for rows of the new template where a run was ended before it read their sheets by it.
    fs::rename(workspace.path("out"), workspace.path("kept")).unwrap();
    let (late, early) = (workspace.path("in/a/sheet-0004.png"), workspace.path("kept/.omr/journal"));
    fs::write(&late, png(&page(ANSWERS[4]))).unwrap();
    workspace.copy("kept", "out");
    fs::copy(&early, workspace.path("out/.omr/journal")).unwrap();
    workspace.omr(&resumed()).succeeded();
    let journal = fs::read_to_string(workspace.path("out/.omr/journal")).unwrap();
    let begun = fs::read_to_string(&early).unwrap().lines().count();
    let up_to_sheets =
        journal.lines().enumerate().take_while(|(i, line)| *i < begun || !line.starts_with("{\"sheet\""));
    let ended: String = up_to_sheets.map(|(_, line)| format!("{line}\n")).collect();
    assert!(ended.lines().count() > begun + 1, "the run noted folders: {ended}");
    fs::write(workspace.path("out/.omr/journal"), ended).unwrap();
    fs::remove_file(&late).unwrap();
    let run = workspace.omr(&resumed());
    assert_eq!(run.code(), 1, "{}", run.stderr());
    assert!(run.stderr().contains("`in/a/`: 1 sheet(s) that are not read now"), "{}", run.stderr());
    workspace.omr(&[&resumed()[..], &["--prune"]].concat()).succeeded();
    assert_same(&workspace.tree("out"), &reference(&workspace), "pruned");
}

#[test]
fn answers_of_gone_sheets_are_counted_for_no_other_question() {
    let workspace = workspace(12);
    workspace.omr(&RUN).succeeded();
    fs::remove_file(workspace.path("in/a/sheet-0004.png")).unwrap();
    let evaluation = fs::read_to_string(workspace.path("in/evaluation.json")).unwrap();
    let turned = evaluation.replace(r#"["q1", "q2"]"#, r#"["q2", "q1"]"#).replace(r#"["A", "B"]"#, r#"["B", "A"]"#);
    workspace.write("in/evaluation.json", &turned);
    workspace.omr(&resumed()).succeeded();
    let out = workspace.tree("out");
    let rows = String::from_utf8_lossy(&out[Path::new("a/Results/Results.csv")]).into_owned();
    assert!(rows.contains("sheet-0004.png"), "{rows}");
    let items = |tree: &BTreeMap<PathBuf, Vec<u8>>| {
        let tables = tree.iter().filter(|(path, _)| path.starts_with("a") && path.ends_with("Items.csv"));
        let tables: Vec<_> = tables.map(|(_, bytes)| bytes.clone()).collect();
        assert_eq!(tables.len(), 1, "{:?}", tree.keys());
        tables
    };
    assert_eq!(items(&out), items(&reference(&workspace)), "the others are counted");
}

#[test]
fn a_journal_that_ends_within_a_line_is_gone_on_with() {
    let workspace = workspace(12);
    let want = reference(&workspace);
    workspace.omr(&RUN).succeeded();
    let journal = workspace.path("out/.omr/journal");
    let bytes = fs::read(&journal).unwrap();
    for cut in [1, 40, bytes.len() / 2, bytes.len() - 30, bytes.len()] {
        fs::write(&journal, &bytes[..bytes.len() - cut]).unwrap();
        workspace.omr(&resumed()).succeeded();
        assert_same(&workspace.tree("out"), &want, &format!("{cut} bytes cut off"));
    }
    // One that is none is told, and not written over.
    fs::write(&journal, b"{\"sheet\": 1}\n").unwrap();
    let run = workspace.omr(&resumed());
    assert_eq!(run.code(), 1);
    assert!(run.stderr().contains("out/.omr/journal` has in line 1"), "{}", run.stderr());
    assert_eq!(fs::read(&journal).unwrap(), b"{\"sheet\": 1}\n");
}

#[test]
fn a_full_disk_leaves_whole_rows_and_the_next_run_goes_on() {
    let workspace = workspace(60);
    let want = reference(&workspace);
    let omr = env!("CARGO_BIN_EXE_omr");
    // A limit on the size of files: writes beyond it fail as those to a full disk do. Each size stops another file.
    for blocks in [4, 8, 16] {
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec {omr} {}", RUN.join(" "));
        let output = workspace.command(&[]).get_current_dir().map(Path::to_path_buf).unwrap();
        let run = Command::new("bash").args(["-c", &script]).current_dir(output).output().unwrap();
        let told = String::from_utf8_lossy(&run.stderr).into_owned();
        assert_eq!(run.status.code(), Some(1), "{blocks} blocks: {told}");
        assert!(told.contains("cannot be written: "), "{told}");
        assert_rows_are_whole(&workspace);
        workspace.omr(&resumed()).succeeded();
        assert_same(&workspace.tree("out"), &want, &format!("a limit of {blocks} blocks"));
        fs::remove_dir_all(workspace.path("out")).unwrap();
    }
}

#[test]
fn an_output_that_cannot_be_written_costs_no_sheet() {
    let workspace = workspace(3);
    workspace.write("file", b"x");
    for output in ["/proc/omr-output", "file/out"] {
        let run = workspace.omr(&["-i", "in", "-o", output]);
        assert_eq!(run.code(), 1);
        let told = run.stderr();
        assert!(told.contains(&format!("`{output}` cannot be written: ")), "{told}");
        assert!(!told.contains("sheets/s"), "{told}");
    }
}

#[test]
fn a_file_that_is_being_written_is_not_read_as_it_is() {
    let workspace = workspace(3);
    let path = workspace.path("in/a/growing.png");
    let sheet = png(&page("A A"));
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // It is written over and over, with a part missing for most of the time.
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                fs::write(&path, &sheet[..sheet.len() / 2]).unwrap();
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        for _ in 0..5 {
            workspace.omr(&RUN).succeeded();
            let rows = workspace.csv("out/a/Results/Results.csv");
            assert!(!rows.iter().any(|row| row[0] == "growing.png"), "half a sheet was read");
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    // Whatever became of it then, it is read when it is whole.
    fs::write(&path, &sheet).unwrap();
    workspace.omr(&resumed()).succeeded();
    assert_same(&workspace.tree("out"), &reference(&workspace), "the file is whole");
}

#[test]
fn a_sheet_that_goes_while_a_run_waits_keeps_its_row() {
    let workspace = workspace(6);
    let all = reference(&workspace);
    workspace.omr(&RUN).succeeded();
    let lock = File::options().write(true).open(workspace.path("out/.omr/lock")).unwrap();
    lock.lock().unwrap();
    let mut child = spawn(&workspace, &[&resumed()[..], &["--lock", "wait"]].concat());
    std::thread::sleep(Duration::from_millis(400));
    fs::remove_file(workspace.path("in/a/sheet-0004.png")).unwrap();
    lock.unlock().unwrap();
    assert!(child.wait().unwrap().success());
    assert_same(&workspace.tree("out"), &all, "the sheet went");
    workspace.omr(&resumed()).succeeded();
    assert_same(&workspace.tree("out"), &all, "and is gone");
}

#[test]
fn pages_that_a_file_has_lost_do_not_come_back() {
    let workspace = workspace(3);
    let pdf = |pages: usize| {
        let pages: Vec<Picture> = ANSWERS[..pages].iter().map(|answers| Picture::deflated(&page(answers))).collect();
        Pdf::of_pictures(&pages, 200, 300)
    };
    workspace.write("in/a/scan.pdf", pdf(3));
    workspace.omr(&RUN).succeeded();
    assert_same(&workspace.tree("out"), &reference(&workspace), "three pages");
    workspace.write("in/a/scan.pdf", pdf(2));
    workspace.omr(&resumed()).succeeded();
    let two = reference(&workspace);
    assert_same(&workspace.tree("out"), &two, "two pages");
    // The file goes: its two pages stay, and the third is no page of it.
    fs::remove_file(workspace.path("in/a/scan.pdf")).unwrap();
    workspace.omr(&resumed()).succeeded();
    assert_same(&workspace.tree("out"), &two, "the file is gone");
}

#[test]
fn a_config_that_comes_to_govern_the_template_is_seen() {
    let workspace = workspace(6);
    workspace.write("in/a/config.json", "{}");
    workspace.omr(&RUN).succeeded();
    fs::rename(workspace.path("in/a/config.json"), workspace.path("in/config.json")).unwrap();
    let run = workspace.omr(&["-v", "-i", "in", "--statistics", "-o", "out", "--resume"]).succeeded();
    assert!(!run.stderr().contains("read by an earlier run"), "{}", run.stderr());
    assert_same(&workspace.tree("out"), &reference(&workspace), "the config has moved");
}

#[test]
fn what_is_written_about_a_sheet_gives_way_to_a_new_one() {
    let workspace = workspace(6);
    let evaluation = fs::read_to_string(workspace.path("in/evaluation.json")).unwrap();
    let exporting = r#""outputsConfiguration": {"shouldExportExplanationCsv": true}, "markingSchemes""#;
    workspace.write("in/evaluation.json", evaluation.replace("\"markingSchemes\"", exporting));
    workspace.omr(&RUN).succeeded();
    assert!(workspace.path("out/a/Evaluation/sheet-0001_evaluation.csv").exists());
    // Two images with one stem: both are called by their whole names.
    let bytes = fs::read(workspace.path("in/a/sheet-0002.png")).unwrap();
    workspace.write("in/a/sheet-0001.bmp", bytes);
    workspace.omr(&resumed()).succeeded();
    assert_same(&workspace.tree("out"), &reference(&workspace), "a stem that two have");
}

#[test]
fn what_is_written_about_a_sheet_that_has_gone_gives_way_too() {
    let workspace = workspace(6);
    let evaluation = fs::read_to_string(workspace.path("in/evaluation.json")).unwrap();
    let exporting = r#""outputsConfiguration": {"shouldExportExplanationCsv": true}, "markingSchemes""#;
    workspace.write("in/evaluation.json", evaluation.replace("\"markingSchemes\"", exporting));
    workspace.write("in/config.json", r#"{"outputs": {"save_image_level": 2}}"#);
    workspace.write("in/a/scan.bmp", fs::read(workspace.path("in/a/sheet-0001.png")).unwrap());
    workspace.omr(&RUN).succeeded();
    let gone = ["a/sheet-0001.png", "a/scan.bmp"].map(|name| {
        let bytes = fs::read(workspace.path(format!("in/{name}"))).unwrap();
        fs::remove_file(workspace.path(format!("in/{name}"))).unwrap();
        (name, bytes)
    });
    // One has the stem of a sheet that has gone, the other the name of its marked picture.
    workspace.write("in/a/sheet-0001.bmp", &gone[0].1);
    workspace.write("in/a/scan.bmp.jpg", fs::read(workspace.path("in/a/sheet-0002.png")).unwrap());
    workspace.omr(&resumed()).succeeded();
    let once = workspace.tree("out");
    workspace.omr(&resumed()).succeeded();
    assert_same(&workspace.tree("out"), &once, "once more");
    gone.iter().for_each(|(name, bytes)| workspace.write(format!("in/{name}"), bytes));
    assert_same(&once, &reference(&workspace), "as if all were there");
}

#[test]
fn files_that_were_just_written_are_left_for_the_next_run() {
    let workspace = workspace(6);
    let old = |name: &str| {
        let file = File::options().write(true).open(workspace.path(name)).unwrap();
        file.set_modified(std::time::SystemTime::now() - Duration::from_secs(3600)).unwrap();
    };
    for i in 0..6 {
        old(&format!("in/{}/sheet-{i:04}.png", if i % 3 == 0 { "b" } else { "a" }));
    }
    old("in/a/broken.png");
    let settled = [&resumed()[..], &["--settle", "600"]].concat();
    workspace.omr(&settled).succeeded();
    let before = reference(&workspace);
    assert_same(&workspace.tree("out"), &before, "all are settled");
    workspace.write("in/a/new.png", png(&page("A A")));
    // A known sheet that is being scanned again keeps its row for now.
    workspace.write("in/a/sheet-0001.png", png(&page("A A")));
    for prune in [&[][..], &["--prune"]] {
        let args = [&["-i", "in", "--statistics", "-o", "out", "--resume", "--settle", "600"][..], prune].concat();
        let run = workspace.omr(&args).succeeded();
        assert!(run.stderr().contains("2 file(s) were written to a moment ago"), "{}", run.stderr());
        assert_same(&workspace.tree("out"), &before, "two are fresh");
    }
    workspace.omr(&resumed()).succeeded();
    assert_same(&workspace.tree("out"), &reference(&workspace), "all are read");
}

#[test]
fn a_second_run_waits_or_stops() {
    let workspace = workspace(3);
    workspace.write("out/.omr/lock", b"");
    let lock = File::options().write(true).open(workspace.path("out/.omr/lock")).unwrap();
    lock.lock().unwrap();
    let run = workspace.omr(&RUN);
    assert_eq!(run.code(), 1);
    assert!(run.stderr().contains("another run of omr is writing into this output folder"), "{}", run.stderr());
    let waiting = [&RUN[..], &["--lock", "wait"]].concat();
    let mut child = spawn(&workspace, &waiting);
    std::thread::sleep(Duration::from_millis(400));
    assert!(child.try_wait().unwrap().is_none() && !workspace.path("out/a").exists());
    // One that waits can be told to stop.
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(143));
    let mut child = spawn(&workspace, &waiting);
    std::thread::sleep(Duration::from_millis(200));
    lock.unlock().unwrap();
    assert!(child.wait().unwrap().success());
    assert_same(&workspace.tree("out"), &reference(&workspace), "it waited");
}

#[test]
fn a_watching_run_reads_what_comes_until_it_is_told_to_stop() {
    let workspace = workspace(6);
    let mut child = spawn(&workspace, &[&RUN[..], &["--watch", "--settle", "0.2"]].concat());
    let wait_for = |table: &str, name: &str| {
        let start = Instant::now();
        while !fs::read_to_string(workspace.path(table)).is_ok_and(|rows| rows.contains(name)) {
            assert!(start.elapsed() < Duration::from_secs(60), "`{name}` was not read");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    wait_for("out/b/Results/Results.csv", "sheet-0003");
    workspace.write("in/a/new.png", png(&page("A A")));
    wait_for("out/a/Results/Results.csv", "new.png");
    // A template that is broken for a while stops nothing.
    workspace.write("in/template.json", "{");
    std::thread::sleep(Duration::from_millis(1500));
    workspace.write("in/template.json", TEMPLATE);
    workspace.write("in/d/newer.png", png(&page("B B")));
    wait_for("out/d/Results/Results.csv", "newer.png");
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert_same(&workspace.tree("out"), &reference(&workspace), "watched");
}
