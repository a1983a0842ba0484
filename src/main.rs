//! The `omr` command: parse arguments, do the job, tell what went wrong, exit.

use std::process::ExitCode;

use clap::Parser;
use omr::{app, cli::Cli};

fn main() -> ExitCode {
    match app::run(Cli::parse()) {
        Ok(exit) => exit.into(),
        Err(error) => {
            for message in error.messages() {
                eprintln!("error: {message}");
            }
            error.exit().into()
        }
    }
}
