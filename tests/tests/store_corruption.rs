//! What the server keeps on disk and somebody damaged: it refuses to start, says which file and what to do, and leaves
//! the file as it is; with the file as it was, everything is there again.

use std::fs;
use std::path::PathBuf;

use insta::assert_snapshot;
use slipway_tests::{Cluster, Finished, Sandbox};

/// A cluster whose server is stopped, with something in its store that is nowhere else.
struct Stopped {
    cluster: Cluster,
    store: PathBuf,
    token: String,
}

impl Stopped {
    fn new() -> Self {
        let cluster = Cluster::start(&[]);
        let token = cluster
            .slipway(&["token", "create", "--output=json"])
            .json()["id"]
            .as_str()
            .expect("an ID")
            .to_owned();
        cluster.stop();
        let store = cluster.sandbox().dir().join("state/store.redb");
        Self {
            cluster,
            store,
            token,
        }
    }

    fn serve(&self) -> Finished {
        self.cluster.refused_serve()
    }

    /// With the store as it was, the server starts and has everything.
    fn assert_whole(&self) {
        let _server = self.cluster.restart();
        let tokens = self.cluster.slipway(&["token", "list"]).success();
        assert!(tokens.contains(&self.token), "{tokens}");
    }
}

/// Every occurrence of a text, in the pages in use and in those that are not any more, with one bit flipped.
fn flipped(bytes: &[u8], text: &str) -> Vec<u8> {
    let mut damaged = bytes.to_vec();
    let places: Vec<usize> = bytes
        .windows(text.len())
        .enumerate()
        .filter(|(_, window)| *window == text.as_bytes())
        .map(|(place, _)| place)
        .collect();
    assert!(!places.is_empty(), "{text} is not in the store");
    for place in places {
        damaged[place] ^= 1;
    }
    damaged
}

#[test]
fn a_store_whose_bytes_were_changed() {
    let stopped = Stopped::new();
    let whole = fs::read(&stopped.store).expect("the store");
    let middle = whole.len() / 2;
    let mut overwritten = whole.clone();
    overwritten[middle - 4096..middle].fill(b'x');
    let damages: [(&str, Vec<u8>); 7] = [
        ("empty", Vec::new()),
        ("garbage", vec![b'x'; whole.len()]),
        ("cut-in-the-header", whole[..100].to_vec()),
        ("cut-in-the-middle", whole[..middle].to_vec()),
        ("cut-at-the-end", whole[..whole.len() - 1].to_vec()),
        ("bit-flipped", flipped(&whole, &stopped.token)),
        ("sqlite", b"SQLite format 3\0".repeat(1000)),
    ];
    for (name, damaged) in damages {
        fs::write(&stopped.store, &damaged).expect("the store can be damaged");
        let message = stopped.serve().message(1);
        let length = format!("file_len={}", damaged.len());
        assert_snapshot!(name, message.replace(&length, "file_len=LENGTH"));
        assert_eq!(
            fs::read(&stopped.store).expect("the store"),
            damaged,
            "{name}: the file is left as it is"
        );
    }
    fs::write(&stopped.store, &whole).expect("the store can be put back");
    stopped.assert_whole();
}

#[test]
fn something_else_where_the_store_should_be() {
    let stopped = Stopped::new();
    let kept = stopped.store.with_extension("kept");
    fs::rename(&stopped.store, &kept).expect("the store can be moved");
    assert_snapshot!("missing", stopped.serve().message(9));
    assert!(!stopped.store.exists(), "no empty store in its place");

    fs::create_dir(&stopped.store).expect("a folder");
    fs::write(stopped.store.join("mine.txt"), "mine").expect("a file");
    assert_snapshot!("folder", stopped.serve().message(1));
    assert_eq!(
        fs::read_to_string(stopped.store.join("mine.txt")).expect("the file"),
        "mine"
    );
    fs::remove_dir_all(&stopped.store).expect("the folder can be removed");

    fs::rename(&kept, &stopped.store).expect("the store can be put back");
    stopped.assert_whole();
}

#[test]
fn a_cluster_without_its_store_goes_on_as_the_message_says() {
    let stopped = Stopped::new();
    fs::write(&stopped.store, "garbage").expect("the store can be damaged");
    let said = stopped.serve().message(1);
    let phases = ["namespaces", "bootstrap-token", "cluster-info", "rbac"];
    assert!(
        said.contains("--new-store") && said.contains(&phases.join(", ")),
        "{said}"
    );

    let away = stopped.store.with_extension("away");
    fs::rename(&stopped.store, &away).expect("the store can be moved");
    let cluster = &stopped.cluster;
    let _server = cluster.restart_with(&["--new-store"]);
    for phase in phases {
        cluster.init_phase(phase);
    }
    let token = cluster
        .slipway(&["token", "create", "--output=json"])
        .json();
    let token = token["token"].as_str().expect("a token");
    let (server, pin) = (cluster.server(), cluster.pin());
    let join = cluster.join_arguments(&server, &pin, "worker-1");
    let node = Sandbox::new();
    let mut joining = node.spawn("join.log", ("SLIPWAY_TOKEN", token), &join);
    let request = cluster.request_of("worker-1");
    let _ = cluster.slipway(&["csr", "approve", &request]).success();
    assert!(joining.wait().expect("a child").success());
    assert_eq!(fs::read(&away).expect("the store"), b"garbage");
}

#[test]
fn a_server_that_runs_keeps_its_store_to_itself() {
    let cluster = Cluster::start(&[]);
    assert_snapshot!(
        "second-server",
        cluster
            .refused_serve()
            .message(8)
            .replace(&cluster.pid().to_string(), "PID")
    );
    assert!(cluster.slipway(&["token", "list"]).code() == Some(0));
}

#[test]
fn the_other_files_of_a_server() {
    let stopped = Stopped::new();
    for (name, file, code) in [
        ("settings", "state/server.json", 1),
        ("cluster-record", "state/cluster.json", 1),
        ("plugins", "kubernetes/slipway.yaml", 2),
        ("ca", "kubernetes/pki/ca.crt", 1),
        ("ca-key", "kubernetes/pki/ca.key", 1),
        ("server-certificate", "kubernetes/pki/apiserver.crt", 1),
        ("server-key", "kubernetes/pki/apiserver.key", 1),
    ] {
        let path = stopped.cluster.sandbox().dir().join(file);
        let whole = fs::read(&path).expect("the file");
        fs::write(&path, "{ not what it was").expect("the file can be damaged");
        assert_snapshot!(name, stopped.serve().message(code));
        assert_eq!(fs::read(&path).expect("the file"), b"{ not what it was");
        fs::write(&path, whole).expect("the file can be put back");
    }
    stopped.assert_whole();
}

#[test]
fn a_servers_certificate_is_made_anew_as_the_message_says() {
    let stopped = Stopped::new();
    let pki = stopped.cluster.sandbox().dir().join("kubernetes/pki");
    fs::write(pki.join("apiserver.key"), "{ not what it was").expect("the key can be damaged");
    assert!(stopped.serve().failure(1).contains("init phase certs"));
    for file in ["apiserver.key", "apiserver.crt"] {
        fs::rename(pki.join(file), pki.join(file).with_extension("away")).expect("it can be moved");
    }
    stopped.cluster.init_phase("certs");
    stopped.assert_whole();
}

#[test]
fn a_decision_log_that_was_changed() {
    let cluster = Cluster::start(&["--auto-approve"]);
    let _ = cluster
        .join(&Sandbox::new(), "worker-1", &["--timeout=20s"])
        .success();
    cluster.stop();
    let log = cluster
        .sandbox()
        .decision_log()
        .join("decisions-000001.jsonl");
    let whole = fs::read_to_string(&log).expect("the log");
    let (first, _) = whole.split_once('\n').expect("a record");
    for (name, damaged) in [
        (
            "decision-changed",
            whole.replacen("worker-1", "worker-2", 1),
        ),
        (
            "decision-removed",
            whole.replacen(&format!("{first}\n"), "", 1),
        ),
        ("decision-garbage", whole.replacen('{', "[", 1)),
    ] {
        assert_ne!(damaged, whole);
        fs::write(&log, &damaged).expect("the log can be damaged");
        assert_snapshot!(name, cluster.refused_serve().message(1));
        assert_eq!(fs::read_to_string(&log).expect("the log"), damaged);
    }
    fs::write(&log, &whole).expect("the log can be put back");
    let _server = cluster.restart();
    assert_eq!(cluster.slipway(&["csr", "list"]).code(), Some(0));
}
