//! Pictures and documents that were changed at random: whatever they have become, the program ends as it should and every
//! image is accounted for. The changes are drawn by seeds, so that a failure can be seen again.
//!
//! `OMR_MUTATIONS=1000 cargo test --release --test it mutations` tries a thousand of each; without it a few.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::changes::{Dice, changed, changed_values};
use crate::paged::{self, Pdf, Picture, TiffPage, tiff};
use crate::support::{Workspace, samples_dir};
use crate::watched::Seen;
use image::{DynamicImage, ImageFormat};

/// How many changes are tried of each picture or document.
pub fn count(few: usize) -> usize {
    env::var("OMR_MUTATIONS").map_or(few, |text| text.parse().expect("a number in OMR_MUTATIONS"))
}

/// The rows of all tables of this name below a folder: their file ids by folder.
fn ids(dir: &Path, table: &str, found: &mut Vec<(PathBuf, String)>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            ids(&path, table, found);
        } else if path.file_name().is_some_and(|name| name == table) {
            let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(&path).unwrap();
            found.extend(reader.records().map(|row| (dir.to_path_buf(), row.unwrap()[0].to_owned())));
        }
    }
}

/// How many files have a row for each of their images, in one table; and the reasons of those that could not be read.
fn accounted(workspace: &Workspace, output: &str) -> (usize, BTreeMap<String, usize>) {
    let mut rows = Vec::new();
    for table in ["Results.csv", "ErrorFiles.csv", "MultiMarkedFiles.csv"] {
        ids(&workspace.path(output), table, &mut rows);
    }
    let once: BTreeSet<_> = rows.iter().map(|(dir, id)| (dir.parent().map(Path::to_path_buf), id)).collect();
    assert_eq!(once.len(), rows.len(), "an image has two rows");
    // Of a file with pages, each has its row.
    let page = regex::Regex::new(r"-p\d{3,}$").unwrap();
    let files: BTreeSet<_> = rows.iter().map(|(dir, id)| (dir.parent(), page.replace(id, "").into_owned())).collect();
    let mut reasons = BTreeMap::new();
    count_reasons(&workspace.path(output), &mut reasons);
    (files.len(), reasons)
}

fn count_reasons(dir: &Path, reasons: &mut BTreeMap<String, usize>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            count_reasons(&path, reasons);
        } else if path.file_name().is_some_and(|name| name == "Review.csv") {
            for row in csv::Reader::from_path(&path).unwrap().records() {
                let row = row.unwrap();
                if row[2].is_empty() {
                    *reasons.entry(row[5].to_owned()).or_default() += 1;
                }
            }
        }
    }
}

/// A sheet of samples/ in another format.
fn converted(sheet: &str, format: ImageFormat) -> Vec<u8> {
    let picture = image::open(samples_dir().join(sheet)).unwrap().into_luma8();
    let mut bytes = Cursor::new(Vec::new());
    match format {
        ImageFormat::Tiff => {
            let encoder = tiff::encoder::TiffEncoder::new(&mut bytes).unwrap();
            let mut encoder = encoder.with_compression(tiff::encoder::Compression::Lzw);
            let (width, height) = picture.dimensions();
            encoder.write_image::<tiff::encoder::colortype::Gray8>(width, height, picture.as_raw()).unwrap();
        }
        ImageFormat::WebP => DynamicImage::from(picture).into_rgb8().write_to(&mut bytes, format).unwrap(),
        format => picture.write_to(&mut bytes, format).unwrap(),
    }
    bytes.into_inner()
}

/// A TIFF with the sheet on two pages, as fax data and packed by runs.
fn pages_of_a_tiff(sheet: &str) -> Vec<u8> {
    let picture = image::open(samples_dir().join(sheet)).unwrap().into_luma8();
    let row = picture.width() as usize;
    let runs = paged::packed_bits(picture.as_raw(), row);
    tiff(vec![TiffPage::new(&picture, 1, 4, 0, paged::fax_4(&picture)), TiffPage::new(&picture, 8, 32773, 1, runs)])
}

/// A PDF with the sheet on three pages: as a JPEG, as fax data, and deflated.
fn pages_of_a_pdf(sheet: &str) -> Vec<u8> {
    let picture = image::open(samples_dir().join(sheet)).unwrap().into_luma8();
    let mut jpeg = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut jpeg, 85);
    let (width, height) = picture.dimensions();
    encoder.encode(picture.as_raw(), width as u16, height as u16, jpeg_encoder::ColorType::Luma).unwrap();
    let pictures = [Picture::jpeg(&picture, jpeg), Picture::fax(&picture), Picture::deflated(&picture)];
    Pdf::of_pictures(&pictures, 595, 842)
}

fn progressive(sheet: &str) -> Vec<u8> {
    let picture = image::open(samples_dir().join(sheet)).unwrap().into_rgb8();
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 85);
    encoder.set_progressive(true);
    let (width, height) = picture.dimensions();
    encoder.encode(picture.as_raw(), width as u16, height as u16, jpeg_encoder::ColorType::Rgb).unwrap();
    bytes
}

#[test]
fn changed_pictures_are_accounted_for() {
    let file = |sheet: &str| fs::read(samples_dir().join(sheet)).unwrap();
    let pictures: Vec<(&str, &str, Vec<u8>)> = vec![
        ("plain", "png", file("plain/page-1.png")),
        ("plain", "jpg", file("plain/page-2.jpg")),
        ("four-markers", "jpg", file("four-markers/scan-001.jpg")),
        ("phone-photo", "jpg", file("phone-photo/photos/desk-1.jpg")),
        ("plain", "jpeg", progressive("plain/page-2.jpg")),
        ("plain", "webp", converted("plain/page-1.png", ImageFormat::WebP)),
        ("plain", "bmp", converted("plain/page-1.png", ImageFormat::Bmp)),
        ("plain", "tif", converted("plain/page-1.png", ImageFormat::Tiff)),
        ("plain", "tiff", pages_of_a_tiff("plain/page-1.png")),
        ("plain", "pdf", pages_of_a_pdf("plain/page-1.png")),
    ];
    let count = count(24);
    for (kind, (sample, extension, original)) in pictures.iter().enumerate() {
        let workspace = Workspace::new();
        for entry in fs::read_dir(samples_dir().join(sample)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if name == "template.json" || name == "omr_marker.png" {
                workspace.write(format!("in/{name}"), fs::read(&path).unwrap());
            }
        }
        // A sheet that needs more than a few seconds is told by its reason.
        workspace.write("in/config.json", r#"{"limits": {"seconds_per_sheet": 5}}"#);
        for i in 0..count {
            let mut dice = Dice::new((kind * 1_000_000 + i) as u64);
            workspace.write(format!("in/{i:04}.{extension}"), changed(original, &mut dice));
        }
        let most = Duration::from_secs(60 + 5 * count as u64);
        let seen = Seen::run(workspace.command(&["-q", "-i", "in", "-o", "out", "--max-workers", "2"]), most);
        seen.is_well(extension, 1000);
        assert!(seen.peak > 0 || cfg!(not(target_os = "linux")), "{extension}: its memory was not seen");
        let (files, reasons) = accounted(&workspace, "out");
        eprintln!(
            "{sample} .{extension}: {files} of {count} accounted for, {} MiB, {:.1?}: {reasons:?}",
            seen.peak >> 20,
            seen.took
        );
        assert_eq!(files, count, "{sample} .{extension}");
        assert!(!reasons.contains_key("internal-error"), "{sample} .{extension}: {reasons:?}");
        // A library may lose its way in a PDF. It is left alone then.
        assert!(*extension == "pdf" || !reasons.contains_key("time-limit"), "{sample} .{extension}: {reasons:?}");
    }
}

/// Every JSON document below samples/: the sample's folder, and the document's place in it.
fn documents() -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    let mut folders = vec![samples_dir()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                let below = path.strip_prefix(samples_dir()).unwrap();
                let sample = below.components().next().unwrap().as_os_str().to_str().unwrap().to_owned();
                found.push((sample.clone(), below.strip_prefix(sample).unwrap().to_path_buf()));
            }
        }
    }
    found.sort();
    found
}

/// A sample with one of its sheets, the others left out; hard links, where there can be.
fn copy_with_one_sheet(sample: &str, to: &Path) {
    let from = samples_dir().join(sample);
    let mut answers = csv::Reader::from_path(from.join("answers.csv")).unwrap();
    let sheets: BTreeSet<String> = answers.records().skip(1).map(|row| row.unwrap()[0].to_owned()).collect();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        fs::create_dir_all(to.join(&folder)).unwrap();
        for entry in fs::read_dir(from.join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let below = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(below);
            } else if !sheets.contains(below.to_str().unwrap()) {
                let (from, to) = (entry.path(), to.join(&below));
                if fs::hard_link(&from, &to).is_err() {
                    fs::copy(from, to).unwrap();
                }
            }
        }
    }
}

/// The folders `in/<number>` that errors name.
fn named_folders(stderr: &str) -> BTreeSet<String> {
    let names = stderr.split("in/").skip(1).map(|rest| rest.chars().take_while(char::is_ascii_digit).collect());
    names.filter(|name: &String| name.len() == 4).collect()
}

#[test]
fn changed_documents_end_with_rows_or_errors() {
    let documents = documents();
    assert!(documents.len() >= 25, "{documents:?}");
    let count = count(6);
    for (kind, (sample, document)) in documents.iter().enumerate() {
        let what = format!("{sample}/{}", document.display());
        let workspace = Workspace::new();
        let original = fs::read(samples_dir().join(sample).join(document)).unwrap();
        workspace.write("in/config.json", r#"{"limits": {"seconds_per_sheet": 4}}"#);
        for i in 0..count {
            let folder = workspace.path(format!("in/{i:04}"));
            copy_with_one_sheet(sample, &folder);
            let mut dice = Dice::new((1_000_000_000 + kind * 1_000_000 + i) as u64);
            // A hard link must not be written through.
            fs::remove_file(folder.join(document)).unwrap();
            // Most stay documents: what is no JSON is refused at once.
            let bytes = if i % 4 == 3 { changed(&original, &mut dice) } else { changed_values(&original, &mut dice) };
            fs::write(folder.join(document), bytes).unwrap();
        }
        // What is refused is told before the first sheet, folder by folder; the others are then read.
        let most = Duration::from_secs(60 + 5 * count as u64);
        let (mut refused, mut peak) = (0, 0);
        loop {
            let seen = Seen::run(workspace.command(&["check", "-q", "in", "-o", "out"]), most);
            seen.is_well(&what, 1000);
            peak = peak.max(seen.peak);
            if seen.code == Some(0) {
                break;
            }
            let named = named_folders(&seen.stderr);
            assert!(!named.is_empty(), "{what}: an error names no folder: {}", seen.stderr);
            refused += named.len();
            for name in named {
                fs::remove_dir_all(workspace.path(format!("in/{name}"))).unwrap();
            }
        }
        let check = workspace.omr(&["check", "-q", "in", "-o", "out"]).succeeded().stdout();
        let images: usize = check.lines().last().unwrap().split(' ').next().unwrap().parse().unwrap();
        let arguments = ["-q", "-i", "in", "-o", "out", "--no-pictures", "--max-workers", "1"];
        let seen = Seen::run(workspace.command(&arguments), most);
        seen.is_well(&what, 1000);
        assert_ne!(seen.code, Some(1), "{what}: {}", seen.stderr);
        let (rows, reasons) = if images == 0 { (0, BTreeMap::new()) } else { accounted(&workspace, "out") };
        let (read, mib) = (count - refused, seen.peak.max(peak) >> 20);
        eprintln!(
            "{what}: {refused} refused, {read} read, {rows} of {images} images, {mib} MiB, {:.1?}: {reasons:?}",
            seen.took
        );
        assert_eq!(rows, images, "{what}");
        assert!(!reasons.contains_key("internal-error"), "{what}: {reasons:?}");
    }
}
