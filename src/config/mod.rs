//! config.json: how sheets are processed and what is written. One model behind the shapes of all dialects.
//!
//! The shapes live in `v1` and `v2`; behind them nothing knows how a key was spelt. A value that the file does not
//! state stays `None` where its default depends on the template's dialect.

use crate::geometry::Size;

mod v1;
mod v2;

/// The settings of a folder tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
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
}

/// Which judge turns measured bubbles into marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
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
    /// `coloredOutputsEnabled` (v2 family): the image's colours may be used. Default false.
    pub colored_outputs: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            thresholds: Thresholds::default(),
            processing_size: Size::new(666, 820),
            display_size: Size::new(1640, 2480),
            auto_align: None,
            outputs: Outputs::default(),
            max_parallel_workers: None,
            reader: Reader::Classic,
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
        }
    }
}
