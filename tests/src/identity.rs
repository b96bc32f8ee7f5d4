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
    let certificate = current_certificate(node);
    let verified = Finished::of(
        openssl()
            .args(["verify", "-purpose", "sslclient", "-CAfile"])
            .arg(ca)
            .arg(&certificate),
        "",
    );
    assert!(verified.success().contains("OK"));
    let text = Finished::of(
        openssl()
            .args(["x509", "-noout", "-text", "-in"])
            .arg(&certificate),
        "",
    )
    .success();
    assert!(
        text.contains(&format!("O = system:nodes, CN = system:node:{name}")),
        "{text}"
    );
    assert!(
        text.contains("TLS Web Client Authentication")
            && !text.contains("TLS Web Server Authentication"),
        "{text}"
    );
    assert!(!text.contains("Subject Alternative Name"), "{text}");
}
