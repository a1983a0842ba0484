use std::path::{Path, PathBuf};

use image::{Luma, Rgb, RgbImage};

use super::super::Colours;
use super::*;
use crate::geometry::Point;
use crate::imaging::colour::Coloured;

/// A page of blocks of different sizes, 400×560, no part of which repeats.
fn page() -> GrayImage {
    GrayImage::from_fn(400, 560, |x, y| {
        let cell = (x / 16 * 7919 + y / 12 * 104_729) % 101;
        let is_ink = (20..380).contains(&x) && (20..540).contains(&y) && cell % 3 == 0 && x % 16 < 4 + cell % 11;
        Luma([if is_ink { 40 } else { 230 }])
    })
}

fn aligner(model: AlignmentModel, size: Size) -> Aligner {
    let options = FeatureBasedAlignment { reference: PathBuf::from("r.png"), model, processing_size: None };
    Aligner::prepare(&options, size, &|_: &Path| Ok(page())).unwrap()
}

#[test]
fn gray_and_colour_come_to_lie_on_the_reference() {
    let map = Homography([1.01, 0.02, -6.0, -0.02, 1.01, 9.0, 0.0, 0.0, 1.0]);
    let mut negative = page();
    negative.iter_mut().for_each(|v| *v = 255 - *v);
    let mut gray = warp::through(&negative, &map, Size::new(400, 560)).unwrap();
    gray.iter_mut().for_each(|v| *v = 255 - *v);
    let colour = RgbImage::from_fn(400, 560, |x, y| Rgb([gray.get_pixel(x, y).0[0], 0, 200]));
    for model in [AlignmentModel::Affine, AlignmentModel::Homography] {
        let raster =
            Raster { gray: gray.clone(), colour: Some(Colours::new(Coloured::rgb(colour.clone()))), unfiltered: None };
        let laid = aligner(model, Size::new(400, 560)).apply(raster, &mut Stages::off()).unwrap();
        let (mut far, want) = (0, page());
        for (x, y, p) in laid.gray.enumerate_pixels() {
            let inside = (30..370).contains(&x) && (30..530).contains(&y);
            // Edges are blended; all else is ink or paper.
            far += u32::from(inside && p.0[0].abs_diff(want.get_pixel(x, y).0[0]) > 110);
        }
        assert!(far < 1800, "{model:?}: {far} pixels of 170000 are another colour");
        assert_eq!(laid.colour.unwrap().picture(&laid.gray).dimensions(), (400, 560));
    }
}

#[test]
fn another_page_is_an_error_with_numbers() {
    let other = image::imageops::flip_horizontal(&page());
    let raster = Raster { gray: other, colour: None, unfiltered: None };
    let error = aligner(AlignmentModel::Affine, Size::new(400, 560)).apply(raster, &mut Stages::off()).unwrap_err();
    assert_eq!(error.reason, Reason::AlignmentFailed);
    assert!(error.detail.contains(" of ") && error.detail.contains("same form"), "{}", error.detail);
}

#[test]
fn a_reference_without_print_is_told_beforehand() {
    let options = FeatureBasedAlignment {
        reference: PathBuf::from("r.png"),
        model: AlignmentModel::Affine,
        processing_size: None,
    };
    let blank = |_: &Path| Ok(GrayImage::from_pixel(400, 560, Luma([255])));
    let told = Aligner::prepare(&options, Size::new(400, 560), &blank).map(|_| ()).unwrap_err().to_string();
    assert!(told.contains("too little print"), "{told}");
}

#[test]
fn resizing_keeps_the_edges_of_pictures() {
    let map = Homography::resizing(Size::new(10, 30), Size::new(20, 15));
    let to = map.apply(Point::new(-0.5, -0.5));
    assert!((to.x + 0.5).abs() < 1e-9 && (to.y + 0.5).abs() < 1e-9);
    let to = map.apply(Point::new(9.5, 29.5));
    assert!((to.x - 19.5).abs() < 1e-9 && (to.y - 14.5).abs() < 1e-9);
}
