//! Pixels become quantised coefficients, sixteen blocks at a time.
//!
//! The same pixel of sixteen blocks lies side by side in a vector of 16-bit numbers, and so does the same coefficient
//! later: then no step but the first needs to move numbers between the lanes of a register, the coding order costs
//! nothing, and which coefficients are zero is found for sixteen blocks at once.
//!
//! The transform is that of Arai, Agui and Nakajima (1988), whose scale factors are folded into the quantisation. Its
//! numbers have 4 binary places across and 1 down, the most that cannot overflow: a coefficient may be a few hundredths of
//! its step off, so one that lies so near the middle between two steps may get the other one.

use super::BLOCK;
use super::tables::ZIGZAG;

/// Blocks that are transformed together.
pub const LANES: usize = 16;

/// Pixels of a row of that many blocks.
pub const ROW: usize = LANES * BLOCK;

/// One number of each block.
type Lanes = [i16; LANES];

/// In which lane block `i` of sixteen lies.
pub const fn lane(i: usize) -> usize {
    4 * (i % 4) + i / 4
}

/// The coefficients of sixteen blocks in units of their steps.
pub struct Coefficients {
    /// In coding order, one of each block by [`lane`].
    pub values: [Lanes; 64],
    /// Which coefficients are not 0: a bit for each of a quarter of them, in four quarters.
    present: [[u16; LANES]; 4],
}

impl Coefficients {
    pub const NONE: Self = Self { values: [[0; LANES]; 64], present: [[0; LANES]; 4] };

    /// Bit `i` is set where coefficient `i` of a lane in coding order is not 0.
    #[inline(always)]
    pub fn present(&self, lane: usize) -> u64 {
        let [a, b, c, d] = self.present.each_ref().map(|bits| u64::from(bits[lane % LANES]));
        a | b << 16 | c << 32 | d << 48
    }
}

/// Steps of quantisation as what to multiply with, in coding order: coefficients are made as large as they can be,
/// multiplied with a factor of 16 binary places from ¼ to ½, raised by half a step, and divided by a power of 2.
///
/// Each number stands there once for each lane, so that one long loop does it: compilers turn short ones into worse.
pub struct Quantiser {
    lifts: [i16; 64 * LANES],
    factors: [i16; 64 * LANES],
    halves: [i16; 64 * LANES],
    reductions: [i16; 64 * LANES],
}

/// Binary places of the pixels that go into the transform, and of the numbers between its two passes.
const PLACES: u32 = 4;
const PLACES_DOWN: u32 = 1;

impl Quantiser {
    /// For steps of 1 to 255 in rows.
    pub fn new(steps: &[u16; 64]) -> Self {
        // The transform leaves coefficient k of a line √8·s(k) too large, s(0) = 1 and s(k) = √2·cos(kπ/16).
        let scale = |k: u8| match k {
            0 => 1.0,
            k => std::f64::consts::SQRT_2 * (f64::from(k) * std::f64::consts::PI / 16.0).cos(),
        };
        let none = [0; 64 * LANES];
        let mut new = Self { lifts: none, factors: none, halves: none, reductions: none };
        for (i, &place) in ZIGZAG.iter().enumerate() {
            let one = f64::from(8u32 << PLACES_DOWN) * scale(place / 8) * scale(place % 8);
            // Coefficients are at most 1024, and a little more by rounding.
            let mut lift = 0u32;
            while one * 1100.0 * f64::from(2u32 << lift) < 32_767.0 {
                lift += 1;
            }
            // Between 9 and 7833.
            let divisor = one * f64::from(1u32 << lift) * f64::from(steps[usize::from(place)].clamp(1, 255));
            let mut shift = 1u32;
            while f64::from(1u32 << shift) < divisor / 4.0 {
                shift += 1;
            }
            let factor = (65_536.0 / divisor * f64::from(1u32 << shift)).round().min(32_767.0);
            let lanes = i * LANES..(i + 1) * LANES;
            new.lifts[lanes.clone()].fill(1 << lift);
            new.factors[lanes.clone()].fill(factor as i16);
            new.halves[lanes.clone()].fill(1 << (shift - 1));
            new.reductions[lanes].fill(1 << (16 - shift));
        }
        new
    }
}

/// Room for what lies between the passes of the transform, kept because clearing it for each would cost time.
pub struct Room {
    /// Rows of the blocks, each transformed.
    across: [[Lanes; BLOCK]; BLOCK],
    /// Columns of coefficients.
    both: [[Lanes; BLOCK]; BLOCK],
}

impl Room {
    pub const NEW: Self = Self { across: [[[0; LANES]; BLOCK]; BLOCK], both: [[[0; LANES]; BLOCK]; BLOCK] };
}

/// Transforms the sixteen blocks that lie side by side in eight rows.
#[inline(always)]
pub fn transform(rows: [&[u8; ROW]; BLOCK], quantiser: &Quantiser, room: &mut Room, out: &mut Coefficients) {
    let Room { across, both } = room;
    for (row, out) in rows.into_iter().zip(&mut *across) {
        line(&columns(row), out);
    }
    for (u, out) in both.iter_mut().enumerate() {
        let mut column = [[0; LANES]; BLOCK];
        for (to, row) in column.iter_mut().zip(&*across) {
            for (to, &v) in to.iter_mut().zip(&row[u]) {
                *to = halved::<{ PLACES - PLACES_DOWN }>(v);
            }
        }
        line(&column, out);
    }
    quantise(both, quantiser, out);
}

/// Eight rows of sixteen blocks, taken apart: the pixels of each column as `PLACES`-place numbers around 0.
#[inline(always)]
fn columns(row: &[u8; ROW]) -> [Lanes; BLOCK] {
    const BYTES: u64 = 0x0ff0_0ff0_0ff0_0ff0;
    const PAIRS: u64 = 0x0000_ffff_0000_ffff;
    const HALF: u64 = 0xffff_ffff;
    // A square of numbers is turned in two steps, in words of four: lane 4i + j is block i + 4j.
    let mut turned = [[[0u8; 8]; 4]; BLOCK];
    let (words, _) = row.as_chunks::<BLOCK>();
    for i in 0..4 {
        let blocks = [words[i], words[i + 4], words[i + 8], words[i + 12]].map(u64::from_le_bytes);
        let mut put = |column: usize, word: u64| turned[column][i] = word.to_le_bytes();
        for odd in 0..2 {
            let [a, b, c, d] =
                blocks.map(|w| if odd == 0 { (w << PLACES) & BYTES } else { (w >> (8 - PLACES)) & BYTES });
            let (low_ab, high_ab) = ((a & PAIRS) | ((b & PAIRS) << 16), ((a >> 16) & PAIRS) | (b & !PAIRS));
            let (low_cd, high_cd) = ((c & PAIRS) | ((d & PAIRS) << 16), ((c >> 16) & PAIRS) | (d & !PAIRS));
            put(odd, (low_ab & HALF) | (low_cd << 32));
            put(odd + 4, (low_ab >> 32) | (low_cd & !HALF));
            put(odd + 2, (high_ab & HALF) | (high_cd << 32));
            put(odd + 6, (high_ab >> 32) | (high_cd & !HALF));
        }
    }
    let mut out = [[0; LANES]; BLOCK];
    for (out, bytes) in out.iter_mut().zip(&turned) {
        let (pairs, _) = bytes.as_flattened().as_chunks::<2>();
        for (out, &pair) in out.iter_mut().zip(pairs) {
            *out = i16::from_le_bytes(pair) - (128 << PLACES);
        }
    }
    out
}

/// `v` / 2ᴺ, rounded.
#[inline(always)]
fn halved<const N: u32>(v: i16) -> i16 {
    (v + (1 << (N - 1))) >> N
}

/// The product with a factor of 16 binary places, rounded down.
#[inline(always)]
fn times(v: i16, factor: i16) -> i16 {
    ((i32::from(v) * i32::from(factor)) >> 16) as i16
}

/// The scaled transform of eight numbers of each lane (Arai, Agui, Nakajima 1988).
#[inline(always)]
fn line(v: &[Lanes; BLOCK], out: &mut [Lanes; BLOCK]) {
    // Factors of more than ½ less 1: a product with them is added to the number itself.
    const C4_LESS_1: i16 = -19_195; // cos(4π/16) = 0.7071
    const C6: i16 = 25_080; // cos(6π/16) = 0.3827
    const C2_MINUS_C6_LESS_1: i16 = -30_068; // 0.5412
    const C2_PLUS_C6_LESS_1: i16 = 20_091; // 1.3066
    for x in 0..LANES {
        let [s07, d07] = [v[0][x] + v[7][x], v[0][x] - v[7][x]];
        let [s16, d16] = [v[1][x] + v[6][x], v[1][x] - v[6][x]];
        let [s25, d25] = [v[2][x] + v[5][x], v[2][x] - v[5][x]];
        let [s34, d34] = [v[3][x] + v[4][x], v[3][x] - v[4][x]];
        // Even part.
        let [a, b] = [s07 + s34, s16 + s25];
        let [c, d] = [s07 - s34, s16 - s25];
        let e = c + d + times(c + d, C4_LESS_1);
        out[0][x] = a + b;
        out[4][x] = a - b;
        out[2][x] = c + e;
        out[6][x] = c - e;
        // Odd part.
        let [p, q, r] = [d34 + d25, d25 + d16, d16 + d07];
        let z5 = times(p - r, C6);
        let z2 = p + times(p, C2_MINUS_C6_LESS_1) + z5;
        let z4 = r + times(r, C2_PLUS_C6_LESS_1) + z5;
        let z3 = q + times(q, C4_LESS_1);
        let [z11, z13] = [d07 + z3, d07 - z3];
        out[5][x] = z13 + z2;
        out[3][x] = z13 - z2;
        out[1][x] = z11 + z4;
        out[7][x] = z11 - z4;
    }
}

/// Divides by the steps, in coding order. `both` has columns of coefficients.
#[inline(always)]
fn quantise(both: &[[Lanes; BLOCK]; BLOCK], quantiser: &Quantiser, out: &mut Coefficients) {
    for (values, &place) in out.values.iter_mut().zip(&ZIGZAG) {
        *values = both[usize::from(place) % BLOCK][usize::from(place) / BLOCK % BLOCK];
    }
    for (i, v) in out.values.as_flattened_mut().iter_mut().enumerate() {
        let lifted = v.wrapping_mul(quantiser.lifts[i]);
        *v = times(times(lifted, quantiser.factors[i]) + quantiser.halves[i], quantiser.reductions[i]);
    }
    for (present, values) in out.present.iter_mut().zip(out.values.as_chunks::<16>().0) {
        for (lane, present) in present.iter_mut().enumerate() {
            let mut bits = 0;
            for (i, values) in values.iter().enumerate() {
                bits |= u16::from(values[lane] != 0) << i;
            }
            *present = bits;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use proptest::prelude::*;

    use super::*;

    /// Sixteen blocks by their rows.
    type Pixels = [[u8; ROW]; BLOCK];

    fn basis(k: usize, x: usize) -> f64 {
        (PI * k as f64 * (2.0 * x as f64 + 1.0) / 16.0).cos() * if k == 0 { 0.125f64.sqrt() } else { 0.5 }
    }

    /// Coefficient (u, v) of a block, by its definition.
    fn plain(pixels: &Pixels, block: usize, u: usize, v: usize) -> f64 {
        let at = |x: usize, y: usize| f64::from(pixels[y][BLOCK * block + x]) - 128.0;
        (0..64).map(|i| at(i % 8, i / 8) * basis(u, i % 8) * basis(v, i / 8)).sum()
    }

    /// Is each coefficient that of the definition, as near as steps and whole numbers allow?
    fn check(pixels: &Pixels, steps: &[u16; 64]) {
        let (mut room, mut fast) = (Room::NEW, Coefficients::NONE);
        transform(pixels.each_ref(), &Quantiser::new(steps), &mut room, &mut fast);
        let scale = |k: usize| if k == 0 { 1.0 } else { 2f64.sqrt() * (k as f64 * PI / 16.0).cos() };
        for block in 0..LANES {
            for (i, &place) in ZIGZAG.iter().enumerate() {
                let (u, v) = (usize::from(place) % 8, usize::from(place) / 8);
                let (found, step) = (fast.values[i][lane(block)], f64::from(steps[usize::from(place)]));
                let want = plain(pixels, block, u, v);
                // Half a step, four of the last binary place, and two thousandths.
                let allowed = 0.5 * step + 4.0 / (16.0 * scale(u) * scale(v)) + 0.002 * want.abs();
                let difference = (f64::from(found) * step - want).abs();
                assert!(difference <= allowed, "({u}, {v}) of block {block}: {found} × {step} for {want}");
                assert_eq!(fast.present(lane(block)) >> i & 1 == 1, found != 0);
            }
        }
    }

    #[test]
    fn each_block_has_a_lane() {
        let mut lanes: Vec<usize> = (0..LANES).map(lane).collect();
        lanes.sort_unstable();
        assert_eq!(lanes, (0..LANES).collect::<Vec<_>>());
    }

    #[test]
    fn the_largest_coefficients_do_not_overflow() {
        for i in 0..64 {
            for (low, high) in [(0, 255), (255, 0)] {
                let is_up = |x: usize, y: usize| basis(i % 8, x % 8) * basis(i / 8, y) > 0.0;
                let pixels: Pixels =
                    std::array::from_fn(|y| std::array::from_fn(|x| if is_up(x, y) { high } else { low }));
                check(&pixels, &[1; 64]);
                check(&pixels, &[255; 64]);
            }
        }
    }

    proptest! {
        #[test]
        fn the_transform_is_the_cosine_transform(
            pixels in proptest::collection::vec(any::<u8>(), ROW * BLOCK),
            strong in any::<bool>(),
            step in 1u16..=255,
        ) {
            let pixel = |i: usize| if strong { if pixels[i] < 128 { 0 } else { 255 } } else { pixels[i] };
            let pixels: Pixels = std::array::from_fn(|y| std::array::from_fn(|x| pixel(y * ROW + x)));
            check(&pixels, &std::array::from_fn(|i| (step + i as u16 * 3).min(255)));
        }
    }
}
