//! Which way up a sheet lies: found from what is printed on it, with no option needed.
//!
//! The page of a sheet taken as it is tells in most cases that it lies upright ([`evidence`]), and nothing else is done.
//! Where it does not, or where no page could be made, the sheet is turned by each quarter and straightened again. The
//! first page that fits beyond chance is the sheet's; where bubbles do not tell, that on which bar codes lie in their zones.
//! If there is none, the page of the sheet as it lies is turned when it clearly shows a turned sheet; else that page is read
//! which fits best, and it is a doubt if another way fits about as well.

pub mod evidence;

use self::evidence::{Evidence, Form};
use super::error::{Reason, SheetError};
use super::page::Page;
use crate::imaging::orient::Turn;

/// A page as it is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Upright {
    /// The page, upright as far as the sheet tells.
    pub page: Page,
    /// How the sheet lay.
    pub turn: Turn,
    /// One line about why it may lie otherwise, if it may.
    pub doubt: Option<String>,
}

/// Finds the way up. `straighten` makes the page of the sheet as if it lay turned like this: it turns the picture back
/// and straightens it. `zones_with_codes` counts the zones of a page in which a bar code lies as the template wants it, if
/// it wants any; it is asked only where bubbles do not tell.
///
/// # Errors
/// What `straighten` said of the sheet as it lies, when no turn makes a page that fits; time-limit.
pub fn upright(
    form: &Form,
    zones_with_codes: impl Fn(&Page) -> Option<usize>,
    mut straighten: impl FnMut(Turn) -> Result<Page, SheetError>,
) -> Result<Upright, SheetError> {
    let as_it_lies = straighten(Turn::None).map(|page| Candidate::new(Turn::None, page, form));
    let mut codes = 0;
    let is_settled = match &as_it_lies {
        Ok(candidate) if candidate.is_clear() && form.tells_every_turn() => true,
        Ok(candidate) => match zones_with_codes(&candidate.page) {
            None => candidate.is_clear() || candidate.evidence.is_none(),
            Some(count) => {
                codes = count;
                count > 0 && candidate.likely_turn().is_none()
            }
        },
        Err(error) => !may_be_turned(error),
    };
    if is_settled {
        return as_it_lies.map(Candidate::without_doubt);
    }
    let likely = as_it_lies.as_ref().ok().and_then(Candidate::likely_turn);
    let others = [Turn::Half, Turn::Quarter, Turn::ThreeQuarters].into_iter().filter(|&turn| Some(turn) != likely);
    let mut candidates = Vec::new();
    // A page that its bubbles speak for, of a form that looks the same another way.
    let mut told = None;
    for turn in likely.into_iter().chain(others) {
        let page = match straighten(turn) {
            Ok(page) => page,
            // There is no time for the turns that are left.
            Err(error) if error.reason == Reason::TimeLimit => return Err(error),
            Err(_) => continue,
        };
        let candidate = Candidate::new(turn, page, form);
        let is_told = !form.looks_the_same(turn) && candidate.speaks_for_a_turn();
        if is_told && form.tells_every_turn() {
            return Ok(candidate.without_doubt());
        }
        if candidate.likely_turn().is_none() && zones_with_codes(&candidate.page) > Some(codes) {
            return Ok(candidate.without_doubt());
        }
        if is_told && told.is_none() {
            told = Some(candidate);
        } else {
            candidates.push(candidate);
        }
    }
    if let Some(told) = told {
        let doubt = form.looks_the_same(Turn::Half).then(|| SIDEWAYS_OF_A_SYMMETRIC_FORM.to_owned());
        return Ok(Upright { doubt, ..told.without_doubt() });
    }
    let as_it_lies = as_it_lies?;
    // A step that finds its way only on a sheet as it lies: then the page that it made is turned.
    if let Some(turned) = likely.map(|turn| as_it_lies.turned(turn, form)).filter(Candidate::speaks_for_a_turn) {
        return Ok(turned.without_doubt());
    }
    Ok(best(as_it_lies, candidates))
}

/// The doubt about a sheet that was turned by a quarter, where nothing tells which way.
const SIDEWAYS_OF_A_SYMMETRIC_FORM: &str = "the sheet lay on its side, and the form looks the same upside down: it may have been turned the \
                                            wrong way";

/// Can the sheet have failed because it is turned?
fn may_be_turned(error: &SheetError) -> bool {
    matches!(error.reason, Reason::PageNotFound | Reason::MarkerNotFound | Reason::AlignmentFailed)
}

/// A page of the sheet, with what speaks for it.
struct Candidate {
    turn: Turn,
    page: Page,
    /// `None` where there is nothing to go by.
    evidence: Option<Evidence>,
}

impl Candidate {
    fn new(turn: Turn, page: Page, form: &Form) -> Self {
        let evidence = form.weigh(&page.gray);
        Self { turn, page, evidence }
    }

    fn is_clear(&self) -> bool {
        self.evidence.as_ref().is_some_and(Evidence::is_clear)
    }

    /// The turn, from here, that the bubbles speak for.
    fn likely_turn(&self) -> Option<Turn> {
        self.evidence.as_ref()?.turned()
    }

    fn speaks_for_a_turn(&self) -> bool {
        self.evidence.as_ref().is_some_and(|evidence| evidence.is_clear() && evidence.is_print())
    }

    /// Does this turned page fit beyond chance better than that of the sheet as it lies?
    fn beats(&self, other: &Self) -> bool {
        let both = self.evidence.as_ref().zip(other.evidence.as_ref());
        both.is_some_and(|(own, other)| own.is_print() && own.beats(other))
    }

    /// The same page, turned back as it is.
    fn turned(&self, turn: Turn, form: &Form) -> Self {
        Self::new(turn, self.page.turned_back(turn), form)
    }

    fn without_doubt(self) -> Upright {
        Upright { page: self.page, turn: self.turn, doubt: None }
    }
}

/// The page that fits best where none fits clearly. A turned one must be better beyond chance than the sheet as it lies.
fn best(as_it_lies: Candidate, candidates: Vec<Candidate>) -> Upright {
    let fit = |candidate: &Candidate| candidate.evidence.as_ref().map_or(f32::MIN, |evidence| evidence.fit);
    let possible: Vec<Turn> = candidates.iter().map(|candidate| candidate.turn).collect();
    let better = candidates.into_iter().filter(|candidate| candidate.beats(&as_it_lies));
    let chosen = match better.max_by(|a, b| fit(a).total_cmp(&fit(b))) {
        Some(better) => better,
        None => as_it_lies,
    };
    let rivals = chosen.evidence.as_ref().map_or_else(Vec::new, Evidence::rivals);
    // Turns from here that no page could be made of are no rivals.
    let is_possible = |turn: &&Turn| {
        let of_sheet = turn.then(chosen.turn);
        of_sheet == Turn::None || possible.contains(&of_sheet)
    };
    let rivals: Vec<String> = rivals.iter().filter(is_possible).map(|turn| format!("{}°", turn.degrees())).collect();
    let doubt = (!rivals.is_empty()).then(|| {
        format!(
            "turned by {} the sheet fits the template about as well as it was read; look at it, and check that it is \
             the template's form",
            rivals.join(" or ")
        )
    });
    Upright { page: chosen.page, turn: chosen.turn, doubt }
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma};

    use super::evidence::tests::{FORM, SYMMETRIC, lying, print, template};
    use super::*;

    fn gray(gray: GrayImage) -> Page {
        Page { gray, colour: None, unfiltered: None }
    }

    fn no_codes(_: &Page) -> Option<usize> {
        None
    }

    fn not_found() -> SheetError {
        SheetError::new(Reason::MarkerNotFound, "no marker")
    }

    /// The turn between a sheet that lies turned by `lies` and one that was turned back by `back`.
    fn left(lies: Turn, back: Turn) -> Turn {
        lies.then(back.inverse())
    }

    #[test]
    fn an_upright_sheet_is_straightened_once() {
        let template = template(FORM);
        let page = gray(print(&template, 120, 9));
        let mut asked = Vec::new();
        let found = upright(&Form::of(&template), no_codes, |turn| {
            asked.push(turn);
            Ok(page.clone())
        });
        assert_eq!(found, Ok(Upright { page: page.clone(), turn: Turn::None, doubt: None }));
        assert_eq!(asked, [Turn::None]);
    }

    #[test]
    fn a_turned_sheet_is_turned_back_at_the_second_try() {
        let template = template(FORM);
        let page = gray(print(&template, 120, 9));
        for lies in Turn::TURNED {
            let mut asked = Vec::new();
            let found = upright(&Form::of(&template), no_codes, |back| {
                asked.push(back);
                Ok(gray(lying(&page.gray, left(lies, back))))
            });
            assert_eq!(found.unwrap(), Upright { page: page.clone(), turn: lies, doubt: None });
            assert_eq!(asked, [Turn::None, lies]);
        }
    }

    #[test]
    fn a_sheet_whose_markers_are_found_only_upright_is_turned() {
        let template = template(FORM);
        let page = gray(print(&template, 120, 9));
        for lies in Turn::TURNED {
            let straighten = |back| if back == lies { Ok(page.clone()) } else { Err(not_found()) };
            assert_eq!(upright(&Form::of(&template), no_codes, straighten).unwrap().turn, lies);
        }
    }

    #[test]
    fn a_step_that_works_on_the_sheet_as_it_lies_alone_costs_no_reading() {
        let template = template(FORM);
        let page = gray(print(&template, 120, 9));
        let straighten =
            |back| if back == Turn::None { Ok(gray(lying(&page.gray, Turn::Half))) } else { Err(not_found()) };
        let found = upright(&Form::of(&template), no_codes, straighten).unwrap();
        assert_eq!(found, Upright { page, turn: Turn::Half, doubt: None });
    }

    #[test]
    fn a_failure_stays_what_it_was_when_no_turn_helps() {
        let form = Form::of(&template(FORM));
        assert_eq!(upright(&form, no_codes, |_| Err(not_found())), Err(not_found()));
        // A page that a turn makes, but that fits no better than any other, is not read.
        let blank = |back| if back == Turn::None { Err(not_found()) } else { Ok(gray(GrayImage::new(400, 520))) };
        assert_eq!(upright(&form, no_codes, blank), Err(not_found()));
        let mut asked = 0;
        let truncated = SheetError::new(Reason::Truncated, "half a file");
        let found = upright(&form, no_codes, |_| {
            asked += 1;
            Err(truncated.clone())
        });
        assert_eq!((found, asked), (Err(truncated), 1), "a broken file is not tried again");
    }

    #[test]
    fn a_sheet_that_fits_no_way_is_read_as_it_lies_with_a_doubt() {
        let form = Form::of(&template(FORM));
        let blank = gray(GrayImage::from_pixel(400, 520, Luma([230])));
        let found = upright(&form, no_codes, |_| Ok(blank.clone())).unwrap();
        assert_eq!((found.turn, &found.page), (Turn::None, &blank));
        assert!(found.doubt.as_ref().is_some_and(|d| d.contains("90° or 180° or 270°")), "{:?}", found.doubt);
        // Turns that no page can be made of are no rivals.
        let markers = |back| if back == Turn::None { Ok(blank.clone()) } else { Err(not_found()) };
        assert_eq!(upright(&form, no_codes, markers).unwrap().doubt, None);
    }

    #[test]
    fn a_bar_code_tells_a_form_that_looks_the_same_upside_down() {
        let template = template(SYMMETRIC);
        let form = Form::of(&template);
        assert!(!form.tells_every_turn());
        // The code is a black corner of the upright page.
        let mut page = print(&template, 120, 9);
        (0..30).for_each(|i| page.put_pixel(i % 6, i / 6, Luma([0])));
        let code_is_there = |page: &Page| Some(usize::from(page.gray.get_pixel(2, 2).0[0] < 40));
        for lies in Turn::ALL {
            let sheet = |back| Ok(gray(lying(&page, left(lies, back))));
            assert_eq!(upright(&form, code_is_there, sheet).unwrap().turn, lies);
        }
        // Without its code, a sheet stays as it lies.
        let blank = print(&template, 120, 9);
        let sheet = |back| Ok(gray(lying(&blank, left(Turn::None, back))));
        assert_eq!(upright(&form, code_is_there, sheet).unwrap().turn, Turn::None);
    }

    #[test]
    fn a_symmetric_form_on_its_side_is_turned_with_a_doubt() {
        let template = template(SYMMETRIC);
        let form = Form::of(&template);
        let page = print(&template, 120, 9);
        for lies in [Turn::Quarter, Turn::ThreeQuarters] {
            let found = upright(&form, no_codes, |back| Ok(gray(lying(&page, left(lies, back))))).unwrap();
            assert!(found.turn.is_sideways());
            assert_eq!(found.doubt.as_deref(), Some(SIDEWAYS_OF_A_SYMMETRIC_FORM));
        }
    }

    #[test]
    fn a_bar_code_in_its_zone_tells_where_no_bubble_does() {
        let mut template = template(FORM);
        template.blocks.clear();
        let form = Form::of(&template);
        // A page is black where the code lies, in the lower half of a sheet that lies upside down.
        let sheet =
            |upper: u8, lower: u8| gray(GrayImage::from_fn(40, 52, |_, y| Luma([if y < 26 { upper } else { lower }])));
        let code_is_there = |page: &Page| Some(usize::from(page.gray.get_pixel(0, 0).0[0] == 0));
        let mut asked = Vec::new();
        let found = upright(&form, code_is_there, |back| {
            asked.push(back);
            Ok(if back == Turn::Half { sheet(0, 255) } else { sheet(255, 0) })
        });
        assert_eq!((found.unwrap().turn, asked), (Turn::Half, vec![Turn::None, Turn::Half]));
        // There from the start: nothing is turned. Nowhere: it is read as it lies, and its missing code is told.
        let mut count = 0;
        let mut upright_of = |page: Page| {
            count = 0;
            let found = upright(&form, code_is_there, |_| {
                count += 1;
                Ok(page.clone())
            });
            (found.map(|f| (f.turn, f.doubt)), count)
        };
        assert_eq!(upright_of(sheet(0, 255)), (Ok((Turn::None, None)), 1));
        assert_eq!(upright_of(sheet(255, 255)), (Ok((Turn::None, None)), 4));
    }
}
