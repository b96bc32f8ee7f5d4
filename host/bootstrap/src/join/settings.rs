//! What a join is asked to do, and how it ended.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use slipway_config::endpoint::ApiServerUrl;
use slipway_config::name::NodeName;
use slipway_config::token::BootstrapToken;
use slipway_pki::key::KeyAlgorithm;

use super::{KubeletOutcome, Phase};
use crate::discovery::{self, Discovered};
use crate::layout::Layout;

/// A join, as the operator asked for it.
#[derive(Debug)]
pub struct Settings {
    /// Where files go.
    pub layout: Layout,
    /// The node's name.
    pub node: NodeName,
    /// How to learn about the cluster.
    pub discovery: discovery::Request,
    /// The token to submit the request with, where it is another than the one of the discovery.
    pub tls_bootstrap_token: Option<BootstrapToken>,
    /// What the node's key is made with.
    pub key_algorithm: KeyAlgorithm,
    /// Whether to go on with the key of an earlier run.
    pub start: Start,
    /// How long to wait for a decision; none: as long as it takes.
    pub timeout: Option<Duration>,
    /// Which phases to run.
    pub phases: Phases,
    /// Where `systemctl` is looked for: the value of `PATH`.
    pub search_path: Option<OsString>,
}

/// Whether to go on with what an earlier run left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Start {
    /// Go on.
    #[default]
    Resume,
    /// Forget it, and make a new key (`--new-key`).
    Anew,
}

/// Which phases to run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Phases {
    /// The last phase to run; none: all.
    pub last: Option<Phase>,
    /// Phases to leave out: `preflight` and `kubelet-start` only, the others find out what later ones need.
    pub skip: BTreeSet<Phase>,
}

/// How a run ended.
#[derive(Debug)]
pub enum Joined {
    /// The node has its identity.
    Complete(Node),
    /// It had it before; nothing was done.
    Already(Node),
    /// The run ended after the phase that was to be the last.
    Stopped(Phase),
}

/// A node with an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: NodeName,
    /// The API server in its kubelet.conf.
    pub server: ApiServerUrl,
    /// When its certificate ends.
    pub certificate_expires: Timestamp,
    /// What became of its kubelet; none where nothing was done.
    pub kubelet: Option<KubeletOutcome>,
}

/// What a join would do, found out without submitting or writing anything: the discovery is done for real.
#[derive(Debug)]
pub struct DryRun {
    /// The cluster as it was discovered.
    pub discovered: Discovered,
    /// Files that would be written.
    pub files: Vec<PathBuf>,
}
