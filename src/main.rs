//! The `omr` command: parse arguments, do the job, tell what went wrong, exit.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use omr::{app, cli::Cli};

// Sheets ask for the same large buffers again and again, and this allocator keeps them: docs/performance.md has what it spares.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match app::run(Cli::parse()) {
        Ok(exit) => exit.into(),
        Err(error) => {
            for message in error.messages() {
                // With stderr closed, the exit status has to say it alone.
                let _closed = writeln!(std::io::stderr(), "error: {message}");
            }
            error.exit().into()
        }
    }
}
