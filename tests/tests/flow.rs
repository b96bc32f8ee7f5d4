//! The main job, through the real binary: a cluster is made, nodes join it, people decide.

use slipway_tests::{Cluster, Sandbox, assert_identity, let_in};

#[test]
fn a_node_waits_for_a_person_and_joins_once_approved() {
    let cluster = Cluster::start(&[]);
    let node = Sandbox::new();
    let join = cluster.start_join(&node, "worker-1", &[]);
    let request = cluster.request_of("worker-1");

    let shown = cluster.slipway(&["csr", "show", &request]).success();
    assert!(
        shown.contains("worker-1") && shown.contains("pending"),
        "{shown}"
    );
    let_in(&node, &request, join, |arguments| {
        cluster.slipway(arguments)
    });
    assert_identity(&node, &cluster.ca(), "worker-1");
}

#[test]
fn automatic_approval_is_announced_and_works() {
    let cluster = Cluster::start(&["--auto-approve"]);
    let posture = cluster.slipway(&["posture"]).success();
    assert!(posture.contains("automatic-approval"), "{posture}");
    let node = Sandbox::new();
    let _ = cluster.join(&node, "worker-1", &[]).success();
    assert_identity(&node, &cluster.ca(), "worker-1");
    let again = cluster.join(&node, "worker-1", &[]).success();
    assert!(again.contains("already"), "{again}");
}

#[test]
fn a_denied_node_is_told_why() {
    let cluster = Cluster::start(&[]);
    let node = Sandbox::new();
    let mut join = cluster.start_join(&node, "worker-1", &[]);
    let request = cluster.request_of("worker-1");
    let _ = cluster
        .slipway(&["csr", "deny", &request, "--reason", "not one of ours"])
        .success();
    let status = join.wait().expect("join can be waited for");
    let log = std::fs::read_to_string(node.file("join.log")).expect("join's output");
    assert_eq!(status.code(), Some(5), "{log}");
    assert!(
        log.contains("not one of ours") && log.contains("--new-key"),
        "{log}"
    );
    let again = cluster.join(&node, "worker-1", &[]).failure(5);
    assert!(again.contains("not one of ours"), "{again}");
}

#[test]
fn another_key_does_not_get_the_name_of_a_node_that_joined() {
    let cluster = Cluster::start(&["--auto-approve"]);
    let _ = cluster.join(&Sandbox::new(), "worker-1", &[]).success();
    let thief = Sandbox::new();
    let refused = cluster.join(&thief, "worker-1", &["--timeout=20s"]);
    assert_ne!(refused.code(), Some(0), "{}", refused.stdout());
    assert!(
        refused.stderr().contains("claimed by another key")
            || refused.stderr().contains("a node named worker-1 exists"),
        "{}",
        refused.stderr()
    );
    assert!(!thief.dir().join("kubernetes/kubelet.conf").exists());
}

#[test]
fn a_second_init_refuses_and_reset_makes_room() {
    let cluster = Cluster::start(&[]);
    let again = cluster
        .slipway(&[
            "init",
            "--apiserver-advertise-address=127.0.0.1",
            "--apiserver-bind-port=0",
        ])
        .failure(8);
    assert!(again.contains("slipway reset"), "{again}");
    let plan = cluster.slipway(&["reset", "--dry-run"]).success();
    assert!(plan.contains("admin.conf"), "{plan}");
    let mine = cluster.sandbox().dir().join("kubernetes/mine.txt");
    std::fs::write(&mine, "mine").expect("a file beside Slipway's");
    let _ = cluster.slipway(&["reset", "--force"]).success();
    assert!(!cluster.kubeconfig().exists());
    assert!(mine.exists(), "what Slipway did not write stays");
}
