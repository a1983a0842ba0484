//! The surroundings of bubbles, laid over each other.

use image::GrayImage;

pub(super) use crate::sheet::align::lattice::Ink;

impl Ink {
    /// The same without a limit but black: marks count for what they are.
    pub fn of_marks(self) -> Self {
        Self { paper: self.paper, cap: self.paper.max(1) }
    }

    /// 0: paper, 1: as dark as it counts.
    fn of_gray(self, gray: u8) -> f32 {
        f32::from(self.paper.saturating_sub(gray).min(self.cap)) / f32::from(self.cap)
    }
}

/// Mean ink around a bubble's box. The middle of the box is the middle of the patch.
#[derive(Debug, Clone)]
pub(super) struct Patch {
    pub width: usize,
    pub height: usize,
    pub ink: Vec<f32>,
}

/// The patch reaches beyond the box by this part of the bubble, besides the reach of the search: an outline that is larger
/// than its box, and what tells it from more print.
const RIM: f64 = 0.6;

/// No bubble is so large that its surroundings have more pixels.
const MOST_PIXELS: usize = 1 << 23;

impl Patch {
    /// Lays the surroundings of the boxes whose top-left corners are `places` over each other. `None` if no box lies on the
    /// page with its surroundings.
    pub fn mean(
        page: &GrayImage,
        places: &[(f64, f64)],
        size: (u32, u32),
        reach: (f64, f64),
        ink: &Ink,
    ) -> Option<Self> {
        let margin = |side: u32, reach: f64| (f64::from(side) * (reach + RIM)).ceil() as usize + 2;
        let (mx, my) = (margin(size.0, reach.0), margin(size.1, reach.1));
        let (width, height) = (size.0 as usize + 2 * mx, size.1 as usize + 2 * my);
        if width.saturating_mul(height) > MOST_PIXELS {
            return None;
        }
        let mut sums = vec![0.0f32; width * height];
        let mut counts = vec![0.0f32; width * height];
        for &(x, y) in places {
            add(page, (x - mx as f64, y - my as f64), (width, height), ink, &mut sums, &mut counts);
        }
        if counts.iter().all(|&c| c == 0.0) {
            return None;
        }
        for (sum, count) in sums.iter_mut().zip(&counts) {
            *sum = if *count > 0.0 { *sum / count } else { 0.0 };
        }
        Some(Self { width, height, ink: sums })
    }

    /// Mean ink at a place between pixels, the middle of the patch being (0, 0); beyond the patch that of its edge.
    pub fn at(&self, x: f64, y: f64) -> f32 {
        let column = |v: f64, count: usize| (v + (count as f64 - 1.0) / 2.0).clamp(0.0, count as f64 - 1.0);
        let (x, y) = (column(x, self.width), column(y, self.height));
        let (i, j) = ((x as usize).min(self.width.saturating_sub(2)), (y as usize).min(self.height.saturating_sub(2)));
        let (u, v) = ((x - i as f64) as f32, (y - j as f64) as f32);
        let get = |i: usize, j: usize| self.ink.get(j * self.width + i).copied().unwrap_or(0.0);
        let above = get(i, j) * (1.0 - u) + get(i + 1, j) * u;
        let below = get(i, j + 1) * (1.0 - u) + get(i + 1, j + 1) * u;
        above * (1.0 - v) + below * v
    }
}

/// Adds the pixels from the place `(x, y)` on, which may lie between pixels.
fn add(
    page: &GrayImage,
    (x, y): (f64, f64),
    (width, height): (usize, usize),
    ink: &Ink,
    sums: &mut [f32],
    counts: &mut [f32],
) {
    if !(x.abs() < 1e6 && y.abs() < 1e6) {
        return;
    }
    let (left, top) = (x.floor(), y.floor());
    let (u, v) = ((x - left) as f32, (y - top) as f32);
    let (left, top) = (left as i64, top as i64);
    let gray = |x: i64, y: i64| -> Option<f32> {
        let inside = x >= 0 && y >= 0 && x < i64::from(page.width()) && y < i64::from(page.height());
        inside.then(|| ink.of_gray(page.get_pixel(x as u32, y as u32).0[0]))
    };
    for j in 0..height {
        for i in 0..width {
            let (px, py) = (left + i as i64, top + j as i64);
            let Some(here) = gray(px, py) else { continue };
            let value = if u == 0.0 && v == 0.0 {
                here
            } else {
                let right = gray(px + 1, py).unwrap_or(here);
                let below = gray(px, py + 1).unwrap_or(here);
                let across = gray(px + 1, py + 1).unwrap_or(here);
                (here * (1.0 - u) + right * u) * (1.0 - v) + (below * (1.0 - u) + across * u) * v
            };
            sums[j * width + i] += value;
            counts[j * width + i] += 1.0;
        }
    }
}

/// Those boxes, by number, in which nothing but print is, given how far it lies from them.
pub(super) fn unmarked(
    page: &GrayImage,
    places: &[(f64, f64)],
    size: (u32, u32),
    shift: (f64, f64),
    ink: &Ink,
) -> Vec<usize> {
    /// A mark covers this much more of a bubble than its letter.
    const MARK: f32 = 0.15;
    let core = |&(x, y): &(f64, f64)| {
        // Within the outline.
        let inner = (f64::from(size.0) * 0.7, f64::from(size.1) * 0.7);
        let left = x + shift.0 + (f64::from(size.0) - inner.0) / 2.0;
        let top = y + shift.1 + (f64::from(size.1) - inner.1) / 2.0;
        let (x0, x1) = (left.round() as i64, (left + inner.0).round() as i64);
        let (y0, y1) = (top.round() as i64, (top + inner.1).round() as i64);
        let (mut sum, mut count) = (0.0f32, 0.0f32);
        for y in y0.max(0)..y1.min(i64::from(page.height())) {
            for x in x0.max(0)..x1.min(i64::from(page.width())) {
                sum += ink.of_gray(page.get_pixel(x as u32, y as u32).0[0]);
                count += 1.0;
            }
        }
        if count > 0.0 { sum / count } else { 1.0 }
    };
    let cores: Vec<f32> = places.iter().map(core).collect();
    let mut sorted = cores.clone();
    sorted.sort_by(f32::total_cmp);
    // In every field more bubbles are blank than marked, but for small fields.
    let typical = sorted.get(sorted.len() * 2 / 5).copied().unwrap_or(0.0);
    cores.iter().enumerate().filter(|(_, core)| **core <= typical + MARK).map(|(i, _)| i).collect()
}
