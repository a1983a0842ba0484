//! How many bytes packed data of a PDF become (ISO 32000-1, section 7.4): a few may stand for gigabytes. Nothing is kept of them.

use std::borrow::Cow;
use std::io::Read;

use flate2::bufread::{DeflateDecoder, ZlibDecoder};
use hayro_syntax::Filter;
use hayro_syntax::object::{Array, Dict, Stream};
use weezl::{BitOrder, LzwStatus};

use crate::sheet::{Reason, SheetError};

/// How many bytes the data of a stream have when they are unpacked, up to what is coded as a picture.
///
/// # Errors
/// Too-large if there are more than `most`, or if that cannot be told; truncated or corrupt if they are damaged.
pub fn size(stream: &Stream<'_>, most: u64) -> Result<u64, SheetError> {
    let filters = stream.filters();
    let (data, filters) = bare(stream.raw_data(), &filters);
    let packings = filters.iter().map_while(expansion).count();
    match (filters.first(), packings) {
        (_, 0) => Ok(data.len() as u64),
        (Some(Filter::FlateDecode), 1) => inflates(&data, most),
        (Some(Filter::LzwDecode), 1) => lzw(&data, most, changes_early(stream.dict())),
        (Some(Filter::RunLengthDecode), 1) => runs(&data, most),
        _ => Some(at_most(stream)).filter(|&bytes| bytes <= most).ok_or_else(too_large),
    }
}

/// Data that are no longer written as text, and the filters that are left.
fn bare<'d, 'f>(mut data: Cow<'d, [u8]>, mut filters: &'f [Filter]) -> (Cow<'d, [u8]>, &'f [Filter]) {
    while let [first, others @ ..] = filters {
        match first {
            Filter::Crypt => {}
            Filter::AsciiHexDecode => data = Cow::Owned(hexadecimal(&data)),
            Filter::Ascii85Decode => data = Cow::Owned(base_85(&data)),
            _ => break,
        }
        filters = others;
    }
    (data, filters)
}

/// How many bytes a reader makes of data that begin like this and are packed like this stream's, in any of its steps: not fewer, up to
/// `most`, and beyond that just more. Of damaged data (`or_damaged`) it may make all that the rest of them could stand for; else
/// they are known to be something else, and count as far as they go. Readers make nothing of what is coded as a picture.
pub fn reach(stream: &Stream<'_>, data: Cow<'_, [u8]>, most: u64, or_damaged: bool) -> u64 {
    let filters = stream.filters();
    let coding = [Filter::DctDecode, Filter::CcittFaxDecode, Filter::Jbig2Decode, Filter::JpxDecode];
    if filters.iter().any(|filter| coding.contains(filter)) {
        return 0;
    }
    let end = match filters.first() {
        Some(Filter::Ascii85Decode) => data.iter().position(|&byte| byte == b'~'),
        Some(Filter::AsciiHexDecode) => data.iter().position(|&byte| byte == b'>'),
        _ => None,
    };
    let written = &data[..end.unwrap_or(data.len())];
    if filters.contains(&Filter::Ascii85Decode) && written.len() as u64 > most / 4 {
        return most.saturating_add(1);
    }
    let (data, filters) = bare(Cow::Borrowed(written), &filters);
    let [first, others @ ..] = filters else { return data.len() as u64 };
    let at_most = || match or_damaged {
        true => (data.len() as u64).saturating_mul(expansion(first).unwrap_or(1)),
        false => 0,
    };
    let told = |counted: Result<u64, SheetError>| match counted {
        Err(error) if error.reason == Reason::TooLarge => most.saturating_add(1),
        counted => counted.unwrap_or_else(|_| at_most()),
    };
    let made = match first {
        Filter::FlateDecode => inflated(&data, most, or_damaged),
        // Parameters may be told elsewhere.
        Filter::LzwDecode => match told(lzw(&data, most, true)) {
            early if early > most => early,
            early => early.max(told(lzw(&data, most, false))),
        },
        Filter::RunLengthDecode => told(runs(&data, most)),
        _ => data.len() as u64,
    };
    others.iter().filter_map(expansion).fold(made, u64::saturating_mul)
}

/// As [`reach`], of deflated data.
fn inflated(data: &[u8], most: u64, or_damaged: bool) -> u64 {
    // What the decoder held when it met the damage.
    const HELD: u64 = 1 << 16;
    let beyond = |read: u64| match or_damaged {
        true => (data.len() as u64).saturating_sub(read).saturating_mul(EXPANSION_OF_FLATE).saturating_add(HELD),
        false => 0,
    };
    let mut zlib = ZlibDecoder::new(data);
    let of_zlib = match count(&mut zlib, most) {
        Ok(count) => return count,
        Err(error) if error.reason == Reason::TooLarge => return most.saturating_add(1),
        Err(_) => zlib.total_out().saturating_add(beyond(zlib.total_in())),
    };
    let mut bare = DeflateDecoder::new(data);
    match count(&mut bare, most) {
        Ok(count) => count.max(zlib.total_out()),
        Err(error) if error.reason == Reason::TooLarge => most.saturating_add(1),
        // The library goes on behind the damage, and takes data without a header for bare ones.
        Err(_)
            if matches!(data, [method, flags, ..] if method & 15 == 8 && flags & 32 == 0
            && (u16::from(*method) << 8 | u16::from(*flags)) % 31 == 0) =>
        {
            of_zlib
        }
        Err(_) => bare.total_out().saturating_add(beyond(bare.total_in())),
    }
}

/// How many bytes there are at most, however the data of a stream are packed: it costs nothing to know.
pub fn at_most(stream: &Stream<'_>) -> u64 {
    let filters = stream.filters();
    filters.iter().filter_map(expansion).fold(stream.raw_data().len() as u64, u64::saturating_mul)
}

/// 258 bytes of two bits.
const EXPANSION_OF_FLATE: u64 = 1032;

/// So many bytes are made of one at most, of the codings that make more of them.
fn expansion(filter: &Filter) -> Option<u64> {
    match filter {
        Filter::FlateDecode => Some(EXPANSION_OF_FLATE),
        // 3838 bytes of twelve bits.
        Filter::LzwDecode => Some(2559),
        Filter::RunLengthDecode => Some(64),
        // Four zeros may be one letter.
        Filter::Ascii85Decode => Some(4),
        _ => None,
    }
}

/// Checks that deflated data are whole, and have at most `most` bytes when they are unpacked; gives how many.
///
/// # Errors
/// Truncated, corrupt or too-large.
pub fn inflates(data: &[u8], most: u64) -> Result<u64, SheetError> {
    match count(ZlibDecoder::new(data), most) {
        // The library, too, tries it without a header.
        Err(error) if error.reason == Reason::Corrupt => match count(DeflateDecoder::new(data), most) {
            Err(other) if other.reason != Reason::TooLarge => Err(error),
            bare => bare,
        },
        counted => counted,
    }
}

fn count(mut unpacked: impl Read, most: u64) -> Result<u64, SheetError> {
    let (mut buffer, mut sum) = ([0; 1 << 14], 0);
    loop {
        match unpacked.read(&mut buffer) {
            Ok(0) => return Ok(sum),
            Ok(count) => sum += count as u64,
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => return Err(truncated()),
            Err(e) => return Err(damaged(&e)),
        }
        if sum > most {
            return Err(too_large());
        }
    }
}

/// Do codes of LZW grow one code sooner than they must? They do unless the parameters say otherwise.
fn changes_early(dict: &Dict<'_>) -> bool {
    [b"DecodeParms".as_slice(), b"DP"].into_iter().all(|key| {
        let of_filters = dict.get::<Array<'_>>(key).unwrap_or_default();
        let mut all = dict.get::<Dict<'_>>(key).into_iter().chain(of_filters.iter::<Dict<'_>>());
        all.all(|parameters| parameters.get::<u8>(b"EarlyChange".as_slice()) != Some(0))
    })
}

fn lzw(mut data: &[u8], most: u64, changes_early: bool) -> Result<u64, SheetError> {
    let mut decoder = match changes_early {
        true => weezl::decode::Decoder::with_tiff_size_switch(BitOrder::Msb, 8),
        false => weezl::decode::Decoder::new(BitOrder::Msb, 8),
    };
    let (mut buffer, mut sum) = ([0; 1 << 14], 0);
    loop {
        let step = decoder.decode_bytes(data, &mut buffer);
        data = data.get(step.consumed_in..).unwrap_or_default();
        sum += step.consumed_out as u64;
        if sum > most {
            return Err(too_large());
        }
        match step.status {
            Ok(LzwStatus::Ok) => {}
            // Many do not say where they end.
            Ok(LzwStatus::Done | LzwStatus::NoProgress) => return Ok(sum),
            Err(e) => return Err(damaged(&e)),
        }
    }
}

fn runs(mut data: &[u8], most: u64) -> Result<u64, SheetError> {
    let mut sum = 0;
    while let [length, others @ ..] = data {
        let (bytes, packed) = match usize::from(*length) {
            128 => break,
            literal @ ..128 => (literal + 1, literal + 1),
            run => (257 - run, 1),
        };
        sum += bytes as u64;
        data = others.get(packed..).ok_or_else(truncated)?;
        if sum > most {
            return Err(too_large());
        }
    }
    Ok(sum)
}

fn hexadecimal(data: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> = data
        .iter()
        .take_while(|&&byte| byte != b'>')
        .filter_map(|&byte| char::from(byte).to_digit(16).map(|digit| digit as u8))
        .collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0)).collect()
}

fn base_85(data: &[u8]) -> Vec<u8> {
    let (mut bytes, mut group) = (Vec::with_capacity(data.len() / 5 * 4), Vec::with_capacity(5));
    let number = |group: &[u8]| {
        let digit = |i: usize| u32::from(group.get(i).map_or(84, |&byte| byte - b'!'));
        (0..5).fold(0u32, |sum, i| sum.wrapping_mul(85).wrapping_add(digit(i)))
    };
    for &byte in data {
        match byte {
            b'z' => bytes.extend([0; 4]),
            b'!'..=b'u' => group.push(byte),
            b'~' => break,
            _ => {}
        }
        if group.len() == 5 {
            bytes.extend(number(&group).to_be_bytes());
            group.clear();
        }
    }
    // What is left of a group has a byte less.
    bytes.extend(number(&group).to_be_bytes().iter().take(group.len().saturating_sub(1)));
    bytes
}

/// More than is read.
pub fn too_large() -> SheetError {
    SheetError::new(Reason::TooLarge, "the page has data that unpack to more than any sheet has")
}

fn truncated() -> SheetError {
    SheetError::new(Reason::Truncated, "the data of the page's picture end too early")
}

fn damaged(error: &impl ToString) -> SheetError {
    SheetError::new(Reason::Corrupt, format!("the data of the page's picture are damaged: {}", error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn reason<T: std::fmt::Debug>(counted: Result<T, SheetError>) -> Reason {
        counted.unwrap_err().reason
    }

    #[test]
    fn deflated_data_are_checked() {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&[7; 100_000]).unwrap();
        let data = encoder.finish().unwrap();
        assert_eq!(inflates(&data, 100_000), Ok(100_000));
        assert_eq!(reason(inflates(&data, 50_000)), Reason::TooLarge);
        assert_eq!(reason(inflates(&data[..data.len() / 2], 100_000)), Reason::Truncated);
        let mut wrong = data.clone();
        *wrong.last_mut().unwrap() ^= 1;
        assert_eq!(reason(inflates(&wrong, 100_000)), Reason::Corrupt);
        // Without the header and the sum.
        let bare = &data[2..data.len() - 4];
        assert_eq!(inflates(bare, 100_000), Ok(100_000));
        assert_eq!(reason(inflates(bare, 50_000)), Reason::TooLarge);
        assert_eq!(reason(inflates(b"no such data", 50_000)), Reason::Corrupt);
    }

    #[test]
    fn what_a_reader_may_make_of_deflated_data_is_counted() {
        let most = 1 << 30;
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&[7; 100_000]).unwrap();
        let data = encoder.finish().unwrap();
        assert_eq!(inflated(&data, most, true), 100_000);
        assert!(inflated(&data, 50_000, true) > 50_000);
        let bare = &data[2..data.len() - 4];
        assert_eq!(inflated(bare, most, true), 100_000);
        // Readers pass over a wrong sum, and a missing one.
        let mut wrong = data.clone();
        *wrong.last_mut().unwrap() ^= 1;
        for damaged in [&wrong, &data[..data.len() - 4]] {
            assert!((100_000..200_000).contains(&inflated(damaged, most, true)));
        }
        // Behind the damage may be anything.
        let junk = [0xff; 1000];
        assert!(inflated(&junk, most, true) >= 1_000_000);
        assert!(inflated(&junk, most, false) < 1_000_000);
    }

    #[test]
    fn lzw_data_are_counted() {
        let plain: Vec<u8> = (0..200_000u32).map(|i| (i / 7 % 251) as u8).collect();
        for early in [true, false] {
            let mut encoder = match early {
                true => weezl::encode::Encoder::with_tiff_size_switch(BitOrder::Msb, 8),
                false => weezl::encode::Encoder::new(BitOrder::Msb, 8),
            };
            let data = encoder.encode(&plain).unwrap();
            assert_eq!(lzw(&data, 200_000, early), Ok(200_000));
            assert_eq!(reason(lzw(&data, 199_999, early)), Reason::TooLarge);
            // Without its end it is as long as it is.
            assert!(lzw(&data[..data.len() / 2], 200_000, early).unwrap() < 190_000);
        }
    }

    #[test]
    fn runs_are_counted() {
        // Three bytes, a run of five, the end.
        let data = [2, 1, 2, 3, 252, 9, 128, 7, 7];
        assert_eq!(runs(&data, 8), Ok(8));
        assert_eq!(reason(runs(&data, 7)), Reason::TooLarge);
        assert_eq!(runs(&data[..6], 8), Ok(8));
        assert_eq!(reason(runs(&data[..5], 8)), Reason::Truncated);
        assert_eq!(runs(&[], 8), Ok(0));
        assert_eq!(runs(&[129, 0].repeat(1000), 200_000), Ok(128_000));
    }

    #[test]
    fn bytes_that_are_written_as_text_are_read() {
        assert_eq!(hexadecimal(b"48 65\n6C6c 7>99"), b"Hell\x70");
        assert_eq!(base_85(b"87cURD]i,\"Ebo80~>zz"), b"Hello World!");
        assert_eq!(base_85(b"z 87cUR\nD]f~>"), b"\0\0\0\0Hello ");
        // More than four bytes hold is no number, and no panic.
        assert_eq!(base_85(b"uuuuu").len(), 4);
        assert_eq!(base_85(b"!"), b"");
    }
}
