//! Matrix codes: QR, Micro QR, rMQR, Data Matrix, Aztec.
//!
//! PDF417 is left out: rxing settles ties between damaged codewords in the order of a hash map, so the same picture might
//! be read in one run and not in the next. MaxiCode is, too: its detector searches some pictures of noise for minutes.

use image::{GrayImage, Luma};
use rxing::aztec::AztecReader;
use rxing::common::HybridBinarizer;
use rxing::datamatrix::DataMatrixReader;
use rxing::multi::MultipleBarcodeReader;
use rxing::qrcode::QRCodeReader;
use rxing::qrcode::cpp_port::QrReader;
use rxing::{BinaryBitmap, DecodeHints, Luma8Source, RXingResult, Reader};

use super::{Symbol, bounds_of, guarded};

type Bitmap<'p> = BinaryBitmap<HybridBinarizer<Luma8Source<'p>>>;

/// More symbols of one kind are not sought: no zone of an answer sheet has as many, and a texture must not hold up a run.
const MOST: usize = 16;

/// All matrix codes of a picture that has pixels.
pub(super) fn find(picture: &GrayImage) -> Vec<Symbol> {
    let hints = DecodeHints { TryHarder: Some(true), ..DecodeHints::default() };
    let mut symbols = Vec::new();
    let mut add = |results: Vec<RXingResult>| {
        let found = results.iter().map(|r| symbol(r, picture)).filter(|s| !s.text.is_empty());
        symbols.extend(found.take(MOST));
    };
    let qr = many(picture, |bitmap| QrReader.decode_multiple_with_hints(bitmap, &hints).unwrap_or_default());
    // The older detector copes with some damaged finder patterns that the newer one does not.
    let qr = if qr.is_empty() { one(picture, |b| QRCodeReader::new().decode_with_hints(b, &hints)) } else { qr };
    add(qr);
    add(repeated(picture, |b| DataMatrixReader.decode_with_hints(b, &hints)));
    add(repeated(picture, |b| AztecReader.decode_with_hints(b, &hints)));
    symbols
}

fn symbol(result: &RXingResult, picture: &GrayImage) -> Symbol {
    Symbol { text: result.getText().to_owned(), bounds: bounds_of(result.getPoints(), picture) }
}

/// Runs a decoder on the picture in black and white.
fn many(picture: &GrayImage, decode: impl FnOnce(&mut Bitmap<'_>) -> Vec<RXingResult>) -> Vec<RXingResult> {
    let decoded = guarded(|| {
        let source = Luma8Source::new_with_slice(picture.as_raw(), picture.width(), picture.height()).ok()?;
        Some(decode(&mut BinaryBitmap::new(HybridBinarizer::new(source))))
    });
    decoded.flatten().unwrap_or_default()
}

/// Runs a decoder that finds one symbol.
fn one(
    picture: &GrayImage,
    decode: impl FnOnce(&mut Bitmap<'_>) -> rxing::common::Result<RXingResult>,
) -> Vec<RXingResult> {
    many(picture, |bitmap| decode(bitmap).into_iter().collect())
}

/// Runs a decoder that finds one symbol, again and again, with what was found painted white.
fn repeated(
    picture: &GrayImage,
    decode: impl Fn(&mut Bitmap<'_>) -> rxing::common::Result<RXingResult>,
) -> Vec<RXingResult> {
    let mut results = one(picture, &decode);
    if results.is_empty() {
        return results;
    }
    let mut rest = picture.clone();
    while let Some(last) = results.last()
        && results.len() < MOST
    {
        let area = bounds_of(last.getPoints(), picture);
        // The points lie within the outermost modules.
        let reach = (area.width.max(area.height) / 8 + 2) as i32;
        let area = crate::geometry::Rect::new(
            area.x - reach,
            area.y - reach,
            area.width + 2 * reach as u32,
            area.height + 2 * reach as u32,
        );
        let (x0, y0, x1, y1) = area.clipped(crate::geometry::Size::new(rest.width(), rest.height()));
        for y in y0..y1 {
            for x in x0..x1 {
                rest.put_pixel(x, y, Luma([255]));
            }
        }
        let more = one(&rest, &decode);
        if more.is_empty() {
            break;
        }
        results.extend(more);
    }
    results
}
