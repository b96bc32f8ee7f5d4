//! The log on standard error: quiet unless asked, since what a user needs to know is printed, not logged.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::arguments::GlobalArguments;

/// The variable that overrules the flags, in tracing's own syntax.
const VARIABLE: &str = "SLIPWAY_LOG";

/// Starts logging.
pub(crate) fn start(arguments: &GlobalArguments) {
    let level = match arguments.verbose {
        0 => "error,kube_client=off",
        1 => "warn,slipway=info,kube_client=off",
        _ => "info,slipway=debug",
    };
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
}
