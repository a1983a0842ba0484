//! WebP. The library makes room for what chunks claim, and decodes a frame of any size before it looks whether the size is the
//! picture's: so the chunks are walked over first (RIFF container of the WebP specification, RFC 9649).

use std::io::Cursor;

use image::ImageDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;

use super::{Decoded, Limits, Wanted, corrupt, library, orientation_of};
use crate::geometry::Size;
use crate::sheet::error::SheetError;

/// Decodes a WebP; of an animation its first frame.
pub fn decode(bytes: &[u8], wanted: Wanted, limits: Limits) -> Result<(Decoded, Orientation), SheetError> {
    let decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(|e| library::broken(&e))?;
    let (width, height) = decoder.dimensions();
    check(bytes, limits.accept(width, height)?)?;
    let exif = Chunks::of(bytes).find(|chunk| chunk.kind == *b"EXIF");
    let orientation = orientation_of(exif.map(|chunk| chunk.data));
    library::decode(decoder, wanted, limits).map(|decoded| (decoded, orientation))
}

/// Refuses frames that have another size than the picture, or than they have by their animation.
fn check(bytes: &[u8], picture: Size) -> Result<(), SheetError> {
    let is_of = |chunk: &Chunk<'_>, size: Size| size_of(chunk).is_none_or(|frame| frame == size);
    for chunk in Chunks::of(bytes) {
        let fits = match (&chunk.kind, chunk.data) {
            (b"ANMF", [_, _, _, _, _, _, a, b, c, d, e, f, _, _, _, _, frame @ ..]) => {
                let side = |bytes: [u8; 3]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]) + 1;
                let size = Size::new(side([*a, *b, *c]), side([*d, *e, *f]));
                Chunks(frame).all(|chunk| is_of(&chunk, size))
            }
            _ => is_of(&chunk, picture),
        };
        if !fits {
            return Err(corrupt(&"a frame has another size than the picture"));
        }
    }
    Ok(())
}

/// The size that the data of a frame tell; `None` of other chunks, and where it is cut.
fn size_of(chunk: &Chunk<'_>) -> Option<Size> {
    match (&chunk.kind, chunk.data) {
        (b"VP8 ", [_, _, _, _, _, _, a, b, c, d, ..]) => {
            let side = |bytes: [u8; 2]| u32::from(u16::from_le_bytes(bytes) & 0x3fff);
            Some(Size::new(side([*a, *b]), side([*c, *d])))
        }
        (b"VP8L", [_, a, b, c, d, ..]) => {
            let header = u32::from_le_bytes([*a, *b, *c, *d]);
            Some(Size::new((header & 0x3fff) + 1, (header >> 14 & 0x3fff) + 1))
        }
        _ => None,
    }
}

/// A chunk of a file, or as much of it as is there.
struct Chunk<'b> {
    kind: [u8; 4],
    data: &'b [u8],
}

/// The chunks of these bytes, one after the other.
struct Chunks<'b>(&'b [u8]);

impl<'b> Chunks<'b> {
    /// Those of a file.
    fn of(file: &'b [u8]) -> Self {
        const HEADER: usize = 12;
        Self(file.get(HEADER..).unwrap_or_default())
    }
}

impl<'b> Iterator for Chunks<'b> {
    type Item = Chunk<'b>;

    fn next(&mut self) -> Option<Chunk<'b>> {
        let (kind, rest) = self.0.split_first_chunk::<4>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let data = &rest[..length.min(rest.len())];
        // Chunks begin at even bytes.
        self.0 = rest.get(length.saturating_add(length % 2)..).unwrap_or_default();
        Some(Chunk { kind: *kind, data })
    }
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, ImageFormat, RgbImage};

    use super::*;
    use crate::sheet::decode::{GrayRule, WantedColour};
    use crate::sheet::error::Reason;

    const GRAY: Wanted = Wanted { colour: WantedColour::None, gray: GrayRule::Direct };

    fn chunk(kind: &[u8; 4], data: &[u8], claims: usize) -> Vec<u8> {
        let padding = vec![0; data.len() % 2];
        [kind.as_slice(), &u32::try_from(claims).unwrap().to_le_bytes(), data, &padding].concat()
    }

    fn file(chunks: &[Vec<u8>]) -> Vec<u8> {
        let chunks = chunks.concat();
        [b"RIFF".as_slice(), &u32::try_from(chunks.len() + 4).unwrap().to_le_bytes(), b"WEBP", &chunks].concat()
    }

    /// The data of a lossless frame.
    fn frame(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::from(RgbImage::new(width, height)).write_to(&mut bytes, ImageFormat::WebP).unwrap();
        Chunks::of(bytes.get_ref()).find(|chunk| &chunk.kind == b"VP8L").unwrap().data.to_vec()
    }

    fn extended(flags: u8, width: u8, height: u8) -> Vec<u8> {
        chunk(b"VP8X", &[flags, 0, 0, 0, width - 1, 0, 0, height - 1, 0, 0], 10)
    }

    fn animated(width: u8, height: u8, data: &[u8]) -> Vec<u8> {
        let header = [0, 0, 0, 0, 0, 0, width - 1, 0, 0, height - 1, 0, 0, 1, 0, 0, 0];
        let data = [header.as_slice(), &chunk(b"VP8L", data, data.len())].concat();
        chunk(b"ANMF", &data, data.len())
    }

    fn read(bytes: &[u8]) -> Result<(u32, u32, Orientation), Reason> {
        let read = decode(bytes, GRAY, Limits::default());
        read.map(|(decoded, lies)| (decoded.gray.width(), decoded.gray.height(), lies)).map_err(|error| error.reason)
    }

    #[test]
    fn the_orientation_is_read_whatever_the_chunk_claims() {
        let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        let data = frame(40, 50);
        for claims in [exif.len(), u32::MAX as usize] {
            let picture = chunk(b"VP8L", &data, data.len());
            let bytes = file(&[extended(8, 40, 50), picture, chunk(b"EXIF", exif, claims)]);
            assert_eq!(read(&bytes), Ok((40, 50, Orientation::Rotate90)), "{claims}");
        }
    }

    #[test]
    fn frames_have_the_size_of_their_picture() {
        let (right, wrong) = (frame(40, 50), frame(50, 40));
        let still = |data: &[u8]| file(&[extended(0, 40, 50), chunk(b"VP8L", data, data.len())]);
        assert_eq!(read(&still(&right)), Ok((40, 50, Orientation::NoTransforms)));
        assert_eq!(read(&still(&wrong)), Err(Reason::Corrupt));
        let moving = |data: &[u8]| {
            file(&[extended(2, 40, 50), chunk(b"ANIM", &[0; 6], 6), animated(40, 50, data), animated(40, 50, &right)])
        };
        assert_eq!(read(&moving(&right)), Ok((40, 50, Orientation::NoTransforms)));
        assert_eq!(read(&moving(&wrong)), Err(Reason::Corrupt));
    }
}
