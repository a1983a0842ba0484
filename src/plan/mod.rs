//! Everything that can be settled before the first sheet is read: templates made ready, marker pictures loaded, names
//! of outputs decided, workers counted. What fails here fails at once and costs no sheet.

pub mod key_sheet;
pub mod recall;
pub mod setting;

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use image::GrayImage;
use tracing::warn;

use self::recall::{GoneFolder, RecallError};
use self::setting::Settings;
use crate::cli::ReaderArg;
use crate::config::{Limits, OutputMode, Reader};
use crate::deadline::Deadline;
use crate::digest::Digest;
use crate::evaluation::{Evaluation, SetupProblem};
use crate::file_content;
use crate::file_names::shown;
use crate::images::Image;
use crate::json::DocumentError;
use crate::options::{Options, Root, Task, cores};
use crate::outputs::grouping::Grouping;
use crate::outputs::journal::Setting;
use crate::outputs::paths::{FolderPaths, ORGANIZED};
use crate::scoring::{Built, Scorer, SheetValues};
use crate::shard::Shard;
use crate::sheet::decode::{self, GrayRule, Wanted, WantedColour};
use crate::sheet::preprocess::PrepareError;
use crate::sheet::{SheetContext, SheetScoring};
use crate::tesseract::Tesseract;
use crate::walk::{Folder, GovernedTemplate, WalkError, Walked, walk};

/// A run that is ready to start.
pub struct Plan {
    /// Folders in input order.
    pub folders: Vec<FolderPlan>,
    /// Folders that an earlier run read, and that were not found.
    pub gone: Vec<GoneFolder>,
    /// Folders without images and sub-folders.
    pub empty: Vec<PathBuf>,
    /// Images that were written to so lately that they are left for the next run.
    pub unsettled: usize,
    /// Images that the walk found, whatever the shard.
    pub found: usize,
    /// Digest of their names.
    pub listing: Digest,
    /// What the sheets of all folders are read by, each once, whatever the shard.
    pub settings: Vec<Setting>,
}

/// A folder that is ready to be read.
pub struct FolderPlan {
    /// The folder.
    pub folder: Folder,
    /// Its template, made ready.
    pub context: Arc<SheetContext>,
    /// How its sheets are scored, if they are.
    pub scoring: Option<Arc<SheetScoring>>,
    /// Where its sheets are grouped, if they are.
    pub grouping: Option<Grouping>,
    /// Where everything goes.
    pub paths: FolderPaths,
    /// The number of its input among those of the command line.
    pub root: usize,
    /// What its sheets are read by.
    pub setting: Setting,
    /// The name of its template that all folders which share it have in common.
    pub template_key: PathBuf,
    /// Names of the sheets that an earlier run read, and whose files are not read now: mostly they have gone.
    pub gone: HashSet<OsString>,
    /// Images that were written to so lately that they are left for the next run.
    pub fresh: Vec<Image>,
    /// Sheets read at a time.
    pub workers: Workers,
}

/// How many sheets are read at a time, and what was wished for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workers {
    /// Threads of the folder's pool.
    pub count: usize,
    /// What the flag, the config or the default asked for.
    pub wished: usize,
    /// Why `count` is less than wished for.
    pub limit: Option<WorkerLimit>,
}

/// What keeps a folder from using all the workers that it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkerLimit {
    /// `show_image_level` is above 0: pictures are looked at one by one.
    PicturesShown,
    /// The folder has fewer images.
    FewImages,
}

/// Why a run cannot start.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The tree or its documents are wrong.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// A template cannot be made ready.
    #[error("{}: {source}", template.display())]
    Template {
        /// The template's file.
        template: PathBuf,
        /// What is wrong.
        source: PrepareError,
    },
    /// An answer key is wrong, or does not fit its evaluation or template.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Scoring(Vec<SetupProblem>),
    /// Rows of an earlier run do not fit.
    #[error(transparent)]
    Recall(#[from] RecallError),
    /// File grouping asks for what there is not.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Grouping(Vec<SetupProblem>),
}

impl PlanError {
    /// What is wrong: a text for each problem of a document, else one.
    pub fn messages(&self) -> Vec<String> {
        match self {
            Self::Walk(WalkError::Document(DocumentError::Invalid { problems })) => {
                problems.iter().map(ToString::to_string).collect()
            }
            Self::Scoring(problems) | Self::Grouping(problems) => problems.iter().map(ToString::to_string).collect(),
            other => vec![other.to_string()],
        }
    }
}

impl FolderPlan {
    /// Its path below its input root.
    pub fn below_root(&self, roots: &[Root]) -> PathBuf {
        below_root(&self.folder.place, roots).to_path_buf()
    }

    /// Do multi-marked sheets go to a table of their own?
    pub fn diverts_multi_marked(&self) -> bool {
        self.folder.config.outputs.filter_out_multimarked_files
    }
}

impl Plan {
    /// Walks the inputs and makes everything ready.
    ///
    /// # Errors
    /// All that is wrong, together.
    pub fn prepare(options: &Options) -> Result<Self, Vec<PlanError>> {
        let Walked { folders, empty } =
            walk(options).map_err(|errors| errors.into_iter().map(PlanError::from).collect::<Vec<_>>())?;
        let mut contexts: HashMap<(*const GovernedTemplate, OutputMode), Arc<SheetContext>> = HashMap::new();
        let mut errors = Vec::new();
        let mut plans = Vec::with_capacity(folders.len());
        let mut failed: Vec<(*const GovernedTemplate, OutputMode)> = Vec::new();
        let mut scorers = Scorers::default();
        let mut setting_of = Settings::default();
        let (mut unsettled, mut found) = (0, 0);
        for mut folder in folders {
            let fresh = take_unsettled(&mut folder, options.settle);
            unsettled += fresh.len();
            found += folder.images.len();
            if folder.images.is_empty() && !options.resume {
                continue;
            }
            if options.no_pictures {
                let outputs = &mut Arc::make_mut(&mut folder.config).outputs;
                (outputs.save_detections, outputs.save_image_level) = (false, 0);
            }
            setting_of.look_at(&folder);
            let mode = options.mode.or(folder.config.outputs.mode).unwrap_or_default();
            let key = (Arc::as_ptr(&folder.template), mode);
            if failed.contains(&key) {
                continue;
            }
            let context = match contexts.get(&key) {
                Some(context) => context.clone(),
                None => match ready(&folder.template, mode).map(|context| by_reader(context, options)) {
                    Ok(context) => {
                        tell_of_symmetry(&context);
                        contexts.entry(key).or_insert(Arc::new(context)).clone()
                    }
                    Err(error) => {
                        failed.push(key);
                        errors.push(error);
                        continue;
                    }
                },
            };
            let scoring = match scorers.of(&folder, &context) {
                Ok(scoring) => scoring,
                Err(problems) => {
                    errors.push(PlanError::Scoring(problems));
                    continue;
                }
            };
            let grouping = match folder.config.outputs.grouping.as_ref().filter(|_| options.task == Task::Read) {
                Some(grouping) => match Grouping::bind(grouping, &context.template.columns, scoring.is_some()) {
                    Ok(bound) => Some(bound),
                    Err(problems) => {
                        let is_known = |problem: &SetupProblem| {
                            errors.iter().any(|e| matches!(e, PlanError::Grouping(known) if known.contains(problem)))
                        };
                        let fresh: Vec<_> = problems.into_iter().filter(|problem| !is_known(problem)).collect();
                        if !fresh.is_empty() {
                            errors.push(PlanError::Grouping(fresh));
                        }
                        continue;
                    }
                },
                None => None,
            };
            let workers = Workers::of(options, &folder);
            let paths = FolderPaths::of(&options.output, &folder.place, folder.images.iter().map(Image::name));
            let setting = setting_of.of(&folder, &context, mode, options);
            let template_key = setting_of.template(&context.template.file);
            let gone = HashSet::new();
            let root = root_of(&folder.place, &options.roots).0;
            plans.push(FolderPlan {
                root,
                paths,
                folder,
                context,
                scoring,
                grouping,
                workers,
                setting,
                template_key,
                gone,
                fresh,
            });
        }
        let listing = listing_of(&plans);
        let mut settings: Vec<Setting> = plans.iter().map(|plan| plan.setting.clone()).collect();
        settings.sort_by_key(|setting| setting.id);
        settings.dedup_by_key(|setting| setting.id);
        if options.task == Task::Read {
            errors.extend(mixed_with_grouping(&plans));
        }
        if errors.is_empty() {
            Ok(Self { folders: plans, gone: Vec::new(), empty, unsettled, found, listing, settings })
        } else {
            Err(errors)
        }
    }

    /// Leaves out what is not in a shard's share. Names of outputs stay those that all images together give.
    pub fn keep_share(&mut self, shard: Shard, options: &Options) {
        for plan in &mut self.folders {
            let place = &plan.folder.place;
            plan.folder.images.retain(|image| is_of(shard, place, image, options));
            plan.workers = Workers::of(options, &plan.folder);
        }
        self.folders.retain(|plan| !plan.folder.images.is_empty());
        for gone in &mut self.gone {
            let below = &gone.line.below;
            gone.images.retain(|image| shard.has(&below.join(image.file())));
        }
        self.gone.retain(|gone| !gone.images.is_empty());
    }

    /// Images of all folders.
    pub fn images(&self) -> usize {
        self.folders.iter().map(|f| f.folder.images.len()).sum()
    }

    /// One line that says where fewer workers are used than asked for because pictures are shown, if that is so.
    pub fn why_one_by_one(&self) -> Option<String> {
        let viewed: Vec<&FolderPlan> =
            self.folders.iter().filter(|f| f.workers.limit == Some(WorkerLimit::PicturesShown)).collect();
        let wished = viewed.iter().map(|f| f.workers.wished).max()?;
        let place = match viewed.as_slice() {
            all if all.len() == self.folders.len() => "sheets are read".to_owned(),
            [one] => format!("the sheets of `{}` are read", shown(&one.folder.dir).join("").display()),
            several => format!("the sheets of {} folders are read", several.len()),
        };
        Some(format!("{place} one after the other, with 1 worker instead of {wished}: `show_image_level` is above 0"))
    }

    /// One line that says why more than one worker brings nothing in this run, if that is so.
    pub fn why_no_speed_up(&self) -> Option<String> {
        let wished = self.folders.iter().map(|f| f.workers.wished).max().unwrap_or(1);
        if wished == 1 || self.folders.is_empty() {
            return None;
        }
        if self.folders.iter().all(|f| f.workers.limit == Some(WorkerLimit::PicturesShown)) {
            // Told by `why_one_by_one`.
            return None;
        }
        if cores() == 1 {
            return Some(format!("{wished} workers bring nothing here: this process may use one core"));
        }
        if self.images() > 1 && self.folders.iter().all(|f| f.folder.images.len() == 1) {
            let message = "bring nothing here: every folder has one image, and folders are processed one by one";
            return Some(format!("{wished} workers {message}"));
        }
        None
    }
}

impl Workers {
    fn of(options: &Options, folder: &Folder) -> Self {
        let wished = options.workers(folder.config.max_parallel_workers);
        let images = folder.images.len();
        if options.task == Task::Read && folder.config.outputs.show_image_level > 0 && wished > 1 {
            return Self { count: 1, wished, limit: Some(WorkerLimit::PicturesShown) };
        }
        let limit = (images < wished).then_some(WorkerLimit::FewImages);
        Self { count: wished.min(images).max(1), wished, limit }
    }
}

/// Takes the images out of a folder that were written to in the last `settle`. A file of the future, as clocks that disagree make
/// them, counts by how far it is away, too.
fn take_unsettled(folder: &mut Folder, settle: Duration) -> Vec<Image> {
    if settle.is_zero() {
        return Vec::new();
    }
    let now = SystemTime::now();
    let is_settled = |image: &Image| {
        let modified = folder.dir.join(image.file()).metadata().and_then(|metadata| metadata.modified());
        let age = |at: SystemTime| now.duration_since(at).unwrap_or_else(|future| future.duration());
        modified.map_or(true, |at| age(at) >= settle)
    };
    let (settled, fresh) = std::mem::take(&mut folder.images).into_iter().partition(is_settled);
    folder.images = settled;
    fresh
}

/// Is an image of the folder at `place` in a shard's share?
pub fn is_of(shard: Shard, place: &Path, image: &Image, options: &Options) -> bool {
    shard.has(&below_root(place, &options.roots).join(image.file()))
}

/// The path below its input root of the folder at `place` under the output folder.
fn below_root<'p>(place: &'p Path, roots: &[Root]) -> &'p Path {
    let (_, root) = root_of(place, roots);
    root.and_then(|root| place.strip_prefix(&root.place).ok()).unwrap_or(place)
}

/// The input root of the folder at `place` under the output folder, and its number; a root that is named no more comes after all
/// others.
fn root_of<'r>(place: &Path, roots: &'r [Root]) -> (usize, Option<&'r Root>) {
    let above = roots.iter().enumerate().filter(|(_, root)| place.starts_with(&root.place));
    // The place of one may be empty, and all others lie in it.
    let nearest = above.min_by_key(|(_, root)| Reverse(root.place.components().count()));
    nearest.map_or((usize::MAX, None), |(number, root)| (number, Some(root)))
}

/// Digest of all places and names.
fn listing_of(plans: &[FolderPlan]) -> Digest {
    let names = plans.iter().flat_map(|plan| {
        let place = plan.folder.place.as_os_str().as_encoded_bytes();
        plan.folder.images.iter().flat_map(move |image| [place, image.name().as_encoded_bytes()])
    });
    Digest::of_parts(names)
}

/// Folders whose outputs would lie among the grouped sheets of another.
fn mixed_with_grouping(plans: &[FolderPlan]) -> Option<PlanError> {
    let mixed = plans.iter().filter_map(|plan| {
        let grouping = plan.folder.config.outputs.grouping.as_ref()?;
        let place = plan.paths.organized();
        let other = plans.iter().find(|other| other.folder.place.starts_with(&place))?;
        let message = format!(
            "`outputs.fileGrouping` puts sheets into `{}`, where the outputs of the input folder `{}` go",
            place.display(),
            shown(&other.folder.dir).display()
        );
        let hint = format!("give that folder another name than `{ORGANIZED}`");
        Some(SetupProblem::new(&grouping.file, message).hint(hint))
    });
    let mixed: Vec<SetupProblem> = mixed.collect();
    (!mixed.is_empty()).then_some(PlanError::Grouping(mixed))
}

/// What a scorer is made for: a template, an evaluation, and whether multi-marked sheets are diverted.
type ScorerKey = (*const SheetContext, *const Evaluation, bool);

/// The scorers of a plan: folders that share all that a scorer is made of share the scorer, and its problems are told
/// once.
#[derive(Default)]
struct Scorers(HashMap<ScorerKey, Option<Arc<SheetScoring>>>);

impl Scorers {
    fn of(
        &mut self,
        folder: &Folder,
        context: &Arc<SheetContext>,
    ) -> Result<Option<Arc<SheetScoring>>, Vec<SetupProblem>> {
        let Some(evaluation) = &folder.evaluation else { return Ok(None) };
        let diverts = folder.config.outputs.filter_out_multimarked_files;
        let key = (Arc::as_ptr(context), Arc::as_ptr(evaluation), diverts);
        if let Some(known) = self.0.get(&key) {
            return Ok(known.clone());
        }
        let built = key_sheet::scoring(evaluation, context, diverts);
        let scoring = built.as_ref().ok().map(|(scoring, _)| Arc::clone(scoring));
        self.0.insert(key, scoring.clone());
        let (_, warnings) = built?;
        warnings.iter().for_each(|warning| warn!("{warning}"));
        Ok(scoring)
    }
}

/// Says once that sheets of a template cannot tell how they lie. It is no doubt about any of them.
fn tell_of_symmetry(context: &SheetContext) {
    if context.is_symmetric() {
        warn!(
            "{}: the bubbles lie the same way upside down, so a sheet that was fed upside down is not noticed; markers that \
             differ from each other, a bar code or AutoRotate would tell",
            context.template.file.display()
        );
    }
}

/// `--reader` wins over every config.
fn by_reader(context: SheetContext, options: &Options) -> SheetContext {
    match options.setup.reader {
        Some(ReaderArg::Ink) => context.with_reader(Reader::Ink),
        Some(ReaderArg::Classic) => context.with_reader(Reader::Classic),
        None => context,
    }
}

/// Makes a template ready for an output mode: its pictures loaded, and the recogniser found if it has text fields.
///
/// # Errors
/// [`PlanError::Template`].
pub fn ready(governed: &GovernedTemplate, mode: OutputMode) -> Result<SheetContext, PlanError> {
    let template = governed.template.clone();
    let file = template.file.clone();
    let needs_text = template.has_text_fields();
    let limits = governed.config.limits;
    let load = |path: &Path| load_picture(path, &limits);
    let prepared = SheetContext::prepare(template, &governed.config, mode, &load).and_then(|context| {
        if !needs_text {
            return Ok(context);
        }
        let found = Tesseract::find().map_err(|missing| PrepareError::Impossible(missing.to_string()))?;
        Ok(context.with_recogniser(found))
    });
    prepared.map_err(|source| PlanError::Template { template: file, source })
}

/// Reads a picture that a template names.
fn load_picture(path: &Path, limits: &Limits) -> Result<GrayImage, PrepareError> {
    let asset = |detail: String| PrepareError::Asset { path: path.to_path_buf(), detail };
    let bytes =
        file_content::read(path, limits.max_file_bytes).map_err(|e| asset(format!("the template's picture {e}")))?;
    let wanted = Wanted { colour: WantedColour::None, gray: GrayRule::Direct };
    let deadline = Deadline::after(limits.time_per_sheet);
    let least = decode::Limits { max_pixels: limits.max_pixels, min_side: 1, deadline };
    let decoded = decode::decode(&bytes, wanted, least).map_err(|e| asset(e.to_string()))?;
    Ok(decoded.gray)
}
