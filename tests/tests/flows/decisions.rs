//! The decision log holds what people decided, through slipway and through kubectl, with the name of whoever did where the
//! API server tells it.

use std::time::{Duration, Instant};

use serde_json::Value;
use slipway_tests::{Ability, Approval, Backend, Launched, Sandbox, on_both_backends};

on_both_backends!(what_people_decide_is_written_down);

/// The records of the cluster's log.
pub(crate) fn records(cluster: &Launched) -> Vec<Value> {
    let file = cluster.decision_log().join("decisions-000001.jsonl");
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let whole = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
    whole
        .lines()
        .map(|line| serde_json::from_str(line).expect("a record is JSON"))
        .collect()
}

/// Waits for the record of a decision that took effect: why, and by whom.
fn decided(cluster: &Launched, request: &str, action: &str) -> (String, String) {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let records = records(cluster);
        let found: Vec<_> = records
            .iter()
            .filter(|record| {
                record["subject"]["name"] == request
                    && record["action"] == action
                    && record["stage"] == "done"
            })
            .collect();
        if let [record] = found.as_slice() {
            let text = |field: &str| record[field].as_str().unwrap_or_default().to_owned();
            return (text("reason"), text("by"));
        }
        assert!(found.is_empty(), "it is written once: {found:?}");
        assert!(
            Instant::now() < end,
            "no {action} of {request} in {records:?}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn what_people_decide_is_written_down(backend: Backend) {
    let cluster = backend.launch(Approval::Manual);
    let nodes = ["worker-1", "worker-2", "worker-3"].map(|name| {
        let node = Sandbox::new();
        let join = cluster.start_join(&node, name, &[]);
        (node, join, cluster.request_of(name))
    });
    let [one, two, three] = nodes.each_ref().map(|(_, _, request)| request.as_str());
    let _ = cluster.slipway(&["csr", "approve", one]).success();
    let _ = cluster
        .slipway(&["csr", "deny", two, "--reason", "not ours"])
        .success();
    let _ = cluster
        .kubectl(&["certificate", "approve", three])
        .success();

    let is_named = backend.obstacle(Ability::NameWhoDecided).is_none();
    let administrator = if is_named { "kubernetes-admin" } else { "" };
    let expected = |reason: &str| (reason.to_owned(), administrator.to_owned());
    assert_eq!(
        decided(&cluster, one, "approve"),
        expected("approved by kubernetes-admin")
    );
    assert_eq!(
        decided(&cluster, two, "deny"),
        expected("denied by kubernetes-admin: not ours")
    );
    let (reason, by) = decided(&cluster, three, "approve");
    assert_eq!(by, administrator, "{reason}");
    assert!(reason.contains("kubectl"), "{reason}");
    // Who looks at the request is told, too.
    let shown = cluster.slipway(&["csr", "show", three]).success();
    assert_eq!(
        shown.contains("decided by: kubernetes-admin"),
        is_named,
        "{shown}"
    );
    for (_, mut join, _) in nodes {
        let _ = join.wait();
    }
    // Where the log is, no cluster is needed to read it.
    let auditor = Sandbox::new();
    let log = cluster.decision_log();
    let log = ["--log", log.to_str().expect("a path in UTF-8")];
    let shown = auditor.slipway(&[&["audit", "show", "--node=worker-2"], &log[..]].concat());
    let shown = shown.success();
    assert!(
        shown.contains("denied by kubernetes-admin: not ours"),
        "{shown}"
    );
    assert!(!shown.contains("worker-1"), "{shown}");
    let verify = [&["audit", "verify", "--output=json"], &log[..]].concat();
    let verified = auditor.slipway(&verify).json();
    let anchor = verified["anchor"].as_str().expect("an anchor");
    let _ = auditor
        .slipway(&[&verify[..], &["--anchor", anchor]].concat())
        .success();
}
