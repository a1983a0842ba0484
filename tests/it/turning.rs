//! Pictures of sheets, turned as a careless hand lays them into the scanner.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::{fs, io};

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageFormat};

use crate::support::samples_dir;

/// Turns the picture in a file clockwise by so many quarters, in the format that its name tells. A PNG loses nothing; a
/// JPEG is written so well that a gray changes by a few levels at most.
pub fn turn_file(path: &Path, quarters: u32) -> io::Result<()> {
    let bytes =
        turn(&fs::read(path)?, quarters).map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?;
    fs::write(path, bytes)
}

/// Every PNG and JPEG below a folder, in order of their paths.
pub fn pictures(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(pictures(&path));
        } else if ImageFormat::from_path(&path).is_ok() {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn turn(bytes: &[u8], quarters: u32) -> image::ImageResult<Vec<u8>> {
    let format = image::guess_format(bytes)?;
    let picture = image::load_from_memory_with_format(bytes, format)?;
    let turned = match quarters % 4 {
        0 => picture,
        1 => picture.rotate90(),
        2 => picture.rotate180(),
        _ => picture.rotate270(),
    };
    encode(&turned, format)
}

fn encode(picture: &DynamicImage, format: ImageFormat) -> image::ImageResult<Vec<u8>> {
    let mut bytes = Vec::new();
    match format {
        ImageFormat::Jpeg => picture.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, 97))?,
        _ => picture.write_to(&mut Cursor::new(&mut bytes), format)?,
    }
    Ok(bytes)
}

#[test]
fn a_turned_file_is_the_same_picture_turned() {
    for (sample, most) in [("plain/page-1.png", 0), ("four-markers/scan-001.jpg", 8)] {
        let bytes = fs::read(samples_dir().join(sample)).unwrap();
        let before = image::load_from_memory(&bytes).unwrap().to_luma8();
        let once = turn(&bytes, 1).unwrap();
        let quarter = image::load_from_memory(&once).unwrap().to_luma8();
        assert_eq!(quarter.dimensions(), (before.height(), before.width()), "{sample}");
        let back = image::load_from_memory(&turn(&once, 3).unwrap()).unwrap().to_luma8();
        let (mut greatest, mut moved) = (0, 0);
        for (x, y, pixel) in before.enumerate_pixels() {
            greatest = greatest.max(pixel.0[0].abs_diff(back.get_pixel(x, y).0[0]));
            moved = moved.max(pixel.0[0].abs_diff(quarter.get_pixel(before.height() - 1 - y, x).0[0]));
        }
        assert!(greatest <= most && moved <= most, "{sample}: {greatest}, {moved}");
    }
}

#[test]
fn turned_files_keep_their_names() {
    let workspace = crate::support::Workspace::new();
    workspace.copy_sample("plain", "in");
    let files = pictures(&workspace.path("in"));
    assert_eq!(files.len(), 3);
    let before = image::image_dimensions(&files[0]).unwrap();
    turn_file(&files[0], 1).unwrap();
    assert_eq!(image::image_dimensions(&files[0]).unwrap(), (before.1, before.0));
    assert_eq!(pictures(&workspace.path("in")), files);
}
