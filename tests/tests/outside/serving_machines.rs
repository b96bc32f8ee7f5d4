//! `approve-node-serving` and the Machines of Cluster API, as far as a kube-apiserver without its controllers has them.

use serde_json::{Value, json};
use slipway_tests::{Asked, Backend, Launched, Sandbox};

use crate::requests::expect;
use crate::serving;

/// The kind without a status of its own, so that the test can write what a controller would.
fn definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": "machines.cluster.x-k8s.io",
            "annotations": {"api-approved.kubernetes.io": "unapproved, a test's"},
        },
        "spec": {
            "group": "cluster.x-k8s.io",
            "scope": "Namespaced",
            "names": {"kind": "Machine", "plural": "machines", "singular": "machine"},
            "versions": [{
                "name": "v1beta1",
                "served": true,
                "storage": true,
                "schema": {"openAPIV3Schema": {
                    "type": "object",
                    "x-kubernetes-preserve-unknown-fields": true,
                }},
            }],
        },
    })
}

fn machine(name: &str, node: &str) -> Value {
    json!({
        "apiVersion": "cluster.x-k8s.io/v1beta1",
        "kind": "Machine",
        "metadata": {"name": name, "namespace": "default"},
        "status": {
            "nodeRef": {"name": node},
            "addresses": [
                {"type": "InternalIP", "address": "192.0.2.21"},
                {"type": "InternalDNS", "address": "worker-1.example"},
            ],
        },
    })
}

fn create(cluster: &Launched, object: &Value) {
    let file = cluster.sandbox().write("object.json", &object.to_string());
    let file = file.to_str().expect("a path in UTF-8");
    let _ = cluster.kubectl(&["create", "--filename", file]).success();
}

#[test]
fn a_machine_confirms_names_and_addresses() {
    let cluster = Backend::Kubernetes.launch_by(&serving(
        "{compareWith: {machines: {version: v1beta1, namespace: default}}}",
        "{cluster: [{group: cluster.x-k8s.io, version: v1beta1, kind: Machine, namespace: default}]}",
    ));
    create(&cluster, &definition());
    let established = [
        "wait",
        "--for=condition=Established",
        "--timeout=30s",
        "crd/machines.cluster.x-k8s.io",
    ];
    let _ = cluster.kubectl(&established).success();
    create(&cluster, &machine("other", "worker-2"));
    let node = Sandbox::new();
    let _ = cluster.join(&node, "worker-1", &[]).success();
    let kubeconfig = node.dir().join("kubernetes/kubelet.conf");
    let ask = |request: &str, names: &str| {
        let asked = Asked::serving(request, "worker-1", names);
        let _ = cluster.submit(&kubeconfig, &asked).success();
    };
    let expect = |request: &str, standing: &str, says: &str| {
        expect(request, standing, says, |arguments| {
            cluster.slipway(arguments)
        });
    };
    ask("early", "IP:192.0.2.21");
    let reason = "no Machine in default has the node worker-1 in its status.nodeRef";
    expect("early", "pending", reason);

    create(&cluster, &machine("own", "worker-1"));
    ask("own", "DNS:worker-1,DNS:worker-1.example,IP:192.0.2.21");
    expect("own", "issued", "");
    ask("address", "IP:192.0.2.22");
    let reason = "the Machine default/own does not confirm the address 192.0.2.22";
    expect("address", "denied", reason);

    create(&cluster, &machine("twin", "worker-1"));
    ask("twins", "IP:192.0.2.21");
    expect("twins", "pending", "both have the node worker-1");
}
