//! Writes the pictures of `docs/pictures/` anew: `cargo run --release --example make_pictures [FOLDER]`.
//!
//! Two samples are read as a user would, at each `save_image_level`; of each stack a smaller copy is kept.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, ensure};
use clap::Parser;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use omr::{app, cli::Cli, exit::Exit};
use serde_json::{Value, json};

/// The folder of a sample, the sheet that is looked at, and where its results lie.
const SAMPLES: [(&str, &str, &str); 2] = [("four-markers", "scan-002", ""), ("phone-photo", "desk-1", "photos")];

const LEVELS: std::ops::RangeInclusive<u8> = 1..=6;

/// A stack is this wide at most in the documentation.
const WIDTH: u32 = 1500;
const QUALITY: u8 = 75;

fn main() -> anyhow::Result<()> {
    let root = env::args_os().nth(1).map_or_else(|| PathBuf::from("docs/pictures"), PathBuf::from);
    fs::create_dir_all(&root)?;
    let work = tempfile::tempdir()?;
    for (sample, sheet, place) in SAMPLES {
        let input = work.path().join(sample);
        copy(&Path::new("samples").join(sample), &input)?;
        for level in LEVELS {
            set_level(&input.join("config.json"), level)?;
            let output = work.path().join(format!("{sample}-{level}"));
            run(&[], &input, &output)?;
            let stack = output.join(place).join(format!("CheckedOMRs/stack/{sheet}_{level}_stack.jpg"));
            keep(&stack, &root.join(format!("{sample}-level-{level}.jpg")))?;
        }
        let output = work.path().join(format!("{sample}-layout"));
        run(&["--set-layout"], &input, &output)?;
        keep(&output.join(place).join(format!("Layout/{sheet}.jpg.png")), &root.join(format!("{sample}-layout.jpg")))?;
    }
    Ok(())
}

fn run(options: &[&str], input: &Path, output: &Path) -> anyhow::Result<()> {
    let paths = ["--input".as_ref(), input.as_os_str(), "--output".as_ref(), output.as_os_str()];
    let arguments = ["omr", "--quiet"].iter().chain(options).map(AsRef::as_ref).chain(paths);
    let exit = app::run(Cli::parse_from(arguments)).map_err(|e| anyhow::anyhow!(e.messages().join("\n")))?;
    ensure!(exit == Exit::Finished, "`{}` was not read", input.display());
    Ok(())
}

/// Asks for stage pictures in a config, whatever else it says.
fn set_level(config: &Path, level: u8) -> anyhow::Result<()> {
    let mut value: Value = match fs::read_to_string(config) {
        Ok(text) => serde_json::from_str(&text)?,
        Err(_) => json!({}),
    };
    value["outputs"]["save_image_level"] = level.into();
    fs::write(config, value.to_string())?;
    Ok(())
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("`{}`: run this in the repository", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Keeps a smaller copy of a picture as a JPEG.
fn keep(picture: &Path, to: &Path) -> anyhow::Result<()> {
    let mut picture = image::open(picture).with_context(|| picture.display().to_string())?;
    if picture.width() > WIDTH {
        let height = (u64::from(picture.height()) * u64::from(WIDTH) / u64::from(picture.width())).max(1);
        picture = picture.resize_exact(WIDTH, u32::try_from(height)?, FilterType::CatmullRom);
    }
    let file = fs::File::create(to).with_context(|| to.display().to_string())?;
    picture.to_rgb8().write_with_encoder(JpegEncoder::new_with_quality(file, QUALITY))?;
    eprintln!("{} ({}×{} px)", to.display(), picture.width(), picture.height());
    Ok(())
}
