//! What openssl thinks of a node's certificate.

use std::path::{Path, PathBuf};

use crate::program::{Finished, openssl};
use crate::sandbox::Sandbox;

/// The file with the certificate and the key that the node's kubelet uses now.
#[must_use]
pub fn current_certificate(node: &Sandbox) -> PathBuf {
    node.dir().join("kubelet/kubelet-client-current.pem")
}

/// openssl agrees that the node's certificate is the CA's, for a client, with the right subject and nothing else.
///
/// # Panics
/// It does not.
#[track_caller]
pub fn assert_identity(node: &Sandbox, ca: &Path, name: &str) {
    assert_client_certificate(&current_certificate(node), ca, name);
}

/// The same about a certificate in this file.
///
/// # Panics
/// It does not.
#[track_caller]
pub fn assert_client_certificate(certificate: &Path, ca: &Path, name: &str) {
    let text = text_of_node_certificate(certificate, ca, name, "sslclient");
    assert!(
        text.contains("TLS Web Client Authentication")
            && !text.contains("TLS Web Server Authentication"),
        "{text}"
    );
    assert!(!text.contains("Subject Alternative Name"), "{text}");
}

/// openssl agrees that a certificate in this file is the CA's, for a server, with the right subject and these names only, as
/// openssl writes them: `DNS:…, IP Address:…`.
///
/// # Panics
/// It does not.
#[track_caller]
pub fn assert_server_certificate(certificate: &Path, ca: &Path, name: &str, names: &str) {
    let text = text_of_node_certificate(certificate, ca, name, "sslserver");
    assert!(
        text.contains("TLS Web Server Authentication")
            && !text.contains("TLS Web Client Authentication"),
        "{text}"
    );
    let found = text
        .lines()
        .skip_while(|line| !line.contains("Subject Alternative Name"))
        .nth(1);
    assert_eq!(found.map(str::trim), Some(names), "{text}");
}

/// What openssl reads in a certificate, once it agrees that it is the CA's, for this purpose, with a node's subject.
#[track_caller]
fn text_of_node_certificate(certificate: &Path, ca: &Path, name: &str, purpose: &str) -> String {
    let verified = Finished::of(
        openssl()
            .args(["verify", "-purpose", purpose, "-CAfile"])
            .arg(ca)
            .arg(certificate),
        "",
    );
    assert!(verified.success().contains("OK"));
    let text = Finished::of(
        openssl()
            .args(["x509", "-noout", "-text", "-in"])
            .arg(certificate),
        "",
    )
    .success();
    assert!(
        text.contains(&format!("O = system:nodes, CN = system:node:{name}")),
        "{text}"
    );
    text
}
