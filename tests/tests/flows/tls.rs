//! TLS as far as a server of a test's own needs it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use slipway_pki::ca::{CertificateAuthority, ServerCertificate};
use slipway_pki::key::{KeyAlgorithm, PrivateKey};

/// A server on loopback with a certificate of this CA.
pub(super) fn server_of(ca: &CertificateAuthority) -> ServerConfig {
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).expect("a key");
    let addresses = [IpAddr::from([127, 0, 0, 1])];
    let server = ServerCertificate {
        common_name: "kube-apiserver",
        dns_names: &[],
        addresses: &addresses,
    };
    let certificate = ca
        .issue_server(&server, key.public_key(), ca.validity())
        .expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the usual versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(certificate.der().to_vec())],
            PrivatePkcs8KeyDer::from(key.pkcs8_der().to_vec()).into(),
        )
        .expect("key and certificate belong together")
}

/// A CA that is called as every cluster's is.
pub(super) fn authority() -> CertificateAuthority {
    CertificateAuthority::generate(
        "kubernetes",
        KeyAlgorithm::EcdsaP256,
        Duration::from_secs(86_400),
        Timestamp::now(),
    )
    .expect("a CA")
}
