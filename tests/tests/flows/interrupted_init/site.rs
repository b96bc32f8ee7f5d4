//! Where the same init is run again and again, each time as if nobody had been there before.

use std::fs;
use std::net::TcpStream;
use std::process::Child;
use std::time::Duration;

use serde_json::{Value, json};
use slipway_tests::kubernetes::{AUTOMATIC, Controller, Kubernetes, Loopback};
use slipway_tests::{Backend, Finished, Sandbox, kill, kubectl};

use super::interceptor::{ControlPlane, Interceptor};
use super::state;

/// What init says where it is killed.
const LOG: &str = "init.log";

/// Where the embedded API listens, unless it is told another port.
const PORT: u16 = 6443;

/// A control plane, with a network in front of it.
pub(super) struct Site {
    pub(super) interceptor: Interceptor,
    on: On,
}

enum On {
    Embedded(Embedded),
    Kubernetes(Box<Cluster>),
}

/// A machine on which init makes a cluster.
struct Embedded {
    address: Loopback,
    sandbox: Sandbox,
}

/// A cluster that init finds.
struct Cluster {
    // In the order in which they end.
    controller: Option<Controller>,
    kubernetes: Kubernetes,
    /// Its kubeconfig, with the network in front of it.
    kubeconfig: String,
    /// What init made there, as `Kind name` or `Kind namespace/name`.
    made: Vec<String>,
}

impl Site {
    pub(super) fn new(backend: Backend) -> Self {
        let interceptor = Interceptor::start();
        let on = match backend {
            Backend::Embedded => On::Embedded(Embedded::new()),
            Backend::Kubernetes => On::Kubernetes(Box::new(Cluster::new(&interceptor.address))),
        };
        interceptor.lead_to(on.control_plane());
        Self { interceptor, on }
    }

    /// Init, to its end.
    pub(super) fn init(&self) -> Finished {
        let arguments = self.arguments();
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        self.sandbox().slipway(&arguments)
    }

    /// Starts it and goes on.
    pub(super) fn start_init(&self) -> Child {
        let arguments = self.arguments();
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        self.sandbox().spawn(LOG, ("LANG", "C"), &arguments)
    }

    /// What the one that was started said.
    pub(super) fn said(&self) -> String {
        fs::read_to_string(self.sandbox().file(LOG)).expect("what init said")
    }

    /// Everything that init is about, as the administrator sees it, without what differs from run to run; of the token only
    /// that it is the one that this run of init printed.
    pub(super) fn state(&self, init: &Value) -> Vec<String> {
        state::of(init, &self.interceptor.address, |arguments| {
            self.kubectl(arguments)
        })
    }

    /// Remembers what was made where nothing was, so that it can be taken away.
    pub(super) fn remember(&mut self, init: &Value) {
        if let On::Kubernetes(cluster) = &mut self.on {
            let objects = init["objects"].as_array().expect("objects").iter();
            let made = objects.filter(|made| made["outcome"] == "created");
            cluster.made = made
                .map(|made| made["object"].as_str().expect("a title").to_owned())
                .collect();
        }
    }

    /// Takes everything away that init made.
    pub(super) fn clear(&mut self) {
        match &mut self.on {
            On::Embedded(embedded) => *embedded = Embedded::new(),
            On::Kubernetes(cluster) => cluster.clear(),
        }
        self.interceptor.lead_to(self.on.control_plane());
    }

    /// Another run has nothing left to do.
    pub(super) fn expect_complete(&self, init: &Value) {
        let again = self.init();
        match &self.on {
            On::Embedded(_) => {
                let _ = again.failure(8);
            }
            On::Kubernetes(_) => {
                let again = again.json();
                assert_eq!(again["token"], init["token"]);
                let objects = again["objects"].as_array().expect("objects");
                let is_as_it_was = |made: &Value| made["outcome"] == "unchanged";
                assert!(objects.iter().all(is_as_it_was), "{objects:?}");
            }
        }
    }

    /// Sees to it that nodes are let in by themselves.
    pub(super) fn let_nodes_in(&mut self) {
        if let On::Kubernetes(cluster) = &mut self.on {
            let kubernetes = &cluster.kubernetes;
            let started = Controller::signing(kubernetes, &kubernetes.kubeconfig(), AUTOMATIC, &[]);
            cluster.controller = Some(started);
        }
    }

    /// Where the CA's certificate is.
    pub(super) fn ca(&self) -> std::path::PathBuf {
        self.on.control_plane().pki.join("ca.crt")
    }

    fn sandbox(&self) -> &Sandbox {
        match &self.on {
            On::Embedded(embedded) => &embedded.sandbox,
            On::Kubernetes(cluster) => cluster.kubernetes.sandbox(),
        }
    }

    fn arguments(&self) -> Vec<String> {
        let of_backend = match &self.on {
            On::Embedded(embedded) => vec![
                format!(
                    "--apiserver-advertise-address={}",
                    embedded.address.address()
                ),
                format!("--control-plane-endpoint={}", self.interceptor.address),
                "--auto-approve".to_owned(),
            ],
            On::Kubernetes(cluster) => vec![format!("--kubeconfig={}", cluster.kubeconfig)],
        };
        let all = ["init", "--output=json"].map(str::to_owned);
        all.into_iter().chain(of_backend).collect()
    }

    fn kubectl(&self, arguments: &[&str]) -> Finished {
        match &self.on {
            On::Embedded(_) => {
                let kubeconfig = self.on.control_plane().kubeconfig;
                Finished::of(kubectl(&kubeconfig).args(arguments), "")
            }
            On::Kubernetes(cluster) => cluster.kubernetes.kubectl(arguments),
        }
    }
}

impl On {
    fn control_plane(&self) -> ControlPlane {
        match self {
            Self::Embedded(embedded) => {
                let folder = embedded.sandbox.dir().join("kubernetes");
                ControlPlane {
                    server: format!("{}:{PORT}", embedded.address.address()),
                    pki: folder.join("pki"),
                    kubeconfig: folder.join("admin.conf"),
                }
            }
            Self::Kubernetes(cluster) => ControlPlane {
                server: cluster.kubernetes.server(),
                pki: cluster.kubernetes.ca().with_file_name(""),
                kubeconfig: cluster.kubernetes.kubeconfig(),
            },
        }
    }
}

impl Embedded {
    fn new() -> Self {
        Self {
            address: Loopback::take(),
            sandbox: Sandbox::new(),
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        // The server outlives init, a killed one, too.
        let file = self.sandbox.dir().join("state/serve.pid");
        let pid = fs::read_to_string(file).unwrap_or_default();
        let Ok(pid) = pid.trim().parse() else {
            return;
        };
        kill(pid);
        // Its address is another test's next.
        while TcpStream::connect((self.address.address(), PORT)).is_ok() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Cluster {
    fn new(address: &str) -> Self {
        let kubernetes = Kubernetes::start();
        let direct = fs::read_to_string(kubernetes.kubeconfig()).expect("a kubeconfig");
        let server = regex::Regex::new("server: .*").expect("a pattern");
        let through = server.replace(&direct, format!("server: https://{address}"));
        let kubeconfig = kubernetes.sandbox().write("through.conf", &through);
        Self {
            controller: None,
            kubernetes,
            kubeconfig: kubeconfig.to_str().expect("a path in UTF-8").to_owned(),
            made: Vec::new(),
        }
    }

    fn clear(&self) {
        for title in &self.made {
            let (kind, name) = title.split_once(' ').expect("a title");
            let (namespace, name) = name.split_once('/').unwrap_or(("", name));
            match kind {
                "Namespace" => self.delete_namespace(name),
                "Secret" => self.delete_tokens(namespace),
                _ => {
                    let namespace = format!("--namespace={namespace}");
                    self.kubectl(&["delete", kind, name, &namespace]);
                }
            }
        }
    }

    /// Every bootstrap token, since each run names its own.
    fn delete_tokens(&self, namespace: &str) {
        let namespace = format!("--namespace={namespace}");
        let tokens = "--field-selector=type=bootstrap.kubernetes.io/token";
        self.kubectl(&["delete", "secrets", &namespace, tokens]);
    }

    /// Deletes a namespace that nothing is in: no controller runs here that would see to its end.
    fn delete_namespace(&self, name: &str) {
        self.kubectl(&["delete", "namespace", name, "--wait=false"]);
        let get = ["get", "namespace", name, "--output=json"];
        let mut namespace = self.kubernetes.kubectl(&get).json();
        namespace["spec"]["finalizers"] = json!([]);
        let file = self
            .kubernetes
            .sandbox()
            .write("namespace.json", &namespace.to_string());
        let path = format!("--raw=/api/v1/namespaces/{name}/finalize");
        let file = format!("--filename={}", file.display());
        self.kubectl(&["replace", &path, &file]);
    }

    fn kubectl(&self, arguments: &[&str]) {
        let _ = self.kubernetes.kubectl(arguments).success();
    }
}
