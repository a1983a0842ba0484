//! Whole files pass, damaged ones do not, and the pixels are those of the definition.

use image::GrayImage;
use proptest::prelude::*;

use super::headers::{BLOCK, PROGRESSIVE};
use super::*;

/// Is the first picture in `bytes` whole?
fn check(bytes: &[u8]) -> Result<(), Fault> {
    scans::read(bytes, Keep::Nothing, |_, _| Ok(())).map(drop)
}

/// Its planes; none for kinds that are left to a library.
fn planes(bytes: &[u8], keep: Keep) -> Option<Vec<GrayImage>> {
    scans::read::<Fault>(bytes, keep, |_, _| Ok(())).unwrap().map(|picture| picture.planes)
}

/// By another decoder, whose roundings are others.
fn luma_by_another(bytes: &[u8]) -> Vec<u8> {
    use zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::Luma);
    zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(bytes), options).decode().unwrap()
}

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

/// Chroma in full, restart markers, chroma halved in one direction, tables of its own with a scan for each component, progressive.
fn kinds() -> [Vec<u8>; 5] {
    [
        jpeg(|e| e.set_sampling_factor(jpeg_encoder::SamplingFactor::F_1_1)),
        jpeg(|e| e.set_restart_interval(7)),
        jpeg(|e| e.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_1)),
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
    let wanted = Wanted { colour: WantedColour::None, gray: super::super::GrayRule::Direct };
    let error = decode(&bytes, wanted, Limits::default()).unwrap_err();
    assert_eq!(error.reason, crate::sheet::error::Reason::TooLarge);
}

#[test]
fn restart_markers_out_of_order_are_found() {
    let mut bytes = jpeg(|e| e.set_restart_interval(7));
    let third = bytes.windows(2).position(|w| w == [0xff, 0xd2]).unwrap();
    bytes[third + 1] = 0xd5;
    assert!(check(&bytes).is_err());
}

#[test]
fn all_kinds_become_the_pixels_that_another_decoder_finds() {
    for (i, bytes) in kinds().into_iter().enumerate() {
        let [luma] = &planes(&bytes, Keep::Luma).unwrap()[..] else { panic!("kind {i}: one plane") };
        // The other decoder cannot read scans of their own; what they say is what kind 0 says.
        let other = if i == 3 {
            planes(&kinds()[0], Keep::Luma).unwrap().remove(0).into_raw()
        } else {
            luma_by_another(&bytes)
        };
        let off = luma.iter().zip(other).map(|(a, b)| a.abs_diff(b)).max().unwrap();
        assert!(off <= u8::from(i != 3), "kind {i}: off by {off}");
        let all = planes(&bytes, Keep::Everything).unwrap();
        assert_eq!((all.len(), &all[0]), (3, luma), "kind {i}");
        let chroma = [(200, 150), (100, 75), (100, 150), (100, 75), (100, 75)][i];
        assert_eq!((all[1].dimensions(), all[2].dimensions()), (chroma, chroma), "kind {i}");
    }
}

#[test]
fn kinds_that_are_left_to_a_library_are_checked_all_the_same() {
    let mut bytes = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut bytes, 90);
    encoder.encode(&[90; 64 * 64 * 4], 64, 64, jpeg_encoder::ColorType::Cmyk).unwrap();
    assert_eq!(planes(&bytes, Keep::Luma), None);
    assert_eq!(check(&bytes), Ok(()));
    let end = bytes.len() - 2;
    bytes.splice(end - 8..end, []);
    assert!(check(&bytes).is_err());
}

#[test]
fn a_progressive_file_without_its_end_may_have_lost_scans() {
    let bytes = jpeg(|e| e.set_progressive(true));
    assert_eq!(check(&bytes[..bytes.len() - 2]), Err(Fault::Cut));
}

/// Writes codes.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    waiting: u32,
    count: u32,
}

impl Bits {
    fn put(&mut self, value: u32, bits: u32) {
        for i in (0..bits).rev() {
            self.waiting = self.waiting << 1 | (value >> i & 1);
            self.count += 1;
            if self.count == 8 {
                self.bytes.push(self.waiting as u8);
                if self.waiting == 0xff {
                    self.bytes.push(0);
                }
                (self.waiting, self.count) = (0, 0);
            }
        }
    }

    fn end(mut self) -> Vec<u8> {
        while self.count > 0 {
            self.put(1, 1);
        }
        self.bytes
    }
}

/// Blocks of a gray picture, and the length of all Huffman codes, which are the numbers that they stand for.
#[derive(Debug)]
struct Coded {
    blocks: Vec<[i32; BLOCK]>,
    /// Size in pixels: the blocks lie side by side.
    width: usize,
    height: usize,
    code: u32,
}

impl Coded {
    fn size_of(value: i32) -> u32 {
        32 - value.unsigned_abs().leading_zeros()
    }

    fn put_value(bits: &mut Bits, value: i32) {
        let size = Self::size_of(value);
        let code = if value < 0 { value - 1 } else { value };
        bits.put(code as u32 & ((1u64 << size) - 1) as u32, size);
    }

    fn file(&self, progressive: bool, scans: impl IntoIterator<Item = (u8, u8, u8, u8, Vec<u8>)>) -> Vec<u8> {
        let mut file = vec![0xff, 0xd8, 0xff, 0xdb, 0, 67, 0];
        file.extend((0..64).map(|i| 1 + i / 4));
        let [h, w] = [self.height as u16, self.width as u16].map(u16::to_be_bytes);
        file.extend([0xff, if progressive { 0xc2 } else { 0xc0 }, 0, 11, 8, h[0], h[1], w[0], w[1], 1, 1, 0x11, 0]);
        for class in [0, 0x10] {
            let mut counts = [0; 16];
            counts[self.code as usize - 1] = 255;
            file.extend([0xff, 0xc4, 1, 18, class]);
            file.extend(counts);
            file.extend(0..255);
        }
        for (first, last, high, low, data) in scans {
            file.extend([0xff, 0xda, 0, 8, 1, 1, 0, first, last, high << 4 | low]);
            file.extend(data);
        }
        file.extend([0xff, 0xd9]);
        file
    }

    fn sequential(&self) -> Vec<u8> {
        let (mut bits, mut predicted) = (Bits::default(), 0);
        for block in &self.blocks {
            bits.put(Self::size_of(block[0] - predicted), self.code);
            Self::put_value(&mut bits, block[0] - predicted);
            predicted = block[0];
            let mut zeros = 0;
            for &value in &block[1..] {
                if value == 0 {
                    zeros += 1;
                    continue;
                }
                while zeros > 15 {
                    bits.put(0xf0, self.code);
                    zeros -= 16;
                }
                bits.put(zeros << 4 | Self::size_of(value), self.code);
                Self::put_value(&mut bits, value);
                zeros = 0;
            }
            if zeros > 0 {
                bits.put(0, self.code);
            }
        }
        self.file(false, [(0, 63, 0, 0, bits.end())])
    }

    /// All bits of DC but one and then that; AC in two bands, from bit `low` on and then bit by bit.
    fn progressive(&self, low: u8) -> Vec<u8> {
        let mut scans = vec![(0, 0, 0, 1, self.dc(1)), (0, 0, 1, 0, self.dc_bit())];
        for (first, last) in [(1, 9), (10, 63)] {
            scans.push((first, last, 0, low, self.ac(first, last, None, low)));
            for low in (0..low).rev() {
                scans.push((first, last, low + 1, low, self.ac(first, last, Some(low + 1), low)));
            }
        }
        self.file(true, scans)
    }

    fn dc(&self, low: u8) -> Vec<u8> {
        let (mut bits, mut predicted) = (Bits::default(), 0);
        for block in &self.blocks {
            let change = (block[0] >> low) - predicted;
            predicted += change;
            bits.put(Self::size_of(change), self.code);
            Self::put_value(&mut bits, change);
        }
        bits.end()
    }

    fn dc_bit(&self) -> Vec<u8> {
        let mut bits = Bits::default();
        self.blocks.iter().for_each(|block| bits.put(block[0] as u32 & 1, 1));
        bits.end()
    }

    /// A band of AC: all bits from `low` on, or that one alone.
    fn ac(&self, first: u8, last: u8, high: Option<u8>, low: u8) -> Vec<u8> {
        let mut bits = Bits::default();
        let band = usize::from(first)..=usize::from(last);
        let seen = |v: i32| high.is_some_and(|high| v.abs() >> high != 0);
        let is_new = |v: i32| v.abs() >> low != 0 && !seen(v);
        let correct = |bits: &mut Bits, part: &[i32]| {
            part.iter().filter(|&&v| seen(v)).for_each(|v| bits.put((v.abs() >> low & 1) as u32, 1));
        };
        let mut run = 0;
        for (i, block) in self.blocks.iter().enumerate() {
            let band = &block[band.clone()];
            if run > 0 {
                run -= 1;
                correct(&mut bits, band);
                continue;
            }
            let mut from = 0;
            let news: Vec<usize> = (0..band.len()).filter(|&k| is_new(band[k])).collect();
            for k in news {
                let zeros = |from: usize, to: usize| band[from..to].iter().filter(|&&v| !seen(v)).count();
                while zeros(from, k) > 15 {
                    // Up to and with the sixteenth that is not seen yet.
                    let end = (from..=k).find(|&end| zeros(from, end) == 16).unwrap();
                    bits.put(0xf0, self.code);
                    correct(&mut bits, &band[from..end]);
                    from = end;
                }
                bits.put(
                    (zeros(from, k) as u32) << 4 | if high.is_some() { 1 } else { Self::size_of(band[k].abs() >> low) },
                    self.code,
                );
                let value = (band[k].abs() >> low) * band[k].signum();
                if high.is_some() {
                    bits.put(u32::from(value > 0), 1)
                } else {
                    Self::put_value(&mut bits, value)
                }
                correct(&mut bits, &band[from..k]);
                from = k + 1;
            }
            if from < band.len() {
                let is_quiet =
                    |block: &&[i32; BLOCK]| !block[usize::from(first)..=usize::from(last)].iter().any(|&v| is_new(v));
                run = self.blocks[i + 1..].iter().take_while(is_quiet).count();
                let count = run as u32 + 1;
                bits.put(count.ilog2() << 4, self.code);
                bits.put(count - (1 << count.ilog2()), count.ilog2());
                correct(&mut bits, &band[from..]);
            }
        }
        bits.end()
    }
}

/// Blocks of which many are flat or nearly so.
fn coded() -> impl Strategy<Value = Coded> {
    let value = prop_oneof![8 => Just(0), 3 => -2i32..=2, 1 => -40i32..=40];
    let block = (-120i32..=120, prop::collection::vec(value, 63), 0usize..=63).prop_map(|(dc, ac, last)| {
        let mut block = [0; BLOCK];
        block[0] = dc;
        block[1..=last].copy_from_slice(&ac[..last]);
        block
    });
    (1usize..=5, 1usize..=4, 0usize..8, 0usize..8, prop_oneof![Just(8u32), Just(13), Just(16)]).prop_flat_map(
        move |(across, down, right, bottom, code)| {
            let (width, height) = (across * 8 - right, down * 8 - bottom);
            let blocks = prop::collection::vec(block.clone(), across * down);
            blocks.prop_map(move |blocks| Coded { blocks, width, height, code })
        },
    )
}

/// A pixel by the definition of the transform (ITU T.81, A.3.3).
fn pixel(block: &[i32; BLOCK], x: usize, y: usize) -> f64 {
    let basis = |k: usize, x: usize| {
        let scale = if k == 0 { 0.125f64.sqrt() } else { 0.5 };
        scale * (std::f64::consts::PI * k as f64 * (2 * x + 1) as f64 / 16.0).cos()
    };
    let places = crate::imaging::jpeg::ZIGZAG.iter().map(|&place| usize::from(place));
    let terms = places
        .zip(block)
        .enumerate()
        .map(|(i, (place, &value))| f64::from(value * (1 + i as i32 / 4)) * basis(place % 8, x) * basis(place / 8, y));
    (128.0 + terms.sum::<f64>()).clamp(0.0, 255.0)
}

proptest! {
    #[test]
    fn pixels_are_those_of_the_definition(coded in coded()) {
        let [luma] = &planes(&coded.sequential(), Keep::Luma).unwrap()[..] else { panic!("one plane") };
        prop_assert_eq!(luma.dimensions(), (coded.width as u32, coded.height as u32));
        let across = coded.width.div_ceil(8);
        for (x, y, found) in luma.enumerate_pixels() {
            let (x, y) = (x as usize, y as usize);
            let want = pixel(&coded.blocks[y / 8 * across + x / 8], x % 8, y % 8);
            prop_assert!((f64::from(found.0[0]) - want).abs() < 0.6, "({x}, {y}): {} for {want}", found.0[0]);
        }
    }

    #[test]
    fn progressive_scans_end_at_the_same_pixels(coded in coded(), low in 0u8..=3) {
        let bytes = coded.progressive(low);
        prop_assert_eq!(check(&bytes), Ok(()));
        prop_assert_eq!(planes(&bytes, Keep::Luma), planes(&coded.sequential(), Keep::Luma));
    }

    #[test]
    fn what_is_passed_over_is_judged_like_what_is_kept(
        kind in 0usize..5,
        at in 0.0f64..1.0,
        change in prop::collection::vec(any::<u8>(), 1..40),
    ) {
        let mut bytes = kinds()[kind].clone();
        let at = (bytes.len() as f64 * at) as usize;
        for (to, from) in bytes[at..].iter_mut().zip(change) {
            *to = from;
        }
        let kept = scans::read::<Fault>(&bytes, Keep::Everything, |_, _| Ok(()));
        if let Ok(None) = kept {
            return Ok(());
        }
        prop_assert_eq!(kept.is_ok(), check(&bytes).is_ok());
    }
}
