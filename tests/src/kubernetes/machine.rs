//! A machine that `kubeadm join` makes a node of.

use std::ffi::OsString;
use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use super::components::{component, search_path};
use super::loopback::Loopback;
use super::namespace::with_folders;
use super::process::{Process, keep_logs_of_failure};
use crate::program::Finished;
use crate::sandbox::Sandbox;

/// The folders that kubeadm and kubelet write to. The machine's own take their place.
const OWN: [&str; 3] = ["etc", "var/lib", "var/log"];

/// What kubeadm objects to on a machine that is no server, or on which kubelets of other tests run.
const OF_THE_HARDWARE: &str =
    "SystemVerification,Swap,FileContent--proc-sys-net-ipv4-ip_forward,Port-10250";

/// What kubeadm asks of systemd. Whoever has the machine starts its kubelet.
const SYSTEMCTL: &str = r#"#!/bin/sh
case "$1 $2" in
    "restart kubelet") : > "$MACHINE/kubelet-is-wanted" ;;
    "is-active "*) echo inactive; exit 3 ;;
esac
"#;

/// The kubelet as kubeadm's unit starts it.
const KUBELET: &str = r#"
. /var/lib/kubelet/kubeadm-flags.env
exec "$0" --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf \
    --config=/var/lib/kubelet/config.yaml --v=2 $KUBELET_KUBEADM_ARGS
"#;

/// A machine with `/etc`, `/var/lib` and `/var/log` of its own, an address of loopback, and the container runtime of
/// kubelet's own tests, which runs nothing. All that runs on it ends with the value.
///
/// What runs on it is root of a user namespace and may touch nothing else. What that takes from kubelet (cgroups, kernel
/// settings, iptables) its certificates do not need. The network is everybody's.
#[derive(Debug)]
pub struct Machine {
    // In the order in which they end.
    kubeadm: Option<Process>,
    kubelet: Option<Process>,
    _runtime: Process,
    loopback: Loopback,
    name: String,
    sandbox: Sandbox,
}

impl Machine {
    /// A machine of this name.
    ///
    /// # Panics
    /// A component is missing.
    #[must_use]
    pub fn start(name: &str) -> Self {
        let sandbox = Sandbox::new();
        for folder in ["etc", "bin"] {
            fs::create_dir(sandbox.file(folder)).expect("a folder in a temporary folder");
        }
        sandbox.write("etc/hosts", &format!("127.0.0.1 localhost {name}\n"));
        sandbox.write("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
        let systemctl = sandbox.write("bin/systemctl", SYSTEMCTL);
        fs::set_permissions(systemctl, fs::Permissions::from_mode(0o755)).expect("a file of ours");
        let mut runtime = component("container-runtime");
        runtime.arg(socket(&sandbox));
        Self {
            kubeadm: None,
            kubelet: None,
            _runtime: Process::start("container-runtime", &mut runtime, &logs(&sandbox)),
            loopback: Loopback::take(),
            name: name.to_owned(),
            sandbox,
        }
    }

    /// A KubeletConfiguration with which a kubelet runs here, and these lines.
    #[must_use]
    pub fn kubelet_configuration(&self, more: &str) -> String {
        format!(
            "apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  x509:
    clientCAFile: /etc/kubernetes/pki/ca.crt
address: {address}
healthzBindAddress: {address}
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: [none]
failCgroupV1: false
failSwapOn: false
volumePluginDir: /var/lib/kubelet/volume-plugins
featureGates:
  KubeletInUserNamespace: true
{more}",
            address = self.loopback.address()
        )
    }

    /// Runs `kubeadm join` to its end. Returns what kubeadm said.
    ///
    /// # Panics
    /// kubeadm fails, or does not end.
    pub fn kubeadm_join(&mut self, arguments: &[&str]) -> String {
        self.start_kubeadm_join(arguments);
        self.finish_kubeadm_join()
    }

    /// Runs `kubeadm join` to its end where the cluster may not let it join.
    ///
    /// # Panics
    /// kubeadm cannot be run.
    #[must_use]
    pub fn try_kubeadm_join(&self, arguments: &[&str]) -> Finished {
        Finished::of(&mut self.inside(&self.join_command(arguments)), "")
    }

    /// Starts `kubeadm join` with these arguments beside the node's name and the container runtime, and goes on when kubeadm
    /// has started the kubelet.
    ///
    /// # Panics
    /// kubeadm fails before.
    pub fn start_kubeadm_join(&mut self, arguments: &[&str]) {
        let mut kubeadm = self.run("kubeadm", &self.join_command(arguments));
        let wanted = self.sandbox.file("kubelet-is-wanted");
        kubeadm.wait_for("`systemctl restart kubelet`", |_| {
            wanted.exists().then_some(())
        });
        let mut kubelet = Command::new("sh");
        kubelet
            .args(["-c", KUBELET])
            .arg(component("kubelet").get_program());
        self.kubelet = Some(self.run("kubelet", &kubelet));
        self.kubeadm = Some(kubeadm);
    }

    /// Waits until kubeadm has ended, which it does once the kubelet has its certificate. Returns what kubeadm said.
    ///
    /// # Panics
    /// kubeadm fails, does not end, or was not started.
    pub fn finish_kubeadm_join(&mut self) -> String {
        let kubeadm = self.kubeadm.take().expect("kubeadm was started");
        kubeadm.wait_for_success()
    }

    /// Where a file of this machine is to be found from outside.
    ///
    /// # Panics
    /// The path is not absolute.
    #[must_use]
    pub fn file(&self, path: &str) -> PathBuf {
        let path = path.strip_prefix('/').expect("an absolute path");
        self.sandbox.file(path)
    }

    /// The file that one of the kubelet's links leads to: `kubelet-client` or `kubelet-server`.
    ///
    /// # Panics
    /// There is no such link.
    #[must_use]
    pub fn certificate(&self, of: &str) -> PathBuf {
        let link = self.file(&format!("/var/lib/kubelet/pki/{of}-current.pem"));
        let target = fs::read_link(&link).expect("a link to a dated file");
        link.with_file_name(target.file_name().expect("a file has a name"))
    }

    /// The address on which its kubelet listens. It is not the node's: what a node says of itself is never loopback.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        self.loopback.address()
    }

    /// Waits until `ready` finds something, and returns it.
    ///
    /// # Panics
    /// That does not happen for two minutes, or no kubelet runs.
    #[track_caller]
    pub fn wait_for<T>(&mut self, what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
        let kubelet = self.kubelet.as_mut().expect("kubeadm has joined");
        kubelet.wait_for(what, |_| ready())
    }

    /// Its own programs, the components, then those of whoever runs the tests.
    fn search_path(&self) -> OsString {
        let kubelet = component("kubelet");
        let components = PathBuf::from(kubelet.get_program()).with_file_name("");
        let first = [self.sandbox.file("bin"), components];
        let inherited = search_path();
        let folders = first.into_iter().chain(std::env::split_paths(&inherited));
        std::env::join_paths(folders).expect("folders without a colon")
    }

    fn join_command(&self, arguments: &[&str]) -> Command {
        let mut kubeadm = component("kubeadm");
        kubeadm
            .arg("join")
            .args(["--node-name", &self.name])
            .args(["--cri-socket", &socket(&self.sandbox)])
            .arg(format!("--ignore-preflight-errors={OF_THE_HARDWARE}"))
            .args(arguments);
        kubeadm
    }

    fn run(&self, name: &str, command: &Command) -> Process {
        Process::start(name, &mut self.inside(command), &logs(&self.sandbox))
    }

    /// The command as it runs on this machine.
    fn inside(&self, command: &Command) -> Command {
        let root = self.sandbox.path();
        let mut inside = with_folders(root, &OWN, command);
        inside.env("PATH", self.search_path()).env("MACHINE", root);
        inside
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        keep_logs_of_failure(&logs(&self.sandbox));
    }
}

fn socket(sandbox: &Sandbox) -> String {
    format!("unix://{}", sandbox.file("runtime.sock").display())
}

fn logs(sandbox: &Sandbox) -> PathBuf {
    sandbox.file("logs")
}
