//! Slipway's controllers on an unmodified API server, in the place of kube-controller-manager's.

use std::time::Duration;

use slipway_pki::decision::signing::DEFAULT_MAXIMUM;
use slipway_tests::kubernetes::{AUTOMATIC, Controller, Kubernetes, MANUAL, kubectl};
use slipway_tests::{Asked, Finished, Invitation, Sandbox, assert_identity, let_in};

/// `slipway init --kubeconfig` on a cluster that has all that it makes.
#[track_caller]
pub(crate) fn assert_nothing_to_change(cluster: &Kubernetes, more: &[&str]) -> Invitation {
    let answer = cluster.init(more);
    let made = answer["objects"].as_array().expect("objects").iter();
    let changed: Vec<_> = made.filter(|made| made["outcome"] != "unchanged").collect();
    assert!(changed.is_empty(), "{changed:?}");
    cluster.invitation_in(&answer)
}

/// Controllers that sign, too, with the administrator's credentials.
pub(crate) fn start(cluster: &Kubernetes, plugins: &str) -> Controller {
    start_with(cluster, plugins, &[])
}

/// The same with further flags.
pub(crate) fn start_with(cluster: &Kubernetes, plugins: &str, more: &[&str]) -> Controller {
    Controller::signing(cluster, &cluster.kubeconfig(), plugins, more)
}

/// The same, with the roles of `slipway controller manifest` and nothing else.
pub(crate) fn start_in_its_roles(cluster: &Kubernetes, plugins: &str) -> Controller {
    let manifest = cluster
        .sandbox()
        .slipway(&[
            "controller",
            "manifest",
            "--image=nowhere/slipway",
            "--sign-with=ca",
        ])
        .success();
    let manifest = cluster.sandbox().write("manifest.yaml", &manifest);
    let manifest = manifest.to_str().expect("a path in UTF-8");
    let _ = cluster
        .kubectl(&["apply", "--server-side", "-f", manifest])
        .success();
    let token = cluster
        .kubectl(&[
            "create",
            "token",
            "slipway-controller",
            "--namespace=slipway-system",
        ])
        .success();
    let kubeconfig = cluster.kubeconfig_with_token("controller", token.trim());
    Controller::signing(cluster, &kubeconfig, plugins, &[])
}

/// A node joins by itself, with what the controllers decide.
fn assert_joins(cluster: &Kubernetes, invitation: &Invitation) {
    let node = Sandbox::new();
    let _ = invitation
        .join(&node, "worker-1", &["--timeout=1m"])
        .success();
    assert_identity(&node, &cluster.ca(), "worker-1");
}

#[test]
fn a_node_joins_what_slipway_initialised_and_nobody_else_approves_or_signs() {
    let cluster = Kubernetes::start();
    let invitation = cluster.initialise(&[]);
    assert_eq!(invitation.pin, cluster.pin());
    let mut controller = start(&cluster, AUTOMATIC);
    controller.wait_until("ok, leading");
    assert_joins(&cluster, &invitation);
    let metrics = controller.metrics();
    assert!(
        metrics.contains("slipway_certificates_total{outcome=\"issued\"} 1")
            && metrics.contains("slipway_leader 1"),
        "{metrics}"
    );

    let same = assert_nothing_to_change(&cluster, &[]);
    assert_eq!(same.token, invitation.token, "no second token");
    let shorter = cluster.initialise(&["--token-ttl=2h"]);
    assert_ne!(shorter.token, invitation.token, "another lifetime");
}

#[test]
fn a_cluster_of_kubeadm_is_taken_over() {
    let mut cluster = Kubernetes::initialised_by_kubeadm();
    cluster.start_controllers("*,bootstrapsigner,tokencleaner", &[]);
    let mut controller = Controller::start(&cluster.kubeconfig(), MANUAL, &[]);
    controller.wait_until("others approve");
    let (status, text) = controller.ready();
    assert_eq!(status, 503);
    assert!(
        text.contains("ClusterRoleBinding kubeadm:node-autoapprove-bootstrap"),
        "{text}"
    );
    assert!(
        controller.log().contains("foreign-approver"),
        "{}",
        controller.log()
    );

    let told = cluster.slipway(&["init"]);
    let _ = told.success();
    assert!(
        told.stderr().contains("foreign-approver"),
        "{}",
        told.stderr()
    );
    let taken = cluster.slipway(&["init", "--take-over-approval"]);
    let _ = taken.success();
    assert!(
        taken
            .stderr()
            .contains("-  subject system:bootstrappers:kubeadm:default-node-token"),
        "{}",
        taken.stderr()
    );
    controller.wait_until("ok, leading");

    let node = Sandbox::new();
    let create = ["token", "create", "--node=worker-1", "--uses=1"];
    let token = cluster.slipway(&create).success();
    let invitation = cluster.invitation().clone().with_token(token.trim());
    let join = invitation.start_join(&node, "worker-1", &[]);
    let request = cluster.request_of("worker-1");
    let_in(&node, &request, join, |arguments| {
        cluster.slipway(arguments)
    });
    assert_identity(&node, &cluster.ca(), "worker-1");
    assert_used_up(&cluster, &token);
}

/// A person approved and kube-controller-manager signed; the controller has to take note of it.
fn assert_used_up(cluster: &Kubernetes, token: &str) {
    let is_used_up = || {
        let listed = cluster.slipway(&["token", "list", "--output=json"]).json();
        let mut tokens = listed.as_array().expect("tokens").iter();
        let id = token.split_once('.').expect("a token").0;
        let found = tokens.find(|found| found["id"] == id).expect("the token");
        found["used"] == 1 && found["usesLeft"] == 0
    };
    let seen = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        is_used_up()
    });
    assert!(seen, "the token's only use was never counted");
}

#[test]
fn a_replica_takes_over_from_one_that_is_killed() {
    let cluster = Kubernetes::start();
    let invitation = cluster.initialise(&[]);
    let mut first = start(&cluster, AUTOMATIC);
    first.wait_until("ok, leading");
    let mut second = start(&cluster, AUTOMATIC);
    second.wait_until("ok, waiting to lead");
    let mut joins: Vec<_> = (1..=5)
        .map(|number| {
            let node = Sandbox::new();
            let name = format!("worker-{number}");
            let join = invitation.start_join(&node, &name, &["--timeout=2m"]);
            (node, name, join)
        })
        .collect();
    drop(first);
    second.wait_until("ok, leading");
    for (node, name, join) in &mut joins {
        assert!(
            join.wait().expect("join can be waited for").success(),
            "{name}"
        );
        assert_identity(node, &cluster.ca(), name);
    }
    second.stop();
    let mut third = start(&cluster, AUTOMATIC);
    third.wait_until("ok, leading");
}

#[test]
fn the_roles_of_the_manifest_are_enough() {
    let cluster = Kubernetes::start();
    let invitation = cluster.initialise(&[]);
    let mut controller = start_in_its_roles(&cluster, AUTOMATIC);
    controller.wait_until("ok, leading");
    assert_joins(&cluster, &invitation);
    let log = controller.log();
    assert!(!log.contains("forbidden"), "{log}");
}

#[test]
fn without_sign_nothing_is_approved_that_would_hold_longer_than_another_signer_gives() {
    let mut cluster = Kubernetes::start();
    let invitation = cluster.initialise(&[]);
    let mut controller = Controller::start(&cluster.kubeconfig(), AUTOMATIC, &[]);
    controller.wait_until("ok, leading");
    let node = cluster.kubeconfig_with_token("node", &invitation.token);
    let longest = i64::try_from(DEFAULT_MAXIMUM.as_secs()).expect("seconds");
    for (name, seconds, decided) in [
        ("for-a-year", longest, "Approved"),
        ("for-longer", longest + 1, "Denied"),
    ] {
        let mut asked = Asked::client(name, name).manifest();
        asked["spec"]["expirationSeconds"] = seconds.into();
        let file = cluster.sandbox().write("request.json", &asked.to_string());
        let mut create = kubectl(&node);
        create.args(["create", "--filename"]).arg(file);
        let _ = Finished::of(&mut create, "").success();
        let conditions = cluster.wait_for(
            decided,
            &["get", "csr", name, "--output=jsonpath={.status.conditions}"],
            |printed| printed.contains(decided).then(|| printed.to_owned()),
        );
        assert_eq!(
            conditions.contains("and at most"),
            decided == "Denied",
            "{conditions}"
        );
    }
}
