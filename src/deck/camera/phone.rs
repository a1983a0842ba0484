//! A phone held over a table: perspective, a desk around the paper, light from one side, a soft shadow, noise.

use image::RgbImage;

use super::curl::Curl;
use super::exposure::{Exposure, Light};
use super::lens::Lens;
use crate::deck::DeckError;
use crate::deck::canvas::Canvas;
use crate::deck::random::{Random, ease, smooth_noise};
use crate::geometry::{Point, Size};

/// How a phone sees the paper.
#[derive(Debug, Clone, PartialEq)]
pub struct Phone {
    /// The picture's size.
    pub size: Size,
    /// Where the paper's corners lie in the picture: top-left, top-right, bottom-right, bottom-left.
    pub corners: [Point; 4],
    /// Colour of the desk; its grain is darker.
    pub desk: [u8; 3],
    /// Colour of the paper in full light.
    pub white: [u8; 3],
    /// Change of brightness from left to right and from top to bottom, as a part of the whole.
    pub slope: (f64, f64),
    /// A soft shadow across the picture.
    pub shade: Option<Shade>,
    /// Deviation of the noise in gray levels.
    pub noise: f64,
    /// How often the picture is softened.
    pub blur: u32,
    /// How the paper rises from the desk; `None`: it lies flat.
    pub curl: Option<Curl>,
}

/// A shadow with a soft edge: all that lies right of a line is darker.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shade {
    /// A place on its edge.
    pub at: Point,
    /// Into the shadow, across its edge; of length 1.
    pub towards: (f64, f64),
    /// Width of the soft edge in pixels.
    pub width: f64,
    /// How much light it takes, 0 to 1.
    pub depth: f64,
}

/// The picture's corners get less light than its middle.
const VIGNETTE: f64 = 0.10;
/// How far the shadow of the paper's edge reaches onto the desk, in page pixels.
const EDGE_SHADOW: f64 = 22.0;
/// Depth of the paper's grain, as a part of its white.
const PAPER_GRAIN: f64 = 0.015;

impl Phone {
    /// Takes a picture of a sheet.
    ///
    /// # Errors
    /// [`DeckError::Corners`] if three of the paper's corners lie on a line.
    pub fn shoot(&self, sheet: &Canvas, random: &mut Random) -> Result<RgbImage, DeckError> {
        let lens = Lens::onto_paper(sheet.area(), self.corners).ok_or(DeckError::Corners)?;
        let area = sheet.area();
        let (left, top) = (f64::from(area.x), f64::from(area.y));
        let (right, bottom) = (left + f64::from(area.width), top + f64::from(area.height));
        let (wood, grain) = (random.bits(), random.bits());
        let bent = self.curl.map(|curl| curl.bend(area));
        let mut exposure = Exposure::expose(self.size, |p| {
            let on_desk = lens.see(p);
            let (at, facing) = bent.as_ref().map_or((on_desk, 1.0), |bent| bent.flatten(on_desk));
            // How far outside of the paper; 0 on it.
            let outside = (left - at.x).max(at.x - right).max(top - at.y).max(at.y - bottom);
            let surface = if outside <= 0.0 {
                let white = 1.0 - PAPER_GRAIN * smooth_noise(grain, p.x / 3.0, p.y / 3.0);
                let print = sheet.sample(at);
                std::array::from_fn(|c| print[c] / 255.0 * f64::from(self.white[c]) * white * facing)
            } else {
                self.desk_at(p, wood).map(|v| v * (0.55 + 0.45 * ease(outside / EDGE_SHADOW)))
            };
            surface.map(|v| v * self.brightness(p))
        });
        exposure.blur(self.blur);
        Ok(exposure.develop(self.noise, random))
    }

    /// A desk with the grain of wood along x.
    fn desk_at(&self, p: Point, seed: u64) -> Light {
        let fine = smooth_noise(seed, p.x / 240.0, p.y / 7.0);
        let broad = smooth_noise(seed ^ 1, p.x / 500.0, p.y / 60.0);
        self.desk.map(|v| f64::from(v) * (0.75 + 0.1 * fine + 0.15 * broad))
    }

    /// Light at a place of the picture; 1 at its middle, outside of the shadow.
    fn brightness(&self, p: Point) -> f64 {
        let u = p.x / f64::from(self.size.width) - 0.5;
        let v = p.y / f64::from(self.size.height) - 0.5;
        let even = 1.0 + self.slope.0 * u + self.slope.1 * v - VIGNETTE * 2.0 * (u * u + v * v);
        let shadow = self.shade.map_or(0.0, |shade| {
            let (dx, dy) = (p.x - shade.at.x, p.y - shade.at.y);
            let across = dx * shade.towards.0 + dy * shade.towards.1;
            shade.depth * ease(across / shade.width + 0.5)
        });
        even * (1.0 - shadow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Rect;

    fn phone() -> Phone {
        Phone {
            size: Size::new(80, 100),
            corners: [(20.0, 20.0), (60.0, 22.0), (64.0, 84.0), (14.0, 80.0)].map(|(x, y)| Point::new(x, y)),
            desk: [80, 60, 40],
            white: [230, 228, 220],
            slope: (0.0, 0.0),
            shade: None,
            noise: 1.0,
            blur: 1,
            curl: None,
        }
    }

    #[test]
    fn paper_is_bright_and_the_desk_is_dark() {
        let sheet = Canvas::new(Rect::new(0, 0, 40, 60), 1.0);
        let picture = phone().shoot(&sheet, &mut Random::new(1)).unwrap();
        assert!(picture.get_pixel(40, 50).0[0] > 215);
        assert!(picture.get_pixel(5, 5).0[0] < 85 && picture.get_pixel(75, 95).0[0] < 85);
        assert_eq!(picture, phone().shoot(&sheet, &mut Random::new(1)).unwrap());
        assert_ne!(picture, phone().shoot(&sheet, &mut Random::new(2)).unwrap());
    }

    #[test]
    fn a_shade_darkens_its_side() {
        let sheet = Canvas::new(Rect::new(0, 0, 40, 60), 1.0);
        let shade = Shade { at: Point::new(40.0, 50.0), towards: (1.0, 0.0), width: 4.0, depth: 0.3 };
        let picture = Phone { shade: Some(shade), ..phone() }.shoot(&sheet, &mut Random::new(1)).unwrap();
        let [left, right] = [30, 50].map(|x| f64::from(picture.get_pixel(x, 50).0[1]));
        assert!((right / left - 0.7).abs() < 0.05, "{left} and {right}");
    }

    #[test]
    fn paper_without_area_is_an_error() {
        let sheet = Canvas::new(Rect::new(0, 0, 40, 60), 1.0);
        let flat = Phone { corners: [Point::new(1.0, 1.0); 4], ..phone() };
        assert!(matches!(flat.shoot(&sheet, &mut Random::new(1)), Err(DeckError::Corners)));
    }
}
