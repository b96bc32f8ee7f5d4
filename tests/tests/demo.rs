//! The demo is what a newcomer sees first: it has to work.

use slipway_tests::Sandbox;

#[test]
fn plays_to_its_end() {
    let sandbox = Sandbox::new();
    let run = sandbox.slipway(&["demo"]);
    let _ = run.success();
    let said = run.stderr();
    for expected in [
        "worker-1: the policy component approves it",
        "is claimed by another key",
        "slipway csr approve node-csr-",
        "worker-2: signed by the cluster's CA",
        "records, each bound to the one before it",
    ] {
        assert!(said.contains(expected), "no {expected:?} in:\n{said}");
    }
}
