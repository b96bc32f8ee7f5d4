//! Many nodes that join at once, and what became of their requests.

use std::collections::BTreeMap;
use std::process::Child;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use slipway_tests::kubernetes::{Answered, Kubernetes};
use slipway_tests::{Invitation, Sandbox, assert_identity, current_certificate};

/// Nodes of one name and a number each.
pub(crate) struct Joins(Vec<Join>);

struct Join {
    node: Sandbox,
    name: String,
    process: Child,
}

impl Joins {
    /// Starts so many nodes.
    pub(crate) fn start(invitation: &Invitation, name: &str, count: usize) -> Self {
        let join = |number| {
            let node = Sandbox::new();
            let name = format!("{name}-{number}");
            let process = invitation.start_join(&node, &name, &["--timeout=3m"]);
            Join {
                node,
                name,
                process,
            }
        };
        Self((1..=count).map(join).collect())
    }

    /// Whether some have not joined yet.
    pub(crate) fn are_under_way(&mut self) -> bool {
        self.0.iter_mut().any(|join| {
            let ended = join.process.try_wait().expect("a child can be asked");
            ended.is_none()
        })
    }

    /// Every node got its identity, through one request that was decided once, and uses the certificate that stands there.
    #[track_caller]
    pub(crate) fn assert_all_joined(&mut self, cluster: &Kubernetes) {
        self.wait();
        let requests = requests(cluster);
        let issued: Vec<_> = requests.iter().filter_map(certificate).collect();
        for Join { node, name, .. } in &self.0 {
            assert_identity(node, &cluster.ca(), name);
            let used = std::fs::read_to_string(current_certificate(node)).expect("PEM");
            let theirs = issued.iter().filter(|issued| used.contains(issued.trim()));
            assert_eq!(theirs.count(), 1, "{name}");
        }
        assert_each_decided_once(cluster);
    }

    /// Waits until all have joined.
    #[track_caller]
    fn wait(&mut self) {
        for join in &mut self.0 {
            let status = join.process.wait().expect("join can be waited for");
            let log = std::fs::read_to_string(join.node.file("join.log")).expect("join's output");
            assert!(status.success(), "{}: {log}", join.name);
        }
    }
}

impl Drop for Joins {
    fn drop(&mut self) {
        for join in &mut self.0 {
            // It may have ended.
            let _ = join.process.kill();
            let _ = join.process.wait();
        }
    }
}

/// Of every request in the cluster: a decision was written into it no more than once, and it has a certificate where that
/// was to let it in. (An API server that is killed may have done what it did not write down.)
#[track_caller]
pub(crate) fn assert_each_decided_once(cluster: &Kubernetes) {
    let answered = cluster.answered();
    let written = decisions(&answered);
    assert!(!written.is_empty());
    for (name, times) in written {
        assert_eq!(times, 1, "decisions about {name}");
    }
    for request in requests(cluster) {
        let has = |kind: &str| {
            let conditions = request["status"]["conditions"].as_array();
            let mut conditions = conditions.into_iter().flatten();
            conditions.any(|condition| condition["type"] == kind)
        };
        assert!(!has("Approved") || !has("Denied"), "{request}");
        let is_issued = certificate(&request).is_some();
        assert_eq!(has("Approved") && !has("Failed"), is_issued, "{request}");
    }
}

/// All requests in the cluster.
fn requests(cluster: &Kubernetes) -> Vec<Value> {
    let listed = cluster
        .kubectl(&["get", "certificatesigningrequests", "--output=json"])
        .json();
    listed["items"].as_array().expect("a list").clone()
}

/// The certificate that was written into a request, in PEM.
fn certificate(request: &Value) -> Option<String> {
    let encoded = request["status"]["certificate"].as_str()?;
    let pem = STANDARD.decode(encoded).expect("base64");
    Some(String::from_utf8(pem).expect("PEM"))
}

/// How many decisions were written, by the name of the request.
fn decisions(answered: &[Answered]) -> BTreeMap<&str, usize> {
    let mut written = BTreeMap::new();
    for answer in answered {
        if answer.resource == "certificatesigningrequests/approval" && answer.is_done() {
            *written.entry(answer.name.as_str()).or_default() += 1;
        }
    }
    written
}
