//! Turns a sheet of paper into a picture of it.

mod exposure;
mod lens;
mod phone;
mod scanner;

pub use phone::{Phone, Shade};
pub use scanner::Scanner;
