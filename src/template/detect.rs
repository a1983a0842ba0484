//! Whose template is it? The keys tell: `pageDimensions` is v1's, `templateDimensions` the v2 family's, and inside the
//! family the spelling of the tuning options parts the generations.

use crate::dialect::Dialect;
use crate::json::{Kind, Value};

/// The dialect of a template, by its keys. `beside_v2_dev`: the config that governs it is v2-dev's, which counts where
/// the keys do not part v2-dev from v2.
pub(super) fn dialect(root: &Value, beside_v2_dev: bool) -> Dialect {
    match is_v1(root) {
        true => Dialect::V1,
        false => family_member(root, beside_v2_dev),
    }
}

fn is_v1(root: &Value) -> bool {
    if root.get("pageDimensions").is_some() {
        return true;
    }
    if root.get("templateDimensions").is_some() {
        return false;
    }
    let blocks = || root.get("fieldBlocks").map(members).unwrap_or_default();
    if blocks().iter().any(|block| block.get("fieldDetectionType").is_some()) {
        return false;
    }
    let listed = root.get("outputColumns").is_some_and(|columns| matches!(columns.kind, Kind::Array(_)));
    listed || !blocks().is_empty()
}

/// v2-dev or v2; v2 when nothing tells them apart, or when both are told.
fn family_member(root: &Value, beside_v2_dev: bool) -> Dialect {
    let steps = root.get("preProcessors").map(members).unwrap_or_default();
    let options: Vec<&Value> = steps.iter().filter_map(|step| step.get("options")).collect();
    let tuning = || options.iter().filter_map(|o| o.get("tuningOptions")).flat_map(Value::keys);
    let older = options.iter().any(|o| o.get("enableCropping").is_some()) || tuning().any(|key| key.contains('_'));
    let newer = options.iter().any(|o| o.get("croppingEnabled").is_some() || is_l_markers(o))
        || tuning().any(|key| {
            ["markerRescaleRange", "markerRescaleSteps", "minMatchingThreshold", "applyErodeSubtract"].contains(&key)
                || key.starts_with("croppingUse")
        });
    match (older || beside_v2_dev) && !newer {
        true => Dialect::V2Dev,
        false => Dialect::V2,
    }
}

fn is_l_markers(options: &Value) -> bool {
    options.get("type").is_some_and(|t| matches!(&t.kind, Kind::String(name) if name == "L_MARKERS"))
}

/// The values directly below an object or an array.
fn members(value: &Value) -> Vec<&Value> {
    match &value.kind {
        Kind::Object(members) => members.iter().map(|m| &m.value).collect(),
        Kind::Array(items) => items.iter().collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::json::Document;

    #[test]
    fn keys_tell_the_dialect() {
        let step = |options: &str| {
            format!(r#"{{"templateDimensions": [1, 1], "preProcessors": [{{"name": "x", "options": {options}}}]}}"#)
        };
        for (text, want) in [
            (r#"{"pageDimensions": [1, 1]}"#.to_owned(), Dialect::V1),
            (r#"{"outputColumns": []}"#.to_owned(), Dialect::V1),
            (r#"{"fieldBlocks": {"a": {"fieldType": "QTYPE_INT"}}}"#.to_owned(), Dialect::V1),
            (r#"{"fieldBlocks": {"a": {}}}"#.to_owned(), Dialect::V1),
            (r#"{"fieldBlocks": {"a": {"fieldDetectionType": "OCR"}}}"#.to_owned(), Dialect::V2),
            (r#"{"templateDimensions": [1, 1]}"#.to_owned(), Dialect::V2),
            ("{}".to_owned(), Dialect::V2),
            ("[]".to_owned(), Dialect::V2),
            (step(r#"{"tuningOptions": {"marker_rescale_range": []}}"#), Dialect::V2Dev),
            (step(r#"{"enableCropping": true}"#), Dialect::V2Dev),
            (step(r#"{"enableCropping": true, "croppingEnabled": true}"#), Dialect::V2),
            (step(r#"{"tuningOptions": {"markerRescaleRange": []}}"#), Dialect::V2),
            (step(r#"{"type": "L_MARKERS"}"#), Dialect::V2),
        ] {
            let document = Document::parse(Path::new("t.json"), text.clone()).unwrap();
            assert_eq!(dialect(document.root(), false), want, "{text}");
        }
    }
}
