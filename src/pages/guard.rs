//! Code of others that reads files of strangers runs on a thread of its own: it may panic, and it may never end.

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Once, mpsc};
use std::thread;

use crate::deadline::Deadline;
use crate::sheet::{Reason, SheetError};

/// The name of such threads.
const NAME: &str = "pages";

/// Objects of a file may lie in each other some hundred deep, and each level takes a few calls.
const STACK: usize = 64 << 20;

/// Runs `work` until then, and no longer. A thread that is late is left to itself: what it makes is thrown away.
///
/// # Errors
/// What `work` returns; corrupt if it panics, time-limit with what `late` says of it if it is late.
pub fn until<T: Send + 'static>(
    deadline: Deadline,
    late: impl FnOnce() -> String,
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
    let made = match deadline.left() {
        Some(left) => result.recv_timeout(left).ok(),
        None => result.recv().ok(),
    };
    made.unwrap_or_else(|| Err(SheetError::new(Reason::TimeLimit, late())))
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
    use std::time::Duration;

    use super::*;

    #[test]
    fn panics_and_endless_work_become_reasons() {
        let late = || "too long".to_owned();
        let long = Deadline::after(Duration::from_secs(60));
        assert_eq!(until(long, late, || Ok(5)), Ok(5));
        assert_eq!(until(Deadline::NEVER, late, || Ok(6)), Ok(6));
        let index = std::hint::black_box(7);
        let panicked = until(long, late, move || Ok([1, 2, 3][index]));
        assert_eq!(panicked.unwrap_err().reason, Reason::Corrupt);
        let given_up = until(Deadline::after(Duration::from_millis(10)), late, || {
            thread::sleep(Duration::from_secs(2));
            Ok(())
        });
        assert_eq!(given_up.unwrap_err(), SheetError::new(Reason::TimeLimit, "too long"));
    }
}
