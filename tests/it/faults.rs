//! Broken files have their rows and reasons, and cost their neighbours nothing.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use image::{DynamicImage, GrayImage, ImageFormat, Luma};

use crate::support::Workspace;

/// A JPEG picture with some detail, so that it has a length worth cutting.
fn jpeg() -> Vec<u8> {
    let picture = GrayImage::from_fn(300, 400, |x, y| Luma([((x * y) % 251) as u8]));
    encode(DynamicImage::ImageLuma8(picture), ImageFormat::Jpeg)
}

fn encode(picture: DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A PNG whose header claims 60000×60000 pixels.
fn huge_png() -> Vec<u8> {
    let mut bytes = encode(DynamicImage::ImageLuma8(GrayImage::new(8, 8)), ImageFormat::Png);
    let side = 60_000u32.to_be_bytes();
    bytes[16..20].copy_from_slice(&side);
    bytes[20..24].copy_from_slice(&side);
    let crc = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.to_be_bytes());
    bytes
}

/// CRC-32 of a PNG chunk, bit by bit (PNG specification, annex D).
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, &b| (0..8).fold(crc ^ u32::from(b), step))
}

fn noise(length: usize) -> Vec<u8> {
    let mut state = 12_345u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

fn reasons(workspace: &Workspace, review: &str) -> BTreeMap<String, String> {
    let rows = workspace.csv(review);
    let whole = rows.iter().skip(1).filter(|r| r[2].is_empty());
    whole
        .map(|r| {
            assert_eq!(r[6], "0.000");
            assert!(!r[4].is_empty(), "a line of detail");
            (r[0].clone(), r[5].clone())
        })
        .collect()
}

#[test]
fn each_broken_file_has_its_row_and_its_own_reason() {
    let workspace = Workspace::new();
    workspace.copy_sample("plain", "in");
    let good = |names: &[Vec<String>]| names.len() - 1;
    workspace.omr(&["-i", "in", "-o", "before"]).succeeded();
    let sheets = good(&workspace.csv("before/Results/Results.csv"));

    let jpeg = jpeg();
    let png = encode(DynamicImage::ImageLuma8(GrayImage::new(200, 200)), ImageFormat::Png);
    workspace.write("in/x01-cut.jpg", &jpeg[..jpeg.len() / 2]);
    workspace.write("in/x02-empty.png", b"");
    workspace.write("in/x03-text.jpg", b"Dear Sir or Madam");
    workspace.write("in/x04-noise.png", noise(5000));
    workspace.write("in/x05-jpeg.png", &jpeg);
    workspace.write("in/x06-dot.png", encode(DynamicImage::ImageLuma8(GrayImage::new(1, 1)), ImageFormat::Png));
    workspace.write("in/x07-huge.png", huge_png());
    workspace.write("in/x08-cut.png", &png[..png.len() - 20]);
    workspace.write("in/x09-form.jpg", b"%PDF-1.4");
    workspace.write("in/x10.png/inner.jpg", &jpeg);
    std::os::unix::fs::symlink("nowhere.png", workspace.path("in/x11-link.png")).unwrap();

    let run = workspace.omr(&["-i", "in", "-o", "out", "--max-workers", "4"]).succeeded();
    let want = [
        ("x01-cut.jpg", "truncated"),
        ("x02-empty.png", "empty-file"),
        ("x03-text.jpg", "not-an-image"),
        ("x04-noise.png", "not-an-image"),
        ("x06-dot.png", "too-small"),
        ("x07-huge.png", "too-large"),
        ("x08-cut.png", "truncated"),
        ("x09-form.jpg", "truncated"),
        ("x11-link.png", "changed-while-read"),
    ];
    let want: BTreeMap<String, String> = want.map(|(f, r)| (f.to_owned(), r.to_owned())).into();
    let mut reasons = reasons(&workspace, "out/Manual/Review.csv");
    // The JPEG that is named .png can be read, but no sheet is on it: neither way up, and no print of the form.
    assert_eq!(reasons.remove("x05-jpeg.png").as_deref(), Some("template-mismatch"));
    assert_eq!(reasons, want);
    let error_ids: Vec<String> =
        workspace.csv("out/Manual/ErrorFiles.csv").iter().skip(1).map(|r| r[0].clone()).collect();
    assert_eq!(error_ids, want.keys().cloned().collect::<Vec<_>>());
    // Every good sheet, and the JPEG that is named .png.
    assert_eq!(good(&workspace.csv("out/Results/Results.csv")), sheets + 1);
    assert_eq!(good(&workspace.csv("out/x10.png/Results/Results.csv")), 1);
    let line = format!("{} images = {} read + 0 diverted + 9 unreadable", sheets + 11, sheets + 2);
    assert!(run.stderr().contains(&line), "{}", run.stderr());
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_not_utf8_is_written_with_a_replacement() {
    use std::os::unix::ffi::OsStrExt;
    let workspace = Workspace::new();
    workspace.copy_sample("plain", "in");
    let name = std::ffi::OsStr::from_bytes(b"z\xff.jpg");
    workspace.write(std::path::Path::new("in").join(name), jpeg());
    workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
    let rows = workspace.csv("out/Results/Results.csv");
    let row = rows.last().unwrap();
    assert_eq!((row[0].as_str(), row[1].as_str()), ("z\u{fffd}.jpg", "in/z\u{fffd}.jpg"));
}

#[test]
fn a_batch_without_one_readable_image_exits_with_3() {
    let workspace = Workspace::new();
    workspace
        .write("in/template.json", std::fs::read(crate::support::samples_dir().join("plain/template.json")).unwrap());
    workspace.write("in/a.png", b"nothing");
    assert_eq!(workspace.omr(&["-i", "in", "-o", "out"]).code(), 3);
    workspace.copy_sample("plain", "in");
    assert_eq!(workspace.omr(&["-i", "in", "-o", "out"]).code(), 0);
    assert_eq!(workspace.omr(&["-i", "in", "-o", "out", "--fail-on", "error"]).code(), 3);
}

#[test]
fn looping_links_and_the_output_folder_are_not_read() {
    let workspace = Workspace::new();
    workspace.copy_sample("plain", "in");
    std::os::unix::fs::symlink("..", workspace.path("in/loop")).unwrap();
    std::os::unix::fs::symlink(".", workspace.path("in/self")).unwrap();
    for _ in 0..2 {
        workspace.omr(&["-i", "in", "-o", "in/results"]).succeeded();
    }
    let tables: Vec<_> =
        workspace.tree("in/results").into_keys().filter(|p| p.ends_with("Results/Results.csv")).collect();
    // `loop` leads to the test's folder, which holds `in` again: it is above, and not entered a second time.
    assert_eq!(tables, [std::path::PathBuf::from("Results/Results.csv")]);
}

/// Says that it is enough when it goes, also where a test fails.
struct Enough<'a>(&'a AtomicBool);

impl Drop for Enough<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_file_that_grows_while_it_is_read_is_told() {
    /// Reading so much takes longer than the system lets a thread wait that always has something to do.
    const BYTES: u64 = 64 << 20;
    /// A machine may be too busy to let it grow just then, but not every time.
    const RUNS: usize = 20;
    let workspace = Workspace::new();
    workspace.copy_sample("plain", "in");
    let path = workspace.path("in/growing.png");
    let mut file = File::create(&path).unwrap();
    file.set_len(BYTES).unwrap();
    let args = ["-q", "-i", "in", "-o", "out", "--no-pictures"];
    let told = |more: &[&str]| {
        workspace.omr(&[&args[..], more].concat()).succeeded();
        assert!(workspace.csv("out/Results/Results.csv").len() > 1, "its neighbours are read");
        let rows = workspace.csv("out/Manual/Review.csv");
        let row = rows.iter().find(|row| row[0] == "growing.png" && row[2].is_empty());
        row.map(|row| (row[5].clone(), row[4].clone())).expect("it has its row")
    };
    let is_enough = AtomicBool::new(false);
    let seen = thread::scope(|scope| {
        scope.spawn(|| {
            file.seek(SeekFrom::End(0)).unwrap();
            while !is_enough.load(Ordering::Relaxed) {
                file.write_all(&[0]).unwrap();
            }
        });
        let _enough = Enough(&is_enough);
        (0..RUNS).map(|_| told(&[])).find(|(reason, detail)| {
            // As a whole it is no picture.
            assert!(reason == "changed-while-read" || reason == "not-an-image", "{reason}: {detail}");
            reason == "changed-while-read"
        })
    });
    let (_, detail) = seen.unwrap_or_else(|| panic!("in {RUNS} runs the file did not grow while it was read"));
    assert!(detail.contains("was written to while it was read"), "{detail}");
    // It is read again by a run that goes on.
    assert_eq!(told(&["--resume"]).0, "not-an-image");
}
