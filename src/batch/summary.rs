//! Counts that must tally: images found = read + diverted + unreadable. Reasons are counted as they stand in the tables.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::timings::Timings;
use crate::outputs::Filed;
use crate::outputs::done::Outcome;

/// What became of the images of a folder, or of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Images that the walk found.
    pub images: usize,
    /// Rows in Results.csv.
    pub read: usize,
    /// Rows in MultiMarkedFiles.csv.
    pub diverted: usize,
    /// Rows in ErrorFiles.csv.
    pub unreadable: usize,
    /// Doubts in Review.csv about sheets that were read, and about their fields.
    pub doubts: usize,
}

impl Counts {
    /// Counts one image.
    pub fn add(&mut self, filed: Filed, doubts: usize) {
        match filed {
            Filed::Read => self.read += 1,
            Filed::Diverted => self.diverted += 1,
            Filed::Unreadable => self.unreadable += 1,
        }
        self.doubts += doubts;
    }

    /// Images that have their row.
    pub fn accounted(&self) -> usize {
        self.read + self.diverted + self.unreadable
    }

    /// Every image has its row.
    pub fn tally(&self) -> bool {
        self.images == self.accounted()
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.images += other.images;
        self.read += other.read;
        self.diverted += other.diverted;
        self.unreadable += other.unreadable;
        self.doubts += other.doubts;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { images, read, diverted, unreadable, doubts } = self;
        let plural = if *images == 1 { "" } else { "s" };
        write!(f, "{images} image{plural} = {read} read + {diverted} diverted + {unreadable} unreadable")?;
        if *doubts > 0 {
            write!(f, "; {doubts} doubt{} in Manual/Review.csv", if *doubts == 1 { "" } else { "s" })?;
        }
        Ok(())
    }
}

/// How often each reason stands in the tables, by its word.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Reasons {
    /// Why images have their row in ErrorFiles.csv.
    pub errors: BTreeMap<&'static str, usize>,
    /// Rows of Review.csv: those of unreadable images, too.
    pub review: BTreeMap<&'static str, usize>,
}

impl Reasons {
    /// Counts one image.
    pub fn add(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Read { doubts, .. } => {
                for doubt in doubts {
                    *self.review.entry(doubt.reason.as_str()).or_default() += 1;
                }
            }
            Outcome::Failed(error) => {
                for reasons in [&mut self.errors, &mut self.review] {
                    *reasons.entry(error.reason.as_str()).or_default() += 1;
                }
            }
        }
    }

    fn add_all(&mut self, other: &Self) {
        for (all, some) in [(&mut self.errors, &other.errors), (&mut self.review, &other.review)] {
            some.iter().for_each(|(reason, count)| *all.entry(reason).or_default() += count);
        }
    }
}

/// How long something took.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Pace {
    /// By the clock, to a thousandth.
    pub seconds: f64,
    /// Sheets that have their row, in each of them.
    pub sheets_per_second: f64,
}

impl Pace {
    /// So many sheets in that time.
    pub fn of(sheets: usize, time: Duration) -> Self {
        let seconds = time.as_secs_f64();
        let rounded = |value: f64| (value * 1e3).round() / 1e3;
        Self { seconds: rounded(seconds), sheets_per_second: rounded(sheets as f64 / seconds.max(1e-9)) }
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Every image has its row.
    #[default]
    Finished,
    /// A person or a signal stopped it.
    Stopped,
    /// An output could not be written, or the workers not be started.
    Failed,
}

/// What became of a run's images. As JSON, it is what docs/machine-readable.md describes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Of the program.
    pub version: &'static str,
    /// How the run ended.
    pub status: Status,
    /// In all.
    #[serde(flatten)]
    pub total: Counts,
    /// In all.
    #[serde(flatten)]
    pub reasons: Reasons,
    /// From the moment when all is planned to its end.
    #[serde(flatten)]
    pub pace: Pace,
    /// For each folder, in input order.
    pub folders: Vec<FolderSummary>,
    /// What the parts of sheets cost, if that was wanted.
    #[serde(skip)]
    pub timings: Option<Box<Timings>>,
}

impl Default for Summary {
    fn default() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            status: Status::default(),
            total: Counts::default(),
            reasons: Reasons::default(),
            pace: Pace::default(),
            folders: Vec::new(),
            timings: None,
        }
    }
}

impl Summary {
    /// Adds the next folder, also one that is not finished.
    pub fn add(&mut self, folder: FolderSummary) {
        self.total += folder.counts;
        self.reasons.add_all(&folder.reasons);
        self.folders.push(folder);
    }
}

/// What became of a folder's images.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct FolderSummary {
    /// The folder as reached from the input root as typed.
    pub folder: String,
    /// Its counts.
    #[serde(flatten)]
    pub counts: Counts,
    /// Its reasons.
    #[serde(flatten)]
    pub reasons: Reasons,
    /// How long its sheets took.
    #[serde(flatten)]
    pub pace: Pace,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_tally_and_read_well() {
        let mut counts = Counts { images: 3, ..Counts::default() };
        counts.add(Filed::Read, 2);
        counts.add(Filed::Unreadable, 0);
        assert!(!counts.tally());
        counts.add(Filed::Diverted, 0);
        assert!(counts.tally());
        let text = "3 images = 1 read + 1 diverted + 1 unreadable; 2 doubts in Manual/Review.csv";
        assert_eq!(counts.to_string(), text);
    }

    #[test]
    fn reasons_are_counted_as_the_tables_have_them() {
        use crate::sheet::{Reason, SheetError};
        let failed = |reason| Outcome::Failed(SheetError::new(reason, "why"));
        let mut first = Reasons::default();
        for reason in [Reason::Truncated, Reason::EmptyFile, Reason::Truncated] {
            first.add(&failed(reason));
        }
        let folder = FolderSummary { reasons: first, ..FolderSummary::default() };
        let mut summary = Summary::default();
        summary.add(folder.clone());
        summary.add(folder);
        let want = BTreeMap::from([("empty-file", 2), ("truncated", 4)]);
        assert_eq!(summary.reasons, Reasons { errors: want.clone(), review: want });
    }

    #[test]
    fn a_pace_is_told_to_a_thousandth() {
        let pace = Pace::of(3, Duration::from_micros(1_500_400));
        assert_eq!((pace.seconds, pace.sheets_per_second), (1.5, 1.999));
        assert!(Pace::of(3, Duration::ZERO).sheets_per_second.is_finite());
    }
}
