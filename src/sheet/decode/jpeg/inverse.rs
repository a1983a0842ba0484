//! Coefficients become pixels, eight blocks at a time.
//!
//! The same coefficient of eight blocks lies side by side, and so do their pixels until the last step: no step but that
//! needs to move numbers between the lanes of a register.
//!
//! The transform is libjpeg's accurate one for whole numbers (after Loeffler, Ligtenberg and Moschytz, 1989), with its
//! order, constants and roundings: OMRChecker's pictures come out of it, and so each pixel here is the one that it sees.

use image::GrayImage;

use super::headers::BLOCK;
use crate::imaging::dispatch::wide_fn;
use crate::imaging::jpeg::ZIGZAG;

/// Blocks that are transformed together.
const LANES: usize = 8;

/// Coefficients in coding order before this one lie in the first four rows and columns.
const LOW: usize = 10;

/// One number of each block.
type Lanes = [i32; LANES];

/// Turns the blocks of one component into its picture.
pub struct Transformer {
    picture: GrayImage,
    /// Quantisation steps, in rows.
    steps: [u16; BLOCK],
    /// Of the waiting blocks: coefficients in rows, in units of their steps.
    coefficients: [[i16; LANES]; BLOCK],
    /// Where they lie, in blocks.
    places: [(u32, u32); LANES],
    waiting: usize,
    /// The last of their coefficients, in coding order.
    last: usize,
    room: Room,
}

/// What lies between the passes, kept because clearing it for each would cost time.
struct Room {
    down: [[Lanes; 8]; 8],
    /// By row, column and lane.
    pixels: [[[u8; LANES]; 8]; 8],
    rows: [[[u8; 8]; 8]; LANES],
}

impl Transformer {
    /// For a component of `width` × `height` pixels with steps in coding order.
    pub fn new(width: u32, height: u32, steps_in_order: &[u16; BLOCK]) -> Self {
        let mut steps = [0; BLOCK];
        for (&place, &step) in ZIGZAG.iter().zip(steps_in_order) {
            steps[usize::from(place) % BLOCK] = step;
        }
        Self {
            picture: GrayImage::new(width, height),
            steps,
            coefficients: [[0; LANES]; BLOCK],
            places: [(0, 0); LANES],
            waiting: 0,
            last: 0,
            room: Room { down: [[[0; LANES]; 8]; 8], pixels: [[[0; LANES]; 8]; 8], rows: [[[0; 8]; 8]; LANES] },
        }
    }

    /// Puts coefficient `k`, in coding order, of the block that comes next.
    #[inline(always)]
    pub fn put(&mut self, k: usize, value: i16) {
        self.coefficients[usize::from(ZIGZAG[k % BLOCK]) % BLOCK][self.waiting % LANES] = value;
    }

    /// Ends a block: its DC value, the last coefficient that was put (0 for none), and its column and row.
    #[inline(always)]
    pub fn end_block(&mut self, dc: i16, last: usize, column: u32, row: u32) {
        if last == 0 {
            self.flat(dc, column, row);
            return;
        }
        let lane = self.waiting % LANES;
        self.coefficients[0][lane] = dc;
        self.places[lane] = (column, row);
        self.last = self.last.max(last);
        self.waiting = lane + 1;
        if self.waiting == LANES {
            self.transform();
        }
    }

    /// A block of one gray.
    fn flat(&mut self, dc: i16, column: u32, row: u32) {
        // What the two passes make of it: 2 binary places and the division by 8 are all that is left of them.
        let value = (i32::from(dc).wrapping_mul(i32::from(self.steps[0])).wrapping_mul(4).wrapping_add(16)) >> 5;
        let gray = value.wrapping_add(128).clamp(0, 255) as u8;
        store(&mut self.picture, &[[gray; 8]; 8], column, row);
    }

    fn transform(&mut self) {
        if self.last < LOW {
            transform::<4>(&self.coefficients, &self.steps, &mut self.room);
        } else {
            transform::<8>(&self.coefficients, &self.steps, &mut self.room);
        }
        for (rows, &(column, row)) in self.room.rows.iter().zip(&self.places).take(self.waiting) {
            store(&mut self.picture, rows, column, row);
        }
        self.coefficients = [[0; LANES]; BLOCK];
        (self.waiting, self.last) = (0, 0);
    }

    /// The picture, with all blocks in it.
    pub fn finish(mut self) -> GrayImage {
        self.transform();
        self.picture
    }
}

/// Writes a block into the picture, cut at its edges.
#[inline(always)]
fn store(picture: &mut GrayImage, rows: &[[u8; 8]; 8], column: u32, row: u32) {
    let (width, left, top) = (picture.width() as usize, column as usize * 8, row as usize * 8);
    if left >= width {
        return;
    }
    let end = (top + 7) * width + left + 8;
    if let (true, Some(part)) = (left + 8 <= width, picture.get_mut(top * width + left..end)) {
        for (to, pixels) in part.chunks_mut(width).zip(rows) {
            to[..8].copy_from_slice(pixels);
        }
        return;
    }
    for (y, pixels) in rows.iter().enumerate() {
        let start = (top + y) * width + left;
        if let Some(to) = picture.get_mut(start..start + (width - left).min(8)) {
            to.copy_from_slice(&pixels[..to.len()]);
        }
    }
}

wide_fn! {
    /// All eight blocks, whose coefficients are 0 but for those of the first `FIRST` rows and columns.
    fn transform[const FIRST: usize](coefficients: &[[i16; LANES]; BLOCK], steps: &[u16; BLOCK], room: &mut Room) {
        let Room { down, pixels, rows } = room;
        for u in 0..FIRST {
            let mut column = [[0; LANES]; 8];
            for v in 0..FIRST {
                let step = i32::from(steps[v * 8 + u]);
                for x in 0..LANES {
                    column[v][x] = i32::from(coefficients[v * 8 + u][x]).wrapping_mul(step);
                }
            }
            line::<11>(&mut column);
            for y in 0..8 {
                down[y][u] = column[y];
            }
        }
        for y in 0..8 {
            down[y][FIRST..].fill([0; LANES]);
            line::<18>(&mut down[y]);
            let (from, to) = (down[y].as_flattened(), pixels[y].as_flattened_mut());
            for i in 0..8 * LANES {
                to[i] = from[i].wrapping_add(128).clamp(0, 255) as u8;
            }
        }
        turn(pixels, rows);
    }
}

/// The transform of eight numbers of each lane, divided by 2ᴺ.
#[inline(always)]
#[allow(clippy::needless_range_loop)] // Adapters of iterators may be left outside of the wide version.
fn line<const N: u32>(v: &mut [Lanes; 8]) {
    for x in 0..LANES {
        let times = |a: i32, factor: i32| a.wrapping_mul(factor);
        let add = i32::wrapping_add;
        let sub = i32::wrapping_sub;
        let down = |a: i32| a.wrapping_add(1 << (N - 1)) >> N;
        // Even part.
        let (z2, z3) = (v[2][x], v[6][x]);
        let z1 = times(add(z2, z3), 4433);
        let (t2, t3) = (add(z1, times(z3, -15_137)), add(z1, times(z2, 6270)));
        let (t0, t1) = (times(add(v[0][x], v[4][x]), 1 << 13), times(sub(v[0][x], v[4][x]), 1 << 13));
        let (t10, t13, t11, t12) = (add(t0, t3), sub(t0, t3), add(t1, t2), sub(t1, t2));
        // Odd part.
        let (t0, t1, t2, t3) = (v[7][x], v[5][x], v[3][x], v[1][x]);
        let (z1, z2, z3, z4) = (add(t0, t3), add(t1, t2), add(t0, t2), add(t1, t3));
        let z5 = times(add(z3, z4), 9633);
        let (z1, z2) = (times(z1, -7373), times(z2, -20_995));
        let (z3, z4) = (add(times(z3, -16_069), z5), add(times(z4, -3196), z5));
        let t0 = add(times(t0, 2446), add(z1, z3));
        let t1 = add(times(t1, 16_819), add(z2, z4));
        let t2 = add(times(t2, 25_172), add(z2, z3));
        let t3 = add(times(t3, 12_299), add(z1, z4));
        v[0][x] = down(add(t10, t3));
        v[7][x] = down(sub(t10, t3));
        v[1][x] = down(add(t11, t2));
        v[6][x] = down(sub(t11, t2));
        v[2][x] = down(add(t12, t1));
        v[5][x] = down(sub(t12, t1));
        v[3][x] = down(add(t13, t0));
        v[4][x] = down(sub(t13, t0));
    }
}

/// Rows of each block from pixels that lie by row, column and lane.
#[inline(always)]
#[allow(clippy::needless_range_loop)] // As in `line`.
fn turn(pixels: &[[[u8; LANES]; 8]; 8], rows: &mut [[[u8; 8]; 8]; LANES]) {
    const BYTES: u64 = 0x00ff_00ff_00ff_00ff;
    const PAIRS: u64 = 0x0000_ffff_0000_ffff;
    const HALF: u64 = 0xffff_ffff;
    // A square of 8 × 8 bytes is turned in three steps, for all rows at once: halves, pairs and bytes change places.
    let mut words = [[0u64; 8]; 8];
    for x in 0..8 {
        for y in 0..8 {
            words[x][y] = u64::from_le_bytes(pixels[y][x]);
        }
    }
    for (distance, mask) in [(4, HALF), (2, PAIRS), (1, BYTES)] {
        let shift = 8 * distance as u32;
        for a in 0..8 {
            if a & distance == 0 {
                let b = a + distance;
                for y in 0..8 {
                    let (p, q) = (words[a][y], words[b][y]);
                    words[a][y] = (p & mask) | ((q & mask) << shift);
                    words[b][y] = ((p >> shift) & mask) | (q & !mask);
                }
            }
        }
    }
    for lane in 0..LANES {
        for y in 0..8 {
            rows[lane][y] = words[lane][y].to_le_bytes();
        }
    }
}
