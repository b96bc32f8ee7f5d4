//! `slipway audit`.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args, Subcommand};
use slipway_config::name::NodeName;
use slipway_config::plugin::PluginName;
use slipway_controller::decision_log::{Head, HeadError};

use super::{ClusterArguments, GoDuration};

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
    Verify(AuditVerifyArguments),
    /// Print where the log ends, signed with the log's own key, to be kept elsewhere
    Head,
    /// Print the public key that signed heads are verified with
    PublicKey,
    /// Say what other approvers would have decided, told what those were told who decided; nobody is asked
    Replay(AuditReplayArguments),
}

/// `slipway audit verify`.
#[derive(Debug, Args)]
pub(crate) struct AuditVerifyArguments {
    /// What an earlier `audit verify` or `audit head` printed and was kept elsewhere: the log must go on from there
    #[arg(long, value_name = "RECORDS:DIGEST|HEAD|FILE")]
    pub(crate) anchor: Option<Anchor>,
    /// The log must go on from the head that its writer published in the cluster
    #[arg(long, conflicts_with = "anchor")]
    pub(crate) published: bool,
    /// What `audit public-key` printed where the log is written; that of this machine by default
    #[arg(long, value_name = "FILE")]
    pub(crate) public_key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) cluster: ClusterArguments,
}

/// Where a log is known to have ended.
#[derive(Debug, Clone)]
pub(crate) enum Anchor {
    /// In the clear.
    Head(Head),
    /// In what `audit head` printed, which is in this file.
    SignedIn(PathBuf),
    /// In what `audit head` printed.
    Signed(String),
}

impl FromStr for Anchor {
    type Err = HeadError;

    fn from_str(text: &str) -> Result<Self, HeadError> {
        match text.parse() {
            Ok(head) => Ok(Self::Head(head)),
            Err(_) if Path::new(text).exists() => Ok(Self::SignedIn(text.into())),
            Err(_) if text.matches('.').count() == 2 => Ok(Self::Signed(text.to_owned())),
            Err(error) => Err(error),
        }
    }
}

/// Which records are meant.
#[derive(Debug, Args)]
pub(crate) struct RecordSelection {
    /// Only what is about this request
    #[arg(long, value_name = "NAME")]
    pub(crate) request: Option<String>,
    /// Only what is about requests that name this node
    #[arg(long, value_name = "NAME")]
    pub(crate) node: Option<NodeName>,
    /// Only what is not older than this, such as 90m
    #[arg(long, value_name = "DURATION")]
    pub(crate) since: Option<GoDuration>,
}

/// `slipway audit replay`.
#[derive(Debug, Args)]
pub(crate) struct AuditReplayArguments {
    #[command(flatten)]
    pub(crate) selection: RecordSelection,
    /// The PluginConfiguration whose approvers decide again; that of the cluster on this machine by default
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// A component, or the name of a bundled one, that decides again, alone or in the place of another
    #[arg(long, value_name = "COMPONENT")]
    pub(crate) plugin: Option<String>,
    /// The approver of the PluginConfiguration in whose place it decides, with its settings unless others are given
    #[arg(long, value_name = "NAME", requires = "plugin")]
    pub(crate) in_place_of: Option<PluginName>,
    /// The component's settings, in YAML or JSON, or a file of them as @FILE
    #[arg(long, value_name = "SETTINGS", requires = "plugin")]
    pub(crate) settings: Option<String>,
    /// What the component would be granted, in YAML or JSON, such as '{dns: true}'
    #[arg(long, value_name = "GRANTS", requires = "plugin")]
    pub(crate) grants: Option<String>,
    /// Also show the decisions that would have been the same
    #[arg(long)]
    pub(crate) all: bool,
}

/// `slipway audit show`.
#[derive(Debug, Args)]
pub(crate) struct AuditShowArguments {
    #[command(flatten)]
    pub(crate) selection: RecordSelection,
    /// Only decisions that an approver in shadow mode would have led elsewhere
    #[arg(long)]
    pub(crate) disagreements: bool,
}
