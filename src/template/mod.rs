//! template.json: where the bubbles of a page are and what they mean. One model behind the shapes of all dialects.
//!
//! The shapes live in `v1` and `v2`; behind them nothing knows how a key was spelt. A template that was loaded can be
//! trusted: its blocks lie on the page, its labels are unique, its columns exist.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::dialect::Dialect;
use crate::digest::Digest;
use crate::geometry::{Rect, Size};
use crate::json::{Document, DocumentError, Problem};
use crate::matcher::Matcher;
use crate::reach::Reach;

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
    /// Of the file as it was read.
    pub sha256: Digest,
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
    /// `alignment`: the picture that blocks are aligned with, resolved against the template's folder. `None`: blocks are
    /// read where the template has them.
    pub alignment_reference: Option<PathBuf>,
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
    /// How it is aligned, if the template names a picture to align with.
    pub alignment: BlockAlignment,
}

impl FieldBlock {
    /// From column to column and from row to row of its boxes at the least, in page pixels; 0 where there is one alone. Places
    /// a pixel apart are one: gaps may be broken numbers.
    pub fn gaps(&self) -> (f64, f64) {
        const APART: f64 = 1.5;
        let along = |of: fn(&Bubble) -> i32| {
            let mut places: Vec<i32> = self.fields.iter().flat_map(|field| &field.bubbles).map(of).collect();
            places.sort_unstable();
            places.dedup();
            let gaps = places.windows(2).map(|pair| f64::from(pair[1]) - f64::from(pair[0]));
            let least = gaps.filter(|&gap| gap > APART).fold(f64::INFINITY, f64::min);
            if least.is_finite() { least } else { 0.0 }
        };
        (along(|bubble| bubble.x), along(|bubble| bubble.y))
    }
}

/// How a block is aligned with the reference picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockAlignment {
    /// `margins`: how far around the block print is looked at, in page pixels. Default 0.
    pub margins: Margins,
    /// `maxDisplacement`: how far it may have moved in each direction, in page pixels; 0: it is read where the template
    /// has it. Default 10.
    pub max_displacement: u32,
}

impl Default for BlockAlignment {
    fn default() -> Self {
        Self { margins: Margins::default(), max_displacement: 10 }
    }
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
    /// Find a reference picture and turn the sheet by it.
    AutoRotate(AutoRotate),
    /// Find the paper and straighten it.
    CropPage(CropPage),
    /// Find printed marks and straighten the page by them.
    CropOnMarkers(CropOnMarkers),
    /// Lay the sheet onto a reference picture.
    FeatureBasedAlignment(FeatureBasedAlignment),
    /// Blur by a Gaussian.
    GaussianBlur(GaussianBlur),
    /// Blur by a median.
    MedianBlur(MedianBlur),
    /// Stretch a range of grays.
    Levels(Levels),
    /// Scale grays around black.
    Contrast(Contrast),
}

/// Options of AutoRotate.
#[derive(Debug, Clone, PartialEq)]
pub struct AutoRotate {
    /// `referenceImage`, resolved against the template's folder.
    pub reference: PathBuf,
    /// `markerDimensions`: the reference's size in the processing image; `None`: its own.
    pub marker_size: Option<Size>,
    /// Which fits are good enough; `None`: the template does not say.
    pub threshold: Option<RotationThreshold>,
}

/// `threshold` of AutoRotate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RotationThreshold {
    /// Lowest correlation that is a fit, 0 to 1.
    pub value: f64,
    /// Is a sheet that fits worse read all the same? Default false.
    pub passthrough: bool,
}

/// Options of FeatureBasedAlignment that have a meaning here.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureBasedAlignment {
    /// `reference`, resolved against the template's folder.
    pub reference: PathBuf,
    /// `2d`: affine. Default false in v1, true in the v2 family.
    pub model: AlignmentModel,
    /// `processingImageShape` of this step (v2 family).
    pub processing_size: Option<Size>,
}

/// How a sheet may lie against a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlignmentModel {
    /// Shifted, turned, scaled, sheared.
    Affine,
    /// Seen in perspective too.
    Homography,
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
    /// How the page is straightened. Default by its four corners.
    pub warp: PageWarp,
    /// `maxPointsPerEdge` (v2 family): at most so many points are taken of the upper and lower edges, and of the left
    /// and right ones, 2 or more.
    pub max_points_per_edge: Option<(u32, u32)>,
}

/// How found points become the upright page (`warpMethod` and `warpMethodFlag`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageWarp {
    /// The map from the picture to the page.
    pub method: WarpMethod,
    /// What stands between pixels.
    pub interpolation: Interpolation,
}

/// How control points become the upright page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WarpMethod {
    /// `PERSPECTIVE_TRANSFORM`: exactly, by four corners.
    Perspective,
    /// `HOMOGRAPHY`: the perspective that fits all points best.
    Homography,
    /// `REMAP_GRIDDATA`: a smooth bend through all points.
    Remap,
    /// `DOC_REFINE`: row by row and column by column between four curved edges.
    DocRefine,
}

/// How a gray between pixels is found (`warpMethodFlag`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interpolation {
    /// `INTER_NEAREST`: the nearest pixel.
    Nearest,
    /// `INTER_LINEAR`: 2×2 pixels.
    Linear,
    /// `INTER_CUBIC`: 4×4 pixels.
    Cubic,
}

impl PageWarp {
    /// Four corners, bilinear: OMRChecker v1, and the default of the v2 family.
    pub const PERSPECTIVE: Self = Self { method: WarpMethod::Perspective, interpolation: Interpolation::Linear };
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

/// Options of CropOnMarkers. The numbers are those of custom markers; other marks bring their own.
#[derive(Debug, Clone, PartialEq)]
pub struct CropOnMarkers {
    /// Whether one scale serves all four markers, or each mark is sought in its own zone.
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

/// The two ways to look for marks.
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
    /// v2 family: each mark has its own zone.
    Zones(MarkerZones),
}

/// The zones of a CropOnMarkers step of the v2 family, and what becomes of their points.
#[derive(Debug, Clone, PartialEq)]
pub struct MarkerZones {
    /// Size that the image is resized to for this step (`processingImageShape`).
    pub processing_size: Size,
    /// The zones that make up the page, its corners in order (top-left, top-right, bottom-right, bottom-left: a line
    /// holds two), then further ones.
    pub zones: Vec<MarkerZone>,
    /// How the page is straightened.
    pub warp: PageWarp,
    /// `croppingEnabled`: the points' box becomes the page. Otherwise the page keeps the picture's size, its points on
    /// their zones; by four corners it is cropped all the same.
    pub cropping: bool,
}

/// Where one mark is sought, what it looks like, and which of its points is taken.
#[derive(Debug, Clone, PartialEq)]
pub struct MarkerZone {
    /// The zone's name for messages: its key or its `label`.
    pub label: String,
    /// What it stands for on the page.
    pub place: MarkerPlace,
    /// What is sought.
    pub mark: Mark,
    /// Where the mark is expected; `None`: the middle of its quadrant.
    pub origin: Option<(i32, i32)>,
    /// Size of the expected place; `None`: the mark's size.
    pub dimensions: Option<Size>,
    /// How far around it the search goes; `None`: the whole quadrant.
    pub margins: Option<Margins>,
}

impl MarkerZone {
    /// The size of the expected place: the stated one, or the mark's.
    pub fn expected_size(&self) -> Size {
        /// OMRChecker's box for an L-shape whose size is not stated.
        const L_SIDE: u32 = 80;
        self.dimensions.unwrap_or(match &self.mark {
            Mark::Picture { size, .. } => *size,
            _ => Size::new(L_SIDE, L_SIDE),
        })
    }
}

/// What a mark stands for on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkerPlace {
    /// It gives a corner of the page.
    Corner(Corner),
    /// It gives a side of the page with both corners.
    Side(Side),
    /// It gives points beside the corners.
    Extra,
}

/// The closed set of marks.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    /// The printed picture that a file shows.
    Picture {
        /// The picture, resolved against the template's folder.
        reference: PathBuf,
        /// `markerDimensions`: the marker's size in the processing image.
        size: Size,
        /// The point that is taken.
        anchor: MarkerAnchor,
    },
    /// A dark dot of any shape.
    Dot {
        /// The point that is taken.
        anchor: MarkerAnchor,
        /// How dark it must be.
        tuning: BlobTuning,
    },
    /// A dark line, or a row of dashes that makes one.
    Line {
        /// The side of the page that it runs along.
        side: Side,
        /// The edge that is taken, seen from the page's middle.
        edge: LineEdge,
        /// How dark it must be.
        tuning: BlobTuning,
        /// At most so many points of its edge are taken.
        max_points: Option<u32>,
    },
    /// Two bars that meet in a right angle; the inner corner is taken.
    LShape(LTuning),
}

/// Tuning of dots (`dotKernel`, …) or lines (`lineKernel`, …).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BlobTuning {
    /// Width and height of the window that joins dark parts, three times over. Default 5×5 for dots, 2×10 for lines.
    pub kernel: (u32, u32),
    /// Grays above are paper. Default 150 for dots, 180 for lines.
    pub threshold: f64,
    /// Gaussian blur beforehand, odd sides. Default none.
    pub blur: Option<(u32, u32)>,
}

/// Tuning of L-shapes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LTuning {
    /// `morphKernelSize`, width and height. Default 5×5.
    pub kernel: (u32, u32),
    /// `morphIterations`. Default 2.
    pub iterations: u32,
    /// `minMarkerArea`, in square pixels. Default 500.
    pub min_area: f64,
    /// `maxMarkerArea`, in square pixels. Default 50000.
    pub max_area: f64,
}

/// A corner of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Corner {
    /// Top-left.
    TopLeft,
    /// Top-right.
    TopRight,
    /// Bottom-right.
    BottomRight,
    /// Bottom-left.
    BottomLeft,
}

impl Corner {
    /// Is it one of the two on the right?
    pub const fn is_right(self) -> bool {
        matches!(self, Self::TopRight | Self::BottomRight)
    }

    /// Is it one of the two below?
    pub const fn is_lower(self) -> bool {
        matches!(self, Self::BottomLeft | Self::BottomRight)
    }
}

/// A side of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// From the top-left to the top-right corner.
    Top,
    /// From the top-right to the bottom-right corner.
    Right,
    /// From the bottom-right to the bottom-left corner.
    Bottom,
    /// From the bottom-left to the top-left corner.
    Left,
}

/// Which edge of a line is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEdge {
    /// `LINE_OUTER_EDGE`.
    Outer,
    /// `LINE_INNER_EDGE`.
    Inner,
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

impl Template {
    /// Reads the template at `path`, of whatever dialect, with the warnings that it gives rise to. `config` governs it
    /// and tells v2-dev from v2 where the template's own keys do not; `reach` is where its pictures may lie.
    ///
    /// # Errors
    /// The file cannot be read, is not JSON, or has errors; then all of them.
    pub fn load(path: &Path, config: &Config, reach: Reach) -> Result<(Self, Vec<Problem>), DocumentError> {
        Self::read(&Document::load(path, config.limits.rules(reach))?, config)
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
        let mut paths: Vec<&PathBuf> = self.alignment_reference.iter().collect();
        for preprocessor in &self.preprocessors {
            match preprocessor {
                Preprocessor::AutoRotate(options) => paths.push(&options.reference),
                Preprocessor::FeatureBasedAlignment(options) => paths.push(&options.reference),
                Preprocessor::CropOnMarkers(options) => match &options.search {
                    MarkerSearch::OneScale { marker, .. } => paths.push(marker),
                    MarkerSearch::Zones(zones) => {
                        paths.extend(zones.zones.iter().filter_map(|zone| match &zone.mark {
                            Mark::Picture { reference, .. } => Some(reference),
                            _ => None,
                        }))
                    }
                },
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

    /// All fields with the numbers of their blocks, in template order.
    pub fn numbered_fields(&self) -> impl Iterator<Item = (usize, &Field)> {
        self.blocks.iter().enumerate().flat_map(|(i, block)| block.fields.iter().map(move |field| (i, field)))
    }

    /// The labels of the fields of all layouts, each once: those of the template's own in template order, then what each set
    /// adds.
    pub fn labels(&self) -> Vec<&str> {
        let mut seen = HashSet::new();
        let labels = self.layouts().flat_map(Self::fields).map(|(_, field)| field.label.as_str());
        labels.filter(|label| seen.insert(*label)).collect()
    }

    /// All fields with their blocks, in template order.
    pub fn fields(&self) -> impl Iterator<Item = (&FieldBlock, &Field)> {
        self.blocks.iter().flat_map(|block| block.fields.iter().map(move |field| (block, field)))
    }
}

#[cfg(test)]
mod tests;
