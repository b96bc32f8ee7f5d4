//! What somebody else approved is still subject to the guardrails.

use std::time::Duration;

use k8s_openapi::api::certificates::v1::CertificateSigningRequestCondition;
use kube::api::PostParams;
use slipway_config::token::TokenBounds;
use slipway_controller::Standing;
use slipway_controller::decision_log::{Action, Stage};
use slipway_controller::requests::Requests;
use slipway_pki::certificate::Certificate;

use crate::approvers::{abstain, approve};
use crate::cluster::{CALM, Cluster, Machine, condition, eventually, submit, uses};

/// Approves as kubectl does.
async fn approve_by_hand(cluster: &Cluster, name: &str) {
    loop {
        let mut request = cluster.request(name).await;
        let condition = CertificateSigningRequestCondition {
            type_: "Approved".to_owned(),
            status: "True".to_owned(),
            reason: Some("KubectlApprove".to_owned()),
            message: Some("This CSR was approved by kubectl certificate approve.".to_owned()),
            ..CertificateSigningRequestCondition::default()
        };
        request
            .status
            .get_or_insert_default()
            .conditions
            .get_or_insert_default()
            .push(condition);
        let written = cluster
            .requests()
            .replace_subresource("approval", name, &PostParams::default(), &request)
            .await;
        match written {
            Ok(_) => return,
            Err(kube::Error::Api(status)) if status.is_conflict() => {}
            Err(error) => panic!("{error}"),
        }
    }
}

fn certificate(
    request: &k8s_openapi::api::certificates::v1::CertificateSigningRequest,
) -> Certificate {
    let pem = &request
        .status
        .as_ref()
        .unwrap()
        .certificate
        .as_ref()
        .unwrap()
        .0;
    Certificate::from_pem(pem).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_says_what_was_checked_and_ends_in_time() {
    let cluster = Cluster::start().await;
    let running = cluster.run(cluster.controllers(vec![approve()]));
    let token = cluster.token(TokenBounds::default()).await;
    let machine = Machine::new("w1");
    let mut asked = machine.request("r1");
    asked.spec.expiration_seconds = Some(3600);
    submit(cluster.token_client(&token), &asked).await;
    let issued = certificate(&cluster.until("r1", Standing::Issued).await);
    assert_eq!(issued.subject().common_names, ["system:node:w1"]);
    assert_eq!(issued.subject().organizations, ["system:nodes"]);
    assert_eq!(issued.public_key(), machine.key.public_key());
    assert!(issued.is_signed_by(cluster.authority.certificate()));
    let holds = issued.not_after().duration_since(issued.not_before());
    assert_eq!(holds.as_secs(), 3600 + 300);
    running.stop().await;
    let signed = cluster
        .records("log")
        .into_iter()
        .find(|record| record.entry.action == Action::Sign)
        .unwrap();
    assert_eq!(
        signed.entry.certificate.unwrap().serial_number,
        issued.serial_number()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_decides_is_written_down_once_and_with_the_name() {
    let cluster = Cluster::start().await;
    let running = cluster.run(cluster.controllers(vec![abstain()]));
    let token = cluster.token(TokenBounds::default()).await;
    for (machine, request) in [("w1", "r1"), ("w2", "r2")] {
        Machine::new(machine)
            .ask(cluster.token_client(&token), request)
            .await;
        cluster.until_reviewed(request, "Deferred").await;
    }
    approve_by_hand(&cluster, "r1").await;
    Requests::new(cluster.client())
        .deny("r2", "anna", Some("not ours"))
        .await
        .unwrap();
    cluster.until("r1", Standing::Issued).await;
    let decisions = || {
        let decided = cluster
            .records("log")
            .into_iter()
            .filter(|record| matches!(record.entry.action, Action::Approve | Action::Deny));
        decided.map(|record| record.entry).collect::<Vec<_>>()
    };
    eventually(|| async { (decisions().len() == 2).then_some(()) })
        .await
        .expect("two decisions");
    running.stop().await;
    // What is over is seen again by a next run, and is known.
    let running = cluster.run(cluster.controllers(vec![abstain()]));
    tokio::time::sleep(CALM).await;
    running.stop().await;

    let mut decisions = decisions();
    decisions.sort_by(|a, b| a.subject.name.cmp(&b.subject.name));
    let told: Vec<_> = decisions
        .iter()
        .map(|entry| {
            (
                entry.stage,
                entry.action,
                entry.reason.as_str(),
                entry.by.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (
                Stage::Done,
                Action::Approve,
                "This CSR was approved by kubectl certificate approve.",
                Some("system:test")
            ),
            (
                Stage::Done,
                Action::Deny,
                "denied by anna: not ours",
                Some("system:test")
            ),
        ]
    );
    let acts: Vec<_> = cluster
        .records("log")
        .into_iter()
        .filter(|record| record.entry.subject.name == "r1")
        .map(|record| record.entry.action)
        .collect();
    assert_eq!(
        acts,
        [Action::Defer, Action::Approve, Action::Sign, Action::Sign],
        "the approval is noted before the certificate"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_approves_what_waits_and_the_token_is_used_up() {
    let cluster = Cluster::start().await;
    let running = cluster.run(cluster.controllers(vec![abstain()]));
    let token = cluster.token(uses(1)).await;
    Machine::new("w1")
        .ask(cluster.token_client(&token), "r1")
        .await;
    Machine::new("w2")
        .ask(cluster.token_client(&token), "r2")
        .await;
    cluster.until_reviewed("r1", "Deferred").await;
    cluster.until_reviewed("r2", "Deferred").await;
    approve_by_hand(&cluster, "r1").await;
    cluster.until("r1", Standing::Issued).await;
    approve_by_hand(&cluster, "r2").await;
    let refused = cluster.until("r2", Standing::Failed).await;
    let (reason, message) = condition(&refused, "Failed").unwrap();
    assert_eq!(reason, "GuardrailBroken");
    let expected = format!(
        "token-bounds: the token {} may not be used for this: its only use is taken, by w1 at ",
        token.id
    );
    assert!(message.starts_with(&expected), "{message}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_request_that_somebody_approved_gets_no_certificate() {
    let cluster = Cluster::start().await;
    cluster.node("w1").await;
    let log = cluster.log("log");
    // No approver of ours: somebody else was quicker.
    let signer = slipway_controller::Controllers::builder(cluster.client())
        .clock(cluster.clock())
        .csr_signer(
            slipway_controller::Signing::new(cluster.authority.clone()),
            log,
        );
    let token = cluster.token(TokenBounds::default()).await;
    Machine::new("w1")
        .ask(cluster.token_client(&token), "existing")
        .await;
    Machine::new("w1")
        .ask(cluster.node_client("w2"), "foreign")
        .await;
    let mut usages = Machine::new("w3").request("usages");
    usages.spec.usages = Some(vec![
        "digital signature".to_owned(),
        "server auth".to_owned(),
    ]);
    submit(cluster.token_client(&token), &usages).await;
    for name in ["existing", "foreign", "usages"] {
        approve_by_hand(&cluster, name).await;
    }
    let running = cluster.run(signer);
    let told = |request| condition(&request, "Failed").unwrap().1;
    insta::assert_snapshot!(told(cluster.until("existing", Standing::Failed).await), @"node-is-new: a node named w1 exists");
    insta::assert_snapshot!(told(cluster.until("foreign", Standing::Failed).await), @"renews-only-itself: the node w2 asks for the identity of w1");
    let usages = told(cluster.until("usages", Standing::Failed).await);
    assert!(usages.starts_with("usages-of-the-signer: "), "{usages}");
    running.stop().await;
    let records = cluster.records("log");
    for name in ["existing", "foreign", "usages"] {
        let actions: Vec<_> = records
            .iter()
            .filter(|record| record.entry.subject.name == name)
            .map(|record| record.entry.action)
            .collect();
        let refused = [Action::RefuseToSign; 2];
        assert_eq!(actions, [&[Action::Approve], &refused[..]].concat());
    }
    assert_eq!(cluster.tokens().list().await.unwrap()[0].used, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_signed_for_one_key_whoever_approved_two() {
    let cluster = Cluster::start().await;
    let running = cluster.run(cluster.controllers(vec![abstain()]));
    let token = cluster.token(TokenBounds::default()).await;
    let (one, two) = (Machine::new("w1"), Machine::new("w1"));
    one.ask(cluster.token_client(&token), "one").await;
    two.ask(cluster.token_client(&token), "two").await;
    approve_by_hand(&cluster, "one").await;
    cluster.until("one", Standing::Issued).await;
    approve_by_hand(&cluster, "two").await;
    let refused = cluster.until("two", Standing::Failed).await;
    let (reason, message) = condition(&refused, "Failed").unwrap();
    assert_eq!(reason, "NodeNameClaimed");
    assert!(
        message.contains(&one.key.public_key().fingerprint().to_string()),
        "{message}"
    );

    // The same key may come again: its machine lost the certificate.
    one.ask(cluster.token_client(&token), "again").await;
    approve_by_hand(&cluster, "again").await;
    cluster.until("again", Standing::Issued).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_ends_when_its_node_has_come() {
    let cluster = Cluster::start().await;
    let token = cluster.token(TokenBounds::default()).await;
    let running = cluster.run(cluster.controllers(vec![approve()]));
    for (node, request) in [("w1", "r1"), ("w2", "r2")] {
        Machine::new(node)
            .ask(cluster.token_client(&token), request)
            .await;
        cluster.until(request, Standing::Issued).await;
    }
    assert!(cluster.claim("w1").await.is_some());
    running.stop().await;
    cluster.node("w1").await;
    let running = cluster.run(cluster.controllers(vec![approve()]));
    eventually(|| async { cluster.claim("w1").await.is_none().then_some(()) })
        .await
        .expect("the claim was not cleared");
    assert!(cluster.claim("w2").await.is_some());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_renews_itself_without_a_claim_or_a_token() {
    let cluster = Cluster::start().await;
    cluster.node("w1").await;
    let running = cluster.run(cluster.controllers(vec![approve()]));
    Machine::new("w1")
        .ask(cluster.node_client("w1"), "renewal")
        .await;
    cluster.until("renewal", Standing::Issued).await;
    assert!(cluster.claim("w1").await.is_none());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_requests_are_deleted_and_others_stay() {
    let cluster = Cluster::start().await;
    let token = cluster.token(TokenBounds::default()).await;
    let running = cluster.run(cluster.controllers(vec![approve()]));
    Machine::new("w1")
        .ask(cluster.token_client(&token), "issued")
        .await;
    cluster.until("issued", Standing::Issued).await;
    let mut foreign = Machine::new("w2").request("foreign");
    foreign.spec.signer_name = "example.com/other".to_owned();
    submit(cluster.client(), &foreign).await;
    running.stop().await;
    cluster.advance(Duration::from_secs(25 * 3600));
    let cleaner = slipway_controller::Controllers::builder(cluster.client())
        .clock(cluster.clock())
        .csr_cleaner();
    let running = cluster.run(cleaner);
    eventually(|| async {
        let left = cluster.requests().get_opt("issued").await.unwrap();
        left.is_none().then_some(())
    })
    .await
    .expect("it was not deleted");
    assert!(
        cluster
            .requests()
            .get_opt("foreign")
            .await
            .unwrap()
            .is_some()
    );
    running.stop().await;
}
