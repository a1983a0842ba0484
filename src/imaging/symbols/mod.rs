//! Bar codes and matrix codes in a gray picture: what they say and where they are.
//!
//! The decoders are those of `rxing`, driven one by one: its own reader of several symbologies goes through them in the
//! order of a hash set, stops at the first symbol, and believes a single row of a linear code. Here every symbol of the
//! picture is found, the result depends on nothing but the pixels, and a linear code has to say the same in several rows.

mod linear;
mod matrix;

use std::panic::{self, AssertUnwindSafe};

use image::GrayImage;
use rxing::Point;

use crate::geometry::Rect;

/// A decoded symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// Its payload as text.
    pub text: String,
    /// The box around it, in pixels of the picture; of a linear code, around the rows that were read.
    pub bounds: Rect,
}

/// All symbols of a picture: QR codes of all kinds, Data Matrix, Aztec, and the linear codes; upright
/// or turned by quarters of a turn, matrix codes by any angle. In no particular order, but always the same.
pub fn find(picture: &GrayImage) -> Vec<Symbol> {
    if picture.width() == 0 || picture.height() == 0 {
        return Vec::new();
    }
    let mut symbols = matrix::find(picture);
    for symbol in linear::find(picture) {
        // Rows of a matrix code can look like a short linear code.
        if !symbols.iter().any(|known| overlap(known.bounds, symbol.bounds)) {
            symbols.push(symbol);
        }
    }
    symbols
}

/// Do two boxes share a pixel? Boxes of symbols lie in a picture, so sums of sides fit.
pub fn overlap(a: Rect, b: Rect) -> bool {
    let apart = |a: i32, a_side: u32, b: i32| i64::from(a) + i64::from(a_side) <= i64::from(b);
    !(apart(a.x, a.width, b.x) || apart(b.x, b.width, a.x) || apart(a.y, a.height, b.y) || apart(b.y, b.height, a.y))
}

/// Runs a decoder. A panic in it is a symbol that was not read: the decoders are a library on foreign pixels.
fn guarded<T>(decode: impl FnOnce() -> T) -> Option<T> {
    panic::catch_unwind(AssertUnwindSafe(decode)).ok()
}

/// The box around a symbol's points, cut at the picture; all of the picture if there are none.
fn bounds_of(points: &[Point], picture: &GrayImage) -> Rect {
    let (width, height) = picture.dimensions();
    let finite = || points.iter().filter(|p| p.x.is_finite() && p.y.is_finite());
    if finite().next().is_none() {
        return Rect::new(0, 0, width, height);
    }
    let range = |value: fn(&Point) -> f32, side: u32| {
        let last = side.saturating_sub(1) as f32;
        let least = finite().map(value).fold(f32::INFINITY, f32::min).floor().clamp(0.0, last);
        let most = finite().map(value).fold(f32::NEG_INFINITY, f32::max).ceil().clamp(0.0, last);
        (least as i32, (most - least) as u32 + 1)
    };
    let ((x, w), (y, h)) = (range(|p| p.x, width), range(|p| p.y, height));
    Rect::new(x, y, w, h)
}

#[cfg(test)]
pub(crate) mod drawn;
#[cfg(test)]
mod tests;
