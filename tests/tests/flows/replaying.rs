//! What was decided is decided again, by the same policy and by others.

use std::fs;

use serde_json::Value;
use slipway_tests::{Backend, Finished, Launched, Sandbox, on_both_backends};

on_both_backends!(what_was_decided_can_be_tried_with_another_policy);

fn policy(names: &str, folder: &str) -> String {
    format!(
        "apiVersion: slipway.dev/v1alpha1
kind: PluginConfiguration
csrApprovers:
- name: approve-renewal
- name: inventory
  source: approve-node-client
  settings: {{namesFile: {names}, otherName: deny}}
  grants:
    filesystem:
    - name: inventory
      path: {folder}
"
    )
}

fn what_was_decided_can_be_tried_with_another_policy(backend: Backend) {
    let inventory = Sandbox::new();
    let names = inventory.write("names", "worker-1\nworker-3\n");
    let folder = names.parent().expect("a folder").display().to_string();
    let cluster = backend.launch_by(&policy("names", &folder));
    let _ = cluster.join(&Sandbox::new(), "worker-1", &[]).success();
    let _ = cluster.join(&Sandbox::new(), "worker-2", &[]).failure(5);
    let log = cluster.decision_log();
    let log = log.to_str().expect("a path in UTF-8");

    // Anywhere, without the cluster and without the inventory: what was read then is told again.
    fs::remove_file(&names).expect("a file");
    let elsewhere = Sandbox::new();
    let replay = |more: &[&str]| -> Finished {
        let arguments = ["audit", "replay", "--log", log];
        elsewhere.slipway(&[&arguments[..], more].concat())
    };
    let decided = |more: &[&str]| -> Vec<(String, String, String, String)> {
        let answer = replay(&[more, &["--output=json"]].concat()).success();
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert_eq!(answer["unrecorded"], Value::Array(Vec::new()), "{answer}");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut decided: Vec<_> = answer["decisions"]
            .as_array()
            .expect("decisions")
            .iter()
            .map(|one| {
                let (then, now) = (&one["then"]["action"], &one["now"]["action"]);
                (
                    text(&one["node"]),
                    text(then),
                    text(now),
                    text(&one["comparison"]),
                )
            })
            .collect();
        decided.dedup();
        decided
    };
    let is = |node: &str, then: &str, now: &str, comparison: &str| {
        (
            node.to_owned(),
            then.to_owned(),
            now.to_owned(),
            comparison.to_owned(),
        )
    };
    let same = elsewhere.write("same.yaml", &policy("names", "/no/such/folder"));
    let same = ["--config", same.to_str().expect("a path in UTF-8")];
    assert_eq!(decided(&same), []);
    let all = [&same[..], &["--all"]].concat();
    assert_eq!(
        decided(&all),
        [
            is("worker-1", "approve", "approve", "same"),
            is("worker-2", "deny", "deny", "same")
        ]
    );

    // Other settings for the same component, and another component.
    let only_two = [
        "--plugin=approve-node-client",
        "--settings={names: [worker-2], otherName: deny}",
    ];
    let exchanged = [
        is("worker-1", "approve", "deny", "different"),
        is("worker-2", "deny", "approve", "different"),
    ];
    assert_eq!(decided(&only_two), exchanged);
    let rules = r#"--settings={"rules": [{"name": "two", "when": "request.nodeName == 'worker-2'", "then": "approve"}], "otherwise": "deny"}"#;
    assert_eq!(decided(&["--plugin=approve-rules", rules]), exchanged);
    let in_place = [&same[..], &only_two, &["--in-place-of=inventory"]].concat();
    assert_eq!(decided(&in_place), exchanged);
    assert_eq!(
        decided(&["--plugin=approve-rules", rules, "--node=worker-2"]),
        [is("worker-2", "deny", "approve", "different")]
    );

    // What nobody asked then has no answer.
    let unknown = elsewhere.write("unknown.yaml", &policy("others", "/no/such/folder"));
    let unknown = ["--config", unknown.to_str().expect("a path in UTF-8")];
    let shown = replay(&unknown).success();
    assert!(shown.contains("<unknown>"), "{shown}");
    assert!(shown.contains("the file inventory/others"), "{shown}");

    let refused = replay(&[&same[..], &only_two, &["--in-place-of=nobody"]].concat()).failure(2);
    assert!(
        refused.contains("expected one of approve-renewal, inventory"),
        "{refused}"
    );
    let refused = replay(&[]).failure(9);
    assert!(refused.contains("give --config"), "{refused}");
    let refused = replay(&["--plugin=approve-rules", "--settings={rules: ["]).failure(2);
    assert!(refused.contains("--settings cannot be read"), "{refused}");

    a_recording_that_was_altered_is_none(&cluster, &replay, &all);
}

/// The record names what was seen by digest: an inventory that is written into the recording afterwards is not believed.
fn a_recording_that_was_altered_is_none(
    cluster: &Launched,
    replay: &impl Fn(&[&str]) -> Finished,
    all: &[&str],
) {
    let recordings = cluster.decision_log().join("recordings");
    for file in fs::read_dir(recordings).expect("recordings") {
        let file = file.expect("a file").path();
        let text = fs::read_to_string(&file).expect("text");
        fs::write(&file, text.replace("worker-3", "worker-2")).expect("a file that can be written");
    }
    let answer = replay(&[all, &["--output=json"]].concat()).success();
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!(answer["decisions"], Value::Array(Vec::new()), "{answer}");
    let unrecorded = answer["unrecorded"].as_array().expect("records");
    assert!(unrecorded.len() >= 2, "{answer}");
}
