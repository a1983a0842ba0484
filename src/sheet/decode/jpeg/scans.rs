//! A Huffman-coded scan, read and checked in one walk.
//!
//! JPEG has no checksum, and a decoder reads nearly any bytes as some picture. But damage throws the codes out of step:
//! they no longer end, block for block, where the next marker stands, or they name coefficients that no picture has.
//! This is looked for in all components, also in those whose pixels nobody wants: their codes are passed over, many at once.

use super::codes::{Codes, Limits};
use super::fault::{ENDS_EARLY, Fault};
use super::file::Component;
use super::headers::{Headers, RESTART_0, Scan};
use super::huffman::Table;
use crate::imaging::dispatch::wide_fn;

/// Walks over the scan whose codes start at `at`; where they end.
pub fn walk(
    headers: &Headers<'_>,
    components: &mut [Component],
    scan: &Scan,
    bytes: &[u8],
    at: usize,
) -> Result<usize, Fault> {
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
        let component = std::mem::take(&mut components[index]);
        parts.push(Part { component, horizontal, vertical, dc, ac, limits, predicted: 0 });
    }
    let grid = Grid { across, down, restart_interval: headers.restart_interval };
    let codes = Codes::new(bytes, at);
    let end = match (headers.progressive, scan.first, scan.high) {
        (false, ..) => sequential(&mut parts, &grid, codes),
        (true, 0, _) => progressive_dc(scan, &mut parts, &grid, codes),
        (true, _, 0) => progressive_ac::<true>(scan, &mut parts, &grid, codes),
        (true, ..) => progressive_ac::<false>(scan, &mut parts, &grid, codes),
    };
    for (part, &(index, ..)) in parts.into_iter().zip(&scan.parts) {
        components[index] = part.component;
    }
    end
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

    /// Behind the marker that is due, where all predictions begin anew.
    #[cold]
    fn pass<'a>(&mut self, codes: Codes<'a>, parts: &mut [Part<'_>]) -> Result<Codes<'a>, Fault> {
        for part in parts {
            part.predicted = 0;
        }
        codes.restarted(self.next())
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
                    codes = restarts.pass(codes, parts)?;
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
                    codes = restarts.pass(codes, parts)?;
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
    /// The AC coefficients of a component: the first bits of them, or one more of each.
    fn progressive_ac[const IS_FIRST: bool](
        scan: &Scan,
        parts: &mut [Part<'_>],
        grid: &Grid,
        codes: Codes<'_>,
    ) -> Result<usize, Fault> {
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
                if IS_FIRST {
                    codes.first_pass(table, scan, limits, blocks, place, &mut run)?;
                } else {
                    codes.refine(table, scan, blocks, place, &mut run)?;
                }
                codes.not_overdrawn()?;
            }
        }
        if run > 0 { Err(ENDS_EARLY) } else { codes.end() }
    }
}
