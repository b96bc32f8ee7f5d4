//! A control plane.

use std::path::PathBuf;
use std::process::Command;

use super::audit::{self, Answered};
use super::components::{component, kubectl};
use super::kubeadm::Kubeadm;
use super::port::Port;
use super::process::{Process, keep_logs_of_failure};
use crate::invitation::{Invitation, discovery_document, request_of};
use crate::launched::with_token;
use crate::program::Finished;
use crate::sandbox::Sandbox;

/// The controllers of kube-controller-manager that kubeadm switches on.
pub const ALL_CONTROLLERS: &str = "*,bootstrapsigner,tokencleaner";

/// A kube-apiserver over an etcd, with the CA and the administrator that kubeadm makes; ended with the value.
#[derive(Debug)]
pub struct Kubernetes {
    // In the order in which they end.
    controllers: Option<Process>,
    api_server: Process,
    _etcd: Process,
    flags: Vec<String>,
    kubeadm: Kubeadm,
    port: Port,
    sandbox: Sandbox,
}

impl Kubernetes {
    /// An API server that holds what every API server makes for itself, and an administrator.
    ///
    /// # Panics
    /// A component is missing or does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same, with further flags for the API server.
    ///
    /// # Panics
    /// As for [`start`](Self::start).
    #[must_use]
    pub fn start_with(flags: &[&str]) -> Self {
        let sandbox = Sandbox::new();
        let port = Port::take();
        let socket = socket(&sandbox);
        let etcd = start_etcd(&sandbox, &socket);
        let kubeadm = Kubeadm::configure(&folder(&sandbox), port.number(), &socket);
        kubeadm.make_credentials();
        sandbox.write(audit::POLICY_FILE, audit::POLICY);
        let flags: Vec<_> = flags.iter().map(ToString::to_string).collect();
        let api_server = start_api_server(&sandbox, &port, &flags);
        let mut started = Self {
            controllers: None,
            api_server,
            _etcd: etcd,
            flags,
            kubeadm,
            port,
            sandbox,
        };
        started.wait_until_ready();
        started.bind_administrator();
        started
    }

    /// The same, and what `kubeadm init` puts into it: a token, its RBAC with automatic approval, cluster-info.
    ///
    /// # Panics
    /// As for [`start`](Self::start), and when a phase of kubeadm fails.
    #[must_use]
    pub fn initialised_by_kubeadm() -> Self {
        let started = Self::start();
        started.kubeadm.initialise();
        started
    }

    /// Starts kube-controller-manager with these controllers, a list as its flag takes it, and further flags.
    ///
    /// # Panics
    /// It does not start.
    pub fn start_controllers(&mut self, controllers: &str, more: &[&str]) {
        let mut command = component("kube-controller-manager");
        command
            .args(self.controller_manager_flags())
            .arg(format!("--controllers={controllers}"))
            .args(more);
        self.controllers = Some(Process::start(
            "kube-controller-manager",
            &mut command,
            &logs(&self.sandbox),
        ));
    }

    /// Puts what `kubeadm join` reads into the cluster, as `kubeadm init` does: its own configuration, and this one of
    /// kubelets.
    ///
    /// # Panics
    /// kubeadm fails.
    pub fn upload_configuration(&self, kubelet: &str) {
        self.kubeadm.upload_configuration(kubelet);
    }

    /// Kills the API server, as a machine does that loses its power.
    pub fn kill_api_server(&mut self) {
        self.api_server.kill();
    }

    /// Starts the API server again, on the same port and over the same etcd, and waits until it is ready.
    ///
    /// # Panics
    /// It does not start.
    pub fn restart_api_server(&mut self) {
        self.api_server.kill();
        self.api_server = start_api_server(&self.sandbox, &self.port, &self.flags);
        self.wait_until_ready();
    }

    /// What the API server has answered so far, as it wrote it down.
    ///
    /// # Panics
    /// There is no such record.
    #[must_use]
    pub fn answered(&self) -> Vec<Answered> {
        audit::read(&logs(&self.sandbox).join(audit::LOG))
    }

    /// What a node is told by whoever ran `kubeadm init`.
    #[must_use]
    pub fn invitation(&self) -> Invitation {
        Invitation {
            server: self.server(),
            pin: self.pin(),
            token: self.kubeadm.token().to_owned(),
        }
    }

    /// `HOST:PORT` of the API server.
    #[must_use]
    pub fn server(&self) -> String {
        format!("127.0.0.1:{}", self.port.number())
    }

    /// The CA's pin, as openssl and the documentation of kubeadm compute it.
    ///
    /// # Panics
    /// openssl fails.
    #[must_use]
    pub fn pin(&self) -> String {
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(
                "openssl x509 -pubkey -noout -in \"$1\" | openssl pkey -pubin -outform der | sha256sum",
            )
            .arg("sh")
            .arg(self.ca());
        let digest = Finished::of(&mut command, "").success();
        let digest = digest.split_whitespace().next().expect("a digest");
        format!("sha256:{digest}")
    }

    /// The kubeconfig without credentials that discovery is about.
    ///
    /// # Panics
    /// Nobody has made it.
    #[must_use]
    pub fn discovery_document(&self) -> String {
        discovery_document(|arguments| self.kubectl(arguments))
    }

    /// The CA's certificate.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        folder(&self.sandbox).join("pki/ca.crt")
    }

    /// The CA's key.
    #[must_use]
    pub fn ca_key(&self) -> PathBuf {
        folder(&self.sandbox).join("pki/ca.key")
    }

    /// The administrator's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        folder(&self.sandbox).join("admin.conf")
    }

    /// A kubeconfig for a user of one group, with a certificate of the cluster's CA.
    ///
    /// # Panics
    /// kubeadm fails.
    #[must_use]
    pub fn kubeconfig_of(&self, user: &str, group: &str) -> PathBuf {
        let text = self.kubeadm.kubeconfig_of(user, group);
        self.sandbox.write(&format!("{user}.conf"), &text)
    }

    /// A kubeconfig for whom a bearer token stands for.
    ///
    /// # Panics
    /// The administrator's kubeconfig is not what kubeadm writes.
    #[must_use]
    pub fn kubeconfig_with_token(&self, name: &str, token: &str) -> PathBuf {
        with_token(&self.sandbox, &self.kubeconfig(), name, token)
    }

    /// The machine that it runs on.
    #[must_use]
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// The command line of slipway as the administrator.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.sandbox.command(arguments);
        command.arg("--kubeconfig").arg(self.kubeconfig());
        command
    }

    /// slipway as the administrator.
    ///
    /// # Panics
    /// It cannot be run.
    #[must_use]
    pub fn slipway(&self, arguments: &[&str]) -> Finished {
        Finished::of(&mut self.command(arguments), "")
    }

    /// This release's kubectl as the administrator.
    #[must_use]
    pub fn kubectl(&self, arguments: &[&str]) -> Finished {
        Finished::of(kubectl(&self.kubeconfig()).args(arguments), "")
    }

    /// kubeadm, told of the administrator's kubeconfig.
    #[must_use]
    pub fn kubeadm(&self, arguments: &[&str]) -> Finished {
        let mut command = component("kubeadm");
        command
            .args(arguments)
            .arg("--kubeconfig")
            .arg(self.kubeconfig());
        Finished::of(&mut command, "")
    }

    /// Waits until there is a request of this node, and returns its name.
    ///
    /// # Panics
    /// There is none after half a minute.
    #[must_use]
    pub fn request_of(&self, node: &str) -> String {
        request_of(node, |arguments| self.slipway(arguments))
    }

    /// Waits until `kubectl` prints something that `accept` takes, and returns what it makes of it.
    ///
    /// # Panics
    /// That does not happen for two minutes.
    #[track_caller]
    pub fn wait_for<T>(
        &mut self,
        what: &str,
        arguments: &[&str],
        accept: impl Fn(&str) -> Option<T>,
    ) -> T {
        let kubeconfig = self.kubeconfig();
        self.api_server.wait_for(what, |_| {
            let asked = Finished::of(kubectl(&kubeconfig).args(arguments), "");
            accept(&asked.stdout())
        })
    }

    /// Waits until there is a Node of this name, and returns the version of its kubelet.
    ///
    /// # Panics
    /// There is none after two minutes.
    #[track_caller]
    pub fn wait_for_node(&mut self, name: &str) -> String {
        let version = "--output=jsonpath={.status.nodeInfo.kubeletVersion}";
        self.wait_for(
            &format!("node {name}"),
            &["get", "node", name, version],
            |printed| (!printed.is_empty()).then(|| printed.to_owned()),
        )
    }

    fn wait_until_ready(&mut self) {
        let kubeconfig = self.kubeadm.super_admin();
        self.api_server.wait_for("an answer to /readyz", |_| {
            let asked = Finished::of(kubectl(&kubeconfig).args(["get", "--raw=/readyz"]), "");
            (asked.code() == Some(0)).then_some(())
        });
    }

    /// What `kubeadm init` does first of all, outside its phases.
    fn bind_administrator(&self) {
        let mut command = kubectl(&self.kubeadm.super_admin());
        command.args([
            "create",
            "clusterrolebinding",
            "kubeadm:cluster-admins",
            "--clusterrole=cluster-admin",
            "--group=kubeadm:cluster-admins",
        ]);
        let _ = Finished::of(&mut command, "").success();
    }

    /// The flags of kubeadm's manifest, without a port, without an election among one, and without waiting for the
    /// client's own limits.
    fn controller_manager_flags(&self) -> Vec<String> {
        let folder = folder(&self.sandbox);
        let folder = folder.display();
        vec![
            format!("--kubeconfig={folder}/controller-manager.conf"),
            // kubeadm's kubeconfig names the address that is advertised.
            format!("--master=https://{}", self.server()),
            format!("--client-ca-file={folder}/pki/ca.crt"),
            format!("--root-ca-file={folder}/pki/ca.crt"),
            format!("--service-account-private-key-file={folder}/pki/sa.key"),
            format!("--cluster-signing-cert-file={folder}/pki/ca.crt"),
            format!("--cluster-signing-key-file={folder}/pki/ca.key"),
            "--use-service-account-credentials=true".to_owned(),
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
            "--kube-api-qps=5000".to_owned(),
            "--kube-api-burst=10000".to_owned(),
        ]
    }
}

impl Drop for Kubernetes {
    fn drop(&mut self) {
        keep_logs_of_failure(&logs(&self.sandbox));
    }
}

/// What /etc/kubernetes is elsewhere.
fn folder(sandbox: &Sandbox) -> PathBuf {
    sandbox.file("control-plane")
}

fn logs(sandbox: &Sandbox) -> PathBuf {
    sandbox.file("logs")
}

fn socket(sandbox: &Sandbox) -> String {
    format!("unix://{}", sandbox.file("etcd.sock").display())
}

/// An etcd that nothing but a socket leads to, and that does not wait for the disk: its data need not outlive the test.
fn start_etcd(sandbox: &Sandbox, socket: &str) -> Process {
    let mut command = component("etcd");
    command
        .arg("--data-dir")
        .arg(sandbox.file("etcd"))
        .args(["--listen-client-urls", socket])
        // etcd wants a port in an address that it advertises. Nobody looks at it.
        .args(["--advertise-client-urls", "http://127.0.0.1:0"])
        .args(["--listen-peer-urls", "http://127.0.0.1:0"])
        .args(["--unsafe-no-fsync", "--log-level=warn"]);
    Process::start("etcd", &mut command, &logs(sandbox))
}

/// The flags of kubeadm's manifest, without the front proxy and the kubelet's client, which nothing here needs.
fn start_api_server(sandbox: &Sandbox, port: &Port, flags: &[String]) -> Process {
    let folder = folder(sandbox);
    let folder = folder.display();
    let audit_log = logs(sandbox).join(audit::LOG);
    let mut command = component("kube-apiserver");
    command.args([
        "--advertise-address=192.0.2.1".to_owned(),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--secure-port={}", port.number()),
        "--permit-port-sharing=true".to_owned(),
        format!("--etcd-servers={}", socket(sandbox)),
        "--authorization-mode=Node,RBAC".to_owned(),
        "--enable-admission-plugins=NodeRestriction".to_owned(),
        "--enable-bootstrap-token-auth=true".to_owned(),
        "--allow-privileged=true".to_owned(),
        "--service-cluster-ip-range=10.96.0.0/12".to_owned(),
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local".to_owned(),
        format!("--service-account-key-file={folder}/pki/sa.pub"),
        format!("--service-account-signing-key-file={folder}/pki/sa.key"),
        format!("--client-ca-file={folder}/pki/ca.crt"),
        format!("--tls-cert-file={folder}/pki/apiserver.crt"),
        format!("--tls-private-key-file={folder}/pki/apiserver.key"),
        format!(
            "--audit-policy-file={}",
            sandbox.file(audit::POLICY_FILE).display()
        ),
        format!("--audit-log-path={}", audit_log.display()),
    ]);
    command.args(flags);
    Process::start("kube-apiserver", &mut command, &logs(sandbox))
}
