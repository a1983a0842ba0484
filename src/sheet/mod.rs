//! One sheet: the bytes of a file in, a report out. A pure function of the bytes and an unchanging context.
//!
//! The stages in order: [`decode`] → [`preprocess`] → [`page`] → [`orientation`] (a turned sheet begins anew) → [`align`] →
//! [`read`] (numbers and texts only) → [`threshold`] (verdicts) → [`interpret`] (values), as `inspect.rs` has them; then
//! [`score`] → [`render`]. Each takes what the one before it made, and offers [`stages`] a picture of it. Where a template has layouts for some sheets, what its own layout says chooses one of them, and
//! the stages from [`align`] to [`interpret`] run again on the same page. Nothing here opens a file, prints, or knows another
//! sheet.

pub mod align;
pub mod context;
pub mod decode;
pub mod drawings;
pub mod error;
mod inspect;
pub mod interpret;
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
pub mod threshold;

pub use self::context::SheetContext;
pub use self::error::{Reason, SheetError};
pub use self::inspect::{Inspection, Placed, inspect, place, read_values};
pub use self::render::PictureFormat;
pub use self::report::{FieldDoubt, ScoreReport, SheetReport};
pub use self::score::{SheetScore, SheetScoring};
pub use self::stages::{Levels, Stages};
pub use crate::imaging::orient::Turn;

use self::align::Alignment;
use self::interpret::{Doubt, Interpretation};
use self::stages::Kind;
use crate::config::OutputMode;
use crate::imaging::matching::Matcher;
use crate::imaging::overlay::EncodeError;
use crate::scoring::SheetName;
use crate::template::{FieldBlock, Template};

/// Buffers and tables that a worker keeps from sheet to sheet. They hold nothing of a sheet that could reach another.
#[derive(Default)]
pub struct Scratch {
    pub(crate) matcher: Matcher,
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

/// Reads a sheet. `bytes` is the content of its file; conditional sets may go by its `name`; `scoring` scores it; `pictures`
/// asks for the marked picture. What can be looked at on the way goes to `stages`, also of a sheet that cannot be read.
///
/// # Errors
/// [`SheetError`]: why the sheet could not be read.
pub fn process(
    bytes: &[u8],
    context: &SheetContext,
    name: SheetName<'_>,
    scoring: Option<Scoring<'_>>,
    pictures: Option<Pictures>,
    scratch: &mut Scratch,
    stages: &mut Stages,
) -> Result<SheetReport, SheetError> {
    let keeps_colour = pictures.is_some_and(|pictures| pictures.in_colour);
    let inspection = inspect(bytes, context, name, keeps_colour, scratch, stages)?;
    let Inspection { page, turn, doubt, layout, alignment, interpretation, choice_doubts, .. } = inspection;
    let template = context.layout(layout);
    let scored = scoring.map(|scoring| (scoring, scoring.by.score(layout, &interpretation, name)));
    let drawing = (pictures.is_some() || stages.want(Kind::Marked)).then(|| match context.mode {
        OutputMode::Moderation => render::Drawing::plain(template.page_size),
        OutputMode::Default => {
            let verdicts = scored.as_ref().and_then(|(scoring, scored)| scoring.by.verdicts(layout, scored));
            let (placements, lettering) = (&alignment.placements, &context.lettering);
            render::Drawing::of(&page.gray, template, placements, &interpretation, verdicts.as_ref(), lettering)
        }
    });
    let (mut picture, mut coloured) = (None, None);
    if let Some(drawing) = &drawing {
        stages.record(Kind::Marked, |most| drawing.sketch(&page.gray, most));
        if let Some(Pictures { format, .. }) = pictures {
            let failed = |e: EncodeError| SheetError::new(Reason::InternalError, e.to_string());
            picture = Some(drawing.encode(&page.gray, format).map_err(failed)?);
            let encode_over = |colour| drawing.encode_over(colour, format).map_err(failed);
            coloured = page.colour.as_ref().map(encode_over).transpose()?;
        }
    }
    let score = scored.map(|(scoring, scored)| ScoreReport::of(scoring, scored));
    let sheet_doubt = doubt.map(|detail| FieldDoubt::of_sheet(Reason::OrientationUncertain, detail));
    let field_doubts = field_doubts(template, &interpretation, &alignment);
    let doubts = sheet_doubt.into_iter().chain(choice_doubts).chain(field_doubts).collect();
    let Interpretation { columns, multi_marked, .. } = interpretation;
    Ok(SheetReport { layout, columns, multi_marked, doubts, score, picture, coloured, turn })
}

/// The doubtful fields of a layout, in template order: those whose value is doubted, and those of blocks whose place is.
fn field_doubts(template: &Template, interpretation: &Interpretation, alignment: &Alignment) -> Vec<FieldDoubt> {
    let mut doubts = Vec::new();
    let unaligned: Vec<&FieldBlock> = alignment.uncertain.iter().filter_map(|&i| template.blocks.get(i)).collect();
    for (i, ((block, field), value)) in template.fields().zip(&interpretation.fields).enumerate() {
        let is_unaligned = unaligned.iter().any(|&other| std::ptr::eq(other, block));
        let misplaced = is_unaligned.then_some(Doubt { reason: Reason::AlignmentFailed, confidence: 0.5 });
        if let Some(doubt) = value.doubt.or(misplaced) {
            doubts.push(FieldDoubt::of_field(template, i, field, value, doubt));
        }
    }
    doubts
}
