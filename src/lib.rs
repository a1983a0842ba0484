//! `omr` reads folders of scanned answer sheets and writes the answers as CSV.

pub mod geometry;
pub mod imaging;
