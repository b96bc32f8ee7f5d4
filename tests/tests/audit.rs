//! A decision log that somebody tampered with: what an auditor is told, and that it is told from the log alone.

use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use slipway_tests::{Approval, Backend, Cluster, Finished, Sandbox};

/// A log of two nodes that joined, on the auditor's machine.
struct Evidence {
    auditor: Sandbox,
    folder: PathBuf,
}

impl Evidence {
    fn collect() -> Self {
        let cluster = Cluster::start(&["--auto-approve"]);
        for name in ["worker-1", "worker-2"] {
            let _ = cluster.join(&Sandbox::new(), name, &[]).success();
        }
        // Everything is written when the server has ended.
        let _ = cluster.terminate();
        let auditor = Sandbox::new();
        let folder = auditor.file("evidence");
        std::fs::create_dir(&folder).expect("a folder");
        let log = cluster.sandbox().decision_log();
        std::fs::copy(file(&log), file(&folder)).expect("the log can be copied");
        Self { auditor, folder }
    }

    fn audit(&self, arguments: &[&str]) -> Finished {
        let log = self.folder.to_str().expect("a path in UTF-8");
        self.auditor
            .slipway(&[&["audit", "--log", log], arguments].concat())
    }

    fn anchor(&self) -> String {
        let verified = self.audit(&["verify", "--output=json"]).json();
        verified["anchor"].as_str().expect("an anchor").to_owned()
    }

    /// Changes the lines of the log, and returns what it was.
    fn tamper(&self, change: impl FnOnce(&mut Vec<String>)) -> String {
        let path = file(&self.folder);
        let before = std::fs::read_to_string(&path).expect("the log");
        let mut lines: Vec<_> = before.lines().map(str::to_owned).collect();
        change(&mut lines);
        std::fs::write(&path, lines.join("\n") + "\n").expect("the log can be written");
        before
    }

    fn restore(&self, text: &str) {
        std::fs::write(file(&self.folder), text).expect("the log can be written");
    }

    /// What `audit verify` says of the log.
    fn verdict(&self, arguments: &[&str]) -> String {
        self.audit(&[&["verify"], arguments].concat()).message(3)
    }
}

fn file(folder: &Path) -> PathBuf {
    folder.join("decisions-000001.jsonl")
}

#[test]
fn what_was_changed_removed_or_put_in_between_is_found() {
    let evidence = Evidence::collect();
    let anchor = evidence.anchor();
    let records = evidence.audit(&["show", "--output=json"]).json();
    let count = records.as_array().expect("records").len();
    assert!(count >= 8, "{records}");

    let before = evidence.tamper(|lines| lines[2] = lines[2].replace("worker-1", "worker-9"));
    assert_snapshot!("changed", evidence.verdict(&[]));
    // The record that was changed is not shown as if it were one.
    let shown = evidence.audit(&["show"]);
    assert!(!shown.stdout().contains("worker-9"), "{}", shown.stdout());
    assert_eq!(shown.stdout().lines().count(), 1 + 2, "{}", shown.stdout());
    let _ = shown.failure(3);

    evidence.restore(&before);
    evidence.tamper(|lines| drop(lines.remove(3)));
    assert_snapshot!("removed", evidence.verdict(&[]));

    evidence.restore(&before);
    evidence.tamper(|lines| lines.insert(3, lines[1].clone()));
    assert_snapshot!("put-in-between", evidence.verdict(&[]));

    evidence.restore(&before);
    evidence.tamper(|lines| lines.swap(4, 5));
    assert_snapshot!("swapped", evidence.verdict(&[]));

    evidence.restore(&before);
    evidence.tamper(|lines| lines[0].truncate(20));
    assert_snapshot!("no-record", evidence.verdict(&[]));

    evidence.restore(&before);
    let _ = evidence.audit(&["verify", "--anchor", &anchor]).success();
}

#[test]
fn an_end_that_was_cut_off_is_found_through_an_anchor() {
    let evidence = Evidence::collect();
    let records = |anchor: &str| anchor.split_once(':').expect("a number").0.to_owned();
    let anchor = evidence.anchor();
    evidence.tamper(|lines| drop(lines.pop()));
    let shorter = evidence.anchor();
    let verdict = evidence.verdict(&["--anchor", &anchor]);
    let verdict = verdict
        .replace(&records(&anchor), "EARLIER")
        .replace(&records(&shorter), "NOW");
    assert_snapshot!("cut", verdict);

    // A log that was written anew is bound together as well as the one before.
    let (number, digest) = anchor.split_once(":sha256:").expect("an anchor");
    let digest = digest.replace(|digit| digit != '0', "0");
    let number: u32 = number.parse().expect("a number");
    let other = format!("{}:sha256:{digest}", number - 1);
    let verdict = evidence.verdict(&["--anchor", &other]);
    assert_snapshot!("rewritten", verdict.replace(&records(&other), "NUMBER"));
}

#[test]
fn where_there_is_no_log_it_is_said_where_to_look() {
    let machine = Sandbox::new();
    let message = machine.slipway(&["audit", "verify"]).failure(9);
    assert!(message.contains("--log"), "{message}");
    let message = machine
        .slipway(&["audit", "verify", "--anchor=8"])
        .failure(2);
    assert!(message.contains("<number of records>:sha256:"), "{message}");
}

#[test]
fn a_policy_that_only_looks_on_is_compared_with_what_was_decided() {
    let machine = Sandbox::new();
    let plugins = "apiVersion: slipway.dev/v1alpha1\nkind: PluginConfiguration\ncsrApprovers:\n\
        - name: approve-renewal\n- name: approve-manual\n\
        - name: approve-node-client\n  mode: shadow\n  settings:\n    names: [\"edge-*\"]\n";
    let plugins = machine.write("plugins.yaml", plugins);
    let plugins = plugins.to_str().expect("a path in UTF-8");
    let cluster = Backend::Embedded.launch_with(Approval::Manual, &["--config", plugins]);
    let nodes = ["edge-1", "worker-1"].map(|name| {
        let node = Sandbox::new();
        let join = cluster.start_join(&node, name, &[]);
        (node, join, cluster.request_of(name))
    });
    // What a person decides now is final; the policy would have decided without one.
    for (node, join, request) in nodes {
        cluster.let_in(&node, &request, join);
    }
    let show = ["audit", "show", "--disagreements", "--output=wide"];
    let shown = cluster.slipway(&show).success();
    let (heading, records) = shown.split_once('\n').expect("a heading");
    assert!(heading.contains("APPROVERS"), "{shown}");
    assert_eq!(records.lines().count(), 1, "{shown}");
    assert!(
        records.contains("edge-1")
            && records.contains("approve-node-client (shadow, would have led elsewhere): approve"),
        "{shown}"
    );
}
