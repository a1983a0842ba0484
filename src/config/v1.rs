//! The v1 shape of config.json: `dimensions`, `threshold_params`, `alignment_params`, `outputs` in snake case.

use super::{
    AutoAlign, Config, MAX_LEVEL, Outputs, Thresholds, above_zero, default_or, finish_worker_group, limits, reader,
    workers,
};
use crate::geometry::Size;
use crate::json::{Cursor, Fields, Unknown};

/// Every key of the shape by its group, a key at the root without one. `config.example.json` has them all.
pub(super) const KEYS: [(&str, &[&str]); 6] = [
    ("dimensions", &["display_height", "display_width", "processing_height", "processing_width"]),
    (
        "threshold_params",
        &["GAMMA_LOW", "MIN_GAP", "MIN_JUMP", "CONFIDENT_SURPLUS", "JUMP_DELTA", "PAGE_TYPE_FOR_THRESHOLD"],
    ),
    ("alignment_params", &["auto_align", "match_col", "max_steps", "stride", "thickness"]),
    (
        "outputs",
        &[
            "show_image_level",
            "save_image_level",
            "save_detections",
            "filter_out_multimarked_files",
            "max_parallel_workers",
        ],
    ),
    ("reader", &[]),
    ("limits", &limits::SNAKE_KEYS),
];

/// The keys of one group.
pub(super) fn keys_of(group: &str) -> &'static [&'static str] {
    KEYS.iter().find(|(name, _)| *name == group).map_or(&[], |(_, keys)| keys)
}

/// Reads a whole config.
pub(super) fn config(cursor: &Cursor<'_>) -> Option<Config> {
    let fields = cursor.object()?;
    let default = Config::default();
    let sizes =
        default_or(&fields, "dimensions", (default.processing_size, default.display_size), |c| dimensions(c, &default));
    let thresholds = default_or(&fields, "threshold_params", default.thresholds, thresholds);
    let auto_align = default_or(&fields, "alignment_params", default.auto_align, alignment);
    let outputs = default_or(&fields, "outputs", default.outputs, outputs);
    let max_parallel_workers = workers(&fields);
    let reader = reader(&fields);
    let limits = limits::read(&fields);
    fields.finish(Unknown::Refuse, &KEYS.map(|(name, _)| name));
    let (processing_size, display_size) = sizes?;
    Some(Config {
        file: None,
        thresholds: thresholds?,
        processing_size,
        display_size,
        auto_align: auto_align?,
        outputs: outputs?,
        max_parallel_workers: max_parallel_workers?,
        reader: reader?,
        limits: limits?,
        is_v2_dev: false,
    })
}

fn dimensions(cursor: &Cursor<'_>, default: &Config) -> Option<(Size, Size)> {
    let fields = cursor.object()?;
    let side = |key, default| default_or(&fields, key, default, super::side);
    let processing = (
        side("processing_width", default.processing_size.width),
        side("processing_height", default.processing_size.height),
    );
    let display =
        (side("display_width", default.display_size.width), side("display_height", default.display_size.height));
    fields.finish(Unknown::Refuse, keys_of("dimensions"));
    Some((Size::new(processing.0?, processing.1?), Size::new(display.0?, display.1?)))
}

fn thresholds(cursor: &Cursor<'_>) -> Option<Thresholds> {
    let default = Thresholds::default();
    let fields = cursor.object()?;
    let gray =
        |key, default: f64, min, max| default_or(&fields, key, default, |c| c.integer(min, max).map(|v| v as f64));
    let min_jump = gray("MIN_JUMP", default.min_jump, 10, 100);
    let min_gap_two_bubbles = gray("MIN_GAP", default.min_gap_two_bubbles, 10, 100);
    let confident_surplus = gray("CONFIDENT_SURPLUS", default.confident_surplus, 0, 20);
    // OMRChecker reads it and uses it nowhere.
    gray("JUMP_DELTA", 30.0, 10, 100);
    let gamma_low = default_or(&fields, "GAMMA_LOW", default.gamma_low, above_zero);
    let page_threshold = default_or(&fields, "PAGE_TYPE_FOR_THRESHOLD", default.page_threshold, |c| {
        c.choice(&[("white", 200.0), ("black", 100.0)])
    });
    fields.finish(Unknown::Refuse, keys_of("threshold_params"));
    Some(Thresholds {
        min_jump: min_jump?,
        confident_surplus: confident_surplus?,
        min_gap_two_bubbles: min_gap_two_bubbles?,
        page_threshold: page_threshold?,
        gamma_low: gamma_low?,
        ..default
    })
}

fn alignment(cursor: &Cursor<'_>) -> Option<Option<AutoAlign>> {
    let default = AutoAlign::default();
    let fields = cursor.object()?;
    let on = default_or(&fields, "auto_align", false, Cursor::bool);
    let count = |key, default, min, max| default_or(&fields, key, default, |c| c.integer(min, max).map(|v| v as u32));
    let match_columns = count("match_col", default.match_columns, 0, 10);
    let max_steps = count("max_steps", default.max_steps, 1, 100);
    let stride = count("stride", default.stride, 1, 10);
    let thickness = count("thickness", default.thickness, 1, 10);
    fields.finish(Unknown::Refuse, keys_of("alignment_params"));
    let params =
        AutoAlign { match_columns: match_columns?, max_steps: max_steps?, stride: stride?, thickness: thickness? };
    Some(on?.then_some(params))
}

fn outputs(cursor: &Cursor<'_>) -> Option<Outputs> {
    let default = Outputs::default();
    let fields: Fields<'_> = cursor.object()?;
    let level = |key, default| default_or(&fields, key, default, |c| c.integer(0, MAX_LEVEL).map(|v| v as u8));
    let show_image_level = level("show_image_level", default.show_image_level);
    let save_image_level = level("save_image_level", default.save_image_level);
    let save_detections = default_or(&fields, "save_detections", default.save_detections, Cursor::bool);
    let filter_out_multimarked_files =
        default_or(&fields, "filter_out_multimarked_files", default.filter_out_multimarked_files, Cursor::bool);
    finish_worker_group(fields, keys_of("outputs"));
    Some(Outputs {
        show_image_level: show_image_level?,
        save_image_level: save_image_level?,
        save_detections: save_detections?,
        filter_out_multimarked_files: filter_out_multimarked_files?,
        ..default
    })
}
