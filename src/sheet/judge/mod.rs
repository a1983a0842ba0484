//! Which bubbles are marked, how sure that is, and why it may be otherwise. Two judges: [`ink`], which goes by the ink beyond
//! what is printed, and [`classic`], OMRChecker's thresholds on mean grays. Numbers in, verdicts out; pictures are not seen.

pub mod classic;
pub mod ink;

use super::error::{Reason, SheetDoubt};
use super::read::Readings;
use crate::config::{Reader, Thresholds};
use crate::template::Template;

/// What the levels of bubbles are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scale {
    /// Mean gray, 0 (black) to 255 (white): marked below the threshold.
    #[default]
    Gray,
    /// Ink in hundredths of the sheet's full mark, 0 (blank) to about 100: marked above the threshold.
    Ink,
}

impl Scale {
    /// Does a level lie on the marks' side of a threshold?
    pub fn is_marked(self, level: f64, threshold: f64) -> bool {
        match self {
            Self::Gray => level < threshold,
            Self::Ink => level > threshold,
        }
    }

    /// What histograms reach up to; they begin at 0, and what lies beyond either end is counted there.
    pub const fn end(self) -> u32 {
        match self {
            Self::Gray => 256,
            Self::Ink => 128,
        }
    }

    /// What a level is, for a person.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gray => "mean gray",
            Self::Ink => "ink",
        }
    }

    /// What its numbers mean, for a person.
    pub const fn legend(self) -> &'static str {
        match self {
            Self::Gray => "mean gray, 0 black to 255 white",
            Self::Ink => "ink, 0 blank to 100 a full mark of the sheet",
        }
    }
}

/// What the judge decided.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Judgement {
    /// What levels and thresholds are.
    pub scale: Scale,
    /// The page's own threshold.
    pub page_threshold: f64,
    /// One entry a field, in template order.
    pub fields: Vec<FieldJudgement>,
    /// Why no field of the sheet can be relied on.
    pub doubt: Option<SheetDoubt>,
}

/// What was decided for one field.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FieldJudgement {
    /// What was judged of each bubble, in bubble order; none for a field without bubbles.
    pub levels: Vec<f64>,
    /// What parts marked bubbles from blank ones.
    pub threshold: f64,
    /// One entry a bubble, in bubble order.
    pub marked: Vec<bool>,
    /// How sure that is, 0 to 1.
    pub confidence: f64,
    /// Why it is doubted.
    pub doubt: Option<Reason>,
}

/// How sheets are judged.
#[derive(Debug, Clone)]
pub struct Judge {
    /// Who judges.
    pub reader: Reader,
    /// The numbers of the classic judge.
    pub thresholds: Thresholds,
    /// The rules of the template's dialect.
    pub rules: classic::Rules,
}

impl Judge {
    /// Decides which bubbles of a sheet are marked. What the judge by ink is not sure of is doubted whoever judges.
    pub fn judge(&self, readings: &Readings, template: &Template) -> Judgement {
        let by_ink = ink::judge(readings, template);
        match self.reader {
            Reader::Ink => by_ink,
            Reader::Classic => classic::judge(readings, &self.thresholds, self.rules).beside(by_ink),
        }
    }
}

impl Judgement {
    /// The same marks, with what the judge by ink doubts of them.
    fn beside(mut self, other: Judgement) -> Self {
        for (own, other) in self.fields.iter_mut().zip(other.fields) {
            if own.marked == other.marked {
                own.doubt = own.doubt.or(other.doubt);
                own.confidence = own.confidence.min(other.confidence);
            } else {
                own.doubt = Some(other.doubt.unwrap_or(Reason::AmbiguousGap));
                own.confidence = own.confidence.min(1.0 - other.confidence).min(0.5);
            }
        }
        Self { doubt: other.doubt, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judgement(marked: bool, confidence: f64, doubt: Option<Reason>) -> Judgement {
        let field = FieldJudgement { marked: vec![marked], confidence, doubt, ..FieldJudgement::default() };
        Judgement { fields: vec![field], ..Judgement::default() }
    }

    /// What becomes of the classic judge's verdict on a field beside that of the judge by ink.
    fn beside(classic: (bool, f64, Option<Reason>), ink: (bool, f64, Option<Reason>)) -> (bool, f64, Option<Reason>) {
        let of = |(marked, confidence, doubt)| judgement(marked, confidence, doubt);
        let FieldJudgement { marked, confidence, doubt, .. } = of(classic).beside(of(ink)).fields.remove(0);
        (marked[0], confidence, doubt)
    }

    #[test]
    fn the_classic_judge_keeps_its_marks_and_gets_the_doubts_of_both() {
        let (gap, faint) = (Some(Reason::AmbiguousGap), Some(Reason::FaintMark));
        assert_eq!(beside((true, 1.0, None), (true, 0.99, None)), (true, 0.99, None));
        assert_eq!(beside((true, 0.6, gap), (true, 0.9, faint)), (true, 0.6, gap));
        assert_eq!(beside((true, 1.0, None), (true, 0.9, faint)), (true, 0.9, faint));
        // They differ: as likely wrong as right at best.
        assert_eq!(beside((true, 1.0, None), (false, 0.75, None)), (true, 0.25, gap));
        assert_eq!(beside((false, 1.0, None), (true, 0.4, faint)), (false, 0.5, faint));
    }

    #[test]
    fn a_sheet_that_ink_doubts_is_doubted_whoever_judges() {
        let doubt = SheetDoubt { reason: Reason::LowContrast, detail: "pale".to_owned() };
        let ink = Judgement { doubt: Some(doubt.clone()), ..judgement(true, 1.0, None) };
        assert_eq!(judgement(true, 1.0, None).beside(ink).doubt, Some(doubt));
    }
}
