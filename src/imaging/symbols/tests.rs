use image::{Luma, imageops};
use proptest::prelude::*;

use super::drawn::{code_39, page, qr};
use super::*;
use crate::imaging::arbitrary::picture;

fn texts(picture: &GrayImage) -> Vec<String> {
    let mut texts: Vec<String> = find(picture).into_iter().map(|s| s.text).collect();
    texts.sort();
    texts
}

#[test]
fn a_code_is_read_in_each_quarter_turn() {
    let matrix = page((220, 260), &[(&qr("sheet 7", 4), (60, 90))]);
    let linear = page((420, 160), &[(&code_39("A012", 2, 60), (60, 50))]);
    for (upright, text) in [(matrix, "sheet 7"), (linear, "A012")] {
        let turned = [imageops::rotate90(&upright), imageops::rotate180(&upright), imageops::rotate270(&upright)];
        for picture in turned.iter().chain([&upright]) {
            assert_eq!(texts(picture), [text], "{:?}", picture.dimensions());
        }
    }
}

#[test]
fn places_are_those_of_the_picture() {
    let code = code_39("A012", 2, 60);
    let picture = imageops::rotate90(&page((420, 160), &[(&code, (60, 50))]));
    let found = find(&picture);
    // Upright it spans x from 60 and y from 50 to 109: turned, x from 50 to 109.
    let Rect { x, y, width, height } = found[0].bounds;
    assert!((50..56).contains(&x) && (x + width as i32) <= 110 && (x + width as i32) > 100, "{found:?}");
    assert!((60..90).contains(&y) && height > code.width() - 40, "{found:?}");
}

#[test]
fn all_codes_of_a_picture_are_found() {
    let (a, b) = (qr("first", 4), qr("second", 4));
    let (c, d) = (code_39("12", 2, 50), code_39("AB", 2, 50));
    let picture =
        page((520, 420), &[(&a, (20, 20)), (&b, (300, 30)), (&c, (20, 200)), (&d, (300, 200)), (&c, (20, 320))]);
    assert_eq!(texts(&picture), ["12", "12", "AB", "first", "second"]);
}

#[test]
fn a_row_that_looks_like_a_code_is_none() {
    // Two rows of a code without a check, in a picture of text height.
    let picture = page((300, 120), &[(&code_39("A012", 1, 2), (40, 50))]);
    assert_eq!(find(&picture), []);
    assert_eq!(find(&GrayImage::from_fn(200, 200, |x, y| Luma([((x * 37 + y * 91) % 251) as u8]))), []);
    assert_eq!(find(&GrayImage::new(0, 5)), []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn any_picture_is_survived(img in picture(60, 60)) {
        let symbols = find(&img);
        for Symbol { bounds, .. } in symbols {
            let (x0, y0, x1, y1) = bounds.clipped(crate::geometry::Size::new(img.width(), img.height()));
            prop_assert_eq!((x1 - x0, y1 - y0), (bounds.width, bounds.height));
        }
    }
}
