use std::path::Path;

use image::Luma;

use super::*;
use crate::config::Config;
use crate::json::Document;
use crate::template::Template;

/// A block of 6 columns with 10 rows; the template has them every 28 px to the right and 30 px down, from (50, 60) on.
fn block() -> FieldBlock {
    let text = r#"{"templateDimensions": [320, 420], "bubbleDimensions": [16, 16], "preProcessors": [], "fieldBlocks": {
        "A": {"fieldDetectionType": "BUBBLES_THRESHOLD", "bubbleFieldType": "QTYPE_INT", "origin": [50, 60],
              "bubblesGap": 30, "labelsGap": 28, "fieldLabels": ["a1..6"]}}}"#;
    let document = Document::parse(Path::new("t.json"), text.to_owned()).unwrap();
    Template::read(&document, &Config::default()).unwrap().0.blocks.remove(0)
}

/// Rings on paper: the middle of the first, the gaps, and which are filled.
fn rings((x0, y0): (f64, f64), (dx, dy): (f64, f64), filled: fn(u32, u32) -> bool) -> GrayImage {
    let mut img = GrayImage::from_pixel(320, 420, Luma([240]));
    for (column, row) in (0..6).flat_map(|column| (0..10).map(move |row| (column, row))) {
        let (x, y) = (x0 + dx * f64::from(column), y0 + dy * f64::from(row));
        for (px, py, p) in img.enumerate_pixels_mut() {
            let distance = (f64::from(px) + 0.5 - x).hypot(f64::from(py) + 0.5 - y);
            if (8.0..10.0).contains(&distance) {
                p.0[0] = 170;
            }
            if filled(column, row) && distance < 10.0 {
                p.0[0] = 30;
            }
        }
    }
    img
}

fn assert_near(fit: LatticeFit, shift: (f64, f64), stretch: (f64, f64)) {
    let distance = (fit.shift.0 - shift.0).abs().max((fit.shift.1 - shift.1).abs());
    let gap = (fit.stretch.0 - stretch.0).abs().max((fit.stretch.1 - stretch.1).abs());
    assert!(distance < 0.8 && gap < 0.0151, "{fit:?}, expected {shift:?}, {stretch:?}");
}

#[test]
fn boxes_that_lie_on_the_print_stay() {
    let fit = LatticeFit::of(&rings((58.0, 68.0), (28.0, 30.0), |_, _| false), &block());
    assert_near(fit, (0.0, 0.0), (1.0, 1.0));
    assert_eq!(fit.middle, Point::new(58.0 + 2.5 * 28.0, 68.0 + 4.5 * 30.0));
}

#[test]
fn gaps_and_places_that_are_off_are_found() {
    // The gaps of the two axes were taken for each other, and the origin is off.
    let print = rings((60.0, 65.0), (29.4, 28.5), |_, _| false);
    let shift = (2.0 + 2.5 * 1.4, -3.0 - 4.5 * 1.5);
    assert_near(LatticeFit::of(&print, &block()), shift, (1.05, 0.95));
}

#[test]
fn marks_change_little() {
    let print = rings((60.0, 65.0), (29.4, 28.5), |column, row| row == (column * 7 + 2) % 10);
    let shift = (2.0 + 2.5 * 1.4, -3.0 - 4.5 * 1.5);
    assert_near(LatticeFit::of(&print, &block()), shift, (1.05, 0.95));
}

#[test]
fn paper_and_a_single_line_keep_the_template() {
    let blank = GrayImage::from_pixel(320, 420, Luma([240]));
    assert_near(LatticeFit::of(&blank, &block()), (0.0, 0.0), (1.0, 1.0));
    let gradient = GrayImage::from_fn(320, 420, |x, y| Luma([(120 + x / 4 + y / 8) as u8]));
    assert_near(LatticeFit::of(&gradient, &block()), (0.0, 0.0), (1.0, 1.0));
    assert_near(LatticeFit::of(&GrayImage::new(0, 0), &block()), (0.0, 0.0), (1.0, 1.0));
}

#[test]
fn uneven_or_few_places_are_no_wave() {
    assert!(Axis::of(vec![10.0, 40.0, 90.0]).places.is_empty());
    let profile = Profile { start: 0, ink: (0..200).map(|i| f64::from(i % 20)).collect() };
    assert_eq!(Axis::of(vec![50.0, 70.0]).fit(&profile), (0.0, 1.0));
    assert_eq!(Axis::of(Vec::new()).fit(&profile), (0.0, 1.0));
}
