//! Debian's kubectl (1.20), a client that knows nothing of us.

use std::path::PathBuf;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::support::{Loopback, TOKEN, client_request, create_token};

/// kubectl as an identity, with a home of its own.
struct Kubectl {
    program: PathBuf,
    home: TempDir,
}

impl Kubectl {
    fn new(loopback: &Loopback, user: &str, group: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(
            home.path().join("kubeconfig"),
            loopback.kubeconfig(user, group),
        )
        .unwrap();
        let program = program();
        Self { program, home }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(["--kubeconfig", "kubeconfig"])
            .args(arguments)
            .current_dir(self.home.path())
            .env("HOME", self.home.path())
            .env_remove("KUBECONFIG")
            .kill_on_drop(true);
        command
    }

    /// What it prints; standard error too when it fails.
    async fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let output = self.command(arguments).output().await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        if output.status.success() {
            Ok(text(output.stdout))
        } else {
            Err(text(output.stdout) + &text(output.stderr))
        }
    }

    /// The same, for a command that has to work.
    async fn must(&self, arguments: &[&str]) -> String {
        let done = self.run(arguments).await;
        done.unwrap_or_else(|output| panic!("kubectl {arguments:?}: {output}"))
    }

    fn write(&self, name: &str, object: &impl serde::Serialize) {
        let text = serde_json::to_string(object).unwrap();
        std::fs::write(self.home.path().join(name), text).unwrap();
    }
}

/// Where `cargo xtask` says it is, or where `cargo xtask setup` puts it.
fn program() -> PathBuf {
    if let Some(given) = std::env::var_os("SLIPWAY_TEST_KUBECTL") {
        return given.into();
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache"),
        PathBuf::from,
    );
    let program = cache.join("slipway/kubernetes-client/usr/bin/kubectl");
    assert!(
        program.is_file(),
        "there is no {}: run `cargo xtask setup`, or name a kubectl in SLIPWAY_TEST_KUBECTL",
        program.display()
    );
    program
}

async fn admin() -> (Loopback, Kubectl) {
    let loopback = Loopback::start().await;
    let kubectl = Kubectl::new(&loopback, "kubernetes-admin", "system:masters");
    (loopback, kubectl)
}

#[tokio::test]
async fn requests_are_listed_watched_and_decided() {
    let (loopback, kubectl) = admin().await;
    create_token(&loopback.admin(), TOKEN, &[]).await;
    let mut watch = kubectl
        .command(&["get", "csr", "-w"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut seen = BufReader::new(watch.stdout.take().unwrap()).lines();
    for (file, name) in [("one.json", "one"), ("two.json", "two")] {
        kubectl.write(file, &client_request(name, name));
        kubectl.must(&["apply", "-f", file]).await;
    }
    let listed = kubectl
        .must(&["get", "csr,secrets,configmaps,nodes", "-A"])
        .await;
    for expected in [
        "/one",
        "/two",
        "Pending",
        "kubernetes-admin",
        "secret/bootstrap-token-abcdef",
    ] {
        assert!(listed.contains(expected), "{expected}: {listed}");
    }
    assert!(
        kubectl
            .must(&["certificate", "approve", "one"])
            .await
            .contains("approved")
    );
    assert!(
        kubectl
            .must(&["certificate", "deny", "two"])
            .await
            .contains("denied")
    );
    let listed = kubectl.must(&["get", "csr"]).await;
    let line = |name: &str| listed.lines().find(|line| line.starts_with(name)).unwrap();
    assert!(line("one").ends_with("Approved"), "{listed}");
    assert!(line("two").ends_with("Denied"), "{listed}");
    assert!(
        kubectl
            .must(&["describe", "csr", "one"])
            .await
            .contains("system:node:one")
    );
    let refused = kubectl
        .run(&["certificate", "deny", "one"])
        .await
        .unwrap_err();
    assert!(refused.contains("already Approved"), "{refused}");
    let watched = async {
        while let Some(line) = seen.next_line().await.unwrap() {
            if line.starts_with("two") && line.ends_with("Denied") {
                return true;
            }
        }
        false
    };
    let wait = std::time::Duration::from_secs(20);
    assert!(tokio::time::timeout(wait, watched).await.unwrap());
    kubectl.must(&["delete", "csr", "one", "two"]).await;
    assert_eq!(kubectl.must(&["get", "csr", "-o", "name"]).await, "");
}

#[tokio::test]
async fn objects_are_applied_changed_and_deleted() {
    let (_loopback, kubectl) = admin().await;
    let map = |value: &str| {
        serde_json::json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "m", "namespace": "default"}, "data": {"a": value},
        })
    };
    kubectl.write("map.json", &map("1"));
    assert!(
        kubectl
            .must(&["apply", "-f", "map.json"])
            .await
            .contains("created")
    );
    assert!(
        kubectl
            .must(&["apply", "-f", "map.json"])
            .await
            .contains("unchanged")
    );
    kubectl.write("map.json", &map("2"));
    assert!(
        kubectl
            .must(&["apply", "-f", "map.json"])
            .await
            .contains("configured")
    );
    kubectl
        .must(&["patch", "configmap", "m", "-p", r#"{"data":{"b":"3"}}"#])
        .await;
    kubectl.must(&["label", "configmap", "m", "x=y"]).await;
    let read = kubectl
        .must(&["get", "cm", "-l", "x=y", "-o", "jsonpath={.items[0].data}"])
        .await;
    assert_eq!(read, r#"{"a":"2","b":"3"}"#);
    kubectl
        .must(&["create", "secret", "generic", "s", "--from-literal=k=v"])
        .await;
    assert_eq!(
        kubectl
            .must(&["get", "secret", "s", "-o", "jsonpath={.data.k}"])
            .await,
        "dg=="
    );
    assert!(
        !kubectl
            .must(&["describe", "secret", "s"])
            .await
            .contains("dg==")
    );
    kubectl.must(&["delete", "-f", "map.json"]).await;
    let gone = kubectl.run(&["get", "configmap", "m"]).await.unwrap_err();
    assert!(gone.contains("NotFound"), "{gone}");
}

#[tokio::test]
async fn permissions_are_told() {
    let (loopback, kubectl) = admin().await;
    assert_eq!(kubectl.must(&["auth", "can-i", "*", "*"]).await, "yes\n");
    let as_node = |verb, resource| {
        [
            "auth",
            "can-i",
            verb,
            resource,
            "--as=system:node:n1",
            "--as-group=system:nodes",
        ]
    };
    assert_eq!(kubectl.must(&as_node("create", "events")).await, "yes\n");
    let refused = kubectl.run(&as_node("get", "secrets")).await.unwrap_err();
    assert!(refused.starts_with("no"), "{refused}");
    let node = Kubectl::new(&loopback, "system:node:n1", "system:nodes");
    let listed = node.must(&["auth", "can-i", "--list"]).await;
    assert!(
        listed.contains("certificatesigningrequests") && !listed.contains("secrets"),
        "{listed}"
    );
    let refused = node.run(&["get", "secrets", "-A"]).await.unwrap_err();
    assert!(
        refused.contains("a node may not touch Secrets"),
        "{refused}"
    );
}
