//! `omr merge`: the output folders of all shards of a run become the one that a single run would have written. First it is proved
//! that they belong together; then their journals are read as one, and rows are written by the same path as those of a run.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use tracing::info;

use crate::batch::summary::Counts;
use crate::batch::whole::{self, ShardOutput, Wanted, WholeFolder};
use crate::batch::{BatchError, isolation};
use crate::cli::{LockPolicy, MergeArgs};
use crate::digest::Digest;
use crate::file_names::shown;
use crate::images::Image;
use crate::options;
use crate::outputs::OutputError;
use crate::outputs::journal::{EndLine, JournalError, Known, Line, RunLine, Setting};
use crate::outputs::lock::OutputLock;
use crate::shard::Shard;
use crate::signals::StopRequest;

/// Why shards cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// They are not the shards of one run: all reasons.
    #[error("{}", .0.join("\n"))]
    Unfit(Vec<String>),
    /// A journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The whole could not be written.
    #[error(transparent)]
    Batch(#[from] BatchError),
}

impl From<OutputError> for MergeError {
    fn from(error: OutputError) -> Self {
        Self::Batch(error.into())
    }
}

impl MergeError {
    /// Everything that is wrong, each with its own text.
    pub fn messages(&self) -> Vec<String> {
        match self {
            Self::Unfit(reasons) => reasons.clone(),
            other => vec![other.to_string()],
        }
    }
}

/// Puts shards together.
///
/// # Errors
/// [`MergeError`]. Nothing was written if the shards do not belong together.
pub fn run(args: &MergeArgs) -> Result<Counts, MergeError> {
    let (shards, run) = belonging_together(args)?;
    let folders = folders(&shards);
    check_sheets(&shards, &folders)?;
    isolation::quieten_panics();
    // A shard that is gone on with meanwhile would change under the merge.
    let held = shards.iter().map(|shard| OutputLock::take(&shard.output, LockPolicy::Fail, &StopRequest::default()));
    let _held = held.collect::<Result<Vec<_>, _>>()?;
    // Nobody asks it to stop while it waits: it does not wait.
    let lock = OutputLock::take(&args.output, LockPolicy::Fail, &StopRequest::default())?;
    let Some(lock) = lock else { return Ok(Counts::default()) };
    let sheets = folders.iter().map(|folder| folder.sheets.len()).sum();
    info!("{} shards, {sheets} sheet(s) in {} folder(s)", shards.len(), folders.len());
    let lines = || {
        let begin = Line::Run(RunLine { shard: None, ..run.clone() });
        let settings = settings(&shards, &folders).into_iter().map(Line::Setting);
        std::iter::once(begin).chain(settings).chain(folder_lines(&shards, &folders))
    };
    let wanted = Wanted { also: options::distinct(args.also.clone()), manifest: args.manifest };
    Ok(whole::write(&args.output, &lock, lines(), &shards, &folders, EndLine { sheets }, &wanted)?)
}

/// Everything that decided how the sheets were read.
fn settings(shards: &[ShardOutput], folders: &[WholeFolder]) -> Vec<Setting> {
    let ids = folders.iter().flat_map(|folder| settings_of(shards, folder)).collect::<BTreeSet<_>>();
    ids.iter().filter_map(|id| shards.iter().find_map(|shard| shard.known.setting(id)).cloned()).collect()
}

/// What a folder's sheets were read by, those that have gone since included.
fn settings_of(shards: &[ShardOutput], folder: &WholeFolder) -> BTreeSet<Digest> {
    let of_sheet = |(image, index): &(Image, usize)| {
        let stamp = shards.get(*index)?.known.stamp(&folder.line.place, image.name());
        stamp.map(|(_, setting)| setting)
    };
    folder.sheets.iter().filter_map(of_sheet).chain([folder.line.setting]).collect()
}

/// What the tables of folders looked like by each of their settings, last by that of now.
fn folder_lines(shards: &[ShardOutput], folders: &[WholeFolder]) -> Vec<Line> {
    let of_folder = |folder: &WholeFolder| {
        let line = &folder.line;
        let others = settings_of(shards, folder).into_iter().filter(|setting| *setting != line.setting);
        let earlier = others.filter_map(|setting| {
            shards.iter().find_map(|shard| shard.known.folder_by(&line.place, &setting)).cloned()
        });
        earlier.chain([line.clone()]).map(Line::Folder).collect::<Vec<_>>()
    };
    folders.iter().flat_map(of_folder).collect()
}

/// Reads the journals and proves that the shards 1 to n of one run are there, each once and finished. Gives them in order, with the
/// line with which one of them began.
fn belonging_together(args: &MergeArgs) -> Result<(Vec<ShardOutput>, RunLine), MergeError> {
    let mut reasons = Vec::new();
    let mut found: Vec<(Shard, RunLine, ShardOutput)> = Vec::new();
    let real = |path: &Path| path.canonicalize().ok();
    for output in &args.shards {
        let name = output.display();
        if real(output).is_some() && real(output) == real(&args.output) {
            reasons.push(format!("`{name}` is a shard and cannot be the --output, too"));
        }
        let known = Known::of(output)?;
        let Some(run) = known.run().cloned() else {
            reasons.push(format!("`{name}` is no output folder of omr: it has no journal `.omr/journal`"));
            continue;
        };
        let Some(shard) = run.shard else {
            reasons.push(format!("`{name}` holds a run over all sheets, not a shard"));
            continue;
        };
        match known.end() {
            None => reasons.push(format!("shard {shard} in `{name}` is not finished; run it again with --resume")),
            Some(end) if end.sheets != known.all_images().count() => reasons.push(format!(
                "shard {shard} in `{name}` has {} sheet(s) in its tables and {} in its journal; run it again with --resume",
                end.sheets,
                known.all_images().count()
            )),
            Some(_) => {}
        }
        if let Some((_, _, other)) = found.iter().find(|(known, ..)| *known == shard) {
            reasons.push(format!("shard {shard} is there twice, in `{}` and `{name}`", other.output.display()));
            continue;
        }
        found.push((shard, run, ShardOutput { output: output.clone(), known }));
    }
    found.sort_by_key(|(shard, ..)| (shard.count, shard.number));
    if let Some((first, run, at)) = found.first() {
        for (shard, other_run, other) in &found {
            let pair = format!("`{}` and `{}`", at.output.display(), other.output.display());
            if shard.count != first.count {
                reasons.push(format!("{pair} are shards {first} and {shard}: not of one run"));
            } else if other_run.omr != run.omr {
                reasons.push(format!("{pair} were written by omr {} and {}", run.omr, other_run.omr));
            } else if other_run.listing != run.listing {
                reasons.push(format!(
                    "{pair} did not find the same images, so sheets would be missing; run all shards again with --resume over \
                     the same input"
                ));
            } else if other_run.settings != run.settings {
                reasons.push(format!("{pair}: {}", differing(&at.known, &other.known)));
            }
        }
        if run.omr != env!("CARGO_PKG_VERSION") {
            let own = env!("CARGO_PKG_VERSION");
            reasons
                .push(format!("the shards were written by omr {}, and this is {own}: merge them by the same", run.omr));
        }
        let missing: Vec<String> = (1..=first.count)
            .filter(|number| !found.iter().any(|(shard, ..)| shard.number == *number))
            .take(20)
            .map(|number| number.to_string())
            .collect();
        if !missing.is_empty() {
            reasons.push(format!("of {} shards these are missing: {}", first.count, missing.join(", ")));
        }
    }
    match found.first().map(|(_, run, _)| run.clone()) {
        Some(run) if reasons.is_empty() => Ok((found.into_iter().map(|(.., shard)| shard).collect(), run)),
        _ => Err(MergeError::Unfit(reasons)),
    }
}

/// The folders of all shards in input order.
fn folders(shards: &[ShardOutput]) -> Vec<WholeFolder> {
    let mut by_place: HashMap<&Path, WholeFolder> = HashMap::new();
    for (index, shard) in shards.iter().enumerate() {
        // A shard that has no sheets of a folder any more knows nothing of how it is read now.
        for line in shard.known.folders().filter(|line| !shard.known.images(&line.place).is_empty()) {
            let sheets = shard.known.images(&line.place).into_iter().map(|image| (image.clone(), index));
            let begun = || WholeFolder { line: line.clone(), sheets: Vec::new() };
            by_place.entry(&line.place).or_insert_with(begun).sheets.extend(sheets);
        }
    }
    let mut folders: Vec<WholeFolder> = by_place.into_values().collect();
    folders.sort_by(|a, b| a.line.order().cmp(&b.line.order()));
    for folder in &mut folders {
        folder.sheets.sort_by(|(a, _), (b, _)| a.order().cmp(&b.order()));
    }
    folders
}

/// Proves that each sheet lies in the shard whose it is, and that all shards read a folder by the same. A shard that is finished has
/// read all its sheets by that; those that have gone since keep the rows that they had before, as in a run over all sheets.
fn check_sheets(shards: &[ShardOutput], folders: &[WholeFolder]) -> Result<(), MergeError> {
    let mut reasons = Vec::new();
    for WholeFolder { line, sheets } in folders {
        let name = shown(&line.dir).join("");
        for shard in shards {
            let Some(there) = shard.known.folder(&line.place) else { continue };
            if shard.known.images(&line.place).is_empty() {
                continue;
            }
            let output = shard.output.display();
            if there.dir != line.dir {
                reasons.push(format!(
                    "`{}` was typed as `{}` for `{output}`: type the same input",
                    name.display(),
                    shown(&there.dir).join("").display()
                ));
            } else if there.setting != line.setting {
                reasons.push(format!(
                    "`{}` was last read by other documents or options in `{output}` than in another shard; bring it back and \
                     run all shards again with --resume, or drop it with --prune",
                    name.display()
                ));
            }
        }
        for (image, index) in sheets {
            let Some(shard) = shards.get(*index) else { continue };
            let share = shard.known.run().and_then(|run| run.shard);
            if share.is_some_and(|share| !share.has(&line.below.join(image.file()))) {
                let (sheet, output) = (name.join(image.name()), shard.output.display());
                reasons.push(format!("`{}` in `{output}` is not of this shard's share", sheet.display()));
            }
        }
    }
    const TOLD: usize = 20;
    if reasons.len() > TOLD {
        let more = reasons.len() - TOLD;
        reasons.truncate(TOLD);
        reasons.push(format!("and {more} more of the kind"));
    }
    if reasons.is_empty() { Ok(()) } else { Err(MergeError::Unfit(reasons)) }
}

/// In which words the settings of two shards differ.
fn differing(one: &Known, other: &Known) -> String {
    let (one, other): (Vec<&Setting>, Vec<&Setting>) = (one.settings().collect(), other.settings().collect());
    let changed = other.iter().flat_map(|setting| &setting.documents).find(|document| {
        let mut known = one.iter().flat_map(|setting| &setting.documents);
        known.any(|known| known.path == document.path && known.sha256 != document.sha256)
    });
    if let Some(document) = changed {
        return format!("the sheets were read by different contents of `{}`", document.path.display());
    }
    let options = |settings: &[&Setting]| settings.first().map(|setting| setting.options.clone()).unwrap_or_default();
    let (ours, theirs) = (options(&one), options(&other));
    if ours != theirs {
        return format!("the sheets were read with different options, `{ours}` and `{theirs}`");
    }
    "the sheets were read by different templates, configs, evaluations or options".to_owned()
}
