//! The blocks of progressive scans: each scan brings some coefficients, or one more bit of them.

use super::codes::{Codes, Limits};
use super::fault::{Fault, RANGE};
use super::headers::{BLOCK, Scan};
use super::huffman::{Table, extended};
use super::inverse::Transformer;

/// The coefficients of a component while its scans are read.
#[derive(Default)]
pub struct Blocks {
    /// Blocks in a row.
    pub stride: usize,
    /// For each block, which coefficients are not zero so far; DC left out.
    nonzero: Vec<u64>,
    /// Of each block, in coding order; empty where they are not kept.
    coefficients: Vec<[i16; BLOCK]>,
}

/// One block of them.
struct Block<'a> {
    nonzero: &'a mut u64,
    coefficients: Option<&'a mut [i16; BLOCK]>,
}

impl Blocks {
    /// For `across` × `down` blocks.
    pub fn new(across: usize, down: usize, kept: bool) -> Self {
        let count = across * down;
        let coefficients = if kept { vec![[0; BLOCK]; count] } else { Vec::new() };
        Self { stride: across, nonzero: vec![0; count], coefficients }
    }

    /// A DC value, or the bits of it that are known.
    pub fn dc(&mut self, place: usize, value: i32) {
        if let Some(block) = self.coefficients.get_mut(place) {
            block[0] = value as i16;
        }
    }

    /// One more bit of a DC value.
    pub fn dc_bit(&mut self, place: usize, bit: i16) {
        if let Some(block) = self.coefficients.get_mut(place) {
            block[0] |= bit;
        }
    }

    fn block(&mut self, place: usize) -> Option<Block<'_>> {
        Some(Block { nonzero: self.nonzero.get_mut(place)?, coefficients: self.coefficients.get_mut(place) })
    }

    /// Gives all blocks to `out`.
    pub fn transform(&self, out: &mut Transformer) {
        for (place, (block, &nonzero)) in self.coefficients.iter().zip(&self.nonzero).enumerate() {
            let last = nonzero.checked_ilog2().unwrap_or(0) as usize;
            let mut left = nonzero;
            while left != 0 {
                let k = left.trailing_zeros() as usize;
                left &= left - 1;
                out.put(k, block[k % BLOCK]);
            }
            out.end_block(block[0], last, (place % self.stride) as u32, (place / self.stride) as u32);
        }
    }
}

impl Codes<'_> {
    /// The AC coefficients of the block at `place`, in the first scan that has them.
    #[inline(always)]
    pub fn first_pass(
        &mut self,
        table: &Table,
        scan: &Scan,
        limits: &Limits,
        blocks: &mut Blocks,
        place: usize,
        run: &mut u32,
    ) -> Result<(), Fault> {
        if *run > 0 {
            *run -= 1;
            return Ok(());
        }
        let Some(mut block) = blocks.block(place) else { return Ok(()) };
        let mut k = scan.first;
        while k <= scan.last {
            self.fill();
            let (zeros, size, value);
            let next = table.coefficients[self.look()];
            // The end of a block is the end of a run of one.
            if next.length > 0 {
                self.skip(u32::from(next.length));
                if next.run == super::huffman::END {
                    return Ok(());
                }
                (zeros, size, value) = (usize::from(next.run & 15), next.run >> 4, i32::from(next.value));
            } else {
                let symbol = self.symbol(table)?;
                (zeros, size) = (usize::from(symbol >> 4), symbol & 15);
                if size == 0 {
                    if zeros == 15 {
                        k += 16;
                        continue;
                    }
                    *run = (1 << zeros) + self.take(zeros as u32) - 1;
                    return Ok(());
                }
                value = extended(self.take(u32::from(size)), u32::from(size));
            }
            k += zeros;
            if k > scan.last || size > limits.bits[k % BLOCK] {
                return Err(self.early_or(RANGE));
            }
            *block.nonzero |= 1 << k;
            if let Some(coefficients) = &mut block.coefficients {
                coefficients[k % BLOCK] = (value << scan.low) as i16;
            }
            k += 1;
        }
        if k > scan.last + 1 { Err(self.early_or(RANGE)) } else { Ok(()) }
    }

    /// The next bit of the AC coefficients of the block at `place`.
    #[inline(always)]
    pub fn refine(
        &mut self,
        table: &Table,
        scan: &Scan,
        blocks: &mut Blocks,
        place: usize,
        run: &mut u32,
    ) -> Result<(), Fault> {
        let Some(mut block) = blocks.block(place) else { return Ok(()) };
        // The coefficients of this scan that lie ahead.
        let mut ahead = (u64::MAX << scan.first) & (u64::MAX >> (63 - scan.last));
        while *run == 0 && ahead != 0 {
            self.fill();
            let symbol = self.symbol(table)?;
            let (zeros, size) = (u32::from(symbol >> 4), symbol & 15);
            let mut sign = 0;
            match size {
                0 if zeros < 15 => {
                    *run = (1 << zeros) + self.take(zeros);
                    break;
                }
                0 => {}
                1 => sign = self.take(1),
                _ => return Err(self.early_or(RANGE)),
            }
            // The zero behind as many others; those that are not zero and lie before it get a bit each.
            let mut free = ahead & !*block.nonzero;
            for _ in 0..zeros {
                free &= free.wrapping_sub(1);
            }
            let target = free & free.wrapping_neg();
            let before = ahead & target.wrapping_sub(1);
            self.correct(before & *block.nonzero, scan.low, &mut block);
            if target == 0 {
                if size > 0 {
                    return Err(self.early_or(RANGE));
                }
                return Ok(());
            }
            ahead &= !(before | target);
            if size > 0 {
                *block.nonzero |= target;
                if let Some(coefficients) = &mut block.coefficients {
                    let one = 1 << scan.low;
                    coefficients[target.trailing_zeros() as usize % BLOCK] = if sign == 1 { one } else { -one };
                }
            }
        }
        if *run > 0 {
            self.correct(ahead & *block.nonzero, scan.low, &mut block);
            *run -= 1;
        }
        Ok(())
    }

    /// A bit for each of these coefficients.
    #[inline(always)]
    fn correct(&mut self, which: u64, low: u8, block: &mut Block<'_>) {
        let mut left = which;
        let mut count = left.count_ones();
        while count > 0 {
            let part = count.min(32);
            self.fill();
            let mut bits = u64::from(self.take(part)) << (64 - part);
            count -= part;
            let Some(coefficients) = &mut block.coefficients else { continue };
            for _ in 0..part {
                let value = &mut coefficients[left.trailing_zeros() as usize % BLOCK];
                left &= left.wrapping_sub(1);
                let more = if bits >> 63 == 1 && *value & 1 << low == 0 { 1 << low } else { 0 };
                *value = value.wrapping_add(if *value < 0 { -more } else { more });
                bits <<= 1;
            }
        }
    }
}
