//! The blocks of a sequential scan: each comes whole.

use super::codes::{Codes, Limits};
use super::fault::{Fault, RANGE};
use super::headers::BLOCK;
use super::huffman::{END, LOOK, Table, extended};
use super::inverse::Transformer;

impl Codes<'_> {
    /// Passes over the AC coefficients of a block; 25 bits are filled in.
    #[inline(always)]
    pub fn pass_block(&mut self, table: &Table, limits: &Limits) -> Result<(), Fault> {
        let mut k = 1;
        loop {
            let pack = table.packs[self.look()];
            let mut next = k + usize::from(pack.advance);
            let mut ends = pack.ends;
            if pack.length == 0 || next > BLOCK {
                let place;
                (*self, place, _, ends) = self.coefficient(table, limits, k)?;
                next = place + 1;
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

    /// Puts the AC coefficients of a block; 25 bits are filled in. The last one, 0 for none.
    #[inline(always)]
    pub fn block(&mut self, table: &Table, limits: &Limits, out: &mut Transformer) -> Result<usize, Fault> {
        let mut k = 1;
        loop {
            let next = table.coefficients[self.look()];
            if next.length > 0 {
                self.skip(u32::from(next.length));
                if next.run == END {
                    return Ok(k - 1);
                }
                k += usize::from(next.run & 15);
                if k >= BLOCK || next.run >> 4 > limits.bits[k] {
                    return Err(self.early_or(RANGE));
                }
                out.put(k, next.value);
                k += 1;
            } else {
                let (codes, place, value, ends) = self.coefficient(table, limits, k)?;
                *self = codes;
                if ends {
                    return Ok(k - 1);
                }
                out.put(place, value);
                k = place + 1;
            }
            if k >= BLOCK {
                return Ok(k - 1);
            }
            if self.count() < LOOK {
                self.fill();
            }
        }
    }

    /// One AC code, at coefficient `k`: the place and value of the coefficient, and whether the block ends before it.
    #[inline(never)]
    fn coefficient(mut self, table: &Table, limits: &Limits, k: usize) -> Result<(Self, usize, i16, bool), Fault> {
        self.fill();
        let symbol = self.symbol(table)?;
        let (zeros, size) = (usize::from(symbol >> 4), symbol & 15);
        let place = k + zeros;
        match (zeros, size) {
            (0, 0) => Ok((self, k, 0, true)),
            (15, 0) if place < BLOCK => Ok((self, place, 0, false)),
            _ if size == 0 || limits.bits.get(place).is_none_or(|&most| size > most) => Err(self.early_or(RANGE)),
            _ => {
                let bits = self.take(u32::from(size));
                Ok((self, place, extended(bits, u32::from(size)) as i16, false))
            }
        }
    }
}
