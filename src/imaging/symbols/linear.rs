//! Linear codes: EAN, UPC, Code 39, Code 93, Code 128, ITF, Codabar, GS1 DataBar, Telepen.
//!
//! Rows all over the picture are decoded, in both directions, and then columns. Most of these symbologies have a weak
//! check or none, and a row of text or of bubbles is a code now and then; a printed code says the same over its whole
//! height. So a text counts when it was read in several rows that are far enough apart for the symbol's width.

use image::GrayImage;
use rxing::common::{BitArray, HybridBinarizer};
use rxing::oned::{MultiFormatOneDReader, OneDReader};
use rxing::{BarcodeFormat, BinaryBitmap, DecodeHints, Luma8Source};

use super::{Symbol, guarded};
use crate::geometry::Rect;

/// Rows are at most this far apart, in pixels, and in low pictures less.
const MAX_STEP: usize = 4;

/// Symbols beside each other that are sought in one row.
const MOST_IN_A_ROW: usize = 6;

/// Rows that have to agree where the symbology has a check of its own, and where it has none.
const LEAST_ROWS: (usize, usize) = (2, 4);

/// The height over which a code has to say the same is at least this part of its width. The standards ask for 15 % of
/// height; labels are cut lower than that.
const LEAST_HEIGHT: f64 = 1.0 / 24.0;

/// A code read in a row.
#[derive(Debug, Clone, PartialEq)]
struct Hit {
    text: String,
    format: BarcodeFormat,
    row: usize,
    /// First and last pixel of the row that belong to it.
    span: (usize, usize),
}

/// The same text in rows one below the other.
#[derive(Debug, Clone, PartialEq)]
struct Run {
    text: String,
    format: BarcodeFormat,
    rows: usize,
    first: usize,
    last: usize,
    span: (usize, usize),
}

/// All linear codes of a picture that has pixels.
pub(super) fn find(picture: &GrayImage) -> Vec<Symbol> {
    let across = symbols(picture);
    let down = symbols(&transposed(picture));
    let turned = down.into_iter().map(|Symbol { text, bounds: b }| {
        let bounds = Rect::new(b.y, b.x, b.height, b.width);
        Symbol { text, bounds }
    });
    across.into_iter().chain(turned).collect()
}

/// The picture mirrored at its diagonal: its columns are rows.
fn transposed(picture: &GrayImage) -> GrayImage {
    let (width, height) = picture.dimensions();
    let mut out = GrayImage::new(height, width);
    for (x, y, pixel) in picture.enumerate_pixels() {
        out.put_pixel(y, x, *pixel);
    }
    out
}

/// The codes that lie across the picture.
fn symbols(picture: &GrayImage) -> Vec<Symbol> {
    let step = (picture.height() as usize / 64).clamp(1, MAX_STEP);
    let hits = hits(picture, step);
    let runs = believed(runs(hits, step));
    runs.into_iter()
        .map(|run| {
            let (x0, x1) = run.span;
            let bounds =
                Rect::new(x0 as i32, run.first as i32, (x1 - x0 + 1) as u32, (run.last - run.first + 1) as u32);
            Symbol { text: run.text, bounds }
        })
        .collect()
}

/// Decodes every `step`th row.
fn hits(picture: &GrayImage, step: usize) -> Vec<Hit> {
    let Ok(source) = Luma8Source::new_with_slice(picture.as_raw(), picture.width(), picture.height()) else {
        return Vec::new();
    };
    let bitmap = BinaryBitmap::new(HybridBinarizer::new(source));
    let hints = DecodeHints { TryHarder: Some(true), ..DecodeHints::default() };
    let mut reader = MultiFormatOneDReader::new(&hints);
    let mut hits = Vec::new();
    for y in (0..picture.height() as usize).step_by(step) {
        // A row without contrast has no black and white.
        // A decoder that fails on one row costs that row alone.
        let found = guarded(|| {
            let row = bitmap.get_black_row(y).ok()?;
            let mut found = Vec::new();
            row_hits(row.into_owned(), y, &mut reader, &hints, &mut found);
            Some(found)
        });
        hits.extend(found.flatten().unwrap_or_default());
    }
    hits
}

/// Decodes a row: each code that is found is painted white, and the rest is decoded again.
fn row_hits(mut row: BitArray, y: usize, reader: &mut MultiFormatOneDReader, hints: &DecodeHints, hits: &mut Vec<Hit>) {
    let width = row.get_size();
    for _ in 0..MOST_IN_A_ROW {
        let Some(hit) = row_hit(&row, y, reader, hints) else { return };
        // The points lie in the middle of the guard patterns.
        let reach = (hit.span.1 - hit.span.0) / 16 + 2;
        for x in hit.span.0.saturating_sub(reach)..(hit.span.1 + reach).min(width) {
            row.unset(x);
        }
        hits.push(hit);
    }
}

fn row_hit(row: &BitArray, y: usize, reader: &mut MultiFormatOneDReader, hints: &DecodeHints) -> Option<Hit> {
    let last = row.get_size().checked_sub(1)?;
    let place = |x: f32| (x.max(0.0) as usize).min(last);
    for is_reversed in [false, true] {
        let result = if is_reversed {
            let mut mirrored = row.clone();
            mirrored.reverse();
            reader.decode_row(y as u32, &mirrored, hints)
        } else {
            reader.decode_row(y as u32, row, hints)
        };
        let Ok(result) = result else { continue };
        // The decoder of Code 39 gives half of the place where the symbol ends (rxing 0.9: the sum of start and length
        // of the last character is halved, where its length should be).
        let is_halved = *result.getBarcodeFormat() == BarcodeFormat::CODE_39;
        let points = result.getPoints().iter().enumerate();
        let points = points.map(|(i, p)| place(if is_halved && i == 1 { 2.0 * p.x } else { p.x }));
        let places = points.map(|x| if is_reversed { last - x } else { x });
        let (x0, x1) = places.fold((last, 0), |(x0, x1), x| (x0.min(x), x1.max(x)));
        if x0 < x1 && !result.getText().trim().is_empty() {
            let format = *result.getBarcodeFormat();
            return Some(Hit { text: result.getText().to_owned(), format, row: y, span: (x0, x1) });
        }
    }
    None
}

/// Joins hits of the same text that lie below each other. Hits come in the order of rows.
fn runs(hits: Vec<Hit>, step: usize) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for hit in hits {
        let gap = ((hit.span.1 - hit.span.0) / 8).max(4 * step);
        let known = runs.iter_mut().find(|run| {
            run.text == hit.text && run.format == hit.format && hit.row <= run.last + gap && meet(run.span, hit.span)
        });
        match known {
            Some(run) => {
                run.rows += usize::from(hit.row > run.last);
                run.last = hit.row;
                run.span = (run.span.0.min(hit.span.0), run.span.1.max(hit.span.1));
            }
            None => runs.push(Run {
                text: hit.text,
                format: hit.format,
                rows: 1,
                first: hit.row,
                last: hit.row,
                span: hit.span,
            }),
        }
    }
    runs
}

/// The runs that are codes: tall enough, and not contradicted by another in the same place that is half as strong.
fn believed(runs: Vec<Run>) -> Vec<Run> {
    let is_rival = |a: &Run, b: &Run| {
        a != b && meet(a.span, b.span) && meet((a.first, a.last), (b.first, b.last)) && 2 * b.rows > a.rows
    };
    let is_tall = |run: &Run| {
        let least_rows = if is_checked(run.format) { LEAST_ROWS.0 } else { LEAST_ROWS.1 };
        let height = (run.last - run.first) as f64;
        run.rows >= least_rows && height >= LEAST_HEIGHT * (run.span.1 - run.span.0) as f64
    };
    runs.iter().filter(|run| is_tall(run) && !runs.iter().any(|other| is_rival(run, other))).cloned().collect()
}

/// Do two ranges with inclusive ends share a place?
fn meet(a: (usize, usize), b: (usize, usize)) -> bool {
    a.0 <= b.1 && b.0 <= a.1
}

/// Does the symbology have check characters that the decoder verifies?
fn is_checked(format: BarcodeFormat) -> bool {
    use BarcodeFormat::{CODE_93, CODE_128, EAN_13, RSS_14, RSS_EXPANDED, UPC_A};
    matches!(format, CODE_93 | CODE_128 | EAN_13 | RSS_14 | RSS_EXPANDED | UPC_A)
}
