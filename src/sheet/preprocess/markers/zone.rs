//! Where in the picture a mark is sought.

use super::super::PrepareError;
use crate::geometry::{Rect, Size};
use crate::template::{Corner, Margins, Mark, MarkerPlace, MarkerZone};

/// Where a mark is sought. What the template does not state is the middle of the corner's quadrant, with margins that
/// reach its edges.
pub fn search_area(zone: &MarkerZone, picture: Size) -> Rect {
    let (w, h) = (f64::from(picture.width), f64::from(picture.height));
    let (half_w, half_h) = ((w / 2.0).floor(), (h / 2.0).floor());
    let (is_right, is_lower) = match zone.place {
        MarkerPlace::Corner(corner) => (
            matches!(corner, Corner::TopRight | Corner::BottomRight),
            matches!(corner, Corner::BottomRight | Corner::BottomLeft),
        ),
        // These always state where they are.
        MarkerPlace::Side(_) | MarkerPlace::Extra => (false, false),
    };
    let mark = match &zone.mark {
        Mark::Picture { size, .. } => *size,
        _ => zone.expected_size(),
    };
    let (marker_w, marker_h) = (f64::from(mark.width), f64::from(mark.height));
    let (left, right) = if is_right { (half_w, w) } else { (1.0, half_w) };
    let (top, bottom) = if is_lower { (half_h, h) } else { (1.0, half_h) };
    let middle = |from: f64, to: f64, length: f64| ((from + to - length) / 2.0).floor();
    let (x, y) = match zone.origin {
        Some((x, y)) => (f64::from(x), f64::from(y)),
        None => (middle(left, right, marker_w), middle(top, bottom, marker_h)),
    };
    let (box_w, box_h) = match zone.dimensions {
        Some(size) => (f64::from(size.width), f64::from(size.height)),
        None => (marker_w, marker_h),
    };
    let [above, beside, below, before] = match zone.margins {
        Some(Margins { top, right, bottom, left }) => [top, right, bottom, left].map(f64::from),
        None => {
            let (across, down) = ((right - left - marker_w) / 2.0 - 1.0, (bottom - top - marker_h) / 2.0 - 1.0);
            [down, across, down, across]
        }
    };
    // Each bound is cut towards zero on its own.
    let (x0, y0) = ((x - before).trunc(), (y - above).trunc());
    let (x1, y1) = ((x + box_w + beside).trunc(), (y + box_h + below).trunc());
    Rect::new(x0 as i32, y0 as i32, (x1 - x0).max(0.0) as u32, (y1 - y0).max(0.0) as u32)
}

/// Checks that a search area lies in the picture.
///
/// # Errors
/// It does not; the message goes on after the zone's name.
pub fn lies_inside(area: Rect, picture: Size) -> Result<(), PrepareError> {
    let inside = area.x >= 0
        && area.y >= 0
        && i64::from(area.x) + i64::from(area.width) <= i64::from(picture.width)
        && i64::from(area.y) + i64::from(area.height) <= i64::from(picture.height);
    if inside {
        return Ok(());
    }
    Err(PrepareError::Impossible(format!(
        "({}, {}) {}×{} leaves the processing image of {picture}; make its `margins` smaller or move its `origin`",
        area.x, area.y, area.width, area.height
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::MarkerAnchor;

    fn zone(corner: Corner) -> MarkerZone {
        MarkerZone {
            label: "m".to_owned(),
            place: MarkerPlace::Corner(corner),
            mark: Mark::Picture { reference: "m.png".into(), size: Size::new(40, 40), anchor: MarkerAnchor::Center },
            origin: None,
            dimensions: None,
            margins: None,
        }
    }

    #[test]
    fn zones_without_numbers_are_the_quadrants() {
        let zone = zone(Corner::TopLeft);
        let size = Size::new(650, 900);
        // Top-left: x from 1 to 325; the middle is at (1 + 325 − 40) div 2 = 143, margins (324 − 40)/2 − 1 = 141. And y
        // from 1 to 450: the middle at 205, margins 203.5.
        assert_eq!(search_area(&zone, size), Rect::new(2, 1, 322, 447));
        let bottom_right = search_area(&MarkerZone { place: MarkerPlace::Corner(Corner::BottomRight), ..zone }, size);
        assert!(bottom_right.x >= 325 && bottom_right.y >= 450);
        assert!(
            bottom_right.x as u32 + bottom_right.width <= 650 && bottom_right.y as u32 + bottom_right.height <= 900
        );
    }

    #[test]
    fn zones_take_what_the_template_states() {
        let zone = MarkerZone {
            origin: Some((10, 20)),
            dimensions: Some(Size::new(50, 30)),
            margins: Some(Margins { top: 1, right: 2, bottom: 3, left: 4 }),
            ..zone(Corner::TopRight)
        };
        assert_eq!(search_area(&zone, Size::new(650, 900)), Rect::new(6, 19, 56, 34));
    }

    #[test]
    fn areas_beyond_the_picture_are_told() {
        let size = Size::new(650, 900);
        assert_eq!(lies_inside(Rect::new(0, 0, 650, 900), size), Ok(()));
        for area in [Rect::new(-1, 0, 5, 5), Rect::new(646, 0, 5, 5), Rect::new(0, 896, 5, 5)] {
            assert!(lies_inside(area, size).unwrap_err().to_string().contains("leaves the processing image"));
        }
    }
}
