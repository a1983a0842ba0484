//! `omr` reads folders of scanned answer sheets and writes the answers as CSV.

pub mod config;
pub mod deck;
pub mod dialect;
pub mod geometry;
pub mod imaging;
pub mod json;
pub mod labels;
pub mod template;
