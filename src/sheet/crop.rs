//! What a person looks at to judge a doubtful field: its bubbles or its zone, cut out of the page with a little around them.

use image::GrayImage;

use super::align::Placement;
use crate::geometry::Rect;
use crate::imaging::cutting;
use crate::imaging::overlay::EncodeError;
use crate::template::{Field, FieldBlock};

/// Bubbles with a side below this many pixels are shown twice as large: what is drawn in them can hardly be seen else.
const SMALL_BUBBLE: u32 = 20;

/// The part of the page that shows a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Its box on the page, which may reach beyond it.
    area: Rect,
    /// Whole number of pixels that a pixel of the page becomes, along each side.
    scale: u32,
}

impl View {
    /// The bubbles of a field, or the zone of one without bubbles, with a margin of a bubble, where its block was read.
    pub fn of(block: &FieldBlock, field: &Field, placement: Placement) -> Self {
        let bubble = block.bubble_size;
        let boxes = field.bubbles.iter().map(|b| Rect::new(b.x, b.y, bubble.width, bubble.height));
        let whole = boxes.map(|area| placement.of(area)).reduce(Rect::joined);
        let is_small = whole.is_some() && bubble.width.min(bubble.height) < SMALL_BUBBLE;
        let area = whole.unwrap_or_else(|| placement.of(block.bounds)).grown(bubble.width, bubble.height);
        Self { area, scale: if is_small { 2 } else { 1 } }
    }

    /// The picture of it, as PNG; `None` where nothing of it lies on the page.
    ///
    /// # Errors
    /// What the encoder says.
    pub fn png(self, page: &GrayImage) -> Result<Option<Vec<u8>>, EncodeError> {
        cutting::cut(page, self.area, self.scale).map(|picture| cutting::to_png(&picture)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use image::Luma;

    use super::*;
    use crate::geometry::Size;
    use crate::template::{BlockAlignment, Bubble, FieldKind};

    fn block(side: u32, kind: FieldKind) -> FieldBlock {
        FieldBlock {
            name: "B".to_owned(),
            kind,
            fields: Vec::new(),
            bounds: Rect::new(10, 20, 50, 8),
            bubble_size: Size::new(side, side),
            empty_value: String::new(),
            max_marks: None,
            alignment: BlockAlignment::default(),
        }
    }

    fn field(places: &[(i32, i32)]) -> Field {
        let bubbles = places.iter().map(|&(x, y)| Bubble { x, y, value: "A".to_owned() });
        Field { label: "q1".to_owned(), bubbles: bubbles.collect() }
    }

    fn shown(view: View) -> GrayImage {
        let page = GrayImage::from_fn(200, 100, |x, y| Luma([(x + y) as u8]));
        image::load_from_memory(&view.png(&page).unwrap().unwrap()).unwrap().into_luma8()
    }

    #[test]
    fn bubbles_have_a_bubble_around_them_where_they_were_read() {
        let view =
            View::of(&block(20, FieldKind::Bubbles), &field(&[(30, 40), (90, 40)]), Placement::shifted(3.0, -2.0));
        let picture = shown(view);
        assert_eq!((picture.dimensions(), picture.get_pixel(0, 0).0), ((120, 60), [13 + 18]));
    }

    #[test]
    fn small_bubbles_are_shown_twice_as_large_and_cut_at_the_page() {
        let view = View::of(&block(10, FieldKind::Bubbles), &field(&[(4, 90)]), Placement::default());
        let picture = shown(view);
        assert_eq!(picture.dimensions(), (2 * 24, 2 * 20));
        assert_eq!([picture.get_pixel(0, 0).0, picture.get_pixel(1, 1).0], [[80]; 2]);
    }

    #[test]
    fn a_zone_is_shown_as_it_is() {
        let picture = shown(View::of(&block(10, FieldKind::Barcode), &field(&[]), Placement::default()));
        assert_eq!((picture.dimensions(), picture.get_pixel(0, 0).0), ((60 + 10, 28), [10]));
    }

    #[test]
    fn beyond_the_page_there_is_nothing_to_show() {
        let far = Placement::shifted(1e12, 0.0);
        let view = View::of(&block(10, FieldKind::Bubbles), &field(&[(4, 90)]), far);
        assert_eq!(view.png(&GrayImage::new(200, 100)).unwrap(), None);
    }
}
