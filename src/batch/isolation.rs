//! A mistake in the program costs the sheet that it happened on, and no other.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use crate::sheet::{Reason, Scratch, SheetError};

thread_local! {
    /// This thread is inside of a sheet.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Keeps panics of sheets off stderr: they become rows. Others are told as before. Called before the first sheet of a run.
pub fn quieten_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tell = panic::take_hook();
        panic::set_hook(Box::new(move |info| match INSIDE.get() {
            true => tracing::debug!("{info}"),
            false => tell(info),
        }));
    });
}

/// Runs `work` with a worker's buffers. A sheet that ended half-way may have left anything in them: then they are fresh ones.
///
/// # Errors
/// As [`isolated`].
pub fn with_buffers<T>(
    scratch: &mut Scratch,
    work: impl FnOnce(&mut Scratch) -> Result<T, SheetError>,
) -> Result<T, SheetError> {
    let result = isolated(|| work(scratch));
    if result.as_ref().is_err_and(|error| error.reason == Reason::InternalError) {
        *scratch = Scratch::default();
    }
    result
}

/// Runs `work`; a panic in it becomes an internal-error.
///
/// # Errors
/// What `work` returns, or internal-error.
pub fn isolated<T>(work: impl FnOnce() -> Result<T, SheetError>) -> Result<T, SheetError> {
    // What `work` borrows is either unchanging or thrown away by the caller after an internal-error.
    INSIDE.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    INSIDE.set(false);
    result.unwrap_or_else(|payload| {
        let detail = format!("a mistake in omr, please report it with this image: {}", message(payload.as_ref()));
        Err(SheetError::new(Reason::InternalError, detail))
    })
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_reason() {
        let result: Result<(), _> = isolated(|| panic!("index {} of 3", 7));
        let error = result.unwrap_err();
        assert_eq!(error.reason, Reason::InternalError);
        assert!(error.detail.ends_with("index 7 of 3"), "{}", error.detail);
        assert_eq!(isolated(|| Ok(5)), Ok(5));
    }
}
