//! `omr deck`: sheets of a user's own template, filled in by hand, photographed, with the truth of every field.
//!
//! The way of a sheet, a file for each step: [`stationery`] (the paper that the template's steps want) → [`mod@print`] (several
//! looks, each printed once) → [`mixture`] (what happens in each field: the truth) → [`hand`] (marks) → [`degradation`]
//! (pictures). Here they are put together and written.
//!
//! A sheet depends on the seed and its number alone, so a deck is the same for any number of workers.

pub mod degradation;
pub mod hand;
pub mod mixture;
pub mod print;
pub mod stationery;
pub mod truth;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

use image::GrayImage;
use rayon::prelude::*;

use self::degradation::{Degradation, Room};
use self::hand::Hand;
use self::mixture::{Filler, Mix};
use self::print::{Outline, Style};
use self::stationery::Stationery;
use self::truth::{Manifest, TruthTable};
use super::DeckError;
use super::canvas::{Canvas, Fonts};
use super::form::{centre, half_size};
use super::random::Random;
use crate::config::OutputMode;
use crate::geometry::{Point, Size};
use crate::json::DocumentError;
use crate::plan::{self, PlanError};
use crate::reach::Reach;
use crate::scoring::SheetName;
use crate::sheet::stages::Stages;
use crate::sheet::{Scan, Scratch, SheetError, inspect};
use crate::template::{FieldKind, Template};
use crate::walk::{GovernedTemplate, template_files};

/// What kind of deck is made.
#[derive(Debug, Clone)]
pub struct Request {
    /// template.json, or the folder that it lies in.
    pub template: PathBuf,
    /// Its config; `None`: config.json beside the template, if there is one.
    pub config: Option<PathBuf>,
    /// The deck's folder.
    pub output: PathBuf,
    /// Number of sheets.
    pub sheets: usize,
    /// What everything is drawn from.
    pub seed: u64,
    /// What happens in fields.
    pub mix: Mix,
    /// What becomes of sheets, in turn.
    pub degradations: Vec<Degradation>,
    /// Outlines that bubbles are printed with.
    pub outlines: Vec<Outline>,
    /// A scan of the blank form.
    pub form: Option<PathBuf>,
    /// Where the template's pictures may lie.
    pub reach: Reach,
    /// Sheets made at a time.
    pub workers: usize,
}

/// Why a deck could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// The output folder holds something else.
    #[error("the folder `{}` is not empty and holds no deck; give --output a folder of its own", .0.display())]
    NotADeck(PathBuf),
    /// The deck would be written over its own template.
    #[error("the template lies in the output folder `{}`; give --output a folder of its own", .0.display())]
    OverTemplate(PathBuf),
    /// The template or config is wrong.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The template cannot be made ready.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The template needs what cannot be printed.
    #[error("no deck can be made for this template: {0}")]
    Unsupported(String),
    /// A picture cannot be used.
    #[error("`{}` {what}", path.display())]
    Picture {
        /// The picture.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The blank form's picture cannot be straightened.
    #[error("`{}`: the template's steps cannot read this picture of the blank form: {source}", path.display())]
    Form {
        /// The picture.
        path: PathBuf,
        /// Why.
        source: SheetError,
    },
    /// A sheet could not be made.
    #[error(transparent)]
    Deck(#[from] DeckError),
    /// A file could not be read or written.
    #[error("`{}`: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl MakeError {
    fn at(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::File { path, source }
    }
}

/// Short side of the paper in pixels: A4 at 150 dots per inch.
const SHORT_SIDE: f64 = 1240.0;
/// The smallest bubble is no smaller than this in the picture.
const LEAST_BUBBLE: f64 = 16.0;
/// No canvas has more pixels.
const MOST_PIXELS: f64 = 16e6;
/// Each form is printed in so many looks at most.
const LOOKS: usize = 12;
/// So many sheets are made before their rows are written.
const BATCH: usize = 256;

/// What was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    /// Sheets.
    pub sheets: usize,
    /// Fields on them.
    pub fields: usize,
}

/// Makes a deck.
///
/// # Errors
/// [`MakeError`]; all that can be wrong with the template is told before anything is written.
pub fn make(request: &Request) -> Result<Made, MakeError> {
    let (template_file, config_file) = template_files(&request.template, request.config.as_deref());
    let governed = GovernedTemplate::load(&template_file, config_file.as_deref(), request.reach)?;
    let (template, config) = (&*governed.template, &*governed.config);
    can_be_shown(template)?;
    let assets = assets(template, &template_file)?;
    let form = request.form.as_deref().map(|path| page_of_form(path, &governed)).transpose()?;
    let stationery = Stationery::of(template, config, form)?;
    let filler = Filler::new(request.mix.clone(), template).map_err(MakeError::Unsupported)?;

    let folder = template_file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if matches!((folder.canonicalize(), request.output.canonicalize()), (Ok(a), Ok(b)) if a == b) {
        return Err(MakeError::OverTemplate(request.output.clone()));
    }
    prepare_folder(&request.output, &request.degradations)?;
    let copy = |from: &Path, to: &Path| -> Result<(), MakeError> {
        let to = request.output.join(to);
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(MakeError::at(parent))?;
        }
        fs::copy(from, &to).map_err(MakeError::at(from)).map(|_| ())
    };
    copy(&template_file, Path::new("template.json"))?;
    if let Some(config) = &config_file {
        copy(config, Path::new("config.json"))?;
    }
    for (from, to) in &assets {
        copy(from, to)?;
    }
    Maker::new(request, template, &stationery, &filler)?.run()
}

/// Checks what no stationery can help with.
fn can_be_shown(template: &Template) -> Result<(), MakeError> {
    for block in &template.blocks {
        match block.kind {
            FieldKind::Bubbles => {}
            _ if block.fields.len() > 1 => {
                return Err(MakeError::Unsupported(format!(
                    "the field block `{}` has several labels in one zone",
                    block.name
                )));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The template's pictures, and where they go below the deck.
fn assets(template: &Template, file: &Path) -> Result<Vec<(PathBuf, PathBuf)>, MakeError> {
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut assets = BTreeSet::new();
    for path in template.layouts().flat_map(Template::asset_paths) {
        let Ok(below) = path.strip_prefix(folder) else {
            // An absolute path holds wherever the template lies.
            if path.is_absolute() {
                continue;
            }
            return Err(outside(path));
        };
        if below.is_absolute() {
            continue;
        }
        if below.components().any(|part| part == Component::ParentDir) {
            return Err(outside(path));
        }
        assets.insert((path.clone(), below.to_path_buf()));
    }
    Ok(assets.into_iter().collect())
}

fn outside(path: &Path) -> MakeError {
    let what = "lies outside of the template's folder, so the deck would not find it; put a copy beside the template";
    MakeError::Picture { path: path.to_path_buf(), what: what.to_owned() }
}

/// The page on a picture of the blank form, as the template's steps straighten it.
fn page_of_form(path: &Path, governed: &GovernedTemplate) -> Result<GrayImage, MakeError> {
    let bytes = fs::read(path).map_err(MakeError::at(path))?;
    let context = plan::ready(governed, OutputMode::Default)?;
    let name = path.to_string_lossy();
    let name = SheetName { file_name: &name, file_path: &name };
    let inspection = inspect(&Scan::File(bytes), &context, name, false, &mut Scratch::default(), &mut Stages::off())
        .map_err(|source| MakeError::Form { path: path.to_path_buf(), source })?;
    Ok(inspection.page.gray)
}

/// Makes the deck's folder, or empties that of an earlier deck of its sheets.
fn prepare_folder(output: &Path, degradations: &[Degradation]) -> Result<(), MakeError> {
    fs::create_dir_all(output).map_err(MakeError::at(output))?;
    let is_empty = fs::read_dir(output).map_err(MakeError::at(output))?.next().is_none();
    if !is_empty && !Manifest::is_at(output) {
        return Err(MakeError::NotADeck(output.to_path_buf()));
    }
    for degradation in Degradation::ALL {
        let folder = output.join(degradation.name());
        if folder.is_dir() {
            for entry in fs::read_dir(&folder).map_err(MakeError::at(&folder))? {
                let entry = entry.map_err(MakeError::at(&folder))?;
                if is_sheet(&entry.file_name()) {
                    fs::remove_file(entry.path()).map_err(MakeError::at(&entry.path()))?;
                }
            }
            // Only an empty folder goes.
            let _kept = fs::remove_dir(&folder);
        }
        if degradations.contains(&degradation) {
            fs::create_dir_all(&folder).map_err(MakeError::at(&folder))?;
        }
    }
    Ok(())
}

/// Is this the name of a deck's sheet: `sheet-00017.jpg`?
fn is_sheet(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    let number = name.strip_prefix("sheet-").and_then(|n| n.strip_suffix(".jpg").or_else(|| n.strip_suffix(".png")));
    number.is_some_and(|n| n.len() >= 5 && n.bytes().all(|b| b.is_ascii_digit()))
}

/// Everything that sheets share.
struct Maker<'a> {
    request: &'a Request,
    template: &'a Template,
    filler: &'a Filler,
    fonts: Fonts,
    looks: Vec<(Style, Canvas)>,
    /// Middles and half sizes of the bubbles of each field.
    bubbles: Vec<Vec<(Point, (f64, f64))>>,
    room: Room,
}

impl<'a> Maker<'a> {
    fn new(
        request: &'a Request,
        template: &'a Template,
        stationery: &Stationery,
        filler: &'a Filler,
    ) -> Result<Self, MakeError> {
        let fonts = Fonts::new()?;
        let bubbles: Vec<Vec<_>> = template
            .fields()
            .map(|(block, field)| field.bubbles.iter().map(|b| (centre(block, b.x, b.y), half_size(block))).collect())
            .collect();
        let sides = bubbles.iter().flatten().map(|(_, half): &(Point, (f64, f64))| 2.0 * half.0.min(half.1));
        let smallest = sides.fold(f64::INFINITY, f64::min);
        let smallest = if smallest.is_finite() { smallest.max(1.0) } else { 20.0 };
        let paper = Size::new(stationery.paper.width, stationery.paper.height);
        let short = f64::from(paper.width.min(paper.height)).max(1.0);
        let scale = (SHORT_SIDE / short).max(LEAST_BUBBLE / smallest);
        let scale = scale.min((MOST_PIXELS / paper.pixels() as f64).sqrt());
        let room = Room { pose: stationery.pose, bubble: smallest * scale };

        let count = if stationery.reference.is_some() { 1 } else { LOOKS.max(request.outlines.len()) };
        let count = count.min(request.sheets.max(1));
        let mut random = Random::new(seed_of(request.seed, u64::MAX));
        let styles: Vec<Style> = (0..count)
            .map(|i| request.outlines.get(i % request.outlines.len().max(1)).copied().unwrap_or(Outline::Ellipse))
            .map(|outline| Style::draw(outline, &mut random))
            .collect();
        let print = |style: &Style| (*style, print::print(template, stationery, style, &fonts, scale));
        let looks = pool(request.workers)?.install(|| styles.par_iter().map(print).collect());
        Ok(Self { request, template, filler, fonts, looks, bubbles, room })
    }

    fn run(&self) -> Result<Made, MakeError> {
        let output = &self.request.output;
        let looks: Vec<String> = self.looks.iter().map(|(style, _)| style.describe()).collect();
        Manifest::of(self.request, self.template, looks).write(output)?;
        let mut table = TruthTable::create(&output.join("truth.csv"), self.template)?;
        let pool = pool(self.request.workers)?;
        let numbers: Vec<usize> = (0..self.request.sheets).collect();
        for batch in numbers.chunks(BATCH) {
            let made: Result<Vec<_>, MakeError> =
                pool.install(|| batch.par_iter().map(|&index| self.sheet(index)).collect());
            for sheet in made? {
                table.add(&sheet)?;
            }
        }
        table.finish()?;
        Ok(Made { sheets: self.request.sheets, fields: self.request.sheets * self.bubbles.len() })
    }

    /// Makes and writes one sheet.
    fn sheet(&self, index: usize) -> Result<truth::Sheet, MakeError> {
        let mut random = Random::new(seed_of(self.request.seed, index as u64));
        let kinds = self.request.degradations.len().max(1);
        let degradation = self.request.degradations.get(index % kinds).copied().unwrap_or(Degradation::Scanner);
        let round = index / kinds;
        let look = random.below(self.looks.len());
        let file = format!("{}/sheet-{:05}.{}", degradation.name(), index + 1, degradation.extension(round));
        let filled = self.filler.fill(self.template, &file, &mut random);
        let (style, blank) = &self.looks[look];
        let mut canvas = blank.clone();
        print::imprint(&mut canvas, self.template, &filled, &self.fonts)?;
        let hand = Hand::draw(&mut random);
        for (filled, bubbles) in filled.iter().zip(&self.bubbles) {
            hand.fill(&mut canvas, filled, bubbles, &mut random);
        }
        let bytes = degradation::picture(degradation, &canvas, self.room, round, &mut random)?;
        let path = self.request.output.join(&file);
        fs::write(&path, bytes).map_err(MakeError::at(&path))?;
        let print = format!("{}-{}", style.outline.name(), look + 1);
        Ok(truth::Sheet { file, degradation, pen: hand.name, print, filled })
    }
}

fn pool(workers: usize) -> Result<rayon::ThreadPool, MakeError> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(workers)
        .build()
        .map_err(|e| MakeError::File { path: PathBuf::from("worker threads"), source: std::io::Error::other(e) })
}

/// A seed of its own for each sheet of each deck.
fn seed_of(seed: u64, index: u64) -> u64 {
    let mut random = Random::new(seed);
    Random::new(random.bits() ^ index.wrapping_mul(0xD1B5_4A32_D192_ED03)).bits()
}

#[cfg(test)]
mod tests;
