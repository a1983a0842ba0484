//! A file from its first marker to the end of its first picture: which components are kept, and what scans leave behind.

use image::GrayImage;

use super::fault::{ENDS_EARLY, Fault};
use super::headers::{
    ADOBE, BASELINE, END_OF_IMAGE, EXIF, EXTENDED, HUFFMAN_TABLES, Headers, JFIF, PROGRESSIVE, QUANTISATION_TABLES,
    RESTART_0, RESTART_INTERVAL, START_OF_IMAGE, START_OF_SCAN, Scan, TEMPORARY, next_marker, segment,
};
use super::huffman::Table;
use super::inverse::Transformer;
use super::progressive::Blocks;
use super::scans;

/// More scans than any encoder writes; each costs a walk over the whole picture, whatever few bytes it has.
pub const MAX_SCANS: usize = 100;

/// Which components become pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// None: the data are checked.
    Nothing,
    /// The luma.
    Luma,
    /// The luma and both chromas.
    Everything,
}

/// What was read.
#[derive(Debug, PartialEq)]
pub struct Picture<'a> {
    /// The components that were kept: luma, and both chromas in the sizes in which they are stored.
    pub planes: Vec<GrayImage>,
    /// The TIFF structure of the Exif segment.
    pub exif: Option<&'a [u8]>,
}

/// Reads the first picture in `bytes`. None is what is not understood: a decoder that knows more kinds is the judge of it.
///
/// # Errors
/// A fault in the coded data, or what `accept` says of the size, and `go_on` before each scan.
pub fn read<E: From<Fault>>(
    bytes: &[u8],
    keep: Keep,
    accept: impl Fn(u32, u32) -> Result<(), E>,
    go_on: impl Fn() -> Result<(), E>,
) -> Result<Option<Picture<'_>>, E> {
    let mut file = File { headers: Headers::default(), keep, components: Vec::new() };
    let (mut at, mut scans) = (2, 0);
    while let Some((marker, body)) = next_marker(bytes, at) {
        match marker {
            END_OF_IMAGE => return Ok(file.finish()?),
            0..=TEMPORARY | RESTART_0..=START_OF_IMAGE => {
                at = body;
                continue;
            }
            _ => {}
        }
        let Some((segment, after)) = segment(bytes, body) else { return Ok(None) };
        at = after;
        let understood = match marker {
            BASELINE | EXTENDED | PROGRESSIVE => {
                let understood = file.headers.frame(segment, marker == PROGRESSIVE);
                if understood {
                    // A JPEG's sides are 16-bit numbers.
                    accept(file.headers.width as u32, file.headers.height as u32)?;
                }
                understood
            }
            HUFFMAN_TABLES => file.headers.huffman_tables(segment),
            QUANTISATION_TABLES => file.headers.quantisation_tables(segment),
            RESTART_INTERVAL => file.headers.restart_interval(segment),
            JFIF | EXIF | ADOBE => {
                file.headers.application(marker, segment);
                true
            }
            START_OF_SCAN => {
                go_on()?;
                scans += 1;
                match file.headers.scan(segment) {
                    Some(scan) if scans <= MAX_SCANS && file.prepare(&scan) => {
                        at = scans::walk(&file.headers, &mut file.components, &scan, bytes, after)?;
                        if file.is_complete() {
                            return Ok(file.finish()?);
                        }
                        true
                    }
                    _ => false,
                }
            }
            _ => true,
        };
        if !understood {
            return Ok(None);
        }
    }
    // The scans so far are whole, but more may have followed.
    if file.headers.components.is_empty() { Ok(None) } else { Err(Fault::Cut.into()) }
}

struct File<'a> {
    headers: Headers<'a>,
    keep: Keep,
    /// Empty before the first scan.
    components: Vec<Component>,
}

/// What becomes of a component.
#[derive(Default)]
pub struct Component {
    /// A scan held it.
    seen: bool,
    /// Where its pixels go; none where they are not kept.
    pub transformer: Option<Box<Transformer>>,
    /// Its coefficients between the scans of a progressive picture.
    pub blocks: Blocks,
}

impl<'a> File<'a> {
    /// Makes ready what a scan needs. False for what is not understood.
    fn prepare(&mut self, scan: &Scan) -> bool {
        let headers = &mut self.headers;
        if self.components.is_empty() {
            let (widest, highest) = headers.sampling();
            let fits = |c: &super::headers::Component| widest % c.horizontal == 0 && highest % c.vertical == 0;
            let luma_is_full =
                headers.components.first().is_some_and(|c| (c.horizontal, c.vertical) == (widest, highest));
            if self.keep != Keep::Nothing
                && !(headers.begins_with_luma() && luma_is_full && headers.components.iter().all(fits))
            {
                return false;
            }
            self.components.resize_with(headers.components.len(), Component::default);
            if headers.progressive {
                let (across, down) = headers.units();
                for (i, (component, about)) in self.components.iter_mut().zip(&headers.components).enumerate() {
                    let kept = keeps(self.keep, i);
                    component.blocks = Blocks::new(across * about.horizontal, down * about.vertical, kept);
                }
            }
        }
        headers.assume_tables();
        let (needs_dc, needs_ac) = (scan.first == 0 && scan.high == 0, scan.last > 0);
        for &(index, dc, ac) in &scan.parts {
            let (Some(about), Some(component)) = (headers.components.get(index), self.components.get_mut(index)) else {
                return false;
            };
            let steps = headers.quantisation.get(about.quantisation).and_then(Option::as_ref);
            let kept = keeps(self.keep, index);
            if kept && !component.seen {
                let Some(steps) = steps else { return false };
                let (widest, highest) = headers.sampling();
                let width = (headers.width * about.horizontal).div_ceil(widest);
                let height = (headers.height * about.vertical).div_ceil(highest);
                component.transformer = Some(Box::new(Transformer::new(width as u32, height as u32, steps)));
            } else if component.seen && !headers.progressive {
                return false;
            }
            component.seen = true;
            let has = |tables: &[Option<Table>; 4], slot: usize| tables.get(slot).is_some_and(Option::is_some);
            if needs_dc && !has(&headers.dc, dc) || needs_ac && !has(&headers.ac, ac) {
                return false;
            }
            if let (true, Some(Some(table))) = (needs_ac, headers.ac.get_mut(ac)) {
                if kept || headers.progressive {
                    table.look_ahead();
                } else {
                    table.pack();
                }
            }
        }
        true
    }

    /// True when nothing that is needed can follow.
    fn is_complete(&self) -> bool {
        !self.headers.progressive && self.components.iter().all(|c| c.seen)
    }

    /// The picture, at its end.
    fn finish(self) -> Result<Option<Picture<'a>>, Fault> {
        if self.components.is_empty() {
            return Ok(None);
        }
        if self.components.iter().any(|c| !c.seen) {
            return Err(ENDS_EARLY);
        }
        let mut planes = Vec::new();
        // What only the checks needed is let go before pixels take room.
        let kept: Vec<Component> = self.components.into_iter().filter(|c| c.transformer.is_some()).collect();
        for component in kept {
            let Some(mut transformer) = component.transformer else { continue };
            component.blocks.transform(&mut transformer);
            planes.push(transformer.finish());
        }
        Ok(Some(Picture { planes, exif: self.headers.exif }))
    }
}

/// Does component `index` become a picture?
const fn keeps(keep: Keep, index: usize) -> bool {
    match keep {
        Keep::Nothing => false,
        Keep::Luma => index == 0,
        Keep::Everything => true,
    }
}
