//! Light on the way to a picture: values before they are rounded to pixels.

use image::{Rgb, RgbImage};

use crate::deck::random::Random;
use crate::geometry::{Point, Size};

/// Red, green and blue, 0 to 255 and beyond.
pub type Light = [f64; 3];

/// A picture that is not yet cut to 8 bits.
#[derive(Debug)]
pub struct Exposure {
    size: Size,
    light: Vec<Light>,
}

/// Places in a pixel where it is measured: the mean of four spots smooths edges.
const SPOTS: [(f64, f64); 4] = [(-0.25, -0.25), (0.25, -0.25), (-0.25, 0.25), (0.25, 0.25)];

impl Exposure {
    /// Exposes every pixel to `light`, a function of the place in the picture; whole numbers are pixel centres.
    pub fn expose(size: Size, light: impl Fn(Point) -> Light) -> Self {
        let places = (0..size.height).flat_map(|y| (0..size.width).map(move |x| (f64::from(x), f64::from(y))));
        let pixel = |(x, y): (f64, f64)| {
            let mut sum = [0.0; 3];
            for (dx, dy) in SPOTS {
                for (total, part) in sum.iter_mut().zip(light(Point::new(x + dx, y + dy))) {
                    *total += part / SPOTS.len() as f64;
                }
            }
            sum
        };
        Self { size, light: places.map(pixel).collect() }
    }

    /// Softens the picture `times` over with the kernel 1 2 1 in both directions; the edge goes on outside.
    pub fn blur(&mut self, times: u32) {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        for _ in 0..times {
            for row in self.light.chunks_exact_mut(width.max(1)) {
                soften(row.len(), row, |i| i);
            }
            for column in 0..width {
                soften(height, &mut self.light, |i| i * width + column);
            }
        }
    }

    /// Adds sensor noise of deviation `noise`, mostly the same in all colours, and rounds to 8 bits.
    pub fn develop(self, noise: f64, random: &mut Random) -> RgbImage {
        let mut picture = RgbImage::new(self.size.width, self.size.height);
        for (pixel, light) in picture.pixels_mut().zip(self.light) {
            let common = noise * random.normal();
            let value = |v: f64, random: &mut Random| (v + common + 0.4 * noise * random.normal()).round() as u8;
            let [r, g, b] = light;
            *pixel = Rgb([value(r, random), value(g, random), value(b, random)]);
        }
        picture
    }
}

/// The kernel 1 2 1 along `count` values, the i-th at `index(i)`.
fn soften(count: usize, values: &mut [Light], index: impl Fn(usize) -> usize) {
    if count == 0 {
        return;
    }
    let mut before = values[index(0)];
    for i in 0..count {
        let here = values[index(i)];
        let after = values[index((i + 1).min(count - 1))];
        values[index(i)] = std::array::from_fn(|c| (before[c] + 2.0 * here[c] + after[c]) / 4.0);
        before = here;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blurred_dot() {
        let dot = |p: Point| [if p.x.round() == 1.0 && p.y.round() == 1.0 { 160.0 } else { 0.0 }; 3];
        let mut exposure = Exposure::expose(Size::new(3, 3), dot);
        exposure.blur(1);
        let picture = exposure.develop(0.0, &mut Random::new(1));
        let values: Vec<u8> = picture.pixels().map(|p| p.0[1]).collect();
        assert_eq!(values, [10, 20, 10, 20, 40, 20, 10, 20, 10]);
    }

    #[test]
    fn noise_has_its_deviation_and_values_are_cut() {
        let exposure = Exposure::expose(Size::new(100, 100), |p| [if p.x < 49.5 { 128.0 } else { 300.0 }; 3]);
        let picture = exposure.develop(3.0, &mut Random::new(1));
        assert!(picture.enumerate_pixels().filter(|(x, ..)| *x >= 50).all(|(_, _, p)| p.0 == [255; 3]));
        let gray: Vec<f64> =
            picture.enumerate_pixels().filter(|(x, ..)| *x < 50).map(|(_, _, p)| f64::from(p.0[0]) - 128.0).collect();
        let deviation = (gray.iter().map(|v| v * v).sum::<f64>() / gray.len() as f64).sqrt();
        assert!((3.0..3.6).contains(&deviation), "{deviation}");
    }
}
