use super::*;
use std::fs;

/// A deck's truth and a run's results, by hand.
struct Case(tempfile::TempDir);

impl Case {
    fn new() -> Self {
        let case = Self(tempfile::tempdir().unwrap());
        case.write("truth.csv", TRUTH);
        case.write("deck.json", MANIFEST);
        case.write("out/scanner/Results/Results.csv", RESULTS);
        case.write("out/scanner/Manual/Review.csv", REVIEW);
        case.write("out/scanner/Manual/ErrorFiles.csv", ERRORS);
        case.write("out/scanner/Manual/MultiMarkedFiles.csv", MULTI);
        case
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn compare(&self) -> Result<Report, AccuracyError> {
        compare(&self.0.path().join("truth.csv"), &self.0.path().join("out"))
    }

    fn error(&self) -> String {
        let text = self.compare().unwrap_err().to_string();
        text.replace(&self.0.path().display().to_string(), "")
    }
}

/// Two digits that make a column, two questions and a dot, on four sheets. The columns that nobody needs are not there.
const TRUTH: &str = "\
file,field,column,part,kind,degradation,value
scanner/1.png,d1,id,1,full,scanner,3
scanner/1.png,d2,id,2,blank,scanner,-
scanner/1.png,q1,q1,1,full,scanner,A
scanner/1.png,q2,q2,1,blank,scanner,
scanner/1.png,q3,q3,1,dot,scanner,B
scanner/2.png,d1,id,1,light,scanner,4
scanner/2.png,d2,id,2,full,scanner,5
scanner/2.png,q1,q1,1,double,scanner,AC
scanner/2.png,q2,q2,1,full,scanner,B
scanner/2.png,q3,q3,1,dot,scanner,C
scanner/3.png,d1,id,1,full,phone,1
scanner/3.png,d2,id,2,full,phone,2
scanner/3.png,q1,q1,1,tick,phone,D
scanner/3.png,q2,q2,1,full,phone,A
scanner/3.png,q3,q3,1,full,phone,A
scanner/4.png,d1,id,1,full,phone,7
scanner/4.png,d2,id,2,full,phone,7
scanner/4.png,q1,q1,1,full,phone,A
scanner/4.png,q2,q2,1,blank,phone,
scanner/4.png,q3,q3,1,full,phone,C
";

const MANIFEST: &str = r#"{"omr_deck": 1, "fields": [
  {"label": "d1", "empty": "-", "values": ["1", "2", "3", "4", "5", "6", "7"]},
  {"label": "d2", "empty": "-", "values": ["1", "2", "3", "4", "5", "6", "7"]},
  {"label": "q1", "empty": "", "values": ["A", "B", "C", "D"]},
  {"label": "q2", "empty": "", "values": ["A", "B", "C", "D"]},
  {"label": "q3", "empty": "", "values": ["A", "B", "C", "D"]}]}"#;

/// Sheet 1: d2 reads 6 and is silent, the dot is read and not reported. Sheet 2: d1 reads 6 and is reported, q1 is right and
/// reported, the dot is blank and reported. Sheet 4 is doubted as a whole, and its q3 is wrong.
const RESULTS: &str = r#""file_id","input_path","output_path","score","id","q1","q2","q3"
"1.png","deck/scanner/1.png","x","0","36","A","","B"
"2.png","deck/scanner/2.png","x","0","65","AC","B",""
"#;

const MULTI: &str = r#""file_id","input_path","output_path","score","id","q1","q2","q3"
"4.png","deck/scanner/4.png","x","NA","77","A","","ACD"
"#;

const ERRORS: &str = r#""file_id","input_path","output_path","score","id","q1","q2","q3"
"3.png","deck/scanner/3.png","x","NA","","","",""
"#;

const REVIEW: &str = r#""file_id","input_path","field","column","value","reason","confidence"
"2.png","deck/scanner/2.png","d1","id","6","faint-mark","0.700"
"2.png","deck/scanner/2.png","q1","q1","AC","multiple-marks","0.900"
"2.png","deck/scanner/2.png","q3","q3","","stray-ink","0.600"
"3.png","deck/scanner/3.png","","","no markers","marker-not-found","0.000"
"4.png","deck/scanner/4.png","","","upside down?","orientation-uncertain","0.000"
"#;

fn counts(fields: u64, right: u64, wrong_reported: u64, silent: u64, unread: u64, reported: u64) -> Counts {
    Counts { fields, right, wrong_reported, silent, unread, reported }
}

#[test]
fn every_count_is_right() {
    let report = Case::new().compare().unwrap();
    assert_eq!(report.total(), counts(20, 11, 2, 2, 5, 8));
    assert_eq!(
        report.kinds(),
        [
            ("full", counts(12, 7, 1, 0, 4, 4)),
            ("light", counts(1, 0, 1, 0, 0, 1)),
            ("blank", counts(3, 2, 0, 1, 0, 1)),
            ("double", counts(1, 1, 0, 0, 0, 1)),
            ("tick", counts(1, 0, 0, 0, 1, 0)),
            ("dot", counts(2, 1, 0, 1, 0, 1)),
        ]
    );
    assert_eq!(report.degradations(), [("scanner", counts(10, 7, 1, 2, 0, 3)), ("phone", counts(10, 4, 1, 0, 5, 5))]);
    let phone = report.sheets_of("phone");
    assert_eq!((phone.sheets, phone.unread, phone.doubted), (2, 1, 1));
    assert_eq!((report.guessed, report.not_written), (0, 0));
    assert_eq!(report.total().reported_per_mille(), 1000.0 * 8.0 / 15.0);
    let bound = report.total().silent_bound();
    // Two of fifteen: 95 % of Beta(3, 13).
    assert!((bound - 0.363_44).abs() < 1e-4, "{bound}");
}

#[test]
fn the_tables_say_what_was_counted() {
    let text = Case::new().compare().unwrap().to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[..8],
        [
            "kind    fields  right  wrong, reported  wrong, silent  not read  reported/1000  silent, at most",
            "full        12      7                1              0         4          500.0           31.2 %",
            "light        1      0                1              0         0         1000.0           95.0 %",
            "blank        3      2                0              1         0          333.3           86.5 %",
            "double       1      1                0              0         0         1000.0           95.0 %",
            "tick         1      0                0              0         1              -                -",
            "dot          2      1                0              1         0          500.0           97.5 %",
            "all         20     11                2              2         5          533.3           36.3 %",
        ]
    );
    assert!(lines[9].ends_with("sheets  not read  doubted whole"), "{text}");
    assert!(lines[11].starts_with("phone") && lines[11].ends_with("     2         1              1"), "{text}");
    assert!(text.contains("Confidence.csv, which these results do not have"), "{text}");
}

#[test]
fn an_id_that_stands_on_two_sheets_reports_no_field() {
    let case = Case::new();
    let twin = "\"1.png\",\"deck/scanner/1.png\",\"\",\"\",\"has the id `36`\",\"duplicate-id\",\"0.000\"\n";
    case.write("out/scanner/Manual/Review.csv", &(REVIEW.to_owned() + twin));
    assert_eq!(case.compare().unwrap().total(), Case::new().compare().unwrap().total());
    case.write("out/scanner/Manual/Review.csv", &(REVIEW.to_owned() + &twin.replace("duplicate-id", "blurred")));
    assert_eq!(case.compare().unwrap().total().silent, 0);
}

#[test]
fn a_column_for_each_field_says_more_than_a_joined_one() {
    let case = Case::new();
    let moderation =
        RESULTS.replace("\"id\"", "\"d1\",\"d2\"").replace("\"36\"", "\"3\",\"6\"").replace("\"65\"", "\"6\",\"5\"");
    case.write("out/scanner/Results/Results.csv", &moderation);
    assert_eq!(case.compare().unwrap().total(), Case::new().compare().unwrap().total());
}

#[test]
fn joined_columns_that_do_not_tell_their_fields_are_told() {
    let case = Case::new();
    case.write("out/scanner/Results/Results.csv", &RESULTS.replace("\"36\"", "\"3\""));
    let report = case.compare().unwrap();
    // No parting of `3` is two fields': both are wrong.
    assert_eq!((report.guessed, report.total().silent), (1, 3));
    assert!(report.to_string().contains("--outputMode moderation"));
    case.write("out/scanner/Results/Results.csv", &RESULTS.replace("\"id\"", "\"number\""));
    assert_eq!(case.compare().unwrap().not_written, 4);
}

const CONFIDENCE: &str = r#""file_id","d1","d2","q1","q2","q3"
"1.png","0.9999","0.86","0.999","1","0.985"
"2.png","0.7000","0.9999","0.9","0.9996","0.6"
"4.png","0.5","0.5","0.5","0.5","0.5"
"#;

#[test]
fn confidences_make_the_other_tables() {
    let case = Case::new();
    case.write("out/scanner/Results/Confidence.csv", CONFIDENCE);
    let report = case.compare().unwrap();
    let text = report.to_string();
    let after = |name: &str| text.lines().skip_while(|l| !l.starts_with(name)).skip(1).collect::<Vec<_>>();
    let cells =
        |line: &str| line.split("  ").map(str::trim).filter(|c| !c.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let rows: Vec<_> = after("confidence").into_iter().take_while(|l| !l.is_empty()).map(cells).collect();
    assert_eq!(
        rows,
        [
            ["0.5 to 0.7", "6", "5", "83.333 %", "0.5167"],
            ["0.7 to 0.8", "1", "0", "0.000 %", "0.7000"],
            ["0.8 to 0.9", "1", "0", "0.000 %", "0.8600"],
            ["0.9 to 0.95", "1", "1", "100.000 %", "0.9000"],
            ["0.985 to 0.99", "1", "1", "100.000 %", "0.9850"],
            ["0.999 to 0.9995", "1", "1", "100.000 %", "0.9990"],
            ["0.9995 to 1", "4", "4", "100.000 %", "0.9999"],
        ]
    );
    let rows: Vec<_> = after("--review-below").into_iter().map(cells).collect();
    assert_eq!(rows[0], ["0", "8", "53.33 %", "2", "36.3 %"]);
    // The blank that was read as 6 has 0.86, the dot 0.985.
    assert_eq!(rows[4][..4], ["0.9", "9", "60.00 %", "1"]);
    assert_eq!(rows[8][..4], ["0.99", "10", "66.67 %", "0"]);
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(json["review_below"][8]["silent_left"], 0);
    assert_eq!(json["total"]["silent"], 2);
    assert_eq!(json["kinds"][2]["kind"], "blank");
    assert_eq!(json["cells"].as_array().unwrap().len(), 8);
    assert_eq!(json["sheets"][1]["unread"], 1);
    let no_numbers: serde_json::Value = serde_json::from_str(&Case::new().compare().unwrap().to_json()).unwrap();
    assert!(no_numbers["reliability"].is_null());
}

#[test]
fn without_a_manifest_values_are_those_of_the_table() {
    let case = Case::new();
    fs::remove_file(case.0.path().join("deck.json")).unwrap();
    // 6 stands nowhere in the truth: both fields of both columns are wrong.
    let report = case.compare().unwrap();
    assert_eq!((report.guessed, report.total().silent), (2, 4));
}

#[test]
fn what_is_wrong_is_told_with_line_and_column() {
    let told = |name: &str, from: &str, to: &str| {
        let case = Case::new();
        let path = case.0.path().join(name);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{name}: {from}");
        fs::write(&path, text.replace(from, to)).unwrap();
        case.error()
    };
    for (name, from, to, what) in [
        ("truth.csv", "id,2,blank", "id,two,blank", "/truth.csv`, line 3, column `part`: found `two`"),
        ("truth.csv", "value", "values", "/truth.csv`, line 1, column `value`: this column is missing"),
        ("truth.csv", "1.png,q2", "1.png,q1", "line 5, column `field`: the field `q1` of this sheet is there twice"),
        ("truth.csv", "full,scanner,3", ",scanner,3", "line 2, column `kind`: this cell is empty"),
        ("truth.csv", ",dot,scanner,B", ",dot", "/truth.csv` cannot be read"),
        (
            "out/scanner/Results/Results.csv",
            "\"2.png\",",
            "\"9.png\",",
            "in Results.csv, MultiMarkedFiles.csv or ErrorFiles.csv",
        ),
        (
            "out/scanner/Results/Results.csv",
            "\"2.png\",",
            "\"1.png\",",
            "line 3, column `file_id`: the sheet `scanner/1.png` has a row",
        ),
        ("out/scanner/Manual/Review.csv", "\"field\"", "\"fields\"", "line 1, column `field`: this column is missing"),
    ] {
        let error = told(name, from, to);
        assert!(error.contains(what), "{name}: {error}");
    }
    let case = Case::new();
    case.write("truth.csv", &(TRUTH.to_owned() + "phone/5.png,q1,q1,1,full,phone,A\n"));
    assert!(case.error().contains("1 of the 5 sheet(s)") && case.error().contains("`phone/5.png`"), "{}", case.error());
    case.write("out/scanner/Results/Confidence.csv", &CONFIDENCE.replace("0.86", "86 %"));
    assert!(case.error().contains("line 2, column `d2`: found `86 %`"), "{}", case.error());
    fs::remove_dir_all(case.0.path().join("out/scanner/Results")).unwrap();
    assert!(case.error().contains("no Results/Results.csv"), "{}", case.error());
}
