//! What a certificate that came over the wire says about itself: for the check against nodes' certificates, and
//! for messages.

use der::{Decode, Encode};
use rustls::pki_types::CertificateDer;
use slipway_config::name::NODES_GROUP;
use slipway_config::pin::CaPin;
use x509_cert::Certificate;
use x509_cert::name::Name;

/// The identifying parts of one certificate.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) subject: String,
    pub(super) issuer: String,
    pub(super) pin: CaPin,
    organizations: Vec<Vec<u8>>,
}

impl Peer {
    /// None for what is not a certificate in DER.
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let certificate = Certificate::from_der(der).ok()?;
        let certificate = certificate.tbs_certificate();
        let key = certificate.subject_public_key_info().to_der().ok()?;
        Some(Self {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            pin: CaPin::of_spki(&key),
            organizations: organizations(certificate.subject()),
        })
    }

    /// Whether a node's certificate: the kubelet's serving certificate comes from the same CA.
    pub(super) fn is_node(&self) -> bool {
        self.organizations
            .iter()
            .any(|organization| organization == NODES_GROUP.as_bytes())
    }
}

/// Pins of certificates as a handshake delivered them; those that cannot be read are left out.
pub(crate) fn pins(certificates: &[CertificateDer<'_>]) -> Vec<CaPin> {
    certificates
        .iter()
        .filter_map(|der| Peer::read(der))
        .map(|peer| peer.pin)
        .collect()
}

fn organizations(name: &Name) -> Vec<Vec<u8>> {
    name.iter_rdn()
        .flat_map(|rdn| rdn.iter())
        .filter(|attribute| attribute.oid == der::oid::db::rfc4519::O)
        .map(|attribute| attribute.value.value().to_vec())
        .collect()
}
