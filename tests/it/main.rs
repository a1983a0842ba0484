//! End-to-end tests: the program as its users run it. One binary, a fresh folder for each test.

mod cli;
mod faults;
mod order;
mod samples;
mod support;
