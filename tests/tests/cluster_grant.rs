//! An approver that looks into the cluster, from its grant to its decision.

use slipway_tests::{Cluster, Plugin, Sandbox};

#[test]
fn an_approver_decides_by_what_it_was_granted_to_read() {
    let sandbox = Sandbox::new();
    let Plugin { path, digest } = Plugin::build(".", "test-guest-reads-the-cluster");
    let file = sandbox.write(
        "plugins.yaml",
        &format!(
            "apiVersion: slipway.dev/v1alpha1\nkind: PluginConfiguration\ncsrApprovers:\n- name: machines\n  source: {path}\n  \
             digest: {digest}\n  grants:\n    cluster:\n    - version: v1\n      kind: ConfigMap\n      namespace: default\n      \
             names: [machines]\n"
        ),
    );
    let cluster = Cluster::start_in(
        sandbox,
        &["--config", file.to_str().expect("a path in UTF-8")],
    );
    let _ = cluster
        .kubectl(&[
            "create",
            "configmap",
            "machines",
            "--namespace=default",
            "--from-literal=worker-1=rack 1",
        ])
        .success();
    let _ = cluster
        .join(&Sandbox::new(), "worker-1", &["--timeout=30s"])
        .success();
    let stranger = cluster.join(&Sandbox::new(), "stranger", &["--timeout=30s"]);
    assert_ne!(stranger.code(), Some(0));
    assert!(
        stranger
            .stderr()
            .contains("stranger is none of the machines"),
        "the reason is told:\n{}",
        stranger.stderr()
    );
}
