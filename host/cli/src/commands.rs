//! A command is a function from its arguments to an answer.

mod audit;
mod certs;
mod completion;
mod config;
mod controller;
mod csr;
mod demo;
mod discovery;
mod init;
mod join;
mod plugin;
mod posture;
mod reset;
mod serve;
mod token;
mod version;

use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::fs::Mode;
use slipway_bootstrap::layout::{Environment, Layout};

use crate::arguments::{Arguments, Command};
use crate::output::Printer;

/// Runs the command to its end.
pub(crate) fn run(arguments: Arguments, printer: Printer) -> Result<()> {
    // What plugins make in the folders that they were granted has no mode of its own.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    let layout = Layout::resolve(arguments.global.dir.as_deref(), &environment())?;
    match arguments.command {
        Command::Version => version::run(printer),
        Command::Completion(arguments) => completion::run(&arguments),
        Command::Config(arguments) => wait(config::run(&arguments, printer)),
        Command::Certs(arguments) => certs::run(&arguments, &layout, printer),
        Command::Plugin(arguments) => wait(plugin::run(arguments, layout, printer)),
        Command::Audit(arguments) => wait(audit::run(arguments, layout, printer)),
        Command::Reset(arguments) => reset::run(&arguments, &layout, printer),
        Command::Demo(arguments) => demo::run(&arguments, printer),
        Command::Init(arguments) => wait(init::run(arguments, layout, printer)),
        Command::Join(arguments) => wait(join::run(*arguments, layout, printer)),
        Command::Serve(arguments) => wait(serve::run(arguments, layout, printer)),
        Command::Controller(arguments) => wait(controller::run(arguments, layout, printer)),
        Command::Token(arguments) => wait(token::run(arguments, layout, printer)),
        Command::Csr(arguments) => wait(csr::run(arguments, layout, printer)),
        Command::Discovery(arguments) => wait(discovery::run(arguments, layout, printer)),
        Command::Posture(arguments) => wait(posture::run(arguments, layout, printer)),
    }
}

/// How long a command that is done waits for what it has left to the system.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Runs what waits for the network.
fn wait(command: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let outcome = runtime.block_on(command);
    // What waits in the system, a name that is looked up or a file system that hangs, must not keep the program from ending.
    runtime.shutdown_timeout(LAST_WORDS);
    outcome
}

/// What decides where files go.
fn environment() -> Environment {
    let folder = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(Into::into)
    };
    Environment {
        root: rustix::process::geteuid().is_root(),
        home: folder("HOME"),
        config_home: folder("XDG_CONFIG_HOME"),
        state_home: folder("XDG_STATE_HOME"),
    }
}
