//! An entry for tests.

use slipway_config::digest::Sha256Digest;

use super::{Action, Entry, Stage, Subject};

pub(super) fn entry(name: &str) -> Entry {
    Entry {
        stage: Stage::Intent,
        action: Action::Approve,
        reason: "because".to_owned(),
        by: None,
        subject: Subject {
            name: name.to_owned(),
            uid: "u".to_owned(),
            request: Sha256Digest::of(b"request"),
            signer_name: "kubernetes.io/kube-apiserver-client-kubelet".to_owned(),
            node: Some("n".to_owned()),
            key: None,
            usages: Vec::new(),
            hosts: Vec::new(),
            expiration_seconds: None,
            requester: "system:bootstrap:abcdef".to_owned(),
            groups: Vec::new(),
            token_uid: None,
            source_address: None,
        },
        guardrails: Vec::new(),
        opinions: Vec::new(),
        certificate: None,
        recording: None,
    }
}
