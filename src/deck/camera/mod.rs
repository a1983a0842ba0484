//! Turns a sheet of paper into a picture of it.

mod capture;
mod curl;
mod exposure;
mod lens;
mod phone;
mod scanner;

pub use capture::{Capture, Copier, Ground, Light, Picture};
pub use curl::{Axis, Curl, Profile};
pub use phone::{Phone, Shade};
pub use scanner::Scanner;
