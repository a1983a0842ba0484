//! The shape of `outputsConfiguration`. What it does not state stays as it is in the outputs it is read over: those of
//! the evaluation for a set, the defaults for the evaluation.

use image::Rgba;

use super::{is_null, read_format_of, spelling::Spelling};
use crate::dialect::Dialect;
use crate::evaluation::colors;
use crate::evaluation::outputs::{DrawnText, DrawnVerdicts, Outputs, SymbolColors, VerdictColors};
use crate::json::{Cursor, Fields, Unknown};

/// No page is larger.
const MAX_PIXEL: i64 = 100_000;

pub(super) fn read(cursor: &Cursor<'_>, words: &Spelling, base: &Outputs) -> Option<Outputs> {
    let fields = cursor.object()?;
    let flag = |key, default| fields.get(key).map_or(Some(default), |c| c.bool());
    let explain = flag(words.explain, base.explain);
    let export_csv = flag(words.export, base.export_csv);
    let text = |key, format_key, names: &[&str], base: &DrawnText| match fields.get(key) {
        None => Some(base.clone()),
        Some(c) => read_text(&c, format_key, names, words.dialect, base),
    };
    let score = text(words.score, words.score_format, &["score"], &base.score);
    let summary = text(words.summary, words.summary_format, &["correct", "incorrect", "unmarked"], &base.summary);
    let verdicts = match fields.get(words.verdicts) {
        None => Some(base.verdicts.clone()),
        Some(c) => read_verdicts(&c, words, &base.verdicts),
    };
    let bubble_texts = match fields.get(words.bubble_texts) {
        None => Some(base.bubble_texts),
        Some(c) => c.object().and_then(|fields| {
            let enabled = fields.require("enabled").and_then(|c| c.bool());
            fields.finish(Unknown::Refuse, &["enabled"]);
            enabled
        }),
    };
    let known = [words.explain, words.export, words.score, words.summary, words.verdicts, words.bubble_texts];
    fields.finish(Unknown::Refuse, &known);
    Some(Outputs {
        explain: explain?,
        export_csv: export_csv?,
        score: score?,
        summary: summary?,
        verdicts: verdicts?,
        bubble_texts: bubble_texts?,
    })
}

fn read_text(
    cursor: &Cursor<'_>,
    format_key: &str,
    names: &[&str],
    dialect: Dialect,
    base: &DrawnText,
) -> Option<DrawnText> {
    let fields = cursor.object()?;
    let enabled = fields.require("enabled").and_then(|c| c.bool());
    let get = |key, required: bool| {
        let found = fields.get(key);
        if found.is_none() && required && enabled == Some(true) {
            cursor.error_with_hint(format!("the key `{key}` is missing"), "it is required when `enabled` is `true`");
        }
        found
    };
    let position = match get("position", true) {
        None => Some(base.position),
        Some(c) => read_position(&c),
    };
    let format = match get(format_key, dialect == Dialect::V2Dev) {
        None => Some(base.format.clone()),
        Some(c) => read_format_of(&c, names),
    };
    let size = fields.get("size").map_or(Some(base.size), |c| read_size(&c));
    fields.finish(Unknown::Refuse, &["enabled", "position", format_key, "size"]);
    Some(DrawnText { enabled: enabled?, position: position?, format: format?, size: size? })
}

fn read_position(cursor: &Cursor<'_>) -> Option<(i32, i32)> {
    let [x, y] = cursor.tuple("a position [x, y] in page pixels")?;
    let pixel = |c: &Cursor<'_>| c.integer(0, MAX_PIXEL).and_then(|n| i32::try_from(n).ok());
    let (x, y) = (pixel(&x), pixel(&y));
    Some((x?, y?))
}

fn read_size(cursor: &Cursor<'_>) -> Option<f64> {
    let size = cursor.number(0.0, 100.0)?;
    if size == 0.0 { cursor.expected("a number above 0") } else { Some(size) }
}

fn read_verdicts(cursor: &Cursor<'_>, words: &Spelling, base: &DrawnVerdicts) -> Option<DrawnVerdicts> {
    let fields = cursor.object()?;
    let enabled = fields.require("enabled").and_then(|c| c.bool());
    let get = |key| if enabled == Some(true) { fields.require(key) } else { fields.get(key) };
    let colors = match get(words.verdict_colors) {
        None => Some(base.colors),
        Some(c) => read_verdict_colors(&c),
    };
    let symbols = match get(words.symbol_colors) {
        None => Some(base.symbols),
        Some(c) => read_symbol_colors(&c),
    };
    let groups = match get(words.groups) {
        None => Some((base.groups, base.group_colors)),
        Some(c) => read_groups(&c, words, base),
    };
    fields.finish(Unknown::Refuse, &["enabled", words.verdict_colors, words.symbol_colors, words.groups]);
    let (groups, group_colors) = groups?;
    Some(DrawnVerdicts { enabled: enabled?, colors: colors?, symbols: symbols?, groups, group_colors })
}

fn read_verdict_colors(cursor: &Cursor<'_>) -> Option<VerdictColors> {
    let fields = cursor.object()?;
    let color = |key| required_color(&fields, key);
    let neutral = fields.require("neutral");
    let neutral = neutral.and_then(|c| if is_null(&c) { Some(None) } else { colors::read(&c).map(Some) });
    let (correct, incorrect, bonus) = (color("correct"), color("incorrect"), color("bonus"));
    fields.finish(Unknown::Refuse, &["correct", "neutral", "incorrect", "bonus"]);
    Some(VerdictColors { correct: correct?, neutral: neutral?, incorrect: incorrect?, bonus: bonus? })
}

fn read_symbol_colors(cursor: &Cursor<'_>) -> Option<SymbolColors> {
    const KEYS: [&str; 4] = ["positive", "neutral", "negative", "bonus"];
    let fields = cursor.object()?;
    let [positive, neutral, negative, bonus] = KEYS.map(|key| required_color(&fields, key));
    fields.finish(Unknown::Refuse, &KEYS);
    Some(SymbolColors { positive: positive?, neutral: neutral?, negative: negative?, bonus: bonus? })
}

fn required_color(fields: &Fields<'_>, key: &str) -> Option<Rgba<u8>> {
    fields.require(key).and_then(|c| colors::read(&c))
}

fn read_groups(cursor: &Cursor<'_>, words: &Spelling, base: &DrawnVerdicts) -> Option<(bool, [Rgba<u8>; 4])> {
    let fields = cursor.object()?;
    let enabled = fields.get("enabled").map_or(Some(base.groups), |c| c.bool());
    let sequence = match fields.get(words.group_colors) {
        None => Some(base.group_colors),
        Some(c) => c.tuple::<4>("four colours").and_then(|places| {
            let [a, b, c, d] = places.map(|place| colors::read(&place));
            Some([a?, b?, c?, d?])
        }),
    };
    fields.finish(Unknown::Refuse, &["enabled", words.group_colors]);
    Some((enabled?, sequence?))
}
