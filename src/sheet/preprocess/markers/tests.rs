//! The common path: zones to points to the page.

use super::*;

#[test]
fn anchors_are_points_of_the_box() {
    let found = Rect::new(10, 20, 5, 7);
    assert_eq!(anchor_point(MarkerAnchor::Center, found), Point::new(12.0, 23.0));
    assert_eq!(anchor_point(MarkerAnchor::BottomRight, found), Point::new(15.0, 27.0));
}
