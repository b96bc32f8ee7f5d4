//! `cargo xtask bench`: the budgets, measured in release builds.

use anyhow::Result;

use crate::command::{self, cargo};
use crate::setup;

/// Builds everything in release and runs the benchmarks of the tests crate against the real binary.
pub(crate) fn run() -> Result<()> {
    setup::guest_std::ensure()?;
    command::run(cargo().args(["build", "--release", "--locked", "--package", "slipway"]))?;
    command::run(cargo().args([
        "bench",
        "--locked",
        "--package",
        "slipway-tests",
        "--bench",
        "budgets",
    ]))
}
