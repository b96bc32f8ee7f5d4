//! Why a node did not join.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use slipway_config::name::NodeName;

use super::{CertificateRefusal, Phase};
use crate::connect::{ConnectError, RequestFailure};
use crate::discovery::DiscoveryFailure;
use crate::files::FileError;
use crate::progress::Waiting;

/// Why a node did not join. Whatever was on disk before still is, unless the text says otherwise: the next run goes on there.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A phase was to be skipped that the others need.
    #[error("the phase {} cannot be skipped: later phases need what it finds out", .0.name())]
    NotSkippable(Phase),
    /// The machine has a kubelet.conf of somebody else's.
    #[error("{} exists, and was not written by slipway: this machine may be part of a cluster already", path.display())]
    ForeignKubeconfig {
        /// The file.
        path: PathBuf,
    },
    /// The machine is a node under another name.
    #[error("this machine has joined as {joined}, and was asked to join as {asked}")]
    JoinedAs {
        /// Its name.
        joined: NodeName,
        /// The name that was asked for.
        asked: NodeName,
    },
    /// The machine has joined, and its certificate is over.
    #[error("this machine joined as {node}, and its certificate expired at {expired}")]
    CertificateOver {
        /// Its name.
        node: NodeName,
        /// When the certificate ended.
        expired: Timestamp,
    },
    /// A join under another name was begun.
    #[error("a join as {started} was begun on this machine, and this one is for {asked}")]
    OtherNode {
        /// The name it was begun with.
        started: NodeName,
        /// The name that was asked for.
        asked: NodeName,
    },
    /// Something that an earlier run left is not what it was.
    #[error("{} cannot be used: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No key or no request could be made.
    #[error("cannot make the node's key and request: {0}")]
    Key(String),
    /// The cluster could not be discovered.
    #[error(transparent)]
    Discovery(#[from] DiscoveryFailure),
    /// There is nothing to submit the request with.
    #[error(
        "there are no credentials to submit the node's request with: neither a token, nor any in the discovery document"
    )]
    NoCredentials,
    /// No client could be made.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The API server does not accept the token.
    #[error(
        "the API server does not accept the bootstrap token for {request}: it is unknown, expired, deleted, or for other networks than this machine is in ({message})"
    )]
    TokenRefused {
        /// The request's name.
        request: String,
        /// What the API server said.
        message: String,
    },
    /// The request could not be submitted or read.
    #[error("the request {request} cannot be submitted or read: {source}")]
    Request {
        /// The request's name.
        request: String,
        /// Why.
        #[source]
        source: RequestFailure,
    },
    /// The request of that name is somebody else's.
    #[error("the request {request} in the cluster is not the one of this machine")]
    NotOurRequest {
        /// The request's name.
        request: String,
    },
    /// The request was denied, which is final for it.
    #[error("the request {request} was denied ({reason}): {message}")]
    Denied {
        /// The request's name.
        request: String,
        /// The reason in one word.
        reason: String,
        /// The reason in full.
        message: String,
    },
    /// The signer refused.
    #[error("the request {request} was approved, and the signer refused it ({reason}): {message}")]
    NotSigned {
        /// The request's name.
        request: String,
        /// The reason in one word.
        reason: String,
        /// The reason in full.
        message: String,
    },
    /// The time is over. The request stays; another run goes on waiting for it.
    #[error("the request {request} was not decided and signed within {} s", after.as_secs())]
    NotDecided {
        /// The request's name.
        request: String,
        /// How long was waited.
        after: Duration,
        /// What was waited for at the end.
        waiting: Box<Waiting>,
    },
    /// What the signer delivered is not what was asked for.
    #[error("the certificate that was delivered for {request} is refused: {source}")]
    BadCertificate {
        /// The request's name.
        request: String,
        /// What is wrong with it.
        source: CertificateRefusal,
    },
    /// The API server does not accept the certificate.
    #[error("the API server does not accept the certificate that was delivered: {source}")]
    NotProved {
        /// What it said.
        #[source]
        source: RequestFailure,
    },
    /// With the certificate we are somebody else.
    #[error(
        "with the certificate that was delivered the API server takes this node for {name:?} (groups {groups:?}), expected {expected:?}"
    )]
    OtherIdentity {
        /// Who we should be.
        expected: String,
        /// Who we are.
        name: String,
        /// Of which groups.
        groups: Vec<String>,
    },
    /// kubelet.conf could not be put together.
    #[error("cannot write the node's kubeconfig: {0}")]
    Kubeconfig(String),
}
