//! The `omr` command: parse arguments, do the job, tell what went wrong, exit.

use std::process::ExitCode;

use clap::Parser;
use omr::{app, cli::Cli, logging};

// Sheets ask for the same large buffers again and again, and this allocator keeps them: docs/performance.md has what it spares.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let format = cli.talk().log_format;
    match app::run(cli) {
        Ok(exit) => exit.into(),
        Err(error) => {
            error.messages().iter().for_each(|message| logging::tell_error(format, message));
            error.exit().into()
        }
    }
}
