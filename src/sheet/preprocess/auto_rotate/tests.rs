use image::RgbImage;
use image::metadata::Orientation;
use std::path::{Path, PathBuf};

use image::Luma;

use super::super::Colours;
use super::*;
use crate::imaging::colour::Coloured;

/// A stamp like an arrow: a triangle on a post, 40×60.
fn arrow(ink: u8, paper: u8) -> GrayImage {
    GrayImage::from_fn(40, 60, |x, y| {
        let from_middle = (f64::from(x) - 19.5).abs();
        let is_ink = match y {
            4..28 => from_middle < f64::from(y - 4) * 0.7,
            28..56 => from_middle < 5.0,
            _ => false,
        };
        Luma([if is_ink { ink } else { paper }])
    })
}

/// A sheet of 300×400 with lines of words, and a stamp of a size in percent whose top-left pixel is at (210, 20).
fn sheet(percent: u32, ink: u8, paper: u8) -> GrayImage {
    let mut img = GrayImage::from_fn(300, 400, |x, y| {
        let is_word = x > 20 && x < 190 && y > 30 && (y / 6) % 3 == 0 && (x * 7 + y / 18 * 31) % 43 > 9 && x % 5 < 3;
        Luma([if is_word { ink } else { paper }])
    });
    let stamp = resize::linear(&arrow(ink, paper), Size::new(40 * percent / 100, 60 * percent / 100));
    for (x, y, p) in stamp.enumerate_pixels() {
        img.put_pixel(210 + x, 20 + y, *p);
    }
    img
}

fn rotator(stamp: &GrayImage, threshold: Option<RotationThreshold>) -> Rotator {
    let options = AutoRotate { reference: PathBuf::from("a.png"), marker_size: None, threshold };
    Rotator::prepare(&options, Size::new(300, 400), &|_: &Path| Ok(stamp.clone())).unwrap()
}

fn raster(gray: GrayImage) -> Raster {
    Raster { gray, colour: None, unfiltered: None }
}

const ORIENTATIONS: [Orientation; 4] =
    [Orientation::NoTransforms, Orientation::Rotate90, Orientation::Rotate180, Orientation::Rotate270];

#[test]
fn a_turned_sheet_becomes_the_upright_one_pixel_by_pixel() {
    let upright = sheet(100, 30, 230);
    let rotator = rotator(&arrow(0, 255), None);
    for orientation in ORIENTATIONS {
        let turned = orient::upright(upright.clone(), orientation);
        let found = rotator.apply(raster(turned), &mut Matcher::default(), &mut Stages::off()).unwrap();
        assert_eq!(found.gray, upright, "{orientation:?}");
    }
}

#[test]
fn colours_turn_with_the_grays() {
    let gray = orient::upright(sheet(100, 30, 230), Orientation::Rotate90);
    let colour = RgbImage::from_fn(400, 300, |x, y| image::Rgb([gray.get_pixel(x, y).0[0], 7, 9]));
    let found = rotator(&arrow(0, 255), None);
    let found = found
        .apply(
            Raster { gray, colour: Some(Colours::new(Coloured::rgb(colour))), unfiltered: None },
            &mut Matcher::default(),
            &mut Stages::off(),
        )
        .unwrap();
    let colour = found.colour.unwrap().picture(&found.gray);
    assert!(found.gray.enumerate_pixels().all(|(x, y, p)| colour.get_pixel(x, y).0 == [p.0[0], 7, 9]));
}

#[test]
fn the_stamp_may_be_larger_smaller_darker_or_blurred() {
    for (percent, ink, paper, blurred) in
        [(75, 20, 240, false), (130, 20, 240, false), (150, 60, 200, true), (100, 100, 150, true), (62, 10, 90, false)]
    {
        let mut upright = sheet(percent, ink, paper);
        if blurred {
            upright = crate::imaging::blur::gaussian(&upright, (7, 7), 2.0);
        }
        let rotator = rotator(&arrow(0, 255), Some(RotationThreshold { value: 0.6, passthrough: false }));
        for orientation in ORIENTATIONS {
            let turned = orient::upright(upright.clone(), orientation);
            let found = rotator.apply(raster(turned), &mut Matcher::default(), &mut Stages::off()).unwrap();
            assert!(found.gray == upright, "{percent} % {ink} on {paper}, {orientation:?}");
        }
    }
}

#[test]
fn a_larger_photo_is_resized_after_the_turn() {
    let upright = resize::linear(&sheet(100, 30, 230), Size::new(600, 800));
    let on_its_side = orient::upright(upright.clone(), Orientation::Rotate270);
    let found =
        rotator(&arrow(0, 255), None).apply(raster(on_its_side), &mut Matcher::default(), &mut Stages::off()).unwrap();
    assert_eq!(found.gray, resize::linear(&upright, Size::new(300, 400)));
}

#[test]
fn without_the_stamp_the_threshold_decides() {
    let mut blank = sheet(100, 30, 230);
    blank.enumerate_pixels_mut().filter(|(x, y, _)| *x >= 205 && *y < 90).for_each(|(_, _, p)| p.0[0] = 230);
    let strict = rotator(&arrow(0, 255), Some(RotationThreshold { value: 0.9, passthrough: false }));
    let error = strict.apply(raster(blank.clone()), &mut Matcher::default(), &mut Stages::off()).unwrap_err();
    assert_eq!(error.reason, Reason::OrientationUncertain);
    assert!(error.detail.contains("its threshold is 0.9") && error.detail.contains("180°"), "{}", error.detail);
    let lenient = rotator(&arrow(0, 255), Some(RotationThreshold { value: 0.9, passthrough: true }));
    assert!(lenient.apply(raster(blank), &mut Matcher::default(), &mut Stages::off()).is_ok());
}

#[test]
fn a_stamp_that_looks_the_same_turned_decides_nothing() {
    let disc = |x: u32, y: u32| x.abs_diff(20).pow(2) + y.abs_diff(20).pow(2) < 200;
    let stamp = GrayImage::from_fn(41, 41, |x, y| Luma([if disc(x, y) { 0 } else { 255 }]));
    let mut img = GrayImage::from_pixel(300, 400, Luma([240]));
    for (x, y, p) in stamp.enumerate_pixels() {
        img.put_pixel(100 + x, 50 + y, *p);
    }
    let error = rotator(&stamp, None).apply(raster(img), &mut Matcher::default(), &mut Stages::off()).unwrap_err();
    assert!(error.detail.contains("two turns alike"), "{}", error.detail);
}

#[test]
fn references_that_can_find_nothing_are_told_beforehand() {
    let prepare = |reference: GrayImage, size| {
        let options = AutoRotate { reference: PathBuf::from("a.png"), marker_size: size, threshold: None };
        Rotator::prepare(&options, Size::new(300, 400), &|_: &Path| Ok(reference.clone())).map(|_| ())
    };
    let told = |result: Result<(), PrepareError>| result.unwrap_err().to_string();
    assert!(told(prepare(GrayImage::new(9, 9), None)).contains("one gray everywhere"));
    assert!(told(prepare(sheet(100, 0, 255), Some(Size::new(900, 60)))).contains("`markerDimensions`"));
    assert!(prepare(sheet(100, 0, 255), None).is_ok());
}

#[test]
fn pictures_of_any_size_have_a_result() {
    let rotator = rotator(&arrow(0, 255), None);
    for (width, height) in [(0, 0), (1, 1), (1, 900), (700, 2), (33, 35)] {
        let _ = rotator.apply(raster(GrayImage::new(width, height)), &mut Matcher::default(), &mut Stages::off());
    }
}
