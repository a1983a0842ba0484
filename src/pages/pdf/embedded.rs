//! A page that is one picture: its data become what a sheet is decoded from, as they were scanned.

use hayro_syntax::Filter;
use hayro_syntax::object::stream::ImageDecodeParams;
use hayro_syntax::object::{Array, Dict, Object, Stream};
use hayro_syntax::page::Page;
use image::DynamicImage;

use super::content::{self, OnePicture};
use super::samples::{Colours, Samples};
use super::{claims, unpacking};
use crate::sheet::decode::fax::{self, Coding, EncodingMode};
use crate::sheet::decode::scan::Scan;
use crate::sheet::decode::{Limits, jpeg};
use crate::sheet::{Reason, SheetError};

/// What the sheet on a page is decoded from, if the page is one picture of a kind that is taken out.
///
/// # Errors
/// The page is such a picture, and its data are damaged or beyond the limits.
pub fn scan(page: &Page<'_>, limits: Limits) -> Result<Option<Scan>, SheetError> {
    let Some(OnePicture { stream, lies, is_black_on_paper }) = content::one_picture(page) else { return Ok(None) };
    let dict = stream.dict();
    let number = |keys: [&str; 2]| keys.iter().find_map(|key| dict.get::<u32>(key.as_bytes()));
    let (Some(width), Some(height)) = (number(["Width", "W"]), number(["Height", "H"])) else { return Ok(None) };
    limits.accept(width, height)?;
    let is_masked = ["SMask", "Mask"].iter().any(|key| {
        let mask = dict.get::<Object<'_>>(key.as_bytes());
        mask.is_some_and(|mask| !matches!(mask, Object::Null(_)))
    });
    if is_masked || dict.get::<u32>(b"SMaskInData".as_slice()).unwrap_or(0) != 0 {
        return Ok(None);
    }
    let is_stencil = dict.get::<bool>(b"ImageMask".as_slice()).unwrap_or(false);
    if is_stencil && !is_black_on_paper {
        return Ok(None);
    }
    let filters = stream.filters();
    let colours = if is_stencil { Some(Colours::GRAY) } else { Colours::of(dict) };
    let bits = if is_stencil { 1 } else { dict.get::<u8>(b"BitsPerComponent".as_slice()).unwrap_or(0) };
    // What is not known to be whole numbers from 0 to 1 is drawn.
    let Some(is_inverted) = is_inverted(dict, colours.as_ref()) else { return Ok(None) };
    match (filters.as_slice(), colours) {
        ([Filter::DctDecode], Some(colours)) if !is_inverted && !transforms_otherwise(dict) => {
            let bytes = stream.raw_data();
            let is_as_told = jpeg::frame(&bytes) == Some((width, height, colours.components()));
            if !is_as_told || colours.is_indexed() {
                return Ok(None);
            }
            Ok(Some(Scan::Jpeg { bytes: bytes.into_owned(), lies }))
        }
        ([Filter::CcittFaxDecode], Some(colours)) if bits <= 1 && colours == Colours::GRAY => {
            let picture = fax(&stream, width, height, is_inverted)?;
            Ok(picture.map(|picture| Scan::Pixels { picture: DynamicImage::ImageLuma8(picture), lies }))
        }
        (filters, colours) if filters.iter().all(is_readable) => {
            let picture = unpacked(page, &stream, (width, height), bits, colours, is_inverted, limits)?;
            Ok(picture.map(|picture| Scan::Pixels { picture, lies }))
        }
        _ => Ok(None),
    }
}

fn is_readable(filter: &Filter) -> bool {
    !matches!(filter, Filter::DctDecode | Filter::Crypt)
}

/// Is what is stored the opposite of what is seen? `None` where values are stretched in another way.
fn is_inverted(dict: &Dict<'_>, colours: Option<&Colours>) -> Option<bool> {
    let Some(decode) = dict.get::<Array<'_>>(b"Decode".as_slice()) else { return Some(false) };
    let ends: Vec<f32> = decode.iter::<f32>().collect();
    if colours.is_some_and(Colours::is_indexed) {
        return (ends.first() == Some(&0.0)).then_some(false);
    }
    let is_all = |pair: [f32; 2]| !ends.is_empty() && ends.chunks(2).all(|ends| ends == pair);
    match (is_all([0.0, 1.0]), is_all([1.0, 0.0])) {
        (true, _) => Some(false),
        (_, true) => Some(true),
        _ => None,
    }
}

/// Does the dictionary say that a JPEG's components are other ones than they seem?
fn transforms_otherwise(dict: &Dict<'_>) -> bool {
    parameters(dict).is_some_and(|parameters| parameters.contains_key(b"ColorTransform".as_slice()))
}

/// The parameters of a picture's only filter.
fn parameters<'a>(dict: &Dict<'a>) -> Option<Dict<'a>> {
    let key = [b"DecodeParms".as_slice(), b"DP"].into_iter().find(|key| dict.contains_key(key))?;
    let list = || dict.get::<Array<'a>>(key)?.iter::<Dict<'a>>().next();
    dict.get::<Dict<'a>>(key).or_else(list)
}

/// Reads fax data; `None` where rows of the data are no rows of the picture.
fn fax(
    stream: &Stream<'_>,
    width: u32,
    height: u32,
    is_inverted: bool,
) -> Result<Option<image::GrayImage>, SheetError> {
    let parameters = parameters(stream.dict()).unwrap_or_default();
    let is_set = |key: &str| parameters.get::<bool>(key.as_bytes()).unwrap_or(false);
    let columns = parameters.get::<u32>(b"Columns".as_slice()).unwrap_or(1728);
    if columns != width {
        return Ok(None);
    }
    let coding = Coding {
        mode: match parameters.get::<i32>(b"K".as_slice()).unwrap_or(0) {
            ..0 => EncodingMode::Group4,
            0 => EncodingMode::Group3_1D,
            1.. => EncodingMode::Group3_2D,
        },
        is_aligned: is_set("EncodedByteAlign"),
        has_line_ends: is_set("EndOfLine"),
    };
    // Black is 0 unless the data say otherwise, and 0 is black unless the picture says otherwise.
    let black = if is_set("BlackIs1") != is_inverted { 255 } else { 0 };
    let mut rows = fax::Rows::new(width, height, black);
    rows.read(&stream.raw_data(), height, coding)?;
    rows.finish().map(Some)
}

/// Has the library unpack data, and makes pixels of them. `None` of colours that are left to it altogether.
fn unpacked(
    page: &Page<'_>,
    stream: &Stream<'_>,
    (width, height): (u32, u32),
    bits: u8,
    colours: Option<Colours>,
    is_inverted: bool,
    limits: Limits,
) -> Result<Option<DynamicImage>, SheetError> {
    claims::check_picture(page, stream, limits)?;
    let filters = stream.filters();
    if filters.as_slice() == [Filter::FlateDecode] {
        // Predictors put a byte before each row.
        let most = u64::from(width) * u64::from(height) * 8 + u64::from(height) + (1 << 16);
        unpacking::inflates(&stream.raw_data(), most)?;
    }
    let params = ImageDecodeParams {
        is_indexed: colours.as_ref().is_some_and(Colours::is_indexed),
        bpc: Some(bits).filter(|&bits| bits > 0),
        num_components: colours.as_ref().map(Colours::components),
        target_dimension: None,
        width,
        height,
    };
    let damaged = |_| SheetError::new(Reason::Corrupt, "the data of the page's picture are damaged");
    let read = stream.decoded_image(&params).map_err(damaged)?;
    let (mut bits, mut colours) = (bits, colours);
    if let Some(told) = &read.image_data {
        if (told.width, told.height) != (width, height) || told.alpha.is_some() {
            return Ok(None);
        }
        bits = told.bits_per_component;
        let of_data = told.color_space.and_then(Colours::of_data);
        let is_as_named = colours.as_ref().zip(of_data.as_ref()).is_none_or(|(a, b)| a.components() == b.components());
        if !is_as_named {
            return Ok(None);
        }
        colours = colours.or(of_data);
    }
    let Some(colours) = colours else { return Ok(None) };
    Samples { data: &read.data, width, height, bits, colours: &colours, is_inverted }.picture()
}
