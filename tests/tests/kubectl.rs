//! Debian's kubectl, an independent client, against the embedded API.

use std::process::Stdio;
use std::time::Duration;

use slipway_tests::{Cluster, Finished, Sandbox, kubectl};

#[test]
fn gets_what_is_there() {
    let cluster = Cluster::start(&[]);
    let listed = cluster
        .kubectl(&["get", "secrets,configmaps,nodes,csr", "-A"])
        .success();
    assert!(
        listed.contains("cluster-info") && listed.contains("bootstrap-token-"),
        "{listed}"
    );
    assert!(listed.contains("bootstrap.kubernetes.io/token"), "{listed}");
    let namespaces = cluster.kubectl(&["get", "namespaces"]).success();
    for name in ["kube-system", "kube-public", "slipway-system", "Active"] {
        assert!(namespaces.contains(name), "{namespaces}");
    }
    let yaml = cluster
        .kubectl(&[
            "get",
            "configmap",
            "cluster-info",
            "-n",
            "kube-public",
            "-o",
            "yaml",
        ])
        .success();
    assert!(yaml.contains("jws-kubeconfig-"), "{yaml}");
    let missing = cluster
        .kubectl(&["get", "configmap", "nothing", "-n", "kube-public"])
        .failure(1);
    assert!(
        missing.contains("configmaps \"nothing\" not found"),
        "{missing}"
    );
}

#[test]
fn watches_approves_and_denies() {
    let cluster = Cluster::start(&[]);
    let mut watch = kubectl(&cluster.kubeconfig())
        .args(["get", "csr", "-w"])
        .stdout(std::fs::File::create(cluster.sandbox().file("watch.log")).expect("a file"))
        .stderr(Stdio::null())
        .spawn()
        .expect("kubectl can be started");
    let (one, two) = (Sandbox::new(), Sandbox::new());
    let mut joins = [
        cluster.start_join(&one, "worker-1", &[]),
        cluster.start_join(&two, "worker-2", &[]),
    ];
    let requests = [
        cluster.request_of("worker-1"),
        cluster.request_of("worker-2"),
    ];
    let approved = cluster
        .kubectl(&["certificate", "approve", &requests[0]])
        .success();
    assert!(approved.contains("approved"), "{approved}");
    let denied = cluster
        .kubectl(&["certificate", "deny", &requests[1]])
        .success();
    assert!(denied.contains("denied"), "{denied}");
    assert!(joins[0].wait().expect("a join").success());
    assert!(!joins[1].wait().expect("a join").success());
    let listed = cluster.kubectl(&["get", "csr"]).success();
    assert!(
        listed.contains("Approved,Issued") && listed.contains("Denied"),
        "{listed}"
    );
    std::thread::sleep(Duration::from_millis(300));
    watch.kill().expect("kubectl can be ended");
    let _ = watch.wait();
    let watched =
        std::fs::read_to_string(cluster.sandbox().file("watch.log")).expect("kubectl's output");
    assert!(
        watched.contains("Pending")
            && watched.contains("Approved,Issued")
            && watched.contains("Denied"),
        "{watched}"
    );
}

#[test]
fn applies_changes_and_deletes() {
    let cluster = Cluster::start(&[]);
    let manifest = |value: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: colours\n  namespace: kube-public\ndata:\n  sky: {value}\n"
        )
    };
    let apply = |value: &str| {
        Finished::of(
            kubectl(&cluster.kubeconfig()).args(["apply", "-f", "-"]),
            &manifest(value),
        )
        .success()
    };
    assert!(apply("blue").contains("created"));
    assert!(apply("grey").contains("configured"));
    assert!(apply("grey").contains("unchanged"));
    let sky = cluster
        .kubectl(&[
            "get",
            "configmap",
            "colours",
            "-n",
            "kube-public",
            "-o",
            "jsonpath={.data.sky}",
        ])
        .success();
    assert_eq!(sky, "grey");
    let patched = cluster
        .kubectl(&[
            "patch",
            "configmap",
            "colours",
            "-n",
            "kube-public",
            "-p",
            r#"{"data":{"sea":"green"}}"#,
        ])
        .success();
    assert!(patched.contains("patched"), "{patched}");
    assert!(
        cluster
            .kubectl(&["delete", "configmap", "colours", "-n", "kube-public"])
            .success()
            .contains("deleted")
    );
    assert!(
        cluster
            .kubectl(&["get", "configmap", "colours", "-n", "kube-public"])
            .failure(1)
            .contains("not found")
    );
}

#[test]
fn is_told_what_it_may_do() {
    let cluster = Cluster::start(&["--auto-approve"]);
    assert_eq!(
        cluster
            .kubectl(&["auth", "can-i", "approve", "signers.certificates.k8s.io"])
            .success()
            .trim(),
        "yes"
    );
    let node = Sandbox::new();
    let _ = cluster.join(&node, "worker-1", &[]).success();
    let as_node = |arguments: &[&str]| {
        Finished::of(
            kubectl(&node.dir().join("kubernetes/kubelet.conf")).args(arguments),
            "",
        )
    };
    let refused = as_node(&["auth", "can-i", "get", "secrets", "-n", "kube-system"]);
    assert!(
        refused.code() == Some(1) && refused.stdout().starts_with("no"),
        "{}{}",
        refused.stdout(),
        refused.stderr()
    );
    assert_eq!(
        as_node(&[
            "auth",
            "can-i",
            "create",
            "certificatesigningrequests.certificates.k8s.io"
        ])
        .success()
        .trim(),
        "yes"
    );
    let forbidden = as_node(&["get", "secrets", "-n", "kube-system"]).failure(1);
    assert!(
        forbidden.contains("Forbidden") && forbidden.contains("system:node:worker-1"),
        "{forbidden}"
    );
}
