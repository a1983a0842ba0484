//! One sheet: the bytes of a file in, a report out. A pure function of the bytes and an unchanging context.
//!
//! The stages in order: [`decode`] → [`preprocess`] → [`page`] → [`orientation`] (a turned sheet begins anew) → [`align`] →
//! the ink of bubbles ([`read::ink`]) → [`fit`] (does the print lie where the template has it?) → [`read`] (numbers and texts
//! only) → [`judge`] (verdicts) → [`interpret`] (values), as `inspect.rs` has them; then [`doubts`] (all that is doubtful, in one
//! place) → [`score`] → [`render`] and [`crop`]. Each takes what the one before it made, and offers [`stages`] a picture of it.
//! Where a template has layouts for some sheets, what its own layout says chooses one of them, and the stages from [`align`] to
//! [`interpret`] run again on the same page. Nothing here opens a file, prints, or knows another sheet.

pub mod align;
pub mod clock;
pub mod context;
pub mod crop;
pub mod decode;
pub mod doubts;
pub mod drawings;
pub mod error;
pub mod fit;
mod inspect;
pub mod interpret;
pub mod judge;
mod layout;
pub mod orientation;
pub mod page;
pub mod preprocess;
pub mod preview;
pub mod print;
pub mod read;
pub mod render;
pub mod report;
pub mod score;
pub mod stages;
pub mod time_limit;

pub use self::context::SheetContext;
pub use self::decode::scan::Scan;
pub use self::doubts::DoubtPolicy;
pub use self::error::{Reason, SheetError};
pub use self::inspect::{Inspection, Placed, inspect, place, read_values};
pub use self::render::PictureFormat;
pub use self::report::{Crop, FieldDoubt, ScoreReport, SheetReport};
pub use self::score::{SheetScore, SheetScoring};
pub use self::stages::{Levels, Stages};
pub use crate::imaging::orient::Turn;

use image::GrayImage;

use self::clock::{Clock, Part};
use self::stages::Kind;
use crate::config::{Limits, OutputMode};
use crate::deadline::Deadline;
use crate::imaging::matching::Matcher;
use crate::imaging::overlay::EncodeError;
use crate::scoring::SheetName;

/// Buffers and tables that a worker keeps from sheet to sheet. They hold nothing of a sheet that could reach another. Beside
/// them, what the sheet in hand may cost.
#[derive(Default)]
pub struct Scratch {
    pub(crate) matcher: Matcher,
    /// What parts of the sheet cost, where that is wanted.
    pub clock: Clock,
    /// When the sheet must be done.
    pub(crate) deadline: Deadline,
    /// What its picture may have.
    pub(crate) picture: decode::Limits,
}

impl Scratch {
    /// A sheet begins, for which `limits` hold from now on. Without it a sheet has the default pixels, and all the time.
    pub fn begin(&mut self, limits: &Limits) {
        self.deadline = Deadline::after(limits.time_per_sheet);
        self.matcher.deadline = self.deadline;
        self.picture =
            decode::Limits { max_pixels: limits.max_pixels, deadline: self.deadline, ..decode::Limits::default() };
    }
}

/// How a sheet is scored.
#[derive(Debug, Clone, Copy)]
pub struct Scoring<'s> {
    /// The folder's scorer.
    pub by: &'s SheetScoring,
    /// Keep what each question earned, for statistics.
    pub keeps_grades: bool,
}

/// Which pictures of a sheet are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pictures {
    /// The format of the marked picture.
    pub format: PictureFormat,
    /// The same is made in the page's own colours, besides.
    pub in_colour: bool,
}

/// What is wanted of a sheet besides its values.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'s> {
    /// How it is scored, if it is.
    pub scoring: Option<Scoring<'s>>,
    /// The marked picture, and crops of doubtful fields; `None`: neither.
    pub pictures: Option<Pictures>,
    /// What becomes of doubts.
    pub doubts: DoubtPolicy,
}

/// Reads a sheet. `scan` is what it is decoded from; conditional sets may go by its `name`. What can be looked at on the way
/// goes to `stages`, also of a sheet that cannot be read.
///
/// # Errors
/// [`SheetError`]: why the sheet could not be read.
pub fn process(
    scan: &Scan,
    context: &SheetContext,
    name: SheetName<'_>,
    request: Request<'_>,
    scratch: &mut Scratch,
    stages: &mut Stages,
) -> Result<SheetReport, SheetError> {
    let Request { scoring, pictures, doubts: policy } = request;
    let keeps_colour = pictures.is_some_and(|pictures| pictures.in_colour);
    let inspection = inspect(scan, context, name, keeps_colour, scratch, stages)?;
    let Inspection { page, turn, layout, alignment, readings, mut interpretation, sheet_doubts, chosen_by, .. } =
        inspection;
    scratch.clock.begin(Part::Judge);
    time_limit::check(scratch.deadline)?;
    let template = context.layout(layout);
    let others = (sheet_doubts, chosen_by);
    let doubts = doubts::gather(template, &mut interpretation, &alignment, others, policy);
    let withheld = doubts.withheld(&interpretation, policy);
    let scored = scoring.map(|scoring| (scoring, scoring.by.score(layout, &interpretation, &withheld, name)));
    scratch.clock.begin(Part::Draw);
    let drawing = (pictures.is_some() || stages.want(Kind::Marked)).then(|| match context.mode {
        OutputMode::Moderation => render::Drawing::plain(template.page_size),
        OutputMode::Default => {
            let verdicts = scored.as_ref().and_then(|(scoring, scored)| scoring.by.verdicts(layout, scored));
            let (placements, lettering) = (&alignment.placements, &context.lettering);
            render::Drawing::of(&page.gray, template, placements, &interpretation, verdicts.as_ref(), lettering)
        }
    });
    time_limit::check(scratch.deadline)?;
    let rows = doubts.rows(template, &interpretation, &alignment);
    let failed = |e: EncodeError| SheetError::new(Reason::InternalError, e.to_string());
    let (mut picture, mut coloured, mut crops) = (None, None, Vec::new());
    if let Some(drawing) = &drawing {
        stages.record(Kind::Marked, |most| drawing.sketch(&page.gray, most));
        if let Some(Pictures { format, .. }) = pictures {
            scratch.clock.begin(Part::Encode);
            picture = Some(drawing.encode(&page.gray, format).map_err(failed)?);
            let encode_over = |colour| drawing.encode_over(colour, format).map_err(failed);
            coloured = page.colour.as_ref().map(encode_over).transpose()?;
            crops = cut_out(&rows, page.inked()).map_err(failed)?;
        }
    }
    let score = scored.map(|(scoring, scored)| ScoreReport::of(scoring, scored));
    let id = doubts.id(template, &interpretation);
    let confidences = interpretation.fields.iter().map(|value| value.confidence).collect();
    let (columns, multi_marked) = withheld.written(template, interpretation);
    Ok(SheetReport {
        layout,
        columns,
        multi_marked,
        doubts: rows,
        confidences,
        id,
        is_unanswered: readings.is_unanswered(),
        crops,
        score,
        picture,
        turn,
        coloured,
    })
}

/// A picture of each doubtful field that lies on the page.
fn cut_out(rows: &[FieldDoubt], page: &GrayImage) -> Result<Vec<Crop>, EncodeError> {
    let mut crops = Vec::new();
    for row in rows {
        if let Some(png) = row.view.map(|view| view.png(page)).transpose()?.flatten() {
            crops.push(Crop { field: row.field.clone(), png });
        }
    }
    Ok(crops)
}
