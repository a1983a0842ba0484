//! What stands between the scans: markers, the frame, and the tables.

use super::huffman::Table;
use crate::imaging::jpeg::{CHROMA_AC, CHROMA_DC, HuffmanSpec, LUMA_AC, LUMA_DC};

// Markers (ITU T.81, table B.1).
pub const BASELINE: u8 = 0xc0;
pub const EXTENDED: u8 = 0xc1;
pub const PROGRESSIVE: u8 = 0xc2;
pub const HUFFMAN_TABLES: u8 = 0xc4;
pub const RESTART_0: u8 = 0xd0;
pub const START_OF_IMAGE: u8 = 0xd8;
pub const END_OF_IMAGE: u8 = 0xd9;
pub const START_OF_SCAN: u8 = 0xda;
pub const QUANTISATION_TABLES: u8 = 0xdb;
pub const RESTART_INTERVAL: u8 = 0xdd;
pub const JFIF: u8 = 0xe0;
pub const EXIF: u8 = 0xe1;
pub const ADOBE: u8 = 0xee;
pub const TEMPORARY: u8 = 0x01;

/// Coefficients of a block.
pub const BLOCK: usize = 64;

/// The next marker at or after `at`, and where it ends.
pub fn next_marker(bytes: &[u8], mut at: usize) -> Option<(u8, usize)> {
    loop {
        at += bytes.get(at..)?.iter().position(|&b| b == 0xff)?;
        at += bytes.get(at..)?.iter().position(|&b| b != 0xff)?;
        match bytes.get(at)? {
            0 => {}
            marker => return Some((*marker, at + 1)),
        }
    }
}

/// The parameters of a marker, and where they end.
pub fn segment(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let length = usize::from(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
    Some((bytes.get(at + 2..at + length)?, at + length))
}

/// What kind of JPEG this is, if it is one that neither this program nor a library of its reads: by its frame's header.
pub fn unreadable_kind(bytes: &[u8]) -> Option<&'static str> {
    let mut at = 2;
    while let Some((marker, body)) = next_marker(bytes, at) {
        if matches!(marker, 0..=TEMPORARY | RESTART_0..=START_OF_IMAGE) {
            at = body;
            continue;
        }
        let (segment, after) = segment(bytes, body)?;
        at = after;
        match (marker, segment) {
            (END_OF_IMAGE | START_OF_SCAN, _) => return None,
            (0xc3 | 0xc7 | 0xcb | 0xcf, _) => return Some("lossless"),
            (0xc5 | 0xc6 | 0xcd | 0xce, _) => return Some("hierarchical"),
            (0xc9 | 0xca, _) => return Some("with arithmetic codes"),
            (BASELINE..=PROGRESSIVE, [depth, h1, h0, _, _, _, components @ ..]) => {
                if *depth != 8 {
                    return Some("with more than 8 bits a sample");
                }
                if (*h1, *h0) == (0, 0) {
                    return Some("whose height is not in its header");
                }
                let parts = components.as_chunks::<3>().0;
                if parts.iter().enumerate().any(|(i, part)| parts[..i].iter().any(|other| other[0] == part[0])) {
                    return Some("with two components of one name");
                }
                let (across, down) = (|part: &[u8; 3]| part[1] >> 4, |part: &[u8; 3]| part[1] & 15);
                let luma = parts.first()?;
                let is_coarse = parts.iter().any(|part| across(part) > across(luma) || down(part) > down(luma));
                return is_coarse.then_some("with luma that is stored more coarsely than its colours");
            }
            _ => {}
        }
    }
    None
}

/// What the frame of a JPEG of a usual kind says of its picture: columns, rows, components.
pub fn frame(bytes: &[u8]) -> Option<(u32, u32, u8)> {
    let mut at = bytes.strip_prefix(&[0xff, START_OF_IMAGE]).map(|_| 2)?;
    while let Some((marker, body)) = next_marker(bytes, at) {
        let (segment, after) = segment(bytes, body)?;
        at = after;
        match (marker, segment) {
            (END_OF_IMAGE | START_OF_SCAN, _) => return None,
            (BASELINE..=PROGRESSIVE, [_, h1, h0, w1, w0, components, ..]) => {
                let side = |high: u8, low: u8| u32::from(high) << 8 | u32::from(low);
                return Some((side(*w1, *w0), side(*h1, *h0), *components));
            }
            _ => {}
        }
    }
    None
}

/// What the headers have said so far.
#[derive(Default)]
pub struct Headers<'a> {
    /// Coefficients come in several scans.
    pub progressive: bool,
    /// Size in pixels, 1 to 65,535 each once there is a frame.
    pub width: usize,
    pub height: usize,
    /// 1 to 4 of them once there is a frame.
    pub components: Vec<Component>,
    /// Huffman tables of DC and AC values by their numbers.
    pub dc: [Option<Table>; 4],
    pub ac: [Option<Table>; 4],
    /// Quantisation steps by the numbers of their tables, in coding order.
    pub quantisation: [Option<[u16; BLOCK]>; 4],
    /// Coding units between restart markers; 0 for none.
    pub restart_interval: usize,
    /// The TIFF structure of the first Exif segment.
    pub exif: Option<&'a [u8]>,
    has_jfif: bool,
    /// What Adobe's segment says of the colours.
    adobe: Option<u8>,
}

/// A component of the picture.
#[derive(Debug, Clone, Copy)]
pub struct Component {
    name: u8,
    /// Sampling factors, 1 to 4.
    pub horizontal: usize,
    pub vertical: usize,
    /// Number of its quantisation table, 0 to 3.
    pub quantisation: usize,
}

/// A scan's header.
pub struct Scan {
    /// Component, DC table, AC table.
    pub parts: Vec<(usize, usize, usize)>,
    /// The first and last coefficient.
    pub first: usize,
    pub last: usize,
    /// Successive approximation: the bit that is known already, or 0, and the bit to which this scan goes.
    pub high: u8,
    pub low: u8,
}

impl<'a> Headers<'a> {
    /// The frame's header, like the other tables and numbers below; false for what is not understood.
    pub fn frame(&mut self, segment: &[u8], progressive: bool) -> bool {
        let [8, h1, h0, w1, w0, count, rest @ ..] = segment else { return false };
        self.progressive = progressive;
        self.height = usize::from(u16::from_be_bytes([*h1, *h0]));
        self.width = usize::from(u16::from_be_bytes([*w1, *w0]));
        let known = (1..=4).contains(count) && rest.len() == usize::from(*count) * 3;
        if self.width == 0 || self.height == 0 || !self.components.is_empty() || !known {
            return false;
        }
        for part in rest.chunks_exact(3) {
            let (horizontal, vertical) = (usize::from(part[1] >> 4), usize::from(part[1] & 15));
            if !(1..=4).contains(&horizontal) || !(1..=4).contains(&vertical) || part[2] > 3 {
                return false;
            }
            self.components.push(Component { name: part[0], horizontal, vertical, quantisation: usize::from(part[2]) });
        }
        true
    }

    /// The largest sampling factors.
    pub fn sampling(&self) -> (usize, usize) {
        let of = |get: fn(&Component) -> usize| self.components.iter().map(get).max().unwrap_or(1);
        (of(|c| c.horizontal), of(|c| c.vertical))
    }

    /// Coding units of an interleaved scan, across and down.
    pub fn units(&self) -> (usize, usize) {
        let (horizontal, vertical) = self.sampling();
        (self.width.div_ceil(8 * horizontal), self.height.div_ceil(8 * vertical))
    }

    /// Is the first component luma, and are two chromas all that there is beside it? By the rules of libjpeg.
    pub fn begins_with_luma(&self) -> bool {
        match (self.components.as_slice(), self.adobe) {
            ([_], _) => true,
            ([_, _, _], _) if self.has_jfif => true,
            ([_, _, _], Some(transform)) => transform == 1,
            ([a, b, c], None) => [a.name, b.name, c.name] != *b"RGB",
            _ => false,
        }
    }

    /// What applications have added: whose colours they are, and Exif.
    pub fn application(&mut self, marker: u8, segment: &'a [u8]) {
        match (marker, segment) {
            (JFIF, [b'J', b'F', b'I', b'F', 0, ..]) => self.has_jfif = true,
            (EXIF, [b'E', b'x', b'i', b'f', 0, 0, tiff @ ..]) if self.exif.is_none() => self.exif = Some(tiff),
            (ADOBE, [b'A', b'd', b'o', b'b', b'e', _, _, _, _, _, _, transform, ..]) => self.adobe = Some(*transform),
            _ => {}
        }
    }

    /// See [`Self::frame`].
    pub fn huffman_tables(&mut self, mut segment: &[u8]) -> bool {
        while let [kind, rest @ ..] = segment {
            let Some((counts, rest)) = rest.split_first_chunk::<16>() else { return false };
            let total = counts.iter().map(|&n| usize::from(n)).sum();
            let Some((values, rest)) = rest.split_at_checked(total) else { return false };
            let (class, slot) = (kind >> 4, usize::from(kind & 15));
            let tables = if class == 0 { &mut self.dc } else { &mut self.ac };
            let Some(place) = tables.get_mut(slot) else { return false };
            let Some(table) = Table::new(counts, values) else { return false };
            *place = Some(table);
            segment = rest;
        }
        true
    }

    /// See [`Self::frame`].
    pub fn quantisation_tables(&mut self, mut segment: &[u8]) -> bool {
        while let [kind, rest @ ..] = segment {
            let wide = usize::from(kind >> 4);
            let Some(place) = self.quantisation.get_mut(usize::from(kind & 15)) else { return false };
            if wide > 1 || rest.len() < BLOCK << wide {
                return false;
            }
            let (values, rest) = rest.split_at(BLOCK << wide);
            let mut table = [0; BLOCK];
            for (to, from) in table.iter_mut().zip(values.chunks_exact(1 << wide)) {
                *to = from.iter().fold(0, |sum, &b| sum << 8 | u16::from(b));
            }
            *place = Some(table);
            segment = rest;
        }
        true
    }

    /// See [`Self::frame`].
    pub fn restart_interval(&mut self, segment: &[u8]) -> bool {
        let [high, low] = segment else { return false };
        self.restart_interval = usize::from(u16::from_be_bytes([*high, *low]));
        true
    }

    /// Fills in the tables that files without any mean (frames of Motion JPEG): those of annex K, luma's first.
    pub fn assume_tables(&mut self) {
        if self.dc.iter().chain(&self.ac).any(Option::is_some) {
            return;
        }
        let table = |spec: &HuffmanSpec| Table::new(&spec.counts, spec.symbols);
        (self.dc[0], self.dc[1]) = (table(&LUMA_DC), table(&CHROMA_DC));
        (self.ac[0], self.ac[1]) = (table(&LUMA_AC), table(&CHROMA_AC));
    }

    /// A scan's header; none for what is not understood.
    pub fn scan(&self, segment: &[u8]) -> Option<Scan> {
        let (count, rest) = segment.split_first()?;
        let (parts, rest) = rest.split_at_checked(usize::from(*count) * 2)?;
        let [first, last, approximation] = *rest.first_chunk::<3>()?;
        let parts = parts.chunks_exact(2).map(|part| {
            let component = self.components.iter().position(|c| c.name == part[0])?;
            Some((component, usize::from(part[1] >> 4), usize::from(part[1] & 15)))
        });
        let parts: Vec<_> = parts.collect::<Option<_>>()?;
        let (first, last) = (usize::from(first), usize::from(last));
        let (high, low) = (approximation >> 4, approximation & 15);
        if parts.is_empty() || parts.len() > 4 {
            return None;
        }
        if !self.progressive {
            return Some(Scan { parts, first: 0, last: BLOCK - 1, high: 0, low: 0 });
        }
        let alone = parts.len() == 1;
        let fits = if first == 0 { last == 0 } else { alone && first <= last && last < BLOCK };
        (fits && low < 14).then_some(Scan { parts, first, last, high, low })
    }
}

/// The scans of a file, as its markers tell them.
pub fn scans(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut at = 2;
    std::iter::from_fn(move || {
        while let Some((marker, body)) = next_marker(bytes, at) {
            at = body;
            match marker {
                END_OF_IMAGE => return None,
                0..=TEMPORARY | RESTART_0..=START_OF_IMAGE => continue,
                _ => {}
            }
            let (segment, after) = segment(bytes, body)?;
            at = after;
            if marker == START_OF_SCAN {
                return Some(segment);
            }
        }
        None
    })
}
