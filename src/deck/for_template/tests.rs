use super::*;
use crate::config::Config;
use crate::geometry::Rect;
use crate::json::Document;

/// A page of two blocks, with these members besides.
fn template(members: &str) -> Template {
    let text = format!(
        r#"{{ "pageDimensions": [600, 800], "bubbleDimensions": [20, 20], {members} "fieldBlocks": {{
            "Digits": {{ "fieldType": "QTYPE_INT", "origin": [60, 150], "bubblesGap": 30, "labelsGap": 40, "fieldLabels": ["d1..3"] }},
            "Quiz": {{ "fieldType": "QTYPE_MCQ4", "origin": [300, 150], "bubblesGap": 40, "labelsGap": 40, "fieldLabels": ["q1..9"] }}
        }} }}"#
    );
    let document = Document::parse(Path::new("template.json"), text).unwrap();
    Template::read(&document, &Config::default()).unwrap().0
}

fn filler(mix: &str, template: &Template) -> Filler {
    Filler::new(mix.parse().unwrap(), template).unwrap()
}

#[test]
fn the_truth_of_each_kind() {
    use mixture::Kind;
    let template = template("");
    for kind in Kind::MARKED {
        let filler = filler(&format!("{}=1", kind.name()), &template);
        let mut alone = 0;
        for seed in 0..40 {
            let filled = filler.fill(&template, "a.png", &mut Random::new(seed));
            for ((_, field), filled) in template.fields().zip(&filled) {
                assert_eq!(filled.kind, kind);
                let values: String = filled.marked.iter().map(|&i| field.bubbles[i].value.as_str()).collect();
                assert_eq!(filled.value, values);
                let marks = match kind {
                    Kind::Blank => 0,
                    Kind::Double => 2,
                    Kind::Erased => usize::from(filled.detail() == "beside-mark"),
                    _ => 1,
                };
                alone += usize::from(filled.detail() == "alone");
                assert_eq!(filled.marked.len(), marks);
                assert!(filled.marked.is_sorted() && filled.erased.is_none_or(|i| !filled.marked.contains(&i)));
                assert_eq!(filled.erased.is_some(), kind == Kind::Erased);
            }
        }
        // A quarter of 480.
        assert_eq!(kind == Kind::Erased, (80..160).contains(&alone), "{}: {alone}", kind.name());
    }
}

#[test]
fn paper_is_the_page_without_steps() {
    let stationery = Stationery::of(&template(""), &Config::default(), None).unwrap();
    assert_eq!(stationery.paper, Rect::new(0, 0, 600, 800));
    assert!(stationery.marks.is_empty() && matches!(stationery.pose, stationery::Pose::Fills(_)));
}

#[test]
fn a_form_is_printed_in_all_its_bubbles_whatever_the_look() {
    let (template, fonts) = (template(""), Fonts::new().unwrap());
    let stationery = Stationery::of(&template, &Config::default(), None).unwrap();
    let mut random = Random::new(1);
    for outline in Outline::ALL {
        let style = Style::draw(outline, &mut random);
        let canvas = print::print(&template, &stationery, &style, &fonts, 2.0);
        for (block, field) in template.fields() {
            for bubble in &field.bubbles {
                let at = centre(block, bubble.x, bubble.y);
                let dark = (-24..=24).flat_map(|y| (-24..=24).map(move |x| (x, y))).filter(|(x, y)| {
                    let p = Point::new(at.x + f64::from(*x) / 2.0, at.y + f64::from(*y) / 2.0);
                    canvas.sample(p).iter().any(|v| *v < 230.0)
                });
                let dark = dark.count();
                assert!((20..1200).contains(&dark), "{} {} {}: {dark}", outline.name(), field.label, bubble.value);
            }
        }
    }
}

#[test]
fn a_form_that_says_it_is_another_layout_is_drawn_anew() {
    let text = r#"{ "templateDimensions": [600, 800], "bubbleDimensions": [20, 20], "preProcessors": [], "fieldBlocks": {
        "Quiz": { "fieldDetectionType": "BUBBLES_THRESHOLD", "bubbleFieldType": "QTYPE_MCQ4", "origin": [300, 150],
            "bubblesGap": 40, "labelsGap": 40, "fieldLabels": ["set", "q1"] } },
        "conditionalSets": [{ "name": "other", "matcher": { "formatString": "{set}", "matchRegex": "REGEX" },
            "fieldBlocks": { "Quiz": { "fieldDetectionType": "BUBBLES_THRESHOLD", "bubbleFieldType": "QTYPE_MCQ4",
            "origin": [300, 250], "bubblesGap": 40, "labelsGap": 40, "fieldLabels": ["set", "q1"] } } }] }"#;
    let read = |regex: &str| {
        let document = Document::parse(Path::new("template.json"), text.replace("REGEX", regex)).unwrap();
        Template::read(&document, &Config::default()).unwrap().0
    };
    let template = read("[BC]");
    let filler = filler("full=1", &template);
    for seed in 0..50 {
        let filled = filler.fill(&template, "a.png", &mut Random::new(seed));
        assert!(["A", "D"].contains(&filled[0].value.as_str()), "{filled:?}");
    }
    let whatever = Filler::new(Mix::default(), &read(".*")).unwrap_err();
    assert!(whatever.contains("`other`"), "{whatever}");
}

#[test]
fn seeds_of_sheets_differ() {
    let seeds: BTreeSet<u64> = (0..20).flat_map(|seed| (0..500).map(move |i| seed_of(seed, i))).collect();
    assert_eq!(seeds.len(), 20 * 500);
}

#[test]
fn sheets_are_known_by_their_names() {
    for (name, is) in [
        ("sheet-00001.png", true),
        ("sheet-1234567.jpg", true),
        ("sheet-1.png", false),
        ("sheet-00001.png.bak", false),
        ("Sheet-00001.png", false),
        ("sheet-0000x.png", false),
    ] {
        assert_eq!(is_sheet(&name.into()), is, "{name}");
    }
}
