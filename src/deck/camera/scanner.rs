//! A flat-bed or feeder scanner: even light, the paper slightly turned, little noise.

use image::RgbImage;

use super::exposure::Exposure;
use crate::deck::canvas::Canvas;
use crate::deck::random::{Random, smooth_noise};
use crate::geometry::{Point, Rect, Size};

/// How a scanner sees the paper.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scanner {
    /// The picture's size; the paper fills it, but for its turn.
    pub size: Size,
    /// Tangent of the angle by which the paper is turned.
    pub turn: f64,
    /// How far the paper is moved, in pixels of the picture.
    pub shift: (f64, f64),
    /// White of the paper. Beyond 255 it is burnt out, as office scanners do to hide the paper's grain.
    pub white: f64,
    /// Deviation of the noise in gray levels.
    pub noise: f64,
    /// How often the picture is softened.
    pub blur: u32,
}

/// The underside of the lid, seen beside a turned sheet: almost white, so that it is not taken for print.
const LID: f64 = 236.0;
/// Depth of the paper's grain in gray levels.
const PAPER_GRAIN: f64 = 4.0;

impl Scanner {
    /// Scans a sheet.
    pub fn shoot(&self, sheet: &Canvas, random: &mut Random) -> RgbImage {
        self.shoot_part(sheet, sheet.area(), random)
    }

    /// Scans the part `area` of a sheet, in page coordinates: it fills the picture, so that a smaller part is seen larger.
    pub fn shoot_part(&self, sheet: &Canvas, area: Rect, random: &mut Random) -> RgbImage {
        let paper = sheet.area();
        let middle = Point::new(f64::from(self.size.width - 1) / 2.0, f64::from(self.size.height - 1) / 2.0);
        let to_paper =
            (f64::from(area.width) / f64::from(self.size.width), f64::from(area.height) / f64::from(self.size.height));
        let cosine = 1.0 / (1.0 + self.turn * self.turn).sqrt();
        let sine = self.turn * cosine;
        let paper_middle =
            (f64::from(area.x) + f64::from(area.width) / 2.0, f64::from(area.y) + f64::from(area.height) / 2.0);
        // From the middle of the part to the edges of the paper, and a pixel more: a sheet that fills the picture has no
        // dark rim.
        let before = (f64::from(paper.x) - paper_middle.0 - 1.0, f64::from(paper.y) - paper_middle.1 - 1.0);
        let after = (
            f64::from(paper.x) + f64::from(paper.width) - paper_middle.0 + 1.0,
            f64::from(paper.y) + f64::from(paper.height) - paper_middle.1 + 1.0,
        );
        let grain = random.bits();
        let mut exposure = Exposure::expose(self.size, |p| {
            let (x, y) = (p.x - middle.x - self.shift.0, p.y - middle.y - self.shift.1);
            let (x, y) = ((cosine * x + sine * y) * to_paper.0, (cosine * y - sine * x) * to_paper.1);
            if x < before.0 || x > after.0 || y < before.1 || y > after.1 {
                return [LID; 3];
            }
            let white = self.white - PAPER_GRAIN * smooth_noise(grain, p.x / 2.5, p.y / 2.5);
            sheet.sample(Point::new(x + paper_middle.0, y + paper_middle.1)).map(|v| v / 255.0 * white)
        });
        exposure.blur(self.blur);
        exposure.develop(self.noise, random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deck::canvas::Ink;

    #[test]
    fn a_straight_scan_is_the_page() {
        let mut sheet = Canvas::new(Rect::new(-10, -10, 60, 80), 2.0);
        sheet.block(Point::new(20.0, 30.0), (5.0, 5.0), Ink::gray(0));
        let scanner =
            Scanner { size: Size::new(60, 80), turn: 0.0, shift: (0.0, 0.0), white: 262.0, noise: 0.0, blur: 0 };
        let picture = scanner.shoot(&sheet, &mut Random::new(1));
        for (x, y, pixel) in picture.enumerate_pixels() {
            let inside = (25..35).contains(&x) && (35..45).contains(&y);
            assert_eq!(pixel.0, [if inside { 0 } else { 255 }; 3], "{x} {y}");
        }
    }

    #[test]
    fn a_part_fills_the_picture() {
        let mut sheet = Canvas::new(Rect::new(0, 0, 100, 100), 2.0);
        sheet.block(Point::new(30.0, 40.0), (5.0, 5.0), Ink::gray(0));
        let scanner =
            Scanner { size: Size::new(80, 80), turn: 0.0, shift: (0.0, 0.0), white: 262.0, noise: 0.0, blur: 0 };
        let picture = scanner.shoot_part(&sheet, Rect::new(20, 30, 40, 40), &mut Random::new(1));
        for (x, y, pixel) in picture.enumerate_pixels() {
            let inside = (10..30).contains(&x) && (10..30).contains(&y);
            assert_eq!(pixel.0[0] < 128, inside, "{x} {y}");
        }
        let beyond = scanner.shoot_part(&sheet, Rect::new(60, 0, 80, 80), &mut Random::new(1));
        assert_eq!((beyond.get_pixel(30, 40).0[0], beyond.get_pixel(70, 40).0[0]), (255, 236));
    }

    #[test]
    fn a_turned_scan_turns_clockwise_about_its_middle() {
        let mut sheet = Canvas::new(Rect::new(0, 0, 100, 100), 2.0);
        sheet.block(Point::new(90.0, 50.0), (3.0, 3.0), Ink::gray(0));
        let scanner =
            Scanner { size: Size::new(100, 100), turn: 0.25, shift: (0.0, 0.0), white: 250.0, noise: 0.0, blur: 0 };
        let picture = scanner.shoot(&sheet, &mut Random::new(1));
        // 40 px from the middle at a slope of 1 in 4.
        assert!(picture.get_pixel(88, 59).0[0] < 20);
        assert!(picture.get_pixel(50, 50).0[0] > 240);
    }
}
