use image::Luma;
use proptest::prelude::*;

use super::*;
use crate::geometry::Quad;

/// Repeatable numbers below a bound.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(bound.max(1))) as u32
    }
}

fn fill(img: &mut GrayImage, area: Rect, gray: u8) {
    let (x0, y0, x1, y1) = area.clipped(Size::new(img.width(), img.height()));
    for (x, y) in (y0..y1).flat_map(|y| (x0..x1).map(move |x| (x, y))) {
        img.put_pixel(x, y, Luma([gray]));
    }
}

fn ring(img: &mut GrayImage, (x, y): (u32, u32), marked: bool) {
    for (dx, dy) in (-9..=9i32).flat_map(|dy| (-9..=9).map(move |dx| (dx, dy))) {
        let square = dx * dx + dy * dy;
        if (49..=81).contains(&square) || (marked && square < 81) {
            img.put_pixel((x as i32 + dx) as u32, (y as i32 + dy) as u32, Luma([if marked { 50 } else { 110 }]));
        }
    }
}

/// A form of 620×880: words in lines, two boxes, a grid of rings. Another seed is another form. `marks` fills some rings.
fn form(seed: u64, marks: Option<u64>) -> GrayImage {
    let mut numbers = Numbers(seed);
    let mut img = GrayImage::from_pixel(620, 880, Luma([245]));
    for _ in 0..26 {
        let (mut x, y) = (40 + numbers.below(60), 30 + numbers.below(360));
        for _ in 0..2 + numbers.below(5) {
            let width = 10 + numbers.below(40);
            for letter in (0..width).step_by(7) {
                fill(
                    &mut img,
                    Rect::new((x + letter) as i32, y as i32, 2 + numbers.below(4), 3 + numbers.below(8)),
                    40,
                );
            }
            x += width + 9;
        }
    }
    for (left, top) in [(330 + numbers.below(60), 60), (60, 440 + numbers.below(40))] {
        let outer = Rect::new(left as i32, top as i32, 180, 90);
        fill(&mut img, outer, 60);
        fill(&mut img, Rect::new(outer.x + 3, outer.y + 3, 174, 84), 245);
    }
    let mut filled = Numbers(marks.unwrap_or(0));
    for (row, column) in (0..10).flat_map(|row| (0..12).map(move |column| (row, column))) {
        let marked = marks.is_some() && filled.below(4) == 0;
        ring(&mut img, (80 + column * 40, 580 + row * 28), marked);
    }
    img
}

/// The form as a scan shows it: moved by `map`, under uneven light, with noise.
fn scanned(form: &GrayImage, map: &Homography, seed: u64) -> GrayImage {
    let mut numbers = Numbers(seed);
    let mut negative = form.clone();
    negative.iter_mut().for_each(|v| *v = 255 - *v);
    let mut scan = warp::through(&negative, map, Size::new(form.width(), form.height())).unwrap();
    for (x, y, p) in scan.enumerate_pixels_mut() {
        let light = 0.75 + 0.25 * f64::from(x + y) / 1500.0;
        let noise = f64::from(numbers.below(21)) - 10.0;
        p.0[0] = ((255.0 - f64::from(p.0[0])) * light + noise).clamp(0.0, 255.0) as u8;
    }
    scan
}

fn turned(degrees: f64, scale: f64, shift: (f64, f64)) -> Homography {
    let mut map = about_centres(Size::new(620, 880), Size::new(620, 880), degrees.to_radians(), scale);
    map.0[2] += shift.0;
    map.0[5] += shift.1;
    map
}

/// The largest distance, on a lattice over the form, between where a map takes a point and where it was.
fn farthest(found: &Homography, map: &Homography) -> f64 {
    let points =
        (0..5).flat_map(|i| (0..7).map(move |j| Point::new(60.0 + 125.0 * f64::from(i), 60.0 + 125.0 * f64::from(j))));
    points.map(|p| found.apply(map.apply(p)).distance(p)).fold(0.0, f64::max)
}

#[test]
fn scans_are_laid_onto_the_reference_to_a_pixel() {
    let reference = Reference::new(&form(5, None)).unwrap();
    for (i, map) in [
        turned(0.0, 1.0, (0.0, 0.0)),
        turned(0.0, 1.0, (23.4, -31.7)),
        turned(3.5, 0.95, (8.0, 12.0)),
        turned(-4.0, 1.05, (-10.0, 5.0)),
        turned(12.0, 0.9, (0.0, 0.0)),
        turned(180.0, 1.0, (3.0, 2.0)),
    ]
    .into_iter()
    .enumerate()
    {
        let scan = scanned(&form(5, Some(i as u64 + 1)), &map, 9);
        for model in [Model::Affine, Model::Homography] {
            let found = reference.register(&scan, model).unwrap_or_else(|e| panic!("{i} {model:?}: {e:?}"));
            assert!(
                farthest(&found.map, &map) < 1.0,
                "{i} {model:?}: {} {:?}",
                farthest(&found.map, &map),
                found.support
            );
            assert!(found.support.rms < 1.0);
        }
    }
}

#[test]
fn perspective_needs_a_homography() {
    let corners = |points: [(f64, f64); 4]| Quad { corners: points.map(|(x, y)| Point::new(x, y)) };
    let from = corners([(0.0, 0.0), (619.0, 0.0), (619.0, 879.0), (0.0, 879.0)]);
    let to = corners([(18.0, 12.0), (600.0, 4.0), (612.0, 868.0), (4.0, 850.0)]);
    let map = Homography::from_quads(&from, &to).unwrap();
    let reference = Reference::new(&form(5, None)).unwrap();
    let scan = scanned(&form(5, Some(3)), &map, 2);
    let found = reference.register(&scan, Model::Homography).unwrap();
    assert!(farthest(&found.map, &map) < 1.0, "{}", farthest(&found.map, &map));
}

#[test]
fn another_form_or_an_empty_page_is_refused() {
    let reference = Reference::new(&form(5, None)).unwrap();
    for scan in [GrayImage::from_pixel(620, 880, Luma([240])), GrayImage::new(0, 0), GrayImage::new(3, 900)] {
        assert!(reference.register(&scan, Model::Homography).is_err());
    }
    let still = turned(0.0, 1.0, (0.0, 0.0));
    // Words and boxes of another seed, and no rings: the grid of rings alone would be the same form.
    let mut other = form(77, None);
    fill(&mut other, Rect::new(0, 560, 620, 320), 245);
    let support = reference.register(&scanned(&other, &still, 4), Model::Affine).unwrap_err();
    assert!(support.agreeing < support.sought / 3, "{support:?}");
    let noise = GrayImage::from_fn(620, 880, |x, y| Luma([(Numbers(u64::from(x * 977 + y * 7919)).below(256)) as u8]));
    assert!(reference.register(&noise, Model::Affine).is_err());
}

/// A small reference has one level alone, which must judge as well.
#[test]
fn a_small_reference_refuses_another_form_too() {
    let small = |seed| resize::linear(&form(seed, None), Size::new(155, 220));
    let Some(reference) = Reference::new(&small(1)) else { panic!("the small form has print") };
    assert!(reference.register(&small(1), Model::Homography).is_ok());
    for other in 2..6 {
        let found = reference.register(&small(other), Model::Homography);
        assert!(found.is_err(), "form {other}: {found:?}");
    }
}

#[test]
fn a_reference_needs_print() {
    assert_eq!(Reference::new(&GrayImage::from_pixel(620, 880, Luma([240]))), None);
    assert_eq!(Reference::new(&GrayImage::new(0, 0)), None);
    // Lines in one direction alone are found anywhere along themselves.
    let lines = GrayImage::from_fn(620, 880, |_, y| Luma([if y % 40 < 3 { 30 } else { 240 }]));
    assert_eq!(Reference::new(&lines), None);
}

#[test]
fn maps_that_no_scan_makes_are_not_possible() {
    let reference = Reference::new(&form(5, None)).unwrap();
    let possible = |map: [f64; 9]| reference.is_possible(&Homography(map));
    assert!(possible([1.0, 0.0, 5.0, 0.0, 1.0, -3.0, 0.0, 0.0, 1.0]));
    assert!(!possible([-1.0, 0.0, 620.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]), "flipped");
    assert!(!possible([0.1, 0.0, 0.0, 0.0, 0.1, 0.0, 0.0, 0.0, 1.0]), "collapsed");
    assert!(!possible([1.0, 0.0, 0.0, 0.0, 0.6, 0.0, 0.0, 0.0, 1.0]), "squeezed");
    assert!(!possible([1.0, 0.0, 0.0, 0.0, 1.0, 0.0, -0.002, 0.0, 1.0]), "seen from behind");
    assert!(!possible([f64::NAN; 9]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_size_panics(width in 0..300u32, height in 0..300u32, other in 0..300u32, seed in any::<u64>()) {
        let mut numbers = Numbers(seed);
        let picture = GrayImage::from_fn(width, height, |x, y| Luma([((x / 5 * 31 + y / 7 * 57) % 256) as u8]));
        if let Some(reference) = Reference::new(&picture) {
            let sheet = GrayImage::from_fn(other, height, |_, _| Luma([numbers.below(256) as u8]));
            let _ = reference.register(&sheet, Model::Homography);
        }
    }
}
