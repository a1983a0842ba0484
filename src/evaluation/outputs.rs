//! What a scored sheet leaves behind besides its row: explanation tables, and what is drawn on the marked picture.

use image::Rgba;

use crate::matcher::{Format, Piece};

/// v1 `should_explain_scoring`, `enable_evaluation_table_to_csv`; v2 family `outputsConfiguration`.
#[derive(Debug, Clone, PartialEq)]
pub struct Outputs {
    /// Log the explanation table of every sheet. Default false.
    pub explain: bool,
    /// Write the explanation table of every sheet as CSV, whether or not it is logged. Default false.
    pub export_csv: bool,
    /// `drawScore`. Default off, at (200, 200), `Score: {score}`, size 1.5.
    pub score: DrawnText,
    /// `drawAnswersSummary`. Default off, at (200, 600), size 1.
    pub summary: DrawnText,
    /// `drawQuestionVerdicts`. Default on; v1 cannot turn it off.
    pub verdicts: DrawnVerdicts,
    /// `drawDetectedBubbleTexts`: the values of the marked bubbles. Default on.
    pub bubble_texts: bool,
}

/// A line of text on the marked picture.
#[derive(Debug, Clone, PartialEq)]
pub struct DrawnText {
    /// Is it drawn?
    pub enabled: bool,
    /// Where its lower left corner is, in page pixels.
    pub position: (i32, i32),
    /// What it says.
    pub format: Format,
    /// OpenCV's font scale: 1 is about 22 pixels for a capital letter.
    pub size: f64,
}

/// How right and wrong answers are shown.
#[derive(Debug, Clone, PartialEq)]
pub struct DrawnVerdicts {
    /// Are they shown?
    pub enabled: bool,
    /// Colours of the bubbles' boxes.
    pub colors: VerdictColors,
    /// Colours of the signs in them.
    pub symbols: SymbolColors,
    /// Draw the groups of a question's right answers. Default on.
    pub groups: bool,
    /// `colorSequence`: the colours of the groups, by turns.
    pub group_colors: [Rgba<u8>; 4],
}

/// `verdictColors`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerdictColors {
    /// A right answer. Default #00FF00.
    pub correct: Rgba<u8>,
    /// Neither gain nor loss; `None`, the default: as a wrong answer.
    pub neutral: Option<Rgba<u8>>,
    /// A wrong answer. Default #FF0000.
    pub incorrect: Rgba<u8>,
    /// A question of a bonus section. Default #00DDDD.
    pub bonus: Rgba<u8>,
}

/// `verdictSymbolColors`, all black unless said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SymbolColors {
    /// The sign of a gain.
    pub positive: Rgba<u8>,
    /// The sign of neither.
    pub neutral: Rgba<u8>,
    /// The sign of a loss.
    pub negative: Rgba<u8>,
    /// The sign of a bonus.
    pub bonus: Rgba<u8>,
}

const BLACK: Rgba<u8> = Rgba([0, 0, 0, 255]);

impl Default for Outputs {
    fn default() -> Self {
        let text = |t: &str| Piece::Text(t.to_owned());
        let value = |name: &str| Piece::Value { name: name.to_owned(), decimals: None };
        let score = vec![text("Score: "), value("score")];
        let summary = vec![
            text("Correct: "),
            value("correct"),
            text(" Incorrect: "),
            value("incorrect"),
            text(" Unmarked: "),
            value("unmarked"),
        ];
        let line = |position, pieces, size| DrawnText { enabled: false, position, format: Format { pieces }, size };
        Self {
            explain: false,
            export_csv: false,
            score: line((200, 200), score, 1.5),
            summary: line((200, 600), summary, 1.0),
            verdicts: DrawnVerdicts {
                enabled: true,
                colors: VerdictColors {
                    correct: Rgba([0x00, 0xff, 0x00, 255]),
                    neutral: None,
                    incorrect: Rgba([0xff, 0x00, 0x00, 255]),
                    bonus: Rgba([0x00, 0xdd, 0xdd, 255]),
                },
                symbols: SymbolColors { positive: BLACK, neutral: BLACK, negative: BLACK, bonus: BLACK },
                groups: true,
                group_colors: [
                    Rgba([0x8d, 0xfb, 0xc4, 255]),
                    Rgba([0xf7, 0xfb, 0x8d, 255]),
                    Rgba([0x8d, 0x9e, 0xfb, 255]),
                    Rgba([0xea, 0x66, 0x6f, 255]),
                ],
            },
            bubble_texts: true,
        }
    }
}
