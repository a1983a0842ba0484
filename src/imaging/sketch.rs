//! Pictures for people: a page, or white paper, at the size of a screen, with lines, boxes and texts drawn in colour.
//!
//! What is drawn is placed in the page's own pixels, whatever size the picture has; thicknesses and letters are in pixels
//! of the picture, so that they can be seen. What lies outside is left out. Nothing is read from such a picture.

use ab_glyph::{FontRef, PxScale};
use image::{GrayImage, Rgb, RgbImage, imageops};
use imageproc::drawing;
use imageproc::rect::Rect as Area;

use crate::geometry::{Point, Rect, Size};

/// A picture that is being drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Sketch {
    picture: RgbImage,
    /// Pixels of the picture to one of the page.
    scale: f64,
}

/// Distance between the base of a plate and its text, in parts of the text's height.
const PLATE_MARGIN: i32 = 6;

impl Sketch {
    /// A gray page, made smaller until it fits `most`; never larger.
    pub fn of(page: &GrayImage, most: Size) -> Self {
        let size = fitting(Size::new(page.width(), page.height()), most);
        let small = if size == Size::new(page.width(), page.height()) {
            page.clone()
        } else {
            imageops::thumbnail(page, size.width, size.height)
        };
        let picture = RgbImage::from_fn(size.width, size.height, |x, y| Rgb([small.get_pixel(x, y).0[0]; 3]));
        Self { scale: scale(page.width(), size.width), picture }
    }

    /// As [`Sketch::of`], but a small page is made larger, up to three times, until it fills `most`: for letters beside what
    /// is small on it.
    pub fn large(page: &GrayImage, most: Size) -> Self {
        const LARGEST: f64 = 3.0;
        let (width, height) = page.dimensions();
        let share = |room: u32, side: u32| f64::from(room) / f64::from(side.max(1));
        let scale = share(most.width, width).min(share(most.height, height)).min(LARGEST);
        if scale <= 1.0 || width == 0 || height == 0 {
            return Self::of(page, most);
        }
        let side = |side: u32| ((f64::from(side) * scale).round() as u32).max(1);
        let large = imageops::resize(page, side(width), side(height), imageops::FilterType::Triangle);
        let picture = RgbImage::from_fn(large.width(), large.height(), |x, y| Rgb([large.get_pixel(x, y).0[0]; 3]));
        Self { scale: self::scale(width, picture.width()), picture }
    }

    /// As [`Sketch::of`], of a page in colour.
    pub fn of_colour(page: &RgbImage, most: Size) -> Self {
        let size = fitting(Size::new(page.width(), page.height()), most);
        let picture = match size == Size::new(page.width(), page.height()) {
            true => page.clone(),
            false => imageops::thumbnail(page, size.width, size.height),
        };
        Self { scale: scale(page.width(), size.width), picture }
    }

    /// White paper of `size`; the page's pixels are the picture's.
    pub fn blank(size: Size) -> Self {
        Self { picture: RgbImage::from_pixel(size.width, size.height, Rgb([255; 3])), scale: 1.0 }
    }

    /// Pixels of the picture to one of the page.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// Width × height of the picture, in its own pixels.
    pub fn size(&self) -> Size {
        Size::new(self.picture.width(), self.picture.height())
    }

    /// The picture.
    pub fn finish(self) -> RgbImage {
        self.picture
    }

    /// Fills a box of the page.
    pub fn fill(&mut self, area: Rect, colour: [u8; 3]) {
        let (from, to) = (self.corner(area.x, area.y), self.far_corner(area));
        self.fill_pixels(from, to, colour);
    }

    /// Draws the outline of a box of the page, inwards.
    pub fn outline(&mut self, area: Rect, thickness: i32, colour: [u8; 3]) {
        let ((x0, y0), (x1, y1)) = (self.corner(area.x, area.y), self.far_corner(area));
        let t = thickness.max(1);
        for (from, to) in [
            ((x0, y0), (x1, y0.saturating_add(t))),
            ((x0, y1.saturating_sub(t)), (x1, y1)),
            ((x0, y0), (x0.saturating_add(t), y1)),
            ((x1.saturating_sub(t), y0), (x1, y1)),
        ] {
            self.fill_pixels(from, to, colour);
        }
    }

    /// Draws a line between two points of the page.
    pub fn line(&mut self, from: Point, to: Point, thickness: i32, colour: [u8; 3]) {
        let ((x0, y0), (x1, y1)) = (self.place(from), self.place(to));
        let half = thickness.max(1) / 2;
        for dy in -half..=(thickness.max(1) - 1 - half) {
            for dx in -half..=(thickness.max(1) - 1 - half) {
                let moved = |(x, y): (f64, f64)| ((x + f64::from(dx)) as f32, (y + f64::from(dy)) as f32);
                drawing::draw_line_segment_mut(&mut self.picture, moved((x0, y0)), moved((x1, y1)), Rgb(colour));
            }
        }
    }

    /// Draws a closed line through points of the page.
    pub fn shape(&mut self, points: &[Point], thickness: i32, colour: [u8; 3]) {
        for (i, from) in points.iter().enumerate() {
            if let Some(to) = points.get((i + 1) % points.len()) {
                self.line(*from, *to, thickness, colour);
            }
        }
    }

    /// Draws a cross around a point of the page; its arms have `reach` pixels of the picture.
    pub fn cross(&mut self, at: Point, reach: i32, thickness: i32, colour: [u8; 3]) {
        let reach = f64::from(reach) / self.scale;
        let moved = |dx: f64, dy: f64| Point::new(at.x + dx, at.y + dy);
        self.line(moved(-reach, 0.0), moved(reach, 0.0), thickness, colour);
        self.line(moved(0.0, -reach), moved(0.0, reach), thickness, colour);
    }

    /// Draws an arrow between two points of the page; its head has `head` pixels of the picture.
    pub fn arrow(&mut self, from: Point, to: Point, head: f64, thickness: i32, colour: [u8; 3]) {
        self.line(from, to, thickness, colour);
        let length = from.distance(to);
        if length <= 0.0 || length.is_nan() {
            return;
        }
        let reach = head / self.scale;
        let (ux, uy) = ((from.x - to.x) / length * reach, (from.y - to.y) / length * reach);
        for side in [0.5, -0.5] {
            let end = Point::new(to.x + ux - side * uy, to.y + uy + side * ux);
            self.line(to, end, thickness, colour);
        }
    }

    /// Writes a text on a white plate, its top-left corner at a point of the page, in letters of `height` pixels of the
    /// picture. A text that would leave the picture is moved inwards.
    pub fn text(&mut self, text: &str, at: Point, height: u32, colour: [u8; 3]) {
        let Some(font) = font() else { return };
        let size = text_size(text, height);
        let (x, y) = self.place(at);
        let inside = |v: f64, length: u32, room: u32| (v.round() as i32).min(whole(room) - whole(length)).max(0);
        let (x, y) = (inside(x, size.width, self.picture.width()), inside(y, size.height, self.picture.height()));
        self.fill_pixels((x, y), (x + whole(size.width), y + whole(size.height)), [255; 3]);
        let margin = whole(height) / PLATE_MARGIN;
        let scale = PxScale::from(height.max(1) as f32);
        drawing::draw_text_mut(&mut self.picture, Rgb(colour), x + margin, y, scale, &font, text);
    }

    /// The place of a point of the page in the picture. Far outside of it, somewhere outside: lines are drawn pixel by
    /// pixel, wherever they lead.
    fn place(&self, p: Point) -> (f64, f64) {
        let place = |v: f64, room: u32| {
            let room = f64::from(room);
            ((v + 0.5) * self.scale - 0.5).clamp(-room - 1.0, 2.0 * room + 1.0)
        };
        (place(p.x, self.picture.width()), place(p.y, self.picture.height()))
    }

    /// The pixel in which that of the page begins.
    fn corner(&self, x: i32, y: i32) -> (i32, i32) {
        let place = |v: i32| (f64::from(v) * self.scale).round() as i32;
        (place(x), place(y))
    }

    /// The pixel beyond a box of the page, which has one at least.
    fn far_corner(&self, area: Rect) -> (i32, i32) {
        let (x0, y0) = self.corner(area.x, area.y);
        let end = |from: i32, length: u32| ((f64::from(from) + f64::from(length)) * self.scale).round() as i32;
        (end(area.x, area.width).max(x0.saturating_add(1)), end(area.y, area.height).max(y0.saturating_add(1)))
    }

    /// Fills pixels of the picture from a corner to the one beyond.
    fn fill_pixels(&mut self, (x0, y0): (i32, i32), (x1, y1): (i32, i32), colour: [u8; 3]) {
        let (width, height) = (whole(self.picture.width()), whole(self.picture.height()));
        let (x0, y0, x1, y1) = (x0.clamp(0, width), y0.clamp(0, height), x1.clamp(0, width), y1.clamp(0, height));
        if x1 > x0 && y1 > y0 {
            // Both differences are positive.
            let area = Area::at(x0, y0).of_size((x1 - x0) as u32, (y1 - y0) as u32);
            drawing::draw_filled_rect_mut(&mut self.picture, area, Rgb(colour));
        }
    }
}

/// Width × height of a text's plate, in pixels of the picture.
pub fn text_size(text: &str, height: u32) -> Size {
    let Some(font) = font() else { return Size::new(0, 0) };
    let (width, tall) = drawing::text_size(PxScale::from(height.max(1) as f32), &font, text);
    Size::new(width + 2 * (height / PLATE_MARGIN as u32), tall.max(height))
}

/// A text in lines whose plates are at most `width` pixels wide, unless a single word is wider, in letters of `height`.
pub fn wrapped(text: &str, height: u32, width: u32) -> Vec<String> {
    let mut lines = Vec::new();
    let mut current = String::new();
    for word in text.split_whitespace() {
        let longer = if current.is_empty() { word.to_owned() } else { format!("{current} {word}") };
        if !current.is_empty() && text_size(&longer, height).width > width {
            lines.push(std::mem::replace(&mut current, word.to_owned()));
        } else {
            current = longer;
        }
    }
    lines.push(current);
    lines
}

/// The largest size of the shape `size` that fits `most`, at least 1 × 1; `size` itself if it does.
pub fn fitting(size: Size, most: Size) -> Size {
    let share = |room: u32, side: u32| f64::from(room.max(1)) / f64::from(side.max(1));
    let scale = share(most.width, size.width).min(share(most.height, size.height)).min(1.0);
    let side = |side: u32| ((f64::from(side) * scale).round() as u32).max(1);
    Size::new(side(size.width), side(size.height))
}

fn scale(page: u32, picture: u32) -> f64 {
    f64::from(picture) / f64::from(page.max(1))
}

/// A length of a picture, which is far smaller than an `i32` holds.
fn whole(length: u32) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

/// The font is part of the program; without it pictures would have no letters.
fn font() -> Option<FontRef<'static>> {
    FontRef::try_from_slice(epaint_default_fonts::HACK_REGULAR).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RED: [u8; 3] = [255, 0, 0];

    fn rows(sketch: Sketch) -> Vec<String> {
        let picture = sketch.finish();
        let row = |y| (0..picture.width()).map(|x| if picture.get_pixel(x, y).0 == RED { '#' } else { '.' }).collect();
        (0..picture.height()).map(row).collect()
    }

    #[test]
    fn boxes_are_placed_in_the_page_s_pixels() {
        let page = GrayImage::from_pixel(16, 8, image::Luma([200]));
        let mut sketch = Sketch::of(&page, Size::new(8, 8));
        assert_eq!((sketch.size(), sketch.scale()), (Size::new(8, 4), 0.5));
        sketch.outline(Rect::new(4, 0, 8, 8), 1, RED);
        assert_eq!(rows(sketch), ["..####..", "..#..#..", "..#..#..", "..####.."]);
    }

    #[test]
    fn lines_join_the_middles_of_pixels() {
        let mut sketch = Sketch::blank(Size::new(5, 4));
        sketch.line(Point::new(1.0, 0.0), Point::new(4.0, 3.0), 1, RED);
        assert_eq!(rows(sketch), [".#...", "..#..", "...#.", "....#"]);
    }

    #[test]
    fn a_text_at_the_edge_is_moved_inwards() {
        let mut sketch = Sketch::blank(Size::new(60, 20));
        sketch.text("abc", Point::new(58.0, 18.0), 12, RED);
        // Letters have soft edges.
        let is_red = |p: &Rgb<u8>| p.0[0] > 200 && p.0[1] < 100;
        assert!(sketch.finish().pixels().filter(|p| is_red(p)).count() > 20);
    }

    #[test]
    fn long_texts_are_broken_between_words() {
        let text = "one two three four five six seven eight nine ten eleven twelve";
        let lines = wrapped(text, 18, 200);
        assert!(lines.len() > 2 && lines.iter().all(|line| text_size(line, 18).width <= 200), "{lines:?}");
        assert_eq!(lines.join(" "), text);
        assert_eq!(wrapped("unbreakable", 18, 10), ["unbreakable"]);
    }

    #[test]
    fn small_pages_are_made_larger_where_that_is_asked_for() {
        let page = |width, height| GrayImage::new(width, height);
        let size = |page: GrayImage| Sketch::large(&page, Size::new(100, 80)).size();
        assert_eq!(size(page(40, 40)), Size::new(80, 80));
        assert_eq!(size(page(4, 6)), Size::new(12, 18));
        assert_eq!(size(page(200, 40)), Size::new(100, 20));
    }

    #[test]
    fn pictures_are_never_enlarged() {
        assert_eq!(fitting(Size::new(30, 40), Size::new(100, 100)), Size::new(30, 40));
        assert_eq!(fitting(Size::new(300, 10), Size::new(100, 100)), Size::new(100, 3));
        assert_eq!(fitting(Size::new(5000, 1), Size::new(10, 10)), Size::new(10, 1));
    }

    proptest! {
        #[test]
        fn nothing_that_is_drawn_anywhere_fails(
            x in -1e10..1e10f64, y in -1e10..1e10f64, w in 0..u32::MAX, h in 0..u32::MAX, thickness in -3..9i32, large: bool
        ) {
            let page = GrayImage::new(40, 30);
            let mut sketch = match large {
                true => Sketch::large(&page, Size::new(100, 100)),
                false => Sketch::of(&page, Size::new(20, 20)),
            };
            let size = sketch.size();
            let at = Point::new(x, y);
            sketch.line(at, Point::new(3.0, 4.0), thickness, RED);
            sketch.arrow(at, Point::new(y, x), 5.0, thickness, RED);
            sketch.outline(Rect::new(x as i32, y as i32, w, h), thickness, RED);
            sketch.fill(Rect::new(x as i32, y as i32, w, h), RED);
            sketch.cross(at, 3, thickness, RED);
            sketch.text("x", at, 8, RED);
            prop_assert_eq!(sketch.size(), size);
        }
    }
}
