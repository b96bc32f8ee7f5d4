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
    /// A file with the PluginConfiguration of the cluster's controllers; what `init` kept by default
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
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

impl CsrCommand {
    /// Whether a request is judged, for which the policy has to be known.
    pub(crate) fn judges(&self) -> bool {
        match self {
            Self::Show { .. } | Self::Explain { .. } | Self::Approve(_) => true,
            Self::List | Self::Deny(_) | Self::Watch { .. } => false,
        }
    }
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
