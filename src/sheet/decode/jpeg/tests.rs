//! Whole files pass, damaged ones do not, and the pixels are those of the definition.

use image::GrayImage;
use proptest::prelude::*;

use super::headers::{BLOCK, PROGRESSIVE};
use super::*;
use crate::sheet::error::Reason;

/// Is the first picture in `bytes` whole?
fn check(bytes: &[u8]) -> Result<(), Fault> {
    file::read(bytes, Keep::Nothing, |_, _| Ok(()), || Ok(())).map(drop)
}

/// Its planes; none for kinds that are left to a library.
fn planes(bytes: &[u8], keep: Keep) -> Option<Vec<GrayImage>> {
    file::read::<Fault>(bytes, keep, |_, _| Ok(()), || Ok(())).unwrap().map(|picture| picture.planes)
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
    assert_eq!(error.reason, Reason::TooLarge);
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

/// Files of a gray and of colours with sides that are no whole blocks, and the grays that libjpeg (OpenCV 4.12) makes of them.
#[test]
fn pixels_are_those_of_libjpeg() {
    macro_rules! file {
        ($name:literal) => {{
            const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/jpeg/");
            let read = |end: &str| std::fs::read(format!("{DIRECTORY}{}.{end}", $name)).unwrap();
            ($name, read("jpg"), read("gray"))
        }};
    }
    let files = [
        file!("gray-45x37"),
        file!("colour-50x41"),
        file!("progressive-61x43"),
        file!("quarter-chroma-70x33"),
        file!("coarse-48x40"),
    ];
    for (name, bytes, gray) in files {
        let wanted = |colour| Wanted { colour, gray: super::super::GrayRule::Direct };
        let limits = Limits { min_side: 1, ..Limits::default() };
        for colour in [WantedColour::None, WantedColour::Beside] {
            let (decoded, _) = decode(&bytes, wanted(colour), limits).unwrap();
            assert!(decoded.gray.as_raw() == &gray, "{name}, {colour:?}");
        }
        assert_eq!(
            planes(&bytes, Keep::Luma).map(|planes| planes.len()),
            Some(1),
            "{name}: read here, not by a library"
        );
    }
}

#[test]
fn kinds_that_nobody_reads_are_told_by_their_names() {
    let wanted = Wanted { colour: WantedColour::None, gray: super::super::GrayRule::Direct };
    let told = |change: &dyn Fn(&mut [u8])| {
        let mut bytes = kinds()[1].clone();
        let frame = bytes.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
        change(&mut bytes[frame..]);
        let error = decode(&bytes, wanted, Limits::default()).unwrap_err();
        assert_eq!(error.reason, Reason::UnsupportedFormat, "{}", error.detail);
        error.detail
    };
    assert!(told(&|frame| frame[1] = 0xc9).contains("arithmetic"));
    assert!(told(&|frame| frame[1] = 0xc3).contains("lossless"));
    assert!(told(&|frame| frame[1] = 0xc5).contains("hierarchical"));
    assert!(told(&|frame| frame[4] = 12).contains("8 bits"));
    assert!(told(&|frame| frame[5..7].fill(0)).contains("height"));
    assert!(told(&|frame| frame[13] = frame[10]).contains("one name"));
    assert!(told(&|frame| frame[14] = 0x44).contains("coarsely"));
}

#[test]
fn files_without_tables_mean_those_of_the_standard() {
    let page = GrayImage::from_fn(64, 48, |x, y| image::Luma([(x * 3 + y) as u8]));
    let overlay = crate::imaging::overlay::Overlay::new(Size::new(64, 48));
    let whole = crate::imaging::overlay::to_jpeg(&page, &overlay, crate::imaging::overlay::Palette(&[])).unwrap();
    let mut bare = whole.clone();
    let mut taken = 0;
    while let Some(at) = bare.windows(2).position(|w| w == [0xff, headers::HUFFMAN_TABLES]) {
        let length = usize::from(u16::from_be_bytes([bare[at + 2], bare[at + 3]]));
        bare.drain(at..at + 2 + length);
        taken += 1;
    }
    assert_eq!(taken, 4, "the file had tables");
    assert_eq!(planes(&bare, Keep::Everything), planes(&whole, Keep::Everything));
}

/// A chroma whose quantisation table the file lacks: its coefficients can be as large as codes can say.
#[test]
fn the_longest_codes_are_passed_over() {
    let mut file = vec![0xff, 0xd8, 0xff, 0xdb, 0, 67, 0];
    file.extend([1; 64]);
    // Luma by table 0 and a chroma by table 1, which there is not.
    file.extend([0xff, 0xc0, 0, 14, 8, 0, 8, 0, 8, 2, 1, 0x11, 0, 2, 0x11, 1]);
    // DC codes of 16 bits for a size of 15, AC codes of 11 bits for a run of 0 and a size of 15, and for the end of a block.
    for (class, length) in [(0, 16), (0x10, 11)] {
        let mut counts = [0; 16];
        counts[length - 1] = 2;
        file.extend([0xff, 0xc4, 0, 21, class]);
        file.extend(counts);
        file.extend([0, 15]);
    }
    file.extend([0xff, 0xda, 0, 10, 2, 1, 0, 2, 0, 0, 63, 0]);
    let mut bits = Bits::default();
    bits.put(0, 16);
    bits.put(0, 11);
    bits.put(1, 16);
    bits.put(0x4001, 15);
    for _ in 0..63 {
        bits.put(1, 11);
        bits.put(0x2aaa, 15);
    }
    file.extend(bits.end());
    file.extend([0xff, 0xd9]);
    assert_eq!(check(&file), Ok(()));
}

#[test]
fn pages_in_their_own_colours_come_back() {
    use crate::imaging::{coloured, jpeg, overlay};
    let plane =
        |width, height, k: u32| GrayImage::from_fn(width, height, |x, y| image::Luma([(60 + k * x + 2 * y) as u8]));
    for (width, height) in [(61, 43), (64, 48), (33, 32), (1, 1)] {
        let (across, down) = (u32::div_ceil(width, 2), u32::div_ceil(height, 2));
        let page =
            jpeg::Planes { luma: plane(width, height, 1), chroma: [plane(across, down, 2), plane(across, down, 3)] };
        let overlay = overlay::Overlay::new(Size::new(width, height));
        let bytes = coloured::marked_jpeg(&page, &overlay, overlay::Palette(&[])).unwrap();
        let back = planes(&bytes, Keep::Everything).unwrap();
        for (found, want) in back.iter().zip([&page.luma, &page.chroma[0], &page.chroma[1]]) {
            assert_eq!(found.dimensions(), want.dimensions());
            let off = found.iter().zip(want.iter()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            assert!(off <= 6, "{width}×{height}: off by {off}");
        }
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

/// Luma values that share a chroma, across and down.
fn sampling_of(sampling: jpeg_encoder::SamplingFactor) -> (u32, u32) {
    match sampling {
        jpeg_encoder::SamplingFactor::F_2_1 => (2, 1),
        jpeg_encoder::SamplingFactor::F_1_2 => (1, 2),
        jpeg_encoder::SamplingFactor::F_2_2 => (2, 2),
        jpeg_encoder::SamplingFactor::F_4_1 => (4, 1),
        jpeg_encoder::SamplingFactor::F_4_2 => (4, 2),
        _ => (1, 1),
    }
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
    fn pictures_of_any_size_and_sampling_are_read(
        (width, height) in (1u16..70, 1u16..70),
        sampling in prop::sample::select(vec![
            jpeg_encoder::SamplingFactor::F_1_1,
            jpeg_encoder::SamplingFactor::F_2_1,
            jpeg_encoder::SamplingFactor::F_1_2,
            jpeg_encoder::SamplingFactor::F_2_2,
            jpeg_encoder::SamplingFactor::F_4_1,
            jpeg_encoder::SamplingFactor::F_4_2,
        ]),
        progressive in any::<bool>(),
        shade in any::<u8>(),
    ) {
        // A picture of one colour: wherever a block is, it has this luma.
        let mut bytes = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 95);
        encoder.set_sampling_factor(sampling);
        encoder.set_progressive(progressive);
        let pixels = [shade, 200, 90].repeat(usize::from(width) * usize::from(height));
        encoder.encode(&pixels, width, height, jpeg_encoder::ColorType::Rgb).unwrap();
        let all = planes(&bytes, Keep::Everything).unwrap();
        prop_assert_eq!(all.len(), 3);
        prop_assert_eq!(all[0].dimensions(), (u32::from(width), u32::from(height)));
        let (across, down) = sampling_of(sampling);
        prop_assert_eq!(all[1].dimensions(), (all[0].width().div_ceil(across), all[0].height().div_ceil(down)));
        let luma = (0.299 * f64::from(shade) + 0.587 * 200.0 + 0.114 * 90.0).round();
        prop_assert!(all[0].iter().all(|&v| (f64::from(v) - luma).abs() <= 2.0));
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
        let kept = file::read::<Fault>(&bytes, Keep::Everything, |_, _| Ok(()), || Ok(()));
        if let Ok(None) = kept {
            return Ok(());
        }
        let luma = file::read::<Fault>(&bytes, Keep::Luma, |_, _| Ok(()), || Ok(()));
        prop_assert_eq!((kept.is_ok(), luma.is_ok()), (check(&bytes).is_ok(), check(&bytes).is_ok()));
    }
}
