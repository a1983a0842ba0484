//! A baseline JPEG encoder for marked pages: gray nearly everywhere, a few colours drawn on it.
//!
//! Why not a library: the pure Rust encoders transform and code the two chroma planes of the whole page, and encoding was
//! the largest part of a sheet's cost. Here the chroma of a block without colours costs four bits, and blocks of one gray
//! are not transformed at all. The format is ITU T.81 with JFIF: 4:2:0, one interleaved scan, the example quantisation and
//! Huffman tables of its annex K. The transform is the floating-point one of Arai, Agui and Nakajima (1988), whose scale
//! factors are folded into the quantisation.

use super::overlay::{Overlay, Palette};
use super::pixels;
use image::GrayImage;

/// Sides of a block, and of the square of luma blocks that share one block of each chroma.
const BLOCK: usize = 8;
const UNIT: usize = 2 * BLOCK;

/// Luma and chroma quantisation of annex K, rows from low to high vertical frequency.
#[rustfmt::skip]
const LUMA: [u16; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61,
    12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77,
    24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
];
#[rustfmt::skip]
const CHROMA: [u16; 64] = [
    17, 18, 24, 47, 99, 99, 99, 99,
    18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
];

/// Place in the block of each coefficient in coding order.
#[rustfmt::skip]
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10,
    17, 24, 32, 25, 18, 11, 4, 5,
    12, 19, 26, 33, 40, 48, 41, 34,
    27, 20, 13, 6, 7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36,
    29, 22, 15, 23, 30, 37, 44, 51,
    58, 59, 52, 45, 38, 31, 39, 46,
    53, 60, 61, 54, 47, 55, 62, 63,
];

/// A Huffman table as the file states it: how many codes of each length from 1 to 16 bits, and their symbols.
struct HuffmanSpec {
    counts: [u8; 16],
    symbols: &'static [u8],
}

const DC_SYMBOLS: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
const LUMA_DC: HuffmanSpec =
    HuffmanSpec { counts: [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], symbols: &DC_SYMBOLS };
const CHROMA_DC: HuffmanSpec =
    HuffmanSpec { counts: [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0], symbols: &DC_SYMBOLS };
const LUMA_AC: HuffmanSpec = HuffmanSpec {
    counts: [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125],
    symbols: &[
        0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71,
        0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72,
        0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x34, 0x35, 0x36, 0x37,
        0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59,
        0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83,
        0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3,
        0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3,
        0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2,
        0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
    ],
};
const CHROMA_AC: HuffmanSpec = HuffmanSpec {
    counts: [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119],
    symbols: &[
        0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71, 0x13, 0x22,
        0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0, 0x15, 0x62, 0x72, 0xd1,
        0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x35, 0x36,
        0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58,
        0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a,
        0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a,
        0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba,
        0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda,
        0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
    ],
};

/// Encodes a page of 1 to 65,535 pixels a side with what is drawn on it. `quality` is from 1 to 100 in the scale of the
/// Independent JPEG Group. `None` for a side out of range.
pub fn encode(page: &GrayImage, overlay: &Overlay, palette: Palette<'_>, quality: u8) -> Option<Vec<u8>> {
    let (width, height) = (u16::try_from(page.width()).ok()?, u16::try_from(page.height()).ok()?);
    if width == 0 || height == 0 || pixels(page).len() < usize::from(width) * usize::from(height) {
        return None;
    }
    let tables = [scaled(&LUMA, quality), scaled(&CHROMA, quality)];
    let mut out = headers(width, height, &tables);
    out.reserve(pixels(page).len() / 6);
    let mut coder = Coder::new(out, &tables);
    let colours: Vec<Option<[u8; 3]>> = (0..palette.numbers()).map(|n| palette.colour(n).map(ycbcr)).collect();
    let mut strip = Strip::new(page, overlay, colours);
    for top in (0..usize::from(height)).step_by(UNIT) {
        strip.load(top);
        for left in (0..strip.padded_width).step_by(UNIT) {
            coder.unit(&strip, left);
        }
    }
    Some(coder.finish())
}

/// JFIF's conversion of a colour.
fn ycbcr([r, g, b]: [u8; 3]) -> [u8; 3] {
    let [r, g, b] = [r, g, b].map(f64::from);
    let y = 0.299 * r + 0.587 * g + 0.114 * b;
    let cb = 128.0 - 0.168_735_9 * r - 0.331_264_1 * g + 0.5 * b;
    let cr = 128.0 + 0.5 * r - 0.418_687_6 * g - 0.081_312_4 * b;
    [y, cb, cr].map(|v| v.round().clamp(0.0, 255.0) as u8)
}

/// A quantisation table for a quality: the Independent JPEG Group's scale.
fn scaled(table: &[u16; 64], quality: u8) -> [u16; 64] {
    let quality = u32::from(quality.clamp(1, 100));
    let percent = if quality < 50 { 5000 / quality } else { 200 - 2 * quality };
    table.map(|q| ((u32::from(q) * percent + 50) / 100).clamp(1, 255) as u16)
}

fn headers(width: u16, height: u16, tables: &[[u16; 64]; 2]) -> Vec<u8> {
    let mut out = vec![0xff, 0xd8];
    let mut segment = |marker: u8, body: &[u8]| {
        out.extend([0xff, marker]);
        // Bodies are a few hundred bytes.
        out.extend((body.len() as u16 + 2).to_be_bytes());
        out.extend_from_slice(body);
    };
    segment(0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
    for (i, table) in tables.iter().enumerate() {
        let mut body = vec![i as u8];
        // Values are at most 255 by construction.
        body.extend(ZIGZAG.iter().map(|&place| table[usize::from(place)] as u8));
        segment(0xdb, &body);
    }
    let ([h1, h0], [w1, w0]) = (height.to_be_bytes(), width.to_be_bytes());
    segment(0xc0, &[8, h1, h0, w1, w0, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1]);
    for (id, spec) in [(0x00, &LUMA_DC), (0x10, &LUMA_AC), (0x01, &CHROMA_DC), (0x11, &CHROMA_AC)] {
        let mut body = vec![id];
        body.extend(spec.counts);
        body.extend_from_slice(spec.symbols);
        segment(0xc4, &body);
    }
    segment(0xda, &[3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0]);
    out
}

/// Sixteen rows of the page, its colours drawn in, padded to whole units by repeating the last pixel.
struct Strip<'a> {
    page: &'a GrayImage,
    overlay: &'a Overlay,
    colours: Vec<Option<[u8; 3]>>,
    padded_width: usize,
    luma: Vec<u8>,
    /// Cb and Cr at full size; only filled where `coloured` says so.
    chroma: [Vec<u8>; 2],
    /// For each unit: does it hold a colour?
    coloured: Vec<bool>,
}

const NEUTRAL: u8 = 128;

impl<'a> Strip<'a> {
    fn new(page: &'a GrayImage, overlay: &'a Overlay, colours: Vec<Option<[u8; 3]>>) -> Self {
        let padded_width = (page.width() as usize).next_multiple_of(UNIT);
        Self {
            page,
            overlay,
            colours,
            padded_width,
            luma: vec![0; padded_width * UNIT],
            chroma: [vec![NEUTRAL; padded_width * UNIT], vec![NEUTRAL; padded_width * UNIT]],
            coloured: vec![false; padded_width / UNIT],
        }
    }

    fn load(&mut self, top: usize) {
        let (width, height) = (self.page.width() as usize, self.page.height() as usize);
        if self.coloured.contains(&true) {
            self.coloured.fill(false);
            self.chroma.iter_mut().for_each(|plane| plane.fill(NEUTRAL));
        }
        for row in 0..UNIT {
            let y = (top + row).min(height - 1);
            let line = &mut self.luma[row * self.padded_width..][..self.padded_width];
            line[..width].copy_from_slice(&pixels(self.page)[y * width..][..width]);
            // The page's height and width fit 16 bits.
            if let Some(numbers) = self.overlay.row(y as u32) {
                for (x, &number) in numbers.iter().enumerate().take(width) {
                    let Some(Some([py, pb, pr])) = self.colours.get(usize::from(number)) else { continue };
                    line[x] = *py;
                    self.chroma[0][row * self.padded_width + x] = *pb;
                    self.chroma[1][row * self.padded_width + x] = *pr;
                    self.coloured[x / UNIT] = true;
                }
            }
            let last = line[width - 1];
            line[width..].fill(last);
        }
    }

    /// A luma block, and its gray if it is all of one.
    fn luma_block(&self, left: usize, top: usize) -> ([[u8; 8]; 8], Option<u8>) {
        let mut block = [[0u8; 8]; 8];
        for (row, out) in block.iter_mut().enumerate() {
            out.copy_from_slice(&self.luma[(top + row) * self.padded_width + left..][..8]);
        }
        let first = block[0][0];
        let is_flat = block.iter().all(|row| u64::from_ne_bytes(*row) == u64::from_ne_bytes([first; 8]));
        (block, is_flat.then_some(first))
    }

    /// A chroma block: means of 2×2 pixels.
    fn chroma_block(&self, plane: usize, left: usize) -> [[u8; 8]; 8] {
        let plane = &self.chroma[plane];
        let at = |x: usize, y: usize| u16::from(plane[y * self.padded_width + left + x]);
        let mut block = [[0u8; 8]; 8];
        for (y, row) in block.iter_mut().enumerate() {
            for (x, out) in row.iter_mut().enumerate() {
                let (x, y) = (2 * x, 2 * y);
                *out = ((at(x, y) + at(x + 1, y) + at(x, y + 1) + at(x + 1, y + 1) + 2) / 4) as u8;
            }
        }
        block
    }
}

/// Codes of the symbols of one Huffman table: the bits and how many they are.
struct Codes([(u32, u8); 256]);

impl Codes {
    fn of(spec: &HuffmanSpec) -> Self {
        let mut codes = [(0, 0); 256];
        let mut code = 0u32;
        let mut symbols = spec.symbols.iter();
        for (length, &count) in (1u8..=16).zip(&spec.counts) {
            for &symbol in symbols.by_ref().take(usize::from(count)) {
                codes[usize::from(symbol)] = (code, length);
                code += 1;
            }
            code <<= 1;
        }
        Self(codes)
    }
}

/// Codes of one kind of component.
struct Component {
    dc: Codes,
    ac: Codes,
    /// What each coefficient of the transform is multiplied by: its scale factor and the reciprocal of its step.
    factors: [f32; 64],
}

impl Component {
    fn new(dc: &HuffmanSpec, ac: &HuffmanSpec, table: &[u16; 64]) -> Self {
        // The transform leaves coefficient k of a line 8·s(k) too large, s(0) = 1 and s(k) = √2·cos(kπ/16).
        let scale = |k: usize| match k {
            0 => 1.0,
            k => std::f64::consts::SQRT_2 * (k as f64 * std::f64::consts::PI / 16.0).cos(),
        };
        let mut factors = [0.0; 64];
        for (i, factor) in factors.iter_mut().enumerate() {
            *factor = (1.0 / (8.0 * scale(i / 8) * scale(i % 8) * f64::from(table[i]))) as f32;
        }
        Self { dc: Codes::of(dc), ac: Codes::of(ac), factors }
    }
}

/// Writes the scan.
struct Coder {
    bits: BitWriter,
    luma: Component,
    chroma: Component,
    /// The last DC of Y, Cb and Cr.
    last: [i32; 3],
}

impl Coder {
    fn new(out: Vec<u8>, tables: &[[u16; 64]; 2]) -> Self {
        Self {
            bits: BitWriter { out, pending: 0, count: 0 },
            luma: Component::new(&LUMA_DC, &LUMA_AC, &tables[0]),
            chroma: Component::new(&CHROMA_DC, &CHROMA_AC, &tables[1]),
            last: [0; 3],
        }
    }

    /// Four luma blocks and one of each chroma.
    fn unit(&mut self, strip: &Strip<'_>, left: usize) {
        for (x, y) in [(0, 0), (BLOCK, 0), (0, BLOCK), (BLOCK, BLOCK)] {
            let (block, gray) = strip.luma_block(left + x, y);
            match gray {
                Some(gray) => self.flat(0, gray),
                None => self.block(0, &block),
            }
        }
        for plane in 0..2 {
            match strip.coloured[left / UNIT] {
                true => self.block(plane + 1, &strip.chroma_block(plane, left)),
                false => self.flat(plane + 1, NEUTRAL),
            }
        }
    }

    /// A block of one value: its mean, and the end.
    fn flat(&mut self, plane: usize, value: u8) {
        let component = if plane == 0 { &self.luma } else { &self.chroma };
        let dc = rounded((f32::from(value) - 128.0) * 64.0 * component.factors[0]);
        let difference = dc - self.last[plane];
        self.last[plane] = dc;
        self.bits.value(&component.dc, 0, difference);
        self.bits.symbol(&component.ac, END_OF_BLOCK);
    }

    fn block(&mut self, plane: usize, block: &[[u8; 8]; 8]) {
        let component = if plane == 0 { &self.luma } else { &self.chroma };
        let coefficients = transformed(block, &component.factors);
        let difference = coefficients[0] - self.last[plane];
        self.last[plane] = coefficients[0];
        self.bits.value(&component.dc, 0, difference);
        // One bit for each coefficient in coding order that is not zero: their runs are then counted, not walked.
        let mut present = 0u64;
        for (i, &place) in ZIGZAG.iter().enumerate() {
            present |= u64::from(coefficients[usize::from(place)] != 0) << i;
        }
        let mut rest = present & !1;
        let mut done = 0;
        while rest != 0 {
            let i = rest.trailing_zeros();
            rest &= rest - 1;
            let mut run = i - done - 1;
            while run >= 16 {
                self.bits.symbol(&component.ac, SIXTEEN_ZEROS);
                run -= 16;
            }
            // A run is below 16 here.
            self.bits.value(&component.ac, run as u8, coefficients[usize::from(ZIGZAG[i as usize])]);
            done = i;
        }
        if done != 63 {
            self.bits.symbol(&component.ac, END_OF_BLOCK);
        }
    }

    fn finish(self) -> Vec<u8> {
        let mut out = self.bits.finish();
        out.extend([0xff, 0xd9]);
        out
    }
}

const END_OF_BLOCK: u8 = 0x00;
const SIXTEEN_ZEROS: u8 = 0xf0;

/// The nearest whole number of a value within ±2²², half to even: adding 1.5·2²³ leaves it in the low bits of the sum.
fn rounded(value: f32) -> i32 {
    const MAGIC: f32 = 12_582_912.0;
    ((value + MAGIC).to_bits() as i32).wrapping_sub(MAGIC.to_bits() as i32)
}

/// The quantised coefficients of a block, in rows.
fn transformed(block: &[[u8; 8]; 8], factors: &[f32; 64]) -> [i32; 64] {
    // Eight columns side by side, so that the compiler can take several at once.
    let mut rows = [[0f32; 8]; 8];
    for (out, row) in rows.iter_mut().zip(block) {
        for (o, &v) in out.iter_mut().zip(row) {
            *o = f32::from(v) - 128.0;
        }
    }
    let columns = transposed(&lines(&rows));
    let rows = transposed(&lines(&columns));
    let mut out = [0i32; 64];
    for ((out, row), factors) in out.chunks_exact_mut(8).zip(&rows).zip(factors.chunks_exact(8)) {
        for ((o, &v), &factor) in out.iter_mut().zip(row).zip(factors) {
            *o = rounded(v * factor);
        }
    }
    out
}

fn transposed(m: &[[f32; 8]; 8]) -> [[f32; 8]; 8] {
    let mut out = [[0f32; 8]; 8];
    for (y, row) in m.iter().enumerate() {
        for (x, &v) in row.iter().enumerate() {
            out[x][y] = v;
        }
    }
    out
}

/// The scaled transform down each of the eight columns (Arai, Agui, Nakajima 1988).
fn lines(v: &[[f32; 8]; 8]) -> [[f32; 8]; 8] {
    const C4: f32 = std::f32::consts::FRAC_1_SQRT_2;
    const C6: f32 = 0.382_683_43;
    const C2_MINUS_C6: f32 = 0.541_196_1;
    const C2_PLUS_C6: f32 = 1.306_563;
    let mut out = [[0f32; 8]; 8];
    for x in 0..8 {
        let [s07, d07] = [v[0][x] + v[7][x], v[0][x] - v[7][x]];
        let [s16, d16] = [v[1][x] + v[6][x], v[1][x] - v[6][x]];
        let [s25, d25] = [v[2][x] + v[5][x], v[2][x] - v[5][x]];
        let [s34, d34] = [v[3][x] + v[4][x], v[3][x] - v[4][x]];
        // Even part.
        let [a, b] = [s07 + s34, s16 + s25];
        let [c, d] = [s07 - s34, s16 - s25];
        let e = (c + d) * C4;
        out[0][x] = a + b;
        out[4][x] = a - b;
        out[2][x] = c + e;
        out[6][x] = c - e;
        // Odd part.
        let [p, q, r] = [d34 + d25, d25 + d16, d16 + d07];
        let z5 = (p - r) * C6;
        let z2 = C2_MINUS_C6 * p + z5;
        let z4 = C2_PLUS_C6 * r + z5;
        let z3 = q * C4;
        let [z11, z13] = [d07 + z3, d07 - z3];
        out[5][x] = z13 + z2;
        out[3][x] = z13 - z2;
        out[1][x] = z11 + z4;
        out[7][x] = z11 - z4;
    }
    out
}

/// Bits, high ones first, with a zero byte after each 0xff.
struct BitWriter {
    out: Vec<u8>,
    /// The last `count` bits are waiting.
    pending: u64,
    count: u32,
}

impl BitWriter {
    /// Appends up to 32 bits. Fewer than 32 wait before and after.
    fn put(&mut self, bits: u32, count: u32) {
        self.pending = (self.pending << count) | u64::from(bits);
        self.count += count;
        if self.count >= 32 {
            self.count -= 32;
            self.word((self.pending >> self.count) as u32);
        }
    }

    fn word(&mut self, word: u32) {
        let bytes = word.to_be_bytes();
        // Has a byte all its bits set? Then adding 1 to each byte of the complement's carries shows a zero byte.
        let inverse = !word;
        let has_ff = inverse.wrapping_sub(0x0101_0101) & !inverse & 0x8080_8080 != 0;
        if !has_ff {
            self.out.extend_from_slice(&bytes);
            return;
        }
        for byte in bytes {
            self.out.push(byte);
            if byte == 0xff {
                self.out.push(0);
            }
        }
    }

    fn symbol(&mut self, codes: &Codes, symbol: u8) {
        let (code, length) = codes.0[usize::from(symbol)];
        self.put(code, u32::from(length));
    }

    /// A run of zeros and the value after it: the symbol of both, then the value's own bits.
    fn value(&mut self, codes: &Codes, run: u8, value: i32) {
        let size = 32 - value.unsigned_abs().leading_zeros();
        // Negative values are written as their complement's low bits.
        let low = (value + (value >> 31)) as u32 & ((1u32 << size) - 1);
        // Baseline values have at most 11 bits.
        let (code, length) = codes.0[usize::from(run << 4 | size as u8)];
        self.put(code << size | low, u32::from(length) + size);
    }

    fn finish(mut self) -> Vec<u8> {
        // The last byte is filled with ones.
        let missing = (8 - self.count % 8) % 8;
        self.put((1 << missing) - 1, missing);
        while self.count > 0 {
            self.count -= 8;
            let byte = (self.pending >> self.count) as u8;
            self.out.push(byte);
            if byte == 0xff {
                self.out.push(0);
            }
        }
        self.out
    }
}

#[cfg(test)]
mod tests {
    use image::{Luma, RgbImage};
    use proptest::prelude::*;

    use super::*;
    use crate::geometry::{Rect, Size};

    const COLOURS: Palette<'_> = Palette(&[[200, 30, 30], [20, 60, 220]]);

    fn overlay(page: &GrayImage) -> Overlay {
        Overlay::new(Size::new(page.width(), page.height()))
    }

    fn decoded(bytes: &[u8]) -> RgbImage {
        image::load_from_memory_with_format(bytes, image::ImageFormat::Jpeg).unwrap().into_rgb8()
    }

    /// Root of the mean squared difference between a page and its decoded picture.
    fn error(page: &GrayImage, picture: &RgbImage) -> f64 {
        let squares = page.pixels().zip(picture.pixels()).map(|(a, b)| (f64::from(a.0[0]) - f64::from(b.0[1])).powi(2));
        (squares.sum::<f64>() / f64::from(page.width() * page.height())).sqrt()
    }

    #[test]
    fn the_transform_is_the_cosine_transform() {
        let block: [[u8; 8]; 8] = std::array::from_fn(|y| std::array::from_fn(|x| (x * 29 + y * y * 7 + 40) as u8));
        let factors = Component::new(&LUMA_DC, &LUMA_AC, &[1; 64]).factors;
        let fast = transformed(&block, &factors);
        for v in 0..8 {
            for u in 0..8 {
                let basis =
                    |k: usize, x: usize| (std::f64::consts::PI * k as f64 * (2.0 * x as f64 + 1.0) / 16.0).cos();
                let norm = |k: usize| if k == 0 { 0.5f64.sqrt() } else { 1.0 };
                let mut sum = 0.0;
                for (y, row) in block.iter().enumerate() {
                    for (x, &p) in row.iter().enumerate() {
                        sum += (f64::from(p) - 128.0) * basis(u, x) * basis(v, y);
                    }
                }
                let want = sum * norm(u) * norm(v) / 4.0;
                assert!((f64::from(fast[v * 8 + u]) - want).abs() < 0.51, "({u}, {v}): {} {want}", fast[v * 8 + u]);
            }
        }
    }

    #[test]
    fn rounding_is_to_the_nearest_even() {
        for (value, want) in [(0.5, 0), (1.5, 2), (2.5, 2), (-0.5, 0), (-1.5, -2), (1023.4, 1023), (-7.6, -8)] {
            assert_eq!(rounded(value), want, "{value}");
        }
    }

    #[test]
    fn a_page_comes_back_nearly_as_it_was() {
        let page = GrayImage::from_fn(301, 203, |x, y| Luma([((x / 3) ^ (y / 2)) as u8]));
        let bytes = encode(&page, &overlay(&page), COLOURS, 95).unwrap();
        assert!(error(&page, &decoded(&bytes)) < 6.0);
        let flat = GrayImage::from_pixel(33, 17, Luma([201]));
        let back = decoded(&encode(&flat, &overlay(&flat), COLOURS, 85).unwrap());
        assert!(back.pixels().all(|p| p.0 == [201; 3]), "one gray stays that gray");
    }

    #[test]
    fn colours_are_where_they_were_drawn() {
        let page = GrayImage::from_pixel(100, 80, Luma([230]));
        let mut drawn = overlay(&page);
        drawn.outline(Rect::new(20, 20, 30, 30), 10, 1);
        let back = decoded(&encode(&page, &drawn, COLOURS, 90).unwrap());
        let [r, g, b] = back.get_pixel(25, 25).0;
        assert!(r < 60 && g < 100 && b > 180, "{r} {g} {b}");
        assert!(back.get_pixel(90, 70).0.iter().all(|c| c.abs_diff(230) < 3));
        assert!(back.get_pixel(35, 35).0.iter().all(|c| c.abs_diff(230) < 12), "inside of the frame");
    }

    #[test]
    fn sides_out_of_range_are_refused() {
        let empty = GrayImage::new(0, 5);
        assert_eq!(encode(&empty, &overlay(&empty), COLOURS, 85), None);
        let wide = GrayImage::new(65_536, 1);
        assert_eq!(encode(&wide, &overlay(&wide), COLOURS, 85), None);
    }

    proptest! {
        #[test]
        fn any_page_is_decoded_by_another_decoder(
            page in crate::imaging::arbitrary::picture(70, 70),
            quality in 1u8..=100,
            spot in (0i32..70, 0i32..70, 1u32..40, 1u32..40),
        ) {
            let mut drawn = overlay(&page);
            drawn.outline(Rect::new(spot.0, spot.1, spot.2, spot.3), 2, 0);
            match encode(&page, &drawn, COLOURS, quality) {
                None => prop_assert!(page.is_empty()),
                Some(bytes) => prop_assert_eq!(decoded(&bytes).dimensions(), page.dimensions()),
            }
        }

        #[test]
        fn the_best_quality_loses_little(page in crate::imaging::arbitrary::picture(60, 60)) {
            if !page.is_empty() {
                let bytes = encode(&page, &overlay(&page), COLOURS, 100).unwrap();
                prop_assert!(error(&page, &decoded(&bytes)) < 1.5);
            }
        }
    }
}
