//! A sheet that takes too long is given up: its neighbours wait for the worker.
//!
//! Looked at between the stages of a sheet, the steps of a template, the tries of an orientation, layouts and blocks, and in
//! loops that can be long (scans of a JPEG, sizes of a marker). A loop that stops early gives what it has: who called it looks
//! again before that is used.

use super::error::{Reason, SheetError};
use crate::deadline::Deadline;

/// Is there time left?
///
/// # Errors
/// time-limit.
pub fn check(deadline: Deadline) -> Result<(), SheetError> {
    if !deadline.has_passed() {
        return Ok(());
    }
    let allowed = deadline.allowed().as_secs_f64();
    let detail = format!(
        "the sheet took longer than {allowed} s (`limits.seconds_per_sheet` in config.json); look at the picture, or allow more"
    );
    Err(SheetError::new(Reason::TimeLimit, detail))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_limit_and_its_key_are_told() {
        assert_eq!(check(Deadline::NEVER), Ok(()));
        let error = check(Deadline::after(Duration::from_nanos(1))).unwrap_err();
        assert_eq!(error.reason, Reason::TimeLimit);
        assert!(error.detail.contains("0.000000001 s (`limits.seconds_per_sheet`"), "{}", error.detail);
    }
}
