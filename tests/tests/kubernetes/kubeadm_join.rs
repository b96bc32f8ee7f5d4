//! `kubeadm join` of a node, its kubelet's TLS bootstrap included, into what Slipway initialised, approved and signed by
//! Slipway's controllers; there is no kube-controller-manager.

use slipway_tests::kubernetes::{AUTOMATIC, Controller, Kubernetes, MANUAL, Machine};
use slipway_tests::{Invitation, assert_client_certificate};

use crate::controller::{assert_nothing_to_change, start};

/// A cluster that lets in nodes of kubeadm, its controllers, and a machine that is to be one.
fn cluster(plugins: &str) -> (Kubernetes, Invitation, Controller, Machine) {
    let cluster = Kubernetes::start();
    let invitation = cluster.initialise(&["--kubelet-compatible"]);
    let mut controller = start(&cluster, plugins);
    controller.wait_until("ok, leading");
    let machine = Machine::start("worker-1");
    // Whoever wants `kubeadm join` puts kubeadm's configuration there: it is not Slipway's.
    cluster.upload_configuration(&machine.kubelet_configuration("enableServer: false\n"));
    (cluster, invitation, controller, machine)
}

/// The arguments with which kubeadm joins through token and pin.
fn with_token(invitation: &Invitation) -> [&str; 5] {
    [
        &invitation.server,
        "--token",
        &invitation.token,
        "--discovery-token-ca-cert-hash",
        &invitation.pin,
    ]
}

/// kubeadm and the cluster agree that the machine is a node, by a certificate of Slipway's.
#[track_caller]
fn assert_joined(cluster: &mut Kubernetes, controller: &Controller, machine: &Machine, said: &str) {
    assert!(said.contains("This node has joined the cluster"), "{said}");
    assert_client_certificate(
        &machine.certificate("kubelet-client"),
        &cluster.ca(),
        "worker-1",
    );
    assert!(
        !machine
            .file("/etc/kubernetes/bootstrap-kubelet.conf")
            .exists(),
        "the token stays on the machine"
    );
    let _ = cluster.wait_for_node("worker-1");
    let requests = cluster.slipway(&["csr", "list", "--output=json"]).json();
    assert_eq!(requests.as_array().map(Vec::len), Some(1), "{requests}");
    assert_eq!(requests[0]["standing"], "issued", "{requests}");
    let metrics = controller.metrics();
    assert!(
        metrics.contains("slipway_certificates_total{outcome=\"issued\"} 1"),
        "{metrics}"
    );
}

#[test]
fn with_token_and_pin() {
    let (mut cluster, invitation, controller, mut machine) = cluster(AUTOMATIC);
    let said = machine.kubeadm_join(&with_token(&invitation));
    assert_joined(&mut cluster, &controller, &machine, &said);

    // kubeadm makes the same roles as Slipway, and neither changes the other's.
    assert_nothing_to_change(&cluster, &["--kubelet-compatible"]);
}

#[test]
fn with_a_file() {
    let (mut cluster, invitation, controller, mut machine) = cluster(AUTOMATIC);
    let document = cluster.discovery_document();
    let file = cluster.sandbox().write("discovery.conf", &document);
    let said = machine.kubeadm_join(&[
        "--discovery-file",
        file.to_str().expect("a path in UTF-8"),
        "--tls-bootstrap-token",
        &invitation.token,
    ]);
    assert_joined(&mut cluster, &controller, &machine, &said);
}

#[test]
fn and_waits_for_a_person() {
    let (mut cluster, invitation, controller, mut machine) = cluster(MANUAL);
    machine.start_kubeadm_join(&with_token(&invitation));
    let request = cluster.request_of("worker-1");
    let _ = cluster.slipway(&["csr", "approve", &request]).success();
    let said = machine.finish_kubeadm_join();
    assert_joined(&mut cluster, &controller, &machine, &said);
}
