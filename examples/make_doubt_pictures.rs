//! Writes `docs/pictures/doubts.jpg` anew: `cargo run --release --example make_doubt_pictures [FOLDER]`.
//!
//! A deck of a sample's form, with many of the marks that are hard to call, is made and read as a user would. Of each reason some of
//! the pictures that `Manual/Review/` has of fields are shown.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::ensure;
use clap::Parser;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{GrayImage, Luma};
use omr::{app, cli::Cli, exit::Exit};

const SAMPLE: &str = "samples/four-markers";
const MIX: &str = "full=30,light=10,blank=15,tick=10,cross=5,partial=10,erased=12,dot=8";

/// The reasons that are shown, in the order of docs/doubts.md, and how many pictures of each.
const REASONS: [&str; 5] = ["faint-mark", "partial-mark", "residue", "stray-ink", "low-confidence"];
const SHOWN: usize = 5;
/// The room of a picture, and between them.
const CELL: (u32, u32) = (250, 70);
const GAP: u32 = 6;
const QUALITY: u8 = 85;

fn main() -> anyhow::Result<()> {
    let root = env::args_os().nth(1).map_or_else(|| PathBuf::from("docs/pictures"), PathBuf::from);
    fs::create_dir_all(&root)?;
    let work = tempfile::tempdir()?;
    let (deck, output) = (work.path().join("deck"), work.path().join("out"));
    let deck_text = deck.display().to_string();
    run(&["deck", "--template", SAMPLE, "-o", &deck_text, "--sheets", "160", "--seed", "6", "--mix", MIX, "-q"])?;
    run(&["-i", &deck_text, "-o", &output.display().to_string(), "-q"])?;
    let mut crops: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    collect(&output, &mut crops)?;
    let (width, height) = (CELL.0 + GAP, CELL.1 + GAP);
    let mut picture = GrayImage::from_pixel(width * SHOWN as u32, height * REASONS.len() as u32, Luma([255]));
    for (row, reason) in REASONS.iter().enumerate() {
        let found = crops.get(*reason).map_or(&[][..], Vec::as_slice);
        ensure!(found.len() >= SHOWN, "{reason}: {} fields, {SHOWN} are to be shown", found.len());
        // Spread over the deck, so that pens and pictures differ.
        for column in 0..SHOWN {
            let crop = image::open(&found[column * found.len() / SHOWN])?.to_luma8();
            let scale = (f64::from(CELL.0) / f64::from(crop.width())).min(f64::from(CELL.1) / f64::from(crop.height()));
            let side = |length: u32| ((f64::from(length) * scale) as u32).max(1);
            let crop = imageops::resize(&crop, side(crop.width()), side(crop.height()), FilterType::Triangle);
            imageops::replace(&mut picture, &crop, (column as u32 * width).into(), (row as u32 * height).into());
        }
    }
    let to = root.join("doubts.jpg");
    picture.write_with_encoder(JpegEncoder::new_with_quality(fs::File::create(&to)?, QUALITY))?;
    eprintln!("{} ({}×{} px)", to.display(), picture.width(), picture.height());
    Ok(())
}

fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let typed = ["omr"].iter().chain(arguments);
    let exit = app::run(Cli::parse_from(typed)).map_err(|e| anyhow::anyhow!(e.messages().join("\n")))?;
    ensure!(exit == Exit::Finished, "`omr {}` did not finish", arguments.join(" "));
    Ok(())
}

/// The pictures of doubtful rows of digits-free fields, by reason: rows of questions are wide, columns of digits are not.
fn collect(folder: &Path, crops: &mut BTreeMap<String, Vec<PathBuf>>) -> anyhow::Result<()> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)?.map(|e| Ok(e?.path())).collect::<anyhow::Result<_>>()?;
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            collect(&entry, crops)?;
        } else if entry.file_name().is_some_and(|name| name == "Review.csv") {
            for row in csv::Reader::from_path(&entry)?.records() {
                let row = row?;
                let cell = |i: usize| row.get(i).unwrap_or_default();
                let crop = entry.with_file_name("Review").join(cell(0)).join(format!("{}.png", cell(2)));
                if !cell(2).is_empty() && image::image_dimensions(&crop).is_ok_and(|(w, h)| w > 2 * h) {
                    crops.entry(cell(5).to_owned()).or_default().push(crop);
                }
            }
        }
    }
    Ok(())
}
