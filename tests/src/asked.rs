//! Certificate signing requests as somebody might submit them, for keys that nobody keeps.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::program::{Finished, openssl};
use crate::sandbox::Sandbox;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The object's name.
    pub name: String,
    /// The subject, as openssl takes it: `/O=system:nodes/CN=system:node:worker-1`.
    pub subject: String,
    /// Subject alternative names, as openssl takes them: `DNS:worker-1,IP:192.0.2.1`; empty for none.
    pub alternative_names: String,
    /// The key, as `openssl req -newkey` takes it.
    pub key: &'static [&'static str],
    /// The signer's name.
    pub signer: &'static str,
    /// The usages.
    pub usages: &'static [&'static str],
}

impl Asked {
    /// A client certificate of a node.
    #[must_use]
    pub fn client(name: &str, node: &str) -> Self {
        Self {
            name: name.to_owned(),
            subject: format!("/O=system:nodes/CN=system:node:{node}"),
            alternative_names: String::new(),
            key: &["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
            signer: "kubernetes.io/kube-apiserver-client-kubelet",
            usages: &["digital signature", "client auth"],
        }
    }

    /// A serving certificate of a node.
    #[must_use]
    pub fn serving(name: &str, node: &str, alternative_names: &str) -> Self {
        Self {
            alternative_names: alternative_names.to_owned(),
            signer: "kubernetes.io/kubelet-serving",
            usages: &["digital signature", "server auth"],
            ..Self::client(name, node)
        }
    }

    /// The object.
    ///
    /// # Panics
    /// openssl fails.
    #[must_use]
    pub fn manifest(&self) -> Value {
        let machine = Sandbox::new();
        let mut command = openssl();
        command
            .args([
                "req",
                "-new",
                "-nodes",
                "-utf8",
                "-multivalue-rdn",
                "-subj",
                &self.subject,
            ])
            .arg("-keyout")
            .arg(machine.file("key.pem"))
            .arg("-newkey")
            .args(self.key);
        if !self.alternative_names.is_empty() {
            command.args([
                "-addext",
                &format!("subjectAltName={}", self.alternative_names),
            ]);
        }
        let pem = Finished::of(&mut command, "").success();
        json!({
            "apiVersion": "certificates.k8s.io/v1",
            "kind": "CertificateSigningRequest",
            "metadata": {"name": self.name},
            "spec": {
                "request": STANDARD.encode(pem),
                "signerName": self.signer,
                "usages": self.usages,
            },
        })
    }
}
