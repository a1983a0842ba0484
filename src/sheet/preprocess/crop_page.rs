//! CropPage: finds the paper as the largest rectangle in the picture's edges and straightens it.
//!
//! OMRChecker's method (spec v1 5.2, spec v2 7.5): edges of a picture whose white is cut off and whose print is closed
//! away; the hulls of the five largest contours; the first one that is a rectangle is the page.

use image::{GrayImage, RgbImage};

use super::super::error::{Reason, SheetError};
use super::super::stages::{Drawn, Kind, Stages};
use super::Raster;
use super::straighten::{self, Edge, PagePoints};
use crate::geometry::{PixelPoint, Point, Quad, Size};
use crate::imaging::sketch::Sketch;
use crate::imaging::{blur, colour, contours, edges, morphology, polygon, tone};
use crate::template::{CropPage, PagePolygon, PagePreparation, WarpMethod};

/// A page covers at least this many square pixels of the processing image, whatever its size. OMRChecker's number.
pub(super) const MIN_AREA: f64 = 80_000.0;

/// Only so many of the largest hulls are looked at. OMRChecker's number.
const CANDIDATES: usize = 5;

/// A page found by colour that is so many times as large as the one found by edges shows that the edges were a part's.
const MUCH_LARGER: f64 = 1.25;

/// Canny thresholds of both generations.
const CANNY: (i32, i32) = (55, 185);

/// Tolerances of the v2 polygon search, as parts of the hull's short side.
const LADDER: [f64; 9] = [0.05, 0.08, 0.10, 0.12, 0.16, 0.20, 0.28, 0.40, 0.50];

/// Finds the page and straightens the picture by its corners.
///
/// # Errors
/// page-not-found.
pub fn apply(raster: Raster, options: &CropPage, stages: &mut Stages) -> Result<Raster, SheetError> {
    let raster = match options.preparation {
        PagePreparation::BlurAndKeep => {
            let mut gray = blur::gaussian(&raster.gray, (3, 3), 0.0);
            tone::stretch(&mut gray, tone::Flat::Black);
            Raster { gray, ..raster }
        }
        PagePreparation::CapTwice => raster,
    };
    let (corners, outline) = page_outline(&raster, options, stages)?;
    let corners = Quad::from_unordered(corners.map(Into::into));
    stages.record(Kind::Found, |most| found(&raster.gray, &corners, &outline, most));
    let edges = match options.warp.method {
        WarpMethod::Perspective => Default::default(),
        _ => edges_of(&outline, &corners, options.max_points_per_edge),
    };
    let page = PagePoints { corners, targets: None, edges, more: Vec::new() };
    straighten::straighten(&raster, &page, options.warp, true).ok_or_else(|| {
        let detail = "the outline that was found has no upright corners: the page is turned by about 45°";
        SheetError::new(Reason::PageNotFound, detail)
    })
}

/// The points of an outline, each with the edge that it is nearest to. The outline itself is taken, not its hull: the
/// lower edge of a page that curls is hollow.
fn edges_of(outline: &[PixelPoint], corners: &Quad, max_points: Option<(u32, u32)>) -> [Edge; 4] {
    let c = corners.corners;
    let mut edges: [Edge; 4] = Default::default();
    for (i, edge) in edges.iter_mut().enumerate() {
        edge.max_points = max_points.map(|(across, down)| if i % 2 == 0 { across } else { down });
    }
    for &point in outline {
        let point = Point::from(point);
        let mut nearest = (f64::INFINITY, 0);
        for i in 0..4 {
            let distance = distance_to_segment(point, c[i], c[(i + 1) % 4]);
            if distance < nearest.0 {
                nearest = (distance, i);
            }
        }
        edges[nearest.1].points.push(point);
    }
    edges
}

fn distance_to_segment(p: Point, a: Point, b: Point) -> f64 {
    let (dx, dy) = (b.x - a.x, b.y - a.y);
    let along = ((p.x - a.x) * dx + (p.y - a.y) * dy) / (dx * dx + dy * dy).max(f64::MIN_POSITIVE);
    let along = along.clamp(0.0, 1.0);
    p.distance(Point::new(a.x + dx * along, a.y + dy * along))
}

/// The corners of the paper, and the outline that they are of.
fn page_outline(
    raster: &Raster,
    options: &CropPage,
    stages: &mut Stages,
) -> Result<([PixelPoint; 4], Vec<PixelPoint>), SheetError> {
    let luma = raster.unfiltered.as_ref().unwrap_or(&raster.gray);
    let colour = raster.colour.as_ref().filter(|_| options.colored_canny).map(|colour| colour.picture(luma));
    let edges = page_edges(&raster.gray, colour.as_ref(), options);
    stages.record(Kind::Searched, |most| {
        let picture = Sketch::of(&edges, most).finish();
        Drawn { title: "CropPage: edges among which the page is sought".to_owned(), notes: Vec::new(), picture }
    });
    let hulls = largest_hulls(contours::find(&edges));
    let largest = hulls.first().map_or(0.0, |hull| hull.area);
    let outlines = stages.want(Kind::Failure).then(|| hulls.iter().map(|hull| hull.points.clone()).collect::<Vec<_>>());
    let found = first_page(hulls, options);
    let by_colour =
        colour.and_then(|colour| first_page(largest_hulls(contours::find_external(&uncoloured(&colour))), options));
    // Edges are the finer measure, but a shadow on the paper is an edge too. What is told by colour alone counts where it
    // is much larger.
    let is_part = |hull: &Hull| by_colour.as_ref().is_some_and(|(other, _)| other.area > MUCH_LARGER * hull.area);
    match found.filter(|(hull, _)| !is_part(hull)).or(by_colour) {
        Some((hull, corners)) => Ok((corners, hull.outline)),
        None => {
            let error = not_found(raster, largest);
            stages.record(Kind::Failure, |most| failure(&raster.gray, &outlines.unwrap_or_default(), &error, most));
            Err(error)
        }
    }
}

/// Shows the page that was found.
fn found(picture: &GrayImage, corners: &Quad, outline: &[PixelPoint], most: Size) -> Drawn {
    const OUTLINE: [u8; 3] = [250, 160, 0];
    const CORNERS: [u8; 3] = [0, 150, 40];
    let mut sketch = Sketch::of(picture, most);
    let outline: Vec<Point> = outline.iter().copied().map(Point::from).collect();
    sketch.shape(&outline, 2, OUTLINE);
    sketch.shape(&corners.corners, 3, CORNERS);
    let [a, b, c, d] = corners.corners.map(|p| format!("({:.0}, {:.0})", p.x, p.y));
    let notes = vec![format!("page from {a} to {b}, {c}, {d} of {}×{} px", picture.width(), picture.height())];
    Drawn { title: "CropPage: the page".to_owned(), notes, picture: sketch.finish() }
}

/// Shows the outlines that were no page, the largest last.
fn failure(picture: &GrayImage, outlines: &[Vec<PixelPoint>], error: &SheetError, most: Size) -> Drawn {
    const LARGEST: [u8; 3] = [215, 30, 30];
    const OTHERS: [u8; 3] = [250, 160, 0];
    let mut sketch = Sketch::of(picture, most);
    for (i, outline) in outlines.iter().enumerate().rev() {
        let outline: Vec<Point> = outline.iter().copied().map(Point::from).collect();
        sketch.shape(&outline, 3, if i == 0 { LARGEST } else { OTHERS });
    }
    Drawn { title: "CropPage failed".to_owned(), notes: vec![error.to_string()], picture: sketch.finish() }
}

fn not_found(raster: &Raster, largest: f64) -> SheetError {
    let (width, height) = raster.gray.dimensions();
    let percent = |area: f64| 100.0 * area / (f64::from(width) * f64::from(height));
    let detail = format!(
        "no rectangle of paper found: the largest outline covers {:.0} % of the picture, a page needs {:.0} % and four \
         right angles; if the scan is the page itself, leave CropPage out of the template",
        percent(largest),
        percent(MIN_AREA)
    );
    SheetError::new(Reason::PageNotFound, detail)
}

/// White where the picture has hardly any colour, compared with the rest of it: the paper on a coloured desk, also where
/// a shadow lies on it. The bound is Otsu's; small specks and bridges are opened away.
fn uncoloured(colour: &RgbImage) -> GrayImage {
    let mut mask = blur::gaussian(&colour::saturation(colour), (5, 5), 0.0);
    let bound = imageproc::contrast::otsu_level(&mask);
    for v in mask.iter_mut() {
        *v = if *v <= bound { 255 } else { 0 };
    }
    morphology::open(&mask, (15, 15), 1)
}

/// The edges among which the page's outline is sought.
fn page_edges(gray: &GrayImage, colour: Option<&RgbImage>, options: &CropPage) -> GrayImage {
    let caps: &[u8] = match options.preparation {
        PagePreparation::CapTwice => &[210, 200],
        PagePreparation::BlurAndKeep => &[200],
    };
    let Some(colour) = colour else {
        let work = tone::stretched_at_caps(gray, caps);
        return edges::canny(&morphology::close(&work, options.morph_kernel, 1), CANNY.0, CANNY.1);
    };
    // What is coloured is left out in place of the last cap.
    let mut work = tone::stretched_at_caps(gray, &caps[..caps.len() - 1]);
    blacken_coloured(&mut work, colour);
    edges::canny(&work, CANNY.0, CANNY.1)
}

/// Makes everything black that is not nearly white paper: saturation above 40 of 255 or value below 180 of 255, in
/// OpenCV's 8-bit HSV.
fn blacken_coloured(gray: &mut GrayImage, picture: &RgbImage) {
    const MAX_SATURATION: u8 = 40;
    const MIN_VALUE: u8 = 180;
    let saturation = colour::saturation(picture);
    for ((to, from), &saturation) in gray.iter_mut().zip(picture.as_raw().chunks_exact(3)).zip(saturation.as_raw()) {
        if colour::value_of(from) < MIN_VALUE || saturation > MAX_SATURATION {
            *to = 0;
        }
    }
}

/// A hull with its area in square pixels, and the outline that it is around.
struct Hull {
    area: f64,
    points: Vec<PixelPoint>,
    outline: Vec<PixelPoint>,
}

/// Hulls of the largest outlines, the largest first.
fn largest_hulls(outlines: Vec<Vec<PixelPoint>>) -> Vec<Hull> {
    let hulls = outlines.into_iter().map(|outline| {
        let points = polygon::convex_hull(&outline);
        Hull { area: contours::area(&points), points, outline }
    });
    let mut hulls: Vec<Hull> = hulls.collect();
    hulls.sort_by(|a, b| b.area.total_cmp(&a.area));
    hulls.truncate(CANDIDATES);
    hulls
}

/// The first hull that is large enough and a rectangle.
fn first_page(hulls: Vec<Hull>, options: &CropPage) -> Option<(Hull, [PixelPoint; 4])> {
    let large = hulls.into_iter().filter(|hull| hull.area >= MIN_AREA);
    large.filter_map(|hull| corners(&hull.points, options).map(|corners| (hull, corners))).next()
}

/// The four corners of a hull, if it is a rectangle.
fn corners(hull: &[PixelPoint], options: &CropPage) -> Option<[PixelPoint; 4]> {
    match options.polygon {
        PagePolygon::OneTolerance => {
            let polygon = polygon::approximate(hull, 0.025 * contours::perimeter(hull));
            rectangle(&polygon)
        }
        PagePolygon::Ladder => corners_by_ladder(hull),
    }
}

fn rectangle(polygon: &[PixelPoint]) -> Option<[PixelPoint; 4]> {
    let corners: [PixelPoint; 4] = polygon.try_into().ok()?;
    polygon::is_rectangle(&corners).then_some(corners)
}

/// v2: coarser and coarser polygons until one is a rectangle. After three that have four corners but no right angles
/// the next is taken as it is.
fn corners_by_ladder(hull: &[PixelPoint]) -> Option<[PixelPoint; 4]> {
    let side = polygon::min_area_rect(hull)?.short_side();
    let mut crooked = 0;
    for tolerance in LADDER {
        let polygon = polygon::approximate(hull, tolerance * side);
        if polygon.len() < 4 {
            return None;
        }
        if crooked == 3 {
            return polygon.try_into().ok();
        }
        if let Some(corners) = rectangle(&polygon) {
            return Some(corners);
        }
        crooked += usize::from(polygon.len() == 4);
    }
    None
}

#[cfg(test)]
mod tests {
    use image::{Luma, Rgb};

    use super::super::Colours;
    use super::*;
    use crate::geometry::Size;
    use crate::imaging::colour::Coloured;
    use crate::template::PageWarp;

    fn options(preparation: PagePreparation, polygon: PagePolygon) -> CropPage {
        CropPage {
            preparation,
            polygon,
            morph_kernel: (10, 10),
            colored_canny: false,
            warp: PageWarp::PERSPECTIVE,
            max_points_per_edge: None,
        }
    }

    const ALL: [(PagePreparation, PagePolygon); 3] = [
        (PagePreparation::BlurAndKeep, PagePolygon::OneTolerance),
        (PagePreparation::CapTwice, PagePolygon::OneTolerance),
        (PagePreparation::CapTwice, PagePolygon::Ladder),
    ];

    /// A desk of gray 60 with white paper between four lines: `inside` tells whether a pixel is paper.
    fn photo(inside: impl Fn(i32, i32) -> bool) -> Raster {
        let gray = GrayImage::from_fn(660, 820, |x, y| {
            let paper = inside(x as i32, y as i32);
            // A dark stripe on the paper, so that the crop shows what lies where.
            Luma([if !paper {
                60
            } else if (x / 40) % 2 == 0 && y > 400 {
                150
            } else {
                240
            }])
        });
        Raster { gray, colour: None, unfiltered: None }
    }

    #[test]
    fn an_upright_page_is_cut_out() {
        for (preparation, polygon) in ALL {
            let raster = photo(|x, y| (100..560).contains(&x) && (90..730).contains(&y));
            let page = apply(raster, &options(preparation, polygon), &mut Stages::off()).unwrap().gray;
            let size = Size::new(page.width(), page.height());
            assert!(size.width.abs_diff(460) <= 4 && size.height.abs_diff(640) <= 4, "{preparation:?}: {size}");
            assert!(page.get_pixel(20, 20).0[0] > 220, "paper up to the edge");
        }
    }

    #[test]
    fn a_turned_page_is_straightened() {
        for (preparation, polygon) in ALL {
            // Turned by the angle whose tangent is 1/10.
            let raster = photo(|x, y| {
                let (u, v) = (10 * x + y, 10 * y - x);
                (1900..6200).contains(&u) && (500..6700).contains(&v)
            });
            let page = apply(raster, &options(preparation, polygon), &mut Stages::off()).unwrap().gray;
            let side = |length: f64| (length / 101f64.sqrt()) as u32;
            let size = Size::new(page.width(), page.height());
            assert!(size.width.abs_diff(side(4300.0)) <= 6, "{preparation:?}: {size}");
            assert!(size.height.abs_diff(side(6200.0)) <= 6, "{preparation:?}: {size}");
        }
    }

    #[test]
    fn every_warp_method_cuts_out_the_page() {
        use crate::template::Interpolation;
        for method in [WarpMethod::Homography, WarpMethod::Remap, WarpMethod::DocRefine] {
            let options = CropPage {
                warp: PageWarp { method, interpolation: Interpolation::Linear },
                ..options(PagePreparation::CapTwice, PagePolygon::Ladder)
            };
            // A page that bows by 12 px, with a line that bows alike.
            let bow = |x: i32| (12.0 * (std::f64::consts::PI * f64::from(x - 100) / 460.0).sin()) as i32;
            let raster = photo(|x, y| {
                let y = y - bow(x);
                (100..560).contains(&x) && (90..730).contains(&y) && !(300..306).contains(&y)
            });
            let page = apply(raster, &options, &mut Stages::off()).unwrap().gray;
            let size = Size::new(page.width(), page.height());
            assert!(size.width.abs_diff(460) <= 6 && size.height.abs_diff(640) <= 16, "{method:?}: {size}");
            let line = |x: u32| (150..270).min_by_key(|y| page.get_pixel(x, *y).0[0]).unwrap();
            let rows: Vec<u32> = (1..10).map(|i| line(page.width() * i / 10)).collect();
            let spread = rows.iter().max().unwrap() - rows.iter().min().unwrap();
            // One perspective cannot take out a bow.
            assert!(method == WarpMethod::Homography || spread <= 8, "{method:?}: {rows:?}");
        }
    }

    #[test]
    fn no_page_says_what_was_found() {
        for (preparation, polygon) in ALL {
            let options = options(preparation, polygon);
            let failure = |raster: Raster| apply(raster, &options, &mut Stages::off()).map(|_| ()).unwrap_err();
            let blank = failure(photo(|_, _| false));
            assert_eq!(blank.reason, Reason::PageNotFound);
            assert!(blank.detail.contains("covers 0 %"), "{}", blank.detail);
            let small = failure(photo(|x, y| (100..300).contains(&x) && (100..300).contains(&y)));
            assert!(small.detail.contains("covers 7 %") && small.detail.contains("needs 15 %"), "{}", small.detail);
            let triangle = failure(photo(|x, y| x > 60 && y > 60 && 4 * x + 3 * y < 2200));
            assert_eq!(triangle.reason, Reason::PageNotFound);
        }
    }

    #[test]
    fn paper_in_shadow_is_told_from_a_coloured_desk() {
        // The lower third of the paper lies in a shadow, darker than what counts as white; the desk is yellow.
        let inside = |x: u32, y: u32| (100..560).contains(&x) && (90..730).contains(&y);
        let colour = RgbImage::from_fn(660, 820, |x, y| {
            Rgb(match (inside(x, y), y > 520 + x / 9) {
                (false, _) => [230, 200, 20],
                (true, false) => [235, 233, 230],
                (true, true) => [150, 150, 148],
            })
        });
        let gray = image::DynamicImage::ImageRgb8(colour.clone()).into_luma8();
        let options = CropPage { colored_canny: true, ..options(PagePreparation::CapTwice, PagePolygon::Ladder) };
        let page = apply(
            Raster { gray, colour: Some(Colours::new(Coloured::rgb(colour))), unfiltered: None },
            &options,
            &mut Stages::off(),
        )
        .unwrap();
        let size = Size::new(page.gray.width(), page.gray.height());
        assert!(size.width.abs_diff(460) <= 8 && size.height.abs_diff(640) <= 8, "{size}");
        assert_eq!(page.colour.unwrap().picture(&page.gray).dimensions(), page.gray.dimensions());
    }
}
