//! What each part of a sheet's way costs its worker, in time on the processor.
//!
//! One part runs at any moment: whoever begins one says so, and what was running stops. A clock that is off costs a test of
//! one flag.

use std::time::Duration;

/// The parts, in the order of the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Reading the file.
    File,
    /// From its bytes to pixels.
    Decode,
    /// Bringing the picture to the sizes that steps work at.
    Resize,
    /// Blurs, levels and contrast.
    Filter,
    /// Finding the paper and straightening it.
    CropPage,
    /// Finding marks and straightening the page by them.
    CropOnMarkers,
    /// Turning or moving the sheet by a reference picture.
    Reference,
    /// The page at the template's size.
    Page,
    /// Which way up the sheet lies.
    Orientation,
    /// Where the blocks lie.
    Align,
    /// The ink of bubbles, and whether the print fits.
    Ink,
    /// Mean grays, bar codes and texts.
    Read,
    /// Marks, values, doubts and scores.
    Judge,
    /// Drawing what was read.
    Draw,
    /// From pixels to the bytes of the marked pictures and crops.
    Encode,
    /// Writing files and rows.
    Write,
}

impl Part {
    /// All, in order.
    pub const ALL: [Self; 16] = [
        Self::File,
        Self::Decode,
        Self::Resize,
        Self::Filter,
        Self::CropPage,
        Self::CropOnMarkers,
        Self::Reference,
        Self::Page,
        Self::Orientation,
        Self::Align,
        Self::Ink,
        Self::Read,
        Self::Judge,
        Self::Draw,
        Self::Encode,
        Self::Write,
    ];

    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "read file",
            Self::Decode => "decode",
            Self::Resize => "resize",
            Self::Filter => "filters",
            Self::CropPage => "CropPage",
            Self::CropOnMarkers => "CropOnMarkers",
            Self::Reference => "reference",
            Self::Page => "page",
            Self::Orientation => "orientation",
            Self::Align => "align",
            Self::Ink => "ink and fit",
            Self::Read => "read fields",
            Self::Judge => "judge and score",
            Self::Draw => "draw",
            Self::Encode => "encode",
            Self::Write => "write files",
        }
    }
}

/// Time of each part, in the order of [`Part::ALL`].
pub type Spent = [Duration; Part::ALL.len()];

/// A worker's clock.
#[derive(Debug, Default)]
pub struct Clock {
    running: Option<Running>,
    is_on: bool,
}

#[derive(Debug)]
struct Running {
    part: Part,
    since: Duration,
    spent: Spent,
}

impl Clock {
    /// Turns it on or off, before a sheet begins. What it knows is forgotten.
    pub fn turn(&mut self, is_on: bool) {
        *self = Self { running: None, is_on };
    }

    /// Part `part` begins, and the one before stops.
    pub fn begin(&mut self, part: Part) {
        if !self.is_on {
            return;
        }
        let now = processor_time();
        let running = self.running.get_or_insert(Running { part, since: now, spent: Spent::default() });
        running.spent[running.part as usize] += now.saturating_sub(running.since);
        (running.part, running.since) = (part, now);
    }

    /// The sheet is done: what its parts took since the first of them began. `None` if the clock is off.
    pub fn lap(&mut self) -> Option<Spent> {
        let mut running = self.running.take()?;
        running.spent[running.part as usize] += processor_time().saturating_sub(running.since);
        Some(running.spent)
    }
}

/// Time that this thread has been on a processor, in its code and in the system's.
#[cfg(unix)]
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    // Neither is negative, and there are less than 10^9 nanoseconds.
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Time that has passed: the system tells no thread's own.
#[cfg(not(unix))]
fn processor_time() -> Duration {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Works until the clock has moved on.
    fn work(least: Duration) {
        let start = processor_time();
        while processor_time() - start < least {
            std::hint::black_box((0..1000).sum::<u32>());
        }
    }

    #[test]
    fn time_goes_to_the_part_that_runs() {
        let least = Duration::from_millis(4);
        let mut clock = Clock::default();
        clock.turn(true);
        clock.begin(Part::Decode);
        work(least);
        clock.begin(Part::Ink);
        clock.begin(Part::Decode);
        work(least);
        clock.begin(Part::Encode);
        let spent = clock.lap().unwrap();
        assert!(spent[Part::Decode as usize] >= 2 * least);
        assert!(spent[Part::Ink as usize] < least && spent[Part::Write as usize].is_zero());
        assert!(clock.lap().is_none(), "the next sheet has not begun");
    }

    #[test]
    fn a_clock_that_is_off_tells_nothing() {
        let mut clock = Clock::default();
        clock.begin(Part::Decode);
        assert!(clock.lap().is_none());
    }

    #[test]
    fn parts_are_numbered_in_order() {
        assert!(Part::ALL.iter().enumerate().all(|(i, part)| *part as usize == i));
    }
}
