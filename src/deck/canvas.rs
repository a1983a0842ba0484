//! A sheet of paper to draw on, in page coordinates, with soft edges.
//!
//! Shapes are signed distances (negative inside) in page pixels; how much of a pixel they cover follows from the
//! distance at its centre. Ink multiplies what lies below it, as real ink does: two light strokes make a dark one.

use ab_glyph::{Font, FontRef, Glyph, PxScale, ScaleFont, point};
use image::imageops::{self, FilterType};
use image::{GrayImage, Rgb, RgbImage};

use super::DeckError;
use super::random::smooth_noise;
use crate::geometry::{Point, Rect, Size};

/// What is drawn with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ink {
    /// Its colour at full strength on white paper.
    pub colour: [u8; 3],
    /// How much of the paper it covers, 0 to 1.
    pub opacity: f64,
    /// How uneven it is, 0 (print) to 1 (a dry pencil on rough paper).
    pub grain: f64,
}

impl Ink {
    /// An even ink of one gray.
    pub const fn gray(level: u8) -> Self {
        Self { colour: [level; 3], opacity: 1.0, grain: 0.0 }
    }
}

/// Where a text stands relative to its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The point is the left end of the text, at half the height of its capitals.
    Left,
    /// The point is its right end.
    Right,
    /// The point is its middle.
    Middle,
}

/// Height of capital letters as a part of the type size, for the two fonts below.
const CAPITAL_HEIGHT: f64 = 0.63;

/// The fonts of a form.
#[derive(Debug, Clone)]
pub struct Fonts {
    /// Equal widths: bubble values, numbers.
    pub fixed: FontRef<'static>,
    /// Headings and running text.
    pub text: FontRef<'static>,
}

impl Fonts {
    /// The fonts that are built into the program.
    ///
    /// # Errors
    /// [`DeckError::Font`] if a built-in font cannot be read.
    pub fn new() -> Result<Self, DeckError> {
        let load = |bytes| FontRef::try_from_slice(bytes).map_err(|_| DeckError::Font);
        Ok(Self { fixed: load(epaint_default_fonts::HACK_REGULAR)?, text: load(epaint_default_fonts::UBUNTU_LIGHT)? })
    }
}

/// Paper with print and ink on it.
#[derive(Debug, Clone)]
pub struct Canvas {
    picture: RgbImage,
    area: Rect,
    scale: f64,
}

impl Canvas {
    /// White paper that covers `area` of page coordinates at `scale` pixels per page pixel.
    pub fn new(area: Rect, scale: f64) -> Self {
        let pixels = |length: u32| (f64::from(length) * scale).round().max(1.0) as u32;
        let picture = RgbImage::from_pixel(pixels(area.width), pixels(area.height), Rgb([255; 3]));
        Self { picture, area, scale }
    }

    /// The paper in page coordinates.
    pub const fn area(&self) -> Rect {
        self.area
    }

    /// The picture of the paper.
    pub const fn picture(&self) -> &RgbImage {
        &self.picture
    }

    /// Colour at a page point, blended from the four nearest pixels; the edge goes on beyond the paper.
    pub fn sample(&self, at: Point) -> [f64; 3] {
        let (x, y) = self.to_pixels(at);
        let (x0, y0) = (x.floor(), y.floor());
        let (fx, fy) = (x - x0, y - y0);
        let pixel = |dx: f64, dy: f64| {
            let column = (x0 + dx).clamp(0.0, f64::from(self.picture.width() - 1)) as u32;
            let row = (y0 + dy).clamp(0.0, f64::from(self.picture.height() - 1)) as u32;
            self.picture.get_pixel(column, row).0
        };
        let (a, b, c, d) = (pixel(0.0, 0.0), pixel(1.0, 0.0), pixel(0.0, 1.0), pixel(1.0, 1.0));
        std::array::from_fn(|i| {
            let top = f64::from(a[i]) * (1.0 - fx) + f64::from(b[i]) * fx;
            let bottom = f64::from(c[i]) * (1.0 - fx) + f64::from(d[i]) * fx;
            top * (1.0 - fy) + bottom * fy
        })
    }

    /// Paints where `distance` is negative. `around` are opposite corners of a box around the shape.
    pub fn paint(&mut self, around: (Point, Point), ink: Ink, distance: impl Fn(Point) -> f64) {
        let (left, top) = self.to_pixels(around.0);
        let (right, bottom) = self.to_pixels(around.1);
        let clip = |v: f64, max: u32| v.clamp(0.0, f64::from(max)) as u32;
        let (width, height) = self.picture.dimensions();
        for row in clip(top - 1.0, height)..clip(bottom + 3.0, height) {
            for column in clip(left - 1.0, width)..clip(right + 3.0, width) {
                let coverage = 0.5 - distance(self.to_page(column, row)) * self.scale;
                self.blend(column, row, coverage.min(1.0), ink);
            }
        }
    }

    /// A filled ellipse.
    pub fn disc(&mut self, centre: Point, radii: (f64, f64), ink: Ink) {
        self.paint(box_around(centre, radii, 1.0), ink, |p| ellipse_distance(p, centre, radii));
    }

    /// The outline of an ellipse; the line's middle has the given radii.
    pub fn ring(&mut self, centre: Point, radii: (f64, f64), line: f64, ink: Ink) {
        self.paint(box_around(centre, radii, line), ink, |p| ellipse_distance(p, centre, radii).abs() - line / 2.0);
    }

    /// A filled rectangle given by its centre and half its size.
    pub fn block(&mut self, centre: Point, half: (f64, f64), ink: Ink) {
        self.paint(box_around(centre, half, 1.0), ink, |p| rectangle_distance(p, centre, half));
    }

    /// The outline of a rectangle.
    pub fn frame(&mut self, centre: Point, half: (f64, f64), line: f64, ink: Ink) {
        self.paint(box_around(centre, half, line), ink, |p| rectangle_distance(p, centre, half).abs() - line / 2.0);
    }

    /// A line through `points` with round ends, painted once where it crosses itself.
    pub fn stroke(&mut self, points: &[Point], line: f64, ink: Ink) {
        let (Some(&first), true) = (points.first(), points.len() > 1) else {
            return;
        };
        let (mut low, mut high) = (first, first);
        for p in points {
            low = Point::new(low.x.min(p.x), low.y.min(p.y));
            high = Point::new(high.x.max(p.x), high.y.max(p.y));
        }
        let ((left, right), (top, bottom)) = self.pixels_around(low, high, line);
        let width = right.saturating_sub(left) as usize;
        // How much each pixel is covered: by the nearest piece of the line, which is looked for among those that reach it.
        let mut covered = vec![0.0_f64; width * bottom.saturating_sub(top) as usize];
        for ends in points.windows(2) {
            let (a, b) = (ends[0], ends[1]);
            let (low, high) = (Point::new(a.x.min(b.x), a.y.min(b.y)), Point::new(a.x.max(b.x), a.y.max(b.y)));
            let ((x0, x1), (y0, y1)) = self.pixels_around(low, high, line);
            for row in y0..y1 {
                let start = (row - top) as usize * width;
                for column in x0..x1 {
                    let distance = segment_distance(self.to_page(column, row), a, b) - line / 2.0;
                    let cell = &mut covered[start + (column - left) as usize];
                    *cell = cell.max(0.5 - distance * self.scale);
                }
            }
        }
        let mut cells = covered.into_iter();
        for row in top..bottom {
            for (column, coverage) in (left..right).zip(&mut cells) {
                self.blend(column, row, coverage.min(1.0), ink);
            }
        }
    }

    /// Columns and rows of the pixels that a line of this width between these corners can touch, ends exclusive.
    fn pixels_around(&self, low: Point, high: Point, line: f64) -> ((u32, u32), (u32, u32)) {
        let (left, top) = self.to_pixels(Point::new(low.x - line, low.y - line));
        let (right, bottom) = self.to_pixels(Point::new(high.x + line, high.y + line));
        let clip = |v: f64, max: u32| v.clamp(0.0, f64::from(max)) as u32;
        let (width, height) = self.picture.dimensions();
        ((clip(left - 1.0, width), clip(right + 3.0, width)), (clip(top - 1.0, height), clip(bottom + 3.0, height)))
    }

    /// Makes the box between two corners white again.
    pub fn wipe(&mut self, low: Point, high: Point) {
        let ((left, right), (top, bottom)) = self.pixels_around(low, high, 0.0);
        for row in top..bottom {
            for column in left..right {
                self.picture.put_pixel(column, row, Rgb([255; 3]));
            }
        }
    }

    /// Lays a picture over the box between two corners: its white is the paper, its black is `ink` of the printer.
    pub fn lay(&mut self, picture: &GrayImage, (from, to): (Point, Point), ink: Ink) {
        let ((left, top), (right, bottom)) = (self.to_pixels(from), self.to_pixels(to));
        let (width, height) = (right - left, bottom - top);
        if width < 1.0 || height < 1.0 || picture.width() == 0 || picture.height() == 0 {
            return;
        }
        // Shrunk first, so that no line of the picture falls between pixels.
        let shrunk = Size::new(picture.width().min(width.round() as u32), picture.height().min(height.round() as u32));
        let is_small = (shrunk.width, shrunk.height) == picture.dimensions();
        let picture = match is_small {
            true => std::borrow::Cow::Borrowed(picture),
            false => {
                std::borrow::Cow::Owned(imageops::resize(picture, shrunk.width, shrunk.height, FilterType::Triangle))
            }
        };
        let clip = |v: f64, max: u32| v.clamp(0.0, f64::from(max)) as u32;
        let (columns, rows) = self.picture.dimensions();
        let (across, down) = (f64::from(shrunk.width) / width, f64::from(shrunk.height) / height);
        for row in clip((top + 0.5).ceil(), rows)..clip((bottom + 0.5).ceil(), rows) {
            let y = ((f64::from(row) - top) * down - 0.5).clamp(0.0, f64::from(shrunk.height - 1));
            for column in clip((left + 0.5).ceil(), columns)..clip((right + 0.5).ceil(), columns) {
                let x = ((f64::from(column) - left) * across - 0.5).clamp(0.0, f64::from(shrunk.width - 1));
                let (x0, y0) = (x as u32, y as u32);
                let at = |x: u32, y: u32| {
                    let (x, y) = (x.min(shrunk.width - 1), y.min(shrunk.height - 1));
                    f64::from(picture.get_pixel(x, y).0[0])
                };
                let upper = at(x0, y0) + (at(x0 + 1, y0) - at(x0, y0)) * x.fract();
                let lower = at(x0, y0 + 1) + (at(x0 + 1, y0 + 1) - at(x0, y0 + 1)) * x.fract();
                let gray = upper + (lower - upper) * y.fract();
                self.blend(column, row, 1.0 - gray / 255.0, ink);
            }
        }
    }

    /// A soft curve near `points`, from the first to the last: a hand does not turn sharp corners.
    pub fn curve(&mut self, points: &[Point], line: f64, ink: Ink) {
        self.stroke(&cut_corners(&cut_corners(points)), line, ink);
    }

    /// One line of text of type size `size`.
    pub fn text(&mut self, font: &FontRef<'_>, at: Point, anchor: Anchor, size: f64, text: &str, ink: Ink) {
        let type_size = PxScale::from((size * self.scale) as f32);
        let scaled = font.as_scaled(type_size);
        let (x, y) = self.to_pixels(at);
        let width: f32 = text.chars().map(|c| scaled.h_advance(font.glyph_id(c))).sum();
        let mut pen = match anchor {
            Anchor::Left => x as f32,
            Anchor::Right => x as f32 - width,
            Anchor::Middle => x as f32 - width / 2.0,
        };
        // Type sizes of this font library are ascent to descent; capitals stand on the baseline.
        let em = font.units_per_em().map_or(1.0, |units| units / font.height_unscaled());
        let baseline = (y + size * self.scale * f64::from(em) * CAPITAL_HEIGHT / 2.0) as f32;
        for c in text.chars() {
            let id = font.glyph_id(c);
            let glyph = Glyph { id, scale: type_size, position: point(pen, baseline) };
            pen += scaled.h_advance(id);
            let Some(outline) = font.outline_glyph(glyph) else {
                continue;
            };
            let bounds = outline.px_bounds();
            outline.draw(|dx, dy, coverage| {
                let (column, row) = (bounds.min.x as i64 + i64::from(dx), bounds.min.y as i64 + i64::from(dy));
                if let (Ok(column), Ok(row)) = (u32::try_from(column), u32::try_from(row)) {
                    self.blend(column, row, f64::from(coverage).min(1.0), ink);
                }
            });
        }
    }

    /// Lays ink over a part of one pixel; outside of the picture nothing happens.
    fn blend(&mut self, column: u32, row: u32, coverage: f64, ink: Ink) {
        if coverage <= 0.0 || column >= self.picture.width() || row >= self.picture.height() {
            return;
        }
        let mut amount = coverage * ink.opacity;
        if ink.grain > 0.0 {
            // Grains of about a page pixel and a half: what a pencil leaves on office paper.
            let cell = 1.5 * self.scale;
            amount *= 1.0 - ink.grain * smooth_noise(17, f64::from(column) / cell, f64::from(row) / cell);
        }
        for (value, colour) in self.picture.get_pixel_mut(column, row).0.iter_mut().zip(ink.colour) {
            let kept = 1.0 - amount * (1.0 - f64::from(colour) / 255.0);
            *value = (f64::from(*value) * kept).round() as u8;
        }
    }

    /// Page point to pixel coordinates in which whole numbers are pixel centres.
    fn to_pixels(&self, at: Point) -> (f64, f64) {
        ((at.x - f64::from(self.area.x)) * self.scale - 0.5, (at.y - f64::from(self.area.y)) * self.scale - 0.5)
    }

    /// Centre of a pixel in page coordinates.
    fn to_page(&self, column: u32, row: u32) -> Point {
        Point::new(
            (f64::from(column) + 0.5) / self.scale + f64::from(self.area.x),
            (f64::from(row) + 0.5) / self.scale + f64::from(self.area.y),
        )
    }
}

/// Replaces every inner corner by two points at a quarter of its edges. Repeated, the line becomes a smooth curve: G.
/// Chaikin, "An algorithm for high-speed curve generation" (1974).
fn cut_corners(points: &[Point]) -> Vec<Point> {
    let (Some(&first), Some(&last)) = (points.first(), points.last()) else {
        return Vec::new();
    };
    let between = |a: Point, b: Point, t: f64| Point::new(a.x + (b.x - a.x) * t, a.y + (b.y - a.y) * t);
    let cuts = points.windows(2).flat_map(|ends| [0.25, 0.75].map(|t| between(ends[0], ends[1], t)));
    std::iter::once(first).chain(cuts).chain(std::iter::once(last)).collect()
}

/// Opposite corners of the box that reaches `half` and `more` around `centre`.
fn box_around(centre: Point, half: (f64, f64), more: f64) -> (Point, Point) {
    let (x, y) = (half.0 + more, half.1 + more);
    (Point::new(centre.x - x, centre.y - y), Point::new(centre.x + x, centre.y + y))
}

/// Distance to an ellipse: exact for circles, right to first order near the line of any other.
fn ellipse_distance(p: Point, centre: Point, (rx, ry): (f64, f64)) -> f64 {
    let (x, y) = (p.x - centre.x, p.y - centre.y);
    let reach = length(x / rx, y / ry);
    let slope = length(x / (rx * rx), y / (ry * ry));
    if slope == 0.0 { -rx.min(ry) } else { reach * (reach - 1.0) / slope }
}

/// Distance to a rectangle, corners not rounded.
fn rectangle_distance(p: Point, centre: Point, half: (f64, f64)) -> f64 {
    ((p.x - centre.x).abs() - half.0).max((p.y - centre.y).abs() - half.1)
}

/// Distance to the line from `a` to `b`.
fn segment_distance(p: Point, a: Point, b: Point) -> f64 {
    let (dx, dy) = (b.x - a.x, b.y - a.y);
    let squared = dx * dx + dy * dy;
    let t = if squared == 0.0 { 0.0 } else { (((p.x - a.x) * dx + (p.y - a.y) * dy) / squared).clamp(0.0, 1.0) };
    length(p.x - a.x - t * dx, p.y - a.y - t * dy)
}

/// √(x² + y²) from operations that every machine rounds alike, which `hypot` is not.
fn length(x: f64, y: f64) -> f64 {
    (x * x + y * y).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_covers_whole_and_half_pixels() {
        let mut canvas = Canvas::new(Rect::new(0, 0, 4, 3), 1.0);
        canvas.block(Point::new(2.0, 1.5), (1.5, 0.5), Ink::gray(0));
        let rows: Vec<u8> = canvas.picture().pixels().map(|p| p.0[0]).collect();
        assert_eq!(rows, [255, 255, 255, 255, 128, 0, 0, 128, 255, 255, 255, 255]);
    }

    #[test]
    fn ink_multiplies() {
        let mut canvas = Canvas::new(Rect::new(-1, -1, 2, 2), 1.0);
        let half = Ink { colour: [0; 3], opacity: 0.5, grain: 0.0 };
        canvas.block(Point::new(0.0, 0.0), (5.0, 5.0), half);
        canvas.block(Point::new(0.0, 0.0), (5.0, 5.0), half);
        assert_eq!(canvas.picture().get_pixel(0, 0).0, [64; 3]);
    }

    #[test]
    fn cut_corners_keep_the_ends() {
        let corner = [Point::new(0.0, 0.0), Point::new(4.0, 0.0), Point::new(4.0, 4.0)];
        let want = [(0.0, 0.0), (1.0, 0.0), (3.0, 0.0), (4.0, 1.0), (4.0, 3.0), (4.0, 4.0)];
        assert_eq!(cut_corners(&corner), want.map(|(x, y)| Point::new(x, y)));
        assert!(cut_corners(&[]).is_empty());
    }

    #[test]
    fn samples_lie_between_pixels() {
        let mut canvas = Canvas::new(Rect::new(0, 0, 2, 1), 1.0);
        canvas.block(Point::new(0.0, 0.0), (1.0, 5.0), Ink::gray(0));
        assert_eq!(canvas.sample(Point::new(1.0, 0.5))[0], 127.5);
        assert_eq!(canvas.sample(Point::new(-9.0, 0.5))[0], 0.0);
        assert_eq!(canvas.sample(Point::new(9.0, 0.5))[0], 255.0);
    }

    #[test]
    fn text_beyond_the_paper_is_cut() {
        let fonts = Fonts::new().unwrap();
        let mut canvas = Canvas::new(Rect::new(0, 0, 20, 10), 2.0);
        canvas.text(&fonts.fixed, Point::new(0.0, 5.0), Anchor::Middle, 9.0, "long text", Ink::gray(0));
        assert!(canvas.picture().pixels().any(|p| p.0[0] < 100));
    }
}
