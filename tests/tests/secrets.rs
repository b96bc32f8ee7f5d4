//! No secret is in any output, in the log, or in the decision log.

use slipway_tests::{Cluster, Sandbox};

#[test]
fn no_command_prints_a_secret_that_it_was_not_asked_for() {
    let cluster = Cluster::start(&["--auto-approve"]);
    let token = cluster.token();
    let secret = token.split_once('.').expect("a token").1.to_owned();
    let node = Sandbox::new();
    let joined = cluster.join(&node, "worker-1", &["-vv"]);
    let mut outputs = vec![joined.stdout(), joined.stderr()];
    for arguments in [
        &["token", "list"][..],
        &["token", "list", "-o", "json"],
        &["csr", "list", "-o", "json"],
        &["posture", "-o", "json"],
        &["plugin", "list"],
        &["token", "delete", &token],
    ] {
        let run = cluster.slipway(arguments);
        outputs.extend([run.stdout(), run.stderr()]);
    }
    let wrong = cluster.slipway(&["token", "delete", &format!("abc.{secret}")]);
    outputs.extend([wrong.stdout(), wrong.stderr()]);
    let malformed = node.slipway_with(
        ("SLIPWAY_TOKEN", &format!("{secret}{secret}")),
        &[
            "join",
            "127.0.0.1:1",
            "--discovery-token-unsafe-skip-ca-verification",
        ],
    );
    outputs.extend([malformed.stdout(), malformed.stderr()]);
    for misplaced in [
        &["join", "--discovery-token-ca-cert-hash", &token][..],
        &["join", "--node-name", &token],
        &["posture", &token],
        &[&token],
    ] {
        let run = node.slipway(misplaced);
        assert_eq!(run.code(), Some(2), "{misplaced:?}");
        outputs.extend([run.stdout(), run.stderr()]);
    }
    let key = std::fs::read_to_string(cluster.sandbox().dir().join("kubernetes/pki/ca.key"))
        .expect("the CA's key");
    let key = key.lines().nth(1).expect("a key").to_owned();
    for output in &outputs {
        assert!(
            !output.contains(&secret) && !output.contains(&key),
            "a secret in:\n{output}"
        );
    }
    for file in files(&cluster.sandbox().dir().join("state")) {
        if file
            .extension()
            .is_some_and(|extension| extension == "log" || extension == "jsonl")
        {
            let text = std::fs::read_to_string(&file).expect("a log");
            assert!(!text.contains(&secret), "a secret in {}", file.display());
        }
    }
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    std::fs::read_dir(folder)
        .expect("a folder")
        .flatten()
        .flat_map(|entry| {
            if entry.path().is_dir() {
                files(&entry.path())
            } else {
                vec![entry.path()]
            }
        })
        .collect()
}
