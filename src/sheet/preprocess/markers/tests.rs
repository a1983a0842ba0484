//! The common path: zones to points to the page.

use image::{Luma, Rgb, RgbImage};
use proptest::prelude::*;

use super::super::Colours;
use super::*;
use crate::imaging::colour::Coloured;
use crate::template::{BlobTuning, Corner, Interpolation, LTuning, LineEdge, Margins, Side};

const SIZE: Size = Size::new(400, 500);

fn no_picture(path: &std::path::Path) -> Result<GrayImage, PrepareError> {
    Err(PrepareError::Asset { path: path.to_path_buf(), detail: "none".to_owned() })
}

const DOT: BlobTuning = BlobTuning { kernel: (3, 3), threshold: 150.0, blur: None };
const LINE: BlobTuning = BlobTuning { kernel: (3, 11), threshold: 180.0, blur: None };

fn zone(label: &str, place: MarkerPlace, mark: Mark, origin: (i32, i32), size: (u32, u32)) -> MarkerZone {
    let margins = Some(Margins { top: 15, right: 15, bottom: 15, left: 15 });
    let dimensions = Some(Size::new(size.0, size.1));
    MarkerZone { label: label.to_owned(), place, mark, origin: Some(origin), dimensions, margins }
}

fn dot(label: &str, corner: Corner, x: i32, y: i32) -> MarkerZone {
    let mark = Mark::Dot { anchor: MarkerAnchor::Center, tuning: DOT };
    zone(label, MarkerPlace::Corner(corner), mark, (x - 15, y - 15), (30, 30))
}

fn line(label: &str, side: Side, origin: (i32, i32), size: (u32, u32)) -> MarkerZone {
    let mark = Mark::Line { side, edge: LineEdge::Outer, tuning: LINE, max_points: None };
    zone(label, MarkerPlace::Side(side), mark, origin, size)
}

fn four_dots() -> Vec<MarkerZone> {
    vec![
        dot("topLeftDot", Corner::TopLeft, 50, 50),
        dot("topRightDot", Corner::TopRight, 350, 50),
        dot("bottomRightDot", Corner::BottomRight, 350, 450),
        dot("bottomLeftDot", Corner::BottomLeft, 50, 450),
    ]
}

fn options(zones: Vec<MarkerZone>, method: WarpMethod) -> CropOnMarkers {
    let warp = PageWarp { method, interpolation: Interpolation::Linear };
    CropOnMarkers {
        search: MarkerSearch::Zones(MarkerZones { processing_size: SIZE, zones, warp, cropping: true }),
        min_matching_threshold: 0.3,
        rescale_range: (85, 115),
        rescale_steps: 5,
        apply_erode_subtract: true,
    }
}

fn finder(zones: Vec<MarkerZone>, method: WarpMethod) -> MarkerFinder {
    MarkerFinder::prepare(&options(zones, method), SIZE, 0.7, &no_picture).unwrap_or_else(|e| panic!("{e}"))
}

/// Paper with ink where `ink` says so; in the page's middle is a square, by which it is seen how it lies.
fn sheet(ink: impl Fn(i32, i32) -> bool) -> Raster {
    let gray = GrayImage::from_fn(SIZE.width, SIZE.height, |x, y| {
        let (x, y) = (x as i32, y as i32);
        let middle = (190..210).contains(&x) && (240..260).contains(&y);
        Luma([if middle || ink(x, y) { 30 } else { 235 }])
    });
    Raster { gray, colour: None, unfiltered: None }
}

fn discs(centres: [(i32, i32); 4]) -> impl Fn(i32, i32) -> bool {
    move |x, y| centres.iter().any(|(cx, cy)| (x - cx).pow(2) + (y - cy).pow(2) <= 49)
}

/// The middle of the square, in parts of the page.
fn middle(page: &GrayImage) -> (f64, f64) {
    let (w, h) = page.dimensions();
    let (mut sum, mut x, mut y) = (0.0, 0.0, 0.0);
    for (px, py, p) in page.enumerate_pixels() {
        if p.0[0] < 100 && (w / 4..3 * w / 4).contains(&px) && (h / 4..3 * h / 4).contains(&py) {
            (sum, x, y) = (sum + 1.0, x + f64::from(px), y + f64::from(py));
        }
    }
    (x / sum / f64::from(w), y / sum / f64::from(h))
}

#[track_caller]
fn lies_straight(finder: &MarkerFinder, raster: Raster) {
    let page = finder.apply(raster, &mut Scratch::default(), &mut Stages::off()).unwrap_or_else(|e| panic!("{e}")).gray;
    let (x, y) = middle(&page);
    assert!((x - 0.5).abs() < 0.012 && (y - 0.5).abs() < 0.012, "{x} {y} of {:?}", page.dimensions());
}

#[test]
fn anchors_are_points_of_the_box() {
    let found = Rect::new(10, 20, 5, 7);
    assert_eq!(anchor_point(MarkerAnchor::Center, found), Point::new(12.0, 23.0));
    assert_eq!(anchor_point(MarkerAnchor::BottomRight, found), Point::new(15.0, 27.0));
}

#[test]
fn four_dots_make_a_page_by_every_method() {
    for method in [WarpMethod::Perspective, WarpMethod::Homography, WarpMethod::Remap, WarpMethod::DocRefine] {
        let finder = finder(four_dots(), method);
        lies_straight(&finder, sheet(discs([(50, 50), (350, 50), (350, 450), (50, 450)])));
        // Shifted by 8 px: the square is too, as it moves with the paper.
        lies_straight(&finder, sheet(discs([(42, 44), (358, 44), (358, 456), (42, 456)])));
    }
}

#[test]
fn lines_give_their_ends() {
    let left = |x: i32, y: i32| (40..52).contains(&x) && (50..451).contains(&y) && (y - 50) % 16 < 9;
    let right = |x: i32, y: i32| (348..360).contains(&x) && (50..451).contains(&y) && (y - 50) % 16 < 9;
    let zones =
        vec![line("leftLine", Side::Left, (40, 50), (12, 400)), line("rightLine", Side::Right, (348, 50), (12, 400))];
    for method in [WarpMethod::Perspective, WarpMethod::Homography, WarpMethod::Remap, WarpMethod::DocRefine] {
        lies_straight(&finder(zones.clone(), method), sheet(|x, y| left(x, y) || right(x, y)));
    }
    let zones = vec![
        line("leftLine", Side::Left, (40, 50), (12, 400)),
        dot("topRightDot", Corner::TopRight, 360, 50),
        dot("bottomRightDot", Corner::BottomRight, 360, 450),
    ];
    let dots = discs([(360, 50), (360, 450), (360, 50), (360, 50)]);
    lies_straight(&finder(zones, WarpMethod::Perspective), sheet(|x, y| left(x, y) || dots(x, y)));
}

#[test]
fn lines_across_do_too() {
    let across = |from: i32| move |x: i32, y: i32| (from..from + 10).contains(&y) && (50..350).contains(&x);
    let (top, bottom) = (across(40), across(450));
    let mut zones =
        vec![line("topLine", Side::Top, (50, 40), (300, 10)), line("bottomLine", Side::Bottom, (50, 450), (300, 10))];
    for zone in &mut zones {
        if let Mark::Line { tuning, .. } = &mut zone.mark {
            tuning.kernel = (11, 3);
        }
    }
    lies_straight(&finder(zones, WarpMethod::Perspective), sheet(|x, y| top(x, y) || bottom(x, y)));
}

#[test]
fn l_shapes_make_a_page() {
    let tuning = LTuning { kernel: (3, 3), iterations: 1, min_area: 200.0, max_area: 5000.0 };
    let l = |label: &str, corner, x: i32, y: i32| {
        zone(label, MarkerPlace::Corner(corner), Mark::LShape(tuning), (x - 20, y - 20), (40, 40))
    };
    let zones = vec![
        l("topLeftLMarker", Corner::TopLeft, 50, 50),
        l("topRightLMarker", Corner::TopRight, 350, 50),
        l("bottomRightLMarker", Corner::BottomRight, 350, 450),
        l("bottomLeftLMarker", Corner::BottomLeft, 50, 450),
    ];
    let bars = |cx: i32, cy: i32, sx: i32, sy: i32| {
        move |x: i32, y: i32| {
            let (u, v) = (sx * (x - cx), sy * (y - cy));
            let bar = |along: i32, across: i32| (-8..22).contains(&along) && (-8..0).contains(&across);
            bar(u, v) || bar(v, u)
        }
    };
    let (a, b, c, d) = (bars(50, 50, 1, 1), bars(350, 50, -1, 1), bars(350, 450, -1, -1), bars(50, 450, 1, -1));
    let raster = sheet(|x, y| a(x, y) || b(x, y) || c(x, y) || d(x, y));
    lies_straight(&finder(zones, WarpMethod::Homography), raster);
}

#[test]
fn colour_goes_along() {
    let mut raster = sheet(discs([(50, 50), (350, 50), (350, 450), (50, 450)]));
    let colour = RgbImage::from_fn(SIZE.width, SIZE.height, |x, y| Rgb([raster.gray.get_pixel(x, y).0[0]; 3]));
    raster.colour = Some(Colours::new(Coloured::rgb(colour)));
    for method in [WarpMethod::Perspective, WarpMethod::Remap, WarpMethod::DocRefine] {
        let page =
            finder(four_dots(), method).apply(raster.clone(), &mut Scratch::default(), &mut Stages::off()).unwrap();
        let colour = page.colour.unwrap().picture(&page.gray);
        assert!(page.gray.enumerate_pixels().all(|(x, y, p)| colour.get_pixel(x, y).0 == [p.0[0]; 3]));
    }
}

#[test]
fn a_missing_mark_is_named() {
    let finder = finder(four_dots(), WarpMethod::Perspective);
    let failure = finder.apply(
        sheet(discs([(50, 50), (350, 50), (350, 450), (-90, 0)])),
        &mut Scratch::default(),
        &mut Stages::off(),
    );
    let failure = failure.map(|_| ()).unwrap_err();
    assert_eq!(failure.reason, Reason::MarkerNotFound);
    for told in ["`bottomLeftDot` was not found", "expected a dark dot", "searched 60×60 px from (20, 420)"] {
        assert!(failure.detail.contains(told), "{}", failure.detail);
    }
}

#[test]
fn marks_that_make_no_page_are_told() {
    let mut zones = four_dots();
    zones[0].margins = Some(Margins { top: 30, right: 220, bottom: 250, left: 30 });
    // The speck that was taken for the top-left dot lies near the page's middle.
    let failure = finder(zones, WarpMethod::Perspective)
        .apply(
            sheet(discs([(170, 220), (350, 50), (350, 450), (50, 450)])),
            &mut Scratch::default(),
            &mut Stages::off(),
        )
        .map(|_| ())
        .unwrap_err();
    assert!(failure.detail.contains("make no page"), "{}", failure.detail);
}

#[test]
fn zones_that_cannot_work_are_told_before() {
    let told = |zones: Vec<MarkerZone>, method| {
        MarkerFinder::prepare(&options(zones, method), SIZE, 0.7, &no_picture).map(|_| ()).unwrap_err().to_string()
    };
    let mut zones = four_dots();
    zones[1].origin = Some((380, 50));
    assert!(told(zones, WarpMethod::Perspective).contains("`topRightDot` (365, 35) 60×60 leaves the processing image"));
    let mut zones = four_dots();
    zones.swap_remove(0);
    assert!(told(zones, WarpMethod::Perspective).contains("four corners"));
    let mut zones = four_dots();
    zones[0].origin = zones[2].origin;
    assert!(told(zones, WarpMethod::Homography).contains("do not lie around a page"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_sheet_is_survived(seed: u64, level in 0..255u8, which in 0..4usize) {
        let methods = [WarpMethod::Perspective, WarpMethod::Homography, WarpMethod::Remap, WarpMethod::DocRefine];
        let mut state = seed | 1;
        let mut raster = sheet(|_, _| false);
        for v in raster.gray.iter_mut() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *v = if (state >> 56) as u8 > level { 240 } else { (state >> 48) as u8 };
        }
        let _ = finder(four_dots(), methods[which]).apply(raster, &mut Scratch::default(), &mut Stages::off());
    }
}
