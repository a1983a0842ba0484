//! The sheets of a folder are handed out one by one, and what they have to show goes to the window.
//!
//! Each folder has a pool of its own. Its workers take the next sheet from a shared counter, until there is none, an output
//! failed or a person stops it. Where pictures are shown, there is one worker: it hands those of its sheet to the calling
//! thread, which has the window, and waits.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use parking_lot::Mutex;

use super::BatchError;
use super::viewing::{ToWindow, Viewer};
use crate::file_names::shown;
use crate::images::Image;
use crate::plan::FolderPlan;
use crate::sheet::Scratch;
use crate::sheet::stages::Stage;
use crate::signals::StopRequest;
use crate::window::Answer;

/// Has `sheet` done for every sheet of a folder, on its workers. It is given the sheet's number and name, its worker's buffers,
/// and whether there is a window; it gives back what is to be shown there. Without a `viewer` nothing is. Called on the main
/// thread; makes `stop` when a person at the window wants no further sheet to be begun.
///
/// # Errors
/// The first that a sheet met; the workers could not be started.
pub fn hand_out(
    plan: &FolderPlan,
    viewer: Option<&mut Viewer>,
    stop: &StopRequest,
    bars: &MultiProgress,
    sheet: impl Fn(usize, &Image, &mut Scratch, bool) -> Result<Vec<Stage>, BatchError> + Sync,
) -> Result<(), BatchError> {
    let bar = bars.add(progress_bar(plan.folder.images.len(), &shown(&plan.folder.dir).join("")));
    let (next, failed, failure) = (AtomicUsize::new(0), AtomicBool::new(false), Mutex::new(None));
    let handing = Handing { plan, next, failed, failure, stop, bar, sheet };
    let window = viewer.and_then(|viewer| viewer.connect().map(|(to_window, slides)| (viewer, to_window, slides)));
    let workers = if window.is_some() { 1 } else { plan.workers.count };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(workers).thread_name(|i| format!("sheet-{i}")).build()?;
    pool.in_place_scope(|scope| match window {
        None => (0..workers).for_each(|_| scope.spawn(|_| handing.work(None))),
        Some((viewer, to_window, slides)) => {
            // The worker's end alone keeps the window waiting.
            scope.spawn(|_| handing.work(Some(to_window)));
            viewer.serve(slides, stop);
        }
    });
    handing.bar.finish_and_clear();
    match handing.failure.into_inner() {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// A folder while its workers run.
struct Handing<'h, F> {
    plan: &'h FolderPlan,
    next: AtomicUsize,
    failed: AtomicBool,
    failure: Mutex<Option<BatchError>>,
    stop: &'h StopRequest,
    bar: ProgressBar,
    sheet: F,
}

impl<F: Fn(usize, &Image, &mut Scratch, bool) -> Result<Vec<Stage>, BatchError> + Sync> Handing<'_, F> {
    /// A worker's life.
    fn work(&self, mut to_window: Option<ToWindow>) {
        let mut scratch = Scratch::default();
        while !self.failed.load(Ordering::Relaxed) && !self.stop.is_made() {
            let i = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(image) = self.plan.folder.images.get(i) else { break };
            let stages = (self.sheet)(i, image, &mut scratch, to_window.is_some());
            self.bar.inc(1);
            match (stages, &to_window) {
                (Ok(stages), Some(window)) => match window.show(image.name().to_string_lossy().into_owned(), stages) {
                    Answer::GoOn => {}
                    Answer::Stop => self.stop.make(),
                    Answer::Closed => to_window = None,
                },
                (Ok(_), None) => {}
                (Err(error), _) => {
                    self.failed.store(true, Ordering::Relaxed);
                    self.failure.lock().get_or_insert(error);
                }
            }
        }
    }
}

fn progress_bar(images: usize, folder: &Path) -> ProgressBar {
    let template = "{msg} {wide_bar} {pos}/{len} {per_sec} {eta} left";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(images as u64).with_style(style).with_message(folder.display().to_string())
}
