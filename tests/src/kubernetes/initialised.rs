//! What Slipway makes of a kube-apiserver: a cluster that nodes can join.

use std::path::Path;

use serde_json::Value;

use super::cluster::Kubernetes;
use super::controller::Controller;
use crate::invitation::Invitation;

impl Kubernetes {
    /// `slipway init --kubeconfig`, and what a node is told then.
    ///
    /// # Panics
    /// It fails.
    #[must_use]
    #[track_caller]
    pub fn initialise(&self, more: &[&str]) -> Invitation {
        self.invitation_in(&self.init(more))
    }

    /// `slipway init --kubeconfig`, and its answer.
    ///
    /// # Panics
    /// It fails.
    #[must_use]
    #[track_caller]
    pub fn init(&self, more: &[&str]) -> Value {
        let init = ["init", "--output=json"];
        self.slipway(&[&init, more].concat()).json()
    }

    /// What an answer of init tells a node.
    ///
    /// # Panics
    /// It has no pin or no token.
    #[must_use]
    #[track_caller]
    pub fn invitation_in(&self, answer: &Value) -> Invitation {
        Invitation {
            server: self.server(),
            pin: answer["caPins"][0].as_str().expect("a pin").to_owned(),
            token: answer["token"].as_str().expect("a token").to_owned(),
        }
    }
}

impl Controller {
    /// Controllers that sign with the cluster's CA, too.
    ///
    /// # Panics
    /// They do not start.
    #[must_use]
    pub fn signing(cluster: &Kubernetes, kubeconfig: &Path, plugins: &str, more: &[&str]) -> Self {
        let certificate = format!("--ca-cert-file={}", cluster.ca().display());
        let key = format!("--ca-key-file={}", cluster.ca_key().display());
        let flags = [&["--sign", &certificate, &key], more].concat();
        Self::start(kubeconfig, plugins, &flags)
    }
}
