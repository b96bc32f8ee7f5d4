use std::time::Duration;

use serde_json::json;
use slipway_sdk::csr_approver::{SERVING_SIGNER, TokenFacts};
use slipway_sdk::settings;
use slipway_sdk::testing::{bootstrap_request, renewal_request};

use super::*;

fn plugin(settings: serde_json::Value) -> Result<ApproveNodeClient, SettingErrors> {
    ApproveNodeClient::configure(settings::parse(settings)?)
}

fn review(settings: serde_json::Value, request: &CertificateRequest) -> Review {
    plugin(settings).unwrap().review(request).unwrap()
}

fn bounded(bound: impl FnOnce(&mut TokenFacts)) -> CertificateRequest {
    let mut request = bootstrap_request("worker-1", "abcdef");
    bound(request.token.as_mut().unwrap());
    request
}

/// The verdict, and the rule that was applied last.
fn outcome(review: &Review) -> (&Verdict, &str, Outcome) {
    let last = review.findings.last().unwrap();
    (&review.verdict, &last.rule, last.outcome)
}

#[test]
fn a_new_node_within_its_tokens_bounds_is_approved() {
    let request = bounded(|token| {
        token.node = Some("worker-1".to_owned());
        token.uses = Some(2);
        token.uses_left = Some(1);
    });
    let review = review(json!({}), &request);
    assert_eq!(review.verdict, Verdict::Approve);
    let rules: Vec<_> = review
        .findings
        .iter()
        .map(|finding| finding.rule.as_str())
        .collect();
    assert_eq!(
        rules,
        [
            "client-certificate",
            "bootstrap-token",
            "token-alive",
            "token-for-node",
            "token-uses-left",
            "node-name-allowed"
        ]
    );
    assert!(
        review
            .findings
            .iter()
            .all(|finding| finding.outcome == Outcome::Passed)
    );
}

#[test]
fn other_requests_are_left_to_others() {
    let serving = CertificateRequest {
        signer_name: SERVING_SIGNER.to_owned(),
        ..bootstrap_request("worker-1", "abcdef")
    };
    let mut no_group = bootstrap_request("worker-1", "abcdef");
    no_group.requester.groups.clear();
    for request in [serving, no_group, renewal_request("worker-1")] {
        assert_eq!(
            review(json!({}), &request).verdict,
            Verdict::Abstain,
            "{request:?}"
        );
    }
}

#[test]
fn a_token_for_another_node_is_denied() {
    let review = review(
        json!({}),
        &bounded(|token| token.node = Some("worker-2".to_owned())),
    );
    let reason = "the token is for node worker-2, not for worker-1".to_owned();
    assert_eq!(
        outcome(&review),
        (&Verdict::Deny(reason), "token-for-node", Outcome::Failed)
    );
}

#[test]
fn what_may_change_is_deferred() {
    let created = bootstrap_request("worker-1", "abcdef").created;
    let mut forgotten = bootstrap_request("worker-1", "abcdef");
    forgotten.token = None;
    for (request, rule) in [
        (
            bounded(|token| token.uses_left = Some(0)),
            "token-uses-left",
        ),
        (
            bounded(|token| token.expires = Some(created)),
            "token-alive",
        ),
        (
            bounded(|token| token.id = "ghijkl".to_owned()),
            "bootstrap-token",
        ),
        (forgotten, "bootstrap-token"),
    ] {
        let review = review(json!({}), &request);
        let (verdict, last, _) = outcome(&review);
        assert!(matches!(verdict, Verdict::Defer(_)), "{review:?}");
        assert_eq!(last, rule);
    }
    let just_in_time = bounded(|token| token.expires = Some(created + Duration::from_secs(1)));
    assert_eq!(review(json!({}), &just_in_time).verdict, Verdict::Approve);
}

#[test]
fn names_can_be_narrowed() {
    let request = bootstrap_request("worker-1", "abcdef");
    let names = json!({"names": ["edge-*", "worker-1"]});
    assert_eq!(review(names, &request).verdict, Verdict::Approve);

    let reason = || "worker-1 is none of the names that are approved without a person".to_owned();
    let review_of_other = review(json!({"names": ["edge-*"]}), &request);
    assert_eq!(
        outcome(&review_of_other),
        (
            &Verdict::Defer(reason()),
            "node-name-allowed",
            Outcome::Failed
        )
    );
    let denying = json!({"names": ["edge-*"], "otherName": "deny"});
    assert_eq!(review(denying, &request).verdict, Verdict::Deny(reason()));
}

#[test]
fn settings_that_make_no_sense_are_named() {
    let error = plugin(json!({"names": ["worker-*", "Worker", ""]})).unwrap_err();
    let paths: Vec<_> = error
        .as_slice()
        .iter()
        .map(|error| error.path.as_str())
        .collect();
    assert_eq!(paths, ["names[1]", "names[2]"]);

    let error = plugin(json!({"otherName": "Deny"}))
        .unwrap_err()
        .to_string();
    assert!(error.ends_with("did you mean \"deny\"?"), "{error}");
    let error = plugin(json!({"name": []})).unwrap_err().to_string();
    assert!(error.ends_with("did you mean \"names\"?"), "{error}");
}
