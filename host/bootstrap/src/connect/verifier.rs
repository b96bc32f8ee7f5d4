//! Verification of an API server's certificate: WebPKI, and what it does not look at.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};
use slipway_config::pin::CaPin;

use super::ConnectError;
use super::failure::CertificateFailure;
use super::peer::{Peer, pins};

/// Accepts a certificate that chains to one of the given CAs, carries one of the required names, and is not a node's.
#[derive(Debug)]
pub(super) struct ApiServerVerifier {
    web_pki: Arc<WebPkiServerVerifier>,
    authorities: Option<Vec<CaPin>>,
    names: Vec<ServerName<'static>>,
}

/// CAs that may vouch for the server.
#[derive(Debug, Clone)]
pub(super) struct Anchors {
    pub(super) roots: Arc<RootCertStore>,
    /// Their pins, where they are the cluster's own; none where they are those of this machine.
    pub(super) pins: Option<Vec<CaPin>>,
}

impl ApiServerVerifier {
    /// `names` are those of which the server's certificate must carry one.
    pub(super) fn new(
        anchors: Anchors,
        names: Vec<ServerName<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, ConnectError> {
        let web_pki = WebPkiServerVerifier::builder_with_provider(anchors.roots, provider)
            .build()
            .map_err(|error| ConnectError::BadAuthority(error.to_string()))?;
        Ok(Self {
            web_pki,
            authorities: anchors.pins,
            names,
        })
    }

    fn explain(
        &self,
        error: &rustls::Error,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
    ) -> CertificateFailure {
        let rustls::Error::InvalidCertificate(reason) = error else {
            return CertificateFailure::Other(error.to_string());
        };
        match (CertificateFailure::from_web_pki(reason), reason) {
            (Some(CertificateFailure::WrongName { presented, .. }), _) => {
                CertificateFailure::WrongName {
                    expected: self
                        .names
                        .iter()
                        .map(|name| name.to_str().into_owned())
                        .collect(),
                    presented,
                }
            }
            (Some(failure), _) => failure,
            (None, CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
                let issuer = Peer::read(end_entity)
                    .map(|peer| peer.issuer)
                    .unwrap_or_default();
                let Some(expected) = self.authorities.clone() else {
                    return CertificateFailure::UnknownToMachine { issuer };
                };
                CertificateFailure::UnknownAuthority {
                    expected,
                    presented: pins(intermediates),
                    issuer,
                }
            }
            (None, _) => CertificateFailure::Other(error.to_string()),
        }
    }
}

impl ServerCertVerifier for ApiServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        // The name that rustls passes is the one of SNI. What counts is what was verified before.
        let _ = server_name;
        let mut refused = None;
        let mut verified = None;
        for name in &self.names {
            match self.web_pki.verify_server_cert(
                end_entity,
                intermediates,
                name,
                ocsp_response,
                now,
            ) {
                Ok(proof) => {
                    verified = Some(proof);
                    break;
                }
                Err(error) => refused = Some(error),
            }
        }
        let Some(proof) = verified else {
            let error =
                refused.unwrap_or_else(|| rustls::Error::General("no name to verify".to_owned()));
            return Err(refusal(self.explain(&error, end_entity, intermediates)));
        };
        match Peer::read(end_entity) {
            Some(peer) if !peer.is_node() => Ok(proof),
            Some(peer) => Err(refusal(CertificateFailure::Node {
                subject: peer.subject,
            })),
            None => Err(refusal(CertificateFailure::Other(
                "its subject cannot be read".to_owned(),
            ))),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.web_pki
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.web_pki
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.web_pki.supported_verify_schemes()
    }
}

fn refusal(failure: CertificateFailure) -> rustls::Error {
    rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(failure))))
}
