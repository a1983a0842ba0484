//! A TIFF as a library is to see it: the same bytes, a few of them replaced.
//!
//! Every reference in a TIFF counts from the file's first byte. So a file whose header refers to the directory of another page
//! is a file of that page, and nothing has to be copied.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

/// A file with other bytes in some places.
#[derive(Debug, Clone)]
pub struct View<'b> {
    bytes: &'b [u8],
    /// Sorted by place; they do not overlap.
    replaced: Vec<(u64, Vec<u8>)>,
    position: u64,
}

impl<'b> View<'b> {
    /// The file as it is.
    pub fn of(bytes: &'b [u8]) -> Self {
        Self { bytes, replaced: Vec::new(), position: 0 }
    }

    /// With these bytes at this place, if the file reaches so far. Places must be given in ascending order.
    pub fn with(mut self, place: u64, bytes: Vec<u8>) -> Self {
        self.replaced.push((place, bytes));
        self
    }

    /// What can be read at the current position without a seam.
    fn piece(&self) -> &[u8] {
        let mut end = self.bytes.len() as u64;
        for (place, bytes) in &self.replaced {
            let behind = place.saturating_add(bytes.len() as u64);
            if (*place..behind).contains(&self.position) && behind <= self.bytes.len() as u64 {
                return &bytes[(self.position - place) as usize..];
            }
            if *place > self.position {
                end = end.min(*place);
                break;
            }
        }
        self.bytes.get(self.position.min(end) as usize..end as usize).unwrap_or_default()
    }
}

impl Read for View<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let piece = self.piece();
        let count = piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&piece[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl BufRead for View<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(self.piece())
    }

    fn consume(&mut self, amount: usize) {
        self.position = self.position.saturating_add(amount as u64);
    }
}

impl Seek for View<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let from = |base: u64, by: i64| base.checked_add_signed(by).ok_or(io::ErrorKind::InvalidInput);
        self.position = match to {
            SeekFrom::Start(position) => position,
            SeekFrom::Current(by) => from(self.position, by)?,
            SeekFrom::End(by) => from(self.bytes.len() as u64, by)?,
        };
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaced_bytes_are_seen_from_everywhere() {
        let bytes: Vec<u8> = (0..20).collect();
        let mut view = View::of(&bytes).with(4, vec![100, 101]).with(18, vec![102, 103]).with(19, vec![1, 2, 3]);
        let mut want = bytes.clone();
        (want[4], want[5], want[18], want[19]) = (100, 101, 102, 103);
        for start in 0..22 {
            view.seek(SeekFrom::Start(start)).unwrap();
            let mut read = Vec::new();
            view.read_to_end(&mut read).unwrap();
            assert_eq!(read, want.get(start as usize..).unwrap_or_default());
        }
        assert!(view.seek(SeekFrom::End(-21)).is_err());
    }
}
