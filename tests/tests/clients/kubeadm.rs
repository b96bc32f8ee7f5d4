//! kubeadm, which joins as far as the embedded API goes, and keeps tokens there.

use slipway_tests::kubernetes::{Machine, component};
use slipway_tests::{Cluster, Finished, Sandbox, assert_identity};

fn kubeadm(cluster: &Cluster, arguments: &[&str]) -> String {
    let mut command = component("kubeadm");
    command
        .args(arguments)
        .arg("--kubeconfig")
        .arg(cluster.kubeconfig());
    Finished::of(&mut command, "").success()
}

#[test]
fn discovers_the_cluster_and_stops_where_its_configuration_would_be() {
    let cluster = Cluster::start(&[]);
    let invitation = cluster.invitation();
    let machine = Machine::start("worker-1");
    let refused = machine.try_kubeadm_join(&[
        &invitation.server,
        "--token",
        &invitation.token,
        "--discovery-token-ca-cert-hash",
        &invitation.pin,
    ]);
    let refused = refused.failure(1);
    assert!(
        refused.contains("failed to get config map: configmaps \"kubeadm-config\" is forbidden"),
        "{refused}"
    );
}

#[test]
fn keeps_tokens_with_which_nodes_join() {
    let cluster = Cluster::start(&["--auto-approve"]);
    let token = kubeadm(
        &cluster,
        &["token", "create", "--ttl=1h", "--description=by kubeadm"],
    );
    let token = token.trim();
    let (id, _) = token.split_once('.').expect("a token");
    let listed = kubeadm(&cluster, &["token", "list"]);
    assert!(
        listed.contains(token) && listed.contains("by kubeadm"),
        "{listed}"
    );
    let listed = cluster.slipway(&["token", "list"]).success();
    assert!(
        listed.contains(id) && listed.contains("by kubeadm"),
        "{listed}"
    );

    let node = Sandbox::new();
    let invitation = cluster.invitation().with_token(token);
    let _ = invitation.join(&node, "worker-1", &[]).success();
    assert_identity(&node, &cluster.ca(), "worker-1");

    let deleted = kubeadm(&cluster, &["token", "delete", id]);
    assert!(deleted.contains("deleted"), "{deleted}");
    let refused = invitation.join(&Sandbox::new(), "worker-2", &["--timeout=2s"]);
    assert!(refused.code() != Some(0), "{}", refused.stdout());
}
