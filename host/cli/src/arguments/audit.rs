//! `slipway audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use slipway_config::name::NodeName;
use slipway_controller::decision_log::Head;

use super::GoDuration;

/// `slipway audit`.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct AuditArguments {
    /// Folder of the log; what `slipway serve` and `slipway controller` write on this machine by default
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) log: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: AuditCommand,
}

/// Below `slipway audit`.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Show what was decided, by whom and why, oldest first
    Show(AuditShowArguments),
    /// Check that nothing in the log was changed, removed or put in between
    Verify {
        /// What an earlier `audit verify` printed and was kept elsewhere: the log must go on from there
        #[arg(long, value_name = "RECORDS:DIGEST")]
        anchor: Option<Head>,
    },
}

/// `slipway audit show`.
#[derive(Debug, Args)]
pub(crate) struct AuditShowArguments {
    /// Only what is about this request
    #[arg(long, value_name = "NAME")]
    pub(crate) request: Option<String>,
    /// Only what is about requests that name this node
    #[arg(long, value_name = "NAME")]
    pub(crate) node: Option<NodeName>,
    /// Only what is not older than this, such as 90m
    #[arg(long, value_name = "DURATION")]
    pub(crate) since: Option<GoDuration>,
    /// Only decisions that an approver in shadow mode would have led elsewhere
    #[arg(long)]
    pub(crate) disagreements: bool,
}
