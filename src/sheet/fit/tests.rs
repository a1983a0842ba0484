//! Drawn pages: a template's bubbles, printed where it has them or elsewhere.

use std::path::Path;

use image::{GrayImage, Luma};
use proptest::prelude::*;

use super::*;
use crate::config::Config;
use crate::json::Document;
use crate::sheet::read::ink;

/// Questions in rows, digits in columns.
#[derive(Debug, Clone, Copy)]
struct Drawn {
    /// Side of a box, and gaps from bubble to bubble and from field to field.
    side: i32,
    gap: i32,
    next: i32,
    /// Outlines over boxes, and their gray.
    scale: f64,
    gray: u8,
    /// How far all print lies off.
    by: (i32, i32),
}

const USUAL: Drawn = Drawn { side: 20, gap: 36, next: 32, scale: 1.0, gray: 90, by: (0, 0) };
const QUESTIONS: i32 = 8;
const DIGITS: i32 = 5;
const PAPER: u8 = 235;

impl Drawn {
    fn digits_at(&self) -> (i32, i32) {
        (100 + 5 * self.gap, 80)
    }

    fn size(&self) -> (u32, u32) {
        let (x, y) = self.digits_at();
        ((x + DIGITS * self.next + 120) as u32, (y + 10 * self.gap.max(self.next) + 120) as u32)
    }

    fn template(&self) -> Template {
        let ((width, height), (x, y)) = (self.size(), self.digits_at());
        let Self { side, gap, next, .. } = self;
        let text = format!(
            r#"{{"pageDimensions": [{width}, {height}], "bubbleDimensions": [{side}, {side}], "fieldBlocks": {{
            "Q": {{"fieldType": "QTYPE_MCQ4", "origin": [80, 80], "bubblesGap": {gap}, "labelsGap": {next},
                  "fieldLabels": ["q1..{QUESTIONS}"]}},
            "D": {{"fieldType": "QTYPE_INT", "origin": [{x}, {y}], "bubblesGap": {gap}, "labelsGap": {next},
                  "fieldLabels": ["d1..{DIGITS}"]}}}}}}"#
        );
        let document = Document::parse(Path::new("t.json"), text).unwrap();
        Template::read(&document, &Config::default()).unwrap().0
    }

    /// The page, with one mark a field.
    fn page(&self) -> GrayImage {
        let mut page = self.paper();
        let half = f64::from(self.side) / 2.0;
        for (number, (_, field)) in self.template().fields().enumerate() {
            let marked = (number * 7 + 1) % field.bubbles.len();
            for (k, bubble) in field.bubbles.iter().enumerate() {
                let middle = |corner: i32, by: i32| f64::from(corner + by) + half - 0.5;
                let (x, y) = (middle(bubble.x, self.by.0), middle(bubble.y, self.by.1));
                ring(&mut page, (x, y), half * self.scale, self.gray, k == marked);
            }
        }
        page
    }

    fn paper(&self) -> GrayImage {
        let (width, height) = self.size();
        GrayImage::from_pixel(width, height, Luma([PAPER]))
    }

    fn check(&self, page: &GrayImage) -> Fit {
        let template = self.template();
        check(page, &template, &[], &ink::measure(page, &template, &[]))
    }
}

/// A ring with soft edges, filled if it is a mark.
fn ring(page: &mut GrayImage, (x, y): (f64, f64), radius: f64, gray: u8, is_mark: bool) {
    let thick = (radius * 0.16).max(1.5);
    for (px, py, pixel) in page.enumerate_pixels_mut() {
        let r = (f64::from(px) - x).hypot(f64::from(py) - y);
        if r > radius + 2.0 {
            continue;
        }
        let on_line = (thick / 2.0 + 0.5 - (r - radius).abs()).clamp(0.0, 1.0);
        let in_mark = if is_mark { (radius - 1.0 - r).clamp(0.0, 1.0) } else { 0.0 };
        let drawn = |share: f64, gray: u8| f64::from(PAPER) + (f64::from(gray) - f64::from(PAPER)) * share;
        pixel.0[0] = pixel.0[0].min(drawn(on_line, gray).min(drawn(in_mark, 60)) as u8);
    }
}

fn reason(fit: &Fit) -> Option<Reason> {
    fit.sheet.as_ref().map(|doubt| doubt.reason)
}

#[test]
fn a_sheet_that_fits_is_not_doubted() {
    assert_eq!(USUAL.check(&USUAL.page()), Fit::default());
}

#[test]
fn small_shifts_are_the_readers_affair() {
    let drawn = Drawn { by: (4, -3), ..USUAL };
    assert_eq!(drawn.check(&drawn.page()), Fit::default());
}

#[test]
fn a_sheet_a_row_too_low_or_a_column_too_far_is_doubted() {
    // The digits' rows are a gap apart, the questions' as far as their labels: only where they agree both blocks tell.
    let even = Drawn { next: 36, ..USUAL };
    for (by, word) in [((0, 36), "row too low"), ((0, -36), "row too high"), ((36, 0), "right"), ((-36, 0), "left")] {
        let drawn = Drawn { by, ..even };
        let fit = drawn.check(&drawn.page());
        assert!(fit.sheet.as_ref().is_some_and(|doubt| doubt.detail.contains(word)), "{by:?}: {fit:?}");
        assert_eq!(reason(&fit), Some(Reason::LayoutShifted));
    }
}

#[test]
fn print_between_the_lines_is_doubted() {
    for by in [(18, 0), (0, 17), (17, 17)] {
        let drawn = Drawn { by, ..USUAL };
        assert_eq!(reason(&drawn.check(&drawn.page())), Some(Reason::LayoutShifted), "{by:?}");
    }
}

#[test]
fn another_form_is_doubted() {
    let other = Drawn { gap: 27, next: 43, side: 15, ..USUAL };
    let (width, height) = USUAL.size();
    let page = image::imageops::resize(&other.page(), width, height, image::imageops::FilterType::Triangle);
    assert!(USUAL.check(&page).sheet.is_some());
}

#[test]
fn a_block_that_lies_elsewhere_is_doubted_alone() {
    let (straight, moved) = (USUAL.page(), Drawn { by: (7, 0), ..USUAL }.page());
    let split = USUAL.digits_at().0 as u32 - 20;
    let page = GrayImage::from_fn(straight.width(), straight.height(), |x, y| {
        if x < split { *moved.get_pixel(x, y) } else { *straight.get_pixel(x, y) }
    });
    let questions = (0..QUESTIONS as usize).map(|field| (field, Reason::LayoutShifted));
    assert_eq!(USUAL.check(&page), Fit { sheet: None, fields: questions.collect() });
}

#[test]
fn a_streak_is_doubted_in_the_fields_that_it_crosses() {
    // Down the second digit, and across the third question.
    let template = USUAL.template();
    let digit = template.fields().nth(QUESTIONS as usize + 1).map(|(_, field)| field.bubbles[0].x as u32).unwrap();
    let mut page = USUAL.page();
    for y in 0..page.height() {
        (0..2).for_each(|i| page.put_pixel(digit + 11 + i, y, Luma([120])));
    }
    let want = Fit { sheet: None, fields: vec![(QUESTIONS as usize + 1, Reason::StrayInk)] };
    assert_eq!(USUAL.check(&page), want);
    // One that ends between the bubbles is no streak, but somebody's mark.
    let mut page = USUAL.page();
    (0..20).for_each(|y| page.put_pixel(digit + 11, 80 + y, Luma([60])));
    assert_eq!(USUAL.check(&page), Fit::default());
}

#[test]
fn nothing_printed_is_no_misfit_unless_marks_lie_beside_the_boxes() {
    assert_eq!(USUAL.check(&USUAL.paper()), Fit::default());
    let marks = |by: i32| {
        let mut page = USUAL.paper();
        for (number, (_, field)) in USUAL.template().fields().enumerate() {
            let bubble = &field.bubbles[(number * 3 + 1) % field.bubbles.len()];
            ring(&mut page, (f64::from(bubble.x + by) + 9.5, f64::from(bubble.y) + 9.5), 13.0, PAPER, true);
        }
        page
    };
    assert_eq!(USUAL.check(&marks(0)), Fit::default());
    assert_eq!(reason(&USUAL.check(&marks(18))), Some(Reason::LayoutShifted));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn no_form_that_fits_is_doubted(
        side in 12i32..40, gap in 1.4f64..2.2, next in 1.4f64..2.2, scale in 0.8f64..1.2, gray in 40u8..190,
        dx in -0.2f64..0.2, dy in -0.2f64..0.2,
    ) {
        let pixels = |boxes: f64| (boxes * f64::from(side)).round() as i32;
        let (gap, next, by) = (pixels(gap), pixels(next), (pixels(dx), pixels(dy)));
        let drawn = Drawn { side, gap, next, scale, gray, by };
        prop_assert_eq!(drawn.check(&drawn.page()), Fit::default());
    }
}
