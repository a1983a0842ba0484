//! Talk on stderr: one whole line for each event, whatever the number of workers, and never through a progress bar.

use std::io::{self, IsTerminal, Write};

use indicatif::{MultiProgress, ProgressDrawTarget};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::cli::TalkArgs;

/// Starts logging. The returned bars are drawn only where a person looks at them.
pub fn start(talk: TalkArgs) -> MultiProgress {
    let is_terminal = io::stderr().is_terminal();
    let bars = match is_terminal && !talk.quiet {
        true => MultiProgress::new(),
        false => MultiProgress::with_draw_target(ProgressDrawTarget::hidden()),
    };
    let level = match (talk.quiet, talk.verbose || talk.debug) {
        (true, _) => LevelFilter::ERROR,
        (false, false) => LevelFilter::INFO,
        (false, true) => LevelFilter::DEBUG,
    };
    let is_coloured = is_terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let started = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        .without_time()
        .with_ansi(is_coloured)
        .with_writer(AboveBars(bars.clone()))
        .try_init();
    // A second start, as in a test process, keeps the first logger.
    drop(started);
    bars
}

/// Writes a line above the bars. `tracing-subscriber` hands over each event as one buffer.
struct AboveBars(MultiProgress);

impl<'a> MakeWriter<'a> for AboveBars {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(&self.0)
    }
}

struct Line<'a>(&'a MultiProgress);

impl Write for Line<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        // Nobody may be listening any more. Talk is not the job: a closed stderr must not stop it.
        let _closed = self.0.suspend(|| io::stderr().lock().write_all(buffer));
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
