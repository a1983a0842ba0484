//! One sheet: the bytes of a file in, a report out. A pure function of the bytes and an unchanging context.
//!
//! The stages in order: [`decode`] → [`preprocess`] → [`page`] → [`orientation`] (a turned sheet begins anew) → [`align`] →
//! [`read`] (numbers and texts only) → [`threshold`] (verdicts) → [`interpret`] (values) → [`score`] → [`render`]. Each takes
//! what the one before it made. Where a template has layouts for some sheets, what its own layout says chooses one of them, and
//! the stages from [`align`] to [`interpret`] run again on the same page. Nothing here opens a file, prints, or knows another
//! sheet.

pub mod align;
pub mod context;
pub mod decode;
pub mod error;
pub mod interpret;
mod layout;
pub mod orientation;
pub mod page;
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
pub use crate::imaging::orient::Turn;

use self::align::Alignment;
use self::interpret::{Doubt, Interpretation};
use self::orientation::Upright;
use self::page::Page;
use self::preprocess::Raster;
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
/// asks for the marked picture.
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
) -> Result<SheetReport, SheetError> {
    let keeps_colour = pictures.is_some_and(|pictures| pictures.in_colour);
    let seen = see(bytes, context, name, keeps_colour, scratch)?;
    let Seen { upright: Upright { page, turn, doubt }, layout, alignment, interpretation, choice_doubts } = seen;
    let template = context.layout(layout);
    let scored = scoring.map(|scoring| (scoring, scoring.by.score(layout, &interpretation, name)));
    let drawn = pictures.map(|Pictures { format, .. }| {
        let drawing = match context.mode {
            OutputMode::Moderation => render::Drawing::plain(template.page_size),
            OutputMode::Default => {
                let verdicts = scored.as_ref().and_then(|(scoring, scored)| scoring.by.verdicts(layout, scored));
                let lettering = &context.lettering;
                render::Drawing::of(
                    &page.gray,
                    template,
                    &alignment.placements,
                    &interpretation,
                    verdicts.as_ref(),
                    lettering,
                )
            }
        };
        let coloured = page.colour.as_ref().map(|colour| drawing.encode_over(colour, format)).transpose()?;
        Ok((drawing.encode(&page.gray, format)?, coloured))
    });
    let drawn = drawn.transpose().map_err(|e: EncodeError| SheetError::new(Reason::InternalError, e.to_string()))?;
    let (picture, coloured) = drawn.map_or((None, None), |(picture, coloured)| (Some(picture), coloured));
    let score = scored.map(|(scoring, scored)| ScoreReport::of(scoring, scored));
    let sheet_doubt = doubt.map(|detail| FieldDoubt::of_sheet(Reason::OrientationUncertain, detail));
    let field_doubts = field_doubts(template, &interpretation, &alignment);
    let doubts = sheet_doubt.into_iter().chain(choice_doubts).chain(field_doubts).collect();
    let Interpretation { columns, multi_marked, .. } = interpretation;
    Ok(SheetReport { layout, columns, multi_marked, doubts, score, picture, coloured, turn })
}

/// Reads the values of a sheet's fields, and nothing else: for a picture that is an answer key. The number is that of its
/// layout among [`Template::layouts`].
///
/// # Errors
/// [`SheetError`]: why the sheet could not be read.
pub fn read_values(
    bytes: &[u8],
    context: &SheetContext,
    name: SheetName<'_>,
    scratch: &mut Scratch,
) -> Result<(usize, Interpretation), SheetError> {
    let seen = see(bytes, context, name, false, scratch)?;
    Ok((seen.layout, seen.interpretation))
}

/// A sheet's page and what stands on it.
struct Seen {
    upright: Upright,
    /// The number of the sheet's layout.
    layout: usize,
    alignment: Alignment,
    interpretation: Interpretation,
    /// Doubts about what the layout was chosen by.
    choice_doubts: Vec<FieldDoubt>,
}

fn see(
    bytes: &[u8],
    context: &SheetContext,
    name: SheetName<'_>,
    keeps_colour: bool,
    scratch: &mut Scratch,
) -> Result<Seen, SheetError> {
    let decoder = if keeps_colour { decode::decode_beside_colour } else { decode::decode };
    let straighten = |turn: Turn| {
        // A sheet that is turned is rare: it is decoded again rather than every picture kept.
        let decoded = decoder(bytes, context.wanted, decode::Limits::default())?;
        let raster = Raster { gray: decoded.gray, colour: decoded.colour }.turned_back(turn);
        Ok(Page::of(
            context.steps.apply(raster, turn != Turn::None, scratch)?,
            context.template.page_size,
            keeps_colour,
        ))
    };
    let zones_with_codes = |page: &Page| read::zones_with_codes(&page.gray, &context.template);
    let upright = orientation::upright(&context.form, zones_with_codes, straighten)?;
    let page = &upright.page.gray;
    let (alignment, interpretation) = read_layout(page, 0, context)?;
    let Some(set) = context.layouts.choose(&interpretation, name) else {
        let open = context.layouts.open_choice(&context.template, &interpretation);
        let open = open.map(|detail| FieldDoubt::of_sheet(Reason::TemplateMismatch, detail));
        let choice_doubts = open.into_iter().collect();
        return Ok(Seen { upright, layout: 0, alignment, interpretation, choice_doubts });
    };
    let layout = set + 1;
    let own = interpretation;
    let (alignment, interpretation) = read_layout(page, layout, context)?;
    let (own, chosen) = ((&*context.template, &own), (context.layout(layout), &interpretation));
    let choice_doubts = context.layouts.doubts(set, own, chosen);
    Ok(Seen { upright, layout, alignment, interpretation, choice_doubts })
}

/// Reads the fields of the layout of this number.
fn read_layout(
    page: &GrayImage,
    number: usize,
    context: &SheetContext,
) -> Result<(Alignment, Interpretation), SheetError> {
    let layout = context.layout(number);
    let alignment = match (context.aligners.get(number), context.auto_align) {
        (Some(aligner), _) => aligner.align(page)?,
        (None, Some(options)) => {
            let placements = align::auto_align::placements(page, layout, options, &context.thresholds);
            Alignment { placements, uncertain: Vec::new() }
        }
        (None, None) => Alignment::default(),
    };
    let readings = read::measure(page, layout, &alignment.placements, context.recogniser());
    let judgement = threshold::judge(&readings, &context.thresholds, context.rules);
    let interpretation = interpret::interpret(layout, &readings, &judgement, context.rules);
    Ok((alignment, interpretation))
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
