//! `--watch`: run after run into one output, each when there is something new, until told to stop. Nothing is read twice: each run
//! goes on with what the one before it left.

use std::time::{Duration, Instant};

use indicatif::MultiProgress;
use tracing::{error, info};

use crate::batch::{BatchError, Means};
use crate::exit::Exit;
use crate::images::Image;
use crate::job::{self, JobError};
use crate::options::Options;
use crate::outputs::journal::{Known, Stamp};
use crate::outputs::lock::OutputLock;
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
    let mut plan = Plan::prepare(options).map_err(JobError::Plan)?;
    let Some(lock) = OutputLock::take(&options.output, options.lock, stop).map_err(BatchError::from)? else {
        return Ok(stop.exit());
    };
    let mut known = Known::of(&options.output).map_err(BatchError::from)?;
    job::run(&mut plan, Means { options, lock: &lock, known: Some(&known), stop, bars })?;
    known = Known::of(&options.output).map_err(BatchError::from)?;
    info!("watching; SIGINT or SIGTERM ends it");
    let (mut looking, mut complaint) = (Duration::ZERO, String::new());
    while !pause(EVERY.max(looking * SHARE), stop) {
        let start = Instant::now();
        match Plan::prepare(options) {
            Ok(mut plan) if has_news(&plan, &known, options) => {
                job::run(&mut plan, Means { options, lock: &lock, known: Some(&known), stop, bars })?;
                known = Known::of(&options.output).map_err(BatchError::from)?;
                complaint.clear();
            }
            Ok(_) => complaint.clear(),
            Err(errors) => {
                let told = JobError::Plan(errors).messages().join("\n");
                if told != complaint {
                    error!("{told}");
                    complaint = told;
                }
            }
        }
        looking = start.elapsed();
    }
    Ok(stop.exit())
}

/// Waits; true: it was told to stop.
fn pause(time: Duration, stop: &StopRequest) -> bool {
    let until = Instant::now() + time;
    while !stop.is_made() && Instant::now() < until {
        std::thread::sleep(LISTEN.min(until.saturating_duration_since(Instant::now())));
    }
    stop.is_made()
}

/// Is there a sheet that is not known, or that would be read again? One that could not be read stays as it is until its file
/// changes.
fn has_news(plan: &Plan, known: &Known, options: &Options) -> bool {
    plan.folders.iter().any(|folder| {
        let place = &folder.folder.place;
        let is_mine = |image: &&Image| options.shard.is_none_or(|shard| plan::is_of(shard, place, image, options));
        folder.folder.images.iter().filter(is_mine).any(|image| match known.stamp(place, image.name()) {
            None => true,
            Some((_, setting)) if setting != folder.setting.id => true,
            Some((None, _)) => false,
            Some((Some(stamp), _)) => {
                let now = folder.folder.dir.join(image.file()).metadata();
                now.is_ok_and(|now| Stamp::of(&now) != stamp)
            }
        })
    })
}
