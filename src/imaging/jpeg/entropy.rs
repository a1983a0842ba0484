//! Quantised coefficients become Huffman codes, and those the bytes of a scan.

use super::tables::HuffmanSpec;
use super::transform::{Coefficients, LANES};

/// Codes of one Huffman table, each joined with room for the bits of its value: the bits times 64, and their count.
struct Codes([u32; 256]);

impl Codes {
    fn of(spec: &HuffmanSpec) -> Self {
        let mut codes = [0; 256];
        let mut code = 0u32;
        let mut symbols = spec.symbols.iter();
        for (length, &count) in (1u32..=16).zip(&spec.counts) {
            for &symbol in symbols.by_ref().take(usize::from(count)) {
                // At most 16 bits of code and 11 of value; the only ones of 11 are differences of means, with short codes.
                let size = u32::from(symbol & 15);
                codes[usize::from(symbol)] = code << (size + 6) | (length + size);
                code += 1;
            }
            code <<= 1;
        }
        Self(codes)
    }

    #[inline(always)]
    fn symbol(&self, symbol: u8) -> Code {
        let code = self.0[usize::from(symbol)];
        Code { bits: code >> 6, count: code & 63 }
    }

    /// A run of fewer than 16 zeros and the value after it: the symbol of both, then the value's own bits.
    #[inline(always)]
    fn value(&self, run: u32, value: i32) -> Code {
        let size = 32 - value.unsigned_abs().leading_zeros();
        // Negative values are written as their complement's low bits.
        let low = (value + (value >> 31)) as u32 & ((1u32 << (size & 31)) - 1);
        let code = self.0[(run << 4 | size) as usize & 255];
        Code { bits: code >> 6 | low, count: code & 63 }
    }
}

/// Up to 32 bits, with zeros above them.
#[derive(Clone, Copy)]
struct Code {
    bits: u32,
    count: u32,
}

impl Code {
    /// This code, then a short one: both have at most 32 bits.
    #[inline(always)]
    fn joined(self, end: Self) -> Self {
        Self { bits: self.bits << end.count | end.bits, count: self.count + end.count }
    }
}

/// Codes of one kind of component.
pub struct Component {
    dc: Codes,
    ac: Codes,
}

impl Component {
    pub fn new(dc: &HuffmanSpec, ac: &HuffmanSpec) -> Self {
        Self { dc: Codes::of(dc), ac: Codes::of(ac) }
    }

    /// Codes a block of which `last` is the mean of the one before; returns its own.
    #[inline(always)]
    pub fn block(&self, block: &Coefficients, lane: usize, last: i16, bits: &mut Bits) -> i16 {
        let lane = lane % LANES;
        let mean = block.values[0][lane];
        let coded = self.dc.value(0, i32::from(mean) - i32::from(last));
        let mut rest = block.present(lane) & !1;
        if rest == 0 {
            bits.put(coded.joined(self.ac.symbol(END_OF_BLOCK)));
            return mean;
        }
        bits.put(coded);
        let mut done = 0;
        while rest != 0 {
            let i = rest.trailing_zeros();
            rest &= rest - 1;
            let mut run = i - done - 1;
            while run >= 16 {
                bits.put(self.ac.symbol(SIXTEEN_ZEROS));
                run -= 16;
            }
            bits.put(self.ac.value(run, i32::from(block.values[i as usize % 64][lane])));
            done = i;
        }
        if done != 63 {
            bits.put(self.ac.symbol(END_OF_BLOCK));
        }
        mean
    }

    /// Codes a block of nothing but zeros.
    #[inline(always)]
    pub fn zero(&self, last: i16, bits: &mut Bits) {
        bits.put(self.dc.value(0, -i32::from(last)).joined(self.ac.symbol(END_OF_BLOCK)));
    }
}

const END_OF_BLOCK: u8 = 0x00;
const SIXTEEN_ZEROS: u8 = 0xf0;

/// Bits, high ones first, in whole words and some that wait.
pub struct Bits {
    words: Vec<u64>,
    /// The last `64 - free` bits are waiting.
    pending: u64,
    /// From 1 to 64.
    free: u32,
}

impl Bits {
    pub fn new() -> Self {
        Self { words: Vec::new(), pending: 0, free: 64 }
    }

    #[inline(always)]
    fn put(&mut self, Code { bits, count }: Code) {
        if count < self.free {
            self.pending = self.pending << count | u64::from(bits);
            self.free -= count;
            return;
        }
        let over = count - self.free;
        // No more than 32 bits are free here.
        self.words.push(self.pending << self.free | u64::from(bits) >> over);
        self.pending = u64::from(bits);
        self.free = 64 - over;
    }

    /// Moves the whole words to `out`, with a zero byte after each 0xff.
    pub fn drain(&mut self, out: &mut Vec<u8>) {
        // Words without such a byte, which nearly all are, go in groups.
        let mut group = [[0; 8]; 64];
        let mut count = 0;
        for &word in &self.words {
            if count == group.len() || has_ff(word) {
                out.extend_from_slice(group[..count].as_flattened());
                count = 0;
            }
            if has_ff(word) {
                stuffed(&word.to_be_bytes(), out);
            } else {
                group[count] = word.to_be_bytes();
                count += 1;
            }
        }
        out.extend_from_slice(group[..count].as_flattened());
        self.words.clear();
    }

    /// Moves everything to `out`; the last byte is filled with ones.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        let missing = self.free % 8;
        self.put(Code { bits: (1 << missing) - 1, count: missing });
        self.drain(out);
        let bytes = (64 - self.free) / 8;
        if let Some(word) = self.pending.checked_shl(self.free) {
            stuffed(&word.to_be_bytes()[..bytes as usize], out);
        }
    }
}

/// Is one of a word's bytes 0xff? Only there 1 added to the lower seven bits carries into the high one, and that is set.
#[inline(always)]
pub fn has_ff(word: u64) -> bool {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    const LOW: u64 = !HIGH;
    word & ((word & LOW) + (HIGH >> 7)) & HIGH != 0
}

fn stuffed(bytes: &[u8], out: &mut Vec<u8>) {
    for &byte in bytes {
        out.push(byte);
        if byte == 0xff {
            out.push(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_byte_of_ones_is_found(word in any::<u64>(), place in 0..8u32, has in any::<bool>()) {
            let word = if has { word | 0xff << (8 * place) } else { word };
            prop_assert_eq!(has_ff(word), word.to_be_bytes().contains(&0xff));
        }

        #[test]
        fn bits_stand_one_behind_the_other(
            parts in proptest::collection::vec((any::<u32>(), 0u32..=32), 0..40),
            drained in 0usize..40,
        ) {
            let (mut bits, mut out) = (Bits::new(), Vec::new());
            let mut text = String::new();
            for (i, &(part, count)) in parts.iter().enumerate() {
                let part = part & ((1u64 << count) - 1) as u32;
                bits.put(Code { bits: part, count });
                for bit in (0..count).rev() {
                    text.push(if part >> bit & 1 == 1 { '1' } else { '0' });
                }
                if i == drained {
                    bits.drain(&mut out);
                }
            }
            bits.finish(&mut out);
            while !text.len().is_multiple_of(8) {
                text.push('1');
            }
            let mut want = Vec::new();
            for i in (0..text.len()).step_by(8) {
                want.push(u8::from_str_radix(&text[i..i + 8], 2).unwrap());
                if want.last() == Some(&0xff) {
                    want.push(0);
                }
            }
            prop_assert_eq!(out, want);
        }
    }
}
