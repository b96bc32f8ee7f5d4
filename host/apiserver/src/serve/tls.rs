//! The server's TLS: its own certificate, and client certificates where a client has one.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;

/// HTTP/2's name in the handshake.
pub(super) const HTTP_2: &[u8] = b"h2";

/// What the server is to its clients, and whose certificates it takes from them.
pub struct TlsIdentity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    client_authorities: Vec<CertificateDer<'static>>,
}

/// Why there can be no TLS with what was given.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// One of the three inputs is no PEM of the wanted kind.
    #[error("the {what} cannot be read as PEM")]
    Pem {
        /// Which input.
        what: &'static str,
        /// What the parser says.
        source: rustls::pki_types::pem::Error,
    },
    /// An input has no certificate.
    #[error("the {what} holds no certificate")]
    Empty {
        /// Which input.
        what: &'static str,
    },
    /// A client CA cannot be used as a trust anchor.
    #[error("the client CA cannot be used")]
    ClientAuthority(#[source] rustls::Error),
    /// The verifier cannot be built.
    #[error("client certificates cannot be verified with this client CA")]
    Verifier(#[source] rustls::server::VerifierBuilderError),
    /// Certificate and key do not make a server's identity, for example since they do not match.
    #[error("the server certificate and its key cannot be used together")]
    Identity(#[source] rustls::Error),
}

impl TlsIdentity {
    /// Reads the server's certificate chain, its private key and the CAs that sign client certificates,
    /// all PEM.
    ///
    /// # Errors
    /// When one of them is no PEM, or has no certificate.
    pub fn from_pem(chain: &[u8], key: &[u8], client_authorities: &[u8]) -> Result<Self, TlsError> {
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|source| TlsError::Pem {
            what: "server key",
            source,
        })?;
        Ok(Self {
            chain: certificates(chain, "server certificate")?,
            key,
            client_authorities: certificates(client_authorities, "client CA")?,
        })
    }

    /// The configuration of a server that asks for a client certificate and works without one. A
    /// certificate that the client CA did not sign ends the handshake.
    pub(super) fn into_config(self) -> Result<ServerConfig, TlsError> {
        let provider = Arc::new(default_provider());
        let mut roots = RootCertStore::empty();
        for authority in self.client_authorities {
            roots.add(authority).map_err(TlsError::ClientAuthority)?;
        }
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .allow_unauthenticated()
                .build()
                .map_err(TlsError::Verifier)?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Identity)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(self.chain, self.key)
            .map_err(TlsError::Identity)?;
        config.alpn_protocols = vec![HTTP_2.to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

impl std::fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsIdentity")
            .field("chain", &self.chain.len())
            .field("client_authorities", &self.client_authorities.len())
            .finish_non_exhaustive()
    }
}

fn certificates(pem: &[u8], what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|source| TlsError::Pem { what, source })?;
    if found.is_empty() {
        return Err(TlsError::Empty { what });
    }
    Ok(found)
}
