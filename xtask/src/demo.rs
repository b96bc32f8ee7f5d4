//! `cargo xtask demo`.

use std::process::Command;

use anyhow::Result;

use crate::command::{self, cargo, release_binary, root};
use crate::setup;

/// Builds the release binary, bundled plugins included, and lets it show itself.
pub(crate) fn run() -> Result<()> {
    setup::guest_std::ensure()?;
    command::run(cargo().args(["build", "--release", "--locked", "--package", "slipway"]))?;
    command::run(
        Command::new(release_binary()?)
            .arg("demo")
            .current_dir(root()),
    )
}
