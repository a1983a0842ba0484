//! Big folders, big sheets and many of them: what is held, how soon the first row is there. Linux tells what a process used.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{GrayImage, ImageEncoder, Luma};

use crate::paged::{Pdf, Picture};
use crate::sheets::{self, CONFIG, TEMPLATE};
use crate::support::Workspace;

const MIB: u64 = 1 << 20;

fn workspace() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("in/template.json", TEMPLATE);
    workspace.write("in/config.json", CONFIG);
    workspace
}

/// A run that is watched from outside.
struct Watched {
    child: Child,
}

impl Watched {
    fn start(mut command: Command) -> Self {
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null()).spawn().expect("omr runs");
        Self { child }
    }

    /// The most memory that it has had so far, in bytes; `None` when it has ended.
    fn peak(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
    }

    /// The time that it has computed, all its threads together.
    fn cpu(&self) -> Option<Duration> {
        /// Ticks a second, on every Linux that Rust runs on.
        const TICKS: u64 = 100;
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        // The name in brackets may have spaces; user and system time are the 14th and 15th field of all.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
        let mut ticks = || fields.next()?.parse::<u64>().ok();
        Some(Duration::from_millis((ticks()? + ticks()?) * 1000 / TICKS))
    }

    /// Waits for the end, looking at it every few milliseconds. Its status, and the most memory that was seen.
    fn end(mut self, mut look: impl FnMut()) -> (ExitStatus, u64) {
        let mut peak = 0;
        loop {
            peak = peak.max(self.peak().unwrap_or(0));
            look();
            if let Some(status) = self.child.try_wait().expect("a status") {
                return (status, peak);
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn stop(mut self) {
        self.child.kill().expect("it can be stopped");
        self.child.wait().expect("a status");
    }
}

/// Runs to the end, and gives the most memory that was seen.
fn run(workspace: &Workspace, input: &str, output: &str) -> u64 {
    watch(workspace.command(&["-q", "-i", input, "-o", output, "--max-workers", "2"]), || ())
}

fn watch(command: Command, look: impl FnMut()) -> u64 {
    let (status, peak) = Watched::start(command).end(look);
    assert!(status.success(), "{status}");
    assert!(peak > 0, "no memory was seen");
    peak
}

/// Processor time of a run, and the most memory that was seen.
fn cost(command: Command) -> (Duration, u64) {
    let mut run = Watched::start(command);
    let (mut cpu, mut peak) = (Duration::ZERO, 0);
    loop {
        cpu = run.cpu().unwrap_or(cpu);
        peak = run.peak().unwrap_or(0).max(peak);
        if let Some(status) = run.child.try_wait().expect("a status") {
            assert!(status.success(), "{status}");
            return (cpu, peak);
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Links `count` names to one file, or to copies of it where the file system allows no more links.
fn link(content: &[u8], dir: &Path, count: usize, name: impl Fn(usize) -> String) {
    let mut first = None;
    for i in 0..count {
        let path = dir.join(name(i));
        if first.as_ref().is_none_or(|first| fs::hard_link(first, &path).is_err()) {
            fs::write(&path, content).expect("a file");
            first = Some(path);
        }
    }
}

fn sheet() -> Vec<u8> {
    sheets::png(&sheets::page("A B C D A"))
}

/// A white page of this size: little to store, much to read.
fn white(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let pixels = vec![255; width as usize * height as usize];
    let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::NoFilter);
    encoder.write_image(&pixels, width, height, image::ExtendedColorType::L8).expect("an encoder");
    bytes
}

/// A filled page of paper that no encoder makes small.
fn grainy(width: u32, height: u32) -> Vec<u8> {
    let mut state = 12_345u32;
    let mut page = GrayImage::from_fn(width, height, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Luma([224 + (state >> 27) as u8])
    });
    (0..5).for_each(|row| sheets::mark(&mut page, row, row % 4, 20));
    sheets::png(&page)
}

fn lines(path: &Path) -> usize {
    fs::read(path).map_or(0, |bytes| bytes.iter().filter(|&&b| b == b'\n').count())
}

#[test]
fn behind_a_slow_sheet_rows_wait_and_pictures_do_not() {
    const FEW: usize = 4;
    const MANY: usize = 80;
    let workspace = Workspace::new();
    workspace.write("in/template.json", TEMPLATE.replace("200, 300", "1000, 1500"));
    workspace.write("in/config.json", CONFIG.replace("200", "1000").replace("300", "1500"));
    workspace.write("in/0.png", white(10_000, 10_000));
    workspace.copy("in", "few");
    let name = |i: usize| format!("s{i:03}.png");
    let small = grainy(1000, 1500);
    link(&small, &workspace.path("few"), FEW, name);
    link(&small, &workspace.path("in"), MANY, name);
    // What the program holds, and not what the allocator has yet to give back: of large pictures, that is tens of megabytes.
    let frugal = |input: &str, output: &str| {
        let mut command = workspace.command(&["-q", "-i", input, "-o", output, "--max-workers", "2"]);
        command.env("MIMALLOC_PURGE_DELAY", "0");
        command
    };
    let few = watch(frugal("few", "out-few"), || ());

    let (partial, pictures) = (workspace.path("out/Results/Results.csv.partial"), workspace.path("out/CheckedOMRs"));
    // Bytes of the pictures that were on the disk while no row was.
    let mut ahead = 0;
    let many = watch(frugal("in", "out"), || {
        let sizes = fs::read_dir(&pictures).into_iter().flatten();
        let saved: u64 = sizes.filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len())).sum();
        if lines(&partial) == 1 {
            ahead = saved.max(ahead);
        }
    });
    let rows = workspace.csv("out/Results/Results.csv");
    let names = std::iter::once("0.png".to_owned()).chain((0..MANY).map(name));
    assert!(rows.into_iter().skip(1).map(|row| row[0].clone()).eq(names));
    assert!(ahead > 10 * MIB, "{ahead} bytes of pictures were saved before the first row");
    assert!(many < few + ahead / 2, "{few} bytes with few sheets behind, {many} with many; {ahead} ahead");
}

#[test]
fn a_folder_of_a_hundred_thousand_files_starts_within_a_second() {
    let workspace = workspace();
    link(&sheet(), &workspace.path("in"), 60_000, |i| format!("sheet-{i:05}.png"));
    link(b"no image", &workspace.path("in"), 40_000, |i| format!("sheet-{i:05}.txt"));
    let partial = workspace.path("out/Results/Results.csv.partial");
    let run = Watched::start(workspace.command(&["-q", "-i", "in", "-o", "out", "--max-workers", "2"]));
    let start = Instant::now();
    while lines(&partial) < 2 {
        assert!(start.elapsed() < Duration::from_secs(60), "there is no row");
        thread::sleep(Duration::from_millis(2));
    }
    let (cpu, peak) = (run.cpu().expect("it still runs"), run.peak().expect("it still runs"));
    run.stop();
    // Not the time by the clock: other tests run beside this one.
    assert!(cpu < Duration::from_secs(1), "{cpu:?} until the first row");
    assert!(peak < 40 * MIB, "{peak} bytes for the names");
}

#[test]
fn memory_does_not_grow_with_the_number_of_sheets() {
    let workspace = workspace();
    workspace.copy("in", "many");
    link(&sheet(), &workspace.path("in"), 200, |i| format!("{i:04}.png"));
    link(&sheet(), &workspace.path("many"), 2000, |i| format!("{i:04}.png"));
    let few = run(&workspace, "in", "out");
    let many = run(&workspace, "many", "out-many");
    assert_eq!(workspace.csv("out-many/Results/Results.csv").len(), 2001);
    assert!(many <= few + few / 10 + 2 * MIB, "{few} bytes for 200 sheets, {many} for 2000");
}

/// Compares a PDF of so many JPEGs of this size with the same JPEGs in files: it may take 1.3 times as long, and `memory` bytes
/// beside its own.
fn compare_pdf_with_files(pages: usize, (width, height): (u32, u32), memory: u64) {
    let workspace = Workspace::new();
    for input in ["files", "pages"] {
        let size = format!("{width}, {height}");
        workspace.write(format!("{input}/template.json"), TEMPLATE.replace("200, 300", &size));
        let config = CONFIG.replace("200", &width.to_string()).replace("300", &height.to_string());
        workspace.write(format!("{input}/config.json"), config);
    }
    let page = image::load_from_memory(&grainy(width, height)).expect("a picture").into_luma8();
    let jpeg = sheets::encoded(&page, image::ImageFormat::Jpeg);
    link(&jpeg, &workspace.path("files"), pages, |i| format!("{i:04}.jpg"));
    let pdf = Pdf::of_pictures(&vec![Picture::jpeg(&page, jpeg); pages], width, height);
    let own = pdf.len() as u64;
    workspace.write("pages/scan.pdf", pdf);
    let run = |input: &str, output: &str| {
        cost(workspace.command(&["-q", "-i", input, "-o", output, "--no-pictures", "--max-workers", "2"]))
    };
    let (of_files, _) = run("files", "out-files");
    let (of_pages, peak) = run("pages", "out-pages");
    assert_eq!(workspace.csv("out-pages/Results/Results.csv").len(), pages + 1);
    assert!(
        of_pages < of_files * 13 / 10 + Duration::from_millis(50),
        "{of_files:?} for files, {of_pages:?} for pages"
    );
    assert!(peak < own + memory, "{peak} bytes for a file of {own}");
}

#[test]
fn a_pdf_costs_little_more_than_its_pages_as_files() {
    compare_pdf_with_files(40, (1000, 1500), 200 * MIB);
}

#[test]
#[ignore = "takes a minute: 300 pages of A4 at 300 dpi"]
fn a_long_pdf_costs_little_more_than_its_pages_as_files() {
    compare_pdf_with_files(300, (2480, 3508), 200 * MIB);
}

#[test]
fn the_program_is_there_at_once() {
    let workspace = Workspace::new();
    let durations = (0..20).map(|_| {
        let start = Instant::now();
        workspace.omr(&["--version"]).succeeded();
        start.elapsed()
    });
    let least = durations.min().expect("twenty runs");
    assert!(least < Duration::from_millis(50), "{least:?}");
}
