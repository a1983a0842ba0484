//! A picture of a sheet by any device, fast enough for decks of thousands: one look per pixel, in whole numbers where that
//! is enough, textures from tables.
//!
//! The order is that of light: paper and print, lamp and shadows, lens, then what the device makes of it (a copier's
//! contrast and grit), then noise.

use std::sync::OnceLock;

use image::{GrayImage, RgbImage, imageops};

use super::lens::Lens;
use super::phone::Shade;
use crate::deck::DeckError;
use crate::deck::canvas::Canvas;
use crate::deck::encode::Tone;
use crate::deck::random::{Random, ease, smooth_noise};
use crate::geometry::{Point, Rect, Size};

/// How a device sees a sheet.
#[derive(Debug, Clone)]
pub struct Capture {
    /// The picture's size.
    pub size: Size,
    /// Where the paper's corners lie in the picture: top-left, top-right, bottom-right, bottom-left.
    pub corners: [Point; 4],
    /// What is seen beyond the paper.
    pub ground: Ground,
    /// Colour of the paper in full light; beyond 255 it is burnt out.
    pub white: [f64; 3],
    /// Depth of the paper's grain, as a part of its white.
    pub grain: f64,
    /// The light.
    pub light: Light,
    /// Deviation of the blur in pixels of the picture, 0: none.
    pub blur: f64,
    /// What a copier made of the sheet beforehand.
    pub copier: Option<Copier>,
    /// Deviation of the noise in gray levels.
    pub noise: f64,
    /// Whether it has colours.
    pub tone: Tone,
}

/// What is seen beyond the paper.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ground {
    /// Even: a scanner's lid.
    Even(u8),
    /// A desk of wood of this colour.
    Wood([u8; 3]),
}

/// How bright the places of a picture are.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Light {
    /// Change from left to right and from top to bottom, as a part of the whole.
    pub slope: (f64, f64),
    /// How much less light the corners get, as a part of the whole.
    pub vignette: f64,
    /// Shadows.
    pub shades: Vec<Shade>,
}

/// A photocopier: steeper contrast, grit, streaks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Copier {
    /// Reflection that comes out black, and that comes out white, 0 to 1.
    pub range: (f64, f64),
    /// Specks of toner per million pixels.
    pub specks: f64,
    /// Lines down the sheet from a scratched drum.
    pub streaks: u32,
}

/// A picture with or without colours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Picture {
    /// 8-bit gray.
    Gray(GrayImage),
    /// Three colours.
    Colour(RgbImage),
}

/// Pixels between the places at which light is computed; it is blended between them.
const LIGHT_STEP: usize = 16;
/// Side of the tables of textures, a power of two.
const TILE: usize = 512;
/// Entries of the table of noise, a power of two.
const NOISES: usize = 1 << 16;

impl Capture {
    /// Takes a picture of a sheet.
    ///
    /// # Errors
    /// [`DeckError::Corners`] if three of the paper's corners lie on a line.
    pub fn shoot(&self, sheet: &Canvas, random: &mut Random) -> Result<Picture, DeckError> {
        let Size { width, height } = self.size;
        match self.tone {
            Tone::Gray => {
                let gray = imageops::grayscale(sheet.picture());
                let pixels = self.expose::<1>(gray.as_raw(), gray.dimensions(), random)?;
                Ok(Picture::Gray(GrayImage::from_raw(width, height, pixels).unwrap_or_default()))
            }
            Tone::Colour => {
                let pixels = self.expose::<3>(sheet.picture().as_raw(), sheet.picture().dimensions(), random)?;
                Ok(Picture::Colour(RgbImage::from_raw(width, height, pixels).unwrap_or_default()))
            }
        }
    }

    fn expose<const C: usize>(
        &self,
        paper: &[u8],
        (paper_width, paper_height): (u32, u32),
        random: &mut Random,
    ) -> Result<Vec<u8>, DeckError> {
        let area = Rect::new(0, 0, paper_width, paper_height);
        let [a, b, w] = Lens::onto_paper(area, self.corners).ok_or(DeckError::Corners)?.matrix();
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let (pw, ph) = (paper_width as usize, paper_height as usize);
        let white: [f64; C] = std::array::from_fn(|c| if C == 1 { luma(self.white) } else { self.white[c] } / 255.0);
        let ground = self.ground_of::<C>();
        let (grain_tile, wood_tile) = (tiles().0.as_slice(), tiles().1.as_slice());
        let (grain_x, grain_y) = (random.below(TILE), random.below(TILE));
        let mut pixels = vec![0_u8; width * height * C];
        let mut lights = vec![0.0_f32; width.div_ceil(LIGHT_STEP) + 2];
        for (y, row) in pixels.chunks_exact_mut((width * C).max(1)).enumerate() {
            for (i, light) in lights.iter_mut().enumerate() {
                *light = self.brightness(Point::new((i * LIGHT_STEP) as f64, y as f64)) as f32;
            }
            let v = y as f64 + 0.5;
            let start = [a, b, w].map(|m| m[0] * 0.5 + m[1] * v + m[2]);
            for (x, pixel) in row.chunks_exact_mut(C).enumerate() {
                let [px, py, pw_] =
                    [(start[0], a[0]), (start[1], b[0]), (start[2], w[0])].map(|(s, d)| s + d * x as f64);
                let (px, py) = (px / pw_ - 0.5, py / pw_ - 0.5);
                let step = x / LIGHT_STEP;
                let part = (x % LIGHT_STEP) as f32 / LIGHT_STEP as f32;
                let light = lights[step] + (lights[step + 1] - lights[step]) * part;
                let seen = px > -1.0 && py > -1.0 && px < pw as f64 && py < ph as f64;
                if !seen {
                    let shadow = 1.0 - 0.35 * (1.0 - outside(px, py, pw as f64, ph as f64) / 20.0).max(0.0) as f32;
                    let wood = match self.ground {
                        Ground::Even(_) => 1.0,
                        Ground::Wood(_) => f32::from(wood_tile[(y % TILE) * TILE + x % TILE]) / 255.0 * shadow,
                    };
                    for (value, colour) in pixel.iter_mut().zip(ground) {
                        *value = (colour * wood * light + 0.5) as u8;
                    }
                    continue;
                }
                let texture = grain_tile[((y + grain_y) % TILE) * TILE + (x + grain_x) % TILE];
                let white_here = light * (1.0 - self.grain as f32 * f32::from(texture) / 255.0);
                // Whole numbers of a 256th from here on.
                let (fx, fy) = ((px.max(0.0) * 256.0) as usize, (py.max(0.0) * 256.0) as usize);
                let (x0, y0) = ((fx >> 8).min(pw - 1), (fy >> 8).min(ph - 1));
                let (x1, y1) = ((x0 + 1).min(pw - 1), (y0 + 1).min(ph - 1));
                let (fx, fy) = ((fx & 255) as u32, (fy & 255) as u32);
                let at = |x: usize, y: usize, c: usize| u32::from(paper[(y * pw + x) * C + c]);
                for (c, value) in pixel.iter_mut().enumerate() {
                    let upper = at(x0, y0, c) * (256 - fx) + at(x1, y0, c) * fx;
                    let lower = at(x0, y1, c) * (256 - fx) + at(x1, y1, c) * fx;
                    let print = (upper * (256 - fy) + lower * fy) >> 8;
                    *value = (print as f32 / 256.0 * white[c] as f32 * white_here + 0.5) as u8;
                }
            }
        }
        blur::<C>(&mut pixels, self.size, self.blur);
        if let Some(copier) = self.copier {
            copier.copy::<C>(&mut pixels, self.size, random);
        }
        add_noise::<C>(&mut pixels, self.noise, random);
        Ok(pixels)
    }

    fn ground_of<const C: usize>(&self) -> [f32; C] {
        let colour = match self.ground {
            Ground::Even(level) => [level; 3],
            Ground::Wood(colour) => colour,
        };
        std::array::from_fn(|c| if C == 1 { luma(colour.map(f64::from)) as f32 } else { f32::from(colour[c]) })
    }

    /// Light at a place of the picture; 1 at its middle, outside of shadows.
    fn brightness(&self, p: Point) -> f64 {
        let u = p.x / f64::from(self.size.width.max(1)) - 0.5;
        let v = p.y / f64::from(self.size.height.max(1)) - 0.5;
        let light = &self.light;
        let even = 1.0 + light.slope.0 * u + light.slope.1 * v - light.vignette * 2.0 * (u * u + v * v);
        light.shades.iter().fold(even, |light, shade| {
            let across = (p.x - shade.at.x) * shade.towards.0 + (p.y - shade.at.y) * shade.towards.1;
            light * (1.0 - shade.depth * ease(across / shade.width.max(1.0) + 0.5))
        })
    }
}

impl Copier {
    fn copy<const C: usize>(&self, pixels: &mut [u8], size: Size, random: &mut Random) {
        let (black, white) = (self.range.0 * 255.0, self.range.1 * 255.0);
        let table: Vec<u8> =
            (0..256).map(|v| ((f64::from(v) - black) / (white - black) * 255.0).round() as u8).collect();
        for value in pixels.iter_mut() {
            *value = table[usize::from(*value)];
        }
        let (width, height) = (size.width as usize, size.height as usize);
        if width == 0 || height == 0 {
            return;
        }
        for _ in 0..self.streaks {
            let (x, depth) = (random.below(width), random.between(0.06, 0.16));
            let (from, to) = (random.below(height), random.below(height));
            for y in from.min(to)..from.max(to) {
                darken::<C>(pixels, width, (x, y), depth);
            }
        }
        for _ in 0..(self.specks * (width * height) as f64 / 1e6) as usize {
            let (x, y) = (random.below(width) as f64, random.below(height) as f64);
            let (radius, depth) = (random.between(0.5, 1.7), random.between(0.25, 0.9));
            let reach = radius.ceil() as i64;
            for dy in -reach..=reach {
                for dx in -reach..=reach {
                    let (px, py) = (x as i64 + dx, y as i64 + dy);
                    let far = (dx * dx + dy * dy) as f64 > radius * radius;
                    if !far && (0..width as i64).contains(&px) && (0..height as i64).contains(&py) {
                        darken::<C>(pixels, width, (px as usize, py as usize), depth);
                    }
                }
            }
        }
    }
}

fn darken<const C: usize>(pixels: &mut [u8], width: usize, (x, y): (usize, usize), depth: f64) {
    for value in pixels.iter_mut().skip((y * width + x) * C).take(C) {
        *value = (f64::from(*value) * (1.0 - depth)) as u8;
    }
}

/// How far a place lies from a paper of this size.
fn outside(x: f64, y: f64, width: f64, height: f64) -> f64 {
    (-x).max(x - width).max(-y).max(y - height)
}

fn luma([r, g, b]: [f64; 3]) -> f64 {
    0.299 * r + 0.587 * g + 0.114 * b
}

/// Textures: the grain of paper and that of wood, 0 to 255 each, `TILE` × `TILE`.
fn tiles() -> &'static (Vec<u8>, Vec<u8>) {
    static TILES: OnceLock<(Vec<u8>, Vec<u8>)> = OnceLock::new();
    TILES.get_or_init(|| {
        let places = || (0..TILE * TILE).map(|i| ((i % TILE) as f64, (i / TILE) as f64));
        let grain = places().map(|(x, y)| (255.0 * smooth_noise(11, x / 2.6, y / 2.6)) as u8).collect();
        let wood = places().map(|(x, y)| {
            let (fine, broad) = (smooth_noise(12, x / 240.0, y / 7.0), smooth_noise(13, x / 500.0, y / 60.0));
            (255.0 * (0.75 + 0.1 * fine + 0.15 * broad)) as u8
        });
        (grain, wood.collect())
    })
}

/// Numbers of deviation 1, in 32nds.
fn noises() -> &'static [i8] {
    static NOISE: OnceLock<Vec<i8>> = OnceLock::new();
    NOISE.get_or_init(|| {
        let mut random = Random::new(14);
        (0..NOISES).map(|_| (32.0 * random.normal()).clamp(-127.0, 127.0) as i8).collect()
    })
}

/// Sensor noise, mostly the same in all colours.
fn add_noise<const C: usize>(pixels: &mut [u8], deviation: f64, random: &mut Random) {
    let table = noises();
    // In 1024ths of a gray level per 32nd.
    let strength = (deviation * 32.0).round() as i32;
    if strength == 0 {
        return;
    }
    // Runs of a prime length begin anywhere in the table, so that nothing repeats from row to row.
    for run in pixels.chunks_mut(997 * C) {
        let start = random.bits() as usize;
        for (i, pixel) in run.chunks_mut(C).enumerate() {
            let common = i32::from(table[(start.wrapping_add(i)) % NOISES]);
            for (c, value) in pixel.iter_mut().enumerate() {
                let own = if C == 1 { 0 } else { i32::from(table[(start.wrapping_add(7919 * (c + 1) + i)) % NOISES]) };
                let change = (common * strength + own * strength * 2 / 5 + 512) >> 10;
                *value = (i32::from(*value) + change).clamp(0, 255) as u8;
            }
        }
    }
}

/// A blur of this deviation: three running means in each direction, which is close to a Gaussian (P. Kovesi, "Fast Almost-
/// Gaussian Filtering", 2010). The edge goes on outside.
fn blur<const C: usize>(pixels: &mut [u8], size: Size, deviation: f64) {
    // A window of n pixels has variance (n² − 1) / 12; three of them are wanted to have the square of the deviation.
    let window = ((4.0 * deviation * deviation + 1.0).sqrt().round().min(199.0) as usize) | 1;
    if window < 3 {
        return soften::<C>(pixels, size, deviation);
    }
    let stride = size.width as usize * C;
    let mut before = vec![0_u8; stride];
    for row in pixels.chunks_exact_mut(stride.max(1)) {
        for _ in 0..3 {
            before.copy_from_slice(row);
            means_along::<C>(&before, row, window);
        }
    }
    for _ in 0..3 {
        let before = pixels.to_vec();
        means_down(&before, pixels, stride, window);
    }
}

/// A factor by which sums of `window` values become means, in 65536ths.
const fn part_of(window: usize) -> u32 {
    (65_536 + window as u32 / 2) / window as u32
}

/// Means of `window` pixels of a row.
fn means_along<const C: usize>(from: &[u8], to: &mut [u8], window: usize) {
    let (half, count) = (window / 2, from.len() / C);
    let Some(last) = count.checked_sub(1) else { return };
    let part = part_of(window);
    for c in 0..C {
        let value = |i: usize| u32::from(from[i.min(last) * C + c]);
        let mut sum = value(0) * half as u32 + (0..=half).map(value).sum::<u32>();
        for i in 0..count {
            to[i * C + c] = ((sum * part + 32_768) >> 16).min(255) as u8;
            sum = sum + value(i + 1 + half) - value(i.saturating_sub(half));
        }
    }
}

/// Means of `window` rows.
fn means_down(from: &[u8], to: &mut [u8], stride: usize, window: usize) {
    let (half, count) = (window / 2, from.len() / stride.max(1));
    let Some(last) = count.checked_sub(1) else { return };
    let part = part_of(window);
    let row = |i: usize| &from[i.min(last) * stride..][..stride];
    let mut sums: Vec<u32> = row(0).iter().map(|&v| u32::from(v) * half as u32).collect();
    for i in 0..=half {
        sums.iter_mut().zip(row(i)).for_each(|(sum, &v)| *sum += u32::from(v));
    }
    for (i, out) in to.chunks_exact_mut(stride.max(1)).enumerate() {
        let (next, past) = (row(i + 1 + half), row(i.saturating_sub(half)));
        for (((out, sum), &next), &past) in out.iter_mut().zip(&mut sums).zip(next).zip(past) {
            *out = ((*sum * part + 32_768) >> 16).min(255) as u8;
            *sum = *sum + u32::from(next) - u32::from(past);
        }
    }
}

/// A blur of less than a pixel: the kernel k, 1 − 2k, k with 2k the variance.
fn soften<const C: usize>(pixels: &mut [u8], size: Size, deviation: f64) {
    let k = (128.0 * deviation * deviation).round().min(85.0) as u32;
    if k == 0 {
        return;
    }
    let (width, height) = (size.width as usize, size.height as usize);
    let stride = width * C;
    let mix = |a: u8, b: u8, c: u8| ((u32::from(a) + u32::from(c)) * k + u32::from(b) * (256 - 2 * k) + 128) >> 8;
    let mut before = vec![0_u8; stride];
    for row in pixels.chunks_exact_mut(stride.max(1)) {
        before.copy_from_slice(row);
        for i in 0..stride {
            let left = before[if i >= C { i - C } else { i }];
            let right = before[if i + C < stride { i + C } else { i }];
            row[i] = mix(left, before[i], right) as u8;
        }
    }
    before.copy_from_slice(&pixels[..stride.min(pixels.len())]);
    for y in 0..height {
        for i in 0..stride {
            let here = pixels[y * stride + i];
            let after = if y + 1 < height { pixels[(y + 1) * stride + i] } else { here };
            pixels[y * stride + i] = mix(before[i], here, after) as u8;
            before[i] = here;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deck::canvas::Ink;

    fn capture(size: Size) -> Capture {
        let (right, bottom) = (f64::from(size.width), f64::from(size.height));
        Capture {
            size,
            corners: [(0.0, 0.0), (right, 0.0), (right, bottom), (0.0, bottom)].map(|(x, y)| Point::new(x, y)),
            ground: Ground::Even(40),
            white: [255.0; 3],
            grain: 0.0,
            light: Light::default(),
            blur: 0.0,
            copier: None,
            noise: 0.0,
            tone: Tone::Gray,
        }
    }

    fn gray(capture: &Capture, sheet: &Canvas, seed: u64) -> GrayImage {
        match capture.shoot(sheet, &mut Random::new(seed)).unwrap() {
            Picture::Gray(gray) => gray,
            Picture::Colour(_) => panic!("a gray picture was asked for"),
        }
    }

    #[test]
    fn a_straight_picture_is_the_paper() {
        let mut sheet = Canvas::new(Rect::new(-10, -10, 60, 80), 1.0);
        sheet.block(Point::new(20.0, 30.0), (5.0, 5.0), Ink::gray(0));
        let picture = gray(&capture(Size::new(60, 80)), &sheet, 1);
        for (x, y, pixel) in picture.enumerate_pixels() {
            let inside = (25..35).contains(&x) && (35..45).contains(&y);
            assert_eq!(pixel.0, [if inside { 0 } else { 255 }], "{x} {y}");
        }
        let colour = Capture { tone: Tone::Colour, ..capture(Size::new(60, 80)) };
        let Picture::Colour(colour) = colour.shoot(&sheet, &mut Random::new(1)).unwrap() else { panic!() };
        assert_eq!(imageops::grayscale(&colour), picture);
    }

    #[test]
    fn beyond_the_paper_is_the_ground() {
        let sheet = Canvas::new(Rect::new(0, 0, 40, 40), 1.0);
        let corners = [(20.0, 20.0), (80.0, 20.0), (80.0, 80.0), (20.0, 80.0)].map(|(x, y)| Point::new(x, y));
        let picture = gray(&Capture { corners, ..capture(Size::new(100, 100)) }, &sheet, 1);
        assert_eq!([(5, 5), (50, 50), (95, 40)].map(|(x, y)| picture.get_pixel(x, y).0[0]), [40, 255, 40]);
    }

    #[test]
    fn a_blur_keeps_the_mean_and_has_its_deviation() {
        for deviation in [0.4, 1.5, 4.0] {
            let mut pixels = vec![0_u8; 101 * 101];
            for y in 0..101 {
                pixels[y * 101 + 50] = 250;
                pixels[y * 101 + 49] = 250;
                pixels[y * 101 + 51] = 250;
            }
            blur::<1>(&mut pixels, Size::new(101, 101), deviation);
            let row = &pixels[50 * 101..51 * 101];
            let sum: f64 = row.iter().map(|&v| f64::from(v)).sum();
            let spread = |(x, &v): (usize, &u8)| f64::from(v) * (x as f64 - 50.0).powi(2);
            // Three columns have variance 2/3 before.
            let variance = row.iter().enumerate().map(spread).sum::<f64>() / sum - 2.0 / 3.0;
            assert!((sum - 750.0).abs() < 30.0, "{deviation}: {sum}");
            assert!((variance.sqrt() - deviation).abs() < 0.15 * deviation + 0.1, "{deviation}: {}", variance.sqrt());
        }
    }

    #[test]
    fn noise_has_its_deviation() {
        let mut pixels = vec![128_u8; 300 * 1000];
        add_noise::<3>(&mut pixels, 3.0, &mut Random::new(3));
        let deviation = pixels.iter().map(|&v| (f64::from(v) - 128.0).powi(2)).sum::<f64>() / pixels.len() as f64;
        assert!((2.8..3.6).contains(&deviation.sqrt()), "{}", deviation.sqrt());
    }

    #[test]
    fn a_shade_darkens_its_side_and_a_copier_cuts_grays() {
        let sheet = Canvas::new(Rect::new(0, 0, 100, 100), 1.0);
        let shade = Shade { at: Point::new(50.0, 50.0), towards: (1.0, 0.0), width: 4.0, depth: 0.3 };
        let light = Light { shades: vec![shade], ..Light::default() };
        let picture = gray(&Capture { light: light.clone(), ..capture(Size::new(100, 100)) }, &sheet, 1);
        assert_eq!((picture.get_pixel(10, 50).0[0], picture.get_pixel(90, 50).0[0]), (255, 179));
        let copier = Some(Copier { range: (0.0, 0.7), specks: 0.0, streaks: 0 });
        let copy = gray(&Capture { light, copier, ..capture(Size::new(100, 100)) }, &sheet, 1);
        assert!(copy.pixels().all(|p| p.0[0] >= 254));
    }
}
