//! Which places a plan writes to: tried before the first sheet, and announced to the list of what omr wrote.

use std::path::{Path, PathBuf};

use crate::cli::TableFormat;
use crate::options::Options;
use crate::outputs::ledger::Ledger;
use crate::outputs::lock::OutputLock;
use crate::outputs::paths::{FolderPaths, ORGANIZED, is_layout};
use crate::outputs::{self, OutputError};
use crate::plan::{FolderPlan, Plan};

/// Tries all places of a plan, so that one that cannot be written is found before the first sheet.
///
/// # Errors
/// [`OutputError`].
pub fn open(plan: &Plan, options: &Options, lock: &OutputLock) -> Result<Ledger, OutputError> {
    let Options { output, also, .. } = options;
    let mut ledger = begin(output, lock)?;
    for folder in &plan.folders {
        try_tables(&folder.paths, also, &mut ledger, output)?;
        outputs::try_folders(&folder.paths, &besides(folder))?;
        if saves_pictures(folder) {
            outputs::try_crops(&folder.paths)?;
        }
    }
    for gone in &plan.gone {
        try_tables(&gone.paths, also, &mut ledger, output)?;
    }
    Ok(ledger)
}

/// Opens the list of what was written, and removes what must not be there when new things are written.
///
/// # Errors
/// [`OutputError`].
pub fn begin(output: &Path, lock: &OutputLock) -> Result<Ledger, OutputError> {
    let mut ledger = outputs::open_ledger(output, lock)?;
    // Pictures of the layout are looked at beside the results.
    ledger.keep(is_layout);
    // Links to sheets lie among the grouped ones. They go first, so that nothing can be written through them. Copies stay until
    // new ones take their places: they may be of sheets that have gone.
    let is_link = |path: &Path| output.join(path).symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
    let is_grouped = |path: &Path| path.components().any(|part| part.as_os_str() == ORGANIZED);
    ledger.remove_earlier(|path| is_grouped(path) && is_link(path)).map_err(OutputError::at(output))?;
    Ok(ledger)
}

/// Announces the tables of a folder, which come in the formats `also`, too, and tries their places.
///
/// # Errors
/// [`OutputError`].
pub fn try_tables(
    paths: &FolderPaths,
    also: &[TableFormat],
    ledger: &mut Ledger,
    output: &Path,
) -> Result<(), OutputError> {
    ledger.announce(outputs::table_files_and_partials(paths, also)).map_err(OutputError::at(output))?;
    outputs::try_places(paths, &[], also)
}

/// The folders that a folder's outputs besides its tables need, below the output folder.
fn besides(plan: &FolderPlan) -> Vec<PathBuf> {
    let paths = &plan.paths;
    let pictures = saves_pictures(plan).then(|| paths.pictures());
    let coloured = saves_coloured(plan).then(|| paths.coloured());
    let explanations = saves_explanations(plan).then(|| paths.explanations());
    let stacks = saves_stacks(plan).then(|| paths.stacks());
    let grouped = plan.grouping.is_some().then(|| paths.organized());
    [pictures, coloured, explanations, stacks, grouped].into_iter().flatten().collect()
}

/// Removes the folders of a plan into which nothing was written: a folder whose sheets could not be read has no pictures.
pub fn leave_no_empty(plan: &Plan, output: &Path) {
    // Some lie in others.
    for folder in plan.folders.iter().flat_map(|folder| besides(folder).into_iter().rev()) {
        // One that holds something stays, and so does one that cannot be removed: nothing is lost by it.
        let _ = std::fs::remove_dir(output.join(folder));
    }
}

/// The files about sheets of a folder whose names are known before they are read, below the output folder.
pub fn files_about_sheets(plan: &FolderPlan) -> impl Iterator<Item = PathBuf> {
    let level = plan.folder.config.outputs.save_image_level;
    let (pictures, coloured) = (saves_pictures(plan), saves_coloured(plan));
    let (explanations, stacks) = (saves_explanations(plan), saves_stacks(plan));
    plan.folder.images.iter().flat_map(move |image| {
        let (paths, name) = (&plan.paths, image.name());
        let picture = pictures.then(|| paths.pictures().join(paths.picture(name).name));
        let coloured = coloured.then(|| paths.coloured().join(paths.picture(name).name));
        let explanation = explanations.then(|| paths.explanation(name));
        let stack = stacks.then(|| paths.stack(name, level));
        [picture, coloured, explanation, stack].into_iter().flatten()
    })
}

/// Are marked pictures saved in the sheets' own colours, too?
pub fn saves_coloured(plan: &FolderPlan) -> bool {
    saves_pictures(plan) && plan.folder.config.outputs.colored_outputs
}

/// Are marked pictures saved?
pub fn saves_pictures(plan: &FolderPlan) -> bool {
    plan.folder.config.outputs.save_detections
}

/// Are stage pictures saved?
pub fn saves_stacks(plan: &FolderPlan) -> bool {
    plan.folder.config.outputs.save_image_level > 0
}

fn saves_explanations(plan: &FolderPlan) -> bool {
    plan.scoring.as_ref().is_some_and(|scoring| scoring.scorer().exports_tables())
}
