//! `slipway controller`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use slipway_config::kubeadm::ValidityPeriod;

use super::ClusterArguments;

/// `slipway controller`.
#[derive(Debug, Args)]
#[command(
    subcommand_precedence_over_arg = true,
    args_conflicts_with_subcommands = true
)]
pub(crate) struct ControllerArguments {
    #[command(subcommand)]
    pub(crate) command: Option<ControllerCommand>,
    #[command(flatten)]
    pub(crate) options: ControllerOptions,
}

/// Below `slipway controller`.
#[derive(Debug, Subcommand)]
pub(crate) enum ControllerCommand {
    /// Print what runs the controllers in a cluster: a Deployment, and the roles that they need and no more
    Manifest(ManifestArguments),
}

/// What the controllers are started with.
#[derive(Debug, Clone, Args)]
pub(crate) struct ControllerOptions {
    #[command(flatten)]
    pub(crate) cluster: ClusterArguments,
    /// A file with a PluginConfiguration (slipway.dev/v1alpha1); requests of new nodes wait for a person by default
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Sign what is approved, with the CA of --ca-cert-file and --ca-key-file; elsewhere somebody else signs
    #[arg(long, requires_all = ["ca_cert_file", "ca_key_file"])]
    pub(crate) sign: bool,
    /// The certificate of the CA that signs nodes
    #[arg(long, value_name = "FILE", requires = "sign")]
    pub(crate) ca_cert_file: Option<PathBuf>,
    /// The key of the CA that signs nodes
    #[arg(long, value_name = "FILE", requires = "sign")]
    pub(crate) ca_key_file: Option<PathBuf>,
    /// How long a node's certificate holds at most
    #[arg(long, value_name = "DURATION", requires = "sign")]
    pub(crate) cluster_signing_duration: Option<ValidityPeriod>,
    /// Where /healthz, /livez and /readyz are answered
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:10270")]
    pub(crate) health_bind_address: SocketAddr,
    /// Where /metrics is answered, for Prometheus
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:10271")]
    pub(crate) metrics_bind_address: SocketAddr,
    /// The name of this replica among those that share a cluster; the host's name and the process by default
    #[arg(long, value_name = "NAME")]
    pub(crate) identity: Option<String>,
}

/// `slipway controller manifest`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ManifestArguments {
    /// The image that holds the `slipway` binary
    #[arg(long, value_name = "IMAGE")]
    pub(crate) image: String,
    /// How many replicas run
    #[arg(long, value_name = "COUNT", default_value_t = 2)]
    pub(crate) replicas: u16,
    /// Sign, too: with the CA in the Secret of this name in slipway-system, as tls.crt and tls.key
    #[arg(long, value_name = "SECRET")]
    pub(crate) sign_with: Option<String>,
    /// Let them make Secrets in kube-system, which mirroring a token store takes
    #[arg(long)]
    pub(crate) mirror_tokens: bool,
}
