//! Pictures on their way to the window: a worker hands over those of its sheet and waits for the answer; the calling thread,
//! which is the main one and alone may own a window, shows them.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use tracing::{debug, info, warn};

use crate::plan::{FolderPlan, Plan};
use crate::sheet::stages::Stage;
use crate::signals::StopRequest;
use crate::window::{Answer, NoDisplay, View, Window};

/// The window is looked after this often while no picture is there; it sleeps for longer of itself.
const LISTEN: Duration = Duration::from_millis(1);

/// The pictures of a sheet, and where the answer goes.
pub struct Slides {
    sheet: String,
    stages: Vec<Stage>,
    answer: Sender<Answer>,
}

/// A worker's way to the window.
#[derive(Clone)]
pub struct ToWindow(Sender<Slides>);

impl ToWindow {
    /// Has the pictures of a sheet shown, and waits until they were seen.
    pub fn show(&self, sheet: String, stages: Vec<Stage>) -> Answer {
        if stages.is_empty() {
            return Answer::GoOn;
        }
        let (answer, answered) = mpsc::channel();
        // Nobody listens any more when the window was closed.
        let sent = self.0.send(Slides { sheet, stages, answer });
        sent.ok().and_then(|()| answered.recv().ok()).unwrap_or(Answer::Closed)
    }
}

/// The main thread's side: the window, as long as there is one.
pub struct Viewer {
    window: Option<Window>,
}

impl Viewer {
    /// For a run that reads: opens the window if the plan has stage pictures to show. Without a display this is told, and
    /// none are shown.
    pub fn of_stages(plan: &Plan) -> Self {
        let opened = plan.folders.iter().find(|folder| shows_stages(folder)).map(open).transpose();
        let window = opened.unwrap_or_else(|error| {
            warn!("no window can be opened, so no pictures are shown; all else is done as always: {error}");
            None
        });
        Self { window }
    }

    /// Without a window.
    pub const fn none() -> Self {
        Self { window: None }
    }

    /// For a run that draws layouts: they are shown wherever there is a display.
    pub fn of_layouts(plan: &Plan) -> Self {
        let opened = plan.folders.first().map(open).transpose();
        let window = opened.unwrap_or_else(|error| {
            debug!("layouts are not shown: {error}");
            None
        });
        if window.is_some() {
            info!("each layout is shown in a window, one after the other; close it to have the others drawn at once");
        }
        Self { window }
    }

    /// A way to the window for the worker of a folder, and its other end, as long as there is a window.
    pub fn connect(&self) -> Option<(ToWindow, Receiver<Slides>)> {
        self.window.is_some().then(|| {
            let (sender, receiver) = mpsc::channel();
            (ToWindow(sender), receiver)
        })
    }

    /// Shows what comes until nobody sends any more, or the window is closed. Makes `stop` when `q` was pressed.
    pub fn serve(&mut self, slides: Receiver<Slides>, stop: &StopRequest) {
        while let Some(window) = &mut self.window {
            let answer = match slides.recv_timeout(LISTEN) {
                Ok(slides) => {
                    let answer = match stop.is_made() {
                        true => Answer::Stop,
                        false => show(window, &slides),
                    };
                    // A worker that is gone needs no answer.
                    let _gone = slides.answer.send(answer);
                    answer
                }
                Err(RecvTimeoutError::Timeout) => window.idle(),
                Err(RecvTimeoutError::Disconnected) => return,
            };
            match answer {
                Answer::GoOn => {}
                Answer::Stop => stop.make(),
                Answer::Closed => {
                    info!("the window was closed: no more pictures are shown");
                    self.window = None;
                }
            }
        }
    }
}

/// Opens the window, at most as large as a folder's config says.
fn open(folder: &FolderPlan) -> Result<Window, NoDisplay> {
    Window::open(folder.folder.config.display_size, "omr: no picture yet (q: stop)")
}

/// Do stage pictures of this folder's sheets belong into a window?
pub fn shows_stages(folder: &FolderPlan) -> bool {
    folder.folder.config.outputs.show_image_level > 0
}

/// Shows the pictures of a sheet until one is not answered by going on.
fn show(window: &mut Window, slides: &Slides) -> Answer {
    let count = slides.stages.len();
    for (i, Stage { title, notes, picture, .. }) in slides.stages.iter().enumerate() {
        let heading = format!("{}  {} of {count}  {title}", slides.sheet, i + 1);
        let title = format!("omr: {heading}  (any key: next, q: stop)");
        match window.show(&View { title: &title, heading: &heading, notes, picture }) {
            Answer::GoOn => {}
            answer => return answer,
        }
    }
    Answer::GoOn
}
