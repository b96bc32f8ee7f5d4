//! One line of the log.

use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use slipway_config::digest::Sha256Digest;
use slipway_config::finding::{Finding, Verdict};

use crate::decision::verdict::Decision;

/// A record as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Counted from 1, without gaps.
    pub sequence: u64,
    /// When it was written.
    pub time: Timestamp,
    /// SHA-256 over the line before this one; zeros in the first.
    pub previous: Sha256Digest,
    /// What it says.
    #[serde(flatten)]
    pub entry: Entry,
}

/// What is known and done about one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Before or after the act.
    pub stage: Stage,
    /// What is done.
    pub action: Action,
    /// Why, in one line.
    pub reason: String,
    /// Who took the decision, as the API server knows them; none where it does not say, and in records of what is only
    /// intended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The request.
    pub subject: Subject,
    /// What the guardrails found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guardrails: Vec<Finding>,
    /// What each approver answered, in the order of the chain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opinions: Vec<PluginOpinion>,
    /// The certificate, where one is issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<IssuedCertificate>,
    /// SHA-256 over what the approvers' answers rest upon, as it was recorded beside the log; none where it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<Sha256Digest>,
}

impl Entry {
    /// What tells a decision that took effect from all others: the request's UID, and whether it was approved or denied.
    /// None for what is no such decision.
    pub fn effective_decision(&self) -> Option<(&str, Action)> {
        let is_effective =
            self.stage == Stage::Done && matches!(self.action, Action::Approve | Action::Deny);
        is_effective.then_some((self.subject.uid.as_str(), self.action))
    }
}

/// A certificate that is issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IssuedCertificate {
    /// SHA-256 over the certificate in DER.
    pub digest: Sha256Digest,
    /// Its serial number, in hex.
    pub serial_number: String,
    /// The first moment at which it holds.
    pub not_before: Timestamp,
    /// The last moment at which it holds.
    pub not_after: Timestamp,
}

/// Before or after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// It is about to be done.
    Intent,
    /// It is done.
    Done,
}

/// What is done with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It is approved.
    Approve,
    /// It is denied.
    Deny,
    /// It is left to a person.
    Defer,
    /// It is asked again later.
    Retry,
    /// Its certificate is issued.
    Sign,
    /// It is approved, and gets no certificate.
    RefuseToSign,
}

impl fmt::Display for Stage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Intent => "intent",
            Self::Done => "done",
        })
    }
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Approve => "approve",
            Self::Deny => "deny",
            Self::Defer => "defer",
            Self::Retry => "retry",
            Self::Sign => "sign",
            Self::RefuseToSign => "refuse-to-sign",
        })
    }
}

impl Action {
    /// What a decision does.
    pub fn of(decision: &Decision) -> Self {
        match decision {
            Decision::Approved { .. } => Self::Approve,
            Decision::Denied(_) => Self::Deny,
            Decision::Pending { .. } => Self::Defer,
            Decision::Retry { .. } => Self::Retry,
        }
    }
}

/// The request that a record is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subject {
    /// The object's name.
    pub name: String,
    /// The object's UID.
    pub uid: String,
    /// SHA-256 over the request as submitted.
    pub request: Sha256Digest,
    /// The signer.
    pub signer_name: String,
    /// The node that it names, if it can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// SHA-256 over the key, if it can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The usages asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub usages: Vec<String>,
    /// The host names and IP addresses asked for, as far as they can be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// The lifetime asked for in seconds, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration_seconds: Option<i32>,
    /// Who asks.
    pub requester: String,
    /// The requester's groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// UID of the token that was used to ask, where one was and is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_uid: Option<String>,
    /// The address that the request came from, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_address: Option<IpAddr>,
}

/// What one approver answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginOpinion {
    /// The plugin's name in the configuration.
    pub plugin: String,
    /// Its version.
    pub version: String,
    /// SHA-256 over the component.
    pub digest: Sha256Digest,
    /// SHA-256 over its settings.
    pub settings: Sha256Digest,
    /// What it was granted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<String>,
    /// Whether it only looked on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shadow: bool,
    /// Whether it only looked on and would have led elsewhere.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disagrees: bool,
    /// Its verdict; none where there was an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Why there is no verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What it found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// How long it took, in microseconds.
    pub duration_us: u64,
}
