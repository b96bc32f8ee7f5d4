//! People decide with `slipway csr` what kube-controller-manager only signs.

use slipway_tests::kubernetes::Kubernetes;
use slipway_tests::{Sandbox, assert_identity, let_in};

/// A cluster where nobody approves by himself.
fn cluster() -> Kubernetes {
    let mut cluster = Kubernetes::initialised_by_kubeadm();
    cluster.start_controllers("csrsigning,bootstrapsigner", &[]);
    cluster
}

fn standing(cluster: &Kubernetes, request: &str) -> String {
    let listed = cluster.slipway(&["csr", "list", "--output=json"]).json();
    let found = listed
        .as_array()
        .expect("a list")
        .iter()
        .find(|listed| listed["name"] == request)
        .unwrap_or_else(|| panic!("no {request} in {listed}"));
    found["standing"].as_str().expect("a standing").to_owned()
}

#[test]
fn approves_what_is_then_signed() {
    let cluster = cluster();
    let node = Sandbox::new();
    let join = cluster.invitation().start_join(&node, "worker-1", &[]);
    let request = cluster.request_of("worker-1");
    assert_eq!(standing(&cluster, &request), "pending");
    let shown = cluster.slipway(&["csr", "show", &request]).success();
    for part in ["worker-1", "pending", "system:bootstrap:"] {
        assert!(shown.contains(part), "{shown}");
    }
    let_in(&node, &request, join, |arguments| {
        cluster.slipway(arguments)
    });
    assert_identity(&node, &cluster.ca(), "worker-1");
    let condition = cluster
        .kubectl(&[
            "get",
            "csr",
            &request,
            "--output=jsonpath={.status.conditions[?(@.type==\"Approved\")].message}",
        ])
        .success();
    assert_eq!(condition, "approved by kubernetes-admin");
    let again = cluster.slipway(&["csr", "deny", &request]);
    assert!(
        again.stderr().contains("that is final"),
        "{}",
        again.stderr()
    );
}

#[test]
fn denies_and_the_node_is_told_why() {
    let cluster = cluster();
    let node = Sandbox::new();
    let mut join = cluster.invitation().start_join(&node, "worker-1", &[]);
    let request = cluster.request_of("worker-1");
    let _ = cluster
        .slipway(&["csr", "deny", &request, "--reason", "not one of ours"])
        .success();
    let status = join.wait().expect("join can be waited for");
    let log = std::fs::read_to_string(node.file("join.log")).expect("join's output");
    assert_eq!(status.code(), Some(5), "{log}");
    assert!(log.contains("not one of ours"), "{log}");
    let listed = cluster.kubectl(&["get", "csr", &request]).success();
    assert!(listed.contains("Denied"), "{listed}");
    let again = cluster.slipway(&["csr", "approve", &request]);
    assert!(
        again.stderr().contains("that is final"),
        "{}",
        again.stderr()
    );
}

#[test]
fn a_request_that_breaks_a_rule_is_not_approved() {
    let cluster = cluster();
    let node = Sandbox::new();
    let manifest = "apiVersion: v1\nkind: Node\nmetadata:\n  name: worker-1\n";
    let file = cluster.sandbox().write("node.yaml", manifest);
    let file = file.to_str().expect("a path in UTF-8");
    let _ = cluster.kubectl(&["create", "--filename", file]).success();
    let mut join = cluster
        .invitation()
        .start_join(&node, "worker-1", &["--timeout=30s"]);
    let request = cluster.request_of("worker-1");
    let refused = cluster.slipway(&["csr", "approve", &request]);
    assert_ne!(refused.code(), Some(0), "{}", refused.stdout());
    assert!(
        refused.stderr().contains("a node named worker-1 exists"),
        "{}",
        refused.stderr()
    );
    assert_eq!(standing(&cluster, &request), "pending");
    join.kill().expect("join can be ended");
    let _ = join.wait();
}
