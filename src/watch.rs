//! `--watch`: run after run into one output, each when there is something new, until told to stop. Nothing is read twice: each run
//! goes on with what the one before it left.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use indicatif::MultiProgress;
use tracing::{error, info};

use crate::batch::{BatchError, Means};
use crate::digest::Digest;
use crate::exit::Exit;
use crate::file_names::{DOCUMENTS, STATE_FOLDER, shown};
use crate::images::Image;
use crate::job::{self, JobError};
use crate::options::Options;
use crate::outputs::journal::{Known, Stamp};
use crate::plan::{self, Plan};
use crate::signals::StopRequest;

/// The inputs are looked at this often.
const EVERY: Duration = Duration::from_secs(1);

/// Looking takes at most this share of the time, however many files there are.
const SHARE: u32 = 10;

/// Whether it was asked to stop is looked at this often.
const LISTEN: Duration = Duration::from_millis(50);

/// Reads what is there, and then what comes, until it is told to stop.
///
/// # Errors
/// [`JobError`]: the first run cannot start, or any cannot finish. A template that is broken later is told, and waited for.
pub fn run(options: &Options, bars: &MultiProgress, stop: &StopRequest) -> Result<Exit, JobError> {
    let mut seen = glance(options);
    let Some((mut plan, lock)) = job::begin(options, stop)? else { return Ok(stop.exit()) };
    let mut known = Known::of(&options.output).map_err(BatchError::from)?;
    job::run(&mut plan, Means { options, lock: &lock, known: Some(&known), stop, bars })?;
    known = Known::of(&options.output).map_err(BatchError::from)?;
    info!("watching; SIGINT or SIGTERM ends it");
    let (mut looking, mut complaint) = (Duration::ZERO, String::new());
    let mut has_fresh = plan.unsettled > 0;
    while !pause(EVERY.max(looking * SHARE), stop) {
        let start = Instant::now();
        let now = glance(options);
        // A plan tells all that is odd about its folders: it is made where something has changed.
        if now == seen && !has_fresh {
            looking = start.elapsed();
            continue;
        }
        let done = match Plan::prepare(options) {
            Ok(mut plan) => {
                has_fresh = plan.unsettled > 0;
                match has_news(&plan, &known, options) {
                    true => {
                        job::run(&mut plan, Means { options, lock: &lock, known: Some(&known), stop, bars }).map(Some)
                    }
                    false => Ok(None),
                }
            }
            Err(errors) => Err(JobError::Plan(errors)),
        };
        match done {
            Ok(exit) => {
                if exit.is_some() {
                    known = Known::of(&options.output).map_err(BatchError::from)?;
                }
                complaint.clear();
            }
            // What a person can mend is waited for.
            Err(error @ JobError::Plan(_)) => {
                let told = error.messages().join("\n");
                if told != complaint {
                    error!("{told}");
                    complaint = told;
                }
            }
            Err(error) => return Err(error),
        }
        seen = now;
        looking = start.elapsed();
    }
    Ok(stop.exit())
}

/// Names, sizes and times of all files of the inputs, in one digest. Where single files are named, of those, and of documents in
/// their folders and above.
fn glance(options: &Options) -> Digest {
    let output = options.output.canonicalize().ok();
    let setup = &options.setup;
    let mut paths: Vec<PathBuf> =
        [&setup.template, &setup.config, &setup.evaluation].into_iter().flatten().cloned().collect();
    let mut seen: Vec<Vec<u8>> = Vec::new();
    for root in &options.roots {
        match &root.chosen {
            Some(chosen) => paths.extend(chosen.files().flat_map(|below| with_documents(shown(&root.dir), below))),
            None => paths.push(shown(&root.dir).to_path_buf()),
        }
    }
    paths.sort_unstable();
    paths.dedup();
    while let Some(path) = paths.pop() {
        let Ok(found) = path.metadata() else { continue };
        if !found.is_dir() {
            let stamp = Stamp::of(&found);
            let text = format!("{} {:?} ", stamp.bytes, stamp.modified);
            seen.push([text.as_bytes(), path.as_os_str().as_encoded_bytes()].concat());
            continue;
        }
        // Links to folders may lead in circles; what they lead to is looked at by the plan.
        let is_link = path.symlink_metadata().is_ok_and(|link| link.is_symlink());
        let is_root = options.roots.iter().any(|root| shown(&root.dir) == path);
        if (is_link && !is_root) || path.canonicalize().ok() == output {
            continue;
        }
        let entries = path.read_dir().into_iter().flatten().flatten();
        paths.extend(entries.filter(|entry| entry.file_name() != STATE_FOLDER).map(|entry| entry.path()));
    }
    seen.sort_unstable();
    Digest::of_parts(seen.iter().map(Vec::as_slice))
}

/// A file `below` a folder, and where documents that govern it may lie.
fn with_documents(folder: &Path, below: &Path) -> Vec<PathBuf> {
    let folders = below.ancestors().skip(1).map(|above| folder.join(above));
    let documents = folders.flat_map(|folder| DOCUMENTS.map(|name| folder.join(name)));
    documents.chain([folder.join(below)]).collect()
}

/// Waits; true: it was told to stop.
fn pause(time: Duration, stop: &StopRequest) -> bool {
    let until = Instant::now() + time;
    while !stop.is_made() && Instant::now() < until {
        std::thread::sleep(LISTEN.min(until.saturating_duration_since(Instant::now())));
    }
    stop.is_made()
}

/// Is there a sheet that is not known, or that would be read again? One that could not be read is tried whenever something changes.
fn has_news(plan: &Plan, known: &Known, options: &Options) -> bool {
    options.prune
        || plan.folders.iter().any(|folder| {
            let place = &folder.folder.place;
            let is_mine = |image: &&Image| options.shard.is_none_or(|shard| plan::is_of(shard, place, image, options));
            folder.folder.images.iter().filter(is_mine).any(|image| match known.stamp(place, image.name()) {
                None => true,
                Some((_, setting)) if setting != folder.setting.id => true,
                Some((None, _)) => true,
                Some((Some(stamp), _)) => {
                    let now = folder.folder.dir.join(image.file()).metadata();
                    now.is_ok_and(|now| Stamp::of(&now) != stamp)
                }
            })
        })
}
