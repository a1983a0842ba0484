//! What all sheets of a template share: built once, before the first sheet is read, and never changed.

use std::sync::Arc;

use super::decode::{GrayRule, Wanted};
use super::orientation::Turn;
use super::orientation::evidence::Places;
use super::preprocess::{LoadPicture, PrepareError, Steps};
use super::render::Lettering;
use super::threshold::Rules;
use crate::config::{AutoAlign, Config, Thresholds};
use crate::dialect::Dialect;
use crate::template::Template;
use crate::tesseract::Tesseract;

/// A template, made ready for reading.
pub struct SheetContext {
    /// The template.
    pub template: Arc<Template>,
    pub(super) steps: Steps,
    pub(super) wanted: Wanted,
    pub(super) rules: Rules,
    pub(super) thresholds: Thresholds,
    pub(super) auto_align: Option<AutoAlign>,
    pub(super) lettering: Lettering,
    pub(super) places: Places,
    pub(super) recogniser: Option<Tesseract>,
}

impl SheetContext {
    /// Makes a template ready. `config` is the one that governs it: the one in force where the template was found.
    /// `load` reads a picture that the template names.
    ///
    /// # Errors
    /// [`PrepareError`]: a picture that cannot be loaded, a step that cannot work.
    pub fn prepare(template: Arc<Template>, config: &Config, load: LoadPicture<'_>) -> Result<Self, PrepareError> {
        let steps = Steps::prepare(&template, config, load)?;
        let coloured = config.outputs.colored_outputs;
        Ok(Self {
            steps,
            wanted: Wanted {
                colour: coloured && Steps::look_at_colour(&template),
                gray: if coloured { GrayRule::FromColour } else { GrayRule::Direct },
            },
            rules: Rules::of(template.dialect),
            thresholds: config.thresholds.clone(),
            auto_align: config.auto_align.filter(|_| template.dialect == Dialect::V1),
            lettering: Lettering::of(&template),
            places: Places::of(&template),
            recogniser: None,
            template,
        })
    }

    /// True when the bubbles lie the same way upside down, so that a sheet cannot tell how it lies.
    pub fn is_symmetric(&self) -> bool {
        self.template.fields().any(|(_, field)| !field.bubbles.is_empty()) && self.places.look_the_same(Turn::Half)
    }

    /// With what recognises text, for a template that has text fields.
    pub fn with_recogniser(self, recogniser: Tesseract) -> Self {
        Self { recogniser: Some(recogniser), ..self }
    }

    /// What recognises text, if the template has text fields.
    pub fn recogniser(&self) -> Option<&Tesseract> {
        self.recogniser.as_ref()
    }
}
