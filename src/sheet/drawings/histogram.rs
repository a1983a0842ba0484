//! How the levels of bubbles are distributed, and where thresholds part them.

use super::super::stages::Drawn;
use crate::geometry::{Point, Rect, Size};
use crate::imaging::sketch::Sketch;
use crate::sheet::judge::{Judgement, Scale};

const MARKED: [u8; 3] = [0, 140, 50];
const BLANK: [u8; 3] = [120, 150, 190];
const FIELD: [u8; 3] = [220, 120, 0];
const PAGE: [u8; 3] = [200, 20, 20];
const AXIS: [u8; 3] = [60, 60, 60];

const SIZE: Size = Size::new(1080, 560);
/// The box that bars stand in.
const PLOT: Rect = Rect::new(40, 50, 1000, 400);
const BARS: usize = 64;
const LETTERS: u32 = 18;

/// The levels of a sheet's bubbles, in a picture at most as large as `most`.
pub fn of_sheet(judgement: &Judgement, most: Size) -> Drawn {
    let fields = || judgement.fields.iter().filter(|field| !field.levels.is_empty());
    let bubbles: Vec<(f64, bool)> =
        fields().flat_map(|field| field.levels.iter().copied().zip(field.marked.iter().copied())).collect();
    let thresholds: Vec<f64> = fields().map(|field| field.threshold).collect();
    let drawn = of(judgement.scale, &bubbles, &thresholds, &[judgement.page_threshold]);
    Drawn { picture: Sketch::of_colour(&drawn.picture, most).finish(), ..drawn }
}

/// The levels of bubbles, each with its verdict; `fields` and `pages` are the thresholds of fields and of whole pages.
pub fn of(scale: Scale, bubbles: &[(f64, bool)], fields: &[f64], pages: &[f64]) -> Drawn {
    let mut sketch = Sketch::blank(SIZE);
    let mut counts = [[0u32; 2]; BARS];
    let bar = scale.end() as usize / BARS;
    for (level, marked) in bubbles {
        // A level below 0 is cast to 0.
        counts[(*level as usize / bar).min(BARS - 1)][usize::from(*marked)] += 1;
    }
    // A few marks stand beside thousands of blanks: the height is the square root of the count.
    let root = |count: u32| f64::from(count).sqrt();
    let highest = counts.iter().map(|[blank, marked]| root(blank + marked)).fold(1.0, f64::max);
    let bottom = PLOT.y + PLOT.height as i32;
    let end = f64::from(scale.end());
    let at = |level: f64| PLOT.x + (level.clamp(0.0, end - 1.0) / end * f64::from(PLOT.width)) as i32;
    for (i, [blank, marked]) in counts.into_iter().enumerate() {
        let (from, to) = (at((i * bar) as f64), at(((i + 1) * bar) as f64));
        let height = |count: u32| (root(count) / highest * f64::from(PLOT.height)) as u32;
        let (all, part) = (height(blank + marked), height(marked));
        let upright = |height: u32| Rect::new(from, bottom - height as i32, (to - from - 1).max(1) as u32, height);
        for (height, ink) in [(all, BLANK), (part, MARKED)] {
            if height > 0 {
                sketch.fill(upright(height), ink);
            }
        }
    }
    sketch.fill(Rect::new(PLOT.x, bottom, PLOT.width, 2), AXIS);
    for level in (0..scale.end()).step_by(scale.end() as usize / 5 / 5 * 5) {
        let x = at(f64::from(level));
        sketch.fill(Rect::new(x, bottom, 2, 8), AXIS);
        sketch.text(&level.to_string(), Point::new(f64::from(x - 10), f64::from(bottom + 26)), LETTERS, AXIS);
    }
    for threshold in fields {
        sketch.fill(Rect::new(at(*threshold), bottom + 4, 2, 18), FIELD);
    }
    for threshold in pages {
        sketch.fill(Rect::new(at(*threshold), PLOT.y, 2, PLOT.height + 22), PAGE);
    }
    let axis = format!("{} of bubbles; height: square root of count", scale.legend());
    let legend = [
        ("marked", MARKED),
        ("blank", BLANK),
        ("thresholds of fields", FIELD),
        ("page threshold", PAGE),
        (axis.as_str(), AXIS),
    ];
    let mut x = f64::from(PLOT.x);
    for (text, ink) in legend {
        sketch.text(text, Point::new(x, 10.0), LETTERS, ink);
        x += f64::from(crate::imaging::sketch::text_size(text, LETTERS).width) + 16.0;
    }
    Drawn { title: "ink and thresholds".to_owned(), notes: notes(bubbles, fields, pages), picture: sketch.finish() }
}

fn notes(bubbles: &[(f64, bool)], fields: &[f64], pages: &[f64]) -> Vec<String> {
    let levels =
        |is_marked: bool| -> Vec<f64> { bubbles.iter().filter(|(_, m)| *m == is_marked).map(|b| b.0).collect() };
    let (marked, blank) = (levels(true), levels(false));
    vec![
        format!("{} marked bubbles: {}", marked.len(), range(&marked)),
        format!("{} blank bubbles: {}", blank.len(), range(&blank)),
        format!("page threshold: {}; of fields: {}", range(pages), range(fields)),
    ]
}

/// From the least to the most of these numbers, for a person.
pub fn range(values: &[f64]) -> String {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    match values {
        [] => "none".to_owned(),
        [one] => format!("{one:.1}"),
        _ => format!("{least:.1} to {most:.1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_and_thresholds_stand_at_their_grays() {
        let drawn = of(Scale::Gray, &[(10.0, true), (250.0, false)], &[100.0], &[128.0]);
        let columns = |colour: [u8; 3]| -> Vec<u32> {
            let mut all: Vec<u32> = drawn
                .picture
                .enumerate_pixels()
                .filter(|(_, y, p)| *y > 60 && p.0 == colour)
                .map(|(x, ..)| x)
                .collect();
            all.sort_unstable();
            all.dedup();
            all
        };
        let near = |gray: f64| 40.0 + gray / 256.0 * 1000.0;
        assert!(columns(MARKED).iter().all(|&x| (f64::from(x) - near(10.0)).abs() < 16.0));
        assert!(columns(BLANK).iter().all(|&x| (f64::from(x) - near(250.0)).abs() < 16.0));
        assert!(columns(PAGE).iter().all(|&x| (f64::from(x) - near(128.0)).abs() < 3.0));
        assert!([MARKED, BLANK, FIELD, PAGE].iter().all(|colour| !columns(*colour).is_empty()));
        assert_eq!(drawn.notes[0], "1 marked bubbles: 10.0");
    }

    #[test]
    fn a_sheet_without_bubbles_has_an_empty_histogram() {
        assert_eq!(of(Scale::Ink, &[], &[], &[]).notes[1], "0 blank bubbles: none");
    }
}
