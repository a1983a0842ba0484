//! Talk on stderr: one whole line for each event, whatever the number of workers, and never through a progress bar.
//!
//! An event's message says everything. Its fields say some of it again, for programs: they stand in JSON alone.

use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal, Write};

use indicatif::{MultiProgress, ProgressDrawTarget};
use tracing::field::Field;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

use crate::cli::{LogFormat, TalkArgs};

/// Starts logging. The returned bars are drawn only where a person looks at them.
pub fn start(talk: TalkArgs) -> MultiProgress {
    let is_terminal = io::stderr().is_terminal();
    let for_people = talk.log_format == LogFormat::Text;
    let bars = match is_terminal && for_people && !talk.quiet {
        true => MultiProgress::new(),
        false => MultiProgress::with_draw_target(ProgressDrawTarget::hidden()),
    };
    let level = match (talk.quiet, talk.verbose || talk.debug) {
        (true, _) => LevelFilter::ERROR,
        (false, false) => LevelFilter::INFO,
        (false, true) => LevelFilter::DEBUG,
    };
    let is_coloured = is_terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let log = tracing_subscriber::fmt().with_max_level(level).with_target(false).with_writer(AboveBars(bars.clone()));
    let started = if for_people {
        log.without_time().with_ansi(is_coloured).fmt_fields(debug_fn(message_alone)).try_init()
    } else {
        log.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    };
    // A second start, as in a test process, keeps the first logger.
    drop(started);
    bars
}

fn message_alone(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    if field.name() == "message" { write!(Harmless(writer), "{value:?}") } else { Ok(()) }
}

/// Is it a command to a terminal, or does it turn the direction of what stands beside it? A message may have several lines.
fn is_obeyed(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || c.is_control() && c != '\n'
}

/// Text with what a terminal would take for a command, as names of files may have it, spelt out.
struct Harmless<W>(W);

impl<W: fmt::Write> fmt::Write for Harmless<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for part in text.split_inclusive(is_obeyed) {
            let end = part.chars().next_back().filter(|c| is_obeyed(*c));
            self.0.write_str(part.strip_suffix(|c| Some(c) == end).unwrap_or(part))?;
            end.map_or(Ok(()), |control| write!(self.0, "{}", control.escape_default()))?;
        }
        Ok(())
    }
}

fn harmless(text: &str) -> String {
    let mut written = String::new();
    // A string takes all that is written.
    let _taken = Harmless(&mut written).write_str(text);
    written
}

/// Tells why the program could not do its job.
pub fn tell_error(format: LogFormat, message: &str) {
    let line = match format {
        LogFormat::Text => format!("error: {}\n", harmless(message)),
        LogFormat::Json => json_line("ERROR", message),
    };
    // With stderr closed, the exit status has to say it alone.
    let _closed = io::stderr().lock().write_all(line.as_bytes());
}

/// Tells what was asked for, so also with `--quiet`: whole lines, each with its end.
pub fn tell_asked(bars: &MultiProgress, format: LogFormat, lines: &str) {
    let text = match format {
        LogFormat::Text => lines.to_owned(),
        LogFormat::Json => json_line("INFO", lines.trim_end()),
    };
    // With stderr closed there is nobody to tell.
    let _closed = bars.suspend(|| io::stderr().lock().write_all(text.as_bytes()));
}

/// An event as the logger has it, with its end of line.
fn json_line(level: &str, message: &str) -> String {
    let mut time = String::new();
    // Only a clock before 1970 has no words.
    let _untold = SystemTime.format_time(&mut Writer::new(&mut time));
    let event = Event { timestamp: &time, level, message };
    serde_json::to_string(&event).unwrap_or_default() + "\n"
}

/// An event without fields of its own.
#[derive(serde::Serialize)]
struct Event<'e> {
    timestamp: &'e str,
    level: &'e str,
    message: &'e str,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_spelt_out() {
        assert_eq!(harmless("plain `ä`\nand more"), "plain `ä`\nand more");
        assert_eq!(harmless("\u{1b}[31mred\r\u{9b}x\u{7}"), "\\u{1b}[31mred\\r\\u{9b}x\\u{7}");
        assert_eq!(harmless("\u{1b}"), "\\u{1b}");
        assert_eq!(harmless("a\u{202e}gnp"), "a\\u{202e}gnp");
        assert_eq!(harmless(""), "");
    }

    #[test]
    fn a_message_is_one_line_of_json() {
        let line = json_line("ERROR", "`a\"b`:\ntwo lines");
        let event: serde_json::Value = serde_json::from_str(line.strip_suffix('\n').unwrap()).unwrap();
        assert!(!line.trim_end().contains('\n'));
        assert_eq!((event["level"].as_str(), event["message"].as_str()), (Some("ERROR"), Some("`a\"b`:\ntwo lines")));
        assert!(event["timestamp"].as_str().is_some_and(|time| time.ends_with('Z')), "{line}");
    }
}
