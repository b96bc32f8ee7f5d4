//! kubelet, which bootstraps itself with a token that may read nothing but its own request.

use slipway_tests::kubernetes::Kubelet;
use slipway_tests::{Cluster, Sandbox, assert_identity, current_certificate, request_of};

/// Short enough for a kubelet that renews its certificate within a minute (at 70 to 90 % of its life, which the signer begins
/// five minutes early).
const SHORT_LIVES: &str = "apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
controllerManager:
  extraArgs:
  - name: cluster-signing-duration
    value: 90s
";

#[test]
fn gets_a_certificate_registers_its_node_and_renews() {
    let machine = Sandbox::new();
    let configuration = machine.write("cluster.yaml", SHORT_LIVES);
    let configuration = configuration.to_str().expect("a path in UTF-8");
    let cluster = Cluster::start_in(machine, &["--auto-approve", "--config", configuration]);
    let node = Sandbox::new();
    let mut kubelet = Kubelet::bootstrap(&node, "worker-1", &cluster.invitation(), &cluster.ca());
    kubelet.assert_joins_and_renews(&node, "worker-1", &cluster.ca(), |arguments| {
        cluster.slipway(arguments)
    });
    kubelet.wait_for("its node", || {
        let version = "--output=jsonpath={.status.nodeInfo.kubeletVersion}";
        let asked = cluster.kubectl(&["get", "node", "worker-1", version]);
        asked.stdout().starts_with('v').then_some(())
    });
}

#[test]
fn waits_for_a_person() {
    let cluster = Cluster::start(&[]);
    let node = Sandbox::new();
    let mut kubelet = Kubelet::bootstrap(&node, "worker-1", &cluster.invitation(), &cluster.ca());
    let request = request_of("worker-1", |arguments| cluster.slipway(arguments));
    let _ = cluster.slipway(&["csr", "approve", &request]).success();
    let current = current_certificate(&node);
    let _ = kubelet.wait_for_certificate(&current, None);
    assert_identity(&node, &cluster.ca(), "worker-1");
}
