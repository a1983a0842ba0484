//! Groups the sheets of a folder once its rows stand: links and copies are made of files that are there, and what an earlier run
//! copied of a file that has gone stays.

use super::BatchError;
use crate::images::Image;
use crate::outputs::grouping::{self, Grouped, Wish};
use crate::outputs::journal::{JournalError, SheetLine};
use crate::outputs::ledger::Ledger;

/// Groups the sheets with these wishes. `known` says what an earlier run noted of one.
///
/// # Errors
/// [`BatchError`].
pub fn group(
    folder: Grouped<'_>,
    wishes: Vec<(usize, Wish)>,
    known: impl Fn(usize, &Image) -> Result<Option<SheetLine>, JournalError>,
    ledger: &mut Ledger,
) -> Result<(), BatchError> {
    let mut gone = Vec::new();
    for &(sheet, _) in &wishes {
        // A page is copied from its marked picture, which stays.
        let Some(image) = folder.images.get(sheet).filter(|image| image.page_number().is_none()) else { continue };
        if !folder.dir.join(image.file()).is_file() {
            gone.extend(known(sheet, image)?.and_then(|line| line.source).map(|source| (sheet, source)));
        }
    }
    Ok(grouping::organize(folder, wishes, &gone, ledger)?)
}
