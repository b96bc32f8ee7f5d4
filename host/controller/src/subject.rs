//! What a request is about: for approvers, for claims, for the ledger and for the log.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use kube::ResourceExt as _;
use slipway_config::digest::Sha256Digest;
use slipway_config::name::NodeName;
use slipway_config::redact;
use slipway_config::system::{SOURCE_ADDRESS, TOKEN_UID};
use slipway_pki::csr::{CertificateRequest, UnverifiedRequest};
use slipway_pki::decision::claim::Claim;
use slipway_pki::decision::ledger::{RESERVATION_LIMIT, TokenUse};
use slipway_pki::guardrail::{GuardedRequest, RequesterIdentity, TokenFacts};
use slipway_pki::key::KeyFingerprint;
use slipway_pki::signer::{NodeSigner, Usage};
use slipway_plugin::extension::csr_approver::{self, Requester, ReviewRequest};

use crate::decision_log::Subject;
use crate::submitter::extra;
use crate::system::later;

/// How long a claim lasts that is made through a token whose time is over already: as long as a reservation.
const LATE_CLAIM: Duration = RESERVATION_LIMIT;

/// The request as approvers see it.
pub(crate) fn review_request(
    request: &CertificateSigningRequest,
    guarded: &GuardedRequest,
    token: Option<&TokenFacts>,
    now: Timestamp,
) -> ReviewRequest {
    let spec = &request.spec;
    ReviewRequest {
        name: request.name_any(),
        uid: request.uid().unwrap_or_default(),
        signer_name: spec.signer_name.clone(),
        node_name: guarded.node().clone(),
        usages: guarded
            .usages()
            .iter()
            .copied()
            .map(Usage::name)
            .map(str::to_owned)
            .collect(),
        dns_names: guarded
            .dns_names()
            .iter()
            .map(ToString::to_string)
            .collect(),
        ip_addresses: guarded.addresses().to_vec(),
        key_algorithm: guarded.public_key().algorithm().to_string(),
        key_fingerprint: guarded.public_key().fingerprint().to_string(),
        expiration_seconds: guarded.expiration_seconds(),
        der: guarded.request().der().to_vec(),
        requester: Requester {
            username: spec.username.clone().unwrap_or_default(),
            groups: spec.groups.clone().unwrap_or_default(),
            extra: spec.extra.clone().unwrap_or_default(),
        },
        token: token.map(|token| csr_approver::TokenFacts {
            id: token.ledger.token_id().clone(),
            node: token.ledger.bounds().node.clone(),
            uses: token.ledger.bounds().uses,
            uses_left: token.ledger.uses_left(now),
            expires: token.ledger.expires(),
        }),
        created: request.creation_timestamp().map_or(now, |time| time.0),
        rejoins: guarded.rejoins(),
    }
}

/// The use of a token that an approval needs; none where no token asked.
pub(crate) fn token_use(
    request: &CertificateSigningRequest,
    guarded: &GuardedRequest,
    token: Option<&TokenFacts>,
    now: Timestamp,
) -> Option<TokenUse> {
    let token = token.filter(|_| matches!(guarded.requester(), RequesterIdentity::Bootstrap(_)))?;
    let held = Held {
        key: guarded.public_key().fingerprint(),
        node: guarded.node().clone(),
        signer: guarded.signer(),
    };
    Some(held.token_use(request, token, now))
}

/// What a request holds, or may hold: read from the request alone, whether or not it is in order.
pub(crate) struct Held {
    key: KeyFingerprint,
    pub(crate) node: NodeName,
    pub(crate) signer: NodeSigner,
}

impl Held {
    pub(crate) fn of(request: &CertificateSigningRequest) -> Option<Self> {
        let parsed = CertificateRequest::from_pem(&request.spec.request.0).ok()?;
        Some(Self {
            key: parsed.public_key().fingerprint(),
            node: parsed.node_name()?,
            signer: NodeSigner::from_name(&request.spec.signer_name)?,
        })
    }

    /// The use of the token that asked.
    pub(crate) fn token_use(
        &self,
        request: &CertificateSigningRequest,
        token: &TokenFacts,
        now: Timestamp,
    ) -> TokenUse {
        TokenUse {
            token_uid: token.ledger.token_uid().to_owned(),
            key: self.key,
            node: self.node.clone(),
            signer: self.signer,
            submitted: request.creation_timestamp().map_or(now, |time| time.0),
        }
    }
}

/// The claim on the node's name that an approval needs; none for a node that asks for itself.
pub(crate) fn claim(
    request: &CertificateSigningRequest,
    guarded: &GuardedRequest,
    token: Option<&TokenFacts>,
    now: Timestamp,
) -> Option<Claim> {
    let is_new = guarded.signer() == NodeSigner::KubeletClient
        && !matches!(guarded.requester(), RequesterIdentity::Node(_));
    let end_of = |expires: Timestamp| match expires <= now {
        true => later(now, LATE_CLAIM),
        false => expires,
    };
    is_new.then(|| Claim {
        node: guarded.node().clone(),
        key: guarded.public_key().fingerprint(),
        request: request.name_any(),
        request_uid: request.uid().unwrap_or_default(),
        token_uid: token.map(|token| token.ledger.token_uid().to_owned()),
        expires: token.and_then(|token| token.ledger.expires()).map(end_of),
        claimed: now,
    })
}

/// The request as the decision log names it. Says what can be read, whether or not it is in order.
pub(crate) fn recorded(request: &CertificateSigningRequest) -> Subject {
    let read = UnverifiedRequest::from_pem(&request.spec.request.0).ok();
    recorded_as(request, read.as_ref())
}

/// The same of a request that was read before, where it could be.
pub(crate) fn recorded_as(
    request: &CertificateSigningRequest,
    read: Option<&UnverifiedRequest>,
) -> Subject {
    let spec = &request.spec;
    let redacted = |texts: &Option<Vec<String>>| -> Vec<String> {
        texts
            .iter()
            .flatten()
            .map(|text| redact::text(text))
            .collect()
    };
    let hosts = read.map(UnverifiedRequest::hosts).unwrap_or_default();
    Subject {
        name: request.name_any(),
        uid: request.uid().unwrap_or_default(),
        request: Sha256Digest::of(read.map_or(&spec.request.0, UnverifiedRequest::der)),
        signer_name: spec.signer_name.clone(),
        node: read
            .and_then(UnverifiedRequest::node_name)
            .map(|node| node.to_string()),
        key: read.map(|read| read.public_key().fingerprint().to_string()),
        usages: redacted(&spec.usages),
        hosts: hosts
            .iter()
            .map(|host| redact::text(&host.to_unbracketed()))
            .collect(),
        expiration_seconds: spec.expiration_seconds,
        requester: redact::text(spec.username.as_deref().unwrap_or_default()),
        groups: redacted(&spec.groups),
        token_uid: extra(request, TOKEN_UID).map(redact::text),
        source_address: extra(request, SOURCE_ADDRESS).and_then(|text| text.parse().ok()),
    }
}
