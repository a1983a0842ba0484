//! Bar codes and QR codes, as modules that are black or white.
//!
//! Code 128 is written from the table of ISO/IEC 15417: every symbol is eleven modules wide, three bars and three spaces,
//! and the last before the stop is a sum modulo 103. Digits in pairs are set C, all else is set B.

use qrcode::{Color, EcLevel, QrCode};

use super::DeckError;
use super::canvas::{Canvas, Ink};
use crate::geometry::{Point, Rect};

/// How a text is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Symbology {
    /// A QR code, error correction level M.
    Qr,
    /// Code 128.
    Code128,
}

/// Black and white modules, row by row. A bar code has one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modules {
    /// Modules in a row.
    pub width: usize,
    /// True is black.
    pub black: Vec<bool>,
}

impl Symbology {
    /// The modules of a text, without the white that must lie around them.
    ///
    /// # Errors
    /// [`DeckError::Code`] if the code cannot say the text.
    pub fn modules(self, text: &str) -> Result<Modules, DeckError> {
        let modules = match self {
            Self::Qr => qr(text),
            Self::Code128 => code_128(text),
        };
        modules.ok_or_else(|| DeckError::Code { text: text.to_owned(), code: self.name() })
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Qr => "QR code",
            Self::Code128 => "Code 128",
        }
    }
}

impl Modules {
    /// Draws the modules into `area`, which they fill but for what is needed to keep squares square.
    pub fn draw(&self, canvas: &mut Canvas, area: Rect, ink: Ink) {
        let rows = self.black.len() / self.width.max(1);
        let (width, height) = (f64::from(area.width), f64::from(area.height));
        let across = width / self.width.max(1) as f64;
        let (across, down) = match rows {
            0 => return,
            1 => (across, height),
            _ => {
                let side = across.min(height / rows as f64);
                (side, side)
            }
        };
        let left = f64::from(area.x) + (width - across * self.width as f64) / 2.0;
        let top = f64::from(area.y) + (height - down * rows as f64) / 2.0;
        for (row, modules) in self.black.chunks_exact(self.width).enumerate() {
            let y = top + (row as f64 + 0.5) * down;
            let mut from = 0;
            // Neighbours are one rectangle, or their soft edges would leave light seams.
            for run in modules.chunk_by(|a, b| a == b) {
                let to = from + run.len();
                if run.first() == Some(&true) {
                    let x = left + (from + to) as f64 / 2.0 * across;
                    canvas.block(Point::new(x, y), (run.len() as f64 * across / 2.0, down / 2.0), ink);
                }
                from = to;
            }
        }
    }
}

fn qr(text: &str) -> Option<Modules> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let black = code.to_colors().into_iter().map(|colour| colour == Color::Dark).collect();
    Some(Modules { width: code.width(), black })
}

/// Widths of bars and spaces by symbol value, a bar first.
const WIDTHS: [&str; 106] = [
    "212222", "222122", "222221", "121223", "121322", "131222", "122213", "122312", "132212", "221213", "221312",
    "231212", "112232", "122132", "122231", "113222", "123122", "123221", "223211", "221132", "221231", "213212",
    "223112", "312131", "311222", "321122", "321221", "312212", "322112", "322211", "212123", "212321", "232121",
    "111323", "131123", "131321", "112313", "132113", "132311", "211313", "231113", "231311", "112133", "112331",
    "132131", "113123", "113321", "133121", "313121", "211331", "231131", "213113", "213311", "213131", "311123",
    "311321", "331121", "312113", "312311", "332111", "314111", "221411", "431111", "111224", "111422", "121124",
    "121421", "141122", "141221", "112214", "112412", "122114", "122411", "142112", "142211", "241211", "221114",
    "413111", "241112", "134111", "111242", "121142", "121241", "114212", "124112", "124211", "411212", "421112",
    "421211", "212141", "214121", "412121", "111143", "111341", "131141", "114113", "114311", "411113", "411311",
    "113141", "114131", "311141", "411131", "211412", "211214", "211232",
];
/// The stop symbol with the bar that ends every code.
const STOP: &str = "2331112";
const START_B: usize = 104;
const START_C: usize = 105;

fn code_128(text: &str) -> Option<Modules> {
    let values = symbol_values(text)?;
    let widths = values.iter().filter_map(|&value| WIDTHS.get(value).copied()).chain([STOP]);
    let mut black = Vec::new();
    for symbol in widths {
        for (index, width) in symbol.bytes().enumerate() {
            black.extend(std::iter::repeat_n(index % 2 == 0, usize::from(width - b'0')));
        }
    }
    Some(Modules { width: black.len(), black })
}

/// Start, data and check symbol.
fn symbol_values(text: &str) -> Option<Vec<usize>> {
    let bytes = text.as_bytes();
    let pairs = bytes.len() >= 2 && bytes.len().is_multiple_of(2) && bytes.iter().all(u8::is_ascii_digit);
    let mut values = Vec::new();
    if pairs {
        values.push(START_C);
        values.extend(bytes.chunks_exact(2).map(|pair| usize::from(pair[0] - b'0') * 10 + usize::from(pair[1] - b'0')));
    } else {
        values.push(START_B);
        for &byte in bytes {
            // Set B is printable ASCII from the blank on.
            values.push(usize::from(byte.is_ascii().then_some(byte)?.checked_sub(b' ')?));
        }
    }
    values.push(checksum(&values));
    (values.len() > 2).then_some(values)
}

/// The start value and every other value times its place, modulo 103.
fn checksum(values: &[usize]) -> usize {
    values.iter().enumerate().map(|(place, value)| place.max(1) * value).sum::<usize>() % 103
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_symbol_has_eleven_modules_and_its_own_pattern() {
        let mut seen = std::collections::BTreeSet::new();
        for widths in WIDTHS {
            assert_eq!(widths.bytes().map(|w| w - b'0').sum::<u8>(), 11, "{widths}");
            // The standard's self check: bars add up to an even number.
            assert_eq!(widths.bytes().step_by(2).map(|w| w - b'0').sum::<u8>() % 2, 0, "{widths}");
            assert!(seen.insert(widths), "{widths} twice");
        }
    }

    #[test]
    fn a_published_checksum() {
        // The worked example of many descriptions of Code 128: "PJJ123C" in set A, start 103, check symbol 54. Set B codes
        // these characters alike; its start is one greater, and so is the sum.
        assert_eq!(checksum(&[103, 48, 42, 42, 17, 18, 19, 35]), 54);
        let values = symbol_values("PJJ123C").unwrap();
        assert_eq!(values, [104, 48, 42, 42, 17, 18, 19, 35, 55]);
    }

    #[test]
    fn digits_in_pairs_are_short() {
        assert_eq!(symbol_values("123456").unwrap()[..4], [105, 12, 34, 56]);
        // Start, three pairs, check and a stop of thirteen modules.
        assert_eq!(Symbology::Code128.modules("123456").unwrap().width, 5 * 11 + 13);
        assert_eq!(symbol_values("12345").unwrap()[0], 104);
    }

    #[test]
    fn what_a_code_cannot_say_is_an_error() {
        for text in ["", "naïve", "tab\there"] {
            assert!(matches!(Symbology::Code128.modules(text), Err(DeckError::Code { .. })), "{text:?}");
        }
        assert!(Symbology::Qr.modules(&"x".repeat(5000)).is_err());
    }

    #[test]
    fn a_qr_code_has_three_eyes() {
        let code = Symbology::Qr.modules("seat 17").unwrap();
        assert_eq!((code.width, code.black.len()), (21, 21 * 21));
        let at = |x: usize, y: usize| code.black[y * 21 + x];
        for (x, y) in [(0, 0), (14, 0), (0, 14)] {
            assert!((0..7).all(|i| at(x + i, y) && at(x, y + i)) && !at(x + 1, y + 1) && at(x + 3, y + 3));
        }
    }

    #[test]
    fn codes_are_read_back() {
        for (symbology, text) in [
            (Symbology::Qr, "https://example.org/?seat=17"),
            (Symbology::Code128, "20260417"),
            (Symbology::Code128, "~ Az9 {K-17}"),
        ] {
            let modules = symbology.modules(text).unwrap();
            let rows = (modules.black.len() / modules.width) as u32;
            let (width, height) = (3 * modules.width as u32 + 60, if rows == 1 { 120 } else { 3 * rows + 60 });
            let mut canvas = Canvas::new(Rect::new(0, 0, width, height), 1.0);
            modules.draw(&mut canvas, Rect::new(30, 30, width - 60, height - 60), Ink::gray(0));
            let gray = image::imageops::grayscale(canvas.picture());
            let read = rxing::helpers::detect_in_luma(gray.into_raw(), width, height, None).unwrap();
            assert_eq!(read.getText(), text);
        }
    }

    #[test]
    fn modules_are_drawn_where_they_belong() {
        let mut canvas = Canvas::new(Rect::new(0, 0, 12, 4), 1.0);
        let modules = Modules { width: 3, black: vec![true, false, true] };
        modules.draw(&mut canvas, Rect::new(0, 1, 12, 2), Ink::gray(0));
        let row = |y: u32| (0..12).map(|x| canvas.picture().get_pixel(x, y).0[0]).collect::<Vec<u8>>();
        assert_eq!(row(0), [255; 12]);
        assert_eq!(row(1), [0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0]);
    }
}
