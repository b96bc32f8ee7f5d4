//! `cargo xtask mutants`: changes what trust depends on, one operator, condition or result at a time, and runs the tests of
//! the package on each change. One that no test notices fails: a test is missing, or the code does nothing.
//!
//! What is changed stands in `.cargo/mutants.toml`, and what is not, with the reason.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::command::{self, root, target_directory};
use crate::setup::{self, CARGO_MUTANTS};

/// Copies of the workspace in which changes are tested at once.
const AT_ONCE: usize = 2;

/// Tests every mutant, or those whose name matches a regular expression: a file, a function, a change.
pub(crate) fn run(matching: Option<&str>) -> Result<()> {
    setup::ensure(&CARGO_MUTANTS)?;
    let mut mutants = Command::new(CARGO_MUTANTS.program()?);
    mutants
        .current_dir(root())
        .args(["mutants", "--workspace", "--jobs", &AT_ONCE.to_string()])
        .arg("--output")
        .arg(target_directory()?)
        // Relative, so that each copy has its own: builds of two copies in one folder are taken for one another.
        .env("CARGO_TARGET_DIR", "target")
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        // What a property test finds in a mutant is neither made smaller nor kept for the next.
        .env("PROPTEST_MAX_SHRINK_ITERS", "0")
        .env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1");
    if let Some(expression) = matching {
        mutants.args(["--re", expression]);
    }
    command::run(&mut mutants).context("a mutant passed the tests, or they did not end")
}
