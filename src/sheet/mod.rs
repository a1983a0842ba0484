//! One sheet: the bytes of a file in, a report out. A pure function of the bytes and an unchanging context.
//!
//! The stages in order: [`decode`] → [`preprocess`] → [`orientation`] (a turned sheet begins anew) → [`align`] → [`read`]
//! (numbers and texts only) → [`threshold`] (verdicts) →
//! [`interpret`] (values) → [`score`] → [`render`]. Each takes what the one before it made. Nothing here opens a file, prints, or
//! knows another sheet.

pub mod align;
pub mod context;
pub mod decode;
pub mod error;
pub mod interpret;
pub mod orientation;
pub mod preprocess;
pub mod read;
pub mod render;
pub mod report;
pub mod score;
pub mod threshold;

use image::GrayImage;

pub use self::context::SheetContext;
pub use self::error::{Reason, SheetError};
pub use self::render::PictureFormat;
pub use self::report::{FieldDoubt, ScoreReport, SheetReport};
pub use self::score::{SheetScore, SheetScoring};

use self::interpret::{FieldValue, Interpretation};
pub use self::orientation::Turn;
use self::orientation::Upright;
use self::preprocess::Raster;
use crate::imaging::{matching::Matcher, resize, tone};
use crate::scoring::SheetName;
use crate::template::Template;

/// Buffers and tables that a worker keeps from sheet to sheet. They hold nothing of a sheet that could reach another.
#[derive(Default)]
pub struct Scratch {
    pub(crate) matcher: Matcher,
}

/// How a sheet is scored: by whose rules, and under which name.
#[derive(Debug, Clone, Copy)]
pub struct Scoring<'s> {
    /// The folder's scorer.
    pub by: &'s SheetScoring,
    /// The sheet's name, which conditional sets may go by.
    pub name: SheetName<'s>,
    /// Keep what each question earned, for statistics.
    pub keeps_grades: bool,
}

/// Reads a sheet. `bytes` is the content of its file; `scoring` scores it; `picture` asks for the marked picture.
///
/// # Errors
/// [`SheetError`]: why the sheet could not be read.
pub fn process(
    bytes: &[u8],
    context: &SheetContext,
    scoring: Option<Scoring<'_>>,
    picture: Option<PictureFormat>,
    scratch: &mut Scratch,
) -> Result<SheetReport, SheetError> {
    let template = context.template.as_ref();
    let Seen { page, turn, doubt, shifts, interpretation } = see(bytes, context, scratch)?;
    let scored = scoring.map(|scoring| (scoring, scoring.by.score(&interpretation, scoring.name)));
    let picture = match picture {
        Some(format) => {
            let verdicts = scored.as_ref().and_then(|(scoring, scored)| scoring.by.verdicts(scored));
            let lettering = &context.lettering;
            let encoded =
                render::render(&page, template, &shifts, &interpretation, verdicts.as_ref(), lettering, format);
            Some(encoded.map_err(|e| SheetError::new(Reason::InternalError, e.to_string()))?)
        }
        None => None,
    };
    let score = scored.map(|(scoring, scored)| ScoreReport::of(scoring, scored));
    let Interpretation { fields, columns, multi_marked } = interpretation;
    let sheet_doubt = doubt.map(|detail| FieldDoubt::of_sheet(Reason::OrientationUncertain, detail));
    let doubts = sheet_doubt.into_iter().chain(field_doubts(template, fields)).collect();
    Ok(SheetReport { columns, multi_marked, doubts, score, picture, turn })
}

/// Reads the values of a sheet's fields, and nothing else: for a picture that is an answer key.
///
/// # Errors
/// [`SheetError`]: why the sheet could not be read.
pub fn read_values(bytes: &[u8], context: &SheetContext, scratch: &mut Scratch) -> Result<Interpretation, SheetError> {
    Ok(see(bytes, context, scratch)?.interpretation)
}

/// A sheet's page and what stands on it.
struct Seen {
    page: GrayImage,
    /// How the sheet lay, and why it may lie otherwise.
    turn: Turn,
    doubt: Option<String>,
    shifts: Vec<i32>,
    interpretation: Interpretation,
}

fn see(bytes: &[u8], context: &SheetContext, scratch: &mut Scratch) -> Result<Seen, SheetError> {
    let template = context.template.as_ref();
    let straighten = |turn: Turn| {
        // A sheet that is turned is rare: it is decoded again rather than every picture kept.
        let decoded = decode::decode(bytes, context.wanted, decode::Limits::default())?;
        let raster = Raster { gray: decoded.gray, colour: decoded.colour }.turned_back(turn.degrees());
        Ok(page(context.steps.apply(raster, scratch)?, template))
    };
    let Upright { page, turn, doubt } = orientation::upright(&context.places, straighten)?;
    let shifts = match context.auto_align {
        Some(options) => align::horizontal_shifts(&page, template, options, &context.thresholds),
        None => Vec::new(),
    };
    let readings = read::measure(&page, template, &shifts, context.recogniser());
    let judgement = threshold::judge(&readings, &context.thresholds, context.rules);
    let interpretation = interpret::interpret(template, &readings, &judgement, context.rules);
    Ok(Seen { page, turn, doubt, shifts, interpretation })
}

/// The picture at the template's page size, its grays stretched over the whole range.
fn page(raster: Raster, template: &Template) -> GrayImage {
    let size = template.page_size;
    let mut page = match raster.gray.dimensions() == (size.width, size.height) {
        true => raster.gray,
        false => resize::linear(&raster.gray, size),
    };
    tone::stretch(&mut page, tone::Flat::Keep);
    page
}

/// The doubtful fields, in template order.
fn field_doubts(template: &Template, fields: Vec<FieldValue>) -> Vec<FieldDoubt> {
    let column_of = |field: usize| template.columns.iter().find(|c| c.fields.contains(&field));
    let mut doubts = Vec::new();
    for (i, ((_, field), value)) in template.fields().zip(fields).enumerate() {
        if let Some(doubt) = value.doubt {
            let column = column_of(i).map_or(String::new(), |c| c.name.clone());
            doubts.push(FieldDoubt { field: field.label.clone(), column, value: value.value, doubt });
        }
    }
    doubts
}
