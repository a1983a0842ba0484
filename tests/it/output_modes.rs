//! Moderation, and marked pictures in colour.

use image::{DynamicImage, GrayImage, ImageFormat, Rgb, RgbImage};

use crate::sheets::{encoded, page, png};
use crate::support::Workspace;

const TEMPLATE: &str = r#"{
  "templateDimensions": [200, 300], "bubbleDimensions": [16, 16], "processingImageShape": [300, 200],
  "preProcessors": [{ "name": "Levels", "options": { "low": 0.1, "high": 0.9 } }],
  "customLabels": { "roll": ["r1", "r2"] },
  "fieldBlocks": {
    "R": { "fieldDetectionType": "BUBBLES_THRESHOLD", "bubbleFieldType": "QTYPE_MCQ4", "origin": [20, 20],
           "bubblesGap": 40, "labelsGap": 40, "fieldLabels": ["r1..2"] },
    "Q": { "fieldDetectionType": "BUBBLES_THRESHOLD", "bubbleFieldType": "QTYPE_MCQ4", "origin": [20, 100],
           "bubblesGap": 40, "labelsGap": 40, "fieldLabels": ["q1..2"] }
  }
}"#;

const EVALUATION: &str = r#"{"sourceType": "local",
    "options": {"questionsInOrder": ["q1", "roll"], "answersInOrder": ["C", "AB"]},
    "markingSchemes": {"DEFAULT": {"correct": 1, "incorrect": 0, "unmarked": 0}}}"#;

fn workspace(outputs: &str) -> Workspace {
    let workspace = Workspace::new();
    workspace.write("in/template.json", TEMPLATE);
    workspace.write("in/evaluation.json", EVALUATION);
    workspace.write("in/config.json", format!(r#"{{"outputs": {{{outputs}}}}}"#));
    workspace.write("in/a.png", png(&page("A B C D")));
    workspace
}

#[test]
fn moderation_writes_every_field_and_draws_nothing() {
    let by_config = workspace(r#""outputMode": "moderation""#);
    by_config.omr(&["-i", "in", "-o", "out"]).succeeded();
    let rows = by_config.csv("out/Results/Results.csv");
    assert_eq!(rows[0][3..], ["score", "q1", "q2", "r1", "r2"]);
    assert_eq!(rows[1][3..], ["2.0", "C", "D", "A", "B"]);
    let picture = image::open(by_config.path("out/CheckedOMRs/a.png")).unwrap().into_rgb8();
    let sheet: DynamicImage = page("A B C D").into();
    let off = picture.iter().zip(sheet.into_rgb8().iter()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
    assert!(off <= 21, "only `Levels` changed the page, but a pixel is off by {off}");
    assert!(picture.pixels().all(|p| p.0[0] == p.0[1] && p.0[1] == p.0[2]), "something is drawn");

    let by_flag = workspace("");
    by_flag.omr(&["-i", "in", "-o", "out", "--outputMode", "moderation"]).succeeded();
    assert_eq!(by_flag.tree("out"), by_config.tree("out"));
    by_config.omr(&["-i", "in", "-o", "out2", "--outputMode", "csv"]).succeeded();
    assert_eq!(by_config.csv("out2/Results/Results.csv")[0][4..], ["q1", "q2", "roll"], "the flag wins");
}

/// The page in colours: pink paper, marks in blue ink.
fn tinted(page: &GrayImage) -> RgbImage {
    RgbImage::from_fn(page.width(), page.height(), |x, y| match page.get_pixel(x, y).0[0] {
        255 => Rgb([250, 220, 225]),
        _ => Rgb([20, 20, 120]),
    })
}

#[test]
fn coloured_pictures_have_the_colours_of_the_page_and_the_marks_in_place() {
    let workspace = workspace(r#""coloredOutputsEnabled": true"#);
    let sheet = tinted(&page("A B C D"));
    workspace.write("in/b.png", png(&sheet));
    workspace.write("in/c.jpg", encoded(&sheet, ImageFormat::Jpeg));
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    let rows = workspace.csv("out/Results/Results.csv");
    assert!(rows[1..].iter().all(|row| row[4..] == ["C", "D", "AB"]), "{rows:?}");
    let [plain, coloured] = ["CheckedOMRs/b.png", "CheckedOMRs/colored/b.png"]
        .map(|name| image::open(workspace.path(format!("out/{name}"))).unwrap().into_rgb8());
    assert_eq!(coloured.dimensions(), (200, 300));
    let (mut own, mut drawn) = (0, 0);
    for (x, y, pixel) in coloured.enumerate_pixels() {
        let marked = plain.get_pixel(x, y).0;
        if marked[0] == marked[1] && marked[1] == marked[2] {
            // Nothing is drawn here but plates of letters: the page shows, and no gray filter touches it.
            // Luma and chroma are rounded, and two by two pixels share their chroma.
            own += usize::from(pixel.0.iter().zip(sheet.get_pixel(x, y).0).all(|(a, b)| a.abs_diff(b) <= 4));
        } else {
            assert_eq!(pixel.0, marked, "the same is drawn at ({x}, {y})");
            drawn += 1;
        }
    }
    assert!(drawn > 500 && own > 50_000, "{drawn} drawn, {own} of the page");
    let jpeg = image::open(workspace.path("out/CheckedOMRs/colored/c.jpg")).unwrap().into_rgb8();
    let paper = jpeg.get_pixel(190, 290).0;
    assert!(paper[0] > paper[1] + 15, "{paper:?}");
    assert!(workspace.path("out/CheckedOMRs/colored/a.png").exists(), "a gray sheet has one too");

    // Switched off, they go, and nothing else changes.
    let with = workspace.tree("out");
    workspace.write("in/config.json", "{}");
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    let without = workspace.tree("out");
    assert!(!workspace.path("out/CheckedOMRs/colored").exists());
    assert_eq!(with.len(), without.len() + 3);
    for name in ["Results/Results.csv", "CheckedOMRs/c.jpg", "Manual/Review.csv"] {
        let name = std::path::Path::new(name);
        assert_eq!(with[name], without[name], "{}", name.display());
    }
}

#[test]
fn a_config_further_down_decides_what_is_written_there() {
    let workspace = workspace("");
    let config = r#"{"outputs": {"outputMode": "moderation", "coloredOutputsEnabled": true}}"#;
    workspace.write("in/sub/config.json", config);
    workspace.write("in/sub/b.png", png(&page("A B C D")));
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    assert_eq!(workspace.csv("out/Results/Results.csv")[0][4..], ["q1", "q2", "roll"]);
    assert_eq!(workspace.csv("out/sub/Results/Results.csv")[0][4..], ["q1", "q2", "r1", "r2"]);
    assert!(workspace.path("out/sub/CheckedOMRs/colored/b.png").exists());
    assert!(!workspace.path("out/CheckedOMRs/colored").exists());
}
