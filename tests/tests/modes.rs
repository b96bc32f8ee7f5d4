//! A server that runs under a hostile umask keeps what it makes to itself (security.md, case 29).

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use slipway_tests::{Cluster, Finished, Plugin, Sandbox, init, unmasked};

#[test]
fn what_a_running_server_makes_is_its_owners_alone() {
    let sandbox = Sandbox::new();
    // Of what is not bundled the compiled form is kept.
    let Plugin { path, digest } = Plugin::build(".", "test-guest-hostile");
    let tokens = sandbox.file("tokens");
    fs::create_dir(&tokens).expect("a folder");
    fs::set_permissions(&tokens, fs::Permissions::from_mode(0o700)).expect("its mode is ours");
    let plugins = sandbox.write(
        "plugins.yaml",
        &format!(
            "apiVersion: slipway.dev/v1alpha1
kind: PluginConfiguration
csrApprovers:
- name: approve-node-client
- name: hostile
  source: {path}
  digest: {digest}
tokenStores:
- name: tokens-file
  grants:
    filesystem:
    - name: tokens
      path: {}
      writable: true
",
            tokens.display()
        ),
    );
    let plugins = plugins.to_str().expect("a path in UTF-8");
    let mut init = unmasked(&init(&sandbox, &["--config", plugins]));
    let cluster = Cluster::start_by(sandbox, &mut init);
    let node = Sandbox::new();
    let join = cluster.invitation().command(&node, "worker-1");
    let _ = Finished::of(&mut unmasked(&join), "").success();

    let made = private(&cluster.sandbox().dir());
    for kind in [
        "state/store.redb",
        "state/serve.log",
        "state/serve.pid",
        "state/decisions/decisions-000001.jsonl",
        ".cwasm",
        "kubernetes/pki/ca.key",
        "kubernetes/admin.conf",
    ] {
        let is_of_it = |path: &PathBuf| path.to_string_lossy().ends_with(kind);
        assert!(made.iter().any(is_of_it), "no {kind} in {made:?}");
    }
    // What a plugin makes, too.
    assert!(!private(&tokens).is_empty());
    let made = private(&node.dir());
    assert!(
        made.contains(&node.dir().join("kubernetes/kubelet.conf")),
        "{made:?}"
    );
}

/// What stands in a folder and below, where nobody but its owner can do anything with any of it.
#[track_caller]
fn private(folder: &Path) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        for entry in fs::read_dir(&folder).expect("a folder") {
            let entry = entry.expect("an entry");
            let kind = entry.file_type().expect("a type");
            if kind.is_dir() {
                folders.push(entry.path());
            } else if !kind.is_symlink() {
                // A socket is a file in this, too.
                assert_eq!(mode(&entry.path()), 0o600, "{}", entry.path().display());
                files.push(entry.path());
            }
        }
    }
    files
}

fn mode(path: &Path) -> u32 {
    let metadata = fs::symlink_metadata(path).expect("it is there");
    metadata.permissions().mode() & 0o7777
}
