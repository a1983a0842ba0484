//! Objects of a PDF that are packed (ISO 32000-1, section 7.5.7), and packed tables of where objects lie (7.5.8): the library unpacks
//! them without a limit as soon as it opens the file, so they are counted before.
//!
//! It takes for a collection of objects whatever a table names as one, and, where tables are damaged, whatever says that it is one.
//! Both are found here by the library's own reading of dictionaries, at all places where one may begin; nothing is believed of
//! what data say of themselves otherwise. All other data are left alone, so that a file of pictures is opened without unpacking any.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

use hayro_syntax::object::{Array, Dict, FromBytes, MaybeRef, Name, Object, Stream};
use regex::bytes::Regex;

use super::claims::MOST_UNPACKED;
use super::{is_name, unpacking};
use crate::sheet::{Reason, SheetError};

/// Tables of a file may have so many rows together: each costs some fifty bytes when it is kept.
const MOST_ROWS: u64 = 4 << 20;

/// A table may have this many bytes, unpacked: so many rows of the widest that are written.
const MOST_OF_TABLE: u64 = 128 << 20;

/// Refuses a file whose packed tables or packed objects have more bytes, unpacked, than are kept of a page's data.
///
/// # Errors
/// Too-large; unsupported-format or corrupt where it cannot be told how they are packed, or which they are.
pub fn check(bytes: &[u8]) -> Result<(), SheetError> {
    static BEGINNING: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("(?-u)<<").ok());
    let mut found = Found { bytes, collections: HashSet::new(), is_encrypted: false, rows: 0 };
    let mut from = 0;
    while let Some(place) = BEGINNING.as_ref().and_then(|beginning| beginning.find_at(bytes, from)) {
        found.dictionary(place.start())?;
        from = place.start() + 1;
    }
    found.count()
}

/// What is known of a file.
struct Found<'a> {
    bytes: &'a [u8],
    /// Numbers of what may be taken for a collection of objects.
    collections: HashSet<u32>,
    /// Data of its collections are not what is unpacked.
    is_encrypted: bool,
    /// Rows of its packed tables.
    rows: u64,
}

impl<'a> Found<'a> {
    /// Looks at what begins like a dictionary.
    fn dictionary(&mut self, at: usize) -> Result<(), SheetError> {
        let Some(dict) = self.bytes.get(at..).and_then(Dict::from_bytes) else { return Ok(()) };
        self.is_encrypted |= dict.contains_key(b"Encrypt".as_slice());
        let is_collection = dict.get::<Name<'_>>(b"Type".as_slice()).is_some_and(|name| is_name(&name, &["ObjStm"]));
        let widths = dict.get::<[u8; 3]>(b"W".as_slice());
        if !is_collection && widths.is_none() {
            return Ok(());
        }
        let Some(stream) = self.bytes.get(at..).and_then(Stream::from_bytes) else { return Ok(()) };
        if is_collection {
            let number = number_before(&self.bytes[..at]).ok_or_else(|| {
                SheetError::new(Reason::Corrupt, "the file has packed objects without a number; print it to a new PDF")
            })?;
            self.collections.insert(number);
        }
        widths.map_or(Ok(()), |widths| self.table(&stream, widths))
    }

    /// Notes what a packed table names as collections.
    fn table(&mut self, stream: &Stream<'_>, widths: [u8; 3]) -> Result<(), SheetError> {
        if self.reach(stream, true)? > MOST_OF_TABLE {
            return Err(too_large());
        }
        let data = stream.decoded_data().unwrap_or_default();
        let [kind, place, index] = widths.map(usize::from);
        let told = match stream.dict().get::<Array<'_>>(b"Index".as_slice()) {
            Some(parts) => parts.iter::<(u32, u32)>().map(|(_, count)| u64::from(count)).sum(),
            None => u64::from(stream.dict().get::<u32>(b"Size".as_slice()).unwrap_or(0)),
        };
        // The library takes the kind for one byte, however wide it is.
        let kind = kind.min(1);
        let rows = data.chunks_exact((kind + place + index).max(1));
        self.rows = self.rows.saturating_add(told.min(rows.len() as u64));
        if self.rows > MOST_ROWS {
            return Err(too_large());
        }
        // Without a kind, no row names a collection.
        let named = rows.take(usize::try_from(told).unwrap_or(usize::MAX)).filter(|row| kind == 1 && row[0] == 2);
        // What does not fit is no number.
        let number = |row: &[u8]| {
            row[1..=place].iter().try_fold(0u32, |sum, &byte| Some(sum.checked_mul(256)? | u32::from(byte)))
        };
        self.collections.extend(named.filter_map(number));
        Ok(())
    }

    /// Counts what the collections become.
    fn count(&self) -> Result<(), SheetError> {
        static HEADER: LazyLock<Option<Regex>> = LazyLock::new(|| {
            // Numbers are read generously, as the library does; between them may be blanks and comments.
            let blank = r"(?:[\x00\t\n\x0c\r ]|%[^\r\n]*[\r\n])*";
            Regex::new(&format!(r"(?-u)[0-9]+(?:\.[0-9]*)?{blank}[-+.0]+{blank}obj{blank}")).ok()
        });
        if self.collections.is_empty() {
            return Ok(());
        }
        let mut left = MOST_UNPACKED;
        for header in HEADER.as_ref().into_iter().flat_map(|header| header.find_iter(self.bytes)) {
            let digits = header.as_bytes().iter().take_while(|byte| byte.is_ascii_digit()).count();
            let number = u32::try_from(value(&header.as_bytes()[..digits]));
            if !number.is_ok_and(|number| self.collections.contains(&number)) {
                continue;
            }
            if let Some(stream) = self.bytes.get(header.end()..).and_then(Stream::from_bytes) {
                left = left.checked_sub(self.reach(&stream, !self.is_encrypted)?).ok_or_else(too_large)?;
            }
        }
        Ok(())
    }

    /// How many bytes the library may make of data, as in [`unpacking::reach`].
    fn reach(&self, stream: &Stream<'a>, or_damaged: bool) -> Result<u64, SheetError> {
        let dict = stream.dict();
        let is_told_elsewhere = |key: &[u8]| match dict.get_raw::<Object<'_>>(key) {
            Some(MaybeRef::Ref(_)) => true,
            Some(MaybeRef::NotRef(Object::Array(filters))) => filters.raw_iter().any(|f| matches!(f, MaybeRef::Ref(_))),
            _ => false,
        };
        if is_told_elsewhere(b"Filter") || is_told_elsewhere(b"F") {
            let detail = "the file does not say at its packed objects how they are packed; print it to a new PDF";
            return Err(SheetError::new(Reason::UnsupportedFormat, detail));
        }
        let mut data = stream.raw_data();
        // Packed data say themselves where they end.
        if is_told_elsewhere(b"Length")
            && let Some(start) = data.as_ptr().addr().checked_sub(self.bytes.as_ptr().addr())
            && let Some(rest) = self.bytes.get(start..)
            && !stream.filters().is_empty()
        {
            data = Cow::Borrowed(rest);
        }
        Ok(unpacking::reach(stream, data, MOST_UNPACKED, or_damaged))
    }
}

/// The number of the object that begins there, if it does: `7 0 obj`, with blanks alone around its parts, so that no comment or text
/// can hide it from the library.
fn number_before(bytes: &[u8]) -> Option<u32> {
    let (file, _generation) = digits_at_end(without_blanks(bytes).strip_suffix(b"obj").map(without_blanks)?)?;
    let (file, number) = digits_at_end(Some(without_blanks(file)).filter(|shorter| shorter.len() < file.len())?)?;
    let is_apart = file.last().is_none_or(|byte| BLANKS.contains(byte));
    u32::try_from(value(number)).ok().filter(|_| is_apart)
}

/// What separates words.
const BLANKS: &[u8] = b"\0\t\n\x0c\r ";

fn without_blanks(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.iter().rposition(|byte| !BLANKS.contains(byte)).map_or(0, |last| last + 1)]
}

/// What stands before the digits that bytes end in, and these; `None` without any.
fn digits_at_end(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let start = bytes.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |last| last + 1);
    Some(bytes.split_at(start)).filter(|(_, digits)| !digits.is_empty())
}

/// What digits say. Too many of them say something else, as they do to the library.
fn value(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |sum: u64, digit| sum.wrapping_mul(10).wrapping_add(u64::from(digit.wrapping_sub(b'0'))))
}

fn too_large() -> SheetError {
    let detail = "the file has data that unpack to more than any sheet has; print it to a new PDF";
    SheetError::new(Reason::TooLarge, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_objects_are_found_in_front_of_them() {
        for (text, number) in [
            (&b"7 0 obj"[..], Some(7)),
            (b"\n12\r\n0\tobj \n", Some(12)),
            (b"17 0obj", Some(17)),
            (b"endobj17 0 obj", None),
            (b"7 % c\n0 obj", None),
            (b"7 0 obj % c\n", None),
            (b"0 obj", None),
            (b" 0 obj", None),
            (b"obj", None),
            (b"7 0 R", None),
            (b"", None),
        ] {
            assert_eq!(number_before(text), number, "{}", text.escape_ascii());
        }
    }
}
