//! The stages from the bytes of a file to what stands on the sheet: everything that is the same whether a sheet is then
//! scored and drawn, serves as an answer key, or is only looked at.

use super::align::reference_page::SheetPage;
use super::align::{self, Alignment};
use super::clock::{Clock, Part};
use super::context::SheetContext;
use super::decode::WantedColour;
use super::decode::scan::Scan;
use super::drawings;
use super::error::{Reason, SheetDoubt, SheetError};
use super::fit;
use super::interpret::{self, Interpretation};
use super::judge::Judgement;
use super::layout::ChoosingField;
use super::orientation::{self, Upright};
use super::page::Page;
use super::preprocess::{Colours, Raster};
use super::read::{self, Readings};
use super::stages::{Drawn, Kind, Stages};
use super::{Scratch, time_limit};
use crate::imaging::orient::Turn;
use crate::imaging::sketch::Sketch;
use crate::scoring::SheetName;

/// A sheet's page and what stands on it.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// The page, upright.
    pub page: Page,
    /// How the sheet lay.
    pub turn: Turn,
    /// The number of the sheet's layout among [`Template::layouts`](crate::template::Template::layouts).
    pub layout: usize,
    /// Where the blocks of that layout lie.
    pub alignment: Alignment,
    /// What was measured in each of its fields.
    pub readings: Readings,
    /// Which bubbles are marked, and what that goes by.
    pub judgement: Judgement,
    /// The values.
    pub interpretation: Interpretation,
    /// Why the reading as a whole is doubtful, if it is.
    pub sheet_doubts: Vec<SheetDoubt>,
    /// What the layout was chosen by; empty where there is no choice.
    pub chosen_by: Vec<ChoosingField>,
}

/// Reads what stands on a sheet. `keeps_colour` keeps the page in its own colours, besides.
///
/// # Errors
/// [`SheetError`]: why the sheet could not be read.
pub fn inspect(
    scan: &Scan,
    context: &SheetContext,
    name: SheetName<'_>,
    keeps_colour: bool,
    scratch: &mut Scratch,
    stages: &mut Stages,
) -> Result<Inspection, SheetError> {
    let Upright { page, turn, doubt } = upright_page(scan, context, keeps_colour, scratch, stages)?;
    let (clock, deadline) = (&mut scratch.clock, scratch.deadline);
    stages.record(Kind::Page, |most| {
        let picture = Sketch::of(&page.gray, most).finish();
        Drawn {
            title: format!("page of {}", context.template.page_size),
            notes: doubt.iter().cloned().collect(),
            picture,
        }
    });
    let doubt = doubt.map(|detail| SheetDoubt { reason: Reason::OrientationUncertain, detail });
    let mut sheet_doubts: Vec<SheetDoubt> = doubt.into_iter().collect();
    let print = SheetPage::of(&page.gray).until(deadline);
    let own = read_layout(&page, &print, 0, context, clock, stages)?;
    let layouts = &context.layouts;
    let set = layouts.choose(&own.interpretation, name);
    let chosen_by = layouts.chosen_by(set, &context.template, &own.interpretation, &own.alignment);
    let (layout, read) = match set {
        Some(set) => (set + 1, read_layout(&page, &print, set + 1, context, clock, stages)?),
        None => {
            sheet_doubts.extend(layouts.open_choice(&context.template, &own.interpretation));
            (0, own)
        }
    };
    let LayoutRead { alignment, readings, judgement, interpretation, doubts } = read;
    sheet_doubts.extend(doubts);
    Ok(Inspection { page, turn, layout, alignment, readings, judgement, interpretation, sheet_doubts, chosen_by })
}

/// A sheet's page, and where the blocks of its layout lie on it.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The page, upright.
    pub page: Page,
    /// The number of the sheet's layout.
    pub layout: usize,
    /// Where its blocks lie.
    pub alignment: Alignment,
}

/// Finds the page and the places of its blocks. Fields are read only where the template has several layouts, since they choose
/// the sheet's.
///
/// # Errors
/// [`SheetError`]: why there is no page, or no place.
pub fn place(
    scan: &Scan,
    context: &SheetContext,
    name: SheetName<'_>,
    scratch: &mut Scratch,
    stages: &mut Stages,
) -> Result<Placed, SheetError> {
    if !context.template.sets.is_empty() {
        let Inspection { page, layout, alignment, .. } = inspect(scan, context, name, false, scratch, stages)?;
        return Ok(Placed { page, layout, alignment });
    }
    let Upright { page, .. } = upright_page(scan, context, false, scratch, stages)?;
    let alignment = align_layout(&page, &SheetPage::of(&page.gray).until(scratch.deadline), 0, context, stages)?;
    Ok(Placed { page, layout: 0, alignment })
}

/// Reads the values of a sheet's fields for a picture that is an answer key: the number of its layout, the values, and why the
/// reading as a whole is doubtful, if it is.
///
/// # Errors
/// [`SheetError`]: why the sheet could not be read.
pub fn read_values(
    scan: &Scan,
    context: &SheetContext,
    name: SheetName<'_>,
    scratch: &mut Scratch,
) -> Result<(usize, Interpretation, Vec<SheetDoubt>), SheetError> {
    let inspection = inspect(scan, context, name, false, scratch, &mut Stages::off())?;
    Ok((inspection.layout, inspection.interpretation, inspection.sheet_doubts))
}

/// Decodes and straightens a sheet, the right way up. Stage pictures are those of the way that was taken.
fn upright_page(
    scan: &Scan,
    context: &SheetContext,
    keeps_colour: bool,
    scratch: &mut Scratch,
    stages: &mut Stages,
) -> Result<Upright, SheetError> {
    let mut wanted = context.wanted;
    if keeps_colour && wanted.colour == WantedColour::None {
        wanted.colour = WantedColour::Beside;
    }
    let mut tries: Vec<(Turn, Stages)> = Vec::new();
    let empty = stages.another();
    let mut kept: Option<Raster> = None;
    let straighten = |turn: Turn| {
        scratch.clock.begin(Part::Decode);
        let raster = match &kept {
            Some(raster) => raster.clone(),
            None => {
                let decoded = scan.decode(wanted, scratch.picture)?;
                Raster { gray: decoded.gray, colour: decoded.colour.map(Colours::new), unfiltered: None }
            }
        };
        // A sheet that is turned is rare: it is decoded once more, and only then kept for the turns that are left.
        if turn != Turn::None && kept.is_none() {
            kept = Some(raster.clone());
        }
        let raster = raster.turned_back(turn);
        let mut seen = empty.another();
        seen.record(Kind::Input, |most| input(&raster, turn, most));
        let straightened = context.steps.apply(raster, turn != Turn::None, scratch, &mut seen);
        tries.push((turn, seen));
        scratch.clock.begin(Part::Page);
        let page = Page::of(straightened?, context.template.page_size, keeps_colour);
        scratch.clock.begin(Part::Orientation);
        time_limit::check(scratch.deadline)?;
        Ok(page)
    };
    let zones_with_codes = |page: &Page| read::zones_with_codes(&page.gray, &context.template);
    let upright = orientation::upright(&context.form, zones_with_codes, straighten);
    // Of a sheet that makes no page, and of a page that was turned as it is, the first try tells.
    let turn = upright.as_ref().map_or(Turn::None, |upright| upright.turn);
    let taken = tries.iter().position(|(tried, _)| *tried == turn).unwrap_or(0);
    if taken < tries.len() {
        stages.take(tries.swap_remove(taken).1);
    }
    upright
}

fn input(raster: &Raster, turn: Turn, most: crate::geometry::Size) -> Drawn {
    let (width, height) = raster.gray.dimensions();
    let turned = (turn != Turn::None).then(|| format!("lay turned clockwise by {}°; turned back", turn.degrees()));
    let notes = std::iter::once(format!("{width}×{height} px")).chain(turned).collect();
    let picture = match &raster.colour {
        Some(colour) => Sketch::of_colour(&colour.picture(&raster.gray), most),
        None => Sketch::of(&raster.gray, most),
    };
    Drawn { title: "input".to_owned(), notes, picture: picture.finish() }
}

/// What the fields of one layout say.
struct LayoutRead {
    alignment: Alignment,
    readings: Readings,
    judgement: Judgement,
    interpretation: Interpretation,
    /// Why none of it can be relied on.
    doubts: Vec<SheetDoubt>,
}

/// Reads the fields of the layout of this number.
fn read_layout(
    page: &Page,
    print: &SheetPage<'_>,
    number: usize,
    context: &SheetContext,
    clock: &mut Clock,
    stages: &mut Stages,
) -> Result<LayoutRead, SheetError> {
    let deadline = print.deadline();
    clock.begin(Part::Align);
    let alignment = align_layout(page, print, number, context, stages)?;
    let (inked, page, layout) = (page.inked(), &page.gray, context.layout(number));
    let name = context.layout_name(number);
    stages.record(Kind::Layout, |most| drawings::layout::on_page(page, layout, &alignment, name, most));
    clock.begin(Part::Ink);
    time_limit::check(deadline)?;
    let ink = read::ink::measure(inked, layout, &alignment.placements);
    let fit = fit::check(inked, layout, &alignment.placements, &ink);
    clock.begin(Part::Read);
    time_limit::check(deadline)?;
    let readings = read::measure(page, &ink, layout, &alignment.placements, (context.recogniser(), deadline))?;
    clock.begin(Part::Judge);
    let judgement = context.judge.judge(&readings, layout);
    let mut interpretation = interpret::interpret(layout, &readings, &judgement, context.judge.rules);
    interpretation.doubt_places(&fit.fields);
    stages.record(Kind::Ink, |most| {
        drawings::ink::on_page(page, layout, &alignment.placements, &judgement, &interpretation, most)
    });
    stages.record(Kind::Thresholds, |most| drawings::histogram::of_sheet(&judgement, most));
    let doubts = fit.sheet.into_iter().chain(judgement.doubt.clone()).collect();
    Ok(LayoutRead { alignment, readings, judgement, interpretation, doubts })
}

/// Finds where the blocks of the layout of this number lie.
fn align_layout(
    page: &Page,
    print: &SheetPage<'_>,
    number: usize,
    context: &SheetContext,
    stages: &mut Stages,
) -> Result<Alignment, SheetError> {
    let deadline = print.deadline();
    time_limit::check(deadline)?;
    let (page, layout) = (&page.gray, context.layout(number));
    match (&context.aligner, context.auto_align) {
        (Some(aligner), _) => {
            if let Some(reference) = aligner.reference_page() {
                stages.record(Kind::Searched, |most| {
                    let notes = vec!["blocks are sought on the page as they lie on it".to_owned()];
                    let picture = Sketch::of(reference, most).finish();
                    Drawn { title: "alignment: the reference".to_owned(), notes, picture }
                });
            }
            aligner.align(number, print)
        }
        (None, Some(options)) => {
            let placements = align::auto_align::placements(page, layout, options, &context.judge.thresholds, stages);
            time_limit::check(deadline)?;
            Ok(Alignment { placements, uncertain: Vec::new() })
        }
        (None, None) => Ok(Alignment::default()),
    }
}
