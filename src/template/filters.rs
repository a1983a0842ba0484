//! Options of the pre-processors that both generations spell alike. The v2 family adds `processingImageShape`.

use super::values;
use super::{
    AlignmentModel, Contrast, ContrastMode, FeatureBasedAlignment, GaussianBlur, Levels, MedianBlur, Preprocessor,
};
use crate::dialect::Dialect;
use crate::geometry::Size;
use crate::json::{Cursor, Fields, Unknown};

/// The v2 family's size of the image that a step works on.
const SHAPE: &str = "processingImageShape";

/// Reads `processingImageShape` where the dialect has it. The outer `None` is a problem, the inner one "not given".
fn processing_size(fields: &Fields<'_>, dialect: Dialect) -> Option<Option<Size>> {
    if dialect == Dialect::V1 {
        return Some(None);
    }
    optional(fields, SHAPE, values::shape)
}

/// Reads a key that may be absent. The outer `None` is a problem, the inner one "not given".
pub(super) fn optional<'d, T>(
    fields: &Fields<'d>,
    key: &str,
    read: impl FnOnce(&Cursor<'d>) -> Option<T>,
) -> Option<Option<T>> {
    match fields.get(key) {
        None => Some(None),
        Some(cursor) => read(&cursor).map(Some),
    }
}

/// Reads a key that may be absent and then is `default`.
pub(super) fn or<'d, T>(
    fields: &Fields<'d>,
    key: &str,
    default: T,
    read: impl FnOnce(&Cursor<'d>) -> Option<T>,
) -> Option<T> {
    optional(fields, key, read).map(|value| value.unwrap_or(default))
}

/// Checks a key that may be absent and whose value nothing uses.
pub(super) fn check<'d, T>(fields: &Fields<'d>, key: &str, read: impl FnOnce(&Cursor<'d>) -> Option<T>) {
    if let Some(cursor) = fields.get(key) {
        read(&cursor);
    }
}

/// Closes an options object whose unknown keys OMRChecker refuses.
fn close(fields: Fields<'_>, dialect: Dialect, own: &[&str]) {
    let mut known = own.to_vec();
    if dialect != Dialect::V1 {
        known.push(SHAPE);
    }
    fields.finish(Unknown::Refuse, &known);
}

/// GaussianBlur. A kernel side of 0 with a sigma is computed from it: six sigmas, and the pixel in the middle.
pub(super) fn gaussian_blur(options: &Cursor<'_>, dialect: Dialect) -> Option<Preprocessor> {
    const MAX_SIGMA: f64 = 150.0;
    let fields = options.object()?;
    let sigma = or(&fields, "sigmaX", 0.0, |c| c.number(-MAX_SIGMA, MAX_SIGMA)).map(|s| s.trunc().max(0.0));
    let kernel = or(&fields, "kSize", (3, 3), |c| {
        let [width, height] = c.tuple::<2>("`[width, height]`, odd whole pixels")?;
        let (width, height) = (kernel_side(&width, sigma), kernel_side(&height, sigma));
        Some((width?, height?))
    });
    let processing_size = processing_size(&fields, dialect);
    close(fields, dialect, &["kSize", "sigmaX"]);
    let options = GaussianBlur { kernel: kernel?, sigma: sigma?, processing_size: processing_size? };
    Some(Preprocessor::GaussianBlur(options))
}

fn kernel_side(cursor: &Cursor<'_>, sigma: Option<f64>) -> Option<u32> {
    let size = cursor.integer(0, 999)? as u32;
    match (size, sigma) {
        (0, Some(sigma)) if sigma > 0.0 => Some((6.0 * sigma + 1.0) as u32 | 1),
        (0, _) => {
            cursor.error_with_hint("found `0`, expected an odd size", "`0` needs a `sigmaX` of 1 or more");
            None
        }
        _ => values::odd(cursor, size),
    }
}

/// MedianBlur.
pub(super) fn median_blur(options: &Cursor<'_>, dialect: Dialect) -> Option<Preprocessor> {
    let fields = options.object()?;
    let kernel = or(&fields, "kSize", 5, values::odd_size);
    let processing_size = processing_size(&fields, dialect);
    close(fields, dialect, &["kSize"]);
    Some(Preprocessor::MedianBlur(MedianBlur { kernel: kernel?, processing_size: processing_size? }))
}

/// Levels. OMRChecker divides by gamma, so it may not be 0.
pub(super) fn levels(options: &Cursor<'_>, dialect: Dialect) -> Option<Preprocessor> {
    let fields = options.object()?;
    let low = or(&fields, "low", 0.0, |c| c.number(0.0, 1.0));
    let high = or(&fields, "high", 1.0, |c| c.number(0.0, 1.0));
    let gamma = or(&fields, "gamma", 1.0, |c| match c.number(0.0, 1.0)? {
        0.0 => c.expected("a number above 0, up to 1"),
        gamma => Some(gamma),
    });
    let processing_size = processing_size(&fields, dialect);
    close(fields, dialect, &["low", "high", "gamma"]);
    let options = Levels { low: low?, high: high?, gamma: gamma?, processing_size: processing_size? };
    Some(Preprocessor::Levels(options))
}

/// Contrast, which only the v2 family has.
pub(super) fn contrast(options: &Cursor<'_>, dialect: Dialect) -> Option<Preprocessor> {
    /// Far beyond what leaves anything but black and white.
    const MAX: f64 = 1000.0;
    let fields = options.object()?;
    let auto = or(&fields, "mode", false, |c| c.choice(&[("manual", false), ("auto", true)]));
    let alpha = or(&fields, "alpha", 1.75, |c| c.number(-MAX, MAX));
    let beta = or(&fields, "beta", 0.0, |c| c.number(-MAX, MAX));
    let clip_percentage = or(&fields, "clipPercentage", 1.0, |c| c.number(0.0, 100.0));
    let processing_size = processing_size(&fields, dialect);
    close(fields, dialect, &["mode", "alpha", "beta", "clipPercentage"]);
    let mode = match auto? {
        true => ContrastMode::Auto { clip_percentage: clip_percentage? },
        false => ContrastMode::Manual { alpha: alpha?, beta: beta? },
    };
    Some(Preprocessor::Contrast(Contrast { mode, processing_size: processing_size? }))
}

/// FeatureBasedAlignment. What tunes OMRChecker's matching is checked, and has no counterpart here.
pub(super) fn feature_based_alignment(options: &Cursor<'_>, dialect: Dialect) -> Option<Preprocessor> {
    const MAX_FEATURES: i64 = 1_000_000;
    let fields = options.object()?;
    let reference = fields.require("reference").and_then(|c| values::asset(&c));
    check(&fields, "maxFeatures", |c| c.integer(1, MAX_FEATURES));
    check(&fields, "goodMatchPercent", |c| c.number(0.0, 1.0));
    let is_affine = or(&fields, "2d", dialect != Dialect::V1, Cursor::bool);
    let processing_size = processing_size(&fields, dialect);
    let mut known = vec!["reference", "maxFeatures", "goodMatchPercent", "2d"];
    if dialect != Dialect::V1 {
        known.push("matcherType");
        check(&fields, "matcherType", |c| c.choice(&[("BRUTEFORCE_HAMMING", ()), ("NORM_HAMMING", ())]));
    }
    close(fields, dialect, &known);
    let model = if is_affine? { AlignmentModel::Affine } else { AlignmentModel::Homography };
    let options = FeatureBasedAlignment { reference: reference?, model, processing_size: processing_size? };
    Some(Preprocessor::FeatureBasedAlignment(options))
}
