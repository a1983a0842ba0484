//! What all sheets of a template share: built once, before the first sheet is read, and never changed.

use std::sync::Arc;

use super::align::by_reference::BlockAligner;
use super::decode::{GrayRule, Wanted, WantedColour};
use super::judge::Judge;
use super::judge::classic::Rules;
use super::layout::Layouts;
use super::orientation::evidence::Form;
use super::preprocess::{LoadPicture, PrepareError, Steps};
use super::render::Lettering;
use crate::config::{AutoAlign, Config, Limits, OutputMode, Reader};
use crate::dialect::Dialect;
use crate::imaging::orient::Turn;
use crate::template::{FieldKind, Template};
use crate::tesseract::Tesseract;

/// A template, made ready for reading.
pub struct SheetContext {
    /// The template, its columns those of the mode.
    pub template: Arc<Template>,
    pub(super) mode: OutputMode,
    pub(super) layouts: Layouts,
    pub(super) steps: Steps,
    pub(super) wanted: Wanted,
    pub(super) judge: Judge,
    pub(super) auto_align: Option<AutoAlign>,
    /// If the template has a reference picture.
    pub(super) aligner: Option<BlockAligner>,
    pub(super) lettering: Lettering,
    pub(super) form: Form,
    pub(super) recogniser: Option<Tesseract>,
    /// Those of the config that governs the template: for sheets that lie in no folder of a run.
    pub limits: Limits,
}

impl SheetContext {
    /// Makes a template ready. `config` is the one that governs it: the one in force where the template was found.
    /// `mode`: what is written of its sheets. `load` reads a picture that the template names.
    ///
    /// # Errors
    /// [`PrepareError`]: a picture that cannot be loaded, a step that cannot work.
    pub fn prepare(
        template: Arc<Template>,
        config: &Config,
        mode: OutputMode,
        load: LoadPicture<'_>,
    ) -> Result<Self, PrepareError> {
        let template = match mode {
            OutputMode::Default => template,
            OutputMode::Moderation => Arc::new(template.with_raw_columns()),
        };
        let steps = Steps::prepare(&template, config, load)?;
        let aligner = template.alignment_reference.as_ref();
        let aligner = aligner.map(|reference| BlockAligner::prepare(&template, reference, &steps, load)).transpose()?;
        let coloured = config.outputs.colored_outputs;
        let layouts = Layouts::of(&template).map_err(|names| {
            PrepareError::Impossible(format!("a conditional set asks for unknown values: {}", names.join(", ")))
        })?;
        Ok(Self {
            steps,
            wanted: Wanted {
                colour: match coloured && Steps::look_at_colour(&template) {
                    true => WantedColour::First,
                    false => WantedColour::None,
                },
                gray: if coloured { GrayRule::FromColour } else { GrayRule::Direct },
            },
            judge: Judge {
                reader: config.reader,
                thresholds: config.thresholds.clone(),
                rules: Rules::of(template.dialect),
            },
            auto_align: config.auto_align.filter(|_| template.dialect == Dialect::V1),
            aligner,
            lettering: Lettering::of(&template),
            form: Form::of(&template),
            recogniser: None,
            limits: config.limits,
            mode,
            layouts,
            template,
        })
    }

    /// True when nothing that the template knows tells a sheet that lies upside down: the bubbles lie the same way, there is
    /// no bar code, and AutoRotate does not decide.
    pub fn is_symmetric(&self) -> bool {
        let has_codes = self.template.fields().any(|(block, _)| block.kind == FieldKind::Barcode);
        self.form.looks_the_same(Turn::Half) && !has_codes && !Steps::turn_by_a_reference(&self.template)
    }

    /// With another judge than the config's.
    pub fn with_reader(mut self, reader: Reader) -> Self {
        self.judge.reader = reader;
        self
    }

    /// With what recognises text, for a template that has text fields.
    pub fn with_recogniser(self, recogniser: Tesseract) -> Self {
        Self { recogniser: Some(recogniser), ..self }
    }

    /// What recognises text, if the template has text fields.
    pub fn recogniser(&self) -> Option<&Tesseract> {
        self.recogniser.as_ref()
    }

    /// The layout of this number: 0 is the template's own, which also stands for numbers that there are not.
    pub fn layout(&self, number: usize) -> &Template {
        let set = number.checked_sub(1).and_then(|i| self.template.sets.get(i));
        set.map_or(&*self.template, |set| &set.layout)
    }

    /// The page of the picture that the blocks of all layouts are aligned with, if they are.
    pub fn reference_page(&self) -> Option<&image::GrayImage> {
        self.aligner.as_ref()?.reference_page()
    }

    /// The name of the set that layout `number` is of; `None` for the template's own.
    pub fn layout_name(&self, number: usize) -> Option<&str> {
        self.template.sets.get(number.checked_sub(1)?).map(|set| set.name.as_str())
    }
}
