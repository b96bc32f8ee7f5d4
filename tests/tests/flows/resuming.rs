//! A join that was cut short goes on where it was.

use slipway_tests::{Approval, Backend, Launched, Sandbox, assert_identity, on_both_backends};

on_both_backends!(a_join_goes_on_with_the_request_that_it_has_made);

/// How many requests a node has made.
fn requests_of(cluster: &Launched, node: &str) -> usize {
    let requests = cluster.requests();
    requests
        .iter()
        .filter(|request| request["node"] == node)
        .count()
}

fn a_join_goes_on_with_the_request_that_it_has_made(backend: Backend) {
    let cluster = backend.launch(Approval::Manual);

    let killed = Sandbox::new();
    let mut join = cluster.start_join(&killed, "worker-1", &[]);
    let request = cluster.request_of("worker-1");
    join.kill().expect("join can be killed");
    let _ = join.wait();
    let join = cluster.start_join(&killed, "worker-1", &[]);
    cluster.let_in(&killed, &request, join);
    assert_identity(&killed, &cluster.ca(), "worker-1");
    assert_eq!(requests_of(&cluster, "worker-1"), 1);

    let late = Sandbox::new();
    let told = cluster.join(&late, "worker-2", &["--timeout=3s"]);
    let told = told.failure(6);
    let request = cluster.request_of("worker-2");
    assert!(
        told.contains(&format!("slipway csr approve {request}")),
        "{told}"
    );
    let _ = cluster.slipway(&["csr", "approve", &request]).success();
    let _ = cluster.join(&late, "worker-2", &[]).success();
    assert_identity(&late, &cluster.ca(), "worker-2");
    assert_eq!(requests_of(&cluster, "worker-2"), 1);
}
