//! One run at a time writes into an output folder.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

use tracing::{info, warn};

use super::OutputError;
use crate::cli::LockPolicy;
use crate::file_names::STATE_FOLDER;
use crate::signals::StopRequest;

/// How often a waiting run looks whether the other has ended.
const LOOK: Duration = Duration::from_millis(100);

/// Held for as long as a run writes into an output folder. The system takes it back when the process ends, however it ends.
#[derive(Debug)]
pub struct OutputLock {
    _file: File,
    /// Another run had to end first: what was looked at before may be otherwise now.
    pub has_waited: bool,
}

impl OutputLock {
    /// Creates the output folder and takes its lock; `None`: the run was asked to stop while it waited for another.
    ///
    /// # Errors
    /// [`OutputError`]: the folder cannot be made, or another run writes into it and this one is not to wait.
    pub fn take(output: &Path, policy: LockPolicy, stop: &StopRequest) -> Result<Option<Self>, OutputError> {
        let folder = output.join(STATE_FOLDER);
        fs::create_dir_all(&folder).map_err(OutputError::at(output))?;
        let path = folder.join("lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(OutputError::at(&path))?;
        let mut is_told = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(Self { _file: file, has_waited: is_told })),
                // Some network file systems have no locks: writing there is as safe as it was.
                Err(TryLockError::Error(e)) => {
                    warn!("`{}` cannot be locked ({e}): see to it that no other run writes there", output.display());
                    return Ok(Some(Self { _file: file, has_waited: is_told }));
                }
                Err(TryLockError::WouldBlock) if policy == LockPolicy::Fail => {
                    let message = "another run of omr is writing into this output folder; say --lock wait to wait for it, or \
                                   choose another --output";
                    return Err(OutputError::at(output)(io::Error::new(io::ErrorKind::WouldBlock, message)));
                }
                Err(TryLockError::WouldBlock) => {}
            }
            if stop.is_made() {
                return Ok(None);
            }
            if !is_told {
                info!("another run of omr is writing into `{}`; this one waits until it has ended", output.display());
                is_told = true;
            }
            std::thread::sleep(LOOK);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_run_at_a_time_and_a_waiting_one_can_be_stopped() {
        let dir = tempfile::tempdir().unwrap();
        let stop = StopRequest::default();
        let take = |policy, stop: &StopRequest| OutputLock::take(dir.path(), policy, stop);
        let first = take(LockPolicy::Fail, &stop).unwrap();
        let error = take(LockPolicy::Fail, &stop).unwrap_err().to_string();
        assert!(error.contains("another run of omr") && error.contains("--lock wait"), "{error}");
        let asked = StopRequest::default();
        asked.make();
        assert!(take(LockPolicy::Wait, &asked).unwrap().is_none());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| take(LockPolicy::Wait, &stop).unwrap().is_some());
            std::thread::sleep(LOOK * 2);
            assert!(!waiting.is_finished());
            drop(first);
            assert!(waiting.join().unwrap());
        });
    }
}
