//! Tokens: made, listed, used, expired, revoked.

use std::time::Duration;

use jiff::SignedDuration;
use k8s_openapi::api::certificates::v1::CertificateSigningRequestCondition;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DeleteParams, PostParams};
use serde_json::json;
use slipway_config::token::{TokenBounds, TokenUsages};
use slipway_controller::chain::Chain;
use slipway_controller::decision_log::{Action, Record};
use slipway_controller::ledger::Ledgers;
use slipway_controller::tokens::{ListedToken, NewToken, SourceAddresses, TokenAdminError};
use slipway_controller::{Standing, TokenAdmin};
use slipway_pki::decision::ledger::RESERVATION_LIMIT;

use crate::approvers::{abstain, approve};
use crate::cluster::{CALM, Cluster, Machine, condition, eventually, new_token, uses};

fn secrets(cluster: &Cluster) -> Api<Secret> {
    Api::namespaced(cluster.client(), "kube-system")
}

fn ledgers(cluster: &Cluster) -> Ledgers {
    Ledgers::new(cluster.client(), cluster.clock())
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_made_listed_and_deleted() {
    let cluster = Cluster::start().await;
    let new = NewToken {
        bounds: TokenBounds {
            node: Some("w1".parse().unwrap()),
            uses: Some(2),
            cidrs: vec!["10.0.0.0/8".parse().unwrap()],
        },
        ..new_token(TokenBounds::default())
    };
    let made = cluster.tokens().create(&new).await.unwrap();
    assert_eq!(made.id, new.token.id.to_string());
    assert_eq!(made.bounds, new.bounds);
    assert_eq!((made.used, made.uses_left), (0, Some(2)));
    assert_eq!(made.usages, ["signing", "authentication"]);
    assert_eq!(made.problem, None);
    assert_eq!(
        cluster.tokens().list().await.unwrap(),
        std::slice::from_ref(&made)
    );
    let text = format!("{made:?}{}", serde_json::to_string(&made).unwrap());
    assert!(!text.contains(new.token.secret.expose()));

    let again = cluster.tokens().create(&new).await.unwrap_err();
    assert!(matches!(again, TokenAdminError::Exists(_)), "{again}");
    cluster.tokens().delete(&new.token.id).await.unwrap();
    assert_eq!(cluster.tokens().list().await.unwrap(), []);
    let gone = cluster.tokens().delete(&new.token.id).await.unwrap_err();
    assert!(matches!(gone, TokenAdminError::NotFound(_)), "{gone}");
    // The ledger outlives it, revoked.
    let ledger = ledgers(&cluster).get(&made.uid).await.unwrap().unwrap();
    assert!(ledger.ledger().revoked().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_make_no_sense_are_refused() {
    let cluster = Cluster::start().await;
    let admin = TokenAdmin::new(cluster.client());
    let refused = |new: NewToken| {
        let admin = admin.clone();
        async move { admin.create(&new).await.unwrap_err() }
    };
    let cidrs = TokenBounds {
        cidrs: vec!["10.0.0.0/8".parse().unwrap()],
        ..TokenBounds::default()
    };
    insta::assert_snapshot!(refused(new_token(cidrs)).await, @"the token cannot be bound to networks: this API server does not tell where a request comes from, only the embedded API does");
    insta::assert_snapshot!(refused(new_token(uses(4001))).await, @"the token cannot be limited to 4001 uses; expected at most 4000: who used it is kept in one object of the API");
    insta::assert_snapshot!(refused(new_token(uses(0))).await, @"the token could not be used at all: it is limited to 0 uses; expected at least 1");
    let mut past = new_token(TokenBounds::default());
    past.expires = past
        .expires
        .map(|expires| expires - SignedDuration::from_hours(48));
    assert!(matches!(
        refused(past).await,
        TokenAdminError::AlreadyExpired { .. }
    ));
    let mut signing = new_token(uses(1));
    signing.usages = TokenUsages {
        authentication: false,
        ..TokenUsages::ALL
    };
    assert!(matches!(
        refused(signing).await,
        TokenAdminError::BoundsWithoutAuthentication
    ));
    assert_eq!(admin.list().await.unwrap(), []);
    let _ = admin.source_addresses(SourceAddresses::Seen);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_is_noted_then_deleted_and_a_person_may_still_approve() {
    let cluster = Cluster::start().await;
    let running = cluster.run(cluster.controllers(vec![approve()]));
    let mut new = new_token(uses(3));
    new.expires = Some((cluster.clock())() + SignedDuration::from_secs(2));
    let token = cluster.tokens().create(&new).await.unwrap();
    running.stop().await;
    Machine::new("w1")
        .ask(cluster.token_client(&token), "r1")
        .await;
    cluster.advance(Duration::from_secs(3));

    let log = cluster.log("second");
    let chain = slipway_controller::Chain::new(vec![approve()]);
    let running = cluster.run(cluster.without_signer(chain, &log).csr_signer(
        slipway_controller::Signing::new(cluster.authority.clone()),
        log.clone(),
    ));
    eventually(|| async {
        secrets(&cluster)
            .get_opt(&new.token.id.secret_name())
            .await
            .unwrap()
            .is_none()
            .then_some(())
    })
    .await
    .expect("the token was not deleted");
    let ledger = ledgers(&cluster).get(&token.uid).await.unwrap().unwrap();
    assert!(ledger.is_marked_expired());
    assert_eq!(ledger.ledger().revoked(), None);
    let told = cluster.until_reviewed("r1", "Deferred").await;
    assert!(
        told.contains("was valid when the request was submitted and expired at"),
        "{told}"
    );
    let approved = slipway_controller::requests::Requests::new(cluster.client())
        .approve("r1", "an operator")
        .await;
    assert_eq!(approved.unwrap().standing, Standing::Approved);
    cluster.until("r1", Standing::Issued).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_through_a_deleted_token_is_denied() {
    let cluster = Cluster::start().await;
    let running = cluster.run(cluster.controllers(vec![abstain()]));
    let by_hand = cluster.token(TokenBounds::default()).await;
    let by_admin = cluster.token(TokenBounds::default()).await;
    let kept = cluster.token(TokenBounds::default()).await;
    for (name, token) in [("hand", &by_hand), ("admin", &by_admin), ("kept", &kept)] {
        Machine::new(name)
            .ask(cluster.token_client(token), name)
            .await;
        cluster.until_reviewed(name, "Deferred").await;
    }
    let name = format!("bootstrap-token-{}", by_hand.id);
    secrets(&cluster)
        .delete(&name, &DeleteParams::default())
        .await
        .unwrap();
    cluster
        .tokens()
        .delete(&by_admin.id.parse().unwrap())
        .await
        .unwrap();
    for name in ["hand", "admin"] {
        let denied = cluster.until(name, Standing::Denied).await;
        let (_, message) = condition(&denied, "Denied").unwrap();
        assert!(message.contains("it was deleted at"), "{message}");
    }
    cluster.until_reviewed("kept", "Deferred").await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_deleted_while_nobody_looked_on_is_revoked() {
    let cluster = Cluster::start().await;
    let token = cluster.token(TokenBounds::default()).await;
    Machine::new("w1")
        .ask(cluster.token_client(&token), "r1")
        .await;
    let name = format!("bootstrap-token-{}", token.id);
    secrets(&cluster)
        .delete(&name, &DeleteParams::default())
        .await
        .unwrap();
    // A token of the same ID, made since, is another one.
    let mut again = new_token(TokenBounds::default());
    again.token.id = token.id.parse().unwrap();
    cluster.tokens().create(&again).await.unwrap();
    let running = cluster.run(cluster.controllers(vec![approve()]));
    let denied = cluster.until("r1", Standing::Denied).await;
    let (_, message) = condition(&denied, "Denied").unwrap();
    assert!(message.contains("it was deleted at"), "{message}");
    eventually(|| async {
        let ledger = ledgers(&cluster).get(&token.uid).await.unwrap().unwrap();
        ledger.ledger().revoked().map(|_| ())
    })
    .await
    .expect("it was not revoked");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bounds_survive_the_token_and_hold() {
    let cluster = Cluster::start().await;
    let running = cluster.run(cluster.controllers(vec![approve()]));
    let bounds = TokenBounds {
        node: Some("w1".parse().unwrap()),
        ..TokenBounds::default()
    };
    let token = cluster.token(bounds).await;
    Machine::new("w2")
        .ask(cluster.token_client(&token), "other")
        .await;
    let denied = cluster.until("other", Standing::Denied).await;
    let (_, message) = condition(&denied, "Denied").unwrap();
    assert!(
        message.contains("it is for the node w1 only, not for w2"),
        "{message}"
    );
    Machine::new("w1")
        .ask(cluster.token_client(&token), "own")
        .await;
    cluster.until("own", Standing::Issued).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_held_to_its_networks() {
    let cluster = Cluster::start().await;
    let running = cluster.run(cluster.controllers(vec![approve()]));
    let bounds = TokenBounds {
        cidrs: vec!["10.1.0.0/16".parse().unwrap()],
        ..TokenBounds::default()
    };
    let token = cluster.token(bounds).await;
    let from = |address| cluster.token_client_from(&token, address);
    Machine::new("w1")
        .ask(from(Some("10.1.2.3")), "inside")
        .await;
    Machine::new("w2")
        .ask(from(Some("10.2.0.1")), "outside")
        .await;
    Machine::new("w3").ask(from(None), "unknown").await;
    let told = |request| condition(&request, "Denied").unwrap().1;
    insta::assert_snapshot!(told(cluster.until("outside", Standing::Denied).await), @"guardrails: token-source: the token may not be used from 10.2.0.1");
    insta::assert_snapshot!(told(cluster.until("unknown", Standing::Denied).await), @"guardrails: token-source: the token is bound to source addresses, and this request's is not known");
    cluster.until("inside", Standing::Issued).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_another_cleaner_took_away_in_time_has_expired() {
    let cluster = Cluster::start().await;
    let log = cluster.log("log");
    let approver = || {
        slipway_controller::Controllers::builder(cluster.client())
            .clock(cluster.clock())
            .policy(slipway_controller::Chain::new(vec![abstain()]))
            .approver(log.clone())
    };
    let running = cluster.run(approver());
    let token = cluster.token(TokenBounds::default()).await;
    Machine::new("w1")
        .ask(cluster.token_client(&token), "r1")
        .await;
    cluster.until_reviewed("r1", "Deferred").await;
    cluster.advance(Duration::from_secs(25 * 3600));
    let name = format!("bootstrap-token-{}", token.id);
    secrets(&cluster)
        .delete(&name, &DeleteParams::default())
        .await
        .unwrap();
    let marked = eventually(|| async {
        let ledger = ledgers(&cluster).get(&token.uid).await.unwrap().unwrap();
        ledger.is_marked_expired().then_some(ledger)
    });
    assert_eq!(
        marked.await.expect("it was not noted").ledger().revoked(),
        None
    );
    tokio::time::sleep(CALM).await;
    assert_eq!(
        slipway_controller::standing(&cluster.request("r1").await),
        Standing::Open
    );
    running.stop().await;

    // Long afterwards nothing is left of it.
    cluster.advance(Duration::from_secs(8 * 24 * 3600));
    let running = cluster.run(approver());
    eventually(|| async {
        ledgers(&cluster)
            .get(&token.uid)
            .await
            .unwrap()
            .is_none()
            .then_some(())
    })
    .await
    .expect("the ledger stayed");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_is_remembered_for_as_long_as_it_could_come_back() {
    let cluster = Cluster::start().await;
    let mut endless = new_token(TokenBounds::default());
    endless.expires = None;
    let ends = new_token(TokenBounds::default());
    let mut uids = Vec::new();
    for new in [&endless, &ends] {
        uids.push(cluster.tokens().create(new).await.unwrap().uid);
        cluster.tokens().delete(&new.token.id).await.unwrap();
    }
    cluster.advance(Duration::from_secs(9 * 24 * 3600));
    let running = cluster.run(cluster.controllers(vec![]));
    let ledgers = ledgers(&cluster);
    eventually(|| async {
        let found = ledgers.get(&uids[1]).await.unwrap();
        found.is_none().then_some(())
    })
    .await
    .expect("the ledger stayed");
    assert!(ledgers.get(&uids[0]).await.unwrap().is_some());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_somebody_else_wrote_tells_its_bounds() {
    let cluster = Cluster::start().await;
    let running = cluster.run(cluster.controllers(vec![approve()]));
    let new = new_token(TokenBounds::default());
    let secret = serde_json::json!({
        "apiVersion": "v1", "kind": "Secret", "type": "bootstrap.kubernetes.io/token",
        "metadata": {
            "name": new.token.id.secret_name(),
            "annotations": {"slipway.dev/token-bounds": r#"{"node":"w1"}"#},
        },
        "stringData": {
            "token-id": new.token.id.to_string(),
            "token-secret": new.token.secret.expose(),
            "usage-bootstrap-authentication": "true",
        },
    });
    let made = secrets(&cluster)
        .create(
            &PostParams::default(),
            &serde_json::from_value(secret).unwrap(),
        )
        .await
        .unwrap();
    let uid = made.metadata.uid.unwrap();
    let token = eventually(|| async {
        let listed = cluster.tokens().list().await.unwrap();
        listed.into_iter().find(|token| token.uid == uid)
    })
    .await
    .unwrap();
    Machine::new("w2")
        .ask(cluster.token_client(&token), "other")
        .await;
    let denied = cluster.until("other", Standing::Denied).await;
    let (_, message) = condition(&denied, "Denied").unwrap();
    assert!(message.contains("for the node w1 only"), "{message}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_somebody_else_signs_an_approval_uses_a_token_up_for_good() {
    let cluster = Cluster::start().await;
    let log = cluster.log("log");
    let running = cluster.run(cluster.without_signer(Chain::new(vec![approve()]), &log));
    let token = cluster.token(uses(1)).await;
    Machine::new("w1")
        .ask(cluster.token_client(&token), "r1")
        .await;
    cluster.until("r1", Standing::Approved).await;
    let listed = cluster.tokens().list().await.unwrap();
    assert_eq!((listed[0].used, listed[0].uses_left), (1, Some(0)));

    // A reservation would be over by then.
    cluster.advance(RESERVATION_LIMIT + Duration::from_secs(60));
    Machine::new("w2")
        .ask(cluster.token_client(&token), "r2")
        .await;
    cluster.until("r2", Standing::Denied).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_somebody_else_signs_what_a_person_approves_counts_once() {
    let cluster = Cluster::start().await;
    let log = cluster.log("log");
    let controllers = || cluster.without_signer(Chain::new(vec![abstain()]), &log);
    let running = cluster.run(controllers());
    let limited = cluster.token(uses(1)).await;
    let unlimited = cluster.token(TokenBounds::default()).await;
    let approve = async |node: &str, token: &ListedToken| {
        Machine::new(node)
            .ask(cluster.token_client(token), node)
            .await;
        approve_by_hand(&cluster, node, "SlipwayApprove").await;
    };
    let recorded = async |count| {
        let is_approval = |record: &&Record| record.entry.action == Action::Approve;
        eventually(|| async {
            let approvals = cluster.records("log").iter().filter(is_approval).count();
            (approvals == count).then_some(())
        })
        .await
        .unwrap_or_else(|| panic!("the log never had {count} approvals"));
    };
    let used = async || {
        let listed = cluster.tokens().list().await.unwrap();
        let of = |id| listed.iter().find(|token| token.id == id).unwrap().used;
        (of(limited.id.clone()), of(unlimited.id.clone()))
    };
    approve("w1", &limited).await;
    approve("w2", &unlimited).await;
    recorded(2).await;
    assert_eq!(used().await, (1, 1));
    assert!(cluster.claim("w1").await.is_some());
    running.stop().await;

    let running = cluster.run(controllers());
    approve("w3", &unlimited).await;
    recorded(3).await;
    running.stop().await;
    assert_eq!(used().await, (1, 2), "what was counted before is not again");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_approved_unseen_is_counted_whoever_it_says_it_was_and_claims_no_name() {
    let cluster = Cluster::start().await;
    let log = cluster.log("log");
    let controllers = || cluster.without_signer(Chain::new(vec![abstain()]), &log);
    let running = cluster.run(controllers());
    let token = cluster.token(uses(2)).await;
    Machine::new("w1")
        .ask(cluster.token_client(&token), "w1")
        .await;
    cluster.until_reviewed("w1", "Deferred").await;
    running.stop().await;
    approve_by_hand(&cluster, "w1", "ApprovedBySlipway").await;

    cluster.advance(Duration::from_secs(600));
    let running = cluster.run(controllers());
    eventually(|| async {
        let listed = cluster.tokens().list().await.unwrap();
        (listed[0].used == 1).then_some(())
    })
    .await
    .expect("what was approved was never counted");
    running.stop().await;
    assert!(cluster.claim("w1").await.is_none());
}

/// As kubectl does it, for whatever reason is given.
async fn approve_by_hand(cluster: &Cluster, name: &str, reason: &str) {
    let approved: CertificateSigningRequestCondition = serde_json::from_value(json!({
        "type": "Approved", "status": "True", "reason": reason, "lastUpdateTime": (cluster.clock())(),
    }))
    .unwrap();
    // Where the approver says something about it in between, it is approved again.
    let written = eventually(|| async {
        let mut request = cluster.request(name).await;
        let status = request.status.get_or_insert_default();
        let conditions = status.conditions.get_or_insert_default();
        conditions.push(approved.clone());
        cluster
            .requests()
            .replace_subresource("approval", name, &PostParams::default(), &request)
            .await
            .ok()
    });
    written.await.expect("it was never approved");
}
