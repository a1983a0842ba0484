//! Which of its template's layouts a sheet has: the first set whose matcher is found in what the template's own blocks
//! say, else the template's own layout.

use std::borrow::Cow;

use super::interpret::Interpretation;
use super::report::FieldDoubt;
use crate::matcher::BoundMatcher;
use crate::scoring::SheetName;
use crate::template::{LayoutKey, Template};

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

    /// The doubts about the fields that set `chosen` was chosen by, as far as its own reading has no doubt about them: a
    /// sheet in the wrong layout is wrong in every field.
    pub fn doubts(
        &self,
        chosen: usize,
        own: (&Template, &Interpretation),
        layout: (&Template, &Interpretation),
    ) -> Vec<FieldDoubt> {
        let told = |label: &str| {
            let mut fields = layout.0.fields().zip(&layout.1.fields);
            fields.any(|((_, field), value)| field.label == label && value.doubt.is_some())
        };
        let asked = asked_fields(self.0.iter().take(chosen + 1));
        let doubts = asked.into_iter().filter_map(|i| {
            let ((_, field), value) = (own.0.fields().nth(i)?, own.1.fields.get(i)?);
            let doubt = value.doubt.filter(|_| !told(&field.label))?;
            Some(FieldDoubt::of_field(own.0, i, field, value, doubt))
        });
        doubts.collect()
    }

    /// Why a sheet that no set was chosen for may be of one all the same: a field that the sets go by is blank, or has
    /// several marks. `None` where the fields have values that fit no set, which is the template's own layout's sheet.
    pub fn open_choice(&self, template: &Template, read: &Interpretation) -> Option<String> {
        let open = asked_fields(self.0.iter()).into_iter().find_map(|i| {
            let ((block, field), value) = (template.fields().nth(i)?, read.fields.get(i)?);
            let marks = value.marked.iter().filter(|&&marked| marked).count();
            let is_blank = value.value == block.empty_value;
            (is_blank || marks > 1)
                .then(|| (field.label.clone(), if is_blank { "is blank" } else { "has several marks" }))
        });
        open.map(|(label, what)| {
            format!(
                "`{label}` {what}, so none of the template's conditional sets was chosen and its own layout was read; see \
                 which one the sheet has"
            )
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
