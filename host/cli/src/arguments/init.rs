//! `slipway init` and `slipway serve`.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use slipway_config::endpoint::HostPort;

use super::{GoDuration, SecretText};

/// `slipway init`.
#[derive(Debug, Args)]
#[command(subcommand_precedence_over_arg = true)]
pub(crate) struct InitArguments {
    #[command(subcommand)]
    pub(crate) command: Option<InitCommand>,
    #[command(flatten)]
    pub(crate) options: InitOptions,
}

/// Below `slipway init`.
#[derive(Debug, Subcommand)]
pub(crate) enum InitCommand {
    /// Run one phase of init by itself; without a name, list the phases
    Phase {
        /// The phase
        name: Option<String>,
        #[command(flatten)]
        options: Box<InitOptions>,
    },
}

/// How a cluster is created.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub(crate) struct InitOptions {
    /// A file with InitConfiguration, ClusterConfiguration (kubeadm.k8s.io/v1beta4) and PluginConfiguration
    /// (slipway.dev/v1alpha1) documents; flags win over it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Let nodes into the cluster of this kubeconfig, which runs already, instead of making one: cluster-info, roles and the
    /// first token are put into it, and nothing is written here
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "apiserver_advertise_address", "apiserver_bind_port", "apiserver_cert_extra_sans", "cert_dir", "key_algorithm", "auto_approve",
    ])]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Address on which the API server listens and which nodes are told; the default route's by default
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub(crate) apiserver_advertise_address: Option<IpAddr>,
    /// Port of the API server; 0 takes a free one
    #[arg(long, value_name = "PORT")]
    pub(crate) apiserver_bind_port: Option<u16>,
    /// A stable name and port for all API servers of the cluster
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) control_plane_endpoint: Option<HostPort>,
    /// Further API servers that joining nodes may try
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',')]
    pub(crate) additional_endpoints: Vec<HostPort>,
    /// Further names and addresses in the API server's certificate
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) apiserver_cert_extra_sans: Vec<String>,
    /// Folder of the certificates
    #[arg(long, value_name = "DIR")]
    pub(crate) cert_dir: Option<PathBuf>,
    /// Key of every certificate that is made
    #[arg(long, value_name = "ALGORITHM")]
    pub(crate) key_algorithm: Option<KeyChoice>,
    /// The first bootstrap token, `ID.SECRET`; visible to other users of this machine, so prefer --token-file or none
    #[arg(long, value_name = "TOKEN", conflicts_with = "token_file")]
    pub(crate) token: Option<SecretText>,
    /// A file that holds the first bootstrap token
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// How long the first token lives; 0 means for ever, which is announced
    #[arg(long, value_name = "DURATION")]
    pub(crate) token_ttl: Option<GoDuration>,
    /// Do not print the token
    #[arg(long)]
    pub(crate) skip_token_print: bool,
    /// Leave the CA out of cluster-info; nodes are given it with `join --ca-file`
    #[arg(long)]
    pub(crate) omit_ca_from_cluster_info: bool,
    /// Approve every node that has a valid token, with nobody looking; announced as a trade-off
    #[arg(long)]
    pub(crate) auto_approve: bool,
    /// Let tokens do what kubeadm and kubelet need on the cluster of --kubeconfig: read all certificate signing requests, all
    /// nodes and kubeadm's configuration; announced as a trade-off
    #[arg(long)]
    pub(crate) kubelet_compatible: bool,
    /// Show through which bindings others approve what tokens ask for, and remove them, so that the policy of
    /// `slipway controller` decides
    #[arg(long, requires = "kubeconfig")]
    pub(crate) take_over_approval: bool,
    /// Say what would be made, and make nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Phases to leave out
    #[arg(long, value_name = "PHASE", value_delimiter = ',')]
    pub(crate) skip_phases: Vec<String>,
}

/// Keys that init can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyChoice {
    /// ECDSA over P-256, the default
    #[value(name = "ECDSA-P256")]
    EcdsaP256,
    /// ECDSA over P-384
    #[value(name = "ECDSA-P384")]
    EcdsaP384,
    /// RSA with 2048 bits
    #[value(name = "RSA-2048")]
    Rsa2048,
    /// RSA with 3072 bits
    #[value(name = "RSA-3072")]
    Rsa3072,
    /// RSA with 4096 bits
    #[value(name = "RSA-4096")]
    Rsa4096,
}

/// `slipway serve`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServeArguments {
    /// Address and port to listen on; what init chose by default
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<HostPort>,
    /// Begin an empty store where the one of a cluster is missing
    #[arg(long)]
    pub(crate) new_store: bool,
}

fn address(text: &str) -> Result<IpAddr, String> {
    text.parse()
        .map_err(|_| "expected an IPv4 or IPv6 address, such as 10.0.0.1 or fd00::1".to_owned())
}
