//! The text in a zone: the zone is made into a clean line of text, which the recogniser reads.
//!
//! Recognisers are trained on letters of some 30 px on white paper. What they stumble over on forms is the print around
//! the answer: frames, the combs between digits, the line to write on. Those are taken out first. What is left after that
//! tells a blank zone too, so the recogniser is asked about text only.

use image::{GrayImage, Luma, imageops};

use super::one_line;
use super::zone::{self, Tones};
use crate::geometry::{Rect, Size};
use crate::imaging::{resize, tone};
use crate::tesseract::{Layout, Recognised, Tesseract};

/// What was read in a text zone.
#[derive(Debug, Clone, PartialEq)]
pub enum TextReading {
    /// Nothing is written there.
    Blank,
    /// Something is written there. The text is empty if the recogniser made nothing of it.
    Words {
        /// The text, one line.
        text: String,
        /// 0 to 1, of the weakest word.
        confidence: f64,
    },
    /// The recogniser gave no answer.
    Unread,
}

/// Height in pixels that a line of text is brought to.
const LINE_HEIGHT: f64 = 36.0;

/// More enlargement adds no detail.
const MOST_ENLARGED: f64 = 6.0;

/// The longest line that is given to the recogniser, in pixels.
const MAX_WIDTH: f64 = 4000.0;

/// White around the line, in pixels.
const MARGIN: u32 = 24;

/// Reads a zone. `alphabet` are the characters that can stand there; empty: any.
pub(super) fn text(page: &GrayImage, zone: Rect, alphabet: &str, recogniser: Option<&Tesseract>) -> TextReading {
    let Some(line) = line_of_text(page, zone) else { return TextReading::Blank };
    let Some(recogniser) = recogniser else { return TextReading::Unread };
    match recogniser.recognise(&line.picture, line.layout, alphabet) {
        Ok(Recognised { text, confidence }) => {
            let text = one_line(&text);
            // A number has no gaps; the recogniser sees some where digits stand in boxes.
            let text = if alphabet.is_empty() { text } else { text.replace(' ', "") };
            TextReading::Words { text, confidence }
        }
        Err(_) => TextReading::Unread,
    }
}

/// A line of text, ready for the recogniser.
#[derive(Debug)]
struct Line {
    picture: GrayImage,
    layout: Layout,
}

/// What is written in a zone, without what is printed around; `None` if nothing is.
fn line_of_text(page: &GrayImage, zone: Rect) -> Option<Line> {
    let (mut picture, _) = zone::cut(page, zone)?;
    let tones = Tones::of(&picture);
    if tones.is_blank() {
        return None;
    }
    let mut ink = Ink::of(&picture, tones);
    let all = ink.clone();
    ink.take_rules();
    let area = ink.text_area()?;
    let taken = Ink { dark: all.dark.iter().zip(&ink.dark).map(|(all, text)| *all && !text).collect(), ..ink };
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        // The soft edge of a rule goes with it, that of a letter stays.
        if taken.near(x, y, 2) && !ink.near(x, y, 1) {
            pixel.0[0] = tones.paper;
        }
    }
    let (mut letters, _) = zone::cut(&picture, zone::grown(area, 2))?;
    let tones = Tones::of(&letters);
    if !tones.is_blank() {
        tone::apply(&mut letters, &tone::stretch_table(tones.ink, tones.paper));
    }
    let layout = if 20 * area.width < 17 * area.height { Layout::Character } else { Layout::Line };
    Some(Line { picture: framed(&scaled(letters, area.height)), layout })
}

/// The letters at the height that the recogniser likes; `height` is that of the text in the picture.
fn scaled(mut letters: GrayImage, height: u32) -> GrayImage {
    let fitting = MAX_WIDTH / f64::from(letters.width().max(1));
    let mut factor = (LINE_HEIGHT / f64::from(height.max(1))).min(MOST_ENLARGED).min(fitting);
    // Bilinear resizing looks at two pixels a side: beyond a half it would skip rows.
    while factor <= 0.5 {
        let half = Size::new(letters.width().div_ceil(2), letters.height().div_ceil(2));
        letters = resize::linear(&letters, half);
        factor *= 2.0;
    }
    let side = |length: u32| (f64::from(length) * factor).round().max(1.0) as u32;
    resize::linear(&letters, Size::new(side(letters.width()), side(letters.height())))
}

fn framed(letters: &GrayImage) -> GrayImage {
    let (width, height) = letters.dimensions();
    let mut framed = GrayImage::from_pixel(width + 2 * MARGIN, height + 2 * MARGIN, Luma([255]));
    imageops::replace(&mut framed, letters, MARGIN.into(), MARGIN.into());
    framed
}

/// Which pixels of a zone are dark.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ink {
    width: u32,
    height: u32,
    dark: Vec<bool>,
}

/// A rule is at least this part of the zone's width, or of the height between the rules above and below.
const RULE_WIDTH: f64 = 0.5;
const RULE_HEIGHT: f64 = 0.85;

impl Ink {
    fn of(picture: &GrayImage, tones: Tones) -> Self {
        let limit = tones.paper - (tones.paper.saturating_sub(tones.ink)) / 2;
        let dark = picture.pixels().map(|p| p.0[0] < limit).collect();
        Self { width: picture.width(), height: picture.height(), dark }
    }

    fn at(&self, x: u32, y: u32) -> bool {
        x < self.width && y < self.height && self.dark[y as usize * self.width as usize + x as usize]
    }

    fn set(&mut self, x: u32, y: u32, dark: bool) {
        if x < self.width && y < self.height {
            self.dark[y as usize * self.width as usize + x as usize] = dark;
        }
    }

    /// Is a pixel within `reach` of this one dark?
    fn near(&self, x: u32, y: u32, reach: u32) -> bool {
        let around = |at: u32| at.saturating_sub(reach)..=at.saturating_add(reach);
        around(y).any(|y| around(x).any(|x| self.at(x, y)))
    }

    /// Takes the printed rules out: long horizontal ones, then vertical ones that reach from rule to rule, or from edge to
    /// edge.
    fn take_rules(&mut self) {
        let mut rules = Self { dark: vec![false; self.dark.len()], ..*self };
        // Letters are not wider than the zone is high.
        let long = (RULE_WIDTH * f64::from(self.width)).max(0.8 * f64::from(self.height)) as u32;
        for y in 0..self.height {
            for (start, end) in runs(self.width, |x| self.near_above_or_below(x, y)) {
                if end - start >= long.max(1) {
                    (start..end).filter(|&x| self.at(x, y)).for_each(|x| rules.set(x, y, true));
                }
            }
        }
        let has_rule = |y: &u32| (0..self.width).filter(|&x| rules.at(x, *y)).count() as u32 >= long / 2;
        let top = (0..self.height * 2 / 5).rev().find(has_rule).map(|y| y + 1);
        let bottom = (self.height * 3 / 5..self.height).find(has_rule);
        let (from, to) = (top.unwrap_or(0), bottom.unwrap_or(self.height));
        // Without rules above and below, a letter of a narrow zone can reach nearly as far as a rule.
        let part = if top.is_some() && bottom.is_some() { RULE_HEIGHT } else { 1.0 };
        let tall = (part * f64::from(to - from)) as u32;
        for x in 0..self.width {
            for (start, end) in runs(to - from, |y| self.near_left_or_right(x, from + y)) {
                if end - start >= tall.max(1) {
                    (from + start..from + end).filter(|&y| self.at(x, y)).for_each(|y| rules.set(x, y, true));
                }
            }
        }
        for (dark, rule) in self.dark.iter_mut().zip(&rules.dark) {
            *dark &= !rule;
        }
    }

    /// A rule that is not quite level steps from row to row.
    fn near_above_or_below(&self, x: u32, y: u32) -> bool {
        (y.saturating_sub(1)..=y + 1).any(|y| self.at(x, y))
    }

    fn near_left_or_right(&self, x: u32, y: u32) -> bool {
        (x.saturating_sub(1)..=x + 1).any(|x| self.at(x, y))
    }

    /// The box around all that is as large as a letter or a dash, with the dots and accents at it. Specks and the remains
    /// of rules at the zone's edge are taken out. `None` if nothing is left.
    fn text_area(&mut self) -> Option<Rect> {
        let least = (self.height / 6).max(5);
        let thin = (self.height / 10).max(3);
        let mut text: Option<Extent> = None;
        let mut small = Vec::new();
        for (extent, pixels) in self.components() {
            let (width, height) = (extent.x1 - extent.x0 + 1, extent.y1 - extent.y0 + 1);
            let at_side = (extent.x0 == 0 || extent.x1 + 1 == self.width) && width <= thin;
            let at_end = (extent.y0 == 0 || extent.y1 + 1 == self.height) && height <= thin;
            if at_side || at_end || pixels.len() < 4 {
                pixels.iter().for_each(|&(x, y)| self.set(x, y, false));
            } else if width.max(height) >= least {
                text = Some(text.map_or(extent, |text| text.with(extent)));
            } else {
                small.push(extent);
            }
        }
        let mut text = text?;
        let reach = (text.y1 - text.y0).div_ceil(2);
        for extent in small {
            let is_at = extent.x1 + reach >= text.x0
                && extent.x0 <= text.x1 + reach
                && extent.y1 + reach >= text.y0
                && extent.y0 <= text.y1 + reach;
            if is_at {
                text = text.with(extent);
            }
        }
        let (x, y) = (text.x0 as i32, text.y0 as i32);
        Some(Rect::new(x, y, text.x1 - text.x0 + 1, text.y1 - text.y0 + 1))
    }

    /// The connected groups of dark pixels (8 neighbours), in reading order of their first pixel.
    fn components(&self) -> Vec<(Extent, Vec<(u32, u32)>)> {
        let mut left = self.clone();
        let mut found = Vec::new();
        for y in 0..self.height {
            for x in 0..self.width {
                if !left.at(x, y) {
                    continue;
                }
                left.set(x, y, false);
                let mut pixels = vec![(x, y)];
                let mut extent = Extent { x0: x, y0: y, x1: x, y1: y };
                let mut next = 0;
                while let Some(&(px, py)) = pixels.get(next) {
                    next += 1;
                    extent = extent.with(Extent { x0: px, y0: py, x1: px, y1: py });
                    for ny in py.saturating_sub(1)..=py + 1 {
                        for nx in px.saturating_sub(1)..=px + 1 {
                            if left.at(nx, ny) {
                                left.set(nx, ny, false);
                                pixels.push((nx, ny));
                            }
                        }
                    }
                }
                found.push((extent, pixels));
            }
        }
        found
    }
}

/// First and last column and row of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extent {
    x0: u32,
    y0: u32,
    x1: u32,
    y1: u32,
}

impl Extent {
    fn with(self, other: Self) -> Self {
        Self {
            x0: self.x0.min(other.x0),
            y0: self.y0.min(other.y0),
            x1: self.x1.max(other.x1),
            y1: self.y1.max(other.y1),
        }
    }
}

/// The ranges of 0..`length` where something holds.
fn runs(length: u32, holds: impl Fn(u32) -> bool) -> Vec<(u32, u32)> {
    let mut runs = Vec::new();
    let mut start = None;
    for i in 0..=length {
        match (start, i < length && holds(i)) {
            (None, true) => start = Some(i),
            (Some(from), false) => {
                runs.push((from, i));
                start = None;
            }
            _ => {}
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use ab_glyph::FontRef;
    use proptest::prelude::*;

    use super::*;
    use crate::imaging::arbitrary::picture;
    use crate::imaging::overlay::{self, Overlay, Palette};

    /// A page of 400×120 with a text at (60, 40), 36 px high, by the font of the marked pictures.
    fn written(text: &str) -> GrayImage {
        let font = FontRef::try_from_slice(epaint_default_fonts::HACK_REGULAR).unwrap();
        let mut drawn = Overlay::new(Size::new(400, 120));
        drawn.stamp(&overlay::Stamp::new(&font, text, 36), 60, 40, 0);
        let page = GrayImage::from_pixel(400, 120, Luma([255]));
        let png = overlay::to_png(&page, &drawn, Palette(&[[0, 0, 0]])).unwrap();
        image::load_from_memory(&png).unwrap().into_luma8()
    }

    fn rule(page: &mut GrayImage, area: Rect) {
        let (x0, y0, x1, y1) = area.clipped(Size::new(page.width(), page.height()));
        (y0..y1).for_each(|y| (x0..x1).for_each(|x| page.put_pixel(x, y, Luma([20]))));
    }

    /// A frame 3 px wide with a comb every `comb` pixels.
    fn frame(page: &mut GrayImage, area: Rect, comb: usize) {
        let (right, bottom) = (area.x + area.width as i32 - 3, area.y + area.height as i32 - 3);
        for y in [area.y, bottom] {
            rule(page, Rect::new(area.x, y, area.width, 3));
        }
        for x in (area.x..right).step_by(comb).chain([right]) {
            rule(page, Rect::new(x, area.y, 3, area.height));
        }
    }

    const ZONE: Rect = Rect::new(30, 24, 340, 72);

    #[test]
    fn blank_and_framed_blank_zones_have_no_line() {
        let mut page = GrayImage::from_pixel(400, 120, Luma([240]));
        assert!(line_of_text(&page, ZONE).is_none());
        frame(&mut page, Rect::new(34, 30, 330, 60), 55);
        assert!(line_of_text(&page, ZONE).is_none());
        page.put_pixel(100, 60, Luma([0]));
        assert!(line_of_text(&page, ZONE).is_none(), "a speck");
        assert!(line_of_text(&page, Rect::new(500, 0, 10, 10)).is_none());
    }

    #[test]
    fn frames_are_taken_out_and_letters_stay() {
        let plain = written("A 17");
        let want = line_of_text(&plain, ZONE).unwrap();
        let mut framed = plain.clone();
        frame(&mut framed, Rect::new(34, 30, 330, 60), 400);
        let line = line_of_text(&framed, ZONE).unwrap();
        assert_eq!(line.picture.dimensions(), want.picture.dimensions());
        let differing = line.picture.pixels().zip(want.picture.pixels()).filter(|(a, b)| a.0[0].abs_diff(b.0[0]) > 60);
        assert!(differing.count() < line.picture.len() / 200);
    }

    #[test]
    fn a_line_is_brought_to_one_height() {
        for scale in [1u32, 2, 4] {
            let page = imageops::resize(&written("H5"), 400 * scale, 120 * scale, imageops::FilterType::Triangle);
            let zone = Rect::new(30 * scale as i32, 24 * scale as i32, 340 * scale, 72 * scale);
            let line = line_of_text(&page, zone).unwrap();
            let height = f64::from(line.picture.height() - 2 * MARGIN);
            assert!((LINE_HEIGHT..LINE_HEIGHT + 8.0).contains(&height), "{height} at {scale}");
            assert_eq!(line.layout, Layout::Line);
        }
        assert_eq!(line_of_text(&written("7"), ZONE).unwrap().layout, Layout::Character);
    }

    #[test]
    fn printed_text_is_read() {
        let Ok(tesseract) = Tesseract::find() else {
            eprintln!("skipped: tesseract is not installed");
            return;
        };
        let read = |page: &GrayImage, alphabet: &str| text(page, ZONE, alphabet, Some(&tesseract));
        let of = |text: &str, alphabet: &str| match read(&written(text), alphabet) {
            TextReading::Words { text, confidence } if confidence > 0.5 => text,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(of("Maria Gomez", ""), "Maria Gomez");
        assert_eq!(of("4071", "0123456789"), "4071");
        assert_eq!(of("7", "0123456789"), "7");
        let mut boxed = written("4071 5");
        frame(&mut boxed, Rect::new(34, 30, 330, 60), 400);
        assert!(matches!(read(&boxed, "0123456789"), TextReading::Words { text, .. } if text == "40715"));
        assert_eq!(read(&GrayImage::from_pixel(400, 120, Luma([250])), ""), TextReading::Blank);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn any_zone_is_survived(
            img in picture(60, 60), x in any::<i32>(), y in -80..80i32, w in 0..200u32, h in any::<u32>(),
        ) {
            for x in [x, x % 64] {
                let read = text(&img, Rect::new(x, y, w, h), "", None);
                prop_assert!(matches!(read, TextReading::Blank | TextReading::Unread));
            }
        }
    }
}
