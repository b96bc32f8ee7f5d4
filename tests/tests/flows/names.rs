//! Two machines want the same name.

use slipway_tests::{Approval, Backend, Sandbox, on_both_backends};

on_both_backends!(a_claimed_name_is_told_to_everybody_and_approval_is_not_offered);

fn a_claimed_name_is_told_to_everybody_and_approval_is_not_offered(backend: Backend) {
    let cluster = backend.launch(Approval::Automatic);
    let _ = cluster.join(&Sandbox::new(), "worker-1", &[]).success();

    let thief = Sandbox::new();
    let refused = cluster.join(&thief, "worker-1", &["--timeout=5s"]);
    let said = refused.failure(6);
    assert!(said.contains("is claimed by another key"), "{said}");
    assert!(!said.contains("csr approve"), "{said}");
    assert!(!thief.dir().join("kubernetes/kubelet.conf").exists());

    let request = cluster.request_of("worker-1");
    let requests = cluster.requests();
    let waiting = requests.iter().find(|listed| listed["name"] == request);
    let reason = waiting.map(|waiting| waiting["reason"].clone());
    assert_eq!(reason, Some("NameClaimed".into()));
    let shown = cluster.slipway(&["csr", "show", &request]).success();
    assert!(shown.contains("✗ name-unclaimed: "), "{shown}");
    assert!(
        !shown.contains("csr approve") && shown.contains("csr deny"),
        "{shown}"
    );
    let refused = cluster.slipway(&["csr", "approve", &request]).failure(5);
    assert!(refused.contains("is claimed by another key"), "{refused}");
    assert_eq!(cluster.standing(&request), "pending");
}
