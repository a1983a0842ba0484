//! Which way up a sheet lies: found from what is printed on it, with no option needed.
//!
//! The page of a sheet taken as it is tells in most cases that it lies upright ([`evidence`]), and nothing else is done.
//! Where it does not, or where no page could be made, the sheet is turned by each quarter and straightened again. The
//! first page that fits beyond chance is the sheet's; if none does, the sheet is read as it lies, and it is a doubt if
//! another way fits about as well.

pub mod evidence;

pub use self::evidence::Turn;

use self::evidence::{Evidence, Places};
use super::error::{Reason, SheetError};
use super::page::Page;

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
/// and straightens it.
///
/// # Errors
/// What `straighten` said of the sheet as it lies, when no turn makes a page that fits.
pub fn upright(
    places: &Places,
    mut straighten: impl FnMut(Turn) -> Result<Page, SheetError>,
) -> Result<Upright, SheetError> {
    let as_it_lies = straighten(Turn::None).map(|page| {
        let evidence = places.weigh(&page.gray);
        Candidate { turn: Turn::None, page, evidence }
    });
    match &as_it_lies {
        Ok(Candidate { evidence: Some(evidence), .. }) if !evidence.is_clear() => {}
        Err(error) if may_be_turned(error) => {}
        _ => return as_it_lies.map(Candidate::without_doubt),
    }
    let likely = as_it_lies.as_ref().ok().and_then(|c| c.evidence.as_ref()?.turned());
    let others = [Turn::Half, Turn::Quarter, Turn::ThreeQuarters].into_iter().filter(|&turn| Some(turn) != likely);
    let mut candidates = Vec::new();
    for turn in likely.into_iter().chain(others) {
        let Ok(page) = straighten(turn) else { continue };
        let Some(evidence) = places.weigh(&page.gray) else { continue };
        let candidate = Candidate { turn, page, evidence: Some(evidence) };
        if candidate.speaks_for_a_turn() {
            return Ok(candidate.without_doubt());
        }
        candidates.push(candidate);
    }
    let as_it_lies = as_it_lies?;
    // A step that finds its way only on a sheet as it lies: then the page that it made is turned.
    if let Some(turned) = likely.map(|turn| as_it_lies.turned(turn, places)).filter(Candidate::speaks_for_a_turn) {
        return Ok(turned.without_doubt());
    }
    Ok(best(as_it_lies, candidates))
}

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
    fn speaks_for_a_turn(&self) -> bool {
        self.evidence.as_ref().is_some_and(|evidence| evidence.is_clear() && evidence.is_print())
    }

    /// Does this turned page fit beyond chance better than that of the sheet as it lies?
    fn beats(&self, other: &Self) -> bool {
        let both = self.evidence.as_ref().zip(other.evidence.as_ref());
        both.is_some_and(|(own, other)| own.is_print() && own.beats(other))
    }

    /// The same page, turned back as it is.
    fn turned(&self, turn: Turn, places: &Places) -> Self {
        let page = self.page.turned_back(turn);
        let evidence = places.weigh(&page.gray);
        Self { turn, page, evidence }
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
    let from_upright = |turn: Turn| (turn.degrees() + chosen.turn.degrees()) % 360;
    let is_possible = |turn: &Turn| {
        let degrees = from_upright(*turn);
        degrees == 0 || possible.iter().any(|t| t.degrees() == degrees)
    };
    let rivals: Vec<String> =
        rivals.iter().filter(|turn| is_possible(turn)).map(|turn| format!("{}°", turn.degrees())).collect();
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

    use super::evidence::tests::{FORM, lying, print, template};
    use super::*;

    fn gray(gray: GrayImage) -> Page {
        Page { gray, colour: None }
    }

    fn not_found() -> SheetError {
        SheetError::new(Reason::MarkerNotFound, "no marker")
    }

    /// The turn between a sheet that lies turned by `lies` and one that was turned back by `back`.
    fn left(lies: Turn, back: Turn) -> Turn {
        let degrees = (360 + lies.degrees() - back.degrees()) % 360;
        Turn::ALL.into_iter().find(|turn| turn.degrees() == degrees).unwrap()
    }

    #[test]
    fn an_upright_sheet_is_straightened_once() {
        let template = template(FORM);
        let page = gray(print(&template, 120, 9));
        let mut asked = Vec::new();
        let found = upright(&Places::of(&template), |turn| {
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
            let found = upright(&Places::of(&template), |back| {
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
            assert_eq!(upright(&Places::of(&template), straighten).unwrap().turn, lies);
        }
    }

    #[test]
    fn a_step_that_works_on_the_sheet_as_it_lies_alone_costs_no_reading() {
        let template = template(FORM);
        let page = gray(print(&template, 120, 9));
        let straighten =
            |back| if back == Turn::None { Ok(gray(lying(&page.gray, Turn::Half))) } else { Err(not_found()) };
        let found = upright(&Places::of(&template), straighten).unwrap();
        assert_eq!(found, Upright { page, turn: Turn::Half, doubt: None });
    }

    #[test]
    fn a_failure_stays_what_it_was_when_no_turn_helps() {
        let places = Places::of(&template(FORM));
        assert_eq!(upright(&places, |_| Err(not_found())), Err(not_found()));
        // A page that a turn makes, but that fits no better than any other, is not read.
        let blank = |back| if back == Turn::None { Err(not_found()) } else { Ok(gray(GrayImage::new(400, 520))) };
        assert_eq!(upright(&places, blank), Err(not_found()));
        let mut asked = 0;
        let truncated = SheetError::new(Reason::Truncated, "half a file");
        let found = upright(&places, |_| {
            asked += 1;
            Err(truncated.clone())
        });
        assert_eq!((found, asked), (Err(truncated), 1), "a broken file is not tried again");
    }

    #[test]
    fn a_sheet_that_fits_no_way_is_read_as_it_lies_with_a_doubt() {
        let places = Places::of(&template(FORM));
        let blank = gray(GrayImage::from_pixel(400, 520, Luma([230])));
        let found = upright(&places, |_| Ok(blank.clone())).unwrap();
        assert_eq!((found.turn, &found.page), (Turn::None, &blank));
        assert!(found.doubt.as_ref().is_some_and(|d| d.contains("90° or 180° or 270°")), "{:?}", found.doubt);
        // Turns that no page can be made of are no rivals.
        let markers = |back| if back == Turn::None { Ok(blank.clone()) } else { Err(not_found()) };
        assert_eq!(upright(&places, markers).unwrap().doubt, None);
    }
}
