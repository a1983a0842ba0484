//! Points, sizes, rectangles and quads in pixels, x to the right and y down.

/// A point with integer coordinates, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PixelPoint {
    /// Pixels from the left edge.
    pub x: i32,
    /// Pixels from the top edge.
    pub y: i32,
}

impl PixelPoint {
    /// The point (x, y).
    pub const fn new(x: i32, y: i32) -> Self {
        Self { x, y }
    }
}

/// A point between pixels; (0, 0) is the centre of the top-left pixel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Pixels from the left edge.
    pub x: f64,
    /// Pixels from the top edge.
    pub y: f64,
}

impl Point {
    /// The point (x, y).
    pub const fn new(x: f64, y: f64) -> Self {
        Self { x, y }
    }

    /// Euclidean distance to `other`, in pixels.
    pub fn distance(self, other: Self) -> f64 {
        (self.x - other.x).hypot(self.y - other.y)
    }
}

impl From<PixelPoint> for Point {
    fn from(p: PixelPoint) -> Self {
        Self::new(f64::from(p.x), f64::from(p.y))
    }
}

/// Width × height of a picture or a box, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Size {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl Size {
    /// `width` × `height`.
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    /// Number of pixels.
    pub const fn pixels(self) -> u64 {
        self.width as u64 * self.height as u64
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}×{}", self.width, self.height)
    }
}

/// An axis-parallel rectangle of whole pixels; it may lie outside of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rect {
    /// Left edge.
    pub x: i32,
    /// Top edge.
    pub y: i32,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl Rect {
    /// The rectangle with its top-left pixel at (x, y).
    pub const fn new(x: i32, y: i32, width: u32, height: u32) -> Self {
        Self { x, y, width, height }
    }

    /// The same rectangle, moved by (dx, dy) pixels.
    pub const fn moved(self, dx: i32, dy: i32) -> Self {
        Self { x: self.x + dx, y: self.y + dy, ..self }
    }

    /// The smallest rectangle that holds both; as large as can be counted, where it is larger.
    pub fn joined(self, other: Self) -> Self {
        let far = |at: i32, side: u32| i64::from(at) + i64::from(side);
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        let right = far(self.x, self.width).max(far(other.x, other.width));
        let lower = far(self.y, self.height).max(far(other.y, other.height));
        let side = |to: i64, from: i32| u32::try_from(to - i64::from(from)).unwrap_or(u32::MAX);
        Self { x, y, width: side(right, x), height: side(lower, y) }
    }

    /// The rectangle with so many pixels more at each side and above and below; as large as can be counted, where it is larger.
    pub fn grown(self, across: u32, down: u32) -> Self {
        let less = |at: i32, by: u32| at.saturating_sub_unsigned(by);
        let more = |side: u32, by: u32| side.saturating_add(by.saturating_mul(2));
        Self {
            x: less(self.x, across),
            y: less(self.y, down),
            width: more(self.width, across),
            height: more(self.height, down),
        }
    }

    /// The part of the rectangle that lies in a picture of `size`, as `(x0, y0, x1, y1)` with exclusive ends.
    /// Empty parts have `x0 == x1` or `y0 == y1`.
    pub fn clipped(self, size: Size) -> (u32, u32, u32, u32) {
        let clip = |v: i64, max: u32| v.clamp(0, i64::from(max)) as u32;
        let (x0, y0) = (clip(self.x.into(), size.width), clip(self.y.into(), size.height));
        let x1 = clip(i64::from(self.x) + i64::from(self.width), size.width);
        let y1 = clip(i64::from(self.y) + i64::from(self.height), size.height);
        (x0, y0, x1.max(x0), y1.max(y0))
    }
}

/// Four corners: top-left, top-right, bottom-right, bottom-left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quad {
    /// Top-left, top-right, bottom-right, bottom-left.
    pub corners: [Point; 4],
}

impl Quad {
    /// Orders four points as corners: the top-left has the smallest x+y, the bottom-right the largest, the top-right
    /// the smallest y−x and the bottom-left the largest; the first in the list wins a tie. For pages turned by about
    /// 45° one point can take two corners, which makes the quad degenerate: see [`Quad::is_degenerate`].
    pub fn from_unordered(points: [Point; 4]) -> Self {
        let pick = |key: fn(Point) -> f64| {
            let mut best = points[0];
            for p in points {
                if key(p) < key(best) {
                    best = p;
                }
            }
            best
        };
        let corners = [pick(|p| p.x + p.y), pick(|p| p.y - p.x), pick(|p| -(p.x + p.y)), pick(|p| p.x - p.y)];
        Self { corners }
    }

    /// True when two corners are the same point.
    pub fn is_degenerate(&self) -> bool {
        (0..4).any(|i| (0..i).any(|j| self.corners[i] == self.corners[j]))
    }

    /// Size of the upright picture that this quad becomes: the longer of each pair of opposite edges, cut to whole
    /// pixels. Lengths are computed in `f32`, as OMRChecker does, so that sizes agree to the pixel.
    pub fn upright_size(&self) -> Size {
        let [tl, tr, br, bl] = self.corners;
        let length = |a: Point, b: Point| {
            let (dx, dy) = ((a.x as f32) - (b.x as f32), (a.y as f32) - (b.y as f32));
            (dx * dx + dy * dy).sqrt() as u32
        };
        Size::new(length(br, bl).max(length(tr, tl)), length(tr, br).max(length(tl, bl)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_are_found_in_any_order() {
        let want = [Point::new(10.0, 12.0), Point::new(90.0, 8.0), Point::new(95.0, 110.0), Point::new(5.0, 105.0)];
        let quad = Quad::from_unordered([want[2], want[0], want[3], want[1]]);
        assert_eq!(quad.corners, want);
        assert!(!quad.is_degenerate());
    }

    #[test]
    fn upright_size_takes_the_longer_edges() {
        let quad = Quad::from_unordered([
            Point::new(0.0, 0.0),
            Point::new(30.0, 0.0),
            Point::new(33.0, 40.0),
            Point::new(0.0, 40.0),
        ]);
        assert_eq!(quad.upright_size(), Size::new(33, 40));
    }

    #[test]
    fn a_square_on_its_corner_is_degenerate() {
        let quad = Quad::from_unordered([
            Point::new(50.0, 0.0),
            Point::new(100.0, 50.0),
            Point::new(50.0, 100.0),
            Point::new(0.0, 50.0),
        ]);
        assert!(quad.is_degenerate());
    }

    #[test]
    fn rectangles_are_joined_and_grown() {
        let (a, b) = (Rect::new(-3, 5, 10, 4), Rect::new(2, 1, 4, 20));
        assert_eq!((a.joined(b), b.joined(a)), (Rect::new(-3, 1, 10, 20), Rect::new(-3, 1, 10, 20)));
        assert_eq!(a.grown(2, 3), Rect::new(-5, 2, 14, 10));
        let (least, most) = (Rect::new(i32::MIN, i32::MIN, 1, 1), Rect::new(i32::MAX, 0, u32::MAX, u32::MAX));
        assert_eq!(least.joined(most).width, u32::MAX);
        assert_eq!(least.grown(u32::MAX, 7), Rect::new(i32::MIN, i32::MIN, u32::MAX, 15));
    }

    #[test]
    fn rectangles_are_clipped_to_the_picture() {
        let size = Size::new(10, 8);
        assert_eq!(Rect::new(-2, 3, 5, 20).clipped(size), (0, 3, 3, 8));
        assert_eq!(Rect::new(12, 3, 5, 2).clipped(size), (10, 3, 10, 5));
    }
}
