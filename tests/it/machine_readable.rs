//! What programs read: the summary, the log as JSON, tables in other formats; and rows that are whole whatever happens.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::support::Workspace;

/// A folder with three good sheets and three that cannot be read.
fn mixed() -> Workspace {
    let workspace = Workspace::new();
    workspace.copy_sample("plain", "in");
    workspace.write("in/x1.png", "");
    workspace.write("in/x2.png", "");
    workspace.write("in/x3.png", "Dear Sir or Madam");
    workspace
}

/// How often each word stands in a column of a table.
fn words(workspace: &Workspace, table: &str, column: usize) -> BTreeMap<String, u64> {
    let mut words = BTreeMap::new();
    for row in workspace.csv(table).iter().skip(1) {
        *words.entry(row[column].clone()).or_default() += 1;
    }
    words
}

fn counts(value: &Value) -> BTreeMap<String, u64> {
    value.as_object().unwrap().iter().map(|(word, count)| (word.clone(), count.as_u64().unwrap())).collect()
}

#[test]
fn the_summary_counts_reasons_as_the_tables_have_them() {
    let workspace = mixed();
    workspace.copy_sample("plain", "in/below");
    let run = workspace.omr(&["-i", "in", "-o", "out", "--summary", "json", "--review-below", "1"]).succeeded();
    let stdout = run.stdout();
    let start = format!(r#"{{"version":"{}","status":"finished","images":9,"read":6,"#, env!("CARGO_PKG_VERSION"));
    assert!(stdout.starts_with(&start) && stdout.ends_with("}]}\n"), "{stdout}");
    let summary: Value = serde_json::from_str(&stdout).unwrap();
    let [first, second] = &summary["folders"].as_array().unwrap()[..] else { panic!("two folders: {summary}") };
    assert_eq!((&first["folder"], &second["folder"]), (&Value::from("in/"), &Value::from("in/below/")));
    assert_eq!(counts(&first["errors"]), BTreeMap::from([("empty-file".into(), 2), ("not-an-image".into(), 1)]));
    assert_eq!(counts(&first["review"]), words(&workspace, "out/Manual/Review.csv", 5));
    assert_eq!(counts(&second["review"]), words(&workspace, "out/below/Manual/Review.csv", 5));
    assert!(counts(&second["review"])["low-confidence"] > 0, "{summary}");
    assert_eq!(counts(&second["errors"]), BTreeMap::new());
    for key in ["images", "read", "diverted", "unreadable", "doubts"] {
        let sum = first[key].as_u64().unwrap() + second[key].as_u64().unwrap();
        assert_eq!(summary[key].as_u64(), Some(sum), "{key}");
    }
    let rows: u64 = counts(&summary["review"]).values().sum();
    assert_eq!(rows, summary["doubts"].as_u64().unwrap() + summary["unreadable"].as_u64().unwrap());
    for part in [&summary, first, second] {
        assert!(part["seconds"].as_f64().unwrap() > 0.0 && part["sheets_per_second"].as_f64().unwrap() > 0.0, "{part}");
    }
}

#[test]
fn the_log_is_one_object_a_line() {
    let workspace = mixed();
    let events = |stderr: &str| -> Vec<Value> {
        stderr.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
    };
    let run = workspace.omr(&["-i", "in", "-o", "out", "-v", "--log-format", "json", "--timings"]).succeeded();
    let told = events(&run.stderr());
    for event in &told {
        assert!(
            event["timestamp"].is_string() && event["level"].is_string() && event["message"].is_string(),
            "{event}"
        );
    }
    let failed = told.iter().find(|event| event["file"] == "in/x1.png").expect("a line for the file");
    assert_eq!((&failed["level"], &failed["reason"]), (&Value::from("WARN"), &Value::from("empty-file")));
    let end = told.iter().find(|event| event["seconds"].is_number()).expect("the last line");
    assert_eq!((&end["images"], &end["unreadable"]), (&Value::from(6), &Value::from(3)));
    assert!(told.last().unwrap()["message"].as_str().unwrap().contains("CPU, in ms"));

    // Why a run cannot start is told so, too, and all of it with --quiet.
    let run = workspace.omr(&["-q", "-i", "nowhere", "-o", "out", "--log-format", "json"]);
    let [error] = &events(&run.stderr())[..] else { panic!("{}", run.stderr()) };
    assert_eq!((run.code(), &error["level"]), (1, &Value::from("ERROR")));
    assert!(error["message"].as_str().unwrap().contains("`nowhere`"), "{error}");
    std::fs::remove_file(workspace.path("in/template.json")).unwrap();
    let run = workspace.omr(&["check", "in", "--log-format", "json"]);
    assert_eq!((run.code(), events(&run.stderr()).is_empty()), (1, false));
}

#[test]
fn fields_of_events_are_not_in_the_log_for_people() {
    let run = mixed().omr(&["-i", "in", "-o", "out", "-v"]).succeeded();
    assert!(run.stderr().contains(" WARN `in/x1.png`: empty-file: the file has no bytes\n"), "{}", run.stderr());
}

/// The rows of a CSV, the header first, with the cells of its JSON lines and of its workbook.
fn same_table(workspace: &Workspace, csv: &str) {
    let rows = workspace.csv(csv);
    let text = std::fs::read_to_string(workspace.path(Path::new(csv).with_extension("jsonl"))).unwrap();
    let object = |row: &Vec<String>| {
        let cells =
            rows[0].iter().zip(row).map(|(key, cell)| format!("{}:{}", Value::from(&key[..]), Value::from(&cell[..])));
        format!("{{{}}}\n", cells.collect::<Vec<_>>().join(","))
    };
    assert_eq!(text, rows[1..].iter().map(object).collect::<String>(), "{csv}");

    let mut cells = BTreeMap::new();
    let sheet = sheet_of(&std::fs::read(workspace.path(Path::new(csv).with_extension("xlsx"))).unwrap());
    let cell =
        regex::Regex::new(r#"<c r="([A-Z]+)(\d+)" s="[12]" t="inlineStr"><is><t xml:space="preserve">([^<]*)</t>"#);
    for found in cell.unwrap().captures_iter(&sheet) {
        let column = found[1].bytes().fold(0, |sum, letter| sum * 26 + usize::from(letter - b'A') + 1);
        let text = found[3].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        assert!(cells.insert((found[2].parse::<usize>().unwrap(), column), text).is_none());
    }
    let want = rows
        .iter()
        .enumerate()
        .flat_map(|(y, row)| row.iter().enumerate().map(move |(x, cell)| ((y + 1, x + 1), cell)));
    assert_eq!(
        cells,
        want.filter(|(_, cell)| !cell.is_empty()).map(|(at, cell)| (at, cell.clone())).collect(),
        "{csv}"
    );
}

/// The sheet of a workbook.
fn sheet_of(bytes: &[u8]) -> String {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("an archive");
    std::io::read_to_string(archive.by_name("xl/worksheets/sheet1.xml").expect("a sheet")).expect("a text")
}

#[test]
fn tables_come_in_other_formats_and_go_again() {
    let workspace = mixed();
    workspace.copy_sample("scored-csv", "in/scored");
    let also = |out: &str, workers: &str| {
        let formats = ["--also", "xlsx,jsonl", "--also", "jsonl", "--statistics", "--review-below", "1"];
        let args = [&["-q", "-i", "in", "-o", out, "--max-workers", workers], &formats[..]].concat();
        workspace.omr(&args).succeeded();
    };
    also("out", "4");
    let tables = [
        "Results/Results.csv",
        "Results/Confidence.csv",
        "Manual/ErrorFiles.csv",
        "Manual/MultiMarkedFiles.csv",
        "Manual/Review.csv",
    ];
    let scored = tables
        .iter()
        .chain(&["Results/Items.csv", "Results/Statistics.csv"])
        .map(|table| format!("out/scored/{table}"));
    let all: Vec<String> = tables.iter().map(|table| format!("out/{table}")).chain(scored).collect();
    all.iter().for_each(|table| same_table(&workspace, table));
    let tree = workspace.tree("out");
    let ending = |ending: &str| tree.keys().filter(|path| path.extension().is_some_and(|e| e == ending)).count();
    assert_eq!((ending("jsonl"), ending("xlsx"), ending("partial")), (all.len(), all.len(), 0));
    also("one", "1");
    assert!(workspace.tree("one") == tree, "the same bytes for any number of workers");
    // Without the option they go, and what someone else put there stays.
    workspace.write("out/Results/mine.xlsx", "mine");
    workspace.omr(&["-q", "-i", "in", "-o", "out"]).succeeded();
    let left: Vec<_> = workspace
        .tree("out")
        .into_keys()
        .filter(|path| path.extension().is_some_and(|e| e == "xlsx" || e == "jsonl"))
        .collect();
    assert_eq!(left, [Path::new("Results/mine.xlsx")]);
}

#[test]
fn a_run_that_goes_on_and_shards_end_with_the_files_of_one_run() {
    let workspace = mixed();
    let also = ["--also", "jsonl,xlsx"];
    let run = |args: &[&str]| workspace.omr(&[args, &also].concat()).succeeded();
    run(&["-q", "-i", "in", "-o", "whole"]);
    let whole = workspace.tree("whole");
    assert!(whole.contains_key(Path::new("Results/Results.xlsx")));
    // The first run made neither format, and a sheet has come since.
    std::fs::rename(workspace.path("in/page-2.jpg"), workspace.path("later.jpg")).unwrap();
    workspace.omr(&["-q", "-i", "in", "-o", "on"]).succeeded();
    std::fs::rename(workspace.path("later.jpg"), workspace.path("in/page-2.jpg")).unwrap();
    let summary = run(&["-q", "-i", "in", "-o", "on", "--resume", "--summary", "json"]).stdout();
    assert!(workspace.tree("on") == whole);
    // What an earlier run read is counted, too.
    let summary: Value = serde_json::from_str(&summary).unwrap();
    assert_eq!((summary["images"].as_u64(), summary["errors"]["empty-file"].as_u64()), (Some(6), Some(2)), "{summary}");
    for shard in ["1/2", "2/2"] {
        workspace.omr(&["-q", "-i", "in", "-o", &format!("shard-{}", &shard[..1]), "--shard", shard]);
    }
    run(&["merge", "-q", "shard-1", "shard-2", "--output", "merged"]);
    assert!(workspace.tree("merged") == whole);
}

#[test]
fn a_place_that_a_workbook_cannot_take_is_told_before_the_first_sheet() {
    let workspace = mixed();
    std::fs::create_dir_all(workspace.path("out/Manual/Review.xlsx")).unwrap();
    let run = workspace.omr(&["-i", "in", "-o", "out", "--also", "xlsx"]);
    assert_eq!(run.code(), 1);
    assert!(run.stderr().contains("`out/Manual/Review.xlsx` cannot be written"), "{}", run.stderr());
    assert!(!run.stderr().contains("images ="), "{}", run.stderr());
    assert!(workspace.omr(&["-i", "in", "-o", "out", "--set-layout", "--also", "xlsx"]).code() == 2);
}

/// A file may not grow beyond 16 KiB, as on a disk that is full: rows are whole up to there, and the summary says how far it came.
#[cfg(target_os = "linux")]
#[test]
fn a_run_that_fails_half_way_leaves_whole_rows_and_a_summary() {
    let workspace = Workspace::new();
    workspace.copy_sample("plain", "in");
    for i in 0..200 {
        workspace.write(format!("in/x{i:03}.png"), "");
    }
    let script = r#"trap '' XFSZ; ulimit -f 16; exec "$0" -i in -o out --no-pictures --summary json --max-workers 1"#;
    let mut command = std::process::Command::new("bash");
    command.args(["-c", script, env!("CARGO_BIN_EXE_omr")]).current_dir(workspace.path(""));
    let run = crate::support::Run::from(command.output().expect("bash runs"));
    assert_eq!(run.code(), 1, "{}", run.stderr());
    // The journal is the first that does not fit: it says more of each sheet than a row does.
    assert!(run.stderr().contains("` cannot be written: File too large"), "{}", run.stderr());
    let summary: Value = serde_json::from_str(&run.stdout()).unwrap();
    assert_eq!((&summary["status"], &summary["images"]), (&Value::from("failed"), &Value::from(203)));
    assert!(summary["unreadable"].as_u64().is_some_and(|count| (10..200).contains(&count)), "{summary}");
    for table in ["Results/Results.csv", "Manual/ErrorFiles.csv", "Manual/Review.csv"] {
        let name = format!("out/{table}.partial");
        let text = std::fs::read_to_string(workspace.path(&name)).unwrap();
        assert!(text.ends_with("\"\n"), "{table}");
        let rows = workspace.csv(&name);
        assert!(rows.len() > 3 && rows.iter().all(|row| row.len() == rows[0].len()), "{table}");
    }
    assert!(!workspace.path("out/Manual/ErrorFiles.csv").exists());
    // With room again, all of it is there.
    workspace.omr(&["-q", "-i", "in", "-o", "out", "--no-pictures"]).succeeded();
    assert_eq!(workspace.csv("out/Manual/ErrorFiles.csv").len(), 201);
    assert!(!workspace.tree("out").into_keys().any(|path| path.extension().is_some_and(|e| e == "partial")));
}

#[test]
fn a_script_that_must_stop_says_at_what() {
    let workspace = Workspace::new();
    workspace.copy_sample("plain", "in");
    let code = |more: &[&str]| workspace.omr(&[&["-q", "-i", "in", "-o", "out"], more].concat()).code();
    assert_eq!(code(&["--fail-on", "error"]), 0);
    assert_eq!(code(&["--fail-on", "review"]), 0);
    // A doubt about a sheet that was read is nothing for `error`.
    assert_eq!(code(&["--fail-on", "error", "--review-below", "1"]), 0);
    assert_eq!(code(&["--fail-on", "review", "--review-below", "1"]), 3);
    assert_eq!(code(&["--review-below", "1"]), 0);
    // An image that cannot be read has its row in both tables.
    workspace.write("in/x.png", "");
    assert_eq!(code(&[]), 0);
    assert_eq!(code(&["--fail-on", "error"]), 3);
    assert_eq!(code(&["--fail-on", "review"]), 3);
    assert_eq!(code(&["--fail-on", "error,review"]), 3);
    assert_eq!(code(&["--fail-on", "anything"]), 2);
}
