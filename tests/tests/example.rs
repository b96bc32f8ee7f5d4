//! The example approver, as its author and an operator would use it: built, inspected, granted what it needs, and
//! refused without.

use std::path::Path;
use std::time::Duration;

use slipway_tests::{Cluster, Plugin, Sandbox};

fn example() -> Plugin {
    Plugin::build("examples/approve-inventory", "approve-inventory")
}

fn configuration(example: &Plugin, grants: &str) -> String {
    format!(
        "apiVersion: slipway.dev/v1alpha1\nkind: PluginConfiguration\ncsrApprovers:\n\
         - name: approve-renewal\n\
         - name: inventory\n  source: {}\n  digest: {}\n  settings:\n    file: machines.txt\n{grants}",
        example.path, example.digest
    )
}

/// A cluster with the example as its policy, granted a folder that `fill` has put the inventory into.
fn cluster_with(fill: impl FnOnce(&Path)) -> Cluster {
    let sandbox = Sandbox::new();
    let inventory = sandbox.file("inventory");
    std::fs::create_dir(&inventory).expect("a folder");
    fill(&inventory.join("machines.txt"));
    let grants = format!(
        "  grants:\n    filesystem:\n    - name: inventory\n      path: {}\n",
        inventory.display()
    );
    let file = sandbox.write("plugins.yaml", &configuration(&example(), &grants));
    Cluster::start_in(
        sandbox,
        &["--config", file.to_str().expect("a path in UTF-8")],
    )
}

#[test]
fn lets_in_what_is_in_the_inventory_and_nobody_else() {
    let cluster = cluster_with(|file| {
        std::fs::write(file, "# our machines\nworker-1\n").expect("a file");
    });
    let _ = cluster
        .join(&Sandbox::new(), "worker-1", &["--timeout=30s"])
        .success();
    let stranger = cluster.join(&Sandbox::new(), "stranger", &["--timeout=5s"]);
    assert_ne!(stranger.code(), Some(0));
    assert!(
        stranger.stderr().contains("inventory"),
        "the reason is told:\n{}",
        stranger.stderr()
    );
}

#[test]
fn is_refused_without_its_grant_with_the_line_to_add() {
    let sandbox = Sandbox::new();
    let example = example();
    let file = sandbox.write("plugins.yaml", &configuration(&example, ""));
    let refused = sandbox
        .slipway(&[
            "init",
            "--apiserver-advertise-address=127.0.0.1",
            "--apiserver-bind-port=0",
            "--config",
            file.to_str().expect("a path in UTF-8"),
        ])
        .failure(2);
    assert!(
        refused.contains("inventory")
            && refused.contains("wasi:filesystem")
            && refused.contains("grants"),
        "{refused}"
    );
    assert!(!sandbox.dir().exists(), "nothing is made");
}

#[test]
fn a_file_that_never_answers_lets_nobody_in_and_keeps_nobody_from_stopping() {
    let cluster = cluster_with(|file| {
        let made = std::process::Command::new("mkfifo").arg(file).status();
        assert!(made.expect("mkfifo runs").success());
    });
    let waiting = cluster.join(&Sandbox::new(), "worker-1", &["--timeout=5s"]);
    assert_ne!(waiting.code(), Some(0));
    assert!(
        waiting.stderr().contains("did not answer within"),
        "the reason is told:\n{}",
        waiting.stderr()
    );
    let took = cluster.terminate();
    assert!(took < Duration::from_secs(10), "{took:?}");
}
