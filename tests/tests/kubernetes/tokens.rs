//! Bootstrap tokens that kubeadm and Slipway make on the same cluster.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use slipway_config::token::BootstrapToken;
use slipway_pki::jws;
use slipway_tests::Sandbox;
use slipway_tests::kubernetes::{ALL_CONTROLLERS, Kubernetes};

/// kubeadm prints one document after the other.
fn listed_by_kubeadm(cluster: &Kubernetes) -> Vec<Value> {
    let printed = cluster
        .kubeadm(&["token", "list", "--output=json"])
        .success();
    serde_json::Deserializer::from_str(&printed)
        .into_iter()
        .map(|token| token.expect("kubeadm prints JSON"))
        .collect()
}

fn listed_by_slipway(cluster: &Kubernetes) -> Vec<Value> {
    let listed = cluster.slipway(&["token", "list", "--output=json"]).json();
    listed.as_array().expect("a list").clone()
}

fn id(token: &str) -> &str {
    token.split_once('.').expect("a token").0
}

/// The tokens that both list, by their IDs, as kubeadm and as Slipway show them.
fn listed(cluster: &Kubernetes) -> BTreeMap<String, (Value, Value)> {
    let mut by_kubeadm: BTreeMap<_, _> = listed_by_kubeadm(cluster)
        .into_iter()
        .map(|token| {
            let text = token["token"].as_str().expect("a token").to_owned();
            (id(&text).to_owned(), token)
        })
        .collect();
    let both: BTreeMap<_, _> = listed_by_slipway(cluster)
        .into_iter()
        .map(|token| {
            let id = token["id"].as_str().expect("an ID").to_owned();
            let same = by_kubeadm.remove(&id);
            let same = same.unwrap_or_else(|| panic!("kubeadm does not list {id}"));
            (id, (same, token))
        })
        .collect();
    assert!(by_kubeadm.is_empty(), "Slipway lists no {by_kubeadm:?}");
    both
}

/// What a token is for, in no order.
fn usages(token: &Value) -> BTreeSet<&str> {
    let usages = token["usages"].as_array().expect("a list");
    usages.iter().filter_map(Value::as_str).collect()
}

#[test]
fn each_sees_describes_and_deletes_the_others() {
    let cluster = Kubernetes::initialised_by_kubeadm();
    let first = cluster.invitation().token;
    let by_kubeadm = cluster
        .kubeadm(&[
            "token",
            "create",
            "--description=made by kubeadm",
            "--ttl=1h",
            "--usages=authentication",
        ])
        .success();
    let by_slipway = cluster
        .slipway(&[
            "token",
            "create",
            "--description=made by Slipway",
            "--ttl=2h",
            "--output=json",
        ])
        .json();
    let by_kubeadm = id(by_kubeadm.trim());
    let by_slipway = by_slipway["id"].as_str().expect("an ID");

    let tokens = listed(&cluster);
    let ids: Vec<_> = tokens.keys().map(String::as_str).collect();
    let mut expected = vec![by_kubeadm, by_slipway, id(&first)];
    expected.sort_unstable();
    assert_eq!(ids, expected);
    for (theirs, ours) in tokens.values() {
        for field in ["expires", "groups"] {
            assert_eq!(theirs[field], ours[field], "{theirs} {ours}");
        }
        assert_eq!(usages(theirs), usages(ours), "{theirs} {ours}");
        let described = theirs["description"].as_str().unwrap_or_default();
        assert_eq!(described, ours["description"], "{theirs} {ours}");
    }
    assert_eq!(tokens[by_kubeadm].1["description"], "made by kubeadm");
    assert_eq!(
        tokens[by_kubeadm].1["usages"],
        serde_json::json!(["authentication"])
    );
    assert_eq!(tokens[by_slipway].0["description"], "made by Slipway");

    let _ = cluster.slipway(&["token", "delete", by_kubeadm]).success();
    let _ = cluster.kubeadm(&["token", "delete", by_slipway]).success();
    let left = listed(&cluster);
    assert_eq!(left.keys().collect::<Vec<_>>(), [id(&first)]);
    let gone = cluster.slipway(&["token", "delete", by_slipway]);
    assert_ne!(gone.code(), Some(0), "{}", gone.stdout());
}

#[test]
fn a_node_joins_with_a_token_of_slipway_until_kubeadm_deletes_it() {
    let mut cluster = Kubernetes::initialised_by_kubeadm();
    cluster.start_controllers(ALL_CONTROLLERS, &[]);
    let created = cluster
        .slipway(&["token", "create", "--output=json"])
        .json();
    let token = created["token"].as_str().expect("a token");
    let invitation = cluster.invitation().with_token(token);
    let command = created["joinCommand"].as_str().expect("a command");
    for part in [&invitation.server, &invitation.pin] {
        assert!(command.contains(part.as_str()), "{command}");
    }
    let _ = invitation
        .join(&Sandbox::new(), "worker-1", &["--timeout=2m"])
        .success();

    let _ = cluster.kubeadm(&["token", "delete", id(token)]).success();
    let late = Sandbox::new();
    let refused = invitation.join(&late, "worker-2", &["--timeout=20s"]);
    assert_ne!(refused.code(), Some(0), "{}", refused.stdout());
    assert!(!late.dir().join("kubernetes/kubelet.conf").exists());
}

#[test]
fn the_signatures_of_kubernetes_are_those_of_slipway() {
    let mut cluster = Kubernetes::initialised_by_kubeadm();
    cluster.start_controllers("bootstrapsigner", &[]);
    let created = cluster
        .slipway(&["token", "create", "--output=json"])
        .json();
    let tokens = [
        cluster.invitation().token,
        created["token"].as_str().expect("a token").to_owned(),
    ];
    let keys = tokens
        .each_ref()
        .map(|token| format!("jws-kubeconfig-{}", id(token)));
    let data = cluster.wait_for(
        "signature of both tokens",
        &[
            "get",
            "configmap",
            "cluster-info",
            "--namespace=kube-public",
            "--output=jsonpath={.data}",
        ],
        |printed| {
            let data: Value = serde_json::from_str(printed).ok()?;
            keys.iter()
                .all(|key| data.get(key).is_some())
                .then_some(data)
        },
    );
    let document = data["kubeconfig"].as_str().expect("a kubeconfig");
    for (token, key) in tokens.iter().zip(&keys) {
        let token: BootstrapToken = token.parse().expect("a token");
        let signed = jws::sign(&token, document.as_bytes()).expect("a signature");
        assert_eq!(data[key], signed, "{key}");
    }
}
