//! Are the Huffman-coded bytes of a JPEG whole? A walk over the codes that makes no pixels.
//!
//! JPEG has no checksum, and a decoder reads nearly any bytes as some picture. But damage throws the codes out of step:
//! they no longer end, block for block, where the next marker stands, or they name coefficients that no picture has.
//! This module looks for that and for nothing else. What it does not understand it lets pass; the decoder is the judge
//! of headers.

/// Why the coded bytes cannot be what an encoder wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The file ends within the picture.
    Cut,
    /// The bytes are there, but some of them are wrong.
    Damaged(&'static str),
}

const ENDS_EARLY: Fault = Fault::Damaged("the coded data end before the picture does");
const LEFT_OVER: Fault = Fault::Damaged("coded data are left over at the end of a scan");
const NO_CODE: Fault = Fault::Damaged("a code that is in no table");
const RANGE: Fault = Fault::Damaged("a coefficient that no picture has");
const RESTART: Fault = Fault::Damaged("a restart marker is missing or out of order");

// Markers (ITU T.81, table B.1).
const BASELINE: u8 = 0xc0;
const EXTENDED: u8 = 0xc1;
const PROGRESSIVE: u8 = 0xc2;
const HUFFMAN_TABLES: u8 = 0xc4;
const RESTART_0: u8 = 0xd0;
const START_OF_IMAGE: u8 = 0xd8;
const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;
const QUANTISATION_TABLES: u8 = 0xdb;
const RESTART_INTERVAL: u8 = 0xdd;
const TEMPORARY: u8 = 0x01;

/// Coefficients of a block.
const BLOCK: usize = 64;

/// Walks over all scans of the first picture in `bytes`.
pub fn check(bytes: &[u8]) -> Result<(), Fault> {
    let mut file = File::default();
    let mut at = 2;
    while let Some((marker, body)) = next_marker(bytes, at) {
        match marker {
            END_OF_IMAGE => return Ok(()),
            0..=TEMPORARY | RESTART_0..=START_OF_IMAGE => {
                at = body;
                continue;
            }
            _ => {}
        }
        let Some((segment, after)) = segment(bytes, body) else { return Ok(()) };
        at = after;
        let understood = match marker {
            BASELINE | EXTENDED | PROGRESSIVE => file.frame(segment, marker == PROGRESSIVE),
            HUFFMAN_TABLES => file.huffman_tables(segment),
            QUANTISATION_TABLES => file.quantisation_tables(segment),
            RESTART_INTERVAL => file.restart_interval(segment),
            START_OF_SCAN => match file.scan(segment) {
                Some(scan) => {
                    at = file.walk(&scan, bytes, after)?;
                    !file.is_complete(&scan)
                }
                None => false,
            },
            _ => true,
        };
        if !understood {
            return Ok(());
        }
    }
    // The scans so far are whole; a picture may do without its end marker.
    Ok(())
}

/// The next marker at or after `at`, and where it ends.
fn next_marker(bytes: &[u8], mut at: usize) -> Option<(u8, usize)> {
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
fn segment(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let length = usize::from(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
    Some((bytes.get(at + 2..at + length)?, at + length))
}

/// What the headers have said so far.
#[derive(Default)]
struct File {
    progressive: bool,
    width: usize,
    height: usize,
    components: Vec<Component>,
    dc: [Option<Table>; 4],
    ac: [Option<Table>; 4],
    quantisation: [Option<[u16; BLOCK]>; 4],
    restart_interval: usize,
}

#[derive(Default)]
struct Component {
    name: u8,
    horizontal: usize,
    vertical: usize,
    quantisation: usize,
    /// A scan held this component.
    seen: bool,
    /// For each block, which coefficients are not zero so far; filled for progressive pictures only.
    nonzero: Vec<u64>,
    /// Blocks in a row of `nonzero`.
    stride: usize,
}

struct Scan {
    /// Component, DC table, AC table.
    parts: Vec<(usize, usize, usize)>,
    first: usize,
    last: usize,
    high: u8,
    low: u8,
}

impl File {
    // Each of these returns false for what it does not understand.

    fn frame(&mut self, segment: &[u8], progressive: bool) -> bool {
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
            let quantisation = usize::from(part[2]);
            self.components.push(Component {
                name: part[0],
                horizontal,
                vertical,
                quantisation,
                ..Component::default()
            });
        }
        if progressive {
            let (across, down) = self.units();
            for component in &mut self.components {
                component.stride = across * component.horizontal;
                component.nonzero = vec![0; component.stride * down * component.vertical];
            }
        }
        true
    }

    /// The largest sampling factors.
    fn sampling(&self) -> (usize, usize) {
        let of = |get: fn(&Component) -> usize| self.components.iter().map(get).max().unwrap_or(1);
        (of(|c| c.horizontal), of(|c| c.vertical))
    }

    /// Coding units of an interleaved scan, across and down.
    fn units(&self) -> (usize, usize) {
        let (horizontal, vertical) = self.sampling();
        (self.width.div_ceil(8 * horizontal), self.height.div_ceil(8 * vertical))
    }

    fn huffman_tables(&mut self, mut segment: &[u8]) -> bool {
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

    fn quantisation_tables(&mut self, mut segment: &[u8]) -> bool {
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

    fn restart_interval(&mut self, segment: &[u8]) -> bool {
        let [high, low] = segment else { return false };
        self.restart_interval = usize::from(u16::from_be_bytes([*high, *low]));
        true
    }

    fn scan(&mut self, segment: &[u8]) -> Option<Scan> {
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

    /// True when nothing that is needed can follow.
    fn is_complete(&mut self, scan: &Scan) -> bool {
        for &(component, ..) in &scan.parts {
            self.components[component].seen = true;
        }
        !self.progressive && self.components.iter().all(|c| c.seen)
    }

    /// Walks over the scan whose codes start at `at`; where they end.
    fn walk(&mut self, scan: &Scan, bytes: &[u8], at: usize) -> Result<usize, Fault> {
        let (widest, highest) = self.sampling();
        let (mut across, mut down) = self.units();
        let alone = scan.parts.len() == 1;
        let mut parts = Vec::new();
        for &(index, dc, ac) in &scan.parts {
            let Some(component) = self.components.get(index) else { return Ok(at) };
            let (mut horizontal, mut vertical) = (component.horizontal, component.vertical);
            if alone {
                across = (self.width * horizontal).div_ceil(8 * widest);
                down = (self.height * vertical).div_ceil(8 * highest);
                (horizontal, vertical) = (1, 1);
            }
            let limits = Limits::new(self.quantisation[component.quantisation].as_ref(), scan.low);
            parts.push(Part { index, horizontal, vertical, dc, ac, limits, predicted: 0 });
        }
        let needs_dc = scan.first == 0 && scan.high == 0;
        let needs_ac = scan.last > 0;
        for part in &parts {
            let has = |tables: &[Option<Table>; 4], slot: usize| tables.get(slot).is_some_and(Option::is_some);
            if needs_dc && !has(&self.dc, part.dc) || needs_ac && !has(&self.ac, part.ac) {
                // Such files mean tables that are known by heart.
                return Ok(bytes.len());
            }
        }
        if !self.progressive {
            for part in &parts {
                if let Some(table) = &mut self.ac[part.ac] {
                    table.pack();
                }
            }
        }

        let scan = Scan { parts: Vec::new(), ..*scan };
        let grid = Grid { across, down, restart_interval: self.restart_interval };
        if self.progressive {
            self.progressive_scan(&scan, &mut parts, &grid, Codes::new(bytes, at))
        } else {
            self.sequential_scan(&mut parts, &grid, Codes::new(bytes, at))
        }
    }

    fn sequential_scan(&self, parts: &mut [Part], grid: &Grid, mut codes: Codes<'_>) -> Result<usize, Fault> {
        // The blocks of a coding unit: which part, and its tables.
        let mut blocks = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let (Some(Some(dc)), Some(Some(ac))) = (self.dc.get(part.dc), self.ac.get(part.ac)) else {
                return Ok(codes.bytes.len());
            };
            blocks.extend((0..part.horizontal * part.vertical).map(|_| (index, dc, ac)));
        }
        let mut restarts = Restarts::new(grid);
        for _ in 0..grid.across * grid.down {
            if restarts.is_due() {
                codes = codes.restarted(restarts.next())?;
                parts.iter_mut().for_each(|part| part.predicted = 0);
            }
            for &(index, dc, ac) in &blocks {
                let part = &mut parts[index];
                codes.fill();
                codes.dc(dc, part)?;
                codes.block(ac, &part.limits)?;
            }
            codes.not_overdrawn()?;
        }
        codes.end()
    }

    fn progressive_scan(
        &mut self,
        scan: &Scan,
        parts: &mut [Part],
        grid: &Grid,
        mut codes: Codes<'_>,
    ) -> Result<usize, Fault> {
        let mut restarts = Restarts::new(grid);
        // Blocks that the current run of ends still covers.
        let mut run = 0;
        for (y, x) in (0..grid.down).flat_map(|y| (0..grid.across).map(move |x| (y, x))) {
            if restarts.is_due() {
                if run > 0 {
                    return Err(ENDS_EARLY);
                }
                codes = codes.restarted(restarts.next())?;
                parts.iter_mut().for_each(|part| part.predicted = 0);
            }
            for part in &mut *parts {
                if scan.first == 0 {
                    let table = self.dc.get(part.dc).and_then(Option::as_ref);
                    for _ in 0..part.horizontal * part.vertical {
                        codes.fill();
                        match table {
                            Some(table) if scan.high == 0 => codes.dc(table, part)?,
                            _ => codes.skip(1),
                        }
                    }
                    continue;
                }
                let component = &mut self.components[part.index];
                let place = y * component.stride + x;
                let table = self.ac.get(part.ac).and_then(Option::as_ref);
                let (Some(nonzero), Some(table)) = (component.nonzero.get_mut(place), table) else {
                    return Ok(codes.bytes.len());
                };
                if scan.high == 0 {
                    codes.first_pass(table, scan, &part.limits, nonzero, &mut run)?;
                } else {
                    codes.refine(table, scan, nonzero, &mut run)?;
                }
            }
            codes.not_overdrawn()?;
        }
        if run > 0 {
            return Err(ENDS_EARLY);
        }
        codes.end()
    }
}

/// The coding units of a scan.
struct Grid {
    across: usize,
    down: usize,
    restart_interval: usize,
}

/// Counts towards the restart markers.
struct Restarts {
    interval: usize,
    left: usize,
    number: u8,
}

impl Restarts {
    const fn new(grid: &Grid) -> Self {
        let interval = if grid.restart_interval == 0 { usize::MAX } else { grid.restart_interval };
        Self { interval, left: interval, number: 7 }
    }

    /// To be asked before each coding unit: does a marker stand before it?
    const fn is_due(&mut self) -> bool {
        let due = self.left == 0;
        if due {
            self.left = self.interval;
        }
        self.left -= 1;
        due
    }

    /// The marker that is due.
    const fn next(&mut self) -> u8 {
        self.number = (self.number + 1) % 8;
        RESTART_0 + self.number
    }
}

/// A component within a scan.
struct Part {
    index: usize,
    /// Blocks across and down in a coding unit.
    horizontal: usize,
    vertical: usize,
    dc: usize,
    ac: usize,
    limits: Limits,
    /// The last DC value.
    predicted: i32,
}

/// How large coefficients can be.
struct Limits {
    /// The size of the DC value.
    dc: u32,
    /// The number of bits of each coefficient, in the order of the codes.
    bits: [u8; BLOCK],
}

impl Limits {
    /// Eight-bit samples have coefficients of at most 1024 before they are divided by their step. Encoders are allowed
    /// some error, and two steps for their rounding.
    fn new(steps: Option<&[u16; BLOCK]>, low: u8) -> Self {
        const LARGEST: i32 = 1024 + 32;
        let Some(steps) = steps else { return Self { dc: u32::MAX, bits: [16; BLOCK] } };
        let largest = steps.map(|step| LARGEST / (i32::from(step.max(1)) << low) + 2);
        // A number of n bits is at least 2ⁿ⁻¹.
        Self { dc: largest[0].unsigned_abs(), bits: largest.map(|most| (most.ilog2() + 1) as u8) }
    }
}

/// Codes of up to this many bits are looked up at once.
const LOOK: u32 = 11;

/// A Huffman table.
struct Table {
    /// By the next [`LOOK`] bits: the length of the code (high byte) and its value; 0 where the code is longer.
    quick: Vec<u16>,
    /// By the next [`LOOK`] bits: the AC codes that lie in them, as a [`Pack`].
    packs: Vec<Pack>,
    /// For each length: the first 16 bits that are too great for a code of it.
    ends: [u32; 17],
    /// For each length: what makes the index of a value from a code.
    offsets: [i32; 17],
    values: [u8; 256],
}

/// AC codes that follow each other, with the bits of their coefficients.
#[derive(Debug, Clone, Copy, Default)]
struct Pack {
    /// Bits in all; 0 where there is no pack.
    length: u8,
    /// Coefficients that they advance by; an end of block counts for 1.
    advance: u8,
    /// Bits of the last coefficient where it is the only one and large; otherwise 0.
    size: u8,
    /// The last code ends the block.
    ends: bool,
}

/// Coefficients of up to this many bits are possible for any step of up to 255.
const SMALL: u8 = 3;

impl Table {
    fn new(counts: &[u8; 16], symbols: &[u8]) -> Option<Self> {
        let mut values = [0; 256];
        values.get_mut(..symbols.len())?.copy_from_slice(symbols);
        let mut table = Self { quick: vec![0; 1 << LOOK], packs: Vec::new(), ends: [0; 17], offsets: [0; 17], values };
        let mut code = 0u32;
        let mut index = 0usize;
        for length in 1..=16u32 {
            let count = u32::from(counts[length as usize - 1]);
            table.offsets[length as usize] = index as i32 - code as i32;
            for _ in 0..count {
                if code >= 1 << length {
                    return None;
                }
                if length <= LOOK {
                    let from = (code as usize) << (LOOK - length);
                    let entry = (length as u16) << 8 | u16::from(table.values[index]);
                    table.quick.get_mut(from..from + (1 << (LOOK - length)))?.fill(entry);
                }
                code += 1;
                index += 1;
            }
            table.ends[length as usize] = code << (16 - length);
            code <<= 1;
        }
        Some(table)
    }

    /// Makes the packs of an AC table.
    fn pack(&mut self) {
        if !self.packs.is_empty() {
            return;
        }
        self.packs = (0..1usize << LOOK).map(|bits| self.packed(bits)).collect();
    }

    fn packed(&self, bits: usize) -> Pack {
        let mask = (1 << LOOK) - 1;
        let mut pack = Pack::default();
        while u32::from(pack.length) < LOOK {
            let entry = self.quick[bits << pack.length & mask];
            let (length, symbol) = ((entry >> 8) as u8, entry as u8);
            let (zeros, size) = (symbol >> 4, symbol & 15);
            // The bits behind the window are not known, so a code must end within it; the coefficient need not.
            if length == 0 || u32::from(pack.length + length) > LOOK {
                break;
            }
            match (zeros, size) {
                (0, 0) => {
                    return Pack { length: pack.length + length, advance: pack.advance + 1, size: 0, ends: true };
                }
                (15, 0) => pack.advance += 16,
                (_, 0) => break,
                _ if size <= SMALL => pack.advance += zeros + 1,
                _ if pack.length == 0 => return Pack { length: length + size, advance: zeros + 1, size, ends: false },
                _ => break,
            }
            pack.length += length + size;
        }
        pack
    }
}

/// Reads codes from bytes in which 0xff is followed by a zero, up to a marker; zeros follow there.
#[derive(Clone, Copy)]
struct Codes<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The next bits, from the top.
    window: u64,
    /// How many there are.
    count: u32,
    /// How many of them were made up.
    lent: u32,
}

impl<'a> Codes<'a> {
    const fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, window: 0, count: 0, lent: 0 }
    }

    /// Makes sure of [`FILLED`] bits. Bits behind those that are counted may be there already.
    #[inline(always)]
    fn fill(&mut self) {
        if let Some(next) = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<8>()) {
            let next = u64::from_be_bytes(*next);
            if !has_ff(next) {
                self.window |= next >> self.count;
                self.at += ((63 - self.count) >> 3) as usize;
                self.count |= FILLED;
                return;
            }
        }
        *self = self.filled_slowly();
    }

    // What is rare takes and gives the whole value: so the rest can stay in registers.
    #[cold]
    #[inline(never)]
    fn filled_slowly(mut self) -> Self {
        while self.count < FILLED {
            let byte = match self.next_byte() {
                Some(byte) => byte,
                None => {
                    self.lent = self.lent.saturating_add(8);
                    0
                }
            };
            self.window |= u64::from(byte) << (FILLED - self.count);
            self.count += 8;
        }
        self
    }

    /// The next byte of codes; none at a marker and at the end of the file.
    fn next_byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        if byte != 0xff {
            self.at += 1;
            return Some(byte);
        }
        let filling = self.bytes.get(self.at..)?.iter().position(|&b| b != 0xff)?;
        (self.bytes.get(self.at + filling) == Some(&0)).then(|| {
            self.at += filling + 1;
            0xff
        })
    }

    /// Passes over bits that are filled in.
    #[inline(always)]
    const fn skip(&mut self, bits: u32) {
        self.window <<= bits;
        self.count -= bits;
    }

    /// The next bits: up to 16 of those that are filled in.
    #[inline(always)]
    const fn take(&mut self, bits: u32) -> u32 {
        let value = (self.window >> 32 >> (32 - bits)) as u32;
        self.skip(bits);
        value
    }

    /// The next code, of up to 16 bits that are filled in.
    #[inline(always)]
    fn symbol(&mut self, table: &Table) -> Result<u8, Fault> {
        let entry = table.quick[(self.window >> (64 - LOOK)) as usize];
        if entry != 0 {
            self.skip(u32::from(entry >> 8));
            return Ok(entry as u8);
        }
        let (length, symbol) = self.long_symbol(table)?;
        self.skip(length);
        Ok(symbol)
    }

    #[cold]
    #[inline(never)]
    fn long_symbol(self, table: &Table) -> Result<(u32, u8), Fault> {
        let next = (self.window >> 48) as u32;
        for length in LOOK + 1..=16 {
            if next < table.ends[length as usize] {
                let index = (next >> (16 - length)) as i32 + table.offsets[length as usize];
                return Ok((length, table.values[index as usize & 255]));
            }
        }
        Err(self.early_or(NO_CODE))
    }

    /// A DC value, of up to 31 bits that are filled in.
    #[inline(always)]
    fn dc(&mut self, table: &Table, part: &mut Part) -> Result<(), Fault> {
        let size = u32::from(self.symbol(table)?);
        if size > 15 {
            return Err(self.early_or(RANGE));
        }
        // Without a branch: sizes are hard to foretell.
        let value = self.take(size) as i32;
        let full = (1 << size) - 1;
        let change = if value > full >> 1 { value } else { value - full };
        part.predicted = part.predicted.wrapping_add(change);
        if part.predicted.unsigned_abs() > part.limits.dc { Err(self.early_or(RANGE)) } else { Ok(()) }
    }

    /// The AC coefficients of a block in a sequential scan; 25 bits are filled in.
    #[inline(always)]
    fn block(&mut self, table: &Table, limits: &Limits) -> Result<(), Fault> {
        let mut k = 1;
        loop {
            let pack = table.packs[(self.window >> (64 - LOOK)) as usize];
            let mut next = k + usize::from(pack.advance);
            let mut ends = pack.ends;
            if pack.length == 0 || next > BLOCK {
                (*self, next, ends) = self.coefficient(table, limits, k)?;
            } else {
                self.skip(u32::from(pack.length));
                if pack.size > limits.bits[(next - 1) % BLOCK] {
                    return Err(self.early_or(RANGE));
                }
            }
            if ends || next >= BLOCK {
                return Ok(());
            }
            k = next;
            self.fill();
        }
    }

    /// One AC code of a sequential scan, at coefficient `k`: where the next is, and whether the block ends here.
    #[inline(never)]
    fn coefficient(mut self, table: &Table, limits: &Limits, k: usize) -> Result<(Self, usize, bool), Fault> {
        self.fill();
        let symbol = self.symbol(table)?;
        let (zeros, size) = (usize::from(symbol >> 4), symbol & 15);
        let place = k + zeros;
        match (zeros, size) {
            (0, 0) => return Ok((self, k, true)),
            (15, 0) if place < BLOCK => {}
            (_, 0) => return Err(self.early_or(RANGE)),
            _ if limits.bits.get(place).is_none_or(|&most| size > most) => return Err(self.early_or(RANGE)),
            _ => self.skip(u32::from(size)),
        }
        Ok((self, place + 1, false))
    }

    /// The AC coefficients of a block in the first scan that has them, in a progressive picture.
    fn first_pass(
        &mut self,
        table: &Table,
        scan: &Scan,
        limits: &Limits,
        nonzero: &mut u64,
        run: &mut u32,
    ) -> Result<(), Fault> {
        if *run > 0 {
            *run -= 1;
            return Ok(());
        }
        let mut k = scan.first;
        while k <= scan.last {
            self.fill();
            let symbol = self.symbol(table)?;
            let (zeros, size) = (usize::from(symbol >> 4), symbol & 15);
            match (zeros, size) {
                (15, 0) => k += 16,
                (_, 0) => {
                    *run = (1 << zeros) + self.take(zeros as u32) - 1;
                    return Ok(());
                }
                _ => {
                    k += zeros;
                    if k > scan.last || size > limits.bits[k] {
                        return Err(self.early_or(RANGE));
                    }
                    self.skip(u32::from(size));
                    *nonzero |= 1 << k;
                    k += 1;
                }
            }
        }
        if k > scan.last + 1 { Err(self.early_or(RANGE)) } else { Ok(()) }
    }

    /// The next bit of the AC coefficients of a block, in a progressive picture.
    fn refine(&mut self, table: &Table, scan: &Scan, nonzero: &mut u64, run: &mut u32) -> Result<(), Fault> {
        let mut k = scan.first;
        while *run == 0 && k <= scan.last {
            self.fill();
            let symbol = self.symbol(table)?;
            let (mut zeros, size) = (u32::from(symbol >> 4), symbol & 15);
            match size {
                0 if zeros < 15 => {
                    *run = (1 << zeros) + self.take(zeros);
                    break;
                }
                0 => {}
                1 => self.skip(1),
                _ => return Err(self.early_or(RANGE)),
            }
            // A bit for each coefficient that there was, until enough others have been passed.
            while k <= scan.last {
                if *nonzero >> k & 1 == 1 {
                    self.fill();
                    self.skip(1);
                } else if zeros == 0 {
                    break;
                } else {
                    zeros -= 1;
                }
                k += 1;
            }
            if k > scan.last {
                if size > 0 {
                    return Err(self.early_or(RANGE));
                }
                break;
            }
            if size > 0 {
                *nonzero |= 1 << k;
            }
            k += 1;
        }
        if *run > 0 {
            let rest = if k > scan.last { 0 } else { *nonzero >> k << k & (u64::MAX >> (63 - scan.last)) };
            let bits = rest.count_ones();
            for part in [bits / 2, bits - bits / 2] {
                self.fill();
                self.skip(part);
            }
            *run -= 1;
        }
        Ok(())
    }

    /// Fails if made-up bits were read.
    #[inline(always)]
    fn not_overdrawn(self) -> Result<(), Fault> {
        if self.lent > self.count { Err(self.early_or(ENDS_EARLY)) } else { Ok(()) }
    }

    /// `fault`, unless made-up bits explain it.
    #[cold]
    fn early_or(self, fault: Fault) -> Fault {
        match (self.lent > 0, next_marker(self.bytes, self.at)) {
            (true, None) => Fault::Cut,
            (true, Some(_)) => ENDS_EARLY,
            (false, _) => fault,
        }
    }

    /// The end of coded data: where the marker is that stands there.
    fn end(self) -> Result<usize, Fault> {
        /// Some encoders fill up with whole bytes.
        const FILLING_BITS: u32 = 39;
        self.not_overdrawn()?;
        let filled = self.filled_slowly();
        let left = filled.count - filled.lent;
        if left > 0 {
            let bits = filled.window >> (64 - left);
            if left > FILLING_BITS || bits != 0 && bits != u64::MAX >> (64 - left) {
                return Err(filled.early_or(LEFT_OVER));
            }
        }
        Ok(filled.at)
    }

    /// Behind the end of a restart interval and the marker that it must have.
    #[cold]
    #[inline(never)]
    fn restarted(self, wanted: u8) -> Result<Self, Fault> {
        match next_marker(self.bytes, self.end()?) {
            None => Err(Fault::Cut),
            Some((marker, after)) if marker == wanted => Ok(Self::new(self.bytes, after)),
            Some(_) => Err(RESTART),
        }
    }
}

/// Bits that are there after filling in.
const FILLED: u32 = 56;

/// True when one of the eight bytes is 0xff.
const fn has_ff(bytes: u64) -> bool {
    let zeros = !bytes;
    zeros.wrapping_sub(0x0101_0101_0101_0101) & !zeros & 0x8080_8080_8080_8080 != 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A JPEG of 200×150 pixels with some detail.
    fn jpeg(set: impl FnOnce(&mut jpeg_encoder::Encoder<&mut Vec<u8>>)) -> Vec<u8> {
        let pixel = |i: usize| {
            let (x, y) = (i % 200, i / 200);
            [(x * y % 251) as u8, (x * 3 % 256) as u8, ((x ^ y) % 256) as u8]
        };
        let pixels: Vec<u8> = (0..200 * 150).flat_map(pixel).collect();
        let mut bytes = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 85);
        set(&mut encoder);
        encoder.encode(&pixels, 200, 150, jpeg_encoder::ColorType::Rgb).unwrap();
        bytes
    }

    /// Baseline, restart markers, halved chroma, tables of its own with a scan for each component, progressive.
    fn kinds() -> [Vec<u8>; 5] {
        [
            jpeg(|_| {}),
            jpeg(|e| e.set_restart_interval(7)),
            jpeg(|e| e.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_2)),
            jpeg(|e| e.set_optimized_huffman_tables(true)),
            jpeg(|e| e.set_progressive(true)),
        ]
    }

    #[test]
    fn whole_files_pass_with_and_without_what_may_stand_behind_them() {
        for (i, mut bytes) in kinds().into_iter().enumerate() {
            assert_eq!(check(&bytes), Ok(()), "kind {i}");
            bytes.extend(b"what a camera adds \xff\xd8");
            assert_eq!(check(&bytes), Ok(()), "kind {i} with more behind it");
        }
    }

    #[test]
    fn our_own_encoder_writes_whole_files() {
        let page = image::GrayImage::from_fn(130, 90, |x, y| image::Luma([(x * y) as u8]));
        let overlay = crate::imaging::overlay::Overlay::new(crate::geometry::Size::new(130, 90));
        let palette = crate::imaging::overlay::Palette(&[[255, 0, 0]]);
        let bytes = crate::imaging::overlay::to_jpeg(&page, &overlay, palette).unwrap();
        assert_eq!(check(&bytes), Ok(()));
    }

    #[test]
    fn a_lost_sector_and_a_cut_are_found() {
        for (i, bytes) in kinds().into_iter().enumerate() {
            let middle = bytes.len() / 2;
            let mut lost = bytes.clone();
            lost[middle..middle + 512].fill(0);
            assert!(check(&lost).is_err(), "kind {i}: a sector of zeros");
            let mut cut = bytes[..middle].to_vec();
            cut.extend([0xff, 0xd9]);
            assert!(check(&cut).is_err(), "kind {i}: cut, with an end marker");
            assert!(check(&bytes[..middle]).is_err(), "kind {i}: cut");
        }
    }

    #[test]
    fn a_size_that_is_not_accepted_is_told_before_the_walk() {
        // A cut picture whose frame header claims the largest sides.
        let mut bytes = jpeg(|e| e.set_progressive(true));
        let frame = bytes.windows(2).position(|w| w == [0xff, PROGRESSIVE]).unwrap();
        bytes[frame + 5..frame + 9].fill(0xff);
        let wanted =
            super::super::Wanted { colour: super::super::WantedColour::None, gray: super::super::GrayRule::Direct };
        let error = super::super::decode(&bytes, wanted, super::super::Limits::default()).unwrap_err();
        assert_eq!(error.reason, crate::sheet::error::Reason::TooLarge);
    }

    #[test]
    fn restart_markers_out_of_order_are_found() {
        let mut bytes = jpeg(|e| e.set_restart_interval(7));
        let third = bytes.windows(2).position(|w| w == [0xff, 0xd2]).unwrap();
        bytes[third + 1] = 0xd5;
        assert!(check(&bytes).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(kind in 0usize..5, at in 0.0f64..1.0, change in prop::collection::vec(any::<u8>(), 1..40)) {
            let mut bytes = kinds()[kind].clone();
            let at = (bytes.len() as f64 * at) as usize;
            for (to, from) in bytes[at..].iter_mut().zip(change) {
                *to = from;
            }
            let _ = check(&bytes);
        }
    }
}
