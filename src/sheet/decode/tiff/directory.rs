//! The directories of a TIFF: which of them are pages, and what one says of its picture.
//!
//! Follows "TIFF Revision 6.0" (Adobe, 1992), section 2, and BigTIFF. Nothing is decoded and little is read: one directory
//! is two short reads, so that the pages of many files are counted quickly.

use std::collections::HashSet;
use std::io::{self, Read, Seek, SeekFrom};

/// A directory has at most this many entries; real ones have two dozen.
const MAX_ENTRIES: u64 = 4096;

/// Tags that are asked for, by their numbers in the specification.
pub mod tag {
    /// What the picture is for: bit 0 a smaller copy, bit 2 a mask.
    pub const NEW_SUBFILE_TYPE: u16 = 254;
    /// The older form of it: 2 is a smaller copy.
    pub const SUBFILE_TYPE: u16 = 255;
    /// Columns of pixels.
    pub const WIDTH: u16 = 256;
    /// Rows of pixels.
    pub const HEIGHT: u16 = 257;
    /// Bits of a sample.
    pub const BITS: u16 = 258;
    /// How data are packed.
    pub const COMPRESSION: u16 = 259;
    /// What samples mean: 0 zero is white, 1 zero is black, 2 red, green, blue, 3 a palette's index, 6 luma and chroma.
    pub const PHOTOMETRIC: u16 = 262;
    /// 2: the first pixel is in the lowest bit.
    pub const FILL_ORDER: u16 = 266;
    /// Where strips begin in the file.
    pub const STRIP_OFFSETS: u16 = 273;
    /// How the picture is to be seen, as in EXIF.
    pub const ORIENTATION: u16 = 274;
    /// Samples of a pixel.
    pub const SAMPLES: u16 = 277;
    /// Rows of a strip.
    pub const ROWS_PER_STRIP: u16 = 278;
    /// Bytes of each strip.
    pub const STRIP_BYTES: u16 = 279;
    /// 2: each colour has strips or tiles of its own.
    pub const PLANES: u16 = 284;
    /// Bit 0: rows refer to the row above (fax, group 3).
    pub const T4_OPTIONS: u16 = 292;
    /// Where tiles begin in the file.
    pub const TILE_OFFSETS: u16 = 324;
    /// Bytes of each tile.
    pub const TILE_BYTES: u16 = 325;
    /// The palette: all reds, then all greens, then all blues.
    pub const COLOR_MAP: u16 = 320;
}

/// Why directories could not be followed.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The file ends before what it refers to.
    #[error("the file ends before its directory does")]
    Cut,
    /// It contradicts itself.
    #[error("{0}")]
    Damaged(&'static str),
    /// There are more than are read.
    #[error("the file has more than {0} pages")]
    TooMany(u32),
    /// It cannot be read.
    #[error(transparent)]
    Io(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Cut,
            _ => Self::Io(error),
        }
    }
}

/// How numbers are written in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    is_little: bool,
    /// BigTIFF: places and counts have eight bytes.
    pub is_big: bool,
}

impl Form {
    fn number(self, bytes: &[u8]) -> u64 {
        let add = |sum: u64, &b: &u8| sum << 8 | u64::from(b);
        if self.is_little { bytes.iter().rev().fold(0, add) } else { bytes.iter().fold(0, add) }
    }

    /// A number as it stands in such a file.
    pub fn written(self, number: u64, bytes: usize) -> Vec<u8> {
        let big = number.to_be_bytes();
        let mut written = big[8 - bytes.min(8)..].to_vec();
        if self.is_little {
            written.reverse();
        }
        written
    }

    /// Where the header refers to the first directory, and with how many bytes.
    pub const fn first_reference(self) -> (u64, usize) {
        if self.is_big { (8, 8) } else { (4, 4) }
    }
}

/// Reads the header: the form of the file, and where its first directory lies.
///
/// # Errors
/// It is no TIFF, or cut.
pub fn header(file: &mut (impl Read + Seek)) -> Result<(Form, u64), Fault> {
    file.seek(SeekFrom::Start(0))?;
    let mut start = [0; 8];
    file.read_exact(&mut start)?;
    let is_little = match &start[..2] {
        b"II" => true,
        b"MM" => false,
        _ => return Err(Fault::Damaged("it begins like no TIFF")),
    };
    let mut form = Form { is_little, is_big: false };
    match form.number(&start[2..4]) {
        42 => Ok((form, form.number(&start[4..8]))),
        43 => {
            form.is_big = true;
            let mut place = [0; 8];
            file.read_exact(&mut place)?;
            Ok((form, form.number(&place)))
        }
        _ => Err(Fault::Damaged("it begins like no TIFF")),
    }
}

/// An entry: some numbers, or where they lie.
#[derive(Debug, Clone, Copy)]
struct Entry {
    tag: u16,
    /// Bytes of one of its numbers; 0 of a kind that is no whole number.
    width: u8,
    count: u64,
    /// Where its numbers lie in the file.
    place: u64,
    /// The place of what stands in the entry itself.
    field: u64,
    /// Its first number, if it stands in the entry.
    first: Option<u64>,
}

/// A directory.
#[derive(Debug, Clone)]
pub struct Directory {
    form: Form,
    entries: Vec<Entry>,
    /// Where the next one lies; 0 after the last.
    next: u64,
}

impl Directory {
    /// Reads the directory that lies at `place`.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn read(file: &mut (impl Read + Seek), form: Form, place: u64) -> Result<Self, Fault> {
        let (counted, size, reference) = if form.is_big { (8, 20, 8) } else { (2, 12, 4) };
        file.seek(SeekFrom::Start(place)).map_err(|_| Fault::Damaged("a directory lies beyond any file"))?;
        let mut count = [0; 8];
        file.read_exact(&mut count[..counted])?;
        let count = form.number(&count[..counted]);
        if count == 0 || count > MAX_ENTRIES {
            return Err(Fault::Damaged("a directory has no entries, or more than any picture needs"));
        }
        let mut bytes = vec![0; count as usize * size + reference];
        file.read_exact(&mut bytes)?;
        let (listed, next) = bytes.split_at(count as usize * size);
        let start = place.saturating_add(counted as u64);
        let entry = |(i, bytes): (usize, &[u8])| {
            let (head, field) = bytes.split_at(size - reference);
            let width = match form.number(&head[2..4]) {
                1 | 7 => 1u8,
                3 => 2,
                4 | 13 => 4,
                16 | 18 => 8,
                _ => 0,
            };
            let count = form.number(&head[4..]);
            let at = start.saturating_add((i * size + size - reference) as u64);
            let is_here = count.saturating_mul(u64::from(width)) <= reference as u64;
            let first = (is_here && count > 0 && width > 0).then(|| form.number(&field[..usize::from(width)]));
            let place = if is_here { at } else { form.number(field) };
            Entry { tag: form.number(&head[..2]) as u16, width, count, place, field: at, first }
        };
        let entries = listed.chunks_exact(size).enumerate().map(entry).collect();
        Ok(Self { form, entries, next: form.number(next) })
    }

    fn entry(&self, tag: u16) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }

    /// The number of a tag that has one, if it is there.
    pub fn number(&self, tag: u16) -> Option<u64> {
        self.entry(tag)?.first
    }

    /// Where the number of a tag stands in the file, and with how many bytes.
    pub fn place_of(&self, tag: u16) -> Option<(u64, usize)> {
        self.entry(tag).map(|entry| (entry.field, usize::from(entry.width)))
    }

    /// The numbers of a tag, at most `most`; `None` if it is not there, has more or lies beyond the file.
    pub fn numbers(&self, file: &mut (impl Read + Seek), tag: u16, most: u64) -> Option<Vec<u64>> {
        let entry = self.entry(tag)?;
        let width = usize::from(entry.width);
        if width == 0 || entry.count > most {
            return None;
        }
        file.seek(SeekFrom::Start(entry.place)).ok()?;
        let mut bytes = Vec::new();
        let length = entry.count.checked_mul(width as u64)?;
        file.take(length).read_to_end(&mut bytes).ok()?;
        (bytes.len() as u64 == length).then(|| bytes.chunks_exact(width).map(|b| self.form.number(b)).collect())
    }

    /// A page, and no smaller copy of one or mask for one.
    fn is_page(&self) -> bool {
        let is_copy_or_mask = self.number(tag::NEW_SUBFILE_TYPE).is_some_and(|kind| kind & 0b101 != 0);
        !is_copy_or_mask && self.number(tag::SUBFILE_TYPE) != Some(2)
    }
}

/// Where a page lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PagePlace {
    /// Its directory lies here.
    At(u64),
    /// The file refers to one more page, which is not there.
    Lost,
}

/// The pages of a file, in its order: smaller copies and masks are none, unless there is nothing else. What a broken reference
/// leads to counts as one lost page: its neighbours can be read, and it must not be missed.
///
/// # Errors
/// There is not even one directory; or more than `most` of them.
pub fn pages(file: &mut (impl Read + Seek), most: u32) -> Result<(Form, Vec<PagePlace>), Fault> {
    let (form, first) = header(file)?;
    let (mut pages, mut others) = (Vec::new(), Vec::new());
    let (mut place, mut seen) = (first, HashSet::new());
    while place != 0 {
        if seen.len() >= most as usize {
            return Err(Fault::TooMany(most));
        }
        if !seen.insert(place) {
            pages.push(PagePlace::Lost);
            break;
        }
        match Directory::read(file, form, place) {
            Ok(directory) => {
                let kind = if directory.is_page() { &mut pages } else { &mut others };
                kind.push(PagePlace::At(place));
                place = directory.next;
            }
            Err(fault @ Fault::Io(_)) => return Err(fault),
            Err(fault) if seen.len() == 1 => return Err(fault),
            Err(_) => {
                pages.push(PagePlace::Lost);
                break;
            }
        }
    }
    match (pages.is_empty(), others.is_empty()) {
        (true, true) => Err(Fault::Damaged("it has no pages")),
        (true, false) => Ok((form, others)),
        (false, _) => Ok((form, pages)),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// A TIFF of nothing but directories: what each is for, and which one follows (`None`: the one behind it).
    fn file(form: Form, directories: &[(u64, Option<u64>)]) -> Vec<u8> {
        let (place, bytes) = form.first_reference();
        let magic = if form.is_big { 43 } else { 42 };
        let mut file = if form.is_little { b"II".to_vec() } else { b"MM".to_vec() };
        file.extend(form.written(magic, 2));
        if form.is_big {
            file.extend(form.written(8, 2));
            file.extend(form.written(0, 2));
        }
        file.extend(form.written(place + bytes as u64, bytes));
        for (i, (kind, next)) in directories.iter().enumerate() {
            file.extend(form.written(1, if form.is_big { 8 } else { 2 }));
            file.extend(form.written(u64::from(tag::NEW_SUBFILE_TYPE), 2));
            file.extend(form.written(4, 2));
            file.extend(form.written(1, bytes));
            file.extend(form.written(*kind, 4));
            file.extend(vec![0; bytes - 4]);
            let behind = if i + 1 < directories.len() { (file.len() + bytes) as u64 } else { 0 };
            file.extend(form.written(next.unwrap_or(behind), bytes));
        }
        file
    }

    const FORMS: [Form; 4] = [
        Form { is_little: true, is_big: false },
        Form { is_little: false, is_big: false },
        Form { is_little: true, is_big: true },
        Form { is_little: false, is_big: true },
    ];

    fn found(file: &[u8], most: u32) -> Result<Vec<PagePlace>, Fault> {
        pages(&mut Cursor::new(file), most).map(|(_, pages)| pages)
    }

    #[test]
    fn pages_are_counted_without_thumbnails_and_masks() {
        for form in FORMS {
            let count = |kinds: &[u64]| {
                let directories: Vec<_> = kinds.iter().map(|&kind| (kind, None)).collect();
                found(&file(form, &directories), 100).unwrap().len()
            };
            assert_eq!(count(&[0]), 1);
            assert_eq!(count(&[2, 2, 2]), 3);
            assert_eq!(count(&[0, 1, 0, 1, 4]), 2);
            assert_eq!(count(&[1]), 1, "a copy of nothing is the page");
        }
    }

    #[test]
    fn a_chain_that_loops_or_leads_nowhere_ends_with_a_lost_page() {
        for form in FORMS {
            let (at, bytes) = form.first_reference();
            let first = at + bytes as u64;
            for next in [first, 1 << 20, u64::MAX >> if form.is_big { 0 } else { 32 }] {
                let pages = found(&file(form, &[(0, None), (0, Some(next))]), 100).unwrap();
                assert_eq!(pages.len(), 3, "{next}");
                assert_eq!(pages[2], PagePlace::Lost);
            }
        }
    }

    #[test]
    fn files_without_a_page_and_files_with_too_many_are_told() {
        for form in FORMS {
            assert!(matches!(found(&file(form, &[]), 9), Err(Fault::Cut)));
            assert!(matches!(found(&file(form, &[(0, None); 10]), 9), Err(Fault::TooMany(9))));
            assert_eq!(found(&file(form, &[(0, None); 9]), 9).unwrap().len(), 9);
            let whole = file(form, &[(0, None)]);
            (0..whole.len()).for_each(|cut| assert!(found(&whole[..cut], 9).is_err(), "{cut}"));
        }
    }
}
