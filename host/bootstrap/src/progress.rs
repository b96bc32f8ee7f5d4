//! What a flow says while it runs. The flows do not print: whoever calls them renders these events.

use std::time::Duration;

use slipway_config::posture::PostureEntry;
use slipway_pki::key::KeyFingerprint;

/// Receives the events of a flow. Called from within the flow: an implementation must not block.
pub trait Progress: Send + Sync {
    /// Something happened.
    fn event(&self, event: Event);
}

/// Something that a person or a log may want to see.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A phase begins.
    Started {
        /// The phase's name, as `--skip-phases` and `phase NAME` spell it.
        phase: &'static str,
    },
    /// A phase ended well.
    Finished {
        /// The phase's name.
        phase: &'static str,
        /// How.
        outcome: Outcome,
    },
    /// Nothing can be done but wait.
    Waiting(Waiting),
    /// A trade-off is in force.
    Warning(PostureEntry),
    /// Something worth knowing that is neither an error nor a trade-off.
    Note(String),
}

/// How a phase ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It did its work.
    Done,
    /// What it would have done was there already, from an earlier run.
    Kept(String),
    /// It was left out, and why.
    Skipped(String),
}

/// What a flow waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waiting {
    /// The cluster cannot be discovered yet.
    Discovery {
        /// Why not, as far as is known.
        reason: String,
        /// When it is tried again.
        retry_in: Duration,
    },
    /// The certificate signing request is not decided.
    Approval {
        /// The request's name.
        request: String,
        /// The key that asks, for a person to compare with what the cluster shows.
        key: KeyFingerprint,
        /// What the approvers found so far: the message of the condition `slipway.dev/Reviewed`, in one line or more.
        findings: Option<String>,
        /// The command that approves it, to be run by an administrator where the cluster's credentials are.
        command: String,
    },
    /// Another key has the node's name. Approving the request would not help.
    Name {
        /// The request's name.
        request: String,
        /// The key that asks.
        key: KeyFingerprint,
        /// Who has the name, and what can be done about it.
        findings: String,
    },
    /// The request is approved, and no signer has signed it.
    Signature {
        /// The request's name.
        request: String,
        /// The signer that is asked.
        signer: String,
    },
    /// The API server does not answer as it should; the request is safe there, and asked for again.
    Server {
        /// The request's name.
        request: String,
        /// What went wrong.
        reason: String,
        /// When it is tried again.
        retry_in: Duration,
    },
}

/// Discards every event.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _event: Event) {}
}

impl Progress for tokio::sync::mpsc::UnboundedSender<Event> {
    fn event(&self, event: Event) {
        // A receiver that went away is not interested any more, which is its right.
        let _ = self.send(event);
    }
}
