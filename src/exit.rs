//! How the program ends.

use std::process::ExitCode;

/// The exit status of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The run finished and every image is accounted for, also when there was nothing to do.
    Finished,
    /// The run could not start or not finish.
    Failed,
    /// The command line was wrong.
    Usage,
    /// Finished, but not one image could be read, or what `--fail-on` names happened.
    Unsatisfied,
    /// A person stopped the run. What was begun is finished.
    Stopped,
    /// The system stopped the run. What was begun is finished.
    Terminated,
}

impl Exit {
    /// 0, 1, 2, 3, or 130 and 143 as shells have it for a program that was interrupted or terminated.
    pub const fn code(self) -> u8 {
        match self {
            Self::Finished => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Unsatisfied => 3,
            Self::Stopped => 130,
            Self::Terminated => 143,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
