//! A window that shows pictures one after the other, and waits for a key after each.
//!
//! The one place that knows the windowing library (minifb; on Unix by X11, whose library is opened when the window is, so that a
//! machine without it runs everything else). A window belongs to the thread that opened it, which must be the main one:
//! macOS demands that.
//!
//! Without a display there is no window, which is no failure. A window that is lost, for whatever reason, is a closed one.
//! One case is out of reach: when the X server itself goes away, its library ends the process with status 1.

mod canvas;
mod keys;

use std::cell::RefCell;
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;
use std::time::{Duration, Instant};

use image::RgbImage;
use minifb::{Scale, ScaleMode, WindowOptions};

use self::canvas::Canvas;
use self::keys::{Listener, Presses};
use crate::geometry::Size;
use crate::imaging::sketch::fitting;

/// Events are asked for so many times a second; the process sleeps in between.
const TURNS_A_SECOND: usize = 50;

/// Nobody tells that a window was uncovered, so its picture is drawn again: soon after it was first drawn, when the window may
/// just be coming up, and then at growing intervals up to this one.
const LONGEST_UNDRAWN: Duration = Duration::from_secs(2);
const FIRST_UNDRAWN: Duration = Duration::from_millis(40);

/// Side of the window by which the screen is measured: the library enlarges it by a whole number until it fills the screen.
const PROBE: usize = 32;
/// A window takes this share of the screen's height: its frame and the desktop's bars take theirs.
const SCREEN_SHARE: f64 = 0.85;
/// Screens are at least this wide, in parts of their height.
const SCREEN_SHAPE: f64 = 4.0 / 3.0;

/// No side of a window is longer, in pixels: more than the protocol of X11 holds ends the process.
const LONGEST_SIDE: u32 = 16_384;
/// A title is cut after so many characters.
const LONGEST_TITLE: usize = 300;

/// No window can be opened; the text says why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoDisplay(String);

/// What the person at the window wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Any key: the next picture.
    GoOn,
    /// `q`: no more sheets.
    Stop,
    /// The window was closed: no more pictures.
    Closed,
}

/// What is shown: a picture with texts.
#[derive(Debug, Clone, Copy)]
pub struct View<'v> {
    /// The window's title.
    pub title: &'v str,
    /// The heading above the picture.
    pub heading: &'v str,
    /// Lines below the heading.
    pub notes: &'v [String],
    /// The picture.
    pub picture: &'v RgbImage,
}

/// A window on the screen. It closes when it is dropped.
pub struct Window {
    /// `None` when it is lost.
    window: Option<minifb::Window>,
    presses: Rc<RefCell<Presses>>,
    canvas: Canvas,
    redraw: Redraw,
    was_active: bool,
}

impl Window {
    /// Opens a window, at most as large as `most` (width × height in pixels) and as fits the screen, of the shape of `most`. Nothing is in it
    /// yet.
    ///
    /// # Errors
    /// [`NoDisplay`]: there is no display, or it has no use for windows.
    pub fn open(most: Size, title: &str) -> Result<Self, NoDisplay> {
        let probe = opened("", Size::new(PROBE as u32, PROBE as u32), Scale::FitScreen)?;
        let (width, height) = probe.get_size();
        drop(probe);
        let screen = width.min(height) as f64 * SCREEN_SHARE;
        let room = Size::new(((screen * SCREEN_SHAPE) as u32).min(LONGEST_SIDE), (screen as u32).min(LONGEST_SIDE));
        let size = fitting(most, room);
        let mut window = opened(&plain(title), size, Scale::X1)?;
        let presses = Rc::new(RefCell::new(Presses::default()));
        window.set_input_callback(Box::new(Listener(Rc::clone(&presses))));
        window.set_target_fps(TURNS_A_SECOND);
        let canvas = Canvas::empty(size);
        Ok(Self { window: Some(window), presses, canvas, redraw: Redraw::now(), was_active: false })
    }

    /// Shows a picture until it is answered. What was pressed before it stood there is no answer, but for `q`.
    pub fn show(&mut self, view: &View<'_>) -> Answer {
        match self.turn() {
            None | Some(Answer::GoOn) => {}
            Some(answer) => return answer,
        }
        let title = plain(view.title);
        guarded(&mut self.window, |window| window.set_title(&title));
        let mut drawn = None;
        loop {
            let size = self.size();
            if drawn != Some(size) {
                self.canvas = Canvas::of(view, size);
                self.redraw = Redraw::now();
                drawn = Some(size);
            }
            if let Some(answer) = self.turn() {
                return answer;
            }
        }
    }

    /// Between two pictures: keeps the window in order for a moment (20 ms). [`Answer::GoOn`] unless more is wanted.
    pub fn idle(&mut self) -> Answer {
        self.turn().unwrap_or(Answer::GoOn)
    }

    /// Draws if it is time, takes in what happened, and sleeps.
    fn turn(&mut self) -> Option<Answer> {
        let is_due = self.redraw.is_due();
        let canvas = &self.canvas;
        let state = guarded(&mut self.window, |window| {
            let Size { width, height } = canvas.size;
            match is_due && !canvas.pixels.is_empty() {
                true => window.update_with_buffer(&canvas.pixels, width as usize, height as usize).ok()?,
                false => window.update(),
            }
            Some((window.is_open(), window.is_active()))
        });
        let Some((true, is_active)) = state.flatten() else { return Some(Answer::Closed) };
        let mut presses = self.presses.borrow_mut();
        if is_active != self.was_active {
            // Keys that are let go of elsewhere are not heard of, and what another window hid may be seen again.
            presses.let_go();
            self.redraw = Redraw::now();
            self.was_active = is_active;
        }
        presses.answer()
    }

    /// The window's size, width × height in pixels.
    fn size(&mut self) -> Size {
        let side = |side: usize| u32::try_from(side).unwrap_or(LONGEST_SIDE).min(LONGEST_SIDE);
        guarded(&mut self.window, |window| window.get_size())
            .map_or(Size::new(0, 0), |(w, h)| Size::new(side(w), side(h)))
    }
}

/// Does something with the window, if it is there. The library has places where it gives up with a panic: then the window is
/// lost, and its remains are left alone.
fn guarded<T>(window: &mut Option<minifb::Window>, work: impl FnOnce(&mut minifb::Window) -> T) -> Option<T> {
    let open = window.as_mut()?;
    let done = panic::catch_unwind(AssertUnwindSafe(|| work(open))).ok();
    if done.is_none() {
        mem::forget(window.take());
    }
    done
}

/// A new window of the library's.
fn opened(title: &str, size: Size, scale: Scale) -> Result<minifb::Window, NoDisplay> {
    let options = WindowOptions { resize: true, scale, scale_mode: ScaleMode::UpperLeft, ..WindowOptions::default() };
    let open = || minifb::Window::new(title, size.width as usize, size.height as usize, options);
    match panic::catch_unwind(AssertUnwindSafe(open)) {
        Ok(Ok(window)) => Ok(window),
        Ok(Err(error)) => Err(NoDisplay(reason(&error.to_string(), std::env::var("DISPLAY").ok().as_deref()))),
        Err(_) => Err(NoDisplay("the windowing library gave up".to_owned())),
    }
}

/// Why no window can be opened, for a person: from what the library says, and the value of DISPLAY.
fn reason(said: &str, display: Option<&str>) -> String {
    let missing = |library: &str| format!("the library {library} cannot be loaded");
    match display.unwrap_or_default() {
        _ if said.contains("load Xlib") => missing("libX11"),
        _ if said.contains("load XCursor") => missing("libXcursor"),
        "" if said.contains("XOpenDisplay") => "there is no display (DISPLAY is not set)".to_owned(),
        name if said.contains("XOpenDisplay") => format!("there is no display at `{name}`, which DISPLAY names"),
        _ => said.to_owned(),
    }
}

/// A title that every system takes: without control characters, and not too long.
fn plain(title: &str) -> String {
    title.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_TITLE).collect()
}

/// When the picture is drawn again.
#[derive(Debug)]
struct Redraw {
    due: Instant,
    pause: Duration,
}

impl Redraw {
    fn now() -> Self {
        Self { due: Instant::now(), pause: FIRST_UNDRAWN }
    }

    fn is_due(&mut self) -> bool {
        let now = Instant::now();
        let is_due = now >= self.due;
        if is_due {
            self.due = now + self.pause;
            self.pause = (self.pause * 2).min(LONGEST_UNDRAWN);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_display_is_told_in_few_words() {
        let said = "Failed to create window: failed to load Xlib: OpenError { kind: Library, detail: \"…\" }";
        assert_eq!(reason(said, Some(":0")), "the library libX11 cannot be loaded");
        let said = "Failed to create window: XOpenDisplay failed";
        assert_eq!(reason(said, None), "there is no display (DISPLAY is not set)");
        assert_eq!(reason(said, Some(":7")), "there is no display at `:7`, which DISPLAY names");
        assert_eq!(reason("something else", Some(":7")), "something else");
    }

    #[test]
    fn titles_have_one_line_and_an_end() {
        assert_eq!(plain("a\nb\0c"), "a b c");
        assert_eq!(plain(&"ä".repeat(5000)).chars().count(), LONGEST_TITLE);
    }

    #[test]
    fn a_picture_is_drawn_at_once_and_then_less_and_less_often() {
        let mut redraw = Redraw::now();
        assert!(redraw.is_due() && !redraw.is_due());
        for _ in 0..20 {
            redraw.due = Instant::now();
            assert!(redraw.is_due());
        }
        assert_eq!(redraw.pause, LONGEST_UNDRAWN);
    }
}
