//! A cluster that Slipway launched, on either API server: what a flow finds on one it finds on both.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::asked::Asked;
use crate::cluster::Cluster;
use crate::invitation::{Invitation, discovery_document, let_in};
use crate::kubernetes::{AUTOMATIC, Controller, Kubernetes, MANUAL};
use crate::program::{Finished, kubectl};
use crate::sandbox::Sandbox;

/// Makes a test on each backend of every flow: a function that takes the [`Backend`].
#[macro_export]
macro_rules! on_both_backends {
    ($($flow:ident),+ $(,)?) => {
        mod embedded {
            $(#[test] fn $flow() { super::$flow($crate::Backend::Embedded) })+
        }
        mod kubernetes {
            $(#[test] fn $flow() { super::$flow($crate::Backend::Kubernetes) })+
        }
    };
}

/// The API server under a flow, and what makes a cluster of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// The embedded API: `slipway init`, which starts `slipway serve`.
    Embedded,
    /// A kube-apiserver: `slipway init --kubeconfig` and `slipway controller --sign`, nothing of kube-controller-manager.
    Kubernetes,
}

/// Who decides about new nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approval {
    /// A person, as is the default.
    Manual,
    /// A plugin, which lets in whoever has a token.
    Automatic,
}

impl Approval {
    /// The PluginConfiguration that says so.
    #[must_use]
    pub fn plugins(self) -> &'static str {
        match self {
            Self::Manual => MANUAL,
            Self::Automatic => AUTOMATIC,
        }
    }
}

/// What a backend may be unable to do. A flow that needs it shows what the user is told in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ability {
    /// To bind a token to the networks that it may be used from.
    BindTokensToNetworks,
    /// To name whoever decided about a request, by the credentials they had.
    NameWhoDecided,
    /// To tell an administrator on any machine, through `slipway posture`, that a plugin approves.
    ShowThePolicy,
}

impl Backend {
    /// Why it cannot do this, where it cannot.
    #[must_use]
    pub fn obstacle(self, ability: Ability) -> Option<&'static str> {
        match (self, ability) {
            (Self::Embedded, _) => None,
            (Self::Kubernetes, Ability::BindTokensToNetworks) => {
                Some("a kube-apiserver does not tell anybody where a request came from")
            }
            (Self::Kubernetes, Ability::NameWhoDecided) => Some(
                "a kube-apiserver writes no condition of its own when somebody decides: the name is in its audit log only",
            ),
            (Self::Kubernetes, Ability::ShowThePolicy) => Some(
                "the plugins are in the configuration of the controllers, which say so when they start, and in no object",
            ),
        }
    }

    /// Launches a cluster.
    ///
    /// # Panics
    /// Something does not start.
    #[must_use]
    pub fn launch(self, approval: Approval) -> Launched {
        self.launch_with(approval, &[])
    }

    /// The same with further flags for `slipway init`.
    ///
    /// # Panics
    /// As for [`launch`](Self::launch).
    #[must_use]
    pub fn launch_with(self, approval: Approval, flags: &[&str]) -> Launched {
        match self {
            Self::Embedded => {
                let approval: &[&str] = match approval {
                    Approval::Manual => &[],
                    Approval::Automatic => &["--auto-approve"],
                };
                embedded(Sandbox::new(), &[approval, flags].concat())
            }
            Self::Kubernetes => on_kubernetes(approval.plugins(), flags),
        }
    }

    /// Launches a cluster whose nodes are let in by this PluginConfiguration.
    ///
    /// # Panics
    /// As for [`launch`](Self::launch).
    #[must_use]
    pub fn launch_by(self, plugins: &str) -> Launched {
        match self {
            Self::Embedded => {
                let sandbox = Sandbox::new();
                let file = sandbox.write("plugins.yaml", plugins);
                let file = file.to_str().expect("a path in UTF-8").to_owned();
                embedded(sandbox, &["--config", &file])
            }
            Self::Kubernetes => on_kubernetes(plugins, &[]),
        }
    }
}

fn embedded(sandbox: Sandbox, arguments: &[&str]) -> Launched {
    let cluster = Cluster::start_in(sandbox, arguments);
    Launched {
        invitation: cluster.invitation(),
        on: ApiServer::Embedded(cluster),
    }
}

fn on_kubernetes(plugins: &str, flags: &[&str]) -> Launched {
    let cluster = Kubernetes::start();
    let invitation = cluster.initialise(flags);
    let controller = Controller::signing(&cluster, &cluster.kubeconfig(), plugins, &[]);
    Launched {
        invitation,
        on: ApiServer::Kubernetes {
            controller,
            cluster: Box::new(cluster),
        },
    }
}

/// The cluster; ended with the value.
#[derive(Debug)]
pub struct Launched {
    on: ApiServer,
    invitation: Invitation,
}

#[derive(Debug)]
enum ApiServer {
    Embedded(Cluster),
    Kubernetes {
        // In the order in which they end.
        controller: Controller,
        cluster: Box<Kubernetes>,
    },
}

impl Launched {
    /// The machine of the administrator.
    #[must_use]
    pub fn sandbox(&self) -> &Sandbox {
        match &self.on {
            ApiServer::Embedded(cluster) => cluster.sandbox(),
            ApiServer::Kubernetes { cluster, .. } => cluster.sandbox(),
        }
    }

    /// The CA's certificate.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        match &self.on {
            ApiServer::Embedded(cluster) => cluster.ca(),
            ApiServer::Kubernetes { cluster, .. } => cluster.ca(),
        }
    }

    /// The API server's certificate and its key.
    #[must_use]
    pub fn server_credentials(&self) -> (PathBuf, PathBuf) {
        let ca = self.ca();
        (
            ca.with_file_name("apiserver.crt"),
            ca.with_file_name("apiserver.key"),
        )
    }

    /// The kubeconfig without credentials that discovery is about, as an operator would hand it out.
    ///
    /// # Panics
    /// Nobody has made it.
    #[must_use]
    #[track_caller]
    pub fn discovery_document(&self) -> String {
        discovery_document(|arguments| self.kubectl(arguments))
    }

    /// The command line of slipway as the administrator.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        match &self.on {
            ApiServer::Embedded(cluster) => cluster.sandbox().command(arguments),
            ApiServer::Kubernetes { cluster, .. } => cluster.command(arguments),
        }
    }

    /// slipway as the administrator.
    #[must_use]
    pub fn slipway(&self, arguments: &[&str]) -> Finished {
        Finished::of(&mut self.command(arguments), "")
    }

    /// kubectl as the administrator: of the same release on Kubernetes, Debian's on the embedded API.
    #[must_use]
    pub fn kubectl(&self, arguments: &[&str]) -> Finished {
        match &self.on {
            ApiServer::Embedded(cluster) => cluster.kubectl(arguments),
            ApiServer::Kubernetes { cluster, .. } => cluster.kubectl(arguments),
        }
    }

    /// Submits a request with the credentials of a kubeconfig.
    #[must_use]
    pub fn submit(&self, kubeconfig: &Path, asked: &Asked) -> Finished {
        let mut create = kubectl(kubeconfig);
        // Raw: a bootstrap token may not ask the API server what it serves.
        Finished::of(
            create.args([
                "create",
                "--raw=/apis/certificates.k8s.io/v1/certificatesigningrequests",
                "--filename=-",
            ]),
            &asked.manifest().to_string(),
        )
    }

    /// A kubeconfig for whom this bearer token stands for.
    ///
    /// # Panics
    /// The administrator's kubeconfig is not what is expected.
    #[must_use]
    pub fn kubeconfig_with_token(&self, token: &str) -> PathBuf {
        let administrator = match &self.on {
            ApiServer::Embedded(cluster) => cluster.kubeconfig(),
            ApiServer::Kubernetes { cluster, .. } => cluster.kubeconfig(),
        };
        with_token(self.sandbox(), &administrator, "token", token)
    }

    /// Waits until a request has been decided, or has got its certificate, and returns it as `slipway csr list` has it.
    ///
    /// # Panics
    /// It has not after half a minute.
    #[must_use]
    #[track_caller]
    pub fn decided(&self, request: &str) -> Value {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let requests = self.requests();
            let is_it = |listed: &&Value| {
                listed["name"] == request
                    && (listed["standing"] == "denied" || listed["standing"] == "issued")
            };
            if let Some(found) = requests.iter().find(is_it) {
                return found.clone();
            }
            assert!(
                Instant::now() < end,
                "{request} is not decided: {requests:?}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The folder of the decision log.
    #[must_use]
    pub fn decision_log(&self) -> PathBuf {
        match &self.on {
            ApiServer::Embedded(cluster) => cluster.sandbox().decision_log(),
            ApiServer::Kubernetes { controller, .. } => controller.decision_log(),
        }
    }

    /// The file with the PluginConfiguration of the controllers.
    #[must_use]
    pub fn policy_file(&self) -> PathBuf {
        match &self.on {
            ApiServer::Embedded(cluster) => cluster.sandbox().dir().join("kubernetes/slipway.yaml"),
            ApiServer::Kubernetes { controller, .. } => controller.policy_file(),
        }
    }

    /// What the controllers said so far.
    ///
    /// # Panics
    /// It cannot be read.
    #[must_use]
    pub fn log(&self) -> String {
        match &self.on {
            ApiServer::Embedded(cluster) => {
                let log = cluster.sandbox().dir().join("state/serve.log");
                std::fs::read_to_string(log).expect("the server's log")
            }
            ApiServer::Kubernetes { controller, .. } => controller.log(),
        }
    }

    /// What `kubectl describe csr` shows, once it has this in it: Events are written beside the work.
    ///
    /// # Panics
    /// It does not after half a minute.
    #[track_caller]
    pub fn described_with(&self, text: &str) -> String {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            // Of one request the Events are shown unasked.
            let described = self
                .kubectl(&["describe", "csr", "--show-events=true"])
                .success();
            if described.contains(text) {
                return described;
            }
            assert!(Instant::now() < end, "no {text:?} in {described}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// What the controllers tell Prometheus.
    ///
    /// # Panics
    /// They tell it nothing.
    #[must_use]
    #[track_caller]
    pub fn metrics(&self) -> String {
        match &self.on {
            ApiServer::Embedded(_) => self.kubectl(&["get", "--raw=/metrics"]).success(),
            ApiServer::Kubernetes { controller, .. } => controller.metrics(),
        }
    }

    /// Waits until the controllers have said this.
    ///
    /// # Panics
    /// They have not after half a minute.
    #[track_caller]
    pub fn wait_for_log(&self, text: &str) {
        let end = Instant::now() + Duration::from_secs(30);
        while !self.log().contains(text) {
            assert!(Instant::now() < end, "no {text:?} in {}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What was announced about how nodes are let in: by `slipway posture`, or by the controllers when they started.
    #[must_use]
    pub fn announced(&self) -> String {
        match &self.on {
            ApiServer::Embedded(cluster) => cluster.slipway(&["posture"]).success(),
            ApiServer::Kubernetes { controller, .. } => controller.log(),
        }
    }

    /// What a node is told.
    #[must_use]
    pub fn invitation(&self) -> &Invitation {
        &self.invitation
    }

    /// A node joins with the first token, on a machine of its own.
    #[must_use]
    pub fn join(&self, node: &Sandbox, name: &str, more: &[&str]) -> Finished {
        self.invitation.join(node, name, more)
    }

    /// Starts a node's join and goes on.
    #[must_use]
    pub fn start_join(&self, node: &Sandbox, name: &str, more: &[&str]) -> Child {
        self.invitation.start_join(node, name, more)
    }

    /// Lets in a node that waits with the command that it shows, and waits until it has joined.
    ///
    /// # Panics
    /// It does not join.
    #[track_caller]
    pub fn let_in(&self, node: &Sandbox, request: &str, join: Child) {
        let_in(node, request, join, |arguments| self.slipway(arguments));
    }

    /// Makes a token, and returns the invitation with it.
    ///
    /// # Panics
    /// It is refused.
    #[must_use]
    #[track_caller]
    pub fn invitation_with(&self, flags: &[&str]) -> Invitation {
        let create = ["token", "create", "--output=json"];
        let made = self.slipway(&[&create, flags].concat()).json();
        let token = made["token"].as_str().expect("a token");
        self.invitation.clone().with_token(token)
    }

    /// Every request, as `slipway csr list` has it.
    ///
    /// # Panics
    /// It fails.
    #[must_use]
    #[track_caller]
    pub fn requests(&self) -> Vec<Value> {
        let listed = self.slipway(&["csr", "list", "--output=json"]).json();
        listed.as_array().expect("a list").clone()
    }

    /// What rules and approvers say of a request, as `slipway csr explain` has it.
    ///
    /// # Panics
    /// It fails.
    #[must_use]
    #[track_caller]
    pub fn explain(&self, request: &str, approval: Approval) -> Value {
        let plugins = self.sandbox().write("explain.yaml", approval.plugins());
        let plugins = plugins.to_str().expect("a path in UTF-8");
        self.slipway(&[
            "csr",
            "explain",
            request,
            "--config",
            plugins,
            "--output=json",
        ])
        .json()
    }

    /// Where a request stands.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    #[track_caller]
    pub fn standing(&self, request: &str) -> String {
        let requests = self.requests();
        let found = requests.iter().find(|listed| listed["name"] == request);
        let found = found.unwrap_or_else(|| panic!("no {request} in {requests:?}"));
        found["standing"].as_str().expect("a standing").to_owned()
    }

    /// Waits until a request of this node waits for a person and the approvers have said so, and returns its name.
    ///
    /// # Panics
    /// There is none after half a minute.
    #[must_use]
    #[track_caller]
    pub fn request_of(&self, node: &str) -> String {
        let waits = |request: &&Value| {
            request["node"] == node
                && request["standing"] == "pending"
                && !request["message"].is_null()
        };
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let requests = self.requests();
            if let Some(found) = requests.iter().find(waits) {
                return found["name"].as_str().expect("a name").to_owned();
            }
            assert!(Instant::now() < end, "{node} does not wait: {requests:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Every object that a command about requests or tokens could change, with its version.
    #[must_use]
    #[track_caller]
    pub fn objects(&self) -> BTreeMap<String, String> {
        objects(|arguments| self.kubectl(arguments))
    }
}

/// A kubeconfig for whom a bearer token stands for, made of the administrator's.
///
/// # Panics
/// The administrator's kubeconfig is not what kubeadm and slipway write.
#[must_use]
pub(crate) fn with_token(
    sandbox: &Sandbox,
    administrator: &Path,
    name: &str,
    token: &str,
) -> PathBuf {
    let administrator = std::fs::read_to_string(administrator).expect("a kubeconfig");
    let (before, _) = administrator
        .split_once("users:")
        .expect("users stand last");
    let text = format!("{before}users:\n- name: kubernetes-admin\n  user:\n    token: {token}\n");
    sandbox.write(&format!("{name}.conf"), &text)
}

/// Every object that a command about requests or tokens could change, with its version, as this kubectl shows them. Leases
/// are left out: whoever holds one renews it.
///
/// # Panics
/// kubectl fails.
#[must_use]
#[track_caller]
pub fn objects(kubectl: impl Fn(&[&str]) -> Finished) -> BTreeMap<String, String> {
    let listed = kubectl(&[
        "get",
        "namespaces,configmaps,secrets,certificatesigningrequests,nodes",
        "--all-namespaces",
        "--output=json",
    ]);
    let listed = listed.json();
    let objects = listed["items"].as_array().expect("a list").iter();
    let described = objects.map(|object| {
        let metadata = &object["metadata"];
        let name = format!(
            "{} {}/{}",
            object["kind"], metadata["namespace"], metadata["name"]
        );
        (name, metadata["resourceVersion"].to_string())
    });
    described.collect()
}
