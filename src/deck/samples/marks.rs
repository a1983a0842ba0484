//! CropOnMarkers of the v2 family: what is printed, and the step that looks for it there.

use super::json::margin;
use crate::deck::figure::Figure;
use crate::geometry::{Point, Rect, Size};

/// A printed figure and how far around it the step looks.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    /// The zone's key: `topLeftDot`.
    pub key: &'static str,
    /// What is printed there.
    pub figure: Figure,
    /// Pixels above, to the right, below and to the left of it that are searched.
    pub margins: [u32; 4],
}

/// Around a mark: as far as a scan moves it.
const MARGINS: [u32; 4] = [25; 4];
const DOT: f64 = 13.0;
/// Thickness of an edge line.
const LINE: u32 = 12;

/// The figures of these keys on a page: dots centred on its corners, lines along its edges, outer side on the edge, L-shapes
/// whose inner corner is the page's. Other keys have none.
pub fn marks(keys: &[&'static str], page: Size) -> Vec<Mark> {
    keys.iter().filter_map(|key| mark(key, page)).collect()
}

fn mark(key: &'static str, page: Size) -> Option<Mark> {
    let (right, bottom) = (f64::from(page.width), f64::from(page.height));
    let corner = |x, y, ell: bool| {
        let at = Point::new(x * right, y * bottom);
        if ell {
            Figure::Ell { inner: at, towards: (1.0 - 2.0 * x, 1.0 - 2.0 * y), arm: 44.0, line: 14.0 }
        } else {
            Figure::Dot { centre: at, radius: DOT }
        }
    };
    let figure = match key {
        "topLeftDot" => corner(0.0, 0.0, false),
        "topRightDot" => corner(1.0, 0.0, false),
        "bottomRightDot" => corner(1.0, 1.0, false),
        "bottomLeftDot" => corner(0.0, 1.0, false),
        "topLeftLMarker" => corner(0.0, 0.0, true),
        "topRightLMarker" => corner(1.0, 0.0, true),
        "bottomRightLMarker" => corner(1.0, 1.0, true),
        "bottomLeftLMarker" => corner(0.0, 1.0, true),
        "leftLine" => Figure::Bar(Rect::new(0, 0, LINE, page.height)),
        "rightLine" => Figure::Bar(Rect::new((page.width - LINE) as i32, 0, LINE, page.height)),
        "topLine" => Figure::Bar(Rect::new(0, 0, page.width, LINE)),
        "bottomLine" => Figure::Bar(Rect::new(0, (page.height - LINE) as i32, page.width, LINE)),
        _ => return None,
    };
    Some(Mark { key, figure, margins: MARGINS })
}

/// The array of pre-processors with one step that looks for `marks` in a picture of the part `seen` of the paper.
/// `tuning` is the object of tuning options, empty for none.
pub fn crop_on(kind: &str, marks: &[Mark], seen: Rect, tuning: &str) -> String {
    let mut members =
        vec![format!("\"type\": \"{kind}\""), format!("\"processingImageShape\": [{}, {}]", seen.height, seen.width)];
    members.extend(marks.iter().map(|mark| {
        let (low, high) = mark.figure.bounds();
        let (x, y) = (low.x - f64::from(seen.x), low.y - f64::from(seen.y));
        let (width, height) = (high.x - low.x, high.y - low.y);
        let (key, margins) = (mark.key, margin(mark.margins));
        format!(
            "\"{key}\": {{\n        \"origin\": [{x}, {y}],\n        \"dimensions\": [{width}, {height}],\n        \
             \"margins\": {margins}\n      }}"
        )
    }));
    if !tuning.is_empty() {
        members.push(format!("\"tuningOptions\": {tuning}"));
    }
    let options = members.join(",\n      ");
    format!("[\n  {{\n    \"name\": \"CropOnMarkers\",\n    \"options\": {{\n      {options}\n    }}\n  }}\n]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_lie_around_what_is_printed() {
        let page = Size::new(620, 760);
        let marks = marks(&["topLeftDot", "bottomRightLMarker", "rightLine"], page);
        let seen = Rect::new(-45, -45, 710, 850);
        let steps: serde_json::Value = serde_json::from_str(&crop_on("ANY", &marks, seen, "")).unwrap();
        let options = &steps[0]["options"];
        let zone = |key: &str| (options[key]["origin"].to_string(), options[key]["dimensions"].to_string());
        assert_eq!(zone("topLeftDot"), ("[32,32]".to_owned(), "[26,26]".to_owned()));
        assert_eq!(zone("bottomRightLMarker"), ("[635,775]".to_owned(), "[44,44]".to_owned()));
        assert_eq!(zone("rightLine"), ("[653,45]".to_owned(), "[12,760]".to_owned()));
        assert_eq!(options["processingImageShape"].to_string(), "[850,710]");
    }
}
