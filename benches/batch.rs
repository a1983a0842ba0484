//! What whole runs cost, beside the least that they must: `cargo bench --bench batch`, in about two minutes. Linux only, which
//! tells what a process has computed.
//!
//! The sheets are those of samples/, under new names. The floor is what reading and decoding the same files takes. The ceiling of
//! two workers is what the machine gives: two runs of one worker each, side by side, on half of the sheets.

#![allow(clippy::print_stdout, reason = "it prints a table")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use std::{env, fs};

use anyhow::{Context, ensure};
use omr::sheet::decode::{self, GrayRule, Limits, Wanted, WantedColour};
use serde_json::{Value, json};

/// Sheets with markers as scans and as photographs, flat ones as PNG and JPEG, one with a code, one with dots, a scored one.
const SAMPLES: [&str; 6] = ["four-markers", "phone-photo", "plain", "qr-code", "four-dots", "scored-csv"];

/// Of which the speed-up is measured.
const SPED_UP: [&str; 2] = ["four-markers", "plain"];

/// Seconds of one run with one worker.
const SECONDS: f64 = 1.5;
const PAIRS: usize = 3;

fn main() -> anyhow::Result<()> {
    if !cfg!(target_os = "linux") {
        println!("what a process has computed is asked of Linux: nothing is measured here");
        return Ok(());
    }
    println!(
        "CPU ms a sheet, one worker{:>23}{:>9}{:>11}{:>7}{:>10}",
        "sheets", "floor", "pictures", "none", "x floor"
    );
    for sample in SAMPLES {
        let batch = Batch::of(sample)?;
        let floor = batch.floor()?;
        let (drawn, bare) = (batch.cost(true)?, batch.cost(false)?);
        let sheets = batch.sheets();
        println!("  {sample:<40}{sheets:>7}{floor:>9.2}{drawn:>11.2}{bare:>7.2}{:>10.2}", drawn / floor);
    }
    println!("two workers against one{:>26}{:>9}{:>11}", "sheets", "faster", "ceiling");
    for sample in SPED_UP {
        let batch = Batch::of(sample)?;
        let (faster, ceiling) = batch.speed_up()?;
        println!("  {sample:<40}{:>7}{faster:>8.2}x{ceiling:>10.2}x{:>7.2} of it", batch.sheets(), faster / ceiling);
    }
    Ok(())
}

/// A sample with its sheets under many names.
struct Batch {
    dir: tempfile::TempDir,
    /// The sheets of the sample itself.
    files: Vec<PathBuf>,
    copies: usize,
}

impl Batch {
    /// With so many copies that one worker reads them in about [`SECONDS`].
    fn of(sample: &str) -> anyhow::Result<Self> {
        let few = Self::with(sample, 8)?;
        let start = Instant::now();
        few.run("in", "out", 1)?.wait()?;
        let each = start.elapsed().as_secs_f64() / 8.0;
        Self::with(sample, ((SECONDS / each) as usize).clamp(8, 2000))
    }

    /// Two input folders: `in` with all, `half` with half of the sheets.
    fn with(sample: &str, copies: usize) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(sample);
        let mut table = csv::Reader::from_path(from.join("answers.csv"))?;
        let names: Vec<String> = table.records().map(|row| Ok(row?[0].to_owned())).collect::<anyhow::Result<_>>()?;
        for (input, copies) in [("in", copies), ("half", copies / 2)] {
            let input = dir.path().join(input);
            copy_tree(&from, &input)?;
            for name in &names {
                let sheet = input.join(name);
                let (stem, extension) = name.rsplit_once('.').context("a name with an extension")?;
                for i in 1..copies {
                    fs::hard_link(&sheet, input.join(format!("{stem}_{i:05}.{extension}")))?;
                }
            }
        }
        let files = names.iter().map(|name| dir.path().join("in").join(name)).collect();
        Ok(Self { dir, files, copies })
    }

    fn sheets(&self) -> usize {
        self.files.len() * self.copies
    }

    /// CPU milliseconds for reading and decoding a sheet to gray.
    fn floor(&self) -> anyhow::Result<f64> {
        let wanted = Wanted { colour: WantedColour::None, gray: GrayRule::Direct };
        let (before, mut rounds) = (cpu()?, 0);
        while cpu()?.own - before.own < 1.0 {
            for file in &self.files {
                let decoded = decode::decode(&fs::read(file)?, wanted, Limits::default());
                ensure!(std::hint::black_box(decoded).is_ok(), "`{}` cannot be decoded", file.display());
            }
            rounds += self.files.len();
        }
        Ok((cpu()?.own - before.own) * 1000.0 / rounds as f64)
    }

    /// CPU milliseconds a sheet of a run with one worker: the least of three.
    fn cost(&self, pictures: bool) -> anyhow::Result<f64> {
        let config = self.dir.path().join("in/config.json");
        let given = fs::read(&config).ok();
        let mut settings: Value =
            given.as_deref().map(serde_json::from_slice).transpose()?.unwrap_or_else(|| json!({}));
        settings["outputs"]["save_detections"] = json!(pictures);
        fs::write(&config, settings.to_string())?;
        let mut least = f64::INFINITY;
        for _ in 0..3 {
            let before = cpu()?;
            let status = self.run("in", "out", 1)?.wait()?;
            ensure!(status.success(), "the run ended with {status}");
            least = least.min(cpu()?.children - before.children);
        }
        Ok(least * 1000.0 / self.sheets() as f64)
    }

    /// How much faster two workers are, and two runs side by side: medians.
    fn speed_up(&self) -> anyhow::Result<(f64, f64)> {
        let time = |children: Vec<Child>| {
            let start = Instant::now();
            for mut child in children {
                child.wait()?;
            }
            anyhow::Ok(start.elapsed().as_secs_f64())
        };
        let (mut faster, mut ceiling) = (Vec::new(), Vec::new());
        for _ in 0..PAIRS {
            let one = time(vec![self.run("in", "out", 1)?])?;
            faster.push(one / time(vec![self.run("in", "out", 2)?])?);
            let halves = time(vec![self.run("half", "out-1", 1)?, self.run("half", "out-2", 1)?])?;
            let shares = (self.copies / 2 * 2) as f64 / self.copies as f64;
            ceiling.push(one / halves * shares);
        }
        faster.sort_by(f64::total_cmp);
        ceiling.sort_by(f64::total_cmp);
        Ok((faster[PAIRS / 2], ceiling[PAIRS / 2]))
    }

    fn run(&self, input: &str, output: &str, workers: usize) -> anyhow::Result<Child> {
        let output = self.dir.path().join(output);
        if output.exists() {
            fs::remove_dir_all(&output)?;
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_omr"));
        command.current_dir(self.dir.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.args(["-q", "-i", input, "--max-workers", &workers.to_string(), "-o"]).arg(output);
        command.spawn().context("omr cannot be started")
    }
}

/// CPU seconds, user and system.
struct Cpu {
    /// Of this process.
    own: f64,
    /// Of those that it has waited for.
    children: f64,
}

fn cpu() -> anyhow::Result<Cpu> {
    /// Ticks a second, on every Linux that Rust runs on.
    const TICKS: f64 = 100.0;
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').context("a name in brackets")?;
    // The 14th to 17th field of all: own user and system time, then those of the children.
    let ticks = fields.split_whitespace().skip(11).take(4).map(str::parse).collect::<Result<Vec<f64>, _>>()?;
    ensure!(ticks.len() == 4, "the times of the process are not told");
    Ok(Cpu { own: (ticks[0] + ticks[1]) / TICKS, children: (ticks[2] + ticks[3]) / TICKS })
}

fn copy_tree(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    let entries: BTreeMap<_, _> =
        fs::read_dir(from)?.map(|entry| entry.map(|e| (e.file_name(), e.path()))).collect::<Result<_, _>>()?;
    for (name, path) in entries {
        let target = to.join(name);
        if path.is_dir() {
            copy_tree(&path, &target)?;
        } else {
            fs::copy(&path, &target)?;
        }
    }
    Ok(())
}
