//! Two replicas of the controllers that both have work in hand.

use std::collections::BTreeMap;
use std::process::Stdio;

use serde_json::{Value, json};
use slipway_tests::Asked;
use slipway_tests::kubernetes::{AUTOMATIC, Controller, Kubernetes, kubectl};

use super::controller::start;
use super::joins::assert_each_decided_once;

/// Requests that ask for a name that no other asks for.
const ALONE: usize = 40;
/// Names that two keys ask for.
const CLAIMED_TWICE: usize = 5;

/// What the replicas wrote into their logs about requests, by the name of the request.
fn told(replicas: &[&Controller], what: &str) -> BTreeMap<String, usize> {
    let mut told = BTreeMap::new();
    for replica in replicas {
        let log = replica.log();
        for line in log.lines().filter(|line| line.contains(what)) {
            let (_, rest) = line.split_once("request=\"").expect("a request");
            let (name, _) = rest.split_once('"').expect("a name in quotes");
            *told.entry(name.to_owned()).or_default() += 1;
        }
    }
    told
}

fn requests() -> Vec<Value> {
    let alone = (0..ALONE).map(|number| (format!("alone-{number}"), format!("worker-{number}")));
    let claimed = (0..CLAIMED_TWICE).flat_map(|number| {
        ["one", "other"].map(|key| (format!("{key}-{number}"), format!("claimed-{number}")))
    });
    let mut all: Vec<_> = alone.chain(claimed).collect();
    // Those that race for a name come first.
    all.reverse();
    all.iter()
        .map(|(name, node)| Asked::client(name, node).manifest())
        .collect()
}

#[test]
fn fifty_requests_are_decided_once_while_a_leader_wakes_up_that_was_replaced() {
    let mut cluster = Kubernetes::start();
    let invitation = cluster.initialise(&[]);
    let mut first = start(&cluster, AUTOMATIC);
    first.wait_until("ok, leading");
    let mut second = start(&cluster, AUTOMATIC);
    second.wait_until("ok, waiting to lead");

    let list = json!({"apiVersion": "v1", "kind": "List", "items": requests()});
    let file = cluster.sandbox().write("requests.json", &list.to_string());
    let file = file.to_str().expect("a path in UTF-8");
    let token = cluster.kubeconfig_with_token("node", &invitation.token);
    let mut creating = kubectl(&token)
        .args(["create", "--filename", file])
        .stdout(Stdio::null())
        .spawn()
        .expect("kubectl can be started");
    first.wait_until_said("a certificate was issued");
    first.suspend();
    second.wait_until("ok, leading");
    second.wait_until_said("a request was decided");
    first.resume();
    first.wait_until_said("this replica leads no more");
    let created = creating.wait().expect("kubectl can be waited for");
    assert!(created.success());

    let issued = ALONE + CLAIMED_TWICE;
    let served = cluster.wait_for(
        "certificate for every node",
        &["get", "certificatesigningrequests", "--output=json"],
        |printed| {
            let listed: Value = serde_json::from_str(printed).ok()?;
            let listed = listed["items"].as_array()?;
            let served: Vec<_> = listed
                .iter()
                .filter(|request| request["status"]["certificate"] != Value::Null)
                .filter_map(|request| request["metadata"]["name"].as_str())
                .map(str::to_owned)
                .collect();
            (served.len() == issued).then_some(served)
        },
    );
    for number in 0..CLAIMED_TWICE {
        let rivals = ["one", "other"].map(|key| format!("{key}-{number}"));
        let served = rivals.iter().filter(|rival| served.contains(rival));
        assert_eq!(served.count(), 1, "{rivals:?}");
    }
    cluster.wait_for(
        "finding about every name that is taken",
        &[
            "get",
            "certificatesigningrequests",
            "--output=jsonpath={.items[*].status.conditions[*].reason}",
        ],
        |printed| (printed.matches("NameClaimed").count() == CLAIMED_TWICE).then_some(()),
    );
    let replicas = [&first, &second];
    for what in ["a request was decided", "a certificate was issued"] {
        let told = told(&replicas, what);
        assert!(told.values().all(|times| *times == 1), "{what}: {told:?}");
    }
    assert_each_decided_once(&cluster);
}
