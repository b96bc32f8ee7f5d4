//! From verdicts to decisions.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use slipway_config::digest::Sha256Digest;
use slipway_config::finding::Verdict;
use slipway_config::token::TokenBounds;
use slipway_controller::chain::Chain;
use slipway_controller::decision_log::{Action, Entry, Stage, Subject};
use slipway_controller::{Signing, Standing, standing};
use slipway_plugin::CsrApprover;

use crate::approvers::{abstain, approve, defer, deny, fail, scripted};
use crate::cluster::{CALM, Cluster, Machine, condition, submit};

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_written_down_before_it_is_made_and_leads_to_a_certificate() {
    let cluster = Cluster::start().await;
    let running = cluster.run(cluster.controllers(vec![abstain(), approve()]));
    let token = cluster.token(TokenBounds::default()).await;
    Machine::new("w1")
        .ask(cluster.token_client(&token), "r1")
        .await;
    let request = cluster.until("r1", Standing::Issued).await;
    let (reason, message) = condition(&request, "Approved").unwrap();
    insta::assert_snapshot!(format!("{reason}: {message}"), @"ApprovedBySlipway: approved by approve (asked)");
    running.stop().await;

    let records = cluster.records("log");
    let acts: Vec<_> = records
        .iter()
        .map(|record| (record.entry.stage, record.entry.action))
        .collect();
    assert_eq!(
        acts,
        [
            (Stage::Intent, Action::Approve),
            (Stage::Done, Action::Approve),
            (Stage::Intent, Action::Sign),
            (Stage::Done, Action::Sign),
        ]
    );
    let intent = &records[0].entry;
    assert_eq!(intent.subject.node.as_deref(), Some("w1"));
    assert_eq!(
        intent.subject.requester,
        format!("system:bootstrap:{}", token.id)
    );
    assert_eq!(
        intent.subject.token_uid.as_deref(),
        Some(token.uid.as_str())
    );
    assert!(!intent.guardrails.is_empty());
    let opinions: Vec<_> = intent
        .opinions
        .iter()
        .map(|opinion| (opinion.plugin.as_str(), opinion.verdict.clone()))
        .collect();
    assert_eq!(
        opinions,
        [
            ("abstain", Some(Verdict::Abstain)),
            ("approve", Some(Verdict::Approve))
        ]
    );
    assert!(
        intent
            .opinions
            .iter()
            .all(|opinion| opinion.findings.len() == 1)
    );
    assert_eq!(cluster.tokens().list().await.unwrap()[0].used, 1);
}

/// What becomes of a request with these approvers; and what is said about it.
async fn outcome(
    approvers: Vec<Arc<dyn CsrApprover>>,
    reviewed: Option<&str>,
) -> (Standing, String) {
    let cluster = Cluster::start().await;
    let log = cluster.log("log");
    let running = cluster.run(cluster.without_signer(Chain::new(approvers), &log));
    let token = cluster.token(TokenBounds::default()).await;
    Machine::new("w1")
        .ask(cluster.token_client(&token), "r1")
        .await;
    let found = match reviewed {
        Some(reason) => (Standing::Open, cluster.until_reviewed("r1", reason).await),
        None => {
            let request = crate::cluster::eventually(|| async {
                let request = cluster.request("r1").await;
                (standing(&request) != Standing::Open).then_some(request)
            });
            let request = request.await.expect("never decided");
            let told = ["Approved", "Denied"]
                .iter()
                .find_map(|type_| condition(&request, type_))
                .unwrap();
            (standing(&request), format!("{}: {}", told.0, told.1))
        }
    };
    running.stop().await;
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn verdicts_combine_as_decided() {
    let denied = (
        Standing::Denied,
        "DeniedByApprover: deny: not in the inventory".to_owned(),
    );
    assert_eq!(
        outcome(vec![approve(), fail(), deny(), defer()], None).await,
        denied
    );
    let retried = (
        Standing::Open,
        "fail: what the approver needs cannot be had now: the inventory is down".to_owned(),
    );
    assert_eq!(
        outcome(vec![approve(), defer(), fail()], Some("Retrying")).await,
        retried
    );
    let deferred = (Standing::Open, "defer: a person must decide".to_owned());
    assert_eq!(
        outcome(vec![approve(), abstain(), defer()], Some("Deferred")).await,
        deferred
    );
    let silent = (
        Standing::Open,
        "no approver took a decision; a person must".to_owned(),
    );
    assert_eq!(
        outcome(vec![abstain(), abstain()], Some("Deferred")).await,
        silent
    );
    assert_eq!(outcome(vec![], Some("Deferred")).await, silent);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_retried_and_never_a_denial() {
    let cluster = Cluster::start().await;
    let flaky = scripted("flaky", |_| Ok(Verdict::Abstain));
    let calls = Arc::clone(&flaky);
    let recovering = scripted("recovering", move |_| {
        if calls.calls.load(Ordering::SeqCst) < 3 {
            Err(
                slipway_plugin::extension::csr_approver::ReviewError::Unavailable(
                    "not yet".to_owned(),
                ),
            )
        } else {
            Ok(Verdict::Approve)
        }
    });
    let log = cluster.log("log");
    let running =
        cluster.run(cluster.without_signer(Chain::new(vec![flaky.clone(), recovering]), &log));
    let token = cluster.token(TokenBounds::default()).await;
    Machine::new("w1")
        .ask(cluster.token_client(&token), "r1")
        .await;
    cluster.until_reviewed("r1", "Retrying").await;
    cluster.until("r1", Standing::Approved).await;
    running.stop().await;
    // What was retried is noted once, not at every attempt.
    let retries = cluster
        .records("log")
        .iter()
        .filter(|record| record.entry.action == Action::Retry)
        .count();
    assert_eq!(retries, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_note_does_not_cut_the_back_off_short() {
    let cluster = Cluster::start().await;
    let asked = scripted("asked", |_| Ok(Verdict::Defer("wait".to_owned())));
    let log = cluster.log("log");
    let running = cluster.run(cluster.without_signer(Chain::new(vec![asked.clone()]), &log));
    let token = cluster.token(TokenBounds::default()).await;
    Machine::new("w1")
        .ask(cluster.token_client(&token), "r1")
        .await;
    cluster.until_reviewed("r1", "Deferred").await;
    tokio::time::sleep(CALM).await;
    assert_eq!(asked.calls.load(Ordering::SeqCst), 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guardrails_come_first_and_no_approver_is_asked() {
    let cluster = Cluster::start().await;
    cluster.node("w1").await;
    let asked = scripted("asked", |_| Ok(Verdict::Approve));
    let log = cluster.log("log");
    let running = cluster.run(cluster.without_signer(Chain::new(vec![asked.clone()]), &log));
    let token = cluster.token(TokenBounds::default()).await;
    Machine::new("w1")
        .ask(cluster.token_client(&token), "r1")
        .await;
    let request = cluster.until("r1", Standing::Denied).await;
    let (reason, message) = condition(&request, "Denied").unwrap();
    insta::assert_snapshot!(format!("{reason}: {message}"), @"GuardrailBroken: guardrails: node-is-new: a node named w1 exists");
    assert_eq!(asked.calls.load(Ordering::SeqCst), 0);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_to_other_signers_are_not_touched() {
    let cluster = Cluster::start().await;
    let running = cluster.run(cluster.controllers(vec![deny()]));
    let mut request = Machine::new("w1").request("r1");
    request.spec.signer_name = "example.com/other".to_owned();
    let before = submit(cluster.client(), &request).await;
    // One that is ours and comes later is decided by then.
    Machine::new("w2").ask(cluster.client(), "r2").await;
    cluster.until("r2", Standing::Denied).await;
    let after = cluster.request("r1").await;
    assert_eq!(
        after.metadata.resource_version,
        before.metadata.resource_version
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_looks_on_decides_nothing_and_is_compared() {
    let cluster = Cluster::start().await;
    let log = cluster.log("log");
    let chain = Chain::new(vec![approve()]).with_shadow(vec![deny(), abstain(), fail()]);
    let running = cluster.run(cluster.without_signer(chain, &log));
    let token = cluster.token(TokenBounds::default()).await;
    Machine::new("w1")
        .ask(cluster.token_client(&token), "r1")
        .await;
    cluster.until("r1", Standing::Approved).await;
    running.stop().await;
    let records = cluster.records("log");
    let opinions: Vec<_> = records[0]
        .entry
        .opinions
        .iter()
        .map(|opinion| (opinion.plugin.as_str(), opinion.shadow, opinion.disagrees))
        .collect();
    let expected = [
        ("approve", false, false),
        ("deny", true, true),
        ("abstain", true, false),
        ("fail", true, false),
    ];
    assert_eq!(opinions, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_from_one_token_starves_nobody() {
    let cluster = Cluster::start().await;
    let flood = cluster.token(TokenBounds::default()).await;
    let flooder = cluster.token_client(&flood);
    let machine = Machine::new("w1");
    for number in 0..300 {
        machine
            .ask(flooder.clone(), &format!("flood-{number:03}"))
            .await;
    }
    let other = cluster.token(TokenBounds::default()).await;
    Machine::new("w2")
        .ask(cluster.token_client(&other), "other")
        .await;
    let slow = scripted("slow", |_| {
        std::thread::sleep(Duration::from_millis(5));
        Ok(Verdict::Defer("wait".to_owned()))
    });
    let log = cluster.log("log");
    let running = cluster.run(cluster.without_signer(Chain::new(vec![slow.clone()]), &log));
    cluster.until_reviewed("other", "Deferred").await;
    let asked = slow.calls.load(Ordering::SeqCst);
    assert!(asked < 100, "{asked} requests of the flood came first");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_decided_that_cannot_be_written_down() {
    let cluster = Cluster::start().await;
    let log = cluster.log("log");
    // The file is full, and the next one cannot be made.
    let large = Entry {
        stage: Stage::Done,
        action: Action::Defer,
        by: None,
        reason: "x".repeat(17 * 1024 * 1024),
        subject: Subject {
            name: "earlier".to_owned(),
            uid: String::new(),
            request: Sha256Digest::of(b""),
            signer_name: String::new(),
            node: None,
            key: None,
            usages: Vec::new(),
            hosts: Vec::new(),
            expiration_seconds: None,
            requester: String::new(),
            groups: Vec::new(),
            token_uid: None,
            source_address: None,
        },
        guardrails: Vec::new(),
        opinions: Vec::new(),
        certificate: None,
        recording: None,
    };
    log.record(large).await.unwrap();
    let next = cluster.log_folder("log").join("decisions-000002.jsonl");
    std::fs::create_dir(&next).unwrap();

    let signing = Signing::new(Arc::clone(&cluster.authority));
    let controllers = cluster
        .without_signer(Chain::new(vec![approve()]), &log)
        .csr_signer(signing, log.clone());
    let running = cluster.run(controllers);
    let token = cluster.token(TokenBounds::default()).await;
    Machine::new("w1")
        .ask(cluster.token_client(&token), "r1")
        .await;
    let told = cluster.until_reviewed("r1", "Retrying").await;
    assert!(
        told.starts_with("the decision could not be written down: "),
        "{told}"
    );
    assert_eq!(standing(&cluster.request("r1").await), Standing::Open);

    std::fs::remove_dir(&next).unwrap();
    cluster.until("r1", Standing::Issued).await;
    running.stop().await;
    assert_eq!(cluster.records("log").len(), 5);
}
