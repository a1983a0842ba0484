//! Files with pages: every page is a sheet, and reads as the same sheet in a file of its own.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use image::{GrayImage, ImageFormat, imageops};

use crate::paged::{self, Pdf, Picture, TiffPage, tiff};
use crate::sheets::{self, CONFIG, TEMPLATE, encoded};
use crate::support::{Run, Workspace};

const ANSWERS: [&str; 3] = ["A B C D A", "D C B A D", "B . AB C A"];

/// How a page's picture is kept in a PDF, and in a TIFF.
type KeepsPicture = fn(&GrayImage) -> Picture;
type PacksPage = Box<dyn Fn(&GrayImage) -> TiffPage>;

fn workspace() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("in/template.json", TEMPLATE);
    workspace.write("in/config.json", CONFIG);
    workspace
}

fn page(i: usize) -> GrayImage {
    sheets::page(ANSWERS[i])
}

fn jpeg(picture: &GrayImage) -> Vec<u8> {
    encoded(picture, ImageFormat::Jpeg)
}

/// Sheets with what was read of them, as the sheets' answers are written in these tests.
fn read(workspace: &Workspace, output: &str) -> BTreeMap<String, String> {
    let rows = workspace.csv(format!("{output}/Results/Results.csv"));
    let word = |cell: &String| if cell.is_empty() { ".".to_owned() } else { cell.clone() };
    rows.iter().skip(1).map(|row| (row[0].clone(), row[4..].iter().map(word).collect::<Vec<_>>().join(" "))).collect()
}

/// Sheets that could not be read, with their reasons.
fn reasons(workspace: &Workspace, output: &str) -> BTreeMap<String, String> {
    let rows = workspace.csv(format!("{output}/Manual/Review.csv"));
    let errors: Vec<String> = workspace
        .csv(format!("{output}/Manual/ErrorFiles.csv"))
        .into_iter()
        .skip(1)
        .map(|row| row[0].clone())
        .collect();
    rows.into_iter().filter(|row| errors.contains(&row[0])).map(|row| (row[0].clone(), row[5].clone())).collect()
}

fn run(workspace: &Workspace) -> Run {
    workspace.omr(&["-i", "in", "-o", "out", "--max-workers", "3"])
}

/// What must be read of the pages of files of these names.
fn expected(files: &[&str]) -> BTreeMap<String, String> {
    let page = |file: &str, i: usize| (format!("{file}-p{:03}", i + 1), ANSWERS[i].to_owned());
    files.iter().flat_map(|file| (0..3).map(move |i| page(file, i))).collect()
}

#[test]
fn every_page_of_a_pdf_is_a_sheet_however_its_picture_is_kept() {
    let workspace = workspace();
    let kinds: [(&str, KeepsPicture); 8] = [
        ("jpeg.pdf", |page| Picture::jpeg(page, jpeg(page))),
        ("colour.pdf", |page| {
            let colours = image::DynamicImage::ImageLuma8(page.clone()).into_rgb8();
            Picture::colour_jpeg(page.width(), page.height(), encoded(&colours, ImageFormat::Jpeg))
        }),
        ("deflated.pdf", Picture::deflated),
        ("predicted.pdf", Picture::predicted),
        ("bits.pdf", Picture::one_bit),
        ("stencil.pdf", Picture::stencil),
        ("indexed.pdf", Picture::indexed),
        ("fax.pdf", Picture::fax),
    ];
    for (name, picture) in kinds {
        let pictures: Vec<Picture> = (0..3).map(|i| picture(&page(i))).collect();
        workspace.write(format!("in/{name}"), Pdf::of_pictures(&pictures, 200, 300));
    }
    run(&workspace).succeeded();
    assert_eq!(read(&workspace, "out"), expected(&kinds.map(|(name, _)| name)));
}

#[test]
fn pages_leave_what_the_same_files_leave() {
    let workspace = workspace();
    workspace.copy("in", "files");
    // A mark that is doubted, so that there is something to review.
    let page = |i: usize| {
        let mut page = page(i);
        sheets::mark(&mut page, 0, 0, 205);
        page
    };
    let pictures: Vec<Picture> = (0..3).map(|i| Picture::jpeg(&page(i), jpeg(&page(i)))).collect();
    workspace.write("in/scan.pdf", Pdf::of_pictures(&pictures, 200, 300));
    workspace.write("in/one.pdf", Pdf::of_pictures(&pictures[..1], 200, 300));
    (0..3).for_each(|i| workspace.write(format!("files/{i}.jpg"), jpeg(&page(i))));
    workspace.omr(&["-i", "in", "-o", "out", "--review-below", "1"]).succeeded();
    workspace.omr(&["-i", "files", "-o", "out2", "--review-below", "1"]).succeeded();
    let rows = workspace.csv("out/Results/Results.csv");
    let ids: Vec<&str> = rows.iter().skip(1).map(|row| row[0].as_str()).collect();
    assert_eq!(ids, ["one.pdf", "scan.pdf-p001", "scan.pdf-p002", "scan.pdf-p003"]);
    assert_eq!(rows[2][1..3], ["in/scan.pdf", "CheckedOMRs/scan.pdf-p001.jpg"]);
    for i in 0..3 {
        let of_page = fs::read(workspace.path(format!("out/CheckedOMRs/scan.pdf-p00{}.jpg", i + 1))).unwrap();
        let of_file = fs::read(workspace.path(format!("out2/CheckedOMRs/{i}.jpg"))).unwrap();
        assert!(of_page == of_file, "page {i}");
    }
    let crops = |output: &str, sheet: &str| workspace.tree(&format!("{output}/Manual/Review/{sheet}"));
    assert!(!crops("out", "scan.pdf-p003").is_empty());
    assert_eq!(crops("out", "scan.pdf-p003"), crops("out2", "2.jpg"));
    // The same for any number of workers.
    workspace.omr(&["-i", "in", "-o", "one", "--max-workers", "1", "--review-below", "1"]).succeeded();
    assert!(workspace.tree("out") == workspace.tree("one"));
}

#[test]
fn pages_of_a_file_with_the_longest_name_have_files_of_their_own() {
    let workspace = workspace();
    let page = |i: usize| {
        let mut page = page(i);
        sheets::mark(&mut page, 0, 0, 205);
        page
    };
    let pictures: Vec<Picture> = (0..3).map(|i| Picture::jpeg(&page(i), jpeg(&page(i)))).collect();
    let name = format!("{}.pdf", "x".repeat(251));
    workspace.write(format!("in/{name}"), Pdf::of_pictures(&pictures, 200, 300));
    workspace.write("in/config.json", r#"{"outputs": {"save_image_level": 1}}"#);
    workspace.omr(&["-i", "in", "-o", "out", "--review-below", "1"]).succeeded();
    workspace.omr(&["-i", "in", "-o", "layout", "--set-layout"]).succeeded();
    assert_eq!(workspace.csv("out/Results/Results.csv").len(), 4);
    for number in 1..=3 {
        let crops = format!("out/Manual/Review/{}-p{number:03}", "x".repeat(250));
        assert!(!workspace.tree(&crops).is_empty());
    }
    for folder in ["out/CheckedOMRs/stack", "layout/Layout"] {
        assert_eq!(workspace.tree(folder).len(), 3, "{folder}");
    }
}

#[test]
fn pages_that_lie_turned_or_cut_out_are_seen_as_a_viewer_shows_them() {
    let workspace = workspace();
    let mut pdf = Pdf::new();
    let upright = page(0);
    let [right, half, left] =
        [imageops::rotate90(&upright), imageops::rotate180(&upright), imageops::rotate270(&upright)];
    let of = |picture: &GrayImage| Picture::jpeg(picture, jpeg(picture));
    // The page is turned.
    pdf.picture_page(&of(&left), (300, 200), "/Rotate 90", "300 0 0 200 0 0 cm /Im Do");
    pdf.picture_page(&of(&half), (200, 300), "/Rotate 180", "200 0 0 300 0 0 cm /Im Do");
    pdf.picture_page(&of(&right), (300, 200), "/Rotate -90", "300 0 0 200 0 0 cm /Im Do");
    // The picture is.
    pdf.picture_page(&of(&half), (200, 300), "", "-200 0 0 -300 200 300 cm /Im Do");
    pdf.picture_page(&of(&left), (200, 300), "", "0 -300 200 0 0 300 cm /Im Do");
    pdf.picture_page(&of(&imageops::flip_horizontal(&upright)), (200, 300), "", "-200 0 0 300 200 0 cm /Im Do");
    // What a viewer cuts off.
    let mut wide = GrayImage::from_pixel(300, 500, image::Luma([0]));
    imageops::replace(&mut wide, &upright, 60, 90);
    let crop = "/CropBox [60 110 260 410]";
    pdf.picture_page(&of(&wide), (300, 500), crop, "300 0 0 500 0 0 cm /Im Do");
    // A clip to the page, an invisible text over the picture, white below it, a unit of its own.
    let content = "q 0 0 200 300 re W n 1 g 0 0 200 300 re f q 200 0 0 300 0 0 cm /Im Do Q \
                   BT 3 Tr 0 -0.1 Td (words) Tj ET Q";
    pdf.picture_page(&of(&upright), (200, 300), "/UserUnit 2", content);
    workspace.write("in/turned.pdf", pdf.finish());
    run(&workspace).succeeded();
    let read = read(&workspace, "out");
    assert_eq!(read.len(), 8);
    read.iter().for_each(|(id, answers)| assert_eq!(answers, ANSWERS[0], "{id}"));
}

/// The sheet as a program draws it.
fn drawn(answers: &str) -> String {
    let mut content = String::from("0 g\n");
    for (row, answer) in answers.split(' ').enumerate() {
        for letter in answer.bytes().filter(|&b| b != b'.') {
            let (x, y) = (20 + 40 * u32::from(letter - b'A'), 300 - 20 - 40 * row as u32 - 16);
            content += &format!("{x} {y} 16 16 re f\n");
        }
    }
    content
}

#[test]
fn pages_that_are_drawn_are_made_pictures() {
    let workspace = workspace();
    let mut pdf = Pdf::new();
    (0..3).for_each(|i| pdf.page((200, 300), "", &drawn(ANSWERS[i])));
    workspace.write("in/drawn.pdf", pdf.finish());
    // A picture with margins around it, one over which something is drawn, and one of two halves.
    let mut pdf = Pdf::new();
    let [inner, upper, lower] = [(10, 15, 180, 270), (0, 0, 200, 150), (0, 150, 200, 150)]
        .map(|(x, y, w, h)| imageops::crop_imm(&page(0), x, y, w, h).to_image());
    let of = |picture: &GrayImage| Picture::deflated(picture);
    pdf.picture_page(&of(&inner), (200, 300), "", "180 0 0 270 10 15 cm /Im Do");
    let blank = GrayImage::from_pixel(200, 300, image::Luma([255]));
    let over = format!("q 200 0 0 300 0 0 cm /Im Do Q {}", drawn(ANSWERS[1]));
    pdf.picture_page(&of(&blank), (200, 300), "", &over);
    let [upper, lower] = [upper, lower].map(|half| pdf.picture(&of(&half)));
    let resources = format!("/Resources << /XObject << /A {upper} 0 R /B {lower} 0 R >> >>");
    pdf.page((200, 300), &resources, "q 200 0 0 150 0 150 cm /A Do Q q 200 0 0 150 0 0 cm /B Do Q");
    workspace.write("in/parts.pdf", pdf.finish());
    run(&workspace).succeeded();
    let read = read(&workspace, "out");
    let mut want = expected(&["drawn.pdf"]);
    for (i, answers) in [ANSWERS[0], ANSWERS[1], ANSWERS[0]].into_iter().enumerate() {
        want.insert(format!("parts.pdf-p00{}", i + 1), answers.to_owned());
    }
    assert_eq!(read, want);
}

/// A page in strips of 70 rows, each a JPEG.
fn jpeg_strips(page: &GrayImage) -> TiffPage {
    let strip = |i: u32| jpeg(&imageops::crop_imm(page, 0, i * 70, 200, 70.min(300 - i * 70)).to_image());
    let mut whole = TiffPage::new(page, 8, 7, 1, Vec::new()).with(278, &[70]);
    whole.strips = (0..5).map(strip).collect();
    whole
}

#[test]
fn damage_in_one_of_several_jpeg_strips_is_told() {
    let workspace = workspace();
    workspace.write("in/whole.tif", tiff(vec![jpeg_strips(&page(0))]));
    for part in 1..4 {
        let mut damaged = jpeg_strips(&page(0));
        let strip = &mut damaged.strips[1];
        let (from, end) = (strip.len() - (strip.len() - 600) * part / 4, strip.len() - 2);
        strip[from..end].fill(0);
        workspace.write(format!("in/damaged-{part}.tif"), tiff(vec![damaged]));
    }
    run(&workspace).succeeded();
    let unreadable = workspace.csv("out/Manual/ErrorFiles.csv");
    let names: Vec<&str> = unreadable.iter().skip(1).map(|row| row[0].as_str()).collect();
    assert_eq!(names, ["damaged-1.tif", "damaged-2.tif", "damaged-3.tif"]);
    assert_eq!(workspace.csv("out/Results/Results.csv").len(), 2);
}

#[test]
fn every_page_of_a_tiff_is_a_sheet_however_it_is_packed() {
    let workspace = workspace();
    const WHITE_IS_ZERO: u32 = 0;
    const BLACK_IS_ZERO: u32 = 1;
    let lzw =
        |data: &[u8]| weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8).encode(data).unwrap();
    let four_bits = |page: &GrayImage| -> Vec<u8> {
        page.as_raw().chunks(2).map(|pair| ((pair[0] / 17) << 4) | (pair[1] / 17)).collect()
    };
    let kinds: Vec<(&str, PacksPage)> = vec![
        ("plain.tif", Box::new(|p| TiffPage::new(p, 8, 1, BLACK_IS_ZERO, p.as_raw().clone()))),
        ("lzw.tiff", Box::new(move |p| TiffPage::new(p, 8, 5, BLACK_IS_ZERO, lzw(p.as_raw())))),
        ("deflate.tif", Box::new(|p| TiffPage::new(p, 8, 8, BLACK_IS_ZERO, paged::deflated(p.as_raw())))),
        ("packbits.tif", Box::new(|p| TiffPage::new(p, 8, 32_773, BLACK_IS_ZERO, paged::packed_bits(p.as_raw(), 200)))),
        ("jpeg.tif", Box::new(|p| TiffPage::new(p, 8, 7, BLACK_IS_ZERO, jpeg(p)))),
        (
            "colour-jpeg.tif",
            Box::new(|p| {
                let colours = image::DynamicImage::ImageLuma8(p.clone()).into_rgb8();
                let page = TiffPage::new(p, 8, 7, 6, encoded(&colours, ImageFormat::Jpeg));
                page.with(258, &[8, 8, 8]).with(277, &[3])
            }),
        ),
        ("fax.tif", Box::new(|p| TiffPage::new(p, 1, 4, WHITE_IS_ZERO, paged::fax_4(p)))),
        (
            "fax-reversed.tif",
            Box::new(|p| {
                let data = paged::fax_4(p).into_iter().map(u8::reverse_bits).collect();
                TiffPage::new(p, 1, 4, WHITE_IS_ZERO, data).with(266, &[2])
            }),
        ),
        ("bits.tif", Box::new(|p| TiffPage::new(p, 1, 1, BLACK_IS_ZERO, paged::bits(p, 255)))),
        ("white-is-zero.tif", Box::new(|p| TiffPage::new(p, 1, 1, WHITE_IS_ZERO, paged::bits(p, 0)))),
        ("four-bits.tif", Box::new(move |p| TiffPage::new(p, 4, 1, BLACK_IS_ZERO, four_bits(p)))),
        (
            "palette.tif",
            Box::new(|p| {
                // Index 1 is ink; the palette's colours are 16 bits deep: reds, greens, blues.
                let palette = [65_535, 5_000, 65_535, 5_000, 65_535, 5_000];
                TiffPage::new(p, 1, 1, 3, paged::bits(p, 0)).with(320, &palette)
            }),
        ),
        (
            "sixteen-bits.tif",
            Box::new(|p| TiffPage::new(p, 16, 1, BLACK_IS_ZERO, p.iter().flat_map(|&gray| [0x55, gray]).collect())),
        ),
        (
            "turned.tif",
            Box::new(|p| {
                let lies = imageops::rotate270(p);
                TiffPage::new(&lies, 8, 1, BLACK_IS_ZERO, lies.as_raw().clone()).with(274, &[6])
            }),
        ),
        ("jpeg-strips.tif", Box::new(jpeg_strips)),
        (
            "strips.tif",
            Box::new(|p| {
                let mut page = TiffPage::new(p, 1, 4, WHITE_IS_ZERO, Vec::new()).with(278, &[70]);
                let strip = |i: u32| imageops::crop_imm(p, 0, i * 70, 200, 70.min(300 - i * 70)).to_image();
                page.strips = (0..5).map(|i| paged::fax_4(&strip(i))).collect();
                page
            }),
        ),
    ];
    for (name, write) in &kinds {
        workspace.write(format!("in/{name}"), tiff((0..3).map(|i| write(&page(i))).collect()));
    }
    run(&workspace).succeeded();
    let names: Vec<&str> = kinds.iter().map(|(name, _)| *name).collect();
    assert_eq!(read(&workspace, "out"), expected(&names));
}

#[test]
fn a_thumbnail_is_no_page_and_a_file_with_one_page_keeps_its_name() {
    let workspace = workspace();
    let whole = |i: usize| TiffPage::new(&page(i), 8, 1, 1, page(i).into_raw());
    let small = || TiffPage::new(&GrayImage::new(40, 60), 8, 1, 1, vec![0; 2400]).with(254, &[1]);
    workspace.write("in/one.tif", tiff(vec![whole(1), small()]));
    workspace.write("in/two.tif", tiff(vec![whole(0), small(), whole(1)]));
    run(&workspace).succeeded();
    let want = [("one.tif", ANSWERS[1]), ("two.tif-p001", ANSWERS[0]), ("two.tif-p002", ANSWERS[1])];
    assert_eq!(read(&workspace, "out"), want.map(|(a, b)| (a.to_owned(), b.to_owned())).into());
}

#[test]
fn broken_files_and_pages_have_their_own_rows_and_reasons() {
    let workspace = workspace();
    let good = |i: usize| Picture::jpeg(&page(i), jpeg(&page(i)));
    let show = "200 0 0 300 0 0 cm /Im Do";
    let size = (200, 300);
    let whole = Pdf::of_pictures(&[good(0), good(1), good(2)], 200, 300);

    // Pages of one file, each with its own trouble.
    let mut pdf = Pdf::new();
    pdf.picture_page(&good(0), size, "", show);
    let mut cut = good(1);
    cut.data.truncate(cut.data.len() / 2);
    pdf.picture_page(&cut, size, "", show);
    let mut cut = Picture::deflated(&page(1));
    cut.data.truncate(cut.data.len() / 2);
    pdf.picture_page(&cut, size, "", show);
    let mut cut = Picture::fax(&page(1));
    cut.data.truncate(cut.data.len() / 2);
    pdf.picture_page(&cut, size, "", show);
    let mut damaged = Picture::deflated(&page(1));
    let end = damaged.data.len() - 1;
    damaged.data[end] ^= 0xff;
    pdf.picture_page(&damaged, size, "", show);
    let bomb = Picture { data: paged::deflated(&vec![0; 40 << 20]), ..Picture::deflated(&page(1)) };
    pdf.picture_page(&bomb, size, "", show);
    let huge = Picture { width: 60_000, height: 60_000, ..Picture::deflated(&page(1)) };
    pdf.picture_page(&huge, (300, 300), "", "300 0 0 300 0 0 cm /Im Do");
    pdf.picture_page(&good(2), size, "", show);
    workspace.write("in/pages.pdf", pdf.finish());

    workspace.write("in/cut.pdf", &whole[..whole.len() * 2 / 3]);
    workspace.write("in/begun.pdf", &whole[..40]);
    workspace.write("in/noise.pdf", [b"%PDF-1.4\n".as_slice(), &[7; 900], b"\n%%EOF"].concat());
    workspace.write("in/empty.pdf", b"");
    workspace.write("in/text.pdf", b"Dear Sir or Madam");
    let mut pdf = Pdf::new();
    pdf.trailer = "/ID [<00><00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 \
                   /O <0000000000000000000000000000000000000000000000000000000000000000> \
                   /U <0000000000000000000000000000000000000000000000000000000000000000> >>"
        .to_owned();
    pdf.picture_page(&good(0), size, "", show);
    pdf.picture_page(&good(1), size, "", show);
    workspace.write("in/locked.pdf", pdf.finish());
    // The table of objects is lost: they can be found without it.
    let table = whole.windows(9).position(|bytes| bytes == b"startxref").unwrap();
    workspace.write("in/no-table.pdf", [&whole[..table], b"startxref\n7\n%%EOF\n"].concat());
    // Two pages are there, of five.
    let mut pdf = Pdf::new();
    (0..2).for_each(|i| pdf.picture_page(&good(i), size, "", show));
    pdf.kid(99);
    pdf.claimed_pages = Some(5);
    workspace.write("in/few.pdf", pdf.finish());
    // A page that follows on nothing.
    let mut pages = tiff(vec![
        TiffPage::new(&page(0), 8, 1, 1, page(0).into_raw()),
        TiffPage::new(&page(1), 1, 4, 0, paged::fax_4(&page(1))[..40].to_vec()),
        TiffPage::new(&page(2), 8, 1, 1, page(2).into_raw()),
    ]);
    let next = pages.len() - 4;
    pages[next..].copy_from_slice(&1_000_000u32.to_le_bytes());
    workspace.write("in/pages.tif", pages);

    run(&workspace).succeeded();
    let want = [
        ("begun.pdf", "truncated"),
        ("cut.pdf-p003", "truncated"),
        ("empty.pdf", "empty-file"),
        ("few.pdf-p003", "corrupt"),
        ("locked.pdf", "encrypted"),
        ("noise.pdf", "corrupt"),
        ("pages.pdf-p002", "truncated"),
        ("pages.pdf-p003", "truncated"),
        ("pages.pdf-p004", "truncated"),
        ("pages.pdf-p005", "corrupt"),
        ("pages.pdf-p006", "too-large"),
        ("pages.pdf-p007", "too-large"),
        ("pages.tif-p002", "truncated"),
        ("pages.tif-p004", "corrupt"),
        ("text.pdf", "not-an-image"),
    ];
    assert_eq!(reasons(&workspace, "out"), want.map(|(a, b)| (a.to_owned(), b.to_owned())).into());
    let mut read = read(&workspace, "out");
    assert_eq!(read.remove("pages.pdf-p008").as_deref(), Some(ANSWERS[2]));
    let all = read
        .iter()
        .all(|(id, answers)| (1..=3).any(|n| id.ends_with(&format!("-p00{n}")) && answers == ANSWERS[n - 1]));
    assert!(all, "{read:?}");
    assert_eq!(read.len(), 1 + 2 + 2 + 3 + 2);
}

#[test]
fn a_file_with_too_many_pages_is_told_and_not_read() {
    let workspace = workspace();
    let mut pdf = Pdf::new();
    let one = pdf.object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 300] >>");
    (0..10_001).for_each(|_| {
        let page = pdf.object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 300] >>");
        pdf.kid(page);
    });
    pdf.kid(one);
    workspace.write("in/many.pdf", pdf.finish());
    let page = || TiffPage::new(&GrayImage::new(1, 1), 8, 1, 1, vec![0]);
    workspace.write("in/many.tif", tiff((0..10_001).map(|_| page()).collect()));
    workspace.write("in/good.png", sheets::png(&self::page(0)));
    run(&workspace).succeeded();
    let want = [("many.pdf", "too-large"), ("many.tif", "too-large")];
    assert_eq!(reasons(&workspace, "out"), want.map(|(a, b)| (a.to_owned(), b.to_owned())).into());
}

#[test]
fn files_that_are_called_like_pages_keep_their_own_outputs() {
    let workspace = workspace();
    let pictures = [0, 1].map(|i| Picture::jpeg(&page(i), jpeg(&page(i))));
    workspace.write("in/scan.pdf", Pdf::of_pictures(&pictures, 200, 300));
    workspace.write("in/scan.pdf-p001.jpg", jpeg(&page(2)));
    workspace.write("in/scan.pdf-p001.png", sheets::png(&page(2)));
    run(&workspace).succeeded();
    let rows = workspace.csv("out/Results/Results.csv");
    let pictures: Vec<&str> = rows.iter().skip(1).map(|row| row[2].rsplit('/').next().unwrap()).collect();
    let want = ["scan.pdf-p001-2.jpg", "scan.pdf-p002.jpg", "scan.pdf-p001.jpg", "scan.pdf-p001.png"];
    assert_eq!(pictures, want);
    want.iter().for_each(|name| assert!(workspace.path(format!("out/CheckedOMRs/{name}")).is_file(), "{name}"));
}

#[test]
fn files_that_are_still_the_same_are_not_opened_to_count_their_pages() {
    let workspace = workspace();
    let pictures = [0, 1, 2].map(|i| Picture::jpeg(&page(i), jpeg(&page(i))));
    workspace.write("in/many.pdf", Pdf::of_pictures(&pictures, 200, 300));
    workspace.write("in/one.pdf", Pdf::of_pictures(&pictures[..1], 200, 300));
    workspace.omr(&["-i", "in", "-o", "out", "--no-pictures"]).succeeded();
    let all = read(&workspace, "out");
    assert_eq!(all.len(), 4, "{all:?}");
    // By size and time they are what they were. Whoever opens them will find that they are not.
    for name in ["in/many.pdf", "in/one.pdf"] {
        let path = workspace.path(name);
        let before = fs::metadata(&path).unwrap();
        workspace.write(name, vec![b'x'; before.len() as usize]);
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(before.modified().unwrap()).unwrap();
    }
    let resume = || workspace.omr(&["-v", "-i", "in", "-o", "out", "--no-pictures", "--resume"]);
    let said = resume().succeeded().stderr();
    assert_eq!(said.matches("read by an earlier run").count(), 4, "{said}");
    assert_eq!(read(&workspace, "out"), all);
    // Another limit, and another file of the same name, size and time.
    workspace.write("in/config.json", r#"{"limits": {"max_file_bytes": 100}}"#);
    resume();
    assert_eq!(reasons(&workspace, "out").keys().collect::<Vec<_>>(), ["many.pdf", "one.pdf"]);
    workspace.write("in/config.json", CONFIG);
    // A file that was written to is counted anew.
    workspace.write("in/many.pdf", Pdf::of_pictures(&pictures[..2], 200, 300));
    workspace.write("in/one.pdf", Pdf::of_pictures(&pictures, 200, 300));
    resume().succeeded();
    assert_eq!(
        read(&workspace, "out").keys().map(String::as_str).collect::<Vec<_>>(),
        ["many.pdf-p001", "many.pdf-p002", "one.pdf-p001", "one.pdf-p002", "one.pdf-p003",]
    );
}

#[test]
fn a_page_is_grouped_by_its_marked_picture() {
    let workspace = workspace();
    let pictures = [0, 1].map(|i| Picture::jpeg(&page(i), jpeg(&page(i))));
    workspace.write("in/scan.pdf", Pdf::of_pictures(&pictures, 200, 300));
    workspace.write(
        "in/template.json",
        r#"{
          "templateDimensions": [200, 300], "bubbleDimensions": [16, 16], "processingImageShape": [300, 200],
          "preProcessors": [],
          "fieldBlocks": {
            "Q": { "fieldDetectionType": "BUBBLES_THRESHOLD", "bubbleFieldType": "QTYPE_MCQ4", "origin": [20, 20],
                   "bubblesGap": 40, "labelsGap": 40, "fieldLabels": ["q1..5"] }
          }
        }"#,
    );
    let grouping =
        r#"{ "outputs": { "fileGrouping": { "enabled": true, "defaultPattern": "{q1}/{original_name}" } } }"#;
    workspace.write("in/config.json", grouping);
    run(&workspace).succeeded();
    for (group, sheet) in [("A", "scan.pdf-p001.jpg"), ("D", "scan.pdf-p002.jpg")] {
        let grouped = fs::read(workspace.path(format!("out/organized/{group}/{sheet}"))).unwrap();
        assert!(grouped == fs::read(workspace.path(format!("out/CheckedOMRs/{sheet}"))).unwrap());
    }
    let run = workspace.omr(&["-i", "in", "-o", "out", "--no-pictures"]).succeeded();
    assert!(run.stderr().contains("the page has no marked picture"), "{}", run.stderr());
    assert!(!workspace.path("out/organized/A").exists());
}

#[test]
fn the_doctor_looks_at_pages() {
    let workspace = workspace();
    let pictures = [0, 1].map(|i| Picture::jpeg(&page(i), jpeg(&page(i))));
    workspace.write("in/scan.pdf", Pdf::of_pictures(&pictures, 200, 300));
    let run =
        workspace.omr(&["doctor", "--template", "in", "in/scan.pdf", "-v", "--picture", "doctor.png"]).succeeded();
    assert!(run.stdout().contains("2 sheet"), "{}", run.stdout());
}

#[test]
fn files_are_inputs_too() {
    let workspace = workspace();
    let pictures = [0, 1].map(|i| Picture::jpeg(&page(i), jpeg(&page(i))));
    workspace.write("in/b.pdf", Pdf::of_pictures(&pictures, 200, 300));
    workspace.write("in/c.png", sheets::png(&page(2)));
    workspace.write("in/deep/a.scan", sheets::png(&page(0)));
    workspace.write("in/deep/other.png", sheets::png(&page(1)));
    workspace.write(
        "in/pages.bin",
        tiff(vec![
            TiffPage::new(&page(1), 8, 1, 1, page(1).into_raw()),
            TiffPage::new(&page(2), 8, 1, 1, page(2).into_raw()),
        ]),
    );
    let ids = |output: &str, place: &str| -> Vec<String> {
        let rows = workspace.csv(format!("{output}/{place}Results/Results.csv"));
        rows.into_iter().skip(1).map(|row| row[0].clone()).collect()
    };
    // By itself, a file is its folder with nothing else in it.
    workspace.omr(&["-i", "in/b.pdf", "-o", "one"]).succeeded();
    assert_eq!(ids("one", ""), ["b.pdf-p001", "b.pdf-p002"]);
    assert_eq!(workspace.csv("one/Results/Results.csv")[1][1], "in/b.pdf");
    // In any order, one of them twice, in several folders, whatever they are called.
    let files = ["in/deep/a.scan", "in/c.png", "in/b.pdf", "./in/c.png", "in/pages.bin"];
    workspace.omr(&[["-i"].as_slice(), &files, &["-o", "some"]].concat()).succeeded();
    assert_eq!(ids("some", ""), ["b.pdf-p001", "b.pdf-p002", "c.png", "pages.bin-p001", "pages.bin-p002"]);
    assert_eq!(ids("some", "deep/"), ["a.scan"]);
    // Beside a folder.
    workspace.write("more/template.json", TEMPLATE);
    workspace.write("more/config.json", CONFIG);
    workspace.write("more/d.png", sheets::png(&page(0)));
    workspace.omr(&["-i", "more", "in/c.png", "-o", "both"]).succeeded();
    assert_eq!((ids("both", "more/"), ids("both", "in/")), (vec!["d.png".to_owned()], vec!["c.png".to_owned()]));
    let check = workspace.omr(&["check", "in/b.pdf"]).succeeded();
    assert!(check.stdout().contains("2 sheet(s) in 1 folder(s)"), "{}", check.stdout());
}

/// Runs `omr` with a list on its stdin.
fn with_list(workspace: &Workspace, args: &[&str], list: &str) -> Run {
    let mut command: Command = workspace.command(args);
    let streams = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = streams.spawn().expect("omr runs");
    child.stdin.take().expect("a pipe").write_all(list.as_bytes()).expect("it reads the list");
    Run::from(child.wait_with_output().expect("it ends"))
}

#[test]
fn a_list_on_stdin_names_inputs() {
    let workspace = workspace();
    for name in ["a.png", "b c.png", "d.png"] {
        workspace.write(format!("in/{name}"), sheets::png(&page(0)));
    }
    let ids = |output: &str| -> Vec<String> { read(&workspace, output).into_keys().collect() };
    with_list(&workspace, &["-i", "-", "-o", "lines"], "in/d.png\n\nin/b c.png\n").succeeded();
    assert_eq!(ids("lines"), ["b c.png", "d.png"]);
    with_list(&workspace, &["-i", "-", "-o", "nuls"], "in/d.png\0in/a.png\0").succeeded();
    assert_eq!(ids("nuls"), ["a.png", "d.png"]);
    with_list(&workspace, &["-i", "-", "-o", "folder"], "in\n").succeeded();
    assert_eq!(ids("folder").len(), 3);
    let lost = with_list(&workspace, &["-i", "-", "-o", "lost"], "in/a.png\nin/gone.png\n");
    assert_eq!(lost.code(), 1);
    assert!(lost.stderr().contains("line 2") && lost.stderr().contains("in/gone.png"), "{}", lost.stderr());
    assert!(!workspace.path("lost").exists());
    with_list(&workspace, &["-i", "-", "-o", "nothing"], "").succeeded();
    let check = with_list(&workspace, &["check", "-"], "in/a.png\n").succeeded();
    assert!(check.stdout().contains("1 sheet(s)"), "{}", check.stdout());
}

/// A config that keeps the sheets' size, with these limits.
fn with_limits(limits: &str) -> String {
    CONFIG.replace("\"outputs\": {}", &format!("\"limits\": {{ {limits} }}"))
}

#[test]
fn the_limit_of_pixels_of_a_folder_holds_on_pages() {
    let workspace = workspace();
    let size = (200, 300);
    let large = |i: usize| imageops::resize(&page(i), 400, 600, imageops::FilterType::Nearest);
    // A page that is one picture of 400×600 pixels, one on which such a picture is drawn, and one without a picture, which would be
    // drawn with two million.
    let mut pdf = Pdf::new();
    pdf.picture_page(&Picture::deflated(&large(0)), size, "", "200 0 0 300 0 0 cm /Im Do");
    pdf.picture_page(
        &Picture::jpeg(&large(1), jpeg(&large(1))),
        size,
        "",
        "q 199 0 0 299 0 0 cm /Im Do Q 0 0 1 1 re f",
    );
    pdf.page(size, "", &drawn(ANSWERS[2]));
    workspace.write("in/scan.pdf", pdf.finish());
    let with = |limit: u32| {
        workspace.write("in/config.json", with_limits(&format!("\"max_pixels\": {limit}")));
        run(&workspace).succeeded();
        (reasons(&workspace, "out"), read(&workspace, "out"))
    };
    let pages = ["scan.pdf-p001", "scan.pdf-p002", "scan.pdf-p003"].map(str::to_owned);
    let answers = ANSWERS.map(str::to_owned);
    assert_eq!(with(240_000), (BTreeMap::new(), pages.clone().into_iter().zip(answers.clone()).collect()));
    let [first, second, third] = pages;
    let too_large = |page: String| (page, "too-large".to_owned());
    let [.., answers] = answers;
    assert_eq!(with(239_999), ([first, second].map(too_large).into(), [(third, answers)].into()));
    let review = workspace.csv("out/Manual/Review.csv");
    let details: Vec<&str> = review.iter().filter(|row| row[5] == "too-large").map(|row| row[4].as_str()).collect();
    let want = "the picture claims 400×600 pixels; at most 239999 are read (`limits.max_pixels` in config.json)";
    assert_eq!(details, [want; 2]);
}

#[test]
fn the_limit_of_pixels_can_be_raised_for_pages() {
    let workspace = workspace();
    // More pixels than are read without a word in the config, one bit each, all white. Of the second, which is drawn, there are
    // but a few rows, which is found out after it was accepted: to draw so much takes a test too long.
    let (width, height) = (13_000, 14_000);
    let rows = |count: u32| {
        let entries = "/ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /FlateDecode".to_owned();
        Picture { entries, data: paged::deflated(&vec![255; (width / 8 * count) as usize]), width, height }
    };
    let mut pdf = Pdf::new();
    pdf.picture_page(&rows(height), (1300, 1400), "", "1300 0 0 1400 0 0 cm /Im Do");
    pdf.picture_page(&rows(3), (1300, 1400), "", "1200 0 0 1300 50 50 cm /Im Do");
    workspace.write("in/vast.pdf", pdf.finish());
    assert_eq!(run(&workspace).code(), 3, "not one sheet is read");
    let want = [("vast.pdf-p001", "too-large"), ("vast.pdf-p002", "too-large")];
    assert_eq!(reasons(&workspace, "out"), want.map(|(a, b)| (a.to_owned(), b.to_owned())).into());
    workspace.write("in/config.json", with_limits("\"max_pixels\": 200000000"));
    run(&workspace).succeeded();
    assert_eq!(reasons(&workspace, "out"), [("vast.pdf-p002".to_owned(), "truncated".to_owned())].into());
    assert_eq!(read(&workspace, "out").len(), 1);
}

#[test]
fn a_picture_that_is_cut_is_not_drawn_as_if_it_were_blank() {
    let workspace = workspace();
    let mut pdf = Pdf::new();
    let margins = "q 199 0 0 299 0 0 cm /Im Do Q 0 0 1 1 re f";
    let half = |data: &[u8]| data[..data.len() / 2].to_vec();
    let whole = page(0).into_raw();
    let lzw =
        |data: &[u8]| weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8).encode(data).unwrap();
    let text = |data: &[u8]| data.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes();
    let kinds: [(&str, Vec<u8>, Vec<u8>); 4] = [
        ("", whole.clone(), half(&whole)),
        ("/FlateDecode", paged::deflated(&whole), half(&paged::deflated(&whole))),
        ("/LZWDecode", lzw(&whole), half(&lzw(&whole))),
        ("/ASCIIHexDecode /FlateDecode", text(&paged::deflated(&whole)), text(&paged::deflated(&half(&whole)))),
    ];
    for (filters, whole, cut) in kinds {
        let entries = format!("/ColorSpace /DeviceGray /BitsPerComponent 8 /Filter [{filters}]");
        for data in [whole, cut] {
            let picture = Picture { entries: entries.clone(), data, width: 200, height: 300 };
            pdf.picture_page(&picture, (200, 300), "", margins);
        }
    }
    workspace.write("in/cut.pdf", pdf.finish());
    run(&workspace).succeeded();
    let name = |i: usize| format!("cut.pdf-p00{i}");
    let want = |word: &str, first: usize| (0..4).map(|i| (name(2 * i + first), word.to_owned())).collect();
    assert_eq!(reasons(&workspace, "out"), want("truncated", 2));
    assert_eq!(read(&workspace, "out"), want(ANSWERS[0], 1));
}

#[test]
fn a_file_whose_pages_cannot_be_counted_says_why() {
    let workspace = workspace();
    workspace.write("in/config.json", with_limits("\"max_pages\": 2, \"max_file_bytes\": 30000"));
    let of = |i: usize| Picture::jpeg(&page(i), jpeg(&page(i)));
    let whole = |i: usize| TiffPage::new(&page(i), 1, 4, 0, paged::fax_4(&page(i)));
    let pdf = Pdf::of_pictures(&[of(0), of(1), of(2)], 200, 300);
    assert!(pdf.len() < 30_000, "it may have that many bytes");
    workspace.write("in/a.pdf", &pdf);
    workspace.write("in/b.tif", tiff(vec![whole(0), whole(1), whole(2)]));
    workspace.write("in/c.tif", tiff(vec![TiffPage::new(&page(0), 8, 1, 1, page(0).into_raw())]));
    let mut locked = Pdf::new();
    let zeros = "00".repeat(32);
    locked.trailer =
        format!("/ID [<00><00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{zeros}> /U <{zeros}> >>");
    locked.picture_page(&of(0), (200, 300), "", "200 0 0 300 0 0 cm /Im Do");
    workspace.write("in/d.pdf", locked.finish());
    workspace.write("in/e.pdf", &pdf[..pdf.len() / 9]);
    workspace.write("in/f.pdf", b"%PDF-1.4\nnothing\n%%EOF");
    workspace.write("in/g.tif", b"II*\0\x08\0\0\0\0\0");
    // Two pages may be.
    workspace.write("in/h.pdf", Pdf::of_pictures(&[of(0), of(1)], 200, 300));
    let want = [
        ("a.pdf", "too-large", "the file has 3 pages, and at most 2 are read (`limits.max_pages` in config.json)"),
        ("b.tif", "too-large", "the file has more than 2 pages (`limits.max_pages` in config.json)"),
        ("c.tif", "too-large", "at most 30000 are read (`limits.max_file_bytes` in config.json)"),
        ("d.pdf", "encrypted", "the PDF opens with a password only"),
        ("e.pdf", "truncated", "the file ends before the PDF does"),
        ("f.pdf", "corrupt", "no page can be found in it"),
        ("g.tif", "corrupt", "a directory has no entries"),
    ];
    let tells_why = |output: &str| {
        let errors = workspace.csv(format!("{output}/Manual/ErrorFiles.csv"));
        assert_eq!(errors.iter().skip(1).map(|row| row[0].as_str()).collect::<Vec<_>>(), want.map(|(name, ..)| name));
        let review = workspace.csv(format!("{output}/Manual/Review.csv"));
        for (row, (name, reason, detail)) in review.iter().skip(1).zip(want) {
            assert_eq!((row[0].as_str(), row[2].as_str(), row[5].as_str()), (name, "", reason));
            assert!(row[4].contains(detail), "{name}: {}", row[4]);
        }
        assert_eq!(read(&workspace, output).keys().collect::<Vec<_>>(), ["h.pdf-p001", "h.pdf-p002"]);
    };
    run(&workspace).succeeded();
    tells_why("out");
    // A run that goes on takes them as they are, but for one that was not opened, and reads one that has become another.
    let goes_on = || workspace.omr(&["-v", "-i", "in", "-o", "out", "--resume"]).succeeded().stderr();
    let recalled = |stderr: &str| stderr.lines().filter(|line| line.contains("read by an earlier run")).count();
    assert_eq!(recalled(&goes_on()), 8);
    tells_why("out");
    workspace.write("in/e.pdf", Pdf::of_pictures(&[of(2)], 200, 300));
    assert_eq!(recalled(&goes_on()), 7);
    assert_eq!(read(&workspace, "out").get("e.pdf").map(String::as_str), Some(ANSWERS[2]));
    // What has the pages counted in another place says the same.
    let doctor = workspace.omr(&["doctor", "--template", "in", "in/a.pdf"]);
    assert!(doctor.stdout().contains("the file has 3 pages"), "{}{}", doctor.stdout(), doctor.stderr());
}
