//! Compiled plugins that somebody has put into the cache while the server was down (security.md, case 27). Compiled code has
//! the server's own authority, so that it must be the server's own.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use slipway_tests::{Cluster, Plugin, Sandbox};

/// The length of the digest that a file of the cache begins with.
const DIGEST: usize = 32;

/// Puts a compiled plugin in the place of another.
type Plant = fn(theirs: &Path, ours: &Path);

/// The ways of somebody who is not the server's own user, and of a disk.
const PLANTS: [(&str, Plant); 3] = [
    ("a file that others can read", |theirs, ours| {
        fs::copy(theirs, ours).expect("a copy");
        fs::set_permissions(ours, fs::Permissions::from_mode(0o644)).expect("a mode");
    }),
    ("a link", |theirs, ours| {
        fs::remove_file(ours).expect("a file");
        symlink(theirs, ours).expect("a link");
    }),
    ("a file with the digest of ours", |theirs, ours| {
        let [theirs, our] = [theirs, ours].map(|path| fs::read(path).expect("a compiled plugin"));
        fs::write(ours, [&our[..DIGEST], &theirs[DIGEST..]].concat()).expect("a file");
    }),
];

#[test]
fn what_was_planted_is_not_run_and_the_server_works() {
    let sandbox = Sandbox::new();
    let ours = Plugin::build(".", "test-guest-reads-the-cluster");
    // It approves everybody. As a shadow it decides nothing, and its compiled form is there.
    let theirs = Plugin::build(".", "test-guest-hostile");
    let plugins = sandbox.write(
        "plugins.yaml",
        &format!(
            "apiVersion: slipway.dev/v1alpha1\nkind: PluginConfiguration\ncsrApprovers:\n\
             - name: machines\n  source: {}\n  digest: {}\n  grants:\n    cluster:\n    - version: v1\n      kind: ConfigMap\n      \
             namespace: default\n      names: [machines]\n\
             - name: everybody\n  mode: shadow\n  source: {}\n  digest: {}\n",
            ours.path, ours.digest, theirs.path, theirs.digest
        ),
    );
    let plugins = plugins.to_str().expect("a path in UTF-8").to_owned();
    let cluster = Cluster::start_in(sandbox, &["--config", &plugins]);
    let mut create = vec![
        "create",
        "configmap",
        "machines",
        "--namespace=default",
        "--from-literal=worker=rack 1",
    ];
    let listed: Vec<_> = (0..PLANTS.len())
        .map(|number| format!("--from-literal=worker-{number}=rack 1"))
        .collect();
    create.extend(listed.iter().map(String::as_str));
    let _ = cluster.kubectl(&create).success();
    only_the_listed_get_in(&cluster, "worker", "stranger");

    let (ours, theirs) = (compiled(&cluster, &ours), compiled(&cluster, &theirs));
    let planted = fs::read(&theirs).expect("a compiled plugin");
    for (number, (what, plant)) in PLANTS.into_iter().enumerate() {
        cluster.stop();
        plant(&theirs, &ours);
        let _server = cluster.restart();
        let (listed, stranger) = (format!("worker-{number}"), format!("stranger-{number}"));
        only_the_listed_get_in(&cluster, &listed, &stranger);
        let metadata = fs::symlink_metadata(&ours).expect("it was compiled again");
        assert!(
            metadata.is_file() && metadata.permissions().mode() & 0o7777 == 0o600,
            "{what}: {metadata:?}"
        );
        let kept = fs::read(&ours).expect("a compiled plugin");
        assert!(kept != planted, "{what} is still there");
    }

    cluster.stop();
    let folder = ours.parent().expect("a file has a folder");
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).expect("a mode");
    let refused = cluster.refused_serve().failure(2);
    assert!(
        refused.contains("others than its owner have access to it"),
        "{refused}"
    );
}

/// The file with the compiled form of a plugin.
#[track_caller]
fn compiled(cluster: &Cluster, plugin: &Plugin) -> PathBuf {
    let digest = plugin.digest.trim_start_matches("sha256:");
    let folder = cluster.sandbox().dir().join("state/plugins");
    fs::read_dir(folder)
        .expect("the cache")
        .map(|entry| entry.expect("an entry"))
        .find(|entry| entry.file_name().to_string_lossy().starts_with(digest))
        .expect("it was compiled")
        .path()
}

#[track_caller]
fn only_the_listed_get_in(cluster: &Cluster, listed: &str, stranger: &str) {
    let join = |name: &str| cluster.join(&Sandbox::new(), name, &["--timeout=30s"]);
    let _ = join(listed).success();
    let refused = join(stranger).failure(5);
    assert!(refused.contains("is none of the machines"), "{refused}");
}
