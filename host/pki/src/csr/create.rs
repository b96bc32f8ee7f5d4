//! Requests that a joining node makes.

use std::net::IpAddr;

use rcgen::{CertificateParams, DistinguishedName, DnType, SanType};
use slipway_config::name::{Dns1123Subdomain, NODES_GROUP, NodeName};

use super::{CertificateRequest, CsrError};
use crate::key::{PrivateKey, Signing};
use crate::pem::{self, PemError};
use crate::signer::{NodeSigner, Usage};

/// A request of a node, with what has to be said beside it when it is submitted.
#[derive(Clone, Debug)]
pub struct NodeCsr {
    signer: NodeSigner,
    request: CertificateRequest,
}

/// Why there is no request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeCsrError {
    /// The request could not be put together or signed.
    #[error("the certificate request could not be made: {0}")]
    Creation(#[from] rcgen::Error),
    /// What was made does not pass our own reader, which is a defect.
    #[error("the certificate request that was made cannot be read: {0}")]
    Unreadable(#[from] CsrError),
    /// A serving certificate was asked for without any name.
    #[error("a serving certificate needs at least one DNS name or IP address")]
    NoNames,
    /// The PEM could not be written.
    #[error("the certificate request could not be written: {0}")]
    Pem(#[from] PemError),
}

impl NodeCsr {
    /// A request for the identity of `node` towards the API server.
    pub fn client(node: &NodeName, key: &PrivateKey) -> Result<Self, NodeCsrError> {
        Self::make(NodeSigner::KubeletClient, node, Vec::new(), key)
    }

    /// A request for the certificate that the kubelet of `node` serves with, valid for `names` and `addresses`.
    pub fn serving(
        node: &NodeName,
        names: &[Dns1123Subdomain],
        addresses: &[IpAddr],
        key: &PrivateKey,
    ) -> Result<Self, NodeCsrError> {
        let mut alternatives = Vec::new();
        for name in names {
            alternatives.push(SanType::DnsName(name.as_str().try_into()?));
        }
        alternatives.extend(addresses.iter().copied().map(SanType::IpAddress));
        if alternatives.is_empty() {
            return Err(NodeCsrError::NoNames);
        }
        Self::make(NodeSigner::KubeletServing, node, alternatives, key)
    }

    /// The signer to submit it to, for `spec.signerName`.
    pub fn signer(&self) -> NodeSigner {
        self.signer
    }

    /// The usages to ask for, for `spec.usages`. Key encipherment only for RSA keys, the only ones it means something
    /// for.
    pub fn usages(&self) -> Vec<Usage> {
        let mut usages = self.signer.required_usages().to_vec();
        if matches!(
            self.request.public_key().algorithm(),
            crate::key::PublicKeyAlgorithm::Rsa(_)
        ) {
            usages.push(NodeSigner::OPTIONAL_USAGE);
        }
        usages
    }

    /// The request itself.
    pub fn request(&self) -> &CertificateRequest {
        &self.request
    }

    /// The request in PEM, for `spec.request`.
    pub fn to_pem(&self) -> Result<String, NodeCsrError> {
        Ok(pem::encode("CERTIFICATE REQUEST", self.request.der())?)
    }

    fn make(
        signer: NodeSigner,
        node: &NodeName,
        subject_alt_names: Vec<SanType>,
        key: &PrivateKey,
    ) -> Result<Self, NodeCsrError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::OrganizationName, NODES_GROUP);
        params
            .distinguished_name
            .push(DnType::CommonName, node.user_name());
        params.subject_alt_names = subject_alt_names;
        let made = params.serialize_request(&Signing(key))?;
        Ok(Self {
            signer,
            request: CertificateRequest::from_der(made.der())?,
        })
    }
}
