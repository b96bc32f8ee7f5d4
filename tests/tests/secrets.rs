//! No secret is in any output, in the log, or in the decision log.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use slipway_tests::{Approval, Backend, Cluster, Finished, Sandbox, bounded, on_both_backends};

on_both_backends!(no_command_prints_a_secret_in_any_form);

/// Commands that are not looked at, and why.
const LEFT_OUT: [&str; 1] = [
    // It makes a cluster of its own, whose secrets nobody else knows.
    "demo",
];

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

fn no_command_prints_a_secret_in_any_form(backend: Backend) {
    let cluster = backend.launch(Approval::Manual);
    let machine = cluster.sandbox();
    let (joined, waiting) = (Sandbox::new(), Sandbox::new());
    let join = cluster.start_join(&joined, "worker-1", &["-vvv"]);
    let issued = cluster.request_of("worker-1");
    cluster.let_in(&joined, &issued, join);
    let mut join = cluster.start_join(&waiting, "worker-2", &["-vvv"]);
    let open = cluster.request_of("worker-2");
    let bound = cluster.invitation_with(&["--node=worker-3"]).token;
    let first = &cluster.invitation().token;

    let mut secrets = Secrets::default();
    for token in [first, &bound] {
        secrets.add_token(token);
    }
    for folder in [machine.path(), joined.path(), waiting.path()] {
        secrets.add_files(folder);
    }

    let ca = cluster.ca();
    let paths = [
        ca.clone(),
        ca.with_extension("key"),
        cluster.policy_file(),
        cluster.decision_log(),
    ];
    let [ca, key, policy, log] = paths
        .each_ref()
        .map(|path| path.to_str().expect("a path in UTF-8"));
    let (server, pin) = (&cluster.invitation().server, &cluster.invitation().pin);
    let malformed = format!("abc.{}", first.split_once('.').expect("a token").1);
    let pinned = |flag, token| {
        let pin = ["--discovery-token-ca-cert-hash", pin];
        [&["join", server][..], &pin, &[flag, token]].concat()
    };
    let [with_malformed, with_a_key] = [
        pinned("--token", malformed.as_str()),
        pinned("--token-file", key),
    ];
    let on_the_cluster = [
        &["token", "list"][..],
        &["token", "create", first],
        &["token", "create", &malformed],
        &["token", "create", "--token-file", key],
        &["token", "delete", &malformed],
        &["csr", "list"],
        &["csr", "show", &open],
        &["csr", "show", first],
        &["csr", "explain", &open, "--config", policy],
        &["csr", "explain", &issued, "--config", policy],
        &["csr", "explain", &issued, "--config", key],
        &["csr", "watch", "--timeout=1s"],
        &["csr", "approve", &issued],
        &["csr", "approve", first],
        &["posture"],
        &["posture", "--fail-on=low"],
        &["init", "--dry-run"],
        &["init", "--skip-token-print", "--token", &malformed],
        &["init", "--skip-token-print", "--token-file", key],
        &[
            "discovery",
            "serve",
            "--tls-cert-file",
            key,
            "--tls-key-file",
            key,
        ],
        &[
            "controller",
            "--sign",
            "--ca-cert-file",
            key,
            "--ca-key-file",
            key,
        ],
        // What changes something stands last.
        &["csr", "deny", &open],
        &["token", "delete", &bound],
    ];
    let on_the_machine = [
        &["token", "generate"][..],
        &["token", "list", "--kubeconfig", key],
        &["init", "phase"],
        &["join", "phase"],
        &with_malformed,
        &with_a_key,
        &["join", server, "--token", first, "--ca-file", key],
        &["join", "--discovery-file", key],
        &["join", "--config", key],
        &["serve", "--listen", server],
        &["controller", "manifest", "--image=slipway"],
        &["plugin", "list"],
        &["plugin", "list", "--config", key],
        &["plugin", "inspect", "approve-manual"],
        &["plugin", "inspect", key],
        &["certs", "ca-hash", ca],
        &["certs", "ca-hash", key],
        &["audit", "show", "--log", log],
        &["audit", "verify", "--log", log],
        &["audit", "verify", "--log", key],
        &["audit", "verify", "--log", log, "--public-key", key],
        &["audit", "head", "--log", log],
        &["audit", "public-key"],
        &["audit", "replay", "--log", log, "--config", policy, "--all"],
        &["config", "print", "join"],
        &["config", "schema", "join"],
        &["config", "validate", policy],
        &["config", "validate", key],
        &["version"],
        &["completion", "bash"],
        &["reset", "--dry-run"],
    ];
    for command in leaves(machine, "") {
        let mut ran = on_the_cluster.iter().chain(&on_the_machine);
        assert!(
            LEFT_OUT.contains(&command.as_str())
                || ran.any(|words| words.join(" ").starts_with(&command)),
            "nobody looks at what `slipway {command}` prints"
        );
    }
    for form in ["text", "wide", "json", "yaml"] {
        let form = ["-vvv", "--output", form];
        for words in on_the_cluster {
            let command = cluster.command(&[words, &form].concat());
            secrets.assert_unsaid(words, &Finished::of(&mut bounded(&command), ""));
        }
        for words in on_the_machine {
            let command = machine.command(&[words, &form].concat());
            secrets.assert_unsaid(words, &Finished::of(&mut bounded(&command), ""));
        }
    }

    // Everything that anybody could log of a join.
    let traced_node = Sandbox::new();
    let mut traced = cluster.invitation().command(&traced_node, "worker-4");
    traced.arg("--timeout=3s").env("SLIPWAY_LOG", "trace");
    secrets.assert_unsaid(&["join"], &Finished::of(&mut traced, ""));

    // It was denied.
    let _ = join.wait();
    for node in [&joined, &waiting] {
        secrets.assert_absent("join.log", &read(&node.file("join.log")));
    }
    secrets.assert_absent("the controllers' log", &cluster.log());
    for file in files(&cluster.decision_log()) {
        secrets.assert_absent(&file.display().to_string(), &read(&file));
    }
}

/// The commands below one that have none below themselves, as its help lists them.
fn leaves(machine: &Sandbox, command: &str) -> Vec<String> {
    let words: Vec<_> = command.split_whitespace().chain(["-h"]).collect();
    let help = machine.slipway(&words).success();
    let Some((_, listed)) = help.split_once("\nCommands:\n") else {
        return vec![command.to_owned()];
    };
    listed
        .split("\n\n")
        .next()
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .flat_map(|name| leaves(machine, format!("{command} {name}").trim()))
        .collect()
}

/// What nobody may say.
#[derive(Default)]
struct Secrets(Vec<String>);

impl Secrets {
    /// The secret of a token, as it is and as a Secret holds it.
    fn add_token(&mut self, token: &str) {
        let (_, secret) = token.split_once('.').expect("a token");
        self.0.extend([secret.to_owned(), STANDARD.encode(secret)]);
    }

    /// The keys in the files of a machine: of each what its first line says, and those in kubeconfigs.
    fn add_files(&mut self, folder: &Path) {
        let keys = r"(?:PRIVATE KEY-----(?:\\n|\n)|client-key-data: )([A-Za-z0-9+/=]{32,})";
        let keys = Regex::new(keys).expect("a pattern");
        let before = self.0.len();
        for file in files(folder) {
            let extension = file.extension().and_then(|extension| extension.to_str());
            if matches!(extension, Some("key" | "conf" | "pem" | "json")) {
                let text = read(&file);
                let found = keys.captures_iter(&text);
                self.0.extend(found.map(|found| found[1].to_owned()));
            }
        }
        assert!(self.0.len() > before, "no key in {}", folder.display());
    }

    #[track_caller]
    fn assert_unsaid(&self, command: &[&str], run: &Finished) {
        let said = format!("{}{}", run.stdout(), run.stderr());
        assert_ne!(run.code(), Some(124), "{command:?} did not end:\n{said}");
        self.assert_absent(&format!("{command:?}"), &said);
    }

    #[track_caller]
    fn assert_absent(&self, from: &str, text: &str) {
        let said = self.0.iter().find(|secret| text.contains(secret.as_str()));
        assert!(said.is_none(), "{said:?} is in what {from} says:\n{text}");
    }
}

fn read(file: &Path) -> String {
    let bytes = std::fs::read(file).expect("a file");
    String::from_utf8_lossy(&bytes).into_owned()
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
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
