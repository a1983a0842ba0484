//! Every rule of a template with the message that tells it.

use std::path::{Path, PathBuf};

use super::*;

fn load(text: &str) -> Result<(Template, Vec<Problem>), DocumentError> {
    Template::read(&Document::parse(Path::new("in/template.json"), text.to_owned()).unwrap(), &Config::default())
}

/// A v1 template of three questions, with `more` members at the top.
fn v1(more: &str) -> String {
    v1_with(V1_BLOCK, more)
}

const V1_BLOCK: &str =
    r#""origin": [10, 20], "bubblesGap": 20, "labelsGap": 30, "fieldLabels": ["q1..3"], "fieldType": "QTYPE_MCQ4""#;

/// A v1 template with one block of these members.
fn v1_with(block: &str, more: &str) -> String {
    format!(
        r#"{{"pageDimensions": [300, 200], "bubbleDimensions": [10, 12], "fieldBlocks": {{"A": {{{block}}}}}{}{more}}}"#,
        if more.is_empty() { "" } else { ", " }
    )
}

fn v1_step(name: &str, options: &str) -> String {
    v1(&format!(r#""preProcessors": [{{"name": "{name}", "options": {{{options}}}}}]"#))
}

const V2_BLOCK: &str = r#""fieldDetectionType": "BUBBLES_THRESHOLD", "origin": [10, 20], "bubblesGap": 20,
    "labelsGap": 30, "fieldLabels": ["q1..3"], "bubbleFieldType": "QTYPE_MCQ4""#;

fn v2_full(block: &str, steps: &str, more: &str) -> String {
    format!(
        r#"{{"templateDimensions": [300, 200], "bubbleDimensions": [10, 12], "preProcessors": [{steps}],
            "fieldBlocks": {{"A": {{{block}}}}}{}{more}}}"#,
        if more.is_empty() { "" } else { ", " }
    )
}

fn v2(more: &str) -> String {
    v2_full(V2_BLOCK, "", more)
}

fn v2_with(block: &str) -> String {
    v2_full(block, "", "")
}

fn v2_step(name: &str, options: &str) -> String {
    v2_full(V2_BLOCK, &format!(r#"{{"name": "{name}", "options": {{{options}}}}}"#), "")
}

/// A FOUR_MARKERS step with these members besides the required ones.
fn four_markers(more: &str) -> String {
    let comma = if more.is_empty() { "" } else { ", " };
    v2_step(
        "CropOnMarkers",
        &format!(
            r#""type": "FOUR_MARKERS", "processingImageShape": [900, 650], "referenceImage": "m.jpg",
                "markerDimensions": [35, 40]{comma}{more}"#
        ),
    )
}

const ZONE: &str =
    r#"{"origin": [50, 60], "dimensions": [30, 30], "margins": {"top": 5, "right": 6, "bottom": 7, "left": 8}}"#;

fn two_lines(more: &str) -> String {
    v2_step(
        "CropOnMarkers",
        &format!(
            r#""type": "TWO_LINES", "processingImageShape": [900, 650], "leftLine": {ZONE}, "rightLine": {ZONE}{more}"#
        ),
    )
}

#[track_caller]
fn fails(table: &[(String, &str)]) {
    for (text, message) in table {
        match load(text) {
            Ok((_, warnings)) => panic!("{text}\n  loads, with {warnings:?}\n  wants: {message}"),
            Err(error) => {
                let told = error.to_string();
                assert!(told.contains(message), "{text}\n  wants: {message}\n  tells: {told}");
                assert_eq!(told.matches("in/template.json:").count(), 1, "one problem, told once: {text}\n{told}");
            }
        }
    }
}

#[track_caller]
fn warns(table: &[(String, &str)]) {
    for (text, message) in table {
        let (_, warnings) = load(text).unwrap_or_else(|error| panic!("{text}\n{error}"));
        let told = warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        assert_eq!(warnings.len(), 1, "{text}\n{told}");
        assert!(told.contains(message), "{text}\n  wants: {message}\n  tells: {told}");
    }
}

#[track_caller]
fn template(text: &str) -> Template {
    let (template, warnings) = load(text).unwrap_or_else(|error| panic!("{text}\n{error}"));
    assert_eq!(warnings, [], "{text}");
    template
}

/// The block members with one of them changed.
fn changed(block: &str, from: &str, to: &str) -> String {
    assert!(block.contains(from), "{from}");
    block.replace(from, to)
}

#[test]
fn v1_templates_become_the_model() {
    let template =
        template(&v1(r#""emptyValue": "-", "customLabels": {"all": ["q1..2"]}, "idColumn": "all", "preProcessors": [
            {"name": "CropPage", "options": {}},
            {"name": "CropOnMarkers", "options": {"relativePath": "./m.jpg", "sheetToMarkerWidthRatio": 17}},
            {"name": "GaussianBlur", "options": {"kSize": [0, 5], "sigmaX": 1.5}},
            {"name": "MedianBlur", "options": {}},
            {"name": "Levels", "options": {"low": 0.25}},
            {"name": "FeatureBasedAlignment", "options": {"reference": "r.png"}}]"#));
    assert_eq!(template.dialect, Dialect::V1);
    assert_eq!((template.page_size, template.processing_size), (Size::new(300, 200), None));
    let block = &template.blocks[0];
    assert_eq!(block.bounds, Rect::new(10, 20, 70, 72));
    assert_eq!((block.empty_value.as_str(), block.max_marks), ("-", None));
    assert_eq!(block.fields[2].label, "q3");
    assert_eq!(block.fields[2].bubbles[3], Bubble { x: 70, y: 80, value: "D".to_owned() });
    let columns: Vec<(&str, &[usize])> =
        template.columns.iter().map(|c| (c.name.as_str(), c.fields.as_slice())).collect();
    assert_eq!(columns, [("all", [0, 1].as_slice()), ("q3", &[2])]);
    assert_eq!(template.id_column.as_deref(), Some("all"));
    assert_eq!(template.asset_paths(), [Path::new("in/m.jpg"), Path::new("in/r.png")]);
    let [
        Preprocessor::CropPage(crop),
        Preprocessor::CropOnMarkers(markers),
        Preprocessor::GaussianBlur(blur),
        rest @ ..,
    ] = template.preprocessors.as_slice()
    else {
        panic!("{:?}", template.preprocessors)
    };
    assert_eq!((crop.polygon, crop.morph_kernel), (PagePolygon::OneTolerance, (10, 10)));
    assert_eq!((markers.rescale_range, markers.rescale_steps), ((35, 100), 10));
    // A side of 0 comes from sigma, which is cut to 1 before.
    assert_eq!((blur.kernel, blur.sigma), ((7, 5), 1.0));
    let [Preprocessor::MedianBlur(median), Preprocessor::Levels(levels), Preprocessor::FeatureBasedAlignment(align)] =
        rest
    else {
        panic!("{rest:?}")
    };
    assert_eq!((median.kernel, levels.low, levels.high, levels.gamma), (5, 0.25, 1.0, 1.0));
    assert_eq!((align.model, align.processing_size), (AlignmentModel::Homography, None));
}

#[test]
fn v1_blocks_may_change_a_type_and_write_whole_numbers_with_a_point() {
    let block = |more: &str| template(&v1_with(&format!("{V1_BLOCK}, {more}"), "")).blocks.remove(0);
    let values = |block: &FieldBlock| block.fields[0].bubbles.iter().map(|b| b.value.clone()).collect::<Vec<_>>();
    assert_eq!(values(&block(r#""bubbleValues": ["x", "yy"]"#)), ["x", "yy"]);
    assert_eq!(block(r#""direction": "vertical""#).fields[0].bubbles[1].y, 40);
    assert_eq!(block(r#""bubbleDimensions": [25.0, 5]"#).bubble_size, Size::new(25, 5));
    assert_eq!(block(r#""emptyValue": "?", "maxMarks": 2"#).max_marks, Some(2));
    let own = changed(V1_BLOCK, r#""fieldType": "QTYPE_MCQ4""#, r#""bubbleValues": ["A"], "direction": "horizontal""#);
    assert_eq!(values(&template(&v1_with(&own, "")).blocks[0]), ["A"]);
}

#[test]
fn v1_says_what_is_wrong() {
    let block = |from: &str, to: &str| v1_with(&changed(V1_BLOCK, from, to), "");
    let more = |more: &str| v1_with(&format!("{V1_BLOCK}, {more}"), "");
    fails(&[
        (r#"{"pageDimensions": [9, 9], "bubbleDimensions": [1, 1]}"#.to_owned(), "the key `fieldBlocks` is missing"),
        (v1("").replace("[300, 200]", "[300.5, 200]"), "`pageDimensions[0]`: found `300.5`, expected a whole number"),
        (v1("").replace("[300, 200]", "[300, 200, 1]"), "found an array of 3, expected `[width, height]`"),
        (v1("").replace("[300, 200]", "null"), "found `null`, expected `[width, height]`"),
        (v1("").replace("[10, 12]", "[0, 12]"), "found `0`, expected a whole number from 1 to 32767"),
        (v1("").replace("[10, 12]", "[25.5, 12]"), "found `25.5`, expected a whole number"),
        (v1(r#""emptyVal": """#), "did you mean `emptyValue`?"),
        (v1(r#""emptyValue": 0"#), "found `0`, expected a string"),
        (v1_with(&changed(V1_BLOCK, r#"["q1..3"]"#, "[]"), ""), "no field block has a field"),
        (block("[10, 20]", "[10.5, 20]"), "`fieldBlocks.A.origin[0]`: found `10.5`, expected a whole number"),
        (block("[10, 20]", "[-1, 20]"), "found `-1`, expected a whole number from 0"),
        (
            block("[10, 20]", "[230, 20]"),
            "spans 230 to 300 across and 20 to 92 down, expected it inside the 300×200 page",
        ),
        (block("[10, 20]", "[10, 128]"), "spans 10 to 80 across and 128 to 200 down"),
        (block(r#""labelsGap": 30"#, r#""labelsGap": -1"#), "found `-1`, expected a number from 0"),
        (block(r#", "labelsGap": 30"#, ""), "the key `labelsGap` is missing"),
        (block("q1..3", "q3..1"), "the range `q3..1` must end above its start: 3 is not less than 1"),
        (block("q1..3", "q1..1"), "must end above its start"),
        (block("q1..3", "1..3"), "found `1..3`, expected a name without dots or a range"),
        (block(r#""q1..3""#, r#""q1..3", "q2""#), "the label `q2` of `q2` is already in this list"),
        (block("QTYPE_MCQ4", "QTYPE_MCQ6"), "found `QTYPE_MCQ6`, expected one of `QTYPE_INT`"),
        (block(r#", "fieldType": "QTYPE_MCQ4""#, ""), "found neither `fieldType` nor `bubbleValues` and `direction`"),
        (
            block(r#""fieldType": "QTYPE_MCQ4""#, r#""bubbleValues": ["A"]"#),
            "`direction` is missing beside `bubbleValues`",
        ),
        (
            block(r#""fieldType": "QTYPE_MCQ4""#, r#""direction": "vertical""#),
            "`bubbleValues` is missing beside `direction`",
        ),
        (more(r#""bubbleValues": ["A"], "direction": "vertical""#), "expected two at most"),
        (more(r#""bubbleValues": []"#), "expected an array of one string or more"),
        (more(r#""bubbleValues": ["A", 1]"#), "`fieldBlocks.A.bubbleValues[1]`: found `1`, expected a string"),
        (more(r#""direction": "left""#), "expected one of `horizontal`, `vertical`"),
        (more(r#""bubbleDimensions": [25.5, 5]"#), "found `25.5`, expected a whole number"),
        (more(r#""maxMarks": 0"#), "found `0`, expected a whole number, 1 or more"),
        (more(r#""emptyValue": null"#), "found `null`, expected a string"),
        (v1(r#""customLabels": {"all": ["q1", "p4"]}"#), "`customLabels.all`: no field block defines `p4`"),
        (v1(r#""customLabels": {"a": ["q1"], "b": ["q1..2"]}"#), "`q1` is already part of another custom label"),
        (v1(r#""outputColumns": ["q1", "q9"]"#), "no field block defines `q9`"),
        (v1(r#""outputColumns": {"sortType": "CUSTOM"}"#), "found an object, expected an array"),
        (v1(r#""idColumn": "q11""#), "found `q11`, expected the name of an output column"),
        (v1(r#""customLabels": {"all": ["q1..2"]}, "idColumn": "q1""#), "expected the name of an output column"),
        (v1(r#""preProcessors": [{"options": {}}]"#), "the key `name` is missing"),
        (v1(r#""preProcessors": [{"name": "Levels"}]"#), "the key `options` is missing"),
        (v1_step("Contrast", ""), "found `Contrast`, expected one of `CropOnMarkers`"),
        (v1_step("CropPage", r#""morphKernel": [0, 10]"#), "found `0`, expected a whole number from 1"),
        (v1_step("CropPage", r#""morphKernels": [9, 9]"#), "did you mean `morphKernel`?"),
        (v1_step("GaussianBlur", r#""kSize": [3, 4]"#), "found `4`, expected an odd size"),
        (v1_step("GaussianBlur", r#""kSize": [3, 0]"#), "found `0`, expected an odd size"),
        (v1_step("GaussianBlur", r#""kSize": [3, 0], "sigmaX": 0.9"#), "found `0`, expected an odd size"),
        (v1_step("GaussianBlur", r#""processingImageShape": [1, 1]"#), "the key `processingImageShape` is unknown"),
        (v1_step("MedianBlur", r#""kSize": 4"#), "hint: write 3 or 5"),
        (v1_step("MedianBlur", r#""kSize": 0"#), "found `0`, expected a whole number from 1"),
        (v1_step("Levels", r#""gamma": 0"#), "found `0`, expected a number above 0, up to 1"),
        (v1_step("Levels", r#""high": 1.5"#), "found `1.5`, expected a number from 0 to 1"),
        (v1_step("CropOnMarkers", ""), "the key `relativePath` is missing"),
        (v1_step("CropOnMarkers", r#""relativePath": """#), "expected the path of a picture"),
        (v1_step("CropOnMarkers", r#""relativePath": "m", "type": "FOUR_DOTS""#), "the key `type` is unknown"),
        (
            v1_step("CropOnMarkers", r#""relativePath": "m", "sheetToMarkerWidthRatio": 0.5"#),
            "found `0.5`, expected a number from 1",
        ),
        (
            v1_step("CropOnMarkers", r#""relativePath": "m", "marker_rescale_range": [100, 35]"#),
            "from 100 to 35 percent",
        ),
        (v1_step("CropOnMarkers", r#""relativePath": "m", "marker_rescale_steps": 66"#), "expected a percent for each"),
        (
            v1_step("CropOnMarkers", r#""relativePath": "m", "marker_rescale_steps": 0"#),
            "found `0`, expected a number from 1",
        ),
        (
            v1_step("CropOnMarkers", r#""relativePath": "m", "min_matching_threshold": 30"#),
            "expected a number from 0 to 1",
        ),
        (v1_step("CropOnMarkers", r#""relativePath": "m", "apply_erode_subtract": 1"#), "expected `true` or `false`"),
        (v1_step("FeatureBasedAlignment", ""), "the key `reference` is missing"),
        (v1_step("FeatureBasedAlignment", r#""reference": "r", "maxFeatures": "9""#), "expected a whole number from 1"),
        (
            v1_step("FeatureBasedAlignment", r#""reference": "r", "matcherType": "x""#),
            "the key `matcherType` is unknown",
        ),
    ]);
}

#[test]
fn labels_belong_to_one_block() {
    for (text, block) in [(v1(""), V1_BLOCK), (v2(""), V2_BLOCK)] {
        let second = changed(block, "q1..3", "q3..4").replace("[10, 20]", "[100, 20]");
        let text = text.replacen("}}", &format!("}}, \"B\": {{{second}}}}}"), 1);
        fails(&[(text, "the label `q3` of the field block `B` belongs to an earlier field block")]);
    }
}

#[test]
fn v1_warns_where_omrchecker_ignores() {
    warns(&[
        (
            v1_with(&format!(r#"{V1_BLOCK}, "emptyVal": "x""#), ""),
            "the key `emptyVal` is unknown and ignored\n  hint: did you mean `emptyValue`?",
        ),
        (
            v1(r#""preProcessors": [{"name": "Levels", "options": {}, "comment": 1}]"#),
            "the key `comment` is unknown and ignored",
        ),
        (v1(r#""outputColumns": ["q2", "q1"]"#), "no column is listed for it: `q3`"),
        (
            v1(r#""customLabels": {"q3": ["q1"]}"#),
            "the custom label `q3` has the name of a field that is not part of it",
        ),
    ]);
}

#[test]
fn an_output_column_may_be_a_field_that_a_custom_label_joins() {
    let template = template(&v1(r#""customLabels": {"all": ["q1..3"]}, "outputColumns": ["all", "q2"]"#));
    assert_eq!(template.columns[1], Column { name: "q2".to_owned(), fields: vec![1] });
}

#[test]
fn v2_templates_become_the_model() {
    let template = template(&v2_full(
        &changed(V2_BLOCK, "QTYPE_MCQ4", "CUSTOM_AB"),
        r#"{"name": "CropPage", "options": {"morphKernel": [15, 1], "useColoredCanny": true, "maxPointsPerEdge": [3, 3],
                "processingImageShape": [9, 9], "tuningOptions": {"warpMethod": "PERSPECTIVE_TRANSFORM"}}},
            {"name": "Contrast", "options": {"mode": "auto", "clipPercentage": 2}},
            {"name": "Contrast", "options": {"alpha": 2}},
            {"name": "Levels", "options": {"processingImageShape": [900, 650]}},
            {"name": "AutoRotate", "options": {"referenceImage": "a.png", "threshold": {"value": 0.5, "passthrough": true}}}"#,
        r#""customBubbleFieldTypes": {"CUSTOM_AB": {"bubbleValues": ["A", "B"], "direction": "vertical"}},
            "fieldBlocksOffset": [-5, 2], "outputImageShape": [400, 300], "output": false, "sortFiles": {"enabled": false},
            "alignment": {"referenceImage": "ref.png", "maxDisplacement": 10},
            "outputColumns": {"sortType": "ALPHABETICAL", "sortOrder": "DESC"}"#,
    ));
    assert_eq!(template.dialect, Dialect::V2);
    assert_eq!(template.processing_size, Some(Size::new(650, 900)));
    assert_eq!(template.output_size, Some(Size::new(300, 400)));
    assert_eq!(template.blocks[0].bounds, Rect::new(5, 22, 70, 32));
    assert_eq!(template.blocks[0].fields[1].bubbles[1], Bubble { x: 35, y: 42, value: "B".to_owned() });
    assert_eq!(template.columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["q3", "q2", "q1"]);
    assert_eq!(template.alignment_reference.as_deref(), Some(Path::new("in/ref.png")));
    assert_eq!(template.asset_paths(), [Path::new("in/ref.png"), Path::new("in/a.png")]);
    let [Preprocessor::CropPage(crop), Preprocessor::Contrast(auto), Preprocessor::Contrast(manual), ..] =
        template.preprocessors.as_slice()
    else {
        panic!("{:?}", template.preprocessors)
    };
    assert_eq!((crop.polygon, crop.morph_kernel, crop.colored_canny), (PagePolygon::Ladder, (1, 1), true));
    assert_eq!(auto.mode, ContrastMode::Auto { clip_percentage: 2.0 });
    assert_eq!(manual.mode, ContrastMode::Manual { alpha: 2.0, beta: 0.0 });
    let Preprocessor::Levels(levels) = template.preprocessors[3] else { panic!("levels") };
    assert_eq!(levels.processing_size, Some(Size::new(650, 900)));
}

fn markers_of(template: &Template) -> &CropOnMarkers {
    match template.preprocessors.as_slice() {
        [Preprocessor::CropOnMarkers(options)] => options,
        other => panic!("{other:?}"),
    }
}

fn zones_of(template: &Template) -> &MarkerZones {
    match &markers_of(template).search {
        MarkerSearch::Zones(zones) => zones,
        other => panic!("{other:?}"),
    }
}

/// The picture, size and point of a marker.
fn picture_of(zone: &MarkerZone) -> (&Path, Size, MarkerAnchor) {
    match &zone.mark {
        Mark::Picture { reference, size, anchor } => (reference, *size, *anchor),
        other => panic!("{other:?}"),
    }
}

#[test]
fn four_markers_take_zones_from_keys_and_scan_zones() {
    let scan = |preset: &str, own: &str| format!(r#"{{"zonePreset": "{preset}", "zoneDescription": {ZONE}{own}}}"#);
    let text = four_markers(&format!(
        r#""defaultSelector": "INNER_WIDTHS", "tuningOptions": {{"warpMethod": "HOMOGRAPHY"}},
            "topLeftMarker": {}, "scanZones": [{}, {}]"#,
        ZONE.replace(r#"[50, 60]"#, r#"[51, 61]"#).replacen('{', r#"{"selector": "SELECT_CENTER", "#, 1),
        scan("topLeftMarker", ""),
        scan("bottomRightMarker", r#", "customOptions": {"referenceImage": "b.jpg", "markerDimensions": [5, 6]}"#),
    ));
    let template = template(&text);
    let [tl, tr, br, bl] = zones_of(&template).zones.as_slice() else { panic!("four zones") };
    assert_eq!(zones_of(&template).warp.method, WarpMethod::Homography);
    assert_eq!((tl.origin, picture_of(tl).2), (Some((51, 61)), MarkerAnchor::Center));
    assert_eq!(tl.margins, Some(Margins { top: 5, right: 6, bottom: 7, left: 8 }));
    assert_eq!(tr.origin, None);
    assert_eq!(picture_of(tr), (Path::new("in/m.jpg"), Size::new(35, 40), MarkerAnchor::TopLeft));
    assert_eq!(br.origin, Some((50, 60)));
    assert_eq!(picture_of(br), (Path::new("in/b.jpg"), Size::new(5, 6), MarkerAnchor::BottomLeft));
    assert_eq!(picture_of(bl), (Path::new("in/m.jpg"), Size::new(35, 40), MarkerAnchor::BottomRight));
    assert_eq!((markers_of(&template).rescale_range, markers_of(&template).rescale_steps), ((85, 115), 5));
}

#[test]
fn tuning_options_are_read_in_both_spellings_and_tell_the_dialect() {
    let snake = template(&four_markers(
        r#""tuningOptions": {"marker_rescale_range": [80, 120], "apply_erode_subtract": false}"#,
    ));
    let camel =
        template(&four_markers(r#""tuningOptions": {"markerRescaleRange": [80, 120], "applyErodeSubtract": false}"#));
    assert_eq!((snake.dialect, camel.dialect), (Dialect::V2Dev, Dialect::V2));
    assert_eq!(markers_of(&snake), markers_of(&camel));
    assert_eq!(markers_of(&snake).rescale_range, (80, 120));
}

#[test]
fn dots_and_lines_take_tuning_selectors_and_further_zones() {
    let described = |more: &str| ZONE.replacen('{', &format!("{{{more}, "), 1);
    let extra = format!(
        r#", "tuningOptions": {{"dotThreshold": 120, "lineKernel": [5, 80], "warpMethod": "REMAP_GRIDDATA",
            "warpMethodFlag": "INTER_CUBIC"}}, "enableCropping": false,
            "scanZones": [{{"zonePreset": "topLeftDot", "zoneDescription": {},
                "customOptions": {{"dotKernel": [3, 4]}}}},
            {{"zonePreset": "CUSTOM", "zoneDescription": {}}}]"#,
        described(r#""label": "stamp", "selector": "SELECT_TOP_LEFT""#),
        described(r#""label": "rule", "scannerType": "PATCH_LINE", "maxPoints": 1"#),
    );
    let text = two_lines(&extra).replace(
        &format!(r#""rightLine": {ZONE}"#),
        &format!(r#""rightLine": {}"#, described(r#""selector": "LINE_INNER_EDGE""#)),
    );
    let template = template(&text);
    let MarkerZones { zones, warp, cropping, .. } = zones_of(&template);
    assert_eq!(*warp, PageWarp { method: WarpMethod::Remap, interpolation: Interpolation::Cubic });
    assert!(!cropping);
    let places: Vec<_> = zones.iter().map(|zone| (zone.label.as_str(), zone.place)).collect();
    use MarkerPlace::{Extra, Side as OfSide};
    let expected =
        [("leftLine", OfSide(Side::Left)), ("rightLine", OfSide(Side::Right)), ("stamp", Extra), ("rule", Extra)];
    assert_eq!(places, expected);
    let line = BlobTuning { kernel: (5, 80), threshold: 180.0, blur: None };
    let mark = |side, edge, max_points| Mark::Line { side, edge, tuning: line, max_points };
    assert_eq!(zones[0].mark, mark(Side::Left, LineEdge::Outer, None));
    assert_eq!(zones[1].mark, mark(Side::Right, LineEdge::Inner, None));
    let dot = BlobTuning { kernel: (3, 4), threshold: 120.0, blur: None };
    assert_eq!(zones[2].mark, Mark::Dot { anchor: MarkerAnchor::TopLeft, tuning: dot });
    // As far left as right of the middle, 65 of 650: the left side. Both ends are always taken.
    assert_eq!(zones[3].mark, mark(Side::Left, LineEdge::Outer, Some(2)));
}

#[test]
fn every_type_has_its_zones() {
    let of = |name: &str, zones: &[&str]| {
        let zones: Vec<String> = zones.iter().map(|zone| format!(r#", "{zone}": {ZONE}"#)).collect();
        let options = format!(r#""type": "{name}", "processingImageShape": [900, 650]{}"#, zones.concat());
        let template = template(&v2_step("CropOnMarkers", &options));
        (zones_of(&template).zones.len(), zones_of(&template).warp.method)
    };
    let p = WarpMethod::Perspective;
    assert_eq!(of("TWO_LINES", &["rightLine", "leftLine"]), (2, p));
    assert_eq!(of("TWO_LINES_HORIZONTAL", &["topLine", "bottomLine"]), (2, p));
    assert_eq!(of("ONE_LINE_TWO_DOTS", &["leftLine", "topRightDot", "bottomRightDot"]), (3, p));
    assert_eq!(of("TWO_DOTS_ONE_LINE", &["rightLine", "topLeftDot", "bottomLeftDot"]), (3, p));
    assert_eq!(of("FOUR_DOTS", &["topLeftDot", "topRightDot", "bottomRightDot", "bottomLeftDot"]), (4, p));
    let ls = ["topLeftLMarker", "topRightLMarker", "bottomRightLMarker", "bottomLeftLMarker"];
    assert_eq!(of("L_MARKERS", &ls), (4, WarpMethod::Homography));
}

#[test]
fn steps_with_a_reference_keep_what_has_a_meaning() {
    let step = |name: &str, options: &str| template(&v2_step(name, options)).preprocessors.remove(0);
    let rotate = |marker_size, threshold| {
        Preprocessor::AutoRotate(AutoRotate { reference: PathBuf::from("in/a.png"), marker_size, threshold })
    };
    assert_eq!(step("AutoRotate", r#""referenceImage": "a.png""#), rotate(None, None));
    assert_eq!(
        step("AutoRotate", r#""referenceImage": "a.png", "markerDimensions": [30, 40], "threshold": {"value": 0.25}"#),
        rotate(Some(Size::new(30, 40)), Some(RotationThreshold { value: 0.25, passthrough: false }))
    );
    let align = |model, processing_size| {
        let reference = PathBuf::from("in/a.png");
        Preprocessor::FeatureBasedAlignment(FeatureBasedAlignment { reference, model, processing_size })
    };
    assert_eq!(
        step("FeatureBasedAlignment", r#""reference": "a.png", "matcherType": "NORM_HAMMING""#),
        align(AlignmentModel::Affine, None)
    );
    assert_eq!(
        step("FeatureBasedAlignment", r#""reference": "a.png", "2d": false, "processingImageShape": [90, 70]"#),
        align(AlignmentModel::Homography, Some(Size::new(70, 90)))
    );
}

#[test]
fn a_block_takes_from_the_alignment_what_it_does_not_state() {
    let margins = r#""margins": {"top": 1, "right": 2, "bottom": 3, "left": 4}"#;
    let block = |own: &str, of_template: &str| {
        let more = format!(r#""alignment": {{"referenceImage": "r.png"{of_template}}}"#);
        template(&v2_full(&format!("{V2_BLOCK}{own}"), "", &more)).blocks[0].alignment
    };
    let stated = Margins { top: 1, right: 2, bottom: 3, left: 4 };
    assert_eq!(block("", ""), BlockAlignment { margins: Margins::default(), max_displacement: 10 });
    let all = format!(r#", {margins}, "maxDisplacement": 25.5"#);
    assert_eq!(block("", &all), BlockAlignment { margins: stated, max_displacement: 25 });
    let own = r#", "alignment": {"maxDisplacement": 0}"#;
    assert_eq!(block(own, &all), BlockAlignment { margins: stated, max_displacement: 0 });
}

#[test]
fn zones_of_codes_and_text_are_kept() {
    let text = v2_with(
        r#""fieldDetectionType": "BARCODE_QR", "origin": [20, 30], "fieldLabels": ["code"], "emptyValue": "none",
            "scanZone": {"dimensions": [40, 50], "margins": {"top": 1, "right": 2, "bottom": 3, "left": 4}}"#,
    );
    let template = template(&text);
    let block = &template.blocks[0];
    assert_eq!((&block.kind, block.bounds), (&FieldKind::Barcode, Rect::new(16, 29, 46, 54)));
    assert_eq!((block.empty_value.as_str(), block.fields[0].bubbles.len()), ("none", 0));
}

#[test]
fn v2_says_what_is_wrong() {
    let block = |from: &str, to: &str| v2_with(&changed(V2_BLOCK, from, to));
    let more = |more: &str| v2_with(&format!("{V2_BLOCK}, {more}"));
    let zone = |from: &str, to: &str| four_markers(&format!(r#""topLeftMarker": {}"#, changed(ZONE, from, to)));
    let code = |more: &str| v2_with(&format!(r#""fieldDetectionType": "OCR", "origin": [20, 30]{more}"#));
    fails(&[
        (v2("").replace(r#""preProcessors": [],"#, ""), "the key `preProcessors` is missing"),
        (v2("").replace("[300, 200]", "[0.5, 200]"), "found `0.5`, expected a number from 1 to 32767"),
        (v2("").replace("[10, 12]", "[10.5, 12]"), "found `10.5`, expected a whole number"),
        (v2(r#""processingImageShape": [900]"#), "expected `[height, width]`"),
        (v2(r#""fieldBlocksOffset": [0.5, 0]"#), "found `0.5`, expected a whole number"),
        (v2(r#""fieldBlocksOffset": [-20, 0]"#), "spans -10 to 60 across"),
        (v2(r#""pageDimension": [1, 1]"#), "the key `pageDimension` is unknown"),
        (v2(r#""customLabels": {"Aa": ["q1"], "AA": ["q2"]}"#), "the keys `Aa` and `AA` differ only in case"),
        (v2(r#""customLabels": {"a": ["q9"]}"#), "no field block defines `q9`"),
        (v2(r#""customBubbleFieldTypes": {"CUSTOM_A": {"bubbleValues": ["A"]}}"#), "the key `direction` is missing"),
        (
            v2(r#""customBubbleFieldTypes": {"CUSTOM_A": {"bubbleValues": [], "direction": "vertical"}}"#),
            "one string or more",
        ),
        (block("QTYPE_MCQ4", "CUSTOM_A"), "the type `CUSTOM_A` is not defined in `customBubbleFieldTypes`"),
        (block("QTYPE_MCQ4", "QTYPE_MCQ9"), "expected a built-in type or one whose name begins with `CUSTOM_`"),
        (block("QTYPE_MCQ4", "QTYPE_MCQ4_RTL"), r#"add `"CUSTOM_MCQ4_RTL": {"bubbleValues": ["D", "C", "B", "A"]"#),
        (block("BUBBLES_THRESHOLD", "BUBBLES"), "found `BUBBLES`, expected one of `BUBBLES_THRESHOLD`"),
        (block(r#""bubblesGap": 20,"#, ""), "the key `bubblesGap` is missing"),
        (block(r#""labelsGap": 30, "#, ""), "the key `labelsGap` is missing"),
        (block("[10, 20]", "[230, 20]"), "spans 230 to 300 across"),
        (block("[10, 20]", "[10, 128.001]"), "expected it inside the 300×200 page"),
        (more(r#""fieldType": "QTYPE_MCQ4""#), "the key `fieldType` is unknown"),
        (more(r#""alignment": {"margin": 1}"#), "did you mean `margins`?"),
        (more(r#""alignment": {"margins": {"top": 1, "right": 1, "bottom": 1}}"#), "the key `left` is missing"),
        (more(r#""maxMarks": 1.5"#), "found `1.5`, expected a whole number"),
        (code(r#", "fieldLabels": ["a"]"#), "the key `scanZone` is missing"),
        (
            code(
                r#", "fieldLabels": ["a", "b"], "scanZone": {"dimensions": [1, 1], "margins": {"top": 0, "right": 0, "bottom": 0, "left": 0}}"#,
            ),
            "the key `labelsGap` is missing",
        ),
        (v2(r#""outputColumns": ["q1"]"#), r#"write the list as `{"sortType": "CUSTOM""#),
        (v2(r#""outputColumns": {"customOrder": ["q1"]}"#), "set `sortType` to `CUSTOM`"),
        (v2(r#""outputColumns": {"sortType": "CUSTOM", "customOrder": ["q7"]}"#), "no field block defines `q7`"),
        (v2(r#""outputColumns": {"sortType": "NATURAL"}"#), "expected one of `ALPHANUMERIC`"),
        (v2(r#""outputColumns": {"order": "ASC"}"#), "the key `order` is unknown"),
        (v2(r#""idColumn": "roll""#), "expected the name of an output column"),
        (v2(r#""alignment": {"referenceImage": 1}"#), "found `1`, expected a string"),
        (v2(r#""alignment": {"reference": "x"}"#), "the key `reference` is unknown"),
        (v2(r#""sortFiles": {}"#), "the key `enabled` is missing"),
        (v2(r#""output": 1"#), "expected `true` or `false`"),
        (v2_full(V2_BLOCK, r#"{"name": "Levels", "options": {}, "note": 1}"#, ""), "the key `note` is unknown"),
        (v2_step("AutoAlign", ""), "found `AutoAlign`, expected one of `AutoRotate`"),
        (v2_step("AutoRotate", ""), "the key `referenceImage` is missing"),
        (
            v2_step("AutoRotate", r#""referenceImage": "a", "processingImageShape": [9, 9]"#),
            "`processingImageShape` is unknown",
        ),
        (v2_step("AutoRotate", r#""referenceImage": "a", "threshold": {"value": 2}"#), "expected a number from 0 to 1"),
        (v2_step("Contrast", r#""mode": "automatic""#), "expected one of `manual`, `auto`"),
        (v2_step("Contrast", r#""clipPercentage": 101"#), "expected a number from 0 to 100"),
        (v2_step("Levels", r#""gamma": 0.0"#), "expected a number above 0"),
        (v2_step("CropPage", r#""morphKernel": [0, 10]"#), "expected a kernel of width 1 or more"),
        (
            v2_step("CropPage", r#""tuningOptions": {"warpMethod": "WARP_AFFINE"}"#),
            "found `WARP_AFFINE`, expected one of `PERSPECTIVE_TRANSFORM`",
        ),
        (
            v2_step(
                "CropOnMarkers",
                r#""type": "FOUR_MARKERS", "processingImageShape": [9, 9], "markerDimensions": [1, 1]"#,
            ),
            "`referenceImage` is missing",
        ),
        (v2_step("CropOnMarkers", r#""processingImageShape": [9, 9]"#), "the key `type` is missing"),
        (
            v2_step("CropOnMarkers", r#""type": "THREE_LINES", "processingImageShape": [9, 9]"#),
            "expected one of `FOUR_MARKERS`",
        ),
        (
            four_markers("").replace(r#""processingImageShape": [900, 650],"#, ""),
            "the key `processingImageShape` is missing",
        ),
        (four_markers(r#""defaultSelector": "CENTRES""#), "did you mean `CENTERS`?"),
        (four_markers(r#""topLeftDot": {}"#), "the key `topLeftDot` is unknown"),
        (four_markers(r#""tuningOptions": {"markerRescaleRange": [115, 85]}"#), "expected it to end above its start"),
        (four_markers(r#""tuningOptions": {"markerRescaleSteps": 31}"#), "expected a percent for each"),
        (four_markers(r#""tuningOptions": {"dotKernel": [5, 5]}"#), "the key `dotKernel` is unknown"),
        (
            four_markers(r#""tuningOptions": {"minMatchingThreshold": 0.3, "min_matching_threshold": 0.3}"#),
            "the keys `minMatchingThreshold` and `min_matching_threshold` differ only",
        ),
        (zone(r#""origin": [50, 60], "#, ""), "the key `origin` is missing"),
        (zone("[50, 60]", "[5, 60]"), "spans -3 to 41 across and 55 to 97 down, expected it inside the 650×900 image"),
        (zone("{\"origin\"", "{\"selector\": \"LINE_OUTER_EDGE\", \"origin\""), "a marker has no edges"),
        (
            zone("{\"origin\"", "{\"customOptions\": {\"reference\": \"x\"}, \"origin\""),
            "the key `reference` is unknown",
        ),
        (
            four_markers(&format!(r#""scanZones": [{{"zonePreset": "topLeft", "zoneDescription": {ZONE}}}]"#)),
            "found `topLeft`",
        ),
        (
            four_markers(&format!(
                r#""scanZones": [{{"zonePreset": "topLeftMarker", "zoneDescription": {ZONE}}}, {{"zonePreset": "topLeftMarker", "zoneDescription": {ZONE}}}]"#
            )),
            "the zone `topLeftMarker` is described twice",
        ),
        (two_lines("").replace(&format!(r#", "rightLine": {ZONE}"#), ""), "`TWO_LINES` needs the zones `rightLine`"),
        (
            two_lines("").replace(r#""dimensions": [30, 30], "#, "").replacen(
                r#""origin": [50, 60], "#,
                r#""origin": [50, 60], "dimensions": [1, 1], "#,
                1,
            ),
            "the key `dimensions` is missing",
        ),
        (two_lines(r#", "tuningOptions": {"lineBlurKernel": [4, 3]}"#), "found `4`, expected an odd size"),
        (
            two_lines("").replacen(ZONE, &ZONE.replacen('{', r#"{"selector": "SELECT_CENTER", "#, 1), 1),
            "`LINE_OUTER_EDGE` or `LINE_INNER_EDGE`",
        ),
        (two_lines("").replacen("[50, 60]", "[50, 865]", 1), "down, expected it inside the 650×900 image"),
        (
            two_lines(&format!(r#", "scanZones": [{{"zonePreset": "CUSTOM", "zoneDescription": {ZONE}}}]"#)),
            "`CUSTOM` zone does not say what it holds",
        ),
        (v2_step("CropPage", r#""maxPointsPerEdge": [1, 5]"#), "expected a number, 2 or more"),
        (two_lines(r#", "tuningOptions": {"dotThreshold": 256}"#), "expected a number from 0 to 255"),
        (
            v2_step(
                "CropOnMarkers",
                r#""type": "L_MARKERS", "processingImageShape": [9, 9], "scanZones": [], "defaultSelector": "INNER_WIDTHS""#,
            ),
            "expected `CENTERS`",
        ),
    ]);
}

#[test]
fn v2_warns_of_what_has_no_effect() {
    let more = |more: &str| v2_with(&format!("{V2_BLOCK}, {more}"));
    let set = r#"{"name": "a", "matcher": {"formatString": "{file_name}", "matchRegex": "y"}, "fieldBlocks": {}}"#;
    warns(&[
        (more(r#""bubbleValues": ["X"]"#), "has no effect beside `bubbleFieldType`"),
        (more(r#""direction": "vertical""#), "has no effect beside `bubbleFieldType`"),
        (v2(r#""customBubbleFieldTypes": {"AB": {}}"#), "hint: rename it to `CUSTOM_AB`"),
        (v2(&format!(r#""conditionalSets": [{set}]"#)), "sheets of this set are read like all others"),
        (v2(r#""sortFiles": {"enabled": true}"#), r#"hint: write `"outputs": {"fileGrouping": {"enabled": true, "#),
        (v2("").replace(&format!(r#""A": {{{V2_BLOCK}}}"#), ""), "no field block has a field"),
        (four_markers(r#""croppingEnabled": false"#), "`FOUR_MARKERS` always crops"),
        (
            two_lines("").replacen(
                ZONE,
                &ZONE.replacen('{', r#"{"selectorMargins": {"top": 1, "right": 1, "bottom": 1, "left": 1}, "#, 1),
                1,
            ),
            "has no effect, as in OMRChecker",
        ),
        (
            two_lines(&format!(
                r#", "scanZones": [{{"zonePreset": "topLeftDot", "zoneDescription": {}}}]"#,
                ZONE.replacen('{', r#"{"label": "more", "#, 1)
            )),
            "use `HOMOGRAPHY` or `REMAP_GRIDDATA`",
        ),
        (
            four_markers(&format!(r#""scanZones": [{{"zonePreset": "leftLine", "zoneDescription": {ZONE}}}]"#)),
            "has no zone `leftLine`",
        ),
    ]);
    // What a block repeats of its type is nothing to talk about.
    template(&more(r#""bubbleValues": ["A", "B", "C", "D"], "direction": "horizontal""#));
}

#[test]
fn sizes_that_no_sheet_has_are_refused() {
    let letters = "abcdefghijklmnopqrstuvwxyz";
    let ranges: Vec<String> = letters.chars().map(|c| format!("\"{c}1..9000\"")).collect();
    let list = ranges[..2].join(", ");
    let many = changed(V1_BLOCK, r#""q1..3""#, &list).replace("30", "0");
    fails(&[(v1_with(&many, ""), "names more than 10000 labels")]);

    let blocks = |count: usize, values: &str| {
        let block = |range: &String| V1_BLOCK.replace(r#""q1..3""#, range).replace("30", "0") + values;
        let blocks: Vec<String> =
            ranges[..count].iter().enumerate().map(|(i, r)| format!("\"B{i}\": {{{}}}", block(r))).collect();
        format!(
            r#"{{"pageDimensions": [300, 200], "bubbleDimensions": [9, 9], "fieldBlocks": {{{}}}}}"#,
            blocks.join(", ")
        )
    };
    fails(&[
        (blocks(3, ""), "with the field block `B2` the template has more than 20000 fields"),
        (
            blocks(1, &format!(r#", "bubbleValues": [{}]"#, vec![r#""A""#; 30].join(", "))),
            "with the field block `B0` the template has more than 200000 bubbles",
        ),
    ]);
}

/// Every value of a whole document, replaced by one of another kind or size, gives a template or an error.
#[test]
fn no_value_makes_it_panic() {
    use serde_json::{Value, json};

    fn places(value: &Value, at: &str, found: &mut Vec<String>) {
        found.push(at.to_owned());
        match value {
            Value::Object(members) => members.iter().for_each(|(k, v)| places(v, &format!("{at}/{k}"), found)),
            Value::Array(items) => items.iter().enumerate().for_each(|(i, v)| places(v, &format!("{at}/{i}"), found)),
            _ => {}
        }
    }
    let scan = format!(r#""scanZones": [{{"zonePreset": "topLeftMarker", "zoneDescription": {ZONE}}}]"#);
    let codes = v2_with(
        r#""fieldDetectionType": "OCR", "origin": [20, 30], "fieldLabels": ["code"],
            "scanZone": {"dimensions": [40, 50], "margins": {"top": 1, "right": 2, "bottom": 3, "left": 4}}"#,
    );
    let documents = [
        v1(r#""customLabels": {"all": ["q1..2"]}, "outputColumns": ["all", "q3"], "idColumn": "all""#),
        v1_step("GaussianBlur", r#""kSize": [0, 5], "sigmaX": 1.5"#),
        v1_step(
            "CropOnMarkers",
            r#""relativePath": "m", "marker_rescale_range": [35, 100], "marker_rescale_steps": 10"#,
        ),
        v2(r#""fieldBlocksOffset": [1, 2], "outputColumns": {"sortType": "CUSTOM", "customOrder": ["q1"]}"#),
        four_markers(&scan),
        two_lines(r#", "tuningOptions": {"lineKernel": [2, 10]}"#),
        codes,
    ];
    let strange = [
        json!(null),
        json!(true),
        json!(-1),
        json!(0),
        json!(0.5),
        json!(1e308),
        json!(-1e308),
        json!(4_294_967_296_u64),
        json!(""),
        json!("é..."),
        json!("q1..2"),
        json!([]),
        json!([1, 1]),
        json!([32767, 32767]),
        json!(["q1"]),
        json!({}),
    ];
    let mut tried = 0;
    for text in documents {
        let whole: Value = serde_json::from_str(&text).unwrap();
        let mut found = Vec::new();
        places(&whole, "", &mut found);
        for (place, value) in found.iter().flat_map(|place| strange.iter().map(move |value| (place, value))) {
            let mut changed = whole.clone();
            *changed.pointer_mut(place).unwrap() = value.clone();
            let _ = load(&changed.to_string());
            tried += 1;
        }
    }
    assert!(tried > 2000, "{tried}");
}

#[test]
fn all_problems_of_a_document_are_told_in_file_order() {
    let text = r#"{
  "pageDimensions": [300, 0],
  "bubbleDimensions": [10, 10],
  "preProcessors": [
    {"name": "CropPages", "options": {}},
    {"name": "MedianBlur", "options": {"kSize": 4, "ksize": 3}}
  ],
  "fieldBlocks": {
    "Roll": {"origin": [5, 5], "bubblesGap": 20, "labelsGap": "20", "fieldLabels": ["r1..3"], "fieldType": "QTYPE_INTS"},
    "MCQ": {"origin": [90, 5], "bubblesGap": 20, "labelsGap": 20, "fieldLabels": ["q1..3", "r3"], "direction": "down"}
  },
  "customLabels": {"Roll": ["r1..4"]},
  "idColumns": "Roll"
}"#;
    let want = "\
in/template.json:2:27: `pageDimensions[1]`: found `0`, expected a whole number from 1 to 32767
in/template.json:5:14: `preProcessors[0].name`: found `CropPages`, expected one of `CropOnMarkers`, `CropPage`, `FeatureBasedAlignment`, `GaussianBlur`, `Levels`, `MedianBlur`
  hint: did you mean `CropPage`?
in/template.json:6:49: `preProcessors[1].options.kSize`: found `4`, expected an odd size
  hint: write 3 or 5
in/template.json:6:52: `preProcessors[1].options`: the key `ksize` is unknown
  hint: did you mean `kSize`?
in/template.json:9:63: `fieldBlocks.Roll.labelsGap`: found the string `20`, expected a number from 0 to 32767
in/template.json:9:108: `fieldBlocks.Roll.fieldType`: found `QTYPE_INTS`, expected one of `QTYPE_INT`, `QTYPE_INT_FROM_1`, `QTYPE_MCQ4`, `QTYPE_MCQ5`, `QTYPE_MCQ4_RTL`, `QTYPE_MCQ5_RTL`
  hint: did you mean `QTYPE_INT`?
in/template.json:10:82: `fieldBlocks.MCQ.fieldLabels`: the label `r3` of the field block `MCQ` belongs to an earlier field block
  hint: every label stands in one field block, and once
in/template.json:10:112: `fieldBlocks.MCQ.direction`: found `down`, expected one of `horizontal`, `vertical`
in/template.json:12:28: `customLabels.Roll`: no field block defines `r4`
  hint: did you mean `r1`?
in/template.json:13:3: the key `idColumns` is unknown
  hint: did you mean `idColumn`?";
    assert_eq!(load(text).unwrap_err().to_string(), want);
}

/// Where the published sample folders are, when they are at hand.
fn reference_folder() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference");
    let folder = std::env::var_os("OMR_REFERENCE").map_or(beside, PathBuf::from);
    folder.is_dir().then_some(folder)
}

/// Every file called `name` below `folder`.
fn find(folder: &Path, name: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find(&path, name, found);
        } else if path.file_name().is_some_and(|n| n == name) {
            found.push(path);
        }
    }
}

#[test]
fn every_published_document_loads() {
    let Some(folder) = reference_folder() else {
        eprintln!("skipped: the published samples are not at hand (set OMR_REFERENCE)");
        return;
    };
    let mut cases = 0;
    for (generation, family) in [("v1", [Dialect::V1].as_slice()), ("v2", &[Dialect::V2, Dialect::V2Dev])] {
        for case in std::fs::read_dir(folder.join(generation)).unwrap() {
            cases += 1;
            let inputs = case.unwrap().path().join("inputs");
            let (mut templates, mut configs) = (Vec::new(), Vec::new());
            find(&inputs, "template.json", &mut templates);
            find(&inputs, "config.json", &mut configs);
            assert!(!templates.is_empty(), "{}", inputs.display());
            for path in templates {
                let (template, warnings) =
                    Template::load(&path, &Config::default(), Reach::Folder).unwrap_or_else(|error| panic!("{error}"));
                assert!(family.contains(&template.dialect), "{}: {}", path.display(), template.dialect);
                warnings.iter().for_each(|warning| eprintln!("{warning}"));
            }
            for path in configs {
                let (_, warnings) = crate::config::Config::load(&path).unwrap_or_else(|error| panic!("{error}"));
                warnings.iter().for_each(|warning| eprintln!("{warning}"));
            }
        }
    }
    assert_eq!(cases, 33);
}

/// Two sets: one replaces the block `A`, one adds to it.
const SETS: &str = r#""customLabels": {"all": ["q1..2", "x1"]}, "conditionalSets": [
    {"name": "other", "matcher": {"formatString": "{q3}-{file_name}", "matchRegex": "^B"}, "fieldBlocks": {
        "A": {"fieldDetectionType": "BUBBLES_THRESHOLD", "origin": [50, 20], "bubblesGap": 20, "labelsGap": 30,
              "fieldLabels": ["q10", "q2"], "bubbleFieldType": "QTYPE_MCQ5"}}},
    {"name": "more", "matcher": {"formatString": "{all}", "matchRegex": "C"}, "fieldBlocks": {
        "X": {"fieldDetectionType": "BUBBLES_THRESHOLD", "origin": [120, 20], "bubblesGap": 20, "labelsGap": 30,
              "fieldLabels": ["x1"], "bubbleFieldType": "QTYPE_MCQ4"}}}]"#;

#[test]
fn sets_are_whole_layouts_with_the_same_columns() {
    let template = template(&v2(SETS));
    let columns =
        |columns: &[Column]| columns.iter().map(|c| format!("{}{:?}", c.name, c.fields)).collect::<Vec<_>>().join(" ");
    let layouts: Vec<String> = template.layouts().map(|layout| columns(&layout.columns)).collect();
    // Natural order: all, q3, q10; `all` joins what a layout has of its fields.
    assert_eq!(layouts, ["all[0, 1] q3[2] q10[]", "all[1] q3[] q10[0]", "all[0, 1, 3] q3[2] q10[]"]);
    let other = &template.sets[0].layout;
    assert_eq!(other.blocks.iter().map(|b| (b.name.as_str(), b.bounds.x)).collect::<Vec<_>>(), [("A", 50)]);
    let labels = |layout: &Template| layout.fields().map(|(_, f)| f.label.clone()).collect::<Vec<_>>().join(" ");
    assert_eq!(template.layouts().map(labels).collect::<Vec<_>>(), ["q1 q2 q3", "q10 q2", "q1 q2 q3 x1"]);
    let raw = template.with_raw_columns();
    assert_eq!(columns(&raw.columns), "q1[0] q2[1] q3[2] q10[] x1[]");
    assert_eq!(columns(&raw.sets[0].layout.columns), "q1[] q2[1] q3[] q10[0] x1[]");
    assert_eq!(template.layout_key("all"), Some(LayoutKey::Fields(vec![0, 1])));
    assert_eq!(template.layout_key("x1"), None);
}

#[test]
fn raw_columns_follow_the_list_or_the_sort_rule() {
    let raw = |more: &str| {
        let (template, _) = load(&v2(more)).unwrap();
        template.raw_columns.iter().map(|c| c.name.clone()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(raw(r#""customLabels": {"all": ["q1..3"]}, "outputColumns": {"sortOrder": "DESC"}"#), "q3 q2 q1");
    assert_eq!(
        raw(r#""customLabels": {"all": ["q2..3"]}, "outputColumns": {"sortType": "CUSTOM", "customOrder": ["all"]}"#),
        "q1 q2 q3"
    );
}

#[test]
fn sets_that_cannot_work_are_told() {
    let changed = |from: &str, to: &str| v2(&changed(SETS, from, to));
    fails(&[
        (changed(r#""name": "more""#, r#""name": "other""#), "a set named `other` already stands above"),
        (changed("{q3}", "{q33}"), "asks for `{q33}`, expected a field of the template's own blocks"),
        (changed("{q3}", "{x1}"), "asks for `{x1}`, expected a field of the template's own blocks"),
        (changed(r#""matchRegex": "C""#, r#""matchRegex": "(?=C)""#), "look-around"),
        (
            changed(r#"["x1"], "bubble"#, r#"["q3"], "bubble"#).replace(r#", "x1"]"#, "]"),
            "belongs to an earlier field block",
        ),
        (changed("[120, 20]", "[290, 20]"), "290"),
        (changed(r#"["q1..2", "x1"]"#, r#"["q1..2", "x9"]"#), "no field block defines `x9`"),
        (changed(r#""name": "more", "#, ""), "the key `name` is missing"),
        (v2(r#""conditionalSets": {}"#), "expected an array"),
    ]);
}
