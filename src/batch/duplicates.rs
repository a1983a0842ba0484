//! Sheets with the same id. The one place where a sheet is compared with others: it is told beside the reading, and changes
//! nothing of it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};

use crate::sheet::{FieldDoubt, Reason};

/// The ids of the sheets that one template governs, each with the sheet that had it first. Fed in input order.
#[derive(Debug, Default)]
pub struct Ids {
    // Looked up only.
    first: HashMap<String, String>,
}

impl Ids {
    /// Takes the id of the sheet `file`, a path below the input. Where an earlier sheet has it, a doubt about this one.
    pub fn take(&mut self, id: String, file: String) -> Option<FieldDoubt> {
        match self.first.entry(id) {
            Entry::Vacant(place) => {
                place.insert(file);
                None
            }
            Entry::Occupied(place) => {
                let detail = format!(
                    "has the id `{}`, which `{}` has, too; one of them was read wrong, marked wrong or scanned twice",
                    place.key(),
                    place.get()
                );
                Some(FieldDoubt::of_sheet(Reason::DuplicateId, &detail))
            }
        }
    }
}

/// The ids of a run: those of each template file are apart, however many folders it governs.
#[derive(Debug, Default)]
pub struct RunIds(HashMap<PathBuf, Ids>);

impl RunIds {
    /// Those of the sheets that the template called `file` governs.
    pub fn of_template(&mut self, file: &Path) -> &mut Ids {
        self.0.entry(file.to_path_buf()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sheet_with_an_id_is_named() {
        let mut ids = Ids::default();
        let mut take = |id: &str, file: &str| ids.take(id.to_owned(), file.to_owned()).map(|doubt| doubt.value);
        assert_eq!([take("12", "a/1.png"), take("21", "a/2.png")], [None, None]);
        for file in ["a/3.png", "b/1.png"] {
            let told = take("12", file).unwrap();
            assert!(told.starts_with("has the id `12`, which `a/1.png` has, too"), "{told}");
        }
    }

    #[test]
    fn templates_are_apart() {
        let mut run = RunIds::default();
        let mut take = |template: &str| run.of_template(Path::new(template)).take("1".to_owned(), "x".to_owned());
        assert_eq!((take("a/template.json"), take("b/template.json")), (None, None));
        assert!(take("a/template.json").is_some_and(|doubt| doubt.is_of_sheet()));
    }
}
