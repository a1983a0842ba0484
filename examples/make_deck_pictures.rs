//! Writes the pictures of `docs/deck.md` anew: `cargo run --release --example make_deck_pictures [FOLDER]`.
//!
//! A deck of a sample's form is made as a user would make it. Of each degradation one sheet is shown small; of each kind some
//! bubbles are cut out of scans, with their places from the template.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, ensure};
use clap::Parser;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};
use omr::config::Config;
use omr::deck::for_template::degradation::Degradation;
use omr::deck::for_template::mixture::Kind;
use omr::reach::Reach;
use omr::template::Template;
use omr::{app, cli::Cli, exit::Exit};

/// A form without anything to straighten by: a place of its page is a place of its scan.
const FLAT: &str = "samples/plain";
/// A form on a desk.
const PHOTO: &str = "samples/phone-photo";

/// Fields of each kind that are shown, and their size.
const SHOWN: u32 = 8;
const CELL: (u32, u32) = (196, 48);
const QUALITY: u8 = 82;

fn main() -> anyhow::Result<()> {
    let root = env::args_os().nth(1).map_or_else(|| PathBuf::from("docs/pictures"), PathBuf::from);
    fs::create_dir_all(&root)?;
    let work = tempfile::tempdir()?;
    save(&degradations(&work.path().join("photo"))?, &root.join("deck-degradations.jpg"))?;
    save(&kinds(work.path())?, &root.join("deck-kinds.jpg"))
}

/// One sheet of each degradation, four in a row.
fn degradations(deck: &Path) -> anyhow::Result<RgbImage> {
    const SHEET: (u32, u32) = (330, 420);
    run(PHOTO, deck, &["--sheets", "8", "--seed", "4"])?;
    let mut picture = RgbImage::from_pixel(4 * SHEET.0, 2 * SHEET.1, Rgb([255; 3]));
    for (i, degradation) in (0..).zip(Degradation::ALL) {
        let sheet = image::open(only_file(&deck.join(degradation.name()))?)?;
        let sheet = sheet.resize(SHEET.0 - 12, SHEET.1 - 12, FilterType::Triangle).into_rgb8();
        imageops::replace(&mut picture, &sheet, (i % 4 * SHEET.0).into(), (i / 4 * SHEET.1).into());
    }
    Ok(picture)
}

/// A row of fields for each kind.
fn kinds(work: &Path) -> anyhow::Result<RgbImage> {
    let (template, _) = Template::load(&Path::new(FLAT).join("template.json"), &Config::default(), Reach::Folder)?;
    let fields: Vec<_> = template.fields().filter(|(_, field)| (3..=5).contains(&field.bubbles.len())).collect();
    let rows = Kind::MARKED.len() as u32;
    let mut picture = RgbImage::from_pixel(SHOWN * CELL.0, rows * CELL.1, Rgb([255; 3]));
    for (row, kind) in (0..).zip(Kind::MARKED) {
        let deck = work.join(kind.name());
        let mix = format!("{}=1", kind.name());
        let sheets = SHOWN.to_string();
        run(FLAT, &deck, &["--sheets", &sheets, "--mix", &mix, "--degrade", "scanner", "--seed", "11"])?;
        let mut files: Vec<_> =
            fs::read_dir(deck.join("scanner"))?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
        files.sort();
        for (column, file) in (0..).zip(files) {
            let sheet = image::open(file)?.into_rgb8();
            let (block, field) = fields.get(3 * column as usize % fields.len()).context("a form without questions")?;
            let first = field.bubbles.first().context("a field without bubbles")?;
            let last = field.bubbles.last().context("a field without bubbles")?;
            let scale = f64::from(sheet.width()) / f64::from(template.page_size.width);
            let pixels = |v: f64| (v * scale).max(0.0) as u32;
            let more = 0.3 * f64::from(block.bubble_size.width);
            let (x, y) = (pixels(f64::from(first.x) - more), pixels(f64::from(first.y) - more));
            let width = pixels(f64::from(last.x - first.x) + f64::from(block.bubble_size.width) + 2.0 * more);
            let height = pixels(f64::from(block.bubble_size.height) + 2.0 * more);
            let cut = imageops::crop_imm(&sheet, x, y, width, height).to_image();
            let cut = image::DynamicImage::from(cut).resize(CELL.0 - 8, CELL.1 - 4, FilterType::Triangle).into_rgb8();
            imageops::replace(&mut picture, &cut, (column * CELL.0).into(), (row * CELL.1).into());
        }
    }
    Ok(picture)
}

fn run(template: &str, deck: &Path, more: &[&str]) -> anyhow::Result<()> {
    let fixed = ["omr", "deck", "--quiet", "--template", template, "--output"].map(std::ffi::OsStr::new);
    let arguments = fixed.into_iter().chain([deck.as_os_str()]).chain(more.iter().map(AsRef::as_ref));
    let exit = app::run(Cli::parse_from(arguments)).map_err(|e| anyhow::anyhow!(e.messages().join("\n")))?;
    ensure!(exit == Exit::Finished, "no deck of `{template}`");
    Ok(())
}

fn only_file(folder: &Path) -> anyhow::Result<PathBuf> {
    let first = fs::read_dir(folder)?.next().context("an empty folder")?;
    Ok(first?.path())
}

fn save(picture: &RgbImage, path: &Path) -> anyhow::Result<()> {
    let file = std::io::BufWriter::new(fs::File::create(path)?);
    JpegEncoder::new_with_quality(file, QUALITY).encode_image(picture)?;
    Ok(())
}
