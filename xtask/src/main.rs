//! `cargo xtask …`: everything that a developer or CI runs, the same commands for both.

mod bench;
mod command;
mod demo;
mod fuzz;
mod mutants;
mod plugin;
mod setup;
mod test;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "Chores of Slipway's workspace"
)]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Get what the build and the tests need and this machine lacks; quick when there is nothing to do
    Setup,
    /// Build the release binary and run the main job for real: init, three joins, the refused one among them
    Demo,
    /// Formatting, clippy, cargo-deny, documentation and all tests
    Test {
        /// Also what takes too long for every run
        #[arg(long)]
        extended: bool,
    },
    /// Look the dependencies up among RustSec's advisories, which are fetched from the network
    Advisories,
    /// Measure against the budgets
    Bench,
    /// Feed the readers of foreign bytes with input that nobody would write
    Fuzz {
        /// One target; all of them, one after the other, if left out
        target: Option<String>,
        /// How long each runs, in seconds
        #[arg(long, default_value_t = 60)]
        seconds: u32,
    },
    /// Change what trust depends on, a little at a time, and see the tests notice
    Mutants {
        /// A regular expression that a mutant's name has to match, such as a file's name; all of them, if left out
        matching: Option<String>,
    },
    /// Build a plugin: a component from a crate that is written with the SDK
    Plugin {
        /// The crate's folder
        folder: PathBuf,
    },
}

fn main() -> Result<()> {
    match Arguments::parse().chore {
        Chore::Setup => setup::run(),
        Chore::Demo => demo::run(),
        Chore::Test { extended } => test::run(extended),
        Chore::Advisories => test::advisories(),
        Chore::Bench => bench::run(),
        Chore::Fuzz { target, seconds } => fuzz::run(target.as_deref(), seconds),
        Chore::Mutants { matching } => mutants::run(matching.as_deref()),
        Chore::Plugin { folder } => plugin::run(&folder),
    }
}
