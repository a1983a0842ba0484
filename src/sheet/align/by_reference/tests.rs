use image::Luma;
use proptest::prelude::*;

use super::*;
use crate::config::Config;
use crate::json::Document;

/// Three blocks of questions beside each other and one below, on a page of 500×520.
fn template(alignment: &str, extra: &str) -> Template {
    let block = |name: &str, x: u32, y: u32, labels: &str| {
        format!(
            r#""{name}": {{"fieldDetectionType": "BUBBLES_THRESHOLD", "bubbleFieldType": "QTYPE_MCQ4", "origin": [{x}, {y}],
                "bubblesGap": 26, "labelsGap": 24, "fieldLabels": ["{labels}"]}}"#
        )
    };
    let blocks = [
        block("A", 50, 60, "a1..8"),
        block("B", 200, 60, "b1..8"),
        block("C", 350, 60, "c1..8"),
        block("D", 50, 300, "d1..6"),
        block("E", 350, 300, "e1..6"),
    ];
    let text = format!(
        r#"{{"templateDimensions": [500, 520], "bubbleDimensions": [14, 14], "processingImageShape": [520, 500],
            "preProcessors": [], "alignment": {{"referenceImage": "r.png"{alignment}}}, "fieldBlocks": {{{}{extra}}}}}"#,
        blocks.join(", ")
    );
    let document = Document::parse(Path::new("t.json"), text).unwrap();
    Template::read(&document, &Config::default()).unwrap().0
}

const ROOM: &str = r#", "maxDisplacement": 15, "margins": {"top": 20, "right": 20, "bottom": 20, "left": 30}"#;

/// Moves of the paper: where the template's point (x, y) is printed.
type Paper = fn(f64, f64) -> (f64, f64);

/// The form: a ring for each bubble, a number of bars before each row, a frame around each block; some bubbles filled.
fn print(template: &Template, paper: Paper, filled: fn(usize) -> bool, ink: u8) -> GrayImage {
    let mut img = GrayImage::from_pixel(500, 520, Luma([235]));
    let mut shade = |x: f64, y: f64, gray: u8| {
        let (x, y) = paper(x, y);
        if x >= 0.0 && y >= 0.0 && x < 500.0 && y < 520.0 {
            img.put_pixel(x as u32, y as u32, Luma([gray]));
        }
    };
    let mut count = 0;
    for block in &template.blocks {
        let bounds = block.bounds;
        let (left, top) = (f64::from(bounds.x) - 28.0, f64::from(bounds.y) - 12.0);
        let (width, height) = (f64::from(bounds.width) + 40.0, f64::from(bounds.height) + 24.0);
        for i in 0..(2.0 * (width + height)) as u32 {
            let i = f64::from(i);
            let (x, y) = match i {
                i if i < width => (i, 0.0),
                i if i < width + height => (width, i - width),
                i if i < 2.0 * width + height => (i - width - height, height),
                i => (0.0, i - 2.0 * width - height),
            };
            shade(left + x, top + y, ink);
        }
        for (row, field) in block.fields.iter().enumerate().filter(|(_, field)| !field.bubbles.is_empty()) {
            for bar in (0..5u32).filter(|bar| (row as u32 * 11 + 5 + bounds.x as u32) >> bar & 1 == 1) {
                for y in 0..9 {
                    shade(
                        f64::from(bounds.x) - 22.0 + f64::from(bar) * 3.0,
                        f64::from(field.bubbles[0].y + 2 + y),
                        ink,
                    );
                }
            }
            for bubble in &field.bubbles {
                count += 1;
                for (dx, dy) in (-9..=9i32).flat_map(|dy| (-9..=9).map(move |dx| (dx, dy))) {
                    let square = dx * dx + dy * dy;
                    let (x, y) = (f64::from(bubble.x + 7 + dx), f64::from(bubble.y + 7 + dy));
                    if (49..=72).contains(&square) {
                        shade(x, y, ink);
                    }
                    if filled(count) && square <= 72 {
                        shade(x, y, 40);
                    }
                }
            }
        }
    }
    img
}

const STILL: Paper = |x, y| (x, y);

fn aligner(template: &Template) -> BlockAligner {
    let reference = print(template, STILL, |bubble| bubble % 5 == 0, 150);
    let load = |_: &Path| Ok(reference.clone());
    let steps = Steps::prepare(template, &Config::default(), &load).unwrap();
    BlockAligner::prepare(template, Path::new("r.png"), &steps, &load).unwrap()
}

/// The farthest that a bubble's box lies from where `paper` has printed it.
fn farthest(template: &Template, alignment: &Alignment, paper: Paper) -> f64 {
    let mut most = 0.0f64;
    for (i, block) in template.blocks.iter().enumerate() {
        for bubble in block.fields.iter().flat_map(|field| &field.bubbles) {
            let area = Rect::new(bubble.x, bubble.y, block.bubble_size.width, block.bubble_size.height);
            let found = alignment.placements[i].of(area);
            let (x, y) = paper(f64::from(area.x) + 7.0, f64::from(area.y) + 7.0);
            most = most.max((f64::from(found.x) + 7.0 - x).hypot(f64::from(found.y) + 7.0 - y));
        }
    }
    most
}

#[test]
fn blocks_are_found_whatever_is_marked() {
    let template = template(ROOM, "");
    let aligner = aligner(&template);
    let papers: [Paper; 5] = [
        STILL,
        |x, y| (x + 9.0, y - 7.0),
        |x, y| (x - 13.0, y + 14.0),
        |x, y| (x * 1.02 - 4.0, y * 0.985 + 3.0),
        |x, y| (x + 0.02 * y - 6.0, y - 0.02 * x + 5.0),
    ];
    for (i, paper) in papers.into_iter().enumerate() {
        for (filled, ink) in [((|bubble| bubble % 4 == 1) as fn(usize) -> bool, 150), (|bubble| bubble % 3 == 1, 190)] {
            let alignment = aligner.align(0, &SheetPage::of(&print(&template, paper, filled, ink))).unwrap();
            let far = farthest(&template, &alignment, paper);
            assert!(far < 3.0, "paper {i}, ink {ink}: {far} {alignment:?}");
            assert!(alignment.uncertain.is_empty(), "paper {i}, ink {ink}");
        }
    }
}

/// Blocks whose boxes lie off the print, though nothing doubts them.
fn silently_off(template: &Template, alignment: &Alignment, paper: Paper) -> Vec<usize> {
    let is_off = |i: usize| {
        let block = &template.blocks[i];
        block.fields.iter().flat_map(|field| &field.bubbles).any(|bubble| {
            let found = alignment.placements[i].of(Rect::new(bubble.x, bubble.y, 14, 14));
            let (x, y) = paper(f64::from(bubble.x) + 7.0, f64::from(bubble.y) + 7.0);
            (f64::from(found.x) + 7.0 - x).hypot(f64::from(found.y) + 7.0 - y) > 5.0
        })
    };
    (0..template.blocks.len()).filter(|&i| is_off(i) && !alignment.uncertain.contains(&i)).collect()
}

#[test]
fn paper_displaced_by_more_than_a_gap_is_never_silently_misread() {
    let template = template(ROOM, "");
    let aligner = aligner(&template);
    let papers: [Paper; 8] = [
        |x, y| (x, y + 24.0),
        |x, y| (x, y - 25.0),
        |x, y| (x + 26.0, y),
        |x, y| (x - 20.0, y + 20.0),
        |x, y| (x + 3.0, y + 49.0),
        |x, y| (x + 30.0, y - 30.0),
        |x, y| (x * 0.93 + 12.0, y * 0.93 + 30.0),
        |x, y| (x + 0.05 * y - 30.0, y - 0.05 * x + 30.0),
    ];
    for (i, paper) in papers.into_iter().enumerate() {
        let Ok(alignment) = aligner.align(0, &SheetPage::of(&print(&template, paper, |bubble| bubble % 4 == 1, 150)))
        else {
            continue;
        };
        assert_eq!(silently_off(&template, &alignment, paper), [0; 0], "paper {i}: {alignment:?}");
        // A shift of all blocks is none of a block.
        if i < 4 {
            assert!(alignment.uncertain.is_empty(), "paper {i}: {alignment:?}");
        }
    }
}

#[test]
fn blocks_displaced_each_for_itself_are_found_without_doubt() {
    let template = template(ROOM, "");
    let paper: Paper = |x, y| match (x < 185.0, x < 335.0, y < 285.0) {
        (true, _, true) => (x - 6.0, y + 9.0),
        (_, true, _) => (x + 8.0, y - 4.0),
        (_, _, true) => (x - 3.0, y - 8.0),
        (true, _, _) => (x + 7.0, y + 5.0),
        _ => (x - 8.0, y + 6.0),
    };
    let alignment =
        aligner(&template).align(0, &SheetPage::of(&print(&template, paper, |bubble| bubble % 4 == 1, 150))).unwrap();
    assert!(farthest(&template, &alignment, paper) < 3.0, "{alignment:?}");
    assert!(alignment.uncertain.is_empty(), "{alignment:?}");
}

#[test]
fn a_block_without_print_is_placed_by_the_others_and_doubted() {
    let template = template(ROOM, "");
    let paper: Paper = |x, y| (x + 8.0, y + 6.0);
    let mut page = print(&template, paper, |_| false, 120);
    for (x, y) in (30..350).flat_map(|y| (180..330).map(move |x| (x, y))) {
        page.put_pixel(x, y, Luma([235]));
    }
    let alignment = aligner(&template).align(0, &SheetPage::of(&page)).unwrap();
    assert_eq!(alignment.uncertain, [1]);
    assert!(farthest(&template, &alignment, paper) < 2.0, "{alignment:?}");
}

#[test]
fn a_page_of_another_form_fails() {
    let template = template(ROOM, "");
    let aligner = aligner(&template);
    let words = GrayImage::from_fn(500, 520, |x, y| {
        Luma([if (x / 3 * 31 + y / 9 * 77) % 7 < 2 && y % 9 < 5 { 60 } else { 235 }])
    });
    for page in [GrayImage::from_pixel(500, 520, Luma([235])), words, GrayImage::new(0, 0)] {
        let error = aligner.align(0, &SheetPage::of(&page)).unwrap_err();
        assert_eq!(error.reason, Reason::AlignmentFailed);
        assert!(error.detail.contains("maxDisplacement"), "{}", error.detail);
    }
}

#[test]
fn blocks_that_may_not_move_stay() {
    let template = template(r#", "maxDisplacement": 0"#, "");
    let page = print(&template, |x, y| (x + 9.0, y), |_| false, 120);
    let alignment = aligner(&template).align(0, &SheetPage::of(&page)).unwrap();
    assert_eq!(alignment.placements, vec![Placement::default(); 5]);
    assert!(alignment.uncertain.is_empty());
}

#[test]
fn a_zone_moves_with_the_paper_and_is_not_doubted() {
    let zone = r#", "Z": {"fieldDetectionType": "OCR", "origin": [200, 320], "fieldLabels": ["z"],
        "scanZone": {"dimensions": [90, 60], "margins": {"top": 0, "right": 0, "bottom": 0, "left": 0}}}"#;
    let template = template(ROOM, zone);
    let page = print(&template, |x, y| (x + 9.0, y + 5.0), |_| false, 120);
    let alignment = aligner(&template).align(0, &SheetPage::of(&page)).unwrap();
    let moved = alignment.placements[5].of(Rect::new(200, 320, 90, 60));
    assert!(moved.x.abs_diff(209) <= 2 && moved.y.abs_diff(325) <= 2, "{moved:?}");
    assert!(alignment.uncertain.is_empty());
}

#[test]
fn a_reference_on_which_the_steps_fail_is_told() {
    let mut template = template(ROOM, "");
    let load = |_: &Path| Ok(GrayImage::from_pixel(500, 520, Luma([255])));
    let text = r#"{"templateDimensions": [500, 520], "bubbleDimensions": [14, 14], "processingImageShape": [520, 500],
        "preProcessors": [{"name": "CropPage", "options": {}}], "fieldBlocks": {}}"#;
    let document = Document::parse(Path::new("t.json"), text.to_owned()).unwrap();
    template.preprocessors = Template::read(&document, &Config::default()).unwrap().0.preprocessors;
    let steps = Steps::prepare(&template, &Config::default(), &load).unwrap();
    let told = BlockAligner::prepare(&template, Path::new("r.png"), &steps, &load).map(|_| ()).unwrap_err().to_string();
    assert!(told.contains("r.png") && told.contains("page-not-found"), "{told}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_geometry_panics(
        left in 0..600u32, top in 0..600u32, reach in 0..=250u32, width in 0..520u32, height in 0..540u32,
    ) {
        let margins = format!(
            r#", "maxDisplacement": {reach}, "margins": {{"top": {top}, "right": {left}, "bottom": 3, "left": {left}}}"#
        );
        let mut template = template(&margins, "");
        // A long search of whole pages takes long.
        template.blocks.truncate(1);
        template.blocks[0].alignment.max_displacement %= 40;
        let page = GrayImage::from_fn(width, height, |x, y| Luma([((x * 7 + y * 13) % 251) as u8]));
        let _ = aligner(&template).align(0, &SheetPage::of(&page));
    }
}
