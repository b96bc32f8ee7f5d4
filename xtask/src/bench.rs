//! `cargo xtask bench`: the budgets, measured in release builds.

use anyhow::Result;

use crate::command::{self, cargo};
use crate::setup;

/// Builds everything in release and runs the benchmarks of the tests crate against the real binary.
pub(crate) fn run() -> Result<()> {
    setup::run()?;
    // Both of the whole workspace, so that both have the same dependencies.
    command::run(cargo().args(["build", "--release", "--locked", "--workspace", "--bins"]))?;
    command::run(
        cargo()
            .args(["bench", "--locked", "--workspace", "--bench", "budgets"])
            .env("SLIPWAY_TEST_KUBERNETES", setup::kubernetes()?),
    )
}
