//! What expressions see: the request as an object, and the shape of it, by which expressions are checked.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use slipway_sdk::csr_approver::{Requester, TokenFacts};
use slipway_sdk::prelude::*;

/// The name of the request in expressions.
pub(crate) const REQUEST: &str = "request";

/// A type, as far as it is known before an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Int,
    Text,
    List,
    /// An object with these fields.
    Object(&'static [(&'static str, Kind)]),
    /// An object whose fields are not known before.
    Map,
}

/// The fields of [`Facts`], as they are serialized.
pub(crate) const FIELDS: &[(&str, Kind)] = &[
    ("name", Kind::Text),
    ("uid", Kind::Text),
    ("signerName", Kind::Text),
    ("nodeName", Kind::Text),
    ("usages", Kind::List),
    ("dnsNames", Kind::List),
    ("ipAddresses", Kind::List),
    ("keyAlgorithm", Kind::Text),
    ("keyFingerprint", Kind::Text),
    ("expirationSeconds", Kind::Int),
    ("created", Kind::Int),
    (
        "requester",
        Kind::Object(&[
            ("username", Kind::Text),
            ("groups", Kind::List),
            ("extra", Kind::Map),
        ]),
    ),
    (
        "token",
        Kind::Object(&[
            ("id", Kind::Text),
            ("node", Kind::Text),
            ("uses", Kind::Int),
            ("usesLeft", Kind::Int),
            ("expires", Kind::Int),
        ]),
    ),
];

/// A request. What it does not have is no field of it, so that `has()` tells.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Facts<'a> {
    name: &'a str,
    uid: &'a str,
    signer_name: &'a str,
    node_name: &'a str,
    usages: &'a [String],
    dns_names: &'a [String],
    ip_addresses: Vec<String>,
    key_algorithm: &'a str,
    key_fingerprint: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_seconds: Option<i64>,
    created: i64,
    requester: RequesterFacts<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<Token<'a>>,
}

#[derive(Serialize)]
struct RequesterFacts<'a> {
    username: &'a str,
    groups: &'a [String],
    extra: BTreeMap<&'a str, &'a [String]>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Token<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uses: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uses_left: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<i64>,
}

impl<'a> From<&'a CertificateRequest> for Facts<'a> {
    fn from(request: &'a CertificateRequest) -> Self {
        Self {
            name: &request.name,
            uid: &request.uid,
            signer_name: &request.signer_name,
            node_name: &request.node_name,
            usages: &request.usages,
            dns_names: &request.dns_names,
            ip_addresses: request
                .ip_addresses
                .iter()
                .map(ToString::to_string)
                .collect(),
            key_algorithm: &request.key_algorithm,
            key_fingerprint: &request.key_fingerprint,
            expiration_seconds: request.expiration.map(seconds),
            created: since_1970(request.created),
            requester: (&request.requester).into(),
            token: request.token.as_ref().map(Into::into),
        }
    }
}

impl<'a> From<&'a Requester> for RequesterFacts<'a> {
    fn from(requester: &'a Requester) -> Self {
        Self {
            username: &requester.username,
            groups: &requester.groups,
            extra: requester
                .extra
                .iter()
                .map(|(name, values)| (name.as_str(), values.as_slice()))
                .collect(),
        }
    }
}

impl<'a> From<&'a TokenFacts> for Token<'a> {
    fn from(token: &'a TokenFacts) -> Self {
        Self {
            id: &token.id,
            node: token.node.as_deref(),
            uses: token.uses.map(Into::into),
            uses_left: token.uses_left.map(Into::into),
            expires: token.expires.map(since_1970),
        }
    }
}

fn since_1970(time: SystemTime) -> i64 {
    seconds(
        time.duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default(),
    )
}

fn seconds(duration: Duration) -> i64 {
    duration.as_secs().try_into().unwrap_or(i64::MAX)
}
