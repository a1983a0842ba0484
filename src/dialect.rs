//! The generations of OMRChecker whose files are read.

use std::fmt;

/// Whose spelling and rules a document follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dialect {
    /// OMRChecker v1: `pageDimensions`, `threshold_params`, `source_type: custom`.
    V1,
    /// The older OMRChecker v2: templates in camelCase, config and evaluation in snake_case.
    V2Dev,
    /// The newest OMRChecker v2: camelCase everywhere.
    V2,
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1 => "v1",
            Self::V2Dev => "v2-dev",
            Self::V2 => "v2",
        })
    }
}
