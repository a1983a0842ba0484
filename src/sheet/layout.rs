//! Which of its template's layouts a sheet has: the first set whose matcher is found in what the template's own blocks
//! say, else the template's own layout.

use std::borrow::Cow;

use super::align::Alignment;
use super::crop::View;
use super::doubts::own_doubt;
use super::error::{Reason, SheetDoubt};
use super::interpret::{Doubt, Interpretation};
use crate::matcher::BoundMatcher;
use crate::scoring::SheetName;
use crate::template::{LayoutKey, Template};

/// A field of the template's own layout that a sheet's layout was chosen by: where it is read wrong, the sheet may have
/// another layout, and every field may be wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct ChoosingField {
    /// Its label.
    pub field: String,
    /// The output column that it lands in, if there is one.
    pub column: String,
    /// What was read.
    pub value: String,
    /// Its doubt, if it has one.
    pub doubt: Option<Doubt>,
    /// How sure the reading is, 0 to 1.
    pub confidence: f64,
    /// Where it was read.
    pub view: View,
}

/// The matchers of a template's sets, made ready.
#[derive(Debug, Clone, Default)]
pub(super) struct Layouts(Vec<BoundMatcher<LayoutKey>>);

impl Layouts {
    /// Settles what the matchers ask for.
    ///
    /// # Errors
    /// The names that the template does not have. A template that was loaded has them all.
    pub fn of(template: &Template) -> Result<Self, Vec<String>> {
        let bind = |set: &crate::template::LayoutSet| set.matcher.bind(|name| template.layout_key(name));
        template.sets.iter().map(bind).collect::<Result<_, _>>().map(Self)
    }

    /// The number of the set that a sheet is for, by what its template's own layout reads on it.
    pub fn choose(&self, read: &Interpretation, name: SheetName<'_>) -> Option<usize> {
        self.0.iter().position(|matcher| matcher.fits(|key| text(key, read, name)))
    }

    /// The fields that decided that a sheet has the set `chosen`, or none, in template order. `template` and what was `read` are
    /// those of the template's own layout, whose blocks lie as `alignment` says.
    pub fn chosen_by(
        &self,
        chosen: Option<usize>,
        template: &Template,
        read: &Interpretation,
        alignment: &Alignment,
    ) -> Vec<ChoosingField> {
        let tried = chosen.map_or(self.0.len(), |set| set + 1);
        let asked = asked_fields(self.0.iter().take(tried));
        let field = |i: usize| {
            let ((block_number, field), value) = (template.numbered_fields().nth(i)?, read.fields.get(i)?);
            let block = template.blocks.get(block_number)?;
            let placement = alignment.placements.get(block_number).copied().unwrap_or_default();
            Some(ChoosingField {
                field: field.label.clone(),
                column: template.column_of(i).map_or(String::new(), |column| column.name.clone()),
                value: value.value.clone(),
                doubt: own_doubt(value, alignment, block_number),
                confidence: value.confidence,
                view: View::of(block, field, placement),
            })
        };
        asked.into_iter().filter_map(field).collect()
    }

    /// Why a sheet that no set was chosen for may be of one all the same: a field that the sets go by is blank, or has
    /// several marks. `None` where the fields have values that fit no set, which is the template's own layout's sheet.
    pub fn open_choice(&self, template: &Template, read: &Interpretation) -> Option<SheetDoubt> {
        let open = asked_fields(self.0.iter()).into_iter().find_map(|i| {
            let ((block, field), value) = (template.fields().nth(i)?, read.fields.get(i)?);
            let is_blank = value.value == block.empty_value;
            (is_blank || value.is_multi_marked())
                .then(|| (field.label.clone(), if is_blank { "is blank" } else { "has several marks" }))
        });
        open.map(|(label, what)| {
            let detail = format!(
                "`{label}` {what}, so none of the template's conditional sets was chosen and its own layout was read; see \
                 which one the sheet has"
            );
            SheetDoubt { reason: Reason::TemplateMismatch, detail }
        })
    }
}

/// The fields that matchers go by, each once, in template order.
fn asked_fields<'m>(matchers: impl Iterator<Item = &'m BoundMatcher<LayoutKey>>) -> Vec<usize> {
    let mut asked: Vec<usize> = matchers.flat_map(BoundMatcher::keys).flat_map(fields).copied().collect();
    asked.sort_unstable();
    asked.dedup();
    asked
}

fn fields(key: &LayoutKey) -> &[usize] {
    match key {
        LayoutKey::Fields(fields) => fields,
        LayoutKey::FileName | LayoutKey::FilePath => &[],
    }
}

fn text<'t>(key: &LayoutKey, read: &'t Interpretation, name: SheetName<'t>) -> Cow<'t, str> {
    let value = |i: usize| read.fields.get(i).map_or("", |field| field.value.as_str());
    match key {
        LayoutKey::Fields(fields) => match fields.as_slice() {
            [one] => Cow::Borrowed(value(*one)),
            many => many.iter().map(|&i| value(i)).collect(),
        },
        LayoutKey::FileName => Cow::Borrowed(name.file_name),
        LayoutKey::FilePath => Cow::Borrowed(name.file_path),
    }
}
