//! A person, or the system, asks the program to stop. Once: what is in flight is finished and written. Twice: it ends at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::exit::Exit;

/// Whether the program was asked to stop, and by whom.
#[derive(Debug, Clone, Default)]
pub struct StopRequest {
    is_made: Arc<AtomicBool>,
    /// The signal; 0: none.
    signal: Arc<AtomicUsize>,
}

impl StopRequest {
    /// Listens to SIGINT and SIGTERM from now on.
    ///
    /// # Errors
    /// What the system says.
    pub fn listen() -> io::Result<Self> {
        let request = Self::default();
        for signal in [SIGINT, SIGTERM] {
            // The order counts: the first signal finds the flag unset and sets it, the second one finds it set. Whoever sees the flag
            // must find the signal's number.
            let status = i32::from(exit_of(signal).code());
            flag::register_conditional_shutdown(signal, status, request.is_made.clone())?;
            flag::register_usize(signal, request.signal.clone(), usize::try_from(signal).unwrap_or_default())?;
            flag::register(signal, request.is_made.clone())?;
        }
        Ok(request)
    }

    /// Was it asked to stop?
    pub fn is_made(&self) -> bool {
        self.is_made.load(Ordering::Relaxed)
    }

    /// Asks it to stop, as a person at a window does.
    pub fn make(&self) {
        self.is_made.store(true, Ordering::Relaxed);
    }

    /// The exit status that goes with it.
    pub fn exit(&self) -> Exit {
        exit_of(i32::try_from(self.signal.load(Ordering::Relaxed)).unwrap_or_default())
    }
}

fn exit_of(signal: i32) -> Exit {
    if signal == SIGTERM { Exit::Terminated } else { Exit::Stopped }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_at_the_window_counts_as_an_interrupt() {
        let request = StopRequest::default();
        assert!(!request.is_made());
        request.make();
        assert!(request.is_made());
        assert_eq!((request.exit(), exit_of(SIGTERM).code()), (Exit::Stopped, 143));
    }
}
