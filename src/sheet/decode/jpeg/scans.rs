//! A JPEG's Huffman-coded scans, read and checked in one walk.
//!
//! JPEG has no checksum, and a decoder reads nearly any bytes as some picture. But damage throws the codes out of step:
//! they no longer end, block for block, where the next marker stands, or they name coefficients that no picture has.
//! This is looked for in all components, also in those whose pixels nobody wants: their codes are passed over, many at once.

use image::GrayImage;

use super::codes::{Codes, Limits};
use super::fault::{ENDS_EARLY, Fault};
use super::headers::{
    ADOBE, BASELINE, END_OF_IMAGE, EXIF, EXTENDED, HUFFMAN_TABLES, Headers, JFIF, PROGRESSIVE, QUANTISATION_TABLES,
    RESTART_0, RESTART_INTERVAL, START_OF_IMAGE, START_OF_SCAN, Scan, TEMPORARY, next_marker, segment,
};
use super::huffman::Table;
use super::inverse::Transformer;
use super::progressive::Blocks;
use crate::imaging::dispatch::wide_fn;

/// More scans than any encoder writes; each costs a walk over the whole picture.
const MAX_SCANS: usize = 100;

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
/// A fault in the coded data, or what `accept` says of the size.
pub fn read<E: From<Fault>>(
    bytes: &[u8],
    keep: Keep,
    accept: impl Fn(u32, u32) -> Result<(), E>,
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
                scans += 1;
                match file.headers.scan(segment) {
                    Some(scan) if scans <= MAX_SCANS && file.prepare(&scan) => {
                        at = file.walk(&scan, bytes, after)?;
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
struct Component {
    /// A scan held it.
    seen: bool,
    /// Where its pixels go; none where they are not kept.
    transformer: Option<Box<Transformer>>,
    /// Its coefficients between the scans of a progressive picture.
    blocks: Blocks,
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
            // Files without tables mean those that are known by heart.
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
        for component in self.components {
            let Some(mut transformer) = component.transformer else { continue };
            component.blocks.transform(&mut transformer);
            planes.push(transformer.finish());
        }
        Ok(Some(Picture { planes, exif: self.headers.exif }))
    }

    /// Walks over the scan whose codes start at `at`; where they end.
    fn walk(&mut self, scan: &Scan, bytes: &[u8], at: usize) -> Result<usize, Fault> {
        let headers = &self.headers;
        let (widest, highest) = headers.sampling();
        let (mut across, mut down) = headers.units();
        let alone = scan.parts.len() == 1;
        let mut parts = Vec::new();
        for &(index, dc, ac) in &scan.parts {
            let about = headers.components[index];
            let (mut horizontal, mut vertical) = (about.horizontal, about.vertical);
            if alone {
                across = (headers.width * horizontal).div_ceil(8 * widest);
                down = (headers.height * vertical).div_ceil(8 * highest);
                (horizontal, vertical) = (1, 1);
            }
            let limits = Limits::new(headers.quantisation[about.quantisation].as_ref(), scan.low);
            let (dc, ac) = (headers.dc.get(dc).and_then(Option::as_ref), headers.ac.get(ac).and_then(Option::as_ref));
            let component = std::mem::take(&mut self.components[index]);
            parts.push(Part { component, horizontal, vertical, dc, ac, limits, predicted: 0 });
        }
        let grid = Grid { across, down, restart_interval: headers.restart_interval };
        let codes = Codes::new(bytes, at);
        let end = match (headers.progressive, scan.first, scan.high) {
            (false, ..) => sequential(&mut parts, &grid, codes),
            (true, 0, _) => progressive_dc(scan, &mut parts, &grid, codes),
            (true, _, 0) => progressive_first(scan, &mut parts, &grid, codes),
            (true, ..) => progressive_refined(scan, &mut parts, &grid, codes),
        };
        for (part, &(index, ..)) in parts.into_iter().zip(&scan.parts) {
            self.components[index] = part.component;
        }
        end
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

/// A component within a scan.
struct Part<'a> {
    component: Component,
    /// Blocks across and down in a coding unit.
    horizontal: usize,
    vertical: usize,
    dc: Option<&'a Table>,
    ac: Option<&'a Table>,
    limits: Limits,
    /// The last DC value.
    predicted: i32,
}

/// The coding units of a scan.
struct Grid {
    across: usize,
    down: usize,
    restart_interval: usize,
}

/// Counts towards the restart markers.
struct Restarts {
    interval: usize,
    left: usize,
    number: u8,
}

impl Restarts {
    const fn new(grid: &Grid) -> Self {
        let interval = if grid.restart_interval == 0 { usize::MAX } else { grid.restart_interval };
        Self { interval, left: interval, number: 7 }
    }

    /// To be asked before each coding unit: does a marker stand before it?
    const fn is_due(&mut self) -> bool {
        let due = self.left == 0;
        if due {
            self.left = self.interval;
        }
        self.left -= 1;
        due
    }

    /// The marker that is due.
    const fn next(&mut self) -> u8 {
        self.number = (self.number + 1) % 8;
        RESTART_0 + self.number
    }
}

wide_fn! {
    fn sequential(parts: &mut [Part<'_>], grid: &Grid, codes: Codes<'_>) -> Result<usize, Fault> {
        let mut codes = codes;
        // The blocks of a coding unit: which part, its tables, and where in the unit.
        let mut blocks = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let (Some(dc), Some(ac)) = (part.dc, part.ac) else { return Err(ENDS_EARLY) };
            for row in 0..part.vertical {
                blocks.extend((0..part.horizontal).map(|column| (index, dc, ac, column, row)));
            }
        }
        let mut restarts = Restarts::new(grid);
        for y in 0..grid.down {
            for x in 0..grid.across {
                if restarts.is_due() {
                    codes = codes.restarted(restarts.next())?;
                    for part in &mut *parts {
                        part.predicted = 0;
                    }
                }
                for &(index, dc, ac, column, row) in &blocks {
                    let part = &mut parts[index];
                    codes.fill();
                    codes.dc(dc, &part.limits, &mut part.predicted)?;
                    if let Some(transformer) = &mut part.component.transformer {
                        let last = codes.block(ac, &part.limits, transformer)?;
                        let (column, row) = (x * part.horizontal + column, y * part.vertical + row);
                        transformer.end_block(part.predicted as i16, last, column as u32, row as u32);
                    } else {
                        codes.pass_block(ac, &part.limits)?;
                    }
                }
                codes.not_overdrawn()?;
            }
        }
        codes.end()
    }
}

wide_fn! {
    fn progressive_dc(scan: &Scan, parts: &mut [Part<'_>], grid: &Grid, codes: Codes<'_>) -> Result<usize, Fault> {
        let mut codes = codes;
        let mut restarts = Restarts::new(grid);
        for y in 0..grid.down {
            for x in 0..grid.across {
                if restarts.is_due() {
                    codes = codes.restarted(restarts.next())?;
                    for part in &mut *parts {
                        part.predicted = 0;
                    }
                }
                for part in &mut *parts {
                    let blocks = &mut part.component.blocks;
                    for i in 0..part.horizontal * part.vertical {
                        let (column, row) = (i % part.horizontal, i / part.horizontal);
                        let place = (y * part.vertical + row) * blocks.stride + x * part.horizontal + column;
                        codes.fill();
                        match part.dc {
                            Some(table) if scan.high == 0 => {
                                codes.dc(table, &part.limits, &mut part.predicted)?;
                                blocks.dc(place, part.predicted << scan.low);
                            }
                            _ => blocks.dc_bit(place, (codes.take(1) << scan.low) as i16),
                        }
                    }
                }
                codes.not_overdrawn()?;
            }
        }
        codes.end()
    }
}

wide_fn! {
    fn progressive_first(scan: &Scan, parts: &mut [Part<'_>], grid: &Grid, codes: Codes<'_>) -> Result<usize, Fault> {
        let mut codes = codes;
        let [Part { component: Component { blocks, .. }, ac: Some(table), limits, .. }] = parts else {
            return Err(ENDS_EARLY);
        };
        let mut restarts = Restarts::new(grid);
        // Blocks that the current run of ends still covers.
        let mut run = 0;
        for y in 0..grid.down {
            for x in 0..grid.across {
                if restarts.is_due() {
                    if run > 0 {
                        return Err(ENDS_EARLY);
                    }
                    codes = codes.restarted(restarts.next())?;
                }
                let place = y * blocks.stride + x;
                codes.first_pass(table, scan, limits, blocks, place, &mut run)?;
                codes.not_overdrawn()?;
            }
        }
        if run > 0 { Err(ENDS_EARLY) } else { codes.end() }
    }
}

wide_fn! {
    fn progressive_refined(scan: &Scan, parts: &mut [Part<'_>], grid: &Grid, codes: Codes<'_>) -> Result<usize, Fault> {
        let mut codes = codes;
        let [Part { component: Component { blocks, .. }, ac: Some(table), .. }] = parts else {
            return Err(ENDS_EARLY);
        };
        let mut restarts = Restarts::new(grid);
        let mut run = 0;
        for y in 0..grid.down {
            for x in 0..grid.across {
                if restarts.is_due() {
                    if run > 0 {
                        return Err(ENDS_EARLY);
                    }
                    codes = codes.restarted(restarts.next())?;
                }
                let place = y * blocks.stride + x;
                codes.refine(table, scan, blocks, place, &mut run)?;
                codes.not_overdrawn()?;
            }
        }
        if run > 0 { Err(ENDS_EARLY) } else { codes.end() }
    }
}
