//! A node joins, with a person or a policy that lets it in, or is told why it may not.

use slipway_tests::{Ability, Approval, Backend, Sandbox, assert_identity, on_both_backends};

on_both_backends!(
    a_node_waits_for_a_person_and_joins_once_approved,
    automatic_approval_is_announced_and_works,
    a_denied_node_is_told_why_and_may_ask_anew,
);

fn a_node_waits_for_a_person_and_joins_once_approved(backend: Backend) {
    let cluster = backend.launch(Approval::Manual);
    let node = Sandbox::new();
    let join = cluster.start_join(&node, "worker-1", &[]);
    let request = cluster.request_of("worker-1");
    let shown = cluster.slipway(&["csr", "show", &request]).success();
    for part in ["worker-1", "pending", "system:bootstrap:"] {
        assert!(shown.contains(part), "{shown}");
    }
    cluster.let_in(&node, &request, join);
    assert_identity(&node, &cluster.ca(), "worker-1");
    assert_eq!(cluster.standing(&request), "issued");
}

fn automatic_approval_is_announced_and_works(backend: Backend) {
    let cluster = backend.launch(Approval::Automatic);
    let announced = cluster.announced();
    assert!(announced.contains("automatic-approval"), "{announced}");
    if backend.obstacle(Ability::ShowThePolicy).is_some() {
        let posture = cluster.slipway(&["posture"]).success();
        assert_eq!(posture.trim(), "nothing was opted into");
    }
    let node = Sandbox::new();
    let _ = cluster.join(&node, "worker-1", &[]).success();
    assert_identity(&node, &cluster.ca(), "worker-1");
    let again = cluster.join(&node, "worker-1", &[]).success();
    assert!(again.contains("already"), "{again}");
}

fn a_denied_node_is_told_why_and_may_ask_anew(backend: Backend) {
    let cluster = backend.launch(Approval::Manual);
    let node = Sandbox::new();
    let mut join = cluster.start_join(&node, "worker-1", &[]);
    let denied = cluster.request_of("worker-1");
    let _ = cluster
        .slipway(&["csr", "deny", &denied, "--reason", "not one of ours"])
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

    let join = cluster.start_join(&node, "worker-1", &["--new-key"]);
    let anew = cluster.request_of("worker-1");
    assert_ne!(anew, denied);
    cluster.let_in(&node, &anew, join);
    assert_identity(&node, &cluster.ca(), "worker-1");
    assert_eq!(cluster.standing(&denied), "denied", "which is final");
}
