//! A request in a form for people and for `-o json`.

use std::net::IpAddr;

use jiff::Timestamp;
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use kube::ResourceExt as _;
use serde::Serialize;
use slipway_config::endpoint::Host;
use slipway_config::finding::Finding;
use slipway_pki::csr::{CertificateRequest, UnverifiedRequest};
use slipway_pki::guardrail::Guarded;

use crate::condition::{self, APPROVED, DECIDED, DENIED, FAILED, REVIEWED, Standing};

/// A request in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestSummary {
    /// The object's name.
    pub name: String,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// The signer.
    pub signer_name: String,
    /// Who asks.
    pub requester: String,
    /// The node that it names; none where that cannot be read.
    pub node: Option<String>,
    /// Where it stands.
    pub standing: Standing,
    /// Why it stands there: of the decision, or of what the approvers found so far.
    pub reason: Option<String>,
    /// The same for people: what counts in the first line, findings in those below.
    pub message: Option<String>,
    /// Who took the decision, as the API server knows them; none where nobody did, or it does not say.
    pub decided_by: Option<String>,
}

/// A request with what is in it and what the guardrails say about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestDetails {
    /// The same in short.
    #[serde(flatten)]
    pub summary: RequestSummary,
    /// The object's UID.
    pub uid: String,
    /// The requester's groups.
    pub groups: Vec<String>,
    /// The usages asked for.
    pub usages: Vec<String>,
    /// The lifetime asked for in seconds, if any.
    pub expiration_seconds: Option<i32>,
    /// What is in the request itself; none where it cannot be read.
    pub parsed: Option<ParsedRequest>,
    /// Whether every guardrail holds; none where the request is for a signer that is not served.
    pub passes_guardrails: Option<bool>,
    /// Why only a person may approve it, if so.
    pub deferral: Option<String>,
    /// What the guardrails find now, broken rules first; and before them, whether another key has the node's name.
    pub findings: Vec<Finding>,
    /// The certificate in PEM, once it is issued.
    pub certificate: Option<String>,
}

/// What is in a PKCS#10 request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ParsedRequest {
    /// The subject's common names.
    pub common_names: Vec<String>,
    /// The subject's organizations.
    pub organizations: Vec<String>,
    /// Key type and size.
    pub key_algorithm: String,
    /// SHA-256 over the key, in hex: what the joining machine shows, too.
    pub key_fingerprint: String,
    /// Host names asked for, as far as they are such.
    pub dns_names: Vec<String>,
    /// IP addresses asked for, as far as they are such.
    pub ip_addresses: Vec<IpAddr>,
}

impl Standing {
    /// In one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Failed => "failed",
            Self::Issued => "issued",
        }
    }
}

impl Serialize for Standing {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl RequestSummary {
    /// Of an object.
    pub fn of(request: &CertificateSigningRequest) -> Self {
        let standing = condition::standing(request);
        let telling = match standing {
            Standing::Open => REVIEWED,
            Standing::Approved | Standing::Issued => APPROVED,
            Standing::Denied => DENIED,
            Standing::Failed => FAILED,
        };
        let condition = condition::find(request, telling);
        let parsed = UnverifiedRequest::from_pem(&request.spec.request.0).ok();
        Self {
            name: request.name_any(),
            created: request.creation_timestamp().map(|time| time.0),
            signer_name: request.spec.signer_name.clone(),
            requester: request.spec.username.clone().unwrap_or_default(),
            node: parsed
                .and_then(|parsed| parsed.node_name())
                .map(|node| node.to_string()),
            standing,
            reason: condition.and_then(|condition| condition.reason.clone()),
            message: condition.and_then(|condition| condition.message.clone()),
            decided_by: condition::find(request, DECIDED)
                .and_then(|condition| condition.message.clone()),
        }
    }
}

impl RequestDetails {
    /// Of an object, with what the guardrails say about it, and the claim on its node's name that is in its way.
    pub(super) fn of(
        request: &CertificateSigningRequest,
        guarded: &Guarded,
        claim: Option<Finding>,
    ) -> Self {
        let spec = &request.spec;
        let (passes_guardrails, guardrails) = match guarded {
            Guarded::Passed(guarded) => (Some(true), guarded.findings().to_vec()),
            Guarded::Broken(findings) => (Some(false), findings.clone()),
            Guarded::Ignored => (None, Vec::new()),
        };
        let certificate = request
            .status
            .as_ref()
            .and_then(|status| status.certificate.as_ref());
        Self {
            summary: RequestSummary::of(request),
            uid: request.uid().unwrap_or_default(),
            groups: spec.groups.clone().unwrap_or_default(),
            usages: spec.usages.clone().unwrap_or_default(),
            expiration_seconds: spec.expiration_seconds,
            parsed: CertificateRequest::from_pem(&spec.request.0)
                .ok()
                .map(|parsed| ParsedRequest::of(&parsed)),
            passes_guardrails,
            deferral: match guarded {
                Guarded::Passed(guarded) => guarded.deferral().map(str::to_owned),
                Guarded::Broken(_) | Guarded::Ignored => None,
            },
            findings: claim.into_iter().chain(guardrails).collect(),
            certificate: certificate
                .filter(|pem| !pem.0.is_empty())
                .map(|pem| String::from_utf8_lossy(&pem.0).into_owned()),
        }
    }
}

impl ParsedRequest {
    fn of(parsed: &CertificateRequest) -> Self {
        let subject = parsed.subject();
        let (mut dns_names, mut ip_addresses) = (Vec::new(), Vec::new());
        for host in parsed.hosts() {
            match host {
                Host::Name(name) => dns_names.push(name.to_string()),
                Host::Ip(address) => ip_addresses.push(address),
            }
        }
        Self {
            common_names: subject.common_names,
            organizations: subject.organizations,
            key_algorithm: parsed.public_key().algorithm().to_string(),
            key_fingerprint: parsed.public_key().fingerprint().to_string(),
            dns_names,
            ip_addresses,
        }
    }
}
