//! template.json: where the bubbles of a page are and what they mean. One model behind the shapes of all dialects.
//!
//! The shapes live in `v1` and `v2`; behind them nothing knows how a key was spelt. A template that was loaded can be
//! trusted: its blocks lie on the page, its labels are unique, its columns exist.

use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::dialect::Dialect;
use crate::geometry::{Rect, Size};
use crate::json::{Document, DocumentError, Problem};
use crate::matcher::Matcher;

pub mod columns;
mod detect;
pub mod field_types;
mod filters;
pub mod grid;
mod v1;
mod v2;
mod values;

pub use columns::Column;

/// A page with its bubbles.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Whose rules the sheet is read by.
    pub dialect: Dialect,
    /// The template's file; asset paths are relative to its folder.
    pub file: PathBuf,
    /// Size of the page that all coordinates refer to (`pageDimensions`, `templateDimensions`).
    pub page_size: Size,
    /// Size that images are resized to before pre-processing; `None`: the config's (v1).
    pub processing_size: Option<Size>,
    /// `outputImageShape` (v2 family): a resize after pre-processing.
    pub output_size: Option<Size>,
    /// What is done to an image before it is the page, in order.
    pub preprocessors: Vec<Preprocessor>,
    /// Field blocks in the order of the file.
    pub blocks: Vec<FieldBlock>,
    /// Value of a field without a mark, where a block does not state its own.
    pub empty_value: String,
    /// Custom labels in the order of the file.
    pub custom_labels: Vec<CustomLabel>,
    /// Output columns in output order; the same names in every layout of a template.
    pub columns: Vec<Column>,
    /// A column for each field of any layout, in output order: what is written in moderation mode.
    pub raw_columns: Vec<Column>,
    /// What the template asks for that is validated, but not applied yet, besides its pre-processors: `alignment`.
    pub unsupported: Vec<Unsupported>,
    /// `idColumn`: the output column that identifies a sheet.
    pub id_column: Option<String>,
    /// `conditionalSets`: layouts for some sheets, in the order of the file. The first whose matcher fits counts; without
    /// one, a sheet has the template's own layout.
    pub sets: Vec<LayoutSet>,
}

/// A layout for the sheets that say so: those of one booklet, with one code.
#[derive(Debug, Clone, PartialEq)]
pub struct LayoutSet {
    /// The user's name for it.
    pub name: String,
    /// Which sheets it is for, by what [`Template::layout_key`] knows.
    pub matcher: Matcher,
    /// The template with the set's field blocks: a whole layout of the same page. It has no sets.
    pub layout: Template,
}

/// What a name in the matcher of a layout stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayoutKey {
    /// The joined values of these fields of the template's own layout.
    Fields(Vec<usize>),
    /// The image's name.
    FileName,
    /// The image's path, as in the column `input_path`.
    FilePath,
}

/// A rectangular group of fields with common spacing.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldBlock {
    /// The user's name for it.
    pub name: String,
    /// How its fields are read.
    pub kind: FieldKind,
    /// Its fields, in the order of its labels.
    pub fields: Vec<Field>,
    /// The box around all its bubbles, in page pixels; of a block without bubbles, the zone that is searched, margins
    /// included. Only such a zone may reach beyond the page.
    pub bounds: Rect,
    /// Size of a bubble's box, in page pixels.
    pub bubble_size: Size,
    /// Value of a field without a mark.
    pub empty_value: String,
    /// `maxMarks`: more marks than this in a field are a doubt. `None`: no limit.
    pub max_marks: Option<u32>,
}

/// How the fields of a block are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldKind {
    /// Bubbles to be marked.
    Bubbles,
    /// A bar code or QR code in a zone. Of several labels, each stands for one of the zone's codes.
    Barcode,
    /// Text in a zone, of these characters only; empty: of any. All labels stand for the same text.
    Ocr(String),
}

/// One question or one digit.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The template's label: `q7`, `roll3`.
    pub label: String,
    /// Its bubbles in value order; empty for fields that have none.
    pub bubbles: Vec<Bubble>,
}

/// One bubble: the top-left pixel of its box and what a mark there means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bubble {
    /// Left edge of the box, in page pixels.
    pub x: i32,
    /// Top edge of the box, in page pixels.
    pub y: i32,
    /// The value that a mark adds to its field.
    pub value: String,
}

/// A label whose value is put together from fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomLabel {
    /// Its name, which is an output column.
    pub name: String,
    /// The labels of its fields, in order.
    pub fields: Vec<String>,
}

/// A step between the decoded image and the page.
#[derive(Debug, Clone, PartialEq)]
pub enum Preprocessor {
    /// Find the paper and straighten it.
    CropPage(CropPage),
    /// Find four printed markers and straighten the page by them.
    CropOnMarkers(CropOnMarkers),
    /// Blur by a Gaussian.
    GaussianBlur(GaussianBlur),
    /// Blur by a median.
    MedianBlur(MedianBlur),
    /// Stretch a range of grays.
    Levels(Levels),
    /// Scale grays around black.
    Contrast(Contrast),
    /// One that OMRChecker has and this version does not apply yet.
    Unsupported(Unsupported),
}

/// Options of CropPage.
#[derive(Debug, Clone, PartialEq)]
pub struct CropPage {
    /// What is done to the picture before its edges are sought.
    pub preparation: PagePreparation,
    /// How a hull is reduced to corners.
    pub polygon: PagePolygon,
    /// `morphKernel`, width and height in pixels of the processing size. Default 10×10.
    pub morph_kernel: (u32, u32),
    /// `useColoredCanny` (v2 family): search in what is not coloured, when colour is enabled. Default false.
    pub colored_canny: bool,
}

/// What CropPage does to the picture before it looks for edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PagePreparation {
    /// v1: blur and stretch, which the cropped page keeps; cap at 200.
    BlurAndKeep,
    /// v2 family: cap at 210, then at 200, for the search alone.
    CapTwice,
}

/// How CropPage reduces a hull to corners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PagePolygon {
    /// v1 and v2-dev: one tolerance, a part of the perimeter.
    OneTolerance,
    /// v2: growing tolerances, parts of the short side.
    Ladder,
}

/// Options of CropOnMarkers with four custom markers.
#[derive(Debug, Clone, PartialEq)]
pub struct CropOnMarkers {
    /// Whether one scale serves all four markers, or each is sought in its own zone.
    pub search: MarkerSearch,
    /// Lowest correlation that is a marker, 0 to 1. Default 0.3.
    pub min_matching_threshold: f64,
    /// Smallest and largest marker scale in percent. Default 35 to 100 (v1), 85 to 115 (v2 family).
    pub rescale_range: (u32, u32),
    /// Number of scales. Default 10 (v1), 5 (v2 family).
    pub rescale_steps: u32,
    /// `applyErodeSubtract`. Default true.
    pub apply_erode_subtract: bool,
}

/// The two ways to look for four markers.
#[derive(Debug, Clone, PartialEq)]
pub enum MarkerSearch {
    /// v1: the scale that fits best anywhere serves all four quadrants.
    OneScale {
        /// The marker's picture (`relativePath`), resolved against the template's folder.
        marker: PathBuf,
        /// `sheetToMarkerWidthRatio`: the processing width over the marker's, cut to a whole number.
        sheet_to_marker_width_ratio: Option<f64>,
        /// `max_matching_variation`: a quadrant's best may differ this much from the best anywhere. Default 0.41.
        max_matching_variation: f64,
    },
    /// v2 family FOUR_MARKERS: each corner has its own zone and scale.
    Zones {
        /// Size that the image is resized to for this step (`processingImageShape`).
        processing_size: Size,
        /// Top-left, top-right, bottom-right, bottom-left.
        zones: Box<[MarkerZone; 4]>,
    },
}

/// Where one corner's marker is sought, and which of its points is the corner.
#[derive(Debug, Clone, PartialEq)]
pub struct MarkerZone {
    /// The marker's picture, resolved against the template's folder.
    pub reference: PathBuf,
    /// `markerDimensions`: the marker's size in the processing image.
    pub marker_size: Size,
    /// Where the marker is expected; `None`: the middle of its quadrant.
    pub origin: Option<(i32, i32)>,
    /// Size of the expected place; `None`: the marker's size.
    pub dimensions: Option<Size>,
    /// How far around it the search goes; `None`: the whole quadrant.
    pub margins: Option<Margins>,
    /// Which point of the found marker is taken.
    pub anchor: MarkerAnchor,
}

/// Pixels beyond each side of a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Margins {
    /// Above.
    pub top: u32,
    /// To the right.
    pub right: u32,
    /// Below.
    pub bottom: u32,
    /// To the left.
    pub left: u32,
}

/// A point of a marker's box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkerAnchor {
    /// Its centre.
    Center,
    /// Its top-left corner.
    TopLeft,
    /// Its top-right corner.
    TopRight,
    /// Its bottom-right corner.
    BottomRight,
    /// Its bottom-left corner.
    BottomLeft,
}

/// Options of GaussianBlur.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GaussianBlur {
    /// Kernel width and height, odd. Default 3×3.
    pub kernel: (u32, u32),
    /// Standard deviation in pixels, 0: from the kernel. OMRChecker cuts it to a whole number. Default 0.
    pub sigma: f64,
    /// `processingImageShape` of this step (v2 family).
    pub processing_size: Option<Size>,
}

/// Options of MedianBlur.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MedianBlur {
    /// Kernel size, odd. Default 5.
    pub kernel: u32,
    /// `processingImageShape` of this step (v2 family).
    pub processing_size: Option<Size>,
}

/// Options of Levels, as parts of the range 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Levels {
    /// At and below it all is black. Default 0.
    pub low: f64,
    /// At and above it all is white. Default 1.
    pub high: f64,
    /// Gamma of what lies between, above 0. Default 1.
    pub gamma: f64,
    /// `processingImageShape` of this step (v2 family).
    pub processing_size: Option<Size>,
}

/// Options of Contrast: gray v becomes |αv + β|, cut to 0…255.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contrast {
    /// Where α and β come from.
    pub mode: ContrastMode,
    /// `processingImageShape` of this step.
    pub processing_size: Option<Size>,
}

/// Where the scale and offset of Contrast come from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ContrastMode {
    /// `alpha` (default 1.75) and `beta` (default 0) as given.
    Manual {
        /// Factor.
        alpha: f64,
        /// Offset in gray levels.
        beta: f64,
    },
    /// From the image's histogram, `clipPercentage` (default 1) of the pixels left out, half at each end.
    Auto {
        /// Percent, 0 to 100.
        clip_percentage: f64,
    },
}

/// A part of a template that is validated, but not applied yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported {
    /// Its name, with the marker type where there is one: `AutoRotate`, `CropOnMarkers FOUR_DOTS`.
    pub name: String,
    /// `line:column` of its place in the template.
    pub place: String,
    /// Pictures it names, which are not sheets.
    pub assets: Vec<PathBuf>,
}

impl Template {
    /// Reads the template at `path`, of whatever dialect, with the warnings that it gives rise to. `config` governs it
    /// and tells v2-dev from v2 where the template's own keys do not.
    ///
    /// # Errors
    /// The file cannot be read, is not JSON, or has errors; then all of them.
    pub fn load(path: &Path, config: &Config) -> Result<(Self, Vec<Problem>), DocumentError> {
        Self::read(&Document::load(path)?, config)
    }

    /// Reads a template from a document; `config` as in [`Template::load`].
    ///
    /// # Errors
    /// [`DocumentError::Invalid`] with all errors of the document.
    pub fn read(document: &Document, config: &Config) -> Result<(Self, Vec<Problem>), DocumentError> {
        match detect::dialect(document.root(), config.is_v2_dev) {
            Dialect::V1 => document.read(|cursor| v1::template(&cursor)),
            dialect => document.read(|cursor| v2::template(&cursor, dialect)),
        }
    }

    /// Every picture that the template names: these are no sheets.
    pub fn asset_paths(&self) -> Vec<&PathBuf> {
        let mut paths: Vec<&PathBuf> = self.unsupported.iter().flat_map(|part| &part.assets).collect();
        for preprocessor in &self.preprocessors {
            match preprocessor {
                Preprocessor::CropOnMarkers(options) => match &options.search {
                    MarkerSearch::OneScale { marker, .. } => paths.push(marker),
                    MarkerSearch::Zones { zones, .. } => paths.extend(zones.iter().map(|z| &z.reference)),
                },
                Preprocessor::Unsupported(unsupported) => paths.extend(&unsupported.assets),
                _ => {}
            }
        }
        paths
    }

    /// Does a field of any layout need text to be recognised?
    pub fn has_text_fields(&self) -> bool {
        self.layouts().flat_map(|layout| &layout.blocks).any(|block| matches!(block.kind, FieldKind::Ocr(_)))
    }

    /// All layouts: the template's own, then those of its sets.
    pub fn layouts(&self) -> impl Iterator<Item = &Template> {
        std::iter::once(self).chain(self.sets.iter().map(|set| &set.layout))
    }

    /// The output column that a field lands in first.
    pub fn column_of(&self, field: usize) -> Option<&Column> {
        self.columns.iter().find(|column| column.fields.contains(&field))
    }

    /// What a name in the matcher of a set stands for: a custom label or field of the template's own layout, or the
    /// image's name or path. `None`: nothing.
    pub fn layout_key(&self, name: &str) -> Option<LayoutKey> {
        match name {
            "file_name" => return Some(LayoutKey::FileName),
            "file_path" => return Some(LayoutKey::FilePath),
            _ => {}
        }
        let index = |label: &str| self.fields().position(|(_, field)| field.label == label);
        let fields = match self.custom_labels.iter().find(|custom| custom.name == name) {
            Some(custom) => custom.fields.iter().filter_map(|label| index(label)).collect(),
            None => vec![index(name)?],
        };
        (!fields.is_empty()).then_some(LayoutKey::Fields(fields))
    }

    /// The template with [`Template::raw_columns`] as its output columns, in all layouts.
    pub fn with_raw_columns(&self) -> Self {
        let mut template = self.clone();
        let raw = |layout: &mut Self| {
            layout.columns.clone_from(&layout.raw_columns);
            let is_there = |name: &String| layout.columns.iter().any(|column| column.name == *name);
            layout.id_column = layout.id_column.take().filter(is_there);
        };
        raw(&mut template);
        template.sets.iter_mut().for_each(|set| raw(&mut set.layout));
        template
    }

    /// All fields with their blocks, in template order.
    pub fn fields(&self) -> impl Iterator<Item = (&FieldBlock, &Field)> {
        self.blocks.iter().flat_map(|block| block.fields.iter().map(move |field| (block, field)))
    }
}

#[cfg(test)]
mod tests;
