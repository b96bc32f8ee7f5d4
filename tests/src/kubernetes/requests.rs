//! Certificate signing requests without a node behind them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::program::{Finished, openssl};
use crate::sandbox::Sandbox;

/// A request of this name for a node's client certificate, for a key that nobody keeps.
///
/// # Panics
/// openssl fails.
#[must_use]
pub fn request(name: &str, node: &str) -> Value {
    let machine = Sandbox::new();
    let mut command = openssl();
    command
        .args(["req", "-new", "-newkey", "ec", "-pkeyopt"])
        .args(["ec_paramgen_curve:prime256v1", "-nodes", "-subj"])
        .arg(format!("/O=system:nodes/CN=system:node:{node}"))
        .arg("-keyout")
        .arg(machine.file("key.pem"));
    let pem = Finished::of(&mut command, "").success();
    json!({
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": name},
        "spec": {
            "request": STANDARD.encode(pem),
            "signerName": "kubernetes.io/kube-apiserver-client-kubelet",
            "usages": ["digital signature", "client auth"],
        },
    })
}
