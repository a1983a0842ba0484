//! Why a sheet, or a field of it, is doubted: data that becomes a row, never the end of a run.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The reasons of Review.csv. [`Reason::ALL`] has them in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum Reason {
    /// A mark is there, and much fainter than the sheet's others.
    FaintMark,
    /// A mark covers a part of its bubble.
    PartialMark,
    /// A bubble holds what an eraser left.
    Residue,
    /// Ink that is no mark stands in a bubble, or reaches into it.
    StrayInk,
    /// A field has more marks than its block's `maxMarks`, or a zone more codes than labels.
    MultipleMarks,
    /// Every bubble of a field of three or more is marked; in the v2 dialect, which makes a blank of them, of two or more.
    AllMarked,
    /// A second mark that is weaker than the first. Of the classic judge, also a gray that is near its threshold, and a field
    /// that the judge by ink reads otherwise.
    AmbiguousGap,
    /// The reading is not sure, or less sure than `--review-below` asks for.
    LowConfidence,
    /// Ink and paper of the sheet are hardly to be told apart.
    LowContrast,
    /// The bubbles of the sheet, or of a field's block, are not printed where they were read.
    LayoutShifted,
    /// No bar code or QR code was found in a zone, or fewer than it has labels.
    CodeNotFound,
    /// A text was not recognised, or not for sure.
    OcrUncertain,
    /// No paper was found in the picture.
    PageNotFound,
    /// A marker was not found.
    MarkerNotFound,
    /// The sheet may be of another layout than it was read by.
    TemplateMismatch,
    /// No turn makes the sheet upright for sure: another fits about as well.
    OrientationUncertain,
    /// The sheet, or a block of it, could not be laid onto the reference picture.
    AlignmentFailed,
    /// An earlier sheet has the same id.
    DuplicateId,
    /// The file has no bytes.
    EmptyFile,
    /// The bytes are no picture.
    NotAnImage,
    /// The picture ends before its last row.
    Truncated,
    /// The picture's data contradict themselves.
    Corrupt,
    /// A kind of file, or of picture in it, that is not read.
    UnsupportedFormat,
    /// More pixels than the limit.
    TooLarge,
    /// Fewer pixels than any sheet has.
    TooSmall,
    /// The file could not be read, or is not the one that was listed.
    ChangedWhileRead,
    /// It took longer than a sheet may.
    TimeLimit,
    /// The file opens with a password.
    Encrypted,
    /// A mistake in the program; the neighbours are not touched.
    InternalError,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 29] = [
        Self::FaintMark,
        Self::PartialMark,
        Self::Residue,
        Self::StrayInk,
        Self::MultipleMarks,
        Self::AllMarked,
        Self::AmbiguousGap,
        Self::LowConfidence,
        Self::LowContrast,
        Self::LayoutShifted,
        Self::CodeNotFound,
        Self::OcrUncertain,
        Self::PageNotFound,
        Self::MarkerNotFound,
        Self::TemplateMismatch,
        Self::OrientationUncertain,
        Self::AlignmentFailed,
        Self::DuplicateId,
        Self::EmptyFile,
        Self::NotAnImage,
        Self::Truncated,
        Self::Corrupt,
        Self::UnsupportedFormat,
        Self::TooLarge,
        Self::TooSmall,
        Self::ChangedWhileRead,
        Self::TimeLimit,
        Self::Encrypted,
        Self::InternalError,
    ];

    /// The word that stands in Review.csv.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FaintMark => "faint-mark",
            Self::PartialMark => "partial-mark",
            Self::Residue => "residue",
            Self::StrayInk => "stray-ink",
            Self::MultipleMarks => "multiple-marks",
            Self::AllMarked => "all-marked",
            Self::AmbiguousGap => "ambiguous-gap",
            Self::LowConfidence => "low-confidence",
            Self::LowContrast => "low-contrast",
            Self::LayoutShifted => "layout-shifted",
            Self::CodeNotFound => "code-not-found",
            Self::OcrUncertain => "ocr-uncertain",
            Self::PageNotFound => "page-not-found",
            Self::MarkerNotFound => "marker-not-found",
            Self::TemplateMismatch => "template-mismatch",
            Self::OrientationUncertain => "orientation-uncertain",
            Self::AlignmentFailed => "alignment-failed",
            Self::DuplicateId => "duplicate-id",
            Self::EmptyFile => "empty-file",
            Self::NotAnImage => "not-an-image",
            Self::Truncated => "truncated",
            Self::Corrupt => "corrupt",
            Self::UnsupportedFormat => "unsupported-format",
            Self::TooLarge => "too-large",
            Self::TooSmall => "too-small",
            Self::ChangedWhileRead => "changed-while-read",
            Self::TimeLimit => "time-limit",
            Self::Encrypted => "encrypted",
            Self::InternalError => "internal-error",
        }
    }
}

/// A doubt about the reading of a sheet as a whole: every field may be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetDoubt {
    /// The kind.
    pub reason: Reason,
    /// One line for the person who looks at it.
    pub detail: String,
}

impl From<Reason> for &'static str {
    fn from(reason: Reason) -> Self {
        reason.as_str()
    }
}

impl TryFrom<String> for Reason {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|reason| reason.as_str() == word)
            .ok_or_else(|| format!("no reason is called `{word}`"))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a whole sheet could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct SheetError {
    /// The kind.
    pub reason: Reason,
    /// One line for the person who looks at it: what was found, and what to do where that can be said.
    pub detail: String,
}

impl SheetError {
    /// An error of this kind; line breaks in `detail` become spaces, so that a row stays a line.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        let detail: String = detail.into();
        Self { reason, detail: detail.replace(['\n', '\r'], " ") }
    }
}
