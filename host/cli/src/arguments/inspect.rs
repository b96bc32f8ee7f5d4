//! The commands that look at things, and the few that stand by themselves.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::Shell;
use slipway_config::endpoint::HostPort;
use slipway_config::posture::Severity;

use super::ClusterArguments;

/// `slipway plugin`.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct PluginArguments {
    #[command(subcommand)]
    pub(crate) command: PluginCommand,
}

/// Below `slipway plugin`.
#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// List the plugins in use and the bundled ones
    List {
        /// A file with a PluginConfiguration; what `init` kept by default
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Say what a component is and what it asks for, without running it
    Inspect {
        /// A component's file, or the name of a bundled one
        plugin: String,
    },
}

/// `slipway discovery`.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct DiscoveryArguments {
    #[command(subcommand)]
    pub(crate) command: DiscoveryCommand,
}

/// Below `slipway discovery`.
#[derive(Debug, Subcommand)]
pub(crate) enum DiscoveryCommand {
    /// Answer joining nodes with signed cluster information, for clusters without anonymous access
    Serve(DiscoveryServeArguments),
}

/// `slipway discovery serve`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DiscoveryServeArguments {
    #[command(flatten)]
    pub(crate) cluster: ClusterArguments,
    /// Address and port to listen on
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0.0.0.0:9898")]
    pub(crate) listen: HostPort,
    /// The server's certificate; the API server's by default
    #[arg(long, value_name = "FILE", requires = "tls_key_file")]
    pub(crate) tls_cert_file: Option<PathBuf>,
    /// The server's key
    #[arg(long, value_name = "FILE", requires = "tls_cert_file")]
    pub(crate) tls_key_file: Option<PathBuf>,
}

/// `slipway certs`.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct CertsArguments {
    #[command(subcommand)]
    pub(crate) command: CertsCommand,
}

/// Below `slipway certs`.
#[derive(Debug, Subcommand)]
pub(crate) enum CertsCommand {
    /// Print the pin of a CA, as join takes it
    CaHash {
        /// A certificate file in PEM; the cluster's CA by default
        file: Option<PathBuf>,
    },
}

/// `slipway posture`.
#[derive(Debug, Clone, Args)]
pub(crate) struct PostureArguments {
    #[command(flatten)]
    pub(crate) cluster: ClusterArguments,
    /// Fail where something of this severity or above is in force: low, medium or high
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    pub(crate) fail_on: Option<Severity>,
}

/// `slipway config`.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct ConfigArguments {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

/// Below `slipway config`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print the defaults of a kind
    Print {
        /// The kind
        #[arg(default_value = "plugin")]
        kind: ConfigKind,
    },
    /// Check files without using them; plugins are loaded, and check their settings
    Validate {
        /// The files
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
    /// Print a kind's JSON Schema
    Schema {
        /// The kind
        #[arg(default_value = "plugin")]
        kind: ConfigKind,
    },
}

/// A kind of configuration document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ConfigKind {
    /// PluginConfiguration, slipway.dev/v1alpha1
    Plugin,
    /// InitConfiguration, kubeadm.k8s.io/v1beta4
    Init,
    /// ClusterConfiguration, kubeadm.k8s.io/v1beta4
    Cluster,
    /// JoinConfiguration, kubeadm.k8s.io/v1beta4
    Join,
}

/// `slipway reset`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ResetArguments {
    /// Do not ask
    #[arg(short = 'f', long)]
    pub(crate) force: bool,
    /// Show what would be removed, and remove nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `slipway demo`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DemoArguments {
    /// Leave the folder and say where it is
    #[arg(long)]
    pub(crate) keep: bool,
}

/// `slipway completion`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CompletionArguments {
    /// The shell
    pub(crate) shell: Shell,
}

fn severity(text: &str) -> Result<Severity, String> {
    [Severity::Low, Severity::Medium, Severity::High]
        .into_iter()
        .find(|severity| severity.to_string() == text)
        .ok_or_else(|| "expected low, medium or high".to_owned())
}
