//! Slipway's signers and those of kube-controller-manager on one cluster, both at work.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use slipway_config::token::BootstrapToken;
use slipway_pki::jws;
use slipway_tests::kubernetes::{
    ALL_CONTROLLERS, AUTOMATIC, Controller, Kubernetes, MANUAL, kubectl,
};
use slipway_tests::{Asked, Finished};

/// How long nothing may happen that nobody asks for.
const REST: Duration = Duration::from_secs(5);

/// Longer than what a leader before has begun takes to come to its end.
const SETTLED: Duration = Duration::from_secs(21);

const CLUSTER_INFO: [&str; 5] = [
    "get",
    "configmap",
    "cluster-info",
    "--namespace=kube-public",
    "--output=json",
];

/// Waits until exactly these tokens have a signature in cluster-info, and holds each against Slipway's own.
fn assert_signed(cluster: &mut Kubernetes, tokens: &BTreeSet<String>) {
    let expected: BTreeSet<_> = tokens
        .iter()
        .map(|token| format!("jws-kubeconfig-{}", id(token)))
        .collect();
    let data = cluster.wait_for("signature of each token", &CLUSTER_INFO, |printed| {
        let info: Value = serde_json::from_str(printed).ok()?;
        let data = info["data"].as_object()?;
        let signed = data.keys().filter(|key| key.starts_with("jws-"));
        let signed: BTreeSet<_> = signed.cloned().collect();
        (signed == expected).then(|| data.clone())
    });
    let document = data["kubeconfig"].as_str().expect("a kubeconfig");
    for text in tokens {
        let token: BootstrapToken = text.parse().expect("a token");
        let signature = jws::sign(&token, document.as_bytes()).expect("a signature");
        assert_eq!(data[&format!("jws-kubeconfig-{}", id(text))], signature);
    }
}

fn id(token: &str) -> &str {
    token.split_once('.').expect("a token").0
}

fn version(cluster: &Kubernetes) -> String {
    let info = cluster.kubectl(&CLUSTER_INFO).json();
    let version = info["metadata"]["resourceVersion"].as_str();
    version.expect("a version").to_owned()
}

#[test]
fn two_signers_agree_and_come_to_rest_while_tokens_come_and_go() {
    let mut cluster = Kubernetes::initialised_by_kubeadm();
    let kubeconfig = cluster.kubeconfig_of("slipway-controller", "kubeadm:cluster-admins");
    let mut controller = Controller::signing(&cluster, &kubeconfig, AUTOMATIC, &[]);
    // kubeadm's cluster has an approver of its own, which is another test's matter.
    controller.wait_until_measured("slipway_leader 1");
    let mut tokens = BTreeSet::from([cluster.invitation().token]);
    assert_signed(&mut cluster, &tokens);
    cluster.start_controllers(ALL_CONTROLLERS, &[]);

    let mut changes = 1;
    for round in 0..4 {
        let created = cluster
            .slipway(&["token", "create", "--output=json"])
            .json();
        let by_slipway = created["token"].as_str().expect("a token").to_owned();
        let by_kubeadm = cluster.kubeadm(&["token", "create"]).success();
        tokens.extend([by_slipway.clone(), by_kubeadm.trim().to_owned()]);
        changes += 2;
        if round % 2 == 0 {
            assert_signed(&mut cluster, &tokens);
            let _ = cluster
                .kubeadm(&["token", "delete", id(&by_slipway)])
                .success();
            let _ = cluster
                .slipway(&["token", "delete", id(by_kubeadm.trim())])
                .success();
            tokens.remove(&by_slipway);
            tokens.remove(by_kubeadm.trim());
            changes += 2;
        }
    }
    assert_signed(&mut cluster, &tokens);

    let before = version(&cluster);
    std::thread::sleep(REST);
    assert_eq!(version(&cluster), before, "somebody goes on writing");
    let answered = cluster.answered();
    let written = |user: &str| {
        let theirs = answered.iter().filter(|answer| answer.user == user);
        let writes = theirs.filter(|answer| {
            answer.verb == "update"
                && answer.resource == "configmaps"
                && answer.name == "cluster-info"
                && answer.is_done()
        });
        writes.count()
    };
    let (ours, theirs) = (
        written("slipway-controller"),
        written("system:serviceaccount:kube-system:bootstrap-signer"),
    );
    // At first it was alone; since then, which of the two is quicker is chance.
    assert!(ours > 0, "kube-controller-manager wrote {theirs} times");
    assert!(
        ours + theirs <= 2 * changes,
        "{changes} changes, and Slipway wrote {ours} times, kube-controller-manager {theirs} times"
    );
}

/// While Slipway's signer looks away, the other one signs what a person approves.
#[test]
fn who_signs_beside_us_is_seen_and_told() {
    let mut cluster = Kubernetes::start();
    let invitation = cluster.initialise(&[]);
    let mut controller = Controller::signing(&cluster, &cluster.kubeconfig(), MANUAL, &[]);
    controller.wait_until("ok, leading");
    let token = cluster.kubeconfig_with_token("node", &invitation.token);
    let approve = |cluster: &mut Kubernetes, name: &str, node: &str| {
        let asked = Asked::client(name, node).manifest().to_string();
        let path = "--raw=/apis/certificates.k8s.io/v1/certificatesigningrequests";
        let mut create = kubectl(&token);
        let _ = Finished::of(create.args(["create", path, "--filename=-"]), &asked).success();
        let _ = cluster.slipway(&["csr", "approve", name]).success();
        let signed = [
            "get",
            "csr",
            name,
            "--output=jsonpath={.status.certificate}",
        ];
        cluster.wait_for("certificate", &signed, |printed| {
            (!printed.is_empty()).then_some(())
        });
    };
    std::thread::sleep(SETTLED);
    approve(&mut cluster, "ours", "worker-1");
    assert!(controller.ready().1.contains("ok, leading"));

    cluster.start_controllers("certificatesigningrequest-signing-controller", &[]);
    controller.suspend();
    approve(&mut cluster, "theirs", "worker-2");
    controller.resume();
    controller.wait_until("without the guardrails (somebody signed theirs)");
    assert_eq!(controller.ready().0, 503);
    controller.wait_until_measured("slipway_certificates_total{outcome=\"foreign\"} 1");
}
