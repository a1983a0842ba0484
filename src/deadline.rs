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

    /// How long it is until then; `None`: for ever.
    pub fn left(self) -> Option<Duration> {
        self.at.map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// For work that comes before other work: half of the time that was allowed, from now on, and not longer than this one.
    pub fn half(self) -> Self {
        let allowed = self.allowed / 2;
        Self { at: self.at.map(|at| Instant::now().checked_add(allowed).map_or(at, |half| half.min(at))), allowed }
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

    #[test]
    fn halves_come_before_the_whole() {
        let hour = Deadline::after(Duration::from_secs(3600));
        let (left, half) = (hour.left().unwrap(), hour.half().left().unwrap());
        assert!(left > Duration::from_secs(3590) && half > Duration::from_secs(1790), "{left:?} {half:?}");
        assert!(half <= Duration::from_secs(1800));
        assert_eq!(hour.half().allowed(), Duration::from_secs(1800));
        // What has passed has no half left.
        assert_eq!(Deadline::after(Duration::ZERO).half().left(), Some(Duration::ZERO));
        let nearly_over = Deadline { at: hour.at, allowed: Duration::from_secs(36_000) };
        assert!(nearly_over.half().left().unwrap() <= Duration::from_secs(3600));
        assert_eq!((Deadline::NEVER.left(), Deadline::NEVER.half()), (None, Deadline::NEVER));
    }
}
