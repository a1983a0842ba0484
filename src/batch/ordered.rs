//! Releases results in input order, as they come.

use std::collections::BTreeMap;

use parking_lot::Mutex;

/// Takes results in any order and hands them on in the order of their numbers, each as soon as all before it are done.
///
/// What waits must be light: behind one slow sheet all later ones may wait. The lock is held while results are handed
/// on, so that they leave in order; it is never held while a sheet is read.
pub struct Ordered<T> {
    state: Mutex<State<T>>,
}

struct State<T> {
    /// A release failed: nothing leaves any more, or rows would be missing between others.
    is_stopped: bool,
    next: usize,
    waiting: BTreeMap<usize, T>,
}

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Self { state: Mutex::new(State { is_stopped: false, next: 0, waiting: BTreeMap::new() }) }
    }
}

impl<T> Ordered<T> {
    /// Takes result number `index`, and hands on all results whose turn it is.
    ///
    /// # Errors
    /// What `release` returned first; the results after it never leave.
    pub fn push<E>(
        &self,
        index: usize,
        result: T,
        mut release: impl FnMut(usize, T) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut state = self.state.lock();
        if state.is_stopped {
            return Ok(());
        }
        state.waiting.insert(index, result);
        loop {
            let next = state.next;
            let Some(result) = state.waiting.remove(&next) else { return Ok(()) };
            state.next += 1;
            if let Err(error) = release(next, result) {
                state.is_stopped = true;
                return Err(error);
            }
        }
    }

    /// Results that wait for their turn.
    #[cfg(test)]
    fn waiting(&self) -> usize {
        self.state.lock().waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_order_of_arrival_leaves_in_order(order in Just((0..40usize).collect::<Vec<_>>()).prop_shuffle()) {
            let ordered = Ordered::default();
            let mut left = Vec::new();
            for i in order {
                let Ok(()) = ordered.push(i, i * 10, |index, value| {
                    left.push((index, value));
                    Ok::<(), Infallible>(())
                });
            }
            prop_assert_eq!(left, (0..40).map(|i| (i, i * 10)).collect::<Vec<_>>());
            prop_assert_eq!(ordered.waiting(), 0);
        }
    }

    #[test]
    fn a_result_leaves_as_soon_as_it_can() {
        let ordered = Ordered::default();
        let mut left = Vec::new();
        let mut push = |i: usize| {
            let Ok(()) = ordered.push(i, (), |index, ()| {
                left.push(index);
                Ok::<(), Infallible>(())
            });
            left.clone()
        };
        assert_eq!(push(0), [0]);
        assert_eq!(push(2), [0]);
        assert_eq!(push(1), [0, 1, 2]);
    }

    #[test]
    fn one_slow_result_holds_back_all_after_it_and_none_is_lost() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        use std::sync::mpsc;

        const SHEETS: usize = 300;
        let (ordered, counter, left) = (Ordered::default(), AtomicUsize::new(0), Mutex::new(Vec::new()));
        let push = |i: usize| {
            let Ok(()) = ordered.push(i, vec![0u8; 100], |index, row| {
                left.lock().push((index, row.len()));
                Ok::<(), Infallible>(())
            });
        };
        let (others_are_done, wait) = mpsc::channel();
        std::thread::scope(|scope| {
            let (push, counter) = (&push, &counter);
            let slow = scope.spawn(move || {
                let mine = counter.fetch_add(1, Ordering::Relaxed);
                wait.recv().unwrap();
                push(mine);
                mine
            });
            while counter.load(Ordering::Relaxed) == 0 {
                std::thread::yield_now();
            }
            (1..SHEETS).for_each(|_| push(counter.fetch_add(1, Ordering::Relaxed)));
            assert_eq!((ordered.waiting(), left.lock().len()), (SHEETS - 1, 0));
            others_are_done.send(()).unwrap();
            assert_eq!(slow.join().unwrap(), 0);
        });
        assert_eq!(ordered.waiting(), 0);
        assert_eq!(left.into_inner(), (0..SHEETS).map(|i| (i, 100)).collect::<Vec<_>>());
    }

    #[test]
    fn an_error_is_handed_back() {
        let ordered = Ordered::default();
        assert_eq!(ordered.push(0, 'a', |_, _| Err("full")), Err("full"));
        assert_eq!(ordered.push(1, 'b', |_, _| Err("must not leave")), Ok(()));
    }
}
