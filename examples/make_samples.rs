//! Writes `samples/` anew: `cargo run --release --example make_samples [FOLDER]`.
//!
//! The files are the same bytes every time, so `git diff` shows whether a change to the generator changed a sheet.

use std::path::PathBuf;
use std::{env, fs};

use anyhow::Context;
use omr::deck::samples;

fn main() -> anyhow::Result<()> {
    let root = env::args_os().nth(1).map_or_else(|| PathBuf::from("samples"), PathBuf::from);
    for file in samples::files()? {
        let path = root.join(&file.path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
        }
        fs::write(&path, &file.bytes).with_context(|| format!("cannot write `{}`", path.display()))?;
        eprintln!("{} ({} bytes)", path.display(), file.bytes.len());
    }
    Ok(())
}
