//! `cargo xtask test`: all that has to hold, cheapest first.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::command::{self, cargo, root, say};
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
    command::run(
        Command::new(CARGO_DENY.program()?)
            .current_dir(root())
            .args(deny_checks(extended)),
    )?;
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

/// The advisory database is fetched from the network, which not every machine that tests can reach: a check of
/// the extended run.
fn deny_checks(extended: bool) -> Vec<&'static str> {
    let mut arguments = vec!["--locked", "check", "bans", "licenses", "sources"];
    if extended {
        arguments.push("advisories");
    } else {
        say("cargo-deny: advisories are checked by `cargo xtask test --extended`");
    }
    arguments
}
