//! Certificate signing requests (PKCS#10, RFC 2986), read strictly and made for nodes.
//!
//! What cannot be represented exactly is refused: a request that two readers could understand differently never gets to
//! the guardrails' questions about names.

mod create;
mod read;

use std::ops::Deref;

use der::Encode as _;
use slipway_config::endpoint::Host;
use slipway_config::name::NodeName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::request::CertReq;

use crate::certificate::{Subject, address};
use crate::key::{PublicKey, PublicKeyError, SignatureError};
use crate::pem::PemError;

pub use create::{NodeCsr, NodeCsrError};

/// A request that is well-formed in every respect and signed with the key that it carries.
#[derive(Clone, Debug)]
pub struct CertificateRequest(UnverifiedRequest);

/// A request in DER that is well-formed in every respect. Whether it is signed with the key that it carries is not known:
/// anybody can have written what it says.
#[derive(Clone, Debug)]
pub struct UnverifiedRequest {
    der: Vec<u8>,
    read: CertReq,
    subject: Vec<SubjectAttribute>,
    public_key: PublicKey,
    alternative_names: Option<Vec<GeneralName>>,
    other_extensions: Vec<String>,
}

/// One attribute of a subject, in a relative distinguished name of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SubjectAttribute {
    pub(crate) oid: der::asn1::ObjectIdentifier,
    pub(crate) value: String,
}

/// Why a request is not well-formed, or not signed with its own key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CsrError {
    /// The PEM around it cannot be read.
    #[error("the request is no PEM: {0}")]
    Pem(#[from] PemError),
    /// It is longer than any honest request.
    #[error("the request is {length} bytes long; expected at most {limit}")]
    TooLarge {
        /// Its length in bytes.
        length: usize,
        /// The most that is accepted.
        limit: usize,
    },
    /// It is no PKCS#10 request in DER; lengths that are not minimal and bytes after the end are among the reasons.
    #[error("the request is not PKCS#10 in DER: {0}")]
    Malformed(#[from] der::Error),
    /// It reads, but is written otherwise than DER prescribes.
    #[error("the request is not in canonical DER: written again it is different")]
    NotCanonical,
    /// A relative distinguished name of the subject does not have exactly one attribute.
    #[error("the subject has a part with {0} attributes; expected one in each part")]
    MultiValuedName(usize),
    /// An attribute of the subject is of a kind of string that is not accepted.
    #[error("the subject's attribute {0} is not a PrintableString or UTF8String")]
    SubjectText(String),
    /// It has the same attribute twice.
    #[error("the request has the attribute {0} twice")]
    DuplicateAttribute(String),
    /// It has an attribute other than the one with the extensions.
    #[error("the request has the attribute {0}; expected none but the extension request")]
    UnknownAttribute(String),
    /// The attribute with the extensions does not have exactly one value.
    #[error("the request's extension request has {0} values; expected one")]
    ExtensionValues(usize),
    /// It asks for the same extension twice.
    #[error("the request asks for the extension {0} twice")]
    DuplicateExtension(String),
    /// It carries a key that is not accepted.
    #[error("{0}")]
    PublicKey(#[from] PublicKeyError),
    /// It is not signed with its own key, or not well enough.
    #[error("{0}")]
    Signature(#[from] SignatureError),
}

impl CertificateRequest {
    /// Reads a request as `spec.request` has it: one PEM block `CERTIFICATE REQUEST` and nothing else.
    pub fn from_pem(pem: &[u8]) -> Result<Self, CsrError> {
        UnverifiedRequest::from_pem(pem)?.verify()
    }

    /// Reads a request in DER, with nothing after it.
    pub fn from_der(der: &[u8]) -> Result<Self, CsrError> {
        UnverifiedRequest::from_der(der)?.verify()
    }
}

impl Deref for CertificateRequest {
    type Target = UnverifiedRequest;

    fn deref(&self) -> &UnverifiedRequest {
        &self.0
    }
}

impl UnverifiedRequest {
    /// Reads a request as `spec.request` has it: one PEM block `CERTIFICATE REQUEST` and nothing else.
    pub fn from_pem(pem: &[u8]) -> Result<Self, CsrError> {
        read::from_pem(pem)
    }

    /// Reads a request in DER, with nothing after it.
    pub fn from_der(der: &[u8]) -> Result<Self, CsrError> {
        read::from_der(der)
    }

    /// The request as one that proves that whoever made it has the key.
    pub fn verify(self) -> Result<CertificateRequest, CsrError> {
        let CertReq {
            info,
            algorithm,
            signature,
        } = &self.read;
        let signature = signature
            .as_bytes()
            .ok_or_else(|| der::Error::from(der::Tag::BitString.value_error()))?;
        self.public_key
            .verify(algorithm, &info.to_der()?, signature)?;
        Ok(CertificateRequest(self))
    }

    /// The request in DER, as it was submitted.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The key that is to be certified.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Common names and organizations.
    pub fn subject(&self) -> Subject {
        let texts = |oid| {
            let attributes = self
                .subject
                .iter()
                .filter(move |attribute| attribute.oid == oid);
            attributes
                .map(|attribute| attribute.value.clone())
                .collect()
        };
        Subject {
            common_names: texts(crate::certificate::COMMON_NAME),
            organizations: texts(crate::certificate::ORGANIZATION),
        }
    }

    /// The node that the common name names; none where there is not exactly one that names a node. This is what the
    /// request *says*: whether the node may have it is the guardrails' and the approvers' question.
    pub fn node_name(&self) -> Option<NodeName> {
        self.subject()
            .common_name()
            .and_then(NodeName::from_user_name)
    }

    /// The host names and IP addresses that are asked for, in [canonical form](Host::canonical). This, too, is only
    /// what the request says; what is neither is left out.
    pub fn hosts(&self) -> Vec<Host> {
        let names = self.alternative_names.iter().flatten();
        let host = |name: &GeneralName| match name {
            GeneralName::DnsName(name) => Host::from_unbracketed(name.as_str()).ok(),
            GeneralName::IpAddress(octets) => address(octets.as_bytes()).map(Host::Ip),
            _ => None,
        };
        names.filter_map(host).map(Host::canonical).collect()
    }

    pub(crate) fn subject_attributes(&self) -> &[SubjectAttribute] {
        &self.subject
    }

    /// The subject alternative names asked for; none where the request has no such extension.
    pub(crate) fn alternative_names(&self) -> Option<&[GeneralName]> {
        self.alternative_names.as_deref()
    }

    /// Object identifiers of the extensions asked for besides the subject alternative names.
    pub(crate) fn other_extensions(&self) -> &[String] {
        &self.other_extensions
    }
}

impl CsrError {
    /// The guardrail that is broken, as findings name it.
    pub fn rule(&self) -> &'static str {
        match self {
            Self::PublicKey(_) => "key-strength",
            Self::Signature(SignatureError::Mismatch) => "self-signature",
            Self::Signature(_) => "signature-algorithm",
            _ => "request-well-formed",
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
