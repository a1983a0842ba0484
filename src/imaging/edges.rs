//! Edge detection.

use image::GrayImage;

use super::dispatch::wide_fn;
use super::{pixels, pixels_mut};

/// A local maximum above the low threshold that is not yet known to touch a strong one.
const CANDIDATE: u8 = 1;
const EDGE: u8 = 255;

/// Canny edges: 255 on edges, 0 elsewhere. The picture is not smoothed first.
///
/// The gradient is the 3×3 Sobel operator with the border pixels repeated; its magnitude is |dx| + |dy|, and 0 outside of
/// the picture. A pixel above the lower threshold is a candidate if it is a local maximum across the edge, in one of four
/// directions (told apart in fixed point); ties go to the left or upper pixel. Edges are the candidates above the higher
/// threshold and all that touch them, also diagonally, through candidates. The thresholds may come in either order.
pub fn canny(src: &GrayImage, low: i32, high: i32) -> GrayImage {
    let (low, high) = (low.min(high), low.max(high));
    let mut dst = GrayImage::new(src.width(), src.height());
    let width = src.width() as usize;
    let input = pixels(src);
    if input.is_empty() {
        return dst;
    }
    let height = input.len() / width;
    let strong = mark_candidates(input, pixels_mut(&mut dst), width, low, high);
    grow(pixels_mut(&mut dst), width, height, strong);
    pixels_mut(&mut dst).iter_mut().for_each(|v| *v &= if *v == CANDIDATE { 0 } else { 255 });
    dst
}

/// Gradients of one row.
#[derive(Clone)]
struct Gradients {
    dx: Vec<i16>,
    dy: Vec<i16>,
    /// |dx| + |dy|, with a 0 before and after the row.
    magnitude: Vec<i16>,
}

/// Buffers to compute the gradients of a row; values stay below 2^11.
struct Sobel {
    /// The three rows summed with weights 1 2 1, and the lower minus the upper row; the end pixels are repeated once.
    smooth: Vec<i16>,
    slope: Vec<i16>,
}

impl Sobel {
    fn new(width: usize) -> Self {
        Self { smooth: vec![0; width + 2], slope: vec![0; width + 2] }
    }

    fn row(&mut self, [upper, middle, lower]: [&[u8]; 3], out: &mut Gradients) {
        let Self { smooth, slope } = self;
        sobel_row(upper, middle, lower, smooth, slope, out);
    }
}

wide_fn! {
    fn sobel_row(
        upper: &[u8],
        middle: &[u8],
        lower: &[u8],
        smooth: &mut [i16],
        slope: &mut [i16],
        out: &mut Gradients,
    ) {
        let width = middle.len();
        let (upper, lower) = (&upper[..width], &lower[..width]);
        let (smooth, slope) = (&mut smooth[..width + 2], &mut slope[..width + 2]);
        for x in 0..width {
            let (a, b, c) = (i16::from(upper[x]), i16::from(middle[x]), i16::from(lower[x]));
            smooth[x + 1] = a + 2 * b + c;
            slope[x + 1] = c - a;
        }
        (smooth[0], smooth[width + 1]) = (smooth[1], smooth[width]);
        (slope[0], slope[width + 1]) = (slope[1], slope[width]);
        let Gradients { dx, dy, magnitude } = out;
        let (dx, dy, magnitude) = (&mut dx[..width], &mut dy[..width], &mut magnitude[..width + 2]);
        for x in 0..width {
            dx[x] = smooth[x + 2] - smooth[x];
            dy[x] = slope[x] + 2 * slope[x + 1] + slope[x + 2];
            magnitude[x + 1] = dx[x].abs() + dy[x].abs();
        }
    }
}

/// Marks candidates and strong pixels in `dst`; returns the places of the strong ones. Three rows of gradients are kept.
fn mark_candidates(src: &[u8], dst: &mut [u8], width: usize, low: i32, high: i32) -> Vec<usize> {
    let height = src.len() / width;
    // Magnitudes are below 2^12, so nothing is lost; −1 lets every pixel be a candidate.
    let (low, high) = (low.clamp(-1, 1 << 12) as i16, high.clamp(-1, 1 << 12) as i16);
    let source_row = |y: usize| &src[y * width..(y + 1) * width];
    let mut sobel = Sobel::new(width);
    let empty = Gradients { dx: vec![0; width], dy: vec![0; width], magnitude: vec![0; width + 2] };
    let [mut above, mut here, mut below] = [empty.clone(), empty.clone(), empty];
    let mut strong = Vec::new();
    for y in 0..=height {
        if y < height {
            let rows = [source_row(y.saturating_sub(1)), source_row(y), source_row((y + 1).min(height - 1))];
            sobel.row(rows, &mut below);
        } else {
            below.magnitude.fill(0);
        }
        if y > 0 {
            let start = (y - 1) * width;
            let out = &mut dst[start..start + width];
            mark_row(&above.magnitude, &here, &below.magnitude, (low, high), out, start, &mut strong);
        }
        std::mem::swap(&mut above, &mut here);
        std::mem::swap(&mut here, &mut below);
    }
    strong
}

/// Pixels that are looked at together, to pass quickly over even areas.
const CHUNK: usize = 16;

wide_fn! {
    /// Marks the candidates of the middle one of three rows of magnitudes, each of which has a 0 before and after it, and adds the
    /// places of the strong ones to `strong`; the first pixel's place is `start`.
    fn mark_row(
        above: &[i16],
        here: &Gradients,
        below: &[i16],
        thresholds: (i16, i16),
        out: &mut [u8],
        start: usize,
        strong: &mut Vec<usize>,
    ) {
        let (low, _) = thresholds;
        let width = out.len();
        if width < CHUNK {
            // Too narrow a row: it is laid into a wider one.
            let mut rows = [[0; CHUNK + 2]; 3];
            let mut slopes = [[0; CHUNK]; 2];
            for (to, from) in rows.iter_mut().zip([above, &here.magnitude, below]) {
                to[..width + 2].copy_from_slice(&from[..width + 2]);
            }
            for (to, from) in slopes.iter_mut().zip([&here.dx, &here.dy]) {
                to[..width].copy_from_slice(&from[..width]);
            }
            let marks = marks_of(rows.each_ref(), slopes.each_ref(), thresholds);
            out.copy_from_slice(&marks[..width]);
            add_strong(&marks[..width], start, strong);
            return;
        }
        let mut x = 0;
        while x < width {
            // The last chunk begins earlier, so that it is whole; what was marked is then marked once more.
            let first = x.min(width - CHUNK);
            let done = x - first;
            x += CHUNK;
            let Some(middle) = here.magnitude[first..].first_chunk::<{ CHUNK + 2 }>() else { return };
            let mut any = 0;
            for i in 0..CHUNK {
                any |= -i16::from(middle[i + 1] > low);
            }
            if any == 0 {
                continue;
            }
            if let (Some(above), Some(below), Some(dx), Some(dy)) = (
                above[first..].first_chunk(),
                below[first..].first_chunk(),
                here.dx[first..].first_chunk(),
                here.dy[first..].first_chunk(),
            ) {
                let marks = marks_of([above, middle, below], [dx, dy], thresholds);
                out[first..first + CHUNK].copy_from_slice(&marks);
                add_strong(&marks[done..], start + first + done, strong);
            }
        }
    }
}

/// Adds the places of strong pixels among those from `start` on.
#[inline(always)]
fn add_strong(marks: &[u8], start: usize, strong: &mut Vec<usize>) {
    if !marks.contains(&EDGE) {
        return;
    }
    for (i, &mark) in marks.iter().enumerate() {
        if mark == EDGE {
            strong.push(start + i);
        }
    }
}

/// The marks of pixels whose magnitudes, with those left and right of them, are the middle one of three rows: each magnitude
/// is compared with its two neighbours in the direction of the gradient. All directions are tried, which is faster than to branch.
#[inline(always)]
fn marks_of(rows: [&[i16; CHUNK + 2]; 3], [dx, dy]: [&[i16; CHUNK]; 2], (low, high): (i16, i16)) -> [u8; CHUNK] {
    // tan 22.5° with 15 fractional bits; tan 67.5° is larger by exactly 2.
    const TAN_22: i32 = 13573;
    let [above, here, below] = rows;
    // Each step is a loop of its own over numbers of one kind, and truths are 0 or −1: that is what compilers turn into vectors.
    let mut kinds = [[0i16; CHUNK]; 2];
    for x in 0..CHUNK {
        let (run, rise) = (i32::from(dx[x]).abs(), i32::from(dy[x]).abs() << 15);
        let flat = run * TAN_22;
        kinds[0][x] = -i16::from(rise < flat);
        kinds[1][x] = -i16::from(rise > flat + (run << 16));
    }
    let mut largest = [0i16; CHUNK];
    for x in 0..CHUNK {
        // Magnitudes are stored from column −1 on.
        let (left, at, right) = (x, x + 1, x + 2);
        let magnitude = here[at];
        let across = -i16::from(magnitude > here[left]) & -i16::from(magnitude >= here[right]);
        let down = -i16::from(magnitude > above[at]) & -i16::from(magnitude >= below[at]);
        let rising = -i16::from(magnitude > above[right]) & -i16::from(magnitude > below[left]);
        let falling = -i16::from(magnitude > above[left]) & -i16::from(magnitude > below[right]);
        let is_rising = (dx[x] ^ dy[x]) >> 15;
        let sloping = (rising & is_rising) | (falling & !is_rising);
        let (is_flat, is_steep) = (kinds[0][x], kinds[1][x]);
        let is_largest = (across & is_flat) | (down & is_steep) | (sloping & !(is_flat | is_steep));
        largest[x] = is_largest & -i16::from(magnitude > low);
    }
    let mut marks = [0; CHUNK];
    for x in 0..CHUNK {
        let strong = -i16::from(here[x + 1] > high);
        marks[x] = (largest[x] & (i16::from(CANDIDATE) | strong)) as u8;
    }
    marks
}

/// Turns all candidates that touch an edge pixel into edge pixels.
fn grow(dst: &mut [u8], width: usize, height: usize, mut edges: Vec<usize>) {
    while let Some(at) = edges.pop() {
        // Places of a picture fit 32 bits, for which processors divide faster.
        let (x, y) = ((at as u32 % width as u32) as usize, (at as u32 / width as u32) as usize);
        for y in y.saturating_sub(1)..(y + 2).min(height) {
            for x in x.saturating_sub(1)..(x + 2).min(width) {
                let neighbour = y * width + x;
                if dst[neighbour] == CANDIDATE {
                    dst[neighbour] = EDGE;
                    edges.push(neighbour);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use image::Luma;
    use imageproc::gray_image;
    use proptest::prelude::*;

    use super::*;
    use crate::imaging::arbitrary::{flat_picture, picture};

    /// From the formulas, one pixel at a time.
    fn plain(src: &GrayImage, low: i32, high: i32) -> GrayImage {
        let (w, h) = (src.width() as i32, src.height() as i32);
        let p = |x: i32, y: i32| i32::from(src.get_pixel(x.clamp(0, w - 1) as u32, y.clamp(0, h - 1) as u32).0[0]);
        let gradient = |x: i32, y: i32| {
            let dx = p(x + 1, y - 1) + 2 * p(x + 1, y) + p(x + 1, y + 1)
                - p(x - 1, y - 1)
                - 2 * p(x - 1, y)
                - p(x - 1, y + 1);
            let dy = p(x - 1, y + 1) + 2 * p(x, y + 1) + p(x + 1, y + 1)
                - p(x - 1, y - 1)
                - 2 * p(x, y - 1)
                - p(x + 1, y - 1);
            (dx, dy)
        };
        let inside = |x: i32, y: i32| (0..w).contains(&x) && (0..h).contains(&y);
        let magnitude = |x: i32, y: i32| if inside(x, y) { gradient(x, y).0.abs() + gradient(x, y).1.abs() } else { 0 };
        let candidate = |x: i32, y: i32| {
            let ((dx, dy), m) = (gradient(x, y), magnitude(x, y));
            let (run, rise) = (dx.abs(), dy.abs() << 15);
            let s = if (dx ^ dy) < 0 { -1 } else { 1 };
            m > low
                && if rise < run * 13573 {
                    m > magnitude(x - 1, y) && m >= magnitude(x + 1, y)
                } else if rise > run * 13573 + (run << 16) {
                    m > magnitude(x, y - 1) && m >= magnitude(x, y + 1)
                } else {
                    m > magnitude(x - s, y - 1) && m > magnitude(x + s, y + 1)
                }
        };
        let candidates: Vec<_> =
            (0..h).flat_map(|y| (0..w).map(move |x| (x, y))).filter(|&(x, y)| candidate(x, y)).collect();
        let mut edges: Vec<_> = candidates.iter().copied().filter(|&(x, y)| magnitude(x, y) > high).collect();
        loop {
            let touches = |&&(x, y): &&(i32, i32)| edges.iter().any(|&(a, b)| (a - x).abs() <= 1 && (b - y).abs() <= 1);
            let more: Vec<_> = candidates.iter().filter(|p| !edges.contains(p)).filter(touches).copied().collect();
            if more.is_empty() {
                break;
            }
            edges.extend(more);
        }
        GrayImage::from_fn(src.width(), src.height(), |x, y| {
            Luma([if edges.contains(&(x as i32, y as i32)) { 255 } else { 0 }])
        })
    }

    #[test]
    fn a_step_is_one_pixel_wide() {
        let src = gray_image!(0, 0, 0, 200, 200, 200; 0, 0, 0, 200, 200, 200; 0, 0, 0, 200, 200, 200);
        let want = gray_image!(0, 0, 255, 0, 0, 0; 0, 0, 255, 0, 0, 0; 0, 0, 255, 0, 0, 0);
        assert_eq!(canny(&src, 55, 185), want);
        assert_eq!(canny(&src, 185, 55), want);
    }

    #[test]
    fn an_even_picture_has_no_edges() {
        assert_eq!(canny(&GrayImage::from_pixel(5, 4, Luma([99])), 55, 185), GrayImage::new(5, 4));
    }

    proptest! {
        #[test]
        fn fast_equals_plain(
            src in prop_oneof![picture(24, 12), flat_picture(24, 12)], low in -2..900i32, high in -2..900i32,
        ) {
            let (low, high) = (low.min(high), low.max(high));
            let want = if src.is_empty() { src.clone() } else { plain(&src, low, high) };
            prop_assert_eq!(canny(&src, low, high), want);
        }
    }
}
