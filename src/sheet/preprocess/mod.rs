//! The steps between the decoded picture and the page, in the template's order. A file for each kind of step.

mod auto_rotate;
mod colours;
mod crop_page;
mod feature_alignment;
mod markers;
mod straighten;

use std::path::{Path, PathBuf};

use image::GrayImage;

use self::auto_rotate::Rotator;
pub use self::colours::Colours;
use self::feature_alignment::Aligner;
use self::markers::MarkerFinder;
use super::Scratch;
use super::clock::Part;
use super::error::SheetError;
use super::stages::{Drawn, Kind, Stages};
use super::time_limit;
use crate::config::Config;
use crate::dialect::Dialect;
use crate::geometry::Size;
use crate::imaging::orient::{self, Turn};
use crate::imaging::sketch::Sketch;
use crate::imaging::{blur, resize, tone};
use crate::template::{ContrastMode, CropPage, GaussianBlur, MedianBlur, Preprocessor, Template};

/// A picture on its way to the page.
#[derive(Debug, Clone, PartialEq)]
pub struct Raster {
    /// 8-bit gray.
    pub gray: GrayImage,
    /// The same in colour, if it is wanted.
    pub colour: Option<Colours>,
    /// The same as it was before filters changed its grays; `None`: no filter did. Filters are chosen to make marks and
    /// edges plain, and may wash out what ink is measured by.
    pub unfiltered: Option<GrayImage>,
}

impl Raster {
    /// The picture of a sheet that lies turned like this, turned back.
    pub fn turned_back(self, turn: Turn) -> Self {
        Self {
            gray: orient::turned_back(self.gray, turn),
            colour: self.colour.map(|colour| colour.turned_back(turn)),
            unfiltered: self.unfiltered.map(|gray| orient::turned_back(gray, turn)),
        }
    }

    /// The picture at `size`; nothing is done when it has it already.
    pub fn resized(self, size: Size) -> Self {
        if self.gray.dimensions() == (size.width, size.height) {
            return self;
        }
        Self {
            gray: resize::linear(&self.gray, size),
            colour: self.colour.map(|colour| colour.resized(size)),
            unfiltered: self.unfiltered.map(|gray| resize::linear(&gray, size)),
        }
    }
}

/// Why a template's steps could not be made ready.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrepareError {
    /// A picture that the template names could not be used.
    #[error("`{}`: {detail}", path.display())]
    Asset {
        /// The picture.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The template asks for something that cannot work on any sheet.
    #[error("{0}")]
    Impossible(String),
}

/// Loads a picture that a template names, as gray.
pub type LoadPicture<'a> = &'a dyn Fn(&Path) -> Result<GrayImage, PrepareError>;

/// The steps of a template, with everything that does not depend on the sheet done beforehand.
pub struct Steps {
    /// Size that the decoded picture is brought to first.
    processing_size: Size,
    steps: Vec<Step>,
    output_size: Option<Size>,
}

struct Step {
    /// Size that the step works at; `None`: whatever the step before left.
    resize_to: Option<Size>,
    work: Work,
}

enum Work {
    AutoRotate(Rotator),
    CropPage(CropPage),
    CropOnMarkers(Box<MarkerFinder>),
    FeatureBasedAlignment(Aligner),
    GaussianBlur { kernel: (u32, u32), sigma: f64 },
    MedianBlur { kernel: u32 },
    Tone(Tone, Box<[u8; 256]>),
    AutoContrast { clip_percentage: f64 },
}

/// Which step has a table of grays.
enum Tone {
    Levels,
    Contrast,
}

impl Steps {
    /// Makes a template's steps ready. `config` is the one that governs the template.
    ///
    /// # Errors
    /// [`PrepareError`]: a picture that cannot be loaded, a step that cannot work.
    pub fn prepare(template: &Template, config: &Config, load: LoadPicture<'_>) -> Result<Self, PrepareError> {
        let processing_size = template.processing_size.unwrap_or(config.processing_size);
        step_sizes_are_possible(template, processing_size, config.limits.max_pixels)?;
        let steps = template.preprocessors.iter().map(|preprocessor| {
            let size = own_size(preprocessor).unwrap_or(processing_size);
            let work = Work::prepare(preprocessor, size, config, load)?;
            // v1 resizes once, before the first step; the v2 family before every step, but for one that resizes itself.
            let resizes_itself = matches!(work, Work::AutoRotate(_));
            let resize_to = (template.dialect != Dialect::V1 && !resizes_itself).then_some(size);
            Ok(Step { resize_to, work })
        });
        Ok(Self { processing_size, steps: steps.collect::<Result<_, _>>()?, output_size: template.output_size })
    }

    /// True when a step looks at colours, given that the config allows it.
    pub fn look_at_colour(template: &Template) -> bool {
        template.preprocessors.iter().any(|p| matches!(p, Preprocessor::CropPage(options) if options.colored_canny))
    }

    /// True when a step turns sheets by a reference picture.
    pub fn turn_by_a_reference(template: &Template) -> bool {
        template.preprocessors.iter().any(|p| matches!(p, Preprocessor::AutoRotate(_)))
    }

    /// Applies all steps. `turned`: the picture was turned already by what the sheet itself tells, so AutoRotate leaves it.
    /// What each step searched, found and made can be looked at in `stages`.
    ///
    /// # Errors
    /// page-not-found, marker-not-found, orientation-uncertain, alignment-failed or time-limit.
    pub fn apply(
        &self,
        raster: Raster,
        turned: bool,
        scratch: &mut Scratch,
        stages: &mut Stages,
    ) -> Result<Raster, SheetError> {
        scratch.clock.begin(Part::Resize);
        time_limit::check(scratch.deadline)?;
        // A sheet that lies on its side must not be squeezed into an upright frame before it is turned.
        let mut raster = match self.steps.first() {
            Some(Step { work: Work::AutoRotate(_), .. }) => raster,
            _ => raster.resized(self.processing_size),
        };
        for step in &self.steps {
            if let Some(size) = step.resize_to {
                scratch.clock.begin(Part::Resize);
                raster = raster.resized(size);
            }
            scratch.clock.begin(step.work.part());
            let applied = match &step.work {
                Work::AutoRotate(rotator) if turned => Ok(rotator.keep(raster)),
                work => work.apply_and_show(raster, scratch, stages),
            };
            // A step that found no time found nothing else either.
            time_limit::check(scratch.deadline)?;
            raster = applied?;
        }
        scratch.clock.begin(Part::Resize);
        Ok(match self.output_size {
            Some(size) => raster.resized(size),
            None => raster,
        })
    }
}

/// OMRChecker multiplies by this whatever a template asks for. Templates with `auto` were tuned on pages whose paper came
/// out white all over, shadows included; a gentler stretch of a photo would leave them. So the histogram decides on pages
/// that are too dim for it.
const LEAST_AUTO_CONTRAST: f64 = 1.75;

/// Checks that the sizes between the decoded picture and the page can be held, and can work at all.
fn step_sizes_are_possible(template: &Template, processing_size: Size, max_pixels: u64) -> Result<(), PrepareError> {
    // Marks are sought in several copies at once, which together must fit into memory; A4 at 600 dots per inch has less.
    const MOST: u64 = 40_000_000;
    let most = MOST.min(max_pixels);
    let own = template.preprocessors.iter().filter_map(own_size);
    for size in own.chain(template.output_size).chain([processing_size, template.page_size]) {
        if size.pixels() > most {
            let limit = if max_pixels < MOST { "`limits.max_pixels`" } else { "whatever `limits.max_pixels` says" };
            return Err(PrepareError::Impossible(format!(
                "sheets cannot be brought to {size} pixels; at most {most} can be worked on ({limit})"
            )));
        }
    }
    let crops_page = template.preprocessors.iter().any(|p| matches!(p, Preprocessor::CropPage(_)));
    if crops_page && (processing_size.pixels() as f64) < crop_page::MIN_AREA {
        return Err(PrepareError::Impossible(format!(
            "CropPage can find no page: one has at least {} pixels of the processing image, which has {processing_size}; \
             make the processing size larger",
            crop_page::MIN_AREA
        )));
    }
    Ok(())
}

/// A step's own `processingImageShape`. CropPage has none that counts: OMRChecker ignores it there.
fn own_size(preprocessor: &Preprocessor) -> Option<Size> {
    match preprocessor {
        Preprocessor::AutoRotate(_) | Preprocessor::CropPage(_) => None,
        Preprocessor::CropOnMarkers(options) => options.search.processing_size(),
        Preprocessor::FeatureBasedAlignment(options) => options.processing_size,
        Preprocessor::GaussianBlur(GaussianBlur { processing_size, .. })
        | Preprocessor::MedianBlur(MedianBlur { processing_size, .. }) => *processing_size,
        Preprocessor::Levels(options) => options.processing_size,
        Preprocessor::Contrast(options) => options.processing_size,
    }
}

impl Work {
    /// `size` is the one that the step works at.
    fn prepare(
        preprocessor: &Preprocessor,
        size: Size,
        config: &Config,
        load: LoadPicture<'_>,
    ) -> Result<Self, PrepareError> {
        Ok(match preprocessor {
            Preprocessor::AutoRotate(options) => Self::AutoRotate(Rotator::prepare(options, size, load)?),
            Preprocessor::CropPage(options) => Self::CropPage(options.clone()),
            Preprocessor::CropOnMarkers(options) => {
                Self::CropOnMarkers(Box::new(MarkerFinder::prepare(options, size, config.thresholds.gamma_low, load)?))
            }
            Preprocessor::FeatureBasedAlignment(options) => {
                Self::FeatureBasedAlignment(Aligner::prepare(options, size, load)?)
            }
            // OMRChecker cuts sigma to a whole number.
            Preprocessor::GaussianBlur(o) => Self::GaussianBlur { kernel: o.kernel, sigma: o.sigma.trunc() },
            Preprocessor::MedianBlur(o) => Self::MedianBlur { kernel: o.kernel },
            Preprocessor::Levels(o) => Self::Tone(Tone::Levels, Box::new(tone::levels_table(o.low, o.high, o.gamma))),
            Preprocessor::Contrast(o) => match o.mode {
                ContrastMode::Manual { alpha, beta } => {
                    Self::Tone(Tone::Contrast, Box::new(tone::contrast_table(alpha, beta)))
                }
                ContrastMode::Auto { clip_percentage } => Self::AutoContrast { clip_percentage },
            },
        })
    }

    /// The step's name in a template.
    const fn name(&self) -> &'static str {
        match self {
            Self::AutoRotate(_) => "AutoRotate",
            Self::CropPage(_) => "CropPage",
            Self::CropOnMarkers(_) => "CropOnMarkers",
            Self::FeatureBasedAlignment(_) => "FeatureBasedAlignment",
            Self::GaussianBlur { .. } => "GaussianBlur",
            Self::MedianBlur { .. } => "MedianBlur",
            Self::Tone(Tone::Levels, _) => "Levels",
            Self::Tone(Tone::Contrast, _) | Self::AutoContrast { .. } => "Contrast",
        }
    }

    /// What its time counts as.
    const fn part(&self) -> Part {
        match self {
            Self::AutoRotate(_) | Self::FeatureBasedAlignment(_) => Part::Reference,
            Self::CropPage(_) => Part::CropPage,
            Self::CropOnMarkers(_) => Part::CropOnMarkers,
            Self::GaussianBlur { .. } | Self::MedianBlur { .. } | Self::Tone(..) | Self::AutoContrast { .. } => {
                Part::Filter
            }
        }
    }

    /// Does it change grays, and nothing else?
    const fn is_filter(&self) -> bool {
        match self {
            Self::AutoRotate(_) | Self::CropPage(_) | Self::CropOnMarkers(_) | Self::FeatureBasedAlignment(_) => false,
            Self::GaussianBlur { .. } | Self::MedianBlur { .. } | Self::Tone(..) | Self::AutoContrast { .. } => true,
        }
    }

    /// Applies the step, and offers what it made or what it could do nothing with.
    fn apply_and_show(&self, raster: Raster, scratch: &mut Scratch, stages: &mut Stages) -> Result<Raster, SheetError> {
        let before = stages.want(Kind::Failure).then(|| (raster.gray.clone(), stages.failures()));
        let applied = self.apply(raster, scratch, stages);
        match &applied {
            Ok(raster) => stages.record(Kind::Step, |most| {
                let (width, height) = raster.gray.dimensions();
                let picture = Sketch::of(&raster.gray, most).finish();
                Drawn { title: self.name().to_owned(), notes: vec![format!("{width}×{height} px")], picture }
            }),
            // A step that has more to show of its failure did so.
            Err(error) => {
                if let Some((gray, failures)) = before
                    && stages.failures() == failures
                {
                    stages.record(Kind::Failure, |most| {
                        let notes = vec![format!("{}: {}", error.reason.as_str(), error.detail)];
                        let picture = Sketch::of(&gray, most).finish();
                        Drawn { title: format!("{} failed", self.name()), notes, picture }
                    });
                }
            }
        }
        applied
    }

    /// Filters change the gray picture alone, as OMRChecker does; crops change both.
    fn apply(&self, mut raster: Raster, scratch: &mut Scratch, stages: &mut Stages) -> Result<Raster, SheetError> {
        if self.is_filter() && raster.unfiltered.is_none() {
            raster.unfiltered = Some(raster.gray.clone());
        }
        match self {
            Self::AutoRotate(rotator) => return rotator.apply(raster, &mut scratch.matcher, stages),
            Self::CropPage(options) => return crop_page::apply(raster, options, stages),
            Self::CropOnMarkers(finder) => return finder.apply(raster, scratch, stages),
            Self::FeatureBasedAlignment(aligner) => return aligner.apply(raster, stages),
            Self::GaussianBlur { kernel, sigma } => raster.gray = blur::gaussian(&raster.gray, *kernel, *sigma),
            Self::MedianBlur { kernel } => raster.gray = blur::median(&raster.gray, *kernel),
            Self::Tone(_, table) => tone::apply(&mut raster.gray, table),
            Self::AutoContrast { clip_percentage } => {
                let (alpha, beta) = match tone::auto_contrast(&raster.gray, *clip_percentage) {
                    // The gray that the stretch makes white is white by the factor alone.
                    (alpha, beta) if (255.0 - beta) / alpha * LEAST_AUTO_CONTRAST >= 255.0 => {
                        (LEAST_AUTO_CONTRAST, 0.0)
                    }
                    stretch => stretch,
                };
                tone::apply(&mut raster.gray, &tone::contrast_table(alpha, beta));
            }
        }
        Ok(raster)
    }
}
