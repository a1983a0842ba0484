//! Why coded bytes cannot be what an encoder wrote.

/// What is wrong with the coded data of a JPEG.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The file ends within the picture.
    Cut,
    /// The bytes are there, but some of them are wrong.
    Damaged(&'static str),
}

pub const ENDS_EARLY: Fault = Fault::Damaged("the coded data end before the picture does");
pub const LEFT_OVER: Fault = Fault::Damaged("coded data are left over at the end of a scan");
pub const NO_CODE: Fault = Fault::Damaged("a code that is in no table");
pub const RANGE: Fault = Fault::Damaged("a coefficient that no picture has");
pub const RESTART: Fault = Fault::Damaged("a restart marker is missing or out of order");
