//! `slipway csr`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ClusterArguments, GoDuration};

/// `slipway csr`.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct CsrArguments {
    #[command(flatten)]
    pub(crate) cluster: ClusterArguments,
    #[command(subcommand)]
    pub(crate) command: CsrCommand,
}

/// Below `slipway csr`.
#[derive(Debug, Subcommand)]
pub(crate) enum CsrCommand {
    /// List the requests
    List,
    /// Show one request: what it asks for, who asks, and what was found
    Show {
        /// The request's name
        name: String,
    },
    /// Say what every rule and every approver says of a request now, decided or not
    Explain {
        /// The request's name
        name: String,
        /// A file with the PluginConfiguration of the controllers; what `init` kept by default
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Let nodes in
    Approve(ApproveArguments),
    /// Keep nodes out
    Deny(DenyArguments),
    /// Follow requests as they come and change
    Watch {
        /// Stop after this long
        #[arg(long, value_name = "DURATION")]
        timeout: Option<GoDuration>,
    },
}

/// `slipway csr approve`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ApproveArguments {
    /// Names of the requests
    #[arg(value_name = "NAME", required = true)]
    pub(crate) names: Vec<String>,
}

/// `slipway csr deny`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DenyArguments {
    /// Names of the requests
    #[arg(value_name = "NAME", required = true)]
    pub(crate) names: Vec<String>,
    /// Why, for whoever waits
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}
