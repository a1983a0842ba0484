//! What is tried with foreign bytes. Each target is a function, so that `cargo test` can replay the corpora by them
//! (`tests/it/corpus.rs`) without the fuzzer.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use image::GrayImage;
use omr::config::{Config, Limits, OutputMode};
use omr::deadline::Deadline;
use omr::dialect::Dialect;
use omr::evaluation::{Evaluation, key_csv as keys};
use omr::json::Document;
use omr::pages::{Kind, PagedFile, Resolution};
use omr::scoring::{Scorer, SheetName, SheetNames, SheetValues};
use omr::sheet::decode::{self as pictures, GrayRule, Wanted, WantedColour};
use omr::sheet::{self, PictureFormat, Pictures, Request, Scan, Scratch, SheetContext, Stages};
use omr::template::Template;

/// Pictures and pages of more pixels are possible, and take too long for a fuzzer.
const MAX_PIXELS: u64 = 1 << 20;

fn document(name: &str, bytes: &[u8]) -> Option<Document> {
    let text = String::from_utf8(bytes.to_vec()).ok()?;
    Document::parse(Path::new(name), text).ok()
}

/// A template; one that can be used reads a sheet of noise.
pub fn template(bytes: &[u8]) {
    let Some(document) = document("template.json", bytes) else { return };
    let limits = Limits { max_pixels: MAX_PIXELS, time_per_sheet: Duration::from_secs(2), ..Limits::default() };
    let config = Config { limits, ..Config::default() };
    let Ok((template, _)) = Template::read(&document, &config) else { return };
    // Bubbles by the ten thousand are read well, but not by the thousand times a minute.
    if template.layouts().flat_map(Template::fields).map(|(_, field)| 1 + field.bubbles.len()).sum::<usize>() > 2000 {
        return;
    }
    let load = |_: &Path| Ok(noise(60, 40));
    let Ok(context) = SheetContext::prepare(Arc::new(template), &config, OutputMode::Default, &load) else { return };
    let mut scratch = Scratch::default();
    scratch.begin(&limits);
    let pictures = Some(Pictures { format: PictureFormat::Jpeg, in_colour: false });
    let request = Request { pictures, ..Request::default() };
    let names = SheetNames::of("a.png".as_ref(), Path::new("in/a.png"));
    let _ = sheet::process(
        &Scan::File(sheet_of_noise()),
        &context,
        names.name(),
        request,
        &mut scratch,
        &mut Stages::off(),
    );
}

/// A config.
pub fn config(bytes: &[u8]) {
    if let Some(document) = document("config.json", bytes) {
        let _ = Config::read(&document);
    }
}

/// An evaluation; one that can be used scores a sheet.
pub fn evaluation(bytes: &[u8]) {
    const QUESTIONS: [&str; 6] = ["q1", "q2", "q3", "q4", "q5", "roll"];
    let Some(document) = document("nowhere/evaluation.json", bytes) else { return };
    let Ok((evaluation, _)) = Evaluation::from_document(&document) else { return };
    let blocks = QUESTIONS.iter().enumerate().map(|(i, label)| {
        format!(
            r#""{label}": {{"fieldType": "QTYPE_MCQ4", "origin": [20, {}], "bubblesGap": 30, "labelsGap": 30, "fieldLabels": ["{label}"]}}"#,
            20 + 40 * i
        )
    });
    let blocks: Vec<String> = blocks.collect();
    let text = format!(
        r#"{{"pageDimensions": [300, 400], "bubbleDimensions": [20, 20], "fieldBlocks": {{{}}}}}"#,
        blocks.join(",")
    );
    let Some(of_sheet) = self::document("template.json", text.as_bytes()) else { return };
    let Ok((template, _)) = Template::read(&of_sheet, &Config::default()) else { return };
    let values = SheetValues::of_template(&template);
    let no_picture = |_: &Path, _: &[String]| Ok(Vec::new());
    let Ok(built) = Scorer::build(&evaluation, Dialect::V1, &values, false, &no_picture) else { return };
    for marked in ["A", "", "AB", "é"] {
        let values: Vec<&str> = built.scorer.needs().iter().map(|_| marked).collect();
        let score = built.scorer.score(&values, SheetName { file_name: "a.png", file_path: "in/a.png" });
        let _ = (score.cell(), built.scorer.table(&score, &values));
    }
}

/// An answer key in a CSV.
pub fn key_csv(bytes: &[u8]) {
    for dialect in [Dialect::V1, Dialect::V2] {
        let _ = keys::parse(Path::new("key.csv"), bytes, dialect);
    }
}

/// A picture of any format.
pub fn decode(bytes: &[u8]) {
    for (colour, gray) in [
        (WantedColour::None, GrayRule::Direct),
        (WantedColour::Beside, GrayRule::Direct),
        (WantedColour::First, GrayRule::FromColour),
    ] {
        let deadline = Deadline::after(Duration::from_secs(2));
        let limits = pictures::Limits { max_pixels: MAX_PIXELS, min_side: 1, deadline };
        let _ = pictures::decode(bytes, Wanted { colour, gray }, limits);
    }
}

/// The pages of a TIFF or PDF: counted, taken out, decoded.
pub fn pages(bytes: &[u8]) {
    /// More would say no more.
    const MAX_PAGES: u32 = 4;
    let Some(kind) = Kind::of(bytes) else { return };
    // Pages are drawn in a few milliseconds.
    let resolution = Resolution::of_longer_side(300);
    let Ok(file) = PagedFile::open(kind, bytes.to_vec(), MAX_PAGES) else { return };
    for number in 1..=file.len() {
        // A page that is never made is for the fuzzer to find, not for the limit.
        let allowed = Deadline::after(Duration::from_secs(60));
        let limits = pictures::Limits { max_pixels: MAX_PIXELS, min_side: 1, deadline: allowed };
        let Ok(scan) = file.scan(number, resolution, limits) else { continue };
        let deadline = Deadline::after(Duration::from_secs(2));
        let limits = pictures::Limits { max_pixels: MAX_PIXELS, min_side: 1, deadline };
        let _ = scan.decode(Wanted { colour: WantedColour::None, gray: GrayRule::Direct }, limits);
    }
}

/// Grays without order, the same each time.
fn noise(width: u32, height: u32) -> GrayImage {
    let mut state = 12_345u32;
    GrayImage::from_fn(width, height, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        image::Luma([(state >> 24) as u8])
    })
}

/// A BMP of noise, which takes no encoder.
fn sheet_of_noise() -> Vec<u8> {
    let (width, height) = (256u32, 256u32);
    let mut bytes = b"BM".to_vec();
    let offset = 54 + 1024;
    bytes.extend((offset + width * height).to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(offset.to_le_bytes());
    bytes.extend(40u32.to_le_bytes());
    bytes.extend(width.to_le_bytes());
    bytes.extend(height.to_le_bytes());
    bytes.extend([1, 0, 8, 0]);
    bytes.extend([0; 24]);
    bytes.extend((0..=255u8).flat_map(|v| [v, v, v, 0]));
    bytes.extend(noise(width, height).into_raw());
    bytes
}
