//! What may stand on the command line. Same verbs and flags as kubeadm and kubectl have, where they have them.

mod audit;
mod cluster;
mod controller;
mod init;
mod inspect;
mod join;
mod secret;
mod token;
mod trust;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use audit::{
    Anchor, AuditArguments, AuditCommand, AuditReplayArguments, AuditShowArguments,
    AuditVerifyArguments, RecordSelection,
};
pub(crate) use cluster::{CsrArguments, CsrCommand};
pub(crate) use controller::{
    ControllerArguments, ControllerCommand, ControllerOptions, ManifestArguments,
};
pub(crate) use init::{InitArguments, InitCommand, InitOptions, KeyChoice, ServeArguments};
pub(crate) use inspect::{
    CertsArguments, CertsCommand, CompletionArguments, ConfigArguments, ConfigCommand, ConfigKind,
    DemoArguments, DiscoveryArguments, DiscoveryCommand, DiscoveryServeArguments, PluginArguments,
    PluginCommand, PostureArguments, ResetArguments,
};
pub(crate) use join::{JoinArguments, JoinCommand, JoinOptions};
pub(crate) use secret::{DiscoverySecret, SecretSource, SecretText, TOKEN_VARIABLE};
pub(crate) use slipway_config::duration::GoDuration;
use slipway_config::redact;
pub(crate) use token::{TokenArguments, TokenCommand, TokenCreateArguments, TokenUsage};

/// Launches Kubernetes clusters and brings nodes aboard.
#[derive(Debug, Parser)]
#[command(
    name = "slipway",
    version,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub(crate) struct Arguments {
    #[command(flatten, next_help_heading = "Global options")]
    pub(crate) global: GlobalArguments,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Arguments {
    /// Those of this process. Where they cannot be read, says why and ends it.
    pub(crate) fn of_process() -> Self {
        Self::read(std::env::args_os()).unwrap_or_else(|error| {
            // Clap repeats what it cannot read, which may be a token in the wrong place.
            let said = error.render().to_string();
            let clean = redact::tokens(&said);
            if error.use_stderr() && clean != said {
                anstream::eprint!("{clean}");
                std::process::exit(error.exit_code());
            }
            error.exit()
        })
    }

    fn read(words: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        Self::try_parse_from(trust::joined(words))
    }
}

/// Flags that every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct GlobalArguments {
    /// Keep everything below this folder instead of /etc/kubernetes and /var/lib/slipway
    #[arg(long, global = true, value_name = "DIR", env = "SLIPWAY_DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Form of the answer: text, wide (tables with more columns), json or yaml
    #[arg(
        short,
        long,
        global = true,
        value_name = "FORM",
        default_value = "text",
        hide_possible_values = true
    )]
    pub(crate) output: OutputForm,
    /// Say more; twice for debugging
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Say nothing but the answer, warnings and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
}

/// Form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputForm {
    /// For people.
    Text,
    /// For people who want everything: tables with more columns.
    Wide,
    /// For programs.
    Json,
    /// For programs, and for people who read it.
    Yaml,
}

/// Which cluster a command talks to.
#[derive(Debug, Clone, Args)]
pub(crate) struct ClusterArguments {
    /// Credentials for the API server; by default what `slipway init` wrote below --dir, else what KUBECONFIG names, else
    /// what `slipway init` wrote where it writes without --dir
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a cluster's trust and start its bootstrap API
    Init(InitArguments),
    /// Let this machine into a cluster
    Join(Box<JoinArguments>),
    /// Run the bootstrap API and the controllers (what init starts)
    Serve(ServeArguments),
    /// Run the controllers against a Kubernetes API: approver, signers, token cleaner
    Controller(ControllerArguments),
    /// Create, list and delete bootstrap tokens
    Token(TokenArguments),
    /// See and decide certificate signing requests
    Csr(CsrArguments),
    /// See plugins and what they ask for
    Plugin(PluginArguments),
    /// The stand-alone discovery service
    Discovery(DiscoveryArguments),
    /// Certificates and their pins
    Certs(CertsArguments),
    /// What was opted into, what it costs, how to close it
    Posture(PostureArguments),
    /// What was decided, by whom and why, and whether that was tampered with
    Audit(AuditArguments),
    /// Print, check and describe configuration
    Config(ConfigArguments),
    /// Undo init or join on this machine
    Reset(ResetArguments),
    /// See the whole thing work in a temporary folder
    Demo(DemoArguments),
    /// Say which version this is
    Version,
    /// Print completions for a shell
    Completion(CompletionArguments),
}

#[cfg(test)]
mod tests;
