//! Tokens are made, listed, used within their bounds, and deleted.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use slipway_tests::{Ability, Approval, Backend, Launched, Sandbox, on_both_backends};

on_both_backends!(
    tokens_are_made_listed_and_deleted,
    a_token_lets_in_whom_it_is_for_and_as_often_as_it_says,
);

pub(crate) fn id(token: &str) -> &str {
    token.split_once('.').expect("a token").0
}

/// A token as `slipway token list` has it.
#[track_caller]
pub(crate) fn listed(cluster: &Launched, id: &str) -> Option<Value> {
    let tokens = cluster.slipway(&["token", "list", "--output=json"]).json();
    let tokens = tokens.as_array().expect("a list");
    tokens.iter().find(|token| token["id"] == id).cloned()
}

fn tokens_are_made_listed_and_deleted(backend: Backend) {
    let cluster = backend.launch(Approval::Manual);
    let create = |flags: &[&str]| cluster.slipway(&[&["token", "create"], flags].concat());

    let token = create(&["--ttl=1h", "--description=for the test", "--node=worker-1"]).success();
    let token = token.trim();
    let first = listed(&cluster, id(token)).expect("it is listed");
    assert_eq!(first["description"], "for the test");
    assert_eq!(first["usages"], json!(["signing", "authentication"]));
    assert_eq!(first["bounds"]["node"], "worker-1");
    assert_eq!(first["expired"], false);
    let all = cluster.slipway(&["token", "list", "--output=wide"]);
    assert!(!all.success().contains(token), "no secret is shown");

    let same = create(&[token]).failure(8);
    assert!(same.contains("slipway token delete"), "{same}");
    let signing = ["--usages=signing"];
    let refused = create(&[&signing[..], &["--print-join-command"]].concat()).failure(2);
    assert!(refused.contains("both usages"), "{refused}");
    let made = create(&[&signing[..], &["--output=json"]].concat()).json();
    assert!(made["joinCommand"].is_null(), "{made}");
    let within = create(&["--cidr=10.0.0.0/8", "--output=json"]);
    match backend.obstacle(Ability::BindTokensToNetworks) {
        None => {
            let made = within.json()["id"].clone();
            let made = listed(&cluster, made.as_str().expect("an ID")).expect("it is listed");
            assert_eq!(made["bounds"]["cidrs"], json!(["10.0.0.0/8"]));
        }
        Some(_) => {
            let refused = within.failure(2);
            assert!(refused.contains("only the embedded API does"), "{refused}");
        }
    }

    let _ = cluster.slipway(&["token", "delete", id(token)]).success();
    assert_eq!(listed(&cluster, id(token)), None);
    let gone = cluster.slipway(&["token", "delete", id(token)]).failure(9);
    assert!(gone.contains("slipway token list"), "{gone}");
}

fn a_token_lets_in_whom_it_is_for_and_as_often_as_it_says(backend: Backend) {
    let cluster = backend.launch(Approval::Automatic);

    let bound = cluster.invitation_with(&["--node=worker-1", "--uses=1"]);
    let refused = bound.join(&Sandbox::new(), "worker-2", &[]).failure(5);
    assert!(refused.contains("for the node worker-1 only"), "{refused}");
    let _ = bound.join(&Sandbox::new(), "worker-1", &[]).success();
    let used = listed(&cluster, id(&bound.token)).expect("it is listed");
    assert_eq!((&used["used"], &used["usesLeft"]), (&1.into(), &0.into()));

    let once = cluster.invitation_with(&["--uses=1"]);
    let _ = once.join(&Sandbox::new(), "worker-3", &[]).success();
    let refused = once.join(&Sandbox::new(), "worker-4", &[]).failure(5);
    assert!(
        refused.contains("its only use is taken, by worker-3 at 20"),
        "{refused}"
    );
    assert!(refused.contains("`slipway token create`"), "{refused}");

    let deleted = cluster.invitation_with(&[]);
    let _ = cluster
        .slipway(&["token", "delete", id(&deleted.token)])
        .success();
    let expired = cluster.invitation_with(&["--ttl=1s"]);
    std::thread::sleep(Duration::from_secs(2));
    for over in [deleted, expired] {
        let node = Sandbox::new();
        let refused = over.join(&node, "worker-5", &["--timeout=3s"]).failure(4);
        assert!(refused.contains("has it expired"), "{refused}");
        assert!(!node.dir().join("kubernetes/kubelet.conf").exists());
    }
    let joined: BTreeSet<_> = cluster
        .requests()
        .iter()
        .filter(|request| request["standing"] == "issued")
        .map(|request| request["node"].to_string())
        .collect();
    let expected = ["worker-1", "worker-3"].map(|node| format!("{node:?}"));
    assert_eq!(joined, expected.into());
}
