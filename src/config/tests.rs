//! Every rule of a config with the message that tells it.

use super::*;

const EXAMPLE: &str = include_str!("../../config.example.json");

fn load(text: &str) -> Result<(Config, Vec<Problem>), DocumentError> {
    Config::read(&Document::parse(Path::new("config.json"), text.to_owned()).unwrap())
}

#[test]
fn the_example_is_the_default() {
    let (config, warnings) = load(EXAMPLE).unwrap();
    assert_eq!(warnings, []);
    assert_eq!(config, Config { max_parallel_workers: Some(4), ..Config::default() });
}

#[test]
fn the_example_has_every_key_of_the_shape() {
    let document = Document::parse(Path::new("config.example.json"), EXAMPLE.to_owned()).unwrap();
    let root = document.root();
    assert_eq!(root.keys().collect::<Vec<_>>(), v1::KEYS.map(|(group, _)| group));
    for (group, keys) in v1::KEYS {
        assert_eq!(root.get(group).unwrap().keys().collect::<Vec<_>>(), keys, "{group}");
    }
}

#[test]
fn every_key_is_documented() {
    let page = include_str!("../../docs/config.md");
    assert!(page.contains("`reader`"));
    let v1 = v1::KEYS.iter().flat_map(|(_, keys)| keys.iter());
    for key in v1.chain(&v2::THRESHOLDING).chain(&v2::OUTPUTS) {
        assert!(page.contains(&format!("`{key}`")) || page.contains(&format!(".{key}`")), "{key}");
    }
}

#[test]
fn the_dialects_mean_the_same() {
    let v1 = r#"{
        "threshold_params": {"GAMMA_LOW": 0.5, "MIN_GAP": 20, "MIN_JUMP": 40, "CONFIDENT_SURPLUS": 7,
            "PAGE_TYPE_FOR_THRESHOLD": "black"},
        "dimensions": {"display_height": 800, "display_width": 600},
        "outputs": {"show_image_level": 1, "save_image_level": 2, "save_detections": false,
            "filter_out_multimarked_files": true, "max_parallel_workers": 3}}"#;
    let v2_dev = r#"{
        "thresholding": {"GAMMA_LOW": 0.5, "MIN_GAP_TWO_BUBBLES": 20, "MIN_JUMP": 40,
            "MIN_JUMP_SURPLUS_FOR_GLOBAL_FALLBACK": 7, "GLOBAL_PAGE_THRESHOLD": 100},
        "outputs": {"show_image_level": 1, "save_image_level": 2, "save_detections": false,
            "filter_out_multimarked_files": true, "max_parallel_workers": 3,
            "display_image_dimensions": [800, 600]}}"#;
    let v2 = r#"{
        "thresholding": {"gammaLow": 0.5, "minGapTwoBubbles": 20, "minJump": 40,
            "minJumpSurplusForGlobalFallback": 7, "globalPageThreshold": 100},
        "outputs": {"showImageLevel": 1, "saveImageLevel": 2, "saveDetections": false,
            "filterOutMultimarkedFiles": true, "displayImageDimensions": [800, 600]},
        "processing": {"maxParallelWorkers": 3}}"#;
    let (want, _) = load(v1).unwrap();
    assert_eq!(want.thresholds.page_threshold, 100.0);
    assert_eq!(want.display_size, Size::new(600, 800));
    assert_eq!(want.max_parallel_workers, Some(3));
    assert_eq!(load(v2_dev).unwrap(), (Config { is_v2_dev: true, ..want.clone() }, vec![]));
    assert_eq!(load(v2).unwrap(), (want, vec![]));
}

#[test]
fn an_empty_object_is_the_default() {
    assert_eq!(load("{}").unwrap(), (Config::default(), vec![]));
    assert_eq!(load(r#"{"path": "x", "outputs": {}}"#).unwrap(), (Config::default(), vec![]));
}

#[test]
fn workers_are_read_in_every_place_and_spelling() {
    for v1 in ["", r#""dimensions": {}, "#] {
        for group in WORKER_GROUPS {
            for key in WORKER_KEYS {
                let text = format!(r#"{{{v1}"{group}": {{"{key}": 2}}}}"#);
                let (config, warnings) = load(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
                assert_eq!((config.max_parallel_workers, warnings), (Some(2), vec![]), "{text}");
            }
        }
    }
    let both = load(r#"{"outputs": {"max_parallel_workers": 2}, "processing": {"maxParallelWorkers": 2}}"#);
    assert_eq!(both.unwrap().0.max_parallel_workers, Some(2));
}

#[test]
fn auto_alignment_is_on_only_when_asked_for() {
    let params = |on: bool| load(&format!(r#"{{"alignment_params": {{"auto_align": {on}, "match_col": 7}}}}"#));
    assert_eq!(params(false).unwrap().0.auto_align, None);
    assert_eq!(params(true).unwrap().0.auto_align, Some(AutoAlign { match_columns: 7, ..AutoAlign::default() }));
}

#[test]
fn what_is_wrong_is_told() {
    for (text, message) in [
        ("[]", "found an array of 0, expected an object"),
        (r#"{"dimensions": null}"#, "`dimensions`: found `null`, expected an object"),
        (r#"{"dimensions": {"processing_width": 0}}"#, "found `0`, expected a whole number from 1 to 32767"),
        (r#"{"dimensions": {"processing_widht": 1}}"#, "did you mean `processing_width`?"),
        (r#"{"dimensions": {}, "thresholding": {}}"#, "the key `thresholding` is unknown"),
        (r#"{"threshold_params": {"GAMMA_LOW": 0}}"#, "expected a number above 0, up to 1"),
        (r#"{"threshold_params": {"MIN_JUMP": 9}}"#, "expected a whole number from 10 to 100"),
        (r#"{"threshold_params": {"MIN_JUMP": 25.5}}"#, "found `25.5`, expected a whole number"),
        (r#"{"threshold_params": {"MIN_GAP": true}}"#, "found `true`, expected a whole number"),
        (r#"{"threshold_params": {"CONFIDENT_SURPLUS": 21}}"#, "expected a whole number from 0 to 20"),
        (r#"{"threshold_params": {"JUMP_DELTA": 1}}"#, "expected a whole number from 10 to 100"),
        (r#"{"threshold_params": {"PAGE_TYPE_FOR_THRESHOLD": "grey"}}"#, "expected one of `white`, `black`"),
        (r#"{"alignment_params": {"max_steps": 0}}"#, "expected a whole number from 1 to 100"),
        (r#"{"alignment_params": {"stride": 11}}"#, "expected a whole number from 1 to 10"),
        (r#"{"alignment_params": {"auto_align": 1}}"#, "found `1`, expected `true` or `false`"),
        (r#"{"outputs": {"save_image_level": 7}}"#, "expected a whole number from 0 to 6"),
        (r#"{"outputs": {"save_detection": true}}"#, "did you mean `save_detections`?"),
        (r#"{"outputs": {"max_parallel_workers": 0}}"#, "found `0`, expected a whole number from 1 to 16"),
        (r#"{"outputs": {"maxParallelWorkers": 17}}"#, "found `17`, expected a whole number from 1 to 16"),
        (r#"{"processing": {"maxParallelWorkers": "4"}}"#, "found the string `4`, expected a whole number"),
        (r#"{"processing": {"workers": 4}}"#, "the key `workers` is unknown"),
        (
            r#"{"outputs": {"max_parallel_workers": 2}, "processing": {"maxParallelWorkers": 3}}"#,
            "the number of workers is stated elsewhere in this file, and differs",
        ),
        (r#"{"reader": "clasic"}"#, "did you mean `classic`?"),
        (r#"{"thresholding": {"minJump": 5}}"#, "expected a whole number from 10 to 100"),
        (r#"{"thresholding": {"MIN_JUMP": 5}}"#, "expected a whole number from 10 to 100"),
        (r#"{"thresholding": {"minJump": 20, "MIN_JUMP": 20}}"#, "the keys `minJump` and `MIN_JUMP` differ only"),
        (r#"{"thresholding": {"gammaLow": 0.0}}"#, "expected a number above 0, up to 1"),
        (r#"{"thresholding": {"globalPageThreshold": 256}}"#, "expected a whole number from 0 to 255"),
        (r#"{"thresholding": {"minJumpStd": 0}}"#, "expected a whole number from 1 to 50"),
        (r#"{"thresholding": {"globalPageThresholdStd": 61}}"#, "expected a whole number from 0 to 60"),
        (r#"{"thresholding": {"minjumpp": 20}}"#, "did you mean `minJump`?"),
        (r#"{"thresholding": {"jumpDelta": 0}}"#, "expected a whole number from 10 to 100"),
        (r#"{"outputs": {"outputMode": "csv"}}"#, "expected one of `default`, `moderation`, `setLayout`"),
        (r#"{"outputs": {"displayImageDimensions": [720]}}"#, "expected `[height, width]`"),
        (r#"{"outputs": {"showLogsByType": {"warn": true}}}"#, "the key `warn` is unknown"),
        (r#"{"outputs": {"showPreprocessorsDiff": 1}}"#, "expected `true`, `false` or an object"),
        (r#"{"outputs": {"fileGrouping": {"rules": [{}]}}}"#, "the key `priority` is missing"),
        (r#"{"outputs": {"fileGrouping": {"on": true}}}"#, "the key `on` is unknown"),
        (
            r#"{"outputs": {"fileGrouping": {"rules": [
                {"name": "a", "priority": 1, "destinationPattern": "x", "matcher": {"formatString": "a", "matchRegex": "b"}},
                {"name": "b", "priority": 1, "destination_pattern": "x", "matcher": {"formatString": "a", "matchRegex": "b"}}
            ]}}}"#,
            "the priority `1` belongs to an earlier rule",
        ),
        (r#"{"outputs": {"fileGrouping": {"defaultPattern": "a/../b"}}}"#, "leads out of `organized/`"),
        (r#"{"outputs": {"fileGrouping": {"defaultPattern": "/a"}}}"#, "leads out of `organized/`"),
        (r#"{"outputs": {"fileGrouping": {"defaultPattern": " "}}}"#, "expected a path such as"),
        (r#"{"outputs": {"fileGrouping": {"defaultPattern": "{a"}}}"#, "the brace `{` has no partner"),
        (
            r#"{"outputs": {"fileGrouping": {"rules": [
                {"name": "a", "priority": 1, "destinationPattern": "x", "matcher": {"formatString": "a", "matchRegex": "("}}
            ]}}}"#,
            "`outputs.fileGrouping.rules[0].matcher.matchRegex`: found `(`, which cannot be used",
        ),
        (
            r#"{"outputs": {"fileGrouping": {"rules": [
                {"name": "a", "priority": 1, "destinationPattern": "x", "action": "move",
                 "matcher": {"formatString": "a", "matchRegex": ""}}
            ]}}}"#,
            "expected one of `symlink`, `copy`",
        ),
        (r#"{"ml": {"fusionStrategy": "best"}}"#, "expected one of `confidence_weighted`"),
        (r#"{"ml": {"confidenceThreshold": 2}}"#, "expected a number from 0 to 1"),
        (r#"{"ml": {"shiftDetection": {"enable": true}}}"#, "did you mean `enabled`?"),
        (r#"{"path": 1}"#, "`path`: found `1`, expected a string"),
        (r#"{"ml": {}, "alignment": {"enabled": false}}"#, "the key `alignment` is unknown"),
    ] {
        match load(text) {
            Ok((_, warnings)) => panic!("{text}: loads, with {warnings:?}"),
            Err(error) => {
                let told = error.to_string();
                assert!(told.contains(message), "{text}\n  wants: {message}\n  tells: {told}");
                assert_eq!(told.matches("config.json:").count(), 1 + usize::from(text.contains("[{}]")) * 3, "{told}");
            }
        }
    }
}

#[test]
fn modes_and_grouping() {
    let outputs = |members: &str| load(&format!(r#"{{"outputs": {{{members}}}}}"#)).unwrap().0.outputs;
    assert_eq!(outputs(r#""outputMode": "moderation""#).mode, Some(OutputMode::Moderation));
    assert_eq!(outputs(r#""output_mode": "default""#).mode, Some(OutputMode::Default));
    assert_eq!(outputs("").mode, None);
    let rule = |name: &str, priority| {
        format!(
            r#"{{"name": "{name}", "priority": {priority}, "destinationPattern": "{{roll}}", "action": "copy",
                "matcher": {{"formatString": "{{q1}}", "matchRegex": "A"}}, "collisionStrategy": "increment"}}"#
        )
    };
    let rules = format!(r#""rules": [{}, {}]"#, rule("b", 7), rule("a", 0));
    assert_eq!(outputs(&format!(r#""fileGrouping": {{{rules}}}"#)).grouping, None, "it is not enabled");
    let grouping = outputs(&format!(r#""fileGrouping": {{"enabled": true, {rules}}}"#)).grouping.unwrap();
    assert_eq!(grouping.rules.iter().map(|rule| rule.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!((grouping.rules[0].action, grouping.rules[0].collision), (GroupingAction::Copy, Collision::Increment));
    assert_eq!(grouping.default_pattern.names().collect::<Vec<_>>(), ["original_name"]);
}

#[test]
fn what_is_asked_for_and_not_done_yet_is_told() {
    for (text, place) in [
        (r#"{"outputs": {"saveImageMetrics": true}}"#, "outputs.saveImageMetrics"),
        (r#"{"outputs": {"show_confidence_metrics": true}}"#, "outputs.show_confidence_metrics"),
        (r#"{"outputs": {"showPreprocessorsDiff": true}}"#, "outputs.showPreprocessorsDiff"),
        (r#"{"outputs": {"showPreprocessorsDiff": {"Levels": true}}}"#, "outputs.showPreprocessorsDiff.Levels"),
        (r#"{"outputs": {"outputMode": "setLayout", "saveDetections": true}}"#, "outputs.outputMode"),
        (r#"{"ml": {"enabled": true}}"#, "ml.enabled"),
    ] {
        let (_, warnings) = load(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(warnings.iter().map(|w| w.key.as_str()).collect::<Vec<_>>(), [place]);
        let off = text.replace("true", "false").replace("setLayout", "default");
        assert_eq!(load(&off).unwrap().1, []);
    }
}
