//! Files about sheets whose own files have gone: where another sheet has come since, they are called as one run over all sheets would
//! call them.

use std::fs;

use parking_lot::Mutex;

use super::BatchError;
use crate::outputs::OutputError;
use crate::outputs::journal::{FolderLine, Known, SheetLine};
use crate::outputs::ledger::Ledger;
use crate::outputs::paths::FolderPaths;
use crate::plan::FolderPlan;

/// Renames what earlier runs wrote about the sheets of a folder that have gone. To be called before any sheet is read: one may get the
/// name that such a file has.
///
/// # Errors
/// [`BatchError`].
pub fn rename(plan: &FolderPlan, line: &FolderLine, known: &Known, ledger: &Mutex<Ledger>) -> Result<(), BatchError> {
    let (paths, output) = (&plan.paths, plan.paths.output());
    for image in plan.folder.images.iter().filter(|image| plan.gone.contains(image.name())) {
        let Some(sheet) = known.sheet(line, image.name())? else { continue };
        for file in &sheet.done.files {
            let below = paths.called_now(image.name(), &file.path);
            let (from, to) = (paths.on_disk(&file.path), paths.on_disk(&below));
            // Renamed by a run that was ended then; or another's, which stays.
            if below == file.path || !file.lies_at(&from) || to.symlink_metadata().is_ok() {
                continue;
            }
            ledger.lock().announce([below]).map_err(OutputError::at(output))?;
            fs::rename(&from, &to).map_err(OutputError::at(&to))?;
        }
    }
    Ok(())
}

/// The line of a sheet that has gone with the names that the files about it have now, and whether any is another.
pub fn renamed(mut line: SheetLine, paths: &FolderPaths) -> (SheetLine, bool) {
    let mut is_other = false;
    for file in &mut line.done.files {
        let below = paths.called_now(line.image.name(), &file.path);
        let is_left = paths.on_disk(&file.path).symlink_metadata().is_ok();
        if below != file.path && !is_left && file.lies_at(&paths.on_disk(&below)) {
            (file.path, is_other) = (below, true);
        }
    }
    (line, is_other)
}
