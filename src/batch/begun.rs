//! What the journal has of a run when it begins: the run itself, all that its sheets are read by, and its folders.

use super::Means;
use crate::digest::Digest;
use crate::file_names::shown;
use crate::options::{Options, Root};
use crate::outputs::TableShape;
use crate::outputs::cells::Cells;
use crate::outputs::journal::{FolderLine, InputLine, Journal, Line, RunLine};
use crate::plan::{FolderPlan, Plan};
use crate::statistics::Questions;

/// Begins the journal of this run, or goes on with that of earlier ones.
///
/// # Errors
/// What the system says.
pub fn begin(plan: &Plan, means: Means<'_>) -> std::io::Result<Journal> {
    let output = means.options.output.as_path();
    let journal = means.known.map_or_else(|| Journal::begin(output), |known| Journal::go_on(output, known))?;
    let omr = env!("CARGO_PKG_VERSION").to_owned();
    let (shard, listing) = (means.options.shard, plan.listing);
    let settings = Digest::of_parts(plan.settings.iter().map(|setting| setting.id.as_bytes()));
    let input = |root: &Root| {
        let dir = shown(&root.dir);
        let real = dir.canonicalize().unwrap_or_else(|_| dir.to_path_buf());
        InputLine { place: root.place.clone(), dir: root.dir.clone(), real }
    };
    let inputs = means.options.roots.iter().map(input).collect();
    journal.append(&Line::Run(RunLine { omr, shard, inputs, listing, settings }))?;
    for setting in &plan.settings {
        if means.known.is_none_or(|known| known.setting(&setting.id).is_none()) {
            journal.append(&Line::Setting(setting.clone()))?;
        }
    }
    let found = plan.folders.iter().map(|folder| line_of(folder, means.options));
    for line in found.chain(plan.gone.iter().map(|gone| gone.line.clone())) {
        if means.known.and_then(|known| known.folder(&line.place)) != Some(&line) {
            journal.append(&Line::Folder(line))?;
        }
    }
    Ok(journal)
}

/// What has to be known of a folder to write its tables.
pub fn line_of(plan: &FolderPlan, options: &Options) -> FolderLine {
    let questions = plan.scoring.as_deref().filter(|_| options.statistics);
    FolderLine {
        root: plan.root,
        place: plan.folder.place.clone(),
        below: plan.below_root(&options.roots),
        dir: plan.folder.dir.clone(),
        setting: plan.setting.id,
        template: plan.template_key.clone(),
        shape: TableShape::of(&plan.context.template, plan.diverts_multi_marked(), Cells::of(options.safe_cells)),
        questions: questions.map(|scoring| Questions::of(scoring.scorer()).names().to_vec()),
        is_grouped: plan.grouping.is_some(),
    }
}
