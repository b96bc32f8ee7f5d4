//! What a person does with requests.

use std::time::Duration;

use futures::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DeleteParams};
use slipway_config::finding::Outcome;
use slipway_config::token::TokenBounds;
use slipway_controller::ledger::Ledgers;
use slipway_controller::requests::{RequestChange, RequestError, Requests};
use slipway_controller::{Error, Standing};

use crate::approvers::{abstain, approve, defer};
use crate::cluster::{Cluster, Machine, new_token, submit, uses};

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_listed_shown_approved_and_denied() {
    let cluster = Cluster::start().await;
    let running = cluster.run(cluster.controllers(vec![abstain()]));
    let requests = Requests::new(cluster.client());
    let token = cluster.token(TokenBounds::default()).await;
    let machine = Machine::new("w1");
    machine.ask(cluster.token_client(&token), "r1").await;
    Machine::new("w2")
        .ask(cluster.token_client(&token), "r2")
        .await;
    cluster.until_reviewed("r1", "Deferred").await;
    cluster.until_reviewed("r2", "Deferred").await;

    let listed = requests.list().await.unwrap();
    let names: Vec<_> = listed
        .iter()
        .map(|request| (request.name.as_str(), request.node.as_deref()))
        .collect();
    assert_eq!(names, [("r1", Some("w1")), ("r2", Some("w2"))]);
    assert_eq!(listed[0].standing, Standing::Open);
    assert_eq!(listed[0].reason.as_deref(), Some("Deferred"));

    let shown = requests.show("r1").await.unwrap();
    assert_eq!(shown.passes_guardrails, Some(true));
    assert!(
        shown
            .findings
            .iter()
            .any(|finding| finding.rule == "node-is-new")
    );
    let parsed = shown.parsed.unwrap();
    assert_eq!(
        parsed.key_fingerprint,
        machine.key.public_key().fingerprint().to_string()
    );
    assert_eq!(parsed.common_names, ["system:node:w1"]);

    let approved = requests.approve("r1", "anna").await.unwrap();
    assert_eq!(approved.standing, Standing::Approved);
    assert_eq!(approved.message.as_deref(), Some("approved by anna"));
    cluster.until("r1", Standing::Issued).await;
    assert!(
        requests
            .show("r1")
            .await
            .unwrap()
            .certificate
            .unwrap()
            .starts_with("-----BEGIN CERTIFICATE")
    );
    let denied = requests
        .deny("r2", "anna", Some("not our machine"))
        .await
        .unwrap();
    assert_eq!(
        (denied.standing, denied.message.as_deref()),
        (Standing::Denied, Some("denied by anna: not our machine"))
    );

    insta::assert_snapshot!(requests.approve("r2", "anna").await.unwrap_err(), @"the request r2 is denied already, and that is final");
    insta::assert_snapshot!(requests.deny("r1", "anna", Some("late")).await.unwrap_err(), @"the request r1 is issued already, and that is final");
    insta::assert_snapshot!(requests.approve("r3", "anna").await.unwrap_err(), @r#"there is no certificate signing request "r3""#);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_refused_anyway_cannot_be_approved() {
    let cluster = Cluster::start().await;
    let requests = Requests::new(cluster.client());
    let token = cluster.token(TokenBounds::default()).await;
    cluster.node("taken").await;
    Machine::new("taken")
        .ask(cluster.token_client(&token), "taken")
        .await;
    insta::assert_snapshot!(requests.approve("taken", "anna").await.unwrap_err(), @"the request taken cannot be approved: a node named taken exists");
    let mut foreign = Machine::new("w1").request("foreign");
    foreign.spec.signer_name = "example.com/other".to_owned();
    submit(cluster.client(), &foreign).await;
    insta::assert_snapshot!(requests.approve("foreign", "anna").await.unwrap_err(), @"the request foreign is for the signer example.com/other, which Slipway does not serve");

    let running = cluster.run(cluster.controllers(vec![approve()]));
    Machine::new("w2")
        .ask(cluster.token_client(&token), "first")
        .await;
    cluster.until("first", Standing::Issued).await;
    Machine::new("w2")
        .ask(cluster.token_client(&token), "second")
        .await;
    cluster.until_reviewed("second", "NameClaimed").await;
    let claimed = requests.approve("second", "anna").await.unwrap_err();
    assert!(
        matches!(claimed, RequestError::NameClaimed { .. }),
        "{claimed}"
    );
    let shown = requests.show("second").await.unwrap();
    assert_eq!(shown.findings[0].rule, "name-unclaimed");
    assert_eq!(shown.findings[0].outcome, Outcome::Failed);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn through_a_token_that_is_gone_nothing_is_approved_before_it_is_known_how_it_ended() {
    // No controller runs that would write down how a token ended: the guardrails see for themselves.
    let cluster = Cluster::start().await;
    let requests = Requests::new(cluster.client());
    let secrets: Api<Secret> = Api::namespaced(cluster.client(), "kube-system");
    let ask_and_delete = async |request: &str, lifetime: SignedDuration| {
        let mut new = new_token(TokenBounds::default());
        new.expires = Some(Timestamp::now() + lifetime);
        let token = cluster.tokens().create(&new).await.unwrap();
        let machine = Machine::new(request);
        machine.ask(cluster.token_client(&token), request).await;
        let name = new.token.id.secret_name();
        secrets
            .delete(&name, &DeleteParams::default())
            .await
            .unwrap();
        token
    };
    ask_and_delete("deleted", SignedDuration::from_hours(1)).await;
    let refused = requests.approve("deleted", "anna").await.unwrap_err();
    assert!(
        refused.to_string().contains("it was deleted at"),
        "{refused}"
    );

    let token = ask_and_delete("over", SignedDuration::from_secs(2)).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let unsettled = requests.approve("over", "anna").await.unwrap_err();
    assert!(
        matches!(&unsettled, RequestError::Cluster(Error::Unsettled(id)) if *id == token.id),
        "{unsettled}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_to_decide_sees_that_another_key_has_the_name() {
    let cluster = Cluster::start().await;
    let running = cluster.run(cluster.controllers(vec![defer()]));
    let requests = Requests::new(cluster.client());
    let token = cluster.token(TokenBounds::default()).await;
    for request in ["first", "second"] {
        Machine::new("w1")
            .ask(cluster.token_client(&token), request)
            .await;
        if request == "first" {
            cluster.until_reviewed("first", "Deferred").await;
            requests.approve("first", "anna").await.unwrap();
            cluster.until("first", Standing::Issued).await;
        }
    }
    let told = cluster.until_reviewed("second", "NameClaimed").await;
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines[0], "defer: a person must decide");
    assert!(
        lines[1].starts_with("name-unclaimed: the name w1 is claimed by another key"),
        "{told}"
    );
    assert!(lines[2].starts_with("  find out which machine"), "{told}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_seen_as_they_come() {
    let cluster = Cluster::start().await;
    let token = cluster.token(TokenBounds::default()).await;
    Machine::new("w1")
        .ask(cluster.token_client(&token), "r1")
        .await;
    let requests = Requests::new(cluster.client());
    let mut changes = Box::pin(requests.watch());
    let mut next = async || changes.next().await.unwrap().unwrap();
    let RequestChange::Changed(first) = next().await else {
        panic!("not there");
    };
    assert_eq!(
        (first.name.as_str(), first.standing),
        ("r1", Standing::Open)
    );
    requests.deny("r1", "anna", Some("no")).await.unwrap();
    let RequestChange::Changed(denied) = next().await else {
        panic!("not denied");
    };
    assert_eq!(denied.standing, Standing::Denied);
    cluster
        .requests()
        .delete("r1", &Default::default())
        .await
        .unwrap();
    assert!(matches!(next().await, RequestChange::Deleted(_)));
}

/// Whoever looks need not be allowed to write, and leaves no trace; whoever decides makes what the decision rests upon.
#[tokio::test(flavor = "multi_thread")]
async fn looking_writes_nothing_and_deciding_keeps_the_ledger() {
    let cluster = Cluster::start().await;
    let token = cluster.token(uses(1)).await;
    let ledgers = Ledgers::new(cluster.client(), cluster.clock());
    let made = ledgers.get(&token.uid).await.unwrap().unwrap();
    ledgers.remove(&made).await.unwrap();
    Machine::new("w1")
        .ask(cluster.token_client(&token), "r1")
        .await;

    let requests = Requests::new(cluster.client());
    let shown = requests.show("r1").await.unwrap();
    assert_eq!(shown.passes_guardrails, Some(true), "{shown:?}");
    assert!(ledgers.get(&token.uid).await.unwrap().is_none());

    requests.approve("r1", "ann").await.unwrap();
    let kept = ledgers.get(&token.uid).await.unwrap().unwrap();
    assert_eq!(kept.ledger().bounds(), &token.bounds);
}
