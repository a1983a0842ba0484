//! What each stage of a sheet costs: `cargo bench --bench stages`, in about a minute. Rates are pixels a second, of the picture
//! that a stage gets. The pictures are sheets of samples/, which the crate prints itself.

#![allow(clippy::unwrap_used, reason = "a failed `unwrap` ends a measurement that makes no sense")]

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Duration;

use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime};
use image::{GrayImage, RgbImage};
use omr::config::OutputMode;
use omr::geometry::{Point, Quad, Rect, Size};
use omr::imaging::matching::{Hunt, Marker, Matcher};
use omr::imaging::overlay::{Overlay, Palette};
use omr::imaging::{coloured, edges, morphology, overlay, resize, warp};
use omr::plan;
use omr::reach::Reach;
use omr::scoring::SheetNames;
use omr::sheet::decode::{self, GrayRule, Limits, Wanted, WantedColour};
use omr::sheet::{self, Levels, PictureFormat, Pictures, Request, Scan, Scratch, SheetContext, Stages, read};
use omr::walk::GovernedTemplate;

/// A scan of a page with four markers, and one that lies flat on the glass.
const JPEG: &str = "four-markers/scan-001.jpg";
const PNG: &str = "plain/page-1.png";

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name)
}

fn context(folder: &str) -> SheetContext {
    let config = sample(folder).join("config.json");
    let config = config.is_file().then_some(config);
    let governed =
        GovernedTemplate::load(&sample(folder).join("template.json"), config.as_deref(), Reach::Folder).unwrap();
    plan::ready(&governed, OutputMode::Default).unwrap()
}

fn gray(bytes: &[u8]) -> GrayImage {
    let wanted = Wanted { colour: WantedColour::None, gray: GrayRule::Direct };
    decode::decode(bytes, wanted, Limits { min_side: 1, ..Limits::default() }).unwrap().gray
}

fn colours(bytes: &[u8]) -> RgbImage {
    image::load_from_memory(bytes).unwrap().into_rgb8()
}

fn size(picture: &GrayImage) -> Size {
    Size::new(picture.width(), picture.height())
}

/// Short runs: differences of some per cent are seen, and that is what is asked.
fn group<'c>(c: &'c mut Criterion, name: &str, pixels: Size) -> BenchmarkGroup<'c, WallTime> {
    let mut group = c.benchmark_group(name);
    group.sample_size(12).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_millis(1200));
    group.throughput(Throughput::Elements(pixels.pixels()));
    group
}

fn decoding(c: &mut Criterion) {
    for (name, file) in [("jpeg", JPEG), ("png", PNG)] {
        let bytes = fs::read(sample(file)).unwrap();
        let mut group = group(c, "decode", size(&gray(&bytes)));
        group.bench_function(name, |b| b.iter(|| gray(black_box(&bytes))));
    }
}

fn searching(c: &mut Criterion) {
    let page = gray(&fs::read(sample(JPEG)).unwrap());
    let work = resize::linear(&page, Size::new(900, 1200));
    let mut group = group(c, "search", size(&work));
    group.bench_function("canny", |b| b.iter(|| edges::canny(black_box(&work), 55, 185)));
    group.bench_function("close 10x10", |b| b.iter(|| morphology::close(black_box(&work), (10, 10), 1)));
    group.bench_function("close along lines", |b| b.iter(|| morphology::close_along_lines(black_box(&work), 40, 40)));
    let marker = gray(&fs::read(sample("four-markers/omr_marker.png")).unwrap());
    let marker = [Marker::new(resize::linear(&marker, resize::by_width(&marker, 900.0 / 17.0)))];
    let mut matcher = Matcher::default();
    group.bench_function("marker", |b| b.iter(|| Hunt::new(black_box(&work), &marker).best(&mut matcher).unwrap()));
}

fn moving(c: &mut Criterion) {
    let page = gray(&fs::read(sample(JPEG)).unwrap());
    let (width, height) = (f64::from(page.width()), f64::from(page.height()));
    let mut group = group(c, "move", size(&page));
    group.bench_function("resize to 960x1320", |b| b.iter(|| resize::linear(black_box(&page), Size::new(960, 1320))));
    group.bench_function("block means of 4x4", |b| b.iter(|| resize::shrunk(black_box(&page), 4)));
    let at = |x: f64, y: f64| Point::new(x * width, y * height);
    let corners = Quad { corners: [at(0.02, 0.03), at(0.97, 0.02), at(0.98, 0.98), at(0.03, 0.97)] };
    let (map, upright) = warp::upright_map(&corners, size(&page)).unwrap();
    group.bench_function("warp", |b| b.iter(|| warp::through(black_box(&page), &map, upright).unwrap()));
}

fn reading(c: &mut Criterion) {
    let context = context("plain");
    let template = &context.template;
    let page = resize::linear(&gray(&fs::read(sample(PNG)).unwrap()), template.page_size);
    let mut group = group(c, "read", size(&page));
    group.bench_function("ink", |b| b.iter(|| read::ink::measure(black_box(&page), template, &[])));
}

fn encoding(c: &mut Criterion) {
    let bytes = fs::read(sample(PNG)).unwrap();
    let (page, paper) = (gray(&bytes), colours(&bytes));
    let mut drawn = Overlay::new(size(&page));
    for (x, y) in (0..20).flat_map(|y| (0..20).map(move |x| (40 * x, 60 * y))) {
        drawn.outline(Rect::new(x, y, 26, 26), 2, 0);
    }
    let palette = Palette(&[[0, 128, 0]]);
    let mut group = group(c, "encode", size(&page));
    group.bench_function("gray jpeg", |b| b.iter(|| overlay::to_jpeg(black_box(&page), &drawn, palette).unwrap()));
    group.bench_function("gray png", |b| b.iter(|| overlay::to_png(black_box(&page), &drawn, palette).unwrap()));
    group.bench_function("colour jpeg", |b| b.iter(|| coloured::to_jpeg(black_box(&paper), None).unwrap()));
    group.bench_function("colour png", |b| b.iter(|| coloured::to_png(black_box(&paper), None).unwrap()));
}

fn sheets(c: &mut Criterion) {
    for (name, file, folder, format) in
        [("markers, jpeg", JPEG, "four-markers", PictureFormat::Jpeg), ("plain, png", PNG, "plain", PictureFormat::Png)]
    {
        let (context, path) = (context(folder), sample(file));
        let (bytes, names) = (fs::read(&path).unwrap(), SheetNames::of(path.file_name().unwrap(), &path));
        let mut scratch = Scratch::default();
        let mut group = group(c, "sheet", size(&gray(&bytes)));
        let scan = Scan::from(bytes);
        for (pictures, what) in [(None, "read"), (Some(Pictures { format, in_colour: false }), "read and drawn")] {
            let request = Request { pictures, ..Request::default() };
            group.bench_function(format!("{name}, {what}"), |b| {
                b.iter(|| {
                    let mut stages = Stages::of(Levels { saved: 0, shown: 0 }, 1000);
                    sheet::process(black_box(&scan), &context, names.name(), request, &mut scratch, &mut stages)
                        .unwrap()
                });
            });
        }
    }
}

criterion_group!(stages, decoding, searching, moving, reading, encoding, sheets);
criterion_main!(stages);
