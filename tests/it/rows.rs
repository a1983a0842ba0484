//! Rows to the letter: sheets drawn pixel by pixel, and the CSV lines that they become.

use image::{DynamicImage, GrayImage, ImageFormat, Luma};

use crate::support::Workspace;

/// Two questions of four bubbles and one of two, 10×10 px each, 20 px apart.
const TEMPLATE: &str = r#"{
  "pageDimensions": [100, 100],
  "bubbleDimensions": [10, 10],
  "emptyValue": "-",
  "fieldBlocks": {
    "Q": { "fieldType": "QTYPE_MCQ4", "origin": [10, 10], "bubblesGap": 20, "labelsGap": 20, "fieldLabels": ["q1..2"] },
    "P": { "bubbleValues": ["Y", "N"], "direction": "horizontal", "origin": [10, 50], "bubblesGap": 20, "labelsGap": 20,
           "fieldLabels": ["p"], "maxMarks": 1 }
  }
}"#;

/// The same page for the v2 family.
const TEMPLATE_V2: &str = r#"{
  "templateDimensions": [100, 100],
  "processingImageShape": [100, 100],
  "bubbleDimensions": [10, 10],
  "emptyValue": "-",
  "preProcessors": [],
  "customBubbleFieldTypes": { "CUSTOM_YN": { "bubbleValues": ["Y", "N"], "direction": "horizontal" } },
  "fieldBlocks": {
    "Q": { "fieldDetectionType": "BUBBLES_THRESHOLD", "bubbleFieldType": "QTYPE_MCQ4", "origin": [10, 10],
           "bubblesGap": 20, "labelsGap": 20, "fieldLabels": ["q1..2"] },
    "P": { "fieldDetectionType": "BUBBLES_THRESHOLD", "bubbleFieldType": "CUSTOM_YN", "origin": [10, 50],
           "bubblesGap": 20, "labelsGap": 20, "fieldLabels": ["p"] }
  }
}"#;

const NO_RESIZE: &str = r#"{"dimensions": {"processing_width": 100, "processing_height": 100}}"#;

/// A white page with the bubbles at these places (column, row) filled with this gray.
fn sheet(marks: &[(u32, u32, u8)]) -> Vec<u8> {
    let mut page = GrayImage::from_pixel(100, 100, Luma([255]));
    // A black corner, so that the grays are not stretched.
    page.put_pixel(99, 99, Luma([0]));
    for &(column, row, gray) in marks {
        for y in 0..10 {
            for x in 0..10 {
                page.put_pixel(10 + 20 * column + x, 10 + 20 * row + y, Luma([gray]));
            }
        }
    }
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::ImageLuma8(page).write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn text(workspace: &Workspace, name: &str) -> String {
    std::fs::read_to_string(workspace.path(name)).unwrap()
}

/// Marks for q1 = B, q2 blank, p = N.
const PLAIN: [(u32, u32, u8); 2] = [(1, 0, 20), (1, 2, 20)];

#[test]
fn read_diverted_and_unreadable_sheets() {
    let workspace = Workspace::new();
    workspace.write("in/template.json", TEMPLATE);
    workspace
        .write("in/config.json", NO_RESIZE.replacen('{', r#"{"outputs": {"filter_out_multimarked_files": true}, "#, 1));
    workspace.write("in/sub/1 plain.png", sheet(&PLAIN));
    workspace.write("in/sub/2, \"double\".png", sheet(&[(0, 0, 20), (2, 0, 20), (0, 2, 20)]));
    workspace.write("in/sub/3.tif", b"not a TIFF");
    workspace.omr(&["-i", "./in/", "-o", "out"]).succeeded();
    assert_eq!(
        text(&workspace, "out/sub/Results/Results.csv"),
        "\"file_id\",\"input_path\",\"output_path\",\"score\",\"p\",\"q1\",\"q2\"\n\
         \"1 plain.png\",\"in/sub/1 plain.png\",\"sub/CheckedOMRs/1 plain.png\",\"0\",\"N\",\"B\",\"-\"\n"
    );
    assert_eq!(
        text(&workspace, "out/sub/Manual/MultiMarkedFiles.csv").lines().nth(1).unwrap(),
        "\"2, \"\"double\"\".png\",\"in/sub/2, \"\"double\"\".png\",\
         \"sub/Manual/MultiMarkedFiles/2, \"\"double\"\".png\",\"NA\",\"Y\",\"AC\",\"-\""
    );
    assert_eq!(
        text(&workspace, "out/sub/Manual/ErrorFiles.csv").lines().nth(1).unwrap(),
        "\"3.tif\",\"in/sub/3.tif\",\"sub/Manual/ErrorFiles/3.tif\",\"NA\",\"\",\"\",\"\""
    );
    assert_eq!(
        text(&workspace, "out/sub/Manual/Review.csv"),
        "\"file_id\",\"input_path\",\"field\",\"column\",\"value\",\"reason\",\"confidence\"\n\
         \"3.tif\",\"in/sub/3.tif\",\"\",\"\",\"the file holds text and begins like no picture; expected JPEG, PNG, TIFF, \
         BMP, WebP or PDF\",\"not-an-image\",\"0.000\"\n"
    );
    let pictures: Vec<_> = workspace.tree("out/sub/CheckedOMRs").into_keys().collect();
    assert_eq!(pictures, ["1 plain.png", "2, \"double\".png"].map(std::path::PathBuf::from));
}

#[test]
fn doubts_name_the_field_the_column_and_the_reason() {
    let workspace = Workspace::new();
    let joined = TEMPLATE.replacen('{', r#"{ "customLabels": {"both": ["q1", "q2"]}, "#, 1);
    workspace.write("in/template.json", joined);
    workspace.write("in/config.json", NO_RESIZE);
    let all = [(0, 0, 20), (1, 0, 20), (2, 0, 20), (3, 0, 20)];
    workspace.write("in/all.png", sheet(&all));
    workspace.write("in/both.png", sheet(&[PLAIN[0], (0, 2, 20), (1, 2, 20)]));
    // The page parts at (20 + 255)/2 = 137.5; the deviation of q2 is small, so the page judges a lone 138.
    workspace.write("in/near.png", sheet(&[PLAIN[0], PLAIN[1], (3, 1, 202)]));
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    let doubts: Vec<Vec<String>> =
        workspace.csv("out/Manual/Review.csv")[1..].iter().map(|r| r[2..].to_vec()).collect();
    let told: Vec<(&str, &str, &str, &str)> =
        doubts.iter().map(|d| (d[0].as_str(), d[1].as_str(), d[2].as_str(), d[3].as_str())).collect();
    assert!(told.contains(&("q1", "both", "ABCD", "all-marked")), "{told:?}");
    assert!(told.contains(&("p", "p", "YN", "multiple-marks")), "{told:?}");
    for doubt in &doubts {
        let confidence: f64 = doubt[4].parse().unwrap();
        assert!((0.0..=1.0).contains(&confidence) && doubt[4].len() == 5, "{doubt:?}");
    }
}

#[test]
fn v2_makes_a_blank_of_a_field_whose_bubbles_are_all_marked_and_says_so() {
    let workspace = Workspace::new();
    workspace.write("in/template.json", TEMPLATE_V2);
    workspace.write("in/a.png", sheet(&[(1, 0, 20), (0, 2, 20), (1, 2, 20)]));
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    assert_eq!(workspace.csv("out/Results/Results.csv")[1][4..], ["-", "B", "-"]);
    let doubts = workspace.csv("out/Manual/Review.csv");
    assert_eq!(doubts[1][2..6], ["p", "p", "-", "all-marked"]);
}

#[test]
fn a_sheet_that_breaks_later_loses_its_old_picture() {
    let workspace = Workspace::new();
    workspace.write("in/template.json", TEMPLATE);
    for name in ["a", "b"] {
        workspace.write(format!("in/{name}.png"), sheet(&PLAIN));
    }
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    workspace.write("in/a.png", b"broken");
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    workspace.omr(&["-i", "in", "-o", "fresh"]).succeeded();
    assert_eq!(workspace.tree("out"), workspace.tree("fresh"));
    assert!(!workspace.path("out/CheckedOMRs/a.png").exists() && workspace.path("out/CheckedOMRs/b.png").exists());
}

#[test]
fn results_of_omr_in_the_tree_are_not_read_as_sheets() {
    let workspace = Workspace::new();
    workspace.write("in/template.json", TEMPLATE);
    workspace.write("in/room1/a.png", sheet(&PLAIN));
    workspace.omr(&["-i", "in", "-o", "in/results"]).succeeded();
    workspace.omr(&["-i", "in/room1", "-o", "in/more", "--template", "in/template.json"]).succeeded();
    let run = workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    assert!(run.stderr().contains("1 image = 1 read"), "{}", run.stderr());
}

#[test]
fn a_marker_picture_is_no_sheet_wherever_it_lies() {
    let workspace = Workspace::new();
    let markers = r#"{ "preProcessors": [{"name": "CropOnMarkers", "options": {"relativePath": "../marker.png"}}], "#;
    workspace.write("in/form/template.json", TEMPLATE.replacen('{', markers, 1));
    workspace.write("in/marker.png", sheet(&PLAIN));
    workspace.write("in/form/a.png", sheet(&PLAIN));
    let run = workspace.omr(&["check", "in", "--allow-outside"]).succeeded();
    assert!(run.stdout().contains("1 sheet(s) in 1 folder(s)"), "{}", run.stdout());
}

#[test]
fn a_marker_without_contrast_is_refused() {
    let workspace = Workspace::new();
    let markers = r#"{ "preProcessors": [{"name": "CropOnMarkers", "options": {"relativePath": "m.png"}}], "#;
    workspace.write("in/template.json", TEMPLATE.replacen('{', markers, 1));
    let mut blank = std::io::Cursor::new(Vec::new());
    let white = GrayImage::from_pixel(60, 60, Luma([255]));
    DynamicImage::ImageLuma8(white).write_to(&mut blank, ImageFormat::Png).unwrap();
    workspace.write("in/m.png", blank.into_inner());
    workspace.write("in/a.png", sheet(&PLAIN));
    let run = workspace.omr(&["-i", "in", "-o", "out"]);
    assert_eq!(run.code(), 1);
    assert!(run.stderr().contains("no contrast"), "{}", run.stderr());
}

#[test]
fn an_output_that_cannot_be_written_is_found_before_the_first_sheet() {
    let workspace = Workspace::new();
    workspace.write("in/template.json", TEMPLATE);
    workspace.write("in/a/1.png", sheet(&PLAIN));
    workspace.write("in/z/1.png", sheet(&PLAIN));
    std::fs::create_dir_all(workspace.path("out/z/Results/Results.csv")).unwrap();
    let run = workspace.omr(&["-i", "in", "-o", "out"]);
    assert_eq!(run.code(), 1);
    assert!(run.stderr().contains("out/z/Results/Results.csv"), "{}", run.stderr());
    assert!(!workspace.path("out/a/CheckedOMRs/1.png").exists());
}

#[test]
fn a_template_named_on_the_command_line_is_governed_by_the_roots_config() {
    let workspace = Workspace::new();
    workspace.write("form.json", TEMPLATE);
    // With this processing size a 100×100 page is read from 2×2 pixels: nothing can be right.
    workspace.write("in/config.json", r#"{"dimensions": {"processing_width": 2, "processing_height": 2}}"#);
    workspace.write("in/a.png", sheet(&PLAIN));
    workspace.omr(&["-i", "in", "-o", "out", "--template", "form.json"]).succeeded();
    assert_ne!(workspace.csv("out/Results/Results.csv")[1][4..], ["N", "B", "-"]);
    workspace.write("in/config.json", NO_RESIZE);
    workspace.omr(&["-i", "in", "-o", "out", "--template", "form.json"]).succeeded();
    assert_eq!(workspace.csv("out/Results/Results.csv")[1][4..], ["N", "B", "-"]);
}
