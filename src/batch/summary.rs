//! Counts that must tally: images found = read + diverted + unreadable.

use std::fmt;

use serde::Serialize;

use super::timings::Timings;
use crate::outputs::Filed;

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

/// The counts of a run.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Summary {
    /// In all.
    #[serde(flatten)]
    pub total: Counts,
    /// For each folder, in input order.
    pub folders: Vec<FolderSummary>,
    /// What the parts of sheets cost, if that was wanted.
    #[serde(skip)]
    pub timings: Option<Box<Timings>>,
}

/// The counts of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FolderSummary {
    /// The folder as reached from the input root as typed.
    pub folder: String,
    /// Its counts.
    #[serde(flatten)]
    pub counts: Counts,
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
}
