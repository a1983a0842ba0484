//! The bits of coded data: bytes in which 0xff is followed by a zero, up to a marker.

use super::fault::{ENDS_EARLY, Fault, LEFT_OVER, NO_CODE, RANGE, RESTART};
use super::headers::{BLOCK, next_marker};
use super::huffman::{LOOK, Table, extended};
use crate::imaging::jpeg::has_ff;

/// How large coefficients can be.
pub struct Limits {
    /// The size of the DC value.
    pub dc: u32,
    /// The number of bits of each coefficient, in the order of the codes.
    pub bits: [u8; BLOCK],
}

impl Limits {
    /// Eight-bit samples have coefficients of at most 1024 before they are divided by their step. Encoders are allowed
    /// some error, and two steps for their rounding.
    pub fn new(steps: Option<&[u16; BLOCK]>, low: u8) -> Self {
        const LARGEST: i32 = 1024 + 32;
        let Some(steps) = steps else { return Self { dc: u32::MAX, bits: [16; BLOCK] } };
        let largest = steps.map(|step| LARGEST / (i32::from(step.max(1)) << low) + 2);
        // A number of n bits is at least 2ⁿ⁻¹.
        Self { dc: largest[0].unsigned_abs(), bits: largest.map(|most| (most.ilog2() + 1) as u8) }
    }
}

/// Reads codes; behind the end of the data follow zeros.
#[derive(Clone, Copy)]
pub struct Codes<'a> {
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
    /// From the byte at `at` on.
    pub const fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, window: 0, count: 0, lent: 0 }
    }

    /// Makes sure of [`FILLED`] bits. Bits behind those that are counted may be there already.
    #[inline(always)]
    pub fn fill(&mut self) {
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

    /// The next [`LOOK`] bits, as an index.
    #[inline(always)]
    pub const fn look(&self) -> usize {
        (self.window >> (64 - LOOK)) as usize
    }

    /// How many bits are filled in.
    #[inline(always)]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Passes over bits that are filled in.
    #[inline(always)]
    pub const fn skip(&mut self, bits: u32) {
        self.window <<= bits;
        self.count -= bits;
    }

    /// The next bits: up to 32 of those that are filled in.
    #[inline(always)]
    pub const fn take(&mut self, bits: u32) -> u32 {
        let value = (self.window >> 32 >> (32 - bits)) as u32;
        self.skip(bits);
        value
    }

    /// The next code, of up to 16 bits that are filled in.
    #[inline(always)]
    pub fn symbol(&mut self, table: &Table) -> Result<u8, Fault> {
        let entry = table.quick[self.look()];
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
        table.long((self.window >> 48) as u32).ok_or_else(|| self.early_or(NO_CODE))
    }

    /// A DC value as a change to the one before it, of up to 31 bits that are filled in.
    #[inline(always)]
    pub fn dc(&mut self, table: &Table, limits: &Limits, predicted: &mut i32) -> Result<(), Fault> {
        let size = u32::from(self.symbol(table)?);
        if size > 15 {
            return Err(self.early_or(RANGE));
        }
        let bits = self.take(size);
        *predicted = predicted.wrapping_add(extended(bits, size));
        if predicted.unsigned_abs() > limits.dc { Err(self.early_or(RANGE)) } else { Ok(()) }
    }

    /// Fails if made-up bits were read.
    #[inline(always)]
    pub fn not_overdrawn(self) -> Result<(), Fault> {
        if self.lent > self.count { Err(self.early_or(ENDS_EARLY)) } else { Ok(()) }
    }

    /// `fault`, unless made-up bits explain it.
    #[cold]
    pub fn early_or(self, fault: Fault) -> Fault {
        match (self.lent > 0, next_marker(self.bytes, self.at)) {
            (true, None) => Fault::Cut,
            (true, Some(_)) => ENDS_EARLY,
            (false, _) => fault,
        }
    }

    /// The end of coded data: where the marker is that stands there.
    pub fn end(self) -> Result<usize, Fault> {
        /// Some encoders fill up with whole bytes: a word of them, after the bits that fill the last byte.
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
    pub fn restarted(self, wanted: u8) -> Result<Self, Fault> {
        match next_marker(self.bytes, self.end()?) {
            None => Err(Fault::Cut),
            Some((marker, after)) if marker == wanted => Ok(Self::new(self.bytes, after)),
            Some(_) => Err(RESTART),
        }
    }
}

/// Bits that are there after filling in.
pub const FILLED: u32 = 56;
