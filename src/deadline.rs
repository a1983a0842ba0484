//! When work must be done. Whoever works long looks at it now and then; nothing is interrupted.

use std::time::{Duration, Instant};

/// A moment after which no work is gone on with, if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Deadline {
    at: Option<Instant>,
    allowed: Duration,
}

impl Deadline {
    /// There is all the time that is wanted.
    pub const NEVER: Self = Self { at: None, allowed: Duration::ZERO };

    /// So long from now.
    pub fn after(allowed: Duration) -> Self {
        Self { at: Instant::now().checked_add(allowed), allowed }
    }

    /// How long it was from its beginning.
    pub const fn allowed(self) -> Duration {
        self.allowed
    }

    /// True from then on. Costs a look at the system's clock: nothing beside a row of pixels.
    pub fn has_passed(self) -> bool {
        self.at.is_some_and(|at| Instant::now() >= at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_pass() {
        assert!(!Deadline::NEVER.has_passed());
        assert!(!Deadline::after(Duration::from_secs(3600)).has_passed());
        assert!(Deadline::after(Duration::ZERO).has_passed());
        assert!(!Deadline::after(Duration::MAX).has_passed());
    }
}
