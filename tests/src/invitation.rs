//! What a node is told so that it can join a cluster, whichever API server the cluster has.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::program::Finished;
use crate::sandbox::Sandbox;

/// An API server, the CA's pin and a token.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// `HOST:PORT` of the API server.
    pub server: String,
    /// The CA's pin.
    pub pin: String,
    /// The token, which goes to the node through its environment.
    pub token: String,
}

impl Invitation {
    /// The same with another token.
    #[must_use]
    pub fn with_token(self, token: &str) -> Self {
        Self {
            token: token.to_owned(),
            ..self
        }
    }

    /// A node joins.
    #[must_use]
    pub fn join(&self, node: &Sandbox, name: &str, more: &[&str]) -> Finished {
        node.slipway_with(self.variable(), &self.arguments(name, more))
    }

    /// The command with which a node joins.
    #[must_use]
    pub fn command(&self, node: &Sandbox, name: &str) -> Command {
        let (variable, token) = self.variable();
        let mut command = node.command(&self.arguments(name, &[]));
        command.env(variable, token);
        command
    }

    /// Starts a node's join and goes on; what it says lands in the node's `join.log`.
    #[must_use]
    pub fn start_join(&self, node: &Sandbox, name: &str, more: &[&str]) -> Child {
        node.spawn("join.log", self.variable(), &self.arguments(name, more))
    }

    fn variable(&self) -> (&str, &str) {
        ("SLIPWAY_TOKEN", &self.token)
    }

    fn arguments<'a>(&'a self, name: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        [&join_arguments(&self.server, &self.pin, name), more].concat()
    }
}

/// Lets in a node that waits with the command that it shows, and waits until it has joined. `slipway` runs slipway as the
/// cluster's administrator.
///
/// # Panics
/// The node shows another command, or does not join.
#[track_caller]
pub fn let_in(
    node: &Sandbox,
    request: &str,
    mut join: Child,
    slipway: impl Fn(&[&str]) -> Finished,
) {
    let offered = node.wait_for_text("join.log", "  on the control plane, let it in with: ");
    assert_eq!(offered, format!("slipway csr approve {request}"));
    let approved = slipway(&["csr", "approve", request]).success();
    assert!(approved.contains(request), "{approved}");
    let status = join.wait().expect("join can be waited for");
    let log = std::fs::read_to_string(node.file("join.log")).expect("join's output");
    assert!(status.success(), "{log}");
}

/// The kubeconfig without credentials that discovery is about, as this kubectl shows it.
///
/// # Panics
/// Nobody has made it.
#[track_caller]
pub(crate) fn discovery_document(kubectl: impl Fn(&[&str]) -> Finished) -> String {
    let shown = kubectl(&[
        "get",
        "configmap",
        "cluster-info",
        "--namespace=kube-public",
        "--output=jsonpath={.data.kubeconfig}",
    ]);
    shown.success()
}

/// The arguments with which a node joins through token and pin.
pub(crate) fn join_arguments<'a>(server: &'a str, pin: &'a str, node: &'a str) -> [&'a str; 6] {
    [
        "join",
        server,
        "--discovery-token-ca-cert-hash",
        pin,
        "--node-name",
        node,
    ]
}

/// Waits until a cluster has a request of this node, and returns its name. `slipway` runs slipway as the cluster's
/// administrator.
///
/// # Panics
/// There is none after half a minute.
#[must_use]
#[track_caller]
pub fn request_of(node: &str, slipway: impl Fn(&[&str]) -> Finished) -> String {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let requests = slipway(&["csr", "list", "--output=json"]).json();
        let found = requests
            .as_array()
            .expect("a list")
            .iter()
            .find(|request| request["node"] == node);
        if let Some(request) = found {
            return request["name"].as_str().expect("a name").to_owned();
        }
        assert!(Instant::now() < end, "no request of {node} in {requests}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
