//! People look at what nodes ask for, and decide.

use serde_json::Value;
use slipway_tests::{Ability, Approval, Backend, Sandbox, on_both_backends};

on_both_backends!(
    who_looks_changes_nothing_and_what_is_decided_is_final,
    a_request_that_breaks_a_rule_is_not_approved,
);

fn who_looks_changes_nothing_and_what_is_decided_is_final(backend: Backend) {
    let cluster = backend.launch(Approval::Manual);
    let [mut first, mut second] = ["worker-1", "worker-2"].map(|name| {
        let node = Sandbox::new();
        let join = cluster.start_join(&node, name, &[]);
        (node, join)
    });
    let (one, two) = (
        cluster.request_of("worker-1"),
        cluster.request_of("worker-2"),
    );

    let before = cluster.objects();
    let list = cluster.slipway(&["csr", "list"]).success();
    assert_eq!(list.lines().count(), 3, "{list}");
    let shown = cluster
        .slipway(&["csr", "show", &one, "--output=json"])
        .json();
    assert_eq!(shown["passesGuardrails"], true, "{shown}");
    assert_eq!(
        shown["parsed"]["commonNames"][0], "system:node:worker-1",
        "{shown}"
    );
    let watched = cluster
        .slipway(&["csr", "watch", "--timeout=2s", "--output=json"])
        .success();
    for request in [&one, &two] {
        let is_seen = |line: &str| {
            let change: Value = serde_json::from_str(line).expect("a change in JSON");
            change["request"]["name"] == request.as_str()
        };
        assert!(watched.lines().any(is_seen), "no {request} in {watched}");
    }
    let explained = cluster.explain(&one, Approval::Manual);
    assert_eq!(explained["outlook"]["action"], "defer", "{explained}");
    assert_eq!(opinion(&explained, "approve-manual"), "defer");
    let explained = cluster.explain(&one, Approval::Automatic);
    assert_eq!(explained["outlook"]["action"], "approve", "{explained}");
    assert_eq!(opinion(&explained, "approve-node-client"), "approve");
    assert_eq!(cluster.objects(), before, "who looks changes nothing");

    let _ = cluster.slipway(&["csr", "approve", &one]).success();
    let _ = cluster.slipway(&["csr", "deny", &two]).success();
    for (decided, other) in [(&one, "deny"), (&two, "approve")] {
        let again = cluster.slipway(&["csr", other, decided]).failure(8);
        assert!(again.contains("that is final"), "{again}");
    }
    let (joined, refused) = (first.1.wait(), second.1.wait());
    assert!(joined.expect("join can be waited for").success());
    assert_eq!(refused.expect("join can be waited for").code(), Some(5));
    assert_eq!(cluster.standing(&one), "issued");
    assert_eq!(cluster.standing(&two), "denied");
    let condition = cluster
        .kubectl(&["get", "csr", &one, "--output=jsonpath={.status.conditions}"])
        .success();
    assert!(
        condition.contains("approved by kubernetes-admin"),
        "{condition}"
    );
    let shown = cluster
        .slipway(&["csr", "show", &one, "--output=json"])
        .json();
    let by = match backend.obstacle(Ability::NameWhoDecided) {
        None => "kubernetes-admin".into(),
        Some(_) => Value::Null,
    };
    assert_eq!(shown["decidedBy"], by, "{shown}");

    let explained = cluster.explain(&two, Approval::Manual);
    assert_eq!(explained["standing"], "denied", "{explained}");
    assert_eq!(opinion(&explained, "approve-manual"), "defer");

    let unknown = cluster.slipway(&["csr", "show", "no-such"]).failure(9);
    assert!(unknown.contains("slipway csr list"), "{unknown}");
}

/// The verdict of an approver in an explanation.
fn opinion<'a>(explained: &'a Value, approver: &str) -> &'a str {
    let mut opinions = explained["opinions"].as_array().expect("a list").iter();
    let found = opinions.find(|said| said["plugin"] == approver);
    let found = found.unwrap_or_else(|| panic!("no {approver} in {explained}"));
    found["verdict"]["verdict"].as_str().expect("a verdict")
}

fn a_request_that_breaks_a_rule_is_not_approved(backend: Backend) {
    let cluster = backend.launch(Approval::Automatic);
    let manifest = "apiVersion: v1\nkind: Node\nmetadata:\n  name: worker-1\n";
    let file = cluster.sandbox().write("node.yaml", manifest);
    let file = file.to_str().expect("a path in UTF-8");
    let _ = cluster.kubectl(&["create", "--filename", file]).success();

    let refused = cluster.join(&Sandbox::new(), "worker-1", &[]).failure(5);
    assert!(
        refused.contains("a node named worker-1 exists"),
        "{refused}"
    );
    let requests = cluster.requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert_eq!(requests[0]["standing"], "denied", "{requests:?}");
    let request = requests[0]["name"].as_str().expect("a name");
    let explained = cluster.explain(request, Approval::Automatic);
    let reason = explained["outlook"]["reason"].as_str().unwrap_or_default();
    assert_eq!(explained["outlook"]["action"], "deny", "{explained}");
    assert!(
        reason.contains("node-is-new: a node named worker-1 exists"),
        "{reason}"
    );
    assert_eq!(
        explained["opinions"],
        Value::Array(Vec::new()),
        "{explained}"
    );
}
