//! What every kubectl does alike: Debian's, which is years old and speaks JSON, and the current one.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use slipway_tests::{Cluster, Finished, Sandbox};

/// A kubectl with these credentials.
type Kubectl = fn(&Path) -> Command;

/// Every test with each of them.
macro_rules! with_each_kubectl {
    ($($test:ident),+ $(,)?) => {
        mod debian {
            $(#[test]
            fn $test() {
                super::$test(slipway_tests::kubectl);
            })+
        }

        mod current {
            $(#[test]
            fn $test() {
                super::$test(slipway_tests::kubernetes::kubectl);
            })+
        }
    };
}

with_each_kubectl!(
    gets_what_is_there,
    watches_approves_and_denies,
    applies_changes_and_deletes,
    is_told_what_it_may_do,
);

/// Runs it as the administrator.
fn run(kubectl: Kubectl, cluster: &Cluster, arguments: &[&str]) -> Finished {
    Finished::of(kubectl(&cluster.kubeconfig()).args(arguments), "")
}

fn gets_what_is_there(kubectl: Kubectl) {
    let cluster = Cluster::start(&[]);
    let listed = run(
        kubectl,
        &cluster,
        &["get", "secrets,configmaps,nodes,csr", "-A"],
    )
    .success();
    assert!(
        listed.contains("cluster-info") && listed.contains("bootstrap-token-"),
        "{listed}"
    );
    assert!(listed.contains("bootstrap.kubernetes.io/token"), "{listed}");
    let namespaces = run(kubectl, &cluster, &["get", "namespaces"]).success();
    for name in ["kube-system", "kube-public", "slipway-system", "Active"] {
        assert!(namespaces.contains(name), "{namespaces}");
    }
    let yaml = run(
        kubectl,
        &cluster,
        &[
            "get",
            "configmap",
            "cluster-info",
            "-n",
            "kube-public",
            "-o",
            "yaml",
        ],
    )
    .success();
    assert!(yaml.contains("jws-kubeconfig-"), "{yaml}");
    let missing = run(
        kubectl,
        &cluster,
        &["get", "configmap", "nothing", "-n", "kube-public"],
    )
    .failure(1);
    assert!(
        missing.contains("configmaps \"nothing\" not found"),
        "{missing}"
    );
}

fn watches_approves_and_denies(kubectl: Kubectl) {
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
    let approved = run(kubectl, &cluster, &["certificate", "approve", &requests[0]]).success();
    assert!(approved.contains("approved"), "{approved}");
    let denied = run(kubectl, &cluster, &["certificate", "deny", &requests[1]]).success();
    assert!(denied.contains("denied"), "{denied}");
    assert!(joins[0].wait().expect("a join").success());
    assert!(!joins[1].wait().expect("a join").success());
    let listed = run(kubectl, &cluster, &["get", "csr"]).success();
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

fn applies_changes_and_deletes(kubectl: Kubectl) {
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
    let sky = run(
        kubectl,
        &cluster,
        &[
            "get",
            "configmap",
            "colours",
            "-n",
            "kube-public",
            "-o",
            "jsonpath={.data.sky}",
        ],
    )
    .success();
    assert_eq!(sky, "grey");
    let patched = run(
        kubectl,
        &cluster,
        &[
            "patch",
            "configmap",
            "colours",
            "-n",
            "kube-public",
            "-p",
            r#"{"data":{"sea":"green"}}"#,
        ],
    )
    .success();
    assert!(patched.contains("patched"), "{patched}");
    assert!(
        run(
            kubectl,
            &cluster,
            &["delete", "configmap", "colours", "-n", "kube-public"]
        )
        .success()
        .contains("deleted")
    );
    assert!(
        run(
            kubectl,
            &cluster,
            &["get", "configmap", "colours", "-n", "kube-public"]
        )
        .failure(1)
        .contains("not found")
    );
}

fn is_told_what_it_may_do(kubectl: Kubectl) {
    let cluster = Cluster::start(&["--auto-approve"]);
    assert_eq!(
        run(
            kubectl,
            &cluster,
            &["auth", "can-i", "approve", "signers.certificates.k8s.io"]
        )
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
