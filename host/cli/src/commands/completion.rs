//! `slipway completion`.

use std::io::Write as _;

use anyhow::Result;
use clap::CommandFactory as _;

use crate::arguments::{Arguments, CompletionArguments};

pub(super) fn run(arguments: &CompletionArguments) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Arguments::command(),
        "slipway",
        &mut script,
    );
    std::io::stdout().write_all(&script)?;
    Ok(())
}
