//! Code of others that reads files of strangers runs on a thread of its own: it may panic, and it may never end.
//!
//! Nothing can end such a thread, and while it runs it keeps its file. So only so many may be late at the same time, in the whole
//! process: beyond them no work is begun before one has ended. Whoever waits for that has a time, too, so nobody waits for ever.

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, Once, PoisonError, mpsc};
use std::thread;

use crate::deadline::Deadline;
use crate::sheet::{Reason, SheetError};

/// The name of such threads.
const NAME: &str = "pages";

/// Objects of a file may lie in each other some hundred deep, and each level takes a few calls.
const STACK: usize = 64 << 20;

/// So many threads may be late wherever this runs: one file leaves two or three, and should not stand in the way of all others.
const FEWEST_LATE: usize = 4;

/// Those of this process: as many may be late as it has cores.
static THREADS: LazyLock<Threads> = LazyLock::new(|| {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    Threads::of(cores.max(FEWEST_LATE))
});

/// Waits until there is room for another thread, at most until then.
///
/// # Errors
/// Time-limit: there are too many that are late.
pub fn room(deadline: Deadline) -> Result<(), SheetError> {
    THREADS.room(deadline)
}

/// Runs `work` until then, and no longer. A thread that is late is left to itself: what it makes is thrown away.
///
/// # Errors
/// What `work` returns; corrupt if it panics, time-limit with what `late` says of it if it is late.
pub fn until<T: Send + 'static>(
    deadline: Deadline,
    late: impl FnOnce() -> String,
    work: impl FnOnce() -> Result<T, SheetError> + Send + 'static,
) -> Result<T, SheetError> {
    THREADS.until(deadline, late, work)
}

/// Threads that are given up when they are late.
struct Threads {
    /// So many may be late before no more are begun.
    most_late: usize,
    late: Mutex<Late>,
    ended: Condvar,
}

/// Threads that are late.
#[derive(Default)]
struct Late {
    count: usize,
    /// Somebody has waited all his time for one of them: until one ends, no other waits.
    in_vain: bool,
}

/// What has become of a thread. It is read and changed with [`Late`] in hand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    GivenUp,
    Ended,
}

impl Threads {
    fn of(most_late: usize) -> Self {
        Self { most_late, late: Mutex::default(), ended: Condvar::new() }
    }

    fn late(&self) -> MutexGuard<'_, Late> {
        self.late.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn room(&self, deadline: Deadline) -> Result<(), SheetError> {
        let mut late = self.late();
        while late.count >= self.most_late {
            // What may last for ever is never late.
            let Some(left) = deadline.left() else { break };
            if late.in_vain || left.is_zero() {
                late.in_vain = true;
                let count = late.count;
                let detail = format!(
                    "{count} pages or files before this one took too long and are still worked on, so it was not tried; \
                     look at those with `time-limit`, take them out and run again"
                );
                return Err(SheetError::new(Reason::TimeLimit, detail));
            }
            late = self.ended.wait_timeout(late, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(())
    }

    fn until<T: Send + 'static>(
        &'static self,
        deadline: Deadline,
        late: impl FnOnce() -> String,
        work: impl FnOnce() -> Result<T, SheetError> + Send + 'static,
    ) -> Result<T, SheetError> {
        quieten();
        let (done, result) = mpsc::sync_channel(1);
        let state = Arc::new(Mutex::new(State::Running));
        let of_thread = Arc::clone(&state);
        let run = move || {
            let made = panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
                Err(SheetError::new(Reason::Corrupt, "the file is damaged in a way that its reader does not bear"))
            });
            // Nobody waits any more for one that is late.
            let _late = done.send(made);
            self.end(&of_thread);
        };
        let started = thread::Builder::new().name(NAME.to_owned()).stack_size(STACK).spawn(run);
        if let Err(error) = started {
            return Err(SheetError::new(Reason::InternalError, format!("no thread can be started: {error}")));
        }
        let made = match deadline.left() {
            Some(left) => result.recv_timeout(left).ok(),
            None => result.recv().ok(),
        };
        made.unwrap_or_else(|| {
            self.give_up(&state);
            Err(SheetError::new(Reason::TimeLimit, late()))
        })
    }

    /// Counts a thread that is late, unless it has ended in this moment.
    fn give_up(&self, state: &Mutex<State>) {
        let mut late = self.late();
        if replaced(state, State::GivenUp) == State::Running {
            late.count += 1;
        }
    }

    fn end(&self, state: &Mutex<State>) {
        let mut late = self.late();
        if replaced(state, State::Ended) == State::GivenUp {
            late.count -= 1;
            late.in_vain = false;
            self.ended.notify_all();
        }
    }
}

/// Changes what has become of a thread; gives what had before.
fn replaced(state: &Mutex<State>, by: State) -> State {
    std::mem::replace(&mut *state.lock().unwrap_or_else(PoisonError::into_inner), by)
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

    /// Threads of which so many may be late, and one that is until it is released.
    fn with_a_late_one(most_late: usize) -> (&'static Threads, mpsc::Sender<()>) {
        let threads: &Threads = Box::leak(Box::new(Threads::of(most_late)));
        let (release, released) = mpsc::channel::<()>();
        let work = move || {
            let _released = released.recv();
            Ok(())
        };
        let given_up = threads.until(Deadline::after(Duration::from_millis(10)), || "too long".to_owned(), work);
        assert_eq!(given_up.unwrap_err().reason, Reason::TimeLimit);
        (threads, release)
    }

    #[test]
    fn no_more_than_so_many_are_late() {
        let (threads, release) = with_a_late_one(1);
        let begun = std::time::Instant::now();
        let refused = threads.room(Deadline::after(Duration::from_millis(50))).unwrap_err();
        assert_eq!(refused.reason, Reason::TimeLimit);
        assert!(refused.detail.contains("not tried"), "{}", refused.detail);
        assert!(begun.elapsed() >= Duration::from_millis(50));
        // The next one does not wait once more for what does not end; who has no deadline is never late.
        let hour = Deadline::after(Duration::from_secs(3600));
        assert!(threads.room(hour).is_err());
        assert_eq!(threads.room(Deadline::NEVER), Ok(()));
        release.send(()).unwrap();
        while threads.late().count > 0 {
            thread::yield_now();
        }
        assert_eq!(threads.room(hour), Ok(()));
        assert_eq!(threads.until(hour, || "late".to_owned(), || Ok(7)), Ok(7));
    }

    #[test]
    fn who_waits_goes_on_when_a_late_one_ends() {
        let (threads, release) = with_a_late_one(1);
        let waiting = thread::spawn(|| threads.room(Deadline::after(Duration::from_secs(60))));
        thread::sleep(Duration::from_millis(50));
        release.send(()).unwrap();
        assert_eq!(waiting.join().unwrap(), Ok(()));
        // Fewer than may be late keep nobody from work.
        let (threads, _release) = with_a_late_one(2);
        assert_eq!(threads.room(Deadline::after(Duration::ZERO)), Ok(()));
    }
}
