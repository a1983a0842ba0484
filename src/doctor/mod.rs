//! `omr doctor`: what a person needs to mend a template. Sheets are read as in a run, and nothing is scored.
//!
//! `scans` (which files) → `examine` (what one sheet shows) → `offsets` (where each block is printed, by all sheets) and
//! `ink` (grays, thresholds, readings that hang on them) → `proposal` (the template with other origins) → `text` and
//! `picture`. Nothing is written but the picture and, if asked for, the proposal; the template itself never is.

mod examine;
mod ink;
mod neighbours;
mod offsets;
mod picture;
mod proposal;
mod scans;
mod text;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::info;

use self::examine::Examined;
use self::offsets::BlockReport;
use self::proposal::Proposal;
use self::scans::Scanned;
use crate::batch::isolation;
use crate::batch::sources::Sources;
use crate::cli::DoctorArgs;
use crate::config::OutputMode;
use crate::evaluation::Evaluation;
use crate::imaging::overlay::EncodeError;
use crate::json::{Document, DocumentError, Rules};
use crate::links::Fence;
use crate::plan::{self, PlanError};
use crate::reach::Reach;
use crate::report_mark;
use crate::sheet::{Scratch, SheetContext};
use crate::template::Template;
use crate::walk::{GovernedTemplate, template_files};

/// What the proposal is called after the template's stem: `template.proposed.json`.
const PROPOSED: &str = ".proposed.json";

/// Why a template could not be examined.
#[derive(Debug, thiserror::Error)]
pub enum DoctorError {
    /// The template or its config is wrong.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The template cannot be made ready.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A scan or folder is not there, or there is nothing in it.
    #[error("`{}` {what}", path.display())]
    Scans {
        /// As typed.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A file could not be written.
    #[error("`{}` cannot be written: {source}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The picture could not be made.
    #[error("the picture cannot be made: {0}")]
    Picture(#[from] EncodeError),
}

/// What was found out.
#[derive(Debug)]
pub struct Report {
    /// The report.
    pub text: String,
    /// How many sheets could be read.
    pub read: usize,
}

/// A template and what governs it, as they lie on the disk.
struct Subject {
    template: PathBuf,
    config: Option<PathBuf>,
    governed: GovernedTemplate,
    context: SheetContext,
    /// Those of its documents.
    rules: Rules,
}

/// Examines a template with scans, writes the picture and, if asked for, the proposal.
///
/// # Errors
/// All that is wrong with what was named, or the first thing that could not be written.
pub fn run(args: &DoctorArgs) -> Result<Report, Vec<DoctorError>> {
    let one = |error: DoctorError| vec![error];
    let subject = Subject::load(args).map_err(one)?;
    let scans = scans::find(&args.scans, &subject.no_scans(), &subject.context.limits)?;
    check_picture(args, &subject, &scans).map_err(one)?;
    check_places(args, &subject).map_err(one)?;
    isolation::quieten_panics();
    let mut scratch = Scratch::default();
    let mut sheets: Vec<Examined> = Vec::with_capacity(scans.len());
    let mut drawn = picture::Room::default();
    let sources = Sources::new(subject.context.limits, Arc::new(Fence::None));
    for scan in &scans {
        let sheet = examine::sheet(scan, &sources, &subject.context, &mut scratch);
        sheets.push(if drawn.has_room_for(&sheet) { sheet } else { sheet.without_pictures() });
    }
    let read = sheets.iter().filter(|sheet| sheet.seen.is_ok()).count();
    let blocks = offsets::of_blocks(&subject.context, &sheets);
    let ink = ink::Ink::of(&sheets);
    let proposal = Proposal::of(&subject, &blocks).map_err(one)?;
    let tried = proposal.as_ref().and_then(|proposal| try_out(&subject, proposal, &scans, &sheets, &mut scratch));
    let picture = picture::of(&subject.context, &sheets, &blocks, &ink);
    save_picture(args, picture).map_err(one)?;
    let is_worse = tried.as_ref().is_some_and(|tried| tried.doubled > 0);
    let written = match &proposal {
        Some(proposal) if args.write && proposal.problem.is_none() && !is_worse => {
            let path = subject.proposed();
            save(&path, proposal.text.as_bytes()).map_err(one)?;
            Some(path)
        }
        _ => None,
    };
    let proposed = subject.proposed();
    let stale = Some(proposed.as_path()).filter(|path| written.is_none() && path.exists());
    let told = text::Told {
        subject: (&subject.template, subject.config.as_deref()),
        context: &subject.context,
        sheets: &sheets,
        blocks: &blocks,
        ink: &ink,
        proposal: proposal.as_ref(),
        tried: tried.as_ref(),
        written: written.as_deref(),
        stale,
        picture: &args.picture,
        all: args.talk.verbose,
    };
    Ok(Report { text: told.report(), read })
}

impl Subject {
    /// Pictures that are no scans unless they are named themselves: those that the template names, and the answer key of an
    /// evaluation beside it.
    fn no_scans(&self) -> Vec<PathBuf> {
        let evaluation = Evaluation::load(&self.template.with_file_name("evaluation.json"), self.rules);
        let keys = evaluation.iter().flat_map(|(evaluation, _)| evaluation.asset_paths());
        let named = self.governed.template.asset_paths().into_iter().chain(keys);
        named.filter_map(|path| path.canonicalize().ok()).collect()
    }

    /// Where the proposal is written: beside the template.
    fn proposed(&self) -> PathBuf {
        let mut name = self.template.file_stem().unwrap_or_default().to_owned();
        name.push(PROPOSED);
        self.template.with_file_name(name)
    }

    fn load(args: &DoctorArgs) -> Result<Self, DoctorError> {
        let (template, config) = template_files(&args.template, args.config.as_deref());
        let reach = Reach::allowing(args.allow_outside);
        let governed = GovernedTemplate::load(&template, config.as_deref(), reach)?;
        let rules = governed.config.limits.rules(reach);
        let context = plan::ready(&governed, OutputMode::Default)?;
        Ok(Self { template, config, governed, context, rules })
    }
}

/// What the sheets say when they are read by the proposal.
struct Tried {
    /// Offsets by the proposal.
    blocks: Vec<BlockReport>,
    /// Sheet, field, value by the template, value by the proposal.
    changed: Vec<(usize, String, String, String)>,
    /// So many fields more than by the template have several marks.
    doubled: usize,
}

/// Reads the sheets again by the proposal. `None` where it cannot be used.
fn try_out(
    subject: &Subject,
    proposal: &Proposal,
    scans: &[Scanned],
    sheets: &[Examined],
    scratch: &mut Scratch,
) -> Option<Tried> {
    let document = Document::parse_by(&subject.template, proposal.text.clone(), subject.rules).ok()?;
    let config = subject.governed.config.clone();
    let (template, _) = Template::read(&document, &config).ok()?;
    let governed = GovernedTemplate { template: Arc::new(template), config };
    let context = plan::ready(&governed, OutputMode::Default).ok()?;
    let sources = Sources::new(context.limits, Arc::new(Fence::None));
    let again: Vec<Examined> = sheets
        .iter()
        .zip(scans)
        .map(|(sheet, scan)| match sheet.seen.is_ok() {
            true => examine::sheet(scan, &sources, &context, scratch).without_pictures(),
            false => Examined::unread(&sheet.path),
        })
        .collect();
    let doubled = |sheets: &[Examined]| -> usize {
        let seen = sheets.iter().filter_map(|sheet| sheet.seen.as_ref().ok());
        seen.flat_map(|seen| &seen.fields).filter(|field| field.marks() > 1).count()
    };
    let doubled = doubled(&again).saturating_sub(doubled(sheets));
    let mut changed = Vec::new();
    for (i, (before, after)) in sheets.iter().zip(&again).enumerate() {
        let (Ok(old), Ok(new)) = (&before.seen, &after.seen) else { continue };
        for (label, value) in &old.values {
            if let Some((_, other)) = new.values.iter().find(|(name, other)| name == label && other != value) {
                changed.push((i, label.clone(), value.clone(), other.clone()));
            }
        }
    }
    Some(Tried { blocks: offsets::of_blocks(&context, &again), changed, doubled })
}

/// What is written must not take the place of what was read, nor of each other, and its places must be there.
fn check_places(args: &DoctorArgs, subject: &Subject) -> Result<(), DoctorError> {
    let folder_of = |path: &Path| match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    };
    let try_folder = |path: &Path| {
        let tried = tempfile::tempfile_in(folder_of(path));
        tried.map(drop).map_err(|source| DoctorError::Unwritable { path: path.to_path_buf(), source })
    };
    try_folder(&args.picture)?;
    if !args.write {
        return Ok(());
    }
    let proposed = subject.proposed();
    let same = |a: &Path, b: &Path| matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b) || a == b;
    let what = if same(&proposed, &subject.template) {
        "is the template itself: put it in the template's place, or give it another name, before --write makes the next"
    } else if same(&proposed, &args.picture) {
        "would be the picture and the proposal; give --picture another name"
    } else {
        return try_folder(&proposed);
    };
    Err(DoctorError::Scans { path: proposed, what: what.to_owned() })
}

/// The picture must not take the place of what it is made of.
fn check_picture(args: &DoctorArgs, subject: &Subject, scans: &[Scanned]) -> Result<(), DoctorError> {
    let Ok(real) = args.picture.canonicalize() else { return Ok(()) };
    let same = |path: &Path| path.canonicalize().is_ok_and(|other| other == real);
    let assets = subject.governed.template.asset_paths();
    let what = if args.picture.is_dir() {
        "is a folder; give --picture the name of a file"
    } else if scans.iter().any(|scan| same(&scan.file())) {
        "is one of the scans; give --picture another name"
    } else if same(&subject.template) || subject.config.as_deref().is_some_and(same) || assets.iter().any(|a| same(a)) {
        "belongs to the template; give --picture another name"
    } else if !report_mark::is_report(&args.picture) {
        "is there and was not made by omr doctor; give --picture another name"
    } else {
        return Ok(());
    };
    Err(DoctorError::Scans { path: args.picture.clone(), what: what.to_owned() })
}

fn save_picture(args: &DoctorArgs, picture: image::RgbImage) -> Result<(), DoctorError> {
    save(&args.picture, &picture::encode(&picture, &args.picture)?)
}

fn save(path: &Path, bytes: &[u8]) -> Result<(), DoctorError> {
    if path.exists() {
        info!("`{}` is replaced", path.display());
    }
    fs::write(path, bytes).map_err(|source| DoctorError::Unwritable { path: path.to_path_buf(), source })
}
