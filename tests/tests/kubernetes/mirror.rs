//! A token store that the controllers mirror into the Secrets of a kube-apiserver.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use slipway_tests::{Backend, Finished, Launched, Sandbox};

/// Longer than it takes until the store is looked at twice.
const TWO_LOOKS: Duration = Duration::from_secs(12);

/// A cluster whose controllers mirror a store, and the folder of the store.
struct Mirrored {
    cluster: Launched,
    store: PathBuf,
    _machine: Sandbox,
}

impl Mirrored {
    fn launch() -> Self {
        let machine = Sandbox::new();
        let store = machine.file("tokens");
        fs::create_dir(&store).expect("a folder");
        let plugins = format!(
            "apiVersion: slipway.dev/v1alpha1
kind: PluginConfiguration
csrApprovers:
- name: approve-renewal
- name: approve-node-client
tokenStores:
- name: tokens-file
  grants:
    filesystem:
    - name: tokens
      path: {}
      writable: true
",
            store.display()
        );
        Self {
            cluster: Backend::Kubernetes.launch_by(&plugins),
            store,
            _machine: machine,
        }
    }

    /// `slipway token` on the store, where the controllers run: what is sealed there is opened there.
    fn in_the_store(&self, arguments: &[&str]) -> Finished {
        let config = self.cluster.policy_file();
        let log = self.cluster.decision_log();
        let folder = log.parent().and_then(Path::parent).expect("its folder");
        let text = |path: &Path| path.to_str().expect("a path in UTF-8").to_owned();
        let (config, folder) = (text(&config), text(folder));
        let more = ["--config", &config, "--dir", &folder];
        Sandbox::new().slipway(&[&["token"], arguments, &more[..]].concat())
    }

    fn create(&self, more: &[&str]) -> String {
        let created = self.in_the_store(&[&["create"], more].concat()).success();
        created.trim().to_owned()
    }

    fn secret(&self, token: &str) -> Option<Value> {
        let name = format!("bootstrap-token-{}", id(token));
        let arguments = ["get", "secret", &name, "--namespace=kube-system"];
        let more = ["--ignore-not-found", "--output=json"];
        let found = self.cluster.kubectl(&[&arguments[..], &more].concat());
        let found = found.success();
        (!found.trim().is_empty()).then(|| serde_json::from_str(&found).expect("JSON"))
    }

    #[track_caller]
    fn until(&self, token: &str, is_there: bool) -> Option<Value> {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let found = self.secret(token);
            if found.is_some() == is_there {
                return found;
            }
            assert!(
                Instant::now() < end,
                "{} is there: {}",
                id(token),
                !is_there
            );
            thread::sleep(Duration::from_millis(200));
        }
    }
}

fn id(token: &str) -> &str {
    token.split_once('.').expect("a token").0
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for file in fs::read_dir(from).expect("a folder") {
        let file = file.expect("a file");
        fs::copy(file.path(), to.join(file.file_name())).expect("a copy");
    }
}

#[test]
fn tokens_of_a_store_let_nodes_in_once_and_do_not_come_back() {
    let mirrored = Mirrored::launch();
    let cluster = &mirrored.cluster;
    let bound = mirrored.create(&["--node=worker-1", "--uses=1"]);
    let deleted_there = mirrored.create(&[]);
    let deleted_here = mirrored.create(&[]);
    // Somebody has a Secret of this name.
    let foreign = "feedme.0123456789abcdef";
    let theirs = ["token", "create", foreign, "--description=theirs"];
    let _ = cluster.slipway(&theirs).success();
    let _ = mirrored.create(&["feedme.fedcba9876543210"]);

    let secret = mirrored.until(&bound, true).expect("a Secret");
    let labels = &secret["metadata"]["labels"];
    assert!(labels["slipway.dev/mirrored-token"].is_string(), "{labels}");
    mirrored.until(&deleted_there, true);
    mirrored.until(&deleted_here, true);
    let listed = cluster.slipway(&["token", "list"]).success();
    assert!(listed.contains("node worker-1, 1 use"), "{listed}");
    let listed = mirrored.in_the_store(&["list"]).success();
    assert!(listed.contains(id(&bound)), "{listed}");
    let stored = fs::read_dir(&mirrored.store).expect("a folder");
    for file in stored {
        let text = fs::read_to_string(file.expect("a file").path()).expect("text");
        let (_, secret) = bound.split_once('.').expect("a token");
        assert!(!text.contains(secret), "what a store keeps is sealed");
    }

    let with = |token: &str| cluster.invitation().clone().with_token(token);
    let _ = with(&bound)
        .join(&Sandbox::new(), "worker-1", &[])
        .success();
    let again = with(&bound).join(&Sandbox::new(), "worker-1", &["--timeout=20s"]);
    assert_ne!(again.code(), Some(0), "a use is a use");

    let before = mirrored.store.with_file_name("before");
    copy(&mirrored.store, &before);
    let _ = mirrored
        .in_the_store(&["delete", id(&deleted_here)])
        .success();
    mirrored.until(&deleted_here, false);
    let name = format!("bootstrap-token-{}", id(&deleted_there));
    let delete = ["delete", "secret", &name, "--namespace=kube-system"];
    let _ = cluster.kubectl(&delete).success();
    // The store forgets what happened.
    fs::remove_dir_all(&mirrored.store).expect("a folder");
    copy(&before, &mirrored.store);
    let listed = mirrored.in_the_store(&["list"]).success();
    for token in [&bound, &deleted_there, &deleted_here] {
        assert!(listed.contains(id(token)), "{listed}");
    }
    thread::sleep(TWO_LOOKS);
    assert_eq!(
        mirrored.secret(&deleted_there),
        None,
        "revoked in the cluster"
    );
    assert_eq!(mirrored.secret(&deleted_here), None, "revoked in the store");
    let again = with(&bound).join(&Sandbox::new(), "worker-1", &["--timeout=20s"]);
    assert_ne!(again.code(), Some(0), "used");

    let theirs = mirrored.secret(foreign).expect("their Secret");
    assert_eq!(theirs["metadata"]["labels"], Value::Null, "{theirs}");
    let log = cluster.log();
    assert!(
        log.contains("is not mirrored: there is a Secret of its name already"),
        "{log}"
    );
    let (_, secret) = foreign.split_once('.').expect("a token");
    assert!(!log.contains(secret), "no secret in a log");
}
