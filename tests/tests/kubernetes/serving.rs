//! Serving certificates of nodes: a kubelet asks, a person approves, Slipway's controllers sign; in the roles of their
//! manifest, and without kube-controller-manager.

use serde_json::{Value, json};
use slipway_tests::kubernetes::{AUTOMATIC, Controller, Kubernetes, Machine};
use slipway_tests::{Asked, Finished, assert_server_certificate, openssl};

use crate::controller::start_in_its_roles;

/// The cluster's requests for serving certificates.
const REQUESTS: [&str; 4] = [
    "get",
    "csr",
    "--field-selector=spec.signerName=kubernetes.io/kubelet-serving",
    "--output=jsonpath={.items[*].metadata.name}",
];

/// How many nodes are many.
const MANY: usize = 600;

fn controllers(cluster: &Kubernetes) -> Controller {
    let mut controller = start_in_its_roles(cluster, AUTOMATIC);
    controller.wait_until("ok, leading");
    controller
}

/// A handshake with the kubelet, where openssl believes this CA and wants the server to be `name`.
fn handshake(machine: &Machine, cluster: &Kubernetes, name: [&str; 2]) -> Finished {
    let mut command = openssl();
    command
        .args(["s_client", "-brief", "-verify_return_error", "-CAfile"])
        .arg(cluster.ca())
        .args(["-connect", &format!("{}:10250", machine.address())])
        .args(name);
    Finished::of(&mut command, "")
}

#[test]
fn a_kubelet_serves_with_what_a_person_approved() {
    let mut cluster = Kubernetes::start();
    let invitation = cluster.initialise(&["--kubelet-compatible"]);
    let controller = controllers(&cluster);
    let mut machine = Machine::start("worker-1");
    cluster.upload_configuration(&machine.kubelet_configuration("serverTLSBootstrap: true\n"));
    let _ = machine.kubeadm_join(&[
        &invitation.server,
        "--token",
        &invitation.token,
        "--discovery-token-ca-cert-hash",
        &invitation.pin,
    ]);
    let request = cluster.wait_for(
        "request for a serving certificate, which takes a node with an address",
        &REQUESTS,
        |printed| (!printed.is_empty()).then(|| printed.to_owned()),
    );
    let address = cluster
        .kubectl(&[
            "get",
            "node",
            "worker-1",
            "--output=jsonpath={.status.addresses[?(@.type==\"InternalIP\")].address}",
        ])
        .success();
    let shown = cluster.slipway(&["csr", "show", &request]).success();
    for line in [
        "standing:   pending",
        "node:       worker-1",
        "requester:  system:node:worker-1 (system:nodes, system:authenticated)",
        "signer:     kubernetes.io/kubelet-serving",
        &format!("names:      worker-1, {address}"),
    ] {
        assert!(shown.contains(line), "no {line:?} in\n{shown}");
    }
    assert!(!shown.contains('✗'), "{shown}");
    let by_address = ["-verify_ip", &address];
    assert_ne!(handshake(&machine, &cluster, by_address).code(), Some(0));

    let _ = cluster.slipway(&["csr", "approve", &request]).success();
    let link = machine.file("/var/lib/kubelet/pki/kubelet-server-current.pem");
    machine.wait_for("serving certificate", || link.is_symlink().then_some(()));
    assert_server_certificate(
        &machine.certificate("kubelet-server"),
        &cluster.ca(),
        "worker-1",
        &format!("DNS:worker-1, IP Address:{address}"),
    );
    for name in [by_address, ["-verify_hostname", "worker-1"]] {
        let agreed = handshake(&machine, &cluster, name);
        let _ = agreed.success();
        assert!(
            agreed.stderr().contains("Verification: OK"),
            "{}",
            agreed.stderr()
        );
    }
    let other = handshake(&machine, &cluster, ["-verify_ip", "198.51.100.1"]);
    assert_ne!(other.code(), Some(0), "{}", other.stderr());
    let log = controller.log();
    assert!(!log.contains("forbidden"), "{log}");
}

#[test]
fn a_node_gets_none_for_what_the_api_server_answers_to() {
    let mut cluster = Kubernetes::start();
    let _ = cluster.initialise(&[]);
    let _controller = controllers(&cluster);
    // The first address of the range of Services is that of the Service `kubernetes`.
    let denied = denial(&mut cluster, "10.96.0.1");
    assert!(denied.contains("10.96.0.1 is the API server's"), "{denied}");
}

#[test]
fn a_node_gets_none_for_an_address_that_another_of_many_has_just_got() {
    let mut cluster = Kubernetes::start();
    let _ = cluster.initialise(&[]);
    // More than the controllers list at a time.
    let nodes: Vec<_> = (0..MANY).map(|number| node(number, "10.0.0.1")).collect();
    create(
        &cluster,
        &json!({"apiVersion": "v1", "kind": "List", "items": nodes}),
    );
    let controller = controllers(&cluster);
    for (number, address) in [(MANY, "10.77.0.1"), (MANY + 1, "10.77.0.2")] {
        create(&cluster, &node(number, address));
        let denied = denial(&mut cluster, address);
        let expected = format!("{address} belongs to the node many-{number}");
        assert!(denied.contains(&expected), "{denied}");
    }
    let log = controller.log();
    assert!(!log.contains("forbidden"), "{log}");
}

fn node(number: usize, address: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": format!("many-{number}")},
        "status": {"addresses": [{"type": "InternalIP", "address": address}]},
    })
}

fn create(cluster: &Kubernetes, manifest: &Value) {
    let file = cluster
        .sandbox()
        .write("manifest.json", &manifest.to_string());
    let file = file.to_str().expect("a path in UTF-8");
    let _ = cluster.kubectl(&["create", "-f", file]).success();
}

/// Why the node `worker-1` gets no serving certificate for an address.
fn denial(cluster: &mut Kubernetes, address: &str) -> String {
    let name = format!("serving-{address}");
    let names = format!("DNS:worker-1,IP:{address}");
    let asked = Asked::serving(&name, "worker-1", &names).manifest();
    let request = cluster.sandbox().write("request.json", &asked.to_string());
    let request = request.to_str().expect("a path in UTF-8");
    let kubeconfig = cluster.kubeconfig_of("system:node:worker-1", "system:nodes");
    let kubeconfig = kubeconfig.to_str().expect("a path in UTF-8");
    let _ = cluster
        .kubectl(&["create", "--kubeconfig", kubeconfig, "-f", request])
        .success();
    cluster.wait_for(
        "denial",
        &[
            "get",
            "csr",
            &name,
            "--output=jsonpath={.status.conditions[?(@.type==\"Denied\")].message}",
        ],
        |printed| (!printed.is_empty()).then(|| printed.to_owned()),
    )
}
