//! `slipway join`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use slipway_config::name::NodeName;
use slipway_config::pin::CaPin;
use slipway_config::plugin::PluginName;

use super::trust::TrustChoice;
use super::{DiscoverySecret, GoDuration, SecretText};

/// `slipway join`.
#[derive(Debug, Args)]
#[command(subcommand_precedence_over_arg = true)]
pub(crate) struct JoinArguments {
    #[command(subcommand)]
    pub(crate) command: Option<JoinCommand>,
    #[command(flatten)]
    pub(crate) options: JoinOptions,
}

/// Below `slipway join`.
#[derive(Debug, Subcommand)]
pub(crate) enum JoinCommand {
    /// Run join up to and including one phase; without a name, list the phases
    Phase {
        /// The phase
        name: Option<String>,
        #[command(flatten)]
        options: Box<JoinOptions>,
    },
}

/// How a node joins.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub(crate) struct JoinOptions {
    /// API servers (HOST:PORT), a join URL (slipway://…) or a discovery service (discovery://HOST:PORT)
    #[arg(value_name = "HOST:PORT|JOIN-URL")]
    pub(crate) locations: Vec<String>,
    #[command(flatten)]
    pub(crate) token: DiscoverySecret,
    /// Pin of the cluster's CA: sha256:<64 hex digits>; may be given more than once
    #[arg(long, value_name = "PIN", value_delimiter = ',')]
    pub(crate) discovery_token_ca_cert_hash: Vec<CaPin>,
    /// Trust whoever knows the token, without a pin; announced as a trade-off
    #[arg(long)]
    pub(crate) discovery_token_unsafe_skip_ca_verification: bool,
    /// A kubeconfig to discover the cluster from: a path or an https:// URL; may be given more than once, and beside
    /// API servers
    // Read by the command: clap would repeat what it cannot read, and a URL may hold a password.
    #[arg(long, value_name = "PATH|URL")]
    pub(crate) discovery_file: Vec<SecretText>,
    /// The cluster's CA, brought here by other means
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Trust sources of the PluginConfiguration to ask, in this order, until one leads to trust; by default all that
    /// are for what was given. After `2-of`, all of them, of which two have to agree on the CA
    #[arg(long, value_name = "[N-of] NAME,…")]
    pub(crate) trust: Option<TrustChoice>,
    /// Believe what this trust source says about the CA without a proof; announced as a trade-off
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) discovery_unsafe_trust_source: Vec<PluginName>,
    /// Token that asks for the certificate, where it is not the one of discovery; prefer the file form
    #[arg(
        long,
        value_name = "TOKEN",
        conflicts_with = "tls_bootstrap_token_file"
    )]
    pub(crate) tls_bootstrap_token: Option<SecretText>,
    /// A file that holds the token that asks for the certificate
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_bootstrap_token_file: Option<PathBuf>,
    /// The node's name; this machine's host name by default
    #[arg(long, value_name = "NAME")]
    pub(crate) node_name: Option<NodeName>,
    /// A file with JoinConfiguration (kubeadm.k8s.io/v1beta4) and PluginConfiguration (slipway.dev/v1alpha1)
    /// documents; flags win over it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Give up after this long; without it, discovery has five minutes and approval takes as long as people need
    #[arg(long, value_name = "DURATION")]
    pub(crate) timeout: Option<GoDuration>,
    /// Start over with another key, where the last request was denied
    #[arg(long)]
    pub(crate) new_key: bool,
    /// Discover and check, and ask for nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Phases to leave out
    #[arg(long, value_name = "PHASE", value_delimiter = ',')]
    pub(crate) skip_phases: Vec<String>,
}
