//! Huffman tables, made ready for looking up many bits at once.

/// Codes of up to this many bits are looked up at once.
pub const LOOK: u32 = 11;

/// A Huffman table.
pub struct Table {
    /// By the next [`LOOK`] bits: the length of the code (high byte) and its value; 0 where the code is longer.
    pub quick: Vec<u16>,
    /// By the next [`LOOK`] bits: the AC codes that lie in them, as a [`Pack`].
    pub packs: Vec<Pack>,
    /// By the next [`LOOK`] bits: the AC code and the coefficient in them.
    pub coefficients: Vec<Coefficient>,
    /// For each length: the first 16 bits that are too great for a code of it.
    ends: [u32; 17],
    /// For each length: what makes the index of a value from a code.
    offsets: [i32; 17],
    values: [u8; 256],
}

/// AC codes that follow each other, with the bits of their coefficients, where the values of these are not wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pack {
    /// Bits in all; 0 where there is no pack.
    pub length: u8,
    /// Coefficients that they advance by; an end of block counts for 1.
    pub advance: u8,
    /// Bits of the last coefficient where it is the only one and large; otherwise 0.
    pub size: u8,
    /// The last code ends the block.
    pub ends: bool,
}

/// One AC code with the bits of its coefficient.
#[derive(Debug, Clone, Copy, Default)]
pub struct Coefficient {
    /// The coefficient; 0 where there is none.
    pub value: i16,
    /// Bits in all; 0 where they are not all in the window.
    pub length: u8,
    /// Zeros before the coefficient (low four bits) and its size in bits (high four); [`END`] ends the block.
    pub run: u8,
}

/// The end of a block.
pub const END: u8 = 0xff;

/// A pack has no more bits: so many are there behind a DC value.
const MOST_BITS: u8 = 25;

/// Coefficients of up to this many bits are possible for any step of up to 255.
const SMALL: u8 = 3;

/// What `size` bits mean.
#[inline(always)]
pub const fn extended(bits: u32, size: u32) -> i32 {
    // Without a branch: sizes and signs are hard to foretell.
    let full = (1 << size) - 1;
    let value = bits as i32;
    if value > full >> 1 { value } else { value - full }
}

impl Table {
    /// By the number of codes of each length from 1 to 16, and what the codes mean. None if there are too many.
    pub fn new(counts: &[u8; 16], symbols: &[u8]) -> Option<Self> {
        let mut values = [0; 256];
        values.get_mut(..symbols.len())?.copy_from_slice(symbols);
        let quick = vec![0; 1 << LOOK];
        let (packs, coefficients) = (Vec::new(), Vec::new());
        let mut table = Self { quick, packs, coefficients, ends: [0; 17], offsets: [0; 17], values };
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

    /// A code of more than [`LOOK`] bits from the next 16: its length and what it means.
    pub fn long(&self, next: u32) -> Option<(u32, u8)> {
        for length in LOOK + 1..=16 {
            if next < self.ends[length as usize] {
                let index = (next >> (16 - length)) as i32 + self.offsets[length as usize];
                return Some((length, self.values[index as usize & 255]));
            }
        }
        None
    }

    /// Makes the packs of an AC table.
    pub fn pack(&mut self) {
        if self.packs.is_empty() {
            self.packs = (0..1usize << LOOK).map(|bits| self.packed(bits)).collect();
        }
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
                _ if pack.length == 0 && length + size <= MOST_BITS => {
                    return Pack { length: length + size, advance: zeros + 1, size, ends: false };
                }
                _ => break,
            }
            pack.length += length + size;
        }
        pack
    }

    /// Makes the coefficients of an AC table.
    pub fn look_ahead(&mut self) {
        if self.coefficients.is_empty() {
            self.coefficients = (0..1usize << LOOK).map(|bits| self.looked_up(bits)).collect();
        }
    }

    fn looked_up(&self, bits: usize) -> Coefficient {
        let entry = self.quick[bits];
        let (length, symbol) = ((entry >> 8) as u8, entry as u8);
        let (zeros, size) = (symbol >> 4, symbol & 15);
        let all = length + size;
        if length == 0 || u32::from(all) > LOOK {
            return Coefficient::default();
        }
        match (zeros, size) {
            (0, 0) => Coefficient { value: 0, length, run: END },
            (_, 0) => Coefficient::default(),
            _ => {
                let bits = (bits as u32 >> (LOOK - u32::from(all))) & ((1 << size) - 1);
                Coefficient { value: extended(bits, u32::from(size)) as i16, length: all, run: size << 4 | zeros }
            }
        }
    }
}
