//! `slipway`: launches Kubernetes clusters and brings nodes aboard.
//!
//! This crate parses, calls and renders; what a command does is in the crates below it.

mod arguments;
mod cluster;
mod commands;
mod controllers;
mod documents;
mod failure;
mod input;
mod logging;
mod output;
mod plugins;
mod policy;
mod progress;
mod reach;
mod secret;
mod server;

use std::process::ExitCode;

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::output::Printer;

fn main() -> ExitCode {
    let arguments = Arguments::of_process();
    let printer = Printer::new(&arguments.global);
    logging::start(&arguments.global);
    match commands::run(arguments, printer) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let failure = Failure::from(error);
            printer.failure(&failure);
            ExitCode::from(&failure)
        }
    }
}
