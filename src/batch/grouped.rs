//! Groups the sheets of a folder once its rows stand: links and copies are made of the files that were read, and what an earlier
//! run copied of a file that has gone, or is another by now, stays.

use std::fs::{self, File};
use std::path::PathBuf;

use super::BatchError;
use crate::images::{Image, Stamp};
use crate::outputs::grouping::{self, Gone, Grouped, Wish};
use crate::outputs::journal::{JournalError, SheetLine};
use crate::outputs::ledger::Ledger;

/// Groups the sheets with these wishes, if they `are_grouped`; if not, copies of sheets that have gone are set aside. `known` says
/// what an earlier run noted of a sheet whose row was not made of its file by this run, but recalled.
///
/// # Errors
/// [`BatchError`].
pub fn group(
    folder: Grouped<'_>,
    are_grouped: bool,
    wishes: Vec<(usize, Wish)>,
    known: impl Fn(usize, &Image) -> Result<Option<SheetLine>, JournalError>,
    is_recalled: impl Fn(&Image) -> bool,
    copies: &[PathBuf],
    ledger: &mut Ledger,
) -> Result<(), BatchError> {
    let mut gone = Vec::new();
    for &(sheet, _) in &wishes {
        // A page is copied from its marked picture, which stays.
        let Some(image) = folder.images.get(sheet).filter(|image| image.page_number().is_none()) else { continue };
        // A pipe would not open before somebody writes into it.
        let path = folder.dir.join(image.file());
        let is_file = fs::metadata(&path).is_ok_and(|metadata| metadata.is_file());
        let now = is_file.then(|| File::open(&path).and_then(|file| file.metadata()).ok()).flatten();
        if now.is_some() && !is_recalled(image) {
            continue;
        }
        let source = known(sheet, image)?.and_then(|line| line.source);
        let is_as_read = now.zip(source).is_some_and(|(now, source)| Stamp::of(&now) == source.stamp);
        if !is_as_read {
            gone.push(Gone { sheet, source });
        }
    }
    if are_grouped {
        grouping::organize(folder, wishes, &gone, copies, ledger)?;
    } else if !gone.is_empty() {
        grouping::set_aside(folder, &gone, ledger)?;
    }
    Ok(())
}
