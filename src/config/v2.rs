//! The shape of config.json of the v2 family: `thresholding`, `outputs`, `processing`, `ml`. The newest member spells
//! keys in camel case; the older one spells thresholds in upper and outputs in lower snake case. Both are read.

mod grouping;

use super::{
    Config, MAX_LEVEL, MAX_SIDE, OutputMode, Outputs, Thresholds, above_zero, default_or, finish_worker_group, limits,
    reader, workers,
};
use crate::dialect::{refuse_clashing_keys, snake_case, spelled};
use crate::geometry::Size;
use crate::json::{Cursor, Kind, Unknown};

const KEYS: [&str; 7] = ["path", "thresholding", "outputs", "processing", "ml", "reader", "limits"];

/// Keys of `thresholding`, newest spelling.
pub(super) const THRESHOLDING: [&str; 11] = [
    "globalPageThreshold",
    "minJump",
    "minJumpSurplusForGlobalFallback",
    "minGapTwoBubbles",
    "gammaLow",
    "globalPageThresholdStd",
    "minJumpStd",
    "jumpDelta",
    "jumpDeltaStd",
    "globalThresholdMargin",
    "confidentJumpSurplusForDisparity",
];

/// Keys of `outputs`, newest spelling.
pub(super) const OUTPUTS: [&str; 13] = [
    "outputMode",
    "displayImageDimensions",
    "showImageLevel",
    "saveImageLevel",
    "showLogsByType",
    "coloredOutputsEnabled",
    "saveDetections",
    "saveImageMetrics",
    "showConfidenceMetrics",
    "filterOutMultimarkedFiles",
    "showPreprocessorsDiff",
    "fileGrouping",
    "maxParallelWorkers",
];

/// The ways in which the generations spell a key.
pub(super) fn spellings(key: &str) -> [String; 3] {
    let snake = snake_case(key);
    [key.to_owned(), snake.to_uppercase(), snake]
}

/// Reads a whole config.
pub(super) fn config(cursor: &Cursor<'_>) -> Option<Config> {
    let fields = cursor.object()?;
    refuse_clashing_keys(cursor);
    let default = Config::default();
    fields.get("path").and_then(|c| c.string());
    let thresholds = default_or(&fields, "thresholding", default.thresholds, thresholds);
    let outputs = default_or(&fields, "outputs", (default.outputs, default.display_size), outputs);
    fields.get("ml").and_then(|c| ml(&c));
    let max_parallel_workers = workers(&fields);
    let reader = reader(&fields);
    let limits = limits::read(&fields);
    fields.finish(Unknown::Refuse, &KEYS);
    let (outputs, display_size) = outputs?;
    Some(Config {
        thresholds: thresholds?,
        display_size,
        outputs,
        max_parallel_workers: max_parallel_workers?,
        reader: reader?,
        limits: limits?,
        ..default
    })
}

fn thresholds(cursor: &Cursor<'_>) -> Option<Thresholds> {
    let default = Thresholds::default();
    let fields = cursor.object()?;
    let get = |key: &str| fields.get_any(&[key, &snake_case(key).to_uppercase()]);
    let gray = |key, default: f64, min, max| get(key).map_or(Some(default), |c| c.integer(min, max).map(|v| v as f64));
    let page_threshold = gray("globalPageThreshold", default.page_threshold, 0, 255);
    let min_jump = gray("minJump", default.min_jump, 10, 100);
    let confident_surplus = gray("minJumpSurplusForGlobalFallback", default.confident_surplus, 0, 20);
    let min_gap_two_bubbles = gray("minGapTwoBubbles", default.min_gap_two_bubbles, 10, 100);
    let gamma_low = get("gammaLow").map_or(Some(default.gamma_low), |c| above_zero(&c));
    let page_threshold_std = gray("globalPageThresholdStd", default.page_threshold_std, 0, 60);
    let min_jump_std = gray("minJumpStd", default.min_jump_std, 1, 50);
    // OMRChecker reads these and uses them nowhere.
    gray("jumpDelta", 30.0, 10, 100);
    gray("jumpDeltaStd", 5.0, 1, 50);
    gray("globalThresholdMargin", 10.0, 0, 20);
    gray("confidentJumpSurplusForDisparity", 25.0, 0, 100);
    fields.finish(Unknown::Refuse, &THRESHOLDING);
    Some(Thresholds {
        min_jump: min_jump?,
        confident_surplus: confident_surplus?,
        min_gap_two_bubbles: min_gap_two_bubbles?,
        page_threshold: page_threshold?,
        min_jump_std: min_jump_std?,
        page_threshold_std: page_threshold_std?,
        gamma_low: gamma_low?,
    })
}

fn outputs(cursor: &Cursor<'_>) -> Option<(Outputs, Size)> {
    let default = Outputs::default();
    let fields = cursor.object()?;
    let get = |key| spelled(&fields, key);
    let level = |key, default| get(key).map_or(Some(default), |c| c.integer(0, MAX_LEVEL).map(|v| v as u8));
    let flag = |key, default| get(key).map_or(Some(default), |c| c.bool());
    let show_image_level = level("showImageLevel", default.show_image_level);
    let save_image_level = level("saveImageLevel", default.save_image_level);
    let save_detections = flag("saveDetections", default.save_detections);
    let filter = flag("filterOutMultimarkedFiles", default.filter_out_multimarked_files);
    let colored_outputs = flag("coloredOutputsEnabled", default.colored_outputs);
    let display_size =
        get("displayImageDimensions").map_or(Some(Config::default().display_size), |c| display_shape(&c));
    for key in ["saveImageMetrics", "showConfidenceMetrics"] {
        get(key).and_then(|c| warn_if_on(&c));
    }
    let mode = get("outputMode").map_or(Some(None), |c| output_mode(&c).map(Some));
    get("showLogsByType").and_then(|c| logs_by_type(&c));
    get("showPreprocessorsDiff").and_then(|c| preprocessors_diff(&c));
    let grouping = get("fileGrouping").map_or(Some(None), |c| grouping::read(&c));
    finish_worker_group(fields, &OUTPUTS);
    let outputs = Outputs {
        show_image_level: show_image_level?,
        save_image_level: save_image_level?,
        save_detections: save_detections?,
        filter_out_multimarked_files: filter?,
        colored_outputs: colored_outputs?,
        mode: mode?,
        grouping: grouping?,
    };
    Some((outputs, display_size?))
}

/// `[height, width]`: stacks take their width from the second number.
fn display_shape(cursor: &Cursor<'_>) -> Option<Size> {
    let [height, width] = cursor.tuple::<2>("`[height, width]`, whole pixels")?;
    let (height, width) = (super::side(&height), super::side(&width));
    Some(Size::new(width?, height?))
}

/// Checks a flag, and tells when it asks for what is not done yet.
fn warn_if_on(cursor: &Cursor<'_>) -> Option<()> {
    if cursor.bool()? {
        cursor.warn("not done yet: this has no effect", None);
    }
    Some(())
}

fn output_mode(cursor: &Cursor<'_>) -> Option<OutputMode> {
    let mode = cursor.choice(&[
        ("default", Some(OutputMode::Default)),
        ("moderation", Some(OutputMode::Moderation)),
        ("setLayout", None),
    ])?;
    if mode.is_none() {
        let message =
            format!("found {}, which is asked for on the command line; `default` counts", cursor.value().describe());
        cursor.warn(message, Some("say `--set-layout`".to_owned()));
    }
    Some(mode.unwrap_or_default())
}

fn logs_by_type(cursor: &Cursor<'_>) -> Option<()> {
    const LEVELS: [&str; 5] = ["critical", "error", "warning", "info", "debug"];
    let fields = cursor.object()?;
    for level in LEVELS {
        fields.get(level).and_then(|c| c.bool());
    }
    fields.finish(Unknown::Refuse, &LEVELS);
    Some(())
}

/// A flag, or a flag for each pre-processor.
fn preprocessors_diff(cursor: &Cursor<'_>) -> Option<()> {
    match cursor.value().kind {
        Kind::Object(_) => {
            for (_, flag) in cursor.children() {
                warn_if_on(&flag);
            }
            Some(())
        }
        Kind::Bool(_) => warn_if_on(cursor),
        _ => cursor.expected("`true`, `false` or an object of those by pre-processor"),
    }
}

/// Models that OMRChecker can be trained for. Its command line switches none of them on, and nothing here uses them.
fn ml(cursor: &Cursor<'_>) -> Option<()> {
    const SWITCHES: [&str; 4] =
        ["enabled", "fieldBlockDetectionEnabled", "collectTrainingData", "collectFieldBlockData"];
    const FLAGS: [&str; 2] = ["useForLowConfidenceOnly", "fusionEnabled"];
    const PARTS: [&str; 4] =
        ["confidenceThreshold", "fieldBlockConfidenceThreshold", "discrepancyThreshold", "minTrainingConfidence"];
    const PATHS: [&str; 6] = [
        "modelPath",
        "fieldBlockModelPath",
        "trainingDataDir",
        "modelOutputDir",
        "fieldBlockDatasetDir",
        "bubbleDatasetDir",
    ];
    const STRATEGIES: [(&str, ()); 4] =
        [("confidence_weighted", ()), ("ml_fallback", ()), ("traditional_primary", ()), ("ml_only", ())];
    let fields = cursor.object()?;
    for key in SWITCHES {
        spelled(&fields, key).and_then(|c| warn_if_on(&c));
    }
    for key in FLAGS {
        spelled(&fields, key).and_then(|c| c.bool());
    }
    for key in PARTS {
        spelled(&fields, key).and_then(|c| c.number(0.0, 1.0));
    }
    for key in PATHS {
        spelled(&fields, key).and_then(|c| c.string());
    }
    spelled(&fields, "fusionStrategy").and_then(|c| c.choice(&STRATEGIES));
    spelled(&fields, "shiftDetection").and_then(|c| shift_detection(&c));
    let others = ["fusionStrategy", "shiftDetection"];
    fields.finish(Unknown::Refuse, &[SWITCHES.as_slice(), &FLAGS, &PARTS, &PATHS, &others].concat());
    Some(())
}

fn shift_detection(cursor: &Cursor<'_>) -> Option<()> {
    const COUNTS: [&str; 3] = ["globalMaxShiftPixels", "bubbleMismatchThreshold", "fieldMismatchThreshold"];
    const PARTS: [&str; 2] = ["confidenceReductionMin", "confidenceReductionMax"];
    const PER_BLOCK: &str = "perBlockMaxShiftPixels";
    let fields = cursor.object()?;
    fields.get("enabled").and_then(|c| warn_if_on(&c));
    for key in COUNTS {
        spelled(&fields, key).and_then(|c| c.integer(0, MAX_SIDE));
    }
    for key in PARTS {
        spelled(&fields, key).and_then(|c| c.number(0.0, 1.0));
    }
    if let Some(blocks) = spelled(&fields, PER_BLOCK).and_then(|c| c.object()) {
        for (_, pixels) in blocks.rest() {
            pixels.integer(0, MAX_SIDE);
        }
    }
    fields.finish(Unknown::Refuse, &[COUNTS.as_slice(), &PARTS, &["enabled", PER_BLOCK]].concat());
    Some(())
}
