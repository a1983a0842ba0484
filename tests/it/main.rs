//! End-to-end tests: the program as its users run it. One binary, a fresh folder for each test.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed `unwrap` in a test is a failed test")]

mod changes;
mod cli;
#[cfg(target_os = "linux")]
mod corpus;
mod deck;
#[cfg(target_os = "linux")]
mod display;
mod doctor;
mod doubts;
mod faults;
mod grouping;
#[cfg(target_os = "linux")]
mod hostile;
mod layouts;
mod machine_readable;
mod manifest;
#[cfg(target_os = "linux")]
mod mutations;
mod order;
mod orientation;
mod output_modes;
#[cfg(unix)]
mod outside;
mod paged;
mod pages;
mod pictures;
mod rescore;
#[cfg(unix)]
mod resume;
mod rows;
mod samples;
#[cfg(target_os = "linux")]
mod scale;
mod scoring;
mod shards;
mod sheets;
mod supply_chain;
mod support;
mod turning;
#[cfg(target_os = "linux")]
mod watched;
mod window;
mod zones;
