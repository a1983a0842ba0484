//! What one sheet shows: read as in a run, and where each block is printed.

use std::path::{Path, PathBuf};

use image::GrayImage;

use super::scans::Scanned;
use crate::batch::isolation;
use crate::batch::sources::Sources;
use crate::scoring::SheetNames;
use crate::sheet::judge::{FieldJudgement, Scale};
use crate::sheet::print::PrintFit;
use crate::sheet::stages::{Kind, Stage};
use crate::sheet::{Inspection, Levels, Reason, Scratch, SheetContext, SheetError, Stages, Turn, inspect};
use crate::template::{Bubble, Field};

/// Pictures of failures are as wide as the other panels, in pixels.
const PANEL_WIDTH: u32 = 900;

/// A sheet that was looked at.
pub(super) struct Examined {
    pub path: PathBuf,
    pub seen: Result<Seen, SheetError>,
    /// What its steps found, a line each.
    pub steps: Vec<String>,
    /// What the step that failed was looking at.
    pub failure: Option<Stage>,
}

/// What a sheet that could be read shows.
pub(super) struct Seen {
    /// For the picture: kept as long as it may be drawn there.
    pub page: Option<GrayImage>,
    pub turn: Turn,
    pub doubt: Option<String>,
    /// The number of its layout.
    pub layout: usize,
    /// One entry a block of its layout.
    pub blocks: Vec<BlockSeen>,
    /// What levels and thresholds are.
    pub scale: Scale,
    pub page_threshold: f64,
    /// One entry a field of its layout, with its bubbles.
    pub fields: Vec<FieldSeen>,
    /// Labels of fields with their values.
    pub values: Vec<(String, String)>,
}

/// A block on a sheet.
pub(super) struct BlockSeen {
    /// `None`: it has no bubbles, or there is no print.
    pub print: Option<PrintFit>,
    /// How far it was moved before it was read, in page pixels.
    pub read_at: (f64, f64),
}

/// The bubbles of a field, and what they were judged by.
pub(super) struct FieldSeen {
    pub label: String,
    pub threshold: f64,
    pub bubbles: Vec<BubbleSeen>,
}

/// A bubble as it was judged.
pub(super) struct BubbleSeen {
    pub value: String,
    pub level: f64,
    pub is_marked: bool,
}

impl FieldSeen {
    /// How many of its bubbles are marked.
    pub fn marks(&self) -> usize {
        self.bubbles.iter().filter(|bubble| bubble.is_marked).count()
    }
}

impl Examined {
    /// Without its pictures, which are what takes room.
    pub fn without_pictures(mut self) -> Self {
        self.failure = None;
        if let Ok(seen) = &mut self.seen {
            seen.page = None;
        }
        self
    }

    /// A sheet that was not looked at, for its place in a list.
    pub fn unread(path: &Path) -> Self {
        let error = SheetError::new(Reason::InternalError, "not read");
        Self { path: path.to_path_buf(), seen: Err(error), steps: Vec::new(), failure: None }
    }
}

/// Looks at a sheet.
pub(super) fn sheet(scan: &Scanned, sources: &Sources, context: &SheetContext, scratch: &mut Scratch) -> Examined {
    // Failures, and what steps found.
    let mut stages = Stages::of(Levels { saved: Kind::Found.saved_from(), shown: 0 }, PANEL_WIDTH);
    let names = SheetNames::of(scan.image.name(), &scan.file());
    let inspected = isolation::with_buffers(scratch, |scratch| {
        scratch.begin(&context.limits);
        let scan = sources.open(&scan.dir, &scan.image)?.scan(context, scratch.picture)?;
        let inspection = inspect(&scan, context, names.name(), false, scratch, &mut stages)?;
        Ok(Seen::of(inspection, context))
    });
    let told = |stage: &&Stage| matches!(stage.kind, Kind::Found | Kind::Failure);
    let steps = stages.all().iter().filter(told).flat_map(|stage| {
        let title = stage.title.clone();
        stage.notes.iter().map(move |note| format!("{title}: {note}"))
    });
    let steps = steps.collect();
    let failure = inspected.is_err().then(|| {
        let failed = stages.all().iter().rev().find(|stage| stage.kind == Kind::Failure);
        failed.or_else(|| stages.all().last()).cloned()
    });
    Examined { path: scan.shown(), seen: inspected, steps, failure: failure.flatten() }
}

impl Seen {
    fn of(inspection: Inspection, context: &SheetContext) -> Self {
        let Inspection { page, turn, layout, alignment, judgement, interpretation, sheet_doubts, .. } = inspection;
        let mut doubts = sheet_doubts.into_iter();
        let doubt = doubts.find(|doubt| doubt.reason == Reason::OrientationUncertain).map(|doubt| doubt.detail);
        let template = context.layout(layout);
        let blocks = template.blocks.iter().enumerate().map(|(i, block)| {
            let placement = alignment.placements.get(i).copied().unwrap_or_default();
            let there = placement.of(block.bounds);
            let moved = |to: i32, from: i32| f64::from(to) - f64::from(from);
            let read_at = (moved(there.x, block.bounds.x), moved(there.y, block.bounds.y));
            BlockSeen { print: PrintFit::of(&page.gray, block), read_at }
        });
        let blocks = blocks.collect();
        let fields = template.fields().zip(&judgement.fields);
        let fields = fields.filter(|(_, judged)| !judged.levels.is_empty());
        let fields = fields.map(|((_, field), judged)| FieldSeen {
            label: field.label.clone(),
            threshold: judged.threshold,
            bubbles: bubbles(field, judged),
        });
        let fields = fields.collect();
        let values = template.fields().zip(&interpretation.fields);
        let values = values.map(|((_, field), value)| (field.label.clone(), value.value.clone())).collect();
        let (scale, page_threshold) = (judgement.scale, judgement.page_threshold);
        Self { page: Some(page.gray), turn, doubt, layout, blocks, scale, page_threshold, fields, values }
    }
}

fn bubbles(field: &Field, judged: &FieldJudgement) -> Vec<BubbleSeen> {
    let verdicts = judged.levels.iter().zip(&judged.marked);
    let bubble =
        |(bubble, (&level, &is_marked)): (&Bubble, _)| BubbleSeen { value: bubble.value.clone(), level, is_marked };
    field.bubbles.iter().zip(verdicts).map(bubble).collect()
}
