//! The packed data of a page: strips, or tiles. Are they all there, and what was packed?
//!
//! The library unpacks as much as the picture needs. The checksum of deflated data stands behind that (RFC 1950), so it is left to
//! be looked at here: without it, damage that still unpacks is read as marks.

use std::io::{self, Cursor, ErrorKind, Read};

use flate2::read::ZlibDecoder;

use super::directory::{Directory, tag};
use super::{corrupt, truncated};
use crate::deadline::Deadline;
use crate::sheet::error::SheetError;
use crate::sheet::time_limit;

/// A strip's or a tile's data.
pub struct Piece<'b> {
    data: &'b [u8],
    /// They do not reach beyond the end of the file.
    is_whole: bool,
}

impl Piece<'_> {
    /// Does it begin as a JPEG does?
    pub fn is_jpeg(&self) -> bool {
        self.data.starts_with(&[0xff, 0xd8])
    }

    /// A JPEG with what stands in those of all pieces: its tables.
    pub fn with_tables(&self, tables: &[u8]) -> Vec<u8> {
        let (start, rest) = self.data.split_at(self.data.len().min(2));
        [start, tables, rest].concat()
    }
}

/// The pieces of a page, at most `most`; none where it does not tell of them.
pub fn pieces<'b>(directory: &Directory, bytes: &'b [u8], most: u64) -> Vec<Piece<'b>> {
    let numbers = |tag| directory.numbers(&mut Cursor::new(bytes), tag, most);
    let strips = numbers(tag::STRIP_OFFSETS).zip(numbers(tag::STRIP_BYTES));
    let Some((places, lengths)) = strips.or_else(|| numbers(tag::TILE_OFFSETS).zip(numbers(tag::TILE_BYTES))) else {
        return Vec::new();
    };
    let piece = |(place, length): (u64, u64)| {
        let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(bytes.len());
        let end = place.saturating_add(length);
        Piece { data: &bytes[at(place)..at(end)], is_whole: end <= bytes.len() as u64 }
    };
    places.into_iter().zip(lengths).map(piece).collect()
}

/// Are all of them in the file? Then what cannot be unpacked is damaged, not cut off.
pub fn are_whole(pieces: &[Piece<'_>]) -> bool {
    !pieces.is_empty() && pieces.iter().all(|piece| piece.is_whole)
}

/// Unpacks deflated pieces once more, to the checksum at their end. More than `most` bytes of all together are no picture, and are
/// not looked at.
///
/// # Errors
/// Corrupt or truncated; time-limit.
pub fn check_deflated(pieces: &[Piece<'_>], most: u64, deadline: Deadline) -> Result<(), SheetError> {
    let mut room = most;
    for piece in pieces {
        time_limit::check(deadline)?;
        let mut unpacked = ZlibDecoder::new(piece.data).take(room.saturating_add(1));
        match io::copy(&mut unpacked, &mut io::sink()) {
            Ok(bytes) if bytes > room => return Ok(()),
            Ok(bytes) => room -= bytes,
            Err(e) if e.kind() == ErrorKind::UnexpectedEof && !piece.is_whole => return Err(truncated()),
            Err(_) => return Err(corrupt(&"a part of it is not what was packed (deflate)")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use tiff::encoder::{Compression, DeflateLevel, TiffEncoder, colortype::Gray8};

    use super::*;
    use crate::sheet::decode::{GrayRule, Limits, Wanted, WantedColour, tiff::decode};
    use crate::sheet::error::Reason;

    const GRAY: Wanted = Wanted { colour: WantedColour::None, gray: GrayRule::Direct };
    const SIDES: (u32, u32) = (120, 110);

    /// A page of print-like bars, in strips.
    fn page(compression: Compression) -> Vec<u8> {
        let samples: Vec<u8> = (0..SIDES.0 * SIDES.1)
            .map(|i| if i % 120 % 17 < 5 || i / 120 % 23 < 4 { 30 } else { (i % 7) as u8 + 240 })
            .collect();
        let mut file = Cursor::new(Vec::new());
        let mut encoder = TiffEncoder::new(&mut file).unwrap().with_compression(compression);
        let mut picture = encoder.new_image::<Gray8>(SIDES.0, SIDES.1).unwrap();
        picture.rows_per_strip(40).unwrap();
        picture.write_data(&samples).unwrap();
        file.into_inner()
    }

    fn read(file: &[u8]) -> Result<Vec<u8>, Reason> {
        let decoded = decode(file, GRAY, Limits { min_side: 1, ..Limits::default() });
        decoded.map(|(decoded, _)| decoded.gray.into_raw()).map_err(|error| error.reason)
    }

    /// Where the first strip lies.
    fn first_strip(file: &[u8]) -> std::ops::Range<usize> {
        let (form, place) = super::super::directory::header(&mut Cursor::new(file)).unwrap();
        let directory = Directory::read(&mut Cursor::new(file), form, place).unwrap();
        let pieces = pieces(&directory, file, 1000);
        assert_eq!(pieces.len(), 3);
        let start = pieces[0].data.as_ptr() as usize - file.as_ptr() as usize;
        start..start + pieces[0].data.len()
    }

    #[test]
    fn damage_of_deflated_data_is_told_wherever_it_is() {
        let file = page(Compression::Deflate(DeflateLevel::Balanced));
        let whole = read(&file).unwrap();
        let strip = first_strip(&file);
        // The first two bytes tell how the data were packed: some changes of them say the same.
        for at in strip.start + 2..strip.end {
            let mut damaged = file.clone();
            damaged[at] ^= 0x10;
            assert_eq!(read(&damaged), Err(Reason::Corrupt), "byte {at} of {strip:?}");
        }
        assert_eq!(read(&file).unwrap(), whole);
    }

    #[test]
    fn data_that_end_too_soon_in_a_whole_file_are_damaged() {
        let deflate = Compression::Deflate(DeflateLevel::Balanced);
        for (name, compression) in
            [("LZW", Compression::Lzw), ("PackBits", Compression::Packbits), ("Deflate", deflate)]
        {
            let mut file = page(compression);
            let strip = first_strip(&file);
            // Nothing but zeros, which unpack to less, or to nothing.
            file[strip.start + 2..strip.end].fill(0);
            assert_eq!(read(&file), Err(Reason::Corrupt), "{name}");
        }
    }
}
