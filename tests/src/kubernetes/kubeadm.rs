//! kubeadm, with a configuration that keeps to a temporary folder and to loopback.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::components::component;
use crate::program::Finished;

/// kubeadm wants an address that other machines reach. No connection is made to this one, which is reserved for
/// documentation (RFC 5737): everybody is told of `controlPlaneEndpoint`.
const ADVERTISED: &str = "192.0.2.1";

/// kubeadm for one cluster.
#[derive(Debug)]
pub(super) struct Kubeadm {
    folder: PathBuf,
    configuration: PathBuf,
    token: String,
}

impl Kubeadm {
    /// Writes the configuration of a cluster whose API server listens on this port of loopback; `folder` is what
    /// /etc/kubernetes is elsewhere.
    pub(super) fn configure(folder: &Path, port: u16, etcd: &str) -> Self {
        std::fs::create_dir_all(folder).expect("a folder in a temporary folder");
        let token = printed(component("kubeadm").args(["token", "generate"]));
        let version = printed(component("kubeadm").args(["version", "--output=short"]));
        let configuration = folder.join("kubeadm.yaml");
        let text = format!(
            "apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint:
  advertiseAddress: {ADVERTISED}
  bindPort: {port}
nodeRegistration:
  name: control-plane
  criSocket: unix:///nowhere
bootstrapTokens:
- token: {token}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: {version}
controlPlaneEndpoint: 127.0.0.1:{port}
certificatesDir: {certificates}
etcd:
  external:
    endpoints:
    - {etcd}
",
            certificates = folder.join("pki").display()
        );
        std::fs::write(&configuration, text).expect("a file in a temporary folder");
        Self {
            folder: folder.to_owned(),
            configuration,
            token,
        }
    }

    /// The token that the phase `bootstrap-token` makes.
    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// Makes the certificates, keys and kubeconfigs of a control plane.
    pub(super) fn make_credentials(&self) {
        self.phase(&["certs", "all"], &[]);
        let folder = self.folder.display().to_string();
        self.phase(&["kubeconfig", "all"], &["--kubeconfig-dir", &folder]);
    }

    /// Makes what nodes need in the cluster: the first token, its RBAC, cluster-info, kubeadm's configuration.
    pub(super) fn initialise(&self) {
        let kubeconfig = self.super_admin().display().to_string();
        let kubeconfig = ["--kubeconfig", kubeconfig.as_str()];
        self.phase(
            &["bootstrap-token"],
            &[&kubeconfig[..], &["--skip-token-print"]].concat(),
        );
        self.phase(&["upload-config", "kubeadm"], &kubeconfig);
    }

    /// Puts what `kubeadm join` reads into the cluster: kubeadm's configuration, and this one of kubelets.
    pub(super) fn upload_configuration(&self, kubelet: &str) {
        let cluster = std::fs::read_to_string(&self.configuration).expect("a file of ours");
        let whole = self.folder.join("kubeadm-and-kubelet.yaml");
        std::fs::write(&whole, format!("{cluster}---\n{kubelet}"))
            .expect("a file in a temporary folder");
        let kubeconfig = self.super_admin().display().to_string();
        let more = ["--kubeconfig", &kubeconfig];
        phase(&whole, &["upload-config", "all"], &more);
    }

    /// A kubeconfig that needs no RBAC objects to be the administrator's.
    pub(super) fn super_admin(&self) -> PathBuf {
        self.folder.join("super-admin.conf")
    }

    /// A kubeconfig for a user of one group, with a certificate of the cluster's CA.
    pub(super) fn kubeconfig_of(&self, user: &str, group: &str) -> String {
        printed(
            component("kubeadm")
                .args(["kubeconfig", "user", "--client-name", user, "--org", group])
                .arg("--config")
                .arg(&self.configuration),
        )
    }

    fn phase(&self, name: &[&str], more: &[&str]) {
        phase(&self.configuration, name, more);
    }
}

fn phase(configuration: &Path, name: &[&str], more: &[&str]) {
    let _ = printed(
        component("kubeadm")
            .args(["init", "phase"])
            .args(name)
            .arg("--config")
            .arg(configuration)
            .args(more),
    );
}

fn printed(command: &mut Command) -> String {
    Finished::of(command, "").success().trim().to_owned()
}
