//! The kubelet on a node that Slipway has joined, and one that joins by itself.

use slipway_tests::kubernetes::{ALL_CONTROLLERS, AUTOMATIC, Kubelet, Kubernetes, component};
use slipway_tests::{Finished, Sandbox, assert_identity, current_certificate};

use crate::controller::start_with;

/// Short enough for a kubelet that renews it within a minute (at 70 to 90 % of its life, which the signer begins five
/// minutes early), and long enough for the join and the kubelet's start.
const LIFETIME: &str = "--cluster-signing-duration=90s";

#[test]
fn registers_its_node_and_renews_its_certificate() {
    let mut cluster = Kubernetes::initialised_by_kubeadm();
    cluster.start_controllers(ALL_CONTROLLERS, &[LIFETIME]);
    let node = Sandbox::new();
    let _ = cluster
        .invitation()
        .join(&node, "worker-1", &["--timeout=2m"])
        .success();
    let current = current_certificate(&node);
    let joined_with = std::fs::read_link(&current).expect("a link to a dated file");

    let mut kubelet = Kubelet::start(&node, "worker-1");
    let version = cluster.wait_for_node("worker-1");
    let own = Finished::of(component("kubelet").arg("--version"), "").success();
    assert_eq!(own.trim(), format!("Kubernetes {version}"));

    let renewed = kubelet.wait_for_certificate(&current, Some(&joined_with));
    assert_identity(&node, &cluster.ca(), "worker-1");
    assert!(node.dir().join("kubelet").join(&joined_with).exists() && renewed.is_absolute());
    let requests = cluster
        .kubectl(&[
            "get",
            "csr",
            "--output=jsonpath={range .items[*]}{.spec.username} {.status.conditions[0].type}{\"\\n\"}{end}",
        ])
        .success();
    assert!(
        requests.contains("system:node:worker-1 Approved"),
        "{requests}"
    );
    // Slipway sees the newer certificate, too.
    let again = cluster.invitation().join(&node, "worker-1", &[]).success();
    assert!(again.contains("already"), "{again}");
}

#[test]
fn joins_what_slipway_initialised_and_renews() {
    let mut cluster = Kubernetes::start();
    let invitation = cluster.initialise(&["--kubelet-compatible"]);
    let mut controller = start_with(&cluster, AUTOMATIC, &[LIFETIME]);
    controller.wait_until("ok, leading");
    let node = Sandbox::new();
    let mut kubelet = Kubelet::bootstrap(&node, "worker-1", &invitation, &cluster.ca());
    kubelet.assert_joins_and_renews(&node, "worker-1", &cluster.ca(), |arguments| {
        cluster.slipway(arguments)
    });
    let _ = cluster.wait_for_node("worker-1");
    let metrics = controller.metrics();
    let issued = "slipway_certificates_total{outcome=\"issued\"} 2";
    assert!(metrics.contains(issued), "{metrics}");
}
