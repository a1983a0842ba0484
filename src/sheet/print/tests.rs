use std::path::Path;

use image::{Luma, imageops};

use super::*;
use crate::config::Config;
use crate::deck::answers::{Answers, Mix};
use crate::deck::canvas::Fonts;
use crate::deck::fill;
use crate::deck::form::{Form, Outline};
use crate::deck::page;
use crate::deck::pen::Pen;
use crate::deck::random::Random;
use crate::json::Document;
use crate::template::Template;

/// A template with one block `A` of these labels and values.
struct Case {
    bubble: (u32, u32),
    gaps: (f64, f64),
    labels: &'static str,
    values: &'static str,
    direction: &'static str,
    outline: Outline,
}

const GRID: Case = Case {
    bubble: (24, 24),
    gaps: (34.0, 32.0),
    labels: "q1..8",
    values: r#""A", "B", "C", "D""#,
    direction: "horizontal",
    outline: Outline::Ellipse,
};

impl Case {
    fn template(&self) -> Template {
        let Self { bubble, gaps, labels, values, direction, .. } = self;
        let text = format!(
            r#"{{"pageDimensions": [420, 460], "bubbleDimensions": [{}, {}], "fieldBlocks": {{"A": {{
                "bubbleValues": [{values}], "direction": "{direction}", "origin": [110, 110], "bubblesGap": {},
                "labelsGap": {}, "fieldLabels": ["{labels}"]}}}}}}"#,
            bubble.0, bubble.1, gaps.0, gaps.1
        );
        let document = Document::parse(Path::new("t.json"), text).unwrap();
        Template::read(&document, &Config::default()).unwrap().0
    }

    /// The page with the block printed elsewhere, filled in, and the block of the template.
    fn page(&self, shift: (i32, i32), mix: Mix, seed: u64) -> (GrayImage, FieldBlock) {
        let mut template = self.template();
        let mut form = Form::from_template(&template).displaced(&[shift]);
        form.outline = self.outline;
        let mut random = Random::new(seed);
        let answers = Answers::draw(&form, |_| &mix, &mut random);
        let mut canvas = page::print(&form, &Fonts::new().unwrap(), 2.0);
        fill::fill(&mut canvas, &form, &answers, &Pen::PENCIL, &mut random);
        let picture = imageops::grayscale(canvas.picture());
        let page = imageops::resize(&picture, 420, 460, imageops::FilterType::Triangle);
        (page, template.blocks.remove(0))
    }

    /// Does the measure find every shift up to a third of a gap, to a pixel, and for sure?
    fn finds(&self, mix: Mix) {
        let (_, block) = self.page((0, 0), mix, 1);
        let boxes = Boxes::of(&block).unwrap();
        let third = |gap: f64, side: u32| if gap > 0.0 { gap / 3.0 } else { f64::from(side) / 3.0 };
        let most = (third(boxes.gaps.0, self.bubble.0), third(boxes.gaps.1, self.bubble.1));
        for (seed, (x, y)) in
            (1..).zip([(0.0, 0.0), (1.0, 0.0), (-1.0, 1.0), (0.4, -1.0), (-0.6, -0.5), (0.9, 0.8), (-0.3, 0.2)])
        {
            let shift = ((x * most.0) as i32, (y * most.1) as i32);
            let (page, block) = self.page(shift, mix, seed);
            let fit = PrintFit::of(&page, &block).unwrap();
            let far = (fit.shift.0 - f64::from(shift.0)).abs().max((fit.shift.1 - f64::from(shift.1)).abs());
            assert!(far < 0.75 && fit.is_clear(), "{shift:?}: {fit:?}");
        }
    }
}

#[test]
fn a_grid_is_found_wherever_it_is_printed() {
    GRID.finds(Mix::CAREFUL);
}

#[test]
fn boxes_and_crosses_are_found_like_circles() {
    let crosses = Mix { full: 0, partial: 0, tick: 40, cross: 50, double: 5, blank: 5 };
    Case { outline: Outline::Box, ..GRID }.finds(crosses);
}

#[test]
fn lean_and_small_bubbles_are_found() {
    Case { bubble: (30, 18), gaps: (40.0, 24.0), ..GRID }.finds(Mix::CAREFUL);
    Case { bubble: (14, 14), gaps: (18.0, 18.0), ..GRID }.finds(Mix::CAREFUL);
}

#[test]
fn a_single_row_or_column_needs_no_neighbours() {
    Case { labels: "q1", ..GRID }.finds(Mix::CAREFUL);
    Case { values: r#""A""#, ..GRID }.finds(Mix { blank: 70, ..Mix::CAREFUL });
    let digits = r#""0", "1", "2", "3", "4", "5", "6", "7", "8", "9""#;
    Case { labels: "q1", values: digits, direction: "vertical", gaps: (30.0, 30.0), ..GRID }.finds(Mix::ALWAYS);
}

#[test]
fn two_bubbles_are_enough() {
    Case { labels: "q1", values: r#""Y", "N""#, ..GRID }.finds(Mix::ALWAYS);
}

#[test]
fn gaps_that_are_off_are_told_and_the_middle_is_right() {
    let (page, _) = GRID.page((3, -2), Mix::CAREFUL, 4);
    // The template's rows are 2 % too near to each other, about the same middle.
    let tight = Case { gaps: (34.0, 32.0 / 1.02), ..GRID };
    let mut block = tight.template().blocks.remove(0);
    let moved: f64 = (32.0 - 32.0 / 1.02) * 3.5;
    block.fields.iter_mut().flat_map(|field| &mut field.bubbles).for_each(|b| b.y += moved as i32);
    let fit = PrintFit::of(&page, &block).unwrap();
    let far = (fit.shift.0 - 3.0).abs().max((fit.shift.1 + 2.0 - moved.fract()).abs());
    assert!(far < 1.0 && fit.is_clear(), "{fit:?}");
    assert!((fit.stretch.1 - 1.02).abs() < 0.006 && (fit.stretch.0 - 1.0).abs() < 0.006, "{fit:?}");
}

#[test]
fn the_ends_of_a_block_tell_shifts_of_up_to_a_gap() {
    let mut told = 0;
    for shift in [(0, 32), (0, -32), (34, 0), (-34, 0), (-22, 21), (24, -25), (0, 20), (20, 0)] {
        let (page, block) = GRID.page(shift, Mix::CAREFUL, 7);
        let fit = PrintFit::of(&page, &block).unwrap();
        let far = (fit.shift.0 - f64::from(shift.0)).abs().max((fit.shift.1 - f64::from(shift.1)).abs());
        // It may be left open, but not be told wrong.
        assert!(far < 1.0 || !fit.is_clear(), "{shift:?}: {fit:?}");
        told += usize::from(fit.is_clear());
    }
    assert!(told >= 5, "{told}");
}

#[test]
fn nothing_is_clear_on_paper_or_in_a_gradient() {
    let block = GRID.template().blocks.remove(0);
    let blank = GrayImage::from_pixel(420, 460, Luma([240]));
    let gradient = GrayImage::from_fn(420, 460, |x, y| Luma([(60 + x / 4 + y / 8) as u8]));
    let lines = GrayImage::from_fn(420, 460, |_, y| Luma([if y % 32 < 2 { 60 } else { 240 }]));
    for page in [blank, gradient, lines, GrayImage::new(0, 0), GrayImage::new(420, 3)] {
        let fit = PrintFit::of(&page, &block);
        assert!(fit.is_none_or(|fit| !fit.is_clear()), "{fit:?}");
    }
}

#[test]
fn a_block_beside_the_page_has_no_place() {
    let (page, mut block) = GRID.page((0, 0), Mix::CAREFUL, 1);
    block.fields.iter_mut().flat_map(|field| &mut field.bubbles).for_each(|b| b.x = i32::MAX - 5);
    assert_eq!(PrintFit::of(&page, &block), None);
}
