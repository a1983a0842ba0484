//! What data of a PDF ask for, found out before a library gives it to them: a few bytes may stand for gigabytes.

use std::collections::HashSet;

use hayro_syntax::Filter;
use hayro_syntax::content::TypedIter;
use hayro_syntax::content::ops::TypedInstruction;
use hayro_syntax::object::{Array, Dict, MaybeRef, Number, Object, ObjectIdentifier, Stream};
use hayro_syntax::page::{Page, Resources};
use hayro_syntax::xref::XRef;

use super::unpacking::{self, too_large};
use crate::sheet::decode::Limits;
use crate::sheet::{Reason, SheetError};

/// Data that are no picture may have this many bytes when they are unpacked.
pub const MOST_UNPACKED: u64 = 512 << 20;

/// Those of a picture may have this many for each pixel that is accepted, as everywhere.
const BYTES_PER_PIXEL: u64 = 3;

/// Refuses a page whose content, pictures, forms or fonts would take more than any sheet does: all that its content, its
/// resources and its annotations lead to is looked at once.
///
/// # Errors
/// Too-large or unsupported-format; truncated or corrupt where a picture is not whole.
pub fn check(page: &Page<'_>, limits: Limits) -> Result<(), SheetError> {
    let mut left = MOST_UNPACKED;
    // The parts of a content are put together, and may be the same part many times.
    for part in page.raw().get::<Array<'_>>(b"Contents".as_slice()).unwrap_or_default().iter::<Stream<'_>>() {
        let bytes = match unpacking::size(&part, left) {
            Err(error) if error.reason == Reason::TooLarge => return Err(error),
            size => size.unwrap_or_else(|_| unpacking::at_most(&part)),
        };
        left = left.checked_sub(bytes).ok_or_else(too_large)?;
    }
    Way::of(page).check(limits)?;
    check_inline(page.page_stream().unwrap_or_default(), limits)
}

/// Refuses a picture of a page that would take more than any sheet does, itself or by what it leads to.
///
/// # Errors
/// As [`check`].
pub fn check_picture(page: &Page<'_>, picture: &Stream<'_>, limits: Limits) -> Result<(), SheetError> {
    Way { file: page.xref(), seen: HashSet::new(), left: vec![Object::Stream(picture.clone())] }.check(limits)
}

/// The way through the objects that a page leads to.
struct Way<'a> {
    file: &'a XRef,
    /// Objects that were on the way: many lead to the same, and some to themselves.
    seen: HashSet<ObjectIdentifier>,
    /// Those that have yet to be looked at.
    left: Vec<Object<'a>>,
}

impl<'a> Way<'a> {
    fn of(page: &Page<'a>) -> Self {
        let Resources { ext_g_states, fonts, properties, color_spaces, x_objects, patterns, shadings } =
            page.resources();
        let resources = [ext_g_states, fonts, properties, color_spaces, x_objects, patterns, shadings];
        let mut left: Vec<Object<'a>> = resources.into_iter().cloned().map(Object::Dict).collect();
        left.extend(page.raw().get::<Object<'a>>(b"Contents".as_slice()));
        let annotations = page.raw().get::<Array<'a>>(b"Annots".as_slice()).unwrap_or_default();
        let appearances = annotations.iter::<Dict<'a>>().filter_map(|dict| dict.get::<Object<'a>>(b"AP".as_slice()));
        left.extend(appearances);
        Self { file: page.xref(), seen: HashSet::new(), left }
    }

    fn check(mut self, limits: Limits) -> Result<(), SheetError> {
        while let Some(object) = self.left.pop() {
            match object {
                Object::Array(array) => array.raw_iter().for_each(|object| self.see(object)),
                Object::Dict(dict) => dict.entries().for_each(|(_, object)| self.see(object)),
                Object::Stream(stream) => {
                    check_stream(&stream, limits)?;
                    stream.dict().entries().for_each(|(_, object)| self.see(object));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn see(&mut self, object: MaybeRef<Object<'a>>) {
        match object {
            MaybeRef::Ref(reference) => {
                let id = ObjectIdentifier::from(reference);
                if self.seen.insert(id) {
                    self.left.extend(self.file.get::<Object<'a>>(id));
                }
            }
            MaybeRef::NotRef(object @ (Object::Array(_) | Object::Dict(_))) => self.left.push(object),
            MaybeRef::NotRef(_) => {}
        }
    }
}

/// Refuses a picture, or other data, that would take too much.
fn check_stream(stream: &Stream<'_>, limits: Limits) -> Result<(), SheetError> {
    // Readers go by either spelling.
    let number = |keys: [&str; 2]| keys.iter().filter_map(|key| stream.dict().get::<u32>(key.as_bytes())).max();
    if let (Some(width), Some(height)) = (number(["Width", "W"]), number(["Height", "H"])) {
        return check_pixels(stream, (width, height), number(["BitsPerComponent", "BPC"]), limits);
    }
    match unpacking::size(stream, MOST_UNPACKED) {
        // The library unpacks as much as it can of damaged data.
        Err(error) if error.reason == Reason::TooLarge || unpacking::at_most(stream) > MOST_UNPACKED => Err(error),
        // It may be a content.
        _ => check_inline(&stream.decoded_data().unwrap_or_default(), limits),
    }
}

/// Refuses a picture that claims too much, or has too little: what is missing of it would be drawn as if it were blank.
fn check_pixels(
    stream: &Stream<'_>,
    (width, height): (u32, u32),
    bits: Option<u32>,
    limits: Limits,
) -> Result<(), SheetError> {
    accept(limits, width, height)?;
    if let Some((width, height)) = size_in_data(stream, height)? {
        accept(limits, width, height)?;
    }
    // Predictors put a byte before each row.
    let most = limits.max_pixels.saturating_mul(BYTES_PER_PIXEL) + u64::from(height) + (1 << 16);
    let bytes = unpacking::size(stream, most)?;
    // Of one colour at least.
    let rows = (u64::from(width) * u64::from(bits.unwrap_or(1))).div_ceil(8).saturating_mul(u64::from(height));
    let coding = [Filter::DctDecode, Filter::CcittFaxDecode, Filter::Jbig2Decode, Filter::JpxDecode];
    if bytes < rows && !coding.iter().any(|coding| stream.filters().contains(coding)) {
        return Err(SheetError::new(Reason::Truncated, "the data of a picture on the page end before its last row"));
    }
    Ok(())
}

/// Refuses content with a picture in it that would take too much.
fn check_inline(content: &[u8], limits: Limits) -> Result<(), SheetError> {
    if !content.windows(2).any(|bytes| bytes == b"BI") {
        return Ok(());
    }
    let mut operations = TypedIter::new(content);
    while let Some(operation) = operations.next() {
        if let TypedInstruction::InlineImage(picture) = operation {
            check_stream(picture.0, limits)?;
        }
    }
    Ok(())
}

/// A picture on a page may be as small as it likes.
fn accept(limits: Limits, width: u32, height: u32) -> Result<(), SheetError> {
    Limits { min_side: 0, ..limits }.accept(width, height).map(drop)
}

/// The size that the data of a picture claim for themselves, or that its coding does, where the library goes by it. `height`
/// is what its dictionary says.
///
/// # Errors
/// Unsupported-format: such data are packed once more.
fn size_in_data(stream: &Stream<'_>, height: u32) -> Result<Option<(u32, u32)>, SheetError> {
    let filters = stream.filters();
    if filters.contains(&Filter::CcittFaxDecode) {
        return Ok(Some((columns(stream.dict()), height)));
    }
    match filters.as_slice() {
        [Filter::JpxDecode, ..] => {
            let data = stream.raw_data();
            let image = hayro_jpeg2000::Image::new(&data, &hayro_jpeg2000::DecodeSettings::default());
            Ok(image.ok().map(|image| (image.width(), image.height())))
        }
        [Filter::Jbig2Decode, ..] => {
            let data = stream.raw_data();
            let page = hayro_jbig2::Page::new_embedded(&data, None, &hayro_jbig2::DecodeSettings::default());
            Ok(page.ok().map(|page| (page.width(), page.height())))
        }
        filters if filters.iter().any(|filter| matches!(filter, Filter::JpxDecode | Filter::Jbig2Decode)) => {
            let detail = "the page has a JPEG 2000 or JBIG2 picture that is packed once more; print it to a new PDF";
            Err(SheetError::new(Reason::UnsupportedFormat, detail))
        }
        _ => Ok(None),
    }
}

/// The most columns that any of a picture's parameters gives to fax data.
fn columns(dict: &Dict<'_>) -> u32 {
    const UNTOLD: u32 = 1728;
    let mut told = Vec::new();
    for key in [b"DecodeParms".as_slice(), b"DP"] {
        let of_filters = dict.get::<Array<'_>>(key).unwrap_or_default();
        let parameters = dict.get::<Dict<'_>>(key).into_iter().chain(of_filters.iter::<Dict<'_>>());
        told.extend(parameters.filter_map(|parameters| parameters.get::<Number>(b"Columns".as_slice())));
    }
    told.into_iter().map(|columns| u32::try_from(columns.as_i64()).unwrap_or(u32::MAX)).max().unwrap_or(UNTOLD)
}
