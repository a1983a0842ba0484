//! config.json: how sheets are processed and what is written. One model behind the shapes of all dialects.
//!
//! The shapes live in `v1` and `v2`; behind them nothing knows how a key was spelt. A value that the file does not
//! state stays `None` where its default depends on the template's dialect.

use std::path::{Path, PathBuf};

use crate::digest::Digest;
use crate::geometry::Size;
use crate::json::{Cursor, Document, DocumentError, Fields, Problem, Rules, Unknown, Value};

mod grouping;
mod limits;
mod v1;
mod v2;

pub use self::grouping::{Collision, FileGrouping, GroupingAction, GroupingRule};
pub use self::limits::Limits;

/// Workers are 1 to this many.
pub const MAX_WORKERS: usize = 16;

/// Levels of shown and saved pictures go this far.
const MAX_LEVEL: i64 = 6;

/// No picture may be larger: an A0 sheet at 600 dots per inch has 28,087 pixels.
const MAX_SIDE: i64 = 32_767;

/// The file of a config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Of the file as it was read.
    pub sha256: Digest,
}

/// The settings of a folder tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The file that it was loaded from.
    pub file: Option<ConfigFile>,
    /// Numbers of the threshold family.
    pub thresholds: Thresholds,
    /// v1 `dimensions.processing_*`: every image is resized to this before pre-processing. Default 666×820.
    /// Templates of the v2 family state their own.
    pub processing_size: Size,
    /// Size of pictures on a screen and in stacks. Default 1640×2480.
    pub display_size: Size,
    /// v1 `alignment_params` when `auto_align` is true. Default none.
    pub auto_align: Option<AutoAlign>,
    /// What is written and shown.
    pub outputs: Outputs,
    /// `max_parallel_workers`, 1 to 16. `None`: the file does not say.
    pub max_parallel_workers: Option<usize>,
    /// Who judges the measured bubbles.
    pub reader: Reader,
    /// `limits`: what any one input may cost.
    pub limits: Limits,
    /// The file has the spelling of v2-dev. A template of the v2 family that does not tell its generation follows it.
    pub is_v2_dev: bool,
}

/// Which judge turns measured bubbles into marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Ink beyond what is printed, beside the paper around it.
    Ink,
    /// OMRChecker's family of thresholds on mean grays.
    Classic,
}

/// Numbers of the threshold family, in gray levels (0 black to 255 white).
#[derive(Debug, Clone, PartialEq)]
pub struct Thresholds {
    /// `MIN_JUMP` / `minJump`: the smallest gap between sorted means that can part marked from blank. Default 25.
    pub min_jump: f64,
    /// `CONFIDENT_SURPLUS` / `minJumpSurplusForGlobalFallback`: a gap this much wider is trusted alone. Default 5.
    pub confident_surplus: f64,
    /// `MIN_GAP` / `minGapTwoBubbles`: smallest gap in a field of two bubbles. Default 30.
    pub min_gap_two_bubbles: f64,
    /// `PAGE_TYPE_FOR_THRESHOLD` (white 200, black 100) / `globalPageThreshold`: the page's threshold when its means
    /// show no gap. Default 200.
    pub page_threshold: f64,
    /// `minJumpStd` (v2 family): smallest gap between the fields' deviations. Default 15.
    pub min_jump_std: f64,
    /// `globalPageThresholdStd` (v2 family): threshold of deviations when they show no gap. Default 10.
    pub page_threshold_std: f64,
    /// `GAMMA_LOW` / `gammaLow`, above 0 to 1: for auto-alignment and line markers. Default 0.7.
    pub gamma_low: f64,
}

/// v1's horizontal search for each block (its spec, section 6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AutoAlign {
    /// `match_col`: columns compared at each edge, 0 to 10. Default 5.
    pub match_columns: u32,
    /// `max_steps`: 1 to 100. Default 20.
    pub max_steps: u32,
    /// `stride`: pixels a step, 1 to 10. Default 1.
    pub stride: u32,
    /// `thickness`: pixels that the compared columns reach beyond the block, 1 to 10. Default 3.
    pub thickness: u32,
}

/// What is written and shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outputs {
    /// Pictures shown while reading, 0 (none) to 6. Default 0.
    pub show_image_level: u8,
    /// Stage pictures saved, 0 (none) to 6. Default 0 in every dialect.
    pub save_image_level: u8,
    /// Save the marked picture of each sheet. Default true.
    pub save_detections: bool,
    /// Divert sheets with a multi-marked field to MultiMarkedFiles.csv. Default false.
    pub filter_out_multimarked_files: bool,
    /// `coloredOutputsEnabled` (v2 family): the image's colours may be used, and marked pictures are saved in colour too.
    /// Default false.
    pub colored_outputs: bool,
    /// `outputMode` (v2 family). `None`: the file does not say.
    pub mode: Option<OutputMode>,
    /// `fileGrouping` (v2) when it is enabled.
    pub grouping: Option<FileGrouping>,
}

/// What is written of a sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OutputMode {
    /// The output columns, and pictures with what was read drawn on them.
    #[default]
    Default,
    /// A column for each field, and pages with nothing drawn on them: for people who check what was read.
    Moderation,
}

impl Config {
    /// Reads the config at `path`, of whatever dialect, with the warnings that it gives rise to.
    ///
    /// # Errors
    /// The file cannot be read, is not JSON, or has errors; then all of them.
    pub fn load(path: &Path) -> Result<(Self, Vec<Problem>), DocumentError> {
        let document = Document::load(path, Rules::default())?;
        let (config, warnings) = Self::read(&document)?;
        let file = ConfigFile { path: path.to_path_buf(), sha256: document.sha256() };
        Ok((Self { file: Some(file), ..config }, warnings))
    }

    /// Reads a config from a document.
    ///
    /// # Errors
    /// [`DocumentError::Invalid`] with all errors of the document.
    pub fn read(document: &Document) -> Result<(Self, Vec<Problem>), DocumentError> {
        let root = document.root();
        let (mut config, warnings) = match is_v1(root) {
            true => document.read(|cursor| v1::config(&cursor))?,
            false => document.read(|cursor| v2::config(&cursor))?,
        };
        config.is_v2_dev = is_v2_dev(root);
        Ok((config, warnings))
    }
}

/// Does the file have keys that only v2-dev has: thresholds in capitals, or outputs in snake case that v1 lacks?
fn is_v2_dev(root: &Value) -> bool {
    let keys = |group: &str| root.get(group).into_iter().flat_map(Value::keys).collect::<Vec<_>>();
    let v1 = v1::keys_of("outputs");
    let newer: Vec<String> = v2::OUTPUTS.iter().flat_map(|key| v2::spellings(key)).collect();
    let is_snake = |key: &str| key.contains('_') && key.chars().all(|c| !c.is_ascii_uppercase());
    keys("thresholding").iter().any(|key| key.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        || keys("outputs").iter().any(|key| is_snake(key) && !v1.contains(key) && newer.iter().any(|n| n == key))
}

/// Is this v1's shape? Its groups tell, then the groups and spellings of the v2 family. A file that could be either
/// means the same in both, so v1's shape reads it.
fn is_v1(root: &Value) -> bool {
    if ["dimensions", "threshold_params", "alignment_params"].iter().any(|key| root.get(key).is_some()) {
        return true;
    }
    if ["path", "thresholding", "processing", "ml"].iter().any(|key| root.get(key).is_some()) {
        return false;
    }
    let v1 = v1::keys_of("outputs");
    let newer: Vec<String> = v2::OUTPUTS.iter().flat_map(|key| v2::spellings(key)).collect();
    let outputs = root.get("outputs").into_iter().flat_map(Value::keys);
    !outputs
        .into_iter()
        .filter(|key| !v1.contains(key))
        .any(|key| key.contains(|c: char| c.is_ascii_uppercase()) || newer.iter().any(|known| known == key))
}

/// Reads the value of `key`, or takes `default` when it is not there.
fn default_or<'d, T>(
    fields: &Fields<'d>,
    key: &str,
    default: T,
    read: impl FnOnce(&Cursor<'d>) -> Option<T>,
) -> Option<T> {
    fields.get(key).map_or(Some(default), |cursor| read(&cursor))
}

/// A width or height in whole pixels.
fn side(cursor: &Cursor<'_>) -> Option<u32> {
    cursor.integer(1, MAX_SIDE).map(|v| v as u32)
}

/// A number above 0, up to 1: a gamma, by which OMRChecker divides.
fn above_zero(cursor: &Cursor<'_>) -> Option<f64> {
    match cursor.number(0.0, 1.0)? {
        0.0 => cursor.expected("a number above 0, up to 1"),
        gamma => Some(gamma),
    }
}

/// Closes one of [`WORKER_GROUPS`], whose unknown keys are errors, as in OMRChecker. The number of workers was read before.
fn finish_worker_group(group: Fields<'_>, known: &[&str]) {
    for key in WORKER_KEYS {
        group.get(key);
    }
    group.finish(Unknown::Refuse, known);
}

const WORKER_KEYS: [&str; 2] = ["max_parallel_workers", "maxParallelWorkers"];

/// Where the number of workers may stand, in every dialect.
const WORKER_GROUPS: [&str; 2] = ["outputs", "processing"];

/// Reads the number of workers. It may stand in several places, but with one value.
fn workers(root: &Fields<'_>) -> Option<Option<usize>> {
    let mut found: Option<usize> = None;
    let mut whole = true;
    for (group, key) in WORKER_GROUPS.iter().flat_map(|group| WORKER_KEYS.map(|key| (group, key))) {
        let Some(cursor) = root.cursor().below(&[group, key]) else { continue };
        match cursor.integer(1, MAX_WORKERS as i64).map(|count| count as usize) {
            Some(count) if found.is_some_and(|earlier| earlier != count) => {
                cursor.error_with_hint(
                    format!("found `{count}`, but the number of workers is stated elsewhere in this file, and differs"),
                    "state it once, as `outputs.max_parallel_workers`",
                );
                whole = false;
            }
            Some(count) => found = Some(count),
            None => whole = false,
        }
    }
    if let Some(processing) = root.get("processing").and_then(|c| c.object()) {
        finish_worker_group(processing, &WORKER_KEYS);
    }
    whole.then_some(found)
}

/// Reads `reader`, which OMRChecker does not have.
fn reader(fields: &Fields<'_>) -> Option<Reader> {
    default_or(fields, "reader", Reader::Ink, |c| c.choice(&[("ink", Reader::Ink), ("classic", Reader::Classic)]))
}

impl Default for Config {
    fn default() -> Self {
        Self {
            file: None,
            thresholds: Thresholds::default(),
            processing_size: Size::new(666, 820),
            display_size: Size::new(1640, 2480),
            auto_align: None,
            outputs: Outputs::default(),
            max_parallel_workers: None,
            reader: Reader::Ink,
            limits: Limits::default(),
            is_v2_dev: false,
        }
    }
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            min_jump: 25.0,
            confident_surplus: 5.0,
            min_gap_two_bubbles: 30.0,
            page_threshold: 200.0,
            min_jump_std: 15.0,
            page_threshold_std: 10.0,
            gamma_low: 0.7,
        }
    }
}

impl Default for AutoAlign {
    fn default() -> Self {
        Self { match_columns: 5, max_steps: 20, stride: 1, thickness: 3 }
    }
}

impl Default for Outputs {
    fn default() -> Self {
        Self {
            show_image_level: 0,
            save_image_level: 0,
            save_detections: true,
            filter_out_multimarked_files: false,
            colored_outputs: false,
            mode: None,
            grouping: None,
        }
    }
}

#[cfg(test)]
mod tests;
