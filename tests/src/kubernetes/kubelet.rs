//! A kubelet on a node that Slipway has joined, or that it joins by itself.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::components::component;
use super::namespace::with_folders;
use super::process::{Process, keep_logs_of_failure};
use crate::identity::{assert_identity, current_certificate};
use crate::invitation::Invitation;
use crate::program::Finished;
use crate::sandbox::Sandbox;

/// What kubelet keeps in fixed places, out of the machine's sight.
const OWN: [&str; 2] = ["var/lib", "var/log"];

/// A kubelet, with the container runtime of kubelet's own tests, which runs nothing; both ended with the value.
///
/// It runs as root of a user namespace of its own and may touch nothing of the machine. What that takes from it (cgroups,
/// kernel settings, iptables) its certificates do not need.
#[derive(Debug)]
pub struct Kubelet {
    // In the order in which they end.
    kubelet: Process,
    _runtime: Process,
    logs: PathBuf,
}

impl Kubelet {
    /// Starts it on what `slipway join` wrote on this machine, with the flags that kubeadm's unit gives it.
    ///
    /// # Panics
    /// A component is missing, or this machine lets no user have a namespace.
    #[must_use]
    pub fn start(node: &Sandbox, name: &str) -> Self {
        let logs = node.file("logs");
        let socket = format!("unix://{}", node.file("runtime.sock").display());
        let mut runtime = component("container-runtime");
        runtime.arg(&socket);
        let runtime = Process::start("container-runtime", &mut runtime, &logs);

        let configuration = node.write("kubelet.yaml", &configuration(node, &socket));
        let mut kubelet = component("kubelet");
        kubelet
            .arg("--config")
            .arg(configuration)
            .arg("--kubeconfig")
            .arg(node.dir().join("kubernetes/kubelet.conf"))
            .arg("--bootstrap-kubeconfig")
            .arg(node.dir().join("kubernetes/bootstrap-kubelet.conf"))
            .arg("--cert-dir")
            .arg(node.dir().join("kubelet"))
            .arg("--root-dir")
            .arg(node.file("kubelet-root"))
            .arg("--hostname-override")
            .arg(name)
            .arg("--v=2");
        let mut kubelet = with_folders(node.path(), &OWN, &kubelet);
        let kubelet = Process::start("kubelet", &mut kubelet, &logs);
        Self {
            kubelet,
            _runtime: runtime,
            logs,
        }
    }

    /// Starts it on a node that nobody has joined, with a token to ask for its own certificate, as kubeadm does.
    ///
    /// # Panics
    /// As for [`start`](Self::start).
    #[must_use]
    pub fn bootstrap(node: &Sandbox, name: &str, invitation: &Invitation, ca: &Path) -> Self {
        let folder = node.dir().join("kubernetes");
        std::fs::create_dir_all(folder.join("pki")).expect("a folder in a temporary folder");
        std::fs::copy(ca, folder.join("pki/ca.crt")).expect("the CA's certificate");
        let kubeconfig = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "kubernetes", "cluster": {
                "server": format!("https://{}", invitation.server),
                "certificate-authority": ca,
            }}],
            "users": [{"name": "bootstrap", "user": {"token": invitation.token}}],
            "contexts": [{"name": "bootstrap", "context": {"cluster": "kubernetes", "user": "bootstrap"}}],
            "current-context": "bootstrap",
        });
        let file = folder.join("bootstrap-kubelet.conf");
        std::fs::write(file, kubeconfig.to_string()).expect("a file in a temporary folder");
        Self::start(node, name)
    }

    /// Waits until `ready` finds something, and returns it.
    ///
    /// # Panics
    /// That does not happen for two minutes, or kubelet ends.
    #[track_caller]
    pub fn wait_for<T>(&mut self, what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
        self.kubelet.wait_for(what, |_| ready())
    }

    /// Waits until the link to its certificate leads somewhere, and elsewhere than to `earlier`; returns where.
    ///
    /// # Panics
    /// As for [`wait_for`](Self::wait_for).
    #[track_caller]
    pub fn wait_for_certificate(&mut self, link: &Path, earlier: Option<&Path>) -> PathBuf {
        self.wait_for("new certificate", || {
            let file = std::fs::read_link(link).ok()?;
            (Some(file.as_path()) != earlier).then_some(file)
        })
    }

    /// It gets its certificate with its token, and a newer one with that. `slipway` runs slipway as the cluster's
    /// administrator.
    ///
    /// # Panics
    /// As for [`wait_for`](Self::wait_for), and when openssl does not agree with a certificate.
    #[track_caller]
    pub fn assert_joins_and_renews(
        &mut self,
        node: &Sandbox,
        name: &str,
        ca: &Path,
        slipway: impl Fn(&[&str]) -> Finished,
    ) {
        let current = current_certificate(node);
        let first = self.wait_for_certificate(&current, None);
        assert_identity(node, ca, name);
        let _ = self.wait_for_certificate(&current, Some(&first));
        assert_identity(node, ca, name);
        let requests = slipway(&["csr", "list"]).success();
        assert!(
            requests.contains("system:bootstrap:")
                && requests.contains(&format!("system:node:{name}")),
            "{requests}"
        );
    }

    /// What it has written so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.kubelet.log()
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        keep_logs_of_failure(&self.logs);
    }
}

fn configuration(node: &Sandbox, socket: &str) -> String {
    format!(
        "apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  x509:
    clientCAFile: {ca}
rotateCertificates: true
containerRuntimeEndpoint: {socket}
enableServer: false
healthzPort: 0
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
failCgroupV1: false
failSwapOn: false
podLogsDir: {pods}
volumePluginDir: {plugins}
featureGates:
  KubeletInUserNamespace: true
",
        ca = node.dir().join("kubernetes/pki/ca.crt").display(),
        pods = node.file("pods").display(),
        plugins = node.file("volume-plugins").display(),
    )
}
