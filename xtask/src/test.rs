//! `cargo xtask test`: all that has to hold, cheapest first.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::command::{self, cargo, root};
use crate::setup::{self, CARGO_DENY, CARGO_NEXTEST};
use crate::{fuzz, mutants};

/// The guests of tests: their exports have names that only a WebAssembly linker takes.
const GUESTS: &str = "test-guest-*";

/// How long each fuzz target runs here; `cargo xtask fuzz` runs it for as long as one likes.
const FUZZ_SECONDS: u32 = 15;

/// Runs every layer, the test runner last, so that the output ends with its summary.
pub(crate) fn run(extended: bool) -> Result<()> {
    setup::run()?;
    command::run(cargo().args(["fmt", "--all", "--check"]))?;
    deny(&["bans", "licenses", "sources"])?;
    command::run(cargo().args([
        "clippy",
        "--locked",
        "--workspace",
        "--all-targets",
        "--",
        "-Dwarnings",
    ]))?;
    command::run(
        cargo()
            .args([
                "doc",
                "--locked",
                "--workspace",
                "--no-deps",
                "--document-private-items",
            ])
            .env("RUSTDOCFLAGS", "-Dwarnings"),
    )?;
    command::run(cargo().args([
        "test",
        "--locked",
        "--workspace",
        "--exclude",
        GUESTS,
        "--doc",
        "--quiet",
    ]))?;
    // A test run builds a package's programs only for integration tests of that same package; those of `tests` run
    // the program of another.
    command::run(cargo().args(["build", "--locked", "--workspace", "--bins", "--tests"]))?;
    fuzz::run(None, FUZZ_SECONDS)?;
    if extended {
        mutants::run(None)?;
    }
    let profile = if extended { "extended" } else { "default" };
    let mut nextest = Command::new(CARGO_NEXTEST.program()?);
    nextest
        .current_dir(root())
        .args([
            "nextest",
            "run",
            "--locked",
            "--workspace",
            "--no-fail-fast",
            "--profile",
            profile,
        ])
        .env("SLIPWAY_TEST_KUBECTL", setup::kubectl()?)
        .env("SLIPWAY_TEST_KUBERNETES", setup::kubernetes()?);
    command::run(&mut nextest).context("tests failed")
}

/// Looks the dependencies up among RustSec's advisories. These come from the network, which not every machine that tests
/// can reach: no part of any test run.
pub(crate) fn advisories() -> Result<()> {
    setup::ensure(&CARGO_DENY)?;
    deny(&["advisories"])
}

fn deny(checks: &[&str]) -> Result<()> {
    let mut deny = Command::new(CARGO_DENY.program()?);
    deny.current_dir(root()).args(["--locked", "check"]);
    command::run(deny.args(checks))
}
