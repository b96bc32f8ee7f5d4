//! `slipway join` into a cluster that kubeadm made, with its tokens and RBAC, approved and signed by
//! kube-controller-manager.

use std::path::Path;

use slipway_tests::kubernetes::{ALL_CONTROLLERS, Kubernetes, component};
use slipway_tests::{Finished, Sandbox, assert_identity};

/// A cluster as `kubeadm init` leaves it.
fn cluster() -> Kubernetes {
    let mut cluster = Kubernetes::initialised_by_kubeadm();
    cluster.start_controllers(ALL_CONTROLLERS, &[]);
    cluster
}

/// Whom the API server takes the bearer of a kubeconfig for.
fn whoami(kubeconfig: &Path) -> String {
    let mut kubectl = component("kubectl");
    kubectl.arg("--kubeconfig").arg(kubeconfig).args([
        "auth",
        "whoami",
        "-o",
        "jsonpath={.status.userInfo.username}",
    ]);
    Finished::of(&mut kubectl, "").success()
}

#[track_caller]
fn assert_joined(cluster: &Kubernetes, node: &Sandbox, name: &str) {
    assert_identity(node, &cluster.ca(), name);
    assert_eq!(
        whoami(&node.dir().join("kubernetes/kubelet.conf")),
        format!("system:node:{name}")
    );
}

#[test]
fn with_token_and_pin() {
    let cluster = cluster();
    let node = Sandbox::new();
    let joined = cluster
        .invitation()
        .join(&node, "worker-1", &["--timeout=2m"]);
    let _ = joined.success();
    assert_joined(&cluster, &node, "worker-1");
    let again = cluster.invitation().join(&node, "worker-1", &[]).success();
    assert!(again.contains("already"), "{again}");
}

#[test]
fn with_the_command_that_kubeadm_prints() {
    let cluster = cluster();
    let printed = cluster
        .kubeadm(&["token", "create", "--print-join-command"])
        .success();
    let words: Vec<_> = printed.split_whitespace().skip(1).collect();
    assert_eq!(words.first(), Some(&"join"), "{printed}");
    let node = Sandbox::new();
    let arguments = [&words[..], &["--node-name=worker-1", "--timeout=2m"]].concat();
    let _ = node.slipway(&arguments).success();
    assert_joined(&cluster, &node, "worker-1");
}

#[test]
fn with_a_file() {
    let cluster = cluster();
    let document = cluster.discovery_document();
    let join = |node: &Sandbox, name: &str, more: &[&str]| {
        let file = node.write("discovery.conf", &document);
        let file = file.to_str().expect("a path in UTF-8");
        let arguments = ["join", "--discovery-file", file, "--node-name", name];
        node.slipway(&[&arguments, more].concat())
    };
    let node = Sandbox::new();
    let token = node.write("token", &cluster.invitation().token);
    let token = token.to_str().expect("a path in UTF-8");
    let more = ["--tls-bootstrap-token-file", token, "--timeout=2m"];
    let _ = join(&node, "worker-1", &more).success();
    assert_joined(&cluster, &node, "worker-1");

    let unknown = Sandbox::new();
    let token = unknown.write("token", "abcdef.0123456789abcdef");
    let token = token.to_str().expect("a path in UTF-8");
    let refused = join(&unknown, "worker-2", &["--tls-bootstrap-token-file", token]).failure(4);
    assert!(
        refused.contains("does not accept the bootstrap token"),
        "{refused}"
    );
    assert!(!refused.contains("0123456789abcdef"), "{refused}");
}

#[test]
fn with_a_file_that_holds_credentials() {
    let cluster = cluster();
    let node = Sandbox::new();
    let file = cluster.kubeconfig();
    let file = file.to_str().expect("a path in UTF-8");
    let joined = node.slipway(&[
        "join",
        "--discovery-file",
        file,
        "--node-name=worker-1",
        "--timeout=2m",
    ]);
    let _ = joined.success();
    assert_joined(&cluster, &node, "worker-1");
}

#[test]
fn what_does_not_fit_the_cluster_is_refused() {
    let cluster = cluster();
    // The signatures are there once somebody has joined.
    let invitation = cluster.invitation();
    let _ = invitation
        .join(&Sandbox::new(), "worker-1", &["--timeout=2m"])
        .success();
    let mut wrong = invitation.clone();
    wrong.pin = format!("sha256:{}", "0".repeat(64));
    let refused = wrong.join(&Sandbox::new(), "worker-2", &[]).failure(3);
    assert!(refused.contains(&invitation.pin), "{refused}");

    let (id, _) = invitation.token.split_once('.').expect("a token");
    let wrong = invitation
        .clone()
        .with_token(&format!("{id}.{}", "0".repeat(16)));
    let node = Sandbox::new();
    let _ = wrong.join(&node, "worker-2", &[]).failure(3);
    assert!(!node.dir().join("kubernetes/kubelet.conf").exists());
}
