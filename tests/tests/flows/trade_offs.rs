//! Each trade-off that a command line brings in force is told: by the command, and by `slipway posture` for as long as it is.

use serde_json::{Value, json};
use slipway_tests::{Cluster, Plugin, Sandbox};

/// A token whose secret a person chose.
const TOKEN: &str = "abcdef.0123456789abcdef";

/// The IDs, in order, and what each is about.
fn ids(posture: &Value) -> Vec<(&str, &str)> {
    let entries = posture.as_array().expect("a list").iter();
    let mut ids: Vec<_> = entries
        .map(|entry| (text(&entry["id"]), text(&entry["detail"])))
        .collect();
    ids.sort_unstable();
    ids
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn posture(machine: &Sandbox) -> Value {
    machine.slipway(&["posture", "--output=json"]).json()
}

/// The CA's key, as the posture has it.
fn key(cluster: &Cluster) -> String {
    cluster.ca().with_extension("key").display().to_string()
}

#[test]
fn what_a_cluster_opens_is_told() {
    let kept = "ca-key-on-this-machine";
    let cluster = Cluster::start(&[]);
    assert_eq!(
        ids(&posture(cluster.sandbox())),
        [(kept, key(&cluster).as_str())],
        "it is all that nobody opts into"
    );

    let machine = Sandbox::new();
    let file = machine.write(
        "plugins.yaml",
        "apiVersion: slipway.dev/v1alpha1
kind: PluginConfiguration
csrApprovers:
- name: approve-renewal
- name: approve-manual
- name: approve-node-serving
  settings: {nodeNames: 'worker-[0-9]+', compareWith: {inventory: {file: nodes.json}}}
  grants: {filesystem: [{name: inventory, path: .}]}
endpointProviders:
- name: endpoints-dns
  settings: {hosts: [localhost]}
  grants: {dns: true}
",
    );
    let file = file.to_str().expect("a path in UTF-8");
    let init = [
        "--config",
        file,
        "--omit-ca-from-cluster-info",
        "--token-ttl=0",
        "--token",
        TOKEN,
    ];
    let cluster = Cluster::start_in(machine, &init);
    let opened = [
        ("ca-omitted-from-cluster-info", ""),
        ("plugin-with-files", "approve-node-serving"),
        ("plugin-with-network", "endpoints-dns"),
        ("token-never-expires", "abcdef"),
        ("weak-token-secret", "abcdef"),
    ];
    let with = |more: &[(&'static str, &'static str)]| {
        let mut all = [&opened[..], more].concat();
        all.sort_unstable();
        all
    };
    assert_eq!(
        ids(&cluster.answer()["posture"]),
        with(&[
            (kept, "made by slipway"),
            ("secret-in-arguments", "--token")
        ])
    );
    let in_force = posture(cluster.sandbox());
    let mut in_force = ids(&in_force);
    in_force.retain(|entry| *entry != (kept, key(&cluster).as_str()));
    assert_eq!(in_force, opened);

    let _ = cluster.slipway(&["token", "delete", "abcdef"]).success();
    let in_force = posture(cluster.sandbox());
    let of_tokens = |(id, _): &(&str, &str)| id.contains("token");
    assert!(!ids(&in_force).iter().any(of_tokens), "{in_force}");
}

/// Who makes a token or joins is told at once; what was on a command line is not to be seen later.
#[test]
fn what_a_token_opens_is_told() {
    let cluster = Cluster::start(&["--auto-approve"]);
    let told = |id: &str, about: &str, said: &str| {
        let announced = |line: &str| line.contains(&format!(" {id}: ")) && line.ends_with(about);
        assert!(said.lines().any(announced), "no {id} about {about}: {said}");
    };
    let quiet = cluster.slipway(&["token", "create"]);
    let _ = quiet.success();
    assert!(!quiet.stderr().contains("warning"), "{}", quiet.stderr());

    let made = cluster.slipway(&["token", "create", "--ttl=0", TOKEN]);
    let _ = made.success();
    for id in [
        "token-never-expires",
        "weak-token-secret",
        "secret-in-arguments",
    ] {
        told(id, "(abcdef)", &made.stderr());
    }

    let (node, server, pin) = (Sandbox::new(), cluster.server(), cluster.pin());
    let join = cluster.join_arguments(&server, &pin, "worker-1");
    let joined = node.slipway(&[&join[..], &["--token", TOKEN]].concat());
    let _ = joined.success();
    told("secret-in-arguments", "(--token)", &joined.stderr());
}

#[test]
fn what_a_trust_source_of_others_costs_is_told() {
    let cluster = Cluster::start(&["--auto-approve"]);
    let Plugin { path, digest } =
        Plugin::build_trust_source("tests/guests/trust-on-its-word", "trust-on-its-word");
    let node = Sandbox::new();
    let ca = std::fs::read_to_string(cluster.ca()).expect("a certificate");
    let policy = json!({
        "apiVersion": "slipway.dev/v1alpha1",
        "kind": "PluginConfiguration",
        "trustSources": [
            {"name": "on-its-word", "source": path, "digest": digest, "settings": {"ca": ca}},
        ],
    });
    let policy = node.write("plugins.yaml", &policy.to_string());
    let policy = policy.to_str().expect("a path in UTF-8");
    let join = |more: &[&str]| {
        let server = cluster.server();
        let arguments = ["join", &server, "--node-name=worker-1", "--config", policy];
        let all = [&arguments[..], more].concat();
        node.slipway_with(("SLIPWAY_TOKEN", &cluster.token()), &all)
    };
    // What would do for a signature does not do for a word.
    let unpinned = join(&["--discovery-token-unsafe-skip-ca-verification"]);
    let refused = unpinned.failure(3);
    assert!(
        refused.contains("the trust source alone vouches for it"),
        "{refused}"
    );
    assert_eq!(node.made(), [""; 0]);

    let joined = join(&["--discovery-unsafe-trust-source=on-its-word"]);
    let _ = joined.success();
    let announced = "high unverified-trust-source: ";
    assert!(joined.stderr().contains(announced), "{}", joined.stderr());
    let accepted = [("unverified-trust-source", "on-its-word")];
    assert_eq!(ids(&posture(&node)), accepted);
}
