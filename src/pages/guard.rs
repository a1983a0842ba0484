//! Code of others that reads files of strangers runs on a thread of its own: it may panic, and it may never end.

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Once, mpsc};
use std::thread;
use std::time::Duration;

use crate::sheet::{Reason, SheetError};

/// The name of such threads.
const NAME: &str = "pages";

/// Objects of a file may lie in each other some hundred deep, and each level takes a few calls.
const STACK: usize = 64 << 20;

/// Runs `work` for at most so long. A thread that is late is left to itself: what it makes is thrown away.
///
/// # Errors
/// What `work` returns; corrupt if it panics, time-limit if it is late.
pub fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> Result<T, SheetError> + Send + 'static,
) -> Result<T, SheetError> {
    quieten();
    let (done, result) = mpsc::sync_channel(1);
    let run = move || {
        let made = panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
            Err(SheetError::new(Reason::Corrupt, "the file is damaged in a way that its reader does not bear"))
        });
        // Nobody waits any more for one that is late.
        let _late = done.send(made);
    };
    let started = thread::Builder::new().name(NAME.to_owned()).stack_size(STACK).spawn(run);
    if let Err(error) = started {
        return Err(SheetError::new(Reason::InternalError, format!("no thread can be started: {error}")));
    }
    result.recv_timeout(limit).unwrap_or_else(|_| {
        let detail = format!("the file was not understood within {} s; it was given up", limit.as_secs());
        Err(SheetError::new(Reason::TimeLimit, detail))
    })
}

/// Keeps panics of such threads off stderr: they become reasons.
fn quieten() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tell = panic::take_hook();
        panic::set_hook(Box::new(move |info| match thread::current().name() {
            Some(NAME) => tracing::debug!("{info}"),
            _ => tell(info),
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_and_endless_work_become_reasons() {
        let long = Duration::from_secs(60);
        assert_eq!(within(long, || Ok(5)), Ok(5));
        let index = std::hint::black_box(7);
        let panicked = within(long, move || Ok([1, 2, 3][index]));
        assert_eq!(panicked.unwrap_err().reason, Reason::Corrupt);
        let late = within(Duration::from_millis(10), || {
            thread::sleep(Duration::from_secs(2));
            Ok(())
        });
        assert_eq!(late.unwrap_err().reason, Reason::TimeLimit);
    }
}
