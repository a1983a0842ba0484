//! FOUR_MARKERS around the shared form, for samples that show something else.

use super::quiz;

/// Width of a marker, with its white.
pub const SIZE: u32 = 50;

/// A CropOnMarkers step, an element of `preProcessors` at the first level: each marker is sought 20 px around its place.
pub fn step() -> String {
    let (height, width) = quiz::SHAPE;
    let near = quiz::MARGIN - SIZE / 2;
    let (right, bottom) = (width - near - SIZE, height - near - SIZE);
    let zone = |key: &str, x: u32, y: u32| {
        let margins = super::json::margin([20; 4]);
        format!("      \"{key}\": {{ \"origin\": [{x}, {y}], \"margins\": {margins} }}")
    };
    let zones = [
        zone("topLeftMarker", near, near),
        zone("topRightMarker", right, near),
        zone("bottomRightMarker", right, bottom),
        zone("bottomLeftMarker", near, bottom),
    ];
    format!(
        r#"  {{
    "name": "CropOnMarkers",
    "options": {{
      "type": "FOUR_MARKERS",
      "processingImageShape": [{height}, {width}],
      "referenceImage": "omr_marker.png",
      "markerDimensions": [{SIZE}, {SIZE}],
{}
    }}
  }}"#,
        zones.join(",\n")
    )
}
