//! A ZIP archive, written straight through: what a workbook is wrapped in (APPNOTE.TXT 6.3.10 of PKWARE).
//!
//! Each entry is deflated; its sizes are filled in when it is done. All of them have the date at which the format's calendar
//! begins, 1 January 1980.

use std::io::{self, Seek, SeekFrom, Write};

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// 1 January 1980, midnight: time, then date, in the format's words.
const DATE: [u8; 4] = [0, 0, 0x21, 0];

/// Version 2.0 can read it, names are UTF-8, entries are deflated.
const KIND: [u8; 6] = [20, 0, 0, 8, 8, 0];

/// Bytes of an entry's header before its CRC.
const BEFORE_SIZES: u64 = 14;

/// An archive that grows.
pub struct Archive<W: Write + Seek> {
    to: W,
    entries: Vec<Entry>,
}

struct Entry {
    name: &'static str,
    sizes: Sizes,
    offset: u32,
}

#[derive(Clone, Copy, Default)]
struct Sizes {
    crc: u32,
    packed: u32,
    whole: u32,
}

impl Sizes {
    fn bytes(self) -> [u8; 12] {
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&self.crc.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.packed.to_le_bytes());
        bytes[8..].copy_from_slice(&self.whole.to_le_bytes());
        bytes
    }
}

impl<W: Write + Seek> Archive<W> {
    /// An archive without entries, at the start of an empty file.
    pub fn new(to: W) -> Self {
        Self { to, entries: Vec::new() }
    }

    /// Adds an entry with what `content` writes.
    ///
    /// # Errors
    /// What the system or `content` says; `FileTooLarge`, without a number of the system, for more than 4 GiB.
    pub fn add(
        &mut self,
        name: &'static str,
        content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let start = self.to.stream_position()?;
        let offset = small(start)?;
        self.header(name, Sizes::default())?;
        let body = self.to.stream_position()?;
        let (crc, whole) = self.deflated(content)?;
        let end = self.to.stream_position()?;
        let sizes = Sizes { crc, packed: small(end - body)?, whole };
        self.to.seek(SeekFrom::Start(start + BEFORE_SIZES))?;
        self.to.write_all(&sizes.bytes())?;
        self.to.seek(SeekFrom::Start(end))?;
        self.entries.push(Entry { name, sizes, offset });
        Ok(())
    }

    /// Writes the body of an entry: the checksum and the size of what is in it.
    fn deflated(&mut self, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<(u32, u32)> {
        let mut part = Part { to: DeflateEncoder::new(&mut self.to, Compression::fast()), crc: Crc::new(), whole: 0 };
        content(&mut part)?;
        part.to.try_finish()?;
        Ok((part.crc.sum(), part.whole))
    }

    fn header(&mut self, name: &str, sizes: Sizes) -> io::Result<()> {
        let mut bytes = b"PK\x03\x04".to_vec();
        bytes.extend(KIND);
        bytes.extend(DATE);
        bytes.extend(sizes.bytes());
        bytes.extend((name.len() as u16).to_le_bytes());
        bytes.extend([0; 2]);
        bytes.extend(name.bytes());
        self.to.write_all(&bytes)
    }

    /// Ends the archive with the list of its entries.
    ///
    /// # Errors
    /// What the system says; `FileTooLarge`, without a number of the system, for more than 4 GiB.
    pub fn finish(mut self) -> io::Result<()> {
        let start = small(self.to.stream_position()?)?;
        let mut bytes = Vec::new();
        for Entry { name, sizes, offset } in &self.entries {
            bytes.extend(b"PK\x01\x02\x14\x00");
            bytes.extend(KIND);
            bytes.extend(DATE);
            bytes.extend(sizes.bytes());
            bytes.extend((name.len() as u16).to_le_bytes());
            // No extra field, comment, disk or attributes.
            bytes.extend([0; 12]);
            bytes.extend(offset.to_le_bytes());
            bytes.extend(name.bytes());
        }
        let (count, size) = ((self.entries.len() as u16).to_le_bytes(), (bytes.len() as u32).to_le_bytes());
        bytes.extend(b"PK\x05\x06\0\0\0\0");
        bytes.extend(count);
        bytes.extend(count);
        bytes.extend(size);
        bytes.extend(start.to_le_bytes());
        bytes.extend([0; 2]);
        self.to.write_all(&bytes)?;
        self.to.flush()
    }
}

/// The content of an entry on its way.
struct Part<W: Write> {
    to: DeflateEncoder<W>,
    crc: Crc,
    whole: u32,
}

impl<W: Write> Write for Part<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.to.write(bytes)?;
        self.crc.update(&bytes[..count]);
        self.whole = small(u64::from(self.whole) + count as u64)?;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn small(size: u64) -> io::Result<u32> {
    u32::try_from(size).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;
    use std::io::{Cursor, Read};

    use flate2::read::DeflateDecoder;

    use super::*;

    /// What the entries of an archive hold, by the list at its end.
    pub fn contents(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
        let long = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let short = |at: usize| usize::from(u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap()));
        let end = bytes.len() - 22;
        assert_eq!(&bytes[end..end + 4], b"PK\x05\x06");
        let mut at = long(end + 16);
        assert_eq!(at + long(end + 12), end);
        let mut found = BTreeMap::new();
        for _ in 0..short(end + 10) {
            assert_eq!(&bytes[at..at + 4], b"PK\x01\x02");
            let name = String::from_utf8(bytes[at + 46..at + 46 + short(at + 28)].to_vec()).unwrap();
            let (packed, whole, offset) = (long(at + 20), long(at + 24), long(at + 42));
            assert_eq!(&bytes[offset..offset + 4], b"PK\x03\x04");
            // The header of the entry says the same as the list.
            assert_eq!(bytes[offset + 4..offset + 28], bytes[at + 6..at + 30]);
            let body = offset + 30 + name.len();
            let mut content = Vec::new();
            DeflateDecoder::new(&bytes[body..body + packed]).read_to_end(&mut content).unwrap();
            assert_eq!(content.len(), whole);
            let mut crc = Crc::new();
            crc.update(&content);
            assert_eq!(crc.sum() as usize, long(at + 16));
            at += 46 + name.len();
            found.insert(name, content);
        }
        found
    }

    #[test]
    fn entries_come_back() {
        let mut file = Cursor::new(Vec::new());
        let mut archive = Archive::new(&mut file);
        archive.add("a/b.txt", |part| part.write_all(b"first")).unwrap();
        archive.add("long", |part| (0..10_000u32).try_for_each(|i| writeln!(part, "{i}"))).unwrap();
        archive.add("empty", |_| Ok(())).unwrap();
        archive.finish().unwrap();
        let found = contents(&file.into_inner());
        assert_eq!(found["a/b.txt"], b"first");
        assert_eq!(found["long"].iter().filter(|&&b| b == b'\n').count(), 10_000);
        assert_eq!((found.len(), found["empty"].len()), (3, 0));
    }

    #[test]
    fn what_its_content_says_is_told() {
        let mut archive = Archive::new(Cursor::new(Vec::new()));
        let full = archive.add("a", |_| Err(io::ErrorKind::StorageFull.into())).unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
        assert_eq!(small(1 << 32).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
