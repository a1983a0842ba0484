//! What stage pictures of a page show: the template on it, its ink, its thresholds; and all of a sheet in one picture.

pub mod histogram;
pub mod ink;
pub mod layout;
pub mod stack;

use super::read::Readings;
use super::threshold::Judgement;

/// What was measured on a sheet, and how it was judged.
#[derive(Debug, Clone, Copy)]
pub struct Measured<'s> {
    /// The grays of its bubbles.
    pub readings: &'s Readings,
    /// By the thresholds.
    pub judgement: &'s Judgement,
}

impl<'s> Measured<'s> {
    /// The gray of every bubble and whether it is marked, in template order.
    pub fn bubbles(self) -> impl Iterator<Item = (f64, bool)> + 's {
        let fields = self.readings.fields.iter().zip(&self.judgement.fields);
        fields.flat_map(|(field, judged)| field.means().iter().copied().zip(judged.marked.iter().copied()))
    }

    /// The threshold of every field that has bubbles.
    pub fn thresholds(self) -> impl Iterator<Item = f64> + 's {
        let fields = self.readings.fields.iter().zip(&self.judgement.fields);
        fields.filter(|(field, _)| !field.means().is_empty()).map(|(_, judged)| judged.threshold)
    }
}
