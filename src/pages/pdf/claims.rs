//! What data of a PDF ask for, found out before a library gives it to them: a few bytes may stand for gigabytes.

use std::io::Read;

use flate2::read::ZlibDecoder;
use hayro_syntax::Filter;
use hayro_syntax::object::{Dict, Name, ObjectIdentifier, Stream};
use hayro_syntax::page::Page;

use super::is_name;
use crate::sheet::decode::Limits;
use crate::sheet::{Reason, SheetError};

/// Deflate makes at most this many bytes of one.
const EXPANSION: u64 = 1032;

/// The data of a drawn page may have this many bytes when they are unpacked.
const MOST_UNPACKED: u64 = 512 << 20;

/// Forms lie in each other at most so deep.
const MOST_DEEP: usize = 16;

/// Checks that deflated data are whole, and unpack to at most `most` bytes. Nothing is kept.
///
/// # Errors
/// Truncated, corrupt or too-large.
pub fn inflates(data: &[u8], most: u64) -> Result<(), SheetError> {
    let mut buffer = [0; 1 << 14];
    let (mut decoder, mut sum) = (ZlibDecoder::new(data), 0u64);
    loop {
        match decoder.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => sum += count as u64,
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
                return Err(SheetError::new(Reason::Truncated, "the data of the page's picture end too early"));
            }
            Err(e) => {
                let detail = format!("the data of the page's picture are damaged: {e}");
                return Err(SheetError::new(Reason::Corrupt, detail));
            }
        }
        if sum > most {
            return Err(too_large());
        }
    }
}

/// Refuses a page whose pictures and forms would take more than any sheet does.
///
/// # Errors
/// Too-large.
pub fn check(page: &Page<'_>) -> Result<(), SheetError> {
    let mut seen = Vec::new();
    let resources = [&page.resources().x_objects, &page.resources().patterns];
    resources.into_iter().try_for_each(|objects| check_all(objects, &mut seen, MOST_DEEP))
}

fn check_all(objects: &Dict<'_>, seen: &mut Vec<ObjectIdentifier>, deep: usize) -> Result<(), SheetError> {
    let names: Vec<Name<'_>> = objects.keys().collect();
    for name in names {
        let Some(stream) = objects.get::<Stream<'_>>(name.as_ref()) else { continue };
        if seen.contains(&stream.obj_id()) {
            continue;
        }
        seen.push(stream.obj_id());
        check_stream(&stream)?;
        for mask in [b"SMask".as_slice(), b"Mask"] {
            if let Some(mask) = stream.dict().get::<Stream<'_>>(mask) {
                check_stream(&mask)?;
            }
        }
        if let Some(resources) = stream.dict().get::<Dict<'_>>(b"Resources".as_slice())
            && deep > 0
        {
            for kind in [b"XObject".as_slice(), b"Pattern"] {
                if let Some(objects) = resources.get::<Dict<'_>>(kind) {
                    check_all(&objects, seen, deep - 1)?;
                }
            }
        }
    }
    Ok(())
}

/// Refuses a picture or a form that would take too much.
///
/// # Errors
/// Too-large.
pub fn check_stream(stream: &Stream<'_>) -> Result<(), SheetError> {
    if stream.dict().get::<Name<'_>>(b"Subtype".as_slice()).is_some_and(|kind| is_name(&kind, &["Image"])) {
        let side = |key: &str| stream.dict().get::<u32>(key.as_bytes()).unwrap_or(0);
        if u64::from(side("Width")) * u64::from(side("Height")) > Limits::default().max_pixels {
            return Err(too_large());
        }
        if size_in_data(stream)
            .is_some_and(|(width, height)| u64::from(width) * u64::from(height) > Limits::default().max_pixels)
        {
            return Err(too_large());
        }
    }
    let packed = stream.filters().iter().filter(|filter| matches!(filter, Filter::FlateDecode)).count();
    if packed == 0 {
        return Ok(());
    }
    let raw = stream.raw_data();
    if (raw.len() as u64).saturating_mul(EXPANSION.saturating_pow(packed as u32)) <= MOST_UNPACKED {
        return Ok(());
    }
    // Whether the data are whole is for those to say who read them.
    match inflates(&raw, MOST_UNPACKED) {
        Err(error) if error.reason == Reason::TooLarge => Err(error),
        _ if packed > 1 => Err(too_large()),
        _ => Ok(()),
    }
}

/// The size that the data of a picture claim for themselves, where a library goes by it.
fn size_in_data(stream: &Stream<'_>) -> Option<(u32, u32)> {
    match stream.filters().last()? {
        Filter::JpxDecode => {
            let data = stream.raw_data();
            let settings = hayro_jpeg2000::DecodeSettings::default();
            let image = hayro_jpeg2000::Image::new(&data, &settings).ok()?;
            Some((image.width(), image.height()))
        }
        Filter::Jbig2Decode => page_of_jbig2(&stream.raw_data()),
        _ => None,
    }
}

/// The size in the page information of JBIG2 data (ITU-T T.88, sections 7.2 and 7.4.8) as PDF embeds them: without a file header.
fn page_of_jbig2(data: &[u8]) -> Option<(u32, u32)> {
    const PAGE_INFORMATION: u8 = 48;
    let number = |bytes: &[u8]| bytes.iter().fold(0u32, |sum, &b| sum << 8 | u32::from(b));
    let mut rest = data;
    loop {
        let segment = number(rest.get(..4)?);
        let flags = *rest.get(4)?;
        let short = *rest.get(5)? >> 5;
        let (references, counted) = match short {
            7 => {
                let count = number(rest.get(5..9)?) & 0x1fff_ffff;
                (count as usize, 4 + (count as usize + 1).div_ceil(8))
            }
            count => (usize::from(count), 1),
        };
        let width = if segment <= 256 {
            1
        } else if segment <= 65_536 {
            2
        } else {
            4
        };
        let page = if flags & 0x40 == 0 { 1 } else { 4 };
        let length_at = 5usize.checked_add(counted)?.checked_add(references.checked_mul(width)?)?.checked_add(page)?;
        let length = number(rest.get(length_at..length_at.checked_add(4)?)?);
        let body = rest.get(length_at + 4..)?;
        if flags & 0x3f == PAGE_INFORMATION {
            let height = number(body.get(4..8)?);
            // Of unknown height: then the picture's dictionary tells.
            return Some((number(body.get(..4)?), if height == u32::MAX { 1 } else { height }));
        }
        rest = body.get(length as usize..)?;
    }
}

fn too_large() -> SheetError {
    SheetError::new(Reason::TooLarge, "the page has data that unpack to more than any sheet has")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn deflated(length: usize) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&vec![7; length]).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn deflated_data_are_checked() {
        let data = deflated(100_000);
        assert_eq!(inflates(&data, 100_000), Ok(()));
        let reason = |data: &[u8], most| inflates(data, most).unwrap_err().reason;
        assert_eq!(reason(&data, 50_000), Reason::TooLarge);
        assert_eq!(reason(&data[..data.len() / 2], 100_000), Reason::Truncated);
        let mut damaged = data.clone();
        *damaged.last_mut().unwrap() ^= 1;
        assert_eq!(reason(&damaged, 100_000), Reason::Corrupt);
    }

    #[test]
    fn jbig2_tells_its_size() {
        // A symbol dictionary of 3 bytes, then the page information.
        let dictionary = [[0, 0, 0, 0].as_slice(), &[0, 0, 1], &[0, 0, 0, 3], &[1, 2, 3]].concat();
        let page =
            [[0, 0, 0, 1].as_slice(), &[48, 0, 1], &[0, 0, 0, 19], &[0, 0, 6, 0xc0], &[0, 0, 0x08, 0xf4]].concat();
        let data = [dictionary, page, vec![0; 11]].concat();
        assert_eq!(page_of_jbig2(&data), Some((0x6c0, 0x8f4)));
        (0..23).for_each(|cut| assert_eq!(page_of_jbig2(&data[..cut]), None));
    }
}
