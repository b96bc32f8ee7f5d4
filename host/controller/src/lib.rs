//! Bootstrap signer, token cleaner, approver, certificate signer and the decision log, over the Kubernetes API.

pub mod decision_log;
