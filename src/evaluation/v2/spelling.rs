//! The words of the v2 family: camelCase in v2, snake_case in v2-dev.

use crate::dialect::Dialect;
use crate::evaluation::source::OptionKeys;

/// How a dialect spells the keys that it spells in its own way.
pub(in crate::evaluation) struct Spelling {
    pub dialect: Dialect,
    pub source_type: &'static str,
    pub options: OptionKeys,
    pub schemes: &'static str,
    pub marking_type: &'static str,
    pub sets: &'static str,
    pub outputs: &'static str,
    pub explain: &'static str,
    pub export: &'static str,
    pub score: &'static str,
    pub score_format: &'static str,
    pub summary: &'static str,
    pub summary_format: &'static str,
    pub verdicts: &'static str,
    pub verdict_colors: &'static str,
    pub symbol_colors: &'static str,
    pub groups: &'static str,
    pub group_colors: &'static str,
    pub bubble_texts: &'static str,
}

pub(in crate::evaluation) const CAMEL: Spelling = Spelling {
    dialect: Dialect::V2,
    source_type: "sourceType",
    options: OptionKeys {
        questions: "questionsInOrder",
        answers: "answersInOrder",
        csv: "answerKeyCsvPath",
        picture: "answerKeyImagePath",
    },
    schemes: "markingSchemes",
    marking_type: "markingType",
    sets: "conditionalSets",
    outputs: "outputsConfiguration",
    explain: "shouldExplainScoring",
    export: "shouldExportExplanationCsv",
    score: "drawScore",
    score_format: "scoreFormatString",
    summary: "drawAnswersSummary",
    summary_format: "answersSummaryFormatString",
    verdicts: "drawQuestionVerdicts",
    verdict_colors: "verdictColors",
    symbol_colors: "verdictSymbolColors",
    groups: "drawAnswerGroups",
    group_colors: "colorSequence",
    bubble_texts: "drawDetectedBubbleTexts",
};

pub(in crate::evaluation) const SNAKE: Spelling = Spelling {
    dialect: Dialect::V2Dev,
    source_type: "source_type",
    options: OptionKeys {
        questions: "questions_in_order",
        answers: "answers_in_order",
        csv: "answer_key_csv_path",
        picture: "answer_key_image_path",
    },
    schemes: "marking_schemes",
    marking_type: "marking_type",
    sets: "conditional_sets",
    outputs: "outputs_configuration",
    explain: "should_explain_scoring",
    export: "should_export_explanation_csv",
    score: "draw_score",
    score_format: "score_format_string",
    summary: "draw_answers_summary",
    summary_format: "answers_summary_format_string",
    verdicts: "draw_question_verdicts",
    verdict_colors: "verdict_colors",
    symbol_colors: "verdict_symbol_colors",
    groups: "draw_answer_groups",
    group_colors: "color_sequence",
    bubble_texts: "draw_detected_bubble_texts",
};
